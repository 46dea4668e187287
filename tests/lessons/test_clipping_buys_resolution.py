"""Notebook 06: the U over alpha, five ways to choose a range, their explorers, figures and known mistakes."""

from functools import cache

import numpy
import pytest
import torch

from quantlib import (
    Histogram,
    choose_aciq,
    choose_entropy,
    choose_mse,
    choose_percentile,
    choose_qparams,
    fake_quantize,
    mse,
    split_error,
)
from quantlib.data import T, load_weight
from quantlib.data.silero import load_silero, speech_activations
from quantlib.data.speech import synthesize_speech
from quantlib.lab.words import amount
from quantlib.lessons.clipping_buys_resolution import mistakes
from quantlib.lessons.clipping_buys_resolution.clip import alpha_slider, draw_clip, explore_clip
from quantlib.lessons.clipping_buys_resolution.exercises import alpha_problem, percentile_alpha, quantize_to
from quantlib.lessons.clipping_buys_resolution.failures import errors_of, failures, times_the_least
from quantlib.lessons.clipping_buys_resolution.methods import NAMES, draw_methods, explore_methods, more, percent_of
from quantlib.lessons.clipping_buys_resolution.pictures import draw_decibels, draw_two_clips
from tests.helpers.explored import assert_redraws, wander

X = torch.tensor(numpy.random.RandomState(6).normal(size=2**18)).float()[: 2**16]
FEW = X[:4096]  # where the number of values does not matter
W = load_weight("ffn_down")
OPTIONS = {"symmetric": True, "narrow": True}


def on_grid(x, alpha, bits, measure):
    """A measure of x, and of its levels up to alpha."""
    top = 2 ** (bits - 1) - 1
    return measure(x, alpha / top, 0, -top, top)


def clip_readout_of(x, alpha, b):
    """What the readout of the first explorer must contain: the MSE and its two parts."""
    clip, rounding = on_grid(x, alpha, int(b), split_error)
    parts = [part.double().square().mean().item() for part in (clip, rounding)]
    sums = f"clipping error {amount(parts[0])} + rounding error {amount(parts[1])}"
    return f"MSE {amount(sum(parts))} = {sums}."


def clip_readout(alpha, b):
    return clip_readout_of(X, alpha, b)


A = speech_activations(load_silero(), synthesize_speech()[0])["conv2"]


def activation_readout(alpha, b):
    return clip_readout_of(A, alpha, b)


@cache
def searched(x, bits):
    """What MSE search, entropy and ACIQ choose. A tensor is its own key."""
    seen = Histogram().observe(x)
    return [choose(seen, bits, **OPTIONS) for choose in (choose_mse, choose_entropy, choose_aciq)]


def methods_readout_of(x, b, p):
    """What the readout of the second explorer must contain: how much more error than the least each method has."""
    bits = int(b)
    qps = [choose_qparams(x, bits, **OPTIONS), choose_percentile(x, bits, percentile=p, **OPTIONS), *searched(x, bits)]
    errors = [mse(x, fake_quantize(x, *qp)) for qp in qps]
    best = errors.index(min(errors))
    said = [f"{name} {more(error, errors[best])}" for name, error in zip(NAMES, errors, strict=True)]
    return f"The others: {', '.join(said[:best] + said[best + 1 :])}."


def methods_readout(b, p):
    return methods_readout_of(W, b, round(p, 4))


# --- the explorer of the U


@pytest.mark.parametrize("x", [T, FEW], ids=["T", "gaussian"])
def test_clip_agrees_with_quantlib_wherever_the_sliders_are(x):
    explorer = explore_clip(x)
    for values in wander(explorer, 20, (-5, -1, 1, 5)):
        assert clip_readout_of(x, **values) in explorer.move(**values)


def test_the_slider_begins_where_nothing_clips():
    for x in (T, X, 1e-3 * X, 1e4 * T):
        slider = alpha_slider(x)
        assert slider.value == slider.high >= x.abs().max() > slider.high - 1.01 * slider.step
    assert "no value clips. MSE " in explore_clip(X).picture.alt


