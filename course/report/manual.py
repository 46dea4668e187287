"""The points that a person gives: a table to fill in, which is never overwritten where it is filled."""

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ..intake.errors import CourseError
from ..problems.questions import Explain, Mark, ProblemSet
from .results import Graded

COLUMNS = ("student", "question", "points", "of", "remark", "answer")


def merge(path: Path, graded: Iterable[Graded], problem_set: ProblemSet) -> None:
    """Take over the points that a person has given, and write the table with a line for each answer to be read.

    Raises:
        CourseError: if a cell of points holds no number from 0 to the question's points. Nothing is written then.
    """
    questions = [question for question in problem_set.questions if isinstance(question, Explain)]
    given = {(row["student"], row["question"]): row for row in _rows(path)}
    rows = []
    for each in graded:
        for question in questions if not each.problem else ():
            row = given.get((each.student.key, question.id), {})
            text, remark = row.get("points", ""), row.get("remark", "")
            points = _points(text, question, path)
            if points is not None:
                each.marks[question.id] = Mark(points, (remark,) if remark else ())
            answer = shielded(each.written.get(question.id, ""))
            rows.append((each.student.key, question.id, text, question.points, remark, answer))
    if rows:
        write(path, COLUMNS, rows)


def _rows(path: Path) -> list[dict[str, str]]:
    if not path.exists():
        return []
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def _points(text: str, question: Explain, path: Path) -> float | None:
    if not text.strip():
        return None
    try:
        points = float(text)
    except ValueError:
        points = -1.0
    if not 0 <= points <= question.points:
        raise CourseError(
            f"{path}: {question.id} has from 0 to {question.points} points, and {text!r} is written there"
        )
    return points


def write(path: Path, columns: Iterable[str], rows: Iterable[Iterable[Any]]) -> None:
    """Write a table that Excel, too, reads as UTF-8."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(rows)


def shielded(text: str) -> str:
    """Return a student's text so that a spreadsheet shows it: one that begins like a formula would be run."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
