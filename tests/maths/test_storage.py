"""Bits per weight count codes, scales and zero points."""

import pytest

from quantlib.errors import QuantlibError
from quantlib.storage import bits_per_weight


@pytest.mark.parametrize(
    ("shape", "bits", "size", "wanted"),
    [
        ((384, 1536), 4, 32, 4.5),
        ((384, 1536), 4, 1536, 4 + 16 / 1536),
        ((3, 3), 4, 2, 4 + 32 / 3),  # two groups a row: the ragged one has a scale too
        ((3, 3), 4, 100, 4 + 16 / 3),
        ((3, 3), 4, 1, 20),
        ((3, 3), 8, None, 8 + 16 / 9),
        ((2, 5, 4), 8, 4, 12),
        ((64,), 4, 32, 4.5),
        ((1, 1), 4, 32, 20),
    ],
)
def test_every_group_of_every_row_pays_for_a_scale(shape, bits, size, wanted):
    assert bits_per_weight(shape, bits, size) == pytest.approx(wanted)


def test_scales_and_zero_points_have_a_width():
    assert bits_per_weight((4, 64), 4, 32, scale_bits=32, zero_bits=4) == pytest.approx(4 + 36 / 32)
    assert bits_per_weight((4, 64), 4, None, scale_bits=32, zero_bits=4) == pytest.approx(4 + 36 / 256)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (((3, 3), 1, 2), "bits must be an integer from 2 to 16, got 1; use 8 for int8, 4 for int4"),
        (((), 4, 2), "there must be at least one weight, on an axis, got (); pass w.shape of a matrix"),
        (((0, 3), 4, 2), "there must be at least one weight, on an axis, got (0, 3); pass w.shape of a matrix"),
        (((3, 3), 4, 0), "the group size must be a positive integer, got 0; 32 or 128 are common"),
        (((3, 3), 4, True), "the group size must be a positive integer, got True; 32 or 128 are common"),
        (((3, 3), 4, 2.0), "the group size must be a positive integer, got 2.0; 32 or 128 are common"),
    ],
)
def test_a_mistake_is_told_in_three_parts(arguments, text):
    with pytest.raises(QuantlibError) as caught:
        bits_per_weight(*arguments)
    assert str(caught.value) == text
