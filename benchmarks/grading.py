"""How many submissions are graded in a minute, each in its box: by one worker, one for each core, and as many of Dask.

A class is a third right, a third with some answers right, and a third with last year's answers, which are those of
another seed. All ways grade the same submissions, in turns. Run it while nothing else runs.

Then a class of 2000 goes the whole way, from its folder to its tables, with boxes that answer from memory: what is left
is the program's own part. In a fresh process, because of the memory:

    python -m benchmarks.grading 2000       prints seconds of the processor a submission, and MiB
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, redirect_stderr, redirect_stdout
from importlib.util import find_spec
from io import StringIO
from pathlib import Path
from random import Random
from time import perf_counter, process_time
from unittest.mock import patch

import nbformat
from nbformat import NotebookNode

from benchmarks.memory import MIB, process_bytes
from benchmarks.table import OURS, Row, rows
from course import grade
from course.box import run as box
from course.cluster import on_cluster
from course.intake.lms import Student, Submission
from course.marking import Marks, Task, basis, marked
from course.problems import notebook as sheets
from course.problems.catalogue import NAMES, PUBLIC_SEED, problem_set
from course.problems.questions import Explain, ProblemSet
from course.report.results import Graded

COUNT = 24  # submissions of each problem set
CLASSES = (200, 2000)
LAST_YEAR = PUBLIC_SEED - 1


def measure(quick: bool = False) -> Iterator[Row]:
    """Give nothing where there is no sandbox."""
    if box.find_sandbox() is None:
        return
    with ExitStack() as open_still:
        yield from rates(3 if quick else COUNT, the_ways(open_still))
    for count in (20,) if quick else CLASSES:
        command = [sys.executable, "-m", "benchmarks.grading", str(count)]
        seconds, grown = subprocess.check_output(command, text=True).split()
        yield from rows("grading", "the program's own part", f"of {count}", {OURS: float(seconds)})
        yield from rows("grading", "memory beyond the start", f"of {count}", {OURS: float(grown)}, "MiB")


# ---- how many a minute ----


def the_ways(open_still: ExitStack) -> dict[str, tuple[int, int, Marks]]:
    """Return each way to grade: its workers, how many submissions it takes at a time, and what marks them."""
    cores = os.cpu_count() or 1
    ways = {plural(workers): (workers, workers, marked) for workers in (1, cores)}
    if find_spec("distributed"):
        from distributed import LocalCluster

        dask = LocalCluster(n_workers=cores, threads_per_worker=1, dashboard_address=None)
        address = open_still.enter_context(dask).scheduler_address
        mark, jobs = open_still.enter_context(on_cluster(address, task("ps1", Path())))
        ways[f"{plural(cores)} of Dask"] = cores, jobs, mark
    return ways


def plural(workers: int) -> str:
    return "1 worker" if workers == 1 else f"{workers} workers"


def task(name: str, results: Path) -> Task:
    return Task(name, PUBLIC_SEED, results, basis(PUBLIC_SEED))


def rates(count: int, ways: dict[str, tuple[int, int, Marks]]) -> Iterator[Row]:
    """Give a row for each way, after classes of all problem sets in turns."""
    seconds = dict.fromkeys(ways, 0.0)
    for k, name in enumerate(NAMES):
        handed_in = a_class(name, count)
        for way in sorted(ways, reverse=k % 2 == 1):
            _workers, jobs, mark = ways[way]
            seconds[way] += takes(handed_in, name, jobs, mark)
    for way, (workers, *_) in ways.items():
        rate = 60 * count * len(NAMES) / seconds[way] / workers
        yield from rows("grading", "submissions a minute and core", way, {OURS: rate}, "a minute")


def takes(handed_in: list[Submission], name: str, jobs: int, mark: Marks = marked) -> float:
    """The seconds in which a batch is graded."""
    with tempfile.TemporaryDirectory() as folder:
        start = perf_counter()
        graded, failed = grade.grade_all(handed_in, task(name, Path(folder)), jobs, mark)
        took = perf_counter() - start
    assert not failed and as_expected(graded, problem_set(name))
    return took


def as_expected(graded: list[Graded], asked: ProblemSet) -> bool:
    """Whether every submission has marks, and those have them all that answer everything rightly."""
    most = sum(question.points for question in asked.questions if not isinstance(question, Explain))
    scores = {each.student.name: each.score for each in graded}
    return None not in scores.values() and all((scores[n] == most) == n.startswith("right") for n in scores)


def a_class(name: str, count: int = COUNT) -> list[Submission]:
    """Return what a class hands in."""
    asked, old = problem_set(name), problem_set(name, LAST_YEAR)
    release = sheets.release(sheets.source(asked))
    kinds = ("right", "partly right", "last year's")
    return [_submission(f"{kinds[k % 3]} {k}", _answers(asked, old, kinds[k % 3], k), release) for k in range(count)]


def _answers(asked: ProblemSet, old: ProblemSet, kind: str, k: int) -> Iterator[tuple[str, str]]:
    """Give what stands in the cells of the answers; one that is left out stays as it is released."""
    draw, missed = Random(f"{asked.name}/{k}"), k % (len(asked.questions) - 1)  # the last is to be explained in words
    for place, (new, last) in enumerate(zip(asked.questions, old.questions, strict=True)):
        if kind == "right" or (kind == "partly right" and place != missed and draw.random() < 0.6):
            yield new.id, new.source
        elif kind == "last year's":
            yield new.id, last.source


def _submission(student: str, answers: Iterator[tuple[str, str]], release: NotebookNode) -> Submission:
    nb, written = nbformat.from_dict(release), dict(answers)
    for cell in nb.cells:
        cell.source = written.get(cell.metadata.get("nbgrader", {}).get("grade_id"), cell.source)
    return Submission(Student(student), f"{student}.ipynb", nbformat.writes(nb).encode())


# ---- a large class, with boxes that answer from memory ----


def the_whole_way(count: int) -> tuple[float, float]:
    """The seconds of the processor for a submission of a class, and the MiB beyond those after a class of three."""
    with tempfile.TemporaryDirectory() as folder, patch.object(box, "run", from_memory()):
        few, many = (hand_in(each, Path(folder) / str(each)) for each in (3, count))
        _grade(few)
        Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far
        before, start = process_bytes("VmRSS"), process_time()
        _grade(many)
        return (process_time() - start) / count, (process_bytes("VmHWM") - before) / MIB


def from_memory() -> Callable[..., box.Outcome]:
    """Return a box that runs the same cells only once."""
    known, run = {}, box.run

    def recall(cells, requests, *arguments, **options):
        if (key := tuple(cells)) not in known:
            known[key] = run(cells, requests, *arguments, **options)
        return known[key]

    return recall


def hand_in(count: int, place: Path) -> Path:
    """Write what a class hands in; no two files are the same."""
    kinds = [each.content for each in a_class("ps1", 3)]
    for k in range(count):
        nb = nbformat.reads(kinds[k % 3].decode(), as_version=4)
        nb.cells.append(nbformat.v4.new_markdown_cell(f"Student {k}."))
        path = place / f"Student {k}" / "ps1.ipynb"
        path.parent.mkdir(parents=True)
        path.write_text(nbformat.writes(nb), encoding="utf-8")
    return place


def _grade(place: Path) -> None:
    with redirect_stdout(StringIO()), redirect_stderr(StringIO()):
        grade.main(["ps1", str(place), "--seed", str(PUBLIC_SEED), "--out", f"{place} graded"])


if __name__ == "__main__":
    print(*the_whole_way(int(sys.argv[1])))
