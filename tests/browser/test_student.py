"""A problem set as a student has it, in the front end of this environment: opened, answered, saved, and handed in.

What the front end wrote is graded by the same code as `make grade`, in a real box. The tests read the saved files: what
a front end loses of a notebook, it loses there.
"""

import json
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Page

from course import grade
from course.box import run as box
from course.intake.lms import collect
from course.marking import Task
from course.problems.catalogue import NAMES, PUBLIC_SEED, problem_set
from course.problems.questions import BEGIN, END, Explain, ProblemSet, Write
from tests.helpers.jupyter import front_end
from tools import project

FRONT = front_end()
RELEASES = {path.stem: path for path in project.releases()}
TEXT = "Clipping is the largest part:\n\n- it grows with the *distance*,\n- and the ruler is too short. 🙂"
# Known mistakes in the first question of each problem set, made of the right answer.
MISTAKES = {
    "ps1": lambda answer: f"{answer.partition(':')[0]}:\n    import quantlib\n\n    return quantlib.quantize(x, s, z)",
    "ps2": lambda answer: re.sub(r"return (\S+), (.+)", r"return \2, \1", answer),  # z first
    "ps3": lambda answer: answer.replace("+ count * z_w", "+ z_w"),  # the last term is not counted
    "ps4": lambda answer: answer.replace(".round()", ".trunc()"),  # cut off, not rounded
}


@dataclass
class Desk:
    """An open notebook, the file that it is saved to, and what the page has complained of."""

    asked: ProblemSet
    page: Page
    path: Path
    complaints: list[str]

    def place(self, grade_id: str) -> int:
        """Return which cell has this id."""
        return next(k for k, cell in enumerate(self.released) if nbgrader(cell).get("grade_id") == grade_id)

    @property
    def released(self) -> list[dict]:
        return json.loads(RELEASES[self.asked.name].read_text(encoding="utf-8"))["cells"]

    def save(self) -> bytes:
        FRONT.save(self.page)
        return self.path.read_bytes()


def nbgrader(cell: dict) -> dict:
    return cell["metadata"].get("nbgrader", {})


def cells(content: bytes) -> list[dict]:
    return json.loads(content)["cells"]


def errors(content: bytes) -> dict[str, str]:
    """Return the error of each cell that shows one, by its id in nbgrader's metadata."""
    outputs = [(nbgrader(cell).get("grade_id", k), o) for k, cell in enumerate(cells(content)) for o in shown(cell)]
    return {name: output["ename"] for name, output in outputs if output["output_type"] == "error"}


def shown(cell: dict) -> list[dict]:
    return cell.get("outputs", [])


def written(source: str) -> str:
    """Return an answer as a learner writes it, without nbgrader's lines around the gap."""
    return re.sub(rf" *({BEGIN}|{END})\n?", "", source).strip()


@pytest.fixture(scope="module", params=NAMES)
def desk(request, served):
    path = served.folder / f"my {request.param}" / RELEASES[request.param].name
    path.parent.mkdir()
    shutil.copy(RELEASES[request.param], path)
    desk = Desk(problem_set(request.param), served.page, path, served.complaints)
    desk.complaints.clear()
    FRONT.open(desk.page, served.address, path.relative_to(served.folder).as_posix())
    yield desk
    FRONT.end_kernels(desk.page, served.address)


# --- what the student does, step by step; each step gives the file that is then on the disk


@pytest.fixture(scope="module")
def unwritten(desk):
    FRONT.run_all(desk.page)
    return desk.save()


@pytest.fixture(scope="module")
def answered(desk, unwritten):
    for question in desk.asked.questions:
        if isinstance(question, Explain):
            FRONT.write_text(desk.page, desk.place(question.id), TEXT)
        else:
            FRONT.write(desk.page, desk.place(question.id), written(question.source))
    FRONT.run_all(desk.page)
    return desk.save()


