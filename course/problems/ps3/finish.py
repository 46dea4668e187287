"""The four terms of a sum of products, from what a chip that knows no signs has added up."""

from random import Random
from typing import Any, NamedTuple

import torch
from torch import Tensor

from quantlib.lab.misconception import Misconception

from ..questions import Part, Write
from ..variants import Code, Known, mistakes, spoiling

HEAD = "my_finish(products, sum_w, sum_x, count, z_w, z_x)"
TERMS = "return products - z_x * sum_w - z_w * sum_x + count * z_w * z_x"


class Chip(NamedTuple):
    """What is stored with an offset: "inputs", "weights" or "both". of_stored: whether the sums are of that."""

    sides: str
    offset: int
    of_stored: bool

    @property
    def of_w(self) -> int:
        """What is added to the codes of the weights."""
        return 0 if self.sides == "inputs" else self.offset

    @property
    def of_x(self) -> int:
        return 0 if self.sides == "weights" else self.offset

    @property
    def code(self) -> Code:
        return Code(HEAD, "\n".join([*(self._zeros() if self.of_stored else self._products()), TERMS]))

    def but(self, **changed: Any) -> Code:
        return self._replace(**changed).code

    def _zeros(self) -> list[str]:
        """An offset of the codes is one of their zero points, too."""
        return [f"{z} = {z} + {of}" for z, of in (("z_w", self.of_w), ("z_x", self.of_x)) if of]

    def _products(self) -> list[str]:
        """Take away what the offsets have added to the products."""
        both = f" - {self.of_w * self.of_x} * count" if self.sides == "both" else ""
        added = [f" - {of} * {total}" for total, of in (("sum_w", self.of_x), ("sum_x", self.of_w)) if of]
        return [f"products = products{''.join(added)}{both}"]


def finish(draw: Random) -> Write:
    chip = Chip(draw.choice(("inputs", "weights", "both")), draw.choice((8, 128)), draw.choice((True, False)))
    right, shown = chip.code, case(chip, torch.tensor([[1, 2]]), torch.tensor([[3], [4]]), 1, 5)
    given = ", ".join(str(each.item()) for each in shown[:3])
    return Write(
        title="Finish the sum",
        text=_text(chip),
        source=right.cell("Return the sums of (q_w - z_w) (q_x - z_x), as int32."),
        name=right.name,
        example="# q_w = [[1, 2]] and q_x = [[3], [4]], z_w = 1 and z_x = 5\n"
        f"given = [torch.tensor([[n]], dtype=torch.int32) for n in ({given})]\n"
        "assert my_finish(*given, 2, 1, 5).tolist() == [[-1]]\n"
        "assert my_finish(*given, 2, 1, 5).dtype == torch.int32",
        parts=_parts(draw, chip),
        mistakes=(*_of_the_offset(chip), *_of_the_terms(right), *_of_the_result(right)),
    )


def case(chip: Chip, q_w: Tensor, q_x: Tensor, z_w: int, z_x: int) -> tuple[Any, ...]:
    """Return what the chip gives for codes (r, K) and (K, c), and their zero points."""
    w, x = q_w + chip.of_w, q_x + chip.of_x
    of_w, of_x = (w, x) if chip.of_stored else (q_w, q_x)
    sums = w @ x, of_w.sum(1, keepdim=True), of_x.sum(0, keepdim=True)
    return *(each.int() for each in sums), q_w.shape[1], z_w, z_x


def _text(chip: Chip) -> str:
    w, x = "v" if chip.of_w else "q_w", "u" if chip.of_x else "q_x"
    stored = {"v": f"v = q_w + {chip.offset}", "u": f"u = q_x + {chip.offset}"}
    how = " and ".join(stored[name] for name in (w, x) if name in stored)
    of_w, of_x = (w, x) if chip.of_stored else ("q_w", "q_x")
    return f"""
A chip wants {"weights and inputs" if chip.sides == "both" else chip.sides} without a sign. So their codes, from
{"−8 to 7" if chip.offset == 8 else "−128 to 127"}, are stored with an offset of {chip.offset}: {how}. The chip adds up
`count` products at a time. You get

- `products`: the sums Σ {w} {x} of what is stored, shape (rows, columns);
- `sum_w`: the sum of the **{of_w}** of each row, shape (rows, 1);
- `sum_x`: the sum of the **{of_x}** of each column, shape (1, columns);
- `count`, and the zero points `z_w` and `z_x` **of q_w and q_x**, integers.

Return what a layer needs, Σ (q_w − z_w)(q_x − z_x), in the shape of `products`. All tensors are int32, and so should
the result be.
"""


