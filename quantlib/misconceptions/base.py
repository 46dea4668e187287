"""What a misconception is, and the table of all that are known."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Misconception:
    """A wrong function, and what to say to whoever wrote it.

    name: a short phrase; variants of one mistake share it.
    says: one sentence that explains it.
    hint: one sentence towards the repair.
    function: the mistake itself.
    convention: whether it is right elsewhere, under another convention.
    """

    name: str
    says: str
    hint: str
    function: Callable[..., Any]
    convention: bool = False

    def __call__(self, *arguments: Any) -> Any:
        return self.function(*arguments)


MISCONCEPTIONS: dict[str, list[Misconception]] = {}


def known(
    deed: str, name: str, hint: str, *, convention: bool = False
) -> Callable[[Callable[..., Any]], Misconception]:
    """Make a function a misconception about a deed; its docstring is the sentence that explains it."""

    def register(function: Callable[..., Any]) -> Misconception:
        found = Misconception(name, function.__doc__ or "", hint, function, convention)
        MISCONCEPTIONS.setdefault(deed, []).append(found)
        return found

    return register
