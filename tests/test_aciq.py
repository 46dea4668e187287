"""Analytical clipping: against the authors' table, against numerical integration, and on data."""

import math

import numpy
import pytest
import torch
from hypothesis import given, settings
from scipy import integrate, optimize, stats
from strategies import LAYOUTS, SEED, errors, grids, message, tensors

from quantlib import Histogram, aciq_alpha, aciq_mse, choose_aciq, choose_mse, choose_qparams, fake_quantize, mse
from quantlib.aciq import _mean_and_spread

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
