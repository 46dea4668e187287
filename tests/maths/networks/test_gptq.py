"""GPTQ is what its theory says: the elimination loop, Babai's nearest plane in reverse, and nearest where H is I."""

import math
from itertools import product

import numpy
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from quantlib import quantize
from quantlib.networks import gptq, input_hessian
from tests.helpers.eliminate import eliminate
from tests.helpers.strategies import DTYPES, LAYOUTS, errors, message

SEEDS = st.integers(0, 999)


def problem(seed, outputs=6, columns=9, rows=40, bits=3):
    """Weights, inputs whose columns go together, and a scale a row, all in float64."""
    generator = torch.Generator().manual_seed(seed)
    mixed = torch.randn(columns, columns, generator=generator, dtype=torch.float64)
    x = torch.randn(rows, columns, generator=generator, dtype=torch.float64) @ mixed
    w = torch.randn(outputs, columns, generator=generator, dtype=torch.float64)
    top = 2 ** (bits - 1) - 1
    return w, x, w.abs().amax(1, keepdim=True) / top, top


def output_error(w, w_hat, hessian):
    """The mean squared error of each output."""
    return ((w - w_hat) @ hessian * (w - w_hat)).sum(1)


def babai(w, hessian, scale):
    """Babai's nearest plane: the point of the lattice of each row of w, found from the last column to the first."""
    basis = torch.linalg.cholesky(hessian, upper=True)  # hessian = basis.T @ basis, so |basis @ d| is the error of d
    codes = torch.zeros_like(w)
    for row in range(len(w)):
        target = basis @ w[row]
        for j in reversed(range(w.shape[1])):
            plane = target[j] / (basis[j, j] * scale[row])
            codes[row, j] = plane.round()
            target = target - codes[row, j] * scale[row] * basis[:, j]
    return codes


# --- the hessian


def test_it_is_the_mean_of_the_outer_products():
    _, x, *_ = problem(0)
    torch.testing.assert_close(input_hessian(x, 0.0), torch.stack([row.outer(row) for row in x]).mean(0))


@given(seed=SEEDS, damp=st.floats(0.0, 10.0))
def test_damping_adds_a_share_of_the_mean_of_the_diagonal(seed, damp):
    _, x, *_ = problem(seed)
    plain = input_hessian(x, 0)
    added = damp * plain.trace() / len(plain) * torch.eye(len(plain), dtype=torch.float64)
    torch.testing.assert_close(input_hessian(x, damp), plain + added)


def test_one_per_cent_is_added_unless_told_otherwise():
    _, x, *_ = problem(0)
    assert torch.equal(input_hessian(x), input_hessian(x, 0.01))


