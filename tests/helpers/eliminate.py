"""GPTQ as one first writes it: an inverse from which every column that is done is eliminated."""

import torch
from torch import Tensor


def eliminate(w: Tensor, hessian: Tensor, scale: Tensor, quant_max: int) -> Tensor:
    """The codes of w, column by column."""
    left, inverse = w.double().clone(), torch.linalg.inv(hessian)
    steps, codes = scale.double().expand_as(left), torch.zeros_like(left)
    for j in range(w.shape[1]):
        codes[:, j] = (left[:, j] / steps[:, j]).round().clamp(-quant_max, quant_max)
        error = left[:, j] - codes[:, j] * steps[:, j]
        left -= error[:, None] * inverse[j] / inverse[j, j]
        inverse -= inverse[:, j : j + 1] * inverse[j] / inverse[j, j]
    return codes.to(torch.int8)
