"""The matrix T of every notebook, and real weight matrices, small enough to carry along (sources: README.md here)."""

from pathlib import Path

import torch
from torch import Tensor

from ..errors import QuantlibError
from .network import read_tensors

MINILM_PATH = Path(__file__).with_name("minilm.safetensors")
MINILM_SHA256 = "28e87d5961970948571b9f569698b88680eb815c6f34b056d00209c40bce3122"

# The matrix of every notebook; s = 3.5 and z = -70 go with it.
# Source: "Quantization in Depth", a course by DeepLearning.AI and Hugging Face.
_T = (191.6, -13.5, 728.6), (92.14, 295.5, -184.0), (0.0, 684.6, 245.5)

_NAMES_IN_FILE = {
    "ffn_down": "encoder.layer.0.output.dense.weight",
    "query": "encoder.layer.0.attention.self.query.weight",
}


def __getattr__(name: str) -> Tensor:
    """Return T, a new tensor for each import: a learner may have changed the last one."""
    if name == "T":
        return torch.tensor(_T)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def weight_names() -> tuple[str, ...]:
    """Return the names that `load_weight` knows.

    >>> weight_names()
    ('ffn_down', 'query')
    """
    return tuple(_NAMES_IN_FILE)


def load_weight(name: str) -> Tensor:
    """Return a fresh float32 copy of one weight matrix of all-MiniLM-L6-v2, a text encoder.

    A row holds the weights of one output channel, as in `torch.nn.Linear`: y = x @ w.T.

        "ffn_down"  second (down) projection of layer 0's feed-forward network; one weight of
                    7.915 at [99, 856] is 175 standard deviations of the matrix
        "query"     query projection of layer 0's attention, without such an outlier

    Shapes: "ffn_down" (384, 1536); "query" (384, 384). Rows are outputs, columns are inputs.
    Args:
        name: one of `weight_names()`.
    Returns:
        A tensor that the caller may change: the next call reads the file again.
    Raises:
        QuantlibError: if no matrix has this name.
    Source: sentence-transformers/all-MiniLM-L6-v2, Apache-2.0; see quantlib/data/README.md.

    >>> w = load_weight("ffn_down")
    >>> w.shape, round(w[99, 856].item(), 3)
    (torch.Size([384, 1536]), 7.915)
    """
    if name not in weight_names():
        known = " and ".join(repr(known_name) for known_name in weight_names())
        raise QuantlibError(
            f"the weights that come with quantlib are {known}",
            repr(name),
            'load one of these, for example load_weight("ffn_down")',
        )
    return read_tensors(MINILM_PATH, [_NAMES_IN_FILE[name]])[_NAMES_IN_FILE[name]]
