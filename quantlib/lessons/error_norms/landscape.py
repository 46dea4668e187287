"""The mean squared error over all rulers, as a map: where min-max stands on it, and where the reader does."""

from dataclasses import dataclass
from math import log10
from typing import Any

import numpy
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox, BboxBase, IdentityTransform
from torch import Tensor

from quantlib.affine import fake_quantize
from quantlib.lab import style
from quantlib.lab.exercise import Function
from quantlib.lab.explore import Explorer, Scene, Slider, View, explorer
from quantlib.lab.learner import StandIn
from quantlib.lab.panel import Drag, Panel
from quantlib.lab.picture import Picture, picture
from quantlib.lab.ruler import QUANT_MAX, QUANT_MIN
from quantlib.lab.words import amount, number
from quantlib.metrics import mse
from quantlib.qparams import choose_qparams

from . import exercises

LARGEST = 100.0  # the map shows this MSE and all larger ones in one colour
SCALE = Slider("s", "scale s", 3.5, 3.0, 5.0, 0.01)
ZERO_POINT = Slider("z", "zero point z", -70, -110, -10, 1)
QUANTLIBS = exercises.l2.stand_in(exercises.l2.reference)
NAME = numpy.array([0.36, 0.19])  # inches from a point to its name, sideways and upwards
AROUND = [(0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (1, -1), (-1, 1), (-1, -1)]
RING: dict[str, Any] = {"marker": "o", "ls": "none", "ms": 12, "mfc": "none", "clip_on": False}


@dataclass(frozen=True)
class LandscapeView(View):
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


@explorer
def explore_landscape(
    x: Tensor, measure: Function = exercises.l2.reference, *, scale: Slider = SCALE, zero_point: Slider = ZERO_POINT
) -> Explorer:
    """Show sliders for s and z over the map of the mean squared error of x: the game is to beat min-max.

    Args:
        x: a few real values.
        measure: f(x, x_hat) that returns the length of the error: quantlib's, or a learner's.
        scale, zero_point: the sliders; the map has their ends and their steps.
    """
    terrain = Terrain(x, scale, zero_point)
    mine = exercises.l2.stand_in(measure, "quantlib's l2_error stands in.")

    def compute(s: float, z: int) -> LandscapeView:
        return terrain.view(s, z, mine)

    scene = Scene((9.2, 4.9), lambda figure: terrain.panels(figure, "you"))
    return Explorer([scale, zero_point], compute, scene, describe)


class Terrain:
    """What does not move: the errors of x on every ruler of the map, and the min-max ruler."""

    def __init__(self, x: Tensor, scale: Slider, zero_point: Slider) -> None:
        self.x, self.low, self.high = x, x.min().item(), x.max().item()
        self.scales = numpy.linspace(scale.low, scale.high, round((scale.high - scale.low) / scale.step) + 1)
        self.zero_points = numpy.arange(int(zero_point.low), int(zero_point.high) + 1)
        scales = torch.tensor(self.scales, dtype=x.dtype)
        self.mse = landscape(x, scales, torch.from_numpy(self.zero_points)).numpy()
        s, z, *_ = choose_qparams(x)
        self.s, self.z, self.minmax = float(s), int(z), mse(x, fake_quantize(x, s, z))

    def view(self, s: float, z: int, measure: StandIn = QUANTLIBS) -> LandscapeView:
        """Return one ruler on the map."""
        x_hat = fake_quantize(self.x, s, z)
        norm, about = measure(self.x, x_hat)
        return LandscapeView(s, z, mse(self.x, x_hat), self.minmax, float(norm), self.slice(z), notices=(about,))

    def slice(self, z: int) -> numpy.ndarray:
        """Return the errors of all scales at one zero point on the map."""
        return numpy.asarray(self.mse[:, z - self.zero_points[0]])

    def panels(self, figure: Figure, name: str) -> list[Panel]:
        """Lay the map and a slice of it out; name: what the ruler of a view is called."""
        beside = figure.add_axes((0.675, 0.13, 0.305, 0.76))
        return [Map(figure.add_axes((0.075, 0.13, 0.46, 0.76)), self, name), Slice(beside, self)]


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


def describe(view: LandscapeView) -> str:
    """Return the sentence that says where the reader's ruler is, and whether it beats min-max."""
    ruler = f"s = {number(view.s)} and z = {number(view.z)}: norm of the error {amount(view.norm)}, "
    ruler += f"MSE {amount(view.mse)}; min-max has the MSE {amount(view.minmax)}. "
    beaten = "You beat min-max" if view.mse < view.minmax else "Min-max is not beaten yet"
    return f"{ruler}{beaten}: your MSE is {_verdict(view)}."


def _verdict(view: LandscapeView) -> str:
    times = view.mse / view.minmax
    if times < 1:
        return f"{100 * (1 - times):.0f} % below min-max"
    return f"{100 * (times - 1):.0f} % above min-max" if times < 3 else f"{times:,.0f} times min-max"


class Map(Panel):
    """The terrain from above: the darker, the smaller the error."""

    def __init__(self, axes: Axes, terrain: Terrain, name: str) -> None:
        super().__init__(axes, xlabel="scale s", ylabel="zero point z")
        axes.set_title("every point is a ruler: dark is good", pad=8)
        scales, zeros = terrain.scales, terrain.zero_points
        image = axes.imshow(
            numpy.log10(terrain.mse.T), cmap=style.MAGNITUDE, vmin=log10(terrain.mse.min()), vmax=log10(LARGEST),
            origin="lower", extent=(scales[0], scales[-1], zeros[0] - 0.5, zeros[-1] + 0.5), aspect="auto",
            interpolation="nearest",
        )  # fmt: skip
        axes.set_autoscale_on(False)
        bar = style.colour_bar(image, {0: "1", 1: "10", 2: "100+"}, share=0.045)
        bar.ax.set_title("MSE", size=9, loc="center", weight="normal", color=style.QUIET, pad=6)
        _draw_borders(axes, terrain)
        axes.plot(terrain.s, terrain.z, "s", ms=8, mfc="white", mec="black", mew=1.2)
        axes.text(terrain.s - 0.06, terrain.z, "min-max", size=9, ha="right", va="center", weight="bold")
        self._taken = [text.get_window_extent() for text in axes.texts]
        self._rings = [self.line(ink, mew=width, **RING) for ink, width in (("white", 4.5), (style.QUANTIZED, 2.2))]
        look: dict[str, Any] = {"size": 9, "bold": True, "color": style.QUANTIZED, "opaque": True}
        self._name = self.label(name, transform=IdentityTransform(), **look)

    def update(self, view: LandscapeView) -> None:
        """Move the reader's point, and its name beside it."""
        for ring in self._rings:
            ring.set_data([view.s], [view.z])
        self._name.at = self._free_place(self.axes.transData.transform((view.s, view.z)))

    def _free_place(self, at: numpy.ndarray) -> tuple[float, float]:
        """Return the first place around a point, in pixels, where the name is on the map and hides no other text."""
        width, height = size = NAME * self.axes.figure.dpi
        bounds = self.axes.bbox.y0 + 0.5 * height, self.axes.bbox.y1 - 0.5 * height
        for direction in AROUND:
            x, y = at + size * direction
            y = float(numpy.clip(y, *bounds)) if direction[0] else y  # above or below, it would hide the point
            room = Bbox.from_extents(x - 0.6 * width, y - 0.5 * height, x + 0.6 * width, y + 0.5 * height)
            if _lies_within(room, self.axes.bbox) and not room.count_overlaps(self._taken):
                break
        return x, y

    def grab(self, view: LandscapeView, x: float, y: float) -> Drag:
        """Take the reader's point to the pointer."""
        return lambda x, y: {"s": x, "z": y}


def _lies_within(inner: BboxBase, outer: BboxBase) -> bool:
    return outer.x0 <= inner.x0 and inner.x1 <= outer.x1 and outer.y0 <= inner.y0 and inner.y1 <= outer.y1


def _draw_borders(axes: Axes, terrain: Terrain) -> None:
    """Draw where the largest and where the smallest value begins to clip, and name the three regions."""
    above = QUANT_MAX + 0.5 - terrain.high / terrain.scales
    below = QUANT_MIN - 0.5 - terrain.low / terrain.scales
    inside = above >= below
    for border in (above, below):
        axes.plot(terrain.scales[inside], border[inside], color="white", lw=1.6, ls=(0, (4, 2)))
    at: dict[str, Any] = {"transform": axes.transAxes, "size": 9, "va": "center"}
    axes.text(0.17, 0.93, f"{number(terrain.high)} clips", **at)
    axes.text(0.17, 0.07, f"{number(terrain.low)} clips", **at)
    axes.text(0.96, 0.5, "nothing clips", color="white", ha="right", **at)


class Slice(Panel):
    """The terrain from the side, along the reader's zero point: below the line, min-max is beaten."""

    def __init__(self, axes: Axes, terrain: Terrain) -> None:
        self._scales, minmax, floor = terrain.scales, terrain.minmax, terrain.mse.min() / 1.6
        super().__init__(axes, xlim=(self._scales[0], self._scales[-1]), yscale="log", ylim=(floor, LARGEST))
        axes.set_yticks([1, 10, 100], ["1", "10", "100"])
        axes.set_yticks([], minor=True)
        axes.set_xlabel("scale s")
        axes.set_ylabel("MSE, units of x, squared", labelpad=1)
        axes.locator_params(axis="x", nbins=5)
        axes.axhspan(floor, minmax, color=style.BETTER, alpha=0.13, lw=0)
        axes.axhline(minmax, color=style.BETTER_TEXT, lw=1.2, ls=(0, (5, 2)))
        bold: dict[str, Any] = {"size": 9, "va": "bottom", "weight": "bold", "color": style.BETTER_TEXT}
        axes.text(0.02, minmax * 1.08, f"min-max\n{amount(minmax)}", transform=axes.get_yaxis_transform(), **bold)
        self._curve = self.line(style.ORIGINAL, lw=1.1)
        self._ring = self.line(style.QUANTIZED, mew=2.2, **RING)
        self._off = self.label(size=9, color=style.QUANTIZED, ha="left", opaque=True)

    def update(self, view: LandscapeView) -> None:
        """Draw the slice at the reader's zero point, and the point on it; a point above the picture becomes a wedge."""
        self._curve.set_data(self._scales, view.slice)
        top, (left, right) = 0.8 * LARGEST, self.axes.get_xlim()
        off = view.mse > top
        self._ring.set_data([view.s], [min(view.mse, top)])
        self._ring.set_marker("^" if off else "o")
        beside = 0.05 * (right - left)
        self._off.ha, shift = ("left", beside) if view.s < (left + right) / 2 else ("right", -beside)
        self._off.at, self._off.text = (view.s + shift, top), f"{amount(view.mse)}, off the scale" if off else ""
        self.title.text = f"z = {number(view.z)}: MSE {_verdict(view)}".replace("times", "×")


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
    view = terrain.view(s, z)
    with style.house_style():
        figure = style.new_figure(9.2, 4.0)
        for panel in terrain.panels(figure, name):
            panel.update(view)
        tip = f"Min-max, at s = {number(terrain.s)} and z = {number(terrain.z)}, stands at the tip of the wedge where"
        other = f"The ruler s = {number(s)}, z = {number(z)} has {amount(view.mse)}: {_verdict(view)}"
        alt = f"Map of the MSE over s and z. {tip} nothing clips, and has {amount(terrain.minmax)}. {other}."
        return picture(figure, alt)
