"""PNG files from pixels: in true colour for what stands still, and with a palette for what moves.

Source of the format: PNG specification, third edition, W3C 2025, sections 5, 9 and 11.
"""

import struct
import zlib
from collections.abc import Sequence

import numpy
from matplotlib.colors import to_rgb

from . import style

TRUE_COLOUR, INDEXED = 2, 3  # colour types
SHADES = 5  # of each colour of the house style, towards white
AREA, MOST_AREAS = 64, 100  # so many pixels of one colour are an area, and so many of these stay exact
NEAR = 8  # colours of edges that differ by at most this, of 255, are one


def encode_png(rgba: numpy.ndarray, level: int = 6) -> bytes:
    """Return opaque RGBA pixels of shape (height, width, 4) as an RGB PNG.

    Pillow tries five filters on each row; plots are flat areas, which compress as well without a filter and in half the
    time.
    """
    height, width, _ = rgba.shape
    rows = numpy.zeros((height, 1 + 3 * width), numpy.uint8)  # each row begins with its filter type, 0: none
    rows[:, 1:].reshape(height, width, 3)[:] = rgba[:, :, :3]
    return _png(width, height, TRUE_COLOUR, (b"IDAT", zlib.compress(rows.data, level)))


class Palette:
    """Up to 255 colours that the pictures of one scene share: a byte a pixel, made in a third of the time.

    Colours of whole areas stay exact. The palette has those of a first picture, from the commonest on, and shades of
    the house style's, for what comes later. Every other colour, mostly on the edge of a line, becomes the nearest.

    Args:
        rgba: the first picture, opaque pixels of shape (height, width, 4).
    """

    def __init__(self, rgba: numpy.ndarray) -> None:
        areas = _by_frequency(_colours(rgba), AREA)[:MOST_AREAS]
        colours = numpy.concatenate([areas, _HOUSE, _by_frequency(_colours(rgba))])
        self._palette = _spread(colours, len(areas))
        self._index = numpy.zeros(1 << 24, numpy.uint8)  # by colour; 0: not met yet
        self._index[self._palette] = 1 + numpy.arange(len(self._palette))
        self._chunk = b"PLTE", numpy.concatenate([[(0, 0, 0)], _channels(self._palette)]).astype(numpy.uint8).tobytes()

    def encode(self, rgba: numpy.ndarray, level: int = 3) -> bytes:
        """Return opaque RGBA pixels of shape (height, width, 4) as a PNG in these colours."""
        height, width, _ = rgba.shape
        colours = _colours(rgba)
        rows = numpy.zeros((height, 1 + width), numpy.uint8)
        rows[:, 1:] = found = self._index.take(colours)
        if not found.all():
            self._learn(numpy.unique(colours[found == 0]))
            rows[:, 1:] = self._index.take(colours)
        return _png(width, height, INDEXED, self._chunk, (b"IDAT", zlib.compress(rows.data, level)))

    def _learn(self, colours: numpy.ndarray) -> None:
        """Give each colour the index of the nearest one in the palette."""
        ours, new = (_channels(c).astype(numpy.float32) for c in (self._palette, colours))
        distance = (ours**2).sum(1) - 2 * new @ ours.T  # to each, squared, less the same for all
        self._index[colours] = 1 + distance.argmin(1)


def _colours(rgba: numpy.ndarray) -> numpy.ndarray:
    """Return each pixel as one number, red + 256 green + 65536 blue."""
    return rgba.view("<u4")[..., 0] & 0xFFFFFF


def _channels(colours: numpy.ndarray) -> numpy.ndarray:
    return numpy.stack([colours & 255, colours >> 8 & 255, colours >> 16], axis=-1)


def _by_frequency(colours: numpy.ndarray, least: int = 1) -> numpy.ndarray:
    """Return the colours that occur at least so often, the commonest first."""
    colours, counts = numpy.unique(colours, return_counts=True)
    order = numpy.argsort(-counts, kind="stable")
    return colours[order][counts[order] >= least]


def _spread(colours: numpy.ndarray, areas: int) -> numpy.ndarray:
    """Return the first colours, up to 255 of them, without what is near to one before it, unless that is an area."""
    channels, chosen = _channels(colours).astype(int), [0]
    for k in range(1, len(colours)):
        near = numpy.abs(channels[chosen] - channels[k]).max(axis=1).min()
        if near > (0 if k < areas else NEAR):
            chosen.append(k)
            if len(chosen) == 255:
                break
    return colours[chosen]


def _shades(colours: Sequence[str]) -> numpy.ndarray:
    """Return shades of colours towards white, as numbers."""
    ink = numpy.array([to_rgb(colour) for colour in colours])[:, None]
    cover = numpy.linspace(1 / SHADES, 1, SHADES)[:, None]
    shades = numpy.round(255 * (1 - cover * (1 - ink))).astype(numpy.uint32).reshape(-1, 3)
    return numpy.unique(shades @ numpy.array([1, 256, 65536], numpy.uint32))


_HOUSE = _shades(style.INKS)


def _png(width: int, height: int, colour_type: int, *chunks: tuple[bytes, bytes]) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, colour_type, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*chunk) for chunk in ((b"IHDR", header), *chunks, (b"IEND", b"")))


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
