"""The checks of Part I: codes, clamps, wraps, scales and error measures."""

import torch

from ...affine import dequantize, quantize, unclamped_codes
from ...grids import wrap
from ...metrics import l2_error, split_error, sqnr_db
from ...qparams import choose_qparams
from ..check import Arguments, Check, Function, number, pair
from ..verdict import Verdict
from .cases import SEED, T, random_integers, random_pairs, random_reals, singles, values


def check_quantize(function: Function) -> Verdict:
    """Say whether f(x, s, z) returns the int8 codes of x."""
    return _QUANTIZE(function)


def check_dequantize(function: Function) -> Verdict:
    """Say whether f(q, s, z) returns the real numbers that the codes q stand for."""
    return _DEQUANTIZE(function)


def check_clamp(function: Function) -> Verdict:
    """Say whether f(v, quant_min, quant_max) returns v, with what is beyond the bounds moved to them."""
    return _CLAMP(function)


def check_split_error(function: Function) -> Verdict:
    """Say whether f(x, s, z) returns (clip, round), the two parts of the error on the int8 grid."""
    return _SPLIT_ERROR(function)


def check_wrap(function: Function) -> Verdict:
    """Say whether f(v) returns the int8 codes that remain of integers in two's complement."""
    return _WRAP(function)


def check_max_abs(function: Function) -> Verdict:
    """Say whether f(x) returns the symmetric scale, max|x| / 127."""
    return _MAX_ABS(function)


def check_step(function: Function) -> Verdict:
    """Say whether f(x) returns the distance of 256 marks that reach from the smallest to the largest value of x."""
    return _STEP(function)


def check_zero(function: Function) -> Verdict:
    """Say whether f(x) returns the code nearest to 0.0 on these 256 marks, which begin with the code -128."""
    return _ZERO(function)


def check_l2(function: Function) -> Verdict:
    """Say whether f(x, x_hat) returns the L2 norm of the error."""
    return _L2(function)


def check_sqnr(function: Function) -> Verdict:
    """Say whether f(x, x_hat) returns the signal-to-quantization-noise ratio in decibels."""
    return _SQNR(function)


_RULER: list[Arguments] = [(T, 7.0, -70), (T, 3.5, 0)]  # T again, with another s, with another z

_QUANTIZE = Check(
    "quantize",
    ("x", "s", "z"),
    quantize,
    (
        *singles(torch.float32, (0.0, 1.0, 0), (1.0, 1.0, 0), (0.4, 1.0, 0), (0.6, 1.0, 0), (-0.6, 1.0, 0)),
        *singles(torch.float32, (0.0, 1.0, 1), (2.0, 1.0, 0), (2.0, 2.0, 0), (0.0, 2.0, 2), (0.25, 0.25, 0)),
        *singles(torch.float32, (128.0, 1.0, 0), (-129.0, 1.0, 0), (-128.0, 1.0, 0), (127.0, 1.0, 1)),
        *singles(torch.float32, (-128.0, 1.0, -1), (128.0, 1.0, -1), (127.25, 1.0, 0), (300.0, 1.0, 0)),
        SEED,
        *_RULER,
        *random_reals(),
    ),
    SEED,
    (
        "Divide x by s, add z, round, clamp to [-128, 127], cast to int8: in this order.",
        "torch.round, torch.clamp and .to(torch.int8) are what you need.",
    ),
    codes=True,
)

_CODES_OF_T = (quantize(*SEED), *SEED[1:])
_DEQUANTIZE = Check(
    "dequantize",
    ("q", "s", "z"),
    dequantize,
    (
        *singles(torch.int8, (0, 1.0, 0), (1, 1.0, 0), (1, 1.0, 1), (0, 1.0, 1), (1, 2.0, 0), (0, 2.0, 1)),
        *singles(torch.int8, (1, 0.5, 0), (127, 1.0, -1), (-128, 1.0, 1), (127, 1.0, -128)),
        _CODES_OF_T,
        *((_CODES_OF_T[0], s, z) for _, s, z in _RULER),
        *((quantize(x, s, z), s, z) for x, s, z in random_reals()),
    ),
    _CODES_OF_T,
    (
        "Undo the steps in reverse order: subtract z, then multiply by s.",
        "Convert q to float first: in int8 the difference need not fit.",
    ),
)

_BEFORE_CLAMP = (unclamped_codes(*SEED), -128, 127)
_CLAMP = Check(
    "clamp",
    ("v", "quant_min", "quant_max"),
    lambda v, quant_min, quant_max: v.clamp(quant_min, quant_max),
    (
        *singles(torch.float32, (0.0, -1, 1), (2.0, -1, 1), (-2.0, -1, 1), (1.0, -1, 1), (-1.0, -1, 1), (0.25, -1, 1)),
        *singles(torch.float32, (2.0, -1, 3), (-2.0, -3, 1), (-1.0, 0, 15), (16.0, 0, 15), (-9.0, -8, 7)),
        *singles(torch.float32, (128.0, -128, 127), (-129.0, -128, 127), (300.0, 0, 255)),
        *singles(torch.int32, (0, -8, 7), (8, -8, 7), (-9, -8, 7), (128, -128, 127), (-129, -128, 127)),
        _BEFORE_CLAMP,
        *((v, low, high) for v in random_integers(-300, 300) for low, high in ((-128, 127), (0, 255), (-8, 7))),
        *((v.float(), low, high) for v in random_integers(-300, 300) for low, high in ((-127, 127), (-128, 100))),
        *((x, -128, 127) for x, *_ in random_reals()),
    ),
    _BEFORE_CLAMP,
    (
        "What is below quant_min becomes quant_min, what is above quant_max becomes quant_max, the rest stays.",
        "torch.where(v > quant_max, quant_max, v) does one end.",
    ),
)

