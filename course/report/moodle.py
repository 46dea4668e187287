"""Feedback as Moodle's "Upload multiple feedback files in a zip" takes it: a folder a student, with the page in it.

Moodle finds the student by the number behind the name, and keeps the page beside the grade. Source: the names that
mod/assign/feedback/file/importziplib.php of Moodle 4 and 5 reads, NAME_NUMBER_assignsubmission_file_.
"""

import io
import zipfile
from collections.abc import Iterable
from pathlib import Path

from ..problems.questions import ProblemSet
from . import feedback
from .files import save_bytes
from .results import Graded

_MADE = (1980, 1, 1, 0, 0, 0)  # of every page: the same marks give the same zip


def feedback_zip(path: Path, graded: Iterable[Graded], problem_set: ProblemSet) -> None:
    """Write the pages of all students with a number; where nobody has one, nothing."""
    numbered = [each for each in graded if each.student.number.isdecimal()]
    if not numbered:
        return
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for each in numbered:
            entry = zipfile.ZipInfo(f"{_folder(each)}/{problem_set.name}_feedback.html", _MADE)
            archive.writestr(entry, feedback.student_page(each, problem_set), zipfile.ZIP_DEFLATED)
    save_bytes(path, content.getvalue())


def _folder(graded: Graded) -> str:
    """Return the name of a student's folder: Moodle splits it at underscores, and a path at slashes."""
    name = "".join(" " if c in "_/\\" or not c.isprintable() else c for c in graded.student.name)
    return f"{name.strip(' .') or 'Participant'}_{graded.student.number}_assignsubmission_file_"
