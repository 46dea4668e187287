"""Five rules of rounding: where each sends a value, its error over all values, and what becomes of ties."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy
import torch
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch
from torch import Tensor

from quantlib.lab import style
from quantlib.lab.explore import Explorer, Scene, Slider
from quantlib.lab.learner import StandIn, name_of, reals_problem
from quantlib.lab.panel import Panel, set_strokes, strokes, title
from quantlib.lab.picture import Picture, picture
from quantlib.lab.text import Label
from quantlib.lab.words import number
from quantlib.rounding import round_floor, round_half_even, round_truncate
from quantlib.rounding import round_half_away as quantlib_half_away

RULES = "half to even", "half away", "floor", "truncate", "stochastic"
REACH = 3  # the values go from -3 to 3
WHOLE = range(-REACH, REACH + 1)
VALUE = Slider("v", "value v", 0.5, -REACH, REACH, 0.05)
FINE = 40  # values between two integers, on none and on no tie
INPUTS = (torch.arange(2 * REACH * FINE) + 0.5) / FINE - REACH
Rule = Callable[[Tensor], tuple[Tensor, str]]


@dataclass(frozen=True)
class Row:
    """What one rule does to some values, and to all those between -3 and 3.

    name: of the rule.
    results: what each value becomes, shape (rules that can happen, values): two for stochastic, otherwise one.
    errors: result - value for INPUTS, of the same form.
    mean, square: the mean error and the mean squared error of INPUTS, in codes.
    """

    name: str
    results: numpy.ndarray
    errors: numpy.ndarray
    mean: float
    square: float


@dataclass(frozen=True)
class Rules:
    """What all five rules do to some values."""

    values: numpy.ndarray
    rows: Sequence[Row]
    notice: str = ""


def compare(values: Tensor, half_away: Rule | None = None) -> Rules:
    """Return what five rules make of values in code units.

    Args:
        values: up to a handful, between -3 and 3.
        half_away: the rule of the second row, and what a reader should know of it; by default quantlib's.
    """
    both = torch.cat([values, INPUTS])
    away, notice = half_away(both) if half_away else (quantlib_half_away(both), "")
    rules = [
        (RULES[0], [round_half_even(both)]),
        (RULES[1], [away]),
        (RULES[2], [round_floor(both)]),
        (RULES[3], [round_truncate(both)]),
        (RULES[4], [both.floor(), both.ceil()]),
    ]
    return Rules(values.double().numpy(), [_row(name, both, rounded, len(values)) for name, rounded in rules], notice)


def _row(name: str, both: Tensor, rounded: Sequence[Tensor], count: int) -> Row:
    """Return the row of a rule that gives `rounded`. Of two results, each happens as often as keeps the mean."""
    results = torch.stack(list(rounded)).double()
    errors = (results - both.double())[:, count:].clamp(-1e30, 1e30)
    shares = torch.ones(1, 1) if len(rounded) == 1 else errors.abs().flip(0)
    mean, square = ((shares * errors**k).sum(0).mean().item() for k in (1, 2))
    return Row(name, results[:, :count].numpy(), errors.numpy(), mean, square)


# Panels: one rule a row, where values go on the left, the error on the right


class Landing:
    """A number line for one rule: every value above, the integer that it becomes below."""

    def __init__(self, axes: Axes, which: int, *, last: bool) -> None:
        self._which = which
        axes.set_xlim(-REACH - 0.6, REACH + 0.6)
        axes.set_ylim(-0.35, 1.2)
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        axes.spines["bottom"].set_visible(False)
        axes.set_xticks(WHOLE, [number(whole) for whole in WHOLE] if last else [])
        axes.tick_params(length=0)
        axes.set_xlabel("integers" if last else "")
        axes.axhline(0, color=style.QUIET, lw=1, zorder=1)
        axes.plot(WHOLE, [0] * len(WHOLE), "|", color=style.QUIET, ms=9, zorder=1)
        self._way = strokes(axes, color=style.ROUNDING_TEXT, lw=1.6, ls=(0, (3, 1.5)), zorder=2)
        self._values = axes.plot([], [], "o", color=style.ORIGINAL, ms=5, zorder=3, clip_on=False)[0]
        self._codes = axes.plot([], [], "s", color=style.QUANTIZED, ms=7, zorder=3, clip_on=False)[0]
        beside: Any = {"transform": axes.get_yaxis_transform(), "ha": "right", "va": "center"}
        axes.text(-0.02, 0.3, RULES[which], size=10, weight="bold", **beside)
        self.moving: Sequence[Artist] = [self._way, self._values, self._codes]

    def update(self, view: Rules) -> None:
        """Move the values to a view. A learner's result far away stays at the edge of the picture."""
        results = view.rows[self._which].results.clip(-REACH - 0.55, REACH + 0.55)
        at = numpy.broadcast_to(view.values, results.shape).ravel()
        ends = numpy.stack([at, results.ravel()], axis=1)
        heights = numpy.broadcast_to([0.9, 0.12], ends.shape)
        set_strokes(self._way, numpy.stack([ends, heights], axis=2))
        self._values.set_data(view.values, numpy.full(len(view.values), 0.9))
        self._codes.set_data(results.ravel(), numpy.zeros(results.size))


