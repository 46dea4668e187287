"""Layer 0 of MiniLM is the model's own, its text stays as it is, and the hook meets what goes into matrices."""

import re

import pytest
import torch
from safetensors import safe_open

from quantlib.data import load_weight
from quantlib.data.encoder import (
    ELSEWHERE,
    ENCODER_MATRICES,
    ENCODER_PATH,
    ENCODER_SHA256,
    ENCODER_SHAPES,
    NAMES_IN_FILE,
    encoder_embeddings,
    encoder_inputs,
    encoder_pieces,
    encoder_tokens,
    load_encoder,
)
from quantlib.errors import QuantlibError
from tools.once import cut_minilm_layer, cutting

README = (ENCODER_PATH.parent / "README.md").read_text(encoding="utf-8")
WINDOWS = {"prose": 130, "verse": 64, "code": 64}

# Channel 99 of every 6th piece of the first window of verse: the embeddings of the model before rounding to float16,
# and what torch.nn.TransformerEncoderLayer makes of them with the model's tensors.
EMBEDDINGS = [6.335, 0.3072, -0.1932, -0.0738, -0.2612, -0.1094, -0.0791, -0.1492, -0.007, -0.2879, -0.1241]
OUTPUT = [8.1315, 0.4692, -0.0431, 0.063, -0.2798, -0.034, -0.1773, -0.091, -0.0129, -0.2475, 0.0112]


@pytest.fixture(scope="module")
def weights():
    return load_encoder()


@pytest.fixture(scope="module")
def verse():
    return encoder_tokens("verse")[:3]


@pytest.fixture(scope="module")
def inputs(weights, verse):
    return encoder_inputs(weights, verse)


# The file


def test_the_file_is_the_one_we_cut():
    assert cutting.sha256(ENCODER_PATH.read_bytes()) == ENCODER_SHA256


def test_the_readme_prints_the_hashes():
    row = r"^\| {} .*\| `([0-9a-f]{{64}})` \|$"
    assert re.findall(row.format("ours, `minilm_layer0.safetensors`"), README, re.MULTILINE) == [ENCODER_SHA256]
    assert re.findall(row.format("the vocabulary, `vocab.txt`"), README, re.MULTILINE) == [
        cut_minilm_layer.VOCABULARY_SHA256
    ]


def test_the_data_stay_small():
    assert sum(path.stat().st_size for path in ENCODER_PATH.parent.iterdir() if path.is_file()) < 8_600_000


def test_the_file_names_its_source_in_its_own_metadata():
    with safe_open(ENCODER_PATH, framework="pt") as file:
        metadata = file.metadata()
    assert metadata.keys() == {*cut_minilm_layer.METADATA, "pieces"}
    assert metadata.items() >= cut_minilm_layer.METADATA.items()
    assert (metadata["license"], metadata["package_version"]) == ("Apache-2.0", "0.1.0")


def test_the_file_holds_the_tensors_that_the_readme_lists_and_no_others():
    with safe_open(ENCODER_PATH, framework="pt") as file:
        assert set(file.keys()) == {*NAMES_IN_FILE.values(), *(f"tokens.{kind}" for kind in WINDOWS)}
        for name, in_file in NAMES_IN_FILE.items():
            shape, dtype = ENCODER_SHAPES[name], str(file.get_tensor(in_file).dtype).removeprefix("torch.")
            assert f'| `"{name}"` | `{in_file}` | {" x ".join(map(str, shape))} | {dtype} |' in README
    assert {*ENCODER_SHAPES} == {*NAMES_IN_FILE, *ELSEWHERE}


def test_the_text_is_what_stands_beside_the_script():
    pieces = encoder_pieces()
    for kind, count in WINDOWS.items():
        tokens = encoder_tokens(kind)
        assert (tokens.shape, tokens.dtype) == ((count, 64), torch.int64)
        assert [[pieces[i] for i in row] for row in tokens.tolist()] == cut_minilm_layer.read_windows(kind)


def test_every_piece_occurs():
    used = torch.cat([encoder_tokens(kind).flatten() for kind in WINDOWS]).unique()
    assert torch.equal(used, torch.arange(len(encoder_pieces())))
    assert len(encoder_pieces()) == len(set(encoder_pieces())) == ENCODER_SHAPES["word.weight"][0]


def test_packing_again_gives_the_same_bytes():
    with safe_open(ENCODER_PATH, framework="pt") as file:
        tensors = {name: file.get_tensor(name) for name in sorted(file.keys())}
        assert cutting.sha256(cutting.pack(tensors, file.metadata())) == ENCODER_SHA256


