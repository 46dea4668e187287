"""Every row of a weight matrix: how well it is stored, and how much of its energy a few weights hold."""

from dataclasses import dataclass
from typing import Any

import numpy
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from quantlib.affine import fake_quantize
from quantlib.lab import style
from quantlib.lab.exercise import Function
from quantlib.lab.explore import Explorer, Scene, Slider, View, explorer
from quantlib.lab.panel import Drag, Panel
from quantlib.lab.words import number
from quantlib.metrics import sqnr_db
from quantlib.qparams import choose_qparams

from . import exercises

MOST = 10  # so many weights of a row can be left out


@dataclass(frozen=True)
class RowsView(View):
    """The rows of a matrix, each without a few of its largest weights.

    row, left_out: what is set.
    decibels: the SQNR of every row; of_row: that of the row that is set, by quantlib's measure or by the learner's.
    shares: of the energy of that row, what each of its largest weights holds; largest: the largest of them.
    """

    row: int
    left_out: int
    decibels: numpy.ndarray
    of_row: float
    shares: numpy.ndarray
    largest: float

    @property
    def rank(self) -> int:
        """How many rows have a larger SQNR than the one that is set."""
        return int((self.decibels > self.decibels[self.row]).sum())


@explorer
def explore_rows(matrix: Tensor, measure: Function = exercises.sqnr.reference, *, row: int = 0) -> Explorer:
    """Show sliders for a row of a matrix and for how many of its largest weights are left out, and every row's SQNR.

    Args:
        matrix: weights of shape (rows, columns), which share one symmetric int8 ruler.
        measure: f(x, x_hat) that returns the SQNR in decibels: quantlib's, or a learner's.
        row: where the slider begins.
    """
    rows = Rows(matrix)
    most = min(MOST, matrix.shape[1] // 2)
    sliders = [Slider("r", "matrix row r", row, 0, len(matrix) - 1, 1), Slider("n", "left out n", 0, 0, most, 1)]
    mine = exercises.sqnr.stand_in(measure)

    def compute(r: int, n: int) -> RowsView:
        of_row, about = mine(rows.w[r, n:], rows.w_hat[r, n:])
        return RowsView(r, n, rows.decibels[:, n], float(of_row), rows.shares[r], rows.largest(r), notices=(about,))

    def lay_out(figure: Figure) -> list[Panel]:
        dots, bars = figure.add_axes((0.07, 0.125, 0.50, 0.755)), figure.add_axes((0.68, 0.125, 0.30, 0.755))
        return [Dots(dots, rows), Shares(bars, most)]

    return Explorer(sliders, compute, Scene((9.2, 4.5), lay_out), describe_rows)


class Rows:
    """A matrix and what comes back of it; in every row the largest weights come first."""

    def __init__(self, w: Tensor) -> None:
        order = w.abs().argsort(dim=1, descending=True)
        w_hat = fake_quantize(w, *choose_qparams(w, symmetric=True))
        self.w, self.w_hat, self.whole = w.gather(1, order), w_hat.gather(1, order), sqnr_db(w, w_hat)
        signal, noise = (_energy_from(part) for part in (self.w, self.w - self.w_hat))
        self.decibels = (10 * (signal / noise.clamp(min=1e-300)).clamp(min=1e-300).log10()).numpy()
        energy = self.w.double().square()
        self.shares = (energy / energy.sum(dim=1, keepdim=True).clamp(min=1e-300))[:, :MOST].numpy()

    def largest(self, row: int) -> float:
        """Return the size of the largest weight of a row."""
        return self.w[row, 0].abs().item()


def _energy_from(values: Tensor) -> Tensor:
    """Return for every row the energies of all its values, of all but the first, of all but two, and so on."""
    return values.double().square().flip(1).cumsum(dim=1).flip(1)


def describe_rows(view: RowsView) -> str:
    """Return the sentences that say how well a row is stored, and which part of its energy its largest weight holds."""
    without = f"its {view.left_out} largest weights" if view.left_out > 1 else "its largest weight"
    row = f"this row without {without}" if view.left_out else "the whole row"
    said = f"{row} has {view.of_row:.1f} dB, and {view.rank or 'none'} of the {len(view.decibels)} rows "
    more = f"{'have' if view.rank > 1 else 'has'} more"
    share = f"{number(view.largest)}, holds {100 * view.shares[0]:.0f} % of the energy of the whole row"
    return f"r = {view.row} and n = {view.left_out}: {said}{more}. The largest weight, {share}.".replace(
        "-", "\N{MINUS SIGN}"
    )


class Dots(Panel):
    """The SQNR of every row as a dot; the row that is set has a ring."""

    def __init__(self, axes: Axes, rows: Rows) -> None:
        count, finite = len(rows.decibels), rows.decibels[numpy.abs(rows.decibels) < 100]
        low, high = min(0.0, finite.min() * 1.1), max(10.0, finite.max() * 1.08)
        super().__init__(axes, xlim=(-0.02 * count, 1.02 * count), ylim=(low, high), xlabel="row r")
        axes.set_ylabel("SQNR of the row, dB")
        axes.axhline(rows.whole, color=style.QUIET, lw=1.2, ls=(0, (4, 2)), zorder=1)
        at: dict[str, Any] = {"transform": axes.transAxes, "ha": "right", "va": "bottom", "size": 9}
        axes.text(1, 1.015, f"dashed: the whole matrix, {rows.whole:.1f} dB", color=style.QUIET, **at)
        self._dots = self.line(style.QUANTIZED, marker="o", ls="none", ms=3)
        self._ring = self.line(style.ORIGINAL, marker="o", ls="none", ms=11, mfc="none", mew=1.8, clip_on=False)

    def update(self, view: RowsView) -> None:
        """Move all dots, and the ring."""
        low, high = self.axes.get_ylim()
        self._dots.set_data(numpy.arange(len(view.decibels)), view.decibels)
        self._ring.set_data([view.row], [numpy.clip(view.decibels[view.row], low, high)])
        self.title.text = f"row {view.row}: {view.of_row:.1f} dB".replace("-", "\N{MINUS SIGN}")

    def grab(self, view: RowsView, x: float, y: float) -> Drag:
        """Choose the row at the pointer."""
        return lambda x, y: {"r": x}


class Shares(Panel):
    """The energies of the largest weights of a row, as shares of its whole energy; what is left out is hatched."""

    def __init__(self, axes: Axes, most: int) -> None:
        super().__init__(axes, xlim=(0.3, most + 0.7), ylim=(0, 100), xticks=range(1, most + 1))
        axes.set(xlabel="weights of the row, the largest first", ylabel="share of the row's energy, %")
        axes.tick_params(axis="x", length=0)
        self._bars = [self.keep(bar) for bar in axes.bar(range(1, most + 1), 0, 0.7)]

    def update(self, view: RowsView) -> None:
        """Set the bars to the shares of a row."""
        for k, bar in enumerate(self._bars):
            gone = k < view.left_out
            look: dict[str, Any] = {"fc": "white", "hatch": "////"} if gone else {"fc": style.QUIET, "hatch": None}
            bar.set(height=100 * view.shares[k], ec=style.QUIET, lw=1, **look)
        self.title.text = f"row {view.row}: {view.left_out or 'none'} left out"

    def grab(self, view: RowsView, x: float, y: float) -> Drag:
        """Leave out the weights up to the pointer."""
        return lambda x, y: {"n": x}
