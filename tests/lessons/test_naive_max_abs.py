"""Notebook 03: the recipe that overflows, its explorer, its figures, and the number formats as rulers."""

import random
import subprocess
import sys

import numpy
import pytest
import torch

from quantlib import l2_error, wrap
from quantlib.data import load_weight
from quantlib.lessons.bug_museum import bugs
from quantlib.lessons.naive_max_abs import check_wrap
from quantlib.lessons.naive_max_abs.casts import undefined
from quantlib.lessons.naive_max_abs.circle import draw_circle, explore_circle, how_far, on_circle
from quantlib.lessons.naive_max_abs.formats import draw_formats, marks, trace
from quantlib.lessons.naive_max_abs.overflow import (
    draw_factor,
    draw_sawtooth,
    draw_there_and_back,
    explore_factor,
    make_view,
)
from quantlib.lessons.naive_max_abs.repairs import NAMES, draw_repairs, explore_repairs
from tests.helpers.strategies import SEED as T

MINUS = "\N{MINUS SIGN}"


NORMS = 1033.6320, 487.1044, 184.5036, 3.7625, 4.7521  # without a repair, and with each


def kept(v: float) -> str:
    """What the readout of the circle must contain."""
    code = (int(v) + 128) % 256 - 128
    return f"the code that int8 keeps is {code}".replace("-", MINUS)


def repaired(repair: float) -> str:
    """What the readout of the repairs must contain."""
    return f"Norm of the error: {NORMS[int(repair)]:.4f}"


def readout(factor: float) -> str:
    """What the readout of the explorer of the factor must contain."""
    return f"Norm of the error: {l2_error(T, make_view(T, int(factor)).x_hat):.4f}"


def plain_norm(factor):
    """The norm of the error by the seed's recipe, written out."""
    return l2_error(T, wrap((T / 728.6 * factor).round()).float() * 728.6 / factor)


def test_recipe_is_the_seeds():
    view = make_view(T, 255)
    assert view.asked.tolist() == [[67, -5, 255], [32, 103, -64], [0, 240, 86]]
    assert view.q.tolist() == [[67, -5, -1], [32, 103, -64], [0, -16, 86]]
    assert f"{l2_error(T, view.x_hat):.4f}" == "1033.6320"


def test_readout_agrees_with_quantlib_at_both_ends_and_on_a_walk():
    explorer, walk = explore_factor(T), random.Random(0)
    factor = 255
    for value in (100, 300, 127, 128):
        assert readout(value) in explorer.move(factor=value)
    for _ in range(50):
        factor = min(max(factor + walk.choice([-10, -1, 1, 10]), 100), 300)
        text = explorer.move(factor=factor)
        assert f"factor = {factor}" in text and f"{plain_norm(factor):.4f}" in text
        assert text == explorer.picture.alt


def test_readout_names_the_codes_that_wrap():
    explorer = explore_factor(T)
    assert f"255 becomes {MINUS}1 and 240 becomes {MINUS}16" in explorer.picture.alt
    assert f"1 of 9 codes does not fit: 128 becomes {MINUS}128." in explorer.move(factor=128)
    assert "all 9 codes fit." in explorer.move(factor=127)


def test_blitting_draws_what_a_full_redraw_draws():
    moved = explore_factor(T)
    for factor in (100, 300, 255):
        moved.move(factor=factor)
    assert moved.picture.png == explore_factor(T).picture.png


def saturates(v):
    return v.clamp(-128, 127).to(torch.int8)


def unwritten(v): ...


def forgets(v):
    v.remainder(256)


def floats(v):
    return wrap(v).float()


def raises(v):
    raise ValueError("no")


def unsigned(v):
    return v.remainder(256).to(torch.uint8)


def drag(explorer, panel, *points):
    """Press on a panel at the first point, in the units of its axes, and move to the others."""
    box = explorer.scene.figure.bbox
    for k, point in enumerate(points):
        x, y = explorer.scene.panels[panel].axes.transData.transform(point)
        explorer.touched(x / box.width, y / box.height, pressed=k == 0)
    return {name: control.value for name, control in explorer.controls.items()}


def around(*codes):
    """Where these codes stand on the circle."""
    return [tuple(point) for point in on_circle(numpy.array(codes), 1.1)]


