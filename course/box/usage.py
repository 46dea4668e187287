"""What the processes of a box use, as the kernel counts it: memory of every kind, and time of the processor."""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Use:
    """memory: bytes, without the files that processes share. seconds: of the processor. files: how many."""

    memory: int = 0
    seconds: float = 0.0
    files: int = 0


def memory(processes: list[Path]) -> int:
    return 1024 * sum(_held(process) for process in processes)


def _held(process: Path) -> int:
    """Return the kB of a process. If its first thread has ended, only the others know of them."""
    return next((held for task in _numbered(process / "task") if (held := _kilobytes(task / "status"))), 0)


# Page tables (VmPTE) and huge pages count, too: a process can fill a machine with them alone.
_HELD = ("RssAnon:", "RssShmem:", "VmSwap:", "VmPTE:", "HugetlbPages:")


def _kilobytes(status: Path) -> int:
    with contextlib.suppress(OSError, ValueError):  # it has ended meanwhile
        lines = status.read_text().splitlines()
        return sum(int(line.split()[1]) for line in lines if line.startswith(_HELD))
    return 0


@dataclass
class Processor:
    """Adds up the seconds of all processes that were ever seen: those of one that has ended stay."""

    seen: dict[tuple[str, str], int] = field(default_factory=dict)

    def seconds(self, processes: list[Path]) -> float:
        for process in processes:
            with contextlib.suppress(OSError, IndexError, ValueError):  # it has ended meanwhile
                fields = (process / "stat").read_text().rpartition(")")[2].split()
                self.seen[process.name, fields[_BORN]] = int(fields[_USER]) + int(fields[_SYSTEM])
        return sum(self.seen.values()) / os.sysconf("SC_CLK_TCK")


_USER, _SYSTEM, _BORN = 11, 12, 19  # places in /proc/PID/stat, counted behind the name


def in_box(init: int) -> list[Path]:
    """Return all processes of a box, by its own /proc: no family tree is walked, which processes could leave."""
    return list(_numbered(Path(f"/proc/{init}/root/proc")))


def family(pid: int) -> list[Path]:
    """Return a process and all that descend from it."""
    found, waiting = [], [pid]
    while waiting:
        pid = waiting.pop()
        found.append(Path(f"/proc/{pid}"))
        waiting += children(pid)
    return found


def children(pid: int) -> list[int]:
    """Return the processes that a process and its threads started. Orphans are children of the first one in the box."""
    found: list[int] = []
    for task in _numbered(Path(f"/proc/{pid}/task")):
        with contextlib.suppress(OSError, ValueError):  # it has ended meanwhile
            found += map(int, (task / "children").read_text().split())
    return found


def _numbered(folder: Path) -> Iterator[Path]:
    with contextlib.suppress(OSError):  # it has ended meanwhile
        yield from (path for path in folder.iterdir() if path.name.isdigit())
