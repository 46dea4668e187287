"""Small floats: their values, rounding to them, and blocks that share a scale (MX and NVFP4)."""

from collections.abc import Callable
from math import floor, log2
from typing import Literal, NamedTuple, get_args

import torch
from torch import Tensor

from ..errors import QuantlibError
from ..grids import check_tensor, is_integer
from ..groups import from_groups, to_groups
from ..qparams import check_input, compute_dtype, readable
from ..tiles import empty, fill, run

Rule = Literal["floor", "ceil", "rceil", "even"]

# Of the dtype that computes: the integers that its bits are read as, its mantissa bits, and its exponent's bias.
_BITS = {torch.float32: (torch.int32, 23, 127), torch.float64: (torch.int64, 52, 1023)}


class FloatFormat(NamedTuple):
    """A float of one sign bit, exponent_bits and mantissa_bits, whose largest finite value is `largest`.

    Exponent field 0 means subnormals. Without exponent bits all values are subnormals: integers with a fixed point.

        (-1)^sign 2^(E - bias) (1 + M / 2^mantissa_bits)        E > 0; bias = 2^(exponent_bits-1) - 1
        (-1)^sign 2^(1 - bias) (M / 2^mantissa_bits)            E = 0
    """

    exponent_bits: int
    mantissa_bits: int
    largest: float

    @property
    def bias(self) -> int:
        return 2 ** (self.exponent_bits - 1) - 1 if self.exponent_bits else 0

    @property
    def bits(self) -> int:
        return 1 + self.exponent_bits + self.mantissa_bits

    @property
    def largest_exponent(self) -> int:
        return floor(log2(self.largest))


E4M3 = FloatFormat(4, 3, 448.0)
E5M2 = FloatFormat(5, 2, 57344.0)
E2M1 = FloatFormat(2, 1, 6.0)
E2M3 = FloatFormat(2, 3, 7.5)
E3M2 = FloatFormat(3, 2, 28.0)


def float_format(exponent_bits: int, mantissa_bits: int) -> FloatFormat:
    """Return the format in which every code is a finite number. With 0 and 7 bits it is the element of MXINT8.

    Args:
        exponent_bits: 0 to 7.
        mantissa_bits: 0 to 7; 1 to 8 bits with the sign, and at least 2.
    Raises:
        QuantlibError: if a width is wrong.

    >>> float_format(2, 1) == E2M1, float_format(1, 2).largest, float_format(0, 7).largest
    (True, 3.5, 1.984375)
    """
    widths = (exponent_bits, mantissa_bits)
    if not all(is_integer(n) and 0 <= n <= 7 for n in widths) or not 1 <= sum(widths) <= 7:
        raise QuantlibError("a sign, an exponent and a mantissa take 2 to 8 bits", widths, "use (4, 3) or (2, 1)")
    format = FloatFormat(int(exponent_bits), int(mantissa_bits), 0.0)
    return format._replace(largest=_magnitudes(format)[-1].item())


def float_levels(format: FloatFormat) -> Tensor:
    """Return the finite values from 0 on that the format has, in ascending order.

    Shapes: the result is (n,); with 0, n <= 2^(bits-1).
    Args:
        format: E4M3, E5M2, E2M1, E2M3, E3M2, or what `float_format` returns.
    Returns: float32.
    Source: Micikevicius et al. 2022, arXiv:2209.05433, for E4M3 and E5M2; Rouhani et al. 2023, arXiv:2310.10537, for
        the six and four bits of MX.

    >>> float_levels(E2M1).tolist()
    [0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0]
    """
    values = _magnitudes(format)
    return values[values <= format.largest]


