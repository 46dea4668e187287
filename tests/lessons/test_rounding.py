"""Notebook 08: rules of rounding, draws that repeat, two weights that share an output, and what learners get wrong."""

import itertools

import numpy
import pytest
import torch

from quantlib import round_half_away, round_half_even, round_stochastic
from quantlib.lab import page
from quantlib.lab.words import number
from quantlib.lessons.bug_museum import bugs
from quantlib.lessons.rounding import (
    draw_decisions,
    draw_orders,
    draw_pair,
    draw_rules,
    draw_search,
    draw_updates,
    explore_draws,
    explore_pair,
    explore_rules,
)
from quantlib.lessons.rounding.chance import DRAWS, uniform
from quantlib.lessons.rounding.exercises import best_pair, best_rounding, round_by_draws
from quantlib.lessons.rounding.pair import correlated_inputs, losses
from quantlib.lessons.rounding.rules import RULES
from tests.helpers.explored import assert_agrees, assert_redraws, assert_stands_in

MINUS = "\N{MINUS SIGN}"


def two(value):
    return f"{value + 0.0:.2f}".replace("-", MINUS)


def readout_rules(v):
    """What the explorer of rules must say at v."""
    x = torch.tensor(round(v, 2))
    low, up = x.floor().item() + 0.0, 100 * (x - x.floor()).item()
    chance = f", in {up:.0f} % of the draws {number(low + 1)}" if up > 0 else ""
    even, away = (number(rule(x).item() + 0.0) for rule in (round_half_even, round_half_away))
    cut = number(x.trunc().item() + 0.0)
    said = f"half to even gives {even}, half away gives {away}, floor gives {number(low)}, truncate gives {cut}"
    return f"v = {two(round(v, 2))}: {said}, stochastic gives {number(low)}{chance}."


def readout_of_others(v):
    """What the explorer of rules must say at v of the rules that no learner writes."""
    said = readout_rules(v)
    return said[said.index("floor gives") :]


def readout_draws(v, n):
    """What the explorer of draws must say at v of n draws, before any repeat."""
    v, n = round(v, 2), int(n)  # a page tells all numbers as floats
    generator = torch.Generator().manual_seed(0)
    mean = round_stochastic(torch.full((DRAWS,), v), generator)[:n].double().mean().item()
    error = ((v - 2) * (3 - v) / n) ** 0.5
    up = f"v = {v:.2f}: it goes up in {100 * (v - 2):.0f} % of the draws; nearest always gives {round(v)}"
    off = f"{mean - v + 0.0:.3f}".replace("-0.000", "0.000").replace("-", MINUS)
    draws = "1 draw" if n == 1 else f"{n:,} draws"
    return f"{up}. Run 1: the mean of {draws} is {mean:.3f}, off by {off}. The standard error is {error:.4f}."


def readout_pair(w, rho):
    """What the explorer of two weights must say at these sliders."""
    weights, x = torch.tensor([round(w, 2), 2.4]).double(), correlated_inputs(round(rho, 2)).double()
    pairs = [torch.tensor([a, b]).double() for a in (1, 2) for b in (2, 3)]
    mse = [(x @ (q - weights)).square().mean().item() for q in pairs]
    best = ", or ".join(f"{q[0]:.0f} and {q[1]:.0f}" for q, e in zip(pairs, mse, strict=True) if e < min(mse) + 1e-5)
    nearest = weights.round()
    cost = (x @ (nearest - weights)).square().mean().item()
    least = f"the smallest error of the output has {best}, {min(mse):.4f}"
    to = f"to nearest, {nearest[0]:.0f} and {nearest[1]:.0f}, it is {cost:.4f}."
    return f"w = {round(w, 2):.2f} and ρ = {two(round(rho, 2))}: {least}; {to}"


READOUTS = [readout_of_others, readout_draws, readout_pair]
EXPLORERS = {
    "rules": (explore_rules, readout_rules),
    "draws": (explore_draws, readout_draws),
    "pair": (explore_pair, readout_pair),
}


@pytest.mark.parametrize(("make", "readout"), EXPLORERS.values(), ids=EXPLORERS)
def test_readout_agrees_with_quantlib_at_every_end_and_on_a_random_walk(make, readout):
    assert_agrees(make(), readout, steps=50)


