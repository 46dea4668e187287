"""GGUF: blocks and files against gguf's own Python package, both ways; and files that are damaged or lie."""

import struct
import tracemalloc

import gguf
import numpy
import pytest
import torch
from gguf import GGMLQuantizationType as Type
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from quantlib import QuantlibError, sqnr_db, tiles
from quantlib.data import load_weight
from quantlib.formats import (
    BLOCKS,
    GgufTensor,
    dequantize_gguf,
    quantize_gguf,
    read_gguf,
    write_gguf,
)
from tests.helpers.strategies import errors, message

WRITTEN = ("F32", "F16", "Q8_0", "Q4_0", "Q4_1")  # what gguf's package writes too
FLOATS = st.floats(-(2.0**15), 2.0**15, width=32)
ROWS = arrays.arrays(numpy.float32, st.tuples(st.integers(0, 3), st.just(64)), elements=FLOATS)
TINY = 1e-36  # below it 1 / scale is infinite, and the package casts infinities to codes
NAMES = st.text(max_size=12)
VALUES = st.one_of(
    st.booleans(),
    st.integers(-(2**63), 2**64 - 1),
    st.floats(width=32, allow_nan=False),
    st.text(max_size=9),
    st.lists(st.text(max_size=5), min_size=1, max_size=4),
    st.lists(st.booleans(), min_size=1, max_size=4),
    st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=4),
    st.lists(st.floats(width=32, allow_nan=False), min_size=1, max_size=4),
)


def random_bytes(shape, seed=0):
    return torch.randint(0, 256, shape, generator=torch.Generator().manual_seed(seed), dtype=torch.uint8)


def theirs(x, kind):
    with numpy.errstate(all="ignore"):
        return torch.from_numpy(gguf.quants.quantize(x.numpy(), Type[kind]).view(numpy.uint8))


# --- blocks


@pytest.mark.parametrize("kind", WRITTEN)
@given(ROWS)
def test_blocks_are_those_of_ggufs_package(kind, values):
    x = torch.from_numpy(values + 0.0 if kind == "Q4_1" else values)  # which zero is the smallest is numpy's chance
    x[x.abs() < TINY] = 0.0
    assert torch.equal(quantize_gguf(x, kind), theirs(x, kind))


@pytest.mark.parametrize("kind", WRITTEN)
def test_many_blocks_are_those_of_ggufs_package(kind):
    x = torch.randn(512, 256, generator=torch.Generator().manual_seed(0)) * torch.logspace(-8, 4, 512)[:, None]
    x[0], x[1, 3], x[1, 9], x[2, 3], x[2, 9] = 0.0, -9.0, 9.0, 9.0, -9.0  # the largest twice, with either sign first
    x[3] = torch.arange(256) / 2  # ties
    assert torch.equal(quantize_gguf(x, kind), theirs(x, kind))
    for name in ("query", "ffn_down"):
        assert torch.equal(quantize_gguf(load_weight(name), kind), theirs(load_weight(name), kind))


@pytest.mark.parametrize("kind", BLOCKS)
def test_any_bytes_mean_what_ggufs_package_says(kind):
    data = random_bytes((1024, 4 * BLOCKS[kind].bytes))
    with numpy.errstate(all="ignore"):
        wanted = gguf.quants.dequantize(data.numpy(), Type[kind])
    found = dequantize_gguf(data, kind)
    assert found.shape == (1024, 4 * BLOCKS[kind].weights)
    assert numpy.array_equal(found.numpy(), wanted, equal_nan=True)


@pytest.mark.parametrize("kind", [k for k in BLOCKS if k != "Q6_K"])
def test_tiles_change_nothing(kind, monkeypatch):
    x = torch.randn(9, 512, generator=torch.Generator().manual_seed(0))
    data = quantize_gguf(x, kind)
    back = dequantize_gguf(data, kind)
    monkeypatch.setattr(tiles, "LARGE", 8)
    monkeypatch.setattr(tiles, "TILE", 600)
    assert torch.equal(quantize_gguf(x, kind), data) and torch.equal(dequantize_gguf(data, kind), back)
    assert torch.equal(quantize_gguf(x.double().T.contiguous().T.requires_grad_(), kind), data)


