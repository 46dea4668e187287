"""Seven bits beside the sign: how many for the exponent, and what the network then hears."""

from dataclasses import dataclass
from typing import Any

import numpy
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from quantlib.lab import style
from quantlib.lab.exercise import Function
from quantlib.lab.explore import Choice, Explorer, Scene, Slider, View, explorer
from quantlib.lab.panel import Drag, Panel, set_strokes, uprights
from quantlib.lab.words import fixed
from quantlib.metrics import sqnr_db

from . import exercises
from .network import BITS, WATCHED, both_signs, case, in_codebook, largest, sharing, windows_as_in_float

EXPONENT = Slider("e", "exponent bits e", 1, 1, BITS, 1)
SHARES = {"all": "all of a tensor", "row": "a channel", "32": "32 weights"}
SHARE = Choice("share", "one scale for", tuple(SHARES.values()))
LEFT = -20  # the axis begins at 2^LEFT of the largest size
BINS = numpy.arange(LEFT, 0.5, 0.5)
DEAF = 124  # windows without speech: there a deaf network decides as in float


@dataclass(frozen=True)
class FieldsView(View):
    """The levels of a float of 8 bits, the weights of one tensor, and what the network hears.

    e, share: the controls; share: one of SHARES.
    levels: of both signs, from -1 to 1.
    zeros: the share of the weights of WATCHED that come back as 0; sqnr: of that tensor, in dB.
    windows: for each e from 1 on, in how many of the windows the network decides as in float.
    """

    e: int
    share: str
    levels: numpy.ndarray
    zeros: float
    sqnr: float
    windows: tuple[int, ...]
    count: int

    @property
    def name(self) -> str:
        """What the format is called."""
        return f"E{self.e}M{BITS - self.e}"

    @property
    def reach(self) -> float:
        """Half of the smallest level above 0, as a share of the largest: what is smaller comes back as 0."""
        return float(self.levels[self.levels > 0].min()) / 2 if (self.levels == 0).any() else 0.0


@explorer
def explore_fields(float_levels: Function = exercises.float_levels.reference) -> Explorer:
    """Show a slider for the bits of the exponent, over the levels, the weights, and what the network hears.

    Args:
        float_levels: f(e, m) that returns the levels from 0 on: quantlib's, or a learner's.
    """
    find = exercises.float_levels.stand_in(float_levels)

    def compute(e: int, share: int) -> FieldsView:
        who = list(SHARES)[share]
        found = [find(k, BITS - k) for k in range(1, BITS + 1)]
        codebooks = [both_signs(levels) for levels, _ in found]
        weights, _, heard = case()
        back = in_codebook(weights[WATCHED], codebooks[e - 1], who)
        return FieldsView(
            e,
            who,
            levels=codebooks[e - 1].double().numpy(),
            zeros=(back == 0).float().mean().item(),
            sqnr=sqnr_db(weights[WATCHED], back),
            windows=tuple(windows_as_in_float(codebook, who) for codebook in codebooks),
            count=len(heard),
            notices=(found[e - 1][1],),
        )

    return Explorer([EXPONENT, SHARE], compute, Scene((9.2, 4.8), _lay_out), describe)


def describe(view: FieldsView) -> str:
    """Return the sentence that says what becomes of the weights, and what the network hears."""
    head = f"e = {view.e}: {view.name}, one scale for {SHARES[view.share]}"
    lost = f"{100 * view.zeros:.1f} % of the weights of conv4 come back as 0, SQNR {fixed(view.sqnr, 1)} dB"
    return f"{head}. {lost}. The network decides as in float in {view.windows[view.e - 1]} of {view.count} windows."


def _lay_out(figure: Figure) -> list[Panel]:
    return [
        Fields(figure.add_axes((0.11, 0.88, 0.40, 0.06))),
        Weights(figure.add_axes((0.11, 0.475, 0.865, 0.31))),
        Windows(figure.add_axes((0.11, 0.075, 0.865, 0.24))),
    ]


class Fields(Panel):
    """The eight bits of a number: its sign, its exponent, its mantissa. The border can be dragged."""

    def __init__(self, axes: Axes) -> None:
        super().__init__(axes, xlim=(0, BITS + 1), ylim=(0, 1))
        style.bare(axes)
        look: dict[str, Any] = {"ec": style.QUIET, "lw": 0.8, "clip_on": False}
        self._parts = [self.keep(Rectangle((k + 0.03, 0), 0.94, 1, **look)) for k in range(BITS + 1)]
        self._letters = [self.label(at=(k + 0.5, 0.48), size=10, bold=True) for k in range(BITS + 1)]
        axes.text(8.25, 0.48, "S: sign   E: exponent   M: mantissa", size=9, color=style.QUIET, va="center")

    def update(self, view: FieldsView) -> None:
        """Colour the bits of a view."""
        for k, (part, letter) in enumerate(zip(self._parts, self._letters, strict=True)):
            field = 0 if k == 0 else 1 if k <= view.e else 2
            part.set_facecolor((style.LEVELS, style.RANGE_TINT, style.QUANTIZED_TINT)[field])
            letter.text, letter.color = "SEM"[field], style.ORIGINAL
        exponent = f"{view.e} exponent bit{'s' * (view.e > 1)}"
        self.title.text = f"{view.name}: {exponent}, {BITS - view.e} mantissa bit{'s' * (BITS - view.e != 1)}"

    def grab(self, view: FieldsView, x: float, y: float) -> Drag:
        """Take the border between exponent and mantissa to the pointer."""
        return lambda x, y: {"e": x - 1}


