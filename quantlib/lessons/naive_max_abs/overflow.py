"""What becomes of codes that int8 does not have: the explorer of the factor, and pictures of the recipe.

The recipe of notebook 03 gives the largest |x| the code `factor`, and stores the codes in int8.
"""

from dataclasses import dataclass
from typing import Any

import numpy
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from quantlib.lab import style
from quantlib.lab.exercise import Function
from quantlib.lab.explore import Explorer, Scene, Slider, explorer
from quantlib.lab.learner import StandIn
from quantlib.lab.panel import Drag, Panel
from quantlib.lab.picture import Picture, picture
from quantlib.lab.ruler import QUANT_MAX, QUANT_MIN, CodeCells, RulerView
from quantlib.lab.words import number
from quantlib.metrics import l2_error

from . import exercises
from .circle import QUANTLIBS, CodeCircle, misfit_sentence

FACTOR = Slider("factor", "factor", 255, 100, 300, 1)
LOST = 0.1  # an error of this share of the largest |x| is one that everyone sees
WHOLE = "{x:,.0f}"  # ticks of a logarithmic axis


# The explorer: the circle of codes, the norm over the factor, and the codes of x


@dataclass(frozen=True, kw_only=True)
class RecipeView(RulerView):
    """What the recipe makes of x.

    factor: the code that the largest |x| asks for.
    asked: the codes before they are stored; `clipped` says which of them int8 does not have.
    """

    factor: int
    asked: Tensor


@explorer
def explore_factor(x: Tensor, wrap: Function = exercises.wrap.reference) -> Explorer:
    """Show a slider for the factor over the circle of codes, the norm of the error and the codes of x.

    Args:
        x: a small matrix of reals.
        wrap: f(v) that returns the int8 codes that remain of integers: quantlib's, or a learner's.
    """
    mine = exercises.wrap.stand_in(wrap)

    def compute(factor: int) -> RecipeView:
        return make_view(x, factor, mine)

    def lay_out(figure: Figure) -> list[Panel]:
        return [
            CodeCircle(figure.add_axes((0.005, 0.02, 0.48, 0.883)), FACTOR),
            FactorCurve(figure.add_axes((0.575, 0.635, 0.405, 0.27)), x),
            MisfitCells(figure.add_axes((0.525, 0.02, 0.465, 0.395)), x),
        ]

    return Explorer([FACTOR], compute, Scene((9.2, 5.0), lay_out), describe)


def make_view(x: Tensor, factor: int, wrap: StandIn = QUANTLIBS) -> RecipeView:
    """Return the codes and the reconstruction of x by the recipe.

    Args:
        x: real values, any shape.
        factor: the code that the largest |x| asks for.
        wrap: returns the codes that int8 keeps of those asked for.
    """
    largest = x.abs().max().item()
    scale, asked = largest / factor, (x / largest * factor).round()
    q, about = wrap(asked)
    misfit = (asked < QUANT_MIN) | (asked > QUANT_MAX)
    ruler = scale, 0, QUANT_MIN, QUANT_MAX
    no_curve = torch.zeros(1)
    return RecipeView(*ruler, x, q, scale * q.float(), misfit, no_curve, factor=factor, asked=asked, notices=(about,))


def describe(view: RecipeView) -> str:
    """Return the sentence that says what a picture of the recipe shows."""
    asked, kept = (t[view.clipped].tolist() for t in (view.asked, view.q))
    pairs = [f"{number(a)} becomes {number(k)}" for a, k in zip(asked, kept, strict=True)]
    became = f": {' and '.join(pairs)}" if 0 < len(pairs) <= 3 else ""
    norm = l2_error(view.x, view.x_hat)
    return f"factor = {view.factor}: {misfit_sentence(view)}{became}. Norm of the error: {norm:.4f}."


