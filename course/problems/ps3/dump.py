"""A few bytes in hexadecimal, read by hand; and what layouts and wrong readers cost."""

import math
from random import Random
from typing import NamedTuple

import torch

from quantlib.formats import E2M1, decode_float

from ..questions import Values
from ..variants import drawn_until_told, say, values_question

SAYS = {
    "the other half": "Codes 0 to 15 are in the low halves, codes 16 to 31 in the high ones.",
    "no offset": "A code of Q4_0 is stored plus 8: take 8 away.",
    "two's complement": "Q4_0 has an offset of 8, and no sign.",
    "the scale is forgotten": "A weight is d times its code.",
    "the sign of d is dropped": "The scale can be negative.",
    "read rightly": "That is what is meant. Ask what the wrong reader finds there.",
    "the other neighbour": "Of two neighbours, this reader takes the first from the low half.",
    "an integer": "The half is a small float: after the sign come E, in two bits, and M, in one.",
    "no subnormals": "With E = 0 there is no 1 before M/2: these levels are the subnormal ones.",
    "no sign": "The highest bit is the sign.",
    "the rulers are forgotten": "What a block stores beside its codes costs bits, too.",
    "the fp16 numbers are forgotten": "They are shared by many weights, but not free.",
    "fp16 for each block": "The fp16 numbers are there once for all blocks.",
    "one step": "That is for a zero point that is off by one.",
    "one step, several times": "The squares of the errors add up, not the decibels.",
    "the rounding is forgotten": "The error of rounding is still there: s²/12 in the mean square.",
    "steps, not squares": "The error of k steps is k² s² in the mean square.",
}
POINTS = {"weight_low": 1, "weight_high": 1, "neighbour": 1, "as_float": 1, "bits_per_weight": 2, "loss_db": 1}
SCALES = (0.5, -0.5, 0.25, -0.25, 1.5, -1.5, -2.0)
WORDS = {2: "two", 3: "three", 4: "four"}


class Dump(NamedTuple):
    """The first bytes of a block, d and four bytes of codes; and a layout of blocks in a larger one.

    at: the places whose bytes are asked about: of the low half, of the high half, of the neighbours, of the float.
    bits: of a code; blocks, size: how many blocks of how many weights; ruler: bits of a ruler; minima: whether there
    are minima, too. steps: how far zero points are off.
    """

    d: float
    bytes: tuple[int, ...]
    at: tuple[int, ...]
    bits: int
    blocks: int
    size: int
    ruler: int
    minima: bool
    steps: int

    def low(self, which: int) -> int:
        return self.bytes[self.at[which]] & 15

    def high(self, which: int) -> int:
        return self.bytes[self.at[which]] >> 4

    @property
    def rulers(self) -> int:
        """How many numbers of a ruler each block has."""
        return 1 + self.minima


def dump(draw: Random) -> Values:
    drawn = drawn_until_told(draw, _drawn, _right, _wrong)
    asked = _text(drawn), _right(drawn), _wrong(drawn)
    return values_question("Read the bytes", *asked, SAYS, POINTS, within=0.01)


def _drawn(draw: Random) -> Dump:
    low, high = draw.sample(range(16), 4), draw.sample(range(16), 4)
    codes = tuple(a + 16 * b for a, b in zip(low, high, strict=True))
    layout = draw.choice((3, 4, 5)), *draw.choice(((8, 32), (16, 16), (8, 16))), draw.choice((4, 6, 8))
    at = draw.randint(0, 3), draw.randint(0, 3), draw.choice((0, 1)), draw.randint(0, 3)
    return Dump(draw.choice(SCALES), codes, at, *layout, draw.choice((True, False)), draw.choice((2, 3, 4)))


def _text(d: Dump) -> str:
    scale = torch.tensor([d.d], dtype=torch.float16).view(torch.uint8).tolist()
    shown = bytes([*scale, *d.bytes]).hex(" ")
    ruler = f"a scale and a minimum of {d.ruler} bits each" if d.minima else f"a scale of {d.ruler} bits"
    units = "two fp16 numbers" if d.minima else "one fp16 number"
    return f"""
A block of Q4_0 begins with the bytes `{shown}`, in hexadecimal; the first two are its scale d = {say(d.d)}. Places and
bytes of codes are counted from 0. Without a program, hand in numbers, to two decimals:

- `weight_low`: the weight at place {d.at[0]};
- `weight_high`: the weight at place {16 + d.at[1]};
- `neighbour`: what a reader finds at place {2 * d.at[2] + 1} who takes the two codes of a byte for neighbours, low half
  first;
- `as_float`: what the low half of byte {d.at[3]} of the codes means as an E2M1 float: a sign, two exponent bits, a
  mantissa bit;
- `bits_per_weight`: the bits per weight if {d.blocks} blocks of {d.size} weights share {units}, a weight has
  {d.bits} bits, and each block {ruler};
- `loss_db`: how many decibels of SQNR are lost if all zero points are read {WORDS[d.steps]} too small; the MSE was
  s²/12.
"""


def _right(d: Dump) -> dict[str, float]:
    shared = 16 * d.rulers / (d.blocks * d.size)
    return {
        "weight_low": d.d * (d.low(0) - 8),
        "weight_high": d.d * (d.high(1) - 8),
        "neighbour": d.d * (d.high(2) - 8),
        "as_float": decode_float(torch.tensor(d.low(3)), E2M1).item(),
        "bits_per_weight": d.bits + d.rulers * d.ruler / d.size + shared,
        "loss_db": 10 * math.log10(1 + 12 * d.steps**2),
    }


def _wrong(d: Dump) -> dict[str, dict[str, float]]:
    right, each = _right(d), d.rulers * d.ruler / d.size
    subnormal = {"no subnormals": 1.5 * right["as_float"]}
    return {
        "weight_low": _of_a_weight(d.d, d.low(0), d.high(0)),
        "weight_high": _of_a_weight(d.d, d.high(1), d.low(1)),
        "neighbour": {
            "read rightly": d.d * (d.bytes[2 * d.at[2] + 1] % 16 - 8),
            "the other neighbour": d.d * (d.low(2) - 8),
        },
        "as_float": {"an integer": d.low(3) - 8, "no sign": -right["as_float"]} | ({} if d.low(3) & 6 else subnormal),
        "bits_per_weight": {
            "the rulers are forgotten": d.bits,
            "the fp16 numbers are forgotten": d.bits + each,
            "fp16 for each block": d.bits + each + 16 * d.rulers / d.size,
        },
        "loss_db": {
            "one step": 10 * math.log10(13),
            "one step, several times": d.steps * 10 * math.log10(13),
            "the rounding is forgotten": 10 * math.log10(12 * d.steps**2),
            "steps, not squares": 10 * math.log10(1 + 12 * d.steps),
        },
    }


def _of_a_weight(d: float, code: int, other: int) -> dict[str, float]:
    signed = code - 16 if code > 7 else code
    return {
        "the other half": d * (other - 8),
        "no offset": d * code,
        "two's complement": d * signed,
        "the scale is forgotten": code - 8,
        "the sign of d is dropped": abs(d) * (code - 8),
    }