class Saw:
    """The error of one rule over all values, its two means, and where the value of the slider is."""

    def __init__(self, axes: Axes, which: int, *, last: bool) -> None:
        self._which = which
        axes.set_xlim(-REACH, REACH)
        axes.set_ylim(-1.15, 1.15)
        axes.set_yticks([-1, 0, 1], ["−1", "0", "1"])
        axes.set_xticks(WHOLE, [number(whole) for whole in WHOLE] if last else [])
        axes.set_xlabel("value v, in codes" if last else "")
        axes.axhline(0, color=style.LEVELS, lw=0.8, zorder=0)
        self._teeth = axes.plot([], [], color=style.ROUNDING_TEXT, lw=1.6, ls=(0, (4, 1)))[0]
        self._here = axes.plot([], [], "o", color=style.ORIGINAL, ms=5, zorder=3, clip_on=False)[0]
        self._means = [
            Label((1.03, height), axes.transAxes, size=9, color=style.ROUNDING_TEXT, ha="left")
            for height in (0.72, 0.28)
        ]
        for label in self._means:
            axes.add_artist(label)
        self.moving: Sequence[Artist] = [self._teeth, self._here, *self._means]

    def update(self, view: Rules) -> None:
        """Draw the teeth of a view: a line that rises to the next tooth would be no error of any value."""
        row = view.rows[self._which]
        errors = row.errors.clip(-5, 5)
        torn = numpy.where(abs(numpy.diff(errors, append=numpy.nan)) > 0.5, numpy.nan, errors)
        at = numpy.tile(numpy.append(INPUTS.numpy(), numpy.nan), len(errors))
        self._teeth.set_data(at, numpy.append(torn, numpy.full((len(errors), 1), numpy.nan), axis=1).ravel())
        self._here.set_data(
            numpy.broadcast_to(view.values, row.results.shape).ravel(),
            (row.results - view.values).ravel().clip(-1.15, 1.15),
        )
        self._means[0].text, self._means[1].text = f"mean {_signed(row.mean)}", f"mean square {_near(row.square)}"


def _signed(value: float) -> str:
    text = number(round(value, 3) + 0.0)
    return f"+{text}" if value >= 0.0005 else text


def _near(value: float) -> str:
    return number(round(value, 3))


class Headline:
    """The titles above the two columns."""

    def __init__(self, left: Axes, right: Axes) -> None:
        self._title = title(left)
        self._title.at = 0.02 * left.figure.bbox.width, self._title.at[1]
        right.set_title("error r − v over v")
        self.moving: Sequence[Artist] = [self._title]

    def update(self, view: Rules) -> None:
        """Say in how many ways the rules answer."""
        self._title.text = _headline(view)


def _headline(view: Rules) -> str:
    answers = {r for row in view.rows for r in row.results[:, 0].tolist()}
    return f"v = {_value(view)} becomes " + " or ".join(number(answer + 0.0) for answer in sorted(answers))


def _value(view: Rules) -> str:
    return f"{view.values[0] + 0.0:.2f}".replace("-", "\N{MINUS SIGN}")


