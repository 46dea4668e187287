"""What `import quantlib` adds to `import torch`, in fresh processes that take turns.

python -m benchmarks.imports     prints lines of the table
"""

import re
import subprocess
import sys
from statistics import median
from time import perf_counter

from benchmarks.core import Line, seconds, written

ROUNDS = 7
WANTED = 0.060  # seconds beyond torch
BOTH = "import torch; import quantlib"


def main() -> None:
    ours, torch, empty, beyond = [], [], [], []
    for _ in range(ROUNDS):
        ours.append(process_takes("import quantlib"))
        torch.append(process_takes("import torch"))
        empty.append(process_takes("pass"))
        beyond.append(import_takes("quantlib", BOTH))
    process = Line("a process with import quantlib", median(ours), "import torch", median(torch), median(empty))
    added = Line(
        "import quantlib, after torch (-X importtime)", median(beyond), "import torch", median(torch), most=WANTED
    )
    for row in (process, added):
        print(written(row, seconds), flush=True)


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


if __name__ == "__main__":
    main()
