"""The scales of groups, stored in some format, along some axis."""

from random import Random
from typing import Any, NamedTuple

import torch
from torch import Tensor

import quantlib
from quantlib.lab.misconception import Misconception

from ..questions import Part, Write
from ..variants import Code, Known, mistakes, reals, say, spoiling

WORDS = {
    "nearest": "**in fp16, rounded to nearest**. Return float16.",
    "up": "**in fp16, rounded up**: as the smallest float16 that is not smaller than s. Return float16.",
    "power": "**as a power of two**: the smallest one that is not smaller than s. Return float32.",
}
STORES = {
    "nearest": "return s.half()",
    "up": "stored = s.half()\n"
    'above = torch.nextafter(stored, torch.tensor(float("inf"), dtype=torch.float16))\n'
    "return torch.where(stored < s, above, stored)",
    "power": "return 2.0 ** torch.log2(s).ceil()",
    "nearest power": "return 2.0 ** torch.log2(s).round()",
    "not at all": "return s",
}


class Groups(NamedTuple):
    """The scales of groups under one convention. stores: how they are stored. columns: whether groups run down."""

    stores: str
    divisor: float
    columns: bool

    @property
    def code(self) -> Code:
        return Code(
            "my_scales(w, size)",
            f"""
{"w = w.T" if self.columns else ""}
padded = torch.nn.functional.pad(w, (0, -w.shape[1] % size))
s = padded.reshape(len(w), -1, size).abs().amax(dim=2){".T" if self.columns else ""} / {self.divisor:g}
s = torch.where(s == 0, 1.0, s)
{STORES[self.stores]}
""",
        )

    def but(self, **changed: Any) -> Code:
        return self._replace(**changed).code

    @property
    def shape(self) -> str:
        return "(groups in a column, columns)" if self.columns else "(rows, groups in a row)"


def groups(draw: Random) -> Write:
    stores, bits, columns = draw.choice(tuple(WORDS)), draw.choice((3, 4, 5)), draw.choice((True, False))
    drawn = Groups(stores, 2 ** (bits - 1) - draw.choice((0.5, 0)), columns)
    right, shown = drawn.code, reals([[4 * drawn.divisor, -drawn.divisor, drawn.divisor / 2]])
    shown = shown.T if columns else shown
    gives = right(shown, 2)
    return Write(
        title="Scales of groups",
        text=_text(drawn),
        source=right.cell(f"Return the stored scales of groups of w, shape {drawn.shape}."),
        name=right.name,
        example=f"scales = my_scales(torch.tensor({shown.tolist()}), 2)\n"
        f"assert scales.dtype == {gives.dtype} and scales.tolist() == {gives.tolist()}",
        parts=_parts(draw, drawn),
        mistakes=(*_of_the_cut(drawn), *_of_the_size(right), *_of_the_divisor(drawn, bits), *_of_the_store(drawn)),
    )


def _text(d: Groups) -> str:
    one = "column" if d.columns else "row"
    return f"""
Each group of `size` neighbours in a **{one}** of the matrix `w` shares a scale. The first
group begins at the {"top" if d.columns else "left"}; if `size` does not divide the {one},
the last group is shorter.

- s is the largest |w| of the group, **divided by {say(d.divisor)}**. For a group of zeros it is 1.0.
- Then s is stored {WORDS[d.stores]}

The result has the shape {d.shape}.
"""


def _parts(draw: Random, drawn: Groups) -> tuple[Part, ...]:
    def matrix(rows: int, length: int) -> Tensor:
        w = reals([[_weight(draw, drawn, most=3 * 3**i) for _ in range(length)] for i in range(rows)])
        w[0, 1] = -8 * drawn.divisor  # a scale of exactly 8.0: every format holds it
        return w.T if drawn.columns else w

    zeros = matrix(2, 6)
    (zeros.T if drawn.columns else zeros)[1, :3] = 0
    return (
        Part("full groups", 3, ((matrix(3, 8), 4), (matrix(2, 9), 3))),
        Part("a shorter last group", 3, ((matrix(3, 7), 3), (matrix(2, 11), 4))),
        Part("groups of zeros", 1, ((zeros, 3), (zeros, 2))),
        Part("other sizes, and w as it was", 1, ((matrix(2, 5), 1), (matrix(2, 5), 8)), calls=2),
    )


