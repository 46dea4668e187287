"""Activations that are quantized as they come: who shares a scale, and what sets it."""

from itertools import product
from random import Random
from typing import Any, NamedTuple

import torch
from torch import Tensor

from quantlib import choose_qparams, fake_quantize
from quantlib.lab.misconception import Misconception

from ..questions import Part, Write
from ..variants import Code, Function, Known, mistakes, reals, spoiling

HEAD = "my_tokens(x, bits)"
WIDTH = 5  # channels
SCALES = {
    "largest": "The outermost code 2^(bits−1) − 1 stands for the largest size that shares the scale.",
    "power": "The outermost code 2^(bits−1) − 1 would stand for the largest size that shares the scale; but a scale "
    "must be a **power of two**, so take the next one that is not smaller.",
    "second": "The outermost code 2^(bits−1) − 1 stands for the **second largest** size that shares the scale; the "
    "largest is clipped to that code.",
}
NAMES = {"largest": "the largest sets the scale", "power": "powers of two", "second": "the second largest"}


class Rules(NamedTuple):
    """pairs: whether two neighbouring tokens share a scale. kept: whether the first token stays in float."""

    pairs: bool
    kept: bool
    scale: str

    @property
    def code(self) -> Code:
        of_pairs = f".reshape(-1, {2 * WIDTH})" if self.pairs else ""
        largest = "sort(1).values[:, -2:-1]" if self.scale == "second" else "amax(1, keepdim=True)"
        lines = [
            "top = 2 ** (bits - 1) - 1",
            "rest = x[1:]" if self.kept else "rest = x",
            f"largest = rest.abs(){of_pairs}.{largest}",
            "s = (largest / top).clamp(min=1e-30)",
            *(["s = 2.0 ** s.log2().ceil()"] if self.scale == "power" else []),
            *(["s = s.repeat_interleave(2, 0)"] if self.pairs else []),
            "back = s * (rest / s).round().clamp(-top, top)",
            "return torch.cat([x[:1], back])" if self.kept else "return back",
        ]
        return Code(HEAD, "\n".join(lines))

    def but(self, **changed: Any) -> Code:
        return self._replace(**changed).code


PLAIN = Rules(False, False, "largest")  # those of notebook 12
ALL = [found for each in product((True, False), (True, False), SCALES) if (found := Rules(*each)) != PLAIN]


def tokens(draw: Random) -> Write:
    rules = draw.choice(ALL)
    right = rules.code
    shown = [[4.0, -9.0, 1.0, 6.0, 0.0]] * rules.kept + [[7.0, 3.2, -1.3, 5.0, 0.4], [0.0, -14.0, 3.5, 12.0, 1.0]]
    return Write(
        title="Quantize tokens",
        text=_text(rules),
        source=right.cell("Return x as it comes back from its codes, as float32."),
        name=right.name,
        example=f"x = {_rows(shown)}\nwanted = {_rows(right(reals(shown), 4).tolist())}\ngot = my_tokens(x, 4)\n"
        "assert got.dtype == torch.float32 and (got - wanted).abs().max() < 1e-3",
        parts=_parts(draw, rules),
        mistakes=(*_of_the_rules(rules), *_of_the_scale(rules), *_of_the_result(rules)),
    )


def _rows(matrix: list[list[float]]) -> str:
    """Return a tensor as code, a line a row."""
    rows = "".join(f"        {[round(each, 4) for each in row]},\n" for row in matrix)
    return f"torch.tensor(\n    [\n{rows}    ]\n)"


def _text(rules: Rules) -> str:
    pairs = "**Two neighbouring tokens** share a scale: the first with the second, and so on"
    if rules.kept:
        pairs = pairs.replace("the first with the second", "the second with the third")
    shared = pairs if rules.pairs else "Each token has a scale of its own"
    first = "- The first token marks where a text begins. It **stays as it is**, and sets no scale.\n"
    return f"""
A row of `x` is a token, its {WIDTH} columns are channels. Quantize the tokens as they come, with `bits` bits on
symmetric grids, and return what comes back:

{first if rules.kept else ""}- {shared}.
- {SCALES[rules.scale]}
- Codes are rounded to nearest. What shares a scale and holds zeros alone stays zeros.

`x` is float32, and so should the result be.{" The number of tokens that are rounded is even." if rules.pairs else ""}
"""


def _parts(draw: Random, rules: Rules) -> tuple[Part, ...]:
    def case(bits: int, *sizes: float) -> tuple[Tensor, int]:
        """Draw tokens of these sizes, an even number, after one that may stay."""
        first = [[30.3, -2.25, 0.75, 1.6, 7.7]] * rules.kept
        while True:
            x = reals([*first, *([round(draw.uniform(-size, size), 2) for _ in range(WIDTH)] for size in sizes)])
            if _is_clear(rules, x, bits):
                return x, bits

    zeros, shown = draw.choice((3.0, 6.0)), draw.choice((2.0, 5.0))
    return (
        Part("tokens of different sizes, with 4 bits", 3, (case(4, 1.0, 9.0, 30.0, 0.5), case(4, 12.0, 2.0))),
        Part("other numbers of bits", 3, (case(3, 8.0, 3.0, 1.0, 20.0), case(8, 2.0, 30.0), case(5, 40.0, 6.0))),
        Part("a token of zeros", 2, (case(4, 0.0, 0.0, zeros, 9.0),)),
        Part("few tokens, and x as it was", 1, (case(4, shown, 1.0),), calls=2),
    )


