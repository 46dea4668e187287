"""Whether a value is the expected one, in type, dtype, shape and numbers; and how it differs, in words."""

from typing import Any

import torch
from torch import Tensor

from quantlib.lab.words import article

from ..box.plain import Other, name_of


def difference(expected: Any, got: Any, relative: float = 0.0) -> str:
    """Say how a value differs from the expected one, without giving that away, or return "" if it does not.

    Args:
        expected: the right value: a tensor, a number, or a tuple of such.
        got: what was returned. It must be of the same type; a tensor of the same dtype and shape.
        relative: the tolerance for floats, as a part of the largest expected magnitude. Integers are exact.
    """
    if isinstance(expected, Tensor):
        return _tensors_differ(expected, got, relative)
    if isinstance(expected, tuple):
        return _tuples_differ(expected, got, relative)
    if type(got) is not type(expected):
        return f"it returned {kind(got)}, not {kind(expected)}"
    if isinstance(expected, float):
        return _tensors_differ(torch.tensor(expected).double(), torch.tensor(got).double(), relative)
    return "" if got == expected else "it returned another value"


def _tensors_differ(expected: Tensor, got: Any, relative: float) -> str:
    if type(got) is not Tensor:
        return f"it returned {kind(got)}, not a tensor"
    if got.dtype != expected.dtype:
        return f"it returned {name_of(got.dtype)}, not {name_of(expected.dtype)}"
    if got.shape != expected.shape:
        return f"it returned shape {tuple(got.shape)}, not {tuple(expected.shape)}"
    wrong = int((~_close(expected, got, relative)).sum())
    return f"{wrong} of {expected.numel()} values are not as they should be" if wrong else ""


def _close(expected: Tensor, got: Tensor, relative: float) -> Tensor:
    if not expected.dtype.is_floating_point:
        return expected == got
    finite = expected[expected.isfinite()].abs()
    within = relative * (finite.max().item() if len(finite) else 0.0)
    return (expected == got) | ((expected - got).abs() <= within) | (expected.isnan() & got.isnan())


def _tuples_differ(expected: tuple[Any, ...], got: Any, relative: float) -> str:
    if type(got) is not tuple or len(got) != len(expected):
        return f"it returned {kind(got)}, not {len(expected)} values"
    found = (difference(e, g, relative) for e, g in zip(expected, got, strict=True))
    return next((f"value {k + 1}: {problem}" for k, problem in enumerate(found) if problem), "")


def kind(value: Any) -> str:
    """Name the type of a value: "a tensor", "an int", "nothing"."""
    if value is None:
        return "nothing"
    return article(value if isinstance(value, Other) else type(value).__name__.lower())
