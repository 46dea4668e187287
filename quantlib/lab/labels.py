"""Text that moves often: drawn once for each string, then copied as pixels.

Laying out and drawing one text takes matplotlib about half a millisecond, more than all lines of a small picture. The
strings of an explorer return again and again.
"""

from functools import lru_cache
from typing import Any

import numpy
from matplotlib.artist import Artist
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.colors import to_rgba
from matplotlib.font_manager import FontProperties
from matplotlib.transforms import Transform

_LEFT = {"left": 0.0, "center": 0.5, "right": 1.0}
_PAD = 2  # pixels around the text


class Label(Artist):
    """A line of text at a point, like `Axes.text`.

    Args:
        at: where, in the coordinates of the transform.
        transform: from these coordinates to pixels, such as `axes.transData`.
        size: in points.
        color: any of matplotlib's colours.
        bold: whether the text is bold.
        ha: which end of the text is at the point: "left", "center" or "right". Its middle is always at its height.
        opaque: whether a white box keeps what lies behind from showing through.
    """

    def __init__(
        self, at: tuple[float, float], transform: Transform, *, size: float = 10, color: str = "black",
        bold: bool = False, ha: str = "center", opaque: bool = False,
    ) -> None:  # fmt: skip
        super().__init__()
        self.at, self.color, self.ha, self.text = at, color, ha, ""
        self._size, self._bold, self._opaque = size, bold, opaque
        self.set_transform(transform)
        self.set_zorder(4)

    def draw(self, renderer: Any) -> None:
        """Copy the pixels of the text, at whole pixels."""
        if not self.text or not self.get_visible():
            return
        stamp = _stamp(self.text, self._size, self._bold, self.color, self._opaque, renderer.dpi)
        height, width, _ = stamp.shape
        x, y = self.get_transform().transform(self.at)
        renderer.draw_image(renderer.new_gc(), round(x - _LEFT[self.ha] * width), round(y - height / 2), stamp)


@lru_cache(maxsize=4096)
def _stamp(text: str, size: float, bold: bool, color: str, opaque: bool, dpi: float) -> numpy.ndarray:
    """Return the RGBA pixels of a text, lowest row first, as draw_image takes them."""
    font = FontProperties(family="DejaVu Sans", size=size, weight="bold" if bold else "normal")
    width, height, descent = RendererAgg(1, 1, dpi).get_text_width_height_descent(text, font, False)
    # One height for all texts of a size, so that a label does not jump when its letters change.
    _, height, descent = RendererAgg(1, 1, dpi).get_text_width_height_descent("lp0", font, False)
    renderer = RendererAgg(round(width) + 2 * _PAD, round(height) + 2 * _PAD, dpi)
    gc = renderer.new_gc()
    gc.set_foreground(to_rgba(color))
    renderer.draw_text(gc, _PAD, round(height - descent) + _PAD, text, font, 0)
    pixels = numpy.array(renderer.buffer_rgba())
    return (_on_white(pixels) if opaque else pixels)[::-1]


def _on_white(rgba: numpy.ndarray) -> numpy.ndarray:
    alpha = rgba[..., 3:].astype(numpy.uint16)
    white = (rgba[..., :3] * alpha + 255 * (255 - alpha)) // 255
    return numpy.dstack([white, numpy.full_like(alpha, 255)]).astype(numpy.uint8)