def _parts(draw: Random, chip: Chip) -> tuple[Part, ...]:
    low, high = -chip.offset, min(chip.offset - 1, 100)
    z_w, z_x = draw.randint(2, 5), -draw.randint(3, 7)

    def drawn(rows: int, count: int, columns: int, z_w: int, z_x: int) -> tuple[Any, ...]:
        """Draw codes. No sum is 0, and no two are equal, so that each term shows."""
        while True:
            q_w, q_x = (_codes(draw, shape, low, high) for shape in ((rows, count), (count, columns)))
            sums = [*q_w.sum(1).tolist(), *q_x.sum(0).tolist()]
            if len({0, *map(abs, sums)}) == len(sums) + 1:
                return case(chip, q_w, q_x, z_w, z_x)

    return (
        Part("zero points of 0", 2, (drawn(2, 5, 3, 0, 0), drawn(3, 4, 2, 0, 0))),
        Part("one zero point", 3, (drawn(2, 6, 2, 0, z_x), drawn(3, 4, 2, z_w, 0), drawn(2, 5, 2, -z_w, 0))),
        Part("both zero points", 3, (drawn(2, 4, 3, z_w, z_x), drawn(3, 6, 2, -z_w, z_x))),
        Part("one sum alone, and the arguments as they were", 1, (drawn(1, 3, 1, z_x, z_w),), calls=2),
    )


def _codes(draw: Random, shape: tuple[int, int], low: int, high: int) -> Tensor:
    return torch.tensor([[draw.randint(low, high) for _ in range(shape[1])] for _ in range(shape[0])])


def _of_the_offset(chip: Chip) -> tuple[Misconception, ...]:
    plain, opposite = Code(HEAD, TERMS), chip.but(offset=-chip.offset)
    offset = "Put q + offset for what is stored, and multiply out."
    known: list[Known] = [
        ("the offset is forgotten", "quantlib's four_terms has these four terms, for codes as they are.", plain),
        ("the offset has the wrong sign", "It was added when the codes were stored.", opposite),
        ("another offset", f"It is {chip.offset} here.", chip.but(offset=136 - chip.offset)),
        (
            "sums of codes for sums of what is stored" if chip.of_stored else "sums of what is stored for codes",
            "Look again at what sum_w and sum_x are sums of.",
            _other_sums(chip),
        ),
    ]
    if chip.sides == "both":
        known.append(("an offset of the inputs alone", "The weights have one, too.", chip.but(sides="inputs")))
    return mistakes(offset, *known)


def _other_sums(chip: Chip) -> Code:
    return chip.but(of_stored=not chip.of_stored)


def _of_the_terms(right: Code) -> tuple[Misconception, ...]:
    last = "+ count * z_w * z_x"
    swapped = right.but("z_x * sum_w - z_w * sum_x", "z_x * sum_x - z_w * sum_w")
    added = right.but("products - z_x * sum_w - z_w", "products + z_x * sum_w + z_w")
    return mistakes(
        "Multiply out (q_w − z_w)(q_x − z_x).",
        ("the term of z_x is forgotten", "z_x leaves a sum of weights.", right.but("- z_x * sum_w ", "")),
        ("the term of z_w is forgotten", "z_w leaves a sum of inputs.", right.but("- z_w * sum_x ", "")),
        ("the last term is forgotten", "Two minus signs make a plus.", right.but(last, "")),
        ("the last term is subtracted", "Two minus signs make a plus.", right.but(last, last.replace("+", "-"))),
        ("the last term is not counted", "Each product has it.", right.but("count * z_w", "z_w")),
        ("z_x goes with the inputs", "z_x is multiplied by weights.", swapped),
        ("the term of z_x is added", "Zero points are taken away.", right.but("- z_x * sum_w", "+ z_x * sum_w")),
        ("the term of z_w is added", "Zero points are taken away.", right.but("- z_w * sum_x", "+ z_w * sum_x")),
        ("both terms are added", "Zero points are taken away.", added),
    )


def _of_the_result(right: Code) -> tuple[Misconception, ...]:
    overwritten = "The caller's tensor is overwritten."
    return (
        *mistakes(
            "Leave the tensors int32.",
            ("floats for integers", "They are right, but floats.", lambda *given: right(*given).float()),
            ("int64 for int32", "They are right, but int64.", lambda *given: right(*given).long()),
        ),
        *mistakes(
            "Do not write into products.",
            ("products is changed in place", overwritten, spoiling(right, lambda p: p.add_(1))),
        ),
    )
