"""Memory that a kernel no longer needs, and that the other kernels of a shared machine could use."""

import ctypes
from mmap import PAGESIZE
from pathlib import Path

GROWN = 96 * 2**20  # bytes; to give back what is free at every move would make moves of large tensors slower
_SIZE = Path("/proc/self/statm")
_kept = 0  # bytes that the process held when it last gave some back


def give_back() -> None:
    """Give memory that is free back to the system, if the process has grown since the last time. Linux alone needs it.

    Its allocator finds no place for a large tensor between small pieces, and asks for new memory: without this, a
    hundred moves of an explorer of 590,000 weights took a gigabyte.
    """
    global _kept
    if held() > _kept + GROWN:
        _trim()
        _kept = held()


def held() -> int:
    """Return the bytes of memory that this process holds, 0 where the system does not say."""
    return int(_SIZE.read_text().split()[1]) * PAGESIZE if _SIZE.exists() else 0


def _trim() -> None:
    """Give back what is free, where the C library can: the one of most Linux systems."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim:
        trim(0)
