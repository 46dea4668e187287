"""One package for each notebook, of the same name; no lesson imports another.

A lesson's `exercises` module holds its exercises, its other modules hold its explorers and pictures.
"""

from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pkgutil import iter_modules

from ..lab.exercise import Exercise


def names() -> list[str]:
    """Return the names of all lessons."""
    return [module.name for module in iter_modules(__path__) if module.ispkg]


def exercises_of(lesson: str) -> dict[str, Exercise]:
    """Return the exercises of a lesson by their names."""
    module = f"{__name__}.{lesson}.exercises"
    found = vars(import_module(module)).values() if find_spec(module) else ()
    return {exercise.name: exercise for exercise in found if isinstance(exercise, Exercise)}


@cache
def all_exercises() -> dict[str, Exercise]:
    """Return the exercises of all lessons by their names."""
    return {name: exercise for lesson in names() for name, exercise in exercises_of(lesson).items()}
