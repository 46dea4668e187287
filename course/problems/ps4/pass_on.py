"""A column that is rounded, and passes its error on under other rules than GPTQ's."""

import math
from itertools import product
from random import Random
from typing import Any, NamedTuple

import torch
from torch import Tensor

from quantlib.lab.misconception import Misconception
from quantlib.networks import gptq

from ..questions import Part, Write
from ..variants import Code, Function, Known, mistakes, reals, say, spoiling

HEAD = "my_pass(w, j, s, h_inv)"
COLUMNS = 6
SHOWN = [4.0, 2.0, -1.0], [2.0, 3.0, 1.0], [-1.0, 1.0, 2.0]


class Rules(NamedTuple):
    """before: errors go to the columns before j. near: to the next two alone. half: only half of the error."""

    before: bool
    near: bool
    half: bool
    top: int = 7

    @property
    def columns(self) -> str:
        """Which columns make up for the error."""
        if self.before:
            return "max(j - 2, 0):j" if self.near else ":j"
        return "j + 1:j + 3" if self.near else "j + 1:"

    @property
    def code(self) -> Code:
        error = "0.5 * (w[:, j] - q)" if self.half else "w[:, j] - q"
        lines = [
            f"q = s * (w[:, j] / s).round().clamp({-self.top}, {self.top})",
            f"error = {error}",
            "new = w.clone()",
            "new[:, j] = q",
            f"new[:, {self.columns}] -= error[:, None] * h_inv[j, {self.columns}] / h_inv[j, j]",
            "return new",
        ]
        return Code(HEAD, "\n".join(lines))

    def but(self, **changed: Any) -> Code:
        return self._replace(**changed).code


PLAIN = Rules(False, False, False)  # those of GPTQ
ALL = [found for each in product((True, False), repeat=3) if (found := Rules(*each)) != PLAIN]


def pass_on(draw: Random) -> Write:
    rules = draw.choice(ALL)._replace(top=draw.choice((3, 7)))
    right, j = rules.code, 2 if rules.before else 0
    w = [2.0, -1.0, 0.4] if rules.before else [0.4, -1.0, 2.0]
    shown = reals([w]), j, reals([1.0]), reals(SHOWN)
    gives = right(*shown)[0].tolist()
    return Write(
        title="Pass an error on",
        text=_text(rules),
        source=right.cell("Return w after column j is rounded and its error is passed on, as float32."),
        name=right.name,
        example=f"w, s = torch.tensor([{w}]), torch.tensor([1.0])\n"
        f"h_inv = torch.tensor({[*SHOWN]})\n"
        f"got = my_pass(w, {j}, s, h_inv)\n"
        f"wanted = torch.tensor([{[round(v, 4) for v in gives]}])\n"
        "assert got.dtype == torch.float32 and (got - wanted).abs().max() < 1e-3",
        parts=_parts(draw, rules),
        mistakes=(*_of_the_rules(rules), *_of_the_step(rules), *_of_the_result(rules)),
    )


def _text(rules: Rules) -> str:
    side = "before" if rules.before else "after"
    order = "from the last to the first" if rules.before else "from the first to the last"
    two = f"the **two** columns next to it that come {side} it, or to those there are"
    which = two if rules.near else f"all columns **{side}** it"
    part, e = ("**half of** its error", "(w − q)/2") if rules.half else ("its error", "w − q")
    return f"""
Another method than GPTQ rounds the columns of a matrix one by one, {order}. Column `j` is due.

- It becomes the nearest multiples of the scales, with codes from {say(-rules.top)} to {rules.top}: row i has the scale
  `s[i]`.
- It passes {part} on to {which}. With w the column as it was, and q as it is now, each such column k loses e ·
  `h_inv[j, k]` / `h_inv[j, j]`, row by row, where e = {e}.
- All other columns stay.

`w` is float32, shape (rows, columns), `s` has the shape (rows,), and `h_inv` is symmetric. Return the new matrix.
"""


def _parts(draw: Random, rules: Rules) -> tuple[Part, ...]:
    def case(rows: int, columns: int, j: int, *places: tuple[float, float]) -> tuple[Tensor, int, Tensor, Tensor]:
        """Draw a matrix whose column j lies at places between these two, counted in steps, of either sign."""
        w = [[round(draw.uniform(-2, 2), 2) for _ in range(columns)] for _ in range(rows)]
        s = draw.sample((0.25, 0.4, 0.5, 0.75, 1.5), rows)
        for i, (row, step) in enumerate(zip(w, s, strict=True)):
            row[j] = round(draw.choice((-1, 1)) * step * _place(draw, *places[i % len(places)], up=i % 2 == 0), 4)
        return reals(w), j, reals(s), _inverse(draw, columns)

    inside, beyond = (0.6, rules.top - 1.0), (rules.top + 0.6, rules.top + 3.0)
    first, last, middle = (COLUMNS - 1, 0, 3) if rules.before else (0, COLUMNS - 1, 2)
    return (
        Part("codes on the grid", 3, (case(3, COLUMNS, middle, inside), case(2, COLUMNS, first, inside))),
        Part("codes beyond its ends", 3, (case(3, COLUMNS, middle, beyond, inside), case(2, 4, 2, beyond))),
        Part("a column that has nobody left", 1, (case(3, COLUMNS, last, inside, beyond),)),
        Part("few columns, and w as it was", 1, (case(2, 3, 1, inside),), calls=2),
    )


