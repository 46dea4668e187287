"""The slopes of weights and of their scale, when a network is trained with rounding."""

from itertools import product
from random import Random
from typing import Any, NamedTuple

import torch
from torch import Tensor

from quantlib import fake_quantize
from quantlib.lab.misconception import Misconception

from ..questions import Part, Write
from ..variants import Code, Known, mistakes, reals, say, spoiling

HEAD = "my_slopes(w, s, g)"
GRIDS = (-7, 7), (-8, 7), (-3, 3), (-4, 3), (0, 7)


class Rules(NamedTuple):
    """low, high: the grid. back: whether a weight beyond it has a slope that leads back. mean: of the slopes at s."""

    back: bool
    mean: bool
    low: int
    high: int

    @property
    def code(self) -> Code:
        ends = f"({self.low}, {self.high})"
        lines = [
            "v = w / s",
            f"code = v.round().clamp{ends}",
            "inside = v.round() == code",
            *(["back = (g > 0) == (v > code)"] if self.back else []),
            f"of_w = torch.where(inside{' | back' if self.back else ''}, g, 0.0)",
            "of_s = g * torch.where(inside, code - v, code)",
            f"return of_w, of_s.{'mean' if self.mean else 'sum'}().item()",
        ]
        return Code(HEAD, "\n".join(lines))

    def but(self, **changed: Any) -> Code:
        return self._replace(**changed).code


def slopes(draw: Random) -> Write:
    back, mean = draw.choice(tuple(product((True, False), repeat=2)))
    rules = Rules(back, mean, *draw.choice(GRIDS))
    right, w, g = rules.code, [0.6, rules.high + 3.0], [1.0, 0.5]
    of_w, of_s = right(reals(w), 1.0, reals(g))
    return Write(
        title="Train the scale, too",
        text=_text(rules),
        source=right.cell("Return the slopes at the weights, a tensor, and the slope at s, a float."),
        name=right.name,
        example=f"of_w, of_s = my_slopes(torch.tensor({w}), 1.0, torch.tensor({g}))\n"
        f"assert of_w.tolist() == {of_w.tolist()} and abs(of_s - {round(of_s, 4)}) < 1e-3\n"
        "assert type(of_s) is float",
        parts=_parts(draw, rules),
        mistakes=(*_of_the_weights(rules), *_of_the_scale(rules), *_of_the_result(rules)),
    )


def _text(rules: Rules) -> str:
    outside = (
        "beyond the grid, `g` where a step against it leads back towards the grid, else 0"
        if rules.back
        else "beyond the grid 0"
    )
    total = "**mean** over all weights" if rules.mean else "sum over all weights"
    return f"""
A network is trained with rounding, and its scale s is trained, too. With v = w/s, it computes with ŵ = s · c, where c
is round(v), clamped to the codes from {say(rules.low)} to {rules.high}. `g` holds the slope of the loss at each ŵ; a
step goes against it. Pretend that rounding has the slope 1, and return two things:

- the slopes at the weights, a tensor: `g` where round(v) is on the grid; {outside};
- the slope at `s`, a float: the {total} of g times the slope of ŵ at s. On the grid that is c − v, since s moves c,
  too. Beyond the grid c stays, and it is c.

`w` and `g` are float32 tensors of one length, and `s` is a positive number.
"""


def _parts(draw: Random, rules: Rules) -> tuple[Part, ...]:
    def case(*where: str) -> tuple[Tensor, float, Tensor]:
        """Draw weights on the grid ("on") or beyond one end, with slopes of both signs."""
        while True:
            s = draw.choice((0.25, 0.5, 0.75, 1.25))
            w = reals([round(s * _place(draw, rules, each), 4) for each in where])
            g = reals([round(draw.choice((-1, 1)) * draw.uniform(0.3, 2), 2) for _ in where])
            if abs(rules.code(w, s, g)[1]) > 0.2 and {*g.sign().tolist()} == {-1.0, 1.0}:
                return w, s, g

    on, beyond = ("on",) * 4, ("above", "on", "above", "above", "on", "above")
    below = tuple("below" if each == "above" else each for each in beyond)
    return (
        Part("weights on the grid", 2, (case(*on, *on), case(*on))),
        Part("weights beyond one end", 3, (case(*beyond), case(*below))),
        Part("weights beyond both ends", 3, (case("below", "on", "above", "below", "on", "above", "above", "below"),)),
        Part("few weights, and the arguments as they were", 1, (case("on", "on", "above"),), calls=2),
    )


