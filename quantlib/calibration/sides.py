"""What a search needs to know of many values: how much lies below any threshold, on each side of zero.

A tensor answers exactly, from its sorted values; a histogram answers as if the values of a bin were spread evenly
over it. Whatever is computed from these answers works for both.
"""

from math import frexp, inf, ldexp
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from ..errors import QuantlibError
from ..qparams import QParams, check_input, choose_qparams, compute_dtype, readable
from .histogram import Histogram

Observed = Tensor | Histogram


class Side(Protocol):
    """The magnitudes of the values on one side of zero. Exact zeros may be left out."""

    def below(self, t: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Count, sum and sum of squares of the magnitudes below each t."""


class Sides(NamedTuple):
    """Both sides of zero, in units of a power of two, so that no square over- or underflows.

    positive, negative: the magnitudes; unit: what 1 of them is, in the units of x; total: how many values, with zeros;
    low, high: the smallest and the largest value, and 0.0; dtype: that of the scale.
    """

    positive: Side
    negative: Side
    unit: float
    total: int
    low: float
    high: float
    dtype: torch.dtype


class SortedSide:
    """Magnitudes, sorted, with their running sums."""

    def __init__(self, magnitudes: Tensor) -> None:
        self.sorted = magnitudes.sort().values
        self.sums = tuple(running(power) for power in (self.sorted, self.sorted.square()))

    def below(self, t: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        count = torch.searchsorted(self.sorted, t)
        return count.double(), self.sums[0][count], self.sums[1][count]


class BinnedSide:
    """Counts of the bins [i, i + 1), each spread evenly over its bin."""

    def __init__(self, counts: Tensor) -> None:
        self.counts = counts.double()
        edges = torch.arange(len(counts) + 1, dtype=torch.float64, device="cpu")
        moments = (edges.diff(), edges.square().diff() / 2, edges.pow(3).diff() / 3)
        self.sums = tuple(running(self.counts * moment) for moment in moments)

    def below(self, t: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        t = t.clamp(max=float(len(self.counts)))
        edge = t.floor().clamp(max=len(self.counts) - 1.0)
        index = edge.long()
        density, part = self.counts[index], t - edge
        count = self.sums[0][index] + density * part
        first = self.sums[1][index] + density * part * (t + edge) / 2
        second = self.sums[2][index] + density * part * (t * t + t * edge + edge * edge) / 3
        return count, first, second


def sides_of(x: Observed) -> Sides:
    """Return both sides of the values of a tensor or of a histogram.

    Raises:
        QuantlibError: if x holds no value, NaN or infinity, or is neither a floating-point tensor nor a histogram.
    """
    low, high, dtype = extent(x)
    if isinstance(x, Histogram):
        positive, negative = x.sides
        without_zeros = torch.cat([positive[:1] - x.zeros, positive[1:]])
        return Sides(BinnedSide(without_zeros), BinnedSide(negative), x.width, x.total, low, high, dtype)
    unit = unit_of(x)
    values = x.detach().cpu().double().flatten() / unit
    above, under = SortedSide(values[values > 0]), SortedSide(-values[values < 0])
    return Sides(above, under, unit, x.numel(), low, high, dtype)


def extent(x: Observed) -> tuple[float, float, torch.dtype]:
    """Return the smallest value, the largest one, both widened to contain 0.0, and the dtype that the scale has.

    Raises:
        QuantlibError: as `sides_of`.
    """
    if isinstance(x, Histogram):
        if x.total == 0:
            raise QuantlibError("a range needs at least one value", "none", "observe a batch first")
        return x.low, x.high, x.dtype
    check_input(x)
    if x.numel() == 0:
        raise QuantlibError("a range needs at least one value", f"shape {tuple(x.shape)}", "pass a tensor with values")
    low, high = (end.item() for end in torch.aminmax(readable(x)))
    if not -inf < low <= high < inf:
        raise QuantlibError("a range needs finite values", "NaN or infinity in x", "remove them: torch.nan_to_num(x)")
    return min(low, 0.0), max(high, 0.0), compute_dtype(x)


def unit_of(x: Tensor) -> float:
    """Return a power of two of the size of the largest |x|, so that no square of x / unit overflows."""
    low, high, _ = extent(x)
    return ldexp(1.0, min(max(frexp(max(-low, high))[1], -1000), 1023))


def cover(x: Observed, low: float, high: float, bits: int, *, signed: bool, symmetric: bool, narrow: bool) -> QParams:
    """Return the qparams whose grid just covers [low, high], cut to the values of x and widened to contain 0.0."""
    smallest, largest, dtype = extent(x)
    ends = torch.tensor([max(low, smallest), min(high, largest)], dtype=dtype, device="cpu")
    return choose_qparams(ends, bits, signed=signed, symmetric=symmetric, narrow=narrow)


def running(values: Tensor) -> Tensor:
    """The sums of the first 0, 1, 2, ... values."""
    return torch.cat([values.new_zeros(1), values.cumsum(0)])
