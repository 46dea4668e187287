"""A class of submissions, from right to hostile: each gets the score that it deserves, and nothing else changes.

All are graded at once, by the same code as `make grade`, in real boxes.
"""

import copy
import hashlib
import json
import os
import subprocess
import sys
import time

import pytest

from course import grade
from course.box import run as box
from course.intake.lms import collect
from course.marking import Task
from course.problems import notebook as sheets
from course.problems.catalogue import NAMES, PUBLIC_SEED, problem_set
from course.problems.questions import Explain
from tools import project

PS1, *OTHERS = map(problem_set, NAMES)
STORE = PS1.questions[0]  # the question that most submissions get wrong in their own way
FULL = sum(question.points for question in PS1.questions if not isinstance(question, Explain))
WITHOUT = FULL - STORE.points
SOLUTION = STORE.source
WRONG = f"def {STORE.name}(*arguments):\n    return torch.zeros(3)"
LIMITS = box.Limits(step=2.0, total=20.0, memory=1_500_000_000, processes=32, disk=32_000_000)


def solved(asked=PS1):
    """Return the release as a good student hands it in."""
    nb = sheets.release(sheets.source(asked))
    answers = {question.id: question.source for question in asked.questions}
    for cell in nb.cells:
        cell.source = answers.get(cell.metadata.get("nbgrader", {}).get("grade_id"), cell.source)
    return nb


SOLVED = solved()


def notebook(store=SOLUTION, extra="", change=lambda nb: None, nb=SOLVED):
    """Return a notebook with another first answer, a cell more before it, or any other change, as bytes."""
    nb = copy.deepcopy(nb)
    place = next(k for k, cell in enumerate(nb.cells) if grade_id(cell) == STORE.id)
    nb.cells[place].source = store
    if extra:
        nb.cells.insert(place, {"cell_type": "code", "source": extra, "metadata": {}, "outputs": [], "id": "extra"})
    change(nb)
    return json.dumps(nb).encode()


def grade_id(cell):
    return cell["metadata"].get("nbgrader", {}).get("grade_id")


def without_metadata(nb):
    for cell in nb.cells:
        cell["metadata"] = {}


def as_colab_saves(nb):
    nb.metadata = {"colab": {"provenance": []}, "kernelspec": {"name": "python3", "display_name": "Python 3"}}
    for k, cell in enumerate(nb.cells):
        cell["metadata"] = {**cell["metadata"], "id": f"{k:012x}", "outputId": "0"}
        cell.pop("id", None)


def without(question):
    def change(nb):
        nb.cells = [cell for cell in nb.cells if grade_id(cell) != question.id]

    return change


def doubled(nb):
    place = next(k for k, cell in enumerate(nb.cells) if grade_id(cell) == STORE.id)
    first = copy.deepcopy(nb.cells[place])
    first.source = WRONG
    nb.cells.insert(place, first)


def renamed(source):
    """The same answer in another way: a class whose objects are called."""
    body = source.replace(f"def {STORE.name}(", "def by_hand(")
    return (
        f"{body}\n\nclass Store:\n    def __call__(self, *a):\n        return by_hand(*a) + 0\n\n{STORE.name} = Store()"
    )


