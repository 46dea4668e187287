"""An input on which a scale is far too small."""

from random import Random
from typing import NamedTuple

from ..questions import Break
from ..variants import judge, nested, say, values


class Scale(NamedTuple):
    """A wrong scale: its formula, what an input must be, in code and in words, and what is said of others."""

    formula: str
    condition: str
    words: str
    refusal: str


SCALES = {
    "max": Scale("x.max() / {top}", "x.max() > 0", "at least one of them positive", "no number is positive"),
    "min": Scale("-x.min() / {top}", "x.min() < 0", "at least one of them negative", "no number is negative"),
    "range": Scale(
        "(x.max() - x.min()) / {steps}", "x.max() > x.min()", "and not all of them equal", "all numbers are equal"
    ),
}


def break_it(draw: Random) -> Break:
    kind, bits, count = draw.choice(tuple(SCALES)), draw.choice((4, 5)), draw.choice((3, 4, 5))
    limit = draw.choice((0.8, 0.85, 0.9))
    given = _given(SCALES[kind], bits)
    check = _check(SCALES[kind], given, count, limit)
    return Break(
        title="Break it",
        text=_text(SCALES[kind], bits, count, limit),
        source=values({"breaks": None}, given).replace("= None", f"= torch.tensor({_answer(kind, count)})"),
        name="breaks",
        judge=judge(check),
        worth=4,
        check=check.strip(),
    )


def _given(scale: Scale, bits: int) -> str:
    top, steps = 2 ** (bits - 1) - 1, 2**bits - 1
    return f"""
def theirs(x):
    s = {scale.formula.format(top=top, steps=steps)}
    q = torch.round(x / s).clamp(-{top}, {top})
    return s * q
"""


def _check(scale: Scale, given: str, count: int, limit: float) -> str:
    return f"""
def problem(x):
    {nested(given)}

    if type(x) is not torch.Tensor or x.dtype != torch.float32 or x.shape != ({count},):
        return "it is not a float32 tensor of {count} numbers"
    if not bool((x.abs() <= 1).all()):
        return "not every number is from -1 to 1"
    if not bool({scale.condition}):
        return "{scale.refusal}"
    return "" if (x - theirs(x)).abs().max().item() > {limit} else "no error is larger than {limit}"
"""


def _text(scale: Scale, bits: int, count: int, limit: float) -> str:
    top = 2 ** (bits - 1) - 1
    return f"""
`theirs` should bring numbers to symmetric codes of {bits} bits and back, so that nothing clips. The right scale is
max|x|/{top}, and with it no number from −1 to 1 has an error above 1/{2 * top}. But there is a mistake in the
scale.

Hand in `breaks`: a float32 tensor of {count} numbers from −1 to 1, {scale.words}, for which one error of `theirs` is
**larger than {say(limit)}**.
"""


def _answer(kind: str, count: int) -> list[float]:
    if kind == "range":
        return [1.0] * (count - 1) + [0.95]
    sign = -1 if kind == "max" else 1
    return [sign * 1.0] + [sign * -0.01] * (count - 1)
