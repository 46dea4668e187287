"""Integers only: against int64, against Python's integers and fractions, and against what torch's floats compute."""

import math
from fractions import Fraction

import numpy
import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st

from quantlib import QuantlibError, choose_qparams, quantize
from quantlib.formats import (
    FixedPoint,
    fixed_point,
    fold_bias,
    four_terms,
    integer_conv1d,
    integer_matmul,
    requantize,
)
from quantlib.formats import integers as module
from tests.helpers.strategies import errors, message

INT32 = st.integers(-(2**31), 2**31 - 1)
REALS = st.floats(2.0**-32, 2.0**30, exclude_max=True)
EIGHT = torch.int8, torch.uint8
W, X = torch.ones(2, 3, dtype=torch.int8), torch.ones(3, 4, dtype=torch.uint8)


def codes(shape, dtype, seed):
    info = torch.iinfo(dtype)
    return torch.randint(info.min, info.max + 1, shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def in_int64(q_w, q_x, zero_w, zero_x):
    wide = [torch.as_tensor(v).long().numpy() for v in (q_w, zero_w, q_x, zero_x)]
    return torch.from_numpy((wide[0] - wide[1]) @ (wide[2] - wide[3]))


def zero_points(dtype, shape):
    """A number, or one for each row or column."""
    info = torch.iinfo(dtype)
    one = st.integers(info.min, info.max)
    count = math.prod(shape)
    many = st.lists(one, min_size=count, max_size=count).map(lambda z: torch.tensor(z).reshape(shape))
    return st.one_of(one, many)


@st.composite
def products(draw):
    rows, inner, columns = (draw(st.integers(0, 9)) for _ in range(3))
    w, x = draw(st.sampled_from(EIGHT)), draw(st.sampled_from(EIGHT))
    seed = draw(st.integers(0, 99))
    q_w, q_x = codes((rows, inner), w, seed), codes((inner, columns), x, seed + 1)
    return q_w, q_x, draw(zero_points(w, (rows, 1))), draw(zero_points(x, (1, columns)))


@given(products())
def test_a_product_is_that_of_int64_and_the_sum_of_its_four_terms(given_product):
    wanted = in_int64(*given_product)
    found = integer_matmul(*given_product)
    assert found.dtype == torch.int32 and torch.equal(found.long(), wanted)
    assert torch.equal(sum(four_terms(*given_product)).expand(wanted.shape), wanted)


@pytest.mark.parametrize(("w", "x"), [(w, x) for w in EIGHT for x in EIGHT])
@pytest.mark.parametrize("shape", [(5, 5000, 3), (600, 100, 30), (30, 300, 1100), (1, 1, 1)])
def test_many_blocks_and_chunks_are_exact(w, x, shape):
    rows, inner, columns = shape
    q_w, q_x = codes((rows, inner), w, 0), codes((inner, columns), x, 1)
    assert torch.equal(integer_matmul(q_w, q_x, 3, -7).long(), in_int64(q_w, q_x, 3, -7))


@pytest.mark.parametrize("dtype", EIGHT)
def test_the_largest_codes_are_exact_where_float32_no_longer_is(dtype):
    extreme = torch.iinfo(dtype).min or 255
    wanted = 33_000 * extreme * extreme + 1
    q_w = torch.full((1, 33_001), extreme, dtype=dtype)
    q_w[:, -1] = 1
    q_x = q_w.T
    assert integer_matmul(q_w, q_x).item() == wanted
    assert int((q_w.float() @ q_x.float()).item()) != wanted


def test_the_last_sum_that_fits_int32():
    q = torch.full((1, 131_072), -128, dtype=torch.int8)
    assert integer_matmul(q[:, 1:], q[:, 1:].T).item() == 131_071 * 16_384
    assert message(lambda: integer_matmul(q, q.T)) == (
        "a sum must stay in int32, got 2147483648; shorten the rows, or add in int64"
    )


def test_the_dtype_leaves_room_beyond_what_the_codes_need():
    q = torch.ones(1, 200_000, dtype=torch.uint8)
    assert integer_matmul(q, q.T).item() == 200_000


@given(
    st.sampled_from(EIGHT),
    st.sampled_from(EIGHT),
    st.tuples(*(st.integers(1, 4),) * 4),
    st.integers(0, 6),
    st.integers(1, 3),
    st.integers(0, 2),
    st.data(),
)
def test_a_convolution_is_that_of_float64(w, x, shape, extra, stride, padding, data):
    out, into, kernel, batch = shape
    q_w, q_x = codes((out, into, kernel), w, out), codes((batch, into, kernel + extra), x, into)
    zero_w, zero_x = (
        data.draw(zero_points(w, (out, 1, 1))),
        data.draw(st.integers(torch.iinfo(x).min, torch.iinfo(x).max)),
    )
    wanted = torch.conv1d((q_x.double() - zero_x), q_w.double() - zero_w, stride=stride, padding=padding)
    found = integer_conv1d(q_w, q_x, zero_w, zero_x, stride=stride, padding=padding)
    assert found.dtype == torch.int32 and torch.equal(found.double(), wanted)


@given(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=5), st.floats(1e-3, 1e3), st.integers(-128, 127), st.data())
def test_a_bias_is_folded_as_fractions_say(bias, scale_x, zero_x, data):
    scale = st.floats(1e-3, 1e3)
    scale_w = data.draw(st.one_of(scale, st.lists(scale, min_size=len(bias), max_size=len(bias))))
    q_w = codes((len(bias), 2, 3), torch.int8, len(bias))
    scales = torch.tensor(scale_w, dtype=torch.float64).reshape(-1, 1) if isinstance(scale_w, list) else scale_w
    found = fold_bias(torch.tensor(bias, dtype=torch.float64), scales, scale_x, q_w, zero_x)
    steps = scale_w if isinstance(scale_w, list) else [scale_w] * len(bias)
    for b, s, row, got in zip(bias, steps, q_w, found.tolist(), strict=True):
        wanted = Fraction(b) / (Fraction(s) * Fraction(scale_x)) - zero_x * int(row.long().sum())
        assert abs(got - wanted) <= Fraction(1, 2) + abs(Fraction(b) / Fraction(s) / Fraction(scale_x)) / 2**51


