"""Choosing scale and zero point: 0.0 is on the grid, and every value comes back within half a step."""

import math
from types import SimpleNamespace

import pytest
import torch
from hypothesis import given

from quantlib import choose_qparams, dequantize, fake_quantize, mse, quantize, unclamped_codes
from quantlib.qparams import prepare
from tests.helpers.strategies import DTYPES, LAYOUTS, SEED, covered, errors, grids, half_steps, message, slack, tensors

EMPTY_RULE = "a range needs at least one value, got shape {}; pass a tensor with values"
FINITE_RULE = "a range needs finite values, got NaN or infinity in x; remove them: torch.nan_to_num(x)"
AXIS_RULE = "axis names dimensions of x, -2 to 1, got {}; axis is the one that is kept"
MATRIX = torch.tensor([[1.0, -2.0], [4.0, 8.0]])


def come_back(values, **options):
    x = torch.tensor(values)
    qp = choose_qparams(x, **options)
    return dequantize(quantize(x, *qp), qp.scale, qp.zero_point), qp


# --- the seed


def test_min_max_on_the_seed():
    scale, zero_point, *bounds = choose_qparams(SEED)
    assert round(scale.item(), 4) == 3.5788 and zero_point.item() == -77 and bounds == [-128, 127]
    assert round(mse(SEED, fake_quantize(SEED, scale, zero_point)), 4) == 1.5730


def test_symmetric_on_the_seed():
    scale, zero_point, *bounds = choose_qparams(SEED, symmetric=True)
    assert round(scale.item(), 4) == 5.7370 and zero_point.item() == 0 and bounds == [-128, 127]
    assert round(mse(SEED, fake_quantize(SEED, scale, zero_point)), 4) == 2.5092


@pytest.mark.parametrize(
    ("scale", "zero_points"),
    [(912.6 / 255, range(-77, -76)), (3.6, range(-77, -74)), (3.7, range(-78, -69))],
)
def test_the_zero_points_with_which_nothing_of_the_seed_clips(scale, zero_points):
    def clips(zero_point):
        codes = unclamped_codes(SEED, scale, zero_point)
        return codes.min() < -128 or codes.max() > 127

    assert [z for z in range(-200, 200) if not clips(z)] == list(zero_points)


# --- what holds for every tensor, grid and axis


@given(covered())
def test_every_value_comes_back_within_half_a_step(drawn):
    x, qp, options = drawn
    x_hat = dequantize(quantize(x, *qp), qp.scale, qp.zero_point)
    assert half_steps(x, x_hat, qp.scale).max() <= 0.5 + slack(x, options["bits"])


@given(covered())
def test_zero_is_on_the_grid(drawn):
    _, qp, _ = drawn
    assert (qp.quant_min <= qp.zero_point).all() and (qp.zero_point <= qp.quant_max).all()


@given(covered())
def test_zero_comes_back_as_exactly_zero(drawn):
    x, qp, _ = drawn
    zeros = torch.zeros_like(x)
    q = quantize(zeros, *qp)
    assert (q == qp.zero_point).all()
    assert (dequantize(q, qp.scale, qp.zero_point) == 0.0).all() and (fake_quantize(zeros, *qp) == 0.0).all()


@given(tensors(min_side=1), grids())
def test_symmetric_clips_nothing_and_its_zero_point_is_the_middle(x, options):
    qp = choose_qparams(x, **{**options, "symmetric": True})
    codes = unclamped_codes(x, qp.scale, qp.zero_point)
    assert codes.min() >= qp.quant_min and codes.max() <= qp.quant_max
    assert qp.zero_point.item() == (0 if options["signed"] else 2 ** (options["bits"] - 1))


@given(tensors(min_side=1), grids())
def test_min_max_uses_the_grid_to_within_one_code_of_its_ends(x, options):
    qp = choose_qparams(x, **{**options, "symmetric": False})
    codes = quantize(torch.cat([x.detach().flatten(), torch.zeros(1, dtype=x.dtype)]), *qp)
    if x.detach().abs().max() > 1e-30:
        assert codes.min() <= qp.quant_min + 1 and codes.max() >= qp.quant_max - 1


