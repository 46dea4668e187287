"""The learner's working copies: the notebooks without their outputs, never overwritten."""

import hashlib
import platform
import tempfile
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from tools import nbfile, project

COPIES = project.ROOT / "my_notebooks"
AT_HOME = Path.home() / "quantization-notebooks"  # where the project lies in a folder that cannot be written to
SOURCE = "quantlib_source"  # in a copy's metadata: the sha256 of the cleared notebook that it was made from


def place() -> Path:
    """Make the folder of the copies: in the project, or else in the learner's home."""
    for folder in (COPIES, AT_HOME):
        try:
            folder.mkdir(exist_ok=True)
            tempfile.TemporaryFile(dir=folder).close()
        except OSError:
            continue
        return folder
    raise SystemExit(f"Neither {COPIES} nor {AT_HOME} can be written to: copy the project to a folder of your own.")


def cleared(nb: NotebookNode) -> NotebookNode:
    """Remove, in place, every output and execution count."""
    for cell in nb.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return nb


def working_copy(path: Path) -> NotebookNode:
    """Give the cleared notebook, marked with the hash of its text. Outputs do not count, cells do."""
    nb = cleared(nbfile.read(path))
    nb.metadata[SOURCE] = hashlib.sha256(nbfile.dump(nb).encode()).hexdigest()
    # JupyterLab adds Python's version to a notebook that it opens, and would then call it unsaved.
    nb.metadata.setdefault("language_info", {"name": "python"})["version"] = platform.python_version()
    return nb


def prepare(notebooks: Path = project.NOTEBOOKS, copies: Path = COPIES) -> list[str]:
    """Make the copies that are missing; give one sentence for each copy that has a newer source."""
    copies.mkdir(exist_ok=True)
    lessons = [(path, copies / path.relative_to(notebooks)) for path in project.notebooks(notebooks)]
    problem_sets = [(path, copies / "assignments" / path.name) for path in project.releases(notebooks)]
    sentences = [_prepare_one(path, copy) for path, copy in lessons + problem_sets]
    return [sentence for sentence in sentences if sentence]


def _prepare_one(path: Path, copy: Path) -> str:
    nb = working_copy(path)
    if not copy.exists():
        copy.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(nb, copy)
    elif _source_of(copy) not in (None, nb.metadata[SOURCE]):
        name = f"{copy.parent.name}/{copy.name}"
        return f"{name} has a newer version: to get it, rename or delete your copy and run make lab again."
    return ""


def _source_of(copy: Path) -> str | None:
    try:
        return nbfile.read(copy).metadata.get(SOURCE)
    except (ValueError, KeyError):  # not a notebook any more: it is the learner's file, leave it alone
        return None
