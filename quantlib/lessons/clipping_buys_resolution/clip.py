"""The range as a choice: its mean squared error as a U over the clip alpha, and the explorer that moves alpha."""

from dataclasses import dataclass
from functools import lru_cache
from math import ceil, floor, log10
from typing import Any

import numpy
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor

from quantlib.grids import grid
from quantlib.lab import style
from quantlib.lab.exercise import Function
from quantlib.lab.explore import Explorer, Scene, Slider, View, explorer
from quantlib.lab.panel import Drag, Panel, in_order_of_size, set_strokes, uprights
from quantlib.lab.picture import Picture
from quantlib.lab.words import amount, clips, number

from . import exercises

BITS = range(2, 9)
PLACES = 60  # alphas of the curve
PROBES = 2049  # reals that show where the levels are
BINS = 120
SEEN = 3  # where fewer values clip, their part is chance, and no curve
DEEP = 1e-5  # the smallest MSE that the plot shows, as a part of the mean square of x


@dataclass(frozen=True)
class ClipView(View):
    """What one alpha and one number of bits do to x.

    alpha, bits: what is set.
    clipped, count: how many values clip, and of how many.
    levels: the levels that were seen, sorted.
    means: the mean squares of the clipping and of the rounding error, in the squared units of x; shape (2,).
    alphas, curve: places on the slider, and the means at each of them; shapes (n,) and (n, 2).
    clipping: how many values clip at each of them; shape (n,).
    """

    alpha: float
    bits: int
    clipped: int
    count: int
    levels: numpy.ndarray
    means: numpy.ndarray
    alphas: numpy.ndarray
    curve: numpy.ndarray
    clipping: numpy.ndarray

    @property
    def mse(self) -> float:
        """The mean square of the whole error."""
        return float(self.means.sum())


@explorer
def explore_clip(
    x: Tensor,
    fake_quantize: Function = exercises.fake_quantize.reference,
    *,
    alpha: float | None = None,
    bits: int = 4,
    whole: bool = False,
) -> Explorer:
    """Show sliders for alpha and for the bits, which values clip, and the U of the mean squared error over alpha.

    Args:
        x: reals, not all 0; a hundred thousand at most, or a new number of bits takes too long.
        fake_quantize: f(x, alpha, bits) that returns x on the narrow symmetric grid up to alpha: quantlib's, or a
            learner's.
        alpha: where its slider begins; by default where nothing clips.
        bits: where their slider begins.
        whole: whether the U is drawn for every alpha, and not only from the reader's on.
    """
    x, slider, mine = in_order_of_size(x), alpha_slider(x, alpha), exercises.fake_quantize.stand_in(fake_quantize)
    alphas = numpy.linspace(slider.low, slider.high, PLACES)
    probes = torch.linspace(-slider.high, slider.high, PROBES).to(x.dtype)

    def measure(alpha: float, bits: int) -> tuple[numpy.ndarray, int, str]:
        x_hat, about = mine(x, alpha, bits)
        return *mean_squares(x, x_hat, clip_edge(alpha, bits)), about

    @lru_cache(maxsize=16)
    def curve(bits: int, _of: Function) -> tuple[numpy.ndarray, numpy.ndarray]:
        means, clipping, _ = zip(*(measure(place, bits) for place in alphas.tolist()), strict=True)
        return numpy.array(means), numpy.array(clipping)

    def compute(alpha: float, b: int) -> ClipView:
        means, clipped, about = measure(alpha, b)
        levels = torch.unique(mine(probes, alpha, b)[0].double()).numpy()
        return ClipView(alpha, b, clipped, len(x), levels, means, alphas, *curve(b, mine.function), notices=(about,))

    def lay_out(figure: Figure) -> list[Panel]:
        values = Values(figure.add_axes((0.06, 0.13, 0.42, 0.75)), x, slider.high)
        square = x.double().square().mean().item() or 1.0
        return [values, Curve(figure.add_axes((0.60, 0.13, 0.38, 0.75)), slider, square, whole)]

    scene = Scene((9.2, 4.4), lay_out)
    return Explorer([slider, Slider("b", "bits b", bits, BITS[0], BITS[-1], 1)], compute, scene, describe_clip)


