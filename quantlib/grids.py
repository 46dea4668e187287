"""Integer grids: which codes exist, which dtype stores them, and how a fixed number of bits wraps around."""

from functools import lru_cache
from numbers import Integral

import torch
from torch import Tensor

from .errors import QuantlibError

WIDEST = 16
_DTYPES = (  # the first that holds a grid stores it
    (0, 255, torch.uint8),
    (-128, 127, torch.int8),
    (-(2**15), 2**15 - 1, torch.int16),
    (0, 2**16 - 1, torch.int32),
)


def grid(bits: int, *, signed: bool = True, narrow: bool = False) -> tuple[int, int]:
    """Return (quant_min, quant_max), the smallest and the largest code of a grid.

    Signed codes are two's complement. A narrow grid gives up its lowest code, so that a signed grid is symmetric.

        signed: [-2^(bits-1), 2^(bits-1) - 1]        unsigned: [0, 2^bits - 1]

    Args:
        bits: the width of a code, 2 to 16.
        signed: whether codes may be negative.
        narrow: whether the lowest code is left out.
    Raises:
        QuantlibError: if bits is not an integer from 2 to 16.
    Source: Jacob et al. 2018, arXiv:1712.05877, section 3.1, for the narrow range of weights.

    >>> grid(8), grid(8, narrow=True), grid(4, signed=False)
    ((-128, 127), (-127, 127), (0, 15))
    """
    bits = check_bits(bits)
    low = -(2 ** (bits - 1)) if signed else 0
    return low + bool(narrow), low + 2**bits - 1


def is_integer(value: object) -> bool:
    """Return whether a value is an integer, of Python or of numpy; True and False are none."""
    return isinstance(value, Integral) and not isinstance(value, bool)


def check_bits(bits: int) -> int:
    """Return bits as Python's integer, or raise a QuantlibError unless it is one from 2 to 16."""
    if not is_integer(bits) or not 2 <= bits <= WIDEST:
        raise QuantlibError("bits must be an integer from 2 to 16", repr(bits), "use 8 for int8, 4 for int4")
    return int(bits)  # numpy's narrow integers overflow in 2**bits


def check_size(size: int) -> int:
    """Return the size of a group as Python's integer, or raise a QuantlibError unless it is a positive one."""
    if not is_integer(size) or size < 1:
        raise QuantlibError("the group size must be a positive integer", repr(size), "32 or 128 are common")
    return int(size)


@lru_cache(maxsize=256, typed=True)
def code_dtype(quant_min: int, quant_max: int) -> torch.dtype:
    """Return the smallest integer dtype for the codes of [quant_min, quant_max].

    A grid with negative codes is stored as int8, one without as uint8; wider grids take int16 and int32.

    Args:
        quant_min: the smallest code.
        quant_max: the largest code.
    Raises:
        QuantlibError: if the bounds are not integers, are out of order, or span more than 16 bits.

    >>> code_dtype(-8, 7), code_dtype(0, 255), code_dtype(-512, 511)
    (torch.int8, torch.uint8, torch.int16)
    """
    got = f"[{quant_min!r}, {quant_max!r}]"
    if not (is_integer(quant_min) and is_integer(quant_max)):
        raise QuantlibError("the bounds of a grid are integers", got, "write -128 and 127, for example")
    if quant_min >= quant_max:
        raise QuantlibError("the grid needs quant_min < quant_max", got, "signed 4-bit, for example, is [-8, 7]")
    for low, high, dtype in _DTYPES:
        if low <= quant_min and quant_max <= high:
            return dtype
    raise QuantlibError("a grid holds codes of at most 16 bits", got, "stay in [-32768, 32767] or in [0, 65535]")


def check_tensor(x: object) -> None:
    """Raise a QuantlibError unless x is a tensor."""
    if not isinstance(x, Tensor):
        raise QuantlibError("x must be a torch tensor", type(x).__name__, "wrap it: torch.tensor(x)")


def wrap(values: Tensor, bits: int = 8, *, signed: bool = True) -> Tensor:
    """Return the codes that remain when integers are stored in too few bits.

    Two's complement keeps the lowest bits, which is arithmetic modulo 2^bits. A cast of a float outside the range is
    undefined in C and differs between machines; this function is the same on all of them.

        wrap(v) = (v - quant_min) mod 2^bits + quant_min

    Shapes: values any shape; the result has the same.
    Args:
        values: integers, in an integer or a floating dtype.
        bits: the width of a code, 2 to 16.
        signed: whether the code is read as two's complement or as unsigned.
    Returns: codes in the smallest dtype for the grid.
    Raises:
        QuantlibError: if a value is not a finite integer, or bits is not from 2 to 16.
    Source: ISO/IEC 9899:2018 (C17), 6.3.1.4 leaves the out-of-range cast undefined.

    >>> wrap(torch.tensor([127, 128, 255, 256])).tolist()
    [127, -128, -1, 0]
    """
    check_tensor(values)
    quant_min, quant_max = grid(bits, signed=signed)
    if values.is_complex():
        raise QuantlibError("wrap needs finite integers", "complex numbers", "take their real part: values.real")
    exact = values.double() if values.is_floating_point() else values.long()
    if exact.is_floating_point() and not bool((exact.isfinite() & (exact == exact.round())).all()):
        raise QuantlibError("wrap needs finite integers", "a fraction, NaN or infinity", "round the values first")
    low_bits = torch.remainder(exact, 2**bits)  # first of all: a huge float minus quant_min would be rounded
    return torch.where(low_bits > quant_max, low_bits - 2**bits, low_bits).to(code_dtype(quant_min, quant_max))