@pytest.mark.parametrize("make", [make for make, _ in EXPLORERS.values()], ids=EXPLORERS)
def test_blitting_draws_what_a_full_redraw_draws(make):
    assert_redraws(make)


@pytest.mark.parametrize("make", [make for make, _ in EXPLORERS.values()], ids=EXPLORERS)
def test_an_unwritten_function_is_told_and_quantlibs_stands_in(make):
    assert_stands_in(make)


# --- rules


def test_a_learners_rule_drives_the_second_row():
    mine = explore_rules(lambda v: torch.floor(v + 0.5))
    assert "yours gives \N{MINUS SIGN}1 (half away: \N{MINUS SIGN}2)," in mine.move(v=-1.5)
    assert "half away gives \N{MINUS SIGN}2," in explore_rules().move(v=-1.5)
    assert (
        "Mean error over all v from \N{MINUS SIGN}3 to 3: yours \N{MINUS SIGN}0.5,"
        in explore_rules(torch.floor).picture.alt
    )


def test_each_row_has_the_means_of_the_theory():
    rows = {name: (row.mean, row.square) for name, row in explore_rules().compute(v=0.5).rows.items()}
    for name, (mean, square) in {
        "half to even": (0, 1 / 12), "half away": (0, 1 / 12), "floor": (-1 / 2, 1 / 3), "truncate": (0, 1 / 3),
        "stochastic": (0, 1 / 6),
    }.items():  # fmt: skip
        assert rows[name] == pytest.approx((mean, square), abs=1e-3)


def test_a_tie_that_a_slider_misses_by_a_hair_is_a_tie():
    assert "half away gives 2," in explore_rules().move(v=1.4999999999999998)


def test_a_rule_more_is_a_row_more(monkeypatch):
    monkeypatch.setitem(RULES, "ceil", lambda v: [v.ceil()])
    explorer = explore_rules()
    assert (
        explorer.picture.alt.startswith("v = 0.30: half to even gives 0,") and ", ceil gives 1." in explorer.picture.alt
    )
    rows = explorer.scene.figure.axes[::2]
    assert len(rows) == len(RULES) == 6
    assert all(low.get_position().y1 < high.get_position().y0 for high, low in itertools.pairwise(rows))
    assert "; ceil gives 0 and 3." in draw_rules([-0.5, 2.5]).alt


def test_an_unwritten_rule_leaves_half_away_by_its_name():
    def unwritten(v): ...

    text = explore_rules(unwritten).picture.alt
    assert "half away gives" in text and "yours" not in text


def test_the_value_is_dragged_on_both_sides_of_the_picture():
    explorer = explore_rules()
    for panel in explorer.scene.touchable():
        left, low, right, high = explorer.scene.area(panel)
        explorer.touched((left + right) / 2, (low + high) / 2, True)
        assert explorer.controls["v"].value == 0 and explorer.picture.alt.startswith("v = 0.00: ")
        explorer.touched(right, low, False)
        assert explorer.controls["v"].value == 3 and explorer.picture.alt.startswith("v = 3.00: ")


def test_the_rules_are_drawn_for_several_values():
    alt = draw_rules([-0.5, 2.5]).alt
    assert "half to even gives 0 and 2; half away gives \N{MINUS SIGN}1 and 3;" in alt
    assert "stochastic gives \N{MINUS SIGN}1 or 0 and 2 or 3" in alt


def test_the_order_of_the_steps_decides_a_tie():
    assert (
        "gets \N{MINUS SIGN}76 if z is added before rounding, \N{MINUS SIGN}75 if after"
        in draw_orders(-13.5, 3, -71).alt
    )
    assert (
        "gets \N{MINUS SIGN}74 if z is added before rounding, \N{MINUS SIGN}74 if after"
        in draw_orders(-13.5, 3, -70).alt
    )


# --- draws


def test_given_draws_round_as_quantlib_does():
    v = torch.linspace(-3, 3, 1000)
    for seed in (0, 1):
        u = torch.rand(1000, generator=torch.Generator().manual_seed(seed))
        assert torch.equal(round_by_draws(v, u), round_stochastic(v, torch.Generator().manual_seed(seed)))


