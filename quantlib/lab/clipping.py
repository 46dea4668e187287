"""What lies beyond the ends of the grid: pictures of clamp and wrap, and the explorer of the error's two parts."""

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
from matplotlib.patches import Rectangle
from torch import Tensor

from ..affine import dequantize, fake_quantize, unclamped_codes
from ..grids import wrap
from ..metrics import split_error as quantlib_split_error
from . import style
from .check import pair
from .explore import Explorer, Panel, Scene, Slider
from .explorers import EXPLORER_DPI, QUANT_MAX, QUANT_MIN
from .figures import DPI
from .labels import Label
from .learner import StandIn, reals_problem
from .panels import FEW, is_clipped, title
from .picture import Picture, picture
from .style import number

Curve = numpy.ndarray
BINS = 40
SCALE = Slider("s", "scale s", 3.5, 2.0, 6.0, 0.1)
CLIP: dict[str, Any] = {"facecolor": "#F9E3D3", "edgecolor": style.CLIPPED, "hatch": "////", "linestyle": "dotted"}
ROUND: dict[str, Any] = {"facecolor": "#F3DCE8", "edgecolor": style.ROUNDING_TEXT, "linestyle": "dashed"}


# The explorer: MSE over s in two layers, and who causes it


@dataclass(frozen=True)
class Split:
    """The error of x in its two parts, for one s and z.

    scale, zero_point: the ruler.
    x, clip, round: the values and the two parts of their error, of one shape.
    means: the mean square of clip and of round, in the squared units of x; shape (2,).
    steps, curve: scales, and the means at each of them with the same z; shapes (n,) and (n, 2).
    notice: what a reader must know beside the numbers, or "".
    """

    scale: float
    zero_point: int
    x: Tensor
    clip: Tensor
    round: Tensor
    means: numpy.ndarray
    steps: numpy.ndarray
    curve: Curve
    notice: str = ""

    @property
    def mse(self) -> float:
        """The mean square of the whole error."""
        return float(self.means.sum())


def explore_split(
    x: Tensor, split_error: Callable[..., Any] = quantlib_split_error, *, scale: Slider | None = None
) -> Explorer:
    """Show sliders for s and z over the two layers of the MSE, and beside them who causes it.

    Up to FEW values are shown one by one, on logarithmic axes. More are gathered by size, and have z = 0: there the
    curve of another z takes too long for a slider.

    Args:
        x: real values, any shape.
        split_error: f(x, s, z) that returns (clip, round) on the int8 grid: quantlib's, or a learner's.
        scale: the slider; the default suits values of a few hundred units.
    """
    scale = scale or SCALE
    few = x.numel() <= FEW
    zero_points = [Slider("z", "zero point z", -70, QUANT_MIN, QUANT_MAX, 1)] if few else []
    x = x if few else in_order_of_size(x)
    look = _looker(x, StandIn(split_error, quantlib_split_error, parts_problem), _positions(scale, few))
    with style.house_style():
        figure = style.new_figure(9.2, 5.0, EXPLORER_DPI)
        scene = Scene(figure, split_panels(figure, look(scale.value, -70 if few else 0)))
    return Explorer([scale, *zero_points], look, scene, describe_split)


def _looker(x: Tensor, parts: StandIn, steps: numpy.ndarray) -> Callable[..., Split]:
    """Return the function from s and z to the view of x. The curve of a z is worked out once."""
    some = slice(None) if x.numel() <= FEW else slice(None, None, 501)

    @lru_cache(maxsize=256)
    def curve(z: int) -> Curve:
        return numpy.array([mean_squares(parts(x, float(s), z)[0]) for s in steps])

    def look(s: float, z: int = 0) -> Split:
        (clip, rounding), notice = parts(x, s, z)
        error = x[some] - fake_quantize(x[some], s, z)
        if not torch.allclose(clip[some] + rounding[some], error, rtol=1e-3, atol=1e-3 * s):
            notice = f"{notice} The two parts do not add up to x - x_hat.".strip()
        return Split(s, z, x, clip, rounding, mean_squares((clip, rounding)), steps, curve(z), notice)

    return look


