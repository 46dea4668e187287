"""Notebook 11: both explorers agree with plain arithmetic, pictures say what is so, mistakes are known."""

import math

import numpy
import pytest
import torch

from quantlib import sqnr_db
from quantlib.data import load_weight
from quantlib.data.silero import load_silero, speech_probability
from quantlib.data.speech import synthesize_speech
from quantlib.formats import E2M1, E4M3, fake_quantize_mx, lloyd_step, round_to_float
from quantlib.lessons.bug_museum import bugs
from quantlib.lessons.codebooks_and_floats import (
    at_four_and_a_half,
    best_even,
    by_size,
    draw_case,
    draw_clipping,
    draw_contest,
    draw_errors,
    draw_formats,
    draw_levels,
    exercises,
    explore_fields,
    explore_settling,
    float_codebook,
    in_codebook,
    numbers,
    scales_of,
    settled,
    windows_as_in_float,
)
from quantlib.lessons.codebooks_and_floats.fields import SHARES, Fields, Weights, Windows
from quantlib.lessons.codebooks_and_floats.settling import POWERS, Beginnings, Numbers, Walk, dense
from tests.helpers.explored import assert_agrees, assert_redraws, assert_stands_in, now

SILERO, (SOUND, _) = load_silero(), synthesize_speech()
IN_FLOAT = speech_probability(SILERO, SOUND) > 0.5
MINUS = "\N{MINUS SIGN}"


def plain_levels(e, m):
    """The levels from 0 on of a float, by Python's numbers alone."""
    bias = 2 ** (e - 1) - 1
    fields = [(E, M / 2**m) for E in range(2**e) for M in range(2**m)]
    return [2.0 ** (E - bias) * (1 + f) if E else 2.0 ** (1 - bias) * f for E, f in fields]


def plainly(w, levels, share):
    """Weights on levels, group by group, by the nearest of all levels."""
    rows = w.reshape(1, -1) if share == "all" else w.flatten(1)
    size = int(share) if share == "32" else rows.shape[1]
    middles = (levels[1:] + levels[:-1]) / 2
    out = []
    for group in rows.split(size, 1):
        scale = group.abs().amax(1, keepdim=True).clamp(min=1e-30)
        out.append(levels[torch.bucketize(group / scale, middles)] * scale)
    return torch.cat(out, 1).reshape(w.shape)


FOUND = {}


def outcome(e, share):
    """What comes of conv4 and of the network, computed once."""
    if (e, share) not in FOUND:
        levels = torch.tensor(plain_levels(e, 7 - e))
        levels = torch.cat([-levels, levels]).unique() / levels.max()
        back = {name: plainly(w, levels, share) for name, w in SILERO.items() if "weight" in name}
        same = ((speech_probability(SILERO | back, SOUND) > 0.5) == IN_FLOAT).sum().item()
        w, w_hat = SILERO["conv4.weight"], back["conv4.weight"]
        FOUND[e, share] = 100 * (w_hat == 0).float().mean().item(), sqnr_db(w, w_hat), same
    return FOUND[e, share]


def readout_fields(e, share):
    """What the explorer of the fields must say."""
    zeros, sqnr, same = outcome(int(e), list(SHARES)[int(share)])
    head = f"e = {int(e)}: E{int(e)}M{7 - int(e)}, one scale for {list(SHARES.values())[int(share)]}. "
    head += f"{zeros:.1f} % of the weights of conv4 come back as 0, SQNR {sqnr:.1f} dB. "
    return f"{head}The network decides as in float in {same} of 264 windows."


def plain_numbers(shape):
    """4,096 numbers of a distribution of standard deviation 1, by numpy."""
    at = (numpy.arange(4096) + 0.5) / 4096
    if shape == "normal":
        return torch.special.ndtri(torch.tensor(at)).numpy()
    if shape == "uniform":
        return (at - 0.5) * math.sqrt(12)
    return -numpy.sign(at - 0.5) * numpy.log(1 - 2 * abs(at - 0.5)) / math.sqrt(2)


def plain_start(x, shape, p):
    """16 levels as dense as the numbers to the power p, by a sum over small steps."""
    t = numpy.linspace(x[0], x[-1], 8193)
    heights = {"normal": t**2 / 2, "Laplace": math.sqrt(2) * abs(t), "uniform": 0 * t}
    density = numpy.exp(-p * heights[shape])
    share = numpy.concatenate([[0], numpy.cumsum((density[1:] + density[:-1]) / 2)])
    return numpy.interp((numpy.arange(16) + 0.5) / 16 * share[-1], share, t)


