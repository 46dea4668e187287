"""The exercises of notebook 15: rounding with a gradient, the same with a scale and ends, and a step of training."""

from typing import Any

import numpy
import torch
from torch import Tensor

from quantlib.data import T
from quantlib.lab.exercise import Exercise
from quantlib.lab.learner import Parts, tensor_problem

from .mistakes import known, quantizes_with_slope_one, rounds_with_slope_one, steps_with_rounding


def value_and_gradient(value: Any) -> Parts | str:
    """Return a result and the gradient of its sum by the tensor that it comes from; 0 if it comes from none."""
    problem = tensor_problem(value)
    if problem:
        return problem
    leaf = _leaf(value.grad_fn)
    if leaf is None:
        return value.detach(), torch.zeros(()).to(value).expand(value.shape)
    (gradient,) = torch.autograd.grad(value.sum(), leaf, retain_graph=True)
    return value.detach(), gradient


def _leaf(node: Any) -> Tensor | None:
    """Return the tensor at the end of a graph of gradients."""
    waiting = [node]
    while waiting:
        node = waiting.pop()
        if hasattr(node, "variable"):
            found: Tensor = node.variable
            return found
        waiting += [before for before, _ in node.next_functions] if node is not None else []
    return None


def _learned(values: Any) -> Tensor:
    """Return a tensor of weights that are trained."""
    return torch.as_tensor(values).float().clone().requires_grad_()


def _between(shape: tuple[int, ...], seed: int, reach: int = 9) -> Tensor:
    """Return numbers that are at most 0.4 from an integer."""
    draw = numpy.random.RandomState(seed)
    return torch.tensor(draw.randint(-reach, reach + 1, shape) + draw.uniform(-0.4, 0.4, shape)).float()


_SEEN = (_learned([0.2, 0.6, 1.4, -1.8]),)
straight_round = Exercise(
    "straight_round",
    "f(v) returns v rounded to integers, and lets the gradient pass as if nothing had been rounded",
    parameters=("v",),
    reference=rounds_with_slope_one,
    cases=(
        *((_learned([v]),) for v in (0.0, 0.6, 1.0, -0.6, -1.7, 2.3)),
        _SEEN,
        (_learned(T / 7),),
        *((_learned(_between(shape, seed)),) for seed, shape in enumerate(((5,), (2, 3, 4)))),
    ),
    seen=_SEEN,
    hints=(
        "v.round() has the right values and the gradient 0, v has the wrong values and the gradient 1.",
        "v + (v.round() - v) has the values of v.round(). What must be a constant for the gradient?",
        "What .detach() returns is a constant for the gradient: (v.round() - v).detach().",
    ),
    known=known["straight_round"],
    unpack=value_and_gradient,
)


def _not_past_a_code(shape: tuple[int, ...], seed: int) -> Tensor:
    """Return numbers of which none lies between the last code and its tie: there, conventions of the slope differ."""
    v = _between(shape, seed, 5)
    return torch.minimum(v.abs(), v.abs().round()) * v.sign()


_WEIGHTS = (_learned([0.1, 0.2, -0.4, 0.9]), 0.25, 1)
_BEYOND = [_learned(0.25 * _not_past_a_code(shape, 3 + seed)) for seed, shape in enumerate(((7,), (3, 4)))]
straight_quantize = Exercise(
    "straight_quantize",
    "f(w, s, top) returns w quantized to codes from -top to top and dequantized, with a gradient of 1 on the grid",
    parameters=("w", "s", "top"),
    reference=quantizes_with_slope_one,
    cases=(
        *((_learned([w]), s, top) for w, s, top in ((0.0, 1.0, 1), (0.6, 1.0, 1), (0.3, 0.5, 1), (-0.3, 0.5, 3))),
        *((_learned([w]), s, top) for w, s, top in ((1.0, 0.5, 1), (-1.2, 0.5, 1), (5.0, 0.5, 3), (3.1, 2.0, 7))),
        _WEIGHTS,
        *((w, 0.25, top) for w, top in zip(_BEYOND, (3, 1), strict=True)),
        (_learned(_between((3, 4), 9, 2)), 1.0, 3),
    ),
    seen=_WEIGHTS,
    hints=(
        "Divide by s, round with my_straight_round, clamp, multiply by s.",
        ".clamp(-top, top) has the gradient 1 inside of its ends, and 0 beyond them: no further work.",
    ),
    known=known["straight_quantize"],
    unpack=value_and_gradient,
)


def _regression(seed: int, rows: int, columns: int, s: float) -> tuple[Tensor, Tensor, Tensor, float, float]:
    """Return weights, inputs and outputs at random, for a step of 0.1."""
    draw = numpy.random.RandomState(seed)
    x, y = (torch.tensor(draw.randint(-4, 5, shape) / 2).float() for shape in ((rows, columns), (rows,)))
    return s * _between((columns,), seed, 2), x, y, s, 0.1


def _one(w: float, x: float, y: float, s: float, lr: float) -> tuple[Tensor, Tensor, Tensor, float, float]:
    return torch.tensor([w]), torch.tensor([[x]]), torch.tensor([y]), s, lr


_FIRST = _one(0.4, 1.0, 0.3, 1.0, 0.1)
train_step = Exercise(
    "train_step",
    "f(w, x, y, s, lr) returns w after one step against the gradient of mean((x @ w_hat - y) ** 2) at w_hat",
    parameters=("w", "x", "y", "s", "lr"),
    reference=steps_with_rounding,
    cases=(
        _FIRST,
        *(_one(*case) for case in ((0.4, 2.0, 1.0, 1.0, 0.1), (0.7, 1.0, 0.3, 1.0, 0.1), (0.3, 1.0, 1.0, 0.25, 0.05))),
        (torch.tensor([0.4]), torch.tensor([[1.0], [2.0]]), torch.tensor([1.0, 0.5]), 1.0, 0.1),
        *(_regression(seed, *shape) for seed, shape in enumerate(((3, 2, 0.5), (8, 4, 0.25), (5, 5, 2.0)))),
    ),
    seen=_FIRST,
    hints=(
        "w_hat = s * (w / s).round() is what the layer computes with: the error is x @ w_hat - y.",
        "The gradient at w_hat is 2 * x.T @ error / len(y).",
        "Rounding is taken to have slope 1, so w moves by it: w - lr * gradient.",
    ),
    known=known["train_step"],
)
