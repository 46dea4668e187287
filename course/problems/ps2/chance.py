"""Rounding from given draws, by another rule than that of notebook 08."""

from random import Random
from typing import Any

import torch
from torch import Tensor

from quantlib.lab.misconception import Misconception

from ..questions import Part, Write
from ..variants import Code, Known, mistakes, reals, say, spoiling


def chance(draw: Random) -> Write:
    return draw.choice((_up_where_large, _size_first, _ties_only))(draw)


HEAD = "my_round(v, u)"
_DRAWS = """
`v` and `u` have one shape; each `u` is a number from 0 to below 1 that was drawn for its `v`. Return integers as
float32.
"""


def _write(text: str, right: Code, v: list[float], u: list[float], **rest: Any) -> Write:
    gives = right(reals(v), reals(u)).tolist()
    return Write(
        title="Round by chance",
        text=f"{text}{_DRAWS}",
        source=right.cell("Return the integers that v becomes by the draws u, as float32."),
        name=right.name,
        example=f"assert my_round(torch.tensor({v}), torch.tensor({u})).tolist() == {gives}",
        **rest,
    )


def _parts(draw: Random, *fractions: float) -> tuple[Part, ...]:
    """Every fraction with every draw in sixteenths, for some whole numbers; sums of sixteenths are exact."""
    u = [k / 16 for k in range(16)] * len(fractions)
    f = [fraction for fraction in fractions for _ in range(16)]
    v = [draw.randint(0, 6) + fraction for fraction in f]
    whole = [float(draw.randint(-6, 6)) for _ in range(6)]
    small = [0.0, 0.25, 0.5, 0.9375, 0.0, 0.75]
    square = reals(v[5:11]).reshape(2, 3), reals(u[5:11]).reshape(2, 3)
    return (
        Part("positive numbers", 2, ((reals(v), reals(u)),)),
        Part("negative numbers", 2, ((-reals(v), reals(u)),)),
        Part("integers, other shapes, and v as it was", 1, ((reals(whole), reals(small)), square), calls=2),
    )


def _mistakes(right: Code, hint: str, *own: Known) -> tuple[Misconception, ...]:
    return mistakes(
        hint,
        ("u is not used", "That rounds to nearest, half to even.", lambda v, u: v.round()),
        ("always down", "u should decide.", lambda v, u: v.floor()),
        ("u is added, then the nearest", "That is half a code too large.", lambda v, u: torch.round(v + u)),
        ("returned as integers", "The values are right, but float32 is asked for.", lambda v, u: right(v, u).int()),
        ("v is changed in place", "The caller's tensor is overwritten.", spoiling(right, lambda v: v.add_(1))),
        *own,
    )


def _of_notebook(v: Tensor, u: Tensor) -> Tensor:
    return v.floor() + (u < v - v.floor())


# --- large draws go up


def _up_where_large(draw: Random) -> Write:
    text = """
Stochastic rounding in which **large** draws go up: let f be the fraction of v, its distance from the integer below. v
becomes the integer above where **u is at least 1 − f**, else the integer below.
"""
    right = Code(HEAD, "return torch.floor(v + u)")
    own: list[Known] = [
        ("up where u is small", "That is the rule of notebook 08: just as fair, but not this one.", _of_notebook),
        ("at least is not above", "u = 1 − f goes up.", lambda v, u: v.floor() + (u > 1 - (v - v.floor()))),
        ("the probabilities are swapped", "2.75 should go up often.", lambda v, u: v.floor() + (u >= v - v.floor())),
        ("a fair coin", "2.75 should go up often.", lambda v, u: v.floor() + ((u >= 0.5) & (v != v.floor()))),
        ("trunc where floor is meant", "Below 0, trunc goes up.", right.but("floor", "trunc")),
        (
            "the size is rounded",
            "Below 0, the integer above is nearer to 0.",
            Code(HEAD, "return v.sign() * (v.abs() + u).floor()"),
        ),
        ("always up", "Only large draws go up.", lambda v, u: v.ceil()),
    ]
    return _write(
        text,
        right,
        [2.75, 2.75, -2.75],
        [0.5, 0.125, 0.5],
        parts=_parts(draw, draw.choice((0.25, 0.3125)), 0.5, draw.choice((0.6875, 0.75))),
        mistakes=_mistakes(right, "Which draws take 2.75 to 3?", *own),
    )


