"""Codebooks: codes that stand for the levels of a table, which may lie anywhere."""

import torch
from torch import Tensor

from ..errors import QuantlibError, what_came
from ..grids import is_integer
from ..groups import from_groups, to_groups
from ..qparams import Scale, check_input, compute_dtype, prepare, readable
from ..tiles import empty, fill, run
from .packing import pack_bits, unpack_bits

_FEW = 32  # levels; so many comparisons are faster than a search


def nearest(x: Tensor, levels: Tensor) -> Tensor:
    """Return for each value the index of the level that is nearest to it.

    Of two equally near ones, the lower. The middles between neighbours decide, so that no distance is worked out.

        nearest(x) = the number of middles (levels[i] + levels[i+1]) / 2 that lie below x

    Shapes: x any shape, levels (n,); the result has x's shape.
    Args:
        x: real values, in any floating dtype.
        levels: the values that the codes stand for, ascending; 1 to 256 of them.
    Returns: uint8 codes.
    Raises:
        QuantlibError: if x is not floating-point or holds NaN; if levels is not ascending, or too long.
    Source: Lloyd 1982, doi:10.1109/TIT.1982.1056489: the best cells end in the middle between levels.

    >>> nearest(torch.tensor([-5.0, 0.4, 0.5, 0.6]), torch.tensor([0.0, 1.0])).tolist()
    [0, 0, 0, 1]
    """
    check_input(x)
    middles = _middles(_check_levels(levels)).to(x.device, compute_dtype(x))

    def codes(x: Tensor, work: Tensor | None) -> Tensor:
        return _count_below(x, middles)

    return run(codes, compute_dtype(x), torch.uint8, x.detach())


def fake_quantize_levels(x: Tensor, levels: Tensor, scale: Scale = 1.0) -> Tensor:
    """Return x as it comes back from a codebook: the nearest level, in units of the scale.

        x_hat = scale levels[nearest(x / scale)]

    Shapes: x any shape, levels (n,); scale broadcasts against x, as (..., k, 1) against groups.
    Args:
        x: real values, in any floating dtype.
        levels: the values that the codes stand for, ascending; 1 to 256 of them.
        scale: real units per unit of the levels; finite and positive.
    Returns: the reconstruction, in x's dtype, without gradient.
    Raises:
        QuantlibError: as `nearest`, and if scale is not valid.

    >>> fake_quantize_levels(torch.tensor([0.9, -3.0]), torch.tensor([-1.0, 0.0, 1.0]), 2.0).tolist()
    [0.0, -2.0]
    """
    check_input(x)
    levels = _check_levels(levels).to(x.device, compute_dtype(x))
    middles = _middles(levels)

    def reconstruct(x: Tensor, work: Tensor | None, s: Scale) -> Tensor:
        codes = _count_below(torch.div(x, s, out=work), middles)
        return levels.index_select(0, codes.flatten().int()).view(x.shape).mul_(s)

    return run(reconstruct, compute_dtype(x), x.dtype, x.detach(), prepare(x, compute_dtype(x), scale, 0)[0])


