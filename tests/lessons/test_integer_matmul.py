"""Notebook 09: four terms, the way back to 8 bits, a network in integers, and what learners get wrong."""

from fractions import Fraction

import pytest
import torch

from quantlib.formats.integers import fixed_point, requantize
from quantlib.lessons.bug_museum import bugs
from quantlib.lessons.integer_matmul import (
    as_in_float,
    draw_bias,
    draw_decisions,
    draw_mistakes,
    draw_running,
    draw_twice,
    explore_requantize,
    explore_terms,
    hear,
    heard,
    integer_network,
    mistakes,
    running,
    share_rounded_otherwise,
)
from quantlib.lessons.integer_matmul import exercises as its
from quantlib.lessons.integer_matmul.terms import steps
from tests.helpers.explored import assert_agrees, assert_redraws, assert_stands_in

MINUS = "\N{MINUS SIGN}"


def whole(value):
    return f"{value:,}".replace("-", MINUS)


def readout_terms(z_w, z_x):
    """What the explorer of the four terms must say at these zero points."""
    z_w, z_x = int(z_w), int(z_x)
    w, x = (part.tolist() for part in steps())
    pairs = [(a + z_w, b + z_x) for a, b in zip(w, x, strict=True)]
    sums = sum(a * b for a, b in pairs), -z_x * sum(a for a, _ in pairs), -z_w * sum(b for _, b in pairs)
    a, b, c, d = map(whole, (*sums, len(pairs) * z_w * z_x))
    true = whole(sum(p * q for p, q in zip(w, x, strict=True)))
    return f"z_w = {whole(z_w)} and z_x = {whole(z_x)}: the sum of the terms {a}, {b}, {c} and {d} is {true}."


