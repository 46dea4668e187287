"""Of a roster nobody is lost, and nobody taken for another."""

import os

import pytest

from course.intake.errors import CourseError
from course.intake.roster import Student, read_roster


@pytest.fixture
def roster(tmp_path):
    def write(content):
        path = tmp_path / "roster.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_roster(path)

    return write


@pytest.mark.parametrize(
    "content",
    [
        "Student;ID;SIS Login ID;Section\r\nLovelace, Ada;1815;ada;A\r\n",
        'sep=,\r\nStudent,ID,SIS Login ID,Section\r\n"Lovelace, Ada",1815,ada,A\r\n',
        "The course of 2026\n\nSTUDENT\tid\tSIS login ID\tSection\nLovelace, Ada\t1815\tada\tA\n",
        "Student\tID\tSIS Login ID\tSection\r\nLovelace, Ada\t1815\tada\tA\r\n".encode("utf-16"),
    ],
)
def test_a_roster_that_went_through_a_spreadsheet_is_read(roster, content):
    (ada,) = roster(content)
    assert ada == Student("Ada Lovelace", "1815", "ada")
    assert ada.row == {"Student": "Lovelace, Ada", "ID": "1815", "SIS Login ID": "ada", "Section": "A"}


def test_a_name_with_a_line_end_of_unicode_is_one_student(roster):
    students = roster("name,id\nMax\u2028Ada Lovelace,1666\nAda Lovelace,1815\n")
    assert [student.number for student in students] == ["1666", "1815"]


def test_a_comment_of_two_lines_stays(roster):
    (ada,) = roster('Identifier,Full name,Feedback comments\nParticipant 1,Ada,"Good.\r\nSee me."\n')
    assert ada.row["Feedback comments"] == "Good.\r\nSee me."


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("name,id\nJosé,1\n".encode("cp1252"), "line 2: this is not text in UTF-8"),
        ("name,id\nAda,1.23457E+11\n", "line 2: a spreadsheet has rounded the ID of Ada"),
        ('name,id\nAda,"1,23E+05"\n', "has rounded the ID"),
        ("Colour;Size\nred;3\n", "its headings are Colour, Size"),
        ("name,id\n,1815\n", "line 2: there is an ID and no name"),
        (b"PK\x03\x04", "is an Excel workbook"),
    ],
)
def test_a_roster_that_cannot_be_taken_is_told(roster, content, why):
    with pytest.raises(CourseError, match=why):
        roster(content)


def test_a_roster_that_is_not_there_is_told(tmp_path):
    with pytest.raises(CourseError, match=r"rooster\.csv cannot be read"):
        read_roster(tmp_path / "rooster.csv")


NAMES = (
    "Ada",
    "ADA",
    "ada",
    "a da",
    "a_da",
    "a-da",
    "!",
    "?",
    "",
    "José",
    "é" * 300,
    "x" * 300,
    "x" * 299,
    "ada 1",
    "ada b",
)


def test_different_students_have_different_keys():
    students = {Student(name, own) for name in NAMES for own in ("", "b.c", "b-c", "B.C", "A" * 50)}
    students |= {Student("Ada", number) for number in ("1", "2", "9" * 300)}
    keys = [student.key for student in students]
    assert len(set(keys)) == len(students)
    assert all(len(os.fsencode(f"{key}.json")) < 255 and key.replace("_", "").isalnum() for key in keys)
    assert all(key == key.lower() for key in keys)


def test_a_key_of_plain_words_reads_like_the_student():
    assert Student("Ada Lovelace", "1815").key == "ada_lovelace_1815" and Student("ada").key == "ada"
    assert Student("Ada Lovelace", "", "ada").key == "ada_lovelace_ada"
