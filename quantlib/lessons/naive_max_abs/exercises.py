"""The exercises of notebook 03: what remains of integers in 8 bits, and the symmetric scale."""

import torch

import quantlib
from quantlib.data import T
from quantlib.lab.cases import T_ALONE, random_integers, random_reals, singles, values
from quantlib.lab.exercise import Exercise
from quantlib.lab.learner import codes_problem, one_number, step_problem

from .casts import watch_casts
from .mistakes import known

_NAIVE = ((T / 728.6 * 255).round(),)

wrap = Exercise(
    "wrap",
    "f(v) returns the int8 codes that remain of integers in two's complement",
    parameters=("v",),
    reference=quantlib.wrap,
    cases=(
        *singles(torch.float32, (0.0,), (1.0,), (-1.0,), (127.0,), (128.0,), (-128.0,), (-129.0,)),
        *singles(torch.float32, (255.0,), (256.0,), (-256.0,), (384.0,), (-385.0,), (1000.0,)),
        *singles(torch.float32, (100001.0,), (-70001.0,)),
        _NAIVE,
        *((v.float(),) for v in random_integers(-1000, 1000)),
    ),
    seen=_NAIVE,
    hints=(
        "8 bits tell 256 integers apart, so what remains is v modulo 256.",
        "torch.remainder(v, 256) is from 0 to 255. Which of these does int8 show as negative numbers?",
        "Cast last: what is cast must already be one of -128 to 127.",
    ),
    codes=True,
    known=known["wrap"],
    usable=codes_problem,
    watch=watch_casts,
)

max_abs = Exercise(
    "max_abs",
    "f(x) returns the symmetric scale, max|x| / 127",
    parameters=("x",),
    reference=lambda x: quantlib.choose_qparams(x, symmetric=True).scale,
    cases=(
        *values([[127.0]], [[1.0]], [[-127.0]], [[-2.0, 1.0]], [[1.0, 2.0]], [[-1.0, 3.0]], [[1000.0, -1.0]]),
        *values([[3.5, -1.0]], [[0.01, 0.0]], [[-1e-9, 0.0]], [[70000.0, 1.0]]),
        T_ALONE,
        (-2 * T,),
        *((x,) for x, *_ in random_reals()),
    ),
    seen=T_ALONE,
    hints=(
        "Which value is furthest from 0, on either side? It should get the code 127 or -127.",
        "x.abs() before .max(), then divide by 127.",
    ),
    unpack=one_number,
    known=known["max_abs"],
    usable=step_problem,
)
