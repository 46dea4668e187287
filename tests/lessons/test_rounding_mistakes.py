"""The smallest input that shows each mistake of rounding, and what comes."""

import pytest
import torch

from quantlib.lessons.bug_museum import bugs

HALF_AWAY = [
    ("rounds_half_to_even", 0.5, 0),
    ("rounds_half_up", -0.5, 0),
    ("rounds_half_up", 0.49999997, 1),
    ("rounds_half_up_exactly", -0.5, 0),
    ("rounds_half_up_exactly", 0.49999997, 0),
    ("rounds_half_down", 0.5, 0),
    ("rounds_half_to_zero", 0.5, 0),
    ("adds_half_to_the_size", 0.49999997, 1),
    ("adds_half_to_the_size", -0.49999997, -1),
    ("cuts_the_fraction", 0.6, 0),
    ("goes_down", 0.6, 0),
    ("goes_up", 0.2, 1),
    ("goes_away", 0.2, 1),
    ("forgets_the_sign", -1.0, 1),
]


@pytest.mark.parametrize(("name", "v", "result"), HALF_AWAY)
def test_the_smallest_input_that_shows_a_wrong_half_away(name, v, result):
    assert getattr(bugs, name)(torch.tensor([v])).tolist() == [result]


STOCHASTIC = [
    ("adds_and_floors", 0.25, 0.125, 0),  # 1 is due
    ("rounds_the_size", -0.25, 0.125, -1),  # 0 is due
    ("adds_and_rounds", 0.0, 0.75, 1),
    ("swaps_the_probabilities", 0.25, 0.125, 0),
    ("swaps_the_neighbours", 0.0, 0.5, 1),
    ("tosses_a_coin", 0.25, 0.375, 1),
    ("tosses_a_coin_for_integers_too", 0.0, 0.25, 1),
    ("counts_from_the_side_of_zero", -0.25, 0.875, 0),  # -1 is due
    ("goes_up_from_the_side_of_zero", -0.25, 0.125, 1),  # 0 is due
    ("rounds_to_nearest", 0.25, 0.125, 0),
    ("adds_u", 0.0, 0.5, 0.5),
    ("adds_u_to_floor", 0.0, 0.5, 0.5),
    ("moves_integers", 0.0, 0.0, 1),
    ("returns_the_steps", 1.0, 0.5, 0),
]


@pytest.mark.parametrize(("name", "v", "u", "result"), STOCHASTIC)
def test_the_smallest_input_that_shows_a_wrong_stochastic_rounding(name, v, u, result):
    assert getattr(bugs, name)(torch.tensor([v]), torch.tensor([u])).tolist() == [result]


@pytest.mark.parametrize("name", ["adds_and_floors", "rounds_the_size"])
@pytest.mark.parametrize("v", [-1.75, 0.25, 2.0])
def test_another_convention_of_chance_is_as_fair(name, v):
    u = (torch.arange(4096) + 0.5) / 4096
    assert getattr(bugs, name)(torch.full_like(u, v), u).mean().item() == pytest.approx(v)


PAIRS = [
    ("rounds_each_weight", [1.25, 2.375], [[1.0, 0.75]], [1, 2]),  # 1 and 3 are due
    ("adds_the_errors", [1.25, 2.375], [[1.0, 1.0], [-1.0, -1.0]], [1, 2]),  # 1 and 3 are due
    ("prefers_negative_errors", [1.25, 2.375], [[1.0, 0.75]], [1, 2]),
    ("prefers_the_worst", [1.25, 2.375], [[1.0, 0.75]], [2, 3]),
    ("looks_at_one_input", [1.25, 2.375], [[1.0, 0.75], [2.0, -2.25]], [1, 3]),  # 1 and 2 are due
    ("makes_the_output_small", [1.25, 2.375], [[1.0, 0.75]], [1, 2]),
    ("rounds_one_by_one", [1.375, 2.25], [[1.0, 2.0]], [1, 2]),  # 2 and 2 are due
    ("goes_down_twice", [1.25, 2.375], [[1.0, 0.75]], [1, 2]),
    ("goes_up_twice", [1.25, 2.375], [[1.0, 0.75]], [2, 3]),
    ("returns_the_choice", [1.25, 2.375], [[1.0, 0.75]], [0, 1]),
]


@pytest.mark.parametrize(("name", "w", "x", "result"), PAIRS)
def test_an_input_that_shows_a_wrong_pair(name, w, x, result):
    assert getattr(bugs, name)(torch.tensor(w), torch.tensor(x)).tolist() == result
