"""What is said of a network, and by whom: gauges beside the float network, its own text, and text that it never saw."""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

import numpy
import torch
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor

from quantlib.data.recipes import RECIPE_MATRICES, tempest_half, window_losses
from quantlib.data.writer import (
    WRITER_MATRICES,
    WRITER_SHAPES,
    character_logits,
    load_play,
    load_writer,
    play_names,
    to_ids,
    to_text,
)
from quantlib.lab import style
from quantlib.lab.explore import one_thread
from quantlib.lab.picture import Picture, picture
from quantlib.metrics import bits_per_symbol, divergence_bits, sqnr_db
from quantlib.networks import Recipe, apply_recipe, paired_difference

Weights = Mapping[str, Tensor]
Loss = Callable[[Tensor, Tensor], float]  # of logits (n, 64) and targets (n,), in bits a character

PROMPT = "\n\nPROSPERO.\n"
SEED = 3  # of the texts that are shown
EVERY = 10  # the explorers judge on every tenth window
FACTOR = 3  # of the head that is broken


@cache
def writer() -> dict[str, Tensor]:
    """The network as it is, in float."""
    return load_writer()


@cache
def few_windows() -> Tensor:
    """Every tenth window of the first half of The Tempest, (77, 65)."""
    return tempest_half("first")[::EVERY]


def logits_of(weights: Weights, windows: Tensor) -> Tensor:
    """Return the logits at all places of windows, one below the other, (places, 64)."""
    with torch.no_grad():
        return character_logits(weights, windows[:, :-1]).flatten(0, 1)


def targets_of(windows: Tensor) -> Tensor:
    """Return the characters that come at all places of windows, (places,)."""
    return windows[:, 1:].flatten()


def in_bits(bits: int, **others: int) -> dict[str, Tensor]:
    """Return the writer with every matrix in so many bits, one scale a row, rounded to the nearest.

    Args:
        bits: of all matrices; others: of some, by their names with "_" for ".": head=8.
    """
    named = {name.replace("_", "."): width for name, width in others.items()}
    return apply_recipe(writer(), Recipe({name: (named.get(name, bits), None) for name in RECIPE_MATRICES}))


def broken(factor: float = FACTOR) -> dict[str, Tensor]:
    """Return the writer with the weights of its head, the last matrix, times a factor."""
    return {**writer(), "head.weight": factor * writer()["head.weight"]}


# --- what it writes


