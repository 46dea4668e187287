"""The error in its two parts, clip and round: its picture over s, and the explorer that moves it."""

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

from quantlib.affine import fake_quantize
from quantlib.lab import style
from quantlib.lab.explore import Explorer, Scene, Slider
from quantlib.lab.learner import StandIn, reals_problem, two_tensors
from quantlib.lab.panel import FEW, Panel, title
from quantlib.lab.picture import Picture, picture
from quantlib.lab.ruler import QUANT_MAX, QUANT_MIN
from quantlib.lab.text import Label
from quantlib.lab.words import number
from quantlib.metrics import split_error as quantlib_split_error

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
    x = x.clone()  # the caller's may change in a later cell
    scale = scale or SCALE
    few = x.numel() <= FEW
    zero_points = [Slider("z", "zero point z", -70, QUANT_MIN, QUANT_MAX, 1)] if few else []
    x = x if few else in_order_of_size(x)
    look = _looker(x, StandIn(split_error, quantlib_split_error, parts_problem), _positions(scale, few))
    first = look(scale.value, -70 if few else 0)
    scene = Scene((9.2, 5.0), lambda figure: split_panels(figure, first))
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
        if not torch.allclose((clip[some] + rounding[some]).to(error.dtype), error, rtol=1e-3, atol=1e-3 * s):
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
    parts = two_tensors(value)
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
        figure = style.new_figure(9.2, 5.0)
        for panel in split_panels(figure, view):
            panel.update(view)
        layers = f"Mean squared error over s in two layers, clip on round: here {_share_sentence(view)}"
        return picture(figure, f"{layers}. {describe_split(view)}")
