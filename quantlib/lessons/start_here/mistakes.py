"""What goes wrong when a ruler is laid over values: its step, and the code of 0.0."""

import torch
from torch import Tensor

from quantlib.lab.misconception import Known

known = Known()

# --- step: f(x), the distance of 256 levels from the smallest to the largest value

_GAPS = "Between 256 levels there are 255 gaps."
_SPAN = "The levels reach from the smallest value to the largest."


@known("step", "256 gaps where there are 255", _GAPS)
def counts_marks(x: Tensor) -> Tensor:
    """That counts the levels, not the gaps between them: the last level falls short of the largest value."""
    return (x.max() - x.min()) / 256


@known("step", "half of the grid", _GAPS)
def steps_half_grid(x: Tensor) -> Tensor:
    """127 steps lead from 0 to the last code, not from the first to the last."""
    return (x.max() - x.min()) / 127


@known("step", "only the largest value", _SPAN)
def steps_from_zero(x: Tensor) -> Tensor:
    """The values below 0 need levels as well."""
    return x.max() / 255


@known("step", "the symmetric scale", _SPAN, convention=True)
def steps_symmetrically(x: Tensor) -> Tensor:
    """That makes the levels reach equally far on both sides of 0."""
    return x.abs().max() / 127


@known("step", "the whole range, not one step", "Divide the range by the number of gaps.")
def steps_range(x: Tensor) -> Tensor:
    """One step would then reach from the first level to the last."""
    return x.max() - x.min()


@known("step", "the reciprocal of the step", "The step is in units of x: divide the range by the number of gaps.")
def steps_reciprocal(x: Tensor) -> Tensor:
    """This is the number of steps in one unit of x."""
    return 255 / (x.max() - x.min())


@known("step", "a pair of brackets is missing", "Put brackets around the range: a division goes before a difference.")
def divides_first(x: Tensor) -> Tensor:
    """Without brackets only the smallest value is divided."""
    return x.max() - x.min() / 255


@known("step", "a whole number of units", "Divide by / and do not round: a step may be a fraction.")
def cuts_step(x: Tensor) -> Tensor:
    """The operator // and int() cut the fraction of the step off."""
    return (x.max() - x.min()) // 255


# --- zero: f(x), the code nearest to 0.0 on these levels


def _steps_to_zero(x: Tensor) -> Tensor:
    return -x.min() / (x.max() - x.min()) * 255


@known("zero", "counted from 0, not from -128", "The first level has the code -128.")
def counts_from_zero(x: Tensor) -> Tensor:
    """That is the zero point of a grid from 0 to 255."""
    return _steps_to_zero(x).round()


@known("zero", "the sign of the smallest value", "The smallest value is negative: 0.0 lies -x.min() above it.")
def counts_downwards(x: Tensor) -> Tensor:
    """That walks away from 0.0, below the first level."""
    return -128 - _steps_to_zero(x).round()


@known("zero", "not rounded", "A code is an integer: round.")
def keeps_fraction(x: Tensor) -> Tensor:
    """Between two levels there is no code."""
    return -128 + _steps_to_zero(x)


_CUT = "truncation where rounding is meant"
_ROUND = "Round to the nearest integer: int() and .long() cut the fraction off."


@known("zero", _CUT, _ROUND)
def cuts_fraction(x: Tensor) -> Tensor:
    """Cutting the fraction off moves the level by up to a whole step."""
    return (-128 + _steps_to_zero(x)).trunc()


@known("zero", _CUT, _ROUND)
def cuts_steps(x: Tensor) -> Tensor:
    """Cutting the fraction off moves the level by up to a whole step."""
    return -128 + _steps_to_zero(x).trunc()


@known("zero", "always 0", "The code 0 stands for 0.0 only if the values reach equally far to both sides.")
def is_always_zero(x: Tensor) -> Tensor:
    """That is the zero point of the symmetric quantizer."""
    return torch.tensor(0.0)


@known("zero", "counted from the wrong end", "Count from the first level up, or from the last level, 127, down.")
def counts_from_the_top(x: Tensor) -> Tensor:
    """That walks from the last level by the distance of the first."""
    return 127 - _steps_to_zero(x).round()
