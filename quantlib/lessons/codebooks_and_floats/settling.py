"""Sixteen levels that settle: where they begin, a step of Lloyd's method, and how good they are."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from quantlib.formats import fake_quantize_levels, lloyd_max
from quantlib.lab import style
from quantlib.lab.exercise import Function
from quantlib.lab.explore import Choice, Explorer, Scene, Slider, View, explorer
from quantlib.lab.learner import StandIn
from quantlib.lab.panel import Drag, Panel, set_strokes, uprights
from quantlib.lab.picture import Picture, picture
from quantlib.lab.words import fixed
from quantlib.metrics import sqnr_db

from . import exercises

COUNT, LEVELS = 4096, 16
SHAPES = ("normal", "Laplace", "uniform")  # of the numbers
POWER = Slider("p", "power p", 0.0, 0.0, 1.0, 0.05)
STEPS = Slider("n", "steps n", 0, 0, 60, 1)
SHAPE = Choice("data", "numbers", SHAPES)
POWERS = [round(0.05 * k, 2) for k in range(21)]
FARTHEST = 6.0  # the axis of the numbers ends here
WORST = {"normal": 15.0, "Laplace": 10.0, "uniform": 20.0}  # dB: the axis of the SQNR begins here
BEST = {"normal": 21.0, "Laplace": 19.0, "uniform": 26.0}  # and ends here


@cache
def numbers(shape: str) -> Tensor:
    """Return 4,096 numbers spread as evenly as one of the distributions allows, ascending, in float32.

    Of each of 4,096 equally likely stretches it is the median. The standard deviation of the distribution is 1.
    """
    at = (torch.arange(COUNT).double() + 0.5) / COUNT
    if shape == "normal":
        return torch.special.ndtri(at).float()
    side = at - 0.5
    if shape == "uniform":
        return (side * 12**0.5).float()
    return (-side.sign() * torch.log(1 - 2 * side.abs()) / 2**0.5).float()


@cache
def dense(shape: str, power: float) -> Tensor:
    """Return 16 levels over the range of the numbers, as dense as the numbers to a power: 0 means evenly spaced."""
    x = numbers(shape)
    t = numpy.linspace(x[0].item(), x[-1].item(), 8193)
    density = _height(shape, t) ** power
    share = numpy.concatenate([[0.0], ((density[1:] + density[:-1]) / 2).cumsum()])
    wanted = (numpy.arange(LEVELS) + 0.5) / LEVELS * share[-1]
    return torch.tensor(numpy.interp(wanted, share, t)).float()


def quality(shape: str, levels: Tensor) -> float:
    """Return the SQNR of the numbers on levels, in dB."""
    return sqnr_db(numbers(shape), fake_quantize_levels(numbers(shape), levels))


def best_even(x: Tensor, count: int = LEVELS) -> Tensor:
    """Return the evenly spaced levels on both sides of 0 that give x the largest SQNR, to 1/400 of a unit."""
    places = torch.arange(count) - (count - 1) / 2
    steps = torch.linspace(0.2, 1.0, 321).tolist()
    return places * max(steps, key=lambda step: sqnr_db(x, fake_quantize_levels(x, places * step)))


@cache
def beginnings(shape: str) -> list[float]:
    """Return the SQNR of the levels at the beginning, for each power."""
    return [quality(shape, dense(shape, power)) for power in POWERS]


@cache
def settled(shape: str) -> Tensor:
    """Return 16 levels that Lloyd's method moves no more; it has begun near the end."""
    return lloyd_max(numbers(shape), dense(shape, 0.35), 5000)


@cache
def marks(shape: str) -> tuple[float, float]:
    """Return the SQNR of the best even levels, and of the best levels that were found."""
    return quality(shape, best_even(numbers(shape))), quality(shape, settled(shape))


@dataclass(frozen=True)
class SettlingView(View):
    """Sixteen levels after some steps.

    shape: of the numbers; power, steps: the sliders.
    trail: the levels before the first step, and after each.
    """

    shape: str
    power: float
    steps: int
    trail: tuple[Tensor, ...]
    qualities: tuple[float, ...]

    @property
    def levels(self) -> Tensor:
        """Where they are now, ascending."""
        return self.trail[-1]

    @property
    def counts(self) -> numpy.ndarray:
        """How many numbers are nearest to each level."""
        middles = (self.levels[1:] + self.levels[:-1]) / 2
        cells = torch.bucketize(numbers(self.shape), middles)
        return torch.bincount(cells, minlength=len(self.levels)).numpy()