@given(covered())
def test_qparams_have_the_documented_types(drawn):
    x, qp, _ = drawn
    assert qp.scale.dtype == (torch.float64 if x.dtype == torch.float64 else torch.float32)
    assert qp.zero_point.dtype == torch.int32
    assert type(qp.quant_min) is int and type(qp.quant_max) is int
    assert qp.scale.shape == qp.zero_point.shape
    assert not qp.scale.requires_grad


@given(covered())
def test_kept_axes_keep_their_size_and_the_others_become_one(drawn):
    x, qp, options = drawn
    axis = options["axis"]
    kept = {a % x.ndim for a in (axis if isinstance(axis, tuple) else (axis,))} if axis is not None else set()
    expected = () if axis is None else tuple(n if d in kept else 1 for d, n in enumerate(x.shape))
    assert qp.scale.shape == expected


@given(tensors(min_side=1, min_dims=1), grids())
def test_a_kept_axis_has_what_each_of_its_slices_has_alone(x, options):
    kept = choose_qparams(x, **options, axis=0)
    for i, part in enumerate(x):
        alone = choose_qparams(part, **options)
        assert kept.scale[i].item() == alone.scale.item() and kept.zero_point[i].item() == alone.zero_point.item()


@given(covered())
def test_the_input_is_never_changed(drawn):
    x, _, options = drawn
    before = x.detach().clone()
    choose_qparams(x, **options)
    assert torch.equal(x.detach(), before)


def test_a_row_has_its_own_scale():
    x = torch.tensor([[0.0, 255.0], [0.0, 2.55]])
    scale, zero_point, *_ = choose_qparams(x, axis=0)
    assert scale.flatten().tolist() == pytest.approx([1.0, 0.01]) and zero_point.flatten().tolist() == [-128, -128]


def test_the_axes_of_a_tuple_are_all_kept():
    assert choose_qparams(torch.ones(2, 3, 4), axis=(0, -1)).scale.shape == (2, 1, 4)


def test_no_kept_axis_in_a_tuple_leaves_the_number_of_dimensions():
    assert choose_qparams(torch.ones(2, 3), axis=()).scale.shape == (1, 1)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_the_layout_in_memory_changes_nothing(layout, dtype):
    x = MATRIX.to(dtype)
    assert choose_qparams(layout(x)) == choose_qparams(x)


@pytest.mark.parametrize(
    ("signed", "narrow", "scale", "zero_point"),
    [(True, False, 5 / 255, -77), (True, True, 5 / 254, -76), (False, False, 5 / 255, 51), (False, True, 5 / 254, 52)],
)
def test_min_max_by_hand(signed, narrow, scale, zero_point):
    qp = choose_qparams(torch.tensor([-1.0, 4.0]), signed=signed, narrow=narrow)
    assert qp.scale.item() == pytest.approx(scale) and qp.zero_point.item() == zero_point


@pytest.mark.parametrize(
    ("signed", "narrow", "zero_point"), [(True, False, 0), (True, True, 0), (False, False, 128), (False, True, 128)]
)
def test_symmetric_by_hand(signed, narrow, zero_point):
    qp = choose_qparams(torch.tensor([-3.0, 1.0]), signed=signed, narrow=narrow, symmetric=True)
    assert qp.scale.item() == pytest.approx(3 / 127) and qp.zero_point.item() == zero_point


# --- ranges on which published code breaks


def test_a_range_without_zero_comes_back_distinct():
    values = [1000.0, 1010.0, 1020.0, 1050.0]
    x_hat, qp = come_back(values)
    assert len(set(x_hat.tolist())) == 4
    assert half_steps(torch.tensor(values), x_hat, qp.scale).max() <= 0.5 + slack(x_hat, 8)


