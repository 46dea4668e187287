"""What scales cost, and what one more bit brings, worked out by hand."""

import math
from random import Random
from typing import NamedTuple

from ..questions import Values
from ..variants import say, values_question

SAYS = {
    "the shorter group is left out": "The last group of a row is shorter, but it has a scale, too.",
    "one scale a row": "Each group has a scale of its own, and a row has several groups.",
    "groups in one row": "Count the groups of all rows.",
    "groups run across rows": "A group ends where its row ends.",
    "as if no group were shorter": "The shorter group has a whole scale for fewer weights.",
    "the scales are forgotten": "What a group stores beside its codes costs bits, too.",
    "the zero point is forgotten": "A group stores its zero point, too.",
    "padding is stored too": "Only weights that exist have codes.",
    "the code is counted": "The one bit is what a weight pays beside its code.",
    "six decibels a bit": "That is twice as many steps. Here the number of steps to an end grows by a bit more.",
    "ten for amplitudes": "s is an amplitude: a ratio of s counts 20 log10, one of MSE 10 log10.",
    "the full grid": "Count the steps from 0 to the last code: the grid is narrow.",
}
POINTS = {"scale_count": 2, "bits_each": 2, "even_size": 1, "gain": 1}


class Matrix(NamedTuple):
    """A matrix of codes in groups along its rows. zero_bits: of a group's zero point, or 0 if it has none."""

    rows: int
    length: int
    bits: int
    size: int
    scale_bits: int
    zero_bits: int

    @property
    def groups(self) -> int:
        """How many groups a row has, the shorter one included."""
        return -(-self.length // self.size)

    @property
    def beside(self) -> int:
        """The bits that a group takes beside its codes."""
        return self.scale_bits + self.zero_bits


def predict(draw: Random) -> Values:
    drawn = _drawn(draw)
    asked = _text(drawn), _right(drawn), _wrong(drawn)
    return values_question("Predict the price", *asked, SAYS, POINTS, within=0.01)


def _drawn(draw: Random) -> Matrix:
    rows, bits, scale_bits = draw.choice((48, 64, 96)), draw.choice((3, 4, 5)), draw.choice((8, 16, 32))
    size = draw.choice((16, 32))
    length = size * draw.choice((5, 6, 7)) + draw.choice((4, 6, 10))
    return Matrix(rows, length, bits, size, scale_bits, zero_bits=draw.choice((0, bits)))


def _top(bits: int) -> int:
    return 2 ** (bits - 1) - 1


def _text(m: Matrix) -> str:
    zero = f" and a zero point of {m.bits} bits" if m.zero_bits else ""
    beside = "a scale and a zero point take" if m.zero_bits else "a scale takes"
    now, then = _top(m.bits), _top(m.bits + 1)
    return f"""
A matrix has {m.rows} rows of {m.length} weights. Each weight gets a code of {m.bits} bits. Each group of {m.size}
neighbours in a row has a scale of {m.scale_bits} bits{zero}; the last group of a row is shorter. Hand in numbers, two
decimals are enough:

- `scale_count`: how many scales there are;
- `bits_each`: how many bits a weight takes, {"scales and zero points" if m.zero_bits else "scales"} included;
- `even_size`: for how large a group {beside} exactly one bit per weight, if no group is shorter;
- `gain`: by how many decibels the SQNR grows from {m.bits} to {m.bits + 1} bits, if the codes of {m.bits} bits reach
  from {say(-now)} to {say(now)}, those of {m.bits + 1} bits from {say(-then)} to {say(then)}, the range stays as it is,
  nothing clips, and the MSE is s²/12.
"""


def _right(m: Matrix) -> dict[str, float]:
    return {
        "scale_count": m.rows * m.groups,
        "bits_each": m.bits + m.beside * m.groups / m.length,
        "even_size": m.beside,
        "gain": 20 * math.log10(_top(m.bits + 1) / _top(m.bits)),
    }


def _wrong(m: Matrix) -> dict[str, dict[str, float]]:
    whole = m.length // m.size
    return {
        "scale_count": {
            "the shorter group is left out": m.rows * whole,
            "one scale a row": m.rows,
            "groups in one row": m.groups,
            "groups run across rows": -(-m.rows * m.length // m.size),
        },
        "bits_each": {
            "the shorter group is left out": m.bits + m.beside * whole / m.length,
            "as if no group were shorter": m.bits + m.beside / m.size,
            "the scales are forgotten": m.bits,
            "the zero point is forgotten": m.bits + m.scale_bits * m.groups / m.length,
            "padding is stored too": (m.bits * m.size + m.beside) * m.groups / m.length,
        },
        "even_size": {"the zero point is forgotten": m.scale_bits, "the code is counted": m.beside + m.bits},
        "gain": {
            "six decibels a bit": 20 * math.log10(2),
            "ten for amplitudes": 10 * math.log10(_top(m.bits + 1) / _top(m.bits)),
            "the full grid": 20 * math.log10((2 ** (m.bits + 1) - 1) / (2**m.bits - 1)),
        },
    }