def test_the_script_refuses_an_unknown_model_and_an_unknown_vocabulary(monkeypatch):
    with pytest.raises(SystemExit, match=r"^the model file must have sha256 53aa.*, got .*; down"):
        cut_minilm_layer.cut(b"another model", b"")
    monkeypatch.setattr(cut_minilm_layer, "check_model", lambda *_: None)
    with pytest.raises(SystemExit, match=r"^the vocabulary must have sha256 07ec.*, got .*; down"):
        cut_minilm_layer.cut(b"", b"another vocabulary")


def test_rows_are_those_of_the_pieces_and_matrices_are_rounded():
    whole = torch.arange(12.0).reshape(4, 3) + 0.0001
    rows = cut_minilm_layer.tensor_of("word.weight", whole, [3, 1])
    assert (rows.tolist(), rows.dtype) == ([[9, 10, 11], [3, 4, 5]], torch.float16)
    one = cut_minilm_layer.tensor_of("token_type.weight", whole, [])
    assert torch.equal(one, whole[:1]) and one.is_contiguous()
    bias = torch.ones(384) / 3
    assert torch.equal(cut_minilm_layer.tensor_of("query.bias", bias, []), bias)


# Loading


def test_a_caller_may_change_the_tokens():
    encoder_tokens("verse").zero_()
    assert encoder_tokens("verse").any()


def test_two_matrices_are_those_of_load_weight(weights):
    for name in ("query", "ffn_down"):
        assert torch.equal(weights[f"{name}.weight"], load_weight(name))


@pytest.mark.parametrize("kind", ["poem", "", "PROSE", None])
def test_an_unknown_kind_is_told_the_known_ones(kind):
    message = f"the kinds of text are 'prose', 'verse', 'code', got {kind!r}; use one, for example "
    with pytest.raises(QuantlibError) as caught:
        encoder_tokens(kind)
    assert str(caught.value) == message + 'encoder_tokens("prose")'


# The forward pass


def test_the_layer_is_torchs(weights, verse, inputs):
    layer = torch.nn.TransformerEncoderLayer(384, 12, 1536, 0.0, "gelu", layer_norm_eps=1e-12, batch_first=True)
    names = {"self_attn.out_proj": "attention_out", "linear1": "ffn_up", "linear2": "ffn_down"}
    names |= {"norm1": "attention_norm", "norm2": "ffn_norm"}
    state = {f"{its}.{part}": weights[f"{ours}.{part}"] for its, ours in names.items() for part in ("weight", "bias")}
    for part in ("weight", "bias"):
        parts = [weights[f"{name}.{part}"] for name in ("query", "key", "value")]
        state[f"self_attn.in_proj_{part}"] = torch.cat(parts)
    layer.load_state_dict(state)
    with torch.no_grad():
        own = layer.eval()(encoder_embeddings(weights, verse))
    torch.testing.assert_close(inputs["output"], own, atol=1e-5, rtol=0)


def test_the_embeddings_are_sums_of_rows(weights, verse):
    with torch.no_grad():
        words = torch.nn.Embedding.from_pretrained(weights["word.weight"])(verse)
        norm = torch.nn.LayerNorm(384, eps=1e-12)
        norm.load_state_dict({part: weights[f"embedding_norm.{part}"] for part in ("weight", "bias")})
        own = norm(words + weights["position.weight"] + weights["token_type.weight"])
    torch.testing.assert_close(encoder_embeddings(weights, verse), own, atol=1e-6, rtol=0)


def test_rounding_to_float16_moved_the_output_by_less_than_a_thousandth(inputs):
    for name, own in (("query", EMBEDDINGS), ("output", OUTPUT)):
        torch.testing.assert_close(inputs[name][0, ::6, 99], torch.tensor(own), atol=1e-3, rtol=0)


def test_the_inputs_fit_their_matrices(weights, inputs):
    assert list(inputs) == [*ENCODER_MATRICES, "residual", "output"]
    for name in ENCODER_MATRICES:
        assert inputs[name].shape == (3, 64, weights[f"{name}.weight"].shape[1])
    down = inputs["ffn_down"] @ weights["ffn_down.weight"].T + weights["ffn_down.bias"]
    torch.testing.assert_close(inputs["residual"], inputs["ffn_up"] + down, atol=1e-4, rtol=0)


def test_a_window_may_be_shorter(weights, verse):
    short = encoder_inputs(weights, verse[:, :5])["output"]
    assert short.shape == (3, 5, 384)
    assert torch.equal(encoder_embeddings(weights, verse[:, :5]), encoder_embeddings(weights, verse)[:, :5])