def test_the_best_alpha_of_gaussian_values_grows_with_the_bits():
    explorer = explore_clip(X)
    views = [explorer.compute(alpha=2.0, b=bits) for bits in (2, 4, 8)]
    best = [view.alphas[view.curve.sum(axis=1).argmin()] for view in views]
    assert best == pytest.approx([1.2, 2.5, 4.0], abs=0.1)


def test_the_curve_goes_through_the_point():
    explorer = explore_clip(FEW)
    view = explorer.compute(alpha=float(explorer.compute(alpha=1.0, b=3).alphas[30]), b=3)
    assert view.mse == view.curve[30].sum()


def test_the_levels_are_those_of_the_function():
    assert explore_clip(FEW).compute(alpha=3.0, b=3).levels == pytest.approx([-3, -2, -1, 0, 1, 2, 3])
    mine = explore_clip(T, lambda x, alpha, bits: x.sign())
    assert mine.compute(alpha=700.0, b=3).levels.tolist() == [-1, 0, 1]


def returns_codes(x, alpha, bits):
    return on_grid(x, alpha, bits, fake_quantize) * (2 ** (bits - 1) - 1) / alpha


def test_the_learners_function_drives_the_u():
    right, wrong = (explore_clip(FEW, f).compute(alpha=2.0, b=4) for f in (quantize_to, returns_codes))
    assert wrong.mse > 2 * right.mse and (wrong.curve != right.curve).any()


def test_blitting_draws_what_a_full_redraw_draws():
    for make in (lambda: explore_clip(FEW), lambda: explore_methods(T)):
        assert_redraws(make)


def unwritten(*arguments): ...


@pytest.mark.parametrize("make", [explore_clip, explore_methods])
def test_an_unwritten_function_is_said_and_quantlibs_shown(make):
    explorer = make(T, unwritten)
    for values in wander(explorer, 0):
        text = explorer.move(**values)
        assert "unwritten: it is not written yet. The picture shows quantlib's instead." in text
        assert (clip_readout_of if make is explore_clip else methods_readout_of)(T, **values) in text


# --- the explorer of the methods


def test_methods_agree_with_quantlib_at_both_ends():
    explorer = explore_methods(W)
    for values in wander(explorer, 0):
        assert methods_readout(**values) in explorer.move(**values)


def test_methods_agree_with_quantlib_on_a_walk_over_the_seed():
    explorer = explore_methods(T)
    for values in wander(explorer, 20, (-5, -1, 1, 5)):
        assert methods_readout_of(T, values["b"], round(values["p"], 4)) in explorer.move(**values)


def test_at_eight_bits_the_best_alpha_lies_between_percentiles():
    explorer = explore_methods(W, bits=8)
    jumps = [explorer.compute(b=8, p=p).marks[1] for p in (99.9998, 99.9999)]
    best = explorer.compute(b=8, p=99.99)
    assert jumps[0] < best.marks[2] < jumps[1] and best.clipped == 1
    explorer.scene.draw(best)
    assert explorer.scene.panels[0].title.text == "8 bits: 1 of 589,824 values clips at the α of MSE search"


def test_the_search_is_never_worse_than_the_others():
    explorer = explore_methods(FEW)
    for bits in (2, 4, 6):
        errors = explorer.compute(b=bits, p=99.99).errors
        assert errors[2] <= 1.002 * errors.min()  # it looks at a histogram, the errors are those of the values


def half_of_the_largest(x, percent):
    return x.abs().max() / 2


def test_the_learners_percentile_is_shown():
    assert explore_methods(T, half_of_the_largest).compute(b=4, p=99.5).marks[1] == pytest.approx(728.6 / 2)


