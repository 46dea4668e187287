"""Pictures of the affine quantizer that stand still."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from quantlib.lab import style
from quantlib.lab.picture import Picture, picture
from quantlib.lab.ruler import Ruler, describe, make_view
from quantlib.lab.words import clips, joined, number

from .scene import Staircase


def draw_ruler(
    x: Tensor,
    s: float,
    z: int,
    quant_min: int = -128,
    quant_max: int = 127,
    *,
    limits: tuple[float, float] | None = None,
    mapped: bool = True,
) -> Picture:
    """Draw the values of x above the levels that the codes stand for.

    Args:
        x: real values, any shape.
        s, z, quant_min, quant_max: the ruler.
        limits: the ends of the number line; by default they hold x and the levels.
        mapped: whether to show which level each value gets.
    """
    view = make_view(x, s, z, quant_min, quant_max, torch.zeros(1))
    if limits is None:
        low, high = min(view.low, x.min().item()), max(view.high, x.max().item())
        limits = low - 0.08 * (high - low), high + 0.08 * (high - low)
    with style.house_style():
        figure = style.new_figure(9.2, 2.3)
        panel = Ruler(figure.add_axes((0.095, 0.25, 0.88, 0.58)), x, limits)
        panel.update(view)
        if mapped:
            return picture(figure, f"Number line. {describe(view)}")
        panel.pose()
        beyond = clips(int(view.clipped.sum()), x.numel(), "lie")
        return picture(figure, f"Number line with values and levels: {beyond} beyond the {panel.title.text}.")


def draw_codes(codes: Sequence[int], s: float, z: int, quant_min: int = -128, quant_max: int = 127) -> Picture:
    """Draw the levels on the number line, and over some of them the code, below them the real number."""
    low, high = s * (quant_min - z), s * (quant_max - z)
    reals = [s * (code - z) for code in codes]
    with style.house_style():
        figure = style.new_figure(9.2, 1.9)
        axes = figure.add_axes((0.095, 0.30, 0.88, 0.54))
        style.number_line(axes)
        margin = 0.08 * (high - low)
        axes.set(xlim=(low - margin, high + margin), ylim=(0, 1), xlabel="real value r")
        axes.axvspan(low, high, 0.36, 0.68, color=style.RANGE, alpha=0.4, lw=0)
        axes.vlines([s * (code - z) for code in range(quant_min, quant_max + 1)], 0.36, 0.68, color=style.QUIET, lw=0.4)
        axes.vlines(reals, 0.30, 0.74, color=style.QUANTIZED, lw=2.5)
        row: dict[str, Any] = {"ha": "center", "va": "center", "color": style.QUANTIZED}
        for code, real in zip(codes, reals, strict=True):
            axes.text(real, 0.88, f"q = {number(code)}{' = z' if code == z else ''}", **row)
            axes.text(real, 0.15, number(real), weight="bold", **row)
        left: dict[str, Any] = {"transform": axes.get_yaxis_transform(), "size": 9, "ha": "right", "va": "center"}
        axes.text(-0.012, 0.88, "code", color=style.QUIET, **left)
        axes.text(-0.012, 0.15, "stands for", color=style.QUIET, **left)
        said = joined([f"{number(code)} for {number(real)}" for code, real in zip(codes, reals, strict=True)])
        return picture(
            figure, f"Number line with the {quant_max - quant_min + 1} levels; codes stand for reals: {said}."
        )


def draw_squares(x: Tensor, s: float, z: int) -> Picture:
    """Draw the square of each error as a bar: the norm is the root of their sum."""
    view = make_view(x, s, z, -128, 127, x)
    squares, clipped = (t.flatten().double().numpy() for t in ((x - view.x_hat).double().square(), view.clipped))
    share = 100 * squares[clipped > 0].sum() / squares.sum()
    with style.house_style():
        figure = style.new_figure(9.2, 2.9)
        axes = figure.add_axes((0.085, 0.19, 0.895, 0.66))
        bars = axes.bar(range(len(squares)), squares, color=style.ROUNDING, edgecolor=style.ROUNDING_TEXT, ls="dashed")
        for bar, clips, square in zip(bars, clipped, squares, strict=True):
            if clips:
                bar.set(**style.CLIP)
            ink = style.CLIPPED_TEXT if clips else style.ROUNDING_TEXT
            height = square + 0.03 * squares.max()
            axes.text(bar.get_x() + bar.get_width() / 2, height, f"{square:.2f}", ha="center", color=ink, weight="bold")
        axes.set_xticks(range(len(squares)), [number(value) for value in x.flatten().tolist()])
        axes.set(xlabel="value x", ylabel="error, squared", ylim=(0, 1.15 * squares.max()))
        total = f"{squares.sum() ** 0.5:.4f}² = {squares.sum():.2f}"
        finding = f"{total}: {share:.1f} % of it comes from clipping, {100 - share:.1f} % from rounding"
        axes.set_title(finding)
        return picture(figure, f"The squared error of each value, as a bar. The norm is {finding}.")


def draw_staircase(s: float, z: int, quant_min: int = -128, quant_max: int = 127, *, reach: float) -> Picture:
    """Draw the transfer curve from -reach to reach, in real units: which reconstruction each input gets."""
    inputs = torch.linspace(-reach, reach, 1921)
    view = make_view(inputs, s, z, quant_min, quant_max, inputs)
    with style.house_style():
        figure = style.new_figure(5.6, 4.0)
        panel = Staircase(figure.add_axes((0.14, 0.14, 0.72, 0.76)), inputs)
        panel.update(view)
        return picture(figure, f"Staircase of what comes back: {panel.finding}.")
