"""Packing: codes of 1 to 8 bits without gaps between them, and the agreements that the bytes do not tell."""

from math import gcd
from typing import Literal, get_args

import torch
from torch import Tensor

from ..errors import QuantlibError
from ..grids import check_tensor, is_integer
from ..tiles import empty, fill

Sign = Literal["unsigned", "twos_complement", "offset"]
Order = Literal["low", "high", "runs"]

_LANES = (torch.int16, torch.int32, torch.int64)  # two, four and eight bytes that are worked on as one number


def pack_bits(codes: Tensor, bits: int = 4, *, sign: Sign = "unsigned", order: Order = "low") -> Tensor:
    """Return the bytes in which the codes of each row follow each other without a gap.

    Nothing in the bytes tells how wide, signed or ordered the codes are: who reads them must know. Each row begins with
    a byte of its own; bits that are left in its last byte are 0.

        sign    "unsigned"          a code is stored as it is, from 0 to 2^bits - 1
                "twos_complement"   its lowest bits are stored: -1 in four bits is 15
                "offset"            code + 2^(bits-1) is stored: -1 in four bits is 7
        order   "low"               the first code stands in the lowest bits, as in onnxruntime and torchao
                "high"              the first code stands in the highest bits, as in bitsandbytes
                "runs"              a byte takes one code of each half of the row, the first half low, as in GGUF's Q4_0

    Shapes: codes (..., n) gives (..., ceil(n bits / 8)).
    Args:
        codes: integers that fit, in any integer dtype.
        bits: the width of a code, 1 to 8. For "runs" 1, 2 or 4: a byte takes one code of each of 8 / bits runs.
        sign: how a code is stored that may be negative.
        order: which code of a byte stands where.
    Returns: uint8.
    Raises:
        QuantlibError: if codes is not an integer tensor with an axis; if a code does not fit; if bits, sign or order is
            wrong; if a row cannot be cut into runs.
    Source: onnxruntime, core/framework/int4.h, for "low"; ggml, src/ggml-quants.c, quantize_row_q4_0_ref, for "runs".

    >>> pack_bits(torch.tensor([1, 2, 3])).tolist(), pack_bits(torch.tensor([-1, 7]), sign="twos_complement").tolist()
    ([33, 3], [127])
    """
    bits = _check(codes, "codes", bits, sign, order)
    count, length = _count(bits), codes.shape[-1]
    units = _padded(_in_turn(codes, bits) if order == "runs" else codes, count)

    def pack(out: Tensor, codes: Tensor) -> None:
        lanes = _fold(_stored(codes, bits, sign), bits, order)
        out.copy_(lanes if out.shape[1] == 1 else _first_bytes(lanes, out.shape[1], order))

    rows = units.flatten(0, -2)
    packed = fill(pack, empty((len(rows), count * bits // 8), torch.uint8, codes.device), rows)
    return packed.view(*units.shape[:-1], packed.shape[1]).flatten(-2)[..., : -(-length * bits // 8)]


def unpack_bits(
    packed: Tensor, bits: int = 4, length: int | None = None, *, sign: Sign = "unsigned", order: Order = "low"
) -> Tensor:
    """Return the codes that `pack_bits` packed, if all else is as it was there.

    If it is not, the codes are other ones, and no error tells so.

    Shapes: packed (..., m) gives (..., length).
    Args:
        packed: bytes, as uint8.
        bits: the width of a code, 1 to 8.
        length: the codes in a row; None: as many as the bytes hold.
        sign: how a code is stored that may be negative.
        order: which code of a byte stands where.
    Returns: int8 if codes may be negative, else uint8.
    Raises:
        QuantlibError: if packed is not a uint8 tensor with an axis, or does not hold just so many codes; if bits, sign
            or order is wrong.
    Source: as `pack_bits`.

    >>> unpack_bits(torch.tensor([127], dtype=torch.uint8), sign="twos_complement").tolist()
    [-1, 7]
    """
    bits = _check(packed, "packed", bits, sign, order)
    count, held = _count(bits), packed.shape[-1] * 8 // bits
    length = held if length is None else length
    if packed.dtype != torch.uint8 or not is_integer(length) or -(-length * bits // 8) != packed.shape[-1]:
        got = f"{packed.dtype} of shape {tuple(packed.shape)} for {length} codes of {bits} bits"
        raise QuantlibError(
            "packed is uint8, with just the bytes that a row needs", got, "pass what pack_bits returned"
        )
    units = _padded(packed, count * bits // 8)
    rows = units.flatten(0, -2)
    out = empty((len(rows), count), torch.uint8 if sign == "unsigned" else torch.int8, packed.device)

    def unpack(out: Tensor, packed: Tensor) -> None:
        _unfold(out.view(torch.uint8), packed, bits, order)
        if sign == "twos_complement":
            out.bitwise_xor_(_half(bits))
        if sign != "unsigned":
            out.sub_(_half(bits))

    codes = fill(unpack, out, rows).view(*units.shape[:-1], count).flatten(-2)[..., :length]
    return codes.unflatten(-1, (-1, 8 // bits)).transpose(-1, -2).flatten(-2) if order == "runs" else codes


def _check(x: Tensor, name: str, bits: int, sign: str, order: str) -> int:
    if not is_integer(bits) or not 1 <= bits <= 8:
        raise QuantlibError("bits must be an integer from 1 to 8", repr(bits), "use 4 for two codes in a byte")
    for what, word, words in (("sign", sign, get_args(Sign)), ("order", order, get_args(Order))):
        if word not in words:
            raise QuantlibError(f"{what} must be one of {words}", repr(word), "choose one of them")
    check_tensor(x)
    if x.ndim == 0 or x.dtype.is_floating_point or x.dtype.is_complex or x.dtype == torch.bool or x.is_quantized:
        got = f"{x.dtype} of shape {tuple(x.shape)}"
        raise QuantlibError(f"{name} must be integers on at least one axis", got, "pass what quantize returned")
    if order == "runs" and (8 % bits or (name == "codes" and x.shape[-1] % (8 // bits))):
        got = f"rows of {x.shape[-1]} for {bits} bits"
        raise QuantlibError("a row is cut into 8 / bits runs of the same length", got, "use 4 bits and an even row")
    return int(bits)


def _half(bits: int) -> int:
    return (1 << bits - 1) if bits < 8 else -128  # as int8


def _count(bits: int) -> int:
    """How many codes fill whole bytes: 2 of 4 bits fill one, 8 of 3 bits fill three."""
    return 8 // gcd(8, bits)


def _in_turn(codes: Tensor, bits: int) -> Tensor:
    """The codes in the order in which bytes take them, one of each run in turn."""
    return codes.unflatten(-1, (8 // bits, -1)).transpose(-1, -2).flatten(-2)


def _padded(rows: Tensor, count: int) -> Tensor:
    """Rows (..., n) as (..., units, count), the last unit filled up with zeros."""
    missing = -rows.shape[-1] % count
    return (torch.nn.functional.pad(rows, (0, missing)) if missing else rows).unflatten(-1, (-1, count))


def _stored(codes: Tensor, bits: int, sign: Sign) -> Tensor:
    """The codes as uint8 from 0 to 2^bits - 1."""
    low = 0 if sign == "unsigned" else -(2 ** (bits - 1))
    high = low + 2**bits - 1
    if codes.numel():
        smallest, largest = (v.item() for v in codes.aminmax())
        if smallest < low or largest > high:
            rule = f"a code of {bits} bits, {sign}, lies in [{low}, {high}]"
            raise QuantlibError(rule, smallest if smallest < low else largest, "quantize to this grid first")
    if sign == "unsigned":
        return codes.to(torch.uint8)
    wrapped = codes.to(torch.int8).view(torch.uint8)
    return (wrapped if sign == "twos_complement" else wrapped + 2 ** (bits - 1)) & (2**bits - 1)


# Folding: two neighbouring codes, each in a byte, become one code of twice the bits in two bytes, and so on until the
# bits of a lane fill whole bytes. The first code lies in the lowest byte of a lane, as on every little-endian machine.


def _fold(codes: Tensor, bits: int, order: Order) -> Tensor:
    lanes, width = codes.contiguous(), 8
    for dtype in _steps(bits):
        lanes = lanes.view(dtype)
        second = lanes >> width
        if order == "high":
            lanes = second.add_(lanes & (1 << width) - 1, alpha=1 << bits)
        else:  # first + second 2^width becomes first + second 2^bits
            lanes = torch.sub(lanes, second, alpha=(1 << width) - (1 << bits), out=second)
        bits, width = 2 * bits, 2 * width
    return lanes


def _unfold(out: Tensor, packed: Tensor, bits: int, order: Order) -> None:
    """Write the codes into out, a byte each."""
    steps = _steps(bits)
    lanes = _lanes(packed, out, steps[-1] if steps else torch.uint8, order)
    for step in reversed(range(len(steps))):
        lanes, width = lanes.view(steps[step]), 8 << step
        upper = lanes >> (bits << step)
        if order == "high":
            lanes.bitwise_and_((1 << (bits << step)) - 1).bitwise_left_shift_(width).bitwise_or_(upper)
        else:
            lanes.add_(upper, alpha=(1 << width) - (1 << (bits << step)))


def _steps(bits: int) -> tuple[torch.dtype, ...]:
    return _LANES[: _count(bits).bit_length() - 1]


def _first_bytes(lanes: Tensor, count: int, order: Order) -> Tensor:
    """The bytes of a lane that hold its codes, in the order of the file."""
    held = lanes.view(torch.uint8)[:, :count]
    return held.flip(1) if order == "high" else held


def _lanes(packed: Tensor, out: Tensor, dtype: torch.dtype, order: Order) -> Tensor:
    """out as lanes that hold the packed bytes."""
    lanes = out.view(dtype)
    if packed.shape[1] == 1:
        return lanes.copy_(packed)
    held = out.zero_()[:, : packed.shape[1]]
    held.copy_(packed.flip(1) if order == "high" else packed)
    return lanes
