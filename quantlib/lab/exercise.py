"""Exercises: what a learner writes, how it is checked, and how it drives an explorer."""

import inspect
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Literal

from torch import Tensor

from . import progress
from .learner import Outcome, Parts, StandIn, Unpack, call, name_of, one_tensor, read, reals_problem
from .misconception import Misconception
from .narrow import Widened
from .same import Arguments, equal, first_difference, same, show, shown
from .verdict import Verdict
from .words import article, joined, sentence

Function = Callable[..., Any]
Kind = Literal["right", "values", "shape", "device", "dtype", "unusable", "raised", "timed out", "unwritten", "by luck"]

SECONDS = 2.0  # how long a whole check may take
FEW = 2  # up to so many values of a result are shown whole
MOST_KEPT = 1000  # the values of a result that is kept: no right result has more


@dataclass(frozen=True)
class Trial:
    """One call: what came, what should have come, and how they differ.

    kind: "right", or in which way what came is wrong.
    problem: what the function did wrong, in words that follow its name or "it"; "" if nothing.
    """

    arguments: Arguments
    outcome: Outcome
    want: Parts
    got: Parts
    kind: Kind
    problem: str

    @property
    def fails(self) -> bool:
        """Return whether a right function would have done anything else."""
        return bool(self.problem) or self.outcome.changed


