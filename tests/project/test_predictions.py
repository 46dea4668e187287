"""Predictions are real: nothing on the page answers a question before the click, and no place of a button does."""

import re
from collections import Counter
from dataclasses import dataclass

import pytest
from bs4 import BeautifulSoup

from quantlib.lab.predict import Prediction
from tests.helpers.drawn import run
from tools import generate, nbfile, project

NOTEBOOKS = project.notebooks()
VISIBLE_CODE = {"00": 60, "05": 90, "09": 90, "12": 90, "bug_museum": 150}  # lines, by the first notebook of a part
DETAILS = re.compile(r"<details>.*?</details>", re.DOTALL)
MINUS = "\N{MINUS SIGN}"
NUMBER = rf"(?<![\d.,{MINUS}])%s(?!\d|[.,]\d)"


@dataclass(frozen=True)
class Asked:
    """A prediction in its notebook: where, what is asked, what is offered, which is right."""

    cell: int
    question: str
    options: list[str]
    answer: str

    @property
    def place(self) -> str:
        k = self.options.index(self.answer)
        return "first" if k == 0 else "last" if k == len(self.options) - 1 else "middle"


def folded(cell) -> bool:
    return bool(cell.metadata.get("jupyter", {}).get("source_hidden"))


def asked(path) -> list[Asked]:
    """Return the predictions of a notebook."""
    shown = ((k, each) for k, each in run(path).shown.items() if isinstance(each, Prediction))
    return [Asked(k, each.question, list(each.options), each.answer) for k, each in shown]


def output_texts(cell) -> list[str]:
    """Return what the outputs of a cell show before anybody unfolds or clicks anything."""
    texts = []
    for output in cell.get("outputs", []):
        data = output.get("data", {"text/plain": output.get("text", "")})
        page = DETAILS.sub("", data["text/html"]) if "text/html" in data else data.get("text/plain", "")
        soup = BeautifulSoup(page, "html.parser")
        texts += [soup.get_text(" "), *(image["alt"] for image in soup.find_all("img"))]
    return texts


def in_sight(cells, cell: int) -> str:
    """Return all that can be read above a prediction, and below it up to the next heading, with that heading."""
    after = next((k for k in range(cell + 1, len(cells)) if cells[k].source.startswith("#")), len(cells) - 1)
    texts = []
    for k in range(after + 1):
        each = cells[k]
        if k == cell or "setup" in each.metadata.get("tags", []):
            continue
        if each.cell_type == "markdown":
            texts.append(each.source.split("\n")[0] if k == after else DETAILS.sub("", each.source))
        else:
            texts += [*([] if folded(each) else [each.source]), *output_texts(each)]
    return plain(" ".join(texts))


def plain(text: str) -> str:
    """Return a text without marks of Markdown, with one blank between words, in small letters."""
    return re.sub(r"\s+", " ", re.sub(r"[*`$\\]", "", text)).lower()


def stands(option: str, text: str) -> bool:
    """Whether an option can be read in a text: all its numbers, each as a number of its own; or else its words."""
    words = plain(option)
    numbers = re.findall(rf"{MINUS}?\d(?:[\d.,]*\d)?", words)
    return all(re.search(NUMBER % re.escape(number), text) for number in numbers) if numbers else words in text


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_no_answer_is_in_sight_of_its_prediction(path):
    cells = nbfile.read(path).cells
    told = {}
    for each in asked(path):
        text = in_sight(cells, each.cell)
        rivals = [option for option in each.options if option != each.answer and stands(option, text)]
        if stands(each.answer, text) and not stands(each.answer, plain(each.question)) and not rivals:
            told[each.question] = each.answer
    assert told == {}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_what_holds_an_answer_is_folded(path):
    for cell in nbfile.read(path).cells:
        if cell.cell_type == "code" and ("lab.predict(" in cell.source or "lab.proof(" in cell.source):
            assert cell.source.startswith(generate.HIDDEN) and folded(cell)
        elif cell.cell_type == "code" and not folded(cell):
            assert "assert " not in cell.source, "a claim is proved in a folded cell: with lab.proof(...)"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_code_that_is_seen_is_code_to_learn_from(path):
    seen = [cell.source for cell in nbfile.read(path).cells if cell.cell_type == "code" and not folded(cell)]
    lines = [line for source in seen for line in source.splitlines() if line.strip()]
    assert len(lines) <= VISIBLE_CODE[max(first for first in VISIBLE_CODE if first <= path.stem)]


def test_the_right_button_is_as_often_first_as_in_the_middle_or_last():
    places: dict[str, Counter[str]] = {}
    for path in NOTEBOOKS:
        part = max(first for first in generate.PARTS if first <= path.stem)
        places.setdefault(part, Counter()).update(each.place for each in asked(path))
    for part, count in places.items():
        if count.total() >= 8:
            shares = {place: count[place] / count.total() for place in ("first", "middle", "last")}
            assert max(shares.values()) <= 0.5 and min(shares["first"], shares["last"]) >= 0.2, (part, count)
