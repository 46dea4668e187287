"""The parts of the pictures of s and z: ruler, staircase, code matrix.

A panel draws what stays still on its axes, owns the artists that move, and moves them to a view. Figures show a panel
once; explorers show several and keep moving them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, log2
from typing import Any

import numpy
import torch
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.transforms import IdentityTransform
from torch import Tensor

from ..affine import unclamped_codes
from ..metrics import l2_error
from . import style
from .labels import Label
from .style import number

FEW = 40  # up to so many values are drawn one by one, more as a histogram
BINS = 120


@dataclass(frozen=True)
class View:
    """Everything that a picture of s and z shows.

    scale, zero_point, quant_min, quant_max: the ruler.
    x, q, x_hat: input, codes and reconstruction, of one shape.
    clipped: where the code before the clamp is outside the grid.
    curve: the reconstruction of the staircase's inputs.
    notice: what a reader must know beside the numbers, or "".
    """

    scale: float
    zero_point: int
    quant_min: int
    quant_max: int
    x: Tensor
    q: Tensor
    x_hat: Tensor
    clipped: Tensor
    curve: Tensor
    notice: str = ""

    @property
    def low(self) -> float:
        """The smallest real number on the ruler."""
        return self.scale * (self.quant_min - self.zero_point)

    @property
    def high(self) -> float:
        """The largest real number on the ruler."""
        return self.scale * (self.quant_max - self.zero_point)


def is_clipped(x: Tensor, s: float, z: int, quant_min: int, quant_max: int) -> Tensor:
    """Return where the code of x, before the clamp, is outside the grid."""
    codes = unclamped_codes(x, s, z)
    return (codes < quant_min) | (codes > quant_max)


class Ruler:
    """A number line: the values above, the levels that the codes stand for below."""

    def __init__(self, axes: Axes, x: Tensor, limits: tuple[float, float]) -> None:
        self._axes, self._few, self._limits = axes, x.numel() <= FEW, limits
        self._base, self._edge = (0.2, 0.5) if self._few else (0.14, 0.34)  # the band of the levels
        axes.set_xlim(limits)
        axes.set_ylim(0, 1)
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        axes.set_xlabel("real value r")
        self._pixels = axes.get_window_extent().width / (limits[1] - limits[0])
        self._dots: list[Line2D] = []  # the values, if they are few; a histogram stays as it is
        self._draw_values(x)
        self._title = title(axes)
        self._band = Rectangle((0, self._base), 1, self._edge - self._base, color=style.RANGE, alpha=0.4, lw=0)
        axes.add_patch(self._band)
        self._levels = strokes(axes, color=style.QUIET, lw=0.7)
        self._zero = axes.plot([0, 0], [self._base, self._edge], color=style.QUANTIZED, lw=2.5)[0]
        self._ends = [
            Label((0, self._base - 0.09), axes.transData, size=9, color=style.QUANTIZED, ha=ha)
            for ha in ("right", "left")
        ]
        for label in self._ends:
            axes.add_artist(label)
        self._inside = strokes(axes, color=style.QUANTIZED, lw=1.2 if self._few else 2)
        self._outside = strokes(axes, color=style.CLIPPED, lw=1.8 if self._few else 3, ls="dotted")
        self.moving: Sequence[Artist] = [
            self._band, self._levels, self._zero, self._inside, self._outside, *self._dots, *self._ends, self._title,
        ]  # fmt: skip

    def _draw_values(self, x: Tensor) -> None:
        values = x.flatten().double().numpy()
        margin: dict[str, Any] = {
            "size": 9,
            "ha": "right",
            "va": "center",
            "transform": self._axes.get_yaxis_transform(),
        }
        self._axes.text(-0.012, (self._base + self._edge) / 2, "levels", color=style.QUIET, **margin)
        if self._few:
            row = numpy.full(len(values), 0.9)
            self._dots = self._axes.plot(values, row, "o", color=style.ORIGINAL, ms=5.5, zorder=5, clip_on=False)
            self._axes.text(-0.012, 0.9, "values", color=style.ORIGINAL, **margin)
            return
        counts, edges = numpy.histogram(values, BINS, self._limits)
        self._full = log2(1 + len(values))
        self._axes.stairs(self._height(counts), edges, baseline=self._edge + 0.02, color=style.ORIGINAL, lw=1.2)
        for count in (1, 10**2, 10**4, 10**6):
            if count <= len(values):
                height = float(self._height(numpy.array(count)))
                self._axes.text(-0.012, height, f"{count:,}", color=style.QUIET, **margin)
                self._axes.axhline(height, color=style.LEVELS, lw=0.5, zorder=0)

    def _height(self, counts: numpy.ndarray) -> numpy.ndarray:
        """Return how high a count is drawn, on a logarithmic scale."""
        foot = self._edge + 0.02
        return numpy.asarray(foot + numpy.log2(1 + counts) / self._full * (1 - foot))

    def update(self, view: View) -> None:
        """Move band, levels and values to a view."""
        low, high, count = view.low, view.high, view.quant_max - view.quant_min + 1
        self._band.set_bounds(low, self._base, high - low, self._edge - self._base)
        every = 2 ** max(0, ceil(log2(4 / (view.scale * self._pixels))))  # levels closer than 4 pixels would blur
        shown = numpy.arange(view.quant_min, view.quant_max + 1)
        shown = shown[(shown - view.zero_point) % every == 0]
        set_strokes(self._levels, _uprights(view.scale * (shown - view.zero_point), self._base, self._edge))
        self._zero.set_visible(view.quant_min <= view.zero_point <= view.quant_max)
        gap = f" (1 in {every} drawn)" if every > 1 else ""
        self._title.text = f"{count} levels, from {number(low)} to {number(high)}{gap}"
        self._label_ends(low, high, view)
        (self._connect if self._few else self._count)(view)

    def _label_ends(self, low: float, high: float, view: View) -> None:
        """Name the first and the last code under their levels: inside the axes, and never over each other."""
        left, right = self._limits
        room = self._axes.figure.dpi * 0.75 / self._pixels
        height = self._ends[0].at[1]
        self._ends[0].at, self._ends[0].text = (max(low, left + room), height), f"q = {number(view.quant_min)}"
        self._ends[1].at, self._ends[1].text = (min(high, right - room), height), f"q = {number(view.quant_max)}"

    def hide_mapping(self) -> None:
        """Leave out which level each value gets."""
        self._inside.set_visible(False)
        self._outside.set_visible(False)

    def _connect(self, view: View) -> None:
        self._dots[0].set_xdata(view.x.flatten().numpy())
        pairs = numpy.stack([view.x.flatten().double().numpy(), view.x_hat.flatten().double().numpy()], axis=1)
        segments = numpy.stack([pairs, numpy.broadcast_to([0.9, self._edge], pairs.shape)], axis=2)
        clipped = view.clipped.flatten().numpy()
        set_strokes(self._inside, segments[~clipped])
        set_strokes(self._outside, segments[clipped])

    def _count(self, view: View) -> None:
        codes = (view.q.flatten().int() - view.quant_min).clamp_(0, view.quant_max - view.quant_min)
        counts = torch.bincount(codes).numpy()
        used = numpy.flatnonzero(counts)
        at = view.scale * (used + view.quant_min - view.zero_point)
        bars = _uprights(at, self._edge + 0.02, self._height(counts[used]))
        ends = numpy.isin(used, torch.unique(codes[view.clipped.flatten()]).numpy())
        set_strokes(self._inside, bars[~ends])
        set_strokes(self._outside, bars[ends])


class Staircase:
    """The transfer curve: which reconstruction each input gets."""

    def __init__(self, axes: Axes, inputs: Tensor) -> None:
        self._inputs = inputs.double().numpy()
        limits = float(inputs[0]), float(inputs[-1])
        axes.set_xlim(limits)
        axes.set_ylim(limits)
        axes.locator_params(nbins=5)
        axes.set_xlabel("real value r, near zero")
        axes.set_ylabel("reconstruction")
        axes.plot(limits, limits, color=style.ORIGINAL, lw=1)
        axes.text(limits[1] * 0.97, limits[1] * 0.45, "no error", size=9, ha="right")
        axes.axhline(0, color=style.LEVELS, lw=0.8, zorder=0)
        axes.axvline(0, color=style.LEVELS, lw=0.8, zorder=0)
        self._title = title(axes)
        self._steps = axes.plot([], [], color=style.QUANTIZED, lw=2)[0]
        self._flat = axes.plot([], [], color=style.CLIPPED, lw=2.6, ls="dotted")[0]
        self.moving: Sequence[Artist] = [self._steps, self._flat, self._title]

    def update(self, view: View) -> None:
        """Move the stairs to a view."""
        curve = view.curve.double().numpy()
        half = view.scale / 2
        outside = (self._inputs < view.low - half) | (self._inputs > view.high + half)
        self._steps.set_data(self._inputs, numpy.where(outside, numpy.nan, curve))
        self._flat.set_data(self._inputs, numpy.where(outside, curve, numpy.nan))
        self.finding = self._title.text = _staircase_title(view, outside, curve[abs(self._inputs).argmin()])


class CodeCells:
    """A small matrix: in each cell the real number, its code, and what the code stands for."""

    def __init__(self, axes: Axes, x: Tensor) -> None:
        rows, columns = x.shape
        style.bare(axes)
        axes.set_xlim(0, columns)
        axes.set_ylim(rows, 0)
        self._title = title(axes)
        self._frames, self._values, self._codes, self._reals = [], [], [], []
        for i, j in numpy.ndindex(rows, columns):
            axes.add_patch(Rectangle((j + 0.03, i + 0.03), 0.94, 0.94, fill=False, ec=style.LEVELS, lw=1))
            frame = Rectangle(
                (j + 0.05, i + 0.05), 0.9, 0.9, fill=False, ec=style.CLIPPED, lw=2, ls="dotted", hatch="//"
            )
            self._frames.append(axes.add_patch(frame))
            self._values.append(Label((j + 0.5, i + 0.2), axes.transData, size=9.5, opaque=True))
            self._codes.append(Label((j + 0.5, i + 0.51), axes.transData, size=17, bold=True, opaque=True))
            self._reals.append(Label((j + 0.5, i + 0.83), axes.transData, size=9.5, color=style.QUANTIZED, opaque=True))
        self.moving: Sequence[Artist] = [*self._frames, *self._values, *self._codes, *self._reals, self._title]
        for label in (*self._values, *self._codes, *self._reals):
            axes.add_artist(label)

    def update(self, view: View) -> None:
        """Write the codes of a view."""
        cells = zip(self._frames, self._values, self._codes, self._reals, strict=True)
        numbers = zip(*(t.flatten().tolist() for t in (view.x, view.q, view.x_hat, view.clipped)), strict=True)
        for (frame, value, code, real), (x, q, x_hat, clipped) in zip(cells, numbers, strict=True):
            frame.set_visible(clipped)
            value.text, code.text, real.text = number(x), number(q), number(x_hat)
            code.color = style.CLIPPED_TEXT if clipped else style.QUANTIZED
        self._title.text = clip_sentence(view)


class CodeImage:
    """A window on a large matrix: every code as a colour."""

    def __init__(self, axes: Axes, window: tuple[slice, slice], quant_min: int, quant_max: int) -> None:
        self._window = window
        rows, columns = window
        axes.set_xlabel(f"columns {columns.start} to {columns.stop - 1}")
        axes.set_ylabel(f"rows {rows.start} to {rows.stop - 1}")
        axes.set_xticks([])
        axes.set_yticks([])
        blank = numpy.zeros((rows.stop - rows.start, columns.stop - columns.start))
        self._image = axes.imshow(blank, cmap=style.SIGNED, vmin=-1, vmax=1, interpolation="nearest", aspect="auto")
        self._title = title(axes)
        bar = axes.figure.colorbar(self._image, ax=axes, fraction=0.035, pad=0.02, ticks=[-1, 0, 1])
        bar.ax.set_yticklabels([number(quant_min), "z", number(quant_max)])
        bar.outline.set_visible(False)
        self.moving: Sequence[Artist] = [self._image, self._title]

    def update(self, view: View) -> None:
        """Colour the codes of a view: white is the zero point, the code of 0.0."""
        steps = view.q[self._window].double() - view.zero_point
        ends = torch.tensor([view.zero_point - view.quant_min, view.quant_max - view.zero_point]).clamp(min=1)
        self._image.set_data(torch.where(steps < 0, steps / ends[0], steps / ends[1]).numpy())
        self._title.text = f"{len(torch.unique(view.q[self._window]))} different codes in this window"


def strokes(axes: Axes, **look: Any) -> Line2D:
    """Return straight lines, so far none, as one line with gaps: it is drawn faster than a LineCollection."""
    return axes.plot([], [], **{"solid_capstyle": "butt", "dash_capstyle": "butt", **look})[0]


def set_strokes(line: Line2D, segments: numpy.ndarray) -> None:
    """Draw segments, shape (n, 2, 2): for each its two ends (x, y)."""
    points = numpy.full((len(segments), 3, 2), numpy.nan)  # a NaN between two segments is a gap
    points[:, :2] = segments
    line.set_data(points[..., 0].ravel(), points[..., 1].ravel())


def title(axes: Axes) -> Label:
    """Return the title of a panel, which says what it shows and changes with it."""
    at = axes.transAxes.transform((0, 1))
    inches = axes.figure.dpi
    label = Label((at[0], at[1] + 0.17 * inches), IdentityTransform(), size=11, bold=True, ha="left")
    axes.figure.add_artist(label)
    return label


def clip_sentence(view: View) -> str:
    """Return how many values clip, in words."""
    clipped, count = int(view.clipped.sum()), view.clipped.numel()
    return f"{clipped} of {count} values {'clips' if clipped == 1 else 'clip'}" if clipped else "no value clips"


def describe(view: View) -> str:
    """Return the sentence that says what a picture of s and z shows."""
    norm = l2_error(view.x, view.x_hat)
    ruler = f"s = {number(view.scale)} and z = {number(view.zero_point)}: "
    ruler += f"the levels reach from {number(view.low)} to {number(view.high)}; {clip_sentence(view)}. "
    return f"{ruler}Norm of the error: {norm:.4f}." + (f" {view.notice}" if view.notice else "")


def _staircase_title(view: View, outside: numpy.ndarray, zero: float) -> str:
    """Return what the stairs show; zero is what the function drawn, which may be a learner's, makes of 0."""
    if outside.all():
        return "every value near zero clips"
    return f"steps of {number(view.scale)}; 0 " + (f"comes back as {number(zero)}" if zero else "stays exactly 0")


def _uprights(at: numpy.ndarray, bottom: float, top: float | numpy.ndarray) -> numpy.ndarray:
    """Return vertical line segments, shape (n, 2, 2)."""
    ends = numpy.broadcast_to(numpy.stack(numpy.broadcast_arrays(bottom, top), axis=-1), (len(at), 2))
    return numpy.stack([numpy.stack([at, at], axis=1), ends], axis=2)
