"""Quantization in plain PyTorch: small functions, one convention, r = s (q - z)."""

from .affine import dequantize, fake_quantize, quantize, unclamped_codes
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

__all__ = [
    "ErrorParts",
    "QParams",
    "QuantlibError",
    "choose_qparams",
    "cosine_similarity",
    "dequantize",
    "fake_quantize",
    "from_groups",
    "grid",
    "l1_error",
    "l2_error",
    "max_error",
    "mse",
    "quantize",
    "rmse",
    "split_error",
    "sqnr_db",
    "to_groups",
    "unclamped_codes",
    "wrap",
]
