"""What share of a GPU's memory bandwidth the core reaches, as it is and compiled.

    python -m benchmarks.gpu     prints a table, or one sentence where there is no GPU

The bandwidth is that of a copy, measured beside it, of as many bytes as must be read and written.
"""

import torch

from benchmarks import core
from benchmarks.core import LIMIT, OURS, Call, Case, Given, seconds

COMPILED = "quantlib, compiled"


def main() -> None:
    if not torch.cuda.is_available():
        print("This machine has no GPU, so the share of its memory bandwidth was not measured.")
        return
    print(f"{torch.cuda.get_device_name()}, torch {torch.__version__}\n")
    print("| what | quantlib | share of the bandwidth | compiled | share | limit |\n|---|---:|---:|---:|---:|---:|")
    for case in (Case(deed, grain, core.LARGE) for deed in core.DEEDS for grain in core.GRAINS):
        print(line(case), flush=True)


def line(case: Case) -> str:
    given = on_gpu(core.given_for(case))
    calls = {name: core.call_of(name, given) for name in (OURS, LIMIT)}
    calls[COMPILED] = torch.compile(calls[OURS])
    took = core.medians({name: finished(call) for name, call in calls.items()})
    cells = [f"{seconds(took[name])} | {took[LIMIT] / took[name]:.0%}" for name in (OURS, COMPILED)]
    return f"| {core.title(case)} | {' | '.join(cells)} | {seconds(took[LIMIT])} |"


def on_gpu(given: Given) -> Given:
    moved = given.qp._replace(scale=given.qp.scale.cuda(), zero_point=given.qp.zero_point.cuda())
    return given._replace(values=given.values.cuda(), qp=moved)


def finished(call: Call) -> Call:
    """The call, with the wait until the GPU is done."""

    def waited() -> None:
        call()
        torch.cuda.synchronize()

    return waited


if __name__ == "__main__":
    main()
