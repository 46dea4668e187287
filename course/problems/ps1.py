"""Problem set 1, on Part I: the formula and its way back, clamping, wrapping, and measures of the error."""

import math
from random import Random
from typing import Any

import torch
from torch import Tensor

import quantlib
from quantlib.lab.misconception import Misconception

from .questions import Break, Explain, Part, ProblemSet, Values, Write
from .variants import HOW, ROUNDINGS, draws, function, judge, mistake, near, reals, say, stored, told, values, written

INTRO = f"""
You need notebooks 01 to 04. {HOW}

Unless a question says otherwise: leave the arguments as they are, take tensors of any shape, also an empty one, and
return a new tensor of the same shape.
"""


def problem_set(seed: int) -> ProblemSet:
    asked = (store, restore, predict, turn, break_it, find_it, measure, explain)
    questions = tuple(ask(f"ps1_q{k}", draws(seed, f"ps1_q{k}")) for k, ask in enumerate(asked, start=1))
    return ProblemSet("ps1", "Problem set 1 · The ruler and its error", INTRO, questions)


# --- 1. store


def store(name: str, draw: Random) -> Write:
    """A quantizer with another rule for ties, on another grid."""
    rounding, bits, narrow = draw.choice(ROUNDINGS), draw.choice((5, 6, 7)), draw.choice((True, False))
    z_first = draw.choice((True, False))
    low, high = -(2 ** (bits - 1)) + narrow, 2 ** (bits - 1) - 1
    order = "Divide x by s, add z, then round" if z_first else "Divide x by s, round, then add z"
    text = f"""
Write a quantizer for {bits} bits. Its codes reach from {say(low)} to {say(high)}: the grid is
{"narrow" if narrow else "full"}.

- {order}. z is an integer.
- Round to the nearest integer. **A tie goes {rounding.words}.**
- A code beyond the grid is clamped to its end.

`x` is a float32 tensor, `s` and `z` are numbers. Return the codes as int8.
"""
    v = "v = x / s + z" if z_first else "v = x / s"
    codes = rounding.code if z_first else f"{rounding.code} + z"
    body = f"{v}\nreturn torch.clamp({codes}, {low}, {high}).to(torch.int8)"
    says = f"Return the codes of x from {low} to {high}, as int8; a tie goes {rounding.name.removeprefix('half ')}."
    s, z = draw.choice((0.25, 0.5, 2.0)), draw.choice((3, 5)) * draw.choice((-1, 1))
    rule = _Store(rounding, z_first, low, high)
    shown = near([3.25, -1.75, 4.5, -4.5, high + 9], s, z)
    example = f"assert my_store(torch.tensor({shown.tolist()}), {s}, {z}).tolist() == {rule(shown, s, z).tolist()}"
    mistakes = tuple(_store_mistakes(rule))
    parts = _store_parts(draw, s, z, low, high)
    return Write(
        name,
        "Write a quantizer",
        text,
        function("my_store(x, s, z)", says, body),
        name="my_store",
        example=example,
        parts=parts,
        mistakes=mistakes,
    )


class _Store:
    """A quantizer in one order of steps, with one rule for ties, on one grid."""

    def __init__(self, rounding: Any, z_first: bool, low: int, high: int) -> None:
        self.rounding, self.z_first, self.low, self.high = rounding, z_first, low, high

    def unclamped(self, x: Tensor, s: float, z: float) -> Tensor:
        return self.rounding(x / s + z) if self.z_first else self.rounding(x / s) + z

    def __call__(self, x: Tensor, s: float, z: float) -> Tensor:
        return self.unclamped(x, s, z).clamp(self.low, self.high).to(torch.int8)

    def but(self, **changed: Any) -> "_Store":
        return _Store(**(vars(self) | changed))


def _store_parts(draw: Random, s: float, z: int, low: int, high: int) -> tuple[Part, ...]:
    inside = [k + draw.choice((-0.375, -0.25, 0.25, 0.375)) for k in range(-8, 9, 2)]
    other = draw.choice((0.3, 0.7)), -z + draw.choice((-1, 1))
    ties = [k + 0.5 for k in range(-8, 8)]
    ends = [low - 2, low - 1, low - 0.75, low, low + 1, high - 1, high, high + 0.75, high + 1, high + 2]
    beyond = torch.cat([near(ends, s, z), reals([1e6, -1e6, 300.0 * s, -300.0 * s])])
    square = near(inside[:4], s, z).reshape(2, 2)
    return (
        Part("values inside the grid", 3, ((near(inside, s, z), s, z), (near(inside, *other), *other))),
        Part("ties", 3, ((near(ties, s, z), s, z), (near(ties, 2 * s, -z), 2 * s, -z), (near(ties, s), s, 0))),
        Part("values beyond the grid", 2, ((beyond, s, z), (-beyond, s, -z))),
        Part("other shapes, and x as it was", 2, ((square, s, z), (reals([]), s, z), (square[0, 0], s, z)), calls=2),
    )


