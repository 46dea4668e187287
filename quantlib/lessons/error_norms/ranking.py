"""Two rulers and many measures: the explorer of one question, which error is smaller?"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf, log2
from typing import Any

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from quantlib.affine import fake_quantize
from quantlib.lab import style
from quantlib.lab.exercise import Function
from quantlib.lab.explore import Explorer, Scene, Slider, View, explorer
from quantlib.lab.learner import StandIn, name_of
from quantlib.lab.panel import Drag, Panel
from quantlib.lab.picture import Picture, picture
from quantlib.lab.ruler import QUANT_MAX, QUANT_MIN, is_clipped
from quantlib.lab.text import Label
from quantlib.lab.words import clips, joined, number
from quantlib.metrics import l1_error, l2_error, max_error, mse

from . import exercises

RulerOf = tuple[float, int]  # scale and zero point
Measure = Callable[[Tensor, Tensor], float]
NAMES = "A", "B"
VALUE = Slider("v", "value v", 705.0, 700.0, 740.0, 0.2)  # 728.6 is one of them
REACH = 4.6  # the ranking shows factors up to 2^4.6, about 24
LEFT, COLUMNS = -1.05, (-0.2, 1.2)  # where the ranking writes beside its bars, in their width
MEASURES: dict[str, tuple[str, Measure]] = {  # by its name, what it is in a word or two, and the function
    "L1": ("sum of all sizes", l1_error),
    "L2": ("length, or norm", l2_error),
    "L∞": ("the largest size", max_error),
    "MSE": ("mean of squares", mse),
}
NORMS = "L1", "L2", "L∞"
ROUNDED: dict[str, Any] = {"fc": style.ROUNDING, "ec": "none", "hatch": None}
CLIPPED: dict[str, Any] = {"fc": "white", "ec": style.CLIPPED, "hatch": "///", "lw": 1.8, "ls": ":"}


@dataclass(frozen=True)
class Score:
    """What one measure says of two errors, A's first; None where it says nothing."""

    name: str
    values: tuple[float, float] | None

    @property
    def lead(self) -> float:
        """The logarithm to base 2 of how many times one error is the other; positive if B's is smaller."""
        of_a, of_b = self.values or (0.0, 0.0)
        if of_a == of_b:
            return 0.0
        if min(of_a, of_b) <= 0:
            return inf if of_a > of_b else -inf
        return log2(of_a / of_b)

    @property
    def winner(self) -> str:
        """ "A", "B", or "" if neither is better."""
        return "" if self.lead == 0 else NAMES[self.lead > 0]


@dataclass(frozen=True)
class RankingView(View):
    """Two rulers over the same values, and what every measure says.

    errors, clipped: of the values, of shape (2, n), A's first.
    scores: quantlib's; own: the learner's, or None.
    moved: what the reader set, such as "v = 705", or "".
    """

    rulers: tuple[RulerOf, RulerOf]
    errors: Tensor
    clipped: Tensor
    scores: Sequence[Score]
    own: Score | None = None
    moved: str = ""


class Yours:
    """The learner's measure, which may do anything: its row stays empty where it says nothing that can be used."""

    def __init__(self, function: Function) -> None:
        self.name = name_of(function, "yours")
        self._measure = StandIn(function, lambda *_: None, exercises.l2.usable, "Its row stays empty.")

    def __call__(self, x: Tensor, a: Tensor, b: Tensor) -> tuple[Score, str]:
        """Return what it says of two reconstructions, and what a reader should know of it, or ""."""
        (of_a, about_a), (of_b, about_b) = self._measure(x, a), self._measure(x, b)
        values = None if of_a is None or of_b is None else (float(of_a), float(of_b))
        return Score(self.name, values), about_a or about_b


@explorer
def explore_ranking(
    x: Tensor, a: RulerOf, b: RulerOf, measure: Function | None = None, *, value: Slider = VALUE
) -> Explorer:
    """Show a slider for the largest value of x, the errors of two rulers, and how each measure ranks them.

    Args:
        x: up to about a dozen values; the largest is moved.
        a, b: scale and zero point of ruler A and of ruler B.
        measure: f(x, x_hat) that returns one number, small for a small error: a learner's. None: no row for it.
        value: the slider; the default suits the seed's matrix, whose largest value is near 700.
    """
    yours, at = None if measure is None else Yours(measure), int(x.argmax())
    names = ["v" if k == at else number(value) for k, value in enumerate(x.flatten().tolist())]
    end_of_b = b[0] * (QUANT_MAX - b[1])

    def compute(v: float) -> RankingView:
        moved = x.flatten().clone()
        moved[at] = v
        return make_view(moved.reshape(x.shape), a, b, yours, f"v = {number(v)}")

    top = 1.15 * max(compute(end).errors.max().item() for end in (value.low, value.high))
    first = compute(value.value)

    def lay_out(figure: Figure) -> list[Panel]:
        upper, lower = (figure.add_axes((0.065, bottom, 0.40, 0.34)) for bottom in (0.58, 0.12))
        lower.set_xlabel("value x")
        bars_of_a = ErrorBars(upper, 0, first, names, top, at)
        bars_of_b = Clipping(lower, 1, first, names, top, at=at, end=end_of_b)
        ranking = Ranking(figure.add_axes((0.72, 0.12, 0.19, 0.71)), tuple(MEASURES), yours.name if yours else "")
        return [bars_of_a, bars_of_b, ranking]

    return Explorer([value], compute, Scene((9.2, 5.0), lay_out), describe)