def _positions(scale: Slider, few: bool) -> numpy.ndarray:
    """Return the scales of the curve: every position of the slider, or 40 of them where x is large."""
    count = round((scale.high - scale.low) / scale.step) + 1 if few else 40
    return numpy.linspace(scale.low, scale.high, count)


def in_order_of_size(x: Tensor) -> Tensor:
    """Return the values of x in one row, the smallest size first: those of one bin then lie side by side."""
    return x.flatten()[x.flatten().abs().argsort()]


def parts_problem(value: Any, x: Tensor) -> str:
    """Say why a value cannot be (clip, round) of x, or return "" if it can: two float tensors of x's shape."""
    parts = pair(value)
    return parts if isinstance(parts, str) else next(filter(None, (reals_problem(part, x) for part in parts)), "")


def mean_squares(parts: Sequence[Tensor]) -> numpy.ndarray:
    """Return the mean square of each part, in the squared units of its values."""
    return numpy.array([torch.linalg.vector_norm(p, dtype=torch.float64).item() ** 2 / p.numel() for p in parts])


def describe_split(view: Split) -> str:
    """Return the sentence that says what a picture of the two parts shows."""
    ruler = f"s = {number(view.scale)} and z = {number(view.zero_point)}: {_count_sentence(view)}. "
    sums = f"MSE = {amount(view.mse)}: clip {amount(view.means[0])} + round {amount(view.means[1])}. "
    norm = f"Norm of the error: {(view.mse * view.x.numel()) ** 0.5:.4f}."
    return f"{ruler}{sums}{norm}" + (f" {view.notice}" if view.notice else "")


def amount(value: float) -> str:
    """Return an amount as people write it: four significant digits, or an integer with commas from 10,000 on.

    >>> amount(0.0003225), amount(22336.7)
    ('0.0003225', '22,337')
    """
    return number(value) if value < 1e4 else f"{value:,.0f}"


def _count_sentence(view: Split) -> str:
    clipped, count = int(view.clip.count_nonzero()), view.x.numel()
    return f"{clipped:,} of {count:,} values clip{'s' * (clipped == 1)}" if clipped else "no value clips"


def _share_sentence(view: Split) -> str:
    if view.means[0] == 0:
        return "the MSE is all rounding"
    share = 100 * view.means[0] / view.mse
    return f"{share:.1f} % of the MSE is clip" if share < 99.95 else "almost all of the MSE is clip"


def split_panels(figure: Figure, view: Split) -> list[Panel]:
    """Lay the two layers and the single errors out on a figure of 9.2 x 5 inches."""
    layers = Layers(figure.add_axes((0.08, 0.115, 0.425, 0.78)), view)
    beside = figure.add_axes((0.595, 0.115, 0.385, 0.78))
    return [layers, ErrorBars(beside, view.x) if view.x.numel() <= FEW else ErrorBins(beside, view.x)]


