"""Who shares a scale: a matrix tiled by its scales, and what the scales cost and bring."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf, log10
from typing import Any

import numpy
import torch
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from quantlib.affine import fake_quantize, quantize
from quantlib.groups import to_groups
from quantlib.lab import style
from quantlib.lab.explore import Explorer, Scene, Slider
from quantlib.lab.learner import StandIn, number_problem, tensor_problem
from quantlib.lab.panel import Panel, set_strokes, strokes, title
from quantlib.lab.picture import Picture, picture
from quantlib.lab.text import Label
from quantlib.lab.words import number
from quantlib.metrics import sqnr_db
from quantlib.qparams import choose_qparams
from quantlib.storage import bits_per_weight

BITS = range(2, 9)
POWER = Slider("k", "power of two k", 7, 1, 11, 1)
WIDTH = Slider("b", "bits b", 4, BITS[0], BITS[-1], 1)
POWERS = range(int(POWER.low), int(POWER.high) + 1)
ALL_BITS = 2.0, 12.0  # the bits per weight that the plot shows
ALL_DB = 0.0, 55.0


def scales_of_groups(w: Tensor, bits: int, size: int) -> Tensor:
    """Return the symmetric scales of the groups of each row, shape (rows, ceil(columns / size))."""
    scales = choose_qparams(to_groups(w, size), bits, symmetric=True, axis=(0, 1)).scale
    return torch.as_tensor(scales).squeeze(-1)


def matrix_bits(w: Tensor, bits: int, size: int) -> float:
    """Return the bits per weight of a matrix, fp16 scales included."""
    return bits_per_weight(tuple(w.shape), bits, size)


def scales_problem(value: Any, w: Tensor, size: int) -> str:
    """Say why a value cannot be the scales of the groups of w in fp16, or return ""."""
    problem = tensor_problem(value)
    if problem:
        return problem
    wanted = w.shape[0], -(-w.shape[1] // size)
    if tuple(value.shape) != wanted:
        return f"returned shape {tuple(value.shape)}, not {wanted}"
    stored = value.detach().half()
    return "" if bool(((stored > 0) & stored.isfinite()).all()) else "returned scales that fp16 cannot hold"


# The explorer: tiles, codes, and the point on the plot of decibels over bits


@dataclass(frozen=True)
class Grouping:
    """A matrix in groups of 2^k neighbours.

    k, bits: the sliders.
    scales: how many there are.
    reach: the largest size that each weight's scale covers, in units of w; steps: codes over the largest code.
        Both are for the window that is shown.
    zeros: how many codes of the outlier's row are 0, of columns.
    per_weight: the bits per weight, scales included; sqnr: of the whole matrix, in dB.
    notice: what a reader must know beside the numbers, or "".
    """

    k: int
    bits: int
    scales: int
    reach: numpy.ndarray
    steps: numpy.ndarray
    zeros: int
    columns: int
    per_weight: float
    sqnr: float
    notice: str = ""

    @property
    def size(self) -> int:
        """How many weights share a scale."""
        return int(2**self.k)


class Matrix:
    """What does not move: the weights, the window around the largest of them, and all points of the plot.

    Args:
        w: a matrix. Its fp16 scales are those that are stored.
    """

    def __init__(self, w: Tensor) -> None:
        self.w = w
        self.outlier = divmod(int(w.abs().argmax()), w.shape[1])
        around = zip(self.outlier, w.shape, (16, 128), strict=True)
        self.rows, self.columns = (_around(at, n, some) for at, n, some in around)
        self._energy = w.double().square().sum().item()
        sizes = [2**k for k in POWERS]
        self.at = numpy.array([[matrix_bits(w, bits, size) for size in sizes] for bits in BITS])
        self.db = numpy.array([[self.sqnr(scales_of_groups(w, b, size), b, size) for size in sizes] for b in BITS])
        scale, zero_point, low, high = choose_qparams(w, symmetric=True)
        self.alone = bits_per_weight(tuple(w.shape), 8), sqnr_db(w, fake_quantize(w, scale, zero_point, low, high))

    def sqnr(self, scales: Tensor, bits: int, size: int) -> float:
        """Return the SQNR of the whole matrix with these scales, stored in fp16; in dB."""
        groups, top = to_groups(self.w, size), 2 ** (bits - 1) - 1
        error = fake_quantize(groups, _stored(scales), 0, -top, top).sub_(groups)
        noise = torch.linalg.vector_norm(error).item() ** 2
        return 10 * (log10(self._energy) - log10(noise)) if noise > 0 else inf

    def codes(self, scales: Tensor, bits: int, size: int) -> Tensor:
        """Return the codes of the window's rows, all columns of them."""
        groups, top = to_groups(self.w[self.rows], size), 2 ** (bits - 1) - 1
        return quantize(groups, _stored(scales[self.rows]), 0, -top, top).flatten(1)[:, : self.w.shape[1]]

    def front(self) -> tuple[numpy.ndarray, numpy.ndarray]:
        """Return the points that no other point beats in bits and in dB at once, in the order of their bits."""
        order = numpy.lexsort((-self.db.flatten(), self.at.flatten()))
        at, db = self.at.flatten()[order], self.db.flatten()[order]
        best = numpy.concatenate([[-numpy.inf], numpy.maximum.accumulate(db)[:-1]])
        return at[db > best], db[db > best]


