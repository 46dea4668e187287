"""The exercises of notebook 04: the L2 norm of an error, and the SQNR."""

from collections.abc import Sequence

import quantlib
from quantlib.data import T
from quantlib.lab.cases import CODES_OF_T, random_pairs, values
from quantlib.lab.exercise import Exercise
from quantlib.lab.learner import number_problem, one_number
from quantlib.lab.same import Arguments

from .mistakes import known

_T_AND_BACK = (T, quantlib.dequantize(*CODES_OF_T))


def _vectors_and_matrices(noise: Sequence[float]) -> list[Arguments]:
    """Return random pairs; of three axes none: there torch's spectral norm raises, and could not be named."""
    return [pair for pair in random_pairs(noise) if pair[0].ndim < 3]


l2 = Exercise(
    "l2",
    "f(x, x_hat) returns the L2 norm of the error",
    parameters=("x", "x_hat"),
    reference=quantlib.l2_error,
    cases=(
        *values([[0.0, 0.0], [0.0, 0.0]], [[1.0, 0.0], [0.0, 0.0]], [[0.0], [2.0]], [[3.0, 4.0], [0.0, 0.0]]),
        *values([[1.0, 2.0], [2.0, 1.0]], [[1.0, 1.0, 1.0], [2.0, 3.0, 0.0]]),
        _T_AND_BACK,
        (T, T + 1),
        *_vectors_and_matrices([0.01, 1.0]),
    ),
    seen=_T_AND_BACK,
    hints=(
        "The error is x - x_hat. Square each of its entries, add the squares, take the root.",
        "(x - x_hat).square().sum() is what stands under the root.",
    ),
    unpack=one_number,
    known=known["l2"],
    usable=number_problem,
)

sqnr = Exercise(
    "sqnr",
    "f(x, x_hat) returns the signal-to-quantization-noise ratio in decibels",
    parameters=("x", "x_hat"),
    reference=quantlib.sqnr_db,
    cases=(
        *values([[3.0, 4.0], [3.0, 3.0]], [[1.0, 8.0], [0.0, 8.0]], [[3.0, 1.0], [2.0, 2.0]]),  # these errors cancel
        *values([[10.0, 10.0, 0.0], [9.0, 10.0, 2.0]], [[2.0, 5.0], [2.0, 2.0]], [[3.0], [2.0]]),
        _T_AND_BACK,
        (T, T + 1),
        *random_pairs([0.01, 0.1, 3.0]),
    ),
    seen=_T_AND_BACK,
    hints=(
        "Two energies: the sum of the squares of x, and the sum of the squares of x - x_hat.",
        "Divide the first by the second, and take 10 log10 of the ratio.",
    ),
    unpack=one_number,
    known=known["sqnr"],
    usable=number_problem,
)
