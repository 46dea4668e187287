"""Repairs of the recipe: where the levels lie with each, what becomes of the codes, and what it costs."""

from dataclasses import dataclass
from typing import Any

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from quantlib.affine import dequantize, quantize
from quantlib.grids import wrap
from quantlib.lab import style
from quantlib.lab.explore import Choice, Explorer, Scene, explorer
from quantlib.lab.panel import Panel
from quantlib.lab.picture import Picture, picture
from quantlib.lab.ruler import Ruler, RulerView, is_clipped
from quantlib.lab.words import number
from quantlib.metrics import l2_error
from quantlib.qparams import choose_qparams

from .circle import misfit_sentence
from .overflow import WHOLE, MisfitCells

NAMES = "none", "clamp", "unsigned", "zero point", "factor 127"
WORDS = "Without a repair", "With the clamp", "With unsigned codes", "With a zero point", "With the factor 127"
REPAIR = Choice("repair", "repair:", NAMES)


@dataclass(frozen=True, kw_only=True)
class RepairView(RulerView):
    """What the recipe makes of x with one of the repairs; `clipped` says which codes do not fit."""

    repair: int


@explorer
def explore_repairs(x: Tensor) -> Explorer:
    """Show a button for each repair over the ruler that it makes, and over the codes of x.

    Args:
        x: a small matrix of reals.
    """
    reach = 1.08 * x.abs().max().item()

    def compute(repair: int) -> RepairView:
        return make_repair(x, repair)

    def lay_out(figure: Figure) -> list[Panel]:
        return [
            Ruler(figure.add_axes((0.085, 0.655, 0.89, 0.265)), x, (-reach, reach)),
            Facts(figure.add_axes((0.085, 0.03, 0.36, 0.40))),
            MisfitCells(figure.add_axes((0.525, 0.02, 0.465, 0.415)), x),
        ]

    return Explorer([REPAIR], compute, Scene((9.2, 5.0), lay_out), describe)


def make_repair(x: Tensor, repair: int) -> RepairView:
    """Return what comes of x with a repair, by its place in NAMES."""
    step = x.abs().max().item() / 255
    rulers = (
        (step, 0, -128, 127),
        (step, 0, -128, 127),
        (step, 0, 0, 255),
        choose_qparams(x, signed=False),
        choose_qparams(x, symmetric=True),
    )
    scale, zero_point, *ends = (float(rulers[repair][0]), *map(int, rulers[repair][1:]))
    low, high = ends
    q = quantize(x, scale, zero_point, low, high) if repair else wrap((x / scale).round())
    x_hat, misfit = dequantize(q, scale, zero_point), is_clipped(x, scale, zero_point, low, high)
    ruler = scale, zero_point, low, high
    return RepairView(*ruler, x, q, x_hat, misfit, torch.zeros(1), repair=repair)


def describe(view: RepairView) -> str:
    """Return the sentence that says what a repair does."""
    codes = f"the codes reach from {number(view.quant_min)} to {number(view.quant_max)}"
    ruler = f"a step is {number(view.scale)} and z = {number(view.zero_point)}"
    norm = l2_error(view.x, view.x_hat)
    return f"{WORDS[view.repair]} {codes}, {ruler}; {misfit_sentence(view)}. Norm of the error: {norm:.4f}."


class Facts(Panel):
    """What a repair changes, as a list."""

    def __init__(self, axes: Axes) -> None:
        heads = "codes", "scale s", "zero point z", "do not fit", "norm of the error"
        super().__init__(axes, xlim=(0, 1), ylim=(len(heads), 0))
        style.bare(axes)
        for k, head in enumerate(heads):
            axes.text(0.02, k + 0.5, head, color=style.QUIET, va="center")
        self._facts = [self.label(at=(0.52, k + 0.5), size=11, ha="left", bold=True) for k in range(len(heads))]

    def update(self, view: RepairView) -> None:
        """Write the facts of a view."""
        misfits = int(view.clipped.sum())
        codes = f"{number(view.quant_min)} to {number(view.quant_max)}"
        count = f"{misfits} of {view.x.numel()} codes"
        norm = f"{l2_error(view.x, view.x_hat):.1f}"
        texts = codes, number(view.scale), number(view.zero_point), count, norm
        for label, text in zip(self._facts, texts, strict=True):
            label.text = text
        self._facts[3].color = style.CLIPPED_TEXT if misfits else style.ORIGINAL
        self.title.text = f"repair: {NAMES[view.repair]}"


def draw_repairs(x: Tensor) -> Picture:
    """Draw the norm of the error with each repair as a dot on a logarithmic axis, and mark the smallest."""
    norms = [l2_error(x, make_repair(x, k).x_hat) for k in range(len(NAMES))]
    best = norms.index(min(norms))
    with style.house_style():
        figure = style.new_figure(9.2, 2.9)
        axes = figure.add_axes((0.14, 0.17, 0.78, 0.71))
        axes.set(xscale="log", xlim=(1, 3 * max(norms)), ylim=(len(NAMES) - 0.4, -0.6))
        axes.set_xlabel("norm of the error (logarithmic)")
        axes.xaxis.set_major_formatter(WHOLE)
        axes.set_yticks(range(len(NAMES)), NAMES, color="black")
        axes.tick_params(axis="y", length=0, labelsize=10)
        axes.hlines(range(len(NAMES)), 1, 3 * max(norms), color=style.LEVELS, lw=0.8, zorder=0)
        for k, norm in enumerate(norms):
            axes.plot(norm, k, **_look(k, best))
            axes.annotate(f"{norm:.1f}", (norm, k), (11, 0), textcoords="offset points", va="center", weight="bold")
        axes.set_title(f"smallest error: {NAMES[best]}")
        said = "; ".join(f"{name} {norm:.1f}" for name, norm in zip(NAMES, norms, strict=True))
        return picture(figure, f"Norm of the error by repair, the smallest with {NAMES[best]}: {said}.")


def _look(k: int, best: int) -> dict[str, Any]:
    if k == best:
        return {"color": style.BETTER, "marker": "s", "ms": 9, "mec": style.ORIGINAL}
    way, marker = (style.QUANTIZED, "o") if k else (style.CLIPPED, "D")
    return {"color": way, "marker": marker, "ms": 8, "ls": "none"}