def _store_mistakes(right: _Store) -> list[Misconception]:
    low, high = right.low, right.high
    bits = (high + 1).bit_length()
    ties, order = "Look again at what a tie does.", "Follow the order of the steps in the text."
    grid = f"The codes reach from {say(low)} to {say(high)}."

    def even(x: Tensor, s: float, z: float) -> Tensor:
        return right.but(rounding=torch.round)(x, s, z)

    def quantlibs(x: Tensor, s: float, z: int) -> Tensor:
        return quantlib.quantize(x, s, z, low, high)

    def in_place(x: Tensor, s: float, z: int) -> Tensor:
        codes = right(x, s, z)
        x /= s
        return codes

    def clamped_early(x: Tensor, s: float, z: int) -> Tensor:
        return stored(right.unclamped(x, s, 0).clamp(low, high) + z)

    found = [
        mistake("half to even", "torch.round and quantlib.quantize take a tie to the even integer.", ties, even),
        *(
            mistake(other.name, f"A tie goes {other.words} here.", ties, right.but(rounding=other))
            for other in ROUNDINGS
            if other is not right.rounding
        ),
        mistake("truncation", "The fraction is dropped.", "Round to nearest.", right.but(rounding=torch.trunc)),
        mistake("floor", "Floor always goes down.", "Round to nearest.", right.but(rounding=torch.floor)),
        mistake(
            "no clamp before the cast",
            "A code that does not fit into int8 wraps around, and others stay beyond the grid.",
            grid,
            lambda x, s, z: stored(right.unclamped(x, s, z)),
        ),
        mistake("the grid of int8", "It has 8 bits.", grid, right.but(low=-128, high=127)),
        mistake(
            "full for narrow" if -low == high else "narrow for full",
            "The lowest code is another one.",
            grid,
            right.but(low=-high - (-low == high)),
        ),
        mistake(
            "an unsigned grid",
            f"It has the codes from 0 to {2**bits - 1}.",
            grid,
            right.but(low=0, high=2**bits - 1),
        ),
        mistake("only the upper end is clamped", "A code below the grid stays.", grid, right.but(low=-128)),
        mistake("only the lower end is clamped", "A code above the grid stays.", grid, right.but(high=127)),
        mistake("clamp before adding z", "The shift moves codes off the grid again.", order, clamped_early),
        mistake("z is forgotten", "0.0 should get the code z.", order, lambda x, s, z: right(x, s, 0)),
        mistake("z subtracted", "0.0 should get the code z.", order, lambda x, s, z: right(x, s, -z)),
        mistake("multiplied by s", "s is real units per step.", order, lambda x, s, z: right(x * s * s, s, z)),
        mistake("z added before dividing", "z counts steps.", order, lambda x, s, z: right(x + z, s, 0)),
        mistake(
            "not cast to int8",
            "The codes are right, but they are floats.",
            "End with .to(torch.int8).",
            lambda x, s, z: right(x, s, z).float(),
        ),
        mistake("x is changed in place", "The caller's tensor is overwritten.", "Make a new tensor: x / s.", in_place),
    ]
    if right.rounding.name in ("half away from zero", "half towards zero"):
        found.append(
            mistake(
                "z at the wrong time",
                "Before and after z is added, a tie can lie on different sides of 0.",
                order,
                right.but(z_first=not right.z_first),
            )
        )
    if bits < 7:
        wider = right.but(low=2 * low, high=2 * high + 1)
        found.append(mistake("one bit more", "The grid is twice as wide.", grid, wider))
    plain = "It has the grid of int8, and takes a tie to the even integer."
    found.append(
        mistake("quantlib's own function, on its own grid", plain, grid, lambda *case: quantlib.quantize(*case))
    )
    if not right.z_first:
        says = "quantlib.quantize adds z before it rounds, half to even."
        found.append(mistake("quantlib's own function", says, order, quantlibs))
    return found


# --- 2. restore


def restore(name: str, draw: Random) -> Write:
    """A way back under another convention."""
    return draw.choice((_from_minimum, _from_offset, _from_steps))(name, draw)


_FLOAT = "Return the reals as float32."


def _restore(name: str, text: str, signature: str, says: str, body: str, example: str, **rest: Any) -> Write:
    source = function(signature, says, body)
    return Write(name, "Write the way back", text, source, name="my_restore", example=example, **rest)


def _codes(values: Any, dtype: torch.dtype = torch.uint8) -> Tensor:
    return torch.tensor(values, dtype=dtype)


def _restore_parts(
    draw: Random, low: int, top: int, dtype: torch.dtype, *settings: tuple[float, float]
) -> tuple[Part, ...]:
    inside = _codes([draw.randint(low + 3, top - 3) for _ in range(7)], dtype)
    ends = _codes([low, low + 1, top - 1, top], dtype)
    shapes = (inside[:6].reshape(3, 2), *settings[0]), (inside[:0].reshape(0, 2), *settings[0])
    return (
        Part("codes inside the grid", 3, tuple((inside, *setting) for setting in settings)),
        Part("both ends of the grid", 2, tuple((ends, *setting) for setting in settings)),
        Part("other shapes, and the codes as they were", 1, shapes, calls=2),
    )


def _from_minimum(name: str, draw: Random) -> Write:
    bits, signed = draw.choice((4, 5, 6)), draw.choice((True, False))
    low = -(2 ** (bits - 1)) if signed else 0
    top, dtype = low + 2**bits - 1, torch.int8 if signed else torch.uint8
    s, m = draw.choice((0.25, 0.5, 1.5)), draw.choice((-2.75, -1.3, 4.2))
    text = f"""
Some formats store no zero point, but the real number **m** that the lowest code stands for. One step is worth s:

$$r = m + s\\,{f"(q + {-low})" if signed else "q"}$$

`q` holds {bits}-bit codes from {say(low)} to {top} as {"int8" if signed else "uint8"}; `s` and `m` are floats. {_FLOAT}
"""
    wrong = [
        ("m for a zero point", "quantlib.dequantize subtracts it from the code.", lambda q, s, m: s * (q - low - m)),
        ("m added before multiplying", "m is in real units, not in codes.", lambda q, s, m: s * (q - low + m)),
        ("m subtracted", "m is what the lowest code stands for.", lambda q, s, m: s * (q - low) - m),
        ("m is forgotten", "The lowest code then stands for 0.0.", lambda q, s, m: s * (q - low)),
        ("m rounded to an integer", "m is a real number.", lambda q, s, m: s * (q - low) + round(m)),
        ("divided by s", "s is real units per step.", lambda q, s, m: (q - low) / s + m),
        (
            "codes counted from 0" if signed else "codes counted from the middle",
            "m stands for the lowest code.",
            lambda q, s, m: m + s * (q.float() - (0 if signed else 2 ** (bits - 1))),
        ),
        ("double for float", "The result should be float32.", lambda q, s, m: m + s * (q.double() - low)),
    ]
    shown = [low, low + 2]
    return _restore(
        name,
        text,
        "my_restore(q, s, m)",
        "Return the reals that the codes q stand for, as float32.",
        f"return m + s * (q.float() + {-low})" if signed else "return m + s * q.float()",
        f"assert my_restore(torch.tensor({shown}, dtype={dtype}), {s}, 8.0).tolist() == {[8.0, 8.0 + 2 * s]}",
        parts=_restore_parts(draw, low, top, dtype, (s, m), (0.3, -m)),
        mistakes=tuple(mistake(n, says, "Put the two lowest codes into the equation.", f) for n, says, f in wrong),
    )


