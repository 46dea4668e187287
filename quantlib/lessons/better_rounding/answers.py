"""The pictures that open notebook 14 and its answers: errors as multiples of nearest, and codes of one output."""

from collections.abc import Mapping
from typing import Any

import numpy
from matplotlib.axes import Axes
from torch import Tensor

from quantlib.lab import style
from quantlib.lab.picture import Picture, picture

from .layer import KINDS, steps, to_nearest

FEW = 48  # weights of the opening picture


def draw_codes(w: Tensor, w_hat: Tensor, row: int = 0) -> Picture:
    """Draw the last weights of an output in steps, their nearest codes, and those of a better rounding.

    Args:
        w, w_hat: weights before and after the better rounding, (rows, columns); row: the output.
    """
    exact, near, chosen = ((m[row, -FEW:] / steps(w)[row]).numpy() for m in (w, to_nearest(w), w_hat))
    other = numpy.flatnonzero(abs(chosen - near) > 0.5)
    with style.house_style():
        figure = style.new_figure(9.2, 3.0)
        axes = figure.add_axes((0.075, 0.11, 0.905, 0.77))
        axes.set(xlim=(-0.8, FEW - 0.2), ylim=(-9.6, 7.6), xlabel="the last 48 of the 384 weights of one output")
        axes.set_ylabel("in steps s")
        axes.set_xticks([])
        axes.set_yticks(range(-6, 7, 3), ["−6", "−3", "0", "3", "6"])
        axes.set_axisbelow(True)
        axes.hlines(range(-7, 8), -0.8, FEW, color=style.LEVELS, lw=0.7, zorder=0)
        at = numpy.arange(FEW)
        axes.plot(at, near, "s", mfc="none", mec=style.ROUNDING_TEXT, mew=1.4, ms=8, label="nearest code")
        axes.plot(other, chosen[other], "D", color=style.QUANTIZED, ms=6.5, label="the code that GPTQ takes instead")
        axes.plot(at, exact, "o", color=style.ORIGINAL, ms=3.5, label="weight")
        axes.legend(loc="lower center", bbox_to_anchor=(0.5, -0.03), ncols=3, frameon=False, fontsize=9)
        axes.set_title(f"{len(other)} of these {FEW} weights do not get their nearest code")
        said = "A method takes codes that are farther from the weights. What could that be good for?"
        return picture(figure, f"{len(other)} of {FEW} weights of an output do not get their nearest code. {said}")


def draw_multiples(errors: Mapping[str, float], title: str) -> Picture:
    """Draw errors as bars, where 1 is the error with nearest.

    Args:
        errors: by what they are the errors of, in the order from the top; title: what the picture shows.
    """
    height = 1.15 + 0.42 * len(errors)
    with style.house_style():
        figure = style.new_figure(9.2, height)
        axes = figure.add_axes((0.30, 0.58 / height, 0.66, 1 - 0.95 / height))
        axes.set(xlim=(0, max(2.0, 1.18 * max(errors.values()))), ylim=(len(errors) - 0.4, -0.6))
        axes.set_xlabel("squared error, as a multiple of that with nearest")
        axes.barh(range(len(errors)), list(errors.values()), height=0.62, color=style.QUANTIZED)
        axes.set_yticks(range(len(errors)), list(errors), color="black", size=10)
        axes.tick_params(axis="y", length=0)
        _nearest_at_one(axes)
        for row, error in enumerate(errors.values()):
            axes.text(error + 0.02 * axes.get_xlim()[1], row, f"{error:.2f}", va="center", weight="bold")
        axes.set_title(title, x=-0.43)
        said = "; ".join(f"{name} {error:.2f}" for name, error in errors.items())
        return picture(figure, f"Squared errors as multiples of nearest. {title}: {said}.")


def _nearest_at_one(axes: Axes) -> None:
    axes.axvline(1, color=style.ROUNDING_TEXT, lw=1.6, ls="dashed", zorder=3)
    look: Any = {"color": style.ROUNDING_TEXT, "ha": "center", "va": "bottom", "size": 9}
    axes.text(1, 1.02, "nearest", transform=axes.get_xaxis_transform(), **look)


