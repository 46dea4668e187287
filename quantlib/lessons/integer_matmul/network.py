"""The four convolutions of the network that hears speech, in integers only, by the learner's functions or ours."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import conv1d, pad

from quantlib.affine import dequantize, quantize
from quantlib.data.silero import STRIDES, decide, hears_speech, load_silero, same_decisions, spectra
from quantlib.data.speech import synthesize_speech
from quantlib.formats.integers import fixed_point, integer_conv1d, requantize
from quantlib.lab import style
from quantlib.lab.exercise import Function
from quantlib.lab.panel import runs
from quantlib.lab.picture import Picture, picture
from quantlib.qparams import QParams, choose_qparams

from . import exercises

BITS = {"int8": 8, "int16": 16, "int32": 32}
Bias = Literal["int8", "int16", "int32", "none"]


@dataclass(frozen=True)
class Layer:
    """One convolution as a chip without floats has it.

    q_w: codes of the weights, int8, (outputs, inputs, 3), one symmetric scale for each output.
    q_b: the bias at scale s_w s_x, (outputs,).
    M: s_w s_x / s_y for each output.
    z_x, z_y: the zero points of input and output.
    stride: how far the kernel moves.
    """

    q_w: Tensor
    q_b: Tensor
    M: Tensor
    z_x: int
    z_y: int
    stride: int


@dataclass(frozen=True)
class Heard:
    """The network's input, what it decides in float, and its convolutions in integers.

    rulers: of the spectra, and of what each convolution gives.
    """

    weights: Mapping[str, Tensor]
    spectra: Tensor
    p: Tensor
    rulers: list[QParams]
    layers: dict[str, Layer]


@cache
def heard() -> Heard:
    """Return what both need, worked out once. The ranges are those of the sound itself."""
    weights, (audio, _) = load_silero(), synthesize_speech()
    x = spectra(weights, audio)
    rulers, layers, start = [choose_qparams(x)], {}, x
    for name, stride in STRIDES.items():
        w, b = weights[f"{name}.weight"], weights[f"{name}.bias"]
        x = conv1d(x, w, b, stride=stride, padding=1).relu()
        rulers.append(choose_qparams(x))
        ruler, (before, after) = choose_qparams(w, symmetric=True, axis=0), rulers[-2:]
        s = torch.as_tensor(ruler.scale).flatten().double() * float(before.scale)
        z_x, z_y = int(before.zero_point), int(after.zero_point)
        q_b = (b.double() / s).round().long()
        layers[name] = Layer(quantize(w, *ruler), q_b, s / float(after.scale), z_x, z_y, stride)
    return Heard(weights, start, decide(weights, x[:, :, 0]), rulers, layers)


def hear(
    sums: Function = exercises.integer_sums.reference,
    multiplier: Function = exercises.multiplier.reference,
    requantize: Function = exercises.requantize.reference,
) -> Picture:
    """Draw what the network decides in float, and with its four convolutions computed by three functions.

    Args:
        sums: f(q_w, q_x, z_x), the sums of q_w (q_x - z_x).
        multiplier: f(M), integers m and n with M = m / 2^n.
        requantize: f(acc, m, n, z), the codes of the output.
    """
    its = heard()
    add = exercises.integer_sums.stand_in(sums, "Quantlib's is used instead.")
    split = exercises.multiplier.stand_in(multiplier, "Quantlib's is used instead.")
    back = exercises.requantize.stand_in(requantize, "Quantlib's is used instead.")
    notices: list[str] = []
    q = quantize(its.spectra, *its.rulers[0])
    for layer in its.layers.values():
        windows = pad(q, (1, 1), value=layer.z_x).unfold(2, 3, layer.stride)
        columns = windows.permute(1, 3, 0, 2).flatten(2).flatten(0, 1)
        acc, said = add(layer.q_w.flatten(1), columns, layer.z_x)
        acc, rows = (acc.long() + layer.q_b[:, None]).int(), []
        notices.append(said)
        for row, M in zip(acc, layer.M.tolist(), strict=True):
            (m, n), of_split = split(M)
            code, of_back = back(row, int(m), int(n), layer.z_y)
            rows.append(code)
            notices += [of_split, of_back]
        q = torch.stack(rows).unflatten(1, (len(q), -1)).transpose(0, 1)
    p = decide(its.weights, dequantize(q, *its.rulers[-1][:2])[:, :, 0])
    return draw_decisions(p, list(dict.fromkeys(filter(None, notices))))


def integer_network(
    *,
    padding: int | None = None,
    bias: Bias = "int32",
    z_x: int | None = None,
    floor: bool = False,
    twice: bool = False,
) -> Tensor:
    """Return the probabilities of the network whose four convolutions compute in integers, right or with a mistake.

    Args:
        padding: the code that is padded with; None: the zero point, as it should be.
        bias: the width to which the bias is clamped, or "none".
        z_x: the zero point that the sums take; None: the right one.
        floor: whether the shift rounds down.
        twice: whether it is rounded twice.
    """
    its = heard()
    q = quantize(its.spectra, *its.rulers[0])
    for layer in its.layers.values():
        padded = pad(q, (1, 1), value=layer.z_x if padding is None else padding)
        acc = integer_conv1d(layer.q_w, padded, 0, layer.z_x if z_x is None else z_x, stride=layer.stride)
        acc = (acc.long() + clamped(layer.q_b, bias)[:, None]).int()
        fixed = fixed_point(layer.M[:, None])
        if floor:
            q = (((acc.long() * fixed.multiplier) >> fixed.shift) + layer.z_y).clamp(-128, 127).to(torch.int8)
        else:
            q = requantize(acc, fixed, layer.z_y, twice=twice)
    return decide(its.weights, dequantize(q, *its.rulers[-1][:2])[:, :, 0])


def clamped(q_b: Tensor, bias: Bias) -> Tensor:
    """Return a bias in so many bits; "none": zeros."""
    if bias == "none":
        return torch.zeros_like(q_b)
    half = 2 ** (BITS[bias] - 1)
    return q_b.clamp(-half, half - 1)


def as_in_float(p: Tensor) -> int:
    """In how many windows these probabilities decide as those of the network in float."""
    return same_decisions(p, heard().p)


def draw_decisions(p: Tensor, notices: Sequence[str] = ()) -> Picture:
    """Draw in which windows the network in float hears speech, and in which another does.

    Args:
        p: the probabilities of the other, whose convolutions compute in integers.
        notices: what a reader must know of the functions that it ran on, below the picture.
    """
    real, integer = hears_speech(heard().p), hears_speech(p)
    alike = f"the same decision in {int((real == integer).sum())} of {len(real)} windows"
    rows = (real, style.ORIGINAL), (integer, style.QUANTIZED), (real != integer, style.QUIET)
    height = 1.9 + 0.2 * len(notices)
    with style.house_style():
        figure = style.new_figure(9.2, height)
        axes = figure.add_axes((0.105, 1 - 1.39 / height, 0.88, 1.06 / height))
        axes.set(xlim=(0, len(real)), ylim=(2.6, -0.6), xlabel="window, 32 ms each")
        axes.set_yticks([0, 1, 2], ["in float", "in integers", "they differ"])
        axes.tick_params(axis="y", length=0)
        for row, (mask, ink) in enumerate(rows):
            spans = [(start, end - start) for start, end in runs(mask.numpy())]
            axes.broken_barh(spans, (row - 0.32, 0.64), color=ink)
        axes.set_title(f"bars: speech. Convolutions in integers: {alike}")
        for k, notice in enumerate(notices):
            figure.text(0.012, (0.2 * (len(notices) - k) - 0.1) / height, notice[:120], size=9, va="center")
        heard_in = f"{int(real.sum())} windows in float, in {int(integer.sum())} with integers"
        said = f"The network hears speech in {heard_in}; {alike}."
        return picture(figure, " ".join([said, *notices]))


@cache
def mistakes() -> dict[str, Tensor]:
    """Return the probabilities of the network in integers, and of those that do one thing otherwise, by its name."""
    return {
        "as it should be": integer_network(),
        "padded with the code 0": integer_network(padding=0),
        "bias in int8": integer_network(bias="int8"),
        "bias in int16": integer_network(bias="int16"),
        "no bias": integer_network(bias="none"),
        "z_x taken as 0": integer_network(z_x=0),
        "shift rounds down": integer_network(floor=True),
        "rounded twice": integer_network(twice=True),
    }


def draw_mistakes() -> Picture:
    """Draw in how many windows these networks decide as the one in float. Those that never hear speech are marked."""
    networks, count = mistakes(), len(heard().p)
    alike = {name: as_in_float(p) for name, p in networks.items()}
    deaf = [name for name, p in networks.items() if not bool(hears_speech(p).any())]
    with style.house_style():
        figure = style.new_figure(9.2, 3.6)
        axes = figure.add_axes((0.20, 0.15, 0.69, 0.75))
        axes.set(xlim=(0, count), ylim=(len(networks) - 0.4, -0.6))
        axes.set_xlabel(f"windows decided as in float, of {count}")
        axes.set_yticks(range(len(networks)), list(networks))
        axes.tick_params(axis="y", length=0, labelcolor="black")
        for row, (name, windows) in enumerate(alike.items()):
            axes.barh(row, windows, height=0.62, **(style.CLIP if name in deaf else {"color": style.QUANTIZED}))
            words = f"{windows}, no speech heard" if name in deaf else f"{windows}"
            axes.text(windows + 3, row, words, va="center", weight="bold" if name in deaf else "normal")
        axes.set_title("four convolutions in integers, each time with one thing done otherwise")
        listed = "; ".join(f"{name} {windows}{', no speech heard' * (name in deaf)}" for name, windows in alike.items())
        return picture(figure, f"The network decides as in float, of {count} windows: {listed}.")


def draw_bias() -> Picture:
    """Draw the sizes of all codes of the four biases, and the largest that 8, 16 and 32 bits hold."""
    layers = heard().layers
    with style.house_style():
        figure = style.new_figure(9.2, 2.5)
        axes = figure.add_axes((0.085, 0.22, 0.89, 0.56))
        axes.set_xscale("log", base=2)
        axes.set(xlim=(1, 2.0**32), ylim=(len(layers) - 0.5, -0.5), xlabel="size of a code of the bias (logarithmic)")
        axes.set_xticks([2.0**k for k in range(0, 33, 4)], [f"2^{k}" if k else "1" for k in range(0, 33, 4)])
        axes.set_yticks(range(len(layers)), list(layers))
        axes.tick_params(axis="y", length=0, labelcolor="black")
        for name, bits in BITS.items():
            axes.axvline(2.0 ** (bits - 1), color=style.CLIPPED, lw=1.4, ls="dotted")
            axes.text(2.0 ** (bits - 1), -0.62, f"{name} ends", color=style.CLIPPED_TEXT, size=9, ha="center")
        for row, layer in enumerate(layers.values()):
            sizes = layer.q_b.abs().clamp(min=1).double().numpy()
            axes.plot(sizes, [row] * len(sizes), "|", color=style.QUANTIZED, ms=13)
        over = sum(int((layer.q_b != clamped(layer.q_b, "int8")).sum()) for layer in layers.values())
        every = sum(len(layer.q_b) for layer in layers.values())
        axes.set_title(f"int8 has no room for {over} of {every} codes", pad=18)
        largest = ", ".join(f"{name} {int(layer.q_b.abs().max()):,}" for name, layer in layers.items())
        return picture(
            figure, f"Int8 has no room for {over} of the {every} codes of the biases. The largest: {largest}."
        )
