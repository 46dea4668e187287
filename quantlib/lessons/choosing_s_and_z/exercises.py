"""The exercises of notebook 05: the range with 0.0 in it, the min-max ruler, and the symmetric scale."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

import quantlib
from quantlib import QuantlibError
from quantlib.data import T
from quantlib.lab.cases import T_ALONE, random_reals
from quantlib.lab.exercise import Exercise
from quantlib.lab.learner import Parts, one_number, step_problem, two_numbers, whole_problem
from quantlib.lab.same import Arguments

from .mistakes import known


def scale_and_zero_point(value: Any) -> Parts | str:
    """Return s as float64, and z as int64 or, where it is no integer, as float64."""
    numbers = two_numbers(value)
    if isinstance(numbers, str):
        return numbers
    s, z = numbers
    whole = bool(z == z.round()) and abs(z.item()) < 2**53
    return s, z.long() if whole else z


def refuse_tie(x: Tensor) -> None:
    """Raise where z would lie half-way between two codes: float32 may send it to either, and right functions differ."""
    s = quantlib.choose_qparams(x).scale
    steps = x.min().clamp(max=0).double() / torch.as_tensor(s).double()
    if abs(steps.item() % 1 - 0.5) < 1e-4:
        rule = "z must not lie half-way between two codes, where right functions differ"
        raise QuantlibError(rule, f"r_min / s = {steps.item():.1f}", "change a number of x a little")


def any_ruler_is_right(arguments: Arguments, got: Parts) -> bool:
    """Return whether a range is next to nothing: every ruler is right then that float32 and int8 can hold."""
    scale, *zero_point = got
    held = 0 < scale.float().item() < torch.inf
    held = held and all(not z.is_floating_point() and -128 <= z.item() <= 127 for z in zero_point)
    return held and bool(arguments[0].abs().max() < torch.finfo(torch.float32).tiny)


def ruler_problem(value: Any, *_: object) -> str:
    """Say why a value cannot be (s, z), or return "" if it can: a positive number and an integer."""
    if value is None:
        return "returned None: is a `return` missing?"
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        return "returned no pair of s and z"
    said = "returned a pair that has"
    return step_problem(value[0], said=said) or whole_problem(value[1], said=said)


def _tensors(*rows: Sequence[float]) -> list[Arguments]:
    return [(torch.tensor(row),) for row in rows]


_SMALL = _tensors(
    [0.0, 255.0], [-255.0, 0.0], [-2.0, 253.0], [1.0, 3.0], [-3.0, -1.0], [-3.0, 1.0], [-1.0, 3.2], [-1.0, 1e4]
)
_NARROW = _tensors([-0.002, 0.008], [-2e-10, 8e-10])  # smaller than what people take for the smallest scale
_LARGE = [
    *((T.flatten()[k : k + 4] * sign,) for k, sign in ((0, 1.0), (1, -3.0), (5, 0.01))),
    (-2 * T,),
    (torch.tensor([1000.0, 1010.0, 1020.0, 1050.0]),),
    *((x,) for x, *_ in random_reals()),
    *((x.abs() + 1,) for x, *_ in random_reals()[:3]),
    *((-x.abs() - 1,) for x, *_ in random_reals()[:3]),
]
_ODD = tuple(_tensors([5.0], [-5.0], [0.0], [1e-44], [3e38, -2e38]))

widen = Exercise(
    "widen",
    "f(x) returns (r_min, r_max), the range of x, widened to contain 0.0",
    parameters=("x",),
    reference=lambda x: (x.min().clamp(max=0.0), x.max().clamp(min=0.0)),
    cases=(*_SMALL, *_tensors([0.0], [5.0], [-5.0]), *_NARROW, T_ALONE, *_LARGE),
    seen=T_ALONE,
    hints=(
        "Two ends: one from x.min(), one from x.max(). Which values of x.min() leave 0.0 outside?",
        "min(x.min().item(), 0.0) is the lower end.",
    ),
    unpack=two_numbers,
    known=known["widen"],
)

choose_qparams = Exercise(
    "choose_qparams",
    "f(x) returns (s, z), the int8 ruler that just covers x and 0.0",
    parameters=("x",),
    reference=lambda x: quantlib.choose_qparams(x)[:2],
    cases=(*_SMALL, *_NARROW, *_ODD, T_ALONE, *_LARGE),
    seen=T_ALONE,
    hints=(
        "First r_min and r_max, with 0.0 between them. Then s = (r_max - r_min) / 255.",
        "The code -128 stands for r_min, so 0.0 has the code -128 - round(r_min / s).",
    ),
    unpack=scale_and_zero_point,
    odd=_ODD,
    anything_goes=any_ruler_is_right,
    refuse=refuse_tie,
    usable=ruler_problem,
    known=known["choose_qparams"],
)

_NOTHING = (torch.tensor([0.0]), 8)
_T_8 = (T, 8)
# Not of 4 bits: 2 ^ 3 - 1 is 0 in Python, and what raises cannot be recognised.
_SCALES = ([127.0], 8), ([15.0], 5), ([-15.0, 1.0], 5), ([1.0, 6.0], 3), ([-3.0, -1.0], 2), ([-1.0, 2.0], 6)

symmetric = Exercise(
    "symmetric",
    "f(x, bits) returns the symmetric scale, max|x| / (2^(bits-1) - 1)",
    parameters=("x", "bits"),
    reference=lambda x, bits: quantlib.choose_qparams(x, bits, symmetric=True).scale,
    cases=(
        *((torch.tensor(row), bits) for row, bits in _SCALES),
        (torch.tensor([-2e-10, 8e-10]), 8),
        _NOTHING,
        _T_8,
        *((T, bits) for bits in (3, 5, 6)),
        (-2 * T, 5),
        *((x, (3, 5, 6, 7, 8)[k % 5]) for k, (x, *_) in enumerate(random_reals())),
    ),
    seen=_T_8,
    hints=(
        "Which value is furthest from 0.0, on either side? It should get the largest code, or minus that.",
        "The largest code is 2 ** (bits - 1) - 1.",
    ),
    unpack=one_number,
    odd=(_NOTHING,),
    anything_goes=any_ruler_is_right,
    usable=step_problem,
    known=known["symmetric"],
)
