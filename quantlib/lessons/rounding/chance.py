"""Stochastic rounding: the mean of many draws, again and again, and what becomes of many small updates."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy
import torch
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from torch import Tensor

from quantlib.lab import style
from quantlib.lab.explore import Button, Explorer, Scene, Slider
from quantlib.lab.learner import StandIn, reals_problem
from quantlib.lab.panel import Panel, title
from quantlib.lab.picture import Picture, picture
from quantlib.lab.text import Label
from quantlib.lab.words import number
from quantlib.rounding import round_half_even, round_stochastic

from .exercises import stochastic_round

DRAWS = 1000
SHOWN = 60  # draws that are shown one by one
KEPT = 8  # so many runs stay in sight
LOW = 2
VALUE = Slider("v", "value v", 2.3, LOW + 0.05, LOW + 0.95, 0.05)
AGAIN = Button("again", "Repeat with new draws")
BAND = "#EFF4F8"


@dataclass(frozen=True)
class Runs:
    """Some runs of many draws of one value, the last one last.

    v: the value, between LOW and LOW + 1.
    again: how often the reader has repeated.
    results: of the last run, shape (DRAWS,).
    means: of the first n draws, for every n; shape (runs, DRAWS).
    """

    v: float
    again: int
    results: numpy.ndarray
    means: numpy.ndarray
    notice: str = ""

    @property
    def spread(self) -> float:
        """The standard deviation of one draw, in codes."""
        fraction = self.v - LOW
        return float((fraction * (1 - fraction)) ** 0.5)

    @property
    def nearest(self) -> int:
        """What rounding to nearest gives, every time."""
        return round(self.v)


@lru_cache(maxsize=256)
def uniform(seed: int) -> Tensor:
    """Return the draws of one run: numbers from 0 to 1."""
    return torch.rand(DRAWS, generator=torch.Generator().manual_seed(seed))


def explore_draws(stochastic: Callable[..., Any] = stochastic_round, *, value: Slider | None = None) -> Explorer:
    """Show a slider for one value, a button that repeats, and how the mean of many draws comes close to the value.

    Args:
        stochastic: f(v, u) that returns integers, as floats: floor(v) + 1 where u is below the fraction of v.
        value: the slider, between 2 and 3.
    """
    rule = StandIn(stochastic, stochastic_round, reals_problem)

    def compute(v: float, again: int) -> Runs:
        u = torch.stack([uniform(seed) for seed in range(max(0, again + 1 - KEPT), again + 1)])
        results, notice = rule(torch.full_like(u, round(v, 2)), u)
        codes = results.double().numpy()
        return Runs(round(v, 2), again, codes[-1], codes.cumsum(1) / numpy.arange(1, DRAWS + 1), notice)

    return Explorer([value or VALUE, AGAIN], compute, Scene((9.2, 4.6), _lay_out), describe)


def _lay_out(figure: Figure) -> list[Panel]:
    return [Single(figure.add_axes((0.085, 0.80, 0.78, 0.11))), Means(figure.add_axes((0.085, 0.125, 0.78, 0.51)))]


def describe(view: Runs) -> str:
    """Return the sentences that say what the runs of a view came to."""
    mean, error = view.means[-1, -1], view.spread / DRAWS**0.5
    up = f"v = {view.v:.2f}: it goes up in {100 * (view.v - LOW):.0f} % of the draws; "
    up += f"nearest always gives {view.nearest}"
    found = f"Run {view.again + 1}: the mean of {DRAWS:,} draws is {_plain(mean)}, off by {_plain(mean - view.v)}"
    return f"{up}. {found}. The standard error is {error:.4f}." + (f" {view.notice}" if view.notice else "")


def _plain(value: float) -> str:
    text = f"{value:.3f}" if abs(value) < 1e4 else f"{value:.3e}"
    return ("0.000" if text == "-0.000" else text).replace("-", "\N{MINUS SIGN}")


class Single:
    """The first draws of the last run, one by one."""

    def __init__(self, axes: Axes) -> None:
        axes.set_xlim(0.2, SHOWN + 0.8)
        axes.set_ylim(LOW - 0.5, LOW + 1.5)
        axes.set_yticks([LOW, LOW + 1])
        axes.set_xticks([])
        axes.spines["bottom"].set_visible(False)
        for level in (LOW, LOW + 1):
            axes.axhline(level, color=style.LEVELS, lw=0.8, zorder=0)
        self._dots = axes.plot([], [], "s", color=style.QUANTIZED, ms=5)[0]
        self._title = title(axes)
        self.moving: Sequence[Artist] = [self._dots, self._title]

    def update(self, view: Runs) -> None:
        """Show the draws of a view."""
        first = view.results[:SHOWN]
        self._dots.set_data(numpy.arange(1, len(first) + 1), first.clip(LOW - 0.4, LOW + 1.4))
        self._title.text = f"run {view.again + 1}: {(first > LOW).sum()} of the first {SHOWN} draws go up"


class Means:
    """The mean of the first n draws over n, for the last few runs, and how far from v most runs should be."""

    def __init__(self, axes: Axes) -> None:
        self._n = numpy.unique(numpy.geomspace(1, DRAWS, 200).round()).astype(int)  # as many as are seen
        axes.set_xscale("log")
        axes.set_xlim(1, DRAWS)
        axes.set_ylim(LOW - 0.06, LOW + 1.06)
        axes.set_xticks([1, 10, 100, DRAWS], ["1", "10", "100", "1,000"])
        axes.set_xlabel("number of draws n (logarithmic)")
        axes.set_ylabel("mean of n draws, in codes")
        self._band = PolyCollection([], facecolor=BAND, edgecolor="none", zorder=0)
        axes.add_collection(self._band, autolim=False)
        self._value = axes.plot([], [], color=style.ORIGINAL, lw=1.2, zorder=2)[0]
        self._nearest = axes.plot([], [], color=style.ROUNDING_TEXT, lw=1.6, ls="dashed", zorder=2)[0]
        self._older = axes.plot([], [], color=style.LEVELS, lw=1.2, zorder=1)[0]
        self._mean = axes.plot([], [], color=style.QUANTIZED, lw=2, zorder=3)[0]
        self._names = [
            Label((DRAWS * 1.08, 0), axes.transData, size=9, color=ink, ha="left", bold=True)
            for ink in (style.ORIGINAL, style.ROUNDING_TEXT)
        ]
        for label in self._names:
            axes.add_artist(label)
        self._title = title(axes)
        lines = [self._band, self._value, self._nearest, self._older, self._mean]
        self.moving: Sequence[Artist] = [*lines, *self._names, self._title]

    def update(self, view: Runs) -> None:
        """Draw the runs of a view; a learner's mean far away stays at the edge."""
        means = view.means[:, self._n - 1].clip(LOW - 1, LOW + 2)
        gap = numpy.full((len(means) - 1, 1), numpy.nan)
        older = numpy.concatenate([means[:-1], gap], axis=1)  # a NaN between two runs is a gap
        self._older.set_data(numpy.tile(numpy.append(self._n, DRAWS), len(older)), older.ravel())
        self._mean.set_data(self._n, means[-1])
        self._value.set_data([1, DRAWS], [view.v, view.v])
        self._nearest.set_data([1, DRAWS], [view.nearest, view.nearest])
        half = 2 * view.spread / self._n**0.5
        there, back = numpy.stack([self._n, view.v + half], 1), numpy.stack([self._n, view.v - half], 1)
        self._band.set_verts([numpy.concatenate([there, back[::-1]])])
        self._label(view)
        mean = view.means[-1, -1]
        self._title.text = f"the mean of {DRAWS:,} draws is {_plain(mean)}; band: v ± 2 standard errors"

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
    generator = torch.Generator().manual_seed(0)
    nearest, drawn = [torch.zeros(1)], [torch.zeros(weights)]
    for _ in range(count):
        nearest.append(round_half_even(nearest[-1] + step))
        drawn.append(round_stochastic(drawn[-1] + step, generator))
    walks = torch.stack(drawn)
    at, means = range(count + 1), walks.mean(1)
    with style.house_style():
        figure = style.new_figure(9.2, 3.4)
        axes = figure.add_axes((0.075, 0.155, 0.66, 0.73))
        axes.set(
            xlim=(0, count), xlabel="updates", ylabel="weight, in codes", ylim=(-0.1 * step * count, 1.5 * step * count)
        )
        axes.locator_params(axis="y", nbins=5)
        axes.plot(at, walks[:, :6], color=style.QUIET, lw=0.8)
        axes.plot(at, means, color=style.QUANTIZED, lw=3)
        axes.plot(at, torch.cat(nearest), color=style.ROUNDING_TEXT, lw=2, ls="dashed")
        _name_ends(axes, count, {
            f"stochastic: mean of {weights:,}": (means[-1].item(), style.QUANTIZED),
            "nearest": (nearest[-1].item(), style.ROUNDING_TEXT),
        })  # fmt: skip
        axes.text(count * 0.02, 1.38 * step * count, "thin: six single weights", color=style.QUIET, size=9)
        said = f"stochastic rounding ends at {means[-1].item():.1f} on average, nearest at {nearest[-1].item():.0f}"
        axes.set_title(f"after {count} updates of {number(step)}, {said}", size=10)
        return picture(
            figure, f"Small updates survive only chance: after {count} updates of {number(step)} each, {said}."
        )


def _name_ends(axes: Axes, count: int, ends: dict[str, tuple[float, str]]) -> None:
    for name, (height, ink) in ends.items():
        axes.text(count * 1.015, height, name, color=ink, va="center", weight="bold", size=9)
