"""The error in its two parts, by clipping and by rounding: an explorer of both over s, and of who causes them."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor

from quantlib.affine import fake_quantize
from quantlib.lab import style
from quantlib.lab.exercise import Function
from quantlib.lab.explore import Explorer, Scene, Slider, View, explorer
from quantlib.lab.learner import Parts
from quantlib.lab.panel import FEW, Drag, Panel, in_order_of_size
from quantlib.lab.picture import Picture
from quantlib.lab.ruler import QUANT_MAX, QUANT_MIN
from quantlib.lab.words import amount, clips, number

from . import exercises

SCALE = Slider("s", "scale s", 3.5, 2.0, 6.0, 0.1)
SCALE_OF_WEIGHTS = Slider("s", "scale s", 0.0625, 0.002, 0.08, 0.0005)
ZERO_POINT = Slider("z", "zero point z", -70, QUANT_MIN, QUANT_MAX, 1)
LOOKS = style.ROUND, style.CLIP
INKS = style.ROUNDING_TEXT, style.CLIPPED_TEXT
DOTS: tuple[dict[str, Any], ...] = ({"color": style.ROUNDING_TEXT}, {"color": style.CLIPPED, "marker": "D"})
Numbers = numpy.ndarray | float


@dataclass(frozen=True)
class SplitView(View):
    """The error of values in its two parts, for one s and z.

    scale, zero_point: the ruler.
    clip, round: the two parts, by clipping and by rounding, of one shape.
    means: the mean square of each, in the squared units of the values; shape (2,).
    curve: the same at every scale of the curve, with the same z; shape (n, 2).
    """

    scale: float
    zero_point: int
    clip: Tensor
    round: Tensor
    means: numpy.ndarray
    curve: numpy.ndarray

    @property
    def mse(self) -> float:
        """The mean square of the whole error."""
        return float(self.means.sum())

    @property
    def norm(self) -> float:
        """The length of the whole error."""
        return float((self.mse * self.clip.numel()) ** 0.5)


@explorer
def explore_split(
    x: Tensor, split_error: Function = exercises.split_error.reference, *, scale: Slider | None = None
) -> Explorer:
    """Show sliders for s and z over the two parts of the squared error, and beside them who causes them.

    Up to FEW values are shown one by one, on logarithmic axes. More are gathered by size, and have z = 0: there the
    curve of another z takes too long for a slider.

    Args:
        x: real values, any shape.
        split_error: f(x, s, z) that returns (clip, round) on the int8 grid: quantlib's, or a learner's.
        scale: the slider; the default suits a few values of some hundred units, or the weights of `ffn_down`.
    """
    scale = scale or (SCALE if x.numel() <= FEW else SCALE_OF_WEIGHTS)
    few, split = x.numel() <= FEW, exercises.split_error.stand_in(split_error)
    x = x if few else in_order_of_size(x)
    steps = numpy.linspace(scale.low, scale.high, round((scale.high - scale.low) / scale.step) + 1 if few else 40)

    @lru_cache(maxsize=256)
    def curve(z: int, _of: Function) -> numpy.ndarray:  # a function that is written anew has curves of its own
        return numpy.array([mean_squares(split(x, float(s), z)[0]) for s in steps])

    def compute(s: float, z: int = 0) -> SplitView:
        means = curve(z, split.function)  # first: it takes the most calls, and what they show is then said
        (clip, rounding), about = split(x, s, z)
        sums = "" if add_up(clip, rounding, x, s, z) else "The two parts do not add up to x - x_hat."
        return SplitView(s, z, clip, rounding, mean_squares((clip, rounding)), means, notices=(about, sums))

    def lay_out(figure: Figure) -> list[Panel]:
        right = figure.add_axes((0.595, 0.115, 0.385, 0.785))
        if few:
            share, left = figure.add_axes((0.08, 0.865, 0.425, 0.035)), figure.add_axes((0.08, 0.115, 0.425, 0.645))
            return [Share(share), Curves(left, steps), ErrorDots(right, x)]
        left = figure.add_axes((0.08, 0.115, 0.425, 0.785))
        ends = [mean_squares(split(x, end, 0)[0]) for end in (scale.low, scale.high)]
        return [
            Layers(left, steps, x.numel(), curve(0, split.function).sum(axis=1).max()),
            ErrorBins(right, x, max(map(max, ends))),
        ]

    size = (9.2, 5.0) if few else (9.2, 4.8)
    return Explorer([scale, ZERO_POINT] if few else [scale], compute, Scene(size, lay_out), describe)


def draw_split(x: Tensor, s: float, z: int, *, scale: Slider | None = None) -> Picture:
    """Draw the two parts of the squared error over s, with a marker at one s, and who causes them."""
    lead = "Squared error over s in two parts, by clipping and by rounding."
    return explore_split(x, scale=scale).still(lead, s=s, z=z)


def mean_squares(parts: Parts) -> numpy.ndarray:
    """Return the mean square of each part, in the squared units of its values."""
    return numpy.array([torch.linalg.vector_norm(p, dtype=torch.float64).item() ** 2 / p.numel() for p in parts])


def add_up(clip: Tensor, rounding: Tensor, x: Tensor, s: float, z: int) -> bool:
    """Return whether the two parts together are the error of x; of many values, only some are looked at."""
    if x.numel() > FEW:
        clip, rounding, x = clip[::501], rounding[::501], x[::501]
    error = x - fake_quantize(x, s, z)
    return torch.allclose((clip + rounding).to(error.dtype), error, rtol=1e-3, atol=1e-3 * s)


def describe(view: SplitView) -> str:
    """Return the sentence that says what a picture of the two parts shows: of many values the sum, not the mean."""
    few = view.clip.numel() <= FEW
    name, count = ("MSE", 1) if few else ("Sum of the squared errors", view.clip.numel())
    ruler = f"s = {number(view.scale)} and z = {number(view.zero_point)}: {how_many_clip(view)}. "
    clip, rounding = view.means * count
    sums = f"{name}: {amount(view.mse * count)} = {amount(clip)} by clipping + {amount(rounding)} by rounding. "
    return f"{ruler}{sums}Norm of the error: {view.norm:.4f}."


def how_many_clip(view: SplitView) -> str:
    """Return how many values clip, in words."""
    return clips(int(view.clip.count_nonzero()), view.clip.numel())


def _share(view: SplitView) -> float:
    """Return which part of the squared error is by clipping, from 0 to 1."""
    return float(view.means[0] / view.mse) if view.mse else 0.0


def _share_sentence(view: SplitView) -> str:
    share = 100 * _share(view)
    if share == 0 or share > 99.95:
        return f"{'almost all' if share else 'none'} of it is clipping error"
    return f"{share:.1f} % of it is clipping error"


class Share(Panel):
    """The MSE as a bar of one length, cut into its two parts: lengths on a logarithmic axis do not add up."""

    def __init__(self, axes: Axes) -> None:
        super().__init__(axes, xlim=(0, 1), ylim=(0, 1))
        style.bare(axes)
        self._parts = [self.area(look, linewidth=1) for look in LOOKS]

    def update(self, view: SplitView) -> None:
        """Cut the bar."""
        share = _share(view)
        for part, (left, right) in zip(self._parts, ((share, 1.0), (0.0, share)), strict=True):
            part.set_verts(_boxes(numpy.array([left]), 0.0, numpy.array([right]), 1.0) if right > left else [])
        self.title.text = f"MSE {amount(view.mse)}: {_share_sentence(view)}"


class Curves(Panel):
    """The MSE over s as two curves, one for each part, on a logarithmic axis; the present s can be dragged."""

    least = 0.01

    def __init__(self, axes: Axes, steps: numpy.ndarray) -> None:
        super().__init__(axes, xlim=(steps[0], steps[-1]), xlabel="scale s", yscale="log", ylim=(self.least, 1e6))
        axes.set_ylabel("mean squared error (logarithmic)", labelpad=1)
        self._steps = steps
        self._curves = [self.line(ink, lw=2, ls=look) for ink, look in zip(INKS, ("dashed", "dotted"), strict=True)]
        self._marker = self.line(style.ORIGINAL, lw=1)
        self._dots = [self.dot(**look, ms=7) for look in DOTS]
        self._names = [
            self.label(name, size=9, bold=True, color=ink, ha=ha)
            for name, ink, ha in zip(("rounding error", "clipping error"), INKS, ("right", "left"), strict=True)
        ]

    def update(self, view: SplitView) -> None:
        """Draw the curves for a view's z, and the marker at its s."""
        for k, part in enumerate((view.curve[:, 1], view.curve[:, 0])):
            there = (part > 0) | (numpy.roll(part, 1) > 0)  # one step beyond its last value a curve has fallen to 0
            heights = numpy.maximum(part, self.least)
            self._curves[k].set_data(self._steps, numpy.where(there, heights, numpy.nan))
            at = -1 if k == 0 else 1
            self._names[k].at = self._steps[at], heights[at] * 3
            self._names[k].text = self._names[k].text if heights[at] > self.least else ""
            self._dots[k].set_data([view.scale], [view.means[1 - k]])
        self._marker.set_data([view.scale] * 2, [self.least, view.mse])
        self.title.text = f"both parts over s, at z = {number(view.zero_point)}"

    def grab(self, view: SplitView, x: float, y: float) -> Drag:
        """Take the marker to the pointer."""
        return lambda x, y: {"s": x}


