"""Who shares a scale: a matrix tiled by its scales, and what the scales cost and bring."""

from dataclasses import dataclass, replace
from math import inf, log10
from typing import Any

import numpy
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from quantlib import storage
from quantlib.affine import fake_quantize, quantize
from quantlib.grids import grid
from quantlib.groups import to_groups
from quantlib.lab import style
from quantlib.lab.exercise import Function
from quantlib.lab.explore import Explorer, Scene, Slider, View, explorer
from quantlib.lab.panel import Drag, Panel, set_strokes, uprights
from quantlib.lab.picture import Picture, picture
from quantlib.lab.words import number
from quantlib.metrics import sqnr_db
from quantlib.qparams import choose_qparams

from . import exercises

POWER = Slider("k", "power of two k", 11, 1, 11, 1)
WIDTH = Slider("b", "bits b", 4, 2, 8, 1)
POWERS, BITS = (range(int(slider.low), int(slider.high) + 1) for slider in (POWER, WIDTH))
LOWEST, HIGHEST = (2.0, 0.0), (12.0, 55.0)  # the corners of the plot: bits per weight, and dB


@dataclass(frozen=True)
class Grouping(View):
    """A matrix in groups of 2^k neighbours.

    k, bits: the sliders.
    scales: as fp16 stores them, shape (rows, groups); codes: shape (rows, columns).
    row: the one with the largest weight.
    per_weight: the bits per weight, scales included; sqnr: in dB.
    """

    k: int
    bits: int
    scales: Tensor
    codes: Tensor
    row: int
    per_weight: float
    sqnr: float

    def whose(self, kind: str = "") -> str:
        """Return whose a scale is, in words; kind: what so many weights are called."""
        return "each row" if 2**self.k >= self.codes.shape[1] else f"each {kind}{2**self.k}"

    def zeros(self) -> str:
        """Return how many codes of the row are 0, in words."""
        codes = self.codes[self.row]
        return f"{(codes == 0).sum():,} of the {len(codes):,} codes of row {self.row} are 0"


def group(w: Tensor, k: int, bits: int, scales: Tensor, per_weight: float) -> Grouping:
    """Return a matrix in groups of 2^k neighbours that share these scales."""
    groups, stored = to_groups(w, 2**k), _stored(scales)
    codes = quantize(groups, stored, 0, *grid(bits, narrow=True)).flatten(1)[:, : w.shape[1]]
    return Grouping(k, bits, stored.squeeze(-1), codes, _largest(w)[0], per_weight, _sqnr(groups, bits, stored))


def _stored(scales: Tensor) -> Tensor:
    """Return scales as they come back from fp16, beside their groups."""
    return scales.half().float().unsqueeze(-1)


def _sqnr(groups: Tensor, bits: int, scales: Tensor) -> float:
    """Return the SQNR of groups in dB: like `sqnr_db`, but in float32, which is much faster."""
    error = fake_quantize(groups, scales, 0, *grid(bits, narrow=True)).sub_(groups)
    signal, noise = (torch.linalg.vector_norm(part).item() for part in (groups, error))
    return 20 * log10(signal / noise) if noise else inf


def _largest(w: Tensor) -> tuple[int, int]:
    """Return the row and the column of the largest weight."""
    return divmod(int(w.abs().numpy().argmax()), w.shape[1])  # five times as fast as torch's


@explorer
def explore_groups(
    w: Tensor,
    group_scales: Function = exercises.group_scales.reference,
    bits_per_weight: Function = exercises.bits_per_weight.reference,
) -> Explorer:
    """Show sliders for the group size and the bits over the tiles that share a scale, and what it costs and brings.

    Args:
        w: a matrix of weights.
        group_scales: f(w, bits, size) that returns one scale for each group of each row: quantlib's, or a learner's.
        bits_per_weight: f(w, bits, size) that returns one number.
    """
    scales_of = exercises.group_scales.stand_in(group_scales)
    bits_of = exercises.bits_per_weight.stand_in(bits_per_weight, "quantlib's number stands in.")

    def compute(k: int, b: int) -> Grouping:
        (scales, about_scales), (per_weight, about_bits) = scales_of(w, b, 2**k), bits_of(w, b, 2**k)
        return replace(group(w, k, b, scales, float(per_weight)), notices=(about_scales, about_bits))

    def lay_out(figure: Figure) -> list[Panel]:
        return [
            Tiles(figure.add_axes((0.085, 0.585, 0.385, 0.315)), w),
            Codes(figure.add_axes((0.085, 0.11, 0.385, 0.315)), w),
            Plot(figure.add_axes((0.60, 0.11, 0.385, 0.79)), w),
        ]

    return Explorer([POWER, WIDTH], compute, Scene((9.2, 5.2), lay_out), describe)


def describe(view: Grouping) -> str:
    """Return the sentences that say what the tiles show."""
    shared = f"a scale for {view.whose('group of ')}, {view.scales.numel():,} in all"
    found = f"{view.per_weight:.4g} bits per weight give an SQNR of {view.sqnr:.2f} dB"
    return f"k = {view.k} and b = {view.bits}: {shared}. {found}. {view.zeros()}."


