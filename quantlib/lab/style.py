"""How every figure looks: one meaning for each colour, one place for sizes."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

# Some eyes take rounding or better for quantized, and rounding for better: no two of them share a form in one plot.
# Clipped is dotted, hatched or a diamond; rounding is dashed or named; better is outlined, ticked or named.
ORIGINAL = "#000000"
QUANTIZED = "#0072B2"
CLIPPED = "#D55E00"
CLIPPED_TEXT = "#A84A00"
ROUNDING = "#CC79A7"
ROUNDING_TEXT = "#A14F7E"
BETTER = "#009E73"
BETTER_TEXT = "#007A59"
RANGE = "#E69F00"
LEVELS = "#D0D0D0"
QUIET = "#595959"  # axes, secondary text: 7:1 on white
INKS = (
    *(ORIGINAL, QUANTIZED, CLIPPED, CLIPPED_TEXT, ROUNDING, ROUNDING_TEXT),
    *(BETTER, BETTER_TEXT, RANGE, LEVELS, QUIET),
)
SIGNED, MAGNITUDE = "RdBu_r", "cividis"

_RC: Any = {
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 10,
    "axes.labelcolor": QUIET,
    "axes.edgecolor": QUIET,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": QUIET,
    "ytick.color": QUIET,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "figure.facecolor": "white",
    "axes.facecolor": "white",
    "savefig.facecolor": "white",
    "axes.unicode_minus": True,
    "hatch.linewidth": 0.8,
}


@contextmanager
def house_style() -> Iterator[None]:
    """Draw in the house style, and leave the reader's own matplotlib settings alone."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_RC)
        yield


def new_figure(width: float, height: float, dpi: int) -> Figure:
    """Return an empty figure of this size in inches, with a canvas that no window shows."""
    hair = 1e-6  # so that 9.2 inches at 105 dpi are 966 pixels, not 965.99 and one less
    figure = Figure(figsize=(width + hair, height + hair), dpi=dpi)
    FigureCanvasAgg(figure)
    return figure


def canvas(figure: Figure) -> FigureCanvasAgg:
    """Return the canvas of a figure that new_figure made."""
    assert isinstance(figure.canvas, FigureCanvasAgg)
    return figure.canvas


def bare(axes: Axes) -> None:
    """Take away the frame, the ticks and the labels of axes that hold a drawing rather than a plot."""
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)


def number(value: float) -> str:
    """Return a number for people: four significant digits, a true minus sign, no trailing zeros."""
    text = f"{value:.4g}" if abs(value) < 1e4 else f"{value:.3e}"
    return text.replace("-", "\N{MINUS SIGN}")
