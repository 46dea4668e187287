"""A recipe for a whole network, under a budget of bits: counted, applied, and judged on text that it never saw."""

import math
from contextlib import suppress
from functools import lru_cache
from random import Random
from statistics import mean
from typing import Any

from quantlib.data.recipes import RECIPE_MATRICES, Score, score_recipe
from quantlib.data.writer import WRITER_MATRICES, WRITER_SHAPES, load_writer
from quantlib.networks import Recipe, recipe_bits
from quantlib.storage import network_bits

from ...box.plain import Other
from ..compare import kind
from ..questions import Found, Reach, Rung
from ..variants import values

# For each budget the widths of a recipe, in the order of RECIPE_MATRICES, and its loss: a search that took away one bit
# after the other, each where the loss grew least, with GPTQ and one scale a row.
REFERENCES = {
    3.5: ("34333333444", 0.320),
    3.6: ("34333333454", 0.301),
    3.7: ("35334333454", 0.251),
    3.8: ("45334333454", 0.220),
    4.0: ("45334443454", 0.159),
    4.1: ("45334443455", 0.146),
    4.2: ("45434443455", 0.116),
    4.3: ("45444443455", 0.078),
}
UNANSWERED = "ellipsis"  # what comes out of the box for ...
NEAREST, GPTQ = 0.832, 0.616  # bits a character above float, with 3 bits everywhere
SAYS = {
    "the scales are not counted": "Each takes 16 bits: with one a row of 64 that is a quarter of a bit per weight.",
    "the floats are not counted": "What stays in float is in the file, too, with 16 bits for each number.",
    "the tables are not counted": "embed and position are matrices of the network, too.",
    "a mean over matrices": "A large matrix counts for more: weigh each by its weights.",
    "a matrix is missing": "A recipe names all eleven, those that stay in float, too.",
    "an unknown matrix": "RECIPE_MATRICES has the names.",
    "the recipe, not its text": "recipe.to_json() returns the text.",
    "rounded to the nearest": "The same widths take as many bits with GPTQ, and lose less.",
    "one width for all": "Some matrices hardly notice a bit less. Take it there, and give it to another one.",
    "2 bits for a matrix": "With three values a row it loses more than the bits are worth elsewhere.",
    "a matrix in float": "Beyond 6 bits there is hardly anything to gain. Take the bits for others.",
    "few bits for the tables": "Each character begins with embed and position, and GPTQ cannot help there.",
    "many small groups": "A scale for few weights costs as much as a bit or two for each of them.",
    "bits are left over": "The budget has room for one more bit in some matrix.",
}


def recipe(draw: Random) -> Reach:
    budget = draw.choice(tuple(REFERENCES))
    rungs = _rungs(budget)
    return Reach(
        title="Write a recipe",
        text=_text(budget, rungs),
        source=_source(budget),
        name="recipe",
        measure=lambda value: _measured(value, budget),
        rungs=rungs,
        known=lambda value: _known(value, budget),
        says=SAYS,
        check=_check(budget),
    )


def _rungs(budget: float) -> tuple[Rung, ...]:
    """A network that knows nothing is 3.6 bits above float, and one that is sure of what is false still more."""
    loss = REFERENCES[budget][1]
    return (
        Rung("within the budget", 2, 100.0),
        Rung("better than 3 bits, rounded to the nearest", 2, NEAREST),
        Rung("better than 3 bits with GPTQ", 2, GPTQ),
        Rung("bits where they count", 2, round(1.5 * loss, 3)),
        Rung("as good as a search", 2, round(1.1 * loss, 3)),
    )


def _text(budget: float, rungs: tuple[Rung, ...]) -> str:
    _, nearest, by_gptq, mixed, best = (f"{rung.most:.3f}" for rung in rungs)
    return f"""
Write a recipe for the network of notebook 16, which writes plays. It may take at most **{budget:g} bits per weight**,
all in: codes, scales in fp16, and what stays in float. Hand in `recipe`, the text that `to_json()` returns. A cell that
runs for more than 10 seconds is stopped when this is graded, so leave no search here.

Its loss is in bits per character above float, on the same windows. Choose by the first half of The Tempest; points come
from the second half, 2 for each of these:

- it keeps to the budget, whatever it loses;
- it loses at most {nearest}, as with 3 bits everywhere, rounded to the nearest;
- at most {by_gptq}, as with 3 bits everywhere and GPTQ;
- at most {mixed}: its bits are where they count;
- at most {best}: it is about as good as what a search has found that tried out each matrix.
"""


