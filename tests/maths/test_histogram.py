"""The histogram: every value is in its bin, and neither order nor split of the data leaves a trace."""

import math
import pickle
import sys
from fractions import Fraction

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from quantlib import Histogram
from quantlib.calibration.histogram import TILE
from tests.helpers.strategies import DTYPES, LAYOUTS, errors, message, tensors

FINITE = "a histogram needs finite values, got NaN or infinity in x; remove them: torch.nan_to_num(x)"
EXTREMES = [0.0, -0.0, 5e-324, -5e-324, 1e-310, -1e-44, 2.0**-149, 1.0, -1.0, 1e6, 3e38, -1.7e308, sys.float_info.max]


def values():
    """Floats of every size, with the extremes among them."""
    every = st.floats(allow_nan=False, allow_infinity=False)
    return st.lists(st.sampled_from(EXTREMES) | every | st.floats(-10.0, 10.0), max_size=30)


def state(histogram):
    """Everything that a histogram holds."""
    return {**vars(histogram), "counts": histogram.counts.tolist()}


def of(*batches, bins=16):
    histogram = Histogram(bins)
    for batch in batches:
        histogram.observe(batch)
    return histogram


def doubles(numbers):
    return torch.tensor(numbers, dtype=torch.float64)


def signed_bin(value, exponent):
    """The definition, in exact arithmetic: i on the positive side, -i - 1 on the negative one."""
    i = math.floor(abs(Fraction(value)) / Fraction(2) ** exponent)
    return -i - 1 if value < 0 else i


# --- every value is in its bin


@given(values(), st.sampled_from((2, 16, 256)))
def test_every_value_is_counted_in_the_bin_of_the_definition(numbers, bins):
    histogram = of(doubles(numbers), bins=bins)
    expected = [0] * (2 * bins)
    for value in numbers:
        expected[bins + signed_bin(value, histogram.exponent)] += 1
    assert histogram.counts.tolist() == expected


@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), max_size=5), st.sampled_from((2, 4096)))
def test_every_float32_is_counted_in_the_bin_of_the_definition(numbers, bins):
    for shrunk in (numbers, [value * 2.0**-140 for value in numbers]):
        x = torch.tensor(shrunk, dtype=torch.float32)
        histogram = of(x, bins=bins)
        expected = [0] * (2 * bins)
        for value in x.tolist():
            expected[bins + signed_bin(value, histogram.exponent)] += 1
        assert histogram.counts.tolist() == expected


@given(tensors(), st.sampled_from((4, 4096)))
def test_every_dtype_and_layout_is_counted_in_the_bin_of_the_definition(x, bins):
    histogram = of(x, bins=bins)
    expected = torch.zeros(2 * bins, dtype=torch.int64)
    for value in x.detach().flatten().tolist():
        expected[bins + signed_bin(value, histogram.exponent)] += 1
    assert torch.equal(histogram.counts, expected)


@given(values())
def test_the_width_is_the_smallest_power_of_two_that_holds_the_values(numbers):
    histogram = of(doubles(numbers))
    largest = max((abs(Fraction(value)) for value in numbers), default=0)
    assert histogram.width == 2.0**histogram.exponent
    assert largest < 16 * Fraction(2) ** histogram.exponent
    assert histogram.exponent == -1000 or largest >= 8 * Fraction(2) ** histogram.exponent


@given(tensors())
def test_extremes_total_and_zeros_are_exact(x):
    histogram = of(x)
    flat = x.detach().double().flatten()
    low, high = (flat.min().item(), flat.max().item()) if flat.numel() else (0.0, 0.0)
    assert (histogram.low, histogram.high) == (min(low, 0.0), max(high, 0.0))
    assert histogram.total == flat.numel() and histogram.zeros == (flat == 0).sum()


def test_a_tiny_negative_value_beside_a_large_one_is_on_the_negative_side():
    for dtype, tiny in ((torch.float32, -1e-44), (torch.float64, -5e-324), (torch.bfloat16, -1e-38)):
        histogram = of(torch.tensor([tiny, 1e9], dtype=dtype))
        assert histogram.counts[15] == 1 and histogram.zeros == 0


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_largest_values_of_a_dtype_are_in_the_last_bins(dtype):
    largest = torch.finfo(dtype).max
    histogram = of(torch.tensor([-largest, largest, 0.0], dtype=dtype), bins=64)
    assert histogram.counts.nonzero().flatten().tolist() == [0, 64, 127]


def test_minus_zero_is_a_zero_on_the_positive_side():
    histogram = of(torch.tensor([-0.0, 0.0]))
    assert histogram.zeros == 2 and histogram.counts[16] == 2


