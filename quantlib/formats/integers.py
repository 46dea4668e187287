"""Integers only: sums of products of codes, and one multiplication and one shift that bring them back to 8 bits."""

from itertools import product
from math import inf
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import pad

from ..errors import QuantlibError
from ..grids import code_dtype, is_integer
from ..qparams import Scale, Zero
from ..tiles import THREADS, Shared, empty, in_threads, run, tiles

EXACT = 2**24  # float32 holds every integer up to here, so a sum that stays below is exact in whichever order
SIDE = 512  # rows and columns of the result that are worked out at a time
_INT32 = torch.iinfo(torch.int32)


class FourTerms(NamedTuple):
    """The four sums whose sum is that of (q_w - zero_w) (q_x - zero_x); each broadcasts against the result.

    products: sum q_w q_x, the only one that takes a multiplication for each weight and input.
    weights: -zero_x sum q_w, known before any input comes.
    inputs: -zero_w sum q_x, which every input needs anew; 0 for symmetric weights.
    constant: K zero_w zero_x, for K products in a sum.
    """

    products: Tensor
    weights: Tensor
    inputs: Tensor
    constant: Tensor


class FixedPoint(NamedTuple):
    """A positive real number as two integers: multiplier / 2^shift."""

    multiplier: int | Tensor
    shift: int | Tensor


def integer_matmul(q_w: Tensor, q_x: Tensor, zero_w: Zero = 0, zero_x: Zero = 0) -> Tensor:
    """Return the matrix product of codes without their zero points, as exact integers.

    Multiplied by scale_w scale_x it is the product of the reals that the codes stand for. It is worked out by float32
    matrix products of so few columns that no sum reaches 2^24: up to there float32 holds every integer.

        sum over k of (q_w[i, k] - zero_w) (q_x[k, j] - zero_x)

    Shapes: q_w (r, K) and q_x (K, c) give (r, c); zero_w broadcasts against q_w and zero_x against q_x.
    Args:
        q_w: codes of the weights, int8 or uint8.
        q_x: codes of the inputs, int8 or uint8.
        zero_w: the integer that means 0.0 among the weights.
        zero_x: the integer that means 0.0 among the inputs.
    Returns: int32.
    Raises:
        QuantlibError: if the shapes or dtypes do not fit, a zero point is no integer, or a sum leaves int32.
    Source: Jacob et al. 2018, arXiv:1712.05877, section 2.2; gemmlowp, doc/quantization.md, equation 4.

    >>> q_w, q_x = torch.tensor([[-128, 127]], dtype=torch.int8), torch.tensor([[-128], [127]], dtype=torch.int8)
    >>> integer_matmul(q_w, q_x).item(), integer_matmul(q_w, q_x, zero_x=-128).item()
    (32513, 32385)
    """
    _check_matrices(q_w, q_x)
    (zero_w, most_w), (zero_x, most_x) = _zero(zero_w, q_w, "zero_w"), _zero(zero_x, q_x, "zero_x")
    most = most_w * most_x  # how large a product can be
    chunk = EXACT // max(1, most)
    if not chunk:
        raise QuantlibError("a zero point lies near its codes", f"products up to {most}", "take it from the grid")
    fits = most * q_w.shape[1] <= _INT32.max
    out = empty((q_w.shape[0], q_x.shape[1]), torch.int32 if fits else torch.int64, q_w.device)

    def matmul(rows: slice, columns: slice) -> None:
        total = out[rows, columns].zero_()
        for start in range(0, q_w.shape[1], chunk):
            inner = slice(start, start + chunk)
            w, x = _reals(q_w, zero_w, (rows, inner)), _reals(q_x, zero_x, (inner, columns))
            total.add_((w @ x).to(total.dtype))

    _by_blocks(matmul, out.shape)
    return out if fits else _as_int32(out, "a sum", "shorten the rows, or add in int64")


