"""What the rounding of weights does to outputs: two weights and four pairs, a network, and a search."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy
import torch
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor

from quantlib.data.silero import RATE, WINDOW
from quantlib.lab import style
from quantlib.lab.explore import Explorer, Scene, Slider
from quantlib.lab.learner import StandIn, name_of, reals_problem
from quantlib.lab.panel import Panel, title
from quantlib.lab.picture import Picture, picture
from quantlib.lab.text import Label
from quantlib.lab.words import number

from .exercises import best_rounding as quantlib_best_rounding

SECOND = 2.4
WEIGHT = Slider("w", "first weight w", 1.3, 1.05, 1.95, 0.05)
CORRELATION = Slider("r", "correlation r", 0.9, -1.0, 1.0, 0.05)
UPS = (0, 0), (0, 1), (1, 0), (1, 1)
NEAR = 1e-5  # losses that differ less are equal: what float32 loses


@dataclass(frozen=True)
class Pairs:
    """Two weights, the four pairs of integers next to them, and what each does to the output.

    w: the weights; r: how far their inputs go along with each other, from -1 to 1.
    pairs: (4, 2), in the order of UPS.
    losses: the mean squared error of the output for inputs of mean square 1; shape (4,).
    own: which pair the function given chose, or None if it chose none of them, or quantlib's stands in.
    """

    w: numpy.ndarray
    r: float
    pairs: numpy.ndarray
    losses: numpy.ndarray
    own: int | None
    chosen: str = ""
    notice: str = ""

    @property
    def nearest(self) -> int:
        """Which pair rounding each weight to its nearest integer gives."""
        return int((self.pairs == self.w.round()).all(1).argmax())

    @property
    def best(self) -> list[int]:
        """The pairs with the smallest loss: two if they are equal."""
        return numpy.flatnonzero(self.losses <= self.losses.min() + NEAR).tolist()


def inputs(r: float) -> Tensor:
    """Return four rows of two inputs, each of mean square 1, whose mean product is r.

    >>> x = inputs(0.5)
    >>> (x.T @ x / 4).numpy().round(6).tolist()
    [[1.0, 0.5], [0.5, 1.0]]
    """
    first, other = torch.tensor([1.0, 1.0, -1.0, -1.0]), torch.tensor([1.0, -1.0, 1.0, -1.0])
    return torch.stack([first, r * first + max(0.0, 1 - r * r) ** 0.5 * other], dim=1)


def losses(w: numpy.ndarray, r: float) -> numpy.ndarray:
    """Return e1^2 + e2^2 + 2 r e1 e2 for the errors of the four pairs."""
    first, second = (numpy.floor(w) + numpy.array(UPS) - w).T
    return numpy.asarray(first**2 + second**2 + 2 * r * first * second)


def weigh(w: Sequence[float], r: float, choose: Callable[..., tuple[Tensor, str]] | None = None) -> Pairs:
    """Return the four pairs next to two weights, and which one a function takes: by default the best."""
    weights, at = torch.tensor(w, dtype=torch.float32), numpy.array(w)
    q, notice = choose(weights, inputs(r)) if choose else (quantlib_best_rounding(weights, inputs(r)), "")
    pairs, chosen = numpy.floor(at) + numpy.array(UPS), q.double().numpy()
    own = next((k for k, pair in enumerate(pairs) if (pair == chosen).all() and not notice), None)
    return Pairs(at, r, pairs, losses(at, r), own, " and ".join(number(c) for c in chosen.tolist()), notice)


def _name(pair: numpy.ndarray) -> str:
    return " and ".join(number(code) for code in pair.tolist())


def explore_pair(
    best_rounding: Callable[..., Any] = quantlib_best_rounding,
    *,
    weight: Slider | None = None,
    correlation: Slider | None = None,
) -> Explorer:
    """Show sliders for one of two weights and for how alike their inputs are, and the output's error for each pair.

    Args:
        best_rounding: f(w, x) that returns two integers, as floats: quantlib's, or a learner's.
        weight: the slider of the first weight, between 1 and 2. The second is 2.4.
        correlation: the slider of the mean product of the two inputs.
    """
    choose = StandIn(best_rounding, quantlib_best_rounding, reals_problem)

    def compute(w: float, r: float) -> Pairs:
        return weigh((round(w, 2), SECOND), round(r, 2), choose)

    own = name_of(best_rounding) if best_rounding is not quantlib_best_rounding else ""
    scene = Scene((9.2, 4.4), lambda figure: _pair_panels(figure, own))
    return Explorer([weight or WEIGHT, correlation or CORRELATION], compute, scene, lambda view: describe(view, own))


def describe(view: Pairs, own: str = "") -> str:
    """Return the sentences that say which pair is best and what rounding to nearest costs."""
    best = " or ".join(_name(view.pairs[k]) for k in view.best)
    r = f"{view.r + 0.0:.2f}".replace("-", "\N{MINUS SIGN}")
    text = f"w = {view.w[0]:.2f} and r = {r}: the smallest error of the output has {best}, {_loss(view.losses.min())}"
    text += f"; to nearest, {_name(view.pairs[view.nearest])}, it is {_loss(view.losses[view.nearest])}."
    text += f" {own} chooses {view.chosen}." if own and not view.notice else ""
    return text + (f" {view.notice}" if view.notice else "")


def _loss(loss: float) -> str:
    return f"{loss + 0.0:.4f}"


def _pair_panels(figure: Figure, own: str) -> list[Panel]:
    cells = Cells(figure.add_axes((0.09, 0.135, 0.40, 0.66)), own)
    return [cells, Losses(figure.add_axes((0.60, 0.135, 0.365, 0.735)))]


class Cells:
    """A table of the four pairs: the error of each, and which is the nearest, the best, and the learner's."""

    def __init__(self, axes: Axes, own: str) -> None:
        self._own = own
        axes.set_xlim(0, 2)
        axes.set_ylim(2, 0)
        style.bare(axes)
        axes.set_xlabel("in each cell: the mean squared error of the output")
        sides: Any = {"ha": "center", "va": "center", "size": 10, "color": style.QUIET}
        for k in (0, 1):
            axes.text(k + 0.5, -0.09, f"second weight {2 + k}", **sides)
            axes.text(-0.09, k + 0.5, f"first weight {1 + k}", rotation=90, **sides)
        axes.plot([0, 2, numpy.nan, 1, 1], [1, 1, numpy.nan, 0, 2], color=style.QUIET, lw=0.8)
        self._frames, self._names, self._sizes, self._notes = [], [], [], []
        for up in UPS:
            y, x = up
            frame = Rectangle((x + 0.045, y + 0.045), 0.91, 0.91, fill=False, ec=style.BETTER, lw=4)
            self._frames.append(axes.add_patch(frame))
            self._sizes.append(Label((x + 0.5, y + 0.30), axes.transData, size=16, bold=True))
            self._names.append(Label((x + 0.5, y + 0.58), axes.transData, size=9.5, color=style.BETTER_TEXT, bold=True))
            self._notes.append(Label((x + 0.5, y + 0.79), axes.transData, size=9.5, color=style.QUANTIZED))
        for name in self._names:
            name.text = "✓ best"
        labels = [*self._sizes, *self._names, *self._notes]
        for label in labels:
            axes.add_artist(label)
        self._title = title(axes)
        self._title.at = axes.transAxes.transform((-0.13, 1))[0], self._title.at[1] + 0.22 * axes.figure.dpi
        self.moving: Sequence[Artist] = [*self._frames, *labels, self._title]

    def update(self, view: Pairs) -> None:
        """Write the losses of a view."""
        for k, loss in enumerate(view.losses):
            self._frames[k].set_visible(k in view.best)
            self._sizes[k].text = number(round(loss, 4) + 0.0)
            self._names[k].set_visible(k in view.best)
            notes = ["to nearest"] * (k == view.nearest) + [self._own] * (k == view.own and bool(self._own))
            self._notes[k].set_visible(bool(notes))
            self._notes[k].text = ", ".join(notes) or self._notes[k].text
        self._title.text = _verdict(view)


