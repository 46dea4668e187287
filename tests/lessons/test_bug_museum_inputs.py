"""Inputs that a learner chooses: which of the known mistakes they show, and what is said of those they miss."""

import pytest
import torch

from quantlib.lessons import all_exercises
from quantlib.lessons.bug_museum.inputs import INPUTS_CHECKS, check_choose_qparams_inputs, check_quantize_inputs
from tests.helpers.strategies import SEED

CHECKS = {"quantize_inputs": check_quantize_inputs, "choose_qparams_inputs": check_choose_qparams_inputs}
ENOUGH = {
    "quantize_inputs": [(0.3, 0.5, 3), (63.2, 0.5, 3), (-64.3, 0.5, 1), (-66, 0.5, 3)],
    "choose_qparams_inputs": [([3e38, -2e38],), (1e-44,)],
}
# What learners forget, by its name, and inputs, as they write them, that forget it.
WRITTEN = {
    "quantize_inputs": {
        "z is 0 in every input": ["[([-300.3, 0.3, 300.3], 0.5, 0)]", "[(128, 1, 0), (-129, 1, 0), (0.6, 1, 0)]"],
        "s is 1 in every input": ["[([-300.3, 0.3, 300.3], 1, 3)]"],
        "nothing has to be rounded": ["[([-300, 1, 300], 0.5, 3)]"],
        "nothing is above the grid": ["[([-300.3, 0.3, 40.3], 0.5, 3)]"],
        "nothing is below the grid": ["[([-40.3, 0.3, 300.3], 0.5, 3)]"],
    },
    "choose_qparams_inputs": {
        "0.0 is inside every range": ["[([-1, 2.7],), (0,), ([3e38, -2e38],), (1e-44,)][:3]"],
        "no input is 0.0 alone": ["[([1, 2.7],), ([-1, -2],), ([-1, 2.7],)]"],
        "no range is too large for float32": [
            "[([1, 2.7],), ([-1, -2],), ([-1, 2.7],), (0,)]",
            "[([1, 2.7],), ([-1, -2],), (0,), (1e-44,), ([3.4e38, -1e33],)]",
        ],
        "no step is too small for float32": [
            "[([1, 2.7],), ([-1, -2],), (0,), ([3e38, -2e38],)]",
            "[([1, 2.7],), ([-1, -2],), (0,), ([3e38, -2e38],), (1e-40,)]",
        ],
    },
}
each = pytest.mark.parametrize("deed", CHECKS)


def returning(value):
    def my_inputs():
        return value

    return my_inputs


def test_every_check_of_inputs_is_tried():
    assert set(CHECKS) == set(INPUTS_CHECKS) == set(WRITTEN)


@each
def test_few_numbers_are_enough(deed):
    verdict = CHECKS[deed](returning(ENOUGH[deed]))
    numbers = sum(torch.as_tensor(x).numel() for x, *_ in ENOUGH[deed])
    assert verdict.status == "right" and numbers == INPUTS_CHECKS[deed].few
    assert verdict.message == (
        f"my_inputs gives what it should: {numbers} numbers in {len(ENOUGH[deed])} inputs "
        f"show all {len(all_exercises()[deed.removesuffix('_inputs')].known)} mistakes."
    )


@each
def test_more_numbers_are_right_too_and_fewer_are_asked_for(deed):
    verdict = CHECKS[deed](returning([*ENOUGH[deed], ENOUGH[deed][0]]))
    assert verdict.status == "right" and verdict.message.endswith(f" Can you do it with {INPUTS_CHECKS[deed].few}?")


@each
def test_without_one_of_its_inputs_a_mistake_is_missed(deed):
    for k in range(len(ENOUGH[deed])):
        verdict = CHECKS[deed](returning(ENOUGH[deed][:k] + ENOUGH[deed][k + 1 :]))
        assert verdict.status == "wrong" and "Not shown: " in verdict.message


@pytest.mark.parametrize(
    ("deed", "name", "line"),
    [(deed, name, line) for deed, table in WRITTEN.items() for name, lines in table.items() for line in lines],
)
def test_what_a_learner_forgets_is_named(deed, name, line):
    verdict = CHECKS[deed](returning(eval(line)))
    assert verdict.status == "wrong" and verdict.misconceptions == (name,)
    assert f" Looks like: {name}. Not shown: " in verdict.message


