"""One number on its way: divide, shift, round, clamp, cast, and back."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from quantlib.affine import dequantize, quantize, unclamped_codes
from quantlib.lab import style
from quantlib.lab.exercise import Function
from quantlib.lab.explore import Explorer, Scene, Slider, explorer
from quantlib.lab.learner import name_of
from quantlib.lab.panel import Drag, Panel
from quantlib.lab.picture import Picture, picture
from quantlib.lab.ruler import QUANT_MAX, QUANT_MIN, RulerView, is_clipped, make_view
from quantlib.lab.words import number

from . import exercises
from .touch import LooseRuler

LIMITS = (-400.0, 1000.0)  # the ends of the number line
VALUE = Slider("x", "value x", 191.6, *LIMITS, 0.1)
SCALE = Slider("s", "scale s", 3.5, 0.5, 20.0, 0.5)
ZERO_POINT = Slider("z", "zero point z", -70, -128, 127, 1)
HEADS = "value x", "1 divide", "2 shift", "3 round", "4 clamp", "5 cast", "subtract z", "comes back"
CODE, BACK = 5, 7  # the columns of the code, and of what comes back
STANDS_IN = "stands in."


@dataclass(frozen=True)
class TraceView(RulerView):
    """One value on a ruler, and its way there and back.

    rows: what every step of quantlib's makes of a value, in the order of the columns.
    stands_in: for quantize and dequantize, whether quantlib's stands in for the function given.
    """

    rows: Sequence[Sequence[float]]
    stands_in: tuple[bool, bool]


def steps(value: float, s: float, z: int, quant_min: int = QUANT_MIN, quant_max: int = QUANT_MAX) -> list[float]:
    """Return x, x / s, x / s + z, that rounded, clamped, stored as q, then q - z, and s (q - z).

    >>> steps(728.6, 3.5, -70)[3:]
    [138.0, 127.0, 127.0, 197.0, 689.5]
    """
    x = torch.tensor(value)
    code = quantize(x, s, z, quant_min, quant_max)
    rounded, q = unclamped_codes(x, s, z).item(), float(code.item())
    return [value, value / s, value / s + z, rounded, q, q, q - z, dequantize(code, s, z).item()]


@explorer
def explore_trace(
    quantize: Function = exercises.quantize.reference, dequantize: Function = exercises.dequantize.reference
) -> Explorer:
    """Show sliders for a value x, for s and for z over the number line and over the five steps from x to its code.

    Args:
        quantize: f(x, s, z) that returns int8 codes: quantlib's, or a learner's, which is drawn below quantlib's.
        dequantize: f(q, s, z) that returns reals.
    """
    to_codes = exercises.quantize.stand_in(quantize, f"quantlib's code {STANDS_IN}")
    back = exercises.dequantize.stand_in(dequantize, f"quantlib's way back {STANDS_IN}")
    names = name_of(quantize), name_of(dequantize)

    def compute(x: float, s: float, z: int) -> TraceView:
        value = torch.tensor([x], dtype=torch.float32)
        q, about_code = to_codes(value, s, z)
        x_hat, about_real = back(q, s, z)
        notices = about_code, about_real
        return TraceView(
            s, z, QUANT_MIN, QUANT_MAX, value, q, x_hat, is_clipped(value, s, z, QUANT_MIN, QUANT_MAX), value,
            [steps(x, s, z)], (about_code.endswith(STANDS_IN), about_real.endswith(STANDS_IN)), notices=notices,
        )  # fmt: skip

    def lay_out(figure: Figure) -> list[Panel]:
        return [
            ValueOnRuler(figure.add_axes((0.095, 0.755, 0.88, 0.178)), torch.tensor([VALUE.value]), LIMITS),
            Steps(figure.add_axes((0.01, 0.27, 0.98, 0.303)), 1),
            Yours(figure.add_axes((0.01, 0.01, 0.98, 0.183)), names),
        ]

    return Explorer([VALUE, SCALE, ZERO_POINT], compute, Scene((9.2, 4.3), lay_out), describe)


def describe(view: TraceView) -> str:
    """Return the sentence that says where a value goes, and what comes back: by the functions that are drawn."""
    x, q, x_hat = view.rows[0][0], float(view.q.item()), float(view.x_hat.item())
    lead = f"x = {number(x)}, s = {number(view.scale)} and z = {number(view.zero_point)}: "
    beyond = "lies beyond the levels, " if view.clipped.any() else ""
    stored = f"it {beyond}is stored as the code {number(q)} and comes back as {number(x_hat)}"
    return f"{lead}{stored}, an error of {number(x - x_hat)}."


class ValueOnRuler(LooseRuler):
    """The number line with one value, which a pointer can move too."""

    def grab(self, view: RulerView, x: float, y: float) -> Drag | None:
        """Take the value, above, or the ruler, below."""
        return (lambda x, y: {"x": x}) if y > 0.65 else super().grab(view, x, y)


class Steps(Panel):
    """What each step makes of a few values: one row for each."""

    def __init__(self, axes: Axes, rows: int) -> None:
        super().__init__(axes, xlim=(0, len(HEADS)), ylim=(rows, -0.75))
        style.bare(axes)
        for k, head in enumerate(HEADS):
            axes.text(k + 0.5, -0.55, head, ha="center", va="center", size=10, color=style.QUIET, weight="bold")
        self._formulas = [self.label(at=(k + 0.5, -0.2), size=9, color=style.QUIET) for k in range(1, len(HEADS))]
        self._boxes = [[Box(self, k, i) for k in range(len(HEADS))] for i in range(rows)]
        for i in range(rows):
            for k in range(1, len(HEADS)):
                _draw_arrow(axes, k - 0.11, k + 0.11, i)

    def update(self, view: TraceView) -> None:
        """Write the steps of the one value of a view."""
        self.show(view, view.rows)
        fits = "the number does not fit, and is clamped" if view.clipped.any() else "the number fits"
        self.title.text = f"quantlib's steps: {fits}"

    def show(self, view: RulerView, rows: Sequence[Sequence[float]]) -> None:
        """Write what the steps are on the ruler of a view, and what they make of each value."""
        s, z = number(view.scale), number(view.zero_point)
        z = z if view.zero_point >= 0 else f"({z})"
        grid = f"{number(view.quant_min)} … {number(view.quant_max)}"
        texts = f"÷ {s}", f"+ {z}", "to an integer", f"to {grid}", "to int8: code q", f"− {z}", f"× {s}"
        for label, text in zip(self._formulas, texts, strict=True):
            label.text = text
        for boxes, row in zip(self._boxes, rows, strict=True):
            for k, (box, value) in enumerate(zip(boxes, row, strict=True)):
                box.write(number(value), style.ORIGINAL if k < 4 else _ink(row))
        self.title.text = _finding(rows)


class Yours(Panel):
    """The value on its way through two functions, of which only what they return is known."""

    def __init__(self, axes: Axes, names: Sequence[str]) -> None:
        super().__init__(axes, xlim=(0, len(HEADS)), ylim=(1, 0))
        style.bare(axes)
        self._boxes = [Box(self, k, 0) for k in (0, CODE, BACK)]
        for start, end, name in ((0, CODE, names[0]), (CODE, BACK, names[1])):
            _draw_arrow(axes, start + 0.89, end + 0.11, 0)
            axes.text((start + end + 1) / 2, 0.24, name[:20], ha="center", va="center", size=9, color=style.QUIET)

    def update(self, view: TraceView) -> None:
        """Write what the two functions return, and whether quantlib's return the same."""
        row, values = view.rows[0], [float(view.q.item()), float(view.x_hat.item())]
        same = [value == row[k] for value, k in zip(values, (CODE, BACK), strict=True)]
        self._boxes[0].write(number(row[0]), style.ORIGINAL)
        for box, value, right, missing in zip(self._boxes[1:], values, same, view.stands_in, strict=True):
            box.write("?" if missing else number(value), _ink(row) if right and not missing else style.ORIGINAL)
        self.title.text = f"your functions: {_compared(same, view.stands_in)}"


