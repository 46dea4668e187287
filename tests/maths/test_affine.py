"""The affine quantizer: the formula to the bit, in every dtype, layout and granularity; its gradient; its errors."""

import math
from fractions import Fraction

import numpy
import pytest
import torch
from hypothesis import given

from quantlib import dequantize, fake_quantize, quantize, unclamped_codes
from tests.helpers.strategies import (
    DTYPES,
    LAYOUTS,
    SEED,
    covered,
    errors,
    hand_set,
    message,
    plain_codes,
    tensors,
    with_gradient,
)

FULL = (torch.float32, torch.float64)
HALF = (torch.float16, torch.bfloat16)
ONE = torch.tensor([1.0])
PAIR = torch.tensor([[1.0, 2.0], [3.0, 4.0]])

NAN = "x must not hold NaN, which has no code, got NaN; remove it: torch.nan_to_num(x)"
SCALE = "scale must be finite and positive, got {}; choose_qparams gives one that covers x"
ZERO = "zero_point must be an integer of at most 16777216 in size, got {}; round it, or 0.0 loses its own code"
KIND = "{} must be a number or a tensor, got {}; use 0.5 or torch.tensor([[0.5]])"
SHAPE = "{} must broadcast against x of shape (2, 2), got shape {}; for one value a row, use shape (rows, 1)"
TENSOR = "x must be a torch tensor, got {}; wrap it: torch.tensor(x)"
FLOATING = "x must hold floating-point numbers, got {}; convert it: x.float()"
CODES = "codes are an integer tensor, got {}; pass what quantize returned"
ORDER = "the grid needs quant_min < quant_max, got [8, 7]; signed 4-bit, for example, is [-8, 7]"
CONSTANT = "scale is a constant here, got one that requires a gradient; pass scale.detach()"


def gradient(x, *qp):
    x = with_gradient(x.detach())
    (grad,) = torch.autograd.grad(fake_quantize(x, *qp).sum(), x)
    return grad


# --- the seed


def test_the_codes_of_the_seed():
    before = unclamped_codes(SEED, 3.5, -70)
    assert before.tolist() == [[-15, -74, 138], [-44, 14, -123], [-70, 126, 0]]
    assert quantize(SEED, 3.5, -70).tolist() == [[-15, -74, 127], [-44, 14, -123], [-70, 126, 0]]


def test_the_reconstruction_of_the_seed():
    x_hat = [[192.5, -14, 689.5], [91, 294, -185.5], [0, 686, 245]]
    assert dequantize(quantize(SEED, 3.5, -70), 3.5, -70).tolist() == x_hat
    assert fake_quantize(SEED, 3.5, -70).tolist() == x_hat


# --- the formula


@given(hand_set(FULL))
def test_codes_are_bit_identical_to_the_formula(drawn):
    x, qp = drawn
    q = quantize(x, *qp)
    assert torch.equal(q, plain_codes(x.detach(), *qp, q.dtype))


@given(covered(FULL))
def test_codes_of_chosen_qparams_are_bit_identical_to_the_formula(drawn):
    x, qp, _ = drawn
    q = quantize(x, *qp)
    assert torch.equal(q, plain_codes(x.detach(), *qp, q.dtype))


@given(hand_set(FULL))
def test_reals_are_bit_identical_to_the_formula(drawn):
    x, qp = drawn
    q = quantize(x, *qp)
    plain = torch.as_tensor(qp.scale) * (q.to(torch.int64) - qp.zero_point)
    assert torch.equal(dequantize(q, *qp[:2]), plain)


@given(hand_set(HALF))
def test_half_precision_is_computed_in_float32(drawn):
    x, qp = drawn
    assert torch.equal(quantize(x, *qp), quantize(x.float(), *qp))
    assert torch.equal(unclamped_codes(x, *qp[:2]), unclamped_codes(x.float(), *qp[:2]))


@given(hand_set())
def test_a_float64_input_alone_is_computed_in_float64(drawn):
    x, qp = drawn
    assert unclamped_codes(x, *qp[:2]).dtype == (torch.float64 if x.dtype == torch.float64 else torch.float32)


