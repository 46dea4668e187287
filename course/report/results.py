"""What a submission came to, and the files that keep it: a run that was stopped goes on from them."""

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path

from ..intake.lms import Student
from ..problems.questions import Mark


@dataclass
class Graded:
    """A graded submission.

    fingerprint: of all that the marks depend on.
    problem: why there are no marks at all; there is then no score, and never a 0.
    notes: what the instructor should know.
    written: the answers in words, by question.
    """

    student: Student
    file: str
    fingerprint: str
    problem: str = ""
    notes: list[str] = field(default_factory=list)
    marks: dict[str, Mark] = field(default_factory=dict)
    written: dict[str, str] = field(default_factory=dict)

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


def store(path: Path, graded: Graded) -> None:
    """Write a result so that a reader, or a run that is killed, never sees half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(json.dumps(asdict(graded), indent=1), encoding="utf-8")
    os.replace(part, path)


def load(path: Path) -> Graded | None:
    """Read a result; None if there is none that can be read."""
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        marks = {k: Mark(m["points"], tuple(m["reasons"]), tuple(m["recognised"])) for k, m in raw.pop("marks").items()}
        return Graded(Student(**raw.pop("student")), marks=marks, **raw)
    except (OSError, ValueError, LookupError, TypeError):
        return None
