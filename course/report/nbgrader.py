"""Feedback as `nbgrader release_feedback` takes it: STUDENT/ASSIGNMENT/NOTEBOOK.html, with two files of the submission.

nbgrader finds the student to return a page to by submission_secret.txt, which its `submit` wrote beside the notebook.
"""

from collections.abc import Iterable
from pathlib import Path

from ..intake.lms import Submission
from ..problems.questions import ProblemSet
from . import feedback
from .results import Graded

NEEDED = ("timestamp.txt", "submission_secret.txt")
LONGEST = 1000  # bytes of each


def write(
    out: Path, place: Path, submissions: Iterable[Submission], graded: Iterable[Graded], asked: ProblemSet
) -> int:
    """Write the pages of those whose submission nbgrader collected, and return how many there are."""
    results, count = {each.student.key: each for each in graded}, 0
    for submission in submissions:
        beside = place / submission.path.parent
        result = results.get(submission.student.key)
        if result and len(submission.path.parts) > 2 and all(_is_plain(beside / name) for name in NEEDED):
            folder = out.joinpath(*submission.path.parts[-3:-1])
            folder.mkdir(parents=True, exist_ok=True)
            for name in NEEDED:
                (folder / name).write_bytes((beside / name).read_bytes())
            (folder / f"{submission.path.stem}.html").write_text(feedback.student_page(result, asked), encoding="utf-8")
            count += 1
    return count


def _is_plain(path: Path) -> bool:
    """Whether a student's file is one, short, and not a link to another."""
    return path.is_file() and not path.is_symlink() and path.stat().st_size <= LONGEST
