"""What holds for every test: property tests draw the same examples in every run, and no clock can fail them.

Many processes share the work. Tests that share what takes long to make are run by one of them.
"""

import os
from pathlib import Path

import pytest
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling

from tools.colab import SAMPLE

if "PYTEST_XDIST_WORKER" in os.environ:  # the processes share the cores; torch's threads would wait for each other
    os.environ.setdefault("OMP_NUM_THREADS", "1")

settings.register_profile("fast", derandomize=True, deadline=None, max_examples=50)
settings.load_profile("fast")


def pytest_addoption(parser):
    parser.addoption("--long", action="store_true", help="walk further in every notebook, draw 300 seeds")


def pytest_configure(config):
    config.addinivalue_line("markers", "front_end: hangs on the front end, not on the notebook: tried in a sample")


# What takes longest begins first, so that no process is left alone with it in the end.
LONGEST = ["test_student", "test_browser", "test_book", "test_corpus", "test_box", "test_cluster", "test_squared_error"]
LONGEST += ["test_hostile", "test_many_machines"]
IN_A_BROWSER = ("test_browser.py", "test_student.py")
BY_NOTEBOOK = ("test_accessible.py", "test_explorers.py")  # they run a notebook's code once for all their tests of it


def pytest_xdist_auto_num_workers():
    """One more than there are cores: those with a browser wait for it now and then."""
    return (os.cpu_count() or 1) + 1


class Together(LoadScopeScheduling):
    """Runs the tests of a file in one process, those of a notebook if they share that.

    Each process that opens notebooks needs a browser and a front end. One process is left without, for the others.
    """

    def __init__(self, *given) -> None:
        super().__init__(*given)
        self._browsers: dict[str, int] = {}  # of the notebooks

    def _split_scope(self, nodeid: str) -> str:
        file, _, test = nodeid.partition("::")
        case = test.partition("[")[2]
        if file.endswith(IN_A_BROWSER):
            place = len(self._browsers) % max(1, self.numnodes - 1)
            return f"browser {self._browsers.setdefault(case, place)}"
        return case if case and file.endswith(BY_NOTEBOOK) else file


def pytest_xdist_make_scheduler(config, log):
    config.option.loadscopereorder = False  # it would begin with the files of the most tests
    return Together(config, log)


def in_sample(test: str) -> bool:
    return any(name in test for name in SAMPLE)


def pytest_collection_modifyitems(config, items):
    if not config.option.long:
        left = {item for item in items if item.get_closest_marker("front_end") and not in_sample(item.name)}
        config.hook.pytest_deselected(items=list(left))
        items[:] = [item for item in items if item not in left]
    place = {name: k for k, name in enumerate(LONGEST)}
    items.sort(key=lambda item: place.get(item.path.stem, len(LONGEST)))


def pytest_terminal_summary(terminalreporter):
    """Say in words what was not tried, which a few letters among a thousand dots do not."""
    needed = {"test_browser": "IN A BROWSER", "test_student": "AS A STUDENT DOES"}
    needed |= dict.fromkeys(("test_box", "test_corpus"), "IN A SANDBOX") | {"test_cluster": "ON A CLUSTER"}
    skipped = terminalreporter.stats.get("skipped", [])
    files = [Path(report.nodeid.partition("::")[0]).stem for report in skipped]
    reasons = {
        (needed.get(file), report.longrepr[2].removeprefix("Skipped: "))
        for file, report in zip(files, skipped, strict=True)
    }
    for where, reason in sorted((where, reason) for where, reason in reasons if where):
        terminalreporter.write_line(f"NOT TRIED {where}: {reason}", yellow=True, bold=True)


@pytest.fixture(scope="session")
def long(request):
    """Whether the tests in the browser take their time."""
    return request.config.getoption("long")
