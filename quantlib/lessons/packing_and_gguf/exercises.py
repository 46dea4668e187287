"""The exercises of notebook 10: two codes into a byte, out of it again, and a block that carries its own scale."""

from typing import Any

import numpy
import torch
from torch import Tensor

from quantlib.data import T
from quantlib.formats import pack_bits, quantize_gguf, unpack_bits
from quantlib.lab.exercise import Exercise
from quantlib.lab.learner import tensor_problem

from .mistakes import known

BLOCK = 32  # weights that share a scale
BLOCK_BYTES = 18


def unpack_signed(packed: Tensor) -> Tensor:
    """Return the codes from -8 to 7 that bytes hold in two's complement, the low half of a byte first."""
    return unpack_bits(packed, sign="twos_complement")


def store_q4_0(x: Tensor) -> Tensor:
    """Return rows of 32 values as blocks of 18 bytes, as GGUF stores them."""
    return quantize_gguf(x, "Q4_0")


def _integers_problem(value: Any, shape: tuple[int, ...], low: int, high: int) -> str:
    """Say why a value is not integers of this shape from low to high, or return ""."""
    problem = tensor_problem(value)
    if problem:
        return problem
    if value.shape != shape:
        return f"returned shape {tuple(value.shape)}, not {shape}"
    if value.dtype.is_floating_point or value.dtype.is_complex:
        return f"returned {value.dtype}, not integers"
    inside = not value.numel() or (low <= value.min().item() and value.max().item() <= high)
    return "" if inside else f"returned numbers beyond {low} to {high}"


def _bytes_problem(value: Any, codes: Tensor) -> str:
    return _integers_problem(value, (*codes.shape[:-1], codes.shape[-1] // 2), 0, 255)


def _codes_problem(value: Any, packed: Tensor) -> str:
    return _integers_problem(value, (*packed.shape[:-1], 2 * packed.shape[-1]), -128, 255)


def _blocks_problem(value: Any, x: Tensor) -> str:
    return _integers_problem(value, (len(x), BLOCK_BYTES), 0, 255)


def _bytes(*values: Any) -> Tensor:
    return torch.tensor(values, dtype=torch.uint8)


_CODES_SEEN = (_bytes(1, 2, 3, 4),)
pack = Exercise(
    "pack",
    "f(codes) returns one byte for each two neighbouring codes, the first in the low half",
    parameters=("codes",),
    reference=pack_bits,
    cases=(
        *((_bytes(*codes),) for codes in ((1, 0), (0, 1), (3, 12), (9, 15))),
        _CODES_SEEN,
        (_bytes([1, 2, 3, 4], [5, 6, 7, 8]),),
        (torch.arange(16, dtype=torch.uint8).view(2, 2, 4),),
        (_bytes(15, 15, 0, 7, 8, 1),),
        *((torch.tensor(numpy.random.RandomState(k).randint(0, 16, (3, 8)), dtype=torch.uint8),) for k in (1, 2)),
    ),
    seen=_CODES_SEEN,
    hints=(
        "codes[..., 0::2] are the first codes of all pairs, codes[..., 1::2] the second ones.",
        "b << 4 moves the four bits of b into the high half, and a | (b << 4) puts both into one byte.",
    ),
    known=known["pack"],
    usable=_bytes_problem,
    codes=True,
)

_BYTES_SEEN = (_bytes(0x2D),)
unpack = Exercise(
    "unpack",
    "f(packed) returns the two codes of each byte, from -8 to 7, the low half first",
    parameters=("packed",),
    reference=unpack_signed,
    cases=(
        *((_bytes(byte),) for byte in (0x01, 0x10, 0x0F, 0xF0, 0x88, 0x7A)),
        _BYTES_SEEN,
        (_bytes(0x12, 0x34),),
        (_bytes([0x9C, 0x05], [0xE3, 0x71]),),
        *((torch.tensor(numpy.random.RandomState(k).randint(0, 256, (2, 3)), dtype=torch.uint8),) for k in (3, 4)),
    ),
    seen=_BYTES_SEEN,
    hints=(
        "packed & 15 keeps the low half of each byte, packed >> 4 the high half.",
        "torch.stack([low, high], -1).flatten(-2) puts them side by side.",
        "Make them int8 first: in uint8 there is no −3. Then a code from 8 on is 16 too large.",
    ),
    known=known["unpack"],
    usable=_codes_problem,
    codes=True,
)


def _block(*values: float) -> Tensor:
    """Return one block that begins with these values and ends with zeros."""
    return torch.nn.functional.pad(torch.tensor([values]).float(), (0, BLOCK - len(values)))


def _scattered(seed: int) -> Tensor:
    """Return three blocks whose values, in steps of their scale, are at least 1/10 away from a tie."""
    draw = numpy.random.RandomState(seed)
    steps = draw.randint(-7, 8, (3, BLOCK)) + draw.uniform(-0.4, 0.4, (3, BLOCK))
    steps[range(3), draw.randint(0, BLOCK, 3)] = -8
    return torch.tensor(steps * [[0.03], [-0.002], [1.7]]).float()


_T_BLOCK = (_block(*T.flatten().tolist()),)
q4_0 = Exercise(
    "q4_0",
    "f(x) returns the 18 bytes in which Q4_0 stores each row of 32 values",
    parameters=("x",),
    reference=store_q4_0,
    cases=(
        *((_block(*values),) for values in ((-8,), (8,), (-8, 8), (8, -8), (0,), (-8, 1.5, 2.5, -3.5))),
        (_block(-8, *15 * [0], 3),),
        (_block(-8, 4, 2),),
        _T_BLOCK,
        (_block(-8.001953125, 0.5),),  # fp16 has no such scale, and with the one it has 0.5 is no tie
        (torch.cat([_block(-8, 3), _block(0.5, 0.25, -0.125)]),),
        *((_scattered(seed),) for seed in (5, 6)),
    ),
    seen=_T_BLOCK,
    hints=(
        "m = x.gather(1, x.abs().argmax(1, keepdim=True)) is the value of the largest size, with its sign.",
        "The codes are floor(x / d + 8.5), at most 15; where d is 0, put 0 for x / d.",
        "Two bytes of the scale: d.half().view(torch.uint8). Byte j holds code j low and code j + 16 high.",
    ),
    known=known["q4_0"],
    usable=_blocks_problem,
    codes=True,
)
