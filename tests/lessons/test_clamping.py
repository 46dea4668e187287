"""Notebook 02: the ends of the ruler, the explorer that splits the error into clip and round, and the pictures."""

import random

import pytest
import torch

from quantlib import l2_error, split_error, unclamped_codes
from quantlib.data import load_weight
from quantlib.lab.explore import Slider
from quantlib.lab.words import amount, number
from quantlib.lessons.clamping.ends import draw_clamp_and_wrap, draw_end, draw_reach, wrap_quantize
from quantlib.lessons.clamping.exercises import parts_problem
from quantlib.lessons.clamping.room import draw_room, explore_room, free_zero_points
from quantlib.lessons.clamping.split import draw_split, explore_split
from tests.helpers.strategies import SEED as T

MINUS = "\N{MINUS SIGN}"
STEP = Slider("s", "scale s", 0.0625, 0.002, 0.08, 0.0005)
W = load_weight("ffn_down")


def expected(x, s, z):
    """What the readout says of x: the MSE, its parts, and the norm, by quantlib's own function."""
    means = [part.double().square().mean().item() for part in split_error(x, s, z)]
    error = sum(split_error(x, s, z))
    name, count = ("MSE", 1) if x.numel() < 40 else ("Sum of the squared errors", x.numel())
    whole, clip, rounding = (amount(part * count) for part in (sum(means), *means))
    sums = f"{name}: {whole} = {clip} by clipping + {rounding} by rounding. "
    return f"{sums}Norm of the error: {l2_error(error, torch.zeros_like(error)):.4f}."


def readout_1(s, z):
    """What the notebook's explorer of T says at this s and z."""
    return expected(T, s, z)


def readout_2(s, z):
    """What the notebook's map of T says at this s and z."""
    codes = T[..., None] / s + torch.arange(-128, 128)
    free = int(((codes.round() >= -128) & (codes.round() <= 127)).flatten(0, 1).all(0).sum())
    error = sum(split_error(T, s, z))
    norm = l2_error(error, torch.zeros_like(error))
    return f"nothing clips with {free} of the 256 zero points. Norm of the error: {norm:.4f}."


def readout_3(s):
    """What the notebook's explorer of the weights says at this s."""
    return expected(W, s, 0)


@pytest.fixture(scope="module")
def of_seed():
    return explore_split(T)


@pytest.fixture(scope="module")
def of_weights():
    return explore_split(W, scale=STEP)


def test_readout_agrees_with_quantlib_at_every_end(of_seed):
    s, z = of_seed.controls["s"], of_seed.controls["z"]
    for at_s in (s.min, s.max):
        for at_z in (z.min, z.max):
            text = of_seed.move(s=at_s, z=at_z)
            assert f"s = {number(at_s)} and z = {number(at_z)}" in text and readout_1(at_s, at_z) in text


def test_readout_agrees_with_quantlib_on_a_random_walk(of_seed):
    walk = random.Random(0)
    for _ in range(50):
        control = of_seed.controls[walk.choice(["s", "z"])]
        name = "s" if control is of_seed.controls["s"] else "z"
        value = control.value + walk.choice([-10, -1, 1, 10]) * control.step
        text = of_seed.move(**{name: min(max(value, control.min), control.max)})
        s, z = of_seed.controls["s"].value, of_seed.controls["z"].value
        clipped = int(((unclamped_codes(T, s, z) + 0.5).abs() > 128).sum())
        assert readout_1(s, z) in text and (f"{clipped} of 9 values clip" if clipped else "no value clips") in text
        assert text == of_seed.picture.alt


@pytest.mark.parametrize("s", [STEP.low, 0.0155, STEP.value, STEP.high])
def test_readout_agrees_with_quantlib_on_real_weights(of_weights, s):
    text = of_weights.move(s=s)
    assert list(of_weights.controls) == ["s"]
    assert f"s = {number(s)} and z = 0" in text and readout_3(s) in text


def test_one_clipped_weight_halves_the_norm(of_weights):
    assert "no value clips" in of_weights.move(s=0.0625) and "error: 13.7911." in of_weights.picture.alt
    assert "1 of 589,824 values clips" in of_weights.move(s=0.0155) and "error: 6.8683." in of_weights.picture.alt


def test_blitting_draws_what_a_full_redraw_draws(of_seed):
    of_seed.move(s=2.0, z=127)
    of_seed.move(s=3.5, z=-70)
    assert of_seed.picture.png == explore_split(T).picture.png


def test_the_picture_follows_both_sliders(of_seed):
    pictures = {of_seed.move(s=s, z=z) and of_seed.picture.png for s in (2.0, 3.5, 6.0) for z in (-128, -70, 127)}
    assert len(pictures) == 9


def in_steps(x, s, z):
    clip, rounding = split_error(x, s, z)
    return clip / s, rounding / s


