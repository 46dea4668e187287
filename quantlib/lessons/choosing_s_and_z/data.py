"""The numbers of notebook 05: four far from 0.0, five hundred spread like a normal distribution, and a real layer's."""

import torch
from torch import Tensor
from torch.nn.functional import conv1d

from quantlib.affine import fake_quantize
from quantlib.data.silero import load_silero
from quantlib.data.speech import synthesize_speech
from quantlib.metrics import sqnr_db
from quantlib.qparams import choose_qparams

FAR = torch.tensor([1000.0, 1010.0, 1020.0, 1050.0])


def normal_numbers(count: int = 501) -> Tensor:
    """Return numbers spread like a normal distribution, without chance, the smallest first."""
    return torch.distributions.Normal(0.0, 1.0).icdf((torch.arange(count) + 0.5) / count)


def activations() -> Tensor:
    """Return what the first layer of Silero VAD gives for 8 seconds of synthetic speech, after its ReLU."""
    weights, (audio, _) = load_silero(), synthesize_speech()
    real, imaginary = conv1d(audio[None, None], weights["stft"], stride=128).chunk(2, dim=1)
    spectra = (real.square() + imaginary.square()).sqrt()  # how loud each pitch is, every 8 ms
    return conv1d(spectra, weights["conv1.weight"], weights["conv1.bias"], padding=1).relu()


def round_trip(x: Tensor, bits: int, *, symmetric: bool) -> Tensor:
    """Return x quantized and dequantized with the min-max ruler of so many bits, asymmetric or symmetric."""
    return fake_quantize(x, *choose_qparams(x, bits, symmetric=symmetric))


def lead(x: Tensor, bits: int) -> float:
    """Return by how many dB of SQNR the asymmetric ruler is better than the symmetric one."""
    asymmetric, symmetric = (sqnr_db(x, round_trip(x, bits, symmetric=fixed)) for fixed in (False, True))
    return asymmetric - symmetric
