"""Five ways to choose a range, side by side on the U of one tensor: the explorer and its still picture."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy
import torch
from matplotlib.artist import Artist
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
from quantlib.lab.explore import Explorer, Scene, Slider
from quantlib.lab.learner import StandIn, number_problem
from quantlib.lab.panel import Panel, title
from quantlib.lab.picture import Picture, picture
from quantlib.lab.text import Label
from quantlib.lab.words import number
from quantlib.metrics import mse
from quantlib.qparams import QParams, choose_qparams

from .clip import WIDTHS, quantize_to

NAMES = "min-max", "percentile", "MSE search", "entropy", "ACIQ"
PLACES = 160  # alphas of the curve
RUG = 2000  # the largest values, drawn one by one
PERCENT = Slider("p", "percentile p", 99.99, 99.99, 100.0, 0.0001)
HIGHEST = 1.5  # the part of the mean square of x up to which the plot shows the error


def percentile_alpha(x: Tensor, percent: float) -> float:
    """Return the smallest |x| that is not exceeded by so many percent of all |x|.

    >>> percentile_alpha(torch.tensor([1.0, -4.0, 2.0, 3.0]), 75.0)
    3.0
    """
    return alpha_of(choose_percentile(x, percentile=min(max(percent, 1e-9), 100.0), symmetric=True, narrow=True))


def alpha_of(qp: QParams) -> float:
    """Return the outermost level of a symmetric ruler."""
    return float(f"{float(qp.scale) * qp.quant_max:.7g}")  # the scale is a float32


@dataclass(frozen=True)
class Standings:
    """Where each of NAMES puts alpha, and what that costs.

    bits, percent: what is set.
    marks, errors: alpha, and the mean square of the error over that of x, of each of NAMES; shape (5,).
    alphas, curve: places, and the error at each of them, over the mean square of x.
    beyond, count: how many values are larger than the alpha of the MSE search, and of how many.
    notice: what a reader must know beside the numbers, or "".
    """

    bits: int
    percent: float
    marks: numpy.ndarray
    errors: numpy.ndarray
    alphas: numpy.ndarray
    curve: numpy.ndarray
    beyond: int
    count: int
    notice: str = ""


class Methods:
    """Knows where each method puts alpha on one tensor, and what that costs; everything is worked out once."""

    def __init__(self, x: Tensor, percentile: Callable[..., Any]) -> None:
        self._x, self._seen = x.detach().float(), Histogram().observe(x)
        self._mine = StandIn(percentile, percentile_alpha, alpha_problem)
        self._square = float(x.double().square().mean()) or 1.0
        largest = max(x.abs().max().item(), 1e-30)
        self.alphas = numpy.geomspace(min(self._square**0.5, largest) / 2, 1.25 * largest, PLACES)
        self.reach = float(self.alphas[0]), float(self.alphas[-1])
        self.largest = torch.topk(x.abs().flatten(), min(RUG, x.numel())).values.double().numpy()
        self._error = lru_cache(maxsize=1024)(self._error_at)
        self._at_bits = lru_cache(maxsize=len(WIDTHS))(self._at_these_bits)
        self._percentile = lru_cache(maxsize=256)(self._percentile_at)

    def hold(self, b: int, p: float) -> Standings:
        """Return the standings at so many bits and at a percentile."""
        (largest, *others), curve, beyond = self._at_bits(b)
        alpha, notice = self._percentile(p)
        marks = [largest, alpha, *others]
        errors = [self._error(mark, b) for mark in marks]
        ways = numpy.array(marks), numpy.array(errors), self.alphas, curve
        return Standings(b, p, *ways, beyond, self._x.numel(), notice)

    def _error_at(self, alpha: float, bits: int) -> float:
        return mse(self._x, quantize_to(self._x, alpha, bits)) / self._square

    def _percentile_at(self, p: float) -> tuple[float, str]:
        value, notice = self._mine(self._x, p)
        return float(value), notice

    @property
    def lowest(self) -> float:
        """Below which part of the mean square of x no error of interest lies."""
        return 0.5 * float(self._curve(WIDTHS[-1]).min())

    def _at_these_bits(self, bits: int) -> tuple[list[float], numpy.ndarray, int]:
        """Return alpha of the four methods without a percentile, the curve, and how much lies beyond the second."""
        options: Any = {"symmetric": True, "narrow": True}
        found = [choose_qparams(self._x, bits, **options)]
        found += [choose(self._seen, bits, **options) for choose in (choose_mse, choose_entropy, choose_aciq)]
        alphas = [alpha_of(qp) for qp in found]
        return alphas, self._curve(bits), int((self._x.abs() > alphas[1]).sum())

    def _curve(self, bits: int) -> numpy.ndarray:
        quant_min, quant_max = grid(bits, narrow=True)
        errors = mse_curve(self._seen, torch.tensor(self.alphas / quant_max), 0, quant_min, quant_max)
        return errors.numpy() / self._square


def alpha_problem(value: Any, x: Tensor) -> str:
    """Say why a value cannot be where x is clipped, or return ""."""
    problem = number_problem(value, x)
    if problem:
        return problem
    sane = 1e-6 <= abs(float(value)) / max(x.abs().max().item(), 1e-30) <= 1e6 and float(value) > 0
    return "" if sane else f"returned {number(float(value))}, where no level of x can be"


def explore_methods(x: Tensor, percentile: Callable[..., Any] = percentile_alpha, *, bits: int = 4) -> Explorer:
    """Show sliders for the bits and for a percentile, and where five methods put alpha.

    Args:
        x: reals, not all 0.
        percentile: f(x, percent) that returns alpha: quantlib's, or a learner's.
        bits: where their slider begins.
    """
    x = x.clone()  # the caller's may change in a later cell
    methods = Methods(x, percentile)
    sliders = [Slider("b", "bits b", bits, WIDTHS[0], WIDTHS[-1], 1), PERCENT]
    scene = Scene((9.2, 5.2), lambda figure: method_panels(figure, methods))
    return Explorer(sliders, methods.hold, scene, describe_standings)


def draw_methods(x: Tensor, bits: int, percent: float = 99.99) -> Picture:
    """Draw where five methods put alpha on the U of x: the explorer, standing still."""
    methods = Methods(x, percentile_alpha)
    view = methods.hold(bits, percent)
    with style.house_style():
        figure = style.new_figure(9.2, 5.2)
        for panel in method_panels(figure, methods):
            panel.update(view)
        return picture(figure, f"{_told(view)} The picture shows all five on one U, with p = {percent:.4f}.")


def winner(view: Standings) -> str:
    """Return which method has the smallest error, in a sentence."""
    best = int(view.errors.argmin())
    return f"{NAMES[best][0].upper()}{NAMES[best][1:]} is best at {view.bits} bits."


def describe_standings(view: Standings) -> str:
    """Return the sentences that say where each method puts alpha, and what that costs."""
    told = f"b = {view.bits} and p = {view.percent:.4f}: {_told(view)}"
    return told + (f" {view.notice}" if view.notice else "")


def _told(view: Standings) -> str:
    said = "; ".join(
        f"{name} α = {number(alpha)}, error {percent_of(error)}"
        for name, alpha, error in zip(NAMES, view.marks.tolist(), view.errors.tolist(), strict=True)
    )
    beyond = f"{view.beyond:,} of {view.count:,} values lie beyond the α of MSE search"
    return f"{winner(view)} {said}. Errors are MSE over the mean square of x. {beyond}."


def percent_of(part: float) -> str:
    """Return a part as a percentage of three digits.

    >>> percent_of(0.039), percent_of(0.0001154)
    ('3.90 %', '0.0115 %')
    """
    return f"{100 * part:#.3g}".rstrip(".") + " %"


def method_panels(figure: Figure, methods: Methods) -> list[Panel]:
    """Lay the U above the rows of the methods, on a figure of 9.2 x 5.2 inches."""
    upper, lower = figure.add_axes((0.115, 0.48, 0.68, 0.43)), figure.add_axes((0.115, 0.105, 0.68, 0.33))
    return [Valley(upper, methods), Rows(lower, methods)]


class Valley:
    """The U over a logarithmic alpha, a mark where each method stands, and the largest values as a rug."""

    def __init__(self, axes: Axes, methods: Methods) -> None:
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xlim(methods.reach)
        self._low = low = methods.lowest
        axes.set_ylim(low, HIGHEST)
        axes.set_ylabel("MSE / mean square of x")
        axes.tick_params(axis="x", which="both", labelbottom=False)
        row = axes.get_xaxis_transform()
        axes.vlines(methods.largest, 0.0, 0.07, color=style.ORIGINAL, lw=0.8, transform=row)
        text = f"the {len(methods.largest):,} largest |x|"
        axes.text(methods.reach[1], 0.1, text, size=9, color=style.QUIET, transform=row, ha="right", va="bottom")
        self._curve = axes.plot([], [], color=style.ORIGINAL, lw=1.6, zorder=3)[0]
        self._marks = axes.plot([], [], "o", color=style.QUANTIZED, ms=7, mec="white", mew=1, zorder=5, clip_on=False)[
            0
        ]
        self._title = title(axes)
        self.moving: Sequence[Artist] = [self._curve, self._marks, self._title]

    def update(self, view: Standings) -> None:
        """Draw the U of a view's bits, and the marks."""
        self._curve.set_data(view.alphas, numpy.clip(view.curve, self._low, HIGHEST))
        marks = numpy.clip(view.marks, view.alphas[0], view.alphas[-1])
        self._marks.set_data(marks, numpy.clip(view.errors, self._low, HIGHEST))
        self._title.text = f"{view.bits} bits: {view.beyond:,} of {view.count:,} values lie beyond the α of MSE search"


