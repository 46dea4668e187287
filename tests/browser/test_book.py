"""The book: a site that is whole and asks the network for nothing, and whose live page computes what quantlib does."""

import html
import json
import math
import os
import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from urllib.parse import unquote

import pytest
import torch

from quantlib import QuantlibError, dequantize, quantize
from quantlib.data import T
from quantlib.lab.ruler import describe, make_view
from quantlib.lab.words import number
from quantlib.lessons.affine_formula import explore_affine
from tools import nbfile, project

NAMES = [path.stem for path in project.notebooks()]
OTHERS = ["index", "problem_sets", "conventions", "search", "live/index"]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The folder of the site, as `make book` builds it."""
    folder = tmp_path_factory.mktemp("book") / "site"
    subprocess.run([sys.executable, "-m", "tools.book", str(folder)], cwd=project.ROOT, check=True)
    return folder


@pytest.fixture(scope="module")
def pages(site):
    """The text of every page of the site, by its path in the site."""
    return {path.relative_to(site).as_posix(): path.read_text("utf-8") for path in sorted(site.rglob("*.html"))}


@cache
def cells_of(name):
    """The sources of a notebook's code cells, and which of them are folded."""
    cells = [cell for cell in nbfile.read(project.NOTEBOOKS / f"{name}.ipynb").cells if cell.cell_type == "code"]
    return [(cell.source, cell.metadata.get("jupyter", {}).get("source_hidden", False)) for cell in cells]


def in_sight(page, mark):
    """How often something stands on a page outside of what is folded."""
    depth = count = 0
    for token in re.findall(f"<details|</details>|{mark}", page):
        depth += {"<details": 1, "</details>": -1}.get(token, 0)
        count += not depth and token != "</details>"
    return count


def test_the_site_has_every_notebook_and_nothing_unknown(pages):
    assert set(pages) == {f"{name}.html" for name in NAMES + OTHERS}
    listed = re.findall(r'<li><a href="([^"]+)"><b>', pages["index.html"])
    assert listed == [f"{name}.html" for name in NAMES]


def test_the_problem_sets_are_listed_with_all_their_points(pages):
    tables = pages["problem_sets.html"].split("<table")[1:]
    for path, table in zip(project.releases(), tables, strict=True):
        said = re.search(r"\*\*(\d+) questions, (\d+) points\.\*\*", nbfile.read(path).cells[0].source)
        points = [int(count) for count in re.findall(r"<p>(\d+)</p>", table)]
        assert [len(points), sum(points)] == [int(said[1]), int(said[2])]


def test_no_link_leads_nowhere(site, pages):
    anchors = {name: set(re.findall(r' id="([^"]+)"', page)) for name, page in pages.items()}
    for name, page in pages.items():
        links = {html.unescape(link) for link in re.findall(r'<[^>]* (?:href|src)="([^"]*)"', page)}
        for link in links:
            if re.match(r"https?:|data:", link):
                continue
            path, _, anchor = re.sub(r"\?[^#]*", "", link).partition("#")
            to = Path(os.path.normpath(site / Path(name).parent / unquote(path))) if path else site / name
            assert to.is_file(), f"{name} links to {link}"
            if anchor and to.suffix == ".html":
                assert unquote(anchor) in anchors[to.relative_to(site).as_posix()], f"{name} links to {link}"


@pytest.mark.parametrize("name", NAMES)
def test_what_a_notebook_folds_stays_folded(pages, name):
    page, cells = pages[f"{name}.html"], cells_of(name)
    assert page.count('class="cell highlight-python') == len(cells)
    assert in_sight(page, 'class="cell highlight-python') == sum(not folded for _, folded in cells)
    assert "<details open" not in page and page.count("<summary>Setup</summary>") == 1
    questions = sum(source.startswith("lab.predict(") for source, _ in cells)
    assert page.count("The code of this question") == questions
    assert "data:image" not in page and "quantlib-live" not in page


@pytest.mark.parametrize("name", NAMES)
def test_in_place_of_sliders_a_page_says_how_they_move(pages, name):
    page, cells = pages[f"{name}.html"], cells_of(name)
    explorers = sum(bool(re.search(r"^lab\.explore_\w+\(", source, re.MULTILINE)) for source, _ in cells)
    assert page.count('class="to-move"') == page.count(f"open <b>{name}</b>") == explorers
    assert "sliders, run this cell" not in page
    assert ("https://colab." in page) == bool(project.address())


# --- in a browser


