"""Every explorer and every check that takes a function, given functions that misbehave in every way we could think of.

What takes a function is found by its annotations, so that a new explorer or check is tried as soon as it is exported.
"""

import collections.abc
import contextlib
import dataclasses
import functools
import inspect
import itertools
import math
import os
import sys
import threading
import time
import typing
import warnings

import numpy
import pytest
import torch

from quantlib import split_error
from quantlib.lab import exercise as check
from quantlib.lab import explore
from quantlib.lab.dispatch import Dispatch
from quantlib.lab.learner import call, stand_in
from tests.helpers import lessons
from tests.helpers.lessons import EXERCISES, GIVEN
from tests.helpers.strategies import SEED as T

# --- who is tried

LAB = lessons.EXPLORERS | lessons.CHECKS


def takes_function(annotation):
    """Whether an annotation is Callable, or a union with it."""
    origin = typing.get_origin(annotation)
    return origin is collections.abc.Callable or any(map(takes_function, typing.get_args(annotation)))


def functions_of(name):
    return [p.name for p in inspect.signature(LAB[name]).parameters.values() if takes_function(p.annotation)]


EXPLORERS = [name for name in lessons.EXPLORERS if functions_of(name)]
SLOTS = [(name, slot) for name in EXPLORERS for slot in functions_of(name)]
CHECKS = [f"check_{name}" for name in EXERCISES]
INPUTS_CHECKS = [name for name in lessons.CHECKS if name not in CHECKS]

each_slot = pytest.mark.parametrize(("explorer", "slot"), SLOTS)
each_check = pytest.mark.parametrize("name", CHECKS)


def default(explorer, slot):
    """quantlib's own function for a slot; for a measure that has none, one that is right."""
    own = inspect.signature(LAB[explorer]).parameters[slot].default
    return own or (lambda x, x_hat: (x - x_hat).double().norm())


def test_every_explorer_and_every_check_is_tried():
    assert {name for name, _ in SLOTS} == set(EXPLORERS)
    assert {*CHECKS, *INPUTS_CHECKS} == set(lessons.CHECKS)


# --- how they misbehave: functions of (a right function, arguments...)


class Agreeable(torch.Tensor):
    """Equal to everything."""

    def __eq__(self, other):
        return True

    __hash__ = None


class Liar:
    @property
    def __class__(self):
        raise RuntimeError("no class")


class Unreadable:
    def __float__(self):
        raise KeyError("no number")

    shape = property(lambda self: 1 / 0)


class Closing(float):
    def __float__(self):
        raise SystemExit("no number")


class Pressed(KeyboardInterrupt):
    """Not the stop button, which raises KeyboardInterrupt itself."""


class Grumpy(BaseException):
    def __str__(self):
        raise ValueError("no text")


def raises(error):
    def f(good, *a):
        raise error

    return f


def returns(value):
    return lambda good, *a: value


def endless_recursion(good, *a):
    return endless_recursion(good, *a)


def endless_generator(good, *a):
    while True:
        yield 1


def closes_what_it_prints_to(good, *a):
    sys.stdout.close()


def becomes_agreeable(good, *a):
    for t in a:
        if isinstance(t, torch.Tensor):
            t.__class__ = Agreeable
    return None


def deletes_its_input(good, *a):
    a[0].set_()


