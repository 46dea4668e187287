"""Casts of floats to integer types that do not have such a number: C leaves open what comes of them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from quantlib.lab.words import number

_CASTS = torch.ops.aten._to_copy.default, torch.ops.aten.copy_.default  # .to, .char, .type and q[:] = v are one of them


@contextmanager
def watch_casts() -> Iterator[list[str]]:
    """Yield a list, which gets a sentence about the first number that was cast to a type that does not have it."""
    with _Watch() as watch:
        yield watch.seen


class _Watch(TorchDispatchMode):
    """Sees every operation of torch. What numpy does is hidden from it."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.seen = list[str]()

    def __torch_dispatch__(self, operation: Any, types: Any, args: Sequence[Any] = (), kwargs: Any = None) -> Any:
        result = operation(*args, **(kwargs or {}))
        if operation in _CASTS and not self.seen:
            self.seen += undefined(args[-1 if operation is _CASTS[1] else 0], result.dtype)
        return result


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
    cast = f"casts {number(outside[0].item())} to {name}, which has no such number"
    return [f"gives the right code here, but it {cast}: C leaves that open, and another machine may give another code"]
