"""What goes wrong on the way from a range to a ruler: the range itself, s and z, and the symmetric scale.

Here x is turned into float64 first, in which no range overflows, except where float32 itself is the mistake.
"""

import torch
from torch import Tensor

from quantlib.lab.misconception import Known

known = Known()

Pair = tuple[Tensor, Tensor]


def _ends(x: Tensor) -> Pair:
    """The smallest and the largest value, in float64."""
    return x.min().double(), x.max().double()


def _with_zero(x: Tensor) -> Pair:
    """The same, widened to contain 0.0."""
    low, high = _ends(x)
    return low.clamp(max=0.0), high.clamp(min=0.0)


# --- widen: f(x), the range (r_min, r_max) of x that contains 0.0

_WIDEN = "r_min is the smaller of 0.0 and the smallest value, r_max the larger of 0.0 and the largest."


@known("widen", "0.0 is left out", _WIDEN)
def plain_range(x: Tensor) -> Pair:
    """That is the range of the values alone: it contains 0.0 only if they lie on both sides of it."""
    return _ends(x)


@known("widen", "minimum and maximum with 0 are swapped", _WIDEN)
def clamped_to_the_wrong_side(x: Tensor) -> Pair:
    """The larger of 0.0 and a negative smallest value is 0.0, so the negative values are lost."""
    low, high = _ends(x)
    return low.clamp(min=0.0), high.clamp(max=0.0)


@known("widen", "only the lower end is widened", _WIDEN)
def widens_only_below(x: Tensor) -> Pair:
    """Where all values are negative, 0.0 lies above the range."""
    return _with_zero(x)[0], _ends(x)[1]


@known("widen", "only the upper end is widened", _WIDEN)
def widens_only_above(x: Tensor) -> Pair:
    """Where all values are positive, 0.0 lies below the range."""
    return _ends(x)[0], _with_zero(x)[1]


@known("widen", "the range always begins at 0.0", _WIDEN)
def begins_at_zero(x: Tensor) -> Pair:
    """The negative values are lost."""
    return torch.zeros((), dtype=torch.float64), _with_zero(x)[1]


@known("widen", "r_max comes first", "Return r_min first, then r_max.")
def largest_first(x: Tensor) -> Pair:
    """The first of the two should be the lower end."""
    low, high = _with_zero(x)
    return high, low


@known("widen", "the symmetric range", "Widen to 0.0, and no further.", convention=True)
def as_far_on_both_sides(x: Tensor) -> Pair:
    """That range reaches equally far to both sides, as the symmetric quantizer needs it."""
    reach = x.abs().max().double()
    return -reach, reach


# --- choose_qparams: f(x), the pair (s, z) of the int8 ruler

_RANGE = "Take the range that contains 0.0: r_min = min(0, smallest), r_max = max(0, largest)."
_EQUATION = "s = (r_max - r_min) / 255 and z = -128 - round(r_min / s)."
_GUARD = "If the range is 0, any positive s will do: use 1.0."


def _ruler(low: Tensor, high: Tensor, steps: int = 255) -> Pair:
    scale = (high - low) / steps
    return scale, -128 - (low / scale).round()


@known("choose_qparams", "0.0 is not in the range", _RANGE)
def range_without_zero(x: Tensor) -> Pair:
    """Then 0.0 has no code, and z is none of the 256 codes."""
    return _ruler(*_ends(x))


@known("choose_qparams", "z is clamped where the range lacks 0.0", _RANGE)
def clamps_the_zero_point(x: Tensor) -> Pair:
    """The clamp moves the whole ruler, and s no longer fits: the values come back as one and the same."""
    scale, zero_point = _ruler(*_ends(x))
    return scale, zero_point.clamp(-128, 127)


@known("choose_qparams", "only one end is widened to 0.0", _RANGE)
def only_r_min_contains_zero(x: Tensor) -> Pair:
    """Values can lie on either side of 0.0, so both ends need it."""
    return _ruler(_with_zero(x)[0], _ends(x)[1])


@known("choose_qparams", "only one end is widened to 0.0", _RANGE)
def only_r_max_contains_zero(x: Tensor) -> Pair:
    """Values can lie on either side of 0.0, so both ends need it."""
    return _ruler(_ends(x)[0], _with_zero(x)[1])


@known("choose_qparams", "z from the smallest value, not r_min", _EQUATION)
def zero_point_of_the_smallest_value(x: Tensor) -> Pair:
    """If all values are positive, r_min is 0.0, and the code -128 stands for it."""
    scale, _ = _ruler(*_with_zero(x))
    return scale, -128 - (_ends(x)[0] / scale).round()


