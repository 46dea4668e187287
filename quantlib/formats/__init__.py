"""Number formats as they are stored and computed with: packed bits, integers only, small floats, codebooks, GGUF."""

from .packing import pack_bits, unpack_bits

__all__ = ["pack_bits", "unpack_bits"]