def test_opposite_values_have_mirrored_counts():
    x = torch.randn(1000, generator=torch.Generator().manual_seed(0))
    assert torch.equal(of(x).counts, of(-x).counts.flip(0))
    positive, negative = of(x).sides
    assert torch.equal(torch.cat([negative.flip(0), positive]), of(x).counts)


def test_many_tiles_are_counted_as_torch_counts_the_positive_values():
    x = torch.rand(3 * TILE + 17, generator=torch.Generator().manual_seed(0)).double()
    histogram = of(x, bins=4096)
    assert histogram.width == 2.0**-12
    assert torch.equal(histogram.sides[0], torch.histc(x, 4096, 0.0, 1.0).long())


def test_the_edges_enclose_the_values():
    histogram = of(torch.tensor([-3.0, 7.5]), bins=4)
    assert histogram.edges.tolist() == [-8.0, -6.0, -4.0, -2.0, 0.0, 2.0, 4.0, 6.0, 8.0]
    assert histogram.counts.tolist() == [0, 0, 1, 0, 0, 0, 0, 1]


def test_edges_and_counts_are_exact_types():
    histogram = of(torch.tensor([1.0]))
    assert histogram.edges.dtype == torch.float64
    assert histogram.counts.dtype == Histogram().counts.dtype == torch.int64
    assert isinstance(histogram.total, int) and isinstance(histogram.zeros, int)


@pytest.mark.parametrize(("value", "zeros"), [(1.0, 0), (0.0, 2**24 + 3)])
def test_more_values_than_float32_can_count_are_counted(value, zeros):
    histogram = of(torch.tensor([value], dtype=torch.float16).expand(2**24 + 3))
    assert histogram.total == histogram.counts.max() == 2**24 + 3 and histogram.zeros == zeros


def test_zeros_leave_the_finest_bins():
    assert of(torch.zeros(3)).exponent == Histogram().exponent == -1000
    assert of(torch.zeros(3), torch.tensor([-0.75, 0.5])).width == of(torch.tensor([-0.75, 0.5])).width == 2.0**-4


def test_a_histogram_that_saw_nothing_is_empty():
    histogram = Histogram()
    assert histogram.counts.shape == (2 * 4096,) and histogram.bins == 4096
    assert [Histogram(bins).total for bins in (2, 2**20)] == [0, 0]
    assert (histogram.total, histogram.zeros, histogram.low, histogram.high) == (0, 0, 0.0, 0.0)
    assert histogram.dtype == torch.float32


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("exponent", [-128, -127, -126, -125, 125, 126, 127])
def test_the_narrowest_and_the_widest_bins_of_float32_hold_what_they_should(exponent, dtype):
    x = torch.tensor([1.75, -0.75, 0.25, -1.0]).double() * 2.0**exponent
    if dtype == torch.float16 or not x.to(dtype).isfinite().all():
        return
    histogram = of(x.to(dtype), bins=2)
    assert histogram.exponent == exponent and histogram.counts.tolist() == [1, 1, 1, 1]


def test_many_bins_hold_half_precision():
    x = torch.tensor([1.0, 60000.0, -60000.0, 2.0**-14], dtype=torch.float16)
    histogram = of(x, bins=2**18)  # a value in units of the width is no float16
    assert histogram.width == 0.25
    places = [2**18 + signed_bin(value, -2) for value in x.tolist()]
    assert histogram.counts.nonzero().flatten().tolist() == sorted(places)


def test_values_are_counted_where_they_are_whatever_the_default_device():
    x = torch.tensor([1.0, -3.0, 0.0])
    histogram = Histogram(16)
    with torch.device("meta"):
        histogram.observe(x)
    assert state(histogram) == state(of(x))


# --- neither order nor split leaves a trace


@given(values(), st.data())
def test_any_split_in_any_order_gives_the_same_histogram(numbers, data):
    whole = of(doubles(numbers))
    shuffled = data.draw(st.permutations(numbers))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(numbers)), max_size=4)))
    parts = [shuffled[a:b] for a, b in zip([0, *cuts], [*cuts, len(numbers)], strict=True)]
    assert state(of(*map(doubles, parts))) == state(whole) or not numbers
    merged = of(doubles(parts[0]))
    for part in parts[1:]:
        merged.merge(of(doubles(part)))
    assert state(merged) == state(whole) or not numbers


@given(values(), values(), values())
def test_merging_does_not_depend_on_the_order_nor_on_brackets(a, b, c):
    left = of(doubles(a)).merge(of(doubles(b))).merge(of(doubles(c)))
    right = of(doubles(c)).merge(of(doubles(b)).merge(of(doubles(a))))
    assert state(left) == state(right)


