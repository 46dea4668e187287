"""The still pictures: each is drawn, and its text says what it shows."""

from functools import partial

import pytest
import torch

from quantlib import dequantize, l2_error, quantize
from quantlib.data import T, load_weight
from quantlib.lab.explore import Slider
from quantlib.lab.ruler import draw_matrices
from quantlib.lessons.affine_formula import explore_affine
from quantlib.lessons.affine_formula.pictures import draw_ruler, draw_staircase, draw_trace
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


def test_staircase_says_its_step():
    assert (
        draw_staircase(3.5, -70, reach=14).alt == "Staircase of reconstructions with steps of 3.5; 0 stays exactly 0."
    )
    assert "every value near zero clips" in draw_staircase(0.5, 1000, reach=14).alt


def test_matrices_say_the_largest_error():
    assert "values of up to 728.6 in size come back with an error of at most 39.1." in draw_matrices(T, 3.5, -70).alt
    assert "an error of at most 0." in draw_matrices(torch.zeros(3, 3), 1.0, 0).alt
    assert "no value clips" in draw_matrices(torch.eye(20), 0.5, 0).alt


def test_trace_follows_one_number_there_and_back():
    end = "Step by step, a number that does not fit comes back as the end of the grid: "
    assert draw_trace([728.6], 3.5, -70).alt == f"{end}728.6 is stored as 127 and comes back as 689.5."
    assert "fits comes back within half a step: 191.6 is" in draw_trace([191.6], 3.5, -70).alt
    assert "half a step, and one that does not comes back as the end" in draw_trace([191.6, 728.6], 3.5, -70).alt


def test_ruler_can_pose_the_question_alone():
    alt = draw_ruler(T, 3.5, -70, mapped=False).alt
    assert alt.startswith("Number line: 1 of 9 values lies beyond the levels.") and "Norm" not in alt


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
    ("zero_point_minus_one", 0.0, 1.0, 0, -1),
    ("unsigned_grid", 128.0, 1.0, 0, 128),
    ("unsigned_clamp", 128.0, 1.0, 0, -128),
    ("no_negative_codes", -1.0, 1.0, 0, 0),
    ("narrow_grid", -128.0, 1.0, 0, -127),
    ("clamps_to_128", 300.0, 1.0, 0, -128),
    ("stays_float", 128.0, 1.0, 0, 127),
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
    scale = Slider("s", "scale s", 0.0625, 0.0005, 0.08, 0.0005)
    zero_point = Slider("z", "zero point z", 0, -128, 127, 1)
    window = slice(90, 108), slice(844, 868)
    weights = load_weight("ffn_down")
    return explore_affine(weights, scale=scale, zero_point=zero_point, limits=(-2, 9), window=window), weights


def expected_norm(x, s, z):
    """Return what the readout of explore_affine must contain."""
    return f"Norm of the error: {l2_error(x, dequantize(quantize(x, s, int(z)), s, int(z))):.4f}"


READOUTS = [partial(expected_norm, T), partial(expected_norm, load_weight("ffn_down"))]
