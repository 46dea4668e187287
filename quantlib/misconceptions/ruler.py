"""What goes wrong with the ruler: codes, clamps, wraps, scales and error measures."""

import math

import torch
from torch import Tensor

from ..affine import dequantize, quantize
from ..grids import wrap
from ..metrics import l2_error, rmse, split_error
from .base import known

Parts = tuple[Tensor, Tensor]


# --- quantize: f(x, s, z), int8 codes

_DIVIDE = "Divide x by s, add z, and only then round."
_ORDER = "The order is: divide by s, add z, round, clamp, cast."
_GRID = "int8 holds the integers from -128 to 127."


def _codes(x: Tensor, s: float, z: int) -> Tensor:
    return torch.round(x / s + z)


def _stored(codes: Tensor, low: int = -128, high: int = 127) -> Tensor:
    """Clamp to a grid, then keep the 8 bits of what is left."""
    return wrap(codes.clamp(low, high))


@known("quantize", "no clamp before the cast", "Clamp to [-128, 127] before you cast to int8.")
def no_clamp(x: Tensor, s: float, z: int) -> Tensor:
    """A code beyond the grid then wraps around: 128 becomes -128."""
    return wrap(_codes(x, s, z))


@known("quantize", "cast before adding z", _ORDER)
def cast_before_shift(x: Tensor, s: float, z: int) -> Tensor:
    """What is already int8 cannot leave the grid, so a later clamp never does anything."""
    q = wrap(torch.round(x / s))
    return _stored(wrap(q.long() + z).long())


@known("quantize", "truncation instead of rounding", "Call torch.round before you cast.")
def truncates(x: Tensor, s: float, z: int) -> Tensor:
    """A cast drops what stands behind the decimal point: 0.6 becomes 0, not 1."""
    return _stored(torch.trunc(x / s + z))


@known("quantize", "truncation instead of rounding", "Call torch.round before you cast.")
def truncates_before_shift(x: Tensor, s: float, z: int) -> Tensor:
    """A cast drops what stands behind the decimal point: 0.6 becomes 0, not 1."""
    return _stored(torch.trunc(x / s) + z)


@known("quantize", "floor instead of rounding", "Use torch.round: it goes to the nearest integer.")
def floors(x: Tensor, s: float, z: int) -> Tensor:
    """Floor always goes down, so the error reaches a whole step, not half of one."""
    return _stored(torch.floor(x / s + z))


@known("quantize", "ceil instead of rounding", "Use torch.round: it goes to the nearest integer.")
def ceils(x: Tensor, s: float, z: int) -> Tensor:
    """Ceil always goes up, so the error reaches a whole step, not half of one."""
    return _stored(torch.ceil(x / s + z))


@known("quantize", "rounding before dividing", _DIVIDE)
def rounds_before_dividing(x: Tensor, s: float, z: int) -> Tensor:
    """What is lost by rounding x itself cannot be divided back, and the quotient is not an integer."""
    return _stored(torch.trunc(torch.round(x) / s + z))


@known("quantize", "clamp before adding z", _ORDER)
def clamps_before_shift(x: Tensor, s: float, z: int) -> Tensor:
    """The shift then moves codes off the grid again, and the cast wraps them around."""
    return wrap(torch.round(x / s).clamp(-128, 127) + z)


@known("quantize", "clamp before dividing", "Clamp the rounded codes, not x: the grid is made of codes.")
def clamps_input(x: Tensor, s: float, z: int) -> Tensor:
    """The bounds -128 and 127 are codes, not real numbers."""
    return wrap(_codes(x.clamp(-128, 127), s, z))


@known("quantize", "only the upper end is clamped", _GRID)
def clamps_only_above(x: Tensor, s: float, z: int) -> Tensor:
    """A code below -128 then wraps around."""
    return wrap(_codes(x, s, z).clamp(max=127))


@known("quantize", "only the lower end is clamped", _GRID)
def clamps_only_below(x: Tensor, s: float, z: int) -> Tensor:
    """A code above 127 then wraps around."""
    return wrap(_codes(x, s, z).clamp(min=-128))


