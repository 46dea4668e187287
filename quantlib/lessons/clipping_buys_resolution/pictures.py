"""Pictures of clipped ranges that stand still."""

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from quantlib.grids import grid
from quantlib.lab import style
from quantlib.lab.picture import Picture, picture
from quantlib.lab.words import clips, number

from .clip import BITS, Values, alpha_slider, explore_clip


def draw_two_clips(x: Tensor, alphas: Sequence[float], bits: int) -> Picture:
    """Draw the same values over the levels of each of two ranges, and say how far apart these are."""
    explorer, reach, told = explore_clip(x, bits=bits), alpha_slider(x).high, []
    views = [explorer.compute(alpha=alpha, b=bits) for alpha in alphas]
    with style.house_style():
        figure = style.new_figure(9.2, 3.4)
        for k, view in enumerate(views):
            panel = Values(figure.add_axes((0.02 + 0.5 * k, 0.16, 0.46, 0.7)), x, reach)
            panel.update(view)
            step = number(float(f"{view.alpha / grid(bits, narrow=True)[1]:.2g}"))
            panel.title.text = f"levels {step} apart, {clips(view.clipped, view.count)}"
            told.append(panel.title.text)
        count = len(views[-1].levels)
        return picture(figure, f"Two ranges for the same values, {count} levels each: {'; '.join(told)}.")


def draw_decibels(names: Mapping[str, Sequence[float]]) -> Picture:
    """Draw the SQNR in dB at 2, 3, ... bits for each name, and what the last bit gains."""
    looks, highest = (("o-", style.ORIGINAL), ("s--", style.QUANTIZED)), max(v[-1] for v in names.values())
    with style.house_style():
        figure = style.new_figure(7.2, 3.7)
        axes = figure.add_axes((0.1, 0.15, 0.86, 0.74))
        axes.set(xlabel="bits b", ylabel="SQNR at the best α, dB")
        for (name, values), (marks, ink) in zip(names.items(), looks, strict=True):
            bits = range(BITS[0], BITS[0] + len(values))
            axes.plot(bits, values, marks, color=ink, lw=1.6, ms=6)
            text = f"{name}: {values[0]:.1f} to {values[-1]:.1f} dB"
            look: dict[str, Any] = _ABOVE if values[-1] == highest else _BELOW
            axes.annotate(text, (bits[-3], values[-3]), textcoords="offset points", color=ink, **look)
        gains = [f"{values[-1] - values[-2]:.2f} dB for {name}" for name, values in names.items()]
        finding = f"The last bit brings {', '.join(gains)}"
        axes.set_title(finding)
        told = "; ".join(f"{name} {', '.join(f'{v:.1f}' for v in values)}" for name, values in names.items())
        return picture(figure, f"{finding}. SQNR in dB from {BITS[0]} bits on: {told}.")


_ABOVE: dict[str, Any] = {"xytext": (-10, 4), "ha": "right", "va": "bottom"}
_BELOW: dict[str, Any] = {"xytext": (10, -8), "ha": "left", "va": "top"}
