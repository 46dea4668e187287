"""A small network that continues a play, character by character, and five plays: README.md says whence they come."""

import lzma
import string
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import gelu, scaled_dot_product_attention

from ..errors import QuantlibError
from .network import Act, apply_matrix, apply_norm, check_ids, check_weights, read_tensors, unchanged

WRITER_PATH = Path(__file__).with_name("writer.safetensors")
WRITER_SHA256 = "06aa6bc68db4ddb6adcc4fc75293f48ab5fbb79209bb8d4798b908b80eda746c"
PLAYS_PATH = Path(__file__).with_name("plays.txt.xz")
PLAYS_SHA256 = "11cdd6308e199f280029ea628f9ded27571d700db1d1ae7a33753c3e8a44cfa7"

PLAYS = ("tempest", "twelfth_night", "as_you_like_it", "macbeth", "merchant_of_venice")
CHARACTERS = f"\n !',-.:;?{string.ascii_uppercase}[]{string.ascii_lowercase}"  # a character's id is its place here
CONTEXT = 64  # characters that the network sees at a time
WIDTH = 64  # numbers that stand for a character on its way through the network
HEADS = 4
LAYERS = 2
EPSILON = 1e-5  # added to the variance before it is divided by

_LAYER_SHAPES = {
    "norm1.weight": (WIDTH,),
    "norm1.bias": (WIDTH,),
    "qkv.weight": (3 * WIDTH, WIDTH),
    "out.weight": (WIDTH, WIDTH),
    "norm2.weight": (WIDTH,),
    "norm2.bias": (WIDTH,),
    "up.weight": (4 * WIDTH, WIDTH),
    "up.bias": (4 * WIDTH,),
    "down.weight": (WIDTH, 4 * WIDTH),
    "down.bias": (WIDTH,),
}
WRITER_SHAPES = {
    "embed.weight": (len(CHARACTERS), WIDTH),
    "position.weight": (CONTEXT, WIDTH),
    **{f"{i}.{name}": shape for i in range(LAYERS) for name, shape in _LAYER_SHAPES.items()},
    "norm.weight": (WIDTH,),
    "norm.bias": (WIDTH,),
    "head.weight": (len(CHARACTERS), WIDTH),
}
WRITER_MATRICES = (*(f"{i}.{name}" for i in range(LAYERS) for name in ("qkv", "out", "up", "down")), "head")


def load_writer() -> dict[str, Tensor]:
    """Return fresh float32 copies of the 25 tensors of the network, by name, in the order of their use.

    It has two layers; their tensors begin with "0." and "1.". Nine matrices multiply activations, those of
    `WRITER_MATRICES`: their rows are outputs, as in `torch.nn.Linear`.

        "embed.weight"      (64, 64)    a row a character
        "position.weight"   (64, 64)    a row a place in the window
        "0.norm1.weight"    (64,)       and "0.norm1.bias"
        "0.qkv.weight"      (192, 64)   queries, keys and values of the attention, one below the other; no bias
        "0.out.weight"      (64, 64)    the attention's output; no bias
        "0.norm2.weight"    (64,)       and "0.norm2.bias"
        "0.up.weight"       (256, 64)   and "0.up.bias"
        "0.down.weight"     (64, 256)   and "0.down.bias"
        "norm.weight"       (64,)       and "norm.bias"
        "head.weight"       (64, 64)    a row a character; no bias

    Returns: tensors that the caller may change: the next call reads the file again.
    Source: trained by tools/once/train_writer.py; see quantlib/data/README.md.

    >>> weights = load_writer()
    >>> len(weights), sum(w.numel() for w in weights.values())
    (25, 111872)
    """
    return read_tensors(WRITER_PATH, WRITER_SHAPES)


