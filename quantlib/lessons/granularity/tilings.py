"""One scale, one a row, one a column: who shares, and how every row fares. Pictures that stand still."""

import numpy
import torch
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from torch import Tensor

from quantlib.affine import fake_quantize
from quantlib.lab import style
from quantlib.lab.picture import Picture, picture
from quantlib.lab.words import number
from quantlib.metrics import sqnr_db
from quantlib.qparams import choose_qparams

_ALL_ZERO = "0 dB: all codes of the row are 0,\nso the error is the row itself"
TILINGS = (None, "one scale"), (0, "one scale a row"), (1, "one scale a column")


def draw_tiles(x: Tensor, bits: int = 8) -> Picture:
    """Draw a small matrix tiled by its scales in three ways; in each cell a value and the size of its error."""
    said = []
    with style.house_style():
        figure = style.new_figure(9.2, 2.9)
        for k, (axis, name) in enumerate(TILINGS):
            axes = figure.add_axes((0.012 + 0.332 * k, 0.13, 0.312, 0.71))
            said.append(f"{name}: {_draw_tiles(axes, x, bits, axis, name)}")
        return picture(figure, f"Who shares a scale decides the errors. {'; '.join(said)}.")


def _draw_tiles(axes: Axes, x: Tensor, bits: int, axis: int | None, name: str) -> str:
    scale, zero_point, low, high = choose_qparams(x, bits, symmetric=True, axis=axis)
    error = (x - fake_quantize(x, scale, zero_point, low, high)).abs()
    scales = torch.as_tensor(scale).flatten().tolist()
    rows, columns = x.shape
    style.bare(axes)
    axes.set(xlim=(0, columns), ylim=(rows, 0))
    axes.set_title(name, pad=5)
    for tile in _tiles(rows, columns, axis, len(scales)):
        axes.add_patch(Rectangle(*tile, fc=style.RANGE_TINT, ec=style.QUIET, lw=1.8))
    for i, j in numpy.ndindex(rows, columns):
        axes.text(j + 0.5, i + 0.36, number(x[i, j].item()), size=11, ha="center", va="center")
        off = f"off by {error[i, j]:.2f}"
        axes.text(j + 0.5, i + 0.72, off, size=8.5, color=style.ROUNDING_TEXT, ha="center", va="center")
    named = ", ".join(f"{scale:.2f}" for scale in scales)
    below = f"s = {named}; MSE {error.square().mean():.2f}"
    axes.text(0.5, -0.05, below, transform=axes.transAxes, size=9.5, ha="center", va="top")
    return f"s = {named}, mean squared error {error.square().mean():.2f}"


def _tiles(rows: int, columns: int, axis: int | None, count: int) -> list[tuple[tuple[float, float], float, float]]:
    """Return the corner, the width and the height of each tile, a little inside of its cells."""
    gap = 0.04
    width = 1 if axis == 1 else columns
    height = 1 if axis == 0 else rows
    corners = [(k * (axis == 1) + gap, k * (axis == 0) + gap) for k in range(count)]
    return [(corner, width - 2 * gap, height - 2 * gap) for corner in corners]


def draw_row_spread(w: Tensor, bits: int = 8) -> Picture:
    """Draw the SQNR of each row over the size of its weights, with one scale for all, and with one a row.

    Args:
        w: a matrix whose rows are in the order of their size, the largest first.
    """
    sizes = w.double().square().mean(dim=1).sqrt().tolist()
    looks = ("s", style.ORIGINAL, 0.45), ("o", style.QUANTIZED, 0.7)  # and whose row is named
    finding, said = "A scale of its own serves every row alike", []
    with style.house_style():
        figure = style.new_figure(9.2, 3.3)
        axes = figure.add_axes((0.075, 0.155, 0.90, 0.72))
        axes.set(xscale="log", ylim=(-3, 58), ylabel="SQNR of the row, dB", title=finding)
        axes.set_xlabel("size of a row's weights (root of the mean square, logarithmic)")
        for (axis, name), (marker, ink, part) in zip(TILINGS[:2], looks, strict=True):
            rows = row_sqnr(w, axis, bits).tolist()
            axes.plot(sizes, rows, marker, color=ink, ms=4.5, mfc="none" if marker == "s" else ink)
            ha, va, away = ("left", "top", -3) if axis is None else ("right", "bottom", 3)
            at = int(part * len(rows))
            axes.text(sizes[at], rows[at] + away, name, color=ink, weight="bold", ha=ha, va=va)
            if rows[-1] < 1:
                axes.text(sizes[-1], 4, _ALL_ZERO, size=9, color=style.QUIET, ha="left", va="bottom")
            said.append(f"{name}: from {rows[0]:.0f} dB for the largest row to {rows[-1]:.0f} dB for the smallest")
        return picture(figure, f"{finding}. {'; '.join(said)}.")


def row_sqnr(w: Tensor, axis: int | None, bits: int = 8) -> Tensor:
    """Return the SQNR of each row of a matrix in dB, with one scale for all, one a row (axis 0) or one a column.

    Shapes: w (rows, columns); the result is (rows,).
    """
    scale, zero_point, low, high = choose_qparams(w, bits, symmetric=True, axis=axis)
    w_hat = fake_quantize(w, scale, zero_point, low, high)
    return torch.tensor([sqnr_db(*pair) for pair in zip(w, w_hat, strict=True)], dtype=torch.float64)
