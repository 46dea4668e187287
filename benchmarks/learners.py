"""What a learner costs a machine that many share: seconds to the first picture, memory, processor time of a move.

A learner is a kernel in which a notebook has run, without a page: a move is what a front end sends when a slider is
moved, and the picture is what it gets back. Linux only.
"""

import asyncio
import os
import random
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

from nbclient import NotebookClient
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook

from benchmarks.table import OURS, Row, rows
from tools import nbfile, project

FIRST, MOVES = 5, 100  # the first moves load code and draw what stays still, and are left out
WAIT = 120  # seconds for one picture at most
TORCH = "only import torch"
ONLY_TORCH = new_notebook(cells=[new_code_cell("import torch")])


@dataclass
class Learner:
    """A kernel, in which cells of a notebook have run."""

    client: NotebookClient

    async def run(self, cells: list[NotebookNode]) -> None:
        for k, cell in enumerate(cells):
            if cell.cell_type == "code":
                await self.client.async_execute_cell(cell, k)

    async def move(self, draw: random.Random) -> float:
        """Move one slider to any place, and return the seconds until the new picture is here."""
        sliders = {k: s for k, s in self.client.widget_state.items() if s["_model_name"].endswith("SliderModel")}
        name, slider = draw.choice(list(sliders.items()))
        steps = draw.randint(0, round((slider["max"] - slider["min"]) / slider["step"]))
        moved = {"method": "update", "state": {"value": slider["min"] + steps * slider["step"]}, "buffer_paths": []}
        return await asyncio.wait_for(self._takes("comm_msg", {"comm_id": name, "data": moved}), WAIT)

    async def _takes(self, kind: str, content: dict[str, Any]) -> float:
        """Send a message, and return the seconds until all is done and received that it asks for."""
        kernel = self.client.kc
        message = kernel.session.msg(kind, content)
        start = perf_counter()
        kernel.shell_channel.send(message)
        while True:
            got = await kernel.get_iopub_msg()
            asked = got["parent_header"].get("msg_id") == message["header"]["msg_id"]
            if asked and got["content"].get("execution_state") == "idle":
                return perf_counter() - start

    def memory(self, kind: str = "RssAnon") -> float:
        """Return the MiB of the kernel's own memory (RssAnon), or of all that it sees, shared code too (VmRSS)."""
        return next(int(row.split()[1]) / 1024 for row in self._proc("status").splitlines() if row.startswith(kind))

    def processor(self) -> float:
        """Return the seconds of processor time that all threads of the kernel have taken."""
        user_and_system = self._proc("stat").rpartition(")")[2].split()[11:13]
        return sum(map(int, user_and_system)) / os.sysconf("SC_CLK_TCK")

    def _proc(self, file: str) -> str:
        return Path(f"/proc/{self.client.km.provisioner.pid}/{file}").read_text()


@asynccontextmanager
async def learner(nb: NotebookNode) -> AsyncIterator[Learner]:
    """Start the kernel of a notebook of this project."""
    os.environ["QUANTLIB_PROGRESS"] = ""
    place = {"metadata": {"path": str(project.NOTEBOOKS)}}
    client = NotebookClient(nb, timeout=600, kernel_name="python3", resources=place)
    async with client.async_setup_kernel():
        yield Learner(client)


def measure(quick: bool = False) -> Iterator[Row]:
    if sys.platform != "linux":
        return
    first, *others = project.notebooks()[1 : 2 if quick else None]
    took = {OURS: asyncio.run(seconds_to(up_to_explorer(first))), TORCH: asyncio.run(seconds_to(ONLY_TORCH))}
    yield from rows("learners", f"first picture of {first.stem}", "", took)
    for path in (first, *others):
        own, all_of_it, step = asyncio.run(costs(nbfile.read(path), FIRST if quick else MOVES))
        yield from rows("learners", f"{path.stem}, memory", "", {OURS: own, SHARED: all_of_it}, "MiB")
        yield from rows("learners", f"{path.stem}, a move", "", {OURS: step})


SHARED = "with what kernels share"


def up_to_explorer(path: Path) -> NotebookNode:
    """Return a notebook's cells up to the first explorer."""
    nb = nbfile.read(path)
    nb.cells = nb.cells[: 1 + next(k for k, cell in enumerate(nb.cells) if "lab.explore_" in cell.source)]
    return nb


async def seconds_to(nb: NotebookNode) -> float:
    """Return the seconds from the start of a kernel until its cells have run."""
    start = perf_counter()
    async with learner(nb) as one:
        await one.run(nb.cells)
        return perf_counter() - start


async def costs(nb: NotebookNode, moves: int) -> tuple[float, float, float]:
    """Return a kernel's own memory at the end of a notebook, all that it sees, and the processor time of a move."""
    draw = random.Random(0)
    async with learner(nb) as one:
        await one.run(nb.cells)
        for _ in range(FIRST):
            await one.move(draw)
        before = one.processor()
        for _ in range(moves):
            await one.move(draw)
        return one.memory(), one.memory("VmRSS"), (one.processor() - before) / moves
