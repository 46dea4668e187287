"""The explorers that the notebooks show: each is a short declaration."""

from collections.abc import Callable
from typing import Any

import torch
from matplotlib.figure import Figure
from torch import Tensor

from ..affine import dequantize as quantlib_dequantize
from ..affine import quantize as quantlib_quantize
from . import style
from .explore import Explorer, Panel, Scene, Slider
from .learner import RoundTrip
from .panels import CodeCells, CodeImage, Ruler, Staircase, View, describe, is_clipped

Function = Callable[..., Any]
QUANT_MIN, QUANT_MAX = -128, 127
EXPLORER_DPI = 105
AFFINE_SIZE = 9.2, 5.3  # inches


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
    scale = scale or Slider("s", "scale s", 3.5, 0.5, 8.0, 0.1)
    zero_point = zero_point or Slider("z", "zero point z", -70, -128, 127, 1)
    limits = limits or (-400.0, 1000.0)
    inputs = torch.linspace(-6, 6, 961) * scale.value
    round_trip = RoundTrip(quantize, dequantize)

    with style.house_style():
        figure = style.new_figure(*AFFINE_SIZE, EXPLORER_DPI)
        scene = Scene(figure, affine_panels(figure, x, inputs, limits, window))

    def compute(s: float, z: int) -> View:
        q, x_hat, notice = round_trip(x, s, z)
        _, curve, _ = round_trip(inputs, s, z)
        clipped = is_clipped(x, s, z, QUANT_MIN, QUANT_MAX)
        return View(s, z, QUANT_MIN, QUANT_MAX, x, q, x_hat, clipped, curve, notice)

    return Explorer([scale, zero_point], compute, scene, describe)


def affine_panels(
    figure: Figure, x: Tensor, inputs: Tensor, limits: tuple[float, float], window: tuple[slice, slice] | None
) -> list[Panel]:
    """Lay ruler, staircase and codes out on a figure of AFFINE_SIZE."""
    beside = figure.add_axes((0.55, 0.10, 0.40 if window else 0.425, 0.40))
    return [
        Ruler(figure.add_axes((0.085, 0.67, 0.89, 0.26)), x, limits),
        Staircase(figure.add_axes((0.085, 0.10, 0.39, 0.40)), inputs),
        CodeImage(beside, window, QUANT_MIN, QUANT_MAX) if window else CodeCells(beside, x),
    ]
