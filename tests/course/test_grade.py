"""A batch is graded once, whatever a submission does, and goes on where it was stopped."""

import csv
import json
import shutil
import subprocess
import sys
import threading
from dataclasses import replace
from datetime import datetime
from itertools import chain
from pathlib import Path

import pytest

from course import grade, marking
from course.box import run as box
from course.intake.errors import CourseError
from course.intake.lms import Student, Submission
from course.intake.notebook import read
from course.intake.variant import is_other
from course.problems.catalogue import NAMES, PUBLIC_SEED, problem_set
from course.problems.notebook import release, source
from course.problems.questions import Answer, Explain, Part, ProblemSet, Values, Write
from course.problems.seed import remember, remembered
from course.report import told
from course.report.results import load
from tools import project

SOURCE = "def my_store(x):\n    ### BEGIN SOLUTION\n    return x + 1\n    ### END SOLUTION\n"
STORE = Write("ps1_q1", "Store", "", SOURCE, name="my_store", parts=(Part("all", 4, ((1,), (2,))),))
LOW = Values("ps1_q2", "Read", "", "", right={"low_2": (3, 2)})
CURVE = Explain("ps1_q3", "Explain the curve", "", "", rubric=(("falls", 2),))
PS1 = ProblemSet("ps1", "Problem set 1", "", (STORE, LOW, CURVE))


def notebook(*sources, answer="It falls."):
    cells = [{"cell_type": "code", "source": source, "metadata": {}} for source in sources]
    words = {"cell_type": "markdown", "source": answer, "metadata": {"nbgrader": {"grade_id": "ps1_q3"}}}
    return json.dumps({"cells": [*cells, words], "nbformat": 4, "nbformat_minor": 5, "metadata": {}}).encode()


def handed_in(name, content=None):
    content = notebook("def my_store(x): return x + 1", "low_2 = 3") if content is None else content
    return Submission(Student(name), "ps1.ipynb", content)


@pytest.fixture
def task(tmp_path, monkeypatch):
    monkeypatch.setattr(marking, "problem_set", lambda name, seed: PS1)
    return marking.Task("ps1", 1, tmp_path / "results", "basis")


class Box:
    """Stands for the box: answers rightly, and remembers who was in it."""

    def __init__(self, monkeypatch):
        self.seen, self.fails, self.lock = [], set(), threading.Lock()
        monkeypatch.setattr(box, "run", self.run)

    def run(self, cells, requests, limits=None, *, unprotected=False):
        if not cells:
            return box.Outcome([], [])
        with self.lock:
            self.seen.append(cells)
        if cells[0] in self.fails:
            raise OSError("no space left")
        answers = [Answer(3 if request.arguments is None else request.arguments[0] + 1) for request in requests]
        return box.Outcome(answers, ["a note"])


@pytest.fixture
def the_box(monkeypatch):
    return Box(monkeypatch)


def test_a_right_submission_gets_its_points_and_waits_for_a_person(the_box, task):
    graded = grade.grade_one(handed_in("ada"), task)
    assert graded.score == 6 and graded.to_read == ["ps1_q3"] and graded.written == {"ps1_q3": "It falls."}
    assert "a note" in graded.notes


def test_nothing_is_graded_twice(the_box, task):
    first = grade.grade_one(handed_in("ada"), task)
    assert grade.grade_one(handed_in("ada"), task) == first and len(the_box.seen) == 1


def test_what_has_changed_is_graded_again(the_box, task):
    grade.grade_one(handed_in("ada"), task)
    grade.grade_one(handed_in("ada", notebook("low_2 = 4")), task)
    grade.grade_one(handed_in("ada"), replace(task, basis="another seed"))
    assert len(the_box.seen) == 3


def test_a_damaged_result_is_made_anew(the_box, task):
    grade.grade_one(handed_in("ada"), task)
    (path,) = task.results.iterdir()
    path.write_text(path.read_text()[:50])
    assert grade.grade_one(handed_in("ada"), task).score == 6 and load(path).score == 6


def test_what_is_no_notebook_never_reaches_the_box_and_has_no_score(the_box, task):
    graded = grade.grade_one(handed_in("ada", b"text"), task)
    assert graded.score is None and "cannot be read" in graded.problem and not the_box.seen


