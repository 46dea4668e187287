"""A recipe for the writer is scored on what nothing was chosen by, window by window beside the float network."""

import pytest
import torch

from quantlib import bits_per_symbol
from quantlib.data.recipes import (
    RECIPE_MATRICES,
    calibration_hessians,
    score_recipe,
    tempest_half,
    window_losses,
)
from quantlib.data.writer import WRITER_MATRICES, character_logits, load_play, load_writer, text_windows
from quantlib.networks import Recipe, apply_recipe
from tests.helpers.strategies import message


def same(bits, method="nearest"):
    return Recipe({name: (bits, None) for name in RECIPE_MATRICES}, method)


def test_every_matrix_of_the_writer_has_a_place_in_a_recipe():
    matrices = {name.removesuffix(".weight") for name, w in load_writer().items() if w.ndim == 2}
    assert set(RECIPE_MATRICES) == matrices and len(RECIPE_MATRICES) == len(matrices)


def test_the_halves_share_no_window_and_are_the_whole_play():
    halves = [tempest_half(half) for half in ("first", "second")]
    assert torch.equal(torch.cat(halves), text_windows(load_play("tempest")))
    assert [len(half) for half in halves] == [766, 766]


def test_the_mean_loss_of_windows_is_that_of_their_characters():
    weights, windows = load_writer(), tempest_half("second")[:20]
    whole = bits_per_symbol(character_logits(weights, windows[:, :-1]), windows[:, 1:])
    losses = window_losses(weights, windows)
    assert losses.shape == (20,) and losses.mean().item() == pytest.approx(whole, abs=1e-5)


def test_float_weights_through_fp16_cost_nothing():
    bits, above, error = score_recipe(same(16))
    assert bits == 16 and abs(above) < 1e-4 and error < 1e-4


def test_a_score_is_the_paired_difference_on_the_second_half():
    recipe, windows = same(4), tempest_half("second")
    rounded = apply_recipe(load_writer(), recipe)
    apart = window_losses(rounded, windows) - window_losses(load_writer(), windows)
    bits, above, error = score_recipe(recipe)
    assert (bits, above) == (pytest.approx(4.3295, abs=1e-4), pytest.approx(apart.mean().item(), abs=1e-6))
    assert error == pytest.approx(apart.std().item() / len(apart) ** 0.5, abs=1e-6)
    assert above == pytest.approx(0.157, abs=0.002)
    assert score_recipe(recipe, "first").above != above


def test_gptq_learns_from_plays_that_are_not_judged_by_and_gains():
    assert set(calibration_hessians()) == set(WRITER_MATRICES)
    assert score_recipe(same(4, "gptq")).above < 0.75 * score_recipe(same(4)).above


def test_another_half_is_an_error():
    expected = 'a half is "first" or "second", got \'third\'; choose by the "first", score on the "second"'
    assert message(lambda: score_recipe(same(4), "third")) == expected
