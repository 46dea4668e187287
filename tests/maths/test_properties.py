"""What holds for every dtype, shape, layout in memory, width and granularity, beyond one formula: symmetries.

A test beside a module says what its functions return. Here stands what must not matter (the order of values, memory,
how a tensor is cut), and how a result follows when the input is scaled, negated, sorted or quantized again.
"""

from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from quantlib import (
    choose_qparams,
    dequantize,
    fake_quantize,
    from_groups,
    grid,
    mse,
    quantize,
    split_error,
    to_groups,
    unclamped_codes,
    wrap,
)
from tests.helpers.strategies import (
    LAYOUTS,
    SEED,
    axes,
    bits,
    covered,
    errors,
    grids,
    hand_set,
    message,
    slack,
    tensors,
)

FULL = (torch.float32, torch.float64)
HALF = (torch.float16, torch.bfloat16)
INTEGERS = (torch.int8, torch.uint8, torch.int16, torch.int32, torch.int64)

LAYOUTS_OF_VALUES = [each for each in LAYOUTS if each.__name__ != "with_gradient"]


def laid_out(value, layout):
    """The same values of a scale or a zero point in another layout; the axis that `expanded` adds has one entry."""
    if not isinstance(value, torch.Tensor):
        return value
    moved = layout(value)
    return moved if moved.shape == value.shape else moved[0]


def everything(x, qp):
    """The results of all functions of x and qparams, flat."""
    q = quantize(x, *qp)
    parts = split_error(x, *qp)
    return q, dequantize(q, *qp[:2]), fake_quantize(x, *qp).detach(), unclamped_codes(x, *qp[:2]), *parts


def assert_equal(ours, others):
    for a, b in zip(ours, others, strict=True):
        assert a.dtype == b.dtype and torch.equal(a, b)


def rows_of(value, x, axis):
    """A scale or a zero point, cut along an axis of x as x is."""
    if not isinstance(value, torch.Tensor) or value.ndim == 0 or value.shape[axis] == 1:
        return [value if not isinstance(value, torch.Tensor) or value.ndim == 0 else value.select(axis, 0)] * x.shape[
            axis
        ]
    return list(value.unbind(axis))


# --- what does not matter


@given(hand_set(), st.sampled_from(LAYOUTS_OF_VALUES), st.sampled_from(LAYOUTS_OF_VALUES))
def test_the_layout_of_scale_and_zero_point_changes_nothing(drawn, of_scale, of_zero):
    x, (scale, zero_point, *bounds) = drawn
    moved = laid_out(scale, of_scale), laid_out(zero_point, of_zero)
    assert_equal(everything(x, (*moved, *bounds)), everything(x, (scale, zero_point, *bounds)))


@given(hand_set(), st.data())
def test_the_order_of_the_axes_changes_nothing(drawn, data):
    x, qp = drawn
    order = data.draw(st.permutations(range(x.ndim)))
    turned = [v.permute(order) if isinstance(v, torch.Tensor) and v.ndim else v for v in qp[:2]]
    expected = [result.permute(order) for result in everything(x, qp)]
    assert_equal(everything(x.permute(order), (*turned, *qp[2:])), expected)


@given(covered(), st.data())
def test_the_rows_of_a_tensor_are_quantized_as_each_row_alone(drawn, data):
    x, qp, _ = drawn
    if x.ndim == 0:
        return
    axis = data.draw(st.integers(0, x.ndim - 1))
    cuts = zip(x.unbind(axis), *(rows_of(v, x, axis) for v in qp[:2]), strict=True)
    alone = [everything(row, (s, z, *qp[2:])) for row, s, z in cuts]
    assert_equal(everything(x, qp), [torch.stack(parts, dim=axis) for parts in zip(*alone, strict=True)])


@given(tensors(min_side=1, min_dims=1), grids(), st.integers(1, 5))
def test_the_groups_of_a_tensor_are_quantized_as_each_group_alone(x, options, size):
    groups = to_groups(x.detach(), size)
    qp = choose_qparams(groups, **options, axis=tuple(range(x.ndim)))
    x_hat = from_groups(fake_quantize(groups, *qp), x.shape[-1])
    alone = [part for row in x.detach().reshape(-1, x.shape[-1]) for part in row.split(size)]
    alone = [fake_quantize(part, *choose_qparams(part, **options)) for part in alone]
    assert torch.equal(x_hat.flatten(), torch.cat(alone))