@pytest.mark.parametrize("alpha", [0.0, -1.0, 1e-30, 1e30, float("nan")])
def test_an_alpha_that_is_none_is_said(alpha):
    assert alpha_problem(alpha, T).startswith("returned ") and alpha_problem(728.6, T) == ""


# --- pictures that can be touched


def touch(explorer, panel, x, y=0.5):
    """Press on a panel, at x in the units of its axes and y as a share of its height; return the readout."""
    left, low, right, high = explorer.scene.area(explorer.scene.panels[panel])
    start, end = explorer.scene.panels[panel].axes.get_xlim()
    share = (x - start) / (end - start)
    if explorer.scene.panels[panel].axes.get_xscale() == "log":
        share = numpy.log(x / start) / numpy.log(end / start)
    explorer.touched(left + share * (right - left), low + y * (high - low), True)
    return explorer.picture.alt


@pytest.mark.parametrize(("panel", "x"), [(0, 2.4), (0, -2.4), (1, 2.4)])
def test_an_end_of_the_range_and_the_point_can_be_dragged(panel, x):
    explorer = explore_clip(FEW)
    alt = touch(explorer, panel, x)
    assert explorer.controls["alpha"].value == pytest.approx(2.4) and clip_readout_of(FEW, 2.4, 4) in alt


def test_the_percentile_can_be_dragged_over_the_largest_weights():
    explorer = explore_methods(W, bits=8)
    for panel, alpha, percent in ((0, 4.0, 99.9998), (1, 8.5, 100.0), (1, 0.1282, 99.2501), (0, 0.03, 99.0)):
        alt = touch(explorer, panel, alpha)
        assert explorer.controls["p"].value == pytest.approx(percent, abs=5e-3 if percent < 99.5 else 1e-9)
        assert methods_readout(8, explorer.controls["p"].value) in alt


def test_a_function_written_anew_gives_a_new_u(monkeypatch):
    explorer, wrong = explore_clip(FEW, quantize_to), explore_clip(FEW, returns_codes).compute(alpha=2.0, b=4)
    assert explorer.compute(alpha=2.0, b=4).mse < wrong.mse / 2
    monkeypatch.setattr("quantlib.lab.learner.stand_in._in_notebook", lambda function: returns_codes)
    after = explorer.compute(alpha=2.0, b=4)
    assert after.mse == wrong.mse and (after.curve == wrong.curve).all()


# --- the hunt for data on which a method fails


def crowd(count, *far):
    return torch.cat([torch.linspace(-1, 1, count), torch.tensor([float(x) for x in far])])


NEAR, FAR = crowd(50_000, 9), crowd(20_000, 1000)
ALL = {"min-max": NEAR, "percentile": FAR, "ACIQ": FAR}


def test_data_that_defeat_all_methods_are_right():
    verdict = failures.check(lambda: ALL)
    assert verdict.status == "right" and "min-max 61 times the least" in verdict.message


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ({"min-max": NEAR}, "does not defeat percentile and ACIQ yet. Their errors: min-max 61 times the least."),
        ({"min-max": [1.0, 0.3, 5.0]}, "Looks like: too few values, so that clipping one of them costs more"),
        (ALL | {"percentile": crowd(900, 1000)}, "99.99 percent of 901, rounded up, are all, so it is min-max"),
        (ALL | {"ACIQ": [1.0, -1.0]}, "each value of the data for ACIQ lies on a level, and every error is 0"),
        (ALL | {"ACIQ": X[:20_000]}, "Looks like: no value lies far out."),
        (ALL | {"percentile": NEAR}, "does not defeat percentile yet."),
        ({"entropy": NEAR}, "must return a dict with the keys min-max, percentile and ACIQ"),
        ([1.0, 2.0], "must return a dict"),
        ({"ACIQ": []}, "ACIQ gets 1 to 100,000 values"),
        ({"ACIQ": [float("nan")]}, "the largest |x| is between a millionth and a million, got nan for ACIQ"),
        ({"ACIQ": ["a"]}, "returned data that cannot be used"),
    ],
)
def test_data_that_do_not_are_told_what_lacks(data, says):
    verdict = failures.check(lambda: data)
    assert verdict.status == "wrong" and says in verdict.message, verdict


