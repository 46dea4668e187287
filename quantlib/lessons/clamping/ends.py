"""Pictures of what lies beyond the ends of the ruler: clamped, or wrapped."""

from collections.abc import Callable
from typing import Any

import numpy
import torch
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from torch import Tensor

from quantlib.affine import dequantize, fake_quantize, unclamped_codes
from quantlib.grids import wrap
from quantlib.lab import style
from quantlib.lab.picture import Picture, picture
from quantlib.lab.ruler import QUANT_MAX, QUANT_MIN, is_clipped
from quantlib.lab.words import number
from quantlib.metrics import split_error

MIDDLE: dict[str, Any] = {"ha": "center", "va": "center"}


def draw_end(x: Tensor, s: float, z: int) -> Picture:
    """Draw the upper end of the int8 grid, and the values of x that lie there and beyond."""
    asked = unclamped_codes(x.flatten(), s, z)
    last, first = int(asked.max()), QUANT_MAX - 17
    value = x.flatten()[asked.argmax()].item()
    with style.house_style():
        figure = style.new_figure(9.2, 2.4)
        axes = figure.add_axes((0.02, 0.02, 0.96, 0.80))
        style.bare(axes)
        axes.set(xlim=(first - 4.4, last + 2.2), ylim=(0, 1))
        _draw_codes(axes, first, last, s, z)
        for real, code in zip(x.flatten().tolist(), (x.flatten() / s + z).tolist(), strict=True):
            if code > first:
                _draw_value(axes, real, code)
        between = (value / s + z + QUANT_MAX) / 2
        axes.text(between, 0.90, "?", size=20, weight="bold", color=style.CLIPPED_TEXT, **MIDDLE)
        finding = f"{number(value)} asks for the code {last}, but the last code is {QUANT_MAX}"
        axes.set_title(finding, pad=4)
        reach = f"the code {QUANT_MAX} stands for {number(s * (QUANT_MAX - z))}"
        return picture(figure, f"The upper end of the int8 codes: {finding}; {reach}. Where does {number(value)} go?")


def _draw_codes(axes: Axes, first: int, last: int, s: float, z: int) -> None:
    """Draw the codes up to the last one of int8 as marks on a band, and the missing ones as dotted marks."""
    axes.add_patch(Rectangle((first - 0.9, 0.34), QUANT_MAX - first + 0.9, 0.22, color=style.RANGE, alpha=0.4, lw=0))
    axes.vlines(range(first, QUANT_MAX + 1), 0.34, 0.56, color=style.QUANTIZED, lw=1.4)
    axes.vlines(range(QUANT_MAX + 1, last + 1), 0.34, 0.56, color=style.CLIPPED, lw=1.4, linestyles="dotted")
    for code in (*range(first, QUANT_MAX, 5), QUANT_MAX, last):
        have = code <= QUANT_MAX
        ink, bold = (style.QUANTIZED if have else style.CLIPPED_TEXT), "bold" if code in (QUANT_MAX, last) else "normal"
        axes.text(code, 0.23, number(code), color=ink, weight=bold, **MIDDLE)
        axes.text(code, 0.08, number(s * (code - z)), color=style.QUIET, size=9, **MIDDLE)
    middle = (QUANT_MAX + last) / 2
    axes.text(middle, 0.23, "int8 has no such codes", color=style.CLIPPED_TEXT, size=9, **MIDDLE)
    arrow = {"arrowstyle": "->", "color": style.QUIET}
    axes.annotate("", (first - 2.1, 0.45), (first - 0.8, 0.45), arrowprops=arrow)
    axes.text(first - 4.3, 0.45, f"to {number(QUANT_MIN)}", color=style.QUIET, size=9, va="center")
    for height, name in ((0.23, "code"), (0.08, "stands for")):
        axes.text(first - 4.3, height, name, color=style.QUIET, size=9, va="center")


def _draw_value(axes: Axes, real: float, code: float) -> None:
    axes.plot(code, 0.72, "o", color=style.ORIGINAL, ms=6)
    axes.plot([code, code], [0.56, 0.72], color=style.ORIGINAL, lw=0.8)
    axes.text(code, 0.86, number(real), **MIDDLE)


def draw_reach(x: Tensor, s: float, z: int, also: float) -> Picture:
    """Draw how large the error is over the real numbers, inside and beyond the ends, and where the values of x lie.

    Args:
        x: real values, any shape, of which the largest clips.
        s, z: the ruler.
        also: one more value, beyond all of them.
    """
    low, high = (s * (end - z) for end in (QUANT_MIN, QUANT_MAX))
    left, right = low - 0.2 * (high - low), also + 0.07 * (high - low)
    inputs = torch.linspace(left, right, 14001)
    with style.house_style():
        figure = style.new_figure(9.2, 3.4)
        axes = figure.add_axes((0.075, 0.155, 0.905, 0.735))
        axes.axvspan(low, high, color=style.RANGE, alpha=0.12, lw=0)
        clip, rounding = (part.abs() for part in split_error(inputs, s, z))
        outside = is_clipped(inputs, s, z, QUANT_MIN, QUANT_MAX)
        axes.plot(inputs, rounding.where(~outside, torch.nan), color=style.ROUNDING_TEXT, lw=0.5)
        axes.plot(inputs, clip.where(outside, torch.nan), color=style.CLIPPED, lw=2.6, ls="dotted")
        most = also - high
        at = _draw_errors(axes, torch.cat([x.flatten(), torch.tensor([also])]), s, z)
        axes.set(xlim=(left, right), ylim=(-0.02 * most, 1.2 * most), xlabel="real value")
        axes.set_ylabel("size of the error")
        middle, half = (low + high) / 2, f"at most s/2 = {number(s / 2)}"
        axes.text(middle, 0.1 * most, f"rounding error: {half}", color=style.ROUNDING_TEXT, ha="center")
        axes.text(middle, 1.08 * most, f"the levels reach from {number(low)} to {number(high)}", ha="center", size=9)
        finding = f"on the ruler the error is {half}; beyond its ends it grows without limit"
        axes.set_title(finding[0].upper() + finding[1:])
        return picture(figure, f"Size of the error over the real numbers: {finding}. {at}.")


