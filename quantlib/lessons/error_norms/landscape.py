"""The mean squared error over all rulers, as a map: where min-max stands on it, and where the reader does."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import log10
from typing import Any

import numpy
import torch
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from quantlib.affine import fake_quantize
from quantlib.lab import style
from quantlib.lab.explore import Explorer, Scene, Slider
from quantlib.lab.learner import StandIn, number_problem
from quantlib.lab.panel import Panel, title
from quantlib.lab.picture import Picture, picture
from quantlib.lab.ruler import QUANT_MAX, QUANT_MIN
from quantlib.lab.text import Label
from quantlib.lab.words import number
from quantlib.metrics import l2_error, mse
from quantlib.qparams import choose_qparams

LARGEST = 100.0  # the map shows this MSE and all larger ones in one colour
SCALE = Slider("s", "scale s", 3.5, 3.0, 5.0, 0.01)
ZERO_POINT = Slider("z", "zero point z", -70, -110, -10, 1)


@dataclass(frozen=True)
class Point:
    """A ruler on the map.

    mse: its mean squared error, in units of x, squared; minmax: that of the min-max ruler.
    norm: the length of its error, by quantlib's measure or by the learner's.
    slice: the mean squared error of every scale on the map, at this zero point.
    """

    s: float
    z: int
    mse: float
    minmax: float
    norm: float
    slice: numpy.ndarray
    notice: str = ""


def landscape(x: Tensor, scales: Tensor, zero_points: Tensor) -> Tensor:
    """Return the mean squared error of x on every ruler, in float64.

    Shapes: x any shape; scales (m,); zero_points (n,); the result is (m, n).
    Args:
        x: real values; m n times as many are computed at once.
        scales: real units per step.
        zero_points: the integers that mean 0.0.

    >>> landscape(torch.tensor([1.0, 4.0]), torch.tensor([1.0, 2.0]), torch.tensor([0, 125])).tolist()
    [[0.0, 2.0], [0.5, 0.5]]
    """
    wide = x.flatten().expand(len(scales), len(zero_points), -1)
    x_hat = fake_quantize(wide, scales[:, None, None], zero_points[None, :, None])
    return (wide.double() - x_hat.double()).square().mean(dim=-1)


class Terrain:
    """What does not move: the map of x, its axes, and the min-max ruler."""

    def __init__(self, x: Tensor, scale: Slider, zero_point: Slider) -> None:
        self.scales = numpy.linspace(scale.low, scale.high, round((scale.high - scale.low) / scale.step) + 1)
        self.zero_points = numpy.arange(int(zero_point.low), int(zero_point.high) + 1)
        scales = torch.tensor(self.scales, dtype=x.dtype)
        self.mse = landscape(x, scales, torch.from_numpy(self.zero_points)).numpy()
        s, z, *_ = choose_qparams(x)
        self.s, self.z, self.minmax = float(s), int(z), mse(x, fake_quantize(x, s, z))
        self.low, self.high = x.min().item(), x.max().item()

    def slice(self, z: int) -> numpy.ndarray:
        """Return the errors of all scales at one zero point on the map."""
        return numpy.asarray(self.mse[:, z - self.zero_points[0]])


class Map:
    """The terrain from above: the darker, the smaller the error."""

    def __init__(self, axes: Axes, terrain: Terrain, name: str) -> None:
        scales, zeros = terrain.scales, terrain.zero_points
        extent = scales[0], scales[-1], zeros[0] - 0.5, zeros[-1] + 0.5
        image = axes.imshow(
            numpy.log10(terrain.mse.T), cmap=style.MAGNITUDE, vmin=log10(terrain.mse.min()), vmax=log10(LARGEST),
            origin="lower", extent=extent, aspect="auto", interpolation="nearest",
        )  # fmt: skip
        axes.set_autoscale_on(False)
        axes.set_xlabel("scale s")
        axes.set_ylabel("zero point z")
        axes.set_title("min-max stands at the edge of a cliff", pad=8)
        _colour_bar(axes, image)
        self._draw_borders(axes, terrain)
        axes.plot(terrain.s, terrain.z, "s", ms=8, mfc="white", mec="black", mew=1.2)
        axes.text(terrain.s - 0.06, terrain.z, "min-max", size=9, ha="right", va="center", weight="bold")
        self._rim = axes.plot([], [], "o", ms=12, mfc="none", mec="white", mew=4.5, clip_on=False)[0]
        self._dot = axes.plot([], [], "o", ms=12, mfc="none", mec=style.QUANTIZED, mew=2.2, clip_on=False)[0]
        self._name = Label((0, 0), axes.transData, size=9, bold=True, color=style.QUANTIZED, opaque=True)
        self._name.text = name
        self._room = scales[0] + 0.04 * (scales[-1] - scales[0]), scales[-1] - 0.04 * (scales[-1] - scales[0])
        self._lift = (zeros[-1] - zeros[0]) * 0.075
        axes.add_artist(self._name)
        self.moving: Sequence[Artist] = [self._rim, self._dot, self._name]

    @staticmethod
    def _draw_borders(axes: Axes, terrain: Terrain) -> None:
        """Draw where the largest and where the smallest value begins to clip, and name the three regions."""
        above = QUANT_MAX + 0.5 - terrain.high / terrain.scales
        below = QUANT_MIN - 0.5 - terrain.low / terrain.scales
        inside = above >= below
        for border in (above, below):
            axes.plot(terrain.scales[inside], border[inside], color="white", lw=1.6, ls=(0, (4, 2)))
        at: dict[str, Any] = {"transform": axes.transAxes, "size": 9, "ha": "left", "va": "center"}
        axes.text(0.04, 0.93, f"{number(terrain.high)} clips", **at)
        axes.text(0.04, 0.07, f"{number(terrain.low)} clips", **at)
        axes.text(0.96, 0.5, "nothing clips", color="white", **{**at, "ha": "right"})

    def update(self, view: Point) -> None:
        """Move the reader's point."""
        for ring in (self._rim, self._dot):
            ring.set_data([view.s], [view.z])
        at = min(max(view.s, self._room[0]), self._room[1])
        self._name.at = at, view.z + (self._lift if view.z < -20 else -self._lift)


