"""One weight between two codes: it is trained with rounding, step by step, and goes up and down."""

from dataclasses import dataclass

import numpy
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from quantlib.lab import style
from quantlib.lab.exercise import Function
from quantlib.lab.explore import Explorer, Scene, Slider, View, explorer
from quantlib.lab.panel import Drag, Panel, set_strokes
from quantlib.lab.picture import Picture
from quantlib.lab.words import fixed

from . import exercises

STEPS, LAST = 150, 100  # so many steps are taken, and over so many of them codes are counted
TARGET = Slider("y", "target y", 0.3, 0.0, 2.0, 0.05)
RATE = Slider("lr", "rate lr", 0.05, 0.01, 0.3, 0.01)
LOW, HIGH = -0.65, 2.65


@dataclass(frozen=True)
class Path(View):
    """The way of a weight.

    y, lr: the target and the learning rate.
    w: the weight after 0, 1, … 150 steps.
    """

    y: float
    lr: float
    w: numpy.ndarray

    @property
    def codes(self) -> numpy.ndarray:
        """The weight rounded, with s = 1."""
        return numpy.round(self.w)

    @property
    def mean(self) -> float:
        """The mean code of the last steps."""
        return float(self.codes[-LAST:].mean())

    @property
    def changes(self) -> int:
        """How often the code changes in the last steps."""
        return int((numpy.diff(self.codes[-LAST:]) != 0).sum())

    def share(self, code: int) -> float:
        """Return the share of the last steps at a code."""
        return float((self.codes[-LAST:] == code).mean())


@explorer
def explore_one_weight(step: Function = exercises.train_step.reference) -> Explorer:
    """Show sliders for target and rate, the way of the weight, and at which codes it stays how long.

    Args:
        step: f(w, x, y, s, lr) that returns w after one step: quantlib's or a learner's.
    """
    take = exercises.train_step.stand_in(step)
    x, one = torch.ones(1, 1), 1.0

    def compute(y: float, lr: float) -> Path:
        y, lr = round(y, 2), round(lr, 2)
        w, goal, notices = torch.tensor([y]), torch.tensor([y]), {""}
        way = [y]
        for _ in range(STEPS):
            w, notice = take(w, x, goal, one, lr)
            notices.add(notice)
            way.append(float(w))
        return Path(y, lr, numpy.array(way), notices=tuple(sorted(notices)))

    return Explorer([TARGET, RATE], compute, Scene((9.2, 4.2), _lay_out), describe)


def describe(view: Path) -> str:
    """Return the sentence that says at which codes the weight was in the last steps."""
    codes = sorted({int(code) for code in view.codes[-LAST:]}, key=lambda code: (-view.share(code), code))
    spent = ", ".join(f"{LAST * view.share(code):.0f} at the code {fixed(code, 0)}" for code in codes[:3])
    head = f"The mean code is {fixed(view.mean, 2)} for the target y = {view.y:.2f} and the rate lr = {view.lr:.2f}."
    return f"{head} Of the last {LAST} steps {spent}, and the code changes {view.changes} times."


def _lay_out(figure: Figure) -> list[Panel]:
    way = Way(figure.add_axes((0.075, 0.135, 0.60, 0.755)))
    return [way, Stays(figure.add_axes((0.745, 0.135, 0.235, 0.755)))]


class _Target(Panel):
    """Weights from below to above, the codes and the ties between them, and the target, which can be dragged."""

    def __init__(self, axes: Axes, **axis: object) -> None:
        super().__init__(axes, ylim=(LOW, HIGH), yticks=[0, 0.5, 1, 1.5, 2], **axis)
        for code in (0, 1, 2):
            axes.axhline(code, color=style.LEVELS, lw=1.2, zorder=0)
        for tie in (0.5, 1.5):
            axes.axhline(tie, color=style.QUIET, lw=0.8, ls="dotted", zorder=0)
        self._target = self.strokes(style.BETTER_TEXT, lw=1.6, ls="dashed", zorder=1)

    def update(self, view: Path) -> None:
        """Move the target."""
        left, right = self.axes.get_xlim()
        set_strokes(self._target, numpy.array([[[left, view.y], [right, view.y]]]))

    def grab(self, view: Path, x: float, y: float) -> Drag:
        """Bring the target to the pointer."""
        return lambda x, y: {"y": y}


class Way(_Target):
    """The weight step by step, and its code."""

    def __init__(self, axes: Axes) -> None:
        super().__init__(axes, xlim=(0, STEPS), xlabel="steps of training", ylabel="weight w and code, in steps s = 1")
        self._codes = self.line(style.QUANTIZED, marker=".", ms=4, ls="none")
        self._way = self.line(style.ORIGINAL, lw=1.3)
        self._named = self.label(at=(2, 2.42), ha="left", bold=True, color=style.BETTER_TEXT)

    def update(self, view: Path) -> None:
        """Draw the way of a view."""
        super().update(view)
        at = numpy.arange(len(view.w))
        self._codes.set_data(at, view.codes.clip(LOW, HIGH))
        self._way.set_data(at, view.w.clip(LOW, HIGH))
        self._named.text = f"dashed: target y = {view.y:.2f}, to be dragged"
        self.title.text = "the weight (line), and its code (dots)"


class Stays(_Target):
    """Which share of the last steps the weight was at each code, and the mean code."""

    def __init__(self, axes: Axes) -> None:
        super().__init__(axes, xlim=(0, 1.05), xlabel=f"share of the last {LAST} steps", xticks=[0, 0.5, 1])
        self._bars = [self.strokes(style.QUANTIZED, lw=16) for _ in range(3)]
        self._shares = [self.label(ha="left", color=style.QUANTIZED, bold=True, opaque=True) for _ in range(3)]

    def update(self, view: Path) -> None:
        """Draw the shares of a view."""
        super().update(view)
        for code, (bar, label) in enumerate(zip(self._bars, self._shares, strict=True)):
            share = view.share(code)
            bar.set_data([0, share], [code, code])
            label.at, label.text = (min(share + 0.04, 0.8), code + 0.24), f"{share:.2f}" if share else ""
        self.title.text = f"mean code {fixed(view.mean, 2)}"


def draw_one_weight(y: float) -> Picture:
    """Draw the way of a weight with this target."""
    return explore_one_weight().still(y=y)


def share_at_code_1(y: float) -> float:
    """Return in which share of the last steps a weight with this target has the code 1."""
    view: Path = explore_one_weight().compute(y=y, lr=RATE.value)
    return view.share(1)