@given(hand_set())
def test_the_clamped_unclamped_codes_are_the_codes(drawn):
    x, qp = drawn
    codes = unclamped_codes(x, *qp[:2]).clamp(qp.quant_min, qp.quant_max)
    assert torch.equal(codes, quantize(x, *qp).to(codes.dtype))


@given(hand_set(FULL))
def test_fake_quantize_is_quantize_then_dequantize(drawn):
    x, qp = drawn
    scale = torch.as_tensor(qp.scale, dtype=x.dtype)  # dequantize answers a number in float32
    x_hat = dequantize(quantize(x, *qp), scale, qp.zero_point)
    assert x_hat.dtype == x.dtype and torch.equal(fake_quantize(x, *qp).detach(), x_hat)


@given(covered(HALF))
def test_fake_quantize_in_half_precision_rounds_the_reals_once(drawn):
    x, qp, _ = drawn
    limit = torch.finfo(x.dtype).max
    reals = dequantize(quantize(x, *qp), *qp[:2]).clamp(-limit, limit)
    assert torch.equal(fake_quantize(x, *qp).detach(), reals.to(x.dtype))


def test_a_level_beyond_float16_becomes_its_largest_value():
    x = torch.tensor([65504.0, -65504.0], dtype=torch.float16)
    assert fake_quantize(x, 60000.0, 0).tolist() == [60000.0, -60000.0]
    assert fake_quantize(x, 40000.0, 0).tolist() == [65504.0, -65504.0]


def test_a_level_beyond_float32_becomes_infinite():
    x = torch.tensor([3.4e38, -3.4e38])
    q = quantize(x, 2.2e38, 0)
    assert q.tolist() == [2, -2]
    assert dequantize(q, 2.2e38, 0).tolist() == fake_quantize(x, 2.2e38, 0).tolist() == [math.inf, -math.inf]


@given(hand_set())
def test_every_code_is_on_the_grid(drawn):
    x, qp = drawn
    q = quantize(x, *qp)
    assert ((q >= qp.quant_min) & (q <= qp.quant_max)).all()


@given(covered())
def test_codes_that_were_reals_come_back_as_the_same_codes(drawn):
    x, qp, _ = drawn
    q = quantize(x, *qp)
    assert torch.equal(quantize(dequantize(q, *qp[:2]), *qp), q)


@pytest.mark.parametrize("dtype", FULL)
def test_every_code_of_eight_bits_is_a_fixed_point(dtype):
    q = torch.arange(-128, 128, dtype=torch.int8)
    for scale, zero_point in ((0.1, -28), (3.5, 127), (1e-20, -128), (7e20, 3)):
        reals = dequantize(q, torch.tensor(scale, dtype=dtype), zero_point)
        assert torch.equal(quantize(reals, torch.tensor(scale, dtype=dtype), zero_point), q)


def test_ties_go_to_the_even_code_after_z_is_added():
    x = torch.tensor([-1.5, -0.5, 0.5, 1.5, 2.5])
    assert quantize(x, 1.0, 0).tolist() == [-2, 0, 0, 2, 2]
    assert quantize(x, 1.0, 1).tolist() == [0, 0, 2, 2, 4]


@pytest.mark.parametrize(("x", "scale", "code"), [(22.75, 3.5, 6), (50.75, 3.5, 14), (85.75, 3.5, 24)])
def test_x_is_divided_by_the_scale_and_not_multiplied_by_its_reciprocal(x, scale, code):
    x = torch.tensor(x)
    assert (x * torch.tensor(scale).reciprocal()).round().item() == code + 1  # x / scale is exactly half-way
    assert quantize(x, scale, 0).item() == code == quantize(x, torch.tensor(scale), 0).item()
    assert quantize(x.expand(2), torch.full((2,), scale), 0).tolist() == [code, code]


