"""What tests let the workers of a cluster do; they import it by its name."""

import os
import signal

from course.box import walls
from course.report.results import Graded


def dies_once(submission, task):
    """Mark nothing, and end the worker the first time that one is here."""
    if not (died := task.results.parent / "died").exists():
        died.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return Graded(submission.student, submission.name, task.fingerprint(submission.content))


def look_for_programs_in(path):
    """Change where this worker finds bubblewrap, and return where it was found."""
    before, os.environ["PATH"] = os.environ["PATH"], path
    walls.look.cache_clear()
    return before
