"""Notebook 01: its pictures say what they show, its rulers can be dragged, its exercises know their mistakes."""

from functools import partial

import pytest
import torch

from quantlib import dequantize, l2_error, quantize
from quantlib.data import T, load_weight
from quantlib.lab.words import number
from quantlib.lessons.affine_formula import LARGE_WEIGHT, explore_affine, explore_trace
from quantlib.lessons.affine_formula.pictures import draw_codes, draw_ruler, draw_squares, draw_staircase
from quantlib.lessons.affine_formula.trace import draw_trace
from quantlib.lessons.bug_museum import bugs

MINUS = "\N{MINUS SIGN}"


def test_ruler_says_where_the_levels_end_and_what_clips():
    alt = draw_ruler(T, 3.5, -70).alt
    assert f"the levels reach from {MINUS}203 to 689.5; 1 of 9 values clips" in alt
    assert "Norm of the error: 39.2158." in alt


def test_ruler_takes_other_grids_and_many_values():
    x = torch.linspace(-1, 1, 1000)
    assert "no value clips" in draw_ruler(x, 0.2, 0, -8, 7, limits=(-2, 2)).alt
    assert "clip" in draw_ruler(x, 0.01, 0, -8, 7).alt


def test_ruler_can_pose_the_question_alone():
    alt = draw_ruler(T, 3.5, -70, mapped=False).alt
    assert alt == "Number line with values and levels: 1 of 9 values lies beyond the 256 levels."


def test_codes_are_said_with_what_they_stand_for():
    alt = draw_codes([-128, -70, 0, 127], 3.5, -70).alt
    assert alt.endswith(f"{MINUS}128 for {MINUS}203, {MINUS}70 for 0, 0 for 245 and 127 for 689.5.")


def test_staircase_says_how_far_it_is_from_the_line():
    alt = draw_staircase(3.5, -70, reach=14).alt
    assert alt == "Staircase of what comes back: at most s/2 = 1.75 off on the ruler; 0 stays 0."
    assert "all of this lies beyond the levels" in draw_staircase(0.5, 1000, reach=14).alt


def test_squares_say_what_share_comes_from_clipping():
    said = "The norm is 39.2158² = 1537.88: 99.4 % of it comes from clipping, 0.6 % from rounding."
    assert said in draw_squares(T, 3.5, -70).alt


def test_trace_follows_numbers_there_and_back():
    far = "Step by step, a number that does not fit comes back as the end of the levels: "
    assert draw_trace([728.6], 3.5, -70).alt == f"{far}728.6 is stored as 127 and comes back as 689.5."
    assert "a number that fits comes back as a level nearby: 191.6 is" in draw_trace([191.6], 3.5, -70).alt
    assert "a level nearby, one that does not as the end" in draw_trace([191.6, 728.6], 3.5, -70).alt


# One number, and two functions


def titles(explorer):
    assert explorer.picture
    return [panel.title.text for panel in explorer.scene.panels[1:]]


def test_trace_compares_the_learners_functions_with_quantlibs():
    def no_clamp(x, s, z):
        return torch.round(x / s + z).int().to(torch.int8)

    explorer = explore_trace(no_clamp)
    same = "your functions: the same code, and the same number back"
    assert titles(explorer) == ["quantlib's steps: the number fits", same]
    assert f"stored as the code {MINUS}118 and comes back as {MINUS}168, an error of 896.6" in explorer.move(x=728.6)
    clamped = "quantlib's steps: the number does not fit, and is clamped"
    assert titles(explorer) == [clamped, "your functions: another code"]
    back = explore_trace(dequantize=lambda q, s, z: s * q.float() + z)
    assert titles(back)[1] == "your functions: the same code, but another number back"


def test_trace_says_which_function_is_not_written():
    def my_quantize(x, s, z): ...

    explorer = explore_trace(my_quantize)
    assert "my_quantize: it is not written yet. quantlib's code stands in." in explorer.picture.alt
    assert titles(explorer)[1] == "your functions: not both can be used yet"