def _weight(draw: Random, d: Groups, most: int) -> float:
    """Draw a weight whose scale is stored as the same number however it was rounded before, in float32 or float64."""
    while True:
        weight = round(draw.uniform(-most, most), 3)
        s = abs(weight) / d.divisor * torch.tensor([1 - 3e-7, 1 + 3e-7], dtype=torch.float64)
        if len(_stored(s, d.stores).unique()) == 1:
            return weight


def _stored(s: Tensor, stores: str) -> Any:
    return Code("stored_scales(s)", STORES[stores])(s)


def _of_the_cut(d: Groups) -> tuple[Misconception, ...]:
    right, along = d.code, 0 if d.columns else 1

    def tail_dropped(w: Tensor, size: int) -> Tensor:
        return right(w.narrow(along, 0, w.shape[along] // size * size), size)

    def of_all(w: Tensor, size: int) -> Tensor:
        return right(w, w.shape[along]).expand_as(right(w, size))

    one = "one scale a column" if d.columns else "one scale a row"
    return mistakes(
        "How many groups has a row of 7 with a size of 3?",
        ("the wrong axis", "The groups run along the other axis.", d.but(columns=not d.columns)),
        ("the shorter group is left out", "Its weights have no scale.", tail_dropped),
        (one, "Each group has its own.", of_all),
    )


def _of_the_size(right: Code) -> tuple[Misconception, ...]:
    size, no_zeros = ".abs().amax(dim=2)", right.but("s = torch.where(s == 0, 1.0, s)\n", "")
    return (
        *mistakes(
            "Take the absolute values first.",
            ("max for max|w|", "Large negative weights clip.", right.but(size, ".amax(dim=2)")),
            ("|max| for max|w|", "The size comes too late.", right.but(size, ".amax(dim=2).abs()")),
            ("mean for max", "Large weights clip.", right.but(size, ".abs().mean(dim=2)")),
        ),
        *mistakes("Use 1.0 there.", ("groups of zeros get 0", "Nothing can be divided by 0.", no_zeros)),
        *mistakes(
            "Do not write into w.",
            ("w is changed in place", "The caller's matrix is overwritten.", spoiling(right, lambda w: w.mul_(2))),
        ),
    )


def _of_the_divisor(d: Groups, bits: int) -> tuple[Misconception, ...]:
    def quantlibs(w: Tensor, size: int) -> Tensor:
        rows = quantlib.to_groups(w.T if d.columns else w, size)
        s = torch.as_tensor(quantlib.choose_qparams(rows, bits, symmetric=True, axis=(0, 1)).scale).squeeze(2)
        return _stored(s.T if d.columns else s, d.stores)

    return mistakes(
        f"Divide by {say(d.divisor)}.",
        ("quantlib's own function", f"It divides by {2 ** (bits - 1) - 1}.", quantlibs),
        ("an unsigned divisor", "Half of the codes are negative.", d.but(divisor=2**bits - 1)),
        ("127 for the divisor", "That is for 8 bits.", d.but(divisor=127)),
    )


def _of_the_store(d: Groups) -> tuple[Misconception, ...]:
    names = {
        "nearest": "fp16, to nearest",
        "up": "fp16, rounded up",
        "power": "a power of two",
        "nearest power": "the nearest power of two",
    }
    known: list[Known] = [("not stored", "These are the exact scales.", d.but(stores="not at all"))]
    for stores, name in names.items():
        if stores != d.stores:
            known.append((name, "That is another way to store s.", d.but(stores=stores)))
    return mistakes("Look again at how s is stored.", *known)
