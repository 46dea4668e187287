"""From a matplotlib canvas to a picture on the page: PNG bytes, alternative text, and what a notebook stores of it."""

import base64
import html
import struct
from dataclasses import dataclass

import numpy
from matplotlib.figure import Figure

from . import style
from .png import encode_png

NARROWEST = 0.72  # of its full width is a picture on a narrow page, which then scrolls


@dataclass(frozen=True)
class Picture:
    """A picture that a notebook shows, with the sentence that says the same to those who do not see it.

    It is stored three times: as HTML, because only there can a page give an image alternative text; as a plain PNG, for
    readers that allow no images in HTML; and as the sentence alone.
    """

    png: bytes
    alt: str
    width: int

    def html(self) -> str:
        """Return the image as an HTML element whose size is known before it is decoded, so that no page jumps."""
        data = base64.b64encode(self.png).decode()
        width, height = struct.unpack(">II", self.png[16:24])
        room = f"width:100%;min-width:{round(NARROWEST * self.width)}px;max-width:{self.width}px;height:auto"
        style = f"{room};aspect-ratio:{width}/{height};background:#fff"
        alt = html.escape(self.alt, quote=True)
        return f'<img alt="{alt}" style="{style}" decoding="sync" src="data:image/png;base64,{data}">'

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        return {
            "text/plain": self.alt,
            "text/html": self.html(),
            "image/png": base64.b64encode(self.png).decode(),
        }


def picture(figure: Figure, alt: str) -> Picture:
    """Draw a figure once and return it as a picture, as wide on the page as 100 pixels an inch."""
    canvas = style.canvas(figure)
    canvas.draw()
    return Picture(encode_png(numpy.asarray(canvas.buffer_rgba())), alt, round(figure.get_figwidth() * 100))
