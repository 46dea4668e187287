"""Runs one submission in a box, and returns plain values. The box only computes: it never learns what is right.

In the box (walls.py) is no network, nobody else's file, and a user without rights. There, inside.py runs the cells
and answers the requests one by one, and says which it begins. What stops a box, an endless loop or the end of the
program, costs that cell or that answer alone: a new box does the rest. What comes back is not trusted.
"""

import json
import time
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any

from ..problems.questions import Answer, Request
from .plain import decode, encode
from .walls import SLOTS, Box, Limits, Sandbox, free_slot, look, start

__all__ = ["BoxFailed", "Limits", "NoSandbox", "Outcome", "Sandbox", "find_sandbox", "run"]

START = 60.0  # seconds for Python and torch to start: the machine's matter, not the submission's
DEAD = 5  # boxes that do not start, one after the other, until it is an error: what one left may still be dying
LINE = 3_000_000  # bytes: the longest answer
SHORTEST = 500  # bytes that a line counts for at least, so that there cannot be very many
STOPS = 2  # boxes that a function may stop
TEXT = 200  # characters of an exception's text


class NoSandbox(RuntimeError):
    """There is nothing here to keep a submission away from this machine."""


class BoxFailed(RuntimeError):
    """A box did not start. No submission can cause that."""


@dataclass(frozen=True)
class Outcome:
    """What came of a submission.

    answers: one for each request, in their order.
    others: sentences about functions, and about the submission as a whole.
    faults: what a cell did, by its place among the cells: "raised ...", "took longer ...".
    """

    answers: list[Answer]
    others: list[str]
    faults: dict[int, str] = field(default_factory=dict)

    @property
    def notes(self) -> list[str]:
        """All of it in sentences, cells first."""
        return [f"cell {k + 1} {fault}" for k, fault in self.faults.items()] + self.others


def find_sandbox() -> Sandbox | None:
    """Return the sandbox, if one works here."""
    found = look()
    return found if isinstance(found, Sandbox) else None


def run(
    cells: list[str],
    requests: list[Request],
    limits: Limits = Limits(),  # noqa: B008  (it is frozen)
    slot: int | None = None,
    *,
    unprotected: bool = False,
) -> Outcome:
    """Run the cells of a submission in a box, and answer the requests by the names that they leave.

    A cell that fails does not stop the next one. Each answer is computed on arguments of its own. Whatever a submission
    does, an answer comes for each request.

    Args:
        cells: the code of the notebook, magics and all.
        requests: what to compute.
        limits: what the submission may use.
        slot: a number, from 0, that no other box of this machine has at the same time; else one is found.
        unprotected: with True, a machine without a sandbox runs the submission all the same, with your own rights.

    Raises:
        NoSandbox: if no sandbox works here, and `unprotected` is not given.
        BoxFailed: if a box does not start.
    """
    if slot is not None and slot not in range(SLOTS):
        raise ValueError(f"a slot is a number from 0 to {SLOTS - 1}, got {slot}")
    found = look()
    sandbox = found if isinstance(found, Sandbox) else None
    if not sandbox and not unprotected:
        raise NoSandbox(f"without a sandbox no submission is run: {found}")
    work = _Work(cells, requests, limits, time.monotonic() + limits.total * limits.patience)
    with free_slot() if sandbox and slot is None else nullcontext(slot or 0) as own:
        while work.open:
            with start(sandbox, work.job(alone=sandbox is not None), limits, own) as box:
                fault = _attend(box, work)
                work.used += box.use().seconds if work.running else 0
                work.stopped(fault, box)
    others = [work.notes[step] for step in sorted(work.notes)]
    return Outcome([work.answers[step] for step in work.asked], others, dict(sorted(work.faults.items())))


def _attend(box: Box, work: "_Work") -> str:
    """Listen to a box until it has done its work, or must be stopped. Return what it did to be stopped, or "".

    All that it has said is heard before it is judged: on a busy machine the step that is to blame may have begun long
    since.
    """
    while work.open:
        for chunk in box.read():
            if chunk == b"":
                return "ended the program"
            if not work.receive(chunk):
                return "returned too much"
        if work.open and (fault := work.too_much(box)):
            return fault
    return ""


