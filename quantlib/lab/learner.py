"""Calling a function that a learner wrote, whatever it does."""

import dis
import io
import math
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
UNWRITTEN = "it is not written yet"
KEPT = 10_000  # how many characters of what it prints are kept
_PLAIN = {
    *(torch.float16, torch.bfloat16, torch.float32, torch.float64),
    *(torch.int8, torch.int16, torch.int32, torch.int64),
    *(torch.uint8, torch.uint16, torch.uint32, torch.uint64),
}


@dataclass(frozen=True)
class Outcome:
    """What a call came to: its value, and what a reader should know about it, "" if nothing is amiss."""

    value: Any
    problem: str = ""
    printed: str = ""
    unwritten: bool = False
    timed_out: bool = False
    changed: bool = False


class _Printed(io.StringIO):
    """Keeps the beginning of what is printed, so that a loop that prints does not fill the memory."""

    def write(self, text: str) -> int:
        super().write(text[: max(0, KEPT - self.tell())])
        return len(text)


class _TimeIsUp(BaseException):
    """Not an Exception, so that an `except Exception` in the learner's loop does not swallow it."""


def call(function: Callable[..., Any], *arguments: Any, seconds: float = SECONDS) -> Outcome:
    """Call a learner's function on copies of the arguments, and say in one sentence what went wrong, if anything did.

    It may raise, print, warn, loop for ever in Python, forget to return, or change its input.
    """
    copies = [a.clone() if isinstance(a, Tensor) else a for a in arguments]
    printed = _Printed()
    try:
        with redirect_stdout(printed), redirect_stderr(printed), warnings.catch_warnings(), _alarm(seconds):
            warnings.simplefilter("ignore")
            value = function(*copies)
    except _TimeIsUp:
        return Outcome(None, f"it took longer than {seconds:g} s and was stopped", printed.getvalue(), timed_out=True)
    except KeyboardInterrupt:  # the reader pressed stop
        raise
    except BaseException as error:
        unwritten = isinstance(error, NotImplementedError) and _says_unwritten(function)
        return Outcome(None, UNWRITTEN if unwritten else f"it raised {_name(error)}", printed.getvalue(), unwritten)
    if value is ... or (value is None and is_unwritten(function)):
        return Outcome(None, UNWRITTEN, printed.getvalue(), unwritten=True)
    changed = any(isinstance(a, Tensor) and not _same(a, b) for a, b in zip(arguments, copies, strict=True))
    return Outcome(value, "it changes its input in place" if changed else "", printed.getvalue(), changed=changed)


def is_unwritten(function: Callable[..., Any]) -> bool:
    """Return whether the body of a Python function does nothing: it is `...`, `pass`, or a docstring."""
    code = getattr(function, "__code__", None)
    idle = {"RESUME", "NOP", "CACHE", "LOAD_CONST", "RETURN_CONST", "RETURN_VALUE"}
    return code is not None and all(instruction.opname in idle for instruction in dis.get_instructions(code))


def _says_unwritten(function: Callable[..., Any]) -> bool:
    """Return whether a function raises NotImplementedError itself: torch raises it too, for some dtypes."""
    return "NotImplementedError" in getattr(getattr(function, "__code__", None), "co_names", ())


def codes_problem(value: Any, x: Tensor) -> str:
    """Say why a value cannot be the codes of x, or return "" if it can: an integer tensor of x's shape."""
    return _shape_problem(value, x) or ("" if _is_integer(value) else f"it returned {value.dtype}, not integers")


def reals_problem(value: Any, x: Tensor) -> str:
    """Say why a value cannot be the reconstruction of x, or return "" if it can: a float tensor of x's shape."""
    problem = _shape_problem(value, x)
    if problem or not value.dtype.is_floating_point:
        return problem or f"it returned {value.dtype}, not floating-point numbers"
    return "" if bool(value.isfinite().all()) else "it returned NaN or infinity"


def tensor_problem(value: Any) -> str:
    """Say why a value is not a plain tensor of numbers, or return "" if it is."""
    if value is None:
        return "it returned None: is a `return` missing?"
    if type(value) not in (Tensor, torch.nn.Parameter):  # a subclass could answer every comparison with yes
        return f"it returned {article(type(value).__name__)}, not a tensor"
    kind = "a sparse tensor" if value.layout != torch.strided else "no values" if value.is_meta else value.dtype
    return "" if kind in _PLAIN else f"it returned {kind}, not a plain tensor of numbers"


def _shape_problem(value: Any, x: Tensor) -> str:
    problem = tensor_problem(value)
    if problem:
        return problem
    if value.shape != x.shape:
        return f"it returned shape {tuple(value.shape)} for an input of shape {tuple(x.shape)}"
    return "" if value.device == x.device else f"it returned a tensor on {value.device}, not on {x.device}"


