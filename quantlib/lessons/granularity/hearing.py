"""What quantization does to a task: a network that hears speech, and which of its tensors makes it deaf."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor
from torch.nn.functional import binary_cross_entropy

from quantlib.affine import fake_quantize
from quantlib.data.silero import RATE, WINDOW, hears_speech, same_decisions, speech_probability
from quantlib.groups import from_groups, to_groups
from quantlib.lab import sound, style
from quantlib.lab.explore import Choice, Explorer, Scene, Slider, View, explorer
from quantlib.lab.panel import Panel, set_strokes
from quantlib.lab.picture import Picture, picture
from quantlib.qparams import choose_qparams

WIDTH = Slider("b", "bits b", 8, 2, 12, 1)
GROUP = 32
WHOSE = "a tensor", "a channel", f"for {GROUP} weights"
SHARING = Choice("g", "one scale g", WHOSE)


def shared(w: Tensor, bits: int, sharing: int) -> Tensor:
    """Return weights, symmetrically quantized and back; sharing: the place in WHOSE of who shares a scale."""
    if sharing < 2:
        return fake_quantize(w, *choose_qparams(w, bits, symmetric=True, axis=(None, 0)[sharing]))
    groups = to_groups(w.flatten(1), GROUP)
    w_hat = fake_quantize(groups, *choose_qparams(groups, bits, symmetric=True, axis=(0, 1)))
    return from_groups(w_hat, w[0].numel()).reshape(w.shape)


@dataclass(frozen=True)
class Heard(View):
    """What two networks say of a sound, window by window.

    name: what the second one is called.
    p, q: the probabilities of the first and of the second; shape (windows,).
    """

    name: str
    p: Tensor
    q: Tensor

    @property
    def same(self) -> int:
        """In how many windows both decide alike."""
        return same_decisions(self.p, self.q)


def finding(view: Heard) -> str:
    """Return in a few words what the second network hears."""
    if not hears_speech(view.q).any():
        return "it never hears speech"
    return f"it decides as in float in {view.same} of {len(view.p)} windows"


def describe(view: Heard) -> str:
    """Return the sentences that say what both networks hear."""
    count, (heard, called) = len(view.p), (int(hears_speech(p).sum()) for p in (view.p, view.q))
    says = f"speech in {called} of {count} windows with {view.name}, and in {heard} in float"
    same = f"It decides as in float in {view.same} of {count} windows; largest change of the probability "
    return f"The network hears {says}. {same}{abs(view.p - view.q).max():.3f}."


@explorer
def explore_hearing(weights: Mapping[str, Tensor], audio: Tensor, spoken: Tensor) -> Explorer:
    """Show sliders for the bits and for who shares a scale, over what the network then hears.

    The network runs once for each setting, when it is first asked for.

    Args:
        weights: those of `load_silero`; the seven trained ones are quantized.
        audio: samples; spoken: for each window whether a voice speaks.
    """
    p = speech_probability(weights, audio)

    @cache
    def compute(b: int, g: int) -> Heard:
        quantized = {name: shared(w, b, g) if "weight" in name else w for name, w in weights.items()}
        q = speech_probability(quantized, audio)
        return Heard(f"{b} bits, one scale {WHOSE[g]}", p, q)

    return Explorer([WIDTH, SHARING], compute, _scene(4.6, audio, spoken, p), describe)


def _scene(height: float, audio: Tensor, spoken: Tensor, p: Tensor) -> Scene:
    """Return the sound above what a network in float hears, probabilities p, and what another one does."""

    def lay_out(figure: Figure) -> list[Panel]:
        left, width = 0.165, 0.82
        _draw_sound(figure.add_axes((left, 0.80, width, 0.14)), audio, spoken)
        return [
            Probability(figure.add_axes((left, 0.345, width, 0.36)), p),
            Decisions(figure.add_axes((left, 0.115, width, 0.20)), p),
        ]

    return Scene((9.2, height), lay_out)


def _draw_sound(axes: Axes, audio: Tensor, spoken: Tensor) -> None:
    """Draw the waveform, and where voices speak."""
    axes.fill_between(*sound.pieces(audio), color=style.QUIET, lw=0.6)
    axes.set(xlim=(0, len(audio) / RATE), ylim=(-1, 1))
    style.bare(axes)
    sound.name_row(axes, 0, "sound", style.QUIET)
    for start, end in sound.seconds(spoken.numpy()):
        axes.plot([start, end], [0.93, 0.93], color=style.ORIGINAL, lw=2, solid_capstyle="butt")
        axes.text((start + end) / 2, 1.02, "a voice", size=9, ha="center", va="bottom")


class Probability(Panel):
    """The probability of speech in every window: black in float, blue as quantized."""

    def __init__(self, axes: Axes, p: Tensor) -> None:
        super().__init__(axes, xlim=(0, len(p) * WINDOW / RATE), ylim=(-0.03, 1.05), ylabel="speech probability")
        self._time = (numpy.arange(len(p)) + 0.5) * WINDOW / RATE
        axes.tick_params(axis="x", labelbottom=False)
        axes.axhline(0.5, color=style.LEVELS, lw=1, zorder=0)
        axes.set_yticks([0, 0.5, 1], ["0", "½", "1"])
        axes.plot(self._time, p, color=style.ORIGINAL, lw=1.2, ls="dashed")
        key = "dashed: in float\nsolid: quantized"
        axes.text(1, 1, key, transform=axes.get_yaxis_transform(), size=8.5, color=style.QUIET, ha="right", va="top")
        self._line = self.line(style.QUANTIZED, lw=2)

    def update(self, view: Heard) -> None:
        """Draw the second network's probabilities."""
        self._line.set_data(self._time, view.q)
        self.title.text = f"{view.name}: {finding(view)}"


