"""Bits per weight count codes, scales and zero points, and no point of a front is beaten."""

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantlib.errors import QuantlibError
from quantlib.storage import bits_per_weight, network_bits, pareto_front


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


# --- a whole network


@pytest.mark.parametrize(
    ("parts", "wanted"),
    [
        ([((1, 8), 4, None)], 6),
        ([((2, 8), 4, None)], 6),  # a scale a row
        ([((1, 3), 4, 2)], 4 + 32 / 3),  # a ragged group has a scale too
        ([((1, 8), 16, None)], 16),
        ([((8,), 32, None)], 32),
        ([((1, 8), 4, None), ((3, 8), 16, None)], 13.5),  # 8 and 24 weights
        ([((1, 8), 4, 8), ((), 16, None)], (8 * 6 + 16) / 9),
        ([((0, 8), 4, None), ((1, 8), 4, None)], 6),
        ([((4, 32), 4, 32), ((4, 32), 8, 16)], (4.5 + 9) / 2),
    ],
)
def test_every_weight_of_a_network_counts_once(parts, wanted):
    assert network_bits(parts) == pytest.approx(wanted)
    assert network_bits(iter(parts)) == network_bits(parts)


def test_a_network_of_one_part_takes_what_the_part_takes():
    assert network_bits([((3, 100), 5, 32)]) == bits_per_weight((3, 100), 5, 32)


def test_an_integer_of_numpy_is_taken():
    assert network_bits([((3, 100), numpy.int8(4), numpy.uint8(32))]) == network_bits([((3, 100), 4, 32)])


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        ([], "a network has at least one weight, got 0 parts; pass (w.shape, 4, 32)"),
        ([((0, 3), 4, None)], "a network has at least one weight, got 1 parts; pass (w.shape, 4, 32)"),
        ([((2, 3), 64, None)], "bits must be an integer from 2 to 16, got 64; use 8 for int8, 4 for int4"),
        ([((2, 3), 4, 0)], "the group size must be a positive integer, got 0; 32 or 128 are common"),
        ([((), 4, None)], "there must be at least one weight, on an axis, got (); pass w.shape of a matrix"),
    ],
)
def test_a_mistake_in_a_part_is_told(parts, text):
    with pytest.raises(QuantlibError) as caught:
        network_bits(parts)
    assert str(caught.value) == text


# --- the front


@pytest.mark.parametrize(
    ("points", "places"),
    [
        ([], []),
        ([(1, 1)], [0]),
        ([(1, 2), (2, 1)], [0, 1]),
        ([(1, 1), (2, 2)], [0]),
        ([(1, 2), (1, 1)], [1]),
        ([(2, 1), (1, 1)], [1]),
        ([(1, 4), (2, 3), (3, 0)], [0, 1, 2]),  # not the convex hull
        ([(1, 1), (1, 1), (2, 1)], [0, 1]),  # equal points stay
        ([(1, 2, 3), (1, 2, 2), (3, 3, 3)], [1]),
    ],
)
def test_a_front_of_few_points(points, places):
    assert pareto_front(points) == places
    assert pareto_front(numpy.array(points)) == places


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=12))
def test_on_the_front_none_is_beaten_and_off_it_each_is_by_one_on_it(points):
    front = pareto_front(points)
    for place, (a, b) in enumerate(points):
        by = [q for q in (points[i] for i in front) if q[0] <= a and q[1] <= b and q != (a, b)]
        assert bool(by) == (place not in front)
    assert front == sorted(set(front))
