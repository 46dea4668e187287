"""The sound becomes louder or quieter than what was calibrated on: what a network hears with ranges of either kind."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

import numpy
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from quantlib.affine import fake_quantize
from quantlib.data.silero import RATE, WINDOW, decide, hears_speech, load_silero, speech_activations
from quantlib.data.speech import synthesize_speech
from quantlib.lab import sound, style
from quantlib.lab.exercise import Function
from quantlib.lab.explore import Explorer, Scene, Slider, View, explorer
from quantlib.lab.learner import StandIn
from quantlib.lab.panel import Drag, Panel, set_strokes
from quantlib.lab.picture import Picture, picture
from quantlib.lab.words import fixed, number
from quantlib.qparams import QParams, choose_qparams

from . import exercises

SITES = "conv1", "conv2", "conv3", "conv4", "lstm_input", "output"  # whose inputs are quantized
BATCHES = 4  # in which the sound goes by while it is watched
VOLUME = Slider("v", "volume v", 0, -30, 30, 1)
WIDTH = Slider("b", "bits b", 8, 3, 8, 1)
WAYS = "in float", "one range, from before", "a range for each window"
LOWEST, HIGHEST = -4.0, 3.2  # the axis of the first input, powers of ten

Quantizer = Callable[
    [str, Tensor], Tensor
]  # takes where a tensor goes in, and the tensor; it may have rows of any shape


@dataclass(frozen=True)
class Loudness(View):
    """What the network hears at one volume.

    v: the change of the volume in dB; b: bits.
    end, half: of the first input's range, and half a step of it.
    largest: the largest first input of each window.
    heard: in which windows it hears speech, for each of WAYS.
    """

    v: float
    b: int
    end: float
    half: float
    largest: numpy.ndarray
    heard: numpy.ndarray

    def same(self, way: int) -> int:
        """In how many windows this way decides as float."""
        return int((self.heard[way] == self.heard[0]).sum())


@cache
def recorded() -> tuple[Mapping[str, Tensor], Tensor, dict[str, Tensor]]:
    """Return the network, the sound, and what goes into each site at the volume that is calibrated on."""
    weights, (audio, _) = load_silero(), synthesize_speech()
    inputs: dict[str, Tensor] = {}

    def watch(name: str, x: Tensor) -> Tensor:
        inputs[name] = x
        return x

    decide(weights, speech_activations(weights, audio, watch)["conv4"][:, :, 0], watch)
    return weights, audio, {site: inputs[site] for site in SITES}


def calibrated(widen: StandIn) -> tuple[dict[str, tuple[float, float]], list[str]]:
    """Return the range of each site, watched batch by batch by a function, and what a reader must know of it."""
    ranges, notices = {}, []
    for site, x in recorded()[2].items():
        low, high = 0.0, 0.0
        for batch in x.chunk(BATCHES):
            (low, high), notice = widen(batch, float(low), float(high))
            notices.append(notice)
        ranges[site] = float(low), float(high)
    return ranges, notices


def listen(v: float, ways: tuple[Quantizer, ...]) -> numpy.ndarray:
    """Return in which windows the network hears speech at a volume, for each way to quantize what goes into a site."""
    weights, audio, _ = recorded()
    louder = gain(v) * audio
    features = [speech_activations(weights, louder, way)["conv4"][:, :, 0] for way in ways]

    def side_by_side(name: str, x: Tensor) -> Tensor:
        if name not in SITES:
            return x
        return torch.stack([way(name, x[:, k]) for k, way in enumerate(ways)], dim=1)

    return hears_speech(decide(weights, torch.stack(features, dim=1), side_by_side)).T.numpy()


def gain(v: float) -> float:
    """Return the factor of so many decibels."""
    return 10.0 ** (v / 20)


def in_float(_name: str, x: Tensor) -> Tensor:
    """Return x as it is."""
    return x


def by(rulers: Mapping[str, QParams]) -> Quantizer:
    """Return what quantizes each site by a ruler made before."""
    return lambda name, x: fake_quantize(x, *rulers[name])


def fresh(quantize: Function, b: int, notices: list[str] | None = None) -> Quantizer:
    """Return what quantizes each window of a site on its own, by f(rows, bits) that returns a pair with a notice."""

    def quantized(_name: str, x: Tensor) -> Tensor:
        x_hat, notice = quantize(x.flatten(1), b)
        if notices is not None:
            notices.append(notice)
        return x_hat.reshape(x.shape).to(x.dtype)

    return quantized


@explorer
def explore_volume(
    running: Function = exercises.running_range.reference,
    tokens: Function = exercises.token_quantize.reference,
) -> Explorer:
    """Show sliders for the volume and the bits, and when the network hears speech with ranges of either kind.

    Args:
        running: f(batch, low, high) that returns the widened range, quantlib's or a learner's: it calibrates.
        tokens: f(x, bits) that quantizes each row on its own, quantlib's or a learner's: it takes window by window.
    """
    widen, each = exercises.running_range.stand_in(running), exercises.token_quantize.stand_in(tokens)

    def compute(v: float, b: int) -> Loudness:
        ranges, notices = calibrated(widen)
        rulers = {site: choose_qparams(torch.tensor(ends), b) for site, ends in ranges.items()}
        heard = listen(v, (in_float, by(rulers), fresh(each, b, notices)))
        first = recorded()[2]["conv1"].flatten(1).amax(1).double().numpy()
        end, half = ranges["conv1"][1], float(rulers["conv1"].scale) / 2
        return Loudness(v, b, end, half, gain(v) * first, heard, notices=tuple(dict.fromkeys(notices)))

    return Explorer([VOLUME, WIDTH], compute, Scene((9.2, 4.9), _lay_out), describe)


def describe(view: Loudness) -> str:
    """Return the sentence that says what each way hears."""
    float_, before, fresh_ = view.heard.sum(axis=1).tolist()
    times = f"the samples, changed by {fixed(view.v, 0)} dB, are multiplied by {number(gain(view.v))}"
    heard = f"Speech is heard in {float_} windows in float, in {before} with the range from before"
    return f"v = {fixed(view.v, 0)} and b = {view.b}: {times}. {heard}, and in {fresh_} with a range for each window."


def _lay_out(figure: Figure) -> list[Panel]:
    left, width = 0.205, 0.775
    return [Reach(figure.add_axes((left, 0.57, width, 0.355))), Decided(figure.add_axes((left, 0.11, width, 0.275)))]


class Reach(Panel):
    """How large each window's input is, and what the range from before makes of that size."""

    def __init__(self, axes: Axes) -> None:
        super().__init__(axes, xlim=(10**LOWEST, 10**HIGHEST), ylim=(0, 1), xscale="log")
        axes.set_xlabel("largest input of a window (logarithmic)")
        style.number_line(axes)
        axes.minorticks_off()
        powers = range(int(LOWEST), int(HIGHEST) + 1)
        axes.set_xticks([10.0**k for k in powers], [f"{10.0**k:g}" for k in powers])
        axes.text(-0.012, 0.5, "windows", transform=axes.get_yaxis_transform(), size=9, ha="right", va="center")
        counts, edges = numpy.histogram(numpy.log10(recorded()[2]["conv1"].flatten(1).amax(1).numpy()), 40)
        self._edges = numpy.repeat(edges, 2)
        self._tops = 0.66 * numpy.concatenate([[0], numpy.repeat(counts, 2), [0]]) / counts.max()
        self._zero = self.area({"facecolor": style.ROUNDING_TINT, "zorder": 0})
        self._beyond = self.area({"facecolor": style.CLIPPED_TINT, "zorder": 0})
        self._band = self.area({"facecolor": style.RANGE, "alpha": 0.4, "zorder": 1})
        self._windows = self.line(style.ORIGINAL, lw=1.6, zorder=3)
        self._names = [
            self.label("rounds to 0", size=9),
            self.label("range", size=9),
            self.label("clips", size=9),
        ]

    def update(self, view: Loudness) -> None:
        """Move the windows and the ends of the range."""
        low, high = max(view.half, 10**LOWEST), min(max(view.end, view.half, 1.01 * 10**LOWEST), 10**HIGHEST)
        places = (10**LOWEST, low), (low, high), (high, 10**HIGHEST)
        for area, (left, right) in zip((self._zero, self._band, self._beyond), places, strict=True):
            area.set_verts([numpy.array([[left, 0], [left, 1], [right, 1], [right, 0]])])
        for name, (left, right) in zip(self._names, places, strict=True):
            name.at = (left * right) ** 0.5, 0.88
        self._windows.set_data(gain(view.v) * 10.0**self._edges, self._tops)
        beyond, under = int((view.largest > view.end).sum()), int((view.largest < view.half).sum())
        count = len(view.largest)
        self.title.text = (
            f"input of the first layer: {under} of {count} windows become all 0, in {beyond} something clips"
        )

    def grab(self, view: Loudness, x: float, y: float) -> Drag:
        """Take the windows along: to the right is louder."""
        return lambda to_x, to_y: {"v": view.v + 20 * numpy.log10(to_x / x)}


