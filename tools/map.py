"""Writes docs/map.md: for each notebook its lesson, and what is in it.

python -m tools.map             writes the page
python -m tools.map --check     says whether it is up to date
"""

import inspect
import re
import sys
from importlib import import_module

from tools import project

PAGE = project.ROOT / "docs" / "map.md"
HEAD = """# Map

Where everything of a notebook is. Written by `python -m tools.map`; do not edit it.

| Notebook | Lesson | Exercises | Explorers | Tests |
|---|---|---|---|---|
"""


def page() -> str:
    """Return the text of the map."""
    return HEAD + "".join(f"| {' | '.join(row(path.stem))} |\n" for path in project.notebooks())


def row(notebook: str) -> list[str]:
    """Return the cells of one notebook's row."""
    name = re.sub(r"^\d+_", "", notebook)
    lesson = import_module(f"quantlib.lessons.{name}")
    exercises = [function.removeprefix("check_") for function in vars(lesson) if function.startswith("check_")]
    explorers = [_linked(made) for function, made in vars(lesson).items() if function.startswith("explore_")]
    return [
        f"[{notebook}](../notebooks/{notebook}.ipynb)",
        f"[lessons/{name}](../quantlib/lessons/{name})",
        ", ".join(f"`{exercise}`" for exercise in sorted(exercises)),
        ", ".join(explorers),
        f"[test_{name}](../tests/lessons/test_{name}.py)",
    ]


def _linked(made: object) -> str:
    """Return an explorer's name, with a link to the module that it stands in."""
    function = inspect.unwrap(made)  # type: ignore[arg-type]
    return f"[`{function.__name__}`](../{function.__module__.replace('.', '/')}.py)"


def main(arguments: list[str]) -> int:
    """Write the page, or say whether it is up to date; return the exit status."""
    if "--check" in arguments:
        current = PAGE.exists() and PAGE.read_text(encoding="utf-8") == page()
        print("" if current else "docs/map.md is out of date: python -m tools.map")
        return int(not current)
    PAGE.write_text(page(), encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
