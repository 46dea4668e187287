"""Plain data keep every value, and whatever a stranger writes in their place is a ValueError and nothing else."""

import json
import math
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from course.box.plain import DEEPEST, LONGEST, MOST, MOST_AXES, Other, decode, encode


def back(value):
    """Send a value through JSON as text, as the box does."""
    return decode(json.loads(json.dumps(encode(value))))


SIMPLE = [None, True, False, 0, 1, -(2**63) + 1, 2**63 - 1, "", "σ — 量子化 🙂", "a" * LONGEST]
FLOATS = [0.0, -0.0, 1.0, 0.1, 1e308, 5e-324, math.inf, -math.inf]


@pytest.mark.parametrize("value", SIMPLE, ids=lambda value: repr(value)[:20])
def test_a_simple_value_comes_back_with_its_type(value):
    assert back(value) == value
    assert type(back(value)) is type(value)


@pytest.mark.parametrize("value", FLOATS)
def test_a_float_keeps_every_bit(value):
    assert back(value).hex() == value.hex()


def test_nan_comes_back():
    assert math.isnan(back(math.nan))


@given(
    st.recursive(
        st.integers(-(2**63) + 1, 2**63 - 1) | st.booleans() | st.none() | st.sampled_from(["", "σ", "int"]),
        st.lists,
        max_leaves=5,
    )
)
def test_nested_lists_come_back_unless_they_are_too_deep(value):
    depth = lambda v: 1 + max(map(depth, v), default=0) if isinstance(v, list) else 0  # noqa: E731
    if depth(value) <= DEEPEST:
        assert back(value) == value


def test_a_tuple_is_no_list():
    assert back((1, 2.0)) == (1, 2.0)
    assert back([1, 2.0]) == [1, 2.0]


INTEGERS = [torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64]
REALS = [torch.float16, torch.bfloat16, torch.float32, torch.float64]


@pytest.mark.parametrize("dtype", [*INTEGERS, *REALS], ids=str)
def test_a_tensor_keeps_dtype_shape_and_every_bit(dtype):
    ends = [0, 1] if dtype == torch.bool else torch.iinfo(dtype) if dtype in INTEGERS else torch.finfo(dtype)
    numbers = ends if isinstance(ends, list) else [ends.min, ends.max, 0]
    for tensor in (
        torch.tensor(numbers, dtype=dtype),
        torch.tensor([numbers] * 2, dtype=dtype).T,
        torch.zeros((2, 0, 3), dtype=dtype),
    ):
        got = back(tensor)
        assert got.dtype == dtype
        assert got.shape == tensor.shape
        assert torch.equal(got, tensor)


@pytest.mark.parametrize("dtype", REALS, ids=str)
def test_a_tensor_keeps_what_is_no_number(dtype):
    tensor = torch.tensor([math.nan, math.inf, -math.inf, -0.0, torch.finfo(dtype).smallest_normal / 2], dtype=dtype)
    got = back(tensor)
    assert torch.equal(got.isnan(), tensor.isnan())
    assert torch.equal(got[1:], tensor[1:])
    assert got[3].signbit()


def test_a_tensor_of_no_axes_and_one_that_requires_a_gradient_come_back():
    assert back(torch.tensor(3)).shape == ()
    assert torch.equal(back(torch.ones(2, requires_grad=True)), torch.ones(2))
    assert type(back(torch.nn.Parameter(torch.ones(2)))) is torch.Tensor


NUMBERS = [
    (np.float64(6.25), 6.25), (np.float32(0.5), 0.5), (np.float16(-0.0), -0.0), (np.longdouble(2.5), 2.5),
    (np.int8(-3), -3), (np.uint64(2**62), 2**62), (np.bool_(True), True), (np.array(6.25), 6.25),
    (np.array([[7]]), 7), (np.array([False]), False), (np.array([2.5], dtype=np.longdouble), 2.5),
    (Fraction(11, 4), 2.75), (Decimal("2.75"), 2.75), (Decimal("inf"), math.inf),
]  # fmt: skip


@pytest.mark.parametrize("value, worth", NUMBERS, ids=lambda value: repr(value)[:20])
def test_a_number_of_another_kind_comes_back_as_the_plain_number(value, worth):
    got = back(value)
    assert (type(got), repr(got)) == (type(worth), repr(worth))


def test_numbers_in_a_tuple_come_back_as_plain_numbers():
    assert repr(back((np.float64(1.5), [Fraction(1, 2), np.int64(3)]))) == "(1.5, [0.5, 3])"


class AlwaysEqual(int):
    def __eq__(self, other):
        return True

    __hash__ = int.__hash__


class Sub(torch.Tensor):
    pass


