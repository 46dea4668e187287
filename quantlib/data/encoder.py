"""The first layer of all-MiniLM-L6-v2, a text encoder, and text to run it on: README.md says whence they come."""

import json
from collections.abc import Mapping
from pathlib import Path

from torch import Tensor
from torch.nn.functional import gelu, scaled_dot_product_attention

from ..errors import QuantlibError
from . import load_weight
from .network import (
    Act,
    apply_matrix,
    apply_norm,
    check_ids,
    check_weights,
    read_metadata,
    read_tensors,
    unchanged,
)

ENCODER_PATH = Path(__file__).with_name("minilm_layer0.safetensors")
ENCODER_SHA256 = "ccda6ab43fd1a8898ac5f47827ec6c55eb03127861f2b10b532cda4fa5409866"

KINDS = ("prose", "verse", "code")
LENGTH = 64  # pieces in a window, [CLS] and [SEP] among them
WIDTH = 384  # numbers that stand for a piece on its way through the layer
INNER = 1536  # numbers between the two matrices of the feed-forward network
HEADS = 12
EPSILON = 1e-12  # added to the variance before it is divided by

ENCODER_MATRICES = ("query", "key", "value", "attention_out", "ffn_up", "ffn_down")
ENCODER_SHAPES = {
    "word.weight": (1923, WIDTH),
    "position.weight": (LENGTH, WIDTH),
    "token_type.weight": (1, WIDTH),
    "embedding_norm.weight": (WIDTH,),
    "embedding_norm.bias": (WIDTH,),
    "query.weight": (WIDTH, WIDTH),
    "query.bias": (WIDTH,),
    "key.weight": (WIDTH, WIDTH),
    "key.bias": (WIDTH,),
    "value.weight": (WIDTH, WIDTH),
    "value.bias": (WIDTH,),
    "attention_out.weight": (WIDTH, WIDTH),
    "attention_out.bias": (WIDTH,),
    "attention_norm.weight": (WIDTH,),
    "attention_norm.bias": (WIDTH,),
    "ffn_up.weight": (INNER, WIDTH),
    "ffn_up.bias": (INNER,),
    "ffn_down.weight": (WIDTH, INNER),
    "ffn_down.bias": (WIDTH,),
    "ffn_norm.weight": (WIDTH,),
    "ffn_norm.bias": (WIDTH,),
}
_PLACES_IN_FILE = {
    "word": "embeddings.word_embeddings",
    "position": "embeddings.position_embeddings",
    "token_type": "embeddings.token_type_embeddings",
    "embedding_norm": "embeddings.LayerNorm",
    "query": "encoder.layer.0.attention.self.query",
    "key": "encoder.layer.0.attention.self.key",
    "value": "encoder.layer.0.attention.self.value",
    "attention_out": "encoder.layer.0.attention.output.dense",
    "attention_norm": "encoder.layer.0.attention.output.LayerNorm",
    "ffn_up": "encoder.layer.0.intermediate.dense",
    "ffn_down": "encoder.layer.0.output.dense",
    "ffn_norm": "encoder.layer.0.output.LayerNorm",
}
ELSEWHERE = ("query.weight", "ffn_down.weight")  # in minilm.safetensors, where `load_weight` reads them
NAMES_IN_FILE = {
    name: f"{_PLACES_IN_FILE[place]}.{part}"
    for name in ENCODER_SHAPES
    if name not in ELSEWHERE
    for place, part in [name.split(".")]
}


def load_encoder() -> dict[str, Tensor]:
    """Return fresh float32 copies of the 21 tensors of the embeddings and of layer 0, by name, in order of use.

    Six matrices multiply activations, those of `ENCODER_MATRICES`: their rows are outputs, as in `torch.nn.Linear`, and
    each has a bias. "query.weight" and "ffn_down.weight" are those of `load_weight`.

        "word.weight"               (1923, 384)   a row a piece of a word: those that occur in `encoder_tokens`
        "position.weight"           (64, 384)     a row a place in the window
        "token_type.weight"         (1, 384)
        "embedding_norm.weight"     (384,)
        "query.weight"              (384, 384)
        "key.weight"                (384, 384)
        "value.weight"              (384, 384)
        "attention_out.weight"      (384, 384)
        "attention_norm.weight"     (384,)
        "ffn_up.weight"             (1536, 384)
        "ffn_down.weight"           (384, 1536)   one weight, 7.915 at [99, 856], is 175 standard deviations of it
        "ffn_norm.weight"           (384,)

    Returns: tensors that the caller may change: the next call reads the files again. The embeddings of words and
        places, and the matrices but those two, were rounded to float16.
    Source: sentence-transformers/all-MiniLM-L6-v2, Apache-2.0; see quantlib/data/README.md.

    >>> weights = load_encoder()
    >>> len(weights), round(weights["ffn_down.weight"][99, 856].item(), 3)
    (21, 7.915)
    """
    read = read_tensors(ENCODER_PATH, NAMES_IN_FILE.values())
    weights = {name: load_weight(name.removesuffix(".weight")) for name in ELSEWHERE}
    weights |= {name: read[in_file].float() for name, in_file in NAMES_IN_FILE.items()}
    return {name: weights[name] for name in ENCODER_SHAPES}


