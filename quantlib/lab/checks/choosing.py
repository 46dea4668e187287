"""The checks of choosing: a range that contains 0.0, its s and z, and the symmetric scale."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from ...errors import QuantlibError
from ...misconceptions import Misconception
from ...qparams import choose_qparams
from ..check import Arguments, Check, Function, Parts, Trial, number, show
from ..learner import article, tensor_problem
from ..verdict import Verdict
from .cases import T, random_reals


def check_widen(function: Function) -> Verdict:
    """Say whether f(x) returns (r_min, r_max), the range of x, widened to contain 0.0."""
    return _WIDEN(function)


def check_choose_qparams(function: Function) -> Verdict:
    """Say whether f(x) returns (s, z), the int8 ruler that just covers x and 0.0."""
    return _CHOOSE(function)


def check_symmetric(function: Function) -> Verdict:
    """Say whether f(x, bits) returns the symmetric scale, max|x| / (2^(bits-1) - 1)."""
    return _SYMMETRIC(function)


def two_numbers(value: Any) -> Parts | str:
    """Return two numbers as tensors, or say why they are none."""
    if not isinstance(value, (tuple, list)):
        return tensor_problem(value) if value is None else f"it returned {article(type(value).__name__)}, not a pair"
    if len(value) != 2:
        return f"it returned {article(type(value).__name__)} of {len(value)}, not a pair of numbers"
    first, second = number(value[0]), number(value[1])
    if isinstance(first, str) or isinstance(second, str):
        return "it returned a pair, but not of two numbers"
    return *first, *second


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
    s = choose_qparams(x).scale
    steps = x.min().clamp(max=0).double() / torch.as_tensor(s).double()
    if abs(steps.item() % 1 - 0.5) < 1e-4:
        rule = "z must not lie half-way between two codes, where right functions differ"
        raise QuantlibError(rule, f"r_min / s = {steps.item():.1f}", "change a number of x a little")


@dataclass(frozen=True)
class RangeCheck(Check):
    """A check of what a range is turned into. For an odd range, mistakes are sought only if all others are right.

    odd: what is no ordinary range, in which two mistakes often meet: 0, or too large or too small for float32.
    """

    odd: tuple[Arguments, ...] = field(default=())

    def _problem(self, arguments: Arguments, got: Parts, want: Parts) -> str:
        """Say what is wrong, or return "". Where the range is next to nothing, every ruler that exists is right."""
        if _is_next_to_nothing(arguments) and _exists(*got):
            return ""
        if any(g.is_floating_point() and not w.is_floating_point() for g, w in zip(got, want, strict=True)):
            came, due = show(got, want)
            return f"it gave {came}; it should give {due}"
        return super()._problem(arguments, got, want)

    def _known(self, trials: Sequence[Trial]) -> list[Misconception]:
        ordinary = [t for t in trials if not any(t.arguments is odd for odd in self.odd)]
        return super()._known(ordinary if any(t.problem for t in ordinary) else trials)

    def _is_written_in(self, trials: Sequence[Trial]) -> bool:
        judged = [t for t in trials if not _is_next_to_nothing(t.arguments)]
        right_for_seed_only = all((not t.problem) == (t.arguments is self.seed) for t in judged)
        return len(trials) == len(self.cases) and right_for_seed_only


def _is_next_to_nothing(arguments: Arguments) -> bool:
    return bool(arguments[0].abs().max() < TINY)


TINY = torch.finfo(torch.float32).tiny


def _exists(scale: Tensor, *zero_point: Tensor) -> bool:
    """Return whether float32 holds a scale, and int8 the zero point, if there is one."""
    held = 0 < scale.float().item() < torch.inf
    return held and all(not z.is_floating_point() and -128 <= z.item() <= 127 for z in zero_point)


def _reference(x: Tensor) -> tuple[Tensor, Tensor]:
    scale, zero_point, *_ = choose_qparams(x)
    return torch.as_tensor(scale), torch.as_tensor(zero_point)


def _tensors(*rows: Sequence[float]) -> list[Arguments]:
    return [(torch.tensor(row),) for row in rows]


_T_ALONE = (T,)
_SMALL = _tensors(
    [0.0, 255.0], [-255.0, 0.0], [-2.0, 253.0], [1.0, 3.0], [-3.0, -1.0], [-3.0, 1.0], [-1.0, 3.2], [-1.0, 1e4]
)
_LARGE = [
    *((T.flatten()[k : k + 4] * sign,) for k, sign in ((0, 1.0), (1, -3.0), (5, 0.01))),
    (-2 * T,),
    (torch.tensor([1000.0, 1010.0, 1020.0, 1050.0]),),
    *((x,) for x, *_ in random_reals()),
    *((x.abs() + 1,) for x, *_ in random_reals()[:3]),
    *((-x.abs() - 1,) for x, *_ in random_reals()[:3]),
]
_ODD = tuple(_tensors([5.0], [-5.0], [0.0], [1e-44], [3e38, -2e38]))

_WIDEN = Check(
    "widen",
    ("x",),
    lambda x: (x.min().clamp(max=0.0), x.max().clamp(min=0.0)),
    (*_SMALL, *_tensors([0.0], [5.0], [-5.0]), _T_ALONE, *_LARGE),
    _T_ALONE,
    (
        "Two ends: one from x.min(), one from x.max(). Which values of x.min() leave 0.0 outside?",
        "min(x.min().item(), 0.0) is the lower end.",
    ),
    unpack=two_numbers,
)

_CHOOSE = RangeCheck(
    "choose_qparams",
    ("x",),
    _reference,
    (*_SMALL, *_ODD, _T_ALONE, *_LARGE),
    _T_ALONE,
    (
        "First r_min and r_max, with 0.0 between them. Then s = (r_max - r_min) / 255.",
        "The code -128 stands for r_min, so 0.0 has the code -128 - round(r_min / s).",
    ),
    unpack=scale_and_zero_point,
    odd=_ODD,
)

_NOTHING = (torch.tensor([0.0]), 8)
_T_8 = (T, 8)
_SYMMETRIC = RangeCheck(
    "symmetric",
    ("x", "bits"),
    lambda x, bits: choose_qparams(x, bits, symmetric=True).scale,
    (
        *((torch.tensor(row), bits) for row, bits in (([127.0], 8), ([7.0], 4), ([-7.0, 1.0], 4), ([1.0, 6.0], 3))),
        *((torch.tensor(row), bits) for row, bits in (([-3.0, -1.0], 2), ([-1.0, 2.0], 6))),
        _NOTHING,
        _T_8,
        *((T, bits) for bits in (3, 4, 5)),
        (-2 * T, 4),
        *((x, 3 + k % 6) for k, (x, *_) in enumerate(random_reals())),
    ),
    _T_8,
    (
        "Which value is furthest from 0.0, on either side? It should get the largest code, or minus that.",
        "The largest code is 2 ** (bits - 1) - 1.",
    ),
    unpack=number,
    odd=(_NOTHING,),
)
