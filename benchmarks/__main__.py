"""Measure, and write benchmarks/results.csv and BENCHMARKS.md.

    python -m benchmarks                everything
    python -m benchmarks core memory    some parts; of the others, what was measured before stays
    python -m benchmarks --page         nothing: only the page is written again
    python -m benchmarks --quick        everything, hardly repeated, into build/benchmarks: only to see that it runs

Run it while nothing else runs.
"""

import argparse
import sys
from pathlib import Path

from benchmarks import (
    calibration,
    core,
    formats,
    gpu,
    grading,
    imports,
    latency,
    learners,
    memory,
    networks,
    notebooks,
    table,
)
from benchmarks.page import page
from tools import project

PARTS = {
    "core": core.measure,
    "memory": memory.measure,
    "imports": imports.measure,
    "notebooks": notebooks.measure,
    "calibration": calibration.measure,
    "formats": formats.measure,
    "networks": networks.measure,
    "gpu": gpu.measure,
    "grading": grading.measure,
    "explorers": latency.measure,
    "learners": learners.measure,
}


def measure(part: str, before: list[table.Row], quick: bool) -> list[table.Row]:
    """Return the rows with those of a part measured anew, unless this machine cannot measure it."""
    found = []
    for row in PARTS[part](quick):
        print(*row[1:6], sep="  ", flush=True)
        found.append(row)
    if not found:
        return before
    return sorted([row for row in before if row.part != part] + found, key=lambda row: list(PARTS).index(row.part))


def write(rows: list[table.Row], results: Path, text: Path) -> None:
    results.parent.mkdir(parents=True, exist_ok=True)
    table.write(rows, results)
    text.write_text(page(table.read(results)), encoding="utf-8", newline="\n")


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("part", nargs="*", help=f"default: all of {', '.join(PARTS)}")
    parser.add_argument("--page", action="store_true", help="only write the page again")
    parser.add_argument("--quick", action="store_true", help="see that it runs; the numbers go to build/benchmarks")
    options = parser.parse_args(arguments)
    if unknown := set(options.part) - set(PARTS):
        parser.error(f"{', '.join(sorted(unknown))}: no such part; the parts are {', '.join(PARTS)}")
    scratch = project.ROOT / "build" / "benchmarks"
    files = (scratch / table.FILE.name, scratch / PAGE.name) if options.quick else (table.FILE, PAGE)
    rows = [] if options.quick else table.read()
    for part in [] if options.page else options.part or PARTS:
        rows = measure(part, rows, options.quick)
        write(rows, *files)
    write(rows, *files)


PAGE = project.ROOT / "BENCHMARKS.md"

if __name__ == "__main__":
    main(sys.argv[1:])