def _place(draw: Random, rules: Rules, where: str) -> float:
    """Draw v, far from every tie; "beyond" are the places whose code is not on the grid."""
    away = draw.choice((-0.35, -0.2, 0.15, 0.3))
    if where == "on":
        return draw.randint(rules.low + 1, rules.high - 1) + away
    return (rules.high + draw.randint(1, 4) if where == "above" else rules.low - draw.randint(1, 4)) + away


def _of_the_weights(rules: Rules) -> tuple[Misconception, ...]:
    right = rules.code
    plain = (
        (
            "slope 0 beyond the grid",
            "Some of them lead back. quantlib's fake_quantize has 0 there.",
            rules.but(back=False),
        )
        if rules.back
        else ("a slope that leads back passes", "Here it is 0 beyond the grid.", rules.but(back=True))
    )
    known: list[Known] = [
        plain,
        (
            "the slope passes everywhere",
            "Beyond the grid it does not.",
            right.but("of_w = torch.where(inside", "of_w = torch.where(~inside | inside"),
        ),
        (
            "the slope of the staircase",
            "Rounding has the slope 0. Pretend that it is 1.",
            right.but(", g, 0.0)", ", 0 * g, 0.0)"),
        ),
        ("multiplied by s", "s and 1/s cancel.", right.but(", g, 0.0)", ", s * g, 0.0)")),
        ("divided by s", "s and 1/s cancel.", right.but(", g, 0.0)", ", g / s, 0.0)")),
        ("weights after a step", "The slopes are asked for.", right.but("return of_w", "return w - of_w")),
        ("the rounded weights", "It returns ŵ, not a slope.", right.but("return of_w", "return s * code")),
    ]
    if rules.back:
        away = right.but("(g > 0) == (v > code)", "(g > 0) != (v > code)")
        known.append(("what leads away passes", "A step goes against g.", away))
    return mistakes("Take one weight on the grid and one beyond it, and move each a little.", *known)


def _of_the_scale(rules: Rules) -> tuple[Misconception, ...]:
    right, slope = rules.code, "torch.where(inside, code - v, code)"
    other = rules.but(low=rules.low - 1 if rules.low == -rules.high else -rules.high)
    mean = rules.but(mean=not rules.mean)
    return mistakes(
        "Write ŵ = s · c, and take the slope at s of a product.",
        ("the code alone", "s moves the code, too, through v = w/s.", right.but(slope, "code")),
        ("c − v everywhere", "Beyond the grid the code stays, whatever s is.", right.but(slope, "(code - v)")),
        (
            "c beyond the grid is forgotten",
            "There ŵ still grows with s.",
            right.but("code - v, code)", "code - v, 0.0)"),
        ),
        ("v − c", "c comes first: its slope at s is plus c.", right.but("code - v, code)", "v - code, code)")),
        ("v for c beyond the grid", "There the code counts, and not v.", right.but("code - v, code)", "code - v, v)")),
        ("g is not used", "The slope of ŵ is not yet that of the loss.", right.but("of_s = g * ", "of_s = ")),
        ("the sum for the mean" if rules.mean else "the mean for the sum", "Read again what is asked for.", mean),
        ("another grid", f"Codes reach from {say(rules.low)} to {rules.high}.", other),
    )


def _of_the_result(rules: Rules) -> tuple[Misconception, ...]:
    right = rules.code

    def by_torch(w: Tensor, s: float, g: Tensor) -> tuple[Tensor, float]:
        w = w.clone().requires_grad_()
        w_hat = fake_quantize(w, s, 0, rules.low, rules.high)
        return torch.autograd.grad(w_hat, w, g)[0], 0.0

    def as_tensor(*given: Any) -> tuple[Tensor, Tensor]:
        of_w, of_s = right(*given)
        return of_w, torch.tensor(of_s)

    return (
        *mistakes(
            "Return the tensor and then a Python number.",
            ("both in the other order", "The weights come first.", lambda *given: right(*given)[::-1]),
            ("a tensor for the float", ".item() makes a number of it.", as_tensor),
        ),
        *mistakes(
            "Compute the slope at s yourself.",
            ("quantlib's fake_quantize and torch", "There s is a constant: its slope is 0.", by_torch),
        ),
        *mistakes(
            "Do not write into w or g.",
            ("w is changed in place", "The caller's weights are overwritten.", spoiling(right, lambda w: w.zero_())),
        ),
    )
