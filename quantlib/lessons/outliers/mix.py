"""The difficulty mixed: a rotation spreads each value over all columns of its block."""

import math
from dataclasses import dataclass

import numpy
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from quantlib.lab import style
from quantlib.lab.exercise import Function
from quantlib.lab.explore import Choice, Explorer, Scene, Slider, View, explorer
from quantlib.lab.panel import Panel
from quantlib.lab.picture import Picture, picture
from quantlib.metrics import sqnr_db
from quantlib.networks import hadamard, rotate

from . import exercises
from .layer import LOOK, Layer, Output, both_quantized, decibels, layer, log_sizes, size_bar, untouched

STAGES = 8  # 0 to 7: blocks of 1 to 128 columns
STAGE = Slider("k", "stages k", 0, 0, STAGES - 1, 1)
WEIGHTS = Choice("left", "weights are", ("mixed too", "left as they are"))
SENTENCE = 3
LOW, HIGH = -5.0, 45.0  # the axis of decibels
HALF_A_BIT = 10 * math.log10(2)  # dB


@dataclass(frozen=True)
class Mixed(View):
    """What k stages of mixing do.

    k: how many.
    left: whether the weights are left as they are.
    x: one sentence, mixed.
    largest: the largest size of all inputs seen, mixed.
    db, untouched: of the output, and with nothing mixed.
    """

    k: int
    left: bool
    x: Tensor
    largest: float
    db: float
    untouched: float


def mixed(its: Layer, k: int, bits: int = 8, *, tokens: bool = False) -> tuple[float, float]:
    """Return the largest |x| after k stages, and the SQNR in dB of the output.

    Args:
        its: the matrix and its inputs; k: stages; bits: of x; tokens: whether each token has its own scale.
    """
    x, w, seen = (rotate(part, hadamard(2**k)) for part in (its.test, its.w, its.seen))
    return seen.abs().max().item(), decibels(x, w, None if tokens else seen, bits)


@explorer
def explore_mixing(mix: Function = exercises.hadamard.reference) -> Explorer:
    """Show a slider for how many stages mix the columns, one sentence after that, and the decibels of the output.

    Args:
        mix: f(n) that returns the matrix that mixes n columns, quantlib's or a learner's.
    """
    its, make = layer(), exercises.hadamard.stand_in(mix)
    seen, test, w = its.seen, its.test, its.w
    exact = test @ w.T

    def compute(k: int, left: int) -> Mixed:
        value, notice = make(2**k)
        matrix = torch.as_tensor(value).detach().float()
        x, s = rotate(test, matrix), rotate(seen, matrix)
        y_hat = both_quantized(x, w if left else rotate(w, matrix), s)
        largest = s.abs().max().item()
        sentence = rotate(its.x[SENTENCE], matrix)
        return Mixed(k, bool(left), sentence, largest, sqnr_db(exact, y_hat), untouched(), notices=(notice,))

    return Explorer([STAGE, WEIGHTS], compute, Scene((9.2, 4.75), _lay_out), describe)


def describe(view: Mixed) -> str:
    """Return the sentences that say what mixing comes to."""
    others = "one other" if view.k == 1 else f"{2**view.k - 1} others"
    blocks = "nothing is mixed" if view.k == 0 else f"each column is mixed with {others}"
    head = f"k = {view.k}: {blocks}, and the largest |x| is {view.largest:.1f}"
    way = "The weights are left as they are" if view.left else "The weights are mixed too"
    return f"{head}. {way}: the output has {view.db:.1f} dB.".replace("-", "\N{MINUS SIGN}")


def _lay_out(figure: Figure) -> list[Panel]:
    image = Sizes(figure.add_axes((0.08, 0.55, 0.83, 0.36)))
    axes = figure.add_axes((0.08, 0.115, 0.90, 0.27))
    look = {"xlim": (-0.2, STAGES - 0.8), "ylim": (LOW, HIGH), "xlabel": "stages k", "xticks": range(STAGES)}
    return [image, Output(axes, "k", "nothing mixed", (5.2, -6.0), **look)]


class Sizes(Panel):
    """The sizes of one sentence, a row a token."""

    def __init__(self, axes: Axes) -> None:
        super().__init__(axes)
        blank = numpy.full((64, 384), LOOK["vmin"])
        self._image = self.keep(axes.imshow(blank, **LOOK))
        axes.set_xlabel("channel", labelpad=2)
        axes.set_ylabel("token")
        axes.set_yticks([0, 63], ["[CLS]", "[SEP]"])
        axes.spines[:].set_visible(False)
        size_bar(self._image)

    def update(self, view: Mixed) -> None:
        """Colour the sizes of a view."""
        self._image.set_data(log_sizes(view.x.abs()))
        self.title.text = f"one sentence after k = {view.k} stages: largest |x| {view.x.abs().max().item():.1f}"


def draw_stages() -> Picture:
    """Draw the largest |x| and the SQNR over the stages of mixing, beside what halving the energy would give."""
    found = [mixed(layer(), k) for k in range(STAGES)]
    largest, db = zip(*found, strict=True)
    stages = numpy.arange(STAGES)
    with style.house_style():
        figure = style.new_figure(9.2, 3.3)
        for k, (values, law, label) in enumerate(
            [
                (largest, largest[0] / math.sqrt(2) ** stages, "largest |x|"),
                (db, db[0] + HALF_A_BIT * stages, "SQNR, dB"),
            ]
        ):
            axes = figure.add_axes((0.075 + 0.505 * k, 0.16, 0.41, 0.72))
            axes.set(xlim=(-0.4, 7.9), xlabel="stages k", ylabel=label, ylim=(0, 33) if k == 0 else (20, 48))
            axes.plot(stages, law, color=style.ORIGINAL, lw=1.2, ls="dashed")
            axes.plot(stages, values, "o-", color=style.QUANTIZED, ms=7)
            for at, value in enumerate(values):
                axes.text(at + 0.1, value + (1.6 if k == 0 else -1.7), f"{value:.1f}", color=style.QUANTIZED, size=9,
                          ha="left", va="center")  # fmt: skip
            axes.set_title(f"at first {'√2 times smaller' if k == 0 else '3 dB more'} a stage (dashed: always)")
        sizes, said = (", ".join(f"{value:.1f}" for value in values) for values in (largest, db))
        alt = f"The largest |x| over the stages, from none to seven: {sizes}. SQNR: {said} dB."
        return picture(figure, alt)
