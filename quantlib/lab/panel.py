"""Panels, the parts of a picture: what a panel's helpers make, moves, and all else on its axes stays as it is."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import numpy
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.lines import Line2D
from matplotlib.transforms import IdentityTransform
from torch import Tensor

from .text import Label

FEW = 40  # up to so many values are drawn one by one, more as a histogram
Kind = TypeVar("Kind", bound=Artist)
Drag = Callable[[float, float], Mapping[str, float]]  # from a point, in the units of the axes, to values of controls


class Panel:
    """Axes with a title that says what they show, and the artists on them that follow a view.

    Args:
        axes: where the panel is drawn.
        axis: what `axes.set` takes: limits, labels, ticks.
    """

    def __init__(self, axes: Axes, **axis: Any) -> None:
        axes.set(**axis)
        self.axes = axes
        self.moving: list[Artist] = []
        left, top = axes.transAxes.transform((0, 1))
        self.title = Label((left, top + 0.17 * axes.figure.dpi), IdentityTransform(), size=11, bold=True, ha="left")
        axes.figure.add_artist(self.title)
        self.moving.append(self.title)

    def update(self, view: Any) -> None:
        """Move what moves to a new view."""
        raise NotImplementedError

    def grab(self, view: Any, x: float, y: float) -> Drag | None:
        """Return what a pointer that is pressed at a point does, there and wherever it moves then; None if nothing.

        A panel that can be touched has its own. A point is in the units of the axes, and may lie beyond their ends.
        Values may be of any size: the nearest that the control has is taken.
        """
        return None

    def keep(self, artist: Kind) -> Kind:
        """Let an artist follow the view, and return it. One that is nowhere yet is added to the axes."""
        if artist.figure is None:
            self.axes.add_artist(artist)
        self.moving.append(artist)
        return artist

    def line(self, color: str, **look: Any) -> Line2D:
        """Return a line without any points so far."""
        return self.keep(self.axes.plot([], [], color=color, **look)[0])

    def dot(self, color: str, **look: Any) -> Line2D:
        """Return a dot with a white rim, so far nowhere, that the end of the axes does not cut off."""
        look = {"marker": "o", "ls": "none", "ms": 8, "mec": "white", "mew": 1, "zorder": 5, "clip_on": False} | look
        return self.line(color, **look)

    def strokes(self, color: str, **look: Any) -> Line2D:
        """Return straight lines, so far none, as one line with gaps: it is drawn faster than a LineCollection."""
        return self.line(color, **{"solid_capstyle": "butt", "dash_capstyle": "butt", **look})

    def area(self, look: Mapping[str, Any], **more: Any) -> PolyCollection:
        """Return areas, so far none; look: one of the looks of `style`, such as `style.CLIP`."""
        area = PolyCollection([], **{"linewidth": 0, "zorder": 2, **look, **more})
        self.axes.add_collection(area, autolim=False)
        return self.keep(area)

    def label(self, text: str = "", at: tuple[float, float] = (0, 0), **look: Any) -> Label:
        """Return a text at a point, in the units of the axes; look: what `Label` takes."""
        label = self.keep(Label(at, look.pop("transform", self.axes.transData), **look))
        label.text = text
        return label


def set_strokes(line: Line2D, segments: numpy.ndarray) -> None:
    """Draw segments, shape (n, 2, 2): for each its two ends (x, y)."""
    points = numpy.full((len(segments), 3, 2), numpy.nan)  # a NaN between two segments is a gap
    points[:, :2] = segments
    line.set_data(points[..., 0].ravel(), points[..., 1].ravel())


def uprights(at: numpy.ndarray, bottom: float, top: float | numpy.ndarray) -> numpy.ndarray:
    """Return vertical line segments, shape (n, 2, 2)."""
    ends = numpy.broadcast_to(numpy.stack(numpy.broadcast_arrays(bottom, top), axis=-1), (len(at), 2))
    return numpy.stack([numpy.stack([at, at], axis=1), ends], axis=2)


def runs(mask: numpy.ndarray) -> list[tuple[int, int]]:
    """Return the first index and the index after the last of each run of True.

    >>> runs(numpy.array([False, True, True, False, True]))
    [(1, 3), (4, 5)]
    """
    steps = numpy.diff(numpy.concatenate([[False], mask, [False]]).astype(int))
    return list(zip((steps == 1).nonzero()[0].tolist(), (steps == -1).nonzero()[0].tolist(), strict=True))


def in_order_of_size(x: Tensor) -> Tensor:
    """Return the values of x in one row, the smallest size first: those of one bin then lie side by side."""
    return x.flatten()[x.flatten().abs().argsort()]
