"""Files of a report: written whole or not at all, and no spreadsheet runs what a student wrote."""

import csv
import io
import os
from collections.abc import Iterable
from pathlib import Path

LONGEST = 30_000  # characters of a cell of a table: Excel takes 32,767


def save(path: Path, text: str, encoding: str = "utf-8") -> None:
    """Write a file so that a reader, or a run that is stopped, never sees half of it."""
    save_bytes(path, text.encode(encoding, "replace"))


def save_bytes(path: Path, content: bytes) -> None:
    """Write a file as `save` does."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    part.write_bytes(content)
    os.replace(part, path)


def save_table(path: Path, columns: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    """Write a table that Excel, too, reads as UTF-8."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(columns)
    writer.writerows(rows)
    save(path, text.getvalue(), "utf-8-sig")


def shielded(text: str) -> str:
    """Return a text so that a spreadsheet shows it: one that begins like a formula would be run, a long one refused."""
    short = text if len(text) <= LONGEST else f"{text[:LONGEST]} ... (the rest is cut off here)"
    return f"'{short}" if short[:1] in ("=", "+", "-", "@", "\t", "\r") else short


def on_a_line(text: str) -> str:
    """Return a text for the terminal: names of files may hold what moves the cursor or changes a title."""
    return "".join(c if c.isprintable() else "?" for c in text)