def character_logits(weights: Mapping[str, Tensor], ids: Tensor, act: Act | None = None) -> Tensor:
    """Return for every place of every window the scores of all characters that may come next.

    A place sees itself and what is before it. What goes from layer to layer is a sum, to which each half layer adds:

        x  = embed[ids] + position
        x += out(attention(qkv(norm1(x))))         four heads; softmax(q k^T / sqrt(16)) v
        x += down(gelu(up(norm2(x))))
        logits = head(norm(x))

    Shapes: ids (n, t) with t up to 64; the result is (n, t, 64).
    Args:
        weights: the tensors of `load_writer`, as they are or quantized and dequantized.
        ids: characters as places in `CHARACTERS`, as `to_ids` gives them.
        act: called with a matrix's name, one of `WRITER_MATRICES`, and its input (n, t, columns); the network goes on
            with what it returns.
    Returns: logits, without unit: softmax gives probabilities. In the dtype and on the device of the weights.
    Raises:
        QuantlibError: if ids are not rows of at most 64 integers from 0 to 63; if a tensor is missing or has another
            shape than in `load_writer`.
    Source: Vaswani et al. 2017, arXiv:1706.03762; Radford et al. 2019, "Language Models are Unsupervised Multitask
        Learners", for the norm at the input of each half layer.

    >>> character_logits(load_writer(), to_ids("Good morro")[None])[0, -1].argmax()
    tensor(60)
    >>> to_text(_)
    'w'
    """
    check_ids(ids, CONTEXT, len(CHARACTERS), "pass to_ids(text)[None], or text_windows(text)[:, :-1]")
    check_weights(weights, WRITER_SHAPES, "load_writer")
    act = act or unchanged
    x = weights["embed.weight"][ids] + weights["position.weight"][: ids.shape[1]]
    for i in range(LAYERS):
        qkv = apply_matrix(weights, f"{i}.qkv", apply_norm(weights, f"{i}.norm1", x, EPSILON), act)
        q, k, v = qkv.unflatten(-1, (3, HEADS, WIDTH // HEADS)).permute(2, 0, 3, 1, 4)
        heads = scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).flatten(2)
        x = x + apply_matrix(weights, f"{i}.out", heads, act)
        up = apply_matrix(weights, f"{i}.up", apply_norm(weights, f"{i}.norm2", x, EPSILON), act)
        x = x + apply_matrix(weights, f"{i}.down", gelu(up), act)
    return apply_matrix(weights, "head", apply_norm(weights, "norm", x, EPSILON), act)


def play_names() -> tuple[str, ...]:
    """Return the names that `load_play` knows; the network never read the first, The Tempest.

    >>> play_names()
    ('tempest', 'twelfth_night', 'as_you_like_it', 'macbeth', 'merchant_of_venice')
    """
    return PLAYS


def load_play(name: str) -> str:
    """Return the text of a play by William Shakespeare, made of the 64 `CHARACTERS`.

    Args:
        name: one of `play_names()`; the network was trained on all of them but "tempest".
    Raises:
        QuantlibError: if no play has this name.
    Source: the package shakespeare 0.6; see quantlib/data/README.md.

    >>> load_play("tempest")[:11], len(load_play("tempest"))
    ('THE TEMPEST', 98064)
    """
    if name not in PLAYS:
        known = ", ".join(map(repr, PLAYS))
        raise QuantlibError(f"the plays are {known}", repr(name), 'load one of these, for example load_play("tempest")')
    with lzma.open(PLAYS_PATH, "rt", encoding="ascii") as file:
        return file.read().split("\0")[PLAYS.index(name)]


def to_ids(text: str) -> Tensor:
    """Return the places of the characters in `CHARACTERS`, (n,).

    Raises:
        QuantlibError: if the network does not know a character.

    >>> to_ids("A b")
    tensor([10,  1, 39])
    """
    if unknown := set(text) - set(CHARACTERS):
        raise QuantlibError("the network knows the characters of CHARACTERS", repr(min(unknown)), "leave it out")
    return torch.tensor([CHARACTERS.index(character) for character in text], dtype=torch.int64)


def to_text(ids: Tensor) -> str:
    """Return the text that ids of any shape stand for.

    >>> to_text(to_ids("What cheer?"))
    'What cheer?'
    """
    return "".join(CHARACTERS[i] for i in ids.flatten().tolist())


def text_windows(text: str) -> Tensor:
    """Return the windows of a text, each of 64 characters and the one that follows.

    Each but the first begins with the character that follows the one before, so that every character from the second
    on is asked for once. What does not fill a window at the end is left out.

        logits, targets = character_logits(weights, windows[:, :-1]), windows[:, 1:]

    Shapes: (n - 1) // 64 windows of a text of n characters: (windows, 65).
    Raises:
        QuantlibError: as `to_ids`, and if the text does not fill one window.

    >>> text_windows(load_play("tempest")).shape
    torch.Size([1532, 65])
    """
    if len(text) <= CONTEXT:
        got = f"{len(text)} characters"
        raise QuantlibError(f"a window takes {CONTEXT + 1} characters", got, "pass a longer text")
    return to_ids(text).unfold(0, CONTEXT + 1, CONTEXT)