class Layers:
    """The MSE over s: round as the lower layer, clip on top of it, and a marker at the present s."""

    def __init__(self, axes: Axes, view: Split) -> None:
        self._log = view.x.numel() <= FEW
        limits = float(view.steps[0]), float(view.steps[-1])
        axes.set_xlim(limits)
        axes.set_xlabel("scale s")
        self._unit, (self._bottom, top) = _heights(axes, view, self._log)
        axes.set_ylim(self._bottom, top)
        self._layers: Any = [PolyCollection([], **look, linewidth=0, zorder=2) for look in (ROUND, CLIP)]
        for polygons in self._layers:
            axes.add_collection(polygons, autolim=False)
        self._lower = axes.plot([], [], color=style.ROUNDING_TEXT, lw=1.4, ls="dashed", zorder=3)[0]
        self._total = axes.plot([], [], color=style.ORIGINAL, lw=1.4, zorder=3)[0]
        self._marker = axes.plot([], [], color=style.ORIGINAL, lw=1, zorder=3)[0]
        self._point = axes.plot([], [], "o", color=style.ORIGINAL, ms=7, mec="white", mew=1, zorder=5, clip_on=False)[0]
        self._names = [
            Label((0, 0), axes.transData, bold=True, color=ink, opaque=True)
            for ink in (style.ROUNDING_TEXT, style.CLIPPED_TEXT)
        ]
        for label, text in zip(self._names, ("round", "clip"), strict=True):
            label.text = text
            axes.add_artist(label)
        self._title = title(axes)
        self.moving: Sequence[Artist] = [
            *self._layers, self._lower, self._total, self._marker, self._point, *self._names, self._title,
        ]  # fmt: skip

    def update(self, view: Split) -> None:
        """Draw the layers for a view's z, and put the marker at its s."""
        lower = numpy.maximum(view.curve[:, 1] / self._unit, self._bottom)
        upper = numpy.maximum(view.curve.sum(axis=1) / self._unit, self._bottom)
        floor = numpy.full_like(lower, self._bottom)
        for polygons, below, above in zip(self._layers, (floor, lower), (lower, upper), strict=True):
            polygons.set_verts([_outline(view.steps, below, above)] if (above > below).any() else [])
        self._lower.set_data(view.steps, lower)
        self._total.set_data(view.steps, upper)
        height = max(view.mse / self._unit, self._bottom)
        self._marker.set_data([view.scale] * 2, [self._bottom, height])
        self._point.set_data([view.scale], [height])
        self._name(view.steps, floor, lower, upper)
        self._title.text = _share_sentence(view)

    def _name(self, steps: numpy.ndarray, floor: numpy.ndarray, lower: numpy.ndarray, upper: numpy.ndarray) -> None:
        """Write the name of each layer into it, where it is always thick enough."""
        at = len(steps) * 5 // 6, len(steps) // 10
        for label, k, below, above in zip(self._names, at, (floor, lower), (lower, upper), strict=True):
            middle = (below[k] * above[k]) ** 0.5 if self._log else (below[k] + above[k]) / 2
            label.at = float(steps[k]), float(middle)


def _heights(axes: Axes, view: Split, log: bool) -> tuple[float, tuple[float, float]]:
    """Label the axis of the MSE; return its unit and its limits."""
    if log:
        axes.set_yscale("log")
        axes.set_ylabel("mean squared error (logarithmic)")
        return 1.0, (1e-2, 1e6)
    top = view.curve.sum(axis=1).max()
    power = int(numpy.floor(numpy.log10(top)))
    axes.set_ylabel(f"mean squared error ($\\times\\,10^{{{power}}}$)")
    return 10.0**power, (0.0, 1.05 * top / 10.0**power)


def _outline(steps: numpy.ndarray, below: numpy.ndarray, above: numpy.ndarray) -> numpy.ndarray:
    """Return the closed outline of what lies between two curves, shape (2 n, 2)."""
    there, back = numpy.stack([steps, above], axis=1), numpy.stack([steps, below], axis=1)
    return numpy.concatenate([there, back[::-1]])


