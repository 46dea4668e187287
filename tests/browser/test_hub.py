"""Two learners on a JupyterHub: each logs in, opens notebook 01 and moves a slider. Only with --long."""

import os
import shutil
import subprocess
import sys
import time
import urllib.request
from importlib.util import find_spec

import pytest
from playwright.sync_api import expect

from tests.helpers.jupyter import ROOT, JupyterLab, browser, chromium, free_port
from tools import copies

CONFIG = """
from pathlib import Path

class Local(__import__("jupyterhub.spawner").spawner.SimpleLocalProcessSpawner):
    home_dir_template = {folder!r} + "/{{username}}"

c.JupyterHub.authenticator_class = "dummy"
c.Authenticator.allow_all = True
c.JupyterHub.spawner_class = Local
c.JupyterHub.bind_url = "http://127.0.0.1:{port}"
c.JupyterHub.hub_port = {hub}
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:{api}"
c.JupyterHub.db_url = "sqlite://"
c.Spawner.cmd = [{python!r}, "-m", "jupyterhub.singleuser"]
c.Spawner.args = ["--allow-root", "--LabApp.expose_app_in_browser=True"]
c.Spawner.http_timeout = 120
c.Spawner.environment = {environment!r}
"""
MOVES = ("ada", "ArrowLeft", "3.4"), ("bob", "ArrowRight", "3.6")  # both begin at 3.5
LAB = JupyterLab()


@pytest.fixture
def hub(long, tmp_path):
    """The address of a hub on which ada and bob have their copies of the notebooks."""
    if not long:
        pytest.skip("a hub is only tried with --long")
    if chromium() is None or find_spec("jupyterhub") is None or shutil.which("configurable-http-proxy") is None:
        pytest.skip("Chromium, jupyterhub (PyPI) or configurable-http-proxy (npm) is not installed")
    for name, *_ in MOVES:
        (tmp_path / name).mkdir()
        copies.prepare(copies=tmp_path / name / "notebooks")
    port, hub_port, api = (free_port() for _ in range(3))
    kernels = {"PYTHONPATH": str(ROOT)}
    config = tmp_path / "config.py"
    config.write_text(
        CONFIG.format(
            folder=str(tmp_path), port=port, hub=hub_port, api=api, python=sys.executable, environment=kernels
        )
    )
    command = [sys.executable, "-m", "jupyterhub", "--config", str(config)]
    with (tmp_path / "hub.log").open("wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, cwd=tmp_path)
        try:
            yield answered(f"http://127.0.0.1:{port}", server)
        finally:
            server.terminate()
            server.wait(timeout=60)


def answered(address, server):
    for _ in range(600):
        assert server.poll() is None, "the hub ended"
        try:
            urllib.request.urlopen(f"{address}/hub/api", timeout=2)
            return address
        except OSError:
            time.sleep(0.1)
    raise TimeoutError("the hub did not answer within a minute")


def test_two_learners_each_move_a_slider_of_their_own(hub):
    opened = {}
    with browser(1366, 900) as context:
        for name, *_ in MOVES:
            own = context.browser.new_context(viewport={"width": 1366, "height": 900})  # cookies of one's own
            own.set_default_timeout(60_000)
            page = opened[name] = own.new_page()
            page.goto(f"{hub}/hub/login?next=/hub/user-redirect/lab/tree/notebooks/01_affine_formula.ipynb")
            page.fill("input[name=username]", name)
            page.fill("input[name=password]", "any")
            page.click("input[type=submit]")
            page.wait_for_function("window.jupyterapp")
            page.wait_for_selector(".jp-NotebookPanel .jp-Cell")
            page.wait_for_function(LAB.idle)
            assert LAB.run_all(page) == []
        for name, key, _ in MOVES:
            explorer(opened[name]).locator(LAB.handle).first.press(key)
        for name, _, scale in MOVES:
            expect(explorer(opened[name]).locator("p[role=status]")).to_contain_text(f"s = {scale} ", timeout=60_000)
            if folder := os.getenv("SCREENSHOTS"):
                opened[name].screenshot(path=f"{folder}/{name}.png")


def explorer(page):
    """Return the explorer of T."""
    cell = next(k for k, cell in enumerate(LAB.cells(page)) if "lab.explore_affine(T" in cell["text"])
    found = LAB.outputs(page, cell)
    found.scroll_into_view_if_needed()
    return found
