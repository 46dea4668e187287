"""What goes wrong at the ends of the grid, and when the error is split in two."""

import torch
from torch import Tensor

from quantlib.affine import dequantize, quantize, unclamped_codes
from quantlib.lab.misconception import Known
from quantlib.metrics import split_error

Parts = tuple[Tensor, Tensor]

known = Known()

# --- clamp: f(v, quant_min, quant_max), in v's own dtype

_BOUNDS = "What is below quant_min becomes quant_min, and what is above quant_max becomes quant_max."


@known("clamp", "the bounds are swapped", _BOUNDS)
def clamps_to_lowest(v: Tensor, quant_min: int, quant_max: int) -> Tensor:
    """Every value becomes quant_min."""
    return v.clamp(quant_max, quant_min)


@known("clamp", "minimum and maximum are swapped", _BOUNDS)
def clamps_to_highest(v: Tensor, quant_min: int, quant_max: int) -> Tensor:
    """Every value becomes quant_max: the larger of a value and quant_min is at least quant_min."""
    return v.clamp(max=quant_min).clamp(min=quant_max)


@known("clamp", "only the upper end is clamped", _BOUNDS)
def clamps_above(v: Tensor, quant_min: int, quant_max: int) -> Tensor:
    """What is below quant_min stays as it is."""
    return v.clamp(max=quant_max)


@known("clamp", "only the lower end is clamped", _BOUNDS)
def clamps_below(v: Tensor, quant_min: int, quant_max: int) -> Tensor:
    """What is above quant_max stays as it is."""
    return v.clamp(min=quant_min)


@known("clamp", "nothing is clamped", _BOUNDS)
def clamps_nothing(v: Tensor, quant_min: int, quant_max: int) -> Tensor:
    """Every value comes back as it was."""
    return v.clone()


@known("clamp", "the bounds are ignored", "Use quant_min and quant_max in place of -128 and 127.")
def clamps_to_int8(v: Tensor, quant_min: int, quant_max: int) -> Tensor:
    """The function clamps to the int8 grid, whatever grid it is given."""
    return v.clamp(-128, 127)


@known("clamp", "the lowest code is left out", "quant_min is on the grid.", convention=True)
def clamps_narrow(v: Tensor, quant_min: int, quant_max: int) -> Tensor:
    """The narrow grid gives up its lowest code, so that a signed one is symmetric."""
    return v.clamp(quant_min + 1, quant_max)


@known("clamp", "the highest code is left out", "quant_max is on the grid, unlike the end of a Python range.")
def clamps_exclusively(v: Tensor, quant_min: int, quant_max: int) -> Tensor:
    """The function clamps to quant_max - 1."""
    return v.clamp(quant_min, quant_max - 1)


@known("clamp", "clamp to -quant_max", "Use quant_min for the lower end.")
def clamps_symmetrically(v: Tensor, quant_min: int, quant_max: int) -> Tensor:
    """The lower end of a grid is quant_min, which need not be -quant_max."""
    return v.clamp(-quant_max, quant_max)


@known("clamp", "zero outside the grid", _BOUNDS)
def clamps_to_zero(v: Tensor, quant_min: int, quant_max: int) -> Tensor:
    """A value beyond the grid becomes the nearest code, not 0."""
    return torch.where((v < quant_min) | (v > quant_max), 0, v)


@known("clamp", "wraps around instead", _BOUNDS)
def wraps_instead(v: Tensor, quant_min: int, quant_max: int) -> Tensor:
    """Wrapping is what storing in too few bits does; a clamp is there to avoid it."""
    return torch.remainder(v - quant_min, quant_max - quant_min + 1) + quant_min


@known("clamp", "rounded as well", "Only clamp: rounding is another step.")
def clamps_and_rounds(v: Tensor, quant_min: int, quant_max: int) -> Tensor:
    """A value inside the bounds must come back as it was, fraction and all."""
    return v.round().clamp(quant_min, quant_max)


@known("clamp", "the fraction is cut off", "Only clamp, without int() or .long(): v may have a fraction.")
def clamps_and_cuts(v: Tensor, quant_min: int, quant_max: int) -> Tensor:
    """A value inside the bounds must come back as it was, fraction and all."""
    return v.clamp(quant_min, quant_max).trunc()


@known("clamp", "v is changed in place", "Call v.clamp, which makes a new tensor, and not v.clamp_.")
def clamps_in_place(v: Tensor, quant_min: int, quant_max: int) -> Tensor:
    """The values are right, but the caller's own tensor is overwritten."""
    return v.clamp_(quant_min, quant_max)


