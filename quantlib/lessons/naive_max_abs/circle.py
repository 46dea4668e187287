"""int8 as a circle: the codes as a clock, and an explorer of one value that walks around it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy
import torch
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor

from quantlib.lab import style
from quantlib.lab.exercise import Function
from quantlib.lab.explore import Explorer, Scene, Slider, View, explorer
from quantlib.lab.learner import StandIn
from quantlib.lab.panel import Drag, Panel
from quantlib.lab.picture import Picture, picture
from quantlib.lab.ruler import QUANT_MAX, QUANT_MIN
from quantlib.lab.words import number

from . import exercises

CODES = 256
VALUE = Slider("v", "value v", 100, -300, 700, 1)
WALKS = 2  # so many walks around the circle are drawn
HIGH = 3  # so many bits of a value are shown beyond the eight of int8
QUANTLIBS = exercises.wrap.stand_in(exercises.wrap.reference)
Numbers = numpy.ndarray | float


@dataclass(frozen=True, kw_only=True)
class StoredView(View):
    """What int8 keeps of integers.

    asked: the integers; x is the same; q: the codes that are kept; clipped: which integers int8 does not have.
    """

    asked: Tensor
    q: Tensor
    clipped: Tensor

    @property
    def x(self) -> Tensor:
        """What asks for the codes: here they themselves."""
        return self.asked


@explorer
def explore_circle(wrap: Function = exercises.wrap.reference) -> Explorer:
    """Show a slider for one integer over the circle of codes and over its bits.

    Args:
        wrap: f(v) that returns the int8 codes that remain of integers: quantlib's, or a learner's.
    """
    mine = exercises.wrap.stand_in(wrap)

    def compute(v: int) -> StoredView:
        return stored([v], mine)

    def lay_out(figure: Figure) -> list[Panel]:
        return [
            CodeCircle(figure.add_axes((0.005, 0.02, 0.48, 0.89)), VALUE),
            Bits(figure.add_axes((0.525, 0.27, 0.46, 0.42))),
        ]

    return Explorer([VALUE], compute, Scene((9.2, 4.95), lay_out), describe)


def stored(integers: Sequence[int], wrap: StandIn = QUANTLIBS) -> StoredView:
    """Return what int8 keeps of integers."""
    asked = torch.tensor(integers, dtype=torch.float32)
    q, about = wrap(asked)
    return StoredView(asked=asked, q=q, clipped=(asked < QUANT_MIN) | (asked > QUANT_MAX), notices=(about,))


def describe(view: StoredView) -> str:
    """Return the sentence that says what is kept of one integer."""
    v, q = int(view.asked.item()), int(view.q.item())
    return f"v = {number(v)}: the code that int8 keeps is {number(q)}, {how_far(v, q)}."


def how_far(v: int, q: int) -> str:
    """Return by how many turns of 256 a code differs from what was asked for, in words.

    >>> how_far(700, -68), how_far(100, 100), how_far(255, 127)
    ('that is 700 − 3 × 256', 'so it fits', 'which is not a multiple of 256 away')
    """
    if not QUANT_MIN <= q <= QUANT_MAX:
        return "which int8 does not have"
    turns, left = divmod(v - q, CODES)
    if left:
        return "which is not a multiple of 256 away"
    times = "" if abs(turns) == 1 else f"{abs(turns)} × "
    sign = "\N{MINUS SIGN}" if turns > 0 else "+"
    return f"that is {number(v)} {sign} {times}256" if turns else "so it fits"


class Bits(Panel):
    """An integer as bits, of which int8 keeps the lowest eight: the first of them is worth -128."""

    def __init__(self, axes: Axes) -> None:
        super().__init__(axes, xlim=(-0.1, HIGH + 8.1), ylim=(0, 3))
        style.bare(axes)
        for k in range(HIGH + 8):
            edge = style.QUANTIZED if k >= HIGH else style.LEVELS
            axes.add_patch(Rectangle((k + 0.06, 1.55), 0.88, 0.95, fill=False, ec=edge, lw=1.6 if k >= HIGH else 1))
        quiet: dict[str, Any] = {"size": 9, "color": style.QUIET, "ha": "center", "va": "center"}
        axes.text(HIGH / 2, 2.75, "lost", **quiet)
        axes.text(HIGH + 4, 2.75, "kept in int8", **quiet | {"color": style.QUANTIZED})
        self._digits = [self.label(at=(k + 0.5, 2.02), size=15, bold=k >= HIGH) for k in range(HIGH + 8)]
        self._worths = [self.label(number(w), (HIGH + k + 0.5, 1.25), size=9) for k, w in enumerate(WORTHS)]
        self._sum = self.label(at=(HIGH + 8, 0.5), size=10, color=style.QUANTIZED, ha="right")
        axes.text(HIGH - 0.15, 1.25, "worth", **quiet | {"ha": "right"})

    def update(self, view: StoredView) -> None:
        """Write the bits of a view: the high ones of what was asked for, the low ones of what is kept."""
        v, q = int(view.asked.item()), int(view.q.item())
        bits = [v >> k & 1 for k in range(HIGH + 7, 7, -1)] + [q >> k & 1 for k in range(7, -1, -1)]
        for k, (label, bit) in enumerate(zip(self._digits, bits, strict=True)):
            label.text, label.color = str(bit), style.QUANTIZED if k >= HIGH else style.QUIET
        on = [worth for worth, bit in zip(WORTHS, bits[HIGH:], strict=True) if bit]
        for label, worth in zip(self._worths, WORTHS, strict=True):
            label.color, label.bold = (style.QUANTIZED, True) if worth in on else (style.QUIET, False)
        self._sum.text = f"{' + '.join(map(number, on)) or '0'} = {number(sum(on))}"
        self.title.text = f"{number(v)} in bits"


WORTHS = [-128, *(2**k for k in range(6, -1, -1))]


def draw_circle(codes: Sequence[int]) -> Picture:
    """Draw on the circle of int8 where each of the codes lands, and the walk of those that int8 does not have."""
    view = stored(codes)
    with style.house_style():
        figure = style.new_figure(5.2, 5.5)
        panel = CodeCircle(figure.add_axes((0.02, 0.015, 0.96, 0.908)))
        panel.update(view)
        lands = ", ".join(f"{number(a)} lands on {number(k)}" for a, k in zip(codes, view.q.tolist(), strict=True))
        panel.title.text = lands
        return picture(figure, f"The codes of int8 are a circle, on which −128 follows 127: {lands}.")


class CodeCircle(Panel):
    """The 256 codes of int8 as a clock, with 0 at the top, and the walk around it of each code that does not fit.

    Args:
        axes: where it is drawn.
        slider: the slider of the largest code that is asked for, which can be dragged around the circle; or None.
    """

    def __init__(self, axes: Axes, slider: Slider | None = None) -> None:
        super().__init__(axes, xlim=(-1.42, 1.42), ylim=(-1.42, 1.42))
        style.bare(axes)
        self._slider = slider
        _draw_dial(axes)
        self._walks = self.line(style.CLIPPED, lw=1.6, ls="dotted")
        self._heads = self.line(style.CLIPPED, marker="v", ls="none", ms=8)
        self._fits = self.dot(style.QUANTIZED, ms=7, mew=0.8)
        self._misfits = self.dot(style.CLIPPED, marker="D", mew=0.8)
        self._lines = [self.label(size=12, bold=True) for _ in range(WALKS)]
        self._start = self.label(at=(0, 0.6), size=9, color=style.QUIET)

    def update(self, view: Any) -> None:
        """Put the codes of a view on the circle, and walk the largest of those that do not fit."""
        asked, kept, reals = (t.flatten().double().numpy() for t in (view.asked, view.q, view.x))
        misfit = view.clipped.flatten().numpy()
        self._fits.set_data(*on_circle(kept[~misfit], 1.0).T)
        self._misfits.set_data(*on_circle(kept[misfit], 1.0).T)
        largest = sorted(range(len(asked)), key=lambda k: -abs(asked[k]))[:WALKS]
        self._walk(asked[[k for k in largest if misfit[k]]])
        self._say([(_became(asked[k], kept[k], reals[k], misfit[k]), misfit[k]) for k in largest])
        self._start.text = "walks begin at 0" if misfit.any() else ""
        self.title.text = misfit_sentence(view)

    def _walk(self, asked: numpy.ndarray) -> None:
        """Draw the walks, the longest outermost: where it turns inwards, it crosses no shorter one."""
        radii = 1.11 + 0.13 * numpy.arange(len(asked))[::-1]
        walks = [_walk(code, radius) for code, radius in zip(asked, radii, strict=True)]
        self._walks.set_data(*numpy.reshape(walks, (-1, 2)).T)
        self._heads.set_data(*_outside(CODES / 4 * numpy.sign(asked), radii).T)

    def _say(self, became: Sequence[tuple[str, bool]]) -> None:
        """Say in the middle which code became which, of the largest."""
        for k, (line, (text, misfit)) in enumerate(zip(self._lines, became, strict=False)):
            line.text, line.color = text, style.CLIPPED_TEXT if misfit else style.QUANTIZED
            line.at = 0, 0.12 * (len(became) - 1) - 0.24 * k

    def grab(self, view: Any, x: float, y: float) -> Drag | None:
        """Take the largest code around the circle: half a turn or more at once is taken for a turn back."""
        slider, at = self._slider, float(view.asked.flatten()[view.asked.abs().argmax()])
        if slider is None or numpy.hypot(x, y) < 0.5:
            return None

        def follow(x: float, y: float) -> dict[str, float]:
            nonlocal at
            code = CODES * numpy.arctan2(x, y) / (2 * numpy.pi)
            turn = (code - at + CODES / 2) % CODES - CODES / 2
            at = min(max(at + turn, slider.low), slider.high)
            return {slider.name: at}

        return follow


def misfit_sentence(view: Any) -> str:
    """Return how many codes int8 does not have, in words."""
    misfits, count = int(view.clipped.sum()), view.clipped.numel()
    does = "does" if misfits == 1 else "do"
    if count == 1:
        return "the code does not fit" if misfits else "the code fits"
    return f"{misfits} of {count} codes {does} not fit" if misfits else f"all {count} codes fit"


def _became(asked: float, kept: float, real: float, misfit: bool) -> str:
    name = "" if real == asked else f"{number(real)}: "
    arrow = f"{number(asked)} \N{RIGHTWARDS ARROW} {number(kept)}"
    return f"{name}{arrow if misfit or asked != kept else f'{number(asked)} fits'}"


def on_circle(code: Numbers, radius: Numbers) -> numpy.ndarray:
    """Return where codes are on the clock, shape (n, 2): 0 at the top, larger codes clockwise."""
    angle = 2 * numpy.pi * numpy.asarray(code) / CODES
    return numpy.stack([radius * numpy.sin(angle), radius * numpy.cos(angle)], axis=-1)


def _outside(code: numpy.ndarray, radius: Numbers) -> numpy.ndarray:
    """Return where a walk is, outside the circle: a second turn runs a little further out."""
    return on_circle(code, radius + 0.05 * numpy.abs(code) / CODES)


def _walk(code: float, radius: float) -> numpy.ndarray:
    """Return the walk from 0 to a code, and inwards to the circle; a gap ends it."""
    inwards, gap = on_circle(code, 1.04), (numpy.nan, numpy.nan)
    return numpy.vstack([_outside(numpy.linspace(0, code, 97), radius), inwards, gap])


def _draw_dial(axes: Axes) -> None:
    codes = numpy.arange(QUANT_MIN, QUANT_MAX + 1)
    inner = numpy.where(codes % 32 == 0, 0.93, 0.97)
    ticks = numpy.stack([on_circle(codes, inner), on_circle(codes, 1.0)], axis=1)
    axes.add_collection(LineCollection(list(ticks), colors=style.QUIET, lw=0.6), autolim=False)
    for code in range(-96, 97, 32):
        across, up = on_circle(code, 0.82)
        axes.text(across, up, number(code), size=9, color=style.QUIET, ha="center", va="center")
    ends: dict[str, Any] = {"color": style.QUANTIZED, "size": 9, "weight": "bold", "va": "center"}
    axes.text(0.05, -0.84, "127", ha="left", **ends)
    axes.text(-0.05, -0.84, number(QUANT_MIN), ha="right", **ends)
    seam = on_circle(127.5, numpy.array([0.76, 1.0]))
    axes.plot(*seam.T, color=style.QUANTIZED, lw=2)
