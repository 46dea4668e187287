"""Run every notebook as Colab would: alone in an empty folder, in Colab's package set, the suite cloned by its setup.

    .venv-colab/bin/python -m tools.colab

The release is a bare repository made from HEAD; `google.colab` is an empty package. Nothing may be installed meanwhile.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tools import project

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
    """Run one notebook in a folder that holds nothing else; its outputs must be those that are committed."""
    folder.mkdir()
    shutil.copy(path, folder)
    sanitize = ["--nbval-sanitize-with", str(project.ROOT / "tests" / "nbval_sanitize.cfg")]
    command = [sys.executable, "-m", "pytest", *NBVAL, *sanitize, "--rootdir", str(folder), path.name]
    return subprocess.run(command, cwd=folder, env=environment).returncode


def installed() -> str:
    return subprocess.run([sys.executable, "-m", "pip", "freeze"], check=True, capture_output=True, text=True).stdout


def main() -> None:
    before = installed()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths = {"QUANTLIB_REPOSITORY": release(folder), "PYTHONPATH": str(fake_colab(folder))}
        environment = os.environ | paths
        failed = [p.name for p in project.notebooks() if run_alone(p, folder / p.stem, environment)]
    if failed:
        sys.exit(f"not as committed in Colab's package set: {', '.join(failed)}")
    if installed() != before:
        sys.exit("a notebook installed, upgraded or removed a package")
    print(f"{len(project.notebooks())} notebooks run in Colab's package set, and nothing was installed")


if __name__ == "__main__":
    main()
