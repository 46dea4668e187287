"""What goes wrong when codes wrap around, and with the symmetric scale."""

import torch
from torch import Tensor

from quantlib.grids import wrap
from quantlib.lab.misconception import Known

known = Known()

# --- wrap: f(v), the int8 codes of integers

_CIRCLE = "256 codes form a circle: after 127 comes -128."


@known("wrap", "saturates instead of wrapping", _CIRCLE)
def saturates(v: Tensor) -> Tensor:
    """That is a clamp: it stays at the end of the grid."""
    return v.clamp(-128, 127).to(torch.int8)


@known("wrap", "modulo 255", "How many integers are there from -128 to 127?")
def wraps_by_255(v: Tensor) -> Tensor:
    """int8 has 256 codes, so the circle closes after 256 steps."""
    return (torch.remainder(v + 128, 255) - 128).to(torch.int8)


@known("wrap", "modulo 128", "The eighth bit counts too: it is worth -128.")
def wraps_by_128(v: Tensor) -> Tensor:
    """Seven bits remain, and all codes are positive."""
    return torch.remainder(v, 128).to(torch.int8)


@known("wrap", "modulo 256 without a sign", "Take 256 away from what is above 127.")
def wraps_unsigned(v: Tensor) -> Tensor:
    """These are the codes of uint8, from 0 to 255."""
    return torch.remainder(v, 256).to(torch.uint8)


@known("wrap", "only the upper end wraps", _CIRCLE + " Before -128 comes 127.")
def wraps_only_above(v: Tensor) -> Tensor:
    """A value below -128 stays at -128."""
    return wrap(v.clamp(min=-128))


@known("wrap", "only the lower end wraps", _CIRCLE + " Before -128 comes 127.")
def wraps_only_below(v: Tensor) -> Tensor:
    """A value above 127 stays at 127."""
    return wrap(v.clamp(max=127))


@known("wrap", "not cast to int8", "End with .to(torch.int8), not with .long() or .int().")
def wraps_to_float(v: Tensor) -> Tensor:
    """The values are right, but they are not stored as int8."""
    return wrap(v).float()


# --- max_abs: f(x), the symmetric scale max|x| / 127

_SIZE = "Take the absolute values first, then their maximum."
_STEPS = "From 0 to the largest code there are 127 steps."


@known("max_abs", "max where max|x| is meant", _SIZE)
def forgets_abs(x: Tensor) -> Tensor:
    """The value of largest size can be negative."""
    return x.max() / 127


@known("max_abs", "|max| where max|x| is meant", _SIZE)
def abs_of_max(x: Tensor) -> Tensor:
    """The absolute value comes too late: the maximum has already passed over the negative values."""
    return x.max().abs() / 127


@known("max_abs", "min where max|x| is meant", _SIZE)
def uses_min(x: Tensor) -> Tensor:
    """The value of largest size can be positive."""
    return x.min().abs() / 127


@known("max_abs", "mean of |x| where the maximum is meant", "Every value must fit: look at the largest |x|.")
def uses_mean(x: Tensor) -> Tensor:
    """Then the values of large size do not fit on the grid."""
    return x.abs().mean() / 127


@known("max_abs", "the norm where the maximum is meant", "Every value must fit: look at the largest |x|.")
def uses_norm(x: Tensor) -> Tensor:
    """The length of all values together is larger than any of them."""
    return torch.linalg.vector_norm(x) / 127


@known("max_abs", "the maximum is cut to an integer", "Leave out int(): the largest |x| need not be an integer.")
def cuts_maximum(x: Tensor) -> Tensor:
    """What is behind the point of the largest |x| is lost, and so it does not quite fit."""
    return x.abs().max().trunc() / 127


@known("max_abs", "^ where ** is meant", "Write 2 ** 7 - 1: in Python ^ is another operation, on bits.")
def takes_xor(x: Tensor) -> Tensor:
    """In Python 2 ^ 7 - 1 is 4: the minus comes first, and ^ is no power."""
    return x.abs().max() / (2 ^ 7 - 1)


def _guarded(least: float, before: int) -> None:
    """Keep a mistake: max|x| / `before` is made at least `least`, and the rest of the division by 127 follows."""

    def guarded(x: Tensor) -> Tensor:
        """A small scale is a right one: small numbers need small steps."""
        return (x.abs().max() / before).clamp(min=least) * before / 127

    guarded.__name__ = f"max_abs_at_least_{least:.0e}_of_{before}".replace("-", "_")
    known("max_abs", "the smallest scale is too large", "Leave it out: only a matrix of zeros would need one.")(guarded)


for _least in (1e-3, 1e-5, 1e-6, 1e-7, 1e-8):
    for _before in (1, 127):
        _guarded(_least, _before)


@known("max_abs", "not divided by 127", "The scale is what one step is worth: divide by the number of steps.")
def uses_one_step(x: Tensor) -> Tensor:
    """One step would then reach the largest value."""
    return x.abs().max()


@known("max_abs", "max|x| / 255", _STEPS)
def scale_for_255_steps(x: Tensor) -> Tensor:
    """That is the scale of a grid from 0 to 255: in int8 the largest value would need the code 255 or -255."""
    return x.abs().max() / 255


@known("max_abs", "max|x| / 128", _STEPS, convention=True)
def scale_for_128_steps(x: Tensor) -> Tensor:
    """-max|x| then gets the code -128, and max|x| is clipped."""
    return x.abs().max() / 128


@known("max_abs", "max|x| / 127.5", _STEPS, convention=True)
def scale_for_half_the_grid(x: Tensor) -> Tensor:
    """The 255 steps from -128 to 127 then span 2 max|x|."""
    return x.abs().max() / 127.5


@known("max_abs", "the min-max scale", "The symmetric scale looks only at the largest |x|.", convention=True)
def min_max_scale(x: Tensor) -> Tensor:
    """That is the scale of the affine quantizer, whose zero point need not be 0."""
    return (x.max().clamp(min=0) - x.min().clamp(max=0)) / 255


@known("max_abs", "the min-max scale without 0", "The symmetric scale looks only at the largest |x|.")
def range_scale(x: Tensor) -> Tensor:
    """That is the scale of an affine quantizer, and its range need not contain 0."""
    return (x.max() - x.min()) / 255


@known("max_abs", "the reciprocal of the scale", "s is in real units per step: divide max|x| by 127.", convention=True)
def reciprocal_scale(x: Tensor) -> Tensor:
    """This is the number of steps per real unit, by which x would be multiplied."""
    return 127 / x.abs().max()
