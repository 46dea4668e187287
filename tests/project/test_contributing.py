"""What contributors run: every command that pages and workflow name exists, and every file they name is there."""

import re
import shutil
import subprocess

import pytest
import yaml

from tools import project

MAKEFILE = (project.ROOT / "Makefile").read_text(encoding="utf-8")
TARGETS = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))
WORKFLOW = project.ROOT / ".github" / "workflows" / "test.yml"
HOOKS = project.ROOT / ".pre-commit-config.yaml"
PAGES = [
    *project.ROOT.glob("*.md"),
    *(project.ROOT / "docs").glob("*.md"),
    WORKFLOW,
    HOOKS,
    project.ROOT / ".ci" / "run",
]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_make_target_that_is_named_exists(page):
    text = page.read_text(encoding="utf-8")
    named = re.findall(r"(?:`|run: |entry: |^)make ([a-z][a-z -]*?)(?=`|$| [A-Z#])", text, re.MULTILINE)
    assert {target for targets in named for target in targets.split()} <= TARGETS


@pytest.mark.parametrize("page", [page for page in PAGES if page.suffix == ".md"], ids=lambda page: page.name)
def test_every_file_that_is_linked_is_there(page):
    for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), target


@pytest.mark.skipif(shutil.which("make") is None, reason="no make found: its list of commands was not looked at")
def test_every_target_is_listed_by_make_alone():
    shown = subprocess.run(["make"], cwd=project.ROOT, capture_output=True, text=True, check=True).stdout
    assert set(re.findall(r"^make ([a-z-]+)", shown, re.MULTILINE)) == TARGETS


def test_the_workflow_runs_the_tests_on_every_system_and_python_that_is_promised():
    matrix = yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))["jobs"]["test"]["strategy"]["matrix"]
    assert matrix == {"os": ["ubuntu", "macos", "windows"], "python": ["3.11", "3.12", "3.13"]}