class Rows:
    """A row for each method: a dot at its alpha, and beside it what that costs. The best row is ticked."""

    def __init__(self, axes: Axes, methods: Methods) -> None:
        axes.set_xscale("log")
        axes.set_xlim(methods.reach)
        axes.set_ylim(len(NAMES) - 0.4, -0.6)
        axes.set_yticks(range(len(NAMES)), NAMES, color=style.ORIGINAL)
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        axes.set_xlabel("clip α, units of x (logarithmic)")
        for row in range(len(NAMES)):
            axes.axhline(row, color=style.LEVELS, lw=0.8, zorder=0)
        axes.text(1.02, -0.62, "α", transform=axes.get_yaxis_transform(), size=9, color=style.QUIET, va="bottom")
        axes.text(1.13, -0.62, "error", transform=axes.get_yaxis_transform(), size=9, color=style.QUIET, va="bottom")
        self._dots = axes.plot([], [], "o", color=style.QUANTIZED, ms=8, mec="white", mew=1, zorder=5, clip_on=False)[0]
        self._alphas, self._errors = ([self._label(axes, row, at) for row in range(len(NAMES))] for at in (1.02, 1.13))
        self.moving: Sequence[Artist] = [self._dots, *self._alphas, *self._errors]

    def _label(self, axes: Axes, row: int, at: float) -> Label:
        label = Label((at, row), axes.get_yaxis_transform(), size=9.5, ha="left")
        axes.add_artist(label)
        return label

    def update(self, view: Standings) -> None:
        """Move the dots, and write alphas and errors."""
        self._dots.set_data(numpy.clip(view.marks, view.alphas[0], view.alphas[-1]), range(len(NAMES)))
        best = view.errors.min()
        for alpha, error, mark, cost in zip(self._alphas, self._errors, view.marks, view.errors, strict=True):
            alpha.text, error.text = number(float(f"{mark:.3g}")), percent_of(cost) + (" ✓" if cost == best else "")
            error.bold, error.color = bool(cost == best), style.BETTER_TEXT if cost == best else style.ORIGINAL
