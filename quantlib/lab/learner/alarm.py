"""An alarm that stops a learner's code after so many seconds, wherever that code is.

It raises in the learner's code alone, never in ours. It rings again and again, each time a moment later: a loop with a
bare `except:` swallows what is raised in its body, but not what is raised as it jumps back to its beginning.
"""

import random
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any


class TimeIsUp(BaseException):
    """Not an Exception, so that an `except Exception` in the learner's loop does not swallow it."""


@contextmanager
def alarm(seconds: float) -> Iterator[None]:
    """Stop what runs inside after so many seconds, where the system can: in the main thread, and not on Windows."""
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "setitimer"):
        yield
        return

    def ring(_signal: int, frame: FrameType | None) -> None:
        if _is_in_learners_code(frame):
            # Ring again at once, at a moment of chance: a loop with a bare `except:` swallows what is raised in its
            # body, but not what is raised as it jumps back.
            signal.setitimer(signal.ITIMER_REAL, _CHANCE.uniform(1e-6, 1e-4), seconds)
            raise TimeIsUp

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


def run(function: Callable[..., Any], arguments: list[Any]) -> Any:
    """Call a learner's function: the frames above this one are the learner's code."""
    return function(*arguments)


def _is_in_learners_code(frame: FrameType | None) -> bool:
    above = frame.f_back if frame else None
    while above is not None and above.f_code is not run.__code__:
        above = above.f_back
    return above is not None
