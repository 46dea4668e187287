"""The range as a choice: its mean squared error as a U over the clip alpha, and the explorer that moves alpha."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import ceil, floor, log10
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
from quantlib.grids import grid
from quantlib.lab import style
from quantlib.lab.explore import Explorer, Scene, Slider
from quantlib.lab.learner import StandIn, reals_problem
from quantlib.lab.panel import Panel, in_order_of_size, set_strokes, strokes, title
from quantlib.lab.picture import Picture, picture
from quantlib.lab.style import CLIP
from quantlib.lab.text import Label
from quantlib.lab.words import amount, number

WIDTHS = range(2, 9)
PLACES = 60  # alphas of the curve
PROBES = 2049  # reals that show where the levels are
BINS = 120
DEEP = 1e-5  # the smallest MSE that the plot shows, as a part of the mean square of x


def quantize_to(x: Tensor, alpha: float, bits: int) -> Tensor:
    """Return x on the narrow symmetric grid whose outermost levels are -alpha and alpha.

    >>> quantize_to(torch.tensor([0.4, 0.6, 5.0]), 3.0, 3).tolist()
    [0.0, 1.0, 3.0]
    """
    quant_min, quant_max = grid(bits, narrow=True)
    return fake_quantize(x, alpha / quant_max, 0, quant_min, quant_max)


# The explorer: which values clip, and the U


@dataclass(frozen=True)
class Clip:
    """What one alpha and one number of bits do to x.

    alpha, bits: what is set.
    clipped, count: how many values clip, and of how many.
    levels: the levels that were seen, sorted.
    means: the mean square of clip and of round, in the squared units of x; shape (2,).
    alphas, curve: places on the slider, and the means at each of them; shapes (n,) and (n, 2).
    notice: what a reader must know beside the numbers, or "".
    """

    alpha: float
    bits: int
    clipped: int
    count: int
    levels: numpy.ndarray
    means: numpy.ndarray
    alphas: numpy.ndarray
    curve: numpy.ndarray
    notice: str = ""

    @property
    def mse(self) -> float:
        """The mean square of the whole error."""
        return float(self.means.sum())


def explore_clip(
    x: Tensor, fake_quantize: Callable[..., Any] = quantize_to, *, alpha: float | None = None, bits: int = 4
) -> Explorer:
    """Show sliders for alpha and for the bits, which values clip, and the U of the mean squared error over alpha.

    Args:
        x: reals, not all 0; a hundred thousand at most, or a new number of bits takes too long.
        fake_quantize: f(x, alpha, bits) that returns x on the narrow symmetric grid up to alpha: quantlib's, or a
            learner's.
        alpha: where its slider begins; by default where nothing clips.
        bits: where their slider begins.
    """
    x = x.clone()  # the caller's may change in a later cell
    slider, mine = alpha_slider(x, alpha), StandIn(fake_quantize, quantize_to, reals_problem)
    sliders = [slider, Slider("b", "bits b", bits, WIDTHS[0], WIDTHS[-1], 1)]
    look = _looker(x, mine, numpy.linspace(slider.low, slider.high, PLACES))
    scene = Scene((9.2, 4.4), lambda figure: clip_panels(figure, x, slider))
    return Explorer(sliders, lambda alpha, b: look(alpha, b), scene, describe_clip)


def alpha_slider(x: Tensor, alpha: float | None = None) -> Slider:
    """Return a slider in round steps that ends where nothing clips."""
    top = max(x.abs().max().item(), 1e-3)
    step = float(10.0 ** floor(log10(top)) / 20)
    high = ceil(top / step) * step
    low, high = (round(end, 6) for end in (2 * step, high))
    return Slider("alpha", "clip α", high if alpha is None else alpha, low, high, step)


def _looker(x: Tensor, mine: StandIn, alphas: numpy.ndarray) -> Callable[[float, int], Clip]:
    """Return the function from alpha and bits to what they do. The curve of a number of bits is worked out once."""
    x = in_order_of_size(x)
    sizes, reach = x.abs(), float(alphas[-1])
    probes = torch.linspace(-reach, reach, PROBES).to(x.dtype)

    def means(alpha: float, bits: int) -> tuple[numpy.ndarray, int, str]:
        x_hat, notice = mine(x, alpha, bits)
        inside = int(torch.searchsorted(sizes, alpha + alpha / grid(bits, narrow=True)[1] / 2, right=True))
        squares = (x.double() - x_hat.double()).square()
        parts = [part.sum().item() / len(x) for part in (squares[inside:], squares[:inside])]
        return numpy.array(parts), inside, notice

    @lru_cache(maxsize=len(WIDTHS))
    def curve(bits: int) -> numpy.ndarray:
        return numpy.array([means(float(alpha), bits)[0] for alpha in alphas])

    def look(alpha: float, bits: int) -> Clip:
        now, inside, notice = means(alpha, bits)
        levels = torch.unique(mine(probes, alpha, bits)[0].double()).numpy()
        return Clip(alpha, bits, len(x) - inside, len(x), levels, now, alphas, curve(bits), notice)

    return look


def describe_clip(view: Clip) -> str:
    """Return the sentences that say what alpha and the bits do."""
    parts = f"clip {amount(view.means[0])} + round {amount(view.means[1])}"
    said = f"α = {number(view.alpha)} and b = {view.bits}: {clip_count(view)}. MSE = {amount(view.mse)}: {parts}."
    return said + (f" {view.notice}" if view.notice else "")


def clip_count(view: Clip) -> str:
    """Return how many values clip, in words."""
    if not view.clipped:
        return "no value clips"
    return f"{view.clipped:,} of {view.count:,} values clip{'s' * (view.clipped == 1)}"


def share_of_clip(view: Clip) -> str:
    """Return which part of the error is clip, in words."""
    share = 100 * view.means[0] / view.mse if view.mse else 0.0
    if not share or share > 99.95:
        return f"the MSE is all {'clip' if share else 'rounding'}"
    return f"{share:.1f} % of the MSE is clip"


def clip_panels(figure: Figure, x: Tensor, slider: Slider) -> list[Panel]:
    """Lay the values with their levels, and the U, out on a figure of 9.2 x 4.4 inches."""
    values = Values(figure.add_axes((0.06, 0.13, 0.42, 0.75)), x, slider.high)
    square = x.double().square().mean().item() or 1.0
    return [values, Curve(figure.add_axes((0.60, 0.13, 0.38, 0.75)), slider, square)]


class Values:
    """The values as a histogram; below them the levels up to alpha, and hatched what clips."""

    FOOT = 0.2

    def __init__(self, axes: Axes, x: Tensor, reach: float) -> None:
        axes.set_xlim(-1.04 * reach, 1.04 * reach)
        axes.set_ylim(0, 1)
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        axes.set_xlabel("value, units of x (heights are logarithmic)")
        counts, self._edges = numpy.histogram(x.flatten().double().numpy(), BINS, (-reach, reach))
        self._tops = self.FOOT + 0.04 + 0.74 * numpy.log2(1 + counts) / numpy.log2(1 + counts.max())
        axes.stairs(self._tops, self._edges, baseline=self.FOOT + 0.04, color=style.ORIGINAL, lw=1.2)
        self._band: Any = axes.add_patch(Rectangle((0, 0.02), 1, self.FOOT - 0.04, color=style.RANGE, alpha=0.4, lw=0))
        self._levels = strokes(axes, color=style.QUANTIZED, lw=1.4)
        self._tails: Any = axes.add_collection(PolyCollection([], **CLIP, linewidth=0, zorder=2), autolim=False)
        self._title = title(axes)
        self._pixels = axes.get_window_extent().width / (2.08 * reach)
        self.moving: Sequence[Artist] = [self._band, self._levels, self._tails, self._title]

    def update(self, view: Clip) -> None:
        """Move the levels, and hatch the values that clip."""
        self._band.set_x(-view.alpha)
        self._band.set_width(2 * view.alpha)
        levels = numpy.clip(view.levels, 2 * self._edges[0], 2 * self._edges[-1])
        every = ceil(4 * len(levels) / max(self._pixels * numpy.ptp(levels), 4))  # closer levels would blur
        set_strokes(self._levels, _uprights(levels[(len(levels) // 2) % every :: every], 0.02, self.FOOT - 0.02))
        edge = view.alpha * (1 + 0.5 / grid(view.bits, narrow=True)[1])
        self._tails.set_verts([*self._tail(edge, numpy.inf), *self._tail(-numpy.inf, -edge)])
        self._title.text = clip_count(view)

    def finding(self, text: str) -> None:
        """Set another title."""
        self._title.text = text

    def _tail(self, low: float, high: float) -> list[numpy.ndarray]:
        """Return the outline of the histogram from low to high, if there is any: one outline is drawn fastest."""
        edges = numpy.clip(self._edges, low, high)
        inside = numpy.flatnonzero(numpy.diff(edges) > 0)
        if not len(inside):
            return []
        steps = numpy.repeat(edges[inside[0] : inside[-1] + 2], 2)
        foot = self.FOOT + 0.04
        return [numpy.stack([steps, [foot, *numpy.repeat(self._tops[inside], 2), foot]], axis=1)]


def _uprights(at: numpy.ndarray, bottom: float, top: float) -> numpy.ndarray:
    """Return vertical lines, shape (n, 2, 2)."""
    heights = numpy.broadcast_to([bottom, top], (len(at), 2))
    return numpy.stack([numpy.stack([at, at], axis=1), heights], axis=2)


class Curve:
    """The mean squared error over alpha, and its two parts."""

    def __init__(self, axes: Axes, slider: Slider, square: float) -> None:
        self._low, self._high = DEEP * square, 3.0 * square
        axes.set_xlim(slider.low, 1.02 * slider.high)
        axes.set_yscale("log")
        axes.set_ylim(self._low, self._high)
        axes.set_xlabel("clip α, units of x")
        axes.set_ylabel("mean squared error (logarithmic)", labelpad=0)
        self._total = axes.plot([], [], color=style.ORIGINAL, lw=1.6, zorder=3)[0]
        self._parts = [
            axes.plot([], [], color=style.CLIPPED, lw=2.4, ls="dotted", zorder=2)[0],
            axes.plot([], [], color=style.ROUNDING_TEXT, lw=1.6, ls="dashed", zorder=4)[0],
        ]
        self._point = axes.plot([], [], "o", color=style.ORIGINAL, ms=8, mec="white", mew=1, zorder=5, clip_on=False)[0]
        inks = (style.CLIPPED_TEXT, "left"), (style.ROUNDING_TEXT, "right")
        self._names = [Label((0, 0), axes.transData, bold=True, color=ink, ha=ha, opaque=True) for ink, ha in inks]
        for label, text in zip(self._names, ("clip", "round"), strict=True):
            label.text = text
            axes.add_artist(label)
        self._title = title(axes)
        self.moving: Sequence[Artist] = [*self._parts, self._total, self._point, *self._names, self._title]

    def update(self, view: Clip) -> None:
        """Draw the U of a view's bits, and put the point at its alpha."""
        self._total.set_data(view.alphas, numpy.clip(view.curve.sum(axis=1), self._low, self._high))
        for line, part in zip(self._parts, view.curve.T, strict=True):
            line.set_data(view.alphas, numpy.where(part > self._low, numpy.minimum(part, self._high), numpy.nan))
        self._point.set_data([view.alpha], [min(max(view.mse, self._low), self._high)])
        self._name(view)
        self._title.text = share_of_clip(view)

    def _name(self, view: Clip) -> None:
        """Write the names below the ends of the curves where they are nearly alone: clip left, round right."""
        for k, label, part in zip((4, -6), self._names, view.curve.T, strict=True):
            height = min(max(float(part[k]) / 1.8, 1.5 * self._low), self._high)
            label.at = float(view.alphas[k]), height


