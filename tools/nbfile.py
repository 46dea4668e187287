"""Notebook files: read, normalise and write them so that equal notebooks are equal bytes."""

import json
from itertools import count
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"  # holds the random id of a widget


def parse(text: str) -> NotebookNode:
    """Read a notebook; a cell without an id, or with a used one, gets an id that is the same every time."""
    raw = json.loads(text)
    _give_ids(raw["cells"])
    raw["nbformat"], raw["nbformat_minor"] = 4, 5
    return nbformat.reads(json.dumps(raw), as_version=4)


def read(path: Path) -> NotebookNode:
    return parse(path.read_text(encoding="utf-8"))


def normalise(nb: NotebookNode) -> NotebookNode:
    """Remove, in place, whatever differs from run to run or from machine to machine."""
    nb.metadata.pop("widgets", None)
    nb.metadata.get("language_info", {}).pop("version", None)
    for cell in nb.cells:
        _normalise_cell(cell)
    return nb


def dump(nb: NotebookNode) -> str:
    """Give the normalised text of a notebook."""
    nbformat.validate(normalise(nb))
    return nbformat.writes(nb).rstrip("\n") + "\n"


def write(path: Path, nb: NotebookNode) -> None:
    path.write_text(dump(nb), encoding="utf-8", newline="\n")


def _give_ids(cells: list[dict[str, Any]]) -> None:
    taken = {cell.get("id") for cell in cells}
    fresh = (name for n in count(1) if (name := f"cell-{n}") not in taken)
    seen = {None}
    for cell in cells:
        if cell.get("id") in seen:
            cell["id"] = next(fresh)
        seen.add(cell["id"])


def _normalise_cell(cell: NotebookNode) -> None:
    for timestamps in ("execution", "ExecuteTime"):
        cell.metadata.pop(timestamps, None)
    for output in cell.get("outputs", []):
        output.get("data", {}).pop(WIDGET_VIEW, None)
        output.get("metadata", {}).pop(WIDGET_VIEW, None)
