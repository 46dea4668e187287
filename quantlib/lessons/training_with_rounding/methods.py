"""Three trainings side by side: what rounding costs on the way, and what becomes of the codes."""

from dataclasses import dataclass

import numpy
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from quantlib.lab import style
from quantlib.lab.exercise import Function
from quantlib.lab.explore import Explorer, Scene, Slider, View, explorer
from quantlib.lab.panel import Drag, Panel, set_strokes, uprights
from quantlib.lab.words import fixed

from . import exercises
from .training import BITS, EVERY, MATRICES, STEPS, WAYS, cost, gptq_cost, largest_code, rounded, trained

BITS_SLIDER = Slider("bits", "bits b", 3, 2, 4, 1)
STEPS_SLIDER = Slider("steps", "steps", 0, 0, STEPS, EVERY)
LOW, HIGH = 0.03, 4.0  # of the axis of costs
REACH = 7.8  # of the axis of weights, in steps
SHOWN, ROW = "0.up.weight", 70  # the row whose weights are drawn: one in which many change
INKS = {"in float": style.ORIGINAL, "the rest": style.QUIET, "with rounding": style.BETTER_TEXT}
NAMES = {"in float": "in float, then rounded", "the rest": "only the rest", "with rounding": "with rounding"}
DASHES = {"in float": "solid", "the rest": "dashed", "with rounding": "solid"}
MARKERS = {"in float": "s", "the rest": "D", "with rounding": "o"}


@dataclass(frozen=True)
class Moment(View):
    """Where three trainings are after some steps.

    bits, steps: the sliders.
    costs: for each way, the costs at all moments.
    mine: the cost of the training with rounding now, with its matrices rounded by the learner's function.
    before, now: the weights of one row in steps of its scale, at the beginning and now.
    changed: which of them have another code now.
    share: of all codes that are others now.
    """

    bits: int
    steps: int
    costs: dict[str, list[float]]
    mine: float
    before: numpy.ndarray
    now: numpy.ndarray
    changed: numpy.ndarray
    share: float

    @property
    def at(self) -> int:
        """The place of the moment among those that were kept."""
        return self.steps // EVERY


@explorer
def explore_training(quantize: Function = exercises.straight_quantize.reference) -> Explorer:
    """Show sliders for bits and steps, what rounding costs after each of three trainings, and a row of weights.

    Args:
        quantize: f(w, s, top) that rounds the matrices: quantlib's or a learner's.
    """
    use = exercises.straight_quantize.stand_in(quantize)
    for width in BITS:  # now, so that no slider waits for it
        gptq_cost(width)
        for way in WAYS:
            trained(way, width)

    def compute(steps: float, bits: int) -> Moment:
        at = round(steps) // EVERY
        run, notices = trained("with rounding", bits), {""}

        def rounding(w: Tensor, s: Tensor, top: int) -> Tensor:
            value, notice = use(w, s, top)
            notices.add(notice)
            return value.float()

        start, now, s = run.kept[0], run.kept[at], run.scales[0]
        w_hat = rounded(now, s, bits, rounding)
        top = largest_code(bits)
        codes = [(_codes(start[name], s[name], top), (w_hat[name] / s[name]).round()) for name in MATRICES]
        others = sum(int((before != after).sum()) for before, after in codes)
        before, after = codes[MATRICES.index(SHOWN)]
        was, is_now = ((weights[SHOWN] / s[SHOWN])[ROW].numpy() for weights in (start, now))
        return Moment(
            bits,
            round(steps),
            costs={way: trained(way, bits).costs for way in WAYS},
            mine=cost(w_hat),
            before=was,
            now=is_now,
            changed=(before != after)[ROW].numpy(),
            share=others / sum(before.numel() for before, _ in codes),
            notices=tuple(sorted(notices)),
        )

    return Explorer([STEPS_SLIDER, BITS_SLIDER], compute, Scene((9.2, 4.4), _lay_out), describe)


def _codes(w: Tensor, s: Tensor, top: int) -> Tensor:
    return (w / s).round().clamp(-top, top)


def describe(view: Moment) -> str:
    """Return the sentence that says what rounding costs after three trainings."""
    rest, plain = view.costs["the rest"][view.at], view.costs["in float"][view.at]
    said = f"Bits per character lost when trained with rounding: {fixed(view.mine, 2)}; when only the rest is trained:"
    said = f"{said} {fixed(rest, 2)}; when all is trained in float: {fixed(plain, 2)}."
    return f"{said} {view.bits} bits a weight, {view.steps} steps; {view.share:.1%} of the codes have changed."


