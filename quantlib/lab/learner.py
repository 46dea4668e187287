"""Calling a function that a learner wrote, whatever it does."""

import dis
import io
import signal
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from .. import affine

SECONDS = 1.0  # how long one call may take


@dataclass(frozen=True)
class Outcome:
    """What a call came to: its value, and what a reader should know about it, "" if nothing is amiss."""

    value: Any
    problem: str = ""
    printed: str = ""
    unwritten: bool = False
    timed_out: bool = False


class _TimeIsUp(BaseException):
    """Not an Exception, so that an `except Exception` in the learner's loop does not swallow it."""


def call(function: Callable[..., Any], *arguments: Any, seconds: float = SECONDS) -> Outcome:
    """Call a learner's function on copies of the arguments, and say in one sentence what went wrong, if anything did.

    It may raise, print, warn, loop for ever in Python, forget to return, or change its input.
    """
    copies = [a.clone() if isinstance(a, Tensor) else a for a in arguments]
    printed = io.StringIO()
    try:
        with redirect_stdout(printed), redirect_stderr(printed), warnings.catch_warnings(), _alarm(seconds):
            warnings.simplefilter("ignore")
            value = function(*copies)
    except _TimeIsUp:
        return Outcome(None, f"it took longer than {seconds:g} s and was stopped", printed.getvalue(), timed_out=True)
    except NotImplementedError:
        return Outcome(None, "it is not written yet", printed.getvalue(), unwritten=True)
    except (Exception, SystemExit) as error:
        return Outcome(None, f"it raised {_name(error)}", printed.getvalue())
    if value is None and is_unwritten(function):
        return Outcome(None, "it is not written yet", printed.getvalue(), unwritten=True)
    changed = any(isinstance(a, Tensor) and not _same(a, b) for a, b in zip(arguments, copies, strict=True))
    return Outcome(value, "it changes its input in place" if changed else "", printed.getvalue())


def is_unwritten(function: Callable[..., Any]) -> bool:
    """Return whether the body of a Python function does nothing: it is `...`, `pass`, or a docstring."""
    code = getattr(function, "__code__", None)
    idle = {"RESUME", "NOP", "CACHE", "LOAD_CONST", "RETURN_CONST", "RETURN_VALUE"}
    return code is not None and all(instruction.opname in idle for instruction in dis.get_instructions(code))


def codes_problem(value: Any, x: Tensor) -> str:
    """Say why a value cannot be the codes of x, or return "" if it can: an integer tensor of x's shape."""
    return _tensor_problem(value, x) or ("" if _is_integer(value) else f"it returned {value.dtype}, not integers")


def reals_problem(value: Any, x: Tensor) -> str:
    """Say why a value cannot be the reconstruction of x, or return "" if it can: a float tensor of x's shape."""
    problem = _tensor_problem(value, x)
    if problem or not value.dtype.is_floating_point:
        return problem or f"it returned {value.dtype}, not floating-point numbers"
    return "" if bool(value.isfinite().all()) else "it returned NaN or infinity"


def _tensor_problem(value: Any, x: Tensor) -> str:
    if value is None:
        return "it returned None: is a `return` missing?"
    if not isinstance(value, Tensor):
        return f"it returned {_article(type(value).__name__)}, not a tensor"
    if value.shape != x.shape:
        return f"it returned shape {tuple(value.shape)} for an input of shape {tuple(x.shape)}"
    return "" if value.device == x.device else f"it returned a tensor on {value.device}, not on {x.device}"


def _is_integer(value: Tensor) -> bool:
    return not (value.dtype.is_floating_point or value.dtype.is_complex or value.dtype == torch.bool)


def _article(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


def _name(error: BaseException) -> str:
    first_line = (str(error).splitlines() or [""])[0]
    text = first_line if len(first_line) <= 120 else first_line[:117] + "..."
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _same(a: Tensor, b: Tensor) -> bool:
    return a.shape == b.shape and bool(((a == b) | (a.isnan() & b.isnan())).all())


@contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    """Stop what runs inside after so many seconds, where the system can: in the main thread, and not on Windows."""
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "setitimer"):
        yield
        return

    def ring(_signal: int, _frame: object) -> None:
        raise _TimeIsUp

    before, began = signal.signal(signal.SIGALRM, ring), time.monotonic()
    left, _ = signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, max(left - (time.monotonic() - began), 1e-3) if left else 0.0)
        signal.signal(signal.SIGALRM, before)


class RoundTrip:
    """A learner's quantize and dequantize, for which quantlib's stand in where they cannot be used."""

    def __init__(self, quantize: Callable[..., Any], dequantize: Callable[..., Any]) -> None:
        self._quantize = _Part(quantize, affine.quantize, codes_problem)
        self._dequantize = _Part(dequantize, affine.dequantize, reals_problem)

    def __call__(self, x: Tensor, s: float, z: int) -> tuple[Tensor, Tensor, str]:
        """Return the codes of x, their reconstruction, and what a reader should know of the functions, or ""."""
        q, about_codes = self._quantize(x, s, z)
        x_hat, about_reals = self._dequantize(q, s, z)
        return q, x_hat, " ".join(filter(None, (about_codes, about_reals)))


class _Part:
    """One function of a learner's, and quantlib's beside it."""

    def __init__(self, function: Callable[..., Any], own: Callable[..., Tensor], check: Callable[..., str]) -> None:
        self._function, self._own, self._check = function, own, check
        self._name = getattr(function, "__name__", "your function")
        self._given_up = ""

    def __call__(self, x: Tensor, s: float, z: int) -> tuple[Tensor, str]:
        if self._function is self._own:
            return self._own(x, s, z), ""
        outcome = Outcome(None, self._given_up) if self._given_up else call(self._function, x, s, z)
        if outcome.timed_out:  # waiting at every step would make the sliders useless
            self._given_up = outcome.problem
        problem = outcome.problem if outcome.value is None and outcome.problem else self._check(outcome.value, x)
        if problem:
            return self._own(x, s, z), f"{self._name}: {problem}. The picture shows quantlib's instead."
        return outcome.value, f"{self._name}: {outcome.problem}." if outcome.problem else ""
