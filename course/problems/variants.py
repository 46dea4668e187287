"""What a seed draws, and the words and cells that questions are made of.

Each question has a generator of its own, so that a question more or less changes no other.
"""

import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from textwrap import indent
from typing import Any

import torch
from torch import Tensor

from quantlib.lab.misconception import Misconception

from .questions import BEGIN, END

HOW = """
Each question differs from what the notebooks and quantlib do: read the rules, not only the picture that you expect. Run
the cells with `assert` to try your answer. The points come from cases that you do not see; comments say what they are
about.

Write in place of `# YOUR CODE HERE` and the line below it. Where a name stands with `...`, put its value there, and
delete those two lines. To explain something, double-click `YOUR ANSWER HERE` and write there. Keep the names, and let
every function stand in its own cell. `NotImplementedError` means that a question is not answered yet.
""".strip()


def draws(seed: int, question: str) -> random.Random:
    """Return the generator of one question. It draws the same with every version of Python that is supported."""
    return random.Random(f"{seed}/{question}")


@dataclass(frozen=True)
class Rounding:
    """A rule for ties. words: what it does. code: an expression of v that is exact for multiples of 1/16."""

    name: str
    words: str
    code: str

    def __call__(self, v: Tensor) -> Tensor:
        return eval(self.code, {"torch": torch, "v": v})


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


def near(steps: Iterable[float], s: float, z: int = 0) -> Tensor:
    """Return the reals that lie at these places of a ruler, counted in codes."""
    return reals([s * (place - z) for place in steps])


# --- cells


def function(signature: str, says: str, body: str) -> str:
    """Return the cell of a function to write: its head, and its body as the gap."""
    return f'def {signature}:\n    """{says}"""\n    {BEGIN}\n{indent(body.strip(), " " * 4)}\n    {END}'


def written(model: str) -> str:
    """Return the cell of a text to write, with a model answer as the gap."""
    return f"{BEGIN}\n\n{model.strip()}\n\n{END}"


def values(right: Mapping[str, Any], given: str = "") -> str:
    """Return the cell of values to hand in: each name with ... for a value, and then the gap."""
    names = "\n".join(f"{name} = ..." for name in right)
    lines = "\n".join(f"{name} = {value!r}" for name, value in right.items())
    return "\n\n\n".join(filter(None, [given.strip(), f"{names}\n{BEGIN}\n{lines}\n{END}"]))


def judge(check: str) -> Callable[[Any], str]:
    """Return the function `problem` of a source, which is the instructor's own."""
    names: dict[str, Any] = {"torch": torch}
    exec(check, names)
    return names["problem"]


# --- mistakes


def mistake(name: str, says: str, hint: str, wrong: Callable[..., Any], *, convention: bool = False) -> Misconception:
    return Misconception(name, says, hint, wrong, convention)


def told(right: float, **wrong: float) -> dict[float, str]:
    """Return what wrong values tell, without one that happens to be right. Underscores in a name are spaces."""
    return {value: name.replace("_", " ") for name, value in wrong.items() if abs(value - right) > 1e-2}


def stored(codes: Tensor, dtype: torch.dtype = torch.int8) -> Tensor:
    """Keep the 8 bits of what need not fit, as a cast does on most machines."""
    return torch.remainder(codes.double() + 128, 256).sub(128).to(dtype)
