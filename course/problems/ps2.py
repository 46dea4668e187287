"""Problem set 2, on Part II: choosing s and z, what to clip, who shares a scale, and rounding."""

import math
from collections.abc import Callable
from random import Random
from typing import Any

import torch
from torch import Tensor

import quantlib
from quantlib.lab.misconception import Misconception

from .questions import Break, Explain, Part, ProblemSet, Values, Write
from .variants import HOW, draws, function, judge, mistake, reals, say, told, values, written

INTRO = f"""
You need notebooks 05 to 08. {HOW}

Unless a question says otherwise, tensors are float32, and arguments stay as they are: return something new.
"""


def problem_set(seed: int) -> ProblemSet:
    asked = (ruler, clip, groups, chance, predict, break_it, axis, explain)
    questions = tuple(ask(f"ps2_q{k}", draws(seed, f"ps2_q{k}")) for k, ask in enumerate(asked, start=1))
    return ProblemSet("ps2", "Problem set 2 · Choosing the ruler", INTRO, questions)


# --- 1. ruler

_SCALES = {
    "steps": "s is the range r_max − r_min divided by the number of **steps**, {steps}.",
    "codes": "s is the range r_max − r_min divided by the number of **codes**, {codes}.",
    "power": "s is the smallest **power of two** (…, 1/4, 1/2, 1, 2, …) that is at least (r_max − r_min)/{steps}.",
}
_SCALE_CODE = {
    "steps": "s = (r_max - r_min) / {steps}",
    "codes": "s = (r_max - r_min) / {codes}",
    "power": "s = 2.0 ** math.ceil(math.log2((r_max - r_min) / {steps}))",
}


class _Ruler:
    """How s and z follow from a range."""

    def __init__(self, rule: str, to_code: Callable[[float], int], low: int, bits: int) -> None:
        self.rule, self.to_code, self.low, self.bits = rule, to_code, low, bits

    def but(self, **changed: Any) -> "_Ruler":
        return _Ruler(**(vars(self) | changed))

    def of(self, r_min: float, r_max: float) -> tuple[float, int]:
        if r_min == r_max:
            return 1.0, self.low
        steps = 2**self.bits - (self.rule != "codes")
        s = (r_max - r_min) / steps
        s = 2.0 ** math.ceil(math.log2(s)) if self.rule == "power" else s
        return s, max(self.low, min(self.low + 2**self.bits - 1, self.to_code(self.low - r_min / s)))

    def __call__(self, x: Tensor) -> tuple[float, int]:
        return self.of(min(0.0, x.min().item()), max(0.0, x.max().item()))


def ruler(name: str, draw: Random) -> Write:
    """Choose s and z under another convention."""
    rule, up, bits = draw.choice(tuple(_SCALES)), draw.choice((True, False)), draw.choice((4, 5, 6, 7))
    low = draw.choice((0, -(2 ** (bits - 1))))
    high, steps, codes = low + 2**bits - 1, 2**bits - 1, 2**bits
    text = f"""
Choose s and z for the {bits}-bit codes from {say(low)} to {say(high)}:

- The range [r_min, r_max] of x is widened, if need be, to contain 0.0.
- {_SCALES[rule].format(steps=steps, codes=codes)}
- z is {say(low)} − r_min/s, **rounded {"up" if up else "down"}** to an integer, then clamped to the grid.
- If all values are 0.0, s is 1.0 and z is {say(low)}.

`x` is a tensor with at least one value. Return the pair `(s, z)`: a Python float and a Python int.
"""
    code = _SCALE_CODE[rule].format(steps=steps, codes=codes)
    rounded = f"math.{'ceil' if up else 'floor'}({low} - r_min / s)"
    body = f"""
import math

r_min, r_max = min(0.0, x.min().item()), max(0.0, x.max().item())
if r_min == r_max:
    return 1.0, {low}
{code}
return s, max({low}, min({high}, {rounded}))
"""
    right = _Ruler(rule, math.ceil if up else math.floor, low, bits)
    shown = {"steps": steps, "codes": codes, "power": steps}[rule] / 4
    return Write(
        name,
        "Choose s and z",
        text,
        function("my_ruler(x)", "Return (s, z), a float and an int.", body),
        name="my_ruler",
        example=f"assert my_ruler(torch.tensor([0.0, {shown}])) == (0.25, {low})\n"
        "assert list(map(type, my_ruler(torch.tensor([-1.0, 1.3])))) == [float, int]",
        parts=_ruler_parts(draw, right, steps),
        mistakes=tuple(_ruler_mistakes(right)),
    )


def _ruler_parts(draw: Random, right: _Ruler, steps: int) -> tuple[Part, ...]:
    both = [_with_fraction(draw, right, fraction) for fraction in (0.25, 0.4, 0.6, 0.75)]
    exact = -steps / 4 if right.rule != "codes" else -(steps + 1) / 4
    square = reals([[-0.3, 0.8], [1.1, -1.7]])
    return (
        Part("values on both sides of 0.0", 4, tuple((x,) for x in both)),
        Part("values on one side of 0.0", 3, ((reals([5.3, 2.9, 7.7]),), (reals([exact, exact / 4]),))),
        Part("a range of 0", 1, ((torch.zeros(3),), (torch.zeros(1),))),
        Part("other shapes, and x as it was", 2, ((square,), (square[0, 0],)), calls=2),
    )


def _with_fraction(draw: Random, right: _Ruler, fraction: float) -> Tensor:
    """Draw values for which z, before it is rounded, has about this fraction: no float can decide where it goes."""
    while True:
        low, high = -round(draw.uniform(0.5, 6), 2), round(draw.uniform(0.5, 6), 2)
        s, _ = right.of(low, high)
        if abs((-low / s) % 1 - fraction) < 0.05:
            return reals([0.4 * high, low, 0.1, high, 0.5 * low])


