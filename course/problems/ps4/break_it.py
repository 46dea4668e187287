"""Logits that two measures praise, although the text takes many more bits."""

from random import Random
from typing import NamedTuple

import torch

from quantlib import bits_per_symbol

from ..questions import Break
from ..variants import judge, nested, values

COSINE = 0.999


class Drawn(NamedTuple):
    """logits: a row a place. targets: the characters that came. more: so many bits worse it has to be."""

    logits: tuple[tuple[float, ...], ...]
    targets: tuple[int, ...]
    more: float

    def bits(self, factor: float) -> float:
        return bits_per_symbol(factor * torch.tensor(self.logits), torch.tensor(self.targets))

    @property
    def answer(self) -> list[list[float]]:
        """The logits times the smallest whole number that does it: sure of itself, and as often wrong as before."""
        factor = next(k for k in range(2, 100) if self.bits(k) > self.bits(1) + self.more + 0.1)
        return [[factor * each for each in row] for row in self.logits]


def break_it(draw: Random) -> Break:
    drawn = _drawn(draw)
    given, check = _given(drawn), _check(drawn)
    return Break(
        title="Break it",
        text=_text(drawn),
        source=values({"breaks": None}, given).replace("= None", f"= torch.tensor({drawn.answer})"),
        name="breaks",
        judge=judge(check),
        worth=4,
        check=check.strip(),
    )


def _drawn(draw: Random) -> Drawn:
    """Draw places of which one is a miss: what came there is the second likeliest."""
    places, symbols = draw.choice((3, 4)), draw.choice((3, 4))
    logits = [draw.sample((3.0, 1.5, 0.5, -1.0, -2.0), symbols) for _ in range(places)]
    order = [sorted(range(symbols), key=lambda k, row=row: -row[k]) for row in logits]  # type: ignore[misc]
    missed = draw.randrange(places)
    targets = (ranks[k == missed] for k, ranks in enumerate(order))
    return Drawn(tuple(map(tuple, logits)), tuple(targets), draw.choice((1.0, 1.5, 2.0, 3.0)))


def _given(d: Drawn) -> str:
    rows = "".join(f"        {list(row)},\n" for row in d.logits)
    return f"""
logits = torch.tensor(
    [
{rows}    ]
)
came = torch.tensor({list(d.targets)})


def theirs(x):
    alike = torch.cosine_similarity(logits, x, dim=1) > {COSINE}
    same = logits.argmax(1) == x.argmax(1)
    return bool((alike & same).all())
"""


def _check(d: Drawn) -> str:
    shape = len(d.logits), len(d.logits[0])
    return f"""
def problem(x):
    {nested(_given(d))}

    def bits(x):
        return -x.double().log_softmax(1).gather(1, came[:, None]).mean().item() / 0.6931471805599453

    if type(x) is not torch.Tensor or x.dtype != torch.float32 or x.shape != {shape}:
        return "it is not a float32 tensor of shape {shape}"
    if not bool(x.isfinite().all()) or not theirs(x):
        return "theirs finds the difference"
    return "" if bits(x) >= bits(logits) + {d.more} else "the text does not take so many bits more"
"""


def _text(d: Drawn) -> str:
    shape = len(d.logits), len(d.logits[0])
    return f"""
A row of `logits` holds the scores that a network in float gives to each character that may come next, and `came` says
which one came. `theirs` looks at the logits x of a quantized network: does every row have a cosine above {COSINE} with
that in float, and the same likeliest character? Then it says True: as good as float.

Hand in `breaks`: a float32 tensor of the shape {shape}, of which `theirs` says True, and with which the text takes
**at least {d.more:g} bits per character more** than with `logits`.
"""
