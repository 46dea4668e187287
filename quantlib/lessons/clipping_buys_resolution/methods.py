"""Five ways to choose a range, side by side on the U of one tensor: the explorer and its still picture."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache

import numpy
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from quantlib.calibration.aciq import choose_aciq
from quantlib.calibration.entropy import choose_entropy
from quantlib.calibration.histogram import Histogram
from quantlib.calibration.percentile import choose_percentile
from quantlib.calibration.squared_error import choose_mse, mse_curve
from quantlib.grids import grid
from quantlib.lab import style
from quantlib.lab.exercise import Function
from quantlib.lab.explore import Explorer, Scene, Slider, View, explorer
from quantlib.lab.panel import Drag, Panel
from quantlib.lab.picture import Picture
from quantlib.lab.words import clips, number
from quantlib.metrics import mse
from quantlib.qparams import QParams, choose_qparams

from . import exercises
from .clip import BITS, clip_edge

NAMES = "min-max", "percentile", "MSE search", "entropy", "ACIQ"
CHOOSE: tuple[Callable[..., QParams], ...] = choose_qparams, choose_percentile, choose_mse, choose_entropy, choose_aciq
PERCENTILE = NAMES.index("percentile")
PLACES = 160  # alphas of the curve
RUG = 2000  # the largest values, drawn one by one
PERCENT = Slider("p", "percentile p", 99.99, 99.0, 100.0, 0.0001)
HIGHEST = 1.5  # the part of the mean square of x up to which the plot shows the error


@dataclass(frozen=True)
class MethodsView(View):
    """Where each of NAMES puts alpha, and what that costs.

    bits, percent: what is set.
    marks, errors: alpha, and the mean square of the error over that of x, of each of NAMES; shape (5,).
    alphas, curve: places, and the error at each of them, over the mean square of x.
    clipped, count: how many values clip at the alpha of the MSE search, and of how many.
    """

    bits: int
    percent: float
    marks: numpy.ndarray
    errors: numpy.ndarray
    alphas: numpy.ndarray
    curve: numpy.ndarray
    clipped: int
    count: int


class Costs:
    """What an alpha costs on one tensor, as a part of the mean square of x, and where four methods put it."""

    def __init__(self, x: Tensor) -> None:
        self._x, self._seen = x, Histogram().observe(x)
        self._square = x.double().square().mean().item() or 1.0
        largest = max(x.abs().max().item(), 1e-30)
        self.alphas = numpy.geomspace(min(self._square**0.5, largest) / 2, 1.25 * largest, PLACES)

    def error(self, alpha: float, bits: int) -> float:
        """Return the error at one alpha."""
        return mse(self._x, exercises.quantize_to(self._x, alpha, bits)) / self._square

    def curve(self, bits: int) -> numpy.ndarray:
        """Return the error at each of many alphas, as the histogram of x has it."""
        quant_min, quant_max = grid(bits, narrow=True)
        errors = mse_curve(self._seen, torch.tensor(self.alphas / quant_max), 0, quant_min, quant_max)
        return errors.numpy() / self._square

    def clipped(self, alpha: float, bits: int) -> int:
        """Return how many values clip at an alpha."""
        return int((self._x.abs() > clip_edge(alpha, bits)).sum())

    def choices(self, bits: int) -> list[float]:
        """Return alpha of the four methods without a percentile."""
        found = [choose_qparams(self._x, bits, symmetric=True, narrow=True)]
        for choose in (choose_mse, choose_entropy, choose_aciq):
            found.append(choose(self._seen, bits, symmetric=True, narrow=True))
        return [float(f"{float(qp.scale) * qp.quant_max:.7g}") for qp in found]  # the scale is a float32


@explorer
def explore_methods(x: Tensor, percentile: Function = exercises.percentile.reference, *, bits: int = 4) -> Explorer:
    """Show sliders for the bits and for a percentile, and where five methods put alpha.

    Args:
        x: reals, not all 0.
        percentile: f(x, percent) that returns alpha: quantlib's, or a learner's.
        bits: where their slider begins.
    """
    x = x.detach().float()
    costs, mine = Costs(x), exercises.percentile.stand_in(percentile)
    error, curve, choices, clipped = cache(costs.error), cache(costs.curve), cache(costs.choices), cache(costs.clipped)

    @lru_cache(maxsize=256)
    def my_alpha(p: float, _of: Function) -> tuple[float, str]:
        alpha, about = mine(x, p)
        return float(alpha), about

    def compute(b: int, p: float) -> MethodsView:
        (largest, searched, *others), (alpha, about) = choices(b), my_alpha(p, mine.function)
        marks = numpy.array([largest, alpha, searched, *others])
        errors = numpy.array([error(mark, b) for mark in marks.tolist()])
        return MethodsView(
            b, p, marks, errors, costs.alphas, curve(b), clipped(searched, b), x.numel(), notices=(about,)
        )

    def lay_out(figure: Figure) -> list[Panel]:
        valley = Valley(figure.add_axes((0.115, 0.48, 0.68, 0.43)), x, costs.alphas, 0.5 * curve(BITS[-1]).min())
        return [valley, Rows(figure.add_axes((0.115, 0.105, 0.68, 0.33)), x, costs.alphas)]

    sliders = [Slider("b", "bits b", bits, BITS[0], BITS[-1], 1), PERCENT]
    return Explorer(sliders, compute, Scene((9.2, 5.2), lay_out), describe_methods)


def draw_methods(x: Tensor, bits: int, percent: float = 99.99) -> Picture:
    """Draw where five methods put alpha on the U of x."""
    return explore_methods(x, bits=bits).still("Five methods on the U of one tensor.", p=percent)


def describe_methods(view: MethodsView) -> str:
    """Return the sentences that say which method has the least error, and by how much the others lose."""
    best, least = NAMES[int(view.errors.argmin())], view.errors.min()
    found = zip(NAMES, view.errors.tolist(), strict=True)
    losers = [f"{name} {more(error, least)}" for name, error in found if name != best]
    head = f"b = {view.bits} and p = {view.percent:.4f}: {best[0].upper()}{best[1:]} has the least error."
    return f"{head} The others: {', '.join(losers)}."


def more(error: float, least: float) -> str:
    """Say how much more than the least an error is: in percent, or how many times it is as large.

    >>> more(5.0, 4.0), more(16.0, 4.0), more(4.0, 4.0)
    ('25.0 % more', '4.0 times as much', '0.0 % more')
    """
    if not least:
        return "beyond all measure" if error else "0.0 % more"
    times = error / least
    return f"{100 * (times - 1):.1f} % more" if times < 2 else f"{times:.1f} times as much"


def percent_of(part: float) -> str:
    """Return a part as a percentage of three digits.

    >>> percent_of(0.039), percent_of(0.0001154)
    ('3.90 %', '0.0115 %')
    """
    return f"{100 * part:#.3g}".rstrip(".") + " %"


class Valley(Panel):
    """The U over a logarithmic alpha, a mark where each method stands, and the largest values as a rug."""

    def __init__(self, axes: Axes, x: Tensor, alphas: numpy.ndarray, low: float) -> None:
        limits = {"xlim": (alphas[0], alphas[-1]), "ylim": (low, HIGHEST)}
        super().__init__(axes, xscale="log", yscale="log", **limits, ylabel="MSE / mean square of x")
        axes.tick_params(axis="x", which="both", labelbottom=False)
        axes.set_yticks([part for part in (0.01, 0.03, 0.1, 0.3, 1) if part >= low])
        axes.set_yticklabels([f"{100 * part:g} %" for part in axes.get_yticks()])
        axes.set_yticks([], minor=True)
        self._low, self._sizes, row = low, _sizes(x), axes.get_xaxis_transform()
        largest = self._sizes[-RUG:]
        axes.vlines(largest, 0.0, 0.07, color=style.ORIGINAL, lw=0.8, transform=row)
        left = largest[0] > 6 * alphas[0]  # then there is room beside them
        at, height, ha = (largest[0] / 1.05, 0.035, "right") if left else (alphas[-1], 0.12, "right")
        text = f"the {len(largest):,} largest |x|"
        axes.text(at, height, text, size=9, color=style.QUIET, transform=row, ha=ha, va="center")
        self._curve = self.line(style.ORIGINAL, lw=1.6, zorder=3)
        self._marks = self.dot(style.QUANTIZED, ms=7)

    def update(self, view: MethodsView) -> None:
        """Draw the U of a view's bits, and the marks."""
        self._curve.set_data(view.alphas, numpy.clip(view.curve, self._low, HIGHEST))
        marks = numpy.clip(view.marks, view.alphas[0], view.alphas[-1])
        self._marks.set_data(marks, numpy.clip(view.errors, self._low, HIGHEST))
        self.title.text = f"{view.bits} bits: {clips(view.clipped, view.count)} at the α of MSE search"

    def grab(self, view: MethodsView, x: float, y: float) -> Drag:
        """Take the percentile to the pointer."""
        return lambda x, y: {"p": percent_inside(self._sizes, x)}


