"""Observers: they watch batches go by in constant memory, merge, and then choose the qparams.

An observer that saw one half of the data merges with one that saw the other half, and then answers, bit for bit, as one
that saw everything. So every machine can watch its own batches, and merge with the others: see docs/many_machines.md.
"""

from abc import ABC, abstractmethod
from typing import Any, Self

import torch
from torch import Tensor

from ..errors import QuantlibError
from ..grids import check_bits
from ..qparams import Axis, QParams, check_input, choose_qparams, compute_dtype, value_range
from .aciq import Distribution, check_distribution, choose_aciq
from .entropy import check_levels, choose_entropy
from .histogram import BINS, Histogram
from .percentile import check_percentile, choose_percentile
from .squared_error import choose_mse


class Observer(ABC):
    """What all observers share: observe batches, merge with another of the same kind, and choose the qparams.

    Args:
        bits: the width of a code, 2 to 16.
        signed: whether codes may be negative.
        symmetric: whether the zero point is fixed in the middle of the grid.
        narrow: whether the lowest code is left out.
    Raises:
        QuantlibError: if bits is wrong.
    """

    def __init__(self, bits: int = 8, *, signed: bool = True, symmetric: bool = False, narrow: bool = False) -> None:
        check_bits(bits)
        self.options: dict[str, Any] = {"bits": bits, "signed": signed, "symmetric": symmetric, "narrow": narrow}

    @abstractmethod
    def observe(self, batch: Tensor) -> Self:
        """Take in a batch, and return the observer itself. An empty batch changes nothing.

        Raises:
            QuantlibError: if the batch holds NaN or infinity, or is not floating-point; then nothing has changed.
        """

    @abstractmethod
    def qparams(self) -> QParams:
        """Return the scale and the zero point for all that was observed.

        Raises:
            QuantlibError: if nothing was observed.
        """

    def merge(self, other: "Observer") -> Self:
        """Add what another observer saw, and return the observer itself. The other one stays as it is.

        Raises:
            QuantlibError: if the other one is of another kind or was configured differently.
        """
        if type(other) is not type(self) or self._setup() != other._setup():
            rule = f"only observers alike can merge, here {self._described()}"
            got = other._described() if isinstance(other, Observer) else type(other).__name__
            raise QuantlibError(rule, got, "make both with the same arguments")
        return self._take(other)

    @abstractmethod
    def _take(self, other: Any) -> Self:
        """Add what an observer of the same kind and setup saw."""

    def _setup(self) -> dict[str, Any]:
        return self.options

    def _described(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self._setup().items())})"


class MinMaxObserver(Observer):
    """Cover everything: the smallest and the largest value of all batches, per tensor or along a kept axis.

    Shapes: batches of any shape, with axis all of the same number of dimensions and the same sizes along it.
    Args:
        bits, signed, symmetric, narrow: as `choose_qparams`.
        axis: the axis, or axes, that is *kept*: one scale for each index along it. None: one for the whole tensor.
    Raises:
        QuantlibError: if bits is wrong. `observe` also raises if axis or the batch's shape is wrong.
    Source: as `choose_qparams`, which gives the same answer for one batch.

    >>> observer = MinMaxObserver()
    >>> observer.observe(torch.tensor([-1.0, 0.5])).observe(torch.tensor([4.1])).qparams().zero_point.item()
    -78
    """

    def __init__(
        self,
        bits: int = 8,
        *,
        signed: bool = True,
        symmetric: bool = False,
        narrow: bool = False,
        axis: Axis = None,
    ) -> None:
        super().__init__(bits, signed=signed, symmetric=symmetric, narrow=narrow)
        self.axis = axis
        self.ends: Tensor | None = None  # the smallest and the largest values so far, stacked
        self.dtype = torch.float32

    def observe(self, batch: Tensor) -> Self:
        check_input(batch)
        if batch.numel() == 0:
            return self
        return self._add(torch.stack(value_range(batch, self.axis)), compute_dtype(batch))

    def qparams(self) -> QParams:
        if self.ends is None:
            raise QuantlibError("a range needs at least one value", "none", "observe a batch first")
        kept = tuple(range(1, self.ends.ndim))
        scale, zero_point, *bounds = choose_qparams(self.ends.to(self.dtype), **self.options, axis=kept)
        return QParams(scale[0], zero_point[0], *bounds)  # type: ignore[index]

    def _setup(self) -> dict[str, Any]:
        return {**self.options, "axis": self.axis}

    def _take(self, other: Any) -> Self:
        return self if other.ends is None else self._add(other.ends, other.dtype)

    def _add(self, ends: Tensor, dtype: torch.dtype) -> Self:
        if self.ends is not None:
            if ends.shape != self.ends.shape:
                rule = f"along axis {self.axis} all batches need one size, here {tuple(self.ends.shape[1:])}"
                raise QuantlibError(rule, tuple(ends.shape[1:]), "the other axes have size 1 here, and may differ")
            ends = torch.stack([torch.minimum(ends[0], self.ends[0]), torch.maximum(ends[1], self.ends[1])])
        self.ends, self.dtype = ends, torch.promote_types(self.dtype, dtype)
        return self


