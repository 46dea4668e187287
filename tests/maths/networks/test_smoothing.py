"""Smoothing leaves the product as it is, and shares the largest magnitudes out as alpha says."""

import math

import numpy
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from quantlib import choose_qparams, fake_quantize, sqnr_db
from quantlib.networks import smoothing_factors
from tests.helpers.strategies import DTYPES, LAYOUTS, errors, message

ALPHAS = st.floats(0.0, 1.0)


def pair(seed, rows=5, outputs=4, columns=6, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    widths = torch.logspace(-2, 2, columns, dtype=dtype)[torch.randperm(columns, generator=generator)]
    x = torch.randn(rows, columns, generator=generator, dtype=dtype) * widths
    return x, torch.randn(outputs, columns, generator=generator, dtype=dtype)


@given(seed=st.integers(0, 999), alpha=ALPHAS)
def test_the_product_stays(seed, alpha):
    x, w = pair(seed)
    s = smoothing_factors(x, w, alpha)
    torch.testing.assert_close((x / s) @ (w * s).T, x @ w.T)


@given(seed=st.integers(0, 999), alpha=ALPHAS)
def test_alpha_shares_the_difficulty(seed, alpha):
    x, w = pair(seed)
    s = smoothing_factors(x, w, alpha)
    both = x.abs().amax(0) * w.abs().amax(0)  # of a column; no factor changes it
    torch.testing.assert_close((x / s).abs().amax(0), both ** (1 - alpha))
    torch.testing.assert_close((w * s).abs().amax(0), both**alpha)


def test_one_half_makes_both_equal_zero_the_weights_and_one_the_inputs():
    x, w = pair(0)
    half, none, all_of_it = (smoothing_factors(x, w, alpha) for alpha in (0.5, 0.0, 1.0))
    torch.testing.assert_close((x / half).abs().amax(0), (w * half).abs().amax(0))
    torch.testing.assert_close((w * none).abs().amax(0), torch.ones(6).double())
    torch.testing.assert_close((x / all_of_it).abs().amax(0), torch.ones(6).double())
    assert torch.equal(smoothing_factors(x, w), half)


@pytest.mark.parametrize(
    ("x", "w", "alpha", "wanted"),
    [
        ([[4.0]], [[1.0]], 0.5, [2.0]),
        ([[1.0]], [[4.0]], 0.5, [0.5]),
        ([[4.0]], [[1.0]], 0.25, [math.sqrt(2)]),
        ([[1.0]], [[16.0]], 0.25, [0.125]),
        ([[-4.0], [2.0]], [[-1.0]], 0.5, [2.0]),
        ([[1.0, 1.0]], [[4.0, 1.0]], 0.5, [0.5, 1.0]),
    ],
)
def test_small_cases(x, w, alpha, wanted):
    assert smoothing_factors(torch.tensor(x), torch.tensor(w), alpha).tolist() == pytest.approx(wanted)


@pytest.mark.parametrize("alpha", [0, 0.0, 0.3, 1, 1.0])
def test_a_dead_column_is_left_alone(alpha):
    x, w = torch.tensor([[0.0, 3.0, 2.0]]), torch.tensor([[2.0, 0.0, 1.0]])
    assert smoothing_factors(x, w, alpha)[:2].tolist() == [1.0, 1.0]


def test_extremes_give_positive_finite_factors():
    x, w = torch.tensor([[1e38, 1e-38, 1e-38]]), torch.tensor([[1e-45, 1e38, 1.0]])
    for alpha in (0.0, 0.5, 1.0):
        s = smoothing_factors(x, w, alpha)
        assert s.isfinite().all() and (s > 0).all()


def test_axes_before_the_last_are_rows():
    x, w = pair(1, rows=12)
    assert torch.equal(smoothing_factors(x.reshape(3, 4, 6), w), smoothing_factors(x, w))
    assert torch.equal(smoothing_factors(x[0], w), smoothing_factors(x[:1], w))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layout_and_gradient_change_nothing(layout):
    x, w = pair(2)
    found = smoothing_factors(layout(x.clone()), layout(w.clone()) if layout(w).ndim == 2 else w)
    assert torch.equal(found, smoothing_factors(x, w)) and not found.requires_grad


@pytest.mark.parametrize("dtype", [*DTYPES, torch.float8_e4m3fn])
def test_the_dtype_is_that_of_the_arithmetic(dtype):
    x, w = pair(3)
    found = smoothing_factors(x.to(dtype), w.to(dtype))
    assert found.dtype == (torch.float64 if dtype == torch.float64 else torch.float32)
    torch.testing.assert_close(found.double(), smoothing_factors(x.to(dtype).double(), w.to(dtype).double()))


def test_what_programs_pass_is_taken():
    x, w = pair(4)
    assert torch.equal(smoothing_factors(x, w, numpy.float64(0.25)), smoothing_factors(x, w, 0.25))
    with torch.device("meta"):
        assert smoothing_factors(x, w).device == x.device


def test_eight_bits_gain_from_it_where_a_column_is_large():
    x, w = pair(5, rows=100, outputs=50, columns=32)

    def quantized(x, w):
        return fake_quantize(x, *choose_qparams(x)) @ fake_quantize(w, *choose_qparams(w, symmetric=True, axis=0)).T

    s = smoothing_factors(x, w)
    assert sqnr_db(x @ w.T, quantized(x / s, w * s)) > sqnr_db(x @ w.T, quantized(x, w)) + 3


X, W = torch.ones(2, 3), torch.ones(4, 3)


@errors(
    (
        "x and w must have the same number of columns, and w two axes, got shapes (2, 3) and (3, 4); x @ w.T must work",
        lambda: smoothing_factors(X, W.T),
    ),
    (
        "x and w must have the same number of columns, and w two axes, got shapes (2, 3) and (3,); x @ w.T must work",
        lambda: smoothing_factors(X, W[0]),
    ),
    *(
        (f"alpha must be from 0 to 1, got {bad!r}; use 0.5 to share the difficulty equally",
         lambda bad=bad: smoothing_factors(X, W, bad))
        for bad in (1.5, -1, math.nan, "1")
    ),
    ("columns need at least one row, got shape (0, 3); pass rows of values", lambda: smoothing_factors(X[:0], W)),
    ("columns need at least one row, got shape (0, 3); pass rows of values", lambda: smoothing_factors(X, W[:0])),
    ("columns need at least one row, got shape (); pass rows of values", lambda: smoothing_factors(X[0, 0], W)),
    (
        "columns need finite values, got NaN or infinity; remove them: torch.nan_to_num(x)",
        lambda: smoothing_factors(X * math.nan, W),
    ),
    (
        "columns need finite values, got NaN or infinity; remove them: torch.nan_to_num(x)",
        lambda: smoothing_factors(X, W * math.inf),
    ),
    ("x must hold floating-point numbers, got torch.int64; convert it: x.float()",
     lambda: smoothing_factors(X.long(), W)),
    ("x must be a torch tensor, got list; wrap it: torch.tensor(x)", lambda: smoothing_factors([[1.0]], W)),
)  # fmt: skip
def test_a_mistake_is_told_in_three_parts(text, call):
    assert message(call) == text
