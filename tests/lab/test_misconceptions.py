"""Each misconception is named, explained, and wrong in the way that it says."""

import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from quantlib import lessons
from quantlib.lab.misconception import Misconception
from quantlib.lessons.bug_museum import bugs
from tests.helpers.lessons import EXERCISES

ROOT = Path(__file__).parents[2]
ALL = [(name, m) for name, exercise in EXERCISES.items() for m in exercise.known]
every = pytest.mark.parametrize(("exercise", "m"), ALL, ids=[f"{name}-{m.function.__name__}" for name, m in ALL])


@every
def test_a_misconception_has_a_short_name_one_sentence_and_a_hint(exercise, m):
    assert 3 <= len(m.name) <= 40 and m.name[-1] not in ".!?"
    assert m.says and m.says[-1] == "." and "\n" not in m.says and not re.search(r"\. [A-Z]", m.says)
    assert m.hint and m.hint[-1] in ".?" and "\n" not in m.hint


@every
def test_a_misconception_is_found_under_the_name_of_its_function(exercise, m):
    assert getattr(bugs, m.function.__name__) is m


def test_what_shares_a_name_in_one_exercise_shares_its_hint():
    for known in (exercise.known for exercise in EXERCISES.values()):
        assert len({(m.name, m.hint) for m in known}) == len({m.name for m in known})


def test_the_museum_has_every_misconception():
    listed = {id(m) for _, m in ALL}
    assert {id(m) for m in vars(bugs).values() if isinstance(m, Misconception)} == listed
    assert len(listed) == len(ALL)


def test_every_exercise_knows_mistakes_and_its_own_alone():
    for name in lessons.names():
        exercises = lessons.exercises_of(name)
        if exercises:
            known = import_module(f"quantlib.lessons.{name}.mistakes").known
            assert {name: exercise.known for name, exercise in exercises.items()} == known


def test_no_two_exercises_share_a_name():
    assert sum(len(lessons.exercises_of(name)) for name in lessons.names()) == len(EXERCISES)


def test_the_import_of_a_lesson_builds_no_other_ones_cases():
    code = "import sys; from quantlib.lessons import granularity; print(*sys.modules)"
    modules = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT).stdout.split()
    assert {m for m in modules if m.endswith(".exercises")} == {"quantlib.lessons.granularity.exercises"}
