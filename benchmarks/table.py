"""The measurements as rows, and the file that keeps them: benchmarks/results.csv."""

import csv
import platform
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import NamedTuple

import torch

from benchmarks import goals

FILE = Path(__file__).with_name("results.csv")
OURS = "quantlib"


class Row(NamedTuple):
    """One measurement. Rows that agree in part, what and size were measured in turns, and can be compared.

    who: quantlib, a rival, or a limit that nothing can fall below.
    goal: what quantlib may take at most: of this value where it is another's, else itself.
    """

    part: str
    what: str
    size: str
    who: str
    value: float
    unit: str
    goal: float | None
    machine: str
    date: str


def rows(part: str, what: str, size: str, took: Mapping[str, float], unit: str = "s", on: str = "") -> Iterator[Row]:
    """Give a row for each of those who were measured, today and on this machine."""
    for who, value in took.items():
        goal = goals.most(part, what, size, who)
        yield Row(part, what, size, who, float(f"{value:.4g}"), unit, goal, on or machine(), str(date.today()))


def read(path: Path = FILE) -> list[Row]:
    """Read the rows, with the goals of now."""
    with path.open(encoding="utf-8", newline="") as file:
        _head, *found = csv.reader(file)
    return [
        Row(part, what, size, who, float(value), unit, goals.most(part, what, size, who), on, day)
        for part, what, size, who, value, unit, _goal, on, day in found
    ]


def write(found: Iterable[Row], path: Path = FILE) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerows([Row._fields, *found])


def machine() -> str:
    names = [row.split(":")[1].strip() for row in cpu_info().splitlines() if row.startswith("model name")]
    threads = torch.get_num_threads()
    return f"{names[0] if names else platform.machine()}, {threads} threads, torch {torch.__version__}"


def cpu_info() -> str:
    path = Path("/proc/cpuinfo")
    return path.read_text() if path.exists() else ""
