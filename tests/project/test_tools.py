"""The tools: address, generated parts, setup cell, wheel, normalised files, working copies."""

import ast
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from tools import address, copies, generate, lab, nbfile, project
from tools import notebooks as tool
from tools import wheel as tool_wheel

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


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """A copy of the project's pages and notebooks, and of what writes them."""
    folder = tmp_path_factory.mktemp("copy")
    for name in ("README.md", "CONTRIBUTING.md", "pyproject.toml"):
        shutil.copy(project.ROOT / name, folder)
    for name in ("docs", "notebooks", "quantlib", "course", "tools"):
        shutil.copytree(project.ROOT / name, folder / name)
    return folder


def holding(folder, *words):
    """The pages and notebooks that hold one of the words, by their names."""
    paths = [*folder.glob("*.md"), *folder.glob("docs/*.md"), *folder.glob("notebooks/**/*.ipynb")]
    return {path.relative_to(folder).as_posix() for path in paths if any(w in path.read_text("utf-8") for w in words)}


def run_module(folder, *arguments):
    subprocess.run([sys.executable, "-m", *arguments], cwd=folder, check=True, capture_output=True)


def test_an_address_turns_on_every_link_and_command_that_needs_it(copy):
    run_module(copy, "tools.address", "https://github.com/some-one/notebooks")
    run_module(copy, "course.problems.notebook")
    notebooks = {path.relative_to(copy).as_posix() for path in copy.glob("notebooks/**/*.ipynb")}
    lessons = {path.relative_to(project.ROOT).as_posix() for path in project.notebooks()}
    assert holding(copy, "https://github.com/some-one/notebooks") == {"README.md"} | notebooks
    assert holding(copy, "https://colab.research.google.com/github/some-one/notebooks/blob") == {"README.md"} | lessons
    assert "git clone https://github.com/some-one/notebooks " in (copy / "README.md").read_text(encoding="utf-8")
    assert holding(copy, "git-pull?repo=https%3A%2F%2Fgithub.com%2Fsome-one%2Fnotebooks&branch=main") == {"docs/hub.md"}
    assert holding(copy, f"mybinder.org/v2/gh/some-one/notebooks/v{project.version()}?") == {"docs/hub.md"}
    assert holding(copy, "OWNER_NOT_SET") == set()


def test_without_an_address_nothing_leads_nowhere(copy):
    pyproject = copy / "pyproject.toml"
    text = address.with_address(pyproject.read_text(encoding="utf-8"), "https://github.com/OWNER_NOT_SET/repo")
    pyproject.write_text(text, encoding="utf-8")
    run_module(copy, "tools.notebooks", "--generated")
    run_module(copy, "course.problems.notebook")
    assert holding(copy, "OWNER_NOT_SET", "colab.research", "git clone", "some-one", "mybinder.org/") == set()
    assert "\nmake lab\n" in (copy / "README.md").read_text(encoding="utf-8")


# --- generated parts


def test_generated_parts_are_up_to_date():
    assert [path.name for path in generate.stale()] == [], "run make notebooks"


def test_fill_replaces_only_what_is_between_the_marks():
    assert generate.fill("a <!-- x -->old<!-- /x --> b", "x", "new") == "a <!-- x -->\nnew\n<!-- /x --> b"
    with pytest.raises(ValueError, match="once each"):
        generate.fill("a", "x", "new")


def filled(path=project.NOTEBOOKS / "01_scale.ipynb"):
    """A notebook with its generated parts, written twice."""
    nb = generate.fill_notebook(sample(), path)
    return generate.fill_notebook(nb, path)


def test_a_notebook_gets_one_setup_cell():
    nb = filled()
    assert [cell.id for cell in nb.cells] == ["title", "setup", "kept"]
    assert nb.cells[1].source == generate.setup_source()


def test_a_notebook_gets_its_links(monkeypatch):
    monkeypatch.setattr(project, "address", lambda: "https://github.com/me/repo")
    first = filled().cells[0].source
    where = f"/me/repo/blob/v{project.version()}/notebooks/01_scale.ipynb"
    assert f"**[Open in Colab](https://colab.research.google.com/github{where})**" in first
    assert f"[Source](https://github.com{where})" in first
    assert "old" not in first


def test_a_notebook_gets_no_links_without_an_address(monkeypatch):
    monkeypatch.setattr(project, "address", lambda: "")
    assert filled().cells[0].source == TITLE.replace("old\n", "")


