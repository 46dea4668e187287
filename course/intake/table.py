"""A table in a text file, as Excel, an LMS or a person writes it.

Commas, semicolons or tabs, with "sep=;" or a title above the headings, in UTF-8 or UTF-16. What would have to be
guessed is refused: a code page of one country, a quote that is not closed, a cell without a heading.
"""

import codecs
import csv
import io
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from .errors import CourseError

csv.field_size_limit(2**31 - 1)  # of the whole program: the usual limit is shorter than a picture pasted into an answer

_TITLES = 10  # lines that may stand above the headings
_SEP = re.compile(r'"?sep=([,;\t|:])', re.IGNORECASE)  # what Excel wants to read above a table
_OTHERS = (
    (b"PK\x03\x04", "an Excel workbook or a zip"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook"),
    (b"%PDF", "a PDF"),
)
_SAVE = 'save it from the spreadsheet as "CSV UTF-8"'


class Row(dict[str, str]):
    """The cells of a line by their headings. line: where it begins in the file."""

    line = 0


def read(path: Path, heads: Iterable[str] = ()) -> list[Row]:
    """Return the lines below the headings, without the blank ones.

    heads: headings that are looked for. Lines above them are a title, and they are returned as they are written here,
        whatever their case in the file.

    Raises:
        CourseError: if the file cannot be read, is no such table, or has two of a heading that is looked for.
    """
    known = {_plain(head): head for head in heads}
    lines = list(io.StringIO(_text(path), newline=""))  # Unicode's other line ends, such as U+2028, stand in names
    delimiter, top = _heading(lines, set(known))
    records = _records(path, lines[top:], delimiter, top)
    _, first = next(records, (0, []))
    columns = [known.get(_plain(head), head.strip()) for head in first]
    if twice := [head for head in known.values() if columns.count(head) > 1]:
        raise CourseError(f'{path.name} has two columns called "{twice[0]}": rename one')
    return [_row(path, line, cells, columns) for line, cells in records]


def _plain(head: str) -> str:
    return head.strip(' \t\r\n"\ufeff').casefold()


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CourseError(f"{path} cannot be read: {error.strerror}") from None
    for sign, what in _OTHERS:
        if content.startswith(sign):
            raise CourseError(f"{path.name} is {what}, not a CSV: {_SAVE}")
    utf16 = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = content.decode("utf-16" if utf16 else "utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start]
        line = max(before.count(b"\n"), before.count(b"\r")) + 1
        raise CourseError(f"{path.name}, line {line}: this is not text in UTF-8: {_SAVE}") from None
    if "\0" in text:
        raise CourseError(f"{path.name} is not text in UTF-8: {_SAVE}")
    return text


def _heading(lines: list[str], known: set[str]) -> tuple[str, int]:
    """Return what separates the cells, and which line holds the headings: that with most of the known ones."""
    filled = [k for k, line in enumerate(lines) if line.strip(' \t\r\n,;"')][:_TITLES]
    told = _SEP.match(lines[filled[0]]) if filled else None
    choices = [(k, sign) for k in filled[bool(told) :] for sign in (told[1] if told else ",;\t")]

    def rank(choice: tuple[int, str]) -> tuple[int, int, int]:
        k, sign = choice
        cells = [_plain(cell) for cell in lines[k].split(sign)]
        return len(known.intersection(cells)), -k, len(cells)

    k, sign = max(choices, key=rank, default=(len(lines), ","))
    return sign, k


def _records(path: Path, lines: list[str], delimiter: str, above: int) -> Iterator[tuple[int, list[str]]]:
    """Give the filled lines and their numbers. A cell may hold line ends, so a line here may be several there."""
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        line = above + reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise CourseError(f"{path.name}, line {line}: its quotes do not fit together: {error}") from None
        if any(cell.strip() for cell in cells):
            yield line, cells


def _row(path: Path, line: int, cells: list[str], columns: list[str]) -> Row:
    if any(cell.strip() for cell in cells[len(columns) :]):
        raise CourseError(
            f"{path.name}, line {line}: more cells than headings: put quotes around text with a separator"
        )
    cells += [""] * (len(columns) - len(cells))
    row = Row({head: cell for head, cell in zip(columns, cells, strict=False) if head})
    row.line = line
    return row
