"""Every notebook can be read by everyone: on a screen reader, in little contrast, and with any sight for colours.

The page is read as the browser gets it, and the colours are measured where they are drawn: see drawn.py and sight.py.
"""

import re
from itertools import combinations, pairwise, product

import ipywidgets
import mistune
import nbformat
import pytest
from bs4 import BeautifulSoup

from quantlib.lab import style
from quantlib.lab.text import Label
from quantlib.lab.verdict import Verdict
from tests.helpers.drawn import ends, run, scenes, walk
from tests.helpers.lessons import READOUTS
from tests.helpers.sight import SIGHTS, contrast, distance, rgb
from tools import project

NOTEBOOKS = project.notebooks()
HEADINGS = ["h1", "h2", "h3", "h4", "h5", "h6"]
markdown = mistune.create_markdown(escape=False, plugins=["table", "url"])

TEXT, MARK = 4.5, 3.0  # WCAG 2.2, success criteria 1.4.3 and 1.4.11
PALE = 1.6  # a fill with less contrast than this is taken for a background, and says nothing alone
# Half of all people see a difference of 14.8 along b*, where they see it worst, between squares of 1/3 degree, the
# smallest that were tried (Stone, Szafir and Setlur, An Engineering Model for Color Difference as a Function of Size,
# 2014). Lines and points are smaller, and everyone should see it: twice as much.
APART = 30.0
SMALLEST_TEXT = 8  # points: on the narrowest picture, 0.72 of its full width, these are 8 of the page's pixels high

FAMILIES = {
    "original": (style.ORIGINAL,),
    "quantized": (style.QUANTIZED,),
    "clipped": (style.CLIPPED, style.CLIPPED_TEXT),
    "rounding": (style.ROUNDING, style.ROUNDING_TEXT),
    "better": (style.BETTER, style.BETTER_TEXT),
    "quiet": (style.QUIET,),
}
FAMILY = {colour.lower(): family for family, colours in FAMILIES.items() for colour in colours}


@pytest.fixture(scope="module", params=NOTEBOOKS, ids=lambda path: path.stem)
def path(request):
    return request.param


@pytest.fixture(scope="module")
def page(path):
    """A notebook as HTML, from top to bottom: its prose and what its cells show."""
    parts = []
    for cell in nbformat.read(path, as_version=4).cells:
        parts.append(markdown(cell.source) if cell.cell_type == "markdown" else "")
        parts.extend(output.get("data", {}).get("text/html", "") for output in cell.get("outputs", []))
    return BeautifulSoup("\n".join(parts), "html.parser")


def test_there_is_something_to_look_at(path):
    made = run(path)
    assert made.figures and len(made.predictions) > 1
    assert len(made.explorers) == len(READOUTS[project.lesson_of(path)])
    assert all(scenes(path))


# The page: headings, images, tables, links