def test_an_alpha_of_0_is_as_bad_as_storing_nothing():
    x = torch.cat([torch.zeros(20_000), torch.tensor([5.0])])  # the percentile is 0
    assert errors_of(x)["percentile"] == pytest.approx(25 / 20_001) and times_the_least(x, "percentile") > 10


def test_the_title_says_all_only_where_all_is_meant():
    explorer = explore_clip(X[:5000])
    title = explorer.scene.panels[1].title
    for alpha, text in ((5.0, "the MSE is all rounding error"), (0.1, "over 99.9 % of the MSE is clipping error")):
        explorer.move(alpha=alpha)
        assert title.text == text


def test_data_that_are_not_written_yet_are_told_so():
    assert [failures.check(f).status for f in (unwritten_data, None, ...)] == ["not written yet"] * 3


def unwritten_data(): ...


def test_no_method_has_less_than_the_least_error():
    for x in (X[:5000], NEAR, FAR, T.flatten()):
        errors = errors_of(x)
        assert min(errors.values()) == errors["least"] and times_the_least(x, "min-max") >= 1


# --- the references of the exercises


def test_quantize_to_gives_alpha_back_exactly_where_it_can():
    assert quantize_to(torch.tensor([-9.0, 0.0, 9.0]), 7.0, 4).tolist() == [-7.0, 0.0, 7.0]


def test_percentile_alpha_counts_sizes():
    x = torch.tensor([3.0, -4.0, 1.0, 2.0])
    assert [percentile_alpha(x, p) for p in (25, 50, 60, 75, 100)] == [1, 2, 3, 3, 4]


@pytest.mark.parametrize("percent", [1e-9, 50.0, 99.0, 99.99, 99.9999, 100.0])
def test_percentile_alpha_is_where_choose_percentile_ends(percent):
    qp = choose_percentile(FEW, percentile=percent, **OPTIONS)
    assert percentile_alpha(FEW, percent) == pytest.approx(qp.scale.item() * qp.quant_max, rel=1e-6)


# --- figures


def test_two_clips_say_how_many_clip():
    alt = draw_two_clips(X, (X.abs().max().item(), 2.45), 4).alt
    assert "15 levels each: levels 0.63 apart, no value clips; levels 0.35 apart, 562 of 65,536 values clip." in alt


def test_the_still_u_says_where_it_is_lowest():
    alt = draw_clip(X, 2.45, 4).alt
    assert alt.startswith("The mean squared error over α is a U, lowest near α = 2.5.") and clip_readout(2.45, 4) in alt


def test_decibels_say_the_last_gain():
    alt = draw_decibels({"uniform": [10.0, 16.0, 22.05], "Gaussian": [8.0, 13.0, 18.5]}).alt
    assert alt.startswith("The last bit brings 6.05 dB for uniform, 5.50 dB for Gaussian.")


def test_methods_say_who_is_best():
    alt = draw_methods(W, 8).alt
    assert alt.startswith("Five methods on the U of one tensor. b = 8 and p = 99.9900: MSE search has the least error.")
    assert methods_readout(8, 99.99) in alt


def test_percentages_have_three_digits():
    assert [percent_of(part) for part in (0.0, 0.039, 0.156, 1.0)] == ["0.00 %", "3.90 %", "15.6 %", "100 %"]


# --- the mistakes: the smallest input that shows each, and what comes