def four_terms(q_w: Tensor, q_x: Tensor, zero_w: Zero = 0, zero_x: Zero = 0) -> FourTerms:
    """Return the four terms into which zero points split a matrix product of codes.

    Only the first multiplies code by code. Their sum is `integer_matmul`, exactly, though each alone may be far larger.

        sum (q_w - zero_w) (q_x - zero_x) = sum q_w q_x - zero_x sum q_w - zero_w sum q_x + K zero_w zero_x

    Shapes: q_w (r, K) and q_x (K, c); zero_w is a number or (r, 1), zero_x a number or (1, c).
    Args: as `integer_matmul`.
    Returns: FourTerms in int64, with their signs.
    Raises:
        QuantlibError: as `integer_matmul`.
    Source: gemmlowp, doc/low-precision.md, "Efficient handling of offsets", expression 2; Jacob et al. 2018,
        arXiv:1712.05877, section 2.3.

    >>> q_w, q_x = torch.tensor([[1, 2]], dtype=torch.int8), torch.tensor([[3], [4]], dtype=torch.int8)
    >>> [term.item() for term in four_terms(q_w, q_x, zero_w=1, zero_x=5)]
    [11, -15, -7, 10]
    """
    products = integer_matmul(q_w, q_x).long()
    for zero, q, name in ((zero_w, q_w, "zero_w"), (zero_x, q_x, "zero_x")):
        _zero(zero, q, name)
    z_w, z_x = (torch.as_tensor(zero, dtype=torch.int64, device=q_w.device) for zero in (zero_w, zero_x))
    if (z_w.ndim and z_w.shape[-1] != 1) or (z_x.ndim > 1 and z_x.shape[0] != 1):
        got = f"shapes {tuple(z_w.shape)} and {tuple(z_x.shape)}"
        raise QuantlibError("a zero point leaves a sum if it is one for the sum", got, "use (r, 1) and (1, c)")
    constant = q_w.shape[1] * z_w * z_x
    return FourTerms(products, -z_x * q_w.sum(1, keepdim=True), -z_w * q_x.sum(0, keepdim=True), constant)


def integer_conv1d(
    q_w: Tensor, q_x: Tensor, zero_w: Zero = 0, zero_x: int = 0, *, stride: int = 1, padding: int = 0
) -> Tensor:
    """Return the convolution over time of codes without their zero points, as exact integers.

    What is added at both ends stands for 0.0, so its code is zero_x. As in torch, the kernel is not mirrored.

        sum over c, k of (q_w[o, c, k] - zero_w) (q_x[b, c, stride t + k - padding] - zero_x)

    Shapes: q_w (o, c, k) and q_x (b, c, n) give (b, o, (n + 2 padding - k) // stride + 1).
    Args:
        q_w: codes of the weights, int8 or uint8.
        q_x: codes of the inputs, int8 or uint8.
        zero_w: the integer that means 0.0 among the weights: one, or one for each output, as (o, 1, 1).
        zero_x: the integer that means 0.0 among the inputs; one of their codes where there is padding.
        stride: how far the kernel moves, in samples.
        padding: how many zeros are added at each end.
    Returns: int32.
    Raises:
        QuantlibError: as `integer_matmul`, and if stride, padding or zero_x is wrong.
    Source: Jacob et al. 2018, arXiv:1712.05877, section 2.2; gemmlowp, doc/quantization.md, for padding with the zero
        point.

    >>> q_w, q_x = torch.ones(1, 1, 3, dtype=torch.int8), torch.tensor([[[5, 7, 9]]], dtype=torch.int8)
    >>> integer_conv1d(q_w, q_x, zero_x=5, padding=1).tolist()
    [[[2, 6, 6]]]
    """
    _check_codes(q_w, "q_w", 3)
    _check_codes(q_x, "q_x", 3)
    kernel, length = q_w.shape[2], q_x.shape[2]
    if not all(map(is_integer, (stride, padding))) or stride < 1 or padding < 0 or length + 2 * padding < kernel:
        got = f"stride {stride}, padding {padding} for a kernel of {kernel} on {length}"
        raise QuantlibError("the kernel must fit, and move on", got, "use stride 1 and padding kernel // 2")
    if padding and (not is_integer(zero_x) or not torch.iinfo(q_x.dtype).min <= zero_x <= torch.iinfo(q_x.dtype).max):
        raise QuantlibError("padding has the code zero_x, one of q_x's", zero_x, "take the zero point of the inputs")
    windows = pad(q_x, (padding, padding), value=zero_x).unfold(2, kernel, stride)  # (b, c, t, k)
    columns = windows.permute(1, 3, 0, 2).flatten(2).flatten(0, 1)  # (c k, b t)
    rows = zero_w.flatten(1) if isinstance(zero_w, Tensor) and zero_w.ndim > 1 else zero_w
    sums = integer_matmul(q_w.flatten(1), columns, rows, zero_x)
    return sums.unflatten(1, (q_x.shape[0], -1)).transpose(0, 1)


