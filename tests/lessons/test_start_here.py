"""Notebook 00: what a network hears at each number of bits, the step and the code of 0.0, and a stretched ruler."""

import io
import wave
from functools import cache

import pytest
import torch

from quantlib import choose_qparams, fake_quantize
from quantlib.data import T
from quantlib.data.silero import speech_probability
from quantlib.lab.words import number
from quantlib.lessons.bug_museum import bugs
from quantlib.lessons.start_here import exercises, explore_bits, explore_range, load_network, play_sound
from quantlib.lessons.start_here.explorer import LIMITS

# What learners write, as they write it: by exercise and mistake, lines that return what comes of it. None is ours.
# A float is never cast to int8 beyond its range, which would be undefined; it goes through an integer, which keeps the
# lowest 8 bits.
WRITTEN = {
    "step": {
        "256 gaps where there are 255": ["(x.max() - x.min()) / 256"],
        "half of the grid": ["(x.max() - x.min()) / 127"],
        "only the largest value": ["x.max() / 255"],
        "the symmetric scale": ["x.abs().max() / 127"],
        "the whole range, not one step": ["x.max() - x.min()"],
        "the reciprocal of the step": ["255 / (x.max() - x.min())"],
        "a pair of brackets is missing": ["x.max() - x.min() / 255"],
        "a whole number of units": ["(x.max() - x.min()) // 255", "int((x.max() - x.min()) / 255)"],
    },
    "zero": {
        "counted from 0, not from -128": ["round(-x.min().item() / step)"],
        "the sign of the smallest value": ["-128 + round(x.min().item() / step)"],
        "not rounded": ["-128 - x.min() / step"],
        "truncation where rounding is meant": [
            "int(-128 - x.min().item() / step)",
            "-128 + int(-x.min() / step)",
            "(-128 - x.min() / step).long()",
        ],
        "always 0": ["0"],
        "counted from the wrong end": ["127 + round(x.min().item() / step)"],
    },
}

# What a learner has worked out before.
BEFORE = {
    "zero": {"step": "(x.max() - x.min()).item() / 255"},
}


# The smallest input that shows a mistake, and what comes.
NUMBERS = [
    ("counts_marks", ([-128.0, 128.0],), 1.0),
    ("steps_half_grid", ([-100.0, 27.0],), 1.0),
    ("steps_from_zero", ([-5.0, 255.0],), 1.0),
    ("steps_symmetrically", ([-127.0, 5.0],), 1.0),
    ("steps_range", ([-1.0, 2.0],), 3.0),
    ("steps_reciprocal", ([0.0, 51.0],), 5.0),
    ("divides_first", ([-255.0, 1.0],), 2.0),
    ("cuts_step", ([0.0, 51.0],), 0.0),
    ("cuts_fraction", ([-0.4, 254.6],), -127.0),
    ("cuts_steps", ([-0.6, 254.4],), -128.0),
    ("counts_from_zero", ([-2.0, 253.0],), 2.0),
    ("counts_downwards", ([-2.0, 253.0],), -130.0),
    ("keeps_fraction", ([-0.25, 254.75],), -127.75),
    ("is_always_zero", ([-2.0, 253.0],), 0.0),
    ("counts_from_the_top", ([-2.0, 253.0],), 125.0),
]


@pytest.mark.parametrize(("name", "values", "result"), NUMBERS)
def test_an_input_that_shows_a_wrong_scale_or_measure(name, values, result):
    assert float(getattr(bugs, name)(*map(torch.tensor, values))) == pytest.approx(result, rel=1e-6)


def test_the_smallest_input_that_shows_a_cut_off_fraction_has_two_numbers():
    verdict = exercises.zero.check(lambda x: int(-128 - x.min() / ((x.max() - x.min()) / 255)))
    assert verdict.misconceptions == ("truncation where rounding is meant",)
    assert "with x = [-0.4, 254.6]" in verdict.message.replace("\N{MINUS SIGN}", "-")


# --- bits


NETWORK, SOUND = load_network()
GIVEN = {"weights": NETWORK, "audio": SOUND}


@cache
def hears(bits):
    """Where the network hears a voice; each trained array has so many bits a weight, and a scale a row."""
    weights = dict(NETWORK)
    for name in (name for name in NETWORK if name.endswith("weight") or ".weight_" in name):
        w = NETWORK[name].flatten(1)
        scale = w.abs().amax(dim=1, keepdim=True) / (2 ** (bits - 1) - 1)
        weights[name] = ((w / scale).round() * scale).reshape(NETWORK[name].shape)
    return speech_probability(weights, SOUND) > 0.5