def _from_offset(name: str, draw: Random) -> Write:
    bits = draw.choice((5, 6, 7))
    half, top = 2 ** (bits - 1), 2**bits - 1
    s, z = draw.choice((0.25, 0.5, 1.5)), draw.choice((3, 5, 7)) * draw.choice((-1, 1))
    text = f"""
Codes of {bits} bits from {say(-half)} to {say(half - 1)} are stored **with an offset of {half}**, so that none is
negative: the code {say(-half)} is stored as 0, the code 0 as {half}. The code itself is read by the usual formula,
r = s (q − z).

`u` holds the stored numbers, as uint8; `s` and `z` are numbers. {_FLOAT}
"""

    def in_uint8(u: Tensor, s: float, z: int) -> Tensor:
        return s * torch.remainder(u.long() - half - z, 256).float()

    wrong = [
        ("quantlib's own function", "It knows of no offset.", quantlib.dequantize),
        ("the difference in uint8", "It wraps around: 3 − 16 becomes 243.", in_uint8),
        ("the offset is added", "It was added when u was stored.", lambda u, s, z: s * (u.float() + half - z)),
        ("an offset too small by one", "Look at what 0 is stored as.", lambda u, s, z: s * (u.float() - half + 1 - z)),
        ("the offset of 8 bits", "It depends on the bits.", lambda u, s, z: s * (u.float() - 128 - z)),
        ("z is forgotten", "The code z should come back as 0.0.", lambda u, s, z: s * (u.float() - half)),
        ("z added", "The code z should come back as 0.0.", lambda u, s, z: s * (u.float() - half + z)),
        ("s q − z", "z is taken from the code.", lambda u, s, z: s * (u.float() - half) - z),
        ("divided by s", "s is real units per step.", lambda u, s, z: (u.float() - half - z) / s),
        ("double for float", "The result should be float32.", lambda u, s, z: s * (u.double() - half - z)),
    ]
    hint = "First turn u into floats, then into the code, then into reals."
    shown = [0, half, top]
    return _restore(
        name,
        text,
        "my_restore(u, s, z)",
        "Return the reals that the stored numbers u stand for, as float32.",
        f"return s * (u.float() - {half} - z)",
        f"assert my_restore(torch.tensor({shown}, dtype=torch.uint8), {s}, {z}).tolist() == "
        f"{[s * (u - half - z) for u in shown]}",
        parts=_restore_parts(draw, 0, top, torch.uint8, (s, z), (0.3, -z), (s, 0)),
        mistakes=tuple(mistake(n, says, hint, f) for n, says, f in wrong),
    )


