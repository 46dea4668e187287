"""A Hadamard matrix is known by its properties, and a rotation of both sides changes no product."""

import numpy
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import linalg

from quantlib.networks import hadamard, random_signs, rotate
from tests.helpers.strategies import DTYPES, LAYOUTS, errors, message

ORDERS = [2**k for k in range(10)]


@pytest.mark.parametrize("n", ORDERS)
def test_it_is_orthogonal_symmetric_and_of_one_magnitude(n):
    h = hadamard(n)
    assert h.shape == (n, n) and h.dtype == torch.float32
    torch.testing.assert_close(h.abs(), torch.full((n, n), n**-0.5))
    torch.testing.assert_close(h @ h, torch.eye(n), atol=1e-6, rtol=0)
    assert torch.equal(h, h.T) and (h[0] > 0).all()


@pytest.mark.parametrize("n", ORDERS)
def test_its_signs_are_those_of_scipy(n):
    assert numpy.array_equal(hadamard(n).sign().numpy(), linalg.hadamard(n))


def test_an_integer_of_numpy_is_taken():
    assert torch.equal(hadamard(numpy.int8(64)), hadamard(64))


def test_one_large_value_is_spread_evenly():
    x = torch.zeros(128)
    x[37] = 28.0
    torch.testing.assert_close(rotate(x, hadamard(128)).abs(), torch.full((128,), 28 / 128**0.5))


@pytest.mark.parametrize("stage", range(1, 8))
def test_each_stage_makes_one_large_value_smaller_by_the_root_of_two(stage):
    x = torch.eye(128)[:1]
    assert rotate(x, hadamard(2**stage)).abs().max().item() == pytest.approx(2 ** (-stage / 2))


@given(seed=st.integers(0, 999), order=st.sampled_from([1, 2, 4, 8]), blocks=st.integers(1, 3))
def test_a_rotation_of_both_sides_changes_no_product_and_can_be_undone(seed, order, blocks):
    generator = torch.Generator().manual_seed(seed)
    n = order * blocks
    x, w = (torch.randn(k, n, generator=generator, dtype=torch.float64) for k in (3, 2))
    signs = random_signs(n, generator)
    turned_x, turned_w = (rotate(each * signs, hadamard(order)) for each in (x, w))
    torch.testing.assert_close(turned_x @ turned_w.T, x @ w.T, atol=1e-5, rtol=0)
    torch.testing.assert_close(rotate(turned_x, hadamard(order).T) * signs, x, atol=1e-6, rtol=0)
    torch.testing.assert_close(turned_x.norm(dim=1), x.norm(dim=1), atol=1e-5, rtol=0)


def test_a_block_knows_nothing_of_the_others():
    x, r = torch.randn(5, 12, generator=torch.Generator().manual_seed(0)), torch.tensor([[0.0, 2.0], [1.0, 0.0]])
    wanted = x @ torch.block_diag(*[r] * 6)
    torch.testing.assert_close(rotate(x, r), wanted)
    torch.testing.assert_close(rotate(x.reshape(5, 1, 12), r), wanted.reshape(5, 1, 12))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_layout_in_memory_changes_nothing(layout):
    x = layout(torch.randn(4, 8, generator=torch.Generator().manual_seed(0)))
    before = x.detach().clone()
    torch.testing.assert_close(rotate(x, hadamard(4)).detach(), rotate(x.detach().contiguous(), hadamard(4)))
    assert torch.equal(x.detach(), before)


@pytest.mark.parametrize("dtype", [*DTYPES, torch.float8_e4m3fn])
def test_a_narrow_dtype_is_computed_in_float32(dtype):
    x = torch.randn(4, 8, generator=torch.Generator().manual_seed(0)).to(dtype)
    wide = rotate(x if dtype == torch.float64 else x.float(), hadamard(8))
    found = rotate(x, hadamard(8))
    assert found.dtype == dtype and torch.equal(found.float(), wide.to(dtype).float())


def test_the_gradient_is_rotated_back():
    x = torch.randn(2, 8, generator=torch.Generator().manual_seed(0)).requires_grad_()
    weight = torch.arange(16.0).reshape(2, 8)
    (rotate(x, hadamard(8)) * weight).sum().backward()
    torch.testing.assert_close(x.grad, rotate(weight, hadamard(8).T))


def test_nothing_gives_nothing():
    assert rotate(torch.zeros(0, 8), hadamard(4)).shape == (0, 8)
    assert rotate(torch.zeros(3, 0), hadamard(4)).shape == (3, 0)


def test_the_default_device_does_not_matter():
    with torch.device("meta"):
        assert hadamard(8).is_cpu and random_signs(8).is_cpu


def test_signs_are_one_or_minus_one_and_both_equally_often():
    signs = random_signs(10_000, torch.Generator().manual_seed(0))
    assert signs.dtype == torch.float32 and signs.abs().eq(1).all() and signs.mean().abs() < 0.03
    assert torch.equal(signs, random_signs(numpy.int64(10_000), torch.Generator().manual_seed(0)))
    assert not torch.equal(random_signs(100), random_signs(100))
    assert random_signs(0).shape == (0,)


X = torch.ones(2, 6)


@errors(
    ("n must be a power of two, got 12; rotate blocks: 384 columns are 3 blocks of 128", lambda: hadamard(12)),
    ("n must be a power of two, got 0; rotate blocks: 384 columns are 3 blocks of 128", lambda: hadamard(0)),
    ("n must be a power of two, got -2; rotate blocks: 384 columns are 3 blocks of 128", lambda: hadamard(-2)),
    ("n must be a power of two, got 4.0; rotate blocks: 384 columns are 3 blocks of 128", lambda: hadamard(4.0)),
    ("n must be a power of two, got True; rotate blocks: 384 columns are 3 blocks of 128", lambda: hadamard(True)),
    ("n must be an integer from 0 on, got -1; use the number of columns", lambda: random_signs(-1)),
    ("n must be an integer from 0 on, got 2.0; use the number of columns", lambda: random_signs(2.0)),
    (
        "a rotation is a square matrix, got torch.float32 of shape (2, 6); use hadamard(128), for example",
        lambda: rotate(X, X),
    ),
    (
        "a rotation is a square matrix, got torch.float32 of shape (6,); use hadamard(128), for example",
        lambda: rotate(X, X[0]),
    ),
    (
        "a rotation is a square matrix, got torch.float32 of shape (0, 0); use hadamard(128), for example",
        lambda: rotate(X, X[:0, :0]),
    ),
    ("a rotation is a square matrix, got int; use hadamard(128), for example", lambda: rotate(X, 2)),
    (
        "the last axis must be cut into blocks of 4, got shape (2, 6); take a smaller rotation: 384 = 3 x 128",
        lambda: rotate(X, hadamard(4)),
    ),
    (
        "the last axis must be cut into blocks of 1, got shape (); take a smaller rotation: 384 = 3 x 128",
        lambda: rotate(X[0, 0], hadamard(1)),
    ),
    (
        "x must hold floating-point numbers, got torch.int64; convert it: x.float()",
        lambda: rotate(X.long(), hadamard(2)),
    ),
)
def test_a_mistake_is_told_in_three_parts(text, call):
    assert message(call) == text
