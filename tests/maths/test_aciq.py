"""Analytical clipping: against the authors' table, against numerical integration, and on data."""

import math

import numpy
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import integrate, optimize, stats

from quantlib import Histogram, aciq_alpha, aciq_mse, choose_aciq, choose_mse, choose_qparams, fake_quantize, mse
from quantlib.calibration.aciq import _mean_and_spread
from tests.helpers.strategies import LAYOUTS, SEED, errors, grids, message, tensors

DISTRIBUTIONS = {"gaussian": stats.norm, "laplace": stats.laplace}

# The coefficients in the authors' program for 2 to 8 bits, github.com/submission2019/cnn-quantization.
TABLE = {
    "gaussian": [1.71063519, 2.15159277, 2.55913646, 2.93620062, 3.28691474, 3.6151146, 3.92403714],
    "laplace": [2.83068299, 3.89722946, 5.02864014, 6.20476633, 7.41312622, 8.64561995, 9.89675982],
}


def quantiles(distribution, count=2**17):
    return torch.from_numpy(DISTRIBUTIONS[distribution].ppf((numpy.arange(count) + 0.5) / count))


@pytest.mark.parametrize("distribution", TABLE)
def test_alpha_is_the_authors(distribution):
    assert [aciq_alpha(bits, distribution) for bits in range(2, 9)] == pytest.approx(TABLE[distribution], rel=1e-6)


@pytest.mark.parametrize("bits", [2, 5, 8, 12, 16])
@pytest.mark.parametrize("distribution", TABLE)
def test_alpha_is_where_the_model_is_smallest(bits, distribution):
    found = optimize.minimize_scalar(lambda a: aciq_mse(a, bits, distribution), bounds=(0.5, 30.0), method="bounded")
    assert aciq_alpha(bits, distribution) == pytest.approx(found.x, rel=1e-4)


@pytest.mark.parametrize("alpha", [0.0, 0.7, 2.5, 6.0])
@pytest.mark.parametrize("bits", [2, 4, 8])
@pytest.mark.parametrize("distribution", TABLE)
def test_the_model_is_the_integral_of_clipping_plus_the_rounding_of_a_step(distribution, bits, alpha):
    density = DISTRIBUTIONS[distribution].pdf
    clipping = 2 * integrate.quad(lambda v: (v - alpha) ** 2 * density(v), alpha, math.inf)[0]
    step = 2 * alpha / 2**bits
    assert aciq_mse(alpha, bits, distribution) == pytest.approx(clipping + step**2 / 12, rel=1e-7)


def test_at_four_bits_the_model_is_a_little_too_hopeful():
    x = quantiles("gaussian")
    assert aciq_mse(aciq_alpha(4), 4) == pytest.approx(0.01049, abs=1e-5)
    truth = mse(x, fake_quantize(x, *choose_aciq(x, 4, symmetric=True)))
    assert truth > 0.0115 and truth < 1.1 * mse(x, fake_quantize(x, *choose_mse(x, 4, symmetric=True)))


# --- on data


@pytest.mark.parametrize("binned", [False, True])
@pytest.mark.parametrize("bits", [2, 4, 8])
@pytest.mark.parametrize("distribution", TABLE)
def test_the_range_is_the_mean_and_alpha_spreads(distribution, bits, binned):
    x = quantiles(distribution)
    spread = x.std(correction=0) if distribution == "gaussian" else x.abs().mean()
    for mean in (0.0, 0.5, -0.5):
        moved = 3.0 * (x + mean)
        observed = Histogram().observe(moved) if binned else moved
        reach = aciq_alpha(bits, distribution) * spread.item()
        qp = choose_aciq(observed, bits, distribution=distribution)
        assert qp.scale.item() == pytest.approx(3.0 * 2 * reach / (2**bits - 1), rel=1e-4)
        assert qp.zero_point.item() == pytest.approx(qp.quant_min - 3.0 * (mean - reach) / qp.scale.item(), abs=0.51)
        symmetric = choose_aciq(observed, bits, distribution=distribution, symmetric=True)
        assert symmetric.scale.item() == pytest.approx(3.0 * (reach + abs(mean)) / (2 ** (bits - 1) - 1), rel=1e-4)


