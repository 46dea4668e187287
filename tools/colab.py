"""Run every notebook as Colab would: in a folder without the suite, in Colab's package set, cloned by its setup cell.

    .venv-colab/bin/python -m tools.colab           each alone, compared with what is committed; then in a browser
    .venv-colab/bin/python -m tools.colab --long    only in the browser, in the classic notebook, at length

The release is a bare repository made from HEAD; `google.colab` is an empty package. The first notebook is run once more
without a repository, beside the wheel. Nothing may be installed meanwhile.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from tools import project, wheel

# What does not depend on the front end is tried in JupyterLab alone, unless the run is long.
IN_JUPYTERLAB = "keyboard or laptop or every_button or says_its_message or left_alone or wrong_answer or hunt"
NBVAL = ["--nbval", "--nbval-current-env", "--nbval-cell-timeout=60", "-p", "no:cacheprovider"]


def release(folder: Path) -> str:
    """Make a bare repository of HEAD with the release's tag, and return its address."""
    bare = folder / "release.git"
    subprocess.run(["git", "clone", "--quiet", "--bare", str(project.ROOT), str(bare)], check=True)
    subprocess.run(["git", "tag", "--force", f"v{project.version()}"], cwd=bare, check=True, capture_output=True)
    return f"file://{bare}"


def fake_colab(folder: Path) -> Path:
    """Make an empty package google.colab, and return the folder to import it from."""
    package = folder / "preloaded" / "google" / "colab"
    package.mkdir(parents=True)
    for init in (package, package.parent):
        (init / "__init__.py").touch()
    return folder / "preloaded"


def run_alone(path: Path, folder: Path, environment: dict[str, str]) -> int:
    """Run one notebook in a new folder that holds nothing else; its outputs must be those that are committed."""
    folder = folder / path.stem
    folder.mkdir()
    shutil.copy(path, folder)
    return run(path, folder, environment)


def run_beside_wheel(path: Path, folder: Path, environment: dict[str, str]) -> int:
    """Run one notebook in a new folder that holds it and the wheel alone, and with no repository to clone."""
    folder = folder / "wheel"
    wheel.build(folder)
    shutil.copy(path, folder)
    return run(path, folder, environment | {"QUANTLIB_REPOSITORY": ""})


def run(path: Path, folder: Path, environment: dict[str, str]) -> int:
    """Run the copy of a notebook in a folder, and compare its outputs with what is committed."""
    sanitize = ["--nbval-sanitize-with", str(project.ROOT / "tests" / "helpers" / "nbval_sanitize.cfg")]
    command = [sys.executable, "-m", "pytest", *NBVAL, *sanitize, "--rootdir", str(folder), path.name]
    done = subprocess.run(command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    print(done.stdout.decode(), flush=True)  # whole, since others run at the same time
    return done.returncode


def run_in_browser(folder: Path, environment: dict[str, str], long: bool) -> int:
    """Try every notebook in the classic notebook, in a real browser; the tests say so where there is no browser."""
    options = ["-p", "no:cacheprovider", "-o", "filterwarnings=", "--disable-warnings"]  # of packages as old as Colab's
    place = ["--basetemp", str(folder / "browser"), *(["--long"] if long else [])]
    tests = ["tests/browser/test_browser.py"]
    tests += [] if long else ["tests/browser/test_student.py", "-k", f"not ({IN_JUPYTERLAB})"]
    command = [sys.executable, "-m", "pytest", "--numprocesses=auto", *options, *place, *tests]
    return subprocess.run(command, cwd=project.ROOT, env=environment).returncode


def installed() -> str:
    return subprocess.run([sys.executable, "-m", "pip", "freeze"], check=True, capture_output=True, text=True).stdout


def failures(long: bool) -> list[str]:
    """Name what is not as it should be."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths = {"QUANTLIB_REPOSITORY": release(folder), "PYTHONPATH": str(fake_colab(folder))}
        environment = os.environ | paths
        alone = [] if long else project.notebooks() + project.releases()
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            statuses = pool.map(partial(run_alone, folder=folder, environment=environment), alone)
        failed = [f"{path.name}, run alone" for path, status in zip(alone, statuses, strict=True) if status]
        if alone and run_beside_wheel(alone[0], folder, environment):
            failed.append(f"{alone[0].name}, run beside the wheel")
        return failed + (["the notebooks in a browser"] if run_in_browser(folder, environment, long) else [])


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tools.colab")
    parser.add_argument("--long", action="store_true", help="only in the browser, at length")
    before, failed = installed(), failures(parser.parse_args().long)
    if failed:
        sys.exit(f"not as it should be in Colab's package set: {'; '.join(failed)}")
    if installed() != before:
        sys.exit("a notebook installed, upgraded or removed a package")
    count = len(project.notebooks() + project.releases())
    print(f"{count} notebooks run in Colab's package set, and nothing was installed")


if __name__ == "__main__":
    main()
