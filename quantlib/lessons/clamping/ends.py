"""Pictures of what lies beyond the ends of the ruler: clamped, wrapped, or made room for by another s and z."""

from collections.abc import Callable, Sequence
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
        axes.set(xlim=(first - 4.0, last + 2.2), ylim=(0, 1))
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
    for height, name in ((0.23, "code"), (0.08, "stands for")):
        axes.text(first - 3.9, height, name, color=style.QUIET, size=9, va="center")


def _draw_value(axes: Axes, real: float, code: float) -> None:
    axes.plot(code, 0.72, "o", color=style.ORIGINAL, ms=6)
    axes.plot([code, code], [0.56, 0.72], color=style.ORIGINAL, lw=0.8)
    axes.text(code, 0.86, number(real), **MIDDLE)


def draw_reach(x: Tensor, s: float, z: int) -> Picture:
    """Draw how large the error is over the real numbers, inside and beyond the ends, and where the values of x lie."""
    low, high = (s * (end - z) for end in (QUANT_MIN, QUANT_MAX))
    edge = 0.2 * (high - low)
    inputs = torch.linspace(low - edge, high + edge, 12001)
    with style.house_style():
        figure = style.new_figure(9.2, 3.6)
        axes = figure.add_axes((0.075, 0.15, 0.905, 0.74))
        axes.axvspan(low, high, color=style.RANGE, alpha=0.12, lw=0)
        clip, rounding = (part.abs() for part in split_error(inputs, s, z))
        outside = is_clipped(inputs, s, z, QUANT_MIN, QUANT_MAX)
        axes.plot(inputs, rounding.where(~outside, torch.nan), color=style.ROUNDING_TEXT, lw=0.5)
        axes.plot(inputs, clip.where(outside, torch.nan), color=style.CLIPPED, lw=2.6, ls="dotted")
        worst, at = _draw_errors(axes, x, s, z)
        axes.set(xlim=(low - edge, high + edge), ylim=(0, 1.25 * worst), xlabel="real value")
        axes.set_ylabel("size of the error")
        middle, half = (low + high) / 2, f"at most s/2 = {number(s / 2)}"
        axes.text(middle, 0.12 * worst, f"round: {half}", color=style.ROUNDING_TEXT, ha="center")
        axes.text(middle, 1.12 * worst, f"the levels reach from {number(low)} to {number(high)}", ha="center", size=9)
        finding = f"on the ruler the error is {half}; beyond its ends it grows without limit"
        axes.set_title(finding[0].upper() + finding[1:])
        return picture(figure, f"Size of the error over the real numbers: {finding}. {at}.")


def _draw_errors(axes: Axes, x: Tensor, s: float, z: int) -> tuple[float, str]:
    """Draw the errors of x as points; return the largest, and a sentence about it."""
    values = x.flatten()
    sizes = sum(part.abs() for part in split_error(values, s, z))
    assert isinstance(sizes, Tensor)
    clipped = is_clipped(values, s, z, QUANT_MIN, QUANT_MAX)
    rim: dict[str, Any] = {"mec": "white", "zorder": 5}
    axes.plot(values[~clipped], sizes[~clipped], "o", color=style.ROUNDING_TEXT, ms=5, clip_on=False, **rim)
    axes.plot(values[clipped], sizes[clipped], "D", color=style.CLIPPED, ms=8, **rim)
    worst = int(sizes.argmax())
    real, size = values[worst].item(), sizes[worst].item()
    ink: dict[str, Any] = {"color": style.CLIPPED_TEXT, "weight": "bold", "va": "center"}
    axes.annotate(f"{number(real)}\nloses {number(size)}", (real, size), (12, 0), textcoords="offset points", **ink)
    return size, f"The error of {number(real)} is {number(size)}"


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
            _draw_way(axes, value, back)
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


def _draw_way(axes: Axes, value: float, back: float) -> None:
    """Draw the fall of one value from where it should come back to where it does."""
    axes.plot([value, value], [value, back], color=style.CLIPPED_TEXT, lw=1.4)
    axes.plot(value, value, "o", color=style.ORIGINAL, ms=6, zorder=5)
    axes.plot(value, back, "D", color=style.CLIPPED, ms=7, mec="white", zorder=5)
    ink: dict[str, Any] = {"color": style.CLIPPED_TEXT, "weight": "bold", "ha": "right"}
    text = f"error {number(abs(value - back))}"
    axes.annotate(text, (value, (value + 3 * back) / 4), (-9, 4), textcoords="offset points", **ink)


