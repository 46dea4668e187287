"""The points that a person gives: a table to fill in. What a person wrote there stays, whatever is graded later."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ..intake import table
from ..intake.errors import CourseError
from ..problems.questions import Explain, Mark, ProblemSet, Question
from .files import save_table, shielded
from .results import Graded

COLUMNS = ("student", "question", "points", "of", "remark", "changed", "answer", "digest")
CHANGED = "the answer changed after these points were given"


@dataclass
class _Sheet:
    """The table as it stands: its rows in a person's order, and a person's own columns."""

    path: Path
    rows: list[table.Row]

    def __post_init__(self) -> None:
        self.by_answer: dict[tuple[str, str], table.Row] = {}
        for row in self.rows:
            key = _key(row)
            twin = self.by_answer.get(key)
            if twin and all(key) and twin["points"].strip() != row["points"].strip():
                raise CourseError(f"{self.where(row)} has other points than line {twin.line}: delete one of the two")
            self.by_answer.setdefault(key, row)

    def where(self, row: table.Row) -> str:
        student, question = _key(row)
        return f"{self.path.name}, line {row.line}: {student or 'nobody'}, {question or 'no question'}"

    def row_of(self, graded: Graded, question: Question) -> table.Row | None:
        """Return the line of an answer; a new one for words that have none."""
        key = graded.student.key, question.id
        if key not in self.by_answer and isinstance(question, Explain):
            row = table.Row(dict.fromkeys(COLUMNS, "") | {"student": key[0], "question": key[1]})
            self.rows.append(row)
            self.by_answer[key] = row
        return self.by_answer.get(key)

    def save(self) -> None:
        columns = list(dict.fromkeys([*COLUMNS, *(head for row in self.rows for head in row)]))
        if self.rows:
            save_table(self.path, columns, [[row.get(head, "") for head in columns] for row in self.rows])


def merge(path: Path, graded: Iterable[Graded], problem_set: ProblemSet) -> list[str]:
    """Take over the points that a person has given, and write the table with a line for each answer to be read.

    A line for a question that a program marks overrides its points; it needs a remark. Return what a person should
    know: points that count for nobody.

    Raises:
        CourseError: if a cell of points holds no number from 0 to the question's points. Nothing is written then.
    """
    sheet, used = _Sheet(path, _rows(path)), set()
    for each in graded:
        for question in problem_set.questions if not each.problem else ():
            row = sheet.row_of(each, question)
            if row is not None:
                used.add(_key(row))
                _take(sheet, row, each, question)
    sheet.save()
    left = [row for row in sheet.rows if row["points"].strip() and _key(row) not in used]
    return [f"{sheet.where(row)}: these points count for nobody, no such answer has marks" for row in left]


def _rows(path: Path) -> list[table.Row]:
    rows = table.read(path, COLUMNS) if path.exists() else []
    missing = [head for head in ("student", "question", "points") if rows and head not in rows[0]]
    if missing:
        raise CourseError(f'{path.name} has no column "{missing[0]}": put it back, or delete the file to begin anew')
    return rows


def _key(row: table.Row) -> tuple[str, str]:
    return row["student"].strip(), row["question"].strip()


def _take(sheet: _Sheet, row: table.Row, graded: Graded, question: Question) -> None:
    """Give a row's points to its answer, and show the answer in the row."""
    points, remark = _points(sheet, row, question), row.get("remark", "").strip()
    answer = graded.answer(question.id)
    if points is not None:
        _follow_changes(row, answer, graded, question)
        graded.marks[question.id] = _mark(sheet, row, graded.marks[question.id], points, remark)
    row.update(of=str(question.points), answer=shielded(answer), digest=digest(answer))


def _mark(sheet: _Sheet, row: table.Row, before: Mark, points: float, remark: str) -> Mark:
    if before.points is None:
        return Mark(points, (remark,) if remark else ())
    if not remark:
        raise CourseError(
            f'{sheet.where(row)}: to override a program\'s points, give the reason in the column "remark"'
        )
    return Mark(points, (f"{points:g} points were given by hand: {remark}", *before.reasons), before.recognised)


def _follow_changes(row: table.Row, answer: str, graded: Graded, question: Question) -> None:
    """Keep the points of an answer that has changed, and say so until a person empties the cell."""
    if row.get("digest", "").strip() not in ("", digest(answer)):
        row["changed"] = CHANGED
    if row.get("changed", "").strip():
        graded.notes.append(f'{question.id}: {CHANGED}; read it again, and empty its cell "changed" in manual.csv')


def digest(answer: str) -> str:
    """Return a short name of an answer. Spaces make no other one, and no spreadsheet takes it for a number."""
    return f"d{hashlib.sha256(' '.join(answer.split()).encode('utf-8', 'replace')).hexdigest()[:12]}"


def _points(sheet: _Sheet, row: table.Row, question: Question) -> float | None:
    text = row["points"].strip()
    if not text:
        return None
    try:
        points = float(text.replace(",", "."))
    except ValueError:
        points = -1.0
    if not 0 <= points <= question.points:
        raise CourseError(
            f"{sheet.where(row)} has from 0 to {question.points} points, and {row['points']!r} is written there"
        )
    return points
