"""The check engine: try a learner's function on many inputs, and name the mistake."""

import inspect
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from numbers import Real
from typing import Any

import torch
from torch import Tensor

from ..misconceptions import MISCONCEPTIONS, Misconception
from .learner import Outcome, article, call, name_of, read, sentence, tensor_problem
from .verdict import Verdict

Function = Callable[..., Any]
Arguments = tuple[Any, ...]
Parts = tuple[Tensor, ...]
Unpack = Callable[[Any], Parts | str]

SECONDS = 2.0  # how long a whole check may take
FEW = 12  # the values of a tensor that is shown whole
MANY = 1000  # the values of a result that is not looked at: no right result has that many


def tensor(value: Any) -> Parts | str:
    """Return a tensor as the one part of a result, or say why it is none."""
    return tensor_problem(value) or (value.detach(),)


def pair(value: Any) -> Parts | str:
    """Return the two tensors of a pair, or say why it is none."""
    if value is None:
        return tensor_problem(value)
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        size = f" of {len(value)}" if isinstance(value, (tuple, list)) else ""
        return f"it returned {article(type(value).__name__)}{size}, not a pair of tensors"
    if tensor_problem(value[0]) or tensor_problem(value[1]):
        return "it returned a pair, but not of two plain tensors of numbers"
    return value[0].detach(), value[1].detach()


def number(value: Any) -> Parts | str:
    """Return a number, or a tensor of one number and no axes, as a float64 tensor, or say why it is neither."""
    if isinstance(value, Real) and not isinstance(value, bool):
        return (torch.tensor(float(value), dtype=torch.float64),)
    problem = tensor_problem(value).replace("not a tensor", "not a number")
    if problem or value.ndim == 0:
        return problem or (value.detach().double(),)
    return f"it returned a tensor of shape {tuple(value.shape)}, not one number"


