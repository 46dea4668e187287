"""The affine quantizer, r = s (q - z): from reals to integer codes and back."""

import math
from typing import Any

import torch
from torch import Tensor

from .errors import QuantlibError
from .grids import code_dtype
from .qparams import Scale, Zero, check_input, compute_dtype, prepare
from .tiles import run


def quantize(x: Tensor, scale: Scale, zero_point: Zero, quant_min: int = -128, quant_max: int = 127) -> Tensor:
    """Return the integer codes of x.

    Divide, shift, round half to even, clamp, cast: in this order. float16 and bfloat16 are computed in float32. The
    result carries no gradient. Infinities clamp.

        q = clamp(round(x / scale + zero_point), quant_min, quant_max)

    Shapes: x any shape; scale and zero_point broadcast against it; the result has x's shape.
    Args:
        x: real values, in any floating dtype.
        scale: real units per step; finite and positive. () is per tensor, (n, 1) is per row.
        zero_point: the integer that means 0.0.
        quant_min: the smallest code.
        quant_max: the largest code.
    Returns: codes in int8 if quant_min < 0, else in uint8; in int16 or int32 for wider grids.
    Raises:
        QuantlibError: if x holds NaN or is not floating-point; if scale, zero_point or the grid is not valid.
    Source: Jacob et al. 2018, arXiv:1712.05877, equation 1, r = S (q - Z), solved for q.

    >>> quantize(torch.tensor([-10.0, 0.0, 0.26, 99.0]), 0.1, -28).tolist()
    [-128, -28, -25, 127]
    """
    dtype = code_dtype(quant_min, quant_max)
    check_input(x)

    def codes(x: Tensor, work: Tensor | None, s: Scale, z: Zero) -> Tensor:
        return _clamp(_round(x, work, s, z), quant_min, quant_max)

    compute = compute_dtype(x)
    return run(codes, compute, dtype, _detached(x), *prepare(x, compute, scale, zero_point))


def dequantize(q: Tensor, scale: Scale, zero_point: Zero) -> Tensor:
    """Return the real numbers that the codes stand for.

    The subtraction runs in float: in int8 it would wrap around. A level beyond the largest float32 comes back
    as infinity.

        x_hat = scale * (q - zero_point)

    Shapes: q any shape; scale and zero_point broadcast against it; the result has q's shape.
    Args:
        q: integer codes.
        scale: real units per step; finite and positive.
        zero_point: the integer that means 0.0.
    Returns: float32, or float64 if scale is a float64 tensor.
    Raises:
        QuantlibError: if q is not an integer tensor; if scale or zero_point is not valid.
    Source: Jacob et al. 2018, arXiv:1712.05877, equation 1.

    >>> dequantize(torch.tensor([-128, -28, 127], dtype=torch.int8), 0.5, -28).tolist()
    [-50.0, 0.0, 77.5]
    """
    if not isinstance(q, Tensor) or q.dtype.is_floating_point or q.dtype.is_complex or q.dtype == torch.bool:
        got = q.dtype if isinstance(q, Tensor) else type(q).__name__
        raise QuantlibError("codes are an integer tensor", got, "pass what quantize returned")
    if q.is_quantized:
        raise QuantlibError("codes are an integer tensor", q.dtype, "take the codes: q.int_repr()")
    dtype = torch.float64 if isinstance(scale, Tensor) and scale.dtype == torch.float64 else torch.float32
    return run(_reals, dtype, dtype, q, *prepare(q, dtype, scale, zero_point))


