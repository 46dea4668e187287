"""What an LMS gives for a problem set: a folder or a zip of students' files. Whose is which, and which one counts?

Known are the names of Canvas and Moodle, Gradescope's export with its list of who handed in what, and nbgrader's and
anyone's folders with one subfolder a student. Which LMS it was, all names tell together, and of each only what the LMS
wrote: what students call their files decides nothing about others.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from .errors import CourseError
from .files import LARGEST, File, listed
from .roster import NUMBER, Student, composed, meant, read_roster

__all__ = ["LARGEST", "CourseError", "Student", "Submission", "collect", "read_roster"]

# lovelaceada_LATE_1815_4711_ps1.ipynb: name, user, attachment, the file's own name; or ..._1815_text.html, a text that
# was typed in. So lib/content_zipper.rb of Canvas writes them; a name may hold "_", but never "_", digits and "_".
_CANVAS = re.compile(r"(?P<name>.+?)_(?P<late>LATE_)?(?P<number>\d+)_(\d+_.+|(text|link)\.html)", re.DOTALL)
# Ada Lovelace_1815_assignsubmission_file_, a folder; or a file with its own name behind the last underscore.
_MOODLE = re.compile(r"(?P<name>.+?)_(?P<number>\d+)_assignsubmission_[a-z]+_.*", re.DOTALL)
_MOODLE_FOLDER = re.compile(r"(?P<name>.+)_(?P<number>\d+)_assignsubmission_[a-z]+_", re.DOTALL)
_GRADESCOPE = "submission_metadata.yml"  # whose is each folder of its export
_BRIGHTSPACE = "index.html"  # its list, beside the students' folders
_AGAIN = re.compile(r"-(\d{1,4})$")  # Canvas adds it to the name of a file that is handed in again


@dataclass(frozen=True)
class Submission:
    """A student's file. notes: what the instructor should know of it. path: where it lies in the folder or zip."""

    student: Student
    name: str
    source: File | bytes
    notes: tuple[str, ...] = ()
    path: PurePosixPath = field(default_factory=PurePosixPath)

    @property
    def content(self) -> bytes:
        """The bytes of the file, read anew each time: those of a whole class would fill the memory.

        Raises:
            CourseError: if it cannot be read, or is too large.
        """
        return self.source if isinstance(self.source, bytes) else self.source.read()


@dataclass(frozen=True)
class Found:
    """A file, and what the LMS tells of whose it is."""

    file: File
    name: str
    number: str = ""
    late: bool = False
    attempt: int = 0

    @property
    def owner(self) -> tuple[str, str]:
        return self.number, "" if self.number else composed(self.name)


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
    by_owner: dict[tuple[str, str], list[Found]] = {}
    for found in _named(files, roster, problems):
        by_owner.setdefault(found.owner, []).append(found)
    students = _students([group[0] for group in by_owner.values()], roster, problems)
    by_student: dict[Student, list[Found]] = {}
    for student, group in zip(students, by_owner.values(), strict=True):
        by_student.setdefault(student, []).extend(group)
    if not by_student and not problems:
        raise CourseError(f"{place} holds no file of a student")
    submissions = [_one(group, student, wanted) for student, group in by_student.items()]
    return sorted(submissions, key=lambda s: s.student.key), problems


def _files(place: Path, others: set[str]) -> tuple[list[File], list[str]]:
    every = listed(place)
    files = [file for file in every if not others.intersection(file.path.parts[1:-1])]
    left_out = len(every) - len(files)
    if not files:
        raise CourseError(f"{place} holds no file{' of this problem set' if left_out else ''}")
    return files, [f"{left_out} files of other problem sets were left out"] if left_out else []


# ---- whose file it is ----


def _named(files: list[File], roster: list[Student], problems: list[str]) -> list[Found]:
    """Say whose each file is: by Gradescope's list, by the names of Moodle and Canvas, else by its first folder."""
    top = _top([file.path for file in files], roster)
    inner = {file: file.path.relative_to(top) for file in files}
    lists = [file for file, path in inner.items() if path == PurePosixPath(_GRADESCOPE)]
    strays = _strays({file: path for file, path in inner.items() if file not in lists}, roster)
    problems += [f"{file.path}: it is no notebook, and lies beside what students handed in" for file in strays]
    owners = _owners(lists[-1], problems) if lists else {}
    nobodys = {*lists, *strays}
    kept = {file: path for file, path in inner.items() if file not in nobodys}
    pattern = _lms(kept.values())
    found = []
    for file, path in kept.items():
        listed_for = owners.get(path.parts[0], ())
        found += [Found(file, name, number) for name, number in listed_for] or [_by_name(file, path, pattern)]
    return found


def _strays(inner: dict[File, PurePosixPath], roster: list[Student]) -> list[File]:
    """Return the loose files that are nobody's: no notebooks, beside folders or an LMS's files, not on the roster."""
    several = any(len(path.parts) > 1 or _prefix(path.name) for path in inner.values())
    return [
        file
        for file, path in inner.items()
        if len(path.parts) == 1
        and (several or path.name == _BRIGHTSPACE)
        and _kind(file) < _ZIP
        and not _prefix(path.name)
        and not meant(path.stem, "", roster)[0]
    ]


