"""The exercises of notebook 00: the step of a ruler, and its code of 0.0."""

import torch

from quantlib.data import T
from quantlib.lab.cases import T_ALONE, random_reals, values
from quantlib.lab.exercise import Exercise
from quantlib.lab.learner import one_number, step_problem, whole_problem
from quantlib.lab.same import Arguments

from .mistakes import known

_SPANS = (
    (0.0, 255.0), (-254.0, 256.0), (-2.0, 253.0), (-510.0, 0.0), (-1.0, 50.0), (-128.0, 127.0),
    (-0.4, 254.6), (-0.6, 254.4),  # where rounding and cutting off differ
)  # fmt: skip

_RANGES: tuple[Arguments, ...] = (
    *values(*([span] for span in _SPANS)),
    T_ALONE,
    (-2 * T,),
    *((x.flatten()[:4].abs() * torch.tensor([1.0, -1.0, 1.0, -1.0]),) for x, *_ in random_reals()[:6]),
)

step = Exercise(
    "step",
    "f(x) returns the distance of 256 levels that reach from the smallest to the largest value of x",
    parameters=("x",),
    reference=lambda x: (x.max() - x.min()) / 255,
    cases=_RANGES,
    seen=T_ALONE,
    hints=("How far is it from the first level to the last? Between 256 levels there are 255 gaps.",),
    unpack=one_number,
    known=known["step"],
    usable=step_problem,
)

zero = Exercise(
    "zero",
    "f(x) returns the code nearest to 0.0 on these 256 levels, which begin with the code -128",
    parameters=("x",),
    reference=lambda x: -128 + (-x.min() / (x.max() - x.min()) * 255).round(),
    cases=_RANGES,
    seen=T_ALONE,
    hints=("From the smallest value it is -x.min() / step steps up to 0.0. Round, and count from -128.",),
    unpack=one_number,
    known=known["zero"],
    usable=whole_problem,
)