def readout_settling(p, n, data):
    """What the explorer of settling levels must say, by numpy."""
    shape = ("normal", "Laplace", "uniform")[int(data)]
    x = plain_numbers(shape)
    levels = plain_start(x, shape, round(p, 4))
    for _ in range(int(n)):
        near = numpy.searchsorted((levels[1:] + levels[:-1]) / 2, x)
        levels = numpy.array([x[near == j].mean() if (near == j).any() else levels[j] for j in range(16)])
    near = numpy.searchsorted((levels[1:] + levels[:-1]) / 2, x)
    decibels = 10 * math.log10((x**2).sum() / ((x - levels[near]) ** 2).sum())
    used = numpy.bincount(near, minlength=16)
    head = f"p = {p:.2f}, n = {int(n)}: {shape} numbers keep an SQNR of {decibels:.2f} dB; "
    return f"{head}a level is used {used.min():,} to {used.max():,} times."


READOUTS = [readout_fields, readout_settling]
EXPLORERS = {"fields": (explore_fields, readout_fields), "settling": (explore_settling, readout_settling)}


@pytest.mark.parametrize(("make", "readout"), EXPLORERS.values(), ids=EXPLORERS)
def test_readout_agrees_with_plain_arithmetic_at_every_end_and_on_a_random_walk(make, readout):
    assert_agrees(make(), readout)


@pytest.mark.parametrize("make", [make for make, _ in EXPLORERS.values()], ids=EXPLORERS)
def test_blitting_draws_what_a_full_redraw_draws(make):
    assert_redraws(make)


@pytest.mark.parametrize("make", [make for make, _ in EXPLORERS.values()], ids=EXPLORERS)
def test_an_unwritten_function_is_told_and_quantlibs_stands_in(make):
    assert_stands_in(make)


def middle(explorer, kind):
    """Return a function that gives the place of a point of a panel, in fractions of the picture."""
    panel = next(panel for panel in explorer.scene.panels if isinstance(panel, kind))
    box, (left, right), (low, high) = panel.axes.get_position(), panel.axes.get_xlim(), panel.axes.get_ylim()
    return lambda x, y: (
        box.x0 + box.width * (x - left) / (right - left),
        box.y0 + box.height * (y - low) / (high - low),
    )


# --- sign, exponent, mantissa


def test_a_learners_levels_are_drawn():
    mine = explore_fields(bugs.adds_one_always).move(e=4)
    assert mine != explore_fields().move(e=4) and "instead" not in mine
    for wrong in (lambda e, m: torch.zeros(8), lambda e, m: torch.ones(2, 2), lambda e, m: torch.ones(300)):
        assert "The picture shows quantlib's instead." in explore_fields(wrong).picture.alt


def test_fields_and_bars_can_be_dragged():
    explorer = explore_fields()
    at = middle(explorer, Fields)
    explorer.touched(*at(2.0, 0.5), pressed=True)
    explorer.touched(*at(5.1, 0.5), pressed=False)
    assert now(explorer) == [4, 0] and "E4M3" in explorer.picture.alt
    explorer.touched(*middle(explorer, Windows)(7, 100), pressed=True)
    assert now(explorer) == [7, 0]
    assert all(panel.grab(None, 0, 0) is None for panel in explorer.scene.panels if isinstance(panel, Weights))


def test_one_exponent_bit_is_no_float():
    assert torch.allclose(float_codebook(1).diff(), torch.tensor(1 / 127), atol=1e-6)
    assert windows_as_in_float(float_codebook(1), "all") == 124


def test_eight_bits_and_one_scale_are_enough_for_a_float():
    assert min(windows_as_in_float(float_codebook(e), "all") for e in range(3, 8)) > 250
    unscaled = {name: round_to_float(w, E4M3) if "weight" in name else w for name, w in SILERO.items()}
    assert ((speech_probability(unscaled, SOUND) > 0.5) == IN_FLOAT).sum() >= 262


@pytest.mark.parametrize("share", SHARES)
def test_a_codebook_goes_through_weights_of_every_shape(share):
    w = torch.randn(3, 5, 14, generator=torch.Generator().manual_seed(0))
    levels = torch.arange(-7.0, 8.0) / 7
    assert torch.allclose(in_codebook(w, levels, share), plainly(w, levels, share), atol=1e-6)
    assert not in_codebook(torch.zeros(2, 40), levels, share).any()


