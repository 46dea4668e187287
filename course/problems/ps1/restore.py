"""A way back under another convention."""

from random import Random
from typing import Any

import torch
from torch import Tensor

import quantlib
from quantlib.lab.misconception import Misconception

from ..questions import Part, Write
from ..variants import Code, Known, mistakes, say, stored


def restore(draw: Random) -> Write:
    return draw.choice((_from_minimum, _from_offset, _from_steps))(draw)


_FLOAT = "Return the reals as float32."


def _write(text: str, right: Code, says: str, example: str, **rest: Any) -> Write:
    source = right.cell(says)
    return Write(title="Write the way back", text=text, source=source, name=right.name, example=example, **rest)


def _codes(values: Any, dtype: torch.dtype) -> Tensor:
    return torch.tensor(values, dtype=dtype)


def _parts(draw: Random, low: int, top: int, dtype: torch.dtype, *settings: tuple[float, float]) -> tuple[Part, ...]:
    inside = _codes([low + 3, top - 3, *(draw.randint(low + 3, top - 3) for _ in range(7))], dtype)
    ends = _codes([low, low + 1, top - 1, top], dtype)
    shapes = (inside[:6].reshape(3, 2), *settings[0]), (inside[:0].reshape(0, 2), *settings[0])
    return (
        Part("codes inside the grid", 3, tuple((inside, *setting) for setting in settings)),
        Part("both ends of the grid", 2, tuple((ends, *setting) for setting in settings)),
        Part("other shapes, and the codes as they were", 1, shapes, calls=2),
    )


# --- no zero point, but a minimum


def _from_minimum(draw: Random) -> Write:
    bits, signed = draw.choice((4, 5, 6)), draw.choice((True, False))
    low = -(2 ** (bits - 1)) if signed else 0
    top, dtype = low + 2**bits - 1, torch.int8 if signed else torch.uint8
    s, m = draw.choice((0.25, 0.5, 1.5)), draw.choice((-2.75, -1.3, 4.2))
    text = f"""
Some formats store no zero point, but the real number **m** that the lowest code stands for. One step is worth s:

$$r = m + s\\,{f"(q + {-low})" if signed else "q"}$$

`q` holds {bits}-bit codes from {say(low)} to {top} as {"int8" if signed else "uint8"}; `s` and `m` are floats. {_FLOAT}
"""
    shown = f"torch.tensor({[low, low + 2]}, dtype={dtype})"
    return _write(
        text,
        Code("my_restore(q, s, m)", f"return m + s * (q.float() + {-low})" if signed else "return m + s * q.float()"),
        "Return the reals that the codes q stand for, as float32.",
        f"assert my_restore({shown}, {s}, 8.0).tolist() == {[8.0, 8.0 + 2 * s]}",
        parts=_parts(draw, low, top, dtype, (s, m), (0.3, -m)),
        mistakes=_of_minima(low, bits),
    )


def _of_minima(low: int, bits: int) -> tuple[Misconception, ...]:
    middle = 0 if low else 2 ** (bits - 1)
    counted = "codes counted from 0" if low else "codes counted from the middle"
    zero_point = "quantlib.dequantize subtracts it from the code."
    return mistakes(
        "Put the two lowest codes into the equation.",
        ("m for a zero point", zero_point, lambda q, s, m: s * (q - low - m)),
        ("m added before multiplying", "m is in real units, not in codes.", lambda q, s, m: s * (q - low + m)),
        ("m subtracted", "m is what the lowest code stands for.", lambda q, s, m: s * (q - low) - m),
        ("m is forgotten", "The lowest code then stands for 0.0.", lambda q, s, m: s * (q - low)),
        ("m rounded to an integer", "m is a real number.", lambda q, s, m: s * (q - low) + round(m)),
        ("divided by s", "s is real units per step.", lambda q, s, m: (q - low) / s + m),
        (counted, "m stands for the lowest code.", lambda q, s, m: m + s * (q.float() - middle)),
        ("double for float", "The result should be float32.", lambda q, s, m: m + s * (q.double() - low)),
    )


# --- stored with an offset


def _from_offset(draw: Random) -> Write:
    bits = draw.choice((5, 6, 7))
    half, top = 2 ** (bits - 1), 2**bits - 1
    s, z = draw.choice((0.25, 0.5, 1.5)), draw.choice((3, 5, 7)) * draw.choice((-1, 1))
    text = f"""
Codes of {bits} bits from {say(-half)} to {say(half - 1)} are stored **with an offset of {half}**, so that none is
negative: the code {say(-half)} is stored as 0, the code 0 as {half}. The code itself is read by the usual formula,
r = s (q − z).

`u` holds the stored numbers, as uint8; `s` and `z` are numbers. {_FLOAT}
"""
    shown = [0, half, top]
    return _write(
        text,
        Code("my_restore(u, s, z)", f"return s * (u.float() - {half} - z)"),
        "Return the reals that the stored numbers u stand for, as float32.",
        f"assert my_restore(torch.tensor({shown}, dtype=torch.uint8), {s}, {z}).tolist() == "
        f"{[s * (u - half - z) for u in shown]}",
        parts=_parts(draw, 0, top, torch.uint8, (s, z), (0.3, -z), (s, 0)),
        mistakes=_of_offsets(half),
    )


