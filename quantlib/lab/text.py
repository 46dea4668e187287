"""Text that changes often: each character is drawn once, then copied as pixels.

Laying out and drawing one text takes matplotlib about half a millisecond, and an explorer's picture has some thirty.
"""

from functools import lru_cache
from itertools import accumulate
from math import ceil
from typing import Any

import numpy
from matplotlib.artist import Artist
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.colors import to_rgb
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.ft2font import LoadFlags
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
        self.at, self.color, self.bold, self.ha, self.text = at, color, bold, ha, ""
        self._size, self._opaque = size, opaque
        self.set_transform(transform)
        self.set_zorder(4)

    def draw(self, renderer: Any) -> None:
        """Copy the pixels of the text, at whole pixels."""
        if not self.text or not self.get_visible():
            return
        stamp = _stamp(self.text, self._size, self.bold, self.color, self._opaque, renderer.dpi)
        height, width, _ = stamp.shape
        x, y = self.get_transform().transform(self.at).tolist()  # Python rounds its own numbers ten times as fast
        renderer.draw_image(renderer.new_gc(), round(x - _LEFT[self.ha] * width), round(y - height / 2), stamp)


@lru_cache(maxsize=4096)
def _stamp(text: str, size: float, bold: bool, color: str, opaque: bool, dpi: float) -> numpy.ndarray:
    """Return the RGBA pixels of a text, lowest row first, as draw_image takes them."""
    glyphs = [_glyph(character, size, bold, dpi) for character in text]
    starts = [round(start) for start in accumulate((advance for _, advance in glyphs), initial=0.0)]
    ink = numpy.zeros((len(glyphs[0][0]), starts[-1] + 2 * _PAD), numpy.uint8)
    for (pixels, _), start in zip(glyphs, starts, strict=False):
        place = ink[:, start : start + pixels.shape[1]]
        numpy.maximum(place, pixels[:, : place.shape[1]], out=place)
    rgb = 255 * numpy.array(to_rgb(color))
    stamp = numpy.empty((*ink.shape, 4), numpy.uint8)
    cover = ink[..., None] / 255 if opaque else 1.0
    stamp[..., :3] = rgb * cover + 255 * (1 - cover)
    stamp[..., 3] = 255 if opaque else ink
    return stamp[::-1]


@lru_cache(maxsize=1024)
def _glyph(character: str, size: float, bold: bool, dpi: float) -> tuple[numpy.ndarray, float]:
    """Return how far each pixel is covered by a character, 0 to 255, and the distance to the next one in pixels.

    All characters of a size have one height, so that a label does not jump when its letters change.
    """
    font = FontProperties(family="DejaVu Sans", size=size, weight="bold" if bold else "normal")
    face = get_font(findfont(font))
    face.set_size(size, dpi)
    advance = face.load_char(ord(character), flags=LoadFlags.NO_HINTING).linearHoriAdvance / 65536
    _, height, descent = RendererAgg(1, 1, dpi).get_text_width_height_descent("lp0", font, False)
    renderer = RendererAgg(ceil(advance) + 2 * _PAD, round(height) + 2 * _PAD, dpi)
    renderer.draw_text(renderer.new_gc(), _PAD, round(height - descent) + _PAD, character, font, 0)
    return numpy.array(renderer.buffer_rgba())[..., 3], advance