@known("choose_qparams", "z has the opposite sign", "r = s (q - z), and the code -128 stands for r_min: solve for z.")
def opposite_zero_point(x: Tensor) -> Pair:
    """This z belongs to r = s (q + z)."""
    scale, zero_point = _ruler(*_with_zero(x))
    return scale, -zero_point


@known("choose_qparams", "the sign of r_min", "r_min is negative or 0.0, so 0.0 lies -r_min / s steps above -128.")
def zero_point_below_the_grid(x: Tensor) -> Pair:
    """That walks from -128 away from 0.0, off the grid."""
    low, high = _with_zero(x)
    scale, _ = _ruler(low, high)
    return scale, -128 + (low / scale).round()


@known("choose_qparams", "z is not rounded", "z is a code, and codes are integers: round.")
def zero_point_with_a_fraction(x: Tensor) -> Pair:
    """Then no code stands for 0.0 itself."""
    low, high = _with_zero(x)
    return (high - low) / 255, -128 - low * 255 / (high - low)


_NEAREST = "Round to the nearest integer: int() and trunc cut the fraction off."


@known("choose_qparams", "truncation where rounding is meant", _NEAREST)
def truncates_the_zero_point(x: Tensor) -> Pair:
    """The mark of 0.0 then lies up to a whole step from where it should, and an end clips."""
    low, high = _with_zero(x)
    return (high - low) / 255, (-128 - low * 255 / (high - low)).trunc()


@known("choose_qparams", "truncation where rounding is meant", _NEAREST)
def truncates_the_steps_to_zero(x: Tensor) -> Pair:
    """The mark of 0.0 then lies up to a whole step from where it should, and an end clips."""
    low, high = _with_zero(x)
    return (high - low) / 255, -128 - (low * 255 / (high - low)).trunc()


@known("choose_qparams", "256 steps where there are 255", "Between 256 codes there are 255 steps.")
def steps_of_256_codes(x: Tensor) -> Pair:
    """The last code then falls short of r_max."""
    return _ruler(*_with_zero(x), 256)


@known("choose_qparams", "127 steps where there are 255", "From the code -128 to the code 127 there are 255 steps.")
def steps_of_half_the_codes(x: Tensor) -> Pair:
    """Then only half of the codes are used."""
    return _ruler(*_with_zero(x), 127)


@known("choose_qparams", "the whole range, not one step", "Divide the range by the number of steps, 255.")
def one_step_for_the_range(x: Tensor) -> Pair:
    """One step would then reach from r_min to r_max."""
    return _ruler(*_with_zero(x), 1)


@known("choose_qparams", "z comes first", "Return s first, then z.")
def zero_point_first(x: Tensor) -> Pair:
    """The first of the two should be the scale."""
    scale, zero_point = _ruler(*_with_zero(x))
    return zero_point, scale


@known("choose_qparams", "counted from 0, not from -128", "The first code of int8 is -128.", convention=True)
def zero_point_of_uint8(x: Tensor) -> Pair:
    """That is the zero point on the grid of uint8, from 0 to 255."""
    scale, zero_point = _ruler(*_with_zero(x))
    return scale, zero_point + 128


@known("choose_qparams", "the symmetric ruler", "Let z follow the range: " + _EQUATION, convention=True)
def symmetric_ruler(x: Tensor) -> Pair:
    """It fixes z = 0 and reaches equally far to both sides."""
    return x.abs().max().double() / 127, torch.tensor(0)


@known("choose_qparams", "the reciprocal of s", "s is in real units per step: divide by 255.", convention=True)
def reciprocal_ruler(x: Tensor) -> Pair:
    """This is the number of steps per real unit, by which x would be multiplied."""
    scale, zero_point = _ruler(*_with_zero(x))
    return 1 / scale, zero_point


@known("choose_qparams", "r_min in place of z", "z is an integer code: " + _EQUATION, convention=True)
def minimum_in_place_of_z(x: Tensor) -> Pair:
    """That belongs to another equation, r = s q + m, whose m is a real number."""
    low, high = _with_zero(x)
    return (high - low) / 255, low


@known("choose_qparams", "a range of 0 is divided by 0", _GUARD)
def divides_zero_by_zero(x: Tensor) -> Pair:
    """If all values are 0.0, so is s, and r_min / s is not a number."""
    return _ruler(*_with_zero(x))


