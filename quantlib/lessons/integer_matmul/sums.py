"""How wide a sum must be: running sums that wrap around, and running sums that stop at a wall."""

from dataclasses import dataclass
from functools import cache

import numpy
import torch
from torch import Tensor
from torch.nn.functional import conv1d, pad

from quantlib.affine import quantize
from quantlib.data.silero import STRIDES
from quantlib.grids import wrap
from quantlib.lab import style
from quantlib.lab.picture import Picture, picture

from .network import heard

LOW, HIGH = -(2**15), 2**15 - 1  # what int16 holds


@dataclass(frozen=True)
class Running:
    """The sums of a layer in 16 bits.

    end: the true sums.
    wrapped, stopped: what comes of them with wraparound, and with a stop at the ends of int16 at each step.
    outside: on how many of its K additions a true sum lies outside of int16, on average.
    """

    end: Tensor
    wrapped: Tensor
    stopped: Tensor
    outside: float

    @property
    def wrong(self) -> tuple[int, int]:
        """How many sums are wrong at the end: with wraparound, and with stops."""
        return int((self.wrapped != self.end).sum()), int((self.stopped != self.end).sum())


def _operands(name: str) -> tuple[Tensor, Tensor, Tensor]:
    """Return codes of weights (r, K), codes of inputs (K, c), and what z_x leaves, (r, 1): there the sums start."""
    its = heard()
    layer, k = its.layers[name], list(STRIDES).index(name)
    x = its.spectra
    for before in list(STRIDES)[:k]:
        w, b = its.weights[f"{before}.weight"], its.weights[f"{before}.bias"]
        x = conv1d(x, w, b, stride=STRIDES[before], padding=1).relu()
    windows = pad(quantize(x, *its.rulers[k]), (1, 1), value=layer.z_x).unfold(2, 3, layer.stride)
    columns = windows.permute(1, 3, 0, 2).flatten(2).flatten(0, 1)
    rows = layer.q_w.flatten(1).int()
    return rows, columns.int(), -layer.z_x * rows.sum(1, keepdim=True, dtype=torch.int32)


@cache
def running(name: str) -> Running:
    """Return the sums of one of the four convolutions in 16 bits, on the sound that the network hears."""
    rows, columns, start = _operands(name)
    total = start.expand(-1, columns.shape[1]).contiguous()
    stopped, outside = total.clamp(LOW, HIGH), 0
    for j, x in enumerate(columns):
        product = rows[:, j, None] * x
        total += product
        stopped = stopped.add_(product).clamp_(LOW, HIGH)
        outside += int((total != total.clamp(LOW, HIGH)).sum())
    return Running(total, wrap(total, 16).int(), stopped, outside / total.numel())


def draw_running(name: str, output: int, column: int) -> Picture:
    """Draw one sum of a convolution on its way: as it is, with wraparound, and with stops at the ends of int16."""
    rows, columns, start = _operands(name)
    total = torch.cat([start[output], rows[output] * columns[:, column]]).cumsum(0)
    wrapped, stopped = wrap(total, 16).int(), [int(start[output].clamp(LOW, HIGH))]
    for product in (rows[output] * columns[:, column]).tolist():
        stopped.append(max(LOW, min(HIGH, stopped[-1] + product)))
    wrong, count = running(name).wrong, running(name).end.numel()
    with style.house_style():
        figure = style.new_figure(9.2, 3.6)
        axes = figure.add_axes((0.105, 0.145, 0.70, 0.75))
        axes.set(xlim=(0, len(total) - 1), xlabel="products added", ylabel="running sum")
        axes.axhspan(LOW, HIGH, color=style.LEVELS, alpha=0.35, lw=0, zorder=0)
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}".replace("-", "\N{MINUS SIGN}"))
        axes.plot(numpy.arange(len(total)), stopped, color=style.CLIPPED, lw=2.4, ls="dotted")
        axes.plot(numpy.arange(len(total)), wrapped, color=style.QUANTIZED, lw=1.2)
        axes.plot(numpy.arange(len(total)), total, color=style.ORIGINAL, lw=1.6, ls="dashed")
        ends = [f"{int(end):,}".replace("-", "\N{MINUS SIGN}") for end in (total[-1], wrapped[-1], stopped[-1])]
        names = [
            (f"true, ends at {ends[0]}", style.ORIGINAL),
            (f"wraps, ends at {ends[1]}", style.QUANTIZED),
            (f"stops, ends at {ends[2]}", style.CLIPPED_TEXT),
            ("grey: what int16 holds", style.QUIET),
        ]
        for row, (text, ink) in enumerate(names):
            axes.text(1.02, 0.9 - 0.1 * row, text, transform=axes.transAxes, color=ink, size=9, weight="bold")
        axes.set_title(f"wrong at the end, of {count:,} sums: {wrong[0]:,} with wraparound, {wrong[1]:,} with stops")
        alt = f"One sum of {name}: {'; '.join(text for text, _ in names[:3])}."
        return picture(
            figure, f"{alt} Of {count:,} sums {wrong[0]:,} are wrong with wraparound, {wrong[1]:,} with stops."
        )