def _verdict(view: Pairs) -> str:
    if view.nearest in view.best:
        return "nearest is best"
    least = view.losses.min()
    return (
        f"nearest makes {view.losses[view.nearest] / least:.1f} times the error of the best"
        if least > NEAR
        else "nearest is not best"
    )


class Losses:
    """The error of each pair over the correlation of the inputs: a straight line."""

    def __init__(self, axes: Axes) -> None:
        axes.set_xlim(-1, 1)
        axes.set_ylim(0, 2.5)
        axes.set_xticks([-1, -0.5, 0, 0.5, 1], ["−1", "−0.5", "0", "0.5", "1"])
        axes.set_xlabel("correlation r of the two inputs")
        axes.set_ylabel("mean squared error of the output")
        self._here = axes.plot([], [], color=style.QUIET, lw=1, zorder=1)[0]
        self._nearest = axes.plot([], [], color=style.ROUNDING_TEXT, lw=2.2, ls="dashed", zorder=2)[0]
        self._others = [axes.plot([], [], color=style.QUANTIZED, lw=1.6, zorder=2)[0] for _ in range(len(UPS) - 1)]
        self._best = axes.plot([], [], "o", color=style.BETTER, ms=9, mec="black", zorder=3, clip_on=False)[0]
        self._names = [Label((0, 0), axes.transData, size=9, opaque=True) for _ in UPS]
        for label in self._names:
            axes.add_artist(label)
        self._title = title(axes)
        lines = [self._here, self._nearest, *self._others, self._best]
        self.moving: Sequence[Artist] = [*lines, *self._names, self._title]

    def update(self, view: Pairs) -> None:
        """Draw the lines of a view."""
        left, right = losses(view.w, -1.0), losses(view.w, 1.0)
        others = iter(self._others)
        for k in range(len(UPS)):
            line = self._nearest if k == view.nearest else next(others)
            line.set_data([-1, 1], [left[k], right[k]])
        self._here.set_data([view.r, view.r], [0, 2.5])
        self._best.set_data([view.r], [view.losses.min()])
        self._label(view, left, right)
        names = " or ".join(_name(view.pairs[k]) for k in view.best)
        self._title.text = f"at r = {number(view.r + 0.0)}, {names} is best"

    def _label(self, view: Pairs, left: numpy.ndarray, right: numpy.ndarray) -> None:
        """Name each line where it is high: the two that rise at the right end, the two that fall at the left."""
        for side, ends, ha in ((0.96, right, "right"), (-0.96, left, "left")):
            two = (0, 3) if side > 0 else (1, 2)
            low, high = sorted(two, key=lambda k: ends[k])
            gap = max(0.0, 0.2 - (ends[high] - ends[low])) / 2  # keeps the two names apart
            for k, away in ((low, -gap), (high, gap)):
                label = self._names[k]
                label.at, label.ha, label.text = (side, max(0.08, float(ends[k] + away))), ha, _name(view.pairs[k])
                label.color = style.ROUNDING_TEXT if k == view.nearest else style.QUANTIZED


