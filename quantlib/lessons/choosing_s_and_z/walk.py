"""The ends of a range under sliders: how its 256 codes lie over the reals, and where z goes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor

from quantlib.lab import style
from quantlib.lab.exercise import Function
from quantlib.lab.explore import Explorer, Scene, Slider, View, explorer
from quantlib.lab.panel import Drag, Panel, set_strokes, uprights
from quantlib.lab.ruler import QUANT_MAX, QUANT_MIN
from quantlib.lab.words import fixed, number

from . import exercises

STEPS = QUANT_MAX - QUANT_MIN
LOWEST, HIGHEST, FINE = -400.0, 800.0, 0.2  # the sliders; in these steps they meet both ends of the seed's matrix
STARTS = {"smallest": -200.0, "largest": 600.0}


@dataclass(frozen=True)
class WalkView(View):
    """Numbers from a smallest to a largest one, and the ruler that was chosen for them.

    ends: the smallest and the largest, as they are set.
    scale, zero_point: the ruler.
    """

    ends: tuple[float, float]
    scale: float
    zero_point: int

    @property
    def exact(self) -> float:
        """What z rounds: -128 - r_min / s, where r_min is the lower end of the range that contains 0.0."""
        return QUANT_MIN - min(*self.ends, 0.0) / self.scale

    @property
    def has_code(self) -> bool:
        """Whether z is one of the codes."""
        return QUANT_MIN <= self.zero_point <= QUANT_MAX

    def level(self, code: Any) -> Any:
        """The real number that a code, or each of an array of codes, stands for."""
        return self.scale * (code - self.zero_point)


@explorer
def explore_walk(x: Tensor, choose: Function = exercises.choose_qparams.reference) -> Explorer:
    """Show sliders for the smallest and the largest of five numbers, and how their ruler lays 256 codes over the reals.

    Args:
        x: reals whose own smallest and largest value are marked, as those of T.
        choose: f(x) that returns (s, z): quantlib's, or a learner's. It gets five numbers from one end to the other.
    """
    sliders = [Slider(name, f"{name} x", start, LOWEST, HIGHEST, FINE) for name, start in STARTS.items()]
    my_ruler = exercises.choose_qparams.stand_in(choose)

    def compute(smallest: float, largest: float) -> WalkView:
        (s, z), about = my_ruler(torch.linspace(smallest, largest, 5))
        return WalkView((smallest, largest), float(s), int(z), notices=(about,))

    def lay_out(figure: Figure) -> list[Panel]:
        lines = TwoLines(figure.add_axes((0.075, 0.03, 0.54, 0.85)), x)
        return [lines, Share(figure.add_axes((0.715, 0.15, 0.265, 0.72)))]

    return Explorer(sliders, compute, Scene((9.2, 4.4), lay_out), describe_walk)


def describe_walk(view: WalkView) -> str:
    """Return the sentences that say what a picture of a range and its ruler shows."""
    head = " and ".join(f"{name} = {number(end)}" for name, end in zip(STARTS, view.ends, strict=True))
    reach = f"the levels reach from {number(view.level(QUANT_MIN))} to {number(view.level(QUANT_MAX))}"
    where = "the code of 0.0" if view.has_code else "no code of int8"
    ruler = f"s = {number(view.scale)} and z = {number(view.zero_point)}, {where}; −128 − r_min/s is {_exactly(view)}"
    swap = " The two change roles." if view.ends[0] > view.ends[1] else ""
    return f"{head}: {reach}, with {ruler}.{swap}"


def _exactly(view: WalkView) -> str:
    return fixed(view.exact, 2) if abs(view.exact) < 1e4 else number(view.exact)


class TwoLines(Panel):
    """The line of reals above the line of codes, and which real each code stands for."""

    REALS, CODES = 0.71, 0.24

    def __init__(self, axes: Axes, x: Tensor) -> None:
        super().__init__(axes, xlim=(LOWEST - 30, HIGHEST + 30), ylim=(0, 1))
        style.bare(axes)
        self._draw_line(self.REALS, 0.05, {real: real for real in range(-400, 801, 200)}, "reals")
        self._draw_line(self.CODES, -0.05, {code: _place(code) for code in (-128, -64, 0, 64, 127)}, "codes")
        ends = [x.min().item(), x.max().item()]
        axes.plot(ends, [self.REALS + 0.03] * 2, "v", ms=6, color=style.QUIET)
        self._band = self.keep(Rectangle((0, self.REALS - 0.03), 0, 0.06, color=style.RANGE, alpha=0.4, lw=0))
        self._fan = self.strokes(style.QUIET, lw=0.8)
        self._zero = self.line(style.QUANTIZED, lw=2.5)
        self._stems = self.strokes(style.ORIGINAL, lw=1)
        self._dots = self.line(style.ORIGINAL, marker="o", ls="none", ms=8, zorder=5)
        heights = self.REALS + 0.18, self.REALS + 0.255  # one for each end: they may meet
        named = zip(STARTS, heights, strict=True)
        self._names = [self.label(f"{name} x", (0, height), bold=True, opaque=True) for name, height in named]
        self._z = self.label(at=(0, self.CODES - 0.18), size=11, bold=True, opaque=True)

    def _draw_line(self, height: float, gap: float, ticks: Mapping[int, float], name: str) -> None:
        ink: dict[str, Any] = {"color": style.QUIET}
        text = ink | {"size": 9, "va": "center"}
        self.axes.plot([min(ticks.values()), max(ticks.values())], [height, height], lw=1, **ink)
        for value, at in ticks.items():
            self.axes.plot([at, at], [height, height + gap * 0.5], lw=1, **ink)
            self.axes.text(at, height + 1.6 * gap, number(value), ha="center", **text)
        self.axes.text(-0.012, height, name, ha="right", transform=self.axes.get_yaxis_transform(), **text)

    def update(self, view: WalkView) -> None:
        """Spread the codes over the range of a view."""
        codes = numpy.array([*range(QUANT_MIN, QUANT_MAX, 32), QUANT_MAX])
        reals = numpy.clip(view.level(codes), -1e6, 1e6)
        self._band.set(x=reals[0], width=reals[-1] - reals[0])
        heights = numpy.broadcast_to([self.REALS - 0.03, self.CODES], (len(codes), 2))
        set_strokes(self._fan, numpy.stack([numpy.stack([reals, _place(codes)], axis=1), heights], axis=2))
        self._zero.set_data([0, _place(view.zero_point)], heights[0])
        self._dots.set_data(view.ends, [self.REALS, self.REALS])
        tops = numpy.array([label.at[1] for label in self._names])
        at, numerals = numpy.array(view.ends), (self.REALS + 0.05, self.REALS + 0.11)  # which no stem crosses
        stems = uprights(at, self.REALS, numerals[0]), uprights(at, numerals[1], tops - 0.025)
        set_strokes(self._stems, numpy.concatenate(stems))
        for label, end in zip(self._names, view.ends, strict=True):
            label.at = min(max(end, LOWEST + 75), HIGHEST - 75), label.at[1]
        self._name_zero(view)
        low, high = (number(view.level(code)) for code in (QUANT_MIN, QUANT_MAX))
        self.title.text = f"levels from {low} to {high} in steps of {number(view.scale)}"

    def _name_zero(self, view: WalkView) -> None:
        z = f"z = {number(view.zero_point)}"
        self._z.text = f"{_exactly(view)}, so {z}" if view.has_code else f"{z}: no code"
        self._z.at = min(max(_place(view.zero_point), LOWEST + 190), HIGHEST - 190), self._z.at[1]
        self._z.color = style.QUANTIZED if view.has_code else style.CLIPPED_TEXT

    def grab(self, view: WalkView, x: float, y: float) -> Drag | None:
        """Take the nearer of the two numbers to the pointer, on the line of reals or above it."""
        if y < (self.REALS + self.CODES) / 2:
            return None
        name, _ = min(zip(STARTS, view.ends, strict=True), key=lambda each: abs(each[1] - x))
        return lambda x, y: {name: x}


def _place(code: Any) -> Any:
    """Return where a code, or an array of codes, stands on its line, which does not move."""
    return LOWEST + (code - QUANT_MIN) * (HIGHEST - LOWEST) / STEPS


class Share(Panel):
    """z over the share of the range that lies below 0.0."""

    def __init__(self, axes: Axes) -> None:
        super().__init__(axes)
        draw_way_of_z(axes)
        self._point = self.dot(style.ORIGINAL, mec=style.ORIGINAL)

    def update(self, view: WalkView) -> None:
        """Put the point at the share of a view, and at its z."""
        share = share_below(*view.ends)
        self._point.set_data([share], [view.zero_point])
        self._point.set_visible(view.has_code)
        self.title.text = f"{100 * share:.0f} % lies below 0.0"


def share_below(*ends: float) -> float:
    """Return which part of a range, widened to contain 0.0, lies below 0.0; of a range of 0 none does."""
    low, high = min(*ends, 0.0), max(*ends, 0.0)
    return (0.0 - low) / (high - low) if high > low else 0.0


def draw_way_of_z(axes: Axes) -> None:
    """Draw z over the share of the range below 0.0: 255 stairs, so fine that they look like a line."""
    shares = numpy.linspace(0, 1, 511)
    axes.plot(shares, QUANT_MIN + numpy.round(STEPS * shares), color=style.QUANTIZED, lw=2, drawstyle="steps-mid")
    axes.set(xlim=(-0.02, 1.02), ylim=(QUANT_MIN - 4, QUANT_MAX + 4))
    axes.set_xticks([0, 0.5, 1], ["0 %", "50 %", "100 %"])
    axes.set_yticks([-128, -64, 0, 64, 127], ["−128", "−64", "0", "64", "127"])
    axes.set_xlabel("share of the range below 0.0")
    axes.set_ylabel("zero point z", labelpad=-4)