def test_the_error_of_e4m3_is_a_part_of_the_weight_or_tiny():
    w = SILERO["conv4.weight"]
    error = (round_to_float(w, E4M3) - w).abs()
    assert (error <= torch.where(w.abs() < 1 / 64, torch.tensor(1 / 1024), w.abs() / 16)).all()
    assert 1 / (round_to_float(w, E4M3) == 0).float().mean().item() == pytest.approx(13, abs=0.5)


# --- levels that settle


def test_a_learners_step_drives_the_levels():
    stays = explore_settling(lambda x, levels: levels.clone())
    assert "SQNR of 17.56 dB" in stays.move(n=60) and "instead" not in stays.picture.alt
    assert "The picture shows quantlib's instead." in explore_settling(lambda x, levels: levels[1:]).picture.alt
    notes = []
    asks = explore_settling(lambda x, levels: notes.append(1) or lloyd_step(x, levels))
    asks.move(n=10)
    asks.move(n=3)
    assert len(notes) == 10  # no step is computed twice


def test_levels_powers_and_steps_can_be_dragged():
    explorer = explore_settling()
    explorer.move(n=5)
    at, outermost = middle(explorer, Numbers), dense("normal", 0.0)
    explorer.touched(*at(outermost[15].item(), -0.1), pressed=True)
    explorer.touched(*at(dense("normal", 0.5)[15].item(), -0.1), pressed=False)
    assert now(explorer) == [0.5, 0, 0]
    explorer.touched(*middle(explorer, Beginnings)(0.8, 0.5), pressed=True)
    assert now(explorer) == [0.8, 0, 0]
    explorer.touched(*middle(explorer, Walk)(12.2, 0.5), pressed=True)
    assert now(explorer) == [0.8, 12, 0]


@pytest.mark.parametrize("shape", ["normal", "Laplace", "uniform"])
def test_the_numbers_are_those_of_their_distribution(shape):
    x = numbers(shape)
    assert torch.allclose(x.double(), torch.tensor(plain_numbers(shape)), atol=1e-5)
    assert x.std().item() == pytest.approx(1, abs=0.01) and torch.allclose(x, -x.flip(0), atol=1e-5)


def test_sixteen_levels_are_as_good_as_is_known():
    """Max 1960 and Lloyd 1982 give 20.22 dB for the normal distribution itself, and even levels reach 19.38."""
    x = numbers("normal")
    best = settled("normal")
    assert plain_quality(x, best_even(x)) == pytest.approx(19.38, abs=0.06)
    assert plain_quality(x, best) == pytest.approx(20.22, abs=0.06)
    assert torch.equal(lloyd_step(x, best), best)
    powers = [plain_quality(x, dense("normal", p)) for p in POWERS]
    assert 0.3 <= POWERS[powers.index(max(powers))] <= 0.4


def plain_quality(x, levels):
    return sqnr_db(x, levels[torch.bucketize(x, (levels[1:] + levels[:-1]) / 2)])


# --- blocks


def test_a_learners_scales_are_used(capsys):
    blocks = load_weight("query").reshape(-1, 32)
    mine = scales_of(blocks, lambda x: torch.ones(len(x), 1) * 2)
    assert (mine == 2).all() and capsys.readouterr().out == "the scales are yours\n"

    def unwritten(*arguments): ...

    assert torch.equal(scales_of(blocks, unwritten), exercises.block_scale.reference(blocks))
    assert "quantlib's scales are used instead." in capsys.readouterr().out
    scales_of(blocks, lambda x: torch.zeros(len(x), 1))
    assert "returned a scale that is not positive" in capsys.readouterr().out


def test_at_equal_bits_the_block_counts_for_more_than_the_levels():
    F = load_weight("ffn_down")
    contest, curves = at_four_and_a_half(F), by_size(F)
    assert max(contest.values()) - min(contest.values()) < 1.2
    assert all(curve == sorted(curve) and curve[-1] - curve[0] > 20 for curve in curves.values())
    spread = [max(values) - min(values) for values in zip(*curves.values(), strict=True)]
    assert spread[1] > 3 and spread[-1] < 1.3


def test_clipping_may_pay_where_there_is_no_outlier():
    found = {
        name: [sqnr_db(w, fake_quantize_mx(w, E2M1, rule)) for rule in ("floor", "rceil")]
        for name, w in ((name, load_weight(name)) for name in ("query", "ffn_down"))
    }
    assert found["query"] == pytest.approx([18.69, 18.55], abs=0.005)
    assert found["ffn_down"] == pytest.approx([17.77, 18.42], abs=0.005)


