"""Stochastic rounding: the mean of many draws, again and again, and what becomes of many small updates."""

from dataclasses import dataclass
from functools import lru_cache

import numpy
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from quantlib.lab import style
from quantlib.lab.exercise import Function
from quantlib.lab.explore import Button, Explorer, Scene, Slider, View, explorer
from quantlib.lab.panel import Drag, Panel
from quantlib.lab.picture import Picture, picture
from quantlib.lab.words import fixed, number
from quantlib.rounding import round_half_even, round_stochastic

from . import exercises

DRAWS = 1000
SHOWN = 60  # draws that are shown one by one
KEPT = 8  # so many runs stay in sight
LOW = 2
VALUE = Slider("v", "value v", 2.3, LOW + 0.05, LOW + 0.95, 0.05)
COUNT = Slider("n", "draws n", 100, 1, DRAWS, 1)
AGAIN = Button("again", "Repeat with new draws")


@dataclass(frozen=True)
class Runs(View):
    """Some runs of many draws of one value, the last one last.

    v: the value, between LOW and LOW + 1.
    n: of how many draws the mean is told.
    again: how often the reader has repeated.
    results: of the last run, shape (DRAWS,).
    means: of the first n draws, for every n; shape (runs, DRAWS).
    """

    v: float
    n: int
    again: int
    results: numpy.ndarray
    means: numpy.ndarray

    @property
    def spread(self) -> float:
        """The standard deviation of one draw, in codes."""
        fraction = self.v - LOW
        return float((fraction * (1 - fraction)) ** 0.5)

    @property
    def mean(self) -> float:
        """The mean of the first n draws of the last run."""
        return float(self.means[-1, self.n - 1])

    @property
    def error(self) -> float:
        """The standard error of the mean of n draws."""
        return self.spread / self.n**0.5

    @property
    def nearest(self) -> int:
        """What rounding to nearest gives, every time."""
        return round(self.v)


@lru_cache(maxsize=256)
def uniform(seed: int) -> Tensor:
    """Return the draws of one run: numbers from 0 to 1."""
    return torch.rand(DRAWS, generator=torch.Generator().manual_seed(seed))


@explorer
def explore_draws(
    stochastic: Function = exercises.stochastic_round.reference, *, value: Slider | None = None
) -> Explorer:
    """Show sliders for a value and a number of draws, a button that repeats, and how near their mean is to the value.

    Args:
        stochastic: f(v, u) that returns integers, as floats: floor(v) + 1 where u is below the fraction of v.
        value: the slider, between 2 and 3.
    """
    rule = exercises.stochastic_round.stand_in(stochastic)

    def compute(v: float, n: int, again: int) -> Runs:
        u = torch.stack([uniform(seed) for seed in range(max(0, again + 1 - KEPT), again + 1)])
        results, notice = rule(torch.full_like(u, round(v, 2)), u)
        codes = results.double().numpy()
        means = codes.cumsum(1) / numpy.arange(1, DRAWS + 1)
        return Runs(round(v, 2), n, again, codes[-1], means, notices=(notice,))

    def lay_out(figure: Figure) -> list[Panel]:
        return [Single(figure.add_axes((0.085, 0.80, 0.78, 0.11))), Means(figure.add_axes((0.085, 0.125, 0.78, 0.51)))]

    return Explorer([value or VALUE, COUNT, AGAIN], compute, Scene((9.2, 4.6), lay_out), describe)


def describe(view: Runs) -> str:
    """Return the sentences that say what the runs of a view came to."""
    up = f"v = {view.v:.2f}: it goes up in {100 * (view.v - LOW):.0f} % of the draws; "
    up += f"nearest always gives {view.nearest}"
    draws = "1 draw" if view.n == 1 else f"{view.n:,} draws"
    found = f"Run {view.again + 1}: the mean of {draws} is {_mean(view.mean)}, off by {_mean(view.mean - view.v)}"
    return f"{up}. {found}. The standard error is {view.error:.4f}."


def _mean(value: float) -> str:
    """Return a mean in words; a learner's may be far away."""
    return fixed(value, 3) if abs(value) < 1e4 else number(value)


class Single(Panel):
    """The first draws of the last run, one by one."""

    def __init__(self, axes: Axes) -> None:
        super().__init__(axes, xlim=(0.2, SHOWN + 0.8), ylim=(LOW - 0.5, LOW + 1.5), xticks=[], yticks=[LOW, LOW + 1])
        axes.spines["bottom"].set_visible(False)
        for level in (LOW, LOW + 1):
            axes.axhline(level, color=style.LEVELS, lw=0.8, zorder=0)
        self._draws = self.line(style.QUANTIZED, marker="s", ms=5, ls="none")

    def update(self, view: Runs) -> None:
        """Show the draws of a view."""
        first = view.results[:SHOWN]
        self._draws.set_data(numpy.arange(1, SHOWN + 1), first.clip(LOW - 0.4, LOW + 1.4))
        self.title.text = f"run {view.again + 1}: {(first > LOW).sum()} of the first {SHOWN} draws go up"


