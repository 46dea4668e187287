"""The first feed-forward matrix of the encoder and its inputs: where four columns are too large, and for whom."""

from collections import Counter
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy
import torch
from matplotlib.axes import Axes
from torch import Tensor

from quantlib.affine import fake_quantize
from quantlib.data.encoder import encoder_embeddings, encoder_inputs, encoder_pieces, encoder_tokens, load_encoder
from quantlib.lab import style
from quantlib.lab.panel import Drag, Panel
from quantlib.lab.picture import Picture, picture
from quantlib.metrics import sqnr_db
from quantlib.qparams import choose_qparams

CHANNEL, NEURON = 99, 856  # the largest weight of the suite's matrix goes from this neuron to this channel
SIZES = {0.5: "½", 1: "1", 3: "3", 10: "10", 28: "28"}


@dataclass(frozen=True, eq=False)
class Layer:
    """A matrix and its inputs.

    x: (sentences, tokens, channels).
    w: (outputs, channels).
    seen: the tokens to calibrate on, (rows, channels).
    test: the tokens to judge on, those of other sentences.
    """

    x: Tensor
    w: Tensor
    seen: Tensor
    test: Tensor


@cache
def layer() -> Layer:
    """Return the matrix "ffn_up" and its inputs for the suite's prose: every second sentence is seen, 9 others test."""
    weights = load_encoder()
    x = encoder_inputs(weights, encoder_tokens("prose"))["ffn_up"]
    return Layer(x, weights["ffn_up.weight"], x[::2].flatten(0, 1), x[1::16].flatten(0, 1))


def five_ways() -> list[Layer]:
    """Return the layer with its sentences parted in five other ways: 64 drawn at random are seen, 17 others test."""
    x, w = layer().x, layer().w
    orders = (torch.randperm(len(x), generator=torch.Generator().manual_seed(seed)) for seed in range(5))
    return [Layer(x, w, x[order[:64]].flatten(0, 1), x[order[64:81]].flatten(0, 1)) for order in orders]


def both_quantized(
    x: Tensor, w: Tensor, seen: Tensor | None, bits: int = 8, *, rows: bool = True, bits_w: int = 8
) -> Tensor:
    """Return x w^T with both sides on symmetric grids.

    Args:
        x: inputs, (rows, n); w: the matrix, (outputs, n).
        seen: what the one scale of x is chosen from, (rows, n); None: each row of x has its own.
        bits, bits_w: of x, and of w.
        rows: whether each row of w has its own scale.
    """
    ruler = choose_qparams(x if seen is None else seen, bits, symmetric=True, axis=0 if seen is None else None)
    ruler_w = choose_qparams(w, bits_w, symmetric=True, axis=0 if rows else None)
    return fake_quantize(x, *ruler) @ fake_quantize(w, *ruler_w).T


def decibels(x: Tensor, w: Tensor, seen: Tensor | None, bits: int = 8, *, rows: bool = True) -> float:
    """Return the SQNR in dB of x w^T with both sides quantized; arguments as of `both_quantized`."""
    return sqnr_db(x @ w.T, both_quantized(x, w, seen, bits, rows=rows))


@cache
def untouched(rows: bool = True) -> float:
    """Return the SQNR in dB of the output, both sides in 8 bits, if nothing is taken out, moved or mixed.

    Args:
        rows: whether each row of the matrix has its own scale.
    """
    return decibels(layer().test, layer().w, layer().seen, rows=rows)


def who_exceeds(channel: int, threshold: float = 6.0) -> Counter[str]:
    """Return how often each piece of text exceeds a threshold in a channel."""
    large = layer().x[..., channel].abs() > threshold
    pieces = encoder_pieces()
    return Counter(pieces[i] for i in encoder_tokens("prose")[large].tolist())


def mark_on_its_way() -> dict[str, tuple[float, float]]:
    """Return by stage of the layer the mean size for [CLS], and the largest for any other token."""
    weights, tokens = load_encoder(), encoder_tokens("prose")
    inputs = encoder_inputs(weights, tokens)
    stages = {
        f"embedding,\nchannel {CHANNEL}": encoder_embeddings(weights, tokens)[..., CHANNEL],
        f"x,\nchannel {CHANNEL}": inputs["ffn_up"][..., CHANNEL],
        f"after GELU,\nneuron {NEURON}": inputs["ffn_down"][..., NEURON],
        f"end of the layer,\nchannel {CHANNEL}": inputs["residual"][..., CHANNEL],
    }
    return {name: (at[:, 0].abs().mean().item(), at[:, 1:].abs().max().item()) for name, at in stages.items()}