def test_one_that_cannot_be_graded_stops_nobody_and_is_tried_again(the_box, task):
    bad = handed_in("bad", notebook("low_2 = 1 # bad"))
    the_box.fails.add("low_2 = 1 # bad")
    graded, failed = grade.grade_all([handed_in("ada"), bad, handed_in("emmy")], task, 2)
    assert [g.student.name for g in graded] == ["ada", "emmy"]
    assert failed == ["ps1.ipynb: it could not be graded: OSError: no space left"]
    the_box.fails.clear()
    graded, failed = grade.grade_all([handed_in("ada"), bad, handed_in("emmy")], task, 2)
    assert len(graded) == 3 and not failed and len(the_box.seen) == 4


def test_what_took_too_long_beside_others_is_tried_again_alone(the_box, task, monkeypatch):
    """A box beside which others run is too slow here, and one that runs alone is fast."""
    answers = lambda slow: [Answer(problem="it took longer than 10 s and was stopped") if slow else Answer(3)]  # noqa: E731
    running, both = [], threading.Barrier(2)

    def run(cells, requests, limits=None, *, unprotected=False):
        running.append(cells)
        first = len(running) <= 2
        if first:
            both.wait(10)
        return box.Outcome([*answers(first), *answers(first), *answers(False)], [])

    monkeypatch.setattr(box, "run", run)
    graded, failed = grade.grade_all([handed_in("ada"), handed_in("emmy")], task, 2)
    assert [each.slow for each in graded] == [False, False] and not failed
    assert len(running) == 4
    grade.grade_all([handed_in("ada"), handed_in("emmy")], task, 2)
    assert len(running) == 4


def test_what_takes_too_long_alone_is_kept(the_box, task, monkeypatch):
    runs = []
    late = [Answer(problem="it took longer than 10 s and was stopped")] * 3
    monkeypatch.setattr(box, "run", lambda *arguments, **options: runs.append(1) or box.Outcome(late, []))
    for _ in range(2):
        graded, _ = grade.grade_all([handed_in("ada")], task, 2)
        assert graded[0].slow and len(runs) == 2  # beside others, and then alone


def test_the_basis_changes_with_the_seed():
    assert marking.basis(1) != marking.basis(2) and marking.basis(1) == marking.basis(1)


def test_the_basis_changes_with_every_program_that_has_a_part_in_the_marks(tmp_path):
    copy = tmp_path / "course"
    shutil.copytree(Path(marking.__file__).parent, copy, ignore=shutil.ignore_patterns("__pycache__"))
    assert marking.basis(1, copy) == marking.basis(1)
    programs = {path.relative_to(copy).as_posix(): path for path in copy.rglob("*.py")}
    assert set(marking.WITHOUT_A_PART) < set(programs)
    for name, path in programs.items():
        before = path.read_bytes()
        path.write_bytes(before + b"# changed\n")
        assert (marking.basis(1, copy) == marking.basis(1)) is (name in marking.WITHOUT_A_PART), name
        path.write_bytes(before)


@pytest.mark.parametrize("name", NAMES)
def test_a_problem_set_is_found_by_its_name(name):
    assert problem_set(name).name == name


@pytest.fixture
def batch(tmp_path, the_box, monkeypatch):
    monkeypatch.setattr(marking, "problem_set", lambda name, seed: PS1)
    folder = tmp_path / "in"
    for name in ("ada", "emmy"):
        (folder / name).mkdir(parents=True)
        (folder / name / "ps1.ipynb").write_bytes(handed_in(name).content)
    (folder / "bad").mkdir()
    (folder / "bad" / "ps1.ipynb").write_bytes(b"text")
    return folder


def test_a_batch_is_graded_from_the_command_line(batch, tmp_path, capsys):
    grade.main(["ps1", str(batch), "--out", str(tmp_path / "out")])
    said = capsys.readouterr().out
    assert "3 graded, 1 of them without marks" in said
    names = {path.name for path in (tmp_path / "out").iterdir()}
    page = (tmp_path / "out" / "feedback" / "ada.html").read_text()
    assert f"ps1.ipynb, saved {datetime.now():%Y-%m-%d}" in page
    tables = {"scores.csv", "canvas.csv", "moodle.csv", "manual.csv"}
    assert names == {*tables, "feedback", "results", "summary.html"}


