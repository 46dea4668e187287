"""Back to 8 bits: what one multiplication and one shift make of a sum, over all sums of a stretch."""

from dataclasses import dataclass
from math import log2
from typing import Any

import numpy
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from quantlib.formats.integers import FixedPoint, fixed_point, requantize
from quantlib.lab import style
from quantlib.lab.exercise import Function
from quantlib.lab.explore import Explorer, Scene, Slider, View, explorer
from quantlib.lab.panel import Drag, Panel
from quantlib.lab.picture import Picture, picture
from quantlib.lab.words import fixed

from . import exercises

REACH = 200
SUMS = torch.arange(-REACH, REACH + 1, dtype=torch.int32)
POWER = Slider("e", "exponent e", -1.75, -8.0, 0.5, 0.05)
WIDTH = Slider("b", "bits of m: b", 3, 2, 31, 1)
FARTHEST = 8.0  # the axis of the error ends here


@dataclass(frozen=True)
class Stairs(View):
    """The codes of all sums.

    M: the factor that is meant; m, n: the integers in its place.
    b: the bits of m.
    codes: what the function gives; nearest: the nearest codes to acc M.
    """

    M: float
    m: int
    n: int
    b: int
    codes: numpy.ndarray
    nearest: numpy.ndarray

    @property
    def off(self) -> int:
        """How many codes are not the nearest."""
        return int((self.codes != self.nearest).sum())


@explorer
def explore_requantize(requantize: Function = exercises.requantize.reference) -> Explorer:
    """Show sliders for M and for the bits of its multiplier m, and the codes of all sums from -200 to 200.

    Args:
        requantize: f(acc, m, n, z) that returns the int8 codes, quantlib's or a learner's.
    """
    back = exercises.requantize.stand_in(requantize)

    def compute(e: float, b: int) -> Stairs:
        M = 2.0 ** round(e, 2)
        m, n = (int(part) for part in fixed_point(M, b))
        codes, notice = back(SUMS.clone(), m, n, 0)
        nearest = (SUMS.double() * M + 0.5).floor().clamp(-128, 127)
        return Stairs(M, m, n, b, codes.double().numpy(), nearest.numpy(), notices=(notice,))

    return Explorer([POWER, WIDTH], compute, Scene((9.2, 4.8), _lay_out), describe)


def describe(view: Stairs) -> str:
    """Return the sentence that says what stands in for M, and how many codes are off."""
    head = f"e = {fixed(log2(view.M), 2)} and b = {view.b}: the integers m / 2^n = {view.m:,} / 2^{view.n}"
    said = f"{head} = {view.m / 2**view.n:.5f} stand for M = {view.M:.5f}"
    return f"{said}. {view.off} of {len(view.codes)} codes are not the nearest to acc M."


def _lay_out(figure: Figure) -> list[Panel]:
    left, width = 0.085, 0.90
    return [Staircase(figure.add_axes((left, 0.56, width, 0.365))), Errors(figure.add_axes((left, 0.11, width, 0.31)))]


class Staircase(Panel):
    """The code of each sum, and the line acc M, which can be dragged."""

    def __init__(self, axes: Axes) -> None:
        super().__init__(axes, xlim=(-REACH, REACH), ylim=(-136, 136), ylabel="code of the output")
        axes.set_yticks([-128, -64, 0, 64, 127], ["−128", "−64", "0", "64", "127"])
        axes.axhline(0, color=style.LEVELS, lw=0.8, zorder=0)
        for end in (-128, 127):
            axes.axhline(end, color=style.LEVELS, lw=0.8, zorder=0)
        self._line = self.line(style.ORIGINAL, lw=1.2, ls="dashed", zorder=3)
        self._codes = self.line(style.QUANTIZED, lw=2, drawstyle="steps-mid", zorder=2)
        self._name = self.label("acc M", size=9, ha="left", opaque=True)

    def update(self, view: Stairs) -> None:
        """Draw the stairs and the line of a view."""
        self._line.set_data([-REACH, REACH], [-REACH * view.M, REACH * view.M])
        self._codes.set_data(SUMS.numpy(), view.codes.clip(-200, 200))
        at = min(0.8 * REACH, 90 / view.M)
        self._name.at = at - 30, at * view.M + 20
        self.title.text = f"M = {view.M:.4f} as {view.m:,} / 2^{view.n}: {view.off} of {len(view.codes)} codes off"

    def grab(self, view: Stairs, x: float, y: float) -> Drag:
        """Turn the line acc M to the pointer."""
        return lambda to_x, to_y: {"e": log2(to_y / to_x)} if to_x * to_y > 0 else {}


