"""A value counts only if its type, dtype, shape and numbers are the expected ones; what is wrong is said in words."""

import math

import pytest
import torch

from course.box.plain import Other
from course.problems.compare import difference

CODES = torch.tensor([[1, -2], [3, 4]], dtype=torch.int8)


class Agreeable:
    """Equal to everything."""

    def __eq__(self, other):
        return True

    __hash__ = None


def test_the_same_value_does_not_differ():
    for value in (CODES, 1, 1.5, True, "a", (CODES, 2), torch.empty(0), torch.tensor(math.nan), math.inf):
        assert difference(value, value) == ""


@pytest.mark.parametrize(
    ("got", "says"),
    [
        (CODES.to(torch.int16), "it returned int16, not int8"),
        (CODES.float(), "it returned float32, not int8"),
        (CODES.flatten(), "it returned shape (4,), not (2, 2)"),
        (CODES + 1, "4 of 4 values are not as they should be"),
        (CODES.tolist(), "it returned a list, not a tensor"),
        (None, "it returned nothing, not a tensor"),
        (3, "it returned an int, not a tensor"),
        (Other("ndarray"), "it returned a ndarray, not a tensor"),
        (Agreeable(), "it returned an agreeable, not a tensor"),
    ],
)
def test_what_is_no_such_tensor_is_said(got, says):
    assert difference(CODES, got) == says


@pytest.mark.parametrize(
    ("expected", "got", "says"),
    [
        (1, 1.0, "it returned a float, not an int"),
        (1, True, "it returned a bool, not an int"),
        (1.0, torch.tensor(1.0), "it returned a tensor, not a float"),
        (1, 2, "it returned another value"),
        (1.0, 1.1, "1 of 1 values are not as they should be"),
        ((1, CODES), (1, CODES + 1), "value 2: 4 of 4 values are not as they should be"),
        ((1, 2), [1, 2], "it returned a list, not 2 values"),
        ((1, 2), (1, 2, 3), "it returned a tuple, not 2 values"),
        ("a", Agreeable(), "it returned an agreeable, not a str"),
    ],
)
def test_what_is_another_value_is_said(expected, got, says):
    assert difference(expected, got) == says


def test_no_sentence_gives_the_right_numbers_away():
    said = difference(torch.tensor([17.25]), torch.tensor([3.0]))
    assert "17" not in said and "3.0" not in said


def test_floats_may_differ_by_their_tolerance_and_not_by_more():
    x = torch.tensor([100.0, 1e-3])
    assert difference(x, x + 9e-4, 1e-5) == "" and difference(x, x + 2e-3, 1e-5) != ""
    assert difference(x, x.nextafter(x + 1)) != ""


def test_integers_have_no_tolerance():
    assert difference(torch.tensor([1000]), torch.tensor([1001]), 0.5) != ""


@pytest.mark.parametrize("wrong", [math.nan, math.inf, -math.inf])
def test_no_tolerance_takes_what_is_not_finite(wrong):
    assert difference(torch.tensor([1.0, 2.0]), torch.tensor([1.0, wrong]), 0.1) != ""
    assert difference(torch.tensor([1.0, wrong]), torch.tensor([1.0, 2.0]), 0.1) != ""
    assert difference(torch.tensor([1.0, wrong]), torch.tensor([1.0, wrong]), 0.1) == ""


def test_opposite_infinities_differ():
    assert difference(torch.tensor([math.inf]), torch.tensor([-math.inf]), 0.1) != ""