@given(values(), st.integers(0, 2100))
def test_a_wider_histogram_counts_as_one_that_saw_a_large_value(numbers, doublings):
    histogram = of(doubles(numbers))
    exponent = min(histogram.exponent + doublings, 1023)
    large = Histogram(16)
    large.exponent = exponent
    wide = of(doubles(numbers)).widen(exponent)
    assert state(wide) == state(histogram.merge(large)) and wide.exponent == exponent
    assert wide.total == len(numbers)


@given(values(), values())
def test_counts_add_up_once_histograms_are_as_wide_as_the_widest(a, b):
    one, other = of(doubles(a)), of(doubles(b))
    both = of(doubles(a)).merge(other).counts
    widest = max(one.exponent, other.exponent)
    assert torch.equal(one.widen(widest).counts + other.widen(widest).counts, both)


@given(tensors(min_side=1))
def test_a_dtype_without_loss_changes_only_the_dtype(x):
    exact = {**state(of(x.detach().double())), "dtype": None}
    assert {**state(of(x)), "dtype": None} == exact


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_layout_in_memory_changes_nothing(layout):
    x = torch.randn(6, 7, generator=torch.Generator().manual_seed(0))
    copies = 3 if layout(x).ndim == 3 else 1
    assert torch.equal(of(layout(x)).counts, copies * of(x).counts)


def test_a_merge_leaves_the_other_one_as_it_was():
    one, other = of(torch.tensor([100.0])), of(torch.tensor([1.0]))
    before = state(other)
    one.merge(other)
    assert state(other) == before and one.total == 2


def test_a_histogram_can_merge_with_itself():
    one = of(torch.tensor([1.0, 0.0]))
    assert one.merge(one).total == 4 and one.zeros == 2


def test_memory_does_not_grow_with_the_data_nor_with_its_range():
    histogram = of(torch.tensor([1e-300], dtype=torch.float64))
    before = len(pickle.dumps(histogram))
    for size in (1.0, 1e10, 1e200, 1e308):
        histogram.observe(torch.full((1000,), size, dtype=torch.float64))
    assert histogram.counts.shape == (32,) and abs(len(pickle.dumps(histogram)) - before) < 50


def test_a_float64_batch_is_remembered():
    x = torch.ones(3)
    assert of(x.half(), x.bfloat16(), x).dtype == torch.float32
    assert of(x, x.double()).dtype == of(x.double(), x).dtype == of(x).merge(of(x.double())).dtype == torch.float64


def test_a_pickled_histogram_comes_back_whole():
    histogram = of(torch.randn(1000, generator=torch.Generator().manual_seed(0)))
    assert state(pickle.loads(pickle.dumps(histogram))) == state(histogram)


def test_an_empty_batch_changes_nothing():
    histogram = of(torch.tensor([1.0]))
    before = state(histogram)
    assert state(histogram.observe(torch.ones(0, 3))) == before
    assert Histogram().observe(torch.ones(0)).total == 0


def test_observing_changes_neither_the_input_nor_its_gradient():
    x = torch.randn(100, generator=torch.Generator().manual_seed(0)).requires_grad_()
    before = x.detach().clone()
    of(x)
    assert torch.equal(x.detach(), before) and x.grad is None


# --- errors


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("dtype", DTYPES)
def test_nothing_changes_when_a_batch_cannot_be_observed(bad, dtype):
    histogram = of(torch.tensor([1.0, -2.0]))
    before = state(histogram)
    assert message(lambda: histogram.observe(torch.tensor([1e3, bad], dtype=dtype))) == FINITE
    assert state(histogram) == before


BINS_RULE = "bins must be a power of two from 2 to 1048576, got {}; use 4096"


@errors(
    *((BINS_RULE.format(repr(n)), lambda n=n: Histogram(n)) for n in (0, 1, -4, 3, 100, 2**21, 4.0, True, "4", None)),
    ("x must be a torch tensor, got list; wrap it: torch.tensor(x)", lambda: of([1.0])),
    ("x must hold floating-point numbers, got torch.int64; convert it: x.float()", lambda: of(torch.tensor([1]))),
    *(
        (
            f"bins of width 2^-3 can only become wider, up to 2^1023, got exponent {exponent!r}; "
            "take the largest exponent of all histograms",
            lambda exponent=exponent: of(torch.tensor([1.0])).widen(exponent),
        )
        for exponent in (-4, 1024, 1.0, None)
    ),
    (
        "a histogram of 16 bins merges with its like, got 32 bins; give both the same bins",
        lambda: of().merge(of(bins=32)),
    ),
    (
        "a histogram of 16 bins merges with its like, got Tensor; give both the same bins",
        lambda: of().merge(torch.ones(3)),
    ),
)
def test_what_cannot_be_counted_is_told_in_full(text, call):
    assert message(call) == text
