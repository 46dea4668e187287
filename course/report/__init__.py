"""What is written at the end of grading: tables of scores, and pages to read."""

from pathlib import Path

from ..intake.lms import Student
from ..problems.questions import ProblemSet
from .files import save
from .results import Graded


def write(out: Path, graded: list[Graded], problem_set: ProblemSet, roster: list[Student], problems: list[str]) -> None:
    """Write the tables, a page for each student, and the summary into a folder."""
    from . import feedback, moodle, summary, tables  # with all that draws: a machine that only marks needs none of it

    rows = tables.lines(graded, roster)
    for table in (tables.scores, tables.canvas, tables.moodle):
        table(out / f"{table.__name__}.csv", rows, problem_set)
    for each in graded:
        save(out / "feedback" / f"{each.student.key}.html", feedback.student_page(each, problem_set))
    moodle.feedback_zip(out / "moodle_feedback.zip", graded, problem_set)
    save(out / "summary.html", summary.summary(rows, problem_set, problems))
