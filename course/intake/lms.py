"""What an LMS gives for a problem set: a folder or a zip of students' files, and the roster of the course.

Known are the names of Canvas and Moodle, Gradescope's export with its list of who handed in what, and nbgrader's and
anyone's folders with one subfolder a student. A zip is read where it lies: nothing of it is ever written to the disk.
"""

import csv
import re
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from .errors import CourseError

LARGEST = 20 * 2**20  # bytes of one file
# lovelaceada_LATE_1815_4711_ps1.ipynb: name, user, attachment, the file's own name; or ..._1815_text.html, a text that
# was typed in. So lib/content_zipper.rb of Canvas writes them; a name may hold "_", but never "_", digits and "_".
_CANVAS = re.compile(r"(?P<name>.+?)_(?P<late>LATE_)?(?P<number>\d+)_(\d+_.+|(text|link)\.html)")
# Ada Lovelace_1815_assignsubmission_file_/ps1.ipynb, or with the file's name behind the last underscore.
_MOODLE = re.compile(r"(?P<name>.+)_(?P<number>\d+)_assignsubmission_file.*")
_GRADESCOPE = "submission_metadata.yml"  # whose is each folder of its export
_CLONE = "quantization-notebooks-v"
_AGAIN = re.compile(r"-(\d+)$")  # Canvas adds it to the name of a file that is handed in again


@dataclass(frozen=True)
class Student:
    """A person of the course, under the names that different programs give.

    number: Canvas's ID, or the number in Moodle's "Participant 1815". login: the name of nbgrader's folder.
    row: the line of the roster as it was, for what is given back.
    """

    name: str
    number: str = ""
    login: str = ""
    email: str = ""
    row: dict[str, str] = field(default_factory=dict, compare=False)

    @property
    def key(self) -> str:
        """A name for files: letters, digits and underscores, and different for different students."""
        words = f"{self.name[:60]} {self.number or self.login or self.email}"
        return re.sub(r"\W+", "_", words).strip("_").lower() or "nobody"


@dataclass(frozen=True)
class Submission:
    """A student's file. notes: what the instructor should know of it. path: where it lies in the folder or zip."""

    student: Student
    name: str
    content: bytes
    notes: tuple[str, ...] = ()
    path: PurePosixPath = field(default_factory=PurePosixPath)


@dataclass(frozen=True)
class Found:
    """A file, and what its name tells of whose it is."""

    path: PurePosixPath
    content: bytes
    name: str
    number: str = ""
    notes: tuple[str, ...] = ()


def read_roster(path: Path) -> list[Student]:
    """Read the students of a course from what Canvas, Moodle or Gradescope exports, or from any table with names.

    Raises:
        CourseError: if no column holds names, or if two students cannot be told apart.
    """
    text = path.read_bytes().decode("utf-8-sig", errors="replace")
    rows = list(csv.DictReader(text.splitlines()))
    students = [student for row in rows if (student := _student({k: v or "" for k, v in row.items() if k}))]
    if not students:
        wanted = '"Student" (Canvas), "Full name" (Moodle), "First Name" and "Last Name", or "name"'
        raise CourseError(f"{path.name} has no student: one column must be {wanted}")
    keys = [student.key for student in students]
    if twins := sorted({student.name for student in students if keys.count(student.key) > 1}):
        raise CourseError(f"{path.name} does not tell apart two students called {twins[0]}: add a column with an ID")
    return students


def _student(row: dict[str, str]) -> Student | None:
    """Read one line; Canvas's lines of points and of its test student are none."""
    low = {key.strip().lower(): value.strip() for key, value in row.items()}
    by_last = f"{low.get('lastname', '')}, {low.get('firstname', '')}".strip(", ")  # Canvas, if it is set so
    name = low.get("student") or low.get("full name") or low.get("name") or by_last
    name = name or f"{low.get('first name', '')} {low.get('last name', '')}".strip()
    number = low.get("id") or low.get("identifier", "").removeprefix("Participant").strip()
    if not name or name in ("Points Possible", "Student, Test"):
        return None
    login = low.get("sis login id") or low.get("username") or low.get("sid") or low.get("login", "")
    return Student(_in_order(name), number, login, low.get("email address") or low.get("email", ""), row)