@known("choose_qparams", "a range of 0 is divided by 0", _GUARD)
def divides_zero_by_zero_in_float32(x: Tensor) -> Pair:
    """If all values are 0.0, so is s, and r_min / s is not a number."""
    return _ruler(x.min().float().clamp(max=0.0), x.max().float().clamp(min=0.0))


@known("choose_qparams", "the range overflows in float32", "Compute with Python floats, x.min().item(), or in float64.")
def overflows_in_float32(x: Tensor) -> Pair:
    """The difference of two numbers that fit can be beyond the largest float32, and then s is infinite."""
    scale, zero_point = divides_zero_by_zero_in_float32(x)
    return (scale, zero_point) if scale > 0 else (torch.tensor(1.0), torch.tensor(-128))


@known("choose_qparams", "s is too small for float32", "Let s be at least torch.finfo(torch.float32).tiny.")
def underflows_in_float32(x: Tensor) -> Pair:
    """A range smaller than 255 of the smallest float32 has a step that float32 can only store as 0."""
    low, high = _with_zero(x)
    return _ruler(low, high) if high > low else (torch.tensor(1.0), torch.tensor(-128))


@known("choose_qparams", "a range of 0 is divided by 0", _GUARD)
def divides_zero_by_zero_and_casts(x: Tensor) -> Pair:
    """If all values are 0.0, so is s, and r_min / s is not a number: as an integer it can be any."""
    scale, zero_point = divides_zero_by_zero_in_float32(x)
    return scale, zero_point.int()


_SMALLEST = "A range can be small: guard only what float32 cannot hold, with torch.finfo(torch.float32).tiny."
_TOO_LARGE = "the smallest scale is too large"


def _at_least(x: Tensor, smallest: float) -> Pair:
    """The right ruler, with a scale that is never smaller than that."""
    low, high = _with_zero(x)
    scale = ((high - low) / 255).clamp(min=smallest)
    return scale, -128 - (low / scale).round()


@known("choose_qparams", _TOO_LARGE, _SMALLEST)
def scale_of_at_least_1e_8(x: Tensor) -> Pair:
    """A range smaller than 255 times that gets steps that are too wide for it."""
    return _at_least(x, 1e-8)


@known("choose_qparams", _TOO_LARGE, _SMALLEST)
def scale_of_at_least_eps_of_float32(x: Tensor) -> Pair:
    """A range smaller than 255 times that gets steps that are too wide for it."""
    return _at_least(x, torch.finfo(torch.float32).eps)


@known("choose_qparams", _TOO_LARGE, _SMALLEST)
def scale_of_at_least_1e_6(x: Tensor) -> Pair:
    """A range smaller than 255 times that gets steps that are too wide for it."""
    return _at_least(x, 1e-6)


@known("choose_qparams", _TOO_LARGE, _SMALLEST)
def scale_of_at_least_1e_5(x: Tensor) -> Pair:
    """A range smaller than 255 times that gets steps that are too wide for it."""
    return _at_least(x, 1e-5)


@known("choose_qparams", _TOO_LARGE, _SMALLEST)
def scale_of_at_least_1e_3(x: Tensor) -> Pair:
    """A range smaller than 255 times that gets steps that are too wide for it."""
    return _at_least(x, 1e-3)


@known("choose_qparams", _TOO_LARGE, _SMALLEST)
def scale_of_at_least_1e_2(x: Tensor) -> Pair:
    """A range smaller than 255 times that gets steps that are too wide for it."""
    return _at_least(x, 1e-2)


@known("choose_qparams", _TOO_LARGE, _SMALLEST)
def range_of_at_least_1e_8(x: Tensor) -> Pair:
    """A smaller range gets steps that are too wide for it."""
    return _at_least(x, 1e-8 / 255)


@known("choose_qparams", "a small number is added to s", _SMALLEST)
def scale_plus_1e_8(x: Tensor) -> Pair:
    """For a small range that is not small: its steps become too wide."""
    low, high = _with_zero(x)
    scale = (high - low) / 255 + 1e-8
    return scale, -128 - (low / scale).round()


# --- symmetric: f(x, bits), the symmetric scale max|x| / (2^(bits-1) - 1)

_LARGEST = "The largest code of a signed grid is 2^(bits-1) - 1: 127 for 8 bits, 7 for 4."
_REACH = "Take the absolute values first, then their maximum."


