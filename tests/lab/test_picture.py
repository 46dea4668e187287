"""Pictures on the page: the pixels, the alternative text, and what is stored."""

import base64
import io

import numpy
from PIL import Image

from quantlib.lab import style
from quantlib.lab.picture import picture
from quantlib.lab.words import number


def test_picture_is_stored_as_html_png_and_sentence():
    figure = style.new_figure(2, 1, dpi=50)
    bundle = picture(figure, 'Two "levels" < three.')._repr_mimebundle_()
    assert set(bundle) == {"text/html", "image/png", "text/plain"}
    assert bundle["text/plain"] == 'Two "levels" < three.'
    assert 'alt="Two &quot;levels&quot; &lt; three."' in bundle["text/html"]
    assert "aspect-ratio:100/50" in bundle["text/html"] and "max-width:200px" in bundle["text/html"]
    assert base64.b64decode(bundle["image/png"]).startswith(b"\x89PNG")


def test_picture_is_white_where_nothing_is_drawn():
    image = Image.open(io.BytesIO(picture(style.new_figure(1, 1, dpi=20), "nothing").png))
    assert numpy.asarray(image).min() == 255


def test_house_style_leaves_the_readers_settings_alone():
    import matplotlib

    before = dict(matplotlib.rcParams)
    with style.house_style():
        assert matplotlib.rcParams["axes.spines.top"] is False
    assert dict(matplotlib.rcParams) == before


def test_numbers_have_four_digits_and_a_true_minus():
    assert [number(v) for v in (-70, 689.5, 0.0, 12345.678, -0.00012345)] == [
        "\N{MINUS SIGN}70", "689.5", "0", "1.235e+04", "\N{MINUS SIGN}0.0001234",
    ]  # fmt: skip
