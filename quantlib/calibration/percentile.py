"""The range that leaves out a fixed part of the values."""

from fractions import Fraction
from math import ceil
from numbers import Real

import torch
from torch import Tensor

from ..errors import QuantlibError
from ..grids import check_bits
from ..qparams import QParams, readable
from .histogram import Histogram
from .sides import Observed, cover, extent


def choose_percentile(
    x: Observed,
    bits: int = 8,
    *,
    percentile: float = 99.99,
    signed: bool = True,
    symmetric: bool = False,
    narrow: bool = False,
) -> QParams:
    """Return the scale and the zero point that cover a percentage of the values, and let the outermost ones clip.

    Symmetric, the range reaches to the smallest |x| that is not exceeded by `percentile` percent of all |x|. Otherwise
    half of the rest is left out at each end. The range always contains 0.0. 100 percent is min-max. Where so
    many values are zero that the range is zero, the scale is 1, whatever the rest is.

    On a Histogram each end lies beyond the exact one, by at most one bin's width.

    Shapes: x any shape; scale and zero_point are ().
    Args:
        x: the values, as a tensor in any floating dtype or as a Histogram.
        bits: the width of a code, 2 to 16.
        percentile: the percentage of the values that is covered, above 0 and up to 100.
        signed: whether codes may be negative.
        symmetric: whether the zero point is fixed in the middle of the grid.
        narrow: whether the lowest code is left out.
    Returns: QParams with scale in float64 if x is or was float64, else in float32, and zero_point in int32.
    Raises:
        QuantlibError: if x holds no value, NaN or infinity, or is not floating-point; if percentile or bits is wrong.
    Source: Wu et al. 2020, arXiv:2004.09602 (percentile of |x|).

    >>> x = torch.cat([torch.linspace(0.0, 2.55, 999), torch.tensor([1000.0])])
    >>> round(choose_percentile(x, percentile=99.8).scale.item(), 4)
    0.01
    """
    check_bits(bits)
    check_percentile(percentile)
    extent(x)
    part = Fraction(str(float(percentile))) / 100  # as it was written: 99.9 is no binary number
    ends = _symmetric_ends if symmetric else _ends
    low, high = ends(x, part if symmetric else (1 + part) / 2)
    return cover(x, low, high, bits, signed=signed, symmetric=symmetric, narrow=narrow)


def check_percentile(percentile: float) -> None:
    """Raise a QuantlibError unless percentile is a number above 0 and up to 100."""
    if not isinstance(percentile, Real) or not 0 < percentile <= 100:
        rule = "a percentile must be a number above 0 and up to 100"
        raise QuantlibError(rule, repr(percentile), "99.99 leaves out one value in ten thousand")


def _symmetric_ends(x: Observed, part: Fraction) -> tuple[float, float]:
    if isinstance(x, Histogram):
        positive, negative = x.sides
        end = _outer_edge(positive + negative, ceil(part * x.total)) * x.width
    else:
        end = _nth(readable(x).abs(), ceil(part * x.numel()))
    return -end, end


def _ends(x: Observed, part: Fraction) -> tuple[float, float]:
    """The low and the high end, each with this part of the values on its inner side."""
    if isinstance(x, Histogram):
        # Counted from the other end, the negative side comes first; a rank on it puts the high end at or below zero.
        rank = ceil(part * x.total)
        positive, negative = x.sides
        low = _outer_edge(negative, rank - int(positive.sum())) * x.width
        return -low, _outer_edge(positive, rank - int(negative.sum())) * x.width
    rank = ceil(part * x.numel())
    return _nth(readable(x), x.numel() + 1 - rank), _nth(readable(x), rank)


def _outer_edge(counts: Tensor, rank: int) -> float:
    """The edge, in bins from zero, up to which at least `rank` values lie; 0 if no value is asked for."""
    if rank <= 0:
        return 0.0
    return float(torch.searchsorted(counts.cumsum(0), torch.tensor(rank, device="cpu"))) + 1.0


def _nth(x: Tensor, rank: int) -> float:
    """The rank-th smallest value, counted from 1."""
    return x.cpu().flatten().kthvalue(rank).values.item()
