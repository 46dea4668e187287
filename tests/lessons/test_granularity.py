"""Notebook 07: both explorers agree with quantlib, still pictures say what is so, right answers are right."""

import random
from functools import cache

import pytest
import torch

from quantlib import choose_qparams, fake_quantize, from_groups, mse, quantize, sqnr_db, to_groups
from quantlib.data import load_weight
from quantlib.data.silero import load_silero, speech_probability
from quantlib.data.speech import synthesize_speech
from quantlib.lessons.granularity import (
    draw_groups,
    draw_hearing,
    draw_row_spread,
    draw_suspects,
    draw_tiles,
    exercises,
    explore_groups,
    explore_hearing,
)
from quantlib.lessons.granularity.groups import BITS, POWERS, front, points
from quantlib.lessons.granularity.hearing import Heard, finding, shared
from tests.helpers.strategies import SEED as T

W = load_weight("ffn_down")
ROW = 99
NETWORK, (SOUND, SPOKEN) = load_silero(), synthesize_speech()
GIVEN = {"weights": NETWORK, "audio": SOUND, "spoken": SPOKEN}

# --- who shares a scale


def per_weight(bits, size):
    return bits + 16 * -(-1536 // size) / 1536


def readout_groups(k, b):
    """What the readout must contain for 2^k neighbours and b bits: cost, SQNR, and the zeros of row 99."""
    size, bits = 2 ** int(k), int(b)
    groups = to_groups(W, size)
    scale, _, _, top = choose_qparams(groups, bits, symmetric=True, axis=(0, 1))
    ruler = scale.half().float(), 0, -top, top
    w_hat = from_groups(fake_quantize(groups, *ruler), 1536)
    zeros = (from_groups(quantize(groups, *ruler), 1536)[ROW] == 0).sum().item()
    cost = f"{per_weight(bits, size):.4g} bits per weight give an SQNR of {sqnr_db(W, w_hat):.2f} dB. "
    return f"{cost}{zeros:,} of the 1,536 codes of row 99 are 0."


def my_group_scales(w, bits, size):
    padded = torch.nn.functional.pad(w, (0, -w.shape[1] % size))
    return padded.reshape(len(w), -1, size).abs().amax(dim=2) / (2 ** (bits - 1) - 1)


@pytest.fixture(scope="module")
def groups():
    return explore_groups(W, my_group_scales)


def test_groups_agree_with_quantlib_at_every_end(groups):
    for k in (POWERS[0], POWERS[-1]):
        for b in (BITS[0], BITS[-1]):
            text = groups.move(k=k, b=b)
            assert readout_groups(k, b) in text and f"k = {k} and b = {b}" in text


def test_groups_agree_with_quantlib_on_a_random_walk(groups):
    walk = random.Random(0)
    groups.move(k=5, b=4)
    for _ in range(6):
        name = walk.choice("kb")
        control = groups.controls[name]
        groups.move(**{name: min(max(control.value + walk.choice([-2, -1, 1, 2]), control.min), control.max)})
        assert readout_groups(*(groups.controls[n].value for n in "kb")) in groups.picture.alt


def test_blitting_groups_draws_what_a_full_redraw_draws():
    walked, fresh = explore_groups(T), explore_groups(T)
    for k, b in ((1, 8), (11, 2), (7, 4)):
        walked.move(k=k, b=b)
    assert walked.picture.png == fresh.picture.png


def tiles(explorer):
    """The sizes that the first panel shows as colours."""
    return 10 ** explorer.scene.panels[0].image.get_array().data


def test_the_tiles_are_those_of_the_learners_scales():
    def double(w, bits, size):
        return 2 * my_group_scales(w, bits, size)

    right, coarse = explore_groups(T), explore_groups(T, double)
    for explorer in (right, coarse):
        explorer.move(k=1)
    reach = 7 * my_group_scales(T, 4, 2).half().float().repeat_interleave(2, dim=1)[:, :3].numpy()
    assert tiles(right) == pytest.approx(reach, rel=1e-5) and tiles(coarse) == pytest.approx(2 * reach, rel=1e-5)
    assert coarse.compute(k=1, b=4).sqnr < right.compute(k=1, b=4).sqnr


def touch(explorer, panel, x, y):
    """Press on a panel at a point in the units of its axes; return the readout."""
    axes = explorer.scene.panels[panel].axes
    width, height = explorer.scene.figure.bbox.size
    at_x, at_y = axes.transData.transform((x, y))
    explorer.touched(at_x / width, at_y / height, True)
    return explorer.picture.alt


@pytest.mark.parametrize(("column", "k"), [(857, 1), (859, 2), (863, 3), (850, 4), (768, 7)])
@pytest.mark.parametrize("panel", [0, 1])
def test_the_group_of_the_largest_weight_can_be_dragged_to_a_column(groups, panel, column, k):
    groups.move(k=9, b=4)
    assert readout_groups(k, 4) in touch(groups, panel, column, ROW) and groups.controls["k"].value == k


def test_a_group_can_be_dragged_beyond_the_window(groups):
    touch(groups, 0, 800, ROW)
    groups.touched(-9.0, 0.7, False)
    assert groups.controls["k"].value == 10


def test_the_point_can_be_dragged_to_every_other(groups):
    at, db = points(W)
    for i, j in ((0, 3), (6, 2), (3, 9), (2, 4)):
        text = touch(groups, 2, at[i, j], db[i, j])
        assert (groups.controls["b"].value, groups.controls["k"].value) == (BITS[i], POWERS[j])
        assert readout_groups(POWERS[j], BITS[i]) in text


def test_groups_begin_with_a_scale_a_row():
    assert "a scale for each row, 384 in all" in explore_groups(W).picture.alt


def test_a_learners_count_of_bits_moves_the_point_sideways():
    explorer = explore_groups(T, bits_per_weight=lambda w, bits, size: bits)
    assert "4 bits per weight give" in explorer.picture.alt
    assert "14.67 bits per weight" in explore_groups(T).move(k=1)


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (torch.ones(3, 2), ""),
        (torch.ones(3, 1), "returned shape (3, 1), not (3, 2)"),
        (torch.full((3, 2), 1e-9), "returned scales that fp16 cannot hold"),
        (torch.full((3, 2), 1e5), "returned scales that fp16 cannot hold"),
        (-torch.ones(3, 2), "returned scales that fp16 cannot hold"),
        (None, "returned None: is a `return` missing?"),
    ],
)
def test_scales_must_fit_their_groups_and_fp16(value, problem):
    assert exercises.group_scales.usable(value, T, 4, 2) == problem


