"""Codes in a circle or between mirrors, with a number of codes that no number of bits has."""

import math
from random import Random
from typing import NamedTuple

import torch
from torch import Tensor

import quantlib
from quantlib.lab.misconception import Misconception

from ..questions import Part, Write
from ..variants import Code, mistakes, say, signs, spoiling


class Counter(NamedTuple):
    """What becomes of integers beyond the ends. shown: some, with what they become. own: the mistakes of its kind."""

    text: str
    right: Code
    shown: dict[int, int]
    own: tuple[Misconception, ...]


def turn(draw: Random) -> Write:
    low, high = -draw.choice((5, 11, 19, 23)), draw.choice((6, 14, 21, 25))
    text, right, shown, own = draw.choice((_circle, _mirrors))(low, high)
    return Write(
        title="Write another overflow",
        text=text,
        source=right.cell(f"Return the codes from {low} to {high} that the integers v become, as int64."),
        name=right.name,
        example=f"assert my_turn(torch.tensor({list(shown)})).tolist() == {list(shown.values())}",
        parts=_parts(draw, low, high),
        mistakes=(*_of_both(low, high, right), *own),
    )


def _parts(draw: Random, low: int, high: int) -> tuple[Part, ...]:
    span = high - low
    past = [low - 1, low - 2, high + 1, high + 2, low - span, high + span]
    many = [high + 2 * span + 3, low - 2 * span - 5, high + 9 * span + 1, -10_000 - draw.randint(0, 99), 123_456]
    square = torch.tensor(past[:4]).reshape(2, 2)
    return (
        Part("codes inside the grid", 1, ((torch.arange(low, high + 1),),)),
        Part("just beyond the ends", 2, ((torch.tensor(past),),)),
        Part("many turns", 2, ((torch.tensor(many),),)),
        Part("other shapes, and v as it was", 1, ((square,), (torch.tensor([], dtype=torch.int64),)), calls=2),
    )


def _of_both(low: int, high: int, right: Code) -> tuple[Misconception, ...]:
    """What goes wrong in a circle and between mirrors."""
    count, bits = high - low + 1, math.ceil(math.log2(2 * max(high + 1, -low)))
    power = "quantlib.wrap has a number of codes that is a power of two."
    return mistakes(
        f"Try {high + 1}, {low - 1}, and numbers that are further away.",
        ("saturates", "That is a clamp.", lambda v: v.clamp(low, high)),
        ("only the upper end", "Below the grid, nothing happens.", lambda v: torch.where(v > high, right(v), v)),
        ("only the lower end", "Above the grid, nothing happens.", lambda v: torch.where(v < low, right(v), v)),
        ("modulo, counted from 0", "The grid does not begin at 0.", lambda v: torch.remainder(v, count)),
        ("quantlib's own function", power, lambda v: quantlib.wrap(v, bits).long()),
        ("cast to int8", "The result should be int64.", lambda v: right(v).to(torch.int8)),
        ("v is changed in place", "The caller's tensor is overwritten.", spoiling(right, lambda v: v.sub_(low))),
    )


def _signed(right: Code, remainder: str) -> tuple[Misconception, ...]:
    says = "torch.fmod and C's % of a negative number are negative."
    wrong = right.but(signs(remainder), f"torch.fmod({signs(remainder).replace(' %', ',')})")
    return mistakes("Use % or torch.remainder.", ("a remainder with a sign", says, wrong))


# --- in a circle


def _in_circle(low: int, count: int) -> Code:
    return Code("my_turn(v)", signs(f"return (v - {low}) % {count} + {low}"))


def _circle(low: int, high: int) -> Counter:
    count = high - low + 1
    text = f"""
A counter has the {count} codes from {say(low)} to {say(high)}, in a circle: one more than {say(high)} is
{say(low)}, and one less than {say(low)} is {say(high)}. Write what becomes of any integer, without a loop.

`v` is an int64 tensor. Return int64.
"""
    shown = {low: low, high + 1: low, high + 3: low + 2, low - 1: high}
    return Counter(text, _in_circle(low, count), shown, _of_circles(low, high))


def _of_circles(low: int, high: int) -> tuple[Misconception, ...]:
    count = high - low + 1

    def once(v: Tensor) -> Tensor:
        v = torch.where(v > high, v - count, v)
        return torch.where(v < low, v + count, v)

    return (
        *mistakes(
            f"How many steps bring you back to {low}?",
            ("one code too few", "The circle closes one step too early.", _in_circle(low, count - 1)),
            ("one code too many", "The circle closes one step too late.", _in_circle(low, count + 1)),
            ("256 codes", "That is the circle of int8.", _in_circle(-128, 256)),
        ),
        *mistakes("Use a remainder.", ("only one turn", "Numbers can be many turns away.", once)),
        *_signed(_in_circle(low, count), f"(v - {low}) % {count}"),
    )


# --- between mirrors


def _between_mirrors(low: int, period: int, top: int) -> Code:
    """Count up, and down again from the top; it begins anew after a period."""
    return Code("my_turn(v)", signs(f"way = (v - {low}) % {period}\nreturn torch.minimum(way, {top} - way) + {low}"))


def _mirrors(low: int, high: int) -> Counter:
    text = f"""
A counter has the codes from {say(low)} to {say(high)}, **between two mirrors**: after {say(high)} it counts
down, {say(high - 1)}, {say(high - 2)} and so on to {say(low)}, then up again. Below {say(low)} it is the
same: {say(low - 1)} becomes {say(low + 1)}, and {say(low - 2)} becomes {say(low + 2)}. Write what becomes of any
integer, without a loop.

`v` is an int64 tensor. Return int64.
"""
    period = 2 * (high - low)
    shown = {low: low, high + 1: high - 1, high + 3: high - 3, low - 1: low + 1}
    return Counter(text, _between_mirrors(low, period, period), shown, _of_mirrors(low, high, period))


def _of_mirrors(low: int, high: int, period: int) -> tuple[Misconception, ...]:
    def once(v: Tensor) -> Tensor:
        v = torch.where(v > high, 2 * high - v, v)
        return torch.where(v < low, 2 * low - v, v)

    twice = _between_mirrors(low, period + 2, period + 1)
    return (
        *mistakes(
            f"After how many steps does it stand at {low} again, counting in the same direction?",
            ("a circle for mirrors", f"{high + 1} becomes {low}.", _in_circle(low, high - low + 1)),
            ("the ends count twice", f"{high + 1} becomes {high}.", twice),
        ),
        *mistakes("Use a remainder.", ("only one mirror", "Numbers can be many turns away.", once)),
        *_signed(_between_mirrors(low, period, period), f"(v - {low}) % {period}"),
    )
