"""Notebook 10: both explorers agree with quantlib, files are read by other programs, mistakes are known."""

import numpy
import pytest
import torch

from quantlib import sqnr_db
from quantlib.data import T, load_weight
from quantlib.data.silero import same_decisions
from quantlib.errors import QuantlibError
from quantlib.formats import (
    GgufTensor,
    dequantize_gguf,
    pack_bits,
    quantize_gguf,
    read_gguf,
    unpack_bits,
    write_gguf,
)
from quantlib.lab.words import number
from quantlib.lessons.bug_museum import bugs
from quantlib.lessons.packing_and_gguf import (
    as_read,
    blocks_of,
    dimensions,
    draw_file,
    draw_hearing,
    draw_order,
    draw_tiles,
    exercises,
    explore_byte,
    explore_lens,
)
from quantlib.lessons.packing_and_gguf.byte import Bits, Readers, codes_of
from quantlib.lessons.packing_and_gguf.lens import READERS, read_blocks
from tests.helpers.explored import assert_agrees, assert_redraws, assert_stands_in, now

W = load_weight("query")
GIVEN = {"rows": W}
MINUS = "\N{MINUS SIGN}"


def nibbles(byte):
    return byte % 16, byte // 16


def readout_byte(a, b):
    """What the explorer of a byte must say of two codes, by whole numbers alone."""
    low, high = int(a) % 16, int(b) % 16
    said = f"a = {number(a)} and b = {number(b)}: they make the byte 0x{high:X}{low:X}, "
    said += f"bits {high:04b} {low:04b}. Read as "
    pairs = (a, b), (low - 8, high - 8), (b, a), (low, high)
    names = "two's complement, low half first", "offset 8, low half first", "two's complement, high half first"
    found = zip((*names, "no sign, low half first"), pairs, strict=True)
    return said + "; ".join(f"{name}: {number(p)} and {number(q)}" for name, (p, q) in found) + "."


def found_by(reader):
    """The matrix as a reader finds it, in blocks, by other ways than the lesson's."""
    x = W.reshape(-1, 32)
    data = quantize_gguf(x, "Q4_0")
    right = dequantize_gguf(data, "Q4_0")
    scale = data[:, :2].contiguous().view(torch.float16).float()
    if reader == 1:
        return right.roll(16, 1)
    if reader == 2:
        return right.view(-1, 2, 16).transpose(1, 2).flatten(1)
    if reader == 6:
        return right * scale.sign()
    return right + scale * {0: 0, 3: 1, 4: -1, 5: 8}[reader]


def readout_lens(k, r):
    """What the explorer of blocks must say of a block and a reader."""
    x, k, r = W.reshape(-1, 32), int(k), int(r)
    scale = quantize_gguf(x[k : k + 1], "Q4_0")[:, :2].contiguous().view(torch.float16).item()
    head = f"k = {k} and r = {r}: read {READERS[r]}, this block of row {k // 12}, scale {number(scale)}, "
    read = found_by(r)
    off, sqnr = (read[k] - x[k]).abs().max().item(), f"{sqnr_db(x, read):.2f}".replace("-", MINUS)
    return f"{head}errs by up to {number(off)}. The matrix: SQNR {sqnr} dB"


READOUTS = [readout_byte, readout_lens]
EXPLORERS = {"byte": (explore_byte, readout_byte), "lens": (lambda *given: explore_lens(W, *given), readout_lens)}


@pytest.mark.parametrize(("make", "readout"), EXPLORERS.values(), ids=EXPLORERS)
def test_readout_agrees_with_quantlib_at_every_end_and_on_a_random_walk(make, readout):
    assert_agrees(make(), readout)


@pytest.mark.parametrize("make", [make for make, _ in EXPLORERS.values()], ids=EXPLORERS)
def test_blitting_draws_what_a_full_redraw_draws(make):
    assert_redraws(make)


@pytest.mark.parametrize("make", [make for make, _ in EXPLORERS.values()], ids=EXPLORERS)
def test_an_unwritten_function_is_told_and_quantlibs_stands_in(make):
    assert_stands_in(make)


# --- two codes in a byte


def test_a_learners_functions_make_the_byte_and_read_it():
    swapped = explore_byte(lambda codes: codes[..., 0::2] << 4 | codes[..., 1::2]).picture.alt
    assert "they make the byte 0xD2" in swapped and "two's complement, high half first: −3 and 2" in swapped
    offset = explore_byte(exercises.pack.reference, lambda b: unpack_bits(b, sign="offset")).picture.alt
    assert "Read as two's complement, low half first: 5 and −6" in offset