RELEASE = json.dumps(sheets.release(sheets.source(PS1))).encode()
EQUAL = f"""
class Equal:
    def __eq__(self, other): return True
    def __getattr__(self, name): return lambda *a, **k: self
    __hash__ = None
def {STORE.name}(*a): return Equal()
"""
EQUAL_TENSOR = f"""
class Equal(torch.Tensor):
    def __eq__(self, other): return True
    __hash__ = None
def {STORE.name}(*a): return torch.zeros(3, dtype=torch.int8).as_subclass(Equal)
"""
PATCH_TORCH = """
torch.equal = torch.allclose = lambda *a, **k: True
torch.Tensor.__eq__ = lambda *a: True
torch.Tensor.tolist = lambda self: 0
"""
PATCH_BUILTINS = """
import builtins, json
builtins.all = builtins.any = builtins.isinstance = lambda *a: True
json.dumps = lambda *a, **k: '{}'
"""
PATCH_QUANTLIB = "import quantlib\nquantlib.quantize = lambda *a: 0\nimport sys\nsys.modules['quantlib'] = None"
SPY = f"""
import gc, inspect, sys
def {STORE.name}(*a):
    found = [f.frame.f_locals for f in inspect.stack()] + [o for o in gc.get_objects() if isinstance(o, dict)]
    for names in found:
        for key in ("expected", "right", "solution", "answer", "mistakes"):
            if callable(names.get(key)):
                return names[key](*a)
    return torch.zeros(3)
"""
READ = f"""
import glob, os
texts = []
for place in ({str(project.ROOT)!r}, "/", "/box", os.getcwd(), "..", "/root", "/home", "/proc/1/root"):
    for path in glob.glob(os.path.join(glob.escape(place), "**", "ps1*"), recursive=True)[:50]:
        texts.append(open(path).read())
if texts:
    exec(texts[0])
"""
CALL_HOME = f"""
import urllib.request
def {STORE.name}(*a):
    for address in ("http://127.0.0.1", "http://pypi.org", "http://169.254.169.254"):
        try:
            return eval(urllib.request.urlopen(address, timeout=1).read())
        except OSError:
            pass
    return torch.zeros(3)
"""
FORGE = """
import os, glob, json
line = json.dumps([0, ["float", "nan"]]) + "\\n"
for place in [os.getcwd(), "/tmp", "/box", "/"]:
    for name in ("results.json", "answers.jsonl", "scores.csv", "result", "grades"):
        try:
            open(os.path.join(place, name), "w").write(line * 1000)
        except OSError:
            pass
for number in range(3, 40):
    try:
        os.write(number, line.encode() * 100)
    except OSError:
        pass
"""
LIBRARY = f"import quantlib\ndef {STORE.name}(x, s, z):\n    return quantlib.quantize(x, s, z)"
IN_PLACE = (
    f"{SOLUTION}\n_own = {STORE.name}\ndef {STORE.name}(x, s, z):\n    q = _own(x, s, z)\n    x.zero_()\n    return q"
)

# Who hands in what, and the points for it; None: no marks at all.
CLASS = {
    "right": (notebook(), FULL),
    "right in another way": (notebook(renamed(SOLUTION)), FULL),
    "one answer is wrong": (notebook(WRONG), WITHOUT),
    "nothing is written": (RELEASE, 0),
    "only the first answer": (notebook(nb=sheets.release(sheets.source(PS1))), STORE.points),
    "loops": (notebook(f"def {STORE.name}(*a):\n    while True: pass"), WITHOUT),
    "a cell loops": (notebook(extra="while True: pass"), FULL),
    "fork bomb": (notebook(extra="import os\nwhile True: os.fork()"), FULL),
    "memory bomb": (notebook(extra="a = []\nwhile True: a.append(torch.ones(10_000_000))"), FULL),
    "fills the disk": (notebook(extra="with open('big', 'wb') as f:\n    while True: f.write(bytes(10**7))"), FULL),
    "ends the program": (notebook(extra="import os\nos._exit(0)"), FULL),
    "exits": (notebook(extra="import sys\nsys.exit()"), FULL),
    "an answer ends the program": (notebook(f"def {STORE.name}(*a):\n    import os\n    os._exit(0)"), WITHOUT),
    "prints a gigabyte": (notebook(extra="for _ in range(1000): print('a' * 1_000_000)"), FULL),
    "an object that equals all": (notebook(EQUAL), WITHOUT),
    "a tensor that equals all": (notebook(EQUAL_TENSOR), WITHOUT),
    "changes torch": (notebook(WRONG + "\n" + PATCH_TORCH), None),
    "changes builtins": (notebook(WRONG + "\n" + PATCH_BUILTINS), None),
    "changes quantlib": (notebook(WRONG, extra=PATCH_QUANTLIB), WITHOUT),
    "looks for tests in frames": (notebook(SPY), WITHOUT),
    "looks for tests in In": (notebook(f"{WRONG}\nprint(In, Out)"), WITHOUT),
    "reads what lies around": (notebook(WRONG, extra=READ), WITHOUT),
    "calls home": (notebook(CALL_HOME), WITHOUT),
    "forges results": (notebook(WRONG, extra=FORGE), WITHOUT),
    "leaves a thread": (
        notebook(extra="import threading\nthreading.Thread(target=lambda: [0 for _ in iter(int, 1)]).start()"),
        FULL,
    ),
    "has an error": (notebook(extra="1 / 0\n"), FULL),
    "is no Python": (notebook(extra="def :"), FULL),
    "lost its metadata": (notebook(change=without_metadata), FULL),
    "saved by Colab": (notebook(change=as_colab_saves), FULL),
    "a cell is deleted": (notebook(change=without(STORE)), WITHOUT),
    "a cell stands twice": (notebook(change=doubled), FULL),
    "Windows": (notebook(SOLUTION.replace("\n", "\r\n")).replace(b"\n", b"\r\n"), FULL),
    "Zoë Ångström-Чехова": (notebook(), FULL),
    "no JSON": (b"\x89PNG\r\n\x1a\n", None),
    "cut off": (notebook()[:2000], None),
    **{f"another problem set, {each.name}": (json.dumps(solved(each)).encode(), None) for each in OTHERS},
}
CHANGED = ("changes torch", "changes builtins")  # what they break is their own: they get at most what is right


