"""From a range to a ruler: what 0.0 has to do with it, where z goes as the range moves, and three conventions."""

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

from quantlib.affine import fake_quantize
from quantlib.lab import style
from quantlib.lab.explore import Explorer, Scene, Slider
from quantlib.lab.learner import StandIn, step_problem, whole_problem
from quantlib.lab.panel import Panel, set_strokes, strokes, title
from quantlib.lab.picture import Picture, picture
from quantlib.lab.ruler import is_clipped
from quantlib.lab.text import Label
from quantlib.lab.words import number
from quantlib.qparams import choose_qparams

QUANT_MIN, QUANT_MAX = -128, 127
STEPS = QUANT_MAX - QUANT_MIN
MARGIN: dict[str, Any] = {"ha": "right", "va": "center", "size": 9}


def choose_ruler(x: Tensor) -> tuple[Any, Any]:
    """Return (s, z), the int8 ruler that just covers x and 0.0, as `choose_qparams` gives it."""
    scale, zero_point, *_ = choose_qparams(x)
    return scale, zero_point


def ruler_problem(value: Any, x: object) -> str:
    """Say why a value cannot be (s, z), or return "" if it can: a positive number and an integer."""
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        return "returned None: is a `return` missing?" if value is None else "it returned no pair of s and z"
    problem = step_problem(value[0], x) or whole_problem(value[1], x)
    return problem.replace("returned", "its pair has", 1).replace("its pair", "it returned a pair that")


# The explorer: the ends of the range move, and z walks


@dataclass(frozen=True)
class Walk:
    """A range and the ruler that was chosen for it.

    ends: what r_min and r_max are set to.
    scale, zero_point: the ruler.
    notice: what a reader must know beside the numbers, or "".
    """

    ends: tuple[float, float]
    scale: float
    zero_point: int
    notice: str = ""

    @property
    def low(self) -> float:
        """The lower end of the range that contains 0.0."""
        return min(*self.ends, 0.0)

    @property
    def high(self) -> float:
        """The upper end of the range that contains 0.0."""
        return max(*self.ends, 0.0)

    @property
    def has_code(self) -> bool:
        """Whether z is one of the codes."""
        return QUANT_MIN <= self.zero_point <= QUANT_MAX

    def level(self, code: float) -> float:
        """The real number that a code stands for."""
        return self.scale * (code - self.zero_point)


def explore_walk(x: Tensor, choose: Callable[..., Any] = choose_ruler) -> Explorer:
    """Show sliders for the ends of a range, and how its ruler lays 256 codes over it.

    Args:
        x: reals; the sliders begin at its smallest and its largest value, rounded to tens.
        choose: f(x) that returns (s, z): quantlib's, or a learner's. It gets five numbers from one end to the other.
    """
    x = x.clone()  # the caller's may change in a later cell
    ends = [max(-1000.0, min(1000.0, round(end.item(), -1))) for end in (x.min(), x.max())]
    sides = zip(ENDS, ("lower", "upper"), ends, strict=True)
    sliders = [Slider(name, f"{side} end {name}", end, -1000.0, 1000.0, 10.0) for name, side, end in sides]
    mine = StandIn(choose, choose_ruler, ruler_problem)

    def compute(r_min: float, r_max: float) -> Walk:
        (s, z), notice = mine(torch.linspace(r_min, r_max, 5))
        return Walk((r_min, r_max), float(s), int(z), notice)

    return Explorer(sliders, compute, Scene((9.2, 4.2), walk_panels), describe_walk)


ENDS = "r_min", "r_max"


def walk_panels(figure: Figure) -> list[Panel]:
    """Lay the two lines and the way of z out on a figure of 9.2 x 4.2 inches."""
    return [TwoLines(figure.add_axes((0.075, 0.03, 0.54, 0.84))), Share(figure.add_axes((0.715, 0.15, 0.265, 0.72)))]


def describe_walk(view: Walk) -> str:
    """Return the sentences that say what a picture of a range and its ruler shows."""
    head = " and ".join(f"{name} = {number(end)}" for name, end in zip(ENDS, view.ends, strict=True))
    reach = f"the levels reach from {number(view.level(QUANT_MIN))} to {number(view.level(QUANT_MAX))}"
    where = "the code of 0.0" if view.has_code else "no code of int8"
    ruler = f"s = {number(view.scale)} and z = {number(view.zero_point)}, {where}"
    swap = " r_min is above r_max, so they change roles." if view.ends[0] > view.ends[1] else ""
    return f"{head}: {reach}, with {ruler}.{swap}" + (f" {view.notice}" if view.notice else "")


