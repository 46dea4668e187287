"""Small floats: against ml_dtypes, torch's own casts, and torchao's MX and NVFP4."""

import logging
import warnings

import ml_dtypes
import numpy
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from quantlib import sqnr_db, tiles
from quantlib.formats import (
    E2M1,
    E2M3,
    E3M2,
    E4M3,
    E5M2,
    FloatFormat,
    decode_float,
    encode_float,
    fake_quantize_mx,
    fake_quantize_nvfp4,
    float_format,
    float_levels,
    power_of_two_scale,
    round_to_float,
)
from tests.helpers.strategies import errors, message

FORMATS = {
    E4M3: ml_dtypes.float8_e4m3fn,
    E5M2: ml_dtypes.float8_e5m2,
    E2M1: ml_dtypes.float4_e2m1fn,
    E2M3: ml_dtypes.float6_e2m3fn,
    E3M2: ml_dtypes.float6_e3m2fn,
}
CASTS = {E4M3: torch.float8_e4m3fn, E5M2: torch.float8_e5m2}
RULES = ("floor", "ceil", "rceil", "even")
HALVES = torch.arange(2**16, dtype=torch.int32).to(torch.int16).view(torch.float16)
NUMBERS = HALVES[~HALVES.isnan()]  # every number of float16, infinities and subnormals among them
each = pytest.mark.parametrize("format", FORMATS, ids=lambda f: f"E{f.exponent_bits}M{f.mantissa_bits}")


def rounded_by_ml_dtypes(x, format):
    """What ml_dtypes makes of x, after a clamp: some of its formats have infinities, and some make NaN."""
    numbers = numpy.clip(x.numpy(), -format.largest, format.largest).astype(FORMATS[format])
    return torch.from_numpy(numbers.astype(x.numpy().dtype))


def spread(shape, seed=0):
    """Normal numbers of many sizes, a row of zeros among them."""
    x = torch.randn(shape, generator=torch.Generator().manual_seed(seed))
    x *= torch.logspace(-6, 6, shape[0])[:, None]
    x[0] = 0.0
    return x


@each
def test_every_float16_is_rounded_as_ml_dtypes_rounds_it(format):
    for x in (NUMBERS, NUMBERS.float(), NUMBERS.double(), NUMBERS.bfloat16()):
        wide = x.float() if x.dtype == torch.bfloat16 else x
        assert torch.equal(round_to_float(x, format), rounded_by_ml_dtypes(wide, format).to(x.dtype))


@each
@given(arrays.arrays(numpy.float32, st.integers(0, 40), elements=st.floats(width=32, allow_nan=False)))
def test_any_float32_is_rounded_as_ml_dtypes_rounds_it(format, values):
    x = torch.from_numpy(values)
    assert torch.equal(round_to_float(x, format), rounded_by_ml_dtypes(x, format))


@each
def test_float64_is_rounded_once(format):
    levels = float_levels(format).double()
    middle = (levels[1:] + levels[:-1]) / 2
    for x, wanted in ((middle * (1 - 2.0**-40), levels[:-1]), (middle * (1 + 2.0**-40), levels[1:])):
        assert torch.equal(round_to_float(x, format), wanted)


@pytest.mark.parametrize("format", CASTS)
def test_rounding_is_torchs_cast_after_a_clamp(format):
    x = NUMBERS.float()
    cast = x.clamp(-format.largest, format.largest).to(CASTS[format])
    assert torch.equal(round_to_float(x, format), cast.float())
    assert torch.equal(encode_float(x, format), cast.view(torch.uint8))


@each
def test_every_code_means_what_ml_dtypes_says(format):
    codes = torch.arange(2**format.bits, dtype=torch.uint8)
    wanted = codes.numpy().view(FORMATS[format]).astype(numpy.float32)
    assert numpy.array_equal(decode_float(codes, format).numpy(), wanted, equal_nan=True)
    finite = numpy.isfinite(wanted)
    assert torch.equal(encode_float(torch.from_numpy(wanted[finite]), format), codes[torch.from_numpy(finite)])


@each
def test_levels_are_the_finite_values_from_zero_on(format):
    levels = float_levels(format)
    values = decode_float(torch.arange(2 ** (format.bits - 1)), format)
    assert torch.equal(levels, values[values.isfinite()]) and levels[-1] == format.largest
    assert bool((levels.diff() > 0).all())