@dataclass(frozen=True)
class Check:
    """What a function should do, and the inputs on which to see whether it does.

    deed: what the function does: a key of MISCONCEPTIONS.
    parameters: the names of the function's arguments.
    reference: a right function.
    cases: arguments, the smallest first.
    seed: the one case of which learners have seen the answer, so that they could write it into the function.
    hints: two steps towards a right function.
    unpack: takes a result apart into tensors.
    codes: whether the result must have the very dtype of the reference's.
    """

    deed: str
    parameters: tuple[str, ...]
    reference: Function
    cases: tuple[Arguments, ...]
    seed: Arguments
    hints: tuple[str, ...]
    unpack: Unpack = tensor
    codes: bool = False

    def __call__(self, function: Any) -> Verdict:
        """Return what there is to say about a function, whatever it does."""
        name = name_of(function)
        unusable = unusable_as(self.parameters, function)
        if unusable:
            return Verdict("wrong", unusable, self.hints)
        trials = [] if function is None or function is ... else self._try(function)
        if not trials or any(trial.outcome.unwritten for trial in trials):
            return Verdict("not written yet", f"{name}.", self.hints)
        wrong = [t for t in trials if t.problem] or [t for t in trials if t.outcome.changed]
        if not wrong:
            what = f"all {len(trials)} inputs tried: edge cases, T and random tensors"
            return Verdict("right", f"{name} gives what it should for {what}.")
        return self._wrong(name, wrong[0], trials)

    def _try(self, function: Function) -> list["Trial"]:
        """Call a function on every case, until one of them takes the time away that is left for all."""
        end, trials = time.monotonic() + SECONDS, list[Trial]()
        for arguments in self.cases:
            trials.append(self.trial(function, arguments, seconds=max(end - time.monotonic(), 0.01)))
            if trials[-1].outcome.timed_out:
                break
        return trials

    def trial(self, function: Function, arguments: Arguments, **limit: float) -> "Trial":
        """Call a function once, and judge what comes. limit: the seconds that `call` may take."""
        outcome = call(function, *arguments, **limit)
        want = self.unpack(self.reference(*arguments))
        assert not isinstance(want, str)
        got = self._unpacked(outcome)
        if isinstance(got, str):
            return Trial(arguments, outcome, want, (), got)
        problem = self._problem(arguments, got, want)
        few = sum(g.numel() for g in got) <= MANY
        return Trial(arguments, outcome, want, tuple(g.clone() for g in got) if few else (), problem)

    def _unpacked(self, outcome: Outcome) -> Parts | str:
        if outcome.timed_out:
            return f"it did not finish: all inputs together may take {SECONDS:g} s"
        if outcome.problem and not outcome.changed:
            return outcome.problem
        unpacked: Parts | str = read(self.unpack, outcome.value)
        return unpacked

    def _problem(self, arguments: Arguments, got: Parts, want: Parts) -> str:
        """Say what is wrong with a result, or return ""."""
        for g, w in zip(got, want, strict=True):
            if g.shape != w.shape:
                return f"it returned shape {tuple(g.shape)}, not {tuple(w.shape)}"
            if g.device != w.device:
                return f"it returned a tensor on {g.device}, not on {w.device}"
            if g.is_floating_point() != w.is_floating_point() or (self.codes and g.dtype != w.dtype):
                return f"it returned {g.dtype}, not {w.dtype}"
        if same(got, want, arguments):
            return ""
        index = _first(got, want, arguments) if want[0].numel() > 1 else ...
        came, due = show([g[index] for g in got], [w[index] for w in want])
        return f"it gave {came}; it should give {due}"

    def _wrong(self, name: str, first: "Trial", trials: Sequence["Trial"]) -> Verdict:
        """Describe the first failure, and what is known about functions that fail like this one."""
        problem = first.problem or first.outcome.problem
        sentences = [f"with {self._inputs(first)}, {name} {problem.removeprefix('it ')}"]
        known = self._known(trials)
        if self._is_written_in(trials):
            sentences.append("It is right for T only: is the answer written into it?")
        elif known:
            sentences += _about(known)
        elif ignored := [p for k, p in enumerate(self.parameters) if self._ignores(k, trials)]:
            sentences.append(f"It seems to ignore {_and(ignored)}")
        if first.problem and any(trial.outcome.changed for trial in trials):
            sentences.append("It also changes its input in place")
        hints = (*dict.fromkeys(k.hint for k in known), *self.hints)
        text = " ".join(map(sentence, sentences))
        return Verdict("wrong", text, hints, tuple(dict.fromkeys(k.name for k in known)))

    def _known(self, trials: Sequence["Trial"]) -> list[Misconception]:
        """Return the misconceptions that give the same values on everything tried.

        One that changes its input is no match for a function that never does.
        """
        alike = [m for m in MISCONCEPTIONS[self.deed] if all(self._alike(m, trial) for trial in trials)]
        if any(trial.outcome.changed for trial in trials):
            return alike
        return [m for m in alike if not any(call(m, *trial.arguments).changed for trial in trials)]

    def _alike(self, misconception: Misconception, trial: "Trial") -> bool:
        if not trial.got:
            return False
        its = self.unpack(call(misconception, *trial.arguments).value)
        return not isinstance(its, str) and same(trial.got, its, trial.arguments)

    def _is_written_in(self, trials: Sequence["Trial"]) -> bool:
        return len(trials) == len(self.cases) and all(
            (not trial.problem) == (trial.arguments is self.seed) for trial in trials
        )

    def _ignores(self, k: int, trials: Sequence["Trial"]) -> bool:
        """Return whether changing argument k alone never changed the result, where it should have."""
        if not any(trial.got for trial in trials):
            return False
        pairs = [
            (a, b)
            for a, b in combinations(trials, 2)
            if _differ_only(k, a.arguments, b.arguments) and not same(a.want, b.want, a.arguments)
        ]
        return bool(pairs) and all(bool(a.got) and same(a.got, b.got, a.arguments) for a, b in pairs)

    def _inputs(self, trial: "Trial") -> str:
        """Name the arguments of a call: all of a small tensor; of a large one only the element that came out wrong."""
        shown = [_shown(argument) for argument in trial.arguments]
        x, want = trial.arguments[0], trial.want[0]
        if trial.problem.startswith("it gave") and want.shape == x.shape and x.numel() > 1:
            index = _first(trial.got, trial.want, trial.arguments)
            shown[0] = f"{show([x[index]])[0]} in a tensor of shape {tuple(x.shape)}"
        return ", ".join(f"{name} = {text}" for name, text in zip(self.parameters, shown, strict=True))


