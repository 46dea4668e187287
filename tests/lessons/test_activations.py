"""Notebook 12: ranges from before, what leaves them, who shares a scale, and what learners get wrong."""

import random

import numpy
import pytest
import torch

from quantlib import choose_qparams, fake_quantize
from quantlib.data.encoder import encoder_inputs, encoder_tokens, load_encoder
from quantlib.data.silero import load_silero, speech_probability
from quantlib.data.speech import synthesize_speech
from quantlib.lessons.activations import (
    compare_sharing,
    draw_first,
    draw_judged,
    draw_law,
    draw_more,
    draw_tokens,
    draw_volumes,
    ends_moved,
    exceeded,
    explore_sentences,
    explore_volume,
    heard_at,
    judged,
    law,
    left_outside,
    more_calibration,
    moving_exceeded,
    tops,
    volumes,
    writer_costs,
)
from quantlib.lessons.activations import exercises as its
from quantlib.lessons.bug_museum import bugs

MINUS = "\N{MINUS SIGN}"
WEIGHTS, TOKENS = load_encoder(), encoder_tokens("prose")
INPUTS = encoder_inputs(WEIGHTS, TOKENS)
A = INPUTS["attention_out"]
NETWORK, (SOUND, _) = load_silero(), synthesize_speech()
GIVEN = {"batches": A}


def largest_in_order(order=0):
    return [A[k].max().item() for k in numpy.random.RandomState(4 + order).permutation(len(A))]


def readout_sentences(n, c):
    """What the explorer of sentences must say, in the order that is shown first."""
    values = largest_in_order()[: int(n)]
    widest, moving = [values[0]], [values[0]]
    for value in values[1:]:
        widest.append(max(widest[-1], value))
        moving.append(moving[-1] + round(c, 2) * (value - moving[-1]))
    left = [sum(v > end for v, end in zip(values[1:], ends, strict=False)) for ends in (widest, moving)]
    head = f"the widest range ends at {widest[-1]:.2f}, the moving one at {moving[-1]:.2f}."
    says = sum(1 / k for k in range(2, int(n) + 1))
    counts = f"{left[0]} the widest (the law says {says:.1f}), {left[1]} the moving one."
    return f"n = {int(n)} and c = {c:.2f}: {head} So many sentences left the range before them: {counts}"


def each_window(x, b):
    rows = x.flatten(1)
    return fake_quantize(rows, *choose_qparams(rows, b, symmetric=True, narrow=True, axis=0)).view_as(x)


def heard_alone(v, b):
    """In how many windows speech is heard in float, with ranges from 0 dB, and with fresh ones, one by one."""
    seen = {}

    def watch(name, x):
        seen[name] = x
        return x

    speech_probability(NETWORK, SOUND, watch)
    rulers = {name: choose_qparams(x, int(b)) for name, x in seen.items() if name != "lstm_hidden"}
    ways = (
        lambda name, x: x,
        lambda name, x: fake_quantize(x, *rulers[name]) if name in rulers else x,
        lambda name, x: each_window(x, int(b)) if name in rulers else x,
    )
    louder = 10 ** (v / 20) * SOUND
    return [int((speech_probability(NETWORK, louder, way) > 0.5).sum()) for way in ways]


def readout_volume(v, b):
    """What the explorer of the volume must say: how loud it is, and what is heard by the network run three times."""
    exact, before, fresh = heard_alone(v, b)
    times = f"the samples, changed by {v:.0f} dB, are multiplied by {10 ** (v / 20):.4g}"
    head = f"v = {v:.0f} and b = {b:.0f}: {times}".replace("-", MINUS)
    heard = f"Speech is heard in {exact} windows in float, in {before} with the range from before"
    return f"{head}. {heard}, and in {fresh} with a range for each window."


READOUTS = [readout_sentences, readout_volume]


def unwritten(*arguments): ...


@pytest.fixture(scope="module")
def sentences():
    return explore_sentences(A)


def test_sentences_agree_with_plain_python_at_every_end_and_on_a_walk(sentences):
    walk = random.Random(0)
    for n, c in [(2, 0.1), (100, 0.1), (100, 0.02), (100, 1.0)] + [
        (walk.randint(2, 100), round(0.02 * walk.randint(1, 50), 2)) for _ in range(12)
    ]:
        assert sentences.move(n=n, c=c) == readout_sentences(n, c) == sentences.picture.alt


