"""Number formats as rulers: which numbers a format has, on a line."""

import math
from typing import Any

import numpy
import torch
from matplotlib.axes import Axes

from quantlib.lab import style
from quantlib.lab.picture import Picture, picture

FORMATS = {"int8": torch.int8, "float16": torch.float16, "bfloat16": torch.bfloat16}
FLOATS = "float16", "bfloat16"
FINEST = 2**-12  # marks closer than this are not looked for


def marks(dtype: torch.dtype, low: float, high: float) -> torch.Tensor:
    """Return the numbers of a format from low to high, in float64: where two are at least 2^-12 apart, all of them.

    >>> marks(torch.bfloat16, 127, 130).tolist()
    [127.0, 127.5, 128.0, 129.0, 130.0]
    """
    if not dtype.is_floating_point:
        bounds = torch.iinfo(dtype)
        return torch.arange(max(math.ceil(low), bounds.min), min(math.floor(high), bounds.max) + 1).double()
    steps = torch.arange(low, high + FINEST, FINEST, dtype=torch.float64).to(dtype).double().unique()
    return steps[(steps >= low) & (steps <= high)]


def draw_formats(value: float, low: float, high: float) -> Picture:
    """Draw the numbers that int8, float16 and bfloat16 have from low to high, and the mark next to a value."""
    nearest = {name: _nearest(dtype, value, low, high) for name, dtype in FORMATS.items()}
    with style.house_style():
        figure = style.new_figure(9.2, 3.3)
        axes = figure.add_axes((0.10, 0.16, 0.87, 0.72))
        style.number_line(axes)
        axes.set(xlim=(low - 0.1, high + 0.1), ylim=(len(FORMATS) - 0.35, -0.75), xlabel="number")
        axes.set_yticks(range(len(FORMATS)), list(FORMATS), color="black")
        axes.tick_params(axis="y", length=0, labelsize=10)
        axes.axvline(value, color=style.ORIGINAL, lw=1, zorder=0)
        axes.text(value, -0.62, f" {value:.2f}", va="center", size=9)
        for row, (name, dtype) in enumerate(FORMATS.items()):
            _draw_row(axes, row, marks(dtype, low, high).numpy(), nearest[name])
        stored = " and ".join(f"{exact(nearest[name])} in {name}" for name in FLOATS)
        rounded = " and ".join(f"to {round(nearest[name])} in {name}" for name in FLOATS)
        axes.set_title(f"{value:.2f} is stored as {stored}")
        said = f"{value:.2f} is stored as {stored}, and so rounds {rounded}"
        return picture(figure, f"Rulers of int8, float16 and bfloat16: {said}.")


def exact(value: float) -> str:
    """Return a number with all its digits, and no trailing zeros."""
    return f"{value:.12g}"


def _nearest(dtype: torch.dtype, value: float, low: float, high: float) -> float:
    near = marks(dtype, low, high)
    return near[(near - value).abs().argmin()].item()


def _draw_row(axes: Axes, row: int, at: numpy.ndarray, nearest: float) -> None:
    whole = at == at.round()
    heights: Any = numpy.where(whole, 0.30, 0.20)
    axes.hlines(row, at.min(), at.max(), color=style.QUANTIZED, lw=1)
    axes.vlines(at, row - heights, row, color=style.QUANTIZED, lw=numpy.where(whole, 1.8, 1.0))
    axes.plot(nearest, row, "o", color=style.QUANTIZED, ms=8, mec="white", zorder=5)
    look: dict[str, Any] = {"color": style.QUANTIZED, "ha": "center", "va": "center", "size": 9, "weight": "bold"}
    axes.text(nearest, row + 0.22, exact(nearest), bbox={"fc": "white", "ec": "none", "pad": 1.0}, **look)
    for low, step in _steps(at):
        axes.text(low, row - 0.42, f"step {exact(step)}", color=style.QUIET, size=9, va="center", ha="left")


def _steps(at: numpy.ndarray) -> list[tuple[float, float]]:
    """Return (where it begins, step) for each stretch of a ruler with one distance between its marks."""
    gaps = numpy.diff(at)
    starts = numpy.flatnonzero(numpy.diff(gaps, prepend=0.0))
    return [(float(at[k]), float(gaps[k])) for k in starts]