@pytest.mark.parametrize("distribution", TABLE)
@settings(max_examples=25)
@given(tensors(min_side=1))
def test_a_histogram_knows_mean_and_spread_to_within_a_bin(distribution, x):
    histogram = Histogram(64).observe(x)
    values = x.detach().double().flatten()
    away = values - values.mean()
    spread = away.square().mean().sqrt() if distribution == "gaussian" else away.abs().mean()
    found = _mean_and_spread(histogram, distribution)
    assert abs(found[0] - values.mean().item()) <= histogram.width * (1 + 1e-9)
    assert abs(found[1] - spread.item()) <= histogram.width * (1 + 1e-9)


def in_bins(counts, zeros, bins):
    """A histogram of so many values in each bin, which is 1 wide; and, spread evenly over it, values with weights."""
    fine = (torch.arange(1000, dtype=torch.float64) + 0.5) / 1000
    middles = torch.cat([torch.full((n,), i + 0.5) for i, n in counts.items()])
    values = torch.cat([torch.zeros(1), *(i + fine for i in counts)])
    weights = torch.cat([torch.full((1,), 1000.0 * zeros), *(torch.full((1000,), float(n)) for n in counts.values())])
    return Histogram(bins).observe(torch.cat([middles, torch.zeros(zeros)])), values, weights.double()


@pytest.mark.parametrize("distribution", TABLE)
@given(
    st.lists(st.integers(0, 9), min_size=2, max_size=6),
    st.integers(0, 9),
    st.integers(0, 30),
    st.sampled_from(((8, 0), (4096, 4000))),
)
@example([8, 1], 3, 5, (8, 0))  # their means lie within the first bin of a side
@example([3, 1], 9, 5, (8, 0))
def test_the_values_of_a_bin_are_taken_as_spread_evenly_over_it(distribution, counts, left, zeros, place):
    bins, start = place
    counts = {**dict(enumerate(counts, start)), -1: left, bins - 1: 1}  # bin -1 is the first one on the negative side
    histogram, values, weights = in_bins(counts, zeros, bins)
    assert histogram.width == 1.0
    mean = weights @ values / weights.sum()
    away = (values - mean).square() if distribution == "gaussian" else (values - mean).abs()
    spread = weights @ away / weights.sum()
    expected = mean.item(), spread.sqrt().item() if distribution == "gaussian" else spread.item()
    assert _mean_and_spread(histogram, distribution) == pytest.approx(expected, rel=1e-5)


def test_a_bin_far_from_zero_is_parted_exactly_at_the_mean():
    histogram = Histogram(4096).observe(torch.tensor([3000.5, 3000.5, 3001.5]))
    mean, spread = _mean_and_spread(histogram, "laplace")
    assert histogram.width == 1.0 and mean == pytest.approx(3000 + 5 / 6, rel=1e-12)
    # Two thirds lie evenly in [3000, 3001], parted at 5/6, and one third beyond.
    assert spread == pytest.approx(2 / 3 * (25 / 36 + 1 / 36) / 2 + 1 / 3 * (3 / 2 - 5 / 6), rel=1e-8)


@pytest.mark.parametrize("distribution", TABLE)
def test_a_small_spread_far_from_zero_is_not_lost(distribution):
    x = 1e9 + torch.tensor([-1.0, 1.0], dtype=torch.float64)  # the squares differ in their last places only
    assert _mean_and_spread(x, distribution) == (1e9, 1.0)


