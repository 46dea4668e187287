"""The seed of a course: `make assignments` remembers it beside the notebooks, in a file that git does not keep."""

from pathlib import Path

from ..intake.errors import CourseError
from .catalogue import PUBLIC_SEED

ASSIGNMENTS = Path(__file__).parents[2] / "notebooks" / "assignments"
_FILE = ".seed"


def remember(seed: str, folder: Path = ASSIGNMENTS) -> None:
    (folder / _FILE).write_text(f"{seed}\n", encoding="utf-8")


def remembered(folder: Path = ASSIGNMENTS) -> str:
    """Return the seed that the notebooks of a folder were made with; the public one if nothing else is known.

    Raises:
        CourseError: if the file is empty, or is no text.
    """
    path = folder / _FILE
    if not path.exists():
        return str(PUBLIC_SEED)
    try:
        text = path.read_text(encoding="utf-8").removesuffix("\n")
    except UnicodeDecodeError:
        text = ""
    if not text.strip():
        raise CourseError(f"{path} holds no seed: write it there, or run make assignments SEED=...")
    return text