@pytest.fixture
def small_project(tmp_path, monkeypatch):
    """A project of one notebook in a temporary folder."""
    monkeypatch.setattr(project, "ROOT", tmp_path)
    monkeypatch.setattr(project, "NOTEBOOKS", tmp_path / "notebooks")
    monkeypatch.setattr(project, "README", tmp_path / "README.md")
    monkeypatch.setattr(project, "HUB", tmp_path / "hub.md")
    monkeypatch.setattr(project.notebooks, "__defaults__", (tmp_path / "notebooks",))
    (tmp_path / "notebooks").mkdir()
    nbfile.write(tmp_path / "notebooks" / "01_scale.ipynb", sample())
    marks = [f"<!-- {name} -->\n<!-- /{name} -->\n" for name in ("start", "notebooks", "counts")]
    project.README.write_text("".join(marks))
    project.HUB.write_text("<!-- links -->\n<!-- /links -->\n")
    return tmp_path


def test_check_names_what_is_out_of_date_until_it_is_written(small_project):
    with pytest.raises(SystemExit, match=r"01_scale\.ipynb, README\.md"):
        tool.main(["--check"])
    generate.write_all()
    tool.main(["--check"])


def test_generated_parts_are_written_and_nothing_is_executed(small_project):
    tool.main(["--generated"])
    tool.main(["--check"])
    cells = nbfile.read(small_project / "notebooks" / "01_scale.ipynb").cells
    assert [cell.get("execution_count") for cell in cells] == [None, None, 4]


def test_readme_lists_each_notebook_with_its_question_and_minutes(small_project):
    generate.write_all()
    rows = [line for line in project.README.read_text(encoding="utf-8").splitlines() if line.startswith("| [")]
    assert rows == ["| [01](notebooks/01_scale.ipynb) | What is a scale? | 20 |"]


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


def run_setup(folder, notebook=None, **environment):
    """Run the setup cell twice in one process, as a learner may, then say where quantlib is.

    notebook: where VS Code says that the notebook is.
    """
    known = {"__vsc_ipynb_file__": str(notebook)} if notebook else {}
    script = f"names = {known}\nfor _ in 1, 2:\n    exec({generate.setup_source()!r}, names)\n"
    script += "import quantlib\nprint(quantlib.__file__)"
    unset = ("QUANTLIB_REPOSITORY", "PYTHONPATH", "PYTHONSAFEPATH")
    clean = {name: value for name, value in os.environ.items() if name not in unset}
    command = [sys.executable, "-c", script]
    return subprocess.run(command, cwd=folder, env=clean | environment, capture_output=True, text=True, check=False)


def assert_found(run, package):
    assert (run.returncode, run.stderr) == (0, "")
    assert [Path(line).resolve() for line in run.stdout.splitlines()] == [(package / "__init__.py").resolve()]


def assert_says(run, folder, tried=""):
    """See that the cell stopped with its one sentence, and left nothing behind."""
    file = f"quantization_notebooks-{project.version()}-py3-none-any.whl"
    way = f"put {file} into {folder}, or open this notebook in its project"
    assert run.stderr.splitlines()[-1] == f"RuntimeError: quantlib was not found{tried}: {way}."
    assert run.stderr.count("Traceback") == 1
    assert [path.name for path in folder.glob("*quantization-*")] == []


def make_package(root):
    (root / "quantlib").mkdir(parents=True)
    for name in ("__init__.py", "affine.py"):
        (root / "quantlib" / name).touch()
    return root / "quantlib"


def make_wheel(path):
    """Write a wheel that holds a tiny quantlib."""
    path.parent.mkdir(exist_ok=True)
    with zipfile.ZipFile(path, "w") as file:
        for name in ("__init__.py", "affine.py"):
            file.writestr(f"quantlib/{name}", f"# {path.name}")
    return path


@pytest.fixture
def alone(tmp_path):
    """A folder without a project above it."""
    folder = tmp_path / "alone"
    folder.mkdir()
    return folder