def _source(budget: float) -> str:
    given = '''
from quantlib.data.recipes import RECIPE_MATRICES, score_recipe
from quantlib.networks import Recipe


def on_the_first_half(widths):
    """Its bits, its loss, and the error of that."""
    return score_recipe(Recipe(widths, "gptq"), "first")


widths = {name: (3, None) for name in RECIPE_MATRICES}  # 3 bits everywhere, one scale a row
'''
    widths = dict(zip(RECIPE_MATRICES, ((int(bits), None) for bits in REFERENCES[budget][0]), strict=True))
    solution = f'best = {widths}\nrecipe = Recipe(best, "gptq").to_json()'
    return values({"recipe": None}, given).replace("recipe = None", solution)


def _check(budget: float) -> str:
    return f"""
def value(text):
    from quantlib.data.recipes import score_recipe
    from quantlib.networks import Recipe

    score = score_recipe(Recipe.from_json(text))
    return score.above if score.bits <= {budget} else torch.inf
""".strip()


# --- what is measured


def _measured(value: Any, budget: float) -> Found:
    """Measure a recipe on windows that nothing was chosen by.

    Raises:
        ValueError: if it is no recipe for this network, or over the budget.
    """
    bits = _bits(_read(value))
    if bits > budget:
        raise ValueError(f"it takes {bits:.3f} bits per weight, {bits - budget:.3f} more than the budget")
    score = _scored(value)
    return Found(score.above, f"it loses {score.above:.3f} ± {score.error:.3f} bits per character")


def _read(value: Any) -> Recipe:
    """Read a recipe. What is said of a text that is none holds a part of that text: it is cut short.

    Raises:
        ValueError: if it is no text, or no recipe for this network.
    """
    if type(value) is not str:
        problem = f"it is {kind(value)}, not a text: hand in what to_json() returns"
        raise ValueError("it is not answered yet" if value == UNANSWERED else problem)
    try:
        found = Recipe.from_json(value)
        _bits(found)
    except ValueError as error:
        raise ValueError(" ".join(str(error).split())[:200]) from None
    for name, (_, size) in found.matrices.items():
        if size and size > WRITER_SHAPES[f"{name}.weight"][1]:  # it would be padded, with as much memory as it says
            raise ValueError(f"a group of {name} is longer than a row")
    return found


def _bits(found: Recipe) -> float:
    return recipe_bits(load_writer(), found)


@lru_cache(maxsize=1000)
def _scored(text: str) -> Score:
    """Score a recipe once, however many hand it in."""
    return score_recipe(Recipe.from_json(text))


# --- what was misunderstood


def _known(value: Any, budget: float) -> tuple[str, ...]:
    """Name what keeps a recipe from more points."""
    try:
        found = _read(value)
    except ValueError:
        return _unfit(value)
    left = budget - _bits(found)
    return _badly_spent(found, left) if left >= 0 else _not_counted(found, budget)


def _unfit(value: Any) -> tuple[str, ...]:
    """Name why something is no recipe for this network, if that is known."""
    if type(value) is not str:
        return ("the recipe, not its text",) if isinstance(value, Other) and value in ("Recipe", "dict") else ()
    with suppress(ValueError):
        names, there = set(Recipe.from_json(value).matrices), set(RECIPE_MATRICES)
        if names != there:
            return ("an unknown matrix",) if names - there else ("a matrix is missing",)
    return ()


def _not_counted(found: Recipe, budget: float) -> tuple[str, ...]:
    """Name the way to count by which a recipe would use the budget best: so it was meant."""
    parts = {name: (shape, *found.matrices.get(name.removesuffix(".weight"), (16, None)))
             for name, shape in WRITER_SHAPES.items()}  # fmt: skip
    sizes = {name: math.prod(shape) for name, shape in WRITER_SHAPES.items()}
    coded = [part for part in parts.values() if part[1] < 16]
    ways = {
        "the scales are not counted": sum(sizes[name] * parts[name][1] for name in parts) / sum(sizes.values()),
        "the floats are not counted": network_bits(coded) if coded else math.inf,
        "the tables are not counted": network_bits(parts[f"{name}.weight"] for name in WRITER_MATRICES),
        "a mean over matrices": mean(bits for bits, _ in found.matrices.values()),
    }
    fits = {name: bits for name, bits in ways.items() if bits <= budget}
    return (max(fits, key=lambda name: fits[name]),) if fits else ()


def _badly_spent(found: Recipe, left: float) -> tuple[str, ...]:
    """Name what better recipes do not do. left: bits per weight; the largest matrix takes 0.15 for one more."""
    widths, sizes = zip(*found.matrices.values(), strict=True)
    signs = {
        "rounded to the nearest": found.method == "nearest",
        "one width for all": len(set(widths)) == 1,
        "2 bits for a matrix": 2 in widths,
        "a matrix in float": 16 in widths,
        "few bits for the tables": min(found.matrices[name][0] for name in ("embed", "position")) < 4,
        "many small groups": any(size and size <= 16 for size in sizes),
        "bits are left over": left > 0.15,
    }
    return tuple(name for name, holds in signs.items() if holds)
