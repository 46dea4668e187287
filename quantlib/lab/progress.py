"""What a learner has done: told to those who want to know, and kept in a file where one is named. Nothing is sent.

`make lab` names the file, beside the learner's copies, in QUANTLIB_PROGRESS. Elsewhere `keep_progress` names one.
"""

import json
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Literal

from ..errors import QuantlibError

Deed = Literal["predicted", "right"]
Key = tuple[str, str, str]  # the notebook, the deed, and what: the question, or the exercise's name

followers: list[Callable[[Deed], None]] = []  # called after every deed
_file = os.getenv("QUANTLIB_PROGRESS", "")
_here: dict[Key, None] = {}  # what was done in this kernel, the oldest first


def keep_progress(path: str | Path) -> None:
    """Keep in this file what was done in this kernel, and all that will be; what the file holds already stays.

    Raises:
        QuantlibError: if the file cannot be written to.
    """
    global _file
    name = str(Path(path).expanduser().absolute())
    if not can_be_written(name):
        raise QuantlibError("progress needs a file that can be written to", repr(str(path)), "name another one")
    _file = name
    for key in _here:
        _write(key)


def note(deed: Deed, what: str) -> None:
    """Note that a question was predicted, or that a check called a function right.

    Args:
        deed: which of the two.
        what: the question, or the exercise's name.
    """
    key = Path(os.getenv("JPY_SESSION_NAME", "")).stem, deed, what  # Jupyter names the notebook of a kernel
    _here[key] = None
    if _file:
        _write(key)
    for follower in followers:
        follower(deed)


def _write(key: Key) -> None:
    """Add one whole line to the file, whichever other kernels write there."""
    with suppress(OSError), open(_file, "a", encoding="utf-8") as file:
        file.write(json.dumps(dict(zip(("notebook", "deed", "what"), key, strict=True))) + "\n")


def kept_in() -> str:
    """Return the file in which it is kept, or "" where none is named."""
    return _file


def can_be_written(name: str) -> bool:
    """Return whether lines can be added to a file."""
    try:
        open(name, "a", encoding="utf-8").close()
    except OSError:
        return False
    return True


def done() -> list[Key]:
    """Return every different deed that is kept, the oldest first, and then those of this kernel that are not.

    A line of the file that cannot be read is left out.
    """
    deeds: dict[Key, None] = {}
    with suppress(OSError):
        for text in Path(_file or os.devnull).read_text(encoding="utf-8", errors="replace").splitlines():
            with suppress(ValueError, TypeError, KeyError):
                line = json.loads(text)
                deeds[line["notebook"], line["deed"], line["what"]] = None
    return list(deeds | _here)
