"""Tiles: a large tensor worked through piece by piece gives what one piece gives, and takes little memory."""

import subprocess
import sys
import threading
from math import prod
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.autograd import profiler

from quantlib import choose_qparams, dequantize, fake_quantize, quantize, tiles, unclamped_codes
from tests.helpers.strategies import DTYPES, LAYOUTS, message

ROOT = Path(__file__).parents[2]
SHAPES = ((40,), (5, 8), (40, 1), (1, 40), (2, 4, 5), (3, 2, 2, 5))


def values(shape, dtype=torch.float32):
    return (torch.arange(prod(shape)) * 0.37 - 5).to(dtype).reshape(shape)


def make_tiles_small(monkeypatch, size=7):
    """Let small tensors be worked through as large ones are: in tiles, by several threads."""
    monkeypatch.setattr(tiles, "TILE", size)
    monkeypatch.setattr(tiles, "LARGE", size)


@given(st.lists(st.integers(0, 6), max_size=4), st.integers(1, 30))
def test_tiles_hold_every_element_once_and_in_order(shape, size):
    numbers = torch.arange(prod(shape)).reshape(shape)
    pieces = [numbers[index] for index in tiles.tiles(tuple(shape), size)]
    assert [n for piece in pieces for n in piece.flatten().tolist()] == list(range(prod(shape)))
    assert all(piece.numel() <= size and piece.is_contiguous() for piece in pieces)


def test_tiles_are_as_large_as_they_may_be():
    assert [index[0].stop for index in tiles.tiles((10, 3), 12)] == [4, 8, 10]
    assert [index[0].stop for index in tiles.tiles((10,), 4)] == [4, 8, 10]


@pytest.mark.parametrize("function", [quantize, fake_quantize])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("shape", SHAPES)
def test_many_tiles_give_the_result_of_one(monkeypatch, function, dtype, layout, shape):
    x = layout(values(shape, dtype))
    for axis in (None, *range(x.ndim), tuple(range(x.ndim))):
        scale, zero_point, *_ = choose_qparams(x, 4, axis=axis)
        one = function(x, scale, zero_point, -8, 5)
        with monkeypatch.context() as patch:
            make_tiles_small(patch)
            many = function(x, scale, zero_point, -8, 5)
        assert many.dtype == one.dtype and torch.equal(many, one)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("shape", SHAPES)
def test_many_tiles_of_codes_give_the_reals_of_one(monkeypatch, layout, shape):
    x = layout(values(shape))
    scale, zero_point, *_ = choose_qparams(x, axis=0)
    q = quantize(x, scale, zero_point)
    one = dequantize(q, scale, zero_point), unclamped_codes(x, scale, zero_point)
    make_tiles_small(monkeypatch)
    assert torch.equal(dequantize(q, scale, zero_point), one[0])
    assert torch.equal(unclamped_codes(x, scale, zero_point), one[1])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
def test_many_tiles_give_the_gradient_of_one(monkeypatch, dtype, shape):
    x = values(shape, dtype).requires_grad_()
    (one,) = torch.autograd.grad(fake_quantize(x, 0.5, 0, -8, 7).sum(), x)
    make_tiles_small(monkeypatch)
    (many,) = torch.autograd.grad(fake_quantize(x, 0.5, 0, -8, 7).sum(), x)
    assert torch.equal(many, one)
    assert 0 < many.sum() < many.numel()


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_input_is_never_changed_tile_by_tile(monkeypatch, dtype):
    make_tiles_small(monkeypatch)
    x = values((5, 8), dtype)
    before = x.clone()
    q = quantize(x, 0.5, 0)
    codes = q.clone()
    fake_quantize(x, 0.5, 0)
    unclamped_codes(x, 0.5, 0)
    dequantize(q, 0.5, 0)
    assert torch.equal(x, before) and torch.equal(q, codes)


@pytest.mark.parametrize("function", [quantize, fake_quantize])
@pytest.mark.parametrize("place", [0, 6, 7, 39])
def test_nan_is_an_error_in_every_tile(monkeypatch, function, place):
    make_tiles_small(monkeypatch)
    x = values((40,))
    x[place] = torch.nan
    text = "x must not hold NaN, which has no code, got NaN; remove it: torch.nan_to_num(x)"
    assert message(lambda: function(x, 1.0, 0)) == text


def test_a_tensor_of_more_than_one_real_tile_is_quantized_whole():
    x = torch.linspace(-1.0, 1.0, tiles.LARGE + 5)
    assert torch.equal(quantize(x, 0.01, 3), (x / 0.01 + 3).round().clamp(-128, 127).to(torch.int8))


def seen_by_a_step(monkeypatch, x, compute, dtype):
    """What a step is given in one thread, call by call, with tiles of 7 elements: x and the buffer; and the result."""
    calls = []

    def step(x, work):
        calls.append((x, work))
        return x.clone() if work is None else work.copy_(x)

    make_tiles_small(monkeypatch)
    monkeypatch.setattr(tiles, "in_threads", lambda work, count: work())
    return calls, tiles.run(step, compute, dtype, x)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
