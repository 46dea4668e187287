"""What contributors run: every command of the workflow exists, and every package that is needed is pinned."""

import ast
import re
import shutil
import subprocess
import sys

import pytest
import yaml

from tools import project

MAKEFILE = (project.ROOT / "Makefile").read_text(encoding="utf-8")
TARGETS = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))
WORKFLOW = project.ROOT / ".github" / "workflows" / "test.yml"
PUBLISHING = WORKFLOW.with_name("book.yml")
HOOKS = project.ROOT / ".pre-commit-config.yaml"
CI = project.ROOT / ".ci" / "run"


@pytest.mark.parametrize("path", [WORKFLOW, PUBLISHING, HOOKS, CI], ids=lambda path: path.name)
def test_every_make_target_that_is_run_exists(path):
    text = path.read_text(encoding="utf-8")
    named = re.findall(r"(?:run: |entry: |^)make ([a-z][a-z -]*?)(?=$| #)", text, re.MULTILINE)
    assert named and {target for targets in named for target in targets.split()} <= TARGETS


@pytest.mark.skipif(shutil.which("make") is None, reason="no make found: its list of commands was not looked at")
def test_every_target_is_listed_by_make_alone():
    shown = subprocess.run(["make"], cwd=project.ROOT, capture_output=True, text=True, check=True).stdout
    assert set(re.findall(r"^make ([a-z-]+)", shown, re.MULTILINE)) == TARGETS


# --- requirements

ROOMS = ("quantlib", "course", "tools", "tests", "benchmarks", "docs")
FOR_LAB = ("tools/lab.py", "tools/copies.py", "tools/nbfile.py", "tools/project.py")  # beside quantlib
COMES_WITH = {"yaml": "pyyaml", "bs4": "beautifulsoup4", "xdist": "pytest-xdist", "_pytest": "pytest"}
COMES_WITH |= {"PIL": "pillow", "traitlets": "ipywidgets"}


def pinned(name):
    """The packages of a file of requirements and of those that it stands on."""
    lines = (project.ROOT / name).read_text(encoding="utf-8").splitlines()
    above = set().union(*(pinned(line.removeprefix("-r ")) for line in lines if line.startswith("-r ")))
    return above | {line.partition("==")[0] for line in lines if "==" in line}


def imported(paths):
    """What must be installed for what the files import."""
    trees = [node for path in paths for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))]
    names = [alias.name for node in trees if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module for node in trees if isinstance(node, ast.ImportFrom) and not node.level]
    tops = {name.partition(".")[0] for name in names} - sys.stdlib_module_names - set(ROOMS)
    return {COMES_WITH.get(top, top).lower() for top in tops}


def test_a_learner_installs_what_lab_imports_and_nothing_that_only_others_need():
    needed = imported([*(project.ROOT / "quantlib").rglob("*.py"), *(project.ROOT / name for name in FOR_LAB)])
    assert pinned("requirements.txt") == needed | {"ipykernel"}  # which runs the notebooks


def test_all_that_is_imported_anywhere_is_pinned():
    needed = imported([path for room in ROOMS for path in (project.ROOT / room).rglob("*.py")])
    assert needed <= pinned("requirements-dev.txt")


def test_the_workflow_runs_the_tests_on_every_system_and_python_that_is_promised():
    matrix = yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))["jobs"]["test"]["strategy"]["matrix"]
    assert matrix == {"os": ["ubuntu", "macos", "windows"], "python": ["3.11", "3.12", "3.13"]}