def test_what_cannot_be_used_is_told_without_a_traceback(tmp_path):
    with pytest.raises(SystemExit, match="neither a folder nor a zip"):
        grade.main(["ps1", str(tmp_path / "nowhere"), "--unprotected", "--out", str(tmp_path / "out")])


@pytest.mark.parametrize("place", ["", " "])
def test_a_run_without_submissions_is_refused(tmp_path, monkeypatch, place):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "README.md").write_text("not handed in")
    with pytest.raises(SystemExit, match="no submissions were named"):
        grade.main(["ps1", place])
    assert [path.name for path in tmp_path.iterdir()] == ["README.md"]


def test_who_is_not_in_the_next_batch_keeps_marks_and_points(batch, tmp_path, capsys):
    out = tmp_path / "out"
    grade.main(["ps1", str(batch), "--out", str(out)])
    manual = out / "manual.csv"
    manual.write_text(manual.read_text(encoding="utf-8-sig").replace("ps1_q3,,", "ps1_q3,2,"), encoding="utf-8")
    (tmp_path / "late" / "zoe").mkdir(parents=True)
    (tmp_path / "late" / "zoe" / "ps1.ipynb").write_bytes(handed_in("zoe").content)
    grade.main(["ps1", str(tmp_path / "late"), "--out", str(out)])
    with (out / "scores.csv").open(encoding="utf-8-sig", newline="") as file:
        totals = {row["Name"]: row["Total (of 8)"] for row in csv.DictReader(file)}
    assert totals == {"zoe": "6", "ada": "8", "emmy": "8", "bad": ""}
    said = capsys.readouterr().out
    assert "3 are not in this batch" in said and "1 answers in words wait for points" in said


def test_one_that_could_not_be_graded_has_a_line_and_no_marks(batch, tmp_path, the_box, capsys):
    (batch / "ada" / "ps1.ipynb").write_bytes(notebook("fails"))
    (batch / "bad" / "\x1b]0;owned").write_bytes(b"")
    the_box.fails.add("fails")
    grade.main(["ps1", str(batch), "--out", str(tmp_path / "out")])
    scores = (tmp_path / "out" / "scores.csv").read_text(encoding="utf-8-sig")
    assert "no marks: it could not be graded in this run" in scores and "\x1b" not in capsys.readouterr().out


def test_shares_are_graded_apart_and_collected_by_the_command_without(batch, tmp_path, the_box, capsys):
    command = ["ps1", str(batch), "--out", str(tmp_path / "out")]
    for share in ("2/2", "1/2"):
        grade.main([*command, "--share", share])
        assert [path.name for path in (tmp_path / "out").iterdir()] == ["results"]
    assert "2 graded in" in capsys.readouterr().out and len(the_box.seen) == 2
    grade.main(command)
    assert "3 graded, 1 of them" in capsys.readouterr().out and len(the_box.seen) == 2
    grade.main([*command[:-1], str(tmp_path / "at once")])
    assert (tmp_path / "out" / "scores.csv").read_bytes() == (tmp_path / "at once" / "scores.csv").read_bytes()


def test_a_share_says_who_could_not_be_graded(batch, tmp_path, the_box, capsys):
    the_box.fails.add("def my_store(x): return x + 1")
    grade.main(["ps1", str(batch), "--out", str(tmp_path / "out"), "--share", "1/3"])
    assert "ps1.ipynb: it could not be graded: OSError" in capsys.readouterr().out


@pytest.mark.parametrize("share", ["0/2", "3/2", "2", "1/0", "a/b", "-1/2", "1/2/3", ""])
def test_what_is_no_share_is_told(share, capsys):
    with pytest.raises(SystemExit):
        grade.main(["ps1", "in", f"--share={share}"])
    assert "a share is written 2/8, the second of eight" in capsys.readouterr().err


def test_every_submission_is_in_one_share():
    for count in (1, 2, 8, 30):
        parts = [list(range(25))[grade.share(f"{k}/{count}")] for k in range(1, count + 1)]
        assert sorted(chain(*parts)) == list(range(25)) and max(map(len, parts)) - min(map(len, parts)) <= 1