@known("quantize", "z subtracted instead of added", "Solve r = s (q - z) for q: which sign has z?")
def subtracts_zero_point(x: Tensor, s: float, z: int) -> Tensor:
    """On the way to codes z is added, and on the way back it is subtracted."""
    return _stored(_codes(x, s, -z))


@known("quantize", "multiplied by s instead of divided", "s is the distance between marks: how many fit into x?")
def multiplies_by_scale(x: Tensor, s: float, z: int) -> Tensor:
    """The scale is in real units per step, so a code is x divided by s."""
    return _stored(torch.round(x * s + z))


@known("quantize", "z is forgotten", "Add z to x / s: it is the code that means 0.0.")
def forgets_zero_point(x: Tensor, s: float, z: int) -> Tensor:
    """Without z, 0.0 always gets the code 0."""
    return _stored(_codes(x, s, 0))


@known("quantize", "s is forgotten", "Divide x by s.")
def forgets_scale(x: Tensor, s: float, z: int) -> Tensor:
    """Without s, the marks are always 1.0 apart."""
    return _stored(_codes(x, 1.0, z))


@known("quantize", "z added before dividing", _DIVIDE)
def shifts_before_dividing(x: Tensor, s: float, z: int) -> Tensor:
    """z counts steps, so it belongs to x / s and not to x."""
    return _stored(torch.round((x + z) / s))


@known("quantize", "zero point too small by one", "Use z as it is given.")
def zero_point_minus_one(x: Tensor, s: float, z: int) -> Tensor:
    """With z - 1 for z, 0.0 no longer gets the code z."""
    return _stored(_codes(x, s, z - 1))


@known("quantize", "clamp to 0 to 255", _GRID)
def unsigned_grid(x: Tensor, s: float, z: int) -> Tensor:
    """That is the grid of uint8."""
    return _codes(x, s, z).clamp(0, 255).to(torch.uint8)


@known("quantize", "clamp to 0 to 255", _GRID)
def unsigned_clamp(x: Tensor, s: float, z: int) -> Tensor:
    """That is the grid of uint8: in int8 the codes from 128 on wrap around."""
    return _stored(_codes(x, s, z), 0, 255)


@known("quantize", "clamp to 0 to 127", _GRID)
def no_negative_codes(x: Tensor, s: float, z: int) -> Tensor:
    """Half of the 256 codes are negative, and they are lost."""
    return _stored(_codes(x, s, z), 0, 127)


@known("quantize", "clamp to -127", _GRID, convention=True)
def narrow_grid(x: Tensor, s: float, z: int) -> Tensor:
    """The narrow grid gives up -128, so that it is symmetric about 0."""
    return _stored(_codes(x, s, z), -127, 127)


@known("quantize", "clamp to 128", _GRID)
def clamps_to_128(x: Tensor, s: float, z: int) -> Tensor:
    """128 is no code of int8, and the cast wraps it around to -128."""
    return _stored(_codes(x, s, z), -128, 128)


@known("quantize", "not cast to int8", "End with .to(torch.int8).")
def stays_float(x: Tensor, s: float, z: int) -> Tensor:
    """The codes are right, but a float32 takes four bytes where an int8 takes one."""
    return _codes(x, s, z).clamp(-128, 127)


@known("quantize", "dequantized as well", "Stop at the codes: the way back is another function.")
def quantizes_and_returns(x: Tensor, s: float, z: int) -> Tensor:
    """These are the reconstructed reals, not the codes."""
    return dequantize(quantize(x, s, z), s, z)


@known("quantize", "x is changed in place", "Write x / s, which makes a new tensor, and not x /= s.")
def quantizes_in_place(x: Tensor, s: float, z: int) -> Tensor:
    """The codes are right, but the caller's own tensor is overwritten."""
    x /= s
    x += z
    return _stored(x.round_())


# --- dequantize: f(q, s, z), reals

_BACK = "Undo the steps in reverse order: first take z away, then multiply by s."


@known("dequantize", "s q + z instead of s (q - z)", _BACK)
def adds_zero_point_last(q: Tensor, s: float, z: int) -> Tensor:
    """z is an integer code, so it is taken from q before the scale is applied."""
    return s * q.float() + z


