"""How fast the core is, beside the plain formula, torch's own kernels, torchao's primitives and a copy of memory.

Run it while nothing else runs.
"""

import logging
import warnings
from collections.abc import Callable, Iterator
from statistics import median
from time import perf_counter
from typing import Any, NamedTuple

import torch
from torch import Tensor

from benchmarks.table import OURS, Row, rows
from quantlib import QParams, choose_qparams, dequantize, fake_quantize, quantize, to_groups

# torch deprecates its quantized dtypes. Here they are only what we compare ourselves with, and torch is pinned.
warnings.filterwarnings("ignore", message=".*quantize_per_(tensor|channel).*")
warnings.filterwarnings("ignore", message=".*quantized.*", category=UserWarning)
warnings.filterwarnings("ignore", message=".*quantized.*", category=DeprecationWarning)

Call = Callable[[], Any]


class Case(NamedTuple):
    """One thing that is timed: what is done, how many values share a scale, and on how many values."""

    function: str
    grain: str
    shape: tuple[int, int]
    bits: int = 8


FUNCTIONS = ("quantize", "dequantize", "fake_quantize")
RESULT_BYTES = {"quantize": 1, "dequantize": 4, "fake_quantize": 4}  # for each value
GROUP = 32
NUMBERS, TENSOR, ROW, GROUPS = "two numbers", "tensor", "row", f"group of {GROUP}"
GRAINS = (TENSOR, ROW, GROUPS)
AXES = {NUMBERS: None, TENSOR: None, ROW: 0, GROUPS: (0, 1)}  # the axes that are kept
SMALL, LARGE = (32, 32), (8192, 4096)
SIZES = (SMALL, (128, 128), (512, 512), (2048, 2048), (8192, 8192))  # 2^10 to 2^26 values

FORMULA, TORCH, TORCHAO, COPY = "the formula", "torch", "torchao", "a copy of memory"
INT_REPR = "torch and int_repr"  # with the copy out of torch's own quantized type, to plain integers

CASES = [
    *(Case("quantize", grain, LARGE) for grain in (NUMBERS, ROW)),
    Case("dequantize", NUMBERS, LARGE),
    Case("quantize", GROUPS, LARGE, bits=4),
    Case("quantize", NUMBERS, SMALL),
    *(Case(function, grain, shape) for function in FUNCTIONS for grain in GRAINS for shape in SIZES),
]


def measure(quick: bool = False) -> Iterator[Row]:
    for case in CASES:
        given = given_for(case)
        calls = {name: call_of(name, given) for name in names_of(case)}
        assert torch.equal(calls[OURS](), calls[FORMULA]()), f"{case} is not bit-identical to the formula"
        yield from rows("core", what(case), size(case), medians(calls, quick=quick))


def what(case: Case) -> str:
    return f"{case.function}{'' if case.bits == 8 else f' to int{case.bits}'}, {case.grain}"


def size(case: Case) -> str:
    height, width = case.shape
    return f"2^{(height * width).bit_length() - 1}" if case.shape in SIZES else f"{height} x {width}"


# --- the contenders


class Given(NamedTuple):
    """What everyone gets: reals, or codes for dequantize."""

    case: Case
    values: Tensor
    qp: QParams


def names_of(case: Case) -> list[str]:
    """Who can do what the case says: torch's quantized types have 8 bits, and int_repr makes plain integers of them."""
    fused = {"quantize": [TORCH, INT_REPR], "dequantize": [TORCH], "fake_quantize": [TORCH]}[case.function]
    return [OURS, FORMULA, *(fused if case.bits == 8 else []), TORCHAO, COPY]


def given_for(case: Case) -> Given:
    x = torch.randn(case.shape, generator=torch.Generator().manual_seed(0))
    values = to_groups(x, GROUP) if case.grain == GROUPS else x
    qp = choose_qparams(values, case.bits, axis=AXES[case.grain])
    if case.grain == NUMBERS:
        qp = qp._replace(scale=qp.scale.item(), zero_point=int(qp.zero_point.item()))  # type: ignore[union-attr]
    return Given(case, quantize(values, *qp) if case.function == "dequantize" else values, qp)


def call_of(name: str, given: Given) -> Call:
    """A call that does what the case says, in the way of the one who is named."""
    return _CALLS[name](given)


def our_call(given: Given) -> Call:
    function = {"quantize": quantize, "dequantize": dequantize, "fake_quantize": fake_quantize}[given.case.function]
    return _with_parameters(function, given)


def formula_call(given: Given) -> Call:
    formulas = {"quantize": plain_quantize, "dequantize": plain_dequantize, "fake_quantize": plain_fake_quantize}
    return _with_parameters(formulas[given.case.function], given)


