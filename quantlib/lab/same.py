"""Whether two results are the same, and how to show them where they are not."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from .learner import Parts

Arguments = tuple[Any, ...]
SHOWN_WHOLE = 12  # up to so many values of a tensor are written out
SHOWN_FIRST = 3  # of more than that so many are


def same(a: Parts, b: Parts, arguments: Arguments) -> bool:
    """Return whether two results are equal: integers exactly, floats but for what float32 loses on the way."""
    alike = len(a) == len(b) and all(
        s.shape == t.shape and s.device == t.device and s.is_floating_point() == t.is_floating_point()
        for s, t in zip(a, b, strict=True)
    )
    return alike and all(bool(_close(s, t, arguments).all()) for s, t in zip(a, b, strict=True))


def _close(a: Tensor, b: Tensor, arguments: Arguments) -> Tensor:
    if not b.is_floating_point():
        return a.double() == b.double()  # torch compares uint16 with int8 in no other way
    x = arguments[0]
    slack = 1e-6 * x.double().abs().max().item() if isinstance(x, Tensor) else 0.0
    return torch.isclose(a.double(), b.double(), rtol=1e-4, atol=slack, equal_nan=True)


def first_difference(got: Parts, want: Parts, arguments: Arguments) -> tuple[int, ...]:
    """Return the index of the first element that is not what it should be."""
    off = torch.stack([~_close(g, w, arguments) for g, w in zip(got, want, strict=True)]).any(0)
    return tuple(off.nonzero()[0].tolist())


def equal(a: Any, b: Any) -> bool:
    """Return whether two arguments are the same."""
    return a.dtype == b.dtype and torch.equal(a, b) if isinstance(a, Tensor) else a == b


def show(*results: Sequence[Tensor]) -> list[str]:
    """Return results as text, with as many digits as it takes to tell them apart, or one from a rounder number."""
    texts: list[str] = []
    for digits in (6, 9, 17):
        texts = [", ".join(str(_rounded(part.tolist(), digits)) for part in result) for result in results]
        if len(set(texts)) == len(texts) and not (len(results) == 1 and digits == 6 and _look_rounder(*results[0])):
            break
    return [f"({t})" if len(r) > 1 else t for t, r in zip(texts, results, strict=True)]


def _look_rounder(*parts: Tensor) -> bool:
    """Return whether a float32 would be written as a shorter number that it is not, as 0.49999997 as 0.5."""
    floats = [v for part in parts if part.is_floating_point() for v in part.flatten().tolist()]
    written = torch.tensor([float(f"{v:.6g}") for v in floats])
    shorter = torch.tensor([float(f"{v:.3g}") for v in floats])
    return bool(((written == shorter) & (written != torch.tensor(floats))).any())


def _rounded(value: Any, digits: int) -> Any:
    if isinstance(value, list):
        return [_rounded(v, digits) for v in value]
    return float(f"{value:.{digits}g}") + 0.0 if isinstance(value, float) else value  # -0.0 + 0.0 is 0.0


def shown(argument: Any) -> str:
    """Return an argument as text: a tensor of few values whole, of a large one the shape and how it begins."""
    if not isinstance(argument, Tensor):
        return str(argument)
    if argument.numel() <= SHOWN_WHOLE:
        return show([argument])[0]
    first = show([argument.flatten()[:SHOWN_FIRST]])[0]
    return f"a tensor of shape {tuple(argument.shape)} that begins {first}"
