"""Tile by tile: how a large tensor is worked through at the speed of memory, on a quiet machine and on a busy one.

Five whole-tensor operations write five large temporaries, and each is fresh memory that the system must first hand
out page by page. A tile is small enough to stay in the processor's cache, and its buffer is used again.

torch shares each operation on a large tensor among threads of its own, which wait for each other when it is done: where
other programs hold the processors, that takes up to a hundred times as long as the work. Here each thread works out
whole tiles by itself, and takes the next when it is done with one: they wait for each other once.
"""

import threading
from collections.abc import Callable, Iterator
from math import prod
from typing import Any

import numpy
import torch
from torch import Tensor

TILE = 2**19  # elements; a float32 tile takes 2 MiB, the size at which the time per element was lowest
LARGE = 2**20  # elements; what is smaller takes one pass without tiles
THREADS = 8  # at most: more would only wait for the memory, and each has a buffer of its own

Index = tuple[slice, ...]


def run(step: Callable[..., Tensor], compute: torch.dtype, dtype: torch.dtype, x: Tensor, *beside: Any) -> Tensor:
    """Return step(x, work, *beside) in dtype, worked out tile by tile if x is large and on the CPU.

    step(x, work, *beside) gets x in the compute dtype, and puts its result into the buffer `work`, or into fresh memory
    where work is None. What stands beside x are numbers, tensors that broadcast against x, or None; each tile gets its
    part of them.
    """
    if x.numel() <= LARGE or not x.is_cpu:
        # pragma: no mutate block, `to` itself returns what need not change: it is only slower
        # dtype= by name: torch first tries a bare dtype as a device, which doubles the time of the call
        return step(x if x.dtype == compute else x.to(dtype=compute), None, *beside).to(dtype=dtype)
    out = empty(x.shape, dtype)
    wide = [b.expand(x.shape) if isinstance(b, Tensor) else b for b in beside]
    pieces = Shared(tiles(x.shape, TILE))

    def work_through() -> None:
        buffer = None if dtype == compute else empty((TILE,), compute)
        for index in pieces:
            tile, place = x[index], out[index]
            work = place if buffer is None else buffer[: tile.numel()].view(tile.shape)
            tile = tile if tile.dtype == compute else work.copy_(tile)
            result = step(tile, work, *(b[index] if isinstance(b, Tensor) else b for b in wide))
            if result is not place:
                place.copy_(result)

    in_threads(work_through, min(torch.get_num_threads(), THREADS))
    return out


def fill(step: Callable[..., object], out: Tensor, x: Tensor, *beside: Tensor) -> Tensor:
    """Return out, filled by step(out, x, *beside), tile by tile if x is large and on the CPU.

    A row is what stands at one place of the first axis, which all have in common. A row of out depends on the same row
    of the others only.
    """
    if x.numel() <= LARGE or not x.is_cpu:
        if x.numel():
            step(out, x, *beside)
        return out
    in_a_tile = TILE * 2 * len(x) // max(x.nbytes, out.nbytes)  # rows; two bytes an element were the fastest
    pieces = Shared(tiles(x.shape[:1], max(1, in_a_tile)))

    def work_through() -> None:
        for index in pieces:
            step(out[index], x[index], *(b[index] for b in beside))

    in_threads(work_through, min(torch.get_num_threads(), THREADS))
    return out


class Shared(Iterator[Index]):
    """An iterator of which several threads take, each item once."""

    def __init__(self, items: Iterator[Index]) -> None:
        self._items, self._lock = items, threading.Lock()

    def __next__(self) -> Index:
        with self._lock:
            return next(self._items)


def in_threads(work: Callable[[], None], count: int) -> None:
    """Do work in so many threads at once, in each of which torch works alone; raise what one of them raised."""
    errors: list[BaseException] = []

    def alone() -> None:
        torch.set_num_threads(1)  # of this thread, and of those that begin to use torch until it is set back
        try:
            work()
        except BaseException as error:
            errors.append(error)

    before = torch.get_num_threads()
    threads = [threading.Thread(target=alone, daemon=True) for _ in range(count)]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        torch.set_num_threads(before)
    if errors:
        raise errors[0]


def tiles(shape: tuple[int, ...], size: int = TILE) -> Iterator[Index]:
    """Yield indices that cut a tensor of this shape into contiguous tiles of at most size elements.

    >>> [tuple((s.start, s.stop) for s in index) for index in tiles((3, 4), size=8)]
    [((0, 2),), ((2, 3),)]
    """
    if not shape:
        yield ()
        return
    inner = prod(shape[1:])
    step = max(1, size // max(1, inner))
    for start in range(0, shape[0], step):
        head = slice(start, min(start + step, shape[0]))
        if inner <= size:  # pragma: no mutate, a row that just fills a tile is one tile either way
            yield (head,)
        else:
            yield from ((head, *rest) for rest in tiles(shape[1:], size))


def empty(shape: tuple[int, ...], dtype: torch.dtype, device: torch.device | str = "cpu") -> Tensor:
    """Return a large uninitialised tensor.

    numpy asks the system for huge pages where it has them (Linux); torch does not. On a result of many megabytes that
    saves most of the page faults, which otherwise take longer than the arithmetic.
    """
    count = prod(shape) * dtype.itemsize
    if not count or torch.device(device).type != "cpu":
        return torch.empty(shape, dtype=dtype, device=device)
    return torch.from_numpy(numpy.empty(count, numpy.uint8)).view(dtype).view(shape)
