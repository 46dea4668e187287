"""A pointer on a picture: what is grabbed follows it, controls stay in their ranges, and all is well without it."""

import sys
from dataclasses import dataclass

import pytest

from quantlib.lab import page
from quantlib.lab.explore import Explorer, Scene, Slider, View
from quantlib.lab.panel import Panel
from quantlib.lab.touch import Touch


@dataclass(frozen=True)
class PointView(View):
    a: float
    k: int


class Map(Panel):
    """Two numbers as a point; the left half can be grabbed."""

    def __init__(self, axes):
        super().__init__(axes, xlim=(0, 10), ylim=(-5, 5))
        self._dot = self.dot("black")

    def update(self, view):
        self._dot.set_data([view.a], [view.k])

    def grab(self, view, x, y):
        return (lambda x, y: {"a": x, "k": y}) if x < 5 else None


class Still(Panel):
    def update(self, view):
        self.title.text = f"{view.a}"


def explore_map(drawn=None):
    sliders = [Slider("a", "value a", 2.0, 1.0, 9.0, 0.25), Slider("k", "code k", 0, -4, 4, 1)]

    def compute(a, k):
        if drawn is not None:
            drawn.append((a, k))
        return PointView(a, k)

    def lay_out(figure):
        return [Still(figure.add_axes((0.1, 0.7, 0.8, 0.2))), Map(figure.add_axes((0.1, 0.1, 0.8, 0.5)))]

    return Explorer(sliders, compute, Scene((4, 4), lay_out), lambda view: f"a = {view.a} and k = {view.k}.")


def at(a, k):
    """Return where a point of the map is, in fractions of the picture."""
    return 0.1 + 0.8 * a / 10, 0.1 + 0.5 * (k + 5) / 10


def test_what_is_pressed_follows_the_pointer_in_steps_of_the_sliders():
    explorer = explore_map()
    explorer.touched(*at(3.1, 1.2), True)
    assert explorer.picture.alt == "a = 3.0 and k = 1."
    explorer.touched(*at(3.9, -2.6), False)
    assert (explorer.controls["a"].value, explorer.controls["k"].value) == (4.0, -3)
    assert explorer.picture.alt == "a = 4.0 and k = -3." and explorer.page.value.count("a = 4.0 and k = -3.") == 2


@pytest.mark.parametrize(("x", "y", "values"), [(-9, 99, (1.0, 4)), (99, -99, (9.0, -4))])
def test_a_pointer_beyond_the_picture_stops_at_the_ends_of_the_sliders(x, y, values):
    explorer = explore_map()
    explorer.touched(*at(3, 0), True)
    explorer.touched(x, y, False)
    assert (explorer.controls["a"].value, explorer.controls["k"].value) == values


@pytest.mark.parametrize("place", [at(7, 0), (0.5, 0.8), (0.02, 0.02)], ids=["not to grab", "another panel", "margin"])
def test_elsewhere_nothing_is_grabbed_and_nothing_follows(place):
    explorer = explore_map()
    explorer.touched(*at(3, 1), True)
    explorer.touched(*place, True)
    explorer.touched(*at(1, 4), False)
    assert explorer.picture.alt == "a = 3.0 and k = 1."


def test_several_controls_move_in_one_picture():
    drawn = []
    explorer = explore_map(drawn)
    assert explorer.picture
    explorer.touched(*at(4, 3), True)
    explorer.touched(*at(4, 3), False)
    assert drawn == [(2.0, 0), (4.0, 3)]


def test_the_page_tells_a_press_from_a_move():
    seen = []
    touch = Touch([(0.1, 0.1, 0.9, 0.6)], lambda *point: seen.append(point))
    for point in ([0.5, 0.5, 1, 0.5, 0.5], [0.6, 0.5, 1, 0.5, 0.5], [0.3, 0.2, 2, 0.2, 0.1]):
        touch.point = point
    first = [(0.5, 0.5, True), (0.5, 0.5, False), (0.6, 0.5, False)]
    assert seen == [*first, (0.2, 0.1, True), (0.3, 0.2, False)]  # a press whose own message was lost is made up for
    assert touch.areas == [[0.1, 0.1, 0.9, 0.6]]


@pytest.fixture
def displayed(monkeypatch):
    shown = []
    monkeypatch.setattr(page, "display", lambda data, raw: shown.append(data))
    return shown


def test_what_follows_the_pointer_is_an_output_of_its_own(displayed):
    explore_map()._ipython_display_()
    assert len(displayed) == 3


def test_without_its_package_the_sliders_stay(displayed, monkeypatch):
    monkeypatch.delitem(sys.modules, "quantlib.lab.touch")
    monkeypatch.setitem(sys.modules, "anywidget", None)
    explorer = explore_map()
    explorer._ipython_display_()
    assert len(displayed) == 2
    assert explorer.move(a=4.0) == "a = 4.0 and k = 0."


def test_a_picture_that_cannot_be_touched_has_no_second_output(displayed):
    def lay_out(figure):
        return [Still(figure.add_axes((0.1, 0.7, 0.8, 0.2)))]

    explorer = Explorer(
        [Slider("a", "value a", 2.0, 1.0, 9.0, 0.25)], lambda a: PointView(a, 0), Scene((4, 4), lay_out), str
    )
    explorer._ipython_display_()
    assert len(displayed) == 2