class Layers(Panel):
    """The sum of the squared errors over s: by rounding as the lower layer, by clipping on top of it."""

    def __init__(self, axes: Axes, steps: numpy.ndarray, count: int, top: float) -> None:
        """Prepare linear axes for the sums of so many values, of which the largest mean is `top`."""
        super().__init__(axes, xlim=(steps[0], steps[-1]), ylim=(0.0, 1.05 * top * count), xlabel="scale s")
        axes.set_ylabel("sum of the squared errors")
        self._steps, self._count = steps, count
        self._areas = [self.area(look) for look in LOOKS]
        edges = (style.ROUNDING_TEXT, "dashed"), (style.ORIGINAL, "solid")
        self._edges = [self.line(ink, lw=1.4, ls=look, zorder=3) for ink, look in edges]
        self._marker = self.line(style.ORIGINAL, lw=1, zorder=3)
        self._point = self.dot(style.ORIGINAL, ms=7)
        names = "rounding error", "clipping error"
        self._names = [self.label(n, color=ink, bold=True, opaque=True) for n, ink in zip(names, INKS, strict=True)]

    def update(self, view: SplitView) -> None:
        """Draw the layers, and put the marker at a view's s."""
        lower, upper = view.curve[:, 1] * self._count, view.curve.sum(axis=1) * self._count
        self._fill(0, numpy.zeros_like(lower), lower, named_at=len(lower) * 5 // 6)
        self._fill(1, lower, upper, named_at=len(lower) // 5)
        height = view.mse * self._count
        self._marker.set_data([view.scale] * 2, [0, height])
        self._point.set_data([view.scale], [height])
        self.title.text = f"sum {number(height)}: {_share_sentence(view)}"

    def grab(self, view: SplitView, x: float, y: float) -> Drag:
        """Take the marker to the pointer."""
        return lambda x, y: {"s": x}

    def _fill(self, layer: int, below: numpy.ndarray, above: numpy.ndarray, named_at: int) -> None:
        """Fill a layer, draw its upper edge, and write its name into it, where it is always thick enough."""
        there, back = numpy.stack([self._steps, above], axis=1), numpy.stack([self._steps, below], axis=1)
        outline = numpy.concatenate([there, back[::-1]])
        self._areas[layer].set_verts([outline] if (above > below).any() else [])
        self._edges[layer].set_data(self._steps, above)
        self._names[layer].at = self._steps[named_at], (below[named_at] + above[named_at]) / 2


class ErrorDots(Panel):
    """The size of each value's error as a dot, the largest value at the top; s/2 is what rounding never passes."""

    least = 0.01

    def __init__(self, axes: Axes, x: Tensor) -> None:
        self._order = x.flatten().argsort()
        count = len(self._order)
        label = "size of the error (logarithmic)"
        super().__init__(axes, xscale="log", xlim=(self.least, 1e5), ylim=(-0.7, count + 0.2), xlabel=label)
        axes.set_xticks([10.0**k for k in range(-2, 4)])
        axes.set_xticks([], minor=True)
        values = x.flatten()[self._order].tolist()
        axes.set_yticks(range(count), [number(value) for value in values], color=style.ORIGINAL)
        axes.tick_params(axis="y", length=0)
        axes.hlines(range(count), self.least, 3e3, color=style.LEVELS, lw=0.8, zorder=0)
        head: dict[str, Any] = {"size": 9, "color": style.QUIET, "ha": "right", "va": "center"}
        axes.text(-0.015, count - 0.35, "value", transform=axes.get_yaxis_transform(), **head)
        axes.text(8e4, count - 0.35, "error", **head)
        self._half = self.line(style.QUIET, lw=1, zorder=1)
        self._half_name = self.label(at=(1, count - 0.35), size=9, color=style.QUIET, ha="left")
        self._dots = [self.dot(**look, ms=7) for look in DOTS]
        self._sizes = [self.label(size=9, ha="right") for _ in range(count)]

    def update(self, view: SplitView) -> None:
        """Set the dots to the errors of a view."""
        sizes = [part.flatten()[self._order].double().abs().numpy() for part in (view.round, view.clip)]
        for dots, lengths in zip(self._dots, sizes, strict=True):
            rows = numpy.flatnonzero(lengths > self.least)
            dots.set_data(lengths[rows], rows)
        for row, (label, *both) in enumerate(zip(self._sizes, *sizes, strict=True)):
            label.at, label.text = (8e4, row), f"{max(both):.3g}"
            label.color, label.bold = INKS[both.index(max(both))], both[1] > both[0]
        half = view.scale / 2
        self._half.set_data([half] * 2, (-0.7, len(self._order) - 0.6))
        self._half_name.at, self._half_name.text = (half * 1.12, self._half_name.at[1]), f"s/2 = {number(half)}"
        self.title.text = how_many_clip(view)


class ErrorBins(Panel):
    """How much squared error the values of each size cause together, and how far the levels reach."""

    count = 40

    def __init__(self, axes: Axes, x: Tensor, top: float) -> None:
        """Prepare the axes for values that are in order of their size, and for mean squares up to `top`."""
        sizes = x.abs()
        largest = 10.0 ** numpy.ceil(numpy.log10(sizes[-1].item()))
        edges = numpy.geomspace(largest * 1e-4, largest, self.count + 1)
        starts = numpy.array([0, *torch.searchsorted(sizes, torch.tensor(edges[1:-1], dtype=x.dtype)).tolist()])
        used = numpy.flatnonzero(numpy.diff(starts, append=x.numel()))  # reduceat knows no empty bins
        self._starts, self._left, self._right = starts[used], edges[used], edges[used + 1]
        self._top = 0.3 * top * x.numel()  # the values of one size never cause nearly all of it
        super().__init__(axes, xscale="log", xlim=(edges[0], largest), ylim=(0, self._top))
        axes.set(xlabel="size of the weight (logarithmic)", ylabel="squared error of all of this size")
        self._band = self.keep(Rectangle((edges[0], 0), 1, self._top, color=style.RANGE, alpha=0.2, lw=0))
        self._bars = [self.area(look, linewidth=1) for look in LOOKS]
        self._names = [self.label(size=9, color=ink, ha="right", bold=True) for ink in INKS]
        self._reach = self.label(size=9, color=style.QUIET, ha="right")

    def update(self, view: SplitView) -> None:
        """Gather the errors of a view."""
        for layer, (name, part) in enumerate((("rounding", view.round), ("clipping", view.clip))):
            sums = numpy.add.reduceat(part.float().square().numpy(), self._starts, dtype=numpy.float64)
            shown, tallest = sums > 0, sums.argmax()
            self._bars[layer].set_verts(_boxes(self._left[shown], 0.0, self._right[shown], sums[shown]))
            self._names[layer].text = f"{name} {number(sums.sum())}" if shown.any() else ""
            self._names[layer].at = self._right[tallest] * 1.05, sums[tallest] + 0.035 * self._top
        last = view.scale * (QUANT_MAX - view.zero_point)
        self._band.set_width(last - self._band.get_x())
        self._reach.at, self._reach.text = (last, 0.965 * self._top), f"the levels reach to {number(last)}"
        self.title.text = how_many_clip(view)


def _boxes(left: Numbers, bottom: Numbers, right: Numbers, top: Numbers) -> list[numpy.ndarray]:
    """Return the corners of rectangles, for each of shape (4, 2)."""
    corners = numpy.broadcast_arrays(left, bottom, right, bottom, right, top, left, top)
    return list(numpy.stack(corners, axis=-1).reshape(-1, 4, 2))
