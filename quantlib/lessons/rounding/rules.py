"""Rules of rounding: where each sends a value, its error over all values, and what becomes of ties."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch
from torch import Tensor

from quantlib.lab import style
from quantlib.lab.exercise import Function
from quantlib.lab.explore import Explorer, Scene, Slider, View, explorer
from quantlib.lab.learner import StandIn
from quantlib.lab.panel import Drag, Panel, set_strokes
from quantlib.lab.picture import Picture, picture
from quantlib.lab.words import fixed, joined, number
from quantlib.rounding import round_floor, round_half_away, round_half_even, round_truncate

from . import exercises

RULES: dict[str, Callable[[Tensor], list[Tensor]]] = {  # the results that are possible: two by chance, otherwise one
    "half to even": lambda v: [round_half_even(v)],
    "half away": lambda v: [round_half_away(v)],
    "floor": lambda v: [round_floor(v)],
    "truncate": lambda v: [round_truncate(v)],
    "stochastic": lambda v: [v.floor(), v.ceil()],
}
NEAREST = round_half_even, round_half_away
LEARNERS = "half away"  # the rule for which a learner's stands in
REACH = 3  # the values go from -3 to 3
WHOLE = range(-REACH, REACH + 1)
VALUE = Slider("v", "value v", 0.3, -REACH, REACH, 0.05)
FINE = 40  # values between two integers, on none and on no tie
INPUTS = (torch.arange(2 * REACH * FINE) + 0.5) / FINE - REACH


@dataclass(frozen=True)
class Row:
    """What one rule does to some values, and to all those between -3 and 3.

    results: what each value becomes, shape (results that are possible, values).
    errors: result - value for INPUTS, of the same form.
    mean, square: the mean error and the mean squared error of INPUTS, in codes.
    """

    results: numpy.ndarray
    errors: numpy.ndarray
    mean: float
    square: float


@dataclass(frozen=True)
class Rules(View):
    """What every rule does to some values.

    is_own: whether a learner's function makes the row that is half away otherwise.
    """

    values: numpy.ndarray
    rows: Mapping[str, Row]
    is_own: bool = False

    def name(self, rule: str) -> str:
        """Return what the row of a rule is called."""
        return "yours" if self.is_own and rule == LEARNERS else rule


def apply_rules(values: Tensor, learners: StandIn, *, is_own: bool = False) -> Rules:
    """Return what every rule makes of a handful of values between -3 and 3, in code units.

    is_own: whether `learners` holds a learner's function; where quantlib's stands in for it, it makes no row.
    """
    both = torch.cat([values, INPUTS])
    own, notice = learners(both)
    results = {name: rule(both) for name, rule in RULES.items()} | {LEARNERS: [own]}
    rows = {name: _row(both, torch.stack(rounded), len(values)) for name, rounded in results.items()}
    return Rules(values.double().numpy(), rows, is_own and not notice, notices=(notice,))


def _row(both: Tensor, results: Tensor, count: int) -> Row:
    """Return the row of a rule with these results. Of two, each happens as often as keeps the mean."""
    errors = (results.double() - both.double())[:, count:].clamp(-1e30, 1e30)
    shares = torch.ones(1, 1) if len(results) == 1 else errors.abs().flip(0)
    mean, square = ((shares * errors**k).sum(0).mean().item() for k in (1, 2))
    return Row(results[:, :count].double().numpy(), errors.numpy(), mean, square)


@explorer
def explore_rules(
    half_away: Function = exercises.round_half_away.reference, *, value: Slider | None = None
) -> Explorer:
    """Show a slider for one value in code units, what every rule makes of it, and the error of each rule.

    Args:
        half_away: f(v) that returns integers, as floats: the second row, quantlib's or, called "yours", a learner's.
        value: the slider, from -3 to 3.
    """
    rule = exercises.round_half_away.stand_in(half_away)
    is_own = half_away is not exercises.round_half_away.reference

    def compute(v: float) -> Rules:  # in float32 a slider's 0.5000000000000001 is 0.5
        return apply_rules(torch.tensor([v]), rule, is_own=is_own)

    return Explorer([value or VALUE], compute, Scene((9.2, 5.2), _lay_out), describe)


def describe(view: Rules) -> str:
    """Return the sentences that say what each rule makes of the one value of a view."""
    fraction = view.values[0] - numpy.floor(view.values[0])
    away = f" (half away: {_nearest(view, round_half_away)})" if view.is_own else ""
    said = ", ".join(
        f"{view.name(rule)} {_outcome(row, fraction)}{away if rule == LEARNERS else ''}"
        for rule, row in view.rows.items()
    )
    means = ", ".join(f"{view.name(rule)} {_signed(view.rows[rule].mean)}" for rule in (LEARNERS, "floor"))
    return f"v = {fixed(view.values[0], 2)}: {said}. Mean error over all v from −3 to 3: {means}."


def _outcome(row: Row, fraction: float) -> str:
    """Return what a value becomes by one rule: "gives 2", or "gives 2, in 30 % of the draws 3"."""
    low, *high = (number(r + 0.0) for r in row.results[:, 0].tolist())
    return f"gives {low}" + (f", in {100 * fraction:.0f} % of the draws {high[0]}" if high and high[0] != low else "")


def _nearest(view: Rules, rule: Callable[[Tensor], Tensor]) -> str:
    return number(rule(torch.tensor(view.values[0], dtype=torch.float32)).item() + 0.0)


def _signed(value: float) -> str:
    return "+" * (value >= 0.0005) + number(round(value, 3) + 0.0)


def _lay_out(figure: Figure) -> list[Panel]:
    """Lay out a row for each rule."""
    panels: list[Panel] = []
    for name, bottom, height in _places(0.115, 0.905):
        left = Landing(figure.add_axes((0.145, bottom, 0.36, height)), name)
        right = Saw(figure.add_axes((0.56, bottom, 0.275, height)), name)
        panels += [left, right]
    panels[1].axes.set_title("error r − v over v")
    _name_integers(panels[-2].axes, "integers")
    _name_integers(panels[-1].axes, "value v, in codes")
    return [Headline(panels[0].axes), *panels]


def _places(bottom: float, top: float) -> list[tuple[str, float, float]]:
    """Share a part of a figure's height out among the rules: return for each its bottom and its height."""
    gap = 0.035
    step = (top + gap - bottom) / len(RULES)
    height = step - gap
    return [(name, top - height - k * step, height) for k, name in enumerate(RULES)]