@pytest.mark.parametrize("wrong", [lambda c: c, lambda c: c[..., :1].float(), lambda c: c[..., :1].int() - 99])
def test_what_is_no_byte_is_not_drawn(wrong):
    assert "The picture shows quantlib's instead." in explore_byte(wrong).picture.alt


@pytest.fixture(scope="module")
def over_byte():
    return explore_byte()


def at(explorer, kind, x, y):
    """Return where a point of a panel is, in fractions of the picture."""
    panel = next(panel for panel in explorer.scene.panels if isinstance(panel, kind))
    box, (left, right), (low, high) = panel.axes.get_position(), panel.axes.get_xlim(), panel.axes.get_ylim()
    return box.x0 + box.width * (x - left) / (right - left), box.y0 + box.height * (y - low) / (high - low)


def test_a_click_turns_a_bit_over_and_a_stroke_paints(over_byte):
    over_byte.move(a=-3, b=2)
    over_byte.touched(*at(over_byte, Bits, 0.5, 0.5), pressed=True)  # the highest bit: 0x2D becomes 0xAD
    assert now(over_byte) == [-3, -6] and "0xAD" in over_byte.picture.alt
    over_byte.touched(*at(over_byte, Bits, 0.5, 0.5), pressed=True)
    assert now(over_byte) == [-3, 2]
    over_byte.touched(*at(over_byte, Bits, 4.5, 0.5), pressed=True)  # a bit that is 1: the stroke makes zeros
    for x in (5.5, 6.5, 7.5):
        over_byte.touched(*at(over_byte, Bits, x, 0.5), pressed=False)
    assert now(over_byte) == [0, 2]


def test_a_code_of_the_first_reader_can_be_dragged(over_byte):
    over_byte.move(a=-3, b=2)
    over_byte.touched(*at(over_byte, Readers, -3, 0), pressed=True)
    over_byte.touched(*at(over_byte, Readers, 4.2, 0), pressed=False)
    assert now(over_byte) == [4, 2]
    over_byte.touched(*at(over_byte, Readers, 2, 0), pressed=True)
    over_byte.touched(*at(over_byte, Readers, 14, 0), pressed=False)
    assert now(over_byte) == [4, 7]
    over_byte.touched(*at(over_byte, Readers, 4, 2), pressed=True)  # the other readers only read
    over_byte.touched(*at(over_byte, Readers, -4, 2), pressed=False)
    assert now(over_byte) == [4, 7]


@pytest.mark.parametrize("byte", [0, 0x2D, 0x88, 255])
def test_sliders_can_make_every_byte(byte):
    codes = torch.tensor([int(code) for code in codes_of(byte).values()])
    assert pack_bits(codes, sign="twos_complement").item() == byte


# --- a block under the lens


@pytest.mark.parametrize("reader", range(len(READERS)))
def test_each_reader_finds_what_it_says(reader):
    assert torch.allclose(read_blocks(quantize_gguf(W.reshape(-1, 32), "Q4_0"), reader), found_by(reader), atol=1e-6)


def test_a_wrong_order_costs_three_decibels_and_leaves_the_values():
    x = W.reshape(-1, 32)
    for reader in (1, 2):
        assert torch.equal(found_by(reader).flatten().sort().values, found_by(0).flatten().sort().values)
        assert sqnr_db(x, found_by(reader)) == pytest.approx(-3.01, abs=0.3)


def test_a_learners_blocks_are_drawn():
    mine = explore_lens(W, lambda x: quantize_gguf(x / 2, "Q4_0")).picture.alt
    assert "SQNR 5.9" in mine or "SQNR 6.0" in mine
    assert "The picture shows quantlib's instead." in explore_lens(W, lambda x: x).picture.alt
    assert "SQNR nan" in explore_lens(W, lambda x: torch.full((len(x), 18), 255)).picture.alt


def test_a_block_is_chosen_by_dragging_in_a_square():
    explorer = explore_lens(W)
    for panel in explorer.scene.touchable():
        explorer.move(k=17)
        box = panel.axes.get_position()
        x = box.x0 + box.width / 2
        explorer.touched(x, box.y1 - box.height * 4.5 / 32, pressed=True)
        assert now(explorer) == [4 * 12 + 5, 0]
        explorer.touched(x, box.y0 - 0.2, pressed=False)
        assert now(explorer) == [31 * 12 + 5, 0]


