"""Quantization parameters: what they are, which are valid, and how a range of values chooses them."""

from functools import lru_cache
from math import inf
from numbers import Real
from typing import Any, NamedTuple

import torch
from torch import Tensor

from .errors import QuantlibError
from .grids import check_tensor, grid, is_integer

Scale = float | Tensor
Zero = int | Tensor
Axis = int | tuple[int, ...] | None

LARGEST_ZERO_POINT = 2**24  # float32 holds every integer up to here


class QParams(NamedTuple):
    """What turns reals into codes and back: quantize(x, *qp), dequantize(q, qp.scale, qp.zero_point).

    scale: real units per step, positive; a number or a tensor that broadcasts against x.
    zero_point: the integer that means 0.0; a number or a tensor that broadcasts against x.
    quant_min, quant_max: the smallest and the largest code.
    """

    scale: Scale
    zero_point: Zero
    quant_min: int
    quant_max: int


def compute_dtype(x: Tensor) -> torch.dtype:
    """Return the dtype that the arithmetic runs in: float64 for float64, float32 for every other floating dtype."""
    return torch.float64 if x.dtype == torch.float64 else torch.float32


def check_input(x: Tensor) -> None:
    """Raise a QuantlibError unless x is a tensor of real floating-point numbers."""
    check_tensor(x)
    if x.is_quantized:
        raise QuantlibError("x must hold floating-point numbers", x.dtype, "take the reals: x.dequantize()")
    if x.layout != torch.strided or x.is_meta:
        got = f"{x.layout} on {x.device}"
        raise QuantlibError("x must be a dense tensor with values", got, "convert it: x.to_dense()")
    if not x.dtype.is_floating_point:
        raise QuantlibError("x must hold floating-point numbers", x.dtype, "convert it: x.float()")


def readable(x: Tensor) -> Tensor:
    """Return x without its gradient, in a dtype that torch can reduce: an 8-bit float becomes float32."""
    x = x.detach()
    return x.float() if x.dtype.itemsize == 1 else x


def prepare(x: Tensor, dtype: torch.dtype, scale: Scale, zero_point: Zero) -> tuple[Any, Any]:
    """Return scale and zero_point as the arithmetic takes them: valid, in its dtype, on x's device.

    What holds one value becomes a number on the CPU, where dividing by it is exact; elsewhere torch would multiply by
    the reciprocal of a number, so there it becomes a tensor.
    """
    s, z = _one_value(scale, x, "scale"), _one_value(zero_point, x, "zero_point")
    s = _check_scales(_to(s, x, dtype)) if isinstance(s, Tensor) else _check_scale(s, dtype)
    # A zero point is an integer of at most 2^24, which every dtype holds and the formula takes in any.
    z = _to(_check_zero_points(z), x, dtype) if isinstance(z, Tensor) else _check_zero_point(z)  # pragma: no mutate
    if x.is_cpu:
        return s, z
    return torch.as_tensor(s, dtype=dtype, device=x.device), torch.as_tensor(z, dtype=dtype, device=x.device)


def _one_value(value: Any, x: Tensor, name: str) -> Any:
    """Return a number, or a detached tensor of several values that broadcasts against x without growing it."""
    if isinstance(value, Tensor):
        if value.ndim and not _broadcasts(value.shape, x.shape):
            rule = f"{name} must broadcast against x of shape {tuple(x.shape)}"
            raise QuantlibError(rule, f"shape {tuple(value.shape)}", "for one value a row, use shape (rows, 1)")
        # pragma: no mutate start, a detached copy has the same values
        return value.item() if value.numel() == 1 else value.detach() if value.requires_grad else value
        # pragma: no mutate end
    if isinstance(value, (int, float)):
        return value
    if isinstance(value, Real):  # numpy's numbers and fractions
        return float(value)
    raise QuantlibError(
        f"{name} must be a number or a tensor", type(value).__name__, "use 0.5 or torch.tensor([[0.5]])"
    )


@lru_cache(maxsize=256)
def _broadcasts(shape: tuple[int, ...], onto: tuple[int, ...]) -> bool:
    # pragma: no mutate block, zip is not strict by default: the word is for the reader and the linter
    return len(shape) <= len(onto) and all(n in (1, m) for n, m in zip(reversed(shape), reversed(onto), strict=False))


def _to(value: Tensor, x: Tensor, dtype: torch.dtype) -> Tensor:
    """value.to(x.device, dtype), without the cost of a call where nothing changes."""
    # pragma: no mutate block, `to` itself returns what need not change, and no test has an accelerator
    return value if value.dtype == dtype and value.device == x.device else value.to(x.device, dtype)


def _check_scale(scale: float, dtype: torch.dtype) -> float:
    smallest, largest = _SCALES[dtype]
    if not smallest <= scale <= largest:
        raise QuantlibError(_SCALE_RULE, scale, _SCALE_ADVICE)
    return scale


def _check_scales(scale: Tensor) -> Tensor:
    if scale.numel():
        smallest, largest = torch.aminmax(scale)
        if not (smallest.item() > 0.0 and largest.item() < inf):
            raise QuantlibError(_SCALE_RULE, scale[~((scale > 0) & (scale < inf))][0].item(), _SCALE_ADVICE)
    return scale


def _check_zero_point(zero_point: float) -> float:
    if not (abs(zero_point) <= LARGEST_ZERO_POINT and zero_point == int(zero_point)):
        raise QuantlibError(_ZERO_RULE, zero_point, _ZERO_ADVICE)
    return zero_point


