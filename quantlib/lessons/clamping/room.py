"""Where there is room for all values: a map of z and s, and beside it the error of each value."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from quantlib.affine import unclamped_codes
from quantlib.lab import style
from quantlib.lab.exercise import Function
from quantlib.lab.explore import Explorer, Scene, Slider, explorer
from quantlib.lab.panel import Drag, Panel
from quantlib.lab.picture import Picture
from quantlib.lab.ruler import QUANT_MAX, QUANT_MIN
from quantlib.lab.words import joined, number

from . import exercises
from .split import ErrorDots, SplitView, how_many_clip, mean_squares

SCALE = Slider("s", "scale s", 3.5, 3.4, 3.9, 0.01)
ZERO_POINT = Slider("z", "zero point z", -70, -95, -55, 1)
MIDDLE: dict[str, Any] = {"ha": "center", "va": "center"}


@dataclass(frozen=True, kw_only=True)
class RoomView(SplitView):
    """The error of values, and how much room there is.

    clipped: the values that clip, the smallest first.
    free: every zero point of the grid with which none would, at this s.
    """

    clipped: list[float]
    free: list[int]


@explorer
def explore_room(x: Tensor, split_error: Function = exercises.split_error.reference) -> Explorer:
    """Show sliders for s and z over the map of what clips, and beside it the error of each value.

    Args:
        x: a few values of both signs, between about -190 and 730: the sliders are for these.
        split_error: f(x, s, z) that returns (clip, round) on the int8 grid: quantlib's, or a learner's.
    """
    split, free = exercises.split_error.stand_in(split_error), lru_cache(maxsize=None)(free_zero_points)

    def compute(s: float, z: int) -> RoomView:
        (clip, rounding), about = split(x, s, z)
        means, out = mean_squares((clip, rounding)), sorted(x[clip != 0].tolist())
        return RoomView(
            s, z, clip, rounding, means, numpy.zeros((1, 2)), clipped=out, free=free(x, s), notices=(about,)
        )

    def lay_out(figure: Figure) -> list[Panel]:
        return [
            RoomMap(figure.add_axes((0.075, 0.115, 0.43, 0.785)), x),
            ErrorDots(figure.add_axes((0.595, 0.115, 0.385, 0.785)), x),
        ]

    return Explorer([SCALE, ZERO_POINT], compute, Scene((9.2, 4.9), lay_out), describe)


def draw_room(x: Tensor, s: float, z: int) -> Picture:
    """Draw one ruler on the map of what clips, and the errors of x: the explorer stands still."""
    return explore_room(x).still("Map of z and s, with a wedge in which nothing clips.", s=s, z=z)


def free_zero_points(x: Tensor, s: float) -> list[int]:
    """Return every z of the int8 grid with which no code of x leaves the grid."""
    z = torch.arange(QUANT_MIN, QUANT_MAX + 1)
    codes = unclamped_codes(x.flatten()[:, None].expand(-1, len(z)), s, z)
    return z[((codes >= QUANT_MIN) & (codes <= QUANT_MAX)).all(dim=0)].tolist()


def describe(view: RoomView) -> str:
    """Return the sentence that says what a picture of the room shows."""
    ruler = f"s = {number(view.scale)} and z = {number(view.zero_point)}: {how_many_clip(view)}. "
    room = f"At this s nothing clips with {len(view.free)} of the {QUANT_MAX - QUANT_MIN + 1} zero points. "
    return f"{ruler}{room}Norm of the error: {view.norm:.4f}."


def clip_names(view: RoomView) -> str:
    """Return which values clip, in words."""
    names = joined([number(value) for value in view.clipped])
    return f"{names} clip{'s' * (len(view.clipped) == 1)}" if names else "no value clips"


class RoomMap(Panel):
    """Which end of the grid clips, over z and s: nothing clips in a wedge. The present ruler can be dragged."""

    def __init__(self, axes: Axes, x: Tensor) -> None:
        limits = {"xlim": (ZERO_POINT.low - 0.5, ZERO_POINT.high + 0.5), "ylim": (SCALE.low, SCALE.high)}
        super().__init__(axes, xlabel="zero point z", ylabel="scale s", **limits)
        _draw_ends(axes, x.min().item(), x.max().item())
        self._free = self.dot(style.BETTER, ms=7, marker="|", mec=style.BETTER, mew=2, zorder=3)
        self._ruler = self.dot(style.ORIGINAL, marker="D", ms=9)

    def update(self, view: RoomView) -> None:
        """Move the ruler, and mark every z that clips nothing at its s."""
        self._ruler.set_data([view.zero_point], [view.scale])
        self._free.set_data(view.free, [view.scale] * len(view.free))
        self.title.text = clip_names(view)

    def grab(self, view: RoomView, x: float, y: float) -> Drag:
        """Take the ruler to the pointer."""
        return lambda x, y: {"z": x, "s": y}


def _draw_ends(axes: Axes, low: float, high: float) -> None:
    """Draw the four regions of values from low to high: nothing clips, the lower end does, the upper end, or both."""
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    s = numpy.linspace(bottom, top, 400)
    first, last = QUANT_MIN - 0.5 - low / s, QUANT_MAX + 0.5 - high / s  # between these z nothing clips
    centre = float(first[numpy.argmin(abs(last - first))])
    lower, upper = numpy.minimum(first, last), numpy.maximum(first, last)
    fill: dict[str, Any] = {"edgecolor": style.CLIPPED, "linewidth": 0}
    axes.fill_betweenx(s, left, lower, facecolor=style.CLIPPED_PALER, hatch="//", **fill)
    axes.fill_betweenx(s, upper, right, facecolor=style.CLIPPED_PALER, hatch="\\\\", **fill)
    axes.fill_betweenx(s, lower, upper, where=list(first >= last), facecolor=style.CLIPPED_TINT, hatch="xx", **fill)
    axes.fill_betweenx(s, lower, upper, where=list(last >= first), facecolor=style.BETTER_TINT, lw=0)
    box, rise = {"fc": "white", "ec": "none", "pad": 2.5}, top - bottom
    for z, height, text, ink in (
        ((left + centre) / 2 - 1, 0.4, "the lower end clips", style.CLIPPED_TEXT),
        ((right + centre) / 2 + 2, 0.4, "the upper end clips", style.CLIPPED_TEXT),
        (centre - 1, 0.06, "both ends clip", style.CLIPPED_TEXT),
        (centre + 1, 0.93, "nothing clips", style.BETTER_TEXT),
    ):
        at = z, bottom + height * rise
        axes.text(*at, text, color=ink, weight="bold", size=9, bbox=box, zorder=2, **MIDDLE)