def test_still_pictures_say_what_is_so():
    assert draw_tiles(W).alt.endswith("in the same bytes, all in other places.")
    alt = draw_order(W, W, W.roll(1, 1)).alt
    assert alt.startswith("Both orders give one histogram") and "in the right order it has an SQNR of inf dB" in alt
    p = torch.tensor([0.9, 0.1, 0.9])
    assert draw_hearing({"float": p, "wrong": 1 - p}).alt.endswith("wrong: speech in 1 of 3, 0 as in float.")
    assert draw_hearing({"float": p, "wrong": p * 0}).alt.endswith("wrong: speech in 0 of 3, 1 as in float.")
    assert same_decisions(p, 1 - p) == 0 and same_decisions(p, p) == 3


def test_a_network_goes_through_blocks_whatever_its_shapes():
    w = torch.randn(4, 33, 3, generator=torch.Generator().manual_seed(0))
    read = as_read({"a.weight": w, "a.bias": w}, 0)
    assert read["a.weight"].shape == w.shape and sqnr_db(w, read["a.weight"]) > 18
    assert read["a.bias"] is w and sqnr_db(w, as_read({"a.weight": w}, 1)["a.weight"]) < 0


# --- the file


def block_of_t():
    return torch.nn.functional.pad(T.flatten(), (0, 23))[None]


def test_another_program_reads_a_learners_block(tmp_path, capsys):
    gguf = pytest.importorskip("gguf")
    path = tmp_path / "t.gguf"
    write_gguf(path, {"T": GgufTensor("Q4_0", blocks_of(block_of_t(), as_in_the_notebook)[0])})
    assert capsys.readouterr().out == "the blocks are yours\n"
    found = gguf.GGUFReader(path).tensors[0]
    assert (found.name, found.tensor_type.name, found.shape.tolist()) == ("T", "Q4_0", [32])
    theirs = gguf.quants.dequantize(found.data, found.tensor_type)
    assert numpy.array_equal(theirs, read_gguf(path).tensors["T"].dequantize().numpy())
    assert theirs[2] == 728.5


def test_the_parts_of_a_file_are_all_of_it(tmp_path, capsys):
    path = tmp_path / "t.gguf"

    def unwritten(*arguments): ...

    write_gguf(path, {"T": GgufTensor("Q4_0", blocks_of(block_of_t(), unwritten)[0])})
    assert "Quantlib's blocks are written instead." in capsys.readouterr().out
    assert dimensions(path) == [32]
    alt = draw_file(path).alt
    assert alt.startswith(f"A GGUF file of {path.stat().st_size} bytes") and "7 bytes zeros up to a multiple" in alt
    path.write_bytes(path.read_bytes()[:70])
    with pytest.raises(QuantlibError, match="a file with one block of Q4_0 is drawn"):
        draw_file(path)


# --- right answers, each written in another way


def as_in_the_notebook(x):
    d = x.gather(1, x.abs().argmax(1, keepdim=True)) / -8
    codes = (torch.where(d == 0, 0, x / d) + 8.5).floor().clamp(max=15).to(torch.uint8)
    return torch.cat([d.half().view(torch.uint8), codes[:, :16] | (codes[:, 16:] << 4)], 1)


def by_rows(x):
    rows = []
    for row in x:
        m = max(row.tolist(), key=abs)
        d = torch.tensor([m / -8])
        codes = [8 if m == 0 else min(int(v / d.item() + 8.5), 15) for v in row.tolist()]
        rows.append(d.half().view(torch.uint8).tolist() + [codes[j] + 16 * codes[j + 16] for j in range(16)])
    return torch.tensor(rows, dtype=torch.uint8)


def two_shifts(packed):
    signed = packed.view(torch.int8)
    return torch.stack([(packed << 4).view(torch.int8) >> 4, signed >> 4], -1).flatten(-2)


