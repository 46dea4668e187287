"""The exercises of notebook 07: a scale a row, the scales of groups, and the bits that they take."""

from typing import Any

import numpy
import torch
from torch import Tensor

import quantlib
from quantlib import storage
from quantlib.data import T
from quantlib.lab.cases import T_ALONE
from quantlib.lab.exercise import Exercise
from quantlib.lab.learner import number_problem, one_number, tensor_problem
from quantlib.lab.same import Arguments

from .mistakes import known


def _scales(w: Tensor, bits: int, size: int) -> Tensor:
    scales = quantlib.choose_qparams(quantlib.to_groups(w, size), bits, symmetric=True, axis=(0, 1)).scale
    return torch.as_tensor(scales).squeeze(-1)


def scales_problem(value: Any, w: Tensor, bits: int, size: int) -> str:
    """Say why a value cannot be the scales of the groups of w in fp16, or return ""."""
    problem, wanted = tensor_problem(value), (w.shape[0], -(-w.shape[1] // size))
    if problem:
        return problem
    if tuple(value.shape) != wanted:
        return f"returned shape {tuple(value.shape)}, not {wanted}"
    stored = value.detach().half()
    return "" if bool(((stored > 0) & stored.isfinite()).all()) else "returned scales that fp16 cannot hold"


def bits_problem(value: Any, *_: object) -> str:
    """Say why a value is no number of bits, or return ""."""
    return number_problem(value) or ("" if 0 <= float(value) < 1e9 else "returned a number that counts no bits")


def _matrices(*shapes: tuple[int, int]) -> list[Tensor]:
    """Return random matrices whose rows and columns differ in size."""
    draw = numpy.random.RandomState(3)
    return [torch.tensor(draw.normal(size=shape) * draw.uniform(1, 30, (shape[0], 1))).float() for shape in shapes]


row_scales = Exercise(
    "row_scales",
    "f(w) returns one symmetric int8 scale for each row of a matrix, with shape (rows, 1)",
    parameters=("w",),
    reference=lambda w: torch.as_tensor(quantlib.choose_qparams(w, symmetric=True, axis=0).scale),
    cases=(
        *((torch.tensor(w),) for w in ([[127.0]], [[-127.0]], [[127.0], [254.0]], [[2.0, -1.0]], [[1.0, -2.0]])),
        *((torch.tensor(w),) for w in ([[-2.0], [-1.0]], [[1.0, 2.0, -4.0]])),
        T_ALONE,
        (-2 * T,),
        *((w,) for w in _matrices((4, 6), (6, 4), (3, 7), (5, 5))),
        *((1e-11 * w,) for w in _matrices((3, 4))),
    ),
    seen=T_ALONE,
    hints=(
        "For each row the largest |w|, divided by 127. Which axis goes away?",
        "w.abs().amax(dim=1, keepdim=True) has shape (rows, 1). (Of what max with dim returns, take .values.)",
    ),
    known=known["row_scales"],
)

_SMALL = [[7.0]], [[-7.0]], [[7.0, 14.0]], [[1.0, -7.0, 14.0]], [[-7.0], [14.0]], [[14.0], [7.0], [-1.0]]
_SIZES = (2, 3, 4, 5)
_CASES: list[Arguments] = [
    *((torch.tensor(w), bits, size) for w in _SMALL for bits, size in ((4, 1), (4, 2), (8, 2), (3, 3))),
    *((torch.tensor([[7.0, -14.0, 1.0]]), 4, size) for size in (1, 2, 4)),
]
_LARGE: list[Arguments] = [
    *((T, bits, size) for bits, size in ((5, 2), (4, 3), (2, 2), (8, 4))),
    *((w, 4, size) for w in _matrices((4, 6), (6, 4), (3, 7), (5, 12)) for size in _SIZES),
    *((w, bits, 3) for w in _matrices((3, 8)) for bits in (2, 3, 6, 8)),
    *((1e-11 * w, 4, 3) for w in _matrices((3, 4))),
]
_SEED = _LARGE[0]

group_scales = Exercise(
    "group_scales",
    "f(w, bits, size) returns the symmetric scales of the groups of each row, (rows, groups)",
    parameters=("w", "bits", "size"),
    reference=_scales,
    cases=(*_CASES, *_LARGE),
    seen=_SEED,
    hints=(
        "Pad each row with zeros until size divides it, reshape to (rows, groups, size), reduce the last axis.",
        "torch.nn.functional.pad(w, (0, -w.shape[1] % size)) pads the last axis only.",
    ),
    known=known["group_scales"],
    usable=scales_problem,
)

bits_per_weight = Exercise(
    "bits_per_weight",
    "f(w, bits, size) returns the bits per weight, with an fp16 scale for each group of each row",
    parameters=("w", "bits", "size"),
    reference=lambda w, bits, size: storage.bits_per_weight(tuple(w.shape), bits, size),
    cases=(*_CASES, *_LARGE),
    seen=_SEED,
    hints=(
        "How many groups has a row, the last one included? Each has a scale of 16 bits.",
        "bits + 16 * groups / w.shape[1], and math.ceil counts the groups.",
    ),
    unpack=one_number,
    known=known["bits_per_weight"],
    usable=bits_problem,
)
