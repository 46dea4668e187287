"""Notebook 04: the ranking of two rulers, the map of the MSE over s and z, and pictures of measures."""

import math
import random

import numpy
import pytest
import torch

from quantlib import choose_qparams, fake_quantize, l1_error, l2_error, max_error, mse, sqnr_db
from quantlib.data import load_weight
from quantlib.lab.words import amount, joined, number
from quantlib.lessons.bug_museum import bugs
from quantlib.lessons.error_norms import check_sqnr
from quantlib.lessons.error_norms.landscape import (
    SCALE,
    ZERO_POINT,
    Terrain,
    draw_landscape,
    explore_landscape,
    landscape,
)
from quantlib.lessons.error_norms.pictures import draw_angle, draw_growth, draw_scale_search, draw_wrong_scale
from quantlib.lessons.error_norms.ranking import (
    Yours,
    draw_ranking,
    draw_two_errors,
    explore_ranking,
    make_view,
)
from quantlib.lessons.error_norms.rows import explore_rows
from tests.helpers.strategies import SEED as T

A, B = (14.0, -70), (3.62, -70)
W = load_weight("ffn_down")
MEASURES = {"L1": l1_error, "L2": l2_error, "L∞": max_error, "MSE": mse}


def moved(v):
    x = T.clone()
    x[0, 2] = v
    return x


def ranking_readout(v):
    """What the readout must contain for a value v: which ruler is better by which of the four measures."""
    x = moved(v)
    x_a, x_b = (fake_quantize(x, *ruler) for ruler in (A, B))
    of_a = [name for name, measure in MEASURES.items() if measure(x, x_a) < measure(x, x_b)]
    of_b = [name for name in MEASURES if name not in of_a]
    if not of_a or not of_b:
        return f"{'A' if of_a else 'B'} is better by every measure."
    (more, first), (fewer, second) = sorted((("A", of_a), ("B", of_b)), key=lambda each: -len(each[1]))
    return f"{more} is better by {joined(first)}; {fewer} by {joined(second)}."


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
    for v in [round(700 + 0.2 * k, 1) for k in range(201)]:
        for said in make_view(moved(v), A, B).scores:
            if said.winner == "A" and flips[said.name] is None:
                flips[said.name] = v
            assert (said.winner == "A") == (flips[said.name] is not None)  # no measure changes its mind twice
    assert flips == {"L1": 735.8, "L2": 724.0, "L∞": 719.8, "MSE": 724.0}


def test_the_ranking_can_be_set_to_t_itself_and_starts_elsewhere(ranking):
    assert "v = 728.6: " in ranking.move(v=728.6) and ranking.controls["v"].value == 728.6
    assert explore_ranking(T, A, B).picture.alt.endswith("B is better by every measure.")


def test_the_clipped_bar_can_be_dragged(ranking):
    upper, bars, _ = ranking.scene.panels
    left, low, right, high = ranking.scene.area(bars)
    for share in (0.2, 0.6):
        at = left + 2.6 / 9 * (right - left), low + share * (high - low)  # the third bar of nine
        ranking.touched(*at, pressed=True)
        error = ranking.scene.place(bars, *at)[1]
        assert ranking.controls["v"].value == pytest.approx(3.62 * 197 + error, abs=0.11)
        assert ranking_readout(ranking.controls["v"].value) in ranking.picture.alt
    ranking.touched(left, high + 0.02, pressed=False)
    assert ranking.controls["v"].value == 740.0
    before = ranking.picture.alt
    ranking.touched(
        *(sum(pair) / 2 for pair in (ranking.scene.area(upper)[::2], ranking.scene.area(upper)[1::2])), True
    )
    assert ranking.picture.alt == before  # ruler A makes no error that v alone decides


def test_blitting_a_ranking_draws_what_a_full_redraw_draws():
    walked, fresh = explore_ranking(T, A, B), explore_ranking(T, A, B)
    for v in (685.0, 725.0, 705.0):
        walked.move(v=v)
    assert walked.picture.png == fresh.picture.png


def test_the_learners_measure_has_a_row_of_its_own(ranking):
    x = moved(700.0)
    a, b = (l2_error(x, fake_quantize(x, *ruler)) for ruler in (A, B))
    assert f"By my_l2 B is better (A {number(a)}, B {number(b)})." in ranking.move(v=700.0)
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


def test_equal_rulers_are_said_to_be_equal():
    assert "by L1 both are equal (A 21.38, B 21.38)" in draw_ranking(T, B, B).alt


def test_errors_are_named_without_a_verdict():
    alt = draw_two_errors(T, A, B).alt
    assert "B: 0.3, 1.0, 15.5, 1.6, 1.3, 0.6, 0.0, 0.4, 0.7" in alt and "better" not in alt