WRONG = {
    "raises": raises(ValueError("bad")),
    "raises without a text": raises(Grumpy()),
    "raises a thousand lines": raises(Exception("a\n" * 1000)),
    "exits": lambda good, *a: sys.exit(1),
    "raises BaseException": raises(BaseException("low")),
    "raises like the stop button": raises(Pressed()),
    "raises StopIteration": raises(StopIteration()),
    "raises GeneratorExit": raises(GeneratorExit()),
    "recurses for ever": endless_recursion,
    "prints a megabyte and returns nothing": lambda good, *a: print("a" * 1_000_000),
    "closes stdout": closes_what_it_prints_to,
    "returns a str": returns("text"),
    "returns a number as text": returns("3"),
    "returns bytes": returns(b"3"),
    "returns a list": lambda good, *a: [*a[0].flatten().tolist(), "end"],
    "returns a dict": returns({}),
    "returns a generator": endless_generator,
    "returns nothing in a pair": returns((None, None)),
    "returns three": lambda good, *a: [a[0], a[0], a[0]],
    "returns the function": lambda good, *a: good,
    "returns a type": returns(torch.Tensor),
    "returns complex": returns(1j),
    "returns a number beyond float64": returns(10**400),
    "returns NaN": returns(math.nan),
    "returns infinity": returns(-math.inf),
    "returns an array": lambda good, *a: a[0].numpy().repeat(2),
    "returns what has no class": lambda good, *a: Liar(),
    "returns what cannot be read": lambda good, *a: Unreadable(),
    "returns what exits when read": lambda good, *a: Closing(1),
    "returns a tensor of NaN": lambda good, *a: a[0].double() * math.nan,
    "returns a pair of NaN": lambda good, *a: (a[0].double() * math.nan, a[0].double() * math.nan),
    "returns the wrong shape": lambda good, *a: torch.ones(2, 7),
    "returns nothing in a tensor": lambda good, *a: torch.empty(0),
    "returns one more axis": lambda good, *a: torch.ones(1, *a[0].shape, 2),
    "returns bool": lambda good, *a: a[0].bool(),
    "returns complex tensors": lambda good, *a: a[0] + 1j,
    "returns a sparse tensor": lambda good, *a: a[0].to_sparse(),
    "returns a tensor of no values": lambda good, *a: a[0].to("meta"),
    "returns float8": lambda good, *a: a[0].to(torch.float8_e4m3fn).expand(2, *a[0].shape),
    "returns a huge tensor": lambda good, *a: torch.zeros(1).expand(10**12),
    "asks for too much memory": lambda good, *a: torch.empty(10**15),
    "returns an agreeable tensor": lambda good, *a: a[0].as_subclass(Agreeable),
    "gives its input another class": becomes_agreeable,
    "takes its input away": deletes_its_input,
}


def shouts(good, *a):
    print("a" * 1_000_000)
    print("a" * 1_000_000, file=sys.stderr)
    return good(*a)


def shouts_below_python(good, *a):
    os.write(1, b"a" * 1000)
    os.write(2, b"a" * 1000)
    return good(*a)


def warns(good, *a):
    warnings.warn("about nothing", DeprecationWarning, stacklevel=1)
    warnings.simplefilter("error")
    return good(*a)


def changes(setting, value):
    def f(good, *a):
        setting(value)
        return good(*a)

    return f


def replaces_stdout(good, *a):
    sys.stdout = sys.stderr = None
    return good(*a)


def leaves_a_thread(good, *a):
    threading.Thread(target=time.sleep, args=(0.05,)).start()
    return good(*a)


def with_a_gradient(good, *a):
    return on_tensors(lambda t: t.requires_grad_() if t.is_floating_point() else t, good(*a))


def as_parameter(good, *a):
    return on_tensors(lambda t: torch.nn.Parameter(t, requires_grad=t.is_floating_point()), good(*a))


def from_inference(good, *a):
    with torch.inference_mode():
        return good(*a)


def from_memory_of_its_own(good, *a, memory={}):  # noqa: B006
    """Returns the same memory every time, as a function with a global buffer does."""

    def store(k, t):
        kept = memory.setdefault((id(good), k, t.dtype), torch.empty(0, dtype=t.dtype))
        return kept.resize_(t.shape).copy_(t)

    result = good(*a)
    if isinstance(result, tuple):
        return tuple(store(k, t) for k, t in enumerate(result))
    return store(0, result) if isinstance(result, torch.Tensor) else result


def negated_twice(good, *a):
    """A lazy minus sign, which numpy cannot read."""
    return on_tensors(lambda t: torch.complex(t, -t).conj().imag if t.dtype in FULL else t, good(*a))


def expanded(good, *a):
    return on_tensors(lambda t: t.unsqueeze(-1).expand(*t.shape, 2)[..., 1], good(*a))


FULL = torch.float32, torch.float64


def on_tensors(do, result):
    if isinstance(result, tuple):
        return tuple(do(t.detach().clone()) for t in result)
    return do(result.detach().clone()) if isinstance(result, torch.Tensor) else result


