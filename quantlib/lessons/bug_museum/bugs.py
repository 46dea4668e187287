"""Every known mistake of every lesson, by the name of its function: `bugs.no_clamp`."""

from collections.abc import Sequence

from quantlib.lab.misconception import Misconception
from quantlib.lessons import all_exercises


def about(exercise: str) -> Sequence[Misconception]:
    """Return the mistakes that are known about an exercise."""
    return all_exercises()[exercise].known


globals().update({bug.function.__name__: bug for exercise in all_exercises().values() for bug in exercise.known})
