"""Grade what students handed in.

    python -m course.grade ps1 submissions.zip --roster roster.csv --out grades/ps1

The folder then holds scores.csv, a table each for Canvas and Moodle, feedback/ with a page a student,
summary.html, and manual.csv for the points that a person gives: fill it in and grade again. Whoever an earlier run
graded into this folder stays in it. For submissions that
nbgrader collected, nbgrader/ holds the pages as it releases them. What was graded is not graded twice, unless the
submission, the seed or the problem set has changed.
"""

import argparse
import hashlib
import json
import os
import queue
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path

from tqdm import tqdm

from . import report
from .box import run as box
from .box.walls import SLOTS
from .intake.errors import CourseError
from .intake.lms import Student, Submission, collect, read_roster
from .intake.notebook import HandedIn, answers, fits, read
from .intake.saved import saved
from .intake.variant import PROBLEM, is_other, refuse_another_seed
from .intake.words import written_answer
from .problems.catalogue import NAMES, problem_set
from .problems.questions import Explain, ProblemSet
from .problems.seed import remembered
from .report import manual, nbgrader, told
from .report.files import on_a_line
from .report.results import Graded, load, of_before, store

# Programs that only write: what changes in them changes no mark.
_WRITERS = ("__init__", "feedback", "files", "manual", "nbgrader", "page", "summary", "tables")
WITHOUT_A_PART = ("problems/notebook.py", *(f"report/{name}.py" for name in _WRITERS))


@dataclass(frozen=True)
class Task:
    """How a batch is graded."""

    problem_set: ProblemSet
    others: list[ProblemSet]
    results: Path
    basis: str  # what a result depends on, beside the submission
    limits: box.Limits = field(default_factory=box.Limits)
    unprotected: bool = False


def grade_one(submission: Submission, task: Task, slot: int, alone: bool = True) -> Graded:
    """Grade a submission, or take its result from before. What took too long is kept only if nothing ran beside it."""
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
    if alone or not graded.slow:
        store(path, graded)
    return graded


def _grade(submission: Submission, content: bytes, task: Task, slot: int, fingerprint: str) -> Graded:
    notebook = _whole(content, task)
    graded = Graded(submission.student, submission.name, fingerprint, notebook.problem, basis=task.basis)
    graded.notes = [*submission.notes, *notebook.notes]
    graded.content = _digest(notebook)
    if not graded.problem:
        _mark(graded, notebook, task, slot)
    graded.notes = told.limited(graded.notes)
    return graded


def _whole(content: bytes, task: Task) -> HandedIn:
    """Read a notebook, and say what keeps it from being marked."""
    notebook = fits(read(content), task.problem_set, task.others)
    if not notebook.problem and is_other(notebook, task.problem_set):
        return replace(notebook, problem=PROBLEM)
    return notebook


def _digest(notebook: HandedIn) -> str:
    texts = [cell.text.strip() for cell in notebook.cells]
    return hashlib.sha256(json.dumps(texts).encode()).hexdigest()


def _mark(graded: Graded, notebook: HandedIn, task: Task, slot: int) -> None:
    """Run a notebook in its box, and mark what comes out."""
    questions = task.problem_set.questions
    requests = [question.requests() for question in questions]
    outcome = box.run(notebook.code, list(chain(*requests)), task.limits, slot, unprotected=task.unprotected)
    graded.notes += told.of_cells(outcome, notebook)
    rest = iter(outcome.answers)
    for question, asked in zip(questions, requests, strict=True):
        given = [next(rest) for _ in asked]
        mark = question.mark([told.without_inputs(answer) for answer in given])
        graded.marks[question.id] = told.with_fault(mark, question, outcome, notebook)
        graded.notes += told.of_answers(question, given)
        if isinstance(question, Explain):
            graded.written[question.id], notes = written_answer(notebook, question, task.problem_set)
            graded.notes += notes
        else:
            graded.code[question.id] = "\n\n".join(notebook.code[k] for k in answers(notebook, question))


def grade_all(submissions: list[Submission], task: Task, jobs: int) -> tuple[list[Graded], list[str]]:
    """Grade a batch, several at a time. A submission that cannot be graded is named, and stops nobody else's.

    What took too long while others ran is tried again alone.
    """
    slots: queue.SimpleQueue[int] = queue.SimpleQueue()
    for slot in own_slots(jobs):
        slots.put(slot)

    def work(submission: Submission) -> Graded:
        slot = slots.get()
        try:
            return grade_one(submission, task, slot, jobs == 1)
        finally:
            slots.put(slot)

    graded, failed, slow = [], [], []
    with ThreadPoolExecutor(jobs) as pool:
        futures = {pool.submit(work, submission): submission for submission in submissions}
        try:
            for future in tqdm(as_completed(futures), total=len(futures), desc=task.problem_set.name, unit="notebook"):
                error = future.exception()
                if error:
                    failed.append(f"{futures[future].name}: it could not be graded: {type(error).__name__}: {error}")
                elif jobs > 1 and future.result().slow:
                    slow.append(futures[future])
                else:
                    graded.append(future.result())
        except KeyboardInterrupt:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    if slow:
        again, failed_again = grade_all(slow, task, 1)
        graded, failed = graded + again, failed + failed_again
    return sorted(graded, key=lambda g: g.student.key), failed