@dataclass(frozen=True)
class Trial:
    """One call: what came, what should have come, and what is wrong with it, "" if nothing."""

    arguments: Arguments
    outcome: Outcome
    want: Parts
    got: Parts
    problem: str

    @property
    def fails(self) -> bool:
        """Return whether a right function would have done anything else."""
        return bool(self.problem) or self.outcome.changed


def unusable_as(parameters: Sequence[str], function: Any) -> str:
    """Say why something cannot even be called with these parameters, or return ""."""
    if function is None or function is ...:
        return ""
    if not callable(function):
        given = f"a check takes the function itself, but got {article(type(function).__name__)}"
        return f"{given}. Write its name without parentheses."
    can = _takes(function, len(parameters))
    return "" if can else f"{name_of(function)} cannot be called with ({', '.join(parameters)})."


def same(a: Parts, b: Parts, arguments: Arguments) -> bool:
    """Return whether two results are equal: integers exactly, floats but for what float32 loses on the way."""
    alike = len(a) == len(b) and all(
        s.shape == t.shape and s.device == t.device and s.is_floating_point() == t.is_floating_point()
        for s, t in zip(a, b, strict=True)
    )
    return alike and all(bool(_close(s, t, arguments).all()) for s, t in zip(a, b, strict=True))


def _close(a: Tensor, b: Tensor, arguments: Arguments) -> Tensor:
    if not b.is_floating_point():
        return a.double() == b.double()  # torch compares uint16 with int8 in no other way
    slack = 1e-6 * arguments[0].double().abs().max().item()
    return torch.isclose(a.double(), b.double(), rtol=1e-4, atol=slack, equal_nan=True)


def _first(got: Parts, want: Parts, arguments: Arguments) -> tuple[int, ...]:
    """Return the index of the first element that is not what it should be."""
    off = torch.stack([~_close(g, w, arguments) for g, w in zip(got, want, strict=True)]).any(0)
    return tuple(off.nonzero()[0].tolist())


def show(*results: Sequence[Tensor]) -> list[str]:
    """Return results as text, with as many digits as it takes to tell them apart."""
    texts: list[str] = []
    for digits in (6, 9, 17):
        texts = [", ".join(str(_rounded(part.tolist(), digits)) for part in result) for result in results]
        if len(set(texts)) == len(texts):
            break
    return [f"({t})" if len(r) > 1 else t for t, r in zip(texts, results, strict=True)]


def _rounded(value: Any, digits: int) -> Any:
    if isinstance(value, list):
        return [_rounded(v, digits) for v in value]
    return float(f"{value:.{digits}g}") + 0.0 if isinstance(value, float) else value  # -0.0 + 0.0 is 0.0


def _shown(argument: Any) -> str:
    if not isinstance(argument, Tensor):
        return str(argument)
    return show([argument])[0] if argument.numel() <= FEW else f"a tensor of shape {tuple(argument.shape)}"


def _about(known: Sequence[Misconception]) -> list[str]:
    """Name the misconceptions, and explain if there is but one."""
    names = list(dict.fromkeys(m.name for m in known))
    if len(names) > 1:
        return [f"Looks like: {', or '.join(names)}"]
    kind = "This is another convention" if known[0].convention else "Looks like"
    return [f"{kind}: {names[0]}", known[0].says]


def _differ_only(k: int, a: Arguments, b: Arguments) -> bool:
    return all(equal(s, t) == (i != k) for i, (s, t) in enumerate(zip(a, b, strict=True)))


def equal(a: Any, b: Any) -> bool:
    """Return whether two arguments are the same."""
    return a.dtype == b.dtype and torch.equal(a, b) if isinstance(a, Tensor) else a == b


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


def _and(words: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))
