"""Grade what students handed in.

    python -m course.grade ps1 submissions.zip --roster roster.csv --out grades/ps1

The folder then holds scores.csv, a table each for Canvas and Moodle, feedback/ with a page a student,
summary.html, and manual.csv for the points that a person gives: fill it in and grade again. For submissions that
nbgrader collected, nbgrader/ holds the pages as it releases them. What was graded is not graded twice, unless the
submission, the seed or the problem set has changed.
"""

import argparse
import hashlib
import os
import queue
import sys
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

from tqdm import tqdm

from . import report
from .box import run as box
from .box.walls import SLOTS
from .intake.errors import CourseError
from .intake.lms import Submission, collect, read_roster
from .intake.notebook import fits, read, written_answer
from .problems.catalogue import NAMES, PUBLIC_SEED, problem_set
from .problems.questions import Explain, ProblemSet
from .report import manual, nbgrader
from .report.results import Graded, load, store

# Programs that only write: what changes in them changes no mark.
WITHOUT_A_PART = ("problems/notebook.py", "report/__init__.py", "report/manual.py", "report/nbgrader.py")


@dataclass(frozen=True)
class Task:
    """How a batch is graded."""

    problem_set: ProblemSet
    others: list[ProblemSet]
    results: Path
    basis: str  # what a result depends on, beside the submission
    limits: box.Limits = field(default_factory=box.Limits)
    unprotected: bool = False


def grade_one(submission: Submission, task: Task, slot: int) -> Graded:
    """Grade a submission, or take its result from before."""
    path = task.results / f"{submission.student.key}.json"
    try:
        content = submission.content
    except CourseError as error:
        return Graded(submission.student, submission.name, "", str(error), list(submission.notes))
    fingerprint = hashlib.sha256(content + task.basis.encode()).hexdigest()
    before = load(path)
    if before and before.fingerprint == fingerprint:
        return before
    graded = _grade(submission, content, task, slot, fingerprint)
    store(path, graded)
    return graded


def _grade(submission: Submission, content: bytes, task: Task, slot: int, fingerprint: str) -> Graded:
    notebook = fits(read(content), task.problem_set, task.others)
    notes = [*submission.notes, *notebook.notes]
    graded = Graded(submission.student, submission.name, fingerprint, notebook.problem, notes)
    if graded.problem:
        return graded
    questions = task.problem_set.questions
    requests = [question.requests() for question in questions]
    outcome = box.run(notebook.code, list(chain(*requests)), task.limits, slot, unprotected=task.unprotected)
    rest = iter(outcome.answers)
    for question, asked in zip(questions, requests, strict=True):
        graded.marks[question.id] = question.mark([next(rest) for _ in asked])
        if isinstance(question, Explain):
            graded.written[question.id] = written_answer(notebook, question)
    graded.notes += outcome.notes
    return graded


def grade_all(submissions: list[Submission], task: Task, jobs: int) -> tuple[list[Graded], list[str]]:
    """Grade a batch, several at a time. A submission that cannot be graded is named, and stops nobody else's."""
    slots: queue.SimpleQueue[int] = queue.SimpleQueue()
    for slot in own_slots(jobs):
        slots.put(slot)

    def work(submission: Submission) -> Graded:
        slot = slots.get()
        try:
            return grade_one(submission, task, slot)
        finally:
            slots.put(slot)

    graded, failed = [], []
    with ThreadPoolExecutor(jobs) as pool:
        futures = {pool.submit(work, submission): submission for submission in submissions}
        try:
            for future in tqdm(as_completed(futures), total=len(futures), desc=task.problem_set.name, unit="notebook"):
                error = future.exception()
                if error:
                    failed.append(f"{futures[future].name}: it could not be graded: {type(error).__name__}: {error}")
                else:
                    graded.append(future.result())
        except KeyboardInterrupt:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return sorted(graded, key=lambda g: g.student.key), failed


def own_slots(jobs: int) -> range:
    """Return slots that another run at the same time hardly has, too: a box may take all processes of its user."""
    most = SLOTS - 1  # the last is left to whoever starts a single box
    jobs = min(jobs, most)
    first = os.getpid() % (most // jobs) * jobs
    return range(first, first + jobs)


def basis(seed: int, programs: Path = Path(__file__).parent) -> str:
    """Return a text that changes with the seed and with any program of this folder that has a part in the marks."""
    digest = hashlib.sha256(str(seed).encode())
    for path in sorted(programs.rglob("*.py")):
        if path.relative_to(programs).as_posix() not in WITHOUT_A_PART:
            digest.update(path.read_bytes())
    return digest.hexdigest()


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m course.grade", description="Grade what students handed in.")
    parser.add_argument("name", choices=NAMES, help="the problem set")
    parser.add_argument("submissions", type=Path, help="a folder or a zip, as the LMS gives it")
    parser.add_argument("--roster", type=Path, help="the students of the course, as the LMS exports them (CSV)")
    parser.add_argument("--out", type=Path, help="where the results go (default: grades/NAME)")
    parser.add_argument(
        "--seed", type=int, default=PUBLIC_SEED, help="the seed of the course (default: the public one)"
    )
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="how many notebooks at a time")
    parser.add_argument("--unprotected", action="store_true", help="run students' programs WITHOUT a sandbox")
    options = parser.parse_args(arguments)
    try:
        grade(options)
    except (CourseError, box.NoSandbox) as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit("\nstopped; the same command goes on from here")


def grade(options: argparse.Namespace) -> None:
    out = options.out or Path("grades") / options.name
    wanted = problem_set(options.name, options.seed)
    others = [problem_set(name, options.seed) for name in NAMES if name != options.name]
    box.run([], [], unprotected=options.unprotected)  # says at once if there is no sandbox
    roster = read_roster(options.roster) if options.roster else []
    submissions, problems = collect(options.submissions, roster, wanted.name, [other.name for other in others])
    task = Task(wanted, others, out / "results", basis(options.seed), unprotected=options.unprotected)
    graded, failed = grade_all(submissions, task, options.jobs)
    manual.merge(out / "manual.csv", graded, wanted)
    report.write(out, graded, wanted, roster, problems + failed)
    nbgrader.write(out / "nbgrader", options.submissions, submissions, graded, wanted)
    print(f"{len(graded)} graded, {sum(1 for g in graded if g.problem)} of them without marks; see {out}/summary.html")
    for problem in problems + failed:
        print(f"  {problem}")


if __name__ == "__main__":
    main(sys.argv[1:])