def test_a_value_walks_around_the_circle_as_often_as_it_is_dragged():
    explorer = explore_circle()
    assert drag(explorer, 0, *around(100, 127, 150, 220)) == {"v": 220}
    assert f"int8 keeps is {MINUS}36, that is 220 {MINUS} 256." in explorer.picture.alt
    assert drag(explorer, 0, *around(220, 300, 400, 500, 600, 700, 760)) == {"v": 700}
    assert drag(explorer, 0, *around(700, 760, 690)) == {"v": 690}  # beyond the end it waits for the way back
    assert drag(explorer, 0, (0.1, 0.1), *around(300)) == {"v": 690}  # nothing to grab in the middle


def test_the_factor_is_dragged_around_the_circle_and_along_the_curve():
    explorer = explore_factor(T)
    assert drag(explorer, 0, *around(255, 200, 128)) == {"factor": 128}
    assert drag(explorer, 1, (128, 100), (136.2, 900)) == {"factor": 136}
    assert "136 becomes" in explorer.picture.alt


def test_how_far_a_code_is_from_what_was_asked_for():
    assert how_far(700, -68) == f"that is 700 {MINUS} 3 × 256" and how_far(-300, -44) == f"that is {MINUS}300 + 256"
    assert how_far(100, 100) == "so it fits" and how_far(255, 127) == "which is not a multiple of 256 away"
    assert how_far(255, 255) == "which int8 does not have" in explore_circle(unsigned).move(v=255)
    assert how_far(255, 127) in explore_circle(saturates).move(v=255)


def test_each_repair_has_a_button():
    explorer = explore_repairs(T)
    for k, name in enumerate(NAMES):
        assert repaired(k) in explorer.move(repair=k)
        assert explorer.scene.panels[1].title.text == f"repair: {name}"


def test_the_curve_of_the_factor_begins_at_the_factor():
    explorer = explore_factor(T)
    curve = explorer.scene.panels[1]._curves[1]
    explorer.move(factor=200)
    assert numpy.isfinite(curve.get_ydata()).sum() == 101


def test_a_learners_wrap_drives_the_picture():
    text = explore_factor(T, saturates).picture.alt
    assert "255 becomes 127 and 240 becomes 127" in text and "Norm of the error: 487.10" in text
    assert "255 becomes 255" in explore_factor(T, unsigned).picture.alt


@pytest.mark.parametrize("function", [unwritten, forgets, floats, raises], ids=lambda f: f.__name__)
def test_explorer_stays_usable_whatever_the_function_does(function):
    explorer = explore_factor(T, function)
    for factor in (100, 255, 300):
        text = explorer.move(factor=factor)
        assert f"{function.__name__}: it" in text and "The picture shows quantlib's instead." in text
        assert readout(factor) in text


BY_LUCK = {
    "v.to(int8)": "128 to int8",
    "v.char()": "128 to int8",
    "(v % 256).to(int8)": "255 to int8",
    "(torch.fmod(v + 128, 256) - 128).to(int8)": "-129 to int8",
    "torch.where(v > 127, v - 256, v).to(int8)": "-129 to int8",
    "torch.empty(v.shape, dtype=int8).copy_(v)": "128 to int8",
    "v.short().to(int8)": "100,001 to int16",
    "torch.from_numpy(v.numpy().astype(numpy.int8))": "128 to int8",
    "torch.from_numpy(numpy.fmod(v.numpy(), 256).astype('int8'))": "128 to int8",
    "torch.from_numpy(v.numpy().astype(numpy.uint8).view(numpy.int8))": "-1 to uint8",
}
DEFINED = [
    "((v + 128) % 256 - 128).to(int8)",
    "v.int().to(int8)",
    "torch.from_numpy(v.numpy().astype(numpy.int64).astype(numpy.int8))",
    "torch.from_numpy(numpy.mod(v.numpy() + 128, 256) - 128).to(int8)",
    "(v % 256).to(torch.uint8).view(int8)",
    "torch.where(v % 256 > 127, v % 256 - 256, v % 256).to(int8)",
    "torch.tensor([int(each + 128) % 256 - 128 for each in v.flatten()], dtype=int8).reshape(v.shape)",
]


