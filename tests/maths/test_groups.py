"""Groups: cut, pad, and put together again."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from quantlib import QuantlibError, choose_qparams, dequantize, from_groups, quantize, to_groups
from tests.helpers.strategies import errors, grids, half_steps, message, slack, tensors

SIZE_RULE = "the group size must be a positive integer, got {}; 32 or 128 are common"
AXIS_RULE = "groups need at least one axis, got a 0-d tensor; reshape it: x.reshape(1)"
LENGTH_RULE = "length must need exactly 2 groups of 4, got {}; pass the size of the original last axis"
FOURS = torch.zeros(3, 2, 4)


@given(tensors(min_dims=1), st.integers(1, 6))
def test_groups_put_together_are_the_tensor(x, size):
    groups = to_groups(x, size)
    assert groups.shape == (*x.shape[:-1], -(-x.shape[-1] // size), size)
    assert torch.equal(from_groups(groups, x.shape[-1]), x)


@given(tensors(min_dims=1, min_side=1), st.integers(1, 6))
def test_a_group_holds_neighbours_and_the_last_is_padded_with_zeros(x, size):
    *whole, last = to_groups(x, size).unbind(-2)
    neighbours = x.split(size, dim=-1)
    assert all(torch.equal(group, part) for group, part in zip(whole, neighbours, strict=False))
    used = neighbours[-1].shape[-1]
    assert torch.equal(last[..., :used], neighbours[-1]) and (last[..., used:] == 0.0).all()


@given(tensors(min_dims=1, min_side=1), grids(), st.integers(1, 6))
def test_padding_changes_no_scale(x, options, size):
    grouped = choose_qparams(to_groups(x, size), **options, axis=tuple(range(x.ndim)))
    last = choose_qparams(x[..., (x.shape[-1] - 1) // size * size :], **options, axis=tuple(range(x.ndim - 1)))
    assert torch.equal(grouped.scale[..., -1, 0], last.scale[..., 0])


@given(tensors(min_dims=1, min_side=1), grids(), st.integers(1, 6))
def test_every_value_comes_back_within_half_a_step_of_its_group(x, options, size):
    groups = to_groups(x, size)
    qp = choose_qparams(groups, **options, axis=tuple(range(x.ndim)))
    assert qp.scale.shape == (*groups.shape[:-1], 1)
    x_hat = dequantize(quantize(groups, *qp), qp.scale, qp.zero_point)
    assert half_steps(groups, x_hat, qp.scale).max() <= 0.5 + slack(x, options["bits"])


def test_groups_save_the_neighbours_of_an_outlier():
    x = torch.tensor([0.01, 0.02, 0.03, 0.04, 100.0, 1.0, 2.0, 3.0])
    groups = to_groups(x, 4)
    qp = choose_qparams(groups, 4, axis=0)
    assert (quantize(groups, *qp)[0].unique().numel(), quantize(x, *choose_qparams(x, 4))[:4].unique().numel()) == (
        4,
        1,
    )


def test_the_gradient_passes_through_groups():
    x = torch.ones(2, 5, requires_grad=True)
    (2 * from_groups(to_groups(x, 4), 5)).sum().backward()
    assert x.grad.tolist() == [[2.0] * 5] * 2


@pytest.mark.parametrize("dtype", [torch.int8, torch.int32, torch.float16, torch.bool])
def test_codes_can_be_grouped_too(dtype):
    codes = torch.ones(2, 5).to(dtype)
    assert torch.equal(from_groups(to_groups(codes, 4), 5), codes)


def test_the_input_is_never_changed():
    x = torch.tensor([1.0, 2.0, 3.0])
    to_groups(x, 2)
    assert x.tolist() == [1.0, 2.0, 3.0]


@errors(
    *((SIZE_RULE.format(repr(s)), lambda s=s: to_groups(torch.ones(4), s)) for s in (0, -1, 2.0, True, "4", None)),
    (AXIS_RULE, lambda: to_groups(torch.tensor(1.0), 2)),
    ("groups have at least two axes, got 1; pass what to_groups returned", lambda: from_groups(torch.ones(4), 4)),
    ("groups have at least two axes, got 0; pass what to_groups returned", lambda: from_groups(torch.tensor(1.0), 1)),
    *((LENGTH_RULE.format(n), lambda n=n: from_groups(FOURS, n)) for n in (4, 9, 0, -1, 8.0)),
)
def test_wrong_groups_are_told_in_full(text, call):
    assert message(call) == text


@pytest.mark.parametrize("length", [5, 6, 7, 8])
def test_every_length_that_needs_the_groups_is_taken(length):
    assert from_groups(FOURS, length).shape == (3, length)


def test_what_is_not_a_tensor_of_groups_is_refused():
    for call in (lambda: to_groups([1.0], 2), lambda: from_groups([1.0], 2)):
        with pytest.raises(QuantlibError, match="x must be a torch tensor, got list; wrap it"):
            call()
    with pytest.raises(QuantlibError, match="length must need exactly 2 groups of 0, got 3"):
        from_groups(torch.zeros(2, 0), 3)