@pytest.fixture
def temporary(tmp_path):
    """The environment's word for an empty folder in which temporary files lie."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    return {"TMPDIR": str(folder), "TEMP": str(folder)}


def unpacked(temporary):
    """The one quantlib that lies among the temporary files."""
    (package,) = Path(temporary["TMPDIR"]).glob("*/quantlib")
    return package


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


def test_setup_cell_is_short_and_filled_in():
    source = generate.setup_source()
    assert len([line for line in source.splitlines() if line]) <= 36
    assert f'"{project.address()}"' in source and f"--branch=v{project.version()}" in source
    assert "VERSION" not in source and "ADDRESS" not in source


def test_setup_cell_finds_the_folder_above(tmp_path):
    package = make_package(tmp_path)
    (tmp_path / "my_notebooks" / "deeper").mkdir(parents=True)
    assert_found(run_setup(tmp_path / "my_notebooks" / "deeper"), package)


def test_setup_cell_finds_the_folder_above_the_notebook_where_the_kernel_started_elsewhere(tmp_path, alone):
    package = make_package(tmp_path / "project")
    inside = tmp_path / "project" / "my_notebooks"
    inside.mkdir()
    assert_found(run_setup(alone, inside / "01.ipynb"), package)
    assert_found(run_setup(inside, alone / "01.ipynb"), package)


def test_setup_cell_uses_an_installed_quantlib(tmp_path, alone):
    package = make_package(tmp_path / "site")
    make_wheel(alone / "quantization_notebooks-0.1.0-py3-none-any.whl")
    assert_found(run_setup(alone, PYTHONPATH=str(tmp_path / "site")), package)


def test_setup_cell_unpacks_the_wheel_beside_the_notebook_and_installs_nothing(tmp_path, alone, temporary):
    wheel = make_wheel(alone / "quantization_notebooks-0.1.0-py3-none-any.whl")
    run = run_setup(alone, **temporary)
    assert_found(run, unpacked(temporary))
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    assert run_setup(elsewhere, alone / "01.ipynb", **temporary).returncode == 0
    assert list(alone.iterdir()) == [wheel] and list(elsewhere.iterdir()) == []


def test_setup_cell_takes_the_newest_of_several_wheels(alone, temporary):
    for age, name in enumerate(("9.9.9-py3-none-any", "0.1.0-py3-none-any (1)", "0.1.0-py3-none-any")):
        path = make_wheel(alone / f"quantization_notebooks-{name}.whl")
        os.utime(path, (1e9 - (age != 1), 1e9 - (age != 1)))
    assert run_setup(alone, **temporary).returncode == 0
    assert (unpacked(temporary) / "affine.py").read_text() == "# quantization_notebooks-0.1.0-py3-none-any (1).whl"


def test_setup_cell_says_what_to_upload_where_the_wheel_is_not_whole(alone):
    wheel = make_wheel(alone / "quantization_notebooks-0.1.0-py3-none-any.whl")
    wheel.write_bytes(wheel.read_bytes()[:-30])
    assert_says(run_setup(alone), alone)


def test_setup_cell_says_what_to_upload_where_no_address_is_known(alone, monkeypatch):
    monkeypatch.setattr(project, "address", lambda: "")
    run = run_setup(alone)
    assert_says(run, alone)
    assert "fatal" not in run.stderr  # git was not even started


def test_setup_cell_clones_the_release_once(alone, origin, tmp_path):
    package = alone / f"quantization-notebooks-v{project.version()}" / "quantlib"
    assert_found(run_setup(alone, QUANTLIB_REPOSITORY=origin), package)
    assert len(list(alone.iterdir())) == 1
    shutil.rmtree(tmp_path / "a bare_repository")
    assert_found(run_setup(alone, QUANTLIB_REPOSITORY=origin), package)


def test_setup_cell_clones_beside_the_notebook_where_the_kernel_started_elsewhere(alone, origin, tmp_path):
    package = alone / f"quantization-notebooks-v{project.version()}" / "quantlib"
    assert_found(run_setup(tmp_path, alone / "01.ipynb", QUANTLIB_REPOSITORY=origin), package)


def test_setup_cell_clones_again_where_an_earlier_clone_is_half_there(alone, origin):
    clone = alone / f"quantization-notebooks-v{project.version()}"
    (clone / ".git").mkdir(parents=True)
    (clone / "README.md").touch()
    assert_found(run_setup(alone, QUANTLIB_REPOSITORY=origin), clone / "quantlib")


def test_setup_cell_says_what_to_upload_where_the_clone_failed(alone):
    missing = f"file://{alone}/nothing"
    assert_says(run_setup(alone, QUANTLIB_REPOSITORY=missing), alone, f" and could not be cloned from {missing}")


@pytest.mark.skipif(os.name == "nt", reason="the stand-in for git is a script of the shell")
def test_setup_cell_leaves_nothing_of_a_clone_that_broke_off(alone, origin, tmp_path):
    git = tmp_path / "git"
    git.write_text(
        '#!/bin/sh\nfor last; do :; done\nmkdir -p "$last/quantlib"\ntouch "$last/quantlib/affine.py"\nexit 1\n'
    )
    git.chmod(0o755)
    run = run_setup(alone, QUANTLIB_REPOSITORY=origin, PATH=f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert_says(run, alone, f" and could not be cloned from {origin}")
    assert list(alone.iterdir()) == []


def test_setup_cell_says_what_to_upload_where_git_is_missing(alone, origin):
    run = run_setup(alone, QUANTLIB_REPOSITORY=origin, PATH=str(alone))
    assert_says(run, alone, f" and could not be cloned from {origin}")


def test_setup_cell_says_what_to_upload_where_the_folder_cannot_be_written(alone, origin):
    (alone / "file").touch()  # no folder, so that root cannot write into it either
    run = run_setup(alone, alone / "file" / "01.ipynb", QUANTLIB_REPOSITORY=origin)
    assert_says(run, alone / "file", f" and could not be cloned from {origin}")


# --- the wheel


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The project's wheel, alone in its folder."""
    return tool_wheel.build(tmp_path_factory.mktemp("wheel"))


