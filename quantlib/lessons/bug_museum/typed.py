"""From the text that a learner types to the arguments of a function, and back."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from quantlib.errors import QuantlibError
from quantlib.lab.same import Arguments

MANY = 12  # the numbers that one input may have


def parse(names: Sequence[str], texts: Sequence[str]) -> Arguments:
    """Return the arguments of these names, from one text each.

    Raises:
        QuantlibError: if a text cannot be read, or is no such argument.
    """
    if len(texts) != len(names):
        raise QuantlibError(f"an input is {', '.join(names)}", f"{len(texts)} texts", "write one text for each")
    arguments = tuple(FIELDS[name].parse(name, text) for name, text in zip(names, texts, strict=True))
    _refuse_overflow(dict(zip(names, arguments, strict=True)))
    return arguments


def written(argument: Any) -> str:
    """Write an argument as a learner types it, with as many digits as it takes to read the same number again."""
    single = isinstance(argument, Tensor) and argument.dtype == torch.float32
    values = argument.flatten().tolist() if isinstance(argument, Tensor) else argument
    values = values if isinstance(values, Sequence) else [values]
    return ", ".join(str(value) if isinstance(value, int) else _shortest(value, single) for value in values)


def _shortest(value: float, single: bool) -> str:
    def kept(text: str) -> bool:
        return value == (torch.tensor(float(text), dtype=torch.float32).item() if single else float(text))

    return next((text for text in (f"{value:.{digits}g}" for digits in (6, 9, 17)) if kept(text)), str(value))


def _refuse_overflow(given: dict[str, Any]) -> None:
    """A code beyond float32 is no number, on which published code and this one differ."""
    if "x" in given and given.get("s", 0.0) > 0 and not bool((given["x"] / given["s"]).isfinite().all()):
        raise QuantlibError("x / s must be a finite float32", "infinity", "write a smaller x or a larger s")


def _numbers(name: str, text: str) -> list[float]:
    plain = text.replace("\N{MINUS SIGN}", "-").strip(" []()")
    try:
        values = [float(part) for part in plain.split(",")]
    except ValueError:
        advice = "write one number, or several with commas between them, such as 1, −2.5"
        raise QuantlibError(f"{name} must be numbers", repr(text), advice) from None
    if len(values) > MANY:
        raise QuantlibError(
            f"{name} must be at most {MANY} numbers", f"{len(values)} numbers", "a small input says more"
        )
    return values


def _reals(name: str, text: str) -> Tensor:
    values = torch.tensor(_numbers(name, text), dtype=torch.float32)
    if not bool(values.isfinite().all()):
        raise QuantlibError(
            f"{name} must be finite numbers of float32", repr(text), "write numbers below 3.4e38 in size"
        )
    return values


def _codes(name: str, text: str) -> Tensor:
    values = _numbers(name, text)
    if not all(value in _INT8 for value in values):
        raise QuantlibError(f"{name} must be int8 codes", repr(text), "write integers from −128 to 127")
    return torch.tensor(values).to(torch.int8)


def _bytes(name: str, text: str) -> Tensor:
    return _integers(name, text, 0, 255).to(torch.uint8)


def _sums(name: str, text: str) -> Tensor:
    return _integers(name, text, -(2**31), 2**31 - 1)


def _counts(name: str, text: str) -> Tensor:
    return _integers(name, text, 0, 2**31 - 1)


def _integers(name: str, text: str, low: int, high: int) -> Tensor:
    values = _numbers(name, text)
    if not all(low <= value <= high and value.is_integer() for value in values):
        rule = f"{name} must be integers from {low:,} to {high:,}"
        raise QuantlibError(rule.replace("-", "\N{MINUS SIGN}"), repr(text), "write such numbers")
    return torch.tensor(values, dtype=torch.float64).long()


def _dims(name: str, text: str) -> tuple[int, ...]:
    values = _numbers(name, text)
    if len(values) != 2 or not all(value in range(1, 5) for value in values):
        raise QuantlibError(f"{name} must be two integers from 1 to 4", repr(text), "write such as 4, 4")
    return tuple(map(int, values))


def _real(name: str, text: str) -> float:
    values = _numbers(name, text)
    if len(values) != 1:
        raise QuantlibError(f"{name} must be one number", repr(text), "write a single one")
    return values[0]


def _code(name: str, text: str) -> int:
    value = _real(name, text)
    if value not in _INT8:
        raise QuantlibError(f"{name} must be an int8 code", repr(text), "write an integer from −128 to 127")
    return int(value)


def _bits(name: str, text: str) -> int:
    return _between(name, text, 2, 16)


def _shift(name: str, text: str) -> int:
    return _between(name, text, 2, 30)


def _between(name: str, text: str, low: int, high: int) -> int:
    value = _real(name, text)
    if value not in range(low, high + 1):
        raise QuantlibError(f"{name} must be an integer from {low} to {high}", repr(text), "write one of these")
    return int(value)


_INT8 = range(-128, 128)


@dataclass(frozen=True)
class Field:
    """How an argument is typed: what its box holds at first, how its text is parsed, and what an empty box asks for."""

    start: str
    parse: Callable[[str, str], Any]
    asks: str = "one number or several"


FIELDS = {
    "x": Field("", _reals),
    "q": Field("", _codes),
    "q_w": Field("", _codes),
    "q_x": Field("", _codes),
    "u": Field("", _bytes),
    "w": Field("", _codes),
    "packed": Field("", _bytes),
    "acc": Field("", _sums),
    "counts": Field("", _counts),
    "dims": Field("", _dims, "two numbers"),
    "s": Field("1", _real),
    "z": Field("0", _code),
    "bits": Field("8", _bits),
    "n": Field("3", _shift),
}
