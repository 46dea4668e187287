"""What a network hears whose weights are read by one agreement or another."""

from collections.abc import Mapping

from torch import Tensor

from quantlib.data.silero import RATE, WINDOW, hears_speech
from quantlib.formats import quantize_gguf
from quantlib.groups import from_groups, to_groups
from quantlib.lab import style
from quantlib.lab.panel import runs
from quantlib.lab.picture import Picture, picture

from .exercises import BLOCK
from .lens import read_blocks


def draw_hearing(p: Mapping[str, Tensor]) -> Picture:
    """Draw where each network decides for speech, one row for each, and how often it decides as the first.

    Args:
        p: by name, the probability of speech in each window.
    """
    heard = {name: hears_speech(each) for name, each in p.items()}
    first = next(iter(heard.values()))
    seconds = WINDOW / RATE
    said = []
    with style.house_style():
        figure = style.new_figure(9.2, 0.62 + 0.36 * len(p))
        axes = figure.add_axes((0.15, 0.23, 0.55, 0.66))
        axes.set(xlim=(0, len(first) * seconds), ylim=(len(p) - 0.4, -0.6), xlabel="time, s")
        style.number_line(axes)
        ends = {name: windows.any() for name, windows in heard.items() if windows.all() == windows.any()}
        told = "; ".join(f"{name}: {'always' if end else 'never'} speech" for name, end in ends.items())
        axes.set_title(told or "where each network hears speech", size=10)
        for row, (name, windows) in enumerate(heard.items()):
            spans = [(start * seconds, (end - start) * seconds) for start, end in runs(windows.numpy())]
            axes.broken_barh(spans, (row - 0.3, 0.6), color=style.QUANTIZED if row else style.ORIGINAL)
            axes.axhline(row + 0.3, color=style.LEVELS, lw=0.8, zorder=0)
            count, same = int(windows.sum()), int((windows == first).sum())
            axes.text(-0.012, row, name, transform=axes.get_yaxis_transform(), size=9, ha="right", va="center")
            told = f"speech in {count} of {len(first)}" + (f", {same} as in float" if row else "")
            axes.text(1.012, row, told, transform=axes.get_yaxis_transform(), size=9, va="center")
            said.append(f"{name}: {told}")
        return picture(figure, f"Windows in which a network hears speech: {'; '.join(said)}.")


def as_read(weights: Mapping[str, Tensor], reader: int) -> dict[str, Tensor]:
    """Return a network whose trained weights are stored as Q4_0, rows filled up with zeros, and found by a reader."""
    return {name: _through(w, reader) if "weight" in name else w for name, w in weights.items()}


def _through(w: Tensor, reader: int) -> Tensor:
    groups = to_groups(w.flatten(1), BLOCK)
    read = read_blocks(quantize_gguf(groups.flatten(0, 1), "Q4_0"), reader)
    return from_groups(read.view(groups.shape), w[0].numel()).reshape(w.shape)
