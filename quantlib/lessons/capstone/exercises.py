"""The exercises of notebook 16: every bit of a file, what a character costs, and what no other point beats."""

from typing import Any

import numpy
import torch
from torch import Tensor

from quantlib import storage
from quantlib.data.writer import WRITER_MATRICES, WRITER_SHAPES
from quantlib.lab.exercise import Exercise
from quantlib.lab.learner import Parts as Read
from quantlib.lab.learner import number_problem, one_number, tensor_problem
from quantlib.metrics import bits_per_symbol

from .mistakes import Part, Parts, Points, known

MOST = 10.0  # more losses, in bits, than any picture shows


def parts_of_writer(bits: dict[str, int]) -> Parts:
    """Return the parts of the writer's file, a vector as one row: 16 bits where no width is given.

    Args:
        bits: by the name of a matrix.
    """
    return tuple(_part(name, shape, bits) for name, shape in WRITER_SHAPES.items())


def _part(name: str, shape: tuple[int, ...], bits: dict[str, int]) -> Part:
    rows, columns = shape if len(shape) == 2 else (1, *shape)
    return (rows, columns), bits.get(name.removesuffix(".weight"), 16), None


_SEEN_PARTS = ((((4, 8), 4, None), ((2, 8), 16, None)),)
network_bits = Exercise(
    "network_bits",
    "f(parts) returns the bits a weight of the whole file, with all scales",
    parameters=("parts",),
    reference=storage.network_bits,
    cases=(
        ((((1, 8), 4, None),),),
        ((((1, 8), 16, None),),),
        ((((2, 8), 4, None),),),
        ((((1, 3), 4, 2),),),
        ((((1, 8), 4, None), ((3, 8), 16, None)),),
        ((((1, 16), 3, 4), ((1, 8), 5, None)),),
        _SEEN_PARTS,
        ((((3, 5), 2, 2), ((2, 10), 8, 3), ((7, 7), 16, None)),),
        (parts_of_writer(dict.fromkeys(WRITER_MATRICES, 3)),),
    ),
    seen=_SEEN_PARTS,
    hints=(
        "for (rows, columns), bits, size in parts: a part has rows * columns weights.",
        "Its scales: none if bits is 16, else rows * math.ceil(columns / (size or columns)).",
        "Add up weights * bits + 16 * scales of all parts, and divide by the weights of all parts.",
    ),
    known=known["network_bits"],
    usable=number_problem,
    unpack=one_number,
)


def loss_problem(value: Any, *_: object) -> str:
    """Say why a value cannot be a loss in a picture, or return ""."""
    problem = number_problem(value)
    return problem or ("" if abs(float(value)) < 1e6 else "returned a number too large to be drawn")


def _places(seed: int, *shape: int) -> tuple[Tensor, Tensor]:
    draw = numpy.random.RandomState(seed)
    return torch.tensor(2 * draw.normal(size=shape)).float(), torch.tensor(draw.randint(0, shape[1], shape[0]))


def _row(logits: list[list[float]], targets: list[int]) -> tuple[Tensor, Tensor]:
    return torch.tensor(logits), torch.tensor(targets)


_SEEN_TEXT = _row([[3.0, 0.0, 0.0, 0.0], [0.0, 1.0, 2.0, 0.0]], [0, 1])
bits_per_character = Exercise(
    "bits_per_character",
    "f(logits, targets) returns what the characters that came cost on average, in bits",
    parameters=("logits", "targets"),
    reference=bits_per_symbol,
    cases=(
        _row([[0.0, 0.0]], [0]),
        _row([[1.0, 0.0]], [1]),
        _row([[1.0, 0.0]], [0]),
        _row([[1.0, 0.0], [0.0, 0.0]], [1, 1]),
        _row([[4.0, 0.0], [0.0, 0.0]], [0, 0]),
        _row([[2.0, 0.0, 0.0], [0.0, 1.0, 0.0]], [0, 2]),
        _SEEN_TEXT,
        *(_places(seed, *shape) for seed, shape in enumerate(((3, 3), (5, 4), (4, 7), (20, 64)))),
    ),
    seen=_SEEN_TEXT,
    hints=(
        "logits.log_softmax(-1) gives ln p of every character at every place.",
        "With [range(len(targets)), targets] you take of each place the character that came.",
        "Put a minus before the mean, and divide by math.log(2).",
    ),
    known=known["bits_per_character"],
    usable=loss_problem,
    unpack=one_number,
)


def true_or_false(value: Any) -> Read | str:
    """Return a list of True and False as a tensor, or say why it is none."""
    if isinstance(value, Tensor):
        plain = value.layout == torch.strided and not value.is_meta and value.dtype == torch.bool and value.ndim == 1
        return (value.detach(),) if plain else "returned a tensor that is not one True or False for each point"
    if value is None or not isinstance(value, (list, tuple, numpy.ndarray)):
        return tensor_problem(value, "a list of True and False")
    wrong = [each for each in value if not isinstance(each, (bool, numpy.bool_))]
    if wrong:
        return f"returned a list with {type(wrong[0]).__name__} in it, not of True and False alone"
    return (torch.tensor([bool(each) for each in value], dtype=torch.bool),)


def front_problem(value: Any, points: Points) -> str:
    """Say why a value does not say of each point whether it is on the front, or return ""."""
    found = true_or_false(value)
    if isinstance(found, str):
        return found
    return "" if len(found[0]) == len(points) else f"returned {len(found[0])} answers for {len(points)} points"


def is_on_front(points: Points) -> list[bool]:
    """Return for each point whether it is on the Pareto front."""
    front = storage.pareto_front(points)
    return [place in front for place in range(len(points))]


def _scattered(seed: int, count: int) -> tuple[Points]:
    draw = numpy.random.RandomState(seed)
    pairs = zip(draw.permutation(count).tolist(), draw.permutation(count).tolist(), strict=True)
    return (tuple((float(bits), float(loss)) for bits, loss in pairs),)


_SEEN_POINTS = (((3, 0.6), (4, 0.1), (5, 0.2)),)
front = Exercise(
    "front",
    "f(points) returns for each (bits, loss) True if no other point beats it, else False",
    parameters=("points",),
    reference=is_on_front,
    cases=(
        (((1, 2), (2, 1)),),
        (((1, 1), (2, 2)),),
        (((2, 2), (1, 1)),),
        (((1, 2), (1, 1)),),
        (((2, 1), (1, 1)),),
        (((1, 4), (2, 3), (3, 0)),),
        (((1, 1), (2, 2), (3, 3)),),
        _SEEN_POINTS,
        (((3, 3), (1, 4), (2, 3), (4, 2), (5, 2.5)),),
        *(_scattered(seed, 6) for seed in (1, 2, 3)),
    ),
    seen=_SEEN_POINTS,
    hints=(
        "b beats a if it is at most as large in both numbers, and is not a itself.",
        "b[0] <= a[0] and b[1] <= a[1] and b != a",
        "return [not any(b[0] <= a[0] and b[1] <= a[1] and b != a for b in points) for a in points]",
    ),
    known=known["front"],
    usable=front_problem,
    unpack=true_or_false,
)
