"""Mark submissions on a Dask cluster, as on this machine: only where their boxes stand differs."""

from collections.abc import Iterator
from contextlib import contextmanager

from .box import run as box
from .intake.errors import CourseError
from .intake.lms import Submission
from .marking import Marks, Task, basis, marked
from .report.results import Graded

AGAIN = 2  # how often what fails is tried once more
WAIT = 30  # seconds for an answer of the scheduler
AHEAD = 2  # submissions for each place: while one is graded, the next is on its way


@contextmanager
def on_cluster(address: str, task: Task) -> Iterator[tuple[Marks, int]]:
    """Give what marks a submission on the workers of a scheduler, and how many at a time.

    What a worker had when it died, another one does. The results are kept here alone.

    Raises:
        CourseError: if Dask is not installed, no scheduler answers, or a worker cannot mark as this machine would.
    """
    try:
        from distributed import Client
    except ImportError:
        raise CourseError("--scheduler needs Dask: pip install distributed") from None
    try:
        client = Client(address, timeout=WAIT)
    except OSError as error:
        raise CourseError(f"no scheduler of Dask answers at {address}: {error}") from None
    with client:
        _check(client.run(unfit, task, on_error="return"), address)

        def mark(submission: Submission, task: Task) -> Graded:
            return client.submit(marked, submission, task, pure=False, retries=AGAIN).result()

        yield mark, AHEAD * sum(client.nthreads().values())


def unfit(task: Task) -> str:
    """Say why the machine that this runs on cannot mark, or ""."""
    try:
        box.run([], [], unprotected=task.unprotected)
    except box.NoSandbox as error:
        return str(error)
    return "" if basis(task.seed) == task.basis else "its folder course differs from that of this machine"


def _check(found: dict[str, object], address: str) -> None:
    """Refuse a cluster with a worker that is unfit: the same submission must get the same marks on all."""
    if not found:
        raise CourseError(f"{address} has no worker: start some with dask worker {address}")
    if refused := {worker: why for worker, why in found.items() if why}:
        raise CourseError("\n".join(f"worker {worker} cannot grade: {why}" for worker, why in refused.items()))