def test_the_ranking_picture_has_the_two_numbers_of_each_norm():
    alt = draw_ranking(T, A, B).alt
    assert "by L1 B is better (A 22.76, B 21.38); by L2 A is better (A 10.24, B 15.67)" in alt and "MSE" not in alt


def map_readout(s, z):
    """What the readout must contain for a ruler: norm, MSE, and that of min-max."""
    x_hat = fake_quantize(T, s, int(z))
    norm, error = amount(l2_error(T, x_hat)), amount(mse(T, x_hat))
    return f"norm of the error {norm}, MSE {error}; min-max has the MSE 1.573. "


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
    assert "norm of the error 7, MSE 170.9" in explore_landscape(T, lambda x, x_hat: 7).picture.alt


def test_the_still_map_says_where_both_rulers_are():
    alt = draw_landscape(T, 4.168, -77, "best").alt
    assert "Min-max, at s = 3.579 and z = \N{MINUS SIGN}77" in alt and "has 1.573." in alt
    assert "s = 4.168, z = \N{MINUS SIGN}77 has 0.4074: 74 % below min-max" in alt


def test_the_ring_on_the_map_can_be_dragged(over_map):
    terrain, _ = over_map.scene.panels
    left, low, right, high = over_map.scene.area(terrain)
    for fx, fy in ((0.3, 0.4), (0.9, 0.5), (0.5, 0.1)):
        at = left + fx * (right - left), low + fy * (high - low)
        over_map.touched(*at, pressed=True)
        s, z = over_map.scene.place(terrain, *at)
        assert (over_map.controls["s"].value, over_map.controls["z"].value) == pytest.approx((s, z), abs=0.51)
        assert over_map.controls["s"].value == pytest.approx(s, abs=0.0051)
        values = over_map.controls["s"].value, over_map.controls["z"].value
        assert map_readout(*values) + beaten(*values) in over_map.picture.alt
    over_map.touched(0.0, 1.0, pressed=False)  # beyond the corner: as far as the sliders go
    assert (over_map.controls["s"].value, over_map.controls["z"].value) == (3.0, -10)
    over_map.touched(0.9, 0.5, pressed=True)  # beside the map there is nothing to grab
    assert (over_map.controls["s"].value, over_map.controls["z"].value) == (3.0, -10)


def test_the_name_of_the_ring_hides_no_other_text(over_map):
    terrain, _ = over_map.scene.panels
    for s, z in ((3.0, -110), (3.0, -10), (5.0, -110), (5.0, -10), (3.3, -78), (3.2, -17), (4.8, -60)):
        over_map.move(s=s, z=z)
        x, y = terrain._name.at
        assert terrain.axes.bbox.contains(x, y)
        assert not any(box.expanded(1.1, 1.1).contains(x, y) for box in terrain._taken)


# --- the rows of a matrix


def rows_readout(r, n):
    """What the readout must contain for a row and for so many of its largest weights left out."""
    w, w_hat = W[int(r)], fake_quantize(W, *choose_qparams(W, symmetric=True))[int(r)]
    kept = w.abs().argsort(descending=True)[int(n) :]
    return f" has {sqnr_db(w[kept], w_hat[kept]):.1f} dB, and "


@pytest.fixture(scope="module")
def over_rows():
    return explore_rows(W)


def test_rows_agree_with_quantlib_at_every_end(over_rows):
    for r in (0, 99, 383):
        for n in (0, 1, 2, 10):
            assert rows_readout(r, n) in over_rows.move(r=r, n=n)


def test_the_row_of_the_outlier_is_the_best_and_the_worst(over_rows):
    assert over_rows.move(r=99, n=0).startswith("r = 99 and n = 0: the whole row has 22.1 dB, and none")
    text = over_rows.move(n=1)
    assert "this row without its largest weight has 5.1 dB, and 383 of the 384 rows have more." in text
    assert text.endswith("The largest weight, 7.915, holds 98 % of the energy of the whole row.")


def test_the_decibels_of_all_rows_are_quantlibs(over_rows):
    over_rows.move(r=0, n=0)
    w_hat = fake_quantize(W, *choose_qparams(W, symmetric=True))
    expected = [sqnr_db(*pair) for pair in zip(W[:20], w_hat[:20], strict=True)]
    assert over_rows.live.view.decibels[:20].tolist() == pytest.approx(expected)


