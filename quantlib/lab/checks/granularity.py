"""The checks of granularity: a scale a row, the scales of groups, and the bits that they take."""

import numpy
import torch
from torch import Tensor

from ...groups import to_groups
from ...qparams import choose_qparams
from ...storage import bits_per_weight
from ..check import Arguments, Check, Function, number
from ..verdict import Verdict
from .cases import T


def check_row_scales(function: Function) -> Verdict:
    """Say whether f(w) returns one symmetric int8 scale for each row of a matrix, with shape (rows, 1)."""
    return _ROW_SCALES(function)


def check_group_scales(function: Function) -> Verdict:
    """Say whether f(w, bits, size) returns the symmetric scales of the groups of each row, (rows, groups)."""
    return _GROUP_SCALES(function)


def check_bits_per_weight(function: Function) -> Verdict:
    """Say whether f(w, bits, size) returns the bits per weight, with an fp16 scale for each group of each row."""
    return _BITS_PER_WEIGHT(function)


def _scales(w: Tensor, bits: int, size: int) -> Tensor:
    scales = choose_qparams(to_groups(w, size), bits, symmetric=True, axis=(0, 1)).scale
    return torch.as_tensor(scales).squeeze(-1)


def _matrices(*shapes: tuple[int, int]) -> list[Tensor]:
    """Return random matrices whose rows and columns differ in size."""
    draw = numpy.random.RandomState(3)
    return [torch.tensor(draw.normal(size=shape) * draw.uniform(1, 30, (shape[0], 1))).float() for shape in shapes]


_T_ALONE = (T,)
_ROW_SCALES = Check(
    "row_scales",
    ("w",),
    lambda w: torch.as_tensor(choose_qparams(w, symmetric=True, axis=0).scale),
    (
        *((torch.tensor(w),) for w in ([[127.0]], [[-127.0]], [[127.0], [254.0]], [[2.0, -1.0]], [[1.0, -2.0]])),
        *((torch.tensor(w),) for w in ([[-2.0], [-1.0]], [[1.0, 2.0, -4.0]])),
        _T_ALONE,
        (-2 * T,),
        *((w,) for w in _matrices((4, 6), (6, 4), (3, 7), (5, 5))),
    ),
    _T_ALONE,
    (
        "For each row the largest |w|, divided by 127. Which axis goes away?",
        "w.abs().amax(dim=1, keepdim=True) has shape (rows, 1).",
    ),
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
]
_SEED = _LARGE[0]

_GROUP_SCALES = Check(
    "group_scales",
    ("w", "bits", "size"),
    _scales,
    (*_CASES, *_LARGE),
    _SEED,
    (
        "Pad each row with zeros until size divides it, reshape to (rows, groups, size), reduce the last axis.",
        "torch.nn.functional.pad(w, (0, -w.shape[1] % size)) pads the last axis only.",
    ),
)

_BITS_PER_WEIGHT = Check(
    "bits_per_weight",
    ("w", "bits", "size"),
    lambda w, bits, size: bits_per_weight(tuple(w.shape), bits, size),
    (*_CASES, *_LARGE),
    _SEED,
    (
        "How many groups has a row, the last one included? Each has a scale of 16 bits.",
        "bits + 16 * groups / w.shape[1], and math.ceil counts the groups.",
    ),
    unpack=number,
)
