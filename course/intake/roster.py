"""The students of a course, and who of them is meant by the name of a file."""

import hashlib
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from . import table
from .errors import CourseError

CANVAS = ("Student", "LastName", "FirstName", "ID", "SIS User ID", "SIS Login ID", "Section")
MOODLE = ("Identifier", "Full name", "Email address", "Status", "Grade", "Maximum grade", "Last modified (grade)")
OTHERS = ("First Name", "Last Name", "SID", "Email", "name", "login", "username")
_ROUNDED = re.compile(r"\d[.,]\d+E\+\d+", re.IGNORECASE)


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
        """A name for files: letters, digits and underscores, and different for different students.

        It ends with the number or login. Where signs or capitals of it are lost, a digest of them stands for it.
        """
        own = self.number or self.login or self.email
        words = re.sub(r"[\W_]+", "_", composed(self.name).casefold()).strip("_")[:40]
        if own and words and _is_plain(own):
            return f"{words}_{own}"
        if not own and _is_plain(self.name):
            return self.name
        exact = composed(f"{self.name}\n{own}").encode()
        return f"{words or 'nobody'}__{hashlib.sha256(exact).hexdigest()[:12]}"


def _is_plain(text: str) -> bool:
    return re.fullmatch("[a-z0-9]{1,20}", text) is not None


def read_roster(path: Path) -> list[Student]:
    """Read the students of a course from what Canvas, Moodle or Gradescope exports, or from any table with names.

    Raises:
        CourseError: if it is no such table, if no column holds names, or if two students cannot be told apart.
    """
    rows = table.read(path, (*CANVAS, *MOODLE, *OTHERS))
    students = [student for row in rows if (student := _student(row, path))]
    if not students:
        wanted = '"Student" (Canvas), "Full name" (Moodle), "First Name" and "Last Name", or "name"'
        there = f"; its headings are {', '.join(rows[0])}" if rows else ""
        raise CourseError(f"{path.name} has no student: one column must be {wanted}{there}")
    keys = [student.key for student in students]
    if twins := sorted({student.name for student in students if keys.count(student.key) > 1}):
        raise CourseError(f"{path.name} does not tell apart two students called {twins[0]}: add a column with an ID")
    return students


def _student(row: table.Row, path: Path) -> Student | None:
    """Read one line; Canvas's lines of points and of its test student are none."""
    low = {key.lower(): value.strip() for key, value in row.items()}
    by_last = f"{low.get('lastname', '')}, {low.get('firstname', '')}".strip(", ")  # Canvas, if it is set so
    name = low.get("student") or low.get("full name") or low.get("name") or by_last
    name = name or f"{low.get('first name', '')} {low.get('last name', '')}".strip()
    number = low.get("id") or low.get("identifier", "").removeprefix("Participant").strip()
    login = low.get("sis login id") or low.get("username") or low.get("sid") or low.get("login", "")
    if not name and (number or login):
        raise CourseError(f"{path.name}, line {row.line}: there is an ID and no name")
    if not name or name in ("Points Possible", "Student, Test"):
        return None
    if _ROUNDED.fullmatch(number):
        raise CourseError(f"{path.name}, line {row.line}: a spreadsheet has rounded the ID of {name}: export it again")
    return Student(_in_order(name), number, login, low.get("email address") or low.get("email", ""), dict(row))


def _in_order(name: str) -> str:
    """Turn "Lovelace, Ada" into "Ada Lovelace"."""
    last, comma, first = name.partition(",")
    return f"{first.strip()} {last.strip()}" if comma else name


NUMBER = 0  # how sure it is who is meant, the surest first: by a number that the LMS gave


def meant(name: str, number: str, roster: list[Student]) -> tuple[list[Student], int]:
    """Return who on the roster is meant, and how sure that is. An exact name comes before one that is only like it.

    Where the number is one student's and the name another one's, it is both: the roster has numbers of its own.
    """
    for sure, wanted, names in _ways(name, number):
        if wanted and (same := [student for student in roster if wanted in names(student)]):
            named = meant(name, "", roster)[0] if number else []
            return [student for student in same if student in named] or same + named, sure
    return [], NUMBER


def _ways(name: str, number: str) -> list[tuple[int, str, Callable[[Student], set[str]]]]:
    exact = composed(name)
    return [
        (NUMBER, number, lambda student: {student.number}),
        (NUMBER, number, lambda student: {student.login}),
        (NUMBER, number.casefold(), lambda student: {student.email.casefold()}),
        (1, exact, lambda student: {composed(student.login)}),
        (2, exact, lambda student: {composed(student.name)}),
        (3, squeezed(name), _squeezed_names),
    ]


def composed(name: str) -> str:
    """Return a name as most systems write it; macOS writes é as an e and an accent."""
    return unicodedata.normalize("NFC", name)


@cache
def squeezed(name: str) -> str:
    """Return the letters, signs on them and digits alone, in lower case: what is left of a name in that of a file."""
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    return "".join(c for c in text if unicodedata.category(c)[0] in "LNM")


@cache
def _squeezed_names(student: Student) -> set[str]:
    """The forms of names in files: Ada Lovelace, and lovelaceada as Canvas sorts her."""
    first, _, last = student.name.rpartition(" ")
    return {squeezed(name) for name in (student.login, student.email, student.name, last + first)}
