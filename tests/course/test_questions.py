"""How answers become marks: in parts, by type, dtype, shape and value, with mistakes that are called by their names."""

import math
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import torch

from course.problems.compare import difference
from course.problems.questions import (
    Answer,
    Break,
    Explain,
    Found,
    Part,
    ProblemSet,
    Reach,
    Request,
    Rung,
    Values,
    Write,
    call,
    solution,
)
from course.problems.variants import Code, copyable, draws, judge, mistakes, say, signs, told, values, written
from tests.helpers.answering import answers, namespace, through


def reals(*numbers):
    return torch.tensor(numbers)


RIGHT = Code("my_double(x, k)", "return 2 * x + k")
DOUBLE, SIGN = mistakes(
    "Double once, and keep the sign.",
    ("doubled twice", "It is four times as large.", RIGHT.but("2", "4")),
    ("the sign is lost", "The size is not asked for.", lambda x, k: (2 * x).abs() + k),
)
QUESTION = Write(
    "q1",
    "Double",
    "Double x and add k.",
    RIGHT.cell("Return 2 x + k."),
    name="my_double",
    example="assert my_double(torch.tensor([1.0]), 0).tolist() == [2.0]",
    parts=(
        Part("positive numbers", 3, ((reals(1.0, 2.0), 1), (reals(0.5), 0))),
        Part("negative numbers", 2, ((reals(-1.0), 0),)),
        Part("x as it was", 1, ((reals(1.0), 0),), calls=2),
    ),
    mistakes=(DOUBLE, SIGN),
)


def marked(f, question=QUESTION):
    return question.mark(answers(question, f))


# --- Write


def test_the_solution_gets_all_points():
    mark = marked(solution(QUESTION))
    assert (mark.points, mark.reasons, mark.recognised) == (6, (), ()) and QUESTION.points == 6


def test_another_way_to_the_same_values_gets_all_points():
    assert marked(lambda x, k: x + x + k).points == 6


def test_a_part_is_given_as_a_whole_or_not_at_all():
    mark = marked(lambda x, k: 2 * x.abs() + (k if k else 0))
    assert mark.points == 4 and mark.reasons == ("negative numbers: 1 of 1 values are not as they should be",)
    wrong_once = marked(lambda x, k: 2 * x + k + (x == 0.5))
    assert wrong_once.points == 3 and len(wrong_once.reasons) == 1


def test_a_mistake_is_called_by_its_name_if_it_returns_the_same_in_every_case():
    assert marked(DOUBLE).recognised == ("doubled twice",) and marked(SIGN).recognised == ("the sign is lost",)
    assert marked(lambda x, k: DOUBLE(x, k) + (x < 0)).recognised == ()


def test_a_function_that_raises_loses_that_part_alone_and_is_no_known_mistake():
    def fragile(x, k):
        if (x < 0).any():
            raise ValueError("no")
        return 2 * x + k

    mark = marked(fragile)
    assert mark.points == 4 and mark.reasons == ("negative numbers: it raised ValueError: no",)
    assert mark.recognised == ()


def test_a_function_that_changes_its_arguments_gives_itself_away_at_the_second_call():
    def in_place(x, k):
        x *= 2
        return x.clone() + k

    mark = marked(in_place)
    assert mark.points == 5 and mark.reasons[0].startswith("x as it was")
    assert [request.calls for request in QUESTION.requests()] == [1, 1, 1, 2]


def test_no_case_is_changed_by_what_runs_on_it():
    def spoils(x, k):
        return x.zero_()

    before = [request.arguments[0].clone() for request in QUESTION.requests()]
    call(spoils, QUESTION.requests()[0])
    marked(spoils)
    assert all(torch.equal(b, r.arguments[0]) for b, r in zip(before, QUESTION.requests(), strict=True))


@pytest.mark.parametrize("value", [None, 2.0, [2.0], reals(2.0).double(), reals([2.0]), reals(2.0, 2.0), "2.0"])
def test_what_has_another_type_dtype_or_shape_gets_nothing(value):
    mark = QUESTION.mark([Answer(value)] * 4)
    assert mark.points == 0 and len(mark.reasons) == 3


# --- Values

NUMBERS = Values(
    "q2",
    "Predict",
    "text",
    values({"largest": 2.5, "code": 3, "clips": True, "line": "b"}),
    right={"largest": (2.5, 2), "code": (3, 1), "clips": (True, 1), "line": ("b", 1)},
    mistakes={"largest": {3.5: "one code more"}, "code": {4: "counted from 1"}},
)


def given(*numbers):
    return NUMBERS.mark([Answer(number) for number in numbers])


def test_right_values_get_all_points_whatever_kind_of_number_they_are():
    assert NUMBERS.points == 5 and given(2.5, 3, True, "b").points == 5
    assert given(2.5004, 3.0, True, "b").points == 5
    assert given(torch.tensor(2.5), torch.tensor([3]), True, "b").points == 5


