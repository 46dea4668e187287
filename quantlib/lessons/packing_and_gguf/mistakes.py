"""What goes wrong with four bits: halves, signs, and the eighteen bytes of a block."""

import torch
from torch import Tensor

from quantlib.lab.misconception import Known

known = Known()

# --- pack: f(codes), two neighbours in a byte, the first in the low half

_SHIFT = "Move the second code by 4 bits: b << 4 is 16 times b."
_PAIRS = "The first codes of all pairs are codes[..., 0::2], the second ones codes[..., 1::2]."


def _pairs(codes: Tensor) -> tuple[Tensor, Tensor]:
    return codes[..., 0::2], codes[..., 1::2]


@known(
    "pack", "the first code in the high half", "Here the first of two codes goes into the low half.", convention=True
)
def packs_high_first(codes: Tensor) -> Tensor:
    """bitsandbytes packs so, but who reads the low half first gets every pair the wrong way round."""
    first, second = _pairs(codes)
    return first << 4 | second


@known("pack", "halves of a row in a byte", _PAIRS, convention=True)
def packs_halves_together(codes: Tensor) -> Tensor:
    """A byte takes a code from each half of the row, as in GGUF; here it should take two neighbours."""
    first, second = codes.chunk(2, -1)
    return first | second << 4


@known("pack", "the second code is not shifted", _SHIFT)
def packs_without_a_shift(codes: Tensor) -> Tensor:
    """Both codes lie in the low half, one over the other."""
    first, second = _pairs(codes)
    return first | second


@known("pack", "shifted by 3", _SHIFT)
def packs_with_a_shift_of_three(codes: Tensor) -> Tensor:
    """The lowest bit of the second code lies over the highest bit of the first."""
    first, second = _pairs(codes)
    return first | second << 3


@known("pack", "and where or is meant", "a | b has the bits of both, a & b only those that both have.")
def packs_with_and(codes: Tensor) -> Tensor:
    """The two codes have no bit in common, so that every byte becomes 0."""
    first, second = _pairs(codes)
    return first & second << 4


@known("pack", "+ is done before <<", "Write first + (second << 4), with parentheses.")
def packs_the_sum(codes: Tensor) -> Tensor:
    """Python adds before it shifts: the sum of both codes is moved."""
    first, second = _pairs(codes)
    return first + second << 4


@known("pack", "times 10", _SHIFT)
def packs_in_decimals(codes: Tensor) -> Tensor:
    """A half of a byte has 16 values, not 10."""
    first, second = _pairs(codes)
    return first + second * 10


@known("pack", "pairs that overlap", _PAIRS)
def packs_overlapping_pairs(codes: Tensor) -> Tensor:
    """Every code but the ends is stored twice."""
    return codes[..., :-1] | codes[..., 1:] << 4


@known("pack", "a byte for each code", _PAIRS)
def packs_nothing(codes: Tensor) -> Tensor:
    """The codes come back as they were, half of each byte empty."""
    return codes.clone()


@known("pack", "the bytes in reverse order", "The first pair goes into the first byte.")
def packs_backwards(codes: Tensor) -> Tensor:
    """Each byte is right, and stands where another belongs."""
    first, second = _pairs(codes)
    return (first | second << 4).flip(-1)


@known("pack", "the top bit is lost", _SHIFT)
def packs_seven_bits(codes: Tensor) -> Tensor:
    """A second code from 8 on loses its highest bit."""
    first, second = _pairs(codes)
    return first | (second & 7) << 4


@known("pack", "signed bytes", "Keep uint8: the codes already are.")
def packs_signed_bytes(codes: Tensor) -> Tensor:
    """The same bits in int8 mean another number from 128 on."""
    first, second = _pairs(codes)
    return (first | second << 4).view(torch.int8)


# --- unpack: f(packed), two's complement, the low half first

