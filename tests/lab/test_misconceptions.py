"""Each misconception is named, explained, and wrong in the way that it says."""

import re

import pytest
import torch
from quantlib.misconceptions import MISCONCEPTIONS, Misconception

from quantlib import misconceptions
from tests.helpers.strategies import SEED as T

ALL = [(deed, m) for deed, known in MISCONCEPTIONS.items() for m in known]
every = pytest.mark.parametrize(("deed", "m"), ALL, ids=[f"{deed}-{m.function.__name__}" for deed, m in ALL])


def ints(*values):
    return torch.tensor(values, dtype=torch.int8)


def reals(*values):
    return torch.tensor(values, dtype=torch.float32)


@every
def test_a_misconception_has_a_short_name_one_sentence_and_a_hint(deed, m):
    assert 3 <= len(m.name) <= 40 and m.name[-1] not in ".!?"
    assert m.says and m.says[-1] == "." and "\n" not in m.says and not re.search(r"\. [A-Z]", m.says)
    assert m.hint and m.hint[-1] in ".?" and "\n" not in m.hint


@every
def test_a_misconception_is_found_under_the_name_of_its_function(deed, m):
    assert getattr(misconceptions, m.function.__name__) is m


def test_what_shares_a_name_in_one_deed_shares_its_hint():
    for known in MISCONCEPTIONS.values():
        assert len({(m.name, m.hint) for m in known}) == len({m.name for m in known})


def test_every_misconception_of_the_module_is_listed():
    listed = {id(m) for _, m in ALL}
    assert {id(m) for m in vars(misconceptions).values() if isinstance(m, Misconception)} == listed
    assert len(listed) == len(ALL)


# The smallest input that shows it, and what comes.
CODES = [
    ("no_clamp", 128.0, 1.0, 0, -128),
    ("cast_before_shift", 127.0, 1.0, 1, -128),
    ("truncates", 0.6, 1.0, 0, 0),
    ("truncates", -0.6, 1.0, 0, 0),
    ("truncates_before_shift", 0.6, 1.0, -1, -1),
    ("floors", -0.4, 1.0, 0, -1),
    ("ceils", 0.4, 1.0, 0, 1),
    ("ceils", 2.2, 2.0, 0, 2),
    ("floors", 3.8, 2.0, 0, 1),
    ("truncates", 3.8, 2.0, 0, 1),
    ("truncates_before_shift", 3.8, 2.0, 1, 2),
    ("rounds_before_dividing", 0.25, 0.25, 0, 0),
    ("clamps_before_shift", 128.0, 1.0, -1, 126),
    ("clamps_input", 254.0, 2.0, 0, 64),
    ("clamps_input", 200.0, 1.0, 0, 127),
    ("clamps_input", -300.0, 2.0, 0, -64),
    ("clamps_only_above", -129.0, 1.0, 0, 127),
    ("clamps_only_above", 128.0, 1.0, 0, 127),
    ("clamps_only_below", 128.0, 1.0, 0, -128),
    ("clamps_only_below", -129.0, 1.0, 0, -128),
    ("subtracts_zero_point", 0.0, 1.0, 1, -1),
    ("multiplies_by_scale", 2.0, 2.0, 0, 4),
    ("forgets_zero_point", 0.0, 1.0, 1, 0),
    ("forgets_scale", 2.0, 2.0, 0, 2),
    ("shifts_before_dividing", 0.0, 2.0, 2, 1),
    ("zero_point_minus_one", 0.0, 1.0, 0, -1),
    ("unsigned_grid", 128.0, 1.0, 0, 128),
    ("unsigned_clamp", 128.0, 1.0, 0, -128),
    ("no_negative_codes", -1.0, 1.0, 0, 0),
    ("narrow_grid", -128.0, 1.0, 0, -127),
    ("clamps_to_128", 300.0, 1.0, 0, -128),
    ("stays_float", 128.0, 1.0, 0, 127),
    ("quantizes_and_returns", 3.0, 2.0, 7, 2),
    ("quantizes_in_place", 3.0, 2.0, 1, 2),
]


@pytest.mark.parametrize(("name", "x", "s", "z", "code"), CODES)
def test_the_smallest_input_that_shows_a_wrong_quantizer(name, x, s, z, code):
    assert getattr(misconceptions, name)(reals(x), s, z).tolist() == [code]


