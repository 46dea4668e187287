"""The percentile: exactly the order statistic on a tensor, and at most one bin beyond it on a histogram."""

import math
from fractions import Fraction

import numpy
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from quantlib import Histogram, choose_percentile, choose_qparams
from tests.helpers.strategies import LAYOUTS, SEED, errors, grids, message, tensors

PERCENTILES = st.sampled_from((0.5, 50.0, 90.0, 99.0, 99.9, 99.99, 100.0, 100, 37.5))


def quantile(values, part):
    """The smallest value that at least this part of the values do not exceed."""
    ordered = sorted(values)
    return ordered[math.ceil(Fraction(part) * len(ordered)) - 1]


def covering(low, high, like, options):
    ends = torch.tensor([low, high], dtype=torch.float64 if like.dtype == torch.float64 else torch.float32)
    return choose_qparams(ends, **options)


@given(tensors(min_side=1), grids(), PERCENTILES)
def test_the_range_ends_at_the_order_statistics(x, options, percentile):
    values = x.detach().double().flatten().tolist()
    part = Fraction(str(percentile)) / 100
    if options["symmetric"]:
        end = quantile([abs(v) for v in values], part)
        ends = (-end, end)
    else:
        part = (1 + part) / 2
        ends = (-quantile([-v for v in values], part), quantile(values, part))
    ends = max(ends[0], min(values)), min(ends[1], max(values))
    assert choose_percentile(x, **options, percentile=percentile) == covering(*ends, x, options)


def test_the_order_statistic_is_numpys_inverted_cdf():
    x = torch.randn(10_007, generator=torch.Generator().manual_seed(0))
    for percentile in (90.0, 99.0, 99.99):
        end = numpy.quantile(x.abs().numpy(), percentile / 100, method="inverted_cdf")
        qp = choose_percentile(x, percentile=percentile, symmetric=True)
        assert qp.scale.item() == pytest.approx(end / 127, rel=1e-6)


@given(tensors(min_side=1), PERCENTILES, st.sampled_from((4, 64, 4096)))
def test_a_histogram_reaches_at_most_one_bin_farther(x, percentile, bins):
    histogram = Histogram(bins).observe(x)
    for symmetric in (False, True):
        exact, binned = (choose_percentile(v, 16, percentile=percentile, symmetric=symmetric) for v in (x, histogram))
        steps = 2**15 - 1 if symmetric else 2**16 - 1
        sides = 1 if symmetric else 2
        if x.detach().abs().max() > 1e-30 and exact.scale != 1.0:
            beyond = (binned.scale.double() - exact.scale.double()) * steps
            slack = 1e-5 * histogram.width * bins
            assert -slack <= beyond <= sides * histogram.width + slack


def in_bins(positive, negative):
    """A histogram of one value in the middle of each of the first bins, which are 1 wide, on both sides of zero."""
    return Histogram(128).observe(torch.cat([torch.arange(positive) + 0.5, -0.5 - torch.arange(negative)]))


def test_an_end_is_the_outer_edge_of_the_bin_of_the_order_statistic():
    histogram = in_bins(100, 50)
    assert histogram.width == 1.0
    scale, zero_point, *_ = choose_percentile(histogram, percentile=80.0)  # rank 135 from either end
    assert scale.item() == pytest.approx(((135 - 50) + (135 - 100)) / 255)
    assert zero_point.item() == -128 + round(35 / scale.item())
    symmetric = choose_percentile(histogram, percentile=50.0, symmetric=True)  # of two values in each of 50 bins
    assert symmetric.scale.item() == pytest.approx(math.ceil(75 / 2) / 127)


@pytest.mark.parametrize(("beyond", "end"), [(2, 0.0), (3, 4.0)])
def test_an_end_is_zero_exactly_if_no_value_beyond_zero_is_asked_for(beyond, end):
    x = torch.tensor([1.0] * (100 - beyond) + [-4.0] * beyond)
    for sign in (1.0, -1.0):
        for observed in (sign * x, Histogram().observe(sign * x)):
            scale, zero_point, *_ = choose_percentile(observed, percentile=96.0)
            shift = end / scale.item()
            assert zero_point.item() == round(shift - 128 if sign > 0 else 127 - shift)
            assert scale.item() == pytest.approx((1.0 + end) / 255)


def test_without_options_a_value_in_ten_thousand_is_left_out_of_eight_signed_bits():
    x = torch.cat([torch.linspace(0.0, 1.0, 20_000), torch.tensor([1e6])])
    assert choose_percentile(x) == choose_percentile(x, 8, percentile=99.99, signed=True, symmetric=False, narrow=False)
    assert choose_percentile(x).scale.item() == pytest.approx(1 / 255, rel=1e-4)


@given(tensors(min_side=1), grids())
def test_a_hundred_percent_is_min_max(x, options):
    for observed in (x, Histogram().observe(x)):
        assert choose_percentile(observed, **options, percentile=100) == choose_qparams(x, **options)


@pytest.mark.parametrize(("percentile", "end"), [(99.9, 999.0), (99.8, 998.0), (99.91, 1000.0), (0.05, 1.0)])
def test_a_percentage_is_taken_as_it_is_written(percentile, end):
    # 99.9 / 100 * 1000 is 999.0000000000001 in floats, whose ceiling would be 1000
    x = torch.arange(1.0, 1001.0)
    assert choose_percentile(x, percentile=percentile, symmetric=True).scale.item() == pytest.approx(end / 127)


def test_both_ends_lose_half_of_the_rest():
    x = torch.arange(-500.0, 501.0)
    scale, zero_point, *_ = choose_percentile(x, percentile=80.0)
    assert scale.item() == pytest.approx((400 + 400) / 255) and zero_point.item() in (-1, 0)


def test_opposite_values_have_opposite_ranges():
    x = torch.randn(1000, generator=torch.Generator().manual_seed(0)) + 0.3
    for observe in (lambda v: v, lambda v: Histogram().observe(v)):
        one, other = (choose_percentile(observe(v), percentile=95.0) for v in (x, -x))
        assert one.scale == other.scale and abs(one.zero_point + other.zero_point + 1) <= 1


def test_zero_stays_in_a_range_far_from_it():
    for sign in (1.0, -1.0):
        x = sign * torch.linspace(1000.0, 1001.0, 100)
        for observed in (x, Histogram().observe(x)):
            qp = choose_percentile(observed, percentile=50.0)
            assert qp.zero_point.item() == (-128 if sign > 0 else 127)
            assert qp.scale.item() == pytest.approx(1000.75 / 255, rel=1e-3)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_layout_in_memory_changes_nothing(layout):
    assert choose_percentile(layout(SEED), percentile=70.0) == choose_percentile(SEED, percentile=70.0)


RULE = "a percentile must be a number above 0 and up to 100, got {}; 99.99 leaves out one value in ten thousand"


@errors(
    *((RULE.format(repr(p)), lambda p=p: choose_percentile(SEED, percentile=p)) for p in (0, -1.0, 100.1, "99", None)),
    (RULE.format("nan"), lambda: choose_percentile(SEED, percentile=math.nan)),
    ("bits must be an integer from 2 to 16, got 17; use 8 for int8, 4 for int4", lambda: choose_percentile(SEED, 17)),
    ("a range needs at least one value, got none; observe a batch first", lambda: choose_percentile(Histogram())),
    (
        "a range needs finite values, got NaN or infinity in x; remove them: torch.nan_to_num(x)",
        lambda: choose_percentile(torch.tensor([math.nan, 1.0])),
    ),
)
def test_what_has_no_percentile_is_told_in_full(text, call):
    assert message(call) == text