def _name_integers(axes: Axes, what: str) -> None:
    axes.set_xticks(WHOLE, [number(whole) for whole in WHOLE])
    axes.set_xlabel(what)


class Headline(Panel):
    """The title above the left column."""

    def __init__(self, axes: Axes) -> None:
        super().__init__(axes)
        self.title.at = 0.02 * axes.figure.bbox.width, self.title.at[1]

    def update(self, view: Rules) -> None:
        """Say what the value becomes, by any rule."""
        answers = sorted({r for row in view.rows.values() for r in row.results[:, 0].tolist()})
        became = " or ".join(number(answer + 0.0) for answer in answers)
        self.title.text = f"v = {fixed(view.values[0], 2)} becomes {became}"


class Landing(Panel):
    """A number line for one rule: every value above, the integer that it becomes below."""

    def __init__(self, axes: Axes, name: str) -> None:
        super().__init__(axes, xlim=(-REACH - 0.6, REACH + 0.6), ylim=(-0.35, 1.2), xticks=[])
        self._name = name
        style.number_line(axes)
        axes.spines["bottom"].set_visible(False)
        axes.tick_params(length=0)
        axes.axhline(0, color=style.QUIET, lw=1, zorder=1)
        axes.plot(WHOLE, [0] * len(WHOLE), "|", color=style.QUIET, ms=9, zorder=1)
        look: dict[str, Any] = {"transform": axes.get_yaxis_transform(), "ha": "right"}
        self._label = self.label(name, (-0.02, 0.3), size=10, bold=True, **look)
        self._way = self.strokes(style.ROUNDING_TEXT, lw=1.6, ls=(0, (3, 1.5)), zorder=2)
        dots = {"ls": "none", "zorder": 3, "clip_on": False}
        self._values = self.line(style.ORIGINAL, marker="o", ms=5, **dots)
        self._codes = self.line(style.QUANTIZED, marker="s", ms=7, **dots)
        self._due = self.line(style.BETTER, marker="D", ms=11, mfc="none", mew=1.6, **dots | {"zorder": 4})
        self._due_name = self.label(size=9, color=style.BETTER_TEXT, ha="left", bold=True)

    def grab(self, view: Rules, x: float, y: float) -> Drag:
        """Take the value to the pointer."""
        return lambda x, y: {"v": x}

    def update(self, view: Rules) -> None:
        """Move the values to a view. A learner's result far away stays at the edge of the picture."""
        results = view.rows[self._name].results.clip(-REACH - 0.55, REACH + 0.55)
        at = numpy.broadcast_to(view.values, results.shape).ravel()
        ends = numpy.stack([at, results.ravel()], axis=1)
        heights = numpy.broadcast_to([0.9, 0.12], ends.shape)
        set_strokes(self._way, numpy.stack([ends, heights], axis=2))
        self._values.set_data(view.values, numpy.full(len(view.values), 0.9))
        self._codes.set_data(results.ravel(), numpy.zeros(results.size))
        self._label.text = view.name(self._name)
        if self._name == LEARNERS:
            self._compare(view)

    def _compare(self, view: Rules) -> None:
        """Show beside a learner's result where half to even and half away go."""
        for mark in (self._due, self._due_name):
            mark.set_visible(view.is_own)
        even, away = (int(rule(torch.tensor(view.values[0], dtype=torch.float32))) for rule in NEAREST)
        self._due.set_data([even, away], [0, 0])
        self._due_name.text = f"◇ even {number(even)}, away {number(away)}"
        self._due_name.at = (-REACH - 0.5, 0.62) if view.values[0] > 0 else (0.4, 0.62)


