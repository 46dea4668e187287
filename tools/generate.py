"""The parts that are written by a script: setup cells, links, and the README's commands, tables and counts.

They hold the repository's address, the version, what a notebook says about itself, and what can be counted. As long as
the address is not set, there is no link and no command that needs it.
"""

import re
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlencode

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from quantlib.lessons import all_exercises
from tools import nbfile, project

PARTS = {  # by the first notebook of each
    "00": "Part I: The ruler",
    "05": "Part II: Choosing the ruler",
    "09": "Part III: Numbers that hardware runs",
    "12": "Part IV: Real networks",
    "bug_museum": "At any time",
}
HIDDEN = ("lab.predict(", "with lab.proof(")  # the beginnings of cells whose code holds an answer
FOLDED = {"jupyter": {"source_hidden": True}, "cellView": "form"}  # JupyterLab's word and Colab's
_TITLE = re.compile(r"^# (?P<name>\d\d|[A-Z][a-z ]+) · (?P<question>.+)$", re.MULTILINE)
_MINUTES = re.compile(r"\*\*(\d+) minutes\*\*")
_TEMPLATE = Path(__file__).with_name("setup_cell.py")


def fill(text: str, name: str, content: str) -> str:
    """Replace what stands between <!-- name --> and <!-- /name -->."""
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    if text.count(begin) != 1 or text.count(end) != 1:
        raise ValueError(f"the text needs {begin} and {end} once each, got {text[:60]!r}")
    before, rest = text.split(begin)
    lines = f"{content}\n" if content else ""
    return f"{before}{begin}\n{lines}{end}{rest.split(end)[1]}"


# --- notebooks


def setup_source() -> str:
    """Give the setup cell, the same in every notebook."""
    template = _TEMPLATE.read_text(encoding="utf-8").strip()
    return template.replace('"ADDRESS"', f'"{project.address()}"').replace("VERSION", project.version())


def source_link(path: Path) -> str:
    inside = path.relative_to(project.ROOT).as_posix()
    return f"{project.address()}/blob/v{project.version()}/{inside}"


def colab_link(path: Path) -> str:
    return source_link(path).replace("https://github.com", "https://colab.research.google.com/github", 1)


def links(path: Path) -> str:
    """Give the line under a notebook's title, "" as long as it would lead nowhere."""
    return f"**[Open in Colab]({colab_link(path)})** · [Source]({source_link(path)})" if project.address() else ""


def fill_notebook(nb: NotebookNode, path: Path) -> NotebookNode:
    """Write, in place, the links of a notebook's first cell and its setup cell."""
    first = nb.cells[0]
    if first.cell_type != "markdown":
        raise ValueError(f"the first cell of {path.name} must be the markdown cell with the title")
    first.source = fill(first.source, "links", links(path))
    setup = _setup_cell(nb)
    setup.source, setup.metadata = setup_source(), nbformat.from_dict({"tags": ["setup"]} | FOLDED)
    for cell in nb.cells:
        if cell.cell_type == "code" and cell.source.startswith(HIDDEN):
            cell.metadata.update(nbformat.from_dict(FOLDED))
    return nb


def _setup_cell(nb: NotebookNode) -> NotebookNode:
    cells = [cell for cell in nb.cells if cell.cell_type == "code" and "setup" in cell.metadata.get("tags", [])]
    if not cells:
        cells = [new_code_cell(id="setup", metadata={"tags": ["setup"]})]
        nb.cells.insert(1, cells[0])
    return cells[0]


# --- README


class About(NamedTuple):
    """What a notebook says about itself."""

    path: Path
    name: str
    question: str
    minutes: int


def about(path: Path) -> About:
    text = nbfile.read(path).cells[0].source
    title, minutes = _TITLE.search(text), _MINUTES.search(text)
    if title is None or minutes is None:
        raise ValueError(f"the first cell of {path.name} needs '# 01 · Question?' and '**20 minutes**'")
    return About(path, title["name"], title["question"], int(minutes[1]))