class Window(Panel):
    """The part of a matrix around its largest weight, as an image."""

    def __init__(self, axes: Axes, w: Tensor, low: float, high: float, colours: str) -> None:
        super().__init__(axes)
        row, column = _largest(w)
        self.rows, self.columns = _around(row, w.shape[0], 16), _around(column, w.shape[1], 128)
        sides = self.columns.start - 0.5, self.columns.stop - 0.5, self.rows.stop - 0.5, self.rows.start - 0.5
        look: dict[str, Any] = {"aspect": "auto", "interpolation": "nearest", "extent": sides}
        self.image = self.keep(axes.imshow([[0.0]], colours, vmin=low, vmax=high, **look))
        axes.set_yticks([row], [f"row {row}"])
        axes.set_xticks([column], [f"column {column}"])
        axes.spines[:].set_visible(False)
        self._column, self._all = column, w.shape[1]

    def grab(self, view: Grouping, x: float, y: float) -> Drag:
        """Let the group of the largest weight reach to the pointer's column."""
        return lambda x, y: {"k": power_that_holds(self._column, round(min(max(x, 0), self._all - 1)))}


def power_that_holds(a: int, b: int) -> int:
    """Return the power of two of the smallest groups in which two columns share one.

    >>> power_that_holds(5, 6), power_that_holds(3, 4)
    (2, 3)
    """
    return (a ^ b).bit_length()  # the highest bit in which they differ says which halves they are in


def _around(at: int, n: int, some: int) -> slice:
    """Return the run of `some` indices, from a multiple of it on, that holds one index."""
    start = at // some * some
    return slice(start, min(start + some, n))


class Tiles(Window):
    """Every weight has the colour of what its scale must cover."""

    def __init__(self, axes: Axes, w: Tensor) -> None:
        sizes = w.abs().clamp(min=1e-30).amax(dim=1).log10()
        low, high = numpy.floor(2 * sizes.min().item() - 1.5) / 2, sizes.max().item()
        super().__init__(axes, w, low, high, style.MAGNITUDE)
        self._edges = self.strokes(style.LEVELS, lw=0.6)
        bar = style.colour_bar(self.image, {at: f"{10**at:.2g}" for at in (low, (low + high) / 2, high)})
        bar.ax.set_xlabel("|w|", size=9)

    def update(self, view: Grouping) -> None:
        """Colour the tiles of a view, and draw where one group ends and the next begins."""
        reach = view.scales[self.rows] * grid(view.bits)[1]
        tiles = reach.repeat_interleave(2**view.k, dim=1)[:, self.columns]
        self.image.set_data(tiles.clamp(min=1e-30).log10().numpy())
        inside = numpy.arange(self.columns.start + 1, self.columns.stop)
        ends = inside[(inside % 2**view.k == 0) & (view.k >= 2)] - 0.5  # of smaller groups they would hide the colours
        set_strokes(self._edges, uprights(ends, self.rows.start - 0.5, self.rows.stop - 0.5))
        self.title.text = f"a scale for {view.whose()}; colour: its largest |w|"


class Codes(Window):
    """Every code as a colour, white where it is 0."""

    def __init__(self, axes: Axes, w: Tensor) -> None:
        super().__init__(axes, w, -1, 1, style.SIGNED)
        style.colour_bar(self.image, {-1: "\N{MINUS SIGN}max", 0: "0", 1: "max"})
        rows, columns = (f"{part.start} to {part.stop - 1}" for part in (self.rows, self.columns))
        axes.set_xlabel(f"rows {rows}, columns {columns}")

    def update(self, view: Grouping) -> None:
        """Colour the codes of a view."""
        self.image.set_data(view.codes[self.rows, self.columns].numpy() / grid(view.bits)[1])
        self.title.text = view.zeros()


