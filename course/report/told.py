"""What a student is told of errors, and the instructor of them: all of it short, and no hidden input in a page."""

import builtins
import re

from ..box.run import Outcome
from ..intake.notebook import HandedIn, answers, places
from ..problems.questions import Answer, Mark, Question

MOST_NOTES, LONGEST = 30, 300  # lines, and characters of one
_RAISED = re.compile(r"it raised (\w+)(: .*)?", re.DOTALL)
_DIGITS = 12  # that a sentence of the box needs at most: "it took longer than 10 s", "there is no my_store_2"
_PYTHONS = ("ModuleNotFoundError", "NameError", "SyntaxError", "IndentationError")


def without_inputs(answer: Answer) -> Answer:
    """Return an answer whose problem a student may read.

    The text of an exception may hold the input that the function was called with, and so may whatever else a
    submission makes the box say.
    """
    problem = answer.problem
    if match := _RAISED.fullmatch(problem):
        return Answer(answer.value, f"it raised {kind(match[1])}")
    if len(problem) > 120 or sum(c.isdecimal() for c in problem) > _DIGITS:
        return Answer(answer.value, "it gave no answer that can be read")
    return answer


def kind(name: str) -> str:
    """Return the name of an exception if it is Python's own: another one may be called anything."""
    known = getattr(builtins, name, None)
    return name if isinstance(known, type) and issubclass(known, BaseException) else "an error of its own kind"


def of_cells(outcome: Outcome, notebook: HandedIn) -> list[str]:
    """Return the notes of a box, each with the place of its cell: nobody counts cells of code."""
    where = places(notebook)
    return [f"{where[k]} {fault}" for k, fault in outcome.faults.items()] + outcome.others


def with_fault(mark: Mark, question: Question, outcome: Outcome, notebook: HandedIn) -> Mark:
    """Return a mark that tells, too, which error the cell of a wrong answer raised."""
    if mark.points is None or mark.points == question.points:
        return mark
    own, code = answers(notebook, question), notebook.code
    said = (f"the cell of your answer {of_a_cell(fault, code[k])}" for k, fault in outcome.faults.items() if k in own)
    return Mark(mark.points, (*dict.fromkeys(said), *mark.reasons), mark.recognised)


def of_a_cell(fault: str, source: str) -> str:
    """Return what a cell did in words that a student may read: what Python says of names that stand in the cell."""
    match = re.fullmatch(r"raised (\w+)(?:: (.*))?", fault, re.DOTALL)
    if not match:
        return fault
    text = re.sub(r" \(.*line \d+\)$", "", match[2] or "")
    names = re.findall(r"'([^']*)'", text)
    rest = re.sub(r"U\+[0-9A-F]{4}|'[^']*'", "", text)
    plain = match[1] in _PYTHONS and 0 < len(text) <= 100 and not re.search(r"\d", rest)
    shown = plain and all(name in source for name in names)
    return f"raised {kind(match[1])}: {text}" if shown else f"raised {kind(match[1])}"


def of_answers(question: Question, given: list[Answer]) -> list[str]:
    """Return what the instructor is told of a question: the exceptions with their texts."""
    raised = dict.fromkeys(answer.problem for answer in given if _RAISED.fullmatch(answer.problem))
    return [f"{question.id}: {problem}" for problem in list(raised)[:2]]


def limited(notes: list[str]) -> list[str]:
    """Return not too many notes, none of them long."""
    short = [note if len(note) <= LONGEST else f"{note[:LONGEST]} ..." for note in dict.fromkeys(notes)]
    more = len(short) - MOST_NOTES
    return [*short[:MOST_NOTES], f"and {more} more"] if more > 0 else short
