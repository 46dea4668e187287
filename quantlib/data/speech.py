"""Eight seconds of sound by formula, for a network that hears speech: spoken vowels, pauses, clatter, hum and hiss."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .silero import RATE, WINDOW

Signal = NDArray[np.float64]

# The first three formants, in Hz, of a man's vowels in heed, head, hod, hawed and who'd.
VOWELS = {
    "i": (270, 2290, 3010),
    "e": (530, 1840, 2480),
    "a": (730, 1090, 2440),
    "o": (570, 840, 2410),
    "u": (300, 870, 2240),
}
_BANDWIDTHS = (60.0, 90.0, 150.0)  # of the three formants, in Hz
_SYLLABLE = 8  # windows: 256 ms, about four syllables a second
PARTS = (  # what is heard one after the other, and for how many windows
    ("silence", 16), ("a voice", 40), ("silence", 16), ("clatter", 16), ("a voice", 48), ("hum", 24),
    ("silence", 16), ("a voice", 40), ("hiss", 32), ("silence", 16),
)  # fmt: skip
_BACKGROUND = 0.002  # the rms of the noise below everything


def synthesize_speech() -> tuple[Tensor, Tensor]:
    """Return sound in which three voices speak vowels, and for every window whether a voice speaks in it.

    A voice is a source and a filter: pulses of the glottis, whose pitch falls and trembles, ring in resonators at the
    formants, which glide from vowel to vowel. Between the voices there are pauses, clatter, hum and hiss. It is not
    speech, it only has what a detector of speech listens for.

    Shapes: audio (135168,), labels (264,): one for each window of 512 samples, as `speech_probability` takes them.
    Returns: (audio, labels): sound pressure between -1 and 1 in float32, 16 000 samples a second; True for speech.
    Source: Klatt 1980, doi:10.1121/1.383940, for the resonators; Peterson and Barney 1952, doi:10.1121/1.1906875, for
        the formants.

    >>> audio, labels = synthesize_speech()
    >>> audio.shape, labels.shape, labels.sum().item()
    (torch.Size([135168]), torch.Size([264]), 128)
    """
    rng = np.random.RandomState(0)
    scene = [  # the PARTS
        _silence(16),
        _phrase(rng, "aiueo", pitch=120.0, formants=1.0),
        _silence(16),
        _clatter(rng, 16),
        _phrase(rng, "oaieua", pitch=210.0, formants=1.15),
        _hum(24),
        _silence(16),
        _phrase(rng, "iauoe", pitch=160.0, formants=1.05),
        _hiss(rng, 32),
        _silence(16),
    ]
    audio = np.concatenate(scene)
    audio += _BACKGROUND * rng.standard_normal(len(audio))
    labels = [name == "a voice" for name, windows in PARTS for _ in range(windows)]
    return torch.from_numpy(audio).float(), torch.tensor(labels)


def _phrase(rng: np.random.RandomState, vowels: str, pitch: float, formants: float) -> Signal:
    """Return a voice that says one vowel a syllable; `formants` above 1 is a shorter throat than a man's."""
    t = _seconds(_SYLLABLE * len(vowels))
    syllable = t * RATE / (_SYLLABLE * WINDOW)  # counts up, by 1 a syllable
    sound = _glottis(rng, _intonation(rng, t, pitch)) * np.abs(np.sin(np.pi * syllable)) ** 0.7
    for k, bandwidth in enumerate(_BANDWIDTHS):
        targets = [formants * VOWELS[vowel][k] for vowel in vowels]
        sound = _resonate(sound, np.interp(syllable, np.arange(len(vowels)) + 0.5, targets), bandwidth)
    sound = _resonate(sound, np.full_like(t, formants * 3500.0), 200.0)  # the fourth formant hardly moves
    sound = np.diff(sound, prepend=0.0)  # lips radiate the change of the flow
    return 0.1 * sound / sound.std()


def _intonation(rng: np.random.RandomState, t: Signal, pitch: float) -> Signal:
    """Return the pitch in Hz: it falls over the phrase, rises and falls slowly, and trembles by 1% every 10 ms."""
    step = RATE // 100
    tremble = 1 + 0.01 * np.repeat(rng.standard_normal(len(t) // step + 1), step)[: len(t)]
    return pitch * (1.15 - 0.3 * t / t[-1]) * (1 + 0.05 * np.sin(2 * np.pi * 2.3 * t)) * tremble


def _glottis(rng: np.random.RandomState, pitch: Signal) -> Signal:
    """Return one soft pulse a period, no two of the same height, and some breath."""
    pulses = np.diff(np.floor(np.cumsum(pitch / RATE)), prepend=0.0)
    flow = _resonate(pulses * (1 + 0.05 * rng.standard_normal(len(pulses))), np.zeros_like(pulses), 100.0)
    return flow + 0.02 * flow.std() * rng.standard_normal(len(flow))


def _resonate(x: Signal, frequency: Signal, bandwidth: float) -> Signal:
    """Return x through a resonator whose frequency may move: y[n] = a x[n] + b y[n-1] + c y[n-2]; all in Hz.

    c = -exp(-2 pi bandwidth / rate),  b = 2 exp(-pi bandwidth / rate) cos(2 pi frequency / rate),  a = 1 - b - c
    """
    c = -float(np.exp(-2 * np.pi * bandwidth / RATE))
    b = 2 * np.exp(-np.pi * bandwidth / RATE) * np.cos(2 * np.pi * frequency / RATE)
    sound, last, before = [], 0.0, 0.0
    for driven, b_now in zip(((1 - b - c) * x).tolist(), b.tolist(), strict=True):  # Python's floats are faster here
        last, before = driven + b_now * last + c * before, last
        sound.append(last)
    return np.array(sound)


def _clatter(rng: np.random.RandomState, windows: int) -> Signal:
    """Return four short bursts of noise a second."""
    t = _seconds(windows)
    return 0.3 * np.exp(-(t % 0.25) / 0.02) * rng.standard_normal(len(t))


def _hum(windows: int) -> Signal:
    """Return mains hum: 50 Hz and two overtones."""
    t = _seconds(windows)
    return sum((0.1 / k * np.sin(2 * np.pi * 50 * k * t) for k in (1, 2, 3)), np.zeros_like(t))


def _hiss(rng: np.random.RandomState, windows: int) -> Signal:
    """Return white noise."""
    return 0.05 * rng.standard_normal(windows * WINDOW)


def _silence(windows: int) -> Signal:
    return np.zeros(windows * WINDOW)


def _seconds(windows: int) -> Signal:
    """Return the time of every sample."""
    return np.arange(windows * WINDOW) / RATE