@pytest.mark.parametrize("make", [lambda f: explore_sentences(A, f, f), lambda f: explore_volume(f, f)])
def test_an_unwritten_function_is_told_and_quantlibs_stands_in(make):
    text = make(unwritten).picture.alt
    assert text.count("unwritten: it is not written yet. The picture shows quantlib's instead.") == 1
    assert text.startswith((explore_sentences(A).picture.alt, explore_volume().picture.alt))


# --- sentences


def test_another_order_leaves_the_range_elsewhere(sentences):
    sentences.move(n=100, c=0.1)
    first = sentences.picture.alt
    assert sentences.move(order=3) != first
    values = numpy.array(largest_in_order(3))[:100]
    left = int((values[1:] > numpy.maximum.accumulate(values)[:-1]).sum())
    assert f"{left} the widest" in sentences.picture.alt
    sentences.move(order=0)


def test_learners_ranges_drive_the_sentences(sentences):
    frozen = explore_sentences(
        A, lambda batch, low, high: (low, max(high, 1.5)), lambda batch, low, high, rate: (low, 9.0)
    )
    text = frozen.move(n=50)
    assert "the widest range ends at 1.50, the moving one at 9.00." in text


def test_sentences_come_with_the_pointer(sentences):
    panel = sentences.scene.panels[0]
    left, low, right, high = sentences.scene.area(panel)
    sentences.touched(left + 60 / 101 * (right - left), (low + high) / 2, True)
    assert sentences.controls["n"].value == 60
    sentences.touched(1.0, low, False)
    assert sentences.controls["n"].value == 100


def test_the_law_holds_whatever_the_values_are():
    draw = numpy.random.RandomState(0)
    for values in (draw.normal(size=200), draw.standard_cauchy(200), draw.uniform(size=200)):
        for k in (1, 9):
            assert exceeded(values + 1e4, k)[0] == pytest.approx(1 / (k + 1), abs=0.02)
    assert exceeded(numpy.ones(50), 3) == (0, 0)
    assert law(4) == pytest.approx([0, 1 / 2, 5 / 6, 13 / 12])


def test_a_moving_range_is_left_by_nearly_half():
    for rate in (0.01, 0.1, 1.0):
        assert 0.43 < moving_exceeded(tops(A), rate) < 0.51


def test_the_first_picture_and_that_of_the_law():
    assert "nine" not in draw_first(A, 9).alt and "that ends at 1.69." in draw_first(A, 9).alt
    three = {name: tops(INPUTS[name]) for name in ("attention_out", "ffn_up", "ffn_down")}
    assert "For k = 9: attention_out 0.098;" in draw_law(three).alt


# --- how much to cover


def test_more_calibration_makes_min_max_worse_in_every_draw_and_not_the_search():
    w = WEIGHTS["attention_out.weight"]
    found = more_calibration(A, w, 8)
    assert (found[:, 0] > found[:, 3]).all() and found.mean(axis=0)[[0, 3]].round(1).tolist() == [31.3, 30.5]
    searched = more_calibration(A, w, 8, search=True).mean(axis=0)
    assert searched[3] > searched[0] - 0.1
    outside, shares = zip(*left_outside(A, 8), strict=True)
    assert (min(outside), max(outside)) == (37, 147) and max(shares) < 0.175
    assert "with 8 bits from 31.3 to 30.5 dB" in draw_more({8: found, 4: found}).alt


def test_the_percentile_wins_behind_the_layer_norm():
    rulers = {name: choose_qparams(torch.tensor([-0.17, top])) for name, top in (("min-max", 24.6), ("clipped", 4.56))}
    found = {name: judged("ffn_down", ruler, TOKENS) for name, ruler in rulers.items()}
    wide, narrow = found.values()
    assert wide.db[1] > narrow.db[1] + 20 and narrow.db[2] > wide.db[2] + 10
    assert wide.clipped < 5 and 250 < narrow.clipped < 350 and narrow.mark < 70 < 220 < wide.mark
    assert "in the input, after the matrix, after the LayerNorm: min-max" in draw_judged(found).alt


# --- for whom


def test_a_fresh_range_for_a_sentence_gains_nothing_and_one_for_a_token_much():
    found = compare_sharing(INPUTS["ffn_up"], WEIGHTS["ffn_up.weight"])["symmetric"]
    assert abs(found["static"] - found["for each sentence"]) < 0.1 and found["for each token"] > found["static"] + 12
    cost = writer_costs(4)
    assert cost["static"] > cost["for each sentence"] > 2 * cost["for each token"] > 0.5


