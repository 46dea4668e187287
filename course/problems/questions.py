"""What a problem set is made of. A question says what it asks of the box, and gives marks for what comes back.

Five kinds: Write a function, Answer with values, Break a function by an input, Reach a small loss, Explain in words.
All but the last are marked by programs. Each is about one variant, which the texts and the solution were drawn for.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from numbers import Real
from typing import Any

import numpy
import torch

from quantlib.lab.misconception import Misconception

from ..box.plain import Other
from .compare import difference, kind

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"  # nbgrader's lines around a gap


@dataclass(frozen=True)
class Request:
    """What the box is asked for: a value by its name, or what a function gives for these arguments.

    calls: how often the function is called with the same arguments; the last result counts. A function that changes
        its arguments gives itself away at the second call.
    """

    name: str
    arguments: tuple[Any, ...] | None = None
    calls: int = 1


@dataclass(frozen=True)
class Answer:
    """What came back for one request: a value, or why there is none."""

    value: Any = None
    problem: str = ""  # "it raised ValueError: ...", "it took too long", "there is no my_store"


@dataclass(frozen=True)
class Mark:
    """The points for one question, with the reasons that the student reads and the mistakes that were recognised."""

    points: float | None  # None: to be given by hand
    reasons: tuple[str, ...] = ()
    recognised: tuple[str, ...] = ()  # names of misconceptions


@dataclass(frozen=True)
class Part:
    """Some of a question's points, given if every case comes out right."""

    name: str  # "values beyond the grid": what it is about, and no hint at the values
    points: int
    cases: tuple[tuple[Any, ...], ...]
    calls: int = 1  # as in Request


@dataclass(frozen=True)
class Question:
    """What every question has.

    id: as "ps1_q3", which the problem set gives. It is nbgrader's grade_id, too.
    title: the heading, without a number.
    text: what is asked, in Markdown, with all that the variant fixes.
    source: the cell of the answer with its solution between nbgrader's lines.
    """

    id: str = ""
    title: str = ""
    text: str = ""
    source: str = ""

    @property
    def points(self) -> int:
        raise NotImplementedError

    def requests(self) -> list[Request]:
        """What the box is to compute."""
        return []

    def mark(self, answers: list[Answer]) -> Mark:
        """Give marks for the answers to `requests`, in their order."""
        raise NotImplementedError

    def explanations(self) -> dict[str, str]:
        """What to say about each mistake that the question knows, by its name."""
        return {}


@dataclass(frozen=True)
class Write(Question):
    """A function to write, compared with the solution's on cases that the student does not see.

    name: of the function.
    example: asserts that the student sees.
    mistakes: what learners get wrong here; each loses points, and is recognised by what it returns.
    relative: the tolerance for floats, as a part of the value. Integers are compared exactly.
    """

    name: str = ""
    example: str = ""
    parts: tuple[Part, ...] = ()
    mistakes: tuple[Misconception, ...] = ()
    relative: float = 1e-5

    @property
    def points(self) -> int:
        return sum(part.points for part in self.parts)

    def requests(self) -> list[Request]:
        return [Request(self.name, case, part.calls) for part in self.parts for case in part.cases]

    def mark(self, answers: list[Answer]) -> Mark:
        right = solution(self)
        rest, points, reasons = iter(answers), 0, []
        for part in self.parts:
            problems = [self._problem(right, case, next(rest)) for case in part.cases]
            wrong = [problem for problem in problems if problem]
            points += 0 if wrong else part.points
            reasons += [f"{part.name}: {wrong[0]}"] if wrong else []
        recognised = self._recognised(answers) if reasons else ()
        return Mark(points, tuple(reasons), recognised)

    def explanations(self) -> dict[str, str]:
        return {mistake.name: f"{mistake.says} {mistake.hint}".strip() for mistake in self.mistakes}

    def _problem(self, right: Callable[..., Any], case: tuple[Any, ...], answer: Answer) -> str:
        return answer.problem or difference(right(*copies(case)), answer.value, self.relative)

    def _recognised(self, answers: list[Answer]) -> tuple[str, ...]:
        """Name the mistakes that return what the student's function does, in every case."""
        requests = self.requests()
        if any(answer.problem for answer in answers):
            return ()
        return tuple(dict.fromkeys(m.name for m in self.mistakes if self._behaves(m, requests, answers)))

    def _behaves(self, mistake: Misconception, requests: Iterable[Request], answers: Iterable[Answer]) -> bool:
        pairs = zip(requests, answers, strict=True)
        return all(same(mistake, request, answer.value, self.relative) for request, answer in pairs)


