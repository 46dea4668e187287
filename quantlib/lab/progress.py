"""What a learner has done: told to those who want to know, and kept in a file where one is named. Nothing is sent.

`make lab` names the file, beside the learner's copies, in QUANTLIB_PROGRESS. Elsewhere `keep` names one.
"""

import json
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Literal

Deed = Literal["predicted", "right"]

followers: list[Callable[[Deed], None]] = []  # called after every deed
_file = os.getenv("QUANTLIB_PROGRESS", "")


def keep(path: str | Path) -> None:
    """Keep from now on what is done, in this file; what it holds already stays."""
    global _file
    _file = str(path)


def note(deed: Deed, what: str) -> None:
    """Note that a question was predicted, or that a check called a function right.

    Args:
        deed: which of the two.
        what: the question, or the exercise's name.
    """
    if _file:
        # Jupyter names the notebook of a kernel; each line is whole, whichever kernel writes it.
        line = {"notebook": Path(os.getenv("JPY_SESSION_NAME", "")).stem, "deed": deed, "what": what}
        with suppress(OSError), open(_file, "a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
    for follower in followers:
        follower(deed)


def done() -> list[dict[str, str]]:
    """Return every different deed that is kept, the oldest first. A line that cannot be read is left out."""
    deeds: dict[tuple[str, ...], dict[str, str]] = {}
    with suppress(OSError, UnicodeDecodeError):
        for text in Path(_file or os.devnull).read_text(encoding="utf-8").splitlines():
            with suppress(ValueError, TypeError, KeyError):
                line = json.loads(text)
                deeds.setdefault((line["notebook"], line["deed"], line["what"]), line)
    return list(deeds.values())