def lloyd_max(x: Tensor, levels: Tensor, steps: int = 1000) -> Tensor:
    """Return the levels after so many steps of Lloyd's method, or sooner if none moves any more.

    In a step every level moves to the mean of the values that are nearest to it; one that has none stays. The mean
    squared error never rises. The values are sorted once, and after that a step looks at the ends of the cells only.

    Shapes: x any shape with at least one value, levels (n,); the result is (n,).
    Args:
        x: the values, in any floating dtype.
        levels: where it begins, ascending; 1 to 256 of them.
        steps: how often the levels move at most, from 0 on.
    Returns: ascending levels, in their dtype.
    Raises:
        QuantlibError: if x is empty, not floating-point or not finite; if levels or steps is wrong.
    Source: Lloyd 1982, doi:10.1109/TIT.1982.1056489, method I; Max 1960, doi:10.1109/TIT.1960.1057548.

    >>> lloyd_max(torch.tensor([0.0, 1.0, 5.0]), torch.tensor([0.0, 4.0]), steps=1).tolist()
    [0.5, 5.0]
    """
    check_input(x)
    if not is_integer(steps) or steps < 0:
        raise QuantlibError("steps must be an integer from 0 on", repr(steps), "use 1 for one step")
    values = readable(x).double().flatten().sort().values
    if not values.numel() or not bool(values[[0, -1]].isfinite().all()):
        raise QuantlibError("levels need finite values", f"{x.numel()} values, or NaN or infinity", "check x")
    sums = torch.nn.functional.pad(values.cumsum(0), (1, 0))
    found = _check_levels(levels).to(values)
    for _ in range(steps):
        inner = torch.searchsorted(values, _middles(found), right=True)
        ends = torch.cat([inner.new_zeros(1), inner, inner.new_full((1,), len(values))])
        count, total = ends.diff(), sums[ends].diff()
        moved = torch.where(count > 0, total / count.clamp(min=1), found)
        if torch.equal(moved, found):
            break
        found = moved
    return found.to(levels.dtype)


def lloyd_step(x: Tensor, levels: Tensor) -> Tensor:
    """Return the levels, each moved to the mean of the values that are nearest to it: one step of `lloyd_max`.

    >>> lloyd_step(torch.tensor([1.0]), torch.tensor([0.0, 9.0])).tolist()
    [1.0, 9.0]
    """
    return lloyd_max(x, levels, 1)


def normal_float(bits: int = 4) -> Tensor:
    """Return the levels of NormalFloat: quantiles of the normal distribution, stretched to [-1, 1].

    There are 2^(bits-1) levels above zero, zero itself, and one level less below it. On each side the probabilities
    are evenly spaced, from 1/2 to 1 - delta. A block is divided by its maximum, so the codes are not equally frequent.

        delta = (1 / 2^(bits+1) + 1 / (2^(bits+1) - 2)) / 2

    Shapes: the result is (2^bits,).
    Args:
        bits: the width of a code, 2 to 8.
    Returns: ascending levels in float32, the first -1, the last 1.
    Raises:
        QuantlibError: if bits is not from 2 to 8.
    Source: Dettmers et al. 2023, arXiv:2305.14314; create_normal_map in bitsandbytes, whose offset 0.9677083 is
        1 - delta, rounded.

    >>> [round(level, 4) for level in normal_float(2).tolist()]
    [-1.0, 0.0, 0.4358, 1.0]
    """
    if not is_integer(bits) or not 2 <= bits <= 8:
        raise QuantlibError("bits must be an integer from 2 to 8", repr(bits), "use 4 for NF4")
    half, ends = 2 ** (bits - 1), 2 ** (bits + 1)
    offset = 1 - (1 / ends + 1 / (ends - 2)) / 2

    def side(count: int) -> Tensor:
        return torch.special.ndtri(torch.linspace(0.5, offset, count + 1, dtype=torch.float64, device="cpu"))

    levels = torch.cat([-side(half - 1).flip(0), side(half)[1:]])
    levels[half - 1] = 0.0  # not -0.0
    return (levels / levels[-1]).float()


NF4 = normal_float()