@dataclass
class _Work:
    """The steps of a submission, first cells, then requests: what came back for each, and which one runs."""

    cells: list[str]
    requests: list[Request]
    limits: Limits
    end: float
    answers: dict[int, Answer] = field(default_factory=dict)
    notes: dict[int, str] = field(default_factory=dict)
    faults: dict[int, str] = field(default_factory=dict)  # of cells
    skipped: set[int] = field(default_factory=set)  # cells that stopped a box
    dead: int = 0  # boxes in a row that did not start
    used: float = 0.0  # seconds of the processor, by the boxes that have ended
    used_before: float | None = None  # by this box, when the step began
    over: str = ""  # why the submission gets no more time at all
    full: bool = False  # the box says that the step has filled its memory

    @property
    def asked(self) -> range:
        return range(len(self.cells), len(self.cells) + len(self.requests))

    @property
    def open(self) -> bool:
        return len(self.answers) < len(self.requests)

    @property
    def running(self) -> bool:
        """Whether a step was begun: before, a box is still being built."""
        return self.current >= 0

    def job(self, alone: bool) -> bytes:
        """Return what a new box is to do. alone: whether all the processes that it sees are its own."""
        self.current, self.rest, self.received = -1, b"", 0
        self.started, self.used_before, self.full = time.monotonic(), None, False
        asked = [
            [r.name, None if r.arguments is None else [encode(a) for a in r.arguments], r.calls] for r in self.requests
        ]
        skip = [*self.skipped, *self.answers]
        limits = self.limits.of_one_process(alone)
        job = {"cells": self.cells, "requests": asked, "skip": skip, "limits": limits, "alone": alone}
        return json.dumps(job).encode()

    def too_much(self, box: Box) -> str:
        """Say what takes too long or uses too much, or ""."""
        now, limits = time.monotonic(), self.limits
        if self.full:
            return limits.too_much_memory
        if now > self.end:
            self.over = _longer(limits.total * limits.patience)
        if self.over or not self.running:
            return self.over or ("did not start" if now > self.started + START else "")
        use = box.use()
        if self.used + use.seconds > limits.total:
            self.over = _longer(limits.total)
        return self.over or self._too_long(use.seconds, now - self.started) or limits.exceeded(use)

    def _too_long(self, used: float, passed: float) -> str:
        """Say that the step takes too long. The clock decides only for who sleeps."""
        self.used_before = used if self.used_before is None else self.used_before
        if used - self.used_before > self.limits.step:
            return _longer(self.limits.step)
        longest = self.limits.step * self.limits.patience
        return _longer(longest) if passed > longest else ""

    def receive(self, chunk: bytes) -> bool:
        """Take what a box wrote. Return whether it is still not too much."""
        *lines, self.rest = (self.rest + chunk).split(b"\n")
        for line in lines:
            self.received += max(len(line), SHORTEST)
            if self.received > self.limits.output:
                return False
            self._take(_message(line))
        return len(self.rest) <= LINE and self.received + len(self.rest) <= self.limits.output

    def _take(self, message: list[Any]) -> None:
        """Keep what a message says, if it makes sense. The first answer to a request counts."""
        match message:
            case ["begin", int(step)] if self._is_open(step) and step > self.current:
                self.current, self.started, self.used_before = step, time.monotonic(), None
            case ["raised", int(step), str(kind), str(text)] if self._is_open(step):
                self._failed(step, self._raised(_clean(kind), _clean(text)))
            case ["full", int(step)] if step == self.current and self._is_open(step):
                self.full = True
            case ["problem", int(step), str(text)] if step in self.asked and self._is_open(step):
                self.answers[step] = Answer(problem=_clean(text))
            case ["answer", int(step), value] if step in self.asked and self._is_open(step):
                self._answered(step, value)

    def _is_open(self, step: int) -> bool:
        return 0 <= step < self.asked.stop and step not in self.answers and step not in self.skipped

    def _answered(self, step: int, value: Any) -> None:
        try:
            self.answers[step] = Answer(decode(value))
        except ValueError:
            return  # a forgery: the true answer may still come

    def _raised(self, kind: str, text: str) -> str:
        if kind == "MemoryError" or "can't allocate memory" in text:  # the second is torch's
            return self.limits.too_much_memory
        return f"raised {kind}: {text}" if text else f"raised {kind}"

    def _failed(self, step: int, fault: str) -> None:
        """Note what a cell did, or answer with what a function did."""
        if step in self.asked:
            self.answers[step] = Answer(problem=f"it {fault}")
        else:
            self.faults.setdefault(step, fault)

    def stopped(self, fault: str, box: Box) -> None:
        """Charge the step that ran with what stopped the box."""
        if not fault:
            return
        if self.over:
            return self._end_all()
        if not self.running:
            return self._bury(fault, box)
        self.dead = 0
        step = self._to_blame()
        self._failed(step, fault)
        if step in self.asked:
            self.notes[step] = f"{self._name(step)} {fault}"
            self._give_up(self._name(step), fault)
        else:
            self.faults[step] = fault
            self.skipped.add(step)

    def _bury(self, fault: str, box: Box) -> None:
        """Wait a little before the next box, or give up. The submission is charged nothing, and no time."""
        self.dead += 1
        if self.dead == DEAD:
            raise BoxFailed(f"a box failed before its first cell: it {fault}; {box.complaint()}")
        time.sleep(0.4 * self.dead)
        self.end += time.monotonic() - self.started

    def _name(self, step: int) -> str:
        return self.requests[step - len(self.cells)].name

    def _give_up(self, name: str, fault: str) -> None:
        """Call a function no more once it has stopped a box twice: an endless loop costs seconds, not minutes."""
        steps = [step for step in self.asked if self._name(step) == name]
        if sum(step in self.notes for step in steps) >= STOPS:
            for step in steps:
                self.answers.setdefault(step, Answer(problem=f"it {fault}, for other inputs"))

    def _to_blame(self) -> int:
        """Return the step that was begun last; if it has been answered, the next."""
        steps = [step for step in range(self.asked.stop) if self._is_open(step)]
        return next((step for step in steps if step >= self.current), steps[-1])

    def _end_all(self) -> None:
        for step in self.asked:
            self.answers.setdefault(step, Answer(problem=f"the submission {self.over}"))
        self.notes[self.asked.stop] = f"the submission {self.over}"


def _longer(seconds: float) -> str:
    return f"took longer than {seconds:g} s and was stopped"


def _message(line: bytes) -> list[Any]:
    """Read a line, which may hold anything."""
    try:
        message = json.loads(line)
    except (ValueError, RecursionError):
        return []
    return message if isinstance(message, list) else []


def _clean(text: str) -> str:
    """Make an untrusted text fit for a report: one line, not long, and nothing that cannot be printed."""
    return " ".join("".join(c if c.isprintable() else " " for c in text[:TEXT]).split())