# Figures


def draw_clip(x: Tensor, alpha: float, bits: int) -> Picture:
    """Draw which values clip at one alpha, and the U with a point there: the explorer, standing still."""
    slider = alpha_slider(x)
    own = StandIn(quantize_to, quantize_to, reals_problem)
    view = _looker(x, own, numpy.linspace(slider.low, slider.high, PLACES))(alpha, bits)
    with style.house_style():
        figure = style.new_figure(9.2, 4.4)
        for panel in clip_panels(figure, x, slider):
            panel.update(view)
        best = view.alphas[view.curve.sum(axis=1).argmin()]
        lowest = f"The mean squared error over α is a U, lowest near α = {number(round(float(best), 1))}"
        return picture(figure, f"{lowest}. {describe_clip(view)}")


def draw_two_clips(x: Tensor, alphas: Sequence[float], bits: int) -> Picture:
    """Draw the same values over the levels of each of two ranges, and say how far apart these are."""
    own, slider, told = StandIn(quantize_to, quantize_to, reals_problem), alpha_slider(x), []
    look = _looker(x, own, numpy.array([slider.high]))
    with style.house_style():
        figure = style.new_figure(9.2, 3.4)
        for k, alpha in enumerate(alphas):
            view, panel = look(alpha, bits), Values(figure.add_axes((0.02 + 0.5 * k, 0.16, 0.46, 0.7)), x, slider.high)
            panel.update(view)
            step = number(float(f"{alpha / grid(bits, narrow=True)[1]:.2g}"))
            told.append(f"levels {step} apart, {clip_count(view)}")
            panel.finding(told[-1])
        count = len(view.levels)
        return picture(figure, f"Two ranges for the same values, {count} levels each: {'; '.join(told)}.")