def round_to_float(x: Tensor, format: FloatFormat) -> Tensor:
    """Return x rounded to the nearest values of the format; what lies beyond its largest value becomes that.

    Of two equally near ones the one with an even mantissa is taken. Zero comes back as 0.0, NaN as NaN. To x is added,
    and then taken away, a number so large that float32 has no place left for the bits that must go.

        step(v) = 2^(max(floor(log2 |v|), 1 - bias) - mantissa_bits);  v = clamp(x, -largest, largest)
        round_to_float(x) = step(v) round(v / step(v))

    Shapes: x any shape; the result has the same.
    Args:
        x: real values, in any floating dtype.
        format: the format to round to.
    Returns: values of the format, in x's dtype, without gradient.
    Raises:
        QuantlibError: if x is not floating-point.
    Source: IEEE 754-2019, section 4.3.1, roundTiesToEven; Micikevicius et al. 2022, arXiv:2209.05433, for saturation.

    >>> round_to_float(torch.tensor([0.3, 2.5, 3.6, -100.0]), E2M1).tolist()
    [0.5, 2.0, 4.0, -6.0]
    """
    check_input(x)
    largest, narrow = torch.finfo(x.dtype).max, x.dtype.itemsize < 4

    def rounded(x: Tensor, work: Tensor | None) -> Tensor:
        values = _round(torch.clamp(x, -format.largest, format.largest, out=work), format)
        return values.clamp_(-largest, largest) if narrow else values

    return run(rounded, compute_dtype(x), x.dtype, x.detach())


def encode_float(x: Tensor, format: FloatFormat) -> Tensor:
    """Return the codes of x: a sign, an exponent and a mantissa side by side in the lowest bits of a byte.

    Shapes: x any shape; the result has the same.
    Args:
        x: real values, in any floating dtype; rounded as by `round_to_float`. -0.0 keeps its sign.
        format: the format to store in.
    Returns: uint8 codes from 0 to 2^bits - 1.
    Raises:
        QuantlibError: if x is not floating-point or holds NaN, for which formats have different codes or none.
    Source: as `float_levels`.

    >>> [hex(code) for code in encode_float(torch.tensor([1.0, -448.0]), E4M3).tolist()]
    ['0x38', '0xfe']
    """
    check_input(x)
    levels = float_levels(format).to(x.device, compute_dtype(x))

    def codes(x: Tensor, work: Tensor | None) -> Tensor:
        if x.numel() and bool(x.amax().isnan()):
            raise QuantlibError("x must not hold NaN, which has no code in most formats", "NaN", "torch.nan_to_num(x)")
        sign = x.signbit().to(torch.int32) << format.bits - 1
        values = _round(torch.clamp(x, -format.largest, format.largest, out=work), format)
        return torch.searchsorted(levels, values.abs_().contiguous(), out_int32=True).bitwise_or_(sign)

    return run(codes, compute_dtype(x), torch.uint8, x.detach())


def decode_float(codes: Tensor, format: FloatFormat) -> Tensor:
    """Return the values of codes, infinity and NaN among them where the format has them.

    Shapes: codes any shape; the result has the same.
    Args:
        codes: integers from 0 to 2^bits - 1.
        format: the format that they are stored in.
    Returns: float32.
    Raises:
        QuantlibError: if codes is not an integer tensor or holds what is no code.
    Source: as `float_levels`.

    >>> decode_float(torch.tensor([0x38, 0xFE, 0x7F]), E4M3).tolist()
    [1.0, -448.0, nan]
    """
    check_tensor(codes)
    if codes.dtype.is_floating_point or codes.dtype.is_complex or codes.dtype == torch.bool:
        raise QuantlibError("codes are an integer tensor", codes.dtype, "pass what encode_float returned")
    low, high = (end.item() for end in codes.aminmax()) if codes.numel() else (0, 0)
    if not 0 <= low <= high < 2**format.bits:
        rule = f"a code of {format.bits} bits lies in [0, {2**format.bits - 1}]"
        raise QuantlibError(rule, f"{low} to {high}", "pass what encode_float returned")
    values = _magnitudes(format)
    if _is_ieee(format):
        values[-(2**format.mantissa_bits)] = torch.inf
    values = torch.where((values <= format.largest) | values.isinf(), values, torch.nan)
    table = torch.cat([values, -values]).to(codes.device)

    def reals(codes: Tensor, work: Tensor | None) -> Tensor:
        return table.index_select(0, codes.flatten()).view(codes.shape)

    return run(reals, torch.int32, torch.float32, codes)


