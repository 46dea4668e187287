"""What becomes of codes that int8 does not have: the circle that they walk, and the explorer of the factor.

The recipe of notebook 03 gives the largest |x| the code `factor`, and stores the codes in int8.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy
import torch
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from torch import Tensor

from quantlib.lab import style
from quantlib.lab.exercise import Function
from quantlib.lab.explore import Explorer, Scene, Slider, explorer
from quantlib.lab.learner import StandIn
from quantlib.lab.panel import Panel
from quantlib.lab.picture import Picture, picture
from quantlib.lab.ruler import QUANT_MAX, QUANT_MIN, CodeCells, RulerView
from quantlib.lab.words import number
from quantlib.metrics import l2_error

from . import exercises

CODES = 256
FACTOR = Slider("factor", "factor", 255, 100, 300, 1)
WALKS = 2  # so many walks around the circle are drawn
LOST = 0.1  # an error of this share of the largest |x| is one that everyone sees
WHOLE = "{x:,.0f}"  # ticks of a logarithmic axis
QUANTLIBS = exercises.wrap.stand_in(exercises.wrap.reference)
Numbers = numpy.ndarray | float


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
            CodeCircle(figure.add_axes((0.005, 0.02, 0.48, 0.883))),
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


def misfit_sentence(view: RecipeView) -> str:
    """Return how many codes int8 does not have, in words."""
    misfits, count = int(view.clipped.sum()), view.clipped.numel()
    does = "does" if misfits == 1 else "do"
    return f"{misfits} of {count} codes {does} not fit" if misfits else f"all {count} codes fit"


def describe(view: RecipeView) -> str:
    """Return the sentence that says what a picture of the recipe shows."""
    asked, kept = (t[view.clipped].tolist() for t in (view.asked, view.q))
    pairs = [f"{number(a)} becomes {number(k)}" for a, k in zip(asked, kept, strict=True)]
    became = f": {' and '.join(pairs)}" if 0 < len(pairs) <= 3 else ""
    norm = l2_error(view.x, view.x_hat)
    return f"factor = {view.factor}: {misfit_sentence(view)}{became}. Norm of the error: {norm:.4f}."


class CodeCircle(Panel):
    """The 256 codes of int8 as a clock, with 0 at the top, and the walk around it of each code that does not fit."""

    def __init__(self, axes: Axes) -> None:
        super().__init__(axes, xlim=(-1.42, 1.42), ylim=(-1.42, 1.42))
        style.bare(axes)
        _draw_dial(axes)
        self._walks = self.line(style.CLIPPED, lw=1.6, ls="dotted")
        self._heads = self.line(style.CLIPPED, marker="v", ls="none", ms=8)
        self._fits = self.dot(style.QUANTIZED, ms=7, mew=0.8)
        self._misfits = self.dot(style.CLIPPED, marker="D", mew=0.8)
        self._lines = [self.label(size=12, bold=True) for _ in range(WALKS)]

    def update(self, view: RecipeView) -> None:
        """Put the codes of a view on the circle, and walk the largest of those that do not fit."""
        asked, kept, reals = (t.flatten().double().numpy() for t in (view.asked, view.q, view.x))
        misfit = view.clipped.flatten().numpy()
        self._fits.set_data(*on_circle(kept[~misfit], 1.0).T)
        self._misfits.set_data(*on_circle(kept[misfit], 1.0).T)
        walkers = sorted(misfit.nonzero()[0], key=lambda k: -abs(asked[k]))[:WALKS]
        self._walk(asked[walkers])
        self._say([_became(*row) for row in zip(asked[walkers], kept[walkers], reals[walkers], strict=True)])
        self.title.text = misfit_sentence(view)

    def _walk(self, asked: numpy.ndarray) -> None:
        """Draw the walks, the longest outermost: where it turns inwards, it crosses no shorter one."""
        radii = 1.11 + 0.13 * numpy.arange(len(asked))[::-1]
        walks = [_walk(code, radius) for code, radius in zip(asked, radii, strict=True)]
        self._walks.set_data(*numpy.reshape(walks, (-1, 2)).T)
        self._heads.set_data(*_outside(CODES / 4 * numpy.sign(asked), radii).T)

    def _say(self, became: Sequence[str]) -> None:
        """Say in the middle which code became which."""
        texts = became or ["every code fits"]
        for k, line in enumerate(self._lines):
            line.text = texts[k] if k < len(texts) else ""
            line.at = 0, 0.12 * (len(texts) - 1) - 0.24 * k
            line.color = style.CLIPPED_TEXT if became else style.QUANTIZED


def _became(asked: float, kept: float, real: float) -> str:
    name = "" if real == asked else f"{number(real)}: "
    return f"{name}{number(asked)} \N{RIGHTWARDS ARROW} {number(kept)}"


def on_circle(code: Numbers, radius: Numbers) -> numpy.ndarray:
    """Return where codes are on the clock, shape (n, 2): 0 at the top, larger codes clockwise."""
    angle = 2 * numpy.pi * numpy.asarray(code) / CODES
    return numpy.stack([radius * numpy.sin(angle), radius * numpy.cos(angle)], axis=-1)


def _outside(code: numpy.ndarray, radius: Numbers) -> numpy.ndarray:
    """Return where a walk is, outside the circle: a second turn runs a little further out."""
    return on_circle(code, radius + 0.05 * numpy.abs(code) / CODES)


def _walk(code: float, radius: float) -> numpy.ndarray:
    """Return the walk from 0 to a code, and inwards to the circle; a gap ends it."""
    inwards, gap = on_circle(code, 1.04), (numpy.nan, numpy.nan)
    return numpy.vstack([_outside(numpy.linspace(0, code, 97), radius), inwards, gap])


def _draw_dial(axes: Axes) -> None:
    codes = numpy.arange(QUANT_MIN, QUANT_MAX + 1)
    inner = numpy.where(codes % 32 == 0, 0.93, 0.97)
    ticks = numpy.stack([on_circle(codes, inner), on_circle(codes, 1.0)], axis=1)
    axes.add_collection(LineCollection(list(ticks), colors=style.QUIET, lw=0.6), autolim=False)
    for code in range(-96, 97, 32):
        across, up = on_circle(code, 0.82)
        axes.text(across, up, number(code), size=9, color=style.QUIET, ha="center", va="center")
    ends: dict[str, Any] = {"color": style.QUANTIZED, "size": 9, "weight": "bold", "va": "center"}
    axes.text(0.05, -0.84, "127", ha="left", **ends)
    axes.text(-0.05, -0.84, number(QUANT_MIN), ha="right", **ends)
    seam = on_circle(127.5, numpy.array([0.76, 1.0]))
    axes.plot(*seam.T, color=style.QUANTIZED, lw=2)


class FactorCurve(Panel):
    """The norm of the error over the factor, with a point for the present one."""

    def __init__(self, axes: Axes, x: Tensor) -> None:
        factors = numpy.arange(FACTOR.low, FACTOR.high + 1)
        views = [make_view(x, int(factor)) for factor in factors]
        norms = numpy.array([l2_error(x, view.x_hat) for view in views])
        fits = numpy.array([not view.clipped.any() for view in views])
        super().__init__(axes, xlim=(FACTOR.low, FACTOR.high), yscale="log", ylim=(1, 3 * norms.max()))
        axes.set_xlabel(f"factor: the code that {number(x.abs().max().item())} asks for")
        axes.set_ylabel("norm of the error (log)")
        axes.yaxis.set_major_formatter(WHOLE)
        axes.plot(factors, numpy.where(fits, norms, numpy.nan), color=style.QUANTIZED, lw=2)
        axes.plot(factors, numpy.where(fits, numpy.nan, norms), color=style.CLIPPED, lw=2, ls="dotted")
        last, middle = int(factors[fits].max()), len(factors) // 2
        axes.axvline(last + 0.5, color=style.LEVELS, lw=1, zorder=0)
        axes.text(last + 4, norms[fits][-1], f"up to {last} all fit", color=style.QUANTIZED, size=9, va="center")
        axes.text(factors[middle], norms[middle] / 2.5, "codes wrap", color=style.CLIPPED_TEXT, size=9, va="top")
        self._point = self.dot(style.ORIGINAL)

    def update(self, view: RecipeView) -> None:
        """Move the point to a view."""
        norm = l2_error(view.x, view.x_hat)
        self._point.set_data([view.factor], [norm])
        self.title.text = f"norm {norm:.1f} at factor {view.factor}"


class MisfitCells(CodeCells):
    """A small matrix: real number, code and reconstruction in each cell, and the codes that do not fit marked."""

    def update(self, view: RulerView) -> None:
        """Write the codes of a view."""
        super().update(view)
        self.title.text = f"value, code, what comes back; one step is {number(view.scale)}"


# Figures


def draw_circle(codes: Sequence[int]) -> Picture:
    """Draw on the circle of int8 where each of the codes lands, and the walk of those that int8 does not have."""
    view = make_view(torch.tensor(codes, dtype=torch.float32), max(map(abs, codes)))
    with style.house_style():
        figure = style.new_figure(5.2, 5.5)
        panel = CodeCircle(figure.add_axes((0.02, 0.015, 0.96, 0.908)))
        panel.update(view)
        lands = ", ".join(f"{number(a)} lands on {number(k)}" for a, k in zip(codes, view.q.tolist(), strict=True))
        panel.title.text = lands
        return picture(figure, f"The codes of int8 are a circle, on which −128 follows 127: {lands}.")


def draw_factor(x: Tensor, factor: int) -> Picture:
    """Draw the norm of the error over the factor, and the point of one factor."""
    view = make_view(x, factor)
    with style.house_style():
        figure = style.new_figure(7.2, 3.1)
        FactorCurve(figure.add_axes((0.11, 0.18, 0.86, 0.7)), x).update(view)
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


def draw_repairs(norms: Mapping[str, float]) -> Picture:
    """Draw the norm of the error of each method as a bar on a logarithmic axis, the smallest marked.

    Args:
        norms: the norm of the error, in the units of x and at least 1, by the name of the method.
    """
    names, values = list(norms), numpy.array(list(norms.values()))
    best, worst = int(values.argmin()), int(values.argmax())
    with style.house_style():
        figure = style.new_figure(9.2, 0.9 + 0.42 * len(names))
        axes = figure.add_axes((0.34, 0.5 / figure.get_figheight(), 0.56, 1 - 0.9 / figure.get_figheight()))
        inks = [style.QUANTIZED] * len(names)
        inks[worst], inks[best] = style.CLIPPED, style.BETTER
        bars = axes.barh(names, values - 1, left=1, height=0.62, color=inks)
        bars[worst].set(hatch="//", edgecolor="white")
        bars[best].set(edgecolor=style.ORIGINAL, linewidth=1.5)  # some eyes take its green for the blue of the others
        axes.bar_label(bars, [f"{value:.1f}" for value in values], padding=5)
        axes.set(xscale="log", xlim=(1, 3 * values.max()), xlabel="norm of the error (logarithmic)")
        axes.xaxis.set_major_formatter(WHOLE)
        axes.invert_yaxis()
        axes.tick_params(axis="y", length=0, labelsize=10, labelcolor="black")
        axes.set_title(f"smallest error: {names[best]}")
        said = "; ".join(f"{name} {value:.1f}" for name, value in norms.items())
        return picture(figure, f"Norm of the error, the smallest for {names[best]}: {said}.")


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
        half = number(view.scale * (QUANT_MAX + 0.5))
        return picture(figure, f"{finding}: those beyond {half} in size, whose codes wrap around.")


def _draw_counts(axes: Axes, x: Tensor, view: RecipeView) -> None:
    half = view.scale * (QUANT_MAX + 0.5)
    edges = half / 24 * numpy.arange(-48, 49)  # the codes end at an edge
    for part, ink, hatch in ((x[~view.clipped], style.ORIGINAL, ""), (x[view.clipped], style.CLIPPED, "////")):
        counts, _ = numpy.histogram(part.double().numpy(), edges)
        edge = "white" if hatch else ink
        axes.stairs(counts, edges, baseline=0.7, color=ink, fill=bool(hatch), lw=1.2, hatch=hatch, ec=edge)
    axes.set(yscale="log", ylabel="how many (log)")
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
    axes.set(xlim=(-reach, reach), ylim=(-reach, reach), xlabel="value", ylabel="comes back as")
    axes.text(0.8 * reach, 0.66 * reach, "no error", size=9, va="top")
    axes.text(0.8 * reach, -0.5 * reach, "wraps", size=9, color=style.CLIPPED_TEXT)
