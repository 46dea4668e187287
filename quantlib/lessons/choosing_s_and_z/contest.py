"""Asymmetric against symmetric: two rulers over the same values, and which of them wins at each number of bits."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy
import torch
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor

from quantlib.affine import fake_quantize
from quantlib.grids import grid
from quantlib.lab import style
from quantlib.lab.explore import Explorer, Scene, Slider
from quantlib.lab.learner import StandIn, step_problem
from quantlib.lab.panel import FEW, Panel, set_strokes, strokes, title
from quantlib.lab.picture import Picture, picture
from quantlib.lab.text import Label
from quantlib.lab.words import number
from quantlib.metrics import mse
from quantlib.qparams import choose_qparams

WIDTHS = tuple(range(2, 9))
LOWEST, HIGHEST = -8.0, 18.0  # dB that the bars show
BINS = 90
NAMES = "asymmetric", "symmetric"


def symmetric_scale(x: Tensor, bits: int) -> Any:
    """Return max|x| / (2^(bits-1) - 1), as `choose_qparams` gives it."""
    return choose_qparams(x, bits, symmetric=True).scale


@dataclass(frozen=True)
class Contest:
    """Two rulers over the same values, and the contest at every number of bits.

    bits, slope: what is set; x: the values, the negative ones times the slope.
    scales, zero_points, errors: of the asymmetric and of the symmetric ruler; errors are MSEs.
    leads: for each of WIDTHS, by how many dB the asymmetric ruler is better.
    promised: the same, if only the steps decided.
    notice: what a reader must know beside the numbers, or "".
    """

    bits: int
    slope: float
    x: Tensor
    scales: tuple[float, float]
    zero_points: tuple[int, int]
    errors: tuple[float, float]
    leads: numpy.ndarray
    promised: numpy.ndarray
    notice: str = ""

    @property
    def lead(self) -> float:
        """By how many dB the asymmetric ruler is better at the bits that are set."""
        return float(self.leads[self.bits - WIDTHS[0]])

    @property
    def reach(self) -> tuple[int, int]:
        """The smallest and the largest code."""
        return grid(self.bits)


@dataclass(frozen=True)
class _Round:
    """The contest at one number of bits."""

    scales: tuple[float, float]
    zero_points: tuple[int, int]
    errors: tuple[float, float]
    notice: str

    @property
    def lead(self) -> float:
        """By how many dB the asymmetric ruler is better."""
        return _decibels(self.errors[1], self.errors[0])


def _decibels(above: float, below: float) -> float:
    if above == below:
        return 0.0
    return float(10 * numpy.log10(max(above, 1e-300) / max(below, 1e-300)))


def _play(x: Tensor, bits: int, scale_of: StandIn) -> _Round:
    s, z, *ends = choose_qparams(x, bits)
    own, notice = scale_of(x, bits)
    scales, zero_points = (float(s), float(own)), (int(z), 0)
    errors = [mse(x, fake_quantize(x, *ruler, *ends)) for ruler in zip(scales, zero_points, strict=True)]
    return _Round(scales, zero_points, (errors[0], errors[1]), notice)


def hold(x: Tensor, bits: int, slope: float, scale_of: StandIn) -> Contest:
    """Return the contest over x, whose negative values are multiplied by the slope."""
    x = torch.where(x < 0, slope * x, x)
    rounds = {width: _play(x, width, scale_of) for width in WIDTHS}
    now = rounds[bits]
    promised = [2 * _decibels(each.scales[1], each.scales[0]) for each in rounds.values()]
    leads = numpy.array([each.lead for each in rounds.values()])
    return Contest(
        bits, slope, x, now.scales, now.zero_points, now.errors, leads, numpy.array(promised), now.notice
    )  # fmt: skip


def explore_contest(
    x: Tensor, scale_of: Callable[..., Any] = symmetric_scale, *, bits: int = 4, slope: float = 1.0
) -> Explorer:
    """Show sliders for the bits and for what the negative values of x are multiplied by, over the two rulers.

    Args:
        x: reals, any shape; a few thousand at most, or a move takes too long.
        scale_of: f(x, bits) that returns the symmetric scale: quantlib's, or a learner's.
        bits, slope: where the sliders begin.
    """
    x = x.clone()  # the caller's may change in a later cell
    sliders = [
        Slider("b", "bits b", bits, WIDTHS[0], WIDTHS[-1], 1),
        Slider("a", "slope a", slope, 0.0, 1.0, 0.05),
    ]
    mine = StandIn(scale_of, symmetric_scale, step_problem)
    scene = Scene((9.2, 4.2), lambda figure: contest_panels(figure, x))
    return Explorer(sliders, lambda b, a: hold(x, b, a, mine), scene, describe_contest)


def draw_contest(x: Tensor, bits: int = 8, slope: float = 1.0) -> Picture:
    """Draw both rulers over x at one number of bits, and beside them the contest at 2 to 8 bits."""
    view = hold(x, bits, slope, StandIn(symmetric_scale, symmetric_scale, step_problem))
    with style.house_style():
        figure = style.new_figure(9.2, 4.2)
        for panel in contest_panels(figure, x):
            panel.update(view)
        return picture(figure, f"Two rulers over the same values, with {bits} bits: {_rulers(view)}")


def contest_panels(figure: Figure, x: Tensor) -> list[Panel]:
    """Lay the rulers and the bars out on a figure of 9.2 x 4.2 inches."""
    return [Strips(figure.add_axes((0.105, 0.13, 0.49, 0.74)), x), Leads(figure.add_axes((0.69, 0.13, 0.29, 0.74)))]


def verdict(view: Contest) -> str:
    """Return who wins, in words."""
    if abs(view.lead) < 0.005:
        return "the two are equal"
    winner = NAMES[view.lead < 0]
    return f"{winner} is better by {_size(abs(view.lead))}"


def _size(decibels: float) -> str:
    return f"{decibels:.2f} dB" if decibels < 100 else "more than 100 dB"


def describe_contest(view: Contest) -> str:
    """Return the sentences that say what a contest shows: the winner, both rulers, and both errors."""
    head = f"b = {view.bits} and a = {number(view.slope)}: "
    return f"{head}{_rulers(view)}" + (f" {view.notice}" if view.notice else "")


def _rulers(view: Contest) -> str:
    rulers = zip(NAMES, view.scales, view.zero_points, view.errors, strict=True)
    said = "; ".join(f"{name} s = {number(s)}, z = {number(z)}, MSE {number(e)}" for name, s, z, e in rulers)
    promised = float(view.promised[view.bits - WIDTHS[0]])
    steps = f"The steps alone would make asymmetric {'better' if promised >= 0 else 'worse'} by {_size(abs(promised))}."
    return f"{verdict(view)}: {said}. {steps}"


class Strips:
    """The values, and below them the marks of the asymmetric and of the symmetric ruler."""

    ROWS = (0.44, 0.06)
    HEIGHT = 0.17

    def __init__(self, axes: Axes, x: Tensor) -> None:
        self._axes, self._few = axes, x.numel() <= FEW
        reach = 1.14 * max(x.abs().max().item(), 1e-30)
        axes.set_xlim(-reach, reach)
        axes.set_ylim(0, 1)
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        axes.set_xlabel("real value, units of x")
        self._reach, self._pixels = reach, axes.get_window_extent().width / (2 * reach)
        self._names: list[Label] = []
        self._bands: list[Any] = []
        self._unused: list[Any] = []
        self._marks: list[Any] = []
        self._zeros: list[Any] = []
        margin: dict[str, Any] = {"ha": "right", "va": "center", "size": 9, "transform": axes.get_yaxis_transform()}
        axes.text(-0.012, 0.86, "values", **margin)
        for name, low in zip(NAMES, self.ROWS, strict=True):
            axes.text(-0.012, low + self.HEIGHT / 2, name, color=style.QUIET, **margin)
            self._add_row(axes, low)
        self._values = self._add_values(axes, x)
        self._title = title(axes)
        self.moving: Sequence[Artist] = [
            *self._bands, *self._unused, *self._marks, *self._zeros, *self._values, *self._names, self._title,
        ]  # fmt: skip

    def _add_row(self, axes: Axes, low: float) -> None:
        box: dict[str, Any] = {"height": self.HEIGHT, "width": 0.0}
        self._bands.append(axes.add_patch(Rectangle((0, low), **box, color=style.RANGE, alpha=0.4, lw=0)))
        self._marks.append(strokes(axes, color=style.QUIET, lw=0.7))
        hatched = Rectangle((0, low), **box, fill=False, ec=style.QUIET, lw=0, hatch="////")
        self._unused.append(axes.add_patch(hatched))
        self._zeros.append(axes.plot([0, 0], [low, low + self.HEIGHT], color=style.QUANTIZED, lw=2.5)[0])
        label = Label((-0.97 * self._reach, low + self.HEIGHT + 0.06), axes.transData, size=9, ha="left")
        self._names.append(label)
        axes.add_artist(label)

    def _add_values(self, axes: Axes, x: Tensor) -> list[Any]:
        """Add a dot for each of a few values, and where it stands in both rulers, or a histogram of many."""
        if self._few:
            dots = axes.plot([], [], "o", color=style.ORIGINAL, ms=5.5, zorder=5)[0]
            return [dots, strokes(axes, color=style.ORIGINAL, lw=1.6)]
        self._edges = numpy.linspace(-self._reach, self._reach, BINS + 1)
        return [axes.stairs(numpy.zeros(BINS), self._edges, baseline=0.74, color=style.ORIGINAL, lw=1.2)]

    def update(self, view: Contest) -> None:
        """Lay both rulers of a view under its values."""
        self._show_values(view)
        for row in (0, 1):
            self._lay(row, view)
        self._title.text = f"{view.bits} bits: {verdict(view)}"

    def _show_values(self, view: Contest) -> None:
        values = view.x.flatten().double().numpy()
        if self._few:
            dots, lines = self._values
            dots.set_data(values, numpy.full(len(values), 0.86))
            set_strokes(lines, numpy.concatenate([self._uprights(values, foot) for foot in self.ROWS]))
            return
        counts = numpy.log2(1 + numpy.histogram(values, self._edges)[0])
        self._values[0].set_data(0.74 + 0.24 * counts / numpy.log2(1 + len(values)))

    def _lay(self, row: int, view: Contest) -> None:
        """Lay one ruler: its reach, its marks, and the codes that no value uses, hatched."""
        s, z, (first, last) = view.scales[row], view.zero_points[row], view.reach
        low, high = (self._inside(s * (code - z)) for code in (first, last))
        self._bands[row].set_x(low)
        self._bands[row].set_width(high - low)
        every = 2 ** max(0, int(numpy.ceil(numpy.log2(4 / (s * self._pixels)))))  # closer marks would blur
        shown = numpy.arange(first, last + 1)
        shown = shown[(shown - z) % every == 0]
        foot = self.ROWS[row]
        at = numpy.clip(s * (shown - z), -9 * self._reach, 9 * self._reach)
        set_strokes(self._marks[row], self._uprights(at, foot))
        unused = max(0, min(last, round(view.x.min().item() / s) + z) - first)
        self._unused[row].set_x(low)
        self._unused[row].set_width(self._inside(s * (first + unused - 0.5 - z)) - low if unused else 0.0)
        self._unused[row].set_visible(unused > 0)
        idle = f"; {unused} of {last - first + 1} codes below all values" if unused else ""
        self._names[row].text = f"steps of {number(s)}, z = {number(z)}{idle}"

    def _uprights(self, at: numpy.ndarray, foot: float) -> numpy.ndarray:
        """Return vertical lines across a ruler, shape (n, 2, 2)."""
        heights = numpy.broadcast_to([foot, foot + self.HEIGHT], (len(at), 2))
        return numpy.stack([numpy.stack([at, at], axis=1), heights], axis=2)

    def _inside(self, real: float) -> float:
        return max(-9 * self._reach, min(9 * self._reach, real))


class Leads:
    """For each number of bits by how much asymmetric is better, and how much the steps alone promise."""

    def __init__(self, axes: Axes) -> None:
        axes.set_xlim(WIDTHS[0] - 0.6, WIDTHS[-1] + 0.6)
        axes.set_ylim(LOWEST, HIGHEST)
        axes.set_xticks(WIDTHS)
        axes.set_xlabel("bits b")
        axes.set_ylabel("lead of asymmetric, dB", labelpad=0)
        axes.axhline(0, color=style.QUIET, lw=0.8)
        axes.text(WIDTHS[-1] + 0.5, HIGHEST, "asymmetric better", size=9, color=style.QUIET, va="top", ha="right")
        axes.text(WIDTHS[-1] + 0.5, LOWEST, "symmetric better", size=9, color=style.QUIET, va="bottom", ha="right")
        self._bars: list[Any] = []
        for width in WIDTHS:
            self._bars.append(axes.add_patch(Rectangle((width - 0.3, 0), 0.6, 0.0, fc=style.QUANTIZED)))
        self._promised = axes.plot(WIDTHS, WIDTHS, color=style.ORIGINAL, lw=1.4, ls="dashed")[0]
        self._name = Label((WIDTHS[-1] + 0.5, 0), axes.transData, size=9, ha="right", opaque=True)
        axes.add_artist(self._name)
        self._title = title(axes)
        self.moving: Sequence[Artist] = [*self._bars, self._promised, self._name, self._title]

    def update(self, view: Contest) -> None:
        """Draw the bars of a view; that of the bits that are set has an outline."""
        for width, bar, lead in zip(WIDTHS, self._bars, view.leads.tolist(), strict=True):
            bar.set_height(min(max(lead, LOWEST), HIGHEST))
            now = width == view.bits
            bar.set(ec=style.ORIGINAL if now else style.QUANTIZED, lw=2.5 if now else 0)
        promised = numpy.clip(view.promised, LOWEST, HIGHEST)
        self._promised.set_ydata(promised)
        highest = max(float(promised[-3:].max()), float(view.leads[-3:].max()))
        self._name.at, self._name.text = (self._name.at[0], min(highest, HIGHEST - 3.0) + 0.9), "dashed: steps alone"
        lost = [str(width) for width, lead in zip(WIDTHS, view.leads, strict=True) if lead < -0.005]
        self._title.text = f"symmetric wins at {', '.join(lost)} bits" if lost else "symmetric never wins"
