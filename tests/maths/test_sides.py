"""What lies below a threshold: exact from a tensor, and from a histogram as if each bin were evenly filled."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from quantlib import Histogram, choose_qparams
from quantlib.calibration.sides import BinnedSide, SortedSide, cover, extent, sides_of, unit_of
from tests.helpers.strategies import errors, grids, message, tensors

NORMAL = torch.randn(2**16, generator=torch.Generator().manual_seed(0))


def direct(magnitudes, t):
    below = [m for m in magnitudes if m < t]
    return len(below), math.fsum(below), math.fsum(m * m for m in below)


def below(side, t):
    return [moment.item() for moment in side.below(torch.tensor([t], dtype=torch.float64))]


@given(st.lists(st.floats(0.001, 1.0), max_size=20), st.floats(0.0, 1.2))
def test_a_sorted_side_counts_and_sums_what_is_smaller(magnitudes, t):
    side = SortedSide(torch.tensor(magnitudes, dtype=torch.float64))
    assert below(side, t) == pytest.approx(direct(magnitudes, t), rel=1e-12, abs=1e-15)
    assert below(side, math.inf) == pytest.approx(direct(magnitudes, math.inf), rel=1e-12, abs=1e-15)


@given(st.lists(st.integers(0, 9), min_size=2, max_size=8), st.floats(0.0, 9.0))
def test_a_binned_side_integrates_an_even_density(counts, t):
    fine = 2000
    points = [(i + (j + 0.5) / fine, c / fine) for i, c in enumerate(counts) for j in range(fine)]
    expected = [math.fsum(c * m**power for m, c in points if m < t) for power in (0, 1, 2)]
    assert below(BinnedSide(torch.tensor(counts)), t) == pytest.approx(expected, rel=1e-3, abs=0.5)


def test_a_binned_side_is_exact_at_the_edges():
    side = BinnedSide(torch.tensor([2, 0, 3]))
    assert below(side, 1.0) == pytest.approx([2, 1, 2 / 3])
    assert below(side, 3.0) == below(side, math.inf) == pytest.approx([5, 1 + 7.5, 2 / 3 + 19.0])


def test_a_binned_side_is_exact_far_from_zero():
    counts = torch.zeros(4096, dtype=torch.int64)
    counts[-1] = 3
    side = BinnedSide(counts)
    assert below(side, 4095.0) == [0.0, 0.0, 0.0]
    assert below(side, 4095.25) == pytest.approx([0.75, 0.75 * 4095.125, 4095.25**3 - 4095.0**3], rel=1e-9)
    assert below(side, math.inf) == [3.0, 3 * 4095.5, 4096.0**3 - 4095.0**3]


@given(tensors(min_side=1))
def test_both_sides_hold_all_values_but_the_zeros(x):
    flat = x.detach().double().flatten()
    for observed in (x, Histogram().observe(x)):
        sides = sides_of(observed)
        assert sides.dtype == (torch.float64 if x.dtype == torch.float64 else torch.float32)
        assert below(sides.positive, math.inf)[0] == (flat > 0).sum()
        assert below(sides.negative, math.inf)[0] == (flat < 0).sum()
        assert sides.total == flat.numel() and (sides.low, sides.high) == (min(flat.min(), 0.0), max(flat.max(), 0.0))


def test_a_histogram_answers_nearly_as_the_tensor():
    exact, binned = sides_of(NORMAL), sides_of(Histogram().observe(NORMAL))
    for t in (0.01, 0.5, 1.7, 3.0):
        mine, other = (below(s.positive, t / s.unit) for s in (exact, binned))
        scaled = [[m * s.unit**k for k, m in enumerate(v)] for v, s in ((mine, exact), (other, binned))]
        assert scaled[0] == pytest.approx(scaled[1], rel=2e-3, abs=20.0)


def test_zeros_are_on_neither_side_but_in_the_total():
    x = torch.tensor([0.0, 2.0, -0.0, -1.0, 0.0])
    for observed in (x, Histogram(4).observe(x)):
        sides = sides_of(observed)
        assert [below(side, 1e-9)[0] for side in (sides.positive, sides.negative)] == pytest.approx([0, 0], abs=1e-6)
        assert [below(side, math.inf)[0] for side in (sides.positive, sides.negative)] == [1, 1] and sides.total == 5


@pytest.mark.parametrize("value", [0.25, 1.0, 3.0, -0.25, -1.0, -3.0, 0.0])
def test_one_value_has_an_extent_that_contains_zero(value):
    for x in (torch.tensor([value]), torch.tensor(value)):
        for observed in (x, Histogram().observe(x)):
            assert extent(observed) == (min(value, 0.0), max(value, 0.0), torch.float32)


@pytest.mark.parametrize(
    ("largest", "unit"),
    [(0.75, 1.0), (1.0, 2.0), (3.0, 4.0), (1.7e308, 2.0**1023), (2.0**-999, 2.0**-998), (5e-324, 2.0**-1000)],
)
def test_the_unit_is_the_power_of_two_above_the_largest_magnitude_where_there_is_one(largest, unit):
    for sign in (1.0, -1.0):
        assert unit_of(sign * torch.tensor([largest, -largest / 4], dtype=torch.float64)) == unit


@pytest.mark.parametrize("largest", [5e-324, 1e-300, 1.0, 1e300, 1.7e308])
def test_no_square_overflows(largest):
    x = torch.tensor([largest, -largest / 2], dtype=torch.float64)
    assert unit_of(x) / 2 <= largest or largest < 1e-300
    assert all(math.isfinite(moment) for moment in below(sides_of(x).positive, math.inf))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@given(options=grids())
def test_a_cover_is_cut_to_the_values_and_contains_zero(dtype, options):
    x = torch.tensor([-1.5, 2.5], dtype=dtype)
    for ends, cut in (((-1.0, 2.0), (-1.0, 2.0)), ((-9.0, 9.0), (-1.5, 2.5)), ((1.0, 2.0), (0.0, 2.0))):
        expected = choose_qparams(torch.tensor(cut, dtype=dtype), **options)
        found = cover(x, *ends, **options)
        assert found == expected and found.scale.dtype == dtype


EMPTY = "a range needs at least one value, got {}"
FINITE = "a range needs finite values, got NaN or infinity in x; remove them: torch.nan_to_num(x)"


@errors(
    (EMPTY.format("none; observe a batch first"), lambda: extent(Histogram())),
    (EMPTY.format("shape (0,); pass a tensor with values"), lambda: extent(torch.ones(0))),
    *((FINITE, lambda v=v: sides_of(torch.tensor([1.0, v]))) for v in (math.nan, math.inf, -math.inf)),
    ("x must be a torch tensor, got list; wrap it: torch.tensor(x)", lambda: sides_of([1.0])),
    ("x must hold floating-point numbers, got torch.int64; convert it: x.float()", lambda: extent(torch.tensor([1]))),
)
def test_what_has_no_range_is_told_in_full(text, call):
    assert message(call) == text
