"""Every goal of the benchmarks, in one place."""

from fnmatch import fnmatchcase
from typing import NamedTuple


class Goal(NamedTuple):
    """What quantlib may take at most: of what somebody else takes, or, where who is quantlib, in the row's own unit.

    In what and size, * stands for anything.
    """

    part: str
    what: str
    size: str
    who: str
    most: float


GOALS = (
    Goal("core", "quantize, two numbers", "8192 x 4096", "the formula", 0.125),
    Goal("core", "quantize, two numbers", "8192 x 4096", "torch and int_repr", 0.65),
    Goal("core", "quantize, row", "8192 x 4096", "torch and int_repr", 0.2),
    Goal("core", "dequantize, two numbers", "8192 x 4096", "torch", 1.3),
    Goal("core", "quantize to int4, group of 32", "8192 x 4096", "torchao", 0.2),
    Goal("core", "quantize, two numbers", "2^10", "the formula", 1.5),
    Goal("core", "quantize, tensor", "2^10", "the formula", 2.0),
    Goal("core", "quantize, row", "2^10", "the formula", 2.0),
    Goal("memory", "quantize, *", "2^26", "quantlib", 64 + 16),  # MiB: the result, and 16 more
    Goal("memory", "dequantize, *", "2^26", "quantlib", 256 + 16),
    Goal("memory", "fake_quantize, *", "2^26", "quantlib", 256 + 16),
    Goal("imports", "import quantlib, after torch", "", "quantlib", 0.06),  # seconds
    Goal("notebooks", "*", "", "quantlib", 60.0),
    Goal("calibration", "*", "2^24", "torch.histc", 3.0),
    Goal("formats", "pack", "2^24", "a copy of memory", 2.0),
    Goal("formats", "unpack", "2^24", "a copy of memory", 2.0),
    Goal("formats", "quantize to Q4_0", "2^24", "gguf", 0.6),
    Goal("formats", "round to E4M3", "2^24", "torch's casts", 0.8),
    Goal("formats", "quantize to NF4", "2^24", "bitsandbytes", 0.6),
    Goal("formats", "integer matmul", "*", "float32", 1.4),
    Goal("formats", "*, memory", "*", "quantlib", 16),  # MiB beyond the result
    Goal("networks", "gptq", "*", "eliminations", 0.15),
    Goal("networks", "input hessian", "*", "x.T @ x", 1.2),
    Goal("explorers", "*, decoded", "*", "empty update", 2.0),
    Goal("explorers", "*, seen", "*", "interact", 0.2),
)


def most(part: str, what: str, size: str, who: str) -> float | None:
    """Return the goal of a measurement, if it has one."""
    asked = (goal for goal in GOALS if (goal.part, goal.who) == (part, who))
    return next((g.most for g in asked if fnmatchcase(what, g.what) and fnmatchcase(size, g.size)), None)
