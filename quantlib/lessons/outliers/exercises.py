"""The exercises of notebook 13: which columns hold outliers, factors that move them, and a matrix that mixes them."""

import math
from typing import Any

import numpy
import torch
from torch import Tensor

from quantlib.lab.exercise import Exercise
from quantlib.lab.learner import Parts, one_tensor, tensor_problem
from quantlib.lab.same import Arguments
from quantlib.networks import hadamard as hadamard_matrix

from .mistakes import factors, known, marked

LONGEST = 10_000  # of a mask that is looked at


def one_mask(value: Any) -> Parts | str:
    """Return a mask as 0 and 1, or say why it is none. A list will do, and 0 and 1 in any dtype."""
    if isinstance(value, (list, tuple)) and value and all(isinstance(v, (bool, int)) for v in value):
        value = torch.tensor(value)
    if isinstance(value, Tensor) and value.numel() <= LONGEST and _is_mask(value):
        value = value.long()
    return one_tensor(value)


def _is_mask(value: Tensor) -> bool:
    return value.dtype == torch.bool or bool(((value == 0) | (value == 1)).all())


def mask_problem(value: Any, x: Tensor, *_: object) -> str:
    """Say why a value cannot be a mask of the columns of x, or return ""."""
    parts = one_mask(value)
    if isinstance(parts, str):
        return parts
    mask, wanted = parts[0], tuple(x.shape[1:])
    if tuple(mask.shape) != wanted:
        return f"returned shape {tuple(mask.shape)}, not {wanted}"
    return "" if bool(((mask == 0) | (mask == 1)).all()) else "returned numbers, not True and False"


def _drawn(seed: int, *shape: int) -> Tensor:
    return torch.tensor(numpy.random.RandomState(seed).normal(size=shape)).float()


def _rows(*rows: list[float]) -> Tensor:
    return torch.tensor(rows)


_SEEN_COLUMNS = (_rows([1.0, -8.0, 2.0], [0.0, 1.0, 7.0]), 6.0)
outlier_columns = Exercise(
    "outlier_columns",
    "f(x, threshold) returns for each column of x whether it holds a value of a size above the threshold",
    parameters=("x", "threshold"),
    reference=marked,
    cases=(
        (_rows([7.0, 0.0]), 6.0),
        (_rows([-7.0, 0.0]), 6.0),
        (_rows([6.0, 1.0]), 6.0),
        (_rows([7.0, 0.0], [0.0, 1.0]), 6.0),
        (_rows([7.0, 0.0], [-7.0, 5.0], [7.0, 5.0]), 6.0),
        (_rows([1.0, 2.0, 3.0], [0.5, -1.0, 4.0]), 2.5),
        _SEEN_COLUMNS,
        (_drawn(0, 4, 4), 1.0),
        (_drawn(1, 4, 4), 0.5),
        (_drawn(2, 5, 3), 1.2),
        (_drawn(3, 2, 6), 0.3),
    ),
    seen=_SEEN_COLUMNS,
    hints=(
        "x.abs() > threshold is True or False for each value.",
        "any(0) goes down the columns: it is True where a column holds a True.",
        "return (x.abs() > threshold).any(0)",
    ),
    known=known["outlier_columns"],
    usable=mask_problem,
    unpack=one_mask,
)


def one_row(value: Any) -> Parts | str:
    """Return a row of numbers, with one axis or with a first one of 1, or say why it is none."""
    parts = one_tensor(value)
    if isinstance(parts, str):
        return parts
    return (parts[0].flatten(),) if parts[0].ndim == 2 and len(parts[0]) == 1 else parts


def factors_problem(value: Any, x: Tensor, *_: object) -> str:
    """Say why a value cannot be the factors of the columns of x, or return ""."""
    parts = one_row(value)
    if isinstance(parts, str):
        return parts
    if tuple(parts[0].shape) != tuple(x.shape[1:]):
        return f"returned shape {tuple(parts[0].shape)}, not {tuple(x.shape[1:])}"
    fit = bool((parts[0].isfinite() & (parts[0] > 0)).all())
    return "" if fit else "returned a factor that is not a positive finite number"