def _check_zero_points(zero_point: Tensor) -> Tensor:
    if zero_point.numel():
        smallest, largest = torch.aminmax(zero_point)
        whole = not zero_point.is_floating_point() or torch.equal(zero_point, zero_point.round())
        if not (smallest.item() >= -LARGEST_ZERO_POINT and largest.item() <= LARGEST_ZERO_POINT and whole):
            good = (zero_point.abs() <= LARGEST_ZERO_POINT) & (zero_point == zero_point.round())
            raise QuantlibError(_ZERO_RULE, zero_point[~good][0].item(), _ZERO_ADVICE)
    return zero_point


# The smallest and largest scale that a dtype can hold: from its smallest subnormal to its largest value.
_SCALES = {torch.float32: (2.0**-149, torch.finfo(torch.float32).max), torch.float64: (5e-324, 1.7976931348623157e308)}
_SCALE_RULE = "scale must be finite and positive"
_SCALE_ADVICE = "choose_qparams gives one that covers x"
_ZERO_RULE = f"zero_point must be an integer of at most {LARGEST_ZERO_POINT} in size"
_ZERO_ADVICE = "round it, or 0.0 loses its own code"


def choose_qparams(
    x: Tensor, bits: int = 8, *, signed: bool = True, symmetric: bool = False, narrow: bool = False, axis: Axis = None
) -> QParams:
    """Return the scale and the zero point with which the grid just covers the values of x.

    The range always contains 0.0, so that 0.0 has a code of its own. Affine (min-max) uses the whole grid; symmetric
    puts the zero point in the middle, and no value clips. Because an affine zero point is rounded to an integer, the
    ends of the range can lie up to half a step outside the grid; their error still is at most scale / 2. Ranges are
    computed in float64. A range of zero gets scale 1.

        affine:     scale = (max(x, 0) - min(x, 0)) / (quant_max - quant_min)
                    zero_point = quant_min - round(min(x, 0) / scale)
        symmetric:  scale = max|x| / (quant_max - zero_point);  zero_point = 0 (unsigned: 2^(bits-1))

    Shapes: x any shape with at least one value; scale and zero_point are () or, with axis, have x's number of
        dimensions, with every dimension that is not kept reduced to 1.
    Args:
        x: the values to cover, in any floating dtype.
        bits: the width of a code, 2 to 16.
        signed: whether codes may be negative.
        symmetric: whether the zero point is fixed in the middle of the grid.
        narrow: whether the lowest code is left out.
        axis: the axis, or axes, that is *kept*: one scale for each index along it. None: one for the whole tensor.
    Returns: QParams with scale in float64 for a float64 x, else in float32, and zero_point in int32.
    Raises:
        QuantlibError: if x is empty, holds NaN or infinity, or is not floating-point; if bits or axis is wrong.
    Source: Jacob et al. 2018, arXiv:1712.05877, section 2.1 and equation 1; Nagel et al. 2021, arXiv:2106.08295,
        section 2.2.

    >>> scale, zero_point, *_ = choose_qparams(torch.tensor([-1.0, 0.5, 4.1]))
    >>> round(scale.item(), 4), zero_point.item()
    (0.02, -78)
    """
    quant_min, quant_max = grid(bits, signed=signed, narrow=narrow)
    low, high = value_range(x, axis)
    middle = (quant_min + quant_max + 1) // 2
    if symmetric:
        steps = torch.maximum(-low, high) / (quant_max - middle)
    else:
        width = quant_max - quant_min
        steps = high / width - low / width  # not (high - low) / width, which could overflow
    dtype = compute_dtype(x)
    scale = torch.where(high > low, steps.to(dtype).clamp(min=torch.finfo(dtype).tiny), 1.0)
    shift = torch.full_like(low, middle) if symmetric else quant_min - (low / scale.double()).round()
    return QParams(scale, shift.to(torch.int32), quant_min, quant_max)


def value_range(x: Tensor, axis: Axis) -> tuple[Tensor, Tensor]:
    """Return the smallest and the largest value along the axes that are not kept, widened to contain 0.0."""
    check_input(x)
    if x.numel() == 0:
        raise QuantlibError("a range needs at least one value", f"shape {tuple(x.shape)}", "pass a tensor with values")
    reduced = _reduced(x.ndim, axis)
    x = readable(x)
    low, high = (x.amin(reduced, keepdim=True), x.amax(reduced, keepdim=True)) if reduced else (x, x)
    if axis is None:
        low, high = low.reshape(()), high.reshape(())
    if not bool((low.isfinite() & high.isfinite()).all()):
        raise QuantlibError("a range needs finite values", "NaN or infinity in x", "remove them: torch.nan_to_num(x)")
    return low.double().clamp(max=0.0), high.double().clamp(min=0.0)


def _reduced(ndim: int, axis: Axis) -> tuple[int, ...]:
    """Return the axes that are reduced when axis is kept."""
    kept = () if axis is None else axis if isinstance(axis, tuple) else (axis,)
    if not all(is_integer(a) and -ndim <= a < ndim for a in kept):
        raise QuantlibError(f"axis names dimensions of x, {-ndim} to {ndim - 1}", axis, "axis is the one that is kept")
    return tuple(d for d in range(ndim) if d not in {a % ndim for a in kept})