def test_one_token_is_the_largest_of_each_sentence():
    assert (INPUTS["ffn_up"].abs().amax(2).argmax(1) == 0).all()
    assert "28.4 for [CLS] and 3.8 for the median token" in draw_tokens(INPUTS["ffn_up"], 3).alt


def test_other_texts_hardly_move_the_ranges():
    assert ends_moved(INPUTS, TOKENS) == 0
    assert 0.1 < max(ends_moved(INPUTS, encoder_tokens(kind)) for kind in ("verse", "code")) < 0.3


# --- volume


def test_three_ways_side_by_side_hear_what_each_hears_alone():
    explorer = explore_volume()
    for v, b in ((0, 8), (-30, 8), (30, 3), (-30, 3), (7, 5)):
        assert explorer.move(v=v, b=b) == readout_volume(v, b)


def test_quieter_changes_more_than_louder():
    assert 264 - heard_at(10, 8).same(1) <= 3 and 264 - heard_at(-10, 8).same(1) >= 20
    assert all(view.same(2) >= 250 for view in volumes(8).values())
    assert f"{MINUS}10 dB 24 and 2;" in draw_volumes(8).alt


@pytest.mark.parametrize(("bits", "v"), [(6, -30), (5, -24), (4, -18), (3, -12)])
def test_speech_is_gone_six_decibels_earlier_with_each_bit_less(bits, v):
    exact, before, _ = heard_at(v, bits).heard.sum(axis=1)
    assert before < 0.1 * exact


def test_learners_functions_drive_the_volume():
    narrow = explore_volume(lambda batch, low, high: (0.0, 1e-3))
    assert "in 0 with the range from before" in narrow.picture.alt or narrow.picture.alt != explore_volume().picture.alt
    silent = explore_volume(tokens=lambda x, bits: torch.zeros_like(x))
    assert "and in 0 with a range for each window." in silent.picture.alt


def test_windows_can_be_dragged_to_another_volume():
    explorer = explore_volume()
    left, low, right, high = explorer.scene.area(explorer.scene.panels[0])
    decade = (right - left) / 7.2
    explorer.touched(left + 5 * decade, (low + high) / 2, True)
    assert explorer.controls["v"].value == 0
    explorer.touched(left + 4 * decade, (low + high) / 2, False)
    assert explorer.controls["v"].value == -20
    explorer.touched(right, (low + high) / 2, False)
    assert explorer.controls["v"].value == 30


# --- what learners write

WRITTEN = {
    "running_range": {
        "the last batch alone": ["(batch.min(), batch.max())", "tuple(batch.aminmax())"],
        "the mean of old and new": ["((low + batch.min()) / 2, (high + batch.max()) / 2)"],
        "min and max the wrong way round": ["(max(low, batch.min()), min(high, batch.max()))"],
        "a symmetric range": ["(-top, top)"],
        "the upper end comes first": ["(max(high, batch.max()), min(low, batch.min()))"],
        "only the upper end moves": ["(low, max(high, batch.max().item()))"],
        "only the lower end moves": ["(min(low, batch.min().item()), high)"],
        "the largest size for the upper end": ["(min(low, batch.min()), max(high, batch.abs().max()))"],
        "the mean of the batch": ["(min(low, batch.mean()), max(high, batch.mean()))"],
        "the place for the value": ["(min(low, batch.argmin()), max(high, batch.argmax()))"],
        "the ends are added": ["(low + min(0, batch.min()), high + max(0, batch.max()))"],
        "only the first row": ["(min(low, batch[0].min()), max(high, batch[0].max()))"],
    },
    "moving_range": {
        "the rate belongs to the old range": ["(rate * low + (1 - rate) * least, rate * high + (1 - rate) * most)"],
        "the widest range": ["(min(low, least), max(high, most))"],
        "the batch alone": ["(least, most)"],
        "the range never shrinks": ["(min(low, low + rate * (least - low)), max(high, high + rate * (most - high)))"],
        "the new part is added": ["(low + rate * least, high + rate * most)"],
        "moved the wrong way": ["(low - rate * (least - low), high + rate * (high - most))"],
        "the rate is not used": ["((low + least) / 2, (high + most) / 2)"],
        "only the upper end moves": ["(low, high + rate * (most - high))"],
        "the upper end comes first": ["(high + rate * (most - high), low + rate * (least - low))"],
        "0.0 is kept in the range": ["(min(0, low + rate * (least - low)), max(0, high + rate * (most - high)))"],
        "the mean of the batch": ["(low + rate * (batch.mean() - low), high + rate * (batch.mean() - high))"],
    },
    "token_quantize": {
        "one scale for all tokens": ["x.abs().max() / q * torch.round(x / (x.abs().max() / q))"],
        "a scale for each column": [
            "x.abs().amax(0).clamp(min=1e-30) / q * torch.round(x / x.abs().amax(0) * q).nan_to_num()"
        ],
        "the axis is lost": [
            "x.abs().amax(1).clamp(min=1e-30) / q * torch.round(x / (x.abs().amax(1).clamp(min=1e-30) / q))"
        ],
        "a token of zeros becomes NaN": ["(size / q) * torch.round(x / (size / q))"],
        "the largest x, not the largest |x|": [
            "(x.amax(1, keepdim=True) / q) * torch.round(x / (x.amax(1, keepdim=True) / q))",
            "(x.amax(1, keepdim=True) / q) * torch.round(x / (x.amax(1, keepdim=True) / q)).clamp(-q, q)",
        ],
        "2^(b−1) steps": ["s * q / (q + 1) * torch.round(x / (s * q / (q + 1)))"],
        "2^b − 1 steps on one side": ["size / (2**bits - 1) * torch.round(x / (s * q / (2**bits - 1)))"],
        "2^b − 1 steps from −max|x| to max|x|": ["s * q / (q + 0.5) * torch.round(x / (s * q / (q + 0.5)))"],
        "always 8 bits": ["s * q / 127 * torch.round(x / (s * q / 127))"],
        "truncated, not rounded": ["s * torch.trunc(x / s)", "s * (x / s).int()"],
        "codes, not what they stand for": ["torch.round(x / s)"],
        "the scale of the first token": ["s[0] * torch.round(x / s[0])"],
    },
}