def test_a_learners_function_drives_the_picture(of_seed):
    of_seed.move(s=3.5, z=-70)
    mine = explore_split(T, lambda x, s, z: tuple(reversed(split_error(x, s, z))))
    assert "MSE: 170.9 = 1.008 by clipping + 169.9 by rounding." in mine.picture.alt
    assert mine.picture.png != of_seed.picture.png


def test_parts_that_do_not_add_up_are_told(of_seed):
    assert "do not add up" not in of_seed.picture.alt
    assert "The two parts do not add up to x - x_hat." in explore_split(T, in_steps).picture.alt


def unwritten(x, s, z): ...


def raises(x, s, z):
    raise ZeroDivisionError("division by zero")


def loops(x, s, z):
    while True:
        pass


def forgets(x, s, z):
    print("a" * 1_000_000)


def returns_one(x, s, z):
    return split_error(x, s, z).clip


def cuts(x, s, z):
    return tuple(part[:1] for part in split_error(x, s, z))


def divides(x, s, z):
    return x / 0, x


SPOILED = {
    unwritten: "unwritten: it is not written yet.",
    raises: "raises: it raised ZeroDivisionError: division by zero.",
    loops: "loops: it took longer than 1 s and was stopped.",
    forgets: "forgets: it returned None: is a `return` missing?",
    returns_one: "returns_one: it returned a Tensor, not a pair of tensors.",
    cuts: "cuts: it returned shape (1, 3) for an input of shape (3, 3).",
    divides: "divides: it returned NaN or infinity.",
}


@pytest.mark.parametrize("function", SPOILED, ids=lambda f: f.__name__)
def test_explorer_stays_usable_whatever_the_function_does(function, capsys):
    explorer = explore_split(T, function)
    for z in (-70, 0):
        text = explorer.move(z=z)
        assert f"{SPOILED[function]} The picture shows quantlib's instead." in text and readout_1(3.5, z) in text
    assert capsys.readouterr().out == ""


def test_a_function_that_changes_its_input_does_no_harm():
    def my_split_error(x, s, z):
        parts = split_error(x, s, z)
        x.zero_()
        return parts

    before = T.clone()
    explorer = explore_split(T, my_split_error)
    assert "my_split_error: it changes its input in place." in explorer.picture.alt
    assert torch.equal(T, before) and readout_1(3.5, -70) in explorer.picture.alt


def test_parts_are_a_pair_of_float_tensors():
    assert parts_problem((T, T), T) == ""
    assert parts_problem([T, T], T) == ""
    assert "not a pair" in parts_problem(T, T)
    assert "not floating-point" in parts_problem((T, T.int()), T)


def test_large_weights_without_any_clip_can_be_drawn():
    x = torch.linspace(-1, 1, 1000)
    assert "no value clips" in draw_split(x, 0.01, 0, scale=Slider("s", "scale s", 0.01, 0.01, 0.02, 0.001)).alt


def test_amounts_are_written_as_people_write_them():
    assert [amount(value) for value in (0.0, 1.00774, 170.875, 22336.7)] == ["0", "1.008", "170.9", "22,337"]


def test_the_still_picture_says_the_two_parts():
    assert "0.738 by rounding. Norm of the error: 2.5771." in draw_split(T, 3.6, -76).alt


def test_pictures_of_the_ends_say_their_numbers():
    assert "728.6 asks for the code 138, but the last code is 127" in draw_end(T, 3.5, -70).alt
    reach = draw_reach(T, 3.5, -70, 1000.0).alt
    assert "at most s/2 = 1.75" in reach and "The error of 728.6 is 39.1 and that of 1000 is 310.5." in reach
    alt = draw_clamp_and_wrap(728.6, 3.5, -70).alt
    assert alt.endswith(f"Clamped, 728.6 comes back as 689.5. Wrapped, 728.6 comes back as {MINUS}168.")


def drag(explorer, panel, start, *ends):
    """Press on a panel at a point in the units of its axes, and move to others."""
    box = explorer.scene.figure.bbox
    for k, point in enumerate((start, *ends)):
        x, y = explorer.scene.panels[panel].axes.transData.transform(point)
        explorer.touched(x / box.width, y / box.height, pressed=k == 0)
    return {name: control.value for name, control in explorer.controls.items()}


def test_the_map_of_rulers_can_be_dragged():
    explorer = explore_room(T)
    assert drag(explorer, 0, (-70, 3.5), (-72.4, 3.68), (-74.8, 3.704)) == {"s": 3.7, "z": -75}
    assert "s = 3.7 and z = \N{MINUS SIGN}75: no value clips. At this s nothing clips with 9 of" in explorer.picture.alt
    assert drag(explorer, 0, (-70, 3.5), (-200, 9.0)) == {"s": 3.9, "z": -95}
    assert drag(explorer, 1, (1.0, 3), (9.0, 5)) == {"s": 3.9, "z": -95}  # the dots follow, and cannot be dragged


def test_the_scale_can_be_dragged_over_the_curves():
    few, many = explore_split(T), explore_split(W)
    assert drag(few, 1, (3.5, 1.0), (4.21, 30.0)) == {"s": 4.2, "z": -70} and "s = 4.2" in few.picture.alt
    assert drag(many, 0, (0.05, 40), (0.0154, 40)) == {"s": 0.0155}