class Slice:
    """The terrain from the side, along the reader's zero point: below the line, min-max is beaten."""

    def __init__(self, axes: Axes, terrain: Terrain) -> None:
        self._scales = terrain.scales
        floor = terrain.mse.min() / 1.6
        axes.set_xlim(terrain.scales[0], terrain.scales[-1])
        axes.set_yscale("log")
        axes.set_ylim(floor, LARGEST)
        axes.set_yticks([1, 10, 100], ["1", "10", "100"])
        axes.set_yticks([], minor=True)
        axes.set_xlabel("scale s")
        axes.set_ylabel("MSE, units of x, squared", labelpad=1)
        axes.locator_params(axis="x", nbins=5)
        axes.axhspan(floor, terrain.minmax, color=style.BETTER, alpha=0.13, lw=0)
        axes.axhline(terrain.minmax, color=style.BETTER_TEXT, lw=1.2, ls=(0, (5, 2)))
        axes.text(
            0.02, terrain.minmax * 1.08, f"min-max\n{terrain.minmax:.4f}", size=9, va="bottom", weight="bold",
            color=style.BETTER_TEXT, transform=axes.get_yaxis_transform(),
        )  # fmt: skip
        self._title = title(axes)
        self._curve = axes.plot([], [], color=style.ORIGINAL, lw=1.1)[0]
        self._dot = axes.plot([], [], "o", ms=12, mfc="none", mec=style.QUANTIZED, mew=2.2, clip_on=False)[0]
        self._off = Label((0, 0), axes.transData, size=9, color=style.QUANTIZED, ha="left", opaque=True)
        axes.add_artist(self._off)
        self.moving: Sequence[Artist] = [self._curve, self._dot, self._off, self._title]

    def update(self, view: Point) -> None:
        """Draw the slice at the reader's zero point, and the point on it; a point above the picture becomes a wedge."""
        self._curve.set_data(self._scales, view.slice)
        off = view.mse > 0.8 * LARGEST
        self._dot.set_data([view.s], [min(view.mse, 0.8 * LARGEST)])
        self._dot.set_marker("^" if off else "o")
        room = self._scales[0] + 0.48 * (self._scales[-1] - self._scales[0])
        self._off.at = min(view.s + 0.05 * (self._scales[-1] - self._scales[0]), room), 0.8 * LARGEST
        self._off.text = f"{number(view.mse)}, off the scale" if off else ""
        self._title.text = f"at z = {number(view.z)}: {_verdict(view)}"


