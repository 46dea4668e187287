"""A head of the wrong size: which gauges see it, and which of them like it."""

from dataclasses import dataclass
from functools import cache

import numpy
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from quantlib.data.writer import to_ids
from quantlib.lab import style
from quantlib.lab.exercise import Function
from quantlib.lab.explore import Explorer, Scene, Slider, View, explorer
from quantlib.lab.panel import Drag, Panel
from quantlib.lab.words import fixed
from quantlib.metrics import bits_per_symbol

from . import exercises
from .judges import (
    PROMPT,
    SEED,
    Gauges,
    broken,
    few_windows,
    gauges,
    in_one_line,
    logits_of,
    targets_of,
    writer,
    written,
)

FACTOR_SLIDER = Slider("f", "head times f", 1, 0.3, 3, 0.1)
LENGTH, TEXTS = 48, 3  # characters that it writes, and how often
ROWS = (
    ("cosine", "cosine of the logits", "{:.4f}"),
    ("agrees", "likeliest as in float", "{:.1%}"),
    ("first", "likeliest is right", "{:.1%}"),
    ("five", "right is one of five", "{:.1%}"),
    ("flips", "right or wrong changed", "{:.1%}"),
    ("words", "known words in its text", "{:.0%}"),
    ("own", "bits of its own text", "{:.2f}"),
    ("divergence", "divergence from float, bits", "{:.2f}"),
    ("unseen", "bits of text never seen", "{:.2f}"),
)
LESS_IS_BETTER = "flips", "own", "divergence", "unseen"
BETTER, SAME, WORSE = "better", "as good", "worse"


@dataclass(frozen=True)
class Claim(View):
    """What is said of a network whose head was multiplied.

    f: by how much; now, exact: what the gauges say of it, and of the network in float.
    text: what it writes.
    """

    f: float
    now: Gauges
    exact: Gauges
    text: str

    def says(self, field: str) -> str:
        """Return what a gauge says, beside float: better, as good or worse."""
        form = {name: form for name, _, form in ROWS}[field]
        now, exact = (float(form.format(getattr(g, field)).rstrip("%")) for g in (self.now, self.exact))
        if now == exact:
            return SAME
        return BETTER if (now < exact) == (field in LESS_IS_BETTER) else WORSE

    def count(self, verdict: str) -> int:
        """How many gauges say this."""
        return sum(self.says(field) == verdict for field, _, _ in ROWS)


@cache
def _exact() -> tuple[Tensor, Tensor]:
    """Return the logits in float on the few windows, and what came."""
    return logits_of(writer(), few_windows()), targets_of(few_windows())


@cache
def _text(f: float) -> tuple[Tensor, Tensor]:
    """Return four texts that a network writes after PROSPERO, with their logits."""
    return written(broken(f), to_ids(PROMPT).expand(TEXTS, -1), LENGTH, SEED)


@explorer
def explore_liar(loss: Function = exercises.bits_per_character.reference) -> Explorer:
    """Show a slider for a factor on the head, and what nine gauges say of the network then.

    Args:
        loss: f(logits, targets) in bits a character, quantlib's or a learner's.
    """
    use = exercises.bits_per_character.stand_in(loss)

    def compute(f: float) -> Claim:
        exact, targets = _exact()
        notices = []

        def judged(logits: Tensor, came: Tensor) -> float:
            value, notice = use(logits, came)
            notices.append(notice)
            return float(value)

        f = round(f, 1)
        now = gauges(exact, f * exact, targets, _text(f), judged)  # the logits are multiplied as the head is
        before = gauges(exact, exact, targets, _text(1.0), judged)
        return Claim(f, now, before, in_one_line(_text(f)[0][0]), notices=tuple(dict.fromkeys(notices)))

    return Explorer([FACTOR_SLIDER], compute, Scene((9.2, 4.5), _lay_out), describe)


