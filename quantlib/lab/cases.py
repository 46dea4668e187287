"""Inputs on which the checks try a function. No value is half-way between two codes: there, right functions differ."""

from collections.abc import Sequence
from typing import Any

import numpy
import torch
from torch import Tensor

from ..affine import quantize
from ..data import T
from .same import Arguments

SEED = (T, 3.5, -70)
T_ALONE = (T,)
OTHER_RULERS: list[Arguments] = [(T, 7.0, -70), (T, 3.5, 0)]  # T again, with another s, with another z
CODES_OF_T = (quantize(*SEED), *SEED[1:])
SHAPES = (5,), (4, 6), (2, 3, 4)


def singles(dtype: torch.dtype, *rows: Sequence[Any]) -> list[Arguments]:
    """Return arguments of which the first is a tensor of one value."""
    return [(torch.tensor([value], dtype=dtype), *rest) for value, *rest in rows]


def random_reals() -> list[Arguments]:
    """Return random (x, s, z) with codes on the grid and beyond both ends."""
    draw, rulers = numpy.random.RandomState(0), [(0.05, 3), (0.5, -70), (3.5, -70), (10.0, 101)]
    return [(_near_marks(draw, shape, s, z), s, z) for s, z in rulers for shape in SHAPES]


def _near_marks(draw: numpy.random.RandomState, shape: tuple[int, ...], s: float, z: int) -> Tensor:
    """Return reals that are at most 0.4 steps from a mark of an endless grid."""
    steps = draw.randint(-300, 301, shape) - z + draw.uniform(-0.4, 0.4, shape)
    return torch.tensor(s * steps, dtype=torch.float32)


def random_integers(low: int, high: int) -> list[Tensor]:
    draw = numpy.random.RandomState(1)
    return [torch.tensor(draw.randint(low, high + 1, shape)) for shape in SHAPES]


def random_pairs(noise: Sequence[float]) -> list[Arguments]:
    """Return random (x, x_hat) whose error is so large relative to x."""
    draw = numpy.random.RandomState(2)
    pairs = [(draw.normal(size=shape), draw.normal(size=shape)) for shape in SHAPES]
    return [(torch.tensor(50 * x).float(), torch.tensor(50 * (x + n * e)).float()) for n in noise for x, e in pairs]


def values(*rows: Sequence[Sequence[float]]) -> list[Arguments]:
    return [tuple(torch.tensor(values) for values in row) for row in rows]
