"""How far a reconstruction is from the original: the error split in two, and seven measures of it."""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from .affine import dequantize, quantize, unclamped_codes
from .errors import QuantlibError
from .qparams import Scale, Zero, check_input, compute_dtype


class ErrorParts(NamedTuple):
    """The two sources of quantization error, element by element, in the units of x."""

    clip: Tensor
    round: Tensor


def split_error(x: Tensor, scale: Scale, zero_point: Zero, quant_min: int = -128, quant_max: int = 127) -> ErrorParts:
    """Split x - x_hat into what clipping did and what rounding did.

    An element whose code leaves the grid is clipped, and its whole error is clip; else it is round:

        clip  = (x - x_hat) where round(x / scale + zero_point) is outside [quant_min, quant_max], else 0
        round = (x - x_hat) - clip         so clip + round = x - x_hat, and |round| <= scale / 2

    In each element one part is 0, so the parts add exactly, and MSE = MSE_clip + MSE_round.

    Shapes: x any shape; scale and zero_point broadcast against it; both parts have x's shape.
    Args:
        x: real values, in any floating dtype.
        scale: real units per step; finite and positive.
        zero_point: the integer that means 0.0.
        quant_min: the smallest code.
        quant_max: the largest code.
    Returns: ErrorParts(clip, round), in float64 for a float64 x, else in float32.
    Raises:
        QuantlibError: as `quantize`.
    Source: Nagel et al. 2021, arXiv:2106.08295, section 2.2, for the trade-off between the two.

    >>> split_error(torch.tensor([0.25, 9.0]), 0.5, 0, -8, 7)
    ErrorParts(clip=tensor([0.0000, 5.5000]), round=tensor([0.2500, 0.0000]))
    """
    codes = quantize(x, scale, zero_point, quant_min, quant_max)
    dtype = compute_dtype(x)
    wide = scale.to(dtype) if isinstance(scale, Tensor) else torch.tensor(scale, dtype=dtype, device=x.device)
    # The subtraction too takes x to the wider dtype; of the device no test without an accelerator can tell.
    error = x.detach().to(dtype) - dequantize(codes, wide.to(x.device), zero_point)  # pragma: no mutate
    exact = unclamped_codes(x, scale, zero_point)
    outside = (exact < quant_min) | (exact > quant_max)
    return ErrorParts(error.where(outside, 0.0), error.where(~outside, 0.0))


def l1_error(x: Tensor, x_hat: Tensor) -> float:
    """Return the sum of |x - x_hat|, in the units of x."""
    return _error(x, x_hat).abs().sum().item()


def l2_error(x: Tensor, x_hat: Tensor) -> float:
    """Return the square root of the sum of (x - x_hat)^2, in the units of x: for a matrix, the Frobenius norm.

    >>> l2_error(torch.tensor([3.0, 4.0]), torch.tensor([0.0, 0.0]))
    5.0
    """
    unit, error = _in_units(_error(x, x_hat))
    return unit * error.square().sum().sqrt().item()


def max_error(x: Tensor, x_hat: Tensor) -> float:
    """Return the largest |x - x_hat|, in the units of x: the L-infinity norm."""
    return _error(x, x_hat).abs().max().item()


def mse(x: Tensor, x_hat: Tensor) -> float:
    """Return the mean of (x - x_hat)^2, in the squared units of x."""
    return _error(x, x_hat).square().mean().item()


def rmse(x: Tensor, x_hat: Tensor) -> float:
    """Return the square root of the mean of (x - x_hat)^2, in the units of x."""
    unit, error = _in_units(_error(x, x_hat))
    return unit * math.sqrt(error.square().mean().item())


def sqnr_db(x: Tensor, x_hat: Tensor) -> float:
    """Return the signal-to-quantization-noise ratio in decibels; inf where the error is zero, -inf where only x is, and
    nan where either holds NaN.

        SQNR = 10 log10(sum x^2 / sum (x - x_hat)^2)

    >>> round(sqnr_db(torch.tensor([10.0]), torch.tensor([9.0])), 6)
    20.0
    """
    noise, signal = _decibels(_error(x, x_hat)), _decibels(x.detach().double())
    return math.inf if noise == -math.inf else signal - noise


def cosine_similarity(x: Tensor, x_hat: Tensor) -> float:
    """Return the cosine of the angle between x and x_hat, without unit; nan where either is all zeros.

        cosine = sum x x_hat / (||x|| ||x_hat||)

    >>> cosine_similarity(torch.tensor([1.0, 1.0]), torch.tensor([2.0, 2.0]))
    1.0
    """
    _error(x, x_hat)
    a, b = (t.detach().double().flatten() for t in (x, x_hat))
    a, b = (t / t.abs().max().clamp(min=torch.finfo(torch.float64).tiny) for t in (a, b))
    lengths = math.sqrt(a.dot(a).item() * b.dot(b).item())
    return a.dot(b).item() / lengths if lengths else math.nan


def _decibels(values: Tensor) -> float:
    """Return 10 log10 of the sum of squares: -inf of zeros, nan where there is a NaN."""
    unit, values = _in_units(values)
    energy = values.square().sum().item()
    return 10.0 * math.log10(energy) + 20.0 * math.log10(unit) if energy != 0.0 else -math.inf


def _in_units(values: Tensor) -> tuple[float, Tensor]:
    """Return a power of two, and the values in units of it: 1 unless squares would over- or underflow."""
    largest = values.abs().max().item()
    if not 0.0 < largest < math.inf or 2.0**-400 < largest < 2.0**400:
        return 1.0, values
    unit = 2.0 ** min(math.frexp(largest)[1], 1023)
    return unit, values / unit


def _error(x: Tensor, x_hat: Tensor) -> Tensor:
    """Return x - x_hat in float64, for two tensors of the same shape with at least one value."""
    check_input(x)
    check_input(x_hat)
    if x.shape != x_hat.shape:
        got = f"{tuple(x.shape)} and {tuple(x_hat.shape)}"
        raise QuantlibError("x and x_hat must have one shape", got, "compare a tensor with its own reconstruction")
    if x.numel() == 0:
        raise QuantlibError("an error measure needs at least one value", "an empty tensor", "pass a tensor with values")
    return x.detach().double() - x_hat.detach().double()
