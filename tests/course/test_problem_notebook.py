"""The notebooks of the problem sets: sources that run and give marks as the grader does, releases that tell nothing."""

import re

import nbformat
import pytest
import torch

from course.problems import notebook as sheets
from course.problems import texts
from course.problems.catalogue import NAMES, PUBLIC_SEED, problem_set
from course.problems.questions import Explain, Write
from tests.helpers.answering import SEEDS, answers
from tools import nbfile, project

CASES = [pytest.param(name, seed, id=f"{name}-{seed}") for name in NAMES for seed in (PUBLIC_SEED, 3)]
every = pytest.mark.parametrize(("name", "seed"), CASES)
SOLUTION = re.compile(r"### BEGIN SOLUTION\n(.*?)\n *### END SOLUTION", re.DOTALL)


def both(name, seed):
    source = sheets.source(problem_set(name, seed))
    return source, sheets.release(source)


def code(nb):
    return [cell for cell in nb.cells if cell.cell_type == "code"]


def marks(nb):
    return [cell.metadata.nbgrader for cell in nb.cells if "nbgrader" in cell.metadata]


def test_the_committed_notebooks_are_up_to_date():
    names = [path.name for path in sheets.stale(PUBLIC_SEED, sheets.ASSIGNMENTS)]
    assert names == [], "run python -m course.problems.notebook"


@every
def test_a_source_runs_without_an_error(name, seed, monkeypatch):
    monkeypatch.chdir(project.ROOT)
    names = {}
    for cell in code(both(name, seed)[0]):
        exec(compile(cell.source, cell.id, "exec"), names)


@every
def test_nbgraders_points_are_those_of_the_grader_for_every_mistake(name, seed):
    for question in problem_set(name, seed).questions:
        if isinstance(question, Write):
            tests = [
                cell
                for cell in both(name, seed)[0].cells
                if cell.id.startswith(question.id.replace("_", "-") + "-test")
            ]
            for m in question.mistakes:
                got = sum(cell.metadata.nbgrader.points for cell in tests if passes(cell.source, question.name, m))
                assert got == question.mark(answers(question, m)).points, m.name


def passes(source, name, function):
    try:
        exec(source, {"torch": torch, name: function})
    except Exception:
        return False
    return True


@every
def test_a_stub_equals_its_solution_but_for_the_gap(name, seed):
    source, release = both(name, seed)
    gaps = 0
    for full, stub in zip(source.cells, release.cells, strict=True):
        assert (full.id, full.cell_type) == (stub.id, stub.cell_type)
        if not (full.metadata.get("nbgrader", {}).get("solution")):
            assert stub.source == re.sub(r"\n### BEGIN HIDDEN.*", "", full.source, flags=re.DOTALL)
            continue
        head, gap, tail = re.split(r"( *### BEGIN SOLUTION.*### END SOLUTION)", full.source, flags=re.DOTALL)
        assert stub.source.startswith(head) and stub.source.endswith(tail)
        middle = stub.source[len(head) : len(stub.source) - len(tail)]
        indent = re.match(" *", gap)[0]
        stubs = {"code": ["# YOUR CODE HERE", "raise NotImplementedError()"], "markdown": ["YOUR ANSWER HERE"]}
        assert middle.splitlines() == [indent + line for line in stubs[full.cell_type]]
        gaps += 1
    assert gaps == len(problem_set(name, seed).questions)


@every
def test_a_release_holds_no_solution_and_no_hidden_test(name, seed):
    source, release = both(name, seed)
    text = nbfile.dump(release)
    assert not re.search("BEGIN SOLUTION|END SOLUTION|HIDDEN|What is looked for", text)
    for cell in source.cells:
        shown = "\n".join(other.source for other in release.cells)
        for gap in SOLUTION.findall(cell.source):
            lines = [line.strip() for line in gap.splitlines() if len(line.strip()) > 12]
            assert lines and not [line for line in lines if line in shown]


@every
def test_a_release_can_be_changed_only_where_answers_go(name, seed):
    _, release = both(name, seed)
    for cell in release.cells:
        nbgrader = cell.metadata.get("nbgrader")
        if nbgrader:
            assert cell.metadata.deletable is False
            assert cell.metadata.get("editable", True) is nbgrader.solution is not nbgrader.locked
        else:
            assert cell.id in ("title", "setup", "imports")


@every
def test_run_all_goes_on_where_an_answer_may_be_missing_and_nowhere_else(name, seed):
    for nb in both(name, seed):
        for cell in code(nb):
            may_fail = "raises-exception" in cell.metadata.get("tags", [])
            grade_id = cell.metadata.get("nbgrader", {}).get("grade_id", "")
            answer = cell.metadata.get("nbgrader", {}).get("solution", False)
            assert may_fail is (answer or grade_id.endswith("_example")), cell.id


@every
def test_both_are_valid_and_have_no_output(name, seed):
    for nb in both(name, seed):
        nbformat.validate(nb)
        assert all(cell.outputs == [] and cell.execution_count is None for cell in code(nb))
        assert nbfile.dump(nbfile.parse(nbfile.dump(nb))) == nbfile.dump(nb)


