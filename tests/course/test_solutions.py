"""Each solution does what its text says: computed once more in exact fractions, from the words of the text alone."""

import math
import re
import struct
from fractions import Fraction

import pytest
import torch

from course.problems.catalogue import PUBLIC_SEED, problem_set
from course.problems.compare import difference
from course.problems.questions import Write, call, solution
from tests.helpers.answering import SEEDS


def numbers(text, pattern):
    """The numbers that a pattern finds in a text; in prose a minus is −."""
    found = re.search(pattern, re.sub(r"`(-[\d.]+)`", r"\1", text))
    assert found, (pattern, text)
    return [int(n) if re.fullmatch(r"-?\d+", n) else float(n) for n in (g.replace("−", "-") for g in found.groups())]


def exact(values):
    return [Fraction(value) for value in values.flatten().tolist()]


# --- Part I


def store(text, x, s, z):
    low, high = numbers(text, r"reach from (\S+) to (\S+): the grid")
    tie = re.search(r"A tie goes (.+?):", text)[1]

    def rounded(v):
        below, up = math.floor(v), {"up": True, "down": False, "away from 0": v > 0, "towards 0": v < 0}[tie]
        return below + (v - below > Fraction(1, 2) or (v - below == Fraction(1, 2) and up))

    places = [v / Fraction(s) for v in exact(x)]
    codes = [rounded(v + z) if "add z, then round" in text else rounded(v) + z for v in places]
    return torch.tensor([max(low, min(high, code)) for code in codes], dtype=torch.int8).reshape(x.shape)


def restore(text, q, a, b):
    codes = exact(q)
    if "the lowest code stands for" in text:
        (low,) = numbers(text, r"codes from (\S+) to")
        reals = [Fraction(b) + Fraction(a) * (code - low) for code in codes]
    elif "with an offset" in text:
        (offset,) = numbers(text, r"an offset of (\d+)\*\*")
        reals = [Fraction(a) * (code - offset - b) for code in codes]
    else:
        reals = [(code - b) / (2**a if "bits behind the point" in text else a) for code in codes]
    return torch.tensor([float(r) for r in reals]).reshape(q.shape)


def turn(text, v):
    low, high = numbers(text, r"codes from (\S+) to ([−\d]+)")
    way = [*range(low, high + 1)] if "in a circle" in text else [*range(low, high), *range(high, low, -1)]
    return torch.tensor([way[(n - low) % len(way)] for n in v.flatten().tolist()], dtype=torch.int64).reshape(v.shape)


def measure(text, x, x_hat, *rest):
    pairs = list(zip(exact(x), exact(x_hat), strict=True))
    if "clipping alone" in text:
        low, high = rest
        outside = [(a, b) for a, b in pairs if a < low or a > high or (a in rest and "**as outside**" in text)]
        power = 2 if "root of the mean" in text else 1
        mean = sum(abs(a - b) ** power for a, b in outside) / max(len(outside), 1)
        return float(mean) ** (1 / power)
    if "the share of values" in text:
        (limit,) = numbers(text, r"larger than ([\d.]+) steps")
        return sum(abs(a - b) > Fraction(limit) * Fraction(*rest) for a, b in pairs) / len(pairs)
    (percent,) = numbers(text, r"Take the (\d+) %")
    squares = sorted(((a - b) ** 2 for a, b in pairs), reverse=True)
    return float(sum(squares[: math.ceil(Fraction(percent * len(pairs), 100))]) / (sum(squares) or 1))


# --- Part II


def ruler(text, x):
    low, high = numbers(text, r"codes from (\S+) to (\S+):")
    r_min, r_max = min(0, *exact(x), 0), max(0, *exact(x), 0)
    if r_min == r_max:
        return 1.0, low
    s = (r_max - r_min) / (high - low + ("number of **codes**" in text))
    if "power of two" in text:
        s = Fraction(2) ** next(k for k in range(-99, 99) if Fraction(2) ** k >= s)
    z = low - r_min / s
    return float(s), max(low, min(high, math.ceil(z) if "**rounded up**" in text else math.floor(z)))