_SPLIT_ERROR = Check(
    "split_error",
    ("x", "s", "z"),
    split_error,
    (
        *singles(torch.float32, (0.0, 1.0, 0), (0.25, 1.0, 0), (-0.25, 1.0, 0), (2.5, 2.0, 0), (0.25, 1.0, 1)),
        *singles(torch.float32, (128.0, 1.0, 0), (-130.0, 1.0, 0), (126.75, 1.0, 0), (127.25, 1.0, 0)),
        *singles(torch.float32, (127.0, 1.0, 1), (128.25, 1.0, 0), (-128.25, 1.0, 0), (260.0, 2.0, 0)),
        SEED,
        *_RULER,
        *random_reals(),
    ),
    SEED,
    (
        "Compute the code before any clamp, round(x / s + z), and look where it is outside [-128, 127].",
        "The error is x - x_hat. Put it into clip where the code is outside, into round elsewhere, and 0 in the other.",
    ),
    unpack=pair,
)

_NAIVE = ((T / 728.6 * 255).round(),)
_WRAP = Check(
    "wrap",
    ("v",),
    wrap,
    (
        *singles(torch.float32, (0.0,), (1.0,), (-1.0,), (127.0,), (128.0,), (-128.0,), (-129.0,)),
        *singles(torch.float32, (255.0,), (256.0,), (-256.0,), (384.0,), (-385.0,), (1000.0,)),
        _NAIVE,
        *((v.float(),) for v in random_integers(-1000, 1000)),
    ),
    _NAIVE,
    (
        "8 bits tell 256 integers apart, so what remains is v modulo 256.",
        "torch.remainder(v, 256) is from 0 to 255. Which of these does int8 show as negative numbers?",
    ),
    codes=True,
)

_T_ALONE = (T,)
_MAX_ABS = Check(
    "max_abs",
    ("x",),
    lambda x: choose_qparams(x, symmetric=True).scale,
    (
        *values([[127.0]], [[1.0]], [[-127.0]], [[-2.0, 1.0]], [[1.0, 2.0]], [[-1.0, 3.0]], [[1000.0, -1.0]]),
        _T_ALONE,
        (-2 * T,),
        *((x,) for x, *_ in random_reals()),
    ),
    _T_ALONE,
    (
        "Which value is furthest from 0, on either side? It should get the code 127 or -127.",
        "x.abs() before .max(), then divide by 127.",
    ),
    unpack=number,
)

_SPANS = ((0.0, 255.0), (-254.0, 256.0), (-2.0, 253.0), (-510.0, 0.0), (-1.0, 50.0), (-128.0, 127.0))
_RANGES: tuple[Arguments, ...] = (
    *values(*([span] for span in _SPANS)),
    _T_ALONE,
    (-2 * T,),
    *((x.flatten()[:4].abs() * torch.tensor([1.0, -1.0, 1.0, -1.0]),) for x, *_ in random_reals()[:6]),
)
_STEP = Check(
    "step",
    ("x",),
    lambda x: (x.max() - x.min()) / 255,
    _RANGES,
    _T_ALONE,
    ("How far is it from the first mark to the last? Between 256 marks there are 255 gaps.",),
    unpack=number,
)
_ZERO = Check(
    "zero",
    ("x",),
    lambda x: -128 + (-x.min() / (x.max() - x.min()) * 255).round(),
    _RANGES,
    _T_ALONE,
    ("From the smallest value it is -x.min() / step steps up to 0.0. Round, and count from -128.",),
    unpack=number,
)

_T_AND_BACK = (T, dequantize(*_CODES_OF_T))
_L2 = Check(
    "l2",
    ("x", "x_hat"),
    l2_error,
    (
        *values([[0.0], [0.0]], [[1.0], [0.0]], [[0.0], [2.0]], [[1.0], [3.0]], [[3.0, 4.0], [0.0, 0.0]]),
        *values([[1.0, 2.0], [2.0, 1.0]], [[1.0, 1.0, 1.0], [2.0, 3.0, 0.0]]),
        _T_AND_BACK,
        (T, T + 1),
        *random_pairs([0.01, 1.0]),
    ),
    _T_AND_BACK,
    (
        "The error is x - x_hat. Square each of its entries, add the squares, take the root.",
        "(x - x_hat).square().sum() is what stands under the root.",
    ),
    unpack=number,
)

_SQNR = Check(
    "sqnr",
    ("x", "x_hat"),
    sqnr_db,
    (
        *values([[1.0], [2.0]], [[10.0], [9.0]], [[3.0], [2.0]], [[3.0, 4.0], [3.0, 3.0]], [[1.0, 8.0], [0.0, 8.0]]),
        _T_AND_BACK,
        (T, T + 1),
        *random_pairs([0.01, 0.1, 3.0]),
    ),
    _T_AND_BACK,
    (
        "Two energies: the sum of the squares of x, and the sum of the squares of x - x_hat.",
        "Divide the first by the second, and take 10 log10 of the ratio.",
    ),
    unpack=number,
)