@pytest.mark.parametrize("exponent_bits", range(8))
def test_a_float_of_any_width_rounds_to_its_nearest_level(exponent_bits):
    format = float_format(exponent_bits, 7 - exponent_bits)
    levels = float_levels(format)
    assert len(levels) == 128
    x = torch.cat([levels, (levels[1:] + levels[:-1]) / 2, torch.rand(500) * levels[-1]])
    x = torch.cat([x, -x])
    near = (x[:, None].abs() - levels).abs().amin(1)
    found = round_to_float(x, format)
    assert torch.equal((found - x).abs(), near)
    codes = encode_float(x, format) & 127
    assert torch.equal(levels[codes.long()], found.abs())
    halves = codes[128:255]  # of the values in the middle: the code is even
    assert (halves % 2 == 0).all() or format.mantissa_bits == 0


def test_one_exponent_bit_is_a_fixed_point_number():
    assert float_levels(float_format(1, 2)).diff().unique().tolist() == [0.5]
    assert float_levels(float_format(0, 3)).tolist() == [k / 4 for k in range(8)]


def test_special_values():
    x = torch.tensor([torch.nan, torch.inf, -torch.inf, -0.0, 1e-45, 3e38])
    assert round_to_float(x, E4M3).isnan().tolist() == [True] + [False] * 5
    assert round_to_float(x[1:], E4M3).tolist() == [448.0, -448.0, 0.0, 0.0, 448.0]
    assert not round_to_float(torch.tensor([-0.0, -1e-9]), E2M1).signbit().any()
    assert encode_float(torch.tensor([-0.0, -1e-9]), E2M1).tolist() == [8, 8]
    assert round_to_float(torch.tensor([65504.0], dtype=torch.float16), float_format(5, 2)).item() == 65504.0


