"""Five roundings: each against its definition in exact arithmetic, and each with its documented bias."""

import math
from fractions import Fraction

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from quantlib import quantize, round_floor, round_half_away, round_half_even, round_stochastic, round_truncate
from tests.helpers.strategies import DTYPES, LAYOUTS, errors, message

FIXED = (round_half_even, round_half_away, round_floor, round_truncate)
V = torch.tensor([0.5, 1.5, 2.5, -0.5, -1.5, -2.5, 0.3, -0.3, 1.7, -1.7, 3.0, 0.0])


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def stochastic(v):
    return round_stochastic(v, seeded())


ALL = (*FIXED, stochastic)


def away(value):
    """Half away from zero, in exact arithmetic."""
    return int(math.copysign(math.floor(abs(Fraction(value)) + Fraction(1, 2)), value))


DEFINITIONS = {
    round_half_even: lambda value: round(Fraction(value)),
    round_half_away: away,
    round_floor: lambda value: math.floor(Fraction(value)),
    round_truncate: lambda value: math.trunc(Fraction(value)),
}


def evenly(count=2**16, codes=8):
    """Values that lie evenly between the integers, and on none."""
    return (torch.arange(count).double() + 0.5) / count * 2 * codes - codes


# --- each against its definition


@pytest.mark.parametrize("function", FIXED)
@given(st.lists(st.floats(-(2.0**30), 2.0**30, width=32) | st.integers(-9, 9).map(lambda n: n / 2), min_size=1))
def test_a_value_goes_to_the_integer_of_its_definition(function, values):
    expected = [DEFINITIONS[function](value) for value in values]
    for dtype in (torch.float32, torch.float64):
        assert function(torch.tensor(values, dtype=dtype)).tolist() == expected


@pytest.mark.parametrize("function", FIXED)
@pytest.mark.parametrize("dtype", DTYPES)
def test_the_neighbours_of_a_tie_go_to_the_nearer_integer(function, dtype):
    half = torch.tensor(0.5, dtype=dtype)
    down = torch.nextafter(half, torch.zeros_like(half)) if dtype != torch.float16 else half - 2.0**-12
    for value in (down, -down, half, -half):
        assert function(value).item() == DEFINITIONS[function](value.item())


def test_ties_by_hand():
    ties = torch.tensor([0.5, 1.5, 2.5, -0.5, -1.5, -2.5])
    assert round_half_even(ties).tolist() == [0, 2, 2, 0, -2, -2]
    assert round_half_away(ties).tolist() == [1, 2, 3, -1, -2, -3]
    assert round_floor(ties).tolist() == [0, 1, 2, -1, -2, -3]
    assert round_truncate(ties).tolist() == [0, 1, 2, 0, -1, -2]


def test_half_even_is_what_quantize_does():
    ties = torch.arange(-20, 20) + 0.5
    assert torch.equal(round_half_even(ties + 3), quantize(ties, 1.0, 3).float())


@given(st.lists(st.floats(-1000.0, 1000.0, width=32), min_size=1), st.integers(0, 2**32))
def test_a_stochastic_result_is_one_of_the_two_neighbours(values, seed):
    v = torch.tensor(values)
    result = round_stochastic(v, seeded(seed))
    assert ((result == v.floor()) | (result == v.ceil())).all()


# --- bias


@pytest.mark.parametrize(
    ("function", "mean", "square"),
    [
        (round_half_even, 0.0, 1 / 12),
        (round_half_away, 0.0, 1 / 12),
        (round_floor, -0.5, 1 / 3),
        (round_truncate, 0.0, 1 / 3),
        (stochastic, 0.0, 1 / 6),
    ],
)
def test_the_error_has_the_documented_mean_and_mean_square(function, mean, square):
    v = evenly()
    error = function(v) - v
    chance = 0.01 if function is stochastic else 1e-6  # 0.01 is over six standard deviations
    assert error.mean().item() == pytest.approx(mean, abs=chance)
    assert error.square().mean().item() == pytest.approx(square, abs=chance)


def test_truncation_shrinks_both_signs_by_half_a_code():
    v = evenly()
    error = round_truncate(v) - v
    assert error[v > 0].mean().item() == pytest.approx(-0.5) and error[v < 0].mean().item() == pytest.approx(0.5)