@dataclass(frozen=True, eq=False, repr=False)
class Exercise:
    """A function that a learner writes: all that a check, an explorer, the museum and the tests need of it.

    name: of the function, in `check_name` too.
    task: what the function does, after "Say whether".
    parameters: the names of its arguments.
    reference: a right function.
    cases: arguments, the smallest first.
    seen: the one case of which learners have seen the answer, so that they could write it into the function.
    hints: steps towards a right function, of which each says more than the one before.
    known: what is often written instead.
    usable: takes a value and the arguments, and says why an explorer cannot use the value, or "".
    unpack: takes a result apart into tensors.
    codes: whether the result must have the very dtype of the reference's.
    odd: the cases in which two mistakes often meet; a mistake is sought there only if all other cases are right.
    anything_goes: takes the arguments and a result, and says whether here a result like that is right, whatever it is.
    refuse: takes the arguments, and raises a QuantlibError where right functions differ.
    watch: the context of each call, with a list of what makes a right result luck, in words that follow "it".
    """

    name: str
    task: str
    parameters: tuple[str, ...]
    reference: Function
    cases: tuple[Arguments, ...]
    seen: Arguments
    hints: tuple[str, ...]
    known: Sequence[Misconception]
    usable: Callable[..., str] = reals_problem
    unpack: Unpack = one_tensor
    codes: bool = False
    odd: tuple[Arguments, ...] = ()
    anything_goes: Callable[[Arguments, Parts], bool] | None = None
    refuse: Callable[..., None] | None = None
    watch: Callable[[], AbstractContextManager[list[str]]] = lambda: nullcontext([])

    def __repr__(self) -> str:
        return f"exercise {self.name}: {self.task}"

    def check(self, function: Any) -> Verdict:
        """Return what there is to say about a learner's function, whatever it does."""
        name = name_of(function)
        unusable = unusable_as(self.parameters, function)
        if unusable:
            return Verdict("wrong", unusable, self.hints)
        trials = [] if function is None or function is ... else self._try(function)
        if not trials or any(trial.outcome.unwritten for trial in trials):
            return Verdict("not written yet", f"{name}.", self.hints)
        wrong = [t for t in trials if t.problem] or [t for t in trials if t.outcome.changed]
        if not wrong:
            progress.note("right", self.name)
            what = f"all {len(trials)} inputs tried: edge cases and random ones"
            return Verdict("right", f"{name} gives what it should for {what}.")
        return self._wrong(function, wrong[0], trials)

    def stand_in(self, function: Function, instead: str = "The picture shows quantlib's instead.") -> StandIn:
        """Return a learner's function for an explorer; the reference stands in where it cannot be used."""
        return StandIn(function, self.reference, self.usable, instead)

    def trial(self, function: Function, arguments: Arguments, **limit: float) -> Trial:
        """Call a function once, and judge what comes. limit: the seconds that `call` may take."""
        with self.watch() as luck:
            outcome = call(function, *arguments, **limit)
        want = self.unpack(self.reference(*arguments))
        assert not isinstance(want, str)
        if outcome.timed_out:
            problem = f"did not finish: all inputs together may take {SECONDS:g} s"
            return Trial(arguments, outcome, want, (), "timed out", problem)
        if outcome.problem and not outcome.changed:
            return Trial(arguments, outcome, want, (), "unwritten" if outcome.unwritten else "raised", outcome.problem)
        got: Parts | str = read(self.unpack, outcome.value)
        if isinstance(got, str):
            return Trial(arguments, outcome, want, (), "unusable", got)
        kind, problem = self._judged(arguments, got, want)
        if luck and not problem:
            kind, problem = "by luck", luck[0]
        few = sum(g.numel() for g in got) <= MOST_KEPT
        return Trial(arguments, outcome, want, tuple(g.clone() for g in got) if few else (), kind, problem)

    def _try(self, function: Function) -> list[Trial]:
        """Call a function on every case, until one of them takes the time away that is left for all."""
        end, trials = time.monotonic() + SECONDS, list[Trial]()
        for arguments in self.cases:
            trials.append(self.trial(function, arguments, seconds=max(end - time.monotonic(), 0.01)))
            if trials[-1].outcome.timed_out:
                break
        return trials

    def _judged(self, arguments: Arguments, got: Parts, want: Parts) -> tuple[Kind, str]:
        """Return in which way a result is wrong, and what is wrong with it."""
        if self.anything_goes and self.anything_goes(arguments, got):
            return "right", ""
        for g, w in zip(got, want, strict=True):
            if g.shape != w.shape:
                return "shape", f"returned shape {tuple(g.shape)}, not {tuple(w.shape)}"
            if g.device != w.device:
                return "device", f"returned a tensor on {g.device}, not on {w.device}"
            if w.ndim and (g.is_floating_point() != w.is_floating_point() or (self.codes and g.dtype != w.dtype)):
                return "dtype", f"returned {g.dtype}, not {w.dtype}"
        if same(got, want, arguments):
            return "right", ""
        index = first_difference(got, want, arguments) if want[0].numel() > FEW else ...
        came, due = show([g[index] for g in got], [w[index] for w in want])
        at = "" if index is ... or _is_like(arguments[0], want[0]) else f" at {list(index)}"
        return "values", f"gave {came}{at}; it should give {due}"

    def _wrong(self, function: Function, first: Trial, trials: Sequence[Trial]) -> Verdict:
        """Describe the first failure, and what is known about functions that fail like this one."""
        name = name_of(function)
        sentences = [f"with {self._inputs(first)}, {name} {first.problem or first.outcome.problem}"]
        known = self._narrow(function, first) or self._recognised(trials)
        if self._is_written_in(trials):
            sentences.append("It is right for one input only: is the answer written into it?")
        elif known:
            sentences += _about(known)
        elif ignored := [p for k, p in enumerate(self.parameters) if self._ignores(k, trials)]:
            sentences.append(f"It seems to ignore {joined(ignored)}")
        if first.problem and any(trial.outcome.changed for trial in trials):
            sentences.append("It also changes its input in place")
        hints = (*dict.fromkeys(k.hint for k in known), *self.hints)
        text = " ".join(map(sentence, sentences))
        return Verdict("wrong", text, hints, tuple(dict.fromkeys(k.name for k in known)))

    def _recognised(self, trials: Sequence[Trial]) -> list[Misconception]:
        """Return the misconceptions that give the same values on everything tried.

        One that changes its input is no match for a function that never does.
        """
        ordinary = [t for t in trials if not any(t.arguments is odd for odd in self.odd)]
        trials = ordinary if any(t.problem for t in ordinary) else trials
        alike = [m for m in self.known if all(self._alike(m, trial) for trial in trials)]
        if any(trial.outcome.changed for trial in trials):
            return alike
        return [m for m in alike if not any(call(m, *trial.arguments).changed for trial in trials)]

    def _narrow(self, function: Function, first: Trial) -> list[Misconception]:
        """Return that a function computes in 16 bits, if with 32 it would be right."""
        wide = Widened(function)
        better = not self.trial(wide, first.arguments).fails and bool(wide.asked)
        return [wide.misconception()] if better and not any(trial.fails for trial in self._try(wide)) else []

    def _alike(self, misconception: Misconception, trial: Trial) -> bool:
        if not trial.got:
            return False
        its = self.unpack(call(misconception, *trial.arguments).value)
        if isinstance(its, str):
            return False
        if not trial.problem and self.anything_goes and self.anything_goes(trial.arguments, its):
            return True  # two of many right answers: neither tells anything
        if not same(trial.got, its, trial.arguments):
            return False
        kinds = {self._judged(trial.arguments, parts, trial.want)[0] for parts in (trial.got, its)}
        return len(kinds) == 1  # an int64 is not like an int8

    def _is_written_in(self, trials: Sequence[Trial]) -> bool:
        judged = [t for t in trials if not (self.anything_goes and self.anything_goes(t.arguments, t.want))]
        right_for_seen_only = all((not t.problem) == (t.arguments is self.seen) for t in judged)
        return len(trials) == len(self.cases) and right_for_seen_only

    def _ignores(self, k: int, trials: Sequence[Trial]) -> bool:
        """Return whether changing argument k alone never changed the result, where it should have."""
        if not any(trial.got for trial in trials):
            return False
        pairs = [
            (a, b)
            for a, b in combinations(trials, 2)
            if _differ_only(k, a.arguments, b.arguments) and not same(a.want, b.want, a.arguments)
        ]
        return bool(pairs) and all(_tells(a.got) and same(a.got, b.got, a.arguments) for a, b in pairs)

    def _inputs(self, trial: Trial) -> str:
        """Name the arguments of a call: all of a small tensor; of a large one only the element that came out wrong."""
        texts = [shown(argument) for argument in trial.arguments]
        x, want = trial.arguments[0], trial.want[0]
        if trial.kind == "values" and _is_like(x, want) and x.numel() > FEW:
            index = first_difference(trial.got, trial.want, trial.arguments)
            texts[0] = f"{show([x[index]])[0]} in a tensor of shape {tuple(x.shape)}"
        return ", ".join(f"{name} = {text}" for name, text in zip(self.parameters, texts, strict=True))


