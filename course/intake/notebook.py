"""A notebook that was handed in: read whatever state it is in, and say what had to be repaired."""

import json
import re
from dataclasses import dataclass, replace
from typing import Any

from ..problems.questions import Explain, ProblemSet, Question

MOST_CELLS = 2000
LONGEST = 200_000  # characters of a cell

# Every search here takes a time that grows with the text, not with its square: what a student wrote is read outside
# of every box.
_GIVEN = re.compile(r"^[ \t]*(?:def[ \t]+(\w+)[ \t]*\(|(\w+)[ \t]*(?::.*)?=[^=])", re.MULTILINE)
_PICTURE = re.compile(r"\(data:[^()]*\)")


@dataclass(frozen=True)
class Cell:
    kind: str  # "code", "markdown", "raw"
    text: str
    grade_id: str = ""
    note: str = ""  # what had to be changed in it


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
        left_out = len(raw["cells"]) - len(cells)
    except UnicodeDecodeError:
        return HandedIn(problem="the file is not text in UTF-8")
    except (ValueError, RecursionError, LookupError, TypeError, AttributeError):
        return HandedIn(problem="the file is not a notebook: its JSON cannot be read")
    if not cells:
        return HandedIn(problem="the notebook has no cell")
    many = [f"the notebook has {left_out} cells more than {MOST_CELLS}: they were left out"] if left_out else []
    return HandedIn(cells, notes=(*(cell.note for cell in cells if cell.note), *many))


def _cell(raw: dict[str, Any]) -> Cell:
    source = raw.get("source", raw.get("input", ""))
    text = clean(source if isinstance(source, str) else "".join(map(str, source))).replace("\r\n", "\n")
    nbgrader = (raw.get("metadata") or {}).get("nbgrader") or {}
    grade_id = nbgrader.get("grade_id", "")
    return _short(Cell(str(raw["cell_type"]), text, clean(grade_id) if isinstance(grade_id, str) else ""))


def clean(text: str) -> str:
    """Return a text that can be written in UTF-8: half of an emoji, which JSON can hold, becomes a question mark."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _short(cell: Cell) -> Cell:
    """Keep a cell within bounds: pictures pasted into words are left out, and so is code without end."""
    text = cell.text if cell.kind == "code" else _PICTURE.sub("(a picture: see the notebook)", cell.text)
    if len(text) <= LONGEST:
        return replace(cell, text=text)
    what = f"the cell {cell.grade_id}" if cell.grade_id else "a cell"
    if cell.kind == "code":
        return replace(cell, text="", note=f"{what} has more than {LONGEST:,} characters: it was not run")
    return replace(cell, text=text[:LONGEST], note=f"{what} has more than {LONGEST:,} characters: the rest was cut off")


def fits(notebook: HandedIn, wanted: ProblemSet, others: list[ProblemSet]) -> HandedIn:
    """Add the problem of a notebook that answers another problem set, and notes on what had to be repaired."""
    if notebook.problem:
        return notebook
    notebook = _kinds_as_asked(notebook, wanted)
    names = defined(notebook)
    missing = [question for question in wanted.questions if not mentions(notebook, question, names)]
    found = len(wanted.questions) - len(missing)
    # Two problem sets may share a heading or the name of a function: the better fit decides.
    fit, likely = max(((_fit(notebook, other, names), other.name) for other in others), default=(0, ""))
    if fit > found or not found:
        looks = f": it looks like {likely}" if fit else ""
        return HandedIn(problem=f"this is not {wanted.name}{looks}", cells=notebook.cells)
    return replace(notebook, notes=(*notebook.notes, *_notes(notebook, wanted, missing)))


def _kinds_as_asked(notebook: HandedIn, wanted: ProblemSet) -> HandedIn:
    """Read the cell of an answer as what it was: a student may have changed its type by a key."""
    kinds = {q.id: "markdown" if isinstance(q, Explain) else "code" for q in wanted.questions}
    changed = [c for c in notebook.cells if c.kind != kinds.get(c.grade_id, c.kind)]
    cells = tuple(replace(cell, kind=kinds.get(cell.grade_id, cell.kind)) for cell in notebook.cells)
    notes = (f"the cell {c.grade_id} is {c.kind}, not {kinds[c.grade_id]}: it was read all the same" for c in changed)
    return replace(notebook, cells=cells, notes=(*notebook.notes, *notes))


def _fit(notebook: HandedIn, problem_set: ProblemSet, names: set[str]) -> int:
    return sum(mentions(notebook, question, names) for question in problem_set.questions)


def _notes(notebook: HandedIn, wanted: ProblemSet, missing: list[Question]) -> list[str]:
    ids = [cell.grade_id for cell in notebook.cells if cell.grade_id]
    lost = [question.id for question in wanted.questions if question.id not in ids and question not in missing]
    words = {question.id for question in wanted.questions if isinstance(question, Explain)}
    notes = [f"no cell answers {question.id}" for question in missing]
    if lost:
        notes.append(
            f"the metadata of {len(lost)} answers was lost ({', '.join(lost)}): they were found by their names"
        )
    for i in sorted({i for i in ids if ids.count(i) > 1}):
        counts = "all that was written counts" if i in words else "the last one counts"
        notes.append(f"the cell {i} stands in the notebook {ids.count(i)} times: {counts}")
    return notes


def mentions(notebook: HandedIn, question: Question, names: set[str]) -> bool:
    """Return whether a notebook has a cell for a question: by its id, by a name that it defines, or by its heading."""
    if any(cell.grade_id == question.id for cell in notebook.cells):
        return True
    if isinstance(question, Explain):
        return heading_of(notebook, question) is not None
    return not names.isdisjoint(request.name for request in question.requests())


def defined(notebook: HandedIn) -> set[str]:
    """Return the names that the code of a notebook defines."""
    return set().union(*map(names_in, notebook.code))


def names_in(source: str) -> set[str]:
    """Return the names that a source gives a value or a function, each on a line of its own."""
    return {match[1] or match[2] for match in _GIVEN.finditer(source)}


def heading_of(notebook: HandedIn, question: Question) -> int | None:
    """Return where the heading of a question stands."""
    return next((k for k, cell in enumerate(notebook.cells) if is_heading(cell, question)), None)


def is_heading(cell: Cell, question: Question) -> bool:
    """Return whether a cell holds the heading of a question, whatever its number."""
    return cell.kind == "markdown" and any(
        line.startswith("#") and line.rstrip().endswith(f" {question.title}") for line in cell.text.split("\n")
    )


def places(notebook: HandedIn) -> list[str]:
    """Say of each cell of code where its reader finds it: the answer that it is, or the heading above it."""
    found, heading = [], ""
    for cell in notebook.cells:
        if cell.kind == "code":
            found.append(f"the cell {cell.grade_id}" if cell.grade_id else f"a cell {heading or 'at the top'}")
        elif line := next((line for line in cell.text.split("\n") if line.startswith("#")), ""):
            heading = f'under "{line.strip("# ")[:80]}"'
    return found


def answers(notebook: HandedIn, question: Question) -> list[int]:
    """Return which cells of code answer a question, by its id, or by a name if no cell has that."""
    cells = [cell for cell in notebook.cells if cell.kind == "code"]
    marked = [k for k, cell in enumerate(cells) if cell.grade_id == question.id]
    names = {request.name for request in question.requests()}
    return marked or [k for k, cell in enumerate(cells) if not names.isdisjoint(names_in(cell.text))]