def test_still_pictures_say_what_is_so():
    w, F = SILERO["conv4.weight"], load_weight("ffn_down")
    assert "int8, one scale: 3 levels; E4M3, no scale: 99 levels." in draw_case(w).alt
    assert "int8, one scale: 97.3 % of the weights become 0, 124 of 264" in draw_errors(w, (124, 264), 264).alt
    assert draw_formats({"E4M3": E4M3}).alt.startswith("The levels of small floats, from 0 on. E4M3: 0, 0.00195312, ")
    assert "no scale 31.49 dB; the standard's scale 27.96 dB; a scale that never clips 31.74 dB" in draw_clipping(F).alt
    assert "Q4_K: even, with a minimum 21.84 dB" in draw_contest(F).alt
    x = numbers("normal")
    assert f"levels {MINUS}1.00 to 1.00" in draw_levels({"a": x.sign()}).alt


# --- right answers, each written in another way

RIGHT = {
    "float_levels": [
        "torch.where(E == 0, 2.0 ** (1 - bias) * f, 2.0 ** (E - bias) * (1 + f)).flatten()",
        "torch.tensor([math.ldexp((k > 0) + j / 2**m, max(k, 1) - bias) for k in range(2**e) for j in range(2**m)])",
        "((E > 0) + f).mul(2.0 ** (E.clamp(min=1) - bias)).double().flatten()",
        "torch.cat([2.0 ** (1 - bias) * f, *(2.0 ** (k - bias) * (1 + f) for k in range(1, 2**e))])",
    ],
    "lloyd_step": [
        "torch.stack([x[k == j].mean() if (k == j).any() else levels[j] for j in range(len(levels))])",
        "torch.where(one.any(0), (one * x[:, None]).sum(0) / one.sum(0).clamp(min=1), levels)",
        "torch.stack([x[k == j].double().mean() if any[j] else levels[j].double() for j in places])",
    ],
    "block_scale": [
        "torch.where(a > 0, 2.0 ** torch.ceil(torch.log2(a / 6)), 1.0)",
        "torch.tensor([[2.0 ** math.ceil(math.log2(v / 6)) if v else 1.0] for v in a.flatten().tolist()])",
        "torch.where(a > 0, torch.exp2(-torch.floor(-torch.log2(a / 6))), 1.0)",
        "torch.where(a > 0, torch.ldexp(torch.ones_like(a), r[1] - (r[0] == 0.5).int()), 1.0)",
    ],
}


@pytest.mark.parametrize(("name", "line"), [(name, line) for name, lines in RIGHT.items() for line in lines])
def test_what_is_right_in_another_way_is_right(name, line):
    from tests.helpers.lessons import learner

    verdict = getattr(exercises, name).check(learner(name, line))
    assert verdict.status == "right", verdict


def test_other_conventions_are_told():
    for exercise, bug in [("float_levels", bugs.keeps_the_top_for_infinity), ("block_scale", bugs.follows_the_standard),
                          ("block_scale", bugs.never_goes_beyond_four)]:  # fmt: skip
        assert "This is another convention" in getattr(exercises, exercise).check(bug).message


# The smallest input that shows a mistake, and what comes.
LEVELS = [
    ("adds_one_always", (2, 0), [0.5, 1, 2, 4]),
    ("halves_the_subnormals", (1, 1), [0, 0.5, 2, 3]),
    ("takes_a_larger_bias", (2, 0), [0, 0.5, 1, 2]),
    ("takes_no_bias", (2, 0), [0, 2, 4, 8]),
    ("keeps_the_top_for_infinity", (2, 0), [0, 1, 2]),
    ("reaches_the_next_power", (1, 1), [0, 2, 2, 4]),
    ("adds_the_whole_mantissa", (1, 1), [0, 2, 2, 4]),
    ("swaps_the_fields", (1, 2), [0, 0.5, 1, 1.5, 2, 3, 4, 6]),
    ("mirrors_the_levels", (1, 1), [-3, -2, -1, 0, 0, 1, 2, 3]),
    ("forgets_the_mantissa", (1, 1), [0, 2]),
    ("spreads_them_evenly", (2, 0), [0, 4 / 3, 8 / 3, 4]),
    ("lets_the_exponent_run", (1, 1), [0, 2, 1, 3]),
]


