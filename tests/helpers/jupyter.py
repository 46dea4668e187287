"""The programs in which a learner opens the notebooks, in headless Chromium: for tests and benchmarks of real pages.

JupyterLab and the classic notebook differ in what their pages are made of, and in nothing that a learner does there.
"""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from playwright.sync_api import BrowserContext, Error, Locator, Page, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = ROOT / "tools" / "lab_settings"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]


def chromium() -> str | None:
    """Return the path of a Chromium, or None."""
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def free_port() -> int:
    """Return a port of this machine that nobody listens on."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


@contextmanager
def browser(width: int = 1280, height: int = 900) -> Iterator[BrowserContext]:
    """Start headless Chromium. Its pages share one cache, so that only the first one loads a front end's code."""
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        context = running.new_context(viewport={"width": width, "height": height})
        context.set_default_timeout(60_000)
        yield context
        running.close()


@contextmanager
def browser_page(width: int = 1280, height: int = 900) -> Iterator[Page]:
    """Open an empty page in headless Chromium."""
    with browser(width, height) as context:
        yield context.new_page()


class FrontEnd(ABC):
    """A program that shows notebooks, run by this interpreter. A page is always that of one open notebook."""

    package: str
    # CSS: a cell, the editor and all outputs in it, the handle of a slider, the outputs of errors and of warnings.
    cell: str
    editor: str
    output: str
    handle: str
    error: str
    stderr: str
    # JavaScript: every cell as {kind, text, count}, whether nothing runs, how to run all, how to restart the kernel.
    cells_now: str
    idle: str
    run_every_cell: str
    restart: str
    noise: tuple[str, ...] = ()  # beginnings of what it complains of itself, whatever the notebook

    @abstractmethod
    def command(self, folder: Path, port: int) -> list[str]:
        """Return the module and the options that serve a folder."""

    @abstractmethod
    def load(self, page: Page, address: str, name: str) -> None:
        """Load a notebook, in place of one that is open, and wait until its kernel is ready."""

    @abstractmethod
    def save(self, page: Page) -> None:
        """Save the notebook and wait until it is on the disk."""

    def __str__(self) -> str:
        return f"{self.package} {version(self.package)} with ipywidgets {version('ipywidgets')}"

    @contextmanager
    def serve(self, folder: Path) -> Iterator[str]:
        """Serve a folder on a free port, and give its address. Nothing is written outside of the folder.

        A release to clone may be named by QUANTLIB_REPOSITORY; else the kernels find the quantlib of this project.
        """
        port = free_port()
        found = {} if "QUANTLIB_REPOSITORY" in os.environ else {"PYTHONPATH": str(ROOT)}
        own = {f"JUPYTER_{kind}_DIR": str(folder / f".{kind}") for kind in ("CONFIG", "DATA", "RUNTIME")}
        root = ["--allow-root"] if os.geteuid() == 0 else []
        command = [sys.executable, "-m", *self.command(folder, port), "--no-browser", *root]
        with (folder / ".server.log").open("wb") as log:
            server = subprocess.Popen(command, stdout=log, stderr=log, env=os.environ | found | own, cwd=folder)
            try:
                address = f"http://127.0.0.1:{port}"
                _wait_for(address, server)
                yield address
            finally:
                server.terminate()
                server.wait(timeout=20)

    def open(self, page: Page, address: str, name: str) -> None:
        """Open a notebook in a page, in place of one that is open there, and wait until its kernel is ready."""
        page.bring_to_front()  # a page behind another is drawn once a second
        self.load(page, address, name)

    def cells(self, page: Page) -> list[dict[str, Any]]:
        """Return every cell as a dictionary: its kind, its text, and its execution count or None."""
        return page.evaluate(self.cells_now)

    def run_all(self, page: Page, timeout: float = 120) -> list[str]:
        """Run every cell, wait for the last, and return the texts of the errors.

        The counts beside the cells must be those of this kernel, or none: with those of another it would wait in vain.
        """
        before = [cell["count"] for cell in self.cells(page)]
        page.evaluate(self.run_every_cell)
        ran = "(c, k) => c.kind !== 'code' || !c.text.trim() || ![null, before[k]].includes(c.count)"
        all_ran = f"before => {self.idle} && {self.cells_now}.every({ran})"
        page.wait_for_function(all_ran, arg=before, timeout=timeout * 1000)
        page.evaluate("new Promise(drawn => requestAnimationFrame(() => requestAnimationFrame(drawn)))")
        return page.locator(self.error).all_inner_texts()

    def outputs(self, page: Page, k: int) -> Locator:
        """Return what holds the outputs of cell k."""
        return page.locator(self.cell).nth(k).locator(self.output)

    def write(self, page: Page, k: int, text: str) -> None:
        """Type a text into the editor of cell k, in place of what is there."""
        page.locator(self.cell).nth(k).locator(self.editor).click()
        page.keyboard.press("ControlOrMeta+A")
        page.keyboard.insert_text(text)
        typed = self.cells(page)[k]["text"]
        assert typed == text, f"the editor of cell {k} holds {typed!r}"

    def write_text(self, page: Page, k: int, text: str) -> None:
        """Type prose into cell k, whose Markdown is shown as a page until it is double-clicked."""
        page.locator(self.cell).nth(k).dblclick()
        self.write(page, k, text)

    def run(self, page: Page, k: int) -> None:
        """Run cell k from its editor by keyboard, and wait until it is done."""
        before = self.cells(page)[k]["count"]
        page.locator(self.cell).nth(k).locator(self.editor).click()
        page.keyboard.press("Control+Enter")
        now = f"{self.cells_now}[{k}].count"
        page.wait_for_function(f"before => {self.idle} && {now} !== null && {now} !== before", arg=before)

    def end_kernels(self, page: Page, address: str) -> None:
        """End every kernel that the server has started."""
        for session in page.request.get(f"{address}/api/sessions").json():
            page.request.delete(f"{address}/api/sessions/{session['id']}")


