"""What a learner has done is kept where a file is named, whatever the file holds, and shown as a map."""

import json
import os
import subprocess
import sys

import pytest
from bs4 import BeautifulSoup

from quantlib import QuantlibError
from quantlib.lab import progress
from quantlib.lab.predict import predict
from quantlib.lessons import exercises_of
from quantlib.lessons.start_here import suite
from tools import project

STEP = exercises_of("start_here")["step"]


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    """A kernel that has done nothing, and for which no file is named."""
    monkeypatch.setattr(progress, "_file", "")
    monkeypatch.setattr(progress, "_here", {})
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "progress.jsonl"
    progress.keep_progress(path)
    return path


def lines(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def row(title):
    (found,) = [row for row in suite.show_progress().rows if row.title.startswith(title)]
    return found


def question(notebook):
    """A question that a notebook asks."""
    (path,) = project.NOTEBOOKS.glob(f"{notebook}*.ipynb")
    return min(suite.asked_in(path).questions)


# --- keeping


def test_a_click_and_a_right_check_are_kept_with_their_notebook(file, monkeypatch):
    monkeypatch.setenv("JPY_SESSION_NAME", "/somewhere/00_start_here.ipynb")
    predict("Why?", ["a", "b"], answer="a", why="So.").buttons[1].click()
    STEP.check(lambda x: (x.max() - x.min()) / 256)
    STEP.check(STEP.reference)
    done = {"notebook": "00_start_here", "deed": "predicted", "what": "Why?"}
    assert lines(file) == [done, done | {"deed": "right", "what": "step"}]


def test_without_a_file_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    progress.note("right", "step")
    assert list(tmp_path.iterdir()) == [] and progress.done() == [("", "right", "step")]


def test_a_file_that_is_named_late_gets_what_was_done_before_and_keeps_what_it_has(tmp_path):
    path = tmp_path / "progress.jsonl"
    path.write_text('{"notebook": "01", "deed": "right", "what": "quantize"}\n')
    progress.note("right", "step")
    progress.keep_progress(str(path))
    assert progress.done() == [("01", "right", "quantize"), ("", "right", "step")]
    assert len(lines(path)) == 2


def test_a_relative_file_stays_where_it_was_when_the_folder_changes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    progress.keep_progress("progress.jsonl")
    (tmp_path / "deeper").mkdir()
    monkeypatch.chdir(tmp_path / "deeper")
    progress.note("right", "step")
    assert len(lines(tmp_path / "progress.jsonl")) == 1


def test_two_kernels_write_into_one_file(tmp_path):
    code = "from quantlib.lab import progress\nfor k in range(200):\n    progress.note('right', f'{k}')"
    path = tmp_path / "progress.jsonl"
    kernels = []
    for name in ("01.ipynb", "02.ipynb"):
        environment = os.environ | {"QUANTLIB_PROGRESS": str(path), "JPY_SESSION_NAME": name}
        kernels.append(subprocess.Popen([sys.executable, "-c", code], cwd=project.ROOT, env=environment))
    assert [kernel.wait() for kernel in kernels] == [0, 0]
    assert len(lines(path)) == 400
    progress.keep_progress(path)
    assert set(progress.done()) == {(name, "right", f"{k}") for name in ("01", "02") for k in range(200)}


def test_what_is_done_twice_counts_once(file):
    progress.note("right", "step")
    progress.note("right", "step")
    assert progress.done() == [("", "right", "step")]


BROKEN = ["", "{", "null", "[]", "7", '{"notebook": "01"}', '{"notebook": [], "deed": "right", "what": "x"}', "\x00"]


def test_lines_that_cannot_be_read_are_left_out(file):
    progress.note("right", "step")
    whole = file.read_bytes()
    file.write_bytes("\n".join(BROKEN).encode() + b"\n\xff\xfe\n" + whole + b'{"notebook": "01", "de')
    assert progress.done() == [("", "right", "step")]
    assert row("00").right == (1, 2)


@pytest.fixture
def unwritable(tmp_path):
    """A file that nobody can write to, root included: its folder is a file."""
    (tmp_path / "folder").touch()
    return tmp_path / "folder" / "progress.jsonl"


def test_a_file_that_cannot_be_written_is_refused_by_name(unwritable):
    with pytest.raises(QuantlibError, match=r"needs a file that can be written to, got '.*progress\.jsonl'; name"):
        progress.keep_progress(unwritable)
    assert suite.show_progress().where == suite.NOT_KEPT


def test_a_file_that_cannot_be_written_any_more_stops_nothing_and_is_told(unwritable, monkeypatch):
    monkeypatch.setattr(progress, "_file", str(unwritable))
    assert STEP.check(STEP.reference).status == "right"
    assert suite.show_progress().where == f"Nothing is kept: {unwritable} cannot be written to."
    assert row("00").right == (1, 2)


# --- the map


def test_where_nothing_is_kept_and_nothing_was_done_it_says_what_to_do_and_no_more():
    shown = suite.show_progress()
    assert shown.rows == [] and repr(shown) == suite.NOT_KEPT
    assert "<table" not in shown.html() and "make lab" in shown.html() and "keep_progress(" in shown.html()


def test_what_was_done_in_this_kernel_is_shown_also_where_nothing_is_kept():
    progress.note("predicted", question("00"))
    assert row("00").predicted[0] == 1
    assert suite.show_progress().where == suite.NOT_KEPT


def test_the_map_has_every_notebook_with_all_that_it_asks(file):
    rows = suite.show_progress().rows
    assert len(rows) == len(project.notebooks())
    for path, each in zip(project.notebooks(), rows, strict=True):
        text = path.read_text(encoding="utf-8")
        assert each.predicted == (0, text.count('"lab.predict(')) and each.right[0] == 0 < each.right[1]
        assert f"# {each.title}" in text


def test_a_deed_counts_in_its_notebook_alone(file, monkeypatch):
    monkeypatch.setenv("JPY_SESSION_NAME", "a/01_affine_formula.ipynb")
    progress.note("predicted", question("00"))
    progress.note("predicted", question("01"))
    progress.note("right", "quantize")
    assert (row("00").predicted[0], row("01").predicted[0], row("01").right) == (0, 1, (1, 2))


@pytest.mark.parametrize("name", ["", "a/my_01.ipynb", "Untitled.ipynb"])
def test_a_deed_in_a_notebook_of_another_name_counts_where_it_is_asked(file, monkeypatch, name):
    monkeypatch.setenv("JPY_SESSION_NAME", name)
    progress.note("predicted", question("01"))
    progress.note("right", "no exercise of ours")
    assert row("01").predicted[0] == 1 and row("00").predicted[0] == 0


def test_page_and_text_say_the_same(file):
    progress.note("right", "step")
    shown = suite.show_progress()
    page = BeautifulSoup(shown.html(), "html.parser")
    first = page.find_all("tr")[1]
    cells = [cell.get_text() for cell in first.find_all(["th", "td"])]
    predicted, right = f"0 of {shown.rows[0].predicted[1]}", "1 of 2"
    assert cells[0] == shown.rows[0].title and cells[1].endswith(predicted) and cells[2] == f"●○ {right}"
    assert f"{cells[0]}: {predicted} predictions made, {right} checks right\n" in repr(shown)
    assert repr(shown).endswith(f"kept in {file} and sent to nobody. To begin anew, delete this file.")
    assert all(dots["aria-hidden"] == "true" for dots in page.find_all("span"))
    assert shown._repr_mimebundle_() == {"text/plain": repr(shown), "text/html": shown.html()}


def test_a_broken_notebook_asks_for_nothing(tmp_path):
    for k, text in enumerate(["", "{}", '{"cells": [{"cell_type": "code", "source": "%time lab.check_step(f)"}]}']):
        path = tmp_path / f"{k}.ipynb"
        path.write_text(text)
        assert suite.asked_in(path) == (f"{k}", set(), set())
    assert suite.asked_in(tmp_path / "none.ipynb").questions == set()


def test_without_the_project_the_notebooks_beside_the_kernels_are_shown(tmp_path, monkeypatch, file):
    monkeypatch.setattr(suite, "__file__", str(tmp_path / "site" / "quantlib" / "lessons" / "start_here" / "suite.py"))
    (tmp_path / "mine").mkdir()
    text = project.NOTEBOOKS.joinpath("00_start_here.ipynb").read_text(encoding="utf-8")
    (tmp_path / "mine" / "00_start_here.ipynb").write_text(text, encoding="utf-8")
    monkeypatch.setenv("JPY_SESSION_NAME", str(tmp_path / "mine" / "00_start_here.ipynb"))
    assert [row.title[:2] for row in suite.show_progress().rows] == ["00"]
    monkeypatch.delenv("JPY_SESSION_NAME")
    monkeypatch.chdir(tmp_path / "mine")
    assert len(suite.show_progress().rows) == 1
