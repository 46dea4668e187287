"""A step of Lloyd's method under other rules."""

from random import Random
from typing import Any, NamedTuple

from torch import Tensor

from quantlib.formats import lloyd_step
from quantlib.lab.misconception import Misconception

from ..questions import Part, Write
from ..variants import Code, Known, mistakes, reals, spoiling

PARTS = {1.0: "the whole way", 0.5: "half of the way", 0.25: "a quarter of the way"}


class Rules(NamedTuple):
    """How levels move. weighted: by a weighted mean; zero_stays: but not the level 0.0; part: so much of the way."""

    weighted: bool
    zero_stays: bool
    part: float

    @property
    def head(self) -> str:
        return "my_step(x, levels, h)" if self.weighted else "my_step(x, levels)"

    @property
    def mean(self) -> str:
        return "(h[mine] * x[mine]).sum() / h[mine].sum()" if self.weighted else "x[mine].mean()"

    @property
    def code(self) -> Code:
        moves = f"= {self.mean}" if self.part == 1 else f"+= {self.part} * ({self.mean} - levels[k])"
        return Code(
            self.head,
            f"""
nearest = (x[:, None] - levels).abs().argmin(1)
moved = levels.clone()
for k in range(len(levels)):
    mine = nearest == k
    if mine.any(){" and levels[k] != 0" if self.zero_stays else ""}:
        moved[k] {moves}
return moved
""",
        )

    def but(self, **changed: Any) -> Code:
        return self._replace(**changed).code


PLAIN = Rules(False, False, 1.0)  # the step of notebook 11
ALL = [r for w in (True, False) for z in (True, False) for part in PARTS if (r := Rules(w, z, part)) != PLAIN]


def step(draw: Random) -> Write:
    rules = draw.choice(ALL)
    right = rules.code
    shown = ([1.0, 2.0, 6.0, 8.0], [0.0, 5.0], [1.0, 3.0, 1.0, 3.0])[: 2 + rules.weighted]
    gives = right(*map(reals, shown)).tolist()
    return Write(
        title="Move the levels",
        text=_text(rules),
        source=right.cell("Return the levels after one step, as float32."),
        name=right.name,
        example=f"given = {', '.join(map(str, shown))}\n"
        "got = my_step(*map(torch.tensor, given))\n"
        f"assert got.dtype == torch.float32 and (got - torch.tensor({gives})).abs().max() < 1e-5",
        parts=_parts(draw, rules),
        mistakes=(*_of_the_rules(rules), *_of_the_cells(rules), *_of_the_result(rules)),
    )


def _text(rules: Rules) -> str:
    weighted = """
Not all values are equally important: `x[i]` has the importance `h[i]`, a positive number. It counts in the mean only,
not in which level is nearest. The **weighted mean** is Σ h x / Σ h, over the values of a level.
"""
    mean = "weighted mean" if rules.weighted else "mean"
    zero = "\n- A level that is 0.0 stays, so that zeros stay zeros." if rules.zero_stays else ""
    h = "`x` and `h` are float32 tensors of one length" if rules.weighted else "`x` is a float32 tensor of one axis"
    return f"""
The levels of a codebook are to move by a step of Lloyd's method with other rules.
{weighted if rules.weighted else ""}
- Each level goes **{PARTS[rules.part]}** from where it is to the {mean} of the values that are nearest to it.{zero}
- A level that is nearest to no value stays.

{h}, and `levels` holds the levels,
ascending. No value is equally near to two of them. Return the new levels as float32.
"""


def _parts(draw: Random, rules: Rules) -> tuple[Part, ...]:
    def case(levels: list[float], counts: list[int]) -> tuple[Tensor, ...]:
        """Draw so many values for each level, more above it than below, and well within its cell."""
        x = [level + s * draw.uniform(0.05, 0.45) for level, n in zip(levels, counts, strict=True) for s in _sides(n)]
        x = [round(value, 2) for value in draw.sample(x, len(x))]
        h = [draw.choice((0.25, 0.5, 2.0, 3.0, 5.0)) for _ in x]
        return (reals(x), reals(levels), reals(h))[: 2 + rules.weighted]

    # After a step, 1.6 is nearest to the other level, so that a second step moves both.
    again = tuple(map(reals, ([1.4, 1.6, 4.0], [1.0, 2.0], [1.0, 2.0, 1.0])))[: 2 + rules.weighted]
    return (
        Part("levels other than 0.0", 2, (case([-1.0, 2.0], [3, 5]), again)),
        Part("many values, and a level at 0.0", 3, (case([-4.0, -2.5, 0.0, 1.5, 3.0], [9, 5, 11, 8, 3]),)),
        Part("a level without a value", 2, (case([-5.0, -3.0, 1.0, 4.0], [3, 5, 0, 3]),)),
        Part("few values, and the arguments as they were", 1, (again,), calls=2),
    )


