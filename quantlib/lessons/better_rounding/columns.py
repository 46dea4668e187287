"""Column by column: what is rounded, what was passed on to the columns to come, and what the output notices."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from quantlib.lab import style
from quantlib.lab.exercise import Function
from quantlib.lab.explore import Explorer, Scene, Slider, View, explorer
from quantlib.lab.learner import StandIn
from quantlib.lab.panel import Drag, Panel

from . import exercises
from .layer import remaining_inverse, steps, to_nearest

ROWS = 32  # outputs that are shown: the first of the encoder's heads
EVERY = 8  # columns between two pictures
COLUMN = Slider("j", "columns done j", 128, 0, 384, EVERY)
LIMIT, TALL = 1.5, 0.03  # ends of the colours, in steps, and of the axis of errors


@dataclass(frozen=True)
class Walk(View):
    """A matrix in the middle of being rounded.

    j: how many columns are done.
    off: the original weights minus those of now, in steps, (rows, columns).
    passed, nearest: the output's error after 0, 8, 16, … columns, with errors passed on and without.
    """

    j: int
    off: numpy.ndarray
    passed: numpy.ndarray
    nearest: numpy.ndarray

    @property
    def moved(self) -> float:
        """The mean size by which the columns to come have moved, in steps."""
        return float(numpy.abs(self.off[:, self.j :]).mean()) if self.j < self.off.shape[1] else 0.0


@explorer
def explore_columns(
    layer: Tensor,
    h: Tensor,
    unseen: Tensor,
    make_up: Function = exercises.make_up.reference,
    output_error: Function = exercises.output_error.reference,
) -> Explorer:
    """Show a slider for how many columns are rounded, and what became of all weights and of the output until then.

    Args:
        layer: weights, (rows, columns), of which the first rows are shown.
        h: the hessian of the inputs to learn from, damped.
        unseen: inputs to judge by, (windows, tokens, columns).
        make_up: f(w, j, q, h_inv) that returns the weights after column j, quantlib's or a learner's.
        output_error: f(w, w_hat, x) that judges them, quantlib's or a learner's.
    """
    step = exercises.make_up.stand_in(make_up)
    judge = exercises.output_error.stand_in(output_error, "quantlib's stands in.")
    exact, w, x = layer[:ROWS].float(), layer[:ROWS].double(), unseen.flatten(0, 1).float()
    s, h_inv, rounded = steps(w), remaining_inverse(h), to_nearest(w)
    nearest = [torch.cat([rounded[:, :j], w[:, j:]], dim=1) for j in range(0, w.shape[1] + 1, EVERY)]

    def errors(states: Iterable[Tensor]) -> tuple[numpy.ndarray, tuple[str, ...]]:
        """Return the error of the output with each state of the weights, and what a reader must know of the judge."""
        found = [judge(exact, state.float(), x) for state in states]
        return numpy.array([float(error) for error, _ in found]), tuple(dict.fromkeys(notice for _, notice in found))

    @lru_cache(maxsize=2)
    def walked(_make_up: Function, _output_error: Function) -> tuple[list[Tensor], Any, Any, tuple[str, ...]]:
        states, notices = [w], dict[str, None]()
        for start in range(0, w.shape[1], EVERY):
            state, said = onwards(step, states[-1], start, s, h_inv)
            states.append(state)
            notices |= dict.fromkeys(said)
        (passed, of_judge), (of_nearest, _) = errors(states), errors(nearest)
        return states, passed, of_nearest, (*notices, *of_judge)

    def compute(j: float) -> Walk:
        states, passed, of_nearest, notices = walked(step.function, judge.function)
        place = int(j) // EVERY
        now, said = onwards(step, states[max(place - 1, 0)], EVERY * max(place - 1, 0), s, h_inv)  # as it is now
        state = now if place else w
        (error,), of_judge = errors([state])
        passed = numpy.where(numpy.arange(len(passed)) == place, error, passed)
        said = tuple(dict.fromkeys((*notices, *said, *of_judge)))
        return Walk(int(j), ((w - state) / s).numpy(), passed, of_nearest, notices=said)

    return Explorer([COLUMN], compute, Scene((9.2, 4.9), _lay_out), describe)


def onwards(step: StandIn, w: Tensor, start: int, s: Tensor, h_inv: Tensor) -> tuple[Tensor, tuple[str, ...]]:
    """Round eight columns, one after the other; return the weights, and what a reader must know of the function."""
    notices = dict[str, None]()
    for j in range(start, start + EVERY):
        q = (w[:, j] / s[:, 0]).round().clamp(-7, 7) * s[:, 0]
        w, notice = step(w, j, q, h_inv)
        w, notices[notice] = w.double(), None
    return w, tuple(notices)


def describe(view: Walk) -> str:
    """Return the sentences that say what the output notices, and how far the columns to come have moved."""
    passed, nearest = (100 * float(errors[view.j // EVERY]) for errors in (view.passed, view.nearest))
    head = f"j = {view.j} of {view.off.shape[1]} columns: the squared error of the output is {passed:.2f} %"
    to_come = f"Columns to come have moved by {view.moved:.2f} steps on average."
    return f"{head}, with nearest {nearest:.2f} %. {to_come if view.j < view.off.shape[1] else 'None is to come.'}"


def _lay_out(figure: Figure) -> list[Panel]:
    return [Moves(figure.add_axes((0.085, 0.565, 0.80, 0.36))), Errors(figure.add_axes((0.085, 0.11, 0.80, 0.325)))]


class _Columns(Panel):
    """Axes over the columns, on which the column can be dragged."""

    def __init__(self, axes: Axes, **axis: Any) -> None:
        super().__init__(axes, xlim=(0, 384), **axis)
        axes.set_xticks(range(0, 385, 64))
        self._here = self.line(style.ORIGINAL, lw=1.6, zorder=4)

    def grab(self, view: Walk, x: float, y: float) -> Drag:
        """Round up to the pointer."""
        return lambda x, y: {"j": x}


class Moves(_Columns):
    """How far each weight is from where it began: left of the line it is rounded, right of it only moved."""

    def __init__(self, axes: Axes) -> None:
        super().__init__(axes, ylim=(ROWS, 0), ylabel="output")
        axes.set_yticks([0, ROWS // 2, ROWS])
        axes.tick_params(axis="x", labelbottom=False)
        blank = numpy.zeros((ROWS, 384))
        look: Any = {"cmap": style.SIGNED, "vmin": -LIMIT, "vmax": LIMIT, "aspect": "auto", "interpolation": "nearest"}
        self._image = self.keep(axes.imshow(blank, extent=(0, 384, ROWS, 0), **look))
        bar = axes.figure.add_axes((0.9, 0.565, 0.014, 0.36))
        axes.figure.colorbar(self._image, cax=bar).set_ticks([-1.5, 0, 1.5], labels=["−1.5", "0", "1.5"])
        bar.set_ylabel("weight before − now,\nin steps s", size=9)

    def update(self, view: Walk) -> None:
        """Draw how far the weights of a view are from where they began."""
        self._image.set_data(view.off)
        self._here.set_data([view.j, view.j], [0, ROWS])
        rounded = f"left of the line {view.j} columns are rounded, right of it weights have only moved"
        self.title.text = rounded if view.j < 384 else "all 384 columns are rounded"


class Errors(_Columns):
    """The error of the output after each column, with errors passed on and without."""

    def __init__(self, axes: Axes) -> None:
        super().__init__(axes, ylim=(0, TALL), xlabel="columns done j")
        axes.set_ylabel("squared error\nof the output")
        axes.set_yticks([0, 0.01, 0.02, 0.03], ["0", "1 %", "2 %", "3 %"])
        self._nearest = self.line(style.ROUNDING_TEXT, lw=2, ls="dashed", zorder=2)
        self._passed = self.line(style.QUANTIZED, lw=2, zorder=3)
        self._dots = self.dot(style.QUANTIZED), self.dot(style.ROUNDING_TEXT, marker="s")
        axes.text(8, 0.0267, "dashed: nearest", size=9, color=style.ROUNDING_TEXT, va="center")
        axes.text(8, 0.0222, "line: errors passed on", size=9, color=style.QUANTIZED, va="center")

    def update(self, view: Walk) -> None:
        """Draw the errors of a view up to its column."""
        place = view.j // EVERY
        at = numpy.arange(0, view.j + 1, EVERY)
        ends = []
        for line, dot, errors in zip(
            (self._passed, self._nearest), self._dots, (view.passed, view.nearest), strict=True
        ):
            line.set_data(at, errors[: place + 1])
            dot.set_data([view.j], [min(max(errors[place], 0), TALL)])
            ends.append(100 * float(errors[place]))
        self._here.set_data([view.j, view.j], [0, TALL])
        beyond = "; beyond the axis" if max(ends) > 100 * TALL else ""
        self.title.text = f"error of the output: {ends[0]:.2f} % passed on, {ends[1]:.2f} % with nearest{beyond}"
