"""How to choose s and z, under another convention."""

from random import Random
from typing import Any, NamedTuple

import torch
from torch import Tensor

import quantlib
from quantlib.lab.misconception import Misconception

from ..questions import Part, Write
from ..variants import Code, Known, as_tensors, mistakes, reals, say, spoiling

RULES = {
    "steps": "s is the range r_max − r_min divided by the number of **steps**, {steps}.",
    "codes": "s is the range r_max − r_min divided by the number of **codes**, {codes}.",
    "power": "s is the smallest **power of two** (…, 1/4, 1/2, 1, 2, …) that is at least (r_max − r_min)/{steps}.",
}
SCALES = {
    "steps": "(r_max - r_min) / {steps}",
    "codes": "(r_max - r_min) / {codes}",
    "power": "2.0 ** math.ceil(math.log2((r_max - r_min) / {steps}))",
}


class Ruler(NamedTuple):
    """How s and z follow from a range. rounds: the function that rounds z."""

    rule: str
    rounds: str
    low: int
    bits: int

    @property
    def steps(self) -> int:
        return 2**self.bits - 1

    @property
    def high(self) -> int:
        return self.low + self.steps

    @property
    def code(self) -> Code:
        return Code(
            "my_ruler(x)",
            f"""
import math

r_min, r_max = min(0.0, x.min().item()), max(0.0, x.max().item())
if r_min == r_max:
    return 1.0, {self.low}
s = {SCALES[self.rule].format(steps=self.steps, codes=self.steps + 1)}
return s, max({self.low}, min({self.high}, {self.rounds}({self.low} - r_min / s)))
""",
        )

    def but(self, **changed: Any) -> Code:
        return self._replace(**changed).code


def ruler(draw: Random) -> Write:
    rule, up, bits = draw.choice(tuple(RULES)), draw.choice((True, False)), draw.choice((4, 5, 6, 7))
    drawn = Ruler(rule, "math.ceil" if up else "math.floor", draw.choice((0, -(2 ** (bits - 1)))), bits)
    right, reach = drawn.code, (drawn.steps + (rule == "codes")) / 4
    return Write(
        title="Choose s and z",
        text=_text(drawn),
        source=right.cell("Return (s, z), a float and an int."),
        name=right.name,
        example=f"assert my_ruler(torch.tensor([0.0, {reach}])) == (0.25, {drawn.low})\n"
        "assert list(map(type, my_ruler(torch.tensor([-1.0, 1.3])))) == [float, int]",
        parts=_parts(draw, right, reach),
        mistakes=(*_of_z(drawn), *_of_the_range(right), *_of_the_scale(drawn), *_of_the_pair(right)),
    )


def _text(d: Ruler) -> str:
    return f"""
Choose s and z for the {d.bits}-bit codes from {say(d.low)} to {say(d.high)}:

- The range [r_min, r_max] of x is widened, if need be, to contain 0.0.
- {RULES[d.rule].format(steps=d.steps, codes=d.steps + 1)}
- z is {say(d.low)} − r_min/s, **rounded {"up" if d.rounds == "math.ceil" else "down"}** to an integer, then clamped to
  the grid.
- If all values are 0.0, s is 1.0 and z is {say(d.low)}.

`x` is a tensor with at least one value. Return the pair `(s, z)`: a Python float and a Python int.
"""


def _parts(draw: Random, right: Code, reach: float) -> tuple[Part, ...]:
    both = [_with_fraction(draw, right, fraction) for fraction in (0.25, 0.4, 0.6, 0.75)]
    square = reals([[-0.3, 0.8], [1.1, -1.7]])
    return (
        Part("values on both sides of 0.0", 4, tuple((x,) for x in both)),
        Part("values on one side of 0.0", 3, ((reals([5.3, 6.9, 7.7]),), (reals([-reach, -reach * 3 / 4]),))),
        Part("a range of 0", 1, ((torch.zeros(3),), (torch.zeros(1),))),
        Part("other shapes, and x as it was", 2, ((square,), (square[0, 1],)), calls=2),
    )


