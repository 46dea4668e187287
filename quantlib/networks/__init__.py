"""What makes a network easier to quantize, or makes up for it: smoothing, rotation, and GPTQ."""

from .gptq import gptq, input_hessian
from .rotation import hadamard, random_signs, rotate
from .smoothing import smoothing_factors

__all__ = [
    "gptq",
    "hadamard",
    "input_hessian",
    "random_signs",
    "rotate",
    "smoothing_factors",
]