def _draw_errors(axes: Axes, values: Tensor, s: float, z: int) -> str:
    """Draw the errors of values as points, name those of the clipped ones, and return a sentence about them."""
    sizes = sum(part.abs() for part in split_error(values, s, z))
    assert isinstance(sizes, Tensor)
    clipped = is_clipped(values, s, z, QUANT_MIN, QUANT_MAX)
    rim: dict[str, Any] = {"mec": "white", "zorder": 5}
    axes.plot(values[~clipped], sizes[~clipped], "o", color=style.ROUNDING_TEXT, ms=5, **rim)
    axes.plot(values[clipped], sizes[clipped], "D", color=style.CLIPPED, ms=8, **rim)
    ink: dict[str, Any] = {"color": style.CLIPPED_TEXT, "weight": "bold", "ha": "right", "va": "center"}
    told = []
    for real, size in zip(values[clipped].tolist(), sizes[clipped].tolist(), strict=True):
        text = f"{number(real)} loses {number(size)}"
        axes.annotate(text, (real, size), (-11, 5), textcoords="offset points", **ink)
        told.append(f"{number(real)} is {number(size)}")
    return f"The error of {' and that of '.join(told)}"


def draw_clamp_and_wrap(value: float, s: float, z: int) -> Picture:
    """Draw what comes back of each real number if codes beyond the grid are clamped, and if they wrap around."""
    codes = torch.arange(QUANT_MIN - 115, QUANT_MAX + 116)
    marks = s * (codes - z).float()  # every mark of an endless ruler
    outside = ((codes < QUANT_MIN) | (codes > QUANT_MAX)).numpy()
    told = []
    ways: list[tuple[str, Callable[..., Tensor]]] = [("Clamped", fake_quantize), ("Wrapped", wrap_quantize)]
    with style.house_style():
        figure = style.new_figure(9.2, 4.1)
        for k, (name, way) in enumerate(ways):
            axes = figure.add_axes((0.085 + 0.495 * k, 0.13, 0.405, 0.76))
            back = way(torch.tensor(value), s, z).item()
            _draw_transfer(axes, marks.numpy(), way(marks, s, z).numpy(), outside)
            _draw_way(axes, value, back, round(back / s + z))
            told.append(f"{name}, {number(value)} comes back as {number(back)}")
            axes.set_title(told[-1])
            axes.set_ylabel("" if k else "comes back as")
        ends = "Beyond the ends of the grid, a clamped number stays at the end, and a wrapped one comes in at the other"
        return picture(figure, f"{ends}. {'. '.join(told)}.")


def wrap_quantize(x: Tensor, s: float, z: int) -> Tensor:
    """Return x as it comes back if codes beyond int8 wrap around instead of being clamped."""
    return dequantize(wrap(unclamped_codes(x, s, z)), s, z)


def _draw_transfer(axes: Axes, x: numpy.ndarray, back: numpy.ndarray, outside: numpy.ndarray) -> None:
    limits = float(x[0]), float(x[-1])
    axes.plot(limits, limits, color=style.ORIGINAL, lw=0.9)
    axes.plot(x[~outside], back[~outside], color=style.QUANTIZED, lw=2.6)
    for side in (x < 0, x > 0):  # two lines, so that none runs across the middle
        axes.plot(x[outside & side], back[outside & side], color=style.CLIPPED, lw=2.6, ls="dotted")
    axes.set(xlim=limits, ylim=limits, xlabel="real value")
    axes.locator_params(nbins=6)
    axes.text(0.86 * limits[1], 0.95 * limits[1], "no error", size=9, ha="right", va="center")


def _draw_way(axes: Axes, value: float, back: float, code: int) -> None:
    """Draw the fall of one value from where it should come back to where it does."""
    axes.plot([value, value], [value, back], color=style.CLIPPED_TEXT, lw=1.4)
    axes.plot(value, value, "o", color=style.ORIGINAL, ms=6, zorder=5)
    axes.plot(value, back, "D", color=style.CLIPPED, ms=7, mec="white", zorder=5)
    ink: dict[str, Any] = {"color": style.CLIPPED_TEXT, "weight": "bold", "ha": "right"}
    text = f"error {number(abs(value - back))}"
    axes.annotate(text, (value, (value + 3 * back) / 4), (-9, 4), textcoords="offset points", **ink)
    below: dict[str, Any] = {"textcoords": "offset points", "va": "center", "size": 9}
    axes.annotate(
        f"code {number(code)}", (value, back), (28, -14), **below | {"color": style.CLIPPED_TEXT, "ha": "center"}
    )
