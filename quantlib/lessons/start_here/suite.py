"""A map of the suite: how many predictions a learner has made in each notebook, and how many checks were right."""

import ast
import html
import json
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from quantlib.lab import progress, style


class Row(NamedTuple):
    """What a notebook asks for, and what of it was done.

    title: the notebook's title.
    predicted, right: (how many were done, how many there are) of its predictions and of its checks.
    """

    title: str
    predicted: tuple[int, int]
    right: tuple[int, int]


class Progress:
    """A map of the notebooks: how many predictions were made, and how many checks were right.

    rows: one for each notebook; none if nothing was done and no file is named.
    where: where it is kept, or what to do so that it is.
    """

    def __init__(self, rows: Sequence[Row], where: str) -> None:
        self.rows, self.where = rows, where

    def __repr__(self) -> str:
        lines = [
            f"{row.title}: {_of(row.predicted)} predictions made, {_of(row.right)} checks right" for row in self.rows
        ]
        return "\n".join([*lines, self.where])

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        return {"text/plain": repr(self), "text/html": self.html()}

    def html(self) -> str:
        """Return the map as a table, on white, so that it can be read on a dark page too."""
        where = f'<p style="margin:4px 0;max-width:920px">{html.escape(self.where)}</p>'
        if not self.rows:
            return where
        heads = "".join(f'<th scope="col" {_LEFT}>{head}</th>' for head in _HEADS)
        body = f"<tr {_WHITE}>{heads}</tr>{''.join(map(_row, self.rows))}"
        return f"<table {_WHITE}>{body}</table>{where}"


_HEADS = "Notebook", "Predictions made", "Checks right"
_WHITE = 'style="background:#fff;color:#000"'  # also in a row, whose ground JupyterLab would set
_LEFT = 'style="text-align:left;padding:2px 16px 2px 4px"'
NOT_KEPT = (
    "Nothing is kept here once this notebook is closed. After make lab it is kept beside your notebooks. Elsewhere, "
    'run this in each notebook: from quantlib.lab.progress import keep_progress; keep_progress("progress.jsonl")'
)


def _row(row: Row) -> str:
    cells = "".join(f"<td {_LEFT}>{_dots(*count)} {_of(count)}</td>" for count in (row.predicted, row.right))
    return f'<tr {_WHITE}><th scope="row" {_LEFT}>{html.escape(row.title)}</th>{cells}</tr>'


def _dots(made: int, count: int) -> str:
    """Return a full dot for each that was done, and an empty one for each that was not: for the eye alone."""
    dots = "\N{BLACK CIRCLE}" * made + "\N{WHITE CIRCLE}" * (count - made)
    return f'<span aria-hidden="true" style="color:{style.BETTER_TEXT}">{dots}</span>'


def _of(count: tuple[int, int]) -> str:
    return f"{count[0]} of {count[1]}"


def show_progress() -> Progress:
    """Return the map of all notebooks: what was done in each, as far as it is kept."""
    deeds = progress.done()
    asked = {path.stem: asked_in(path) for path in sorted(_notebooks().glob("*.ipynb"))}
    rows = [_made(name, each, [d for d in deeds if d[0] == name or d[0] not in asked]) for name, each in asked.items()]
    return Progress(rows if deeds or progress.kept_in() else [], _where())


def _where() -> str:
    file = progress.kept_in()
    if not file:
        return NOT_KEPT
    if not progress.can_be_written(file):
        return f"Nothing is kept: {file} cannot be written to."
    return f"It is kept in {file} and sent to nobody. To begin anew, delete this file."


def _notebooks() -> Path:
    """Return where the notebooks are: in the project, or else beside the one of this kernel."""
    project = Path(__file__).parents[3] / "notebooks"
    return project if project.is_dir() else Path(os.getenv("JPY_SESSION_NAME", "") or "here").parent


class Asked(NamedTuple):
    """The title of a notebook, the questions of its predictions, and the exercises that it checks."""

    title: str
    questions: set[str]
    exercises: set[str]


def asked_in(path: Path) -> Asked:
    """Return what a notebook asks for; nothing if it cannot be read."""
    cells: list[dict[str, Any]] = []
    with suppress(OSError, ValueError, KeyError):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    title = re.search(r"^# (.+)$", "\n".join(map(_text, cells)), re.MULTILINE)
    calls = [call for cell in cells if cell["cell_type"] == "code" for call in _calls(_text(cell))]
    asked = [argument for name, call in calls if name == "predict" for argument in call.args[:1]]
    questions = {str(argument.value) for argument in asked if isinstance(argument, ast.Constant)}
    checks = {name.removeprefix("check_") for name, _ in calls if name.startswith("check_")}
    return Asked(title[1] if title else path.stem, questions, checks)


def _text(cell: dict[str, Any]) -> str:
    return "".join(cell.get("source", ""))


def _calls(code: str) -> Iterator[tuple[str, Any]]:
    """Give (name, call) for each call of something in a module, such as lab.predict(…); none if it is no Python."""
    with suppress(SyntaxError):
        for node in ast.walk(ast.parse(code)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                yield node.func.attr, node


def _made(name: str, asked: Asked, deeds: Sequence[progress.Key]) -> Row:
    """Return the row of a notebook. deeds: those done in it, or in a notebook that is none of the suite's."""
    predicted = {what for _, deed, what in deeds if deed == "predicted"} & asked.questions
    right = {what for _, deed, what in deeds if deed == "right"} & asked.exercises
    return Row(asked.title, (len(predicted), len(asked.questions)), (len(right), len(asked.exercises)))