def _top(paths: list[PurePosixPath], roster: list[Student]) -> PurePosixPath:
    """Return the folder that all files lie in, if it is no student's: it holds more folders, or what an LMS writes."""
    first = paths[0].parts[0]
    if any(path.parts[0] != first or len(path.parts) == 1 for path in paths):
        return PurePosixPath()
    if _prefix(first) or meant(_stem(first), "", roster)[0]:
        return PurePosixPath()
    below = [path.relative_to(first) for path in paths]
    deeper = _top(below, roster) if _is_zip(first) else PurePosixPath()
    folders = {path.parts[0] for path in below if len(path.parts) > 1 and path.suffix.lower() == ".ipynb"}
    lms = any(path.parts[0] == _GRADESCOPE or _prefix(path.parts[0]) for path in below)
    return first / deeper if lms or len(folders) > 1 or deeper.parts else PurePosixPath()


def _is_zip(name: str) -> bool:
    return name.lower().endswith(".zip")


def _stem(first: str) -> str:
    return first[:-4] if _is_zip(first) else first


def _prefix(first: str) -> re.Pattern[str] | None:
    """Return which pattern fits a name. An LMS writes in front of what the student wrote: the earlier one counts."""
    fits = [match for pattern in (_MOODLE, _CANVAS) if (match := pattern.fullmatch(first))]
    return min(fits, key=lambda match: match.start("number")).re if fits else None


def _lms(inner: Iterable[PurePosixPath]) -> re.Pattern[str] | None:
    """Return the pattern of the LMS whose names most students have; each has one vote, however many the files."""
    votes: dict[re.Pattern[str] | None, set[str]] = {_CANVAS: set(), _MOODLE: set(), None: set()}
    for first in {path.parts[0] for path in inner}:
        pattern = _prefix(first)
        match = pattern.fullmatch(first) if pattern else None
        votes[pattern].add(match["number"] if match else first)
    return max(votes, key=lambda pattern: len(votes[pattern]))


def _by_name(file: File, inner: PurePosixPath, pattern: re.Pattern[str] | None) -> Found:
    first = inner.parts[0]
    match = pattern.fullmatch(first) if pattern else None
    if match and pattern is _MOODLE and len(inner.parts) > 1:  # the name of a person is in front, of a file is none
        match = _MOODLE_FOLDER.fullmatch(first) or match
    if match and pattern is _CANVAS:
        again = _AGAIN.search(PurePosixPath(first).stem)
        return Found(file, match["name"], match["number"], bool(match["late"]), int(again[1]) if again else 0)
    if match:
        return Found(file, match["name"], match["number"])
    return Found(file, inner.stem if len(inner.parts) == 1 else _stem(first))


def _owners(file: File, problems: list[str]) -> dict[str, list[tuple[str, str]]]:
    """Read the names and numbers of who handed in each folder. No student's own file lies beside all folders."""
    try:
        about = yaml.safe_load(file.read()).items()
        return {str(folder): [_owner(each) for each in found[":submitters"]] for folder, found in about}
    except (CourseError, yaml.YAMLError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        problems.append(f"{_GRADESCOPE} cannot be read: students have the names of Gradescope's folders")
        return {}


def _owner(submitter: dict[str, Any]) -> tuple[str, str]:
    return str(submitter[":name"]), str(submitter.get(":sid") or submitter.get(":email") or "")


def _students(found: list[Found], roster: list[Student], problems: list[str]) -> list[Student]:
    """Return the student of each of several owners: from the roster, or a stranger who is told.

    Whoever names a student most surely is it. Two who only have names like it stay apart: no work may be lost.
    """
    claims = [meant(each.name, each.number, roster) for each in found]
    students = []
    for each, (same, sure) in zip(found, claims, strict=True):
        rivals = sorted(other for who, other in claims if who == same)
        if len(same) == 1 and (sure == NUMBER or (rivals[0] == sure and rivals.count(sure) == 1)):
            students.append(same[0])
            continue
        students.append(Student(composed(each.name), each.number))
        problems += [f"{each.file.path}: {each.name} {_why(same)}"] if roster else []
    return students


def _why(same: list[Student]) -> str:
    if len(same) == 1:
        return f"is like {same[0].name} on the roster, but other files are, too"
    if same:
        return f"fits {len(same)} students of the roster: {', '.join(student.name for student in same)}"
    return "is not on the roster"


# ---- which file counts ----

_ZIP = 2


def _kind(file: File) -> int:
    """Return how likely a file is to be the notebook, by its name: browsers add .json or .txt to it."""
    if file.is_notebook:
        return 4
    if ".ipynb" in file.path.name.lower():
        return 3
    if file.is_zip:
        return _ZIP
    return int(file.path.suffix.lower() in (".json", ".txt", ".py", ""))


def _one(found: list[Found], student: Student, wanted: str) -> Submission:
    """Choose a student's notebook: one with the problem set's name, in the fewest folders, and the last for Canvas."""
    chosen = max(found, key=lambda each: _rank(each, wanted))
    path = chosen.file.path
    count = sum(each.file.is_notebook for each in found) or len(found)
    notes = ["handed in late"] if chosen.late else []
    notes += [f"of {count} files, {path.name} was taken"] if count > 1 else []
    notes += [] if chosen.file.is_notebook else [f"the name {path.name} is no notebook's: it should end in .ipynb"]
    return Submission(student, path.name, chosen.file, tuple(notes), path)


def _rank(found: Found, wanted: str) -> tuple[int | bool | str | tuple[int, ...], ...]:
    file = found.file
    called_so = wanted in file.path.stem.lower() or wanted in file.path.parts
    again = _AGAIN.search(file.path.stem)
    order = (found.attempt, -len(file.path.parts), int(again[1]) if again else 0, file.path.name, file.inside)
    return (_kind(file), not file.problem, called_so, *order)
