"""Whatever the seed: a right answer gets all points, each known mistake loses some, and no text is false.

A dozen seeds are drawn in an ordinary run, and 300 with --long.
"""

import re
from dataclasses import replace
from fractions import Fraction
from functools import cache
from itertools import pairwise

import pytest
import torch

from course.problems.catalogue import NAMES, problem_set
from course.problems.questions import Answer, Break, Explain, Values, Write, copies, equals, solution
from quantlib import split_error, unclamped_codes
from quantlib.data import T
from tests.helpers.answering import answers, namespace, right_answers

LEFT, RIGHT, STEP = 2.0, 6.0, 0.1  # of the picture in question 8


@pytest.fixture(scope="module", params=NAMES)
def questions(request, long):
    """The questions of a problem set, as each seed draws them."""
    seeds = range(300) if long else range(20, 32)
    return [question for seed in seeds for question in problem_set(request.param, seed).questions]


def of_kind(questions, kind):
    return [question for question in questions if isinstance(question, kind)]


# --- functions


def in_float64(question):
    """The solution, computed in float64 as far as the answer is a float."""
    right = solution(question)
    return lambda *arguments: like(right(*map(widened, arguments)), right(*copies(arguments)))


def in_float32(question):
    """The solution, in which every float is a tensor in float32."""
    right, names = solution(question), {"torch": torch}
    exec(question.source.replace(".item()", ""), names)
    return lambda *arguments: like(names[question.name](*map(narrowed, arguments)), right(*copies(arguments)))


def widened(value):
    return value.double() if isinstance(value, torch.Tensor) and value.is_floating_point() else value


def narrowed(value):
    return torch.tensor(value) if type(value) is float else value


def like(value, right):
    """The value as the right one is handed in."""
    if isinstance(right, tuple):
        return tuple(map(like, value, right))
    if isinstance(right, float):
        return float(value)
    return value.to(right.dtype) if isinstance(value, torch.Tensor) and value.dtype == torch.float64 else value


@pytest.mark.parametrize("computed", [solution, in_float32, in_float64])
def test_a_right_function_gets_all_points(questions, computed):
    for question in of_kind(questions, Write):
        mark = question.mark(answers(question, computed(question)))
        assert (mark.points, mark.reasons) == (question.points, ()), question.text


def test_every_mistake_in_a_function_loses_points(questions):
    for question in of_kind(questions, Write):
        quick = replace(question, mistakes=())  # nothing is to be recognised here
        for mistake in question.mistakes:
            assert quick.mark(answers(question, mistake)).points < question.points, (mistake.name, question.text)


def points_of(question, function):
    """The points of each part that a function gets."""
    return {
        part.name: replace(question, parts=(part,), mistakes=())
        .mark(answers(replace(question, parts=(part,)), function))
        .points
        for part in question.parts
    }


ABOUT = {  # the part that is about a mistake, where another one tells nothing
    "floor": "ties",
    "0.0 is not in the range": "values on one side of 0.0",
    "the difference in int8": "codes inside the grid",
    "the largest x, not errors": "few values",
}


def test_no_part_is_given_in_full_to_the_mistake_that_it_is_about(questions):
    for question in of_kind(questions, Write):
        for mistake in question.mistakes:
            part = ABOUT.get(mistake.name)
            assert not part or points_of(question, mistake)[part] == 0, (mistake.name, question.text)


def test_no_float_decides_how_z_is_rounded(questions):
    """-r_min/s is far from every integer, or exactly one in every float."""
    for question in of_kind(questions, Write):
        for request in question.requests() if question.name == "my_ruler" else ():
            s, _ = solution(question)(*request.arguments)
            place = Fraction(min(0.0, request.arguments[0].min().item())) / Fraction(s)
            exact = place == 0 or (place.denominator == 1 and Fraction(s).denominator <= 1024)
            assert exact or abs(place - round(place)) > 0.01, request.arguments


# --- values and inputs