def _reach(x: Tensor) -> Tensor:
    return x.abs().max().double()


@known("symmetric", "bits is ignored", _LARGEST)
def always_127(x: Tensor, bits: int) -> Tensor:
    """127 is the largest code of 8 bits only."""
    return _reach(x) / 127


@known("symmetric", "the largest code of an unsigned grid", _LARGEST)
def steps_of_unsigned_codes(x: Tensor, bits: int) -> Tensor:
    """Half of the signed codes are negative, so the largest is about half of that."""
    return _reach(x) / (2**bits - 1)


@known("symmetric", "one bit too few", _LARGEST)
def steps_of_one_bit_less(x: Tensor, bits: int) -> Tensor:
    """Only one bit is taken up by the sign."""
    return _reach(x) / (2 ** (bits - 2) - 1)


_POWER = "Write 2 ** (bits - 1): in Python, ^ compares bits."


@known("symmetric", "^ where ** is meant", _POWER)
def xor_for_a_power(x: Tensor, bits: int) -> Tensor:
    """2 ^ 3 is 1 in Python, and the minus is worked out before the ^."""
    return _reach(x) / (2 ^ (bits - 1 - 1))


@known("symmetric", "^ where ** is meant", _POWER)
def xor_in_parentheses(x: Tensor, bits: int) -> Tensor:
    """2 ^ 3 is 1 in Python."""
    return _reach(x) / ((2 ^ (bits - 1)) - 1)


@known("symmetric", "max where max|x| is meant", _REACH)
def largest_value_symmetric(x: Tensor, bits: int) -> Tensor:
    """The value of largest size can be negative."""
    return x.max().double() / (2 ** (bits - 1) - 1)


@known("symmetric", "|max| where max|x| is meant", _REACH)
def size_of_the_largest_value(x: Tensor, bits: int) -> Tensor:
    """The absolute value comes too late: the maximum has already passed over the negative values."""
    return x.max().abs().double() / (2 ** (bits - 1) - 1)


@known("symmetric", "not divided by the largest code", _LARGEST)
def one_step_for_the_reach(x: Tensor, bits: int) -> Tensor:
    """One step would then reach the largest value."""
    return _reach(x)


@known("symmetric", "max|x| / 2^(bits-1)", _LARGEST, convention=True)
def steps_down_to_the_lowest_code(x: Tensor, bits: int) -> Tensor:
    """Then -max|x| gets the lowest code, and max|x| is clipped."""
    return _reach(x) / 2 ** (bits - 1)


@known("symmetric", "max|x| over half of the whole grid", _LARGEST, convention=True)
def half_of_all_steps(x: Tensor, bits: int) -> Tensor:
    """All 2^bits - 1 steps then span 2 max|x|, for 8 bits max|x| / 127.5."""
    return 2 * _reach(x) / (2**bits - 1)


@known("symmetric", "the asymmetric scale", "Look only at the largest |x|.", convention=True)
def asymmetric_scale(x: Tensor, bits: int) -> Tensor:
    """It spreads all steps over the range, and needs a zero point for that."""
    low, high = _with_zero(x)
    return (high - low) / (2**bits - 1)


@known("symmetric", "half of the range, not max|x|", _REACH)
def half_of_the_range(x: Tensor, bits: int) -> Tensor:
    """A range that reaches further to one side is then cut off there: z is 0, and the ruler cannot shift."""
    low, high = _ends(x)
    return (high - low) / 2 / (2 ** (bits - 1) - 1)


@known("symmetric", _TOO_LARGE, "If max|x| is 0, use 1.0, and let every other scale be as small as it is.")
def symmetric_scale_of_at_least_1e_8(x: Tensor, bits: int) -> Tensor:
    """A small range gets steps that are too wide for it."""
    return (_reach(x) / (2 ** (bits - 1) - 1)).clamp(min=1e-8)


@known("symmetric", "the reciprocal of the scale", "s is in real units per step: divide max|x|.", convention=True)
def reciprocal_symmetric(x: Tensor, bits: int) -> Tensor:
    """This is the number of steps per real unit, by which x would be multiplied."""
    return (2 ** (bits - 1) - 1) / _reach(x)


@known("symmetric", "a range of 0 gives s = 0", "If max|x| is 0, any positive s will do: use 1.0.")
def scale_of_zero(x: Tensor, bits: int) -> Tensor:
    """A scale of 0 cannot be divided by."""
    return _reach(x) / (2 ** (bits - 1) - 1)