def test_a_machine_that_only_marks_needs_nothing_that_draws():
    asked = "from course import cluster, marking; [marking.problem_set(name) for name in marking.NAMES]"
    code = f"import sys; {asked}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    said = subprocess.run([sys.executable, "-c", code], cwd=project.ROOT, capture_output=True, text=True, check=True)
    assert not {"ipywidgets", "matplotlib", "IPython", "PIL", "distributed"} & set(said.stdout.split())


def released(seed):
    return json.dumps(release(source(problem_set("ps1", seed)))).encode()


def test_notebooks_of_another_seed_are_refused_before_anything_is_graded(tmp_path, the_box):
    for name in ("ada", "emmy"):
        (tmp_path / "in" / name).mkdir(parents=True)
        (tmp_path / "in" / name / "ps1.ipynb").write_bytes(released(48213))
    with pytest.raises(SystemExit, match="2 of 2 notebooks ask other questions than seed 2026 draws"):
        grade.main(["ps1", str(tmp_path / "in"), "--seed", "2026", "--out", str(tmp_path / "out")])
    assert not the_box.seen and not (tmp_path / "out").exists()


def test_one_notebook_of_another_seed_has_no_marks_and_stops_nobody(the_box, tmp_path):
    task = marking.Task("ps1", 7, tmp_path / "results", "basis")
    graded = grade.grade_one(handed_in("ada", released(8)), task)
    assert graded.score is None and "another one" in graded.problem and not the_box.seen


@pytest.mark.parametrize("name", NAMES)
def test_each_seed_knows_its_own_notebooks(name):
    for seed in range(20):
        notebook = read(json.dumps(release(source(problem_set(name, seed)))).encode())
        assert not is_other(notebook, problem_set(name, seed)) and is_other(notebook, problem_set(name, seed + 1))


def test_the_seed_is_remembered(tmp_path):
    assert remembered(tmp_path) == str(PUBLIC_SEED)
    for seed in ("48213", "our spring course, 2026"):
        remember(seed, tmp_path)
        assert remembered(tmp_path) == seed
    (tmp_path / ".seed").write_text(" \n")
    with pytest.raises(CourseError, match="holds no seed"):
        remembered(tmp_path)


# --- what is told of errors


@pytest.mark.parametrize(
    ("problem", "said"),
    [
        ("it raised ValueError: [1.0, -2.5]", "it raised ValueError"),
        ("it raised x_1_2_3: [1]", "it raised an error of its own kind"),
        ("there is no my_store", "there is no my_store"),
        ("it took longer than 10 s and was stopped, for other inputs",) * 2,
        ("the inputs are 1.25, 2.75, -3.125, 4, 5, 6, 7", "it gave no answer that can be read"),
    ],
)
def test_no_hidden_input_comes_back_in_a_page(problem, said):
    assert told.without_inputs(Answer(problem=problem)).problem == said


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("raised ModuleNotFoundError: No module named 'google'",) * 2,
        ("raised NameError: name 'x' is not defined", "raised NameError"),
        ("raised SyntaxError: invalid syntax (3527711.py, line 2)", "raised SyntaxError: invalid syntax"),
        ("raised ValueError: [1, 2]", "raised ValueError"),
        ("took longer than 10 s and was stopped",) * 2,
    ],
)
def test_a_student_is_told_what_a_cell_raised_in_words_of_the_cell(fault, said):
    assert told.of_a_cell(fault, "import google") == said


def test_the_cell_of_a_wrong_answer_tells_its_error(task, monkeypatch):
    cells = [{"cell_type": "code", "source": "import google", "metadata": {"nbgrader": {"grade_id": "ps1_q2"}}}]
    content = json.dumps({"cells": cells}).encode()
    error = "raised ModuleNotFoundError: No module named 'google'"
    answers = [Answer(problem="there is no my_store")] * 2 + [Answer(problem="there is no low_2")]
    monkeypatch.setattr(box, "run", lambda *args, **kwargs: box.Outcome(answers, [], {0: error}))
    graded = grade.grade_one(handed_in("ada", content), task)
    assert graded.marks["ps1_q2"].reasons == (f"the cell of your answer {error}", "low_2: there is no low_2")
    assert f"the cell ps1_q2 {error}" in graded.notes


def test_notes_are_not_too_many_and_not_too_long():
    notes = told.limited([f"{k} {'a' * 1000}" for k in range(1900)])
    assert len(notes) == 31 and max(map(len, notes)) < 400 and notes[-1] == "and 1870 more"
