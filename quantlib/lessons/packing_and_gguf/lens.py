"""A block under the lens: eighteen bytes, the 32 values that a reader finds in them, and what that does to a matrix."""

from dataclasses import dataclass
from typing import Any

import numpy
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from quantlib.lab import style
from quantlib.lab.exercise import Function
from quantlib.lab.explore import Explorer, Scene, Slider, View, explorer
from quantlib.lab.panel import Drag, Panel
from quantlib.lab.picture import Picture, picture
from quantlib.lab.words import fixed, number
from quantlib.metrics import sqnr_db

from . import exercises
from .exercises import BLOCK

READERS = (
    "right", "with the halves swapped", "as two neighbours a byte", "as if code 7 meant 0", "as if code 9 meant 0",
    "as if code 0 meant 0", "without the scale's sign",
)  # fmt: skip
_MEANS_ZERO = {3: 7, 4: 9, 5: 0}  # else 8
READER = Slider("r", "reader r", 0, 0, len(READERS) - 1, 1)
STARTS = 17  # the block at which the explorer begins
BINS = 62  # edges: an odd number of bins, of which one lies around 0


def read_blocks(blocks: Tensor, reader: int = 0) -> Tensor:
    """Return the 32 values that a reader finds in each block of 18 bytes: 0 reads them right."""
    scale = blocks[:, :2].contiguous().view(torch.float16).float()
    low, high = blocks[:, 2:] & 15, blocks[:, 2:] >> 4
    codes = torch.cat([high, low] if reader == 1 else [low, high], 1)
    if reader == 2:
        codes = torch.stack([low, high], 2).flatten(1)
    return (scale.abs() if reader == 6 else scale) * (codes.float() - _MEANS_ZERO.get(reader, 8))