def test_a_learners_function_drives_the_map():
    text = explore_room(T, lambda x, s, z: (x * 0 + 3.0, x * 0)).picture.alt
    assert "9 of 9 values clip." in text and "Norm of the error: 9.0000." in text
    assert "it is not written yet" in explore_room(T, unwritten).picture.alt


def test_the_still_map_says_where_the_ruler_is():
    assert "z = \N{MINUS SIGN}71: no value clips." in draw_room(T, 3.7, -71).alt
    assert "Norm of the error: 2.3451." in draw_room(T, 3.7, -71).alt


def test_few_zero_points_clip_nothing():
    assert [free_zero_points(T, s) for s in (3.5, 912.6 / 255, 3.6)] == [[], [-77], [-77, -76, -75]]
    assert free_zero_points(T, 3.7) == list(range(-78, -69))


def test_a_wrapped_value_comes_back_256_steps_away():
    x = 3.5 * torch.arange(-400.0, 400.0)
    assert set(((wrap_quantize(x, 3.5, 0) - x) / (256 * 3.5)).tolist()) == {-2.0, -1.0, 0.0, 1.0, 2.0}


# What learners write, as they write it: by exercise and mistake, lines that return what comes of it. None is ours.
# A float is never cast to int8 beyond its range, which would be undefined; it goes through an integer, which keeps the
# lowest 8 bits.
WRITTEN = {
    "clamp": {
        "the bounds are swapped": ["torch.clamp(v, quant_max, quant_min)", "torch.full_like(v, quant_min)"],
        "minimum and maximum are swapped": [
            "torch.maximum(torch.minimum(v, torch.tensor(quant_min)), torch.tensor(quant_max))"
        ],
        "only the upper end is clamped": ["torch.where(v > quant_max, quant_max, v)"],
        "only the lower end is clamped": ["torch.where(v < quant_min, quant_min, v)"],
        "nothing is clamped": ["v", "v * 1"],
        "the bounds are ignored": ["torch.clamp(v, -128, 127)"],
        "the lowest code is left out": ["torch.clamp(v, quant_min + 1, quant_max)"],
        "the highest code is left out": ["torch.clamp(v, quant_min, quant_max - 1)"],
        "clamp to -quant_max": ["torch.clamp(v, -quant_max, quant_max)"],
        "zero outside the grid": ["v * ((v >= quant_min) & (v <= quant_max))"],
        "wraps around instead": ["(v - quant_min) % (quant_max - quant_min + 1) + quant_min"],
        "rounded as well": ["torch.clamp(v.round(), quant_min, quant_max)"],
        "the fraction is cut off": [
            "torch.clamp(v, quant_min, quant_max).long().to(v.dtype)",
            "v.clamp(quant_min, quant_max).trunc()",
        ],
        "v is changed in place": ["v.clamp_(quant_min, quant_max)"],
    },
    "split_error": {
        "the parts are swapped": ["(e * ~out, e * out)"],
        "the signs are reversed": ["(-e * out, -e * ~out)"],
        "absolute values": ["(e.abs() * out, e.abs() * ~out)"],
        "error in steps": ["(e / s * out, e / s * ~out)"],
        "clip from the last level on": [
            "(x - x.clamp(s * (-128 - z), s * (127 - z)), x.clamp(s * (-128 - z), s * (127 - z)) - x_hat)",
            "(e * ((x / s + z > 127) | (x / s + z < -128)), e * ((x / s + z <= 127) & (x / s + z >= -128)))",
        ],
        "a clipped value is rounded too": ["(s * (c - z) - x_hat, x - s * (c - z))"],
        "clipping only above": ["(e * (c > 127), e * (c <= 127))"],
        "x_hat without a clamp": ["((x - s * (c - z)) * out, (x - s * (c - z)) * ~out)"],
        "z inside the division": [
            "(lambda q: ((x - s * q.clamp(-128, 127) - z) * (q.clamp(-128, 127) != q),"
            " (x - s * q.clamp(-128, 127) - z) * (q.clamp(-128, 127) == q)))(torch.round((x - z) / s))"
        ],
        "the way back is s * q + z": [
            "((x - s * c.clamp(-128, 127) - z) * out, (x - s * c.clamp(-128, 127) - z) * ~out)"
        ],
        "the parts are squared": ["(e**2 * out, e**2 * ~out)"],
        "the end codes count as clipped": ["(e * ((c >= 127) | (c <= -128)), e * ((c < 127) & (c > -128)))"],
    },
}

# What a learner has worked out before.
BEFORE = {
    "split_error": {
        "c": "torch.round(x / s + z)",
        "x_hat": "s * (c.clamp(-128, 127) - z)",
        "e": "x - x_hat",
        "out": "(c < -128) | (c > 127)",
    },
}


READOUTS = [readout_1, readout_2, readout_3]
