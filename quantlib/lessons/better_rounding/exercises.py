"""The exercises of notebook 14: the error of an output, passing an error on, and what weighs it."""

from typing import Any

import numpy
import torch
from torch import Tensor

from quantlib.data import T
from quantlib.lab.exercise import Exercise
from quantlib.lab.learner import number_problem, one_number, tensor_problem

from .mistakes import damped, known, passed_on, relative_error


def hessian_problem(value: Any, x: Tensor, damp: float) -> str:
    """Say why a value cannot be a damped hessian of the columns of x, or return ""."""
    problem, n = tensor_problem(value), x.shape[-1]
    if problem or tuple(value.shape) != (n, n):
        return problem or f"returned shape {tuple(value.shape)}, not {(n, n)}"
    if not value.is_floating_point():
        return f"returned {value.dtype}, not floating-point numbers"
    if not bool(value.isfinite().all()):
        return "returned NaN or infinity"
    failed = damp > 0 and torch.linalg.cholesky_ex(value.detach().double())[1].item()
    return "returned a matrix that has no inverse, or no root" if failed else ""


def moved_problem(value: Any, w: Tensor, *_: object) -> str:
    """Say why a value cannot be moved weights, or return ""."""
    problem = tensor_problem(value)
    if problem or value.shape != w.shape:
        return problem or f"returned shape {tuple(value.shape)} for weights of shape {tuple(w.shape)}"
    if not value.is_floating_point():
        return f"returned {value.dtype}, not floating-point numbers"
    return "" if bool(value.isfinite().all()) else "returned NaN or infinity"


def _rows(*rows: list[float]) -> Tensor:
    return torch.tensor(rows)


def _random(seed: int, *shape: int) -> Tensor:
    return torch.tensor(numpy.random.RandomState(seed).normal(size=shape)).float()


_SEEN_ERROR = (_rows([1.0, 2.0]), _rows([1.0, 1.0]), _rows([2.0, 1.0]))
output_error = Exercise(
    "output_error",
    "f(w, w_hat, x) returns the sum of the squared errors of x @ w.T over the sum of its squares",
    parameters=("w", "w_hat", "x"),
    reference=relative_error,
    cases=(
        (_rows([2.0]), _rows([1.0]), _rows([1.0])),
        (_rows([1.0]), _rows([-1.0]), _rows([1.0])),
        (_rows([2.0, 2.0]), _rows([1.0, 3.0]), _rows([1.0, 1.0])),
        _SEEN_ERROR,
        (_rows([2.0]), _rows([1.0]), _rows([1.0], [-1.0], [3.0])),
        (_rows([3.0, 1.0]), _rows([2.0, 1.0]), torch.eye(2)),
        (_rows([2.0, 1.0], [0.0, 1.0]), _rows([1.0, 1.0], [0.0, 1.0]), _rows([1.0, 3.0])),
        (T, (T / 39.0).round() * 39.0, _random(0, 4, 3)),
        *((_random(k, *shape), _random(k + 9, *shape), _random(k + 5, 6, shape[1])) for k, shape in ((1, (3, 4)),)),
        (_random(2, 5, 5), _random(3, 5, 5), _random(4, 5, 5)),
    ),
    seen=_SEEN_ERROR,
    hints=(
        "x @ w.T holds the outputs, a row for each input. x @ (w - w_hat).T holds their errors.",
        "Square the errors and add all of them up: .square().sum(). Do the same with the outputs.",
        "Divide the first sum by the second.",
    ),
    known=known["output_error"],
    usable=number_problem,
    unpack=one_number,
)

_H2, _H3 = _rows([2.0, 1.0], [1.0, 4.0]), _rows([3.0, 1.0, -1.0], [1.0, 2.0, 0.5], [-1.0, 0.5, 4.0])
_SEEN_MOVE = (_rows([1.5, 1.0]), 0, torch.tensor([1.0]), _H2)


def _some_inverse(seed: int, n: int) -> Tensor:
    return damped(_random(seed, 2 * n, n), 0.1)


make_up = Exercise(
    "make_up",
    "f(w, j, q, h_inv) returns w with column j set to q, and its error passed on to the columns after j",
    parameters=("w", "j", "q", "h_inv"),
    reference=passed_on,
    cases=(
        (_rows([1.0]), 0, torch.tensor([2.0]), _rows([3.0])),
        (_rows([1.0, 0.0]), 0, torch.tensor([0.0]), _H2),
        (_rows([2.0, 0.0]), 0, torch.tensor([1.0]), _H2),
        _SEEN_MOVE,
        (_rows([0.0, 1.0]), 1, torch.tensor([2.0]), _H2),
        (_rows([0.5, 1.0, 2.0]), 0, torch.tensor([0.0]), _H3),
        (_rows([0.5, 1.4, 2.0], [1.0, -0.3, 0.2]), 1, torch.tensor([1.0, 0.0]), _H3),
        (T, 0, (T[:, 0] / 100).round() * 100, _H3),
        (_random(0, 4, 5), 2, _random(1, 4), _some_inverse(2, 5)),
        (_random(3, 4, 4), 1, _random(4, 4), _some_inverse(5, 4)),
    ),
    seen=_SEEN_MOVE,
    hints=(
        "new = w.clone() is a matrix that you may change. Set new[:, j] = q, and return new at the end.",
        "error = w[:, j] - q has one number a row; error[:, None] makes a column of it.",
        "new[:, j + 1:] -= error[:, None] * h_inv[j, j + 1:] / h_inv[j, j]",
    ),
    known=known["make_up"],
    usable=moved_problem,
)

_SEEN_HESSIAN = (_rows([1.0, 2.0], [1.0, 0.0]), 0.1)
hessian = Exercise(
    "hessian",
    "f(x, damp) returns x.T @ x / rows, with damp times the mean of its diagonal added to the diagonal",
    parameters=("x", "damp"),
    reference=damped,
    cases=(
        (_rows([2.0]), 0.0),
        (_rows([2.0]), 0.5),
        (_rows([2.0], [0.0]), 0.5),
        (_rows([2.0, 0.0]), 0.5),
        (_rows([1.0, 1.0]), 0.0),
        (_rows([1.0, -1.0], [1.0, 1.0], [3.0, 0.0]), 0.01),
        _SEEN_HESSIAN,
        (T, 0.1),
        (_random(0, 6, 4), 0.01),
        (_random(1, 3, 5), 1.0),
        (_random(2, 4, 4), 0.1),
    ),
    seen=_SEEN_HESSIAN,
    hints=(
        "H = x.T @ x / len(x): for each two columns the mean of their product.",
        "H.diagonal().mean() is one number. damp times it is added to the diagonal alone.",
        "return H + damp * H.diagonal().mean() * torch.eye(len(H))",
    ),
    known=known["hessian"],
    usable=hessian_problem,
)