def fold_bias(bias: Tensor, scale_w: Scale, scale_x: float, q_w: Tensor, zero_x: int = 0) -> Tensor:
    """Return the integers that start the sums of q_w q_x: the bias, and what the zero point of the inputs leaves.

    A bias is a sum, so it has the scale of a product and needs the width of a sum. The second of the `four_terms` is
    known with the weights, so it costs nothing while the network runs. Weights must be symmetric: zero_w = 0.

        round(bias / (scale_w scale_x)) - zero_x sum q_w

    Shapes: bias (o,); scale_w one, or one for each output, in any shape of o values; q_w (o, ...); the result is (o,).
    Args:
        bias: real values.
        scale_w: real units per step of the weights.
        scale_x: real units per step of the inputs.
        q_w: codes of the weights, int8 or uint8.
        zero_x: the integer that means 0.0 among the inputs.
    Returns: int32.
    Raises:
        QuantlibError: if shapes or dtypes do not fit, a scale is not positive, or a sum leaves int32.
    Source: Jacob et al. 2018, arXiv:1712.05877, section 2.4.

    >>> fold_bias(torch.tensor([1.0]), 0.5, 0.25, torch.tensor([[2, 3]], dtype=torch.int8), zero_x=-128).tolist()
    [648]
    """
    _check_codes(q_w, "q_w")
    steps = torch.as_tensor(scale_w, dtype=torch.float64).detach().flatten() * scale_x
    if not isinstance(bias, Tensor) or bias.shape != q_w.shape[:1] or steps.numel() not in (1, len(bias)):
        got = f"{tuple(getattr(bias, 'shape', ()))} and {steps.numel()} for weights of shape {tuple(q_w.shape)}"
        raise QuantlibError("there is a bias for each output, and one scale or as many", got, "pass the layer's own")
    if not bool((steps.isfinite() & (steps > 0)).all()):
        raise QuantlibError("scales must be finite and positive", steps.min().item(), "choose_qparams gives such")
    total = (bias.detach().double() / steps).round() - float(zero_x) * q_w.flatten(1).sum(1).double()
    return _as_int32(total, "a bias", "its channel has tiny weights: give it a larger scale")


