"""PNG files from pixels: in true colour for what stands still, and with a palette for what moves."""

import io
from collections.abc import Sequence
from typing import Any

import numpy
from matplotlib.colors import to_rgb
from PIL import Image

from . import style

COLOURS = 256  # of a palette
COMMONEST = 100  # colours of the first picture that come before the house style's
SHADES = 5  # of each colour of the house style, towards white
NEAR = 4  # colours that differ by at most this, of 255, are one; Pillow looks them up no finer


def encode_png(rgba: numpy.ndarray) -> bytes:
    """Return opaque RGBA pixels of shape (height, width, 4) as an RGB PNG."""
    return _png(_image(rgba), level=6)


class Palette:
    """Up to 256 colours that the pictures of one scene share: a byte a pixel, made in a fifth of the time.

    They are those of a first picture, the commonest first, and shades of the house style's, for what comes later. Every
    other colour becomes the nearest of them. So whole areas stay as they are, or differ by at most 4 of 255.

    Args:
        rgba: the first picture, opaque pixels of shape (height, width, 4).
    """

    def __init__(self, rgba: numpy.ndarray) -> None:
        image = _image(rgba)
        found: Any = sorted(image.getcolors(image.width * image.height) or [], reverse=True)
        colours = [colour for _, colour in found]
        self._colours = _spread([*colours[:COMMONEST], *_HOUSE, *colours[COMMONEST:]])
        self._nearest = Image.new("P", (1, 1))
        self._nearest.putpalette((self._colours // NEAR * NEAR).tobytes())  # as Pillow rounds the colours of pixels

    def encode(self, rgba: numpy.ndarray) -> bytes:
        """Return opaque RGBA pixels of shape (height, width, 4) as a PNG in these colours."""
        image = _image(rgba).quantize(palette=self._nearest, dither=Image.Dither.NONE)
        image.putpalette(self._colours.tobytes())
        return _png(image, level=2)


def _image(rgba: numpy.ndarray) -> Image.Image:
    height, width, _ = rgba.shape
    return Image.frombytes("RGB", (width, height), rgba.data, "raw", "RGBX")


def _png(image: Image.Image, level: int) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG", compress_level=level)
    return file.getvalue()


def _spread(colours: Sequence[Any]) -> numpy.ndarray:
    """Return the first colours that are not near to one before them, shape (up to 256, 3)."""
    left = numpy.array(colours, int)
    chosen: list[numpy.ndarray] = []
    while len(left) and len(chosen) < COLOURS:
        chosen.append(left[0])
        left = left[numpy.abs(left - left[0]).max(axis=1) > NEAR]
    return numpy.array(chosen, numpy.uint8)


def _shades(colours: Sequence[str]) -> list[numpy.ndarray]:
    """Return shades of colours towards white."""
    cover = numpy.linspace(1 / SHADES, 1, SHADES)[:, None]
    return [shade for ink in colours for shade in numpy.round(255 * (1 - cover * (1 - numpy.array(to_rgb(ink)))))]


_HOUSE = _shades(style.INKS)
