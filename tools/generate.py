"""The parts that are written by a script: setup cells, links, and the README's table and clone command.

All of them contain the repository's address, the version, or what a notebook says about itself.
"""

import re
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from tools import nbfile, project

_TITLE = re.compile(r"^# (?P<name>\d\d|[A-Z][a-z ]+) · (?P<question>.+)$", re.MULTILINE)
_MINUTES = re.compile(r"\*\*(\d+) minutes\*\*")
FOLDED = {"jupyter": {"source_hidden": True}, "cellView": "form"}  # JupyterLab's word and Colab's
_TEMPLATE = Path(__file__).with_name("setup_cell.py")


def setup_source() -> str:
    """Give the setup cell, the same in every notebook."""
    template = _TEMPLATE.read_text(encoding="utf-8").strip()
    return template.replace('"ADDRESS"', f'"{project.address()}"').replace("VERSION", project.version())


def fill(text: str, name: str, content: str) -> str:
    """Replace what stands between <!-- name --> and <!-- /name -->."""
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    if text.count(begin) != 1 or text.count(end) != 1:
        raise ValueError(f"the text needs {begin} and {end} once each, got {text[:60]!r}")
    before, rest = text.split(begin)
    return f"{before}{begin}\n{content}\n{end}{rest.split(end)[1]}"


def source_link(path: Path) -> str:
    inside = path.relative_to(project.ROOT).as_posix()
    return f"{project.address()}/blob/v{project.version()}/{inside}"


def colab_link(path: Path) -> str:
    return source_link(path).replace("https://github.com", "https://colab.research.google.com/github", 1)


def links(path: Path) -> str:
    return f"**[Open in Colab]({colab_link(path)})** · [Source]({source_link(path)})"


def fill_notebook(nb: NotebookNode, path: Path) -> NotebookNode:
    """Write, in place, the links of a notebook's first cell and its setup cell."""
    first = nb.cells[0]
    if first.cell_type != "markdown":
        raise ValueError(f"the first cell of {path.name} must be the markdown cell with the title")
    first.source = fill(first.source, "links", links(path))
    setup = _setup_cell(nb)
    setup.source, setup.metadata = setup_source(), nbformat.from_dict({"tags": ["setup"]} | FOLDED)
    for cell in nb.cells:
        if cell.cell_type == "code" and cell.source.startswith("predict("):
            cell.metadata.update(nbformat.from_dict(FOLDED))  # the code holds the answer
    return nb


def _setup_cell(nb: NotebookNode) -> NotebookNode:
    cells = [cell for cell in nb.cells if cell.cell_type == "code" and "setup" in cell.metadata.get("tags", [])]
    if not cells:
        cells = [new_code_cell(id="setup", metadata={"tags": ["setup"]})]
        nb.cells.insert(1, cells[0])
    return cells[0]


def row(path: Path) -> str:
    """Give a notebook's row in the README's table."""
    text = nbfile.read(path).cells[0].source
    title, minutes = _TITLE.search(text), _MINUTES.search(text)
    if title is None or minutes is None:
        raise ValueError(f"the first cell of {path.name} needs '# 01 · Question?' and '**20 minutes**'")
    inside = path.relative_to(project.ROOT).as_posix()
    name, question = title["name"], title["question"]
    return f"| [{name}]({inside}) | {question} | {minutes[1]} | [Open {name} in Colab]({colab_link(path)}) |"


def table() -> str:
    """Give the README's table: the notebooks, but for those in sub-folders."""
    paths = [path for path in project.notebooks() if path.parent == project.NOTEBOOKS]
    head = ["", "| Notebook | The question it answers | Minutes | Colab |", "|---|---|---|---|"]
    return "\n".join([*head, *map(row, paths), ""])


def fill_readme(text: str) -> str:
    clone = f"\n```sh\ngit clone {project.address()} quantization-notebooks\ncd quantization-notebooks\nmake lab\n```\n"
    return fill(fill(text, "notebooks", table()), "clone", clone)


def write_all() -> None:
    """Write every generated part, executing nothing."""
    for path in project.notebooks():
        nbfile.write(path, fill_notebook(nbfile.read(path), path))
    write_readme()


def write_readme() -> None:
    text = project.README.read_text(encoding="utf-8")
    project.README.write_text(fill_readme(text), encoding="utf-8", newline="\n")


def stale() -> list[Path]:
    """Name the files that `make notebooks` would change before it executes anything."""
    texts = {path: nbfile.dump(fill_notebook(nbfile.read(path), path)) for path in project.notebooks()}
    texts[project.README] = fill_readme(project.README.read_text(encoding="utf-8"))
    return [path for path, text in texts.items() if path.read_bytes() != text.encode()]