@given(tensors(min_side=1), grids())
def test_one_scale_for_all_depends_on_nothing_but_the_two_ends_of_the_range(x, options):
    ends = torch.stack([x.detach().min(), x.detach().max()])
    for other in (
        ends,
        ends.flip(0),
        torch.cat([x.detach().flatten(), x.new_zeros(3)]),
        x.detach().repeat(2, *x.shape),
    ):
        assert choose_qparams(other, **options) == choose_qparams(x, **options)


@given(hand_set(), st.integers(1, 3))
def test_overlapping_windows_are_quantized_as_copies_of_them(drawn, step):
    x, qp = drawn
    windows = x.detach().flatten().repeat(2)[:40].unfold(0, min(2, 2 * x.numel()), step) if x.numel() else x.detach()
    scale, zero_point = (v.flatten()[0] if isinstance(v, torch.Tensor) and v.numel() else 1 for v in qp[:2])
    qp = (scale, zero_point, *qp[2:])
    assert_equal(everything(windows, qp), everything(windows.clone(), qp))


@given(hand_set(FULL))
def test_a_minus_that_torch_has_put_off_changes_nothing(drawn):
    x, qp = drawn
    put_off = torch.complex(torch.zeros_like(x), -x).conj().imag
    assert put_off.is_neg() and torch.equal(put_off, x)
    assert_equal(everything(put_off, qp), everything(x, qp))
    if x.numel():
        assert choose_qparams(put_off) == choose_qparams(x)


@given(tensors(min_side=1, dtypes=FULL), st.sampled_from(INTEGERS), st.integers(-20, 20))
def test_codes_mean_the_same_in_every_integer_dtype(x, dtype, zero_point):
    q = quantize(x, 1.0, 0, 0, 100)
    assert torch.equal(dequantize(q.to(dtype), 0.3, zero_point), dequantize(q, 0.3, zero_point))


def test_a_tensor_from_inference_mode_is_taken():
    with torch.inference_mode():
        x = SEED.clone()
        inside = everything(x, (3.5, -70, -128, 127))
    assert_equal(everything(x, (3.5, -70, -128, 127)), everything(SEED, (3.5, -70, -128, 127)))
    assert_equal(inside, everything(SEED, (3.5, -70, -128, 127)))


# --- how a result follows its input


@given(hand_set(FULL), st.integers(-20, 20))
def test_a_power_of_two_before_x_and_scale_changes_no_code(drawn, exponent):
    x, qp = drawn
    x = x.detach() if x.numel() and x.detach().abs().min() > 1e-25 else torch.ones_like(x)
    factor = 2.0**exponent
    q = quantize(x * factor, qp.scale * factor, *qp[1:])
    assert torch.equal(q, quantize(x, *qp))
    parts, scaled = split_error(x, *qp), split_error(x * factor, qp.scale * factor, *qp[1:])
    assert_equal(scaled, [part * factor for part in parts])


@given(tensors(min_side=1, dtypes=FULL), grids(), st.integers(-20, 20))
def test_a_power_of_two_before_x_is_a_power_of_two_before_the_chosen_scale(x, options, exponent):
    x = x.detach().clamp(-1e20, 1e20)
    if x.abs().max() < 1e-20:
        return
    (scale, zero_point, *bounds), larger = choose_qparams(x, **options), choose_qparams(x * 2.0**exponent, **options)
    assert larger == (scale * 2.0**exponent, zero_point, *bounds)


@given(hand_set())
def test_the_codes_of_minus_x_are_minus_the_codes(drawn):
    x, (scale, zero_point, low, high) = drawn
    low = max(low, -128)
    mirrored = quantize(-x, scale, -zero_point, -high, -low)
    assert torch.equal(mirrored.int(), -quantize(x, scale, zero_point, low, high).int())


@given(tensors(min_side=1), bits())
def test_a_symmetric_scale_is_the_same_for_minus_x(x, bits):
    assert choose_qparams(-x, bits, symmetric=True) == choose_qparams(x, bits, symmetric=True)


@given(hand_set())
def test_a_larger_value_never_has_a_smaller_code(drawn):
    x, qp = drawn
    scale, zero_point = (v.flatten()[0] if isinstance(v, torch.Tensor) and v.numel() else 1 for v in qp[:2])
    rising = x.detach().flatten().sort().values
    for result in (quantize, fake_quantize):
        steps = result(rising, scale, zero_point, *qp[2:]).double().diff()
        assert (steps >= 0).all()


