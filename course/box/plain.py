"""Values as plain JSON: what goes into a box, and all that comes out of it.

Never a pickle: to read one is to run it. A value is a pair of its kind and its content, so that 1, 1.0 and True differ.
Floats keep every bit. A number of numpy, a Fraction or a Decimal goes as the int or float that it is worth.
"""

import math
import sys
from contextlib import suppress
from decimal import Decimal
from numbers import Integral, Real
from typing import Any

import torch
from torch import Tensor

Plain = list[Any]  # [kind, content]

MOST = 100_000  # numbers in a tensor
LONGEST = 1000  # characters of a text, or values in a list
DEEPEST = 4  # lists in lists
MOST_AXES = 64  # of a tensor
NUMBERS_OF = ("numpy", "fractions", "decimal")  # modules; a class of the submission's own is no plain number


def name_of(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


_INTEGERS = (torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64)
_FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
_DTYPES = {name_of(dtype): dtype for dtype in _INTEGERS + _FLOATS}


def encode(value: Any, depth: int = 0) -> Plain:
    """Return a value as plain data. What has no such form, or is too large, becomes ["other", what it is]."""
    kind = type(value)
    if value is None or kind is bool or (kind is str and _is_text(value)):
        return [kind.__name__, value]
    if kind is int and abs(value) < 2**63:
        return ["int", value]
    if kind is float:
        return ["float", value.hex()]
    if kind in (list, tuple) and len(value) <= LONGEST and depth < DEEPEST:
        return [kind.__name__, [encode(item, depth + 1) for item in value]]
    if kind in (Tensor, torch.nn.Parameter):
        return _encode_tensor(value)
    if kind.__module__ in NUMBERS_OF:
        with suppress(TypeError, ValueError, OverflowError):  # 1j is no number here, and an array of two is none
            return encode(_number(value))
    return ["other", kind.__name__ if _is_text(kind.__name__) else "object"]


def _number(value: Any) -> bool | int | float:
    """Return what a number or truth value of another kind, or an array of one, is worth as Python's own."""
    numpy = sys.modules.get("numpy")  # torch has loaded it, where it is installed
    if numpy and isinstance(value, numpy.ndarray | numpy.bool_):
        value = value.item()
    if isinstance(value, Integral):
        return value if isinstance(value, bool) else int(value)
    if isinstance(value, Real | Decimal):
        return float(value)
    raise TypeError("not a real number")


def _encode_tensor(value: Tensor) -> Plain:
    dtype = name_of(value.dtype)
    plain = dtype in _DTYPES and value.layout == torch.strided and not value.is_meta
    if not plain or value.numel() > MOST or value.dim() > MOST_AXES:
        return ["other", f"{dtype} tensor of shape {tuple(value.shape)}"[:LONGEST]]
    numbers = value.detach().cpu().flatten().tolist()
    if value.dtype.is_floating_point:
        numbers = [number.hex() for number in numbers]
    return ["tensor", {"dtype": dtype, "shape": list(value.shape), "numbers": numbers}]


def decode(plain: Any, depth: int = 0) -> Any:
    """Return the value of plain data. ["other", ...] becomes an Other.

    Raises:
        ValueError: if the data is not what `encode` gives.
    """
    if not (isinstance(plain, list) and len(plain) == 2 and isinstance(plain[0], str) and depth <= DEEPEST):
        raise ValueError("not a pair of kind and content")
    kind, content = plain
    if kind in _SIMPLE and type(content) is _SIMPLE[kind] and _is_simple(content):
        return content
    if kind == "float" and isinstance(content, str):
        return _float(content)
    if kind in ("list", "tuple") and isinstance(content, list) and len(content) <= LONGEST:
        items = [decode(item, depth + 1) for item in content]
        return items if kind == "list" else tuple(items)
    if kind == "tensor" and isinstance(content, dict):
        return _decode_tensor(content)
    if kind == "other" and isinstance(content, str) and _is_text(content):
        return Other(content)
    raise ValueError("an unknown kind, or a content that is not of its kind")


_SIMPLE = {"NoneType": type(None), "bool": bool, "int": int, "str": str}


def _is_simple(content: Any) -> bool:
    return abs(content) < 2**63 if type(content) is int else not isinstance(content, str) or _is_text(content)


def _is_text(text: str) -> bool:
    """Return whether a text is of a fit length, and can be written: half a surrogate pair cannot."""
    return len(text) <= LONGEST and not any("\ud800" <= letter <= "\udfff" for letter in text)


def _float(text: str) -> float:
    try:
        return float.fromhex(text)
    except OverflowError as error:
        raise ValueError("too large for a float") from error


class Other(str):
    """What a value was that has no plain form: the name of its type."""


def _decode_tensor(content: dict[str, Any]) -> Tensor:
    name, shape, numbers = content.get("dtype"), content.get("shape"), content.get("numbers")
    dtype = _DTYPES.get(name) if isinstance(name, str) else None
    if dtype is None or not isinstance(shape, list) or not isinstance(numbers, list) or len(numbers) > MOST:
        raise ValueError("not a tensor")
    fits = len(shape) <= MOST_AXES and all(type(n) is int and 0 <= n < 2**63 for n in shape)
    if not fits or math.prod(shape) != len(numbers):
        raise ValueError("a shape that does not fit the numbers")
    wanted = str if dtype.is_floating_point else bool if dtype is torch.bool else int
    if not all(type(number) is wanted for number in numbers) or (wanted is int and not _in_range(numbers, dtype)):
        raise ValueError("numbers that do not fit the dtype")
    values = [_float(number) for number in numbers] if dtype.is_floating_point else numbers
    try:
        return torch.tensor(values, dtype=dtype).reshape(shape)
    except RuntimeError as error:  # a shape of no numbers can be too large for torch
        raise ValueError("a shape that no tensor has") from error


def _in_range(numbers: list[int], dtype: torch.dtype) -> bool:
    ends = torch.iinfo(dtype)
    return all(ends.min <= number <= ends.max for number in numbers)
