"""The difficulty moved: each column of x is divided by a factor, and that of w multiplied by it."""

from dataclasses import dataclass
from functools import cache

import numpy
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from quantlib.lab import style
from quantlib.lab.exercise import Function
from quantlib.lab.explore import Choice, Explorer, Scene, Slider, View, explorer
from quantlib.lab.panel import Panel
from quantlib.lab.picture import Picture, picture
from quantlib.metrics import sqnr_db
from quantlib.networks import smoothing_factors

from . import exercises
from .layer import Layer, Output, both_quantized, decibels, layer, untouched
from .mistakes import sizes

ALPHA = Slider("alpha", "exponent α", 0.5, 0.0, 1.0, 0.05)
SCALES = Choice("shared", "scales of w", ("one for each row", "one for all"))
LOW, HIGH = 10.0, 42.0  # the axis of decibels


@dataclass(frozen=True)
class Moved(View):
    """What factors do to x and w.

    alpha: of which they were made.
    shared: whether all of w shares one scale.
    in_x, in_w: the largest size in each column of x / s and of w s.
    db, untouched: of the output, and without factors.
    """

    alpha: float
    shared: bool
    in_x: numpy.ndarray
    in_w: numpy.ndarray
    db: float
    untouched: float


def moved(its: Layer, s: Tensor, *, rows: bool = True, bits: int = 8) -> float:
    """Return the SQNR in dB of the output, if the columns of x are divided by s and those of w multiplied."""
    return decibels(its.test / s, its.w * s, its.seen / s, bits, rows=rows)


@cache
def order() -> Tensor:
    """Return the columns of x, the largest size first."""
    return sizes(layer().seen).argsort(descending=True)


@explorer
def explore_smoothing(smooth: Function = exercises.smooth.reference) -> Explorer:
    """Show a slider for alpha, and what the factors do to the columns of x and w and to the output.

    Args:
        smooth: f(x, w, alpha) that returns the factors of the columns, quantlib's or a learner's.
    """
    its, factors = layer(), exercises.smooth.stand_in(smooth)
    seen, test, w = its.seen, its.test, its.w
    exact = test @ w.T

    def compute(alpha: float, shared: int) -> Moved:
        value, notice = factors(seen, w, round(alpha, 2))
        s = torch.as_tensor(value).detach().float().flatten()
        in_x, in_w = sizes(seen) / s, sizes(w) * s
        db = sqnr_db(exact, both_quantized(test / s, w * s, in_x[None], rows=not shared))
        large, heavy = (part[order()].double().numpy() for part in (in_x, in_w))
        off = untouched(not shared)
        return Moved(round(alpha, 2), bool(shared), large, heavy, db, off, notices=(notice,))

    return Explorer([ALPHA, SCALES], compute, Scene((9.2, 4.75), _lay_out), describe)


def describe(view: Moved) -> str:
    """Return the sentences that say what the factors come to."""
    x, w = spread(view.in_x), spread(view.in_w)
    head = f"α = {view.alpha:.2f}: the largest column of x / s is {x:.1f} times the median one, that of w · s {w:.1f}"
    scales = "one scale for all of w" if view.shared else "a scale for each row of w"
    return f"{head} times. With {scales} the output has {view.db:.1f} dB."


def spread(largest: numpy.ndarray) -> float:
    """Return how many times the median column the largest one is."""
    return float(largest.max() / numpy.median(largest))


def _lay_out(figure: Figure) -> list[Panel]:
    width, height = 0.40, 0.38
    x = Columns(figure.add_axes((0.08, 0.53, width, height)), "in_x", "x / s")
    w = Columns(figure.add_axes((0.58, 0.53, width, height)), "in_w", "w · s")
    axes = figure.add_axes((0.08, 0.11, 0.90, 0.24))
    look = {"xlim": (-0.02, 1.02), "ylim": (LOW, HIGH), "xlabel": "exponent α"}
    return [x, w, Output(axes, "alpha", "no factors", (0.0, 6.0), **look)]


class Columns(Panel):
    """The largest size in each column, compared with the median column."""

    def __init__(self, axes: Axes, part: str, name: str) -> None:
        super().__init__(axes, xlim=(0.8, 450), ylim=(0.25, 60), xscale="log", yscale="log")
        axes.set_xlabel("rank of the column, by its size in x", labelpad=2)
        axes.set_ylabel("times the median")
        axes.set_xticks([1, 4, 10, 100, 384], ["1", "4", "10", "100", "384"])
        axes.set_yticks([0.5, 1, 3, 10, 30], ["½", "1", "3", "10", "30"])
        axes.minorticks_off()
        axes.axhline(1, color=style.LEVELS, lw=1)
        self._part, self._name = part, name
        self._rest = self.line(style.QUANTIZED, marker="o", ms=2.4, ls="none")
        self._few = self.line(style.ORIGINAL, marker="D", ms=6.5, ls="none", zorder=5, mec="white", mew=0.8)

    def update(self, view: Moved) -> None:
        """Draw the columns of a view; the four that are largest in x are diamonds."""
        largest = getattr(view, self._part)
        at = (largest / numpy.median(largest)).clip(0.27, 55)
        self._few.set_data(range(1, 5), at[:4])
        self._rest.set_data(range(5, len(at) + 1), at[4:])
        self.title.text = f"{self._name}: largest column {spread(largest):.1f} × the median"


def draw_alphas() -> Picture:
    """Draw the SQNR of the output over alpha, with the largest columns of x / s and of w s."""
    its, alphas = layer(), numpy.linspace(0, 1, 11)
    factors = [smoothing_factors(its.seen, its.w, float(alpha)) for alpha in alphas]
    db = [moved(its, s) for s in factors]
    with style.house_style():
        figure = style.new_figure(9.2, 3.3)
        axes = figure.add_axes((0.075, 0.16, 0.905, 0.72))
        axes.set(xlim=(-0.03, 1.03), ylim=(13, 42), xlabel="exponent α", ylabel="SQNR, dB")
        axes.axhline(untouched(), color=style.ORIGINAL, lw=1.2, ls="dashed")
        axes.text(1.0, untouched() - 1.6, f"dashed: no factors, {untouched():.1f} dB", ha="right", va="center")
        axes.plot(alphas, db, "o-", color=style.QUANTIZED, ms=4)
        for at, side, up in ((0, "left", -2.2), (5, "left", -2.2), (8, "center", 2.4), (10, "right", -2.4)):
            text = f"α = {alphas[at]:.1f}: {db[at]:.1f} dB"
            axes.plot(alphas[at], db[at], "o", color=style.QUANTIZED, ms=9, mec="white")
            axes.text(alphas[at], db[at] + up, text, color=style.QUANTIZED, ha=side, va="center", weight="bold")
        axes.set_title(f"α = 0 leaves {db[0]:.1f} dB, less than no factors at all")
        said = ", ".join(f"{alphas[at]:.1f}: {db[at]:.1f} dB" for at in (0, 2, 5, 8, 10))
        return picture(
            figure, f"SQNR of the output by the exponent alpha: {said}; without factors {untouched():.1f} dB."
        )