def state(*folders):
    """Return what every file of these folders holds."""
    found = {}
    for folder in folders:
        for path in sorted(path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts):
            found[str(path)] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    if box.find_sandbox() is None:
        pytest.skip("no sandbox was found")
    folder = tmp_path_factory.mktemp("class")
    for name, (content, _) in CLASS.items():
        (folder / "in" / name).mkdir(parents=True)
        (folder / "in" / name / "ps1.ipynb").write_bytes(content)
    watched = folder / "in", project.ROOT / "course", project.NOTEBOOKS, project.ROOT / "quantlib"
    before, processes = state(*watched), children()
    submissions, problems = collect(folder / "in", [])
    task = Task(PS1.name, PUBLIC_SEED, folder / "results", "basis", LIMITS)
    results, failed = grade.grade_all(submissions, task, os.cpu_count() or 1)
    assert not problems and not failed
    assert state(*watched) == before and children() == processes
    return {each.student.name: each for each in results}


def children():
    """Return the processes of this one."""
    return sorted(int(pid) for task in os.listdir("/proc/self/task") for pid in _children(task))


def _children(task):
    with open(f"/proc/self/task/{task}/children") as file:
        return file.read().split()


@pytest.mark.parametrize("name", [name for name in CLASS if name not in CHANGED])
def test_everybody_gets_what_is_deserved(graded, name):
    assert graded[name].score == CLASS[name][1], (graded[name].problem, graded[name].marks, graded[name].notes)


@pytest.mark.parametrize("name", CHANGED)
def test_who_changes_the_tools_gets_no_more_than_is_right(graded, name):
    assert graded[name].score <= WITHOUT


def test_a_call_of_the_library_is_no_answer(graded):
    store = PS1.questions[0]
    outcome = box.run(["import torch", LIBRARY], store.requests(), LIMITS)
    mark = store.mark(outcome.answers)
    assert mark.points < store.points and mark.recognised


def test_an_input_that_is_changed_costs_its_part(graded):
    outcome = box.run(["import torch", IN_PLACE], STORE.requests(), LIMITS)
    assert 0 < STORE.mark(outcome.answers).points < STORE.points


@pytest.mark.parametrize(
    "name", ["no JSON", "cut off", *(name for name in CLASS if name.startswith("another problem set"))]
)
def test_who_has_no_marks_is_told_why(graded, name):
    assert graded[name].problem and graded[name].score is None


def test_what_was_repaired_is_said(graded):
    assert any("metadata" in note for note in graded["lost its metadata"].notes)
    assert f"no cell answers {STORE.id}" in graded["a cell is deleted"].notes
    assert any("2 times" in note for note in graded["a cell stands twice"].notes)


@pytest.mark.skipif(box.find_sandbox() is None, reason="no sandbox was found")
def test_a_run_that_is_killed_goes_on_and_grades_nothing_twice(tmp_path):
    for name in ("ada", "emmy", "grace"):
        (tmp_path / "in" / name).mkdir(parents=True)
        (tmp_path / "in" / name / "ps1.ipynb").write_bytes(notebook())
    arguments = ["ps1", str(tmp_path / "in"), "--out", str(tmp_path / "out"), "--jobs", "1"]
    results = tmp_path / "out" / "results"
    command = [sys.executable, "-m", "course.grade", *arguments]
    with subprocess.Popen(command, cwd=project.ROOT, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as run:
        while not list(results.glob("*.json")):
            assert run.poll() is None
            time.sleep(0.05)
        run.kill()
    done = {path: path.stat().st_mtime_ns for path in results.glob("*.json")}
    grade.main(arguments)
    assert len(done) < 3 == len(list(results.glob("*.json")))
    assert {path: path.stat().st_mtime_ns for path in done} == done
    scores = (tmp_path / "out" / "scores.csv").read_text(encoding="utf-8-sig").splitlines()
    assert len(scores) == 4 and all(f",{FULL}," in line for line in scores[1:])
