"""The ruler, the staircase and the codes of a matrix, under sliders for s and z."""

from typing import Any

import torch
from torch import Tensor

from quantlib.lab.exercise import Function
from quantlib.lab.explore import Explorer, Slider, explorer
from quantlib.lab.ruler import QUANT_MAX, QUANT_MIN, RulerView, describe, is_clipped

from . import exercises
from .scene import ruler_scene

LARGE_WEIGHT: dict[str, Any] = {  # the sliders, the number line and the window for the weights "ffn_down"
    "scale": Slider("s", "scale s", 0.005, 0.0005, 0.08, 0.0005),
    "zero_point": Slider("z", "zero point z", 0, -128, 127, 1),
    "limits": (-3.0, 9.0),
    "window": (slice(90, 108), slice(844, 868)),
}


@explorer
def explore_affine(
    x: Tensor,
    quantize: Function = exercises.quantize.reference,
    dequantize: Function = exercises.dequantize.reference,
    *,
    scale: Slider | None = None,
    zero_point: Slider | None = None,
    limits: tuple[float, float] = (-400.0, 1000.0),
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
    inputs = torch.linspace(-2.625, 2.625, 961) * scale.high
    to_codes, back = exercises.quantize.stand_in(quantize), exercises.dequantize.stand_in(dequantize)

    def compute(s: float, z: int) -> RulerView:
        q, about_codes = to_codes(x, s, z)
        x_hat, about_reals = back(q, s, z)
        curve, _ = back(to_codes(inputs, s, z)[0], s, z)
        clipped = is_clipped(x, s, z, QUANT_MIN, QUANT_MAX)
        notices = about_codes, about_reals
        return RulerView(s, z, QUANT_MIN, QUANT_MAX, x, q, x_hat, clipped, curve, notices=notices)

    return Explorer([scale, zero_point], compute, ruler_scene(x, inputs, limits, window), describe)
