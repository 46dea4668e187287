"""What several tests of the maths share: the seed's tensor, the plain formula, and hypothesis strategies."""

from collections.abc import Callable
from math import prod
from typing import Any

import numpy
import pytest
import torch
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from torch import Tensor

from quantlib import QParams, QuantlibError, choose_qparams
from quantlib.data import T as SEED  # noqa: F401

DTYPES = (torch.float16, torch.bfloat16, torch.float32, torch.float64)


def plain_codes(x: Tensor, scale: Any, zero_point: Any, quant_min: int, quant_max: int, dtype: torch.dtype) -> Tensor:
    """The formula as the seed writes it, in whole-tensor operations."""
    return (x / scale + zero_point).round().clamp(quant_min, quant_max).to(dtype)


def message(call: Callable[[], object]) -> str:
    """The whole text of the error that the call raises."""
    with pytest.raises(QuantlibError) as caught:
        call()
    return str(caught.value)


def errors(*table: tuple[str, Callable[[], object]]) -> pytest.MarkDecorator:
    """Run a test for each (text, call) of a table."""
    return pytest.mark.parametrize(("text", "call"), table, ids=[str(i) for i in range(len(table))])


def slack(x: Tensor, bits: int) -> float:
    """How far beyond half a step rounding can go, in steps, because floats are rounded too.

    x / scale, scale itself, the sum with the zero point and scale * (q - zero_point) each lose at most half a unit in
    the last place of a number below 2^(bits + 1), in float64 or else in float32.
    """
    return 2.0 ** (bits + 2) * (2.0**-53 if x.dtype == torch.float64 else 2.0**-24)


def half_steps(x: Tensor, x_hat: Tensor, scale: Any) -> Tensor:
    """|x - x_hat| in steps, in float64."""
    return (x.detach().double() - x_hat.double()).abs() / torch.as_tensor(scale).double()


# Layouts: the same values, laid out in memory in another way.


def transposed(x: Tensor) -> Tensor:
    """A view whose memory runs through the axes in the opposite order."""
    axes = tuple(reversed(range(x.ndim)))
    return x.permute(axes).contiguous().permute(axes)


def strided(x: Tensor) -> Tensor:
    """Every second value of a larger tensor."""
    return torch.stack([x, torch.full_like(x, 7.0)], dim=-1)[..., 0]


def sliced(x: Tensor) -> Tensor:
    """Every second value along every axis, from the inside of a larger tensor."""
    larger = x.new_full([2 * n + 3 for n in x.shape], 7)
    inside = larger[tuple(slice(1, 1 + 2 * n, 2) for n in x.shape)]
    return inside.copy_(x)


def expanded(x: Tensor) -> Tensor:
    """One more axis, whose three entries are the same memory."""
    return x.unsqueeze(0).expand(3, *x.shape)


def with_gradient(x: Tensor) -> Tensor:
    return x.clone().requires_grad_()


LAYOUTS = (Tensor.contiguous, transposed, strided, sliced, expanded, with_gradient)


# Strategies


@st.composite
def tensors(draw: st.DrawFn, dtypes: tuple[torch.dtype, ...] = DTYPES, min_side: int = 0, min_dims: int = 0) -> Tensor:
    """Real tensors of 0 to 4 axes, in every floating dtype and every layout, of small, usual and large size."""
    dtype = draw(st.sampled_from(dtypes))
    shape = draw(arrays.array_shapes(min_dims=min_dims, max_dims=4, min_side=min_side, max_side=4))
    size = 2.0 ** draw(st.integers(-10, 12) if dtype == torch.float16 else st.integers(-60, 100))
    values = draw(arrays.arrays(numpy.float64, shape, elements=st.floats(-1.0, 1.0), fill=st.floats(-1.0, 1.0)))
    return draw(st.sampled_from(LAYOUTS))(torch.from_numpy(numpy.asarray(values * size)).to(dtype))


def bits() -> st.SearchStrategy[int]:
    return st.sampled_from((2, 3, 4, 5, 6, 7, 8, 8, 16))


def grids() -> st.SearchStrategy[dict[str, Any]]:
    """The arguments of choose_qparams that choose a grid and a symmetry."""
    flags = {name: st.booleans() for name in ("signed", "symmetric", "narrow")}
    return st.fixed_dictionaries({"bits": bits(), **flags})


@st.composite
def axes(draw: st.DrawFn, ndim: int) -> int | tuple[int, ...] | None:
    """The axis, or axes, to keep: none, one, or several, counted from either end."""
    kept = draw(st.lists(st.integers(0, ndim - 1), unique=True)) if ndim else []
    kept = [a - ndim if draw(st.booleans()) else a for a in kept]
    return draw(st.sampled_from([None, tuple(kept), *kept[:1]]))


@st.composite
def covered(draw: st.DrawFn, dtypes: tuple[torch.dtype, ...] = DTYPES) -> tuple[Tensor, QParams, dict[str, Any]]:
    """A tensor, the qparams that choose_qparams found for it, and the arguments that it was given."""
    x = draw(tensors(dtypes, min_side=1))
    options = {**draw(grids()), "axis": draw(axes(x.ndim))}
    return x, choose_qparams(x, **options), options


@st.composite
def hand_set(draw: st.DrawFn, dtypes: tuple[torch.dtype, ...] = DTYPES) -> tuple[Tensor, QParams]:
    """A tensor and qparams as a hand on a slider sets them: values clip, z may lie outside the grid."""
    x = draw(tensors(dtypes))
    low = draw(st.sampled_from((-(2**15), -128, -127, -8, 0, 1)))
    shape = tuple(n if draw(st.booleans()) else 1 for n in x.shape)
    largest = x.detach().abs().max().item() if x.numel() else 1.0
    factors = st.lists(st.floats(1e-3, 10.0), min_size=prod(shape), max_size=prod(shape))
    shifts = st.lists(st.integers(-300, 300), min_size=prod(shape), max_size=prod(shape))
    scale = torch.tensor(draw(factors), dtype=torch.float64).reshape(shape) * max(largest, 1e-30)
    zero_point = torch.tensor(draw(shifts), dtype=torch.int32).reshape(shape)
    if scale.dtype != x.dtype:
        scale = scale.float()
    if scale.numel() == 1 and draw(st.booleans()):
        return x, QParams(scale.item(), int(zero_point.item()), low, draw(st.sampled_from((7, 127, 255))))
    return x, QParams(scale, zero_point, low, draw(st.sampled_from((7, 127, 255))))
