"""A notebook that was handed in: read whatever state it is in, and say what had to be repaired."""

import json
import re
from dataclasses import dataclass
from typing import Any

from ..problems.questions import Explain, ProblemSet, Question

MOST_CELLS = 2000


@dataclass(frozen=True)
class Cell:
    kind: str  # "code", "markdown", "raw"
    text: str
    grade_id: str = ""


@dataclass(frozen=True)
class HandedIn:
    """The cells of a notebook, or the problem that left none. notes: what was repaired, for the instructor."""

    cells: tuple[Cell, ...] = ()
    problem: str = ""
    notes: tuple[str, ...] = ()

    @property
    def code(self) -> list[str]:
        return [cell.text for cell in self.cells if cell.kind == "code"]


def read(content: bytes) -> HandedIn:
    """Read a notebook from its bytes. Nothing in them can make this raise."""
    try:
        raw = json.loads(content.decode("utf-8-sig"))
        if raw.get("worksheets"):
            raw = {"cells": raw["worksheets"][0]["cells"]}  # notebooks of format 3
        cells = tuple(_cell(cell) for cell in raw["cells"][:MOST_CELLS])
    except UnicodeDecodeError:
        return HandedIn(problem="the file is not text in UTF-8")
    except (ValueError, RecursionError, LookupError, TypeError, AttributeError):
        return HandedIn(problem="the file is not a notebook: its JSON cannot be read")
    return HandedIn(cells) if cells else HandedIn(problem="the notebook has no cell")


def _cell(raw: dict[str, Any]) -> Cell:
    source = raw.get("source", raw.get("input", ""))
    text = source if isinstance(source, str) else "".join(map(str, source))
    nbgrader = (raw.get("metadata") or {}).get("nbgrader") or {}
    grade_id = nbgrader.get("grade_id", "")
    return Cell(str(raw["cell_type"]), text.replace("\r\n", "\n"), grade_id if isinstance(grade_id, str) else "")


def fits(notebook: HandedIn, wanted: ProblemSet, others: list[ProblemSet]) -> HandedIn:
    """Add the problem of a notebook that answers another problem set, and notes on lost metadata and doubled cells."""
    if notebook.problem:
        return notebook
    missing = [question for question in wanted.questions if not mentions(notebook, question)]
    found = len(wanted.questions) - len(missing)
    # Two problem sets may share a heading or the name of a function: the better fit decides.
    fit, likely = max(((_fit(notebook, other), other.name) for other in others), default=(0, ""))
    if fit > found or not found:
        looks = f": it looks like {likely}" if fit else ""
        return HandedIn(problem=f"this is not {wanted.name}{looks}", cells=notebook.cells)
    return HandedIn(notebook.cells, notes=tuple(_notes(notebook, wanted, missing)))


def _fit(notebook: HandedIn, problem_set: ProblemSet) -> int:
    return sum(mentions(notebook, question) for question in problem_set.questions)


def _notes(notebook: HandedIn, wanted: ProblemSet, missing: list[Question]) -> list[str]:
    ids = [cell.grade_id for cell in notebook.cells if cell.grade_id]
    expected = [question.id for question in wanted.questions]
    lost = [i for i in expected if i not in ids]
    doubled = sorted({i for i in ids if ids.count(i) > 1})
    notes = [f"no cell answers {question.id}" for question in missing]
    if lost:
        notes.append(
            f"the metadata of {len(lost)} answers was lost ({', '.join(lost)}): they were found by their names"
        )
    return notes + [f"the cell {i} stands in the notebook {ids.count(i)} times: the last one counts" for i in doubled]


def mentions(notebook: HandedIn, question: Question) -> bool:
    """Return whether a notebook has a cell for a question: by its id, by a name that it defines, or by its heading."""
    if any(cell.grade_id == question.id for cell in notebook.cells):
        return True
    if isinstance(question, Explain):
        return heading_of(notebook, question) is not None
    names = {request.name for request in question.requests()}
    return any(defines(text, name) for text in notebook.code for name in names)


def defines(source: str, name: str) -> bool:
    return (
        re.search(rf"^\s*(def\s+{re.escape(name)}\s*\(|{re.escape(name)}\s*(:.*)?=[^=])", source, re.MULTILINE)
        is not None
    )


def heading_of(notebook: HandedIn, question: Question) -> int | None:
    """Return where the heading of a question stands."""
    for k, cell in enumerate(notebook.cells):
        if cell.kind == "markdown" and re.search(rf"^#+ .*{re.escape(question.title)}\s*$", cell.text, re.MULTILINE):
            return k
    return None


def written_answer(notebook: HandedIn, question: Explain) -> str:
    """Return what a student wrote for a question in words: the last cell of its id, else what follows its heading."""
    marked = [cell.text for cell in notebook.cells if cell.grade_id == question.id and cell.kind == "markdown"]
    if marked:
        return marked[-1]
    start = heading_of(notebook, question)
    following = []
    for cell in notebook.cells[start + 1 :] if start is not None else ():
        if cell.kind == "markdown" and cell.text.lstrip().startswith("#"):
            break
        following += [cell.text] if cell.kind == "markdown" else []
    return "\n\n".join(following)