_HALVES = "The low half of a byte is packed & 15, the high half packed >> 4."
_SIGN = "In two's complement the codes from 8 to 15 stand for −8 to −1: take 16 away."
_SIDE_BY_SIDE = "torch.stack([low, high], -1).flatten(-2) puts the two codes of a byte side by side."


def _nibbles(packed: Tensor) -> Tensor:
    """Return the two halves of each byte side by side, the low one first, as int8."""
    return torch.stack([packed & 15, packed >> 4], -1).flatten(-2).to(torch.int8)


def _signed(codes: Tensor) -> Tensor:
    return torch.where(codes > 7, codes - 16, codes)


@known("unpack", "minus 8: an offset, not a sign", _SIGN, convention=True)
def unpacks_an_offset(packed: Tensor) -> Tensor:
    """With the offset 8 the code 0 is stored as 8; in two's complement it is stored as 0."""
    return _nibbles(packed) - 8


@known("unpack", "all low halves, then all high", _SIDE_BY_SIDE, convention=True)
def unpacks_runs(packed: Tensor) -> Tensor:
    """GGUF lays the codes of a block so, but here the two codes of a byte are neighbours."""
    return _signed(torch.cat([packed & 15, packed >> 4], -1).to(torch.int8))


@known("unpack", "the high half first", "Here the low half holds the first code.", convention=True)
def unpacks_high_first(packed: Tensor) -> Tensor:
    """Every pair of codes comes out the wrong way round."""
    return _signed(torch.stack([packed >> 4, packed & 15], -1).flatten(-2).to(torch.int8))


@known("unpack", "codes without a sign", _SIGN)
def unpacks_unsigned(packed: Tensor) -> Tensor:
    """No code comes out negative."""
    return _nibbles(packed)


@known("unpack", "codes without a sign", _SIGN)
def unpacks_unsigned_bytes(packed: Tensor) -> Tensor:
    """No code comes out negative."""
    return _nibbles(packed).to(torch.uint8)


@known("unpack", "uint8 has no negative numbers", "Go to int8 before you subtract: .to(torch.int8).")
def unpacks_in_uint8(packed: Tensor) -> Tensor:
    """In uint8 13 − 16 is 253."""
    codes = torch.stack([packed & 15, packed >> 4], -1).flatten(-2)
    return _signed(codes)


@known("unpack", "only the high half has a sign", _SIGN)
def unpacks_one_sign(packed: Tensor) -> Tensor:
    """Shifting an int8 keeps its sign, but & 15 gives a number from 0 to 15."""
    low, high = (packed & 15).to(torch.int8), packed.view(torch.int8) >> 4
    return torch.stack([low, high], -1).flatten(-2)


@known("unpack", "sign and size", _SIGN)
def unpacks_sign_and_size(packed: Tensor) -> Tensor:
    """The top bit is taken for a minus sign before the other three."""
    codes = _nibbles(packed)
    return torch.where(codes > 7, -(codes & 7), codes)


@known("unpack", "minus 15", _SIGN)
def unpacks_ones_complement(packed: Tensor) -> Tensor:
    """Four bits have 16 values, so 15 comes out as 0 and should be −1."""
    codes = _nibbles(packed)
    return torch.where(codes > 7, codes - 15, codes)


@known("unpack", "minus 8 from 8 on", _SIGN)
def unpacks_without_the_top_bit(packed: Tensor) -> Tensor:
    """Then 8 comes out as 0 and should be −8."""
    codes = _nibbles(packed)
    return torch.where(codes > 7, codes - 8, codes)


@known("unpack", "8 stays 8", _SIGN)
def unpacks_eight_as_positive(packed: Tensor) -> Tensor:
    """The largest code is 7, so that 8 is negative, too."""
    codes = _nibbles(packed)
    return torch.where(codes > 8, codes - 16, codes)


@known("unpack", "the high half is not shifted", _HALVES)
def unpacks_without_a_shift(packed: Tensor) -> Tensor:
    """Then the high half comes out 16 times too large."""
    return _signed(torch.stack([packed & 15, packed & 240], -1).flatten(-2).to(torch.int16))


