"""A sound over time, and in which of its windows something is heard, as rows of bars with names."""

from collections.abc import Sequence

import numpy
from matplotlib.axes import Axes
from torch import Tensor

from ..data.silero import RATE, WINDOW
from .panel import runs

PIECES = 900  # of a sound: each is drawn from its lowest to its highest sample


def pieces(audio: Tensor) -> tuple[numpy.ndarray, numpy.ndarray, numpy.ndarray]:
    """Return the middle of each piece in seconds, its lowest and its highest sample; shape (n,)."""
    length = max(1, len(audio) // PIECES)
    parts = audio[: len(audio) // length * length].reshape(-1, length).numpy()
    return (numpy.arange(len(parts)) + 0.5) * length / RATE, parts.min(axis=1), parts.max(axis=1)


def seconds(mask: Sequence[bool] | numpy.ndarray) -> numpy.ndarray:
    """Return where runs of True windows begin and end, in seconds; shape (n, 2)."""
    return numpy.array(runs(numpy.asarray(mask))).reshape(-1, 2) * WINDOW / RATE


def bars(mask: numpy.ndarray, row: int) -> numpy.ndarray:
    """Return the runs of True windows as segments in a row; shape (n, 2, 2)."""
    ends = seconds(mask)
    return numpy.stack([ends, numpy.full_like(ends, row)], axis=2)


def name_row(axes: Axes, height: float, name: str, ink: str) -> None:
    """Write a name to the left of what it names."""
    axes.text(-0.012, height, name, transform=axes.get_yaxis_transform(), size=9, ha="right", va="center", color=ink)
