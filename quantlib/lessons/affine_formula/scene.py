"""What stands around the sliders for s and z: the ruler, its staircase, and the codes of a matrix."""

from math import ceil
from typing import Any

import numpy
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from quantlib.lab import style
from quantlib.lab.explore import Scene
from quantlib.lab.panel import Panel
from quantlib.lab.ruler import QUANT_MAX, QUANT_MIN, CodeCells, RulerView
from quantlib.lab.words import number

from .touch import LooseRuler

CELL = "in each tile: the value, its code, what comes back"


def ruler_scene(
    x: Tensor,
    inputs: Tensor,
    limits: tuple[float, float],
    window: tuple[slice, slice] | None,
) -> Scene:
    """Return the scene of a ruler, its staircase and the codes of x.

    Args:
        x: a matrix of reals.
        inputs: of the staircase.
        limits: the ends of the number line.
        window: which rows and columns of a large x are shown as colours; None writes the numbers of a small one.
    """

    def lay_out(figure: Figure) -> list[Panel]:
        beside = figure.add_axes((0.605, 0.11, 0.345, 0.40) if window else (0.585, 0.11, 0.39, 0.40))
        if not window:
            beside.text(0.5, -0.03, CELL, size=9, color=style.QUIET, ha="center", va="top", transform=beside.transAxes)
        return [
            LooseRuler(figure.add_axes((0.095, 0.685, 0.88, 0.25)), x, limits),
            Staircase(figure.add_axes((0.095, 0.11, 0.385, 0.40)), inputs),
            CodeImage(beside, window, QUANT_MIN, QUANT_MAX) if window else CodeCells(beside, x),
        ]

    return Scene((9.2, 5.1), lay_out)


class Staircase(Panel):
    """The transfer curve: what comes back for each input. On the right are the codes of the levels."""

    def __init__(self, axes: Axes, inputs: Tensor) -> None:
        limits = float(inputs[0]), float(inputs[-1])
        labels = {"xlabel": "value x, near 0.0", "ylabel": "what comes back"}
        super().__init__(axes, xlim=limits, ylim=limits, **labels)
        self._inputs = inputs.double().numpy()
        axes.locator_params(nbins=5)
        axes.plot(limits, limits, color=style.ORIGINAL, lw=1)
        axes.text(limits[1] * 0.97, limits[1] * 0.45, "no error", size=9, ha="right")
        axes.axhline(0, color=style.LEVELS, lw=0.8, zorder=0)
        axes.axvline(0, color=style.LEVELS, lw=0.8, zorder=0)
        self._steps = self.line(style.QUANTIZED, lw=2)
        self._flat = self.line(style.CLIPPED, lw=2.6, ls="dotted")
        box = axes.get_window_extent()
        self._least = 0.17 * axes.figure.dpi / box.height * (limits[1] - limits[0])  # from one code to the next
        edge = limits[1] + 0.08 * axes.figure.dpi / box.width * (limits[1] - limits[0])
        many = 2 * int(limits[1] / self._least) + 1
        self._codes = [self.label(at=(edge, 0), size=9, ha="left", color=style.QUANTIZED) for _ in range(many)]
        aside: dict[str, Any] = {"transform": axes.transAxes, "size": 10, "va": "center", "rotation": 90}
        axes.text(
            1 + 0.6 * axes.figure.dpi / box.width,
            0.5,
            "code q, z in bold",
            color=style.QUANTIZED,
            ha="center",
            **aside,
        )

    def update(self, view: RulerView) -> None:
        """Move the stairs to a view."""
        curve = view.curve.double().numpy()
        half = view.scale / 2
        outside = (self._inputs < view.low - half) | (self._inputs > view.high + half)
        self._steps.set_data(self._inputs, numpy.where(outside, numpy.nan, curve))
        self._flat.set_data(self._inputs, numpy.where(outside, curve, numpy.nan))
        self.finding = self.title.text = _staircase_title(self._inputs, curve, outside, view.scale)
        self._label_codes(view)

    def _label_codes(self, view: RulerView) -> None:
        """Write the codes beside their levels: as many of them as there is room for, and z always."""
        every = ceil(self._least / view.scale)
        middle = len(self._codes) // 2
        for k, label in enumerate(self._codes, -middle):
            code, height = view.zero_point + k * every, k * every * view.scale
            seen = view.quant_min <= code <= view.quant_max and abs(height) <= self._inputs[-1]
            label.at, label.bold = (label.at[0], height), k == 0
            label.text = number(code) if seen else ""


class CodeImage(Panel):
    """A window on a large matrix: every code as a colour."""

    def __init__(self, axes: Axes, window: tuple[slice, slice], quant_min: int, quant_max: int) -> None:
        rows, columns = window
        labels = {
            "xlabel": f"columns {columns.start} to {columns.stop - 1}",
            "ylabel": f"rows {rows.start} to {rows.stop - 1}",
        }
        super().__init__(axes, xticks=[], yticks=[], **labels)
        self._window = window
        blank = numpy.zeros((rows.stop - rows.start, columns.stop - columns.start))
        image = axes.imshow(blank, cmap=style.SIGNED, vmin=-1, vmax=1, interpolation="nearest", aspect="auto")
        self._image = self.keep(image)
        style.colour_bar(image, {-1: number(quant_min), 0: "z", 1: number(quant_max)})

    def update(self, view: RulerView) -> None:
        """Colour the codes of a view: white is the zero point, the code of 0.0."""
        steps = view.q[self._window].double() - view.zero_point
        ends = torch.tensor([view.zero_point - view.quant_min, view.quant_max - view.zero_point]).clamp(min=1)
        self._image.set_data(torch.where(steps < 0, steps / ends[0], steps / ends[1]).numpy())
        self.title.text = f"{len(torch.unique(view.q[self._window]))} different codes in this window"


def _staircase_title(inputs: numpy.ndarray, curve: numpy.ndarray, outside: numpy.ndarray, step: float) -> str:
    """Return what the stairs show: it is said of the function drawn, which may be a learner's."""
    if outside.all():
        return "all of this lies beyond the levels"
    off, zero = numpy.abs(curve - inputs)[~outside].max(), curve[abs(inputs).argmin()]
    half = off <= step / 2 * 1.001  # floats are rounded too; and the inputs need not hit the half-way points
    most = f"at most s/2 = {number(step / 2)}" if half else f"up to {number(off)}"
    return f"{most} off on the ruler; 0 {f'becomes {number(zero)}' if zero else 'stays 0'}"
