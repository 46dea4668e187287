"""A block that the standard's scale clips, although a scale twice as large would not."""

from math import log2
from random import Random
from typing import NamedTuple

from quantlib.formats import float_format, float_levels

from ..questions import Break
from ..variants import judge, nested, say, values


class Shape(NamedTuple):
    """A small float. Between two of its upper levels a number loses a fifth at most; clipped, it can lose a quarter."""

    exponent_bits: int
    mantissa_bits: int

    @property
    def name(self) -> str:
        return f"E{self.exponent_bits}M{self.mantissa_bits}"

    @property
    def levels(self) -> list[float]:
        return float_levels(float_format(self.exponent_bits, self.mantissa_bits)).tolist()

    @property
    def power(self) -> int:
        """The exponent of the largest level."""
        return int(log2(self.levels[-1]))


SHAPES = Shape(2, 1), Shape(3, 1)
PERCENT = 22


def break_it(draw: Random) -> Break:
    shape, count = draw.choice(SHAPES), draw.choice((3, 4, 5))
    low, high = draw.choice(((10, 30), (20, 60), (40, 120), (70, 250), (0.1, 0.24), (0.3, 0.9)))
    given = _given(shape)
    check = _check(shape, given, count, low, high)
    return Break(
        title="Break it",
        text=_text(shape, count, low, high),
        source=values({"breaks": None}, given).replace("= None", f"= torch.tensor({_answer(count, low, high)})"),
        name="breaks",
        judge=judge(check),
        worth=4,
        check=check.strip(),
    )


def _given(shape: Shape) -> str:
    return f"""
def theirs(x):
    levels = torch.tensor([{", ".join(f"{level:g}" for level in shape.levels)}])
    exponent = x.abs().max().log2().floor()
    s = 2.0 ** (exponent - {shape.power})
    nearest = ((x.abs() / s)[:, None] - levels).abs().argmin(1)
    return x.sign() * s * levels[nearest]
"""


def _check(shape: Shape, given: str, count: int, low: float, high: float) -> str:
    return f"""
def problem(x):
    {nested(given)}

    if type(x) is not torch.Tensor or x.dtype != torch.float32 or x.shape != ({count},):
        return "it is not a float32 tensor of {count} numbers"
    if not bool(x.isfinite().all()) or not {low} <= round(x.abs().max().item(), 6) <= {high}:
        return "its largest size is not from {low} to {high}"
    place = x.abs().argmax()
    lost = 1 - (theirs(x)[place] / x[place]).item()
    return "" if lost > {PERCENT / 100} else "its largest number comes back nearly as it was"
"""


def _text(shape: Shape, count: int, low: float, high: float) -> str:
    return f"""
`theirs` brings a block of numbers to the floats {shape.name} and back. The block shares a scale s, a power of two,
chosen by the rule of the MX standard. With 2s in its place no number would ever clip. For most blocks the largest
number comes back nearly as it was: rounded to the nearest level, it loses a fifth at most.

Hand in `breaks`: a float32 tensor of {count} numbers, of which the largest in size is from {say(low)} to {say(high)},
and for which that number comes back **more than {PERCENT} % too small**.
"""


def _answer(count: int, low: float, high: float) -> list[float]:
    """Just below the largest power of two, there is the most to clip."""
    largest = 2.0 ** int(log2(high) // 1) * 0.99
    return [round(largest, 6)] + [round(low / 2, 6)] * (count - 1)