# --- the smallest inputs on which published code goes wrong


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        pytest.param(lambda: quantize(torch.tensor(128.0), 1.0, 0), 127, id="clamp before the cast"),
        pytest.param(lambda: quantize(torch.tensor(11.0).bfloat16(), 11 / 127, 0), 127, id="computed in float32"),
        pytest.param(lambda: quantize(torch.tensor(127.0), 1.0, 1), 127, id="shift before the clamp"),
        pytest.param(lambda: fake_quantize(torch.tensor(0.0), 1.0, 1), 0.0, id="subtract z on the way back"),
        pytest.param(lambda: quantize(torch.tensor(0.6), 1.0, 0), 1, id="round, not truncate"),
        pytest.param(lambda: quantize(torch.tensor(-0.6), 1.0, 0), -1, id="round, not truncate, below zero"),
        pytest.param(lambda: quantize(torch.tensor(2.0), 4.0, 3), 4, id="add z, then round"),
        pytest.param(lambda: quantize(torch.tensor(-9.0), 1.0, 0, -7, 7), -7, id="the grid is not ignored"),
    ],
)
def test_a_well_known_mistake_is_not_made(call, expected):
    assert call().item() == expected


# --- scale and zero point


@pytest.mark.parametrize(
    "scale", [0.5, Fraction(1, 2), numpy.float32(0.5), numpy.float64(0.5), torch.tensor(0.5), torch.tensor([[0.5]])]
)
@pytest.mark.parametrize("zero", [3, 3.0, numpy.int64(3), torch.tensor(3), torch.tensor([[3]], dtype=torch.int8)])
def test_scale_and_zero_point_are_numbers_or_tensors(scale, zero):
    assert quantize(PAIR, scale, zero).tolist() == [[5, 7], [9, 11]]
    assert torch.equal(fake_quantize(PAIR, scale, zero), PAIR)
    assert torch.equal(dequantize(quantize(PAIR, scale, zero), scale, zero), PAIR)


@pytest.mark.parametrize(
    ("scale", "codes"),
    [
        ([[1.0], [0.5]], [[1, 2], [6, 8]]),  # one a row
        ([[1.0, 0.5]], [[1, 4], [3, 8]]),  # one a column
        ([1.0, 0.5], [[1, 4], [3, 8]]),  # the same, by broadcasting
        ([[1.0, 0.5], [0.25, 2.0]], [[1, 4], [12, 2]]),  # one a value
    ],
)
def test_scales_broadcast_against_x(scale, codes):
    assert quantize(PAIR, torch.tensor(scale), 0).tolist() == codes
    assert dequantize(torch.tensor(codes), torch.tensor(scale), 0).tolist() == PAIR.tolist()


def test_many_scales_are_rounded_to_the_dtype_of_the_arithmetic_as_one_is():
    x = (torch.arange(1000) + 0.5) * 0.1
    one, many = torch.tensor(0.1, dtype=torch.float64), torch.full((1000,), 0.1, dtype=torch.float64)
    assert torch.equal(unclamped_codes(x, many, 0), unclamped_codes(x, many.float(), 0))
    assert torch.equal(unclamped_codes(x, many, 0), unclamped_codes(x, one, 0))
    assert not torch.equal(unclamped_codes(x, many, 0), (x / many).round().float())


def test_zero_points_broadcast_against_x():
    assert quantize(PAIR, 1.0, torch.tensor([[1], [-1]])).tolist() == [[2, 3], [2, 3]]
    assert dequantize(torch.tensor([[2, 3], [2, 3]]), 1.0, torch.tensor([[1], [-1]])).tolist() == PAIR.tolist()


@pytest.mark.parametrize("dtype", [torch.int8, torch.int64, *DTYPES])
def test_whole_zero_points_are_taken_in_every_dtype(dtype):
    assert quantize(PAIR, 1.0, torch.tensor([[1], [-1]]).to(dtype)).tolist() == [[2, 3], [2, 3]]


def test_the_largest_zero_points_are_taken_side_by_side():
    zeros = torch.tensor([[2**24], [-(2**24)]])
    assert quantize(torch.zeros(2, 1), 1.0, zeros).tolist() == [[127], [-128]]


@pytest.mark.parametrize("zero", [-300, 300, 2**24, -(2**24)])
def test_a_zero_point_may_lie_outside_the_grid(zero):
    assert quantize(torch.tensor(0.0), 1.0, zero).item() == (127 if zero > 0 else -128)


