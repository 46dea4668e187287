"""Pictures of measures that stand still: how they grow, what they miss, and what a search by one of them finds."""

from collections.abc import Mapping
from math import acos, degrees, sin
from typing import Any

import numpy
import torch
from matplotlib.axes import Axes
from torch import Tensor

from quantlib.affine import fake_quantize
from quantlib.lab import style
from quantlib.lab.picture import Picture, picture
from quantlib.lab.words import clips, number
from quantlib.metrics import cosine_similarity, mse, split_error, sqnr_db
from quantlib.qparams import choose_qparams

from .ranking import MEASURES, NORMS


def draw_growth(count: int = 9, largest: float = 10.0) -> Picture:
    """Draw how each norm grows, as a factor, while one of several errors grows and the others stay 1.

    Args:
        count: how many errors there are.
        largest: how large the one error gets, in units of the others.
    """
    sizes = torch.linspace(1, largest, 91, dtype=torch.float64)
    errors = torch.ones(len(sizes), count, dtype=torch.float64)
    errors[:, 0] = sizes
    curves = {name: [MEASURES[name][1](e, torch.zeros_like(e)) for e in errors] for name in NORMS}
    factors = {name: numpy.array(curve) / curve[0] for name, curve in curves.items()}
    with style.house_style():
        figure = style.new_figure(9.2, 3.2)
        _draw_curves(figure.add_axes((0.08, 0.16, 0.74, 0.71)), sizes.numpy(), factors, count)
        said = ", ".join(f"{name} {curve[-1]:.3g}-fold" for name, curve in factors.items())
        most, least = (pick(factors, key=lambda name: factors[name][-1]) for pick in (max, min))
        while_ = f"while one of {count} equal errors grows {number(largest)}-fold"
        return picture(figure, f"{most} grows most and {least} least {while_}: {said}.")


def _draw_curves(axes: Axes, sizes: numpy.ndarray, factors: Mapping[str, numpy.ndarray], count: int) -> None:
    ends = {name: curve[-1] for name, curve in factors.items()}
    axes.set(xlim=(sizes[0], sizes[-1]), ylim=(1, 1.05 * max(ends.values())))
    axes.set_xlabel(f"size of the one error; the other {count - 1} stay 1")
    axes.set_ylabel("growth of the measure, factor")
    axes.set_title(f"one error of {count} grows {number(sizes[-1])}-fold, and each measure by a factor of its own")
    for mark, (name, curve) in zip("os^", factors.items(), strict=True):
        axes.plot(sizes, curve, color=style.QUANTIZED, lw=2, marker=mark, markevery=15, ms=6, clip_on=False)
        says = f"  {name}: {curve[-1]:.3g}-fold"
        axes.text(sizes[-1], curve[-1], says, size=10, va="center", color=style.QUANTIZED, weight="bold")


def draw_scale_search(x: Tensor, name: str, factors: numpy.ndarray) -> Picture:
    """Draw the MSE of many values over the scale, and which part of it clipping makes and which part rounding.

    Args:
        x: real values; name: what they are called.
        factors: the scales to try, as parts of the one of min-max; z stays that of min-max.
    """
    s, z, *_ = choose_qparams(x)
    minmax = mse(x, fake_quantize(x, s, z))
    parts = [[part.double().square().mean().item() / minmax for part in split_error(x, k * s, z)] for k in factors]
    clip, rounding = numpy.array(parts).T
    total = clip + rounding
    k = int(total.argmin())
    clipped = int((split_error(x, factors[k] * s, z).clip != 0).sum())
    found = f"least at {factors[k]:.2f} of min-max's s, {100 * (1 - total[k]):.0f} % below min-max"
    least = f"{found}; {clips(clipped, x.numel())}"
    with style.house_style():
        figure = style.new_figure(9.2, 3.4)
        axes = figure.add_axes((0.08, 0.155, 0.74, 0.735))
        axes.set(xlim=(factors[0], factors[-1]), ylim=(0, 1.05 * max(total[0], total[-1])))
        axes.set(xlabel="scale s, as a part of the s of min-max", ylabel="MSE, as a part of min-max's")
        axes.plot(factors, rounding, color=style.ROUNDING_TEXT, lw=1.6, ls=(0, (5, 2)))
        axes.plot(factors, clip, color=style.CLIPPED, lw=2, ls=":")
        axes.plot(factors, total, color=style.ORIGINAL, lw=2)
        ends = (total, "sum", style.ORIGINAL, 0.07), (rounding, "rounding", style.ROUNDING_TEXT, -0.07)
        for curve, says, ink, lift in (*ends, (clip, "clipping", style.CLIPPED_TEXT, 0.05)):
            axes.text(factors[-1] + 0.01, curve[-1] + lift, says, color=ink, va="center", weight="bold")
        axes.plot([1], [1], "s", ms=8, mfc="white", mec="black", mew=1.2, zorder=5)
        axes.text(1.01, 0.93, "min-max", va="top", size=9, weight="bold")
        axes.plot(factors[k], total[k], "o", ms=11, mfc="none", mec=style.BETTER_TEXT, mew=2.2, zorder=5)
        axes.set_title(f"{name}: {least}")
        return picture(figure, f"The MSE of {name} over s is {least}.")


