# @title Setup: finds quantlib in a folder above, or installed, or clones it once. It installs nothing.
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

os.environ.setdefault("GOMP_SPINCOUNT", "1000")  # on Linux, waiting threads of torch soon leave the cores to others
address = os.getenv("QUANTLIB_REPOSITORY", "ADDRESS")
clone = Path.cwd() / "quantization-notebooks-vVERSION"
folders = [folder for folder in (Path.cwd(), *Path.cwd().parents, clone) if (folder / "quantlib/affine.py").exists()]
if not folders and not find_spec("quantlib"):
    if "_" in address.partition("github.com/")[2].partition("/")[0]:
        raise RuntimeError("This copy does not know where its project lives: open it inside the project's folder.")
    git = ["git", "-c", "advice.detachedHead=false", "clone", "--quiet", "--depth=1", "--branch=vVERSION"]
    if subprocess.run([*git, address, str(clone)]).returncode:
        raise RuntimeError(f"quantlib could not be cloned from {address}: is there a network, and the tag vVERSION?")
    folders = [clone]
sys.path[:0] = map(str, folders[:1])