class FactorCurve(Panel):
    """The norm of the error over the factor, with a point for the present one, which can be dragged.

    Args:
        axes: where it is drawn.
        x: a small matrix of reals.
        whole: whether all of the curve is drawn; else it begins at the point, so that who goes left finds it.
    """

    def __init__(self, axes: Axes, x: Tensor, whole: bool = False) -> None:
        self._whole, self._factors = whole, numpy.arange(FACTOR.low, FACTOR.high + 1)
        views = [make_view(x, int(factor)) for factor in self._factors]
        self._norms = numpy.array([l2_error(x, view.x_hat) for view in views])
        self._fits = numpy.array([not view.clipped.any() for view in views])
        super().__init__(axes, xlim=(FACTOR.low, FACTOR.high), yscale="log", ylim=(1, 3 * self._norms.max()))
        axes.set_xlabel(f"factor: the code that {number(x.abs().max().item())} asks for")
        axes.set_ylabel("norm of the error (log)")
        axes.yaxis.set_major_formatter(WHOLE)
        self._curves = [self.line(style.QUANTIZED, lw=2), self.line(style.CLIPPED, lw=2, ls="dotted")]
        last = int(self._factors[self._fits].max())
        look: dict[str, Any] = {"size": 9, "color": style.QUANTIZED, "ha": "left"}
        self._name = self.label(at=(last + 6, self._norms[self._fits][-1]), **look)
        self._last, self._text = last, f"up to {last} all fit"
        self._point = self.dot(style.ORIGINAL)

    def update(self, view: RecipeView) -> None:
        """Move the point to a view, and draw the curve from there on."""
        norm = l2_error(view.x, view.x_hat)
        seen = self._whole | (self._factors >= view.factor)
        for curve, there in zip(self._curves, (self._fits, ~self._fits), strict=True):
            curve.set_data(self._factors, numpy.where(there & seen, self._norms, numpy.nan))
        self._name.text = self._text if self._whole or view.factor <= self._last else ""
        self._point.set_data([view.factor], [norm])
        self.title.text = f"norm {norm:.1f} at factor {view.factor}"

    def grab(self, view: RecipeView, x: float, y: float) -> Drag:
        """Take the point to the pointer."""
        return lambda x, y: {"factor": x}


class MisfitCells(CodeCells):
    """A small matrix: real number, code and reconstruction in each cell, and the codes that do not fit marked."""

    def update(self, view: RulerView) -> None:
        """Write the codes of a view."""
        super().update(view)
        self.title.text = f"value, code, what comes back; one step is {number(view.scale)}"


# Figures


def draw_factor(x: Tensor, factor: int) -> Picture:
    """Draw the norm of the error over the factor, and the point of one factor."""
    view = make_view(x, factor)
    with style.house_style():
        figure = style.new_figure(7.2, 3.1)
        FactorCurve(figure.add_axes((0.11, 0.18, 0.86, 0.7)), x, whole=True).update(view)
        leap = "The norm of the error leaps as soon as a code does not fit: up to the factor 127 all codes fit"
        return picture(figure, f"{leap}. {describe(view)}")


def draw_there_and_back(x: Tensor, factor: int) -> Picture:
    """Draw each number and what comes back of it under the recipe, the largest number at the top."""
    view = make_view(x, factor)
    order = x.flatten().argsort(descending=True)
    before, after = (t.flatten()[order].double().numpy() for t in (x, view.x_hat))
    lost = numpy.abs(before - after) > LOST * numpy.abs(before).max()
    with style.house_style():
        figure = style.new_figure(9.2, 3.4)
        axes = figure.add_axes((0.09, 0.15, 0.76, 0.74))
        _draw_pairs(axes, before, after, lost)
        finding = f"{(~lost).sum()} of {len(lost)} numbers come back almost unchanged, {lost.sum()} do not"
        axes.set_title(finding)
        rows = zip(before[lost], after[lost], strict=True)
        far = " and ".join(f"{number(a)} comes back as {number(b)}" for a, b in rows)
        return picture(figure, f"{finding}{': ' if far else ''}{far}.")