def draw_needed(found: Mapping[int, tuple[list[float], list[float]]], title: str) -> Picture:
    """Draw the errors on seen and on unseen text over how many tokens were seen, the mean and the ends of some draws.

    Args:
        found: for each number of tokens the errors on seen and on unseen text, as multiples of nearest.
    """
    tokens = numpy.array(list(found))
    with style.house_style():
        figure = style.new_figure(9.2, 3.5)
        axes = figure.add_axes((0.1, 0.155, 0.715, 0.735))
        axes.set(xlim=(55, 4800), ylim=(0, 1.3), xscale="log", xlabel="tokens seen (logarithmic)")
        axes.set_ylabel("squared error of the output,\nnearest = 1")
        axes.set_xticks(tokens, [f"{n:,}" for n in tokens])
        axes.minorticks_off()
        looks = (
            (style.BETTER, style.BETTER_TEXT, "^", "seen text"),
            (style.QUANTIZED, style.QUANTIZED, "o", "unseen text"),
        )
        for k, (color, ink, mark, name) in enumerate(looks):
            end = float(numpy.mean(found[int(tokens[-1])][k]))
            draws = numpy.array([found[n][k] for n in found])
            axes.plot(tokens, draws.mean(1), color=color, marker=mark, ms=7)
            axes.text(5000, end + 0.05 * k - 0.03, f"{name}, {end:.2f}", color=ink, va="center")
        unseen = numpy.array([others for _, others in found.values()])
        axes.vlines(tokens, unseen.min(1), unseen.max(1), color=style.QUANTIZED, lw=1.4)
        first = float(numpy.mean(found[int(tokens[0])][1]))
        axes.text(tokens[0], first + 0.1, f"{first:.2f}", color=style.QUANTIZED, ha="center", weight="bold")
        axes.axhline(1, color=style.ROUNDING_TEXT, lw=1.6, ls="dashed", zorder=1)
        axes.text(5000, 1, "nearest", color=style.ROUNDING_TEXT, va="center")
        axes.set_title(title)
        said = "; ".join(
            f"{n:,} tokens: {numpy.mean(a):.2f} on seen and {numpy.mean(b):.2f} on unseen text"
            for n, (a, b) in found.items()
        )
        return picture(figure, f"The squared error of the output as a multiple of nearest. {said}.")


def draw_kinds(found: Mapping[tuple[str, str], list[float]], title: str) -> Picture:
    """Draw a table: a row for each kind of text that was seen, a column for each that is read.

    Args:
        found: for each pair of kinds the errors as multiples of nearest, over some draws.
    """
    kinds = list(KINDS)
    table = numpy.array([[numpy.mean(found[a, b]) for b in kinds] for a in kinds])
    with style.house_style():
        figure = style.new_figure(9.2, 3.3)
        axes = figure.add_axes((0.30, 0.06, 0.50, 0.68))
        axes.imshow(table, cmap=style.SIGNED, vmin=-0.1, vmax=2.1, aspect="auto", alpha=0.6)
        axes.set_xticks(range(3), [f"reads {KINDS[kind]}" for kind in kinds], color="black", size=10)
        axes.set_yticks(range(3), [f"has seen {KINDS[kind]}" for kind in kinds], color="black", size=10)
        axes.tick_params(length=0, labeltop=True, labelbottom=False)
        for side in axes.spines.values():
            side.set_visible(False)
        for (row, column), error in numpy.ndenumerate(table):
            draws = found[kinds[row], kinds[column]]
            look: Any = {"ha": "center", "va": "center", "color": "black"}
            axes.text(column, row - 0.1, f"{error:.2f}", size=14, weight="bold", **look)
            axes.text(column, row + 0.27, f"{min(draws):.2f} to {max(draws):.2f}", size=8.5, **look)
        axes.set_title(title, x=-0.56, y=1.16)
        said = "; ".join(
            f"seen {KINDS[a]}, read {KINDS[b]} {numpy.mean(errors):.2f}" for (a, b), errors in found.items()
        )
        return picture(figure, f"The squared error of the output as a multiple of nearest: {said}.")
