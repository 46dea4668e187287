"""Calling a function that a learner wrote, whatever it does."""

import dis
import io
import math
import random
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from types import CodeType, FrameType
from typing import Any

import numpy
import torch
from torch import Tensor

from .. import affine

SECONDS = 1.0  # how long one call may take
PATIENCE = 3.0  # how long calls may keep a reader waiting altogether, who else would have a slider that does not move
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

    def close(self) -> None:
        """Stay open: what was printed is still to be read."""


class _TimeIsUp(BaseException):
    """Not an Exception, so that an `except Exception` in the learner's loop does not swallow it."""


def call(function: Callable[..., Any], *arguments: Any, seconds: float = SECONDS) -> Outcome:
    """Call a learner's function on copies of the arguments, and say in one sentence what went wrong, if anything did.

    It may raise, print, warn, loop for ever in Python, forget to return, change its input, or change how torch is set.
    Random numbers that it draws are drawn.
    """
    copies = [a.clone() if isinstance(a, Tensor) else a for a in arguments]
    printed = _Printed()
    try:
        with redirect_stdout(printed), redirect_stderr(printed), warnings.catch_warnings(), _settings_kept():
            warnings.simplefilter("ignore")
            with _alarm(seconds):
                value = _run(function, copies)
    except _TimeIsUp:
        return Outcome(None, f"it took longer than {seconds:g} s and was stopped", printed.getvalue(), timed_out=True)
    except BaseException as error:
        if _is_stop_button(error):
            raise
        unwritten = isinstance(error, NotImplementedError) and _says_unwritten(function)
        return Outcome(None, UNWRITTEN if unwritten else f"it raised {_name(error)}", printed.getvalue(), unwritten)
    if value is ... or (value is None and is_unwritten(function)):
        return Outcome(None, UNWRITTEN, printed.getvalue(), unwritten=True)
    changed = any(isinstance(a, Tensor) and not _same(a, b) for a, b in zip(arguments, copies, strict=True))
    return Outcome(value, "it changes its input in place" if changed else "", printed.getvalue(), changed=changed)


def read(reader: Callable[..., Any], *arguments: Any) -> Any:
    """Return what a reader finds in a value, or say that it cannot be read: its own methods may do anything."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return reader(*arguments)
    except BaseException as error:
        if _is_stop_button(error):
            raise
        return "it returned something that cannot be read"


def _is_stop_button(error: BaseException) -> bool:
    return type(error) is KeyboardInterrupt


def name_of(function: object, otherwise: str = "your function") -> str:
    """Return the name of a function, where it has one that can be shown."""
    name = read(getattr, function, "__name__", "")
    return name if type(name) is str and name.isidentifier() else otherwise


def is_unwritten(function: Callable[..., Any]) -> bool:
    """Return whether the body of a Python function does nothing: it is `...`, `pass`, or a docstring."""
    code = read(getattr, function, "__code__", None)
    idle = {"RESUME", "NOP", "CACHE", "LOAD_CONST", "RETURN_CONST", "RETURN_VALUE"}
    return isinstance(code, CodeType) and all(instruction.opname in idle for instruction in dis.get_instructions(code))


def _says_unwritten(function: Callable[..., Any]) -> bool:
    """Return whether a function raises NotImplementedError itself: torch raises it too, for some dtypes."""
    code = read(getattr, function, "__code__", None)
    return isinstance(code, CodeType) and "NotImplementedError" in code.co_names


def codes_problem(value: Any, x: Tensor) -> str:
    """Say why a value cannot be the codes of x, or return "" if it can: an integer tensor of x's shape."""
    return _shape_problem(value, x) or ("" if _is_integer(value) else f"it returned {value.dtype}, not integers")


def reals_problem(value: Any, x: Tensor) -> str:
    """Say why a value cannot be the reconstruction of x, or return "" if it can: a float tensor of x's shape."""
    problem = _shape_problem(value, x)
    if problem or not value.dtype.is_floating_point:
        return problem or f"it returned {value.dtype}, not floating-point numbers"
    if not bool(value.isfinite().all()):
        return "it returned NaN or infinity"
    return "" if bool(value.float().isfinite().all()) else "it returned numbers too large for float32"


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
    problem = number_problem(value, x)
    if problem or float(value) <= 0:
        return problem or "it returned a step that is not positive"
    bounds = torch.finfo(torch.float32)
    return "" if bounds.tiny <= float(value) <= bounds.max else "it returned a step too small or too large for float32"


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
    """Return whether a copy b is still what a is. Its class can have changed too, and with it what == means."""
    alike = type(a) is type(b) and a.shape == b.shape and a.dtype == b.dtype and a.layout == b.layout
    return alike and bool(((a == b) | (a.isnan() & b.isnan())).all())