def own_bits(f: float) -> float:
    """Return the bits a character that a network finds its own text worth, its head multiplied by f."""
    return explore_liar().compute(f=f).now.own


def describe(view: Claim) -> str:
    """Return the sentence that says how many gauges like the network."""
    good, worse = view.count(BETTER), view.count(WORSE)
    losses = f"Bits a character: {fixed(view.now.unseen, 2)} on text never seen, {fixed(view.now.own, 2)} on its own"
    judges = f"judges that say better than float: {good} of nine, worse: {worse}"
    return f"f = {fixed(view.f, 1)}: {judges}. {losses}."


def _lay_out(figure: Figure) -> list[Panel]:
    table = Table(figure.add_axes((0.01, 0.13, 0.55, 0.79)))
    return [table, Losses(figure.add_axes((0.65, 0.24, 0.33, 0.68)))]


class Table(Panel):
    """Nine gauges, in float and now, and below them what the network writes."""

    def __init__(self, axes: Axes) -> None:
        super().__init__(axes, xlim=(0, 1), ylim=(len(ROWS) - 0.4, -1.0))
        style.bare(axes)
        for x, name in ((0.55, "float"), (0.74, "now")):
            axes.text(x, -0.85, name, ha="right", va="center", size=9, color=style.QUIET)
        for row, (_, name, _) in enumerate(ROWS):
            axes.text(0.0, row, name, va="center")
        self._float = [self.label(at=(0.55, row), ha="right", color=style.QUIET) for row in range(len(ROWS))]
        self._now = [self.label(at=(0.74, row), ha="right", bold=True) for row in range(len(ROWS))]
        inks = {BETTER: style.BETTER_TEXT, SAME: style.QUIET, WORSE: style.CLIPPED_TEXT}
        self._verdicts = [
            {v: self.label(at=(0.79, k), ha="left", color=inks[v]) for v in inks} for k in range(len(ROWS))
        ]
        self._text = self.label(at=(0.0, len(ROWS) + 0.25), ha="left")

    def update(self, view: Claim) -> None:
        """Say what each gauge says."""
        for row, (field, _, form) in enumerate(ROWS):
            self._float[row].text = form.format(getattr(view.exact, field))
            self._now[row].text = form.format(getattr(view.now, field))
            for verdict, label in self._verdicts[row].items():
                label.text = verdict if view.says(field) == verdict else ""
        self._text.text = f"PROSPERO. {view.text}"
        self.title.text = f"nine judges: {view.count(WORSE)} say worse than float"


class Losses(Panel):
    """The bits of text that the network never saw, over the factor; the factor can be dragged."""

    def __init__(self, axes: Axes) -> None:
        super().__init__(axes, xlim=(0.2, 3.1), ylim=(0, 5), xlabel="factor f on the head", ylabel="bits a character")
        exact, targets = _exact()
        factors = numpy.arange(3, 31) / 10
        axes.plot(factors, [bits_per_symbol(float(f) * exact, targets) for f in factors], color=style.QUANTIZED, lw=2)
        self._unseen, self._own = self.dot(style.QUANTIZED), self.dot(style.CLIPPED, marker="D")
        self._names = [self.label(ha="center", size=9, color=ink) for ink in (style.QUANTIZED, style.CLIPPED_TEXT)]

    def update(self, view: Claim) -> None:
        """Move both dots."""
        for dot, label, name, value, off in (
            (self._unseen, self._names[0], "text never seen", view.now.unseen, 0.35),
            (self._own, self._names[1], "its own text", view.now.own, -0.35),
        ):
            at = min(max(value, 0.0), 5.0)
            dot.set_data([view.f], [at])
            label.text, label.at = name, (min(max(view.f, 0.75), 2.6), at + off)
        self.title.text = f"head times {fixed(view.f, 1)}"

    def grab(self, view: Claim, x: float, y: float) -> Drag:
        """Take the factor that is pointed at."""
        return lambda to_x, to_y: {"f": to_x}
