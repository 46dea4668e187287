"""What a notebook needs beside the maths: figures and explorers."""

from .explore import Explorer, Slider
from .explorers import explore_affine
from .figures import draw_matrices, draw_ruler, draw_staircase, draw_trace
from .predict import predict

__all__ = [
    "Explorer",
    "Slider",
    "draw_matrices",
    "draw_ruler",
    "draw_staircase",
    "draw_trace",
    "explore_affine",
    "predict",
]