def _ruler_mistakes(right: _Ruler) -> list[Misconception]:
    low, bits, up = right.low, right.bits, right.to_code is math.ceil
    high = low + 2**bits - 1
    range_, step = "Widen the range to 0.0 first.", "Look again at what the range is divided by."
    z, pair = f"z is {say(low)} − r_min/s: first that number, then the rounding.", "Return s, then z."

    def quantlibs(x: Tensor) -> tuple[float, int]:
        qp = quantlib.choose_qparams(x, bits, signed=low < 0)
        return float(qp.scale), int(qp.zero_point)

    def downwards(x: Tensor) -> tuple[float, int]:
        s, _ = right(x)
        return s, max(low, min(high, right.to_code(low + min(0.0, x.min().item()) / s)))

    def symmetric(x: Tensor) -> tuple[float, int]:
        return x.abs().max().item() / (2 ** (bits - 1) - 1) or 1.0, 0

    def plain(x: Tensor) -> tuple[float, int]:
        return right.of(x.min().item(), x.max().item())

    def in_place(x: Tensor) -> tuple[float, int]:
        found = right(x)
        x -= 1
        return found

    def unguarded(x: Tensor) -> tuple[float, int]:
        return right(x) if x.any() else (0.0, low)

    opposite = right.but(to_code=math.floor if up else math.ceil)
    found = [
        mistake("quantlib's own function", "It divides by the steps, and rounds z to nearest.", z, quantlibs),
        mistake("0.0 is not in the range", "Values can lie on one side of 0.0.", range_, plain),
        mistake("z has the wrong sign", "r_min is negative, so r_min/s is too.", z, downwards),
        mistake(
            "z rounded down" if up else "z rounded up",
            "To round r_min/s is to round z in the other direction.",
            z,
            opposite,
        ),
        mistake("8 bits", "Count the bits of the text.", step, right.but(bits=8)),
        mistake("one bit less", "Count the bits of the text.", step, right.but(bits=bits - 1)),
        mistake("the symmetric ruler", "z follows the range here.", z, symmetric),
        mistake(
            "counted from 0" if low else "counted from a negative code",
            f"The first code is {say(low)}.",
            z,
            right.but(low=0 if low else -(2 ** (bits - 1))),
        ),
        mistake("z first", "The first of the two should be s.", pair, lambda x: right(x)[::-1]),
        mistake("tensors for numbers", "The numbers are right, but they are tensors.", pair, _as_tensors(right)),
        mistake("a range of 0 gives s = 0", "Nothing can be divided by that s.", "Look at the last rule.", unguarded),
        mistake("x is changed in place", "The caller's tensor is overwritten.", "Do not write into x.", in_place),
    ]
    if right.rule != "steps":  # with which it is quantlib's own function
        nearest = right.but(to_code=round)
        found.append(mistake("z rounded to nearest", "The text says in which direction.", z, nearest))
    for other, words in (("steps", "steps"), ("codes", "codes"), ("power", "a power of two")):
        if other != right.rule:
            says = f"The scale is that of another convention: {words}."
            found.append(mistake(f"{words} for the scale", says, step, right.but(rule=other)))
    return found


def _as_tensors(right: _Ruler) -> Callable[[Tensor], tuple[Tensor, Tensor]]:
    def wrong(x: Tensor) -> tuple[Tensor, Tensor]:
        s, z = right(x)
        return torch.tensor(s), torch.tensor(z)

    return wrong


# --- 2. clip

_ALPHA = "Return a Python float, not a tensor: `.item()` makes one."


def clip(name: str, draw: Random) -> Write:
    """What to leave out, by another rule."""
    return draw.choice((_both_ends, _between, _percentile))(name, draw)


def _clip(name: str, text: str, second: str, says: str, body: str, example: str, **rest: Any) -> Write:
    source = function(f"my_alpha(x, {second})", says, body)
    shown = f"assert {example}\nassert type({example.split(' ==')[0]}) is float"
    return Write(name, "Choose what to clip", text, source, name="my_alpha", example=shown, **rest)


def _sizes(x: Tensor) -> list[float]:
    """The sizes, the largest first."""
    return x.abs().flatten().sort(descending=True).values.tolist()


def _clip_parts(draw: Random, ks: tuple[int, int, int, int], few: int) -> tuple[Part, ...]:
    x = reals([round(draw.uniform(-9, 9), 3) for _ in range(24)] + [-11.5, 10.25, -12.75])
    equal = reals([2.0, -7.0, 7.0, -7.0, 1.0, 5.0, -5.0, 0.5])
    first, second, third, fourth = ks
    return (
        Part("many values", 3, ((x, first), (x, second), (-x.abs(), third))),
        Part("equal sizes", 1, ((equal, first), (equal, second), (equal, fourth))),
        Part("few values, other shapes", 2, ((x[:12].reshape(3, 4), first), (reals([[-3.0], [2.0]]), few)), calls=2),
    )


def _clip_mistakes(right: Any, hint: str, own: list[tuple[str, str, Any]]) -> tuple[Misconception, ...]:
    def in_place(x: Tensor, k: int) -> float:
        found = right(x, k)
        x.abs_().mul_(0.5)
        return found

    wrong = [
        ("nothing is left out", "That is the largest |x|.", lambda x, k: _sizes(x)[0]),
        ("a tensor for a number", "The number is right, but it is a tensor.", lambda x, k: torch.tensor(right(x, k))),
        ("x is changed in place", "The caller's tensor is overwritten.", in_place),
        *own,
    ]
    return tuple(mistake(name, says, hint, f) for name, says, f in wrong)


def _signed(x: Tensor) -> list[float]:
    return x.flatten().sort(descending=True).values.tolist()


def _place(sizes: list[float], k: int) -> float:
    """The size at a place, or at the last one."""
    return sizes[min(k, len(sizes) - 1)]


