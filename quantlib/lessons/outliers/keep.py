"""Columns that are taken out: they stay in float, and all others get a finer ruler."""

from functools import cache

import numpy
import torch
from torch import Tensor

from quantlib.lab import style
from quantlib.lab.exercise import Function
from quantlib.lab.picture import Picture, picture
from quantlib.metrics import sqnr_db

from . import exercises
from .layer import Layer, both_quantized, layer

THRESHOLDS = 30, 12, 6, 4, 3, 2


def keep_columns(its: Layer, mask: Tensor, bits: int = 8) -> float:
    """Return the SQNR in dB of the output if marked columns of both sides stay in float, and all others are quantized.

    Args:
        its: the matrix and its inputs; mask: True for each column that stays in float; bits: of x.
    """
    kept, rest = mask.nonzero().flatten(), (~mask).nonzero().flatten()
    y_hat = its.test[:, kept] @ its.w[:, kept].T
    if len(rest):
        y_hat = y_hat + both_quantized(its.test[:, rest], its.w[:, rest], its.seen[:, rest], bits)
    return sqnr_db(its.test @ its.w.T, y_hat)


def random_columns(count: int, seed: int, n: int = 384) -> Tensor:
    """Return a mask of so many columns, drawn at random."""
    chosen = numpy.random.RandomState(seed).choice(n, count, replace=False)
    return torch.zeros(n, dtype=torch.bool).index_fill(0, torch.as_tensor(chosen), True)


def draw_kept(function: Function = exercises.outlier_columns.reference) -> Picture:
    """Draw the SQNR over how many columns stay in float: those above a threshold, and as many at random.

    Args:
        function: f(x, threshold) that marks columns, quantlib's or a learner's.
    """
    seen, mark = layer().seen, exercises.outlier_columns.stand_in(function, "Quantlib's is used instead.")
    found, by_chance, notices = [], [], []
    for threshold in THRESHOLDS:
        value, notice = mark(seen, float(threshold))
        parts = exercises.one_mask(value)
        assert not isinstance(parts, str)
        mask = parts[0].bool()
        count = int(mask.sum())
        found.append((count, _kept(tuple(mask.tolist()))))
        by_chance.append(_kept(tuple(random_columns(count, 0).tolist())))
        notices.append(notice)
    return _draw(found, by_chance, list(dict.fromkeys(filter(None, notices))))


def columns(count: int) -> str:
    """Return how many columns there are, in words."""
    return f"{count} column{'' if count == 1 else 's'}"


@cache
def _kept(mask: tuple[bool, ...]) -> float:
    return keep_columns(layer(), torch.tensor(mask))


def _draw(found: list[tuple[int, float]], by_chance: list[float], notices: list[str]) -> Picture:
    counts, db = zip(*found, strict=True)
    with style.house_style():
        figure = style.new_figure(9.2, 3.3)
        axes = figure.add_axes((0.075, 0.16, 0.905, 0.72))
        axes.set(xlim=(-0.5, 600), ylim=(min(15.0, *db) - 1, max(50.0, *db) + 6), xscale="symlog")
        axes.set(xlabel="columns of 384 that stay in float (logarithmic from 1 on)", ylabel="SQNR, dB")
        axes.set_xticks([0, 1, 4, 8, 27, 155, 384], ["0", "1", "4", "8", "27", "155", "all"])
        axes.minorticks_off()
        axes.plot(counts, by_chance, "D--", color=style.ORIGINAL, ms=6)
        axes.plot(counts, db, "o-", color=style.QUANTIZED, ms=8, lw=1.8)
        for threshold, (count, value) in zip(THRESHOLDS, found, strict=True):
            text = f"above {threshold}: {value:.1f} dB" if count else ""
            axes.text(1.06 * count + 0.06, value - 1.9, text, ha="left", size=8.5, color=style.QUANTIZED)
        axes.text(30, 19, "dashed: as many columns at random", ha="center", va="center")
        most = max(zip(found, THRESHOLDS, strict=True), key=lambda pair: pair[1] == 6)[0]
        axes.set_title(f"above 6: {most[0]} of 384 columns in float, {most[1]:.1f} dB instead of {db[0]:.1f} dB")
        said = "; ".join(f"above {t}: {columns(c)}, {v:.1f} dB" for t, (c, v) in zip(THRESHOLDS, found, strict=True))
        return picture(figure, " ".join([f"SQNR by the columns that stay in float: {said}.", *notices]))
