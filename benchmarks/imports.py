"""What `import quantlib` adds to `import torch`, in fresh processes that take turns."""

import re
import subprocess
import sys
from collections.abc import Iterator
from statistics import median
from time import perf_counter

from benchmarks.table import OURS, Row, rows

ROUNDS = 7
TORCH, EMPTY = "import torch", "a process that imports nothing"
CODES = {OURS: "import quantlib", TORCH: "import torch", EMPTY: "pass"}


def measure(quick: bool = False) -> Iterator[Row]:
    processes: dict[str, list[float]] = {who: [] for who in CODES}
    beyond = []
    for _ in range(1 if quick else ROUNDS):
        for who, code in CODES.items():
            processes[who].append(process_takes(code))
        beyond.append(import_takes("quantlib", "import torch; import quantlib"))
    took = {who: median(seconds) for who, seconds in processes.items()}
    yield from rows("imports", "a process with import quantlib", "", took)
    yield from rows("imports", "import quantlib, after torch", "", {OURS: median(beyond), TORCH: took[TORCH]})


def process_takes(code: str) -> float:
    """The seconds of a whole process that runs the code."""
    start = perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    return perf_counter() - start


def import_takes(module: str, code: str) -> float:
    """The seconds that the interpreter counts for a module, with everything that it loads first."""
    command = [sys.executable, "-X", "importtime", "-c", code]
    report = subprocess.run(command, check=True, capture_output=True, text=True).stderr
    return cumulative(report, module)


def cumulative(report: str, module: str) -> float:
    """The cumulative seconds of a module in a report of -X importtime, which counts in microseconds.

    >>> cumulative("import time:       366 |       1234 | quantlib", "quantlib")
    0.001234
    """
    (found,) = re.findall(rf"\| +(\d+) \| +{re.escape(module)}$", report, re.MULTILINE)
    return int(found) / 1e6