def alpha_slider(x: Tensor, alpha: float | None = None) -> Slider:
    """Return a slider in round steps that ends where nothing clips."""
    top = max(x.abs().max().item(), 1e-3)
    step = float(10.0 ** floor(log10(top)) / 20)
    high = ceil(top / step) * step
    low, high = (round(end, 6) for end in (2 * step, high))
    return Slider("alpha", "clip α", high if alpha is None else alpha, low, high, step)


def clip_edge(alpha: float, bits: int) -> float:
    """Return the size above which a value clips: it lies half a step beyond the last level."""
    return alpha + alpha / grid(bits, narrow=True)[1] / 2


def mean_squares(x: Tensor, x_hat: Tensor, edge: float) -> tuple[numpy.ndarray, int]:
    """Return the mean squares of the clipping and the rounding error; and how many of x, in order of size, clip."""
    inside = int(torch.searchsorted(x.abs(), edge, right=True))
    squares = (x.double() - x_hat.double()).square()
    return numpy.array([part.sum().item() for part in (squares[inside:], squares[:inside])]) / len(x), len(x) - inside


def describe_clip(view: ClipView) -> str:
    """Return the sentences that say what alpha and the bits do."""
    parts = f"clipping error {amount(view.means[0])} + rounding error {amount(view.means[1])}"
    head = f"α = {number(view.alpha)} and b = {view.bits}: {clips(view.clipped, view.count)}."
    return f"{head} MSE {amount(view.mse)} = {parts}."


def draw_clip(x: Tensor, alpha: float, bits: int) -> Picture:
    """Draw which values clip at one alpha, and the U with a point there."""
    shown = explore_clip(x, bits=bits, whole=True)
    view: ClipView = shown.compute(alpha=alpha, b=bits)
    best = number(round(float(view.alphas[view.curve.sum(axis=1).argmin()]), 1))
    return shown.still(f"The mean squared error over α is a U, lowest near α = {best}.", alpha=alpha)