def number_problem(value: Any, _x: object) -> str:
    """Say why a value is not one finite number, or return "" if it is: a Python number or a tensor of one number."""
    if value is None:
        return tensor_problem(value)
    try:
        if not isinstance(value, (str, bytes)):  # float("3") is 3.0
            return "" if math.isfinite(float(value)) else "it returned NaN or infinity"
    except (TypeError, ValueError, OverflowError, RuntimeError):
        pass
    kind = f"a tensor of shape {tuple(value.shape)}" if isinstance(value, Tensor) else article(type(value).__name__)
    return f"it returned {kind}, not one number"


def step_problem(value: Any, x: object) -> str:
    """Say why a value is not a scale, one positive finite number, or return ""."""
    return number_problem(value, x) or ("" if float(value) > 0 else "it returned a step that is not positive")


def whole_problem(value: Any, x: object) -> str:
    """Say why a value is not one integer of at most six digits, or return ""."""
    whole = number_problem(value, x) or (float(value) == int(float(value)) and abs(float(value)) < 1e6)
    return whole if isinstance(whole, str) else "" if whole else "it returned a number that is not a small integer"


def _is_integer(value: Tensor) -> bool:
    return not (value.dtype.is_floating_point or value.dtype.is_complex or value.dtype == torch.bool)


def article(noun: str) -> str:
    """Return a noun with its article."""
    return f"{'an' if noun[:1].lower() in 'aeiou' else 'a'} {noun}"


def sentence(text: str) -> str:
    """Return a text with a full stop, unless it already ends like a sentence."""
    return text if text.endswith((".", "?", "!")) else text + "."


def _name(error: BaseException) -> str:
    try:
        first_line = (str(error).splitlines() or [""])[0]
    except Exception:  # an exception's own __str__ can fail
        first_line = ""
    text = first_line if len(first_line) <= 120 else first_line[:117] + "..."
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _same(a: Tensor, b: Tensor) -> bool:
    return a.shape == b.shape and a.dtype == b.dtype and bool(((a == b) | (a.isnan() & b.isnan())).all())


@contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    """Stop what runs inside after so many seconds, where the system can: in the main thread, and not on Windows."""
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "setitimer"):
        yield
        return

    def ring(_signal: int, _frame: object) -> None:
        raise _TimeIsUp

    before, began = signal.signal(signal.SIGALRM, ring), time.monotonic()
    left, _ = signal.setitimer(signal.ITIMER_REAL, seconds, seconds)  # again and again: a bare `except:` may swallow it
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, max(left - (time.monotonic() - began), 1e-3) if left else 0.0)
        signal.signal(signal.SIGALRM, before)


class RoundTrip:
    """A learner's quantize and dequantize, for which quantlib's stand in where they cannot be used."""

    def __init__(self, quantize: Callable[..., Any], dequantize: Callable[..., Any]) -> None:
        self._quantize = StandIn(quantize, affine.quantize, codes_problem)
        self._dequantize = StandIn(dequantize, affine.dequantize, reals_problem)

    def __call__(self, x: Tensor, s: float, z: int) -> tuple[Tensor, Tensor, str]:
        """Return the codes of x, their reconstruction, and what a reader should know of the functions, or ""."""
        q, about_codes = self._quantize(x, s, z)
        x_hat, about_reals = self._dequantize(q, s, z)
        return q, x_hat, " ".join(filter(None, (about_codes, about_reals)))


class StandIn:
    """A learner's function, for which quantlib's own stands in where it cannot be used.

    Args:
        function: the learner's.
        own: quantlib's, called with the same arguments.
        problem: takes a value and the first argument, and says why the value cannot be used, or "".
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
        self._name = getattr(function, "__name__", "your function")
        self._given_up = ""

    def __call__(self, *arguments: Any) -> tuple[Any, str]:
        """Return a value, and what a reader should know of the learner's function, or ""."""
        if self._function is self._own:
            return self._own(*arguments), ""
        outcome = Outcome(None, self._given_up) if self._given_up else call(self._function, *arguments)
        if outcome.timed_out:  # waiting at every step would make the sliders useless
            self._given_up = outcome.problem
        problem = "" if outcome.changed else outcome.problem
        problem = problem or self._problem(outcome.value, arguments[0])
        if problem:
            return self._own(*arguments), sentence(f"{self._name}: {problem}") + f" {self._instead}"
        return outcome.value, sentence(f"{self._name}: {outcome.problem}") if outcome.problem else ""
