"""A ruler with four levels: its gaps, and how it slides until a level is exactly 0.0."""

from itertools import pairwise
from typing import Any

import numpy
from matplotlib.axes import Axes

from quantlib.lab import style
from quantlib.lab.panel import uprights
from quantlib.lab.picture import Picture, picture
from quantlib.lab.words import fixed, number

SMALLEST, LARGEST = -1.3, 2.9
CODES = range(-2, 2)  # of 2 bits


def draw_fence() -> Picture:
    """Draw four levels from the smallest value to the largest, and the same levels after the slide."""
    step = (LARGEST - SMALLEST) / (len(CODES) - 1)
    levels = SMALLEST + step * numpy.arange(len(CODES))
    zero = int(abs(levels).argmin())
    with style.house_style():
        figure = style.new_figure(9.2, 2.3)
        first, second = (figure.add_axes((0.02 + 0.5 * k, 0.2, 0.46, 0.62)) for k in range(2))
        _draw_levels(first, levels, "4 levels have 3 gaps; a gap is one step")
        _draw_levels(second, levels - levels[zero], "slid until the nearest level is exactly 0.0")
        for k, (left, right) in enumerate(pairwise(levels), 1):
            first.annotate("", (right, 0.62), (left, 0.62), arrowprops={"arrowstyle": "<->", "color": style.QUIET})
            first.text((left + right) / 2, 0.73, f"gap {k}", size=9, ha="center", color=style.QUIET)
        code = number(CODES[zero])
        second.text(0, 0.62, f"zero point z = {code}", weight="bold", ha="center", color=style.QUANTIZED)
        alt = f"Four levels from the smallest value {number(SMALLEST)} to the largest {number(LARGEST)} have three gaps"
        alt += (
            f" of {number(step)}. The level of code {code} is nearest to 0.0, by {fixed(levels[zero], 1)}: all levels"
        )
        return picture(figure, f"{alt} slide by this, and it is exactly 0.0.")


def _draw_levels(axes: Axes, levels: numpy.ndarray, title: str) -> None:
    """Draw levels with their codes, and the smallest and the largest value above them."""
    axes.set(xlim=(-2.1, 3.5), ylim=(0, 1.15), xlabel="real value")
    axes.set_title(title)
    style.number_line(axes)
    axes.plot([0, 0], [0.18, 0.56], color=style.LEVELS, lw=1, zorder=0)
    for (x, low), (_, high) in uprights(levels, 0.18, 0.5):
        axes.plot([x, x], [low, high], color=style.QUANTIZED, lw=2.5)
    look: dict[str, Any] = {"size": 10, "ha": "center", "va": "center"}
    axes.text(-2.1, 0.08, "codes", size=9, ha="left", va="center", color=style.QUIET)
    for x, code in zip(levels, CODES, strict=True):
        axes.text(x, 0.08, number(code), color=style.QUANTIZED, **look)
    for x, name in ((SMALLEST, "smallest"), (LARGEST, "largest")):
        axes.plot([x], [0.9], "o", color=style.ORIGINAL, ms=6, clip_on=False)
        axes.text(x, 1.04, f"{name} {number(x)}", **look)