class Idle(Dispatch):
    def do(self, operation, args, kwargs):
        return operation(*args, **kwargs)


ODD = {
    "shouts": shouts,
    "shouts below Python": shouts_below_python,
    "warns": warns,
    "replaces stdout": replaces_stdout,
    "leaves a thread behind": leaves_a_thread,
    "changes the default dtype": changes(torch.set_default_dtype, torch.float64),
    "turns gradients off": changes(torch.set_grad_enabled, False),
    "takes all threads": changes(torch.set_num_threads, 1),
    "leaves a mode of torch behind": changes(lambda mode: mode().__enter__(), Idle),
    "seeds torch": changes(torch.manual_seed, 0),
    "returns a gradient": with_a_gradient,
    "returns a parameter": as_parameter,
    "returns from inference mode": from_inference,
    "returns its own memory": from_memory_of_its_own,
    "returns a lazy minus": negated_twice,
    "returns a strange layout": expanded,
}


def watchers():
    return torch._C._len_torch_dispatch_stack()


def settings():
    return (
        torch.get_default_dtype(),
        torch.is_grad_enabled(),
        torch.get_num_threads(),
        torch.get_default_device(),
        watchers(),
    )


@pytest.fixture(autouse=True)
def nothing_is_left_behind(capfd):
    """The next cell finds torch, stdout and T as they were, and nothing was printed."""
    before, values = settings(), T.clone()
    yield
    assert settings() == before and torch.equal(T, values)


class Switch:
    """A learner's function that is exchanged behind the explorer's back, so that one explorer serves many."""

    def __init__(self, good):
        self.good = self.now = good
        self.__name__ = "mine"
        self.calls = 0

    def __call__(self, *a):
        self.calls += 1
        return self.now(*a)

    def become(self, way):
        self.now = functools.partial(way, self.good) if way else self.good


def required(explorer):
    return [p for p in inspect.signature(LAB[explorer]).parameters.values() if p.default is p.empty]


def make(explorer, **functions):
    return LAB[explorer](**{p.name: GIVEN[p.name] for p in required(explorer)}, **functions)


def places(control, count):
    """Up to so many values of a slider, or counts of a button, but not the present one."""
    low, high = getattr(control, "min", 0), getattr(control, "max", count)
    values = dict.fromkeys(type(control.value)(value) for value in numpy.linspace(low, high, count).tolist())
    return [value for value in values if value != control.value]


class Shown:
    """An explorer of one function, beside a twin in which that function is right.

    An explorer may keep what a function returned at a place, so each function is tried at places of its own.
    """

    def __init__(self, explorer, slot):
        self.switch, right = Switch(default(explorer, slot)), Switch(default(explorer, slot))
        self.explorer, self.twin = make(explorer, **{slot: self.switch}), make(explorer, **{slot: right})
        self.drawn = True
        for each in (self.explorer, self.twin):
            each.scene.draw = functools.partial(self.draw, each.scene.draw, each.picture.png)
        self.places = self.places_that_call_the_function()

    def draw(self, draw, last, view):
        return draw(view) if self.drawn else last

    def places_that_call_the_function(self):
        """Places, without end, of the slider at which a picture takes the fewest calls, but at least one."""
        calls, probed = {}, []
        for name, control in self.explorer.controls.items():
            before, start = self.switch.calls, control.value
            probed.append(places(control, 5)[-1])
            self.move(self.explorer, (name, probed[-1]))
            calls[name] = self.switch.calls - before or math.inf
            self.move(self.explorer, (name, start))
        name = min(calls, key=calls.get)
        fresh = [place for place in places(self.explorer.controls[name], 160) if place not in probed]
        return itertools.cycle((name, place) for place in fresh)

    @staticmethod
    def move(explorer, place):
        """The picture and the readout at a place. What cannot be drawn is said on the page alone."""
        explorer.move(**dict([place]))
        assert "could not be drawn" not in explorer.page.value
        return explorer.picture

    def after(self, way):
        """What is shown while the function misbehaves, and where; and that all is as ever when it is right."""
        before, place = settings(), next(self.places)
        self.switch.become(way)
        picture = self.move(self.explorer, place)
        self.switch.become(None)
        self.assert_as_ever()
        assert settings() == before
        return picture, place

    def assert_as_ever(self):
        drawn, self.drawn, place = self.drawn, False, next(self.places)
        assert self.move(self.explorer, place).alt == self.move(self.twin, place).alt
        self.drawn = drawn

    @contextlib.contextmanager
    def undrawn(self):
        """Readouts alone, for speed; after it, a right function is drawn as ever."""
        self.drawn = False
        yield
        self.drawn, place = True, next(self.places)
        assert self.move(self.explorer, place) == self.move(self.twin, place)


