"""What learners write, as they write it, is recognised: one or more lines for every name of a misconception."""

import pytest

from tests.helpers.lessons import EXERCISES, WRITTEN, learner

LINES = [(name, mistake, line) for name, table in WRITTEN.items() for mistake, lines in table.items() for line in lines]


@pytest.mark.parametrize(("exercise", "mistake", "line"), [row for row in LINES if row[0] in EXERCISES])
def test_what_a_learner_writes_is_recognised(exercise, mistake, line):
    verdict = EXERCISES[exercise].check(learner(exercise, line))
    assert verdict.status == "wrong" and mistake in verdict.misconceptions, verdict
    alone = mistake not in ("no clamp before the cast", "cast before adding z")
    assert len(verdict.misconceptions) == (1 if alone else 2)


def test_every_misconception_has_been_written():
    for name, exercise in EXERCISES.items():
        assert set(WRITTEN[name]) == {m.name for m in exercise.known}
