"""Mutation testing: change the maths a little, some 2,500 times, and see that a test fails each time.

    python -m tools.mutants                 every module of the maths
    python -m tools.mutants affine aciq     the named ones

mutmut makes the mutants, and runs for each of them the tests that reach the changed function. It works on a copy in
build/mutants. The run fails where a mutant survives. A change that no test can see is marked in the code, with its
reason: `# pragma: no mutate, …` spares a line, `block` one function, `start` to `end` what is between.

mutmut changes functions and methods; constants at the level of a module stay as they are. It passes decorated functions
by, so the copy goes without its caches, which are there for speed alone.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from tools import project

SCRATCH = project.ROOT / "build" / "mutants"
NEEDED = ("quantlib", "tests", "benchmarks", "docs", "pyproject.toml")
# Children are forked, and a fork loses the threads of torch: an operation that waits for one would wait forever.
# The seed of the hashes makes the order of the tests, and with it the result, the same in every run.
ENVIRONMENT = {"OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "0"}
CONFIGURATION = """
[tool.mutmut]
source_paths = ["quantlib"]
also_copy = ["benchmarks", "docs"]
only_mutate = {files}
pytest_add_cli_args_test_selection = ["tests/maths"]
# These three only cost time here: half of it goes into the collection of garbage after each run.
pytest_add_cli_args = ["-p", "no:unraisableexception", "-p", "no:threadexception", "-p", "no:cacheprovider"]
process_isolation = "forkserver" # the children come from a process that never ran a test
timeout_multiplier = 4.0
timeout_constant = 5.0
use_git_change_detection = false
"""
HYPOTHESIS = """

# Fewer examples, and none that fails is made small: only that it fails counts here.
from hypothesis import Phase  # noqa: E402

phases = (Phase.explicit, Phase.generate)
settings.register_profile("mutants", settings.get_profile("fast"), max_examples=20, phases=phases)
settings.load_profile("mutants")
"""


def modules() -> dict[str, Path]:
    """Give the files of the maths by name: those in quantlib/ itself, in calibration/, formats/ and networks/."""
    package = project.ROOT / "quantlib"
    paths = [path for folder in (".", "calibration", "formats", "networks") for path in package.glob(f"{folder}/*.py")]
    return {path.stem: path for path in sorted(paths) if path.stem != "__init__"}


def prepare(paths: list[Path]) -> None:
    """Copy what the tests of the maths need, without caches, and write mutmut's configuration."""
    shutil.rmtree(SCRATCH, ignore_errors=True)
    SCRATCH.mkdir(parents=True)
    for name in NEEDED:
        source = project.ROOT / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, SCRATCH / name)
    files = [path.relative_to(project.ROOT).as_posix() for path in paths]
    for file in files:
        text = (SCRATCH / file).read_text(encoding="utf-8")
        (SCRATCH / file).write_text(without_caches(text), encoding="utf-8")
    append("pyproject.toml", CONFIGURATION.format(files=files))
    append("tests/conftest.py", HYPOTHESIS)


def append(name: str, text: str) -> None:
    with (SCRATCH / name).open("a", encoding="utf-8") as file:
        file.write(text)


def without_caches(source: str) -> str:
    return re.sub(r"^@(functools\.)?(lru_)?cache(\(.*\))?\n", "", source, flags=re.MULTILINE)


def mutmut(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "mutmut", *arguments], cwd=SCRATCH, env=os.environ | ENVIRONMENT, check=True)


def results() -> dict[str, str]:
    """Give what became of each mutant, by its name, such as quantlib.affine.x_quantize__mutmut_3."""
    command = [sys.executable, "-m", "mutmut", "results", "--all", "true"]
    said = subprocess.run(command, cwd=SCRATCH, check=True, text=True, capture_output=True).stdout
    return dict(line.strip().rsplit(": ", 1) for line in said.splitlines() if "__mutmut_" in line)


def survivors(jobs: int) -> list[str]:
    """Run every mutant, and name those that survive.

    A time-out kills nobody: it is repeated alone, as is any other odd end, and only then believed.
    """
    mutmut("run", "--max-children", str(jobs))
    for name in [name for name, status in results().items() if status not in {"killed", "survived", "no tests"}]:
        mutmut("run", "--max-children", "1", name)
    return [name for name, status in results().items() if status not in {"killed", "timeout", "segfault"}]


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m tools.mutants")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="mutants at a time")
    parser.add_argument("module", nargs="*", help="default: every module of the maths")
    options, known = parser.parse_args(arguments), modules()
    if unknown := set(options.module) - set(known):
        parser.error(f"{', '.join(sorted(unknown))}: no such module; the modules are {', '.join(known)}")
    prepare([known[name] for name in options.module or known])
    alive = survivors(options.jobs)
    for name in alive:
        mutmut("show", name)
    print(f"{len(results()) - len(alive)} of {len(results())} mutants were killed.")
    sys.exit(bool(alive))


if __name__ == "__main__":
    main(sys.argv[1:])
