"""What holds for every notebook: valid, committed with its outputs, and no more code than prose."""

import re
from collections import Counter

import nbformat
import pytest

from tools import project

NOTEBOOKS = project.notebooks()
SENTENCE = re.compile(r"(?<=[.!?]) |\n")
FENCE = re.compile(r"```.*?```", re.DOTALL)


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def nb(request):
    return nbformat.read(request.param, as_version=4)


def code(nb):
    return [cell for cell in nb.cells if cell.cell_type == "code"]


def prose(nb):
    return [FENCE.sub("", cell.source) for cell in nb.cells if cell.cell_type == "markdown"]


def outputs(nb):
    return [output for cell in code(nb) for output in cell.outputs]


def test_there_are_notebooks():
    assert NOTEBOOKS


def test_notebook_is_valid(nb):
    nbformat.validate(nb)


def test_cells_are_executed_in_order(nb):
    assert [cell.execution_count for cell in code(nb)] == list(range(1, len(code(nb)) + 1))


def test_no_errors_and_no_warnings(nb):
    assert not [o for o in outputs(nb) if o.output_type == "error" or o.get("name") == "stderr"]


def test_no_widget_state_and_no_machine(nb):
    assert "widgets" not in nb.metadata
    assert "version" not in nb.metadata.get("language_info", {})
    assert not [o for o in outputs(nb) if "application/vnd.jupyter.widget-view+json" in o.get("data", {})]


def test_claims_are_asserted_and_prose_outweighs_code(nb):
    own = [cell.source for cell in code(nb)[1:]]  # without the setup cell, which a script writes
    lines = [line for source in own for line in source.splitlines() if line.strip()]
    assert sum("assert " in source for source in own) >= 2
    assert len(lines) <= 150 and max(map(len, lines)) <= 110
    assert sum(len(text.split()) for text in prose(nb)) > sum(len(source.split()) for source in own)


def test_no_sentence_stands_twice_in_a_cell(nb):
    for text in prose(nb):
        sentences = Counter(part.strip() for part in SENTENCE.split(text) if len(part.strip()) > 40)
        assert not [sentence for sentence, count in sentences.items() if count > 1]


def test_every_reference_is_a_doi_or_an_arxiv_link(nb):
    last = prose(nb)[-1]
    assert "**Sources.**" in last and re.search(r"https://(arxiv\.org/abs|doi\.org)/", last)