def test_the_button_repeats_with_draws_that_are_always_the_same():
    first, second = explore_draws(), explore_draws()
    texts = [first.picture.alt]
    for _ in range(3):
        first.controls["again"].click()
        texts.append(first.picture.alt)
    assert len(set(texts)) == 4 and "Run 4: " in texts[-1]
    second.controls["again"].value = 3
    assert second.picture.alt == texts[-1] and second.picture.png == first.picture.png


def test_the_button_is_shown_between_the_slider_and_the_picture(monkeypatch):
    shown = []
    monkeypatch.setattr(page, "show", lambda still, widgets, *_: shown.extend(widgets))
    explorer = explore_draws()
    explorer._ipython_display_()
    row, picture = shown
    names = [type(widget).__name__ for widget in [*row.children, picture]]
    assert names == ["FloatSlider", "IntSlider", "_Counter", "Button", "HTML"]
    assert explorer.controls["again"].get_state()["_view_name"] == "ButtonView"
    assert "value" not in explorer.controls["again"].get_state()


def test_most_runs_end_within_two_standard_errors():
    v, runs = 2.3, 200
    means = torch.stack([round_by_draws(torch.full((DRAWS,), v), uniform(k)).mean() for k in range(runs)])
    inside = ((means - v).abs() < 2 * (0.3 * 0.7 / DRAWS) ** 0.5).sum().item()
    assert 0.9 * runs < inside < runs


def test_a_learners_draws_drive_the_mean():
    text = explore_draws(lambda v, u: v.floor()).move(n=1000)
    assert "the mean of 1,000 draws is 2.000, off by \N{MINUS SIGN}0.300" in text


def test_the_number_of_draws_is_dragged():
    explorer = explore_draws()
    (means,) = explorer.scene.touchable()
    left, low, right, high = explorer.scene.area(means)
    explorer.touched((2 * left + right) / 3, high, True)
    assert explorer.controls["n"].value == 10 and "the mean of 10 draws is" in explorer.picture.alt
    explorer.touched(left - 0.1, low, False)
    assert explorer.controls["n"].value == 1 and "the mean of 1 draw is" in explorer.picture.alt


def test_small_updates_survive_chance_only():
    assert "stochastic rounding ends at 10.0 on average, nearest at 0" in draw_updates(0.1, 100).alt
    assert "nearest at 60" in draw_updates(0.6, 60).alt


# --- two weights


@pytest.mark.parametrize("r", [-1.0, -0.35, 0.0, 0.9, 1.0])
def test_four_rows_of_inputs_have_the_correlation_asked_for(r):
    x = correlated_inputs(r).double()
    assert torch.allclose(x.T @ x / 4, torch.tensor([[1, r], [r, 1]]).double(), atol=1e-6)
    q = torch.tensor([[1.0, 2.0], [1.0, 3.0], [2.0, 2.0], [2.0, 3.0]]).double()
    measured = ((q - torch.tensor([1.3, 2.4]).double()) @ x.T).square().mean(1).numpy()
    assert numpy.allclose(losses(numpy.array([1.3, 2.4]), r), measured, atol=1e-6)


@pytest.fixture(scope="module")
def pair():
    return explore_pair().compute


def test_nearest_is_best_without_correlation_and_not_with_much(pair):
    for w in numpy.arange(1.05, 1.96, 0.05):
        assert pair(w, 0.0).nearest in pair(w, 0.0).best
    assert pair(1.3, 0.9).best == [1] and pair(1.3, 0.9).nearest == 0
    assert "1 and 3, 0.1260; to nearest, 1 and 2, it is 0.4660." in draw_pair((1.3, 2.4), 0.9).alt


def test_nearest_stops_being_best_at_a_third(pair):
    best = {round(0.05 * k, 2): pair(1.3, 0.05 * k).best for k in range(-20, 21)}
    assert max(r for r, b in best.items() if b == [0]) == 0.3 and min(r for r, b in best.items() if b == [1]) == 0.35


def test_a_negative_correlation_can_make_nearest_worse_too(pair):
    assert pair(1.8, -0.4).best == [pair(1.8, -0.4).nearest] == [2]
    assert pair(1.8, -0.6).best == [3]


def test_the_second_weight_can_be_another_one():
    w, r = (1.3, 2.7), -0.5
    view, expected = explore_pair(second=2.7).compute(w[0], r), losses(numpy.array(w), r)
    assert view.w.tolist() == [*w] and view.losses.tolist() == expected.tolist()
    assert f"to nearest, 1 and 3, it is {expected[1]:.4f}." in draw_pair(w, r).alt


