"""The explorer engine and the explorers: every slider to both ends, random walks, and learners' functions."""

import json
import math
import random
from types import SimpleNamespace

import pytest
import torch

from quantlib import fake_quantize, l2_error, quantize
from quantlib.lab import explore, page
from quantlib.lab.explore import Choice, Explorer, Slider, nearest
from quantlib.lab.words import number
from quantlib.lessons.affine_formula.explorer import explore_affine
from quantlib.lessons.error_norms.exercises import l2
from quantlib.lessons.error_norms.landscape import explore_landscape
from quantlib.lessons.start_here.explorer import explore_range
from tests.helpers.strategies import SEED as T
from tests.lessons.test_affine_formula import expected_norm, of_weights
from tests.lessons.test_start_here import expected_range

EXPLORERS = {"seed": lambda: (explore_affine(T), T), "weights": of_weights}


@pytest.fixture(scope="module", params=EXPLORERS)
def explorer(request):
    return EXPLORERS[request.param]()


def test_readout_agrees_with_quantlib_at_every_end(explorer):
    explorer, x = explorer
    s, z = explorer.controls["s"], explorer.controls["z"]
    for at_s in (s.min, s.max):
        for at_z in (z.min, z.max):
            assert expected_norm(x, at_s, at_z) in explorer.move(s=at_s, z=at_z)


def test_readout_agrees_with_quantlib_on_a_random_walk(explorer):
    explorer, x = explorer
    walk = random.Random(0)
    for _ in range(50):
        name = walk.choice(["s", "z"])
        control = explorer.controls[name]
        step = walk.choice([-10, -1, 1, 10]) * control.step
        value = min(max(control.value + step, control.min), control.max)
        text = explorer.move(**{name: value})
        assert expected_norm(x, explorer.controls["s"].value, explorer.controls["z"].value) in text
        assert text == explorer.picture.alt


def test_picture_and_text_reach_the_page_in_one_update():
    explorer = explore_affine(T)
    updates = []
    explorer.page.observe(lambda change: updates.append(change["new"]), "value")
    text = explorer.move(z=-100)
    assert len(updates) == 1 and updates[0].count(text) == 2  # the alternative text and the readout


def test_blitting_draws_what_a_full_redraw_draws():
    moved, fresh = explore_affine(T), explore_affine(T, scale=Slider("s", "scale s", 3.5, 0.5, 8.0, 0.1))
    moved.move(s=1.0, z=100)
    moved.move(s=3.5, z=-70)
    assert moved.picture.png == fresh.picture.png


def test_a_learners_function_drives_the_picture():
    def my_quantize(x, s, z):
        return torch.zeros_like(x, dtype=torch.int8)

    mine = explore_affine(T, my_quantize)
    assert f"Norm of the error: {l2_error(T, torch.full_like(T, 245.0)):.4f}" in mine.picture.alt
    assert mine.picture.png != explore_affine(T).picture.png


def test_stretching_the_largest_value_stretches_the_ruler():
    explorer = explore_range(T)
    stretch = explorer.controls["f"]
    for f in (stretch.min, 1.25, stretch.max):
        assert expected_range(f) in explorer.move(f=f)


def test_a_learners_step_drives_the_ruler_and_a_bad_one_does_not():
    def my_step(x):
        return 10.0

    assert "s = 10 and z =" in explore_range(T, my_step).picture.alt
    for bad, said in ((-1.0, "a step that is not positive"), (None, "None"), (math.nan, "NaN or infinity")):

        def my_step(x, bad=bad):
            return bad

        text = explore_range(T, my_step, lambda x: 0.5).picture.alt
        assert "s = 3.579 and z =" in text and said in text and "not a small integer" in text


def test_the_staircase_says_what_a_learners_function_makes_of_zero():
    def finding(explorer):
        assert explorer.picture
        return explorer.scene.panels[1].finding

    wrong = explore_affine(T, dequantize=lambda q, s, z: s * q.float() + z)
    assert finding(wrong) == "up to 316.8 off on the ruler; 0 becomes \N{MINUS SIGN}315"
    assert finding(explore_affine(T)) == "at most s/2 = 1.75 off on the ruler; 0 stays 0"


def unwritten(x, s, z): ...


def raises(x, s, z):
    raise ZeroDivisionError("division by zero")


def loops(x, s, z):
    while True:
        pass


def shouts(x, s, z):
    print("a" * 1_000_000)


def cuts(x, s, z):
    return quantize(x, s, z)[:1]


def floats(x, s, z):
    return quantize(x, s, z).float()


SPOILED = {
    unwritten: "unwritten: it is not written yet",
    raises: "raises: it raised ZeroDivisionError: division by zero",
    loops: "loops: it took longer than 1 s and was stopped",
    shouts: "shouts: it returned None: is a `return` missing?",
    cuts: "cuts: it returned shape (1, 3) for an input of shape (3, 3)",
    floats: "floats: it returned torch.float32, not integers",
    str: "str: it raised TypeError",
}


@pytest.mark.parametrize("function", SPOILED, ids=lambda f: f.__name__)
def test_explorer_stays_usable_whatever_the_function_does(function, capsys):
    explorer = explore_affine(T, function)
    for z in (-70, 0, 127):
        text = explorer.move(z=z)
        assert SPOILED[function] in text
        assert "The picture shows quantlib's instead." in text
        assert expected_norm(T, 3.5, z) in text
    assert capsys.readouterr().out == ""


def test_a_function_that_changes_its_input_is_told_and_does_no_harm():
    def my_quantize(x, s, z):
        x /= s
        return x.add_(z).round_().clamp_(-128, 127).to(torch.int8)

    before = T.clone()
    explorer = explore_affine(T, my_quantize)
    assert "my_quantize: it changes its input in place." in explorer.picture.alt
    assert torch.equal(T, before) and expected_norm(T, 3.5, -70) in explorer.picture.alt