RIGHT = {
    "pack": [
        lambda c: c[..., 0::2] | c[..., 1::2] << 4,
        lambda c: c[..., ::2] + 16 * c[..., 1::2],
        lambda c: c[..., ::2] ^ (c[..., 1::2] * 2**4),
        lambda c: (c.unflatten(-1, (-1, 2)).int() @ torch.tensor([1, 16], dtype=torch.int32)).to(torch.uint8),
    ],
    "unpack": [
        two_shifts,
        lambda b: (torch.stack([b % 16, b // 16], -1).flatten(-2).to(torch.int8) ^ 8) - 8,
        lambda b: torch.stack([(b & 15).to(torch.int8), (b >> 4).to(torch.int8)], -1).flatten(-2).add(8) % 16 - 8,
    ],
    "q4_0": [as_in_the_notebook, by_rows],
}


@pytest.mark.parametrize(("exercise", "f"), [(name, f) for name, fs in RIGHT.items() for f in fs])
def test_right_answers_are_right(exercise, f):
    verdict = getattr(exercises, exercise).check(f)
    assert verdict.status == "right", verdict


# The smallest input that shows a mistake, and what comes.
SMALLEST = [
    ("packs_high_first", [1, 0], [16]),
    ("packs_halves_together", [1, 2, 3, 4], [49, 66]),
    ("packs_without_a_shift", [0, 1], [1]),
    ("packs_with_a_shift_of_three", [0, 1], [8]),
    ("packs_with_and", [1, 0], [0]),
    ("packs_the_sum", [1, 0], [16]),
    ("packs_in_decimals", [0, 1], [10]),
    ("packs_overlapping_pairs", [1, 2, 3, 4], [33, 50, 67]),
    ("packs_nothing", [1, 0], [1, 0]),
    ("packs_backwards", [1, 2, 3, 4], [67, 33]),
    ("packs_seven_bits", [0, 15], [112]),
    ("packs_signed_bytes", [15, 15], [-1]),
    ("unpacks_an_offset", [0x01], [-7, -8]),
    ("unpacks_runs", [0x12, 0x34], [2, 4, 1, 3]),
    ("unpacks_high_first", [0x01], [0, 1]),
    ("unpacks_unsigned", [0x0F], [15, 0]),
    ("unpacks_unsigned_bytes", [0x0F], [15, 0]),
    ("unpacks_in_uint8", [0x0F], [255, 0]),
    ("unpacks_one_sign", [0x88], [8, -8]),
    ("unpacks_sign_and_size", [0x0F], [-7, 0]),
    ("unpacks_ones_complement", [0x0F], [0, 0]),
    ("unpacks_without_the_top_bit", [0x88], [0, 0]),
    ("unpacks_eight_as_positive", [0x88], [8, 8]),
    ("unpacks_without_a_shift", [0x10], [0, 0]),
    ("unpacks_without_a_shift_in_int8", [0x10], [0, 0]),
    ("unpacks_without_a_mask", [0x01], [1, 0]),
    ("unpacks_one_half", [0x01], [1]),
]


@pytest.mark.parametrize(("name", "given", "result"), SMALLEST)
def test_the_smallest_input_that_shows_a_mistake(name, given, result):
    assert getattr(bugs, name)(torch.tensor(given, dtype=torch.uint8)).tolist() == result


# What learners write, as they write it: by exercise and mistake, lines that return what comes of it. None is ours.
WRITTEN = {
    "pack": {
        "the first code in the high half": ["codes[..., 0::2] * 16 + codes[..., 1::2]"],
        "halves of a row in a byte": [
            "codes[..., : codes.shape[-1] // 2] + 16 * codes[..., codes.shape[-1] // 2 :]",
        ],
        "the second code is not shifted": ["codes[..., ::2] | codes[..., 1::2]"],
        "shifted by 3": ["codes[..., ::2] + 8 * codes[..., 1::2] - (codes[..., ::2] & 8 & codes[..., 1::2] << 3)"],
        "and where or is meant": ["codes[..., ::2] & (codes[..., 1::2] << 4)"],
        "+ is done before <<": ["codes[..., ::2] + codes[..., 1::2] << 4"],
        "times 10": ["codes[..., ::2] + 10 * codes[..., 1::2]"],
        "pairs that overlap": ["codes[..., :-1] + codes[..., 1:] * 16"],
        "a byte for each code": ["codes & 15", "codes"],
        "the bytes in reverse order": ["(codes[..., ::2] + 16 * codes[..., 1::2]).flip(-1)"],
        "the top bit is lost": ["codes[..., ::2] + 16 * (codes[..., 1::2] % 8)"],
        "signed bytes": ["codes[..., ::2].to(int8) + 16 * codes[..., 1::2].to(int8)"],
    },
    "unpack": {
        "minus 8: an offset, not a sign": ["torch.stack([low - 8, high - 8], -1).flatten(-2)"],
        "all low halves, then all high": ["torch.cat([(low ^ 8) - 8, (high ^ 8) - 8], -1)"],
        "the high half first": ["torch.stack([(high ^ 8) - 8, (low ^ 8) - 8], -1).flatten(-2)"],
        "codes without a sign": ["both", "torch.stack([packed % 16, packed // 16], -1).flatten(-2)"],
        "uint8 has no negative numbers": ["torch.where(both > 7, both - 16, both).to(torch.uint8)"],
        "only the high half has a sign": ["torch.stack([low, packed.view(int8) >> 4], -1).flatten(-2)"],
        "sign and size": ["torch.where(both >= 8, 8 - both, both)"],
        "minus 15": ["torch.where(both >= 8, both - 15, both)"],
        "minus 8 from 8 on": ["both % 8"],
        "8 stays 8": ["torch.where(both > 8, both - 16, both)"],
        "the high half is not shifted": [
            "torch.stack([(low ^ 8) - 8, torch.where(high > 0, 16 * high.int() - 16, 0)], -1).flatten(-2)",
            "(lambda halves: torch.where(halves > 7, halves - 16, halves))("
            "torch.stack([packed & 0x0F, packed & 0xF0], -1).flatten(-2).to(int8))",
        ],
        "the low half is not masked": [
            "torch.stack([packed.int() - 16 * (packed > 7), (high.int() ^ 8) - 8], -1).flatten(-2)",
        ],
        "only the low halves": ["(low ^ 8) - 8"],
    },
    "q4_0": {
        "codes from the stored scale": ["block(d, codes(d.half().float()))"],
        "two neighbours in a byte": ["torch.cat([half(d), codes(d)[:, ::2] + 16 * codes(d)[:, 1::2]], 1)"],
        "the first code in the high half": ["torch.cat([half(d), 16 * codes(d)[:, :16] + codes(d)[:, 16:]], 1)"],
        "max|x| / 7": ["block(size / 7, codes(size / 7))"],
        "max|x| / 8: the sign is lost": ["block(size / 8, codes(size / 8))", "block(d.abs(), codes(d.abs()))"],
        "max|x| / -8: always negative": ["block(size / -8, codes(size / -8))"],
        "m / 8, without the minus": ["block(-d, codes(-d))"],
        "max where the largest size is meant": ["block(x.max(1, True).values / -8, codes(x.max(1, True).values / -8))"],
        "the scale is not divided by -8": ["block(-8 * d, codes(-8 * d))"],
        "one scale for all blocks": ["block(shared, codes(shared))"],
        "the code 16 is not clamped": ["block(d, steps(d).floor().to(torch.uint8))"],
        "half to even": ["block(d, ((steps(d) - 8.5).round() + 8).clamp(max=15).to(torch.uint8))"],
        "cut, not rounded": ["block(d, (steps(d) - 0.5).floor().clamp(max=15).to(torch.uint8))"],
        "no offset of 8": ["block(d, (codes(d).int() - 8 & 15).to(torch.uint8))"],
        "the bytes of the scale swapped": ["torch.cat([half(d).flip(1), block(d, codes(d))[:, 2:]], 1)"],
        "the scale comes last": ["torch.cat([block(d, codes(d))[:, 2:], half(d)], 1)"],
        "a scale of four bytes": ["torch.cat([d.contiguous().view(torch.uint8), block(d, codes(d))[:, 2:]], 1)"],
        "a block of zeros divides by 0": ["block(d, torch.where(d == 0, 0, codes(d)))"],
    },
}

# What a learner has worked out before.
BEFORE = {
    "unpack": {
        "low": "(packed & 15).to(int8)",
        "high": "(packed >> 4).to(int8)",
        "both": "torch.stack([low, high], -1).flatten(-2)",
    },
    "q4_0": {
        "size": "x.abs().max(1, keepdim=True).values",
        "d": "torch.stack([max(row, key=abs) for row in x])[:, None] / -8",
        "shared": "(d[(8 * d).abs().argmax()]).expand(len(x), 1)",
        "half": "lambda d: d.half().contiguous().view(torch.uint8)",
        "steps": "lambda d: torch.where(d == 0, 0, x / d) + 8.5",
        "codes": "lambda d: steps(d).floor().clamp(0, 15).to(torch.uint8)",
        "block": "lambda d, q: torch.cat([half(d), q[:, :16] + 16 * q[:, 16:]], 1)",
    },
}
