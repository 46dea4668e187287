"""The checks that the notebooks use: each is a short declaration, and each module has those of one subject."""

from ..check import Check
from . import ruler
from .ruler import (
    check_clamp,
    check_dequantize,
    check_l2,
    check_max_abs,
    check_quantize,
    check_split_error,
    check_sqnr,
    check_step,
    check_wrap,
    check_zero,
)

CHECKS = {check.deed: check for module in (ruler,) for check in vars(module).values() if isinstance(check, Check)}

__all__ = [
    "CHECKS",
    "check_clamp",
    "check_dequantize",
    "check_l2",
    "check_max_abs",
    "check_quantize",
    "check_split_error",
    "check_sqnr",
    "check_step",
    "check_wrap",
    "check_zero",
]