def _both_ends(name: str, draw: Random) -> Write:
    down, up = draw.choice(((1, 1), (2, 1), (1, 2)))
    below, above = ("2 " if n == 2 else "" for n in (down, up))
    text = f"""
A range that leaves out **the {below}k smallest and the {above}k largest values**, and then, if need be, is widened to
contain 0.0. Return the pair `(low, high)`: the smallest and the largest of the values that stay, or 0.0. Equal values
count one by one: of 7, 7, 7, 5 without the two largest the third 7 stays.

`x` is a tensor of any shape, and `k` an integer from 0, so small that values stay. Return two Python floats.
"""
    body = f"""
values = x.flatten().sort().values
low, high = values[{below.replace(" ", " * ")}k].item(), values[-1 - {above.replace(" ", " * ")}k].item()
return min(0.0, low), max(0.0, high)
"""

    def of(values: list[float], k: int, widen: bool = True) -> tuple[float, float]:
        k = max(0, min(k, (len(values) - 1) // (down + up)))
        low, high = values[-1 - down * k], values[up * k]
        return (min(0.0, low), max(0.0, high)) if widen else (low, high)

    def right(x: Tensor, k: int) -> tuple[float, float]:
        return of(_signed(x), k)

    def by_size(x: Tensor, k: int) -> tuple[float, float]:
        reach = _place(_sizes(x), k)
        return -reach, reach

    def quantlibs(x: Tensor, k: int) -> tuple[float, float]:
        s, z, low, high = quantlib.choose_percentile(x, percentile=100 * (1 - (down + up) * k / x.numel()))
        return float(s * (low - z)), float(s * (high - z))

    def in_place(x: Tensor, k: int) -> tuple[float, float]:
        found = right(x, k)
        x.neg_()
        return found

    wrong = [
        ("quantlib's percentile", "Its ruler is rounded so that z is an integer.", quantlibs),
        ("nothing is left out", "That is min-max.", lambda x, k: of(_signed(x), 0)),
        ("0.0 is not in the range", "All values can be positive.", lambda x, k: of(_signed(x), k, widen=False)),
        ("one place too far", "The first is at place 0.", lambda x, k: of(_signed(x), k + 1)),
        ("one place too few", "The first is at place 0.", lambda x, k: of(_signed(x), k - 1)),
        ("half of k", "The text says how many at each end.", lambda x, k: of(_signed(x), k // 2)),
        (
            "only at the upper end",
            "Values are left out at both ends.",
            lambda x, k: (of(_signed(x), 0)[0], right(x, k)[1]),
        ),
        (
            "only at the lower end",
            "Values are left out at both ends.",
            lambda x, k: (right(x, k)[0], of(_signed(x), 0)[1]),
        ),
        ("sizes for values", "Each end is for itself.", by_size),
        ("equal values count once", "Each counts.", lambda x, k: of(sorted(set(_signed(x)), reverse=True), k)),
        ("high first", "Return low, then high.", lambda x, k: right(x, k)[::-1]),
        ("tensors for numbers", "They are tensors.", lambda x, k: tuple(torch.tensor(end) for end in right(x, k))),
        ("x is changed in place", "The caller's tensor is overwritten.", in_place),
    ]
    x = reals([round(draw.uniform(-9, 6), 3) for _ in range(24)] + [-11.5, 10.25, -12.75])
    equal, few = reals([2.0, -7.0, 7.0, 7.0, 7.0, -5.0, -5.0, -7.0, 0.5, 1.0]), reals([[-3.0], [2.0]])
    first, second = draw.choice((1, 2)), draw.choice((4, 5))
    hint = "Sort the values, and count from both ends."
    ends = (-2.0 if down == 2 else -3.0), (1.0 if up == 2 else 2.0)
    return Write(
        name,
        "Choose what to clip",
        text,
        function("my_range(x, k)", "Return (low, high) without the k outermost values at each end, two floats.", body),
        name="my_range",
        example=f"assert my_range(torch.tensor([1.0, -4.0, 3.0, 0.5, -2.0, 2.0, -3.0, 0.0]), 1) == {ends}\n"
        "assert list(map(type, my_range(torch.tensor([1.0, 2.0]), 0))) == [float, float]",
        parts=(
            Part("many values", 2, ((x, first), (x, second), (-x, 7))),
            Part("values on one side of 0.0", 2, ((x.abs() + 1, first), (-x.abs() - 1, second))),
            Part("equal values", 1, ((equal, 2), (equal, 3))),
            Part("few values, other shapes", 1, ((x[:12].reshape(3, 4), 3), (few, 0)), calls=2),
        ),
        mistakes=tuple(mistake(m, says, hint, f) for m, says, f in wrong),
    )


def _between(name: str, draw: Random) -> Write:
    part, words = draw.choice(((0.5, "half"), (0.25, "a quarter of"), (0.75, "three quarters of")))
    text = f"""
A symmetric range that leaves out k values, and lies **between two of them**: let the sizes |x| be sorted, the largest
first. The k-th is the last one that is left out, the (k + 1)-th the first one that is not. Return α, which lies
**{words} the way from the (k + 1)-th up to the k-th**.

`x` is a tensor of any shape, and `k` an integer from 1 to less than the number of its values. {_ALPHA}
"""

    def between(sizes: list[float], k: int, part: float = part) -> float:
        out, inside = _place(sizes, max(k - 1, 0)), _place(sizes, k)
        return inside + part * (out - inside)

    def right(x: Tensor, k: int) -> float:
        return between(_sizes(x), k)

    def quantlibs(x: Tensor, k: int) -> float:
        qp = quantlib.choose_percentile(x, percentile=100 * (1 - k / x.numel()), symmetric=True)
        return float(qp.scale) * 127

    own = [
        ("the last one left out", "α lies between two sizes.", lambda x, k: _sizes(x)[k - 1]),
        ("the first one inside, as quantlib's", "α lies between two sizes.", quantlibs),
        ("one place too far", "The first is at place 0.", lambda x, k: between(_sizes(x), k + 1)),
        ("one place too few", "The first is at place 0.", lambda x, k: between(_sizes(x), k - 1)),
        ("x for |x|", "Negative values can be large.", lambda x, k: between(_signed(x), k)),
        ("|x| too late", "Sort the sizes, not the values.", lambda x, k: abs(between(_signed(x), k))),
        ("equal sizes count once", "Each counts.", lambda x, k: between(sorted(set(_sizes(x)), reverse=True), k)),
        ("the smallest are left out", "Sort in the other direction.", lambda x, k: between(_sizes(x)[::-1], k)),
        ("twice as far out", "Look at the example.", lambda x, k: 2 * right(x, k)),
    ]
    if part != 0.5:
        downwards = "From the (k + 1)-th to the k-th, not back."
        own.append(("counted from the wrong one", downwards, lambda x, k: between(_sizes(x), k, 1 - part)))
        own.append(("half-way", f"It should be {words} the way.", lambda x, k: between(_sizes(x), k, 0.5)))
    return _clip(
        name,
        text,
        "k",
        "Return an α between the k-th and the (k + 1)-th largest |x|, as a Python float.",
        "sizes = x.abs().flatten().sort(descending=True).values\n"
        f"return (sizes[k] + {part} * (sizes[k - 1] - sizes[k])).item()",
        f"my_alpha(torch.tensor([1.0, -4.0, 3.0, 0.5]), 1) == {3 + part}",
        parts=_clip_parts(draw, (draw.choice((1, 2)), draw.choice((3, 5)), 6, 4), 1),
        mistakes=_clip_mistakes(right, "Write down the sorted sizes of the example.", own),
    )


def _percentile(name: str, draw: Random) -> Write:
    down = draw.choice((True, False))
    how = "**rounded down** to a whole number" if down else "**rounded to the nearest** whole number, a tie up"
    text = f"""
A percentile with another rounding than that of notebook 06: of the n sizes |x|, sorted with the smallest first, p
percent shall lie inside, {how}, but at least one. Return the largest of those as α.

`x` is a tensor of any shape with at least one value, and `p` an integer from 1 to 100. {_ALPHA}
"""

    def rounded(p: int, n: int, down: bool = down) -> int:
        return p * n // 100 if down else (2 * p * n + 100) // 200

    def inside(sizes: list[float], count: int) -> float:
        return sizes[::-1][min(max(count, 1), len(sizes)) - 1]

    def right(x: Tensor, p: int) -> float:
        return inside(_sizes(x), rounded(p, x.numel()))

    def upwards(x: Tensor, p: int) -> float:
        return inside(_sizes(x), -(-p * x.numel() // 100))

    def otherwise(x: Tensor, p: int) -> float:
        return inside(_sizes(x), rounded(p, x.numel(), not down))

    def unguarded(x: Tensor, p: int) -> float:
        return _sizes(x)[::-1][rounded(p, x.numel()) - 1]

    def by_torch(x: Tensor, p: int) -> float:
        return x.abs().flatten().double().quantile(p / 100).item()

    def unique(x: Tensor, p: int) -> float:
        sizes = sorted(set(_sizes(x)), reverse=True)
        return inside(sizes, rounded(p, len(sizes)))

    own = [
        ("rounded up, as quantlib's", "The number inside is rounded in another way.", upwards),
        ("rounded to nearest" if down else "rounded down", "The number inside is rounded in another way.", otherwise),
        ("torch.quantile", "It lies between two of the sizes.", by_torch),
        ("none inside", "At least one should be: index −1 is the largest.", unguarded),
        ("one place too far", "The first is at place 0.", lambda x, p: inside(_sizes(x), rounded(p, x.numel()) + 1)),
        ("x for |x|", "Negative values can be large.", lambda x, p: inside(_signed(x), rounded(p, x.numel()))),
        ("a part of the largest", "Count values.", lambda x, p: p / 100 * _sizes(x)[0]),
        ("p percent are left out", "They are inside.", lambda x, p: inside(_sizes(x), rounded(100 - p, x.numel()))),
        ("equal sizes count once", "Each counts.", unique),
    ]
    count = "p * len(sizes) // 100" if down else "(2 * p * len(sizes) + 100) // 200"
    x = reals([round(draw.uniform(-9, 9), 3) for _ in range(24)] + [-11.5, 10.25, -12.75])
    equal = reals([2.0, -7.0, 7.0, -7.0, 1.0, 5.0, -5.0, 0.5])
    small = reals([[-3.0], [2.0]])
    return _clip(
        name,
        text,
        "p",
        "Return the largest of the smallest p percent of |x|, as a Python float.",
        f"sizes = x.abs().flatten().sort().values\nreturn sizes[max({count}, 1) - 1].item()",
        f"my_alpha(torch.tensor([1.0, -4.0, 3.0, 0.5]), 65) == {1.0 if down else 3.0}",
        parts=(  # of 27: 80 % is 21.6, 60 % 16.2, 50 % 13.5; of 8: 25 % is 2, 60 % 4.8; of 2: 20 % is 0.4
            Part("many values", 3, ((x, draw.choice((80, 95))), (x, draw.choice((60, 75))), (-x, 50))),
            Part("equal sizes", 1, ((equal, 60), (equal, 25))),
            Part("few values, other shapes", 2, ((x[:12].reshape(3, 4), 55), (small, 20), (small, 100)), calls=2),
        ),
        mistakes=_clip_mistakes(right, "How many are inside for 4 values and 65 percent?", own),
    )


# --- 3. groups

_STORED = {
    "nearest": ("**in fp16, rounded to nearest**. Return float16.", "return s.half()"),
    "up": (
        "**in fp16, rounded up**: as the smallest float16 that is not smaller than s. Return float16.",
        "stored = s.half()\n"
        'above = torch.nextafter(stored, torch.tensor(float("inf"), dtype=torch.float16))\n'
        "return torch.where(stored < s, above, stored)",
    ),
    "power": (
        "**as a power of two**: the smallest one that is not smaller than s. Return float32.",
        "return 2.0 ** torch.log2(s).ceil()",
    ),
}


def groups(name: str, draw: Random) -> Write:
    """The scales of groups, stored in some format, along some axis."""
    how, bits, columns = draw.choice(tuple(_STORED)), draw.choice((3, 4, 5)), draw.choice((True, False))
    divisor = 2 ** (bits - 1) - draw.choice((0.5, 0))
    words, stored = _STORED[how]
    shape = "(groups in a column, columns)" if columns else "(rows, groups in a row)"
    text = f"""
Each group of `size` neighbours in a **{"column" if columns else "row"}** of the matrix `w` shares a scale. The first
group begins at the {"top" if columns else "left"}; if `size` does not divide the {"column" if columns else "row"},
the last group is shorter.

- s is the largest |w| of the group, **divided by {say(divisor)}**. For a group of zeros it is 1.0.
- Then s is stored {words}

The result has the shape {shape}.
"""
    body = f"""
{"w = w.T" if columns else ""}
padded = torch.nn.functional.pad(w, (0, -w.shape[1] % size))
s = padded.reshape(len(w), -1, size).abs().amax(dim=2){".T" if columns else ""} / {divisor:g}
s = torch.where(s == 0, 1.0, s)
{stored}
"""
    right = _Groups(how, divisor, columns)
    shown = reals([[4 * divisor, -divisor, divisor / 2]])
    shown = shown.T if columns else shown
    result = right(shown, 2)
    return Write(
        name,
        "Scales of groups",
        text,
        function("my_scales(w, size)", f"Return the stored scales of groups of w, shape {shape}.", body),
        name="my_scales",
        example=f"scales = my_scales(torch.tensor({shown.tolist()}), 2)\n"
        f"assert scales.dtype == {result.dtype} and scales.tolist() == {result.tolist()}",
        parts=_group_parts(draw, divisor, columns),
        mistakes=tuple(_group_mistakes(right, bits)),
    )


class _Groups:
    """The scales of groups under one convention."""

    def __init__(self, how: str, divisor: float, columns: bool, pick: Any = None, empty: float = 1.0) -> None:
        self.how, self.divisor, self.columns, self.empty = how, divisor, columns, empty
        self.pick = pick or (lambda group: group.abs().amax(dim=2))

    def but(self, **changed: Any) -> "_Groups":
        return _Groups(**(vars(self) | changed))

    def __call__(self, w: Tensor, size: int) -> Tensor:
        rows = w.T if self.columns else w
        padded = torch.nn.functional.pad(rows, (0, -rows.shape[1] % size))
        s = self.pick(padded.reshape(len(rows), -1, size)) / self.divisor
        s = s.T if self.columns else s
        return _stored_scales(torch.where(s == 0, self.empty, s), self.how)


def _stored_scales(s: Tensor, how: str) -> Tensor:
    if how == "power":
        return 2.0 ** torch.log2(s).ceil()
    if how == "nearest power":
        return 2.0 ** torch.log2(s).round()
    if how == "float":
        return s
    stored = s.half()
    above = torch.nextafter(stored, torch.tensor(torch.inf, dtype=torch.float16))
    return torch.where(stored < s, above, stored) if how == "up" else stored


def _group_parts(draw: Random, divisor: float, columns: bool) -> tuple[Part, ...]:
    def matrix(rows: int, length: int) -> Tensor:
        w = reals([[round(draw.uniform(-3, 3) * 3**i, 3) for _ in range(length)] for i in range(rows)])
        w[0, 1] = -8 * divisor  # a scale of exactly 8.0: every format holds it
        return w.T if columns else w

    zeros = matrix(2, 6)
    (zeros.T if columns else zeros)[1, :3] = 0
    return (
        Part("full groups", 3, ((matrix(3, 8), 4), (matrix(2, 9), 3))),
        Part("a shorter last group", 3, ((matrix(3, 7), 3), (matrix(2, 11), 4))),
        Part("groups of zeros", 1, ((zeros, 3), (zeros, 2))),
        Part("other sizes, and w as it was", 1, ((matrix(2, 5), 1), (matrix(2, 5), 8)), calls=2),
    )


def _group_mistakes(right: _Groups, bits: int) -> list[Misconception]:
    largest = 2 ** (bits - 1) - 1
    stored, divisor = "Look again at how s is stored.", f"Divide by {say(right.divisor)}."
    size_, cut = "Take the absolute values first.", "How many groups has a row of 7 with a size of 3?"

    def tail_dropped(w: Tensor, size: int) -> Tensor:
        rows = w.T if right.columns else w
        whole = rows[:, : rows.shape[1] // size * size]
        return right(whole.T if right.columns else whole, size)

    def quantlibs(w: Tensor, size: int) -> Tensor:
        rows = quantlib.to_groups(w.T if right.columns else w, size)
        s = quantlib.choose_qparams(rows, bits, symmetric=True, axis=(0, 1)).scale.squeeze(2)
        return _stored_scales(s.T if right.columns else s, right.how)

    def in_place(w: Tensor, size: int) -> Tensor:
        found = right(w, size)
        w.mul_(2)
        return found

    found = [
        mistake("the wrong axis", "The groups run along the other axis.", cut, right.but(columns=not right.columns)),
        mistake("the shorter group is left out", "Its weights have no scale.", cut, tail_dropped),
        mistake("max for max|w|", "Large negative weights clip.", size_, right.but(pick=lambda g: g.amax(dim=2))),
        mistake("|max| for max|w|", "The size comes too late.", size_, right.but(pick=lambda g: g.amax(dim=2).abs())),
        mistake("mean for max", "Large weights clip.", size_, right.but(pick=lambda g: g.abs().mean(dim=2))),
        mistake(
            "one scale a row" if not right.columns else "one scale a column",
            "Each group has its own.",
            cut,
            right.but(pick=lambda g: g.abs().amax(dim=(1, 2))[:, None].expand(g.shape[:2])),
        ),
        mistake("quantlib's own function", f"It divides by {largest}.", divisor, quantlibs),
        mistake("an unsigned divisor", "Half of the codes are negative.", divisor, right.but(divisor=2**bits - 1)),
        mistake("127 for the divisor", "That is for 8 bits.", divisor, right.but(divisor=127)),
        mistake("groups of zeros get 0", "Nothing can be divided by 0.", "Use 1.0 there.", _zeros(right)),
        mistake("not stored", "These are the exact scales.", stored, right.but(how="float")),
        mistake("w is changed in place", "The caller's matrix is overwritten.", "Do not write into w.", in_place),
    ]
    for how, words in (
        ("nearest", "fp16, to nearest"),
        ("up", "fp16, rounded up"),
        ("power", "a power of two"),
        ("nearest power", "the nearest power of two"),
    ):
        if how != right.how:
            found.append(mistake(words, "That is another way to store s.", stored, right.but(how=how)))
    return found


def _zeros(right: _Groups) -> Callable[[Tensor, int], Tensor]:
    def wrong(w: Tensor, size: int) -> Tensor:
        return torch.where(right.but(how="float", empty=-1.0)(w, size) < 0, 0.0, right(w, size).double()).to(
            right(w, size).dtype
        )

    return wrong


# --- 4. chance


def chance(name: str, draw: Random) -> Write:
    """Rounding from given draws, by another rule than that of notebook 08."""
    return draw.choice((_up_where_large, _size_first, _ties_only))(name, draw)


def _chance(name: str, text: str, body: str, example: str, **rest: Any) -> Write:
    source = function("my_round(v, u)", "Return the integers that v becomes by the draws u, as float32.", body)
    return Write(name, "Round by chance", text, source, name="my_round", example=f"assert {example}", **rest)


_DRAWS = """
`v` and `u` have one shape; each `u` is a number from 0 to below 1 that was drawn for its `v`. Return integers as
float32.
"""


def _chance_parts(draw: Random, fractions: tuple[float, ...]) -> tuple[Part, ...]:
    """Every fraction with every draw in sixteenths, for some whole numbers; sums of sixteenths are exact."""
    u = [k / 16 for k in range(16)] * len(fractions)
    f = [fraction for fraction in fractions for _ in range(16)]
    v = [draw.randint(0, 6) + fraction for fraction in f]
    whole = [float(draw.randint(-6, 6)) for _ in range(6)]
    small = [0.0, 0.25, 0.5, 0.9375, 0.0, 0.75]
    square = reals(v[5:11]).reshape(2, 3), reals(u[5:11]).reshape(2, 3)
    return (
        Part("positive numbers", 2, ((reals(v), reals(u)),)),
        Part("negative numbers", 2, ((-reals(v), reals(u)),)),
        Part("integers, other shapes, and v as it was", 1, ((reals(whole), reals(small)), square), calls=2),
    )


def _chance_mistakes(right: Any, hint: str, own: list[tuple[str, str, Any]]) -> tuple[Misconception, ...]:
    def in_place(v: Tensor, u: Tensor) -> Tensor:
        found = right(v, u)
        v += 1
        return found

    wrong = [
        ("u is not used", "That rounds to nearest, half to even.", lambda v, u: v.round()),
        ("always down", "u should decide.", lambda v, u: v.floor()),
        ("u is added, then the nearest", "That is half a code too large.", lambda v, u: torch.round(v + u)),
        ("returned as integers", "The values are right, but float32 is asked for.", lambda v, u: right(v, u).int()),
        ("v is changed in place", "The caller's tensor is overwritten.", in_place),
        *own,
    ]
    return tuple(mistake(name, says, hint, f) for name, says, f in wrong)


def _of_notebook(v: Tensor, u: Tensor) -> Tensor:
    return v.floor() + (u < v - v.floor())


def _up_where_large(name: str, draw: Random) -> Write:
    text = f"""
Stochastic rounding in which **large** draws go up: let f be the fraction of v, its distance from the integer below. v
becomes the integer above where **u is at least 1 − f**, else the integer below.
{_DRAWS}"""
    own = [
        ("up where u is small", "That is the rule of notebook 08: just as fair, but not this one.", _of_notebook),
        ("at least is not above", "u = 1 − f goes up.", lambda v, u: v.floor() + (u > 1 - (v - v.floor()))),
        ("the probabilities are swapped", "2.75 should go up often.", lambda v, u: v.floor() + (u >= v - v.floor())),
        ("a fair coin", "2.75 should go up often.", lambda v, u: v.floor() + ((u >= 0.5) & (v != v.floor()))),
        ("trunc where floor is meant", "Below 0, trunc goes up.", lambda v, u: torch.trunc(v + u)),
        (
            "the size is rounded",
            "Below 0, the integer above is nearer to 0.",
            lambda v, u: v.sign() * (v.abs() + u).floor(),
        ),
        ("always up", "Only large draws go up.", lambda v, u: v.ceil()),
    ]
    return _chance(
        name,
        text,
        "return torch.floor(v + u)",
        "my_round(torch.tensor([2.75, 2.75, -2.75]), torch.tensor([0.5, 0.125, 0.5])).tolist() == [3.0, 2.0, -3.0]",
        parts=_chance_parts(draw, (draw.choice((0.25, 0.3125)), 0.5, draw.choice((0.6875, 0.75)))),
        mistakes=_chance_mistakes(lambda v, u: torch.floor(v + u), "Which draws take 2.75 to 3?", own),
    )


def _size_first(name: str, draw: Random) -> Write:
    small = draw.choice((True, False))
    rule = "u is smaller than f" if small else "u is at least 1 − f"
    text = f"""
Stochastic rounding of the **size**: |v| lies between two integers, and f is its distance from the lower one. The size
goes up where **{rule}**, else down. Then the result gets the sign of v.
{_DRAWS}"""

    def sized(goes_up: Callable[[Tensor, Tensor], Tensor]) -> Callable[[Tensor, Tensor], Tensor]:
        return lambda v, u: v.sign() * (v.abs().floor() + goes_up(v.abs() - v.abs().floor(), u))

    by_small, by_large = sized(lambda f, u: u < f), sized(lambda f, u: u >= 1 - f)
    right, other = (by_small, by_large) if small else (by_large, by_small)
    own = [
        ("the rule of notebook 08", "There, a small u takes −2.25 up to −2.", _of_notebook),
        ("v + u, and down", "floor(v + u) is just as fair, but not this rule.", lambda v, u: torch.floor(v + u)),
        ("large for small" if small else "small for large", f"The size goes up where {rule}.", other),
        ("the sign is lost", "Give the result the sign of v.", lambda v, u: right(v.abs(), u)),
        ("the limit is on the wrong side", f"It goes up where {rule}.", sized(_at_the_limit(small))),
        ("the probabilities are swapped", "2.75 should become 3 often.", sized(lambda f, u: u > f)),
        ("a fair coin", "2.75 should become 3 often.", sized(lambda f, u: (u < 0.5) & (f > 0))),
        ("always away from 0", "u should decide.", sized(lambda f, u: f > 0)),
    ]
    up = "(u < size - low)" if small else "(u >= 1 - (size - low))"
    draws_ = [0.125, 0.125, 0.875]
    shown = right(reals([2.25, -2.25, -2.25]), reals(draws_)).tolist()
    return _chance(
        name,
        text,
        f"size = v.abs()\nlow = size.floor()\nreturn v.sign() * (low + {up})",
        f"my_round(torch.tensor([2.25, -2.25, -2.25]), torch.tensor({draws_})).tolist() == {shown}",
        parts=_chance_parts(draw, (draw.choice((0.25, 0.3125)), 0.5, draw.choice((0.6875, 0.75)))),
        mistakes=_chance_mistakes(right, "Take |v|, round it, and give it the sign of v.", own),
    )


def _at_the_limit(small: bool) -> Callable[[Tensor, Tensor], Tensor]:
    """The rule but for a draw that is exactly at the limit."""
    return (lambda f, u: u <= f) if small else (lambda f, u: u > 1 - f)


def _ties_only(name: str, draw: Random) -> Write:
    c, away = draw.choice((0.25, 0.5, 0.75)), draw.choice((True, False))
    goes, else_ = ("away from 0", "towards 0") if away else ("up", "down")
    text = f"""
Rounding to nearest in which **only a tie is left to chance**: a number half-way between two integers goes {goes}
where u is smaller than {say(c)}, else {else_}. Every other number becomes the nearest integer, whatever its u.
{_DRAWS}"""

    def tie(rule: Callable[[Tensor], Tensor], away: bool = away) -> Callable[[Tensor, Tensor], Tensor]:
        def rounded(v: Tensor, u: Tensor) -> Tensor:
            near, step = (v.trunc(), v.sign()) if away else (v.floor(), torch.ones_like(v))
            return torch.where(v - v.floor() == 0.5, near + step * rule(u), v.round())

        return rounded

    right = tie(lambda u: u < c)
    own = [
        ("chance for all numbers", "Only a tie is left to chance.", _of_notebook),
        ("a coin for all numbers", "Only a tie is left to chance.", lambda v, u: v.floor() + (u < c)),
        (f"{goes} where u is large", f"A small u goes {goes}.", tie(lambda u: u >= c)),
        ("smaller is not equal", f"u = {say(c)} goes {else_}.", tie(lambda u: u <= c)),
        (f"a tie goes {goes}", "u should decide.", tie(lambda u: torch.ones_like(u))),
        (f"a tie goes {else_}", "u should decide.", tie(lambda u: torch.zeros_like(u))),
        (
            "up for away from 0" if away else "away from 0 for up",
            "Up is towards 0 for a negative number.",
            tie(lambda u: u < c, not away),
        ),
        ("another limit", f"The limit is {say(c)}.", tie(lambda u: u < (0.25 if c == 0.5 else 0.5))),
    ]
    low = "low, step = v.trunc(), v.sign()" if away else "low, step = v.floor(), 1"
    v, u = [2.5, -2.5, 2.625], [0.125, 0.125, 0.875]
    return _chance(
        name,
        text,
        f"{low}\nreturn torch.where((v - low).abs() == 0.5, low + step * (u < {c}), v.round())",
        f"my_round(torch.tensor({v}), torch.tensor({u})).tolist() == {right(reals(v), reals(u)).tolist()}",
        parts=_chance_parts(draw, (draw.choice((0.25, 0.4375)), 0.5, draw.choice((0.5625, 0.75)))),
        mistakes=_chance_mistakes(right, "Find the ties first. All others do not need u.", own),
    )


# --- 5. predict


def predict(name: str, draw: Random) -> Values:
    rows, bits, scale_bits = draw.choice((48, 64, 96)), draw.choice((3, 4, 5)), draw.choice((8, 16, 32))
    size = draw.choice((16, 32))
    length = size * draw.choice((5, 6, 7)) + draw.choice((4, 6, 10))
    whole, a_row = length // size, -(-length // size)
    with_zero = draw.choice((0, bits))
    each = scale_bits + with_zero
    zero = f" and a zero point of {bits} bits" if with_zero else ""
    beside = "a scale and a zero point take" if with_zero else "a scale takes"
    text = f"""
A matrix has {rows} rows of {length} weights. Each weight gets a code of {bits} bits. Each group of {size} neighbours
in a row has a scale of {scale_bits} bits{zero}; the last group of a row is shorter. Hand in numbers, two decimals
are enough:

- `scale_count`: how many scales there are;
- `bits_each`: how many bits a weight takes, {"scales and zero points" if with_zero else "scales"} included;
- `even_size`: for how large a group {beside} exactly one bit per weight, if no group is shorter;
- `gain`: by how many decibels the SQNR grows from {bits} to {bits + 1} bits, if the codes of {bits} bits reach from
  {say(1 - 2 ** (bits - 1))} to {say(2 ** (bits - 1) - 1)}, those of {bits + 1} bits from {say(1 - 2**bits)} to
  {say(2**bits - 1)}, the range stays as it is, nothing clips, and the MSE is s²/12.
"""
    steps = 2 ** (bits - 1) - 1, 2**bits - 1
    right = {
        "scale_count": rows * a_row,
        "bits_each": bits + each * a_row / length,
        "even_size": each,
        "gain": 20 * math.log10(steps[1] / steps[0]),
    }
    mistakes = {
        "scale_count": told(
            right["scale_count"],
            the_shorter_group_is_left_out=rows * whole,
            one_scale_a_row=rows,
            groups_in_one_row=a_row,
            groups_run_across_rows=-(-rows * length // size),
        ),
        "bits_each": told(
            right["bits_each"],
            the_shorter_group_is_left_out=bits + each * whole / length,
            as_if_no_group_were_shorter=bits + each / size,
            the_scales_are_forgotten=bits,
            the_zero_point_is_forgotten=bits + scale_bits * a_row / length,
            padding_is_stored_too=(bits * size + each) * a_row / length,
        ),
        "even_size": told(right["even_size"], the_zero_point_is_forgotten=scale_bits, the_code_is_counted=each + bits),
        "gain": told(
            right["gain"],
            six_decibels_a_bit=20 * math.log10(2),
            ten_for_amplitudes=10 * math.log10(steps[1] / steps[0]),
            the_full_grid=20 * math.log10((2 ** (bits + 1) - 1) / (2**bits - 1)),
        ),
    }
    points = {"scale_count": 2, "bits_each": 2, "even_size": 1, "gain": 1}
    pairs = {key: (value, points[key]) for key, value in right.items()}
    return Values(name, "Predict the price", text, values(right), right=pairs, mistakes=mistakes, within=0.01)


# --- 6. break it

_WRONG_SCALES = {
    "max": ("s = x.max() / {top}", "no number is positive", "x.max() > 0", "at least one of them positive"),
    "min": ("s = -x.min() / {top}", "no number is negative", "x.min() < 0", "at least one of them negative"),
    "range": (
        "s = (x.max() - x.min()) / {steps}",
        "all numbers are equal",
        "x.max() > x.min()",
        "and not all of them equal",
    ),
}


def break_it(name: str, draw: Random) -> Break:
    """An input on which a scale is far too small."""
    kind, bits, count = draw.choice(tuple(_WRONG_SCALES)), draw.choice((4, 5)), draw.choice((3, 4, 5))
    limit = draw.choice((0.8, 0.85, 0.9))
    top, steps = 2 ** (bits - 1) - 1, 2**bits - 1
    scale, refusal, condition, words = _WRONG_SCALES[kind]
    given = f"""
def theirs(x):
    {scale.format(top=top, steps=steps)}
    q = torch.round(x / s).clamp(-{top}, {top})
    return s * q
"""
    check = f"""
def problem(x):
    def theirs(x):
        {scale.format(top=top, steps=steps)}
        q = torch.round(x / s).clamp(-{top}, {top})
        return s * q

    if type(x) is not torch.Tensor or x.dtype != torch.float32 or x.shape != ({count},):
        return "it is not a float32 tensor of {count} numbers"
    if not bool((x.abs() <= 1).all()):
        return "not every number is from -1 to 1"
    if not bool({condition}):
        return "{refusal}"
    return "" if (x - theirs(x)).abs().max().item() > {limit} else "no error is larger than {limit}"
"""
    text = f"""
`theirs` should bring numbers to symmetric codes of {bits} bits and back, so that nothing clips. The right scale is
max|x|/{top}, and with it no number from −1 to 1 has an error above 1/{2 * top}. But there is a mistake in the
scale.

Hand in `breaks`: a float32 tensor of {count} numbers from −1 to 1, {words}, for which one error of `theirs` is **larger
than {say(limit)}**.
"""
    answers = {"max": [-1.0] + [0.01] * (count - 1), "min": [1.0] + [-0.01] * (count - 1)}
    answer = answers.get(kind, [1.0] * (count - 1) + [0.95])
    cell = values({"breaks": None}, given).replace("breaks = None", f"breaks = torch.tensor({answer})")
    return Break(name, "Break it", text, cell, name="breaks", judge=judge(check), worth=4, check=check.strip())


# --- 7. axis


def axis(name: str, draw: Random) -> Values:
    rows, size, count = draw.choice((6, 7, 9)), draw.choice((8, 10)), draw.choice((4, 5))
    length = size * count
    lines = [
        f"groups = w.reshape({rows}, {count}, {size})",
        "sizes = groups.abs()",
        "largest = sizes.amax(dim=2)",
        "s = largest / 7",
    ]
    bugs = (  # line, text, scales made, weights that share one
        (1, f"groups = w.reshape({rows}, {size}, {count})", rows * size, count),
        (1, f"groups = w.T.reshape({length}, 1, {rows})", length, rows),
        (3, "largest = sizes.amax(dim=1)", rows * size, count),
        (3, "largest = sizes.amax(dim=0)", length, rows),
        (3, "largest = sizes.amax(dim=(1, 2))", rows, length),
    )
    where, bug, made, sharing = draw.choice(bugs)
    wrong = [bug if k == where else line for k, line in enumerate(lines, start=1)]
    body = "\n".join(f"    {line}  # line {k}" for k, line in enumerate(wrong, start=1))
    given = f"def scales_of_groups(w):\n{body}\n    return s.half()"
    text = f"""
`w` has the shape ({rows}, {length}). `scales_of_groups` should give each group of {size} neighbours in a row a scale
of its own, with 4-bit codes up to 7. **One line is wrong.** The comments count the lines.

Hand in

- `axis_line`: the number of the wrong line;
- `scales_made`: how many scales the function makes as it is;
- `scales_wanted`: how many it should make;
- `sharing`: how many weights share a scale as it is.
"""
    right = {"axis_line": where, "scales_made": made, "scales_wanted": rows * count, "sharing": sharing}
    mistakes = {
        "scales_made": told(made, the_number_it_should_make=rows * count),
        "scales_wanted": told(rows * count, the_number_it_makes=made, one_scale_a_row=rows, one_a_weight=rows * length),
        "sharing": told(sharing, the_size_it_should_be=size),
    }
    points = {key: (value, 1) for key, value in right.items()}
    return Values(name, "Find the wrong axis", text, values(right, given), right=points, mistakes=mistakes)


# --- 8. explain


# On the rows of the picture, 3 and 4 bits in groups of 4 and 8 are beaten by one more bit in groups twice as large.
UNBEATEN = (16, 32)


def explain(name: str, draw: Random) -> Explain:
    size, bits = draw.choice((4, 8, 16, 32)), draw.choice((3, 4))
    cost = bits + 16 / size
    text = f"""
The picture shows, for 40 rows of the weights of a layer, what SQNR they have over what they cost: each point is a
pair of bits and a group size, with one fp16 scale a group. The marked point has {bits} bits and groups of {size}.
Explain in at most 150 words:

1. What does a ◆ mean, and is the marked point one? Say why, or why not.
2. Along the points of {bits} bits, smaller groups bring more SQNR. Why, and why is each further halving a worse
   bargain?
3. These rows have one weight that is far larger than all others. Which points would profit most if it were absent?
"""
    picture = (
        "from quantlib.data import load_weight\nfrom quantlib.lessons.granularity import draw_groups\n\n"
        f'draw_groups(load_weight("ffn_down")[80:120], {size}, {bits})'
    )
    beaten = (
        "none of the points that cost no more has as much SQNR, so it is one"
        if size in UNBEATEN
        else f"{bits + 1} bits in groups of {2 * size} cost no more and have more SQNR, so it is none"
    )
    model = f"""
1. A ◆ is beaten by no other point: none has more SQNR for as few bits. The marked point costs {cost:g} bits per weight;
   {beaten}.
2. In a smaller group the largest |w| is smaller, or is shared by fewer weights, so the steps are finer. But each
   halving doubles the bits for the scales, 16/size per weight, and the SQNR grows much more slowly than that.
3. Those of the largest groups, and the one scale for all: there the outlier sets the step for the most other
   weights. In small groups it spoils only its few neighbours.
"""
    rubric = (
        (f"a ◆ is beaten by no other at its cost or less; the point is {'one' if size in UNBEATEN else 'none'}", 2),
        ("a smaller largest |w| gives finer steps; the cost of the scales doubles, and the gain does not", 2),
        ("the coarsest granularity profits most, because the outlier sets the step of all who share its scale", 2),
    )
    return Explain(name, "Explain the picture", text, written(model), rubric=rubric, picture=picture)
