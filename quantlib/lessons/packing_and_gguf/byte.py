"""Two codes in a byte: its eight bits, and which two codes four readers find in it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from quantlib.formats import unpack_bits
from quantlib.lab import style
from quantlib.lab.exercise import Function
from quantlib.lab.explore import Explorer, Scene, Slider, View, explorer
from quantlib.lab.learner import name_of
from quantlib.lab.panel import Drag, Panel
from quantlib.lab.words import number

from . import exercises

FIRST = Slider("a", "first code a", -3, -8, 7, 1)
SECOND = Slider("b", "second code b", 2, -8, 7, 1)
SIGNED = "two's complement, low half first"
READERS: dict[str, Callable[[Tensor], Tensor]] = {
    SIGNED: exercises.unpack.reference,
    "offset 8, low half first": lambda packed: unpack_bits(packed, sign="offset"),
    "two's complement, high half first": lambda packed: unpack_bits(packed, sign="twos_complement", order="high"),
    "no sign, low half first": unpack_bits,
}
LEAST, MOST = -8, 15  # of all codes that any reader can find


@dataclass(frozen=True)
class ByteView(View):
    """A byte, and the two codes that each reader finds in it; a, b: the codes that were meant."""

    a: int
    b: int
    byte: int
    pairs: tuple[tuple[int, int], ...]

    @property
    def bits(self) -> str:
        """The bits, the highest first, with a gap between the halves."""
        return f"{self.byte >> 4:04b} {self.byte & 15:04b}"


@explorer
def explore_byte(pack: Function = exercises.pack.reference, unpack: Function = exercises.unpack.reference) -> Explorer:
    """Show sliders for two codes over the byte that holds them, and what four readers find in it.

    Args:
        pack: f(codes) that puts two codes from 0 to 15 into a byte: quantlib's, or a learner's.
        unpack: f(packed) that gets two codes from -8 to 7 out of it: the first reader.
    """
    packs, unpacks = exercises.pack.stand_in(pack), exercises.unpack.stand_in(unpack)
    own = "" if unpack is exercises.unpack.reference else name_of(unpack)

    def compute(a: int, b: int) -> ByteView:
        packed, about_pack = packs(torch.tensor([a & 15, b & 15], dtype=torch.uint8))
        packed = packed.to(torch.uint8)
        first, about_unpack = unpacks(packed)
        pairs = [first if name == SIGNED else reader(packed) for name, reader in READERS.items()]
        return ByteView(a, b, int(packed), tuple((int(p[0]), int(p[1])) for p in pairs),
                        notices=(about_pack, about_unpack))  # fmt: skip

    def lay_out(figure: Figure) -> list[Panel]:
        bits = Bits(figure.add_axes((0.29, 0.745, 0.54, 0.165)))
        return [bits, Readers(figure.add_axes((0.29, 0.115, 0.54, 0.40)), own)]

    return Explorer([FIRST, SECOND], compute, Scene((9.2, 4.6), lay_out), describe)


def describe(view: ByteView) -> str:
    """Return the sentence that says which byte it is, and what each reader finds."""
    meant = f"a = {number(view.a)} and b = {number(view.b)}: they make the byte 0x{view.byte:02X}, bits {view.bits}"
    found = "; ".join(f"{name}: {_pair(pair)}" for name, pair in zip(READERS, view.pairs, strict=True))
    return f"{meant}. Read as {found}."


def _pair(pair: tuple[int, int]) -> str:
    return f"{number(pair[0])} and {number(pair[1])}"


def codes_of(byte: int) -> dict[str, float]:
    """Return the values of both sliders that make a byte, by quantlib's agreement."""
    a, b = exercises.unpack.reference(torch.tensor([byte], dtype=torch.uint8)).tolist()
    return {"a": a, "b": b}