@known("dequantize", "s q - z instead of s (q - z)", "Set parentheses: " + _BACK[0].lower() + _BACK[1:])
def subtracts_zero_point_last(q: Tensor, s: float, z: int) -> Tensor:
    """z is an integer code, so it is taken from q before the scale is applied."""
    return s * q.float() - z


@known("dequantize", "q - z in int8", "Convert q to float before you subtract z.")
def subtracts_in_int8(q: Tensor, s: float, z: int) -> Tensor:
    """The difference need not fit into int8, and then it wraps around: 127 - (-1) becomes -128."""
    return s * wrap(q.long() - z).float()


@known("dequantize", "z is forgotten", "The code z must come back as 0.0.")
def dequantizes_without_zero_point(q: Tensor, s: float, z: int) -> Tensor:
    """Without z, the code 0 always comes back as 0.0."""
    return s * q.float()


@known("dequantize", "z added instead of subtracted", "Quantizing added z: undo that.")
def dequantizes_with_plus(q: Tensor, s: float, z: int) -> Tensor:
    """On the way to codes z is added, and on the way back it is subtracted."""
    return s * (q.float() + z)


@known("dequantize", "z - q instead of q - z", "Swap the two: q - z.")
def dequantizes_mirrored(q: Tensor, s: float, z: int) -> Tensor:
    """Every sign is reversed."""
    return s * (z - q.float())


@known("dequantize", "divided by s instead of multiplied", "Quantizing divided by s: undo that.")
def divides_by_scale(q: Tensor, s: float, z: int) -> Tensor:
    """The scale is in real units per step, so steps times s are real units."""
    return (q.float() - z) / s


@known("dequantize", "s is forgotten", "Multiply q - z by s.")
def dequantizes_without_scale(q: Tensor, s: float, z: int) -> Tensor:
    """Without s, the marks are always 1.0 apart."""
    return q.float() - z


@known("dequantize", "zero point too small by one", "Use z as it is given.")
def dequantizes_with_zero_point_minus_one(q: Tensor, s: float, z: int) -> Tensor:
    """With z - 1 for z, the code z no longer comes back as 0.0."""
    return s * (q.float() - (z - 1))


@known("dequantize", "z - 1 is stored", "Store z as it is: for z = -128 there is no code z - 1.")
def stores_zero_point_minus_one(q: Tensor, s: float, z: int) -> Tensor:
    """Whoever adds 1 again gets z back, but for z = -128: there z - 1 wraps around to 127."""
    stored = wrap(torch.tensor(z - 1))
    return s * (q.float() - (stored.float() + 1))


@known("dequantize", "returned as integers", "Leave the result in float: reals need their fractions.")
def dequantizes_to_integers(q: Tensor, s: float, z: int) -> Tensor:
    """The cast drops what stands behind the decimal point."""
    return (s * (q.float() - z)).to(torch.int32)


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
    rounding = x - s * (_codes(x, s, z) - z)
    return x - dequantize(quantize(x, s, z), s, z) - rounding, rounding


@known("split_error", "clipping only above", _OUTSIDE)
def clips_only_above(x: Tensor, s: float, z: int) -> Parts:
    """A code below -128 has left the grid too."""
    error, outside = x - dequantize(quantize(x, s, z), s, z), _codes(x, s, z) > 127
    return error.where(outside, 0.0), error.where(~outside, 0.0)


@known("split_error", "the end codes count as clipped", _OUTSIDE)
def clips_end_codes(x: Tensor, s: float, z: int) -> Parts:
    """-128 and 127 are on the grid: a value that rounds to them is not clipped."""
    q = quantize(x, s, z)
    error, at_an_end = x - dequantize(q, s, z), (q == -128) | (q == 127)
    return error.where(at_an_end, 0.0), error.where(~at_an_end, 0.0)


# --- wrap: f(v), the int8 codes of integers

_CIRCLE = "256 codes form a circle: after 127 comes -128."


@known("wrap", "saturates instead of wrapping", _CIRCLE)
def saturates(v: Tensor) -> Tensor:
    """That is a clamp: it stays at the end of the grid."""
    return _stored(v)


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


@known("wrap", "not cast to int8", "End with .to(torch.int8).")
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


# --- step: f(x), the distance of 256 marks from the smallest to the largest value