class Decided(Panel):
    """Where each way hears speech, as three rows of bars."""

    def __init__(self, axes: Axes) -> None:
        count = len(recorded()[2]["output"])
        super().__init__(axes, xlim=(0, count * WINDOW / RATE), ylim=(2.6, -0.6), xlabel="time, s")
        style.number_line(axes)
        inks = style.ORIGINAL, style.QUANTIZED, style.QUANTIZED
        for row, (name, ink) in enumerate(zip(WAYS, inks, strict=True)):
            sound.name_row(axes, row, name, ink)
        self._bars = [self.strokes(ink, lw=11) for ink in inks]

    def update(self, view: Loudness) -> None:
        """Draw the bars of each way."""
        for row, (bars, mask) in enumerate(zip(self._bars, view.heard, strict=True)):
            set_strokes(bars, sound.bars(mask, row))
        count = view.heard.shape[1]
        same = f"{view.same(1)} and {view.same(2)} of {count} windows decided as in float"
        self.title.text = f"where speech is heard; {same}"


@cache
def heard_at(v: float, b: int) -> Loudness:
    """Return what is heard at a volume with so many bits, by quantlib's own functions."""
    view: Loudness = explore_volume().compute(v=v, b=b)
    return view


def volumes(b: int) -> dict[int, Loudness]:
    """Return what is heard at volumes 5 dB apart, by quantlib's own functions."""
    return {v: heard_at(v, b) for v in range(-30, 31, 5)}