class JupyterLab(FrontEnd):
    """JupyterLab 4: its own JavaScript says what is open, so that no test need click through menus."""

    package = "jupyterlab"
    cell = ".jp-Notebook .jp-Cell"
    editor = ".jp-InputArea .cm-content"
    output = ".jp-OutputArea"
    handle = ".noUi-handle"
    error = '.jp-RenderedText[data-mime-type="application/vnd.jupyter.error"]'
    stderr = '.jp-RenderedText[data-mime-type="application/vnd.jupyter.stderr"]'
    _current = "window.jupyterapp.shell.currentWidget"
    cells_now = (
        f"{_current}.content.widgets.map(c => ({{kind: c.model.type, text: c.model.sharedModel.source, "
        "count: c.model.executionCount ?? null}))"
    )
    idle = f"{_current}?.sessionContext?.session?.kernel?.status === 'idle'"
    run_every_cell = "void window.jupyterapp.commands.execute('notebook:run-all-cells')"
    restart = f"{_current}.sessionContext.session.kernel.restart()"
    # What it still asked a kernel that was restarted.
    noise = ("Could not restore the debugger state: Canceled future", "Error: Canceled future for")
    _open_alone = """async name => {
        const { restored, shell, commands } = window.jupyterapp;
        await restored;
        [...shell.widgets('main')].forEach(widget => widget.dispose());
        await commands.execute('docmanager:open', { path: name });
    }"""

    def command(self, folder: Path, port: int) -> list[str]:
        # All cells are drawn, so that a test can find those that are out of sight.
        tracker = folder / ".settings" / "@jupyterlab" / "notebook-extension" / "tracker.jupyterlab-settings"
        tracker.parent.mkdir(parents=True)
        tracker.write_text('{"windowingMode": "none"}')
        return [
            "jupyterlab",
            f"--ServerApp.root_dir={folder}",
            f"--ServerApp.port={port}",
            "--IdentityProvider.token=",
            "--ServerApp.disable_check_xsrf=True",
            "--expose-app-in-browser",
            f"--LabApp.app_settings_dir={SETTINGS}",
            f"--LabApp.user_settings_dir={folder / '.settings'}",
            f"--LabApp.workspaces_dir={folder / '.workspaces'}",
        ]

    def load(self, page: Page, address: str, name: str) -> None:
        # Its own code takes longer to load than a notebook to run, so that a page loads it once.
        if not page.url.startswith(f"{address}/lab"):
            page.goto(f"{address}/lab?reset")
            page.wait_for_function("window.jupyterapp")
        try:
            page.evaluate(self._open_alone, name)
        except Error:  # it was just loading itself once more, without "reset"
            page.wait_for_function("window.jupyterapp")
            page.evaluate(self._open_alone, name)
        page.wait_for_selector(".jp-NotebookPanel .jp-Cell")
        page.wait_for_function(self.idle)

    def save(self, page: Page) -> None:
        page.evaluate("window.jupyterapp.commands.execute('docmanager:save')")
        page.wait_for_function(f"!{self._current}.context.model.dirty")