def _ink(row: Sequence[float]) -> str:
    """Return the colour of what the clamp has passed: one for what fits, one for what does not."""
    return style.CLIPPED_TEXT if row[3] != row[4] else style.QUANTIZED


def _compared(same: Sequence[bool], stands_in: Sequence[bool]) -> str:
    """Return how code and reconstruction of two functions compare with quantlib's."""
    if any(stands_in):
        return "not both can be used yet"
    if all(same):
        return "the same code, and the same number back"
    return "the same code, but another number back" if same[0] else "another code"


class Box:
    """A number in a frame, in column k of row i; the frame of a code stands out."""

    def __init__(self, panel: Panel, k: int, i: int) -> None:
        frame = FancyBboxPatch((k + 0.12, i + 0.12), 0.76, 0.66, boxstyle="round,pad=0,rounding_size=0.08", fc="white")
        frame.set(ec=style.LEVELS, lw=1)
        self._frame = panel.keep(frame) if k == CODE else panel.axes.add_patch(frame)
        self._code = k == CODE
        self._number = panel.label(at=(k + 0.5, i + 0.45), size=12, bold=self._code)

    def write(self, text: str, ink: str) -> None:
        """Write a number in a colour; that of clipped values makes the frame of a code dotted."""
        self._number.text, self._number.color = text, ink
        if self._code:
            clipped = ink == style.CLIPPED_TEXT
            self._frame.set(ec=style.CLIPPED if clipped else style.QUANTIZED, lw=2, ls="dotted" if clipped else "solid")


def _draw_arrow(axes: Axes, start: float, end: float, row: int) -> None:
    look = {"arrowstyle": "->", "color": style.QUIET}
    axes.annotate("", (end, row + 0.45), (start, row + 0.45), arrowprops=look)


def draw_trace(
    values: Sequence[float], s: float, z: int, quant_min: int = QUANT_MIN, quant_max: int = QUANT_MAX
) -> Picture:
    """Draw what happens to single numbers: divide, shift, round, clamp, cast, and the way back."""
    rows, x = [steps(value, s, z, quant_min, quant_max) for value in values], torch.tensor(values)
    with style.house_style():
        height = 0.9 + 0.55 * len(rows)
        figure = style.new_figure(9.2, height)
        panel = Steps(figure.add_axes((0.01, 0.02, 0.98, 1 - 0.32 / height)), len(rows))
        panel.show(make_view(x, s, z, quant_min, quant_max, x), rows)
        ways = [
            f"{number(row[0])} is stored as {number(row[CODE])} and comes back as {number(row[BACK])}" for row in rows
        ]
        return picture(figure, f"Step by step, {panel.title.text}: {'; '.join(ways)}.")


def _finding(rows: Sequence[Sequence[float]]) -> str:
    """Return what becomes of numbers, in words: of those that fit, of those that are clamped, or of both."""
    clamped = {_ink(row) == style.CLIPPED_TEXT for row in rows}
    close, far = (
        "a number that fits comes back as a level nearby",
        "a number that does not fit comes back as the end of the levels",
    )
    if len(clamped) == 2:
        return f"{close}, one that does not as the end of the levels"
    return far if True in clamped else close