def row(notebook: About) -> str:
    """Give a notebook's row in the README's table."""
    inside = notebook.path.relative_to(project.ROOT).as_posix()
    cells = [f"[{notebook.name}]({inside})", notebook.question, str(notebook.minutes)]
    if project.address():
        cells.append(f"[Open {notebook.name} in Colab]({colab_link(notebook.path)})")
    return f"| {' | '.join(cells)} |"


def part_of(notebook: About) -> str:
    """Give the Part of a notebook by the first notebook of the Part."""
    return max(first for first in PARTS if first <= notebook.path.stem)


def tables() -> Iterator[str]:
    """Give the lines of the README's tables: a table for each Part, without the notebooks in sub-folders."""
    notebooks = [about(path) for path in project.notebooks() if path.parent == project.NOTEBOOKS]
    head = ["Notebook", "The question it answers", "Minutes"] + ["Colab"] * bool(project.address())
    for first, group in groupby(notebooks, part_of):
        part = list(group)
        yield f"\n### {PARTS[first]} ({sum(notebook.minutes for notebook in part)} minutes)\n"
        yield f"| {' | '.join(head)} |\n{'|---' * len(head)}|"
        yield from map(row, part)
    yield ""


def start() -> str:
    """Give the README's first command."""
    if not project.address():
        return "\nYou have the files. Open a terminal in this folder and type\n\n```sh\nmake lab\n```\n"
    clone = f"git clone {project.address()} quantization-notebooks\ncd quantization-notebooks"
    return f"\nOpen a terminal and type\n\n```sh\n{clone}\nmake lab\n```\n"


def counts() -> str:
    """Give the README's sentence about what checks know."""
    exercises = all_exercises().values()
    known = [mistake for exercise in exercises for mistake in exercise.known]
    names = {mistake.name for mistake in known}
    tried = f"{len(exercises)} exercises try your function on edge cases and random tensors."
    return f"\n{tried} They recognise {len(known)} wrong ones, under {len(names)} names.\n"


def fill_readme(text: str) -> str:
    for name, content in (("start", start()), ("notebooks", "\n".join(tables())), ("counts", counts())):
        text = fill(text, name, content)
    return text


# --- a hub


def hub_links() -> str:
    """Give the links that bring the notebooks to a hub, "" as long as the address is not set.

    A hub fetches a branch: nbgitpuller cannot fetch a tag a second time.
    """
    if not project.address():
        return ""
    name, folder = project.address().removeprefix("https://github.com/"), project.address().rpartition("/")[2]
    first = "notebooks/00_start_here.ipynb"
    fetched = urlencode({"repo": project.address(), "branch": "main", "urlpath": f"lab/tree/{folder}/{first}"})
    binder = f"https://mybinder.org/v2/gh/{name}/v{project.version()}?{urlencode({'urlpath': f'lab/tree/{first}'})}"
    return f"\n```\nhttps://YOUR.HUB/hub/user-redirect/git-pull?{fetched}\n```\n\n[Try it on mybinder.org]({binder})\n"


# --- files


def write_all() -> None:
    """Write every generated part, executing nothing."""
    for path in project.notebooks():
        nbfile.write(path, fill_notebook(nbfile.read(path), path))
    write_readme()
    project.HUB.write_text(filled_hub(), encoding="utf-8", newline="\n")


def write_readme() -> None:
    text = project.README.read_text(encoding="utf-8")
    project.README.write_text(fill_readme(text), encoding="utf-8", newline="\n")


def filled_hub() -> str:
    return fill(project.HUB.read_text(encoding="utf-8"), "links", hub_links())


def stale() -> list[Path]:
    """Name the files that `make notebooks` would change before it executes anything."""
    texts = {path: nbfile.dump(fill_notebook(nbfile.read(path), path)) for path in project.notebooks()}
    texts[project.README] = fill_readme(project.README.read_text(encoding="utf-8"))
    texts[project.HUB] = filled_hub()
    return [path for path, text in texts.items() if path.read_bytes() != text.encode()]