@known("unpack", "the high half is not shifted", _HALVES)
def unpacks_without_a_shift_in_int8(packed: Tensor) -> Tensor:
    """Then the high half is 16 times too large before its sign is taken."""
    return _signed(torch.stack([packed & 15, packed & 240], -1).flatten(-2).to(torch.int8))


@known("unpack", "the low half is not masked", _HALVES)
def unpacks_without_a_mask(packed: Tensor) -> Tensor:
    """Then the first code still has the bits of the second above its own."""
    return _signed(torch.stack([packed, packed >> 4], -1).flatten(-2).to(torch.int16))


@known("unpack", "only the low halves", _HALVES)
def unpacks_one_half(packed: Tensor) -> Tensor:
    """A byte holds two codes, and the second is left behind."""
    return _signed((packed & 15).to(torch.int8))


# --- q4_0: f(x), rows of 32 values as 18 bytes

_SCALE = "d = m / −8, where m is the value of the largest size, with its sign."
_CODES = "The codes are floor(x / d + 8.5), at most 15."
_LAYOUT = "Two bytes of the scale, then 16 bytes: byte j holds code j low and code j + 16 high."


def _scale(x: Tensor) -> Tensor:
    return x.gather(1, x.abs().argmax(1, keepdim=True)) / -8


def _codes(x: Tensor, d: Tensor) -> Tensor:
    return (x * torch.where(d == 0, 0, 1 / d) + 8.5).trunc().clamp(0, 15).to(torch.uint8)


def _half(d: Tensor) -> Tensor:
    return d.half().contiguous().view(torch.uint8)


def _stored(d: Tensor, codes: Tensor) -> Tensor:
    return torch.cat([_half(d), codes[:, :16] | codes[:, 16:] << 4], 1)


@known("q4_0", "codes from the stored scale", "Work the codes out with d before it becomes fp16.", convention=True)
def takes_the_stored_scale(x: Tensor) -> Tensor:
    """This errs a little less, but ggml takes the scale before it is rounded to fp16."""
    d = _scale(x)
    return _stored(d, _codes(x, d.half().float()))


@known("q4_0", "two neighbours in a byte", _LAYOUT, convention=True)
def stores_neighbours(x: Tensor) -> Tensor:
    """Other formats do so, but Q4_0 puts code j and code j + 16 into one byte."""
    codes = _codes(x, _scale(x))
    return torch.cat([_half(_scale(x)), codes[:, 0::2] | codes[:, 1::2] << 4], 1)


@known("q4_0", "the first code in the high half", _LAYOUT, convention=True)
def stores_high_first(x: Tensor) -> Tensor:
    """The codes from 0 to 15 belong into the low halves."""
    codes = _codes(x, _scale(x))
    return torch.cat([_half(_scale(x)), codes[:, :16] << 4 | codes[:, 16:]], 1)


@known("q4_0", "max|x| / 7", _SCALE)
def divides_by_seven(x: Tensor) -> Tensor:
    """This is the scale of a symmetric grid, which never uses the code 0."""
    d = x.abs().amax(1, keepdim=True) / 7
    return _stored(d, _codes(x, d))


@known("q4_0", "max|x| / 8: the sign is lost", _SCALE)
def drops_the_sign_of_the_scale(x: Tensor) -> Tensor:
    """A positive largest value would need the code 16, and is clamped to 15."""
    d = x.abs().amax(1, keepdim=True) / 8
    return _stored(d, _codes(x, d))


@known("q4_0", "max|x| / -8: always negative", _SCALE)
def makes_the_scale_negative(x: Tensor) -> Tensor:
    """If the largest value is negative, it would need the code 16, and is clamped to 15."""
    d = x.abs().amax(1, keepdim=True) / -8
    return _stored(d, _codes(x, d))


@known("q4_0", "m / 8, without the minus", _SCALE)
def forgets_the_minus(x: Tensor) -> Tensor:
    """Then m has the level 8, of which the code would be 16, and is clamped to 15."""
    d = -_scale(x)
    return _stored(d, _codes(x, d))


