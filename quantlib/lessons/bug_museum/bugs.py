"""Every known mistake of every lesson, and the museum's own bugs, by the name of the function: `bugs.no_clamp`."""

from collections.abc import Sequence

from quantlib.lab.misconception import Misconception
from quantlib.lessons import all_exercises

from .cards import CARDS


def about(exercise: str) -> Sequence[Misconception]:
    """Return the mistakes that are known about an exercise."""
    return all_exercises()[exercise].known


globals().update({bug.function.__name__: bug for exercise in all_exercises().values() for bug in exercise.known})
globals().update(CARDS)