@pytest.mark.parametrize(("distribution", "part"), [("gaussian", 1 / math.sqrt(12)), ("laplace", 1 / 4)])
@pytest.mark.parametrize("value", [5.0, -5.0, 96.0])
def test_one_filled_bin_has_the_spread_of_an_even_density(distribution, part, value):
    histogram = Histogram(64).observe(torch.full((3,), value))
    mean, spread = _mean_and_spread(histogram, distribution)
    assert mean == pytest.approx(value + math.copysign(histogram.width / 2, value))
    assert spread == pytest.approx(part * histogram.width)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_symmetric_range_reaches_as_far_on_both_sides_as_it_must_on_one(sign):
    x = sign * torch.tensor([1.0] * 98 + [-10.0] * 2)  # the mean is on the side that ends first
    mean, spread = _mean_and_spread(x, "gaussian")
    assert choose_aciq(x, 4, symmetric=True).scale.item() == pytest.approx((abs(mean) + aciq_alpha(4) * spread) / 7)


def test_without_options_there_are_eight_signed_bits_and_a_gaussian():
    x = quantiles("gaussian", 1000)
    assert aciq_alpha() == aciq_alpha(8, "gaussian") and aciq_mse(2.0) == aciq_mse(2.0, 8, "gaussian")
    options = {"distribution": "gaussian", "signed": True, "symmetric": False, "narrow": False}
    assert choose_aciq(x) == choose_aciq(x, 8, **options)


@settings(max_examples=25)
@given(tensors(min_side=1), grids())
def test_a_range_lies_within_min_max_and_contains_zero(x, options):
    for distribution in TABLE:
        qp, plain = choose_aciq(x, **options, distribution=distribution), choose_qparams(x, **options)
        assert qp.scale <= plain.scale and (qp.quant_min, qp.quant_max) == (plain.quant_min, plain.quant_max)
        assert qp.quant_min <= qp.zero_point <= qp.quant_max and qp.scale.dtype == plain.scale.dtype


@pytest.mark.parametrize("size", [1e-300, 1e300])
def test_no_square_overflows(size):
    x = size * quantiles("gaussian", 1000)
    for observed in (x, Histogram().observe(x)):
        assert choose_aciq(observed, 4, symmetric=True).scale.item() / size == pytest.approx(2.559 / 7, rel=0.01)


def test_a_range_of_zero_has_scale_one():
    for observed in (torch.zeros(3), Histogram().observe(torch.zeros(3))):
        for distribution in TABLE:
            assert choose_aciq(observed, distribution=distribution).scale.item() == 1.0


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_layout_in_memory_changes_nothing(layout):
    x = quantiles("laplace", 64).reshape(8, 8).float()
    assert choose_aciq(layout(x), 4).scale.item() == pytest.approx(choose_aciq(x, 4).scale.item(), rel=1e-6)


NAMES = 'distribution must be "gaussian" or "laplace", got {}; choose one of them'
ALPHA = "alpha must be a finite number of at least 0, got {}; it is in units of the spread"
BITS = "bits must be an integer from 2 to 16, got 1; use 8 for int8, 4 for int4"


@errors(
    *(
        (NAMES.format("'normal'"), lambda f=f: f(distribution="normal"))
        for f in (aciq_alpha, lambda **k: aciq_mse(1, **k))
    ),
    (NAMES.format("None"), lambda: choose_aciq(SEED, distribution=None)),
    *((ALPHA.format(repr(a)), lambda a=a: aciq_mse(a)) for a in (-1.0, math.nan, math.inf, "1")),
    *((BITS, call) for call in (lambda: aciq_alpha(1), lambda: aciq_mse(1.0, 1), lambda: choose_aciq(SEED, 1))),
    ("a range needs at least one value, got none; observe a batch first", lambda: choose_aciq(Histogram())),
    (
        "a range needs at least one value, got shape (0,); pass a tensor with values",
        lambda: choose_aciq(torch.ones(0)),
    ),
)
def test_what_has_no_analytical_clip_is_told_in_full(text, call):
    assert message(call) == text
