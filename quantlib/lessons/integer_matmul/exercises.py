"""The exercises of notebook 09: exact sums of products, a multiplier with its shift, and the way back to 8 bits."""

from typing import Any

import numpy
import torch
from torch import Tensor

from quantlib.affine import quantize
from quantlib.data import T
from quantlib.formats.integers import fixed_point
from quantlib.lab.exercise import Exercise
from quantlib.lab.learner import Parts, codes_problem, tensor_problem, two_numbers
from quantlib.qparams import choose_qparams

from .mistakes import known, multiply_and_shift, sums_of_products

INT32 = torch.iinfo(torch.int32)
X = torch.tensor([[1.0], [2.0], [3.0]])
CODES_OF_T = quantize(T, *choose_qparams(T, symmetric=True))
CODES_OF_X = quantize(X, *choose_qparams(X))


def sums_problem(value: Any, q_w: Tensor, q_x: Tensor, z_x: int) -> str:
    """Say why a value cannot be the sums of q_w q_x, or return ""."""
    problem, wanted = tensor_problem(value), (len(q_w), q_x.shape[1])
    if problem:
        return problem
    if tuple(value.shape) != wanted:
        return f"returned shape {tuple(value.shape)}, not {wanted}"
    if value.dtype not in (torch.int8, torch.int16, torch.int32, torch.int64):
        return f"returned {value.dtype}, not signed integers"
    fits = bool(((value >= INT32.min) & (value <= INT32.max)).all())
    return "" if fits else "returned a sum that int32 does not hold"


def two_integers(value: Any) -> Parts | str:
    """Return a pair of integers as int64 tensors, or say why it is none."""
    pair = two_numbers(value)
    if isinstance(pair, str):
        return pair
    for part in value:
        if isinstance(part, float) or (isinstance(part, Tensor) and part.is_floating_point()):
            return f"returned {float(part):g} as a float, not as an integer"
    if not all(abs(part.item()) < 2**53 for part in pair):
        return "returned an integer of more than 53 bits"
    return pair[0].long(), pair[1].long()


def multiplier_problem(value: Any, M: float) -> str:
    """Say why a value cannot be the multiplier and the shift of M, or return ""."""
    pair = two_integers(value)
    if isinstance(pair, str):
        return pair
    m, n = (part.item() for part in pair)
    return "" if 0 < m < 2**31 and 0 < n < 62 else "returned numbers that do not fit: 0 < m < 2^31 and 0 < n < 62"


def requantized_problem(value: Any, acc: Tensor, *_: object) -> str:
    """Say why a value cannot be codes of sums, or return ""."""
    problem = codes_problem(value, acc)
    return problem or ("" if value.dtype == torch.int8 else f"returned {value.dtype}, not torch.int8")


def _codes(*rows: list[int]) -> Tensor:
    return torch.tensor(rows, dtype=torch.int8)


def _random(seed: int, *shape: int) -> Tensor:
    return torch.tensor(numpy.random.RandomState(seed).randint(-128, 128, shape), dtype=torch.int8)


_LONG = torch.full((1, 1041), 127, dtype=torch.int8)  # all but one of its squares are below 2^24, and the sum is odd
_OF_T = (CODES_OF_T, CODES_OF_X, -128)
_OBLONG = tuple((_random(k, r, 5), _random(k + 1, 5, c), z) for k, r, c, z in ((0, 3, 4, -77), (2, 2, 6, 100)))