def _is_clear(rules: Rules, x: Tensor, bits: int) -> bool:
    """Return whether no rounding hangs on a float, the largest sizes differ, and a negative one is among them."""
    rest = x[1:].double() if rules.kept else x.double()
    groups = rest.reshape(-1, 2 * WIDTH) if rules.pairs else rest
    groups = groups[groups.abs().amax(1) > 0]
    sizes = groups.abs().sort(1, descending=True).values
    top = 2 ** (bits - 1) - 1
    s = sizes[:, int(rules.scale == "second")] / top
    if rules.scale == "power" and bits == 4 and bool((s.log2().ceil() == (s * top / (top + 1)).log2().ceil()).all()):
        return False  # a code more or less would not show
    away = (s.log2() - s.log2().round()).abs().min() > 0.02
    s = (2.0 ** s.log2().ceil() if rules.scale == "power" else s)[:, None]
    ties = ((groups / s) % 1 - 0.5).abs().min() > 0.03
    apart = (sizes[:, 0] > 1.1 * sizes[:, 1]).all() and (groups.max(1).values < sizes[:, 0]).any()
    return bool(away and ties and apart)


def _other(rules: Rules, name: str, says: str, **changed: Any) -> Known:
    """Return the mistake of another rule, which may be that of notebook 12."""
    other = rules._replace(**changed)
    return name, f"{says} So does quantlib's scale for each row." if other == PLAIN else says, other.code


def _of_the_rules(rules: Rules) -> tuple[Misconception, ...]:
    right, known = rules.code, list[Known]()
    if rules.pairs:
        known.append(_other(rules, "a scale for each token", "Here two tokens share one.", pairs=False))
    if rules.kept:
        alone = rules._replace(pairs=False, kept=False)
        says = " So does quantlib's scale for each row." if alone == PLAIN and not rules.pairs else ""
        both = _joined(alone.code, right)
        known.append(("the first token is rounded, too", f"It should stay as it is.{says}", both))
    else:
        kept = _joined(lambda x, bits: x, right)
        known.append(("the first token stays in float", "Here it is rounded as all are.", kept))
    for scale, name in NAMES.items():
        if scale != rules.scale:
            known.append(_other(rules, name, "This is another rule for the scale.", scale=scale))
    if sum(a != b for a, b in zip(rules, PLAIN, strict=True)) > 1:
        known.append(("quantlib's scale for each row", "It has other rules.", _quantlib))
    return mistakes("Go through the rules of the text once more.", *known)


def _joined(first: Function, rest: Function) -> Function:
    """Return what one function makes of the first token, and another one of all others."""
    return lambda x, bits: torch.cat([first(x[:1], bits), rest(x, bits)[1:]])


def _quantlib(x: Tensor, bits: int) -> Tensor:
    return fake_quantize(x, *choose_qparams(x, bits, symmetric=True, axis=0))


def _of_the_scale(rules: Rules) -> tuple[Misconception, ...]:
    right = rules.code
    one = right.but("back =", "s = s.amax().expand(len(rest), 1)\nback =")
    column = right.but("back =", "s = (rest.abs().amax(0) / top).clamp(min=1e-30)\nback =")
    return mistakes(
        "Work out by hand which s the tokens of the example have.",
        ("one scale for all tokens", "The largest token makes it too coarse for the others.", one),
        ("a scale for each channel", "A column is a channel, a row is a token.", column),
        ("max for max|x|", "A negative number can be the largest in size.", right.but("rest.abs()", "rest")),
        (
            "the lowest code for the largest size",
            "It is 2^(bits−1) − 1.",
            right.but("(largest / top)", "(largest / (top + 1))"),
        ),
        ("always 4 bits", "bits is an argument.", right.but("2 ** (bits - 1) - 1", "7")),
        ("cut off, not rounded", "Round to nearest.", right.but(".round()", ".trunc()")),
        ("zeros become NaN", "Zeros have the scale 0, and 0/0 is NaN.", right.but(".clamp(min=1e-30)", "")),
    )


def _of_the_result(rules: Rules) -> tuple[Misconception, ...]:
    right = rules.code
    return (
        *mistakes(
            "Multiply each code by its scale.",
            (
                "codes for what comes back",
                "It returns codes, without their scale.",
                right.but("back = s * ", "back = "),
            ),
        ),
        *mistakes(
            "Do not write into x.",
            ("x is changed in place", "The caller's tensor is overwritten.", spoiling(right, lambda x: x.add_(1))),
        ),
    )