shown = functools.cache(Shown)
SAID = "quantlib's instead", "stands in", "row stays empty"


@each_slot
def test_an_explorer_stays_usable_and_says_what_happened(explorer, slot):
    it = shown(explorer, slot)
    with it.undrawn():
        texts = {name: it.after(way)[0].alt for name, way in WRONG.items()}
    assert not {n: t for n, t in texts.items() if "mine: it " not in t or not any(said in t for said in SAID)}


@each_slot
def test_an_explorer_takes_a_right_result_however_it_comes(explorer, slot):
    it = shown(explorer, slot)
    pictures = {name: it.after(way) for name, way in ODD.items()}
    assert not {name: odd.alt for name, (odd, place) in pictures.items() if odd != it.move(it.twin, place)}


@pytest.mark.parametrize("explorer", [e for e in EXPLORERS if {"x", "w"} & {p.name for p in required(e)}])
def test_an_explorer_keeps_its_numbers_when_a_later_cell_changes_them(explorer, unpainted):
    mine = T.clone()
    its = {p.name: mine if p.name in ("x", "w") else GIVEN.get(p.name) for p in required(explorer)}
    changed, twin = LAB[explorer](**its), make(explorer)
    mine.fill_(1.0)
    for name, control in changed.controls.items():
        place = places(control, 5)[-1]
        assert changed.move(**{name: place}) == twin.move(**{name: place})


@functools.cache
def short(name):
    """The check behind a name, on its smallest inputs and T alone, so that many functions can be tried."""
    whole = EXERCISES[name.removeprefix("check_")]
    return dataclasses.replace(whole, cases=(*whole.cases[:3], whole.seen))


def verdict(name, way):
    """What a check says of a function that misbehaves; and that it says of a right one what it always says."""
    before = settings()
    said = short(name).check(functools.partial(way, short(name).reference))
    assert short(name).check(short(name).reference).status == "right" and settings() == before
    return said


@each_check
def test_a_check_says_what_happened(name):
    said = {way: verdict(name, WRONG[way]) for way in WRONG}
    assert not {way: v for way, v in said.items() if v.status != "wrong" or len(v.message) > 700}


@pytest.mark.parametrize("name", INPUTS_CHECKS)
def test_a_check_of_inputs_says_what_happened(name):
    before = settings()
    said = {way: LAB[name](functools.partial(WRONG[way], lambda *a: [])) for way in WRONG}
    assert not {way: v for way, v in said.items() if v.status != "wrong" or len(v.message) > 700}
    assert settings() == before


# These look at the gradient too, and a result without it is not right.
CHECKS_OF_GRADIENTS = {"check_straight_round", "check_straight_quantize"}
LOSE_THE_GRADIENT = {"turns gradients off", "returns from inference mode", "returns its own memory"}
LOSE_THE_GRADIENT |= {"returns a gradient", "returns a parameter", "returns a strange layout", "returns a lazy minus"}


@each_check
def test_a_check_takes_a_right_result_however_it_comes(name):
    ways = [way for way in ODD if way not in LOSE_THE_GRADIENT or name not in CHECKS_OF_GRADIENTS]
    said = {way: verdict(name, ODD[way]) for way in ways}
    assert not {way: v for way, v in said.items() if v.status != "right"}


def test_a_mistake_is_named_though_all_results_share_their_memory():
    mistake = EXERCISES["quantize"].known[0].function
    alone, shared = (LAB["check_quantize"](f) for f in (mistake, functools.partial(from_memory_of_its_own, mistake)))
    assert alone.misconceptions and shared.misconceptions == alone.misconceptions


