"""What goes wrong on the way from reals to codes, and back."""

import torch
from torch import Tensor

from quantlib.affine import dequantize, quantize
from quantlib.grids import wrap
from quantlib.lab.misconception import Known

known = Known()

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


@known("quantize", "multiplied by s instead of divided", "s is the distance between levels: how many fit into x?")
def multiplies_by_scale(x: Tensor, s: float, z: int) -> Tensor:
    """The scale is in real units per step, so a code is x divided by s."""
    return _stored(torch.round(x * s + z))


@known("quantize", "z is forgotten", "Add z to x / s: it is the code that means 0.0.")
def forgets_zero_point(x: Tensor, s: float, z: int) -> Tensor:
    """Without z, 0.0 always gets the code 0."""
    return _stored(_codes(x, s, 0))


@known("quantize", "s is forgotten", "Divide x by s.")
def forgets_scale(x: Tensor, s: float, z: int) -> Tensor:
    """Without s, the levels are always 1.0 apart."""
    return _stored(_codes(x, 1.0, z))


@known("quantize", "z added before dividing", _DIVIDE)
def shifts_before_dividing(x: Tensor, s: float, z: int) -> Tensor:
    """z counts steps, so it belongs to x / s and not to x."""
    return _stored(torch.round((x + z) / s))


@known("quantize", "z subtracted before dividing", "Solve r = s (q - z) for q: first divide by s, then add z.")
def subtracts_before_dividing(x: Tensor, s: float, z: int) -> Tensor:
    """This is how x would be standardized: z has its place among the codes, so it is added to x / s."""
    return _stored(torch.round((x - z) / s))


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


@known("quantize", "an integer of more bits than int8", "End with .to(torch.int8).")
def stays_wide(x: Tensor, s: float, z: int) -> Tensor:
    """The codes are right, but an int32 takes four bytes and an int64 eight, where an int8 takes one."""
    return _codes(x, s, z).clamp(-128, 127).long()


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
    """Without s, the levels are always 1.0 apart."""
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