def test_a_point_off_the_plot_stays_at_its_edge_and_says_so():
    explorer = explore_groups(T, bits_per_weight=lambda w, bits, size: {4: 1, 5: 41}.get(bits, 6))
    plot = explorer.scene.panels[2]
    for b, at, text in ((4, 2.0, "1 bits, off the plot"), (5, 12.0, "41 bits, off the plot"), (6, 6.0, "6 bits")):
        explorer.move(b=b)
        assert plot._point.get_xdata() == [at] and plot._name.text == text


def test_quantlibs_scales_are_the_learners():
    for bits, size in ((4, 2), (8, 3), (2, 5)):
        assert torch.allclose(exercises.group_scales.reference(T, bits, size), my_group_scales(T, bits, size))


def test_every_point_of_the_plot_is_quantlibs():
    (at, db), walk = points(T), random.Random(1)
    for _ in range(20):
        i, j = walk.randrange(len(BITS)), walk.randrange(len(POWERS))
        bits, size = BITS[i], 2 ** POWERS[j]
        groups = to_groups(T, size)
        scale, _, _, top = choose_qparams(groups, bits, symmetric=True, axis=(0, 1))
        w_hat = fake_quantize(groups, scale.half().float(), 0, -top, top)
        assert db[i, j] == pytest.approx(sqnr_db(groups, w_hat), abs=1e-3)
        assert at[i, j] == pytest.approx(bits + 16 * -(-3 // size) / 3)


def test_no_point_beats_one_of_the_front_in_bits_and_decibels():
    all_at, all_db = points(T)
    for at, db in zip(*front(all_at, all_db), strict=True):
        assert not ((all_at <= at) & (all_db >= db) & ((all_at != at) | (all_db != db))).any()


def test_a_point_of_the_plot_says_what_it_costs_and_brings():
    alt = draw_groups(W, 32, 4).alt
    assert "4.5 bits per weight, 4 of them for codes, give 19.69 dB" in alt
    assert "8 bits with one scale for all weights give 8.06 dB" in alt


# --- what a quantized network still hears


def restored(w, bits, sharing):
    if sharing == 2:
        groups = to_groups(w.flatten(1), 32)
        w_hat = fake_quantize(groups, *choose_qparams(groups, bits, symmetric=True, axis=(0, 1)))
        return from_groups(w_hat, w[0].numel()).reshape(w.shape)
    return fake_quantize(w, *choose_qparams(w, bits, symmetric=True, axis={0: None, 1: 0}[sharing]))


@cache
def readout_hearing(b, g):
    """What the readout must contain: how many windows are called speech, and how many are decided as in float."""
    quantized = {name: restored(w, int(b), int(g)) if "weight" in name else w for name, w in NETWORK.items()}
    p, q = speech_probability(NETWORK, SOUND), speech_probability(quantized, SOUND)
    same = ((p > 0.5) == (q > 0.5)).sum()
    name = ("one scale a tensor", "one scale a channel", "one scale for 32 weights")[int(g)]
    says = f"speech in {(q > 0.5).sum()} of 264 windows with {int(b)} bits, {name}, and in 140 in float"
    return f"The network hears {says}. It decides as in float in {same} of 264 windows"


READOUTS = [readout_groups, readout_hearing]


@pytest.fixture(scope="module")
def hearing():
    return explore_hearing(NETWORK, SOUND, SPOKEN)


def test_hearing_agrees_with_quantlib_at_every_end(hearing):
    for b in (2, 12):
        for g in (0, 1, 2):
            assert readout_hearing(b, g) in hearing.move(b=b, g=g)


def test_who_shares_a_scale_is_chosen_by_name(hearing):
    options = [label for label, _ in hearing.controls["g"].options]
    assert options == ["a tensor", "a channel", "for 32 weights"]


def test_ten_bits_a_tensor_are_worth_four_bits_a_channel(hearing):
    same = {(b, g): hearing.compute(b=b, g=g).same for b, g in ((9, 0), (10, 0), (3, 1), (4, 1), (3, 2), (4, 2))}
    assert {place for place, count in same.items() if count > 250} == {(10, 0), (4, 1), (4, 2)}


def test_a_setting_is_worked_out_once(hearing, monkeypatch):
    first = hearing.move(b=5, g=1)
    hearing.move(b=5, g=0)
    monkeypatch.setattr("quantlib.lessons.granularity.hearing.speech_probability", lambda *a: 1 / 0)
    assert hearing.move(b=5, g=1) == first


def test_blitting_hearing_draws_what_a_full_redraw_draws(hearing):
    for b, g in ((2, 2), (4, 1), (8, 0)):
        hearing.move(b=b, g=g)
    assert hearing.picture.png == explore_hearing(NETWORK, SOUND, SPOKEN).picture.png


@pytest.mark.parametrize("sharing", [0, 1, 2])
def test_who_shares_a_scale_is_a_tensor_a_channel_or_a_group(sharing):
    for name in ("conv1.weight", "lstm.weight_hh", "output.weight"):
        assert torch.equal(shared(NETWORK[name], 4, sharing), restored(NETWORK[name], 4, sharing))


def test_what_is_never_heard_is_said_in_words():
    p, q = torch.tensor([0.9, 0.1]), torch.tensor([0.4, 0.1])
    assert finding(Heard("a", p, q)) == "it never hears speech"
    assert finding(Heard("a", p, p)) == "it decides as in float in 2 of 2 windows"


def test_a_picture_says_what_both_networks_hear():
    p = torch.full((264,), 0.2)
    q = torch.where(torch.arange(264) < 10, 0.9, 0.2)
    alt = draw_hearing(SOUND, SPOKEN, p, q, "a copy").alt
    assert "The network hears speech in 10 of 264 windows with a copy, and in 0 in float." in alt
    assert "It decides as in float in 254 of 264 windows; largest change of the probability 0.700." in alt


def test_the_suspects_are_compared_with_their_nearest():
    alt = draw_suspects({"a": (18.0, 250), "b": (17.5, 100), "c": (30.0, 264)}, 264).alt
    assert "b alone makes the network deaf; a has almost the same SQNR" in alt and "c 30.0 dB, 264 windows" in alt


# --- tilings


def test_tiles_say_the_scales_and_the_errors():
    alt = draw_tiles(T).alt
    for axis, name in ((None, "one scale"), (0, "one scale a row"), (1, "one scale a column")):
        error = mse(T, fake_quantize(T, *choose_qparams(T, symmetric=True, axis=axis)))
        assert f"{name}: s = " in alt and f"mean squared error {error:.2f}" in alt


def test_a_row_of_small_weights_starves_on_a_shared_scale():
    w = torch.linspace(-1, 1, 500).repeat(3, 1) * torch.tensor([[1.0], [0.1], [0.001]])
    alt = draw_row_spread(w).alt
    assert "one scale: from 48 dB for the largest row to 0 dB for the smallest" in alt
    assert "one scale a row: from 48 dB for the largest row to 48 dB for the smallest" in alt


# --- right answers, each written in another way


def rows_by_loops(w):
    return torch.tensor([[max(abs(v) for v in row) / 127] for row in w.tolist()])


def groups_by_chunks(w, bits, size):
    chunks = [w[:, k : k + size] for k in range(0, w.shape[1], size)]
    return torch.stack([chunk.abs().max(dim=1).values for chunk in chunks], dim=1) / (2 ** (bits - 1) - 1)


def bits_in_all(w, bits, size):
    scales = len(w) * len(range(0, w.shape[1], size))
    return torch.tensor((bits * w.numel() + 16 * scales) / w.numel())


RIGHT = {
    "row_scales": [
        rows_by_loops,
        lambda w: w.abs().max(dim=1, keepdim=True).values / 127,
        lambda w: torch.maximum(w.amax(1), -w.amin(1)).unsqueeze(1) / 127,
    ],
    "group_scales": [groups_by_chunks, my_group_scales],
    "bits_per_weight": [bits_in_all, lambda w, bits, size: bits + 16 * ((w.shape[1] + size - 1) // size) / w.shape[1]],
}


@pytest.mark.parametrize(("exercise", "f"), [(name, f) for name, fs in RIGHT.items() for f in fs])
def test_right_answers_are_right(exercise, f):
    verdict = getattr(exercises, exercise).check(f)
    assert verdict.status == "right", verdict


def test_a_pair_of_values_and_indices_is_called_so():
    rows = exercises.row_scales.check(lambda w: w.abs().max(dim=1, keepdim=True))
    groups = exercises.group_scales.check(lambda w, bits, size: to_groups(w, size).abs().max(dim=2))
    assert all("returned a pair of values and indices" in verdict.message for verdict in (rows, groups))


# What learners write, as they write it: by exercise and mistake, lines that return what comes of it. None is ours.
# A float is never cast to int8 beyond its range, which would be undefined; it goes through an integer, which keeps the
# lowest 8 bits.
WRITTEN = {
    "row_scales": {
        "the wrong axis": ["w.abs().amax(dim=0, keepdim=True) / 127", "w.abs().amax(dim=0) / 127"],
        "keepdim is forgotten": ["w.abs().amax(dim=1) / 127", "w.abs().max(dim=1).values / 127"],
        "the scales lie in a row": ["(w.abs().amax(1) / 127)[None]"],
        "one scale for the whole matrix": ["w.abs().max() / 127", "(w.abs().max() / 127).expand(len(w), 1)"],
        "a scale for every weight": ["torch.ones_like(w) * w.abs().amax(dim=1, keepdim=True) / 127"],
        "max where max|w| is meant": ["w.amax(dim=1, keepdim=True) / 127"],
        "|max| where max|w| is meant": ["abs(w.amax(dim=1, keepdim=True)) / 127"],
        "mean of |w| where the maximum is meant": ["w.abs().mean(dim=1, keepdim=True) / 127"],
        "not divided by 127": ["w.abs().amax(dim=1, keepdim=True)"],
        "max|w| / 255": ["w.abs().amax(dim=1, keepdim=True) / 255"],
        "max|w| / 128": ["w.abs().amax(dim=1, keepdim=True) / 128"],
        "max|w| / 127.5": ["2 * w.abs().amax(dim=1, keepdim=True) / 255"],
        "the min-max scale": ["(w.amax(1, True).clamp(min=0) - w.amin(1, True).clamp(max=0)) / 255"],
        "the smallest scale is too large": [
            "(w.abs().amax(dim=1, keepdim=True) / 127).clamp(min=1e-8)",
            "torch.clamp(w.abs().amax(dim=1, keepdim=True) / 127, min=torch.finfo(torch.float32).eps)",
            "w.abs().amax(dim=1, keepdim=True).clamp(min=1e-8) / 127",
            "w.abs().amax(dim=1, keepdim=True) / 127 + 1e-8",
        ],
        "the reciprocal of the scale": ["127 / w.abs().amax(dim=1, keepdim=True)"],
    },
    "group_scales": {
        "the ragged tail is dropped": [
            "torch.stack([c.abs().amax(1) for c in w.split(size, 1) if c.shape[1] == size], 1) / top"
            " if w.shape[1] >= size else w[:, :0]"
        ],
        "the tail joins the group before it": [
            "torch.stack([c.abs().amax(1) for c in"
            " w.tensor_split([size * k for k in range(1, w.shape[1] // size)], 1)], 1) / top"
        ],
        "the last group overlaps": ["torch.cat([g[:, :-1].abs().amax(2), w[:, -size:].abs().amax(1, True)], 1) / top"],
        "groups down the columns": [
            "torch.stack([c.abs().amax(0) for c in w.split(size, 0)]) / top",
            "torch.stack([c.abs().amax(0) for c in w.split(size, 0)], 1) / top",
        ],
        "groups across rows": ["torch.stack([c.abs().max() for c in w.flatten().split(size)]) / top"],
        "every so many-th weight, not neighbours": ["padded.reshape(len(w), size, -1).abs().amax(1) / top"],
        "size taken for the number of groups": ["torch.stack([c.abs().amax(1) for c in w.chunk(size, 1)], 1) / top"],
        "one scale a row": [
            "w.abs().amax(1, True) / top",
            "g.abs().amax((1, 2)).unsqueeze(1).expand(g.shape[:2]) / top",
        ],
        "an axis too many": ["g.abs().amax(dim=2, keepdim=True) / top"],
        "a scale for every weight": ["g.abs().amax(2, True).expand(g.shape).flatten(1)[:, : w.shape[1]] / top"],
        "max where max|w| is meant": ["g.amax(dim=2) / top"],
        "|max| where max|w| is meant": ["abs(g.amax(dim=2)) / top"],
        "mean of |w| where the maximum is meant": ["g.abs().mean(dim=2) / top"],
        "not divided by the largest code": ["g.abs().amax(dim=2)"],
        "bits is ignored": ["g.abs().amax(dim=2) / 127"],
        "the largest code of an unsigned grid": ["g.abs().amax(dim=2) / (2**bits - 1)"],
        "max|w| / 2^(bits-1)": ["g.abs().amax(dim=2) / 2 ** (bits - 1)"],
        "^ where ** is meant": ["g.abs().amax(dim=2) / (2 ^ (bits - 1) - 1)"],
        "the smallest scale is too large": [
            "(g.abs().amax(dim=2) / top).clamp(min=1e-8)",
            "torch.clamp(g.abs().amax(dim=2) / top, min=torch.finfo(w.dtype).eps)",
            "torch.clamp(g.abs().amax(dim=2) / top, min=1e-5)",
        ],
        "the reciprocal of the scale": ["top / g.abs().amax(dim=2)"],
    },
    "bits_per_weight": {
        "the scales are forgotten": ["bits"],
        "one scale for the whole matrix": ["bits + 16 / w.numel()"],
        "one scale a row": ["bits + 16 / w.shape[1]"],
        "a scale for every weight": ["bits + 16"],
        "the ragged group has no scale": ["bits + 16 * (w.shape[1] // size) / w.shape[1]"],
        "16 / size where rows are ragged": ["bits + 16 / size"],
        "groups across rows": ["bits + 16 * math.ceil(w.numel() / size) / w.numel()"],
        "the padding is stored too": ["(bits * size + 16) * groups / w.shape[1]"],
        "scales of 32 bits": ["bits + 32 * groups / w.shape[1]"],
        "a zero point for every group": ["bits + (16 + bits) * groups / w.shape[1]"],
        "bytes where bits are meant": ["bits + 2 * groups / w.shape[1]"],
        "the bits of a whole group": ["bits * size + 16"],
        "the bits of the whole matrix": ["bits * w.numel() + 16 * groups * len(w)"],
        "the codes are divided by size as well": ["(bits + 16) * groups / w.shape[1]"],
        "the share of a scale is upside down": ["bits + size / 16"],
    },
}

# What a learner has worked out before.
BEFORE = {
    "group_scales": {
        "padded": "torch.nn.functional.pad(w, (0, -w.shape[1] % size))",
        "g": "padded.reshape(len(w), -1, size)",
        "top": "2 ** (bits - 1) - 1",
    },
    "bits_per_weight": {"groups": "math.ceil(w.shape[1] / size)"},
}
