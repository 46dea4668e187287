"""The hostile cells of two texts, so that no import or collection of tests can run one."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Hostile:
    """name: of the function that the cell defines. problem: of its answer, as a pattern, or ""."""

    name: str
    problem: str
    cell: str


def hostile(kind: str) -> list[Hostile]:
    """Return the cells that leave their box running, "quiet", or that stop it, "fatal"."""
    text = Path(__file__).with_name(f"hostile_{kind}.txt").read_text(encoding="utf-8")
    parts = [part.partition("\n") for part in text.split("# %% ")[1:]]
    heads = [head.partition(": ") for head, _, _ in parts]
    return [Hostile(name, problem, cell) for (name, _, problem), (_, _, cell) in zip(heads, parts, strict=True)]
