"""The problem sets: each is a folder here, with a title, an introduction and its questions in order."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from random import Random

from .questions import ProblemSet, Question
from .variants import copyable, draws

NAMES = tuple(sorted(path.parent.name for path in Path(__file__).parent.glob("*/__init__.py")))
PUBLIC_SEED = 2026  # of the notebooks in this repository; a course that is graded for marks takes its own

Asks = Callable[[Random], Question]  # a function that draws one question


@lru_cache
def problem_set(name: str, seed: int | str = PUBLIC_SEED) -> ProblemSet:
    """Return a problem set as the seed draws it."""
    folder = import_module(f"{__package__}.{name}")
    return ProblemSet(name, folder.TITLE, folder.INTRO, drawn(name, seed, folder.QUESTIONS))


def drawn(name: str, seed: int | str, asked: Iterable[Asks]) -> tuple[Question, ...]:
    """Draw each question by its own name, so that one more or less changes no other, and number them in order."""
    found = [ask(draws(seed, f"{name}_{ask.__name__}")) for ask in asked]
    return tuple(replace(q, id=f"{name}_q{k}", text=copyable(q.text)) for k, q in enumerate(found, start=1))