def draw_input(x: Tensor, sentence: int) -> Picture:
    """Draw the sizes of one sentence's inputs, a row a token, and name the columns that are too large.

    Args:
        x: activations, (sentences, tokens, channels); sentence: of the prose.
    """
    sizes = x[sentence].abs()
    with style.house_style():
        figure = style.new_figure(9.2, 3.5)
        axes = figure.add_axes((0.075, 0.14, 0.835, 0.68))
        image = axes.imshow(log_sizes(sizes), **LOOK)
        axes.set(xlabel="channel", ylabel="token")
        axes.set_yticks([0, 63], ["[CLS]", "[SEP]"])
        axes.spines[:].set_visible(False)
        size_bar(image)
        columns = (x.abs().amax((0, 1)) > 6).nonzero().flatten().tolist()
        for column in columns:
            axes.annotate(str(column), (column, -0.5), (column, -5), ha="center", size=9, weight="bold",
                          arrowprops={"arrowstyle": "->", "color": style.QUIET}, annotation_clip=False)  # fmt: skip
        top = sizes.max().item()
        axes.set_title(f"one value of {top:.1f} makes a step {top / 127:.2f} wide", pad=27)
        said = f"{', '.join(map(str, columns[:-1]))} and {columns[-1]}"
        alt = f"The sizes of one sentence: most are below 1, one is {top:.1f}, and the channels {said} stand out."
        return picture(figure, alt)


LOOK = {"cmap": style.MAGNITUDE, "aspect": "auto", "interpolation": "nearest",
        "vmin": numpy.log10(0.5), "vmax": numpy.log10(28.5)}  # fmt: skip


def log_sizes(sizes: Tensor) -> numpy.ndarray:
    """Return sizes on the logarithmic scale of colours."""
    return numpy.log10(sizes.clamp(min=0.01).numpy())


def size_bar(image: object) -> None:
    """Draw what the colours of sizes mean beside an image."""
    bar = style.colour_bar(image, {float(numpy.log10(v)): name for v, name in SIZES.items()}, 0.03)  # type: ignore[arg-type]
    bar.set_label("size |x| (logarithmic)", color=style.QUIET)


class Output(Panel):
    """The decibels of the output over what a slider says, which can be dragged, and those of an untouched layer.

    Args:
        axes: where it is drawn; axis: its limits and labels.
        control: the slider's name, which the view has too; beside it the view has `db` and `untouched`, in dB.
        without: what is not done to an untouched layer.
        at: where this is said, along the slider's axis, and how far above the line.
    """

    def __init__(self, axes: Axes, control: str, without: str, at: tuple[float, float], **axis: Any) -> None:
        super().__init__(axes, ylabel="SQNR, dB", **axis)
        self._control, self._without, self._at = control, without, at
        self._line = self.line(style.ORIGINAL, lw=1.2, ls="dashed")
        self._said = self.label(ha="left", size=9)
        self._dot = self.dot(style.QUANTIZED, ms=11)

    def update(self, view: Any) -> None:
        """Move the dot and the line to a view."""
        low, high = self.axes.get_ylim()
        self._line.set_data(self.axes.get_xlim(), [view.untouched] * 2)
        self._said.at = self._at[0], view.untouched + self._at[1]
        self._said.text = f"dashed: {self._without}, {view.untouched:.1f} dB"
        self._dot.set_data([getattr(view, self._control)], [min(max(view.db, low), high)])
        self.title.text = f"output: {view.db:.1f} dB".replace("-", "\N{MINUS SIGN}")

    def grab(self, view: Any, x: float, y: float) -> Drag:
        """Take the slider along."""
        return lambda x, y: {self._control: x}


def draw_mark() -> Picture:
    """Draw how large [CLS] is on its way through the layer, and how large any other token becomes there."""
    found = mark_on_its_way()
    with style.house_style():
        figure = style.new_figure(9.2, 3.2)
        axes = figure.add_axes((0.085, 0.19, 0.895, 0.68))
        axes.set(xlim=(-0.4, 3.75), ylim=(1e-4, 4000), yscale="log", ylabel="size (logarithmic)")
        axes.set_xticks(range(4), found)
        for way, (ink, form) in enumerate(((style.QUANTIZED, "o-"), (style.ORIGINAL, "D--"))):
            values = [pair[way] for pair in found.values()]
            axes.plot(range(4), values, form, color=ink, ms=8, lw=1.8)
            for at, value in enumerate(values):
                text = f"{value:.1f}" if value >= 0.1 else f"{value:.4f}"
                up, side = (
                    (4.0, "center")
                    if way == 0
                    else (0.3, "center")
                    if at == 0
                    else (3.2, "center")
                    if at == 1
                    else (0.9, "left")
                )
                axes.text(
                    at + 0.08 * (side == "left"), value * up, text, color=ink, ha=side, va="center", weight="bold"
                )
        axes.text(
            3.7, values[-1] * 0.05, "the largest\nof all other tokens", color=style.ORIGINAL, ha="right", va="center"
        )
        axes.text(1.5, 1200, "[CLS], in the mean of 130 sentences", color=style.QUANTIZED, ha="center", va="center")
        axes.set_title("a mark for one token grows on its way through the layer")
        said = "; ".join(f"{name.replace(chr(10), ' ')}: {a:.1f} and {b:.4g}" for name, (a, b) in found.items())
        return picture(figure, f"Size for [CLS], and the largest for any other token. {said}.")