_SETTINGS: tuple[tuple[Callable[[], Any], Callable[[Any], Any]], ...] = (
    (torch.get_default_dtype, torch.set_default_dtype),
    (torch.is_grad_enabled, torch.set_grad_enabled),
    (torch.get_num_threads, torch.set_num_threads),
)


@contextmanager
def _settings_kept() -> Iterator[None]:
    """Set torch back as it was, so that a mistake does not reach into the next cell."""
    before = [get() for get, _ in _SETTINGS]
    try:
        yield
    finally:
        for (get, put), value in zip(_SETTINGS, before, strict=True):
            if get() != value:
                put(value)


@contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    """Stop what runs inside after so many seconds, where the system can: in the main thread, and not on Windows."""
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "setitimer"):
        yield
        return

    def ring(_signal: int, frame: FrameType | None) -> None:
        if _is_in_learners_code(frame):
            # Ring again at once, at a moment of chance: a loop with a bare `except:` swallows what is raised in its
            # body, but not what is raised as it jumps back.
            signal.setitimer(signal.ITIMER_REAL, _CHANCE.uniform(1e-6, 1e-4), seconds)
            raise _TimeIsUp

    before, began = signal.signal(signal.SIGALRM, ring), time.monotonic()
    # It may ring in a destructor, where Python cannot raise. It rings again: nothing need be printed about it, and `id`
    # does nothing in C, where no alarm comes between.
    sys.unraisablehook, hook = id, sys.unraisablehook
    left, _ = signal.setitimer(signal.ITIMER_REAL, seconds, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, max(left - (time.monotonic() - began), 1e-3) if left else 0.0)
        signal.signal(signal.SIGALRM, before)
        sys.unraisablehook = hook


_CHANCE = random.Random()  # not Python's own generator, which the learner may have seeded


def _run(function: Callable[..., Any], arguments: list[Any]) -> Any:
    """Call a learner's function: the frames above this one are the learner's code."""
    return function(*arguments)


def _is_in_learners_code(frame: FrameType | None) -> bool:
    above = frame.f_back if frame else None
    while above is not None and above.f_code is not _run.__code__:
        above = above.f_back
    return above is not None


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
        self._name = name_of(function)
        self._given_up, self._waited, self._last = "", 0.0, time.monotonic()

    def __call__(self, *arguments: Any) -> tuple[Any, str]:
        """Return a value, and what a reader should know of the learner's function, or ""."""
        if self._function is self._own:
            return self._own(*arguments), ""
        outcome = Outcome(None, self._given_up) if self._given_up else self._call(arguments)
        problem = "" if outcome.changed else outcome.problem
        problem = problem or read(self._problem, outcome.value, arguments[0])
        if problem:
            return self._own(*arguments), sentence(f"{self._name}: {problem}") + f" {self._instead}"
        return _kept(outcome.value), sentence(f"{self._name}: {outcome.problem}") if outcome.problem else ""

    def _call(self, arguments: tuple[Any, ...]) -> Outcome:
        """Call the function, and give it up for good if a slider could not be moved with it."""
        began = time.monotonic()
        outcome = call(self._function, *arguments)
        pause, took = began - self._last, time.monotonic() - began
        self._waited, self._last = max(0.0, self._waited - pause) + took, began + took
        if outcome.timed_out:
            self._given_up = outcome.problem
        elif self._waited > PATIENCE:
            self._given_up = f"it is too slow for a slider: one call takes {took:.2g} s"
        return outcome


def _kept(value: Any) -> Any:
    """Return a value in memory of its own, without a gradient and as numpy can read it; an array of one as a number."""
    if isinstance(value, (tuple, list)):
        return tuple(map(_kept, value))
    if isinstance(value, Tensor):
        return value.detach().clone()  # a clone also carries out a minus that torch has put off
    return value.item() if isinstance(value, numpy.ndarray) else value