@pytest.mark.parametrize("kind", ["Q8_0", "Q4_0", "Q4_1"])
def test_what_was_quantized_is_quantized_to_the_same_bytes(kind):
    data = quantize_gguf(torch.randn(512, 256, generator=torch.Generator().manual_seed(0)), kind)
    assert torch.equal(quantize_gguf(dequantize_gguf(data, kind), kind), data)


def test_scales_in_six_bits_cost_almost_nothing():
    x = torch.from_numpy(numpy.random.RandomState(0).randn(1024, 1024)).float()
    found = {kind: sqnr_db(x, dequantize_gguf(quantize_gguf(x, kind), kind)) for kind in ("Q4_0", "Q4_1", "Q4_K")}
    assert {kind: round(value, 2) for kind, value in found.items()} == {"Q4_0": 21.32, "Q4_1": 22.13, "Q4_K": 22.11}


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_runs_of_one_sign_and_of_zeros_come_back_from_q4_k(sign):
    x = torch.zeros(3, 256)
    x[0], x[1, 32:64] = sign * torch.linspace(1, 2, 256), sign * 5.0
    error = (dequantize_gguf(quantize_gguf(x, "Q4_K"), "Q4_K") - x).abs()
    assert error[0].max() < 0.1 and error[1].max() < 0.2 and error[2].max() == 0


def test_half_of_all_scales_are_negative_and_a_block_of_zeros_has_minus_zero():
    x = torch.randn(4096, 32, generator=torch.Generator().manual_seed(0))
    scales = quantize_gguf(x, "Q4_0")[:, :2].contiguous().view(torch.float16)
    assert 0.45 < (scales < 0).float().mean() < 0.55
    assert quantize_gguf(torch.zeros(32), "Q4_0")[:3].tolist() == [0x00, 0x80, 0x88]


def test_scales_that_fp16_cannot_hold_apart_from_zero():
    for kind in ("Q8_0", "Q4_0", "Q4_1", "Q4_K"):
        for size in (1e-10, 1e-38, 1e-44):
            back = dequantize_gguf(quantize_gguf(torch.full((1, 256), size), kind), kind)
            assert back.isfinite().all() and back.abs().max() < 1e-6


# --- files


def written_by_gguf(path, tensors, keys=()):
    writer = gguf.GGUFWriter(path, "none")
    for add, key, value in keys:
        getattr(writer, f"add_{add}")(key, value)
    for name, (kind, data) in tensors.items():
        writer.add_tensor(name, data.numpy(), raw_dtype=Type[kind])
    for step in (writer.write_header_to_file, writer.write_kv_data_to_file, writer.write_tensors_to_file, writer.close):
        step()
    return path.read_bytes()


def some_tensors():
    x = torch.randn(6, 256, generator=torch.Generator().manual_seed(0))
    return {f"layer.{kind}": GgufTensor(kind, quantize_gguf(x, kind)) for kind in ("Q8_0", "Q4_0", "Q4_1", "Q4_K")}


KEYS = [
    ("string", "general.name", "größer"),
    ("uint32", "a.count", 7),
    ("uint64", "a.large", 2**40),
    ("int64", "a.negative", -3),
    ("float32", "a.float", 0.5),
    ("bool", "a.bool", True),
    ("array", "a.words", ["x", "", "yz"]),
    ("array", "a.numbers", [1, -2, 3]),
    ("array", "a.floats", [0.25, -1.0]),
]


def test_a_file_is_byte_for_byte_that_of_ggufs_writer(tmp_path):
    tensors = some_tensors() | {"three": GgufTensor("Q8_0", random_bytes((2, 3, 34)))}
    theirs = written_by_gguf(tmp_path / "theirs", tensors, KEYS)
    write_gguf(tmp_path / "ours", tensors, {"general.architecture": "none"} | {key: value for _, key, value in KEYS})
    assert (tmp_path / "ours").read_bytes() == theirs