QUANTIZED = [
    ("never_clips", 4.0, 3.0, 3, 4.0),
    ("clamps_above_only", -4.0, 3.0, 3, -4.0),
    ("full_grid", -4.0, 3.0, 3, -4.0),
    ("returns_codes", 2.0, 6.0, 3, 1.0),
    ("clips_only", 0.6, 3.0, 3, 0.6),
    ("one_step_too_many", 8.0, 8.0, 4, 7.0),
    ("steps_of_all_codes", 8.0, 8.0, 3, 3.0),
    ("half_steps_at_the_ends", 7.0, 7.0, 3, 6.0),
    ("half_steps_on_the_full_grid", 7.0, 7.0, 3, 6.0),
    ("covers_everything", 6.0, 3.0, 3, 6.0),
    ("clamps_codes_to_alpha", 1.5, 1.5, 3, 0.75),
    ("drops_what_clips", 4.0, 3.0, 3, 0.0),
    ("truncates_to_alpha", 0.6, 3.0, 3, 0.0),
    ("goes_down_to_alpha", 0.6, 3.0, 3, 0.0),
    ("reach_of_eight_bits", 3.3, 127.0, 3, 3.0),
]


@pytest.mark.parametrize(("name", "x", "alpha", "bits", "real"), QUANTIZED)
def test_the_smallest_input_that_shows_a_wrong_quantizer(name, x, alpha, bits, real):
    came = getattr(mistakes, name)(torch.tensor([x]), alpha, bits)
    assert came.item() == pytest.approx(real) != quantize_to(torch.tensor([x]), alpha, bits).item()


PERCENTILES = [
    ("percentile_of_x", [-9.0, 1.0], 100.0, 1.0),
    ("percentile_from_zero", [1.0, 2.0], 50.0, 2.0),
    ("one_place_too_near", [1.0, 2.0, 3.0], 70.0, 2.0),
    ("one_place_too_near_from_the_end", [1.0, 2.0, 3.0], 30.0, 3.0),
    ("nearest_place", [1.0, 2.0, 3.0], 70.0, 2.0),
    ("quantile_above", [1.0, 2.0, 3.0], 60.0, 3.0),
    ("quantile_below", [1.0, 2.0, 3.0], 70.0, 2.0),
    ("part_of_the_largest", [1.0, 4.0], 50.0, 2.0),
    ("forgets_to_sort", [2.0, 1.0], 50.0, 2.0),
    ("percentile_from_the_top", [1.0, 2.0], 100.0, 1.0),
    ("returns_the_rank", [5.0], 100.0, 1.0),
    ("always_min_max", [1.0, 2.0], 50.0, 2.0),
    ("interpolates", [1.0, 2.0], 50.0, 1.5),
]


@pytest.mark.parametrize(("name", "x", "percent", "alpha"), PERCENTILES)
def test_the_smallest_input_that_shows_a_wrong_percentile(name, x, percent, alpha):
    came = getattr(mistakes, name)(torch.tensor(x), percent)
    assert came == pytest.approx(alpha) != percentile_alpha(torch.tensor(x), percent)


SEARCHES = [
    ("returns_the_place", [1.0], 2, [1.0, 2.0], 0.0, 1.0),
    ("returns_the_error", [1.5], 2, [1.0, 9.0], 0.25, 1.0),
    ("worst_alpha", [1.0], 2, [1.0, 9.0], 9.0, 1.0),
    ("counts_round_only", [1.0, 3.0], 2, [1.0, 3.0], 1.0, 3.0),
    ("counts_clip_only", [1.0, 1.0, 2.0], 2, [1.0, 2.1], 2.1, 1.0),
    ("leaves_clipped_values_out", [1.0, 3.0], 2, [1.0, 3.0], 1.0, 3.0),
    ("leaves_values_beyond_alpha_out", [1.0, 3.0], 2, [1.0, 3.0], 1.0, 3.0),
    ("counts_nothing_beyond_alpha", [1.0, 3.0], 2, [1.0, 3.0], 1.0, 3.0),
    ("least_variance", [1.0, 1.0], 2, [0.8, 1.0], 0.8, 1.0),
    ("signed_errors", [2.0], 2, [9.0, 2.1, 3.0], 3.0, 2.1),
    ("square_of_the_mean", [1.0, -1.0], 2, [3.0, 1.0], 3.0, 1.0),
    ("least_largest_error", [1.0] * 5 + [2.2], 2, [1.0, 2.2], 2.2, 1.0),
    ("least_mean_size", [1.0, 1.0, 3.0], 2, [1.0, 2.2], 1.0, 2.2),
    ("largest_alpha", [1.0], 2, [1.0, 9.0], 9.0, 1.0),
    ("best_of_eight_bits", [1.0, 1.0, 1.0, 1.0, 2.0], 2, [1.1, 2.0], 2.0, 1.1),
    ("searches_without_clip", [2.0], 2, [0.5, 2.1], 0.5, 2.1),
]


