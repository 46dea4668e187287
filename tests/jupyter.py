"""A JupyterLab of our own in headless Chromium, for tests and benchmarks that look at real pages."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
SETTINGS = ROOT / "tools" / "lab_settings"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
# JupyterLab's own address of what is open, so that a test need not click through menus.
CURRENT = "window.jupyterapp.shell.currentWidget"


def chromium() -> str | None:
    """Return the path of a Chromium, or None."""
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@contextmanager
def lab(folder: Path) -> Iterator[str]:
    """Serve a folder by JupyterLab on a free port, and give its address."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    options = [
        f"--ServerApp.root_dir={folder}",
        f"--ServerApp.port={port}",
        "--IdentityProvider.token=",
        "--ServerApp.disable_check_xsrf=True",
        "--expose-app-in-browser",
        "--no-browser",
        f"--LabApp.app_settings_dir={SETTINGS}",
        f"--LabApp.workspaces_dir={folder / '.workspaces'}",
        *(["--allow-root"] if os.geteuid() == 0 else []),
    ]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "JUPYTER_CONFIG_DIR": str(folder / ".config")}
    log = (folder / "lab.log").open("wb")
    server = subprocess.Popen(
        [sys.executable, "-m", "jupyterlab", *options], stdout=log, stderr=log, env=environment, cwd=folder
    )
    try:
        address = f"http://127.0.0.1:{port}"
        _wait_for(address, server)
        yield address
    finally:
        server.terminate()
        server.wait(timeout=20)
        log.close()


def _wait_for(address: str, server: subprocess.Popen[bytes]) -> None:
    for _ in range(240):
        if server.poll() is not None:
            raise RuntimeError(f"JupyterLab ended with status {server.returncode}")
        try:
            urllib.request.urlopen(f"{address}/api", timeout=2)
            return
        except OSError:
            time.sleep(0.25)
    raise TimeoutError("JupyterLab did not answer within a minute")


@contextmanager
def browser_page(width: int = 1280, height: int = 900) -> Iterator[Page]:
    """Open an empty page in headless Chromium."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        page = browser.new_page(viewport={"width": width, "height": height})
        page.set_default_timeout(60_000)
        yield page
        browser.close()


def open_notebook(page: Page, address: str, name: str) -> None:
    """Open a notebook and wait until its kernel is ready."""
    page.goto(f"{address}/lab/tree/{name}?reset")  # with nothing else open
    page.wait_for_selector(".jp-NotebookPanel .jp-Cell")
    page.wait_for_function(f"{CURRENT}?.sessionContext?.session?.kernel?.status === 'idle'")
    # All cells are rendered, so that a test can find those that are out of sight.
    page.evaluate(f"{CURRENT}.content.notebookConfig = {{...{CURRENT}.content.notebookConfig, windowingMode: 'none'}}")


def run_all(page: Page, timeout: float = 120) -> list[str]:
    """Run every cell, wait for the last, and return the texts of the errors."""
    page.evaluate("window.jupyterapp.commands.execute('notebook:run-all-cells')", None)
    idle = f"{CURRENT}.sessionContext.session.kernel.status === 'idle'"
    page.wait_for_function(
        f"{idle} && {CURRENT}.content.widgets.filter(c => c.model.type === 'code' && c.model.sharedModel.source.trim())"
        ".every(c => c.model.executionCount !== null)",
        timeout=timeout * 1000,
    )
    page.wait_for_timeout(500)
    return page.locator('.jp-RenderedText[data-mime-type="application/vnd.jupyter.error"]').all_inner_texts()


def sliders(page: Page) -> list[str]:
    """Return the labels of all sliders on the page, in order."""
    return page.locator(".widget-slider .widget-label").all_inner_texts()
