"""Exercises that ask for inputs: which of the known mistakes do they show, and with how few numbers?"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from quantlib.errors import QuantlibError
from quantlib.lab.data_exercise import DataExercise
from quantlib.lab.exercise import Exercise
from quantlib.lab.same import Arguments
from quantlib.lab.verdict import Verdict
from quantlib.lessons import all_exercises

MANY = 50  # inputs, and numbers in one input
Gap = tuple[str, Callable[[Sequence[Arguments]], bool]]


@dataclass(frozen=True, kw_only=True)
class InputsExercise(DataExercise):
    """A function that a learner writes, f(), which returns inputs; known mistakes are tried on them.

    about: the exercise whose mistakes the inputs should show.
    few: how many numbers are enough, in all inputs together, if they are chosen well.
    gaps: what learners forget; the name, and whether it is so for some inputs.
    """

    about: str
    few: int
    gaps: tuple[Gap, ...]

    @property
    def exercise(self) -> Exercise:
        return all_exercises()[self.about]

    def taken(self, value: Any) -> list[Arguments] | str:
        """Return the inputs as arguments, or say why they are none."""
        if type(value) not in (list, tuple) or not 1 <= len(value) <= MANY:
            return f"must return a list of 1 to {MANY} inputs"
        return [self._input(one) for one in value]

    def judged(self, name: str, inputs: list[Arguments]) -> Verdict:
        """Return which of the known mistakes the inputs show, and what they lack."""
        mistakes = self.exercise.known
        missed = [mistake for mistake in mistakes if not any(self.exercise.trial(mistake, one).fails for one in inputs)]
        numbers = sum(x.numel() for x, *_ in inputs)
        count = f"{_counted(numbers, 'number')} in {_counted(len(inputs), 'input')}"
        if not missed:
            more = f" Can you do it with {self.few}?" if numbers > self.few else ""
            return Verdict("right", f"{name} gives what it should: {count} show all {len(mistakes)} mistakes.{more}")
        names = list(dict.fromkeys(mistake.name for mistake in missed))
        names[3:] = [f"{len(names) - 3} more"] if len(names) > 3 else []
        gaps = [gap for gap, is_so in self.gaps if is_so(inputs)][:1]  # the next one is named when this one is closed
        looks = f" Looks like: {gaps[0]}." if gaps else ""
        shown = f"{name} has {count}, which show {len(mistakes) - len(missed)} of {len(mistakes)} mistakes."
        return Verdict("wrong", f"{shown}{looks} Not shown: {'; '.join(names)}.", self.hints, tuple(gaps))

    def _input(self, one: Any) -> Arguments:
        if type(one) not in (list, tuple) or len(one) != len(self.exercise.parameters):
            names = ", ".join(self.exercise.parameters)
            advice = (
                "a tuple of one is written (x,)" if len(self.exercise.parameters) == 1 else "put it into parentheses"
            )
            raise QuantlibError(f"an input is a tuple of {names}", repr(one)[:60], advice)
        x = torch.as_tensor(one[0], dtype=torch.float32).detach().clone().flatten()
        if not 1 <= x.numel() <= MANY:
            raise QuantlibError(f"x has 1 to {MANY} numbers", f"{x.numel()}", "a small input says more")
        rest = [number.item() if isinstance(number, Tensor) else number for number in one[1:]]
        self.exercise.reference(x, *rest)
        if self.exercise.refuse:
            self.exercise.refuse(x, *rest)
        return x, *rest


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _codes(inputs: Sequence[Arguments]) -> Tensor:
    """Return all codes before the clamp."""
    return torch.cat([x.double() / s + z for x, s, z in inputs])


def _reach(x: Tensor) -> float:
    """Return how far it is from the lowest to the highest of x and 0.0."""
    return x.max().clamp(min=0).item() - x.min().clamp(max=0).item()


def _has_step(x: Tensor) -> bool:
    """Return whether float32 can hold the step of the ruler of x."""
    return bool(torch.tensor(_reach(x) / 255, dtype=torch.float32) > 0)


quantize_inputs = InputsExercise(
    name="quantize_inputs",
    task="f() returns inputs (x, s, z) that show every known mistake of an int8 quantizer",
    about="quantize",
    few=4,
    gaps=(
        ("z is 0 in every input", lambda inputs: all(z == 0 for _, _, z in inputs)),
        ("s is 1 in every input", lambda inputs: all(s == 1 for _, s, _ in inputs)),
        ("nothing has to be rounded", lambda inputs: bool((_codes(inputs) % 1 == 0).all())),
        ("nothing is above the grid", lambda inputs: bool((_codes(inputs).round() <= 127).all())),
        ("nothing is below the grid", lambda inputs: bool((_codes(inputs).round() >= -128).all())),
    ),
    hints=(
        "One input can hold several numbers: with what do x / s + z come out between two integers, or beyond the grid?",
        "Clamping before or after the shift differs only if z is not 0, and a forgotten s only if s is not 1.",
        "Let one input leave the grid above, and one below; −128 itself must be asked for too.",
    ),
)

choose_qparams_inputs = InputsExercise(
    name="choose_qparams_inputs",
    task="f() returns inputs (x,) that show every known mistake in the choice of s and z",
    about="choose_qparams",
    few=4,
    gaps=(
        ("0.0 is inside every range", lambda inputs: all(x.min() <= 0 <= x.max() for (x,) in inputs)),
        ("no input is 0.0 alone", lambda inputs: all(_has_step(x) for (x,) in inputs)),
        (
            "no range is too large for float32",
            lambda inputs: all(_reach(x) <= torch.finfo(torch.float32).max for (x,) in inputs),
        ),
        ("no step is too small for float32", lambda inputs: all(_has_step(x) or not x.any() for (x,) in inputs)),
    ),
    hints=(
        "T has positive and negative numbers. Try inputs with positive ones alone, and with negative ones alone.",
        "What do you divide by, if all numbers are 0.0?",
        "Which scale does a range of 0.000000001 need? A program that holds s above some small number gets it wrong.",
        "float32 ends at 3.4e38, and its smallest number is about 1e-45: which range, which step do they give?",
    ),
)