class ErrorBars:
    """The size of each value's error as a bar, the largest value at the top; s/2 is what rounding never passes."""

    def __init__(self, axes: Axes, x: Tensor) -> None:
        self._order = x.flatten().argsort()
        count, self._least = len(self._order), 0.01
        axes.set_xscale("log")
        axes.set_xlim(self._least, 1e4)
        axes.set_xticks([10.0**k for k in range(-2, 4)])
        axes.set_ylim(-0.7, count - 0.3)
        values = x.flatten()[self._order].tolist()
        axes.set_yticks(range(count), [number(value) for value in values], color=style.ORIGINAL)
        axes.tick_params(axis="y", length=0)
        axes.set_xlabel("size of the error (logarithmic)")
        axes.text(-0.015, 1.02, "value", transform=axes.transAxes, size=9, color=style.QUIET, ha="right", va="center")
        self._half = axes.plot([], [], color=style.QUIET, lw=1, zorder=1)[0]
        self._rows = axes.get_ylim()
        self._named = Label((1, count - 0.42), axes.transData, size=9, color=style.QUIET, ha="left")
        self._bars = [[self._bar(axes, row, look) for row in range(count)] for look in (ROUND, CLIP)]
        self._sizes = [Label((1, row), axes.transData, size=9, ha="left", opaque=True) for row in range(count)]
        for label in (*self._sizes, self._named):
            axes.add_artist(label)
        self._title = title(axes)
        self.moving: Sequence[Artist] = [
            *(bar for bars in self._bars for bar in bars),
            self._half,
            *self._sizes,
            self._named,
            self._title,
        ]

    def _bar(self, axes: Axes, row: int, look: dict[str, Any]) -> Any:
        return axes.add_patch(Rectangle((self._least, row - 0.33), 0, 0.66, linewidth=1.3, zorder=2, **look))

    def update(self, view: Split) -> None:
        """Set the bars to the errors of a view."""
        sizes = [part.flatten()[self._order].abs().tolist() for part in (view.round, view.clip)]
        for bars, lengths in zip(self._bars, sizes, strict=True):
            for bar, length in zip(bars, lengths, strict=True):
                bar.set_width(max(length - self._least, 0.0))
                bar.set_visible(length > self._least)
        for label, rounding, clip in zip(self._sizes, *sizes, strict=True):
            largest = max(rounding, clip)
            label.at = max(largest, self._least) * 1.12, label.at[1]
            label.text, label.color = number(largest), style.CLIPPED_TEXT if clip > rounding else style.ROUNDING_TEXT
        self._half.set_data([view.scale / 2] * 2, self._rows)
        self._named.at, self._named.text = (view.scale / 2 * 1.12, self._named.at[1]), f"s/2 = {number(view.scale / 2)}"
        self._title.text = _count_sentence(view)


class ErrorBins:
    """How much squared error the values of each size cause together, and how far the levels reach."""

    def __init__(self, axes: Axes, x: Tensor) -> None:
        """Prepare the axes for values that are in order of their size."""
        sizes = x.abs()
        top = 10.0 ** numpy.ceil(numpy.log10(sizes[-1].item()))
        self._edges = numpy.geomspace(top * 1e-4, top, BINS + 1)
        ends = torch.searchsorted(sizes, torch.tensor(self._edges[1:-1], dtype=x.dtype)).tolist()
        starts = numpy.array([0, *ends])
        self._used = numpy.flatnonzero(numpy.diff(starts, append=x.numel()))  # reduceat knows no empty bins
        self._starts = starts[self._used]
        self._least, self._top = 1e-4, 1e3
        axes.set_xscale("log")
        axes.set_xlim(self._edges[0], top)
        axes.set_yscale("log")
        axes.set_ylim(self._least, self._top)
        axes.set_xlabel("size of the value (logarithmic)")
        axes.set_ylabel("sum of squared errors (logarithmic)")
        self._band = Rectangle((self._edges[0], self._least), 1, self._top, color=style.RANGE, alpha=0.2, lw=0)
        axes.add_patch(self._band)
        self._stairs: Any = [PolyCollection([], **look, linewidth=1, zorder=2) for look in (ROUND, CLIP)]
        for polygons in self._stairs:
            axes.add_collection(polygons, autolim=False)
        inks = (style.ROUNDING_TEXT, "right"), (style.CLIPPED_TEXT, "right"), (style.QUIET, "right")
        self._names = [Label((0, 0), axes.transData, size=9, color=ink, ha=ha) for ink, ha in inks]
        for label in self._names:
            axes.add_artist(label)
        self._title = title(axes)
        self.moving: Sequence[Artist] = [self._band, *self._stairs, *self._names, self._title]

    def update(self, view: Split) -> None:
        """Gather the errors of a view."""
        parts = zip(self._stairs, ("round", "clip"), (view.round, view.clip), self._names, strict=False)
        for polygons, name, part, label in parts:
            squares = part.detach().square().numpy()
            sums = numpy.add.reduceat(squares, self._starts, dtype=numpy.float64)
            shown = numpy.flatnonzero(sums > self._least)
            polygons.set_verts([self._bar(self._used[k], sums[k]) for k in shown])
            tallest = int(sums.argmax())
            label.text = f"{name} {number(sums.sum())}" if len(shown) else ""
            label.at = self._edges[self._used[tallest] + 1] * 1.05, sums[tallest] * 1.7
        last = view.scale * (QUANT_MAX - view.zero_point)
        self._band.set_width(last - self._edges[0])
        self._names[2].at, self._names[2].text = (last, 0.5 * self._top), f"the levels reach to {number(last)}"
        self._title.text = _count_sentence(view)

    def _bar(self, k: int, height: float) -> list[tuple[float, float]]:
        left, right = self._edges[k], self._edges[k + 1]
        return [(left, self._least), (left, height), (right, height), (right, self._least)]