class TwoLines:
    """The line of reals above the line of codes, and which real each code stands for."""

    REALS, CODES, REACH = 0.75, 0.24, 1080.0

    def __init__(self, axes: Axes) -> None:
        style.bare(axes)
        axes.set_xlim(-self.REACH, self.REACH)
        axes.set_ylim(0, 1)
        self._title = title(axes)
        self._draw_line(axes, self.REALS, 0.05, {real: real for real in (-1000, -500, 0, 500, 1000)}, "reals")
        self._draw_line(axes, self.CODES, -0.05, {code: self._at(code) for code in (-128, -64, 0, 64, 127)}, "codes")
        band: dict[str, Any] = {"color": style.RANGE, "alpha": 0.4, "lw": 0}
        self._band: Any = axes.add_patch(Rectangle((0, self.REALS - 0.03), 0, 0.06, **band))
        self._fan = strokes(axes, color=style.QUIET, lw=0.8)
        self._zero = axes.plot([0, 0], [0, 0], color=style.QUANTIZED, lw=2.5)[0]
        self._dots = axes.plot([], [], "o", color=style.ORIGINAL, ms=7, zorder=5)[0]
        self._names = [Label((0, self.REALS + up), axes.transData, bold=True) for up in (0.165, 0.235)]
        self._z = Label((0, self.CODES - 0.18), axes.transData, size=12, bold=True, opaque=True)
        for label in (*self._names, self._z):
            axes.add_artist(label)
        self.moving: Sequence[Artist] = [
            self._band, self._fan, self._zero, self._dots, *self._names, self._z, self._title,
        ]  # fmt: skip

    def _at(self, code: Any) -> Any:
        """Return where a code, or an array of codes, stands on its line, which does not move."""
        return (code + 0.5) * 1000 / 128

    def _draw_line(self, axes: Axes, height: float, gap: float, ticks: Mapping[int, float], name: str) -> None:
        ends = [min(ticks.values()), max(ticks.values())]
        axes.plot(ends, [height, height], color=style.QUIET, lw=1)
        for text, at in ticks.items():
            axes.plot([at, at], [height, height + gap * 0.5], color=style.QUIET, lw=1)
            axes.text(at, height + 1.6 * gap, number(text), color=style.QUIET, size=9, ha="center", va="center")
        axes.text(-0.012, height, name, color=style.QUIET, transform=axes.get_yaxis_transform(), **MARGIN)

    def update(self, view: Walk) -> None:
        """Spread the codes over the range of a view."""
        low, high = (max(-1e6, min(1e6, view.level(code))) for code in (QUANT_MIN, QUANT_MAX))
        self._band.set_x(low)
        self._band.set_width(high - low)
        codes = numpy.array([*range(QUANT_MIN, QUANT_MAX, 32), QUANT_MAX])
        reals = numpy.clip([view.level(code) for code in codes], -1e6, 1e6)
        set_strokes(self._fan, self._connect(reals, self._at(codes)))
        self._zero.set_data(*self._connect(numpy.zeros(1), numpy.array([self._at(view.zero_point)]))[0].T)
        self._dots.set_data(view.ends, [self.REALS, self.REALS])
        self._name_ends(view)
        room = self.REACH - (120 if view.has_code else 330)
        self._z.at = min(max(self._at(view.zero_point), -room), room), self._z.at[1]
        self._z.text = f"z = {number(view.zero_point)}" + ("" if view.has_code else ": no code")
        self._z.color = style.QUANTIZED if view.has_code else style.CLIPPED_TEXT
        marks = " to ".join(number(view.level(code)) for code in (QUANT_MIN, QUANT_MAX))
        self._title.text = f"marks from {marks} in steps of {number(view.scale)}"

    def _connect(self, reals: numpy.ndarray, codes: Any) -> numpy.ndarray:
        """Return lines from reals down to codes, shape (n, 2, 2)."""
        heights = numpy.broadcast_to([self.REALS - 0.03, self.CODES], (len(reals), 2))
        return numpy.stack([numpy.stack([reals, codes], axis=1), heights], axis=2)

    def _name_ends(self, view: Walk) -> None:
        """Name the ends above them, each at a height of its own: they may meet."""
        for label, name, end in zip(self._names, ENDS, view.ends, strict=True):
            label.at, label.text = (end, label.at[1]), name


class Share:
    """z over the share of the range that lies below 0.0."""

    def __init__(self, axes: Axes) -> None:
        draw_way_of_z(axes)
        self._point = axes.plot([], [], "o", color=style.ORIGINAL, ms=8, zorder=5, clip_on=False)[0]
        self._title = title(axes)
        self.moving: Sequence[Artist] = [self._point, self._title]

    def update(self, view: Walk) -> None:
        """Put the point at the share of a view, and at its z."""
        share = share_below(view.low, view.high)
        self._point.set_data([share], [min(max(view.zero_point, QUANT_MIN), QUANT_MAX)])
        self._point.set_visible(view.has_code)
        self._title.text = f"{100 * share:.0f} % lies below 0.0"


