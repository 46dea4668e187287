"""Every bit of a small network, and the loss of two of them on the same text."""

import math
from random import Random
from statistics import mean, pstdev, stdev
from typing import NamedTuple

from quantlib.storage import network_bits

from ..questions import Values
from ..variants import drawn_until_told, values_question

SAYS = {
    "the codes alone": "The scales have to be stored, too.",
    "the floats are left out": "What was not quantized is in the file, too.",
    "the mean of the parts": "A large part counts for more: weigh each by its weights.",
    "one scale for each row": "The first matrix has one for each group.",
    "bits for bytes": "A byte has 8 bits.",
    "the size in float": "It is the quantized network whose bytes are asked for.",
    "natural logarithms": "A bit is a logarithm to base 2.",
    "the bits of the mean probability": "Take the logarithm of each probability, and then the mean.",
    "the sum": "Divide by how many there are.",
    "the inverse of the mean probability": "Bits are logarithms.",
    "better for worse": "A text that takes more bits is worse.",
    "as if the windows were others": "Both have read the same windows: take the differences first.",
    "the spread, not the error of the mean": "Divide by the root of the number of windows.",
    "the spread divided by n": "Divide the squares by n − 1: the mean was taken from the same windows.",
}
POINTS = {"bits_each": 2, "file_bytes": 1, "text_bits": 1, "worse_by": 1, "worse_error": 2}


class Drawn(NamedTuple):
    """What is counted, and what is compared.

    matrix, second, table: shapes; bits, others: of the codes of the first two; size: of a group.
    chances: each k is a probability of 1/k. exact, quantized: bits per character of each window.
    """

    matrix: tuple[int, int]
    second: tuple[int, int]
    table: tuple[int, int]
    bits: int
    others: int
    size: int
    chances: tuple[int, ...]
    exact: tuple[float, ...]
    quantized: tuple[float, ...]

    @property
    def differences(self) -> list[float]:
        return [b - a for a, b in zip(self.exact, self.quantized, strict=True)]

    @property
    def parts(self) -> list[tuple[tuple[int, int], int, int | None]]:
        return [(self.matrix, self.bits, self.size), (self.second, self.others, None), (self.table, 16, None)]


def count(draw: Random) -> Values:
    drawn = drawn_until_told(draw, _drawn, _right, _wrong)
    return values_question("Count and compare", _text(drawn), _right(drawn), _wrong(drawn), SAYS, POINTS, within=0.002)


def _drawn(draw: Random) -> Drawn:
    size, exact = draw.choice((8, 16, 32)), [draw.randint(190, 290) / 100 for _ in range(5)]
    return Drawn(
        (draw.choice((64, 128)), 64),
        (64, draw.choice((32, 64))),
        (draw.choice((20, 40)), 64),
        *draw.choice(((3, 4), (4, 3), (3, 6), (5, 3), (4, 6))),
        size,
        tuple(2 ** draw.randint(0, 5) for _ in range(5)),
        tuple(exact),
        tuple(round(each + draw.randint(-20, 90) / 100, 2) for each in exact),
    )


def _text(d: Drawn) -> str:
    chances = ", ".join("1" if k == 1 else f"1/{k}" for k in d.chances)
    exact, quantized = (", ".join(f"{each:.2f}" for each in given) for given in (d.exact, d.quantized))
    return f"""
A network has a matrix of {_by(d.matrix)} weights with {d.bits} bits in groups of {d.size}, one of {_by(d.second)} with
{d.others} bits and a scale for each row, and a table of {_by(d.table)} numbers in fp16. A scale takes 16 bits. Hand in
numbers, to three decimals:

- `bits_each`: the bits per weight of the whole network, all in;
- `file_bytes`: the bytes of the file;
- `text_bits`: the bits per character of a text whose true next characters got the probabilities {chances}.

On five windows of unseen text the network takes {exact} bits per character in float, and quantized {quantized}, in the
same order:

- `worse_by`: by how many bits it is worse on average;
- `worse_error`: the standard error of that, from the five differences.
"""


def _by(shape: tuple[int, int]) -> str:
    return f"{shape[0]} × {shape[1]}"


def _right(d: Drawn) -> dict[str, float]:
    bits, weights = network_bits(d.parts), sum(math.prod(shape) for shape, *_ in d.parts)
    return {
        "bits_each": bits,
        "file_bytes": round(bits * weights / 8),
        "text_bits": mean(map(math.log2, d.chances)),
        "worse_by": round(mean(d.differences), 4),
        "worse_error": stdev(d.differences) / math.sqrt(5),
    }


def _wrong(d: Drawn) -> dict[str, dict[str, float]]:
    right, sizes = _right(d), [math.prod(shape) for shape, *_ in d.parts]
    codes = sum(n * bits for n, (_, bits, _) in zip(sizes, d.parts, strict=True))
    rows = [(shape, bits, None) for shape, bits, _ in d.parts]
    probability = mean(1 / k for k in d.chances)
    return {
        "bits_each": {
            "the codes alone": codes / sum(sizes),
            "the floats are left out": network_bits(d.parts[:2]),
            "the mean of the parts": mean(network_bits([part]) for part in d.parts),
            "one scale for each row": network_bits(rows),
        },
        "file_bytes": {
            "the codes alone": codes / 8,
            "bits for bytes": 8 * right["file_bytes"],
            "the size in float": 4.0 * sum(sizes),
        },
        "text_bits": {
            "natural logarithms": right["text_bits"] * math.log(2),
            "the bits of the mean probability": -math.log2(probability),
            "the sum": 5 * right["text_bits"],
            "the inverse of the mean probability": 1 / probability,
        },
        "worse_by": {"better for worse": -right["worse_by"], "the sum": 5 * right["worse_by"]},
        "worse_error": {
            "as if the windows were others": math.sqrt((stdev(d.exact) ** 2 + stdev(d.quantized) ** 2) / 5),
            "the spread, not the error of the mean": stdev(d.differences),
            "the spread divided by n": pstdev(d.differences) / math.sqrt(5),
        },
    }
