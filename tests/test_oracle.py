"""torch's own fake quantization, as an independent judge.

torch rounds x * (1 / scale) and then adds the zero point; we round x / scale + zero_point. The two agree except where
x / scale is half-way between two integers, or nearly so. Such values are left out: which code they get is a convention.
"""

from math import prod

import pytest
import torch
from strategies import half_steps
from torch.ao.quantization import observer as observers

from quantlib import choose_qparams, fake_quantize

TIE = 1e-4  # in steps
GRIDS = ((-128, 127), (-127, 127), (0, 255), (-8, 7), (0, 15), (-2, 1))


def away_from_ties(x, scale):
    """x, where it lies so near a half-way point that the order of operations decides moved away from it."""
    steps = x.double() / torch.as_tensor(scale).double()
    near = ((steps - steps.floor()) - 0.5).abs() < TIE
    return torch.where(near, (steps.floor() + 0.3) * scale, x.double()).to(x.dtype)


def values(shape, seed=0):
    return 3 * torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def with_gradient(function, x, *rest):
    """The result, and the gradient of a weighted sum of it."""
    x = x.clone().requires_grad_()
    result = function(x, *rest)
    weights = torch.arange(1.0, x.numel() + 1).reshape(x.shape)
    (gradient,) = torch.autograd.grad(result, x, weights)
    return result.detach(), gradient


def assert_same(ours, theirs):
    for mine, other in zip(ours, theirs, strict=True):
        assert torch.equal(mine, other)


def assert_observed(qp, observer, scheme, x):
    """An observer of torch, on the same grid, finds this zero point, and this scale to the last bits of float32."""
    dtype = torch.int8 if qp.quant_min < 0 else torch.uint8
    watch = observer(dtype=dtype, qscheme=scheme, quant_min=qp.quant_min, quant_max=qp.quant_max, eps=0.0)
    watch(x)
    scale, zero_point = watch.calculate_qparams()
    assert torch.equal(zero_point, qp.zero_point.flatten())
    torch.testing.assert_close(scale, qp.scale.flatten(), rtol=3e-7, atol=0.0)


@pytest.mark.parametrize("bounds", GRIDS)
@pytest.mark.parametrize("scale", [0.02, 0.1, 0.7, 3.5])
@pytest.mark.parametrize("place", [0.0, 0.3, 1.0])
def test_one_scale_gives_torchs_values_and_gradients(bounds, scale, place):
    low, high = bounds
    zero_point = round(low + place * (high - low))
    x = away_from_ties(values((40, 50)), scale)
    theirs = with_gradient(torch.fake_quantize_per_tensor_affine, x, scale, zero_point, low, high)
    assert_same(with_gradient(fake_quantize, x, scale, zero_point, low, high), theirs)


@pytest.mark.parametrize("bounds", GRIDS)
@pytest.mark.parametrize(("shape", "axis"), [((6, 50), 0), ((50, 6), 1), ((2, 6, 5, 4), 1), ((5, 4, 3, 6), 3)])
def test_one_scale_for_each_index_of_an_axis_gives_torchs_values_and_gradients(bounds, shape, axis):
    low, high = bounds
    scale = torch.tensor([0.02, 0.05, 0.1, 0.3, 0.7, 2.0])
    zero_point = torch.linspace(low, high, 6).round().int()
    along = [6 if d == axis else 1 for d in range(len(shape))]
    x = away_from_ties(values(shape), scale.reshape(along))
    theirs = with_gradient(torch.fake_quantize_per_channel_affine, x, scale, zero_point, axis, low, high)
    assert_same(with_gradient(fake_quantize, x, scale.reshape(along), zero_point.reshape(along), low, high), theirs)


@pytest.mark.parametrize("bits", [2, 4, 8])
@pytest.mark.parametrize("symmetric", [True, False])
@pytest.mark.parametrize("axis", [None, 0, 1])
def test_chosen_qparams_serve_torch_as_well(bits, symmetric, axis):
    x = values((30, 40), seed=bits)
    scale, zero_point, low, high = choose_qparams(x, bits, symmetric=symmetric, axis=axis)
    x = away_from_ties(x, scale)
    if axis is None:
        theirs = torch.fake_quantize_per_tensor_affine(x, scale, zero_point, low, high)
    else:
        theirs = torch.fake_quantize_per_channel_affine(x, scale.flatten(), zero_point.flatten(), axis, low, high)
    assert torch.equal(fake_quantize(x, scale, zero_point, low, high), theirs)


@pytest.mark.parametrize(
    ("bits", "signed", "narrow"), [(8, True, False), (8, True, True), (8, False, False), (4, True, False)]
)
def test_min_max_finds_what_torchs_observers_find(bits, signed, narrow):
    for seed in range(20):
        x = values((6, 40), seed) * 10.0 ** (seed % 7 - 3) + seed % 3
        tensor, rows = (choose_qparams(x, bits, signed=signed, narrow=narrow, axis=axis) for axis in (None, 0))
        assert_observed(tensor, observers.MinMaxObserver, torch.per_tensor_affine, x)
        assert_observed(rows, observers.PerChannelMinMaxObserver, torch.per_channel_affine, x)


@pytest.mark.parametrize("bits", [2, 4, 8])
def test_narrow_symmetric_is_what_torchs_observers_find(bits):
    x = values((6, 40))
    tensor, rows = (choose_qparams(x, bits, symmetric=True, narrow=True, axis=axis) for axis in (None, 0))
    assert_observed(tensor, observers.MinMaxObserver, torch.per_tensor_symmetric, x)
    assert_observed(rows, observers.PerChannelMinMaxObserver, torch.per_channel_symmetric, x)


def test_on_the_full_grid_torchs_symmetric_scale_is_smaller_and_may_clip():
    observer = observers.MinMaxObserver(torch.int8, torch.per_tensor_symmetric, quant_min=-128, quant_max=127, eps=0.0)
    observer(torch.tensor([-1.0, 2.0]))
    assert observer.calculate_qparams()[0].item() == pytest.approx(2 / 127.5)
    assert choose_qparams(torch.tensor([-1.0, 2.0]), symmetric=True).scale.item() == pytest.approx(2 / 127)


def test_at_ties_the_conventions_differ_for_an_odd_zero_point_only():
    x = torch.arange(-20, 20) + 0.5
    for zero_point, same in ((0, True), (4, True), (1, False), (-7, False)):
        theirs = torch.fake_quantize_per_tensor_affine(x, 1.0, zero_point, -128, 127)
        assert torch.equal(fake_quantize(x, 1.0, zero_point), theirs) is same


def test_few_values_are_moved_away_from_ties():
    x = values((40, 50))
    moved = away_from_ties(x, 0.1) != x
    assert moved.sum() < prod(x.shape) / 1000
    assert half_steps(x, away_from_ties(x, 0.1), 0.1).max() < 0.21