integer_sums = Exercise(
    "integer_sums",
    "f(q_w, q_x, z_x) returns the sums of q_w (q_x - z_x) as exact integers",
    parameters=("q_w", "q_x", "z_x"),
    reference=sums_of_products,
    cases=(
        *((_codes([w]), _codes([x]), z) for w, x, z in ((1, 1, 0), (1, 1, 1), (2, 64, 0), (1, 127, -1), (-3, 5, 2))),
        (_codes([1], [2]), _codes([3, 4]), 1),
        (_codes([-128, -128, -128]), _codes([-128], [-128], [-128]), 0),
        (_codes([1, 2], [3, 4]), _codes([5, 6], [7, 8]), 1),
        _OF_T,
        (_LONG, _LONG.T, 0),
        *((_random(k, 4, 4), _random(k + 1, 4, 4), z) for k, z in ((4, -128), (6, 100))),
        *_OBLONG,
    ),
    seen=_OF_T,
    hints=(
        "Make both matrices int32 first: q_w.int(), q_x.int(). Only then multiply, add or subtract.",
        "q_w.int() @ q_x.int() is the first sum. From each row goes z_x times the sum of the row's weights.",
        "q_w.int().sum(1, keepdim=True) has shape (rows, 1), and so it is subtracted from each row.",
    ),
    known=known["integer_sums"],
    usable=sums_problem,
    odd=_OBLONG,
)

_CARRY = 1 - 2.0**-33
_SEEN = (0.3,)
multiplier = Exercise(
    "multiplier",
    "f(M) returns integers m and n with M = m / 2^n as nearly as m from 2^30 to below 2^31 allows",
    parameters=("M",),
    reference=lambda M: tuple(fixed_point(torch.tensor(M, dtype=torch.float64))),
    cases=(
        *((M,) for M in (0.5, 0.25, 0.75, 1.0)),
        _SEEN,
        *((M,) for M in (1.4186, 3.9, 0.1, 7 / 512, 0.00144027, 2**-20 * 1.1, _CARRY)),
        *((M,) for M in (2.0 ** numpy.random.RandomState(0).uniform(-12, 2, 12)).tolist()),
    ),
    seen=_SEEN,
    hints=(
        "math.frexp(M) returns f and e with M = f * 2^e, where f is from 0.5 to below 1.",
        "Then m is round(f * 2^31), and n is 31 - e.",
        "f just below 1 may be rounded up to m = 2^31. Halve m then: what must n become?",
    ),
    known=known["multiplier"],
    usable=multiplier_problem,
    unpack=two_integers,
)


def _sums(*values: int) -> Tensor:
    return torch.tensor(values, dtype=torch.int32)


_M3 = tuple(fixed_point(0.3))
_SMALL = tuple(fixed_point(0.00144027))
_DRAWN = numpy.random.RandomState(1).randint(-40_000, 40_000, (2, 3, 4))
_OF_LAYER = (_sums(32640, 1817, 29209), *_SMALL, -128)
_TIES = (_sums(2, -2, 6, -6), 2**30, 32, 0)  # 0.5, −0.5, 1.5 and −1.5
_NEARLY_A_TIE = (_sums(654_789_377), 1_471_878_369, 54, 0)  # 53.5 − 31 / 2^54: a float64 makes 53.5 of it
requantize = Exercise(
    "requantize",
    "f(acc, m, n, z) returns the int8 codes nearest to acc m / 2^n, plus z, clamped",
    parameters=("acc", "m", "n", "z"),
    reference=multiply_and_shift,
    cases=(
        (_sums(1), 2**30, 30, 0),
        *((_sums(v), *_M3, 0) for v in (2, -1, -2, 7, -9)),
        *((_sums(v), *_M3, z) for v, z in ((1, 5), (1, -5), (10, 5))),
        (_sums(1000, -1000), *_M3, 0),
        (_sums(500, -500), *_M3, -100),
        (_sums(500, -1000), *_M3, 100),
        (_sums(7984, -7984), *_SMALL, 0),
        _NEARLY_A_TIE,
        _OF_LAYER,
        (_sums(41, -41, 90), *fixed_point(1.4186), 3),
        (_sums(3, 4, 6, 7, -8), *_M3, -128),
        (torch.tensor(_DRAWN, dtype=torch.int32), *fixed_point(0.00271), -5),
        _TIES,
    ),
    seen=_OF_LAYER,
    hints=(
        "acc * m can need 62 bits: begin with acc.long().",
        "A shift to the right, >> n, rounds down. Add half of 2^n before it: 2 ** (n - 1).",
        "z comes after the shift, then .clamp(-128, 127), and .to(torch.int8) last.",
    ),
    known=known["requantize"],
    usable=requantized_problem,
    codes=True,
    odd=(_TIES, _NEARLY_A_TIE),
)