@pytest.mark.parametrize(("name", "widths", "result"), LEVELS)
def test_the_smallest_widths_that_show_a_mistake(name, widths, result):
    assert getattr(bugs, name)(*widths).tolist() == pytest.approx(result)


STEPS = [
    ("takes_the_median", [0, 1, 5], [0], [1]),
    ("takes_the_lower_median", [0, 1], [0], [0]),
    ("takes_the_middle", [0, 1, 5], [0], [2.5]),
    ("looks_down_only", [3], [0, 4], [3, 4]),
    ("drops_empty_levels_to_zero", [1], [0, 9], [1, 0]),
    ("drops_empty_levels", [1], [0, 9], [1]),
    ("goes_half_way", [1], [0], [0.5]),
    ("sums_the_cells", [1, 2], [0], [3]),
    ("divides_by_all", [1, 9], [0, 9], [0.5, 4.5]),
    ("quantizes_the_values", [1, 2], [0], [0, 0]),
    ("leaves_the_levels", [1], [0], [0]),
    ("jumps_to_a_value", [1, 2], [0], [1]),
    ("steps_to_the_end", [0, 1, 2, 10], [1, 9], [1, 10]),
]


@pytest.mark.parametrize(("name", "x", "levels", "result"), STEPS)
def test_the_smallest_values_that_show_a_mistake(name, x, levels, result):
    x, levels = torch.tensor(x).float(), torch.tensor(levels).float()
    assert getattr(bugs, name)(x, levels).tolist() == pytest.approx(result)


def test_the_mean_of_nothing_is_nan():
    assert bugs.averages_nothing(torch.tensor([1.0]), torch.tensor([0.0, 9.0]))[1].isnan()


SCALES = [
    ("follows_the_standard", [7], 1),  # 2 is due
    ("never_goes_beyond_four", [5], 2),
    ("rounds_the_exponent", [7], 1),
    ("rounds_the_exponent_down", [7], 1),
    ("goes_one_up", [6], 2),
    ("forgets_six", [6], 8),
    ("reaches_for_eight", [7], 1),
    ("divides_by_six", [7], 7 / 6),
    ("looks_at_one_end", [-7, 1], 0.25),
    ("returns_the_power", [6], 0),
    ("gives_zeros_zero", [0], 0),
]


@pytest.mark.parametrize(("name", "x", "result"), SCALES)
def test_the_smallest_block_that_shows_a_mistake(name, x, result):
    assert getattr(bugs, name)(torch.tensor([x]).float()).item() == pytest.approx(result)


def test_a_shared_scale_is_that_of_the_largest_block():
    assert bugs.shares_one_power(torch.tensor([[6.0], [1.0]])).flatten().tolist() == [1, 1]


