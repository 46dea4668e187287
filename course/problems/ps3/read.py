"""Blocks of another format, read as bytes."""

from itertools import product
from random import Random
from typing import Any, NamedTuple

import torch
from torch import Tensor

from quantlib.formats import dequantize_gguf
from quantlib.lab.misconception import Misconception

from ..questions import Part, Write
from ..variants import Code, Known, mistakes, spoiling

BLOCK = 18  # bytes
HEAD = "my_read(blocks)"
ORDERS = {
    "low": "code 2j in its low half and code 2j + 1 in its high half",
    "high": "code 2j in its high half and code 2j + 1 in its low half",
    "runs": "code j in its low half and code j + 16 in its high half",
    "runs, high": "code j in its high half and code j + 16 in its low half",
}
NAMES = {
    "low": "two neighbours, the low half first",
    "high": "two neighbours, the high half first",
    "runs": "j with j + 16, the low half first",
    "runs, high": "j with j + 16, the high half first",
}
SIDE_BY_SIDE = {
    "low": "torch.stack([low, high], 2).flatten(1)",
    "high": "torch.stack([high, low], 2).flatten(1)",
    "runs": "torch.cat([low, high], 1)",
    "runs, high": "torch.cat([high, low], 1)",
}
SIGNS = {
    "offset": "A half of a byte is the code **plus 8**: codes reach from −8 to 7.",
    "two's complement": "A half of a byte is the code in **two's complement**: codes reach from −8 to 7.",
    "sign and size": "The highest bit of a half is a **minus sign**, the other three are the size of the code: codes "
    "reach from −7 to 7.",
}
SIGN_NAMES = {
    "offset": "an offset of 8",
    "two's complement": "two's complement",
    "sign and size": "a minus sign and a size",
}
CODES = {
    "offset": "q = q - 8",
    "two's complement": "q = torch.where(q > 7, q - 16, q)",
    "sign and size": "q = torch.where(q > 7, 8 - q, q)",
}


class Format(NamedTuple):
    """A format of blocks. scale_first: whether the two bytes of the scale come before the codes."""

    scale_first: bool
    order: str
    sign: str

    @property
    def code(self) -> Code:
        scale, codes = ("[:, :2]", "[:, 2:]") if self.scale_first else ("[:, 16:]", "[:, :16]")
        return Code(
            HEAD,
            f"""
d = blocks{scale}.contiguous().view(torch.float16).float()
low, high = blocks{codes} & 15, blocks{codes} >> 4
q = {SIDE_BY_SIDE[self.order]}.float()
{CODES[self.sign]}
return d * q
""",
        )

    def but(self, **changed: Any) -> Code:
        return self._replace(**changed).code


Q4_0 = Format(True, "runs", "offset")
FORMATS = [found for each in product((True, False), ORDERS, SIGNS) if (found := Format(*each)) != Q4_0]


def read(draw: Random) -> Write:
    drawn = draw.choice(FORMATS)
    right, shown = drawn.code, _block(drawn, -0.5, [0x21, 0xB9, *[0x53] * 14])
    start = ", ".join(f"0x{byte:02X}" for byte in shown[:4])
    end = ", ".join(f"0x{byte:02X}" for byte in shown[-2:])
    gives = right(_bytes([shown]))[0, [0, 1, 2, 16]].tolist()
    return Write(
        title="Read a block",
        text=_text(drawn),
        source=right.cell("Return the weights of the blocks, as float32, shape (n, 32)."),
        name=right.name,
        example=f"block = torch.tensor([[{start}, *[0x53] * 12, {end}]], dtype=torch.uint8)\n"
        f"assert my_read(block)[0, [0, 1, 2, 16]].tolist() == {gives}\n"
        "assert my_read(block).dtype == torch.float32 and my_read(block).shape == (1, 32)",
        parts=_parts(draw, drawn),
        mistakes=(*_of_the_codes(drawn), *_of_the_scale(drawn), *_of_the_result(drawn)),
    )


def _text(f: Format) -> str:
    return f"""
Another format than Q4_0 stores 32 weights in a block of 18 bytes:

- The **{"first" if f.scale_first else "last"} two bytes** are the scale d in fp16, its lower byte first. d can be
  negative.
- Byte j of the other 16, counted from 0, holds **{ORDERS[f.order]}**.
- {SIGNS[f.sign]}
- A weight is d times its code.

`blocks` holds n blocks, one in a row: uint8, shape (n, 18). Return their weights in order, as float32, shape (n, 32).
"""


def _bytes(blocks: list[list[int]]) -> Tensor:
    return torch.tensor(blocks, dtype=torch.uint8)