@pytest.fixture(scope="module")
def page(context):
    """A page that has no network; what it asks of it, and all that it complains of, is kept."""
    page = context.new_page()
    page.heard = []
    page.on("console", lambda message: page.heard.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: page.heard.append(str(error)))

    def fail(request):  # what a page still loads when the next one is opened is none
        page.heard.extend([] if request.failure == "net::ERR_ABORTED" else [f"failed: {request.url}"])

    page.on("requestfailed", fail)

    def refuse(route):
        page.heard.append(f"asked for {route.request.url}")
        route.abort()

    page.route(re.compile(r"^(https?|wss?):"), refuse)
    yield page
    page.close()


def test_every_page_is_read_without_a_network_and_fits_a_narrow_screen(page, site, pages):
    for name in [*pages, "search.html?q=zero+point"]:
        page.goto(f"{site.as_uri()}/{name}")
        page.evaluate("document.querySelectorAll('details').forEach(fold => { fold.open = true })")
        for width in (390, 700, 1366):
            page.set_viewport_size({"width": width, "height": 800})
            assert page.evaluate("document.documentElement.scrollWidth") <= width, f"{name} at {width} pixels"
    assert page.heard == []
    page.wait_for_function("document.querySelectorAll('#search-results li').length > 5")


@pytest.fixture(scope="module")
def live(page, site, tmp_path_factory):
    """The live page alone: its folder, sent to somebody."""
    folder = shutil.copytree(site / "live", tmp_path_factory.mktemp("sent") / "live")
    page.set_viewport_size({"width": 1366, "height": 768})
    page.goto(f"{folder.as_uri()}/index.html")
    assert not page.locator("#back").is_visible()
    yield page
    assert page.heard == []


def rulers():
    """A hundred rulers: ordinary ones, powers of two, at which a half is exact, the smallest, the largest; any z."""
    draw = torch.Generator().manual_seed(1)
    scales = [2.0**k for k in (-149, -126, -10, -2, 0, 3, 100)] + [3e-45, 3.4e38, 1e-30, 3.5, 0.1, 1 / 3, 0.0623]
    scales += torch.empty(86, dtype=torch.float64).log_normal_(0, 4, generator=draw).tolist()
    zeros = [0, -70, -128, 127, 1, -1, 2**24, -(2**24), 200, 3]
    zeros += torch.randint(-128, 128, (90,), generator=draw).tolist()
    return list(zip(scales, zeros, strict=True))


def inputs(s, z):
    """A hundred reals for a ruler: halves between codes, both ends, beyond them, huge and tiny ones, infinities."""
    draw = torch.Generator().manual_seed(z)
    halves = (torch.arange(-130, 131, 10) + 0.5 - z).double() * s
    ends = (torch.tensor([-129, -128.5, -128, 127, 127.5, 128]).double() - z) * s
    odd = torch.tensor([0.0, -0.0, 1e-45, -1e-38, 3.4e38, -3.4e38, math.inf, -math.inf, 16777217.0]).double()
    drawn = torch.empty(100, dtype=torch.float64).uniform_(-180, 180, generator=draw).sub_(z).mul_(s)
    return torch.cat([halves, ends, odd, drawn])[:100].float()


def test_the_live_page_computes_what_quantlib_does(live):
    grid = [(s, z, inputs(s, z)) for s, z in rulers()]
    given = [[s, z, x.tolist()] for s, z, x in grid]
    got = live.evaluate(
        """grid => grid.map(([s, z, xs]) => xs.map(x => {
            const q = quantize(x, s, z);
            return [q, dequantize(q, s, z)];
        }))""",
        given,
    )
    assert sum(map(len, got)) == 10_000
    ties = clipped = 0
    for (s, z, x), pairs in zip(grid, got, strict=True):
        codes = quantize(x, s, z)
        assert [q for q, _ in pairs] == codes.tolist(), (s, z)
        back = torch.tensor([back for _, back in pairs], dtype=torch.float32)
        assert torch.equal(back.view(torch.int32), dequantize(codes, s, z).view(torch.int32)), (s, z)  # -0.0 is told
        exact = x / s + z
        ties += int((exact.frac().abs() == 0.5).sum())
        clipped += int(((exact < -128.5) | (exact > 127.5)).sum())
    assert ties > 500 and clipped > 1000


@pytest.mark.parametrize(
    ("x", "s", "z"),
    [(math.nan, 1.0, 0), *((1.0, s, 0) for s in (0.0, -1.0, math.inf, math.nan, 1e-46, 1e39))]
    + [(1.0, 1.0, z) for z in (0.5, 2**24 + 1, math.inf, math.nan)],
)
def test_the_live_page_refuses_what_quantlib_refuses(live, x, s, z):
    with pytest.raises((QuantlibError, OverflowError, ValueError)):
        quantize(torch.tensor([x]), s, z)
    said = live.evaluate(
        "([x, s, z]) => { try { return quantize(x, s, z) } catch (error) { return error.message } }", [x, s, z]
    )
    assert re.match("NaN has no code|scale s must be finite and positive|zero point z must be an integer", said)


