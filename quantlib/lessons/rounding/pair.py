"""What the rounding of weights does to outputs: two weights and four pairs, a network, and a search."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor

from quantlib.data.silero import RATE, WINDOW, hears_speech
from quantlib.lab import style
from quantlib.lab.exercise import Function
from quantlib.lab.explore import Explorer, Scene, Slider, View, explorer
from quantlib.lab.panel import Drag, Panel
from quantlib.lab.picture import Picture, picture
from quantlib.lab.words import fixed, joined, number

from . import exercises

SECOND = 2.4
WEIGHT = Slider("w", "first weight w", 1.3, 1.05, 1.95, 0.05)
CORRELATION = Slider("rho", "correlation ρ", 0.0, -1.0, 1.0, 0.05)
UPS = (0, 0), (0, 1), (1, 0), (1, 1)
NEAR = 1e-5  # losses that differ less are equal: what float32 loses


@dataclass(frozen=True)
class Pairs(View):
    """Two weights, the four pairs of integers next to them, and what each does to the output.

    w: the weights; rho: how far their inputs go along with each other, from -1 to 1.
    pairs: (4, 2), in the order of UPS.
    losses: the mean squared error of the output for inputs of mean square 1; shape (4,).
    is_own: whether a learner's function chose, or quantlib's; chosen: its two integers.
    """

    w: numpy.ndarray
    rho: float
    pairs: numpy.ndarray
    losses: numpy.ndarray
    is_own: bool
    chosen: numpy.ndarray

    @property
    def nearest(self) -> int:
        """Which pair rounding each weight to its nearest integer gives."""
        return int((self.pairs == self.w.round()).all(1).argmax())

    @property
    def best(self) -> list[int]:
        """The pairs with the smallest loss: two if they are equal."""
        return numpy.flatnonzero(self.losses <= self.losses.min() + NEAR).tolist()

    @property
    def best_names(self) -> str:
        """The best pairs, in words."""
        return ", or ".join(_name(self.pairs[k]) for k in self.best)


def correlated_inputs(rho: float) -> Tensor:
    """Return four rows of two inputs, each of mean square 1, whose mean product is rho.

    >>> x = correlated_inputs(0.5)
    >>> (x.T @ x / 4).numpy().round(6).tolist()
    [[1.0, 0.5], [0.5, 1.0]]
    """
    first, other = torch.tensor([1.0, 1.0, -1.0, -1.0]), torch.tensor([1.0, -1.0, 1.0, -1.0])
    return torch.stack([first, rho * first + max(0.0, 1 - rho * rho) ** 0.5 * other], dim=1)


def losses(w: numpy.ndarray, rho: float) -> numpy.ndarray:
    """Return e1^2 + e2^2 + 2 rho e1 e2 for the errors of the four pairs."""
    first, second = (numpy.floor(w) + numpy.array(UPS) - w).T
    return numpy.asarray(first**2 + second**2 + 2 * rho * first * second)


@explorer
def explore_pair(
    best_rounding: Function = exercises.best_rounding.reference,
    *,
    weight: Slider | None = None,
    correlation: Slider | None = None,
    second: float = SECOND,
) -> Explorer:
    """Show sliders for one of two weights and for how alike their inputs are, and the output's error for each pair.

    Args:
        best_rounding: f(w, x) that returns two integers, as floats: quantlib's, or a learner's.
        weight: the slider of the first weight, between 1 and 2.
        correlation: the slider of the mean product of the two inputs.
        second: the second weight, between 2 and 3.
    """
    choose = exercises.best_rounding.stand_in(best_rounding)
    is_own = best_rounding is not exercises.best_rounding.reference

    def compute(w: float, rho: float) -> Pairs:
        at, rho = numpy.array([round(w, 2), second]), round(rho, 2)
        chosen, notice = choose(torch.tensor(at).float(), correlated_inputs(rho))
        pairs, own = numpy.floor(at) + numpy.array(UPS), is_own and not notice
        return Pairs(at, rho, pairs, losses(at, rho), own, chosen.double().numpy(), notices=(notice,))

    def lay_out(figure: Figure) -> list[Panel]:
        cells = Cells(figure.add_axes((0.09, 0.135, 0.40, 0.66)))
        return [cells, Losses(figure.add_axes((0.58, 0.135, 0.345, 0.735)))]

    return Explorer([weight or WEIGHT, correlation or CORRELATION], compute, Scene((9.2, 4.4), lay_out), describe)


def describe(view: Pairs) -> str:
    """Return the sentences that say which pair is best and what rounding to nearest costs."""
    at = f"w = {view.w[0]:.2f} and ρ = {fixed(view.rho, 2)}"
    least = f"the smallest error of the output has {view.best_names}, {fixed(view.losses.min(), 4)}"
    nearest = f"{_name(view.pairs[view.nearest])}, it is {fixed(view.losses[view.nearest], 4)}"
    chosen = f" Your function chooses {_name(view.chosen)}." if view.is_own else ""
    return f"{at}: {least}; to nearest, {nearest}.{chosen}"


def _name(pair: numpy.ndarray) -> str:
    return joined([number(code) for code in pair.tolist()])


class Cells(Panel):
    """A table of the four pairs: the error of each, and which is the nearest, the best, and the learner's."""

    def __init__(self, axes: Axes) -> None:
        super().__init__(axes, xlim=(0, 2), ylim=(2, 0), xlabel="in each cell: the mean squared error of the output")
        style.bare(axes)
        self.title.at = axes.transAxes.transform((-0.13, 1))[0], self.title.at[1] + 0.22 * axes.figure.dpi
        sides: Any = {"ha": "center", "va": "center", "size": 10, "color": style.QUIET}
        for k in (0, 1):
            axes.text(k + 0.5, -0.13, f"second weight {2 + k}", **sides)
            axes.text(-0.12, k + 0.5, f"first weight {1 + k}", rotation=90, **sides)
        axes.plot([0, 2, numpy.nan, 1, 1], [1, 1, numpy.nan, 0, 2], color=style.QUIET, lw=0.8)
        self._first = self.dot(style.ORIGINAL, marker=">", ms=9)
        self._second = self.dot(style.ORIGINAL, marker="v", ms=9)
        self._frames, self._losses, self._best, self._notes = [], [], [], []
        for y, x in UPS:
            frame = Rectangle((x + 0.045, y + 0.045), 0.91, 0.91, fill=False, ec=style.BETTER, lw=4)
            self._frames.append(self.keep(axes.add_patch(frame)))
            self._losses.append(self.label(at=(x + 0.5, y + 0.30), size=16, bold=True))
            self._best.append(self.label("✓ best", (x + 0.5, y + 0.58), size=9.5, color=style.BETTER_TEXT, bold=True))
            self._notes.append(self.label(at=(x + 0.5, y + 0.79), size=9.5, color=style.QUANTIZED))

    def grab(self, view: Pairs, x: float, y: float) -> Drag:
        """Take the first weight to the pointer: it is 1 at the middle of the upper row, 2 at that of the lower one."""
        return lambda x, y: {"w": y + 0.5}

    def update(self, view: Pairs) -> None:
        """Write the losses of a view."""
        self._first.set_data([-0.02], [view.w[0] - view.pairs[0, 0] + 0.5])
        self._second.set_data([view.w[1] - view.pairs[0, 1] + 0.5], [-0.02])
        for k, loss in enumerate(view.losses):
            self._frames[k].set_visible(k in view.best)
            self._best[k].set_visible(k in view.best)
            self._losses[k].text = number(round(loss, 4) + 0.0)
            nearest = "to nearest" if k == view.nearest else ""
            own = "yours" if view.is_own and (view.pairs[k] == view.chosen).all() else ""
            self._notes[k].text = ", ".join(filter(None, [nearest, own]))
        self.title.text = _verdict(view)