def typed(line):
    return lambda v: eval(line, {"torch": torch, "numpy": numpy, "int8": torch.int8, "v": v})


@pytest.mark.parametrize("line", BY_LUCK)
def test_a_cast_of_what_does_not_fit_is_seen_although_its_values_are_right_here(line):
    if torch.tensor(128.0).to(torch.int8) != -128:
        pytest.skip("this machine does not wrap around")
    verdict = check_wrap(typed(line))
    assert verdict.status == "wrong" and "gives the right code here, but it casts" in verdict.message
    assert f"casts {BY_LUCK[line]}, which has no such number: C leaves that open" in verdict.message


@pytest.mark.parametrize("line", DEFINED)
def test_a_cast_of_what_fits_is_right(line):
    assert check_wrap(typed(line)).status == "right"


def test_a_check_does_not_wait_for_the_compiler_of_torch():
    used = "import sys, quantlib.lessons.naive_max_abs as lab; lab.check_wrap(lambda v: v.int().char())"
    loaded = f"{used}; sys.exit('torch._dynamo' in sys.modules)"
    subprocess.run([sys.executable, "-c", loaded], check=True)


def test_numpy_is_as_it_was_after_a_check():
    check_wrap(typed(DEFINED[2]))
    assert type(torch.zeros(2).numpy()) is numpy.ndarray


def test_integers_of_more_bits_and_floats_are_cast_by_rule():
    assert undefined(torch.tensor([300]), torch.int8) == undefined(torch.tensor([300.0]), torch.float16) == []
    assert undefined(torch.tensor([127.9, -128.9]), torch.int8) == []
    assert "casts nan to uint8" in undefined(torch.tensor([1.0, torch.nan]), torch.uint8)[0]


def test_circle_is_a_clock_on_which_a_turn_is_256_codes():
    assert numpy.allclose(on_circle(numpy.array([0, 64, 128]), 1.0), [[0, 1], [1, 0], [0, -1]])
    assert numpy.allclose(on_circle(numpy.array(255), 1.0), on_circle(numpy.array(-1), 1.0))


def test_circle_says_where_codes_land():
    assert f"255 lands on {MINUS}1, 240 lands on {MINUS}16" in draw_circle([255, 240]).alt
    assert f"{MINUS}129 lands on 127" in draw_circle([-129]).alt
    assert "5 lands on 5" in draw_circle([5, 3]).alt


def test_a_wrapped_code_is_wrong_by_256_steps():
    for factor in (128, 200, 255, 300):
        view = make_view(T, factor)
        errors = (view.asked - view.q)[view.clipped]
        assert len(errors) and (errors == 256).all()


def test_figures_say_what_they_show():
    assert f"2 do not: 728.6 comes back as {MINUS}2.857" in draw_there_and_back(T, 255).alt
    assert draw_there_and_back(T, 127).alt == "9 of 9 numbers come back almost unchanged, 0 do not."
    assert "1457.2054" in draw_factor(T, 128).alt
    assert "the smallest with zero point: none 1033.6; clamp 487.1; unsigned 184.5;" in draw_repairs(T).alt
    assert draw_sawtooth(load_weight("query"), 255).alt.startswith(
        "184 of 147,456 values come back with the wrong sign"
    )


@pytest.mark.parametrize(
    ("dtype", "value", "step"),
    [
        (torch.float16, 64.0, 2**-4),
        (torch.float16, 128.0, 2**-3),
        (torch.bfloat16, 64.0, 2**-1),
        (torch.bfloat16, 128.0, 1.0),
    ],
)
def test_marks_are_as_far_apart_as_the_next_number(dtype, value, step):
    near = marks(dtype, value, value + 3)
    following = torch.nextafter(torch.tensor(value, dtype=dtype), torch.tensor(1e4, dtype=dtype)).item()
    assert near[1].item() - near[0].item() == step == following - value


def test_marks_of_an_integer_format_end_with_it():
    assert marks(torch.int8, 125.5, 130).tolist() == [126, 127]