def own_slots(jobs: int) -> range:
    """Return slots that another run at the same time hardly has, too: a box may take all processes of its user."""
    most = SLOTS - 1  # the last is left to whoever starts a single box
    jobs = min(jobs, most)
    first = os.getpid() % (most // jobs) * jobs
    return range(first, first + jobs)


def basis(seed: int | str, programs: Path = Path(__file__).parent) -> str:
    """Return a text that changes with the seed and with any program of this folder that has a part in the marks."""
    digest = hashlib.sha256(str(seed).encode())
    for path in sorted(programs.rglob("*.py")):
        if path.relative_to(programs).as_posix() not in WITHOUT_A_PART:
            digest.update(path.read_bytes())
    return digest.hexdigest()


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m course.grade", description="Grade what students handed in.")
    parser.add_argument("name", choices=NAMES, help="the problem set")
    parser.add_argument("submissions", nargs="?", default="", help="a folder or a zip, as the LMS gives it")
    parser.add_argument("--roster", type=Path, help="the students of the course, as the LMS exports them (CSV)")
    parser.add_argument("--out", type=Path, help="where the results go (default: grades/NAME)")
    parser.add_argument("--seed", help="the seed of the course, any text (default: that of make assignments)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="how many notebooks at a time")
    parser.add_argument("--unprotected", action="store_true", help="run students' programs WITHOUT a sandbox")
    parser.add_argument("--dry-run", action="store_true", help="grade the source with its solutions, and write nothing")
    options = parser.parse_args(arguments)
    try:
        options.seed = remembered() if options.seed is None else options.seed
        (dry_run if options.dry_run else grade)(options)
    except (CourseError, box.NoSandbox) as error:
        sys.exit("\n".join(map(on_a_line, str(error).split("\n"))))
    except KeyboardInterrupt:
        sys.exit("\nstopped; the same command goes on from here")


def grade(options: argparse.Namespace) -> None:
    if not options.submissions.strip():
        raise CourseError("no submissions were named: give the folder or the zip of the LMS, as SUBMISSIONS=...")
    box.run([], [], unprotected=options.unprotected)  # says at once if there is no sandbox
    place, out = Path(options.submissions), options.out or Path("grades") / options.name
    task = _task(options, out / "results")
    roster = read_roster(options.roster) if options.roster else []
    submissions, problems = collect(place, roster, options.name, [other.name for other in task.others])
    _check_seed(submissions, task, options.seed)
    graded, failed = grade_all(submissions, task, options.jobs)
    graded += _without_result(submissions, graded)
    paths = {each.student.key: each.path for each in submissions}
    for each in graded:
        each.saved = saved(place, paths[each.student.key])
    before, unreadable = of_before(task.results, graded, roster, task.basis)
    lost = manual.merge(out / "manual.csv", [*graded, *before], task.problem_set)
    problems = [*problems, *failed, *unreadable, *lost]
    report.write(out, [*graded, *before], task.problem_set, roster, problems)
    nbgrader.write(out / "nbgrader", place, submissions, graded, task.problem_set)
    _say(graded, before, out, problems)


def _task(options: argparse.Namespace, results: Path) -> Task:
    others = [problem_set(name, options.seed) for name in NAMES if name != options.name]
    wanted = problem_set(options.name, options.seed)
    return Task(wanted, others, results, basis(options.seed), unprotected=options.unprotected)


def _check_seed(submissions: list[Submission], task: Task, seed: int | str) -> None:
    """Refuse a batch of another seed, unless this seed has given marks before: then the file of a student is wrong."""
    results = (load(path) for path in task.results.glob("*.json"))
    if not any(result and result.basis == task.basis and not result.problem for result in results):
        notebooks = (fits(_read(each), task.problem_set, task.others) for each in submissions)
        refuse_another_seed((n for n in notebooks if not n.problem), task.problem_set, seed)


def _read(submission: Submission) -> HandedIn:
    """Read a notebook; a file that cannot be read has its reason as the problem, and stops nobody."""
    try:
        return read(submission.content)
    except CourseError as error:
        return HandedIn(problem=str(error))


def _without_result(submissions: list[Submission], graded: list[Graded]) -> list[Graded]:
    """Give whoever could not be graded a place in the tables, without marks. It is tried again in the next run."""
    done = {each.student.key for each in graded}
    missing = [each for each in submissions if each.student.key not in done]
    return [Graded(each.student, each.name, "", "it could not be graded in this run") for each in missing]


def _say(graded: list[Graded], before: list[Graded], out: Path, problems: list[str]) -> None:
    without = sum(1 for each in graded if each.problem)
    print(f"{len(graded)} graded, {without} of them without marks; see {out}/summary.html")
    if before:
        print(f"{len(before)} are not in this batch: their marks are those of an earlier run")
    if count := sum(len(each.to_read) for each in [*graded, *before]):
        print(f"{count} answers in words wait for points in manual.csv: the scores of these students are not yet whole")
    for problem in problems:
        print(f"  {on_a_line(problem)}")


def dry_run(options: argparse.Namespace) -> None:
    """Show that the solutions get every point that a program gives, with this seed and in this box."""
    from .problems.notebook import source  # with all that writes notebooks

    with tempfile.TemporaryDirectory() as folder:
        task = _task(options, Path(folder))
        content = json.dumps(source(task.problem_set)).encode()
        graded = grade_one(Submission(Student("the source"), f"{options.name}.ipynb", content), task, 0)
    most = sum(question.points for question in task.problem_set.questions if not isinstance(question, Explain))
    by_hand = task.problem_set.points - most
    print(f"The source of seed {options.seed} gets {graded.score:g} of {most} points; a person gives {by_hand} more.")
    if graded.score != most:
        raise CourseError("The solutions should get all: " + "; ".join(graded.notes))


if __name__ == "__main__":
    main(sys.argv[1:])