def make_view(x: Tensor, a: RulerOf, b: RulerOf, yours: Yours | None = None, moved: str = "") -> RankingView:
    """Return what two rulers do to x, and what every measure says of it."""
    x_a, x_b = (fake_quantize(x, s, z) for s, z in (a, b))
    errors = torch.stack([(x - x_hat).abs().flatten() for x_hat in (x_a, x_b)])
    clipped = torch.stack([is_clipped(x, s, z, QUANT_MIN, QUANT_MAX).flatten() for s, z in (a, b)])
    own, about = yours(x, x_a, x_b) if yours else (None, "")
    return RankingView((a, b), errors, clipped, scores_of(x, x_a, x_b), own, moved, notices=(about,))


def scores_of(x: Tensor, a: Tensor, b: Tensor) -> list[Score]:
    """Return what quantlib's measures say of two reconstructions."""
    return [Score(name, (f(x, a), f(x, b))) for name, (_, f) in MEASURES.items()]


def describe(view: RankingView) -> str:
    """Return the sentences that say what two rulers do, and which of them each measure calls better."""
    head = f"{view.moved}: " if view.moved else ""
    head += "; ".join(f"on ruler {name} {_clips(clipped)}" for name, clipped in zip(NAMES, view.clipped, strict=True))
    verdict = _verdict_of_all(view.scores)
    own = f" B{verdict_of(view.own)[1:]}." if view.own and view.own.values else ""
    return f"{head}. {verdict[0].upper()}{verdict[1:]}.{own}"


def _clips(clipped: Tensor) -> str:
    return clips(int(clipped.sum()), len(clipped))


def verdict_of(said: Score) -> str:
    """Return which ruler a measure calls better, and its two numbers, in words: "by L1 B is better (A 3, B 2)"."""
    a, b = (number(value) for value in said.values or ())
    return f"by {said.name} " + (f"{said.winner} is better" if said.winner else "both are equal") + f" (A {a}, B {b})"


def _verdict_of_all(scores: Sequence[Score]) -> str:
    """Return which ruler is better by which of quantlib's measures, in words."""
    wins = {name: [said.name for said in scores if said.winner == name] for name in NAMES}
    first, second = sorted(NAMES, key=lambda name: -len(wins[name]))
    if not wins[first]:
        return "the two rulers are equal by every measure"
    if len(wins[first]) == len(scores):
        return f"{first} is better by every measure"
    other = f"; {second} by {joined(wins[second])}" if wins[second] else ""
    return f"{first} is better by {joined(wins[first])}{other}"


class ErrorBars(Panel):
    """The size of every error that one ruler makes, as bars: rounding plain, clipping hatched.

    which: 0 for ruler A, 1 for ruler B; names: of the values; top: the end of the axis.
    moves: the bars that follow the view; the others stay as they are at first.
    """

    def __init__(self, axes: Axes, which: int, view: RankingView, names: list[str], top: float, *moves: int) -> None:
        count = len(names)
        super().__init__(axes, xlim=(-0.6, count - 0.4), ylim=(0, top), ylabel="|error|, units of x")
        axes.set_xticks(range(count), names, size=8)
        axes.tick_params(axis="x", length=0)
        self._which, self._gap = which, top * 0.055
        self._bars = list(axes.bar(range(count), 0, 0.72))
        self._labels = [Label((k, 0), axes.transData, size=8) for k in range(count)]
        for label in self._labels:
            axes.add_artist(label)
        for k in moves:
            self.keep(self._bars[k])
            self.keep(self._labels[k])
        self.update(view)

    def update(self, view: RankingView) -> None:
        """Set the bars to the errors of a view."""
        errors, clipped = view.errors[self._which].tolist(), view.clipped[self._which]
        for k, (bar, label) in enumerate(zip(self._bars, self._labels, strict=True)):
            bar.set(height=errors[k], **(CLIPPED if clipped[k] else ROUNDED))
            label.at, label.text = (k, errors[k] + self._gap), f"{errors[k]:.1f}"
            label.color = style.CLIPPED_TEXT if clipped[k] else style.ROUNDING_TEXT
        self.title.text = f"ruler {NAMES[self._which]}, s = {number(view.rulers[self._which][0])}: {_clips(clipped)}"


class Clipping(ErrorBars):
    """The bars of the ruler on which the moved value clips, or nearly so: its bar can be dragged.

    at: the place of the bar; end: the last level of the ruler.
    """

    def __init__(self, *args: Any, at: int, end: float) -> None:
        super().__init__(*args, at)
        self._at, self._end = at, end

    def grab(self, view: RankingView, x: float, y: float) -> Drag | None:
        """Take the top of the bar to the pointer."""
        return (lambda x, y: {"v": self._end + y}) if abs(x - self._at) < 0.6 else None