# What learners write, as they write it: by exercise and mistake, lines that return what comes of it. None is ours.
WRITTEN = {
    "float_levels": {
        "no subnormals": ["(2.0 ** (E - bias) * (1 + f)).flatten()"],
        "subnormals one power too low": ["torch.where(E == 0, 2.0**-bias * f, 2.0 ** (E - bias) * (1 + f)).flatten()"],
        "the bias is 2^(e - 1)": ["right / 2"],
        "no bias": ["right * 2.0**bias"],
        "the highest exponent left out": ["right[: 2**m * (2**e - 1)]"],
        "parts of 2^m - 1": ["(2.0 ** (E.clamp(min=1) - bias) * ((E > 0) + M / max(2**m - 1, 1))).flatten()"],
        "the mantissa is not divided": ["(2.0 ** (E.clamp(min=1) - bias) * ((E > 0) + M)).flatten()"],
        "e and m swapped": [
            "torch.tensor([((j > 0) + k / 2**e) * 2.0 ** (max(j, 1) - 2 ** (m - 1) + 1) for j in range(2**m) "
            "for k in range(2**e)]) if m else right",
        ],
        "the negative ones too": ["torch.cat([right * -1, right]).sort().values"],
        "powers of two only": ["torch.tensor([0.0] + [2.0 ** (k - bias) for k in range(1, 2**e)])"],
        "even steps": ["torch.arange(2 ** (e + m)) * right.max() / (2 ** (e + m) - 1)"],
        "not in order of size": ["torch.tensor([right[k * 2**m + j] for j in range(2**m) for k in range(2**e)])"],
    },
    "lloyd_step": {
        "the median, not the mean": [
            "torch.where(any, torch.stack([x[k == j].median() if any[j] else x[0] for j in places]), levels)",
            "torch.where(any, torch.stack([x[k == j].quantile(0.5) if any[j] else x[0] for j in places]), levels)",
        ],
        "the middle of smallest and largest": [
            "torch.stack([(x[k == j].max() + x[k == j].min()) / 2 if any[j] else levels[j] for j in places])",
        ],
        "the level below, not the nearest": [
            "torch.stack([x[down == j].mean() if (down == j).any() else levels[j] for j in places])",
        ],
        "a level without values becomes 0": ["(one * x[:, None]).sum(0) / one.sum(0).clamp(min=1)"],
        "a level without values becomes NaN": ["torch.stack([x[k == j].mean() for j in places])"],
        "a level without values is dropped": ["torch.stack([x[k == j].mean() for j in places if any[j]])"],
        "half-way to the mean": ["levels + (right - levels) / 2"],
        "sums, not means": ["torch.where(any, (one * x[:, None]).sum(0), levels)"],
        "divided by the number of all values": ["torch.where(any, (one * x[:, None]).mean(0), levels)"],
        "the values, not the levels": ["levels[k]"],
        "the levels do not move": ["levels"],
        "the nearest value, not the mean": [
            "torch.where(any, torch.stack([x[(x - level).abs().argmin()] for level in levels]), levels)",
        ],
        "steps until nothing moves": ["settle(levels)"],
    },
    "block_scale": {
        "floor(log2 max) - 2": ["torch.where(a > 0, 2.0 ** (a.log2().floor() - 2), 1.0)"],
        "ceil(log2 max) - 2": ["torch.where(a > 0, 2.0 ** torch.ceil(torch.log2(a / 4)), 1.0)"],
        "the nearest power of two": ["torch.where(a > 0, 2.0 ** torch.round(torch.log2(a / 6)), 1.0)"],
        "rounded down": ["torch.where(a > 0, 2.0 ** torch.floor(torch.log2(a / 6)), 1.0)"],
        "a power of two goes one up": ["torch.where(a > 0, 2.0 ** ((a / 6).log2().floor() + 1), 1.0)"],
        "not divided by 6": ["torch.where(a > 0, 2.0 ** torch.ceil(torch.log2(a)), 1.0)"],
        "divided by 8, not by 6": ["torch.where(a > 0, 2.0 ** torch.ceil(torch.log2(a / 8)), 1.0)"],
        "not a power of two": ["torch.where(a > 0, a / 6, 1.0)"],
        "the largest value, not the largest size": [
            "torch.where(top > 0, 2.0 ** torch.ceil(torch.log2(top.clamp(min=1e-30) / 6)), 1.0)",
        ],
        "the exponent, not the scale": ["torch.where(a > 0, torch.ceil(torch.log2(a / 6)), 0.0)"],
        "one scale for all blocks": [
            "torch.full_like(a, 2.0 ** math.ceil(math.log2(a.max() / 6)) if a.max() > 0 else 1.0)",
        ],
        "a block of zeros gets no 1": ["2.0 ** torch.ceil(torch.log2(a / 6))"],
    },
}

# What a learner has worked out before.
BEFORE = {
    "float_levels": {
        "E": "torch.arange(2**e)[:, None]",
        "M": "torch.arange(2**m)",
        "f": "M / 2**m",
        "bias": "2 ** (e - 1) - 1",
        "right": "torch.where(E == 0, 2.0 ** (1 - bias) * f, 2.0 ** (E - bias) * (1 + f)).flatten()",
    },
    "lloyd_step": {
        "k": "(x[:, None] - levels).abs().argmin(1)",
        "places": "range(len(levels))",
        "one": "k[:, None] == torch.arange(len(levels))",
        "any": "one.any(0)",
        "down": "((x[:, None] >= levels).sum(1) - 1).clamp(min=0)",
        "right": "torch.stack([x[k == j].mean() if (k == j).any() else levels[j] for j in places])",
        "step": "lambda l: torch.stack([x[g].mean() if g.any() else l[j] for j, g in "
        "enumerate(((x[:, None] - l).abs().argmin(1)[:, None] == torch.arange(len(l))).T)])",
        "settle": "lambda l: l if torch.equal(step(l), l) else settle(step(l))",
    },
    "block_scale": {
        "a": "x.abs().amax(1, keepdim=True)",
        "top": "x.amax(1, keepdim=True)",
        "r": "torch.frexp(a / 6)",
    },
}