def _lay_out(figure: Figure) -> list[Panel]:
    costs = Costs(figure.add_axes((0.075, 0.135, 0.43, 0.745)))
    return [costs, Row(figure.add_axes((0.765, 0.135, 0.22, 0.745)))]


class Costs(Panel):
    """What rounding costs after each of the trainings, step by step; the moment can be dragged."""

    def __init__(self, axes: Axes) -> None:
        super().__init__(axes, xlim=(0, STEPS), yscale="log", ylim=(LOW, HIGH), xlabel="steps of training")
        axes.set_ylabel("loss above float (bits per character)")
        ticks = [0.03, 0.1, 0.3, 1, 3]
        axes.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
        axes.minorticks_off()
        for tick in ticks:
            axes.axhline(tick, color=style.LEVELS, lw=0.8, zorder=0)
        self._now = self.strokes(style.QUIET, lw=1.2, ls="dashdot")
        self._gptq = self.strokes(style.QUANTIZED, lw=1.4, ls="dotted")
        self._ways = {way: self.line(ink, lw=2, ls=DASHES[way]) for way, ink in INKS.items()}
        self._dots = {way: self.dot(ink, marker=MARKERS[way]) for way, ink in INKS.items()}
        inks = {**INKS, "GPTQ": style.QUANTIZED}
        self._names = {
            name: self.label(ha="left", color=ink, size=9.5, bold=name == "with rounding") for name, ink in inks.items()
        }

    def update(self, view: Moment) -> None:
        """Draw the costs of a view, and where each training is now."""
        steps = numpy.arange(0, STEPS + 1, EVERY)
        set_strokes(self._now, uprights(numpy.array([view.steps]), LOW, HIGH))
        without = gptq_cost(view.bits)
        set_strokes(self._gptq, numpy.array([[[0, without], [STEPS, without]]]))
        for way, costs in view.costs.items():
            self._ways[way].set_data(steps, numpy.clip(costs, LOW, HIGH))
            now = view.mine if way == "with rounding" else costs[view.at]
            self._dots[way].set_data([view.steps], [min(max(now, LOW), HIGH)])
        ends = {**{way: costs[-1] for way, costs in view.costs.items()}, "GPTQ": without}
        for name, height in _apart(ends).items():
            label = self._names[name]
            label.at = (STEPS * 1.03, height)
            label.text = NAMES.get(name, "GPTQ, no training")
        self.title.text = f"{view.bits} bits: lost by rounding, on text never read"

    def grab(self, view: Moment, x: float, y: float) -> Drag:
        """Go to the moment that is pointed at."""
        return lambda to_x, to_y: {"steps": to_x}


def _apart(ends: dict[str, float], gap: float = 1.3) -> dict[str, float]:
    """Return heights for labels in their order on a logarithmic axis, each at least `gap` times the one below."""
    heights: dict[str, float] = {}
    below = LOW
    for name in sorted(ends, key=lambda name: ends[name]):
        heights[name] = below = max(ends[name], below * gap)
    return heights


class Row(Panel):
    """The weights of one row on the ruler of their codes, at the beginning and now."""

    def __init__(self, axes: Axes) -> None:
        super().__init__(axes, xlim=(-0.3, 1.3), ylim=(-REACH, REACH), ylabel="weight, in steps of its scale")
        axes.set_xticks([0, 1], ["before", "now"])
        axes.set_yticks(range(-7, 8))
        for code in range(-7, 8):
            axes.axhline(code, color=style.LEVELS, lw=1, zorder=0)
        self._stay = self.strokes(style.QUIET, lw=0.8)
        self._change = self.strokes(style.QUANTIZED, lw=2, zorder=4)

    def update(self, view: Moment) -> None:
        """Draw a line for each weight, from where it was to where it is."""
        ends = numpy.stack([view.before, view.now], axis=1).clip(-REACH, REACH)
        lines = numpy.stack([numpy.broadcast_to([0.0, 1.0], ends.shape), ends], axis=2)
        set_strokes(self._stay, lines[~view.changed])
        set_strokes(self._change, lines[view.changed])
        self.title.text = f"{int(view.changed.sum())} of {len(view.changed)} codes are new"