class Ranking(Panel):
    """For every measure a bar that points to the better ruler: the longer, the clearer."""

    def __init__(self, axes: Axes, names: Sequence[str], own: str = "") -> None:
        """Prepare a row for each of these measures of quantlib's, and one for the learner's if it has a name."""
        rows = len(names) + bool(own)
        super().__init__(axes, xlim=(-REACH, REACH), ylim=(rows - 0.45, -0.55))
        style.number_line(axes)
        axes.set_xlabel("← A's error is smaller      B's error is smaller →")
        axes.set_xticks([-4, -2, 0, 2, 4], ["16×", "4×", "equal", "4×", "16×"])
        axes.axvline(0, color=style.ORIGINAL, lw=1.2)
        for tick in axes.get_xticks():
            axes.axvline(tick, color=style.LEVELS, lw=0.6, zorder=0)
        self._names = names
        self._name_rows(rows, own)
        self.title.at = axes.transAxes.transform((LEFT, 1))[0], self.title.at[1] + 0.2 * axes.figure.dpi
        self._bars = [self.keep(bar) for bar in axes.barh(range(rows), 0, 0.4, color=style.BETTER)]
        beside = axes.get_yaxis_transform()
        self._values = [[self.label(at=(at, row), transform=beside) for at in COLUMNS] for row in range(rows)]

    def _name_rows(self, rows: int, own: str) -> None:
        beside: Any = {"transform": self.axes.get_yaxis_transform(), "va": "center"}
        for row, name in enumerate(self._names):
            self.axes.text(LEFT, row - 0.15, name, weight="bold", **beside)
            self.axes.text(LEFT, row + 0.2, MEASURES[name][0], size=8, color=style.QUIET, **beside)
        for name, at in zip(NAMES, COLUMNS, strict=True):
            self.axes.text(at, -0.68, f"ruler {name}", weight="bold", ha="center", **beside)
        if own:
            self.axes.axhline(rows - 1.5, LEFT, COLUMNS[1] + 0.2, color=style.QUIET, lw=0.8, clip_on=False)
            self.label(own, (LEFT, rows - 1.15), transform=self.axes.get_yaxis_transform(), bold=True, ha="left")
            self.axes.text(LEFT, rows - 0.8, "written by you", size=8, color=style.QUIET, **beside)

    def update(self, view: RankingView) -> None:
        """Point every bar to the better ruler; its number is bold and ticked."""
        of_quantlib = [said for said in view.scores if said.name in self._names]
        scores = [*of_quantlib, view.own] if view.own else of_quantlib
        for said, bar, labels in zip(scores, self._bars, self._values, strict=True):
            bar.set_width(max(-REACH, min(REACH, said.lead)))
            for name, label, value in zip(NAMES, labels, said.values or (None, None), strict=True):
                wins, text = said.winner == name, "–" if value is None else number(value)
                label.text, label.bold = f"✓ {text}" if wins else text, wins
                label.color = style.BETTER_TEXT if wins else style.ORIGINAL
        self.title.text = _verdict_of_all(of_quantlib)


# Figures


def draw_two_errors(x: Tensor, a: RulerOf, b: RulerOf) -> Picture:
    """Draw the size of every error that two rulers make, and give no verdict.

    Args:
        x: up to about a dozen values.
        a, b: scale and zero point of ruler A and of ruler B.
    """
    view = make_view(x, a, b)
    names, top = [number(value) for value in x.flatten().tolist()], view.errors.max().item() * 1.2
    with style.house_style():
        figure = style.new_figure(9.2, 2.9)
        for which in (0, 1):
            axes = figure.add_axes((0.075 + 0.49 * which, 0.19, 0.425, 0.65))
            axes.set_xlabel("value x")
            ErrorBars(axes, which, view, names, top)
        return picture(figure, f"The errors of two rulers, value by value: {_sizes(view)}")


def _sizes(view: RankingView) -> str:
    """Return how many values clip and the largest error on each ruler, and then every error."""
    rows = list(zip(NAMES, view.errors.tolist(), map(_clips, view.clipped), strict=True))
    largest = "; ".join(
        f"on ruler {name} {clips}, and the largest is {max(errors):.1f}" for name, errors, clips in rows
    )
    return f"{largest}. " + " ".join(f"{name}: {', '.join(f'{e:.1f}' for e in errors)}." for name, errors, _ in rows)


def draw_ranking(x: Tensor, a: RulerOf, b: RulerOf) -> Picture:
    """Draw for each of the norms which of two rulers it calls better, and by how much."""
    view = make_view(x, a, b)
    norms = [said for said in view.scores if said.name in NORMS]
    with style.house_style():
        figure = style.new_figure(9.2, 2.7)
        Ranking(figure.add_axes((0.42, 0.20, 0.36, 0.52)), NORMS).update(view)
        return picture(figure, f"Two rulers over the same values: {'; '.join(map(verdict_of, norms))}.")
