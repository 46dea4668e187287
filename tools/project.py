"""Where things are: the root, the address, the version, the notebooks."""

import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PYPROJECT = ROOT / "pyproject.toml"
README = ROOT / "README.md"
HUB = ROOT / "docs" / "hub.md"
NOTEBOOKS = ROOT / "notebooks"


def _project() -> dict[str, Any]:
    return tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]


def address() -> str:
    """The repository's address, or "" until `make address` sets it in pyproject.toml, where alone it stands by hand."""
    address: str = _project()["urls"]["Repository"]
    return "" if "OWNER_NOT_SET" in address else address


def version() -> str:
    version: str = _project()["version"]
    return version


def notebooks(folder: Path = NOTEBOOKS) -> list[Path]:
    """Every lesson in the folder and below it, in the order of the names; problem sets are none."""
    parts = {".ipynb_checkpoints", "assignments"}
    return sorted(p for p in folder.rglob("*.ipynb") if parts.isdisjoint(p.relative_to(folder).parts))


def lesson_of(notebook: Path) -> str:
    """The name of the lesson in quantlib.lessons: that of the notebook without its number."""
    return notebook.stem.lstrip("0123456789_")


def releases(folder: Path = NOTEBOOKS) -> list[Path]:
    """Every problem set as students get it, without solutions."""
    return sorted((folder / "assignments" / "release").glob("*/*.ipynb"))
