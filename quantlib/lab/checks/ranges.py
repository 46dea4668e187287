"""The checks of ranges: quantizing up to alpha, the percentile of the sizes, and the search for the best alpha."""

from fractions import Fraction
from math import ceil

import numpy
import torch
from torch import Tensor

from ...affine import fake_quantize
from ...grids import grid
from ...metrics import mse
from ..check import Arguments, Check, Function, number
from ..verdict import Verdict
from .cases import SHAPES, T


def check_fake_quantize(function: Function) -> Verdict:
    """Say whether f(x, alpha, bits) returns x on the narrow symmetric grid whose last level is alpha."""
    return _FAKE_QUANTIZE(function)


def check_percentile(function: Function) -> Verdict:
    """Say whether f(x, percent) returns the smallest |x| that so many percent of all |x| do not exceed."""
    return _PERCENTILE(function)


def check_best_alpha(function: Function) -> Verdict:
    """Say whether f(x, bits, alphas) returns the alpha of the smallest mean squared error."""
    return _BEST_ALPHA(function)


def _quantize_to(x: Tensor, alpha: float, bits: int) -> Tensor:
    quant_min, quant_max = grid(bits, narrow=True)
    return fake_quantize(x, alpha / quant_max, 0, quant_min, quant_max)


def _percentile(x: Tensor, percent: float) -> float:
    rank = ceil(Fraction(str(percent)) * x.numel() / 100)
    return x.abs().flatten().sort().values[rank - 1].item()


def _best_alpha(x: Tensor, bits: int, alphas: Tensor) -> float:
    return min(alphas.tolist(), key=lambda alpha: mse(x, _quantize_to(x, alpha, bits)))


def _near_levels(alpha: float, bits: int) -> list[Arguments]:
    """Return random x, at most 0.4 steps from a level of an endless grid."""
    draw, step = numpy.random.RandomState(bits), alpha / grid(bits, narrow=True)[1]
    far = 3 * 2 ** (bits - 1) // 2 + 2
    drawn = [draw.randint(-far, far + 1, shape) + draw.uniform(-0.4, 0.4, shape) for shape in SHAPES]
    return [(torch.tensor(step * codes, dtype=torch.float32), alpha, bits) for codes in drawn]


def _row(*values: float) -> Tensor:
    return torch.tensor(values)


_OF_T = (T, 700.0, 4)
_FAKE_QUANTIZE = Check(
    "fake_quantize",
    ("x", "alpha", "bits"),
    _quantize_to,
    (
        *((_row(value), 3.0, 3) for value in (0.0, 1.0, 0.4, 0.6, 2.0, 4.0, -4.0, -3.6)),
        *((_row(value), 7.0, 4) for value in (6.75, 9.0, -9.0, 3.3)),
        *((_row(value), 1.0, 4) for value in (1.0, 0.4, -2.0)),
        *((_row(*values), 3.5, 4) for values in ((0.2, 0.9, 5.0), (-0.3, 1.1, -3.8))),
        _OF_T,
        *((T, alpha, bits) for alpha, bits in ((300.0, 4), (700.0, 8), (728.6, 3))),
        *(case for alpha, bits in ((3.0, 3), (0.7, 4), (120.0, 6), (1.0, 8)) for case in _near_levels(alpha, bits)),
    ),
    _OF_T,
    (
        "The largest code is 2 ** (bits - 1) - 1, and alpha is what it stands for. So how far apart are the levels?",
        "Divide x by the step, round, clamp to plus and minus the largest code, multiply by the step.",
    ),
)


def _shuffled(count: int) -> Tensor:
    """Return so many different reals in no order, of both signs."""
    draw = numpy.random.RandomState(count)
    return torch.tensor(draw.permutation(count) + 1.25).float() * torch.tensor(draw.choice([-1.0, 1.0], count)).float()


_T_70 = (T, 70.0)
_PERCENTILE = Check(
    "percentile",
    ("x", "percent"),
    _percentile,
    (
        *((_row(-9.0, 1.0, 5.0), percent) for percent in (100.0, 70.0, 60.0, 30.0)),
        *((_row(3.0, -4.0, 1.0, 2.0), percent) for percent in (100.0, 75.0, 50.0, 60.0, 25.0)),
        _T_70,
        *((T, percent) for percent in (50.0, 100.0, 80.0)),
        *((_shuffled(200), percent) for percent in (99.0, 98.7, 62.5, 100.0)),
        *((_shuffled(60).reshape(3, 4, 5), percent) for percent in (99.0, 51.0)),
    ),
    _T_70,
    (
        "x.abs().flatten().sort().values has the sizes, the smallest first. How many of them shall lie inside?",
        "That many: math.ceil(percent / 100 * n). Python counts places from 0.",
    ),
    unpack=number,
)


def _tailed(count: int) -> Tensor:
    """Return a bulk of random reals, not centred, with a few large ones."""
    draw = numpy.random.RandomState(count)
    x = draw.laplace(0.3, 1.0, count)
    x[:2] *= 4
    return torch.tensor(x).float()


_ALPHAS = torch.linspace(0.5, 12.0, 24)
_T_3 = (T, 3, torch.tensor([200.0, 300.0, 450.0, 700.0, 730.0]))
_BEST_ALPHA = Check(
    "best_alpha",
    ("x", "bits", "alphas"),
    _best_alpha,
    (
        (_row(1.0, 2.0, 3.0), 3, _row(1.5, 3.0, 6.0)),
        (_row(1.0, 1.0, 4.0), 2, _row(4.0, 1.0, 2.0)),
        (_row(1.0, 1.2, 0.8), 2, _row(0.9, 1.0, 5.0)),
        _T_3,
        (T, 4, torch.tensor([900.0, 710.0, 500.0])),
        *((_tailed(count), bits, _ALPHAS) for count, bits in ((40, 2), (300, 3), (300, 4), (200, 6), (500, 5))),
        (_tailed(300), 4, _ALPHAS.flip(0)),
    ),
    _T_3,
    (
        "A loop over alphas.tolist(): quantize x up to each of them, and keep the mean of the squared errors.",
        "min(alphas.tolist(), key=...) returns the alpha for which a function of it is smallest.",
    ),
    unpack=number,
)
