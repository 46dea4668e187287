"""Casts of floats to integer types that do not have such a number: C leaves open what comes of them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import numpy
import torch
from torch import Tensor

from quantlib.lab.dispatch import Dispatch

_CASTS = torch.ops.aten._to_copy.default, torch.ops.aten.copy_.default  # .to, .char, .type and q[:] = v are one of them


@contextmanager
def watch_casts() -> Iterator[list[str]]:
    """Yield a list, which gets a sentence about the first number that was cast to a type that does not have it."""
    to_numpy = Tensor.numpy
    with _Watch() as watch, patch.object(Tensor, "numpy", lambda v, **how: _Array.of(to_numpy(v, **how), watch.seen)):
        yield watch.seen


class _Watch(Dispatch):
    """Sees the casts of torch."""

    def __init__(self) -> None:
        super().__init__()
        self.seen = list[str]()

    def do(self, operation: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
        result = operation(*args, **kwargs)
        if operation in _CASTS and not self.seen:
            self.seen += undefined(args[-1 if operation is _CASTS[1] else 0], result.dtype)
        return result


class _Array(numpy.ndarray):
    """An array of numpy that sees its own casts by astype, and so do those that are computed from it."""

    seen: list[str]

    @classmethod
    def of(cls, array: numpy.ndarray, seen: list[str]) -> "_Array":
        """Return an array in the same memory that tells what it sees."""
        watched = array.view(cls)
        watched.seen = seen
        return watched

    def __array_finalize__(self, made_from: Any) -> None:
        self.seen = getattr(made_from, "seen", [])

    def astype(self, dtype: Any, *how: Any, **more: Any) -> Any:
        """Cast, as numpy does."""
        kept = getattr(torch, numpy.dtype(dtype).name, torch.float64)
        if not self.seen:
            self.seen += undefined(torch.tensor(self.tolist(), dtype=torch.float64), kept) * (self.dtype.kind == "f")
        return super().astype(dtype, *how, **more)


def undefined(v: Tensor, dtype: torch.dtype) -> list[str]:
    """Say which number of v C cannot cast to a type, or return []: of integers the lowest bits are kept.

    >>> undefined(torch.tensor([127.0, 255.0]), torch.int8)[0][:46]
    'gives the right code here, but it casts 255 to'
    """
    if not v.is_floating_point() or dtype.is_floating_point or dtype.is_complex or dtype == torch.bool:
        return []
    bounds = torch.iinfo(dtype)
    whole = v.double().trunc()  # a cast drops the fraction first
    outside = v[~((whole >= bounds.min) & (whole <= bounds.max))]
    if not len(outside):
        return []
    name = str(dtype).removeprefix("torch.")
    cast = f"casts {outside[0].item():,.12g} to {name}, which has no such number"
    return [f"gives the right code here, but it {cast}: C leaves that open, and another machine may give another code"]
