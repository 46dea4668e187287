"""Notebook 04: the ranking of two rulers, the map of the MSE over s and z, and pictures of measures."""

import math
import random

import numpy
import pytest
import torch

from quantlib import choose_qparams, fake_quantize, l1_error, l2_error, max_error, mse, sqnr_db
from quantlib.data import load_weight
from quantlib.lab.words import number
from quantlib.lessons.bug_museum import bugs
from quantlib.lessons.error_norms.landscape import (
    SCALE,
    ZERO_POINT,
    Terrain,
    draw_landscape,
    explore_landscape,
    landscape,
)
from quantlib.lessons.error_norms.pictures import draw_growth, draw_row_sqnr, draw_wrong_scale
from quantlib.lessons.error_norms.ranking import (
    Yours,
    draw_ranking,
    draw_two_errors,
    explore_ranking,
    make_view,
    scores_of,
)
from tests.helpers.strategies import SEED as T

A, B = (14.0, -70), (3.5, -70)
MEASURES = {"L1": l1_error, "L2": l2_error, "L∞": max_error, "MSE": mse, "SQNR": sqnr_db}


def moved(v):
    x = T.clone()
    x[0, 2] = v
    return x


def ranking_readout(v):
    """What the readout must contain for a value v: all five measures, and which ruler each calls better."""
    x = moved(v)
    x_a, x_b = (fake_quantize(x, *ruler) for ruler in (A, B))
    parts = []
    for name, measure in MEASURES.items():
        a, b = measure(x, x_a), measure(x, x_b)
        better = "A" if (a > b if name == "SQNR" else a < b) else "B"
        said = "both are equal" if a == b else f"{better} is better"
        parts.append(f"by {name} {said} (A {number(a)}, B {number(b)})")
    return "; ".join(parts)[1:]


def my_l2(x, x_hat):
    return (x - x_hat).square().sum().sqrt()


@pytest.fixture(scope="module")
def ranking():
    return explore_ranking(T, A, B, my_l2)


def test_ranking_agrees_with_quantlib_at_both_ends(ranking):
    control = ranking.controls["v"]
    for v in (control.min, control.max):
        text = ranking.move(v=v)
        assert ranking_readout(v) in text and f"v = {number(v)}" in text


def test_ranking_agrees_with_quantlib_on_a_random_walk(ranking):
    control, walk = ranking.controls["v"], random.Random(0)
    for _ in range(50):
        value = control.value + walk.choice([-10, -1, 1, 10]) * control.step
        assert ranking_readout(min(max(value, control.min), control.max)) in ranking.move(v=value)


def test_the_ranking_flips_from_the_largest_error_to_the_sum():
    flips = dict.fromkeys(MEASURES)
    for v in torch.arange(685, 725.5, 0.5).tolist():
        for said in make_view(moved(v), A, B).scores:
            if said.winner == "A" and flips[said.name] is None:
                flips[said.name] = v
            assert (said.winner == "A") == (flips[said.name] is not None)  # no measure changes its mind twice
    assert flips == {"L1": 709.5, "L2": 699.5, "L∞": 696.5, "MSE": 699.5, "SQNR": 699.5}


def test_blitting_a_ranking_draws_what_a_full_redraw_draws():
    walked, fresh = explore_ranking(T, A, B), explore_ranking(T, A, B)
    for v in (685.0, 725.0, 705.0):
        walked.move(v=v)
    assert walked.picture.png == fresh.picture.png


def test_the_learners_measure_has_a_row_of_its_own(ranking):
    x = moved(700.0)
    a, b = (l2_error(x, fake_quantize(x, *ruler)) for ruler in (A, B))
    assert f"by my_l2 A is better (A {number(a)}, B {number(b)})" in ranking.move(v=700.0)
    assert "my_l2" not in explore_ranking(T, A, B).picture.alt


def unwritten(x, x_hat): ...


def raises(x, x_hat):
    raise ZeroDivisionError("division by zero")


def loops(x, x_hat):
    while True:
        pass


def forgets(x, x_hat):
    x - x_hat


def keeps_the_shape(x, x_hat):
    return x - x_hat


def infinite(x, x_hat):
    return math.inf


SPOILED = {
    unwritten: "unwritten: it is not written yet.",
    raises: "raises: it raised ZeroDivisionError: division by zero.",
    loops: "loops: it took longer than 1 s and was stopped.",
    forgets: "forgets: it returned None: is a `return` missing?",
    keeps_the_shape: "keeps_the_shape: it returned a tensor of shape (3, 3), not one number.",
    infinite: "infinite: it returned NaN or infinity.",
}


