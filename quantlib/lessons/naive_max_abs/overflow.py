"""What becomes of codes that int8 does not have: the circle that they walk, and the explorer of the factor.

The recipe of notebook 03 gives the largest |x| the code `factor`, and stores the codes in int8.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy
import torch
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from torch import Tensor

from quantlib.grids import wrap as quantlib_wrap
from quantlib.lab import style
from quantlib.lab.explore import Explorer, Scene, Slider
from quantlib.lab.learner import StandIn, codes_problem
from quantlib.lab.panel import title
from quantlib.lab.picture import Picture, picture
from quantlib.lab.ruler import QUANT_MAX, QUANT_MIN, CodeCells, View
from quantlib.lab.text import Label
from quantlib.lab.words import number
from quantlib.metrics import l2_error

CODES = 256
QUARTER = 64  # of the circle, in codes
FACTORS = 100, 300
WALKS = 2  # so many walks around the circle are drawn
LOST = 0.1  # an error of this share of the largest |x| is one that everyone sees
Store = Callable[[Tensor], tuple[Tensor, str]]


@dataclass(frozen=True, kw_only=True)
class Attempt(View):
    """What the recipe makes of x.

    factor: the code that the largest |x| asks for.
    asked: the codes before they are stored; `clipped` says which of them int8 does not have.
    """

    factor: int
    asked: Tensor


def attempt(x: Tensor, factor: int, store: Store | None = None) -> Attempt:
    """Return the codes and the reconstruction of x by the recipe.

    Args:
        x: real values, any shape.
        factor: the code that the largest |x| asks for.
        store: takes the codes asked for, returns those that int8 keeps, and a notice; by default they wrap around.
    """
    largest = x.abs().max().item()
    asked = (x / largest * factor).round()
    q, notice = store(asked) if store else (quantlib_wrap(asked), "")
    misfit = (asked < QUANT_MIN) | (asked > QUANT_MAX)
    ruler = largest / factor, 0, QUANT_MIN, QUANT_MAX
    x_hat = q.float() * (largest / factor)
    return Attempt(*ruler, x, q, x_hat, misfit, torch.zeros(1), notice, factor=factor, asked=asked)


def misfit_sentence(view: Attempt) -> str:
    """Return how many codes int8 does not have, in words."""
    misfits, count = int(view.clipped.sum()), view.clipped.numel()
    does = "does" if misfits == 1 else "do"
    return f"{misfits} of {count} codes {does} not fit" if misfits else f"all {count} codes fit"


def describe(view: Attempt) -> str:
    """Return the sentence that says what a picture of the recipe shows."""
    asked, kept = (t[view.clipped].tolist() for t in (view.asked, view.q))
    pairs = [f"{number(a)} becomes {number(k)}" for a, k in zip(asked, kept, strict=True)]
    became = f": {' and '.join(pairs)}" if 0 < len(pairs) <= 3 else ""
    norm = l2_error(view.x, view.x_hat)
    notice = f" {view.notice}" if view.notice else ""
    return f"factor = {view.factor}: {misfit_sentence(view)}{became}. Norm of the error: {norm:.4f}.{notice}"


class CodeCircle:
    """The 256 codes of int8 as a clock, with 0 at the top, and the walk around it of each code that does not fit."""

    def __init__(self, axes: Axes) -> None:
        style.bare(axes)
        axes.set_xlim(-1.42, 1.42)
        axes.set_ylim(-1.42, 1.42)
        _draw_dial(axes)
        self.heading = title(axes)
        self._fits = axes.plot([], [], "o", color=style.QUANTIZED, ms=7, mec="white", mew=0.8)[0]
        self._misfits = axes.plot([], [], "D", color=style.CLIPPED, ms=8, mec="white", mew=0.8, zorder=5)[0]
        self._walks: Any = LineCollection([], colors=style.CLIPPED, lw=1.6, linestyles="dotted")
        axes.add_collection(self._walks, autolim=False)
        self._heads = [axes.plot([], [], "v", color=style.CLIPPED, ms=8)[0] for _ in range(WALKS)]
        self._lines = [Label((0, 0), axes.transData, size=12, bold=True) for _ in range(WALKS)]
        for line in self._lines:
            axes.add_artist(line)
        self.moving: Sequence[Artist] = [
            self._walks, *self._heads, self._fits, self._misfits, *self._lines, self.heading,
        ]  # fmt: skip

    def update(self, view: Attempt) -> None:
        """Put the codes of a view on the circle, and walk those that do not fit."""
        q, misfit = view.q.flatten().double().numpy(), view.clipped.flatten().numpy()
        self._fits.set_data(*on_circle(q[~misfit], 1.0).T)
        self._misfits.set_data(*on_circle(q[misfit], 1.0).T)
        asked, reals = view.asked.flatten().double().numpy()[misfit], view.x.flatten().double().numpy()[misfit]
        largest_first = numpy.argsort(-numpy.abs(asked), kind="stable")[:WALKS]
        self._walk(asked[largest_first])
        self._name(asked[largest_first], q[misfit][largest_first], reals[largest_first])
        self.heading.text = misfit_sentence(view)

    def _walk(self, asked: numpy.ndarray) -> None:
        """Draw the walks, the longest outermost: where it turns inwards, it crosses no shorter one."""
        radii = [1.11 + 0.13 * k for k in reversed(range(len(asked)))]
        self._walks.set_segments([_walk(code, radius) for code, radius in zip(asked, radii, strict=True)])
        for k, head in enumerate(self._heads):
            head.set_visible(k < len(asked))
            if k < len(asked):
                head.set_data(*_spiral(QUARTER * numpy.sign(asked[k]), radii[k])[-1:].T)

    def _name(self, asked: numpy.ndarray, kept: numpy.ndarray, reals: numpy.ndarray) -> None:
        """Say in the middle which code became which."""
        texts = [_became(*row) for row in zip(asked, kept, reals, strict=True)] or ["every code fits"]
        for k, line in enumerate(self._lines):
            line.text = texts[k] if k < len(texts) else ""
            line.at = 0, 0.12 * (len(texts) - 1) - 0.24 * k
            line.color = style.CLIPPED_TEXT if len(asked) else style.QUANTIZED


def _became(asked: float, kept: float, real: float) -> str:
    name = "" if real == asked else f"{number(real)}: "
    return f"{name}{number(asked)} \N{RIGHTWARDS ARROW} {number(kept)}"


def on_circle(code: numpy.ndarray, radius: numpy.ndarray | float) -> numpy.ndarray:
    """Return where codes are on the clock, shape (n, 2): 0 at the top, larger codes clockwise."""
    angle = 2 * numpy.pi * numpy.asarray(code) / CODES
    return numpy.stack([radius * numpy.sin(angle), radius * numpy.cos(angle)], axis=-1)


def _spiral(code: float, radius: float) -> numpy.ndarray:
    """Return the walk from 0 to a code, outside the circle: a second turn runs a little further out."""
    steps = numpy.linspace(0, code, 97)
    return on_circle(steps, radius + 0.05 * numpy.abs(steps) / CODES)


def _walk(code: float, radius: float) -> numpy.ndarray:
    """Return the walk from 0 to a code, and inwards to the circle."""
    return numpy.concatenate([_spiral(code, radius), [on_circle(numpy.array(code), 1.04)]])


def _draw_dial(axes: Axes) -> None:
    codes = numpy.arange(QUANT_MIN, QUANT_MAX + 1)
    inner = numpy.where(codes % 32 == 0, 0.93, 0.97)
    ticks = numpy.stack([on_circle(codes, inner), on_circle(codes, 1.0)], axis=1)
    axes.add_collection(LineCollection(list(ticks), colors=style.QUIET, lw=0.6), autolim=False)
    for code in range(-96, 97, 32):
        across, up = on_circle(numpy.array(code), 0.82)
        axes.text(across, up, number(code), size=9, color=style.QUIET, ha="center", va="center")
    ends: dict[str, Any] = {"color": style.QUANTIZED, "size": 9, "weight": "bold", "va": "center"}
    axes.text(0.05, -0.84, "127", ha="left", **ends)
    axes.text(-0.05, -0.84, number(QUANT_MIN), ha="right", **ends)
    seam = on_circle(numpy.full(2, 127.5), numpy.array([0.76, 1.0]))
    axes.plot(*seam.T, color=style.QUANTIZED, lw=2)


def _whole(value: float, _position: float = 0) -> str:
    """Write a tick of a logarithmic axis as a whole number."""
    return f"{value:,.0f}"


class FactorCurve:
    """The norm of the error over the factor, with a point for the present one."""

    def __init__(self, axes: Axes, x: Tensor) -> None:
        factors = numpy.arange(FACTORS[0], FACTORS[1] + 1)
        tries = [attempt(x, int(factor)) for factor in factors]
        norms = numpy.array([l2_error(x, each.x_hat) for each in tries])
        fits = numpy.array([not bool(each.clipped.any()) for each in tries])
        axes.set_yscale("log")
        axes.set_xlim(*FACTORS)
        axes.set_ylim(1, 3 * norms.max())
        axes.yaxis.set_major_formatter(_whole)
        axes.set_xlabel(f"factor: the code that {number(x.abs().max().item())} asks for")
        axes.set_ylabel("norm of the error (log)")
        axes.plot(factors, numpy.where(fits, norms, numpy.nan), color=style.QUANTIZED, lw=2)
        axes.plot(factors, numpy.where(fits, numpy.nan, norms), color=style.CLIPPED, lw=2, ls="dotted")
        self._name(axes, factors, norms, fits)
        self._point = axes.plot([], [], "o", color=style.ORIGINAL, ms=8, mec="white", mew=1, zorder=5, clip_on=False)[0]
        self._title = title(axes)
        self.moving: Sequence[Artist] = [self._point, self._title]

    def _name(self, axes: Axes, factors: numpy.ndarray, norms: numpy.ndarray, fits: numpy.ndarray) -> None:
        """Write beside each half of the curve what it is."""
        last, middle = factors[fits].max(), len(factors) // 2
        axes.axvline(last + 0.5, color=style.LEVELS, lw=1, zorder=0)
        axes.text(last + 4, float(norms[fits][-1]), f"up to {last} all fit", color=style.QUANTIZED, size=9, va="center")
        label: dict[str, Any] = {"color": style.CLIPPED_TEXT, "size": 9, "va": "top"}
        axes.text(factors[middle], norms[middle] / 2.5, "codes wrap", **label)

    def update(self, view: Attempt) -> None:
        """Move the point to a view."""
        norm = l2_error(view.x, view.x_hat)
        self._point.set_data([view.factor], [norm])
        self._title.text = f"norm {norm:.1f} at factor {view.factor}"


class MisfitCells(CodeCells):
    """A small matrix: real number, code and reconstruction in each cell, and the codes that do not fit marked."""

    def update(self, view: View) -> None:
        """Write the codes of a view."""
        super().update(view)
        steps = f"one step is {number(view.scale)}"
        self._title.text = f"value, code, what comes back; {steps}"


def explore_factor(x: Tensor, wrap: Callable[..., Any] = quantlib_wrap) -> Explorer:
    """Show a slider for the factor over the circle of codes, the norm of the error and the codes of x.

    Args:
        x: a small matrix of reals.
        wrap: f(v) that returns the int8 codes that remain of integers: quantlib's, or a learner's.
    """
    x = x.clone()  # the caller's may change in a later cell
    slider = Slider("factor", "factor", 255, *FACTORS, 1)
    store = StandIn(wrap, quantlib_wrap, codes_problem)
    scene = Scene((9.2, 5.0), lambda figure: factor_panels(figure, x))
    return Explorer([slider], lambda factor: attempt(x, factor, store), scene, describe)


def factor_panels(figure: Figure, x: Tensor) -> list[CodeCircle | FactorCurve | MisfitCells]:
    """Lay circle, curve and codes out on a figure of 9.2 x 5 inches."""
    return [
        CodeCircle(figure.add_axes((0.005, 0.02, 0.48, 0.883))),
        FactorCurve(figure.add_axes((0.575, 0.635, 0.405, 0.27)), x),
        MisfitCells(figure.add_axes((0.525, 0.02, 0.465, 0.395)), x),
    ]


def draw_circle(codes: Sequence[int]) -> Picture:
    """Draw on the circle of int8 where each of the codes lands, and the walk of those that int8 does not have."""
    view = attempt(torch.tensor(codes, dtype=torch.float32), max(map(abs, codes)))
    with style.house_style():
        figure = style.new_figure(5.2, 5.5)
        panel = CodeCircle(figure.add_axes((0.02, 0.015, 0.96, 0.908)))
        panel.update(view)
        pairs = zip(codes, view.q.tolist(), strict=True)
        lands = ", ".join(f"{number(a)} lands on {number(k)}" for a, k in pairs)
        panel.heading.text = lands
        return picture(figure, f"The codes of int8 are a circle, on which −128 follows 127: {lands}.")


def draw_factor(x: Tensor, factor: int) -> Picture:
    """Draw the norm of the error over the factor, and the point of one factor."""
    view = attempt(x, factor)
    with style.house_style():
        figure = style.new_figure(7.2, 3.1)
        FactorCurve(figure.add_axes((0.11, 0.18, 0.86, 0.7)), x).update(view)
        leap = "The norm of the error leaps as soon as a code does not fit: up to the factor 127 all codes fit"
        return picture(figure, f"{leap}. {describe(view)}")


def draw_there_and_back(x: Tensor, factor: int) -> Picture:
    """Draw each number and what comes back of it under the recipe, the largest number at the top."""
    view = attempt(x, factor)
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
        inks = [
            style.BETTER if k == best else style.CLIPPED if k == worst else style.QUANTIZED for k in range(len(names))
        ]
        bars = axes.barh(names, values - 1, left=1, height=0.62, color=inks)
        bars[worst].set(hatch="//", edgecolor="white")
        bars[best].set(edgecolor=style.ORIGINAL, linewidth=1.5)  # some eyes take its green for the blue of the others
        axes.bar_label(bars, [f"{value:.1f}" for value in values], padding=5)
        axes.set_xscale("log")
        axes.set_xlim(1, 3 * values.max())
        axes.xaxis.set_major_formatter(_whole)
        axes.invert_yaxis()
        axes.tick_params(axis="y", length=0, labelsize=10, labelcolor="black")
        axes.set_xlabel("norm of the error (logarithmic)")
        axes.set_title(f"smallest error: {names[best]}")
        said = "; ".join(f"{name} {value:.1f}" for name, value in norms.items())
        return picture(figure, f"Norm of the error, the smallest for {names[best]}: {said}.")


def draw_sawtooth(x: Tensor, factor: int) -> Picture:
    """Draw which reconstruction each input gets under the recipe, below a histogram of x."""
    view, reach = attempt(x, factor), x.abs().max().item()
    marks = view.scale * torch.arange(-factor, factor + 1)
    flipped = int((x * view.x_hat < 0).sum())
    with style.house_style():
        figure = style.new_figure(9.2, 4.6)
        above = figure.add_axes((0.09, 0.66, 0.88, 0.26))
        below = figure.add_axes((0.09, 0.11, 0.88, 0.45), sharex=above)
        _draw_counts(above, x, view)
        _draw_transfer(below, attempt(marks, factor), reach)
        finding = f"{flipped:,} of {x.numel():,} values come back with the wrong sign"
        above.set_title(finding)
        half = number(view.scale * (QUANT_MAX + 0.5))
        return picture(figure, f"{finding}: those beyond {half} in size, whose codes wrap around.")


def _draw_counts(axes: Axes, x: Tensor, view: Attempt) -> None:
    half = view.scale * (QUANT_MAX + 0.5)
    edges = half / 24 * numpy.arange(-48, 49)  # the codes end at an edge
    for part, ink, hatch in ((x[~view.clipped], style.ORIGINAL, ""), (x[view.clipped], style.CLIPPED, "////")):
        counts, _ = numpy.histogram(part.double().numpy(), edges)
        edge = "white" if hatch else ink
        axes.stairs(counts, edges, baseline=0.7, color=ink, fill=bool(hatch), lw=1.2, hatch=hatch, ec=edge)
    axes.set_yscale("log")
    axes.set_ylim(bottom=0.7)
    axes.set_ylabel("how many (log)")
    axes.tick_params(labelbottom=False)


def _draw_transfer(axes: Axes, view: Attempt, reach: float) -> None:
    inputs, back, misfit = (t.numpy() for t in (view.x, view.x_hat, view.clipped))
    axes.plot([-reach, reach], [-reach, reach], color=style.ORIGINAL, lw=1)
    axes.plot(inputs, numpy.where(misfit, numpy.nan, back), color=style.QUANTIZED, lw=2.5)
    for side in (inputs < 0, inputs > 0):
        axes.plot(inputs[misfit & side], back[misfit & side], color=style.CLIPPED, lw=2.5, ls="dotted")
    axes.axhline(0, color=style.LEVELS, lw=0.8, zorder=0)
    axes.axvline(0, color=style.LEVELS, lw=0.8, zorder=0)
    axes.set_xlim(-reach, reach)
    axes.set_ylim(-reach, reach)
    axes.set_xlabel("value")
    axes.set_ylabel("comes back as")
    axes.text(0.8 * reach, 0.66 * reach, "no error", size=9, va="top")
    axes.text(0.8 * reach, -0.5 * reach, "wraps", size=9, color=style.CLIPPED_TEXT)
