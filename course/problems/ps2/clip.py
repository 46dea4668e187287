"""What to leave out, by another rule."""

from random import Random
from typing import Any

from torch import Tensor

import quantlib
from quantlib.lab.misconception import Misconception

from ..questions import Part, Write
from ..variants import Code, Known, as_tensors, float_example, mistakes, reals, spoiling


def clip(draw: Random) -> Write:
    return draw.choice((_both_ends, _between, _percentile))(draw)


TITLE = "Choose what to clip"
EQUAL = [2.0, -7.0, 7.0, -7.0, 1.0, 5.0, -5.0, 0.5]


def _many(draw: Random, most: float) -> Tensor:
    """Return 27 values; the last three lie beyond the others."""
    return reals([round(draw.uniform(-9, most), 3) for _ in range(24)] + [-11.5, 10.25, -12.75])


# --- k values at each end


def _both_ends(draw: Random) -> Write:
    down, up = draw.choice(((1, 1), (2, 1), (1, 2)))
    right = _without_ends(down, up)
    ends = (-2.0 if down == 2 else -3.0), (1.0 if up == 2 else 2.0)
    return Write(
        title=TITLE,
        text=_text_of_both_ends(down, up),
        source=right.cell("Return (low, high) without the k outermost values at each end, two floats."),
        name=right.name,
        example=f"assert my_range(torch.tensor([1.0, -4.0, 3.0, 0.5, -2.0, 2.0, -3.0, 0.0]), 1) == {ends}\n"
        "assert list(map(type, my_range(torch.tensor([1.0, 2.0]), 0))) == [float, float]",
        parts=_parts_of_both_ends(draw),
        mistakes=_of_both_ends(right, down + up),
    )


def _without_ends(down: int, up: int) -> Code:
    below, above = ("2 * k" if n == 2 else "k" for n in (down, up))
    return Code(
        "my_range(x, k)",
        f"""
values = x.flatten().sort().values
low, high = values[{below}].item(), values[-1 - {above}].item()
return min(0.0, low), max(0.0, high)
""",
    )


def _text_of_both_ends(down: int, up: int) -> str:
    below, above = ("2 " if n == 2 else "" for n in (down, up))
    return f"""
A range that leaves out **the {below}k smallest and the {above}k largest values**, and then, if need be, is widened to
contain 0.0. Return the pair `(low, high)`: the smallest and the largest of the values that stay, or 0.0. Equal values
count one by one: of 7, 7, 7, 5 without the two largest the third 7 stays.

`x` is a tensor of any shape, and `k` an integer from 0, so small that values stay. Return two Python floats.
"""


def _parts_of_both_ends(draw: Random) -> tuple[Part, ...]:
    x, few = _many(draw, most=6), reals([[-3.0], [2.0]])
    equal = reals([2.0, -7.0, 7.0, 7.0, 7.0, -5.0, -5.0, -7.0, 0.5, 1.0])
    first, second = draw.choice((1, 2)), draw.choice((4, 5))
    return (
        Part("many values", 2, ((x, first), (x, second), (-x, 7))),
        Part("values on one side of 0.0", 2, ((x.abs() + 1, first), (-x.abs() - 1, second))),
        Part("equal values", 1, ((equal, 2), (equal, 3))),
        Part("few values, other shapes", 1, ((x[:12].reshape(3, 4), 3), (few, 0)), calls=2),
    )