def test_the_wheel_holds_every_file_of_quantlib_and_no_other(wheel):
    files = [path for path in (project.ROOT / "quantlib").rglob("*") if path.is_file() and path.suffix != ".pyc"]
    names = [name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name]
    assert sorted(names) == sorted(path.relative_to(project.ROOT).as_posix() for path in files)


def test_every_import_of_every_notebook_and_its_data_come_from_the_wheel(wheel, temporary):
    cells = [
        cell.source for path in project.notebooks() for cell in nbfile.read(path).cells if cell.cell_type == "code"
    ]
    nodes = [
        node for source in cells for node in ast.parse(source).body if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    lines = dict.fromkeys(map(ast.unparse, nodes))
    assert "from quantlib.lessons import clamping as lab" in lines
    script = "\n".join(
        [generate.setup_source(), *lines, "load_weight('query'), load_silero(), print(quantlib.__file__)"]
    )
    command = [sys.executable, "-c", script]
    run = subprocess.run(command, cwd=wheel.parent, env=os.environ | temporary, capture_output=True, text=True)
    assert (run.stdout, run.stderr) == (f"{unpacked(temporary) / '__init__.py'}\n", "")


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


# --- make lab where the project cannot be written to


@pytest.fixture
def places(tmp_path, monkeypatch):
    """The two folders in which copies may lie."""
    found = tmp_path / "project" / "my_notebooks", tmp_path / "home" / "quantization-notebooks"
    for name, folder in zip(("COPIES", "AT_HOME"), found, strict=True):
        folder.parent.mkdir()
        monkeypatch.setattr(copies, name, folder)
    return found


def make_unwritable(folder):
    folder.touch()  # no folder any more, so that root cannot write into it either


def test_copies_are_made_in_the_project(places):
    assert copies.place() == places[0]
    assert list(places[0].iterdir()) == [] and not places[1].exists()


def test_copies_are_made_at_home_where_the_project_cannot_be_written_to(places):
    make_unwritable(places[0])
    assert copies.place() == places[1]


def test_copies_are_made_at_home_where_an_earlier_folder_cannot_be_written_to(places, monkeypatch):
    def refuse(dir):
        if dir == places[0]:
            raise PermissionError

        return open(dir / "tried", "w")

    monkeypatch.setattr(copies.tempfile, "TemporaryFile", refuse)
    assert copies.place() == places[1]


def test_lab_says_what_to_do_where_nothing_can_be_written(places):
    for folder in places:
        make_unwritable(folder)
    with pytest.raises(SystemExit, match=r"Neither .* can be written to: copy the project to a folder of your own"):
        copies.place()


@pytest.fixture
def started(monkeypatch):
    """The options with which JupyterLab was started, for kernels that note nothing so far."""
    options = []
    monkeypatch.setenv("QUANTLIB_PROGRESS", "none")
    monkeypatch.delenv("QUANTLIB_PROGRESS")
    monkeypatch.setattr(lab.LabApp, "launch_instance", options.append)
    return options


def test_lab_says_where_the_copies_are_and_their_kernels_find_quantlib(places, monkeypatch, capsys, started):
    make_unwritable(places[0])
    monkeypatch.setenv("PYTHONPATH", "mine")
    lab.main(["--no-browser"])
    assert capsys.readouterr().out == f"{project.ROOT} cannot be written to. Your notebooks are in {places[1]}.\n"
    assert (places[1] / "00_start_here.ipynb").exists()
    assert {f"--ServerApp.root_dir={places[1]}", "--no-browser"} <= set(started[0])
    assert_found(run_setup(places[1], PYTHONPATH=os.environ["PYTHONPATH"]), project.ROOT / "quantlib")


def test_kernels_note_progress_beside_the_copies(places, started):
    lab.main([])
    assert os.environ["QUANTLIB_PROGRESS"] == str(places[0] / "progress.jsonl")
    assert started and not (places[0] / "progress.jsonl").exists()


def test_a_file_that_the_learner_named_for_progress_stays(places, started, monkeypatch):
    monkeypatch.setenv("QUANTLIB_PROGRESS", "mine.jsonl")
    lab.main([])
    assert os.environ["QUANTLIB_PROGRESS"] == "mine.jsonl"


def change_source(path):
    nb = nbfile.read(path)
    nb.cells[1].source = "print(7)"
    nbfile.write(path, nb)
