"""What a notebook needs beside the maths: figures, explorers, predictions and checks."""

from .checks import (
    check_best_alpha,
    check_best_rounding,
    check_bits_per_weight,
    check_choose_qparams,
    check_clamp,
    check_dequantize,
    check_fake_quantize,
    check_group_scales,
    check_l2,
    check_max_abs,
    check_percentile,
    check_quantize,
    check_round_half_away,
    check_row_scales,
    check_split_error,
    check_sqnr,
    check_step,
    check_stochastic_round,
    check_symmetric,
    check_widen,
    check_wrap,
    check_zero,
)
from .choosing import draw_conventions, draw_share, draw_three_rulers, draw_without_zero, explore_walk
from .clipping import draw_split, explore_split
from .contest import draw_contest, explore_contest
from .draws import draw_updates, explore_draws
from .ends import draw_clamp_and_wrap, draw_end, draw_free, draw_reach
from .exhibits import draw_scores
from .explore import Explorer, Slider
from .explorers import explore_affine, explore_range
from .figures import draw_matrices, draw_ruler, draw_staircase, draw_trace
from .granularity import draw_groups, explore_groups
from .hearing import draw_hearing, draw_suspects, explore_hearing
from .hunt import draw_bug
from .inputs import check_choose_qparams_inputs, check_quantize_inputs
from .landscape import draw_landscape, explore_landscape
from .methods import draw_methods, explore_methods
from .norms import draw_growth, draw_ranking, draw_row_sqnr, draw_two_errors, draw_wrong_scale, explore_ranking
from .outputs import draw_decisions, draw_pair, draw_search, explore_pair
from .overflow import draw_circle, draw_factor, draw_repairs, draw_sawtooth, draw_there_and_back, explore_factor
from .predict import predict
from .ranges import draw_clip, draw_decibels, draw_two_clips, explore_clip
from .rulers import draw_formats
from .ties import draw_orders, draw_rules, explore_rules
from .tilings import draw_row_spread, draw_tiles

__all__ = [
    "Explorer",
    "Slider",
    "check_best_alpha",
    "check_best_rounding",
    "check_bits_per_weight",
    "check_choose_qparams",
    "check_choose_qparams_inputs",
    "check_clamp",
    "check_dequantize",
    "check_fake_quantize",
    "check_group_scales",
    "check_l2",
    "check_max_abs",
    "check_percentile",
    "check_quantize",
    "check_quantize_inputs",
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
    "draw_bug",
    "draw_circle",
    "draw_clamp_and_wrap",
    "draw_clip",
    "draw_contest",
    "draw_conventions",
    "draw_decibels",
    "draw_decisions",
    "draw_end",
    "draw_factor",
    "draw_formats",
    "draw_free",
    "draw_groups",
    "draw_growth",
    "draw_hearing",
    "draw_landscape",
    "draw_matrices",
    "draw_methods",
    "draw_orders",
    "draw_pair",
    "draw_ranking",
    "draw_reach",
    "draw_repairs",
    "draw_row_spread",
    "draw_row_sqnr",
    "draw_ruler",
    "draw_rules",
    "draw_sawtooth",
    "draw_scores",
    "draw_search",
    "draw_share",
    "draw_split",
    "draw_staircase",
    "draw_suspects",
    "draw_there_and_back",
    "draw_three_rulers",
    "draw_tiles",
    "draw_trace",
    "draw_two_clips",
    "draw_two_errors",
    "draw_updates",
    "draw_without_zero",
    "draw_wrong_scale",
    "explore_affine",
    "explore_clip",
    "explore_contest",
    "explore_draws",
    "explore_factor",
    "explore_groups",
    "explore_hearing",
    "explore_landscape",
    "explore_methods",
    "explore_pair",
    "explore_range",
    "explore_ranking",
    "explore_rules",
    "explore_split",
    "explore_walk",
    "predict",
]