def fake_quantize(x: Tensor, scale: Scale, zero_point: Zero, quant_min: int = -128, quant_max: int = 127) -> Tensor:
    """Return x as it comes back from its codes, in x's own dtype.

    The gradient is the clipped straight-through estimate: 1 where round(x / scale + zero_point) is on the grid, else
    0. Scale and zero point are constants. A float16 or bfloat16 level beyond the dtype's largest value becomes that.

        x_hat = scale * (clamp(round(x / scale + zero_point), quant_min, quant_max) - zero_point)

    Shapes: x any shape; scale and zero_point broadcast against it; the result has x's shape.
    Args:
        x: real values, in any floating dtype.
        scale: real units per step; finite and positive; without gradient.
        zero_point: the integer that means 0.0.
        quant_min: the smallest code.
        quant_max: the largest code.
    Returns: the reconstruction, in x's dtype.
    Raises:
        QuantlibError: as `quantize`, and if scale requires a gradient.
    Source: Bengio et al. 2013, arXiv:1308.3432, for the straight-through estimate; Jacob et al. 2018,
        arXiv:1712.05877, equation 12, for simulated quantization.

    >>> fake_quantize(torch.tensor([-10.0, 0.26, 99.0]), 0.5, 0, -8, 7).tolist()
    [-4.0, 0.5, 3.5]
    """
    code_dtype(quant_min, quant_max)
    check_input(x)
    if isinstance(scale, Tensor) and scale.requires_grad:
        raise QuantlibError("scale is a constant here", "one that requires a gradient", "pass scale.detach()")
    scale, zero_point = prepare(x, compute_dtype(x), scale, zero_point)
    if x.requires_grad and torch.is_grad_enabled():
        x_hat: Tensor = _StraightThrough.apply(x, scale, zero_point, quant_min, quant_max)  # type: ignore[no-untyped-call]
        return x_hat
    return _reconstruct(_detached(x), scale, zero_point, quant_min, quant_max)


def unclamped_codes(x: Tensor, scale: Scale, zero_point: Zero) -> Tensor:
    """Return round(x / scale + zero_point) as floats: the codes before any clamp, on an endless grid.

    >>> unclamped_codes(torch.tensor([728.6]), 3.5, -70).tolist()
    [138.0]
    """
    check_input(x)
    dtype = compute_dtype(x)
    return run(_round, dtype, dtype, _detached(x), *prepare(x, dtype, scale, zero_point))


class _StraightThrough(torch.autograd.Function):
    """Fake quantization whose gradient passes where the code is on the grid."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, scale: Scale, zero_point: Zero, quant_min: int, quant_max: int) -> Tensor:
        # Of the device no test without an accelerator can tell.
        inside = torch.empty(x.shape, dtype=torch.bool, device=x.device)  # pragma: no mutate
        ctx.save_for_backward(inside)
        return _reconstruct(x.detach(), scale, zero_point, quant_min, quant_max, inside)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None, None, None]:
        (inside,) = ctx.saved_tensors
        return gradient * inside, None, None, None, None


def _reconstruct(
    x: Tensor, scale: Scale, zero_point: Zero, quant_min: int, quant_max: int, inside: Tensor | None = None
) -> Tensor:
    """Return x as it comes back from its codes; write into `inside`, if given, where the code is on the grid."""

    largest, narrow = torch.finfo(x.dtype).max, x.dtype.itemsize < 4

    def reconstruct(x: Tensor, work: Tensor | None, s: Scale, z: Zero, inside: Tensor | None) -> Tensor:
        codes = _round(x, work, s, z)
        if inside is not None:
            torch.logical_and(codes >= quant_min, codes <= quant_max, out=inside)
        reals = _reals(_clamp(codes, quant_min, quant_max), codes, s, z)
        return reals.clamp_(-largest, largest) if narrow else reals

    return run(reconstruct, compute_dtype(x), x.dtype, x, scale, zero_point, inside)


def _detached(x: Tensor) -> Tensor:
    """x.detach(), without the cost of a call where nothing changes."""
    return x.detach() if x.requires_grad else x  # pragma: no mutate, a detached copy has the same values


# The steps of the formula. Each takes x in the compute dtype and leaves it as it was, unless x is the buffer `work`.


def _round(x: Tensor, work: Tensor | None, s: Scale, z: Zero) -> Tensor:
    """round(x / s + z)"""
    return torch.div(x, s, out=work).add_(z).round_()


def _clamp(codes: Tensor, quant_min: int, quant_max: int) -> Tensor:
    """clamp(codes, quant_min, quant_max), in place. NaN survives a clamp, and then the smallest value is NaN."""
    if codes.clamp_(quant_min, quant_max).numel() and math.isnan(codes.min().item()):
        raise QuantlibError("x must not hold NaN, which has no code", "NaN", "remove it: torch.nan_to_num(x)")
    return codes


def _reals(q: Tensor, work: Tensor | None, s: Scale, z: Zero) -> Tensor:
    """s * (q - z). Written as a sum, what is zero comes out as 0.0: -0.0 - 0.0 would be -0.0."""
    return torch.add(q, 0 - z, out=work).mul_(s)