@given(hand_set(FULL))
def test_what_came_back_once_comes_back_as_itself(drawn):
    x, qp = drawn
    once = fake_quantize(x, *qp).detach()
    assert torch.equal(fake_quantize(once, *qp), once)


@given(covered(HALF))
def test_up_to_eight_bits_half_precision_comes_back_as_itself_too(drawn):
    x, qp, options = drawn
    if options["bits"] <= 8 and (qp.scale >= torch.finfo(x.dtype).tiny).all():  # no level is subnormal
        once = fake_quantize(x, *qp).detach()
        assert torch.equal(fake_quantize(once, *qp), once)


@given(hand_set(FULL))
def test_no_level_of_the_grid_is_nearer_than_the_one_that_comes_back(drawn):
    x, (scale, zero_point, *_) = drawn
    low, high = -8, 7
    codes = torch.arange(low, high + 1, dtype=torch.int8).reshape(-1, *[1] * x.ndim).expand(-1, *x.shape)
    levels = dequantize(codes, torch.as_tensor(scale, dtype=x.dtype), zero_point)
    far = (x.detach() - levels).abs().amin(0) if x.numel() else x
    own = (x.detach() - fake_quantize(x, scale, zero_point, low, high)).abs()
    assert (own <= far + slack(x, 12) * torch.as_tensor(scale)).all()


@given(tensors(min_side=1), st.booleans(), st.data())
def test_one_bit_more_never_makes_a_larger_step(x, symmetric, data):
    axis = data.draw(axes(x.ndim))
    scales = [choose_qparams(x, b, symmetric=symmetric, axis=axis).scale for b in (2, 3, 4, 8, 16)]
    assert all((finer <= coarse).all() for coarse, finer in pairwise(scales))


@given(tensors(min_side=1), grids(), st.data())
def test_a_part_never_needs_a_larger_step_than_the_whole(x, options, data):
    axis = data.draw(axes(x.ndim))
    parts, whole = (choose_qparams(x, **options, axis=kept).scale for kept in (axis, None))
    nothing = torch.ones_like(whole)  # the step of a range of zero
    assert ((parts <= whole) | (parts == nothing)).all()


# --- wrap


@given(
    st.lists(st.integers(-(2**62), 2**62)),
    st.sampled_from(range(2, 17)),
    st.booleans(),
    st.sampled_from(LAYOUTS_OF_VALUES),
)
def test_wrap_leaves_codes_as_they_are_and_memory_does_not_matter(values, bits, signed, layout):
    values = torch.tensor(values, dtype=torch.int64)
    codes = wrap(values, bits, signed=signed)
    assert torch.equal(wrap(codes, bits, signed=signed), codes)
    assert torch.equal(wrap(layout(values), bits, signed=signed), codes.expand(layout(values).shape))
    low, high = grid(bits, signed=signed)
    assert ((codes >= low) & (codes <= high)).all()


@pytest.mark.parametrize("dtype", [torch.uint16, torch.uint32, torch.uint64, torch.bool])
def test_wrap_takes_the_unsigned_dtypes(dtype):
    largest = 1 if dtype == torch.bool else torch.iinfo(dtype).max
    assert wrap(torch.tensor([0, 1, largest], dtype=dtype)).tolist() == [0, 1, 1 if dtype == torch.bool else -1]


# --- what holds no plain values


SPARSE = "x must be a dense tensor with values, got torch.sparse_coo on cpu; convert it: x.to_dense()"
META = "x must be a dense tensor with values, got torch.strided on meta; convert it: x.to_dense()"
TAKE_X = (
    choose_qparams,
    lambda x: quantize(x, 1.0, 0),
    lambda x: fake_quantize(x, 1.0, 0),
    lambda x: unclamped_codes(x, 1.0, 0),
    lambda x: split_error(x, 1.0, 0),
    lambda x: mse(SEED, x),
)


@errors(
    *((SPARSE, lambda f=f: f(SEED.to_sparse())) for f in TAKE_X),
    *((META, lambda f=f: f(SEED.to("meta"))) for f in TAKE_X),
    (
        "wrap needs finite integers, got complex numbers; take their real part: values.real",
        lambda: wrap(torch.tensor([1j])),
    ),
)
def test_what_holds_no_plain_values_is_told_in_full(text, call):
    assert message(call) == text
