"""Who shares a scale: the explorer of groups agrees with quantlib, and notebook 07's still pictures say what is so."""

import random

import pytest
import torch

from quantlib import choose_qparams, fake_quantize, from_groups, mse, quantize, sqnr_db, to_groups
from quantlib.data import load_weight
from quantlib.lessons import all_exercises
from quantlib.lessons.granularity.groups import (
    BITS,
    POWERS,
    Matrix,
    draw_groups,
    explore_groups,
    scales_of_groups,
    scales_problem,
)
from quantlib.lessons.granularity.tilings import draw_row_spread, draw_tiles
from tests.helpers.strategies import SEED as T

W = load_weight("ffn_down")
ROW = 99


def per_weight(bits, size):
    return bits + 16 * -(-1536 // size) / 1536


def readout(k, b):
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
def explorer():
    return explore_groups(W, my_group_scales)


def test_readout_agrees_with_quantlib_at_every_end(explorer):
    for k in (POWERS[0], POWERS[-1]):
        for b in (BITS[0], BITS[-1]):
            text = explorer.move(k=k, b=b)
            assert readout(k, b) in text and f"k = {k} and b = {b}" in text


def test_readout_agrees_with_quantlib_on_a_random_walk(explorer):
    walk = random.Random(0)
    explorer.move(k=5, b=4)
    for _ in range(6):
        name = walk.choice("kb")
        control = explorer.controls[name]
        explorer.move(**{name: min(max(control.value + walk.choice([-2, -1, 1, 2]), control.min), control.max)})
        assert readout(*(explorer.controls[n].value for n in "kb")) in explorer.picture.alt


def test_blitting_draws_what_a_full_redraw_draws():
    walked, fresh = explore_groups(T), explore_groups(T)
    for k, b in ((1, 8), (11, 2), (7, 4)):
        walked.move(k=k, b=b)
    assert walked.picture.png == fresh.picture.png


def test_the_tiles_are_those_of_the_learners_scales():
    def double(w, bits, size):
        return 2 * my_group_scales(w, bits, size)

    right, coarse = explore_groups(T).compute(k=1, b=4), explore_groups(T, double).compute(k=1, b=4)
    assert coarse.reach == pytest.approx(2 * right.reach) and coarse.sqnr < right.sqnr


def test_a_learners_count_of_bits_moves_the_point_sideways():
    explorer = explore_groups(T, bits_per_weight=lambda w, bits, size: bits)
    assert "4 bits per weight give" in explorer.picture.alt
    assert "14.67 bits per weight" in explore_groups(T).move(k=1)


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (torch.ones(3, 2), ""),
        (torch.ones(3, 1), "it returned shape (3, 1), not (3, 2)"),
        (torch.full((3, 2), 1e-9), "it returned scales that fp16 cannot hold"),
        (torch.full((3, 2), 1e5), "it returned scales that fp16 cannot hold"),
        (-torch.ones(3, 2), "it returned scales that fp16 cannot hold"),
        (None, "it returned None: is a `return` missing?"),
    ],
)
def test_scales_must_fit_their_groups_and_fp16(value, problem):
    assert scales_problem(value, T, 2) == problem


def test_every_point_of_the_plot_is_quantlibs():
    matrix, walk = Matrix(T), random.Random(1)
    for _ in range(20):
        i, j = walk.randrange(len(BITS)), walk.randrange(len(POWERS))
        bits, size = BITS[i], 2 ** POWERS[j]
        groups = to_groups(T, size)
        scale, _, _, top = choose_qparams(groups, bits, symmetric=True, axis=(0, 1))
        w_hat = fake_quantize(groups, scale.half().float(), 0, -top, top)
        assert matrix.db[i, j] == pytest.approx(sqnr_db(groups, w_hat), abs=1e-3)
        assert matrix.at[i, j] == pytest.approx(bits + 16 * -(-3 // size) / 3)


def test_no_point_beats_one_of_the_front_in_bits_and_in_decibels():
    matrix = Matrix(T)
    for at, db in zip(*matrix.front(), strict=True):
        assert not ((matrix.at <= at) & (matrix.db >= db) & ((matrix.at != at) | (matrix.db != db))).any()


def test_quantlibs_scales_are_the_learners():
    for bits, size in ((4, 2), (8, 3), (2, 5)):
        assert torch.allclose(scales_of_groups(T, bits, size), my_group_scales(T, bits, size))


# --- the still pictures


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


def test_a_point_of_the_plot_says_what_it_costs_and_brings():
    alt = draw_groups(W, 32, 4).alt
    assert "4.5 bits per weight, 4 of them for codes, give 19.69 dB" in alt
    assert "8 bits with one scale for all weights give 8.06 dB" in alt


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


@pytest.mark.parametrize(("deed", "f"), [(deed, f) for deed, fs in RIGHT.items() for f in fs])
def test_right_answers_are_right(deed, f):
    verdict = all_exercises()[deed].check(f)
    assert verdict.status == "right", verdict


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
