"""A file that fits on a screen: a block written into it, and every byte in its place."""

from pathlib import Path

from matplotlib.patches import Rectangle
from torch import Tensor

from quantlib.errors import QuantlibError
from quantlib.lab import style
from quantlib.lab.exercise import Function
from quantlib.lab.picture import Picture, picture

from . import exercises

WIDE = 16  # bytes in a line
START = 24  # bytes before the first key or tensor


def blocks_of(x: Tensor, q4_0: Function = exercises.q4_0.reference) -> Tensor:
    """Return the 18 bytes of each row of 32 values by a learner's function, or by quantlib's, and print by whose."""
    blocks, notice = exercises.q4_0.stand_in(q4_0, "Quantlib's blocks are written instead.")(x)
    print(notice or "the blocks are yours")
    return blocks


def parts(data: bytes) -> list[tuple[str, int]]:
    """Return the parts of a file with one tensor of Q4_0 in one block and no keys, and how many bytes each takes."""
    name = int.from_bytes(data[START : START + 8], "little")
    info = START + 8 + name
    dimensions = int.from_bytes(data[info : info + 4], "little")
    end = info + 4 + 8 * dimensions + 12
    if data[:4] != b"GGUF" or -(-end // 32) * 32 + 18 > len(data):
        raise QuantlibError("a file with one block of Q4_0 is drawn", f"{len(data)} bytes", "write one tensor of 32")
    padding = -end % 32
    left = len(data) - end - padding - 18
    return [
        ("GGUF, version, how many tensors and keys", START),
        (f"name: its length, then “{data[START + 8 : info].decode()}”", 8 + name),
        ("shape: how many dimensions, then each", 4 + 8 * dimensions),
        ("type 2 is Q4_0; offset from the data's start", 12),
        ("zeros up to a multiple of 32", padding),
        ("scale", 2),
        ("32 codes", 16),
        ("zeros", left),
    ]


def dimensions(path: str | Path) -> list[int]:
    """Return the dimensions of the first tensor of a file without keys, in the order of the file."""
    data = Path(path).read_bytes()
    count = START + 8 + int.from_bytes(data[START : START + 8], "little")
    first = count + 4
    ends = range(first, first + 8 * int.from_bytes(data[count:first], "little"), 8)
    return [int.from_bytes(data[at : at + 8], "little") for at in ends]


def draw_file(path: str | Path) -> Picture:
    """Draw every byte of a small file in hexadecimal, coloured by what it is."""
    data = Path(path).read_bytes()
    named = parts(data)
    inks = [style.LEVELS, style.BETTER_TINT, style.ROUNDING_TINT, style.CLIPPED_PALER]
    inks += ["white", style.RANGE_TINT, style.QUANTIZED_TINT, "white"]
    lines = -(-len(data) // WIDE)
    with style.house_style():
        figure = style.new_figure(9.2, 0.35 + 0.33 * max(lines, len(named)))
        axes = figure.add_axes((0.06, 0.02, 0.92, 0.86))
        style.bare(axes)
        axes.set(xlim=(0, 26), ylim=(max(lines, len(named)), 0))
        axes.set_title(f"{len(data)} bytes, {WIDE} in a line")
        at = 0
        for row, ((name, count), ink) in enumerate(zip(named, inks, strict=True)):
            for place in range(at, at + count):
                line, column = divmod(place, WIDE)
                axes.add_patch(Rectangle((column, line + 0.04), 1, 0.92, color=ink, lw=0))
                axes.text(column + 0.5, line + 0.5, f"{data[place]:02x}", size=9, ha="center", va="center")
            at += count
            axes.add_patch(Rectangle((16.6, row + 0.2), 0.6, 0.6, fc=ink, ec=style.QUIET, lw=0.6))
            axes.text(17.4, row + 0.5, f"{count}: {name}", size=8.5, va="center")
        for line in range(lines):
            axes.text(-0.2, line + 0.5, str(WIDE * line), size=9, color=style.QUIET, ha="right", va="center")
        told = "; ".join(f"{count} bytes {name}" for name, count in named)
        return picture(figure, f"A GGUF file of {len(data)} bytes: {told}.")
