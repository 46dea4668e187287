"""How every figure looks: one meaning for each colour, one place for sizes."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colorbar import Colorbar
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

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
    ORIGINAL, QUANTIZED, CLIPPED, CLIPPED_TEXT, ROUNDING, ROUNDING_TEXT,
    BETTER, BETTER_TEXT, RANGE, LEVELS, QUIET,
)  # fmt: skip
SIGNED, MAGNITUDE = "RdBu_r", "cividis"

# Pale tints, for areas behind text and lines.
QUANTIZED_TINT = "#EFF4F8"
CLIPPED_TINT, CLIPPED_PALER = "#F9E3D3", "#FBEDE2"
ROUNDING_TINT = "#F3DCE8"
BETTER_TINT = "#E9F7F2"
RANGE_TINT = "#FBEFD6"

# How areas of an error look: with an edge and a hatch, which tell them apart without their colour.
CLIP: dict[str, Any] = {"facecolor": CLIPPED_TINT, "edgecolor": CLIPPED, "hatch": "////", "linestyle": "dotted"}
ROUND: dict[str, Any] = {"facecolor": ROUNDING_TINT, "edgecolor": ROUNDING_TEXT, "linestyle": "dashed"}

STILL_DPI = 160  # of a picture that stands still

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


def new_figure(width: float, height: float, dpi: int = STILL_DPI) -> Figure:
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


def number_line(axes: Axes) -> None:
    """Leave of the frame of axes only the line below: heights mean nothing on a number line."""
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)


def colour_bar(image: AxesImage, labels: Mapping[float, str], share: float = 0.035) -> Colorbar:
    """Draw the colours of an image beside it, with a label at some of its values; share: of the width."""
    bar = image.figure.colorbar(image, ax=image.axes, fraction=share, pad=0.02)
    bar.set_ticks(list(labels), labels=list(labels.values()))
    bar.outline.set_visible(False)
    return bar