class Plot(Panel):
    """SQNR over bits per weight: a curve for each number of bits, the best of all points, and the reader's point."""

    def __init__(self, axes: Axes, w: Tensor) -> None:
        xlim, ylim = zip(LOWEST, HIGHEST, strict=True)
        super().__init__(axes, xlim=xlim, ylim=ylim, xlabel="bits per weight, scales included", ylabel="SQNR, dB")
        self._at, self._db = points(w)
        for bits, at, db in zip(BITS, self._at, self._db, strict=True):
            axes.plot(at, db, color=style.QUIET, lw=0.8, ls="dotted")
            end = min(at[0], HIGHEST[0]) - 0.12
            height = numpy.interp(end, at[::-1], db[::-1]) + 0.5
            axes.text(end, height, f"{bits} bits", size=8, color=style.QUIET, ha="right", va="bottom")
        axes.plot(*front(self._at, self._db), "D", color=style.BETTER_TEXT, ms=3.2)
        key = "◆ beaten by no other"
        axes.text(0.03, 0.955, key, transform=axes.transAxes, size=9, weight="bold", color=style.BETTER_TEXT)
        _draw_alone(axes, *alone(w))
        self._curve = self.line(style.QUANTIZED, lw=1.6)
        self._point = self.dot(style.QUANTIZED, ms=9, mew=1.2, zorder=6, clip_on=True)
        self._name = self.label(size=9, bold=True, color=style.QUANTIZED, opaque=True)

    def update(self, view: Grouping) -> None:
        """Move the reader's point. One that is off the plot stays at its edge."""
        self._curve.set_data(self._at[view.bits - BITS[0]], self._db[view.bits - BITS[0]])
        at, db = numpy.clip((view.per_weight, view.sqnr), LOWEST, HIGHEST).tolist()
        off = (at, db) != (view.per_weight, view.sqnr)
        self._point.set_data([at], [db])
        self._point.set_marker("^" if off else "o")
        beside = (0.3, "left") if at < 9.5 else (-0.3, "right")
        self._name.at, self._name.ha = (at + beside[0], min(max(db - 2.2, 2.0), 50.0)), beside[1]
        self._name.text = f"{view.per_weight:.4g} bits" + (", off the plot" if off else "")
        self.title.text = f"{view.bits} bits and a scale for {view.whose()}: {view.sqnr:.2f} dB"

    def grab(self, view: Grouping, x: float, y: float) -> Drag:
        """Take the reader's point to that of all points which is nearest to the pointer."""
        return lambda x, y: self._nearest(x, y)

    def _nearest(self, x: float, y: float) -> dict[str, float]:
        wide, high = (top - low for low, top in zip(LOWEST, HIGHEST, strict=True))
        away = ((self._at - x) / wide) ** 2 + ((self._db - y) / high) ** 2
        bits, power = numpy.unravel_index(away.argmin(), away.shape)
        return {"b": BITS[bits], "k": POWERS[power]}


def points(w: Tensor) -> tuple[numpy.ndarray, numpy.ndarray]:
    """Return the bits per weight and the SQNR in dB of all positions of the sliders, shape (bits, powers of two)."""
    scales_of, bits_of = exercises.group_scales.reference, exercises.bits_per_weight.reference
    sizes = [2**k for k in POWERS]
    at = [[bits_of(w, bits, size) for size in sizes] for bits in BITS]
    db = [[_sqnr(to_groups(w, size), bits, _stored(scales_of(w, bits, size))) for size in sizes] for bits in BITS]
    return numpy.array(at), numpy.array(db)


def in_groups(w: Tensor, bits: int, size: int) -> tuple[float, Tensor]:
    """Return the SQNR of w in dB with a scale in float for each group of each row, and the codes, (rows, columns)."""
    groups = to_groups(w, size)
    ruler = choose_qparams(groups, bits, symmetric=True, axis=(0, 1))
    codes = quantize(groups, *ruler).flatten(1)[:, : w.shape[1]]
    return sqnr_db(groups, fake_quantize(groups, *ruler)), codes  # the padding is 0.0, and makes no error


def front(at: numpy.ndarray, db: numpy.ndarray) -> tuple[numpy.ndarray, numpy.ndarray]:
    """Return the points that no other point beats in bits and in dB at once, in the order of their bits."""
    points = sorted(zip(at.flatten().tolist(), (-db).flatten().tolist(), strict=True))
    best = numpy.array([points[place] for place in storage.pareto_front(points)])
    return best[:, 0], -best[:, 1]


def alone(w: Tensor) -> tuple[float, float]:
    """Return the bits per weight and the SQNR in dB of int8 codes with one scale for the whole matrix."""
    return storage.bits_per_weight(tuple(w.shape), 8), sqnr_db(w, fake_quantize(w, *choose_qparams(w, symmetric=True)))


def _draw_alone(axes: Axes, at: float, sqnr: float) -> None:
    """Mark int8 with one scale for the whole matrix."""
    axes.plot(at, max(sqnr, 0.5), "s", ms=7, mfc="white", mec=style.ORIGINAL, mew=1.2)
    name = f"8 bits, one scale\nfor all: {number(round(sqnr, 2))} dB"
    axes.text(at + 0.25, max(sqnr, 0.5) + 0.6, name, size=8, va="top")


def draw_groups(w: Tensor, size: int, bits: int) -> Picture:
    """Draw the plot of SQNR over bits per weight, with one point of it.

    Args:
        w: a matrix.
        size: a power of two; bits: from 2 to 8.
    """
    scales, per_weight = (e.reference(w, bits, size) for e in (exercises.group_scales, exercises.bits_per_weight))
    view = group(w, size.bit_length() - 1, bits, scales, per_weight)
    with style.house_style():
        figure = style.new_figure(6.2, 4.0)
        Plot(figure.add_axes((0.105, 0.135, 0.875, 0.765)), w).update(view)
        point = f"{per_weight:.4g} bits per weight, {bits} of them for codes, give {view.sqnr:.2f} dB"
        point += f"; 8 bits with one scale for all weights give {alone(w)[1]:.2f} dB"
        return picture(figure, f"The SQNR over the bits per weight, scales included: {point}.")
