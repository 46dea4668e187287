"""PNG files: true colour keeps every pixel, a palette keeps the flat areas and stays near everywhere else."""

import io

import numpy
import pytest
from PIL import Image

from quantlib.data import T
from quantlib.lab import explore, style
from quantlib.lab.png import NEAR, Palette, encode_png
from quantlib.lessons.affine_formula import explore_affine
from quantlib.lessons.clamping import explore_split
from quantlib.lessons.error_norms import explore_landscape
from quantlib.lessons.naive_max_abs import explore_factor
from quantlib.lessons.start_here import explore_range

EXPLORERS = explore_affine, explore_factor, explore_landscape, explore_range, explore_split


def decoded(data: bytes) -> numpy.ndarray:
    """The colours of the pixels of a PNG, which must be sound and opaque."""
    Image.open(io.BytesIO(data)).verify()
    image = Image.open(io.BytesIO(data))
    assert not image.has_transparency_data
    return numpy.asarray(image.convert("RGB")).astype(int)


def noise(height, width, colours=1 << 24):
    rgba = numpy.random.RandomState(0).randint(0, colours, (height, width), numpy.uint32) | 0xFF000000
    return rgba.view(numpy.uint8).reshape(height, width, 4)


def test_true_colour_holds_every_pixel():
    rgba = noise(7, 5)
    assert numpy.array_equal(decoded(encode_png(rgba)), rgba[..., :3])


def test_colours_of_areas_are_exact():
    rgba = numpy.ascontiguousarray(noise(9, 6).repeat(8, axis=0).repeat(8, axis=1))
    assert numpy.array_equal(decoded(Palette(rgba).encode(rgba)), rgba[..., :3])


def test_palette_gives_a_colour_met_later_the_nearest_of_its_own():
    white = numpy.full((2, 3, 4), 255, numpy.uint8)
    palette = Palette(white)
    later = white.copy()
    later[0, 0, :3] = 1, 113, 179  # a step from the blue of what is quantized
    back = decoded(palette.encode(later))
    assert back[0, 0].tolist() == [0, 114, 178]
    assert numpy.array_equal(back[1], white[1, :, :3])


@pytest.mark.parametrize("explore_it", EXPLORERS)
def test_moving_pictures_are_true_to_their_colours(explore_it, monkeypatch):
    """White stays white, areas are off by at most 4 of 255, and on edges of lines hardly any pixel by more than 8."""
    seen = []
    encode = Palette.encode

    def spy(self, rgba):
        seen.append((rgba.copy(), encode(self, rgba)))
        return seen[-1][1]

    monkeypatch.setattr(explore.Palette, "encode", spy)
    explorer = explore_it(T)
    draw = numpy.random.RandomState(3)
    for _ in range(12):
        explorer.move(**{name: draw.choice([c.min, c.max, c.value]) for name, c in explorer.controls.items()})
    for rgba, data in seen:
        off = numpy.abs(decoded(data) - rgba[..., :3]).max(-1)
        assert (off > 8).mean() < 0.002 and (off > 24).mean() < 0.0002 and off.max() <= 64
        pixels = rgba.view(numpy.uint32)[..., 0]
        colours, counts = numpy.unique(pixels, return_counts=True)
        assert off[numpy.isin(pixels, colours[counts > 2000])].max() <= NEAR == 4
        assert off[pixels == 0xFFFFFFFF].max() == 0


def test_a_palette_picture_is_smaller():
    explorer = explore_affine(T)
    png = explorer.picture.png
    pixels = numpy.asarray(style.canvas(explorer.scene.figure).buffer_rgba())
    assert len(png) < 0.7 * len(encode_png(pixels))