@pytest.mark.parametrize("symmetric", [True, False])
@pytest.mark.parametrize(
    "values", [[5.0], [-5.0], [1.0, 2.0], [-2.0, 1.0], [3e38, -3e38], [1e-44], [-1e-44, 1e-44], [1e-38, 0.0]]
)
def test_an_unusual_range_comes_back_within_half_a_step(values, symmetric):
    x_hat, qp = come_back(values, symmetric=symmetric)
    assert half_steps(torch.tensor(values), x_hat, qp.scale).max() <= 0.5 + slack(x_hat, 8)


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_largest_values_of_a_dtype_have_a_scale(dtype):
    largest = torch.finfo(dtype).max
    qp = choose_qparams(torch.tensor([-largest, largest], dtype=dtype))
    assert qp.scale.item() == pytest.approx(2 * (largest / 255))


@pytest.mark.parametrize("symmetric", [True, False])
@pytest.mark.parametrize("values", [[0.0], [0.0, -0.0], [[0.0, 0.0]]])
def test_a_range_of_zero_has_scale_one(values, symmetric):
    x_hat, qp = come_back(values, symmetric=symmetric)
    assert qp.scale.item() == 1.0 and (x_hat == 0.0).all()


def test_only_the_row_of_zeros_has_scale_one():
    assert choose_qparams(torch.tensor([[0.0, 0.0], [0.0, 255.0]]), axis=0).scale.tolist() == [[1.0], [1.0]]
    assert choose_qparams(torch.tensor([[0.0, 0.0], [0.0, 510.0]]), axis=0).scale.tolist() == [[1.0], [2.0]]


def test_the_range_is_computed_in_float64():
    x = torch.tensor([-1.0, 3e7], dtype=torch.float32)
    assert choose_qparams(x, 16).scale.item() == torch.tensor(30000001 / 65535, dtype=torch.float32).item()


# --- on another device


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("scale", "zero_point"), [(0.5, 3), (torch.tensor([0.5]), torch.tensor([3]))])
def test_elsewhere_than_on_the_cpu_scale_and_zero_point_become_tensors_there(dtype, scale, zero_point):
    x = torch.empty(2, device="meta")
    for value in prepare(x, dtype, scale, zero_point):
        assert isinstance(value, torch.Tensor) and value.device == x.device and value.dtype == dtype


@pytest.mark.parametrize(("scale", "zero_point"), [(0.5, 3), (torch.tensor([0.5]), torch.tensor([3]))])
def test_elsewhere_than_on_the_cpu_scale_and_zero_point_keep_their_values(scale, zero_point):
    x = SimpleNamespace(shape=(2,), device=torch.device("cpu"), is_cpu=False)  # elsewhere, but it can be read here
    s, z = prepare(x, torch.float32, scale, zero_point)
    assert s.item() == 0.5 and z.item() == 3.0


# --- errors


@errors(
    (EMPTY_RULE.format("(0,)"), lambda: choose_qparams(torch.tensor([]))),
    (EMPTY_RULE.format("(2, 0)"), lambda: choose_qparams(torch.ones(2, 0), axis=0)),
    *((FINITE_RULE, lambda v=v: choose_qparams(torch.tensor([1.0, v]))) for v in (math.nan, math.inf, -math.inf)),
    (FINITE_RULE, lambda: choose_qparams(torch.tensor([[1.0, 2.0], [math.nan, 0.0]]), axis=0)),
    (FINITE_RULE, lambda: choose_qparams(torch.tensor(math.nan))),
    *((AXIS_RULE.format(a), lambda a=a: choose_qparams(MATRIX, axis=a)) for a in (2, -3, (0, 2), [0], "0", 0.0)),
    (
        "bits must be an integer from 2 to 16, got 8.0; use 8 for int8, 4 for int4",
        lambda: choose_qparams(MATRIX, 8.0),
    ),
    ("x must be a torch tensor, got list; wrap it: torch.tensor(x)", lambda: choose_qparams([1.0])),
    (
        "x must hold floating-point numbers, got torch.int64; convert it: x.float()",
        lambda: choose_qparams(torch.tensor([1])),
    ),
)
def test_a_range_that_cannot_be_chosen_is_told_in_full(text, call):
    assert message(call) == text
