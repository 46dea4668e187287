"""What quantized weights take to store: codes, and the scales that give them a meaning."""

from math import prod

from .errors import QuantlibError
from .grids import check_bits, check_size


def bits_per_weight(
    shape: tuple[int, ...], bits: int, size: int | None = None, *, scale_bits: int = 16, zero_bits: int = 0
) -> float:
    """Return how many bits a weight takes where each run of `size` neighbours along the last axis has its own scale.

    Groups do not cross rows, and a last group that is not full needs a whole scale too. Its padding is not stored.

        bits + (scale_bits + zero_bits) ceil(n / size) / n        for rows of n weights

    Args:
        shape: that of the weights; the last axis is cut into groups.
        bits: the width of a code, 2 to 16.
        size: the number of weights that share a scale; None: one scale for all of them.
        scale_bits: the width of a scale: 16 for fp16.
        zero_bits: the width of a zero point that is stored with each scale; 0 for a symmetric grid.
    Raises:
        QuantlibError: if there are no weights, if bits is not from 2 to 16, or size is not a positive integer.
    Source: Dai et al. 2021, arXiv:2102.04503, for a scale for each run of 16 to 64 values within one axis.

    >>> bits_per_weight((384, 1536), 4, 32)
    4.5
    """
    bits = check_bits(bits)
    if prod(shape) == 0 or not shape:
        raise QuantlibError("there must be at least one weight, on an axis", shape, "pass w.shape of a matrix")
    if size is None:
        return bits + (scale_bits + zero_bits) / prod(shape)
    return bits + (scale_bits + zero_bits) * -(-shape[-1] // check_size(size)) / shape[-1]