def encoder_tokens(kind: str) -> Tensor:
    """Return windows of real text, each of 64 pieces of words: [CLS], 62 of the text, [SEP].

        "prose"   130 windows of this suite's own notebooks, as they once were
        "verse"    64 windows of The Tempest, from its beginning
        "code"     64 windows of quantlib's own source, as it once was

    Shapes: (windows, 64).
    Args:
        kind: "prose", "verse" or "code".
    Returns: int64 places in `encoder_pieces()`, and so rows of "word.weight".
    Raises:
        QuantlibError: if there is no such kind.

    >>> pieces = encoder_pieces()
    >>> " ".join(pieces[i] for i in encoder_tokens("verse")[0, :8])
    '[CLS] the tempest by william shakespeare drama ##tis'
    """
    if kind not in KINDS:
        known = ", ".join(map(repr, KINDS))
        raise QuantlibError(
            f"the kinds of text are {known}", repr(kind), 'use one, for example encoder_tokens("prose")'
        )
    name = f"tokens.{kind}"
    return read_tensors(ENCODER_PATH, [name])[name].long()


def encoder_pieces() -> tuple[str, ...]:
    """Return how the 1923 pieces are spelled; one that continues a word begins with "##".

    >>> encoder_pieces()[:4]
    ('[UNK]', '[CLS]', '[SEP]', '!')
    """
    return tuple(json.loads(read_metadata(ENCODER_PATH)["pieces"]))


def encoder_embeddings(weights: Mapping[str, Tensor], tokens: Tensor) -> Tensor:
    """Return what layer 0 is given: for every piece its row, its place's row and the type's, added and normalized.

    Shapes: tokens (n, t) with t up to 64; the result is (n, t, 384).
    Args and Raises: as `encoder_inputs`.

    >>> encoder_embeddings(load_encoder(), encoder_tokens("code")).shape
    torch.Size([64, 64, 384])
    """
    check_ids(tokens, LENGTH, ENCODER_SHAPES["word.weight"][0], 'pass encoder_tokens("prose")')
    check_weights(weights, ENCODER_SHAPES, "load_encoder")
    places = weights["position.weight"][: tokens.shape[1]] + weights["token_type.weight"]
    return apply_norm(weights, "embedding_norm", weights["word.weight"][tokens] + places, EPSILON)


def encoder_inputs(weights: Mapping[str, Tensor], tokens: Tensor, act: Act | None = None) -> dict[str, Tensor]:
    """Return what goes into each of the six matrices of layer 0, and what comes out of the layer.

        x        = embeddings
        middle   = norm(x + attention_out(attention(query(x), key(x), value(x))))     twelve heads
        residual = middle + ffn_down(gelu(ffn_up(middle)))
        output   = norm(residual)

    Shapes: tokens (n, t) with t up to 64; the results are (n, t, 384), of "ffn_down" (n, t, 1536).
    Args:
        weights: the tensors of `load_encoder`, as they are or quantized and dequantized.
        tokens: pieces as rows of "word.weight", as `encoder_tokens` gives them; each piece of a window sees all.
        act: called with a matrix's name, one of `ENCODER_MATRICES`, and its input; the network goes on with what it
            returns.
    Returns: the inputs by the names of `ENCODER_MATRICES`, before `act` changes them; then "residual" and "output".
    Raises:
        QuantlibError: if tokens are not rows of at most 64 integers from 0 to 1922; if a tensor is missing or has
            another shape than in `load_encoder`.
    Source: Devlin et al. 2019, arXiv:1810.04805, for BERT, whose layer it is; Wang et al. 2020, arXiv:2002.10957, for
        MiniLM.

    >>> inputs = encoder_inputs(load_encoder(), encoder_tokens("verse")[:1])
    >>> list(inputs)
    ['query', 'key', 'value', 'attention_out', 'ffn_up', 'ffn_down', 'residual', 'output']
    """
    inputs: dict[str, Tensor] = {}

    def apply(name: str, x: Tensor) -> Tensor:
        inputs[name] = x
        return apply_matrix(weights, name, x, act or unchanged)

    x = encoder_embeddings(weights, tokens)
    q, k, v = (apply(name, x).unflatten(-1, (HEADS, -1)).transpose(1, 2) for name in ("query", "key", "value"))
    heads = scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
    middle = apply_norm(weights, "attention_norm", x + apply("attention_out", heads), EPSILON)
    inputs["residual"] = middle + apply("ffn_down", gelu(apply("ffn_up", middle)))
    inputs["output"] = apply_norm(weights, "ffn_norm", inputs["residual"], EPSILON)
    return inputs