class Trail:
    """What a learner's step makes of one beginning, kept until the beginning or the function is another."""

    def __init__(self, step: StandIn) -> None:
        self._step = step
        self._of: tuple[Callable[..., Any], str, float] | None = None
        self._kept: list[tuple[Tensor, float, str]] = []

    def __call__(self, shape: str, power: float, steps: int) -> list[tuple[Tensor, float, str]]:
        """Return the levels before the first step and after each, how good they are, and what is to be told."""
        of = self._step.function, shape, power
        if of != self._of:
            start = dense(shape, power)
            self._of, self._kept = of, [(start, quality(shape, start), "")]
        while len(self._kept) <= steps:
            moved, notice = self._step(numbers(shape), self._kept[-1][0])
            levels = moved.float().sort().values
            self._kept.append((levels, quality(shape, levels), notice))
        return self._kept[: steps + 1]


@explorer
def explore_settling(lloyd_step: Function = exercises.lloyd_step.reference) -> Explorer:
    """Show sliders for how dense 16 levels begin, and for how many steps they make, over a distribution.

    Args:
        lloyd_step: f(x, levels) that moves each level to the mean of the values nearest to it: quantlib's, or a
            learner's.
    """
    step = exercises.lloyd_step.stand_in(lloyd_step)
    trail = Trail(step)

    def compute(p: float, n: int, data: int) -> SettlingView:
        shape, power = SHAPES[data], round(p, 4)
        taken = trail(shape, power, max(n, 1))  # one step at least: a reader wants to know whether there is one
        found = taken[: n + 1]
        return SettlingView(shape, power, n, tuple(levels for levels, _, _ in found),
                            tuple(db for _, db, _ in found), notices=(taken[-1][2],))  # fmt: skip

    return Explorer([POWER, STEPS, SHAPE], compute, Scene((9.2, 4.75), _lay_out), describe)


def describe(view: SettlingView) -> str:
    """Return the sentence that says how good the levels are, and how often they are used."""
    even, best = marks(view.shape)
    head = f"p = {view.power:.2f}, n = {view.steps}: {view.shape} numbers keep an SQNR of {view.qualities[-1]:.2f} dB"
    used = f"a level is used {view.counts.min():,} to {view.counts.max():,} times"
    return f"{head}; {used}. Best even levels {even:.2f} dB, best levels found {best:.2f} dB."


def _lay_out(figure: Figure) -> list[Panel]:
    return [
        Numbers(figure.add_axes((0.09, 0.56, 0.885, 0.365))),
        Beginnings(figure.add_axes((0.09, 0.115, 0.395, 0.285))),
        Walk(figure.add_axes((0.58, 0.115, 0.395, 0.285))),
    ]


class Numbers(Panel):
    """How dense the numbers are, and the sixteen levels with their cells. A level can be dragged."""

    def __init__(self, axes: Axes) -> None:
        super().__init__(axes, xlim=(-FARTHEST, FARTHEST), ylim=(-0.42, 1.1))
        axes.set_xlabel("number, in standard deviations", labelpad=1)
        style.number_line(axes)
        axes.axhline(0, color=style.LEVELS, lw=0.8, zorder=0)
        beside: dict[str, Any] = {"transform": axes.get_yaxis_transform(), "size": 9, "ha": "right", "va": "center"}
        axes.text(-0.008, 0.3, "how many", **beside)
        axes.text(-0.008, -0.2, "levels", color=style.QUANTIZED, **beside)
        self._cells = self.area({"facecolor": style.QUANTIZED_TINT}, zorder=0)
        self._outline = self.line(style.ORIGINAL, lw=1.3, zorder=4)
        self._borders = self.strokes(style.QUIET, lw=0.6)
        self._levels = self.strokes(style.QUANTIZED, lw=2)
        self._heads = self.line(style.QUANTIZED, marker="o", ms=7, mec="white", ls="none", zorder=5)

    def update(self, view: SettlingView) -> None:
        """Draw the levels of a view, each with its cell."""
        levels = view.levels.clamp(-FARTHEST, FARTHEST).numpy()
        t = numpy.linspace(-FARTHEST, FARTHEST, 481)
        height = _height(view.shape, t)
        self._outline.set_data(t, height)
        borders = (levels[1:] + levels[:-1]) / 2
        set_strokes(self._borders, uprights(borders, 0, _height(view.shape, borders)))
        ends = numpy.concatenate([[-FARTHEST], borders, [FARTHEST]])
        cells = zip(ends[::2], ends[1::2], strict=False)
        self._cells.set_verts([_below(view.shape, left, right) for left, right in cells])
        set_strokes(self._levels, uprights(levels, -0.36, -0.09))
        self._heads.set_data(levels, numpy.full(len(levels), -0.09))
        start = f"as dense as the numbers to the power {view.power:.2f}"
        after = f", then {view.steps} step{'s' * (view.steps != 1)}"
        self.title.text = f"16 levels, {start}{after}: {view.qualities[-1]:.2f} dB"

    def grab(self, view: SettlingView, x: float, y: float) -> Drag:
        """Take the level that is nearest to the pointer: all levels follow, and begin anew."""
        k = int((view.levels - x).abs().argmin())
        table = torch.stack([dense(view.shape, power) for power in POWERS])[:, k]
        return lambda x, y: {"p": POWERS[int((table - x).abs().argmin())], "n": 0}


