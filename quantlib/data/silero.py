"""Silero VAD, a real network that hears speech, in plain torch: README.md beside this file says whence it comes."""

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import conv1d, pad

from ..errors import QuantlibError, what_came
from .network import Act, check_weights, read_tensors, unchanged

SILERO_PATH = Path(__file__).with_name("silero.safetensors")
SILERO_SHA256 = "51f1939d6239a643bb213df9e8fb645bbec1228cfb48e7adcab8e01ba86c786a"

RATE = 16_000  # samples per second
WINDOW = 512  # samples that the network hears at a time: 32 ms
CONTEXT = 64  # samples of the window before, which it hears again
HOP = 128  # samples from one spectrum to the next: four spectra a window

SILERO_SHAPES = {
    "stft": (258, 1, 256),
    "conv1.weight": (128, 129, 3),
    "conv1.bias": (128,),
    "conv2.weight": (64, 128, 3),
    "conv2.bias": (64,),
    "conv3.weight": (64, 64, 3),
    "conv3.bias": (64,),
    "conv4.weight": (128, 64, 3),
    "conv4.bias": (128,),
    "lstm.weight_ih": (512, 128),
    "lstm.weight_hh": (512, 128),
    "lstm.bias_ih": (512,),
    "lstm.bias_hh": (512,),
    "output.weight": (1, 128, 1),
    "output.bias": (1,),
}
STRIDES = {"conv1": 1, "conv2": 2, "conv3": 2, "conv4": 1}  # of the convolutions, in their order; padding is 1
NAMES_IN_FILE = {
    "stft": "stft.forward_basis_buffer",
    **{
        f"conv{i + 1}.{part}": f"encoder.{i}.reparam_conv.{part}"
        for i in range(len(STRIDES))
        for part in ("weight", "bias")
    },
    **{f"lstm.{part}": f"decoder.rnn.{part}" for part in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")},
    "output.weight": "decoder.decoder.2.weight",
    "output.bias": "decoder.decoder.2.bias",
}


def load_silero() -> dict[str, Tensor]:
    """Return fresh float32 copies of the 15 tensors of Silero VAD for 16 kHz, by name, in the order of their use.

    A quantizer is for the seven trained weights, those whose names hold "weight". Their axis 0 is the output channel.

        "stft"              (258, 1, 256)   129 cosines and 129 negated sines under a Hann window: not trained
        "conv1.weight"      (128, 129, 3)   four convolutions over time; each has a "conv….bias"
        "conv2.weight"      (64, 128, 3)
        "conv3.weight"      (64, 64, 3)
        "conv4.weight"      (128, 64, 3)    one weight, 54.88 at [53, 17, 1], is 143 standard deviations of it
        "lstm.weight_ih"    (512, 128)      the four gates of the cell, one below the other: input, forget, new, output;
        "lstm.weight_hh"    (512, 128)      they also have "lstm.bias_ih" and "lstm.bias_hh"
        "output.weight"     (1, 128, 1)     and "output.bias"

    Returns: tensors that the caller may change: the next call reads the file again.
    Source: Silero VAD 6.2.3, MIT licence; see quantlib/data/README.md.

    >>> weights = load_silero()
    >>> sum(w.numel() for w in weights.values()), round(weights["conv4.weight"][53, 17, 1].item(), 2)
    (309633, 54.88)
    """
    read = read_tensors(SILERO_PATH, NAMES_IN_FILE.values())
    return {name: read[in_file] for name, in_file in NAMES_IN_FILE.items()}


def speech_probability(weights: Mapping[str, Tensor], audio: Tensor, act: Act | None = None) -> Tensor:
    """Return for every window of 32 ms how sure the network is that it holds speech, from 0 to 1.

    Per window: four spectra, four convolutions, one step of the LSTM cell, one output.

        spectrum     |STFT| = sqrt(re^2 + im^2)
        conv1 … 4    x = relu(conv(x, weight, bias))
        LSTM         i, f, g, o = W_ih x + b_ih + W_hh h + b_hh
                     c = sigmoid(f) c + sigmoid(i) tanh(g);  h = sigmoid(o) tanh(c)
        output       p = sigmoid(w relu(h) + b)

    The state (h, c) is zero before the first window and goes from window to window. The last window is filled up with
    zeros.

    Shapes: audio (n,); the result is (ceil(n / 512),).
    Args:
        weights: the tensors of `load_silero`, as they are or quantized and dequantized.
        audio: sound between -1 and 1, without unit; 16 000 samples a second.
        act: called with the name and the value of what goes into a matrix; the network goes on with what it returns.
            "conv1" to "conv4" (windows, channels, times), "lstm_input" (windows, 128), "lstm_hidden" (128,) once a
            window, "output" (windows, 128).
    Returns: probabilities, in the dtype and on the device of the weights.
    Raises:
        QuantlibError: if audio is not one channel of floating-point samples; if a tensor is missing or has another
            shape than in `load_silero`.
    Source: the TorchScript file of Silero VAD 6.2.3, whose probabilities these are to within 1e-5; Hochreiter and
        Schmidhuber 1997, doi:10.1162/neco.1997.9.8.1735, for the LSTM, here with the forget gate of Gers et al. 2000,
        doi:10.1162/089976600300015015.

    >>> speech_probability(load_silero(), torch.zeros(16_000)).shape
    torch.Size([32])
    """
    features = speech_activations(weights, audio, act)["conv4"][:, :, 0]  # strides 1, 2, 2, 1 leave one of four times
    return decide(weights, features, act)


def spectra(weights: Mapping[str, Tensor], audio: Tensor) -> Tensor:
    """Return what the convolutions hear: the magnitudes of four spectra a window, (windows, 129 frequencies, 4 times).

    Args and Raises: as `speech_probability`.
    """
    _check(weights, audio)
    return _spectra(weights["stft"], _windows(audio.to(weights["stft"])))


def decide(weights: Mapping[str, Tensor], features: Tensor, act: Act | None = None) -> Tensor:
    """Return the probabilities of speech that the LSTM and the output make of features, (windows, 128).

    Features (windows, n, 128) are n networks side by side, and give (windows, n).
    """
    act = act or unchanged
    hidden = _lstm(weights, features, act)
    logits = act("output", hidden.relu()) @ weights["output.weight"][0, :, 0] + weights["output.bias"]
    return logits.sigmoid()


def hears_speech(p: Tensor) -> Tensor:
    """Return in which windows a network takes what it hears for speech: its probability p is above 1/2."""
    return p > 0.5


def same_decisions(p: Tensor, q: Tensor) -> int:
    """Return in how many windows two probabilities, of one shape, decide alike about speech.

    >>> same_decisions(torch.tensor([0.9, 0.4, 0.1]), torch.tensor([0.6, 0.7, 0.0]))
    2
    """
    return int((hears_speech(p) == hears_speech(q)).sum())


def speech_activations(weights: Mapping[str, Tensor], audio: Tensor, act: Act | None = None) -> dict[str, Tensor]:
    """Return what each of the four convolutions hands on for every window, by its name: after its ReLU, not below 0.

    Shapes: audio (n,); the results are (windows, channels, times): (…, 128, 4), (…, 64, 2), (…, 64, 1), (…, 128, 1).
    Args:
        weights: the tensors of `load_silero`.
        audio: sound between -1 and 1, without unit; 16 000 samples a second.
        act: called with "conv1" to "conv4" and what goes into them, as in `speech_probability`.
    Raises:
        QuantlibError: as `speech_probability`.

    >>> speech_activations(load_silero(), torch.zeros(16_000))["conv2"].shape
    torch.Size([32, 64, 2])
    """
    x, outputs = spectra(weights, audio), {}
    for name, stride in STRIDES.items():
        x = (act or unchanged)(name, x)
        x = conv1d(x, weights[f"{name}.weight"], weights[f"{name}.bias"], stride=stride, padding=1).relu()
        outputs[name] = x
    return outputs


def _windows(audio: Tensor) -> Tensor:
    """Return one row a window: the last 64 samples before it, then its 512."""
    missing = -len(audio) % WINDOW
    return pad(audio, (CONTEXT, missing)).unfold(0, CONTEXT + WINDOW, WINDOW)


def _spectra(basis: Tensor, windows: Tensor) -> Tensor:
    """Return the magnitudes of four spectra a window: (windows, 129 frequencies, 4 times)."""
    reflected = pad(windows[:, None], (0, CONTEXT), mode="reflect")
    real, imaginary = conv1d(reflected, basis, stride=HOP).chunk(2, dim=1)
    return (real.square() + imaginary.square()).sqrt()


def _lstm(weights: Mapping[str, Tensor], features: Tensor, act: Act = unchanged) -> Tensor:
    """Return the cell's output h after every window."""
    from_input = (
        act("lstm_input", features) @ weights["lstm.weight_ih"].T + weights["lstm.bias_ih"] + weights["lstm.bias_hh"]
    )
    h = c = torch.zeros_like(features[0])
    outputs = []
    for gates in from_input:
        i, f, g, o = (gates + act("lstm_hidden", h) @ weights["lstm.weight_hh"].T).chunk(4, dim=-1)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        h = o.sigmoid() * c.tanh()
        outputs.append(h)
    return torch.stack(outputs)


def _check(weights: Mapping[str, Tensor], audio: Tensor) -> None:
    """Raise a QuantlibError unless the network can run on these."""
    if not isinstance(audio, Tensor) or audio.ndim != 1 or not audio.is_floating_point() or not len(audio):
        raise QuantlibError(
            "audio must be one row of floating-point samples, at least one", what_came(audio), "use audio[0].float()"
        )
    check_weights(weights, SILERO_SHAPES, "load_silero")
