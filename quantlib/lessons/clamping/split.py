"""The error in its two parts, clip and round: an explorer of both over s, and of the values that cause them."""

from dataclasses import dataclass
from functools import lru_cache

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
from quantlib.lab.panel import FEW, Panel, in_order_of_size
from quantlib.lab.picture import Picture
from quantlib.lab.ruler import QUANT_MAX, QUANT_MIN
from quantlib.lab.words import amount, clips, number

from . import exercises

SCALE = Slider("s", "scale s", 3.5, 2.0, 6.0, 0.1)
ZERO_POINT = Slider("z", "zero point z", -70, QUANT_MIN, QUANT_MAX, 1)
NAMES = "round", "clip"  # in the order of the layers, from below
LOOKS = style.ROUND, style.CLIP
INKS = style.ROUNDING_TEXT, style.CLIPPED_TEXT
Numbers = numpy.ndarray | float


@dataclass(frozen=True)
class SplitView(View):
    """The error of values in its two parts, for one s and z.

    scale, zero_point: the ruler.
    clip, round: the two parts, of one shape.
    means: the mean square of clip and of round, in the squared units of the values; shape (2,).
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


@explorer
def explore_split(
    x: Tensor, split_error: Function = exercises.split_error.reference, *, scale: Slider = SCALE
) -> Explorer:
    """Show sliders for s and z over the two layers of the MSE, and beside them who causes it.

    Up to FEW values are shown one by one, on logarithmic axes. More are gathered by size, and have z = 0: there the
    curve of another z takes too long for a slider.

    Args:
        x: real values, any shape.
        split_error: f(x, s, z) that returns (clip, round) on the int8 grid: quantlib's, or a learner's.
        scale: the slider; the default suits values of a few hundred units.
    """
    few, split = x.numel() <= FEW, exercises.split_error.stand_in(split_error)
    x = x if few else in_order_of_size(x)
    steps = numpy.linspace(scale.low, scale.high, round((scale.high - scale.low) / scale.step) + 1 if few else 40)

    @lru_cache(maxsize=256)
    def curve(z: int) -> numpy.ndarray:
        return numpy.array([mean_squares(split(x, float(s), z)[0]) for s in steps])

    def compute(s: float, z: int = 0) -> SplitView:
        means = curve(z)  # first: it takes the most calls, and what they show is then said
        (clip, rounding), about = split(x, s, z)
        sums = "" if add_up(clip, rounding, x, s, z) else "The two parts do not add up to x - x_hat."
        return SplitView(s, z, clip, rounding, mean_squares((clip, rounding)), means, notices=(about, sums))

    def lay_out(figure: Figure) -> list[Panel]:
        left, right = figure.add_axes((0.08, 0.115, 0.425, 0.78)), figure.add_axes((0.595, 0.115, 0.385, 0.78))
        if few:
            return [Layers(left, steps), ErrorBars(right, x)]
        return [Layers(left, steps, top=curve(0).sum(axis=1).max()), ErrorBins(right, x)]

    return Explorer([scale, ZERO_POINT] if few else [scale], compute, Scene((9.2, 5.0), lay_out), describe)


def draw_split(x: Tensor, s: float, z: int, *, scale: Slider = SCALE) -> Picture:
    """Draw the two layers of the MSE over s, with a marker at one s, and who causes it: the explorer stands still."""
    lead = "Mean squared error over s in two layers, clip on round."
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
    """Return the sentence that says what a picture of the two parts shows."""
    ruler = f"s = {number(view.scale)} and z = {number(view.zero_point)}: {_clip_sentence(view)}. "
    sums = f"MSE = {amount(view.mse)}: clip {amount(view.means[0])} + round {amount(view.means[1])}. "
    return f"{ruler}{sums}Norm of the error: {(view.mse * view.clip.numel()) ** 0.5:.4f}."


def _clip_sentence(view: SplitView) -> str:
    return clips(int(view.clip.count_nonzero()), view.clip.numel())


def _share_sentence(view: SplitView) -> str:
    if view.means[0] == 0:
        return "the MSE is all rounding"
    share = 100 * view.means[0] / view.mse
    return f"{share:.1f} % of the MSE is clip" if share < 99.95 else "almost all of the MSE is clip"


class Layers(Panel):
    """The MSE over s: round as the lower layer, clip on top of it, and a marker at the present s."""

    def __init__(self, axes: Axes, steps: numpy.ndarray, top: float | None = None) -> None:
        """Prepare the axes: linear up to the MSE `top`, or else logarithmic."""
        super().__init__(axes, xlim=(steps[0], steps[-1]), xlabel="scale s")
        self._steps, self._log = steps, top is None
        if top is None:
            self._unit, self._bottom = 1.0, 1e-2
            axes.set(yscale="log", ylim=(self._bottom, 1e6), ylabel="mean squared error (logarithmic)")
        else:
            power = int(numpy.floor(numpy.log10(top)))
            self._unit, self._bottom = 10.0**power, 0.0
            axes.set(ylim=(0.0, 1.05 * top / self._unit), ylabel=f"mean squared error ($\\times\\,10^{{{power}}}$)")
        self._areas = [self.area(look) for look in LOOKS]
        edges = (style.ROUNDING_TEXT, "dashed"), (style.ORIGINAL, "solid")
        self._edges = [self.line(ink, lw=1.4, ls=look, zorder=3) for ink, look in edges]
        self._marker = self.line(style.ORIGINAL, lw=1, zorder=3)
        self._point = self.dot(style.ORIGINAL, ms=7)
        self._names = [self.label(n, color=ink, bold=True, opaque=True) for n, ink in zip(NAMES, INKS, strict=True)]

    def update(self, view: SplitView) -> None:
        """Draw the layers for a view's z, and put the marker at its s."""
        lower = numpy.maximum(view.curve[:, 1] / self._unit, self._bottom)
        upper = numpy.maximum(view.curve.sum(axis=1) / self._unit, self._bottom)
        self._fill(0, numpy.full_like(lower, self._bottom), lower, named_at=len(lower) * 5 // 6)
        self._fill(1, lower, upper, named_at=len(lower) // 10)
        height = max(view.mse / self._unit, self._bottom)
        self._marker.set_data([view.scale] * 2, [self._bottom, height])
        self._point.set_data([view.scale], [height])
        self.title.text = _share_sentence(view)

    def _fill(self, layer: int, below: numpy.ndarray, above: numpy.ndarray, named_at: int) -> None:
        """Fill a layer, draw its upper edge, and write its name into it, where it is always thick enough."""
        there, back = numpy.stack([self._steps, above], axis=1), numpy.stack([self._steps, below], axis=1)
        outline = numpy.concatenate([there, back[::-1]])
        self._areas[layer].set_verts([outline] if (above > below).any() else [])
        self._edges[layer].set_data(self._steps, above)
        low, high = below[named_at], above[named_at]
        self._names[layer].at = self._steps[named_at], (low * high) ** 0.5 if self._log else (low + high) / 2


class ErrorBars(Panel):
    """The size of each value's error as a bar, the largest value at the top; s/2 is what rounding never passes."""

    least = 0.01

    def __init__(self, axes: Axes, x: Tensor) -> None:
        self._order = x.flatten().argsort()
        count = len(self._order)
        label = "size of the error (logarithmic)"
        super().__init__(axes, xscale="log", xlim=(self.least, 1e4), ylim=(-0.7, count - 0.3), xlabel=label)
        axes.set_xticks([10.0**k for k in range(-2, 4)])
        values = x.flatten()[self._order].tolist()
        axes.set_yticks(range(count), [number(value) for value in values], color=style.ORIGINAL)
        axes.tick_params(axis="y", length=0)
        axes.text(-0.015, 1.02, "value", transform=axes.transAxes, size=9, color=style.QUIET, ha="right", va="center")
        self._half = self.line(style.QUIET, lw=1, zorder=1)
        self._half_name = self.label(at=(1, count - 0.42), size=9, color=style.QUIET, ha="left")
        self._bars = [self.area(look, linewidth=1.3) for look in LOOKS]
        self._sizes = [self.label(size=9, ha="left", opaque=True) for _ in range(count)]

    def update(self, view: SplitView) -> None:
        """Set the bars to the errors of a view."""
        sizes = [part.flatten()[self._order].double().abs().numpy() for part in (view.round, view.clip)]
        for bars, lengths in zip(self._bars, sizes, strict=True):
            rows = numpy.flatnonzero(lengths > self.least)
            bars.set_verts(_boxes(self.least, rows - 0.33, lengths[rows], rows + 0.33))
        for row, (label, *both) in enumerate(zip(self._sizes, *sizes, strict=True)):
            label.at, label.text = (max(*both, self.least) * 1.12, row), number(max(both))
            label.color = INKS[both.index(max(both))]
        half = view.scale / 2
        self._half.set_data([half] * 2, self.axes.get_ylim())
        self._half_name.at, self._half_name.text = (half * 1.12, self._half_name.at[1]), f"s/2 = {number(half)}"
        self.title.text = _clip_sentence(view)


class ErrorBins(Panel):
    """How much squared error the values of each size cause together, and how far the levels reach."""

    least, most, count = 1e-4, 1e3, 40

    def __init__(self, axes: Axes, x: Tensor) -> None:
        """Prepare the axes for values that are in order of their size."""
        sizes = x.abs()
        top = 10.0 ** numpy.ceil(numpy.log10(sizes[-1].item()))
        edges = numpy.geomspace(top * 1e-4, top, self.count + 1)
        starts = numpy.array([0, *torch.searchsorted(sizes, torch.tensor(edges[1:-1], dtype=x.dtype)).tolist()])
        used = numpy.flatnonzero(numpy.diff(starts, append=x.numel()))  # reduceat knows no empty bins
        self._starts, self._left, self._right = starts[used], edges[used], edges[used + 1]
        super().__init__(axes, xscale="log", xlim=(edges[0], top), yscale="log", ylim=(self.least, self.most))
        axes.set(xlabel="size of the value (logarithmic)", ylabel="sum of squared errors (logarithmic)")
        self._band = self.keep(Rectangle((edges[0], self.least), 1, self.most, color=style.RANGE, alpha=0.2, lw=0))
        self._bars = [self.area(look, linewidth=1) for look in LOOKS]
        self._names = [self.label(size=9, color=ink, ha="right") for ink in INKS]
        self._reach = self.label(size=9, color=style.QUIET, ha="right")

    def update(self, view: SplitView) -> None:
        """Gather the errors of a view."""
        for layer, part in enumerate((view.round, view.clip)):
            sums = numpy.add.reduceat(part.float().square().numpy(), self._starts, dtype=numpy.float64)
            shown, tallest = sums > self.least, sums.argmax()
            self._bars[layer].set_verts(_boxes(self._left[shown], self.least, self._right[shown], sums[shown]))
            self._names[layer].text = f"{NAMES[layer]} {number(sums.sum())}" if shown.any() else ""
            self._names[layer].at = self._right[tallest] * 1.05, sums[tallest] * 1.7
        last = view.scale * (QUANT_MAX - view.zero_point)
        self._band.set_width(last - self._band.get_x())
        self._reach.at, self._reach.text = (last, 0.5 * self.most), f"the levels reach to {number(last)}"
        self.title.text = _clip_sentence(view)


def _boxes(left: Numbers, bottom: Numbers, right: Numbers, top: Numbers) -> list[numpy.ndarray]:
    """Return the corners of rectangles, for each of shape (4, 2)."""
    corners = numpy.broadcast_arrays(left, bottom, right, bottom, right, top, left, top)
    return list(numpy.stack(corners, axis=-1).reshape(-1, 4, 2))