def power_of_two_scale(largest: Tensor, format: FloatFormat, rule: Rule = "floor") -> Tensor:
    """Return for each block the power of two that its values are divided by.

        "floor"   2^(floor(log2 a) - e)             the standard's rule: a may clip
        "ceil"    2^(ceil(log2 a) - e)              nothing clips, but up to one bit is lost
        "rceil"   2^ceil(log2(a / format.largest))  the smallest power of two with which nothing clips
        "even"    2^(floor(log2 r(a)) - e)          a is first rounded to the mantissa bits of the format

    Here a is the largest magnitude of a block, and e the exponent of the largest value of the format.

    Shapes: largest any shape; the result has the same.
    Args:
        largest: the largest magnitude of each block, finite; 0 gets the smallest scale.
        format: the format of the elements.
        rule: how the scale is chosen.
    Returns: float32, from 2^-127 to 2^127, as the eight bits of E8M0 hold them.
    Raises:
        QuantlibError: if a magnitude is negative, infinite or NaN; if the rule is none of the four.
    Source: Rouhani et al. 2023, arXiv:2310.10537, and the OCP Microscaling Formats (MX) specification 1.0 for "floor";
        ScaleCalculationMode in torchao, for the names and the others.

    >>> [power_of_two_scale(torch.tensor([7.0]), E2M1, rule).item() for rule in ("floor", "ceil", "rceil", "even")]
    [1.0, 2.0, 2.0, 2.0]
    """
    check_input(largest)
    if rule not in get_args(Rule):
        raise QuantlibError(f"the rule must be one of {get_args(Rule)}", repr(rule), "choose one of them")
    a = readable(largest).double()
    if not bool((a.isfinite() & (a >= 0)).all()):
        raise QuantlibError("a block needs finite values", "NaN or infinity", "remove them: torch.nan_to_num(x)")
    fraction, exponent = torch.frexp(a / format.largest if rule == "rceil" else a)  # 1/2 <= fraction < 1
    if rule == "even":
        fraction = (fraction * 2 ** (format.mantissa_bits + 1)).round() / 2 ** (format.mantissa_bits + 1)
    down = fraction < 1.0 if rule in ("floor", "even") else fraction == 0.5
    exponent = exponent - down.int() - (0 if rule == "rceil" else format.largest_exponent)
    exponent = torch.where(a > 0, exponent, -127).clamp(-127, 127)
    return torch.ldexp(torch.ones_like(a), exponent).float()


def fake_quantize_mx(x: Tensor, format: FloatFormat = E2M1, rule: Rule = "floor", size: int = 32) -> Tensor:
    """Return x as it comes back from an MX format: small floats, and a power of two for every block of neighbours.

        s round_to_float(x / s, format),  s = power_of_two_scale(max |block|, format, rule)

    Shapes: x (..., n) gives the same; a last block that is not full is one of its own.
    Args:
        x: real values, finite, in any floating dtype, with at least one axis.
        format: the format of the elements: E2M1 in MXFP4, E2M3 or E3M2 in MXFP6, E4M3 or E5M2 in MXFP8, and
            float_format(0, 7) in MXINT8.
        rule: how the scale is chosen.
        size: the neighbours that share a scale; 32 in the standard.
    Returns: the reconstruction, in x's dtype, without gradient.
    Raises:
        QuantlibError: as `power_of_two_scale`, and if size is wrong or x has no axis.
    Source: as `power_of_two_scale`.

    >>> fake_quantize_mx(torch.tensor([7.0, 1.0, 0.4])).tolist()
    [6.0, 1.0, 0.5]
    """

    def quantize(out: Tensor, block: Tensor) -> None:
        block = block.to(compute_dtype(block))
        scale = power_of_two_scale(_largest(block), format, rule).to(block.dtype)
        out.copy_(_scaled(block, scale, format))

    return _by_blocks(quantize, x, size)