def test_the_error_of_a_float_follows_its_mantissa_bits():
    x = 1 + torch.rand(2**18, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    for bits in (2, 3, 4):
        found = sqnr_db(x, round_to_float(x, float_format(3, bits)))
        assert abs(found - 10 * numpy.log10(28 * 4.0**bits)) < 0.1


@each
def test_tiles_and_layouts_change_nothing(format, monkeypatch):
    x = spread((9, 64))
    wanted = round_to_float(x, format), encode_float(x, format), fake_quantize_mx(x, format)
    monkeypatch.setattr(tiles, "LARGE", 8)
    monkeypatch.setattr(tiles, "TILE", 96)
    for y in (x, x.T.contiguous().T, x.clone().requires_grad_()):
        found = round_to_float(y, format), encode_float(y, format), fake_quantize_mx(y, format)
        assert all(torch.equal(a, b) and not a.requires_grad for a, b in zip(found, wanted, strict=True))
    assert torch.equal(decode_float(wanted[1], format), wanted[0])


def torchaos_mx(x, dtype, rule):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logging.getLogger("torchao").setLevel(logging.ERROR)
        from torchao.prototype.mx_formats.config import ScaleCalculationMode
        from torchao.prototype.mx_formats.mx_tensor import MXTensor

        return MXTensor.to_mx(x, dtype, 32, ScaleCalculationMode(rule)).dequantize(torch.float32)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize(
    ("format", "dtype"), [(E4M3, torch.float8_e4m3fn), (E5M2, torch.float8_e5m2), (E2M1, torch.float4_e2m1fn_x2)]
)
def test_mx_is_torchaos(format, dtype, rule):
    powers = 2.0 ** torch.arange(-20, 20)[:, None] * torch.ones(1, 32)
    for x in (spread((256, 256)), powers, powers * 0.75, powers * 1.75, powers * 1.9999):
        assert torch.equal(fake_quantize_mx(x, format, rule), torchaos_mx(x, dtype, rule))


def test_nvfp4_is_torchaos_but_for_near_ties():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from torchao.prototype.mx_formats import nvfp4_tensor as theirs

        x = torch.randn(512, 256, generator=torch.Generator().manual_seed(0))
        whole = theirs.per_tensor_amax_to_scale(x.abs().max())
        for scale in (whole, None):
            wanted = theirs.NVFP4Tensor.to_nvfp4(x, per_tensor_scale=scale).dequantize(torch.float32)
            found = fake_quantize_nvfp4(x, tensor_scale=scale is not None)
            same = (found - wanted).abs() <= 1e-5 * wanted.abs()
            assert same.float().mean() > 0.9999
            assert (found - wanted).abs().max() <= 1.0


@pytest.mark.parametrize("rule", RULES)
def test_a_scale_is_the_power_of_two_that_its_rule_says(rule):
    a = torch.rand(1000, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 1000 + 1e-6
    for format in FORMATS:
        scale = power_of_two_scale(a, format, rule).double()
        assert torch.equal(scale.log2(), scale.log2().round())
        ratio = a / scale
        if rule == "rceil":
            assert (ratio <= format.largest).all() and (ratio > format.largest / 2).all()
        if rule == "floor":
            assert (ratio.log2().floor() == format.largest_exponent).all()
        if rule == "ceil":
            assert (ratio.log2().ceil() == format.largest_exponent).all()


def test_scales_stay_in_the_eight_bits_of_e8m0():
    a = torch.tensor([0.0, 1e-45, 3.4e38])
    assert power_of_two_scale(a, E2M1).tolist() == [2.0**-127, 2.0**-127, 2.0**125]
    assert power_of_two_scale(torch.tensor([1e300], dtype=torch.float64), E2M1).item() == 2.0**127


def test_a_block_that_is_not_full_stands_alone():
    x = spread((3, 70))
    wanted = torch.cat([fake_quantize_mx(x[:, :64]), fake_quantize_mx(x[:, 64:])], dim=1)
    assert torch.equal(fake_quantize_mx(x), wanted)
    assert fake_quantize_mx(x.half().clamp(-1e4, 1e4)).dtype == torch.float16
    assert fake_quantize_mx(x[:0]).shape == (0, 70) and fake_quantize_nvfp4(x[:, :0]).shape == (3, 0)


def test_without_a_scale_for_all_small_weights_are_lost():
    x = torch.randn(64, 64, generator=torch.Generator().manual_seed(0))
    assert sqnr_db(x * 1e-4, fake_quantize_nvfp4(x * 1e-4)) > 20
    assert fake_quantize_nvfp4(x * 1e-4, tensor_scale=False).abs().max() == 0
    assert fake_quantize_nvfp4(torch.zeros(2, 16)).abs().max() == 0


X = torch.ones(3)


@errors(
    (
        "a sign, an exponent and a mantissa take 2 to 8 bits, got (5, 3); use (4, 3) or (2, 1)",
        lambda: float_format(5, 3),
    ),
    (
        "a sign, an exponent and a mantissa take 2 to 8 bits, got (0, 0); use (4, 3) or (2, 1)",
        lambda: float_format(0, 0),
    ),
    ("x must be a torch tensor, got list; wrap it: torch.tensor(x)", lambda: round_to_float([1.0], E4M3)),
    (
        "x must not hold NaN, which has no code in most formats, got NaN; torch.nan_to_num(x)",
        lambda: encode_float(X * torch.nan, E4M3),
    ),
    ("codes are an integer tensor, got torch.float32; pass what encode_float returned", lambda: decode_float(X, E4M3)),
    (
        "a code of 4 bits lies in [0, 15], got 3 to 16; pass what encode_float returned",
        lambda: decode_float(torch.tensor([3, 16]), E2M1),
    ),
    (
        "the rule must be one of ('floor', 'ceil', 'rceil', 'even'), got 'round'; choose one of them",
        lambda: power_of_two_scale(X, E4M3, "round"),
    ),
    (
        "a block needs finite values, got NaN or infinity; remove them: torch.nan_to_num(x)",
        lambda: fake_quantize_mx(X * torch.inf),
    ),
    (
        "a block needs finite values, got NaN or infinity; remove them: torch.nan_to_num(x)",
        lambda: fake_quantize_nvfp4(X * torch.nan),
    ),
    ("groups need at least one axis, got a 0-d tensor; reshape it: x.reshape(1)", lambda: fake_quantize_mx(X[0])),
)
def test_an_error_says_the_rule_what_came_and_what_to_do(text, call):
    assert message(call) == text


def test_a_format_is_what_its_name_says():
    assert (E4M3.bias, E4M3.bits, E4M3.largest_exponent) == (7, 8, 8)
    assert isinstance(E2M1, FloatFormat) and E2M1.largest_exponent == 2