def _of_offsets(half: int) -> tuple[Misconception, ...]:
    def in_uint8(u: Tensor, s: float, z: int) -> Tensor:
        return s * torch.remainder(u.long() - half - z, 256).float()

    one = "an offset too small by one"
    return mistakes(
        "First turn u into floats, then into the code, then into reals.",
        ("quantlib's own function", "It knows of no offset.", quantlib.dequantize),
        ("the difference in uint8", "It wraps around: 3 − 16 becomes 243.", in_uint8),
        ("the offset is added", "It was added when u was stored.", lambda u, s, z: s * (u.float() + half - z)),
        (one, "Look at what 0 is stored as.", lambda u, s, z: s * (u.float() - half + 1 - z)),
        ("the offset of 8 bits", "It depends on the bits.", lambda u, s, z: s * (u.float() - 128 - z)),
        ("z is forgotten", "The code z should come back as 0.0.", lambda u, s, z: s * (u.float() - half)),
        ("z added", "The code z should come back as 0.0.", lambda u, s, z: s * (u.float() - half + z)),
        ("s q − z", "z is taken from the code.", lambda u, s, z: s * (u.float() - half) - z),
        ("divided by s", "s is real units per step.", lambda u, s, z: (u.float() - half - z) / s),
        ("double for float", "The result should be float32.", lambda u, s, z: s * (u.double() - half - z)),
    )


# --- steps per real unit; or, as a power of two, the number of bits behind the point


def _from_steps(draw: Random) -> Write:
    power, z = draw.choice((True, False)), draw.choice((21, 33, 47)) * draw.choice((-1, 1))
    n = draw.choice((2, 3, 4)) if power else draw.choice((4, 8, 16))
    rule = _bits_behind_the_point(n) if power else _steps_of_a_unit(n)
    letter, unit = ("f", 2**n) if power else ("n", n)
    shown = [z, 100]
    return _write(
        f"{rule}\n\n`q` holds int8 codes, from −128 to 127; `{letter}` and `z` are integers. {_FLOAT}\n",
        Code(f"my_restore(q, {letter}, z)", f"return (q.float() - z) / {'2**f' if power else 'n'}"),
        "Return the reals that the codes q stand for, as float32.",
        f"assert my_restore(torch.tensor({shown}, dtype=torch.int8), {n}, {z}).tolist() == "
        f"{[(q - z) / unit for q in shown]}",
        parts=_parts(draw, -128, 127, torch.int8, (n, z), (5, -z), (n, -z)),
        mistakes=_of_steps(power),
    )


def _bits_behind_the_point(n: int) -> str:
    return f"""
In fixed-point arithmetic a number has **f bits behind the point**: one step is worth $2^{{-f}}$. With f = {n}, two
neighbouring codes are 1/{2**n} apart. Here there is a zero point, too: z is the code that means 0.0."""


def _steps_of_a_unit(n: int) -> str:
    return f"""
Some programs store not the scale, but its reciprocal: **n steps make one real unit**. With n = {n}, two neighbouring
codes are 1/{n} apart. The zero point z is the code that means 0.0, as usual."""


def _of_steps(power: bool) -> tuple[Misconception, ...]:
    def of(n: int) -> int:
        return 2**n if power else n

    known: list[Known] = [
        ("quantlib's own function", "It takes real units per step.", quantlib.dequantize),
        ("the difference in int8", "It wraps around.", lambda q, n, z: stored(q.long() - z).float() / of(n)),
        ("a quotient of integers", "// cuts the fraction off.", lambda q, n, z: ((q.long() - z) // of(n)).float()),
        ("z is forgotten", "The code z should come back as 0.0.", lambda q, n, z: q.float() / of(n)),
        ("z added", "The code z should come back as 0.0.", lambda q, n, z: (q.float() + z) / of(n)),
        ("z subtracted last", "z is a code: take it away first.", lambda q, n, z: q.float() / of(n) - z),
        ("double for float", "The result should be float32.", lambda q, n, z: (q.double() - z) / of(n)),
    ]
    if power:
        known.append(("f for 2^f", "f counts bits.", lambda q, n, z: (q.float() - z) / n))
        known.append(("multiplied", "A step is smaller than 1.", lambda q, n, z: (q.float() - z) * 2**n))
    else:  # multiplied by n is what quantlib's own function does
        known.append(("n − 1 steps", "n steps make one unit.", lambda q, n, z: (q.float() - z) / (n - 1)))
    return mistakes("How many steps is q away from z, and what is one step worth?", *known)
