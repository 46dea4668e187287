"""Integers only, worked out by hand: what a sum can hold, where it starts, its border, and one shift or two."""

from random import Random
from typing import NamedTuple

from ..questions import Values
from ..variants import drawn_until_told, say, values_question

SAYS = {
    "the full grid": "The grid of the weights is narrow: it has as many negative codes as positive ones.",
    "as if it had no sign": "One bit of the sum is its sign: only half of its numbers are positive.",
    "the limit of the inputs is 127": "The largest size of an input is 128, that of −128.",
    "the term of z_x is forgotten": "Each product is q_w (q_x − z_x), and z_x Σ q_w is known with the weights.",
    "the term of z_x is added": "It is subtracted, and here z_x is negative.",
    "the scale of the weights": "The sum counts in steps of s_w s_x, so that is the scale of the bias.",
    "multiplied by the scale": "A code is a real number divided by its scale.",
    "padded with the code 0": "The code 0 does not stand for 0.0 here: z_x does.",
    "z_x is forgotten": "Take z_x from each code first.",
    "no border": "The first sum has one padded value and the first two codes.",
    "rounded up": "The nearest integer is asked for, and its fraction is below a half.",
    "nearest, as at once": "The first shift rounds, too, and makes a half of what was less.",
}
POINTS = {"most_products": 2, "sum_start": 2, "border_sum": 1, "shifted_once": 1, "shifted_twice": 1}


class Drawn(NamedTuple):
    """The numbers of the question.

    top: the largest weight; width: bits of the sum of products with codes of 8 bits.
    bias, s_w, s_x, total: of a layer whose weights add up to total; z_x is its zero point.
    w, x: three weights, and the first codes.
    product, shift, first: of a sum and m; the shift n, and how much of it comes first.
    """

    top: int
    width: int
    bias: float
    s_w: float
    s_x: float
    z_x: int
    total: int
    w: tuple[int, int, int]
    x: tuple[int, int, int]
    product: int
    shift: int
    first: int

    @property
    def most(self) -> int:
        """The largest number that the sum can be."""
        return 2 ** (self.width - 1) - 1

    @property
    def steps(self) -> int:
        """The bias in steps of s_w s_x."""
        return round(self.bias / (self.s_w * self.s_x))


def predict(draw: Random) -> Values:
    drawn = drawn_until_told(draw, _drawn, _right, _wrong)
    return values_question("Predict", _text(drawn), _right(drawn), _wrong(drawn), SAYS, POINTS)


def _drawn(draw: Random) -> Drawn:
    top, width = draw.choice(((3, 16), (3, 18), (7, 18), (7, 20), (15, 20), (31, 20)))
    s_w, s_x = draw.choice(((0.02, 0.05), (0.04, 0.05), (0.01, 0.2), (0.02, 0.25)))
    x = draw.randint(-124, -118), draw.randint(-112, -104), draw.randint(-98, -90)
    w = draw.choice((3, -3, 5, -5)), draw.choice((2, -2, 4)), draw.choice((-6, 6, 7))
    first, rest = draw.choice(((3, 2), (4, 2), (3, 3)))
    below = draw.randint(1, 2 ** (first - 1) - 1)  # so much is missing to a half; the first shift makes it one
    product = (2 * draw.randint(3, 9) + 1) * 2 ** (first + rest - 1) - below
    bias, total = draw.choice((0.6, 1.2, 1.8, 2.4)), draw.choice((11, 17, 23, -14, -19))
    return Drawn(top, width, bias, s_w, s_x, -128, total, w, x, product, first + rest, first)


def _text(d: Drawn) -> str:
    w, x = ", ".join(map(say, d.w)), ", ".join(map(say, d.x))
    return f"""
Work these integers out without a program:

- `most_products`: how many products of a weight from {say(-d.top)} to {d.top} and an input from −128 to 127 always fit
  into a sum of {d.width} bits, which can be {say(-d.most - 1)} to {d.most};
- `sum_start`: the integer at which Σ q_w q_x starts, which holds the bias {say(d.bias)} and the term of z_x:
  s_w = {say(d.s_w)}, s_x = {say(d.s_x)}, z_w = 0, z_x = {say(d.z_x)}, and the weights' codes add up to
  {say(d.total)};
- `border_sum`: the first sum Σ q_w (q_x − z_x) of a convolution with the weights {w}, in this order, over an input that
  begins with the codes {x}, after one padded 0.0, with z_x = {say(d.z_x)};
- `shifted_once`: acc · m = {d.product} after one shift by {d.shift}, rounded to the nearest integer, a half up;
- `shifted_twice`: the same after a shift by {d.first} and then one by {d.shift - d.first}, each rounded so.
"""


def _shifted(number: int, by: int) -> int:
    return (number + 2 ** (by - 1)) >> by


def _right(d: Drawn) -> dict[str, float]:
    reals = [code - d.z_x for code in d.x]
    return {
        "most_products": d.most // (d.top * 128),
        "sum_start": d.steps - d.z_x * d.total,
        "border_sum": d.w[1] * reals[0] + d.w[2] * reals[1],
        "shifted_once": _shifted(d.product, d.shift),
        "shifted_twice": _shifted(_shifted(d.product, d.first), d.shift - d.first),
    }


def _wrong(d: Drawn) -> dict[str, dict[str, float]]:
    right = _right(d)
    return {
        "most_products": {
            "the full grid": d.most // ((d.top + 1) * 128),
            "as if it had no sign": (2**d.width - 1) // (d.top * 128),
            "the limit of the inputs is 127": d.most // (d.top * 127),
        },
        "sum_start": {
            "the term of z_x is forgotten": d.steps,
            "the term of z_x is added": d.steps + d.z_x * d.total,
            "the scale of the weights": round(d.bias / d.s_w) - d.z_x * d.total,
            "multiplied by the scale": -d.z_x * d.total,
        },
        "border_sum": {
            "padded with the code 0": right["border_sum"] - d.w[0] * d.z_x,
            "z_x is forgotten": d.w[1] * d.x[0] + d.w[2] * d.x[1],
            "no border": sum(w * (code - d.z_x) for w, code in zip(d.w, d.x, strict=True)),
        },
        "shifted_once": {"rounded up": right["shifted_once"] + 1},
        "shifted_twice": {"nearest, as at once": right["shifted_once"]},
    }