def clip_range(text, x, k):
    below, above = (int(n or 1) for n in re.search(r"the (\d? ?)k smallest and the (\d? ?)k largest", text).groups())
    stay = sorted(exact(x))[below * k :]
    stay = stay[: len(stay) - above * k]
    return float(min(0, stay[0])), float(max(0, stay[-1]))


def clip(text, x, k):
    sizes = sorted(map(abs, exact(x)), reverse=True)
    if "between two of them" in text:
        quarters = {"a quarter of": 1, "half": 2, "three quarters of": 3}[re.search(r"\*\*(.+?) the way", text)[1]]
        return float(sizes[k] + quarters * (sizes[k - 1] - sizes[k]) / 4)
    inside = Fraction(k * len(sizes), 100) + (0 if "rounded down" in text else Fraction(1, 2))
    return float(sorted(sizes)[max(math.floor(inside), 1) - 1])


def groups(text, w, size):
    (divisor,) = numbers(text, r"divided by ([\d.]+)\*\*")
    lines = (w.T if "**column**" in text else w).tolist()
    cut = [[line[k : k + size] for k in range(0, len(line), size)] for line in lines]
    largest = torch.tensor([[max(map(abs, group)) for group in line] for line in cut], dtype=torch.float64)
    s = torch.where(largest == 0, 1.0, largest / divisor)
    if "power of two" in text:
        stored = torch.tensor([[2.0 ** math.ceil(math.log2(each)) for each in line] for line in s.tolist()])
    else:
        stored = s.half()
        if "rounded up" in text:
            smaller = stored.double() < s.float().double()
            stored = torch.where(smaller, stored.nextafter(torch.tensor(torch.inf).half()), stored)
    return stored.T if "**column**" in text else stored


def chance(text, v, u):
    def rounded(v, u):
        low, f = math.floor(v), v - math.floor(v)
        if "**large** draws go up" in text:
            return low + (u >= 1 - f)
        if "Stochastic rounding of the **size**" in text:
            low, f = math.floor(abs(v)), abs(v) - math.floor(abs(v))
            return (low + (u < f if "u is smaller than f" in text else u >= 1 - f)) * (1 if v > 0 else -1)
        (limit,) = numbers(text, r"u is smaller than ([\d.]+), else")
        first = low + 1 if "goes up" in text or v > 0 else low
        return round(v) if f != Fraction(1, 2) else first if u < limit else 2 * low + 1 - first

    return torch.tensor([float(rounded(*pair)) for pair in zip(exact(v), exact(u), strict=True)]).reshape(v.shape)


# --- Part III


def finish(text, products, sum_w, sum_x, count, z_w, z_x):
    """Find out what the chip has added to the codes, and take it away again, sum by sum."""
    (offset,) = numbers(text, r"an offset of (\d+):")
    of_w, of_x = offset * ("v = q_w" in text), offset * ("u = q_x" in text)
    total_w = sum_w.long() - count * of_w * ("**v**" in text)
    total_x = sum_x.long() - count * of_x * ("**u**" in text)
    plain = products.long() - of_x * total_w - of_w * total_x - count * of_w * of_x
    return (plain - z_x * total_w - z_w * total_x + count * z_w * z_x).int()


def read(text, blocks):
    """Put each code in its place, byte by byte."""
    sign = {
        "**plus 8**": lambda half: half - 8,
        "**two's complement**": lambda half: (half ^ 8) - 8,
        "a **minus sign**": lambda half: (half & 7) * (-1) ** (half >> 3),
    }
    found = [means for words, means in sign.items() if words in text]
    places = re.search(r"code (2?j) in its (low|high) half and code (2j \+ 1|j \+ 16) in its", text).groups()
    weights = torch.zeros(len(blocks), 32)
    for row, block in enumerate(blocks.tolist()):
        scale, codes = (block[:2], block[2:]) if "**first two bytes**" in text else (block[16:], block[:16])
        (d,) = struct.unpack("<e", bytes(scale))
        for j, byte in enumerate(codes):
            halves = (byte & 15, byte >> 4) if places[1] == "low" else (byte >> 4, byte & 15)
            at = (2 * j, 2 * j + 1) if places[0] == "2j" else (j, j + 16)
            for place, half in zip(at, halves, strict=True):
                weights[row, place] = d * found[0](half)
    return weights


