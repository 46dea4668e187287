"""BENCHMARKS.md: how quantlib stands beside its rivals and its limits, and every goal that is missed."""

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from statistics import median
from typing import NamedTuple

from benchmarks.calibration import HISTC
from benchmarks.core import COPY, FORMULA, FUNCTIONS, INT_REPR, TORCH, TORCHAO
from benchmarks.formats import BITSANDBYTES, CASTS, FLOAT32, GGUF
from benchmarks.latency import EMPTY, INTERACT
from benchmarks.memory import RESULT
from benchmarks.networks import ELIMINATIONS, PRODUCT
from benchmarks.table import OURS, Row

HEAD = """\
# Benchmarks

`make bench` measures, on a quiet machine, and writes this page from [results.csv](benchmarks/results.csv), where every
measurement stands with its machine and date. `make bench PARTS="core memory"` measures some parts anew and keeps the
rest; the parts are core, memory, imports, notebooks, calibration, formats, networks, gpu, grading,
explorers and learners. The goals stand in
[goals.py](benchmarks/goals.py). Less is better, but for submissions graded.
"""
RIVALS = """\
## Beside its rivals

What quantlib takes, divided by what another takes in turns with it: the median of all cases, and in brackets the least
and the most. A scale belongs to a tensor, a row or a group of 32 values. The formula is what one writes first, five
operations on the whole tensor. torch's own result is of a quantized type; `int_repr` makes plain integers of it. The
limit of a time is a copy of as many bytes as must be read and written, that of a memory is the result itself.

| | the formula | torch | torch and int_repr | torchao | limit |
|---|---:|---:|---:|---:|---:|
"""
GOALS = """\
## Beside its goals

An explorer's new picture is decoded when the page has changed and the image is ready, and seen when it is painted.
An empty update shows only a number; `interact` draws the same picture from scratch, and 0.20 of its time is five times
faster.

| | least | most | goal | met |
|---|---:|---:|---:|---:|
"""
MISSED = """\
## Missed: {missed} of {all} goals

| | measured | goal | over |
|---|---:|---:|---:|
"""
SMALL = ("2^10", "2^14", "2^18")


class Group(NamedTuple):
    """Measurements of one kind: of quantlib itself, or of what it takes as a share of another."""

    name: str
    part: str
    what: str
    who: str


GROUPS = (
    Group("`import quantlib`, after torch", "imports", "import quantlib, *", OURS),
    Group("a notebook, in a fresh kernel", "notebooks", "*", OURS),
    Group("observe 2^24 values and choose a range, beside a pass of `torch.histc`", "calibration", "*", HISTC),
    Group("pack and unpack 2^24 codes of 4 bits, beside a copy of as many bytes", "formats", "*", COPY),
    Group("2^24 weights to Q4_0, beside gguf", "formats", "*", GGUF),
    Group("2^24 values to E4M3 and back, beside torch's casts", "formats", "*", CASTS),
    Group("2^24 weights to NF4, beside bitsandbytes", "formats", "*", BITSANDBYTES),
    Group("matrix product of integers, beside float32", "formats", "*", FLOAT32),
    Group("memory of these beyond their results", "formats", "*, memory", OURS),
    Group("GPTQ of 384 x 384 weights, beside a loop of eliminations", "networks", "gptq", ELIMINATIONS),
    Group("hessian of 4096 inputs, beside x.T @ x in float64", "networks", "input hessian", PRODUCT),
    Group("key press to decoded picture, beside an empty update", "explorers", "*, decoded", EMPTY),
    Group("key press to seen picture, beside `interact`", "explorers", "*, seen", INTERACT),
    Group("key press to seen picture", "explorers", "*, seen", OURS),
    Group("submissions graded a minute, by each core", "grading", "submissions *", OURS),
    Group("the grader's own part of a submission, in a class of 200 or 2000", "grading", "the program*", OURS),
    Group("its memory beyond that for a class of three", "grading", "memory *", OURS),
    Group("first picture of notebook 01, in a fresh kernel", "learners", "first picture*", OURS),
    Group("a kernel's own memory after a notebook and a hundred moves", "learners", "*, memory", OURS),
    Group("processor time of a move", "learners", "*, a move", OURS),
    Group("time on a GPU, beside a copy of its memory", "gpu", "*", COPY),
)


