"""The ruler of a matrix whose largest value a slider stretches."""

from dataclasses import dataclass
from typing import Any

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor

from quantlib.lab import style
from quantlib.lab.exercise import Function
from quantlib.lab.explore import Explorer, Scene, Slider, explorer
from quantlib.lab.panel import Drag, Panel
from quantlib.lab.ruler import QUANT_MAX, QUANT_MIN, CodeCells, Ruler, RulerView, make_view
from quantlib.lab.words import number

from . import exercises

STRETCH = Slider("f", "stretch f", 1.0, 1.0, 2.0, 0.05)
LIMITS = -300.0, 1600.0  # of the ruler's picture
ASIDE = 15.0  # from the largest value to an arrow
LONGEST = 4.0  # bar of half a step


@dataclass(frozen=True)
class StretchView(RulerView):
    """The ruler of stretched values; f: how many times the largest one is what it was."""

    f: float


@explorer
def explore_range(
    x: Tensor, step: Function = exercises.step.reference, zero: Function = exercises.zero.reference
) -> Explorer:
    """Show a slider that stretches the largest value of x; the functions given choose the ruler for it.

    Args:
        x: a small matrix of reals.
        step: f(x) that returns the scale, in units of x: quantlib's, or a learner's.
        zero: f(x) that returns the zero point.
    """
    my_step, my_zero = exercises.step.stand_in(step), exercises.zero.stand_in(zero)

    def compute(f: float) -> StretchView:
        stretched = torch.where(x == x.max(), f * x, x)
        (s, about_step), (z, about_zero) = my_step(stretched), my_zero(stretched)
        view = make_view(stretched, float(s), int(z), QUANT_MIN, QUANT_MAX, torch.zeros(1))
        return StretchView(**vars(view) | {"notices": (about_step, about_zero)}, f=f)

    def lay_out(figure: Figure) -> list[Panel]:
        ruler = StretchRuler(figure.add_axes((0.085, 0.675, 0.89, 0.25)), x, LIMITS)
        halves = HalfStep(figure.add_axes((0.12, 0.12, 0.35, 0.39)), exercises.step.reference(x).item() / 2)
        return [ruler, halves, Tiles(figure.add_axes((0.53, 0.04, 0.445, 0.47)), x)]

    return Explorer([STRETCH], compute, Scene((9.2, 5.2), lay_out), describe_range)


class StretchRuler(Ruler):
    """A ruler on which the largest value can be dragged, as the arrows at it say."""

    def __init__(self, axes: Axes, x: Tensor, limits: tuple[float, float]) -> None:
        super().__init__(axes, x, limits)
        self._arrows = [self.label(ha=ha, color=style.QUIET) for ha in ("right", "left")]

    def update(self, view: Any) -> None:
        """Move the arrows with the largest value; at an end of the slider one is left."""
        super().update(view)
        top, (left, right) = view.x.max().item(), self._arrows
        left.at, left.text = (top - ASIDE, 0.9), "\N{BLACK LEFT-POINTING SMALL TRIANGLE}" * (view.f > STRETCH.low)
        right.at, right.text = (top + ASIDE, 0.9), "\N{BLACK RIGHT-POINTING SMALL TRIANGLE}" * (view.f < STRETCH.high)

    def grab(self, view: StretchView, x: float, y: float) -> Drag | None:
        """Move the largest value as far as the pointer moves, wherever on the ruler it was pressed."""
        top, pressed_at = view.x.max().item(), x
        return lambda x, y: {"f": view.f * (top + x - pressed_at) / top}


class HalfStep(Panel):
    """Half a step, as a bar: that of values which are not stretched, and that of a view."""

    def __init__(self, axes: Axes, before: float) -> None:
        super().__init__(axes, xlim=(0, LONGEST), ylim=(1.6, -0.6), xlabel="half a step, in units of x")
        style.number_line(axes)
        axes.set_yticks([0, 1], ["f = 1", "now"])
        axes.tick_params(axis="y", length=0)
        axes.barh([0], [before], 0.5, color=style.QUIET)
        axes.text(before + 0.08, 0, number(before), va="center", color=style.QUIET)
        self._bar = self.keep(Rectangle((0, 0.75), 1, 0.5, color=style.QUANTIZED, lw=0))
        self._value = self.label(at=(0, 1), ha="left", color=style.QUANTIZED)

    def update(self, view: StretchView) -> None:
        """Set the bar; one that is too long ends with the axis."""
        half = view.scale / 2
        self._bar.set_width(min(half, LONGEST))
        self._value.at, self._value.text = (min(half, LONGEST) + 0.08, 1), number(half)
        self.title.text = f"Half a step is now {number(half)}"


class Tiles(CodeCells):
    """The matrix, under a title that says what the three numbers of a tile are."""

    def update(self, view: RulerView) -> None:
        """Write the numbers of a view."""
        super().update(view)
        self.title.text = "In each tile: value, code, what comes back"


def describe_range(view: StretchView) -> str:
    """Return the sentence that says what the picture shows."""
    largest = f"f = {number(view.f)}: the largest value is {number(view.x.max().item())}, "
    off = (view.x - view.x_hat).abs().max().item()
    ruler = f"s = {number(view.scale)} and z = {number(view.zero_point)}. "
    return (
        f"{largest}{ruler}Half a step is {number(view.scale / 2)}; the largest error of these values is {number(off)}."
    )