class Saw(Panel):
    """The error of one rule over all values, its two means, and where the value of the slider is."""

    def __init__(self, axes: Axes, name: str) -> None:
        super().__init__(axes, xlim=(-REACH, REACH), ylim=(-1.15, 1.15), xticks=WHOLE, xticklabels=[])
        self._name = name
        axes.set_yticks([-1, 0, 1], ["−1", "0", "1"])
        axes.axhline(0, color=style.LEVELS, lw=0.8, zorder=0)
        self._teeth = self.line(style.ROUNDING_TEXT, lw=1.6, ls=(0, (4, 1)))
        self._here = self.line(style.ORIGINAL, marker="o", ms=5, ls="none", zorder=3, clip_on=False)
        look: dict[str, Any] = {"transform": axes.transAxes, "size": 9, "color": style.ROUNDING_TEXT, "ha": "left"}
        self._mean, self._square = (self.label(at=(1.03, height), **look) for height in (0.72, 0.28))

    def grab(self, view: Rules, x: float, y: float) -> Drag:
        """Take the value to the pointer."""
        return lambda x, y: {"v": x}

    def update(self, view: Rules) -> None:
        """Draw the teeth of a view: a line that rises to the next tooth would be no error of any value."""
        row = view.rows[self._name]
        errors = row.errors.clip(-5, 5)
        torn = numpy.where(abs(numpy.diff(errors, append=numpy.nan)) > 0.5, numpy.nan, errors)
        at = numpy.tile(numpy.append(INPUTS.numpy(), numpy.nan), len(errors))
        self._teeth.set_data(at, numpy.append(torn, numpy.full((len(errors), 1), numpy.nan), axis=1).ravel())
        values = numpy.broadcast_to(view.values, row.results.shape)
        self._here.set_data(values.ravel(), (row.results - values).clip(-1.15, 1.15).ravel())
        self._mean.text, self._square.text = f"mean {_signed(row.mean)}", f"mean square {number(round(row.square, 3))}"


