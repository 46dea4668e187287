"""Weights in groups of 4 bits, of which a few columns stay in float: which ones, and at what price."""

from collections.abc import Mapping
from functools import cache

import torch
from torch import Tensor

from quantlib.affine import fake_quantize
from quantlib.groups import from_groups, to_groups
from quantlib.lab import style
from quantlib.lab.picture import Picture, picture
from quantlib.metrics import sqnr_db
from quantlib.qparams import choose_qparams

from .keep import random_columns
from .layer import Layer


def in_groups(w: Tensor, size: int, bits: int = 4) -> Tensor:
    """Return w as it comes back from groups of so many weights, each on its own symmetric grid."""
    groups = to_groups(w, size)
    coarse = fake_quantize(groups, *choose_qparams(groups, bits, symmetric=True, axis=(0, 1)))
    return from_groups(coarse, w.shape[1])


@cache
def precious(its: Layer, count: int = 4, seeds: int = 5) -> dict[str, float]:
    """Return the SQNR in dB of x w^T, x in float, by which columns of w stay in float.

    Args:
        its: the matrix and its inputs; count: how many columns; seeds: how often random ones are drawn, for their mean.
    """
    exact, coarse = its.test @ its.w.T, in_groups(its.w, 128)

    def kept(mask: Tensor) -> float:
        return sqnr_db(exact, its.test @ torch.where(mask, its.w, coarse).T)

    def largest(sizes: Tensor) -> Tensor:
        return torch.zeros(384, dtype=torch.bool).index_fill(0, sizes.topk(count).indices, True)

    chance = sum(kept(random_columns(count, seed)) for seed in range(seeds)) / seeds
    return {
        "none": kept(torch.zeros(384, dtype=torch.bool)),
        "at random": chance,
        "the largest weights": kept(largest(its.w.abs().amax(0))),
        "the largest inputs": kept(largest(its.seen.abs().amax(0))),
        "none, groups of 64": sqnr_db(exact, its.test @ in_groups(its.w, 64).T),
    }


def draw_precious(db: Mapping[str, float]) -> Picture:
    """Draw the SQNR by which columns stay in float.

    Args:
        db: what `precious` returned.
    """
    with style.house_style():
        figure = style.new_figure(9.2, 2.7)
        axes = figure.add_axes((0.20, 0.19, 0.74, 0.67))
        axes.set(xlim=(20, 22.6), ylim=(len(db) - 0.4, -0.6), xlabel="SQNR of the output, dB")
        axes.set_yticks(range(len(db)), list(db))
        axes.tick_params(axis="y", length=0, labelcolor="black")
        axes.axvline(db["none"], color=style.ORIGINAL, lw=1.2, ls="dashed")
        for row, value in enumerate(db.values()):
            axes.plot([20, value], [row, row], color=style.LEVELS, lw=1, zorder=1)
            axes.plot(value, row, "o", color=style.QUANTIZED, ms=9)
            axes.text(value + 0.06, row, f"{value:.2f}", color=style.QUANTIZED, va="center", weight="bold")
        gain = db["the largest inputs"] - db["none"]
        axes.set_title(f"four columns of 384 in float: those with the largest inputs bring {gain:.1f} dB")
        said = "; ".join(f"{name} {value:.2f} dB" for name, value in db.items())
        return picture(figure, f"SQNR of the output by which four columns of the weights stay in float: {said}.")