# Pictures


def draw_pair(w: Sequence[float], r: float) -> Picture:
    """Draw the four pairs of integers next to two weights, and what each does to the output."""
    view = weigh(w, r)
    with style.house_style():
        figure = style.new_figure(9.2, 4.4)
        for panel in _pair_panels(figure, ""):
            panel.update(view)
        return picture(figure, f"Four pairs, four errors of the output. {describe(view)}")


def draw_decisions(p: Mapping[str, Tensor]) -> Picture:
    """Draw when each of several networks hears speech, one row a network; the first is what the others should be.

    Args:
        p: for each name the probability of every window of 32 ms.
    """
    heard = {name: (probability > 0.5).numpy() for name, probability in p.items()}
    first = next(iter(heard.values()))
    same = {name: int((row == first).sum()) for name, row in heard.items()}
    with style.house_style():
        figure = style.new_figure(9.2, 0.8 + 0.42 * len(heard))
        axes = figure.add_axes((0.13, 0.62 / figure.get_figheight(), 0.69, 1 - 1.0 / figure.get_figheight()))
        axes.set_ylim(len(heard) - 0.5, -0.5)
        axes.set_xlim(0, len(first) * WINDOW / RATE)
        axes.set_yticks(range(len(heard)), list(heard), color="black")
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        axes.set_xlabel("seconds")
        axes.set_title("filled: the network hears speech")
        for row, (name, windows) in enumerate(heard.items()):
            ink = style.ORIGINAL if row == 0 else style.QUANTIZED
            axes.broken_barh(_spans(windows), (row - 0.32, 0.64), color=ink)
            axes.axhline(row + 0.32, color=style.LEVELS, lw=0.8, zorder=0)
            said = f"as in {next(iter(heard))}: {same[name]}" if row else f"{len(windows)} windows"
            axes.text(1.01, row, said, transform=axes.get_yaxis_transform(), va="center", size=9)
        counts = [
            f"{name} {int(windows.sum())}, of which as in the first row {same[name]}" for name, windows in heard.items()
        ]
        deaf = [name for name, windows in heard.items() if not windows.any()]
        lead = f"With {' and '.join(deaf)} the network never hears speech" if deaf else "Every network hears speech"
        return picture(figure, f"{lead}. Windows with speech, and decisions out of {len(first)}: {'; '.join(counts)}.")


def _spans(windows: numpy.ndarray) -> list[tuple[float, float]]:
    """Return (start, length) in seconds of each run of true windows."""
    edges = numpy.flatnonzero(numpy.diff(windows.astype(int), prepend=0, append=0)).reshape(-1, 2)
    return [(start * WINDOW / RATE, (end - start) * WINDOW / RATE) for start, end in edges.tolist()]


def draw_search(ratios: Tensor) -> Picture:
    """Draw how many outputs a search makes better, and by how much.

    Args:
        ratios: for each output its squared error after the search, over that before.
    """
    better = int((ratios < 1).sum())
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
        median = ratios.median().item()
        axes.set_title(f"{better} of {len(ratios)} outputs are better than with nearest; the median is {median:.2f}")
        said = (
            f"{better} of {len(ratios)} outputs have a smaller squared error, and the median is {median:.2f} of before"
        )
        return picture(figure, f"A search beats rounding to nearest: {said}.")
