"""Grade what students handed in.

    python -m course.grade ps1 submissions.zip --roster roster.csv --out grades/ps1

The folder then holds scores.csv, a table each for Canvas and Moodle, feedback/ with a page a student,
summary.html, and manual.csv for the points that a person gives: fill it in and grade again. Whoever an earlier run
graded into this folder stays in it. For submissions that
nbgrader collected, nbgrader/ holds the pages as it releases them. What was graded is not graded twice, unless the
submission, the seed or the problem set has changed.
"""

import argparse
import json
import os
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path

from tqdm import tqdm

from . import report
from .box import run as box
from .cluster import on_cluster
from .intake.errors import CourseError
from .intake.lms import Student, Submission, collect, read_roster
from .intake.notebook import HandedIn, fits, read
from .intake.saved import saved
from .intake.variant import refuse_another_seed
from .marking import Marks, Task, basis, marked
from .problems.catalogue import NAMES
from .problems.questions import Explain
from .problems.seed import remembered
from .report import manual, nbgrader
from .report.files import on_a_line
from .report.results import Graded, load, of_before, store

EVERYTHING = slice(None)  # of the submissions


def grade_one(submission: Submission, task: Task, alone: bool = True, mark: Marks = marked) -> Graded:
    """Grade a submission, or take its result from before. What took too long is kept only if nothing ran beside it."""
    path = task.results / f"{submission.student.key}.json"
    try:
        whole = replace(submission, source=submission.content)
    except CourseError as error:
        return Graded(submission.student, submission.name, "", str(error), list(submission.notes))
    before = load(path)
    if before and before.fingerprint == task.fingerprint(whole.content):
        return before
    graded = mark(whole, task)
    if alone or not graded.slow:
        store(path, graded)
    return graded


def grade_all(
    submissions: list[Submission], task: Task, jobs: int, mark: Marks = marked
) -> tuple[list[Graded], list[str]]:
    """Grade a batch, several at a time. A submission that cannot be graded is named, and stops nobody else's.

    What took too long while others ran is tried again alone.
    """
    graded, failed, slow = [], [], []
    with ThreadPoolExecutor(jobs) as pool:
        futures = {pool.submit(grade_one, each, task, jobs == 1, mark): each for each in submissions}
        try:
            for future in tqdm(as_completed(futures), total=len(futures), desc=task.name, unit="notebook"):
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
        again, failed_again = grade_all(slow, task, 1, mark)
        graded, failed = graded + again, failed + failed_again
    return sorted(graded, key=lambda g: g.student.key), failed


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m course.grade", description="Grade what students handed in.")
    parser.add_argument("name", choices=NAMES, help="the problem set")
    parser.add_argument("submissions", nargs="?", default="", help="a folder or a zip, as the LMS gives it")
    parser.add_argument("--roster", type=Path, help="the students of the course, as the LMS exports them (CSV)")
    parser.add_argument("--out", type=Path, help="where the results go (default: grades/NAME)")
    parser.add_argument("--seed", help="the seed of the course, any text (default: that of make assignments)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="how many notebooks at a time")
    parser.add_argument(
        "--share", type=share, default=EVERYTHING, help="grade only a share, as 2/8, and write no tables"
    )
    parser.add_argument("--scheduler", help="of a Dask cluster that does the work, as tcp://first:8786")
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
    place, out = Path(options.submissions), options.out or Path("grades") / options.name
    task = _task(options, out / "results")
    roster = read_roster(options.roster) if options.roster else []
    submissions, problems = collect(place, roster, options.name, [other.name for other in task.others])
    _check_seed(submissions, task)
    with _workers(options, task) as (mark, jobs):
        graded, failed = grade_all(submissions[options.share], task, jobs, mark)
    if options.share != EVERYTHING:
        return _say_share(graded, failed, task)
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
    return Task(options.name, options.seed, results, basis(options.seed), unprotected=options.unprotected)


def _workers(options: argparse.Namespace, task: Task) -> AbstractContextManager[tuple[Marks, int]]:
    """Return what marks a submission, and how many at a time. Says at once if there is no sandbox."""
    if options.scheduler:
        return on_cluster(options.scheduler, task)
    box.run([], [], unprotected=options.unprotected)
    return nullcontext((marked, options.jobs))


def share(text: str) -> slice:
    """Return which submissions the share 2/8 takes: every eighth, from the second on."""
    place, _, count = text.partition("/")
    if not (place.isdecimal() and count.isdecimal() and 1 <= int(place) <= int(count)):
        raise argparse.ArgumentTypeError(f"a share is written 2/8, the second of eight, not {text}")
    return slice(int(place) - 1, None, int(count))


def _check_seed(submissions: list[Submission], task: Task) -> None:
    """Refuse a batch of another seed, unless this seed has given marks before: then the file of a student is wrong."""
    results = (load(path) for path in task.results.glob("*.json"))
    if not any(result and result.basis == task.basis and not result.problem for result in results):
        notebooks = (fits(_read(each), task.problem_set, task.others) for each in submissions)
        refuse_another_seed((n for n in notebooks if not n.problem), task.problem_set, task.seed)


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


def _say_share(graded: list[Graded], failed: list[str], task: Task) -> None:
    print(f"{len(graded)} graded in {task.results}; after all shares, the command without --share writes the tables")
    for problem in failed:
        print(f"  {on_a_line(problem)}")


def dry_run(options: argparse.Namespace) -> None:
    """Show that the solutions get every point that a program gives, with this seed and in this box."""
    from .problems.notebook import source  # with all that writes notebooks

    with tempfile.TemporaryDirectory() as folder:
        task = _task(options, Path(folder))
        content = json.dumps(source(task.problem_set)).encode()
        graded = grade_one(Submission(Student("the source"), f"{options.name}.ipynb", content), task)
    most = sum(question.points for question in task.problem_set.questions if not isinstance(question, Explain))
    by_hand = task.problem_set.points - most
    print(f"The source of seed {options.seed} gets {graded.score:g} of {most} points; a person gives {by_hand} more.")
    if graded.score != most:
        raise CourseError("The solutions should get all: " + "; ".join(graded.notes))


if __name__ == "__main__":
    main(sys.argv[1:])