def test_one_title_and_no_level_is_skipped(page):
    levels = [int(heading.name[1]) for heading in page.find_all(HEADINGS)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(below <= above + 1 for above, below in pairwise(levels))


def test_no_heading_is_empty_or_said_twice(page):
    texts = [heading.get_text(strip=True) for heading in page.find_all(HEADINGS)]
    assert all(texts) and len(set(texts)) == len(texts)


def images(page):
    """Return the message and the picture of each image: an img element, or a drawing that is part of the page."""
    drawn = [tag for tag in page.find_all(["img", "svg"]) if tag.get("aria-hidden") != "true"]
    return [(tag.get("alt", tag.get("aria-label", "")), tag.get("src", str(tag))) for tag in drawn]


def test_every_image_has_its_message(page):
    for alt, _ in images(page):
        assert len(alt.split()) > 6 and alt.endswith((".", "?")), alt
        assert not re.match(r"(image|picture|figure|plot|chart|graph)\b", alt, re.IGNORECASE), alt


def opening(alt):
    """Return the first four words of a text, without what sliders are set to, and without "2 of 9"."""
    said = re.sub(r"^(\w+ = [−\d.,e]+( and |, )?)+: ", "", alt)
    return " ".join(re.sub(r"\d[\d,]* of \d[\d,]*", "some", said).split()[:4])


def test_a_message_opens_with_words_and_not_with_numbers(page):
    for alt, _ in images(page):
        assert not re.search(r"(?<!\w)[−+]?\d", opening(alt)), alt


def test_an_opening_leaves_out_what_is_set_and_what_is_counted():
    assert opening("s = 3.5 and z = −70: the levels reach from −203 to 689.5") == "the levels reach from"
    assert opening("7 of 9 numbers come back") == "some numbers come back"
    assert opening("Step by step: 191.6 is stored") == "Step by step: 191.6"


def test_a_picture_says_the_same_as_html_and_as_text(path):
    for cell in nbformat.read(path, as_version=4).cells:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            if "image/png" in data:
                (image,) = BeautifulSoup(data["text/html"], "html.parser").find_all("img")
                assert image["alt"] == data["text/plain"]


def test_different_images_have_different_messages(page):
    sources = {}
    for alt, picture in images(page):
        sources.setdefault(alt, set()).add(picture)
    assert [alt for alt, pictures in sources.items() if len(pictures) > 1] == []


def test_every_table_names_its_columns(page):
    for table in page.find_all("table"):
        heads = [head.get_text(strip=True) for head in table.find_all("th")]
        assert heads and all(heads) and len(set(heads)) == len(heads)


def test_a_link_says_where_it_leads(page):
    targets = {}
    for link in page.find_all("a"):
        text = link.get_text(" ", strip=True)
        assert len(text) > 3 and text.lower() not in ("here", "link", "this", "click here", "more", "read more"), link
        assert not re.match(r"(https?:|www\.)", text), link
        targets.setdefault(text.lower(), set()).add(link["href"])
    assert [text for text, leads in targets.items() if len(leads) > 1] == []


# Colours in HTML, and what is beside the pictures


def css(tag, name):
    """Return what an element's own style says of a property, or ""."""
    found = re.search(rf"(?:^|;)\s*{name}\s*:\s*([^;]+)", tag.get("style", ""))
    return found[1].strip() if found else ""


def inherited(tag, name):
    return next(filter(None, (css(each, name) for each in (tag, *tag.parents))), "")


def assert_readable(html):
    """Assert that text with a colour of its own brings its background: a page may be dark or light."""
    for tag in BeautifulSoup(html, "html.parser").find_all(style=True):
        if css(tag, "color"):
            ink, ground = css(tag, "color"), inherited(tag, "background")
            assert ground, tag
            assert contrast(rgb(ink), rgb(ground)) >= TEXT, tag
        for line in filter(None, (css(tag, f"border{side}") for side in ("", "-left", "-right", "-top", "-bottom"))):
            assert contrast(rgb(line.split()[-1]), rgb(inherited(tag, "background"))) >= MARK, tag


def test_coloured_words_of_the_outputs_can_be_read(page):
    assert_readable(str(page))


def opened(prediction, option):
    prediction.predicted = option
    return prediction.answer_html()


def test_coloured_words_of_an_answer_can_be_read(path):
    for prediction in run(path).predictions:
        for option in prediction.options:
            assert_readable(opened(prediction, option))


@pytest.mark.parametrize("status", ["right", "wrong", "not written yet"])
def test_a_verdict_can_be_read(status):
    html = Verdict(status, "so it is.", ("look here",)).html()
    assert "color:" in html
    assert_readable(html)


def test_every_slider_has_a_name_with_its_symbol(path):
    for explorer in run(path).explorers:
        assert 1 <= len(explorer.controls) <= 3
        for name, control in explorer.controls.items():
            if isinstance(control, ipywidgets.Button):
                assert len(control.description.split()) > 1
                continue
            word, *symbol = control.description.rsplit(maxsplit=1)
            assert re.search(r"[a-z]{4}", word) and getattr(control, "readout", True)
            assert len(name) > 1 or symbol == [name], control.description


def test_every_button_has_a_name(path):
    for prediction in run(path).predictions:
        names = [button.description for button in prediction.buttons]
        assert all(name.strip() for name in names) and len(set(names)) == len(names)


def test_what_a_slider_changes_is_said_in_words(path):
    for explorer in run(path).explorers:
        said = set()
        for end in ("min", "max"):
            explorer.move(**{name: getattr(control, end) for name, control in explorer.controls.items()})
            shown = BeautifulSoup(explorer.page.value, "html.parser")
            (status,), (image,) = shown.find_all(role="status"), shown.find_all("img")
            assert status.get_text() == image["alt"] == explorer.picture.alt
            said.add(status.get_text())
        assert len(said) == 2


# Colours in figures


def test_every_text_can_be_read_where_it_stands(path):
    texts = [text for scene in scenes(path) for text in scene if text.text]
    assert [str(text) for text in texts if text.contrast < TEXT] == []


def test_no_text_is_written_over_another(path):
    for scene in (*scenes(path), *ends(path), *walk(path)):
        texts = [text for text in scene if text.text]
        assert [f"{a.text!r} and {b.text!r}" for a, b in combinations(texts, 2) if cross(a.box, b.box)] == []


def cross(a, b):
    """Whether two boxes share more than a rim of two pixels."""
    return min(a[2], b[2]) - max(a[0], b[0]) > 2 and min(a[3], b[3]) - max(a[1], b[1]) > 2


def test_no_text_is_smaller_than_what_a_narrow_page_leaves_readable(path):
    for scene in scenes(path):
        sizes = {text.text: points(text.artist) for text in scene if text.text}
        assert {text: size for text, size in sizes.items() if size < SMALLEST_TEXT} == {}


def points(text):
    return text._size if isinstance(text, Label) else text.get_fontsize()


def decorates(mark, scene):
    """Whether a mark says nothing alone: a line of the grid, a pale area, or a white rim below a mark of one place."""
    strokes = [ink for ink in mark.inks if ink.kind != "fill"]
    if strokes and all(ink.colour == "#ffffff" and ink.kind == "marker" for ink in strokes):
        after = [other for other in scene[scene.index(mark) + 1 :] if type(other.artist) is type(mark.artist)]
        return any((other.artist.get_xydata() == mark.artist.get_xydata()).all() for other in after)
    fills = [ink for ink in mark.inks if ink.kind == "fill"]
    return all(ink.colour == style.LEVELS.lower() for ink in strokes) and all(ink.contrast < PALE for ink in fills)


def test_every_mark_stands_out(path):
    for scene in scenes(path):
        marks = [mark for mark in scene if not mark.text]
        assert [str(mark) for mark in marks if mark.contrast < MARK and not decorates(mark, marks)] == []


def family(mark):
    """Return what the colour of a mark means, or "" if it means nothing."""
    return next((FAMILY[ink.colour] for ink in mark.inks if ink.colour in FAMILY), "")


def test_clipped_is_never_told_by_its_colour_alone(path):
    for scene in scenes(path):
        for mark in scene:
            for ink in mark.inks:
                if ink.colour == style.CLIPPED.lower() and ink.kind != "text":
                    assert ink.form not in ("", "solid", "o"), str(mark)  # but dotted, hatched, or of another shape


def test_rounding_is_dashed_or_named(path):
    for scene in scenes(path):
        for mark in scene:
            solid = [ink for ink in mark.inks if (ink.kind, ink.form) == ("line", "solid")]
            if solid and family(mark) == "rounding":
                named = [text.text for text in scene if text.axes is mark.axes and family(text) == "rounding"]
                assert any("round" in text for text in named), str(mark)


def near(a, b):
    """Whether someone can take two families of colours for one."""
    pairs = product(FAMILIES[a], FAMILIES[b], SIGHTS)
    return min(distance(*pair) for pair in pairs) < APART


def form(mark):
    """Return what is left of a mark without its colours."""
    return type(mark.artist), tuple((ink.kind, ink.form) for ink in mark.inks if ink.colour != "#ffffff")


def frame(scene):
    """Return the lines around the data: spines, ticks, and what else is not drawn into the axes."""
    axes = {mark.axes for mark in scene if mark.axes}
    return {
        part for each in axes for around in (each.xaxis, each.yaxis, *each.spines.values()) for part in around.findobj()
    }


def test_marks_whose_colours_look_alike_to_someone_differ_in_form(path):
    for scene in scenes(path):
        around = frame(scene)
        data = {(mark.axes, family(mark), form(mark)) for mark in scene if not mark.text and mark.artist not in around}
        same = [(a[1:], b[1:]) for a, b in combinations(data, 2) if (a[0], a[2]) == (b[0], b[2])]
        assert [pair for pair in same if all(each[0] for each in pair) and near(pair[0][0], pair[1][0])] == []


# The palette itself


def on_white(colour):
    return float(contrast(rgb(colour), rgb("white")))


@pytest.mark.parametrize("name", ["ORIGINAL", "QUANTIZED", "QUIET", "CLIPPED_TEXT", "ROUNDING_TEXT", "BETTER_TEXT"])
def test_a_colour_for_text_can_be_read_on_white(name):
    assert on_white(getattr(style, name)) >= TEXT


@pytest.mark.parametrize("name", ["ORIGINAL", "QUANTIZED", "CLIPPED", "ROUNDING", "BETTER", "QUIET"])
def test_a_colour_for_marks_stands_out_on_white(name):
    assert on_white(getattr(style, name)) >= MARK


def test_the_grid_is_paler_than_any_mark():
    assert on_white(style.LEVELS) < PALE


@pytest.mark.parametrize("sight", SIGHTS)
def test_what_the_lessons_set_against_each_other_is_far_apart_to_everyone(sight):
    against = [*combinations(("original", "quantized", "clipped"), 2), ("clipped", "better")]
    for a, b in [*against, ("clipped", "rounding")]:
        assert distance(FAMILIES[a][0], FAMILIES[b][0], sight) >= APART, (a, b)


@pytest.mark.parametrize("sight", ["protan", "deutan", "tritan"])
def test_a_simulation_keeps_greys(sight):
    for grey in ("black", "#808080", "white"):
        assert distance(grey, grey, sight) == 0
    assert SIGHTS[sight].sum(axis=1) == pytest.approx([1, 1, 1], abs=2e-6)
