"""A recipe says in how many bits each matrix of a network is kept; it is counted, applied, and written as JSON."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from ..affine import fake_quantize
from ..errors import QuantlibError, what_came
from ..grids import check_bits, check_size, grid, is_integer
from ..groups import from_groups, to_groups
from ..storage import network_bits
from .gptq import gptq

METHODS = ("nearest", "gptq")
WIDTHS = (*range(2, 9), 16)  # of a code; 16 is a float of 16 bits
_SHARES = torch.linspace(0.3, 1.0, 36)  # of the scale that clips nothing

Matrix = tuple[int, int | None]


@dataclass(frozen=True)
class Recipe:
    """What becomes of each matrix of a network, and how its codes are chosen.

    Args:
        matrices: for each matrix (bits, size). bits: 2 to 8 of a code, or 16 for a float of 16 bits. size: the number
            of neighbours in a row that share a scale; None: one scale a row.
        method: "nearest" or "gptq".
    Raises:
        QuantlibError: if a width, a size or the method is none of these.
    """

    matrices: Mapping[str, Matrix]
    method: str = "nearest"

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise QuantlibError('a method is "nearest" or "gptq"', repr(self.method), 'write method="gptq"')
        if not isinstance(self.matrices, Mapping):
            rule, advice = "a recipe names its matrices", 'write {"0.qkv": (4, None)} and so on'
            raise QuantlibError(rule, what_came(self.matrices), advice)
        object.__setattr__(self, "matrices", {name: _matrix(name, part) for name, part in self.matrices.items()})

    def to_json(self) -> str:
        """Return the recipe as text, a line a matrix.

        >>> print(Recipe({"head": (4, None)}, "gptq").to_json())
        {"method": "gptq", "matrices": {
          "head": [4, null]
        }}
        """
        lines = ",\n".join(f"  {json.dumps(name)}: {json.dumps(part)}" for name, part in self.matrices.items())
        return f'{{"method": {json.dumps(self.method)}, "matrices": {{\n{lines}\n}}}}'

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Return the recipe that a text says.

        Raises:
            QuantlibError: if the text is not JSON, or not what `to_json` writes.
        """
        advice = "pass what to_json() returned"
        try:
            said = json.loads(text)
        except (TypeError, ValueError, RecursionError) as error:
            raise QuantlibError("a recipe must be JSON", repr(error), advice) from None
        if not isinstance(said, dict) or set(said) != {"method", "matrices"}:
            got = sorted(said) if isinstance(said, dict) else what_came(said)
            raise QuantlibError('a recipe has a "method" and "matrices", nothing else', got, advice)
        return cls(said["matrices"], said["method"])


def recipe_bits(weights: Mapping[str, Tensor], recipe: Recipe) -> float:
    """Return how many bits a weight the whole network takes; a scale, and what is no matrix, is a float of 16 bits.

    Args:
        weights: the tensors of the network, by name: "head.weight" is the matrix "head".
    Raises:
        QuantlibError: if the recipe leaves out a matrix of the network, or names one that it does not have.
    """
    matrices = _checked(weights, recipe)
    return network_bits((tuple(w.shape), *matrices.get(name, (16, None))) for name, w in weights.items())


def apply_recipe(
    weights: Mapping[str, Tensor], recipe: Recipe, hessians: Mapping[str, Tensor] | None = None
) -> dict[str, Tensor]:
    """Return the tensors as they come back from the file: matrices quantized and dequantized, the rest through fp16.

    The scale of a row or of a group is the best of 36, by squared error, as fp16 keeps it. "gptq" takes the columns of
    the largest inputs first; a matrix without inputs, such as a table of embeddings, is rounded to the nearest.

    Args:
        hessians: for "gptq", what `input_hessian` gives for the inputs of a matrix, by its name.
    Raises:
        QuantlibError: as `recipe_bits`, and if the method is "gptq" and there are no hessians.
    """
    matrices, found = _checked(weights, recipe), dict[str, Tensor]()
    if recipe.method == "gptq" and not hessians:
        raise QuantlibError("gptq needs hessians", what_came(hessians), "pass {name: input_hessian(x)}")
    known = {f"{name}.weight": h for name, h in (hessians or {}).items() if recipe.method == "gptq"}
    for name, w in weights.items():
        bits, size = matrices.get(name, (16, None))
        found[name] = w.half().to(w.dtype) if bits == 16 else _quantized(w, bits, size, known.get(name))
    return found