class Errors(Panel):
    """How far each code is from acc M."""

    def __init__(self, axes: Axes) -> None:
        super().__init__(
            axes, xlim=(-REACH, REACH), ylim=(-FARTHEST, FARTHEST), xlabel="sum acc", ylabel="code − acc M"
        )
        axes.set_yticks([-8, -4, 0, 4, 8], ["−8", "−4", "0", "4", "8"])
        axes.axhspan(-0.5, 0.5, color=style.LEVELS, alpha=0.35, lw=0, zorder=0)
        axes.axhline(0, color=style.LEVELS, lw=0.8, zorder=0)
        self._errors = self.line(style.ROUNDING_TEXT, marker=".", ms=3, ls="none")
        self._above, self._below = (self.line(style.ROUNDING_TEXT, marker=tip, ms=5, ls="none") for tip in "^v")

    def update(self, view: Stairs) -> None:
        """Draw the errors of a view, and arrows at the ends of the axis for those beyond it."""
        errors = view.codes - (SUMS.double().numpy() * view.M).clip(-128, 127)
        self._errors.set_data(SUMS.numpy(), errors.clip(-2 * FARTHEST, 2 * FARTHEST))
        for arrows, end in ((self._above, FARTHEST), (self._below, -FARTHEST)):
            sums = SUMS.numpy()[errors * numpy.sign(end) > 1.1 * FARTHEST][::8]
            arrows.set_data(sums, numpy.full(len(sums), 0.94 * end))
        worst = abs(errors).max()
        far = "over 10,000 codes" if worst > 1e4 else f"{fixed(worst, 2)} codes at most"
        key = "arrows: beyond the axis" if worst > FARTHEST else "grey: half a code"
        self.title.text = f"error: {far}; {key}"


def draw_twice(M: float, low: int, high: int) -> Picture:
    """Draw what one rounding and two roundings make of a few sums.

    Args:
        M: the factor.
        low, high: the first and the last sum.
    """
    acc = torch.arange(low, high + 1, dtype=torch.int32)
    split = fixed_point(M)
    once, twice = (requantize(acc, FixedPoint(*split), twice=way) for way in (False, True))
    off = int((once != twice).sum())
    with style.house_style():
        figure = style.new_figure(9.2, 3.1)
        axes = figure.add_axes((0.075, 0.165, 0.90, 0.715))
        axes.set(xlim=(low - 0.6, high + 0.6), xlabel="sum acc", ylabel="code of the output")
        axes.set_xticks(acc.tolist(), [fixed(value, 0) for value in acc.tolist()])
        axes.plot(acc, acc.double() * M, color=style.ORIGINAL, lw=1.2, ls="dashed", label=f"acc M, M = {M:g}")
        axes.plot(acc, once, "s", color=style.QUANTIZED, ms=10, label="rounded once")
        look: dict[str, Any] = {"ms": 15, "mfc": "none", "mec": style.CLIPPED_TEXT, "mew": 1.8, "ls": "none"}
        axes.plot(acc, twice, marker="o", label="rounded twice", **look)
        axes.legend(loc="upper left", frameon=False, fontsize=9)
        axes.locator_params(axis="y", integer=True)
        axes.margins(y=0.12)
        axes.set_title(f"rounded twice, {off} of {len(acc)} sums get another code")
        codes = f"from {once.tolist()} to {twice.tolist()}"
        return picture(figure, f"Rounding twice changes {off} of {len(acc)} codes for M = {M:g}: {codes}.")


def share_rounded_otherwise(acc: Tensor, second: int) -> float:
    """Return the share of sums whose code a second rounding changes, for an M drawn such that it shifts by so much."""
    m = 2**30 + 2 * 123_456_789 + 1
    once, twice = (requantize(acc, FixedPoint(m, 31 + second), 0, -32768, 32767, twice=way) for way in (False, True))
    return (once != twice).double().mean().item()
