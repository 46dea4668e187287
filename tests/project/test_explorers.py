"""Every explorer, as its notebook shows it, says what quantlib computes, wherever its sliders are."""

import random

import ipywidgets
import pytest

from tests.helpers.drawn import run
from tests.helpers.lessons import READOUTS
from tools import project

STEPS = 20


def clip(value, control):
    return min(max(value, control.min), control.max)


@pytest.mark.parametrize("path", project.notebooks(), ids=lambda path: path.stem)
def test_a_readout_agrees_with_quantlib_at_both_ends_and_on_a_random_walk(path):
    walk = random.Random(path.stem)
    for explorer, readout in zip(run(path).explorers, READOUTS[project.lesson_of(path)], strict=True):
        buttons = {name: each for name, each in explorer.controls.items() if isinstance(each, ipywidgets.Button)}
        sliders = [each for name, each in explorer.controls.items() if name not in buttons]
        explorer.move(**dict.fromkeys(buttons, 0))
        moves = [(control, end) for control in sliders for end in (control.min, control.max)]
        moves += [(walk.choice(sliders), walk.choice([-10, -1, 1, 10])) for _ in range(STEPS)]
        for k, (control, to) in enumerate(moves):
            control.value = to if k < 2 * len(sliders) else clip(control.value + to * control.step, control)
            assert readout(*(round(each.value, 6) for each in sliders)) in explorer.picture.alt