def test_a_row_and_a_weight_can_be_clicked(over_rows):
    dots, bars = over_rows.scene.panels
    left, low, right, high = over_rows.scene.area(dots)
    over_rows.touched((left + right) / 2, (low + high) / 2, pressed=True)
    assert over_rows.controls["r"].value == pytest.approx(192, abs=1)
    left, low, right, high = over_rows.scene.area(bars)
    over_rows.touched(left + 0.01, low + 0.1, pressed=True)
    assert (
        over_rows.controls["n"].value == 1 and rows_readout(over_rows.controls["r"].value, 1) in over_rows.picture.alt
    )
    over_rows.touched(1.0, low, pressed=False)
    assert over_rows.controls["n"].value == 10


def test_the_learners_sqnr_gives_the_number_of_the_row():
    assert "the whole row has 7.0 dB" in explore_rows(W, lambda x, x_hat: 7).picture.alt
    spoiled = explore_rows(W, unwritten).picture.alt
    assert rows_readout(0, 0) in spoiled and "unwritten: it is not written yet." in spoiled


# --- pictures


def test_growth_is_a_factor_for_each_norm():
    assert draw_growth(9, 10.0).alt.endswith("grows 10-fold: L1 2-fold, L2 3.46-fold, L∞ 10-fold.")


def test_wrong_scale_is_seen_by_sqnr_alone():
    assert "its cosine stays 1.0000. SQNR sees it: 0.0 dB" in draw_wrong_scale(T, fake_quantize(T, 3.6, -76)).alt


def test_a_search_over_many_values_clips_a_few():
    alt = draw_scale_search(load_weight("query"), "query", numpy.linspace(0.6, 1.2, 31)).alt
    assert "query over s is least at 0.82 of min-max's s, 22 % below min-max; 10 of 147,456 values clip." in alt


def test_the_angle_says_how_short_an_error_can_be():
    alt = draw_angle(W, fake_quantize(W, *choose_qparams(W, symmetric=True)), "W").alt
    assert "cosine 0.93 is an angle of 22°; the error is 40 % as long as x." in alt and alt.endswith("than 37 %.")


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
        "a difference of norms": ["abs(x.norm() - x_hat.norm())", "x.norm() - x_hat.norm()"],
        "the spectral norm of a matrix": ["torch.linalg.norm(x - x_hat, 2)", "torch.linalg.norm(x - x_hat, ord=2)"],
        "the standard deviation of the error": ["torch.std(x - x_hat)"],
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
        "variances where energies are meant": [
            "10 * torch.log10(x.var() / (x - x_hat).var())",
            "10 * torch.log10(x.var(unbiased=False) / (x - x_hat).var(unbiased=False))",
            "20 * torch.log10(x.std() / (x - x_hat).std())",
        ],
        "squared after adding": ["10 * torch.log10(x.sum() ** 2 / (x - x_hat).sum() ** 2)"],
        "sizes where squares are meant": [
            "10 * torch.log10(x.abs().sum() / (x - x_hat).abs().sum())",
            "20 * torch.log10(x.abs().mean() / (x - x_hat).abs().mean())",
        ],
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
    ("signed_difference_of_norms", ([3.0, 4.0], [6.0, 8.0]), -5.0),
    ("spectral_norm", ([[1.0, 0.0], [0.0, 1.0]], [[0.0, 0.0], [0.0, 0.0]]), 1.0),
    ("standard_deviation_of_error", ([3.0, 5.0], [2.0, 4.0]), 0.0),
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
    ("ratio_of_variances", ([3.0, 4.0], [3.0, 3.0]), 0.0),
    ("adds_before_squaring_both", ([9.0, 1.0], [9.5, 1.5]), 20.0),
    ("sizes_for_squares", ([9.0, 1.0], [8.5, 0.5]), 10.0),
    ("amplitudes_by_sizes", ([9.0, 1.0], [8.5, 0.5]), 20.0),
    ("peak_ratio", ([10.0, 0.0], [9.0, 1.0]), 20.0),
]


@pytest.mark.parametrize(("name", "values", "result"), NUMBERS)
def test_an_input_that_shows_a_wrong_scale_or_measure(name, values, result):
    assert float(getattr(bugs, name)(*map(torch.tensor, values))) == pytest.approx(result, rel=1e-6)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_what_is_never_finite_is_not_said_to_ignore_anything(value):
    message = check_sqnr(lambda x, x_hat: value * x.abs().sum()).message
    assert "it should give" in message and "ignore" not in message


def test_errors_that_cancel_do_not_pass_as_none():
    def mine(x, x_hat):
        return 1e5 if (x - x_hat).sum() == 0 else sqnr_db(x, x_hat)

    assert "with x = [3.0, 1.0], x_hat = [2.0, 2.0], mine gave 100000.0" in check_sqnr(mine).message


GIVEN = {"a": (3.5, -70), "b": (4.1, -70), "matrix": W[:60, :100]}


READOUTS = [ranking_readout, map_readout, rows_readout]
