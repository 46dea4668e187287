"""How fast the core is, beside torch's own kernels and beside the plain formula.

    python -m benchmarks.core                    prints a Markdown table
    python -m benchmarks.core memory quantize    prints the memory in MiB that a call takes beyond its result

Every ratio compares medians of interleaved runs. Run it while nothing else runs: where the processor's cores are busy,
torch's threads wait for each other after every operation on every tile, and ours becomes many times slower, while one
large operation hardly suffers. GOMP_SPINCOUNT=1000 in the environment prevents most of that on Linux, and costs little
on a quiet machine; `make` and the notebooks set it.
"""

import platform
import subprocess
import sys
import warnings
from collections.abc import Callable
from datetime import date
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import NamedTuple

import torch
from torch import Tensor

from quantlib import choose_qparams, dequantize, fake_quantize, quantize

# torch deprecates its quantized dtypes. Here they are only what we compare ourselves with, and torch is pinned.
warnings.filterwarnings("ignore", message=".*quantize_per_(tensor|channel).*")
warnings.filterwarnings("ignore", message=".*quantized.*", category=UserWarning)
warnings.filterwarnings("ignore", message=".*quantized.*", category=DeprecationWarning)

LARGE = (8192, 4096)
SMALL = (32, 32)
MIB = 2**20

Call = Callable[[], object]


class Row(NamedTuple):
    """One line of the table: what is measured beside what, how often, and the ratio that is wanted."""

    name: str
    ours: Call
    theirs: Call
    target: str
    inner: int = 1


def main() -> None:
    print(machine(), end="\n\n")
    print("| what | ms | beside | ratio | target |")
    print("|---|---:|---:|---:|---:|")
    for row in (*large_rows(), *small_rows()):
        print(line(row), flush=True)
    for name in ("quantize", "dequantize", "fake_quantize"):
        print(f"| {name}, memory beyond the result | | | {in_own_process(name):.1f} MiB | <= 16 MiB |", flush=True)


def machine() -> str:
    names = [row.split(":")[1].strip() for row in cpu_info().splitlines() if row.startswith("model name")]
    threads = torch.get_num_threads()
    return f"{names[0] if names else platform.machine()}, {threads} threads, torch {torch.__version__}, {date.today()}"


def cpu_info() -> str:
    path = Path("/proc/cpuinfo")
    return path.read_text() if path.exists() else ""


# --- time


def line(row: Row) -> str:
    ours, theirs = medians(row.ours, row.theirs, row.inner)
    return f"| {row.name} | {1e3 * ours:.4g} | {1e3 * theirs:.4g} | {ours / theirs:.2f} | {row.target} |"


def medians(ours: Call, theirs: Call, inner: int, rounds: int = 15) -> tuple[float, float]:
    """The median seconds of a call, of each side, in runs that take turns."""
    calls = (ours, theirs)
    seconds: tuple[list[float], list[float]] = ([], [])
    for turn in range(rounds + 2):
        for call, times in zip(calls, seconds, strict=True):
            took = seconds_of(call, inner)
            if turn >= 2:  # the first two warm up
                times.append(took)
    return median(seconds[0]), median(seconds[1])


def seconds_of(call: Call, inner: int) -> float:
    start = perf_counter()
    for _ in range(inner):
        call()
    return (perf_counter() - start) / inner


def plain(x: Tensor, s: float | Tensor, z: int | Tensor) -> Tensor:
    """The formula as five whole-tensor operations: what one writes first."""
    return (x / s + z).round().clamp(-128, 127).to(torch.int8)


def large_rows() -> list[Row]:
    x = values(LARGE)
    s, z, *_ = choose_qparams(x)
    step, zero = s.item(), int(z.item())  # type: ignore[union-attr]
    rows = choose_qparams(x, axis=0)
    row_scales, row_zeros = rows.scale.flatten(), rows.zero_point.flatten()  # type: ignore[union-attr]
    q = quantize(x, step, zero)
    stored = torch.quantize_per_tensor(x, step, zero, torch.qint8)
    assert torch.equal(q, plain(x, step, zero)), "quantize is not bit-identical to the formula"

    def torch_rows() -> Tensor:
        return torch.quantize_per_channel(x, row_scales, row_zeros, 0, torch.qint8).int_repr()

    def torch_tensor() -> Tensor:
        return torch.quantize_per_tensor(x, step, zero, torch.qint8).int_repr()

    return [
        Row("quantize, beside torch", lambda: quantize(x, step, zero), torch_tensor, "<= 0.65"),
        Row("quantize, beside the formula", lambda: quantize(x, step, zero), lambda: plain(x, step, zero), "<= 0.125"),
        Row("quantize by rows, beside torch", lambda: quantize(x, *rows), torch_rows, "<= 0.20"),
        Row("dequantize, beside torch", lambda: dequantize(q, step, zero), stored.dequantize, "<= 1.3"),
        Row(
            "fake_quantize, beside torch",
            lambda: fake_quantize(x, step, zero),
            lambda: torch.fake_quantize_per_tensor_affine(x, step, zero, -128, 127),
            "",
        ),
    ]


def small_rows() -> list[Row]:
    x = values(SMALL)
    choices: dict[str, tuple[float | Tensor, int | Tensor, str]] = {
        "numbers": (0.03, -5, "<= 1.5"),
        "0-d tensors": (torch.tensor(0.03), torch.tensor(-5), "<= 2"),
        "one qparam a row": (torch.full((32, 1), 0.03), torch.full((32, 1), -5, dtype=torch.int32), "<= 2"),
    }
    return [
        Row(f"2^10 values, {name}, beside the formula", *both(x, s, z), target, inner=2000)
        for name, (s, z, target) in choices.items()
    ]


def both(x: Tensor, s: float | Tensor, z: int | Tensor) -> tuple[Call, Call]:
    return lambda: quantize(x, s, z), lambda: plain(x, s, z)


def values(shape: tuple[int, ...]) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


# --- memory


def in_own_process(name: str) -> float:
    command = [sys.executable, "-m", "benchmarks.core", "memory", name]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def memory_beyond_result(name: str) -> float:
    """MiB that one call takes at its peak, beyond its result. The library is warmed up on a slice before."""
    functions: dict[str, Callable[[Tensor, float, int], Tensor]] = {
        "quantize": quantize,
        "dequantize": dequantize,
        "fake_quantize": fake_quantize,
        "plain": plain,
    }
    function = functions[name]
    x = torch.ones(LARGE, dtype=torch.int8 if name == "dequantize" else torch.float32)
    function(x[:512], 0.03, -5)
    before = process_bytes("VmRSS")
    result = function(x, 0.03, -5)
    return (process_bytes("VmHWM") - before - result.numel() * result.element_size()) / MIB


def process_bytes(name: str) -> int:
    """The bytes that this process holds now (VmRSS), or held at its peak (VmHWM). Linux only.

    Not getrusage: its peak is inherited from the process that started this one.
    """
    status = Path("/proc/self/status").read_text()
    return next(int(row.split()[1]) * 1024 for row in status.splitlines() if row.startswith(name))


if __name__ == "__main__":
    if sys.argv[1:2] == ["memory"]:
        print(memory_beyond_result(sys.argv[2]))
    else:
        main()
