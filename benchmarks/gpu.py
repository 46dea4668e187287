"""What share of a GPU's memory bandwidth the core reaches, as it is and compiled.

The bandwidth is that of a copy, measured beside it, of as many bytes as must be read and written.
"""

from collections.abc import Iterator

import torch

from benchmarks import core
from benchmarks.core import COPY, Call, Case, Given
from benchmarks.table import OURS, Row, rows

COMPILED = "quantlib, compiled"


def measure(quick: bool = False) -> Iterator[Row]:
    """Give nothing where there is no GPU."""
    if torch.cuda.is_available():
        machine = f"{torch.cuda.get_device_name()}, torch {torch.__version__}"
        for case in (Case(function, grain, core.LARGE) for function in core.FUNCTIONS for grain in core.GRAINS):
            took = core.medians({name: finished(call) for name, call in calls_for(case).items()}, quick=quick)
            yield from rows("gpu", core.what(case), core.size(case), took, on=machine)


def calls_for(case: Case) -> dict[str, Call]:
    given = on_gpu(core.given_for(case))
    calls = {name: core.call_of(name, given) for name in (OURS, COPY)}
    return calls | {COMPILED: torch.compile(calls[OURS])}


def on_gpu(given: Given) -> Given:
    moved = given.qp._replace(scale=given.qp.scale.cuda(), zero_point=given.qp.zero_point.cuda())
    return given._replace(values=given.values.cuda(), qp=moved)


def finished(call: Call) -> Call:
    """The call, with the wait until the GPU is done."""

    def waited() -> None:
        call()
        torch.cuda.synchronize()

    return waited
