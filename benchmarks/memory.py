"""How much memory a call takes at its peak, each in a fresh process. Linux only.

python -m benchmarks.memory quantize quantlib       prints what a call takes beyond its result, in MiB
"""

import multiprocessing
import sys
from collections.abc import Iterator
from math import prod
from pathlib import Path

from benchmarks import core
from benchmarks.core import Case, call_of, given_for, names_of
from benchmarks.table import Row, rows

MIB = 2**20
RESULT = "the result"
CASES = [Case(function, grain, core.SIZES[-1]) for function in core.FUNCTIONS for grain in core.GRAINS]


def measure(quick: bool = False) -> Iterator[Row]:
    if sys.platform != "linux":
        return
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(["torchao.quantization.quant_primitives"])
    largest = [core.SIZES[-1]]
    with processes.Pool(1, maxtasksperchild=1) as pool:
        for case in (
            Case(function, grain, shape) for function in core.FUNCTIONS for grain in core.GRAINS for shape in largest
        ):
            peaks = {name: pool.apply(peak, (case, name)) / MIB for name in names_of(case) if name != core.COPY}
            yield from rows(
                "memory", core.what(case), core.size(case), peaks | {RESULT: result_bytes(case) / MIB}, "MiB"
            )


def beyond_result(case: Case, name: str) -> int:
    """The bytes that a call takes at its peak, without its result."""
    return peak(case, name) - result_bytes(case)


def result_bytes(case: Case) -> int:
    return prod(case.shape) * core.RESULT_BYTES[case.function]


def peak(case: Case, name: str) -> int:
    """The bytes that a call takes at its peak, with its result. It is warmed up on fewer values before."""
    call_of(name, given_for(case._replace(shape=(512, 512))))()
    call = call_of(name, given_for(case))
    Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far
    before = process_bytes("VmRSS")
    _result = call()  # kept, so that it counts
    return process_bytes("VmHWM") - before


def process_bytes(name: str) -> int:
    """The bytes that this process holds now (VmRSS), or held at its peak (VmHWM).

    Not getrusage: its peak is inherited from the process that started this one.
    """
    status = Path("/proc/self/status").read_text()
    return next(int(row.split()[1]) * 1024 for row in status.splitlines() if row.startswith(name))


if __name__ == "__main__":
    print(beyond_result(Case(sys.argv[1], core.NUMBERS, core.LARGE), sys.argv[2]) / MIB)
