"""What goes wrong with integers alone: sums that are too narrow, lost zero points, multipliers, and the way back."""

import math
from math import frexp

import torch
from torch import Tensor

from quantlib.formats.integers import FixedPoint, fixed_point, requantize
from quantlib.grids import wrap
from quantlib.lab.misconception import Known

known = Known()


# --- integer_sums: f(q_w, q_x, z_x), the sums of q_w (q_x - z_x)


def sums_of_products(q_w: Tensor, q_x: Tensor, z_x: int) -> Tensor:
    """Return the sums of q_w (q_x - z_x) as exact integers, int32."""
    return q_w.int() @ q_x.int() - z_x * q_w.int().sum(1, keepdim=True).int()


_WIDE = "Make both matrices int32 first, with .int(), and only then compute."
_TERM = "From each row goes z_x times the sum of the row's weights: z_x * q_w.int().sum(1, keepdim=True)."


def _narrow(values: Tensor, bits: int = 8) -> Tensor:
    return wrap(values, bits).int()


@known("integer_sums", "products in int8", _WIDE)
def multiplies_in_int8(q_w: Tensor, q_x: Tensor, z_x: int) -> Tensor:
    """q_w @ q_x of two int8 tensors is int8 again, and keeps the lowest 8 bits of each sum: 2 * 64 becomes -128."""
    return _narrow(q_w.int() @ q_x.int()) - z_x * q_w.int().sum(1, keepdim=True).int()


@known("integer_sums", "all in int8", _WIDE)
def stays_in_int8(q_w: Tensor, q_x: Tensor, z_x: int) -> Tensor:
    """Every result keeps only its lowest 8 bits: 2 * 64 becomes -128."""
    return wrap(sums_of_products(q_w, q_x, z_x))


@known("integer_sums", "z_x is subtracted in int8", _WIDE)
def takes_z_away_in_int8(q_w: Tensor, q_x: Tensor, z_x: int) -> Tensor:
    """q_x - z_x needs 9 bits: 127 - (-1) becomes -128 in int8."""
    return q_w.int() @ _narrow(q_x.int() - z_x)


@known("integer_sums", "the zero point is left out", _TERM)
def forgets_the_zero_point(q_w: Tensor, q_x: Tensor, z_x: int) -> Tensor:
    """The sums of q_w q_x are off by z_x times the sum of the weights of each row."""
    return q_w.int() @ q_x.int()


@known("integer_sums", "the zero point is added", "It is q_x - z_x, so the term has a minus: - z_x * ...")
def adds_the_zero_point(q_w: Tensor, q_x: Tensor, z_x: int) -> Tensor:
    """The term of the zero point has the wrong sign."""
    return sums_of_products(q_w, q_x, -z_x)


@known("integer_sums", "the sums of x, not of w", _TERM)
def sums_the_inputs(q_w: Tensor, q_x: Tensor, z_x: int) -> Tensor:
    """The zero point of x is multiplied by the weights, so it is their sum that counts."""
    return q_w.int() @ q_x.int() - z_x * q_x.int().sum(0, keepdim=True).int()


@known("integer_sums", "z_x is subtracted from the sum", _TERM)
def subtracts_once(q_w: Tensor, q_x: Tensor, z_x: int) -> Tensor:
    """Each product holds its own z_x, and that is multiplied by the weight."""
    return q_w.int() @ q_x.int() - z_x


@known("integer_sums", "K times z_x, without the weights", _TERM)
def forgets_the_weights(q_w: Tensor, q_x: Tensor, z_x: int) -> Tensor:
    """Each z_x is multiplied by a weight; only if every code of the weights were 1 would it be K z_x."""
    return q_w.int() @ q_x.int() - q_w.shape[1] * z_x


@known("integer_sums", "one sum for all rows", _TERM)
def sums_all_rows(q_w: Tensor, q_x: Tensor, z_x: int) -> Tensor:
    """Each output has weights of its own, one row of q_w, and so a sum of its own."""
    return q_w.int() @ q_x.int() - z_x * int(q_w.sum())


