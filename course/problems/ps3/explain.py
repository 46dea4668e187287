"""A block under the lens, and a matrix, read by somebody who believes something else of the bytes."""

from dataclasses import dataclass
from random import Random

from ..questions import Explain
from ..variants import written


@dataclass(frozen=True)
class Reader:
    """Somebody who reads wrongly. number: in the picture. blocks: that show it. does: what he does.

    here: what that does to a block; matrix: whether mean and histogram of the whole matrix tell.
    shown, hidden: weights that show the mistake, and that do not.
    """

    number: int
    blocks: tuple[int, ...]
    does: str
    here: str
    matrix: str
    shown: str
    hidden: str


_MOVED = "No: each value is still there, and has only another place in its block. So neither of them changes."
_ONE_STEP = (
    "Hardly: d is positive in about half of all blocks and negative in the others, so the shifts cancel in the mean, "
    "and in the histogram each value moves by one step only."
)
_NEARLY_ALL = "nearly all weights, because each value is off by d"
_ZEROS = "32 zeros: then d is 0, and so is each value"
READERS = (
    Reader(
        1,
        (34,),
        "swaps the two halves of each byte",
        "Byte j holds the codes j and j + 16, which change places: the second half of the block now comes first.",
        _MOVED,
        "weights whose first 16 differ from the last 16",
        "32 equal weights: both halves of each byte are the same",
    ),
    Reader(
        2,
        (21,),
        "takes the two codes of a byte for neighbours",
        "Byte j holds the codes j and j + 16, which come to the places 2j and 2j + 1: the halves of the block are "
        "shuffled into each other, and only the first and the last value stay.",
        _MOVED,
        "weights that all differ, such as 0 to 31",
        "32 equal weights: their codes are the same, wherever they lie",
    ),
    Reader(
        3,
        (32, 40),
        "believes that the code 7 means 0",
        "Each value is d (code − 7) in place of d (code − 8). That is d more: a step {way} here, where d is {sign}.",
        _ONE_STEP,
        _NEARLY_ALL,
        _ZEROS,
    ),
    Reader(
        4,
        (32, 40),
        "believes that the code 9 means 0",
        "Each value is d (code − 9) in place of d (code − 8). That is d less: a step {way} here, where d is {sign}.",
        _ONE_STEP,
        _NEARLY_ALL,
        _ZEROS,
    ),
    Reader(
        6,
        (44,),
        "drops the sign of the scale",
        "Here d is negative, so each value gets the other sign: the block is upside down.",
        "No: half of the blocks are upside down, but weights are about as often positive as negative, so the histogram "
        "looks the same, and the mean stays near 0.",
        "weights of which the largest in size is positive: then d is negative",
        "weights of which the largest in size is negative: then d is positive, and nothing changes",
    ),
)
NEGATIVE = (21, 34, 40, 44)  # of all these blocks, those with a negative scale


def explain(draw: Random) -> Explain:
    reader = draw.choice(READERS)
    block = draw.choice(reader.blocks)
    return Explain(
        title="Explain the picture",
        text=_text(reader, block),
        source=written(_model(reader, block)),
        rubric=(
            ("what happens to the values of this block, and how that follows from what the bytes hold", 2),
            ("that mean and histogram hardly tell, if at all, with the reason that holds for this mistake", 2),
            ("weights that show the mistake, and weights that hide it, each with a reason", 2),
        ),
        picture="from quantlib.data import load_weight\n"
        "from quantlib.lessons.packing_and_gguf import explore_lens\n\n"
        f'explore_lens(load_weight("query")[:64]).still(k={block}, r={reader.number})',
    )


def _text(reader: Reader, block: int) -> str:
    return f"""
The picture shows block {block} of a matrix, stored in Q4_0, as it is read by somebody who **{reader.does}**. The
histogram is that of the whole matrix, as it was (black) and as it is read (blue). Explain in at most 150 words:

1. What has the mistake done to the values of this block? Say why, from what the bytes hold.
2. You have the read weights only, not the original ones, and no SQNR. Do the mean and the histogram of the matrix give
   the mistake away? Why, or why not?
3. To test a reader, you store 32 weights of your own and read them back. Name weights that show this mistake, and
   weights that do not, and say why.
"""


def _here(reader: Reader, block: int) -> str:
    negative = block in NEGATIVE
    way = "up" if (reader.number == 3) != negative else "down"
    return reader.here.format(way=way, sign="negative" if negative else "positive")


def _model(reader: Reader, block: int) -> str:
    return f"""
1. {_here(reader, block)}
2. {reader.matrix}
3. It shows with {reader.shown}. It does not show with {reader.hidden}.
"""