def draw_rules(values: Sequence[float]) -> Picture:
    """Draw which integer every rule gives to a few values from -3 to 3."""
    view = apply_rules(torch.tensor(values), exercises.round_half_away.stand_in(round_half_away))
    with style.house_style():
        figure = style.new_figure(9.2, 4.2)
        figure.text(0.145, 0.955, "the same values, rule by rule", weight="bold", size=11)
        for name, bottom, height in _places(0.14, 0.88):
            Landing(figure.add_axes((0.145, bottom, 0.84, height)), name).update(view)
        _name_integers(figure.axes[-1], "integers")
        for value in values:
            figure.axes[0].text(value, 1.12, number(value), ha="center", va="bottom", size=9)
        said = [f"{name} gives {joined([_or(column) for column in row.results.T])}" for name, row in view.rows.items()]
        given = joined([number(value) for value in values])
        return picture(figure, f"Each rule sends the values {given} to integers: {'; '.join(said)}.")


def _or(column: numpy.ndarray) -> str:
    return " or ".join(dict.fromkeys(number(r + 0.0) for r in column.tolist()))


def draw_orders(value: float, s: float, z: int) -> Picture:
    """Draw two orders of the same three steps, divide, add z, round: side by side, for one value."""
    v = torch.tensor(value) / s
    late, early = round_half_even(v + z).item(), round_half_even(v).item() + z
    paths = [
        ("add, then round", [f"÷ {number(s)}", f"+ ({number(z)})", "round"], [v.item(), (v + z).item(), late]),
        ("round, then add", [f"÷ {number(s)}", "round", f"+ ({number(z)})"], [v.item(), early - z, early]),
    ]
    with style.house_style():
        figure = style.new_figure(9.2, 2.2)
        axes = figure.add_axes((0.01, 0.02, 0.98, 0.96))
        style.bare(axes)
        axes.set(xlim=(0, 5), ylim=(2, 0))
        for row, (name, steps, values) in enumerate(paths):
            axes.text(0.02, row + 0.5, name, va="center", weight="bold")
            for k, (step, shown) in enumerate(zip(["", *steps], [value, *values], strict=True)):
                _draw_step(axes, k + 1.45, row + 0.5, step, number(shown), last=k == len(steps))
        both = f"{number(late)} if z is added before rounding, {number(early)} if after"
        ruler = f"s = {number(s)}, z = {number(z)}"
        return picture(figure, f"The order decides a tie: with {ruler}, {number(value)} gets {both}.")


def _draw_step(axes: Axes, x: float, y: float, step: str, shown: str, *, last: bool) -> None:
    """Draw one number in a box, and before it the arrow that leads there."""
    ink = style.QUANTIZED if last else style.ORIGINAL
    box = FancyBboxPatch((x - 0.26, y - 0.22), 0.52, 0.44, boxstyle="round,pad=0,rounding_size=0.06", fc="white")
    box.set(ec=style.QUANTIZED if last else style.QUIET, lw=2 if last else 1)
    axes.add_patch(box)
    axes.text(x, y, shown, ha="center", va="center", size=12, color=ink, weight="bold" if last else "normal")
    if step:
        axes.annotate("", (x - 0.28, y), (x - 0.72, y), arrowprops={"arrowstyle": "->", "color": style.QUIET})
        axes.text(x - 0.5, y - 0.2, step, ha="center", va="center", size=9, color=style.QUIET)
