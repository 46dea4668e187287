"""The mean squared error over s: why it falls, why it rises, and what z could repair."""

from random import Random

from quantlib.data import T

from ..questions import Explain
from ..variants import say, written

SHOWN = [[round(value, 2) for value in row] for row in T.tolist()]
LOWEST, HIGHEST = min(map(min, SHOWN)), max(map(max, SHOWN))


def explain(draw: Random) -> Explain:
    s, z = draw.choice((2.6, 3.0, 3.4)), draw.choice((-70, -90, -40))
    ends = _ends_that_clip(s, z)
    return Explain(
        title="Explain the picture",
        text=_text(s, z),
        source=written(_model(s, z, ends)),
        rubric=(
            ("clip is named as the largest part on the left, and a longer ruler as the reason for the fall", 2),
            ("marks that pass by the values, and the bound s/2 that grows", 2),
            (f"{' and '.join(ends)} named, what moving z does there, and that it does not make the ruler longer", 2),
        ),
        picture="from quantlib.lessons.clamping import draw_split\n\n"
        f"T = torch.tensor({SHOWN})\n"
        f"draw_split(T, {s}, {z})",
    )


def _ends_that_clip(s: float, z: int) -> list[str]:
    low, high = s * (-128.5 - z), s * (127.5 - z)  # what lies half a step beyond the last code still rounds to it
    clips = {"the lower end": low > LOWEST, "the upper end": high < HIGHEST}
    return [end for end in clips if clips[end]]


def _text(s: float, z: int) -> str:
    return f"""
The picture shows the mean squared error of the nine numbers of `T` for every s; the mark is at s = {say(s)}, with
z = {say(z)}. Explain in at most 150 words:

1. Why does the curve fall steeply on the left, and what is the largest part of the error there?
2. On the right it goes up and down. Why does it not simply rise, and why must it rise in the long run?
3. At which end of the ruler do values clip at s = {say(s)}, or at both? Say what a change of z alone would repair, and
   what it could not.
"""


def _model(s: float, z: int, ends: list[str]) -> str:
    low, high, spans = round(s * (-128 - z), 1), round(s * (127 - z), 1), round(HIGHEST - LOWEST, 1)
    return f"""
1. There the ruler is too short. Values clip, and a clip error has no limit: it grows with the distance from the end of
   the ruler. It is nearly all of the error, and each larger s makes the ruler longer.
2. Nothing clips there. Each rounding error depends on how near a mark happens to be, and marks pass by the nine values
   as s grows. But the errors are bounded by s/2, and typically grow like s.
3. The levels reach from {say(low)} to {say(high)}, so values clip at {" and ".join(ends)}. {_move(ends)}
   That cannot make it longer: it spans {say(round(255 * s, 1))}, and the values span {say(spans)}.
"""


def _move(ends: list[str]) -> str:
    if len(ends) == 2:
        return "Moving z helps one end and harms the other."
    return f"Moving z {'up' if ends == ['the lower end'] else 'down'} slides the ruler towards the values that clip."
