"""What holds for every test: property tests draw the same examples in every run, and no clock can fail them."""

import pytest
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling

settings.register_profile("fast", derandomize=True, deadline=None, max_examples=50)
settings.load_profile("fast")


def pytest_addoption(parser):
    parser.addoption("--long", action="store_true", help="walk further in the browser, draw 300 seeds")


# What takes longest begins first, so that no process is left alone with it in the end.
LONGEST = ["test_student", "test_corpus", "test_browser", "test_box", "test_hostile"]
IN_A_BROWSER = ("test_browser.py", "test_student.py")


class Together(LoadScopeScheduling):
    """Runs the tests of a file, in the browser of a notebook, in one process: they share what takes long to make."""

    def _split_scope(self, nodeid: str) -> str:
        file, _, test = nodeid.partition("::")
        return test.partition("[")[2] if file.endswith(IN_A_BROWSER) else file


def pytest_xdist_make_scheduler(config, log):
    config.option.loadscopereorder = False  # it would begin with the files of the most tests
    return Together(config, log)


def pytest_collection_modifyitems(items):
    place = {name: k for k, name in enumerate(LONGEST)}
    items.sort(key=lambda item: place.get(item.path.stem, len(LONGEST)))


def pytest_terminal_summary(terminalreporter):
    """Say in words what was not tried, which a few letters among a thousand dots do not."""
    needed = {"test_browser": "IN A BROWSER", "test_student": "AS A STUDENT DOES"}
    needed |= dict.fromkeys(("test_box", "test_corpus"), "IN A SANDBOX")
    skipped = terminalreporter.stats.get("skipped", [])
    reasons = {
        (needed.get(r.nodeid.partition("::")[0][6:-3]), r.longrepr[2].removeprefix("Skipped: ")) for r in skipped
    }
    for where, reason in sorted((where, reason) for where, reason in reasons if where):
        terminalreporter.write_line(f"NOT TRIED {where}: {reason}", yellow=True, bold=True)


@pytest.fixture(scope="session")
def long(request):
    """Whether the tests in the browser take their time."""
    return request.config.getoption("long")