@pytest.fixture(scope="module")
def mistaken(desk, answered):
    question = desk.asked.questions[0]
    FRONT.write(desk.page, desk.place(question.id), MISTAKES[desk.asked.name](written(question.source)))
    for grade_id in (question.id, f"{question.id}_example"):
        FRONT.run(desk.page, desk.place(grade_id))
    return desk.save()


@pytest.fixture(scope="module")
def graded(desk, answered, mistaken, tmp_path_factory):
    if box.find_sandbox() is None:
        pytest.skip("no sandbox was found")
    folder = tmp_path_factory.mktemp("class")
    for name, content in (("answered", answered), ("mistaken", mistaken)):
        (folder / "in" / name).mkdir(parents=True)
        (folder / "in" / name / desk.path.name).write_bytes(content)
    submissions, problems = collect(folder / "in", [])
    task = Task(desk.asked.name, PUBLIC_SEED, folder / "results", "basis")
    results, failed = grade.grade_all(submissions, task, 2)
    assert not problems and not failed
    return {each.student.name: each for each in results}


# --- the promises


def test_an_unwritten_question_says_that_it_is_not_implemented_and_nothing_else_fails(desk, unwritten):
    by_program = [question for question in desk.asked.questions if not isinstance(question, Explain)]
    raises = {f"{q.id}_example" if isinstance(q, Write) else q.id for q in by_program}
    assert errors(unwritten) == dict.fromkeys(raises, "NotImplementedError")


def test_a_picture_is_drawn_before_any_question_is_answered(desk, unwritten):
    pictures = [cell for cell in cells(unwritten) if nbgrader(cell).get("grade_id", "").endswith("_picture")]
    for picture in pictures:
        assert any("image/png" in output.get("data", {}) for output in shown(picture))
        image = FRONT.outputs(desk.page, desk.place(nbgrader(picture)["grade_id"])).locator("img").first
        assert len(image.get_attribute("alt")) > 40 and image.evaluate("e => e.naturalWidth") > 0


def test_with_every_answer_written_nothing_fails(answered):
    assert errors(answered) == {}


def test_a_mistake_is_told_by_the_visible_test(desk, mistaken):
    example = f"{desk.asked.questions[0].id}_example"
    assert errors(mistaken) == {example: "AssertionError"}
    assert "AssertionError" in FRONT.outputs(desk.page, desk.place(example)).first.inner_text()


def test_nothing_is_printed_as_a_warning_and_the_page_complains_of_nothing(desk, unwritten, answered, mistaken):
    outputs = [o for content in (unwritten, answered, mistaken) for cell in cells(content) for o in shown(cell)]
    assert [output for output in outputs if output["output_type"] == "stream"] == []
    assert desk.complaints == []


def test_what_is_saved_has_every_cell_with_all_that_nbgrader_wants_to_know(desk, mistaken):
    assert [(c["cell_type"], nbgrader(c)) for c in cells(mistaken)] == [
        (c["cell_type"], nbgrader(c)) for c in desk.released
    ]
    locked = [k for k, cell in enumerate(desk.released) if nbgrader(cell).get("locked")]
    assert locked and all(cells(mistaken)[k]["source"] == desk.released[k]["source"] for k in locked)


def test_the_answers_get_every_point_that_a_program_gives(desk, graded):
    by_hand = [question for question in desk.asked.questions if isinstance(question, Explain)]
    assert graded["answered"].score == desk.asked.points - sum(question.points for question in by_hand)
    assert graded["answered"].written == {question.id: TEXT for question in by_hand}
    assert graded["answered"].notes == []


def test_the_mistake_costs_points_and_is_named(desk, graded):
    first, *rest = desk.asked.questions
    marks = graded["mistaken"].marks
    assert marks[first.id].points < first.points and marks[first.id].recognised
    assert [marks[question.id] for question in rest] == [graded["answered"].marks[question.id] for question in rest]


if "QUANTLIB_REPOSITORY" in os.environ:  # set by tools/colab.py

    def test_as_in_colab_quantlib_is_a_clone(desk, unwritten):
        assert (desk.path.parent / f"quantization-notebooks-v{project.version()}" / "quantlib").is_dir()
