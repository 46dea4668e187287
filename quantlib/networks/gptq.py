"""GPTQ: the columns of a matrix are rounded one after the other, and the later ones make up for the earlier."""

import math

import torch
from torch import Tensor

from ..errors import QuantlibError, what_came
from ..grids import check_size, code_dtype, is_integer
from ..qparams import Scale, check_input, prepare, readable


def input_hessian(x: Tensor, damp: float = 0.01) -> Tensor:
    """Return how much the squared error of x @ w.T weighs each pair of columns of w, and a little of each column alone.

    The mean squared error of an output is d H d.T for the errors d of its row of weights. Damping adds a share of the
    mean of the diagonal to the diagonal: it keeps H invertible, and the weights near to where they were, the more the
    larger it is.

        H = x.T @ x / rows + damp mean(diagonal) I

    Two hessians without damping of equally many rows have their mean as that of all rows.

    Shapes: x (..., n); the result is (n, n).
    Args:
        x: inputs of the matrix, as calibration has seen them; at least one row.
        damp: the share of the mean of the diagonal that is added, from 0 on.
    Returns: float64, symmetric, in squared units of x.
    Raises:
        QuantlibError: if x is empty, not floating-point or not finite; if damp is negative or not finite.
    Source: Frantar et al. 2022, arXiv:2210.17323, whose hessian is 2 x.T @ x: a factor changes no code.

    >>> input_hessian(torch.tensor([[1.0, 2.0], [1.0, 0.0]]), damp=0.0)
    tensor([[1., 1.],
            [1., 2.]], dtype=torch.float64)
    """
    check_input(x)
    if not isinstance(damp, (int, float)) or not 0.0 <= damp < math.inf:
        raise QuantlibError("damp must be a number from 0 on", repr(damp), "use 0.01, which is 1 % of the diagonal")
    if x.ndim == 0 or x.numel() == 0:
        raise QuantlibError("a hessian needs at least one row", f"shape {tuple(x.shape)}", "pass rows of inputs")
    rows = readable(x).reshape(-1, x.shape[-1]).double()
    hessian = rows.T @ rows / len(rows)
    if not bool(hessian.isfinite().all()):
        raise QuantlibError("a hessian needs finite values", "NaN or infinity", "remove them: torch.nan_to_num(x)")
    hessian.diagonal().add_(damp * hessian.diagonal().mean())
    return hessian


def gptq(w: Tensor, hessian: Tensor, scale: Scale, quant_max: int, *, block: int = 32) -> Tensor:
    """Return the codes of w, rounded column by column: what a column loses, the later columns make up for.

    A column is rounded to the nearest codes of the symmetric grid [-quant_max, quant_max]. Its errors are then passed
    on to the columns that are still to come, so that the output changes least. With R @ R.T = hessian, R upper
    triangular:

        error[j]  = w[:, j] - scale q[:, j]
        w[:, k] -= error[j] U[j, k] / U[j, j]        for k > j, with U the inverse of R

    U.T @ U is the inverse of the hessian, and U[j] U[j, j] is what is left of its row j when the first j rows and
    columns are eliminated. The columns of a block are updated at once, those behind it once a block, by one product of
    matrices.

    To round the columns in another order, sort w, scale and both axes of the hessian, and the codes back. A scale for
    each group of columns is `scale.repeat_interleave(size, 1)`.

    Shapes: w (m, n), hessian (n, n), scale broadcasts against w: (m, 1) is one a row. The result is (m, n).
    Args:
        w: the matrix, in any floating dtype; a row is an output, as in `torch.nn.Linear`.
        hessian: what `input_hessian` returns.
        scale: real units per step; finite and positive. It stays as it is while the weights move.
        quant_max: the largest code: 7 for 4 bits.
        block: how many columns are updated at once; the codes do not depend on it, but for rounding in float64.
    Returns: codes in int8 (int16 for a quant_max above 127): scale * codes is w_hat.
    Raises:
        QuantlibError: if w is not a matrix of finite floats; if the hessian has another shape or is not positive
            definite; if scale, quant_max or block is wrong.
    Source: Frantar et al. 2022, arXiv:2210.17323, algorithm 1; Chen et al. 2025, arXiv:2507.18553, for what it is:
        Babai's nearest plane on the columns in reverse.

    >>> x = torch.tensor([[1.0, 1.0]])
    >>> w = torch.tensor([[0.4, 0.4]])
    >>> gptq(w, input_hessian(x), 1.0, 7).tolist(), (x @ w.T).item()
    ([[0, 1]], 0.800000011920929)
    """
    _check(w, hessian)
    if not is_integer(quant_max) or quant_max < 1:
        raise QuantlibError("quant_max must be a positive integer", repr(quant_max), "use 7 for 4 bits")
    top, block = int(quant_max), check_size(block)  # numpy's unsigned integers have no negative ones
    dtype = code_dtype(-top, top)
    left = torch.empty(w.shape[1], w.shape[0], dtype=torch.float64, device=w.device)  # a row for each column of w
    left.copy_(readable(w).T)
    s, _ = prepare(w, torch.float64, scale, 0)
    steps = torch.as_tensor(s, dtype=torch.float64, device=w.device).expand(w.shape).T
    share, codes = _shares(hessian.to(left)), torch.empty_like(left)
    for start in range(0, len(left), block):
        end = min(start + block, len(left))
        for j in range(start, end):
            codes[j] = (left[j] / steps[j]).round_().clamp_(-top, top)
            left[j] -= codes[j] * steps[j]  # now it is the error
            left[j + 1 : end].addr_(share[j, j + 1 : end], left[j], alpha=-1.0)
        left[end:].addmm_(share[start:end, end:].T, left[start:end], alpha=-1.0)
    return codes.T.to(dtype).contiguous()


def _shares(hessian: Tensor) -> Tensor:
    """Return for column j (a row) by how much of its error every later column moves: U / its diagonal."""
    lower, failed = torch.linalg.cholesky_ex(hessian.detach().flip(0, 1))
    if failed.item():
        raise QuantlibError("the hessian must be positive definite", "one that is not", "damp it more, by 0.01 or 0.1")
    identity = torch.eye(len(hessian), dtype=hessian.dtype, device=hessian.device)
    inverse = torch.linalg.solve_triangular(lower.flip(0, 1), identity, upper=True)
    return inverse / inverse.diagonal()[:, None]


def _check(w: Tensor, hessian: Tensor) -> None:
    """Raise a QuantlibError unless w is a finite matrix, and the hessian a square one of its columns."""
    check_input(w)
    if w.ndim != 2 or not bool(readable(w).isfinite().all()):
        got = f"shape {tuple(w.shape)}" if w.ndim != 2 else "NaN or infinity"
        raise QuantlibError("w must be a matrix of finite values", got, "for a convolution use w.flatten(1)")
    n = w.shape[1]
    if not isinstance(hessian, Tensor) or hessian.shape != (n, n) or not hessian.is_floating_point():
        rule = f"the hessian must be {n} x {n} floats"
        raise QuantlibError(rule, what_came(hessian), "pass input_hessian(x) for x of x @ w.T")
