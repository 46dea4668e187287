"""Scores as tables: for people, and as Canvas and Moodle take them.

Each row keeps the roster's own columns, so that the LMS can match the student. A student without marks has an empty
score there, never a 0.
"""

from collections.abc import Iterable
from pathlib import Path

from ..intake.lms import Student
from ..problems.questions import ProblemSet
from .files import save_table, shielded
from .results import Graded

Row = tuple[Student, Graded | None]


def lines(graded: Iterable[Graded], roster: list[Student]) -> list[Row]:
    """Pair the students with their results: the whole roster, and then who is not on it."""
    by_key = {each.student.key: each for each in graded}
    listed = {student.key for student in roster}
    strangers = [each.student for key, each in by_key.items() if key not in listed]
    return [(student, by_key.get(student.key)) for student in [*roster, *strangers]]


def status(graded: Graded | None) -> str:
    """Say in a few words where a student's marks stand."""
    if graded is None:
        return "nothing was handed in"
    if graded.problem:
        return f"no marks: {graded.problem}"
    return f"to be read: {', '.join(graded.to_read)}" if graded.to_read else "graded"


def number(points: float | None) -> str:
    return "" if points is None else f"{points:g}"


def scores(path: Path, rows: list[Row], problem_set: ProblemSet) -> None:
    """Write all there is: a column for each question, with its points in the heading."""
    questions = [f"{question.id} (of {question.points})" for question in problem_set.questions]
    heads = ("Name", "Number", "Login", "Status", f"Total (of {problem_set.points})", *questions, "Mistakes", "Notes")
    save_table(path, heads, [_all(student, graded, problem_set) for student, graded in rows])


def _all(student: Student, graded: Graded | None, problem_set: ProblemSet) -> list[str]:
    marks = [graded.marks.get(question.id) if graded else None for question in problem_set.questions]
    mistakes = sorted({mistake for mark in marks if mark for mistake in mark.recognised})
    cells = [
        *(student.name, student.number, student.login, status(graded), number(graded.score if graded else None)),
        *(number(mark.points) if mark else "" for mark in marks),
        *("; ".join(mistakes), "; ".join(graded.notes) if graded else ""),
    ]
    return [shielded(cell) for cell in cells]


def waiting(rows: Iterable[Row]) -> int:
    """Count the answers that still wait for a person: without them a score is not whole."""
    return sum(len(graded.to_read) for _, graded in rows if graded)


def canvas(path: Path, rows: list[Row], problem_set: ProblemSet) -> None:
    """Write the table that Canvas imports into its gradebook. A new column makes a new assignment there.

    While answers wait to be read, the column says so: these scores are not yet whole.
    """
    column = f"{problem_set.title} (not all answers read)" if waiting(rows) else problem_set.title
    known = ("ID", "SIS User ID", "SIS Login ID", "Section")
    body = [_canvas(student, graded, known) for student, graded in rows]
    points = ("    Points Possible", "", "", "", "", number(problem_set.points))
    save_table(path, ("Student", *known, column), [points, *body])


def _canvas(student: Student, graded: Graded | None, known: Iterable[str]) -> list[str]:
    return [
        shielded(student.row.get("Student", student.name)),
        *(student.row.get(column, student.number if column == "ID" else "") for column in known),
        number(graded.score if graded else None),
    ]


# What Moodle wants to find: the first, "Grade" and "Last modified (grade)". See mod/assign/feedback/offline.
_MOODLE = ("Identifier", "Full name", "Email address", "Status", "Grade", "Maximum grade", "Last modified (grade)")


def moodle(path: Path, rows: list[Row], problem_set: ProblemSet) -> None:
    """Write the grading worksheet of the assignment as it was, with grades. Moodle passes over an empty one."""
    known = [student.row for student, _ in rows if "Identifier" in student.row]
    heads = list(dict.fromkeys([*(known[0] if known else ()), *_MOODLE]))
    lines = (_moodle(student, graded, problem_set) for student, graded in rows)
    save_table(path, heads, [[line.get(head, "") for head in heads] for line in lines])


def _moodle(student: Student, graded: Graded | None, problem_set: ProblemSet) -> dict[str, str]:
    own = (f"Participant {student.number}", student.name, student.email, "", "", number(problem_set.points), "-")
    score = number(graded.score if graded else None)
    line = dict(zip(_MOODLE, own, strict=True)) | (student.row if "Identifier" in student.row else {})
    return line | {"Full name": shielded(line["Full name"]), "Grade": score}
