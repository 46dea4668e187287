"""Mutation testing: change the maths a little, in about a thousand ways, and see that a test fails each time.

    python -m tools.mutants              every module of the maths
    python -m tools.mutants affine       the named ones

mutmut makes the mutants, and runs for each of them the tests that reach the changed function. It works on a copy in
build/mutants. The run fails where fewer than 95% are killed, or where a survivor stands without its reason in
docs/survivors.md. A time-out kills nobody: it is repeated alone, and only then believed.

mutmut changes functions and methods; constants at the level of a module stay as they are. It passes decorated functions
by, so the copy goes without its caches, which are there for speed alone.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from typing import NamedTuple

from tools import generate, project

WANTED = 95  # percent
SCRATCH = project.ROOT / "build" / "mutants"
SURVIVORS = project.ROOT / "docs" / "survivors.md"
_ABOVE = re.compile(r"(tools|jupyter|quantlib[.](lab|misconceptions)|quantlib import)\b")
NOT_MATHS = {"__init__", "misconceptions"}
NEEDED = ("quantlib", "tests", "benchmarks", "docs", "pyproject.toml")
KILLED_ALONE = {"killed", "timeout", "segfault"}  # a mutant that stops the tests when it is alone would stop any run
# Children are forked, and a fork loses the threads of torch: an operation that waits for one would wait forever.
# The seed of the hashes makes the order of the tests, and with it the result, the same in every run.
ENVIRONMENT = {"OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "0"}
CONFIGURATION = """
[tool.mutmut]
source_paths = ["quantlib"]
also_copy = ["benchmarks", "docs"]
only_mutate = {modules}
pytest_add_cli_args_test_selection = {tests}
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

Key = tuple[str, str]  # "affine · quantize" and the lines that differ: it holds as long as those lines stand


class Mutant(NamedTuple):
    name: str  # mutmut's, such as quantlib.affine.x_quantize__mutmut_3
    status: str

    @property
    def module(self) -> str:
        return self.name.split(".")[1]

    @property
    def place(self) -> str:
        function = self.name.split(".")[2].rpartition("__mutmut_")[0]
        return f"{self.module} · {function[2:].replace('ǁ', '.')}"  # x_quantize, or xǁClassǁmethod


def maths() -> list[str]:
    """Give the modules of the maths: all that stand in quantlib/ itself, but for the collection of mistakes."""
    return sorted({path.stem for path in (project.ROOT / "quantlib").glob("*.py")} - NOT_MATHS)


def tests() -> list[str]:
    """Give the test files of the maths: those that import quantlib, and nothing that stands above the maths."""
    paths = sorted((project.ROOT / "tests").glob("test_*.py"))
    return [f"tests/{path.name}" for path in paths if is_of_maths(path.read_text(encoding="utf-8"))]


def is_of_maths(source: str) -> bool:
    names = re.findall(r"^\s*(?:from|import) (quantlib import (?:lab|misconceptions)|[\w.]+)", source, re.MULTILINE)
    return any(name.startswith("quantlib") for name in names) and not any(_ABOVE.match(name) for name in names)


def prepare(modules: list[str]) -> None:
    """Copy what the tests of the maths need, without caches, and write mutmut's configuration."""
    shutil.rmtree(SCRATCH, ignore_errors=True)
    SCRATCH.mkdir(parents=True)
    for name in NEEDED:
        source = project.ROOT / name
        copy = shutil.copytree if source.is_dir() else shutil.copy
        copy(source, SCRATCH / name)
    for path in (SCRATCH / "quantlib" / f"{module}.py" for module in modules):
        path.write_text(without_caches(path.read_text(encoding="utf-8")), encoding="utf-8")
    paths = [f"quantlib/{module}.py" for module in modules]
    append("pyproject.toml", CONFIGURATION.format(modules=paths, tests=tests()))
    append("tests/conftest.py", HYPOTHESIS)


def append(name: str, text: str) -> None:
    with (SCRATCH / name).open("a", encoding="utf-8") as file:
        file.write(text)


def without_caches(source: str) -> str:
    return re.sub(r"^@(functools\.)?(lru_)?cache(\(.*\))?\n", "", source, flags=re.MULTILINE)


def mutmut(*arguments: str, capture: bool = False) -> str:
    command = [sys.executable, "-m", "mutmut", *arguments]
    result = subprocess.run(
        command, cwd=SCRATCH, env=os.environ | ENVIRONMENT, check=True, text=True, capture_output=capture
    )
    return result.stdout or ""


