"""Codebooks: against a search through all levels, exact densities, and bitsandbytes."""

import logging

import numpy
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from quantlib import from_groups, mse, sqnr_db, tiles, to_groups
from quantlib.formats import (
    NF4,
    dequantize_nf4,
    fake_quantize_levels,
    lloyd_max,
    lloyd_step,
    nearest,
    normal_float,
    quantize_nf4,
)
from tests.helpers.strategies import SEED, errors, message

FINITE = st.floats(-1e6, 1e6, width=32)
VALUES = arrays.arrays(numpy.float32, st.integers(0, 40), elements=FINITE).map(torch.from_numpy)
SOME = arrays.arrays(numpy.float32, st.integers(1, 40), elements=FINITE).map(torch.from_numpy)
LEVELS = st.lists(FINITE, min_size=1, max_size=50, unique=True).map(lambda v: torch.tensor(sorted(v)))


def bitsandbytes():
    logging.getLogger("bitsandbytes").setLevel(logging.CRITICAL)
    return pytest.importorskip("bitsandbytes.functional")


@given(VALUES, LEVELS)
def test_no_level_is_nearer_than_the_nearest(x, levels):
    codes = nearest(x, levels)
    assert codes.dtype == torch.uint8
    away = (x.double()[:, None] - levels.double()).abs()
    found = away.gather(1, codes.long()[:, None])[:, 0]
    size = x.double().abs() + levels.double().abs().max()
    assert (found - away.amin(1) <= 2.0**-22 * size).all()


@pytest.mark.parametrize("count", [1, 2, 16, 32, 33, 256])
def test_a_tie_goes_to_the_lower_level_whatever_the_number_of_levels(count):
    levels = torch.arange(count, dtype=torch.float32)
    x = torch.cat([levels, levels[:-1] + 0.5])
    assert nearest(x, levels).tolist() == [*range(count), *range(count - 1)]
    assert nearest(torch.tensor([-torch.inf, torch.inf]), levels).tolist() == [0, count - 1]


@given(SOME, LEVELS, st.integers(0, 5))
def test_a_step_never_raises_the_error_and_keeps_the_order(x, levels, steps):
    before, after = lloyd_max(x, levels, steps), lloyd_max(x, levels, steps + 1)
    assert (after.diff() >= 0).all() and after.dtype == levels.dtype
    old, new = (mse(x, fake_quantize_levels(x, some)) for some in (before, after))
    assert new <= old * (1 + 1e-5) + 1e-7 * float(x.abs().max()) ** 2


@given(SOME, LEVELS)
def test_a_step_takes_the_means_of_the_cells(x, levels):
    x, levels = x.double(), levels.double()
    codes, found = nearest(x, levels), lloyd_step(x, levels)
    for j, level in enumerate(levels):
        cell = x[codes == j]
        wanted = cell.mean() if len(cell) else level
        assert abs(found[j] - wanted) <= 1e-9 * (x.abs().sum() + 1)


def test_lloyd_stops_where_nothing_moves():
    x = torch.randn(1000, generator=torch.Generator().manual_seed(0))
    settled = lloyd_max(x, torch.linspace(-2, 2, 8), 10_000)
    assert torch.equal(lloyd_step(x, settled), settled)
    assert torch.equal(lloyd_max(x, settled, 0), settled)


@pytest.mark.parametrize(
    ("bits", "wanted"), [(4, 20.222), (3, 14.616), (2, 9.300)]
)  # dB, of the best levels for a normal density
def test_lloyd_max_finds_the_best_levels_of_a_normal_density(bits, wanted):
    x = torch.special.ndtri((torch.arange(2**17, dtype=torch.float64) + 0.5) / 2**17)
    levels = lloyd_max(x, torch.linspace(-2.5, 2.5, 2**bits, dtype=torch.float64))
    assert abs(sqnr_db(x, fake_quantize_levels(x, levels)) - wanted) < 0.01


def test_the_matrix_of_every_notebook_settles():
    levels = lloyd_max(SEED.flatten(), torch.tensor([-184.0, 120.0, 424.0, 728.6]))
    assert [round(v, 1) for v in levels.tolist()] == [-184.0, 26.2, 244.2, 706.6]


def test_nf4_is_the_table_of_bitsandbytes():
    assert (NF4 - bitsandbytes().get_4bit_type("nf4", device="cpu").data).abs().max() < 2e-7


def test_nf4_is_the_published_table():
    # of bitsandbytes 0.50.2, get_4bit_type("nf4")
    table = torch.tensor([
        -1.0, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453,
        -0.28444138169288635, -0.18477343022823334, -0.09105003625154495, 0.0,
        0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224,
        0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1.0,
    ])  # fmt: skip
    assert (NF4 - table).abs().max() < 2e-7
    assert NF4[7].item() == 0.0 and not NF4[7].signbit()


