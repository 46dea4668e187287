"""Two rulers and many measures: pictures of one question, which error is smaller?"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import inf, log2
from typing import Any

import numpy
import torch
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor

from quantlib.affine import fake_quantize
from quantlib.lab import style
from quantlib.lab.explore import Explorer, Scene, Slider
from quantlib.lab.learner import StandIn, name_of, number_problem
from quantlib.lab.panel import Panel, title
from quantlib.lab.picture import Picture, picture
from quantlib.lab.ruler import is_clipped
from quantlib.lab.text import Label
from quantlib.lab.words import number
from quantlib.metrics import cosine_similarity, l1_error, l2_error, max_error, mse, sqnr_db
from quantlib.qparams import choose_qparams

RulerOf = tuple[float, int]  # scale and zero point
NAMES = "A", "B"
REACH = 4.6  # the ranking shows factors up to 2^4.6, about 24
GRID = -128, 127
LEFT, COLUMNS = -1.05, (-0.2, 1.2)  # where the ranking writes beside its bars, in their width


@dataclass(frozen=True)
class Norm:
    """One of quantlib's measures, as the ranking shows it.

    name, says: what it is called, and what it is in a word or two.
    function: f(x, x_hat).
    decibels: whether it is in decibels, where more is better.
    """

    name: str
    says: str
    function: Callable[[Tensor, Tensor], float]
    decibels: bool = False


NORMS = (
    Norm("L1", "sum", l1_error),
    Norm("L2", "length", l2_error),
    Norm("L∞", "largest", max_error),
    Norm("MSE", "mean square", mse),
    Norm("SQNR", "dB, more is better", sqnr_db, decibels=True),
)


@dataclass(frozen=True)
class Score:
    """What one measure says of two errors; None where it said nothing.

    lead: the logarithm to base 2 of how many times one error is the other; positive if B's is smaller.
    """

    name: str
    values: tuple[float, float] | None
    lead: float

    @property
    def winner(self) -> str:
        """ "A", "B", or "" if neither is better."""
        return "" if self.lead == 0 else NAMES[self.lead > 0]


@dataclass(frozen=True)
class Duel:
    """Two rulers over the same values, and what every measure says.

    x: the values; errors, clipped: of shape (2, n), A first.
    moved: what the reader set, such as "v = 705", or "".
    scores: quantlib's five; own: the learner's, or None.
    """

    rulers: tuple[RulerOf, RulerOf]
    errors: Tensor
    clipped: Tensor
    scores: Sequence[Score]
    own: Score | None = None
    moved: str = ""
    notice: str = ""


def score(norm: Norm, x: Tensor, a: Tensor, b: Tensor) -> Score:
    """Return what a measure says of two reconstructions."""
    of_a, of_b = norm.function(x, a), norm.function(x, b)
    return Score(norm.name, (of_a, of_b), _lead(of_a, of_b, norm.decibels))


def _lead(of_a: float, of_b: float, decibels: bool = False) -> float:
    if of_a == of_b:
        return 0.0
    if decibels:
        return (of_b - of_a) / 10 * log2(10)  # as a ratio of energies
    if min(of_a, of_b) <= 0:
        return inf if of_a > of_b else -inf
    return log2(of_a / of_b)


class Yours:
    """The learner's measure, which may do anything: its row stays empty where it says nothing that can be used."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._name = name_of(function, "your measure")
        self._measure = StandIn(function, _nothing, number_problem, "Its row stays empty.")

    def __call__(self, x: Tensor, a: Tensor, b: Tensor) -> tuple[Score, str]:
        """Return what it says of two reconstructions, and what a reader should know of it, or ""."""
        (of_a, about_a), (of_b, about_b) = self._measure(x, a), self._measure(x, b)
        if of_a is None or of_b is None:
            return Score(self._name, None, 0.0), about_a or about_b
        said = float(of_a), float(of_b)
        return Score(self._name, said, _lead(*said)), about_a or about_b


def _nothing(*_arguments: object) -> None:
    """Stand in for a measure with no number at all."""