@pytest.mark.parametrize(("name", "x", "bits", "alphas", "came", "due"), SEARCHES)
def test_the_smallest_input_that_shows_a_wrong_search(name, x, bits, alphas, came, due):
    x, alphas = torch.tensor(x), torch.tensor(alphas)
    best = min(alphas.tolist(), key=lambda alpha: mse(x, quantize_to(x, alpha, bits)))
    assert (getattr(mistakes, name)(x, bits, alphas), best) == (pytest.approx(came), pytest.approx(due))
    assert came != due


def test_every_mistake_of_this_subject_has_its_input():
    tables = {"fake_quantize": QUANTIZED, "percentile": PERCENTILES, "best_alpha": SEARCHES}
    assert tables.keys() == mistakes.known.keys()
    for exercise, table in tables.items():
        known = {m.function.__name__ for m in mistakes.known[exercise]}
        assert known == {name for name, *_ in table}


# What learners write, as they write it: by exercise and mistake, lines that return what comes of it. None is ours.
# A float is never cast to int8 beyond its range, which would be undefined; it goes through an integer, which keeps the
# lowest 8 bits.
WRITTEN = {
    "fake_quantize": {
        "no clamp": ["s * (x / s).round()"],
        "the clamp has only an upper end": ["s * (x / s).round().clamp(max=top)"],
        "the full grid": [
            "s * (x / s).round().clamp(-top - 1, top)",
            "s * (x / s).round().clamp(-(2 ** (bits - 1)), top)",
        ],
        "codes are returned": ["(x / s).round().clamp(-top, top)"],
        "clipping without rounding": ["x.clamp(-alpha, alpha)", "(x / s).clamp(-top, top) * s"],
        "2^(bits-1) steps up to alpha": [
            "(x * 2 ** (bits - 1) / alpha).round().clamp(-top, top) * alpha / 2 ** (bits - 1)"
        ],
        "2^bits steps up to alpha": ["(x / (alpha / 2**bits)).round().clamp(-top, top) * (alpha / 2**bits)"],
        "2^bits - 1 steps from -alpha to alpha": [
            "(x / (2 * alpha / (2**bits - 1))).round().clamp(-top, top) * (2 * alpha / (2**bits - 1))",
            "(x / (2 * alpha / (2**bits - 1))).round().clamp(-top - 1, top) * (2 * alpha / (2**bits - 1))",
        ],
        "max|x| in place of alpha": ["(x / (x.abs().max().clamp(min=1e-9) / top)).round() * (x.abs().max() / top)"],
        "codes are clamped to alpha": ["s * (x / s).round().clamp(-alpha, alpha)"],
        "what clips becomes 0": ["s * torch.where((x / s).round().abs() > top, 0, (x / s).round())"],
        "truncation instead of rounding": [
            "s * (x / s).trunc().clamp(-top, top)",
            "(x / s).long().clamp(-top, top) * s",
        ],
        "floor instead of rounding": ["s * torch.floor(x / s).clamp(-top, top)"],
        "always 8 bits": ["alpha / 127 * (x / (alpha / 127)).round().clamp(-127, 127)"],
    },
    "percentile": {
        "x for |x|": ["x.flatten().sort().values[rank - 1]"],
        "one place too far": ["sizes[min(rank, len(sizes) - 1)]"],
        "the place is rounded down": [
            "sizes[max(int(percent / 100 * len(sizes) + 1e-9), 1) - 1]",
            "sizes[int(percent / 100 * len(sizes) + 1e-9) - 1]",
        ],
        "the place is rounded to the nearest": ["sizes[round(percent / 100 * len(sizes)) - 1]"],
        "the quantile counted in gaps": [
            "torch.quantile(x.abs(), percent / 100, interpolation='higher')",
            "torch.quantile(x.abs(), percent / 100, interpolation='lower')",
        ],
        "a part of the largest value": ["x.abs().max() * percent / 100", "percent / 100 * sizes[-1].item()"],
        "|x| is not sorted": ["x.abs().flatten()[rank - 1]"],
        "counted from the largest": ["sizes.flip(0)[rank - 1]", "sizes[-rank].item()"],
        "the place for the value": ["rank"],
        "always the largest": ["x.abs().max()", "sizes[-1]"],
        "interpolation between two values": [
            "torch.quantile(x.abs(), percent / 100)",
            "torch.quantile(x.abs().flatten(), percent / 100).item()",
        ],
    },
    "best_alpha": {
        "the place for the alpha": ["torch.tensor([e.square().mean() for e in errors]).argmin()"],
        "the error for the alpha": ["min(e.square().mean().item() for e in errors)"],
        "the largest error": ["alphas[torch.tensor([e.square().mean() for e in errors]).argmax()]"],
        "clipped values are not counted": [
            "alphas[torch.tensor([(e * (x.abs() <= a * (1 + 0.5 / top))).square().mean()"
            " for e, a in zip(errors, alphas)]).argmin()]",
            "alphas[torch.tensor([(e * (x.abs() <= a)).square().mean() for e, a in zip(errors, alphas)]).argmin()]",
            "alphas[torch.tensor([e[x.abs() <= a].square().mean().nan_to_num()"
            " for e, a in zip(errors, alphas)]).argmin()]",
            "alphas[torch.tensor([e[(x / a * top).round().abs() <= top].square().mean().nan_to_num()"
            " for e, a in zip(errors, alphas)]).argmin()]",
        ],
        "rounded values are not counted": [
            "alphas[torch.tensor([(e * (x.abs() > a * (1 + 0.5 / top))).square().mean()"
            " for e, a in zip(errors, alphas)]).argmin()]"
        ],
        "errors are not squared": ["alphas[torch.tensor([e.mean() for e in errors]).argmin()]"],
        "the mean is squared, not each error": ["alphas[torch.tensor([e.mean() ** 2 for e in errors]).argmin()]"],
        "the largest single error": ["alphas[torch.tensor([e.abs().max() for e in errors]).argmin()]"],
        "the variance of the errors": ["alphas[torch.tensor([e.var() for e in errors]).argmin()]"],
        "the mean of the sizes": ["alphas[torch.tensor([e.abs().mean() for e in errors]).argmin()]"],
        "always the largest alpha": ["alphas.max()", "max(alphas.tolist())"],
        "always 8 bits": [
            "min(alphas.tolist(), key=lambda a: (x - a / 127 * (x / (a / 127)).round().clamp(-127, 127)).norm())"
        ],
        "the search never clips": [
            "min(alphas.tolist(), key=lambda a: (x - a / top * (x / (a / top)).round()).norm())"
        ],
    },
}

# What a learner has worked out before.
BEFORE = {
    "fake_quantize": {"top": "2 ** (bits - 1) - 1", "s": "alpha / top"},
    "percentile": {
        "sizes": "x.abs().flatten().sort().values",
        "rank": "math.ceil(percent / 100 * len(sizes))",
    },
    "best_alpha": {
        "top": "2 ** (bits - 1) - 1",
        "errors": "[x - a / top * (x / (a / top)).round().clamp(-top, top) for a in alphas.tolist()]",
    },
}


READOUTS = [clip_readout, activation_readout, methods_readout]