@given(REALS, st.integers(2, 31))
@example(1 - 2.0**-33, 31)
@example(2.0**30 * (1 - 2.0**-50), 31)
def test_a_fixed_point_number_is_the_nearest(real, bits):
    m, n = fixed_point(real, bits)
    assert 2 ** (bits - 1) <= m < 2**bits and 0 <= n + 31 - bits <= 63
    assert abs(Fraction(m, 1) / Fraction(2) ** n - Fraction(real)) <= Fraction(1, 2) / Fraction(2) ** n


def test_fixed_point_numbers_of_a_tensor_are_those_of_its_values():
    reals = torch.tensor([[0.25], [1.4186], [1 - 2.0**-33]], dtype=torch.float64)
    m, n = fixed_point(reals)
    assert m.shape == n.shape == (3, 1)
    assert list(zip(m.flatten().tolist(), n.flatten().tolist(), strict=True)) == [
        fixed_point(v) for v in reals.flatten().tolist()
    ]


def rounded_once(acc, m, n):
    return math.floor(acc * m / Fraction(2) ** n + Fraction(1, 2))


def rounded_twice(acc, m, n):
    """gemmlowp's two steps: the high half of the doubled product, then a division by a power of two."""
    first = min(n, 31)
    high = math.floor(acc * m / Fraction(2) ** first + Fraction(1, 2))
    size = math.floor(Fraction(abs(high), 2 ** (n - first)) + Fraction(1, 2))
    return size if high >= 0 else -size


@given(
    st.lists(INT32, min_size=1, max_size=8),
    REALS,
    st.integers(-128, 127),
    st.booleans(),
    st.booleans(),
    st.integers(2, 31),
)
def test_sums_come_back_as_fractions_say(acc, real, zero_point, twice, signed, bits):
    low, high = (-128, 127) if signed else (0, 255)
    fixed = fixed_point(real, bits)
    wanted = [(rounded_twice if twice else rounded_once)(a, *fixed) + zero_point for a in acc]
    found = requantize(torch.tensor(acc, dtype=torch.int32), fixed, zero_point, low, high, twice=twice)
    assert found.tolist() == [min(max(v, low), high) for v in wanted]


def test_every_channel_may_have_its_own_multiplier_and_zero_point():
    acc = torch.arange(-500, 500, dtype=torch.int32).expand(3, 1000)
    reals, zeros = torch.tensor([[0.1], [0.25], [2.0]]), torch.tensor([[1], [2], [-3]])
    for twice in (False, True):
        rows = [requantize(a, fixed_point(r.item()), z.item(), twice=twice) for a, r, z in zip(acc, reals, zeros)]  # noqa: B905
        assert torch.equal(requantize(acc, fixed_point(reals), zeros, twice=twice), torch.stack(rows))


def test_a_large_tensor_is_requantized_as_its_parts_are():
    acc = codes((2**20 + 7, 4), torch.uint8, 0).view(torch.int32).flatten()
    fixed = fixed_point(3e-8)
    for twice in (False, True):
        parts = [requantize(part, fixed, 5, twice=twice) for part in acc.split(2**19)]
        assert torch.equal(requantize(acc, fixed, 5, twice=twice), torch.cat(parts))


@pytest.mark.parametrize(("shift", "share"), [(0, 0.0), (1, 0.25), (2, 0.125), (3, 0.0625)])
def test_rounding_twice_differs_in_a_known_share_of_all_cases(shift, share):
    generator = numpy.random.RandomState(0)
    acc = torch.arange(-20_000, 20_001, dtype=torch.int32)
    shares = []
    for real in generator.uniform(0.5, 1.0, 4) / 2.0**shift:
        once, twice = (requantize(acc, fixed_point(real), 0, -(2**15), 2**15 - 1, twice=t) for t in (False, True))
        inside = (once > -(2**15)) & (once < 2**15 - 1)
        shares.append((once != twice)[inside].float().mean().item())
    assert abs(sum(shares) / len(shares) - share) < 0.02


