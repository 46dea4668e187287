"""What needs no network: how long a range holds, what a factor moves, and what mixing brings."""

import math
from random import Random
from typing import NamedTuple

from ..questions import Values
from ..variants import drawn_until_told, say, values_question

SAYS = {
    "the next one is not counted": "There are k + 1 inputs, and each is as likely as the others to be the largest.",
    "both ends": "The upper end alone is asked for.",
    "m times the chance of one": "Of k + m inputs, m have not been seen; one of them all is the largest.",
    "as if each were a new try": "The tries are not independent: if one does not exceed, the next does so less often.",
    "the first one is counted": "The first makes the range, and does not leave it.",
    "the chance of the last one": "Add up the chances of all of them.",
    "the exponents changed places": "x has the exponent α, and w has 1 − α.",
    "α for both": "w has the exponent 1 − α.",
    "a product": "Divide by what w has.",
    "upside down": "Large inputs make a large factor: x is divided by it.",
    "the largest, not the largest size": "Sizes count, without their signs.",
    "halved at each stage": "A butterfly divides by √2, not by 2.",
    "as many columns, not stages": "k stages divide by √2 k times.",
    "6 dB for each stage": "A ruler finer by √2 is 3 dB, half a bit.",
}
POINTS = {"next_leaves": 1, "one_of_them": 1, "leaves_often": 1, "factor": 2, "largest_mixed": 1, "gain_db": 1}


class Drawn(NamedTuple):
    """seen: inputs before; more: inputs to come; many: inputs in all. x, w: columns. outlier: alone among stages."""

    seen: int
    more: int
    many: int
    x: tuple[float, ...]
    w: tuple[float, ...]
    alpha: float
    outlier: float
    stages: int


def predict(draw: Random) -> Values:
    drawn = drawn_until_told(draw, _drawn, _right, _wrong)
    return values_question("Predict", _text(drawn), _right(drawn), _wrong(drawn), SAYS, POINTS, within=0.002)


def _drawn(draw: Random) -> Drawn:
    x, w = draw.choice((16, 81, 256)), draw.choice((0.0625, 0.0016, 0.0081))
    inputs, weights = draw.sample((-x, round(x / 4), -1, 2), 4), draw.sample((-w, w / 2, w / 4), 3)
    seen, more, many = draw.randint(4, 9), draw.randint(3, 6), draw.randint(4, 6)
    alpha, outlier, stages = draw.choice((0.25, 0.75)), draw.choice((12.0, 24.0, 40.0)), draw.choice((3, 4, 5))
    return Drawn(seen, more, many, tuple(inputs), tuple(weights), alpha, outlier, stages)


def _text(d: Drawn) -> str:
    x, w = (", ".join(map(say, column)) for column in (d.x, d.w))
    return f"""
A min-max range has seen {d.seen} inputs, of many numbers each. The order of inputs means nothing, and no two numbers
are equal. Hand in numbers, to three decimals:

- `next_leaves`: the probability that the next input leaves the range at its **upper** end;
- `one_of_them`: the probability that at least one of the next {d.more} inputs goes beyond the upper end of those
  {d.seen};
- `leaves_often`: a new range starts with one input. How often on average do the next {d.many - 1} leave its upper end,
  if each widens it?
- `factor`: what SmoothQuant divides a column of inputs, {x}, by, if the column of the weights is {w} and
  α = {say(d.alpha)};
- `largest_mixed`: the largest size in a block after {d.stages} stages of butterflies, each divided by √2, if it held a
  single {say(d.outlier)} among zeros;
- `gain_db`: by how many decibels this makes the ruler of the block finer.
"""


def _right(d: Drawn) -> dict[str, float]:
    x, w = (max(map(abs, column)) for column in (d.x, d.w))
    return {
        "next_leaves": 1 / (d.seen + 1),
        "one_of_them": d.more / (d.seen + d.more),
        "leaves_often": sum(1 / k for k in range(2, d.many + 1)),
        "factor": x**d.alpha / w ** (1 - d.alpha),
        "largest_mixed": d.outlier / 2 ** (d.stages / 2),
        "gain_db": 10 * math.log10(2) * d.stages,
    }


def _wrong(d: Drawn) -> dict[str, dict[str, float]]:
    right, once = _right(d), 1 / (d.seen + 1)
    x, w = (max(map(abs, column)) for column in (d.x, d.w))
    return {
        "next_leaves": {"the next one is not counted": 1 / d.seen, "both ends": 2 * once},
        "one_of_them": {
            "m times the chance of one": d.more * once,
            "as if each were a new try": 1 - (1 - once) ** d.more,
        },
        "leaves_often": {
            "the first one is counted": 1 + right["leaves_often"],
            "the chance of the last one": 1 / d.many,
        },
        "factor": {
            "the exponents changed places": x ** (1 - d.alpha) / w**d.alpha,
            "α for both": (x / w) ** d.alpha,
            "a product": x**d.alpha * w ** (1 - d.alpha),
            "upside down": 1 / right["factor"],
            "the largest, not the largest size": max(d.x) ** d.alpha / max(d.w) ** (1 - d.alpha),
        },
        "largest_mixed": {
            "halved at each stage": d.outlier / 2**d.stages,
            "as many columns, not stages": d.outlier / math.sqrt(d.stages),
        },
        "gain_db": {"6 dB for each stage": 20 * math.log10(2) * d.stages},
    }