@pytest.mark.parametrize("value", [1, 1.0, "True", None, ..., torch.tensor(True), [True]])
def test_a_number_is_not_true(value):
    assert given(2.5, 3, value, "b").points == 4


@pytest.mark.parametrize("value", [np.float64(2.5), np.float32(2.5), np.array(2.5), np.array([2.5]), Fraction(5, 2)])
def test_a_number_of_numpy_or_a_fraction_is_a_number(value):
    assert given(value, np.int64(3), True, "b").points == 5


WRONG = [
    (2.51, "this is not the value"),
    (math.nan, "this is not the value"),
    (math.inf, "this is not the value"),
    (np.float64(2.51), "this is not the value"),
    (True, "it is a bool, not a number"),
    ("2.5", "it is a str, not a number"),
    (None, "it is nothing, not a number"),
    (through(...), "it is not answered yet"),
    ([2.5], "it is a list, not a number"),
    ((2.5,), "it is a tuple, not a number"),
    (torch.tensor([2.5, 2.5]), "it is a tensor, not a number"),
    (np.array([2.5, 2.5]), "it is a ndarray, not a number"),
]


@pytest.mark.parametrize("value, reason", WRONG)
def test_a_wrong_value_costs_its_own_points_alone_and_says_what_it_is(value, reason):
    mark = given(value, 3, True, "b")
    assert mark.points == 3 and mark.reasons == (f"largest: {reason}",)


def test_a_known_wrong_value_is_explained_and_no_right_value_is_told():
    mark = given(3.5, 4, True, "a")
    assert mark.points == 1 and mark.recognised == ("one code more", "counted from 1")
    assert mark.reasons[0] == "largest: this is not the value; it looks like: one code more"
    assert not any(right in reason for reason in mark.reasons for right in ("2.5", "3", "b:"))


def test_a_value_that_is_missing_says_so():
    mark = NUMBERS.mark([Answer(problem="there is no largest"), Answer(3), Answer(True), Answer("b")])
    assert mark.points == 3 and mark.reasons == ("largest: there is no largest",)


def test_one_mistake_in_two_values_is_counted_once_and_named_with_both():
    twice = replace(
        NUMBERS, mistakes={"largest": {3.5: "one more"}, "code": {4: "one more"}}, says={"one more": "Why."}
    )
    mark = twice.mark([Answer(value) for value in (3.5, 4, True, "b")])
    assert mark.recognised == ("one more",) and twice.explanations() == {"one more": "Why."}
    assert [reason.endswith("it looks like: one more") for reason in mark.reasons] == [True, True]


def test_told_leaves_out_a_wrong_value_that_happens_to_be_right():
    assert told({"x": 2.0}, {"x": {"twice": 4.0, "the same": 2.0}}) == {"x": {4.0: "twice"}}


# --- Break and Explain


def test_an_input_that_breaks_gets_the_points_and_any_other_gets_the_reason():
    question = Break("q3", "Break", "text", "", name="x", judge=lambda x: "" if x == 3 else "it is right", worth=4)
    assert question.points == 4 and question.requests() == [Request("x")]
    assert question.mark([Answer(3)]).points == 4
    assert question.mark([Answer(2)]).reasons == ("it is right",)
    assert question.mark([Answer(problem="there is no x")]).reasons == ("there is no x",)


def size_of(value):
    if not isinstance(value, float):
        raise ValueError("it is no float")
    return Found(abs(value), f"it is {abs(value):g}")


RUNGS = {"not far": 10, "near": 1, "there": 0}
REACH = Reach(
    "q5",
    "Come near",
    "text",
    name="x",
    measure=size_of,
    rungs=(Rung("not far", 2, 10.0), Rung("near", 3, 1.0), Rung("there", 1, 0.0)),
    known=lambda value: ("a text",) if value == "0" else ("from below",) if value < 0 else (),
    says={"from below": "It is negative.", "a text": "It is a text."},
)


@pytest.mark.parametrize(
    ("value", "points", "missed", "recognised"),
    [
        (0.0, 6, [], ()),
        (1.0, 5, ["there: it is 1, more than 0"], ()),
        (-1.5, 2, ["near: it is 1.5, more than 1", "there: it is 1.5, more than 0"], ("from below",)),
        (99.0, 0, [f"{name}: it is 99, more than {most}" for name, most in RUNGS.items()], ()),
        (math.nan, 0, [f"{name}: it is nan, more than {most}" for name, most in RUNGS.items()], ()),
        ("0", 0, ["it is no float"], ("a text",)),
    ],
)
def test_what_is_measured_climbs_as_far_as_it_is_small(value, points, missed, recognised):
    mark = REACH.mark([Answer(value)])
    assert (mark.points, list(mark.reasons), mark.recognised) == (points, missed, recognised)


def test_what_is_to_be_measured_and_is_not_there_says_so():
    assert REACH.points == 6 and REACH.requests() == [Request("x")]
    assert REACH.mark([Answer(problem="there is no x")]).reasons == ("there is no x",)
    assert REACH.explanations()["from below"] == "It is negative."


