"""The exercises of notebook 01: to codes, and back."""

import torch

import quantlib
from quantlib.lab.cases import CODES_OF_T, OTHER_RULERS, SEED, random_reals, singles
from quantlib.lab.exercise import Exercise
from quantlib.lab.learner import codes_problem

from .mistakes import known

quantize = Exercise(
    "quantize",
    "f(x, s, z) returns the int8 codes of x",
    parameters=("x", "s", "z"),
    reference=quantlib.quantize,
    cases=(
        *singles(torch.float32, (0.0, 1.0, 0), (1.0, 1.0, 0), (0.4, 1.0, 0), (0.6, 1.0, 0), (-0.6, 1.0, 0)),
        *singles(torch.float32, (0.0, 1.0, 1), (2.0, 1.0, 0), (2.0, 2.0, 0), (0.0, 2.0, 2), (0.25, 0.25, 0)),
        *singles(torch.float32, (6.0, 1.0, 2), (6.0, 2.0, 2)),
        *singles(torch.float32, (128.0, 1.0, 0), (-129.0, 1.0, 0), (-128.0, 1.0, 0), (127.0, 1.0, 1)),
        *singles(torch.float32, (-128.0, 1.0, -1), (128.0, 1.0, -1), (127.25, 1.0, 0), (300.0, 1.0, 0)),
        *singles(torch.float32, (70000.0, 1000.0, 0)),  # beyond float16, in which some compute
        SEED,
        *OTHER_RULERS,
        *random_reals(),
    ),
    seen=SEED,
    hints=(
        "Divide x by s, add z, round, clamp to [-128, 127], cast to int8: in this order.",
        "torch.round, torch.clamp and .to(torch.int8) are what you need.",
    ),
    codes=True,
    known=known["quantize"],
    usable=codes_problem,
)

dequantize = Exercise(
    "dequantize",
    "f(q, s, z) returns the real numbers that the codes q stand for",
    parameters=("q", "s", "z"),
    reference=quantlib.dequantize,
    cases=(
        *singles(torch.int8, (0, 1.0, 0), (1, 1.0, 0), (1, 1.0, 1), (0, 1.0, 1), (1, 2.0, 0), (0, 2.0, 1)),
        *singles(torch.int8, (1, 0.5, 0), (127, 1.0, -1), (-128, 1.0, 1), (127, 1.0, -128)),
        CODES_OF_T,
        *((CODES_OF_T[0], s, z) for _, s, z in OTHER_RULERS),
        *((quantlib.quantize(x, s, z), s, z) for x, s, z in random_reals()),
    ),
    seen=CODES_OF_T,
    hints=(
        "Undo the steps in reverse order: subtract z, then multiply by s.",
        "Convert q to float first: in int8 the difference need not fit.",
    ),
    known=known["dequantize"],
)