@pytest.mark.parametrize("function", SPOILED, ids=lambda f: f.__name__)
def test_ranking_stays_usable_whatever_the_measure_does(function, capsys):
    explorer = explore_ranking(T, A, B, function)
    for v in (685.0, 700.0, 725.0):
        text = explorer.move(v=v)
        assert ranking_readout(v) in text and f"{SPOILED[function]} Its row stays empty." in text
    assert capsys.readouterr().out == ""


def test_a_measure_may_be_negative_or_zero():
    said, notice = Yours(lambda x, x_hat: -x_hat.sum())(T, T, 2 * T)
    assert said.winner == "B" and not notice
    assert Yours(lambda x, x_hat: 0)(T, T, 2 * T)[0].winner == ""


def test_more_decibels_win():
    x = torch.tensor([1.0, 2.0])
    for a, b, winner in (x + 0.1, x + 0.2, "A"), (x + 0.2, x, "B"), (x, x, ""):  # the second B has no error at all
        assert [said.winner for said in scores_of(x, a, b)] == [winner] * 5


def test_equal_rulers_are_said_to_be_equal():
    assert "by L1 both are equal" in draw_ranking(T, B, B).alt.replace("By", "by")


def test_errors_are_named_without_a_verdict():
    alt = draw_two_errors(moved(705.0), A, B).alt
    assert "B: 0.9, 0.5, 15.5, 1.1, 1.5, 1.5, 0.0, 1.4, 0.5" in alt and "better" not in alt


def map_readout(s, z):
    """What the readout must contain for a ruler: norm, MSE, and that of min-max."""
    x_hat = fake_quantize(T, s, int(z))
    return f"norm of the error {number(l2_error(T, x_hat))}, MSE {mse(T, x_hat):.4f}; min-max has 1.5730. "


def beaten(s, z):
    return "You beat min-max" if mse(T, fake_quantize(T, s, z)) < 1.57297 else "Min-max is not beaten yet"


@pytest.fixture(scope="module")
def over_map():
    return explore_landscape(T, my_l2)


def test_landscape_agrees_with_quantlib_at_every_end(over_map):
    s, z = over_map.controls["s"], over_map.controls["z"]
    for at_s in (s.min, s.max):
        for at_z in (z.min, z.max):
            text = over_map.move(s=at_s, z=at_z)
            assert map_readout(at_s, at_z) + beaten(at_s, at_z) in text
            assert f"s = {number(at_s)} and z = {number(at_z)}" in text


def test_landscape_agrees_with_quantlib_on_a_random_walk(over_map):
    walk = random.Random(0)
    over_map.move(s=4.0, z=-70)
    for _ in range(50):
        name = walk.choice(["s", "z"])
        control = over_map.controls[name]
        value = control.value + walk.choice([-10, -1, 1, 10]) * control.step
        over_map.move(**{name: min(max(value, control.min), control.max)})
        s, z = (over_map.controls[n].value for n in "sz")
        assert map_readout(s, z) + beaten(s, z) in over_map.picture.alt


def test_zero_point_control_is_an_integer(over_map):
    assert type(over_map.controls["z"]).__name__ == "IntSlider"


def test_blitting_a_landscape_draws_what_a_full_redraw_draws():
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


@pytest.mark.parametrize("function", SPOILED, ids=lambda f: f.__name__)
def test_landscape_stays_usable_whatever_the_measure_does(function):
    explorer = explore_landscape(T, function)
    for s in (3.0, 4.17, 5.0):
        text = explorer.move(s=s)
        assert map_readout(s, -70) in text
        assert f"{SPOILED[function]} quantlib's l2_error stands in." in text


def test_the_learners_measure_gives_the_norm():
    assert "norm of the error 7, MSE 170.8753" in explore_landscape(T, lambda x, x_hat: 7).picture.alt


def test_the_still_map_says_where_both_rulers_are():
    alt = draw_landscape(T, 4.168, -77, "best").alt
    assert "Min-max, at s = 3.579 and z = \N{MINUS SIGN}77" in alt and "has 1.5730" in alt
    assert "s = 4.168, z = \N{MINUS SIGN}77 has 0.4074: 74 % below min-max" in alt


def test_growth_is_a_factor_for_each_measure():
    assert "L1 2-fold, L2 3.46-fold, L∞ 10-fold, MSE 12-fold" in draw_growth(9, 10.0).alt


