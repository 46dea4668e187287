"""Small functions with a bug that no notebook asks for, each beside the right one: integers, bytes and blocks."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from quantlib.affine import quantize
from quantlib.data import T
from quantlib.errors import QuantlibError
from quantlib.formats import E4M3, fake_quantize_mx
from quantlib.grids import wrap
from quantlib.lab.exercise import Exercise
from quantlib.lab.same import Arguments
from quantlib.qparams import choose_qparams

Function = Callable[..., Any]


@dataclass(frozen=True, eq=False, kw_only=True)
class Card:
    """A function with a bug, and what a hunt for it needs.

    name, says, hint, function: as of a misconception.
    exercise: the right function, the names of the arguments, and inputs; `seen` is the one that is asked about.
    smallest: the texts of a small input that shows the bug, one for each argument.
    asks: whether the numbers of T show it, as a question.
    why: what answers it, if it is more than that they do or do not.
    """

    name: str
    says: str
    hint: str
    function: Function
    exercise: Exercise
    smallest: tuple[str, ...]
    asks: str
    why: str

    def __call__(self, *arguments: Any) -> Any:
        return self.function(*arguments)


CARDS: dict[str, Card] = {}


def card(
    name: str,
    hint: str,
    *,
    right: Function,
    smallest: tuple[str, ...],
    cases: tuple[Arguments, ...],
    asks: str,
    why: str = "",
    refuse: Callable[..., None] | None = None,
) -> Callable[[Function], Card]:
    """Make a function a card; its docstring is the sentence that explains the bug. The first case is of T."""

    def keep(function: Function) -> Card:
        its, says = function.__name__, function.__doc__ or ""
        names = tuple(inspect.signature(function).parameters)
        exercise = Exercise(its, says, names, right, cases, cases[0], hints=(), known=(), refuse=refuse)
        CARDS[its] = Card(
            name=name, says=says, hint=hint, function=function, exercise=exercise, smallest=smallest, asks=asks, why=why
        )
        return CARDS[its]

    return keep


def _integers(*values: int, dtype: torch.dtype = torch.int64) -> Tensor:
    return torch.tensor(values, dtype=dtype)


def _bytes(*values: int) -> Tensor:
    return _integers(*values, dtype=torch.uint8)


def _codes(*values: int) -> Tensor:
    return _integers(*values, dtype=torch.int8)


# The int8 codes of T, with z = -77: -23, -81, 127, -51, 6, -128, -77, 114, -8
_Q, _Z = quantize(T, *choose_qparams(T)).flatten(), -77
_AND_ZERO = torch.cat([T.flatten(), torch.zeros(1)])  # T has nine numbers, and pairs need ten


# --- integers alone


@card(
    "0 where z belongs",
    "Pad with the code of 0.0, which is z: value=z.",
    right=lambda q, z: torch.nn.functional.pad(q, (1, 1), value=z),
    smallest=("0", "1"),
    cases=((_Q, _Z), (_codes(5, -3), 4), (_codes(7), -128)),
    asks="Do the codes of T, with z = -77, show this bug?",
)
def pads_with_zero(q: Tensor, z: int) -> Tensor:
    """The code 0 stands for s (0 - z), which is 0.0 only if z is 0."""
    return torch.nn.functional.pad(q, (1, 1))


def _equally_many(a: Tensor, b: Tensor) -> None:
    if len(a) != len(b):
        rule, got = "each code needs one to be multiplied by", f"{len(a)} and {len(b)} numbers"
        raise QuantlibError(rule, got, "write as many into one box as into the other")


@card(
    "products and sums in int8",
    "Make both int32 first: q_w.int() @ q_x.int().",
    right=lambda q_w, q_x: q_w.int() @ q_x.int(),
    smallest=("2", "64"),
    cases=((_Q, torch.ones_like(_Q)), (_codes(100, 100), _codes(1, 2)), (_codes(-128), _codes(-128))),
    asks="Do the codes of T, each times 1, show this bug?",
    why="Their sum is -121, and fits. On the way it leaves int8, but what wraps once comes back.",
    refuse=_equally_many,
)
def sums_in_int8(q_w: Tensor, q_x: Tensor) -> Tensor:
    """The result of int8 and int8 is int8 again, and keeps the lowest 8 bits of the sum."""
    return wrap(q_w.int() @ q_x.int())


def _in_pairs(u: Tensor, w: Tensor) -> None:
    _equally_many(u, w)
    _even(u)


def _even(x: Tensor) -> None:
    if len(x) % 2:
        raise QuantlibError("this function takes pairs", f"{len(x)} numbers", "write 2, 4, 6 … numbers")


@card(
    "pairs that stop in int16",
    "Add all products in int32.",
    right=lambda u, w: (u.int() * w.int()).sum(),
    smallest=("255, 255", "127, 127"),
    cases=(
        (quantize(_AND_ZERO, *choose_qparams(T, signed=False)), quantize(_AND_ZERO, *choose_qparams(T))),
        (_bytes(255, 255, 1, 1), _codes(-128, -128, 127, 127)),
        (_bytes(200, 0, 200, 9), _codes(127, 127, 127, -1)),
    ),
    asks="T and one more 0.0, as uint8 codes for u and as int8 codes for w: do they show this bug?",
    why="The largest sum of a pair is 28,458, and int16 ends at 32,767.",
    refuse=_in_pairs,
)
def sums_pairs_in_int16(u: Tensor, w: Tensor) -> Tensor:
    """Two products of uint8 and int8 can be twice as large as int16 holds, and whatever is beyond its ends is lost."""
    products = u.int() * w.int()
    pairs = products[0::2] + products[1::2]
    return pairs.clamp(-(2**15), 2**15 - 1).sum()


@card(
    "rounded twice",
    "Add half of 2^n once, and shift once, by n.",
    right=lambda acc, n: (acc + 2 ** (n - 1)) >> n,
    smallest=("3", "3"),
    cases=((_Q.long(), 3), (torch.arange(-40, 40), 2), (torch.arange(-40, 40), 5)),
    asks="Do the codes of T, as acc and with n = 3, show this bug?",
)
def shifts_in_two_steps(acc: Tensor, n: int) -> Tensor:
    """The first rounding can make a tie of what was below it, and the second takes the tie up."""
    half = (acc + 1) >> 1
    return (half + 2 ** (n - 2)) >> (n - 1)


@card(
    "a counter of floats",
    "Count in integers: counts.sum() of int64 is int64.",
    right=lambda counts: counts.sum(),
    smallest=("16777217",),
    cases=((_Q.long().abs(),), (_integers(2**24, 1, 1),), (_integers(2**30, 5),), (_integers(3, 4),)),
    asks="Do the codes of T, without their signs, show this bug?",
)
def counts_in_float32(counts: Tensor) -> Tensor:
    """float32 holds every integer up to 16,777,216, which is 2^24, and beyond it only every second one, or fewer."""
    total = torch.tensor(0.0)
    for count in counts:
        total += count
    return total.long()


# --- bytes and blocks


@card(
    "neighbours in one byte",
    "Here all low halves come first: torch.cat([packed & 15, packed >> 4]).",
    right=lambda packed: torch.cat([packed & 15, packed >> 4]),
    smallest=("0, 1",),
    cases=((_bytes(0x06, 0x33, 0xEF, 0x75, 0x08),), (_bytes(1, 2),), (_bytes(0x10, 0x32, 0x54),)),
    asks="Do the codes of T show this bug, with 4 bits each, packed into 5 bytes?",
)
def unpacks_neighbours(packed: Tensor) -> Tensor:
    """Both halves of a byte hold the right codes, but a reader who takes them for neighbours puts them elsewhere."""
    return torch.stack([packed & 15, packed >> 4], -1).flatten()


def _ordinary(x: Tensor) -> None:
    if bool(((x != 0) & (x.abs() < 1e-30) | (x.abs() > 1e30)).any()):
        raise QuantlibError("this hunt is for numbers of some size", "almost 0, or huge", "stay between 1e-30 and 1e30")


def _blocks(x: Tensor) -> None:
    _even(x)
    _ordinary(x)


def _by_blocks(x: Tensor) -> Tensor:
    blocks = x.view(-1, 2)
    scale = blocks.abs().amax(1, keepdim=True) / 7
    return ((blocks / torch.where(scale == 0, 1, scale)).round() * scale).flatten()


@card(
    "a block of zeros has the scale 0",
    "Where the scale of a block is 0, divide by 1.",
    right=_by_blocks,
    smallest=("1, 0, 0, 0",),
    cases=((_AND_ZERO,), *((torch.tensor(x),) for x in ([0.0, 0.0, 3.0, 1.0], [0.0, 0.0], [-3.0, -1.0, 0.0, -2.0]))),
    asks="Does T, with one more number, 0.0, show this bug?",
    refuse=_blocks,
)
def divides_a_block_by_zero(x: Tensor) -> Tensor:
    """The guard looks at all of x, but each block has its own scale, and 0 / 0 is no number."""
    if x.abs().max() == 0:
        return x
    blocks = x.view(-1, 2)
    scale = blocks.abs().amax(1, keepdim=True) / 7
    return ((blocks / scale).round() * scale).flatten()


@card(
    "dimensions in the file's order",
    "Turn them round: values.view(dims[1], dims[0]).",
    right=lambda dims: torch.arange(dims[0] * dims[1]).view(dims[1], dims[0]),
    smallest=("1, 2",),
    cases=(((3, 3),), ((2, 3),), ((4, 1),)),
    asks="Does the shape of T show this bug?",
    why="T is square. So it is right on T, and a test that tries T alone would pass.",
)
def keeps_the_order_of_dims(dims: tuple[int, int]) -> Tensor:
    """GGUF names the length of a row first, and torch names it last."""
    values = torch.arange(dims[0] * dims[1])
    return values.view(dims[0], dims[1])


def _has_scale(x: Tensor) -> None:
    _ordinary(x)
    if not bool(x.any()):
        raise QuantlibError("a block needs a number that is not 0", "only 0", "write another one")


@card(
    "a scale rounded down",
    "Divide by 448 first, and round up: 2.0 ** torch.ceil(torch.log2(x.abs().max() / 448)).",
    right=lambda x: fake_quantize_mx(x, E4M3, "rceil"),
    smallest=("1.9",),
    cases=((T.flatten(),), *((torch.tensor(x),) for x in ([-480.0], [1.9, 1e-5], [448.5, 0.0025], [0.3]))),
    asks="Does T show this bug?",
    why="The largest number of T is 728.6 = 1.42 · 2^9, and 1.42 is below 1.75. So it is right on T.",
    refuse=_has_scale,
)
def rounds_the_scale_down(x: Tensor) -> Tensor:
    """It reckons that E4M3 ends at 2 · 2^8, but it ends at 1.75 · 2^8 = 448, and what is beyond is clipped."""
    s = 2.0 ** (torch.floor(torch.log2(x.abs().max())) - 8)
    return (x / s).clamp(-448, 448).to(torch.float8_e4m3fn).float() * s