# What a learner has worked out before.
BEFORE = {
    "running_range": {"top": "max(-low, high, batch.abs().max().item())"},
    "moving_range": {"least": "batch.min().item()", "most": "batch.max().item()"},
    "token_quantize": {
        "q": "2 ** (bits - 1) - 1",
        "size": "x.abs().amax(1, keepdim=True)",
        "s": "(size / q).clamp(min=1e-30)",
    },
}

RIGHT = {
    "running_range": [
        "[min(low, batch.min().item()), max(high, batch.max().item())]",
        "(min(low, batch.min()), max(high, batch.max()))",
        "tuple(torch.cat([batch.flatten(), torch.tensor([low, high])]).aminmax())",
        "(min(low, *batch.flatten().tolist()), max(high, *batch.flatten().tolist()))",
    ],
    "moving_range": [
        "((1 - rate) * low + rate * batch.min(), (1 - rate) * high + rate * batch.max())",
        "[torch.lerp(torch.tensor(low), batch.min(), rate), torch.lerp(torch.tensor(high), batch.max(), rate)]",
    ],
    "token_quantize": [
        "s * torch.round(x / s)",
        "torch.where(size > 0, size / q * torch.round(x / size * q).nan_to_num(), 0.0)",
        "s * (x / s).round().clamp(-q, q)",
        "s * torch.floor(x / s + 0.5)",
        "torch.stack([row if not row.any() else torch.round(row / k) * k for row, k in zip(x, size / q)])",
    ],
}


@pytest.mark.parametrize(("name", "line"), [(name, line) for name, lines in RIGHT.items() for line in lines])
def test_what_is_right_in_another_way_is_right(name, line):
    from tests.helpers.lessons import learner

    assert getattr(its, name).check(learner(name, line)).status == "right"


def test_a_range_must_be_one():
    for value, said in [
        (1.0, "returned a float, not a pair of numbers"),
        ((1.0, 0.0), "returned a range from 1 down to 0"),
        ((0.0, float("nan")), "returned NaN or infinity"),
    ]:
        assert its.range_problem(value) == said
    assert its.range_problem((torch.tensor(0.0), 1)) == ""