def test_formats_say_what_a_quotient_becomes():
    alt = draw_formats(11.0, 126, 130).alt
    assert "127.28 is stored as 127.25 in float16 and 127.5 in bfloat16, so in bfloat16 the code is 128" in alt
    assert alt.endswith(f"int8 keeps {MINUS}128, and 11 comes back as {MINUS}11.06.")
    assert draw_formats(9.0, 126, 130).alt.endswith(
        "so in bfloat16 the code is 127; int8 keeps 127, and 9 comes back as 8.99."
    )
    assert trace(127.0)["round"] == trace(127.0)["in int8"] == 127


@pytest.mark.parametrize(
    ("dtype", "digits", "too_large"), [(torch.bfloat16, 7, 21), (torch.float16, 10, 0), (torch.float32, 23, 0)]
)
def test_only_bfloat16_rounds_its_largest_value_to_128(dtype, digits, too_large):
    largest = (1 + torch.arange(2**digits) / 2**digits).to(dtype)
    assert int(((largest / (largest / 127)).round() > 127).sum()) == too_large


# What learners write, as they write it: by exercise and mistake, lines that return what comes of it. None is ours.
# A float is never cast to int8 beyond its range, which would be undefined; it goes through an integer, which keeps the
# lowest 8 bits.
WRITTEN = {
    "wrap": {
        "saturates instead of wrapping": ["v.clamp(-128, 127).to(int8)"],
        "modulo 255": ["((v + 128) % 255 - 128).to(int8)"],
        "modulo 128": ["(v % 128).to(int8)"],
        "modulo 256 without a sign": ["(v % 256).to(torch.uint8)", "(v % 256).int()"],
        "only the upper end wraps": ["torch.where(v < -128, -128, v).int().to(int8)"],
        "only the lower end wraps": ["torch.where(v > 127, 127, v).int().to(int8)"],
        "not cast to int8": ["(v + 128) % 256 - 128"],
    },
    "max_abs": {
        "max where max|x| is meant": ["x.max() / 127"],
        "|max| where max|x| is meant": ["abs(x.max()) / 127"],
        "min where max|x| is meant": ["abs(x.min()) / 127"],
        "mean of |x| where the maximum is meant": ["x.abs().mean() / 127"],
        "the norm where the maximum is meant": ["x.norm() / 127", "x.square().sum().sqrt() / 127"],
        "the maximum is cut to an integer": ["int(x.abs().max()) / 127"],
        "^ where ** is meant": ["x.abs().max() / (2 ^ 7 - 1)"],
        "the smallest scale is too large": [
            "max(x.abs().max() / 127, 1e-8)",
            "x.abs().max().clamp(min=1e-5) / 127",
            "torch.clamp(x.abs().max(), min=1e-8) / 127",
        ],
        "not divided by 127": ["x.abs().max().item()"],
        "max|x| / 255": ["x.abs().max() / 255"],
        "max|x| / 128": ["x.abs().max() / 128"],
        "max|x| / 127.5": ["2 * x.abs().max() / 255"],
        "the min-max scale": ["(max(x.max().item(), 0) - min(x.min().item(), 0)) / 255"],
        "the min-max scale without 0": ["(x.max() - x.min()) / 255"],
        "the reciprocal of the scale": ["127 / x.abs().max()"],
    },
}


# The smallest input that shows a mistake, and what comes.
NUMBERS = [
    ("forgets_abs", ([-2.0, 1.0],), 1 / 127),
    ("abs_of_max", ([-2.0, 1.0],), 1 / 127),
    ("uses_min", ([1.0, 2.0],), 1 / 127),
    ("uses_mean", ([1.0, 3.0],), 2 / 127),
    ("scale_for_255_steps", ([-255.0],), 1.0),
    ("scale_for_128_steps", ([-128.0],), 1.0),
    ("scale_for_half_the_grid", ([-127.5],), 1.0),
    ("min_max_scale", ([5.0, 255.0],), 1.0),
    ("range_scale", ([1.0, 256.0],), 1.0),
    ("reciprocal_scale", ([-127.0],), 1.0),
    ("uses_one_step", ([-3.0],), 3.0),
]


@pytest.mark.parametrize(("name", "values", "result"), NUMBERS)
def test_an_input_that_shows_a_wrong_scale_or_measure(name, values, result):
    assert float(getattr(bugs, name)(*map(torch.tensor, values))) == pytest.approx(result, rel=1e-6)


READOUTS = [kept, readout, repaired]