def _around(at: int, n: int, some: int) -> slice:
    """Return the run of `some` indices, from a multiple of it on, that holds one index."""
    start = at // some * some
    return slice(start, min(start + some, n))


def _stored(scales: Tensor) -> Tensor:
    """Return scales as they come back from fp16, beside their groups."""
    return scales.half().float().unsqueeze(-1)


def explore_groups(
    w: Tensor, group_scales: Callable[..., Any] = scales_of_groups, bits_per_weight: Callable[..., Any] = matrix_bits
) -> Explorer:
    """Show sliders for the group size and the bits over the tiles that share a scale, and what it costs and brings.

    Args:
        w: a matrix of weights.
        group_scales: f(w, bits, size) that returns one scale for each group of each row: quantlib's, or a learner's.
        bits_per_weight: f(w, bits, size) that returns one number.
    """
    w = w.clone()  # the caller's may change in a later cell
    matrix = Matrix(w)
    compute = _grouper(matrix, group_scales, bits_per_weight)
    scene = Scene((9.2, 5.2), lambda figure: _panels(figure, matrix))
    return Explorer([POWER, WIDTH], compute, scene, lambda view: describe(view, matrix.outlier[0]))


def _grouper(matrix: Matrix, scales_of: Callable[..., Any], bits_of: Callable[..., Any]) -> Callable[..., Grouping]:
    """Return the function from k and b to a view."""
    now = [0]  # the size that the learner's scales must fit
    guarded = StandIn(scales_of, scales_of_groups, lambda value, w: scales_problem(value, w, now[0]))
    counted = StandIn(bits_of, matrix_bits, _bits_problem, "quantlib's number stands in.")

    def compute(k: int, b: int) -> Grouping:
        now[0] = size = 2**k
        scales, notice = guarded(matrix.w, b, size)
        per_weight, about_bits = counted(matrix.w, b, size)
        notice = f"{notice} {about_bits}".strip()
        return _view(matrix, scales.float(), k, b, float(per_weight), notice)

    return compute


def _bits_problem(value: Any, w: Tensor) -> str:
    """Say why a value is no number of bits, or return ""."""
    return number_problem(value, w) or ("" if 0 <= float(value) < 1e9 else "returned a number that counts no bits")


def _view(matrix: Matrix, scales: Tensor, k: int, bits: int, per_weight: float, notice: str) -> Grouping:
    size, top, window = 2**k, 2 ** (bits - 1) - 1, (matrix.rows, matrix.columns)
    codes = matrix.codes(scales, bits, size)
    zeros = int((codes[matrix.outlier[0] - matrix.rows.start] == 0).sum())
    reach = top * _stored(scales[matrix.rows]).squeeze(-1).repeat_interleave(size, dim=1)[:, matrix.columns]
    steps = codes[:, window[1]].float() / top
    sqnr = matrix.sqnr(scales, bits, size)
    count, columns = scales.numel(), matrix.w.shape[1]
    return Grouping(k, bits, count, reach.numpy(), steps.numpy(), zeros, columns, per_weight, sqnr, notice)


def describe(view: Grouping, row: int) -> str:
    """Return the sentences that say what the tiles show."""
    whose = "row" if view.size >= view.columns else f"group of {view.size}"
    head = f"k = {view.k} and b = {view.bits}: a scale for each {whose}, {view.scales:,} in all. "
    cost = f"{view.per_weight:.4g} bits per weight give an SQNR of {view.sqnr:.2f} dB. "
    return f"{head}{cost}{_zeros_sentence(view, row)}." + (f" {view.notice}" if view.notice else "")


