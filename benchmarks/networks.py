"""How long GPTQ takes, on one thread, beside the loop that one first writes."""

from collections.abc import Iterator

import torch

from benchmarks.core import Call, medians
from benchmarks.table import OURS, Row, rows
from quantlib import choose_qparams
from quantlib.networks import gptq, input_hessian
from tests.helpers.eliminate import eliminate

COLUMNS, INPUTS = 384, 4096
ELIMINATIONS, PRODUCT = "eliminations", "x.T @ x"
CASES = {"gptq": ELIMINATIONS, "input hessian": PRODUCT}


def measure(quick: bool = False) -> Iterator[Row]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        for what in CASES:
            yield from rows("networks", what, size(what), medians(calls_for(what), budget=10.0, quick=quick))
    finally:
        torch.set_num_threads(threads)


def size(what: str) -> str:
    return f"{COLUMNS if what == 'gptq' else INPUTS} x {COLUMNS}"


def calls_for(what: str, columns: int = COLUMNS, inputs: int = INPUTS) -> dict[str, Call]:
    """What we do, and what the other does who is named in CASES."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(inputs, columns, generator=generator) @ torch.randn(columns, columns, generator=generator)
    if what == "input hessian":
        wide = x.double()
        return {OURS: lambda: input_hessian(x), PRODUCT: lambda: wide.T @ wide}
    w, hessian = torch.randn(columns, columns, generator=generator), input_hessian(x)
    scale, _, _, top = choose_qparams(w, 4, symmetric=True, axis=0)
    return {OURS: lambda: gptq(w, hessian, scale, top), ELIMINATIONS: lambda: eliminate(w, hessian, scale, top)}