def test_it_says_what_an_error_of_the_weights_does_to_the_output():
    w, x, *_ = problem(1)
    d = torch.randn(w.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    torch.testing.assert_close(output_error(w, w - d, input_hessian(x, 0.0)), (x @ d.T).square().mean(0))


def test_two_halves_have_their_mean():
    _, x, *_ = problem(2)
    both = (input_hessian(x[:20], 0.0) + input_hessian(x[20:], 0.0)) / 2
    torch.testing.assert_close(both, input_hessian(x, 0.0))


@pytest.mark.parametrize("dtype", [*DTYPES, torch.float8_e4m3fn])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_hessian_is_of_float64_whatever_comes(dtype, layout):
    x = problem(3)[1].to(dtype)
    if dtype.itemsize == 1 and layout is not LAYOUTS[0]:
        return
    found = input_hessian(layout(x))
    assert found.dtype == torch.float64 and not found.requires_grad
    torch.testing.assert_close(found, input_hessian(x.double()))


# --- the codes


@given(seed=SEEDS, bits=st.integers(2, 5), block=st.integers(1, 12), damp=st.sampled_from([0.001, 0.01, 1.0]))
def test_the_codes_are_those_of_the_elimination_loop(seed, bits, block, damp):
    w, x, scale, top = problem(seed, bits=bits)
    hessian = input_hessian(x, damp)
    assert torch.equal(gptq(w, hessian, scale, top, block=block), eliminate(w, hessian, scale, top))


@given(seed=SEEDS)
def test_the_codes_are_babais_on_the_columns_in_reverse(seed):
    w, x, scale, _ = problem(seed)
    hessian = input_hessian(x)
    codes = gptq(w, hessian, scale, 32767)  # no code is clipped
    assert codes.dtype == torch.int16
    assert torch.equal(codes.double(), babai(w.flip(1), hessian.flip(0, 1), scale).flip(1))


@given(seed=SEEDS, size=st.floats(0.01, 100.0))
def test_where_the_hessian_is_the_identity_it_is_nearest(seed, size):
    w, _, scale, top = problem(seed)
    hessian = size * torch.eye(9, dtype=torch.float64)
    assert torch.equal(gptq(w, hessian, scale, top), quantize(w, scale, 0, -top, top))


def test_an_orthogonal_column_is_rounded_on_its_own():
    w, x, scale, top = problem(4)
    x = x.clone()
    x[:, 3] = 0.0
    codes = gptq(w, input_hessian(x), scale, top)
    assert torch.equal(codes[:, 3], quantize(w, scale, 0, -top, top)[:, 3])


@given(seed=SEEDS)
def test_no_code_of_three_columns_does_better_than_the_best_of_all(seed):
    w, x, scale, top = problem(seed, outputs=2, columns=3)
    hessian = input_hessian(x)
    every = torch.tensor(list(product(range(-top, top + 1), repeat=3)), dtype=torch.float64)
    for row, s, codes in zip(w, scale, gptq(w, hessian, scale, top), strict=True):
        least = output_error(row, every * s, hessian).min()
        assert output_error(row, codes[None] * s, hessian).item() >= least.item() * (1 - 1e-9)


def test_of_many_problems_most_get_better_and_the_best_is_often_found():
    better = best = 0
    for seed in range(100):
        w, x, scale, top = problem(seed, outputs=1, columns=3)
        hessian = input_hessian(x, 0.0)
        every = torch.tensor(list(product(range(-top, top + 1), repeat=3)), dtype=torch.float64)
        least = output_error(w, every * scale, hessian).min().item()
        found, nearest = (
            output_error(w, codes * scale, hessian).item()
            for codes in (gptq(w, hessian, scale, top), quantize(w, scale, 0, -top, top))
        )
        better += found <= nearest * (1 + 1e-9)
        best += found <= least * (1 + 1e-9)
    assert better > 80 and best > 40


def test_the_last_column_makes_up_for_the_first():
    w, hessian = torch.tensor([[0.4, 0.4]]), input_hessian(torch.ones(1, 2))
    assert gptq(w, hessian, 1.0, 7).tolist() == [[0, 1]]  # 0.4 + 0.4 is nearer to 1 than to 0


def test_codes_stay_on_the_grid_and_the_last_column_pays():
    w, hessian = torch.tensor([[9.0, 0.0]]), input_hessian(torch.ones(1, 2), 1e-6)
    assert gptq(w, hessian, 1.0, 7).tolist() == [[7, 2]]
    assert gptq(w, hessian, 1.0, 1).tolist() == [[1, 1]]
    assert gptq(-w, hessian, 1.0, 7).tolist() == [[-7, -2]]


def test_a_scale_may_be_a_number_a_row_or_a_value_each():
    w, x, scale, top = problem(5)
    hessian = input_hessian(x)
    assert torch.equal(gptq(w, hessian, scale, top), gptq(w, hessian, scale.expand_as(w), top))
    number = gptq(w, hessian, 0.5, top)
    assert torch.equal(number, gptq(w, hessian, torch.tensor(0.5), top))
    assert torch.equal(number, gptq(w, hessian, torch.full_like(w, 0.5), top))
    groups = torch.rand(6, 3, generator=torch.Generator().manual_seed(0)).double() + 0.1
    assert torch.equal(
        gptq(w, hessian, groups.repeat_interleave(3, 1), top),
        eliminate(w, hessian, groups.repeat_interleave(3, 1), top),
    )


def test_rows_know_nothing_of_each_other():
    w, x, scale, top = problem(6)
    hessian = input_hessian(x)
    assert torch.equal(gptq(w, hessian, scale, top)[2:3], gptq(w[2:3], hessian, scale[2:3], top))


def test_another_order_gives_other_codes():
    w, x, scale, top = problem(7, columns=40)
    hessian = input_hessian(x)
    order = hessian.diagonal().argsort(descending=True)
    codes = gptq(w[:, order], hessian[order][:, order], scale, top)[:, order.argsort()]
    assert (codes != gptq(w, hessian, scale, top)).any()


@pytest.mark.parametrize("layout", LAYOUTS[:5])
def test_the_layout_in_memory_changes_nothing_and_the_weights_stay(layout):
    w, x, scale, top = problem(8)
    given, hessian = layout(w.clone()), input_hessian(x)
    if given.ndim == 2:
        codes = gptq(given, hessian, scale, top)
        assert torch.equal(codes, gptq(w, hessian, scale, top)) and codes.is_contiguous() and not codes.requires_grad
        assert torch.equal(given.detach(), w) and torch.equal(hessian, input_hessian(x))


@pytest.mark.parametrize("dtype", [*DTYPES, torch.float8_e4m3fn])
def test_weights_of_every_dtype_are_computed_in_float64(dtype):
    w, x, scale, top = problem(9)
    w = w.to(dtype)
    assert torch.equal(gptq(w, input_hessian(x), scale, top), gptq(w.double(), input_hessian(x), scale, top))
    assert gptq(w, input_hessian(x), scale, top).dtype == torch.int8


def test_what_programs_pass_is_taken():
    w, x, scale, top = problem(10)
    codes = gptq(w, input_hessian(x), scale, top, block=4)
    assert torch.equal(codes, gptq(w, input_hessian(x), scale, numpy.uint8(top), block=numpy.int64(4)))
    assert torch.equal(codes, gptq(w.requires_grad_(), input_hessian(x).requires_grad_(), scale, top))
    with torch.device("meta"):
        assert torch.equal(gptq(w, input_hessian(x), 0.5, top), gptq(w, input_hessian(x), 0.5, top))


def test_no_rows_give_no_codes():
    w, x, _, top = problem(11)
    assert gptq(w[:0], input_hessian(x), 1.0, top).shape == (0, 9)


W, H = torch.ones(2, 3), torch.eye(3).double()
SINGULAR = torch.ones(3, 3).double()


@errors(
    *(
        (f"damp must be a number from 0 on, got {bad!r}; use 0.01, which is 1 % of the diagonal",
         lambda bad=bad: input_hessian(W, bad))
        for bad in (-0.1, math.inf, math.nan, None)
    ),
    ("a hessian needs at least one row, got shape (0, 3); pass rows of inputs", lambda: input_hessian(W[:0])),
    ("a hessian needs at least one row, got shape (); pass rows of inputs", lambda: input_hessian(W[0, 0])),
    ("a hessian needs finite values, got NaN or infinity; remove them: torch.nan_to_num(x)",
     lambda: input_hessian(W * math.nan)),
    ("x must hold floating-point numbers, got torch.int64; convert it: x.float()", lambda: input_hessian(W.long())),
    ("w must be a matrix of finite values, got shape (3,); for a convolution use w.flatten(1)",
     lambda: gptq(W[0], H, 1.0, 7)),
    ("w must be a matrix of finite values, got NaN or infinity; for a convolution use w.flatten(1)",
     lambda: gptq(W * math.inf, H, 1.0, 7)),
    ("the hessian must be 3 x 3 floats, got torch.float64 of shape (2, 2); pass input_hessian(x) for x of x @ w.T",
     lambda: gptq(W, H[:2, :2], 1.0, 7)),
    ("the hessian must be 3 x 3 floats, got torch.int64 of shape (3, 3); pass input_hessian(x) for x of x @ w.T",
     lambda: gptq(W, H.long(), 1.0, 7)),
    ("the hessian must be 3 x 3 floats, got float; pass input_hessian(x) for x of x @ w.T",
     lambda: gptq(W, 1.0, 1.0, 7)),
    ("the hessian must be positive definite, got one that is not; damp it more, by 0.01 or 0.1",
     lambda: gptq(W, SINGULAR, 1.0, 7)),
    ("the hessian must be positive definite, got one that is not; damp it more, by 0.01 or 0.1",
     lambda: gptq(W, H * math.nan, 1.0, 7)),
    ("quant_max must be a positive integer, got 0; use 7 for 4 bits", lambda: gptq(W, H, 1.0, 0)),
    ("quant_max must be a positive integer, got 7.0; use 7 for 4 bits", lambda: gptq(W, H, 1.0, 7.0)),
    ("quant_max must be a positive integer, got True; use 7 for 4 bits", lambda: gptq(W, H, 1.0, True)),
    ("a grid holds codes of at most 16 bits, got [-32769, 32769]; stay in [-32768, 32767] or in [0, 65535]",
     lambda: gptq(W, H, 1.0, 32769)),
    ("the group size must be a positive integer, got 0; 32 or 128 are common", lambda: gptq(W, H, 1.0, 7, block=0)),
    ("scale must be finite and positive, got 0.0; choose_qparams gives one that covers x", lambda: gptq(W, H, 0.0, 7)),
)  # fmt: skip
def test_a_mistake_is_told_in_three_parts(text, call):
    assert message(call) == text
