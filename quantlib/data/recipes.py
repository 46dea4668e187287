"""How a recipe for the writer is scored: beside the float network, on the same windows of a play that it never read."""

from collections.abc import Mapping
from functools import cache
from math import log
from typing import NamedTuple

import numpy
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from ..errors import QuantlibError
from ..networks import Recipe, apply_recipe, input_hessian, paired_difference, recipe_bits
from .writer import WRITER_MATRICES, character_logits, load_play, load_writer, play_names, text_windows

RECIPE_MATRICES = (*WRITER_MATRICES, "embed", "position")
HALVES = ("first", "second")  # of The Tempest: a recipe may be chosen by the first; the second is what it is scored on
_SEEN = 64  # windows of other plays that GPTQ learns from


class Score(NamedTuple):
    """Bits a weight, all in; bits a character above the float network, and the standard error of that."""

    bits: float
    above: float
    error: float


def score_recipe(recipe: Recipe, half: str = "second") -> Score:
    """Return what a recipe takes, and what it costs on the windows of a half of The Tempest.

    GPTQ learns from 64 windows of plays that the network was trained on. The loss of each window is compared with that
    of the float network on the same window.

    Args:
        recipe: what becomes of each of `RECIPE_MATRICES`.
        half: "first", by which a recipe may be chosen, or "second", which nothing may be chosen by.
    Raises:
        QuantlibError: if the recipe does not fit the network; if half is neither.

    >>> score_recipe(Recipe({name: (16, None) for name in RECIPE_MATRICES}), "first").bits
    16.0
    """
    weights = load_writer()
    rounded = apply_recipe(weights, recipe, calibration_hessians())
    losses = window_losses(rounded, tempest_half(half))
    return Score(recipe_bits(weights, recipe), *paired_difference(losses, _float_losses(half)))


def window_losses(weights: Mapping[str, Tensor], windows: Tensor) -> Tensor:
    """Return for each window what its characters cost on average, in bits a character.

    Shapes: windows (n, 65), as `text_windows` gives them; the result is (n,).
    """
    with torch.no_grad():
        logits = character_logits(weights, windows[:, :-1])
        return cross_entropy(logits.transpose(1, 2), windows[:, 1:], reduction="none").mean(1) / log(2)


def tempest_half(half: str) -> Tensor:
    """Return the windows of a half of The Tempest, (766, 65), "first" or "second": the network was trained on neither.

    Raises:
        QuantlibError: if half is neither.
    """
    if half not in HALVES:
        raise QuantlibError('a half is "first" or "second"', repr(half), 'choose by the "first", score on the "second"')
    return text_windows(load_play("tempest")).chunk(2)[HALVES.index(half)]


@cache
def calibration_hessians(seed: int = 0) -> dict[str, Tensor]:
    """Return the hessian of the inputs of each matrix, by its name, over 64 windows of the plays of the training.

    Args:
        seed: of the draw of the windows.
    """
    plays = torch.cat([text_windows(load_play(name)) for name in play_names() if name != "tempest"])
    chosen, found = numpy.random.RandomState(seed).permutation(len(plays))[:_SEEN], dict[str, Tensor]()

    def watch(name: str, x: Tensor) -> Tensor:
        found[name] = input_hessian(x)
        return x

    character_logits(load_writer(), plays[torch.tensor(chosen), :-1], watch)
    return found


@cache
def _float_losses(half: str) -> Tensor:
    return window_losses(load_writer(), tempest_half(half))
