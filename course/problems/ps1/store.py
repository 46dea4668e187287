"""A quantizer with another rule for ties, on another grid."""

from random import Random
from typing import Any, NamedTuple

import quantlib
from quantlib.lab.misconception import Misconception

from ..questions import Part, Write
from ..variants import ROUNDINGS, Code, Known, Rounding, mistakes, near, reals, say, stored


class Quantizer(NamedTuple):
    """A quantizer with one order of steps, with one rule for ties, on one grid."""

    rounding: Rounding
    z_first: bool
    low: int
    high: int

    @property
    def code(self) -> Code:
        v = "v = x / s + z" if self.z_first else "v = x / s"
        codes = self.rounding.code if self.z_first else f"{self.rounding.code} + z"
        return Code("my_store(x, s, z)", f"{v}\nreturn torch.clamp({codes}, {self.low}, {self.high}).to(torch.int8)")

    def but(self, **changed: Any) -> Code:
        return self._replace(**changed).code

    @property
    def is_narrow(self) -> bool:
        return self.low == -self.high


def store(draw: Random) -> Write:
    rounding, bits, narrow = draw.choice(ROUNDINGS), draw.choice((5, 6, 7)), draw.choice((True, False))
    drawn = Quantizer(rounding, draw.choice((True, False)), -(2 ** (bits - 1)) + narrow, 2 ** (bits - 1) - 1)
    right, low, high = drawn.code, drawn.low, drawn.high
    says = f"Return the codes of x from {low} to {high}, as int8; a tie goes {rounding.name.removeprefix('half ')}."
    s, z = draw.choice((0.25, 0.5, 2.0)), draw.choice((3, 5)) * draw.choice((-1, 1))
    shown = near([3.25, -1.75, 4.5, -4.5, high + 9], s, z)
    return Write(
        title="Write a quantizer",
        text=_text(drawn, bits),
        source=right.cell(says),
        name=right.name,
        example=f"assert my_store(torch.tensor({shown.tolist()}), {s}, {z}).tolist() == {right(shown, s, z).tolist()}",
        parts=_parts(draw, s, z, low, high),
        mistakes=(*_of_rounding(drawn), *_of_the_grid(drawn, bits), *_of_the_order(drawn), *_of_the_result(right)),
    )


def _text(drawn: Quantizer, bits: int) -> str:
    order = "Divide x by s, add z, then round" if drawn.z_first else "Divide x by s, round, then add z"
    return f"""
Write a quantizer for {bits} bits. Its codes reach from {say(drawn.low)} to {say(drawn.high)}: the grid is
{"narrow" if drawn.is_narrow else "full"}.

- {order}. z is an integer.
- Round to the nearest integer. **A tie goes {drawn.rounding.words}.**
- A code beyond the grid is clamped to its end.

`x` is a float32 tensor, `s` and `z` are numbers. Return the codes as int8.
"""


def _parts(draw: Random, s: float, z: int, low: int, high: int) -> tuple[Part, ...]:
    inside = [k + draw.choice((-0.375, -0.25, 0.25, 0.375)) for k in range(-8, 9, 2)]
    other = draw.choice((0.3, 0.7)), -z + draw.choice((-1, 1))
    ties = [k + 0.5 for k in range(-8, 8)] + [-2.75, -2.25, 2.25, 2.75]  # beside ties, floor is another rule
    ends = [low - 2, low - 1, low - 0.75, low, low + 1, high - 1, high, high + 0.75, high + 1, high + 2]
    beyond = reals([*near(ends, s, z), 1e6, -1e6, 300.0 * s, -300.0 * s])
    square = near([-3.25, -1.75, 2.25, 3.75], s, z).reshape(2, 2)
    return (
        Part("values inside the grid", 3, ((near(inside, s, z), s, z), (near(inside, *other), *other))),
        Part("ties", 3, ((near(ties, s, z), s, z), (near(ties, 2 * s, -z), 2 * s, -z), (near(ties, s), s, 0))),
        Part("values beyond the grid", 2, ((beyond, s, z), (-beyond, s, -z))),
        Part("other shapes, and x as it was", 2, ((square, s, z), (reals([]), s, z), (square[0, 0], s, z)), calls=2),
    )


