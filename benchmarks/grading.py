"""How many submissions are graded in a minute, each in its box, by one worker and by one for each core.

A class is a third right, a third with some answers right, and a third with last year's answers, which are those of
another seed. Both ways grade the same submissions, in turns. Run it while nothing else runs.
"""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from random import Random
from time import perf_counter

import nbformat
from nbformat import NotebookNode

from benchmarks.table import OURS, Row, rows
from course import grade
from course.box import run as box
from course.intake.lms import Student, Submission
from course.marking import Task
from course.problems import notebook as sheets
from course.problems.catalogue import NAMES, PUBLIC_SEED, problem_set
from course.problems.questions import Explain, ProblemSet
from course.report.results import Graded

COUNT = 24  # submissions of each problem set
LAST_YEAR = PUBLIC_SEED - 1


def measure(quick: bool = False) -> Iterator[Row]:
    """Give nothing where there is no sandbox."""
    if box.find_sandbox() is None:
        return
    count = 3 if quick else COUNT
    ways = dict.fromkeys((1, os.cpu_count() or 1), 0.0)  # seconds, for each number of workers
    for k, name in enumerate(NAMES):
        handed_in = a_class(name, count)
        for workers in sorted(ways, reverse=k % 2 == 1):
            ways[workers] += takes(handed_in, name, workers)
    for workers, seconds in ways.items():
        rate = 60 * count * len(NAMES) / seconds / workers
        yield from rows("grading", "submissions a minute and core", plural(workers), {OURS: rate}, "a minute")


def plural(workers: int) -> str:
    return "1 worker" if workers == 1 else f"{workers} workers"


def takes(handed_in: list[Submission], name: str, workers: int) -> float:
    """The seconds in which a batch is graded."""
    with tempfile.TemporaryDirectory() as folder:
        task = Task(name, PUBLIC_SEED, Path(folder), "benchmark")
        start = perf_counter()
        graded, failed = grade.grade_all(handed_in, task, workers)
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