def _height(shape: str, t: numpy.ndarray) -> numpy.ndarray:
    """Return the density of a distribution of standard deviation 1, as a part of its peak."""
    if shape == "uniform":
        return (abs(t) <= 3**0.5).astype(float)
    return numpy.exp(-(t**2) / 2 if shape == "normal" else -(2**0.5) * abs(t))


def _below(shape: str, left: float, right: float) -> numpy.ndarray:
    """Return the corners of the area below a density, from one number to another."""
    t = numpy.linspace(left, right, 161)
    curve = numpy.stack([t, _height(shape, t)], axis=1)
    return numpy.concatenate([[[left, 0.0]], curve, [[right, 0.0]]])


def draw_levels(rows: Mapping[str, Tensor], shape: str = "normal") -> Picture:
    """Draw levels under a distribution, one row for each name, and the squared error of the numbers that each gets.

    Args:
        rows: by name, the numbers of `numbers(shape)` as they come back.
    """
    x, said = numbers(shape), []
    errors = {name: _error_by_level(x, back) for name, back in rows.items()}
    highest = max(sums.max().item() for _, sums in errors.values())
    t = numpy.linspace(-4, 4, 321)
    height = 0.75 + 1.05 * len(rows)
    with style.house_style():
        figure = style.new_figure(9.2, height)
        axes = figure.add_axes((0.20, 0.62 / height, 0.64, 0.90 - 0.62 / height))
        axes.set(xlim=(-4, 4), ylim=(len(rows), 0), xlabel="number, in standard deviations")
        style.number_line(axes)
        axes.set_title("a bar: the squared error of all numbers that come back as this level", size=10)
        for row, (name, (levels, sums)) in enumerate(errors.items()):
            foot = row + 0.80
            axes.plot(t, foot - 0.70 * _height(shape, t), color=style.ORIGINAL, lw=1)
            axes.bar(levels, -0.70 * sums / highest, 0.11, foot, zorder=2, **style.ROUND)
            axes.vlines(levels, foot + 0.02, foot + 0.14, color=style.QUANTIZED, lw=2)
            decibels = f"{fixed(sqnr_db(x, rows[name]), 2)} dB"
            beside: dict[str, Any] = {"transform": axes.get_yaxis_transform(), "va": "center"}
            axes.text(-0.015, foot - 0.1, name, ha="right", color=style.QUANTIZED, size=9.5, **beside)
            axes.text(1.015, foot - 0.1, decibels, weight="bold", **beside)
            said.append(f"{name}: {decibels}, levels {fixed(levels[0].item(), 2)} to {fixed(levels[-1].item(), 2)}")
        return picture(figure, f"Sixteen levels for {shape} numbers. {'; '.join(said)}.")


def _error_by_level(x: Tensor, back: Tensor) -> tuple[numpy.ndarray, numpy.ndarray]:
    """Return the levels that come back, ascending, and the sum of the squared errors of each."""
    levels, which = back.unique(return_inverse=True)
    sums = torch.zeros_like(levels).index_add_(0, which, (back - x).square())
    return levels.numpy(), sums.numpy()