_SEEN_SMOOTH = (_rows([8.0, -1.0], [2.0, 0.5]), _rows([0.5, 1.0], [-0.25, 4.0]), 0.5)
_OBLONG = tuple((_drawn(k, r, 4), _drawn(k + 1, m, 4), a) for k, r, m, a in ((4, 3, 5, 0.8), (6, 6, 2, 0.3)))
smooth = Exercise(
    "smooth",
    "f(x, w, alpha) returns for each column the largest |x| to the alpha over the largest |w| to the (1 - alpha)",
    parameters=("x", "w", "alpha"),
    reference=factors,
    cases=(
        (_rows([4.0]), _rows([1.0]), 0.5),
        (_rows([1.0]), _rows([4.0]), 0.5),
        (_rows([4.0]), _rows([1.0]), 0.25),
        (_rows([1.0]), _rows([16.0]), 0.25),
        (_rows([-4.0]), _rows([-1.0]), 0.5),
        (_rows([4.0], [2.0]), _rows([1.0]), 0.5),
        (_rows([1.0, 1.0]), _rows([4.0, 1.0]), 0.5),
        (_rows([9.0, 1.0]), _rows([4.0, 4.0]), 0.5),
        _SEEN_SMOOTH,
        *((_drawn(k, 4, 4), _drawn(k + 1, 4, 4), a) for k, a in ((8, 0.5), (10, 0.0), (12, 0.7), (14, 1.0))),
        *_OBLONG,
    ),
    seen=_SEEN_SMOOTH,
    hints=(
        "x.abs().amax(0) is the largest size of each column of x, and w.abs().amax(0) that of w.",
        "** raises to a power: sizes ** alpha.",
        "return x.abs().amax(0) ** alpha / w.abs().amax(0) ** (1 - alpha)",
    ),
    known=known["smooth"],
    usable=factors_problem,
    unpack=one_row,
    odd=_OBLONG,
)


def square_problem(value: Any, n: int) -> str:
    """Say why a value cannot be a matrix that mixes n columns, or return ""."""
    problem = tensor_problem(value)
    if problem:
        return problem
    if tuple(value.shape) != (n, n):
        return f"returned shape {tuple(value.shape)}, not {(n, n)}"
    return "" if bool(value.double().isfinite().all()) else "returned NaN or infinity"


def another_is_right(arguments: Arguments, got: Parts) -> bool:
    """Return whether a matrix is not quantlib's, but mixes as well: other signs, other orders of rows or columns."""
    (n,), (h,) = arguments, got
    own = hadamard_matrix(n).double()
    if h.shape != own.shape or not h.is_floating_point() or torch.allclose(h.double(), own, atol=1e-5):
        return False
    even = torch.allclose(h.double().abs(), torch.full((n, n), 1 / math.sqrt(n), dtype=torch.float64), atol=1e-5)
    return even and torch.allclose(h.double() @ h.double().T, torch.eye(n, dtype=torch.float64), atol=1e-4)


_SEEN_MATRIX = (2,)
hadamard = Exercise(
    "hadamard",
    "f(n) returns a rotation, shape (n, n), whose entries are all 1/sqrt(n) or -1/sqrt(n)",
    parameters=("n",),
    reference=hadamard_matrix,
    cases=((1,), _SEEN_MATRIX, (4,), (8,)),
    seen=_SEEN_MATRIX,
    hints=(
        "Begin with torch.ones(1, 1) for n = 1. For larger n call the function with n // 2.",
        "torch.cat([h, h], 1) puts two matrices side by side, torch.cat([top, bottom]) one below the other.",
        "torch.cat([torch.cat([h, h], 1), torch.cat([h, -h], 1)]) / 2 ** 0.5",
    ),
    known=known["hadamard"],
    usable=square_problem,
    anything_goes=another_is_right,
)
