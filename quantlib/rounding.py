"""Five ways to turn a value in code units into an integer, and how each is biased.

Let v = x / scale + zero_point lie evenly between the integers. The error of an integer r is r - v, in codes:

    rounding                 mean error           mean squared error    0.5    1.5    -0.5    -1.7
    half to even             0                    1/12                  0      2       0      -2
    half away from zero      0                    1/12                  1      2      -1      -2
    floor                    -1/2                 1/3                   0      1      -1      -2
    truncate                 -1/2 where v > 0,    1/3                   0      1       0      -1
                             +1/2 where v < 0
    stochastic               0 for every v        1/6                   either neighbour

The first two differ at ties only, and there half-away has a mean error of 1/2 away from zero. Only stochastic rounding
is right on average for each single value, and not just over many different ones.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from .errors import QuantlibError
from .qparams import compute_dtype


def round_half_even(v: Tensor) -> Tensor:
    """Return the nearest integer; of two equally near ones, the even one.

    The default of IEEE 754, and what `quantize` does. Ties go up as often as down, so over many values no bias is left.

    Shapes: v any shape; the result has the same.
    Args:
        v: values in code units, in any floating dtype. NaN and infinities stay what they are.
    Returns: integers, in v's dtype.
    Raises:
        QuantlibError: if v is not a floating-point tensor.
    Source: IEEE 754-2019, section 4.3.1, roundTiesToEven.

    >>> round_half_even(torch.tensor([0.5, 1.5, 2.5, -0.5, -1.7])).tolist()
    [0.0, 2.0, 2.0, -0.0, -2.0]
    """
    return _rounded(v, Tensor.round)


def round_half_away(v: Tensor) -> Tensor:
    """Return the nearest integer; of two equally near ones, the one that lies farther from zero.

    C's round(). Each tie gains 1/2 in magnitude, so positive values with many ties come back too large on average.

        round_half_away(v) = trunc(v) + sign(v) where |v - trunc(v)| >= 1/2, else trunc(v)

    Not sign(v) floor(|v| + 1/2): the sum is rounded too, and the largest float below 1/2 would become 1.

    Shapes: v any shape; the result has the same.
    Args:
        v: values in code units, in any floating dtype. NaN and infinities stay what they are.
    Returns: integers, in v's dtype.
    Raises:
        QuantlibError: if v is not a floating-point tensor.
    Source: IEEE 754-2019, section 4.3.1, roundTiesToAway; ISO/IEC 9899:2018 (C17), 7.12.9.6.

    >>> round_half_away(torch.tensor([0.5, 1.5, 2.5, -0.5, -1.7])).tolist()
    [1.0, 2.0, 3.0, -1.0, -2.0]
    """
    return _rounded(v, _half_away)


def _half_away(v: Tensor) -> Tensor:
    whole = v.trunc()
    return torch.where((v - whole).abs() >= 0.5, whole + v.sign(), whole)  # v - trunc(v) is exact


def round_floor(v: Tensor) -> Tensor:
    """Return the largest integer that is at most v: half a code too low on average.

    What an arithmetic shift to the right does to a fixed-point number.

    Shapes: v any shape; the result has the same.
    Args:
        v: values in code units, in any floating dtype. NaN and infinities stay what they are.
    Returns: integers, in v's dtype.
    Raises:
        QuantlibError: if v is not a floating-point tensor.
    Source: IEEE 754-2019, section 4.3.2, roundTowardNegative.

    >>> round_floor(torch.tensor([0.5, 1.5, -0.5, -1.7])).tolist()
    [0.0, 1.0, -1.0, -2.0]
    """
    return _rounded(v, Tensor.floor)


def round_truncate(v: Tensor) -> Tensor:
    """Return v without its fraction: half a code too small in magnitude on average.

    What a cast from float to integer does in C. All values shrink towards zero, and 0 takes a cell two codes wide.

    Shapes: v any shape; the result has the same.
    Args:
        v: values in code units, in any floating dtype. NaN and infinities stay what they are.
    Returns: integers, in v's dtype.
    Raises:
        QuantlibError: if v is not a floating-point tensor.
    Source: IEEE 754-2019, section 4.3.2, roundTowardZero; ISO/IEC 9899:2018 (C17), 6.3.1.4.

    >>> round_truncate(torch.tensor([0.5, 1.5, -0.5, -1.7])).tolist()
    [0.0, 1.0, -0.0, -1.0]
    """
    return _rounded(v, Tensor.trunc)


def round_stochastic(v: Tensor, generator: torch.Generator) -> Tensor:
    """Return one of the two neighbouring integers, drawn so that the expected result is v.

    Unbiased for every value, which is why sums of many small updates survive it. The price: where v lies evenly between
    the integers its mean squared error is 1/6, twice that of the nearest integer. An integer stays what it is.

        round_stochastic(v) = floor(v) + 1 with probability v - floor(v), else floor(v)

    The probability is exact to 2^-24, in float64 to 2^-53: so fine are torch's uniform draws.

    Shapes: v any shape; the result has the same.
    Args:
        v: values in code units, in any floating dtype. NaN and infinities stay what they are.
        generator: where the draws come from, on v's device.
    Returns: integers, in v's dtype. float16 and bfloat16 are computed in float32.
    Raises:
        QuantlibError: if v is not a floating-point tensor, or generator is not a torch.Generator on v's device.
    Source: Gupta et al. 2015, arXiv:1502.02551, section 3.1.

    >>> v = torch.full((10_000,), 0.25)
    >>> abs(round_stochastic(v, torch.Generator().manual_seed(0)).mean().item() - 0.25) < 0.02
    True
    """
    _check(v)
    _check_generator(generator, v)
    wide = v.to(compute_dtype(v))
    low = wide.floor()
    draws = torch.rand(wide.shape, generator=generator, dtype=wide.dtype, device=wide.device)
    return torch.where(draws < wide - low, low + 1.0, low).to(v.dtype)


def _rounded(v: Tensor, rule: Callable[[Tensor], Tensor]) -> Tensor:
    """Return v rounded by a rule, in its dtype; torch rounds no 8-bit floats, so these go through float32."""
    _check(v)
    return rule(v) if v.dtype.itemsize > 1 else rule(v.float()).to(v.dtype)


def _check(v: Tensor) -> None:
    if not isinstance(v, Tensor):
        raise QuantlibError("v must be a torch tensor", type(v).__name__, "wrap it: torch.tensor(v)")
    if not v.is_floating_point():
        raise QuantlibError("v must hold floating-point numbers", v.dtype, "integers need no rounding")


def _check_generator(generator: torch.Generator, v: Tensor) -> None:
    advice = f'make one: torch.Generator("{v.device.type}").manual_seed(0)'
    if not isinstance(generator, torch.Generator):
        raise QuantlibError("draws come from a torch.Generator", type(generator).__name__, advice)
    if generator.device.type != v.device.type:
        raise QuantlibError(f"the generator must be on v's device, {v.device.type}", generator.device.type, advice)
