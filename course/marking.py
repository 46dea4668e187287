"""Mark one submission: from its bytes and a task of a few words to points and notes.

No file is read or written here, and nothing that draws is imported: any machine can do it that has a sandbox.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path

from .box import run as box
from .intake.lms import Submission
from .intake.notebook import HandedIn, answers, fits, read
from .intake.variant import PROBLEM, is_other
from .intake.words import written_answer
from .problems.catalogue import NAMES, problem_set
from .problems.questions import Explain, ProblemSet
from .report import told
from .report.results import Graded

# Programs that change no mark: they start this one, or write what comes of it.
_WRITERS = ("__init__", "feedback", "files", "manual", "nbgrader", "page", "summary", "tables")
WITHOUT_A_PART = ("cluster.py", "grade.py", "problems/notebook.py", *(f"report/{name}.py" for name in _WRITERS))


@dataclass(frozen=True)
class Task:
    """How a batch is graded, in a few words. Questions are programs: whoever marks draws the problem set anew."""

    name: str
    seed: int | str
    results: Path  # where this machine keeps them
    basis: str  # what a result depends on, beside the submission
    limits: box.Limits = field(default_factory=box.Limits)
    unprotected: bool = False

    @property
    def problem_set(self) -> ProblemSet:
        return problem_set(self.name, self.seed)

    @property
    def others(self) -> list[ProblemSet]:
        return [problem_set(name, self.seed) for name in NAMES if name != self.name]

    def fingerprint(self, content: bytes) -> str:
        """Return a text that changes with all that the marks depend on."""
        return hashlib.sha256(content + self.basis.encode()).hexdigest()


Marks = Callable[[Submission, Task], Graded]  # a function that marks, here or elsewhere


def basis(seed: int | str, programs: Path = Path(__file__).parent) -> str:
    """Return a text that changes with the seed and with any program of this folder that has a part in the marks."""
    digest = hashlib.sha256(str(seed).encode())
    for path in sorted(programs.rglob("*.py")):
        if path.relative_to(programs).as_posix() not in WITHOUT_A_PART:
            digest.update(path.read_bytes())
    return digest.hexdigest()


def marked(submission: Submission, task: Task) -> Graded:
    """Run a submission in its box, and mark what comes out."""
    content = submission.content
    notebook = _whole(content, task)
    graded = Graded(submission.student, submission.name, task.fingerprint(content), notebook.problem, basis=task.basis)
    graded.notes = [*submission.notes, *notebook.notes]
    graded.content = _digest(notebook)
    if not graded.problem:
        _mark(graded, notebook, task)
    graded.notes = told.limited(graded.notes)
    return graded


def _whole(content: bytes, task: Task) -> HandedIn:
    """Read a notebook, and say what keeps it from being marked."""
    notebook = fits(read(content), task.problem_set, task.others)
    if not notebook.problem and is_other(notebook, task.problem_set):
        return replace(notebook, problem=PROBLEM)
    return notebook


def _digest(notebook: HandedIn) -> str:
    texts = [cell.text.strip() for cell in notebook.cells]
    return hashlib.sha256(json.dumps(texts).encode()).hexdigest()


def _mark(graded: Graded, notebook: HandedIn, task: Task) -> None:
    questions = task.problem_set.questions
    requests = [question.requests() for question in questions]
    outcome = box.run(notebook.code, list(chain(*requests)), task.limits, unprotected=task.unprotected)
    graded.notes += told.of_cells(outcome, notebook)
    rest = iter(outcome.answers)
    for question, asked in zip(questions, requests, strict=True):
        given = [next(rest) for _ in asked]
        mark = question.mark([told.without_inputs(answer) for answer in given])
        graded.marks[question.id] = told.with_fault(mark, question, outcome, notebook)
        graded.notes += told.of_answers(question, given)
        if isinstance(question, Explain):
            graded.written[question.id], notes = written_answer(notebook, question, task.problem_set)
            graded.notes += notes
        else:
            graded.code[question.id] = "\n\n".join(notebook.code[k] for k in answers(notebook, question))