def test_the_best_of_four_is_the_best_by_brute_force():
    draw = numpy.random.RandomState(0)
    for _ in range(50):
        w, x = torch.tensor(draw.uniform(-5, 5, 2)), torch.tensor(draw.normal(size=(6, 2)))
        error = (x @ (best_pair(w, x) - w)).square().sum()
        for a in (w[0].floor(), w[0].floor() + 1):
            for b in (w[1].floor(), w[1].floor() + 1):
                assert error <= (x @ (torch.stack([a, b]) - w)).square().sum()


def test_a_learners_pair_is_named_in_the_table():
    mine = explore_pair(lambda w, x: w.round())
    assert "Your function chooses 1 and 2." in mine.picture.alt
    assert "Your function chooses 7 and 8." in explore_pair(lambda w, x: w * 0 + torch.tensor([7.0, 8.0])).picture.alt


def test_the_first_weight_and_the_correlation_are_dragged():
    explorer = explore_pair()
    cells, lines = explorer.scene.touchable()
    for panel, name, ends in ((cells, "w", (1.95, 1.05)), (lines, "rho", (-1.0, 1.0))):
        left, low, right, high = explorer.scene.area(panel)
        for k, (x, y) in enumerate([(left + 0.001, low + 0.001), (right, high)]):
            explorer.touched(x, y, k == 0)
            assert explorer.controls[name].value == pytest.approx(ends[k], abs=0.01)
    assert explorer.picture.alt.startswith("w = 1.05 and ρ = 1.00: ")


# --- a network, and a search


def test_decisions_are_counted_and_the_deaf_are_named():
    p = {"float": torch.tensor([0.9, 0.9, 0.1]), "rough": torch.tensor([0.9, 0.4, 0.1]), "floor": torch.zeros(3)}
    alt = draw_decisions(p).alt
    assert alt.startswith("With floor the network never hears speech.")
    assert "float 2, of which as in the first row 3; rough 1, of which as in the first row 2; floor 0" in alt
    assert draw_decisions({"a": p["float"], "b": p["rough"]}).alt.startswith("Every network hears speech.")


def test_a_search_is_told_by_its_median():
    alt = draw_search(torch.tensor([0.25, 0.5, 2.0])).alt
    assert "2 of 3 outputs have a smaller squared error, and the median is 0.50 of before" in alt