def fixed_point(real: float | Tensor, bits: int = 31) -> FixedPoint:
    """Return the nearest number of the form multiplier / 2^shift, with a multiplier of just so many bits.

        real ~ multiplier / 2^shift        2^(bits-1) <= multiplier < 2^bits

    Shapes: real any shape; multiplier and shift have the same.
    Args:
        real: from 2^-32 to below 2^30, without unit; for a layer it is scale_w scale_x / scale_y.
        bits: the width of the multiplier, 2 to 31. A chip without floats takes 31.
    Returns: FixedPoint of Python's integers for a number, of int64 tensors for a tensor.
    Raises:
        QuantlibError: if real or bits is out of range.
    Source: Jacob et al. 2018, arXiv:1712.05877, section 2.2, equation 6.

    >>> fixed_point(0.25), fixed_point(1.4186)
    (FixedPoint(multiplier=1073741824, shift=32), FixedPoint(multiplier=1523210152, shift=30))
    """
    if not is_integer(bits) or not 2 <= bits <= 31:
        raise QuantlibError("bits must be an integer from 2 to 31", repr(bits), "use 31")
    value = torch.as_tensor(real, dtype=torch.float64).detach()
    if not bool(((value >= 2.0**-32) & (value < 2.0**30)).all()):
        raise QuantlibError("real must lie from 2^-32 to below 2^30", real, "use scale_w * scale_x / scale_y")
    fraction, exponent = torch.frexp(value)
    multiplier = (fraction * 2.0**bits).round().long()
    carry = multiplier == 2**bits  # rounded up to the next power of two
    multiplier, shift = torch.where(carry, multiplier // 2, multiplier), bits - exponent.long() - carry.long()
    return FixedPoint(multiplier, shift) if isinstance(real, Tensor) else FixedPoint(multiplier.item(), shift.item())  # type: ignore[arg-type]


def requantize(
    acc: Tensor,
    fixed: FixedPoint,
    zero_point: Zero = 0,
    quant_min: int = -128,
    quant_max: int = 127,
    *,
    twice: bool = False,
) -> Tensor:
    """Return sums as codes of the output, by one multiplication and one shift.

    A half is rounded up. Twice, as in gemmlowp and in TFLite's first kernels: first 31 bits are shifted away and a half
    is rounded up, then the rest, where a half is rounded away from zero. Of the values just below a half, some become
    it by the first rounding, and one more by the second.

        clamp(floor((acc multiplier + 2^(shift-1)) / 2^shift) + zero_point, quant_min, quant_max)

    Shapes: acc any shape; the others broadcast against it.
    Args:
        acc: sums, in int32.
        fixed: what `fixed_point` gave for scale_w scale_x / scale_y.
        zero_point: the integer that means 0.0 in the output.
        quant_min: the smallest code.
        quant_max: the largest code.
        twice: whether it is rounded twice.
    Returns: codes in int8 if quant_min < 0, else in uint8; wider grids take int16 and int32.
    Raises:
        QuantlibError: if acc is not int32, or the grid or the fixed-point number is not valid.
    Source: Jacob et al. 2018, arXiv:1712.05877, section 2.2; gemmlowp, fixedpoint/fixedpoint.h, for rounding twice:
        SaturatingRoundingDoublingHighMul, RoundingDivideByPOT.

    >>> acc = torch.tensor([1, 2, -1, 1000], dtype=torch.int32)
    >>> requantize(acc, fixed_point(0.25)).tolist(), requantize(acc, fixed_point(0.25), twice=True).tolist()
    ([0, 1, 0, 127], [1, 1, 0, 127])
    """
    dtype = code_dtype(quant_min, quant_max)
    if not isinstance(acc, Tensor) or acc.dtype != torch.int32:
        raise QuantlibError("acc holds sums in int32", getattr(acc, "dtype", type(acc).__name__), "use integer_matmul")

    def codes(acc: Tensor, work: Tensor | None, m: Tensor, n: Tensor, z: Any) -> Tensor:
        return _shifted(torch.mul(acc, m, out=work), n, twice).add_(z).clamp_(quant_min, quant_max)

    zero_point = zero_point.to(acc.device) if isinstance(zero_point, Tensor) else zero_point
    return run(codes, torch.int64, dtype, acc, *_parts(fixed, acc.device), zero_point)


def _parts(fixed: FixedPoint, device: torch.device) -> tuple[Tensor, Tensor]:
    """Return multiplier and shift as int64, the shift to the right."""
    multiplier, shift = (torch.as_tensor(part, dtype=torch.int64, device=device) for part in fixed)
    lift = (1 - shift).clamp(0, 31)  # with few bits, a multiplier may want a shift to the left
    multiplier, shift = multiplier << lift, shift + lift
    if bool(((multiplier < 1) | (multiplier > 2**31) | (shift < 1) | (shift > 62)).any()):
        rule = "a fixed-point number lies between 2^-32 and 2^30"
        raise QuantlibError(rule, f"{fixed}", "take what fixed_point returns")
    return multiplier, shift


def _shifted(scaled: Tensor, n: Tensor, twice: bool) -> Tensor:
    """Return scaled / 2^n, rounded once or twice; scaled itself changes."""
    first = n.clamp(max=31) if twice else n
    scaled = scaled.add_(1 << first - 1).bitwise_right_shift_(first)
    rest = n - first
    return ((scaled.abs() + (1 << rest >> 1)) >> rest) * scaled.sign() if bool(rest.any()) else scaled


def _reals(q: Tensor, zero: Zero, place: tuple[slice, slice]) -> Tensor:
    """q - zero there, as float32."""
    reals = q[place].float()
    return reals.sub_(zero[place] if isinstance(zero, Tensor) else zero)


def _by_blocks(work: Any, shape: torch.Size) -> None:
    """Do work(rows, columns) for every block of a matrix, in threads if there are many blocks."""
    sides = ([index[0] for index in tiles((n,), SIDE)] for n in shape)
    blocks = Shared(iter(list(product(*sides))))

    def work_through() -> None:
        for rows, columns in blocks:
            work(rows, columns)

    if max(shape) <= SIDE:
        work_through()
    else:
        in_threads(work_through, min(torch.get_num_threads(), THREADS))


def _as_int32(sums: Tensor, name: str, advice: str) -> Tensor:
    if sums.numel():
        low, high = (end.item() for end in sums.aminmax())
        if not _INT32.min <= low <= high <= _INT32.max:
            raise QuantlibError(f"{name} must stay in int32", low if low < _INT32.min else high, advice)
    return sums.to(torch.int32)


def _zero(zero: Zero, q: Tensor, name: str) -> tuple[Any, int]:
    """Return the zero point as Python's integer or as a tensor of q's shape, and how large a code without it can be."""
    value = torch.as_tensor(zero, device=q.device).detach()
    try:
        wide = value.expand(q.shape)
    except RuntimeError:
        got = f"shape {tuple(value.shape)}"
        raise QuantlibError(f"{name} must broadcast against codes of {tuple(q.shape)}", got, "use (r, 1)") from None
    low, high = (end.item() for end in value.aminmax()) if value.numel() else (0, 0)
    if not (-inf < low <= high < inf) or not torch.equal(value, value.round() if value.is_floating_point() else value):
        raise QuantlibError(f"{name} must be an integer", zero, "round it, or 0.0 loses its own code")
    info = torch.iinfo(q.dtype)
    most = int(max(info.max - low, high - info.min))
    return (int(value.item()) if value.numel() == 1 else wide), most


def _check_codes(q: Tensor, name: str, ndim: int | None = None) -> None:
    if not isinstance(q, Tensor) or q.dtype not in (torch.int8, torch.uint8) or q.ndim != (ndim or max(q.ndim, 1)):
        got = f"{q.dtype} of shape {tuple(q.shape)}" if isinstance(q, Tensor) else type(q).__name__
        kind = f" of {ndim} axes" if ndim else ""
        raise QuantlibError(f"{name} must hold int8 or uint8 codes{kind}", got, "pass what quantize returned")


def _check_matrices(q_w: Tensor, q_x: Tensor) -> None:
    _check_codes(q_w, "q_w", 2)
    _check_codes(q_x, "q_x", 2)
    if q_w.shape[1] != q_x.shape[0]:
        got = f"shapes {tuple(q_w.shape)} and {tuple(q_x.shape)}"
        raise QuantlibError("q_w has as many columns as q_x has rows", got, "transpose one: q_x.T")
