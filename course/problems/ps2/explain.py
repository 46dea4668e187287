"""SQNR over what it costs: which points are beaten by no other, and what an outlier does."""

from random import Random

from ..questions import Explain
from ..variants import written

# On the rows of the picture, 3 and 4 bits in groups of 4 and 8 are beaten by one more bit in groups twice as large.
UNBEATEN = (16, 32)


def explain(draw: Random) -> Explain:
    size, bits = draw.choice((4, 8, 16, 32)), draw.choice((3, 4))
    return Explain(
        title="Explain the picture",
        text=_text(size, bits),
        source=written(_model(size, bits)),
        rubric=(
            (f"a ◆ is beaten by no other at its cost or less; the point is {'one' if size in UNBEATEN else 'none'}", 2),
            ("a smaller largest |w| gives finer steps; the cost of the scales doubles, and the gain does not", 2),
            ("the coarsest granularity profits most, because the outlier sets the step of all who share its scale", 2),
        ),
        picture="from quantlib.data import load_weight\n"
        "from quantlib.lessons.granularity import draw_groups\n\n"
        f'draw_groups(load_weight("ffn_down")[80:120], {size}, {bits})',
    )


def _text(size: int, bits: int) -> str:
    return f"""
The picture shows, for 40 rows of the weights of a layer, what SQNR they have over what they cost: each point is a
pair of bits and a group size, with one fp16 scale a group. The marked point has {bits} bits and groups of {size}; the
mark covers the sign of its point. A point costs its bits and 16/size more, and a row has 1536 weights.
Explain in at most 150 words:

1. What does a ◆ mean, and is the marked point one? Say why, or why not.
2. Along the points of {bits} bits, smaller groups bring more SQNR. Why, and why is each further halving a worse
   bargain?
3. These rows have one weight that is far larger than all others. Which points would profit most if it were absent?
"""


def _model(size: int, bits: int) -> str:
    cost = bits + 16 / size
    beaten = f"{bits + 1} bits in groups of {2 * size} cost no more and have more SQNR, so it is none"
    unbeaten = "none of the points that cost no more has as much SQNR, so it is one"
    return f"""
1. A ◆ is beaten by no other point: none has more SQNR for as few bits. The marked point costs {cost:g} bits per weight;
   {unbeaten if size in UNBEATEN else beaten}.
2. In a smaller group the largest |w| is smaller, or is shared by fewer weights, so the steps are finer. But each
   halving doubles the bits for the scales, 16/size per weight, and the SQNR grows much more slowly than that.
3. Those of the largest groups, and the one scale for all: there the outlier sets the step for the most other
   weights. In small groups it spoils only its few neighbours.
"""
