"""What runs in the box: the cells of one submission, then its functions.

Reads a job from standard input. Writes lines of JSON to what was standard output: for each step ["begin", step], then
["raised", step, type, text], ["problem", step, text], ["answer", step, value] or ["full", step]. Cells come first, and
the numbers of the requests follow theirs. Once a cell has run, nothing that comes from here can be trusted.
"""

import json
import os
import random
import sys
from collections.abc import Callable
from contextlib import nullcontext, suppress
from os import _exit
from typing import Any

import torch
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from .plain import decode, encode

try:
    import resource
    from os import kill, wait
    from signal import SIGKILL
except ImportError:  # on Windows, where no sandbox is either
    resource = None  # type: ignore[assignment]

Send = Callable[..., None]
TEXT = 300  # characters of an exception's text
SPARE = bytearray(2**24)  # kept for the words about a lack of memory


def main() -> None:
    job = json.load(sys.stdin)
    _limit(job["limits"], job["alone"])
    send = _only_line_out()
    shell = _shell()
    work: list[tuple[Callable[..., None], Any]] = [(_run, cell) for cell in job["cells"]]
    work += [(_answer, request) for request in job["requests"]]
    for step, (do, what) in enumerate(work):
        if step not in job["skip"]:
            send("begin", step)
            try:
                do(shell, step, what, send)
            except MemoryError as error:  # IPython itself had none left
                _raised(send, step, error)
            _end_others(job["alone"])
    _exit(0)  # at once: no thread and no atexit handler of the submission runs on


def _end_others(alone: bool) -> None:
    """End the processes that a step has left. Only in a box, where they are nobody else's."""
    if alone:
        with suppress(ProcessLookupError):
            kill(-1, SIGKILL)
        with suppress(ChildProcessError):
            while True:
                wait()


def _limit(limits: dict[str, int], strictly: bool) -> None:
    """Take the limits of one process. Whole boxes are watched from outside."""
    for name, value in limits.items():
        with nullcontext() if strictly else suppress(AttributeError, ValueError, OSError):  # not every system has each
            kind = getattr(resource, name)
            hard = resource.getrlimit(kind)[1]
            value = value if hard == resource.RLIM_INFINITY else min(value, hard)
            resource.setrlimit(kind, (value, value))


def _only_line_out() -> Send:
    """Keep standard output for our own lines; prints and errors go nowhere, and nothing can be read."""
    line, nothing = os.dup(1), os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)
    os.close(nothing)

    def send(*message: Any) -> None:
        data = json.dumps(message).encode() + b"\n"
        while data:
            data = data[os.write(line, data) :]

    return send


def _shell() -> InteractiveShell:
    """Make what notebooks expect around them: magics, `display`, `!command`, `In` and `Out`."""
    shell: Any = InteractiveShell.instance(config=Config(HistoryManager={"enabled": False}))
    shell.display_formatter.active_types = ["text/plain"]  # nobody sees the pictures
    shell.showtraceback = shell.showsyntaxerror = lambda *args, **kwargs: None
    _seed()
    return shell


def _seed() -> None:
    """Let the same submission give the same values each time."""
    random.seed(0)
    torch.manual_seed(0)


def _run(shell: InteractiveShell, step: int, cell: str, send: Send) -> None:
    result = shell.run_cell(cell, store_history=True)  # for In, Out and _
    error = result.error_before_exec or result.error_in_exec
    if error is not None:
        _raised(send, step, error)


def _answer(shell: InteractiveShell, step: int, request: tuple[str, list[Any] | None, int], send: Send) -> None:
    (name, arguments, calls), names = request, shell.user_ns
    try:
        if name not in names:
            return send("problem", step, f"there is no {name}")
        value = names[name]
        if arguments is not None and not callable(value):
            return send("problem", step, f"{name} is not a function")
        _seed()
        answer = encode(value if arguments is None else _called(value, list(map(decode, arguments)), calls))
    except BaseException as error:
        return _raised(send, step, error)
    send("answer", step, answer)


def _called(function: Callable[..., Any], arguments: list[Any], calls: int) -> Any:
    """Call a function several times with the same arguments, which it may have changed; the last result counts."""
    for _ in range(calls - 1):
        function(*arguments)
    return function(*arguments)


def _raised(send: Send, step: int, error: BaseException) -> None:
    """Say what a step raised. If it has filled the memory, end the box: what follows must not starve for it."""
    SPARE.clear()
    if _is_full(error):
        send("full", step)
        _exit(0)
    send("raised", step, type(error).__name__, _text(error))


def _is_full(error: BaseException) -> bool:
    """Return whether memory was lacking, and not for one thing that was too large: more than half is in use."""
    lacking = isinstance(error, MemoryError) or "alloc" in _text(error)  # "bad_alloc", "can't allocate memory"
    with suppress(AttributeError, OSError):
        most = resource.getrlimit(resource.RLIMIT_DATA)[0]
        return lacking and _private_pages() * resource.getpagesize() > most / 2
    return False


def _private_pages() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[5])


def _text(error: BaseException) -> str:
    try:
        return str(error)[:TEXT]
    except BaseException:
        return ""


if __name__ == "__main__":
    main()