@each_check
def test_a_check_says_on_all_its_inputs_what_happened(name):
    reference = short(name).reference
    own = "wrong" if name in CHECKS_OF_GRADIENTS else "right"
    for way, status in ((WRONG["raises"], "wrong"), (from_memory_of_its_own, own)):
        assert LAB[name](functools.partial(way, reference)).status == status


# --- functions that take their time, and what is no function at all


def loops(*a):
    while True:
        pass


@pytest.fixture
def impatient(monkeypatch):
    """A call and a check may take a twentieth of a second, so that the tests are short."""
    monkeypatch.setitem(call.__kwdefaults__, "seconds", 0.05)
    monkeypatch.setattr(check, "SECONDS", 0.05)


@pytest.fixture
def unpainted(monkeypatch):
    """Explorers that work out and describe a picture, but do not draw it: most of the time goes into the first one."""
    monkeypatch.setattr(explore.Scene, "__init__", lambda scene, size, lay_out: setattr(scene, "size", size))
    monkeypatch.setattr(explore.Scene, "draw", lambda scene, view: bytes(24))


@each_slot
def test_an_explorer_is_shown_soon_whatever_loops(explorer, slot, impatient, unpainted):
    began = time.monotonic()
    it = make(explorer, **{slot: loops})
    texts = [it.picture.alt, *(it.move(**{name: places(c, 5)[-1]}) for name, c in it.controls.items())]
    assert all("loops: it took longer than 0.05 s and was stopped." in text for text in texts)
    assert time.monotonic() - began < 20


@each_check
def test_a_check_answers_soon_whatever_loops(name, impatient):
    began = time.monotonic()
    verdict = LAB[name](loops)
    assert verdict.status == "wrong" and "did not finish: all inputs together may take 0.05 s." in verdict.message
    assert time.monotonic() - began < 20


def test_a_function_too_slow_for_a_slider_is_given_up(monkeypatch, unpainted):
    monkeypatch.setattr(stand_in.time, "monotonic", lambda: now[0])
    now, calls = [0.0], []  # only the function takes time

    def slow(*a):
        now[0] += 0.7
        calls.append(a)
        return split_error(*a)

    text = LAB["explore_split"](T, slow).picture.alt  # takes a call for every step of its slider
    assert "slow: it is too slow for a slider: one call takes 0.7 s." in text and len(calls) == 5


class Nameless:
    @property
    def __name__(self):
        raise ValueError("no name")

    @property
    def __code__(self):
        raise ValueError("no code")

    def __call__(self, *a):
        raise NotImplementedError


NO_FUNCTIONS = {"what a function returned": T, "what has no name": Nameless()}


@each_slot
@pytest.mark.parametrize("given", NO_FUNCTIONS)
def test_an_explorer_of_what_is_no_function_is_shown_and_says_so(explorer, slot, given, unpainted):
    text = make(explorer, **{slot: NO_FUNCTIONS[given]}).picture.alt
    assert ": it " in text and any(said in text for said in SAID)


@each_check
@pytest.mark.parametrize("given", NO_FUNCTIONS)
def test_a_check_of_what_is_no_function_says_so(name, given):
    assert LAB[name](NO_FUNCTIONS[given]).status == "wrong"


# --- numbers that are right in kind, and of no use


NUMBERS = (1e-320, 1e-38, 1e38, 1e308, -1e308, -0.0, True, 2**63)
VALUES = [(v, torch.float64) for v in (1e-320, -1e38, 3e38, 1e308)]
VALUES += [(-1e38, torch.bfloat16), (255, torch.uint8), (2**64 - 1, torch.uint64), (-(2**63), torch.int64)]


def full(number, dtype, slot):
    def f(good, x, *_):
        values = torch.full(x.shape, number, dtype=dtype)
        return (values, values) if slot == "split_error" else values

    return f


@each_slot
def test_an_explorer_draws_any_number_and_any_values(explorer, slot):
    it = shown(explorer, slot)
    for way in (*map(returns, NUMBERS), *(full(*value, slot) for value in VALUES)):
        it.after(way)
