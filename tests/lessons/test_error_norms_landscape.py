"""The map of the MSE over s and z: it agrees with quantlib at every point, and min-max can be beaten on it."""

import random

import numpy
import pytest
import torch

from quantlib import choose_qparams, fake_quantize, l2_error, mse
from quantlib.lab.words import number
from quantlib.lessons.error_norms.landscape import (
    SCALE,
    ZERO_POINT,
    Terrain,
    draw_landscape,
    explore_landscape,
    landscape,
)
from tests.helpers.strategies import SEED as T


def readout(s, z):
    """What the readout must contain for a ruler: norm, MSE, and that of min-max."""
    x_hat = fake_quantize(T, s, int(z))
    return f"norm of the error {number(l2_error(T, x_hat))}, MSE {mse(T, x_hat):.4f}; min-max has 1.5730. "


def beaten(s, z):
    return "You beat min-max" if mse(T, fake_quantize(T, s, z)) < 1.57297 else "Min-max is not beaten yet"


def my_l2(x, x_hat):
    return (x - x_hat).norm()


@pytest.fixture(scope="module")
def explorer():
    return explore_landscape(T, my_l2)


def test_readout_agrees_with_quantlib_at_every_end(explorer):
    s, z = explorer.controls["s"], explorer.controls["z"]
    for at_s in (s.min, s.max):
        for at_z in (z.min, z.max):
            text = explorer.move(s=at_s, z=at_z)
            assert readout(at_s, at_z) + beaten(at_s, at_z) in text
            assert f"s = {number(at_s)} and z = {number(at_z)}" in text


def test_readout_agrees_with_quantlib_on_a_random_walk(explorer):
    walk = random.Random(0)
    explorer.move(s=4.0, z=-70)
    for _ in range(50):
        name = walk.choice(["s", "z"])
        control = explorer.controls[name]
        value = control.value + walk.choice([-10, -1, 1, 10]) * control.step
        explorer.move(**{name: min(max(value, control.min), control.max)})
        s, z = (explorer.controls[n].value for n in "sz")
        assert readout(s, z) + beaten(s, z) in explorer.picture.alt


def test_zero_point_control_is_an_integer(explorer):
    assert type(explorer.controls["z"]).__name__ == "IntSlider"


def test_blitting_draws_what_a_full_redraw_draws():
    walked, fresh = explore_landscape(T), explore_landscape(T)
    for s, z in ((3.0, -110), (5.0, -10), (3.5, -70)):
        walked.move(s=s, z=z)
    assert walked.picture.png == fresh.picture.png


def test_every_point_of_the_map_is_quantlibs_mse():
    terrain, walk = Terrain(T, SCALE, ZERO_POINT), random.Random(1)
    assert terrain.mse.shape == (201, 101)
    for _ in range(100):
        i, j = walk.randrange(201), walk.randrange(101)
        s, z = float(numpy.float32(terrain.scales[i])), int(terrain.zero_points[j])
        assert terrain.mse[i, j] == pytest.approx(mse(T, fake_quantize(T, s, z)), rel=1e-9)
        assert terrain.slice(z)[i] == terrain.mse[i, j]


def test_minmax_can_be_beaten():
    s, z, *_ = choose_qparams(T)
    assert (f"{float(s):.4f}", int(z)) == ("3.5788", -77)
    assert f"{mse(T, fake_quantize(T, s, z)):.4f}" == "1.5730"
    fine = landscape(T, torch.arange(3000, 8001) / 1000, torch.arange(-128, 1))
    at = fine.min(dim=1).values.argmin().item()
    assert (3000 + at, f"{fine.min():.4f}") == (4168, "0.4074")
    inside = landscape(T, torch.arange(3580, 5001) / 1000, torch.tensor([-77]))
    assert (inside < 1.57297).double().mean() > 0.6  # most of the larger scales are better
    assert f"{landscape(T, torch.tensor([3.7]), torch.tensor([-77])).item():.3f}" == "0.611"


def test_inside_the_wedge_only_the_scale_matters():
    inside = landscape(T, torch.tensor([3.6, 3.7]), torch.arange(-78, -69))
    assert inside[0, 1:4].unique().numel() == 1 and inside[1].unique().numel() == 1
    assert inside[0, 0] > inside[0, 1] < inside[0, 4]


def unwritten(x, x_hat): ...


def raises(x, x_hat):
    raise ValueError("no")


def loops(x, x_hat):
    while True:
        pass


def none(x, x_hat):
    x - x_hat


SPOILED = {
    unwritten: "unwritten: it is not written yet.",
    raises: "raises: it raised ValueError: no.",
    loops: "loops: it took longer than 1 s and was stopped.",
    none: "none: it returned None: is a `return` missing?",
}


@pytest.mark.parametrize("function", SPOILED, ids=lambda f: f.__name__)
def test_explorer_stays_usable_whatever_the_measure_does(function):
    explorer = explore_landscape(T, function)
    for s in (3.0, 4.17, 5.0):
        text = explorer.move(s=s)
        assert readout(s, -70) in text
        assert f"{SPOILED[function]} quantlib's l2_error stands in." in text


def test_the_learners_measure_gives_the_norm():
    assert "norm of the error 7, MSE 170.8753" in explore_landscape(T, lambda x, x_hat: 7).picture.alt


def test_landscape_figure_says_where_minmax_and_the_other_ruler_are():
    alt = draw_landscape(T, 4.168, -77, "best").alt
    assert "Min-max, at s = 3.579 and z = \N{MINUS SIGN}77" in alt and "has 1.5730" in alt
    assert "s = 4.168, z = \N{MINUS SIGN}77 has 0.4074: 74 % below min-max" in alt