@pytest.mark.parametrize("scale", [2.0**-149, torch.finfo(torch.float32).max])
def test_the_ends_of_float32_are_valid_scales(scale):
    assert quantize(torch.tensor([0.0, scale]), scale, 1).tolist() == [1, 2]


# --- dtypes and shapes


@pytest.mark.parametrize("x_dtype", DTYPES)
@pytest.mark.parametrize("bounds", [(-128, 127), (0, 255), (-(2**15), 2**15 - 1), (0, 2**16 - 1), (-8, 7), (0, 15)])
def test_the_grid_alone_decides_the_dtype_of_the_codes(x_dtype, bounds):
    expected = {-128: torch.int8, -8: torch.int8, -(2**15): torch.int16}.get(bounds[0])
    expected = expected or (torch.int32 if bounds[1] > 255 else torch.uint8)
    q = quantize(torch.tensor([-1e4, 1e4]).to(x_dtype), 0.125, 0, *bounds)
    assert q.dtype == expected and q.tolist() == list(bounds)


@pytest.mark.parametrize("dtype", DTYPES)
def test_fake_quantize_keeps_the_dtype_of_x(dtype):
    assert fake_quantize(ONE.to(dtype), 0.5, 0).dtype == dtype


@pytest.mark.parametrize("dtype", [torch.int8, torch.uint8, torch.int16, torch.int32, torch.int64])
def test_reals_are_float32_unless_the_scale_is_a_float64_tensor(dtype):
    q = torch.tensor([1, 2], dtype=dtype)
    for scale in (0.5, torch.tensor(0.5), torch.tensor(0.5, dtype=torch.float16)):
        assert dequantize(q, scale, 0).dtype == torch.float32
    for scale in (torch.tensor(0.5).double(), torch.tensor([0.5, 0.5]).double()):
        assert dequantize(q, scale, 0).dtype == torch.float64


@given(tensors())
def test_the_shape_is_kept(x):
    q = quantize(x, 1.0, 0)
    results = (q, dequantize(q, 1.0, 0), fake_quantize(x, 1.0, 0), unclamped_codes(x, 1.0, 0))
    assert [r.shape for r in results] == [x.shape] * 4


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_the_layout_in_memory_changes_nothing(layout, dtype):
    x = PAIR.to(dtype)
    codes = quantize(layout(x), 0.3, 5)
    assert torch.equal(codes.broadcast_to(layout(x).shape), quantize(x, 0.3, 5).expand(codes.shape))
    assert torch.equal(fake_quantize(layout(x), 0.3, 5), fake_quantize(x, 0.3, 5).expand(codes.shape))


@pytest.mark.parametrize("layout", [each for each in LAYOUTS if each is not with_gradient])
def test_the_layout_of_codes_changes_nothing(layout):
    q = torch.tensor([[1, -2], [3, 127]], dtype=torch.int8)
    assert torch.equal(dequantize(layout(q), 0.3, 5), dequantize(q, 0.3, 5).expand(layout(q).shape))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(0,), (2, 0), (0, 3, 1, 2)])
def test_empty_gives_empty(shape, dtype):
    x = torch.empty(shape, dtype=dtype)
    q = quantize(x, 1.0, 0)
    assert q.shape == shape and q.dtype == torch.int8
    assert dequantize(q, 1.0, 0).shape == shape and fake_quantize(x, 1.0, 0).shape == shape
    assert quantize(x, torch.ones(*shape[:-1], 1), torch.zeros(1, dtype=torch.int32)).shape == shape


@given(hand_set())
def test_the_input_is_never_changed(drawn):
    x, qp = drawn
    kept = [v.detach().clone() if isinstance(v, torch.Tensor) else v for v in (x, *qp[:2])]
    q = quantize(x, *qp)
    codes = q.clone()
    fake_quantize(x, *qp)
    unclamped_codes(x, *qp[:2])
    dequantize(q, *qp[:2])
    for now, before in zip((x, *qp[:2], q), (*kept, codes), strict=True):
        assert torch.equal(torch.as_tensor(now).detach(), torch.as_tensor(before))