def test_trace_shows_every_step_as_quantlib_takes_it():
    explorer = explore_trace()
    explorer.move(x=-13.5, s=2.0, z=5)
    steps = -13.5, -6.75, -1.75, -2, -2, -2, -7, -14
    assert [box._number.text for box in explorer.scene.panels[1]._boxes[0]] == [number(step) for step in steps]


# Rulers under a pointer: a point is given in the units of the number line


def press(explorer, x, y, *moves):
    """Press at a point of the ruler's panel, move to others, and return the controls' values."""
    assert explorer.picture
    panel = explorer.scene.panels[0]
    for k, at in enumerate((x, *moves)):
        place = panel.axes.transData.transform((at, y)) / explorer.scene.figure.bbox.size
        explorer.touched(*place.tolist(), k == 0)
    return {name: control.value for name, control in explorer.controls.items()}


def test_a_ruler_slides_under_the_pointer():
    explorer = explore_affine(T)
    assert press(explorer, 200.0, 0.3, 200.0) == {"s": 3.5, "z": -70}
    assert press(explorer, 200.0, 0.3, 235.0) == {"s": 3.5, "z": -80}
    assert press(explorer, 200.0, 0.3, 300.0, 165.0) == {"s": 3.5, "z": -70}
    assert "the levels reach from −203 to 689.5" in explorer.picture.alt


def test_a_ruler_is_stretched_at_its_ends():
    explorer = explore_affine(T)
    assert press(explorer, 689.5, 0.3, 689.5 * 2) == {"s": 7.0, "z": -70}
    assert press(explorer, 2 * -203.0 + 20, 0.3, 0.0)["z"] != -70  # its first level is beyond the axis, so it slides
    explorer.move(s=3.5, z=-70)
    assert press(explorer, -203.0, 0.3, -203.0 * 1.4) == {"s": 4.9, "z": -70}
    assert press(explorer, -203.0 * 1.4, 0.3, 100.0) == {"s": 0.5, "z": -70}  # past 0.0 there is no scale


def test_an_end_at_zero_cannot_be_pulled():
    explorer = explore_affine(T)
    explorer.move(z=-128)
    assert press(explorer, 0.0, 0.3, 35.0)["s"] == 3.5


def test_the_number_of_the_trace_is_dragged_above_its_ruler():
    explorer = explore_trace()
    assert press(explorer, 191.6, 0.9, 300.04) == {"x": 300.0, "s": 3.5, "z": -70}
    assert press(explorer, 191.6, 0.9, 2000.0) == {"x": 1000.0, "s": 3.5, "z": -70}
    assert press(explorer, 200.0, 0.3, 235.0) == {"x": 1000.0, "s": 3.5, "z": -80}


def test_the_weights_are_dragged_too():
    explorer, _ = of_weights()
    explorer.move(s=0.0155)
    assert press(explorer, 1.9685, 0.3, 3.937) == {"s": 0.031, "z": 0}