_GAPS = "Between 256 marks there are 255 gaps."
_SPAN = "The marks reach from the smallest value to the largest."


@known("step", "256 gaps where there are 255", _GAPS)
def counts_marks(x: Tensor) -> Tensor:
    """That counts the marks, not the gaps between them: the last mark falls short of the largest value."""
    return (x.max() - x.min()) / 256


@known("step", "half of the grid", _GAPS)
def steps_half_grid(x: Tensor) -> Tensor:
    """127 steps lead from 0 to the last code, not from the first to the last."""
    return (x.max() - x.min()) / 127


@known("step", "only the largest value", _SPAN)
def steps_from_zero(x: Tensor) -> Tensor:
    """The values below 0 need marks as well."""
    return x.max() / 255


@known("step", "the symmetric scale", _SPAN, convention=True)
def steps_symmetrically(x: Tensor) -> Tensor:
    """That makes the marks reach equally far on both sides of 0."""
    return x.abs().max() / 127


@known("step", "the whole range, not one step", "Divide the range by the number of gaps.")
def steps_range(x: Tensor) -> Tensor:
    """One step would then reach from the first mark to the last."""
    return x.max() - x.min()


@known("step", "the reciprocal of the step", "The step is in units of x: divide the range by the number of gaps.")
def steps_reciprocal(x: Tensor) -> Tensor:
    """This is the number of steps in one unit of x."""
    return 255 / (x.max() - x.min())


# --- zero: f(x), the code nearest to 0.0 on these marks


def _steps_to_zero(x: Tensor) -> Tensor:
    return -x.min() / (x.max() - x.min()) * 255


@known("zero", "counted from 0, not from -128", "The first mark has the code -128.")
def counts_from_zero(x: Tensor) -> Tensor:
    """That is the zero point of a grid from 0 to 255."""
    return _steps_to_zero(x).round()


@known("zero", "the sign of the smallest value", "The smallest value is negative: 0.0 lies -x.min() above it.")
def counts_downwards(x: Tensor) -> Tensor:
    """That walks away from 0.0, below the first mark."""
    return -128 - _steps_to_zero(x).round()


@known("zero", "not rounded", "A code is an integer: round.")
def keeps_fraction(x: Tensor) -> Tensor:
    """Between two marks there is no code."""
    return -128 + _steps_to_zero(x)


@known("zero", "truncation where rounding is meant", "Round to the nearest integer: int() cuts the fraction off.")
def cuts_fraction(x: Tensor) -> Tensor:
    """Cutting the fraction off moves the mark by up to a whole step."""
    return (-128 + _steps_to_zero(x)).trunc()


@known("zero", "always 0", "The code 0 stands for 0.0 only if the values reach equally far to both sides.")
def is_always_zero(x: Tensor) -> Tensor:
    """That is the zero point of the symmetric quantizer."""
    return torch.tensor(0.0)


@known("zero", "counted from the wrong end", "Count from the first mark up, or from the last mark, 127, down.")
def counts_from_the_top(x: Tensor) -> Tensor:
    """That walks from the last mark by the distance of the first."""
    return 127 - _steps_to_zero(x).round()


# --- l2: f(x, x_hat), the L2 norm of the error

_NORM = "Subtract, square, add, take the root: in this order."


@known("l2", "the root is forgotten", _NORM)
def forgets_root(x: Tensor, x_hat: Tensor) -> float:
    """This is the sum of squares, in the squared units of x."""
    return l2_error(x, x_hat) ** 2


@known("l2", "mean instead of sum", "Add the squares; do not average them.")
def averages(x: Tensor, x_hat: Tensor) -> float:
    """This is the RMSE, which does not grow with the number of values."""
    return rmse(x, x_hat)


@known("l2", "the mean squared error", _NORM)
def mean_square(x: Tensor, x_hat: Tensor) -> float:
    """The squares are averaged, and the root is not taken."""
    return rmse(x, x_hat) ** 2


@known("l2", "the L1 norm", "Square the errors; do not take absolute values.")
def adds_sizes(x: Tensor, x_hat: Tensor) -> float:
    """This adds absolute values, so a large error weighs no more than many small ones of the same sum."""
    return (x - x_hat).abs().sum().item()