# Figures


def draw_split(x: Tensor, s: float, z: int, *, scale: Slider | None = None) -> Picture:
    """Draw the two layers of the MSE over s, with a marker at one s, and who causes it: the explorer, standing still.

    Args:
        x: real values, any shape.
        s, z: the ruler.
        scale: the range of s; the default suits values of a few hundred units.
    """
    few = x.numel() <= FEW
    x = x if few else in_order_of_size(x)
    parts = StandIn(quantlib_split_error, quantlib_split_error, parts_problem)
    view = _looker(x, parts, _positions(scale or SCALE, few))(s, z)
    with style.house_style():
        figure = style.new_figure(9.2, 5.0, DPI)
        for panel in split_panels(figure, view):
            panel.update(view)
        return picture(figure, f"Mean squared error over s in two layers, clip on round. {describe_split(view)}")


def draw_end(x: Tensor, s: float, z: int) -> Picture:
    """Draw the upper end of the int8 grid, and the values of x that lie there and beyond."""
    asked = unclamped_codes(x.flatten(), s, z)
    last, first = int(asked.max()), QUANT_MAX - 17
    value = x.flatten()[asked.argmax()].item()
    with style.house_style():
        figure = style.new_figure(9.2, 2.4, DPI)
        axes = figure.add_axes((0.02, 0.02, 0.96, 0.80))
        style.bare(axes)
        axes.set_xlim(first - 4.0, last + 2.2)
        axes.set_ylim(0, 1)
        _draw_codes(axes, first, last, s, z)
        for real, code in zip(x.flatten().tolist(), (x.flatten() / s + z).tolist(), strict=True):
            if code > first:
                _draw_value(axes, real, code)
        axes.text((value / s + z + QUANT_MAX) / 2, 0.90, "?", size=20, weight="bold", color=style.CLIPPED_TEXT, **_MID)
        finding = f"{number(value)} asks for the code {last}, but the last code is {QUANT_MAX}"
        axes.set_title(finding, pad=4)
        reach = f"the code {QUANT_MAX} stands for {number(s * (QUANT_MAX - z))}"
        return picture(figure, f"The upper end of the int8 codes: {finding}; {reach}. Where does {number(value)} go?")


_MID: dict[str, Any] = {"ha": "center", "va": "center"}


