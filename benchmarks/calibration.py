"""How long it takes to observe 2^24 values and to choose a range, beside one pass of torch.histc over them.

    python -m benchmarks.calibration             prints a Markdown table

All calls take turns, and a ratio is that of two medians. Run it while nothing else runs. At most 3 passes are wanted.
"""

import torch
from torch import Tensor

from benchmarks.core import Call, machine, medians
from quantlib import Histogram, choose_aciq, choose_entropy, choose_mse, choose_percentile

COUNT, BINS = 2**24, 2048
HISTC = "torch.histc"


def main() -> None:
    print(machine(), end="\n\n")
    print("| what | ms | passes of torch.histc |\n|---|---:|---:|")
    taken = medians(calls_for(torch.randn(COUNT, generator=torch.Generator().manual_seed(0))), budget=30.0)
    for name, seconds in taken.items():
        print(f"| {name} | {1e3 * seconds:.4g} | {seconds / taken[HISTC]:.2f} |")


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


if __name__ == "__main__":
    main()
