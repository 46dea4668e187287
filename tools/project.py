"""Where things are: the root, the address, the version, the notebooks."""

import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PYPROJECT = ROOT / "pyproject.toml"
README = ROOT / "README.md"
NOTEBOOKS = ROOT / "notebooks"


def _project() -> dict:
    return tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]


def address() -> str:
    """The repository's address, which is written in pyproject.toml and nowhere else by hand."""
    return _project()["urls"]["Repository"]


def version() -> str:
    return _project()["version"]


def notebooks(folder: Path = NOTEBOOKS) -> list[Path]:
    """Every notebook in the folder and below it, in the order of the names."""
    return sorted(path for path in folder.rglob("*.ipynb") if ".ipynb_checkpoints" not in path.parts)