@pytest.mark.parametrize("bits", range(2, 9))
def test_normal_floats_are_quantiles(bits):
    levels = normal_float(bits)
    assert len(levels) == 2**bits and (levels.diff() > 0).all()
    assert levels[[0, -1]].tolist() == [-1.0, 1.0] and levels[2 ** (bits - 1) - 1] == 0


@pytest.mark.parametrize("size", [64, 128])
def test_nf4_bytes_are_those_of_bitsandbytes_but_for_near_ties(size):
    theirs = bitsandbytes()
    x = torch.randn(512, 1024, generator=torch.Generator().manual_seed(0))
    packed, state = theirs.quantize_4bit(x, quant_type="nf4", blocksize=size)
    codes, scale = quantize_nf4(x, size)
    assert torch.equal(state.absmax, scale.flatten())
    assert (packed.flatten() != codes.flatten()).sum() <= 2
    assert (
        theirs.dequantize_4bit(packed, state) - dequantize_nf4(packed.view(codes.shape), scale, 1024)
    ).abs().max() < 1e-6


@given(arrays.arrays(numpy.float32, st.tuples(st.integers(0, 3), st.integers(0, 70)), elements=FINITE), st.booleans())
def test_nf4_comes_back_as_its_blocks_say(values, half):
    x = torch.from_numpy(values)
    x = x.clamp(-6e4, 6e4).half() if half else x
    codes, scale = quantize_nf4(x, 32)
    assert codes.shape == (len(x), -(-x.shape[1] // 32), 16) and scale.shape[-1] == 1
    groups = to_groups(x.float(), 32)
    wanted = fake_quantize_levels(groups, NF4, torch.where(scale > 0, scale, 1.0))
    back = dequantize_nf4(codes, scale, x.shape[1])
    assert torch.allclose(
        back, from_groups(wanted, x.shape[1]), rtol=0.3, atol=float(scale.max() if scale.numel() else 0) * 1e-6
    )


def test_tiles_change_nothing(monkeypatch):
    x = torch.randn(9, 128, generator=torch.Generator().manual_seed(0))
    every = (lambda: nearest(x, NF4), lambda: fake_quantize_levels(x, NF4, 3.0), lambda: quantize_nf4(x)[0])
    wanted = [call() for call in every]
    monkeypatch.setattr(tiles, "LARGE", 8)
    monkeypatch.setattr(tiles, "TILE", 200)
    assert all(torch.equal(call(), w) for call, w in zip(every, wanted, strict=True))


X, THREE = torch.ones(4), torch.tensor([-1.0, 0.0, 1.0])


@errors(
    ("x must be a torch tensor, got list; wrap it: torch.tensor(x)", lambda: nearest([1.0], THREE)),
    (
        "x must not hold NaN, which is near to no level, got NaN; remove it: torch.nan_to_num(x)",
        lambda: nearest(X * torch.nan, THREE),
    ),
    ("levels are a row of floats, got list; use torch.tensor([-1.0, 0.0, 1.0])", lambda: nearest(X, [1.0])),
    (
        "levels are a row of floats, got torch.int64 of shape (4,); use torch.tensor([-1.0, 0.0, 1.0])",
        lambda: nearest(X, torch.arange(4)),
    ),
    (
        "levels are 1 to 256 finite values in ascending order, got [1.0, 0.0, -1.0]; sort them",
        lambda: lloyd_step(X, THREE.flip(0)),
    ),
    ("levels are 1 to 256 finite values in ascending order, got []; sort them", lambda: nearest(X, THREE[:0])),
    ("steps must be an integer from 0 on, got -1; use 1 for one step", lambda: lloyd_max(X, THREE, -1)),
    (
        "levels need finite values, got 0 values, or NaN or infinity; check x",
        lambda: lloyd_step(X[:0], THREE),
    ),
    (
        "levels need finite values, got 4 values, or NaN or infinity; check x",
        lambda: lloyd_step(X * torch.nan, THREE),
    ),
    ("bits must be an integer from 2 to 8, got 1; use 4 for NF4", lambda: normal_float(1)),
    (
        "the group size must be even, for two codes in a byte, got 3; 32 or 64 are common",
        lambda: quantize_nf4(X, 3),
    ),
    (
        "a block needs finite values, got NaN or infinity; remove them: torch.nan_to_num(x)",
        lambda: quantize_nf4(X * torch.inf),
    ),
)
def test_an_error_says_the_rule_what_came_and_what_to_do(text, call):
    assert message(call) == text
