"""Packing: every width, sign and order, against numpy's bits; and what is told of codes that do not fit."""

import numpy
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from quantlib import tiles
from quantlib.formats import pack_bits, unpack_bits
from tests.helpers.strategies import errors, expanded, message, sliced, strided, transposed

SIGNS = ("unsigned", "twos_complement", "offset")
BYTE = torch.tensor([136], dtype=torch.uint8)
ROW = torch.arange(16)


def bit_string(codes, bits, order):
    """The bytes that numpy packs of the codes, written out bit by bit."""
    little = numpy.unpackbits(codes.numpy()[..., None], axis=-1, bitorder="little")[..., :bits]
    side = {"low": "little", "high": "big"}[order]
    string = (little if order == "low" else little[..., ::-1]).reshape(*codes.shape[:-1], codes.shape[-1] * bits)
    return torch.from_numpy(numpy.packbits(string, axis=-1, bitorder=side))


@st.composite
def rows_of_codes(draw, widths=range(1, 9)):
    bits = draw(st.sampled_from(widths))
    shape = draw(arrays.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=20))
    codes = draw(arrays.arrays(numpy.uint8, shape, elements=st.integers(0, 2**bits - 1)))
    return bits, torch.from_numpy(codes)


@given(rows_of_codes(), st.sampled_from(["low", "high"]))
def test_the_bytes_are_those_that_numpy_packs_bit_by_bit(given_rows, order):
    bits, codes = given_rows
    packed = pack_bits(codes, bits, order=order)
    assert torch.equal(packed, bit_string(codes, bits, order))
    assert torch.equal(unpack_bits(packed, bits, codes.shape[-1], order=order), codes)


@given(rows_of_codes(), st.sampled_from(SIGNS), st.sampled_from([torch.int8, torch.int16, torch.int64]))
def test_codes_come_back_with_their_sign(given_rows, sign, dtype):
    bits, codes = given_rows
    codes = codes.to(torch.int64) - (0 if sign == "unsigned" else 2 ** (bits - 1))
    if codes.numel() and codes.max() <= torch.iinfo(dtype).max:
        codes = codes.to(dtype)
    back = unpack_bits(pack_bits(codes, bits, sign=sign), bits, codes.shape[-1], sign=sign)
    assert back.dtype == (torch.uint8 if sign == "unsigned" else torch.int8)
    assert torch.equal(back.long(), codes.long())


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_runs_put_codes_of_each_run_into_a_byte(bits):
    codes = torch.randint(0, 2**bits, (3, 32), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    packed = pack_bits(codes, bits, order="runs")
    apart = codes.long().unflatten(-1, (8 // bits, -1))
    assert torch.equal(packed.long(), sum(run << bits * k for k, run in enumerate(apart.unbind(-2))))
    assert torch.equal(unpack_bits(packed, bits, order="runs"), codes)


@pytest.mark.parametrize("bits", range(1, 9))
@pytest.mark.parametrize("order", ["low", "high"])
def test_tiles_change_nothing(bits, order, monkeypatch):
    codes = torch.randint(0, 2**bits, (7, 72), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    monkeypatch.setattr(tiles, "LARGE", 8)
    monkeypatch.setattr(tiles, "TILE", 40)
    packed = pack_bits(codes, bits, order=order)
    assert torch.equal(packed, bit_string(codes, bits, order))
    assert torch.equal(unpack_bits(packed, bits, order=order), codes)


@pytest.mark.parametrize("layout", [transposed, strided, sliced, expanded])
def test_layouts_change_nothing(layout):
    codes = layout(torch.randint(0, 16, (6, 10), generator=torch.Generator().manual_seed(0), dtype=torch.uint8))
    packed = pack_bits(codes)
    assert torch.equal(packed, pack_bits(codes.contiguous()))
    assert torch.equal(unpack_bits(layout(packed)), layout(codes) if layout is expanded else codes)


def test_what_is_packed_stays_as_it_was():
    codes, packed = torch.arange(8, dtype=torch.uint8), torch.arange(4, dtype=torch.uint8)
    pack_bits(codes), unpack_bits(packed)
    assert codes.tolist() == list(range(8)) and packed.tolist() == list(range(4))


def test_one_byte_is_read_in_three_ways():
    assert [unpack_bits(BYTE, sign=sign).tolist() for sign in SIGNS] == [[8, 8], [-8, -8], [0, 0]]


@errors(
    ("bits must be an integer from 1 to 8, got 0; use 4 for two codes in a byte", lambda: pack_bits(ROW, 0)),
    ("bits must be an integer from 1 to 8, got 9; use 4 for two codes in a byte", lambda: unpack_bits(BYTE, 9)),
    (
        "sign must be one of ('unsigned', 'twos_complement', 'offset'), got 'signed'; choose one of them",
        lambda: pack_bits(ROW, sign="signed"),
    ),
    (
        "order must be one of ('low', 'high', 'runs'), got 'first'; choose one of them",
        lambda: pack_bits(ROW, order="first"),
    ),
    ("x must be a torch tensor, got list; wrap it: torch.tensor(x)", lambda: pack_bits([1])),
    (
        "codes must be integers on at least one axis, got torch.float32 of shape (1,); pass what quantize returned",
        lambda: pack_bits(torch.ones(1)),
    ),
    (
        "packed must be integers on at least one axis, got torch.uint8 of shape (); pass what quantize returned",
        lambda: unpack_bits(BYTE[0]),
    ),
    (
        "packed is uint8, with just the bytes that a row needs, got torch.int64 of shape (16,) for 32 codes of 4 bits; "
        "pass what pack_bits returned",
        lambda: unpack_bits(ROW),
    ),
    (
        "packed is uint8, with just the bytes that a row needs, got torch.uint8 of shape (1,) for 3 codes of 4 bits; "
        "pass what pack_bits returned",
        lambda: unpack_bits(BYTE, length=3),
    ),
    ("a code of 3 bits, unsigned, lies in [0, 7], got 15; quantize to this grid first", lambda: pack_bits(ROW, 3)),
    (
        "a code of 4 bits, offset, lies in [-8, 7], got -9; quantize to this grid first",
        lambda: pack_bits(-ROW[:10], sign="offset"),
    ),
    (
        "a row is cut into 8 / bits runs of the same length, got rows of 3 for 4 bits; use 4 bits and an even row",
        lambda: pack_bits(ROW[:3], order="runs"),
    ),
    (
        "a row is cut into 8 / bits runs of the same length, got rows of 1 for 3 bits; use 4 bits and an even row",
        lambda: unpack_bits(BYTE, 3, order="runs"),
    ),
)
def test_an_error_says_the_rule_what_came_and_what_to_do(text, call):
    assert message(call) == text