def describe(view: Rules) -> str:
    """Return the sentences that say what each rule makes of the one value of a view."""
    fraction = view.values[0] - numpy.floor(view.values[0])
    said = [f"{row.name} {_outcome(row, fraction)}" for row in view.rows]
    means = ", ".join(f"{row.name} {_signed(row.mean)}" for row in view.rows[1:3])
    text = f"v = {_value(view)}: {', '.join(said)}. Mean error over all v from −3 to 3: {means}."
    return text + (f" {view.notice}" if view.notice else "")


def _outcome(row: Row, fraction: float) -> str:
    """Return what a value becomes by one rule: "gives 2", or "gives 2, in 30 % of the draws 3"."""
    low, *high = (number(r + 0.0) for r in row.results[:, 0].tolist())
    return f"gives {low}" + (f", in {100 * fraction:.0f} % of the draws {high[0]}" if high and high[0] != low else "")


def explore_rules(half_away: Callable[..., Any] = quantlib_half_away, *, value: Slider | None = None) -> Explorer:
    """Show a slider for one value in code units, what five rules make of it, and the error of each rule.

    Args:
        half_away: f(v) that returns integers, as floats: the second row, quantlib's or a learner's.
        value: the slider, from -3 to 3.
    """
    rule = StandIn(half_away, quantlib_half_away, reals_problem)

    def compute(v: float) -> Rules:
        return compare(torch.tensor([v]), rule)  # in float32 a slider's 0.5000000000000001 is 0.5

    own = "" if half_away is quantlib_half_away else name_of(half_away)
    return Explorer([value or VALUE], compute, Scene((9.2, 5.4), lambda figure: _rows(figure, own)), describe)


def _rows(figure: Figure, own: str = "") -> list[Panel]:
    """Lay five rows out on a figure of 9.2 x 5.4 inches; own is the name of the function that drives the second."""
    panels: list[Panel] = []
    for k in range(len(RULES)):
        bottom = 0.775 - 0.165 * k
        left = figure.add_axes((0.145, bottom, 0.36, 0.13))
        right = figure.add_axes((0.56, bottom, 0.275, 0.13))
        last = k == len(RULES) - 1
        if k == 0:
            panels.append(Headline(left, right))
        if k == 1 and own:
            beside: Any = {"transform": left.get_yaxis_transform(), "ha": "right", "va": "center"}
            left.text(-0.02, -0.15, own, size=8, color=style.QUIET, **beside)
        panels += [Landing(left, k, last=last), Saw(right, k, last=last)]
    return panels


# Pictures


def draw_rules(values: Sequence[float]) -> Picture:
    """Draw which integer each of five rules gives to a few values from -3 to 3."""
    view = compare(torch.tensor(values))
    with style.house_style():
        figure = style.new_figure(9.2, 4.2)
        figure.text(0.145, 0.955, "the same values, five rules", weight="bold", size=11)
        for k in range(len(RULES)):
            axes = figure.add_axes((0.145, 0.76 - 0.155 * k, 0.84, 0.12))
            Landing(axes, k, last=k == len(RULES) - 1).update(view)
            for value in values if k == 0 else ():
                axes.text(value, 1.12, number(value), ha="center", va="bottom", size=9)
        said = [f"{row.name} gives {_and([_or(column) for column in row.results.T])}" for row in view.rows]
        given = _and([number(value) for value in values])
        return picture(figure, f"Five rules send the values {given} to different integers: {'; '.join(said)}.")


def _or(column: numpy.ndarray) -> str:
    return " or ".join(dict.fromkeys(number(r + 0.0) for r in column.tolist()))


def _and(words: Sequence[str]) -> str:
    return ", ".join(words[:-1]) + " and " + words[-1]


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
        axes.set_xlim(0, 5)
        axes.set_ylim(2, 0)
        for row, (name, steps, values) in enumerate(paths):
            axes.text(0.02, row + 0.5, name, va="center", weight="bold")
            for k, (step, shown) in enumerate(zip(["", *steps], [value, *values], strict=True)):
                _draw_step(axes, k + 1.45, row + 0.5, step, number(shown), last=k == len(steps))
        both = f"{number(late)} if z is added before rounding, {number(early)} if after"
        return picture(
            figure, f"The order decides a tie: with s = {number(s)}, z = {number(z)}, {number(value)} gets {both}."
        )


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
