"""A layer of 16 weights and its training, on numbers drawn once: for the card about observers and fake-quantizers."""

from collections.abc import Callable
from functools import cache

import numpy
import torch
from torch import Tensor

STEPS = 300


@cache
def _examples() -> tuple[Tensor, Tensor]:
    """Return inputs that have something in common, (256, 16), and what a layer should make of them, (256,)."""
    draw = numpy.random.RandomState(0)
    inputs = torch.tensor(draw.normal(size=(256, 1)) + draw.normal(size=(256, 16))).float()
    return inputs, inputs @ torch.tensor(draw.uniform(-1, 1, 16)).float()


def loss(w: Tensor) -> Tensor:
    """Return the mean squared error of a layer with these 16 weights."""
    inputs, wanted = _examples()
    return (inputs @ w - wanted).square().mean()


def train(layer: Callable[[Tensor], Tensor], w: Tensor) -> Tensor:
    """Return the weights with the smallest loss that gradient descent finds from w on, as the layer passes them on."""
    tried = [w]
    for k in range(STEPS):
        w = tried[-1].requires_grad_()
        (slope,) = torch.autograd.grad(loss(layer(w)), w)
        tried.append(w.detach() - 0.02 * (1 - k / STEPS) * slope)
    return min(tried, key=lambda w: loss(layer(w)).item()).detach()
