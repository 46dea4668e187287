"""The tools: address, generated parts, setup cell, normalised files, working copies."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from tools import address, copies, generate, nbfile, project
from tools import notebooks as tool

TITLE = "# 01 · What is a scale?\n<!-- links -->\nold\n<!-- /links -->\nA step. **20 minutes**."


def sample():
    """A notebook with everything that must not stay in a committed file."""
    outputs = [
        new_output("stream", text="6\n"),
        new_output("display_data", {"text/plain": "a slider", nbfile.WIDGET_VIEW: {"model_id": "7f3a"}}),
    ]
    code = new_code_cell("print(2 * 3)", id="kept", execution_count=4, outputs=outputs)
    code.metadata["execution"] = {"iopub.execute_input": "2026-01-01T00:00:00Z"}
    nb = new_notebook(cells=[new_markdown_cell(TITLE, id="title"), code])
    nb.metadata.update(widgets={"state": {}}, language_info={"name": "python", "version": "3.11.7"})
    return nb


# --- address


@pytest.mark.parametrize(
    "text",
    [
        "https://github.com/me/repo",
        "https://github.com/me/repo.git\n",
        "https://github.com/me/repo/",
        "https://user:token@github.com/me/repo.git",
        "git@github.com:me/repo.git",
        "ssh://git@github.com/me/repo.git",
    ],
)
def test_address_is_understood_in_every_usual_form(text):
    assert address.parse(text) == "https://github.com/me/repo"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "me/repo",
        "http://github.com/me/repo",
        "https://gitlab.com/me/repo",
        "https://github.com/me",
        "https://github.com/me/repo/tree/main",
        "https://github.com/OWNER_NOT_SET/repo",
        "https://github.com.example.org/me/repo",
        'https://github.com/me/repo"',
    ],
)
def test_other_addresses_are_refused_with_a_sentence(text):
    with pytest.raises(ValueError, match=r"must look like https://github\.com/me/repo, got "):
        address.parse(text)


def test_address_is_written_in_one_line_of_pyproject():
    before = project.PYPROJECT.read_text(encoding="utf-8")
    after = address.with_address(before, "https://github.com/some-one/else")
    changed = [line for line in after.splitlines() if line not in before.splitlines()]
    assert changed == ['Repository = "https://github.com/some-one/else"']


def test_address_needs_its_line():
    with pytest.raises(ValueError, match="exactly one line"):
        address.with_address("[project]\n", "https://github.com/me/repo")


# --- generated parts


def test_generated_parts_are_up_to_date():
    assert [path.name for path in generate.stale()] == [], "run make notebooks"


def test_fill_replaces_only_what_is_between_the_marks():
    assert generate.fill("a <!-- x -->old<!-- /x --> b", "x", "new") == "a <!-- x -->\nnew\n<!-- /x --> b"
    with pytest.raises(ValueError, match="once each"):
        generate.fill("a", "x", "new")


def test_a_notebook_gets_its_links_and_one_setup_cell():
    path = project.NOTEBOOKS / "01_scale.ipynb"
    nb = generate.fill_notebook(sample(), path)
    generate.fill_notebook(nb, path)
    assert [cell.id for cell in nb.cells] == ["title", "setup", "kept"]
    assert nb.cells[1].source == generate.setup_source()
    where = f"{project.address().removeprefix('https://github.com')}/blob/v{project.version()}/notebooks/01_scale.ipynb"
    assert f"**[Open in Colab](https://colab.research.google.com/github{where})**" in nb.cells[0].source
    assert f"[Source](https://github.com{where})" in nb.cells[0].source
    assert "old" not in nb.cells[0].source


@pytest.fixture
def small_project(tmp_path, monkeypatch):
    """A project of one notebook in a temporary folder."""
    monkeypatch.setattr(project, "ROOT", tmp_path)
    monkeypatch.setattr(project, "NOTEBOOKS", tmp_path / "notebooks")
    monkeypatch.setattr(project, "README", tmp_path / "README.md")
    monkeypatch.setattr(project.notebooks, "__defaults__", (tmp_path / "notebooks",))
    (tmp_path / "notebooks").mkdir()
    nbfile.write(tmp_path / "notebooks" / "01_scale.ipynb", sample())
    project.README.write_text("<!-- clone -->\n<!-- /clone -->\n<!-- notebooks -->\n<!-- /notebooks -->\n")
    return tmp_path


def test_check_names_what_is_out_of_date_until_it_is_written(small_project):
    with pytest.raises(SystemExit, match=r"01_scale\.ipynb, README\.md"):
        tool.main(["--check"])
    generate.write_all()
    tool.main(["--check"])


def test_readme_lists_each_notebook_with_its_question_and_minutes(small_project):
    generate.write_all()
    rows = [line for line in project.README.read_text(encoding="utf-8").splitlines() if line.startswith("| [")]
    assert [row.split(" | ")[:3] for row in rows] == [
        ["| [01](notebooks/01_scale.ipynb)", "What is a scale?", "20"],
    ]


def test_notebooks_are_executed_and_a_second_run_changes_no_byte(small_project):
    path = small_project / "notebooks" / "01_scale.ipynb"
    nb = nbfile.read(path)
    nb.cells.insert(1, new_code_cell("# here", id="setup", metadata={"tags": ["setup"]}))
    nbfile.write(path, nb)
    (small_project / "quantlib").mkdir()
    (small_project / "quantlib" / "affine.py").touch()
    tool.main([str(path)])
    once = path.read_bytes()
    assert [cell.execution_count for cell in nbfile.read(path).cells[1:]] == [1, 2]
    tool.main([str(path)])
    assert path.read_bytes() == once


def test_a_notebook_that_fails_stays_as_it_was(small_project):
    path = small_project / "notebooks" / "01_scale.ipynb"
    nb = nbfile.read(path)
    nb.cells[1].source = "1 / 0"
    nbfile.write(path, nb)
    before = path.read_bytes()
    (small_project / "quantlib").mkdir()
    (small_project / "quantlib" / "affine.py").touch()
    with pytest.raises(SystemExit, match="ZeroDivisionError"):
        tool.main([])
    assert path.read_bytes() == before


# --- normalised files


def test_normalised_text_has_nothing_random_and_stays_the_same():
    text = nbfile.dump(sample())
    for word in ("widgets", "3.11.7", "iopub", "7f3a"):
        assert word not in text
    assert "a slider" in text
    assert nbfile.dump(nbfile.parse(text)) == text
    assert text.endswith("}\n")


def test_missing_and_double_ids_become_the_same_ids_every_time():
    raw = json.loads(nbfile.dump(sample()))
    raw["cells"] = [{**raw["cells"][0], "id": "cell-1"}, {**raw["cells"][0], "id": "cell-1"}, raw["cells"][1]]
    del raw["cells"][2]["id"]
    raw["nbformat_minor"] = 4
    assert [cell.id for cell in nbfile.parse(json.dumps(raw)).cells] == ["cell-1", "cell-2", "cell-3"]


# --- the setup cell


def run_setup(folder, source, **environment):
    """Run the setup cell twice in one process, as a learner may, then say where quantlib is."""
    script = f"for _ in 1, 2:\n    exec({source!r})\nimport quantlib\nprint(quantlib.__file__)"
    clean = {name: value for name, value in os.environ.items() if name not in ("QUANTLIB_REPOSITORY", "PYTHONPATH")}
    command = [sys.executable, "-c", script]
    return subprocess.run(command, cwd=folder, env=clean | environment, capture_output=True, text=True, check=False)


def assert_found(run, package):
    assert (run.returncode, run.stderr) == (0, "")
    assert [Path(line).resolve() for line in run.stdout.splitlines()] == [(package / "__init__.py").resolve()]


def make_package(root):
    (root / "quantlib").mkdir(parents=True)
    for name in ("__init__.py", "affine.py"):
        (root / "quantlib" / name).touch()
    return root / "quantlib"


@pytest.fixture
def origin(tmp_path):
    """The address of a bare repository with a tiny quantlib and the tag of this version."""
    work, bare = tmp_path / "work", tmp_path / "a bare_repository"
    make_package(work)
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "init.defaultBranch=main"]
    for step in (["init"], ["add", "."], ["commit", "-m", "a"], ["tag", f"v{project.version()}"]):
        subprocess.run([*git, *step], cwd=work, check=True, capture_output=True)
    subprocess.run([*git, "clone", "--bare", str(work), str(bare)], check=True, capture_output=True)
    return f"file://{bare}"


def test_setup_cell_is_short_and_valid():
    source = generate.setup_source()
    assert len([line for line in source.splitlines() if line]) <= 18
    assert project.address() in source and f"--branch=v{project.version()}" in source
    assert "VERSION" not in source and '"ADDRESS"' not in source


def test_setup_cell_finds_the_folder_above(tmp_path):
    package = make_package(tmp_path)
    (tmp_path / "my_notebooks" / "deeper").mkdir(parents=True)
    assert_found(run_setup(tmp_path / "my_notebooks" / "deeper", generate.setup_source()), package)


def test_setup_cell_uses_an_installed_quantlib(tmp_path):
    package = make_package(tmp_path / "site")
    (tmp_path / "alone").mkdir()
    run = run_setup(tmp_path / "alone", generate.setup_source(), PYTHONPATH=str(tmp_path / "site"))
    assert_found(run, package)


def test_setup_cell_refuses_the_placeholder(tmp_path, monkeypatch):
    placeholder = "https://github.com/OWNER_NOT_SET/quantization-notebooks"
    monkeypatch.setattr(project, "address", lambda: placeholder)
    run = run_setup(tmp_path, generate.setup_source(), GIT_ALLOW_PROTOCOL="file")
    sentence = "This copy does not know where its project lives: open it inside the project's folder."
    assert run.stderr.splitlines()[-1] == f"RuntimeError: {sentence}"
    assert "fatal" not in run.stderr  # git was not even started
    assert list(tmp_path.iterdir()) == []


def test_setup_cell_clones_the_release_once(tmp_path, origin):
    alone = tmp_path / "alone"
    alone.mkdir()
    package = alone / f"quantization-notebooks-v{project.version()}" / "quantlib"
    assert_found(run_setup(alone, generate.setup_source(), QUANTLIB_REPOSITORY=origin), package)
    shutil.rmtree(tmp_path / "a bare_repository")
    assert_found(run_setup(alone, generate.setup_source(), QUANTLIB_REPOSITORY=origin), package)


def test_setup_cell_says_that_the_clone_failed(tmp_path):
    missing = f"file://{tmp_path}/nothing"
    run = run_setup(tmp_path, generate.setup_source(), QUANTLIB_REPOSITORY=missing)
    assert run.returncode == 1
    assert f"RuntimeError: quantlib could not be cloned from {missing}" in run.stderr


# --- working copies


@pytest.fixture
def folders(tmp_path):
    for kind in ("source", "release"):
        (tmp_path / "notebooks" / "assignments" / kind / "a1").mkdir(parents=True)
        nbfile.write(tmp_path / "notebooks" / "assignments" / kind / "a1" / "a1.ipynb", sample())
    nbfile.write(tmp_path / "notebooks" / "01_scale.ipynb", sample())
    return tmp_path / "notebooks", tmp_path / "my_notebooks"


def test_working_copies_have_no_outputs(folders):
    assert copies.prepare(*folders) == []
    for name in ("01_scale.ipynb", "assignments/a1.ipynb"):
        cell = nbfile.read(folders[1] / name).cells[1]
        assert (cell.source, cell.outputs, cell.execution_count) == ("print(2 * 3)", [], None)


def test_problem_sets_are_no_lessons_and_their_solutions_are_not_copied(folders):
    assert [path.name for path in project.notebooks(folders[0])] == ["01_scale.ipynb"]
    nbfile.write(folders[0] / "assignments" / "source" / "a1" / "solved.ipynb", sample())
    copies.prepare(*folders)
    assert sorted(path.name for path in folders[1].rglob("*.ipynb")) == ["01_scale.ipynb", "a1.ipynb"]


def test_working_copies_are_never_overwritten(folders):
    copies.prepare(*folders)
    copy = folders[1] / "01_scale.ipynb"
    nb = nbfile.read(copy)
    nb.cells[1].source = "my work"
    nbfile.write(copy, nb)
    mine = copy.read_bytes()
    assert copies.prepare(*folders) == []
    (folders[1] / "assignments" / "a1.ipynb").write_text("not a notebook any more")
    change_source(folders[0] / "01_scale.ipynb")
    assert copies.prepare(*folders) == [
        "my_notebooks/01_scale.ipynb has a newer version: to get it, rename or delete your copy and run make lab again."
    ]
    assert copy.read_bytes() == mine
    copy.rename(copy.with_name("my_01.ipynb"))
    assert copies.prepare(*folders) == []
    assert "print(7)" in copy.read_text(encoding="utf-8")


def test_new_outputs_alone_are_no_newer_version(folders):
    copies.prepare(*folders)
    source = folders[0] / "01_scale.ipynb"
    nb = nbfile.read(source)
    nb.cells[1].outputs = []
    nbfile.write(source, nb)
    assert copies.prepare(*folders) == []


def change_source(path):
    nb = nbfile.read(path)
    nb.cells[1].source = "print(7)"
    nbfile.write(path, nb)
