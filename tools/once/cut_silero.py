"""Cut the network for 16 kHz out of Silero VAD into quantlib/data/silero.safetensors.

    pip download --no-deps silero-vad==6.2.3
    python -m tools.once.cut_silero silero_vad-6.2.3-py3-none-any.whl

The argument is that wheel, or the silero_vad.jit in it. The script refuses a model whose sha256 it does
not know, changes no value, and writes the same bytes every time. Before it writes, it checks that our
forward pass gives the probabilities of the network's own, and it prints those that the tests hold.
"""

import argparse
import io
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from quantlib.data.silero import NAMES_IN_FILE, RATE, WINDOW, speech_probability
from quantlib.data.speech import synthesize_speech
from tools.once.cutting import DATA, check_model, pack, read_model, write

MODEL_SHA256 = "e1122837f4154c511485fe0b9c64455f7b929c96fbb8d79fbdb336383ebd3720"
MODEL_IN_WHEEL = "silero_vad/data/silero_vad.jit"
LARGEST_DIFFERENCE = 1e-5  # between a probability of ours and the network's own
METADATA = {
    "changes": "the tensors of the 16 kHz network selected, no value changed",
    "license": "MIT",
    "model": "snakers4/silero-vad",
    "model_sha256": MODEL_SHA256,
    "package": "silero-vad",
    "package_version": "6.2.3",
}


def tensors_of(network: Any) -> dict[str, Tensor]:
    """Return the tensors of the 16 kHz network by the names that they have in it."""
    state = network._model.state_dict()
    return {name: state[name].detach().contiguous() for name in NAMES_IN_FILE.values()}


def own_probability(network: Any, audio: Tensor) -> Tensor:
    """Return the probabilities that the network itself gives, window by window."""
    network.reset_states()
    padded = torch.nn.functional.pad(audio, (0, -len(audio) % WINDOW))
    with torch.no_grad():
        return torch.cat([network(window[None], RATE)[0] for window in padded.split(WINDOW)])


def check_forward(network: Any, weights: dict[str, Tensor]) -> None:
    """Compare `speech_probability` with the network on noise of three levels and on speech, and print the last."""
    noise = torch.randn(5 * RATE, generator=torch.Generator().manual_seed(0))
    for audio in (0.01 * noise, 0.1 * noise, noise, synthesize_speech()[0]):
        own = own_probability(network, audio)
        check_close(speech_probability(weights, audio), own)
    print("every 12th window of synthesize_speech():", [round(p, 6) for p in own[::12].tolist()])


def check_close(ours: Tensor, own: Tensor) -> None:
    """Stop the script if one of our probabilities is not the network's own."""
    difference = (ours - own).abs().max().item()
    print(f"{len(own)} windows: the largest difference is {difference:.1e}")
    if not difference <= LARGEST_DIFFERENCE:
        raise SystemExit(
            f"a probability may differ by {LARGEST_DIFFERENCE} from the network's own, got {difference:.1e}"
        )


def cut(model: bytes) -> bytes:
    """Return the bytes of the small file: all tensors of the 16 kHz network out of the checked `model`."""
    check_model(model, MODEL_SHA256, "silero-vad 6.2.3")
    network = torch.jit.load(io.BytesIO(model), map_location="cpu")
    tensors = tensors_of(network)
    check_forward(network, {name: tensors[name_in_file] for name, name_in_file in NAMES_IN_FILE.items()})
    return pack(tensors, METADATA)


def main() -> None:
    """Read the path, cut, write the file, and print its size and sha256."""
    parser = argparse.ArgumentParser(description="Cut quantlib/data/silero.safetensors.")
    parser.add_argument("model", type=Path, help="the wheel, or the silero_vad.jit in it")
    write(DATA / "silero.safetensors", cut(read_model(parser.parse_args().model, MODEL_IN_WHEEL)))


if __name__ == "__main__":
    main()