@pytest.mark.parametrize("dtype", FULL)
def test_the_result_is_fresh_memory(dtype):
    x = torch.tensor([1.0, 2.0], dtype=dtype)
    for result in (fake_quantize(x, 1.0, 0), unclamped_codes(x, 1.0, 0)):
        result += 7
    assert x.tolist() == [1.0, 2.0]


@pytest.mark.parametrize("dtype", DTYPES)
def test_infinity_clamps(dtype):
    x = torch.tensor([math.inf, -math.inf, 1.0]).to(dtype)
    assert quantize(x, 1.0, 0).tolist() == [127, -128, 1]
    assert fake_quantize(x, 1.0, 0, -8, 7).tolist() == [7.0, -8.0, 1.0]


# --- gradients


@given(hand_set())
def test_the_gradient_is_one_exactly_where_the_code_is_on_the_grid(drawn):
    x, qp = drawn
    codes = unclamped_codes(x, *qp[:2])
    inside = (codes >= qp.quant_min) & (codes <= qp.quant_max)
    assert torch.equal(gradient(x, *qp), inside.to(x.dtype))


def test_the_gradient_that_arrives_is_passed_on():
    x = torch.tensor([0.4, 7.4, 7.6, -8.4, -8.6, 99.0], requires_grad=True)
    fake_quantize(x, 1.0, 0, -8, 7).backward(torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]))
    assert x.grad.tolist() == [1.0, 2.0, 0.0, 4.0, 0.0, 0.0]


def test_what_is_kept_for_the_gradient_takes_one_byte_a_value():
    kept = []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t) or t, lambda t: t):
        fake_quantize(torch.ones(1000, requires_grad=True), 1.0, 0)
    assert sum(t.numel() * t.element_size() for t in kept) == 1000


def test_infinity_has_no_gradient():
    assert gradient(torch.tensor([math.inf, -math.inf, 1.0]), 1.0, 0).tolist() == [0.0, 0.0, 1.0]


@given(hand_set())
def test_the_value_is_the_same_with_and_without_a_gradient(drawn):
    x, qp = drawn
    x_hat = fake_quantize(with_gradient(x.detach()), *qp)
    assert x_hat.requires_grad
    assert torch.equal(x_hat.detach(), fake_quantize(x.detach(), *qp))


def test_the_integers_have_no_gradient():
    x = ONE.clone().requires_grad_()
    assert not quantize(x, 1.0, 0).requires_grad
    assert not unclamped_codes(x, 1.0, 0).requires_grad


@pytest.mark.parametrize("shape", [(), (1, 1), (2, 1)])
def test_a_scale_with_a_gradient_gives_results_without_one(shape):
    scale = torch.full(shape, 0.5, requires_grad=True)
    q = quantize(PAIR, scale, 0)
    assert q.tolist() == [[2, 4], [6, 8]]
    assert not dequantize(q, scale, 0).requires_grad and not unclamped_codes(PAIR, scale, 0).requires_grad


def test_there_is_no_gradient_where_torch_was_told_so():
    with torch.no_grad():
        assert not fake_quantize(ONE.clone().requires_grad_(), 1.0, 0).requires_grad
    assert not fake_quantize(ONE, 1.0, 0).requires_grad


# --- errors

TAKE_X = (quantize, fake_quantize, lambda x, s, z: unclamped_codes(x, s, z))
TAKE_QPARAMS = (*TAKE_X[:2], lambda x, s, z: dequantize(x.char(), s, z))


