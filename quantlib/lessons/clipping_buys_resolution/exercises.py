"""The exercises of notebook 06: quantizing up to alpha, the percentile of the sizes, the search for the best alpha."""

from fractions import Fraction
from math import ceil
from typing import Any

import numpy
import torch
from torch import Tensor

import quantlib
from quantlib.data import T
from quantlib.lab.cases import SHAPES
from quantlib.lab.exercise import Exercise
from quantlib.lab.learner import number_problem, one_number
from quantlib.lab.same import Arguments
from quantlib.lab.words import number

from .mistakes import known


def quantize_to(x: Tensor, alpha: float, bits: int) -> Tensor:
    """Return x on the narrow symmetric grid whose outermost levels are -alpha and alpha.

    >>> quantize_to(torch.tensor([0.4, 0.6, 5.0]), 3.0, 3).tolist()
    [0.0, 1.0, 3.0]
    """
    quant_min, quant_max = quantlib.grid(bits, narrow=True)
    return quantlib.fake_quantize(x, alpha / quant_max, 0, quant_min, quant_max)


def percentile_alpha(x: Tensor, percent: float) -> float:
    """Return the smallest |x| that is not exceeded by so many percent of all |x|.

    >>> percentile_alpha(torch.tensor([1.0, -4.0, 2.0, 3.0]), 75.0)
    3.0
    """
    rank = ceil(Fraction(str(percent)) * x.numel() / 100)
    return x.abs().flatten().kthvalue(rank).values.item()


def alpha_problem(value: Any, x: Tensor, *_: object) -> str:
    """Say why a value cannot be where x is clipped, or return ""."""
    problem = number_problem(value)
    if problem:
        return problem
    sane = 1e-6 <= float(value) / max(x.abs().max().item(), 1e-30) <= 1e6
    return "" if sane else f"returned {number(float(value))}, where no level of x can be"


def _best_alpha(x: Tensor, bits: int, alphas: Tensor) -> float:
    return min(alphas.tolist(), key=lambda alpha: quantlib.mse(x, quantize_to(x, alpha, bits)))


def _near_levels(alpha: float, bits: int) -> list[Arguments]:
    """Return random x, at most 0.4 steps from a level of an endless grid."""
    draw, step = numpy.random.RandomState(bits), alpha / quantlib.grid(bits, narrow=True)[1]
    far = 3 * 2 ** (bits - 1) // 2 + 2
    drawn = [draw.randint(-far, far + 1, shape) + draw.uniform(-0.4, 0.4, shape) for shape in SHAPES]
    return [(torch.tensor(step * codes, dtype=torch.float32), alpha, bits) for codes in drawn]


def _row(*values: float) -> Tensor:
    return torch.tensor(values)


_OF_T = (T, 700.0, 4)
fake_quantize = Exercise(
    "fake_quantize",
    "f(x, alpha, bits) returns x on the narrow symmetric grid whose last level is alpha",
    parameters=("x", "alpha", "bits"),
    reference=quantize_to,
    cases=(
        *((_row(value), 3.0, 3) for value in (0.0, 1.0, 0.4, 0.6, 2.0, 4.0, -4.0, -3.6)),
        *((_row(value), 7.0, 4) for value in (6.75, 9.0, -9.0, 3.3)),
        *((_row(value), 1.0, 4) for value in (1.0, 0.4, -2.0)),
        *((_row(*values), 3.5, 4) for values in ((0.2, 0.9, 5.0), (-0.3, 1.1, -3.8))),
        _OF_T,
        *((T, alpha, bits) for alpha, bits in ((300.0, 4), (700.0, 8), (728.6, 3))),
        *(case for alpha, bits in ((3.0, 3), (0.7, 4), (120.0, 6), (1.0, 8)) for case in _near_levels(alpha, bits)),
    ),
    seen=_OF_T,
    hints=(
        "The largest code is 2 ** (bits - 1) - 1 (Python's ^ is no power), and alpha is what it stands for. "
        "So how far apart are the levels?",
        "Divide x by the step, round, clamp to plus and minus the largest code, multiply by the step.",
    ),
    known=known["fake_quantize"],
)


def _shuffled(count: int) -> Tensor:
    """Return so many different reals in no order, of both signs."""
    draw = numpy.random.RandomState(count)
    return torch.tensor(draw.permutation(count) + 1.25).float() * torch.tensor(draw.choice([-1.0, 1.0], count)).float()


_T_70 = (T, 70.0)
percentile = Exercise(
    "percentile",
    "f(x, percent) returns the smallest |x| that so many percent of all |x| do not exceed",
    parameters=("x", "percent"),
    reference=percentile_alpha,
    cases=(
        *((_row(-9.0, 1.0, 5.0), percent) for percent in (100.0, 70.0, 60.0, 30.0)),
        *((_row(3.0, -4.0, 1.0, 2.0), percent) for percent in (100.0, 75.0, 50.0, 60.0, 25.0)),
        _T_70,
        *((T, percent) for percent in (50.0, 100.0, 80.0)),
        *((_shuffled(200), percent) for percent in (99.0, 98.7, 62.5, 100.0)),
        *((_shuffled(60).reshape(3, 4, 5), percent) for percent in (99.0, 51.0)),
    ),
    seen=_T_70,
    hints=(
        "x.abs().flatten().sort().values has the sizes, the smallest first. How many of them shall lie inside?",
        "That many: math.ceil(percent / 100 * n). Python counts places from 0.",
    ),
    unpack=one_number,
    known=known["percentile"],
    usable=alpha_problem,
)


def _tailed(count: int) -> Tensor:
    """Return a bulk of random reals, not centred, with a few large ones."""
    draw = numpy.random.RandomState(count)
    x = draw.laplace(0.3, 1.0, count)
    x[:2] *= 4
    return torch.tensor(x).float()


_ALPHAS = torch.linspace(0.5, 12.0, 24)
_T_3 = (T, 3, torch.tensor([200.0, 300.0, 450.0, 700.0, 730.0]))
best_alpha = Exercise(
    "best_alpha",
    "f(x, bits, alphas) returns the alpha of the smallest mean squared error",
    parameters=("x", "bits", "alphas"),
    reference=_best_alpha,
    cases=(
        (_row(1.0, 2.0, 3.0), 3, _row(1.5, 3.0, 6.0)),
        (_row(1.0, 1.0, 4.5), 2, _row(4.0, 1.0, 2.1)),
        (_row(1.0, 2.6), 2, _row(1.0, 1.3)),
        *((_row(1.1, 2.0, 3.0), bits, _row(2.0, 3.0)) for bits in (2, 3)),
        (_row(1.0, 1.2, 0.8, 0.1), 2, _row(0.9, 1.0, 5.0)),
        _T_3,
        (T, 4, torch.tensor([900.0, 710.0, 500.0])),
        *((_tailed(count), bits, _ALPHAS) for count, bits in ((40, 2), (300, 3), (300, 4), (200, 6), (500, 5))),
        (_tailed(300), 4, _ALPHAS.flip(0)),
    ),
    seen=_T_3,
    hints=(
        "A loop over alphas.tolist(): quantize x up to each of them, and keep the mean of the squared errors.",
        "min(alphas.tolist(), key=...) returns the alpha for which a function of it is smallest.",
    ),
    unpack=one_number,
    known=known["best_alpha"],
)
