"""What a learner's function returned: taken apart into tensors, or said why it cannot be used."""

import math
from collections.abc import Callable
from numbers import Real
from typing import Any

import torch
from torch import Tensor

from ..words import article

_NOTHING = "None: is a `return` missing?"
_PAIR = "a pair of values and indices, as torch's max and min do along an axis: take its .values"
_PLAIN = {
    torch.float16, torch.bfloat16, torch.float32, torch.float64,
    torch.int8, torch.int16, torch.int32, torch.int64,
    torch.uint8, torch.uint16, torch.uint32, torch.uint64,
}  # fmt: skip


def tensor_problem(value: Any, wanted: str = "a tensor") -> str:
    """Say why a value is not a plain tensor of numbers, or return "" if it is; wanted: what it should have been."""
    if value is None:
        return f"returned {_NOTHING}"
    if type(value) in (torch.return_types.max, torch.return_types.min):
        return f"returned {_PAIR}"
    if type(value) not in (Tensor, torch.nn.Parameter):  # a subclass could answer every comparison with yes
        return f"returned {article(type(value).__name__)}, not {wanted}"
    kind = "a sparse tensor" if value.layout != torch.strided else "no values" if value.is_meta else value.dtype
    return "" if kind in _PLAIN else f"returned {kind}, not a plain tensor of numbers"


def codes_problem(value: Any, x: Tensor, *_: object) -> str:
    """Say why a value cannot be the codes of x, or return "" if it can: an integer tensor of x's shape."""
    return _shape_problem(value, x) or ("" if _is_integer(value) else f"returned {value.dtype}, not integers")


def reals_problem(value: Any, x: Tensor, *_: object) -> str:
    """Say why a value cannot be the reconstruction of x, or return "" if it can: a float tensor of x's shape."""
    problem = _shape_problem(value, x)
    if problem or not value.dtype.is_floating_point:
        return problem or f"returned {value.dtype}, not floating-point numbers"
    if not bool(value.isfinite().all()):
        return "returned NaN or infinity"
    return "" if bool(value.float().isfinite().all()) else "returned numbers too large for float32"


def _shape_problem(value: Any, x: Tensor) -> str:
    problem = tensor_problem(value)
    if problem:
        return problem
    if value.shape != x.shape:
        return f"returned shape {tuple(value.shape)} for an input of shape {tuple(x.shape)}"
    return "" if value.device == x.device else f"returned a tensor on {value.device}, not on {x.device}"


def number_problem(value: Any, *_: object, said: str = "returned") -> str:
    """Say why a value is not one finite number, or return "" if it is: a Python number or a tensor of one number.

    said: how the sentence begins, where the value is but a part of what was returned.
    """
    if value is None:
        return f"{said} {_NOTHING}"
    try:
        if not isinstance(value, (str, bytes)):  # float("3") is 3.0
            return "" if math.isfinite(float(value)) else f"{said} NaN or infinity"
    except (TypeError, ValueError, OverflowError, RuntimeError):
        pass
    kind = f"a tensor of shape {tuple(value.shape)}" if isinstance(value, Tensor) else article(type(value).__name__)
    return f"{said} {kind}, not one number"


def step_problem(value: Any, *_: object, said: str = "returned") -> str:
    """Say why a value is not a scale, one positive finite number, or return ""."""
    problem = number_problem(value, said=said)
    if problem or float(value) <= 0:
        return problem or f"{said} a step that is not positive"
    bounds = torch.finfo(torch.float32)
    return "" if bounds.tiny <= float(value) <= bounds.max else f"{said} a step too small or too large for float32"


def whole_problem(value: Any, *_: object, said: str = "returned") -> str:
    """Say why a value is not one integer of at most six digits, or return ""."""
    problem = number_problem(value, said=said)
    if problem:
        return problem
    whole = float(value) == int(float(value)) and abs(float(value)) < 1e6
    return "" if whole else f"{said} a number that is not a small integer"


def _is_integer(value: Tensor) -> bool:
    return not (value.dtype.is_floating_point or value.dtype.is_complex or value.dtype == torch.bool)


# Unpacking: what a check compares


Parts = tuple[Tensor, ...]
Unpack = Callable[[Any], Parts | str]


def one_tensor(value: Any) -> Parts | str:
    """Return a tensor as the one part of a result, or say why it is none."""
    return tensor_problem(value) or (value.detach(),)


def one_number(value: Any) -> Parts | str:
    """Return a number, or a tensor of one number and no axes, as a float64 tensor, or say why it is neither."""
    if isinstance(value, Real) and not isinstance(value, bool):
        return (torch.tensor(float(value), dtype=torch.float64),)
    problem = tensor_problem(value, "a number")
    if problem or value.ndim == 0:
        return problem or (value.detach().double(),)
    return f"returned a tensor of shape {tuple(value.shape)}, not one number"


def two_tensors(value: Any) -> Parts | str:
    """Return the two tensors of a pair, or say why it is none."""
    return _pair(value, "tensors") or _both(value, one_tensor, "plain tensors of numbers")


def two_numbers(value: Any) -> Parts | str:
    """Return two numbers as tensors, or say why they are none."""
    return _pair(value, "numbers") or _both(value, one_number, "numbers")


def _pair(value: Any, kind: str) -> str:
    """Say why a value is not a pair, or return ""."""
    if value is None:
        return tensor_problem(value)
    if not isinstance(value, (tuple, list)):
        return f"returned {article(type(value).__name__)}, not a pair of {kind}"
    size = len(value)
    return "" if size == 2 else f"returned {article(type(value).__name__)} of {size}, not a pair of {kind}"


def _both(pair: Any, unpack: Unpack, kind: str) -> Parts | str:
    first, second = unpack(pair[0]), unpack(pair[1])
    if isinstance(first, str) or isinstance(second, str):
        return f"returned a pair, but not of two {kind}"
    return *first, *second