class HistogramObserver(Observer):
    """What the observers below share: one Histogram, from which the range is chosen.

    Args:
        bits, signed, symmetric, narrow: as `choose_qparams`.
        bins: the number of bins on each side of zero, a power of two.
    Raises:
        QuantlibError: if bits or bins is wrong.
    """

    def __init__(
        self,
        bits: int = 8,
        *,
        signed: bool = True,
        symmetric: bool = False,
        narrow: bool = False,
        bins: int = BINS,
    ) -> None:
        super().__init__(bits, signed=signed, symmetric=symmetric, narrow=narrow)
        self.histogram = Histogram(bins)

    def observe(self, batch: Tensor) -> Self:
        self.histogram.observe(batch)
        return self

    def _setup(self) -> dict[str, Any]:
        return {**self.options, "bins": self.histogram.bins}

    def _take(self, other: Any) -> Self:
        self.histogram.merge(other.histogram)
        return self


class PercentileObserver(HistogramObserver):
    """Cover a percentage of all values: `choose_percentile` on a histogram of the batches.

    >>> observer = PercentileObserver(percentile=99.0, symmetric=True)
    >>> round(observer.observe(torch.linspace(-1.0, 1.0, 10_000)).qparams().scale.item() * 127, 2)
    0.99
    """

    def __init__(self, bits: int = 8, *, percentile: float = 99.99, **others: Any) -> None:
        check_percentile(percentile)
        super().__init__(bits, **others)
        self.options["percentile"] = percentile

    def qparams(self) -> QParams:
        return choose_percentile(self.histogram, **self.options)


class MseObserver(HistogramObserver):
    """Make the mean squared error smallest: `choose_mse` on a histogram of the batches.

    >>> observer = MseObserver(4, symmetric=True).observe(torch.linspace(-1.0, 1.0, 10_000))
    >>> round(observer.qparams().scale.item(), 3)
    0.133
    """

    def qparams(self) -> QParams:
        return choose_mse(self.histogram, **self.options)


class EntropyObserver(HistogramObserver):
    """Make the Kullback-Leibler divergence smallest, as TensorRT: `choose_entropy` on a histogram of the batches.

    >>> observer = EntropyObserver(symmetric=True).observe(torch.linspace(-1.0, 1.0, 10_000))
    >>> round(observer.qparams().scale.item() * 127, 2)
    1.0
    """

    def __init__(self, bits: int = 8, **others: Any) -> None:
        super().__init__(bits, **others)
        check_levels(2 ** (bits - 1), self.histogram.bins // 2)

    def qparams(self) -> QParams:
        return choose_entropy(self.histogram, **self.options)


class AciqObserver(HistogramObserver):
    """Believe a distribution: `choose_aciq` on a histogram of the batches.

    >>> observer = AciqObserver(4, symmetric=True).observe(torch.linspace(-1.0, 1.0, 10_000))
    >>> round(observer.qparams().scale.item() * 7, 2)
    1.0
    """

    def __init__(self, bits: int = 8, *, distribution: Distribution = "gaussian", **others: Any) -> None:
        check_distribution(distribution)
        super().__init__(bits, **others)
        self.options["distribution"] = distribution

    def qparams(self) -> QParams:
        return choose_aciq(self.histogram, **self.options)
