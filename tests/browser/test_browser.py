"""The notebooks in a real browser, in the front end of this environment: all that a learner sees, clicks and types.

In the project's own environment that is JupyterLab, in Colab's package set the classic notebook. What a test reads from
the page must be what quantlib computes here.
"""

import json
import os
import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import pytest
from playwright.sync_api import Locator, Page, expect

from quantlib.lab.predict import RIGHT, WRONG
from quantlib.lessons.bug_museum import bugs
from quantlib.lessons.bug_museum.hunt import with_minus
from tests.helpers import browser_lessons
from tests.helpers.jupyter import front_end
from tests.helpers.lessons import READOUTS
from tools import nbfile, project

KEYS = ["ArrowLeft", "ArrowRight", "PageUp", "PageDown"]
STEPS, LONG_STEPS = 20, 500  # of the random walk on each explorer; the second with --long
HELD = 10  # so many of them are pressed one upon the other, as a hand does; with --long each is waited for
HIGHEST = 640  # pixels: what a laptop's page leaves for an explorer
WAIT = 20_000  # ms; on a busy machine a page may lag behind
expect.set_options(timeout=WAIT)
LIVE = ".quantlib-live"
STILL = ".quantlib-still"
SAID = "p[role=status]"
FRONT = front_end()
NOTEBOOKS = {path.relative_to(project.NOTEBOOKS).as_posix(): path for path in project.notebooks()}
LESSONS = {
    name: browser_lessons.read([{"kind": cell.cell_type, "text": cell.source} for cell in nbfile.read(path).cells])
    for name, path in NOTEBOOKS.items()
}


@dataclass
class Opened:
    """A notebook that has run from top to bottom, and what the page has complained of."""

    name: str
    page: Page
    complaints: list[str]

    @property
    def lesson(self) -> browser_lessons.Lesson:
        return LESSONS[self.name]

    @property
    def readouts(self) -> list[Callable[..., str]]:
        """For each explorer, what its readout must contain for the values of its sliders."""
        return READOUTS[project.lesson_of(NOTEBOOKS[self.name])]

    def outputs(self, cell: int) -> Locator:
        return FRONT.outputs(self.page, cell)

    def source(self, cell: int) -> str:
        return FRONT.cells(self.page)[cell]["text"]

    def run_with(self, cell: int, *functions: str) -> None:
        """Type functions into a cell in place of those of the same name, and run it."""
        FRONT.write(self.page, cell, browser_lessons.replaced(self.source(cell), *functions))
        FRONT.run(self.page, cell)


@pytest.fixture(scope="module", params=NOTEBOOKS)
def opened(request, served):
    opened = Opened(request.param, served.page, served.complaints)
    opened.complaints.clear()
    FRONT.open(opened.page, served.address, opened.name)
    opened.complaints += FRONT.run_all(opened.page)
    for explorer in opened.lesson.explorers:  # widgets arrive after the cells have run
        expect(opened.outputs(explorer.cell).locator(SAID)).to_be_visible()
    for cell, answer in opened.lesson.predictions:
        expect(opened.outputs(cell).get_by_role("button", name=answer, exact=True)).to_be_visible()
        expect(opened.outputs(cell).locator("button").nth(1)).to_be_visible()
    yield opened
    FRONT.end_kernels(opened.page, served.address)


# --- reading the page


def explorers(opened) -> list[Locator]:
    return [opened.outputs(explorer.cell) for explorer in opened.lesson.explorers]


def values(texts: list[str]) -> list[float]:
    plain = [text.replace("\N{MINUS SIGN}", "-") for text in texts]
    return [float(text) if "." in text else int(text) for text in plain]


