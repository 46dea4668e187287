"""What a seed draws, and the words and cells that questions are made of."""

import math
import random
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from textwrap import indent
from typing import Any

import torch
from torch import Tensor

import quantlib
from quantlib.lab.misconception import Misconception

from .questions import BEGIN, END, Values

HOW = """
Each question differs from what the notebooks and quantlib do: read the rules, not only the picture that you expect. Run
the cells with `assert` to try your answer. The points come from cases that you do not see; comments say what they are
about.

Write in place of `# YOUR CODE HERE` and the line below it. Where a name stands with `...`, put its value there, and
delete those two lines; a value is a number, such as `-2.75` or `3`, unless the question asks for a tensor or a text.
To explain something, double-click `YOUR ANSWER HERE` and write there. Keep the names, and let every function stand in
its own cell. `NotImplementedError` means that a question is not answered yet.
""".strip()

Function = Callable[..., Any]


def draws(seed: int | str, question: str) -> random.Random:
    """Return the generator of one question. It draws the same with every version of Python that is supported.

    A seed is a text: 7 and "7" are one, and so is a letter with an accent, whichever way it was typed.
    """
    return random.Random(f"{unicodedata.normalize('NFC', str(seed))}/{question}")


@dataclass(frozen=True)
class Rounding:
    """A rule for ties. words: what it does. code: an expression of v that is exact for multiples of 1/16."""

    name: str
    words: str
    code: str


ROUNDINGS = (
    Rounding("half up", "up: 2.5 becomes 3, and −2.5 becomes −2", "torch.floor(v + 0.5)"),
    Rounding("half down", "down: 2.5 becomes 2, and −2.5 becomes −3", "torch.ceil(v - 0.5)"),
    Rounding(
        "half away from zero", "away from 0: 2.5 becomes 3, and −2.5 becomes −3", "v.sign() * (v.abs() + 0.5).floor()"
    ),
    Rounding("half towards zero", "towards 0: 2.5 becomes 2, and −2.5 becomes −2", "v.sign() * (v.abs() - 0.5).ceil()"),
)


# --- numbers and words


def reals(values: Any) -> Tensor:
    return torch.tensor(values, dtype=torch.float32)


def say(number: float) -> str:
    """Write a number as prose does, with a real minus."""
    return f"{number:g}".replace("-", "−")


def copyable(text: str) -> str:
    """Write negative numbers of a text as code, with the minus that Python knows. Formulas and code stay."""
    number = r"−\d+(?:\.\d+)?"
    found = re.compile(rf"(\$\$.*?\$\$|\$.*?\$|`[^`]*`)|(\[{number}\]|(?<!\w){number})", re.DOTALL)
    return found.sub(lambda match: match[1] or f"`{match[2].replace('−', '-')}`", text)


def signs(code: str) -> str:
    """Write "- 5" where a formula with a negative number says "+ -5", and "+ 5" for "- -5"."""
    return code.replace("- -", "+ ").replace("+ -", "- ")


def near(steps: Iterable[float], s: float, z: int = 0) -> Tensor:
    """Return the reals that lie at these places of a ruler, counted in codes."""
    return reals([s * (place - z) for place in steps])


# --- functions


@dataclass(frozen=True)
class Code:
    """A function as text, which can be called. A mistake is the solution's text with a change.

    head: as "my_store(x, s, z)".
    """

    head: str
    body: str

    @property
    def name(self) -> str:
        return self.head.partition("(")[0]

    @cached_property
    def function(self) -> Function:
        names: dict[str, Any] = {"torch": torch, "math": math, "quantlib": quantlib, "stored": stored}
        exec(f"def {self.head}:\n{self._indented}", names)
        return names[self.name]

    def __call__(self, *arguments: Any) -> Any:
        return self.function(*arguments)

    def but(self, old: str, new: str) -> "Code":
        """Return the same function with another text in place of one that it holds."""
        if old not in self.body:
            raise ValueError(f"{old!r} is not in {self.body!r}")
        return replace(self, body=self.body.replace(old, new))

    def cell(self, says: str) -> str:
        """Return the cell in which a student writes it: the head, what it returns, and the body as the gap."""
        return f'def {self.head}:\n    """{says}"""\n    {BEGIN}\n{self._indented}\n    {END}'

    @property
    def _indented(self) -> str:
        return indent(self.body.strip(), " " * 4)