@each
def test_everything_that_learners_forget_has_been_written(deed):
    assert set(WRITTEN[deed]) == {name for name, _ in INPUTS_CHECKS[deed].gaps}


def test_the_seed_alone_misses_some_mistakes():
    verdict = check_quantize_inputs(returning([(SEED, 3.5, -70)]))
    assert verdict.message == (
        "my_inputs has 9 numbers in 1 input, which show 23 of 25 mistakes. Looks like: nothing is below the grid. "
        "Not shown: only the upper end is clamped; clamp to -127."
    )


def test_what_is_not_shown_is_listed_in_short():
    assert "; 17 more." in check_quantize_inputs(returning([([1.0, 2.0], 1, 0)])).message


@pytest.mark.parametrize("x", [63.2, [63.2], (63.2,), torch.tensor(63.2), torch.tensor([[63.2]], dtype=torch.float64)])
def test_numbers_come_in_any_form(x):
    inputs = [(x, torch.tensor(0.5), torch.tensor(3)), *(one for one in ENOUGH["quantize_inputs"] if one[0] != 63.2)]
    assert check_quantize_inputs(returning(inputs)).status == "right"


class Odd:
    def __len__(self):
        raise RuntimeError("no length")

    def __repr__(self):
        raise RuntimeError("no text")


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "it returned None: is a `return` missing?"),
        (3, "it must return a list of 1 to 50 inputs."),
        ([], "it must return a list of 1 to 50 inputs."),
        ([(1, 1, 0)] * 51, "it must return a list of 1 to 50 inputs."),
        ([(1, 2)], "one of its inputs is none: an input is a tuple of x, s, z, got (1, 2); put it into parentheses."),
        ([("a", 1, 0)], "one of its inputs is none: "),
        ([([1] * 51, 1, 0)], "one of its inputs is none: x has 1 to 50 numbers, got 51; a small input says more."),
        ([([], 1, 0)], "one of its inputs is none: x has 1 to 50 numbers, got 0; a small input says more."),
        ([(1, 0, 0)], "one of its inputs is none: scale must be finite and positive, got 0;"),
        ([(1, 1, 0.5)], "one of its inputs is none: zero_point must be an integer"),
        ([(float("nan"), 1, 0)], "one of its inputs is none: x must not hold NaN"),
        ([([[1, 2], [3]], 1, 0)], "one of its inputs is none: "),
        ([(1, 1, torch.tensor([1, 2]))], "one of its inputs is none: "),
        ([Odd()], "one of its inputs is none: no text."),
        ([(1, Odd(), 0)], "one of its inputs is none: scale must be a number or a tensor, got Odd;"),
    ],
)
def test_what_is_no_input_is_said(value, said):
    verdict = check_quantize_inputs(returning(value))
    assert verdict.status == "wrong" and verdict.message.startswith(f"my_inputs: {said}"), verdict


def test_a_tuple_of_one_is_explained():
    said = check_choose_qparams_inputs(returning([5.0])).message
    assert said.endswith("an input is a tuple of x, got 5.0; a tuple of one is written (x,).")


@each
@pytest.mark.parametrize("f", [None, ..., returning(...), lambda: None])
def test_not_written_yet(deed, f):
    assert CHECKS[deed](f).status == "not written yet"


@each
def test_a_result_for_the_function_is_refused(deed):
    said = CHECKS[deed](ENOUGH[deed]).message
    assert said == "a check takes the function itself, but got a list. Write its name without parentheses."


def test_a_tie_of_z_is_no_input():
    said = check_choose_qparams_inputs(returning([([-1, 1],)])).message
    assert "one of its inputs is none: z must not lie half-way between two codes, where right functions differ" in said


def test_inputs_are_left_as_they_are():
    x = torch.tensor([0.3, 300.3])
    check_quantize_inputs(returning([(x, 0.5, 3)]))
    assert x.tolist() == torch.tensor([0.3, 300.3]).tolist()