def _block(f: Format, d: float, codes: list[int]) -> list[int]:
    """Return the bytes of a block: a scale, and 16 bytes of codes as they are."""
    scale = torch.tensor([d], dtype=torch.float16).view(torch.uint8).tolist()
    return [*scale, *codes] if f.scale_first else [*codes, *scale]


def _parts(draw: Random, f: Format) -> tuple[Part, ...]:
    def halves() -> list[int]:
        return draw.sample(range(16), 16)

    def block(d: float, low: list[int], high: list[int]) -> list[int]:
        return _block(f, d, [a + 16 * b for a, b in zip(low, high, strict=True)])

    def blocks(*scales: float) -> tuple[Tensor]:
        """Every code occurs in a low half and in a high half."""
        return (_bytes([block(d, halves(), halves()) for d in scales]),)

    alike, size = halves(), draw.choice((0.375, 0.75, 1.5))
    return (
        Part("bytes with two equal halves, and a scale of 1", 2, ((_bytes([block(1.0, alike, alike)]),),)),
        Part("other bytes, and a scale of 1", 3, (blocks(1.0, 1.0),)),
        Part("other scales, positive and negative", 3, (blocks(-size), blocks(size, -0.25, 12.5, -0.1))),
        Part("few blocks, and the bytes as they were", 1, (blocks(4.0, -2.0),), calls=2),
    )


def _other(f: Format, name: str, says: str, **changed: str | bool) -> Known:
    """Return the mistake of another agreement, which may be that of Q4_0."""
    other = f._replace(**changed)  # type: ignore[arg-type]
    return name, f"{says} Q4_0, which quantlib reads, has the other way." if other == Q4_0 else says, other.code


def _of_the_codes(f: Format) -> tuple[Misconception, ...]:
    right, says = f.code, f"Byte j holds {ORDERS[f.order]}."
    orders = [_other(f, NAMES[order], says, order=order) for order in ORDERS if order != f.order]
    says_sign = f"Here it is {SIGN_NAMES[f.sign]}."
    signs = [_other(f, f"{name} for a code", says_sign, sign=s) for s, name in SIGN_NAMES.items() if s != f.sign]
    wrapped = "q = torch.remainder(q, 256)\nreturn d * q"
    return (
        *mistakes("Write down which code each half of the first two bytes holds.", *orders),
        *mistakes(
            "Work out by hand what the halves 0, 7, 8 and 15 stand for.",
            *signs,
            ("codes without a sign", "Half of the codes are negative.", right.but(CODES[f.sign], "")),
            ("uint8 has no negative numbers", "There, 3 − 8 is 251.", right.but("return d * q", wrapped)),
        ),
        *mistakes(
            "The low half of b is b & 15, the high half b >> 4.",
            ("the high half is not shifted", "It is 16 times too large.", right.but(">> 4", "& 240")),
            ("the low half is not masked", "It still has the other half above it.", right.but("& 15", "& 255")),
        ),
    )


def _of_the_scale(f: Format) -> tuple[Misconception, ...]:
    right, read = f.code, ".contiguous().view(torch.float16)"
    end = f"The scale is in the {'first' if f.scale_first else 'last'} two bytes."
    return mistakes(
        "Take the two bytes of each row, and view them as float16.",
        _other(f, "the scale at the other end", end, scale_first=not f.scale_first),
        ("the bytes of the scale swapped", "The lower byte comes first.", right.but(read, f".flip(1){read}")),
        ("the sign of the scale is dropped", "It can be negative.", right.but("d * q", "d.abs() * q")),
        ("codes without the scale", "A weight is d times its code.", right.but("d * q", "q")),
        ("one scale for all blocks", "Each block has its own.", right.but("d * q", "d[:1] * q")),
    )


def _of_the_result(f: Format) -> tuple[Misconception, ...]:
    right, known = f.code, list[Known]()
    if sum(a != b for a, b in zip(f, Q4_0, strict=True)) > 1:  # else it is one of the mistakes above
        says = "It reads Q4_0, and this is another format."
        known = [("quantlib's own function", says, lambda blocks: dequantize_gguf(blocks, "Q4_0"))]
    return (
        *mistakes("Compare the text with what you know of Q4_0, line by line.", *known),
        *mistakes(
            "End with float32.",
            ("float16 for float32", "The weights should be float32.", lambda blocks: right(blocks).half()),
        ),
        *mistakes(
            "Do not write into blocks.",
            ("blocks is changed in place", "The caller's bytes are overwritten.", spoiling(right, lambda b: b.add_(1))),
        ),
    )
