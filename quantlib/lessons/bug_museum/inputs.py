"""Exercises that ask for inputs: which of the known mistakes do they show, and with how few numbers?"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from quantlib.errors import QuantlibError
from quantlib.lab.exercise import Exercise, unusable_as
from quantlib.lab.learner import Outcome, call, name_of, read, tensor_problem
from quantlib.lab.same import Arguments
from quantlib.lab.verdict import Verdict
from quantlib.lab.words import sentence
from quantlib.lessons import all_exercises

MANY = 50  # inputs, and numbers in one input
Gap = tuple[str, Callable[[Sequence[Arguments]], bool]]


@dataclass(frozen=True)
class InputsExercise:
    """A function that a learner writes, f(), which returns inputs; known mistakes are tried on them.

    name: of the function, in `check_name` too.
    task: what the function does, after "Say whether".
    about: the exercise whose mistakes the inputs should show.
    few: how many numbers are enough, in all inputs together, if they are chosen well.
    gaps: what learners forget; the name, and whether it is so for some inputs.
    hints: steps towards better inputs.
    """

    name: str
    task: str
    about: str
    few: int
    gaps: tuple[Gap, ...]
    hints: tuple[str, ...]
    parameters: tuple[str, ...] = ()

    @property
    def exercise(self) -> Exercise:
        return all_exercises()[self.about]

    def check(self, function: Any) -> Verdict:
        """Return what there is to say about the inputs that a function returns, whatever it does."""
        name = name_of(function)
        if unusable := unusable_as(self.parameters, function):
            return Verdict("wrong", unusable, self.hints)
        outcome = Outcome(None, unwritten=True) if function is None or function is ... else call(function)
        if outcome.unwritten:
            return Verdict("not written yet", f"{name}.", self.hints)
        inputs = outcome.problem or read(self._inputs, outcome.value)
        if isinstance(inputs, str):
            return Verdict("wrong", sentence(f"{name}: it {inputs}"), self.hints)
        return self._verdict(name, inputs)

    def _verdict(self, name: str, inputs: list[Arguments]) -> Verdict:
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

    def _inputs(self, value: Any) -> list[Arguments] | str:
        """Return the inputs as arguments, or say why they are none."""
        if value is None:
            return tensor_problem(value)
        if type(value) not in (list, tuple) or not 1 <= len(value) <= MANY:
            return f"must return a list of 1 to {MANY} inputs"
        try:
            return [self._input(one) for one in value]
        except (QuantlibError, TypeError, ValueError, RuntimeError, OverflowError) as error:
            return f"returned an input that cannot be used: {str(error).splitlines()[0]}"

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
    "quantize_inputs",
    "f() returns inputs (x, s, z) that show every known mistake of an int8 quantizer",
    "quantize",
    4,
    (
        ("z is 0 in every input", lambda inputs: all(z == 0 for _, _, z in inputs)),
        ("s is 1 in every input", lambda inputs: all(s == 1 for _, s, _ in inputs)),
        ("nothing has to be rounded", lambda inputs: bool((_codes(inputs) % 1 == 0).all())),
        ("nothing is above the grid", lambda inputs: bool((_codes(inputs).round() <= 127).all())),
        ("nothing is below the grid", lambda inputs: bool((_codes(inputs).round() >= -128).all())),
    ),
    (
        "One input can hold several numbers: with what do x / s + z come out between two integers, or beyond the grid?",
        "Clamping before or after the shift differs only if z is not 0, and a forgotten s only if s is not 1.",
        "Let one input leave the grid above, and one below; −128 itself must be asked for too.",
    ),
)

choose_qparams_inputs = InputsExercise(
    "choose_qparams_inputs",
    "f() returns inputs (x,) that show every known mistake in the choice of s and z",
    "choose_qparams",
    4,
    (
        ("0.0 is inside every range", lambda inputs: all(x.min() <= 0 <= x.max() for (x,) in inputs)),
        ("no input is 0.0 alone", lambda inputs: all(_has_step(x) for (x,) in inputs)),
        (
            "no range is too large for float32",
            lambda inputs: all(_reach(x) <= torch.finfo(torch.float32).max for (x,) in inputs),
        ),
        ("no step is too small for float32", lambda inputs: all(_has_step(x) or not x.any() for (x,) in inputs)),
    ),
    (
        "T has positive and negative numbers. Try inputs with positive ones alone, and with negative ones alone.",
        "What do you divide by, if all numbers are 0.0?",
        "Which scale does a range of 0.000000001 need? A program that holds s above some small number gets it wrong.",
        "float32 ends at 3.4e38, and its smallest number is about 1e-45: which range, which step do they give?",
    ),
)
