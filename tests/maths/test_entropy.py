"""The divergence: against a loop that builds P and Q bin by bin, as NVIDIA's program does."""

import math

import numpy
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from quantlib import Histogram, choose_entropy, choose_qparams, entropy_curve
from tests.helpers.strategies import LAYOUTS, SEED, errors, grids, message, tensors

NORMAL = torch.from_numpy(stats.norm.ppf((numpy.arange(2**17) + 0.5) / 2**17))


def slow_divergences(counts, levels):
    """P and Q for every number of bins from `levels` on, written out; scipy scales them and compares."""
    bins = numpy.array(counts, dtype=float)
    bins[0] = bins[1]
    result = []
    for end in range(levels, len(bins) + 1):
        p = bins[:end].copy()
        p[-1] += bins[end:].sum()
        q = numpy.zeros(end)
        for level in range(levels):
            inside = [i for i in range(end) if i * levels // end == level and bins[i] > 0]
            if inside:
                q[inside] = bins[inside].sum() / len(inside)
        result.append(stats.entropy(p, q) if q.any() else math.inf)
    return result


def histogram_of(counts):
    """A histogram with these counts on the positive side, one value in the middle of a bin for each."""
    bins = 2 ** math.ceil(math.log2(max(len(counts), 2)))
    middles = torch.arange(len(counts)) + 0.5
    return Histogram(bins).observe(middles.repeat_interleave(torch.tensor(counts)))


@given(st.lists(st.integers(0, 30), min_size=33, max_size=64), st.sampled_from((2, 3, 4, 8, 16)))
def test_the_curve_is_that_of_the_loop(counts, levels):
    counts[-1] += 1
    _, divergences = entropy_curve(histogram_of(counts), levels)
    assert divergences.tolist() == pytest.approx(slow_divergences(counts, levels), rel=1e-9, abs=1e-12)


def test_on_a_gaussian_the_curve_is_that_of_the_loop():
    histogram = Histogram(256).observe(NORMAL)
    counts = sum(histogram.sides)
    filled = int(counts.nonzero().max()) + 1
    thresholds, divergences = entropy_curve(histogram, 64)
    assert divergences.tolist() == pytest.approx(slow_divergences(counts[:filled].tolist(), 64), rel=1e-9, abs=1e-12)
    assert thresholds[:-1].tolist() == [histogram.width * i for i in range(64, filled)]
    assert thresholds[-1].item() == NORMAL.abs().max().item()


def test_the_last_of_the_best_thresholds_is_taken():
    thresholds, divergences = entropy_curve(NORMAL)
    best = divergences == divergences.min()
    end = thresholds[best][-1].item()
    assert choose_entropy(NORMAL, symmetric=True).scale.item() == pytest.approx(end / 127)
    # All divergences are 0 here: as many bins as levels
    assert choose_entropy(torch.linspace(0.0, 1.0, 1000), 11).scale.item() == pytest.approx(1 / 2047)


def test_a_divergence_is_never_negative_and_zero_where_nothing_is_lost():
    _, divergences = entropy_curve(NORMAL)
    assert (divergences >= 0.0).all()
    thresholds, divergences = entropy_curve(histogram_of([5, 5, 7, 7, 2, 2, 9, 9]), 4)
    assert divergences[-1].item() == pytest.approx(0.0, abs=1e-12) and thresholds[-1].item() == 7.5


def test_a_threshold_at_an_empty_bin_is_impossible():
    _, divergences = entropy_curve(histogram_of([1, 1, 1, 0, 0, 1, 1, 1]), 2)
    assert divergences.isinf().tolist() == [False, False, True, True, False, False, False]
    _, divergences = entropy_curve(histogram_of([1, 1, 1, 0, 1]), 2)  # a single value beyond is enough
    assert divergences.isinf().tolist() == [False, False, True, False]


def test_one_outlier_is_clipped():
    x = torch.cat([NORMAL, torch.tensor([20.0])])
    assert choose_entropy(x, symmetric=True).scale.item() * 127 < 6.0


def test_zeros_behind_a_relu_do_not_decide():
    positive = NORMAL[NORMAL > 0]
    with_zeros = torch.cat([positive, torch.zeros(10 * len(positive))])
    one, other = (entropy_curve(Histogram().observe(x), 256) for x in (positive, with_zeros))
    assert torch.equal(one[1], other[1]) and torch.equal(one[0], other[0])


def last_best(x, levels):
    thresholds, divergences = entropy_curve(x, levels)
    return thresholds[divergences == divergences.min()][-1].item()


def test_values_on_one_side_use_all_codes_for_it():
    x = NORMAL.abs()
    assert last_best(x, 16) != pytest.approx(last_best(x, 8), rel=0.01)
    assert choose_entropy(x, 4).scale.item() == pytest.approx(last_best(x, 16) / 15)
    assert choose_entropy(x, 4, symmetric=True).scale.item() == pytest.approx(last_best(x, 8) / 7)
    assert choose_entropy(x).zero_point.item() == -128 and choose_entropy(-x).zero_point.item() == 127


@pytest.mark.parametrize("symmetric", [False, True])
def test_opposite_values_have_opposite_ranges(symmetric):
    for x in (NORMAL.abs(), torch.cat([NORMAL.abs(), torch.tensor([-1.0])])):
        one, other = (choose_entropy(v, 4, symmetric=symmetric) for v in (x, -x))
        assert one.scale == other.scale and one.zero_point + other.zero_point == (0 if symmetric else -1)


def test_without_options_there_are_eight_signed_bits_and_128_levels():
    assert choose_entropy(NORMAL) == choose_entropy(NORMAL, 8, signed=True, symmetric=False, narrow=False)
    for default, chosen in zip(entropy_curve(NORMAL), entropy_curve(NORMAL, 128), strict=True):
        assert torch.equal(default, chosen)


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
@pytest.mark.parametrize("count", [1, 2, 3, 9])
def test_thresholds_and_divergences_are_rows_of_float64(count, dtype):
    x = torch.arange(count, dtype=dtype)
    curve = entropy_curve(Histogram(16).observe(x), 3)
    assert all(row.dtype == torch.float64 and row.shape == curve[0].shape == (len(row),) for row in curve)


@pytest.mark.parametrize("counts", [[3, 5, 2, 7], [3, 0, 2, 7], [3, 5, 2]])
def test_no_more_filled_bins_than_levels_lose_nothing(counts):
    # Only the smallest values leave half of the bins empty: there is no finer width than 2^-1000.
    middles = (torch.arange(len(counts)).double() + 0.5).repeat_interleave(torch.tensor(counts))
    thresholds, divergences = entropy_curve(Histogram(16).observe(middles * 2.0**-1000), 4)
    assert thresholds.tolist() == [(len(counts) - 0.5) * 2.0**-1000] and divergences.tolist() == [0.0]


def test_counts_that_float32_cannot_hold_are_counted():
    histogram = histogram_of([1] * 8)
    histogram.counts[8:] = torch.tensor([2**25 + 1, 2**25 + 1, 1, 2, 1, 2**26 + 3, 2**27 + 9, 1])
    _, divergences = entropy_curve(histogram, 2)
    expected = slow_divergences(histogram.counts[8:].tolist(), 2)
    assert divergences.tolist() == pytest.approx(expected, rel=1e-11)


def test_a_free_zero_point_keeps_only_the_part_of_the_range_that_has_values():
    x = torch.cat([NORMAL[NORMAL > 0], torch.tensor([-0.1])])
    end = min(last_best(x, 128), x.max().item())
    assert choose_entropy(x).scale.item() == pytest.approx((end + 0.1) / 255)


@settings(max_examples=25)
@given(tensors(min_side=1), grids().filter(lambda options: options["bits"] <= 8))
def test_a_range_lies_within_min_max_and_contains_zero(x, options):
    qp, plain = choose_entropy(x, **options), choose_qparams(x, **options)
    assert qp.scale <= plain.scale and (qp.quant_min, qp.quant_max) == (plain.quant_min, plain.quant_max)
    assert qp.quant_min <= qp.zero_point <= qp.quant_max and qp.scale.dtype == plain.scale.dtype


@pytest.mark.parametrize("factor", [2.0, 2.0**-900, 2.0**900])
def test_a_power_of_two_times_the_values_gives_it_times_the_thresholds(factor):
    one, other = (entropy_curve(v) for v in (NORMAL, factor * NORMAL))
    assert torch.equal(factor * one[0], other[0]) and torch.equal(one[1], other[1])


@pytest.mark.parametrize("values", [[0.0], [1.0], [-2.0, 2.0]])
def test_few_filled_bins_are_covered(values):
    x = torch.tensor(values)
    assert choose_entropy(x, 4, symmetric=True).scale == choose_qparams(x, 4, symmetric=True).scale


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_layout_in_memory_changes_nothing(layout):
    x = NORMAL[::512].reshape(16, 16).float()
    assert choose_entropy(layout(x), 4) == choose_entropy(x, 4)


def test_the_histogram_stays_as_it_is():
    histogram = Histogram().observe(NORMAL)
    before = histogram.counts.clone()
    choose_entropy(histogram)
    assert torch.equal(histogram.counts, before)


RULE = (
    "the divergence needs from 2 to {} levels, half of the bins on a side, got {}; "
    "use fewer bits, or a Histogram with more bins"
)


@errors(
    *((RULE.format(2048, repr(n)), lambda n=n: entropy_curve(NORMAL, n)) for n in (1, 2049, 128.0, None)),
    (RULE.format(2048, 2**15), lambda: choose_entropy(NORMAL, 16)),
    (RULE.format(32, 128), lambda: choose_entropy(Histogram(64).observe(NORMAL))),
    ("bits must be an integer from 2 to 16, got 1; use 8 for int8, 4 for int4", lambda: choose_entropy(SEED, 1)),
    ("a range needs at least one value, got none; observe a batch first", lambda: entropy_curve(Histogram())),
)
def test_what_has_no_divergence_is_told_in_full(text, call):
    assert message(call) == text