def test_another_alignment_too(tmp_path):
    writer = gguf.GGUFWriter(tmp_path / "theirs", "none")
    writer.add_custom_alignment(128)
    for name, (kind, data) in some_tensors().items():
        writer.add_tensor(name, data.numpy(), raw_dtype=Type[kind])
    for step in (writer.write_header_to_file, writer.write_kv_data_to_file, writer.write_tensors_to_file, writer.close):
        step()
    write_gguf(tmp_path / "ours", some_tensors(), {"general.architecture": "none", "general.alignment": 128})
    assert (tmp_path / "ours").read_bytes() == (tmp_path / "theirs").read_bytes()
    assert all(torch.equal(t.data, some_tensors()[n].data) for n, t in read_gguf(tmp_path / "ours").tensors.items())


def test_ggufs_reader_reads_what_was_written(tmp_path):
    write_gguf(tmp_path / "ours", some_tensors(), {"general.architecture": "none"})
    found = {tensor.name: tensor for tensor in gguf.GGUFReader(tmp_path / "ours").tensors}
    for name, tensor in some_tensors().items():
        assert tuple(found[name].shape)[::-1] == tensor.shape == (6, 256)
        weights = gguf.quants.dequantize(found[name].data, Type[tensor.kind])
        assert numpy.array_equal(weights, tensor.dequantize().numpy())


def test_what_ggufs_writer_wrote_is_read(tmp_path):
    more = [("uint8", "b", 200), ("int8", "c", -100), ("uint16", "d", 60_000), ("int16", "e", -30_000)]
    more += [("int32", "f", -5), ("float64", "g", 0.1)]
    written_by_gguf(tmp_path / "theirs", some_tensors(), KEYS + more)
    file = read_gguf(tmp_path / "theirs")
    assert file.metadata == {"general.architecture": "none"} | {key: value for _, key, value in KEYS + more}
    assert list(file.tensors) == list(some_tensors())
    assert all(torch.equal(t.data, some_tensors()[n].data) for n, t in file.tensors.items())


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(NAMES, VALUES, max_size=4), st.dictionaries(NAMES, ROWS, max_size=3))
def test_what_is_written_is_read(tmp_path, metadata, rows):
    tensors = {name: GgufTensor("Q8_0", quantize_gguf(torch.from_numpy(row), "Q8_0")) for name, row in rows.items()}
    write_gguf(tmp_path / "a", tensors, metadata)
    file = read_gguf(tmp_path / "a")
    assert file.metadata == metadata and list(file.tensors) == list(tensors)
    for name, tensor in file.tensors.items():
        assert tensor.shape == tensors[name].shape and torch.equal(tensor.data, tensors[name].data)


def test_changing_a_tensor_that_was_read_leaves_the_file_alone(tmp_path):
    write_gguf(tmp_path / "a", some_tensors())
    before = (tmp_path / "a").read_bytes()
    read_gguf(tmp_path / "a").tensors["layer.Q8_0"].data.zero_()
    assert (tmp_path / "a").read_bytes() == before


# --- files that are damaged or lie


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """The bytes of a small file with every kind of field."""
    path = tmp_path_factory.mktemp("gguf") / "a"
    tensors = {"w": GgufTensor("Q4_0", random_bytes((2, 36))), "v": GgufTensor("F32", random_bytes((8,)))}
    write_gguf(path, tensors, {"a": "text", "b": [1, 2], "c": ["x", "y"], "d": True, "e": 0.5})
    return path.read_bytes()


def outcome(path, data):
    """What reading these bytes gives: the file, or the error; anything else is raised, as is a large allocation."""
    path.write_bytes(data)
    tracemalloc.start()
    try:
        return read_gguf(path)
    except QuantlibError as error:
        assert all(word in str(error) for word in (", got ", "; "))
        return error
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 200_000


def test_a_file_that_ends_too_early_is_an_error_at_every_length(sound, tmp_path):
    needed = len(sound) - (-8 % 32)  # what follows the last tensor is padding
    for length in range(needed):
        assert isinstance(outcome(tmp_path / "a", sound[:length]), QuantlibError), length
    assert not isinstance(outcome(tmp_path / "a", sound[:needed]), QuantlibError)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), min_size=1, max_size=6))
