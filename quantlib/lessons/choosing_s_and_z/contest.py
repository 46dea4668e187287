"""Asymmetric against symmetric: two rulers over the same values, and which of them wins at each number of bits."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import log10
from typing import Any, NamedTuple

import numpy
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor

from quantlib.affine import fake_quantize
from quantlib.grids import grid
from quantlib.lab import style
from quantlib.lab.exercise import Function
from quantlib.lab.explore import Explorer, Scene, Slider, View, explorer
from quantlib.lab.learner import StandIn
from quantlib.lab.panel import FEW, Drag, Panel, set_strokes, uprights
from quantlib.lab.picture import Picture
from quantlib.lab.ruler import sparse_levels
from quantlib.lab.words import amount, fixed, number
from quantlib.metrics import mse
from quantlib.qparams import choose_qparams

from . import exercises

BITS = range(2, 9)
LOWEST, HIGHEST = -8.0, 18.0  # dB that the bars show
BINS = 90
NAMES = "asymmetric", "symmetric"


class Round(NamedTuple):
    """The contest at one number of bits: of the asymmetric and of the symmetric ruler s, z, and the MSE.

    about: what a reader must know of the symmetric scale, or "".
    """

    scales: tuple[float, float]
    zero_points: tuple[int, int]
    errors: tuple[float, float]
    about: str

    @property
    def lead(self) -> float:
        """By how many dB the asymmetric ruler is better."""
        return _decibels(self.errors[1], self.errors[0])

    @property
    def promised(self) -> float:
        """The same, if only the steps decided."""
        return 2 * _decibels(self.scales[1], self.scales[0])


def _decibels(above: float, below: float) -> float:
    return 0.0 if above == below else 10 * log10(max(above, 1e-300) / max(below, 1e-300))


@dataclass(frozen=True)
class ContestView(View):
    """Two rulers over the same values, and the contest at every number of bits.

    bits, slope: what is set.
    x: the values, the negative ones times the slope.
    rounds: the contest at each of BITS.
    """

    bits: int
    slope: float
    x: Tensor
    rounds: Mapping[int, Round]

    @property
    def now(self) -> Round:
        """The contest at the bits that are set."""
        return self.rounds[self.bits]


@explorer
def explore_contest(
    x: Tensor, scale_of: Function = exercises.symmetric.reference, *, bits: int = 4, slope: float = 1.0
) -> Explorer:
    """Show sliders for the bits and for what the negative values of x are multiplied by, over the two rulers.

    Args:
        x: reals, any shape; a few thousand at most, or a move takes too long.
        scale_of: f(x, bits) that returns the symmetric scale: quantlib's, or a learner's.
        bits, slope: where the sliders begin.
    """
    sliders = [Slider("b", "bits b", bits, BITS[0], BITS[-1], 1), Slider("a", "slope a", slope, 0.0, 1.0, 0.05)]
    my_scale = exercises.symmetric.stand_in(scale_of)

    def compute(b: int, a: float) -> ContestView:
        moved = torch.where(x < 0, a * x, x)
        rounds = {bits: _play(moved, bits, my_scale) for bits in BITS}
        return ContestView(b, a, moved, rounds, notices=(rounds[b].about,))

    def lay_out(figure: Figure) -> list[Panel]:
        left, right = figure.add_axes((0.105, 0.13, 0.49, 0.74)), figure.add_axes((0.69, 0.13, 0.29, 0.74))
        return [Values(left, x), Strip(left, 0), Strip(left, 1), Leads(right)]

    return Explorer(sliders, compute, Scene((9.2, 4.2), lay_out), describe_contest)


def _play(x: Tensor, bits: int, my_scale: StandIn) -> Round:
    s, z, *ends = choose_qparams(x, bits)
    own, about = my_scale(x, bits)
    scales, zero_points = (float(s), float(own)), (int(z), 0)
    first, second = (mse(x, fake_quantize(x, *ruler, *ends)) for ruler in zip(scales, zero_points, strict=True))
    return Round(scales, zero_points, (first, second), about)


def draw_contest(x: Tensor, bits: int = 8, slope: float = 1.0) -> Picture:
    """Draw both rulers over x at one number of bits, and beside them the contest at 2 to 8 bits."""
    return explore_contest(x, bits=bits, slope=slope).still("Two rulers over the same values.")


def verdict(lead: float) -> str:
    """Return who wins, in words; lead: by how many dB the asymmetric ruler is better."""
    return "the two are equal" if abs(lead) < 0.005 else f"{NAMES[lead < 0]} is better by {_size(lead)}"


def _size(decibels: float) -> str:
    return f"{abs(decibels):.2f} dB" if abs(decibels) < 100 else "more than 100 dB"


def describe_contest(view: ContestView) -> str:
    """Return the sentences that say what a contest shows: the winner, both rulers, and both errors."""
    (s, own), (z, _), errors = view.now.scales, view.now.zero_points, tuple(map(amount, view.now.errors))
    first = f"asymmetric has s = {number(s)}, z = {number(z)} and the MSE {errors[0]}"
    second = f"symmetric s = {number(own)} and the MSE {errors[1]}"
    promised = f"{'−' if view.now.promised < 0 else ''}{_size(view.now.promised)}"
    head = f"b = {view.bits} and a = {number(view.slope)}: {verdict(view.now.lead)}"
    return f"{head}; {first}, {second}. The steps alone would give {promised}."


class Values(Panel):
    """The values, above both rulers: a dot for each of a few, a histogram of many."""

    def __init__(self, axes: Axes, x: Tensor) -> None:
        reach, self._few = 1.14 * max(x.abs().max().item(), 1e-30), x.numel() <= FEW
        label = "real value, units of x" + ("" if self._few else " (heights are logarithmic)")
        super().__init__(axes, xlim=(-reach, reach), ylim=(0, 1), xlabel=label)
        style.number_line(axes)
        _name_row(axes, 0.86, "values", style.ORIGINAL)
        if self._few:
            self._dots = self.line(style.ORIGINAL, marker="o", ls="none", ms=5.5, zorder=5)
        else:
            self._edges = numpy.linspace(-reach, reach, BINS + 1)
            stairs = axes.stairs(numpy.zeros(BINS), self._edges, baseline=0.74, color=style.ORIGINAL, lw=1.2)
            self._stairs = self.keep(stairs)

    def update(self, view: ContestView) -> None:
        """Move the values to those of a view."""
        values = view.x.flatten().double().numpy()
        if self._few:
            self._dots.set_data(values, numpy.full(len(values), 0.86))
        else:
            counts = numpy.log2(1 + numpy.histogram(values, self._edges)[0])
            self._stairs.set_data(0.74 + 0.24 * counts / numpy.log2(1 + len(values)))
        slope = f", negative values times {number(view.slope)}" if view.slope < 1 else ""
        self.title.text = f"two rulers of {view.bits} bits{slope}"


class Strip(Panel):
    """The levels of one of the two rulers, below the values: on the same axes, which have their limits by then."""

    def __init__(self, axes: Axes, row: int) -> None:
        super().__init__(axes)
        self._row, self._reach = row, axes.get_xlim()[1]
        self._foot, self._top = foot, top = (0.44, 0.61) if row == 0 else (0.06, 0.23)
        self._pixels = axes.get_window_extent().width / (2 * self._reach)
        _name_row(axes, (foot + top) / 2, NAMES[row], style.QUIET)
        box: dict[str, Any] = {"xy": (0, foot), "width": 0, "height": top - foot}
        self._band = self.keep(Rectangle(**box, color=style.RANGE, alpha=0.4, lw=0))
        self._levels = self.strokes(style.QUIET, lw=0.7)
        self._unused = self.keep(Rectangle(**box, fill=False, ec=style.QUIET, lw=0, hatch="////"))
        self.line(style.QUANTIZED, lw=2.5).set_data([0, 0], [foot, top])
        self._values = self.strokes(style.ORIGINAL, lw=1.6)
        self._name = self.label(at=(-0.97 * self._reach, top + 0.06), size=9, ha="left")
        ends = ("\N{LEFTWARDS ARROW}", -0.97 * self._reach), ("\N{RIGHTWARDS ARROW}", 0.97 * self._reach)
        self._beyond = [self.label(arrow, (at, (foot + top) / 2), bold=True, opaque=True) for arrow, at in ends]

    def update(self, view: ContestView) -> None:
        """Lay the ruler of a view: its reach, its levels, and the codes that no value uses, hatched."""
        s, z, (first, last) = view.now.scales[self._row], view.now.zero_points[self._row], grid(view.bits)
        unused = max(0, min(last, round(view.x.min().item() / s) + z) - first)
        low, used, high = self._inside(s * (numpy.array([first, first + unused - 0.5, last]) - z))
        self._band.set(x=low, width=high - low)
        self._unused.set(x=low, width=used - low, visible=unused > 0)
        levels, _ = sparse_levels(s, z, numpy.arange(first, last + 1), self._pixels)
        set_strokes(self._levels, uprights(self._inside(levels), self._foot, self._top))
        if view.x.numel() <= FEW:
            set_strokes(self._values, uprights(view.x.flatten().double().numpy(), self._foot, self._top))
        idle = f"; {unused} of {last - first + 1} codes below all values" if unused else ""
        for label, end in zip(self._beyond, (low, high), strict=True):
            label.set_visible(abs(end) > self._reach)
        self._name.text = f"steps of {number(s)}, z = {number(z)}{idle}"

    def _inside(self, reals: numpy.ndarray) -> numpy.ndarray:
        return numpy.clip(reals, -9 * self._reach, 9 * self._reach)


def _name_row(axes: Axes, height: float, name: str, ink: str) -> None:
    margin = axes.get_yaxis_transform()
    axes.text(-0.012, height, name, color=ink, ha="right", va="center", size=9, transform=margin)


class Leads(Panel):
    """For each number of bits by how much asymmetric is better, and how much the steps alone promise."""

    def __init__(self, axes: Axes) -> None:
        limits = {"xlim": (BITS[0] - 0.6, BITS[-1] + 0.6), "ylim": (LOWEST, HIGHEST)}
        super().__init__(axes, **limits, xticks=BITS, xlabel="bits b")
        axes.set_ylabel("lead of asymmetric, dB", labelpad=0)
        axes.axhline(0, color=style.QUIET, lw=0.8)
        corner: dict[str, Any] = {"size": 9, "color": style.QUIET, "ha": "right"}
        axes.text(BITS[-1] + 0.5, HIGHEST, "asymmetric better", va="top", **corner)
        axes.text(BITS[-1] + 0.5, LOWEST, "symmetric better", va="bottom", **corner)
        self._bars = [self.keep(Rectangle((bits - 0.3, 0), 0.6, 0, fc=style.QUANTIZED)) for bits in BITS]
        self._steps = self.line(style.ORIGINAL, lw=1.4, ls="dashed")
        self._name = self.label("dashed: steps alone", (BITS[-1] + 0.5, 0), size=9, ha="right", opaque=True)

    def update(self, view: ContestView) -> None:
        """Draw the bars of a view; that of the bits that are set has an outline."""
        leads = {bits: each.lead for bits, each in view.rounds.items()}
        for bar, (bits, lead) in zip(self._bars, leads.items(), strict=True):
            edge = {"ec": style.ORIGINAL, "lw": 2.5} if bits == view.bits else {"ec": style.QUANTIZED, "lw": 0}
            bar.set(height=min(max(lead, LOWEST), HIGHEST), **edge)
        promised = numpy.clip([each.promised for each in view.rounds.values()], LOWEST, HIGHEST)
        self._steps.set_data(BITS, promised)
        highest = max(*promised[-3:], *list(leads.values())[-3:])  # of what the name stands over
        self._name.at = self._name.at[0], min(highest, HIGHEST - 3.0) + 0.9
        lead = leads[view.bits]
        said = f"{fixed(lead, 2)} dB" if abs(lead) < 100 else f"{'−' if lead < 0 else ''}100 dB or more"
        self.title.text = f"lead at {view.bits} bits: {said}"

    def grab(self, view: ContestView, x: float, y: float) -> Drag:
        """Set the bits to those of the bar at the pointer."""
        return lambda x, y: {"b": x}
