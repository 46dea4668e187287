"""How long it takes to observe 2^24 values and to choose a range, beside one pass of torch.histc over them."""

from collections.abc import Iterator

import torch
from torch import Tensor

from benchmarks.core import Call, medians
from benchmarks.table import OURS, Row, rows
from quantlib import Histogram, choose_aciq, choose_entropy, choose_mse, choose_percentile

COUNT, BINS = 2**24, 2048
HISTC = "torch.histc"


def measure(quick: bool = False) -> Iterator[Row]:
    """All calls take turns."""
    x = torch.randn(COUNT, generator=torch.Generator().manual_seed(0))
    took = medians(calls_for(x), budget=30.0, quick=quick)
    for what in [name for name in took if name != HISTC]:
        yield from rows("calibration", what, "2^24", {OURS: took[what], HISTC: took[HISTC]})


def calls_for(x: Tensor) -> dict[str, Call]:
    return {
        HISTC: lambda: torch.histc(x, BINS),
        "observe": lambda: Histogram().observe(x),
        "observe, percentile": lambda: choose_percentile(Histogram().observe(x)),
        "observe, ACIQ": lambda: choose_aciq(Histogram().observe(x)),
        "observe, entropy": lambda: choose_entropy(Histogram().observe(x), symmetric=True),
        "observe, MSE of the symmetric scales": lambda: choose_mse(Histogram().observe(x), symmetric=True),
        "observe, MSE of all scales and zero points": lambda: choose_mse(Histogram().observe(x)),
    }