def _of_rounding(drawn: Quantizer) -> tuple[Misconception, ...]:
    def rounded(code: str) -> Code:
        return drawn.code.but(drawn.rounding.code, code)

    even = "torch.round and quantlib.quantize take a tie to the even integer."
    others = [rule for rule in ROUNDINGS if rule is not drawn.rounding]
    ties = [(rule.name, f"A tie goes {rule.words} here.", rounded(rule.code)) for rule in others]
    cut = [
        ("truncation", "The fraction is dropped.", rounded("torch.trunc(v)")),
        ("floor", "Floor always goes down.", rounded("torch.floor(v)")),
    ]
    return (
        *mistakes("Look again at what a tie does.", ("half to even", even, rounded("torch.round(v)")), *ties),
        *mistakes("Round to nearest.", *cut),
    )


def _of_the_grid(drawn: Quantizer, bits: int) -> tuple[Misconception, ...]:
    low, high = drawn.low, drawn.high
    unclamped = drawn.code.but("torch.clamp(", "stored(").but(f", {low}, {high}).to(torch.int8)", ")")
    plain = "It has the grid of int8, and takes a tie to the even integer."
    wraps = "A code that does not fit into int8 wraps around, and others stay beyond the grid."
    other, lowest = ("full for narrow", -high - 1) if drawn.is_narrow else ("narrow for full", -high)
    known: list[Known] = [
        ("no clamp before the cast", wraps, unclamped),
        ("the grid of int8", "It has 8 bits.", drawn.but(low=-128, high=127)),
        (other, "The lowest code is another one.", drawn.but(low=lowest)),
        ("an unsigned grid", f"It has the codes from 0 to {2**bits - 1}.", drawn.but(low=0, high=2**bits - 1)),
        ("only the upper end is clamped", "A code below the grid stays.", drawn.but(low=-128)),
        ("only the lower end is clamped", "A code above the grid stays.", drawn.but(high=127)),
        ("quantlib's own function, on its own grid", plain, quantlib.quantize),
    ]
    if bits < 7:
        known.append(("one bit more", "The grid is twice as wide.", drawn.but(low=2 * low, high=2 * high + 1)))
    return mistakes(f"The codes reach from {say(low)} to {say(high)}.", *known)


def _of_the_order(drawn: Quantizer) -> tuple[Misconception, ...]:
    right, low, high = drawn.code, drawn.low, drawn.high
    early = "The shift moves codes off the grid again."
    known: list[Known] = [
        ("clamp before adding z", early, lambda x, s, z: stored(right(x, s, 0).int() + z)),
        ("z is forgotten", "0.0 should get the code z.", lambda x, s, z: right(x, s, 0)),
        ("z subtracted", "0.0 should get the code z.", lambda x, s, z: right(x, s, -z)),
        ("multiplied by s", "s is real units per step.", right.but("x / s", "x * s")),
        ("z added before dividing", "z counts steps.", lambda x, s, z: right(x + z, s, 0)),
    ]
    if drawn.rounding.name in ("half away from zero", "half towards zero"):
        sides = "Before and after z is added, a tie can lie on different sides of 0."
        known.append(("z at the wrong time", sides, drawn.but(z_first=not drawn.z_first)))
    if not drawn.z_first:
        says = "quantlib.quantize adds z before it rounds, half to even."
        known.append(("quantlib's own function", says, lambda x, s, z: quantlib.quantize(x, s, z, low, high)))
    return mistakes("Follow the order of the steps in the text.", *known)


def _of_the_result(right: Code) -> tuple[Misconception, ...]:
    floats, overwritten = "The codes are right, but they are floats.", "The caller's tensor is overwritten."
    return (
        *mistakes("End with .to(torch.int8).", ("not cast to int8", floats, right.but(".to(torch.int8)", ""))),
        *mistakes(
            "Make a new tensor: x / s.",
            ("x is changed in place", overwritten, right.but("x / s", "x.div_(s)")),
        ),
    )
