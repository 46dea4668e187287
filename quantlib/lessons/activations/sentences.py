"""Sentences go by: the widest range so far, a range that moves with them, and who leaves which."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from quantlib.lab import style
from quantlib.lab.exercise import Function
from quantlib.lab.explore import Button, Explorer, Scene, Slider, View, explorer
from quantlib.lab.learner import StandIn
from quantlib.lab.panel import Drag, Panel
from quantlib.lab.picture import Picture, picture

from . import exercises
from .mistakes import widened

COUNT = 100  # sentences that go by
SEEN = Slider("n", "sentences n", 9, 2, COUNT, 1)
RATE = Slider("c", "rate c", 0.1, 0.02, 1.0, 0.02)
ORDER = Button("order", "another order of the sentences")
FIRST = 4  # the order that is shown first: in it as many sentences leave as the law says
LOW, HIGH = 1.2, 2.2  # the axis of activations


@dataclass(frozen=True)
class Watched(View):
    """What a range of the past does with the sentences to come, at its upper end.

    c: the rate of the moving range.
    tops: the largest activation of each sentence seen.
    widest, moving: the upper end of either range after each of them.
    """

    c: float
    tops: numpy.ndarray
    widest: numpy.ndarray
    moving: numpy.ndarray

    def left(self, ends: numpy.ndarray) -> numpy.ndarray:
        """Whether each sentence but the first leaves the range that was made before it."""
        return self.tops[1:] > ends[:-1]

    @property
    def law(self) -> float:
        """How many sentences leave the widest range, on average over all orders."""
        return float(law(len(self.tops))[-1])


def law(count: int) -> numpy.ndarray:
    """Return how many of 1, 2, … sentences leave the widest range, on average: 0, 1/2, 1/2 + 1/3, …"""
    return numpy.concatenate([[0.0], 1 / numpy.arange(2, count + 1)]).cumsum()


def shuffled(count: int, order: int) -> Tensor:
    """Return the places of so many sentences in an order drawn by its number."""
    return torch.tensor(numpy.random.RandomState(FIRST + order).permutation(count))


def ends_of(batches: Tensor, order: int, n: int) -> Tensor:
    """Return the lowest and the highest activation of each token of n sentences: all else lies between."""
    chosen = batches[shuffled(len(batches), order)[:n]]
    return torch.stack([chosen.amin(-1), chosen.amax(-1)], dim=-1)


def tops(batches: Tensor) -> numpy.ndarray:
    """Return the largest activation of each sentence."""
    return batches.flatten(1).amax(1).double().numpy()


@explorer
def explore_sentences(
    batches: Tensor,
    running: Function = exercises.running_range.reference,
    moving: Function = exercises.moving_range.reference,
) -> Explorer:
    """Show sliders for how many sentences were seen and for a rate, and which sentences left the range before them.

    Args:
        batches: activations, (sentences, tokens, channels), a hundred sentences at least.
        running: f(batch, low, high) that returns the widened range, quantlib's or a learner's.
        moving: f(batch, low, high, rate) that returns the moved range, quantlib's or a learner's.
    """
    widen, move = exercises.running_range.stand_in(running), exercises.moving_range.stand_in(moving)

    def compute(n: int, c: float, order: int) -> Watched:
        seen = ends_of(batches, order, n)
        widest, of_widest = follow(widen, seen, (0.0, 0.0))
        first = widened(seen[0], 0.0, 0.0)
        moved, of_moved = follow(move, seen[1:], first, round(c, 2))
        notices = tuple(dict.fromkeys([*of_widest, *of_moved]))
        return Watched(c, tops(seen), widest, numpy.concatenate([[first[1]], moved]), notices=notices)

    return Explorer([SEEN, RATE, ORDER], compute, Scene((9.2, 4.75), _lay_out), describe)


def follow(
    function: StandIn, batches: Tensor, start: tuple[float, float], *rate: float
) -> tuple[numpy.ndarray, list[str]]:
    """Return the upper end of a range after each batch, and what a reader must know of the function."""
    low, high, highs, notices = *start, [], []
    for batch in batches:
        (low, high), notice = function(batch, float(low), float(high), *rate)
        highs.append(float(high))
        notices.append(notice)
    return numpy.array(highs), notices


def describe(view: Watched) -> str:
    """Return the sentences that say who left which range."""
    n = len(view.tops)
    head = f"n = {n} and c = {view.c:.2f}: the widest range ends at {view.widest[-1]:.2f}, the moving one at"
    widest, moving = (int(view.left(ends).sum()) for ends in (view.widest, view.moving))
    left = f"So many sentences left the range before them: {widest} the widest (the law says {view.law:.1f})"
    return f"{head} {view.moving[-1]:.2f}. {left}, {moving} the moving one."


def _lay_out(figure: Figure) -> list[Panel]:
    left, width = 0.085, 0.895
    return [Passing(figure.add_axes((left, 0.47, width, 0.455))), Counts(figure.add_axes((left, 0.11, width, 0.225)))]


class Passing(Panel):
    """The largest activation of each sentence seen, and both ranges up to there."""

    def __init__(self, axes: Axes) -> None:
        super().__init__(axes, xlim=(0, COUNT + 1), ylim=(LOW, HIGH), ylabel="largest activation")
        axes.tick_params(axis="x", labelbottom=False)
        self._band = self.area({"facecolor": style.RANGE, "alpha": 0.4, "zorder": 1})
        self._moving = self.line(style.QUANTIZED, lw=1.8, zorder=3, drawstyle="steps-post")
        self._tops = self.line(style.ORIGINAL, marker="o", ms=4, ls="none", zorder=4)
        self._left = self.line(style.CLIPPED, marker="D", ms=7, ls="none", zorder=5)
        key = "band: the widest range so far; line: the moving range; diamond: a sentence that left the widest range"
        axes.text(0.5, 0.955, key, transform=axes.transAxes, size=8.5, color=style.QUIET, ha="center", va="center")

    def update(self, view: Watched) -> None:
        """Draw the sentences and the ranges of a view."""
        n = len(view.tops)
        at = numpy.arange(1, n + 1)
        self._tops.set_data(at, view.tops)
        self._left.set_data(at[1:][view.left(view.widest)], view.tops[1:][view.left(view.widest)])
        steps = numpy.repeat(numpy.arange(1, n + 2), 2)[1:-1]
        self._band.set_verts([_below(steps, numpy.repeat(numpy.clip(view.widest, LOW, HIGH), 2))])
        self._moving.set_data(numpy.append(at, n + 1), numpy.append(view.moving, view.moving[-1]))
        self.title.text = f"{n} sentences seen; the next one is not known yet" if n < COUNT else f"{n} sentences seen"

    def grab(self, view: Watched, x: float, y: float) -> Drag:
        """Let sentences come, or take them back, up to the pointer."""
        return lambda x, y: {"n": x}


def _below(x: numpy.ndarray, y: numpy.ndarray) -> numpy.ndarray:
    """Return the outline of what lies below a line, down to the end of the axis."""
    return numpy.stack([[x[0], *x, x[-1]], [LOW, *y, LOW]], axis=1)


class Counts(Panel):
    """How many sentences have left either range, and the law."""

    def __init__(self, axes: Axes) -> None:
        super().__init__(axes, xlim=(0, COUNT + 1), ylim=(0.4, 110), yscale="log", xlabel="sentences seen n")
        axes.set_ylabel("how many left\n(logarithmic)")
        axes.set_yticks([0.5, 1, 5, 20, 100], ["½", "1", "5", "20", "100"])
        axes.minorticks_off()
        axes.plot(numpy.arange(2, COUNT + 1), law(COUNT)[1:], color=style.ORIGINAL, lw=1.2, ls="dashed", zorder=2)
        axes.text(COUNT, 1.3, "dashed: the law ½ + ⅓ + ¼ + …", size=9, ha="right", va="center")
        self._widest = self.line(style.CLIPPED, lw=2.4, ls="dotted", zorder=3, drawstyle="steps-post")
        self._moving = self.line(style.QUANTIZED, lw=1.8, zorder=3, drawstyle="steps-post")

    def update(self, view: Watched) -> None:
        """Draw the counts of a view."""
        at, (widest, moving) = numpy.arange(2, len(view.tops) + 1), map(view.left, (view.widest, view.moving))
        for line, left in ((self._widest, widest), (self._moving, moving)):
            line.set_data(at, numpy.where(left.cumsum(), left.cumsum(), numpy.nan))
        self.title.text = (
            f"{int(widest.sum())} left the widest range (dotted), {int(moving.sum())} the moving one (line)"
        )


def draw_first(batches: Tensor, count: int) -> Picture:
    """Draw the largest activation of the first sentences, the range that covers them, and a mark for the next.

    Args:
        batches: activations, (sentences, tokens, channels).
        count: how many sentences have been seen.
    """
    first = tops(ends_of(batches, 0, count))
    end = first.max()
    with style.house_style():
        figure = style.new_figure(9.2, 2.35)
        axes = figure.add_axes((0.085, 0.215, 0.895, 0.645))
        axes.set(xlim=(0.4, count + 1.8), ylim=(LOW, HIGH), xlabel="sentence", ylabel="largest activation")
        axes.set_xticks([*range(1, count + 2)], [*map(str, range(1, count + 1)), "the next"])
        axes.axhspan(LOW, end, color=style.RANGE, alpha=0.4, lw=0)
        axes.plot(range(1, count + 1), first, "o", color=style.ORIGINAL, ms=7)
        axes.text(count + 1, end, "?", size=22, weight="bold", ha="center", va="center")
        axes.text(0.6, LOW + 0.08, "band: the range that covers them", size=9, va="center")
        axes.set_title(f"{count} sentences are seen, and their range ends at {end:.2f}")
        said = (
            f"The largest activations of {count} sentences, from {first.min():.2f} to {end:.2f}, lie in an orange band"
        )
        return picture(figure, f"{said} that ends at {end:.2f}. A question mark stands for the next sentence.")


def exceeded(largest: numpy.ndarray, k: int, draws: int = 4000) -> tuple[float, float]:
    """Return how often a sentence exceeds k others, over so many orders, and by what share, in the median.

    Args:
        largest: activation of each sentence; k: how many were seen before.
    """
    draw = numpy.random.RandomState(k)
    chosen = largest[numpy.array([draw.permutation(len(largest))[: k + 1] for _ in range(draws)])]
    above = chosen[:, k] / chosen[:, :k].max(1) - 1
    beyond = above[above > 0]
    return len(beyond) / draws, float(numpy.median(beyond)) if len(beyond) else 0.0


def moving_exceeded(largest: numpy.ndarray, rate: float, draws: int = 400) -> float:
    """Return what share of sentences exceeds the moving end of those before, over so many orders."""
    draw = numpy.random.RandomState(0)
    orders = largest[numpy.array([draw.permutation(len(largest)) for _ in range(draws)])]
    end, left = orders[:, 0], []
    for top in orders[:, 1:].T:
        left.append(top > end)
        end = end + rate * (top - end)
    return float(numpy.mean(left))


def draw_law(largest: Mapping[str, numpy.ndarray]) -> Picture:
    """Draw how often a sentence exceeds all of k others, over k, and 1/(k + 1).

    Args:
        largest: by the name of a matrix, the largest input of each sentence.
    """
    seen = 1, 3, 9, 31, 63
    marks = dict(zip(largest, ("o", "D", "s"), strict=True))
    with style.house_style():
        figure = style.new_figure(9.2, 3.2)
        axes = figure.add_axes((0.085, 0.17, 0.895, 0.71))
        axes.set(xlim=(0.8, 80), ylim=(0.009, 0.9), xscale="log", yscale="log")
        axes.set(xlabel="sentences seen k (logarithmic)", ylabel="how often (logarithmic)")
        axes.set_xticks(seen, [str(k) for k in seen])
        axes.set_yticks([1 / (k + 1) for k in seen], [f"1/{k + 1}" for k in seen])
        axes.minorticks_off()
        line = numpy.linspace(1, 70, 200)
        axes.plot(line, 1 / (line + 1), color=style.ORIGINAL, lw=1.2, ls="dashed", label="1/(k + 1)")
        for name, its in largest.items():
            shares = [exceeded(its, k)[0] for k in seen]
            look: dict[str, Any] = {
                "mfc": "none",
                "mec": style.QUANTIZED,
                "mew": 1.8,
                "ms": 9 - 2 * (marks[name] == "D"),
            }
            axes.plot(seen, shares, marks[name], **look, label=f"input of {name}")
        axes.legend(loc="upper right", frameon=False, fontsize=9)
        axes.set_title("how often the next sentence leaves the widest range of k")
        said = "; ".join(f"{name} {exceeded(its, 9)[0]:.3f}" for name, its in largest.items())
        return picture(
            figure, f"How often a sentence leaves the range of k others follows 1/(k + 1). For k = 9: {said}."
        )
