"""What real programs pass in: every layout in memory, every floating dtype, gradients, nothing."""

import pytest
import torch

from quantlib.formats import (
    E2M1,
    NF4,
    dequantize_gguf,
    encode_float,
    fake_quantize_levels,
    fake_quantize_mx,
    fake_quantize_nvfp4,
    lloyd_max,
    nearest,
    quantize_gguf,
    quantize_nf4,
    round_to_float,
)
from tests.helpers.strategies import DTYPES, LAYOUTS

X = torch.randn(4, 512, generator=torch.Generator().manual_seed(0))
MANY = torch.linspace(-3, 3, 100)
TAKE_X = {
    "round_to_float": lambda x: round_to_float(x, E2M1),
    "encode_float": lambda x: encode_float(x, E2M1),
    "fake_quantize_mx": fake_quantize_mx,
    "fake_quantize_nvfp4": fake_quantize_nvfp4,
    "nearest": lambda x: nearest(x, NF4),
    "nearest of many": lambda x: nearest(x, MANY),
    "fake_quantize_levels": lambda x: fake_quantize_levels(x, NF4, 2.0),
    "lloyd_max": lambda x: lloyd_max(x, NF4),
    "quantize_nf4": lambda x: quantize_nf4(x)[0],
    **{kind: lambda x, kind=kind: quantize_gguf(x, kind) for kind in ("F32", "F16", "Q8_0", "Q4_0", "Q4_1", "Q4_K")},
}
each = pytest.mark.parametrize("call", TAKE_X.values(), ids=TAKE_X)


@each
@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_layout_in_memory_changes_nothing_and_no_gradient_is_left(call, layout):
    x = layout(X.clone())
    before = x.detach().clone()
    found = call(x)
    assert torch.equal(found, call(x.detach().contiguous())) and not found.requires_grad
    assert torch.equal(x.detach(), before)


@each
@pytest.mark.parametrize("dtype", [*DTYPES, torch.float8_e4m3fn, torch.float8_e5m2])
def test_a_narrow_dtype_is_computed_in_float32(call, dtype):
    x = X.to(dtype)
    found, wide = call(x), call(x.double() if dtype == torch.float64 else x.float())
    assert torch.equal(found.float(), wide.to(found.dtype).float())


@each
def test_nothing_gives_nothing(call):
    if call is not TAKE_X["lloyd_max"]:
        assert call(X[:0]).numel() == 0


@pytest.mark.parametrize("kind", ["F32", "Q8_0", "Q4_0", "Q4_1", "Q4_K"])
def test_bytes_may_lie_anywhere_too(kind):
    data = quantize_gguf(X, kind)
    for layout in LAYOUTS[:5]:
        assert torch.equal(dequantize_gguf(layout(data), kind), dequantize_gguf(layout(data).contiguous(), kind))