def paired_difference(losses: Tensor, reference: Tensor) -> tuple[float, float]:
    """Return by how much losses are above those of a reference on the same windows: the mean, and its standard error.

        d = losses - reference        mean(d), std(d) / sqrt(n)

    Shapes: both (n,), n at least 2.
    Raises:
        QuantlibError: if the two are not of the same windows.

    >>> paired_difference(torch.tensor([3.0, 5.0, 7.0]), torch.tensor([2.0, 4.0, 6.0]))
    (1.0, 0.0)
    """
    if losses.ndim != 1 or losses.shape != reference.shape or len(losses) < 2:
        got = f"shapes {tuple(losses.shape)} and {tuple(reference.shape)}"
        raise QuantlibError("both need one loss for each of the same windows, two or more", got, "judge them alike")
    apart = losses.double() - reference.double()
    return apart.mean().item(), apart.std().item() / math.sqrt(len(apart))


def _matrix(name: object, part: object) -> Matrix:
    """Return (bits, size) as plain numbers."""
    if not isinstance(name, str) or not isinstance(part, (tuple, list)) or len(part) != 2:
        rule = "a matrix has a name, its bits and the size of its groups"
        raise QuantlibError(rule, f"{name!r}: {part!r}", 'write "head": (4, None) or "head": (4, 32)')
    bits, size = part
    if not is_integer(bits) or bits not in WIDTHS:
        raise QuantlibError(f"bits of {name!r} must be 2 to 8, or 16", repr(bits), "use 4, or 16 to leave it in float")
    return check_bits(bits), None if size is None else check_size(size)


def _checked(weights: Mapping[str, Tensor], recipe: Recipe) -> dict[str, Matrix]:
    """Return what the recipe says of each matrix, by the name of its tensor."""
    there = {name.removesuffix(".weight") for name, w in weights.items() if w.ndim == 2}
    if wrong := there ^ set(recipe.matrices):
        missing, name = wrong & there, min(wrong & there or wrong)
        advice = f'add "{name}": (16, None) to leave it in float' if missing else f"take one of {sorted(there)}"
        got = f"no {name!r}" if missing else repr(name)
        raise QuantlibError("a recipe names every matrix of the network, and no other", got, advice)
    return {f"{name}.weight": part for name, part in recipe.matrices.items()}


def _quantized(w: Tensor, bits: int, size: int | None, hessian: Tensor | None) -> Tensor:
    low, top = grid(bits, narrow=True)
    scale = _scales(w, size, top)
    if hessian is None:
        return fake_quantize(w, scale, 0, low, top)
    order = hessian.diagonal().argsort(descending=True)
    codes = gptq(w[:, order], hessian[order][:, order], scale[:, order], top)
    return scale * codes[:, order.argsort()]


def _scales(w: Tensor, size: int | None, top: int) -> Tensor:
    """Return the scale of every weight, (m, n): of 36 the one with the smallest squared error of its group."""
    groups = to_groups(w, size or w.shape[1])
    largest = (groups.abs().amax(-1, keepdim=True) / top).clamp(min=2.0**-24)  # the smallest that fp16 has
    tried = (_SHARES.to(w)[:, None, None, None] * largest).half().to(w.dtype).clamp(min=2.0**-24)
    errors = (fake_quantize(groups.expand(len(tried), *groups.shape), tried, 0, -top, top) - groups).square()
    best = tried.gather(0, errors.sum(-1, keepdim=True).argmin(0, keepdim=True))[0]
    return from_groups(best.expand_as(groups), w.shape[1])