def share_below(low: float, high: float) -> float:
    """Return which part of a range lies below 0.0; of a range of 0 none does."""
    return (0.0 - low) / (high - low) if high > low else 0.0


def draw_way_of_z(axes: Axes) -> None:
    """Draw z over the share of the range below 0.0: 255 stairs, so fine that they look like a line."""
    shares = numpy.linspace(0, 1, 511)
    axes.plot(shares, QUANT_MIN + numpy.round(STEPS * shares), color=style.QUANTIZED, lw=2, drawstyle="steps-mid")
    axes.set_xlim(-0.02, 1.02)
    axes.set_ylim(QUANT_MIN - 4, QUANT_MAX + 4)
    axes.set_xticks([0, 0.5, 1], ["0 %", "50 %", "100 %"])
    axes.set_yticks([-128, -64, 0, 64, 127], ["−128", "−64", "0", "64", "127"])
    axes.set_xlabel("share of the range below 0.0")
    axes.set_ylabel("zero point z", labelpad=-4)


def draw_share(ranges: Mapping[str, tuple[float, float]]) -> Picture:
    """Draw z over the share of the range below 0.0, and where the ranges stand, each with its name."""
    told = []
    with style.house_style():
        figure = style.new_figure(7.2, 3.6)
        axes = figure.add_axes((0.11, 0.16, 0.85, 0.73))
        draw_way_of_z(axes)
        for name, (low, high) in ranges.items():
            z = int(choose_ruler(torch.tensor([low, high]))[1])
            share = share_below(min(low, 0.0), max(high, 0.0))
            axes.plot(share, z, "o", color=style.ORIGINAL, ms=8, zorder=5, clip_on=False)
            text = f"{name}, {number(low)} to {number(high)}: z = {number(z)}"
            left = share < 0.6
            axes.annotate(text, (share, z), (14, -5) if left else (-12, 0), textcoords="offset points", va="center",
                          ha="left" if left else "right", size=9)  # fmt: skip
            told.append(text)
        axes.set_ylim(bottom=QUANT_MIN - 20)  # room for the lowest name
        finding = "The more of the range lies below 0.0, the larger is z"
        axes.set_title(finding)
        return picture(figure, f"{finding}: {'; '.join(told)}.")


# A range without 0.0


def draw_without_zero(x: Tensor) -> Picture:
    """Draw values far from 0.0 over the 256 marks that just cover them, and 0.0 itself."""
    low, high = x.min().item(), x.max().item()
    code = QUANT_MIN - round(low / ((high - low) / STEPS))
    with style.house_style():
        figure = style.new_figure(9.2, 1.9)
        axes = figure.add_axes((0.075, 0.24, 0.905, 0.56))
        axes.set_xlim(-0.06 * high, 1.06 * high)
        axes.set_ylim(0, 1)
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        axes.set_xlabel("real value")
        axes.add_patch(Rectangle((low, 0.12), high - low, 0.3, color=style.RANGE, alpha=0.4, lw=0))
        axes.vlines([low, high], 0.12, 0.42, color=style.QUIET, lw=1)
        axes.plot(x, numpy.full(x.numel(), 0.72), "o", color=style.ORIGINAL, ms=5.5)
        axes.plot([0, 0], [0.12, 0.42], color=style.QUANTIZED, lw=2.5)
        axes.text(0.012 * high, 0.27, f"0.0 would need the code {code:,}".replace("-", "−"), color=style.QUANTIZED,
                  va="center", weight="bold")  # fmt: skip
        axes.text(low - 0.012 * high, 0.27, "the codes −128 to 127", va="center", ha="right", color=style.QUIET)
        values = ", ".join(map(number, x.tolist()))
        axes.text(low - 0.012 * high, 0.72, values, va="center", ha="right")
        finding = f"256 marks from {number(low)} to {number(high)}, and none for 0.0"
        axes.set_title(finding)
        said = f"On a number line, {finding}; it would need the code {code:,}".replace("-", "−")
        return picture(figure, f"{said}. The values are {values}.")


def draw_three_rulers(x: Tensor) -> Picture:
    """Draw what becomes of values far from 0.0, and of 0.0 itself, on three rulers.

    The first just covers the values, and its z is no code; in the second z is clamped, in the third the range is
    widened to contain 0.0.
    """
    scale = (x.max() - x.min()).item() / STEPS
    far = QUANT_MIN - round(x.min().item() / scale)
    rulers = {
        f"range without 0.0, z = {far:,}": (scale, far),
        "the same s, and z clamped to −128": (scale, QUANT_MIN),
        "range widened to contain 0.0": tuple(float(part) for part in choose_ruler(x)),
    }
    values = torch.cat([torch.zeros(1), x])
    with style.house_style():
        figure = style.new_figure(9.2, 3.9)
        told = []
        for k, (name, (s, z)) in enumerate(rulers.items()):
            axes = figure.add_axes((0.03, 0.70 - 0.315 * k, 0.94, 0.205))
            told.append(_draw_strip(axes, values, s, int(z), name.replace("-", "−")))
        return picture(figure, f"Only a range that contains 0.0 keeps all values. {'. '.join(told)}.")


