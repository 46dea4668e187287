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
NEAR = 60.0  # so close to the largest value must a pointer be pressed


@dataclass(frozen=True)
class StretchView(RulerView):
    """The ruler of stretched values.

    f: how many times the largest value is what it was.
    before: the step when it was not stretched.
    """

    f: float
    before: float


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
        return StretchView(**vars(view) | {"notices": (about_step, about_zero)}, f=f, before=float(my_step(x)[0]))

    def lay_out(figure: Figure) -> list[Panel]:
        ruler = StretchRuler(figure.add_axes((0.085, 0.69, 0.89, 0.25)), x, LIMITS)
        halves = HalfStep(figure.add_axes((0.12, 0.14, 0.35, 0.35)))
        return [ruler, halves, Tiles(figure.add_axes((0.53, 0.04, 0.445, 0.47)), x)]

    return Explorer([STRETCH], compute, Scene((9.2, 5.2), lay_out), describe_range)


class StretchRuler(Ruler):
    """A ruler on which the largest value can be dragged."""

    def grab(self, view: StretchView, x: float, y: float) -> Drag | None:
        """Stretch the largest value to where the pointer is."""
        top = view.x.max().item()
        return (lambda x, y: {"f": x * view.f / top}) if abs(x - top) < NEAR else None


class HalfStep(Panel):
    """Half a step, as a bar: before the stretching, and now."""

    def __init__(self, axes: Axes) -> None:
        super().__init__(axes, xlim=(0, 4), ylim=(1.6, -0.6), xlabel="half a step, in units of x")
        style.number_line(axes)
        look: dict[str, Any] = {"transform": axes.get_yaxis_transform(), "size": 9, "ha": "right"}
        self._bars, self._values = [], []
        for row, (name, ink) in enumerate((("f = 1", style.QUIET), ("now", style.QUANTIZED))):
            self.label(name, (-0.03, row), color=ink, **look)
            self._bars.append(self.keep(axes.add_patch(Rectangle((0, row - 0.25), 1, 0.5, color=ink, lw=0))))
            self._values.append(self.label(at=(0, row), size=10, ha="left", color=ink))

    def update(self, view: StretchView) -> None:
        """Set both bars; one that is too long ends at the end of the axis."""
        for bar, value, half in zip(self._bars, self._values, (view.before / 2, view.scale / 2), strict=True):
            bar.set_width(min(half, 4))
            value.at, value.text = (min(half, 4) + 0.08, value.at[1]), number(half)
        self.title.text = f"no level is nearer than {number(view.scale)} to the next"


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
    return f"{largest}{ruler}Half a step is {number(view.scale / 2)}; the largest error of these values is {number(off)}."