# What learners write, as they write it: by exercise and mistake, lines that return what comes of it. None is ours.
# A float is never cast to int8 beyond its range, which would be undefined; it goes through an integer, which keeps the
# lowest 8 bits.
WRITTEN = {
    "quantize": {
        "no clamp before the cast": [
            "(x / s + z).round().int().to(int8)",
            "(x / s + z).round().int().to(int8).clamp(-128, 127)",
        ],
        "cast before adding z": [
            "((x / s).round().int().to(int8) + z).clamp(-128, 127)",
            "torch.clamp(torch.round(x / s).int().to(int8) + torch.tensor(z, dtype=int8), -128, 127)",
        ],
        "truncation instead of rounding": [
            "(x / s + z).clamp(-128, 127).to(int8)",
            "((x / s).int() + z).clamp(-128, 127).to(int8)",
        ],
        "floor instead of rounding": ["(x // s + z).clamp(-128, 127).to(int8)"],
        "ceil instead of rounding": ["(-((-x) // s) + z).clamp(-128, 127).to(int8)"],
        "rounding before dividing": ["(x.round() / s + z).clamp(-128, 127).to(int8)"],
        "clamp before adding z": ["((x / s).round().clamp(-128, 127) + z).int().to(int8)"],
        "clamp before dividing": ["(x.clamp(-128, 127) / s + z).round().int().to(int8)"],
        "only the upper end is clamped": ["(x / s + z).round().clamp(max=127).int().to(int8)"],
        "only the lower end is clamped": ["(x / s + z).round().clamp(min=-128).int().to(int8)"],
        "z subtracted instead of added": ["(x / s - z).round().clamp(-128, 127).to(int8)"],
        "multiplied by s instead of divided": ["(x * s + z).round().clamp(-128, 127).to(int8)"],
        "z is forgotten": ["(x / s).round().clamp(-128, 127).to(int8)"],
        "s is forgotten": ["(x + z).round().clamp(-128, 127).to(int8)"],
        "z added before dividing": ["((x + z) / s).round().clamp(-128, 127).to(int8)"],
        "z subtracted before dividing": [
            "((x - z) / s).round().clamp(-128, 127).to(int8)",
            "torch.clamp(torch.round((x - z) / s), -128, 127).to(int8)",
        ],
        "an integer of more bits than int8": [
            "(x / s + z).round().clamp(-128, 127).long()",
            "(x / s + z).round().clamp(-128, 127).int()",
        ],
        "zero point too small by one": ["(x / s + z - 1).round().clamp(-128, 127).to(int8)"],
        "clamp to 0 to 255": [
            "(x / s + z).round().clamp(0, 255).to(torch.uint8)",
            "(x / s + z).round().clamp(0, 255).int().to(int8)",
        ],
        "clamp to 0 to 127": ["(x / s + z).round().clamp(0, 127).to(int8)"],
        "clamp to -127": ["(x / s + z).round().clamp(-127, 127).to(int8)"],
        "clamp to 128": ["(x / s + z).round().clamp(-128, 128).int().to(int8)"],
        "not cast to int8": ["(x / s + z).round().clamp(-128, 127)"],
        "dequantized as well": ["s * ((x / s + z).round().clamp(-128, 127) - z)"],
        "x is changed in place": ["x.div_(s).add_(z).round_().clamp_(-128, 127).to(int8)"],
    },
    "dequantize": {
        "s q + z instead of s (q - z)": ["s * q + z"],
        "s q - z instead of s (q - z)": ["s * q - z"],
        "q - z in int8": ["s * (q - z)"],
        "z is forgotten": ["s * q"],
        "z added instead of subtracted": ["s * (q.float() + z)"],
        "z - q instead of q - z": ["s * (z - q.float())"],
        "divided by s instead of multiplied": ["(q.float() - z) / s"],
        "s is forgotten": ["q.float() - z"],
        "zero point too small by one": ["s * (q.float() - z + 1)"],
        "z - 1 is stored": ["s * (q - (torch.tensor(z - 1).to(int8).float() + 1))"],
        "returned as integers": ["(s * (q.float() - z)).int()"],
    },
}


def ints(*values):
    return torch.tensor(values, dtype=torch.int8)


def reals(*values):
    return torch.tensor(values, dtype=torch.float32)