@dataclass(frozen=True)
class LensView(View):
    """One block of a matrix, and the matrix as a reader finds it.

    block, reader: the sliders; per_row: the blocks of a row.
    bytes: the 18 of the block; scale: what they say.
    x, x_hat: the matrix in blocks, shape (blocks, 32), and as it is read.
    """

    block: int
    reader: int
    per_row: int
    bytes: tuple[int, ...]
    scale: float
    x: Tensor
    x_hat: Tensor
    sqnr: float

    @property
    def row(self) -> int:
        """The row of the matrix in which the block lies."""
        return self.block // self.per_row

    @property
    def tile(self) -> Tensor:
        """The blocks, one above the other, that make a square of the matrix with this one in it."""
        top = self.row // BLOCK * BLOCK
        rows = torch.arange(top, min(top + BLOCK, len(self.x) // self.per_row))
        return rows * self.per_row + self.block % self.per_row


def look(x: Tensor, blocks: Tensor, block: int, reader: int, per_row: int, notice: str = "") -> LensView:
    """Return a matrix in blocks, as one of the readers finds it."""
    blocks = blocks.to(torch.uint8)
    x_hat = read_blocks(blocks, reader)
    scale = blocks[block, :2].view(torch.float16).item()
    finite = bool(x_hat.isfinite().all())  # any two bytes can be a scale, and some are no number
    sqnr = sqnr_db(x, x_hat) if finite else float("nan")
    return LensView(block, reader, per_row, tuple(blocks[block].tolist()), scale, x, x_hat, sqnr, notices=(notice,))


@explorer
def explore_lens(rows: Tensor, q4_0: Function = exercises.q4_0.reference, *, start: int = STARTS) -> Explorer:
    """Show sliders for a block and for who reads it, over its bytes and its values, and those of the whole matrix.

    Args:
        rows: a matrix whose rows are whole blocks of 32.
        q4_0: f(x) that returns 18 bytes for each row of 32 values: quantlib's, or a learner's.
        start: the block that is shown first.
    """
    store = exercises.q4_0.stand_in(q4_0)
    x, per_row = rows.reshape(-1, BLOCK), rows.shape[1] // BLOCK

    def compute(k: int, r: int) -> LensView:
        blocks, notice = store(x)
        return look(x, blocks, k, r, per_row, notice)

    def lay_out(figure: Figure) -> list[Panel]:
        return [
            Bytes(figure.add_axes((0.075, 0.865, 0.895, 0.07))),
            Curve(figure.add_axes((0.075, 0.445, 0.565, 0.295)), x),
            Histogram(figure.add_axes((0.075, 0.105, 0.565, 0.195)), x),
            Tile(figure.add_axes((0.70, 0.495, 0.27, 0.245)), x, read=False),
            Tile(figure.add_axes((0.70, 0.105, 0.27, 0.245)), x, read=True),
        ]

    block = Slider("k", "block k", start, 0, len(x) - 1, 1)
    return Explorer([block, READER], compute, Scene((9.2, 5.2), lay_out), describe)


def describe(view: LensView) -> str:
    """Return the sentences that say what the reader finds in the block, and in the whole matrix."""
    off = (view.x_hat[view.block] - view.x[view.block]).abs().max().item()
    block = f"k = {view.block} and r = {view.reader}: read {READERS[view.reader]}, this block of row {view.row}"
    matrix = f"The matrix: SQNR {fixed(view.sqnr, 2)} dB, mean {fixed(view.x_hat.mean().item(), 5)}"
    matrix += f", standard deviation {fixed(view.x_hat.std().item(), 5)}"
    return f"{block}, scale {number(view.scale)}, errs by up to {number(off)}. {matrix}."


class Bytes(Panel):
    """The eighteen bytes of a block in hexadecimal: two of the scale, then sixteen of codes."""

    def __init__(self, axes: Axes) -> None:
        super().__init__(axes, xlim=(0, 18), ylim=(0, 1))
        style.bare(axes)
        for left, right, ink in ((0, 2, style.RANGE_TINT), (2, 18, style.QUANTIZED_TINT)):
            axes.axvspan(left + 0.03, right - 0.03, color=ink, lw=0)
        axes.text(1, -0.12, "scale", size=9, color=style.QUIET, ha="center", va="top")
        name = "32 codes: byte j holds code j in its low half and code j + 16 in its high half"
        axes.text(10, -0.12, name, size=9, color=style.QUIET, ha="center", va="top")
        self._bytes = [self.label(at=(k + 0.5, 0.5), size=11) for k in range(18)]

    def update(self, view: LensView) -> None:
        """Write the bytes of a view."""
        for label, byte in zip(self._bytes, view.bytes, strict=True):
            label.text = f"{byte:02x}"
        self.title.text = f"block {view.block} in 18 bytes, in hexadecimal; its scale is {number(view.scale)}"


class Curve(Panel):
    """The 32 values of a block in their order: as they were, and as they are read."""

    def __init__(self, axes: Axes, x: Tensor) -> None:
        reach = 1.25 * _reach(x)
        super().__init__(axes, xlim=(-0.7, BLOCK - 0.3), ylim=(-reach, reach), ylabel="weight")
        axes.set_xlabel("place in the block", labelpad=1)
        axes.set_xticks([0, 8, 16, 24, 31])
        axes.axhline(0, color=style.LEVELS, lw=0.8, zorder=0)
        axes.axvline(15.5, color=style.LEVELS, lw=0.8, ls="dotted", zorder=0)
        key: dict[str, Any] = {"transform": axes.transAxes, "size": 9, "va": "top"}
        axes.text(1, 1.13, "■ read", color=style.QUANTIZED, ha="right", **key)
        axes.text(0.87, 1.13, "● as it was", color=style.ORIGINAL, ha="right", **key)
        self._reach = reach
        self._x = self.line(style.ORIGINAL, lw=1, marker="o", ms=3, zorder=4)
        self._read = self.line(style.QUANTIZED, lw=1.4, marker="s", ms=5, drawstyle="steps-mid")

    def update(self, view: LensView) -> None:
        """Draw the block of a view; what is too large stays at the edge."""
        for line, values in ((self._x, view.x), (self._read, view.x_hat)):
            shown = values[view.block].clamp(-0.97 * self._reach, 0.97 * self._reach)
            line.set_data(range(BLOCK), shown.numpy())
        self.title.text = f"reader {view.reader} reads {READERS[view.reader]}"


class Histogram(Panel):
    """How many weights of the whole matrix have which value, as they were and as they are read."""

    def __init__(self, axes: Axes, x: Tensor) -> None:
        self._reach = 1.25 * _reach(x)
        self._bins = numpy.linspace(-self._reach, self._reach, BINS)
        height = numpy.histogram(x.numpy(), self._bins)[0]
        super().__init__(axes, xlim=(-self._reach, self._reach), ylim=(0, 2.3 * height.max()), yticks=[])
        axes.set_xlabel("weight, all of the matrix", labelpad=1)
        axes.set_ylabel("how many")
        axes.stairs(height, self._bins, color=style.ORIGINAL, lw=1)
        self._read = self.line(style.QUANTIZED, lw=1.6, drawstyle="steps-mid")

    def update(self, view: LensView) -> None:
        """Draw the values of a view; those beyond the ends count in the outermost bins."""
        counts = numpy.histogram(view.x_hat.numpy().clip(-self._reach, self._reach), self._bins)[0]
        self._read.set_data((self._bins[1:] + self._bins[:-1]) / 2, counts)
        self.title.text = f"the whole matrix: SQNR {fixed(view.sqnr, 2)} dB"


class Tile(Panel):
    """A square of the matrix, of which each row is a block: as it was, or as it is read."""

    def __init__(self, axes: Axes, x: Tensor, *, read: bool) -> None:
        super().__init__(axes, xticks=[], yticks=[])
        self._read, reach = read, _reach(x)
        shown: dict[str, Any] = {"vmin": -reach, "vmax": reach, "aspect": "auto", "interpolation": "nearest"}
        blank = numpy.zeros((BLOCK, BLOCK))
        self._image = self.keep(axes.imshow(blank, style.SIGNED, **shown))
        axes.set_xlabel("red: positive, blue: negative" if read else "each row is a block", size=9, labelpad=3)
        self._here = self.line(style.ORIGINAL, lw=1, zorder=5, clip_on=False)

    def update(self, view: LensView) -> None:
        """Colour the square of a view, and frame the block."""
        self._image.set_data((view.x_hat if self._read else view.x)[view.tile].numpy())
        row, left, right = view.row % BLOCK, -0.5, BLOCK - 0.5
        up, low = row - 0.8, row + 0.8  # a little around it, so that its colours are seen
        self._here.set_data([left, right, right, left, left], [up, up, low, low, up])
        top = view.row - row
        rows = f"rows {top} to {top + len(view.tile) - 1}"
        self.title.text = f"{rows}, {'read' if self._read else 'as they were'}"

    def grab(self, view: LensView, x: float, y: float) -> Drag:
        """Take the block to the row that the pointer is on."""
        tile = view.tile.tolist()
        return lambda x, y: {"k": tile[min(max(round(y), 0), len(tile) - 1)]}


def _reach(x: Tensor) -> float:
    """Return a size that few values exceed."""
    return 4 * x.std().item()


def draw_tiles(w: Tensor, readers: tuple[int, ...] = (0, 1)) -> Picture:
    """Draw a corner of a matrix, and the same corner as readers find it in its 4.5 bits a weight.

    Args:
        w: a matrix whose rows are whole blocks of 32.
        readers: places in READERS.
    """
    x, per_row = w.reshape(-1, BLOCK), w.shape[1] // BLOCK
    blocks = exercises.store_q4_0(x)
    views = [look(x, blocks, 0, reader, per_row) for reader in readers]
    named = "a corner of the weights", "in 4.5 bits each", "the same bytes, another reader"
    tiles = [x[views[0].tile], *(view.x_hat[view.tile] for view in views)]
    with style.house_style():
        figure = style.new_figure(9.2, 2.4)
        for k, (name, tile) in enumerate(zip(named, tiles, strict=True)):
            axes = figure.add_axes((0.02 + 0.335 * k, 0.11, 0.285, 0.765))
            axes.imshow(tile.numpy(), style.SIGNED, vmin=-_reach(x), vmax=_reach(x), aspect="auto")
            axes.set(xticks=[], yticks=[])
            axes.set_title(name)
        axes.set_xlabel("red: positive, blue: negative", size=9)
        alt = (
            "A square of weights, three times: as they are; as they come back from 4.5 bits each, which looks the same"
        )
        return picture(figure, f"{alt}; and as another reader finds them in the same bytes, all in other places.")


def draw_order(w: Tensor, right: Tensor, wrong: Tensor) -> Picture:
    """Draw the histogram of a matrix, read in the right and in the wrong order, and each against the original.

    Args:
        w: a matrix; right, wrong: as two readers find it.
    """
    reach, said = 1.1 * _reach(w), []
    with style.house_style():
        figure = style.new_figure(9.2, 3.2)
        axes = figure.add_axes((0.06, 0.16, 0.40, 0.72))
        bins = numpy.linspace(-reach, reach, BINS).tolist()
        axes.hist(right.flatten().numpy(), bins, color=style.QUANTIZED_TINT, edgecolor=style.QUANTIZED, lw=0.8)
        axes.hist(wrong.flatten().numpy(), bins, histtype="step", color=style.ORIGINAL, lw=1.2, ls="dashed")
        axes.set(yticks=[], xlabel="weight", ylabel="how many")
        axes.set_title("both histograms are one", size=10)
        axes.text(0.02, 0.97, "filled: right\ndashed: wrong", transform=axes.transAxes, size=9, va="top")
        for k, (name, read) in enumerate({"right": right, "wrong": wrong}.items()):
            axes = figure.add_axes((0.53 + 0.245 * k, 0.16, 0.205, 0.72))
            axes.plot(w.flatten()[:4000], read.flatten()[:4000], ".", color=style.QUANTIZED, ms=1.5)
            axes.set(xlim=(-reach, reach), ylim=(-reach, reach), xlabel="weight as it was")
            axes.locator_params(nbins=4)
            axes.set_title(f"{name}: {fixed(sqnr_db(w, read), 2)} dB", size=10)
            if k == 0:
                axes.set_ylabel("weight as read", labelpad=1)
            said.append(f"read in the {name} order it has an SQNR of {fixed(sqnr_db(w, read), 2)} dB")
        means = f"means {fixed(right.mean().item(), 6)} and {fixed(wrong.mean().item(), 6)}"
        alt = f"Both orders give one histogram, {means}. Against the original, the matrix {' and '.join(said)}."
        return picture(figure, alt)
