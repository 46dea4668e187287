"""The four terms of one real output: both zero points slide, and the codes with them."""

from dataclasses import dataclass
from functools import cache

import numpy
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor
from torch.nn.functional import pad

from quantlib.formats.integers import four_terms
from quantlib.lab import style
from quantlib.lab.exercise import Function
from quantlib.lab.explore import Explorer, Scene, Slider, View, explorer
from quantlib.lab.panel import Drag, Panel, set_strokes, uprights
from quantlib.lab.words import joined

from . import exercises
from .network import heard

CHANNEL, COLUMN = 5, 600  # an output of the first convolution
ZERO_W = Slider("z_w", "zero point z_w", 20, -65, 64, 1)
ZERO_X = Slider("z_x", "zero point z_x", -60, -128, 0, 1)
NAMES = "Σ q_w q_x", "− z_x Σ q_w", "− z_w Σ q_x", "+ K z_w z_x", "the sum"
REACH = 5_000_000
LINEAR = 1_000  # the axis of the terms is linear up to here, and logarithmic beyond


@dataclass(frozen=True)
class Terms(View):
    """The terms of one output.

    z_w, z_x: the zero points.
    codes_w, codes_x: how often each code from -128 to 127 occurs, as a share of the most frequent one.
    terms: the four, and their sum with the first two by the learner's function.
    """

    z_w: int
    z_x: int
    codes_w: numpy.ndarray
    codes_x: numpy.ndarray
    terms: tuple[int, ...]

    @property
    def alike(self) -> bool:
        """Whether the learner's sum is that of the four terms."""
        return sum(self.terms[:4]) == self.terms[4]


@cache
def steps() -> tuple[Tensor, Tensor]:
    """Return weights, -63 to 63, and inputs, 0 to 127, of one output of the first convolution, in steps of a scale."""
    its = heard()
    w = its.weights["conv1.weight"][CHANNEL].flatten()
    columns = pad(its.spectra, (1, 1)).unfold(2, 3, 1).permute(0, 2, 1, 3).flatten(2).flatten(0, 1)
    x = columns[COLUMN]
    return (63 * w / w.abs().max()).round().long(), (127 * x / x.max()).round().long()


@explorer
def explore_terms(sums: Function = exercises.integer_sums.reference) -> Explorer:
    """Show sliders for both zero points, the codes that slide with them, and the four terms of one real output.

    Args:
        sums: f(q_w, q_x, z_x) that returns the sums of q_w (q_x - z_x): the first two terms, quantlib's or a learner's.
    """
    add = exercises.integer_sums.stand_in(sums)

    def compute(z_w: int, z_x: int) -> Terms:
        w, x = steps()
        q_w, q_x = (w + z_w).to(torch.int8)[None], (x + z_x).to(torch.int8)[:, None]
        terms = [int(term) for term in four_terms(q_w, q_x, z_w, z_x)]
        first, notice = add(q_w, q_x, z_x)
        total = int(first) + terms[2] + terms[3]
        return Terms(z_w, z_x, _shares(q_w), _shares(q_x), (*terms, total), notices=(notice,))

    return Explorer([ZERO_W, ZERO_X], compute, Scene((9.2, 4.7), _lay_out), describe)


def _shares(q: Tensor) -> numpy.ndarray:
    counts = torch.bincount(q.flatten().long() + 128, minlength=256).double()
    return (counts / counts.max()).sqrt().numpy()  # a root, so that what is rare is seen


def said(value: int) -> str:
    """Return an integer with commas and a true minus sign."""
    return f"{value:,}".replace("-", "\N{MINUS SIGN}")


def describe(view: Terms) -> str:
    """Return the sentence that says what the terms of a view are, and what they add up to."""
    terms, total = joined([*map(said, view.terms[:4])]), said(sum(view.terms[:4]))
    head = f"z_w = {said(view.z_w)} and z_x = {said(view.z_x)}: the sum of the terms {terms} is {total}"
    return f"{head}." if view.alike else f"{head}, but with your function {said(view.terms[4])}."