def _in_order(name: str) -> str:
    """Turn "Lovelace, Ada" into "Ada Lovelace"."""
    last, comma, first = name.partition(",")
    return f"{first.strip()} {last.strip()}" if comma else name


def collect(
    place: Path, roster: list[Student], wanted: str = "", others: Iterable[str] = ()
) -> tuple[list[Submission], list[str]]:
    """Return one submission for each student who handed in, in the order of the names, and what could not be used.

    wanted: the problem set; of a student's notebooks, one that is called so is taken.
    others: problem sets whose folders are left out.

    Raises:
        CourseError: if the place is neither a folder nor a zip, or holds no file at all.
    """
    files, problems = _files(place, set(others))
    by_student: dict[str, list[tuple[Student, Found]]] = {}
    for file in _named(files, problems):
        student, note = identify(file, roster)
        problems += [note] if note else []
        by_student.setdefault(student.key, []).append((student, file))
    submissions = [_one([file for _, file in files], files[0][0], wanted) for files in by_student.values()]
    return sorted(submissions, key=lambda s: s.student.key), problems


Files = dict[PurePosixPath, bytes]


def _files(place: Path, others: set[str]) -> tuple[Files, list[str]]:
    if place.is_dir():
        entries = _of_folder(place)
    elif zipfile.is_zipfile(place):
        entries = _of_zip(place)
    else:
        raise CourseError(f"{place} is neither a folder nor a zip: give what the LMS lets you download")
    found: Files = {}
    problems, left_out = [], 0
    for path, content, problem in entries:
        if others.intersection(path.parts[1:-1]):
            left_out += 1
        elif problem:
            problems.append(f"{path}: {problem}")
        else:
            found[path] = content
    if not found and not problems:
        raise CourseError(f"{place} holds no file{' of this problem set' if left_out else ''}")
    return found, problems + ([f"{left_out} files of other problem sets were left out"] if left_out else [])


Entry = tuple[PurePosixPath, bytes, str]


def _of_folder(place: Path) -> Iterator[Entry]:
    for path in sorted(place.rglob("*")):
        name = PurePosixPath(path.relative_to(place).as_posix())
        if path.is_symlink():
            yield name, b"", "it is a link, which is not followed"
        elif path.is_file() and not _is_left_behind(name):
            large = path.stat().st_size > LARGEST
            yield name, b"" if large else path.read_bytes(), _TOO_LARGE if large else ""


def _of_zip(place: Path) -> Iterator[Entry]:
    with zipfile.ZipFile(place) as archive:
        for entry in archive.infolist():
            if not entry.is_dir() and not _is_left_behind(PurePosixPath(entry.filename)):
                yield _of_entry(archive, entry)


def _of_entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Entry:
    path = PurePosixPath(entry.filename)
    try:
        with archive.open(entry) as file:
            content = file.read(LARGEST + 1)  # what the entry says of its own size need not be true
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, OSError, EOFError) as error:
        return path, b"", f"it cannot be read: {error}"
    return (path, b"", _TOO_LARGE) if len(content) > LARGEST else (path, content, "")


_TOO_LARGE = f"it is larger than {LARGEST // 2**20} MB"


def _is_left_behind(path: PurePosixPath) -> bool:
    """Whether no student made it: what macOS and Jupyter leave, and the clone that a notebook's first cell makes."""
    hidden = (part.startswith(".") and part.strip(".") for part in path.parts)
    return any(hidden) or any(part == "__MACOSX" or part.startswith(_CLONE) for part in path.parts)


def _named(files: Files, problems: list[str]) -> Iterator[Found]:
    """Say whose each file is: by Gradescope's list, by the names of Moodle and Canvas, else by its first folder."""
    top = _top(list(files))
    owners = _owners(files, top, problems)
    for path, content in files.items():
        inner = path.relative_to(top)
        if inner.parts[0] in owners:
            yield from (Found(path, content, name, number) for name, number in owners[inner.parts[0]])
        elif inner.name != _GRADESCOPE or not owners:
            yield _by_names(path, inner, content)


