"""The files of a folder or a zip, listed at once and read when they are graded.

A zip is read where it lies: nothing of it is ever written to the disk. A zip in it counts as a folder, and so does a
student's zip in a folder. Names are made printable, and no two of them the same.
"""

import io
import os
import unicodedata
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from .errors import CourseError

LARGEST = 64 * 2**20  # bytes of one file: pictures in the outputs of a notebook may make it large
LARGEST_ZIP = 100 * 2**20  # bytes of a zip in a zip
MOST = 1000  # files of a student's zip
_CLONE = "quantization-notebooks-v"
_TOO_LARGE = f"its file is larger than {LARGEST // 2**20} MB"


@dataclass(frozen=True)
class File:
    """A file of what was handed in.

    path: where it lies, with zips as folders. place: the file on the disk. inside: its number in that zip, and in the
    zip therein. problem: why it cannot be read, if that is known.
    """

    path: PurePosixPath
    place: Path
    inside: tuple[int, ...] = ()
    problem: str = ""

    @property
    def is_zip(self) -> bool:
        return self.path.suffix.lower() == ".zip"

    @property
    def is_notebook(self) -> bool:
        return self.path.suffix.lower() == ".ipynb"

    def read(self) -> bytes:
        """Return the content.

        Raises:
            CourseError: if it cannot be read, or is too large.
        """
        if self.problem:
            raise CourseError(self.problem)
        content = _read(self, LARGEST)
        if len(content) > LARGEST:  # what a zip says of the sizes in it need not be true
            raise CourseError(_TOO_LARGE)
        return content


def listed(place: Path) -> list[File]:
    """Return the files of a folder or zip, those in zips too, in the order of their paths.

    Raises:
        CourseError: if it is neither, or cannot be read.
    """
    if place.is_dir():
        found = list(_of_folder(place))
    elif zipfile.is_zipfile(place):
        found = _of_zip(File(PurePosixPath(), place))
    else:
        raise CourseError(f"{place} is neither a folder nor a zip: give what the LMS lets you download")
    found = _unwrapped(found)
    return sorted((each for file in found for each in _opened(file)), key=lambda file: file.path.as_posix())


def _unwrapped(found: list[File]) -> list[File]:
    """Return what a download holds that was zipped once more, and perhaps again."""
    for _ in range(2):
        if len(found) == 1 and found[0].is_zip and found[0].problem != _LINK:
            with suppress(CourseError):
                found = _of_zip(found[0]) or found
    return found


def _opened(file: File) -> list[File]:
    """Return what a student's zip holds, notebooks alone if there are any; or itself, and why it cannot be opened."""
    if not file.is_zip or file.problem == _LINK:
        return [file]
    try:
        held = _of_zip(file)
    except CourseError as error:
        return [replace(file, problem=f"it is a zip that cannot be opened: {error}")]
    held = [replace(each, problem="it is a zip in a zip") if each.is_zip else each for each in held]
    notebooks = [each for each in held if each.is_notebook]
    return (notebooks or held)[:MOST] or [replace(file, problem="it is a zip without a file")]


# ---- folders ----

_LINK = "it is a link, which is not followed"


def _of_folder(place: Path) -> Iterator[File]:
    waiting = [(place, PurePosixPath())]
    for folder, at in waiting:  # which grows
        try:
            entries = list(os.scandir(folder))
        except OSError as error:
            yield File(at / folder.name, folder, problem=f"its folder cannot be read: {error.strerror}")
            continue
        for entry in entries:
            path = at / _printable(entry.name)
            if _is_left_behind(path):
                continue
            if entry.is_dir(follow_symlinks=False):
                waiting.append((folder / entry.name, path))
            else:
                yield File(path, folder / entry.name, problem=_problem(entry))


def _problem(entry: os.DirEntry[str]) -> str:
    if entry.is_symlink():
        return _LINK
    if not entry.is_file():
        return "it is no plain file"
    return _TOO_LARGE if entry.stat().st_size > LARGEST else ""


def _printable(name: str) -> str:
    """Return a name without what cannot be written: bytes that are not UTF-8, and control characters, become \\x1b."""
    text = os.fsencode(name).decode("utf-8", "backslashreplace")
    return "".join(f"\\x{ord(c):02x}" if unicodedata.category(c) == "Cc" else c for c in text)


def _is_left_behind(path: PurePosixPath) -> bool:
    """Whether no student made it: what systems and Jupyter leave, and the clone that a notebook's first cell makes."""
    return any(_is_litter(part) for part in path.parts)


def _is_litter(part: str) -> bool:
    hidden = part.startswith(".") and part.strip(".")
    windows = part.lower() in ("desktop.ini", "thumbs.db") or part.startswith("~$") or part.endswith(":Zone.Identifier")
    return bool(hidden) or windows or part == "__MACOSX" or part.startswith(_CLONE)


# ---- zips ----


def _of_zip(file: File) -> list[File]:
    try:
        with zipfile.ZipFile(_zip_of(file)) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, EOFError) as error:
        raise CourseError(f"{file.path.name or file.place}: {error}") from None
    found = []
    for k, (entry, name) in enumerate(zip(entries, _names(entries), strict=True)):
        path = PurePosixPath(*(part for part in name.split("/") if part not in ("", ".", "..")))
        if not name.endswith("/") and path.name and not _is_left_behind(path):
            found.append(File(file.path / path, file.place, (*file.inside, k), _problem_in_zip(entry)))
    return found


def _problem_in_zip(entry: zipfile.ZipInfo) -> str:
    if entry.flag_bits & 0x1:
        return "its zip has a password"
    return _TOO_LARGE if entry.file_size > LARGEST else ""


def _names(entries: list[zipfile.ZipInfo]) -> list[str]:
    """Return the names in a zip. Some programs of Windows write only backslashes, and macOS no flag for UTF-8."""
    names = [_printable(entry.filename if entry.flag_bits & 0x800 else _as_utf8(entry.filename)) for entry in entries]
    slashes = any("/" in name for name in names)
    return names if slashes else [name.replace("\\", "/") for name in names]


def _as_utf8(name: str) -> str:
    try:
        return name.encode("cp437").decode("utf-8")
    except UnicodeError:
        return name


def _zip_of(file: File) -> Path | io.BytesIO:
    """Return a zip: the file on the disk, or what is read of a zip in it."""
    if not file.inside:
        return file.place
    content = _read(file, LARGEST_ZIP)
    if len(content) > LARGEST_ZIP:
        raise CourseError(f"it is larger than {LARGEST_ZIP // 2**20} MB")
    return io.BytesIO(content)


def _read(file: File, most: int) -> bytes:
    """Return the content, or one byte more than the most of it."""
    try:
        if not file.inside:
            with file.place.open("rb") as plain:
                return plain.read(most + 1)
        around = replace(file, inside=file.inside[:-1])
        with zipfile.ZipFile(_zip_of(around)) as archive, archive.open(archive.infolist()[file.inside[-1]]) as entry:
            return entry.read(most + 1)
    except CourseError:
        raise
    except Exception as error:  # a damaged zip raises what it likes: zlib.error, struct.error, RuntimeError, ...
        raise CourseError(f"its file cannot be read: {error}") from None
