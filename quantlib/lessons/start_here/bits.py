"""How many bits a weight needs: a corner of a real matrix, and what the network with these weights still hears."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from typing import Any

import numpy
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from quantlib.affine import dequantize, fake_quantize, quantize
from quantlib.data.silero import RATE, WINDOW, hears_speech, load_silero, speech_probability
from quantlib.data.speech import PARTS, synthesize_speech
from quantlib.lab import sound, style
from quantlib.lab.explore import Explorer, Scene, Slider, View, explorer
from quantlib.lab.panel import Panel, set_strokes, uprights
from quantlib.lab.picture import Picture, picture
from quantlib.lab.words import fixed, number
from quantlib.qparams import choose_qparams

BITS = Slider("b", "bits b", 8, 2, 8, 1)
MATRIX = "lstm.weight_hh"  # of which the corner is shown
SIDE = 16  # rows and columns of the corner
OUTLINED = 12, 8  # the cell whose numbers are said
STRONGER = 4  # times as strong are the colours of what is lost
LEFT, WIDTH = 0.125, 0.86  # of the sound in the picture


@dataclass(frozen=True)
class BitsView(View):
    """The corner of the matrix with b bits a weight, and where the network with such weights hears a voice.

    largest: the largest code.
    x, q, x_hat: the corner: weights, codes and what is rebuilt from them; shape (16, 16).
    hears: for each window whether the network hears a voice; before: the same with 32 bits.
    """

    b: int
    largest: int
    x: Tensor
    q: Tensor
    x_hat: Tensor
    hears: numpy.ndarray
    before: numpy.ndarray

    @property
    def alike(self) -> int:
        """In how many windows both decide alike."""
        return int((self.hears == self.before).sum())


def load_network() -> tuple[dict[str, Tensor], Tensor]:
    """Return the weights of a network that hears speech, and eight seconds of sound."""
    return load_silero(), synthesize_speech()[0]


@explorer
def explore_bits(weights: Mapping[str, Tensor], audio: Tensor) -> Explorer:
    """Show a slider for the bits of a weight over a corner of a matrix, and over what the network then hears.

    Each row of a matrix has a scale of its own, its largest weight divided by the largest code. The network runs once
    for each number of bits, when it is first asked for.

    Args:
        weights: those of `load_silero`; the seven trained ones are quantized.
        audio: samples between -1 and 1, 16 000 a second.
    """
    hearing = Hearing(weights, audio)
    scene = Scene((9.2, 5.2), lambda figure: _lay_out(figure, hearing))
    return Explorer([BITS], hearing.view, scene, describe)


class Hearing:
    """What the network hears with so many bits a weight: it is asked once for each."""

    def __init__(self, weights: Mapping[str, Tensor], audio: Tensor) -> None:
        self.weights, self.audio = dict(weights), audio
        self.view: Callable[[int], BitsView] = cache(self._view)

    @cached_property
    def before(self) -> numpy.ndarray:
        """Where it hears a voice with 32 bits."""
        return self._hears(self.weights)

    def _hears(self, weights: Mapping[str, Tensor]) -> numpy.ndarray:
        return hears_speech(speech_probability(weights, self.audio)).numpy()

    def _view(self, b: int) -> BitsView:
        s, z, *grid = choose_qparams(self.weights[MATRIX], b, symmetric=True, axis=0)
        q = quantize(self.weights[MATRIX], s, z, *grid)
        x, codes, x_hat = (_corner(t) for t in (self.weights[MATRIX], q, dequantize(q, s, z)))
        hears = self._hears(quantized(self.weights, b))
        return BitsView(b=b, largest=grid[1], x=x, q=codes, x_hat=x_hat, hears=hears, before=self.before)


def _corner(matrix: Tensor) -> Tensor:
    return matrix[:SIDE, :SIDE]


def quantized(weights: Mapping[str, Tensor], bits: int) -> dict[str, Tensor]:
    """Return tensors of which the trained weights were stored in so many bits, with one scale a row."""
    return {
        name: fake_quantize(w, *choose_qparams(w, bits, symmetric=True, axis=0)) if "weight" in name else w
        for name, w in weights.items()
    }


def describe(view: BitsView) -> str:
    """Return the sentences that say what becomes of the outlined weight, and what the network hears."""
    x, q, x_hat = (t[OUTLINED].item() for t in (view.x, view.q, view.x_hat))
    weight = f"the outlined weight of {fixed(x, 4)} becomes the code {fixed(q, 0)}, which stands for {fixed(x_hat, 4)}"
    return f"b = {view.b}: {weight}. {hearing(view)}; it decides alike in {view.alike}."


def hearing(view: BitsView) -> str:
    """Return in how many windows the network hears a voice."""
    heard, before, count = int(view.hears.sum()), int(view.before.sum()), len(view.before)
    return f"The network hears a voice in {heard or 'none'} of {count} windows, with 32 bits in {before}"


# --- the picture


def _lay_out(figure: Figure, hearing: Hearing) -> Sequence[Panel]:
    corners = [Corner(figure.add_axes((0.012 + 0.25 * k, 0.515, 0.226, 0.40)), k) for k in range(4)]
    waves = Sound(figure.add_axes((LEFT, 0.09, WIDTH, 0.20)), hearing.audio)
    return [*corners, waves, Strip(figure.add_axes((LEFT, 0.295, WIDTH, 0.10)), hearing.before)]


class Corner(Panel):
    """One picture of the corner: 0, the weights; 1, their codes; 2, what is rebuilt from them; 3, what is lost."""

    def __init__(self, axes: Axes, k: int) -> None:
        super().__init__(axes)
        style.bare(axes)
        self._k = k
        blank = numpy.zeros((SIDE, SIDE))
        look: Any = {"cmap": style.SIGNED, "vmin": -1, "vmax": 1, "aspect": "auto", "interpolation": "nearest"}
        self._image = self.keep(axes.imshow(blank, **look))
        rims = (("white", 4.4), (style.ORIGINAL, 2.0))
        self._outline = [self.line(ink, marker="s", ms=11, mfc="none", mew=width, ls="none") for ink, width in rims]
        self._caption = self.label(at=(-0.5, SIDE + 0.4), size=9, ha="left")

    def leave_out_outline(self) -> None:
        """Show colours alone."""
        for rim in self._outline:
            rim.set_data([], [])
        self._caption.text = ""

    def update(self, view: BitsView) -> None:
        """Colour the corner, and say what stands in its outlined cell."""
        self.title.text, values, full, digits = _pictures(view)[self._k]
        self._image.set_data((values / full).numpy())
        for rim in self._outline:
            rim.set_data([OUTLINED[1]], [OUTLINED[0]])
        self._caption.text = f"outlined: {fixed(values[OUTLINED].item(), digits)}"


def _pictures(view: BitsView) -> list[tuple[str, Tensor, float, int]]:
    """Return the title, the values, the value of the strongest colour, and the digits of each picture."""
    span = view.x.abs().max().item()
    return [
        ("weights, 32 bits each", view.x, span, 4),
        (f"codes: {number(-view.largest)} to {view.largest}", view.q, view.largest, 0),
        ("rebuilt: scale × code", view.x_hat, span, 4),
        (f"lost, colours × {STRONGER}", view.x - view.x_hat, span / STRONGER, 4),
    ]


class Sound(Panel):
    """The waveform, in a colour where the network hears a voice."""

    def __init__(self, axes: Axes, audio: Tensor, color: str = style.QUANTIZED) -> None:
        seconds = len(audio) / RATE
        super().__init__(axes, xlim=(0, seconds), ylim=(-0.85, 1.25), xlabel="time, s")
        style.number_line(axes)
        time, low, high = sound.pieces(audio)
        self._window = (time * RATE // WINDOW).astype(int)
        self._bars = uprights(time, 0, 0)
        self._bars[:, 0, 1], self._bars[:, 1, 1] = low, high
        self._other = self.strokes(style.QUIET, lw=0.9)
        self._heard = self.strokes(color, lw=0.9)
        sound.name_row(axes, 0, "sound", style.QUIET)
        _name_parts(axes, 1.1)

    def update(self, view: BitsView) -> None:
        """Paint what is heard."""
        heard = view.hears[self._window]
        set_strokes(self._heard, self._bars[heard])
        set_strokes(self._other, self._bars[~heard])


class Strip(Panel):
    """Where the network hears a voice: with 32 bits and with b bits, as two rows of bars."""

    def __init__(self, axes: Axes, before: numpy.ndarray) -> None:
        super().__init__(axes, xlim=(0, len(before) * WINDOW / RATE), ylim=(1.6, -0.6))
        style.bare(axes)
        _draw_before(axes, before)
        self._name = self.label(at=(-0.012, 1), transform=axes.get_yaxis_transform(), **NAME, color=style.QUANTIZED)
        self._heard = self.strokes(style.QUANTIZED, lw=7)

    def update(self, view: BitsView) -> None:
        """Draw the bars of the network with b bits."""
        self.title.text = hearing(view)
        self._name.text = f"{view.b} bits hear"
        set_strokes(self._heard, sound.bars(view.hears, 1))


def draw_network(weights: Mapping[str, Tensor], audio: Tensor) -> Picture:
    """Draw a corner of a matrix beside the sound, and where the network with 32 bits a weight hears a voice."""
    hearing = Hearing(weights, audio)
    view = replace(hearing.view(int(BITS.low)), hears=hearing.before)
    with style.house_style():
        figure = style.new_figure(9.2, 2.25)
        corner = Corner(figure.add_axes((0.012, 0.13, 0.19, 0.72)), 0)
        corner.update(view)
        corner.leave_out_outline()
        Sound(figure.add_axes((0.33, 0.20, 0.655, 0.43)), audio, style.ORIGINAL).update(view)
        strip = figure.add_axes((0.33, 0.64, 0.655, 0.22))
        strip.set(xlim=(0, len(hearing.before) * WINDOW / RATE), ylim=(1.6, -0.6))
        style.bare(strip)
        _draw_before(strip, hearing.before)
        sound.name_row(strip, 1, "fewer bits hear", style.QUANTIZED)
        look: Any = {"size": 11, "weight": "bold", "ha": "center", "va": "center", "color": style.QUANTIZED}
        for (start, y), (end, _) in sound.bars(hearing.before, 1):
            strip.text((start + end) / 2, y, "?", **look)
        heard = f"hears a voice in {hearing.before.sum()} of {len(hearing.before)} windows"
        strip.set_title(f"A network with such weights {heard}", pad=8)
        alt = f"Sound in which three voices speak, and a few of the weights of a network that {heard} of it"
        return picture(figure, f"{alt}, with 32 bits a weight. What would it hear with fewer bits?")


NAME: dict[str, Any] = {"size": 9, "ha": "right"}


def _draw_before(axes: Axes, before: numpy.ndarray) -> None:
    """Draw in the first row where the network with 32 bits hears a voice."""
    sound.name_row(axes, 0, "32 bits hear", style.ORIGINAL)
    set_strokes(axes.plot([], [], color=style.ORIGINAL, lw=7, solid_capstyle="butt")[0], sound.bars(before, 0))


def _name_parts(axes: Axes, height: float) -> None:
    """Write what is heard over each part of the sound that is not silent."""
    start = 0
    for name, windows in PARTS:
        if name != "silence":
            axes.text((start + windows / 2) * WINDOW / RATE, height, name, size=9, ha="center", va="center")
        start += windows
