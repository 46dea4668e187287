"""The explorers that the notebooks show: each is a short declaration."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from matplotlib.figure import Figure
from torch import Tensor

from ..affine import dequantize as quantlib_dequantize
from ..affine import quantize as quantlib_quantize
from ..qparams import choose_qparams
from .explore import Explorer, Panel, Scene, Slider
from .figures import make_view
from .learner import RoundTrip, StandIn, step_problem, whole_problem
from .panels import CodeCells, CodeImage, Ruler, Staircase, View, describe, is_clipped

Function = Callable[..., Any]
QUANT_MIN, QUANT_MAX = -128, 127


def choose_step(x: Tensor) -> float:
    """Return the min-max scale of x, in units of x."""
    return float(choose_qparams(x).scale)


def choose_zero(x: Tensor) -> int:
    """Return the min-max zero point of x."""
    return int(choose_qparams(x).zero_point)


def explore_affine(
    x: Tensor,
    quantize: Function = quantlib_quantize,
    dequantize: Function = quantlib_dequantize,
    *,
    scale: Slider | None = None,
    zero_point: Slider | None = None,
    limits: tuple[float, float] | None = None,
    window: tuple[slice, slice] | None = None,
) -> Explorer:
    """Show sliders for s and z over the ruler, the staircase and the codes of x, drawn by the functions given.

    Args:
        x: a matrix of reals.
        quantize: f(x, s, z) that returns int8 codes: quantlib's, or a learner's.
        dequantize: f(q, s, z) that returns reals.
        scale, zero_point: the sliders; the defaults suit the values of a few hundred units.
        limits: the ends of the number line.
        window: which rows and columns of a large x the code matrix shows.
    """
    x = x.clone()  # the caller's may change in a later cell
    scale = scale or Slider("s", "scale s", 3.5, 0.5, 8.0, 0.1)
    zero_point = zero_point or Slider("z", "zero point z", -70, -128, 127, 1)
    inputs = torch.linspace(-6, 6, 961) * scale.value
    round_trip = RoundTrip(quantize, dequantize)

    def compute(s: float, z: int) -> View:
        q, x_hat, notice = round_trip(x, s, z)
        _, curve, _ = round_trip(inputs, s, z)
        clipped = is_clipped(x, s, z, QUANT_MIN, QUANT_MAX)
        return View(s, z, QUANT_MIN, QUANT_MAX, x, q, x_hat, clipped, curve, notice)

    return Explorer(
        [scale, zero_point], compute, _affine_scene(x, inputs, limits or (-400.0, 1000.0), window), describe
    )


def explore_range(
    x: Tensor, step: Function = choose_step, zero: Function = choose_zero, *, top: Slider | None = None
) -> Explorer:
    """Show a slider that stretches the largest value of x; the functions given choose the ruler for it.

    Args:
        x: a small matrix of reals.
        step: f(x) that returns the scale, in units of x: quantlib's, or a learner's.
        zero: f(x) that returns the zero point.
        top: the slider of the largest value.
    """
    x = x.clone()  # the caller's may change in a later cell
    top = top or Slider("top", "largest value", 728.6, 688.6, 1528.6, 10.0)
    inputs = torch.linspace(-20, 20, 961)
    my_step, my_zero = StandIn(step, choose_step, step_problem), StandIn(zero, choose_zero, whole_problem)

    def compute(top: float) -> View:
        stretched = torch.where(x == x.max(), top, x)
        (s, about_step), (z, about_zero) = my_step(stretched), my_zero(stretched)
        notice = f"{about_step} {about_zero}".strip()
        return replace(make_view(stretched, float(s), int(z), QUANT_MIN, QUANT_MAX, inputs), notice=notice)

    def describe_range(view: View) -> str:
        return f"The largest value is {view.x.max().item():.1f}; {describe(view)}"

    return Explorer([top], compute, _affine_scene(x, inputs, (-400.0, 1800.0), None), describe_range)


def _affine_scene(x: Tensor, inputs: Tensor, limits: tuple[float, float], window: tuple[slice, slice] | None) -> Scene:
    def lay_out(figure: Figure) -> list[Panel]:
        beside = figure.add_axes((0.55, 0.10, 0.40 if window else 0.425, 0.40))
        return [
            Ruler(figure.add_axes((0.085, 0.67, 0.89, 0.26)), x, limits),
            Staircase(figure.add_axes((0.085, 0.10, 0.39, 0.40)), inputs),
            CodeImage(beside, window, QUANT_MIN, QUANT_MAX) if window else CodeCells(beside, x),
        ]

    return Scene((9.2, 5.3), lay_out)
