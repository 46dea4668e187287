"""The ruler of a matrix whose largest value a slider stretches."""

from dataclasses import replace

import torch
from torch import Tensor

from quantlib.lab.exercise import Function
from quantlib.lab.explore import Explorer, Slider, explorer
from quantlib.lab.ruler import QUANT_MAX, QUANT_MIN, RulerView, describe, make_view, ruler_scene

from . import exercises

TOP = Slider("top", "largest value", 728.6, 688.6, 1528.6, 10.0)


@explorer
def explore_range(
    x: Tensor, step: Function = exercises.step.reference, zero: Function = exercises.zero.reference
) -> Explorer:
    """Show a slider that stretches the largest value of x; the functions given choose the ruler for it.

    Args:
        x: a small matrix of reals.
        step: f(x) that returns the scale, in units of x: quantlib's, or a learner's.
        zero: f(x) that returns the zero point.
    """
    inputs = torch.linspace(-20, 20, 961)
    my_step, my_zero = exercises.step.stand_in(step), exercises.zero.stand_in(zero)

    def compute(top: float) -> RulerView:
        stretched = torch.where(x == x.max(), top, x)
        (s, about_step), (z, about_zero) = my_step(stretched), my_zero(stretched)
        view = make_view(stretched, float(s), int(z), QUANT_MIN, QUANT_MAX, inputs)
        return replace(view, notices=(about_step, about_zero))

    return Explorer([TOP], compute, ruler_scene(x, inputs, (-400.0, 1800.0), None), describe_range)


def describe_range(view: RulerView) -> str:
    """Return the sentence that says what the picture shows."""
    return f"The largest value is {view.x.max().item():.1f}; {describe(view)}"
