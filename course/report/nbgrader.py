"""Feedback as `nbgrader release_feedback` takes it: STUDENT/ASSIGNMENT/NOTEBOOK.html, with two files of the submission.

nbgrader finds the student to return a page to by submission_secret.txt, which its `submit` wrote beside the notebook.
"""

from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from ..intake.lms import Submission
from ..problems.questions import ProblemSet
from . import feedback
from .files import save, save_bytes
from .results import Graded

NEEDED = ("timestamp.txt", "submission_secret.txt")
LONGEST = 1000  # bytes of each


def write(
    out: Path, place: Path, submissions: Iterable[Submission], graded: Iterable[Graded], asked: ProblemSet
) -> int:
    """Write the pages of those whose submission nbgrader collected, and return how many there are."""
    results, count = {each.student.key: each for each in graded}, 0
    found = {each: _folder(place, each.path) for each in submissions}
    depth = min((len(folder.parts) for folder in found.values() if folder), default=0)
    for submission, folder in found.items():
        result = results.get(submission.student.key)
        # A folder that lies deeper is a student's own, and may bear anybody's name.
        if result and folder and len(folder.parts) == depth:
            to = out.joinpath(*folder.parts[-2:])
            for name in NEEDED:
                save_bytes(to / name, (place / folder / name).read_bytes())
            save(to / f"{submission.path.stem}.html", feedback.student_page(result, asked))
            count += 1
    return count


def _folder(place: Path, notebook: PurePosixPath) -> PurePosixPath | None:
    """Return the outermost folder of a notebook, at least STUDENT/ASSIGNMENT, that holds nbgrader's two files."""
    folders = [folder for folder in reversed(notebook.parents) if len(folder.parts) > 1]
    return next((f for f in folders if all(_is_plain(place / f / name) for name in NEEDED)), None)


def _is_plain(path: Path) -> bool:
    """Whether a student's file is one, short, and not a link to another."""
    return path.is_file() and not path.is_symlink() and path.stat().st_size <= LONGEST
