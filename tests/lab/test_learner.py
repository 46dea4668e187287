"""A learner's function is called safely, whatever it does, and what it did is said in one sentence."""

import contextlib
import sys
import threading
import time

import numpy
import pytest
import torch

from quantlib import affine
from quantlib.lab.learner import (
    StandIn,
    call,
    calls,
    codes_problem,
    name_of,
    number_problem,
    read,
    reals_problem,
    stand_in,
    step_problem,
    tensor_problem,
    whole_problem,
)

X = torch.tensor([1.0, 2.5])


class Grumpy(Exception):
    def __str__(self):
        raise ValueError("not even this works")


def raises(error):
    def f(x):
        raise error

    return f


@pytest.mark.parametrize(
    ("error", "problem"),
    [
        (ValueError("bad"), "raised ValueError: bad"),
        (ValueError("one\ntwo"), "raised ValueError: one"),
        (KeyError(), "raised KeyError"),
        (SystemExit(3), "raised SystemExit: 3"),
        (BaseException("low"), "raised BaseException: low"),
        (Grumpy(), "raised Grumpy"),
        (ValueError("a" * 500), "raised ValueError: " + "a" * 117 + "..."),
    ],
)
def test_what_is_raised_is_said(error, problem):
    assert call(raises(error), X).problem == problem


def stops():
    raise KeyboardInterrupt


def test_the_stop_button_still_stops():
    with pytest.raises(KeyboardInterrupt):
        call(raises(KeyboardInterrupt()), X)
    with pytest.raises(KeyboardInterrupt):
        read(stops)


def test_what_is_raised_while_a_value_is_read_is_said():
    assert read(len, [1, 2]) == 2
    assert read(raises(SystemExit()), X) == "returned something that cannot be read"


def test_random_numbers_go_on_from_call_to_call():
    first, second = (call(lambda x: torch.rand(3), X).value for _ in range(2))
    assert not torch.equal(first, second)


def test_arguments_are_copies_and_a_change_is_seen():
    x = X.clone()
    outcome = call(lambda x: x.mul_(2), x)
    assert torch.equal(x, X) and outcome.changed and outcome.problem == "changes its input in place"
    assert outcome.value.tolist() == [2.0, 5.0]
    assert not call(lambda x: x * 2, x).changed


def test_a_changed_shape_or_dtype_is_a_change():
    def casts(x):
        x.data = x.data.double()

    assert call(lambda x: x.resize_(1), X).changed
    assert call(casts, X).changed


def test_a_changed_class_is_a_change_whatever_its_comparison_says():
    def agrees(x):
        x.__class__ = Agreeable

    assert call(agrees, X).changed


def ellipsis(x): ...


def nothing(x):
    pass


def documented(x):
    """Return x."""


def returns_ellipsis(x):
    y = x + 1  # noqa: F841
    return ...


def says_so(x):
    raise NotImplementedError


of_torch = raises(NotImplementedError("not implemented for 'Char'"))


def of_a_dtype(x):
    return of_torch(x)


@pytest.mark.parametrize("f", [ellipsis, nothing, documented, returns_ellipsis, says_so])
def test_an_unwritten_function_is_known_as_such(f):
    outcome = call(f, X)
    assert outcome.unwritten and outcome.problem == "is not written yet" and outcome.value is None


@pytest.mark.parametrize("f", [of_a_dtype, lambda x: print(x), lambda x: 0])
def test_a_written_function_is_not_called_unwritten(f):
    assert not call(f, X).unwritten


def test_what_it_prints_is_caught_and_not_hoarded(capsys):
    def noisy(x):
        print("a" * 100)
        print("warn", file=sys.stderr)
        for _ in range(100):
            print("b" * 10_000)
        return x

    outcome = call(noisy, X)
    assert torch.equal(outcome.value, X) and len(outcome.printed) == calls.KEPT
    assert outcome.printed.startswith("a" * 100 + "\nwarn\n")
    assert capsys.readouterr() == ("", "")


def loops(x):
    while True:
        pass


def sleeps(x):
    time.sleep(60)


def swallows(x):
    while True:
        with contextlib.suppress(Exception):
            torch.sin(x)


def swallows_all(x):
    caught = 0
    while caught < 2:
        try:
            time.sleep(60)
        except BaseException:
            caught += 1
    loops(x)


def swallows_for_ever(x):
    while True:
        try:  # noqa: SIM105
            time.sleep(60)
        except:  # noqa: E722
            pass


def suppresses_for_ever(x):
    while True:
        with contextlib.suppress(BaseException):
            torch.sin(x)


class Lingers:
    def __del__(self):
        sum(range(10_000))


def destroys(x):
    while True:
        Lingers()


LOOPS = [loops, sleeps, swallows, swallows_all, swallows_for_ever, suppresses_for_ever, destroys]


@pytest.mark.parametrize("f", LOOPS)
def test_an_endless_loop_is_stopped(f):
    began = time.monotonic()
    outcome = call(f, X, seconds=0.05)
    assert outcome.timed_out and outcome.problem == "took longer than 0.05 s and was stopped"
    assert time.monotonic() - began < 10


def test_what_a_destructor_swallows_is_not_printed(capfd):
    before = sys.unraisablehook
    outcomes = [call(destroys, X, seconds=0.01) for _ in range(20)]  # each rings most likely in the destructor
    assert all(outcome.timed_out and not outcome.printed for outcome in outcomes)
    assert capfd.readouterr() == ("", "") and sys.unraisablehook is before


