"""What a quantized network still hears: the explorer agrees with quantlib, and the pictures say what is so."""

from functools import cache

import pytest
import torch

from quantlib import choose_qparams, fake_quantize, from_groups, to_groups
from quantlib.data.silero import load_silero, speech_probability
from quantlib.data.speech import synthesize_speech
from quantlib.lessons.granularity.hearing import Heard, draw_hearing, draw_suspects, explore_hearing, finding, shared

NETWORK, (SOUND, SPOKEN) = load_silero(), synthesize_speech()


def restored(w, bits, sharing):
    if sharing == 3:
        groups = to_groups(w.flatten(1), 32)
        w_hat = fake_quantize(groups, *choose_qparams(groups, bits, symmetric=True, axis=(0, 1)))
        return from_groups(w_hat, w[0].numel()).reshape(w.shape)
    return fake_quantize(w, *choose_qparams(w, bits, symmetric=True, axis={1: None, 2: 0}[sharing]))


@cache
def readout(b, g):
    """What the readout must contain: how many windows are called speech, and how many are decided as in float."""
    quantized = {name: restored(w, int(b), int(g)) if "weight" in name else w for name, w in NETWORK.items()}
    p, q = speech_probability(NETWORK, SOUND), speech_probability(quantized, SOUND)
    same = ((p > 0.5) == (q > 0.5)).sum()
    name = {1: "one scale a tensor", 2: "one scale a channel", 3: "one scale for 32 weights"}[int(g)]
    says = f"speech in {(q > 0.5).sum()} of 264 windows with {int(b)} bits, {name}, and in 140 in float"
    return f"the network hears {says}. The same decision in {same} of 264 windows"


@pytest.fixture(scope="module")
def explorer():
    return explore_hearing(NETWORK, SOUND, SPOKEN)


def test_readout_agrees_with_quantlib_at_every_end(explorer):
    for b in (2, 8):
        for g in (1, 2, 3):
            text = explorer.move(b=b, g=g)
            assert readout(b, g) in text and f"b = {b} and g = {g}" in text


def test_a_setting_is_worked_out_once(explorer, monkeypatch):
    first = explorer.move(b=5, g=2)
    explorer.move(b=5, g=1)
    monkeypatch.setattr("quantlib.lab.hearing.speech_probability", lambda *a: 1 / 0)
    assert explorer.move(b=5, g=2) == first


def test_blitting_draws_what_a_full_redraw_draws(explorer):
    for b, g in ((2, 3), (4, 2), (8, 1)):
        explorer.move(b=b, g=g)
    assert explorer.picture.png == explore_hearing(NETWORK, SOUND, SPOKEN).picture.png


@pytest.mark.parametrize("sharing", [1, 2, 3])
def test_who_shares_a_scale_is_a_tensor_a_channel_or_a_group(sharing):
    for name in ("conv1.weight", "lstm.weight_hh", "output.weight"):
        assert torch.equal(shared(NETWORK[name], 4, sharing), restored(NETWORK[name], 4, sharing))


def test_what_is_never_heard_is_said_in_words():
    p, q = torch.tensor([0.9, 0.1]).numpy(), torch.tensor([0.4, 0.1]).numpy()
    assert finding(Heard("a", p, q)) == "it never hears speech"
    assert finding(Heard("a", p, p)) == "it decides as in float in 2 of 2 windows"


def test_a_picture_says_what_both_networks_hear():
    p = torch.full((264,), 0.2)
    q = torch.where(torch.arange(264) < 10, 0.9, 0.2)
    alt = draw_hearing(SOUND, SPOKEN, p, q, "a copy").alt
    assert "the network hears speech in 10 of 264 windows with a copy, and in 0 in float." in alt
    assert "The same decision in 254 of 264 windows; largest change of the probability 0.700." in alt


def test_the_suspects_are_compared_with_their_nearest():
    alt = draw_suspects({"a": (18.0, 250), "b": (17.5, 100), "c": (30.0, 264)}, 264).alt
    assert "b alone makes the network deaf; a has almost the same SQNR" in alt and "c 30.0 dB, 264 windows" in alt