def shown(explorer: Locator) -> tuple[list[str], list[str], str, str]:
    """Return, as they are at one moment, the values of all controls, those of sliders alone, what the image says, and
    the readout. Of a row of buttons the value is the place of the one that is pressed."""
    return explorer.evaluate(
        """(e, [live, said]) => {
            const place = row => [...row.querySelectorAll('button')].findIndex(b => b.classList.contains('mod-active'));
            const controls = [...e.querySelectorAll('.widget-readout, .widget-toggle-buttons')];
            const read = c => c.matches('.widget-readout') ? c.textContent : String(place(c));
            const sliders = controls.filter(c => c.matches('.widget-readout'));
            return [controls.map(read), sliders.map(read), e.querySelector(live + ' img').alt,
                e.querySelector(said).textContent];
        }""",
        [LIVE, SAID],
    )


def settle(page: Page, explorer: Locator, expected) -> None:
    """Wait until nothing is on its way: a slider's last value may be sent later than a button that is pressed next."""
    agree(page, explorer, expected)
    page.wait_for_timeout(300)
    agree(page, explorer, expected)


def agree(page: Page, explorer: Locator, expected) -> None:
    """Wait until alternative text and readout are one, name the sliders' values, and say what quantlib computes."""
    for _ in range(WAIT // 20):
        readouts, sliders, alt, said = shown(explorer)
        if alt == said and named(said, values(sliders)) and expected(*values(readouts)) in said:
            return
        page.wait_for_timeout(20)
    pytest.fail(f"sliders: {readouts}\nquantlib: {expected(*values(readouts))!r}\npicture: {alt!r}\nreadout: {said!r}")


def named(text: str, shown: list[float]) -> bool:
    numbers = values(re.findall(r"[-\N{MINUS SIGN}]?\d+(?:\.\d+)?", re.sub(r"(?<=\d),(?=\d{3})", "", text)))
    return all(any(abs(value - number) < 1e-6 for number in numbers) for value in shown)


# --- the promises


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_every_explorer_has_an_expectation(name):
    found, known = len(LESSONS[name].explorers), len(READOUTS[project.lesson_of(NOTEBOOKS[name])])
    assert found == known, f"{name} shows {found} explorers: its test needs as many READOUTS, and has {known}"


def test_notebook_runs_without_errors_and_warnings(opened):
    assert not opened.complaints
    assert not opened.page.locator(FRONT.stderr).all_inner_texts()


def test_every_explorer_is_live_and_hides_its_still(opened):
    for explorer in explorers(opened):
        expect(explorer.locator(f"{LIVE} img")).to_be_visible()
        expect(explorer.locator(STILL)).to_be_hidden()


def test_every_slider_reaches_both_ends_and_walks(opened, long):
    walk = random.Random(opened.name)
    for explorer, expected in zip(explorers(opened), opened.readouts, strict=True):
        handles = explorer.locator(FRONT.handle).all()
        for handle in handles:
            for end in ("Home", "End"):
                handle.press(end)
                agree(opened.page, explorer, expected)
        for _ in range((LONG_STEPS if long else STEPS // HELD) if handles else 0):
            walk.choice(handles).focus()
            for _ in range(1 if long else HELD):
                opened.page.keyboard.press(walk.choice(KEYS))
            agree(opened.page, explorer, expected)
    assert not opened.complaints


@pytest.mark.front_end
def test_every_control_has_a_name_and_follows_the_keyboard(opened):
    for explorer, expected in zip(explorers(opened), opened.readouts, strict=True):
        handles, readouts = explorer.locator(FRONT.handle), explorer.locator(".widget-readout")
        labels = explorer.locator(".widget-slider .widget-label").all_inner_texts()
        assert len(labels) == handles.count() == readouts.count() and all(labels)
        for k, label in enumerate(labels):
            handle, readout = handles.nth(k), readouts.nth(k)
            expect(handle).to_have_role("slider")
            expect(handle).to_have_accessible_name(label)
            expect(readout).to_have_role("textbox")
            expect(readout).to_have_accessible_name(label)
            handle.press("Home")
            low = readout.inner_text()
            handle.press("End")
            assert readout.inner_text() != low
            expect(handle).to_have_attribute("aria-valuetext", readout.inner_text())
            opened.page.keyboard.press("Tab")
            expect(readout).to_be_focused()
            opened.page.keyboard.press("ControlOrMeta+A")
            opened.page.keyboard.type(low.replace("\N{MINUS SIGN}", "-"))
            opened.page.keyboard.press("Enter")
            expect(readout).to_have_text(low)
            agree(opened.page, explorer, expected)
    assert opened.page.locator("[title=null]").filter(visible=True).count() == 0  # a tooltip that says "null"


@pytest.mark.front_end
def test_a_number_that_is_typed_counts_when_the_focus_leaves_it_and_a_reset_brings_the_start_back(opened):
    for explorer, expected in zip(explorers(opened), opened.readouts, strict=True):
        reset = explorer.get_by_role("button", name="Reset", exact=True)
        if not explorer.locator(FRONT.handle).count():
            continue
        start = explorer.locator(f"{STILL} img").get_attribute("alt")
        readout = explorer.locator(".widget-readout").first
        for end in ("Home", "End"):  # one of them is no start
            explorer.locator(FRONT.handle).first.press(end)
            far = readout.inner_text()
            settle(opened.page, explorer, expected)
        reset.press("Enter")
        expect(explorer.locator(SAID)).to_have_text(start)
        readout.click()
        opened.page.keyboard.press("ControlOrMeta+A")
        opened.page.keyboard.type(far.replace("\N{MINUS SIGN}", "-"))
        opened.page.keyboard.press("Tab")
        expect(readout).to_have_text(far)
        agree(opened.page, explorer, expected)
        reset.click()
        expect(explorer.locator(SAID)).to_have_text(start)
    assert not opened.complaints


def test_what_can_be_grabbed_follows_the_mouse(opened):
    for explorer, expected in zip(explorers(opened), opened.readouts, strict=True):
        if not explorer.locator("[class*=quantlib-picture-]").count():
            continue
        for area in json.loads(explorer.locator("[data-areas]").get_attribute("data-areas")):
            settle(opened.page, explorer, expected)
            explorer.get_by_role("button", name="Reset", exact=True).click()
            start = explorer.locator(f"{STILL} img").get_attribute("alt")
            expect(explorer.locator(SAID)).to_have_text(start)
            for height in (0.2, 0.5, 0.8):
                drag(opened.page, explorer, area, height)
                settle(opened.page, explorer, expected)  # where Python is busy, of quick drags only the last arrives
            expect(explorer.locator(SAID)).not_to_have_text(start)
            agree(opened.page, explorer, expected)
    assert not opened.complaints


def drag(page: Page, explorer: Locator, area: list[float], height: float) -> None:
    """Press the mouse on a part of a picture, and move it from its left to its right at a share of its height."""
    place = "image.scrollIntoView({block: 'center'}), image.getBoundingClientRect().toJSON()"
    box = explorer.evaluate(f"e => {{ const image = e.querySelector('{LIVE} img'); return {place} }}")
    left, low, right, high = area
    y = box["y"] + (1 - (low + height * (high - low))) * box["height"]
    for share in (0.3, 0.35, 0.45, 0.6, 0.7):
        page.mouse.move(box["x"] + (left + share * (right - left)) * box["width"], y)
        page.mouse.down()  # where it is down already, nothing
    page.mouse.up()


def test_an_explorer_fits_the_page_of_a_laptop(opened):
    page, size = opened.page, opened.page.viewport_size
    page.set_viewport_size({"width": 1366, "height": 768})
    heights = [explorer.locator(LIVE).bounding_box()["height"] for explorer in explorers(opened)]
    page.set_viewport_size(size)
    assert [height for height in heights if height > HIGHEST] == []


def test_every_button_of_an_explorer_changes_what_is_said(opened):
    for explorer in explorers(opened):
        for button in explorer.locator(f"{LIVE} button:not(:text-is('Reset'), .widget-toggle-button)").all():
            expect(button).to_have_accessible_name(button.inner_text())
            for press in (button.click, partial(button.press, "Enter")):
                said = explorer.locator(SAID).inner_text()
                press()
                expect(explorer.locator(SAID)).not_to_have_text(said)
                assert explorer.locator(f"{LIVE} img").get_attribute("alt") == explorer.locator(SAID).inner_text()
    assert not opened.complaints


def test_predictions_answer_right_wrong_or_not_at_all(opened):
    assert len(opened.lesson.predictions) >= 2
    for k, (cell, answer) in enumerate(opened.lesson.predictions):
        prediction = opened.outputs(cell)
        buttons = prediction.locator("button")
        for button in buttons.all():
            expect(button).to_have_accessible_name(button.inner_text())
        expect(prediction.locator(SAID)).to_have_count(0)
        options = buttons.all_inner_texts()
        wrong = [option for option in options if option != answer]
        guess = (answer, wrong[k % len(wrong)], None)[k % 3]
        if guess is not None:
            chosen = buttons.nth(options.index(guess))
            predict(opened.page, chosen, by_mouse=k % 2 == 1)
            right, not_so = f"Right: {answer}", f"Not so. You predicted {guess}. The answer: {answer}"
            expect(prediction.locator(SAID)).to_contain_text(right if guess == answer else not_so)
            expect(buttons.nth(options.index(answer))).to_have_text(f"{RIGHT}{answer}")
            expect(chosen).to_have_text(f"{RIGHT if guess == answer else WRONG}{guess}")
            expect(chosen).to_be_focused()
        for option, button in zip(options, buttons.all(), strict=True):
            expect(button).to_be_enabled(enabled=guess in (None, option))
        expect(prediction.locator(SAID)).to_have_count(0 if guess is None else 1)
    assert not opened.complaints


def predict(page: Page, button: Locator, by_mouse: bool) -> None:
    if by_mouse:
        button.click()
    else:
        button.press("Enter")


def test_a_hunt_is_won_by_typing_an_input_that_shows_the_bug(opened):
    for k, (cell, name, texts) in enumerate(opened.lesson.hunts):
        hunt = opened.outputs(cell)
        boxes, said = hunt.locator(f"{LIVE} input[type=text]"), hunt.locator(SAID).last
        labels = hunt.locator(f"{LIVE} .widget-text .widget-label").all_inner_texts()
        assert len(labels) == boxes.count() == len(texts)
        for label, box in zip(labels, boxes.all(), strict=True):
            expect(box).to_have_accessible_name(label)
        button = hunt.get_by_role("button", name="Try this input", exact=True)
        if k == 0:
            boxes.first.fill("nonsense")
            button.press("Enter")
            expect(said).to_contain_text("This does not count: x must be numbers, got 'nonsense'")
        if k % 2:
            hunt.get_by_role("button", name="yes", exact=True).click()
            expect(said).to_contain_text(re.compile("Right: yes|You predicted yes"))
        for box, text in zip(boxes.all(), texts, strict=True):
            box.fill(text)
        button.press("Enter")
        expect(said).to_contain_text("Caught with input 1, 3 points: ")
        expect(said).to_contain_text(with_minus(f"The bug: {getattr(bugs, name).name}."))
        expect(hunt.locator(f"{LIVE} table th[scope=col]").first).to_be_visible()
        expect(hunt.locator(f"{LIVE} img").last).to_be_visible()
        expect(hunt.get_by_role("button", name="Show me", exact=True)).to_be_disabled()
    assert not opened.complaints


def test_every_picture_on_the_page_says_its_message(opened):
    pictures = opened.page.locator(f"{FRONT.output} img").filter(visible=True)
    assert pictures.count() > len(opened.lesson.explorers)
    for picture in pictures.all():
        assert len(picture.get_attribute("alt") or "") > 40, picture.evaluate("e => e.outerHTML.slice(0, 200)")
        assert picture.evaluate("e => e.naturalWidth") > 0


@pytest.mark.front_end
def test_an_exercise_left_alone_is_not_written_yet(opened):
    assert len(opened.lesson.exercises) >= 2
    for exercise in opened.lesson.exercises:
        expect(opened.outputs(exercise.check)).to_contain_text(f"not written yet: {exercise.name}.")


@pytest.mark.front_end
def test_a_wrong_answer_that_is_typed_is_named(opened, long):
    choose = random.Random(opened.name)
    for exercise in opened.lesson.exercises:
        known = exercise.wrong()
        for name, function in known if long or not known else [choose.choice(known)]:
            opened.run_with(exercise.cell, function)
            if exercise.check != exercise.cell:
                FRONT.run(opened.page, exercise.check)
            verdict = opened.outputs(exercise.check)
            expect(verdict).to_contain_text(
                re.compile(rf"wrong: .*(Looks like|another convention): .*{re.escape(name)}")
            )
        opened.run_with(exercise.cell, f"def {exercise.name}(*_): ...")
    assert not opened.complaints


def test_the_solution_that_is_typed_is_right_and_drives_the_explorers(opened):
    written = {exercise.name for exercise in opened.lesson.exercises}
    pairs = zip(opened.lesson.explorers, opened.readouts, strict=True)
    driven = [(opened.outputs(each.cell), expected) for each, expected in pairs if each.functions & written]
    for explorer, _ in driven:
        expect(explorer.locator(SAID)).to_contain_text("not written yet")
    for exercise in opened.lesson.exercises:
        opened.run_with(exercise.cell, exercise.solution)
    for exercise in opened.lesson.exercises:
        if exercise.check != exercise.cell:
            FRONT.run(opened.page, exercise.check)
        expect(opened.outputs(exercise.check)).to_contain_text(f"right: {exercise.name} ")
    for explorer, expected in driven:  # without a run of their cells
        expect(explorer.locator(SAID)).not_to_contain_text("not written yet")
        explorer.get_by_role("button", name="Reset", exact=True).click()
        settle(opened.page, explorer, expected)
        for end in ("Home", "End"):
            explorer.locator(FRONT.handle).first.press(end)
            agree(opened.page, explorer, expected)
        expect(explorer.locator(SAID)).not_to_contain_text(re.compile(r"quantlib's|not written|stays empty"))
    assert not opened.complaints


if "QUANTLIB_REPOSITORY" in os.environ:  # set by tools/colab.py

    def test_as_in_colab_quantlib_is_a_clone_and_google_colab_can_be_imported(opened):
        setup = 1
        FRONT.write(opened.page, setup, "import google.colab, quantlib\nprint(quantlib.__file__)")
        FRONT.run(opened.page, setup)
        clone = f"quantization-notebooks-v{project.version()}/quantlib/"
        expect(opened.outputs(setup)).to_contain_text(clone)


@pytest.mark.front_end
def test_a_restarted_kernel_leaves_widgets_that_say_what_to_do(opened):
    opened.page.evaluate(FRONT.restart)
    for explorer in explorers(opened):
        lost = explorer.locator(f"{LIVE}.jupyter-widgets-disconnected")
        expect(lost).to_have_count(1)
        opened.page.wait_for_function(FRONT.idle)
        assert "run this cell" in lost.evaluate("e => getComputedStyle(e, '::before').content")


@pytest.mark.front_end
def test_saved_notebook_shows_its_pictures_without_a_kernel(opened, served):
    FRONT.save(opened.page)
    FRONT.end_kernels(opened.page, served.address)
    FRONT.open(served.reader, served.address, opened.name)  # its kernel is new and knows no widgets
    lesson = opened.lesson
    stills = [cell for cell, *_ in lesson.predictions + lesson.hunts] + [each.cell for each in lesson.explorers]
    for cell in stills:
        outputs = FRONT.outputs(served.reader, cell)
        expect(outputs.locator(STILL)).to_be_visible()
        # JupyterLab first says that it loads a widget, and then that there is none.
        expect(outputs).not_to_contain_text(re.compile("widget", re.IGNORECASE), use_inner_text=True)