def _from_steps(name: str, draw: Random) -> Write:
    """Steps per real unit; or, as a power of two, the number of bits behind the point."""
    power, z = draw.choice((True, False)), draw.choice((21, 33, 47)) * draw.choice((-1, 1))
    n = draw.choice((2, 3, 4)) if power else draw.choice((4, 8, 16))
    letter = "f" if power else "n"
    rule = (
        f"""
In fixed-point arithmetic a number has **f bits behind the point**: one step is worth $2^{{-f}}$. With f = {n}, two
neighbouring codes are 1/{2**n} apart. Here there is a zero point, too: z is the code that means 0.0."""
        if power
        else f"""
Some programs store not the scale, but its reciprocal: **n steps make one real unit**. With n = {n}, two neighbouring
codes are 1/{n} apart. The zero point z is the code that means 0.0, as usual."""
    )
    text = f"{rule}\n\n`q` holds int8 codes, from −128 to 127; `{letter}` and `z` are integers. {_FLOAT}\n"

    def of(n: int) -> int:
        return 2**n if power else n

    wrong = [
        ("quantlib's own function", "It takes real units per step.", quantlib.dequantize),
        ("the difference in int8", "It wraps around.", lambda q, n, z: stored(q.long() - z).float() / of(n)),
        ("a quotient of integers", "// cuts the fraction off.", lambda q, n, z: ((q.long() - z) // of(n)).float()),
        ("z is forgotten", "The code z should come back as 0.0.", lambda q, n, z: q.float() / of(n)),
        ("z added", "The code z should come back as 0.0.", lambda q, n, z: (q.float() + z) / of(n)),
        ("z subtracted last", "z is a code: take it away first.", lambda q, n, z: q.float() / of(n) - z),
        ("double for float", "The result should be float32.", lambda q, n, z: (q.double() - z) / of(n)),
    ]
    if power:
        wrong.append(("f for 2^f", "f counts bits.", lambda q, n, z: (q.float() - z) / n))
        wrong.append(("multiplied", "A step is smaller than 1.", lambda q, n, z: (q.float() - z) * 2**n))
    else:  # multiplied by n is what quantlib's own function does
        wrong.append(("n − 1 steps", "n steps make one unit.", lambda q, n, z: (q.float() - z) / (n - 1)))
    hint = "How many steps is q away from z, and what is one step worth?"
    shown = [z, 100]
    return _restore(
        name,
        text,
        f"my_restore(q, {letter}, z)",
        "Return the reals that the codes q stand for, as float32.",
        "return (q.float() - z) / 2**f" if power else "return (q.float() - z) / n",
        f"assert my_restore(torch.tensor({shown}, dtype=torch.int8), {n}, {z}).tolist() == "
        f"{[(q - z) / of(n) for q in shown]}",
        parts=_restore_parts(draw, -128, 127, torch.int8, (n, z), (5, -z), (n, -z)),
        mistakes=tuple(mistake(m, says, hint, f) for m, says, f in wrong),
    )


# --- 3. predict


def predict(name: str, draw: Random) -> Values:
    bits, s, z = draw.choice((5, 6, 7)), draw.choice((0.25, 0.5, 1.5, 2.5)), draw.choice((-9, -6, -3, 4, 7, 8))
    low, high = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    code = draw.randint(-5, 5)
    x, far = s * (code - z + draw.choice((-0.3, 0.3))), s * (high - z) + draw.choice((7.0, 11.0))
    extra = draw.randint(3, 9)
    asked = high + extra
    text = f"""
A ruler has the codes of {bits} bits from {say(low)} to {say(high)}, the scale s = {say(s)} and the zero point
z = {say(z)}; r = s (q − z). Work these out without a program, and hand in numbers:

- `largest`: the largest real number that a code stands for;
- `smallest`: the smallest one;
- `back`: what {say(x)} comes back as;
- `worst`: the largest |x − x_hat| that rounding alone can cause, for a real number between `smallest` and `largest`;
- `lost`: the error x − x_hat of x = {say(far)}, which is clamped;
- `wrapped`: the code that is stored for x = {say(s * (asked - z))} if nothing clamps it, and only the lowest
  {bits} bits of the code are kept.
"""
    right = {
        "largest": s * (high - z),
        "smallest": s * (low - z),
        "back": s * (code - z),
        "worst": s / 2,
        "lost": far - s * (high - z),
        "wrapped": asked - 2**bits,
    }
    mistakes = {
        "largest": told(
            right["largest"], z_is_forgotten=s * high, z_is_added=s * (high + z), one_code_more=s * (high + 1 - z)
        ),
        "smallest": told(
            right["smallest"], z_is_forgotten=s * low, z_is_added=s * (low + z), the_narrow_grid=s * (low + 1 - z)
        ),
        "back": told(right["back"], the_code_for_the_real=code, z_is_forgotten=s * code, no_rounding=x),
        "worst": told(right["worst"], a_whole_step=s, in_codes=0.5),
        "lost": told(right["lost"], the_sign_is_reversed=-right["lost"], only_half_a_step=s / 2),
        "wrapped": told(right["wrapped"], clamped=high, one_too_far=right["wrapped"] - 1, in_8_bits=asked),
    }
    points = {key: (value, 1) for key, value in right.items()}
    return Values(name, "Predict", text, values(right), right=points, mistakes=mistakes)


# --- 4. turn


def turn(name: str, draw: Random) -> Write:
    """Codes in a circle or between mirrors, with a number of codes that no number of bits has."""
    low, high = -draw.choice((5, 11, 19, 23)), draw.choice((6, 14, 21, 25))
    ask = draw.choice((_circle, _mirrors))
    span = high - low
    past = [low - 1, low - 2, high + 1, high + 2, low - span, high + span]
    many = [high + 2 * span + 3, low - 2 * span - 5, high + 9 * span + 1, -10_000 - draw.randint(0, 99), 123_456]
    square = torch.tensor(past[:4]).reshape(2, 2)
    return ask(
        name,
        low,
        high,
        parts=(
            Part("codes inside the grid", 1, ((torch.arange(low, high + 1),),)),
            Part("just beyond the ends", 2, ((torch.tensor(past),),)),
            Part("many turns", 2, ((torch.tensor(many),),)),
            Part("other shapes, and v as it was", 1, ((square,), (torch.tensor([], dtype=torch.int64),)), calls=2),
        ),
    )


def _turn(name: str, low: int, high: int, text: str, body: str, shown: dict[int, int], **rest: Any) -> Write:
    says = f"Return the codes from {low} to {high} that the integers v become, as int64."
    source = function("my_turn(v)", says, body)
    example = f"assert my_turn(torch.tensor({list(shown)})).tolist() == {list(shown.values())}"
    return Write(name, "Write another overflow", text, source, name="my_turn", example=example, **rest)


def _turn_mistakes(low: int, high: int, right: Any) -> list[Misconception]:
    """What goes wrong in both."""
    count, bits = high - low + 1, math.ceil(math.log2(2 * max(high + 1, -low)))
    hint = f"Try {high + 1}, {low - 1}, and numbers that are further away."

    def in_place(v: Tensor) -> Tensor:
        result = right(v)
        v -= low
        return result

    wrong = [
        ("saturates", "That is a clamp.", lambda v: v.clamp(low, high)),
        ("only the upper end", "Below the grid, nothing happens.", lambda v: torch.where(v > high, right(v), v)),
        ("only the lower end", "Above the grid, nothing happens.", lambda v: torch.where(v < low, right(v), v)),
        ("modulo, counted from 0", "The grid does not begin at 0.", lambda v: torch.remainder(v, count)),
        (
            "quantlib's own function",
            "quantlib.wrap has a number of codes that is a power of two.",
            lambda v: quantlib.wrap(v, bits).long(),
        ),
        ("cast to int8", "The result should be int64.", lambda v: right(v).to(torch.int8)),
        ("v is changed in place", "The caller's tensor is overwritten.", in_place),
    ]
    return [mistake(n, says, hint, f) for n, says, f in wrong]


def _circle(name: str, low: int, high: int, parts: tuple[Part, ...]) -> Write:
    count = high - low + 1
    text = f"""
A counter has the {count} codes from {say(low)} to {say(high)}, in a circle: one more than {say(high)} is
{say(low)}, and one less than {say(low)} is {say(high)}. Write what becomes of any integer, without a loop.

`v` is an int64 tensor. Return int64.
"""

    def right(v: Tensor) -> Tensor:
        return torch.remainder(v - low, count) + low

    hint = f"How many steps bring you back to {low}?"

    def circle(n: int, start: int = low) -> Any:
        return lambda v: torch.remainder(v - start, n) + start

    def once(v: Tensor) -> Tensor:
        v = torch.where(v > high, v - count, v)
        return torch.where(v < low, v + count, v)

    own = [
        mistake("one code too few", "The circle closes one step too early.", hint, circle(count - 1)),
        mistake("one code too many", "The circle closes one step too late.", hint, circle(count + 1)),
        mistake("256 codes", "That is the circle of int8.", hint, circle(256, -128)),
        mistake("only one turn", "Numbers can be many turns away.", "Use a remainder.", once),
        mistake(
            "a remainder with a sign",
            "torch.fmod and C's % of a negative number are negative.",
            "Use % or torch.remainder.",
            lambda v: torch.fmod(v - low, count) + low,
        ),
    ]
    shown = {low: low, high + 1: low, high + 3: low + 2, low - 1: high}
    body = f"return (v - {low}) % {count} + {low}".replace("- -", "+ ").replace("+ -", "- ")
    mistakes = tuple(_turn_mistakes(low, high, right) + own)
    return _turn(name, low, high, text, body, shown, parts=parts, mistakes=mistakes)


def _mirrors(name: str, low: int, high: int, parts: tuple[Part, ...]) -> Write:
    span = high - low
    text = f"""
A counter has the codes from {say(low)} to {say(high)}, **between two mirrors**: after {say(high)} it counts
down, {say(high - 1)}, {say(high - 2)} and so on to {say(low)}, then up again. Below {say(low)} it is the
same: {say(low - 1)} becomes {say(low + 1)}, and {say(low - 2)} becomes {say(low + 2)}. Write what becomes of any
integer, without a loop.

`v` is an int64 tensor. Return int64.
"""

    def mirrored(period: int, top: int) -> Any:
        def turned(v: Tensor) -> Tensor:
            way = torch.remainder(v - low, period)
            return low + torch.minimum(way, top - way)

        return turned

    right = mirrored(2 * span, 2 * span)
    hint = f"After how many steps does it stand at {low} again, counting in the same direction?"

    def once(v: Tensor) -> Tensor:
        v = torch.where(v > high, 2 * high - v, v)
        return torch.where(v < low, 2 * low - v, v)

    own = [
        mistake(
            "a circle for mirrors",
            f"{high + 1} becomes {low}.",
            hint,
            lambda v: torch.remainder(v - low, span + 1) + low,
        ),
        mistake("the ends count twice", f"{high + 1} becomes {high}.", hint, mirrored(2 * span + 2, 2 * span + 1)),
        mistake("only one mirror", "Numbers can be many turns away.", "Use a remainder.", once),
        mistake(
            "a remainder with a sign",
            "torch.fmod and C's % of a negative number are negative.",
            "Use % or torch.remainder.",
            lambda v: low + torch.minimum(torch.fmod(v - low, 2 * span), 2 * span - torch.fmod(v - low, 2 * span)),
        ),
    ]
    shown = {low: low, high + 1: high - 1, high + 3: high - 3, low - 1: low + 1}
    shift = f"(v - {low})".replace("- -", "+ ")
    body = f"way = {shift} % {2 * span}\nreturn torch.minimum(way, {2 * span} - way) + {low}".replace("+ -", "- ")
    mistakes = tuple(_turn_mistakes(low, high, right) + own)
    return _turn(name, low, high, text, body, shown, parts=parts, mistakes=mistakes)


# --- 5. break it


def break_it(name: str, draw: Random) -> Break:
    """The input nearest to 0 on one side for which a function goes wrong."""
    bits, s = draw.choice((6, 7, 8)), draw.choice((0.25, 0.5, 2.0))
    low, high = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    z = draw.choice((3, 6, 9)) * draw.choice((-1, 1))
    side = draw.choice((1, -1))
    steps, end = ((high + 0.5 - z), high) if side > 0 else (-(low - 0.5 - z), low)
    below = "<" if (end - z) % 2 else "<="  # whether the tie breaks it already: round goes to the even integer
    given = f"""
def theirs(x):
    q = round(x / {s}) + {z}
    q = (q - {low}) % {2**bits} + {low}  # store it in {bits} bits
    q = max({low}, min({high}, q))
    return {s} * (q - {z})
""".replace("- -", "+ ").replace("+ -", "- ")
    ours = f"{s} * (max({low}, min({high}, round(x / {s}) + {z})) - {z})".replace("- -", "+ ").replace("+ -", "- ")
    check = f"""
def problem(x):
    {_nested(given)}

    x = x.item() if isinstance(x, torch.Tensor) and x.numel() == 1 else x
    if type(x) not in (int, float) or not abs(x) < 1e6:
        return "it is not a number"
    if x * {side} <= 0:
        return "it is not {"positive" if side > 0 else "negative"}"
    if theirs(x) == {ours}:
        return "theirs is right there"
    return "" if abs(x) {below} {s * (steps + 1)} else "a number nearer to 0 breaks it, too"
"""
    text = f"""
`theirs` should quantize a number to {bits} bits, from {say(low)} to {say(high)}, with s = {say(s)} and z = {say(z)},
and bring it back. A number beyond the grid should come back as the end of the grid. For most numbers it does all that,
but not for all.

Hand in `breaks`: a **{"positive" if side > 0 else "negative"}** number for which `theirs` goes wrong, as near to 0 as
you can get. You get the points if no {"positive" if side > 0 else "negative"} number that is nearer to 0 by {say(s)} or
more breaks `theirs`, too.
"""
    answer = side * s * (steps + 0.25)
    source = values({"breaks": answer}, given)
    return Break(name, "Break it", text, source, name="breaks", judge=judge(check), worth=4, check=check.strip())


def _nested(source: str) -> str:
    return source.strip().replace("\n", "\n    ")


# --- 6. find it


def find_it(name: str, draw: Random) -> Values:
    s, z, low, high = draw.choice((0.5, 2.0, 4.0)), draw.choice((-37, -21, 18, 34)), -128, 127
    lines = [
        f"v = x / {s}",
        f"v = torch.round(v + {z})".replace("+ -", "- "),
        f"v = v.clamp({low}, {high})",
        "q = v.to(torch.int8)",
        f"r = {s} * (q.float() - {z})".replace("- -", "+ "),
    ]
    beyond, inside = s * (high + 20.0 - z), s * (draw.choice((10.7, 30.7)) - z)
    top = s * (high - z) if z < 0 else s * (low - z)
    bugs = (
        (1, f"v = x * {s}", inside),
        (2, f"v = torch.trunc(v + {z})".replace("+ -", "- "), inside),
        (2, f"v = torch.round(v - {z})".replace("- -", "+ "), inside),
        (3, f"v = v.clamp(0, {high})", s * (-30.0 - z)),
        (3, f"v = v.clamp({-high}, {high})", s * (low - z)),
        (5, f"r = {s} * (q - {z})".replace("- -", "+ "), top),
        (5, f"r = {s} * q.float() - {z}".replace("- -", "+ "), beyond),
    )
    where, bug, x = draw.choice(bugs)
    wrong = [bug if k == where else line for k, line in enumerate(lines, start=1)]
    gives, should = (_run(chosen, x) for chosen in (wrong, lines))
    body = "\n".join(f"    {line}  # line {k}" for k, line in enumerate(wrong, start=1))
    given = f"def there_and_back(x):\n{body}\n    return r"
    text = f"""
`there_and_back` should take a float32 tensor to int8 codes and back, with s = {say(s)} and z = {say(z)}.
The grid is the full one, from −128 to 127. **One line is wrong.** The comments count the lines.

Hand in

- `bug_line`: the number of the wrong line;
- `bug_gives`: what the function returns for [{say(x)}], as a number;
- `bug_should`: what it should return.
"""
    right = {"bug_line": where, "bug_gives": gives, "bug_should": should}
    points = {"bug_line": (where, 2), "bug_gives": (gives, 1), "bug_should": (should, 1)}
    swapped = "the two are swapped"
    mistakes = {"bug_gives": {should: swapped}, "bug_should": {gives: swapped}}
    return Values(name, "Find the bug", text, values(right, given), right=points, mistakes=mistakes)


def _run(lines: list[str], x: float) -> float:
    names: dict[str, Any] = {"torch": torch, "x": reals([x])}
    exec("\n".join(lines), names)
    return float(names["r"].item())


# --- 7. measure


def measure(name: str, draw: Random) -> Write:
    """A measure of the error that quantlib does not have."""
    return draw.choice((_clipped, _share_of_worse, _energy_of_worst))(name, draw)


_NUMBER = "Return a Python float, not a tensor: `.item()` makes one."


def _measure(name: str, text: str, arguments: str, says: str, body: str, example: str, **rest: Any) -> Write:
    source = function(f"my_measure({arguments})", says, body)
    shown = f"{example}\nassert type({example.split('assert ')[1].split(' ==')[0]}) is float"
    return Write(name, "Write a measure", text, source, name="my_measure", example=shown, **rest)


def _pair(draw: Random, count: int, s: float = 0.5) -> tuple[Tensor, Tensor]:
    """Return x and x_hat of many different errors, small and large, of both signs; none is exactly a multiple of s."""
    x = [round(draw.uniform(-9, 9), 2) for _ in range(count)]
    errors = [s * (0.13 + 0.29 * k) * draw.choice((-1, 1)) for k in draw.sample(range(count), count)]
    return reals(x), reals([a - e for a, e in zip(x, errors, strict=True)])


def _clipped(name: str, draw: Random) -> Write:
    low, high = -draw.choice((3.0, 4.0)), draw.choice((2.5, 5.0))
    squares, closed = draw.choice((True, False)), draw.choice((True, False))
    norm = "root of the mean of (x − x_hat)²" if squares else "mean of |x − x_hat|"
    text = f"""
A measure for clipping alone: the **{norm} over those values of x that lie outside of [low, high]**. A value that is
equal to `low` or `high` counts **as {"outside" if closed else "inside"}**. If no value is outside, the measure is 0.0.

`x` and `x_hat` are tensors of one shape. {_NUMBER}
"""
    condition = "(x <= low) | (x >= high)" if closed else "(x < low) | (x > high)"
    body = f"""
outside = {condition}
if not outside.any():
    return 0.0
return (x - x_hat)[outside]{".square().mean().sqrt()" if squares else ".abs().mean()"}.item()
"""

    def outside(x: Tensor, low: float, high: float) -> Tensor:
        return (x <= low) | (x >= high) if closed else (x < low) | (x > high)

    def other_ends(x: Tensor, low: float, high: float) -> Tensor:
        return (x < low) | (x > high) if closed else (x <= low) | (x >= high)

    def norm_of(error: Tensor, squares: bool = squares) -> float:
        if not len(error):
            return 0.0
        return math.sqrt(error.double().square().mean().item()) if squares else error.double().abs().mean().item()

    def over(chosen: Any, measure: Any = norm_of) -> Any:
        return lambda x, x_hat, low, high: measure((x - x_hat)[chosen(x, low, high)])

    def summed(error: Tensor) -> float:
        return norm_of(error) * (math.sqrt(len(error)) if squares else len(error))

    def of_all(x: Tensor, x_hat: Tensor, low: float, high: float) -> float:
        return quantlib.rmse(x, x_hat) if squares else quantlib.l1_error(x, x_hat) / x.numel()

    def by_all(x: Tensor, x_hat: Tensor, low: float, high: float) -> float:
        return norm_of((x - x_hat).where(outside(x, low, high), 0.0).flatten())

    def of_x_hat(x: Tensor, x_hat: Tensor, low: float, high: float) -> float:
        return norm_of((x - x_hat)[outside(x_hat, low, high)])

    own = (
        ("the root is forgotten", "That is the mean square.", over(outside, lambda e: norm_of(e) ** 2))
        if squares
        else ("the sizes are forgotten", "Signs cancel.", over(outside, lambda e: e.mean().item() if len(e) else 0.0))
    )
    wrong = [
        ("quantlib's own function", "It averages over all values.", of_all),
        ("divided by the number of all values", "The mean is over the values outside.", by_all),
        ("sum instead of mean", "That grows with the number of values.", over(outside, summed)),
        own,
        (
            "sizes for squares" if squares else "squares for sizes",
            "That is another norm.",
            over(outside, lambda e: norm_of(e, not squares)),
        ),
        ("the largest error", "That is another norm.", over(outside, lambda e: max(e.abs().tolist(), default=0.0))),
        ("the ends on the wrong side", "Read what counts as outside.", over(other_ends)),
        ("only above", "Values below low are outside, too.", over(lambda x, a, b: outside(x, a, b) & (x > 0))),
        ("only below", "Values above high are outside, too.", over(lambda x, a, b: outside(x, a, b) & (x < 0))),
        ("the values inside", "That is the error of rounding.", over(lambda x, a, b: ~outside(x, a, b))),
        ("x_hat is asked, not x", "The text asks where x lies.", of_x_hat),
        (
            "a tensor for a number",
            "The number is right, but it is a tensor.",
            lambda *arguments: torch.tensor(over(outside)(*arguments)),
        ),
    ]
    x, x_hat = _pair(draw, 24)
    ends = (
        reals([low, high, low - 2.0, high + 3.0, 0.0, low - 4.0]),
        reals([low + 1, high - 2, low, high, 0.3, low + 1]),
    )
    within = reals([[0.5, 1.0], [-2.0, 2.0]])
    return _measure(
        name,
        text,
        "x, x_hat, low, high",
        f"Return the {'RMSE' if squares else 'mean |x - x_hat|'} over the values outside of [low, high], a float.",
        body,
        "assert my_measure(torch.tensor([9.0, 1.0, -9.0]), torch.tensor([6.0, 8.0, -6.0]), -6.0, 6.0) == 3.0",
        parts=(
            Part("many values", 3, ((x, x_hat, low, high), (x.reshape(4, 6), x_hat.reshape(4, 6), -1.0, 6.5))),
            Part("values at the ends, and x as it was", 2, ((*ends, low, high),), calls=2),
            Part("nothing outside", 1, ((within, within + 0.5, -3.0, 3.0),)),
        ),
        mistakes=tuple(mistake(n, says, "Choose the values first, then measure.", f) for n, says, f in wrong),
    )


def _share_of_worse(name: str, draw: Random) -> Write:
    t = draw.choice((0.75, 1.25, 1.5, 1.75, 2.25, 2.5))
    text = f"""
A measure for a careless program: **the share of values whose error |x − x_hat| is larger than {say(t)} steps.**
A step is s real units. An error of exactly {say(t)} steps is not counted. The share is a number from 0.0 to 1.0.

`x` and `x_hat` are tensors of one shape with at least one value, `s` is a float. {_NUMBER}
"""

    def share(error: Any, divide: bool = True) -> Any:
        def wrong(x: Tensor, x_hat: Tensor, s: float) -> float:
            worse = error(x - x_hat, s)
            return worse.double().mean().item() if divide else float(worse.sum().item())

        return wrong

    right = share(lambda e, s: e.abs() > t * s)
    wrong = [
        (
            "quantlib's own function",
            "It returns the largest error.",
            lambda x, x_hat, s: quantlib.max_error(x, x_hat) / s,
        ),
        ("t real units, not steps", "A step is s units.", share(lambda e, s: e.abs() > t)),
        ("t counted too", "Larger, not equal.", share(lambda e, s: e.abs() >= t * s)),
        ("only positive errors", "The size counts.", share(lambda e, s: e > t * s)),
        ("divided twice", "Steps times s are real units.", share(lambda e, s: e.abs() > t / s)),
        ("half a step for the limit", "Read the limit.", share(lambda e, s: e.abs() > s / 2)),
        ("the rest of the values", "Count the larger errors.", share(lambda e, s: e.abs() <= t * s)),
        ("the number, not the share", "Divide by the number of values.", share(lambda e, s: e.abs() > t * s, False)),
        ("in percent", "From 0.0 to 1.0.", lambda x, x_hat, s: 100 * right(x, x_hat, s)),
        (
            "a tensor for a number",
            "The number is right, but it is a tensor.",
            lambda x, x_hat, s: torch.tensor(right(x, x_hat, s)),
        ),
    ]
    x, x_hat = _pair(draw, 20)
    zeros = torch.zeros(6)
    ties = 0.5 * reals([t, -t, t + 0.25, -t - 0.25, 0.0, 9.0])
    return _measure(
        name,
        text,
        "x, x_hat, s",
        f"Return the share of values with an error larger than {t} steps, as a Python float.",
        f"return ((x - x_hat).abs() > {t} * s).float().mean().item()",
        f"assert my_measure(torch.tensor([0.0, {2 * t + 2}, -{2 * t + 2}, 0.0]), torch.zeros(4), 2.0) == 0.5",
        parts=(
            Part("many values", 3, ((x, x_hat, 0.5), (x.reshape(5, 4), x_hat.reshape(5, 4), 1.25), (x, x_hat, 0.25))),
            Part("errors of exactly the limit", 2, ((ties, zeros, 0.5), (zeros, 4 * ties, 2.0)), calls=2),
            Part("no error", 1, ((zeros, zeros, 1.0),)),
        ),
        mistakes=tuple(mistake(n, says, "Compare sizes in one unit, then count.", f) for n, says, f in wrong),
    )


def _energy_of_worst(name: str, draw: Random) -> Write:
    percent = draw.choice((10, 15, 20, 30, 35))
    text = f"""
How concentrated is an error? Take the {percent} % of the values with the largest |x − x_hat|, **their number
rounded up**. The measure is **their share of the sum of all (x − x_hat)²**, from 0.0 to 1.0. If there is no
error at all, it is 0.0.

`x` and `x_hat` are tensors of one shape with at least one value. {_NUMBER}
"""
    body = f"""
squares = (x - x_hat).square().flatten().sort(descending=True).values
count = ({percent} * len(squares) + 99) // 100
total = squares.sum().item()
return squares[:count].sum().item() / total if total else 0.0
"""

    def share(up: bool = True, power: int = 2, by_x: bool = False, signed: bool = False) -> Any:
        def wrong(x: Tensor, x_hat: Tensor) -> float:
            error = (x - x_hat).flatten().double()
            key = x.flatten().abs() if by_x else error if signed else error.abs()
            parts = error.abs()[key.argsort(descending=True, stable=True)] ** power
            count = -(-percent * len(parts) // 100) if up else percent * len(parts) // 100
            total = parts.sum().item()
            return parts[:count].sum().item() / total if total else 0.0

        return wrong

    right = share()

    def of_sum(x: Tensor, x_hat: Tensor) -> float:
        return right(x, x_hat) * (x - x_hat).double().square().sum().item()

    def of_energy(x: Tensor, x_hat: Tensor) -> float:
        return of_sum(x, x_hat) / (x.double().square().sum().item() or 1.0)

    wrong = [
        ("quantlib's own function", "It returns the mean of the squares.", quantlib.mse),
        ("the number is rounded down", "Round the number of values up.", share(up=False)),
        ("sizes, not squares", "Add squares.", share(power=1)),
        ("the largest x, not errors", "Sort by |x − x_hat|.", share(by_x=True)),
        ("the sign counts", "A large negative error is large.", share(signed=True)),
        ("in percent", "From 0.0 to 1.0.", lambda x, x_hat: 100 * right(x, x_hat)),
        ("the rest of the values", "Take the largest errors.", lambda x, x_hat: 1 - right(x, x_hat)),
        ("the sum, not the share", "Divide by the sum of all squares.", of_sum),
        ("the share of the energy of x", "Divide by the sum of all squared errors.", of_energy),
        ("a tensor for a number", "The number is right, but it is a tensor.", lambda *a: torch.tensor(right(*a))),
    ]
    x, x_hat = _pair(draw, 23)
    zeros = torch.zeros(2, 3)
    large = 100 // percent * reals([1.0] + [0.0] * (100 // percent - 1))
    few = reals([1.0, -4.0, 2.0])
    return _measure(
        name,
        text,
        "x, x_hat",
        f"Return the share of the squared error in the worst {percent} % of the values, a Python float.",
        body,
        f"assert my_measure(torch.tensor({[3.0] + [1.0] * 9}), torch.zeros(10)) == {(9 + -(-percent // 10) - 1) / 18}",
        parts=(
            Part("many values", 3, ((x, x_hat), (x[:20].reshape(4, 5), x_hat[:20].reshape(4, 5)))),
            Part("few values", 2, ((few, few / 4), (few[1:2], torch.zeros(1)), (large, -large)), calls=2),
            Part("no error", 1, ((zeros, zeros),)),
        ),
        mistakes=tuple(mistake(n, says, "Sort the sizes of the errors, then count.", f) for n, says, f in wrong),
    )


# --- 8. explain


def explain(name: str, draw: Random) -> Explain:
    s, z = draw.choice((2.6, 3.0, 3.4)), draw.choice((-110, -90, -40))
    text = f"""
The picture shows the mean squared error of the nine numbers of `T` for every s; the mark is at s = {say(s)}, with
z = {say(z)}. Explain in at most 150 words:

1. Why does the curve fall steeply on the left, and what is the largest part of the error there?
2. On the right it goes up and down. Why does it not simply rise, and why must it rise in the long run?
3. At which end of the ruler do values clip at s = {say(s)}, or at both? Say what a change of z alone would repair, and
   what it could not.
"""
    picture = (
        "from quantlib.lessons.clamping import draw_split\n\n"
        "T = torch.tensor([[191.6, -13.5, 728.6], [92.14, 295.5, -184.0], [0.0, 684.6, 245.5]])\n"
        f"draw_split(T, {s}, {z})"
    )
    low, high = s * (-128 - z), s * (127 - z)
    ends = [f"the {word} end" for word, clips in (("lower", low > -184 - s), ("upper", high < 728.6 - s)) if clips]
    move = {
        1: f"Moving z {'up' if 'the lower end' in ends else 'down'} slides the ruler towards the values that clip.",
        2: "Moving z helps one end and harms the other.",
    }[len(ends)]
    model = f"""
1. There the ruler is too short. Values clip, and a clip error has no limit: it grows with the distance from the end of
   the ruler. It is nearly all of the error, and each larger s makes the ruler longer.
2. Nothing clips there. Each rounding error depends on how near a mark happens to be, and marks pass by the nine values
   as s grows. But the errors are bounded by s/2, and typically grow like s.
3. The levels reach from {say(round(low, 1))} to {say(round(high, 1))}, so values clip at {" and ".join(ends)}. {move}
   That cannot make it longer: it spans {say(round(255 * s, 1))}, and the values span 912.6.
"""
    rubric = (
        ("clip is named as the largest part on the left, and a longer ruler as the reason for the fall", 2),
        ("marks that pass by the values, and the bound s/2 that grows", 2),
        (f"{' and '.join(ends)} named, what moving z does there, and that it does not make the ruler longer", 2),
    )
    return Explain(name, "Explain the picture", text, written(model), rubric=rubric, picture=picture)