RANGES = [
    ("forgets_what_was", [1.0], 0.0, 0.0, (1, 1)),
    ("averages_the_ends", [1.0], 0.0, 0.0, (0.5, 0.5)),
    ("shrinks", [1.0], 0.0, 0.0, (1, 0)),
    ("makes_it_symmetric", [1.0], 0.0, 0.0, (-1, 1)),
    ("swaps_the_ends", [1.0], 0.0, 0.0, (1, 0)),
    ("watches_the_upper_end", [-1.0], 0.0, 0.0, (0, 0)),
    ("watches_the_lower_end", [1.0], 0.0, 0.0, (0, 0)),
    ("takes_the_size", [-1.0], 0.0, 0.0, (-1, 1)),
    ("takes_the_mean", [1.0, 3.0], 0.0, 0.0, (0, 2)),
    ("takes_the_place", [1.0], 0.0, 0.0, (0, 0)),
    ("adds_the_ends", [2.0], 0.0, 1.0, (0, 3)),
    ("watches_the_first_row", [1.0, 3.0], 0.0, 0.0, (0, 1)),
]


@pytest.mark.parametrize(("name", "batch", "low", "high", "result"), RANGES)
def test_the_smallest_batch_that_shows_a_wrong_range(name, batch, low, high, result):
    assert getattr(bugs, name)(torch.tensor(batch), low, high) == result


MOVES = [
    ("keeps_the_rate", [1.0], 0.0, 0.0, (0.75, 0.75)),
    ("widens", [1.0], 0.0, 0.0, (0, 1)),
    ("follows_at_once", [1.0], 0.0, 0.0, (1, 1)),
    ("never_shrinks", [1.0], 0.0, 0.0, (0, 0.25)),
    ("adds_the_new", [0.0], 0.0, 1.0, (0, 1)),
    ("moves_away", [1.0], 0.0, 0.0, (-0.25, -0.25)),
    ("goes_half_the_way", [1.0], 0.0, 0.0, (0.5, 0.5)),
    ("moves_the_upper_end", [1.0], 0.0, 0.0, (0, 0.25)),
    ("swaps_the_moved", [0.0], 0.0, 1.0, (0.75, 0)),
    ("keeps_zero", [1.0], 0.0, 0.0, (0, 0.25)),
    ("moves_to_the_mean", [0.0, 4.0], 0.0, 4.0, (0.5, 3.5)),
]


@pytest.mark.parametrize(("name", "batch", "low", "high", "result"), MOVES)
def test_the_smallest_batch_that_shows_a_wrong_move(name, batch, low, high, result):
    assert getattr(bugs, name)(torch.tensor(batch), low, high, 0.25) == result


TOKENS_OF = [
    ("shares_the_scale_of_all", [[8], [1]], [[8], [8 / 7]]),
    ("scales_the_columns", [[4, 1]], [[4, 1]]),
    ("forgets_the_sign_of_tokens", [[-4, 1]], [[-4, 1]]),
    ("forgets_the_sign_of_tokens_and_clamps", [[-4, 1]], [[-1, 1]]),
    ("counts_one_code_too_many", [[4, 1]], [[4, 1]]),
    ("forgets_the_other_side", [[4, 1]], [[4, 16 / 15]]),
    ("has_no_code_for_zero", [[4, 1]], [[56 / 15, 16 / 15]]),
    ("ignores_the_bits", [[4, 1]], [[4, 128 / 127]]),
    ("truncates_the_tokens", [[7, 1.9]], [[7, 1]]),
    ("returns_the_codes", [[4, 1]], [[7, 2]]),
    ("takes_the_first_scale", [[8], [1]], [[8], [8 / 7]]),
]


@pytest.mark.parametrize(("name", "x", "result"), TOKENS_OF)
def test_the_smallest_tokens_that_show_a_wrong_quantizer(name, x, result):
    wrong = getattr(bugs, name)(torch.tensor(x).float(), 4)
    assert torch.allclose(wrong, torch.tensor(result).float(), atol=1e-5)
    assert not torch.allclose(wrong, its.token_quantize.reference(torch.tensor(x).float(), 4), atol=1e-3)


def test_an_axis_that_is_lost_makes_a_matrix_of_a_column_and_zeros_make_nan():
    assert bugs.drops_the_axis_of_tokens(torch.tensor([[8.0], [1.0]]), 2).tolist() == [[8, 8], [0, 1]]
    assert bugs.divides_by_a_token_of_zeros(torch.zeros(1, 1), 4).isnan().all()


def test_rates_and_steps_of_others_are_conventions():
    assert (
        "another convention: the rate belongs to the old range" in its.moving_range.check(bugs.keeps_the_rate).message
    )
    assert "another convention: a symmetric range" in its.running_range.check(bugs.makes_it_symmetric).message
    assert "another convention: 2^b" in its.token_quantize.check(bugs.has_no_code_for_zero).message