def _lay_out(figure: Figure) -> list[Panel]:
    left, width = 0.135, 0.70
    weights = Codes(figure.add_axes((left, 0.805, width, 0.115)), "weights q_w", "z_w")
    inputs = Codes(figure.add_axes((left, 0.635, width, 0.115)), "inputs q_x", "z_x")
    codes = [-128, -64, 0, 64, 127]
    inputs.axes.set_xticks(codes, [said(code) for code in codes])
    figure.text(left, 0.957, "which codes occur, high: often; the triangle is the code of 0.0", weight="bold", size=11)
    return [weights, inputs, Bars(figure.add_axes((left, 0.125, width, 0.385)))]


class Codes(Panel):
    """How often each code occurs, and the zero point, which can be dragged."""

    def __init__(self, axes: Axes, name: str, zero: str) -> None:
        super().__init__(axes, xlim=(-130, 129), ylim=(0, 1.05))
        self._zero = zero
        style.number_line(axes)
        axes.set_xticks([])
        axes.text(-0.015, 0.5, name, transform=axes.transAxes, ha="right", va="center", weight="bold", size=10)
        self._bars = self.strokes(style.QUANTIZED, lw=1.8)
        self._mark = self.strokes(style.ORIGINAL, lw=1.6, zorder=4)
        self._grip = self.dot(style.ORIGINAL, marker="v", ms=11, zorder=6)
        self._zero_at = self.label(at=(1.16, 0.5), transform=axes.transAxes, ha="right")

    def _at(self, view: Terms) -> int:
        return view.z_w if self._zero == "z_w" else view.z_x

    def update(self, view: Terms) -> None:
        """Move the codes and the mark of the zero point."""
        shares, at = view.codes_w if self._zero == "z_w" else view.codes_x, self._at(view)
        codes = shares.nonzero()[0]
        set_strokes(self._bars, uprights(codes - 128.0, 0, shares[codes]))
        set_strokes(self._mark, uprights(numpy.array([at]), 0, 1.0))
        self._grip.set_data([at], [1.05])
        self._zero_at.text = f"{self._zero} = {said(at)}"

    def grab(self, view: Terms, x: float, y: float) -> Drag:
        """Take the codes along, from wherever they are gripped."""
        start = self._at(view)
        return lambda to_x, to_y: {self._zero: start + to_x - x}


class Bars(Panel):
    """The four terms and their sum, as bars from 0."""

    def __init__(self, axes: Axes) -> None:
        super().__init__(axes, xlim=(-REACH, REACH), ylim=(4.6, -0.6))
        axes.set_xscale("symlog", linthresh=LINEAR, linscale=0.6)
        ticks = [-1_000_000, -100_000, -10_000, -1_000, 0, 1_000, 10_000, 100_000, 1_000_000]
        axes.set_xticks(ticks, [said(tick) for tick in ticks])
        axes.minorticks_off()
        axes.set_xlabel(f"value of a term (logarithmic beyond ±{LINEAR:,})")
        axes.set_yticks(range(5), NAMES)
        axes.tick_params(axis="y", length=0, labelcolor="black", labelsize=10)
        axes.axvline(0, color=style.QUIET, lw=1)
        axes.axhline(3.5, color=style.LEVELS, lw=1)
        inks = [style.QUANTIZED] * 4 + [style.ORIGINAL]
        self._bars = [self.strokes(ink, lw=13) for ink in inks]
        self._names = [
            self.label(at=(1.16, 1 - (row + 0.6) / 5.2), transform=axes.transAxes, ha="right", color=ink, bold=row == 4)
            for row, ink in enumerate(inks)
        ]

    def update(self, view: Terms) -> None:
        """Draw the terms of a view."""
        for row, (bar, name, term) in enumerate(zip(self._bars, self._names, view.terms, strict=True)):
            bar.set_data([0, max(-REACH, min(REACH, term))], [row, row])
            name.text = said(term)
        self.title.text = f"four terms, and their sum {said(view.terms[4])}"