class Bits(Panel):
    """The eight bits of a byte, the highest on the left; a click turns one over, and a stroke paints."""

    def __init__(self, axes: Axes) -> None:
        super().__init__(axes, xlim=(0, 8), ylim=(0, 1))
        style.bare(axes)
        self._ones = self.area({"facecolor": style.QUANTIZED_TINT}, zorder=0)
        for edge in range(9):
            axes.plot([edge, edge], [0, 1], color=style.QUIET, lw=2.5 if edge in (0, 4, 8) else 0.8, clip_on=False)
        for height in (0, 1):
            axes.plot([0, 8], [height, height], color=style.QUIET, lw=0.8, clip_on=False)
        for place in range(8):
            axes.text(place + 0.5, -0.14, str(2 ** ((7 - place) % 4)), size=9, color=style.QUIET, ha="center", va="top")
        axes.text(-0.12, 0.5, "one byte", size=10, weight="bold", ha="right", va="center")
        axes.text(-0.12, -0.14, "worth in its half", size=9, color=style.QUIET, ha="right", va="top")
        for at, name in ((2, "high half"), (6, "low half")):
            axes.text(at, -0.42, name, size=9, weight="bold", ha="center", va="top")
        self._bits = [self.label(at=(place + 0.5, 0.5), size=15, bold=True) for place in range(8)]

    def update(self, view: ByteView) -> None:
        """Write the bits of a view."""
        bits = f"{view.byte:08b}"
        for label, bit in zip(self._bits, bits, strict=True):
            label.text = bit
            label.color = style.QUANTIZED if bit == "1" else style.QUIET
        cells = [
            [(k + 0.05, 0.05), (k + 0.95, 0.05), (k + 0.95, 0.95), (k + 0.05, 0.95)]
            for k, bit in enumerate(bits)
            if bit == "1"
        ]
        self._ones.set_verts([numpy.array(cell) for cell in cells])
        self.title.text = f"0x{view.byte:02X}: the high half is {view.byte >> 4:X}, the low half is {view.byte & 15:X}"

    def grab(self, view: ByteView, x: float, y: float) -> Drag:
        """Turn the bit over that is pressed, and give those that the pointer then crosses the same value."""
        byte = (view.a & 15) | (view.b & 15) << 4
        one = not byte >> _place(x) & 1

        def paint(x: float, y: float) -> dict[str, float]:
            nonlocal byte
            byte = byte | 1 << _place(x) if one else byte & ~(1 << _place(x))
            return codes_of(byte)

        return paint


def _place(x: float) -> int:
    """Return which bit lies at a point; 0 is the lowest, on the right."""
    return 7 - min(max(int(x), 0), 7)


class Readers(Panel):
    """A number line for each reader: the first code as a dot, the second as a square."""

    def __init__(self, axes: Axes, own: str) -> None:
        rows = len(READERS)
        super().__init__(axes, xlim=(LEAST - 0.6, MOST + 0.6), ylim=(rows - 0.5, -0.5), xlabel="code")
        style.number_line(axes)
        axes.set_xticks(range(LEAST, MOST + 1, 2), [number(code) for code in range(LEAST, MOST + 1, 2)])
        beside: dict[str, Any] = {"transform": axes.get_yaxis_transform(), "size": 9, "ha": "right", "va": "center"}
        for row, name in enumerate(READERS):
            axes.plot([LEAST, MOST], [row, row], color=style.LEVELS, lw=0.8, zorder=0)
            mine = bool(own) and name == SIGNED
            axes.text(-0.015, row - 0.14 * mine, name, **beside, weight="bold" if row == 0 else "normal")
            if mine:
                axes.text(-0.015, row + 0.26, own, **(beside | {"size": 8}), color=style.QUIET)
        self._first = self.dot(style.QUANTIZED, ms=9)
        self._second = self.line(
            style.ORIGINAL, marker="s", ls="none", ms=13, mfc="none", mew=1.6, zorder=4, clip_on=False
        )
        at: dict[str, Any] = {"transform": axes.get_yaxis_transform(), "size": 10, "ha": "left"}
        self._pairs = [self.label(at=(1.02, row), **at) for row in range(rows)]

    def update(self, view: ByteView) -> None:
        """Put the codes of a view in their places; those of a learner that are far away stay at the edge."""
        first, second = numpy.array(view.pairs).clip(LEAST - 0.5, MOST + 0.5).T
        rows = numpy.arange(len(view.pairs))
        self._first.set_data(first, rows)
        self._second.set_data(second, rows)
        for label, pair in zip(self._pairs, view.pairs, strict=True):
            same = pair == (view.a, view.b)
            label.text, label.bold = _pair(pair), same
            label.color = style.QUANTIZED if same else style.QUIET
        right = sum(pair == (view.a, view.b) for pair in view.pairs)
        found = f"{right} of {len(view.pairs)} readers find{'s' * (right == 1)} {_pair((view.a, view.b))}"
        self.title.text = f"{found}; dot: first, square: second"

    def grab(self, view: ByteView, x: float, y: float) -> Drag | None:
        """Move the code of the first reader that is nearer to the pointer."""
        if y > 0.5:
            return None
        name = "a" if abs(x - view.a) <= abs(x - view.b) else "b"
        return lambda x, y: {name: x}