class Measured(NamedTuple):
    """A row, with what its goal speaks of: quantlib's own value, or that value as a share of another's."""

    row: Row
    value: float

    @property
    def over(self) -> float:
        """By what share the goal is missed, else 0."""
        return max(0.0, self.value / self.row.goal - 1) if self.row.goal else 0.0

    def written(self, value: float | None) -> str:
        """Write a value of this kind."""
        if value is None:
            return ""
        return in_unit(value, self.row.unit) if self.row.who == OURS else f"{value:.2f}"


def page(rows: Sequence[Row]) -> str:
    """Return the page in Markdown."""
    ours = {row[:3]: row.value for row in rows if row.who == OURS}
    found = [Measured(row, row.value if row.who == OURS else ours[row[:3]] / row.value) for row in rows]
    goals = [each for each in found if each.row.goal is not None]
    missed = sorted((each for each in goals if each.over), key=lambda each: -each.over)
    title = MISSED.format(missed=len(missed), all=len(goals))
    tables = (RIVALS, *beside_rivals(found)), (GOALS, *beside_goals(found)), (title, *map(miss, missed))
    return "\n".join([HEAD, *("".join(table) for table in tables), where(rows)])


def beside_rivals(found: Sequence[Measured]) -> Iterator[str]:
    """Give the lines of the first table."""
    for function in FUNCTIONS:
        own = [each for each in found if each.row.what.startswith(function)]
        core = [each for each in own if each.row.part == "core"]
        yield rivals(f"{function}, up to 2^18 values", [each for each in core if each.row.size in SMALL])
        yield rivals(f"{function}, from 2^22 values on", [each for each in core if each.row.size not in SMALL])
        yield rivals(f"{function}, peak memory", [each for each in own if each.row.part == "memory"])


def rivals(name: str, found: Sequence[Measured]) -> str:
    """Return a line of the first table."""
    columns = (FORMULA,), (TORCH,), (INT_REPR,), (TORCHAO,), (COPY, RESULT)
    return line(name, *(span([m.value for m in found if m.row.who in who]) for who in columns))


def span(ratios: Sequence[float]) -> str:
    return f"{median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})" if ratios else ""


def beside_goals(found: Sequence[Measured]) -> Iterator[str]:
    """Give the lines of the second table."""
    for group in GROUPS:
        some = [m for m in found if (m.row.part, m.row.who) == (group.part, group.who)]
        some = sorted((m for m in some if fnmatchcase(m.row.what, group.what)), key=lambda m: m.value)
        if not some:
            yield line(group.name, "not measured", "", "", "")
            continue
        least, most, goal = (some[0].written(value) for value in (some[0].value, some[-1].value, some[0].row.goal))
        yield line(group.name, least, most, goal, f"{sum(not m.over for m in some)} of {len(some)}" if goal else "")


def miss(each: Measured) -> str:
    """Return a line of the table of missed goals."""
    size = f" ({each.row.size})" if each.row.size else ""
    beside = "" if each.row.who == OURS else f", beside {each.row.who}"
    cells = each.written(each.value), each.written(each.row.goal), f"{100 * each.over:.1f} %"
    return line(f"{each.row.what}{size}{beside}", *cells)


def where(rows: Sequence[Row]) -> str:
    """Say on which machines and when the rows were measured."""
    return "".join(f"Measured on {machine}, {date}.\n" for machine, date in dict.fromkeys(row[-2:] for row in rows))


def line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |\n"


def in_unit(value: float, unit: str) -> str:
    """Write a number with three digits and a unit; a time in the unit in which it is 1 or more.

    >>> in_unit(0.01234, "s"), in_unit(4.2e-06, "s"), in_unit(0.2, "s"), in_unit(16.84, "a minute")
    ('12.3 ms', '4.2 us', '200 ms', '16.8 a minute')
    """
    if unit == "s":
        factor, unit = next((f, u) for f, u in ((1, "s"), (1e3, "ms"), (1e6, "us")) if value * f >= 1 or u == "us")
        value *= factor
    return f"{float(f'{value:.3g}'):g} {unit}"