# --- split_error: f(x, s, z), the parts (clip, round) on the int8 grid

_OUTSIDE = "Is round(x / s + z) outside [-128, 127]? Then the whole error is clip, else it is round."


@known("split_error", "the parts are swapped", "Return clip first, then round.")
def swaps_parts(x: Tensor, s: float, z: int) -> Parts:
    """The first part should be clip and the second round."""
    clip, rounding = split_error(x, s, z)
    return rounding, clip


@known("split_error", "the signs are reversed", "The error here is x - x_hat.")
def reverses_signs(x: Tensor, s: float, z: int) -> Parts:
    """This splits x_hat - x."""
    clip, rounding = split_error(x, s, z)
    return -clip, -rounding


@known("split_error", "absolute values", "Keep the sign, so that the parts add up to x - x_hat.")
def drops_signs(x: Tensor, s: float, z: int) -> Parts:
    """Without signs the parts no longer add up to the error."""
    clip, rounding = split_error(x, s, z)
    return clip.abs(), rounding.abs()


@known("split_error", "error in steps", "Dequantize first: the error is in the units of x.")
def counts_steps(x: Tensor, s: float, z: int) -> Parts:
    """A difference of codes must be multiplied by s to be in the units of x."""
    clip, rounding = split_error(x, s, z)
    return clip / s, rounding / s


@known("split_error", "clip from the last level on", _OUTSIDE, convention=True)
def clips_at_last_level(x: Tensor, s: float, z: int) -> Parts:
    """Clip is then x minus x clamped to the levels; here it begins only where the code leaves the grid."""
    clip = x - x.clamp(s * (-128 - z), s * (127 - z))
    return clip, x - dequantize(quantize(x, s, z), s, z) - clip


@known("split_error", "a clipped value is rounded too", _OUTSIDE, convention=True)
def rounds_clipped(x: Tensor, s: float, z: int) -> Parts:
    """Round is then the error on an endless grid, and clip is the rest; here a clipped error is clip as a whole."""
    rounding = x - s * (unclamped_codes(x, s, z) - z)
    return x - dequantize(quantize(x, s, z), s, z) - rounding, rounding


@known("split_error", "clipping only above", _OUTSIDE)
def clips_only_above(x: Tensor, s: float, z: int) -> Parts:
    """A code below -128 has left the grid too."""
    error, outside = x - dequantize(quantize(x, s, z), s, z), unclamped_codes(x, s, z) > 127
    return error.where(outside, 0.0), error.where(~outside, 0.0)


@known("split_error", "the end codes count as clipped", _OUTSIDE)
def clips_end_codes(x: Tensor, s: float, z: int) -> Parts:
    """-128 and 127 are on the grid: a value that rounds to them is not clipped."""
    q = quantize(x, s, z)
    error, at_an_end = x - dequantize(q, s, z), (q == -128) | (q == 127)
    return error.where(at_an_end, 0.0), error.where(~at_an_end, 0.0)


@known("split_error", "x_hat without a clamp", "Clamp the code to [-128, 127] before you dequantize it.")
def forgets_clamp(x: Tensor, s: float, z: int) -> Parts:
    """Without the clamp every value comes back within half a step: the clipping error is lost."""
    asked = unclamped_codes(x, s, z)
    error, outside = x - s * (asked - z), (asked < -128) | (asked > 127)
    return error.where(outside, 0.0), error.where(~outside, 0.0)


@known("split_error", "z inside the division", "The code is round(x / s + z): divide first, then add z.")
def shifts_first(x: Tensor, s: float, z: int) -> Parts:
    """z counts codes, so it belongs behind the division by s, and there it is added."""
    asked = torch.round((x - z) / s)
    error = x - (s * asked.clamp(-128, 127) + z)
    outside = (asked < -128) | (asked > 127)
    return error.where(outside, 0.0), error.where(~outside, 0.0)


@known("split_error", "the way back is s * q + z", "The way back is s * (q - z): take z away, then multiply.")
def adds_zero_point(x: Tensor, s: float, z: int) -> Parts:
    """z was added after the division, so it must be taken away before the multiplication."""
    asked = unclamped_codes(x, s, z)
    error, outside = x - (s * asked.clamp(-128, 127) + z), (asked < -128) | (asked > 127)
    return error.where(outside, 0.0), error.where(~outside, 0.0)


@known("split_error", "the parts are squared", "Return the errors themselves, not their squares.")
def squares_parts(x: Tensor, s: float, z: int) -> Parts:
    """The squares add up to the square of the error; asked are the parts of the error itself."""
    clip, rounding = split_error(x, s, z)
    return clip.square(), rounding.square()