class Decisions(Panel):
    """Where each network decides for speech, and where they differ, as three rows of bars."""

    def __init__(self, axes: Axes, p: Tensor) -> None:
        super().__init__(axes, xlim=(0, len(p) * WINDOW / RATE), ylim=(2.6, -0.6), xlabel="time, s")
        style.number_line(axes)
        rows = ("float: speech", style.ORIGINAL), ("quantized: speech", style.QUANTIZED), ("they differ", style.QUIET)
        for row, (name, ink) in enumerate(rows):
            sound.name_row(axes, row, name, ink)
        self._bars = [self.strokes(ink, lw=7) for _, ink in rows]

    def update(self, view: Heard) -> None:
        """Draw the bars of both networks, and the windows that they decide differently."""
        p, q = hears_speech(view.p), hears_speech(view.q)
        for row, mask in enumerate((p, q, p != q)):
            set_strokes(self._bars[row], sound.bars(mask.numpy(), row))


def draw_hearing(audio: Tensor, spoken: Tensor, p: Tensor, q: Tensor, name: str) -> Picture:
    """Draw what two networks hear in a sound.

    Args:
        audio: samples; spoken: for each window whether a voice speaks.
        p, q: the probabilities of the network in float, and of another.
        name: what the other is called.
    """
    view = Heard(name, p, q)
    return _scene(4.2, audio, spoken, view.p).still(view, f"Speech or not, in every window. {describe(view)}")


def gradient_scales(weights: Mapping[str, Tensor], audio: Tensor, spoken: Tensor) -> Tensor:
    """Return the int8 scales of groups of 32 of a gradient: how much better hearing depends on each lstm.weight_hh.

    Args:
        weights: those of `load_silero`; audio: samples; spoken: for each window whether a voice speaks.
    """
    learned = {name: w.clone().requires_grad_() for name, w in weights.items()}
    loss = binary_cross_entropy(speech_probability(learned, audio), spoken.float())
    (gradient,) = torch.autograd.grad(loss, learned["lstm.weight_hh"])
    return torch.as_tensor(choose_qparams(to_groups(gradient, GROUP), symmetric=True, axis=(0, 1)).scale)


def draw_suspects(suspects: Mapping[str, tuple[float, int]], windows: int) -> Picture:
    """Draw for each tensor, quantized alone, its SQNR and how many windows are then decided as before.

    Args:
        suspects: by name, the SQNR in dB and the number of windows.
        windows: how many there are.
    """
    suspects = {name.replace(".weight", ""): found for name, found in suspects.items()}
    worst = min(suspects, key=lambda name: suspects[name][1])
    near = min(suspects.keys() - {worst}, key=lambda name: abs(suspects[name][0] - suspects[worst][0]))
    text = f"{worst} alone makes the network deaf; {near} has almost the same SQNR"
    with style.house_style():
        figure = style.new_figure(9.2, 3.4)
        axes = figure.add_axes((0.075, 0.15, 0.90, 0.73))
        axes.set(xlim=(14, 43), ylim=(0, windows + 18), xlabel="SQNR of the tensor, dB", ylabel="windows as in float")
        axes.set_title(text)
        axes.axhline(windows, color=style.LEVELS, lw=1, zorder=0)
        for name, (sqnr, same) in suspects.items():
            axes.plot([sqnr], [same], "o", color=style.QUANTIZED, ms=8)
            axes.text(sqnr, same - 15, f"{name}\n{same}", size=9, ha="center", va="top")
        said = "; ".join(f"{name} {sqnr:.1f} dB, {same} windows" for name, (sqnr, same) in suspects.items())
        return picture(figure, f"One tensor quantized at a time: {text}. Of {windows} windows as in float: {said}.")
