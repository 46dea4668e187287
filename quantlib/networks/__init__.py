"""What makes a network easier to quantize, or makes up for it: smoothing, rotation, GPTQ, and recipes for a network."""

from .gptq import gptq, input_hessian
from .recipe import Recipe, apply_recipe, paired_difference, recipe_bits
from .rotation import hadamard, random_signs, rotate
from .smoothing import smoothing_factors

__all__ = [
    "Recipe",
    "apply_recipe",
    "gptq",
    "hadamard",
    "input_hessian",
    "paired_difference",
    "random_signs",
    "recipe_bits",
    "rotate",
    "smoothing_factors",
]
