"""What the tests in a browser share in one process: a front end, a browser, and the pages that show notebooks."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.helpers.jupyter import browser, chromium, front_end
from tools import copies


@dataclass
class Served:
    """A front end that serves a folder.

    page: where notebooks are opened, one at a time. complaints: what it has complained of, whatever is open.
    reader: a page in which no cell was ever run.
    """

    address: str
    folder: Path
    page: Page
    reader: Page
    complaints: list[str] = field(default_factory=list)


@pytest.fixture(scope="session")
def context():
    """A browser, of which a process can have only one."""
    if chromium() is None:
        pytest.skip("no Chromium was found")
    with browser() as context:
        yield context


@pytest.fixture(scope="session")
def served(tmp_path_factory, context):
    """A front end that serves a learner's copies of all notebooks."""
    front = front_end()
    if front is None:
        pytest.skip("neither JupyterLab nor the classic notebook 6 is installed")
    folder = tmp_path_factory.mktemp("learner")
    copies.prepare(copies=folder)
    with front.serve(folder) as address:
        served = Served(address, folder, context.new_page(), context.new_page())

        def hear(text: str) -> None:
            served.complaints.extend([] if text.startswith(front.noise) else [text])

        served.page.on("console", lambda message: hear(message.text) if message.type == "error" else None)
        served.page.on("pageerror", lambda error: hear(str(error)))
        yield served
