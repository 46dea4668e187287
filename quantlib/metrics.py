"""How far a reconstruction is from the original: the error split in two, seven measures of it, and two of a network
that answers with probabilities."""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from .affine import dequantize, quantize, unclamped_codes
from .errors import QuantlibError, what_came
from .qparams import Scale, Zero, check_input, compute_dtype

_INTEGERS = (torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64)


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


def bits_per_symbol(logits: Tensor, targets: Tensor) -> float:
    """Return how many bits a symbol of a text takes, if a network's probabilities are used to write it down.

    The mean over all places of the cross entropy, to base 2: 0 where the network is sure and right. A network that
    knows nothing of k symbols takes log2(k).

        mean of -log2 softmax(logits)[target]

    Shapes: logits (..., k), targets (...).
    Args:
        logits: scores without unit, in any floating dtype; softmax along the last axis gives probabilities.
        targets: the symbols that came, integers from 0 to k - 1.
    Raises:
        QuantlibError: if logits are not floating-point; if there are no targets, their shape is not that of the
            logits without the last axis, or one is no symbol.
    Source: Shannon 1948, doi:10.1002/j.1538-7305.1948.tb01338.x.

    >>> bits_per_symbol(torch.tensor([[0.0, 0.0], [0.0, 0.0]]), torch.tensor([0, 1]))
    1.0
    """
    log2 = _log2_probabilities(logits)
    if not isinstance(targets, Tensor) or targets.dtype not in _INTEGERS or targets.shape != logits.shape[:-1]:
        rule = f"targets must be integers of shape {tuple(logits.shape[:-1])}"
        raise QuantlibError(rule, what_came(targets), "pass one for each place")
    if not 0 <= targets.min() <= targets.max() < logits.shape[-1]:
        got = f"{targets.min().item()} to {targets.max().item()}"
        raise QuantlibError(f"targets must be from 0 to {logits.shape[-1] - 1}", got, "pass places along the last axis")
    return -log2.gather(-1, targets.long()[..., None]).mean().item()


def divergence_bits(logits: Tensor, logits_hat: Tensor) -> float:
    """Return how many bits a symbol costs beyond need, if the second network's probabilities are used for the first's.

    The mean over all places of the Kullback-Leibler divergence, to base 2: 0 where both give the same probabilities,
    which is so if their logits differ by a number for each place.

        mean of sum p (log2 p - log2 p_hat)         p = softmax(logits), p_hat = softmax(logits_hat)

    Shapes: both (..., k).
    Args:
        logits: the scores of the original network, without unit, in any floating dtype.
        logits_hat: the scores of the quantized one.
    Raises:
        QuantlibError: if logits are not floating-point, of one shape, with at least one value.
    Source: Kullback and Leibler 1951, doi:10.1214/aoms/1177729694.

    >>> round(divergence_bits(torch.tensor([[0.0, 0.0]]), torch.tensor([[1.0, 0.0]])), 4)
    0.1733
    """
    _same_shape(logits, logits_hat)
    p, p_hat = _log2_probabilities(logits), _log2_probabilities(logits_hat)
    return torch.where(p == -math.inf, 0.0, p.exp2() * (p - p_hat)).sum(-1).mean().item()


def _log2_probabilities(logits: Tensor) -> Tensor:
    """Return log2 of the softmax along the last axis, in float64."""
    check_input(logits)
    if logits.ndim == 0 or logits.numel() == 0:
        got = f"shape {tuple(logits.shape)}"
        raise QuantlibError("logits need a last axis of symbols, and at least one place", got, "pass logits (..., k)")
    return logits.detach().double().log_softmax(-1) / math.log(2)


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
    _same_shape(x, x_hat)
    if x.numel() == 0:
        raise QuantlibError("an error measure needs at least one value", "an empty tensor", "pass a tensor with values")
    return x.detach().double() - x_hat.detach().double()


def _same_shape(x: Tensor, x_hat: Tensor) -> None:
    check_input(x)
    check_input(x_hat)
    if x.shape != x_hat.shape:
        got = f"{tuple(x.shape)} and {tuple(x_hat.shape)}"
        raise QuantlibError("x and x_hat must have one shape", got, "compare a tensor with its own reconstruction")