@known(
    "integer_sums", "the row sums lie along the columns", "Keep the axis: .sum(1, keepdim=True) has shape (rows, 1)."
)
def drops_the_axis(q_w: Tensor, q_x: Tensor, z_x: int) -> Tensor:
    """Without keepdim the sums of the rows have shape (rows,), which torch takes for a row: one sum for each column."""
    return q_w.int() @ q_x.int() - z_x * q_w.int().sum(1).int()


@known("integer_sums", "16 bits for the sums", "Add in int32, or in int64: torch's .int() and .long().")
def adds_in_16_bits(q_w: Tensor, q_x: Tensor, z_x: int) -> Tensor:
    """Two products of -128 and -128 are 32,768, one more than int16 holds."""
    return _narrow(sums_of_products(q_w, q_x, z_x), 16)


@known("integer_sums", "sums in float32", "Compute with .int(), not with .float().")
def adds_in_float32(q_w: Tensor, q_x: Tensor, z_x: int) -> Tensor:
    """float32 holds every integer up to 16,777,216 only; beyond, odd sums become even."""
    exact = sums_of_products(q_w, q_x, z_x)
    return exact.float().int()


@known("integer_sums", "the sums are clamped to int8", "A sum is no code. Leave it as wide as it is.")
def clamps_the_sums(q_w: Tensor, q_x: Tensor, z_x: int) -> Tensor:
    """A sum is far larger than a code; it becomes one only after it has been multiplied by M."""
    return sums_of_products(q_w, q_x, z_x).clamp(-128, 127)


# --- multiplier: f(M), integers (m, n) with M = m / 2^n and 2^30 <= m < 2^31

_FREXP = (
    "math.frexp(M) returns f and e with M = f * 2^e and f from 0.5 to below 1; then m = round(f * 2^31), n = 31 - e."
)


def _pair(M: float) -> tuple[int, int]:
    m, n = fixed_point(M)
    return int(m), int(n)


@known("multiplier", "m may become 2^31", "If m is 2^31 after rounding, halve it, and n becomes one less.")
def forgets_the_carry(M: float) -> tuple[int, int]:
    """f just below 1 is rounded up to m = 2^31, one more than int32 holds."""
    f, e = frexp(M)
    return round(f * 2**31), 31 - e


@known("multiplier", "m is rounded down", "Use round, not int or floor.")
def rounds_m_down(M: float) -> tuple[int, int]:
    """int() and floor drop the fraction, so that m is up to 1 too small."""
    f, e = frexp(M)
    return int(f * 2**31), 31 - e


@known("multiplier", "n has the wrong sign", "M = f * 2^e = m / 2^(31 - e): a shift to the right is positive.")
def turns_the_shift(M: float) -> tuple[int, int]:
    """n counts how far m is shifted to the right, and the exponent e how far to the left."""
    m, n = _pair(M)
    return m, -n


@known("multiplier", "n is e, the exponent of frexp", "f became m by 2^31, so n is 31 - e.")
def returns_the_exponent(M: float) -> tuple[int, int]:
    """M = f * 2^e, but m is f * 2^31: the 2^31 must go again."""
    m, n = _pair(M)
    return m, 31 - n


@known("multiplier", "n is one too small", _FREXP)
def shifts_too_little(M: float) -> tuple[int, int]:
    """m / 2^n is twice M."""
    m, n = _pair(M)
    return m, n - 1


@known("multiplier", "n is one too large", _FREXP)
def shifts_too_much(M: float) -> tuple[int, int]:
    """m / 2^n is half of M."""
    m, n = _pair(M)
    return m, n + 1


@known("multiplier", "m has one bit too many", "m is below 2^31, so that int32 holds it.")
def takes_32_bits(M: float) -> tuple[int, int]:
    """m lies from 2^31 to 2^32 here, which int32 does not hold."""
    f, e = frexp(M)
    return round(f * 2**32), 32 - e


@known("multiplier", "m has one bit too few", "m is at least 2^30: no bit of int32 is wasted.")
def takes_30_bits(M: float) -> tuple[int, int]:
    """m lies from 2^29 to 2^30 here: a bit of it is unused."""
    f, e = frexp(M)
    return round(f * 2**30), 30 - e