def _with_fraction(draw: Random, right: Code, fraction: float) -> Tensor:
    """Draw values for which z, before it is rounded, has about this fraction: no float can decide where it goes.

    Nor can it decide which power of two s is: a slightly wider or narrower range has nearly the same s.
    """
    while True:
        low, high = -round(draw.uniform(0.5, 6), 2), round(draw.uniform(0.5, 6), 2)
        s, *others = (right(torch.tensor([low, c * high], dtype=torch.float64))[0] for c in (1, 0.999, 1.001))
        if abs((-low / s) % 1 - fraction) < 0.05 and all(abs(other / s - 1) < 0.01 for other in others):
            return reals([0.4 * high, low, 0.1, high, 0.5 * low])


def _of_z(d: Ruler) -> tuple[Misconception, ...]:
    up, from_0 = d.rounds == "math.ceil", d.low == 0
    name = "z rounded down" if up else "z rounded up"
    opposite = d.but(rounds="math.floor" if up else "math.ceil")
    counted = "counted from a negative code" if from_0 else "counted from 0"
    other_low = d.but(low=-(2 ** (d.bits - 1)) if from_0 else 0)
    downwards = d.code.but(f"{d.low} - r_min", f"{d.low} + r_min")

    def quantlibs(x: Tensor) -> tuple[float, int]:
        qp = quantlib.choose_qparams(x, d.bits, signed=not from_0)
        return float(qp.scale), int(qp.zero_point)

    def symmetric(x: Tensor) -> tuple[float, int]:
        return x.abs().max().item() / (2 ** (d.bits - 1) - 1) or 1.0, 0

    known: list[Known] = [
        ("quantlib's own function", "It divides by the steps, and rounds z to nearest.", quantlibs),
        ("z has the wrong sign", "r_min is negative, so r_min/s is too.", downwards),
        (name, "To round r_min/s is to round z in the other direction.", opposite),
        ("the symmetric ruler", "z follows the range here.", symmetric),
        (counted, f"The first code is {say(d.low)}.", other_low),
    ]
    if d.rule != "steps":  # with which it is quantlib's own function
        known.append(("z rounded to nearest", "The text says in which direction.", d.but(rounds="round")))
    return mistakes(f"z is {say(d.low)} − r_min/s: first that number, then the rounding.", *known)


def _of_the_range(right: Code) -> tuple[Misconception, ...]:
    widened, plain = "min(0.0, x.min().item()), max(0.0, x.max().item())", "x.min().item(), x.max().item()"
    s_of_0 = right.but("return 1.0,", "return 0.0,")
    return (
        *mistakes(
            "Widen the range to 0.0 first.",
            ("0.0 is not in the range", "Values can lie on one side of 0.0.", right.but(widened, plain)),
        ),
        *mistakes(
            "Look at the last rule.",
            ("a range of 0 gives s = 0", "Nothing can be divided by that s.", s_of_0),
        ),
    )


def _of_the_scale(d: Ruler) -> tuple[Misconception, ...]:
    words = {"steps": "steps", "codes": "codes", "power": "a power of two"}
    says = "The scale is that of another convention: {}."
    others = [
        (f"{words[rule]} for the scale", says.format(words[rule]), d.but(rule=rule)) for rule in words if rule != d.rule
    ]
    return mistakes(
        "Look again at what the range is divided by.",
        ("8 bits", "Count the bits of the text.", d.but(bits=8)),
        ("one bit less", "Count the bits of the text.", d.but(bits=d.bits - 1)),
        *others,
    )


def _of_the_pair(right: Code) -> tuple[Misconception, ...]:
    are_tensors, overwritten = "The numbers are right, but they are tensors.", "The caller's tensor is overwritten."
    return (
        *mistakes(
            "Return s, then z.",
            ("z first", "The first of the two should be s.", lambda x: right(x)[::-1]),
            ("tensors for numbers", are_tensors, as_tensors(right)),
        ),
        *mistakes(
            "Do not write into x.",
            ("x is changed in place", overwritten, spoiling(right, lambda x: x.sub_(1))),
        ),
    )
