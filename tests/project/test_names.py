"""What pages, docstrings and comments name is there: modules, files, make targets, links."""

import ast
import re
import tokenize
from functools import cache
from importlib import import_module

import pytest

from tools import project

ROOMS = ("quantlib", "course", "tools", "tests", "benchmarks", "notebooks", "docs")
PAGES = [*project.ROOT.glob("*.md"), *project.ROOT.glob("docs/*.md"), *project.ROOT.glob("quantlib/**/*.md")]
OTHERS = ("Makefile", "pyproject.toml", ".ci/run", ".pre-commit-config.yaml")
WORKFLOWS = project.ROOT.glob(".github/workflows/*.yml")
TEXTS = [*PAGES, *(project.ROOT / name for name in OTHERS), *WORKFLOWS, *project.ROOT.glob("requirements*.txt")]
CODE = [path for room in ROOMS for path in (project.ROOT / room).rglob("*.py")]
TARGETS = set(re.findall(r"^([a-z-]+):", (project.ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))

MODULE = re.compile(rf"(?<![\w./-])(?:{'|'.join(ROOMS)})(?:\.[A-Za-z_]\w*)+(?![\w/])")
IN_ROOM = re.compile(rf"(?<![\w./-])(?:{'|'.join(ROOMS)})/[\w./-]*[\w/]")
PYTHON = re.compile(r"(?<![\w./*{{-])[\w/-]+\.py(?!\w)")
MAKE = re.compile(r"(?:`|^)make ([a-z][a-z -]*?)(?=`|$| [A-Z])", re.MULTILINE)
LINK = re.compile(r"\]\(([^)#]+?)(?:#[^)]*)?\)")

# What other projects have, or what a program makes.
ELSEWHERE = ("nbgrader_config.py", "pytorch_quantization/calib/histogram.py", "mse_analysis.py", "__mutmut_3")


def said(path):
    """The docstrings and comments of a module, or the whole text of another file."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        return text
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docstrings = [ast.get_docstring(node) or "" for node in ast.walk(ast.parse(text)) if isinstance(node, documented)]
    with path.open("rb") as file:
        comments = [token.string for token in tokenize.tokenize(file.readline) if token.type == tokenize.COMMENT]
    return "\n".join(docstrings + comments)


@cache
def files():
    """The paths of all Python files of the project, from its root."""
    return [f"/{path.relative_to(project.ROOT).as_posix()}" for path in CODE]


def is_module(name):
    """Whether a dotted name is a module of the project, or something in one."""
    parts = name.split(".")
    inside = 0
    while inside < len(parts) and _is_file(parts[: inside + 1]):
        inside += 1
    found = import_module(".".join(parts[:inside])) if inside < len(parts) else None
    return all(found := getattr(found, part, None) for part in parts[inside:])


def _is_file(parts):
    path = project.ROOT.joinpath(*parts)
    return path.is_dir() or path.with_suffix(".py").exists()


def missing(text):
    """What a text names that is not there; NAME stands for any name."""
    gone = [name for name in MODULE.findall(text) if not is_module(name)]
    gone += [name for name in IN_ROOM.findall(text) if not (project.ROOT / name).exists()]
    gone += [name for name in PYTHON.findall(text) if not any(file.endswith(f"/{name}") for file in files())]
    gone += [f"make {name}" for names in MAKE.findall(text) for name in names.split() if name not in TARGETS]
    return [name for name in gone if "NAME" not in name and not name.endswith(ELSEWHERE)]


@pytest.mark.parametrize("path", [*TEXTS, *CODE], ids=lambda path: path.relative_to(project.ROOT).as_posix())
def test_what_is_named_is_there(path):
    assert missing(said(path)) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(project.ROOT).as_posix())
def test_every_file_that_is_linked_is_there(page):
    targets = LINK.findall(page.read_text(encoding="utf-8"))
    assert [target for target in targets if "://" not in target and not (page.parent / target).exists()] == []


@pytest.mark.parametrize(
    ("text", "gone"),
    [
        ("`quantlib.affine`, `quantlib.affine.quantize`, quantlib.lab.explore", []),
        (
            "`quantlib.misconceptions` and `quantlib.affine.quantise`",
            ["quantlib.misconceptions", "quantlib.affine.quantise"],
        ),
        ("python -m course.grade, python -m course.sheets", ["course.sheets"]),
        ("tests/maths/test_oracle.py, `tests/test_oracle.py`", ["tests/test_oracle.py", "tests/test_oracle.py"]),
        ("`course/box/` or `course/sandbox/`", ["course/sandbox/"]),
        ("see `walls.py`, not `sandbox.py`", ["sandbox.py"]),
        ("box/walls.py, lab/walls.py", ["lab/walls.py"]),
        ("`make test`, `make test-colab`, `make tests`, make it so", ["make tests"]),
        ("lessons/NAME/ holds tools.NAME", []),
    ],
)
def test_what_is_not_there_is_seen(text, gone):
    assert missing(text) == gone
