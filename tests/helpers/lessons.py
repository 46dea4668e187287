"""What the tests know of all lessons: found in the lessons, and in the test file that each of them has.

A test file says, where there is something to say:
    READOUTS: for each explorer of the notebook, in its order, a function of the controls' values that returns what the
        readout must contain, computed without the explorer.
    WRITTEN: for each exercise, by the name of a mistake, lines that return what a learner with it returns.
    BEFORE: for each exercise, what such lines take for granted: names and their expressions.
    GIVEN: what the lesson's explorers must be given beside T, by the parameter's name.
"""

import math
from collections.abc import Callable
from importlib import import_module
from typing import Any

import torch

from quantlib import lessons
from quantlib.data import T

LESSONS = {name: import_module(f"quantlib.lessons.{name}") for name in lessons.names()}
TESTS = {name: import_module(f"tests.lessons.test_{name}") for name in LESSONS}
EXERCISES = lessons.all_exercises()


def gathered(table: str) -> dict[str, Any]:
    """Return a table of all test files as one."""
    return {key: value for test in TESTS.values() for key, value in getattr(test, table, {}).items()}


WRITTEN, BEFORE, GIVEN = gathered("WRITTEN"), gathered("BEFORE"), {"x": T, "w": T} | gathered("GIVEN")
READOUTS = {name: getattr(test, "READOUTS", []) for name, test in TESTS.items()}

NAMES = {"torch": torch, "math": math, "int8": torch.int8}


def learner(exercise: str, line: str) -> Callable[..., Any]:
    """Return the function of a learner who writes this line."""

    def mine(*arguments: Any) -> Any:
        known = NAMES | dict(zip(EXERCISES[exercise].parameters, arguments, strict=True))
        for name, expression in BEFORE.get(exercise, {}).items():
            known[name] = eval(expression, known)
        return eval(line, known)

    return mine


def offered(kind: str) -> dict[str, Callable[..., Any]]:
    """Return what all lessons offer whose names begin with "explore_", or with "check_"."""
    found = (item for lesson in LESSONS.values() for item in vars(lesson).items())
    return {name: function for name, function in found if name.startswith(kind)}


EXPLORERS, CHECKS = offered("explore_"), offered("check_")
