"""The network that hears speech, its weights in a codebook: one list of levels, and a scale for those who share it."""

from functools import cache, lru_cache

import torch
from torch import Tensor

from quantlib.data.silero import load_silero, speech_probability
from quantlib.data.speech import synthesize_speech
from quantlib.formats import fake_quantize_levels
from quantlib.groups import from_groups, to_groups

SHARES = ("all of a tensor", "a channel", "32 weights")  # who has one scale
BLOCK = 32
WATCHED = "conv4.weight"  # the tensor that made the network of notebook 07 deaf


@cache
def case() -> tuple[dict[str, Tensor], Tensor, Tensor]:
    """Return the network, the sound, and in which windows the network in float hears speech."""
    weights, (sound, _) = load_silero(), synthesize_speech()
    return weights, sound, speech_probability(weights, sound) > 0.5


def sharing(w: Tensor, share: int) -> Tensor:
    """Return weights in rows, of which each has one scale; share: a place in SHARES."""
    rows = w.flatten(1)
    return rows.reshape(1, -1) if share == 0 else rows if share == 1 else to_groups(rows, BLOCK).flatten(0, 1)


def largest(rows: Tensor) -> Tensor:
    """Return the largest size of each row, and 1 for a row of zeros."""
    size = rows.abs().amax(1, keepdim=True)
    return torch.where(size > 0, size, 1.0)


def both_signs(levels: Tensor) -> Tensor:
    """Return levels from 0 on, stretched to end at 1, with their negative twins, ascending."""
    stretched = levels.double() / levels.double().max()
    return torch.cat([-stretched, stretched]).unique().float()


def in_codebook(w: Tensor, levels: Tensor, share: int) -> Tensor:
    """Return weights as they come back from levels, stretched to the largest size of those who share a scale.

    Shapes: w any shape with a channel in each place of axis 0; levels (n,), from 0 on; the result has w's shape.
    """
    rows = sharing(w, share)
    back = fake_quantize_levels(rows, both_signs(levels), largest(rows))
    if share == 2:
        per_channel = back.view(len(w), -1, BLOCK)
        return from_groups(per_channel, w[0].numel()).reshape(w.shape)
    return back.reshape(w.shape)


@lru_cache(maxsize=256)
def windows_as_in_float(levels: tuple[float, ...], share: int) -> int:
    """Return in how many windows the network decides as in float when its weights lie on these levels."""
    weights, sound, heard = case()
    lying = torch.tensor(levels)
    changed = {name: in_codebook(w, lying, share) if "weight" in name else w for name, w in weights.items()}
    return int(torch.eq(speech_probability(changed, sound) > 0.5, heard).sum())