def step(text, x, levels, *h):
    """Move each level by exact fractions."""
    share = {"the whole way": 1, "half of the way": Fraction(1, 2), "a quarter of the way": Fraction(1, 4)}
    part = next(part for words, part in share.items() if f"**{words}**" in text)
    assert bool(h) == ("weighted mean" in text)
    values, at, moved = exact(x), exact(levels), []
    near = [min(range(len(at)), key=lambda k: abs(v - at[k])) for v in values]
    for k, level in enumerate(at):
        mine = [
            (v, w) for v, w, place in zip(values, exact(*h) if h else [1] * len(x), near, strict=True) if place == k
        ]
        if mine and not (level == 0 and "that is 0.0 stays" in text):
            level += part * (sum(v * w for v, w in mine) / sum(w for _, w in mine) - level)
        moved.append(float(level))
    return torch.tensor(moved)


# --- Part IV


def tokens(text, x, bits):
    """Quantize group by group, in fractions: each group is a list of rows."""
    rows = [[Fraction(v) for v in row] for row in x.tolist()]
    first, rest = (rows[:1], rows[1:]) if "**stays as it is**" in text else ([], rows)
    size, top, back = 2 if "**Two neighbouring tokens**" in text else 1, 2 ** (bits - 1) - 1, []
    for k in range(0, len(rest), size):
        sizes = sorted(abs(v) for row in rest[k : k + size] for v in row)
        s = sizes[-2 if "**second largest**" in text else -1] / top
        if "**power of two**" in text and s:
            s = Fraction(2) ** next(n for n in range(-99, 99) if Fraction(2) ** n >= s)
        back += [[s * max(-top, min(top, round(v / s))) if s else v for v in row] for row in rest[k : k + size]]
    return torch.tensor([[float(v) for v in row] for row in first + back])


def pass_on(text, w, j, s, h_inv):
    """Move each weight by itself."""
    (top,) = numbers(text, r"codes from \S+ to (\d+)")
    side, near = (-1 if "from the last to the first" in text else 1), "the **two** columns" in text
    new = [[Fraction(v) for v in row] for row in w.tolist()]
    for row, step in zip(new, exact(s), strict=True):
        q = step * max(-top, min(top, round(row[j] / step)))
        e, row[j] = (row[j] - q) / (2 if "**half of** its error" in text else 1), q
        for k in range(len(row)):
            if (k - j) * side > 0 and (not near or abs(k - j) <= 2):
                row[k] -= e * Fraction(h_inv[j, k].item()) / Fraction(h_inv[j, j].item())
    return torch.tensor([[float(v) for v in row] for row in new])


def slopes(text, w, s, g):
    """Take the slope at s of a product: c, and s times what c moves by."""
    low, high = numbers(text, r"the codes from (\S+) to (\d+)")
    of_w, of_s = [], []
    for v, slope in zip([each / Fraction(s) for each in exact(w)], exact(g), strict=True):
        beyond = (round(v) > high) - (round(v) < low)
        leads_back = "leads back towards the grid" in text and slope * beyond > 0
        of_w.append(slope if not beyond or leads_back else 0)
        of_s.append(slope * (max(low, min(high, round(v))) - (0 if beyond else v)))
    total = sum(of_s) / (len(of_s) if "**mean** over all weights" in text else 1)
    return torch.tensor([float(each) for each in of_w]), float(total)


AGAIN = {
    "ps1": {"my_store": store, "my_restore": restore, "my_turn": turn, "my_measure": measure},
    "ps2": {"my_ruler": ruler, "my_range": clip_range, "my_alpha": clip, "my_scales": groups, "my_round": chance},
    "ps3": {"my_finish": finish, "my_read": read, "my_step": step},
    "ps4": {"my_tokens": tokens, "my_pass": pass_on, "my_slopes": slopes},
}


@pytest.mark.parametrize("name", AGAIN)
def test_a_solution_does_what_its_text_says(name):
    for seed in (*SEEDS, PUBLIC_SEED):
        for question in problem_set(name, seed).questions:
            for request in question.requests() if isinstance(question, Write) else ():
                again = AGAIN[name][question.name](question.text, *request.arguments)
                got = call(solution(question), request)
                assert difference(again, got, question.relative) == "", (question.text, request)