class Values(Panel):
    """The values as a histogram; below them the levels up to alpha, and hatched what clips."""

    FOOT = 0.2  # where the levels end; the histogram stands a little above

    def __init__(self, axes: Axes, x: Tensor, reach: float) -> None:
        label = "value, units of x (heights are logarithmic)"
        super().__init__(axes, xlim=(-1.04 * reach, 1.04 * reach), ylim=(0, 1), xlabel=label)
        style.number_line(axes)
        counts, self._edges = numpy.histogram(x.flatten().double().numpy(), BINS, (-reach, reach))
        self._base = self.FOOT + 0.04
        self._tops = self._base + 0.74 * numpy.log2(1 + counts) / numpy.log2(1 + counts.max())
        axes.stairs(self._tops, self._edges, baseline=self._base, color=style.ORIGINAL, lw=1.2)
        self._band = self.keep(Rectangle((0, 0.02), 0, self.FOOT - 0.04, color=style.RANGE, alpha=0.4, lw=0))
        self._levels = self.strokes(style.QUANTIZED, lw=1.4)
        self._tails = self.area(style.CLIP)
        self._pixels = axes.get_window_extent().width / (2.08 * reach)

    def update(self, view: ClipView) -> None:
        """Move the levels, and hatch the values that clip."""
        self._band.set(x=-view.alpha, width=2 * view.alpha)
        levels = numpy.clip(view.levels, 2 * self._edges[0], 2 * self._edges[-1])
        every = ceil(4 * len(levels) / max(self._pixels * numpy.ptp(levels), 4))  # closer levels would blur
        drawn = levels[(len(levels) // 2) % every :: every]
        set_strokes(self._levels, uprights(drawn, 0.02, self.FOOT - 0.02))
        edge = clip_edge(view.alpha, view.bits)
        self._tails.set_verts([*self._tail(edge, numpy.inf), *self._tail(-numpy.inf, -edge)])
        self.title.text = apart(view)

    def grab(self, view: ClipView, x: float, y: float) -> Drag:
        """Take the end of the range on the pointer's side to the pointer."""
        return lambda x, y: {"alpha": abs(x)}

    def _tail(self, low: float, high: float) -> list[numpy.ndarray]:
        """Return the outline of the histogram from low to high, if there is any: one outline is drawn fastest."""
        edges = numpy.clip(self._edges, low, high)
        inside = numpy.flatnonzero(numpy.diff(edges) > 0)
        if not len(inside):
            return []
        steps = numpy.repeat(edges[inside[0] : inside[-1] + 2], 2)
        return [numpy.stack([steps, [self._base, *numpy.repeat(self._tops[inside], 2), self._base]], axis=1)]


def apart(view: ClipView) -> str:
    """Return how far apart the levels are, in words."""
    if len(view.levels) < 2:
        return "a single level"
    return f"levels {number(float(f'{numpy.median(numpy.diff(view.levels)):.2g}'))} apart"


class Curve(Panel):
    """The mean squared error over alpha, and its two parts; of clipping where more than chance clips.

    It is drawn from the reader's alpha on, so that who comes from the right finds for himself where it is lowest.
    """

    def __init__(self, axes: Axes, slider: Slider, square: float, whole: bool) -> None:
        self._whole = whole
        self._low, self._high = DEEP * square, 3.0 * square
        limits = {"xlim": (slider.low, 1.02 * slider.high), "ylim": (self._low, 12 * self._high)}  # room for the key
        super().__init__(axes, yscale="log", **limits, xlabel="clip α, units of x")
        axes.set_ylabel("mean squared error (logarithmic)", labelpad=0)
        self._parts = [
            self.line(style.CLIPPED, lw=2.4, ls="dotted", zorder=2),
            self.line(style.ROUNDING_TEXT, lw=1.6, ls="dashed", zorder=4),
        ]
        self._total = self.line(style.ORIGINAL, lw=1.6, zorder=3)
        self._point = self.dot(style.ORIGINAL)
        _draw_key(axes)

    def update(self, view: ClipView) -> None:
        """Draw the U of a view's bits from its alpha on, and put the point there."""
        there = numpy.full(len(view.alphas), True) if self._whole else view.alphas >= view.alpha
        total = numpy.where(there, view.curve.sum(axis=1), numpy.nan)
        self._total.set_data(view.alphas, numpy.clip(total, self._low, self._high))
        for line, part, seen in zip(self._parts, view.curve.T, (view.clipping >= SEEN, there), strict=True):
            drawn = there & seen & (part > self._low)
            line.set_data(view.alphas, numpy.where(drawn, numpy.minimum(part, self._high), numpy.nan))
        self._point.set_data([view.alpha], [min(max(view.mse, self._low), self._high)])
        self.title.text = share_of_clip(view)

    def grab(self, view: ClipView, x: float, y: float) -> Drag:
        """Take the point along the curve."""
        return lambda x, y: {"alpha": x}


def _draw_key(axes: Axes) -> None:
    """Say in a row above the curves which is which."""
    names = (
        ("clipping error", style.CLIPPED, "dotted", 2.4, 0.0),
        ("rounding error", style.ROUNDING_TEXT, "dashed", 1.6, 0.41),
    )
    at: dict[str, Any] = {"transform": axes.transAxes}
    for name, ink, look, width, left in (*names, ("MSE", style.ORIGINAL, "solid", 1.6, 0.83)):
        axes.plot([left + 0.01, left + 0.065], [0.95, 0.95], color=ink, ls=look, lw=width, **at)
        text = style.CLIPPED_TEXT if ink == style.CLIPPED else ink
        axes.text(left + 0.08, 0.95, name, size=9, weight="bold", color=text, va="center", **at)


def share_of_clip(view: ClipView) -> str:
    """Return which part of the error is clipping error, in words."""
    share = 100 * view.means[0] / view.mse if view.mse else 0.0
    if not share:
        return "the MSE is all rounding error"
    return f"{'over 99.9' if share > 99.95 else f'{share:.1f}'} % of the MSE is clipping error"
