"""What an LMS gives is read as it is, and nobody is lost on the way."""

import io
import zipfile
from pathlib import PurePosixPath

import pytest

from course.submissions import LARGEST, CourseError, Found, Student, collect, identify, read_roster

CANVAS = """Student,ID,SIS User ID,SIS Login ID,Section,PS1 (77)
    Points Possible,,,,,40
"Lovelace, Ada",1815,u1,ada,A,
"Noether, Emmy",1882,u2,emmy,A,
"Student, Test",1,,,A,
"""
MOODLE = """Identifier,Full name,Email address,Status,Grade
Participant 1815,Ada Lovelace,ada@example.org,,
Participant 1903,Andréi Колмогоров,andrei@example.org,,
"""


@pytest.fixture
def roster(tmp_path):
    def write(text, encoding="utf-8"):
        path = tmp_path / "roster.csv"
        path.write_bytes(text.encode(encoding))
        return read_roster(path)

    return write


def folder(tmp_path, *names, content=b"{}"):
    for name in names:
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return tmp_path / "in"


def zipped(tmp_path, *names, content=b"{}"):
    tmp_path.mkdir(exist_ok=True)
    path = tmp_path / "in.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(name, content)
    return path


def people(found):
    return [submission.student.name for submission in found]


def test_canvas_roster_is_read_without_its_own_lines(roster):
    ada, emmy = roster(CANVAS)
    assert (ada.name, ada.number, ada.login) == ("Ada Lovelace", "1815", "ada")
    assert emmy.row["Section"] == "A"


def test_moodle_roster_is_read(roster):
    ada, andrei = roster(MOODLE, "utf-8-sig")
    assert (ada.name, ada.number, ada.email) == ("Ada Lovelace", "1815", "ada@example.org")
    assert andrei.name == "Andréi Колмогоров"


def test_gradescope_roster_is_read(roster):
    (ada,) = roster("First Name,Last Name,SID,Email\nAda,Lovelace,1815,ada@example.org\n")
    assert (ada.name, ada.login, ada.email) == ("Ada Lovelace", "1815", "ada@example.org")


@pytest.mark.parametrize("text", ["", "Colour,Size\nred,3\n", "Student\n"])
def test_a_roster_without_students_is_told(roster, text):
    with pytest.raises(CourseError, match="has no student: one column must be"):
        roster(text)


def test_students_that_cannot_be_told_apart_are_told(roster):
    with pytest.raises(CourseError, match="does not tell apart two students called Ada Lovelace"):
        roster("name\nAda Lovelace\nAda Lovelace\n")


@pytest.mark.parametrize("make", [folder, zipped])
def test_canvas_names_are_recognised(tmp_path, roster, make):
    place = make(tmp_path, "lovelaceada_1815_4711_ps1.ipynb", "noetheremmy_LATE_1882_4712_my_ps1.ipynb")
    found, problems = collect(place, roster(CANVAS))
    assert people(found) == ["Ada Lovelace", "Emmy Noether"] and not problems
    assert found[1].notes == ("handed in late",)


@pytest.mark.parametrize("make", [folder, zipped])
def test_moodle_names_are_recognised(tmp_path, roster, make):
    place = make(
        tmp_path,
        "Ada Lovelace_1815_assignsubmission_file_/ps1.ipynb",
        "Andréi Колмогоров_1903_assignsubmission_file_ps1.ipynb",
    )
    found, problems = collect(place, roster(MOODLE))
    assert people(found) == ["Ada Lovelace", "Andréi Колмогоров"] and not problems


def test_nbgraders_folders_are_recognised(tmp_path, roster):
    found, problems = collect(folder(tmp_path, "ada/ps1/ps1.ipynb", "emmy/ps1/ps1.ipynb"), roster(CANVAS))
    assert people(found) == ["Ada Lovelace", "Emmy Noether"] and not problems


@pytest.mark.parametrize("name", ["Ada Lovelace", "lovelaceada", "ada", "LOVELACE_ADA", "ada_lovelace"])
def test_a_student_is_found_by_a_name_however_it_is_written(roster, name):
    student, note = identify(Found(PurePosixPath("x"), b"", name), roster(CANVAS))
    assert student.name == "Ada Lovelace" and not note


def test_who_is_not_on_the_roster_is_kept_and_told(tmp_path, roster):
    found, problems = collect(folder(tmp_path, "grace/ps1.ipynb"), roster(CANVAS))
    assert people(found) == ["grace"] and problems == ["grace/ps1.ipynb: grace is not on the roster"]


