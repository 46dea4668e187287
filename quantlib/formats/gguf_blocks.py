"""The blocks of GGUF: runs of weights that are stored with their own scale."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from ..errors import QuantlibError
from ..grids import check_tensor
from ..qparams import check_input
from ..tiles import empty, fill


class Block(NamedTuple):
    """One type of block: its number in a file, how many weights it holds, and how many bytes it takes."""

    number: int
    weights: int
    bytes: int


BLOCKS = {
    "F32": Block(0, 1, 4),
    "F16": Block(1, 1, 2),
    "Q4_0": Block(2, 32, 18),
    "Q4_1": Block(3, 32, 20),
    "Q8_0": Block(8, 32, 34),
    "Q4_K": Block(12, 256, 144),
    "Q6_K": Block(14, 256, 210),
}


def quantize_gguf(x: Tensor, kind: str) -> Tensor:
    """Return the bytes in which GGUF stores x, row by row.

    Scales are fp16, but codes are worked out with the scale before it is rounded. F32 and F16 are the numbers as bytes.

        Q8_0    scale, 32 codes of 8 bits           scale = max |x| / 127;  halves are rounded away from zero
        Q4_0    scale, 32 codes of 4 bits           scale = m / -8, m the value of the largest magnitude, with its sign
                                                    code = min(floor(x / scale + 8.5), 15)
        Q4_1    scale, minimum, 32 codes of 4 bits  scale = (max - min) / 15;  code = floor((x - min) / scale + 1/2)
        Q4_K    8 runs of 32: scales and minima in 6 bits, in units of two fp16 numbers, then 256 codes of 4 bits

    The codes of Q4_0 and Q4_1 lie side by side as `pack_bits` puts "runs": j with j + 16. Q4_K takes the plain minimum
    and maximum of each run, where ggml searches for better ones.

    Shapes: x (..., n) gives (..., n / weights * bytes), with the sizes in `BLOCKS`.
    Args:
        x: real values, finite, in any floating dtype, with rows of whole blocks.
        kind: "Q8_0", "Q4_0", "Q4_1", "Q4_K", "F16" or "F32".
    Returns: uint8.
    Raises:
        QuantlibError: if x is not floating-point or not finite; if a row is no number of whole blocks; if a scale
            leaves fp16; if the kind is none of these.
    Source: ggml, src/ggml-quants.c, quantize_row_q8_0_ref, quantize_row_q4_0_ref and quantize_row_q4_1_ref;
        src/ggml-common.h, block_q4_K.

    >>> quantize_gguf(torch.tensor([[-8.0] + 31 * [1.0]]), "Q4_0").tolist()[0][:4]
    [0, 60, 144, 153]
    """
    check_input(x)
    if kind not in _WRITE:
        raise QuantlibError(f"a kind that can be written is one of {', '.join(_WRITE)}", repr(kind), "choose one")
    _, weights, size = BLOCKS[kind]
    if x.ndim == 0 or x.shape[-1] % weights:
        rule = f"rows of {kind} are whole blocks of {weights} weights"
        raise QuantlibError(rule, f"shape {tuple(x.shape)}", "pad the rows, or choose a kind with smaller blocks")

    def write(out: Tensor, x: Tensor) -> None:
        _WRITE[kind](out, x.float())

    blocks = x.detach().reshape(x.numel() // weights, weights)
    return fill(write, empty((len(blocks), size), torch.uint8), blocks.cpu()).view(
        *x.shape[:-1], x.shape[-1] // weights * size
    )


def dequantize_gguf(data: Tensor, kind: str) -> Tensor:
    """Return the weights that the bytes of GGUF stand for.

        Q8_0    scale * code                Q4_0    scale * (code - 8)        Q4_1    scale * code + minimum
        Q4_K    scale * scale_6 * code - minimum_scale * minimum_6            for each of 8 runs of 32
        Q6_K    scale * scale_8 * (code - 32)                                 for each of 16 runs of 16

    Shapes: data (..., m) gives (..., m / bytes * weights), with the sizes in `BLOCKS`.
    Args:
        data: bytes as uint8, in rows of whole blocks.
        kind: one of `BLOCKS`.
    Returns: float32.
    Raises:
        QuantlibError: if data is no uint8 tensor, a row is no number of whole blocks, or the kind is unknown.
    Source: ggml, src/ggml-quants.c, dequantize_row_q8_0 and the others; src/ggml-common.h, block_q4_K, block_q6_K.

    >>> dequantize_gguf(quantize_gguf(torch.full((1, 32), -3.0), "Q4_0"), "Q4_0").unique().item()
    -3.0
    """
    check_tensor(data)
    if kind not in BLOCKS:
        raise QuantlibError(f"a kind is one of {', '.join(BLOCKS)}", repr(kind), "choose one")
    _, weights, size = BLOCKS[kind]
    if data.dtype != torch.uint8 or data.ndim == 0 or data.shape[-1] % size:
        got = f"{data.dtype} of shape {tuple(data.shape)}"
        raise QuantlibError(f"rows of {kind} are whole blocks of {size} bytes, as uint8", got, "check the kind")
    blocks = data.reshape(data.numel() // size, size)
    out = empty((len(blocks), weights), torch.float32)
    return fill(_READ[kind], out, blocks.cpu()).view(*data.shape[:-1], data.shape[-1] // size * weights)


def _write_f32(out: Tensor, x: Tensor) -> None:
    out.copy_(x.contiguous().view(torch.uint8))


def _write_f16(out: Tensor, x: Tensor) -> None:
    out.copy_(_half_bytes(x))


def _write_q8_0(out: Tensor, x: Tensor) -> None:
    scale = torch.maximum(x.amax(1, keepdim=True), -x.amin(1, keepdim=True)).abs_() / 127  # no -0.0
    steps = x * _inverse(scale)
    # Halves away from zero. The largest float below 1/2 does it; 1/2 itself would lift what is just below 1/2 to 1.
    steps.add_(torch.copysign(torch.full_like(scale, 0.5 - 2.0**-25), steps))
    out[:, :2] = _half_bytes(scale)
    out[:, 2:] = steps.to(torch.int8).view(torch.uint8)


def _write_q4_0(out: Tensor, x: Tensor) -> None:
    low, high = x.amin(1, keepdim=True), x.amax(1, keepdim=True)
    most = torch.where(high > -low, high, low)
    tied = ((high == -low) & (high > 0))[:, 0]
    if bool(tied.any()):  # of two equally large values, the first
        most[tied] = x[tied].gather(1, x[tied].abs().argmax(1, keepdim=True))
    scale = most / -8
    out[:, :2] = _half_bytes(scale)
    _write_halves(out[:, 2:], torch.mul(x, _inverse(scale)).add_(8.5))


def _write_q4_1(out: Tensor, x: Tensor) -> None:
    low = x.amin(1, keepdim=True)
    scale = (x.amax(1, keepdim=True) - low) / 15
    out[:, :2], out[:, 2:4] = _half_bytes(scale), _half_bytes(low)
    _write_halves(out[:, 4:], torch.sub(x, low).mul_(_inverse(scale)).add_(0.5))


def _write_q4_k(out: Tensor, x: Tensor) -> None:
    runs = x.view(-1, 8, 32)
    low = runs.amin(2).clamp_(max=0.0)
    scale, scales = _six_bits((runs.amax(2) - low) / 15)
    minimum, minima = _six_bits(-low)
    step, shift = (scale.float() * scales)[..., None], (minimum.float() * minima)[..., None]
    codes = ((runs + shift) * _inverse(step)).round_().clamp_(0, 15).to(torch.int8).view(torch.uint8)
    out[:, :2], out[:, 2:4] = _half_bytes(scale), _half_bytes(minimum)
    out[:, 4:8] = scales[:, :4] | scales[:, 4:] >> 4 << 6
    out[:, 8:12] = minima[:, :4] | minima[:, 4:] >> 4 << 6
    out[:, 12:16] = scales[:, 4:] & 15 | minima[:, 4:] << 4
    out[:, 16:].copy_((codes[:, 0::2] | codes[:, 1::2] << 4).flatten(1))


def _read_f32(out: Tensor, data: Tensor) -> None:
    out.copy_(data.contiguous().view(torch.float32))


def _read_f16(out: Tensor, data: Tensor) -> None:
    out.copy_(_halves(data))


def _read_q8_0(out: Tensor, data: Tensor) -> None:
    out.copy_(data[:, 2:].view(torch.int8)).mul_(_halves(data[:, :2]))


def _read_q4_0(out: Tensor, data: Tensor) -> None:
    _read_nibbles(out, data[:, 2:]).sub_(8).mul_(_halves(data[:, :2]))


def _read_q4_1(out: Tensor, data: Tensor) -> None:
    _read_nibbles(out, data[:, 4:]).mul_(_halves(data[:, :2])).add_(_halves(data[:, 2:4]))


def _read_q4_k(out: Tensor, data: Tensor) -> None:
    first, second, rest = data[:, 4:8], data[:, 8:12], data[:, 12:16]
    scales = torch.cat([first & 63, rest & 15 | first >> 6 << 4], dim=1)
    minima = torch.cat([second & 63, rest >> 4 | second >> 6 << 4], dim=1)
    step, shift = _halves(data[:, :2]) * scales, _halves(data[:, 2:4]) * minima
    codes = _read_nibbles(out.view(-1, 4, 64), data[:, 16:].unflatten(1, (4, 32)))
    codes.view(-1, 8, 32).mul_(step[..., None]).sub_(shift[..., None])


def _read_q6_k(out: Tensor, data: Tensor) -> None:
    low, high = data[:, :128].unflatten(1, (2, 1, 64)), data[:, 128:192].unflatten(1, (2, 1, 32))
    low = torch.cat([low & 15, low >> 4], dim=2).view(-1, 2, 4, 32)  # four runs of 32 in each half
    high = torch.cat([high >> shift & 3 for shift in (0, 2, 4, 6)], dim=2)
    step = _halves(data[:, 208:]) * data[:, 192:208].view(torch.int8)
    out.copy_((low | high << 4).flatten(1)).sub_(32).view(-1, 16, 16).mul_(step[..., None])


_Step = Callable[[Tensor, Tensor], None]
_WRITE: dict[str, _Step] = {
    "F32": _write_f32,
    "F16": _write_f16,
    "Q8_0": _write_q8_0,
    "Q4_0": _write_q4_0,
    "Q4_1": _write_q4_1,
    "Q4_K": _write_q4_k,
}
_READ: dict[str, _Step] = {
    "F32": _read_f32,
    "F16": _read_f16,
    "Q8_0": _read_q8_0,
    "Q4_0": _read_q4_0,
    "Q4_1": _read_q4_1,
    "Q4_K": _read_q4_k,
    "Q6_K": _read_q6_k,
}


def _inverse(scale: Tensor) -> Tensor:
    """1 / scale, and 0 where the scale is 0 or so small that no float32 holds its inverse."""
    return torch.nan_to_num(1.0 / scale, nan=0.0, posinf=0.0, neginf=0.0)


def _half_bytes(values: Tensor) -> Tensor:
    """Numbers (rows, n) as 2 n bytes of fp16."""
    halves = values.half()
    if not bool(halves.isfinite().all()):
        if not bool(values.isfinite().all()):
            raise QuantlibError("weights must be finite", "NaN or infinity", "remove them: torch.nan_to_num(x)")
        largest = values.abs().max().item()
        raise QuantlibError("numbers stored as fp16 are at most 65504", largest, "scale the weights, or use F32")
    return halves.contiguous().view(torch.uint8)


def _halves(data: Tensor) -> Tensor:
    """Bytes (rows, 2 n) as n numbers of fp16, in float32."""
    return data.contiguous().view(torch.float16).float()


def _six_bits(values: Tensor) -> tuple[Tensor, Tensor]:
    """Eight numbers from 0 on as an fp16 scale and codes from 0 to 63."""
    scale = (values.amax(1, keepdim=True) / 63).half()
    return scale, (values * _inverse(scale.float())).round_().clamp_(0, 63).to(torch.int8).view(torch.uint8)


def _write_halves(out: Tensor, codes: Tensor) -> None:
    """Write codes (rows, 32), still as floats, whose fraction falls away: j in the low half of a byte, j + 16 above."""
    low, high = codes.to(torch.int8).clamp_(max=15).view(torch.uint8).chunk(2, dim=1)
    torch.bitwise_or(low, high << 4, out=out)


def _read_nibbles(out: Tensor, data: Tensor) -> Tensor:
    """Return out, with the low halves of each run of bytes as numbers, and after them the high halves."""
    low, high = out.chunk(2, dim=-1)
    low.copy_(data & 15)
    high.copy_(data >> 4)
    return out
