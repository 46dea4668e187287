"""The checks that the notebooks use: each is a short declaration, and each module has those of one subject."""

from ..check import Check
from . import choosing, granularity, ranges, rounding, ruler
from .choosing import check_choose_qparams, check_symmetric, check_widen
from .granularity import check_bits_per_weight, check_group_scales, check_row_scales
from .ranges import check_best_alpha, check_fake_quantize, check_percentile
from .rounding import check_best_rounding, check_round_half_away, check_stochastic_round
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

CHECKS = {
    check.deed: check
    for module in (choosing, granularity, ranges, rounding, ruler)
    for check in vars(module).values()
    if isinstance(check, Check)
}

__all__ = [
    "CHECKS",
    "check_best_alpha",
    "check_best_rounding",
    "check_bits_per_weight",
    "check_choose_qparams",
    "check_clamp",
    "check_dequantize",
    "check_fake_quantize",
    "check_group_scales",
    "check_l2",
    "check_max_abs",
    "check_percentile",
    "check_quantize",
    "check_round_half_away",
    "check_row_scales",
    "check_split_error",
    "check_sqnr",
    "check_step",
    "check_stochastic_round",
    "check_symmetric",
    "check_widen",
    "check_wrap",
    "check_zero",
]