def _draw_codes(axes: Axes, first: int, last: int, s: float, z: int) -> None:
    """Draw the codes up to the last one of int8 as marks on a band, and the missing ones as dotted marks."""
    axes.add_patch(Rectangle((first - 0.9, 0.34), QUANT_MAX - first + 0.9, 0.22, color=style.RANGE, alpha=0.4, lw=0))
    axes.vlines(range(first, QUANT_MAX + 1), 0.34, 0.56, color=style.QUANTIZED, lw=1.4)
    axes.vlines(range(QUANT_MAX + 1, last + 1), 0.34, 0.56, color=style.CLIPPED, lw=1.4, linestyles="dotted")
    for code in (*range(first, QUANT_MAX, 5), QUANT_MAX, last):
        have = code <= QUANT_MAX
        ink, bold = (style.QUANTIZED if have else style.CLIPPED_TEXT), "bold" if code in (QUANT_MAX, last) else "normal"
        axes.text(code, 0.23, number(code), color=ink, weight=bold, **_MID)
        axes.text(code, 0.08, number(s * (code - z)), color=style.QUIET, size=9, **_MID)
    middle = (QUANT_MAX + last) / 2
    axes.text(middle, 0.23, "int8 has no such codes", color=style.CLIPPED_TEXT, size=9, **_MID)
    for height, name in ((0.23, "code"), (0.08, "stands for")):
        axes.text(first - 3.9, height, name, color=style.QUIET, size=9, va="center")


def _draw_value(axes: Axes, real: float, code: float) -> None:
    axes.plot(code, 0.72, "o", color=style.ORIGINAL, ms=6)
    axes.plot([code, code], [0.56, 0.72], color=style.ORIGINAL, lw=0.8)
    axes.text(code, 0.86, number(real), **_MID)


def draw_reach(x: Tensor, s: float, z: int) -> Picture:
    """Draw how large the error is over the real numbers, inside and beyond the ends, and where the values of x lie."""
    low, high = (s * (end - z) for end in (QUANT_MIN, QUANT_MAX))
    edge = 0.2 * (high - low)
    inputs = torch.linspace(low - edge, high + edge, 12001)
    with style.house_style():
        figure = style.new_figure(9.2, 3.6, DPI)
        axes = figure.add_axes((0.075, 0.15, 0.905, 0.74))
        axes.axvspan(low, high, color=style.RANGE, alpha=0.12, lw=0)
        clip, rounding = (part.abs() for part in quantlib_split_error(inputs, s, z))
        outside = is_clipped(inputs, s, z, QUANT_MIN, QUANT_MAX)
        axes.plot(inputs, rounding.where(~outside, torch.nan), color=style.ROUNDING_TEXT, lw=0.5)
        axes.plot(inputs, clip.where(outside, torch.nan), color=style.CLIPPED, lw=2.6, ls="dotted")
        worst, at = _draw_errors(axes, x, s, z)
        axes.set_xlim(low - edge, high + edge)
        axes.set_ylim(0, 1.25 * worst)
        axes.set_xlabel("real value")
        axes.set_ylabel("size of the error")
        middle, half = (low + high) / 2, f"at most s/2 = {number(s / 2)}"
        axes.text(middle, 0.12 * worst, f"round: {half}", color=style.ROUNDING_TEXT, ha="center")
        axes.text(middle, 1.12 * worst, f"the levels reach from {number(low)} to {number(high)}", ha="center", size=9)
        finding = f"on the ruler the error is {half}; beyond its ends it grows without limit"
        axes.set_title(finding[0].upper() + finding[1:])
        return picture(figure, f"Size of the error over the real numbers: {finding}. {at}.")


def _draw_errors(axes: Axes, x: Tensor, s: float, z: int) -> tuple[float, str]:
    """Draw the errors of x as points; return the largest, and a sentence about it."""
    values = x.flatten()
    sizes = sum(part.abs() for part in quantlib_split_error(values, s, z))
    assert isinstance(sizes, Tensor)
    clipped = is_clipped(values, s, z, QUANT_MIN, QUANT_MAX)
    axes.plot(
        values[~clipped], sizes[~clipped], "o", color=style.ROUNDING_TEXT, ms=5, mec="white", zorder=5, clip_on=False
    )
    axes.plot(values[clipped], sizes[clipped], "D", color=style.CLIPPED, ms=8, mec="white", zorder=5)
    worst = int(sizes.argmax())
    real, size = values[worst].item(), sizes[worst].item()
    ink: dict[str, Any] = {"color": style.CLIPPED_TEXT, "weight": "bold", "va": "center"}
    axes.annotate(f"{number(real)}\nloses {number(size)}", (real, size), (12, 0), textcoords="offset points", **ink)
    return size, f"The error of {number(real)} is {number(size)}"