def test_a_dequantize_that_fails_is_told_by_name():
    def my_dequantize(q, s, z):
        return q

    assert "my_dequantize: it returned torch.int8, not floating-point numbers" in (
        explore_affine(T, dequantize=my_dequantize).picture.alt
    )


def test_a_setting_that_cannot_be_drawn_keeps_the_last_picture():
    def compute(a):
        if a == 2:
            raise ValueError("no")
        return explore.View(notices=(f"at {a}",))

    scene = explore.Scene((1, 1), lambda figure: [SimpleNamespace(moving=[], update=lambda view: None)])
    explorer = Explorer([Slider("a", "a", 0, 0, 3, 1)], compute, scene, lambda view: "")
    explorer.move(a=2)
    assert "These values could not be drawn (ValueError: no); the picture is the last." in explorer.page.value
    assert explorer.move(a=3) == "at 3"


def test_explorer_shows_a_still_and_a_live_picture(monkeypatch):
    shown = []
    monkeypatch.setattr(page, "display", lambda data, raw: shown.append(data))
    explore_affine(T)._ipython_display_()
    still, live, touch = shown
    assert still["text/plain"].startswith("s = 3.5 and z =") and "quantlib-still" in still["text/html"]
    assert list(live) == list(touch) == ["application/vnd.jupyter.widget-view+json"]
    json.dumps(shown)


def test_sliders_are_labelled_and_typed_in():
    scale, zero_point = explore_affine(T).controls.values()
    assert (scale.description, zero_point.description) == ("scale s", "zero point z")
    assert scale.readout and zero_point.readout
    assert (scale.readout_format, type(zero_point).__name__) == (".1f", "IntSlider")


def test_an_explorer_that_only_gives_stills_makes_no_widget_and_no_scene():
    explorer = explore_affine(T)
    assert explorer.still(s=2.0).alt == explore_affine(T).move(s=2.0)
    assert not {"live"} & vars(explorer).keys() and not {"figure", "panels"} & vars(explorer.scene).keys()


def test_a_reset_brings_the_start_back_in_one_picture():
    explorer = explore_affine(T)
    start = explorer.picture
    explorer.move(s=2.0, z=12)
    updates = []
    explorer.page.observe(lambda change: updates.append(change["new"]), "value")
    assert explorer.reset() == start.alt and explorer.picture.png == start.png and len(updates) == 1


def in_a_notebook(source, scope):
    """Run a cell in a notebook's names."""
    scope.setdefault("__name__", "__main__")
    exec(compile(source, "cell", "exec"), scope)
    return scope


EMPTY = "def my_l2(x, x_hat): ..."
WRITTEN = "def my_l2(x, x_hat):\n    return (x - x_hat).square().sum().sqrt()"
WRONG = "def my_l2(x, x_hat):\n    return (x - x_hat).abs().sum()"


def test_a_function_that_is_written_later_drives_from_the_next_move_on():
    cells = in_a_notebook(EMPTY, {})
    explorer = explore_landscape(T, cells["my_l2"])
    assert "my_l2: it is not written yet" in explorer.picture.alt
    in_a_notebook(WRONG, cells)
    total = (T - fake_quantize(T, 3.5, -77)).abs().sum().item()
    assert f"norm of the error {number(total)}," in explorer.move(z=-77) and "my_l2" not in explorer.picture.alt
    in_a_notebook("my_l2 = 3", cells)  # what cannot be called is no new function
    explorer.move(z=-70)
    assert f"norm of the error {number(total)}," in explorer.move(z=-77)


def test_a_check_that_says_right_draws_what_is_shown_with_the_new_function(monkeypatch):
    monkeypatch.setattr(page, "display", lambda data, raw: None)
    cells = in_a_notebook(EMPTY, {})
    shown, hidden = explore_landscape(T, cells["my_l2"]), explore_landscape(T, cells["my_l2"])
    shown._ipython_display_()
    assert "not written yet" in shown.page.value and "not written yet" in hidden.page.value
    in_a_notebook(WRONG, cells)
    assert l2.check(cells["my_l2"]).status == "wrong" and "not written yet" in shown.page.value
    in_a_notebook(WRITTEN, cells)
    assert l2.check(cells["my_l2"]).status == "right"
    assert "my_l2" not in shown.page.value and "not written yet" in hidden.page.value


def test_a_function_that_was_given_up_is_tried_again_once_it_is_written_anew():
    cells = in_a_notebook("def my_l2(x, x_hat):\n    while True: pass", {})
    explorer = explore_landscape(T, cells["my_l2"])
    assert "was stopped" in explorer.picture.alt
    in_a_notebook(WRITTEN, cells)
    assert "my_l2" not in explorer.move(z=-77)


def test_torch_keeps_its_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        seen = []
        sliders = [Slider("a", "a", 0, 0, 3, 1)]
        scene = explore.Scene((1, 1), lambda figure: [])

        def note(_given):
            seen.append(torch.get_num_threads())
            return ""

        Explorer(sliders, lambda a: note(a) or explore.View(), scene, note).move(a=1)
        assert len(seen) == 4 and set(seen) == {1} and torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)


def test_a_choice_has_a_button_for_each_option_and_moves_like_a_slider():
    row = Choice("way", "way of storing", ("wrap", "clamp", "round up"), 1).widget()
    assert row.value == 1 and [label for label, _ in row.options] == ["wrap", "clamp", "round up"]
    assert [nearest(row, value) for value in (-3, 0.4, 1.6, 9)] == [0, 0, 2, 2]
    row.value = nearest(row, 1.6)
    assert row.index == 2 and row.label == "round up"
