"""Pictures of ranges and their rulers that stand still."""

from collections.abc import Mapping
from typing import Any

import numpy
import torch
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from torch import Tensor

from quantlib.affine import fake_quantize
from quantlib.lab import style
from quantlib.lab.picture import Picture, picture
from quantlib.lab.ruler import QUANT_MAX, QUANT_MIN, is_clipped
from quantlib.lab.words import clips, number
from quantlib.qparams import choose_qparams

from .walk import STEPS, draw_way_of_z, share_below

BAND: dict[str, Any] = {"color": style.RANGE, "alpha": 0.4, "lw": 0}


def draw_share(ranges: Mapping[str, tuple[float, float]]) -> Picture:
    """Draw z over the share of the range below 0.0, and where the ranges stand, each with its name."""
    with style.house_style():
        figure = style.new_figure(7.2, 3.6)
        axes = figure.add_axes((0.11, 0.16, 0.85, 0.73))
        draw_way_of_z(axes)
        axes.set_ylim(QUANT_MIN - 20, QUANT_MAX + 12)  # room for the lowest name and the highest
        told = [_draw_range(axes, name, *ends) for name, ends in ranges.items()]
        finding = "the more of the range lies below 0.0, the larger is z"
        axes.set_title(finding)
        return picture(figure, f"Ranges on a line: {finding}. {'; '.join(told)}.")


def _draw_range(axes: Axes, name: str, low: float, high: float) -> str:
    """Draw where a range stands, and its name beside it; return what that says."""
    z, share = int(choose_qparams(torch.tensor([low, high])).zero_point), share_below(low, high)
    axes.plot(share, z, "o", color=style.ORIGINAL, ms=8, zorder=5, clip_on=False)
    text = f"{name}, {number(low)} to {number(high)}: z = {number(z)}"
    beside: dict[str, Any] = {"xytext": (14, -5), "ha": "left"} if share < 0.6 else {"xytext": (-14, 4), "ha": "right"}
    axes.annotate(text, (share, z), textcoords="offset points", va="center", size=9, **beside)
    return text


# A range without 0.0


def draw_without_zero(x: Tensor) -> Picture:
    """Draw values far from 0.0 over the 256 levels that just cover them, and 0.0 itself."""
    low, high = x.min().item(), x.max().item()
    _, z = _ruler_without_zero(x)
    need, values = f"would need the code {_minus(f'{z:,}')}", ", ".join(map(number, x.tolist()))
    left = low - 0.012 * high
    with style.house_style():
        figure = style.new_figure(9.2, 1.9)
        axes = figure.add_axes((0.075, 0.24, 0.905, 0.56))
        axes.set(xlim=(-0.06 * high, 1.06 * high), ylim=(0, 1), xlabel="real value, units of x")
        style.number_line(axes)
        _draw_reach(axes, low, high, 0.12, 0.42)
        axes.plot(x, numpy.full(x.numel(), 0.72), "o", color=style.ORIGINAL, ms=5.5)
        axes.plot([0, 0], [0.12, 0.42], color=style.QUANTIZED, lw=2.5)
        axes.text(0.012 * high, 0.27, f"0.0 {need}", color=style.QUANTIZED, va="center", weight="bold")
        axes.text(left, 0.27, "the codes −128 to 127", va="center", ha="right", color=style.QUIET)
        axes.text(left, 0.72, values, va="center", ha="right")
        finding = f"256 levels from {number(low)} to {number(high)}, and none for 0.0"
        axes.set_title(finding)
        return picture(figure, f"On a number line, {finding}; it {need}. The values are {values}.")


def draw_three_rulers(x: Tensor) -> Picture:
    """Draw what becomes of values far from 0.0, and of 0.0 itself, on three rulers.

    The first just covers the values, and its z is no code; in the second z is clamped, in the third the range is
    widened to contain 0.0.
    """
    scale, far = _ruler_without_zero(x)
    widened = choose_qparams(x)
    rulers = {
        f"range without 0.0, z = {_minus(f'{far:,}')}": (scale, far),
        "the same s, and z clamped to −128": (scale, QUANT_MIN),
        "range widened to contain 0.0": (float(widened.scale), int(widened.zero_point)),
    }
    values = torch.cat([torch.zeros(1), x])
    with style.house_style():
        figure = style.new_figure(9.2, 3.9)
        told = []
        for k, (name, ruler) in enumerate(rulers.items()):
            axes = figure.add_axes((0.03, 0.70 - 0.315 * k, 0.94, 0.205))
            told.append(_draw_strip(axes, values, *ruler, name))
        return picture(figure, f"Only a range that contains 0.0 keeps all values. {'. '.join(told)}.")


