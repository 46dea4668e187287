"""What a student wrote for a question in words, wherever it stands."""

from collections.abc import Iterable, Iterator

from ..problems.questions import Explain, ProblemSet
from ..problems.texts import TEXT_STUB
from .notebook import Cell, HandedIn, heading_of, is_heading


def written_answer(notebook: HandedIn, question: Explain, wanted: ProblemSet) -> tuple[str, list[str]]:
    """Return an answer in words, and notes on where it was found.

    It is what stands in the cells of its id and, as people split cells and write into new ones, in cells without an id
    from its heading to the next question. Code there counts if there are no words at all: it may hold comments.
    """
    near = list(_near(notebook, question, wanted))
    own = {id(cell) for cell in notebook.cells if cell.grade_id == question.id}
    cells = [cell for cell in notebook.cells if id(cell) in own or any(cell is other for other in near)]
    answer = _joined(cell for cell in cells if cell.kind != "code")
    in_code = "" if answer else _joined(cells)
    if not answer and not in_code:
        return "", [f"{question.id}: nothing was written in its cell or below it"]
    elsewhere = own and not _joined(cell for cell in cells if id(cell) in own)
    return answer or in_code, [f"{question.id}: its cell is empty, the answer stands beside it"] if elsewhere else []


def _near(notebook: HandedIn, question: Explain, wanted: ProblemSet) -> Iterator[Cell]:
    """Give the cells without an id from the heading of a question, or from its own cell, to the next question."""
    own = [k for k, cell in enumerate(notebook.cells) if cell.grade_id == question.id]
    heading = heading_of(notebook, question)
    starts = [k for k in (heading, *own[:1]) if k is not None]
    for cell in notebook.cells[min(starts) + 1 :] if starts else ():
        if _is_next(cell, question, wanted):
            return
        if not cell.grade_id and cell.text.strip() != question.picture.strip():
            yield cell


def _is_next(cell: Cell, question: Explain, wanted: ProblemSet) -> bool:
    mine = not cell.grade_id or cell.grade_id == question.id or cell.grade_id.startswith(f"{question.id}_")
    return not mine or any(is_heading(cell, other) for other in wanted.questions if other.id != question.id)


def _joined(cells: Iterable[Cell]) -> str:
    texts = (cell.text.replace(TEXT_STUB, "").strip() for cell in cells)
    return "\n\n".join(text for text in texts if text)
