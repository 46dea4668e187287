"""Exercises whose answer is data: a learner writes f(), which returns it."""

from dataclasses import dataclass
from typing import Any

from ..errors import QuantlibError
from . import progress
from .exercise import unusable_as
from .learner import Outcome, call, name_of, read, tensor_problem
from .verdict import Verdict
from .words import sentence


@dataclass(frozen=True, kw_only=True)
class DataExercise:
    """A function without arguments that a learner writes, and what is looked for in the data that it returns.

    name: of the function, in `check_name` too.
    task: what the function does, after "Say whether".
    hints: steps towards such data.
    """

    name: str
    task: str
    hints: tuple[str, ...]
    parameters: tuple[str, ...] = ()

    def taken(self, value: Any) -> Any:
        """Return the data as it is judged, or a text that says in words after "it" why there is none.

        Raises:
            QuantlibError: or what torch raises, if a part of it cannot be used.
        """
        raise NotImplementedError

    def judged(self, name: str, data: Any) -> Verdict:
        """Return what there is to say about data; name: what the learner's function is called."""
        raise NotImplementedError

    def check(self, function: Any) -> Verdict:
        """Return what there is to say about the data that a function returns, whatever it does."""
        name = name_of(function)
        if unusable := unusable_as(self.parameters, function):
            return Verdict("wrong", unusable, self.hints)
        outcome = Outcome(None, unwritten=True) if function is None or function is ... else call(function)
        if outcome.unwritten:
            return Verdict("not written yet", f"{name}.", self.hints)
        data = outcome.problem or read(self._read, outcome.value)
        if isinstance(data, str):
            return Verdict("wrong", sentence(f"{name}: it {data}"), self.hints)
        verdict = self.judged(name, data)
        if verdict.status == "right":
            progress.note("right", self.name)
        return verdict

    def _read(self, value: Any) -> Any:
        try:
            return tensor_problem(value) if value is None else self.taken(value)
        except (QuantlibError, TypeError, ValueError, RuntimeError, OverflowError) as error:
            return f"returned data that cannot be used: {str(error).splitlines()[0]}"