def draw_wrong_scale(x: Tensor, x_hat: Tensor) -> Picture:
    """Draw cosine and SQNR of a reconstruction that is multiplied by a wrong factor, from 0.25 to 4."""
    factors = numpy.logspace(-2, 2, 161, base=2)
    cosine, sqnr = cosine_similarity(x, 2 * x_hat), sqnr_db(x, 2 * x_hat)
    seen = f"SQNR sees it: {sqnr + 0.0:.1f} dB at twice the size".replace("-0.0", "0.0")
    with style.house_style():
        figure = style.new_figure(9.2, 3.0)
        left, right = (figure.add_axes((at, 0.18, 0.415, 0.68)) for at in (0.075, 0.575))
        left.set(title=f"cosine: still {cosine:.4g} at twice the size", ylabel="cosine, no unit", ylim=(0, 1.1))
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


def draw_angle(x: Tensor, x_hat: Tensor, name: str) -> Picture:
    """Draw x and its reconstruction as two arrows, true in length and angle, and the error between their tips.

    Args:
        x, x_hat: what went in, and what came back; name: what x is called.
    """
    cosine, length = cosine_similarity(x, x_hat), (x_hat.double().norm() / x.double().norm()).item()
    angle, error = acos(cosine), ((x.double() - x_hat.double()).norm() / x.double().norm()).item()
    shortest, said = sin(angle), f"{degrees(angle):.0f}°"
    tip = length * numpy.array([cosine, sin(angle)])
    foot = cosine * numpy.array([cosine, sin(angle)])
    finding = f"cosine {cosine:.2f} is an angle of {said}; the error is {100 * error:.0f} % as long as x"
    with style.house_style():
        figure = style.new_figure(9.2, 3.5)
        axes = figure.add_axes((0.02, 0.02, 0.96, 0.86))
        style.bare(axes)
        axes.set(xlim=(-0.03, 1.45), ylim=(-0.075, 0.43), aspect="equal", anchor="W")
        arrow: dict[str, Any] = {"arrowstyle": "-|>", "lw": 2.2, "shrinkA": 0, "shrinkB": 0}
        for end, ink in ((1, 0), style.ORIGINAL), (tip, style.QUANTIZED):
            axes.annotate("", end, (0, 0), arrowprops=arrow | {"color": ink})
        axes.plot([1, tip[0]], [0, tip[1]], color=style.ROUNDING_TEXT, lw=2.2, ls=(0, (4, 2)))
        axes.plot([1, foot[0]], [0, foot[1]], color=style.QUIET, lw=1.2)
        arc = numpy.linspace(0, angle, 30)
        axes.plot(0.25 * numpy.cos(arc), 0.25 * numpy.sin(arc), color=style.QUIET, lw=1.2)
        axes.text(0.27, 0.045, said, va="center", color=style.QUIET)
        bold: dict[str, Any] = {"va": "center", "weight": "bold"}
        axes.text(0.6, -0.04, f"x: {name}, of length 1", ha="center", **bold)
        axes.text(0.55, 0.30, f"x_hat, of length {length:.2f}", ha="right", color=style.QUANTIZED, **bold)
        axes.text(1.03, 0.20, f"rounding error, of length {error:.2f}", color=style.ROUNDING_TEXT, **bold)
        axes.text(0.92, 0.12, f"shortest: {shortest:.2f}", ha="right", va="center", color=style.QUIET)
        axes.set_title(finding)
        shown = f"The arrows of x and x_hat: {finding}. At this angle no error is shorter than {100 * shortest:.0f} %."
        return picture(figure, shown)
