"""The pictures of the ends of the ruler: what they say is what quantlib computes."""

import torch

from quantlib.data import load_weight
from quantlib.lab.explore import Slider
from quantlib.lessons.clamping.ends import (
    draw_clamp_and_wrap,
    draw_end,
    draw_free,
    draw_reach,
    free_zero_points,
    wrap_quantize,
)
from tests.helpers.strategies import SEED as T

MINUS = "\N{MINUS SIGN}"
STEP = Slider("s", "scale s", 0.0625, 0.002, 0.08, 0.0005)
W = load_weight("ffn_down")


def test_pictures_say_their_numbers():
    assert "728.6 asks for the code 138, but the last code is 127" in draw_end(T, 3.5, -70).alt
    assert "at most s/2 = 1.75" in draw_reach(T, 3.5, -70).alt
    assert "The error of 728.6 is 39.1." in draw_reach(T, 3.5, -70).alt
    alt = draw_clamp_and_wrap(728.6, 3.5, -70).alt
    assert alt.endswith(f"Clamped, 728.6 comes back as 689.5. Wrapped, 728.6 comes back as {MINUS}168.")
    free = f"s = 3.579: {MINUS}77; s = 3.6: {MINUS}77 to {MINUS}75; s = 3.7: {MINUS}78 to {MINUS}70."
    assert draw_free(T, 3.5, -70, (912.6 / 255, 3.6, 3.7)).alt.endswith(free)


def test_few_zero_points_clip_nothing():
    assert [free_zero_points(T, s) for s in (3.5, 912.6 / 255, 3.6)] == [[], [-77], [-77, -76, -75]]
    assert free_zero_points(T, 3.7) == list(range(-78, -69))


def test_a_wrapped_value_comes_back_256_steps_away():
    x = 3.5 * torch.arange(-400.0, 400.0)
    assert set(((wrap_quantize(x, 3.5, 0) - x) / (256 * 3.5)).tolist()) == {-2.0, -1.0, 0.0, 1.0, 2.0}