@dataclass(frozen=True)
class Values(Question):
    """Values to hand in under given names: numbers, True or False, or a letter.

    right: the answer for each name, and the points for it.
    mistakes: for a name, wrong values that tell what was misunderstood.
    says: for each mistake, a sentence that explains it.
    within: the tolerance for floats, absolute.
    """

    right: Mapping[str, tuple[Any, int]] = field(default_factory=dict)
    mistakes: Mapping[str, Mapping[Any, str]] = field(default_factory=dict)
    says: Mapping[str, str] = field(default_factory=dict)
    within: float = 1e-3

    @property
    def points(self) -> int:
        return sum(points for _, points in self.right.values())

    def requests(self) -> list[Request]:
        return [Request(name) for name in self.right]

    def mark(self, answers: list[Answer]) -> Mark:
        total, reasons, recognised = 0, [], []
        for (name, (right, points)), answer in zip(self.right.items(), answers, strict=True):
            if not answer.problem and equals(answer.value, right, self.within):
                total += points
                continue
            known = self._recognised(name, answer)
            looks = f"; it looks like: {', '.join(known)}" if known else ""
            reasons.append(f"{name}: {answer.problem or self._problem(right, answer.value)}{looks}")
            recognised += known
        return Mark(total, tuple(reasons), tuple(dict.fromkeys(recognised)))

    def _recognised(self, name: str, answer: Answer) -> list[str]:
        known = {} if answer.problem else self.mistakes.get(name, {})
        return [says for wrong, says in known.items() if equals(answer.value, wrong, self.within)]

    def _problem(self, right: Any, value: Any) -> str:
        if isinstance(value, Other) and value == "ellipsis":
            return "it is not answered yet"
        if is_number(right) and not is_number(value):
            return f"it is {kind(value)}, not a number"
        return "this is not the value"

    def explanations(self) -> dict[str, str]:
        return dict(self.says)


@dataclass(frozen=True)
class Break(Question):
    """An input to find, for which a given function goes wrong.

    name: what the input is called.
    judge: takes the input, and says what is wrong with it, or "" if it breaks the function as asked.
    worth: the points.
    check: the source of the judge, a function called problem, for the hidden test.
    """

    name: str = ""
    judge: Callable[[Any], str] = lambda value: "nothing was asked"
    worth: int = 0
    check: str = ""

    @property
    def points(self) -> int:
        return self.worth

    def requests(self) -> list[Request]:
        return [Request(self.name)]

    def mark(self, answers: list[Answer]) -> Mark:
        problem = answers[0].problem or self.judge(answers[0].value)
        return Mark(0, (problem,)) if problem else Mark(self.worth)


@dataclass(frozen=True)
class Found:
    """What a measurement found. value: the smaller, the better. says: the value in words, for the student."""

    value: float
    says: str = ""


@dataclass(frozen=True)
class Rung:
    """Some of a question's points, given to a value that is at most this large."""

    name: str  # "better than 3 bits everywhere": what has to be reached
    points: int
    most: float