@every
def test_what_nbgrader_wants_to_know_is_there(name, seed):
    wanted = problem_set(name, seed)
    source, release = both(name, seed)
    for nb in (source, release):
        known = marks(nb)
        assert len({m.grade_id for m in known}) == len(known)
        assert all(m.schema_version == 3 and m.task is False for m in known)
        assert all(("points" in m) == m.grade for m in known)
        assert sum(m.points for m in known if m.grade) == wanted.points
        assert {question.id for question in wanted.questions} <= {m.grade_id for m in known if m.solution}
        for cell in nb.cells:
            if "nbgrader" in cell.metadata:
                assert cell.metadata.nbgrader.cell_type == cell.cell_type
    by_hand = [m.grade_id for m in marks(source) if m.grade and m.solution]
    assert by_hand == [question.id for question in wanted.questions if isinstance(question, Explain)]


@every
def test_a_question_says_its_number_its_points_and_its_text_and_there_is_one_title(name, seed):
    wanted = problem_set(name, seed)
    _, release = both(name, seed)
    texts = [cell.source for cell in release.cells if cell.cell_type == "markdown"]
    headings = re.findall(r"^(#+) (.+)$", "\n".join(texts), re.MULTILINE)
    assert headings[0] == ("#", wanted.title)
    assert headings[1:] == [("##", f"{k}. {q.title}") for k, q in enumerate(wanted.questions, start=1)]
    assert f"{wanted.points} points" in texts[0]


@every
def test_a_release_without_answers_gives_no_point(name, seed):
    _, release = both(name, seed)
    names, raised = {"torch": torch}, []
    for cell in code(release):
        if cell.id in ("setup", "imports") or "picture" in cell.id:
            continue
        try:
            exec(cell.source, names)
        except Exception as error:
            raised.append(type(error).__name__)
    writes = sum(isinstance(question, Write) for question in problem_set(name, seed).questions)
    assert raised.count("NotImplementedError") >= writes


@pytest.mark.parametrize("name", NAMES)
def test_no_line_of_code_is_wider_than_the_page(name):
    for seed in (PUBLIC_SEED, *SEEDS):
        for question in problem_set(name, seed).questions:
            shown = (
                sheets.fitting(question.example) if isinstance(question, Write) else getattr(question, "picture", "")
            )
            lines = [*question.source.partition("### BEGIN")[0].splitlines(), *shown.splitlines()]
            assert [line for line in lines if len(line) > sheets.WIDEST] == []


def test_a_wide_example_names_its_call_once():
    call = f"my_x(torch.tensor({list(range(21))}))"
    assert sheets.fitting(f"assert {call}.tolist() == [1]\nassert type({call}) is float") == (
        f"got = {call}\nassert got.tolist() == [1]\nassert type(got) is float"
    )
    assert sheets.fitting("assert my_x(1) == 2") == "assert my_x(1) == 2"


def test_lines_of_a_paragraph_are_joined_and_lists_and_equations_are_not():
    text = "\nOne\ntwo.\n\n- a\n  b\n- c\n\n1. d\n   e\n2. f\n\n$$x\n$$\n"
    assert texts.prose(text) == "One two.\n\n- a b\n- c\n\n1. d e\n2. f\n\n$$x\n$$"


@pytest.mark.parametrize(
    "value", [torch.tensor([[1.5], [-2.0]]), torch.tensor([3], dtype=torch.uint8), 0.1, -3, (torch.tensor(1.0), 2)]
)
def test_a_literal_is_the_value_again(value):
    again = eval(sheets.literal(value), {"torch": torch})
    assert repr(again) == repr(value)


def test_an_empty_tensor_keeps_its_shape():
    again = eval(sheets.literal(torch.zeros((0, 2), dtype=torch.int8)), {"torch": torch})
    assert again.shape == (0, 2) and again.dtype == torch.int8


# --- the command


def test_another_seed_goes_into_another_folder(tmp_path):
    sheets.main(["--seed", "3", "--out", str(tmp_path)])
    written = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.ipynb"))
    assert written == [f"{kind}/{n}/{n}.ipynb" for kind in ("release", "source") for n in NAMES]
    assert sheets.stale(3, tmp_path) == [] and len(sheets.stale(4, tmp_path)) == 2 * len(NAMES)
    sheets.main(["--seed", "3", "--out", str(tmp_path), "--check"])
    with pytest.raises(SystemExit, match=r"python -m course\.problems\.notebook: source/ps1/ps1\.ipynb"):
        sheets.main(["--seed", "4", "--out", str(tmp_path), "--check"])


def test_the_seed_of_a_course_is_remembered(tmp_path):
    sheets.main(["--seed", "3", "--out", str(tmp_path)])
    sheets.main(["--out", str(tmp_path), "--check"])
    sheets.main(["--out", str(tmp_path)])
    assert sheets.stale(3, tmp_path) == []


def test_problem_sets_are_no_lessons():
    assert not [path for path in project.notebooks() if "assignments" in path.parts]
    assert [path.stem for path in project.releases()] == list(NAMES)
