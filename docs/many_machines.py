"""Calibrate on many machines: each observes its own part of the data, and all get the answer for the whole.

    torchrun --standalone --nproc-per-node=4 -m docs.many_machines

Here four processes of one machine stand for four machines; docs/many_machines.md says how to start it on several.
"""

from functools import reduce

import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed import ReduceOp

from quantlib import Histogram, MinMaxObserver, MseObserver


def merge_objects(observer):
    """Return the observer of all ranks. Each rank unpickles what the others send, so it must trust them."""
    seen = [None] * dist.get_world_size()
    dist.all_gather_object(seen, observer)
    return reduce(lambda one, other: one.merge(other), seen)


def merge_tensors(observer):
    """Make an observer that of all ranks. Only numbers travel. Every rank must have observed a value."""
    if isinstance(observer, MinMaxObserver):
        _merge_ends(observer)
    else:
        _merge_counts(observer.histogram)


def _merge_ends(observer: MinMaxObserver) -> None:
    low, high = observer.ends.double()
    observer.ends = torch.stack([_of_all(low, ReduceOp.MIN), _of_all(high, ReduceOp.MAX)])
    observer.dtype = _widest(observer.dtype)


def _merge_counts(histogram: Histogram) -> None:
    """Widen the bins of all histograms to the widest, so that they align, and add up what is in them."""
    histogram.widen(int(_of_all(torch.tensor(histogram.exponent), ReduceOp.MAX)))
    histogram.counts = _of_all(histogram.counts, ReduceOp.SUM)
    histogram.zeros = int(_of_all(torch.tensor(histogram.zeros), ReduceOp.SUM))
    histogram.low = _of_all(torch.tensor(histogram.low, dtype=torch.float64), ReduceOp.MIN).item()
    histogram.high = _of_all(torch.tensor(histogram.high, dtype=torch.float64), ReduceOp.MAX).item()
    histogram.dtype = _widest(histogram.dtype)


def _widest(dtype: torch.dtype) -> torch.dtype:
    wide = torch.tensor(int(dtype == torch.float64))
    return torch.float64 if _of_all(wide, ReduceOp.MAX) else torch.float32


def _of_all(values: Tensor, operation) -> Tensor:
    """Return the sum, the smallest or the largest of what all ranks have, place by place."""
    values = values.clone()
    dist.all_reduce(values, operation)
    return values


def batches(rank: int, ranks: int) -> list[Tensor]:
    """Return a rank's part of eight batches, of which each has 2.7 times the standard deviation of the one before."""
    generator = torch.Generator().manual_seed(0)
    deviations = torch.logspace(-2, 1, 8)
    every = torch.randn(8, 2**18, generator=generator) * deviations[:, None]
    return list(every[rank::ranks])


def main() -> None:
    dist.init_process_group("gloo")
    rank, ranks = dist.get_rank(), dist.get_world_size()
    mine = MseObserver(bits=4, symmetric=True)
    for batch in batches(rank, ranks):
        mine.observe(batch)
    own, whole = mine.qparams().scale, merge_objects(mine).qparams().scale
    print(f"rank {rank} of {ranks}: its own data alone give the scale {own:.3f}, all data give {whole:.3f}", flush=True)
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
