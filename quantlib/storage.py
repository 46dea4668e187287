"""What quantized weights take to store: codes, and the scales that give them a meaning."""

from collections.abc import Iterable, Sequence
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


def network_bits(parts: Iterable[tuple[tuple[int, ...], int, int | None]]) -> float:
    """Return how many bits a weight of a whole network takes: the mean over all weights, not over the parts.

    A scale is stored in 16 bits. A part that stays in floating point has no scale: 16 bits mean fp16 here, 32 fp32.

        sum(weights in the part x bits per weight of the part) / sum(weights in the part)

    Args:
        parts: for each tensor (shape, bits, size). bits: 2 to 15 of a code, or 16 or 32 of a float. size: the number
            of neighbours along the last axis that share a scale; None: one scale a row.
    Raises:
        QuantlibError: if the network has no weights, or as `bits_per_weight`.

    >>> network_bits([((1, 8), 4, None), ((3, 8), 16, None)])
    13.5
    """
    parts = list(parts)
    weights = sum(prod(shape) for shape, _, _ in parts)
    if not weights:
        raise QuantlibError("a network has at least one weight", f"{len(parts)} parts", "pass (w.shape, 4, 32)")
    return sum(prod(shape) * _part_bits(shape, bits, size) for shape, bits, size in parts if prod(shape)) / weights


def _part_bits(shape: tuple[int, ...], bits: int, size: int | None) -> float:
    if bits in (16, 32):
        return bits
    row = shape[-1] if shape else None
    return bits_per_weight(shape, bits, row if size is None else size)


def pareto_front(points: Iterable[Sequence[float]]) -> list[int]:
    """Return the places of the points that no other point beats, in the order in which they came.

    A point beats another if it is smaller in one number and not larger in any. Of equal points neither beats the
    other, so all of them stay.

    Args:
        points: for each point its numbers, of which smaller is better: bits and error, for example.
    Returns: ascending places, from 0 on.

    >>> pareto_front([(1, 4), (2, 3), (2, 4), (3, 0)])
    [0, 1, 3]
    """
    given = [tuple(point) for point in points]
    return [place for place, point in enumerate(given) if not any(_beats(other, point) for other in given)]


def _beats(point: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return point != other and all(a <= b for a, b in zip(point, other, strict=True))
