"""Grading on a cluster gives what grading on this machine gives, whatever happens to a worker."""

import json
import os
import shutil
import subprocess
import sys
import time

import pytest

from course import cluster, grade, marking
from course.box import run as box
from course.intake.errors import CourseError
from course.intake.lms import Student, Submission
from course.problems.catalogue import PUBLIC_SEED
from course.problems.seed import ASSIGNMENTS
from tests.helpers import workers
from tools import project

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no process is killed as the test does it")
distributed = pytest.importorskip("distributed", reason="Dask is not installed: no submission was graded on a cluster")
QUIET = {**os.environ, "PYTHONPATH": os.pathsep.join([str(project.ROOT), *sys.path]), "OMP_NUM_THREADS": "1"}


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory):
    """The address of a scheduler with two workers, started once for all tests, as the page says."""
    file = tmp_path_factory.mktemp("dask") / "scheduler.json"
    common = ["--no-dashboard", "--scheduler-file", str(file)]
    started = [dask("scheduler", "--port", "0", *common), dask("worker", "--nworkers", "2", "--nthreads", "1", *common)]
    try:
        wait_until(file.exists)
        with distributed.Client(scheduler_file=str(file)) as client:
            client.wait_for_workers(2, timeout=120)
        yield json.loads(file.read_text())["address"]
    finally:
        for process in reversed(started):
            process.terminate()
            process.wait(60)


def dask(*arguments):
    command = [sys.executable, "-m", "dask", *arguments]
    return subprocess.Popen(command, env=QUIET, cwd=project.ROOT, stderr=subprocess.DEVNULL)


def wait_until(true, seconds=120):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.fixture
def task(tmp_path):
    return marking.Task("ps1", PUBLIC_SEED, tmp_path / "results", marking.basis(PUBLIC_SEED), unprotected=True)


def test_result_files_are_those_of_one_machine_to_the_byte(scheduler, tmp_path):
    if box.find_sandbox() is None:
        pytest.skip("no sandbox was found")
    for name in ("ada", "bad"):
        (tmp_path / "in" / name).mkdir(parents=True)
    shutil.copy(ASSIGNMENTS / "source" / "ps1" / "ps1.ipynb", tmp_path / "in" / "ada")
    (tmp_path / "in" / "bad" / "ps1.ipynb").write_bytes(b"no notebook")
    command = ["ps1", str(tmp_path / "in"), "--seed", str(PUBLIC_SEED)]
    grade.main([*command, "--out", str(tmp_path / "here")])
    grade.main([*command, "--out", str(tmp_path / "there"), "--scheduler", scheduler])
    here, there = (files(tmp_path / place / "results") for place in ("here", "there"))
    assert here == there and len(here) == 2
    for name in ("scores.csv", "canvas.csv", "manual.csv", "summary.html"):
        assert (tmp_path / "here" / name).read_bytes() == (tmp_path / "there" / name).read_bytes()


def files(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_what_a_worker_had_when_it_was_killed_another_one_does(scheduler, task, monkeypatch):
    monkeypatch.setattr(cluster, "marked", workers.dies_once)
    batch = [Submission(Student(f"s{k}"), "ps1.ipynb", b"") for k in range(8)]
    with cluster.on_cluster(scheduler, task) as (mark, jobs):
        graded, failed = grade.grade_all(batch, task, jobs, mark)
    assert jobs == 4 and len(graded) == 8 and not failed and (task.results.parent / "died").exists()


def test_a_worker_without_a_sandbox_is_refused(scheduler, task):
    with distributed.Client(scheduler) as client:
        client.wait_for_workers(2, timeout=120)
        before = client.run(workers.look_for_programs_in, "")
        try:
            told = refusal(scheduler, marking.replace(task, unprotected=False))
        finally:
            client.run(workers.look_for_programs_in, next(iter(before.values())))
    assert len(told) == 2
    for line in told:
        assert line.startswith("worker tcp://")
        assert "cannot grade: without a sandbox no submission is run: bubblewrap" in line


def refusal(scheduler, task):
    with pytest.raises(CourseError) as caught, cluster.on_cluster(scheduler, task):
        pass
    return str(caught.value).splitlines()


def test_a_worker_with_other_programs_is_refused(scheduler, task):
    told = refusal(scheduler, marking.replace(task, basis="of another version"))
    assert all(line.endswith("its folder course differs from that of this machine") for line in told) and told


def test_a_scheduler_that_does_not_answer_and_one_without_workers_are_told(task, monkeypatch):
    monkeypatch.setattr(cluster, "WAIT", 0.2)
    (told,) = refusal("tcp://127.0.0.1:9", task)
    assert told.startswith("no scheduler of Dask answers at tcp://127.0.0.1:9: ")
    with pytest.raises(CourseError, match="tcp://first:8786 has no worker: start some with dask worker"):
        cluster._check({}, "tcp://first:8786")


def test_without_dask_it_is_said_what_to_install(task, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert refusal("tcp://first:8786", task) == ["--scheduler needs Dask: pip install distributed"]
