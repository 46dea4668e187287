"""Who shares a scale: the explorer of groups agrees with quantlib, and notebook 07's still pictures say what is so."""

import random

import pytest
import torch

from quantlib import choose_qparams, fake_quantize, from_groups, mse, quantize, sqnr_db, to_groups
from quantlib.data import load_weight
from quantlib.lab import checks, draw_groups, draw_row_spread, draw_tiles, explore_groups
from quantlib.lessons.granularity.groups import BITS, POWERS, Matrix, scales_of_groups, scales_problem
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
    verdict = checks.CHECKS[deed](f)
    assert verdict.status == "right", verdict
