"""A measure of the error that quantlib does not have."""

from random import Random
from typing import Any

import torch
from torch import Tensor

import quantlib
from quantlib.lab.misconception import Misconception

from ..questions import Part, Write
from ..variants import Code, as_tensors, float_example, mistakes, reals, say


def measure(draw: Random) -> Write:
    return draw.choice((_clipped, _share_of_worse, _energy_of_worst))(draw)


_NUMBER = "Return a Python float, not a tensor: `.item()` makes one."
_TENSOR = "a tensor for a number", "The number is right, but it is a tensor."


def _write(text: str, right: Code, says: str, example: str, **rest: Any) -> Write:
    source = right.cell(says)
    return Write(title="Write a measure", text=text, source=source, name=right.name, example=example, **rest)


def _pair(draw: Random, count: int, s: float = 0.5) -> tuple[Tensor, Tensor]:
    """Return x and x_hat of many different errors, small and large, of both signs; none is exactly a multiple of s."""
    x = [round(draw.uniform(-9, 9), 2) for _ in range(count)]
    errors = [s * (0.13 + 0.29 * k) * draw.choice((-1, 1)) for k in draw.sample(range(count), count)]
    return reals(x), reals([a - e for a, e in zip(x, errors, strict=True)])


# --- over the values that clip


def _clipped(draw: Random) -> Write:
    low, high = -draw.choice((3.0, 4.0)), draw.choice((2.5, 5.0))
    squares, closed = draw.choice((True, False)), draw.choice((True, False))
    right = _over_clipped(squares, closed)
    return _write(
        _text_of_clipped(squares, closed),
        right,
        f"Return the {'RMSE' if squares else 'mean |x - x_hat|'} over the values outside of [low, high], a float.",
        float_example("my_measure(torch.tensor([9.0, 1.0, -9.0]), torch.tensor([6.0, 8.0, -6.0]), -6.0, 6.0)", 3.0),
        parts=_parts_of_clipped(draw, low, high),
        mistakes=_of_clipped(right, squares, closed),
    )


def _over_clipped(squares: bool, closed: bool) -> Code:
    return Code(
        "my_measure(x, x_hat, low, high)",
        f"""
outside = {_outside(closed)}
if not outside.any():
    return 0.0
return (x - x_hat)[outside]{_norm(squares)}.item()
""",
    )


def _outside(closed: bool) -> str:
    return "(x <= low) | (x >= high)" if closed else "(x < low) | (x > high)"


def _norm(squares: bool) -> str:
    return ".square().mean().sqrt()" if squares else ".abs().mean()"


def _text_of_clipped(squares: bool, closed: bool) -> str:
    norm = "root of the mean of (x − x_hat)²" if squares else "mean of |x − x_hat|"
    return f"""
A measure for clipping alone: the **{norm} over those values of x that lie outside of [low, high]**. A value that is
equal to `low` or `high` counts **as {"outside" if closed else "inside"}**. If no value is outside, the measure is 0.0.

`x` and `x_hat` are tensors of one shape. {_NUMBER}
"""


def _parts_of_clipped(draw: Random, low: float, high: float) -> tuple[Part, ...]:
    x, x_hat = _pair(draw, 24)
    ends = reals([low, high, low - 2.0, high + 3.0, 0.0, low - 4.0])
    ends_hat = reals([low + 1, high - 2, low, high, 0.3, low + 1])
    within = reals([[0.5, 1.0], [-2.0, 2.0]])
    return (
        Part("many values", 3, ((x, x_hat, low, high), (x.reshape(4, 6), x_hat.reshape(4, 6), -1.0, 6.5))),
        Part("values at the ends, and x as it was", 2, ((ends, ends_hat, low, high),), calls=2),
        Part("nothing outside", 1, ((within, within + 0.5, -3.0, 3.0),)),
    )


def _of_clipped(right: Code, squares: bool, closed: bool) -> tuple[Misconception, ...]:
    outside, norm = _outside(closed), _norm(squares)
    above, below = outside.split(" | ")[::-1]

    def of_all(x: Tensor, x_hat: Tensor, low: float, high: float) -> float:
        return quantlib.rmse(x, x_hat) if squares else quantlib.l1_error(x, x_hat) / x.numel()

    own = (
        ("the root is forgotten", "That is the mean square.", right.but(".sqrt()", ""))
        if squares
        else ("the sizes are forgotten", "Signs cancel.", right.but(".abs()", ""))
    )
    by_all = right.but("(x - x_hat)[outside]", "torch.where(outside, x - x_hat, 0.0)")
    of_x_hat = right.but(outside, outside.replace("x ", "x_hat "))
    other_norm = "sizes for squares" if squares else "squares for sizes"
    return mistakes(
        "Choose the values first, then measure.",
        ("quantlib's own function", "It averages over all values.", of_all),
        ("divided by the number of all values", "The mean is over the values outside.", by_all),
        ("sum instead of mean", "That grows with the number of values.", right.but("mean", "sum")),
        own,
        (other_norm, "That is another norm.", _over_clipped(not squares, closed)),
        ("the largest error", "That is another norm.", right.but(norm, ".abs().max()")),
        ("the ends on the wrong side", "Read what counts as outside.", _over_clipped(squares, not closed)),
        ("only above", "Values below low are outside, too.", right.but(outside, above)),
        ("only below", "Values above high are outside, too.", right.but(outside, below)),
        ("the values inside", "That is the error of rounding.", right.but(outside, f"~({outside})")),
        ("x_hat is asked, not x", "The text asks where x lies.", of_x_hat),
        (*_TENSOR, as_tensors(right)),
    )


# --- how many errors are large


