"""The layer of notebook 14, `query` of the encoder, its inputs from three kinds of text, and its error."""

from functools import cache

import numpy
import torch
from torch import Tensor

from quantlib.data.encoder import encoder_embeddings, encoder_tokens, load_encoder
from quantlib.data.writer import WRITER_MATRICES, character_logits, load_play, load_writer, play_names, text_windows
from quantlib.metrics import bits_per_symbol
from quantlib.networks import gptq, input_hessian

KINDS = {"prose": "prose", "verse": "Shakespeare", "code": "Python"}  # the data's words, and the reader's
TOKENS = 64  # of a window


@cache
def _weights() -> dict[str, Tensor]:
    return load_encoder()


@cache
def _inputs(kind: str) -> Tensor:
    return encoder_embeddings(_weights(), encoder_tokens(kind))


def query() -> Tensor:
    """Return the weights of `query`, (384, 384): a row for each output."""
    return _weights()["query.weight"].clone()


def halves(kind: str = "prose", seed: int = 0) -> tuple[Tensor, Tensor]:
    """Return the inputs of `query` for a text: half of its windows, to be seen, and the other half, (windows, 64, 384).

    Args:
        kind: of text, "prose", "verse" or "code"; seed: of the draw of the windows.
    """
    x = _inputs(kind)
    order = torch.tensor(numpy.random.RandomState(seed).permutation(len(x)))
    return x[order[: len(x) // 2]], x[order[len(x) // 2 :]]


def steps(w: Tensor, top: int = 7) -> Tensor:
    """Return the scale of each row, (rows, 1): its largest weight gets the code top."""
    return w.abs().amax(1, keepdim=True) / top


def to_nearest(w: Tensor, top: int = 7) -> Tensor:
    """Return every weight at its nearest mark, with a scale for each row."""
    return (w / steps(w, top)).round() * steps(w, top)


def by_gptq(w: Tensor, hessian: Tensor, top: int = 7) -> Tensor:
    """Return the weights at the marks that GPTQ chooses, with a scale for each row."""
    return gptq(w, hessian, steps(w, top), top) * steps(w, top)


def in_order(w: Tensor, hessian: Tensor, top: int = 7) -> Tensor:
    """Return the weights at the marks that GPTQ chooses if it begins with the columns of the largest inputs."""
    order = hessian.diagonal().argsort(descending=True)
    w_hat = torch.empty_like(w)
    w_hat[:, order] = gptq(w[:, order], hessian[order][:, order], steps(w, top), top) * steps(w, top)
    return w_hat


def error(w: Tensor, w_hat: Tensor, hessian: Tensor) -> float:
    """Return the relative squared error of the outputs, from the undamped hessian of the inputs."""
    off, exact = ((m.double() @ hessian * m.double()).sum().item() for m in (w - w_hat, w))
    return off / exact


def against_nearest(w: Tensor, w_hat: Tensor, hessian: Tensor, top: int = 7) -> float:
    """Return the squared error of the outputs as a multiple of that with nearest."""
    return error(w, w_hat, hessian) / error(w, to_nearest(w, top), hessian)


def remaining_inverse(hessian: Tensor) -> Tensor:
    """Return a symmetric matrix: its row j, from column j on, is that of the inverse of H without the first j columns.

    What has been rounded can make up for nothing any more, so H loses a row and a column at each step. All these
    inverses come from one triangle U with U.T @ U = inverse of H: their rows are U[j, j] U[j].
    """
    u = torch.linalg.cholesky(torch.linalg.inv(hessian), upper=True)
    rows = (u.diagonal()[:, None] * u).triu()
    return rows + rows.triu(1).T


def search(w: Tensor, hessian: Tensor, top: int = 7) -> Tensor:
    """Return the weights at the marks that the search of notebook 08 finds, from the nearest on.

    One code after the other moves by one towards the other neighbour, always the one that helps most, within the grid.
    """
    s = steps(w, top).double()
    return torch.stack([_searched(row, hessian, top) for row in w.double() / s]).mul(s).float()


def _searched(w: Tensor, hessian: Tensor, top: int) -> Tensor:
    q, diagonal = w.round(), hessian.diagonal()
    pull = hessian @ (q - w)
    while True:
        step = (w - q).sign()
        change = (2 * step * pull + step.square() * diagonal).where((q + step).abs() <= top, 0.0)
        best = int(change.argmin())
        if change[best] >= 0:
            return q
        q[best] += step[best]
        pull += step[best] * hessian[best]


@cache
def tokens_needed(damp: float = 0.01, seeds: int = 5) -> dict[int, tuple[list[float], list[float]]]:
    """Return for each number of tokens the errors on seen and on unseen text, against nearest, over some draws."""
    found: dict[int, tuple[list[float], list[float]]] = {}
    for seen, unseen in (halves(seed=seed) for seed in range(seeds)):
        w, judge = query(), input_hessian(unseen, 0.0)
        for windows in (1, 2, 4, 8, 16, 32, 65):
            x = seen[:windows]
            w_hat = by_gptq(w, input_hessian(x, damp))
            for errors, its in zip(
                found.setdefault(TOKENS * windows, ([], [])), (input_hessian(x, 0.0), judge), strict=True
            ):
                errors.append(against_nearest(w, w_hat, its))
    return found


@cache
def kinds_read(windows: int = 32, seeds: int = 5) -> dict[tuple[str, str], list[float]]:
    """Return, for each kind of text that was seen and each that is read, the errors against nearest over some draws."""
    w, found = query(), dict[tuple[str, str], list[float]]()
    for seed in range(seeds):
        parts = {kind: halves(kind, seed) for kind in KINDS}
        read = {kind: input_hessian(unseen, 0.0) for kind, (_, unseen) in parts.items()}
        for kind, (seen, _) in parts.items():
            w_hat = by_gptq(w, input_hessian(seen[:windows]))
            for other in KINDS:
                found.setdefault((kind, other), []).append(against_nearest(w, w_hat, read[other]))
    return found


def white_noise(rows: int, seed: int = 0) -> Tensor:
    """Return random inputs, (rows, 384): each is drawn on its own, so that no two columns have anything in common."""
    return torch.tensor(numpy.random.RandomState(seed).normal(size=(rows, 384))).float()


@cache
def writer_costs(top: int, seed: int = 0) -> tuple[float, float]:
    """Return what rounding all matrices of the writer costs, in bits a character, with nearest and with GPTQ.

    Args:
        top: the largest code, 3 for 3 bits; seed: of the draw of 256 windows of plays from which GPTQ learns.
    """
    net, rounded, gptqed = load_writer(), load_writer(), load_writer()
    for name, h in _writer_hessians(seed).items():
        w = net[f"{name}.weight"]
        rounded[f"{name}.weight"], gptqed[f"{name}.weight"] = to_nearest(w, top), by_gptq(w, h, top)
    nearest, passed = (_bits(weights) - _bits(net) for weights in (rounded, gptqed))
    return nearest, passed


def _writer_hessians(seed: int) -> dict[str, Tensor]:
    """Return the hessian of the inputs of each matrix of the writer, over windows of plays that it may see."""
    plays = torch.cat([text_windows(load_play(name)) for name in play_names() if name != "tempest"])
    chosen, found = numpy.random.RandomState(seed).permutation(len(plays))[:256], dict[str, Tensor]()

    def watch(name: str, x: Tensor) -> Tensor:
        found[name] = input_hessian(x)
        return x

    character_logits(load_writer(), plays[torch.tensor(chosen), :-1], watch)
    return {name: found[name] for name in WRITER_MATRICES}


def _bits(weights: dict[str, Tensor]) -> float:
    windows = text_windows(load_play("tempest"))[:250]
    return bits_per_symbol(character_logits(weights, windows[:, :-1]), windows[:, 1:])
