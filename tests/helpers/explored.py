"""Explorers without a page: moved as a learner moves them, and held against what must be so of every one."""

import random
from collections.abc import Callable, Iterator

import ipywidgets

from quantlib.lab.explore import Explorer

UNWRITTEN = "unwritten: it is not written yet. The picture shows quantlib's instead."


def sliders(explorer: Explorer) -> dict:
    """Return the controls that have a value to set."""
    return {name: each for name, each in explorer.controls.items() if not isinstance(each, ipywidgets.Button)}


def now(explorer: Explorer) -> list:
    return [control.value for control in sliders(explorer).values()]


def wander(explorer: Explorer, steps: int = 25, strides: tuple[int, ...] = (-10, -1, 1, 10)) -> Iterator[dict]:
    """Give the values of the sliders at both ends of each, and then on a random walk from where they are."""
    walk, controls = random.Random(0), sliders(explorer)
    for name, control in controls.items():
        for end in (control.min, control.max):
            yield {**{other: c.value for other, c in controls.items()}, name: end}
    for _ in range(steps):
        name, control = walk.choice(list(controls.items()))
        moved = min(max(control.value + walk.choice(strides) * control.step, control.min), control.max)
        yield {**{other: c.value for other, c in controls.items()}, name: moved}


def assert_agrees(explorer: Explorer, readout: Callable[..., str], steps: int = 25, whole: bool = False) -> None:
    """Assert that an explorer says, first or alone, what the readout says, wherever its sliders are."""
    for values in wander(explorer, steps):
        said = explorer.move(**values)
        due = readout(*now(explorer))
        assert said == due if whole else said.startswith(due), (said, due)
        assert said == explorer.picture.alt


def assert_redraws(make: Callable[[], Explorer]) -> None:
    """Assert that what is drawn on a kept background is what a new explorer draws, and that the ends are drawn."""
    walked, fresh = make(), make()
    start = {name: control.value for name, control in walked.controls.items()}
    for values in wander(walked, 3):
        walked.move(**values)
    for end in ("min", "max"):
        values = {name: getattr(control, end) for name, control in walked.controls.items()}
        walked.move(**values)
        assert (walked.picture.png == fresh.picture.png) == (values == start)
    walked.move(**start)
    assert walked.picture.png == fresh.picture.png


def assert_stands_in(make: Callable[..., Explorer]) -> None:
    """Assert that quantlib's own function is shown in the place of one that is not written, and that this is said."""

    def unwritten(*arguments): ...

    text = make(unwritten).picture.alt
    assert UNWRITTEN in text and text.startswith(make().picture.alt)