def test_without_a_roster_every_file_is_somebodys(tmp_path):
    found, problems = collect(folder(tmp_path, "a.ipynb", "b.ipynb"), [])
    assert people(found) == ["a", "b"] and not problems


def test_of_several_attempts_the_last_is_taken(tmp_path, roster):
    names = [f"lovelaceada_1815_{4711 + k}_ps1{again}.ipynb" for k, again in enumerate(("-10", "", "-9"))]
    (found,), _ = collect(folder(tmp_path, *names, "lovelaceada_1815_9_notes.txt"), roster(CANVAS))
    assert found.name == names[0] and found.notes == (f"of 3 files, {names[0]} was taken",)


def test_what_is_no_notebook_is_kept_and_told(tmp_path):
    (found,), _ = collect(folder(tmp_path, "ada/ps1.py"), [])
    assert found.notes == ("ps1.py is no notebook",)


def test_what_systems_leave_behind_is_nobodys(tmp_path):
    names = "ada/ps1.ipynb", "ada/.ipynb_checkpoints/ps1-checkpoint.ipynb", "__MACOSX/ada/._ps1.ipynb", ".DS_Store"
    (found,), problems = collect(folder(tmp_path, *names), [])
    assert found.name == "ps1.ipynb" and not problems


@pytest.mark.parametrize("make", [folder, zipped])
def test_a_file_that_is_too_large_is_told_and_stops_nobody(tmp_path, make):
    place = make(tmp_path, "ada/ps1.ipynb")
    big = make(tmp_path / "big", "emmy/ps1.ipynb", content=bytes(LARGEST + 1))
    assert collect(big, []) == ([], ["emmy/ps1.ipynb: it is larger than 20 MB"])
    assert people(collect(place, [])[0]) == ["ada"]


def test_links_are_not_followed(tmp_path):
    place = folder(tmp_path, "ada/ps1.ipynb")
    (tmp_path / "secret").write_text("secret")
    (place / "emmy").mkdir()
    (place / "emmy" / "ps1.ipynb").symlink_to(tmp_path / "secret")
    found, problems = collect(place, [])
    assert people(found) == ["ada"] and problems == ["emmy/ps1.ipynb: it is a link, which is not followed"]


def test_a_broken_entry_of_a_zip_is_told_and_stops_nobody(tmp_path):
    path = zipped(tmp_path, "ada/ps1.ipynb", "emmy/ps1.ipynb", content=b"x" * 100)
    data = bytearray(path.read_bytes())
    data[data.index(b"x" * 100)] ^= 1
    path.write_bytes(data)
    found, (problem,) = collect(path, [])
    assert people(found) == ["emmy"] and problem.startswith("ada/ps1.ipynb: it cannot be read")


def test_names_in_a_zip_lead_nowhere(tmp_path):
    (found,), _ = collect(zipped(tmp_path, "../../etc/passwd.ipynb"), [])
    assert "/" not in found.student.key and "." not in found.student.key


@pytest.mark.parametrize("name", ["nowhere", "file.txt"])
def test_a_place_that_holds_nothing_is_told(tmp_path, name):
    (tmp_path / "file.txt").write_text("text")
    with pytest.raises(CourseError, match="neither a folder nor a zip"):
        collect(tmp_path / name, [])
    (tmp_path / "empty").mkdir()
    with pytest.raises(CourseError, match="holds no file"):
        collect(tmp_path / "empty", [])


def test_different_students_have_different_files():
    students = [Student("A" * 300, "1"), Student("A" * 300, "2"), Student("Żółć", "1"), Student("Ada/../..", "1")]
    keys = [student.key for student in students]
    assert len(set(keys)) == 4 and all(key.replace("_", "").isalnum() and len(key) < 100 for key in keys)


def test_an_encrypted_zip_is_told(tmp_path):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("ada/ps1.ipynb", b"{}")
    data = bytearray(buffer.getvalue())
    for sign in (b"PK\x03\x04", b"PK\x01\x02"):  # the flag that says "encrypted"
        data[data.index(sign) + (6 if sign.endswith(b"\x04") else 8)] |= 1
    path = tmp_path / "in.zip"
    path.write_bytes(data)
    assert "cannot be read" in collect(path, [])[1][0]