def _sides(count: int) -> list[int]:
    """Every third value lies below its level."""
    return [-1 if k % 3 == 1 else 1 for k in range(count)]


def _other(rules: Rules, name: str, says: str, **changed: Any) -> Known:
    """Return the mistake of another rule, which may be that of notebook 11."""
    other = rules._replace(**changed)

    def wrong(x: Tensor, levels: Tensor, *h: Tensor) -> Tensor:
        return other.code(x, levels, *h[: other.weighted])

    return name, f"{says} Without it, it is quantlib's lloyd_step." if other == PLAIN else says, wrong


def _of_the_rules(rules: Rules) -> tuple[Misconception, ...]:
    known: list[Known] = []
    if rules.weighted:
        count = rules.code.but("/ h[mine].sum()", "/ mine.sum()")
        known.append(_other(rules, "h is not used", "The mean is a weighted one.", weighted=False))
        known.append(("divided by the number of values", "Divide by the sum of their importances.", count))
    if rules.zero_stays:
        known.append(_other(rules, "0.0 moves, too", "It should stay.", zero_stays=False))
    else:
        known.append(("0.0 stays", "Here it moves as all levels do.", rules.but(zero_stays=True)))
    for part, words in PARTS.items():
        if part != rules.part:
            known.append(_other(rules, words, f"A level goes {PARTS[rules.part]}.", part=part))
    if sum(a != b for a, b in zip(rules, PLAIN, strict=True)) > 1:
        known.append(("quantlib's own function", "It has other rules.", lambda x, levels, *h: lloyd_step(x, levels)))
    return mistakes("Go through the rules of the text once more.", *known)


def _of_the_cells(rules: Rules) -> tuple[Misconception, ...]:
    right, mean = rules.code, rules.mean

    def several(x: Tensor, levels: Tensor, *h: Tensor) -> Tensor:
        for _ in range(3):
            levels = right(x, levels, *h)
        return levels

    below = right.but("(x[:, None] - levels).abs().argmin(1)", "((x[:, None] >= levels).sum(1) - 1).clamp(0)")
    empty = right.but("return moved", "empty = torch.bincount(nearest, minlength=len(levels)) == 0\n"
                      "return torch.where(empty, 0.0, moved)")  # fmt: skip
    return mistakes(
        "Which values are nearest to the level 2.0, and what is their mean?",
        ("the median", "The mean has the smallest squared error.", right.but(mean, "x[mine].median()")),
        (
            "the middle of smallest and largest",
            "All values of a cell count.",
            right.but(mean, "(x[mine].min() + x[mine].max()) / 2"),
        ),
        ("the level below, not the nearest", "A value belongs to the nearest level.", below),
        ("the mean of all values", "Each level has its own values.", right.but("nearest == k", "nearest >= 0")),
        ("an empty level becomes 0.0", "It should stay where it is.", empty),
        ("three steps", "One step is asked for.", several),
        ("the levels stay", "They should move.", lambda x, levels, *h: levels.clone()),
    )


def _of_the_result(rules: Rules) -> tuple[Misconception, ...]:
    right = rules.code
    return (
        *mistakes(
            "The levels are asked for.",
            (
                "the values, not the levels",
                "It returns what each value becomes.",
                lambda x, levels, *h: right(x, levels, *h)[(x[:, None] - levels).abs().argmin(1)],
            ),
        ),
        *mistakes(
            "Make new tensors: levels.clone().",
            ("levels is changed in place", "The caller's levels move.", right.but("levels.clone()", "levels")),
            ("x is changed in place", "The caller's tensor is overwritten.", spoiling(right, lambda x: x.add_(1))),
        ),
    )