class Weights(Panel):
    """How large the weights are beside the largest of those who share their scale, and where the levels lie."""

    def __init__(self, axes: Axes) -> None:
        super().__init__(axes, xlim=(LEFT, 0.4), ylim=(-0.42, 1))
        style.number_line(axes)
        ticks = range(LEFT, 1, 4)
        axes.set_xticks(ticks, [f"1/{2**-k:,}" if k else "1" for k in ticks])
        axes.set_xlabel("size of a weight, as a part of the largest that shares its scale", labelpad=1)
        axes.axhline(0, color=style.LEVELS, lw=0.8, zorder=0)
        beside: dict[str, Any] = {"transform": axes.get_yaxis_transform(), "size": 9, "ha": "right", "va": "center"}
        axes.text(-0.008, 0.5, "weights", **beside)
        axes.text(-0.008, -0.22, "levels", color=style.QUANTIZED, **beside)
        self._heights = {share: _histogram(share) for share in SHARES}
        self._top = max(height.max() for height in self._heights.values())
        self._lost = self.area(style.CLIP)
        self._outline = self.line(style.ORIGINAL, lw=1.3, drawstyle="steps-post", zorder=4)
        self._levels = self.strokes(style.QUANTIZED, lw=1)
        self._says = self.label(size=9, color=style.CLIPPED_TEXT, ha="left", at=(LEFT + 0.3, 0.86), opaque=True)

    def update(self, view: FieldsView) -> None:
        """Draw the levels of a view, and the weights that come back as 0."""
        height = numpy.append(self._heights[view.share] / self._top, 0) * 0.92
        self._outline.set_data(BINS, height)
        above = numpy.log2(view.levels[view.levels > 0])
        set_strokes(self._levels, uprights(above[above >= LEFT], -0.38, -0.08))
        border = max(numpy.log2(view.reach), LEFT) if view.reach else LEFT
        edges = numpy.append(BINS[border > BINS], border)
        tops = height[: len(edges) - 1]
        corners = [(x, h) for k, h in enumerate(tops) for x, h in ((edges[k], h), (edges[k + 1], h))]
        self._lost.set_verts([numpy.array([(LEFT, 0), *corners, (edges[-1], 0)])] if corners else [])
        self._says.text = f"hatched: {100 * view.zeros:.1f} % come back as 0"
        self.title.text = f"conv4, one scale for {SHARES[view.share]}: SQNR {fixed(view.sqnr, 1)} dB"


def _histogram(share: str) -> numpy.ndarray:
    """Return the share of the weights of WATCHED in each bin; those below the axis are left out."""
    groups = sharing(case()[0][WATCHED], share)
    sizes = (groups.abs() / largest(groups)).flatten()
    return numpy.histogram(sizes[sizes > 0].log2().numpy(), BINS)[0] / sizes.count_nonzero().item()


class Windows(Panel):
    """In how many windows the network decides as in float, for each number of exponent bits."""

    def __init__(self, axes: Axes) -> None:
        super().__init__(axes, xlim=(0.4, BITS + 0.6), ylim=(0, 290))
        axes.set_xticks(range(1, BITS + 1), [f"E{e}M{BITS - e}" for e in range(1, BITS + 1)])
        axes.set_yticks([0, DEAF, 264], ["0", f"{DEAF}, deaf", "264 windows"])
        for height in (DEAF, 264):
            axes.axhline(height, color=style.LEVELS, lw=0.8, zorder=0)
        look: dict[str, Any] = {"fc": style.QUANTIZED_TINT, "ec": style.QUANTIZED}
        self._bars = [self.keep(Rectangle((e - 0.3, 0), 0.6, 0, **look)) for e in range(1, BITS + 1)]
        self._counts = [self.label(size=9.5) for _ in range(BITS)]

    def update(self, view: FieldsView) -> None:
        """Draw the counts of a view."""
        for e, (bar, count, windows) in enumerate(zip(self._bars, self._counts, view.windows, strict=True), 1):
            here = e == view.e
            bar.set_height(windows)
            bar.set_facecolor(style.QUANTIZED if here else style.QUANTIZED_TINT)
            count.text, count.bold, count.at = f"{windows}", here, (e, windows - 28)
            count.color = "white" if here else style.QUANTIZED
        found = f"{view.windows[view.e - 1]} of {view.count} windows as in float"
        self.title.text = f"the network in {view.name}: {found}"

    def grab(self, view: FieldsView, x: float, y: float) -> Drag:
        """Choose the bar that the pointer is on."""
        return lambda x, y: {"e": x}
