"""How many learners a machine bears: kernels whose sliders are moved about twice a second, until pictures come late.

python -m benchmarks.load             4, 8, 16 and 32 learners
python -m benchmarks.load 6 12        as many as these

Every learner has run a notebook, and moves a slider of it, chosen at random, to any place. The pause before the next
move is that of a hand, and a move waits for the picture of the last, as a front end does. There is no page: what a
browser and a network add, they add to each picture. Run it while nothing else runs.
"""

import asyncio
import os
import random
import sys
from contextlib import AsyncExitStack
from statistics import median, quantiles
from time import perf_counter
from typing import NamedTuple

from benchmarks.learners import FIRST, Learner, learner
from tools import nbfile, project

COUNTS = [4, 8, 16, 32]
NOTEBOOKS = ("01_affine_formula", "06_clipping_buys_resolution", "07_granularity")  # T, and real weights
PAUSE = (0.25, 0.75)  # seconds from one move to the next
SECONDS = 30
SOON = 0.150  # seconds: of 20 pictures, 19 come as soon as that


class Found(NamedTuple):
    """What came of many learners: the seconds of every move, and what all kernels took of the machine."""

    pictures: list[float]
    processors: float  # how many were busy with kernels
    memory: float  # MiB of a kernel's own

    @property
    def late(self) -> float:
        """The 95th percentile."""
        return quantiles(self.pictures, n=20)[-1]


async def moved(one: Learner, draw: random.Random, seconds: float) -> list[float]:
    """Move sliders for so long, and return how long each picture took."""
    took, end = [], perf_counter() + seconds
    await asyncio.sleep(draw.uniform(0, PAUSE[1]))
    while perf_counter() < end:
        pause = asyncio.sleep(draw.uniform(*PAUSE))
        took.append((await asyncio.gather(one.move(draw), pause))[0])
    return took


async def begin(kernels: AsyncExitStack, k: int) -> tuple[Learner, random.Random]:
    """Start the k-th learner: run its notebook, and draw what stays still."""
    nb, draw = nbfile.read(project.NOTEBOOKS / f"{NOTEBOOKS[k % len(NOTEBOOKS)]}.ipynb"), random.Random(k)
    one = await kernels.enter_async_context(learner(nb))
    await one.run(nb.cells)
    for _ in range(FIRST):
        await one.move(draw)
    return one, draw


async def watch(learners: list[tuple[Learner, random.Random]], seconds: float = SECONDS) -> Found:
    """Let all move their sliders at once."""
    kernels = [one for one, _ in learners]
    before, start = sum(one.processor() for one in kernels), perf_counter()
    took = await asyncio.gather(*(moved(one, draw, seconds) for one, draw in learners))
    busy = (sum(one.processor() for one in kernels) - before) / (perf_counter() - start)
    return Found([each for times in took for each in times], busy, median(one.memory() for one in kernels))


async def bear(counts: list[int]) -> None:
    """Print what comes of so many learners, of more, and of more."""
    cores, borne, learners = os.cpu_count() or 1, 0, []
    print(f"{cores} cores, at work before: {os.getloadavg()[0]:.1f}", flush=True)
    async with AsyncExitStack() as kernels:
        for count in sorted(counts):
            learners += await asyncio.gather(*(begin(kernels, k) for k in range(len(learners), count)))
            found = await watch(learners)
            print(line(count, found, cores), flush=True)
            borne = max(borne, count if found.late <= SOON else 0)
    print(f"{borne / cores:g} learners a core see 19 of 20 pictures within {1e3 * SOON:.0f} ms.")


def line(count: int, found: Found, cores: int) -> str:
    middle, late = 1e3 * median(found.pictures), 1e3 * found.late
    return (
        f"{count:3d} learners: a picture in {middle:.0f} ms, 19 of 20 in {late:.0f} ms; "
        f"{len(found.pictures) / SECONDS:.0f} pictures a second; "
        f"kernels keep {found.processors:.1f} of {cores} cores busy, and {found.memory:.0f} MiB each"
    )


if __name__ == "__main__":
    asyncio.run(bear([int(count) for count in sys.argv[1:]] or COUNTS))
