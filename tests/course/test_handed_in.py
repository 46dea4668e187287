"""A notebook that was handed in is read whatever state it is in, and what was repaired is said."""

import json
import time

import pytest

from course.intake.notebook import LONGEST, MOST_CELLS, answers, fits, names_in, places, read
from course.intake.words import written_answer
from course.problems.catalogue import problem_set
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


def words(*cells):
    """What is taken for the answer in words, and what is said of it."""
    return written_answer(received(notebook(*cells)), THIRD, PS1)


def without_metadata(cells):
    return [c | {"metadata": {}} for c in cells]


def test_a_whole_notebook_needs_no_repair():
    found = received(notebook(*WHOLE))
    assert not found.problem and not found.notes
    assert found.code == ["def my_store(x):\n    return x", "low_2 = 3"]
    assert written_answer(found, THIRD, PS1) == ("It falls and then rises.", [])


def test_lost_metadata_is_made_up_for_and_said():
    found = received(notebook(*without_metadata(WHOLE)))
    assert not found.problem and found.notes == (
        "the metadata of 3 answers was lost (ps1_q1, ps1_q2, ps1_q3): they were found by their names",
    )
    assert written_answer(found, THIRD, PS1) == ("It falls and then rises.", [])


def test_a_deleted_cell_is_said():
    assert "no cell answers ps1_q2" in received(notebook(*WHOLE[:2], *WHOLE[3:])).notes


def test_a_cell_is_not_missing_and_found_by_its_name_at_once():
    notes = received(notebook(*WHOLE[:2], *WHOLE[3:])).notes
    assert not [note for note in notes if "metadata" in note]


def test_a_doubled_cell_is_said_and_the_last_counts():
    found = received(notebook(*WHOLE, cell("code", "low_2 = 4", "ps1_q2")))
    assert found.notes == ("the cell ps1_q2 stands in the notebook 2 times: the last one counts",)


def test_of_a_cell_that_was_split_all_parts_are_read():
    found = received(notebook(*WHOLE, cell("markdown", "Because of clipping.", "ps1_q3")))
    assert found.notes == ("the cell ps1_q3 stands in the notebook 2 times: all that was written counts",)
    assert written_answer(found, THIRD, PS1) == ("It falls and then rises.\n\nBecause of clipping.", [])


@pytest.mark.parametrize("kind", ["markdown", "raw"])
def test_a_cell_of_code_whose_type_was_changed_is_code(kind):
    found = received(notebook(WHOLE[0], cell(kind, "def my_store(x):\n    return x", "ps1_q1"), *WHOLE[2:]))
    assert found.code == ["def my_store(x):\n    return x", "low_2 = 3"]
    assert found.notes == (f"the cell ps1_q1 is {kind}, not code: it was read all the same",)


@pytest.mark.parametrize("kind", ["code", "raw"])
def test_an_answer_in_words_whose_type_was_changed_is_read_and_not_run(kind):
    found = received(notebook(*WHOLE[:4], cell(kind, "It falls.", "ps1_q3")))
    assert written_answer(found, THIRD, PS1) == ("It falls.", []) and "It falls." not in found.code
    assert found.notes == (f"the cell ps1_q3 is {kind}, not markdown: it was read all the same",)


STUB = cell("markdown", "YOUR ANSWER HERE", "ps1_q3")
BESIDE = ["ps1_q3: its cell is empty, the answer stands beside it"]