def quantize_nf4(x: Tensor, size: int = 64) -> tuple[Tensor, Tensor]:
    """Return the packed NF4 codes of x and the scale of every block, its largest magnitude.

    Two neighbouring codes share a byte, the first in the high half. A block of zeros has the code of 0.0 everywhere.

    Shapes: x (..., n) gives codes (..., k, size / 2) and scales (..., k, 1) for k = ceil(n / size) blocks.
    Args:
        x: real values, finite, in any floating dtype, with at least one axis.
        size: the neighbours that share a scale, an even number.
    Returns: bytes as uint8, and scales in the dtype that x is computed in: float32, for float64 float64.
    Raises:
        QuantlibError: if x is not floating-point, not finite or has no axis; if size is odd.
    Source: Dettmers et al. 2023, arXiv:2305.14314; quantize_4bit in bitsandbytes, for the bytes.

    >>> codes, scale = quantize_nf4(torch.tensor([2.0, -2.0, 0.0, 1.0]), size=4)
    >>> [hex(byte) for byte in codes.flatten().tolist()], scale.flatten().tolist()
    (['0xf0', '0x7c'], [2.0])
    """
    check_input(x)
    groups = to_groups(x.detach(), size)
    if size % 2:
        raise QuantlibError("the group size must be even, for two codes in a byte", size, "32 or 64 are common")
    rows = groups.flatten(0, -2)
    values = readable(rows)
    scale = torch.maximum(values.amax(1, keepdim=True), -values.amin(1, keepdim=True)).to(compute_dtype(x))
    if not bool(scale.isfinite().all()):
        raise QuantlibError("a block needs finite values", "NaN or infinity", "remove them: torch.nan_to_num(x)")
    middles = _middles(NF4).to(scale)

    def quantize(out: Tensor, block: Tensor, scale: Tensor) -> None:
        inverse = 1.0 / torch.where(scale > 0, scale, 1.0)
        out.copy_(pack_bits(_count_below(block.to(scale.dtype) * inverse, middles), order="high"))

    packed = fill(quantize, empty((len(rows), size // 2), torch.uint8, rows.device), rows, scale)
    return packed.view(*groups.shape[:-1], size // 2), scale.view(*groups.shape[:-1], 1)


def dequantize_nf4(codes: Tensor, scale: Tensor, length: int) -> Tensor:
    """Return the values that `quantize_nf4` stored: in each block NF4[code] times its scale.

    Shapes: codes (..., k, size / 2) and scale (..., k, 1) give (..., length).
    Args:
        codes: bytes as uint8.
        scale: the largest magnitude of each block.
        length: the size of the original last axis.
    Returns: values in the dtype of the scale.
    Raises:
        QuantlibError: if codes are no bytes on two axes or more, or length does not fit.

    >>> dequantize_nf4(*quantize_nf4(torch.tensor([2.0, -2.0, 0.0]), size=4), length=3).tolist()
    [2.0, -2.0, 0.0]
    """
    levels = NF4.to(scale.device, scale.dtype)

    def reals(index: Tensor, work: Tensor | None, scale: Tensor) -> Tensor:
        return levels.index_select(0, index.flatten()).view(index.shape).mul_(scale)

    return from_groups(run(reals, torch.int32, scale.dtype, unpack_bits(codes, order="high"), scale), length)


def _check_levels(levels: Tensor) -> Tensor:
    if not isinstance(levels, Tensor) or levels.ndim != 1 or not levels.is_floating_point():
        raise QuantlibError("levels are a row of floats", what_came(levels), "use torch.tensor([-1.0, 0.0, 1.0])")
    if not 1 <= len(levels) <= 256 or not bool(levels.isfinite().all() & (levels.diff() >= 0).all()):
        raise QuantlibError("levels are 1 to 256 finite values in ascending order", levels.tolist(), "sort them")
    return levels.detach()


def _middles(levels: Tensor) -> Tensor:
    return levels[:-1] / 2 + levels[1:] / 2  # the sum of two levels could overflow


def _count_below(x: Tensor, middles: Tensor) -> Tensor:
    """How many of the middles lie below each value, as uint8."""
    if x.numel() and bool(x.amax().isnan()):
        raise QuantlibError("x must not hold NaN, which is near to no level", "NaN", "remove it: torch.nan_to_num(x)")
    if len(middles) >= _FEW:
        return torch.bucketize(x.contiguous(), middles, out_int32=True).to(torch.uint8)
    codes = torch.zeros(x.shape, dtype=torch.uint8, device=x.device)
    above = torch.empty_like(codes, dtype=torch.bool)
    for middle in middles.tolist():
        codes.add_(torch.gt(x, middle, out=above).view(torch.uint8))
    return codes