def _is_like(x: Any, result: Tensor) -> bool:
    """Return whether the elements of a result are those of an argument."""
    return isinstance(x, Tensor) and x.shape == result.shape


def unusable_as(parameters: Sequence[str], function: Any) -> str:
    """Say why something cannot even be called with these parameters, or return ""."""
    if function is None or function is ...:
        return ""
    if not callable(function):
        given = f"a check takes the function itself, but got {article(type(function).__name__)}"
        return f"{given}. Write its name without parentheses."
    can = _takes(function, len(parameters))
    return "" if can else f"{name_of(function)} cannot be called with ({', '.join(parameters)})."


def _takes(function: Function, count: int) -> bool:
    """Return whether a function can be called with so many arguments; where nothing is known, it can."""
    try:
        signature = inspect.signature(function)
    except Exception:
        return True
    try:
        signature.bind(*range(count))
    except TypeError:
        return False
    return True


def _about(known: Sequence[Misconception]) -> list[str]:
    """Name the misconceptions, and explain if there is but one."""
    names = list(dict.fromkeys(m.name for m in known))
    if len(names) > 1:
        return [f"Looks like: {', or '.join(names)}"]
    kind = "This is another convention" if known[0].convention else "Looks like"
    return [f"{kind}: {names[0]}", known[0].says]


def _tells(got: Parts) -> bool:
    """Return whether a result is there, and finite: two that are NaN or infinite are alike by chance."""
    return bool(got) and all(bool(part.isfinite().all()) for part in got)


def _differ_only(k: int, a: Arguments, b: Arguments) -> bool:
    return all(equal(s, t) == (i != k) for i, (s, t) in enumerate(zip(a, b, strict=True)))
