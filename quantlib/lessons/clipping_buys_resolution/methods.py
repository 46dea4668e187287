"""Five ways to choose a range, side by side on the U of one tensor: the explorer and its still picture."""

from dataclasses import dataclass
from functools import cache

import numpy
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from quantlib.calibration.aciq import choose_aciq
from quantlib.calibration.entropy import choose_entropy
from quantlib.calibration.histogram import Histogram
from quantlib.calibration.squared_error import choose_mse, mse_curve
from quantlib.grids import grid
from quantlib.lab import style
from quantlib.lab.exercise import Function
from quantlib.lab.explore import Explorer, Scene, Slider, View, explorer
from quantlib.lab.panel import Panel
from quantlib.lab.picture import Picture
from quantlib.lab.words import number
from quantlib.metrics import mse
from quantlib.qparams import choose_qparams

from . import exercises
from .clip import BITS

NAMES = "min-max", "percentile", "MSE search", "entropy", "ACIQ"
PLACES = 160  # alphas of the curve
RUG = 2000  # the largest values, drawn one by one
PERCENT = Slider("p", "percentile p", 99.99, 99.99, 100.0, 0.0001)
HIGHEST = 1.5  # the part of the mean square of x up to which the plot shows the error


@dataclass(frozen=True)
class MethodsView(View):
    """Where each of NAMES puts alpha, and what that costs.

    bits, percent: what is set.
    marks, errors: alpha, and the mean square of the error over that of x, of each of NAMES; shape (5,).
    alphas, curve: places, and the error at each of them, over the mean square of x.
    beyond, count: how many values are larger than the alpha of the MSE search, and of how many.
    """

    bits: int
    percent: float
    marks: numpy.ndarray
    errors: numpy.ndarray
    alphas: numpy.ndarray
    curve: numpy.ndarray
    beyond: int
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

    def beyond(self, alpha: float) -> int:
        """Return how many values are larger than an alpha."""
        return int((self._x.abs() > alpha).sum())

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
    costs, my_alpha = Costs(x), cache(exercises.percentile.stand_in(percentile))
    error, curve, choices, beyond = cache(costs.error), cache(costs.curve), cache(costs.choices), cache(costs.beyond)

    def compute(b: int, p: float) -> MethodsView:
        (largest, searched, *others), (alpha, about) = choices(b), my_alpha(x, p)
        marks = numpy.array([largest, float(alpha), searched, *others])
        errors = numpy.array([error(mark, b) for mark in marks.tolist()])
        far = beyond(searched), x.numel()
        return MethodsView(b, p, marks, errors, costs.alphas, curve(b), *far, notices=(about,))

    def lay_out(figure: Figure) -> list[Panel]:
        valley = Valley(figure.add_axes((0.115, 0.48, 0.68, 0.43)), x, costs.alphas, 0.5 * curve(BITS[-1]).min())
        return [valley, Rows(figure.add_axes((0.115, 0.105, 0.68, 0.33)), costs.alphas)]

    sliders = [Slider("b", "bits b", bits, BITS[0], BITS[-1], 1), PERCENT]
    return Explorer(sliders, compute, Scene((9.2, 5.2), lay_out), describe_methods)


def draw_methods(x: Tensor, bits: int, percent: float = 99.99) -> Picture:
    """Draw where five methods put alpha on the U of x."""
    return explore_methods(x, bits=bits).still("Five methods on the U of one tensor.", p=percent)


def describe_methods(view: MethodsView) -> str:
    """Return the sentences that say where each method puts alpha, and what that costs."""
    best = NAMES[int(view.errors.argmin())]
    found = zip(NAMES, view.marks.tolist(), view.errors.tolist(), strict=True)
    said = "; ".join(f"{name} α = {number(alpha)}, error {percent_of(error)}" for name, alpha, error in found)
    head = f"b = {view.bits} and p = {view.percent:.4f}: {best[0].upper()}{best[1:]} is best at {view.bits} bits."
    return f"{head} {said}. Errors are MSE over the mean square of x. {_beyond(view)}."


def _beyond(view: MethodsView) -> str:
    return f"{view.beyond:,} of {view.count:,} values lie beyond the α of MSE search"


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
        self._low, row = low, axes.get_xaxis_transform()
        largest = torch.topk(x.abs().flatten(), min(RUG, x.numel())).values.double().numpy()
        axes.vlines(largest, 0.0, 0.07, color=style.ORIGINAL, lw=0.8, transform=row)
        text = f"the {len(largest):,} largest |x|"
        axes.text(alphas[-1], 0.1, text, size=9, color=style.QUIET, transform=row, ha="right", va="bottom")
        self._curve = self.line(style.ORIGINAL, lw=1.6, zorder=3)
        self._marks = self.dot(style.QUANTIZED, ms=7)

    def update(self, view: MethodsView) -> None:
        """Draw the U of a view's bits, and the marks."""
        self._curve.set_data(view.alphas, numpy.clip(view.curve, self._low, HIGHEST))
        marks = numpy.clip(view.marks, view.alphas[0], view.alphas[-1])
        self._marks.set_data(marks, numpy.clip(view.errors, self._low, HIGHEST))
        self.title.text = f"{view.bits} bits: {_beyond(view)}"


class Rows(Panel):
    """A row for each method: a dot at its alpha, and beside it what that costs. The best row is ticked."""

    def __init__(self, axes: Axes, alphas: numpy.ndarray) -> None:
        limits = {"xlim": (alphas[0], alphas[-1]), "ylim": (len(NAMES) - 0.4, -0.6)}
        super().__init__(axes, xscale="log", **limits, xlabel="clip α, units of x (logarithmic)")
        style.number_line(axes)
        axes.set_yticks(range(len(NAMES)), NAMES, color=style.ORIGINAL)
        axes.tick_params(axis="y", length=0)
        beside = axes.get_yaxis_transform()
        for row in range(len(NAMES)):
            axes.axhline(row, color=style.LEVELS, lw=0.8, zorder=0)
        for name, at in (("α", 1.02), ("error", 1.13)):
            axes.text(at, -0.62, name, transform=beside, size=9, color=style.QUIET, va="bottom")
        self._dots = self.dot(style.QUANTIZED)
        self._alphas, self._errors = (
            [self.label(at=(at, row), transform=beside, size=9.5, ha="left") for row in range(len(NAMES))]
            for at in (1.02, 1.13)
        )

    def update(self, view: MethodsView) -> None:
        """Move the dots, and write alphas and errors."""
        self._dots.set_data(numpy.clip(view.marks, view.alphas[0], view.alphas[-1]), range(len(NAMES)))
        best = view.errors.min()
        for alpha, error, mark, cost in zip(self._alphas, self._errors, view.marks, view.errors, strict=True):
            alpha.text, error.text = number(float(f"{mark:.3g}")), percent_of(cost) + (" ✓" if cost == best else "")
            error.bold, error.color = bool(cost == best), style.BETTER_TEXT if cost == best else style.ORIGINAL