def duel(x: Tensor, a: RulerOf, b: RulerOf, yours: Yours | None = None, moved: str = "") -> Duel:
    """Return what two rulers do to x, and what every measure says of it."""
    x_a, x_b = (fake_quantize(x, s, z) for s, z in (a, b))
    own, notice = yours(x, x_a, x_b) if yours else (None, "")
    return Duel(
        (a, b),
        torch.stack([(x - x_hat).abs().flatten() for x_hat in (x_a, x_b)]),
        torch.stack([is_clipped(x, s, z, *GRID).flatten() for s, z in (a, b)]),
        [score(norm, x, x_a, x_b) for norm in NORMS],
        own,
        moved,
        notice,
    )


class ErrorBars:
    """The size of every error that one ruler makes, as bars: rounding plain, clipping hatched."""

    def __init__(self, axes: Axes, which: int, names: Sequence[str], top: float, moves: int | None = None) -> None:
        count = len(names)
        self._which = which
        axes.set_xlim(-0.6, count - 0.4)
        axes.set_ylim(0, top)
        axes.set_ylabel("|error|, units of x")
        axes.set_xticks(range(count), names, size=8)
        axes.tick_params(axis="x", length=0)
        self._title = title(axes)
        self._bars: list[Any] = []
        self._labels: list[Label] = []
        for k in range(count):
            self._bars.append(axes.add_patch(Rectangle((k - 0.36, 0), 0.72, 0)))
            self._labels.append(Label((k, 0), axes.transData, size=8))
            axes.add_artist(self._labels[-1])
        self._gap = top * 0.055
        moving = range(count) if moves is None else [moves]  # the others stand still
        self.moving: Sequence[Artist] = [*(a[k] for k in moving for a in (self._bars, self._labels)), self._title]

    def update(self, view: Duel) -> None:
        """Set the bars to a duel's errors."""
        errors, clipped = view.errors[self._which].tolist(), view.clipped[self._which].tolist()
        for k, (bar, label) in enumerate(zip(self._bars, self._labels, strict=True)):
            bar.set_height(errors[k])
            bar.set(fc="white" if clipped[k] else style.ROUNDING, ec=style.CLIPPED if clipped[k] else "none")
            bar.set(hatch="///" if clipped[k] else None, lw=1.8, ls=":" if clipped[k] else "-")
            label.at, label.text = (k, errors[k] + self._gap), f"{errors[k]:.1f}"
            label.color = style.CLIPPED_TEXT if clipped[k] else style.ROUNDING_TEXT
        step = number(view.rulers[self._which][0])
        self._title.text = f"ruler {NAMES[self._which]}, s = {step}: {_clips(view.clipped[self._which])}"


class Ranking:
    """For every measure a bar that points to the better ruler: the longer, the clearer."""

    def __init__(self, axes: Axes, own: bool) -> None:
        rows = len(NORMS) + own
        axes.set_xlim(-REACH, REACH)
        axes.set_ylim(rows - 0.45, -0.55)
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        ticks = {-4: "16×", -2: "4×", 0: "equal", 2: "4×", 4: "16×"}
        axes.set_xticks(list(ticks), list(ticks.values()))
        axes.set_xlabel("← A's error is smaller      B's error is smaller →")
        axes.axvline(0, color=style.ORIGINAL, lw=1.2)
        for tick in ticks:
            axes.axvline(tick, color=style.LEVELS, lw=0.6, zorder=0)
        beside: Any = {"transform": axes.get_yaxis_transform(), "va": "center"}
        for row, norm in enumerate(NORMS):
            axes.text(LEFT, row - 0.15, norm.name, weight="bold", **beside)
            axes.text(LEFT, row + 0.2, norm.says, size=8, color=style.QUIET, **beside)
        for name, at in zip(NAMES, COLUMNS, strict=True):
            axes.text(at, -0.68, f"ruler {name}", weight="bold", ha="center", **beside)
        if own:
            axes.axhline(rows - 1.5, LEFT, COLUMNS[1] + 0.2, color=style.QUIET, lw=0.8, clip_on=False)
            axes.text(LEFT, rows - 0.8, "yours", size=8, color=style.QUIET, **beside)
        self._title = title(axes)
        self._title.at = axes.transAxes.transform((LEFT, 1))[0], self._title.at[1] + 0.2 * axes.figure.dpi
        self._own = Label((LEFT, rows - 1.15), axes.get_yaxis_transform(), bold=True, ha="left")
        self._bars: list[Any] = []
        self._values: list[Label] = []
        for row in range(rows):
            self._bars.append(axes.add_patch(Rectangle((0, row - 0.2), 0, 0.4, fc=style.BETTER)))
            for at in COLUMNS:
                self._values.append(Label((at, row), axes.get_yaxis_transform()))
        for label in (self._own, *self._values):
            axes.add_artist(label)
        self.moving: Sequence[Artist] = [*self._bars, *self._values, self._own, self._title]

    def update(self, view: Duel) -> None:
        """Point every bar to the better ruler; its number is bold and ticked."""
        scores = [*view.scores, *([view.own] if view.own else [])]
        for row, said in enumerate(scores):
            self._bars[row].set_width(max(-REACH, min(REACH, said.lead)))
            for side, name in enumerate(NAMES):
                self._write(self._values[2 * row + side], said, side, said.winner == name)
        self._own.text = view.own.name if view.own else ""
        self._title.text = _verdict(view)

    @staticmethod
    def _write(label: Label, said: Score, side: int, wins: bool) -> None:
        text = "–" if said.values is None else number(said.values[side])
        label.text = f"✓ {text}" if wins else text
        label.bold, label.color = wins, style.BETTER_TEXT if wins else style.ORIGINAL