class _Decibels(Panel):
    """Axes of the SQNR, with two lines: the best even levels, and the best found."""

    def __init__(self, axes: Axes, **axis: Any) -> None:
        super().__init__(axes, **axis)
        self._even = self.line(style.QUIET, lw=1.4, ls="dotted", zorder=1)
        self._best = self.line(style.BETTER, lw=1.4, ls="dashdot", zorder=1)
        self._ticks = [self.label(size=9, ha="right", color=style.QUIET) for _ in range(3)]
        self._names = [self.label(size=9, ha="right", color=ink) for ink in (style.QUIET, style.BETTER_TEXT)]
        self._ends = axes.get_xlim()

    def at(self, shape: str, decibels: Any) -> Any:
        """Return how high so many decibels are drawn, from 0 to 1."""
        span = BEST[shape] - WORST[shape]
        return (numpy.asarray(decibels, dtype=float) - WORST[shape]).clip(0, span) / span

    def draw_marks(self, shape: str, beside: float) -> None:
        """Draw the two lines, and three ticks; beside: how far above the line of the best even levels its name is."""
        left, right = self._ends
        even, best = self.at(shape, marks(shape)).tolist()
        beside = beside if best - even > 0.1 else -0.07
        for line, name, value, text, up in zip(
            (self._even, self._best),
            self._names,
            marks(shape),
            ("best even", "best found"),
            (beside, 0.07),
            strict=True,
        ):
            line.set_data([left, right], [self.at(shape, value)] * 2)
            name.text, name.at = f"{text} {value:.2f}", (right, float(self.at(shape, value)) + up)
        for tick, value in zip(self._ticks, numpy.linspace(WORST[shape], BEST[shape], 4)[:3].tolist(), strict=True):
            tick.text, tick.at = f"{value:g}", (left - 0.018 * (right - left), float(self.at(shape, value)))


class Beginnings(_Decibels):
    """How good the levels are at the beginning, for each power; the dot is the one chosen. It can be dragged."""

    def __init__(self, axes: Axes) -> None:
        super().__init__(axes, xlim=(0, 1), ylim=(0, 1.12), yticks=[], xlabel="power p", ylabel="SQNR, dB")
        axes.yaxis.set_label_coords(-0.11, 0.5)
        axes.xaxis.labelpad = 1
        self._curve = self.line(style.QUANTIZED, lw=1.6, zorder=3)
        self._here = self.dot(style.QUANTIZED)

    def update(self, view: SettlingView) -> None:
        """Draw the curve of a view's numbers, and where the view begins."""
        self.draw_marks(view.shape, 0.06)
        self._curve.set_data(POWERS, self.at(view.shape, beginnings(view.shape)))
        self._here.set_data([view.power], [self.at(view.shape, view.qualities[0])])
        self.title.text = f"at the beginning: {view.qualities[0]:.2f} dB"

    def grab(self, view: SettlingView, x: float, y: float) -> Drag:
        """Choose the power that the pointer is on."""
        return lambda x, y: {"p": x}


class Walk(_Decibels):
    """How good the levels are after each step. The last one can be dragged."""

    def __init__(self, axes: Axes) -> None:
        super().__init__(axes, xlim=(0, 60), ylim=(0, 1.12), yticks=[], xlabel="steps n", ylabel="SQNR, dB")
        axes.yaxis.set_label_coords(-0.11, 0.5)
        axes.xaxis.labelpad = 1
        self._trail = self.line(style.QUANTIZED, lw=1.6, marker=".", ms=4, zorder=3)
        self._here = self.dot(style.QUANTIZED)

    def update(self, view: SettlingView) -> None:
        """Draw the steps of a view."""
        self.draw_marks(view.shape, -0.07)
        heights = self.at(view.shape, view.qualities)
        self._trail.set_data(range(len(heights)), heights)
        self._here.set_data([view.steps], heights[-1:])
        self.title.text = f"after {view.steps} step{'s' * (view.steps != 1)}: {view.qualities[-1]:.2f} dB"

    def grab(self, view: SettlingView, x: float, y: float) -> Drag:
        """Choose the step that the pointer is on."""
        return lambda x, y: {"n": x}