@known("l2", "the largest error", _NORM)
def takes_largest(x: Tensor, x_hat: Tensor) -> float:
    """This is the L-infinity norm, and only one value counts."""
    return (x - x_hat).abs().max().item()


@known("l2", "squared after adding", _NORM)
def adds_before_squaring(x: Tensor, x_hat: Tensor) -> float:
    """Errors of opposite sign then cancel."""
    return (x - x_hat).sum().abs().item()


@known("l2", "a difference of norms", "Subtract first: the norm is that of x - x_hat.")
def subtracts_norms(x: Tensor, x_hat: Tensor) -> float:
    """Two tensors that differ can have the same norm."""
    return abs(x.norm().item() - x_hat.norm().item())


@known("l2", "x_hat is ignored", "Subtract x_hat from x.")
def norm_of_input(x: Tensor, x_hat: Tensor) -> float:
    """This is the norm of x, not of the error."""
    return x.norm().item()


# --- sqnr: f(x, x_hat), in decibels

_DECIBELS = "SQNR = 10 log10(sum of x^2 / sum of (x - x_hat)^2)."


def _energy(values: Tensor) -> float:
    return values.double().square().sum().item()


def _ratio(x: Tensor, x_hat: Tensor) -> float:
    """The energy of x over that of the error."""
    return _energy(x) / _energy(x - x_hat)


@known("sqnr", "20 log10 of energies", "20 log10 is for amplitudes; sums of squares take 10 log10.")
def twenty_for_energies(x: Tensor, x_hat: Tensor) -> float:
    """The square in the energies has already brought the factor 2."""
    return 20 * math.log10(_ratio(x, x_hat))


@known("sqnr", "10 log10 of amplitudes", "10 log10 is for sums of squares; norms take 20 log10.")
def ten_for_amplitudes(x: Tensor, x_hat: Tensor) -> float:
    """A ratio of norms takes the factor 20."""
    return 5 * math.log10(_ratio(x, x_hat))


@known("sqnr", "the ratio is upside down", "The signal is above, the noise below.")
def upside_down(x: Tensor, x_hat: Tensor) -> float:
    """Better reconstructions then get smaller numbers."""
    return -10 * math.log10(_ratio(x, x_hat))


@known("sqnr", "the natural logarithm", "Use log10: the decibel is defined with it.")
def natural_logarithm(x: Tensor, x_hat: Tensor) -> float:
    """torch.log and math.log have base e."""
    return 10 * math.log(_ratio(x, x_hat))


@known("sqnr", "the logarithm to base 2", "Use log10: the decibel is defined with it.")
def binary_logarithm(x: Tensor, x_hat: Tensor) -> float:
    """A base of 2 counts doublings."""
    return 10 * math.log2(_ratio(x, x_hat))


@known("sqnr", "no logarithm", _DECIBELS)
def bare_ratio(x: Tensor, x_hat: Tensor) -> float:
    """This is the ratio itself, not in decibels."""
    return _ratio(x, x_hat)


@known("sqnr", "the factor 10 is missing", _DECIBELS)
def in_bels(x: Tensor, x_hat: Tensor) -> float:
    """This is in bels, and a bel is ten decibels."""
    return math.log10(_ratio(x, x_hat))


@known("sqnr", "the energy of x_hat for that of x", "The signal is x, before quantization.")
def energy_of_output(x: Tensor, x_hat: Tensor) -> float:
    """The reconstruction has signal and noise in it."""
    return 10 * math.log10(_energy(x_hat) / _energy(x - x_hat))


@known("sqnr", "the energy of x over that of x_hat", "The noise is the difference, x - x_hat.")
def output_for_noise(x: Tensor, x_hat: Tensor) -> float:
    """Below stands the reconstruction, where the error belongs."""
    return 10 * math.log10(_energy(x) / _energy(x_hat))


@known("sqnr", "the peak for the signal", "Add the squares of all of x, not only the largest.", convention=True)
def peak_ratio(x: Tensor, x_hat: Tensor) -> float:
    """This is the PSNR, which compares the largest value with the mean squared error."""
    return 20 * math.log10(x.abs().max().item() / rmse(x, x_hat))