def _of_both_ends(right: Code, each: int) -> tuple[Misconception, ...]:
    """each: how many values k = 1 leaves out."""

    def of(x: Tensor, k: int) -> Any:
        """Take any k, as far as values stay."""
        return right(x, max(0, min(k, (x.numel() - 1) // each)))

    def quantlibs(x: Tensor, k: int) -> tuple[float, float]:
        s, z, low, high = quantlib.choose_percentile(x, percentile=100 * (1 - each * k / x.numel()))
        return float(s * (low - z)), float(s * (high - z))

    def by_size(x: Tensor, k: int) -> tuple[float, float]:
        reach = x.abs().flatten().sort(descending=True).values[k].item()
        return -reach, reach

    plain = right.but("min(0.0, low), max(0.0, high)", "low, high")
    return mistakes(
        "Sort the values, and count from both ends.",
        ("quantlib's percentile", "Its ruler is rounded so that z is an integer.", quantlibs),
        ("nothing is left out", "That is min-max.", lambda x, k: right(x, 0)),
        ("0.0 is not in the range", "All values can be positive.", plain),
        ("one place too far", "The first is at place 0.", lambda x, k: of(x, k + 1)),
        ("one place too few", "The first is at place 0.", lambda x, k: of(x, k - 1)),
        ("half of k", "The text says how many at each end.", lambda x, k: right(x, k // 2)),
        ("only at the upper end", "Values are left out at both ends.", lambda x, k: (right(x, 0)[0], right(x, k)[1])),
        ("only at the lower end", "Values are left out at both ends.", lambda x, k: (right(x, k)[0], right(x, 0)[1])),
        ("sizes for values", "Each end is for itself.", by_size),
        ("equal values count once", "Each counts.", lambda x, k: of(x.unique(), k)),
        ("high first", "Return low, then high.", lambda x, k: right(x, k)[::-1]),
        ("tensors for numbers", "They are tensors.", as_tensors(right)),
        ("x is changed in place", "The caller's tensor is overwritten.", spoiling(right, lambda x: x.neg_())),
    )


# --- a size α for both ends

_ALPHA = "Return a Python float, not a tensor: `.item()` makes one."


def _write(text: str, right: Code, says: str, example: str, **rest: Any) -> Write:
    source = right.cell(says)
    return Write(title=TITLE, text=text, source=source, name=right.name, example=example, **rest)


def _mistakes(right: Code, hint: str, *own: Known) -> tuple[Misconception, ...]:
    def halves(x: Tensor) -> Tensor:
        return x.abs_().mul_(0.5)

    return mistakes(
        hint,
        ("nothing is left out", "That is the largest |x|.", lambda x, k: x.abs().max().item()),
        ("a tensor for a number", "The number is right, but it is a tensor.", as_tensors(right)),
        ("x is changed in place", "The caller's tensor is overwritten.", spoiling(right, halves)),
        *own,
    )


# --- between two sizes


def _between(draw: Random) -> Write:
    part, words = draw.choice(((0.5, "half"), (0.25, "a quarter of"), (0.75, "three quarters of")))
    text = f"""
A symmetric range that leaves out k values, and lies **between two of them**: let the sizes |x| be sorted, the largest
first. The k-th is the last one that is left out, the (k + 1)-th the first one that is not. Return α, which lies
**{words} the way from the (k + 1)-th up to the k-th**.

`x` is a tensor of any shape, and `k` an integer from 1 to less than the number of its values. {_ALPHA}
"""
    right = Code(
        "my_alpha(x, k)",
        "sizes = x.abs().flatten().sort(descending=True).values\n"
        f"return (sizes[k] + {part} * (sizes[k - 1] - sizes[k])).item()",
    )
    return _write(
        text,
        right,
        "Return an α between the k-th and the (k + 1)-th largest |x|, as a Python float.",
        float_example("my_alpha(torch.tensor([1.0, -4.0, 3.0, 0.5]), 1)", 3 + part),
        parts=_parts_of_between(draw),
        mistakes=_mistakes(right, "Write down the sorted sizes of the example.", *_of_between(right, part, words)),
    )


def _parts_of_between(draw: Random) -> tuple[Part, ...]:
    first, second = draw.choice((1, 2)), draw.choice((3, 5))
    x, equal = _many(draw, most=9), reals(EQUAL)
    return (
        Part("many values", 3, ((x, first), (x, second), (-x.abs(), 6))),
        Part("equal sizes", 1, ((equal, first), (equal, second), (equal, 4))),
        Part("few values, other shapes", 2, ((x[:12].reshape(3, 4), first), (reals([[-3.0], [2.0]]), 1)), calls=2),
    )


def _of_between(right: Code, part: float, words: str) -> list[Known]:
    place = "sizes[max(0, min({}, len(sizes) - 1))]"  # the nearest there is, for any k
    safe = right.but("sizes[k]", place.format("k")).but("sizes[k - 1]", place.format("k - 1"))

    def quantlibs(x: Tensor, k: int) -> float:
        qp = quantlib.choose_percentile(x, percentile=100 * (1 - k / x.numel()), symmetric=True)
        return float(qp.scale) * 127

    between = "α lies between two sizes."
    known: list[Known] = [
        ("the last one left out", between, right.but(f"sizes[k] + {part} * (sizes[k - 1] - sizes[k])", "sizes[k - 1]")),
        ("the first one inside, as quantlib's", between, quantlibs),
        ("one place too far", "The first is at place 0.", lambda x, k: safe(x, k + 1)),
        ("one place too few", "The first is at place 0.", lambda x, k: safe(x, k - 1)),
        ("x for |x|", "Negative values can be large.", right.but(".abs()", "")),
        ("|x| too late", "Sort the sizes, not the values.", right.but(".abs()", "").but(".item()", ".abs().item()")),
        ("equal sizes count once", "Each counts.", safe.but("x.abs().flatten()", "x.abs().unique()")),
        ("the smallest are left out", "Sort in the other direction.", right.but("descending=True", "")),
        ("twice as far out", "Look at the example.", lambda x, k: 2 * right(x, k)),
    ]
    if part != 0.5:
        downwards = "From the (k + 1)-th to the k-th, not back."
        known.append(("counted from the wrong one", downwards, right.but(f"{part}", f"{1 - part}")))
        known.append(("half-way", f"It should be {words} the way.", right.but(f"{part}", "0.5")))
    return known


# --- a percentile


def _percentile(draw: Random) -> Write:
    down = draw.choice((True, False))
    right = _inside(_count(down))
    return _write(
        _text_of_percentile(down),
        right,
        "Return the largest of the smallest p percent of |x|, as a Python float.",
        float_example("my_alpha(torch.tensor([1.0, -4.0, 3.0, 0.5]), 65)", 1.0 if down else 3.0),
        parts=_parts_of_percentile(draw),
        mistakes=_mistakes(right, "How many are inside for 4 values and 65 percent?", *_of_percentile(right, down)),
    )


def _text_of_percentile(down: bool) -> str:
    how = "**rounded down** to a whole number" if down else "**rounded to the nearest** whole number, a tie up"
    return f"""
A percentile with another rounding than that of notebook 06: of the n sizes |x|, sorted with the smallest first, p
percent shall lie inside, {how}, but at least one. Return the largest of those as α.

`x` is a tensor of any shape with at least one value, and `p` an integer from 1 to 100. {_ALPHA}
"""


def _count(down: bool) -> str:
    return "p * len(sizes) // 100" if down else "(2 * p * len(sizes) + 100) // 200"


def _inside(count: str) -> Code:
    return Code("my_alpha(x, p)", f"sizes = x.abs().flatten().sort().values\nreturn sizes[max({count}, 1) - 1].item()")


def _parts_of_percentile(draw: Random) -> tuple[Part, ...]:
    x, equal, small = _many(draw, most=9), reals(EQUAL), reals([[-3.0], [2.0]])
    return (  # of 27: 80 % is 21.6, 60 % 16.2, 50 % 13.5; of 8: 25 % is 2, 60 % 4.8; of 2: 20 % is 0.4
        Part("many values", 3, ((x, draw.choice((80, 95))), (x, draw.choice((60, 75))), (-x, 50))),
        Part("equal sizes", 1, ((equal, 60), (equal, 25))),
        Part("few values, other shapes", 2, ((x[:12].reshape(3, 4), 55), (small, 20), (small, 100)), calls=2),
    )


def _of_percentile(right: Code, down: bool) -> list[Known]:
    count, inside = _count(down), "The number inside is rounded in another way."
    too_far = right.but(f"max({count}, 1)", f"min({count} + 1, len(sizes))")

    def by_torch(x: Tensor, p: int) -> float:
        return x.abs().flatten().double().quantile(p / 100).item()

    return [
        ("rounded up, as quantlib's", inside, right.but(count, "-(-p * len(sizes) // 100)")),
        ("rounded to nearest" if down else "rounded down", inside, _inside(_count(not down))),
        ("torch.quantile", "It lies between two of the sizes.", by_torch),
        (
            "none inside",
            "At least one should be: index −1 is the largest.",
            right.but(f"max({count}, 1)", f"({count})"),
        ),
        ("one place too far", "The first is at place 0.", too_far),
        ("x for |x|", "Negative values can be large.", right.but(".abs()", "")),
        ("a part of the largest", "Count values.", lambda x, p: p / 100 * x.abs().max().item()),
        ("p percent are left out", "They are inside.", lambda x, p: right(x, 100 - p)),
        ("equal sizes count once", "Each counts.", right.but("x.abs().flatten()", "x.abs().unique()")),
    ]