def _verdict(view: Pairs) -> str:
    nearest, least = view.losses[view.nearest], view.losses.min()
    if view.nearest in view.best:
        return "nearest is best"
    return f"nearest makes {nearest / least:.1f} times the error of the best" if least > NEAR else "nearest is not best"


class Losses(Panel):
    """The error of each pair over the correlation of the inputs: a straight line."""

    def __init__(self, axes: Axes) -> None:
        super().__init__(axes, xlim=(-1, 1), ylim=(0, 2.5), xlabel="correlation ρ of the two inputs")
        axes.set_ylabel("mean squared error of the output")
        axes.set_xticks([-1, -0.5, 0, 0.5, 1], ["−1", "−0.5", "0", "0.5", "1"])
        self._here = self.line(style.QUIET, lw=1, zorder=1)
        self._nearest = self.line(style.ROUNDING_TEXT, lw=2.2, ls="dashed", zorder=2)
        self._others = [self.line(style.QUANTIZED, lw=1.6, zorder=2) for _ in UPS[1:]]
        self._best = self.dot(style.BETTER, ms=9, mec="black", zorder=3)
        self._names = [self.label(size=9, opaque=True) for _ in UPS]

    def grab(self, view: Pairs, x: float, y: float) -> Drag:
        """Take the correlation to the pointer."""
        return lambda x, y: {"rho": x}

    def update(self, view: Pairs) -> None:
        """Draw the lines of a view."""
        left, right = losses(view.w, -1.0), losses(view.w, 1.0)
        others = iter(self._others)
        for k in range(len(UPS)):
            line = self._nearest if k == view.nearest else next(others)
            line.set_data([-1, 1], [left[k], right[k]])
        self._here.set_data([view.rho, view.rho], [0, 2.5])
        self._best.set_data([view.rho], [view.losses.min()])
        self._label(view, left, right)
        self.title.text = (
            f"at ρ = {number(view.rho + 0.0)}, {view.best_names} {'is' if len(view.best) == 1 else 'are'} best"
        )

    def _label(self, view: Pairs, left: numpy.ndarray, right: numpy.ndarray) -> None:
        """Name each line where it is high: the two that rise beyond the right end, the two that fall at the left."""
        for at, ha, ends, two in ((1.06, "left", right, (0, 3)), (-0.96, "left", left, (1, 2))):
            low, high = sorted(two, key=lambda k: ends[k])
            gap = max(0.0, 0.2 - (ends[high] - ends[low])) / 2  # keeps the two names apart
            for k, away in ((low, -gap), (high, gap)):
                label = self._names[k]
                label.at, label.ha, label.text = (at, max(0.08, float(ends[k] + away))), ha, _name(view.pairs[k])
                label.color = style.ROUNDING_TEXT if k == view.nearest else style.QUANTIZED