def test_changed_bytes_are_read_or_are_an_error(sound, tmp_path, changes):
    data = bytearray(sound)
    for place, value in changes:
        data[place % len(data)] = value
    outcome(tmp_path / "a", bytes(data))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(st.binary(max_size=200), st.booleans(), st.integers(0, 3), st.integers(0, 3))
def test_random_bytes_are_read_or_are_an_error(tmp_path, tail, with_head, tensors, keys):
    head = b"GGUF" + struct.pack("<IQQ", 3, tensors, keys) if with_head else b""
    outcome(tmp_path / "a", head + tail)


def file_of(*parts, tensors=0, keys=0, version=3):
    return b"GGUF" + struct.pack("<IQQ", version, tensors, keys) + b"".join(parts)


def text(data, length=None):
    return struct.pack("<Q", len(data) if length is None else length) + data


def info(*inside_out, kind=8, offset=0, name=b"w"):
    dimensions = struct.pack(f"<I{len(inside_out)}Q", len(inside_out), *inside_out)
    return text(name) + dimensions + struct.pack("<IQ", kind, offset)


def array(kind, count, data=b""):
    return text(b"k") + struct.pack("<IIQ", 9, kind, count) + data


HUGE = 2**64 - 1
DEEP = struct.pack("<I", 9) + struct.pack("<IQ", 9, 1) * 3000
DAMAGE = "; it is damaged or no GGUF file: fetch it again"
LIES = {
    "it begins with 24 bytes, got 3 bytes": b"GGU",
    "it begins with \"GGUF\", got b'GGML'": b"GGML" + bytes(40),
    "its version is 2 or 3, little-endian, got 1": file_of(version=1),
    "its version is 2 or 3, little-endian, got 50331648": file_of(version=3 << 24),
    f"what it announces fits into it, got {HUGE} things at 16 of 24": file_of(tensors=HUGE),
    f"what it announces fits into it, got {HUGE} things at 24 of 24": file_of(keys=HUGE),
    f"what it announces fits into it, got {HUGE} bytes at 32 of 65": file_of(text(b"k", HUGE), bytes(32), keys=1),
    f"what it announces fits into it, got {HUGE} bytes at 49 of 90": file_of(array(0, HUGE), bytes(41), keys=1),
    f"what it announces fits into it, got {HUGE} things at 49 of 50": file_of(array(8, HUGE, b" "), keys=1),
    f"what it announces fits into it, got {2**62} things at 49 of 50": file_of(array(9, 2**62, b" "), keys=1),
    "arrays lie at most 4 deep, got a deeper one": file_of(text(b"k"), DEEP, keys=1),
    "values have a type from 0 to 12, got 13": file_of(text(b"k"), struct.pack("<IQ", 13, 0), keys=1),
    "a truth value is 0 or 1, got 2": file_of(text(b"k"), struct.pack("<IB", 7, 2), keys=1),
    "texts are UTF-8, got invalid start byte": file_of(text(b"\xff"), bytes(32), keys=1),
    "names are there once, got 'k'": file_of(2 * (text(b"k") + struct.pack("<IB", 0, 1)), keys=2),
    "names are there once, got 'w'": file_of(info(0), info(0), bytes(64), tensors=2),
    "a tensor has at most 4 dimensions, got 5": file_of(info(1, 1, 1, 1, 1), tensors=1),
    f"a tensor has fewer than 2^63 weights, got (0, {HUGE}, 32) in 'w'": file_of(info(32, HUGE, 0), tensors=1),
    "a row of Q8_0 is whole blocks of 32, got 31 weights a row in 'w'": file_of(info(31), bytes(64), tensors=1),
    "tensors lie at aligned places inside it, got 34 bytes at 0 for 'w'": file_of(info(32), bytes(31), tensors=1),
    "tensors lie at aligned places inside it, got 34 bytes at 8 for 'w'": file_of(
        info(32, offset=8), bytes(99), tensors=1
    ),
    f"tensors lie at aligned places inside it, got 34 bytes at {2**64 - 32} for 'w'": file_of(
        info(32, offset=2**64 - 32), bytes(99), tensors=1
    ),
    f"tensors lie at aligned places inside it, got {34 * 2**50} bytes at 0 for 'w'": file_of(
        info(32, 2**50), bytes(99), tensors=1
    ),
}


