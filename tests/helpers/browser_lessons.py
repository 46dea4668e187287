"""What a notebook asks of a learner, read from its cells: predictions, exercises with a solution, checks, explorers."""

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from quantlib.lessons.bug_museum.hunt import SMALLEST
from tests.helpers.lessons import BEFORE, CHECKS, WRITTEN

_SOLUTION = re.compile(r"<details><summary>A solution</summary>\s*```python\n(.*?)```", re.DOTALL)

Cells = Sequence[Any]  # of {"kind": "code" or "markdown", "text": ...}


@dataclass(frozen=True)
class Exercise:
    """A function that the learner writes.

    cell: where it is written.
    solution: its text in the folded solution.
    about: the exercise that its check is of, and check: in which cell that is.
    """

    name: str
    cell: int
    solution: str
    about: str
    check: int

    def wrong(self) -> list[tuple[str, str]]:
        """Return (name of the misconception, a function with it) for all that learners are known to write.

        Of a hunt, for which learners write data, there are none.
        """
        return [(name, self._with(line)) for name, lines in WRITTEN.get(self.about, {}).items() for line in lines]

    def _with(self, line: str) -> str:
        parameters = ", ".join(CHECKS[f"check_{self.about}"].__self__.parameters)
        lines = [f"{name} = {value}" for name, value in BEFORE.get(self.about, {}).items()]
        body = [re.sub(r"(?<![.\w])int8", "torch.int8", each) for each in [*lines, f"return {line}"]]
        imports = ["import math"] if "math." in "".join(body) else []
        return "\n    ".join([f"def {self.name}({parameters}):", *imports, *body])


@dataclass(frozen=True)
class Explorer:
    """A cell that shows an explorer, and the names of the functions that drive it."""

    cell: int
    functions: set[str]


@dataclass(frozen=True)
class Lesson:
    """Everything that a notebook asks, each in the order of the cells.

    predictions: (cell, right answer).
    hunts: (cell, name of the bug, texts of an input that shows it).
    """

    predictions: list[tuple[int, str]] = field(default_factory=list)
    hunts: list[tuple[int, str, tuple[str, ...]]] = field(default_factory=list)
    explorers: list[Explorer] = field(default_factory=list)
    exercises: list[Exercise] = field(default_factory=list)


def read(cells: Cells) -> Lesson:
    """Read a notebook. A solution without its cell or its check is an error: nobody could try it."""
    lesson = Lesson()
    calls = list(_calls(cells))
    for k, name, call in calls:
        if name == "predict":
            lesson.predictions.append((k, _answer(call)))
        elif name == "hunt":
            lesson.hunts.append((k, call.args[0].attr, SMALLEST[call.args[0].attr]))
        elif name.startswith("explore_"):
            lesson.explorers.append(Explorer(k, _names(call)))
    checked = {
        argument: (name.removeprefix("check_"), k) for k, name, call in calls for argument in _checked(name, call)
    }
    for k, cell in enumerate(cells):
        if cell["kind"] == "markdown" and (found := _SOLUTION.search(cell["text"])):
            lesson.exercises.extend(_exercises(found[1], _next_code(cells, k), checked))
    return lesson


def replaced(source: str, *functions: str) -> str:
    """Return the text of a cell in which functions, with the imports above them, take the place of their namesakes."""
    for function in functions:
        ((name, _),) = _functions(function).items()
        old = _functions(source)[name]
        source = source.replace(old, function.strip())
    return source


def _exercises(solution: str, cell: int, checked: dict[str, tuple[str, int]]) -> list[Exercise]:
    imports = [ast.unparse(node) for node in ast.parse(solution).body if isinstance(node, ast.Import)]
    functions = {name: "\n".join([*imports, text]) for name, text in _functions(solution).items()}
    return [Exercise(name, cell, text, *checked[name]) for name, text in functions.items()]


def _next_code(cells: Cells, k: int) -> int:
    return next(i for i in range(k, len(cells)) if cells[i]["kind"] == "code")


def _functions(source: str) -> dict[str, str]:
    """Return the text of every function of a source, by name."""
    found = [node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)]
    return {node.name: ast.get_source_segment(source, node) or "" for node in found}


def _calls(cells: Cells) -> Iterator[tuple[int, str, ast.Call]]:
    """Give (cell, name, call) for every line that is a call of a function or a method."""
    for k, cell in enumerate(cells):
        for node in ast.parse(cell["text"]).body if cell["kind"] == "code" else ():
            call = node.value if isinstance(node, ast.Expr) else None
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name | ast.Attribute):
                yield k, call.func.id if isinstance(call.func, ast.Name) else call.func.attr, call


def _answer(call: ast.Call) -> str:
    return next(ast.literal_eval(keyword.value) for keyword in call.keywords if keyword.arg == "answer")


def _names(call: ast.Call) -> set[str]:
    return {node.id for node in ast.walk(call) if isinstance(node, ast.Name)}


def _checked(name: str, call: ast.Call) -> set[str]:
    return _names(call.args[0]) if name.startswith("check_") else set()
