"""A learner's function in an explorer: quantlib's own stands in where it cannot be used."""

import time
from collections.abc import Callable
from types import FunctionType
from typing import Any

import numpy
from torch import Tensor

from ..words import sentence
from .calls import Outcome, call, name_of, read

PATIENCE = 3.0  # seconds of calls, altogether, after which a slider counts as stuck


class StandIn:
    """A learner's function, for which quantlib's own stands in where it cannot be used.

    Args:
        function: the learner's. If its notebook gives the name a new function, that one from then on.
        own: quantlib's, called with the same arguments.
        problem: takes a value and the arguments, and says why the value cannot be used, or "".
        instead: what the reader sees where the function cannot be used.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        own: Callable[..., Any],
        problem: Callable[..., str],
        instead: str = "The picture shows quantlib's instead.",
    ) -> None:
        self._function, self._own, self._problem, self._instead = function, own, problem, instead
        self._name = name_of(function)
        self._given_up, self._waited, self._last = "", 0.0, time.monotonic()

    def __call__(self, *arguments: Any) -> tuple[Any, str]:
        """Return a value, and what a reader should know of the learner's function, or ""."""
        self._follow()
        if self._function is self._own:
            return self._own(*arguments), ""
        outcome = Outcome(None, self._given_up) if self._given_up else self._call(arguments)
        problem = "" if outcome.changed else outcome.problem
        problem = problem or read(self._problem, outcome.value, *arguments)
        if problem:
            return self._own(*arguments), sentence(f"{self._name}: it {problem}") + f" {self._instead}"
        return _kept(outcome.value), sentence(f"{self._name}: it {outcome.problem}") if outcome.problem else ""

    @property
    def function(self) -> Callable[..., Any]:
        """The learner's function as it is written now: whoever keeps results keeps them for this function alone."""
        self._follow()
        return self._function

    def _follow(self) -> None:
        """Take the function as it is written now: a learner writes it anew, or for the first time."""
        now = _in_notebook(self._function)
        if now is not self._function:
            self._function, self._given_up, self._waited = now, "", 0.0

    def _call(self, arguments: tuple[Any, ...]) -> Outcome:
        """Call the function, and give it up for good if a slider could not be moved with it."""
        began = time.monotonic()
        outcome = call(self._function, *arguments)
        pause, took = began - self._last, time.monotonic() - began
        self._waited, self._last = max(0.0, self._waited - pause) + took, began + took
        if outcome.timed_out:
            self._given_up = outcome.problem
        elif self._waited > PATIENCE:
            self._given_up = f"is too slow for a slider: one call takes {took:.2g} s"
        return outcome


def _in_notebook(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return what a function's name now means in its notebook: if nothing that can be called, the function itself."""
    if not isinstance(function, FunctionType) or function.__module__ != "__main__":
        return function
    now = function.__globals__.get(function.__name__)
    return now if callable(now) else function


def _kept(value: Any) -> Any:
    """Return a value in memory of its own, without a gradient and as numpy can read it; an array of one as a number."""
    if isinstance(value, (tuple, list)):
        return tuple(map(_kept, value))
    if isinstance(value, Tensor):
        return value.detach().clone()  # a clone also carries out a minus that torch has put off
    return value.item() if isinstance(value, numpy.ndarray) else value
