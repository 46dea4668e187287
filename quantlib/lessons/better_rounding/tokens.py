"""How much must have been seen: the error on seen and on unseen text over the tokens of calibration and damping."""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from quantlib.lab import style
from quantlib.lab.exercise import Function
from quantlib.lab.explore import Explorer, Scene, Slider, View, explorer
from quantlib.lab.panel import Drag, Panel
from quantlib.lab.words import fixed
from quantlib.networks import input_hessian

from . import exercises
from .layer import TOKENS, by_gptq, error, to_nearest

WINDOWS = Slider("n", "windows seen n", 16, 1, 65, 1)
DAMPING = Slider("d", "exponent d", -2.0, -4.0, 0.0, 0.25)
LOW, HIGH = 1 / 32, 8.0  # the axis of errors
FIRST, LAST = 48.0, 6000.0  # the axis of tokens


@dataclass(frozen=True)
class Calibrated(View):
    """What GPTQ makes of a matrix, after so much text and with such a damping, as multiples of nearest.

    windows, damp: what was seen, in windows of 64 tokens, and the damping.
    seen, unseen: squared error of the output on the text that was seen, and on other text of the kind.
    weights: squared error of the weights; changed: the share of codes that are not the nearest.
    """

    windows: int
    damp: float
    seen: float
    unseen: float
    weights: float
    changed: float

    @property
    def tokens(self) -> int:
        """How many tokens were seen."""
        return TOKENS * self.windows


@explorer
def explore_tokens(
    layer: Tensor, seen: Tensor, unseen: Tensor, hessian: Function = exercises.hessian.reference
) -> Explorer:
    """Show sliders for how much text was seen and for the damping, and the errors that GPTQ leaves.

    Args:
        layer: weights, (rows, columns).
        seen, unseen: inputs, (windows, tokens, columns): those to learn from, and those to judge by.
        hessian: f(x, damp) that returns the damped hessian, quantlib's or a learner's.
    """
    weigh = exercises.hessian.stand_in(hessian)
    w, rounded = layer, to_nearest(layer)

    @lru_cache(maxsize=4)
    def judge(n: int) -> tuple[Tensor, float]:
        """Return the undamped hessian of the first n windows, or of the unseen for n = 0, and the error of nearest."""
        h = input_hessian(seen[:n] if n else unseen, 0.0)
        return h, error(w, rounded, h)

    def compute(n: int, d: float) -> Calibrated:
        damp, x = 10.0**d, seen[:n].flatten(0, 1).double()
        h, notice = weigh(x, damp)
        w_hat = by_gptq(w, h)
        own = ((w - w_hat).square().sum() / (w - rounded).square().sum()).item()
        on_seen, on_unseen = (error(w, w_hat, its) / nearest for its, nearest in (judge(n), judge(0)))
        changed = ((w_hat - rounded).abs() > 1e-6).double().mean().item()
        return Calibrated(n, damp, on_seen, on_unseen, own, changed, notices=(notice,))

    return Explorer([WINDOWS, DAMPING], compute, Scene((9.2, 4.6), _lay_out), describe)


def describe(view: Calibrated) -> str:
    """Return the sentences that say what was gained on seen and on unseen text, and at which price."""
    errors = f"{view.seen:.2f} times that of nearest on seen text, {view.unseen:.2f} times on unseen"
    at = f"n = {view.tokens // TOKENS} and d = {fixed(math.log10(view.damp), 2)}"
    changed = f"{100 * view.changed:.0f} % of codes differ from nearest"
    own = f"the weights' error is {view.weights:.2f} times as large"
    return f"{at}: the output's squared error after {view.tokens:,} tokens is {errors}. {changed}; {own}."


def _lay_out(figure: Figure) -> list[Panel]:
    return [Errors(figure.add_axes((0.105, 0.125, 0.805, 0.785)))]


class Errors(Panel):
    """The three errors at the number of tokens that were seen."""

    def __init__(self, axes: Axes) -> None:
        super().__init__(axes, xlim=(FIRST, LAST), ylim=(LOW, HIGH), xscale="log", yscale="log")
        axes.set(xlabel="tokens seen (logarithmic)", ylabel="squared error, nearest = 1 (logarithmic)")
        axes.set_xticks([64, 128, 256, 512, 1024, 2048, 4096], ["64", "128", "256", "512", "1,024", "2,048", "4,096"])
        axes.set_yticks([1 / 16, 1 / 4, 1 / 2, 1, 2, 4, 8], ["1/16", "1/4", "1/2", "1", "2", "4", "8"])
        axes.minorticks_off()
        axes.axhline(1, color=style.ROUNDING_TEXT, lw=1.6, ls="dashed", zorder=1)
        axes.text(LAST * 1.03, 1, "nearest", size=10, color=style.ROUNDING_TEXT, va="center")
        axes.axvline(384, color=style.LEVELS, lw=1.2, zorder=0)
        axes.text(390, LOW * 1.06, "as many tokens as columns: 384", size=9, color=style.QUIET, va="bottom")
        self._here = self.line(style.LEVELS, lw=1, zorder=0)
        looks = {"weights": (style.ORIGINAL, "s"), "unseen": (style.QUANTIZED, "o"), "seen": (style.BETTER, "^")}
        self._marks = {name: self.dot(color, marker=mark, ms=10, clip_on=True) for name, (color, mark) in looks.items()}
        inks = {"weights": style.ORIGINAL, "unseen": style.QUANTIZED, "seen": style.BETTER_TEXT}
        self._names = {name: self.label(size=10, color=ink, opaque=True) for name, ink in inks.items()}

    def grab(self, view: Calibrated, x: float, y: float) -> Drag:
        """See as many tokens as the pointer says."""
        return lambda x, y: {"n": x / TOKENS}

    def update(self, view: Calibrated) -> None:
        """Draw the errors of a view."""
        said = {"weights": "the weights", "unseen": "output, unseen text", "seen": "output, seen text"}
        left = view.tokens > 700
        for (name, y), place in zip(_errors(view).items(), _apart(list(_errors(view).values())), strict=True):
            at = min(max(y, LOW), HIGH)
            self._marks[name].set_data([view.tokens], [at])
            label = self._names[name]
            label.at, label.ha = (
                (view.tokens / 1.07 if left else view.tokens * 1.07, place),
                "right" if left else "left",
            )
            label.text = f"{said[name]} {y:.2f}" + (" (beyond the axis)" if at != y else "")
        self._here.set_data([view.tokens, view.tokens], [LOW, HIGH])
        unseen = round(view.unseen, 2)
        verdict = "as good as" if unseen == 1 else "better than" if unseen < 1 else "worse than"
        self.title.text = f"after {view.tokens:,} tokens GPTQ is {verdict} nearest on unseen text"


def _errors(view: Calibrated) -> dict[str, float]:
    return {"weights": view.weights, "unseen": view.unseen, "seen": view.seen}


def _apart(errors: list[float], gap: float = 0.27) -> list[float]:
    """Return heights for the names of errors, in the order given, near to them and far enough apart to be read."""
    logs = torch.tensor(errors).clamp(LOW * 1.1, HIGH / 1.1).log()
    order = logs.argsort()
    heights = logs.clone()
    for below, above in zip(order[:-1].tolist(), order[1:].tolist(), strict=True):
        heights[above] = max(heights[above].item(), heights[below].item() + gap)
    over = max(0.0, heights.max().item() - float(numpy.log(HIGH / 1.1)))
    return [float(height) for height in (heights - over).exp()]