@known("q4_0", "max where the largest size is meant", _SCALE)
def takes_the_maximum(x: Tensor) -> Tensor:
    """A negative value can be farther from 0 than the largest one."""
    d = x.amax(1, keepdim=True) / -8
    return _stored(d, _codes(x, d))


@known("q4_0", "the scale is not divided by -8", _SCALE)
def divides_by_nothing(x: Tensor) -> Tensor:
    """Then all values lie within one step of 0."""
    d = -8 * _scale(x)
    return _stored(d, _codes(x, d))


@known("q4_0", "one scale for all blocks", "Each row has its own m: dim=1, and keepdim=True.")
def shares_one_scale(x: Tensor) -> Tensor:
    """Each block has a scale of its own."""
    d = (x.flatten()[x.abs().argmax()] / -8).repeat(len(x), 1)
    return _stored(d, _codes(x, d))


@known("q4_0", "the code 16 is not clamped", _CODES)
def keeps_code_sixteen(x: Tensor) -> Tensor:
    """A value that is −m has the code 16, and four bits hold only 0 to 15."""
    d = _scale(x)
    return _stored(d, (x * torch.where(d == 0, 0, 1 / d) + 8.5).trunc().to(torch.uint8))


@known("q4_0", "half to even", _CODES)
def sends_ties_to_even(x: Tensor) -> Tensor:
    """A tie goes up here: floor(2.5 + 8.5) is 11, and round(2.5) + 8 is 10."""
    d = _scale(x)
    codes = (x * torch.where(d == 0, 0, 1 / d)).round() + 8
    return _stored(d, codes.clamp(0, 15).to(torch.uint8))


@known("q4_0", "cut, not rounded", _CODES)
def cuts_the_codes(x: Tensor) -> Tensor:
    """Without the half, a code is up to a whole step too small."""
    d = _scale(x)
    codes = (x * torch.where(d == 0, 0, 1 / d) + 8).trunc()
    return _stored(d, codes.clamp(0, 15).to(torch.uint8))


@known("q4_0", "no offset of 8", _CODES)
def stores_twos_complement(x: Tensor) -> Tensor:
    """Q4_0 stores a code plus 8, so that 0 is stored as 8."""
    return _stored(_scale(x), _codes(x, _scale(x)) ^ 8)


@known(
    "q4_0", "the bytes of the scale swapped", "The low byte of the scale comes first, as in memory: .view(torch.uint8)."
)
def swaps_the_bytes_of_the_scale(x: Tensor) -> Tensor:
    """The low byte of the scale comes first."""
    block = _stored(_scale(x), _codes(x, _scale(x)))
    return torch.cat([block[:, 1:2], block[:, :1], block[:, 2:]], 1)


@known("q4_0", "the scale comes last", _LAYOUT)
def stores_the_scale_last(x: Tensor) -> Tensor:
    """A block begins with its scale."""
    block = _stored(_scale(x), _codes(x, _scale(x)))
    return torch.cat([block[:, 2:], block[:, :2]], 1)


@known("q4_0", "a scale of four bytes", "Make the scale fp16 first: d.half().")
def stores_a_float32_scale(x: Tensor) -> Tensor:
    """A float32 takes four bytes, and the scale has two."""
    block = _stored(_scale(x), _codes(x, _scale(x)))
    return torch.cat([_scale(x).contiguous().view(torch.uint8), block[:, 2:]], 1)


@known("q4_0", "a block of zeros divides by 0", "Where d is 0, put 0 for x / d: the code is then 8.")
def divides_by_zero(x: Tensor) -> Tensor:
    """Where all values are 0 so is the scale, and 0 / 0 is no number."""
    d = _scale(x)
    codes = torch.nan_to_num(x / d + 8.5, nan=0.0).trunc().clamp(0, 15)
    return _stored(d, codes.to(torch.uint8))
