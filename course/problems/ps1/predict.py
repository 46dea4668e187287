"""What a ruler does with a few numbers, worked out without a program."""

from random import Random
from typing import Any, NamedTuple

from ..questions import Values
from ..variants import say, values_question


class Ruler(NamedTuple):
    """A ruler, and the numbers that are asked about.

    x: a number that comes back as what `code` stands for. far: one that is clamped. beyond: a code that wraps.
    """

    bits: int
    s: float
    z: int
    code: int
    x: float
    far: float
    beyond: int

    @property
    def low(self) -> int:
        return -(2 ** (self.bits - 1))

    @property
    def high(self) -> int:
        return 2 ** (self.bits - 1) - 1

    def real(self, code: int) -> float:
        return self.s * (code - self.z)


SAYS = {
    "z is forgotten": "The code z stands for 0.0, so take z from the code before you multiply.",
    "z is added": "r = s (q − z): z is taken away.",
    "one code more": "With 5 bits from −16 the last code is 15, not 16.",
    "the narrow grid": "The grid is the full one: it has one more negative code than positive ones.",
    "the code for the real": "The code still has to be taken back to a real number.",
    "no rounding": "A code is an integer, so only multiples of s come back.",
    "a whole step": "To the nearest code it is half a step at most.",
    "in codes": "The error is asked for in real units, and a step has s of them.",
    "the sign is reversed": "It is x − x_hat, in this order.",
    "only half a step": "That is the limit of rounding. Beyond the end of the ruler there is none.",
    "clamped": "Nothing clamps the code here; its lowest bits are kept.",
    "one too far": "A circle of 2^b codes repeats after 2^b steps.",
    "in 8 bits": "Fewer bits are kept, and the code does not fit in them.",
}


def predict(draw: Random) -> Values:
    drawn = _drawn(draw)
    return values_question("Predict", _text(drawn), _right(drawn), _wrong(drawn), SAYS)


def _drawn(draw: Random) -> Ruler:
    bits, s, z = draw.choice((5, 6, 7)), draw.choice((0.25, 0.5, 1.5, 2.5)), draw.choice((-9, -6, -3, 4, 7, 8))
    high, code = 2 ** (bits - 1) - 1, draw.randint(-5, 5)
    while s * (code - z) == code:  # whoever hands in the code for the real would be right
        code = draw.randint(-5, 5)
    x, far = s * (code - z + draw.choice((-0.3, 0.3))), s * (high - z) + draw.choice((7.0, 11.0))
    return Ruler(bits, s, z, code, x, far, beyond=high + draw.randint(3, 9))


def _text(r: Ruler) -> str:
    return f"""
A ruler has the codes of {r.bits} bits from {say(r.low)} to {say(r.high)}, the scale s = {say(r.s)} and the zero point
z = {say(r.z)}; r = s (q − z). Work these out without a program, and hand in numbers:

- `largest`: the largest real number that a code stands for;
- `smallest`: the smallest one;
- `back`: what {say(r.x)} comes back as;
- `worst`: the largest |x − x_hat| that rounding alone can cause, for a real number between `smallest` and `largest`;
- `lost`: the error x − x_hat of x = {say(r.far)}, which is clamped;
- `wrapped`: the code that is stored for x = {say(r.real(r.beyond))} if nothing clamps it, and only the lowest
  {r.bits} bits of the code are kept.
"""


def _right(r: Ruler) -> dict[str, Any]:
    return {
        "largest": r.real(r.high),
        "smallest": r.real(r.low),
        "back": r.real(r.code),
        "worst": r.s / 2,
        "lost": r.far - r.real(r.high),
        "wrapped": r.beyond - 2**r.bits,
    }


def _wrong(r: Ruler) -> dict[str, dict[str, float]]:
    s, z, low, high, lost = r.s, r.z, r.low, r.high, r.far - r.real(r.high)
    return {
        "largest": {"z is forgotten": s * high, "z is added": s * (high + z), "one code more": r.real(high + 1)},
        "smallest": {"z is forgotten": s * low, "z is added": s * (low + z), "the narrow grid": r.real(low + 1)},
        "back": {"the code for the real": r.code, "z is forgotten": s * r.code, "no rounding": r.x},
        "worst": {"a whole step": s, "in codes": 0.5},
        "lost": {"the sign is reversed": -lost, "only half a step": s / 2},
        "wrapped": {"clamped": high, "one too far": r.beyond - 2**r.bits - 1, "in 8 bits": r.beyond},
    }