def draw_decibels(names: Mapping[str, Sequence[float]]) -> Picture:
    """Draw the SQNR in dB at 2, 3, ... bits for each name, and what the last bit gains."""
    gains = [f"{values[-1] - values[-2]:.2f} dB for {name}" for name, values in names.items()]
    looks = ("o-", style.ORIGINAL), ("s--", style.QUANTIZED)
    with style.house_style():
        figure = style.new_figure(7.2, 3.7)
        axes = figure.add_axes((0.1, 0.15, 0.86, 0.74))
        for (name, values), (marks, ink) in zip(names.items(), looks, strict=True):
            bits = range(WIDTHS[0], WIDTHS[0] + len(values))
            axes.plot(bits, values, marks, color=ink, lw=1.6, ms=6)
            text = f"{name}: {values[0]:.1f} to {values[-1]:.1f} dB"
            above = values[-1] >= max(v[-1] for v in names.values())
            side: dict[str, Any] = {"ha": "right", "va": "bottom"} if above else {"ha": "left", "va": "top"}
            at = (-10, 4) if above else (10, -8)
            axes.annotate(text, (bits[-3], values[-3]), at, textcoords="offset points", color=ink, **side)
        axes.set_xlabel("bits b")
        axes.set_ylabel("SQNR at the best α, dB")
        finding = f"The last bit brings {', '.join(gains)}"
        axes.set_title(finding)
        told = "; ".join(f"{name} {', '.join(f'{v:.1f}' for v in values)}" for name, values in names.items())
        return picture(figure, f"{finding}. SQNR in dB from {WIDTHS[0]} bits on: {told}.")