@pytest.mark.parametrize(("count", "sizes"), [(6, [6]), (7, [7]), (8, [7, 1]), (15, [7, 7, 1])])
def test_a_step_gets_at_most_one_tile_and_a_buffer_if_there_are_several(monkeypatch, dtype, count, sizes):
    calls, result = seen_by_a_step(monkeypatch, values((count,), dtype), torch.float32, torch.int8)
    assert [x.numel() for x, _ in calls] == sizes and all(x.dtype == torch.float32 for x, _ in calls)
    assert [work is None for _, work in calls] == [len(sizes) == 1] * len(sizes)
    assert torch.equal(result, values((count,), dtype).to(torch.int8))


def test_all_tiles_are_worked_out_in_the_same_buffer(monkeypatch):
    calls, _ = seen_by_a_step(monkeypatch, values((40,)), torch.float32, torch.int8)
    assert len({work.data_ptr() for _, work in calls}) == 1


def test_where_nothing_is_converted_a_tile_is_read_where_it_lies_and_written_where_it_belongs(monkeypatch):
    x = values((15,))
    calls, result = seen_by_a_step(monkeypatch, x, torch.float32, torch.float32)
    for (tile, work), start in zip(calls, (0, 7, 14), strict=True):
        assert tile.data_ptr() == x[start:].data_ptr() and work.data_ptr() == result[start:].data_ptr()


# --- threads


@pytest.mark.parametrize("count", [1, 2, 5])
def test_threads_share_the_tiles_and_each_is_worked_out_once(count):
    taken, pieces = [], tiles.Shared(iter(range(500)))
    tiles.in_threads(lambda: taken.extend(pieces), count)
    assert sorted(taken) == list(range(500))


def test_an_error_in_one_thread_is_raised_when_all_are_done():
    first, done = threading.Lock(), []

    def work():
        if first.acquire(blocking=False):
            raise ValueError("no")
        done.append(True)

    with pytest.raises(ValueError, match="no"):
        tiles.in_threads(work, 3)
    assert len(done) == 2


def test_in_each_thread_torch_works_alone_and_the_caller_keeps_its_threads():
    before, inside = torch.get_num_threads(), []
    tiles.in_threads(lambda: inside.append(torch.get_num_threads()), 3)
    assert inside == [1, 1, 1] and torch.get_num_threads() == before
    with pytest.raises(KeyError):
        tiles.in_threads(lambda: {}["missing"], 2)
    later = []
    threading.Thread(target=lambda: later.append(torch.get_num_threads())).run()
    assert torch.get_num_threads() == before and later == [before]


@pytest.mark.parametrize("dtype", [torch.int8, torch.float32, torch.float64, torch.bool])
def test_empty_has_the_shape_and_the_dtype_that_were_asked_for(dtype):
    made = tiles.empty((3, 4), dtype)
    assert made.shape == (3, 4) and made.dtype == dtype and made.is_contiguous()


# --- memory, of one operation


def most_at_once(call):
    """The most bytes that one operation of torch takes while the call runs. Results and buffers come from numpy."""
    with profiler.profile(profile_memory=True, use_kineto=False) as watched:  # kineto would take seconds to load
        call()
    return max((event.self_cpu_memory_usage for event in watched.function_events), default=0)


@pytest.mark.parametrize("dtype", DTYPES)
def test_no_operation_takes_fresh_memory_for_a_tile(monkeypatch, dtype):
    make_tiles_small(monkeypatch, 1000)
    x = values((10_000,), dtype)
    q = quantize(x, 0.5, 0)
    for function, of in ((quantize, x), (fake_quantize, x), (unclamped_codes, x), (dequantize, q)):
        assert most_at_once(lambda f=function, v=of: f(v, 0.5, 0)) < 1000


def test_the_measure_of_one_operation_sees_a_temporary():
    x = values((10_000,))
    assert most_at_once(lambda: x / 0.5) > 39_000


@pytest.mark.parametrize("dtype", DTYPES)
def test_rows_are_filled_from_the_same_rows_whatever_the_tiles(dtype, monkeypatch):
    x, beside = values((50, 3), dtype), torch.arange(50)[:, None]
    seen = []

    def step(out, x, beside):
        seen.append(len(x))
        out.copy_(x.sum(1, keepdim=True) + beside)

    wanted = tiles.fill(step, torch.empty(50, 1, dtype=dtype), x, beside)
    assert seen == [50]
    make_tiles_small(monkeypatch)
    found = tiles.fill(step, torch.empty(50, 1, dtype=dtype), x, beside)
    assert torch.equal(found, wanted) and sum(seen) == 100 and len(seen) > 5


def test_nothing_is_filled_by_nothing():
    out = tiles.fill(lambda out, x: 1 / 0, torch.empty(0, 2), torch.empty(0, 3))
    assert out.shape == (0, 2) == tiles.empty((0, 2), torch.int8).shape


# --- memory, measured in a process of its own


def memory_beyond_the_output(function, whose="quantlib"):
    command = [sys.executable, "-m", "benchmarks.memory", function, whose]
    return float(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak of memory from /proc")
@pytest.mark.parametrize("function", ["quantize", "dequantize", "fake_quantize"])
def test_a_large_tensor_takes_at_most_16_mib_beyond_the_result(function):
    assert memory_beyond_the_output(function) <= 16


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak of memory from /proc")
def test_the_measure_of_memory_sees_the_plain_formulas_temporaries():
    assert memory_beyond_the_output("quantize", "the formula") > 100
