"""Pictures of the affine quantizer that stand still."""

from collections.abc import Sequence

import torch
from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch
from torch import Tensor

from quantlib.affine import dequantize, quantize, unclamped_codes
from quantlib.lab import style
from quantlib.lab.picture import Picture, picture
from quantlib.lab.ruler import Ruler, Staircase, describe, make_view
from quantlib.lab.words import clips, number


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
        panel = Ruler(figure.add_axes((0.075, 0.25, 0.90, 0.58)), x, limits)
        panel.update(view)
        if mapped:
            return picture(figure, f"Number line. {describe(view)}")
        panel.hide_mapping()
        beyond = clips(int(view.clipped.sum()), x.numel(), "lie")
        levels = f"The {view.quant_max - view.quant_min + 1} levels"
        reach = f"{levels} reach from {number(view.low)} to {number(view.high)}"
        return picture(figure, f"Number line: {beyond} beyond the levels. {reach}.")


def draw_staircase(s: float, z: int, quant_min: int = -128, quant_max: int = 127, *, reach: float) -> Picture:
    """Draw the transfer curve from -reach to reach, in real units: which reconstruction each input gets."""
    inputs = torch.linspace(-reach, reach, 1921)
    view = make_view(inputs, s, z, quant_min, quant_max, inputs)
    with style.house_style():
        figure = style.new_figure(5.2, 4.0)
        panel = Staircase(figure.add_axes((0.15, 0.14, 0.82, 0.76)), inputs)
        panel.update(view)
        return picture(figure, f"Staircase of reconstructions with {panel.finding}.")


def draw_trace(values: Sequence[float], s: float, z: int, quant_min: int = -128, quant_max: int = 127) -> Picture:
    """Draw what happens to single numbers: divide, shift, round, clamp, and the way back."""
    rows = [_trace(value, s, z, quant_min, quant_max) for value in values]
    heads = (
        "real r",
        f"÷ {number(s)}",
        f"+ ({number(z)})",
        "round",
        "clamp = code q",
        f"− ({number(z)})",
        f"× {number(s)}",
    )
    with style.house_style():
        figure = style.new_figure(9.2, 0.75 + 0.62 * len(rows))
        axes = figure.add_axes((0.01, 0.02, 0.98, 0.96))
        style.bare(axes)
        axes.set_xlim(0, len(heads))
        axes.set_ylim(len(rows) + 0.05, -0.75)
        for k, head in enumerate(heads):
            axes.text(k + 0.5, -0.28, head, ha="center", va="center", color=style.QUIET, weight="bold")
        for i, row in enumerate(rows):
            _draw_trace_row(axes, i, row)
        sentences = [
            f"{number(row[0])} is stored as {number(row[4])} and comes back as {number(row[6])}" for row in rows
        ]
        return picture(figure, f"Step by step, {_trace_finding(rows)}: {'; '.join(sentences)}.")


def _trace_finding(rows: Sequence[Sequence[float]]) -> str:
    """Return what becomes of the numbers, in words: those that fit, those that are clamped, or both."""
    clamped = {row[3] != row[4] for row in rows}
    if clamped == {True}:
        return "a number that does not fit comes back as the end of the grid"
    close = "a number that fits comes back within half a step"
    return f"{close}, and one that does not comes back as the end of the grid" if True in clamped else close


def _trace(value: float, s: float, z: int, quant_min: int, quant_max: int) -> list[float]:
    """Return r, r / s, r / s + z, round(...), the code, code - z, and the reconstruction."""
    x = torch.tensor(value)
    code = quantize(x, s, z, quant_min, quant_max)
    before, back = unclamped_codes(x, s, z), dequantize(code, s, z)
    return [value, value / s, value / s + z, before.item(), code.item(), code.item() - z, back.item()]


def _draw_trace_row(axes: Axes, i: int, row: Sequence[float]) -> None:
    clips = row[3] != row[4]
    for k, value in enumerate(row):
        ink = style.QUANTIZED if k >= 4 else style.ORIGINAL
        ink = style.CLIPPED_TEXT if clips and k >= 4 else ink
        edge = (style.CLIPPED if clips else style.QUANTIZED) if k == 4 else style.LEVELS
        box = FancyBboxPatch((k + 0.12, i + 0.12), 0.76, 0.66, boxstyle="round,pad=0,rounding_size=0.08", fc="white")
        box.set(ec=edge, lw=2 if k == 4 else 1, ls="dotted" if clips and k == 4 else "solid")
        axes.add_patch(box)
        bold = "bold" if k == 4 else "normal"
        axes.text(k + 0.5, i + 0.46, number(value), ha="center", va="center", size=12, color=ink, weight=bold)
        if k:
            axes.annotate("", (k + 0.11, i + 0.46), (k - 0.11, i + 0.46), arrowprops={"arrowstyle": "->", "color": ink})