def _zeros_sentence(view: Grouping, row: int) -> str:
    return f"{view.zeros:,} of the {view.columns:,} codes of row {row} are 0"


def _panels(figure: Figure, matrix: Matrix) -> list[Panel]:
    return [
        Tiles(figure.add_axes((0.085, 0.585, 0.385, 0.315)), matrix),
        Codes(figure.add_axes((0.085, 0.11, 0.385, 0.315)), matrix),
        Plot(figure.add_axes((0.60, 0.11, 0.385, 0.79)), matrix),
    ]


def _window(axes: Axes, matrix: Matrix, limits: tuple[float, float], cmap: str, named: bool) -> Any:
    """Prepare axes for a window on the matrix, with the outlier's row and column named; return the image."""
    rows, columns = matrix.rows, matrix.columns
    extent = columns.start - 0.5, columns.stop - 0.5, rows.stop - 0.5, rows.start - 0.5
    blank = numpy.zeros((rows.stop - rows.start, columns.stop - columns.start))
    image = axes.imshow(
        blank, cmap=cmap, vmin=limits[0], vmax=limits[1], extent=extent, aspect="auto", interpolation="nearest"
    )
    axes.spines[:].set_visible(False)
    row, column = matrix.outlier
    axes.set_yticks([row], [f"row {row}"])
    axes.set_xticks([column], [f"column {column}"])
    if named:
        axes.set_xlabel(f"rows {rows.start} to {rows.stop - 1}, columns {columns.start} to {columns.stop - 1}")
    return image


