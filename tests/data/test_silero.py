"""The vendored network is Silero VAD, our forward pass is its own, and what the notebooks tell of it holds."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open

from quantlib import choose_qparams, fake_quantize, from_groups, quantize, sqnr_db, to_groups
from quantlib.data.silero import (
    NAMES_IN_FILE,
    SILERO_PATH,
    SILERO_SHA256,
    SILERO_SHAPES,
    _lstm,
    load_silero,
    speech_probability,
)
from quantlib.data.speech import _resonate, synthesize_speech
from quantlib.errors import QuantlibError
from tools.once import cut_silero, cutting

README = (SILERO_PATH.parent / "README.md").read_text(encoding="utf-8")
TRAINED = [name for name in SILERO_SHAPES if "weight" in name]
OUTLIER = (53, 17, 1)  # of conv4.weight

# Every 12th probability of the network's own TorchScript file, silero-vad 6.2.3, on synthesize_speech():
# printed by `python -m tools.once.cut_silero`.
OWN = [
    *(0.087858, 0.003473, 0.999234, 0.998759, 0.996348, 0.084276, 0.060114, 0.004104, 0.99256, 0.998773, 0.998655),
    *(0.990971, 0.090866, 0.036406, 0.004881, 0.995608, 0.999765, 0.999255, 0.994558, 0.048085, 0.027435, 0.002263),
]


@pytest.fixture(scope="module")
def weights():
    return load_silero()


@pytest.fixture(scope="module")
def clip():
    return synthesize_speech()


@pytest.fixture(scope="module")
def in_float(weights, clip):
    return speech_probability(weights, clip[0])


# The file


def test_the_file_is_the_one_we_cut():
    assert cutting.sha256(SILERO_PATH.read_bytes()) == SILERO_SHA256


def test_the_readme_prints_the_hash_of_the_file_and_of_the_model():
    row = r"^\| {} .*\| `([0-9a-f]{{64}})` \|$"
    assert re.findall(row.format("ours, `silero.safetensors`"), README, re.MULTILINE) == [SILERO_SHA256]
    assert re.findall(row.format("the model, `silero_vad.jit`"), README, re.MULTILINE) == [cut_silero.MODEL_SHA256]


def test_the_file_names_its_source_in_its_own_metadata():
    with safe_open(SILERO_PATH, framework="pt") as file:
        metadata = file.metadata()
    assert metadata == {
        "changes": "the tensors of the 16 kHz network selected, no value changed",
        "license": "MIT",
        "model": "snakers4/silero-vad",
        "model_sha256": "e1122837f4154c511485fe0b9c64455f7b929c96fbb8d79fbdb336383ebd3720",
        "package": "silero-vad",
        "package_version": "6.2.3",
    }


def test_the_file_holds_the_tensors_that_the_readme_lists_and_no_others():
    with safe_open(SILERO_PATH, framework="pt") as file:
        assert sorted(file.keys()) == sorted(NAMES_IN_FILE.values())
    for name, shape in SILERO_SHAPES.items():
        assert f'| `"{name}"` | `{NAMES_IN_FILE[name]}` | {" x ".join(map(str, shape))} |' in README


def test_the_licence_is_there_in_full():
    text = (SILERO_PATH.parent / "LICENSE-SILERO-MIT.txt").read_text(encoding="utf-8")
    assert text.startswith("MIT License\n\nCopyright (c) 2020-present Silero Team\n")
    assert "The above copyright notice and this permission notice shall be included" in text
    assert text.rstrip().endswith("SOFTWARE.")
    assert "LICENSE-SILERO-MIT.txt" in README


def test_packing_again_gives_the_same_bytes():
    with safe_open(SILERO_PATH, framework="pt") as file:
        tensors = {name: file.get_tensor(name) for name in reversed(sorted(file.keys()))}
    assert cutting.sha256(cutting.pack(tensors, cut_silero.METADATA)) == SILERO_SHA256


def test_the_script_refuses_an_unknown_model():
    with pytest.raises(SystemExit, match=r"^the model file must have sha256 e112.*, got .*; download silero-vad 6"):
        cut_silero.cut(b"another model")


@pytest.mark.parametrize("off", [2e-5, torch.nan])
def test_the_script_refuses_a_forward_pass_that_is_off_by_a_little(off):
    own = torch.tensor(OWN)
    cut_silero.check_close(own + 1e-6, own)
    with pytest.raises(SystemExit, match=r"^a probability may differ by 1e-05 from the network's own, got"):
        cut_silero.check_close(own + torch.tensor([off] + [0.0] * 21), own)


# Loading


def test_the_names_are_those_of_the_file(weights):
    assert list(weights) == list(NAMES_IN_FILE)


def test_importing_the_networks_imports_neither_safetensors_nor_matplotlib():
    heavy = "{'safetensors', 'matplotlib', 'ipywidgets'}"
    modules = ", ".join(f"quantlib.data.{name}" for name in ("silero", "speech", "encoder", "writer"))
    code = f"import sys, {modules}; print({heavy} & set(sys.modules))"
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("set()\n", "")


# The forward pass


def test_the_probabilities_are_the_networks_own(in_float):
    assert in_float.shape == (264,)
    torch.testing.assert_close(in_float[::12], torch.tensor(OWN), atol=1e-5, rtol=0)


def test_the_basis_is_the_fourier_transform_under_a_hann_window(weights):
    angle = 2 * torch.pi * torch.arange(129).double()[:, None] * torch.arange(256) / 256
    basis = torch.cat([angle.cos(), -angle.sin()]) * torch.hann_window(256, dtype=torch.float64)
    torch.testing.assert_close(weights["stft"][:, 0].double(), basis, atol=1e-6, rtol=0)


def test_the_cell_is_torchs_lstm(weights):
    lstm = torch.nn.LSTM(128, 128).requires_grad_(False)
    for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
        getattr(lstm, f"{name}_l0").copy_(weights[f"lstm.{name}"])
    features = 3 * torch.rand(40, 128, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(_lstm(weights, features), lstm(features)[0], atol=1e-5, rtol=0)


@pytest.mark.parametrize(("samples", "windows"), [(1, 1), (511, 1), (512, 1), (513, 2), (16_000, 32)])
def test_the_last_window_is_filled_up_with_zeros(weights, samples, windows):
    audio = torch.rand(samples, generator=torch.Generator().manual_seed(0)) - 0.5
    filled = torch.cat([audio, torch.zeros(windows * 512 - samples)])
    assert speech_probability(weights, audio).shape == (windows,)
    assert torch.equal(speech_probability(weights, audio), speech_probability(weights, filled))


def test_a_window_does_not_hear_the_future(weights, clip, in_float):
    # Other batch sizes may sum in another order, hence no equality to the last bit.
    torch.testing.assert_close(speech_probability(weights, clip[0][: 40 * 512]), in_float[:40], atol=1e-5, rtol=0)


def test_the_dtype_is_that_of_the_weights(weights, clip, in_float):
    double = {name: weight.double() for name, weight in weights.items()}
    p = speech_probability(double, clip[0])
    assert p.dtype == torch.float64
    torch.testing.assert_close(p.float(), in_float, atol=1e-5, rtol=0)


def test_the_hook_sees_what_goes_into_the_matrices(weights, clip, in_float):
    seen = {}

    def act(name, x):
        seen.setdefault(name, []).append(x)
        return x

    assert torch.equal(speech_probability(weights, clip[0], act), in_float)
    assert list(seen) == ["conv1", "conv2", "conv3", "conv4", "lstm_input", "lstm_hidden", "output"]
    assert {len(seen[name]) for name in seen if name != "lstm_hidden"} == {1} and len(seen["lstm_hidden"]) == 264
    assert seen["conv1"][0].shape == (264, 129, 4) and seen["lstm_input"][0].shape == (264, 128)
    assert seen["lstm_hidden"][1].shape == (128,) and not seen["lstm_hidden"][0].any()
    assert torch.equal(seen["output"][0][:-1], torch.stack(seen["lstm_hidden"][1:]).relu())


@pytest.mark.parametrize("name", ["conv1", "conv2", "conv3", "conv4", "lstm_input", "lstm_hidden", "output"])
def test_the_network_goes_on_with_what_the_hook_returns(weights, clip, in_float, name):
    audio = clip[0][: 40 * 512]
    found = speech_probability(weights, audio, lambda here, x: torch.zeros_like(x) if here == name else x)
    assert not torch.allclose(found, in_float[:40], atol=1e-3)
    where = {"lstm_input": "lstm.weight_ih", "lstm_hidden": "lstm.weight_hh"}.get(name, f"{name}.weight")
    without = {**weights, where: torch.zeros_like(weights[where])}
    torch.testing.assert_close(found, speech_probability(without, audio), atol=1e-5, rtol=0)


def test_neither_weights_nor_audio_change(weights, clip):
    audio = clip[0].clone()
    speech_probability(weights, audio)
    assert torch.equal(audio, clip[0])
    assert all(torch.equal(weight, weights[name]) for name, weight in load_silero().items())


def test_a_gradient_reaches_every_trained_weight(weights, clip):
    learned = {name: weight.clone().requires_grad_(name in TRAINED) for name, weight in weights.items()}
    speech_probability(learned, clip[0][16 * 512 : 36 * 512]).sum().backward()
    assert all(learned[name].grad.isfinite().all() and learned[name].grad.any() for name in TRAINED)


@pytest.mark.parametrize(
    ("audio", "got"),
    [
        (torch.zeros(1, 512), "torch.float32 of shape (1, 512)"),
        (torch.zeros(512, dtype=torch.int16), "torch.int16 of shape (512,)"),
        (torch.zeros(0), "torch.float32 of shape (0,)"),
        ([0.0] * 512, "list"),
    ],
)
def test_audio_is_one_row_of_samples(weights, audio, got):
    rule = "audio must be one row of floating-point samples, at least one"
    with pytest.raises(QuantlibError) as caught:
        speech_probability(weights, audio)
    assert str(caught.value) == f"{rule}, got {got}; use audio[0].float()"


@pytest.mark.parametrize("name", SILERO_SHAPES)
@pytest.mark.parametrize(("wrong", "got"), [(None, "NoneType"), (torch.zeros(3), "torch.float32 of shape (3,)")])
def test_every_tensor_must_be_there(weights, clip, name, wrong, got):
    advice = "start from load_silero() and replace tensors by name"
    with pytest.raises(QuantlibError) as caught:
        speech_probability({**weights, name: wrong}, clip[0])
    assert str(caught.value) == f"the network needs {name!r} of shape {SILERO_SHAPES[name]}, got {got}; {advice}"


# The sound


def test_the_sound_is_the_same_every_time(clip):
    again = synthesize_speech()
    assert torch.equal(again[0], clip[0]) and torch.equal(again[1], clip[1])


def test_the_sound_has_a_label_a_window_and_stays_within_one(clip):
    audio, labels = clip
    assert audio.shape == (264 * 512,) and audio.dtype == torch.float32
    assert labels.shape == (264,) and labels.dtype == torch.bool and labels.sum() == 128
    assert audio.isfinite().all() and audio.abs().max() <= 1


def test_a_resonator_rings_at_its_frequency_and_decays_with_its_bandwidth():
    x = np.zeros(16_000)
    x[0] = 1.0
    spectrum = np.abs(np.fft.rfft(_resonate(x, np.full(16_000, 1000.0), 60.0)))  # one bin is 1 Hz
    assert spectrum[0] == pytest.approx(1.0, rel=1e-6)
    assert abs(spectrum.argmax() - 1000) <= 1
    assert (spectrum > spectrum.max() / np.sqrt(2)).sum() == pytest.approx(60, abs=2)


def test_the_network_hears_every_spoken_window_and_forgets_soon_after(clip, in_float):
    labels, heard = clip[1], in_float > 0.5
    assert in_float[labels].min() > 0.8
    assert (heard & ~labels).sum() == 12  # three phrases, each echoed in memory for 3 to 5 windows
    just_after = torch.stack([labels.roll(k) for k in range(1, 6)]).any(0)
    assert not (heard & ~labels & ~just_after).any()


# What quantization does to it: all seven trained weights, symmetric, unless a test says otherwise


def per_tensor(weight, bits=8, symmetric=True):
    return fake_quantize(weight, *choose_qparams(weight, bits, symmetric=symmetric))


def per_channel(weight, bits=8, symmetric=True):
    return fake_quantize(weight, *choose_qparams(weight, bits, symmetric=symmetric, axis=0))


def per_group(weight, bits=8, symmetric=True):
    groups = to_groups(weight.flatten(1), 32)
    x_hat = fake_quantize(groups, *choose_qparams(groups, bits, symmetric=symmetric, axis=(0, 1)))
    return from_groups(x_hat, weight[0].numel()).reshape(weight.shape)


@pytest.fixture(scope="module")
def same(weights, clip, in_float):
    """How many of the 264 windows are decided as in float when `how` is done to the named weights."""

    def count(how, names=TRAINED):
        changed = {name: how(weight) if name in names else weight for name, weight in weights.items()}
        return ((speech_probability(changed, clip[0]) > 0.5) == (in_float > 0.5)).sum().item()

    return count


def test_eight_bits_per_tensor_hear_nothing(weights, clip, in_float, same):
    p = speech_probability({n: per_tensor(w) if n in TRAINED else w for n, w in weights.items()}, clip[0])
    assert p.max() < 0.4
    assert same(per_tensor) == (in_float < 0.5).sum() == 124  # right only where nobody speaks


def test_eight_bits_per_channel_hear_all(same):
    # One window is at 0.522 in float, and may go either way.
    assert same(per_channel) >= 263
    assert same(lambda weight: per_channel(weight, symmetric=False)) >= 263


def test_eight_bits_in_groups_hear_all(same):
    assert same(per_group) >= 263
    assert same(lambda weight: per_group(weight, symmetric=False)) >= 263


def test_an_affine_grid_per_tensor_does_not_rescue_it(same):
    assert 200 < same(lambda weight: per_tensor(weight, symmetric=False)) < 240


def test_four_bits_per_channel_still_hear_what_eight_per_tensor_do_not(same):
    assert same(lambda weight: per_channel(weight, bits=4)) > 250
    assert same(lambda weight: per_tensor(weight, bits=4)) == 124


def test_one_tensor_alone_breaks_it(same):
    alone = {name: same(per_tensor, [name]) for name in TRAINED}
    assert alone.pop("conv4.weight") == 124
    assert 245 < alone.pop("conv1.weight") < 260
    assert min(alone.values()) >= 261
    assert same(per_tensor, [name for name in TRAINED if name != "conv4.weight"]) > 245


def test_the_sqnr_of_the_weights_does_not_tell_which_tensor_breaks_it(weights):
    conv1, conv4 = (sqnr_db(weights[name], per_tensor(weights[name])) for name in ("conv1.weight", "conv4.weight"))
    assert conv1 == pytest.approx(18.3, abs=0.1) and conv4 == pytest.approx(17.6, abs=0.1)


def test_one_weight_makes_the_step(weights):
    weight = weights["conv4.weight"]
    assert weight[OUTLIER] == weight.abs().max() and weight[OUTLIER].item() == pytest.approx(54.88, abs=0.01)
    assert weight[OUTLIER] / weight.std() == pytest.approx(143, abs=1)
    codes = quantize(weight, *choose_qparams(weight, symmetric=True))
    assert (codes == 0).float().mean().item() == pytest.approx(0.973, abs=0.001)
    assert (codes == 0).flatten(1).all(1).sum() == 43  # of 128 channels


def test_that_weight_does_nothing_on_this_sound(weights, clip, in_float, same):
    without = {**weights, "conv4.weight": weights["conv4.weight"].clone()}
    without["conv4.weight"][OUTLIER] = 0.0
    assert torch.equal(speech_probability(without, clip[0]), in_float)

    def forgetful(weight):
        return per_tensor(without["conv4.weight"] if weight is weights["conv4.weight"] else weight)

    assert 230 < same(forgetful) < 250


def test_some_taps_only_ever_meet_padding(weights, clip, in_float):
    without = {name: weight.clone() for name, weight in weights.items()}
    without["conv3.weight"][:, :, 0] = without["conv4.weight"][:, :, 0] = without["conv4.weight"][:, :, 2] = 99.0
    assert torch.equal(speech_probability(without, clip[0]), in_float)