class Means(Panel):
    """The mean of the first n draws over n, for the last few runs, and how far from v most runs should be."""

    def __init__(self, axes: Axes) -> None:
        super().__init__(axes, xscale="log", xlim=(1, DRAWS), ylim=(LOW - 0.06, LOW + 1.06))
        axes.set(xlabel="number of draws n, logarithmic", ylabel="mean of n draws, in codes")
        axes.set_xticks([1, 10, 100, DRAWS], ["1", "10", "100", f"{DRAWS:,}"])
        self._n = numpy.unique(numpy.geomspace(1, DRAWS, 200).round()).astype(int)  # as many as are seen
        self._band = self.area({"facecolor": style.QUANTIZED_TINT}, zorder=0)
        self._value = self.line(style.ORIGINAL, lw=1.2, zorder=2)
        self._nearest = self.line(style.ROUNDING_TEXT, lw=1.6, ls="dashed", zorder=2)
        self._older = self.line(style.LEVELS, lw=1.2, zorder=1)
        self._mean = self.line(style.QUANTIZED, lw=2, zorder=3)
        self._here = self.line(style.QUIET, lw=1, zorder=1)
        self._dot = self.dot(style.QUANTIZED)
        inks = style.ORIGINAL, style.ROUNDING_TEXT
        self._names = [self.label(size=9, color=ink, ha="left", bold=True) for ink in inks]

    def grab(self, view: Runs, x: float, y: float) -> Drag:
        """Take the number of draws to the pointer."""
        return lambda x, y: {"n": x}

    def update(self, view: Runs) -> None:
        """Draw the runs of a view; a learner's mean far away stays at the edge."""
        means = view.means[:, self._n - 1].clip(LOW - 1, LOW + 2)
        older = numpy.pad(means[:-1], ((0, 0), (0, 1)), constant_values=numpy.nan)  # a NaN between two runs is a gap
        self._older.set_data(numpy.tile(numpy.append(self._n, DRAWS), len(older)), older.ravel())
        self._mean.set_data(self._n, means[-1])
        self._here.set_data([view.n, view.n], [LOW - 0.06, LOW + 1.06])
        self._dot.set_data([view.n], [numpy.clip(view.mean, LOW - 0.06, LOW + 1.06)])
        self._value.set_data([1, DRAWS], [view.v, view.v])
        self._nearest.set_data([1, DRAWS], [view.nearest, view.nearest])
        half = 2 * view.spread / self._n**0.5
        there, back = numpy.stack([self._n, view.v + half], 1), numpy.stack([self._n, view.v - half], 1)
        self._band.set_verts([numpy.concatenate([there, back[::-1]])])
        self._label(view)
        draws = "1 draw" if view.n == 1 else f"{view.n:,} draws"
        band = f"band: v ± 2 standard errors, there ±{2 * view.error:.3f}"
        self.title.text = f"the mean of {draws} is {_mean(view.mean)}; {band}"

    def _label(self, view: Runs) -> None:
        """Name the two lines in the margin, and keep the names apart."""
        apart = 0.09 * (1 if view.v > view.nearest else -1)
        height = max(view.v, view.nearest + apart) if apart > 0 else min(view.v, view.nearest + apart)
        self._names[0].at, self._names[0].text = (DRAWS * 1.08, height), f"v = {view.v:.2f}"
        self._names[1].at, self._names[1].text = (DRAWS * 1.08, view.nearest), f"nearest: {view.nearest}"


def draw_updates(step: float = 0.1, count: int = 100, weights: int = 1000) -> Picture:
    """Draw a weight that gets many small updates, and is rounded to an integer after each: to nearest, or by chance.

    Args:
        step: one update, in codes.
        count: how many updates.
        weights: how many weights the mean of the stochastic ones is of.
    """
    nearest, walks = _walks(step, count, weights)
    means, full, at = walks.mean(1), step * count, range(count + 1)
    ends = (f"stochastic: mean of {weights:,}", means, style.QUANTIZED), ("nearest", nearest, style.ROUNDING_TEXT)
    said = f"stochastic rounding ends at {means[-1]:.1f} on average, nearest at {nearest[-1]:.0f}"
    after = f"after {count} updates of {number(step)}"
    with style.house_style():
        figure = style.new_figure(9.2, 3.4)
        axes = figure.add_axes((0.075, 0.155, 0.66, 0.73))
        axes.set(xlim=(0, count), ylim=(-0.1 * full, 1.5 * full), xlabel="updates", ylabel="weight, in codes")
        axes.set_title(f"{after}, {said}", size=10)
        axes.locator_params(axis="y", nbins=5)
        axes.plot(at, walks[:, :6], color=style.QUIET, lw=0.8)
        axes.plot(at, means, color=style.QUANTIZED, lw=3)
        axes.plot(at, nearest, color=style.ROUNDING_TEXT, lw=2, ls="dashed")
        axes.text(count * 0.02, 1.38 * full, "thin: six single weights", color=style.QUIET, size=9)
        for name, walk, ink in ends:
            axes.text(count * 1.015, walk[-1].item(), name, color=ink, va="center", weight="bold", size=9)
        return picture(figure, f"Small updates survive only chance: {after} each, {said}.")


def _walks(step: float, count: int, weights: int) -> tuple[Tensor, Tensor]:
    """Return a weight after each update, to nearest, shape (count + 1,), and many by chance, (count + 1, weights)."""
    generator = torch.Generator().manual_seed(0)
    nearest, drawn = [torch.tensor(0.0)], [torch.zeros(weights)]
    for _ in range(count):
        nearest.append(round_half_even(nearest[-1] + step))
        drawn.append(round_stochastic(drawn[-1] + step, generator))
    return torch.stack(nearest), torch.stack(drawn)
