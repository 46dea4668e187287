"""Build the project's wheel into dist/: beside a notebook, it is all that the notebook needs where there is no project.

python -m tools.wheel
"""

import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tools import project

DIST = project.ROOT / "dist"
_PIP = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]  # torch brings setuptools


def build(folder: Path = DIST) -> Path:
    """Build the wheel in a copy, which holds nothing of an earlier build, and return its path."""
    with TemporaryDirectory() as name:
        copy = Path(name) / "project"
        shutil.copytree(project.ROOT / "quantlib", copy / "quantlib", ignore=shutil.ignore_patterns("__pycache__"))
        for file in ("pyproject.toml", "README.md", "LICENSE"):
            shutil.copy(project.ROOT / file, copy)
        subprocess.run([*_PIP, "--wheel-dir", str(folder), str(copy)], check=True)
    return folder / f"quantization_notebooks-{project.version()}-py3-none-any.whl"


if __name__ == "__main__":
    print(build().relative_to(project.ROOT))