def test_wrong_scale_is_seen_by_sqnr_alone():
    assert "its cosine stays 1.0000. SQNR sees it: 0.0 dB" in draw_wrong_scale(T, fake_quantize(T, 3.6, -76)).alt


def test_row_sqnr_names_the_whole_and_the_best_row():
    alt = draw_row_sqnr({"ffn_down": load_weight("ffn_down")}).alt
    assert "ffn_down: 8.06 dB as a whole, 5.5 to 22.1 by row, the best is row 99." in alt


# What learners write, as they write it: by exercise and mistake, lines that return what comes of it. None is ours.
# A float is never cast to int8 beyond its range, which would be undefined; it goes through an integer, which keeps the
# lowest 8 bits.
WRITTEN = {
    "l2": {
        "the root is forgotten": ["((x - x_hat) ** 2).sum()"],
        "mean instead of sum": ["((x - x_hat) ** 2).mean().sqrt()"],
        "the mean squared error": ["((x - x_hat) ** 2).mean()"],
        "the L1 norm": ["abs(x - x_hat).sum()"],
        "the largest error": ["abs(x - x_hat).max()"],
        "squared after adding": ["((x - x_hat).sum() ** 2).sqrt()"],
        "a difference of norms": ["abs(x.norm() - x_hat.norm())"],
        "x_hat is ignored": ["(x**2).sum().sqrt()"],
    },
    "sqnr": {
        "20 log10 of energies": ["20 * torch.log10((x**2).sum() / ((x - x_hat) ** 2).sum())"],
        "10 log10 of amplitudes": ["10 * torch.log10(x.norm() / (x - x_hat).norm())"],
        "the ratio is upside down": ["10 * torch.log10(((x - x_hat) ** 2).sum() / (x**2).sum())"],
        "the natural logarithm": ["10 * torch.log((x**2).sum() / ((x - x_hat) ** 2).sum())"],
        "the logarithm to base 2": ["10 * torch.log2((x**2).sum() / ((x - x_hat) ** 2).sum())"],
        "no logarithm": ["(x**2).mean() / ((x - x_hat) ** 2).mean()"],
        "the factor 10 is missing": ["torch.log10((x**2).sum() / ((x - x_hat) ** 2).sum())"],
        "the energy of x_hat for that of x": ["10 * torch.log10((x_hat**2).sum() / ((x - x_hat) ** 2).sum())"],
        "the energy of x over that of x_hat": ["10 * torch.log10((x**2).sum() / (x_hat**2).sum())"],
        "the peak for the signal": ["10 * torch.log10(x.abs().max() ** 2 / ((x - x_hat) ** 2).mean())"],
    },
}


# The smallest input that shows a mistake, and what comes.
NUMBERS = [
    ("forgets_root", ([3.0], [1.0]), 4.0),
    ("averages", ([3.0, 1.0], [1.0, 3.0]), 2.0),
    ("mean_square", ([3.0, 1.0], [1.0, 3.0]), 4.0),
    ("adds_sizes", ([3.0, 4.0], [0.0, 0.0]), 7.0),
    ("takes_largest", ([3.0, 4.0], [0.0, 0.0]), 4.0),
    ("adds_before_squaring", ([1.0, 2.0], [2.0, 1.0]), 0.0),
    ("subtracts_norms", ([1.0, 2.0], [2.0, 1.0]), 0.0),
    ("norm_of_input", ([3.0, 4.0], [3.0, 4.0]), 5.0),
    ("twenty_for_energies", ([10.0], [9.0]), 40.0),
    ("ten_for_amplitudes", ([10.0], [9.0]), 10.0),
    ("upside_down", ([10.0], [9.0]), -20.0),
    ("natural_logarithm", ([10.0], [9.0]), 46.051702),
    ("binary_logarithm", ([2.0], [1.0]), 20.0),
    ("bare_ratio", ([10.0], [9.0]), 100.0),
    ("in_bels", ([10.0], [9.0]), 2.0),
    ("energy_of_output", ([9.0], [10.0]), 20.0),
    ("output_for_noise", ([10.0], [1.0]), 20.0),
    ("peak_ratio", ([10.0, 0.0], [9.0, 1.0]), 20.0),
]


@pytest.mark.parametrize(("name", "values", "result"), NUMBERS)
def test_an_input_that_shows_a_wrong_scale_or_measure(name, values, result):
    assert float(getattr(bugs, name)(*map(torch.tensor, values))) == pytest.approx(result, rel=1e-6)


GIVEN = {"a": (3.5, -70), "b": (4.1, -70)}


READOUTS = [ranking_readout, map_readout]
