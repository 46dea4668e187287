"""Rotation: the columns are mixed, so that a large one is spread over all of them, and the matrix undoes it."""

import math

import torch
from torch import Tensor

from ..errors import QuantlibError, what_came
from ..grids import is_integer
from ..qparams import check_input, compute_dtype


def hadamard(n: int) -> Tensor:
    """Return the Hadamard matrix of order n, divided by sqrt(n), so that it is its own inverse.

    All its entries have one magnitude, so that one large value of n is spread evenly, sqrt(n) times smaller.

        H(1) = [1]        H(2n) = [[H(n), H(n)], [H(n), -H(n)]] / sqrt(2)

    Shapes: (n, n).
    Args:
        n: a power of two.
    Returns: float32; symmetric, and H @ H is the identity.
    Raises:
        QuantlibError: if n is not a power of two.
    Source: Ashkboos et al. 2024, arXiv:2404.00456 (QuaRot), for its use; the recursion is Sylvester's.

    >>> hadamard(4) * 2
    tensor([[ 1.,  1.,  1.,  1.],
            [ 1., -1.,  1., -1.],
            [ 1.,  1., -1., -1.],
            [ 1., -1., -1.,  1.]])
    """
    if not is_integer(n) or n < 1 or n & (n - 1):
        raise QuantlibError("n must be a power of two", repr(n), "rotate blocks: 384 columns are 3 blocks of 128")
    signs, butterfly = torch.ones(1, 1, device="cpu"), torch.tensor([[1.0, 1.0], [1.0, -1.0]], device="cpu")
    while len(signs) < n:
        signs = torch.kron(butterfly, signs)
    return signs / math.sqrt(n)


def random_signs(n: int, generator: torch.Generator | None = None) -> Tensor:
    """Return n numbers, each 1 or -1 with equal probability, (n,) in float32.

    Multiplied into the columns before a rotation, they keep columns that happen to follow a row of the Hadamard matrix
    from adding up in one place.

    Args:
        n: how many, from 0 on.
        generator: where the draws come from; None: torch's own.
    Raises:
        QuantlibError: if n is not an integer from 0 on.
    Source: Ashkboos et al. 2024, arXiv:2404.00456 (QuaRot), for signs before a Hadamard matrix.

    >>> random_signs(4, torch.Generator().manual_seed(0))
    tensor([ 1., -1., -1.,  1.])
    """
    if not is_integer(n) or n < 0:
        raise QuantlibError("n must be an integer from 0 on", repr(n), "use the number of columns")
    return 1.0 - 2.0 * torch.randint(2, (n,), generator=generator, device="cpu").float()


def rotate(x: Tensor, rotation: Tensor) -> Tensor:
    """Return x with its last axis cut into blocks, and each block multiplied by the rotation.

    If the rotation is orthogonal, what x and w have in common stays: rotate(x, R) @ rotate(w, R).T = x @ w.T, and
    rotate(rotate(x, R), R.T) = x.

    Shapes: x (..., k n), rotation (n, n); the result has x's shape.
    Args:
        x: real values, in any floating dtype.
        rotation: an orthogonal matrix, as `hadamard` gives one.
    Returns: x rotated, in its dtype, with its gradient.
    Raises:
        QuantlibError: if the rotation is not a square matrix, or its columns do not divide those of x.

    >>> rotate(torch.tensor([8.0, 0.0, 0.0, 0.0]), hadamard(4))
    tensor([4., 4., 4., 4.])
    """
    check_input(x)
    if not isinstance(rotation, Tensor) or rotation.ndim != 2 or not 0 < len(rotation) == rotation.shape[1]:
        raise QuantlibError("a rotation is a square matrix", what_came(rotation), "use hadamard(128), for example")
    n = len(rotation)
    if x.ndim == 0 or x.shape[-1] % n:
        rule = f"the last axis must be cut into blocks of {n}"
        raise QuantlibError(rule, f"shape {tuple(x.shape)}", "take a smaller rotation: 384 = 3 x 128")
    blocks = x.to(compute_dtype(x)).reshape(*x.shape[:-1], x.shape[-1] // n, n)
    return (blocks @ rotation.to(blocks)).reshape(x.shape).to(x.dtype)
