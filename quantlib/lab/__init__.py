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
from .explore import Explorer, Slider
from .explorers import explore_affine, explore_range
from .figures import draw_matrices, draw_ruler, draw_staircase, draw_trace
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
    "draw_factor",
    "draw_formats",
    "draw_matrices",
    "draw_repairs",
    "draw_ruler",
    "draw_sawtooth",
    "draw_staircase",
    "draw_there_and_back",
    "draw_trace",
    "explore_affine",
    "explore_factor",
    "explore_range",
    "predict",
]