def test_an_explanation_waits_for_a_person():
    question = Explain("q4", "Explain", "text", written("It clips."), rubric=(("clip", 2), ("round", 1)))
    assert question.points == 3 and question.requests() == [] and question.mark([]).points is None


def test_a_problem_set_has_the_points_of_its_questions():
    assert ProblemSet("ps", "A set", "intro", (QUESTION, NUMBERS)).points == 11


# --- difference


@pytest.mark.parametrize(
    ("expected", "got", "text"),
    [
        (reals(1.0), reals(1.0), ""),
        (reals(1.0), [1.0], "it returned a list, not a tensor"),
        (reals(1.0), reals(1.0).double(), "it returned float64, not float32"),
        (reals(1.0), reals([1.0]), "it returned shape (1, 1), not (1,)"),
        (reals(1.0, 2.0), reals(1.0, 3.0), "1 of 2 values are not as they should be"),
        (torch.tensor([1]), torch.tensor([2]), "1 of 1 values are not as they should be"),
        (1.0, 1, "it returned an int, not a float"),
        (1, True, "it returned a bool, not an int"),
        (1.0, None, "it returned nothing, not a float"),
        ((1.0, 2), (1.0, 3), "value 2: it returned another value"),
        ((1.0, 2), [1.0, 2], "it returned a list, not 2 values"),
        (reals(), reals(), ""),
    ],
)
def test_difference_says_what_differs_and_never_what_is_right(expected, got, text):
    assert difference(expected, got) == text


def test_floats_have_a_tolerance_and_integers_have_none():
    assert not difference(reals(100.0, 0.0), reals(100.0005, 0.0005), 1e-5)
    assert difference(reals(100.0), reals(100.005), 1e-5)
    assert difference(torch.tensor([10**6]), torch.tensor([10**6 + 1]), 1e-5)
    assert not difference(0.5, 0.5000001, 1e-5) and difference(0.5, 0.50001, 1e-5)


def test_nan_and_infinity_are_values_like_others():
    odd = reals(math.nan, math.inf, -math.inf)
    assert not difference(odd, odd.clone(), 1e-5)
    assert difference(reals(1.0), reals(math.nan), 1e-5) and difference(reals(1.0), reals(math.inf), 1e-5)
    assert difference(reals(math.inf), reals(1e30), 1e-5)


class AlwaysEqual(torch.Tensor):
    """What claims to equal everything."""

    def __eq__(self, other):
        return True

    __hash__ = None


def test_what_claims_to_be_equal_is_not():
    assert difference(reals(1.0), torch.zeros(1).as_subclass(AlwaysEqual)) == "it returned an alwaysequal, not a tensor"


# --- cells


def test_the_cell_of_a_function_is_its_head_and_a_gap():
    assert QUESTION.source == (
        'def my_double(x, k):\n    """Return 2 x + k."""\n'
        "    ### BEGIN SOLUTION\n    return 2 * x + k\n    ### END SOLUTION"
    )


def test_code_is_called_by_the_name_in_its_head_and_changed_where_it_says_so():
    assert RIGHT.name == "my_double" and RIGHT(3, 1) == 7
    assert RIGHT.but("2 * x", "x").but("+ k", "- k")(3, 1) == 2 and RIGHT(3, 1) == 7
    with pytest.raises(ValueError, match="'3' is not in 'return 2"):
        RIGHT.but("3", "4")


def test_a_number_in_code_has_one_sign():
    assert signs("x + -5 - -3 + 2") == "x - 5 + 3 + 2"


def test_the_cell_of_values_names_them_before_the_gap():
    assert namespace(NUMBERS)["largest"] == 2.5
    assert NUMBERS.source.startswith("largest = ...\ncode = ...\nclips = ...\nline = ...\n### BEGIN SOLUTION\n")


def test_a_negative_number_in_a_text_is_code_and_formulas_stay():
    assert copyable("from −8 to 7, for [−0.5]") == "from `-8` to 7, for `[-0.5]`"
    for text in ("a − 5 or 1−2", "`x − 1`", "$a −2$", "$$q\n−3$$"):
        assert copyable(text) == text


@pytest.mark.parametrize("seed", ["a long text, with 'quotes' and ü", "7", "-x"])
def test_a_seed_may_be_any_text(seed):
    assert draws(seed, "q").random() == draws(seed, "q").random() != draws(seed + " ", "q").random()
    assert draws("7", "q").random() == draws(7, "q").random()
    assert draws("u\u0308", "q").random() == draws("ü", "q").random()


def test_numbers_in_prose_have_a_real_minus():
    assert (say(-0.5), say(3.0), say(1e6)) == ("−0.5", "3", "1e+06")


def test_a_judge_is_the_function_of_its_source():
    assert judge('def problem(x):\n    return "no" if x else ""')(1) == "no"
