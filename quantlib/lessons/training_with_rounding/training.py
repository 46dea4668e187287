"""The writer, trained on with rounding and without: each training runs once, and all that is drawn shares it.

Every training begins with the network as it is, reads the same 1,600 windows of four plays in the same order, and is
judged on windows of The Tempest, which no training ever read.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

import numpy
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from quantlib.affine import fake_quantize
from quantlib.data.writer import (
    CONTEXT,
    WRITER_MATRICES,
    character_logits,
    load_play,
    load_writer,
    play_names,
    text_windows,
    to_ids,
)
from quantlib.lab.explore import one_thread
from quantlib.metrics import bits_per_symbol
from quantlib.networks import gptq, input_hessian

STEPS, EVERY = 100, 20  # how many steps a training takes, and after how many of them the weights are kept
RATE, WARM, BATCH = 8e-4, 15, 16
BITS = 4, 3, 2
MATRICES = tuple(f"{name}.weight" for name in WRITER_MATRICES)
SHARES = torch.linspace(0.3, 1.0, 36)  # of the scale of max|w|

Weights = Mapping[str, Tensor]
Rounding = Callable[[Tensor, Tensor, int], Tensor]  # (w, s, top) -> w_hat


def quantized(w: Tensor, s: Tensor, top: int) -> Tensor:
    """Return w quantized to codes from -top to top and dequantized, with the straight-through gradient."""
    return fake_quantize(w, s, 0, -top, top)


def largest_code(bits: int) -> int:
    return 2 ** (bits - 1) - 1


def row_scales(w: Tensor, bits: int) -> Tensor:
    """Return for each row of w the scale with the smallest squared error of 36, shape (rows, 1)."""
    top = largest_code(bits)
    scales = SHARES[:, None, None] * w.abs().amax(1, keepdim=True) / top
    errors = (quantized(w.expand(len(SHARES), *w.shape), scales, top) - w).square().sum(2, keepdim=True)
    return scales.gather(0, errors.argmin(0, keepdim=True))[0]


def scales_of(weights: Weights, bits: int) -> dict[str, Tensor]:
    """Return the scales of the nine matrices, by their names."""
    return {name: row_scales(weights[name], bits) for name in MATRICES}


def rounded(weights: Weights, scales: Weights, bits: int, rounding: Rounding = quantized) -> dict[str, Tensor]:
    """Return the weights with the nine matrices rounded; all other tensors stay as they are."""
    top = largest_code(bits)
    return {**weights, **{name: rounding(weights[name], scales[name], top) for name in MATRICES}}


# --- what it costs


@cache
def writer() -> dict[str, Tensor]:
    """The network as it is, in float."""
    return load_writer()


@cache
def unseen() -> Tensor:
    """Windows that no training read: every twelfth of The Tempest, (128, 65)."""
    return text_windows(load_play("tempest"))[::12]


@one_thread()
def loss(weights: Weights) -> float:
    """Return bits per character on the windows that no training read."""
    windows = unseen()
    with torch.no_grad():
        return bits_per_symbol(character_logits(weights, windows[:, :-1]), windows[:, 1:])


@cache
def float_loss() -> float:
    return loss(writer())


def cost(weights: Weights) -> float:
    """Return by how many bits per character the loss is above that of the float network."""
    return loss(weights) - float_loss()


# --- without training


@cache
@one_thread()
def nearest_cost(bits: int, largest: bool = False) -> float:
    """Return what rounding to the nearest costs; largest: with the scale of max|w| instead of the best of 36."""
    top = largest_code(bits)
    by_size = {name: writer()[name].abs().amax(1, keepdim=True) / top for name in MATRICES}
    return cost(rounded(writer(), by_size if largest else scales_of(writer(), bits), bits))


@cache
@one_thread()
def gptq_cost(bits: int) -> float:
    """Return what GPTQ costs: calibrated on 64 windows of the plays, the columns of the largest inputs first."""
    inputs: dict[str, Tensor] = {}

    def look(name: str, x: Tensor) -> Tensor:
        inputs[f"{name}.weight"] = x.flatten(0, 1)
        return x

    starts = torch.tensor(numpy.random.RandomState(0).randint(0, len(plays()) - CONTEXT, 64))
    with torch.no_grad():
        character_logits(writer(), plays()[starts[:, None] + torch.arange(CONTEXT)], look)
    codes = {}
    for name, s in scales_of(writer(), bits).items():
        hessian = input_hessian(inputs[name])
        order = hessian.diagonal().argsort(descending=True)
        sorted_codes = gptq(writer()[name][:, order], hessian[order][:, order], s, largest_code(bits))
        codes[name] = s * sorted_codes[:, order.argsort()]
    return cost({**writer(), **codes})


# --- with training


@dataclass(frozen=True)
class Run:
    """A training, and what it came to on the way.

    bits: of a code.
    kept: the weights in float after 0, 20, … 100 steps.
    scales: of the nine matrices, for each of these moments.
    costs: bits per character above the float network, with the matrices rounded, at these moments.
    """

    bits: int
    kept: list[dict[str, Tensor]]
    scales: list[dict[str, Tensor]]
    costs: list[float]

    @property
    def unrounded(self) -> float:
        """What the float weights themselves cost at the end."""
        return cost(self.kept[-1])


@cache
def plays() -> Tensor:
    """The four plays that are read in training, as one row of ids."""
    return to_ids("\n\n".join(map(load_play, play_names()[1:])))


@one_thread()
def weights_with_a_slope(rounding: Rounding) -> int:
    """Return how many of the weights of the nine matrices get a gradient that is not 0, in one step with 3 bits."""
    weights, scales = _learned(set(writer())), scales_of(writer(), 3)
    windows = _batch(numpy.random.RandomState(0))
    _loss(rounded(weights, scales, 3, rounding), windows).backward()
    return sum(int(w.grad.count_nonzero()) for name in MATRICES if (w := weights[name]).grad is not None)


def _loss(weights: Weights, windows: Tensor) -> Tensor:
    """Return what training makes smaller: the mean loss of windows in nats, with its gradient."""
    return cross_entropy(character_logits(weights, windows[:, :-1]).flatten(0, 1), windows[:, 1:].flatten())


def _batch(draw: numpy.random.RandomState) -> Tensor:
    starts = torch.tensor(draw.randint(0, len(plays()) - CONTEXT, BATCH))
    return plays()[starts[:, None] + torch.arange(CONTEXT + 1)]


def _rate(step: int, steps: int) -> float:
    """Return the learning rate: it rises for 15 steps, and falls as a cosine does."""
    return RATE * min(1.0, (step + 1) / WARM) * (0.05 + 0.475 * (1 + math.cos(math.pi * step / steps)))


@one_thread()
def _trained(weights: dict[str, Tensor], used: Callable[[Weights], Weights], seed: int) -> list[dict[str, Tensor]]:
    """Train what requires a gradient, and return all weights after 0, 20, … 100 steps; used: what the network takes."""
    learned = [w for w in weights.values() if w.requires_grad]
    optimizer = torch.optim.AdamW(learned, weight_decay=0.0, betas=(0.9, 0.99))
    draw, kept = numpy.random.RandomState(seed), [_copies(weights)]
    for step in range(STEPS):
        optimizer.param_groups[0]["lr"] = _rate(step, STEPS)
        optimizer.zero_grad()
        _loss(used(weights), _batch(draw)).backward()
        torch.nn.utils.clip_grad_norm_(learned, 1.0)
        optimizer.step()
        if (step + 1) % EVERY == 0:
            kept.append(_copies(weights))
    return kept


def _copies(weights: Weights) -> dict[str, Tensor]:
    return {name: w.detach().clone() for name, w in weights.items()}


def _learned(names: set[str]) -> dict[str, Tensor]:
    """Return the network with a gradient for the tensors of these names."""
    return {name: w.clone().requires_grad_(name in names) for name, w in writer().items()}


def train(bits: int, rounding: Rounding = quantized, seed: int = 0) -> Run:
    """Train with rounding: the network computes with rounded matrices, and their float weights get the gradient."""
    scales = scales_of(writer(), bits)
    kept = _trained(_learned(set(writer())), lambda w: rounded(w, scales, bits, rounding), seed)
    return _judged(bits, kept, [scales] * len(kept))


def train_rest(bits: int, seed: int = 0) -> Run:
    """Freeze the rounded matrices, and train all other tensors: norms, biases, embeddings."""
    scales = scales_of(writer(), bits)
    start = _learned(set(writer()) - set(MATRICES))
    kept = _trained(rounded(start, scales, bits), lambda w: w, seed)
    return _judged(bits, kept, [scales] * len(kept))


@cache
def float_kept(seed: int = 0) -> list[dict[str, Tensor]]:
    """Train without rounding, and return the weights after 0, 20, … 100 steps."""
    return _trained(_learned(set(writer())), lambda w: w, seed)


def train_float(bits: int, seed: int = 0) -> Run:
    """Train without rounding, and round what comes of it, with the scales that are best then."""
    kept = float_kept(seed)
    return _judged(bits, kept, [scales_of(weights, bits) for weights in kept])


def _judged(bits: int, kept: list[dict[str, Tensor]], scales: list[dict[str, Tensor]]) -> Run:
    costs = [cost(rounded(weights, s, bits)) for weights, s in zip(kept, scales, strict=True)]
    return Run(bits, kept, scales, costs)


WAYS: dict[str, Callable[[int], Run]] = {"in float": train_float, "the rest": train_rest, "with rounding": train}


@cache
def trained(way: str, bits: int) -> Run:
    """Return a training of one of three ways: "in float", "the rest" or "with rounding". Each runs once."""
    return WAYS[way](bits)
