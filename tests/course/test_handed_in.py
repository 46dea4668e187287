"""A notebook that was handed in is read whatever state it is in, and what was repaired is said."""

import json

import pytest

from course.intake.notebook import defines, fits, read, written_answer
from course.problems.questions import Explain, Part, ProblemSet, Values, Write

STORE = "def my_store(x):\n    ### BEGIN SOLUTION\n    return x\n    ### END SOLUTION\n"
FIRST = Write("ps1_q1", "Store", "", STORE, name="my_store", parts=(Part("all", 2, ((1,),)),))
SECOND = Values("ps1_q2", "Read", "", "low_2 = ...", right={"low_2": (3, 1)})
THIRD = Explain("ps1_q3", "Explain the curve", "", "", rubric=(("why", 2),))
PS1 = ProblemSet("ps1", "Problem set 1", "", (FIRST, SECOND, THIRD))
PS2 = ProblemSet("ps2", "Problem set 2", "", (Values("ps2_q1", "Other", "", "", right={"other_1": (1, 1)}),))


def cell(kind, text, grade_id=""):
    return {"cell_type": kind, "source": text, "metadata": {"nbgrader": {"grade_id": grade_id}} if grade_id else {}}


def notebook(*cells):
    return json.dumps({"cells": list(cells), "nbformat": 4, "nbformat_minor": 5, "metadata": {}}).encode()


WHOLE = (
    cell("markdown", "## 1. Store"),
    cell("code", "def my_store(x):\n    return x", "ps1_q1"),
    cell("code", "low_2 = 3", "ps1_q2"),
    cell("markdown", "## 3. Explain the curve"),
    cell("markdown", "It falls and then rises.", "ps1_q3"),
)


def received(content):
    return fits(read(content), PS1, [PS2])


def without_metadata(cells):
    return [c | {"metadata": {}} for c in cells]


def test_a_whole_notebook_needs_no_repair():
    found = received(notebook(*WHOLE))
    assert not found.problem and not found.notes
    assert found.code == ["def my_store(x):\n    return x", "low_2 = 3"]
    assert written_answer(found, THIRD) == "It falls and then rises."


def test_lost_metadata_is_made_up_for_and_said():
    found = received(notebook(*without_metadata(WHOLE)))
    assert not found.problem and found.notes == (
        "the metadata of 3 answers was lost (ps1_q1, ps1_q2, ps1_q3): they were found by their names",
    )
    assert written_answer(found, THIRD) == "It falls and then rises."


def test_a_deleted_cell_is_said():
    assert "no cell answers ps1_q2" in received(notebook(*WHOLE[:2], *WHOLE[3:])).notes


def test_a_doubled_cell_is_said_and_the_last_counts():
    found = received(notebook(*WHOLE, cell("markdown", "Better.", "ps1_q3")))
    assert found.notes == ("the cell ps1_q3 stands in the notebook 2 times: the last one counts",)
    assert written_answer(found, THIRD) == "Better."


def test_another_problem_set_is_recognised():
    assert received(notebook(cell("code", "other_1 = 1"))).problem == "this is not ps1: it looks like ps2"
    assert received(notebook(cell("code", "print(1)"))).problem == "this is not ps1"


@pytest.mark.parametrize(
    "content", [b"", b"text", b"[]", b"{}", b"null", b'{"cells": 3}', b'{"cells": [3]}', b"[" * 10**5]
)
def test_what_is_no_notebook_is_a_problem_and_no_error(content):
    assert received(content).problem == "the file is not a notebook: its JSON cannot be read"


@pytest.mark.parametrize("cells", [[{}], [{"cell_type": "code", "metadata": 3}], [{"cell_type": "code", "source": 3}]])
def test_odd_cells_are_a_problem_and_no_error(cells):
    assert received(notebook(*cells)).problem


def test_what_is_not_utf_8_is_said():
    assert received("{ü".encode("utf-16")).problem == "the file is not text in UTF-8"


def test_an_empty_notebook_is_said():
    assert received(notebook()).problem == "the notebook has no cell"


def test_windows_line_ends_and_a_byte_order_mark_change_nothing():
    text = notebook(cell("code", "def my_store(x):\r\n    return x")).decode().replace("\n", "\r\n")
    assert received(b"\xef\xbb\xbf" + text.encode()).code == ["def my_store(x):\n    return x"]


def test_lines_as_lists_are_joined():
    assert received(notebook(cell("code", ["def my_store(x):\n", "    return x"]))).code == [
        "def my_store(x):\n    return x"
    ]


def test_a_notebook_of_format_3_is_read():
    old = {"worksheets": [{"cells": [{"cell_type": "code", "input": "low_2 = 3", "metadata": {}}]}]}
    assert received(json.dumps(old).encode()).code == ["low_2 = 3"]


@pytest.mark.parametrize("source", ["low_2 = 3", "low_2: int = 3", "x = 1\nlow_2=3"])
def test_a_name_that_is_given_a_value_is_found(source):
    assert defines(source, "low_2")


@pytest.mark.parametrize("source", ["low_2 == 3", "print(low_2)", "low_22 = 3", "# low_2 = 3"])
def test_a_name_that_is_only_used_is_not_found(source):
    assert not defines(source, "low_2")