@pytest.mark.parametrize(
    ("cells", "answer", "notes"),
    [
        ([STUB, cell("markdown", "It falls.")], "It falls.", BESIDE),
        ([cell("markdown", "It falls."), STUB], "It falls.", BESIDE),
        ([STUB, cell("markdown", "# 1. It falls.")], "# 1. It falls.", BESIDE),
        ([STUB, cell("raw", "It falls.")], "It falls.", BESIDE),
        ([STUB, cell("code", "# It falls.")], "# It falls.", BESIDE),
        ([cell("markdown", "YOUR ANSWER HERE\n\nIt falls.", "ps1_q3")], "It falls.", []),
        ([cell("markdown", "It falls.", "ps1_q3"), cell("markdown", "It rises.")], "It falls.\n\nIt rises.", []),
        ([cell("markdown", "It falls.", "ps1_q3"), cell("code", "plot()")], "It falls.", []),
        ([STUB], "", ["ps1_q3: nothing was written in its cell or below it"]),
    ],
)
def test_an_answer_in_words_is_found_where_people_write_it(cells, answer, notes):
    assert words(*WHOLE[:4], *cells) == (answer, notes)


def test_the_words_of_another_question_are_none_of_this():
    rest = cell("markdown", "## 1. Store"), cell("markdown", "not this")
    assert words(*WHOLE[:4], STUB, *rest)[0] == ""
    assert words(*without_metadata([*WHOLE[3:], *rest]))[0] == "It falls and then rises."


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


@pytest.mark.parametrize("source", ["low_2 = 3", "low_2: int = 3", "x = 1\nlow_2=3", "def low_2 (x): pass"])
def test_a_name_that_is_given_a_value_is_found(source):
    assert "low_2" in names_in(source)


@pytest.mark.parametrize("source", ["low_2 == 3", "print(low_2)", "low_22 = 3", "# low_2 = 3"])
def test_a_name_that_is_only_used_is_not_found(source):
    assert "low_2" not in names_in(source)


def test_a_cell_is_named_as_its_reader_finds_it():
    found = received(notebook(cell("code", "import torch"), *WHOLE[:2], cell("code", "assert 1"), *WHOLE[2:]))
    expected = ["a cell at the top", "the cell ps1_q1", 'a cell under "1. Store"', "the cell ps1_q2"]
    assert places(found) == expected and answers(found, FIRST) == [1] and answers(found, SECOND) == [3]
    assert answers(received(notebook(*without_metadata(WHOLE))), SECOND) == [1]


# --- what would stop the grader itself


def test_half_an_emoji_is_a_text_that_can_be_written():
    found = read(notebook(cell("markdown", "half an emoji \ud83d", "\ud83d"), cell("code", "x = '\ud83d'")))
    assert [(c.text, c.grade_id) for c in found.cells] == [("half an emoji ?", "?"), ("x = '?'", "")]


def test_a_picture_that_was_pasted_into_words_is_left_out():
    pasted = f"It falls ![](data:image/png;base64,{'A' * LONGEST}) here."
    assert words(*WHOLE[:4], cell("markdown", pasted, "ps1_q3"))[0] == "It falls ![](a picture: see the notebook) here."


def test_a_cell_without_end_is_cut_off_and_said():
    long = "a" * (LONGEST + 1)
    found = read(notebook(cell("code", long, "ps1_q1"), cell("markdown", long)))
    assert [len(c.text) for c in found.cells] == [0, LONGEST]
    assert found.notes == (
        "the cell ps1_q1 has more than 200,000 characters: it was not run",
        "a cell has more than 200,000 characters: the rest was cut off",
    )


def test_cells_beyond_the_most_are_said():
    found = read(notebook(*[cell("code", "1")] * (MOST_CELLS + 2)))
    assert found.notes == ("the notebook has 2 cells more than 2000: they were left out",)


@pytest.mark.parametrize(
    "text", ["\n", " ", "def ", "low_2", "a:", "a =", "#", "# ", "(data:", "\t", "## Explain the curve "]
)
@pytest.mark.parametrize("kind", ["code", "markdown"])
def test_no_text_takes_long_to_read(kind, text):
    content = notebook(*[cell(kind, text * (LONGEST // len(text)))] * 5)
    start = time.process_time()
    wanted = problem_set("ps1")
    found = fits(read(content), wanted, [problem_set("ps2")])
    written_answer(found, wanted.questions[-1], wanted)
    places(found)
    assert time.process_time() - start < 2
