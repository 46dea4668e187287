"""The notebooks in JupyterLab in a real browser: everything runs, and every slider moves what it should."""

import random
import re
from functools import partial

import pytest
import test_clipping
import test_landscape
import test_norms
import test_overflow
from jupyter import browser_page, chromium, lab, open_notebook, run_all
from strategies import SEED
from test_explore import expected_norm, expected_range

from quantlib.data import load_weight
from tools import copies, project

pytestmark = pytest.mark.skipif(
    chromium() is None, reason="no Chromium found: the notebooks were not tried in a browser"
)

LIVE = ".quantlib-live"
NOTEBOOKS = [path.name for path in project.notebooks()]


# For each notebook, what the readout of each of its explorers must contain for the values of its sliders.
EXPECTED = {
    "00_start_here.ipynb": [expected_range],
    "01_affine_formula.ipynb": [partial(expected_norm, SEED), partial(expected_norm, load_weight("ffn_down"))],
    "02_clamping.ipynb": [test_clipping.readout_1, test_clipping.readout_2],
    "03_naive_max_abs.ipynb": [test_overflow.readout],
    "04_error_norms.ipynb": [test_norms.readout, test_landscape.readout],
}


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lab")
    copies.prepare(copies=folder)
    with lab(folder) as address:
        yield address


@pytest.fixture(scope="module", params=NOTEBOOKS)
def opened(request, address):
    """A notebook that has run from top to bottom, and what went wrong."""
    with browser_page() as page:
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        open_notebook(page, address, request.param)
        complaints += run_all(page)
        yield request.param, page, complaints


def explorers(page):
    """Return the outputs that hold a live explorer."""
    return page.locator(f".jp-OutputArea:has({LIVE}):has(.widget-slider)").all()


def values(explorer) -> list[float]:
    """Return what the sliders of an explorer show."""
    texts = explorer.locator(".widget-readout").all_inner_texts()
    return [float(text.replace("\N{MINUS SIGN}", "-")) for text in texts]


def press(page, explorer, slider: int, key: str) -> None:
    """Press a key on a slider's handle and wait until the readout has followed."""
    handle = explorer.locator(".noUi-handle").nth(slider)
    handle.focus()
    before = values(explorer)
    page.keyboard.press(key)
    page.wait_for_timeout(30)
    if values(explorer) != before:
        agree(page, explorer)


def agree(page, explorer) -> None:
    """Wait until the picture's alternative text and the readout are one, and both name the sliders' values."""
    for _ in range(100):
        alt = explorer.locator(f"{LIVE} img").get_attribute("alt")
        if alt == explorer.locator("p[role=status]").inner_text() and named(alt, values(explorer)):
            return
        page.wait_for_timeout(20)
    pytest.fail(f"the sliders show {values(explorer)}, the picture says {alt!r}")


def named(text: str, shown: list[float]) -> bool:
    numbers = [float(n) for n in re.findall(r"-?\d+(?:\.\d+)?", text.replace("\N{MINUS SIGN}", "-"))]
    return all(any(abs(value - number) < 1e-6 for number in numbers) for value in shown)


def test_notebook_runs_without_errors(opened):
    name, _, complaints = opened
    assert not complaints, name


def test_every_explorer_is_live_and_hides_its_still(opened):
    name, page, _ = opened
    assert len(explorers(page)) == len(EXPECTED[name])
    for explorer in explorers(page):
        assert explorer.locator(".quantlib-still").is_hidden()
        assert explorer.locator(f"{LIVE} img").is_visible()


def test_every_slider_reaches_both_ends_and_walks(opened):
    name, page, complaints = opened
    walk = random.Random(name)
    for explorer, expected in zip(explorers(page), EXPECTED[name], strict=True):
        count = explorer.locator(".noUi-handle").count()
        keys = [(slider, key) for slider in range(count) for key in ("Home", "End")]
        keys += [
            (walk.randrange(count), walk.choice(["ArrowLeft", "ArrowRight", "PageUp", "PageDown"])) for _ in range(50)
        ]
        for slider, key in keys:
            press(page, explorer, slider, key)
            text = explorer.locator("p[role=status]").inner_text()
            assert expected(*values(explorer)) in text
    assert not complaints


def test_every_prediction_answers_a_click_and_only_then(opened):
    name, page, _ = opened
    predictions = page.locator(f".jp-OutputArea:has({LIVE}):has(.jupyter-button)").all()
    assert len(predictions) >= 2, name
    for k, prediction in enumerate(predictions):
        assert prediction.locator("p[role=status]").count() == 0
        buttons = prediction.locator("button")
        chosen = buttons.nth(k % buttons.count())
        chosen.focus()
        page.keyboard.press("Enter")
        prediction.locator("p[role=status]").wait_for()
        said = prediction.locator("p[role=status]").inner_text()
        assert f"You predicted {chosen.inner_text()}; it is " in said and said.startswith(("Right.", "Not so."))
        assert chosen.is_disabled()


def test_every_exercise_says_that_it_is_not_written(opened):
    name, page, _ = opened
    assert page.locator(".jp-OutputArea-output", has_text="not written yet:").count() >= 2, name


def test_saved_notebook_shows_its_pictures_without_a_kernel(opened, address):
    name, page, _ = opened
    page.evaluate("window.jupyterapp.commands.execute('docmanager:save')")
    page.wait_for_timeout(1500)
    for session in page.request.get(f"{address}/api/sessions").json():
        page.request.delete(f"{address}/api/sessions/{session['id']}")
    reader = page.context.browser.new_page()
    open_notebook(reader, address, name)  # its kernel is new and knows no widgets
    reader.wait_for_timeout(3000)
    assert len(reader.locator(".quantlib-still").all()) >= len(EXPECTED[name])
    for still in reader.locator(".quantlib-still").all():
        assert still.is_visible()
    assert "widget" not in reader.locator(".jp-Notebook").inner_text().lower()
    reader.close()
