"""Blocks that share a scale: a power of two for each, what clips, and what counts more, the block or the levels."""

from collections.abc import Mapping

import torch
from matplotlib.axes import Axes
from torch import Tensor

from quantlib.formats import (
    E2M1,
    E4M3,
    NF4,
    dequantize_gguf,
    fake_quantize_mx,
    fake_quantize_nvfp4,
    float_levels,
    power_of_two_scale,
    quantize_gguf,
    round_to_float,
)
from quantlib.lab import style
from quantlib.lab.exercise import Function
from quantlib.lab.picture import Picture, picture
from quantlib.lab.words import fixed
from quantlib.metrics import sqnr_db

from . import exercises
from .exercises import BLOCK
from .network import both_signs, in_codebook, largest

SHAPES = {"even": torch.arange(-7.0, 8.0) / 7, "E2M1": both_signs(float_levels(E2M1)), "NF4": NF4}
SIZES = ("all", "row", "256", "128", "64", "32", "16")  # how many weights share a scale


def scales_of(blocks: Tensor, block_scale: Function) -> Tensor:
    """Return the scale of each block by a learner's function, or by quantlib's, and print whose they are.

    Shapes: blocks (n, 32); the result is (n, 1).
    """
    scales, notice = exercises.block_scale.stand_in(block_scale, "quantlib's scales are used instead.")(blocks)
    print(notice or "the scales are yours")
    return torch.as_tensor(scales).float()


def draw_clipping(w: Tensor) -> Picture:
    """Draw what the largest value of each block becomes in E4M3 with the standard's scale, and what that costs.

    Args:
        w: a matrix whose rows are whole blocks of 32.
    """
    a = largest(w.reshape(-1, BLOCK))
    x = a / power_of_two_scale(a, E4M3)
    back = round_to_float(x, E4M3)
    clipped = x > E4M3.largest
    ways = {
        "no scale": round_to_float(w, E4M3),
        "the standard's scale": fake_quantize_mx(w, E4M3),
        "a scale that never clips": fake_quantize_mx(w, E4M3, "rceil"),
    }
    found = {name: sqnr_db(w, each) for name, each in ways.items()}
    share = 100 * clipped.float().mean().item()
    with style.house_style():
        figure = style.new_figure(9.2, 3.1)
        axes = figure.add_axes((0.085, 0.165, 0.375, 0.715))
        axes.set(xlim=(250, 518), ylim=(250, 518), xlabel="largest of a block / its scale", ylabel="what it becomes")
        axes.set_xticks([256, 320, 384, 448, 512])
        axes.set_yticks([256, 320, 384, 448, 512])
        axes.plot([256, 512], [256, 512], color=style.QUIET, lw=0.8, ls="dashed")
        axes.plot(x[~clipped], back[~clipped], ".", ms=3, color=style.QUANTIZED)
        axes.plot(x[clipped], back[clipped], "D", ms=3, color=style.CLIPPED)
        axes.set_title(f"in {share:.1f} % of the blocks it clips", size=10)
        _draw_bars(figure.add_axes((0.70, 0.165, 0.27, 0.715)), found, "ffn_down in E4M3")
        said = "; ".join(f"{name} {fixed(value, 2)} dB" for name, value in found.items())
        return picture(
            figure, f"With the standard's scale the largest value clips in {share:.1f} % of the blocks. {said}."
        )


def by_size(w: Tensor) -> dict[str, list[float]]:
    """Return the SQNR of a matrix for each shape of levels, for each size of the blocks, with scales in float32."""
    return {name: [sqnr_db(w, in_codebook(w, levels, size)) for size in SIZES] for name, levels in SHAPES.items()}


def at_four_and_a_half(w: Tensor) -> dict[str, float]:
    """Return the SQNR of a matrix in formats of 4.5 bits a weight, scales counted; its rows are whole blocks of 256."""
    return {
        "NF4, 32 a scale": sqnr_db(w, in_codebook(w, NF4, "32", half=True)),
        "NVFP4: E2M1, 16 a scale": sqnr_db(w, fake_quantize_nvfp4(w)),
        "Q4_0: even, 32 a scale": sqnr_db(w, dequantize_gguf(quantize_gguf(w, "Q4_0"), "Q4_0")),
        "Q4_K: even, with a minimum": sqnr_db(w, dequantize_gguf(quantize_gguf(w, "Q4_K"), "Q4_K")),
    }


def draw_contest(w: Tensor) -> Picture:
    """Draw how near formats of 4.5 bits come to a matrix, and how that depends on levels and on blocks."""
    found, curves = at_four_and_a_half(w), by_size(w)
    with style.house_style():
        figure = style.new_figure(9.2, 3.5)
        _draw_bars(figure.add_axes((0.225, 0.15, 0.22, 0.74)), found, "4.5 bits a weight")
        axes = figure.add_axes((0.535, 0.15, 0.44, 0.74))
        axes.set(xlim=(-0.3, len(SIZES) - 0.2), ylim=(0, 25), xlabel="weights that share a scale", ylabel="SQNR, dB")
        axes.set_xticks(range(len(SIZES)), SIZES)
        marks = {"even": "s", "E2M1": "^", "NF4": "o"}
        inks = {"even": style.ORIGINAL, "E2M1": style.ROUNDING_TEXT, "NF4": style.QUANTIZED}
        for name, curve in curves.items():
            axes.plot(curve, marker=marks[name], ms=5, lw=1.4, color=inks[name], label=name,
                      ls="dashed" if name == "E2M1" else "solid")  # fmt: skip
        axes.legend(loc="lower right", frameon=False, fontsize=9, title="16 levels", title_fontsize=9)
        axes.set_title("levels or blocks?", size=10)
        bars = "; ".join(f"{name} {fixed(value, 2)} dB" for name, value in found.items())
        lines = "; ".join(f"{name} from {fixed(c[0], 1)} dB to {fixed(c[-1], 1)} dB" for name, c in curves.items())
        return picture(
            figure,
            f"Formats of one size, 4.5 bits a weight: {bars}. From one scale for all to one for 16 weights: {lines}.",
        )


def _draw_bars(axes: Axes, found: Mapping[str, float], title: str) -> None:
    axes.barh(range(len(found)), list(found.values()), 0.55, color=style.QUANTIZED_TINT, ec=style.QUANTIZED)
    axes.set(xlim=(0, 1.3 * max(found.values())), ylim=(len(found) - 0.4, -0.6), xlabel="SQNR, dB")
    axes.set_yticks(range(len(found)), list(found))
    axes.tick_params(axis="y", length=0)
    for row, value in enumerate(found.values()):
        axes.text(1.02 * value, row, fixed(value, 2), va="center", size=9.5, weight="bold")
    axes.set_title(title, size=10)
