"""GGUF files: what stands where, written and read."""

import struct
from collections.abc import Mapping
from itertools import accumulate
from math import prod
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

import numpy
import torch
from torch import Tensor

from ..errors import QuantlibError
from .gguf_blocks import BLOCKS, dequantize_gguf

ALIGNMENT = 32  # bytes, unless the key general.alignment says otherwise
_ALIGNMENT_KEY = "general.alignment"
_DEPTH = 4  # of arrays in arrays; more is an attack
_DIMENSIONS = 4  # at most, as in ggml

# The numbers of the value types in a file, and what struct calls them.
_STRING, _ARRAY, _BOOL = 8, 9, 7
_NUMBERS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", _BOOL: "?", 10: "Q", 11: "q", 12: "d"}
_KINDS = {block.number: kind for kind, block in BLOCKS.items()}


class GgufTensor(NamedTuple):
    """A tensor as GGUF stores it: the kind of its blocks, and its bytes as uint8, in rows of whole blocks."""

    kind: str
    data: Tensor

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the weights, rows first, as in torch."""
        _, weights, size = BLOCKS[self.kind]
        return (*self.data.shape[:-1], self.data.shape[-1] // size * weights)

    def dequantize(self) -> Tensor:
        """The weights, as `dequantize_gguf` returns them."""
        return dequantize_gguf(self.data, self.kind)


class GgufFile(NamedTuple):
    """What a GGUF file holds: values by key, and tensors by name, each in the order of the file."""

    metadata: dict[str, Any]
    tensors: dict[str, GgufTensor]


def write_gguf(
    path: str | PathLike[str], tensors: Mapping[str, GgufTensor], metadata: Mapping[str, Any] | None = None
) -> None:
    """Write a GGUF file of version 3.

    An integer is stored as uint32 where it fits, else as uint64 or int64; integers in a list as int32 or int64; a float
    as float32. The key "general.alignment" moves the tensors to multiples of its value; without it, of 32 bytes.

        "GGUF", version, number of tensors, number of keys      24 bytes
        for each key     name, type, value
        for each tensor  name, number of dimensions, dimensions from the innermost out, type, offset from the data
        the data, each tensor from a multiple of the alignment on

    Args:
        path: the file; one that is there is replaced.
        tensors: by name, as GgufTensor(kind, quantize_gguf(x, kind)).
        metadata: bool, int, float, str, or a list of one of these that is not empty, by key.
    Raises:
        QuantlibError: if a tensor is no whole blocks of a known kind, a value cannot be stored, or the alignment is
            wrong.
    Source: github.com/ggml-org/ggml/blob/master/docs/gguf.md, "File Structure", for version 3.

    >>> path = getfixture("tmp_path") / "a.gguf"
    >>> write_gguf(path, {"w": GgufTensor("Q4_0", torch.zeros(2, 18, dtype=torch.uint8))}, {"general.name": "zeros"})
    >>> path.read_bytes()[:8], read_gguf(path).tensors["w"].shape
    (b'GGUF\\x03\\x00\\x00\\x00', (2, 32))
    """
    metadata = metadata or {}
    alignment = _checked_alignment(metadata.get(_ALIGNMENT_KEY, ALIGNMENT))
    for name, tensor in tensors.items():
        _check(name, tensor)
    offsets = accumulate((_aligned(t.data.nbytes, alignment) for t in tensors.values()), initial=0)
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(metadata))
    head += b"".join(_text(key) + _value(key, value) for key, value in metadata.items())
    head += b"".join(_info(name, t, at) for (name, t), at in zip(tensors.items(), offsets, strict=False))
    parts: list[Any] = [head, *(t.data.contiguous().cpu().view(-1).numpy() for t in tensors.values())]
    with Path(path).open("wb") as file:
        for part in parts:
            file.write(part)
            file.write(bytes(-len(part) % alignment))


def read_gguf(path: str | PathLike[str]) -> GgufFile:
    """Return what a GGUF file holds. The bytes of its tensors stay in the file until they are used.

    Nothing that the file says of itself is believed before it is checked: no count, length or offset leads out of it,
    or makes room for more than it holds.

    Args:
        path: a file of version 2 or 3, little-endian.
    Returns: GgufFile; numbers in the metadata are Python's, arrays are lists.
    Raises:
        QuantlibError: if the file is damaged, or of a version or with a kind of block that is not known here.
        OSError: if it cannot be opened.
    Source: as `write_gguf`.

    >>> path = getfixture("tmp_path") / "a.gguf"
    >>> write_gguf(path, {}, {"general.architecture": "none", "a.list": [1, 2]})
    >>> read_gguf(path).metadata
    {'general.architecture': 'none', 'a.list': [1, 2]}
    """
    if Path(path).stat().st_size < 24:
        raise _damaged("it begins with 24 bytes", f"{Path(path).stat().st_size} bytes")
    data = numpy.memmap(path, numpy.uint8, mode="c")  # a copy on write: whoever changes a tensor leaves the file alone
    file = _Reader(data)
    if (magic := file.take(4)) != b"GGUF":
        raise _damaged('it begins with "GGUF"', magic)
    if (version := file.number("I")) not in (2, 3):
        raise _damaged("its version is 2 or 3, little-endian", version)
    tensors, keys = file.count(24), file.count(13)
    metadata = _unique((file.text(), file.value(file.number("I"))) for _ in range(keys))
    infos = _unique((file.text(), file.info()) for _ in range(tensors))
    alignment = _checked_alignment(metadata.get(_ALIGNMENT_KEY, ALIGNMENT))
    start = _aligned(file.at, alignment)
    return GgufFile(metadata, {name: _tensor(name, data, start, alignment, *info) for name, info in infos.items()})


def _aligned(count: int, alignment: int) -> int:
    return count + -count % alignment


def _checked_alignment(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 8 or value & value - 1 or value >= 2**32:
        raise QuantlibError(f"{_ALIGNMENT_KEY} is a power of two from 8 on", repr(value), "use 32")
    return value


# --- writing


def _check(name: str, tensor: GgufTensor) -> None:
    if not isinstance(tensor, GgufTensor) or not isinstance(tensor.data, Tensor):
        raise QuantlibError("a tensor of a file is a GgufTensor", type(tensor).__name__, "use GgufTensor(kind, data)")
    kind, data = tensor
    if kind not in BLOCKS:
        raise QuantlibError(f"the kind of a tensor is one of {', '.join(BLOCKS)}", repr(kind), "choose one")
    size = BLOCKS[kind].bytes
    if data.dtype != torch.uint8 or not 1 <= data.ndim <= _DIMENSIONS or data.shape[-1] % size:
        rule = f"{name!r} is uint8, in rows of whole blocks of {size} bytes, on 1 to {_DIMENSIONS} axes"
        raise QuantlibError(rule, f"{data.dtype} of shape {tuple(data.shape)}", "pass what quantize_gguf returned")


def _text(text: str) -> bytes:
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


def _info(name: str, tensor: GgufTensor, offset: int) -> bytes:
    inside_out = tensor.shape[::-1]
    dimensions = struct.pack(f"<I{len(inside_out)}Q", len(inside_out), *inside_out)
    return _text(name) + dimensions + struct.pack("<IQ", BLOCKS[tensor.kind].number, offset)


def _value(key: str, value: Any) -> bytes:
    """The type of a value and the value."""
    if isinstance(value, (list, tuple)) and value:
        types = {_type(item, in_list=True) for item in value}
        types = {11} if types == {5, 11} else types  # some need 64 bits, so all have them
        if len(types) == 1 and None not in types:
            (kind,) = types
            return struct.pack("<IIQ", _ARRAY, kind, len(value)) + b"".join(_plain(kind, item) for item in value)
    elif (kind := _type(value)) is not None:
        return struct.pack("<I", kind) + _plain(kind, value)
    rule = f"{key!r} is a bool, an int of 64 bits, a float, a str, or a list of one of these that is not empty"
    raise QuantlibError(rule, repr(value), "convert it, or leave it out")


def _type(value: Any, in_list: bool = False) -> Any:
    if isinstance(value, bool):
        return _BOOL
    if isinstance(value, int):
        order = (
            ((5, -(2**31), 2**31), (11, -(2**63), 2**63))
            if in_list
            else ((4, 0, 2**32), (10, 0, 2**64), (11, -(2**63), 0))
        )
        return next((kind for kind, low, high in order if low <= value < high), None)
    return 6 if isinstance(value, float) else _STRING if isinstance(value, str) else None


def _plain(kind: int, value: Any) -> bytes:
    return _text(value) if kind == _STRING else struct.pack(f"<{_NUMBERS[kind]}", value)


# --- reading


def _damaged(rule: str, got: object) -> QuantlibError:
    return QuantlibError(f"of a GGUF file, {rule}", got, "it is damaged or no GGUF file: fetch it again")


class _Reader:
    """Goes through the bytes of a file, and never beyond them."""

    def __init__(self, data: numpy.ndarray[Any, Any]) -> None:
        self._data, self.at = data, 0

    def take(self, count: int) -> bytes:
        if count > self.left():
            raise _damaged("what it announces fits into it", f"{count} bytes at {self.at} of {len(self._data)}")
        self.at += count
        return self._data[self.at - count : self.at].tobytes()

    def left(self) -> int:
        return len(self._data) - self.at

    def number(self, letter: str) -> int:
        return struct.unpack(f"<{letter}", self.take(struct.calcsize(f"<{letter}")))[0]

    def count(self, smallest: int) -> int:
        """A number of things, each of at least so many bytes."""
        count = self.number("Q")
        if count * smallest > self.left():
            raise _damaged("what it announces fits into it", f"{count} things at {self.at} of {len(self._data)}")
        return count

    def text(self) -> str:
        try:
            return self.take(self.number("Q")).decode()
        except UnicodeDecodeError as error:
            raise _damaged("texts are UTF-8", error.reason) from None

    def value(self, kind: int, depth: int = 0) -> Any:
        if kind == _STRING:
            return self.text()
        if kind == _ARRAY:
            return self._array(depth)
        return self._numbers(kind, 1)[0]

    def _array(self, depth: int) -> list[Any]:
        kind = self.number("I")
        if depth >= _DEPTH:
            raise _damaged(f"arrays lie at most {_DEPTH} deep", "a deeper one")
        if kind in (_STRING, _ARRAY):
            return [self.value(kind, depth + 1) for _ in range(self.count(8 if kind == _STRING else 12))]
        return self._numbers(kind, self.number("Q"))

    def _numbers(self, kind: int, count: int) -> list[Any]:
        if kind not in _NUMBERS:
            raise _damaged("values have a type from 0 to 12", kind)
        letter = "B" if kind == _BOOL else _NUMBERS[kind]
        values = list(struct.iter_unpack(f"<{letter}", self.take(count * struct.calcsize(f"<{letter}"))))
        if kind == _BOOL and any(value > 1 for (value,) in values):
            raise _damaged("a truth value is 0 or 1", max(values)[0])
        return [bool(value) if kind == _BOOL else value for (value,) in values]

    def info(self) -> tuple[tuple[int, ...], int, int]:
        """The shape of a tensor, rows first, the number of its kind, and its offset in the data."""
        if (count := self.number("I")) > _DIMENSIONS:
            raise _damaged(f"a tensor has at most {_DIMENSIONS} dimensions", count)
        inside_out = [self.number("Q") for _ in range(count)]
        return tuple(reversed(inside_out)), self.number("I"), self.number("Q")


def _unique(pairs: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise _damaged("names are there once", repr(name))
        found[name] = value
    return found


def _tensor(
    name: str, data: Any, start: int, alignment: int, shape: tuple[int, ...], number: int, offset: int
) -> GgufTensor:
    if number not in _KINDS:
        raise QuantlibError(
            f"kinds that can be read are {', '.join(BLOCKS)}", f"type {number} of {name!r}", "convert it"
        )
    _, weights, size = BLOCKS[_KINDS[number]]
    *outer, row = shape or (1,)
    if row % weights:
        raise _damaged(f"a row of {_KINDS[number]} is whole blocks of {weights}", f"{row} weights a row in {name!r}")
    rows = (*outer, row // weights * size)
    if prod(max(n, 1) for n in shape) >= 2**63:
        raise _damaged("a tensor has fewer than 2^63 weights", f"{shape} in {name!r}")
    if offset % alignment or start + offset + prod(rows) > len(data):
        raise _damaged("tensors lie at aligned places inside it", f"{prod(rows)} bytes at {offset} for {name!r}")
    bytes = data[start + offset : start + offset + prod(rows)]
    return GgufTensor(_KINDS[number], torch.from_numpy(bytes).view(rows))
