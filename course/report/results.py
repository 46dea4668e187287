"""What a submission came to, and the files that keep it: a run that was stopped goes on from them."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from ..intake.lms import Student
from ..problems.questions import Mark
from .files import save

OF_BEFORE = "not graded in this run: the marks are those of an earlier one"
OTHER_BASIS = f"{OF_BEFORE}, with another seed or other programs: grade the file again"


@dataclass
class Graded:
    """A graded submission.

    fingerprint: of all that the marks depend on.
    problem: why there are no marks at all; there is then no score, and never a 0.
    notes: what the instructor should know.
    written: the answers in words, by question.
    code: the other answers, by question.
    content: a digest of all cells: equal for two who handed in the same.
    basis: what the marks depend on beside the submission.
    saved: when the file was saved, as the folder or zip tells.
    """

    student: Student
    file: str
    fingerprint: str
    problem: str = ""
    notes: list[str] = field(default_factory=list)
    marks: dict[str, Mark] = field(default_factory=dict)
    written: dict[str, str] = field(default_factory=dict)
    code: dict[str, str] = field(default_factory=dict)
    content: str = ""
    basis: str = ""
    saved: str = ""

    @property
    def score(self) -> float | None:
        """The points given so far; None if there are none to give."""
        return None if self.problem else sum(mark.points or 0 for mark in self.marks.values())

    @property
    def slow(self) -> bool:
        """Whether something took too long: that may be the fault of what ran beside it."""
        said = self.notes + [reason for mark in self.marks.values() for reason in mark.reasons]
        return any("took longer than" in text for text in said)

    @property
    def to_read(self) -> list[str]:
        """The questions that still wait for a person's points."""
        return [question for question, mark in self.marks.items() if mark.points is None]

    def answer(self, question: str) -> str:
        """What was handed in for a question."""
        return self.written.get(question) or self.code.get(question, "")


def store(path: Path, graded: Graded) -> None:
    """Write a result so that a reader, or a run that is killed, never sees half of it."""
    save(path, json.dumps(asdict(graded), indent=1))


def load(path: Path) -> Graded | None:
    """Read a result; None if there is none that can be read."""
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        marks = {k: Mark(m["points"], tuple(m["reasons"]), tuple(m["recognised"])) for k, m in raw.pop("marks").items()}
        return Graded(Student(**raw.pop("student")), marks=marks, **raw)
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return None


def of_before(
    folder: Path, graded: Iterable[Graded], roster: Iterable[Student], basis: str
) -> tuple[list[Graded], list[str]]:
    """Return the results of students who are not in this batch, and sentences on those that cannot be used.

    Whoever was graded before the roster was given has a name of his own there: the same notebook counts once.
    """
    now = {each.student.key: each for each in graded}
    known = {student.key: student for student in roster}
    contents = {each.content for each in now.values()} - {""}
    found, problems = [], []
    for path in sorted(folder.glob("*.json")):
        result = load(path)
        if path.stem in now:
            continue
        if result is None:
            problems.append(f"{path}: this result of an earlier run cannot be read")
        elif known and result.student.key not in known and result.content in contents:
            problems.append(f"{path}: left out, it is the result of a notebook that is in this batch")
        else:
            notes = [*result.notes, OF_BEFORE if result.basis == basis else OTHER_BASIS]
            found.append(replace(result, student=known.get(result.student.key, result.student), notes=notes))
    return found, problems