def _top(paths: list[PurePosixPath]) -> PurePosixPath:
    """Return the folder that all files lie in, if it is no student's: it holds more folders, or what an LMS writes."""
    firsts = {path.parts[0] for path in paths}
    if len(firsts) != 1 or any(len(path.parts) == 1 for path in paths):
        return PurePosixPath()
    folders = {path.parts[1] for path in paths if len(path.parts) > 2 and path.suffix.lower() == ".ipynb"}
    names = [path.name for path in paths if len(path.parts) == 2]
    lms = any(name == _GRADESCOPE or _CANVAS.fullmatch(name) for name in names)
    return PurePosixPath(firsts.pop() if lms or len(folders) > 1 else "")


def _owners(files: Files, top: PurePosixPath, problems: list[str]) -> dict[str, list[tuple[str, str]]]:
    """Read the names and numbers of who handed in each folder. No student's own file lies beside all folders."""
    if top / _GRADESCOPE not in files:
        return {}
    try:
        listed = yaml.safe_load(files[top / _GRADESCOPE])
        return {folder: [_owner(each) for each in about[":submitters"]] for folder, about in listed.items()}
    except (yaml.YAMLError, UnicodeDecodeError, LookupError, TypeError, AttributeError):
        problems.append(f"{_GRADESCOPE} cannot be read: students have the names of Gradescope's folders")
        return {}


def _owner(submitter: dict[str, Any]) -> tuple[str, str]:
    return str(submitter[":name"]), str(submitter.get(":sid") or submitter.get(":email") or "")


def _by_names(path: PurePosixPath, inner: PurePosixPath, content: bytes) -> Found:
    for part in inner.parts:
        if match := _MOODLE.fullmatch(part):
            return Found(path, content, match["name"], match["number"])
    match = _CANVAS.fullmatch(inner.name) if len(inner.parts) == 1 else None
    if match:
        return Found(path, content, match["name"], match["number"], ("handed in late",) if match["late"] else ())
    return Found(path, content, inner.parts[0] if len(inner.parts) > 1 else inner.stem)


def identify(file: Found, roster: list[Student]) -> tuple[Student, str]:
    """Find the student of a file on the roster, by number, login, e-mail or name; else say that it is not there."""
    if not roster:
        return Student(file.name, file.number), ""
    wanted = squeezed(file.name)
    for student in roster:
        if file.number and file.number in (student.number, student.login, student.email):
            return student, ""
    same = [s for s in roster if wanted in {squeezed(s.login), squeezed(s.email), *_squeezed_names(s.name)} - {""}]
    if len(same) == 1:
        return same[0], ""
    why = "two on the roster have this name" if same else "not on the roster"
    return Student(file.name, file.number), f"{file.path}: {file.name} is {why}"


def squeezed(name: str) -> str:
    """Lower case, and letters and digits alone: what is left of a name in the name of a file."""
    return "".join(c for c in name.casefold() if c.isalnum())


def _squeezed_names(name: str) -> set[str]:
    """The forms of a name in files: Ada Lovelace, and lovelaceada as Canvas sorts her."""
    first, _, last = name.rpartition(" ")
    return {squeezed(name), squeezed(last + first)}


def _one(files: list[Found], student: Student, wanted: str) -> Submission:
    """Choose a student's notebook: one with the problem set's name, in the fewest folders, and the last for Canvas."""
    notebooks = [file for file in files if file.path.suffix.lower() == ".ipynb"]
    called_so = [file for file in notebooks if wanted in file.path.stem.lower() or wanted in file.path.parts]
    chosen = max(called_so or notebooks or files, key=_rank)
    notes = list(chosen.notes)
    if len(notebooks or files) > 1:
        notes.append(f"of {len(notebooks or files)} files, {chosen.path.name} was taken")
    if not notebooks:
        notes.append(f"{chosen.path.name} is no notebook")
    return Submission(student, chosen.path.name, chosen.content, tuple(notes), chosen.path)


def _rank(file: Found) -> tuple[int, int, str]:
    return -len(file.path.parts), _attempt(file.path), file.path.name


def _attempt(path: PurePosixPath) -> int:
    match = _AGAIN.search(path.stem)
    return int(match[1]) if match else 0