@one_thread()
def written(weights: Weights, starts: Tensor, length: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Return what a network writes, a character at a time by its own probabilities, and the logits of each place.

    Shapes: starts (n, t); the results are (n, length) and (n, length, 64).
    Args:
        starts: ids that it goes on from; seed: of the draws, the same for every network.
    """
    draws = torch.tensor(numpy.random.RandomState(seed).rand(length, len(starts), 1))
    ids, seen = starts, []
    with torch.no_grad():
        for draw in draws:
            seen.append(character_logits(weights, ids[:, -64:])[:, -1])
            below = seen[-1].double().softmax(-1).cumsum(-1) < draw
            ids = torch.cat([ids, below.sum(-1, keepdim=True).clamp(max=63)], 1)
    return ids[:, starts.shape[1] :], torch.stack(seen, 1)


@one_thread()
def says(weights: Weights, length: int = 60, seed: int = SEED) -> str:
    """Return how a network goes on after PROSPERO, with " / " for the end of a line."""
    return in_one_line(written(weights, to_ids(PROMPT)[None], length, seed)[0])


def in_one_line(ids: Tensor) -> str:
    """Return a text with " / " for the end of a line."""
    return re.sub(r"\n+", " / ", to_text(ids))


@cache
def words_of_plays() -> frozenset[str]:
    """The words of the four plays that the network was trained on."""
    texts = (load_play(name) for name in play_names() if name != "tempest")
    return frozenset(word for text in texts for word in _words(text))


def share_of_words(texts: Tensor) -> float:
    """Return how many of the words that were written occur in the four plays; those at either end may be cut, and are
    left out.
    """
    words = [word for row in texts for word in _words(to_text(row))[1:-1]]
    return sum(word in words_of_plays() for word in words) / max(len(words), 1)


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z']+", text.lower())


# --- gauges


@dataclass(frozen=True)
class Gauges:
    """What is said of a network beside the float one.

    cosine: between the logits of a place, on average; agrees: the share of places with the same likeliest character.
    first, five: the share of places at which the likeliest character came, or one of the likeliest five.
    flips: the share of places at which right became wrong, or wrong right; divergence: KL in bits a character.
    own: bits a character of its own text by its own probabilities; words: the share of known words in it.
    unseen: bits a character of text that it never saw.
    """

    cosine: float
    agrees: float
    first: float
    five: float
    flips: float
    divergence: float
    own: float
    words: float
    unseen: float


def gauges(
    exact: Tensor, logits: Tensor, targets: Tensor, text: tuple[Tensor, Tensor], loss: Loss = bits_per_symbol
) -> Gauges:
    """Return what is said of a network.

    Args:
        exact, logits: of the float network and of this one, (places, 64); targets: what came, (places,).
        text: what `written` returned for this one; loss: f(logits, targets).
    """
    best, was = logits.argmax(-1), exact.argmax(-1)
    ids, along = text
    return Gauges(
        cosine=torch.cosine_similarity(logits.double(), exact.double(), dim=-1).mean().item(),
        agrees=_share(best == was),
        first=_share(best == targets),
        five=_share((logits.topk(5).indices == targets[:, None]).any(-1)),
        flips=_share((best == targets) != (was == targets)),
        divergence=divergence_bits(exact, logits),
        own=float(loss(along.flatten(0, 1), ids.flatten())),
        words=share_of_words(ids),
        unseen=float(loss(logits, targets)),
    )


def _share(mask: Tensor) -> float:
    return mask.double().mean().item()


@cache
@one_thread()
def board_of_gauges() -> dict[str, Gauges]:
    """Return the gauges of five networks, on every second window of the first half of The Tempest and eight texts of
    120 characters each.
    """
    windows = tempest_half("first")[::2]
    exact, targets = logits_of(writer(), windows), targets_of(windows)
    networks = {
        "float": writer(),
        f"head × {FACTOR}": broken(),
        **{f"{bits} bits": in_bits(bits) for bits in (8, 4, 3)},
    }
    found = {}
    for name, weights in networks.items():
        text = written(weights, windows[:8, :32], 120)
        found[name] = gauges(exact, logits_of(weights, windows), targets, text)
    return found


COLUMNS = {
    "cosine of\nthe logits": ("cosine", "{:.4f}", 1),
    "likeliest\nas in float": ("agrees", "{:.1%}", 1),
    "likeliest\nis right": ("first", "{:.1%}", 1),
    "right is one\nof five": ("five", "{:.1%}", 1),
    "known words\nin its text": ("words", "{:.0%}", 1),
    "bits of its\nown text": ("own", "{:.2f}", -1),
    "bits of text\nnever seen": ("unseen", "{:.2f}", -1),
}


def no_worse(name: str, its: Gauges, exact: Gauges) -> bool:
    """Return whether a gauge, by its title, says "as good as float, or better"."""
    field, form, sign = COLUMNS[name]
    mine, due = (float(form.format(getattr(g, field)).rstrip("%")) for g in (its, exact))
    return sign * (mine - due) >= 0


def draw_gauges() -> Picture:
    """Draw the gauges of five networks as a table, with a mark where one says "as good as float, or better"."""
    found = board_of_gauges()
    with style.house_style():
        figure = style.new_figure(9.2, 3.2)
        axes = figure.add_axes((0.0, 0.0, 1, 0.9))
        axes.set(xlim=(-1.25, 7), ylim=(len(found) - 0.4, -1.35))
        style.bare(axes)
        for column, title in enumerate(COLUMNS):
            axes.text(column + 0.5, -0.95, title, ha="center", va="center", size=9, color=style.QUIET)
        for row, (name, its) in enumerate(found.items()):
            axes.text(-1.2, row, name, va="center", weight="bold")
            for column, (title, (field, form, _)) in enumerate(COLUMNS.items()):
                good = row > 0 and no_worse(title, its, found["float"])
                if good:
                    axes.add_patch(_box(column, row))
                text = form.format(getattr(its, field)) + (" ✓" if good else "")
                ink = style.BETTER_TEXT if good else "black"
                axes.text(column + 0.5, row, text, ha="center", va="center", color=ink)
        axes.set_title("✓ as good as float, or better", x=0.02)
        said = "; ".join(_said(name, its) for name, its in found.items())
        return picture(figure, f"What seven judges say of five networks, in the order of the columns: {said}.")


def _box(column: int, row: int) -> Rectangle:
    return Rectangle((column + 0.03, row - 0.44), 0.94, 0.88, facecolor=style.BETTER_TINT, edgecolor="none")


def _said(name: str, its: Gauges) -> str:
    return f"{name} " + ", ".join(form.format(getattr(its, field)) for field, form, _ in COLUMNS.values())


# --- which matrix matters


@cache
@one_thread()
def alone(bits: int = 2) -> dict[str, tuple[float, float, float]]:
    """Return for each matrix, if it alone is kept in so many bits: its SQNR in dB, what it costs on every second window
    of the first half of The Tempest in bits a character, and the standard error of that.
    """
    windows, found = tempest_half("first")[::2], {}
    exact = window_losses(writer(), windows)
    for name in RECIPE_MATRICES:
        weights = {
            **writer(),
            **apply_recipe({f"{name}.weight": writer()[f"{name}.weight"]}, Recipe({name: (bits, None)})),
        }
        db = sqnr_db(writer()[f"{name}.weight"], weights[f"{name}.weight"])
        found[name] = (db, *paired_difference(window_losses(weights, windows), exact))
    return found


def draw_alone(bits: int = 2) -> Picture:
    """Draw for each matrix its SQNR in so many bits, and what it costs the network."""
    found = alone(bits)
    names = sorted(found, key=lambda name: -found[name][1])
    with style.house_style():
        figure = style.new_figure(9.2, 3.6)
        titles = ("error of the matrix alone", "{:.1f}"), ("what the network loses", "{:.3f}")
        for k, (title, form) in enumerate(titles):
            axes = figure.add_axes((0.10 + 0.46 * k, 0.15, 0.37, 0.74))
            values = [found[name][k] for name in names]
            axes.barh(range(len(names)), values, color=style.QUANTIZED, height=0.7)
            axes.set(xlim=(0, 1.2 * max(values)), ylim=(len(names) - 0.4, -0.6))
            axes.set_xlabel("SQNR, dB" if k == 0 else "bits a character above float")
            axes.set_yticks(range(len(names)), names if k == 0 else [""] * len(names))
            axes.tick_params(axis="y", length=0)
            for row, value in enumerate(values):
                axes.text(value + 0.015 * max(values), row, form.format(value), va="center", size=9)
            axes.set_title(title)
        said = "; ".join(f"{name} {found[name][0]:.1f} dB, {found[name][1]:.3f}" for name in names)
        return picture(
            figure, f"Each matrix alone in {bits} bits: its SQNR and what the network loses, in bits: {said}."
        )


# --- how large the file is

NINE = WRITER_MATRICES
KINDS = "codes of nine matrices", "their scales", "two tables, fp16", "norms and biases, fp16"


def shares(bits: int) -> dict[str, float]:
    """Return what each kind of content adds to the bits a weight, if the nine matrices have so many bits, in rows."""
    matrices, tables, vectors = (
        [shape for name, shape in WRITER_SHAPES.items() if kind(name.removesuffix(".weight"), shape)]
        for kind in (
            _multiplies,
            lambda name, shape: name in ("embed", "position"),
            lambda name, shape: len(shape) == 1,
        )
    )
    count = [sum(map(math.prod, shapes)) for shapes in (matrices, tables, vectors)]
    in_bits = bits * count[0], 16 * sum(shape[0] for shape in matrices), 16 * count[1], 16 * count[2]
    return {kind: its / sum(count) for kind, its in zip(KINDS, in_bits, strict=True)}


def _multiplies(name: str, _shape: object) -> bool:
    return name in NINE


def draw_parts(bits: int) -> Picture:
    """Draw how the bits a weight of a file come about."""
    found = shares(bits)
    total, left = sum(found.values()), 0.0
    inks = style.QUANTIZED, style.QUANTIZED, style.ORIGINAL, style.ORIGINAL
    with style.house_style():
        figure = style.new_figure(9.2, 1.9)
        axes = figure.add_axes((0.02, 0.30, 0.96, 0.52))
        axes.set(xlim=(0, 1.01 * total), ylim=(-1.0, 0.5), xlabel="bits a weight")
        style.number_line(axes)
        for (kind, its), ink in zip(found.items(), inks, strict=True):
            axes.barh(0, its, left=left, height=0.8, color=ink, edgecolor="white")
            narrow = its < 0.5
            text = f"{its:.2f}" if narrow else f"{kind}: {its:.2f}"
            axes.text(left + its / 2, 0, text, ha="center", va="center", size=9, color="white")
            if narrow:
                axes.text(left + its / 2 + 0.03, -0.72, kind, ha="right" if left > 3 else "center", va="center", size=9)
            left += its
        axes.set_title(f"“{bits} bits” are {total:.2f} bits a weight")
        said = "; ".join(f"{kind} {its:.2f}" for kind, its in found.items())
        return picture(figure, f"What adds up to {total:.2f} bits a weight: {said}.")


# --- the same windows


@cache
@one_thread()
def window_pairs(bits: int = 5) -> tuple[numpy.ndarray, numpy.ndarray]:
    """Return the loss of every window of The Tempest in float, and with every matrix in so many bits."""
    windows = torch.cat([tempest_half("first"), tempest_half("second")])
    return tuple(window_losses(weights, windows).double().numpy() for weights in (writer(), in_bits(bits)))  # type: ignore[return-value]


def spreads(bits: int = 5, count: int = 50, draws: int = 4000) -> tuple[numpy.ndarray, numpy.ndarray]:
    """Return by how much a network of so many bits seems to be above float, in many draws of so many windows.

    Returns: with other windows for each of the two, and with the same for both, (draws,) each.
    """
    exact, coarse = window_pairs(bits)
    draw = numpy.random.RandomState(0)
    picks = numpy.array([draw.permutation(len(exact))[: 2 * count] for _ in range(draws)])
    mine, others = picks[:, :count], picks[:, count:]
    return (coarse[mine].mean(1) - exact[others].mean(1)), (coarse - exact)[mine].mean(1)


def draw_spreads(bits: int = 5, count: int = 50) -> Picture:
    """Draw what many draws of windows say of the difference of two networks, unpaired and paired."""
    found = spreads(bits, count)
    true = numpy.subtract(*window_pairs(bits)[::-1]).mean()
    names, inks = ("other windows", "the same windows"), (style.QUIET, style.QUANTIZED)
    with style.house_style():
        figure = style.new_figure(9.2, 2.9)
        axes = figure.add_axes((0.03, 0.19, 0.94, 0.68))
        edges = numpy.linspace(-0.26, 0.34, 121)
        axes.set(
            xlim=(-0.26, 0.34),
            ylim=(0, 1.12),
            xlabel=f"{bits} bits above float, in bits a character, by {count} windows",
        )
        style.number_line(axes)
        for values, name, ink, at in zip(found, names, inks, ((-0.11, 0.5), (0.12, 0.95)), strict=True):
            counts, _ = numpy.histogram(values, edges)
            axes.stairs(counts / counts.max(), edges, color=ink, lw=2, fill=False)
            spread = f"± {values.std():.3f}"
            axes.text(
                *at, f"{name}: {spread}", color=ink, weight="bold", ha="left" if at[0] > 0 else "right", va="center"
            )
        axes.axvline(0, color=style.ORIGINAL, lw=1)
        axes.text(-0.004, 1.04, "no difference", ha="right", va="center", size=9)
        axes.set_title(f"of {len(found[0]):,} draws: who is better, float or {bits} bits?")
        wrong = (found[0] < 0).mean()
        head = f"The difference seems to be {true:.3f} ± {found[0].std():.3f} with other windows for each network"
        tail = f"{wrong:.0%} of the draws have the wrong sign; it is ± {found[1].std():.3f} with the same windows"
        return picture(figure, f"{head}, and {tail}.")


# --- the first picture


def claims() -> dict[str, tuple[dict[str, Tensor], float]]:
    """Return three networks by the names that the first picture gives them."""
    return {"A": (writer(), 32), "B": (in_bits(4), 4), "C": (broken(), 32)}


def draw_claims() -> Picture:
    """Draw how three networks go on after PROSPERO, with the bits that each of them gives its own text."""
    return _draw_texts({name: says(weights) for name, (weights, _) in claims().items()})


def _draw_texts(texts: Mapping[str, str]) -> Picture:
    with style.house_style():
        figure: Figure = style.new_figure(9.2, 2.1)
        axes = figure.add_axes((0.0, 0.0, 1, 0.87))
        axes.set(xlim=(0, 1), ylim=(len(texts) - 0.5, -0.5))
        style.bare(axes)
        for row, (name, text) in enumerate(texts.items()):
            axes.text(0.02, row, name, weight="bold", size=13, va="center")
            axes.text(0.06, row, text, va="center", family="DejaVu Sans Mono", size=10)
        axes.set_title("three networks go on after “PROSPERO.”", x=0.02)
        said = "; ".join(f"{name}: “{text}”" for name, text in texts.items())
        return picture(figure, f"How three networks go on after PROSPERO. {said}.")


@one_thread()
def losses_by_factor() -> dict[float, float]:
    """Return the bits a character on the first half of The Tempest for factors on the head."""
    windows = tempest_half("first")
    exact, targets = logits_of(writer(), windows), targets_of(windows)
    return {k / 20: bits_per_symbol(k / 20 * exact, targets) for k in range(14, 26)}
