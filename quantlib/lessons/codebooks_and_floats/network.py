"""The network that hears speech, its weights in a codebook: one list of levels, and a scale for those who share it."""

from functools import cache, lru_cache

import torch
from torch import Tensor

from quantlib.data.silero import load_silero, same_decisions, speech_probability
from quantlib.data.speech import synthesize_speech
from quantlib.formats import fake_quantize_levels, float_format, float_levels
from quantlib.groups import from_groups, to_groups

BITS = 7  # of a float beside the sign
WATCHED = "conv4.weight"  # the tensor that made the network of notebook 07 deaf


@cache
def case() -> tuple[dict[str, Tensor], Tensor, Tensor]:
    """Return the network, the sound, and how sure the network in float is of speech in each window."""
    weights, (sound, _) = load_silero(), synthesize_speech()
    return weights, sound, speech_probability(weights, sound)


def sharing(w: Tensor, share: str) -> Tensor:
    """Return weights in groups of those who share a scale, on the last axis.

    Shapes: w (channels, ...); the result is (k, g, size), with k = 1 or channels; the last group is filled up with 0.
    Args:
        share: "all", "row" for a channel, or the size of a group within a channel, as "32".
    """
    rows = w.reshape(1, -1) if share == "all" else w.flatten(1)
    return to_groups(rows, int(share) if share.isdigit() else rows.shape[1])


def largest(groups: Tensor) -> Tensor:
    """Return the largest size of each group, and 1 for a group of zeros."""
    size = groups.abs().amax(-1, keepdim=True)
    return torch.where(size > 0, size, 1.0)


def in_codebook(w: Tensor, levels: Tensor, share: str, *, half: bool = False) -> Tensor:
    """Return weights as they come back from levels from -1 to 1, stretched to the largest size of those who share.

    Shapes: w (channels, ...), levels (n,); the result has w's shape.
    Args:
        share: as in `sharing`; half: whether the scales are stored in fp16, else in float32.
    """
    groups = sharing(w, share)
    scale = largest(groups)
    back = fake_quantize_levels(groups, levels, scale.half().float() if half else scale)
    return from_groups(back, w.numel() // len(back)).reshape(w.shape)


def both_signs(levels: Tensor) -> Tensor:
    """Return levels from 0 on, stretched to end at 1, with their negative twins, ascending."""
    stretched = levels.double() / levels.double().max()
    return torch.cat([-stretched, stretched]).unique().float()


def float_codebook(e: int) -> Tensor:
    """Return the levels from -1 to 1 of a float of 8 bits with e of them in the exponent, every code a number."""
    return both_signs(float_levels(float_format(e, BITS - e)))


def windows_as_in_float(levels: Tensor, share: str) -> int:
    """Return in how many windows the network decides as in float when its weights lie on these levels."""
    return _windows(tuple(levels.tolist()), share)


@lru_cache(maxsize=256)
def _windows(levels: tuple[float, ...], share: str) -> int:
    weights, sound, heard = case()
    codebook = torch.tensor(levels)
    changed = {name: in_codebook(w, codebook, share) if "weight" in name else w for name, w in weights.items()}
    return same_decisions(speech_probability(changed, sound), heard)