def results() -> list[Mutant]:
    lines = mutmut("results", "--all", "true", capture=True).splitlines()
    return [Mutant(*line.strip().rsplit(": ", 1)) for line in lines if "__mutmut_" in line]


def run(jobs: int) -> list[Mutant]:
    """Run every mutant, and repeat alone each that neither a test killed nor every test passed."""
    try:
        mutmut("run", "--max-children", str(jobs))
    except subprocess.CalledProcessError:
        sys.exit(f"mutmut stopped. Do the tests pass without a mutant? Try python -m pytest {' '.join(tests())}")
    unclear = [mutant.name for mutant in results() if mutant.status not in {"killed", "survived", "no tests"}]
    for name in unclear:
        mutmut("run", "--max-children", "1", name)
    return [settled(mutant) if mutant.name in unclear else mutant for mutant in results()]


def settled(alone: Mutant) -> Mutant:
    return alone._replace(status="killed" if alone.status in KILLED_ALONE else "survived")


def survivors(mutants: Iterable[Mutant]) -> list[Mutant]:
    return [mutant for mutant in mutants if mutant.status != "killed"]


def key(mutant: Mutant) -> Key:
    return mutant.place, changed(mutmut("show", mutant.name, capture=True))


def changed(diff: str) -> str:
    """Give the lines of a diff that differ, without its head."""
    body = diff.partition("\n@@")[2].splitlines()[1:]
    return "\n".join(line for line in body if line.startswith(("-", "+")))


def explanations(document: str) -> dict[Key, str]:
    """Read the reasons: a heading names the place, and the text below a diff, or below several, is their reason."""
    found: dict[Key, str] = {}
    for section in re.split(r"^## ", document, flags=re.MULTILINE)[1:]:
        place, _, body = section.partition("\n")
        _, *parts = re.split(r"^```diff\n(.*?)\n```$", body, flags=re.MULTILINE | re.DOTALL)
        reason = ""
        for diff, text in reversed(list(zip(parts[::2], parts[1::2], strict=True))):
            reason = text.strip() or reason
            found[place.strip(), diff] = reason
    return found


def table(mutants: list[Mutant]) -> str:
    lines = ["| Module | Mutants | Killed | Survivors | Killed, % |", "|---|---:|---:|---:|---:|"]
    modules = sorted({mutant.module for mutant in mutants})
    lines += [row(module, [m for m in mutants if m.module == module]) for module in modules]
    return "\n".join([*lines, row("all", mutants)])


def row(name: str, mutants: list[Mutant]) -> str:
    alive = len(survivors(mutants))
    killed = len(mutants) - alive
    return f"| {name} | {len(mutants)} | {killed} | {alive} | {100 * killed / len(mutants):.1f} |"


def complaints(mutants: list[Mutant], keys: list[Key], reasons: dict[Key, str]) -> list[str]:
    """Say what is wrong: too few killed, survivors without a reason, reasons without a survivor."""
    found = []
    killed = len(mutants) - len(keys)
    if 100 * killed < WANTED * len(mutants):
        found.append(f"{killed} of {len(mutants)} mutants were killed, and {WANTED}% are wanted.")
    found += [f"No reason is given for this survivor:\n\n{entry(k)}" for k in keys if not reasons.get(k)]
    modules = {mutant.module for mutant in mutants}
    stale = [k for k in reasons if k not in keys and k[0].split(" · ")[0] in modules]
    return found + [f"This reason is stale, no such mutant survives:\n\n{entry(k)}" for k in stale]


def entry(key: Key) -> str:
    """Write a survivor as docs/survivors.md has it, for its reason to be added."""
    return f"## {key[0]}\n\n```diff\n{key[1]}\n```\n"


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m tools.mutants")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="mutants at a time")
    parser.add_argument("module", nargs="*", help="default: every module of the maths")
    options = parser.parse_args(arguments)
    if unknown := set(options.module) - set(maths()):
        parser.error(f"{', '.join(sorted(unknown))}: no such module; the modules are {', '.join(maths())}")
    prepare(options.module or maths())
    mutants = run(options.jobs)
    document = SURVIVORS.read_text(encoding="utf-8")
    if not options.module:
        SURVIVORS.write_text(generate.fill(document, "table", table(mutants)), encoding="utf-8")
    found = complaints(mutants, [key(mutant) for mutant in survivors(mutants)], explanations(document))
    print(f"\n{table(mutants)}", *found, sep="\n\n")
    sys.exit(bool(found))


if __name__ == "__main__":
    main(sys.argv[1:])
