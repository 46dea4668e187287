"""Number formats as they are stored and computed with: packed bits, integers only, small floats, codebooks, GGUF."""

from .integers import (
    FixedPoint,
    FourTerms,
    fixed_point,
    fold_bias,
    four_terms,
    integer_conv1d,
    integer_matmul,
    requantize,
)
from .packing import pack_bits, unpack_bits

__all__ = [
    "FixedPoint",
    "FourTerms",
    "fixed_point",
    "fold_bias",
    "four_terms",
    "integer_conv1d",
    "integer_matmul",
    "pack_bits",
    "requantize",
    "unpack_bits",
]