# What learners write, as they write it: by exercise and mistake, lines that return what comes of it. None is ours.
# A float is never cast to int8 beyond its range, which would be undefined; it goes through an integer, which keeps the
# lowest 8 bits.
WRITTEN = {
    "round_half_away": {
        "half to even": ["torch.round(v)"],
        "ties go up": [
            "torch.floor(v + 0.5)",
            "torch.where(v - v.floor() >= 0.5, v.ceil(), v.floor())",
        ],
        "ties go down": ["torch.ceil(v - 0.5)"],
        "ties go towards 0": ["torch.where((v - v.trunc()).abs() > 0.5, v.trunc() + v.sign(), v.trunc())"],
        "adding 0.5 rounds too": [
            "v.sign() * (v.abs() + 0.5).floor()",
            "(v.abs() + 0.5).long() * v.sign()",
            "torch.where(v >= 0, torch.floor(v + 0.5), torch.ceil(v - 0.5))",
            "torch.trunc(v + 0.5 * v.sign())",
            "(v + torch.copysign(torch.tensor(0.5), v)).int().float()",
        ],
        "truncation instead of rounding": [
            "v.int().float()",
            "torch.trunc(v)",
            "v.long().float()",
            "v - v.frac()",
            "v.fix()",
        ],
        "floor instead of rounding": ["v // 1"],
        "ceil instead of rounding": ["torch.ceil(v)"],
        "always away from 0": ["torch.where(v > 0, v.ceil(), v.floor())"],
        "the sign is lost": ["torch.where(abs(v) - abs(v).floor() >= 0.5, abs(v).ceil(), abs(v).floor())"],
    },
    "stochastic_round": {
        "up where u is large": ["torch.floor(v + u)", "torch.round(v + u - 0.5)", "(v + u) // 1"],
        "the size is rounded, then the sign": ["v.sign() * (abs(v).floor() + (u < abs(v) - abs(v).floor()))"],
        "u is added, then the nearest": ["torch.round(v + u)"],
        "the probabilities are swapped": [
            "v.floor() + (u > v - v.floor())",
            "torch.where(u < v - v.floor(), v.floor(), v.floor() + 1)",
            "torch.where(u < v - v.floor(), v.floor(), v.ceil())",
        ],
        "u compared with v, not with its fraction": [
            "torch.where(u < v, v.ceil(), v.floor())",
            "v.floor() + (u < v)",
        ],
        "a fair coin": ["torch.where(u < 0.5, v.ceil(), v.floor())", "v.floor() + (u < 0.5)"],
        "trunc where floor is meant": ["v.trunc() + (u < v - v.trunc())", "v.trunc() + (u < abs(v - v.trunc()))"],
        "the fraction is counted from 0": ["v.floor() + (u < v.frac())", "v.floor() + (u < abs(torch.frac(v)))"],
        "u is not used": ["v.round()"],
        "u stays in the result": ["v + u", "v.floor() + u"],
        "an integer can move": ["v.floor() + (u <= v - v.floor())"],
        "0 and 1 for down and up": ["(u < v % 1).float()"],
    },
    "best_rounding": {
        "each weight to its nearest": [
            "torch.round(w)",
            "min(pairs, key=lambda q: (q - w).square().sum().item())",
            "min(pairs, key=lambda q: (x * (q - w)).square().sum().item())",
        ],
        "the errors are added, not squared": ["min(pairs, key=lambda q: abs((x @ q - x @ w).sum().item()))"],
        "the sizes are added, not the squares": [
            "min(pairs, key=lambda q: (x @ (q - w)).abs().sum().item())",
            "min(pairs, key=lambda q: abs(x @ q - x @ w).mean())",
        ],
        "only the largest error counts": ["min(pairs, key=lambda q: (x @ (q - w)).abs().max().item())"],
        "x is not used": ["min(pairs, key=lambda q: (q - w).sum().abs())"],
        "the most negative error": ["min(pairs, key=lambda q: (x @ q - x @ w).sum().item())"],
        "the largest error": ["max(pairs, key=lambda q: (x @ (q - w)).norm().item())"],
        "only the first row of x": ["min(pairs, key=lambda q: abs((x @ (q - w))[0].item()))"],
        "the output for its error": ["min(pairs, key=lambda q: (x @ q).norm().item())"],
        "one weight after the other": [
            "min(pairs, key=lambda q: (q[0] != w[0].round(), (x @ (q - w)).norm().item()))",
        ],
        "always down": ["w.floor()"],
        "always up": ["w.ceil()"],
        "0 and 1 for down and up": ["min(pairs, key=lambda q: (x @ (q - w)).norm().item()) - w.floor()"],
    },
}

# What a learner has worked out before.
BEFORE = {
    "best_rounding": {"pairs": "[w.floor() + torch.tensor(up) for up in ((0, 0), (0, 1), (1, 0), (1, 1))]"},
}


# The smallest input that shows a mistake, and what comes.
HALF_AWAY = [
    ("rounds_half_to_even", 0.5, 0),
    ("rounds_half_up", -0.5, 0),
    ("rounds_half_up", 0.49999997, 1),
    ("rounds_half_up_exactly", -0.5, 0),
    ("rounds_half_up_exactly", 0.49999997, 0),
    ("rounds_half_down", 0.5, 0),
    ("rounds_half_to_zero", 0.5, 0),
    ("adds_half_to_the_size", 0.49999997, 1),
    ("adds_half_to_the_size", -0.49999997, -1),
    ("cuts_the_fraction", 0.6, 0),
    ("goes_down", 0.6, 0),
    ("goes_up", 0.2, 1),
    ("goes_away", 0.2, 1),
    ("forgets_the_sign", -1.0, 1),
]


@pytest.mark.parametrize(("name", "v", "result"), HALF_AWAY)
def test_the_smallest_input_that_shows_a_wrong_half_away(name, v, result):
    assert getattr(bugs, name)(torch.tensor([v])).tolist() == [result]