def _verdict(view: Duel) -> str:
    wins = [[said.name for said in view.scores if said.winner == name] for name in NAMES]
    for name, won in zip(NAMES, wins, strict=True):
        if len(won) == len(NORMS):
            return f"{name} is better by every measure"
    (first, won), *rest = sorted(zip(NAMES, wins, strict=True), key=lambda pair: -len(pair[1]))
    if not won:
        return "the two are equal by every measure"
    return f"{first} is better by {_and(won)}" + "".join(f"; {name} by {_and(won)}" for name, won in rest if won)


def _and(words: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


def describe(view: Duel) -> str:
    """Return the sentences that say what a duel shows: for every measure the better ruler, and both numbers."""
    head = f"{view.moved}: " if view.moved else ""
    head += "; ".join(f"on ruler {name} {_clips(clipped)}" for name, clipped in zip(NAMES, view.clipped, strict=True))
    own = [view.own] if view.own and view.own.values else []
    said = "; ".join(map(verdict, [*view.scores, *own]))
    return f"{head}. B{said[1:]}." + (f" {view.notice}" if view.notice else "")


def _clips(clipped: Tensor) -> str:
    count = int(clipped.sum())
    return f"{count} of {len(clipped)} values clip{'s' if count == 1 else ''}" if count else "nothing clips"


def verdict(said: Score) -> str:
    """Return which ruler a measure calls better, and its two numbers, in words: "by L1 B is better (A 3, B 2)"."""
    a, b = (number(value) for value in said.values or ())
    return f"by {said.name} " + (f"{said.winner} is better" if said.winner else "both are equal") + f" (A {a}, B {b})"


def _names(x: Tensor, moved: int | None) -> list[str]:
    return ["v" if k == moved else number(value) for k, value in enumerate(x.flatten().tolist())]


def draw_two_errors(x: Tensor, a: RulerOf, b: RulerOf) -> Picture:
    """Draw the size of every error that two rulers make, and give no verdict.

    Args:
        x: up to about a dozen values.
        a, b: scale and zero point of ruler A and of ruler B.
    """
    view = duel(x, a, b)
    with style.house_style():
        figure = style.new_figure(9.2, 2.9)
        top = view.errors.max().item() * 1.2
        for which in (0, 1):
            axes = figure.add_axes((0.075 + 0.49 * which, 0.19, 0.425, 0.65))
            axes.set_xlabel("value x")
            ErrorBars(axes, which, _names(x, None), top).update(view)
        return picture(figure, f"The errors of two rulers, value by value: {_sizes(view)}")


def _sizes(view: Duel) -> str:
    """Return how many values clip and the largest error on each ruler, and then every error."""
    rows = list(zip(NAMES, view.errors.tolist(), map(_clips, view.clipped), strict=True))
    largest = "; ".join(
        f"on ruler {name} {clips}, and the largest is {max(errors):.1f}" for name, errors, clips in rows
    )
    return f"{largest}. " + " ".join(f"{name}: {', '.join(f'{e:.1f}' for e in errors)}." for name, errors, _ in rows)


def draw_ranking(x: Tensor, a: RulerOf, b: RulerOf) -> Picture:
    """Draw for each of five measures which of two rulers it calls better, and by how much."""
    view = duel(x, a, b)
    with style.house_style():
        figure = style.new_figure(9.2, 3.4)
        Ranking(figure.add_axes((0.44, 0.16, 0.34, 0.60)), own=False).update(view)
        said = describe(view)
        return picture(figure, f"Ranking of two rulers: {_verdict(view)}. {said[0].upper()}{said[1:]}")


def explore_ranking(
    x: Tensor, a: RulerOf, b: RulerOf, measure: Callable[..., Any] | None = None, *, value: Slider | None = None
) -> Explorer:
    """Show a slider for the largest value of x, the errors of two rulers, and how each measure ranks them.

    Args:
        x: up to about a dozen values; the largest is moved.
        a, b: scale and zero point of ruler A and of ruler B.
        measure: f(x, x_hat) that returns one number, small for a small error: a learner's. None: no row for it.
        value: the slider; the default suits the seed's matrix, whose largest value is near 700.
    """
    x = x.clone()  # the caller's may change in a later cell
    value = value or Slider("v", "value v", 705.0, 685.0, 725.0, 0.5)
    yours, at = Yours(measure) if measure is not None else None, int(x.argmax())

    def compute(v: float) -> Duel:
        moved = x.flatten().clone()
        moved[at] = v
        return duel(moved.reshape(x.shape), a, b, yours, f"v = {number(v)}")

    top = 1.15 * max(compute(end).errors.max().item() for end in (value.low, value.high))
    first = compute(value.value)

    def lay_out(figure: Figure) -> list[Panel]:
        upper, lower = (figure.add_axes((0.065, bottom, 0.40, 0.34)) for bottom in (0.58, 0.12))
        lower.set_xlabel("value x")
        names = _names(x, at)
        bars = [ErrorBars(axes, k, names, top, moves=at) for k, axes in enumerate((upper, lower))]
        for panel in bars:
            panel.update(first)
        return [*bars, Ranking(figure.add_axes((0.72, 0.12, 0.19, 0.71)), own=measure is not None)]

    return Explorer([value], compute, Scene((9.2, 5.0), lay_out), describe)


def draw_growth(count: int = 9, largest: float = 10.0) -> Picture:
    """Draw how each measure grows, as a factor, while one of several errors grows and the others stay 1.

    Args:
        count: how many errors there are.
        largest: how large the one error gets, in units of the others.
    """
    sizes = torch.linspace(1, largest, 91, dtype=torch.float64)
    errors = torch.ones(len(sizes), count, dtype=torch.float64)
    errors[:, 0] = sizes
    curves = {norm.name: [norm.function(e, torch.zeros_like(e)) for e in errors] for norm in NORMS if not norm.decibels}
    factors = {name: numpy.array(curve) / curve[0] for name, curve in curves.items()}
    with style.house_style():
        figure = style.new_figure(9.2, 3.6)
        _draw_curves(figure.add_axes((0.08, 0.15, 0.72, 0.72)), sizes.numpy(), factors, count)
        said = ", ".join(f"{name} {curve[-1]:.3g}-fold" for name, curve in factors.items())
        most, least = (pick(factors, key=lambda name: factors[name][-1]) for pick in (max, min))
        while_ = f"while one of {count} equal errors grows {number(largest)}-fold"
        return picture(figure, f"{most} grows most and {least} least {while_}: {said}.")


def _draw_curves(axes: Axes, sizes: numpy.ndarray, factors: Mapping[str, numpy.ndarray], count: int) -> None:
    ends = {name: curve[-1] for name, curve in factors.items()}
    marks = ("o", "s", "^", "D")
    axes.set_xlim(sizes[0], sizes[-1])
    axes.set_ylim(1, 1.08 * max(ends.values()))
    axes.set_xlabel(f"size of the one error; the other {count - 1} stay 1")
    axes.set_ylabel("growth of the measure, factor")
    least, most = min(ends, key=ends.__getitem__), max(ends, key=ends.__getitem__)
    said = f"{most} grows {ends[most]:.3g}-fold, {least} only {ends[least]:.3g}-fold"
    axes.set_title(f"one error of {count} grows {number(sizes[-1])}-fold: {said}")
    for mark, (name, curve) in zip(marks, factors.items(), strict=False):
        axes.plot(sizes, curve, color=style.QUANTIZED, lw=2, marker=mark, markevery=15, ms=6, clip_on=False)
        says = f"  {name}: {curve[-1]:.3g}-fold"
        axes.text(sizes[-1], curve[-1], says, size=10, va="center", color=style.QUANTIZED, weight="bold")


def draw_wrong_scale(x: Tensor, x_hat: Tensor) -> Picture:
    """Draw cosine and SQNR of a reconstruction that is multiplied by a wrong factor, from 0.25 to 4."""
    factors = numpy.logspace(-2, 2, 161, base=2)
    cosine, sqnr = cosine_similarity(x, 2 * x_hat), sqnr_db(x, 2 * x_hat)
    heard = f"SQNR hears it: {sqnr + 0.0:.1f} dB at twice the size".replace("-0.0", "0.0")
    with style.house_style():
        figure = style.new_figure(9.2, 3.2)
        left, right = (figure.add_axes((at, 0.18, 0.415, 0.66)) for at in (0.075, 0.575))
        left.set(title="cosine hears nothing", ylabel="cosine, no unit", ylim=(0, 1.1))
        right.set(title=heard, ylabel="SQNR, dB")
        for axes, measure, doubled in (left, cosine_similarity, cosine), (right, sqnr_db, sqnr):
            axes.set_xscale("log", base=2)
            axes.set_xticks([0.25, 0.5, 1, 2, 4], ["¼", "½", "1", "2", "4"])
            axes.set(xlim=(0.25, 4), xlabel="x_hat is multiplied by")
            axes.plot(factors, [measure(x, k * x_hat) for k in factors], color=style.QUANTIZED, lw=2)
            axes.plot([2], [doubled], "o", color=style.CLIPPED_TEXT, ms=7)
            axes.axvline(1, color=style.LEVELS, lw=1, zorder=0)
        deaf = f"Cosine does not hear a wrong scale: when a reconstruction is doubled, its cosine stays {cosine:.4f}"
        return picture(figure, f"{deaf}. {heard}, from {sqnr_db(x, x_hat):.1f} dB.")


def draw_row_sqnr(weights: Mapping[str, Tensor]) -> Picture:
    """Draw how the rows of weight matrices fare on one symmetric int8 ruler for the whole matrix: the SQNR of each row.

    Args:
        weights: matrices by name; in each the dashed line is the SQNR of the whole.
    """
    with style.house_style():
        figure = style.new_figure(9.2, 0.9 + 1.45 * len(weights))
        said = []
        for k, (name, w) in enumerate(weights.items()):
            share = 0.86 / len(weights)
            axes = figure.add_axes((0.075, 0.16 + share * (len(weights) - 1 - k), 0.9, share * 0.64))
            said.append(_draw_row_sqnr(axes, name, w))
            if k == len(weights) - 1:
                axes.set_xlabel("SQNR of one row, dB")
        return picture(figure, "Some rows fare better than their matrix as a whole, and some worse. " + " ".join(said))


def _draw_row_sqnr(axes: Axes, name: str, w: Tensor) -> str:
    x_hat = fake_quantize(w, *choose_qparams(w, symmetric=True))
    rows = numpy.array([sqnr_db(*pair) for pair in zip(w, x_hat, strict=True)])
    whole, best = sqnr_db(w, x_hat), int(rows.argmax())
    axes.set_xlim(0, 45)
    axes.set_ylabel("rows")
    axes.hist(rows, bins=numpy.arange(0, 45.01, 0.5).tolist(), color=style.QUANTIZED)
    axes.axvline(whole, color=style.ORIGINAL, lw=1.4, ls=(0, (4, 2)))
    beside: Any = {"transform": axes.get_xaxis_transform(), "ha": "right" if whole > 22 else "left", "va": "top"}
    axes.text(whole + (-2.6 if whole > 22 else 1.1), 0.95, "dashed: the whole matrix", size=9, **beside)
    axes.set_title(f"{name}: {whole:.2f} dB as a whole, rows from {rows.min():.1f} to {rows.max():.1f}")
    if rows[best] > numpy.median(rows) + 10:
        axes.annotate(
            f"row {best}", (rows[best], 1), (rows[best], axes.get_ylim()[1] * 0.45), ha="center", color=style.QUANTIZED,
            arrowprops={"arrowstyle": "->", "color": style.QUANTIZED},
        )  # fmt: skip
    return f"{name}: {whole:.2f} dB as a whole, {rows.min():.1f} to {rows.max():.1f} by row, the best is row {best}."