def test_ties_of_positive_values_are_unbiased_to_even_and_half_a_code_too_large_away():
    ties = torch.arange(1000) + 0.5
    assert (round_half_even(ties) - ties).mean().item() == 0.0
    assert (round_half_away(ties) - ties).mean().item() == 0.5


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("fraction", [0.0625, 0.25, 0.5, 0.875])
def test_stochastic_rounding_is_right_on_average_for_each_value(fraction, dtype):
    count = 40_000
    for whole in (-3.0, 0.0, 5.0):
        v = torch.full((count,), whole + fraction, dtype=dtype)
        mean = stochastic(v).double().mean().item()
        assert mean == pytest.approx(whole + fraction, abs=6 * math.sqrt(fraction * (1 - fraction) / count))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_drawn_as_finely_as_float32(dtype):
    # Draws of its own would be multiples of 2^-11 or 2^-8, so at least twice as many would go up.
    v = torch.full((2**20,), 2.0**-12, dtype=dtype)
    assert stochastic(v).sum(dtype=torch.float64).item() == pytest.approx(256, abs=6 * 16)


def test_float64_is_drawn_in_float64():
    v = torch.rand(1000, generator=seeded(1), dtype=torch.float64)
    assert torch.equal(stochastic(v), (torch.rand(1000, generator=seeded(), dtype=torch.float64) < v).double())


def test_the_draws_are_made_where_v_is_whatever_the_default_device():
    expected = stochastic(V)
    with torch.device("meta"):
        assert torch.equal(stochastic(V), expected)


def test_a_draw_of_zero_leaves_an_integer_where_it_is(monkeypatch):
    monkeypatch.setattr(torch, "rand", lambda shape, **_: torch.zeros(shape))
    assert stochastic(torch.tensor([2.0, -3.0, 0.0, 0.25])).tolist() == [2.0, -3.0, 0.0, 1.0]


def test_many_small_updates_survive_stochastic_rounding_only():
    nearest = drawn = torch.zeros(1000)
    generator = seeded()
    for _ in range(100):
        nearest, drawn = round_half_even(nearest + 0.1), round_stochastic(drawn + 0.1, generator)
    assert (nearest == 0.0).all() and drawn.mean().item() == pytest.approx(10.0, abs=0.6)


def test_the_generator_decides_the_draws():
    v = evenly(1000)
    assert torch.equal(round_stochastic(v, seeded(1)), round_stochastic(v, seeded(1)))
    assert not torch.equal(round_stochastic(v, seeded(1)), round_stochastic(v, seeded(2)))


# --- every rounding


@pytest.mark.parametrize("function", ALL)
@pytest.mark.parametrize("dtype", DTYPES)
def test_shape_and_dtype_stay_and_the_input_is_unchanged(function, dtype):
    v = V.to(dtype).reshape(3, 4)
    before = v.clone()
    result = function(v)
    assert result.shape == v.shape and result.dtype == dtype and torch.equal(v, before)


@pytest.mark.parametrize("function", ALL)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_gives_integers(function, layout):
    v = layout(V.reshape(3, 4))
    result = function(v).detach()
    assert torch.equal(result, result.round()) and ((result - v.detach()).abs() <= 1.0).all()


@pytest.mark.parametrize("function", ALL)
@pytest.mark.parametrize("dtype", DTYPES)
def test_integers_stay_what_they_are(function, dtype):
    v = torch.arange(-128, 128).to(dtype)
    assert torch.equal(function(v), v)


@pytest.mark.parametrize("function", ALL)
@pytest.mark.parametrize("dtype", DTYPES)
def test_nan_and_infinities_stay_what_they_are(function, dtype):
    v = torch.tensor([math.nan, math.inf, -math.inf], dtype=dtype)
    assert torch.equal(torch.nan_to_num(function(v), nan=7.0), torch.nan_to_num(v, nan=7.0))


@pytest.mark.parametrize("function", ALL)
def test_empty_and_0d_tensors_work(function):
    assert function(torch.tensor([])).shape == (0,) and function(torch.tensor(2.0)).item() == 2.0


# --- errors

ADVICE = 'make one: torch.Generator("cpu").manual_seed(0)'


@errors(
    *(("v must be a torch tensor, got list; wrap it: torch.tensor(v)", lambda f=f: f([1.5])) for f in ALL),
    *(
        (
            "v must hold floating-point numbers, got torch.int64; integers need no rounding",
            lambda f=f: f(torch.tensor([1])),
        )
        for f in ALL
    ),
    (f"draws come from a torch.Generator, got int; {ADVICE}", lambda: round_stochastic(V, 0)),
    (f"draws come from a torch.Generator, got NoneType; {ADVICE}", lambda: round_stochastic(V, None)),
    (
        'the generator must be on v\'s device, meta, got cpu; make one: torch.Generator("meta").manual_seed(0)',
        lambda: round_stochastic(V.to("meta"), seeded()),
    ),
)
def test_a_value_that_cannot_be_rounded_is_told_in_full(text, call):
    assert message(call) == text
