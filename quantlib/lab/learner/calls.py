"""Calling a function that a learner wrote, whatever it does."""

import dis
import io
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from types import CodeType
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import _pop_mode

from .alarm import TimeIsUp, alarm, run

SECONDS = 1.0  # how long one call may take
UNWRITTEN = "is not written yet"
KEPT = 10_000  # how many characters of what it prints are kept


@dataclass(frozen=True)
class Outcome:
    """What a call came to: its value, and what a reader should know about it, "" if nothing is amiss.

    problem: what the function did, in words that follow its name or "it".
    """

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
            with alarm(seconds):
                value = run(function, copies)
    except TimeIsUp:
        return Outcome(None, f"took longer than {seconds:g} s and was stopped", printed.getvalue(), timed_out=True)
    except BaseException as error:
        if _is_stop_button(error):
            raise
        unwritten = isinstance(error, NotImplementedError) and _says_unwritten(function)
        return Outcome(None, UNWRITTEN if unwritten else f"raised {_name(error)}", printed.getvalue(), unwritten)
    if value is ... or (value is None and is_unwritten(function)):
        return Outcome(None, UNWRITTEN, printed.getvalue(), unwritten=True)
    changed = any(isinstance(a, Tensor) and not _same(a, b) for a, b in zip(arguments, copies, strict=True))
    return Outcome(value, "changes its input in place" if changed else "", printed.getvalue(), changed=changed)


def read(reader: Callable[..., Any], *arguments: Any) -> Any:
    """Return what a reader finds in a value, or say that it cannot be read: its own methods may do anything."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return reader(*arguments)
    except BaseException as error:
        if _is_stop_button(error):
            raise
        return "returned something that cannot be read"


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
    before, watchers = [get() for get, _ in _SETTINGS], torch._C._len_torch_dispatch_stack()
    try:
        yield
    finally:
        while torch._C._len_torch_dispatch_stack() > watchers:  # the alarm may ring where a `with` would end one
            _pop_mode()
        for (get, put), value in zip(_SETTINGS, before, strict=True):
            if get() != value:
                put(value)
