"""Pictures for the bug museum: where numbers come back, with a bug and without, and what a score says of it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy
import torch
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from torch import Tensor

from quantlib.lab import style
from quantlib.lab.picture import Picture, picture
from quantlib.lab.words import number

Function = Callable[..., Any]
Table = Sequence[Sequence[Any]]
MINUS = "\N{MINUS SIGN}"
FEW = 6  # up to so many numbers are written beside their dots
HIGH = 0.34  # a cell with a number, in inches


def come_back(exercise: str, function: Function, arguments: Sequence[Any]) -> tuple[Tensor, Tensor]:
    """Return numbers, and what they come back as if a function does one step of the round trip, and the rest is right.

    A function that chooses a ruler is judged on 0.0 as well, which every ruler must hold exactly. Nothing is validated:
    a bug may give a scale of 0, or a zero point that is not a number.

    Args:
        exercise: the step: quantize, dequantize, choose_qparams, max_abs or symmetric.
        function: does it, well or badly.
        arguments: what it is called with.
    Returns:
        Both flat, in float64.
    """
    first = arguments[0]
    if exercise in ("quantize", "dequantize"):
        s, z = arguments[1:]
        done = function(first.clone(), s, z).double().flatten()
        return (
            (first.double().flatten(), s * (done - z)) if exercise == "quantize" else (s * (first.double() - z), done)
        )
    zero = torch.zeros(0 if bool((first == 0).any()) else 1, dtype=torch.float64)
    x = torch.cat([first.double().flatten(), zero])
    bits = arguments[1] if exercise == "symmetric" else 8
    s, z = function(*arguments) if exercise == "choose_qparams" else (function(*arguments), 0)
    codes = (x / s + z).round().clamp(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    return x, s * (codes - z)


def finding(x: Tensor, buggy: Tensor, right: Tensor) -> str:
    """Say which number comes back most wrongly; 0.0 first, which must come back exactly. Return "" if none does."""
    off = _wrongness(x, buggy, right)
    k = int(off.argmax())
    if off[k] == 0:
        return ""
    return f"{number(x[k].item())} comes back as {_said(buggy[k].item())}, not as {_said(right[k].item())}"


def _wrongness(x: Tensor, buggy: Tensor, right: Tensor) -> Tensor:
    off = (buggy - right).abs().nan_to_num(torch.inf)
    off = torch.where(off > 1e-6 * right.abs().max(), off, 0.0)  # less is what float32 loses
    return torch.where((x == 0) & (off > 0), torch.inf, off)


def _said(value: float) -> str:
    return "NaN" if value != value else number(value + 0.0)  # -0.0 + 0.0 is 0.0


def draw_return(x: Tensor, buggy: Tensor, right: Tensor) -> Picture:
    """Draw numbers on a line, above it where they come back with a bug, and below where they should."""
    found = finding(x, buggy, right)
    title = found or "Every number comes back as it should"
    order = _wrongness(x, buggy, right).argsort(descending=True, stable=True)
    x, buggy, right = x[order], buggy[order], right[order]
    with style.house_style():
        figure = style.new_figure(9.2, 2.5)
        axes = figure.add_axes((0.13, 0.20, 0.84, 0.66))
        _lay_out(axes, torch.cat([x, buggy, right]))
        _draw_way(axes, x, buggy, 2, style.QUANTIZED, "D", "solid")
        _draw_way(axes, x, right, 0, style.BETTER, "|", "dashed")
        axes.plot(x.numpy(), numpy.ones(len(x)), "o", color=style.ORIGINAL, ms=6, zorder=4)
        if len(x.unique()) <= FEW:
            _write(axes, x, 1, style.ORIGINAL)
        axes.set_title(title)
        rows = [f"{a} gives {b}, should give {c}" for a, b, c in _rows(x, buggy, right)]
        said = "; ".join(rows[:FEW]) + (f"; and {len(rows) - FEW} more" if len(rows) > FEW else "")
        astray = "With the bug a number goes astray: " if found else ""
        where = "Numbers in the middle, above where the bug sends them, below where they should come back"
        return picture(figure, f"{astray}{title}. {where}: {said}.")


def _rows(*columns: Tensor) -> list[tuple[str, ...]]:
    return list(dict.fromkeys(zip(*(map(_said, column.tolist()) for column in columns), strict=True)))


def _lay_out(axes: Axes, everything: Tensor) -> None:
    finite = everything[everything.isfinite()]
    low, high = finite.min().item(), finite.max().item()
    margin = 0.06 * (high - low) or max(abs(high), 1.0)
    axes.set_xlim(low - margin, high + margin)
    axes.set_ylim(-0.75, 2.75)
    axes.set_yticks([2, 1, 0], ["with the bug", "numbers", "without it"], color="black")
    for label, ink in zip(axes.get_yticklabels(), (style.QUANTIZED, style.ORIGINAL, style.BETTER_TEXT), strict=True):
        label.set_color(ink)
    axes.tick_params(axis="y", length=0, labelsize=10)
    axes.spines["left"].set_visible(False)
    axes.hlines([0, 1, 2], *axes.get_xlim(), color=style.LEVELS, lw=1, zorder=0)
    axes.set_xlabel("real value")


def _draw_way(axes: Axes, x: Tensor, there: Tensor, row: int, ink: str, mark: str, line: str) -> None:
    """Draw a line from each number to where it comes back; what is no finite number is only said."""
    there = there.double()
    kept = there.isfinite()
    ends = numpy.stack([x[kept].numpy(), there[kept].numpy()], axis=1)
    for start, end in ends:
        axes.plot([start, end], [1, row], color=ink, lw=1.2, ls=line, zorder=1)
    axes.plot(ends[:, 1], numpy.full(len(ends), row), mark, color=ink, ms=14 if mark == "|" else 6, mew=2.5, zorder=3)
    if lost := int((~kept).sum()):
        text = f"{lost} not a finite number"
        above = 0.66 if row == 2 else 0.32  # there may be a number beneath
        axes.text(
            0.99, row + above, text, color=ink, size=9, ha="right", va="center", transform=axes.get_yaxis_transform()
        )
    if len(there[kept].unique()) <= FEW:
        _write(axes, there[kept], row, style.BETTER_TEXT if row == 0 else ink)


def _write(axes: Axes, values: Tensor, row: int, ink: str) -> None:
    """Write numbers beside their dots: above, below in the lowest row, to the right in the middle; the first wins."""
    span = float(numpy.diff(axes.get_xlim())[0])
    right, up, ha = ((0.0, -0.42, "center"), (0.009, 0.0, "left"), (0.0, 0.38, "center"))[row]
    written: list[float] = []
    for value in dict.fromkeys(values.tolist()):
        if all(abs(value - other) >= 0.055 * span for other in written):
            box = {"fc": "white", "ec": "none", "pad": 0.6, "alpha": 0.85}
            inside = "right" if value > axes.get_xlim()[1] - 0.08 * span else ha  # a long number would be cut off
            at = value + (right if inside == ha else -right) * span, row + up
            axes.text(*at, _said(value), color=ink, size=9, ha=inside, va="center", bbox=box, zorder=5)
            written.append(value)


def draw_cells(buggy: Tensor, right: Tensor) -> Picture:
    """Draw integers that a function gives with a bug and without it, one by one; the wrong ones stand out.

    Args:
        buggy: one integer, a row of them or a matrix.
        right: the same, perhaps of another shape.
    """
    tables = [(each if each.ndim == 2 else each.reshape(1, -1)).tolist() for each in (buggy, right)]
    title, wrong = _compared(*tables)
    texts = [[[f"{value:,}".replace("-", MINUS) for value in row] for row in table] for table in tables]
    rows = texts[0] + texts[1]
    wide = min(0.25 + 0.11 * max(len(text) for row in rows for text in row), 7.8 / max(map(len, rows)))
    with style.house_style():
        figure = style.new_figure(9.2, 0.7 + HIGH * sum(map(len, tables)))
        axes = figure.add_axes((0, 0, 1, 1), xlim=(0, 9.2), ylim=(figure.get_figheight(), 0))
        axes.set_axis_off()
        axes.text(0.05, 0.22, title, size=11, weight="bold", va="center")
        _draw_cells(axes, texts[0], 0.45, wide, "with the bug", style.QUANTIZED, wrong)
        _draw_cells(axes, texts[1], 0.57 + HIGH * len(texts[0]), wide, "without it", style.BETTER_TEXT, set())
        said = [" / ".join(" ".join(row) for row in table) for table in texts]
        return picture(figure, f"{title}. With the bug: {said[0]}. Without it: {said[1]}.")


def _draw_cells(
    axes: Axes, texts: Table, top: float, wide: float, name: str, ink: str, marked: set[tuple[int, int]]
) -> None:
    """Draw a table with its name; lengths in inches."""
    axes.text(1.05, top + HIGH * len(texts) / 2, name, color=ink, ha="right", va="center")
    for i, row in enumerate(texts):
        for j, text in enumerate(row):
            x, y = 1.2 + wide * j, top + HIGH * i
            tint = style.CLIPPED_TINT if (i, j) in marked else "white"
            axes.add_patch(Rectangle((x, y), wide, HIGH, fc=tint, ec=style.LEVELS, lw=1))
            axes.text(x + wide / 2, y + HIGH / 2, text, size=10, ha="center", va="center", color=ink)


def _compared(buggy: Table, right: Table) -> tuple[str, set[tuple[int, int]]]:
    """Say how two tables differ, and return the places of the first that do not agree."""
    places = {(i, j) for i, row in enumerate(buggy) for j in range(len(row))}
    shapes = [f"{len(table)} \N{MULTIPLICATION SIGN} {len(table[0])}" for table in (buggy, right)]
    if shapes[0] != shapes[1]:
        return f"Rows and columns are exchanged: {shapes[0]}, not {shapes[1]}", places
    wrong = {(i, j) for i, j in places if buggy[i][j] != right[i][j]}
    if not wrong:
        return "Every number is as it should be", wrong
    count = "The number is" if len(places) == 1 else f"{len(wrong)} of {len(places)} numbers are"
    return f"{count} wrong", wrong


def draw_scores(title: str, scores: Mapping[str, tuple[float, float]], unit: str) -> Picture:
    """Draw two bars for each name: what a flawed way of judging says, and what a sound way says.

    Args:
        title: the finding.
        scores: for each name, the flawed and the sound number; both finite.
        unit: of both.
    """
    with style.house_style():
        figure = style.new_figure(9.2, 0.9 + 0.62 * len(scores))
        height = 1 - 0.85 / figure.get_figheight()
        axes = figure.add_axes((0.19, 0.48 / figure.get_figheight(), 0.78, height))
        for row, (flawed, sound) in enumerate(scores.values()):
            axes.barh(row - 0.19, flawed, 0.32, color=style.QUANTIZED, ec=style.QUANTIZED, lw=1.2)
            axes.barh(row + 0.19, sound, 0.32, color="white", ec=style.BETTER, hatch="///", lw=1.2)
            for at, value, name, ink in (
                (row - 0.19, flawed, "the flawed way", style.QUANTIZED),
                (row + 0.19, sound, "a sound way", style.BETTER_TEXT),
            ):
                text = f" {number(value)}" + (f"   {name}" if row == 0 else "")
                axes.text(max(value, 0.0), at, text, va="center", size=9, color=ink)
        names = [name.replace("-", "\N{MINUS SIGN}") if name.startswith("-") else name for name in scores]
        axes.set_yticks(range(len(scores)), names, color="black")
        axes.tick_params(axis="y", length=0, labelsize=10)
        axes.set_ylim(len(scores) - 0.5, -0.5)
        axes.set_xlim(min(0.0, *map(min, scores.values())), 1.25 * max(map(max, scores.values())))
        axes.axvline(0, color=style.LEVELS, lw=1, zorder=0)
        axes.set_xlabel(unit)
        axes.set_title(title)
        said = "; ".join(f"{name}: {number(a)} and {number(b)}" for name, (a, b) in scores.items())
        return picture(figure, f"{title}. Two bars each, the flawed way and a sound way, {unit}: {said}.")