def _with_parameters(function: Callable[..., Tensor], given: Given) -> Call:
    values, parameters = given.values, given.qp[:2] if given.case.function == "dequantize" else given.qp
    return lambda: function(values, *parameters)


def plain_quantize(x: Tensor, s: Any, z: Any, quant_min: int, quant_max: int) -> Tensor:
    """The formula as five whole-tensor operations: what one writes first."""
    return (x / s + z).round().clamp(quant_min, quant_max).to(torch.int8)


def plain_dequantize(q: Tensor, s: Any, z: Any) -> Tensor:
    return s * (q.float() - z)


def plain_fake_quantize(x: Tensor, s: Any, z: Any, quant_min: int, quant_max: int) -> Tensor:
    return s * ((x / s + z).round().clamp(quant_min, quant_max) - z)


def torch_call(given: Given) -> Call:
    """torch's fused kernels. They know tensors and channels: each group becomes a channel."""
    (case, values, (s, z, *grid)) = given
    place: tuple[Any, ...] = (s, z)
    stored, faked = torch.quantize_per_tensor, torch.fake_quantize_per_tensor_affine
    if case.grain in (ROW, GROUPS):
        place, values = (s.flatten(), z.flatten(), 0), values.reshape(s.numel(), -1)  # type: ignore[union-attr]
        stored, faked = torch.quantize_per_channel, torch.fake_quantize_per_channel_affine
    if case.function == "fake_quantize":
        return lambda: faked(values, *place, *grid)
    if case.function == "dequantize":
        return stored(plain_dequantize(given.values, s, z).view_as(values), *place, torch.qint8).dequantize
    return lambda: stored(values, *place, torch.qint8)


def int_repr_call(given: Given) -> Call:
    stored = torch_call(given)
    return lambda: stored().int_repr()


def torchao_call(given: Given) -> Call:
    """torchao's primitives. They take seconds to load, and warn that they were built for other GPUs too."""
    for noisy in ("torchao", "torch.utils._pytree"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
    from torchao.quantization.quant_primitives import _fake_quantize_affine, dequantize_affine, quantize_affine

    case, values, qp = given
    functions = {"quantize": quantize_affine, "dequantize": dequantize_affine, "fake_quantize": _fake_quantize_affine}
    s, z = torch.as_tensor(qp.scale), torch.as_tensor(qp.zero_point)
    block = tuple(1 if kept else n for kept, n in zip(_kept(case, values.ndim), values.shape, strict=True))
    function = functions[case.function]
    return lambda: function(values, block, s, z, torch.int8, qp.quant_min, qp.quant_max)


def _kept(case: Case, ndim: int) -> list[bool]:
    axes = AXES[case.grain]
    kept = () if axes is None else axes if isinstance(axes, tuple) else (axes,)
    return [d in kept for d in range(ndim)]


def copy_call(given: Given) -> Call:
    """Copy as many bytes as must be read and written, into memory that is already there: nothing is faster."""
    result = given.values.numel() * RESULT_BYTES[given.case.function]
    parameters = sum(p.nbytes for p in given.qp if isinstance(p, Tensor))
    count = (given.values.nbytes + result + parameters) // 2
    source = torch.ones(count, dtype=torch.int8, device=given.values.device)
    target = torch.ones_like(source)
    return lambda: target.copy_(source)


_CALLS: dict[str, Callable[[Given], Call]] = {
    OURS: our_call,
    FORMULA: formula_call,
    TORCH: torch_call,
    INT_REPR: int_repr_call,
    TORCHAO: torchao_call,
    COPY: copy_call,
}


# --- time

RUN = 3e-3  # seconds; shorter runs would measure the clock


def medians(calls: dict[str, Call], budget: float = 2.0, quick: bool = False) -> dict[str, float]:
    """The median seconds of each call, in runs that take turns; short calls are repeated until a clock can tell."""
    once = {name: warm_seconds_of(call) for name, call in calls.items()}
    repeats = {name: max(1, int(RUN / took)) for name, took in once.items()}
    rounds = 1 if quick else min(25, max(5, int(budget / sum(max(RUN, took) for took in once.values()))))
    times: dict[str, list[float]] = {name: [] for name in calls}
    for turn in range(rounds):
        first = turn % len(calls)  # another one begins each round
        for name in (*list(calls)[first:], *list(calls)[:first]):
            times[name].append(seconds_of(calls[name], repeats[name]))
    return {name: median(taken) for name, taken in times.items()}


def warm_seconds_of(call: Call) -> float:
    """The seconds of the second call, or of one of the next twenty where it is short."""
    call()
    took = seconds_of(call, 1)
    return took if took > RUN else seconds_of(call, 20)


def seconds_of(call: Call, repeats: int) -> float:
    start = perf_counter()
    for _ in range(repeats):
        call()
    return (perf_counter() - start) / repeats