def test_no_alarm_is_left_behind():
    call(loops, X, seconds=0.05)
    time.sleep(0.12)  # a second ring would raise here


def test_outside_the_main_thread_it_is_called_without_an_alarm():
    found = []
    thread = threading.Thread(target=lambda: found.append(call(lambda x: x + 1, X).value.tolist()))
    thread.start()
    thread.join()
    assert found == [[2.0, 3.5]]


class Agreeable(torch.Tensor):
    def __eq__(self, other):
        return True


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (None, "returned None: is a `return` missing?"),
        ("text", "returned a str, not a tensor"),
        (3, "returned an int, not a tensor"),
        (X.as_subclass(Agreeable), "returned an Agreeable, not a tensor"),
        (X > 1, "returned torch.bool, not a plain tensor of numbers"),
        (X + 1j, "returned torch.complex64, not a plain tensor of numbers"),
        (X.to_sparse(), "returned a sparse tensor, not a plain tensor of numbers"),
        (X.to("meta"), "returned no values, not a plain tensor of numbers"),
        (X, ""),
        (torch.nn.Parameter(X), ""),
        (X.half(), ""),
    ],
)
def test_what_is_no_plain_tensor_is_said(value, problem):
    assert tensor_problem(value) == problem


@pytest.mark.parametrize(
    ("value", "number", "step", "whole"),
    [
        (3, "", "", ""),
        (torch.tensor([3.0]), "", "", ""),
        (0.5, "", "", "returned a number that is not a small integer"),
        (-1, "", "returned a step that is not positive", ""),
        (0, "", "returned a step that is not positive", ""),
        (
            1e-38,
            "",
            "returned a step too small or too large for float32",
            "returned a number that is not a small integer",
        ),
        (
            1e39,
            "",
            "returned a step too small or too large for float32",
            "returned a number that is not a small integer",
        ),
        (1e6, "", "", "returned a number that is not a small integer"),
        *((v, *["returned NaN or infinity"] * 3) for v in (float("nan"), float("inf"), torch.tensor(float("nan")))),
        (None, *["returned None: is a `return` missing?"] * 3),
        ("3", *["returned a str, not one number"] * 3),
        (10**400, *["returned an int, not one number"] * 3),
        (X, *["returned a tensor of shape (2,), not one number"] * 3),
        ([], *["returned a list, not one number"] * 3),
    ],
)
def test_what_is_no_number_no_step_or_no_integer_is_said(value, number, step, whole):
    assert (number_problem(value, X), step_problem(value, X), whole_problem(value, X)) == (number, step, whole)


def test_a_pair_of_values_and_indices_is_called_so():
    for pair in (X.max(dim=0), X.min(dim=0)):
        assert tensor_problem(pair).startswith("returned a pair of values and indices")


def test_a_stand_in_tells_whose_function_it_calls():
    assert StandIn(len, max, lambda *_: "").function is len


@pytest.mark.filterwarnings("ignore")  # torch is about to drop its quantized dtypes
def test_a_quantized_dtype_is_no_plain_tensor():
    q = torch.quantize_per_tensor(X, 1.0, 0, torch.qint8)
    assert tensor_problem(q) == "returned torch.qint8, not a plain tensor of numbers"


def test_a_missing_return_is_said_even_where_the_input_is_changed():
    def quantize(x, s, z):
        x += z

    _, notice = StandIn(quantize, affine.quantize, codes_problem)(X, 1.0, 3)
    assert notice == "quantize: it returned None: is a `return` missing? The picture shows quantlib's instead."


def test_reals_are_finite_in_float32():
    assert reals_problem(X.double() * 1e38, X) == ""
    assert reals_problem(X.double() * 1e39, X) == "returned numbers too large for float32"
    assert reals_problem(X * torch.inf, X) == "returned NaN or infinity"


def test_a_name_is_shown_if_it_is_one():
    assert [name_of(f) for f in (stops, lambda: 0, 3, call)] == ["stops", "your function", "your function", "call"]
    assert name_of(lambda: 0, "yours") == "yours"


def test_an_array_of_one_number_is_taken_as_that_number():
    value, said = StandIn(lambda x: numpy.array(3.0), None, number_problem)(X)
    assert type(value) is float and value == 3.0 and said == ""


def test_each_result_of_a_stand_in_has_memory_of_its_own():
    memory = torch.zeros(2)
    mine = StandIn(lambda x: memory.copy_(x), None, reals_problem)
    first, second = mine(X)[0], mine(X + 1)[0]
    assert first.tolist() == [1.0, 2.5] and second.tolist() == [2.0, 3.5]


@pytest.mark.parametrize(("pause", "calls"), [(0.0, 5), (0.3, 7), (0.8, 100)])
def test_a_slow_function_is_given_up_unless_it_pauses_as_long_as_it_works(monkeypatch, pause, calls):
    now, made = [0.0], []
    monkeypatch.setattr(stand_in.time, "monotonic", lambda: now[0])

    def slow(x):
        now[0] += 0.7
        made.append(x)
        return x

    mine = StandIn(slow, lambda x: x + 1, reals_problem)
    for _ in range(100):
        value, said = mine(X)
        now[0] += pause
    assert len(made) == calls and torch.equal(value, X) == (calls == 100)
    assert said == (
        "slow: it is too slow for a slider: one call takes 0.7 s. " * (calls < 100)
        + ("The picture shows quantlib's instead." * (calls < 100))
    )