@pytest.mark.parametrize("said", LIES)
def test_a_file_that_lies_is_told_what_is_wrong(said, tmp_path):
    assert str(outcome(tmp_path / "a", LIES[said])) == f"of a GGUF file, {said}{DAMAGE}"


@pytest.mark.parametrize("value", [0, 4, 7, 48, 2**40, True, "32", -8])
def test_an_alignment_is_a_power_of_two(value, tmp_path):
    said = f"general.alignment is a power of two from 8 on, got {value!r}; use 32"
    assert message(lambda: write_gguf(tmp_path / "a", {}, {"general.alignment": value})) == said


def test_a_hostile_alignment_is_an_error(tmp_path):
    for kind, value in (("I", 0), ("I", 7), ("i", -8)):
        key = text(b"general.alignment") + struct.pack(f"<I{kind}", 4 if kind == "I" else 5, value)
        assert "power of two" in str(outcome(tmp_path / "a", file_of(key, bytes(64), keys=1)))


def test_a_kind_that_is_not_known_is_named(tmp_path):
    said = str(outcome(tmp_path / "a", file_of(info(256, kind=13), bytes(999), tensors=1)))
    assert said == f"kinds that can be read are {', '.join(BLOCKS)}, got type 13 of 'w'; convert it"


def test_a_tensor_without_dimensions_is_one_number(tmp_path):
    file = outcome(tmp_path / "a", file_of(info(kind=0), bytes(99), tensors=1))
    assert file.tensors["w"].dequantize().tolist() == [0.0]


X, NOTHING = torch.ones(32), "/nonexistent/a"


def writing(tensor=None, value=1):
    return lambda: write_gguf(NOTHING, {} if tensor is None else {"w": tensor}, {"k": value})


@errors(
    (
        "a kind that can be written is one of F32, F16, Q8_0, Q4_0, Q4_1, Q4_K, got 'Q6_K'; choose one",
        lambda: quantize_gguf(X, "Q6_K"),
    ),
    (
        "rows of Q4_K are whole blocks of 256 weights, got shape (32,); "
        "pad the rows, or choose a kind with smaller blocks",
        lambda: quantize_gguf(X, "Q4_K"),
    ),
    ("weights must be finite, got NaN or infinity; remove them: torch.nan_to_num(x)",
     lambda: quantize_gguf(X * torch.nan, "Q4_1")),
    ("numbers stored as fp16 are at most 65504, got 125000.0; scale the weights, or use F32",
     lambda: quantize_gguf(X * 1e6, "Q4_0")),
    (f"a kind is one of {', '.join(BLOCKS)}, got 'Q5_K'; choose one", lambda: dequantize_gguf(X, "Q5_K")),
    ("rows of Q8_0 are whole blocks of 34 bytes, as uint8, got torch.uint8 of shape (33,); check the kind",
     lambda: dequantize_gguf(torch.zeros(33, dtype=torch.uint8), "Q8_0")),
    ("a tensor of a file is a GgufTensor, got Tensor; use GgufTensor(kind, data)", writing(X)),
    (f"the kind of a tensor is one of {', '.join(BLOCKS)}, got 'Q9'; choose one", writing(GgufTensor("Q9", X))),
    (
        "'w' is uint8, in rows of whole blocks of 18 bytes, on 1 to 4 axes, got torch.float32 of shape (32,); "
        "pass what quantize_gguf returned",
        writing(GgufTensor("Q4_0", X)),
    ),
    *(
        (
            "'k' is a bool, an int of 64 bits, a float, a str, or a list of one of these that is not empty, "
            f"got {value!r}; convert it, or leave it out",
            writing(value=value),
        )
        for value in ([], [1, "x"], None, 2**64, -(2**63) - 1, [2**63], [[1]], b"x")
    ),
)  # fmt: skip
def test_an_error_says_the_rule_what_came_and_what_to_do(text, call):
    assert message(call) == text