class Tiles:
    """A window on the matrix: every weight has the colour of what its scale must cover."""

    def __init__(self, axes: Axes, matrix: Matrix) -> None:
        self._matrix = matrix
        sizes = numpy.log10(matrix.w.abs().clamp(min=1e-30).amax(dim=1).numpy())
        low, high = numpy.floor(2 * sizes.min() - 1.5) / 2, sizes.max()
        self._image = _window(axes, matrix, (low, high), style.MAGNITUDE, named=False)
        self._edges = strokes(axes, color=style.LEVELS, lw=0.6)
        self._title = title(axes)
        bar = axes.figure.colorbar(self._image, ax=axes, fraction=0.035, pad=0.02)
        ticks = [10**low, 10 ** ((low + high) / 2), 10**high]
        bar.set_ticks([log10(tick) for tick in ticks], labels=[f"{tick:.2g}" for tick in ticks])
        bar.ax.set_xlabel("|w|", size=9)
        bar.outline.set_visible(False)
        self.moving: Sequence[Artist] = [self._image, self._edges, self._title]

    def update(self, view: Grouping) -> None:
        """Colour the tiles of a view, and draw where one group ends and the next begins."""
        self._image.set_data(numpy.log10(numpy.maximum(view.reach, 1e-30)))
        columns, rows = self._matrix.columns, self._matrix.rows
        first = -(-columns.start // view.size) * view.size
        ends = numpy.arange(first, columns.stop, view.size) if view.size >= 4 else numpy.empty(0)
        ends = ends[ends > columns.start] - 0.5
        span = numpy.broadcast_to([rows.start - 0.5, rows.stop - 0.5], (len(ends), 2))
        set_strokes(self._edges, numpy.stack([numpy.stack([ends, ends], axis=1), span], axis=2))
        self._title.text = f"a scale for {_whose(view)}; colour: its largest |w|"


class Codes:
    """The same window: every code as a colour, white where it is 0."""

    def __init__(self, axes: Axes, matrix: Matrix) -> None:
        self._row = matrix.outlier[0]
        self._image = _window(axes, matrix, (-1, 1), style.SIGNED, named=True)
        self._title = title(axes)
        bar = axes.figure.colorbar(self._image, ax=axes, fraction=0.035, pad=0.02, ticks=[-1, 0, 1])
        bar.ax.set_yticklabels(["\N{MINUS SIGN}max", "0", "max"])
        bar.outline.set_visible(False)
        self.moving: Sequence[Artist] = [self._image, self._title]

    def update(self, view: Grouping) -> None:
        """Colour the codes of a view."""
        self._image.set_data(view.steps)
        self._title.text = _zeros_sentence(view, self._row)


class Plot:
    """SQNR over bits per weight: a curve for each number of bits, the best of all points, and the reader's point."""

    def __init__(self, axes: Axes, matrix: Matrix) -> None:
        self._matrix = matrix
        axes.set(xlim=ALL_BITS, ylim=ALL_DB, xlabel="bits per weight, scales included", ylabel="SQNR, dB")
        for bits, at, db in zip(BITS, matrix.at, matrix.db, strict=True):
            axes.plot(at, db, color=style.QUIET, lw=0.8, ls="dotted")
            end = min(at.max(), ALL_BITS[1]) - 0.12
            height = float(numpy.interp(end, at[::-1], db[::-1])) + 0.5
            axes.text(end, height, f"{bits} bits", size=8, color=style.QUIET, ha="right", va="bottom")
        at, db = matrix.front()
        axes.plot(at, db, "D", color=style.BETTER_TEXT, ms=3.2)
        beside: dict[str, Any] = {"transform": axes.transAxes, "size": 9, "weight": "bold"}
        axes.text(0.03, 0.955, "◆ beaten by no other", color=style.BETTER_TEXT, **beside)
        self._draw_alone(axes, matrix.alone)
        self._title = title(axes)
        self._curve = axes.plot([], [], color=style.QUANTIZED, lw=1.6)[0]
        self._point = axes.plot([], [], "o", color=style.QUANTIZED, ms=9, mec="white", mew=1.2, zorder=6)[0]
        self._name = Label((0, 0), axes.transData, size=9, bold=True, color=style.QUANTIZED, ha="left", opaque=True)
        axes.add_artist(self._name)
        self.moving: Sequence[Artist] = [self._curve, self._point, self._name, self._title]

    @staticmethod
    def _draw_alone(axes: Axes, alone: tuple[float, float]) -> None:
        """Mark int8 with one scale for the whole matrix."""
        at, db = alone[0], max(alone[1], 0.5)
        axes.plot([at], [db], "s", ms=7, mfc="white", mec=style.ORIGINAL, mew=1.2)
        axes.text(at + 0.25, db + 0.6, f"8 bits, one scale\nfor all: {number(round(alone[1], 2))} dB", size=8, va="top")

    def update(self, view: Grouping) -> None:
        """Move the reader's point."""
        self._curve.set_data(self._matrix.at[view.bits - BITS[0]], self._matrix.db[view.bits - BITS[0]])
        at = min(max(view.per_weight, ALL_BITS[0]), ALL_BITS[1])
        db = min(max(view.sqnr, ALL_DB[0]), ALL_DB[1])
        off = view.per_weight > ALL_BITS[1] or not ALL_DB[0] <= view.sqnr <= ALL_DB[1]
        self._point.set_data([at], [db])
        self._point.set_marker("^" if off else "o")
        self._name.ha = "left" if at < 9.5 else "right"
        self._name.at = at + (0.3 if at < 9.5 else -0.3), min(max(db - 2.2, 2.0), 50.0)
        self._name.text = f"{view.per_weight:.4g} bits" + (", off the plot" if off else "")
        self._title.text = f"{view.bits} bits and a scale for {_whose(view)}: {view.sqnr:.2f} dB"


def _whose(view: Grouping) -> str:
    return "each row" if view.size >= view.columns else f"each {view.size}"


# Pictures that stand still


def draw_groups(w: Tensor, size: int, bits: int) -> Picture:
    """Draw the plot of SQNR over bits per weight, with one point of it.

    Args:
        w: a matrix.
        size: a power of two; bits: from 2 to 8.
    """
    matrix = Matrix(w)
    k = size.bit_length() - 1
    view = _view(matrix, scales_of_groups(w, bits, size), k, bits, matrix_bits(w, bits, size), "")
    with style.house_style():
        figure = style.new_figure(6.2, 4.0)
        Plot(figure.add_axes((0.105, 0.135, 0.875, 0.765)), matrix).update(view)
        alone = f"8 bits with one scale for all weights give {matrix.alone[1]:.2f} dB"
        point = f"{view.per_weight:.4g} bits per weight, {bits} of them for codes, give {view.sqnr:.2f} dB"
        return picture(figure, f"The SQNR over the bits per weight, scales included: {point}; {alone}.")
