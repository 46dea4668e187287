"""A histogram that streams in constant memory and merges exactly: whole numbers in bins that always align."""

from math import frexp, inf, ldexp
from typing import Self

import torch
from torch import Tensor

from ..errors import QuantlibError
from ..grids import is_integer
from ..qparams import check_input, compute_dtype, readable
from ..tiles import tiles

BINS, MOST_BINS = 4096, 2**20  # on each side of zero
TILE = 2**17  # elements; the buffers of a tile stay in the processor's cache

# The bin widths are 2^-1000 to 2^1023, so that a width and its reciprocal are normal float64 numbers.
_LEAST, _MOST = -1000, 1023


class Histogram:
    """Count how many values lie in each bin; two histograms of two halves add up to that of the whole, bit for bit.

    A bin's width is a power of two, and bins start at 0.0. When a value lies beyond the last bin, neighbouring bins are
    merged in pairs and the width doubles, until it fits. All bins of one histogram are therefore exact unions of the
    bins of any other, counts are integers, and neither the order nor the split of the data leaves a trace:

        bin i of the positive side: [i, i + 1) * width        bin i of the negative side: (-i - 1, -i] * width
        width = 2^k with the smallest k that has max|x| < bins * 2^k

    At least half of the bins lie within max|x|. Exact minimum, maximum and count of zeros are kept beside the bins. No
    sum of floats is kept, because it would depend on the order. Memory: 16 bytes times `bins`, whatever is observed.

    Args:
        bins: the number of bins on each side of zero, a power of two from 2 to 2^20.
    Raises:
        QuantlibError: if bins is not such a power of two.
    Source: torch.ao.quantization.HistogramObserver also widens a running histogram, but moves its edges and
        interpolates the counts, so there the order of the data matters.

    >>> a, b = Histogram(bins=4).observe(torch.tensor([1.0, -3.0])), Histogram(bins=4).observe(torch.tensor([0.0, 7.0]))
    >>> a.width, a.counts.tolist()
    (1.0, [1, 0, 0, 0, 0, 1, 0, 0])
    >>> a.merge(b).width, a.counts.tolist(), a.low, a.high, a.total, a.zeros
    (2.0, [0, 0, 1, 0, 2, 0, 0, 1], -3.0, 7.0, 4, 1)
    """

    def __init__(self, bins: int = BINS) -> None:
        # From 2 on, bins & (bins - 2) is 0 for the powers of two, and for no others, too.
        if not is_integer(bins) or not 2 <= bins <= MOST_BINS or bins & (bins - 1):  # pragma: no mutate
            raise QuantlibError(f"bins must be a power of two from 2 to {MOST_BINS}", repr(bins), f"use {BINS}")
        self.bins = int(bins)
        self.exponent = _LEAST
        self.counts = torch.zeros(2 * self.bins, dtype=torch.int64, device="cpu")
        self.zeros = 0
        self.low = self.high = 0.0
        self.dtype = torch.float32

    @property
    def total(self) -> int:
        """How many values were observed."""
        return int(self.counts.sum())

    @property
    def width(self) -> float:
        """The width of a bin, in the units of x: a power of two."""
        return ldexp(1.0, self.exponent)

    @property
    def edges(self) -> Tensor:
        """The 2 * bins + 1 edges of the bins, in the units of x and in float64."""
        return torch.arange(-self.bins, self.bins + 1, dtype=torch.float64, device="cpu") * self.width

    @property
    def sides(self) -> tuple[Tensor, Tensor]:
        """The counts of the positive side (with all zeros) and of the negative side, each from 0.0 outwards."""
        return self.counts[self.bins :], self.counts[: self.bins].flip(0)

    def observe(self, x: Tensor) -> Self:
        """Count the values of x, and return the histogram itself. An empty x changes nothing.

        Shapes: x any shape.
        Args:
            x: values in any floating dtype, on any device.
        Raises:
            QuantlibError: if x holds NaN or infinity, or is not floating-point; then nothing has changed.
        """
        check_input(x)
        if x.numel() == 0:
            return self
        x = readable(x)
        low, high = (end.item() for end in torch.aminmax(x))
        if not (low > -inf and high < inf):  # false for NaN too
            raise QuantlibError(
                "a histogram needs finite values", "NaN or infinity in x", "remove them: torch.nan_to_num(x)"
            )
        exponent = max(self.exponent, self._exponent_for(max(-low, high)))
        counts, zeros = _count(x, self.bins, exponent)
        return self._add(counts, exponent, zeros, low, high, compute_dtype(x))

    def merge(self, other: "Histogram") -> Self:
        """Add what another histogram observed, and return the histogram itself. The other one stays as it is.

        Raises:
            QuantlibError: if other is not a histogram with the same number of bins.
        """
        if not isinstance(other, Histogram) or other.bins != self.bins:
            got = f"{other.bins} bins" if isinstance(other, Histogram) else type(other).__name__
            raise QuantlibError(f"a histogram of {self.bins} bins merges with its like", got, "give both the same bins")
        return self._add(other.counts, other.exponent, other.zeros, other.low, other.high, other.dtype)

    def widen(self, exponent: int) -> Self:
        """Merge neighbouring bins until their width is 2^exponent, and return the histogram itself.

        Then the counts of histograms on different machines can be added up: after all are as wide as the widest of
        them, bin by bin. Merging does this itself.

        Args:
            exponent: of the new width, from that of now up to 1023.
        Raises:
            QuantlibError: if exponent is no such number: bins merge, and never split again.

        >>> Histogram(bins=4).observe(torch.tensor([1.0, -3.0, 3.5])).widen(1).counts.tolist()
        [0, 0, 1, 0, 1, 1, 0, 0]
        """
        if not is_integer(exponent) or not self.exponent <= exponent <= _MOST:
            rule = f"bins of width 2^{self.exponent} can only become wider, up to 2^{_MOST}"
            raise QuantlibError(rule, f"exponent {exponent!r}", "take the largest exponent of all histograms")
        self.counts, self.exponent = _coarser(self.counts, exponent - self.exponent), int(exponent)
        return self

    def _exponent_for(self, largest: float) -> int:
        """The smallest k with largest < bins * 2^k."""
        return max(_LEAST, frexp(largest)[1] - (self.bins.bit_length() - 1)) if largest else _LEAST

    def _add(self, counts: Tensor, exponent: int, zeros: int, low: float, high: float, dtype: torch.dtype) -> Self:
        common = max(self.exponent, exponent)
        self.counts = self.widen(common).counts + _coarser(counts, common - exponent)
        self.zeros += zeros
        self.low, self.high = min(self.low, low), max(self.high, high)
        self.dtype = torch.promote_types(self.dtype, dtype)
        return self


