"""Analytical clipping (ACIQ): the range from a formula, if the values follow a Gaussian or a Laplace distribution."""

from math import erfc, exp, inf, pi, sqrt
from numbers import Real
from typing import Literal

import torch
from torch import Tensor

from ..errors import QuantlibError
from ..grids import check_bits
from ..qparams import QParams
from .histogram import Histogram
from .sides import Observed, Side, cover, extent, sides_of, unit_of

Distribution = Literal["gaussian", "laplace"]


def aciq_mse(alpha: float, bits: int = 8, distribution: Distribution = "gaussian") -> float:
    """Return the mean squared error that the model of ACIQ expects when values are clipped at +-alpha.

    The values have mean 0 and spread 1: a standard deviation of 1 (gaussian) or a mean magnitude b of 1 (laplace).

        gaussian: (alpha^2 + 1) (1 - erf(alpha / sqrt(2))) - sqrt(2 / pi) alpha exp(-alpha^2 / 2) + alpha^2 / (3 4^bits)
        laplace:  2 exp(-alpha) + alpha^2 / (3 4^bits)

    The last term is rounding: a step of 2 alpha / 2^bits gives step^2 / 12, everywhere, also beyond alpha. The terms
    before it are clipping. Real grids have zero on a level and one step less, so their error is a little larger.

    Args:
        alpha: where values are clipped, in units of the spread; at least 0.
        bits: the width of a code, 2 to 16.
        distribution: "gaussian" or "laplace".
    Returns: the error, in units of the spread squared.
    Raises:
        QuantlibError: if alpha is negative or not a number; if bits or distribution is wrong.
    Source: Banner et al. 2019, arXiv:1810.05723; the same terms stand in the authors' program mse_analysis.py,
        github.com/submission2019/cnn-quantization.

    >>> round(aciq_mse(2.56, 4), 5)
    0.01049
    """
    bits = check_bits(bits)
    check_distribution(distribution)
    if not isinstance(alpha, Real) or not 0.0 <= alpha < inf:
        raise QuantlibError("alpha must be a finite number of at least 0", repr(alpha), "it is in units of the spread")
    rounding = alpha**2 / (3.0 * 4.0**bits)
    if distribution == "laplace":
        return 2.0 * exp(-alpha) + rounding
    tail = erfc(alpha / sqrt(2.0))
    return (alpha**2 + 1.0) * tail - sqrt(2.0 / pi) * alpha * exp(-(alpha**2) / 2.0) + rounding


def aciq_alpha(bits: int = 8, distribution: Distribution = "gaussian") -> float:
    """Return where to clip for the smallest error in the model of ACIQ, in units of the spread.

    It is where the slope of `aciq_mse` is zero. The slope rises with alpha, so halving an interval finds it:

        gaussian: alpha (1 - erf(alpha / sqrt(2))) - sqrt(2 / pi) exp(-alpha^2 / 2) + alpha / (3 4^bits) = 0
        laplace:  -exp(-alpha) + alpha / (3 4^bits) = 0

    Args:
        bits: the width of a code, 2 to 16.
        distribution: "gaussian" (in standard deviations) or "laplace" (in mean magnitudes b).
    Raises:
        QuantlibError: if bits or distribution is wrong.
    Source: Banner et al. 2019, arXiv:1810.05723, who give 2.83 b, 3.89 b and 5.03 b for 2, 3 and 4 bits.

    >>> round(aciq_alpha(4), 3), round(aciq_alpha(4, "laplace"), 3)
    (2.559, 5.029)
    """
    bits = check_bits(bits)
    check_distribution(distribution)
    low, high = 0.0, 32.0  # pragma: no mutate, alpha lies between 1.7 and 20.3, so other ends hold it too
    while low < (middle := (low + high) / 2.0) < high:
        # Where the slope is just 0, the ends meet in the same place: less than 1e-13 is left to differ.
        low, high = (middle, high) if _slope(middle, bits, distribution) < 0.0 else (low, middle)  # pragma: no mutate
    return high