def stored(codes: Tensor, dtype: torch.dtype = torch.int8) -> Tensor:
    """Keep the 8 bits of what need not fit, as a cast does on most machines."""
    return torch.remainder(codes.double() + 128, 256).sub(128).to(dtype)


# --- cells


def written(model: str) -> str:
    """Return the cell of a text to write, with a model answer as the gap."""
    return f"{BEGIN}\n\n{model.strip()}\n\n{END}"


def values(right: Mapping[str, Any], given: str = "") -> str:
    """Return the cell of values to hand in: each name with ... for a value, and then the gap."""
    names = "\n".join(f"{name} = ..." for name in right)
    lines = "\n".join(f"{name} = {value!r}" for name, value in right.items())
    return "\n\n\n".join(filter(None, [given.strip(), f"{names}\n{BEGIN}\n{lines}\n{END}"]))


def numbered(head: str, lines: Iterable[str], returns: str) -> str:
    """Return a function whose lines are counted in comments."""
    body = "\n".join(f"    {line}  # line {k}" for k, line in enumerate(lines, start=1))
    return f"def {head}:\n{body}\n    return {returns}"


def nested(function: str) -> str:
    """Return the text of a function as it stands inside of another one."""
    return function.strip().replace("\n", "\n    ")


def float_example(call: str, gives: float) -> str:
    """Return the asserts of a call that gives a Python float."""
    return f"assert {call} == {gives}\nassert type({call}) is float"


def judge(check: str) -> Callable[[Any], str]:
    """Return the function `problem` of a source, which is the instructor's own."""
    names: dict[str, Any] = {"torch": torch}
    exec(check, names)
    return names["problem"]


# --- mistakes


Known = tuple[str, str, Function]  # a mistake's name, what to say about it, and the wrong function


def mistakes(hint: str, *known: Known) -> tuple[Misconception, ...]:
    """Return mistakes that one hint helps with."""
    return tuple(Misconception(name, says, hint, wrong) for name, says, wrong in known)


def spoiling(right: Function, change: Callable[[Tensor], Any]) -> Function:
    """Return the right function, but it changes the caller's tensor."""

    def wrong(first: Tensor, *rest: Any) -> Any:
        found = right(first, *rest)
        change(first)
        return found

    return wrong


def as_tensors(right: Function) -> Function:
    """Return the right function, but its number is a tensor, or each of its numbers is."""

    def wrong(*arguments: Any) -> Any:
        found = right(*arguments)
        return tuple(map(torch.tensor, found)) if isinstance(found, tuple) else torch.tensor(found)

    return wrong


def told(right: Mapping[str, float], wrong: Mapping[str, Mapping[str, float]]) -> dict[str, dict[float, str]]:
    """Return for each name what its wrong values tell, without one that happens to be right."""
    return {
        name: {value: says for says, value in known.items() if abs(value - right[name]) > 1e-2}
        for name, known in wrong.items()
    }


def all_differ(right: Mapping[str, float], wrong: Mapping[str, Mapping[str, float]]) -> bool:
    """Return whether no wrong value happens to be right."""
    return all(len(known) == len(wrong[name]) for name, known in told(right, wrong).items())


def drawn_until_told(
    draw: random.Random, drawn: Callable[[random.Random], Any], right: Function, wrong: Function
) -> Any:
    """Draw again until no wrong value happens to be right."""
    found = drawn(draw)
    while not all_differ(right(found), wrong(found)):
        found = drawn(draw)
    return found


def values_question(
    title: str,
    text: str,
    right: Mapping[str, Any],
    wrong: Mapping[str, Mapping[str, Any]],
    says: Mapping[str, str],
    points: Mapping[str, int] | None = None,
    **more: Any,
) -> Values:
    """Return a question for values: right and wrong ones by name, each wrong one by what it tells.

    points: for each name, 1 where none are given. more: what else a `Values` has; `given` stands above the names.
    """
    return Values(
        title=title,
        text=text,
        source=values(right, more.pop("given", "")),
        right={name: (value, points[name] if points else 1) for name, value in right.items()},
        mistakes=told(right, wrong),
        says=says,
        **more,
    )