def _colour_bar(axes: Axes, image: Any) -> None:
    bar = axes.figure.colorbar(image, ax=axes, fraction=0.045, pad=0.02, ticks=[0, 1, 2])
    bar.ax.set_yticklabels(["1", "10", "100+"])
    bar.ax.set_title("MSE", size=9, loc="center", weight="normal", color=style.QUIET, pad=6)
    bar.outline.set_visible(False)


def _verdict(view: Point) -> str:
    if view.mse < view.minmax:
        return f"{100 * (1 - view.mse / view.minmax):.0f} % below min-max"
    times = view.mse / view.minmax
    return f"{100 * (times - 1):.0f} % above min-max" if times < 3 else f"{times:.0f} times min-max"


def describe(view: Point) -> str:
    """Return the sentence that says where the reader's ruler is, and whether it beats min-max."""
    ruler = f"s = {number(view.s)} and z = {number(view.z)}: norm of the error {number(view.norm)}, "
    ruler += f"MSE {view.mse:.4f}; min-max has {view.minmax:.4f}. "
    beaten = "You beat min-max" if view.mse < view.minmax else "Min-max is not beaten yet"
    return f"{ruler}{beaten}: this is {_verdict(view)}." + (f" {view.notice}" if view.notice else "")


def _panels(figure: Figure, terrain: Terrain, name: str) -> list[Panel]:
    return [
        Map(figure.add_axes((0.075, 0.13, 0.46, 0.76)), terrain, name),
        Slice(figure.add_axes((0.675, 0.13, 0.305, 0.76)), terrain),
    ]


def _point(x: Tensor, terrain: Terrain, s: float, z: int, measure: Callable[..., Any]) -> Point:
    x_hat = fake_quantize(x, s, z)
    norm, notice = measure(x, x_hat)
    return Point(s, z, mse(x, x_hat), terrain.minmax, float(norm), terrain.slice(z), notice)


def draw_landscape(
    x: Tensor, s: float, z: int, name: str = "here", *, scale: Slider = SCALE, zero_point: Slider = ZERO_POINT
) -> Picture:
    """Draw the mean squared error of x over all rulers, with min-max and one other ruler on it.

    Args:
        x: a few real values.
        s, z: the other ruler; name: what it is called on the map.
        scale, zero_point: the map reaches from the low to the high end of each, in its steps.
    """
    terrain = Terrain(x, scale, zero_point)
    view = _point(x, terrain, s, z, StandIn(l2_error, l2_error, number_problem))
    with style.house_style():
        figure = style.new_figure(9.2, 4.4)
        for panel in _panels(figure, terrain, name):
            panel.update(view)
        tip = f"Min-max, at s = {number(terrain.s)} and z = {number(terrain.z)}, stands at the tip of the wedge where"
        other = f"The ruler s = {number(s)}, z = {number(z)} has {view.mse:.4f}: {_verdict(view)}"
        alt = f"Map of the MSE over s and z. {tip} nothing clips, and has {terrain.minmax:.4f}. {other}."
        return picture(figure, alt)


def explore_landscape(
    x: Tensor, measure: Callable[..., Any] = l2_error, *, scale: Slider = SCALE, zero_point: Slider = ZERO_POINT
) -> Explorer:
    """Show sliders for s and z over the map of the mean squared error of x: the game is to beat min-max.

    Args:
        x: a few real values.
        measure: f(x, x_hat) that returns the length of the error: quantlib's, or a learner's.
        scale, zero_point: the sliders; the map has their ends and their steps.
    """
    x = x.clone()  # the caller's may change in a later cell
    terrain = Terrain(x, scale, zero_point)
    guarded = StandIn(measure, l2_error, number_problem, "quantlib's l2_error stands in.")
    scene = Scene((9.2, 4.9), lambda figure: _panels(figure, terrain, "you"))

    def compute(s: float, z: int) -> Point:
        return _point(x, terrain, s, z, guarded)

    return Explorer([scale, zero_point], compute, scene, describe)
