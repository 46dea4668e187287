"""Number formats as rulers: which numbers a format has, on a line."""

import math
from typing import Any

import numpy
import torch
from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch

from quantlib.grids import wrap
from quantlib.lab import style
from quantlib.lab.picture import Picture, picture
from quantlib.lab.words import number

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


def draw_formats(x: float, low: float, high: float) -> Picture:
    """Draw step by step how x gets its code in bfloat16, if it is the largest, and the rulers near its quotient x / s.

    Args:
        x: a positive number that bfloat16 has.
        low, high: the ends of the rulers, around 127.
    """
    steps = trace(x)
    value = steps["x / s"]
    nearest = {name: _nearest(dtype, value, low, high) for name, dtype in FORMATS.items()}
    with style.house_style():
        figure = style.new_figure(9.2, 4.4)
        _draw_trace(figure.add_axes((0.01, 0.70, 0.98, 0.22)), steps)
        axes = figure.add_axes((0.10, 0.115, 0.87, 0.50))
        style.number_line(axes)
        axes.set(xlim=(low - 0.1, high + 0.1), ylim=(len(FORMATS) - 0.35, -0.75), xlabel="number")
        axes.set_yticks(range(len(FORMATS)), list(FORMATS), color="black")
        axes.tick_params(axis="y", length=0, labelsize=10)
        axes.axvline(value, color=style.ORIGINAL, lw=1, zorder=0)
        axes.text(value, -0.62, f" x / s = {value:.2f}", va="center", size=9)
        for row, (name, dtype) in enumerate(FORMATS.items()):
            _draw_row(axes, row, marks(dtype, low, high).numpy(), nearest[name])
        stored = " and ".join(f"{exact(nearest[name])} in {name}" for name in FLOATS)
        figure.text(0.012, 0.955, f"{value:.2f} is stored as {stored}", weight="bold", size=11, va="center")
        said = f"{value:.2f} is stored as {stored}, so in bfloat16 the code is {exact(steps['round'])}"
        end = f"int8 keeps {exact(steps['in int8'])}, and {exact(x)} comes back as {steps['comes back']:.2f}"
        return picture(figure, f"Rulers of int8, float16 and bfloat16: {said}; {end}.".replace("-", "\N{MINUS SIGN}"))


def trace(x: float) -> dict[str, float]:
    """Return each step of the code of x, and of its way back, if x is the largest number: "stored" is in bfloat16.

    >>> [f"{step:.5g}" for step in trace(11.0).values()]
    ['11', '0.086614', '0.086426', '127.28', '127.5', '128', '-128', '-11.062']
    """
    s = x / 127
    stored = torch.tensor(s).bfloat16().item()
    quotient = torch.tensor(x / stored).bfloat16()
    code = quotient.round()
    kept = int(wrap(code.float()))
    names = "x", "x / 127", "stored as s", "x / s", "stored as", "round", "in int8", "comes back"
    steps = x, s, stored, x / stored, quotient.item(), code.item(), float(kept), kept * stored
    return dict(zip(names, steps, strict=True))


def _draw_trace(axes: Axes, steps: dict[str, float]) -> None:
    """Draw a box for each step: what is only computed is pale, what is stored in 16 or 8 bits has a strong frame.

    The frame of a code that int8 does not have, and of what comes back of it, is dotted.
    """
    style.bare(axes)
    axes.set(xlim=(0, len(steps)), ylim=(0, 1.45))
    for k, (name, value) in enumerate(steps.items()):
        held, lost = name.startswith("stored") or k > 5, k > 5 and steps["in int8"] != steps["round"]
        edge, ink = (style.QUANTIZED, style.QUANTIZED) if held else (style.LEVELS, style.ORIGINAL)
        box = FancyBboxPatch((k + 0.13, 0.12), 0.74, 0.72, boxstyle="round,pad=0,rounding_size=0.08", fc="white")
        box.set(ec=style.CLIPPED if lost else edge, lw=2 if held else 1, ls="dotted" if lost else "solid")
        axes.add_patch(box)
        ink = style.CLIPPED_TEXT if lost else ink
        text = f"{value:.2f}" if name == "x / s" else number(value)
        axes.text(k + 0.5, 0.48, text, ha="center", va="center", size=11, color=ink)
        axes.text(k + 0.5, 1.12, name, ha="center", va="center", color=style.QUIET, size=9)
        if k:
            axes.annotate("", (k + 0.12, 0.48), (k - 0.12, 0.48), arrowprops={"arrowstyle": "->", "color": ink})


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