def choose_aciq(
    x: Observed,
    bits: int = 8,
    *,
    distribution: Distribution = "gaussian",
    signed: bool = True,
    symmetric: bool = False,
    narrow: bool = False,
) -> QParams:
    """Return the scale and the zero point for the range mean +- alpha * spread, with alpha from `aciq_alpha`.

    No search: only the mean and the spread of x are measured, and the distribution is believed. Values far from it,
    those behind a ReLU for example, are served badly. The range is cut to the values of x, and always contains 0.0;
    symmetric, it reaches as far on both sides as it must on one.

        spread = sqrt(mean (x - mean x)^2)  (gaussian)        spread = mean |x - mean x|  (laplace)

    On a Histogram the values of a bin are taken as spread evenly over it, so the mean is right to within one width, and
    so is the spread; for smooth data, which fill many bins, the error is far smaller.

    Shapes: x any shape; scale and zero_point are ().
    Args:
        x: the values, as a tensor in any floating dtype or as a Histogram.
        bits: the width of a code, 2 to 16.
        distribution: "gaussian" or "laplace".
        signed: whether codes may be negative.
        symmetric: whether the zero point is fixed in the middle of the grid.
        narrow: whether the lowest code is left out.
    Returns: QParams with scale in float64 if x is or was float64, else in float32, and zero_point in int32.
    Raises:
        QuantlibError: if x holds no value, NaN or infinity, or is not floating-point; if another argument is wrong.
    Source: Banner et al. 2019, arXiv:1810.05723.

    >>> x = torch.special.ndtri((torch.arange(1000.0) + 0.5) / 1000)
    >>> round(choose_aciq(x, 4, symmetric=True).scale.item() * 7, 2)
    2.56
    """
    bits = check_bits(bits)
    reach = aciq_alpha(bits, distribution)
    mean, spread = _mean_and_spread(x, distribution)
    low, high = mean - reach * spread, mean + reach * spread
    if symmetric:
        low, high = min(low, -high), max(high, -low)
    return cover(x, low, high, bits, signed=signed, symmetric=symmetric, narrow=narrow)


def check_distribution(distribution: str) -> None:
    """Raise a QuantlibError unless ACIQ has a formula for the distribution."""
    if distribution not in ("gaussian", "laplace"):
        raise QuantlibError('distribution must be "gaussian" or "laplace"', repr(distribution), "choose one of them")


def _slope(alpha: float, bits: int, distribution: Distribution) -> float:
    """Half the derivative of aciq_mse."""
    rounding = alpha / (3.0 * 4.0**bits)
    if distribution == "laplace":
        return rounding - exp(-alpha)
    return rounding + alpha * erfc(alpha / sqrt(2.0)) - sqrt(2.0 / pi) * exp(-(alpha**2) / 2.0)


def _mean_and_spread(x: Observed, distribution: Distribution) -> tuple[float, float]:
    extent(x)
    return _of_bins(x, distribution) if isinstance(x, Histogram) else _of_values(x, distribution)


def _of_values(x: Tensor, distribution: Distribution) -> tuple[float, float]:
    unit = unit_of(x)
    values = x.detach().cpu().double() / unit
    away = values - values.mean()
    spread = away.abs().mean() if distribution == "laplace" else away.square().mean().sqrt()
    return values.mean().item() * unit, spread.item() * unit


def _of_bins(x: Histogram, distribution: Distribution) -> tuple[float, float]:
    positive, negative, unit, total, *_ = sides_of(x)
    _, up, up_squared = _below(positive, inf)
    _, down, down_squared = _below(negative, inf)
    mean = (up - down) / total
    if distribution == "gaussian":
        return mean * unit, sqrt(max(0.0, (up_squared + down_squared) / total - mean**2)) * unit
    # If the mean is 0, the distances are the magnitudes, whichever side is near.
    near, far = (positive, negative) if mean >= 0.0 else (negative, positive)  # pragma: no mutate
    return mean * unit, _distance(near, far, abs(mean), total) / total * unit


def _distance(near: Side, far: Side, mean: float, total: int) -> float:
    """The sum of |x - mean|, where the mean lies on the side `near`; zeros count as far."""
    inner_count, inner_sum, _ = _below(near, mean)
    count, outer_sum, _ = _below(near, inf)
    return (
        outer_sum - 2.0 * inner_sum - mean * (count - 2.0 * inner_count) + _below(far, inf)[1] + mean * (total - count)
    )


def _below(side: Side, t: float) -> tuple[float, float, float]:
    count, first, second = (
        moment.item() for moment in side.below(torch.tensor([t], dtype=torch.float64, device="cpu"))
    )
    return count, first, second
