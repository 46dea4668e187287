"""The exercises of notebook 12: a range that widens, a range that moves, and a scale for each token."""

import math
from collections.abc import Callable
from typing import Any

import numpy
import torch
from torch import Tensor

from quantlib.data import T
from quantlib.lab.exercise import Exercise
from quantlib.lab.learner import Parts, reals_problem, two_numbers

from .mistakes import Range, known, moved, token_by_token, widened


def range_problem(value: Any, *_: object) -> str:
    """Say why a value cannot be a range, a pair of finite numbers of which the second is not smaller, or return ""."""
    pair = two_numbers(value)
    if isinstance(pair, str):
        return pair
    low, high = (part.item() for part in pair)
    if not (math.isfinite(low) and math.isfinite(high)):
        return "returned NaN or infinity"
    return "" if low <= high else f"returned a range from {low:g} down to {high:g}"


def in_tensors(function: Callable[..., Range]) -> Callable[..., Parts]:
    """Return a function of a range that returns its ends as float64 tensors."""
    return lambda *arguments: tuple(torch.tensor(end, dtype=torch.float64) for end in function(*arguments))


def _batches(seed: int, *shape: int) -> Tensor:
    return torch.tensor(numpy.random.RandomState(seed).normal(size=shape)).float()


_SEEN_RANGE = (torch.tensor([0.5, 3.0]), -1.0, 2.0)
running_range = Exercise(
    "running_range",
    "f(batch, low, high) returns the smallest range, as a pair, that holds low, high and all of the batch",
    parameters=("batch", "low", "high"),
    reference=in_tensors(widened),
    cases=(
        *((torch.tensor([v]), low, high) for v, low, high in ((1.0, 0.0, 0.0), (-1.0, 0.0, 0.0), (2.0, 0.0, 1.0))),
        (torch.tensor([0.5]), -1.0, 2.0),
        (torch.tensor([1.0, 3.0]), 0.0, 0.0),
        (torch.tensor([[1.0], [2.0]]), 0.0, 0.0),
        _SEEN_RANGE,
        (T, 0.0, 0.0),
        (T, -500.0, 500.0),
        *((_batches(k, 2, 3, 4), -0.5 - k, 0.5 + k) for k in range(3)),
    ),
    seen=_SEEN_RANGE,
    hints=(
        "batch.min() and batch.max() are the ends of the batch; .item() makes Python numbers of them.",
        "The lower end of both is the smaller of two numbers: min(low, batch.min().item()).",
        "return min(low, batch.min().item()), max(high, batch.max().item())",
    ),
    known=known["running_range"],
    usable=range_problem,
    unpack=two_numbers,
)

_SEEN_MOVE = (torch.tensor([0.5, 3.0]), -1.0, 2.0, 0.1)
moving_range = Exercise(
    "moving_range",
    "f(batch, low, high, rate) returns both ends, as a pair, moved by rate times the way to those of the batch",
    parameters=("batch", "low", "high", "rate"),
    reference=in_tensors(moved),
    cases=(
        (torch.tensor([1.0]), 0.0, 0.0, 0.25),
        (torch.tensor([0.0]), 0.0, 1.0, 0.25),
        (torch.tensor([0.0, 4.0]), 0.0, 4.0, 0.25),
        (torch.tensor([-2.0, 2.0]), -1.0, 1.0, 1.0),
        (torch.tensor([2.0, 3.0]), 1.0, 2.0, 0.25),
        _SEEN_MOVE,
        (T, -500.0, 500.0, 0.01),
        *((_batches(k, 2, 3, 4), -0.5 - k, 0.5 + k, 0.3) for k in range(3)),
    ),
    seen=_SEEN_MOVE,
    hints=(
        "From low to batch.min() the way is batch.min().item() - low. Go rate times of it.",
        "low + rate * (batch.min().item() - low) is the new lower end.",
        "The upper end goes the same way to batch.max().item(). Return both.",
    ),
    known=known["moving_range"],
    usable=range_problem,
    unpack=two_numbers,
)


def _rows(*rows: list[float]) -> Tensor:
    return torch.tensor(rows)


_SEEN_TOKENS = (_rows([8.0, 3.0], [1.0, -0.4]), 4)
_ZEROS = tuple((x, 4) for x in (_rows([0.0]), _rows([4.0, 1.0], [0.0, 0.0])))
_OBLONG = tuple((_batches(k, *shape), bits) for k, shape, bits in ((3, (2, 5), 8), (4, (6, 3), 4)))
token_quantize = Exercise(
    "token_quantize",
    "f(x, bits) returns x with each row, a token, on its own symmetric grid",
    parameters=("x", "bits"),
    reference=token_by_token,
    cases=(
        (_rows([4.0, 1.0]), 4),
        (_rows([-4.0, 1.0]), 4),
        (_rows([4.0, 1.0]), 3),
        (_rows([8.0], [1.0]), 4),
        _ZEROS[0],
        _SEEN_TOKENS,
        _ZEROS[1],
        (T, 8),
        (T, 4),
        *((_batches(k, 4, 4), bits) for k, bits in ((0, 8), (1, 4), (2, 6))),
        *_OBLONG,
    ),
    seen=_SEEN_TOKENS,
    hints=(
        "x.abs().amax(1, keepdim=True) is the largest |x| of each row, shape (rows, 1).",
        "Divide it by 2 ** (bits - 1) - 1: that is s. Then s * torch.round(x / s), as in notebook 06.",
        "A row of zeros has s = 0, and 0 / 0 is NaN. s.clamp(min=1e-30) changes no other row.",
    ),
    known=known["token_quantize"],
    usable=reals_problem,
    odd=(*_ZEROS, *_OBLONG),
)