class Classic(FrontEnd):
    """The classic notebook 6. With ipywidgets 7 it is the nearest thing to Colab that runs anywhere."""

    package = "notebook"
    cell = "#notebook-container > .cell"
    editor = ".CodeMirror"
    output = ".output"
    handle = ".ui-slider-handle"
    error = ".output_error"
    stderr = ".output_stderr"
    cells_now = (
        "Jupyter.notebook.get_cells().map(c => ({kind: c.cell_type, text: c.get_text(), "
        "count: typeof c.input_prompt_number === 'number' ? c.input_prompt_number : null}))"
    )
    idle = (
        "Boolean(window.Jupyter?.notebook?.kernel?.is_connected()) && !document.querySelector('.code_cell.running') "
        "&& !document.querySelector('.kernel_busy_icon')"
    )
    run_every_cell = "Jupyter.notebook.execute_all_cells()"
    restart = "void Jupyter.notebook.kernel.restart()"
    # Its own search for a mathematical font.
    noise = ("Access to font at 'about:blank'", "Failed to load resource: net::ERR_FAILED")

    def command(self, folder: Path, port: int) -> list[str]:
        return [
            "notebook",
            f"--NotebookApp.notebook_dir={folder}",
            f"--NotebookApp.port={port}",
            "--NotebookApp.token=",
            "--NotebookApp.disable_check_xsrf=True",
        ]

    def load(self, page: Page, address: str, name: str) -> None:
        # The code of ipywidgets first asks the kernel for its widgets, in two ways, of which ipywidgets 7.7.1 knows the
        # second. A widget that comes meanwhile is never shown.
        with page.expect_console_message(lambda message: "fallback to fetching individual model" in message.text):
            page.goto(f"{address}/notebooks/{name}")
        page.wait_for_function(f"{self.idle} && Jupyter.notebook.kernel.widget_manager")
        page.evaluate("new Promise(done => Jupyter.notebook.kernel.comm_info('jupyter.widget', () => done()))")

    def save(self, page: Page) -> None:
        page.evaluate("Jupyter.notebook.save_notebook()")
        page.wait_for_function("!Jupyter.notebook.dirty")


def front_end() -> FrontEnd | None:
    """Return the front end of this environment: JupyterLab, else the classic notebook 6, else none."""
    if _installed("jupyterlab"):
        return JupyterLab()
    return Classic() if _installed("notebook").startswith("6.") else None


def _installed(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _wait_for(address: str, server: subprocess.Popen[bytes]) -> None:
    for _ in range(1200):
        if server.poll() is not None:
            raise RuntimeError(f"the server ended with status {server.returncode}")
        try:
            urllib.request.urlopen(f"{address}/api", timeout=2)
            return
        except OSError:
            time.sleep(0.05)
    raise TimeoutError("the server did not answer within a minute")