def test_the_live_page_says_numbers_as_the_notebooks_do(live):
    numbers = [
        0.0,
        -0.00032254,
        22336.7,
        1e-5,
        123456.0,
        9999.4,
        0.1,
        -70.0,
        1e-4,
        3.5,
        100.0,
        6e-12,
        1012.5,
        1013.5,
        -0.5,
        99995.0,
        9999.6,
    ]
    assert live.evaluate("numbers => numbers.map(number)", numbers) == list(map(number, numbers))


def said(s, z, x=T):
    return describe(make_view(x, s, z, -128, 127, x))


def test_the_live_page_says_of_every_ruler_what_the_notebook_would(live):
    at = [(k / 10, z) for k in range(5, 81, 5) for z in range(-128, 128, 15)]
    sentences = "([numbers, at]) => at.map(([s, z]) => sentence(look(numbers, s, z)))"
    assert live.evaluate(sentences, [T.flatten().tolist(), at]) == [said(s, z) for s, z in at]


def test_sliders_begin_and_end_where_those_of_the_notebook_do(live):
    live.locator("#reset").click()
    for name, place in (("s", "#scale"), ("z", "#zero")):
        control, slider = explore_affine(T).controls[name], live.locator(place)
        ends = [float(slider.get_attribute(end)) for end in ("min", "max", "step")]
        assert ends == [control.min, control.max, control.step]
        assert float(slider.input_value()) == control.value


def test_sliders_are_moved_by_keyboard_and_the_page_says_what_the_notebook_would(live):
    live.locator("#reset").click()
    assert live.locator("#said").inner_text() == said(3.5, -70)
    live.locator("#scale").focus()
    live.keyboard.press("ArrowRight")
    live.keyboard.press("ArrowRight")
    assert live.locator("#said").inner_text() == said(3.7, -70)
    live.keyboard.press("Tab")
    assert live.evaluate("document.activeElement.id") == "scale-typed"
    live.locator("#zero").focus()
    live.keyboard.press("Home")
    assert live.locator("#said").inner_text() == said(3.7, -128)
    assert live.locator("#zero").get_attribute("aria-valuetext") == "−128"


def test_the_ruler_slides_and_stretches_under_a_pointer(live):
    live.locator("#reset").click()
    box = live.locator("#ruler").bounding_box()
    mid = box["y"] + 95

    def drag(start, by):
        live.mouse.move(start, mid)
        live.mouse.down()
        live.mouse.move(start + by, mid, steps=4)
        live.mouse.up()

    at = "real => ruling(room([191.6, 728.6, -184]), document.querySelector('#ruler').clientWidth).at(real)"
    drag(box["x"] + live.evaluate(at, 0) + 40, 40)
    assert float(live.locator("#scale").input_value()) == 3.5
    moved = int(live.locator("#zero").input_value())
    assert moved < -70
    drag(box["x"] + live.evaluate(at, 3.5 * (127 - moved)), -60)
    assert int(live.locator("#zero").input_value()) == moved
    assert float(live.locator("#scale").input_value()) < 3.5


def test_a_reader_types_and_pastes_numbers_of_their_own(live):
    live.locator("#reset").click()
    first = live.locator(".tile input").first
    first.fill("−1e3")
    changed = T.clone()
    changed[0, 0] = -1000.0
    assert live.locator("#said").inner_text() == said(3.5, -70, changed)
    for text, why in (("nan", "Only a number has a code"), ("", "Only a number"), ("abc", "Only a number")):
        first.fill(text)
        assert (
            why in live.locator("#said").inner_text() and "the last value stays" in live.locator("#said").inner_text()
        )
    first.fill("-inf")
    assert live.locator(".tile .q").first.inner_text() == "−128"
    live.locator("#scale-typed").fill("0")
    assert "scale s must be finite and positive" in live.locator("#said").inner_text()
    own = [0.01, -0.02, 0.03, 0.0, 0.05, 0.06, 0.07, 0.08, 0.09]
    live.evaluate(
        """text => {
            const clipboardData = new DataTransfer();
            clipboardData.setData("text", text);
            const paste = new ClipboardEvent("paste", { clipboardData, cancelable: true });
            document.querySelector(".tile input").dispatchEvent(paste);
        }""",
        json.dumps(own),
    )
    live.locator("#scale-typed").fill("0.0005")
    live.locator("#zero-typed").fill("-80")
    assert live.locator("#said").inner_text() == said(0.0005, -80, torch.tensor(own))
    assert [field.input_value() for field in live.locator(".tile input").all()] == [
        str(v).replace("-", "−").removesuffix(".0") for v in own
    ]