def fake_quantize_nvfp4(x: Tensor, *, tensor_scale: bool = True) -> Tensor:
    """Return x as it comes back from NVFP4: E2M1, an E4M3 scale for every 16 neighbours, and one scale for all.

    Without the scale for all, blocks whose largest magnitude is below 6 * 2^-10 have no scale left, and become 0.

        t = max |x| / (448 * 6);  s = round_to_float(max |block| / 6 / t, E4M3)
        x_hat = s t round_to_float(x / (s t), E2M1)

    Shapes: x (..., n) gives the same; a last block that is not full is one of its own.
    Args:
        x: real values, finite, in any floating dtype, with at least one axis.
        tensor_scale: whether there is a scale for all; else t = 1.
    Returns: the reconstruction, in x's dtype, without gradient.
    Raises:
        QuantlibError: if x is not floating-point, not finite or has no axis.
    Source: NVIDIA 2025, arXiv:2509.25149, for the two scales.

    >>> fake_quantize_nvfp4(torch.tensor([6.0, 1.1, 0.4])).tolist()
    [6.0, 1.0, 0.5]
    """
    check_input(x)
    whole = _largest(readable(x).reshape(1, -1)).item() if x.numel() else 0.0
    if not whole < torch.inf:
        raise QuantlibError("a block needs finite values", "NaN or infinity", "remove them: torch.nan_to_num(x)")
    t = whole / (E4M3.largest * E2M1.largest) if tensor_scale and whole else 1.0

    def quantize(out: Tensor, block: Tensor) -> None:
        block = block.to(compute_dtype(block))
        s = _round((_largest(block) / E2M1.largest / t).clamp_(max=E4M3.largest), E4M3)
        scale = s * t
        out.copy_(torch.where(scale > 0, _scaled(block, torch.where(scale > 0, scale, 1.0), E2M1), 0.0))

    return _by_blocks(quantize, x, 16)


def _magnitudes(format: FloatFormat) -> Tensor:
    """What the codes from 0 on would mean if all of them were finite numbers, as float32."""
    exponent_bits, mantissa_bits, _ = format
    exponent = torch.arange(2**exponent_bits, dtype=torch.float64)[:, None]
    fraction = torch.arange(2**mantissa_bits, dtype=torch.float64) / 2**mantissa_bits
    normal = (1 + fraction) * 2.0 ** (exponent - format.bias)
    return torch.where(exponent == 0, fraction * 2.0 ** (1 - format.bias), normal).flatten().float()


def _is_ieee(format: FloatFormat) -> bool:
    """Whether the largest exponent is kept for infinity and NaN."""
    return format.largest_exponent == 2**format.exponent_bits - 2 - format.bias


def _round(v: Tensor, format: FloatFormat) -> Tensor:
    """Round v, which no longer exceeds the largest value, in place."""
    integers, mantissa, bias = _BITS[v.dtype]
    exponent = v.view(integers).bitwise_and(((1 << (integers.itemsize * 8 - 1 - mantissa)) - 1) << mantissa)
    exponent.clamp_(min=1 - format.bias + bias << mantissa)
    # 1.5 * 2^k has just the bits of the format's step left, whichever sign v has.
    exponent.add_((mantissa - format.mantissa_bits << mantissa) + (1 << mantissa - 1))
    large = exponent.view(v.dtype)
    return v.add_(large).sub_(large)


def _scaled(block: Tensor, scale: Tensor, format: FloatFormat) -> Tensor:
    return _round((block / scale).clamp_(-format.largest, format.largest), format).mul_(scale)


def _largest(block: Tensor) -> Tensor:
    """The largest magnitude of each row, without a copy of the rows."""
    return torch.maximum(block.amax(1, keepdim=True), -block.amin(1, keepdim=True))


def _by_blocks(quantize: Callable[[Tensor, Tensor], None], x: Tensor, size: int) -> Tensor:
    check_input(x)
    groups = to_groups(x.detach(), size)
    out = empty(tuple(groups.shape), x.dtype, x.device)
    fill(quantize, out.flatten(0, -2), groups.flatten(0, -2))
    return from_groups(out, x.shape[-1])