STOCHASTIC = [
    ("adds_and_floors", 0.25, 0.125, 0),  # 1 is due
    ("rounds_the_size", -0.25, 0.125, -1),  # 0 is due
    ("adds_and_rounds", 0.0, 0.75, 1),
    ("swaps_the_probabilities", 0.25, 0.125, 0),
    ("swaps_the_neighbours", 0.0, 0.5, 1),
    ("swaps_floor_and_ceil", 0.25, 0.125, 0),  # 1 is due
    ("compares_with_v", 1.25, 0.5, 2),  # 1 is due
    ("adds_one_below_v", 1.0, 0.5, 2),
    ("tosses_a_coin", 0.25, 0.375, 1),
    ("tosses_a_coin_for_integers_too", 0.0, 0.25, 1),
    ("counts_from_the_side_of_zero", -0.25, 0.875, 0),  # -1 is due
    ("goes_up_from_the_side_of_zero", -0.25, 0.125, 1),  # 0 is due
    ("takes_the_signed_fraction", -0.25, 0.125, -1),  # 0 is due
    ("takes_the_size_of_the_fraction", -0.25, 0.5, -1),  # 0 is due
    ("rounds_to_nearest", 0.25, 0.125, 0),
    ("adds_u", 0.0, 0.5, 0.5),
    ("adds_u_to_floor", 0.0, 0.5, 0.5),
    ("moves_integers", 0.0, 0.0, 1),
    ("returns_the_steps", 1.0, 0.5, 0),
]


@pytest.mark.parametrize(("name", "v", "u", "result"), STOCHASTIC)
def test_the_smallest_input_that_shows_wrong_stochastic_rounding(name, v, u, result):
    assert getattr(bugs, name)(torch.tensor([v]), torch.tensor([u])).tolist() == [result]


@pytest.mark.parametrize("name", ["adds_and_floors", "rounds_the_size"])
@pytest.mark.parametrize("v", [-1.75, 0.25, 2.0])
def test_another_convention_of_chance_is_as_fair(name, v):
    u = (torch.arange(4096) + 0.5) / 4096
    assert getattr(bugs, name)(torch.full_like(u, v), u).mean().item() == pytest.approx(v)


PAIRS = [
    ("rounds_each_weight", [1.25, 2.375], [[1.0, 0.75]], [1, 2]),  # 1 and 3 are due
    ("adds_the_errors", [1.25, 2.375], [[1.0, 1.0], [-1.0, -1.0]], [1, 2]),  # 1 and 3 are due
    ("adds_the_sizes", [1.25, 2.625], [[-2.0, 2.0], [-0.5, -2.0], [1.75, -0.5]], [1, 2]),  # 1 and 3 are due
    ("looks_at_the_largest", [1.25, 2.625], [[-2.0, 2.0], [-0.5, -2.0], [1.75, -0.5]], [2, 3]),  # 1 and 3 are due
    ("ignores_the_inputs", [1.25, 2.375], [[1.0, -0.75]], [1, 3]),  # 1 and 2 are due
    ("prefers_negative_errors", [1.25, 2.375], [[1.0, 0.75]], [1, 2]),
    ("prefers_the_worst", [1.25, 2.375], [[1.0, 0.75]], [2, 3]),
    ("looks_at_one_input", [1.25, 2.375], [[1.0, 0.75], [2.0, -2.25]], [1, 3]),  # 1 and 2 are due
    ("makes_the_output_small", [1.25, 2.375], [[1.0, 0.75]], [1, 2]),
    ("rounds_one_by_one", [1.375, 2.25], [[1.0, 2.0]], [1, 2]),  # 2 and 2 are due
    ("goes_down_twice", [1.25, 2.375], [[1.0, 0.75]], [1, 2]),
    ("goes_up_twice", [1.25, 2.375], [[1.0, 0.75]], [2, 3]),
    ("returns_the_choice", [1.25, 2.375], [[1.0, 0.75]], [0, 1]),
]


def test_a_wrong_pair_is_shown_whole_with_both_weights():
    text = "with w = [1.25, 2.375], x = [[1.0, 0.75]], nearest_each gave [1.0, 2.0]; it should give [1.0, 3.0]."
    assert best_rounding.check(nearest_each).message.startswith(text)


def nearest_each(w, x):
    return w.round()


@pytest.mark.parametrize(("name", "w", "x", "result"), PAIRS)
def test_an_input_that_shows_a_wrong_pair(name, w, x, result):
    assert getattr(bugs, name)(torch.tensor(w), torch.tensor(x)).tolist() == result