def test_a_window_knows_nothing_of_the_others(weights, verse, inputs):
    torch.testing.assert_close(encoder_inputs(weights, verse[1:2])["output"], inputs["output"][1:2], atol=1e-5, rtol=0)


def test_the_hook_sees_what_goes_into_each_matrix(weights, verse, inputs):
    seen = {}
    found = encoder_inputs(weights, verse, lambda name, x: seen.setdefault(name, x))
    assert tuple(seen) == ENCODER_MATRICES
    assert all(torch.equal(seen[name], inputs[name]) for name in seen)
    assert torch.equal(found["output"], inputs["output"])


@pytest.mark.parametrize("name", ENCODER_MATRICES)
def test_the_network_goes_on_with_what_the_hook_returns(weights, verse, inputs, name):
    found = encoder_inputs(weights, verse, lambda here, x: torch.zeros_like(x) if here == name else x)
    assert torch.equal(found[name], inputs[name])  # before it was changed
    assert not torch.allclose(found["output"], inputs["output"], atol=1e-3)
    without = {**weights, f"{name}.weight": torch.zeros_like(weights[f"{name}.weight"])}
    torch.testing.assert_close(found["output"], encoder_inputs(without, verse)["output"], atol=1e-5, rtol=0)


def test_neither_weights_nor_tokens_change(weights, verse):
    assert torch.equal(verse, encoder_tokens("verse")[:3])
    assert all(torch.equal(weight, weights[name]) for name, weight in load_encoder().items())


@pytest.mark.parametrize(
    ("tokens", "rule", "got"),
    [
        (torch.zeros(64), "ids must be rows of 1 to 64 integers", "torch.float32 of shape (64,)"),
        (torch.zeros(2, 64), "ids must be rows of 1 to 64 integers", "torch.float32 of shape (2, 64)"),
        (torch.zeros(64, dtype=torch.int64), "ids must be rows of 1 to 64 integers", "torch.int64 of shape (64,)"),
        (torch.zeros(1, 65).long(), "ids must be rows of 1 to 64 integers", "torch.int64 of shape (1, 65)"),
        (torch.zeros(1, 0).long(), "ids must be rows of 1 to 64 integers", "torch.int64 of shape (1, 0)"),
        ([[0]], "ids must be rows of 1 to 64 integers", "list"),
        (torch.tensor([[0, 1923]]), "ids must be from 0 to 1922", "0 to 1923"),
        (torch.tensor([[-1, 3]]), "ids must be from 0 to 1922", "-1 to 3"),
    ],
)
def test_tokens_are_rows_of_pieces(weights, tokens, rule, got):
    for function in (encoder_embeddings, encoder_inputs):
        with pytest.raises(QuantlibError) as caught:
            function(weights, tokens)
        assert str(caught.value) == f'{rule}, got {got}; pass encoder_tokens("prose")'


@pytest.mark.parametrize("name", ENCODER_SHAPES)
@pytest.mark.parametrize(("wrong", "got"), [(None, "NoneType"), (torch.zeros(3), "torch.float32 of shape (3,)")])
def test_every_tensor_must_be_there(weights, verse, name, wrong, got):
    advice = "start from load_encoder() and replace tensors by name"
    with pytest.raises(QuantlibError) as caught:
        encoder_inputs({**weights, name: wrong}, verse)
    assert str(caught.value) == f"the network needs {name!r} of shape {ENCODER_SHAPES[name]}, got {got}; {advice}"


# What the notebooks say about it


@pytest.fixture(scope="module")
def on_prose(weights):
    return encoder_inputs(weights, encoder_tokens("prose"))


def test_one_piece_makes_the_outlier_of_channel_99(on_prose):
    channel = on_prose["ffn_up"][:, :, 99]
    assert channel[:, 0].mean().item() == pytest.approx(28.46, abs=0.01) and channel[:, 0].std() < 0.03
    assert channel[:, 1:].abs().max() < 1.75


def test_one_neuron_speaks_at_the_beginning_only(on_prose):
    neuron = on_prose["ffn_down"][:, :, 856]
    assert neuron[:, 0].mean().item() == pytest.approx(24.43, abs=0.01)
    assert neuron[:, 1:].abs().max() < 0.001


def test_four_columns_of_384_exceed_6(on_prose):
    assert (on_prose["ffn_up"].flatten(0, 1).abs().amax(0) > 6).sum() == 4
