"""The ruler, its staircase and the codes: what is written on them is true, also of functions that are wrong."""

import pytest
import torch

from quantlib.data import T, load_weight
from quantlib.lab import style
from quantlib.lab.ruler import Ruler, clip_sentence, describe, make_view
from quantlib.lessons.affine_formula.scene import Staircase, ruler_scene
from tests.lessons.test_affine_formula import of_weights

MINUS = "\N{MINUS SIGN}"
WINDOW = slice(0, 2), slice(0, 2)


def ruler(s, z, x=T, limits=(-400.0, 1000.0)):
    panel = Ruler(style.new_figure(9.2, 5.1, 100).add_axes((0.1, 0.7, 0.88, 0.25)), x, limits)
    panel.update(make_view(x, s, z, -128, 127, torch.zeros(1)))
    return panel


def ends(panel):
    return [label.text for label in panel._ends if label.get_visible()]


def test_a_ruler_names_its_first_and_its_last_code():
    assert ends(ruler(3.5, -70)) == [f"q = {MINUS}128", "q = 127"]


def test_a_ruler_that_goes_on_beyond_the_axis_says_how_far():
    assert ends(ruler(8.0, 0)) == [f"← q = {MINUS}128 at {MINUS}1024", "q = 127 at 1016 →"]
    assert ends(ruler(3.5, 56)) == [f"← q = {MINUS}128 at {MINUS}644", "q = 127"]


def test_a_ruler_that_is_nowhere_on_the_axis_is_named_once():
    assert ends(ruler(3.5, -500)) == ["q = 127 at 2194 →"]
    assert ends(ruler(3.5, 500)) == [f"← q = {MINUS}128 at {MINUS}2198"]


@pytest.mark.parametrize(("z", "named"), [(-128, True), (127, True), (128, False)])
def test_the_level_of_zero_is_named_where_there_is_one(z, named):
    panel = ruler(3.5, z)
    assert panel._name.text == "z" and panel._name.get_visible() is panel._zero.get_visible() is named


def test_a_histogram_says_how_many_codes_are_used():
    x = torch.linspace(0, 1, 1000)
    assert ruler(0.5, 0, x, (-1.0, 2.0)).title.text.endswith("; 3 used")


def test_a_clipped_weight_is_followed_by_an_arrow():
    explorer, _ = of_weights()
    explorer.move(s=0.0155)
    above, below = explorer.scene.panels[0]._leaps
    assert above._says.text == "7.915 comes back as 1.969" and above._says.get_visible()
    assert len(below._way.get_xdata()) == 0
    explorer.move(s=0.0625)
    assert len(above._way.get_xdata()) == 0 and not above._says.get_visible()


def test_a_staircase_names_the_codes_beside_their_levels():
    inputs = torch.linspace(-21, 21, 961)
    panel = Staircase(style.new_figure(9.2, 5.1, 100).add_axes((0.1, 0.1, 0.4, 0.4)), inputs)
    for s, z in ((3.5, -70), (0.5, 127), (8.0, -128)):
        panel.update(make_view(T, s, z, -128, 127, inputs))
        seen = {label.text: label for label in panel._codes if label.text}
        zero = str(z).replace("-", MINUS)
        assert seen[zero].bold and seen[zero].at[1] == 0 and sum(label.bold for label in seen.values()) == 1
        assert all(label.at[1] == s * (int(text.replace(MINUS, "-")) - z) for text, label in seen.items())
        assert all(-128 <= int(text.replace(MINUS, "-")) <= 127 for text in seen)


def view_of(codes):
    view = make_view(T, 3.5, -70, -128, 127, torch.zeros(1))
    return type(view)(*(codes if name == "q" else getattr(view, name) for name in FIELDS))


FIELDS = "scale", "zero_point", "quant_min", "quant_max", "x", "q", "x_hat", "clipped", "curve"


def test_what_is_not_clamped_does_not_clip():
    wrapped = make_view(T, 3.5, -70, -128, 127, torch.zeros(1)).q.clone()
    assert clip_sentence(view_of(wrapped)) == "1 of 9 values clips"
    wrapped[0, 2] = -118
    assert clip_sentence(view_of(wrapped)) == "1 of 9 values lies beyond, unclamped"
    assert "1 of 9 values lies beyond, unclamped. Norm" in describe(view_of(wrapped))


def test_what_is_clamped_at_one_end_only_is_said_of_that_end():
    x = torch.tensor([[-1000.0, 0.0, 1000.0, 900.0]])
    view = make_view(x, 1.0, 0, -128, 127, torch.zeros(1))
    view.q[0, 0] = 24
    assert clip_sentence(view) == "2 of 4 values clip, 1 is unclamped"


def test_a_large_matrix_is_shown_through_a_window():
    weights = load_weight("query")
    view = make_view(weights, 0.006, 0, -128, 127, torch.linspace(-1, 1, 99))
    picture = ruler_scene(weights, torch.linspace(-1, 1, 99), (-1.0, 1.0), WINDOW).still(view, "")
    assert picture.png.startswith(b"\x89PNG")
