"""Smoothing: what is hard to quantize in the inputs of a matrix is moved into the matrix."""

import torch
from torch import Tensor

from ..errors import QuantlibError
from ..qparams import check_input, compute_dtype, readable


def smoothing_factors(x: Tensor, w: Tensor, alpha: float = 0.5) -> Tensor:
    """Return for each column the number that x is divided by and w is multiplied by, so that x @ w.T stays the same.

    The largest magnitude of a column of x / s is max|x|^(1-alpha) max|w|^(1-alpha), that of w * s is max|x|^alpha
    max|w|^alpha: with alpha = 0.5 both are equal. With alpha = 0 the columns of w become equal, and with 1 those of x:
    so 0 is not "off", which is s = 1. A column that is all zeros, in x or in w, gets 1.

        s = max|x|^alpha / max|w|^(1-alpha)              (x / s) @ (w * s).T = x @ w.T

    Shapes: x (..., n), w (m, n); the result is (n,).
    Args:
        x: inputs of the matrix, as calibration has seen them; at least one row.
        w: the matrix; a row is an output, as in `torch.nn.Linear`.
        alpha: how much of the difficulty goes into w, from 0 to 1.
    Returns: positive factors, in float64 for a float64 x, else in float32.
    Raises:
        QuantlibError: if x or w is empty, not floating-point or not finite; if their columns are not as many; if alpha
            is not from 0 to 1.
    Source: Xiao et al. 2022, arXiv:2211.10438, section 4, equation 4.

    >>> smoothing_factors(torch.tensor([[4.0, 1.0]]), torch.tensor([[1.0, 1.0]]))
    tensor([2., 1.])
    """
    if not isinstance(alpha, (int, float)) or not 0.0 <= alpha <= 1.0:
        raise QuantlibError("alpha must be from 0 to 1", repr(alpha), "use 0.5 to share the difficulty equally")
    in_x, in_w = _largest(x), _largest(w)
    if w.ndim != 2 or len(in_x) != len(in_w):
        got = f"shapes {tuple(x.shape)} and {tuple(w.shape)}"
        raise QuantlibError("x and w must have the same number of columns, and w two axes", got, "x @ w.T must work")
    factors = torch.where((in_x > 0) & (in_w > 0), in_x**alpha / in_w ** (1 - alpha), 1.0)
    limits = torch.finfo(compute_dtype(x))
    return factors.clamp(limits.tiny, limits.max).to(compute_dtype(x))


def _largest(x: Tensor) -> Tensor:
    """Return the largest magnitude of each column, in float64."""
    check_input(x)
    if x.ndim == 0 or x.numel() == 0:
        raise QuantlibError("columns need at least one row", f"shape {tuple(x.shape)}", "pass rows of values")
    largest = readable(x).abs().reshape(-1, x.shape[-1]).amax(0).double()
    if not bool(largest.isfinite().all()):
        raise QuantlibError("columns need finite values", "NaN or infinity", "remove them: torch.nan_to_num(x)")
    return largest