def expected_bits(b):
    """Return what the readout of explore_bits must contain."""
    before, now = speech_probability(NETWORK, SOUND) > 0.5, hears(int(b))
    heard = f"in {int(now.sum()) or 'none'} of 264 windows, with 32 bits in {int(before.sum())}"
    row = NETWORK["lstm.weight_hh"][12]
    scale = row.abs().max() / (2 ** (b - 1) - 1)
    code = (row[8] / scale).round()
    weight = f"weight of {row[8]:.4f} becomes the code {int(code)}, which stands for {code * scale:.4f}"
    alike = int((now == before).sum())
    return f"b = {int(b)}: the outlined {weight}. The network hears a voice {heard}; it decides alike in {alike}."


@pytest.fixture(scope="module")
def bits():
    return explore_bits(NETWORK, SOUND)


def test_the_network_is_asked_once_for_each_number_of_bits(bits):
    assert bits.compute(b=3) is bits.compute(b=3)


def test_the_network_goes_deaf_below_four_bits(bits):
    heard = {b: int(bits.compute(b=b).hears.sum()) for b in range(2, 9)}
    assert min(heard[b] for b in range(4, 9)) >= 130 and heard[3] < 70 and heard[2] == 0


def test_the_pictures_of_the_corner_are_what_their_titles_say(bits):
    bits.move(b=4)
    weights, codes, rebuilt, lost = (panel._image.get_array().data for panel in bits.scene.panels[:4])
    view, span = bits.live.view, NETWORK["lstm.weight_hh"][:16, :16].abs().max().item()
    assert [panel.title.text for panel in bits.scene.panels[1:4:2]] == [
        "codes: \N{MINUS SIGN}7 to 7",
        "lost, colours × 4",
    ]
    assert codes == pytest.approx(view.q.numpy() / 7) and rebuilt == pytest.approx(view.x_hat.numpy() / span)
    assert lost == pytest.approx(4 * (weights - rebuilt), abs=1e-6)


def test_the_sound_is_painted_where_it_is_heard(bits):
    bits.move(b=2)
    assert bits.scene.panels[4]._heard.get_xdata().size == bits.scene.panels[5]._heard.get_xdata().size == 0
    bits.move(b=8)
    times = bits.scene.panels[4]._heard.get_xdata()
    window = (times[::3] * 16_000 // 512).astype(int)
    assert set(window) == set(hears(8).nonzero().flatten().tolist())


def test_blitting_bits_draws_what_a_full_redraw_draws(bits):
    fresh = explore_bits(NETWORK, SOUND)
    bits.move(b=2)
    bits.move(b=8)
    assert bits.picture.png == fresh.picture.png


def test_a_sound_can_be_played():
    with wave.open(io.BytesIO(play_sound(SOUND).wav())) as sound:
        assert (sound.getframerate(), sound.getnframes(), sound.getsampwidth()) == (16_000, len(SOUND), 2)


# --- the stretched ruler


def expected_range(f):
    """Return what the readout of explore_range on T must contain."""
    x = torch.where(T.max() == T, f * T, T)
    s, z, *grid = choose_qparams(x)
    off = (x - fake_quantize(x, s, z, *grid)).abs().max().item()
    ruler = f"the largest value is {number(x.max().item())}, s = {number(s.item())} and z = {number(int(z))}"
    half = f"Half a step is {number(s.item() / 2)}; the largest error of these values is {number(off)}."
    return f"f = {number(f)}: {ruler}. {half}"


READOUTS = [expected_bits, expected_range]


def press(explorer, value, to):
    """Press on the ruler at a real value, and move to another."""
    scene = explorer.scene
    left, low, right, high = scene.area(scene.panels[0])
    for k, real in enumerate((value, to)):
        share = (real - LIMITS[0]) / (LIMITS[1] - LIMITS[0])
        explorer.touched(left + share * (right - left), low + 0.9 * (high - low), pressed=k == 0)


def test_the_largest_value_can_be_dragged():
    explorer = explore_range(T)
    press(explorer, 728.6, 1100.0)
    assert explorer.controls["f"].value == 1.5
    press(explorer, 1092.9, 3000.0)
    assert explorer.controls["f"].value == 2.0 and expected_range(2.0) in explorer.picture.alt


def test_it_follows_a_pointer_that_is_pressed_elsewhere_by_as_much_as_it_moves():
    explorer = explore_range(T)
    press(explorer, 200.0, 200.0)
    assert explorer.controls["f"].value == 1.0
    press(explorer, 200.0, 200.0 + 0.5 * 728.6)
    assert explorer.controls["f"].value == 1.5


def test_a_step_that_is_too_long_ends_with_the_axis():
    explorer = explore_range(T, lambda x: 10.0)
    assert "Half a step is 5;" in explorer.picture.alt
    assert explorer.scene.panels[1]._bar.get_width() == 4.0