def draw_clamp_and_wrap(value: float, s: float, z: int) -> Picture:
    """Draw what comes back of each real number if codes beyond the grid are clamped, and if they wrap around."""
    codes = torch.arange(QUANT_MIN - 115, QUANT_MAX + 116)
    marks = s * (codes - z).float()  # every mark of an endless ruler
    outside = ((codes < QUANT_MIN) | (codes > QUANT_MAX)).numpy()
    told = []
    ways: list[tuple[str, Callable[..., Tensor]]] = [("Clamped", fake_quantize), ("Wrapped", wrap_quantize)]
    with style.house_style():
        figure = style.new_figure(9.2, 4.1, DPI)
        for k, (name, way) in enumerate(ways):
            axes = figure.add_axes((0.085 + 0.495 * k, 0.13, 0.405, 0.76))
            back = way(torch.tensor(value), s, z).item()
            _draw_transfer(axes, marks.numpy(), way(marks, s, z).numpy(), outside)
            _draw_way(axes, value, back)
            told.append(f"{name}, {number(value)} comes back as {number(back)}")
            axes.set_title(told[-1])
            axes.set_ylabel("" if k else "comes back as")
        return picture(figure, f"Two curves of what comes back of each real number. {'. '.join(told)}.")


def wrap_quantize(x: Tensor, s: float, z: int) -> Tensor:
    """Return x as it comes back if codes beyond int8 wrap around instead of being clamped."""
    return dequantize(wrap(unclamped_codes(x, s, z)), s, z)


def _draw_transfer(axes: Axes, x: numpy.ndarray, back: numpy.ndarray, outside: numpy.ndarray) -> None:
    limits = float(x[0]), float(x[-1])
    axes.plot(limits, limits, color=style.ORIGINAL, lw=0.9)
    axes.plot(x[~outside], back[~outside], color=style.QUANTIZED, lw=2.6)
    for side in (x < 0, x > 0):  # two lines, so that none runs across the middle
        axes.plot(x[outside & side], back[outside & side], color=style.CLIPPED, lw=2.6, ls="dotted")
    axes.set_xlim(limits)
    axes.set_ylim(limits)
    axes.locator_params(nbins=6)
    axes.set_xlabel("real value")
    axes.text(0.86 * limits[1], 0.95 * limits[1], "no error", size=9, ha="right", va="center")


def _draw_way(axes: Axes, value: float, back: float) -> None:
    """Draw the fall of one value from where it should come back to where it does."""
    axes.plot([value, value], [value, back], color=style.CLIPPED_TEXT, lw=1.4)
    axes.plot(value, value, "o", color=style.ORIGINAL, ms=6, zorder=5)
    axes.plot(value, back, "D", color=style.CLIPPED, ms=7, mec="white", zorder=5)
    ink: dict[str, Any] = {"color": style.CLIPPED_TEXT, "weight": "bold", "ha": "right"}
    text = f"error {number(abs(value - back))}"
    axes.annotate(text, (value, (value + 3 * back) / 4), (-9, 4), textcoords="offset points", **ink)