def _ruler_without_zero(x: Tensor) -> tuple[float, int]:
    """Return s and z of the ruler that just covers x, whether z is a code or not."""
    s = (x.max() - x.min()).item() / STEPS
    return s, QUANT_MIN - round(x.min().item() / s)


def _draw_strip(axes: Axes, values: Tensor, s: float, z: int, name: str) -> str:
    """Draw values above the reach of a ruler, each joined to what it comes back as; return the finding."""
    style.bare(axes)
    top, low, high = 1.06 * values.max().item(), s * (QUANT_MIN - z), s * (QUANT_MAX - z)
    axes.set(xlim=(-0.06 * top, top), ylim=(0, 1))
    _draw_reach(axes, low, high, 0.0, 0.3)
    back, clipped = fake_quantize(values, s, z), is_clipped(values, s, z, QUANT_MIN, QUANT_MAX)
    looks: tuple[dict[str, Any], ...] = {"color": style.QUANTIZED}, {"color": style.CLIPPED, "ls": ":", "lw": 2.2}
    for value, real, clip in zip(values.tolist(), back.tolist(), clipped.tolist(), strict=True):
        axes.plot([value, real], [0.8, 0.3], **looks[clip])
    axes.plot(values, numpy.full(len(values), 0.8), "o", color=style.ORIGINAL, ms=5, zorder=5)
    axes.text(-0.012 * top, 0.8, "0.0", ha="right", va="center", size=9)
    finding = f"levels from {number(low)} to {number(high)}; {clips(int(clipped.sum()), len(values))}"
    axes.set_title(f"{name}: {finding}", size=10)
    return f"{name[0].upper()}{name[1:]}: {finding}"


def _draw_reach(axes: Axes, low: float, high: float, bottom: float, top: float) -> None:
    axes.add_patch(Rectangle((low, bottom), high - low, top - bottom, **BAND))
    axes.vlines([low, high], bottom, top, color=style.QUIET, lw=1)


# Three conventions of a symmetric scale


def conventions(bits: int) -> dict[str, float]:
    """Return by what each convention of a symmetric scale divides max|x|."""
    half = 2 ** (bits - 1)
    divisors = (half - 1, half - 0.5, half)
    return {f"max|x| / {number(divisor)}": float(divisor) for divisor in divisors}


def draw_conventions(bits: int = 3) -> Picture:
    """Draw the levels of three symmetric conventions for values from -1 to 1, and how far both ends lie from them."""
    half, divisors = 2 ** (bits - 1), conventions(bits)
    with style.house_style():
        figure = style.new_figure(9.2, 2.9)
        axes = figure.add_axes((0.14, 0.17, 0.57, 0.70))
        axes.set(xlim=(-1.45, 1.15), ylim=(2.7, -0.7), xlabel="real value; the largest |x| is 1")
        style.number_line(axes)
        axes.set_yticks(range(3), list(divisors), color=style.ORIGINAL)
        axes.tick_params(axis="y", length=0, labelsize=10)
        for end in (-1, 1):
            axes.axvline(end, color=style.ORIGINAL, lw=1, zorder=0)
        rows = enumerate(divisors.items())
        told = [f"{name}: {_draw_convention(axes, row, 1 / divisor, half)}" for row, (name, divisor) in rows]
        finding = f"with max|x| / {number(half - 0.5)} both ends lie half a step from a level"
        axes.set_title(f"{bits} bits: {finding}")
        return picture(figure, f"Levels of three conventions for {bits} bits; {finding}. {'; '.join(told)}.")


def _draw_convention(axes: Axes, row: int, s: float, half: int) -> str:
    """Draw the levels of one convention, and say beside them how far both ends lie from the nearest level."""
    codes = numpy.arange(-half, half)
    axes.hlines(row, s * codes[0], s * codes[-1], color=style.QUANTIZED, lw=1)
    axes.vlines(s * codes, row - 0.25, row + 0.25, color=style.QUANTIZED, lw=1.6)
    axes.vlines(0, row - 0.32, row + 0.32, color=style.QUANTIZED, lw=3)
    low, high = (_steps_off(numpy.abs(codes - end / s).min()) for end in (-1, 1))
    axes.text(1.03, row, f"−1: {low}; 1: {high}", transform=axes.get_yaxis_transform(), va="center")
    return f"−1 is {low} and 1 is {high}"


def _steps_off(steps: float) -> str:
    """Say how far a number lies from its nearest level."""
    names = {0.0: "on a level", 0.5: "half a step off", 1.0: "a step off"}
    return names.get(round(float(steps), 3), f"{number(steps)} steps off")


def _minus(text: str) -> str:
    return text.replace("-", "\N{MINUS SIGN}")