def _share_of_worse(draw: Random) -> Write:
    t = draw.choice((0.75, 1.25, 1.5, 1.75, 2.25, 2.5))
    text = f"""
A measure for a careless program: **the share of values whose error |x − x_hat| is larger than {say(t)} steps.**
A step is s real units. An error of exactly {say(t)} steps is not counted. The share is a number from 0.0 to 1.0.

`x` and `x_hat` are tensors of one shape with at least one value, `s` is a float. {_NUMBER}
"""
    right = Code("my_measure(x, x_hat, s)", f"return ((x - x_hat).abs() > {t} * s).float().mean().item()")
    x, x_hat = _pair(draw, 20)
    zeros = torch.zeros(6)
    ties = 0.5 * reals([t, -t, t + 0.25, -t - 0.25, 0.0, 9.0])
    return _write(
        text,
        right,
        f"Return the share of values with an error larger than {t} steps, as a Python float.",
        float_example(f"my_measure(torch.tensor([0.0, {2 * t + 2}, -{2 * t + 2}, 0.0]), torch.zeros(4), 2.0)", 0.5),
        parts=(
            Part("many values", 3, ((x, x_hat, 0.5), (x.reshape(5, 4), x_hat.reshape(5, 4), 1.25), (x, x_hat, 0.25))),
            Part("errors of exactly the limit", 2, ((ties, zeros, 0.5), (zeros, 4 * ties, 2.0)), calls=2),
            Part("no error", 1, ((zeros, zeros, 1.0),)),
        ),
        mistakes=_of_shares(right, limit=f"{t} * s", t=t),
    )


def _of_shares(right: Code, limit: str, t: float) -> tuple[Misconception, ...]:
    def largest(x: Tensor, x_hat: Tensor, s: float) -> float:
        return quantlib.max_error(x, x_hat) / s

    return mistakes(
        "Compare sizes in one unit, then count.",
        ("quantlib's own function", "It returns the largest error.", largest),
        ("t real units, not steps", "A step is s units.", right.but(limit, f"{t}")),
        ("t counted too", "Larger, not equal.", right.but(">", ">=")),
        ("only positive errors", "The size counts.", right.but(".abs()", "")),
        ("divided twice", "Steps times s are real units.", right.but(limit, f"{t} / s")),
        ("half a step for the limit", "Read the limit.", right.but(limit, "s / 2")),
        ("the rest of the values", "Count the larger errors.", right.but(">", "<=")),
        ("the number, not the share", "Divide by the number of values.", right.but("mean", "sum")),
        ("in percent", "From 0.0 to 1.0.", lambda *arguments: 100 * right(*arguments)),
        (*_TENSOR, as_tensors(right)),
    )


# --- how much of the error the worst have


def _energy_of_worst(draw: Random) -> Write:
    percent = draw.choice((10, 15, 20, 30, 35))
    worst = -(-percent // 10)  # of ten values
    right = Code(
        "my_measure(x, x_hat)",
        f"""
squares = (x - x_hat).square().flatten().sort(descending=True).values
count = ({percent} * len(squares) + 99) // 100
total = squares.sum().item()
return squares[:count].sum().item() / total if total else 0.0
""",
    )
    text = f"""
How concentrated is an error? Take the {percent} % of the values with the largest |x − x_hat|, **their number
rounded up**. The measure is **their share of the sum of all (x − x_hat)²**, from 0.0 to 1.0. If there is no
error at all, it is 0.0.

`x` and `x_hat` are tensors of one shape with at least one value. {_NUMBER}
"""
    return _write(
        text,
        right,
        f"Return the share of the squared error in the worst {percent} % of the values, a Python float.",
        float_example(f"my_measure(torch.tensor({[3.0] + [1.0] * 9}), torch.zeros(10))", (8 + worst) / 18),
        parts=_parts_of_energy(draw, percent),
        mistakes=_of_energy(right),
    )


def _parts_of_energy(draw: Random, percent: int) -> tuple[Part, ...]:
    x, x_hat = _pair(draw, 23)
    zeros = torch.zeros(2, 3)
    large = 100 // percent * reals([1.0] + [0.0] * (100 // percent - 1))
    few, few_hat = reals([1.0, -4.0, 2.0]), reals([4.0, -5.0, 1.5])  # the worst error is not that of the largest x
    return (
        Part("many values", 3, ((x, x_hat), (x[:20].reshape(4, 5), x_hat[:20].reshape(4, 5)))),
        Part("few values", 2, ((few, few_hat), (few[1:2], torch.zeros(1)), (large, -large)), calls=2),
        Part("no error", 1, ((zeros, zeros),)),
    )


def _of_energy(right: Code) -> tuple[Misconception, ...]:
    def sorted_by(key: str) -> Code:
        order = f"[{key}.flatten().argsort(descending=True, stable=True)]"
        return right.but(".sort(descending=True).values", order)

    of_x = "Divide by the sum of all squared errors."
    return mistakes(
        "Sort the sizes of the errors, then count.",
        ("quantlib's own function", "It returns the mean of the squares.", quantlib.mse),
        ("the number is rounded down", "Round the number of values up.", right.but(" + 99", "")),
        ("sizes, not squares", "Add squares.", right.but(".square()", ".abs()")),
        ("the largest x, not errors", "Sort by |x − x_hat|.", sorted_by("x.abs()")),
        ("the sign counts", "A large negative error is large.", sorted_by("(x - x_hat)")),
        ("in percent", "From 0.0 to 1.0.", lambda *arguments: 100 * right(*arguments)),
        ("the rest of the values", "Take the largest errors.", lambda *arguments: 1 - right(*arguments)),
        ("the sum, not the share", "Divide by the sum of all squares.", right.but(" / total if total else 0.0", "")),
        ("the share of the energy of x", of_x, right.but("total = squares", "total = x.square()")),
        (*_TENSOR, as_tensors(right)),
    )
