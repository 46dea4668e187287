"""The range with the smallest Kullback-Leibler divergence, as TensorRT calibrates."""

import torch
from torch import Tensor

from ..errors import QuantlibError
from ..grids import check_bits, is_integer
from ..qparams import QParams
from .histogram import Histogram
from .sides import Observed, cover, extent, running


def choose_entropy(
    x: Observed, bits: int = 8, *, signed: bool = True, symmetric: bool = False, narrow: bool = False
) -> QParams:
    """Return the scale and the zero point of the range [-T, T], with T from the smallest divergence of `entropy_curve`.

    The threshold is found on |x|, for 2^(bits - 1) levels, or for 2^bits if all values lie on one side of zero and the
    zero point is free. The range is cut to the values of x and always contains 0.0. Of equally good thresholds the
    largest is taken. A tensor is first put into a Histogram, so T is an edge of a bin also then; it is max|x| where
    nothing clips. Where the values fill fewer bins than there are levels, T is max|x|.

    At most a tenth of the values lie beyond T: where the values have few sizes, nearly all could clip, at a divergence
    of 0. The source begins with a sixteenth of the range instead, which is too wide where one value lies far out.

    Shapes: x any shape; scale and zero_point are ().
    Args:
        x: the values, as a tensor in any floating dtype or as a Histogram. Thousands of values at least: where most
            bins hold none or one, the divergence measures chance.
        bits: the width of a code, 2 to 16, with at most half as many levels as the histogram has bins on a side.
        signed: whether codes may be negative.
        symmetric: whether the zero point is fixed in the middle of the grid.
        narrow: whether the lowest code is left out.
    Returns: QParams with scale in float64 if x is or was float64, else in float32, and zero_point in int32.
    Raises:
        QuantlibError: if x holds no value, NaN or infinity, or is not floating-point; if bits is wrong or too many.
    Source: Migacz 2017, "8-bit inference with TensorRT", GTC talk S7310, entropy calibration; NVIDIA/TensorRT,
        tools/pytorch-quantization/pytorch_quantization/calib/histogram.py, _compute_amax_entropy.

    >>> x = torch.special.ndtri((torch.arange(100_000.0) + 0.5) / 100_000)
    >>> round(choose_entropy(x, 4, symmetric=True).scale.item() * 7, 1)
    3.6
    """
    bits = check_bits(bits)
    low, high, _ = extent(x)
    one_sided = not symmetric and (low == 0.0 or high == 0.0)
    histogram = x if isinstance(x, Histogram) else Histogram().observe(x)
    thresholds, divergences = entropy_curve(histogram, 2**bits if one_sided else 2 ** (bits - 1))
    divergences[:-1][thresholds[:-1] < _nine_tenths(histogram)] = torch.inf
    last_best = len(divergences) - 1 - int(divergences.flip(0).argmin())
    end = thresholds[last_best].item()
    return cover(x, -end, end, bits, signed=signed, symmetric=symmetric, narrow=narrow)


def _nine_tenths(histogram: Histogram) -> float:
    """Return the edge of the first bin up to which at least nine tenths of the values lie, in the units of |x|."""
    positive, negative = histogram.sides
    return int(((positive + negative).cumsum(0) * 10 < histogram.total * 9).sum() + 1) * histogram.width


def entropy_curve(x: Observed, levels: int = 128) -> tuple[Tensor, Tensor]:
    """Return thresholds for |x|, and for each the divergence between the values and what their levels tell of them.

    P is the histogram of |x| up to the threshold, with everything beyond it added to its last bin. Q is the histogram
    without that, each level spread evenly over those of its bins that are not empty. Both are scaled to a sum of 1.

        KL(P || Q) = sum_i P_i log(P_i / Q_i)          in nats; infinite if the last bin below the threshold is empty

    The first bin is given the count of the second, as NVIDIA does, lest the zeros behind a ReLU decide. Level j of i
    bins holds the bins from j i / levels to (j + 1) i / levels. All candidates are worked out at once: log Q is the
    same in all bins of a level, so running sums at the ends of the levels are enough.

    Shapes: x any shape; both results (n,).
    Args:
        x: the values, as a tensor in any floating dtype or as a Histogram.
        levels: how many levels |x| may use, at most half as many as the histogram has bins on a side.
    Returns: the thresholds, the edges of the bins from `levels` bins on and at last max|x|, in the units of x; and the
        divergences, in nats. Both in float64. If fewer bins are filled, only max|x|, with divergence 0.
    Raises:
        QuantlibError: if x holds no value, NaN or infinity; if levels is not from 2 to half the number of bins.
    Source: as `choose_entropy`.

    >>> thresholds, divergences = entropy_curve(torch.linspace(0.0, 1.0, 10_000), 128)
    >>> thresholds[divergences.argmin()].item()
    1.0
    """
    low, high, _ = extent(x)
    histogram = x if isinstance(x, Histogram) else Histogram().observe(x)
    check_levels(levels, histogram.bins // 2)
    # The start is for the type checker: without it the sum begins with 0.
    counts = sum(histogram.sides, torch.zeros(histogram.bins, dtype=torch.int64, device="cpu"))  # pragma: no mutate
    filled = int(counts.nonzero().max()) + 1
    ends = torch.arange(min(levels, filled), filled + 1, device="cpu")
    thresholds = (ends.double() * histogram.width).clamp(max=max(-low, high))
    if filled <= levels:  # pragma: no mutate, if they are equal, each level is one bin and the divergence 0
        return thresholds, torch.zeros(1, dtype=torch.float64, device="cpu")
    return thresholds, _divergences(counts[:filled].double(), ends, levels)


def check_levels(levels: int, most: int) -> None:
    """Raise a QuantlibError unless levels is an integer from 2 to `most`."""
    if not is_integer(levels) or not 2 <= levels <= most:
        rule = f"the divergence needs from 2 to {most} levels, half of the bins on a side"
        raise QuantlibError(rule, repr(levels), "use fewer bits, or a Histogram with more bins")


def _divergences(counts: Tensor, ends: Tensor, levels: int) -> Tensor:
    """Return KL(P || Q) for every candidate: the first `ends` bins, quantized to so many levels."""
    counts[0] = counts[1]
    sums, filled, entropies = (running(v) for v in (counts, (counts > 0).double(), counts.xlogy(counts)))
    inside, last = sums[ends], counts[ends - 1]
    beyond = sums[-1] - inside
    borders = (
        torch.arange(levels + 1, device="cpu") * ends[:, None] + levels - 1
    ) // levels  # the first bin of each level
    mass, count = sums[borders].diff(dim=1), filled[borders].diff(dim=1).clamp(min=1.0)
    p_log_p = entropies[ends - 1] + (last + beyond).xlogy(last + beyond)
    p_log_q = mass.xlogy(mass / count).sum(1) + beyond.xlogy(mass[:, -1] / count[:, -1])
    divergences = (p_log_p - p_log_q) / sums[-1] + (inside / sums[-1]).log()
    return divergences.clamp(min=0.0).where(last > 0.0, torch.inf)