def test_right_values_get_all_points_and_each_mistake_loses_those_of_its_value(questions):
    for question in of_kind(questions, Values):
        right = right_answers(question)
        assert question.mark(right).points == question.points
        for place, (name, (value, points)) in enumerate(question.right.items()):
            for wrong, says in question.mistakes.get(name, {}).items():
                given = [*right[:place], Answer(wrong), *right[place + 1 :]]
                mark = question.mark(given)
                assert not equals(wrong, value, question.within)
                assert mark.points == question.points - points and says in mark.recognised, question.text


def test_the_code_is_never_the_real_number_that_it_stands_for(questions):
    for question in of_kind(questions, Values):
        if "back" in question.right:
            s, z = (
                float(n) for n in re.search(r"scale s = (\S+) and .* point\nz = `?([-\d]+)", question.text).groups()
            )
            back = question.right["back"][0]
            assert back / s + z != back, question.text  # else the code would count as the real


def test_a_solution_breaks_the_function(questions):
    for question in of_kind(questions, Break):
        assert question.mark(right_answers(question)).points == question.points
        answer = namespace(question)["breaks"]
        if isinstance(answer, float):
            assert question.judge(-answer) and question.judge(2 * answer)
        else:
            assert question.judge(torch.zeros_like(answer)) and question.judge(answer.double())


# --- pictures


@cache
def curve(z):
    """The clip and the rounding part of the MSE at each s of the picture."""
    steps = [LEFT + STEP * k for k in range(round((RIGHT - LEFT) / STEP) + 1)]
    return steps, [tuple(part.square().mean().item() for part in split_error(T, s, z)) for s in steps]


@cache
def drawn(picture):
    before, _, call = picture.rpartition("\n")
    names = {"torch": torch}
    exec(before, names)
    return eval(call, names)


def test_a_picture_can_be_drawn(questions):
    for question in of_kind(questions, Explain):
        assert drawn(question.picture) is not None


def test_the_picture_of_the_error_shows_what_is_asked_about_it(questions):
    for question in of_kind(questions, Explain):
        found = re.search(r"draw_split\(T, (.+), (.+)\)", question.picture)
        if found:
            s, z = float(found[1]), int(found[2])
            the_left_falls_by_clip(z)
            the_right_goes_up_and_down_and_nothing_clips(z)
            the_ends_are_named(question, s, z)


def the_left_falls_by_clip(z):
    steps, parts = curve(z)
    left = [(clip, clip + rounding) for s, (clip, rounding) in zip(steps, parts, strict=True) if s < 3.45]
    heights = [mse for _, mse in left]
    assert heights == sorted(heights, reverse=True) and heights[-1] < heights[0] / 5
    assert all(clip > 0.9 * mse for clip, mse in left)


def the_right_goes_up_and_down_and_nothing_clips(z):
    steps, parts = curve(z)
    right = [(clip, clip + rounding) for at, (clip, rounding) in zip(steps, parts, strict=True) if at >= 5]
    assert all(clip == 0 for clip, _ in right)
    changes = [after[1] - before[1] for before, after in pairwise(right)]
    assert min(sum(c > 0 for c in changes), sum(c < 0 for c in changes)) >= 3
    far = [split_error(T, 10 * s, z)[1].square().mean().item() for s in steps]
    assert sum(far) / len(far) > 10 * sum(mse for _, mse in right) / len(right)  # it rises in the long run


def the_ends_are_named(question, s, z):
    codes = unclamped_codes(T, s, z)
    lower, upper = bool((codes < -128).any()), bool((codes > 127).any())
    assert lower or upper
    asked = question.source.partition("so values clip at ")[2].partition(".")[0]
    assert ("the lower end" in asked, "the upper end" in asked) == (lower, upper)
    assert 255 * s < T.max() - T.min()  # so that no z makes the ruler long enough


# --- texts


def test_what_can_be_copied_from_a_text_is_python(questions):
    for question in questions:
        for code in re.findall(r"`([^`]*)`", question.text):
            assert "−" not in code, question.text
        assert not re.search(r"(?<!\w)−\d", re.sub(r"\$.*?\$", "", question.text)), question.text
        answer = "" if isinstance(question, Explain) else question.source + getattr(question, "example", "")
        assert "−" not in answer
