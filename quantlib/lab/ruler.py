"""Panels of s and z: the ruler, and the codes of a small matrix."""

from dataclasses import dataclass
from math import ceil, log2
from typing import Any

import numpy
import torch
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from torch import Tensor

from ..affine import dequantize, quantize, unclamped_codes
from ..grids import grid
from ..metrics import l2_error
from . import style
from .explore import View
from .panel import FEW, Panel, set_strokes, uprights
from .words import clips, number

QUANT_MIN, QUANT_MAX = grid(8)
BINS = 120


@dataclass(frozen=True)
class RulerView(View):
    """Everything that a picture of s and z shows.

    scale, zero_point, quant_min, quant_max: the ruler.
    x, q, x_hat: input, codes and reconstruction, of one shape.
    clipped: where the code before the clamp is outside the grid.
    curve: the reconstruction of the staircase's inputs.
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


def sparse_levels(s: float, z: int, codes: numpy.ndarray, pixels: float) -> tuple[numpy.ndarray, int]:
    """Return the levels to draw, 1 in how many of all that the codes stand for; pixels: in one unit of the reals."""
    every = 2 ** max(0, ceil(log2(4 / (s * pixels))))  # levels closer than 4 pixels would blur
    return s * (codes[(codes - z) % every == 0] - z), every


class Ruler(Panel):
    """A number line: the values above, the levels that the codes stand for below.

    The values, where they are few, are dots; else how many there are, in black, and how many come back as each level.
    """

    def __init__(self, axes: Axes, x: Tensor, limits: tuple[float, float]) -> None:
        super().__init__(axes, xlim=limits, ylim=(0, 1), xlabel="real value r")
        style.number_line(axes)
        self._few, self._limits = x.numel() <= FEW, limits
        self._base, self._edge = (0.2, 0.5) if self._few else (0.14, 0.34)  # the band of the levels
        self._pixels = axes.get_window_extent().width / (limits[1] - limits[0])
        self._dots: list[Line2D] = []  # the values, if they are few; a histogram stays as it is
        self._draw_values(x)
        band = Rectangle((0, self._base), 1, self._edge - self._base, color=style.RANGE, alpha=0.4, lw=0)
        self._band = self.keep(band)
        self._levels = self.strokes(style.QUIET, lw=0.7)
        self._zero = self.line(style.QUANTIZED, lw=2.5)
        self._zero.set_data([0, 0], [self._base, self._edge])
        self._inside = self.strokes(style.QUANTIZED, lw=1.2 if self._few else 2)
        self._outside = self.strokes(style.CLIPPED, lw=1.8 if self._few else 3, ls="dotted")
        look: dict[str, Any] = {"at": (0, self._base - 0.09), "size": 9, "color": style.QUANTIZED}
        self._ends = [self.label(**look) for _ in range(2)]
        self._name = self.label("z", bold=True, **look)
        self._leaps = [] if self._few else [Leap(self, self._edge + height) for height in (0.13, 0.3)]

    def _draw_values(self, x: Tensor) -> None:
        values = x.flatten().double().numpy()
        margin: dict[str, Any] = {"size": 9, "va": "center", "transform": self.axes.get_yaxis_transform()}
        left = margin | {"ha": "right"}
        self.axes.text(-0.012, (self._base + self._edge) / 2, "levels", color=style.QUIET, **left)
        if self._few:
            row = numpy.full(len(values), 0.9)
            dots = self.axes.plot(values, row, "o", color=style.ORIGINAL, ms=5.5, zorder=5, clip_on=False)
            self._dots = [self.keep(dot) for dot in dots]
            self.axes.text(-0.012, 0.9, "values", color=style.ORIGINAL, **left)
            return
        counts, edges = numpy.histogram(values, BINS, self._limits)
        self._full, self._far = log2(1 + len(values)), (int(values.argmax()), int(values.argmin()))
        self.axes.stairs(self._height(counts), edges, baseline=self._edge + 0.02, color=style.ORIGINAL, lw=1.2)
        for count in (1, 10**2, 10**4, 10**6):
            if count <= len(values):
                height = float(self._height(numpy.array(count)))
                self.axes.text(-0.012, height, f"{count:,}", color=style.QUIET, **left)
                self.axes.axhline(height, color=style.LEVELS, lw=0.5, zorder=0)
        middle = (self._edge + 1) / 2
        self.axes.text(-0.085, middle, "how many (log)", color=style.QUIET, rotation=90, ha="center", **margin)
        self.axes.text(0.995, 0.95, "black outline: the values", color=style.ORIGINAL, **left)
        self.axes.text(0.995, 0.82, "bars: what comes back", color=style.QUANTIZED, **left)

    def _height(self, counts: numpy.ndarray) -> numpy.ndarray:
        """Return how high a count is drawn, on a logarithmic scale."""
        foot = self._edge + 0.02
        return numpy.asarray(foot + numpy.log2(1 + counts) / self._full * (1 - foot))

    def update(self, view: RulerView) -> None:
        """Move band, levels and values to a view."""
        low, high, count = view.low, view.high, view.quant_max - view.quant_min + 1
        self._band.set_bounds(low, self._base, high - low, self._edge - self._base)
        codes = numpy.arange(view.quant_min, view.quant_max + 1)
        levels, every = sparse_levels(view.scale, view.zero_point, codes, self._pixels)
        set_strokes(self._levels, uprights(levels, self._base, self._edge))
        self._count = f"{count} levels"
        self._gap = f" (1 in {every} drawn)" if every > 1 else ""
        self._label_ends(view)
        used = self._connect(view) if self._few else self._compare(view)
        self.title.text = f"{self._count} from {number(low)} to {number(high)}{self._gap}{used}"

    def _label_ends(self, view: RulerView) -> None:
        """Name the zero point, the first and the last code: below their levels, or with an arrow where the axis ends.

        The room between the names is kept, however close the levels are.
        """
        (left, right), (first, last), height = self._limits, self._ends, self._name.at[1]
        shown = view.quant_min <= view.zero_point <= view.quant_max
        self._zero.set_visible(shown)
        self._name.set_visible(shown)
        inch = self.axes.figure.dpi / self._pixels
        low, high = (min(view.low, -0.09 * inch), max(view.high, 0.09 * inch)) if shown else (view.low, view.high)
        lowest, highest = (f"q = {number(code)}" for code in (view.quant_min, view.quant_max))
        first.ha, first.at, first.text = "right", (max(low, left + 0.75 * inch), height), lowest
        last.ha, last.at, last.text = "left", (min(high, right - 0.75 * inch), height), highest
        if view.low < left:
            first.ha, first.at, first.text = "left", (left, height), f"← {lowest} at {number(view.low)}"
        if view.high > right:
            last.ha, last.at, last.text = "right", (right, height), f"{highest} at {number(view.high)} →"
        first.set_visible(view.low < right)
        last.set_visible(view.high > left)

    def pose(self) -> None:
        """Leave out all that the codes say: which level each value gets, where the levels end, which one is zero."""
        for artist in (self._inside, self._outside, self._zero, self._name, *self._ends):
            artist.set_visible(False)
        self.title.text = self._count + self._gap

    def _connect(self, view: RulerView) -> str:
        self._dots[0].set_xdata(view.x.flatten().numpy())
        pairs = numpy.stack([view.x.flatten().double().numpy(), view.x_hat.flatten().double().numpy()], axis=1)
        segments = numpy.stack([pairs, numpy.broadcast_to([0.9, self._edge], pairs.shape)], axis=2)
        clipped = view.clipped.flatten().numpy()
        set_strokes(self._inside, segments[~clipped])
        set_strokes(self._outside, segments[clipped])
        return ""

    def _compare(self, view: RulerView) -> str:
        """Draw how many values get each code, and the furthest value that clips; return how many codes are used."""
        codes = (view.q.flatten().int() - view.quant_min).clamp_(0, view.quant_max - view.quant_min)
        counts = torch.bincount(codes).numpy()
        used = numpy.flatnonzero(counts)
        at = view.scale * (used + view.quant_min - view.zero_point)
        bars = uprights(at, self._edge + 0.02, self._height(counts[used]))
        ends = numpy.isin(used, torch.unique(codes[view.clipped.flatten()]).numpy())
        apart = numpy.abs(at[:, None] - at[ends]).min(axis=1, initial=numpy.inf) * self._pixels
        set_strokes(self._inside, bars[apart > 2])  # closer ones would hide where values clip
        set_strokes(self._outside, bars[ends])
        x, x_hat, clipped = view.x.flatten(), view.x_hat.flatten(), view.clipped.flatten()
        for leap, k in zip(self._leaps, self._far, strict=True):
            leap.draw(x[k].item(), x_hat[k].item(), bool(clipped[k]), self._pixels)
        return f"; {len(used)} used"


class Leap:
    """A dotted arrow from a value that clips to what comes back, at one height; both are written above it."""

    def __init__(self, panel: Panel, height: float) -> None:
        self._height, self._limits = height, panel.axes.get_xlim()
        self._way = panel.strokes(style.CLIPPED, lw=1.8, ls="dotted")
        self._head = panel.line(style.CLIPPED, ls="none", ms=7)
        self._says = panel.label(size=9, color=style.CLIPPED_TEXT)

    def draw(self, x: float, x_hat: float, shown: bool, pixels: float) -> None:
        """Draw the way of a value, if it is long enough to be seen; pixels: in one unit of the reals."""
        x_hat, back = float(numpy.clip(x_hat, *self._limits)), number(x_hat)
        shown = shown and abs(x - x_hat) * pixels > 60
        self._way.set_data(([x, x_hat], [self._height] * 2) if shown else ([], []))
        self._head.set_data(([x_hat], [self._height]) if shown else ([], []))
        self._head.set_marker("<" if x > x_hat else ">")
        self._says.at = (x + x_hat) / 2, self._height + 0.09
        self._says.text = f"{number(x)} comes back as {back}" if abs(x - x_hat) * pixels > 180 else ""
        self._says.set_visible(shown)


class CodeCells(Panel):
    """A small matrix: in each cell the real number, its code, and what the code stands for."""

    def __init__(self, axes: Axes, x: Tensor) -> None:
        rows, columns = x.shape
        super().__init__(axes, xlim=(0, columns), ylim=(rows, 0))
        style.bare(axes)
        self._frames, self._values, self._codes, self._reals = [], [], [], []
        for i, j in numpy.ndindex(rows, columns):
            axes.add_patch(Rectangle((j + 0.03, i + 0.03), 0.94, 0.94, fill=False, ec=style.LEVELS, lw=1))
            frame = Rectangle(
                (j + 0.05, i + 0.05), 0.9, 0.9, fill=False, ec=style.CLIPPED, lw=2, ls="dotted", hatch="//"
            )
            self._frames.append(self.keep(axes.add_patch(frame)))
            self._values.append(self.label(at=(j + 0.5, i + 0.2), size=9.5, opaque=True))
            self._codes.append(self.label(at=(j + 0.5, i + 0.51), size=17, bold=True, opaque=True))
            self._reals.append(self.label(at=(j + 0.5, i + 0.83), size=9.5, color=style.QUANTIZED, opaque=True))

    def update(self, view: RulerView) -> None:
        """Write the codes of a view."""
        cells = zip(self._frames, self._values, self._codes, self._reals, strict=True)
        numbers = zip(*(t.flatten().tolist() for t in (view.x, view.q, view.x_hat, view.clipped)), strict=True)
        for (frame, value, code, real), (x, q, x_hat, clipped) in zip(cells, numbers, strict=True):
            frame.set_visible(clipped)
            value.text, code.text, real.text = number(x), number(q), number(x_hat)
            code.color = style.CLIPPED_TEXT if clipped else style.QUANTIZED
        self.title.text = clip_sentence(view)


def clip_sentence(view: RulerView) -> str:
    """Return how many values clip, in words: lie beyond the levels, and come back as the first or the last.

    A learner's function may do something else with what lies beyond.
    """
    ends = torch.where(view.x > view.high, view.quant_max, view.quant_min)
    loose = int((view.clipped & (view.q.double() != ends)).sum())
    clamped, count = int(view.clipped.sum()) - loose, view.x.numel()
    if not loose:
        return clips(clamped, count)
    if not clamped:
        return f"{clips(loose, count, 'lie')} beyond, unclamped"
    return f"{clips(clamped, count)}, {loose:,} {'is' if loose == 1 else 'are'} unclamped"


def describe(view: RulerView) -> str:
    """Return the sentence that says what a picture of s and z shows."""
    norm = l2_error(view.x, view.x_hat)
    ruler = f"s = {number(view.scale)} and z = {number(view.zero_point)}: "
    ruler += f"the levels reach from {number(view.low)} to {number(view.high)}; {clip_sentence(view)}. "
    return f"{ruler}Norm of the error: {norm:.4f}."


def make_view(x: Tensor, s: float, z: int, quant_min: int, quant_max: int, inputs: Tensor) -> RulerView:
    """Return the view of x under quantlib's own functions; `inputs` are the staircase's."""
    q = quantize(x, s, z, quant_min, quant_max)
    curve = dequantize(quantize(inputs, s, z, quant_min, quant_max), s, z)
    clipped = is_clipped(x, s, z, quant_min, quant_max)
    return RulerView(s, z, quant_min, quant_max, x, q, dequantize(q, s, z), clipped, curve)
