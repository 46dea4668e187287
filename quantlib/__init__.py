"""Quantization in plain PyTorch: small functions, one convention, r = s (q - z)."""

from .affine import dequantize, fake_quantize, quantize, unclamped_codes
from .calibration import (
    AciqObserver,
    EntropyObserver,
    Histogram,
    MinMaxObserver,
    MseObserver,
    PercentileObserver,
    aciq_alpha,
    aciq_mse,
    choose_aciq,
    choose_entropy,
    choose_mse,
    choose_percentile,
    entropy_curve,
    mse_curve,
)
from .errors import QuantlibError
from .grids import grid, wrap
from .groups import from_groups, to_groups
from .metrics import (
    ErrorParts,
    cosine_similarity,
    l1_error,
    l2_error,
    max_error,
    mse,
    rmse,
    split_error,
    sqnr_db,
)
from .qparams import QParams, choose_qparams
from .rounding import round_floor, round_half_away, round_half_even, round_stochastic, round_truncate

__all__ = [
    "AciqObserver",
    "EntropyObserver",
    "ErrorParts",
    "Histogram",
    "MinMaxObserver",
    "MseObserver",
    "PercentileObserver",
    "QParams",
    "QuantlibError",
    "aciq_alpha",
    "aciq_mse",
    "choose_aciq",
    "choose_entropy",
    "choose_mse",
    "choose_percentile",
    "choose_qparams",
    "cosine_similarity",
    "dequantize",
    "entropy_curve",
    "fake_quantize",
    "from_groups",
    "grid",
    "l1_error",
    "l2_error",
    "max_error",
    "mse",
    "mse_curve",
    "quantize",
    "rmse",
    "round_floor",
    "round_half_away",
    "round_half_even",
    "round_stochastic",
    "round_truncate",
    "split_error",
    "sqnr_db",
    "to_groups",
    "unclamped_codes",
    "wrap",
]