OTHERS = [
    (AlwaysEqual(3), "AlwaysEqual"),
    ({1: 2}, "dict"),
    (object(), "object"),
    (2**63, "int"),
    (np.array([1.0, 2.0]), "ndarray"),
    (np.array([]), "ndarray"),
    (np.array("2.75"), "ndarray"),
    (np.str_("2.75"), "str_"),
    (np.complex128(1), "complex128"),
    (np.uint64(2**64 - 1), "int"),
    (Decimal("sNaN"), "Decimal"),
    (Fraction(10**400), "Fraction"),
    (len, "builtin_function_or_method"),
    (torch.ones(2).as_subclass(Sub), "Sub"),
    (torch.ones(2, dtype=torch.complex64), "complex64 tensor of shape (2,)"),
    (torch.ones(MOST + 1), f"float32 tensor of shape ({MOST + 1},)"),
    (torch.ones(2, device="meta"), "float32 tensor of shape (2,)"),
    (torch.eye(2).to_sparse(), "float32 tensor of shape (2, 2)"),
    ([0] * (LONGEST + 1), "list"),
    ("a" * (LONGEST + 1), "str"),
    ("half a pair: \ud800", "str"),
    (torch.ones([1] * (MOST_AXES + 1)), "float32 tensor of shape " + str((1,) * (MOST_AXES + 1))),
]


@pytest.mark.parametrize("value, name", OTHERS, ids=[name[:30] for _, name in OTHERS])
def test_what_has_no_plain_form_becomes_the_name_of_its_type(value, name):
    got = back(value)
    assert type(got) is Other
    assert str(got) == name


def test_a_list_that_holds_itself_ends():
    endless = []
    endless.append(endless)
    assert back(endless) == [[[["list"]]]]


def tensor(**changes):
    return ["tensor", {"dtype": "int8", "shape": [2], "numbers": [1, 2], **changes}]


FORGED = [
    None, 3, "int", {}, [], ["int"], ["int", 1, 2],
    [["int"], 1], [3, 3], ["int", "1"], ["int", True], ["bool", 1], ["str", 1],
    ["int", 2**63], ["int", -(10**4000)], ["NoneType", 0], ["float", 1.5],
    ["float", math.nan], ["float", "1,5"], ["float", ""],
    ["float", "0x1p+99999"], ["float", "0x1p" + "9" * 4000], ["str", "\ud800"],
    ["other", "\udfff"], ["str", "a" * (LONGEST + 1)],
    ["other", "a" * (LONGEST + 1)], ["other", None], ["dict", {}], ["__class__", 1],
    ["list", {}], ["list", "ab"], ["list", [1]],
    ["list", [["int", 1]] * (LONGEST + 1)], ["tuple", None], ["tensor", []], ["tensor", {}], ["tensor", None],
    tensor(dtype="int4"), tensor(dtype=None), tensor(dtype=[]),
    tensor(dtype={}), tensor(dtype="float32"), tensor(dtype="bool"),
    tensor(shape=[3]), tensor(shape=[-1, -2]), tensor(shape=[2.0]),
    tensor(shape=[True, 2]), tensor(shape="2"), tensor(shape=None),
    tensor(shape=[10**300, 0], numbers=[]), tensor(shape=[2**62, 2**62, 0], numbers=[]),
    tensor(shape=[1] * 1000 + [2]), tensor(shape=[[2]]),
    tensor(numbers=[1, 300]), tensor(numbers=[1, 2**70]), tensor(numbers=[1, True]),
    tensor(numbers=[1, None]), tensor(numbers={}),
    tensor(numbers=[1.0, 2.0]), tensor(numbers=[[1, 2]], shape=[1]),
    tensor(numbers="12"), tensor(numbers=[0] * (MOST + 1), shape=[MOST + 1]),
    tensor(dtype="uint8", numbers=[1, -1]), tensor(dtype="int64", numbers=[1, 2**63]),
    tensor(dtype="bool", numbers=[0, 1]),
    tensor(dtype="float32", numbers=["0x1p+99999", "nan"]), tensor(dtype="float32", numbers=["x", "y"]),
    tensor(dtype="float64", numbers=[1.0, 2.0]),
]  # fmt: skip


@pytest.mark.parametrize("forged", FORGED, ids=lambda forged: repr(forged)[:40])
def test_a_forgery_is_a_value_error(forged):
    with pytest.raises(ValueError):
        decode(forged)


def test_deep_nesting_is_a_value_error():
    forged = ["int", 1]
    for _ in range(DEEPEST + 1):
        forged = ["list", [forged]]
    with pytest.raises(ValueError, match="pair"):
        decode(forged)
    for _ in range(10_000):
        forged = ["list", [forged]]
    with pytest.raises(ValueError, match="pair"):
        decode(forged)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from(["", "x", "\ud800"])
    | st.sampled_from(["0x1p+2", "nan", "int8", "float32"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(
            st.sampled_from(["int", "float", "str", "list", "tuple", "tensor", "bool", "NoneType", "other"]), inner
        ).map(list)
        | st.fixed_dictionaries({"dtype": inner, "shape": inner, "numbers": inner})
    ),
    max_leaves=12,
)


@given(JSON)
def test_whatever_json_holds_decodes_or_is_a_value_error(forged):
    try:
        value = decode(forged)
    except ValueError:
        return
    assert encode(back(value)) == encode(value)
