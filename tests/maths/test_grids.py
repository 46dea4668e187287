"""Grids: which codes exist, what stores them, and how a fixed number of bits wraps around."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from quantlib import QuantlibError, dequantize, grid, l2_error, wrap
from quantlib.grids import check_bits, code_dtype
from tests.helpers.strategies import SEED, errors, message

BITS = range(2, 17)
BITS_RULE = "bits must be an integer from 2 to 16, got {}; use 8 for int8, 4 for int4"
ORDER_RULE = "the grid needs quant_min < quant_max, got {}; signed 4-bit, for example, is [-8, 7]"
WIDTH_RULE = "a grid holds codes of at most 16 bits, got {}; stay in [-32768, 32767] or in [0, 65535]"
INTEGER_RULE = "the bounds of a grid are integers, got {}; write -128 and 127, for example"
WRAP_RULE = "wrap needs finite integers, got a fraction, NaN or infinity; round the values first"


def wrapped(value, bits, signed):
    """Two's complement in Python's own integers, which never overflow."""
    code = value % 2**bits
    return code - 2**bits if signed and code >= 2 ** (bits - 1) else code


@pytest.mark.parametrize("bits", BITS)
def test_a_full_grid_has_two_to_the_bits_codes(bits):
    assert grid(bits) == (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    assert grid(bits, signed=False) == (0, 2**bits - 1)


@pytest.mark.parametrize("bits", BITS)
def test_a_narrow_grid_gives_up_its_lowest_code(bits):
    assert grid(bits, narrow=True) == (-(2 ** (bits - 1)) + 1, 2 ** (bits - 1) - 1)
    assert grid(bits, signed=False, narrow=True) == (1, 2**bits - 1)


def test_a_narrow_signed_grid_is_symmetric():
    assert [sum(grid(bits, narrow=True)) for bits in BITS] == [0] * len(BITS)


@pytest.mark.parametrize(
    ("bounds", "dtype"),
    [
        ((-128, 127), torch.int8),
        ((-1, 0), torch.int8),
        ((-8, 7), torch.int8),
        ((0, 255), torch.uint8),
        ((0, 127), torch.uint8),
        ((0, 1), torch.uint8),
        ((1, 15), torch.uint8),
        ((-1, 128), torch.int16),
        ((-129, 0), torch.int16),
        ((0, 256), torch.int16),
        ((-(2**15), 2**15 - 1), torch.int16),
        ((0, 2**15), torch.int32),
        ((0, 2**16 - 1), torch.int32),
    ],
)
def test_codes_are_stored_in_the_smallest_dtype(bounds, dtype):
    assert code_dtype(*bounds) == dtype


@given(st.integers(-(2**15), 2**16 - 1), st.integers(-(2**15), 2**16 - 1))
def test_every_code_of_a_grid_fits_its_dtype(low, high):
    if low < high and (low >= 0 or high < 2**15):
        stored = torch.iinfo(code_dtype(low, high))
        assert stored.min <= low and high <= stored.max


@errors(
    *((BITS_RULE.format(repr(b)), lambda b=b: grid(b)) for b in (1, 0, -8, 17, 8.0, True, "8", None, torch.tensor(8))),
    (BITS_RULE.format(1), lambda: check_bits(1)),
    (BITS_RULE.format(32), lambda: wrap(torch.tensor([1]), 32)),
    (ORDER_RULE.format("[8, 7]"), lambda: code_dtype(8, 7)),
    (ORDER_RULE.format("[7, 7]"), lambda: code_dtype(7, 7)),
    (WIDTH_RULE.format("[0, 65536]"), lambda: code_dtype(0, 65536)),
    (WIDTH_RULE.format("[-1, 32768]"), lambda: code_dtype(-1, 32768)),
    (WIDTH_RULE.format("[-32769, 0]"), lambda: code_dtype(-32769, 0)),
    (INTEGER_RULE.format("[-8.0, 7]"), lambda: code_dtype(-8.0, 7)),
    (INTEGER_RULE.format("[-8, True]"), lambda: code_dtype(-8, True)),
    (INTEGER_RULE.format("[False, 7]"), lambda: code_dtype(False, 7)),
    (INTEGER_RULE.format("[None, 7]"), lambda: code_dtype(None, 7)),
    *((WRAP_RULE, lambda v=v: wrap(torch.tensor([1.0, v]))) for v in (0.5, math.nan, math.inf, -math.inf)),
)
def test_a_wrong_grid_is_told_in_full(text, call):
    assert message(call) == text


def test_a_wrong_bound_is_an_error_also_after_an_equal_right_one():
    code_dtype(0, 1)
    assert message(lambda: code_dtype(0, 1.0)) == INTEGER_RULE.format("[0, 1.0]")


# --- wrap


def test_the_naive_max_abs_cast_of_the_seed_wraps_around():
    codes = wrap((SEED / 728.6 * 255).round())
    assert codes.tolist() == [[67, -5, -1], [32, 103, -64], [0, -16, 86]]
    x_hat = dequantize(codes, 728.6 / 255, 0)
    expected = [[191.4361, -14.2863, -2.8573], [91.4322, 294.2972, -182.8643], [0.0, -45.7161, 245.7239]]
    assert x_hat.flatten().tolist() == pytest.approx([value for row in expected for value in row], abs=1e-4)
    assert round(l2_error(SEED, x_hat), 4) == 1033.6320


def test_subtracting_z_in_eight_bits_wraps_a_large_value():
    assert (3.5 * wrap(torch.tensor(127 + 70))).item() == -206.5
    assert dequantize(torch.tensor(127, dtype=torch.int8), 3.5, -70).item() == 689.5


@given(st.lists(st.integers(-(2**63), 2**63 - 1)), st.sampled_from(BITS), st.booleans())
def test_wrap_of_integers_is_pythons_arithmetic(values, bits, signed):
    codes = wrap(torch.tensor(values, dtype=torch.int64), bits, signed=signed)
    assert codes.tolist() == [wrapped(v, bits, signed) for v in values]


@given(
    st.lists(st.floats(allow_nan=False, allow_infinity=False).map(float.__trunc__)),
    st.sampled_from(BITS),
    st.booleans(),
)
def test_wrap_of_floats_is_pythons_arithmetic(values, bits, signed):
    codes = wrap(torch.tensor([float(v) for v in values], dtype=torch.float64), bits, signed=signed)
    assert codes.tolist() == [wrapped(v, bits, signed) for v in values]


@pytest.mark.parametrize("exponent", [7, 8, 15, 16, 24, 53, 60, 63, 64, 100, 127])
@pytest.mark.parametrize("sign", [1, -1])
def test_wrap_of_a_power_of_two_is_exact_however_large(exponent, sign):
    assert wrap(torch.tensor([sign * 2.0**exponent])).tolist() == [wrapped(sign * 2**exponent, 8, True)]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.int16, torch.int32, torch.uint8])
def test_wrap_takes_every_dtype(dtype):
    assert wrap(torch.tensor([0, 1, 127, 128, 255]).to(dtype)).tolist()[:4] == [0, 1, 127, -128]


@pytest.mark.parametrize("shape", [(), (0,), (2, 0), (2, 3), (1, 2, 3, 4)])
def test_wrap_keeps_the_shape_and_takes_the_grids_dtype(shape):
    assert wrap(torch.ones(shape)).shape == shape
    assert wrap(torch.ones(shape)).dtype == torch.int8
    assert wrap(torch.ones(shape), signed=False).dtype == torch.uint8
    assert wrap(torch.ones(shape), 16).dtype == torch.int16


def test_wrap_leaves_its_input_as_it_was():
    values = torch.tensor([300.0, -300.0])
    wrap(values)
    assert values.tolist() == [300.0, -300.0]


def test_wrap_takes_a_tensor():
    with pytest.raises(QuantlibError, match="x must be a torch tensor, got int; wrap it"):
        wrap(255)
