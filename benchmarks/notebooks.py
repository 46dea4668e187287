"""The seconds that each notebook takes, in a fresh kernel, beside a notebook that only imports torch."""

from collections.abc import Iterator
from pathlib import Path
from time import perf_counter

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook

from benchmarks.table import OURS, Row, rows
from tools import nbfile, project
from tools.notebooks import execute

FLOOR = "only import torch"


def measure(quick: bool = False) -> Iterator[Row]:
    for path in project.notebooks()[: 1 if quick else None]:
        floor = takes(new_notebook(cells=[new_code_cell("import torch")]), path.parent)
        yield from rows("notebooks", path.stem, "", {OURS: takes(nbfile.read(path), path.parent), FLOOR: floor})


def takes(nb: NotebookNode, folder: Path) -> float:
    """The seconds from the start of a kernel to its end."""
    start = perf_counter()
    execute(nb, folder)
    return perf_counter() - start
