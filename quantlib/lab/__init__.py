"""What a notebook needs beside the maths: figures, explorers, predictions and checks."""

from .checks import (
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
from .clipping import draw_split, explore_split
from .ends import draw_clamp_and_wrap, draw_end, draw_free, draw_reach
from .explore import Explorer, Slider
from .explorers import explore_affine, explore_range
from .figures import draw_matrices, draw_ruler, draw_staircase, draw_trace
from .landscape import draw_landscape, explore_landscape
from .norms import draw_growth, draw_ranking, draw_row_sqnr, draw_two_errors, draw_wrong_scale, explore_ranking
from .overflow import draw_circle, draw_factor, draw_repairs, draw_sawtooth, draw_there_and_back, explore_factor
from .predict import predict
from .rulers import draw_formats

__all__ = [
    "Explorer",
    "Slider",
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
    "draw_circle",
    "draw_clamp_and_wrap",
    "draw_end",
    "draw_factor",
    "draw_formats",
    "draw_free",
    "draw_growth",
    "draw_landscape",
    "draw_matrices",
    "draw_ranking",
    "draw_reach",
    "draw_repairs",
    "draw_row_sqnr",
    "draw_ruler",
    "draw_sawtooth",
    "draw_split",
    "draw_staircase",
    "draw_there_and_back",
    "draw_trace",
    "draw_two_errors",
    "draw_wrong_scale",
    "explore_affine",
    "explore_factor",
    "explore_landscape",
    "explore_range",
    "explore_ranking",
    "explore_split",
    "predict",
]