def _draw_pairs(axes: Axes, before: numpy.ndarray, after: numpy.ndarray, lost: numpy.ndarray) -> None:
    rows = numpy.arange(len(before))
    axes.set_ylim(len(before) - 0.4, -1.5)
    axes.set_yticks(rows, [number(value) for value in before], color=style.ORIGINAL)
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel("real value")
    axes.axvline(0, color=style.LEVELS, lw=0.8, zorder=0)
    axes.hlines(rows[lost], after[lost], before[lost], color=style.CLIPPED, lw=2, linestyles="dotted")
    axes.plot(before, rows, "o", color=style.ORIGINAL, ms=8, label="in")
    axes.plot(after[~lost], rows[~lost], "o", color=style.QUANTIZED, ms=4)
    axes.plot(after[lost], rows[lost], "D", color=style.CLIPPED, ms=7)
    right: dict[str, Any] = {"transform": axes.get_yaxis_transform(), "va": "center", "size": 9}
    for row, value, gone in zip(rows.tolist(), after, lost, strict=True):
        ink, weight = (style.CLIPPED_TEXT, "bold") if gone else (style.QUANTIZED, "normal")
        axes.text(1.03, row, number(value), color=ink, weight=weight, **right)
    axes.text(1.03, -1.05, "comes back as", color=style.QUIET, **right)
    axes.text(-0.012, -1.05, "goes in", color=style.QUIET, ha="right", **right)


def draw_sawtooth(x: Tensor, factor: int) -> Picture:
    """Draw which reconstruction each input gets under the recipe, below a histogram of x."""
    view, reach = make_view(x, factor), x.abs().max().item()
    marks = view.scale * torch.arange(-factor, factor + 1)
    flipped = int((x * view.x_hat < 0).sum())
    with style.house_style():
        figure = style.new_figure(9.2, 4.6)
        above = figure.add_axes((0.09, 0.66, 0.88, 0.26))
        below = figure.add_axes((0.09, 0.11, 0.88, 0.45), sharex=above)
        _draw_counts(above, x, view)
        _draw_transfer(below, make_view(marks, factor), reach)
        finding = f"{flipped:,} of {x.numel():,} values come back with the wrong sign"
        above.set_title(finding)
        norm, repaired = l2_error(x, view.x_hat), l2_error(x, make_view(x, QUANT_MAX).x_hat)
        below.set_title(f"norm of the error {norm:.2f}; with the factor {QUANT_MAX} it is {repaired:.2f}")
        half = number(view.scale * (QUANT_MAX + 0.5))
        return picture(figure, f"{finding}: those beyond {half} in size, whose codes wrap around.")


def _draw_counts(axes: Axes, x: Tensor, view: RecipeView) -> None:
    half = view.scale * (QUANT_MAX + 0.5)
    edges = half / 24 * numpy.arange(-48, 49)  # the codes end at an edge
    for part, ink, hatch in ((x[~view.clipped], style.ORIGINAL, ""), (x[view.clipped], style.CLIPPED, "////")):
        counts, _ = numpy.histogram(part.double().numpy(), edges)
        edge = "white" if hatch else ink
        axes.stairs(counts, edges, baseline=0.7, color=ink, fill=bool(hatch), lw=1.2, hatch=hatch, ec=edge)
    axes.set(yscale="log", ylabel="weights (log)")
    axes.set_ylim(bottom=0.7)
    axes.tick_params(labelbottom=False)


def _draw_transfer(axes: Axes, view: RecipeView, reach: float) -> None:
    inputs, back, misfit = (t.numpy() for t in (view.x, view.x_hat, view.clipped))
    axes.plot([-reach, reach], [-reach, reach], color=style.ORIGINAL, lw=1)
    axes.plot(inputs, numpy.where(misfit, numpy.nan, back), color=style.QUANTIZED, lw=2.5)
    for side in (inputs < 0, inputs > 0):
        axes.plot(inputs[misfit & side], back[misfit & side], color=style.CLIPPED, lw=2.5, ls="dotted")
    axes.axhline(0, color=style.LEVELS, lw=0.8, zorder=0)
    axes.axvline(0, color=style.LEVELS, lw=0.8, zorder=0)
    axes.set(xlim=(-reach, reach), ylim=(-reach, reach), xlabel="weight", ylabel="comes back as")
    axes.text(0.8 * reach, 0.66 * reach, "no error", size=9, va="top")
    axes.text(0.8 * reach, -0.5 * reach, "wraps", size=9, color=style.CLIPPED_TEXT)