def _count(x: Tensor, bins: int, exponent: int) -> tuple[Tensor, int]:
    """Return the counts of all bins, and how many values are exactly zero."""
    # pragma: no mutate start, float64 finds the bins of float32, and this CPU flushes no 2^-127 to zero
    wide = x.dtype == torch.float64 or abs(exponent) > 126  # beyond that, 2^-exponent is no normal float32
    scaled = torch.empty(min(TILE, x.numel()), dtype=torch.float64 if wide else torch.float32, device=x.device)
    # pragma: no mutate end
    index = torch.empty(scaled.shape, dtype=torch.int32, device=x.device)
    counts = torch.zeros(2 * bins, dtype=torch.int64, device=x.device)
    nonzero = torch.zeros((), dtype=torch.int64, device=x.device)
    factor = ldexp(1.0, -exponent)
    for at in tiles(x.shape, TILE):
        tile = x[at]
        place, codes = (buffer[: tile.numel()].view(tile.shape) for buffer in (scaled, index))
        # Scaling by a power of two rounds only what lies far inside the first bin, and the cast truncates towards
        # zero. The sign is taken from the value itself: a scaled one may have become -0.0.
        # pragma: no mutate start, in fresh memory or after a copy the steps are the same
        steps = torch.mul(tile, factor, out=place) if tile.dtype == place.dtype else place.copy_(tile).mul_(factor)
        # pragma: no mutate end
        codes.copy_(steps).add_(bins).sub_((tile < 0).byte())
        counts += torch.bincount(codes.flatten(), minlength=2 * bins)
        nonzero += torch.count_nonzero(tile)
    return counts.cpu(), x.numel() - int(nonzero)


def _coarser(counts: Tensor, doublings: int) -> Tensor:
    """Return the counts after neighbouring bins were merged in pairs, outwards from zero, so many times."""
    half = len(counts) // 2
    factor = 2 ** min(doublings, half.bit_length() - 1)  # from there on everything is in the first bins
    if factor == 1:
        return counts
    merged = torch.zeros_like(counts)
    first, last = half - half // factor, half + half // factor
    merged[first:last] = counts.view(-1, factor).sum(1)
    return merged
