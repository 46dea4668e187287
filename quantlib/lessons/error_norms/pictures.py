"""Pictures of measures that stand still: how they grow, and what they do not hear."""

from collections.abc import Mapping
from typing import Any

import numpy
import torch
from matplotlib.axes import Axes
from torch import Tensor

from quantlib.affine import fake_quantize
from quantlib.lab import style
from quantlib.lab.picture import Picture, picture
from quantlib.lab.words import number
from quantlib.metrics import cosine_similarity, sqnr_db
from quantlib.qparams import choose_qparams

from .ranking import MEASURES


def draw_growth(count: int = 9, largest: float = 10.0) -> Picture:
    """Draw how each measure grows, as a factor, while one of several errors grows and the others stay 1.

    Args:
        count: how many errors there are.
        largest: how large the one error gets, in units of the others.
    """
    sizes = torch.linspace(1, largest, 91, dtype=torch.float64)
    errors = torch.ones(len(sizes), count, dtype=torch.float64)
    errors[:, 0] = sizes
    measures = {name: measure for name, (_, measure) in MEASURES.items() if measure is not sqnr_db}
    curves = {name: [measure(e, torch.zeros_like(e)) for e in errors] for name, measure in measures.items()}
    factors = {name: numpy.array(curve) / curve[0] for name, curve in curves.items()}
    with style.house_style():
        figure = style.new_figure(9.2, 3.6)
        _draw_curves(figure.add_axes((0.08, 0.15, 0.72, 0.72)), sizes.numpy(), factors, count)
        said = ", ".join(f"{name} {curve[-1]:.3g}-fold" for name, curve in factors.items())
        most, least = (pick(factors, key=lambda name: factors[name][-1]) for pick in (max, min))
        while_ = f"while one of {count} equal errors grows {number(largest)}-fold"
        return picture(figure, f"{most} grows most and {least} least {while_}: {said}.")


def _draw_curves(axes: Axes, sizes: numpy.ndarray, factors: Mapping[str, numpy.ndarray], count: int) -> None:
    ends = {name: curve[-1] for name, curve in factors.items()}
    axes.set(xlim=(sizes[0], sizes[-1]), ylim=(1, 1.08 * max(ends.values())))
    axes.set_xlabel(f"size of the one error; the other {count - 1} stay 1")
    axes.set_ylabel("growth of the measure, factor")
    least, most = min(ends, key=ends.__getitem__), max(ends, key=ends.__getitem__)
    said = f"{most} grows {ends[most]:.3g}-fold, {least} only {ends[least]:.3g}-fold"
    axes.set_title(f"one error of {count} grows {number(sizes[-1])}-fold: {said}")
    for mark, (name, curve) in zip("os^D", factors.items(), strict=True):
        axes.plot(sizes, curve, color=style.QUANTIZED, lw=2, marker=mark, markevery=15, ms=6, clip_on=False)
        says = f"  {name}: {curve[-1]:.3g}-fold"
        axes.text(sizes[-1], curve[-1], says, size=10, va="center", color=style.QUANTIZED, weight="bold")


def draw_wrong_scale(x: Tensor, x_hat: Tensor) -> Picture:
    """Draw cosine and SQNR of a reconstruction that is multiplied by a wrong factor, from 0.25 to 4."""
    factors = numpy.logspace(-2, 2, 161, base=2)
    cosine, sqnr = cosine_similarity(x, 2 * x_hat), sqnr_db(x, 2 * x_hat)
    seen = f"SQNR sees it: {sqnr + 0.0:.1f} dB at twice the size".replace("-0.0", "0.0")
    with style.house_style():
        figure = style.new_figure(9.2, 3.2)
        left, right = (figure.add_axes((at, 0.18, 0.415, 0.66)) for at in (0.075, 0.575))
        left.set(title="cosine sees nothing", ylabel="cosine, no unit", ylim=(0, 1.1))
        right.set(title=seen, ylabel="SQNR, dB")
        for axes, measure, doubled in (left, cosine_similarity, cosine), (right, sqnr_db, sqnr):
            axes.set_xscale("log", base=2)
            axes.set_xticks([0.25, 0.5, 1, 2, 4], ["¼", "½", "1", "2", "4"])
            axes.set(xlim=(0.25, 4), xlabel="x_hat is multiplied by")
            axes.plot(factors, [measure(x, k * x_hat) for k in factors], color=style.QUANTIZED, lw=2)
            axes.plot([2], [doubled], "o", color=style.CLIPPED_TEXT, ms=7)
            axes.axvline(1, color=style.LEVELS, lw=1, zorder=0)
        blind = f"Cosine does not see a wrong scale: when a reconstruction is doubled, its cosine stays {cosine:.4f}"
        return picture(figure, f"{blind}. {seen}, from {sqnr_db(x, x_hat):.1f} dB.")


def draw_row_sqnr(weights: Mapping[str, Tensor]) -> Picture:
    """Draw how the rows of weight matrices fare on one symmetric int8 ruler for the whole matrix: the SQNR of each row.

    Args:
        weights: matrices by name; in each the dashed line is the SQNR of the whole.
    """
    with style.house_style():
        figure = style.new_figure(9.2, 0.9 + 1.45 * len(weights))
        said = []
        for k, (name, w) in enumerate(weights.items()):
            share = 0.86 / len(weights)
            axes = figure.add_axes((0.075, 0.16 + share * (len(weights) - 1 - k), 0.9, share * 0.64))
            said.append(_draw_row_sqnr(axes, name, w))
            if k == len(weights) - 1:
                axes.set_xlabel("SQNR of one row, dB")
        return picture(figure, "Some rows fare better than their matrix as a whole, and some worse. " + " ".join(said))


def _draw_row_sqnr(axes: Axes, name: str, w: Tensor) -> str:
    x_hat = fake_quantize(w, *choose_qparams(w, symmetric=True))
    rows = numpy.array([sqnr_db(*pair) for pair in zip(w, x_hat, strict=True)])
    whole, best = sqnr_db(w, x_hat), int(rows.argmax())
    axes.set(xlim=(0, 45), ylabel="rows")
    axes.hist(rows, bins=numpy.arange(0, 45.01, 0.5).tolist(), color=style.QUANTIZED)
    axes.axvline(whole, color=style.ORIGINAL, lw=1.4, ls=(0, (4, 2)))
    beside: Any = {"transform": axes.get_xaxis_transform(), "ha": "right" if whole > 22 else "left", "va": "top"}
    axes.text(whole + (-2.6 if whole > 22 else 1.1), 0.95, "dashed: the whole matrix", size=9, **beside)
    axes.set_title(f"{name}: {whole:.2f} dB as a whole, rows from {rows.min():.1f} to {rows.max():.1f}")
    if rows[best] > numpy.median(rows) + 10:
        axes.annotate(
            f"row {best}", (rows[best], 1), (rows[best], axes.get_ylim()[1] * 0.45), ha="center", color=style.QUANTIZED,
            arrowprops={"arrowstyle": "->", "color": style.QUANTIZED},
        )  # fmt: skip
    return f"{name}: {whole:.2f} dB as a whole, {rows.min():.1f} to {rows.max():.1f} by row, the best is row {best}."
