"""The seconds that each notebook takes, in a fresh kernel, beside a notebook that only imports torch.

python -m benchmarks.notebooks     prints lines of the table
"""

from pathlib import Path
from time import perf_counter

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook

from benchmarks.core import Line, seconds, written
from tools import nbfile, project
from tools.notebooks import execute

WANTED = 60.0


def main() -> None:
    for path in project.notebooks():
        floor = takes(new_notebook(cells=[new_code_cell("import torch")]), path.parent)
        row = Line(
            path.relative_to(project.ROOT).as_posix(),
            takes(nbfile.read(path), path.parent),
            "only import torch",
            floor,
            most=WANTED,
        )
        print(written(row, seconds), flush=True)


def takes(nb: NotebookNode, folder: Path) -> float:
    """The seconds from the start of a kernel to its end."""
    start = perf_counter()
    execute(nb, folder)
    return perf_counter() - start


if __name__ == "__main__":
    main()