def _sizes(x: Tensor) -> numpy.ndarray:
    """Return all |x|, the smallest first."""
    return numpy.asarray(x.abs().flatten().sort().values.double().numpy())


def percent_inside(sizes: numpy.ndarray, alpha: float) -> float:
    """Return how many percent of the sizes, which are in order, an alpha covers.

    >>> percent_inside(numpy.array([1.0, 2.0, 3.0, 4.0]), 3.5)
    75.0
    """
    return float(100 * numpy.searchsorted(sizes, alpha, side="right") / len(sizes))


class Rows(Panel):
    """A row for each method: a dot at its alpha, and beside it what that costs. The best row is ticked."""

    def __init__(self, axes: Axes, x: Tensor, alphas: numpy.ndarray) -> None:
        limits = {"xlim": (alphas[0], alphas[-1]), "ylim": (len(NAMES) - 0.4, -0.6)}
        super().__init__(axes, xscale="log", **limits, xlabel="clip α, units of x (logarithmic)")
        style.number_line(axes)
        decades = 10.0 ** numpy.arange(numpy.ceil(numpy.log10(alphas[0])), numpy.log10(alphas[-1]))
        axes.set_xticks(decades, map(number, decades.tolist()))
        axes.set_yticks(range(len(NAMES)), NAMES, color=style.ORIGINAL)
        axes.tick_params(axis="y", length=0)
        self._sizes, beside = _sizes(x), axes.get_yaxis_transform()
        for row in range(len(NAMES)):
            axes.axhline(row, color=style.LEVELS, lw=0.8, zorder=0)
        for name, at in (("α", 1.02), ("error", 1.13)):
            axes.text(at, -0.62, name, transform=beside, size=9, color=style.QUIET, va="bottom")
        self._dots = self.dot(style.QUANTIZED)
        self._arrow = self.label("\N{LEFT RIGHT ARROW}", size=11, color=style.QUANTIZED, bold=True)
        self._alphas, self._errors = (
            [self.label(at=(at, row), transform=beside, size=9.5, ha="left") for row in range(len(NAMES))]
            for at in (1.02, 1.13)
        )

    def update(self, view: MethodsView) -> None:
        """Move the dots, and write alphas and errors."""
        marks = numpy.clip(view.marks, view.alphas[0], view.alphas[-1])
        self._dots.set_data(marks, range(len(NAMES)))
        self._arrow.at = marks[PERCENTILE], PERCENTILE - 0.38
        best = view.errors.min()
        for alpha, error, mark, cost in zip(self._alphas, self._errors, view.marks, view.errors, strict=True):
            alpha.text, error.text = number(float(f"{mark:.3g}")), percent_of(cost) + (" ✓" if cost == best else "")
            error.bold, error.color = bool(cost == best), style.BETTER_TEXT if cost == best else style.ORIGINAL

    def grab(self, view: MethodsView, x: float, y: float) -> Drag:
        """Take the percentile to the pointer."""
        return lambda x, y: {"p": percent_inside(self._sizes, x)}
