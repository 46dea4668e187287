"""The case that notebook 07 left open: the weights of one tensor, and the levels of two formats of 8 bits."""

from typing import Any

import numpy
import torch
from matplotlib.axes import Axes
from torch import Tensor

from quantlib.affine import dequantize, fake_quantize
from quantlib.formats import E4M3, FloatFormat, float_levels, round_to_float
from quantlib.lab import style
from quantlib.lab.picture import Picture, picture
from quantlib.lab.words import fixed
from quantlib.qparams import choose_qparams


def draw_case(w: Tensor, reach: float = 0.6) -> Picture:
    """Draw how many weights of a tensor lie where, over the levels of int8 with one scale and of E4M3 without any.

    Args:
        w: the weights; reach: the axis goes from -reach to reach.
    """
    ruler = choose_qparams(w, symmetric=True)
    even = dequantize(torch.arange(-127, 128), ruler.scale, 0)
    levels = float_levels(E4M3)
    said = []
    with style.house_style():
        figure = style.new_figure(9.2, 3.0)
        axes = figure.add_axes((0.20, 0.17, 0.77, 0.72))
        axes.set(xlim=(-reach, reach), ylim=(-0.75, 1.05), xlabel="weight")
        style.number_line(axes)
        counts, edges = numpy.histogram(w.flatten().numpy(), 100, (-reach, reach))
        axes.stairs(counts / counts.max(), edges, color=style.ORIGINAL, lw=1.2)
        biggest = w.abs().max().item()
        axes.set_title(f"{w.numel():,} weights of conv4; the largest, {biggest:.2f}, lies far to the right", size=10)
        beside: dict[str, Any] = {"transform": axes.get_yaxis_transform(), "ha": "right", "va": "center", "size": 9.5}
        axes.text(-0.012, 0.45, "how many weights", **beside)
        for foot, name, where in ((-0.32, "int8, one scale", even), (-0.68, "E4M3, no scale", both(levels))):
            shown = where[where.abs() <= reach].tolist()
            axes.vlines(shown, foot, foot + 0.24, color=style.QUANTIZED, lw=0.8)
            axes.text(-0.012, foot + 0.12, name, color=style.QUANTIZED, **beside)
            said.append(f"{name}: {len(shown)} levels")
        return picture(
            figure, f"Weights of conv4 from {fixed(-reach, 1)} to {reach:g}. Of the levels there, {'; '.join(said)}."
        )


def both(levels: Tensor) -> Tensor:
    """Return levels from 0 on with their negative twins."""
    return torch.cat([-levels, levels]).unique()


def draw_errors(w: Tensor, alike: tuple[int, int], count: int) -> Picture:
    """Draw the error of each weight over its size, in int8 with one scale and in E4M3 without any.

    Args:
        w: the weights.
        alike: in how many of `count` windows the network decides as in float, for each of the two.
    """
    ruler = choose_qparams(w, symmetric=True)
    ways = {"int8, one scale": fake_quantize(w, *ruler), "E4M3, no scale": round_to_float(w, E4M3)}
    said = []
    with style.house_style():
        figure = style.new_figure(9.2, 3.5)
        for k, ((name, back), windows) in enumerate(zip(ways.items(), alike, strict=True)):
            axes = figure.add_axes((0.085 + 0.48 * k, 0.15, 0.40, 0.74))
            _draw_errors(axes, w.flatten(), back.flatten())
            zeros = f"{100 * (back == 0).float().mean().item():.1f} %"
            axes.set_title(f"{name}: {windows} of {count} windows", size=10)
            axes.text(0.03, 0.95, f"orange: {zeros} become 0", transform=axes.transAxes, size=9, va="top",
                      color=style.CLIPPED_TEXT)  # fmt: skip
            if k == 0:
                axes.set_ylabel("size of its error", labelpad=1)
            said.append(f"{name}: {zeros} of the weights become 0, {windows} of {count} windows as in float")
        return picture(figure, f"The error of each weight of conv4 over its size. {'; '.join(said)}.")


def _draw_errors(axes: Axes, x: Tensor, back: Tensor) -> None:
    low, high = 1e-4, 100.0
    axes.set(xlim=(low, high), ylim=(1e-6, 1e3), xscale="log", yscale="log", xlabel="size of a weight of conv4")
    size, error = x.abs(), (back - x).abs().clamp(min=1e-7)
    for shown, ink in ((back != 0, style.QUANTIZED), (back == 0, style.CLIPPED)):
        axes.plot(size[shown][::4], error[shown][::4], ".", ms=2, color=ink)
    look: dict[str, Any] = {"size": 9, "color": style.QUIET, "rotation": 25, "rotation_mode": "anchor"}
    begins = size[back == 0].max().item()  # below, the points themselves are the line
    for part, name, left in ((1, "the whole weight", 1.2 * begins), (1 / 16, "1/16 of it", low)):
        axes.plot([left, high], [left * part, high * part], color=style.QUIET, lw=0.8, ls="dashed")
        axes.text(1.5, 2.4 * part, name, **look)  # beside the line: a decade is 0.61 inches wide and 0.29 high


def draw_formats(formats: dict[str, FloatFormat]) -> Picture:
    """Draw the levels from 0 on of small floats, one number line for each."""
    said = []
    with style.house_style():
        figure = style.new_figure(9.2, 0.72 + 0.42 * len(formats))
        axes = figure.add_axes((0.10, 0.30, 0.87, 0.56))
        end = max(format.largest for format in formats.values())
        axes.set(xlim=(-0.3, end + 0.3), ylim=(len(formats) - 0.4, -0.6), xlabel="level")
        style.number_line(axes)
        axes.set_title("eight levels from 0 on", size=10)
        for row, (name, format) in enumerate(formats.items()):
            levels = float_levels(format).tolist()
            axes.axhline(row, color=style.LEVELS, lw=0.8, zorder=0)
            axes.plot(levels, [row] * len(levels), "o", color=style.QUANTIZED, ms=8, mec="white", clip_on=False)
            axes.text(-0.012, row, name, transform=axes.get_yaxis_transform(), ha="right", va="center", weight="bold")
            said.append(f"{name}: {', '.join(f'{level:g}' for level in levels)}")
        return picture(figure, f"The levels of small floats, from 0 on. {'; '.join(said)}.")