def draw_volumes(b: int) -> Picture:
    """Draw how many windows are decided otherwise than in float over the volume, for both kinds of ranges."""
    views = volumes(b)
    before, each = ([len(view.largest) - view.same(way) for view in views.values()] for way in (1, 2))
    with style.house_style():
        figure = style.new_figure(9.2, 3.2)
        axes = figure.add_axes((0.085, 0.17, 0.68, 0.71))
        axes.set(xlim=(-33, 33), ylim=(-2, 54), xlabel="change of the volume, dB", ylabel="windows that differ")
        axes.set_xticks(list(views), [fixed(v, 0) for v in views])
        axes.plot(list(views), before, "o-", color=style.QUANTIZED, lw=2)
        axes.plot(list(views), each, "|--", color=style.BETTER, ms=10, lw=2)
        for v, differ in zip(views, before, strict=True):
            if v % 10 == 0:
                axes.text(v, differ + 4, str(differ), color=style.QUANTIZED, weight="bold", ha="center", va="center")
        axes.text(34.5, before[-1], WAYS[1], color=style.QUANTIZED, size=9, va="center")
        axes.text(34.5, each[-1], WAYS[2], color=style.BETTER_TEXT, size=9, va="center")
        axes.set_title(f"{b} bits, calibrated at 0 dB: windows of {len(views[0].largest)} not decided as in float")
        said = "; ".join(f"{fixed(v, 0)} dB {x} and {y}" for v, x, y in zip(views, before, each, strict=True))
        head = "Windows decided otherwise than in float, with one range from before and with a range for each window"
        return picture(figure, f"{head}, {b} bits: {said}.")