# --- the size is rounded


def _size_first(draw: Random) -> Write:
    small = draw.choice((True, False))
    rule = "u is smaller than f" if small else "u is at least 1 − f"
    text = f"""
Stochastic rounding of the **size**: |v| lies between two integers, and f is its distance from the lower one. The size
goes up where **{rule}**, else down. Then the result gets the sign of v.
"""
    right = _sized(small)
    return _write(
        text,
        right,
        [2.25, -2.25, -2.25],
        [0.125, 0.125, 0.875],
        parts=_parts(draw, draw.choice((0.25, 0.3125)), 0.5, draw.choice((0.6875, 0.75))),
        mistakes=_mistakes(right, "Take |v|, round it, and give it the sign of v.", *_of_sizes(small, rule)),
    )


def _goes_up(small: bool) -> str:
    return "u < size - low" if small else "u >= 1 - (size - low)"


def _sized(small: bool) -> Code:
    return Code(HEAD, f"size = v.abs()\nlow = size.floor()\nreturn v.sign() * (low + ({_goes_up(small)}))")


def _of_sizes(small: bool, rule: str) -> list[Known]:
    right, goes_up = _sized(small), _goes_up(small)
    limit = goes_up.replace("<", "<=").replace(">=", ">")
    return [
        ("the rule of notebook 08", "There, a small u takes −2.25 up to −2.", _of_notebook),
        ("v + u, and down", "floor(v + u) is just as fair, but not this rule.", lambda v, u: torch.floor(v + u)),
        ("large for small" if small else "small for large", f"The size goes up where {rule}.", _sized(not small)),
        ("the sign is lost", "Give the result the sign of v.", right.but("v.sign() * ", "")),
        ("the limit is on the wrong side", f"It goes up where {rule}.", right.but(goes_up, limit)),
        ("the probabilities are swapped", "2.75 should become 3 often.", right.but(goes_up, "u > size - low")),
        ("a fair coin", "2.75 should become 3 often.", right.but(goes_up, "(u < 0.5) & (size > low)")),
        ("always away from 0", "u should decide.", right.but(goes_up, "size > low")),
    ]


# --- only a tie is left to chance


def _ties_only(draw: Random) -> Write:
    c, away = draw.choice((0.25, 0.5, 0.75)), draw.choice((True, False))
    goes, else_ = ("away from 0", "towards 0") if away else ("up", "down")
    text = f"""
Rounding to nearest in which **only a tie is left to chance**: a number half-way between two integers goes {goes}
where u is smaller than {say(c)}, else {else_}. Every other number becomes the nearest integer, whatever its u.
"""
    right = _tie(c, away)
    return _write(
        text,
        right,
        [2.5, -2.5, 2.625],
        [0.125, 0.125, 0.875],
        parts=_parts(draw, draw.choice((0.25, 0.4375)), 0.5, draw.choice((0.5625, 0.75))),
        mistakes=_mistakes(right, "Find the ties first. All others do not need u.", *_of_ties(c, away, goes, else_)),
    )


def _tie(c: float, away: bool) -> Code:
    low = "low, step = v.trunc(), v.sign()" if away else "low, step = v.floor(), 1"
    return Code(HEAD, f"{low}\nreturn torch.where((v - low).abs() == 0.5, low + step * (u < {c}), v.round())")


def _of_ties(c: float, away: bool, goes: str, else_: str) -> list[Known]:
    right = _tie(c, away)
    other = "up for away from 0" if away else "away from 0 for up"
    all_ = "Only a tie is left to chance."
    return [
        ("chance for all numbers", all_, _of_notebook),
        ("a coin for all numbers", all_, lambda v, u: v.floor() + (u < c)),
        (f"{goes} where u is large", f"A small u goes {goes}.", right.but("u <", "u >=")),
        ("smaller is not equal", f"u = {say(c)} goes {else_}.", right.but("u <", "u <=")),
        (f"a tie goes {goes}", "u should decide.", right.but(f" * (u < {c})", "")),
        (f"a tie goes {else_}", "u should decide.", right.but(f" + step * (u < {c})", "")),
        (other, "Up is towards 0 for a negative number.", _tie(c, not away)),
        ("another limit", f"The limit is {say(c)}.", _tie(0.25 if c == 0.5 else 0.5, away)),
    ]
