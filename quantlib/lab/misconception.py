"""Wrong functions that people really write, each under a name: what a check, a test or a grader recognises.

A misconception is called like the function that it stands for: `no_clamp(x, s, z)` returns wrong codes. Those of int8
codes stand for the grid from -128 to 127. A cast beyond the grid is written with `wrap`, so that it is the same on
every machine.
"""

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


class Known(dict[str, list[Misconception]]):
    """The misconceptions of a lesson, by the name of the exercise that they get wrong."""

    def __call__(
        self, exercise: str, name: str, hint: str, *, convention: bool = False
    ) -> Callable[[Callable[..., Any]], Misconception]:
        """Make a function a misconception about an exercise; its docstring is the sentence that explains it."""

        def keep(function: Callable[..., Any]) -> Misconception:
            found = Misconception(name, function.__doc__ or "", hint, function, convention)
            self.setdefault(exercise, []).append(found)
            return found

        return keep