def _place(draw: Random, low: float, high: float, *, up: bool) -> float:
    """Draw a place that is far from every code and from every tie. up: whether the nearest code is the larger one."""
    code = draw.randint(math.ceil(low), math.floor(high))
    return code + draw.choice((-0.4, -0.3) if up else (0.2, 0.3, 0.4))


def _inverse(draw: Random, n: int) -> Tensor:
    """Draw what can be the inverse of a hessian, whose entries all differ from 0."""
    while True:
        a = torch.tensor([[draw.randint(-3, 3) / 2 for _ in range(n)] for _ in range(n)])
        found = a @ a.T + torch.diag(reals([1.0 + k % 3 for k in range(n)]))
        if bool((found != 0).all()):
            return found


def _other(rules: Rules, name: str, says: str, **changed: Any) -> Known:
    """Return the mistake of another rule, which may be that of GPTQ."""
    other = rules._replace(**changed)
    return name, f"{says} Without it, it is a step of quantlib's gptq." if other[:3] == PLAIN[:3] else says, other.code


def _of_the_rules(rules: Rules) -> tuple[Misconception, ...]:
    side, other = ("before", "after") if rules.before else ("after", "before")
    known = [_other(rules, f"to the columns {other} j", f"Here they are those {side} it.", before=not rules.before)]
    if rules.near:
        known.append(_other(rules, f"to all columns {side} j", "Here two columns get it.", near=False))
    else:
        known.append(_other(rules, "to two columns alone", f"Here all columns {side} j get it.", near=True))
    if rules.half:
        known.append(_other(rules, "the whole error", "Here half of it is passed on.", half=False))
    else:
        known.append(_other(rules, "half of the error", "Here the whole error is passed on.", half=True))
    known.append(("quantlib's gptq", "It rounds all columns, and by its own rules.", _by_gptq(rules.top)))
    return mistakes("Go through the rules of the text once more.", *known)


def _by_gptq(top: int) -> Function:
    def wrong(w: Tensor, j: int, s: Tensor, h_inv: Tensor) -> Tensor:
        hessian = torch.linalg.inv(h_inv.double())
        return s[:, None] * gptq(w, (hessian + hessian.T) / 2, s[:, None], top)

    return wrong


def _of_the_step(rules: Rules) -> tuple[Misconception, ...]:
    right, columns = rules.code, rules.columns
    error, row = "w[:, j] - q", f"h_inv[j, {columns}]"
    clamp = f".clamp({-rules.top}, {rules.top})"
    return mistakes(
        "Work out the example by hand: q, the error, and what each column loses.",
        ("the wrong sign", "The others should make up for it.", right.but("-= error", "+= error")),
        ("not divided by h_inv[j, j]", "It is the unit of the row.", right.but(" / h_inv[j, j]", "")),
        (
            "divided by h_inv[k, k]",
            "All are divided by the same number.",
            right.but("h_inv[j, j]", f"h_inv.diagonal()[{columns}]"),
        ),
        ("every column as much", "Each has its own entry of h_inv.", right.but(row, f"torch.ones_like({row})")),
        ("the weight, not its error", "Only what rounding has lost is passed on.", right.but(error, "w[:, j]")),
        ("the error in codes", "The error is a difference of weights.", right.but(error, "(w[:, j] - q) / s")),
        ("nothing is passed on", "It rounds column j alone.", right.but("-= error", "-= 0 * error")),
        ("codes without an end", "A weight beyond the grid is clipped.", right.but(clamp, "")),
        ("rounded towards 0", "It should be the nearest.", right.but(".round()", ".trunc()")),
        (
            "the scales are not used",
            "A code stands for s times itself.",
            right.but("q = s * (w[:, j] / s)", "q = w[:, j]"),
        ),
        ("column j stays", "It becomes q.", right.but("new[:, j] = q", "")),
    )


def _of_the_result(rules: Rules) -> tuple[Misconception, ...]:
    right = rules.code
    return (
        *mistakes(
            "The whole matrix is asked for.",
            ("column j alone", "It returns one column.", right.but("return new", "return q")),
            ("codes for column j", "It should hold what the codes stand for.", right.but("= q\n", "= q / s\n")),
        ),
        *mistakes(
            "Make a new matrix: w.clone().",
            ("w is changed in place", "The caller's weights are overwritten.", spoiling(right, lambda w: w.add_(1))),
        ),
    )