REALS = [
    ("adds_zero_point_last", 1, 1.0, 1, 2.0),
    ("subtracts_zero_point_last", 0, 2.0, 1, -1.0),
    ("subtracts_in_int8", 127, 3.5, -70, -206.5),  # it should be 689.5
    ("dequantizes_without_zero_point", 1, 1.0, 1, 1.0),
    ("dequantizes_with_plus", 0, 2.0, 1, 2.0),
    ("dequantizes_mirrored", 1, 1.0, 0, -1.0),
    ("divides_by_scale", 1, 2.0, 0, 0.5),
    ("dequantizes_without_scale", 1, 2.0, 0, 1.0),
    ("dequantizes_with_zero_point_minus_one", 0, 1.0, 0, 1.0),
    ("dequantizes_to_integers", 1, 0.5, 0, 0),
]


@pytest.mark.parametrize(("name", "q", "s", "z", "real"), REALS)
def test_the_smallest_input_that_shows_a_wrong_dequantizer(name, q, s, z, real):
    assert getattr(misconceptions, name)(ints(q), s, z).tolist() == [real]


NUMBERS = [
    ("forgets_abs", ([-2.0, 1.0],), 1 / 127),
    ("abs_of_max", ([-2.0, 1.0],), 1 / 127),
    ("uses_min", ([1.0, 2.0],), 1 / 127),
    ("uses_mean", ([1.0, 3.0],), 2 / 127),
    ("scale_for_255_steps", ([-255.0],), 1.0),
    ("scale_for_128_steps", ([-128.0],), 1.0),
    ("scale_for_half_the_grid", ([-127.5],), 1.0),
    ("min_max_scale", ([5.0, 255.0],), 1.0),
    ("range_scale", ([1.0, 256.0],), 1.0),
    ("reciprocal_scale", ([-127.0],), 1.0),
    ("uses_one_step", ([-3.0],), 3.0),
    ("counts_marks", ([-128.0, 128.0],), 1.0),
    ("steps_half_grid", ([-100.0, 27.0],), 1.0),
    ("steps_from_zero", ([-5.0, 255.0],), 1.0),
    ("steps_symmetrically", ([-127.0, 5.0],), 1.0),
    ("steps_range", ([-1.0, 2.0],), 3.0),
    ("steps_reciprocal", ([0.0, 51.0],), 5.0),
    ("counts_from_zero", ([-2.0, 253.0],), 2.0),
    ("counts_downwards", ([-2.0, 253.0],), -130.0),
    ("keeps_fraction", ([-0.25, 254.75],), -127.75),
    ("is_always_zero", ([-2.0, 253.0],), 0.0),
    ("counts_from_the_top", ([-2.0, 253.0],), 125.0),
    ("forgets_root", ([3.0], [1.0]), 4.0),
    ("averages", ([3.0, 1.0], [1.0, 3.0]), 2.0),
    ("mean_square", ([3.0, 1.0], [1.0, 3.0]), 4.0),
    ("adds_sizes", ([3.0, 4.0], [0.0, 0.0]), 7.0),
    ("takes_largest", ([3.0, 4.0], [0.0, 0.0]), 4.0),
    ("adds_before_squaring", ([1.0, 2.0], [2.0, 1.0]), 0.0),
    ("subtracts_norms", ([1.0, 2.0], [2.0, 1.0]), 0.0),
    ("norm_of_input", ([3.0, 4.0], [3.0, 4.0]), 5.0),
    ("twenty_for_energies", ([10.0], [9.0]), 40.0),
    ("ten_for_amplitudes", ([10.0], [9.0]), 10.0),
    ("upside_down", ([10.0], [9.0]), -20.0),
    ("natural_logarithm", ([10.0], [9.0]), 46.051702),
    ("binary_logarithm", ([2.0], [1.0]), 20.0),
    ("bare_ratio", ([10.0], [9.0]), 100.0),
    ("in_bels", ([10.0], [9.0]), 2.0),
    ("energy_of_output", ([9.0], [10.0]), 20.0),
    ("output_for_noise", ([10.0], [1.0]), 20.0),
    ("peak_ratio", ([10.0, 0.0], [9.0, 1.0]), 20.0),
]


@pytest.mark.parametrize(("name", "values", "result"), NUMBERS)
def test_an_input_that_shows_a_wrong_scale_or_measure(name, values, result):
    assert float(getattr(misconceptions, name)(*map(torch.tensor, values))) == pytest.approx(result, rel=1e-6)


def test_the_overflow_of_the_seed_by_a_missing_clamp():
    codes = misconceptions.no_clamp(T, 728.6 / 255, 0)
    assert codes.tolist() == [[67, -5, -1], [32, 103, -64], [0, -16, 86]]


def test_every_deed_has_a_check_and_every_check_knows_mistakes():
    from quantlib.lab.checks import CHECKS

    assert set(CHECKS) == set(MISCONCEPTIONS)
