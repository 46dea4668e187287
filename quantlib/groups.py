"""Groups: one more axis, so that every run of `size` neighbours can have a scale of its own."""

import torch
from torch import Tensor

from .errors import QuantlibError
from .grids import check_size, check_tensor, is_integer


def to_groups(x: Tensor, size: int) -> Tensor:
    """Return x with its last axis cut into groups; a last group that is not full is padded with 0.0.

    Zero is in every chosen range, so padding never changes a scale.

    Shapes: x (..., n) gives (..., ceil(n / size), size).
    Args:
        x: a tensor with at least one axis.
        size: the number of neighbours in a group, at least 1.
    Raises:
        QuantlibError: if x has no axis or size is not a positive integer.

    >>> to_groups(torch.tensor([1.0, 2.0, 3.0]), 2).tolist()
    [[1.0, 2.0], [3.0, 0.0]]
    """
    size = check_size(size)
    check_tensor(x)
    if x.ndim == 0:
        raise QuantlibError("groups need at least one axis", "a 0-d tensor", "reshape it: x.reshape(1)")
    missing = -x.shape[-1] % size
    # Padding by nothing gives the same values: it is only slower.
    padded = torch.nn.functional.pad(x, (0, missing)) if missing else x  # pragma: no mutate
    return padded.reshape(*x.shape[:-1], padded.shape[-1] // size, size)


def from_groups(groups: Tensor, length: int) -> Tensor:
    """Return the tensor that `to_groups` cut, without the padding.

    Shapes: groups (..., k, size) gives (..., length).
    Args:
        groups: what `to_groups` returned, or any tensor of its shape.
        length: the size of the original last axis, in ((k - 1) * size, k * size].
    Raises:
        QuantlibError: if groups has fewer than two axes or length does not fit.

    >>> from_groups(torch.tensor([[1.0, 2.0], [3.0, 0.0]]), 3).tolist()
    [1.0, 2.0, 3.0]
    """
    check_tensor(groups)
    if groups.ndim < 2:
        raise QuantlibError("groups have at least two axes", f"{groups.ndim}", "pass what to_groups returned")
    count, size = groups.shape[-2:]
    if not is_integer(length) or -(-int(length) // max(size, 1)) != count:
        rule = f"length must need exactly {count} groups of {size}"
        raise QuantlibError(rule, length, "pass the size of the original last axis")
    return groups.flatten(-2)[..., :length]
