"""Which of two ranges is better depends on where one looks, and the widest value on who sets it."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy
from torch import Tensor

from quantlib.affine import fake_quantize
from quantlib.calibration.histogram import Histogram
from quantlib.calibration.squared_error import choose_mse
from quantlib.data.encoder import ENCODER_MATRICES, encoder_inputs, encoder_pieces, encoder_tokens, load_encoder
from quantlib.data.network import Act
from quantlib.data.writer import character_logits, load_play, load_writer, text_windows
from quantlib.lab import style
from quantlib.lab.picture import Picture, picture
from quantlib.metrics import bits_per_symbol, split_error, sqnr_db
from quantlib.qparams import QParams, choose_qparams

from .sentences import shuffled

STAGES = "in the input", "after the matrix", "after the LayerNorm"
SIZES = 1, 4, 16, 64  # sentences to calibrate on
DRAWS = 8


def more_calibration(x: Tensor, w: Tensor, bits: int, *, search: bool = False) -> numpy.ndarray:
    """Return the SQNR in dB of x w^T with ranges of 1, 4, 16 and 64 sentences, for eight orders.

    Each order calibrates on its first sentences, and is judged on every second from the 65th on.

    Args:
        x: activations, (sentences, tokens, channels); w: the matrix that they go into.
        search: whether the range has the smallest mean squared error of all, and not min-max.
    """
    found = []
    for order in range(DRAWS):
        mixed = x[shuffled(len(x), order)]
        test = mixed[SIZES[-1] :: 2].flatten(0, 1)
        exact, rulers = test @ w.T, [_ruler(mixed[:k], bits, search) for k in SIZES]
        found.append([sqnr_db(exact, fake_quantize(test, *ruler) @ w.T) for ruler in rulers])
    return numpy.array(found)


def left_outside(x: Tensor, bits: int) -> list[tuple[int, float]]:
    """Return for each order how many values the range of one sentence leaves out, and their share of the squared error.

    The orders, and the sentences that are judged, are those of `more_calibration`.
    """
    found = []
    for order in range(DRAWS):
        mixed = x[shuffled(len(x), order)]
        seen, test = mixed[0], mixed[SIZES[-1] :: 2]
        clip, rounding = (part.double().square().sum().item() for part in split_error(test, *_ruler(seen, bits, False)))
        outside = int(((test < seen.min()) | (test > seen.max())).sum())
        found.append((outside, clip / (clip + rounding)))
    return found


def _ruler(seen: Tensor, bits: int, search: bool) -> QParams:
    return choose_mse(Histogram().observe(seen), bits) if search else choose_qparams(seen, bits)


def draw_more(db: Mapping[int, numpy.ndarray]) -> Picture:
    """Draw the SQNR over how many sentences were calibrated on.

    Args:
        db: by the number of bits, what `more_calibration` returned.
    """
    with style.house_style():
        figure = style.new_figure(9.2, 2.9)
        for k, (bits, found) in enumerate(db.items()):
            axes = figure.add_axes((0.085 + 0.5 * k, 0.19, 0.40, 0.66))
            mean = found.mean(axis=0)
            axes.set(xlim=(0.8, 90), ylim=(mean.mean() - 1.1, mean.mean() + 1.1), xscale="log")
            axes.set(xlabel="sentences to calibrate on", ylabel="SQNR, dB")
            axes.set_xticks(SIZES, [str(size) for size in SIZES])
            axes.minorticks_off()
            for each in found:
                axes.plot(SIZES, each, "_", color=style.QUIET, ms=9)
            axes.plot(SIZES, mean, "o-", color=style.QUANTIZED, lw=2)
            axes.text(1.15, mean[0] + 0.3, f"{mean[0]:.1f}", color=style.QUANTIZED, weight="bold")
            axes.text(64, mean[-1] - 0.45, f"{mean[-1]:.1f}", color=style.QUANTIZED, weight="bold", ha="center")
            axes.set_title(f"{bits} bits: min-max from {mean[0]:.1f} to {mean[-1]:.1f} dB")
        said = "; ".join(
            f"with {bits} bits from {d.mean(0)[0]:.1f} to {d.mean(0)[-1]:.1f} dB" for bits, d in db.items()
        )
        return picture(figure, f"The more sentences a min-max range was calibrated on, the lower its SQNR: {said}.")


@dataclass(frozen=True)
class Judged:
    """What the input of one matrix, quantized, does to a layer.

    db: the SQNR at each of STAGES; clipped: how many values clip.
    mark: the largest number of [CLS] before the LayerNorm.
    """

    db: list[float]
    clipped: int
    mark: float


def judged(site: str, ruler: QParams, tokens: Tensor) -> Judged:
    """Return what comes of it when the input of one matrix is quantized, for every second sentence.

    Args:
        site: the name of the matrix; ruler: of its input; tokens: the sentences.
    """
    weights, test = load_encoder(), tokens[1::2]
    exact = encoder_inputs(weights, test)
    coarse = encoder_inputs(weights, test, lambda name, x: fake_quantize(x, *ruler) if name == site else x)
    x, w = exact[site], weights[f"{site}.weight"]
    x_hat = fake_quantize(x, *ruler)
    db = [sqnr_db(x, x_hat), sqnr_db(x @ w.T, x_hat @ w.T), sqnr_db(exact["output"], coarse["output"])]
    clipped = int(split_error(x, *ruler).clip.count_nonzero())
    return Judged(db, clipped, coarse["residual"][:, 0].max().item())


def ends_moved(inputs: Mapping[str, Tensor], tokens: Tensor) -> float:
    """Return by how much an end of the range of a matrix's input moves at most when other sentences are read.

    Args:
        inputs: what `encoder_inputs` returned; tokens: the other sentences.
    """
    other = encoder_inputs(load_encoder(), tokens)
    pairs = ((inputs[name], other[name]) for name in ENCODER_MATRICES)
    ends = ((a.amin() - b.amin(), a.amax() - b.amax()) for a, b in pairs)
    return max(end.abs().item() for pair in ends for end in pair)


SHARED = {"static": None, "for each sentence": (0,), "for each token": (0, 1)}  # the axes that are kept, for rows of 64


def compare_sharing(x: Tensor, w: Tensor, bits: int = 8) -> dict[str, dict[str, float]]:
    """Return the SQNR in dB of x w^T by who shares a scale, for symmetric grids and for those with a zero point.

    Every second sentence is calibrated on, and the others are judged.
    """
    seen, test = x[::2], x[1::2]
    found = {}
    for name, symmetric in (("symmetric", True), ("with a zero point", False)):
        coarse = {who: fake_quantize(test, *sharing(test, seen, axes, bits, symmetric)) for who, axes in SHARED.items()}
        found[name] = {who: sqnr_db(test @ w.T, x_hat @ w.T) for who, x_hat in coarse.items()}
    return found


def sharing(x: Tensor, seen: Tensor, axes: tuple[int, ...] | None, bits: int, symmetric: bool = True) -> QParams:
    """Return the rulers of x, along the axes that are kept; without axes that of what was seen before."""
    return choose_qparams(seen if axes is None else x, bits, symmetric=symmetric, axis=axes)


@cache
def writer_costs(bits: int) -> dict[str, float]:
    """Return how many bits a character a network that writes plays loses by who shares a scale of its inputs.

    All inputs of its nine matrices are quantized, on symmetric grids. Another play is calibrated on.
    """
    weights = load_writer()
    windows, other = text_windows(load_play("tempest"))[::8], text_windows(load_play("macbeth"))[:64]
    seen: dict[str, Tensor] = {}

    def watch(name: str, x: Tensor) -> Tensor:
        seen[name] = x
        return x

    def reads(act: Act | None) -> float:
        return bits_per_symbol(character_logits(weights, windows[:, :-1], act), windows[:, 1:])

    character_logits(weights, other[:, :-1], watch)
    exact = reads(None)
    ways = {who: _each(seen, axes, bits) for who, axes in SHARED.items()}
    return {who: reads(act) - exact for who, act in ways.items()}


def _each(seen: Mapping[str, Tensor], axes: tuple[int, ...] | None, bits: int) -> Act:
    return lambda name, x: fake_quantize(x, *sharing(x, seen[name], axes, bits))


def draw_judged(found: Mapping[str, Judged]) -> Picture:
    """Draw two ranges before and after what follows them.

    Args:
        found: by name, what `judged` returned.
    """
    db = {name: its.db for name, its in found.items()}
    inks = dict(zip(db, (style.QUANTIZED, style.BETTER_TEXT), strict=True))
    forms = dict(zip(db, ("o-", "D--"), strict=True))
    with style.house_style():
        figure = style.new_figure(9.2, 3.3)
        axes = figure.add_axes((0.085, 0.11, 0.70, 0.77))
        axes.set(xlim=(-0.25, 2.2), ylim=(0, 44), ylabel="SQNR, dB")
        axes.set_xticks(range(3), STAGES)
        for name, values in db.items():
            axes.plot(range(3), values, forms[name], color=inks[name], lw=2, ms=8)
            others = [other for other in db if other != name]
            for at, value in enumerate(values):
                up = value < 6 or all(value > db[other][at] for other in others)
                axes.text(at, value + (3.2 if up else -3.2), f"{value:.1f}", color=inks[name], ha="center", va="center",
                          weight="bold")  # fmt: skip
            axes.text(2.25, values[-1], name, color=inks[name], va="center", size=9, clip_on=False)
        axes.set_title("which range is better depends on where one looks")
        said = "; ".join(f"{name} {', '.join(f'{v:.1f}' for v in values)} dB" for name, values in db.items())
        return picture(figure, f"SQNR {', '.join(STAGES)}: {said}.")


def draw_tokens(x: Tensor, sentence: int) -> Picture:
    """Draw the largest |x| of each token of a sentence, and the names of some.

    Args:
        x: activations, (sentences, tokens, channels); sentence: of the prose.
    """
    sizes, pieces = x[sentence].abs().amax(1), encoder_pieces()
    names = [pieces[i] for i in encoder_tokens("prose")[sentence]]
    top, middle = sizes.max().item(), sizes.median().item()
    with style.house_style():
        figure = style.new_figure(9.2, 3.1)
        axes = figure.add_axes((0.085, 0.27, 0.895, 0.62))
        axes.set(xlim=(-1, len(names)), ylim=(0, 1.12 * top), ylabel="largest |x| of the token")
        axes.bar(range(len(names)), sizes.numpy(), color=style.QUANTIZED, width=0.7)
        axes.set_xticks(range(len(names)), names, rotation=90, size=8)
        axes.tick_params(axis="x", length=0, pad=1)
        axes.text(1, top, f"{names[0]}: {top:.1f}", va="center", weight="bold")
        axes.axhline(middle, color=style.ORIGINAL, lw=1.2, ls="dashed")
        axes.text(len(names), 0.75 * top, f"dashed: the median token, {middle:.1f}", ha="right", va="center")
        axes.set_title(f"one token sets the range of all {len(names)}")
        said = f"the largest |x| is {top:.1f} for {names[0]} and {middle:.1f} for the median token"
        return picture(figure, f"In one sentence of {len(names)} tokens {said}.")
