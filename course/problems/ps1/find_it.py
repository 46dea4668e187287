"""One wrong line in the way there and back."""

from random import Random

from ..questions import Values
from ..variants import Code, numbered, reals, say, signs, values

LOW, HIGH = -128, 127


def find_it(draw: Random) -> Values:
    s, z = draw.choice((0.5, 2.0, 4.0)), draw.choice((-37, -21, 18, 34))
    lines = _lines(s, z)
    where, bug, x = draw.choice(_bugs(s, z, fraction=draw.choice((10.7, 30.7))))
    wrong = [bug if k == where else line for k, line in enumerate(lines, start=1)]
    gives, should = _run(wrong, x), _run(lines, x)
    swapped, says = "the two are swapped", "One is what it returns with its bug, the other what it would without."
    return Values(
        title="Find the bug",
        text=_text(s, z, x),
        source=values(
            {"bug_line": where, "bug_gives": gives, "bug_should": should},
            numbered("there_and_back(x)", wrong, returns="r"),
        ),
        right={"bug_line": (where, 2), "bug_gives": (gives, 1), "bug_should": (should, 1)},
        mistakes={"bug_gives": {should: swapped}, "bug_should": {gives: swapped}},
        says={swapped: says},
    )


def _lines(s: float, z: int) -> list[str]:
    return [
        f"v = x / {s}",
        signs(f"v = torch.round(v + {z})"),
        f"v = v.clamp({LOW}, {HIGH})",
        "q = v.to(torch.int8)",
        signs(f"r = {s} * (q.float() - {z})"),
    ]


def _bugs(s: float, z: int, fraction: float) -> list[tuple[int, str, float]]:
    """Return wrong lines: their number, their text, and an x for which they show."""
    beyond, inside = s * (HIGH + 20.0 - z), s * (fraction - z)
    top = s * (HIGH - z) if z < 0 else s * (LOW - z)
    return [
        (1, f"v = x * {s}", inside),
        (2, signs(f"v = torch.trunc(v + {z})"), inside),
        (2, signs(f"v = torch.round(v - {z})"), inside),
        (3, f"v = v.clamp(0, {HIGH})", s * (-30.0 - z)),
        (3, f"v = v.clamp({-HIGH}, {HIGH})", s * (LOW - z)),
        (5, signs(f"r = {s} * (q - {z})"), top),
        (5, signs(f"r = {s} * q.float() - {z}"), beyond),
    ]


def _run(lines: list[str], x: float) -> float:
    return Code("there_and_back(x)", "\n".join([*lines, "return r.item()"]))(reals([x]))


def _text(s: float, z: int, x: float) -> str:
    return f"""
`there_and_back` should take a float32 tensor to int8 codes and back, with s = {say(s)} and z = {say(z)}.
The grid is the full one, from −128 to 127. **One line is wrong.** The comments count the lines.

Hand in

- `bug_line`: the number of the wrong line;
- `bug_gives`: what the function returns for [{say(x)}], as a number;
- `bug_should`: what it should return.
"""
