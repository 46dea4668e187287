"""How fast and how lean the formats are, on one thread, beside who else does the same."""

import logging
import multiprocessing
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from benchmarks.core import COPY, Call, medians
from benchmarks.memory import MIB, process_bytes
from benchmarks.table import OURS, Row, rows
from quantlib.formats import E4M3, integer_matmul, pack_bits, quantize_gguf, quantize_nf4, round_to_float, unpack_bits

COUNT = 2**24
ROWS, INNER, COLUMNS = 1024, 2048, 1024  # of the matrix product
CASTS, GGUF, BITSANDBYTES, FLOAT32 = "torch's casts", "gguf", "bitsandbytes", "float32"
CASES = {
    "pack": COPY,
    "unpack": COPY,
    "quantize to Q4_0": GGUF,
    "round to E4M3": CASTS,
    "quantize to NF4": BITSANDBYTES,
    "integer matmul": FLOAT32,
}


def measure(quick: bool = False) -> Iterator[Row]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        for what in CASES:
            yield from rows("formats", what, size(what), medians(calls_for(what), budget=5.0, quick=quick))
    finally:
        torch.set_num_threads(threads)
    yield from memory()


def size(what: str) -> str:
    return f"{ROWS} x {INNER} x {COLUMNS}" if what == "integer matmul" else "2^24"


def calls_for(what: str, count: int = COUNT) -> dict[str, Call]:
    """What we do, and what the other does who is named in CASES."""
    ours, theirs = _calls(what, count)
    return {OURS: ours, CASES[what]: theirs}


def _calls(what: str, count: int) -> tuple[Call, Call]:
    generator = torch.Generator().manual_seed(0)
    if what in ("pack", "unpack"):
        codes = torch.randint(0, 16, (count,), generator=generator, dtype=torch.uint8)
        packed, target = pack_bits(codes), torch.ones_like(codes)
        return (lambda: pack_bits(codes)) if what == "pack" else (lambda: unpack_bits(packed)), lambda: target.copy_(
            codes
        )
    if what == "integer matmul":
        q_w = torch.randint(-128, 128, (ROWS, INNER), generator=generator, dtype=torch.int8)
        q_x = torch.randint(-128, 128, (INNER, COLUMNS), generator=generator, dtype=torch.int8)
        w, x = q_w.float(), q_x.float()
        return lambda: integer_matmul(q_w, q_x), lambda: w @ x
    x = torch.randn(count // 4096, 4096, generator=generator)
    if what == "round to E4M3":
        return lambda: round_to_float(x, E4M3), lambda: x.to(torch.float8_e4m3fn).float()
    return (
        (lambda: quantize_gguf(x, "Q4_0"), _gguf(x))
        if what == "quantize to Q4_0"
        else (lambda: quantize_nf4(x), _nf4(x))
    )


def _gguf(x: Tensor) -> Call:
    from gguf import GGMLQuantizationType, quants

    return lambda: quants.quantize(x.numpy(), GGMLQuantizationType.Q4_0)


def _nf4(x: Tensor) -> Call:
    logging.getLogger("bitsandbytes").setLevel(logging.CRITICAL)  # it speaks of accelerators that are not there
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from bitsandbytes.functional import quantize_4bit

    return lambda: quantize_4bit(x, blocksize=64, quant_type="nf4")


def memory() -> Iterator[Row]:
    """What each takes at its peak beyond its result, in a fresh process. Linux only."""
    if sys.platform != "linux":
        return
    with multiprocessing.get_context("forkserver").Pool(1, maxtasksperchild=1) as pool:
        for what in CASES:
            beyond = max(0, pool.apply(beyond_result, (what,))) / MIB
            yield from rows("formats", f"{what}, memory", size(what), {OURS: beyond}, "MiB")


def beyond_result(what: str) -> int:
    """The bytes that a call takes at its peak, without its result. It is warmed up on fewer values before."""
    torch.set_num_threads(1)
    _calls(what, 2**18)[0]()
    call = _calls(what, COUNT)[0]
    Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far
    before = process_bytes("VmRSS")
    result: Any = call()  # kept, so that it counts
    peak = process_bytes("VmHWM") - before
    return peak - sum(part.nbytes for part in (result if isinstance(result, tuple) else (result,)))
