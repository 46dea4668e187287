"""The exercises of notebook 02: a clamp, and the two parts of an error."""

from typing import Any

import torch
from torch import Tensor

import quantlib
from quantlib.lab.cases import OTHER_RULERS, SEED, random_integers, random_reals, singles
from quantlib.lab.exercise import Exercise
from quantlib.lab.learner import reals_problem, two_tensors

from .mistakes import known

_BEFORE_CLAMP = (quantlib.unclamped_codes(*SEED), -128, 127)

clamp = Exercise(
    "clamp",
    "f(v, quant_min, quant_max) returns v, with what is beyond the bounds moved to them",
    parameters=("v", "quant_min", "quant_max"),
    reference=lambda v, quant_min, quant_max: v.clamp(quant_min, quant_max),
    cases=(
        *singles(torch.float32, (0.0, -1, 1), (2.0, -1, 1), (-2.0, -1, 1), (1.0, -1, 1), (-1.0, -1, 1), (0.25, -1, 1)),
        *singles(torch.float32, (2.0, -1, 3), (-2.0, -3, 1), (-1.0, 0, 15), (16.0, 0, 15), (-9.0, -8, 7)),
        *singles(torch.float32, (128.0, -128, 127), (-129.0, -128, 127), (300.0, 0, 255)),
        *singles(torch.float32, (2049.0, -4000, 4000), (-0.75, -8, 7), (6.6, -8, 7)),
        *singles(torch.int32, (0, -8, 7), (8, -8, 7), (-9, -8, 7), (128, -128, 127), (-129, -128, 127)),
        _BEFORE_CLAMP,
        *((v, low, high) for v in random_integers(-300, 300) for low, high in ((-128, 127), (0, 255), (-8, 7))),
        *((v.float(), low, high) for v in random_integers(-300, 300) for low, high in ((-127, 127), (-128, 100))),
        *((x, -128, 127) for x, *_ in random_reals()),
    ),
    seen=_BEFORE_CLAMP,
    hints=(
        "What is below quant_min becomes quant_min, what is above quant_max becomes quant_max, the rest stays.",
        "torch.where(v > quant_max, quant_max, v) does one end.",
    ),
    known=known["clamp"],
)


def parts_problem(value: Any, x: Tensor, *_: object) -> str:
    """Say why a value cannot be (clip, round) of x, or return "" if it can: two float tensors of x's shape."""
    parts = two_tensors(value)
    return parts if isinstance(parts, str) else next(filter(None, (reals_problem(part, x) for part in parts)), "")


split_error = Exercise(
    "split_error",
    "f(x, s, z) returns (clip, round), the two parts of the error on the int8 grid",
    parameters=("x", "s", "z"),
    reference=quantlib.split_error,
    cases=(
        *singles(torch.float32, (0.0, 1.0, 0), (0.25, 1.0, 0), (-0.25, 1.0, 0), (2.5, 2.0, 0), (0.25, 1.0, 1)),
        *singles(torch.float32, (128.0, 1.0, 0), (-130.0, 1.0, 0), (126.75, 1.0, 0), (127.25, 1.0, 0)),
        *singles(torch.float32, (127.0, 1.0, 1), (128.25, 1.0, 0), (-128.25, 1.0, 0), (260.0, 2.0, 0)),
        *singles(torch.float32, (70100.0, 1000.0, 0), (1e-6, 8e-7, 0)),
        SEED,
        *OTHER_RULERS,
        *random_reals(),
    ),
    seen=SEED,
    hints=(
        "Compute the code before any clamp, round(x / s + z), and look where it is outside [-128, 127].",
        "The error is x - x_hat. Put it into clip where the code is outside, into round elsewhere, and 0 in the other.",
    ),
    unpack=two_tensors,
    known=known["split_error"],
    usable=parts_problem,
)