@errors(
    *((NAN, lambda f=f: f(torch.tensor([1.0, math.nan]), 1.0, 0)) for f in TAKE_X[:2]),
    *((NAN, lambda f=f: f(torch.tensor(math.nan), 1.0, 0)) for f in TAKE_X[:2]),
    (NAN, lambda: gradient(torch.tensor([math.nan, 1.0]), 1.0, 0)),
    *((NAN, lambda d=d: quantize(torch.tensor([math.nan, 1.0]).to(d), 1.0, 0)) for d in DTYPES),
    *((TENSOR.format("list"), lambda f=f: f([1.0], 1.0, 0)) for f in TAKE_X),
    *((TENSOR.format("float"), lambda f=f: f(1.0, 1.0, 0)) for f in TAKE_X),
    *((FLOATING.format("torch.int64"), lambda f=f: f(torch.tensor([1]), 1.0, 0)) for f in TAKE_X),
    *((FLOATING.format("torch.bool"), lambda f=f: f(torch.tensor([True]), 1.0, 0)) for f in TAKE_X),
    *((FLOATING.format("torch.complex64"), lambda f=f: f(torch.tensor([1j]), 1.0, 0)) for f in TAKE_X),
    *(
        (CODES.format(f"torch.{t}"), lambda t=t: dequantize(ONE.to(getattr(torch, t)), 1.0, 0))
        for t in ("float32", "bool")
    ),
    (CODES.format("torch.complex64"), lambda: dequantize(torch.tensor([1j]), 1.0, 0)),
    (CODES.format("list"), lambda: dequantize([1], 1.0, 0)),
    *((ORDER, lambda f=f: f(ONE, 1.0, 0, 8, 7)) for f in TAKE_X[:2]),
    (CONSTANT, lambda: fake_quantize(ONE, torch.tensor(1.0, requires_grad=True), 0)),
)
def test_a_wrong_tensor_is_told_in_full(text, call):
    assert message(call) == text


@pytest.mark.parametrize("function", TAKE_QPARAMS)
@pytest.mark.parametrize("scale", [0.0, -1.0, math.nan, math.inf, -math.inf, 1e-46, 1e39])
def test_a_scale_that_is_not_finite_and_positive_is_told_in_full(function, scale):
    assert message(lambda: function(PAIR, scale, 0)) == SCALE.format(scale)


@pytest.mark.parametrize("function", TAKE_QPARAMS)
@pytest.mark.parametrize("scale", [0.0, -1.0, math.nan, math.inf])
@pytest.mark.parametrize("shape", [(), (1,), (2, 1)])
def test_one_wrong_scale_in_a_tensor_is_told_in_full(function, scale, shape):
    scales = torch.ones(shape)
    scales.view(-1)[-1] = scale
    assert message(lambda: function(PAIR, scales, 0)) == SCALE.format(scale)


@pytest.mark.parametrize("function", TAKE_QPARAMS)
@pytest.mark.parametrize("zero", [0.25, math.nan, math.inf, -math.inf, 2**24 + 1, -(2**24) - 1])
def test_a_zero_point_that_is_not_an_integer_is_told_in_full(function, zero):
    assert message(lambda: function(PAIR, 1.0, zero)) == ZERO.format(zero)
    zeros = torch.tensor([[0], [zero]], dtype=torch.float64 if isinstance(zero, float) else torch.int64)
    assert message(lambda: function(PAIR, 1.0, zeros)) == ZERO.format(zero)
    assert message(lambda: function(PAIR, 1.0, zeros[1])) == ZERO.format(zero)


@pytest.mark.parametrize("function", TAKE_QPARAMS)
@pytest.mark.parametrize("largest", [2.0**24, -(2.0**24)])
def test_of_several_zero_points_the_wrong_one_is_named(function, largest):
    assert message(lambda: function(PAIR, 1.0, torch.tensor([[largest], [0.5]]))) == ZERO.format(0.5)


@pytest.mark.parametrize("function", TAKE_QPARAMS)
@pytest.mark.parametrize(("bad", "kind"), [("1", "str"), (None, "NoneType"), ([1.0], "list"), (1j, "complex")])
def test_a_qparam_of_the_wrong_kind_is_told_in_full(function, bad, kind):
    assert message(lambda: function(PAIR, bad, 0)) == KIND.format("scale", kind)
    assert message(lambda: function(PAIR, 1.0, bad)) == KIND.format("zero_point", kind)


@pytest.mark.parametrize("function", TAKE_QPARAMS)
@pytest.mark.parametrize("shape", [(3,), (3, 1), (1, 3), (2, 2, 2), (1, 1, 1), (0,)])
def test_a_qparam_that_would_grow_x_is_told_in_full(function, shape):
    assert message(lambda: function(PAIR, torch.ones(shape), 0)) == SHAPE.format("scale", shape)
    assert message(lambda: function(PAIR, 1.0, torch.ones(shape))) == SHAPE.format("zero_point", shape)
