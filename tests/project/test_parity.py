"""A notebook, its lesson and its test file have one name, and a notebook imports no lesson but its own."""

import ast
import re

import nbformat
import pytest

from quantlib import lessons
from tests.helpers.lessons import READOUTS
from tools import map as the_map
from tools import project

NOTEBOOKS = {re.sub(r"^\d+_", "", path.stem): path for path in project.notebooks()}
TESTS = {path.stem.removeprefix("test_") for path in (project.ROOT / "tests" / "lessons").glob("test_*.py")}
each = pytest.mark.parametrize("name", NOTEBOOKS)


def trees(path):
    """The code cells of a notebook, parsed, without its setup cell."""
    cells = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    return [ast.parse(cell.source) for cell in cells if "setup" not in cell.metadata.get("tags", [])]


def imported(path):
    """The modules of quantlib that a notebook imports, as `module` or `module.name`."""
    for node in (node for tree in trees(path) for node in ast.walk(tree)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" if node.module == "quantlib.lessons" else node.module
                        for alias in node.names)  # fmt: skip


def test_every_notebook_has_a_lesson_and_a_test_file_of_its_name():
    assert set(NOTEBOOKS) == set(lessons.names()) == TESTS


@each
def test_a_notebook_imports_quantlib_its_formats_networks_and_data_and_its_own_lesson(name):
    modules = {module for module in imported(NOTEBOOKS[name]) if module.split(".")[0] == "quantlib"}
    lesson = f"quantlib.lessons.{name}"
    assert lesson in modules
    assert not {m for m in modules - {lesson, "quantlib"} if m.split(".")[1] not in ("data", "formats", "networks")}


@each
def test_every_explorer_of_a_notebook_has_a_readout_that_is_computed_without_it(name):
    nodes = [node for tree in trees(NOTEBOOKS[name]) for node in ast.walk(tree)]
    made = [node for node in nodes if isinstance(node, ast.Call) and named(node).startswith("explore_")]
    stills = [node for node in nodes if isinstance(node, ast.Attribute) and node.attr == "still"]
    assert len(made) - len(stills) == len(READOUTS[name])


def named(call):
    """The name of what is called."""
    return getattr(call.func, "attr", "") or getattr(call.func, "id", "")


def test_the_map_is_up_to_date():
    assert the_map.PAGE.read_text(encoding="utf-8") == the_map.page()