# The smallest input that shows it, and what comes.
CODES = [
    ("no_clamp", 128.0, 1.0, 0, -128),
    ("cast_before_shift", 127.0, 1.0, 1, -128),
    ("truncates", 0.6, 1.0, 0, 0),
    ("truncates", -0.6, 1.0, 0, 0),
    ("truncates_before_shift", 0.6, 1.0, -1, -1),
    ("floors", -0.4, 1.0, 0, -1),
    ("ceils", 0.4, 1.0, 0, 1),
    ("ceils", 2.2, 2.0, 0, 2),
    ("floors", 3.8, 2.0, 0, 1),
    ("truncates", 3.8, 2.0, 0, 1),
    ("truncates_before_shift", 3.8, 2.0, 1, 2),
    ("rounds_before_dividing", 0.25, 0.25, 0, 0),
    ("clamps_before_shift", 128.0, 1.0, -1, 126),
    ("clamps_input", 254.0, 2.0, 0, 64),
    ("clamps_input", 200.0, 1.0, 0, 127),
    ("clamps_input", -300.0, 2.0, 0, -64),
    ("clamps_only_above", -129.0, 1.0, 0, 127),
    ("clamps_only_above", 128.0, 1.0, 0, 127),
    ("clamps_only_below", 128.0, 1.0, 0, -128),
    ("clamps_only_below", -129.0, 1.0, 0, -128),
    ("subtracts_zero_point", 0.0, 1.0, 1, -1),
    ("multiplies_by_scale", 2.0, 2.0, 0, 4),
    ("forgets_zero_point", 0.0, 1.0, 1, 0),
    ("forgets_scale", 2.0, 2.0, 0, 2),
    ("shifts_before_dividing", 0.0, 2.0, 2, 1),
    ("subtracts_before_dividing", 0.0, 2.0, 2, -1),
    ("zero_point_minus_one", 0.0, 1.0, 0, -1),
    ("unsigned_grid", 128.0, 1.0, 0, 128),
    ("unsigned_clamp", 128.0, 1.0, 0, -128),
    ("no_negative_codes", -1.0, 1.0, 0, 0),
    ("narrow_grid", -128.0, 1.0, 0, -127),
    ("clamps_to_128", 300.0, 1.0, 0, -128),
    ("stays_float", 128.0, 1.0, 0, 127),
    ("stays_wide", 128.0, 1.0, 0, 127),
    ("quantizes_and_returns", 3.0, 2.0, 7, 2),
    ("quantizes_in_place", 3.0, 2.0, 1, 2),
]


@pytest.mark.parametrize(("name", "x", "s", "z", "code"), CODES)
def test_the_smallest_input_that_shows_a_wrong_quantizer(name, x, s, z, code):
    assert getattr(bugs, name)(reals(x), s, z).tolist() == [code]


REALS = [
    ("adds_zero_point_last", 1, 1.0, 1, 2.0),
    ("subtracts_zero_point_last", 0, 2.0, 1, -1.0),
    ("subtracts_in_int8", 127, 3.5, -70, -206.5),  # it should be 689.5
    ("dequantizes_without_zero_point", 1, 1.0, 1, 1.0),
    ("dequantizes_with_plus", 0, 2.0, 1, 2.0),
    ("dequantizes_mirrored", 1, 1.0, 0, -1.0),
    ("divides_by_scale", 1, 2.0, 0, 0.5),
    ("dequantizes_without_scale", 1, 2.0, 0, 1.0),
    ("dequantizes_with_zero_point_minus_one", 0, 1.0, 0, 1.0),
    ("dequantizes_to_integers", 1, 0.5, 0, 0),
]


@pytest.mark.parametrize(("name", "q", "s", "z", "real"), REALS)
def test_the_smallest_input_that_shows_a_wrong_dequantizer(name, q, s, z, real):
    assert getattr(bugs, name)(ints(q), s, z).tolist() == [real]


def test_the_overflow_of_the_seed_by_a_missing_clamp():
    codes = bugs.no_clamp(T, 728.6 / 255, 0)
    assert codes.tolist() == [[67, -5, -1], [32, 103, -64], [0, -16, 86]]


def of_weights():
    weights = load_weight("ffn_down")
    return explore_affine(weights, **LARGE_WEIGHT), weights


def expected_norm(x, s, z):
    """Return what the readout of explore_affine must contain."""
    return f"Norm of the error: {l2_error(x, dequantize(quantize(x, s, int(z)), s, int(z))):.4f}"


def expected_way(x, s, z):
    """Return what the readout of explore_trace must contain."""
    value = torch.tensor(x, dtype=torch.float32)
    q = torch.round(value / s + z).clamp(-128, 127)
    back = (s * (q - z)).item()
    way = f"is stored as the code {number(q.item())} and comes back as {number(back)}"
    return f"{way}, an error of {number(x - back)}."


READOUTS = [expected_way, partial(expected_norm, T), partial(expected_norm, load_weight("ffn_down"))]