def _draw_strip(axes: Axes, values: Tensor, s: float, z: int, name: str) -> str:
    """Draw values above the reach of a ruler, each joined to what it comes back as; return the finding."""
    style.bare(axes)
    top = 1.06 * values.max().item()
    axes.set_xlim(-0.06 * top, top)
    axes.set_ylim(0, 1)
    low, high = s * (QUANT_MIN - z), s * (QUANT_MAX - z)
    axes.add_patch(Rectangle((low, 0.0), high - low, 0.3, color=style.RANGE, alpha=0.4, lw=0))
    axes.vlines([low, high], 0, 0.3, color=style.QUIET, lw=1)
    back, clipped = fake_quantize(values, s, z), is_clipped(values, s, z, QUANT_MIN, QUANT_MAX)
    for value, real, clips in zip(values.tolist(), back.tolist(), clipped.tolist(), strict=True):
        look: dict[str, Any] = (
            {"color": style.CLIPPED, "ls": "dotted", "lw": 2.2} if clips else {"color": style.QUANTIZED}
        )
        axes.plot([value, real], [0.8, 0.3], **look)
    axes.plot(values, numpy.full(len(values), 0.8), "o", color=style.ORIGINAL, ms=5, zorder=5)
    axes.text(-0.012 * top, 0.8, "0.0", ha="right", va="center", size=9)
    count = int(clipped.sum())
    finding = f"{count} of {len(values)} values clip" + ("s" if count == 1 else "") if count else "no value clips"
    ends = f"from {number(low)} to {number(high)}"
    axes.set_title(f"{name}: marks {ends}; {finding}", size=10)
    return f"{name[0].upper()}{name[1:]}: marks {ends}; {finding}"


# Three conventions of a symmetric scale


def conventions(bits: int) -> dict[str, float]:
    """Return by what each convention of a symmetric scale divides max|x|."""
    half = 2 ** (bits - 1)
    divisors = (half - 1, half - 0.5, half)
    return {f"max|x| / {number(divisor)}": float(divisor) for divisor in divisors}


def draw_conventions(bits: int = 3) -> Picture:
    """Draw the marks of the three symmetric conventions for values from -1 to 1, and where both ends come back."""
    half, told = 2 ** (bits - 1), []
    with style.house_style():
        figure = style.new_figure(9.2, 2.9)
        axes = figure.add_axes((0.15, 0.17, 0.62, 0.70))
        axes.set_ylim(2.7, -0.7)
        axes.set_xlim(-1.45, 1.15)
        axes.set_yticks(range(3), list(conventions(bits)), color=style.ORIGINAL)
        axes.tick_params(axis="y", length=0, labelsize=10)
        axes.spines["left"].set_visible(False)
        axes.set_xlabel("real value; the largest |x| is 1")
        for end in (-1, 1):
            axes.axvline(end, color=style.ORIGINAL, lw=1, zorder=0)
        for row, (name, divisor) in enumerate(conventions(bits).items()):
            told.append(f"{name}: {_draw_convention(axes, row, 1 / divisor, half)}")
        finding = f"with max|x| / {half - 1} both ends have a mark of their own"
        axes.set_title(f"{bits} bits: {finding}")
        return picture(figure, f"Marks of three conventions for {bits} bits; {finding}. {'; '.join(told)}.")


def _draw_convention(axes: Axes, row: int, s: float, half: int) -> str:
    """Draw the marks of one convention, and say beside them what the ends come back as."""
    marks = s * numpy.arange(-half, half)
    axes.hlines(row, marks[0], marks[-1], color=style.QUANTIZED, lw=1)
    axes.vlines(marks, row - 0.25, row + 0.25, color=style.QUANTIZED, lw=1.6)
    axes.vlines(0, row - 0.32, row + 0.32, color=style.QUANTIZED, lw=3)
    back = fake_quantize(torch.tensor([-1.0, 1.0]), s, 0, -half, half - 1).tolist()
    text = f"−1 → {back[0]:.2f}, 1 → {back[1]:.2f}".replace("-", "−")
    axes.text(1.04, row, text, transform=axes.get_yaxis_transform(), va="center")
    return f"−1 comes back as {back[0]:.2f} and 1 as {back[1]:.2f}".replace("-", "−")