def draw_pair(w: Sequence[float], rho: float) -> Picture:
    """Draw the four pairs of integers next to two weights, and what each does to the output."""
    first, second = w
    return explore_pair(second=second).still("Four pairs, four errors of the output.", w=first, rho=rho)


def draw_decisions(p: Mapping[str, Tensor]) -> Picture:
    """Draw how likely several networks take each window for speech; the first is what the others should be.

    Args:
        p: for each name the probability of every window of 32 ms.
    """
    heard = {name: hears_speech(probability).numpy() for name, probability in p.items()}
    first, *_ = heard
    same = {name: int((windows == heard[first]).sum()) for name, windows in heard.items()}
    count, height = len(heard[first]), 0.95 + 0.58 * len(heard)
    with style.house_style():
        figure = style.new_figure(9.2, height)
        axes = figure.add_axes((0.13, 0.52 / height, 0.69, 1 - 0.95 / height))
        axes.set(xlim=(0, count * WINDOW / RATE), ylim=(len(heard) - 0.9, -1), xlabel="seconds")
        axes.set_title("probability of speech, from 0 to 1; filled where it is above 0.5")
        style.number_line(axes)
        axes.set_yticks([row - 0.4 for row in range(len(heard))], list(heard), color="black")
        axes.tick_params(axis="y", length=0)
        for row, (name, probability) in enumerate(p.items()):
            said = f"as in {first}: {same[name]}" if row else f"{count} windows"
            _draw_curve(axes, row, probability.numpy(), said)
        deaf = [name for name, windows in heard.items() if not windows.any()]
        lead = f"With {' and '.join(deaf)} the network never hears speech" if deaf else "Every network hears speech"
        found = "; ".join(f"{name} {heard[name].sum()}, of which as in the first row {same[name]}" for name in heard)
        return picture(figure, f"{lead}. Windows with speech, and decisions out of {count}: {found}.")


def _draw_curve(axes: Axes, row: int, p: numpy.ndarray, said: str) -> None:
    """Draw a probability over a row's line, and write beside it what is said of it."""
    ink, seconds = style.QUANTIZED if row else style.ORIGINAL, (numpy.arange(len(p)) + 0.5) * WINDOW / RATE
    top = row - 0.8 * p  # the axis points down
    axes.axhline(row, color=style.LEVELS, lw=0.8, zorder=0)
    axes.axhline(row - 0.4, color=style.LEVELS, lw=0.8, ls="dotted", zorder=0)
    axes.fill_between(seconds, row, top, where=(p > 0.5).tolist(), step="mid", color=ink, lw=0)
    axes.plot(seconds, top, color=ink, lw=1.2)
    axes.text(1.01, row - 0.4, said, transform=axes.get_yaxis_transform(), va="center", size=9)


def draw_search(ratios: Tensor) -> Picture:
    """Draw how many outputs a search makes better, and by how much.

    Args:
        ratios: for each output its squared error after the search, over that before.
    """
    better, median = f"{(ratios < 1).sum()} of {len(ratios)} outputs", f"the median is {ratios.median():.2f}"
    with style.house_style():
        figure = style.new_figure(9.2, 2.9)
        axes = figure.add_axes((0.075, 0.185, 0.90, 0.69))
        axes.set_xscale("log", base=2)
        axes.set_xlim(1 / 32, 8)
        axes.set_xticks([2.0**k for k in range(-5, 4)], ["1/32", "1/16", "1/8", "1/4", "1/2", "1", "2", "4", "8"])
        axes.hist(ratios.numpy(), bins=(2.0 ** numpy.arange(-5, 3.01, 0.25)).tolist(), color=style.QUANTIZED)
        axes.axvline(1, color=style.ORIGINAL, lw=1.4)
        axes.text(1.05, 0.93, "nearest", transform=axes.get_xaxis_transform(), va="top")
        axes.set_xlabel("squared error of one output, as a multiple of that with nearest (logarithmic)")
        axes.set_ylabel("outputs")
        axes.set_title(f"{better} are better than with nearest; {median}")
        said = f"{better} have a smaller squared error, and {median} of before"
        return picture(figure, f"A search beats rounding to nearest: {said}.")