@known("multiplier", "m has 15 bits", "int32 has room for m from 2^30 to below 2^31.")
def takes_15_bits(M: float) -> tuple[int, int]:
    """m / 2^n is then good to five digits only."""
    f, e = frexp(M)
    return round(f * 2**15), 15 - e


@known("multiplier", "n is always 31", _FREXP)
def never_moves_the_point(M: float) -> tuple[int, int]:
    """A small M then leaves m only few bits, and for M of 1 or more m does not fit."""
    return round(M * 2**31), 31


@known("multiplier", "M of 1 or more is not shifted", "M may be larger than 1; then n is below 31.")
def expects_less_than_one(M: float) -> tuple[int, int]:
    """It is right for M below 1 only."""
    return _pair(M) if M < 1 else (round(M * 2**31), 31)


@known("multiplier", "n comes first", "Return m, n in this order.")
def swaps_the_pair(M: float) -> tuple[int, int]:
    """The two numbers are right, but in the other order."""
    m, n = _pair(M)
    return n, m


@known("multiplier", "the exponent is cut, not rounded down", _FREXP)
def cuts_the_logarithm(M: float) -> tuple[int, int]:
    """int() of a negative logarithm goes up: int(-1.7) is -1, where the floor is -2."""
    e = int(math.log2(M)) + 1
    return round(M * 2 ** (31 - e)), 31 - e


# --- requantize: f(acc, m, n, z), the code nearest to acc m / 2^n, plus z


def multiply_and_shift(acc: Tensor, m: int, n: int, z: int) -> Tensor:
    """Return the int8 codes nearest to acc m / 2^n, plus z, clamped."""
    return (_rounded(acc, m, n) + z).clamp(-128, 127).to(torch.int8)


_HALF = "A shift rounds down. Add half of 2^n, which is 2 ** (n - 1), before it."


def _rounded(acc: Tensor, m: int, n: int) -> Tensor:
    return (acc.long() * m + 2 ** (n - 1)) >> n


def _codes(values: Tensor) -> Tensor:
    return values.clamp(-128, 127).to(torch.int8)


@known("requantize", "the product in int32", "acc * m can need 62 bits: begin with acc.long().")
def multiplies_in_int32(acc: Tensor, m: int, n: int, z: int) -> Tensor:
    """acc * m has up to 62 bits, and int32 keeps only the lowest 32 of them."""
    product = (acc.long() * m + 2**31) % 2**32 - 2**31
    return _codes(((product + 2 ** (n - 1)) >> n) + z)


@known("requantize", "the product in int32", "acc * m can need 62 bits: begin with acc.long().")
def multiplies_and_adds_in_int32(acc: Tensor, m: int, n: int, z: int) -> Tensor:
    """acc * m has up to 62 bits, and int32 keeps only the lowest 32 of them."""
    product = (acc.long() * m + 2 ** (n - 1) + 2**31) % 2**32 - 2**31
    return _codes((product >> min(n, 31)) + z)


@known("requantize", "rounded down", _HALF)
def rounds_down(acc: Tensor, m: int, n: int, z: int) -> Tensor:
    """>> n is floor: 0.6 becomes 0, and -0.3 becomes -1."""
    return _codes(((acc.long() * m) >> n) + z)


@known("requantize", "truncated towards 0", _HALF)
def drops_the_fraction(acc: Tensor, m: int, n: int, z: int) -> Tensor:
    """The fraction is dropped: 0.6 becomes 0, and so does -0.6."""
    return _codes(torch.div(acc.long() * m, 2**n, rounding_mode="trunc") + z)


@known("requantize", "half is added, then truncated towards 0", "Use >> n, which rounds down for negative sums too.")
def adds_half_and_truncates(acc: Tensor, m: int, n: int, z: int) -> Tensor:
    """Adding a half suits rounding down, but truncation goes up for negative numbers: -0.6 becomes 0."""
    return _codes(torch.div(acc.long() * m + 2 ** (n - 1), 2**n, rounding_mode="trunc") + z)


@known("requantize", "z is scaled too", "First the shift, then + z.")
def scales_the_zero_point(acc: Tensor, m: int, n: int, z: int) -> Tensor:
    """z is a code of the output already; it must not be multiplied by M."""
    return _codes(((acc.long() + z) * m + 2 ** (n - 1)) >> n)