def test_a_layer_in_integers_is_the_layer_in_reals():
    generator = torch.Generator().manual_seed(0)
    w, x, b = torch.randn(16, 64, generator=generator), torch.randn(64, 50, generator=generator).relu(), torch.ones(16)
    qp_w, qp_x = choose_qparams(w, symmetric=True, axis=0), choose_qparams(x)
    q_w, q_x, zero_x = quantize(w, *qp_w), quantize(x, *qp_x), int(qp_x.zero_point)
    y = w @ x + b[:, None]
    qp_y = choose_qparams(y)
    acc = integer_matmul(q_w, q_x) + fold_bias(b, qp_w.scale, qp_x.scale.item(), q_w, zero_x)[:, None]
    real = qp_w.scale.double() * qp_x.scale.double() / qp_y.scale.double()
    q_y = requantize(acc.to(torch.int32), fixed_point(real), int(qp_y.zero_point))
    assert (q_y.int() - quantize(y, *qp_y).int()).abs().max() <= 2


@errors(
    (
        "q_w must hold int8 or uint8 codes of 2 axes, got torch.float32 of shape (2, 3); pass what quantize returned",
        lambda: integer_matmul(W.float(), X),
    ),
    (
        "q_x must hold int8 or uint8 codes of 2 axes, got list; pass what quantize returned",
        lambda: integer_matmul(W, [1]),
    ),
    (
        "q_w has as many columns as q_x has rows, got shapes (2, 3) and (2, 3); transpose one: q_x.T",
        lambda: integer_matmul(W, W),
    ),
    ("zero_w must be an integer, got 0.5; round it, or 0.0 loses its own code", lambda: integer_matmul(W, X, 0.5)),
    (
        "zero_x must be an integer, got nan; round it, or 0.0 loses its own code",
        lambda: integer_matmul(W, X, 0, math.nan),
    ),
    (
        "zero_w must broadcast against codes of (2, 3), got shape (2,); use (r, 1)",
        lambda: integer_matmul(W, X, torch.tensor([1, 2])),
    ),
    (
        "a zero point lies near its codes, got products up to 25500000000; take it from the grid",
        lambda: integer_matmul(W, X, 10**8 - 128, 0),
    ),
    (
        "a zero point leaves a sum if it is one for the sum, got shapes (1, 3) and (); use (r, 1) and (1, c)",
        lambda: four_terms(W, X, torch.tensor([[1, 2, 3]])),
    ),
    (
        "the kernel must fit, and move on, got stride 0, padding 0 for a kernel of 3 on 3; "
        "use stride 1 and padding kernel // 2",
        lambda: integer_conv1d(W[None], W[None], stride=0),
    ),
    (
        "padding has the code zero_x, one of q_x's, got 200; take the zero point of the inputs",
        lambda: integer_conv1d(W[None], W[None], 0, 200, padding=1),
    ),
    (
        "there is a bias for each output, and one scale or as many, got (3,) and 1 for weights of shape (2, 3); "
        "pass the layer's own",
        lambda: fold_bias(torch.ones(3), 1.0, 1.0, W),
    ),
    (
        "scales must be finite and positive, got 0.0; choose_qparams gives such",
        lambda: fold_bias(torch.ones(2), 0.0, 1.0, W),
    ),
    (
        "a bias must stay in int32, got 10000000000.0; its channel has tiny weights: give it a larger scale",
        lambda: fold_bias(torch.ones(2), 1e-5, 1e-5, W),
    ),
    ("bits must be an integer from 2 to 31, got 32; use 31", lambda: fixed_point(0.5, 32)),
    (
        "real must lie from 2^-32 to below 2^30, got 0.0; use scale_w * scale_x / scale_y",
        lambda: fixed_point(0.0),
    ),
    (
        "acc holds sums in int32, got torch.int64; use integer_matmul",
        lambda: requantize(torch.ones(1, dtype=torch.int64), fixed_point(0.5)),
    ),
    (
        "a fixed-point number lies between 2^-32 and 2^30, got FixedPoint(multiplier=1, shift=63); "
        "take what fixed_point returns",
        lambda: requantize(torch.ones(1, dtype=torch.int32), FixedPoint(1, 63)),
    ),
)
def test_an_error_says_the_rule_what_came_and_what_to_do(text, call):
    assert message(call) == text


def test_an_error_in_a_block_is_raised():
    def fail(rows, columns):
        raise QuantlibError("rule", "got", "advice")

    with pytest.raises(QuantlibError):
        module._by_blocks(fail, torch.Size([2000, 3]))
