"""What is written at the end of grading: tables of scores, and pages to read."""

from pathlib import Path

from ..intake.lms import Student
from ..problems.questions import ProblemSet
from . import feedback, tables
from .results import Graded


def write(out: Path, graded: list[Graded], problem_set: ProblemSet, roster: list[Student], problems: list[str]) -> None:
    """Write the tables, a page for each student, and the summary into a folder."""
    rows = tables.lines(graded, roster)
    out.mkdir(parents=True, exist_ok=True)
    for table in (tables.scores, tables.canvas, tables.moodle):
        table(out / f"{table.__name__}.csv", rows, problem_set)
    (out / "feedback").mkdir(exist_ok=True)
    for each in graded:
        page = feedback.student_page(each, problem_set)
        (out / "feedback" / f"{each.student.key}.html").write_text(page, encoding="utf-8")
    (out / "summary.html").write_text(feedback.summary(rows, problem_set, problems), encoding="utf-8")