@known("requantize", "z is not added", "The code of 0.0 is z: add it before you clamp.")
def forgets_the_zero_point_of_y(acc: Tensor, m: int, n: int, z: int) -> Tensor:
    """A sum of 0 must become z, and here it becomes 0."""
    return _codes(_rounded(acc, m, n))


@known("requantize", "z is subtracted", "The code of 0.0 is z: add it.")
def subtracts_the_zero_point_of_y(acc: Tensor, m: int, n: int, z: int) -> Tensor:
    """A sum of 0 must become z, and here it becomes -z."""
    return _codes(_rounded(acc, m, n) - z)


@known("requantize", "clamped before z is added", "Add z first, then clamp to -128 and 127.")
def clamps_before_z(acc: Tensor, m: int, n: int, z: int) -> Tensor:
    """After the clamp, z can push a code beyond the grid again, where int8 wraps around."""
    return wrap(_rounded(acc, m, n).clamp(-128, 127) + z)


@known("requantize", "not clamped", "Clamp to -128 and 127 before the cast to int8.")
def wraps_around(acc: Tensor, m: int, n: int, z: int) -> Tensor:
    """What lies beyond the grid wraps around: 300 becomes 44."""
    return wrap(_rounded(acc, m, n) + z)


@known("requantize", "clamped to -127", "int8 begins at -128, and z = -128 needs it.")
def clamps_to_127(acc: Tensor, m: int, n: int, z: int) -> Tensor:
    """-128 is a code too."""
    return (_rounded(acc, m, n) + z).clamp(-127, 127).to(torch.int8)


@known("requantize", "shifted by one too few", "Shift by n, not by n - 1.")
def shifts_by_less(acc: Tensor, m: int, n: int, z: int) -> Tensor:
    """Each result is twice too large."""
    return _codes(_rounded(acc, m, n - 1) + z)


@known("requantize", "half of the wrong number", "Half of 2^n is 2 ** (n - 1).")
def adds_a_whole(acc: Tensor, m: int, n: int, z: int) -> Tensor:
    """2 ** n is a whole step: this rounds up."""
    return _codes(((acc.long() * m + 2**n) >> n) + z)


@known("requantize", "rounded twice", "Add 2 ** (n - 1) once, and shift once, by n.", convention=True)
def rounds_twice(acc: Tensor, m: int, n: int, z: int) -> Tensor:
    """gemmlowp and TFLite's first kernels shift by 31 and round, then shift by the rest and round once more."""
    return requantize(acc.int(), FixedPoint(m, n), z, twice=True)


_INTEGERS = "Multiply acc.long() by m, add 2 ** (n - 1), and shift: no integer of 64 bits is lost there."


@known("requantize", "computed in floats", _INTEGERS)
def rounds_a_float(acc: Tensor, m: int, n: int, z: int) -> Tensor:
    """A float64 has 53 bits, and acc * m up to 62: just below a tie it is rounded up to the tie, and then beyond it."""
    return _codes(torch.round(acc.double() * m / 2**n) + z)


@known("requantize", "computed in floats", _INTEGERS)
def rounds_a_float_half_up(acc: Tensor, m: int, n: int, z: int) -> Tensor:
    """A float64 has 53 bits, and acc * m up to 62: just below a tie it is rounded up to the tie, and then beyond it."""
    return _codes(torch.floor(acc.double() * m / 2**n + 0.5) + z)


@known("requantize", "half away from 0", "Add half of 2^n to negative products, too: a shift rounds down.")
def sends_ties_away_from_zero(acc: Tensor, m: int, n: int, z: int) -> Tensor:
    """A tie goes up here: −0.5 becomes 0, and not −1."""
    product = acc.long() * m
    return _codes(product.sign() * _rounded(product.abs(), 1, n) + z)


@known("requantize", "codes in uint8", "The grid is that of int8, from -128 to 127.")
def returns_uint8(acc: Tensor, m: int, n: int, z: int) -> Tensor:
    """uint8 is another grid, from 0 to 255."""
    return (_rounded(acc, m, n) + z).clamp(0, 255).to(torch.uint8)