@dataclass(frozen=True)
class Reach(Question):
    """Something to hand in that is measured: the smaller the value, the more points. It is measured out of the box.

    name: what it is called.
    measure: takes what was handed in, which may be anything, and measures it.
        It raises a ValueError, with the reason, for what gets no points at all.
    rungs: in order, the easiest first.
    known: names the mistakes in what was handed in. It is asked only if not all points are given.
    says: for each mistake, a sentence that explains it.
    check: the source of a function called value, for the hidden tests.
    """

    name: str = ""
    measure: Callable[[Any], Found] = lambda value: Found(math.inf)
    rungs: tuple[Rung, ...] = ()
    known: Callable[[Any], tuple[str, ...]] = lambda value: ()
    says: Mapping[str, str] = field(default_factory=dict)
    check: str = ""

    @property
    def points(self) -> int:
        return sum(rung.points for rung in self.rungs)

    def requests(self) -> list[Request]:
        return [Request(self.name)]

    def mark(self, answers: list[Answer]) -> Mark:
        (answer,) = answers
        if answer.problem:
            return Mark(0, (answer.problem,))
        try:
            found = self.measure(answer.value)
        except ValueError as error:
            return Mark(0, (str(error),), self.known(answer.value))
        missed = [rung for rung in self.rungs if not found.value <= rung.most]
        reasons = tuple(f"{rung.name}: {found.says}, more than {rung.most:g}" for rung in missed)
        return Mark(
            self.points - sum(rung.points for rung in missed), reasons, self.known(answer.value) if missed else ()
        )

    def explanations(self) -> dict[str, str]:
        return dict(self.says)


@dataclass(frozen=True)
class Explain(Question):
    """A text to write, which a person reads.

    rubric: what is looked for, and the points for each.
    picture: code of a cell above the answer that draws what is to be explained, or "".
    """

    rubric: tuple[tuple[str, int], ...] = ()
    picture: str = ""

    @property
    def points(self) -> int:
        return sum(points for _, points in self.rubric)

    def mark(self, answers: list[Answer]) -> Mark:
        return Mark(None)


@dataclass(frozen=True)
class ProblemSet:
    """A set of questions. name: as "ps1". title and intro open the notebook."""

    name: str
    title: str
    intro: str
    questions: tuple[Question, ...]

    @property
    def points(self) -> int:
        return sum(question.points for question in self.questions)


def solution(question: Write) -> Callable[..., Any]:
    """Return the function of the solution. It runs here, outside of every box: the source is the instructor's own."""
    names: dict[str, Any] = {"torch": torch}
    exec(question.source, names)
    return names[question.name]


def copies(arguments: Iterable[Any]) -> list[Any]:
    """Copy the tensors, so that a function cannot change them for the next one."""
    return [a.clone() if isinstance(a, torch.Tensor) else a for a in arguments]


def call(function: Callable[..., Any], request: Request) -> Any:
    """Return what a request for a function asks for."""
    arguments = copies(request.arguments or ())
    for _ in range(request.calls - 1):
        function(*arguments)
    return function(*arguments)


def same(function: Callable[..., Any], request: Request, value: Any, relative: float) -> bool:
    """Return whether a function gives this value. A mistake may also raise, which is no value."""
    try:
        expected = call(function, request)
    except Exception:
        return False
    return not difference(expected, value, relative)


def equals(value: Any, right: Any, within: float) -> bool:
    """Return whether a value that was handed in is the right one: 2 and 2.0 are equal here, 1 and True are not."""
    if isinstance(right, bool) or isinstance(value, bool) or isinstance(right, str):
        return type(value) is type(right) and value == right
    return is_number(value) and abs(float(single(value)) - right) <= within


def is_number(value: Any) -> bool:
    """Return whether a value is a real number, of Python or numpy, or a tensor of one. True is none."""
    number = single(value)
    return isinstance(number, Real) and not isinstance(number, bool)


def single(value: Any) -> Any:
    """Take the number out of a tensor or an array that holds one."""
    one = isinstance(value, torch.Tensor | numpy.ndarray) and math.prod(value.shape) == 1
    return value.item() if one else value
