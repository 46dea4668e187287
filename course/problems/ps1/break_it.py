"""An input for which a function goes wrong, near to where that begins."""

from random import Random
from typing import NamedTuple

from ..questions import Break
from ..variants import judge, nested, say, signs, values


class Wrapped(NamedTuple):
    """A quantizer that stores a code before it clamps it. side: 1 or -1, the sign of the numbers that break it."""

    bits: int
    s: float
    z: int
    side: int

    @property
    def low(self) -> int:
        return -(2 ** (self.bits - 1))

    @property
    def high(self) -> int:
        return 2 ** (self.bits - 1) - 1

    @property
    def sign(self) -> str:
        return "positive" if self.side > 0 else "negative"

    @property
    def steps(self) -> float:
        """How many steps from 0 codes begin to wrap."""
        return self.high + 0.5 - self.z if self.side > 0 else -(self.low - 0.5 - self.z)


def break_it(draw: Random) -> Break:
    bits, s = draw.choice((6, 7, 8)), draw.choice((0.25, 0.5, 2.0))
    drawn = Wrapped(bits, s, draw.choice((3, 6, 9)) * draw.choice((-1, 1)), draw.choice((1, -1)))
    given, answer = _given(drawn), drawn.side * s * (drawn.steps + 0.25)
    check = _check(drawn, given)
    return Break(
        title="Break it",
        text=_text(drawn),
        source=values({"breaks": answer}, given),
        name="breaks",
        judge=judge(check),
        worth=4,
        check=check.strip(),
    )


def _given(d: Wrapped) -> str:
    return signs(f"""
def theirs(x):
    q = round(x / {d.s}) + {d.z}
    q = (q - {d.low}) % {2**d.bits} + {d.low}  # store it in {d.bits} bits
    q = max({d.low}, min({d.high}, q))
    return {d.s} * (q - {d.z})
""")


def _check(d: Wrapped, given: str) -> str:
    ours = signs(f"{d.s} * (max({d.low}, min({d.high}, round(x / {d.s}) + {d.z})) - {d.z})")
    return f"""
import numbers


def problem(x):
    {nested(given)}

    x = x.item() if isinstance(x, torch.Tensor) and x.numel() == 1 else x
    if not isinstance(x, numbers.Real) or isinstance(x, bool) or not abs(x) < 1e6:
        return "it is not a number"
    if x * {d.side} <= 0:
        return "it is not {d.sign}"
    if theirs(x) == {ours}:
        return "theirs is right there"
    return "" if abs(x) <= {d.s * (d.steps + 1)} else "it goes wrong more than a step nearer to 0, too"
"""


def _text(d: Wrapped) -> str:
    return f"""
`theirs` should quantize a number to {d.bits} bits, from {say(d.low)} to {say(d.high)}, with s = {say(d.s)} and
z = {say(d.z)}, and bring it back. A number beyond the grid should come back as the end of the grid. For most numbers it
does all that, but not for all.

On the way from 0 through the {d.sign} numbers there is a first place where `theirs` goes wrong. Hand in `breaks`: a
**{d.sign}** number for which it goes wrong, at most one step ({say(d.s)}) beyond that place.
"""