def draw_free(x: Tensor, s: float, z: int, scales: Sequence[float]) -> Picture:
    """Draw which end of the grid clips, over z and s, and at some scales every z with which no value of x clips.

    Args:
        x: real values with both signs, any shape.
        s, z: one ruler that is marked, for comparison.
        scales: where the free z are marked, the smallest first.
    """
    span = scales[-1] - scales[0]
    heights = numpy.linspace(scales[0] - span, scales[-1] + span, 400)
    found = {scale: free_zero_points(x, scale) for scale in scales}
    with style.house_style():
        figure = style.new_figure(9.2, 4.2, DPI)
        axes = figure.add_axes((0.075, 0.13, 0.905, 0.77))
        _draw_ends(axes, heights, x.min().item(), x.max().item())
        axes.plot(z, s, "D", color=style.ORIGINAL, ms=7, mec="white", zorder=5)
        _tag(axes, (z, s), f"s = {number(s)}, z = {number(z)}", style.ORIGINAL)
        for scale, zero_points in found.items():
            axes.plot(zero_points, [scale] * len(zero_points), "o", color=style.BETTER, ms=6.5, mec="white", zorder=5)
            _tag(axes, (zero_points[-1], scale), f"s = {number(scale)}: {_span(zero_points)}", style.BETTER_TEXT)
        axes.set_title("z decides which end clips; only a larger s makes room for both")
        free = "; ".join(f"s = {number(scale)}: {_span(free)}" for scale, free in found.items())
        text = "Map of z and s. For small z the lower end clips, for large z the upper, for small s both"
        return picture(figure, f"{text}. In a wedge that opens upwards nothing clips: for {free}.")


def _tag(axes: Axes, at: tuple[float, float], text: str, ink: str) -> None:
    box = {"fc": "white", "ec": "none", "pad": 1.2}
    axes.annotate(text, at, (9, 0), textcoords="offset points", va="center", size=9, color=ink, bbox=box, zorder=6)


def _span(zero_points: Sequence[int]) -> str:
    ends = dict.fromkeys((zero_points[0], zero_points[-1]))
    return " to ".join(number(z) for z in ends)


def free_zero_points(x: Tensor, s: float) -> list[int]:
    """Return every z of the int8 grid with which no code of x leaves the grid."""
    return [z for z in range(QUANT_MIN, QUANT_MAX + 1) if not bool(is_clipped(x, s, z, QUANT_MIN, QUANT_MAX).any())]


def _draw_ends(axes: Axes, s: numpy.ndarray, low: float, high: float) -> None:
    """Draw the four regions of values from low to high: nothing clips, the lower end does, the upper end, or both."""
    first, last = QUANT_MIN - 0.5 - low / s, QUANT_MAX + 0.5 - high / s  # between these z nothing clips
    centre = float(first[numpy.argmin(abs(last - first))])
    limits = centre - 18, centre + 24
    lower, upper = numpy.minimum(first, last), numpy.maximum(first, last)
    fill: dict[str, Any] = {"edgecolor": style.CLIPPED, "linewidth": 0}
    axes.fill_betweenx(s, limits[0], lower, facecolor="#FBEDE2", hatch="//", **fill)
    axes.fill_betweenx(s, upper, limits[1], facecolor="#FBEDE2", hatch="\\\\", **fill)
    axes.fill_betweenx(s, lower, upper, where=list(first >= last), facecolor="#F3CDB0", hatch="xx", **fill)
    axes.fill_betweenx(s, lower, upper, where=list(last >= first), facecolor="#D9F0E8", lw=0)
    axes.set_xlim(limits)
    axes.set_ylim(s[0], s[-1])
    axes.set_xlabel("zero point z")
    axes.set_ylabel("scale s")
    box, middle, rise = {"fc": "white", "ec": "none", "pad": 2.5}, (s[0] + s[-1]) / 2, s[-1] - s[0]
    for z, height, text, ink in (
        (limits[0] + 6, middle, "the lower end clips", style.CLIPPED_TEXT),
        (limits[1] - 6, middle, "the upper end clips", style.CLIPPED_TEXT),
        (centre - 1, s[0] + 0.08 * rise, "both ends clip", style.CLIPPED_TEXT),
        (centre + 4, s[-1] - 0.09 * rise, "nothing clips", style.BETTER_TEXT),
    ):
        axes.text(z, height, text, color=ink, weight="bold", size=10, bbox=box, zorder=4, **_MID)
