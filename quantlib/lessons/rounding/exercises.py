"""The exercises of notebook 08: half away from zero, stochastic, and two weights that share an output."""

import numpy
import torch
from torch import Tensor

from quantlib import rounding
from quantlib.data import T
from quantlib.lab.exercise import Exercise

from .mistakes import known


def round_by_draws(v: Tensor, u: Tensor) -> Tensor:
    """Return floor(v) + 1 where u < v - floor(v), else floor(v): `round_stochastic` with its draws given."""
    low = v.floor()
    return torch.where(u < v - low, low + 1, low)


def best_pair(w: Tensor, x: Tensor) -> Tensor:
    """Return of the four pairs of integers next to two weights that with the smallest sum of squares of x @ (q - w)."""
    up = torch.tensor([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=w.dtype)
    pairs = w.floor() + up
    return pairs[int(((pairs - w) @ x.T).square().sum(1).argmin())]


_THIRD = (T / 3,)  # -4.5 and 98.5 are ties
_JUST_BELOW = 0.49999997  # the largest float32 below 0.5
_HALF = 0.5 + torch.arange(-8, 8)
round_half_away = Exercise(
    "round_half_away",
    "f(v) returns the nearest integers, and of two equally near ones that farther from 0",
    parameters=("v",),
    reference=rounding.round_half_away,
    cases=(
        *((torch.tensor([v]),) for v in (0.0, 1.0, -1.0, 0.2, 0.6, -0.2, -0.6, 1.7, -1.7)),
        *((torch.tensor([v]),) for v in (0.5, 1.5, 2.5, -0.5, -1.5, -2.5, _JUST_BELOW, -_JUST_BELOW)),
        _THIRD,
        (_HALF,),
        *((torch.tensor(numpy.random.RandomState(4).uniform(-9, 9, shape)).float(),) for shape in ((5,), (2, 3, 4))),
    ),
    seen=_THIRD,
    hints=(
        "v.trunc() is the integer next to v on the side of 0, and v.sign() is one step away from 0.",
        "Where (v - v.trunc()).abs() >= 0.5, take that step: torch.where.",
    ),
    known=known["round_half_away"],
)


def _draws(shape: tuple[int, ...], seed: int) -> Tensor:
    """Return numbers from 0 to 1 for each value, such that float32 has room for sums with them."""
    return torch.tensor(numpy.random.RandomState(seed).randint(1, 256, shape) / 256).float()


def _scattered(shape: tuple[int, ...], seed: int) -> Tensor:
    return torch.tensor(numpy.random.RandomState(seed).randint(-900, 900, shape) / 100).float()


_THIRD_DRAWN = (T / 3, _draws((3, 3), 5))
stochastic_round = Exercise(
    "stochastic_round",
    "f(v, u) returns floor(v) + 1 where u < v - floor(v), else floor(v)",
    parameters=("v", "u"),
    reference=round_by_draws,
    cases=(
        *((torch.tensor([v]), torch.tensor([u])) for v, u in ((2.0, 0.75), (2.0, 0.25), (2.0, 0.0), (2.25, 0.125))),
        *((torch.tensor([v]), torch.tensor([u])) for v, u in ((2.25, 0.875), (2.75, 0.625), (2.75, 0.875))),
        *((torch.tensor([v]), torch.tensor([u])) for v, u in ((-1.75, 0.125), (-1.75, 0.875), (-1.25, 0.625))),
        *((torch.tensor([v]), torch.tensor([u])) for v, u in ((0.25, 0.0), (-0.25, 0.5), (2.25, 0.25))),
        _THIRD_DRAWN,
        *((_scattered(shape, k), _draws(shape, k + 1)) for k, shape in ((6, (5,)), (8, (4, 6)), (10, (2, 3, 4)))),
    ),
    seen=_THIRD_DRAWN,
    hints=(
        "The lower neighbour is v.floor(), and the fraction above it is v - v.floor().",
        "u < fraction is true with the probability that you want. torch.where chooses.",
    ),
    known=known["stochastic_round"],
)


def _inputs(correlation: float, seed: int) -> Tensor:
    """Return 8 rows of two inputs that go along with each other so much, from -1 to 1."""
    a, b = torch.tensor(numpy.random.RandomState(seed).normal(size=(2, 8))).float()
    return torch.stack([a, correlation * a + (1 - correlation**2) ** 0.5 * b], dim=1)


# Here the squares of the errors, their sizes, and the largest of them ask for three different pairs.
_SIZES = (
    (torch.tensor([1.25, 2.625]), torch.tensor([[-2.0, 2.0], [-0.5, -2.0], [1.75, -0.5]])),
    (torch.tensor([2.25, 0.625]), torch.tensor([[1.5, 0.25], [-1.5, 1.5], [-0.75, 2.0]])),
)
_OF_T = (T[:2, 0] / 40, T[:, :2] / 100)
best_rounding = Exercise(
    "best_rounding",
    "f(w, x) returns those integers next to two weights that change x @ w least",
    parameters=("w", "x"),
    reference=best_pair,
    cases=(
        *((torch.tensor(w), torch.tensor([[1.0, x]])) for w, x in (([1.25, 2.375], 0.75), ([1.75, 2.625], 0.75))),
        *((torch.tensor(w), torch.tensor([[1.0, x]])) for w, x in (([0.25, 0.125], 0.5), ([-1.75, 2.375], -0.75))),
        (torch.tensor([1.375, 2.25]), torch.tensor([[1.0, 2.0]])),
        (torch.tensor([1.25, 2.375]), torch.tensor([[1.0, 0.75], [2.0, -2.25]])),
        (torch.tensor([1.25, 2.375]), torch.tensor([[0.25, -0.5], [1.0, 1.25], [-1.0, -1.5]])),
        (torch.tensor([1.25, 2.125]), torch.tensor([[1.0, 0.75]])),
        *_SIZES,
        _OF_T,
        *(
            (torch.tensor(numpy.random.RandomState(seed).uniform(-4, 4, 2)).float(), _inputs(correlation, seed))
            for seed, correlation in enumerate((0.9, -0.9, 0.5, 0.0, 0.99, 0.7, -0.6, 0.8), 12)
        ),
    ),
    seen=_OF_T,
    hints=(
        "Each weight has two neighbours, w.floor() and w.floor() + 1: that makes four pairs q.",
        "For each pair compute (x @ (q - w)).square().sum(), and return the pair with the smallest.",
    ),
    known=known["best_rounding"],
)
