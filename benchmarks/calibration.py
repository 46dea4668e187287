"""How long it takes to observe 2^24 values and choose a range, beside one pass of torch.histc.

    python -m benchmarks.calibration             prints a Markdown table

Both sides take turns, and the ratio is that of their medians. Run it while nothing else runs.
"""

import torch
from torch import Tensor

from benchmarks.core import Row, line, machine
from quantlib import EntropyObserver, Histogram, MseObserver, choose_aciq, choose_percentile

COUNT = 2**24


def main() -> None:
    print(f"{machine()}\n")
    print("| what | ms | beside | ratio | target |")
    print("|---|---:|---:|---:|---:|")
    for row in rows(torch.randn(COUNT, generator=torch.Generator().manual_seed(0))):
        print(line(row), flush=True)


def rows(x: Tensor) -> list[Row]:
    def histc() -> Tensor:
        return torch.histc(x, 2048)

    return [
        Row("observe", lambda: Histogram().observe(x), histc, ""),
        Row("observe + percentile", lambda: choose_percentile(Histogram().observe(x)), histc, "<= 3"),
        Row("observe + ACIQ", lambda: choose_aciq(Histogram().observe(x)), histc, "<= 3"),
        Row("observe + entropy", lambda: EntropyObserver(symmetric=True).observe(x).qparams(), histc, "<= 3"),
        Row("observe + MSE, symmetric", lambda: MseObserver(symmetric=True).observe(x).qparams(), histc, "<= 3"),
        Row("observe + MSE, every zero point", lambda: MseObserver().observe(x).qparams(), histc, "<= 3"),
    ]


if __name__ == "__main__":
    main()