def draw_free(x: Tensor, s: float, z: int, scales: Sequence[float]) -> Picture:
    """Draw which end of the grid clips, over z and s, and at some scales every z with which no value of x clips.

    Args:
        x: real values with both signs, any shape.
        s, z: one ruler that is marked, for comparison.
        scales: where the free z are marked, the smallest first.
    """
    span = scales[-1] - scales[0]
    heights = numpy.linspace(scales[0] - span, scales[-1] + span, 400)
    found = {scale: free_zero_points(x, scale) for scale in scales}
    with style.house_style():
        figure = style.new_figure(9.2, 4.2)
        axes = figure.add_axes((0.075, 0.13, 0.905, 0.77))
        _draw_ends(axes, heights, x.min().item(), x.max().item())
        axes.plot(z, s, "D", color=style.ORIGINAL, ms=7, mec="white", zorder=5)
        _tag(axes, (z, s), f"s = {number(s)}, z = {number(z)}", style.ORIGINAL)
        for scale, zero_points in found.items():
            axes.plot(zero_points, [scale] * len(zero_points), "o", color=style.BETTER, ms=6.5, mec="white", zorder=5)
            _tag(axes, (zero_points[-1], scale), f"s = {number(scale)}: {_span(zero_points)}", style.BETTER_TEXT)
        axes.set_title("z decides which end clips; only a larger s makes room for both")
        free = "; ".join(f"s = {number(scale)}: {_span(free)}" for scale, free in found.items())
        text = "Map of z and s. For small z the lower end clips, for large z the upper, for small s both"
        return picture(figure, f"{text}. In a wedge that opens upwards nothing clips: for {free}.")


def _tag(axes: Axes, at: tuple[float, float], text: str, ink: str) -> None:
    box = {"fc": "white", "ec": "none", "pad": 1.2}
    axes.annotate(text, at, (9, 0), textcoords="offset points", va="center", size=9, color=ink, bbox=box, zorder=6)


def _span(zero_points: Sequence[int]) -> str:
    ends = dict.fromkeys((zero_points[0], zero_points[-1]))
    return " to ".join(number(z) for z in ends)


def free_zero_points(x: Tensor, s: float) -> list[int]:
    """Return every z of the int8 grid with which no code of x leaves the grid."""
    return [z for z in range(QUANT_MIN, QUANT_MAX + 1) if not bool(is_clipped(x, s, z, QUANT_MIN, QUANT_MAX).any())]


def _draw_ends(axes: Axes, s: numpy.ndarray, low: float, high: float) -> None:
    """Draw the four regions of values from low to high: nothing clips, the lower end does, the upper end, or both."""
    first, last = QUANT_MIN - 0.5 - low / s, QUANT_MAX + 0.5 - high / s  # between these z nothing clips
    centre = float(first[numpy.argmin(abs(last - first))])
    limits = centre - 18, centre + 24
    lower, upper = numpy.minimum(first, last), numpy.maximum(first, last)
    fill: dict[str, Any] = {"edgecolor": style.CLIPPED, "linewidth": 0}
    axes.fill_betweenx(s, limits[0], lower, facecolor=style.CLIPPED_PALER, hatch="//", **fill)
    axes.fill_betweenx(s, upper, limits[1], facecolor=style.CLIPPED_PALER, hatch="\\\\", **fill)
    axes.fill_betweenx(s, lower, upper, where=list(first >= last), facecolor=style.CLIPPED_TINT, hatch="xx", **fill)
    axes.fill_betweenx(s, lower, upper, where=list(last >= first), facecolor=style.BETTER_TINT, lw=0)
    axes.set(xlim=limits, ylim=(s[0], s[-1]), xlabel="zero point z", ylabel="scale s")
    box, middle, rise = {"fc": "white", "ec": "none", "pad": 2.5}, (s[0] + s[-1]) / 2, s[-1] - s[0]
    for z, height, text, ink in (
        (limits[0] + 6, middle, "the lower end clips", style.CLIPPED_TEXT),
        (limits[1] - 6, middle, "the upper end clips", style.CLIPPED_TEXT),
        (centre - 1, s[0] + 0.08 * rise, "both ends clip", style.CLIPPED_TEXT),
        (centre + 4, s[-1] - 0.09 * rise, "nothing clips", style.BETTER_TEXT),
    ):
        axes.text(z, height, text, color=ink, weight="bold", size=10, bbox=box, zorder=4, **MIDDLE)