def readout_requantize(e, b):
    """What the explorer of the way back must say for M = 2^e and a multiplier of b bits."""
    M, b = 2.0 ** round(e, 2), int(b)
    n = next(n for n in range(64) if 2 ** (b - 1) <= M * 2**n < 2**b)
    m = round(M * 2**n)
    m, n = (m // 2, n - 1) if m == 2**b else (m, n)
    off = 0
    for acc in range(-200, 201):
        code = (acc * m * 2 + 2**n) // 2 ** (n + 1)
        near = (2 * acc * Fraction(M) + 1) // 2
        off += max(-128, min(127, code)) != max(-128, min(127, near))
    head = f"e = {round(e, 2):z.2f} and b = {b}: the integers".replace("-", MINUS)
    said = f"{head} m / 2^n = {m:,} / 2^{n} = {m / 2**n:.5f} stand for M = {M:.5f}."
    return f"{said} {off} of 401 codes are not the nearest to acc M."


READOUTS = [readout_terms, readout_requantize]
EXPLORERS = {"terms": (explore_terms, readout_terms), "requantize": (explore_requantize, readout_requantize)}


@pytest.mark.parametrize(("make", "readout"), EXPLORERS.values(), ids=EXPLORERS)
def test_readout_agrees_with_plain_integers_at_every_end_and_on_a_random_walk(make, readout):
    assert_agrees(make(), readout, whole=True)


@pytest.mark.parametrize("make", [make for make, _ in EXPLORERS.values()], ids=EXPLORERS)
def test_blitting_draws_what_a_full_redraw_draws(make):
    assert_redraws(make)


@pytest.mark.parametrize("make", [make for make, _ in EXPLORERS.values()], ids=EXPLORERS)
def test_an_unwritten_function_is_told_and_quantlibs_stands_in(make):
    assert_stands_in(make)


# --- four terms


def test_the_sum_moves_with_a_function_that_forgets_the_zero_point():
    mine = explore_terms(lambda q_w, q_x, z_x: q_w.int() @ q_x.int())
    right = explore_terms().move(z_w=0, z_x=0)
    assert mine.move(z_w=0, z_x=0) == right
    assert f"but with your function {MINUS}10,945." in mine.move(z_x=-128)


@pytest.mark.parametrize(("panel", "name"), [(0, "z_w"), (1, "z_x")])
def test_codes_can_be_dragged(panel, name):
    explorer = explore_terms()
    explorer.move(z_x=-60)
    left, low, right, high = explorer.scene.area(explorer.scene.panels[panel])
    before, step = explorer.controls[name].value, (right - left) / 259
    x, y = left + 0.6 * (right - left), (low + high) / 2
    explorer.touched(x, y, True)
    assert explorer.controls[name].value == before
    explorer.touched(x + 20 * step, y, False)
    assert explorer.controls[name].value == before + 20 and f"{name} = {whole(before + 20)}" in explorer.picture.alt
    explorer.touched(1.0, y, False)
    assert explorer.controls[name].value == explorer.controls[name].max


# --- back to 8 bits


def test_a_learners_way_back_drives_the_stairs():
    floor = explore_requantize(lambda acc, m, n, z: ((acc.long() * m >> n) + z).clamp(-128, 127).to(torch.int8))
    assert explore_requantize().move(e=-2, b=31).endswith(" 0 of 401 codes are not the nearest to acc M.")
    assert " 200 of 401 codes are not the nearest to acc M." in floor.move(e=-2, b=31)


def test_bits_of_the_multiplier_suffice_as_the_notebook_says():
    acc = torch.arange(-200, 201, dtype=torch.int32)

    def off(e, bits):
        near = (acc.double() * 2.0**e + 0.5).floor().clamp(-128, 127)
        return int((requantize(acc, fixed_point(2.0**e, bits), 0) != near).sum())

    powers = [round(-8 + 0.05 * k, 2) for k in range(171)]
    assert max(off(e, 10) for e in powers) == 17 and max(off(e, 16) for e in powers) == 0
    assert all(off(e, 2) == 0 for e in range(-8, 1)) and off(-1.75, 2) == 379


def test_errors_beyond_the_axis_are_arrows():
    explorer = explore_requantize()
    errors = explorer.scene.panels[1]
    explorer.move(b=31)
    assert not len(errors._above.get_xdata()) and errors.title.text.endswith("grey: half a code")
    explorer.move(b=2)
    assert min(errors._below.get_xdata()) > 160 and max(errors._above.get_xdata()) < -160
    assert errors.title.text == "error: 9.87 codes at most; arrows: beyond the axis"


def test_the_line_can_be_dragged():
    explorer = explore_requantize()
    left, low, right, high = explorer.scene.area(explorer.scene.panels[0])

    def at(acc, code):
        return left + (acc + 200) / 400 * (right - left), low + (code + 136) / 272 * (high - low)

    explorer.touched(*at(100, 50), True)
    assert explorer.controls["e"].value == -1.0
    explorer.touched(*at(-100, -25), False)
    assert explorer.controls["e"].value == -2.0
    explorer.touched(*at(100, -25), False)
    assert explorer.controls["e"].value == -2.0
    explorer.touched(*at(10, 130), False)
    assert explorer.controls["e"].value == explorer.controls["e"].max


def test_two_roundings_err_as_the_law_says():
    acc = torch.arange(-60_000, 60_001, dtype=torch.int32)
    for k in (1, 2, 3, 5, 9):
        assert share_rounded_otherwise(acc, k) == pytest.approx(2.0 ** -(k + 1), rel=0.05)
    assert "Rounding twice changes 4 of 17 codes" in draw_twice(0.25, -8, 8).alt


# --- sums in 16 bits


def test_only_sums_that_do_not_fit_are_wrong_with_wraparound():
    conv2 = running("conv2")
    outside = (conv2.end < -(2**15)) | (conv2.end > 2**15 - 1)
    assert torch.equal(outside, conv2.wrapped != conv2.end) and conv2.wrong == (20, 32_736)
    alt = draw_running("conv2", 21, 225).alt
    assert f"true, ends at {MINUS}129; wraps, ends at {MINUS}129; stops, ends at 28,035." in alt


# --- a network in integers


def test_the_network_hears_with_integers_and_not_with_the_mistakes():
    found = {name: as_in_float(p) for name, p in mistakes().items()}
    assert found["as it should be"] >= 252 and found["bias in int16"] >= 252 and found["rounded twice"] >= 252
    assert found["padded with the code 0"] == found["bias in int8"] == 124
    assert found["no bias"] < 170 and found["z_x taken as 0"] < 130 and found["shift rounds down"] >= 252
    alt = draw_mistakes().alt
    assert f"as it should be {found['as it should be']};" in alt
    assert "padded with the code 0 124, no speech heard; bias in int8 124, no speech heard;" in alt


def test_a_learners_functions_run_the_network():
    right = mistakes()["as it should be"]
    assert hear().alt == draw_decisions(right).alt

    def unwritten(*arguments): ...

    assert hear(unwritten).alt == f"{hear().alt} unwritten: it is not written yet. Quantlib's is used instead."
    forgets = hear(lambda q_w, q_x, z_x: q_w.int() @ q_x.int())
    assert forgets.alt == draw_decisions(integer_network(z_x=0)).alt != hear().alt


def test_one_multiplier_is_above_one():
    assert max(layer.M.max().item() for layer in heard().layers.values()) == pytest.approx(1.4186, abs=1e-4)


def test_biases_are_wider_than_codes():
    assert "no room for 351 of the 384 codes" in draw_bias().alt and "conv1 244,772," in draw_bias().alt


# --- what learners write


def test_pairs_must_be_integers():
    for value, said in [
        (1073741824.0, "returned a float, not a pair of numbers"),
        ((1073741824.0, 32), "returned 1.07374e+09 as a float, not as an integer"),
        ((torch.tensor(2.0**30), 32), "returned 1.07374e+09 as a float, not as an integer"),
        ((2**60, 1), "returned an integer of more than 53 bits"),
    ]:
        assert its.two_integers(value) == said
    assert its.multiplier_problem((2**31, 31), 1.0) and not its.multiplier_problem((2**30, torch.tensor(30)), 1.0)


WRITTEN = {
    "integer_sums": {
        "products in int8": [
            "(q_w @ q_x).int() - z_x * q_w.int().sum(1, keepdim=True)",
            "(q_w @ q_x) - z_x * q_w.sum(1, keepdim=True)",
        ],
        "z_x is subtracted in int8": ["q_w.int() @ (q_x - z_x).int()", "q_w.long() @ (q_x - z_x).long()"],
        "the zero point is left out": ["q_w.int() @ q_x.int()", "torch.matmul(q_w.long(), q_x.long())"],
        "the zero point is added": ["q_w.long() @ (q_x.long() + z_x)"],
        "the sums of x, not of w": ["q_w.int() @ q_x.int() - z_x * q_x.sum(0)"],
        "z_x is subtracted from the sum": ["q_w.long() @ q_x.long() - z_x"],
        "K times z_x, without the weights": ["q_w.int() @ q_x.int() - len(q_x) * z_x"],
        "one sum for all rows": ["q_w.int() @ q_x.int() - z_x * q_w.int().sum()"],
        "the row sums lie along the columns": ["q_w.int() @ q_x.int() - z_x * q_w.sum(dim=1)"],
        "all in int8": ["q_w @ (q_x - z_x)"],
        "16 bits for the sums": ["q_w.short() @ (q_x.short() - z_x)"],
        "sums in float32": ["(q_w.float() @ (q_x.float() - z_x)).int()"],
        "the sums are clamped to int8": ["(q_w.int() @ (q_x.int() - z_x)).clamp(-128, 127)"],
    },
    "multiplier": {
        "m may become 2^31": ["(round(math.ldexp(f, 31)), 31 - e)"],
        "m is rounded down": ["(math.floor(f * 2**31), 31 - e)"],
        "n has the wrong sign": ["(m, e - 31 + carry)"],
        "n is e, the exponent of frexp": ["(m, e + carry)"],
        "n is one too small": ["(m, 30 - e - carry)"],
        "n is one too large": ["[m, 32 - e - carry]"],
        "n comes first": ["(n, m)"],
        "M of 1 or more is not shifted": ["(m, n) if M < 1 else (round(M * 2**31), 31)"],
        "m has 15 bits": ["(round(f * 2**15), 15 - e)"],
        "m has one bit too few": ["(round(f * 2**30), 30 - e)"],
        "m has one bit too many": ["(round(f * 2**32), 32 - e)"],
        "n is always 31": ["(round(M * 2**31), 31)"],
        "the exponent is cut, not rounded down": [
            "(round(M * 2.0 ** (30 - int(math.log2(M)))), 30 - int(math.log2(M)))",
        ],
    },
    "requantize": {
        "the product in int32": ["(((acc * m + 2 ** (n - 1)) >> n) + z).clamp(-128, 127).to(torch.int8)"],
        "rounded down": ["((acc.long() * m >> n) + z).clamp(-128, 127).to(int8)"],
        "truncated towards 0": ["((acc.double() * m / 2**n).long() + z).clamp(-128, 127).to(int8)"],
        "half is added, then truncated towards 0": ["((acc * (m / 2**n) + 0.5).int() + z).clamp(-128, 127).to(int8)"],
        "z is scaled too": ["torch.round((acc.double() + z) * m / 2**n).clamp(-128, 127).to(int8)"],
        "z is not added": ["torch.round(acc.double() * m / 2**n).clamp(-128, 127).to(int8)"],
        "z is subtracted": ["(torch.round(acc.double() * m / 2**n) - z).clamp(-128, 127).to(int8)"],
        "clamped before z is added": ["((acc.long() * m + 2 ** (n - 1)) >> n).clamp(-128, 127).to(int8) + z"],
        "not clamped": ["(((acc.long() * m + 2 ** (n - 1)) >> n) + z).to(int8)"],
        "clamped to -127": ["(((acc.long() * m + 2 ** (n - 1)) >> n) + z).clamp(-127, 127).to(int8)"],
        "shifted by one too few": ["(((acc.long() * m + 2 ** (n - 2)) >> n - 1) + z).clamp(-128, 127).to(int8)"],
        "rounded twice": ["(once.sign() * (once.abs() + half >> k) + z).clamp(-128, 127).to(int8)"],
        "half of the wrong number": ["(((acc.long() * m + 2**n) >> n) + z).clamp(-128, 127).to(int8)"],
        "computed in floats": [
            "(torch.round(acc.double() * m / 2**n) + z).clamp(-128, 127).to(int8)",
            "(torch.round(acc * (m / 2**n)) + z).clamp(-128, 127).to(int8)",
            "((acc.double() * m / 2**n + 0.5).floor() + z).clamp(-128, 127).to(int8)",
        ],
        "half away from 0": [
            "(torch.where(acc < 0, -1, 1) * ((acc.abs().long() * m + 2 ** (n - 1)) >> n) + z).clamp(-128, 127).to(int8)"
        ],
        "codes in uint8": ["(((acc.long() * m + 2 ** (n - 1)) >> n) + z).clamp(0, 255).to(torch.uint8)"],
    },
}

# What a learner has worked out before.
BEFORE = {
    "multiplier": {
        "f": "math.frexp(M)[0]",
        "e": "math.frexp(M)[1]",
        "carry": "int(round(f * 2**31) == 2**31)",
        "m": "round(f * 2**31) >> carry",
        "n": "31 - e - carry",
    },
    "requantize": {
        "once": "(acc.long() << max(31 - n, 0)) * m + 2**30 >> 31",
        "k": "max(n - 31, 0)",
        "half": "1 << k >> 1",
    },
}

RIGHT = {
    "integer_sums": [
        "q_w.int() @ (q_x.int() - z_x)",
        "q_w.long() @ (q_x.long() - z_x)",
        "torch.einsum('rk,kc->rc', q_w.int(), q_x.int()) - z_x * q_w.long().sum(1)[:, None]",
    ],
    "multiplier": [
        "(round(f * 2**31), 31 - e) if round(f * 2**31) < 2**31 else (2**30, 30 - e)",
        "[torch.tensor(round(f * 2**31) if M != 1 - 2**-33 else 2**30), 31 - e - (M == 1 - 2**-33)]",
    ],
    "requantize": [
        "(((acc.long() * m + (1 << n - 1)) >> n) + z).clamp(-128, 127).to(int8)",
        "((acc.long() * m + 2 ** (n - 1) + z * 2**n) >> n).clamp(-128, 127).to(int8)",
        "((acc.long() * m >> n) + (acc.long() * m >> n - 1 & 1) + z).clamp(-128, 127).to(int8)",
        "(torch.div(acc.long() * m + 2 ** (n - 1), 2**n, rounding_mode='floor') + z).clamp(-128, 127).to(int8)",
    ],
}


@pytest.mark.parametrize(("name", "line"), [(name, line) for name, lines in RIGHT.items() for line in lines])
def test_what_is_right_in_another_way_is_right(name, line):
    from tests.helpers.lessons import learner

    assert getattr(its, name).check(learner(name, line)).status == "right"


SUMS = [
    ("multiplies_in_int8", [[2]], [[64]], 0, [[-128]]),
    ("stays_in_int8", [[2]], [[64]], 0, [[-128]]),
    ("takes_z_away_in_int8", [[1]], [[127]], -1, [[-128]]),
    ("forgets_the_zero_point", [[1]], [[1]], 1, [[1]]),
    ("adds_the_zero_point", [[1]], [[1]], 1, [[2]]),
    ("sums_the_inputs", [[2]], [[1]], 1, [[1]]),
    ("subtracts_once", [[2]], [[1]], 1, [[1]]),
    ("forgets_the_weights", [[2]], [[1]], 1, [[1]]),
    ("sums_all_rows", [[1], [2]], [[1]], 1, [[-2], [-1]]),
    ("drops_the_axis", [[1], [2]], [[1, 1]], 1, [[0, -1], [1, 0]]),
    ("adds_in_16_bits", [[-128, -128]], [[-128], [-128]], 0, [[-32768]]),
    ("adds_in_float32", [[127] * 1041], [[127]] * 1041, 0, [[16790288]]),
    ("clamps_the_sums", [[2]], [[64]], 0, [[127]]),
]


@pytest.mark.parametrize(("name", "q_w", "q_x", "z_x", "result"), SUMS)
def test_an_input_that_shows_a_wrong_sum(name, q_w, q_x, z_x, result):
    w, x = (torch.tensor(q, dtype=torch.int8) for q in (q_w, q_x))
    assert getattr(bugs, name)(w, x, z_x).tolist() == result


PAIRS = [
    ("forgets_the_carry", 1 - 2**-33, (2**31, 31)),
    ("rounds_m_down", 0.3, (1288490188, 32)),
    ("turns_the_shift", 0.5, (2**30, -31)),
    ("returns_the_exponent", 0.5, (2**30, 0)),
    ("shifts_too_little", 0.5, (2**30, 30)),
    ("shifts_too_much", 0.5, (2**30, 32)),
    ("takes_32_bits", 0.5, (2**31, 32)),
    ("takes_30_bits", 0.5, (2**29, 30)),
    ("takes_15_bits", 0.5, (2**14, 15)),
    ("never_moves_the_point", 0.25, (2**29, 31)),
    ("expects_less_than_one", 1.0, (2**31, 31)),
    ("swaps_the_pair", 0.5, (31, 2**30)),
    ("cuts_the_logarithm", 0.3, (644245094, 31)),
]


@pytest.mark.parametrize(("name", "M", "result"), PAIRS)
def test_the_smallest_input_that_shows_a_wrong_multiplier(name, M, result):
    assert getattr(bugs, name)(M) == result


BACK = [
    ("rounds_down", 2, 0, 0),  # 0.6: 1 is due
    ("drops_the_fraction", 2, 0, 0),
    ("adds_half_and_truncates", -2, 0, 0),  # -1 is due
    ("scales_the_zero_point", 0, 5, 2),
    ("forgets_the_zero_point_of_y", 0, 5, 0),
    ("subtracts_the_zero_point_of_y", 0, 5, -5),
    ("clamps_before_z", 500, 1, -128),  # 127 is due
    ("wraps_around", 1000, 0, 44),
    ("clamps_to_127", -1000, 0, -127),
    ("shifts_by_less", 10, 0, 6),
    ("adds_a_whole", 1, 0, 1),
    ("returns_uint8", -10, 0, 0),
]


@pytest.mark.parametrize(("name", "acc", "z", "result"), BACK)
def test_the_smallest_input_that_shows_a_wrong_way_back(name, acc, z, result):
    m, n = map(int, its.multiplier.reference(0.3))
    assert getattr(bugs, name)(torch.tensor([acc], dtype=torch.int32), m, n, z).tolist() == [result]


@pytest.mark.parametrize(
    ("name", "acc", "m", "n", "result"),
    [
        ("rounds_a_float", 2, 2**30, 32, 0),  # half of a code: 1 is due
        ("rounds_a_float_half_up", 654_789_377, 1_471_878_369, 54, 54),  # 53 is due
        ("sends_ties_away_from_zero", -2, 2**30, 32, -1),  # 0 is due
    ],
)
def test_a_sum_at_a_tie_or_next_to_it_shows_a_wrong_way_back(name, acc, m, n, result):
    assert getattr(bugs, name)(torch.tensor([acc], dtype=torch.int32), m, n, 0).tolist() == [result]


def test_rounding_twice_is_another_convention():
    assert bugs.rounds_twice(torch.tensor([1, 2, -2], dtype=torch.int32), 2**30, 32, 0).tolist() == [1, 1, -1]
    assert "another convention: rounded twice" in its.requantize.check(bugs.rounds_twice).message
