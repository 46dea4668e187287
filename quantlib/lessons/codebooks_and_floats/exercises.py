"""The exercises of notebook 11: the levels of a float, a step of Lloyd's method, and a power of two for each block."""

from typing import Any

import numpy
import torch
from torch import Tensor

from quantlib.data import T
from quantlib.formats import lloyd_step as reference_step
from quantlib.lab.exercise import Exercise
from quantlib.lab.learner import reals_problem, tensor_problem

from .mistakes import known, levels_of, smallest_power

BLOCK = 32  # values that share a scale in MX


def float_levels_problem(value: Any, e: int, m: int) -> str:
    """Say why a value cannot be the levels of a float, or return ""."""
    problem = tensor_problem(value) or reals_problem(value, value)
    if problem:
        return problem
    if value.ndim != 1 or not 2 <= len(value) <= 128:
        return f"returned shape {tuple(value.shape)}, not a row of {2 ** (e + m)}"
    return "" if value.min() >= 0 and value.max() > 0 else "returned no levels from 0 on"


def moved_levels_problem(value: Any, x: Tensor, levels: Tensor) -> str:
    """Say why a value cannot be levels that have moved, or return ""."""
    return reals_problem(value, levels)


def scales_problem(value: Any, x: Tensor) -> str:
    """Say why a value cannot be one scale for each row, or return ""."""
    problem = reals_problem(value, x[:, :1])
    return problem or ("" if bool((value > 0).all()) else "returned a scale that is not positive")


_SEEN_WIDTHS = (2, 1)
float_levels = Exercise(
    "float_levels",
    "f(e, m) returns the values from 0 on of a float with e exponent and m mantissa bits, in ascending order",
    parameters=("e", "m"),
    reference=levels_of,
    cases=(_SEEN_WIDTHS, *((e, m) for e, m in ((1, 2), (3, 0), (2, 0), (1, 1), (2, 3), (3, 2), (4, 3), (5, 2)))),
    seen=_SEEN_WIDTHS,
    hints=(
        "The exponents are torch.arange(2**e), the fractions torch.arange(2**m) / 2**m. You need all pairs.",
        "With E = torch.arange(2**e)[:, None], (1 + fraction) * 2.0 ** (E - bias) has a row for each exponent.",
        "torch.where(E == 0, fraction * 2.0 ** (1 - bias), ...) puts the row of E = 0 right; .flatten() comes last.",
    ),
    known=known["float_levels"],
    usable=float_levels_problem,
)


def _row(*values: float) -> Tensor:
    return torch.tensor(values).float()


_STEP_SEEN = (_row(0, 1, 5), _row(0, 4))
_DRAWN = torch.tensor(numpy.random.RandomState(0).standard_normal(200)).float()
lloyd_step = Exercise(
    "lloyd_step",
    "f(x, levels) moves each level to the mean of the values that are nearest to it; one that has none stays",
    parameters=("x", "levels"),
    reference=reference_step,
    cases=(
        (_row(1), _row(0)),
        _STEP_SEEN,
        (_row(0, 3), _row(0, 4)),
        (_row(1, 2, 9), _row(0)),
        (_row(1), _row(0, 9)),
        (_row(-3, -1, 2, 8), _row(-2, 5)),
        (T.flatten(), _row(-184, 120, 424, 728.6)),
        (_DRAWN, torch.linspace(-2, 2, 8)),
        (_row(0, 1, 2, 10), _row(1, 9, 30)),
    ),
    seen=_STEP_SEEN,
    hints=(
        "(x[:, None] - levels).abs() has a row for each value and a column for each level; argmin(1) is the nearest.",
        "The mean of the values of level j is x[k == j].mean(), where k says which level is nearest to each value.",
        "If (k == j).any() is False, level j stays where it is.",
    ),
    known=known["lloyd_step"],
    usable=moved_levels_problem,
)


def _block(*values: float) -> Tensor:
    """Return one block that begins with these values and ends with zeros."""
    return torch.nn.functional.pad(_row(*values)[None], (0, BLOCK - len(values)))


_BLOCK_SEEN = (_block(*T.flatten().tolist()),)
_MANY = torch.tensor(numpy.random.RandomState(1).standard_normal((3, BLOCK)) * [[1], [300], [0.02]]).float()
block_scale = Exercise(
    "block_scale",
    "f(x) returns for each row the smallest power of two s with max|x| <= 6 s, and 1 for a row of zeros",
    parameters=("x",),
    reference=smallest_power,
    cases=(
        *((_block(v),) for v in (6, 4, 4.1, 7)),
        *((_block(*values),) for values in ((-6,), (12, -1), (-12, 1), (5,), (0,), (3,), (6.5, -7.9))),
        _BLOCK_SEEN,
        (torch.cat([_block(100), _block(0.01)]),),
        (torch.cat([_block(0), _block(2)]),),
        (_block(6 * 2.0**-20),),
        (_MANY,),
    ),
    seen=_BLOCK_SEEN,
    hints=(
        "a = x.abs().amax(1, keepdim=True) is the largest size of each row, with shape (n, 1).",
        "s = a / 6 would just do. log2(a / 6) is its exponent, which must be rounded up.",
        "torch.where(a > 0, ..., 1.0) gives rows of zeros the scale 1.",
    ),
    known=known["block_scale"],
    usable=scales_problem,
)
