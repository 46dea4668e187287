"""What an LMS gives is read as it is, and nobody is lost on the way."""

import io
import os
import tracemalloc
import unicodedata
import zipfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from course.intake.errors import CourseError
from course.intake.lms import LARGEST, Student, collect, read_roster

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


def told(place):
    """Return for each student why the file cannot be read."""
    return {submission.student.name: why(submission) for submission in collect(place, [])[0]}


def why(submission):
    try:
        return "" if submission.content else "empty"
    except CourseError as error:
        return str(error)


def people(found):
    return [submission.student.name for submission in found]


def test_canvas_roster_is_read_without_its_own_lines(roster):
    ada, emmy = roster(CANVAS)
    assert (ada.name, ada.number, ada.login) == ("Ada Lovelace", "1815", "ada")
    assert emmy.row["Section"] == "A"


def test_canvas_roster_with_names_in_two_columns_is_read(roster):
    points, test = "    Points Possible,,,,,40", "Student,Test,1,,,A"
    (ada,) = roster(f"LastName,FirstName,ID,SIS Login ID,Section,PS1 (7)\n{points}\nLovelace,Ada,1815,ada,A,\n{test}\n")
    assert (ada.name, ada.number, ada.login) == ("Ada Lovelace", "1815", "ada")


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


def test_what_canvas_does_with_names_does_not_hide_a_student(tmp_path, roster):
    """A name with "_", a file called LATE that is not, a text that was typed in: as in content_zipper.rb of Canvas."""
    text = "Student,ID\nAda_Mae Lovelace,1815\nEmmy Noether,1882\nGrace Hopper,1906\n"
    names = (
        "lovelaceada_mae_1815_4711_ps1.ipynb",
        "noetheremmy_1882_4712_my_LATE_ps1-2.ipynb",
        "hoppergrace_1906_text.html",
    )
    found, problems = collect(folder(tmp_path, *names), roster(text))
    assert people(found) == ["Ada_Mae Lovelace", "Emmy Noether", "Grace Hopper"] and not problems
    assert [each.notes for each in found] == [
        (),
        (),
        ("the name hoppergrace_1906_text.html is no notebook's: it should end in .ipynb",),
    ]


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


@pytest.mark.parametrize("root", ["", "submitted/"])
def test_of_nbgraders_assignments_the_right_one_is_taken(tmp_path, roster, root):
    names = "ada/ps1/ps1.ipynb", "ada/ps2/ps2.ipynb", "emmy/ps1/ps1.ipynb", "emmy/ps2/ps2.ipynb"
    place = folder(tmp_path, *(root + name for name in names), root + "ada/ps1/timestamp.txt")
    for wanted, other in (("ps1", "ps2"), ("ps2", "ps1")):
        found, problems = collect(place, roster(CANVAS), wanted, [other])
        assert people(found) == ["Ada Lovelace", "Emmy Noether"]
        assert [each.path.as_posix() for each in found] == [
            f"{root}{who}/{wanted}/{wanted}.ipynb" for who in ("ada", "emmy")
        ]
        assert problems == [f"{2 + (other == 'ps1')} files of other problem sets were left out"]


def test_who_handed_in_another_problem_set_alone_handed_in_nothing(tmp_path):
    found, _ = collect(folder(tmp_path, "ada/ps1/ps1.ipynb", "emmy/ps2/ps2.ipynb"), [], "ps1", ["ps2"])
    assert people(found) == ["ada"]
    with pytest.raises(CourseError, match="no file of this problem set"):
        collect(folder(tmp_path / "x", "emmy/ps2/ps2.ipynb"), [], "ps1", ["ps2"])


def test_of_two_notebooks_the_one_with_the_problem_sets_name_is_taken(tmp_path):
    (found,), _ = collect(folder(tmp_path, "ada/PS1 final.ipynb", "ada/zzz.ipynb"), [], "ps1", ["ps2"])
    assert found.name == "PS1 final.ipynb" and found.notes == ("of 2 files, PS1 final.ipynb was taken",)


@pytest.mark.parametrize("make", [folder, zipped])
def test_a_folder_around_all_of_them_is_no_student(tmp_path, roster, make):
    found, problems = collect(make(tmp_path, "all/ada/ps1.ipynb", "all/emmy/ps1.ipynb"), roster(CANVAS))
    assert people(found) == ["Ada Lovelace", "Emmy Noether"] and not problems
    names = "all/lovelaceada_1815_4711_ps1.ipynb", "all/noetheremmy_1882_4712_ps1.ipynb"
    found, problems = collect(make(tmp_path / "canvas", *names), roster(CANVAS))
    assert people(found) == ["Ada Lovelace", "Emmy Noether"] and not problems


def test_a_single_student_is_no_folder_around_all(tmp_path):
    for k, names in enumerate([["ada/ps1.ipynb"], ["ada/ps1.ipynb", "ada/notes.txt"], ["ada/ps1/ps1.ipynb"]]):
        assert people(collect(folder(tmp_path / str(k), *names), [])[0]) == ["ada"]


def gradescope(tmp_path, make, listed):
    """Return an export of Gradescope: a list of who handed in what, and a folder for each submission."""
    place = make(tmp_path, *(f"assignment_7_export/submission_{k}/ps1.ipynb" for k in (1, 2)))
    if make is folder:
        (place / "assignment_7_export" / "submission_metadata.yml").write_text(listed, encoding="utf-8")
    else:
        with zipfile.ZipFile(place, "a") as archive:
            archive.writestr("assignment_7_export/submission_metadata.yml", listed)
    return place


GRADESCOPE = """---
submission_1:
  :submitters:
  - :name: Ada Lovelace
    :sid: '1815'
    :email: ada@example.org
  :created_at: 2026-03-01 10:00:00.000000000 Z
  :score: 0.0
submission_2:
  :submitters:
  - :name: Emmy
    :sid:
    :email: emmy@example.org
  - :name: Андрей Колмогоров
    :sid: '1903'
    :email: andrei@example.org
"""


@pytest.mark.parametrize("make", [folder, zipped])
def test_gradescopes_export_is_recognised_and_a_group_is_each_of_its_students(tmp_path, roster, make):
    students = roster(
        "First Name,Last Name,SID,Email\nAda,Lovelace,1815,ada@example.org\nEmmy,Noether,,emmy@example.org\n"
        "Андрей,Колмогоров,1903,andrei@example.org\n"
    )
    found, problems = collect(gradescope(tmp_path, make, GRADESCOPE), students, "ps1", ["ps2"])
    assert people(found) == ["Ada Lovelace", "Emmy Noether", "Андрей Колмогоров"] and not problems
    assert {each.name for each in found} == {"ps1.ipynb"} and not any(each.notes for each in found)


@pytest.mark.parametrize("listed", ["a: [", "- 1", "submission_1: {}", "submission_1:\n  :submitters: 3\n"])
def test_a_list_of_gradescope_that_cannot_be_read_is_told(tmp_path, listed):
    found, problems = collect(gradescope(tmp_path, folder, listed), [])
    assert "submission_1" in people(found) and "submission_metadata.yml cannot be read" in problems[0]


def test_a_students_own_list_of_names_counts_for_nothing(tmp_path, roster):
    place = folder(tmp_path, "ada/ps1.ipynb", "emmy/ps1.ipynb")
    swapped = "".join(f"{a}:\n  :submitters:\n  - :name: {b}\n" for a, b in (("ada", "emmy"), ("emmy", "ada")))
    (place / "ada" / "submission_metadata.yml").write_text(swapped)
    found, problems = collect(place, roster(CANVAS))
    assert [(each.student.login, each.path.parts[0]) for each in found] == [("ada", "ada"), ("emmy", "emmy")]
    assert not problems


@pytest.mark.parametrize("name", ["Ada Lovelace", "lovelaceada", "ada", "LOVELACE_ADA", "ada_lovelace"])
def test_a_student_is_found_by_a_name_however_it_is_written(tmp_path, roster, name):
    found, problems = collect(folder(tmp_path, f"{name}/ps1.ipynb"), roster(CANVAS))
    assert people(found) == ["Ada Lovelace"] and not problems


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
    assert found.notes == ("the name ps1.py is no notebook's: it should end in .ipynb",)


def test_what_systems_leave_behind_is_nobodys(tmp_path):
    names = "ada/ps1.ipynb", "ada/.ipynb_checkpoints/ps1-checkpoint.ipynb", "__MACOSX/ada/._ps1.ipynb", ".DS_Store"
    (found,), problems = collect(folder(tmp_path, *names), [])
    assert found.name == "ps1.ipynb" and not problems


@pytest.mark.parametrize("make", [folder, zipped])
def test_the_clone_beside_an_answer_is_nobodys(tmp_path, make):
    """The first cell clones quantlib into the folder of the notebook where it finds none, and nbgrader submits it."""
    clone = "quantization-notebooks-v0.1.0/notebooks"
    names = f"{clone}/08_rounding.ipynb", f"{clone}/assignments/release/ps1/ps1.ipynb", "ps1.ipynb"
    (found,), problems = collect(make(tmp_path, *(f"ada/ps1/{name}" for name in names)), [], "ps1", ["ps2"])
    assert found.path.as_posix() == "ada/ps1/ps1.ipynb" and not found.notes and not problems


@pytest.mark.parametrize("make", [folder, zipped])
def test_a_notebook_in_a_folder_of_the_students_own_is_not_taken_for_the_answer(tmp_path, make):
    (found,), _ = collect(make(tmp_path, "ada/ps1/ps1.ipynb", "ada/ps1/old/ps1-2.ipynb"), [], "ps1", ["ps2"])
    assert found.path.as_posix() == "ada/ps1/ps1.ipynb"


@pytest.mark.parametrize("make", [folder, zipped])
def test_a_file_that_is_too_large_is_told_and_stops_nobody(tmp_path, make):
    place = make(tmp_path, "ada/ps1.ipynb")
    big = make(tmp_path / "big", "emmy/ps1.ipynb", content=bytes(LARGEST + 1))
    assert told(big) == {"emmy": "its file is larger than 64 MB"}
    assert people(collect(place, [])[0]) == ["ada"]


def test_links_are_not_followed(tmp_path):
    place = folder(tmp_path, "ada/ps1.ipynb")
    (tmp_path / "secret").write_text("secret")
    (place / "emmy").mkdir()
    (place / "emmy" / "ps1.ipynb").symlink_to(tmp_path / "secret")
    assert told(place) == {"ada": "", "emmy": "it is a link, which is not followed"}


def test_a_broken_entry_of_a_zip_is_told_and_stops_nobody(tmp_path):
    path = zipped(tmp_path, "ada/ps1.ipynb", "emmy/ps1.ipynb", content=b"x" * 100)
    data = bytearray(path.read_bytes())
    data[data.index(b"x" * 100)] ^= 1
    path.write_bytes(data)
    assert told(path) == {"ada": "its file cannot be read: Bad CRC-32 for file 'ada/ps1.ipynb'", "emmy": ""}


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
    assert told(path) == {"ada": "its zip has a password"}


# ---- students are told apart by what they are ----


@pytest.mark.parametrize("make", [folder, zipped])
def test_students_whose_names_differ_by_a_sign_or_by_case_stay_apart(tmp_path, make):
    names = ["j.smith", "j-smith", "j_smith", "Ann-Marie S", "Ann Marie S", "Ada", "ADA", "ada", "!!!", "???"]
    found, problems = collect(make(tmp_path, *(f"{name}/ps1.ipynb" for name in names)), [])
    assert sorted(people(found)) == sorted(names) and not problems and not any(each.notes for each in found)
    assert len({each.student.key for each in found}) == len(names)


def test_of_logins_that_differ_by_a_sign_the_exact_one_is_meant(tmp_path, roster):
    students = roster("name,login\nJohn Smith,j.smith\nJane Smith,j-smith\n")
    found, problems = collect(folder(tmp_path, "j.smith/ps1.ipynb", "j-smith/ps1.ipynb"), students)
    assert {each.path.parts[0]: each.student.name for each in found} == {
        "j.smith": "John Smith",
        "j-smith": "Jane Smith",
    }
    assert not problems


def test_who_is_only_like_a_student_with_files_is_a_stranger(tmp_path, roster):
    found, problems = collect(
        folder(tmp_path, "j.smith/ps1.ipynb", "j-smith/ps1.ipynb"), roster("name,login\nJ S,j.smith\n")
    )
    assert sorted(people(found)) == ["J S", "j-smith"] and not any(each.notes for each in found)
    assert problems == ["j-smith/ps1.ipynb: j-smith is like J S on the roster, but other files are, too"]


def test_a_name_that_fits_two_students_is_told(tmp_path, roster):
    students = roster("name,login\nAnn-Marie Smith,a1\nAnn Marie Smith,a2\n")
    _, problems = collect(folder(tmp_path, "ann_marie_smith/ps1.ipynb"), students)
    assert problems == [
        "ann_marie_smith/ps1.ipynb: ann_marie_smith fits 2 students of the roster: Ann-Marie Smith, Ann Marie Smith"
    ]
    assert sorted(people(collect(folder(tmp_path / "x", "Ann Marie Smith/a.ipynb"), students)[0])) == [
        "Ann Marie Smith"
    ]


def test_a_number_of_one_and_a_name_of_another_is_nobodys(tmp_path, roster):
    place = folder(tmp_path, "Ada Lovelace_1882_assignsubmission_file_/ps1.ipynb")
    found, (problem,) = collect(place, roster(CANVAS))
    assert people(found) == ["Ada Lovelace"] and found[0].student.login == "" and "fits 2 students" in problem


@pytest.mark.parametrize("make", [folder, zipped])
@pytest.mark.parametrize(("one", "other"), [("NFC", "NFD"), ("NFD", "NFC")])
def test_names_as_macos_writes_them_are_the_same_names(tmp_path, roster, make, one, other):
    students = roster(f"name\n{unicodedata.normalize(one, 'José Müller')}\n")
    place = make(tmp_path, f"{unicodedata.normalize(other, 'José Müller')}/ps1.ipynb")
    found, problems = collect(place, students)
    assert [each.student for each in found] == students and not problems


def test_vowel_signs_are_a_part_of_names(tmp_path, roster):
    found, problems = collect(folder(tmp_path, "सीता/ps1.ipynb"), roster("name\nसात\nसीता\n"))
    assert people(found) == ["सीता"] and not problems


def test_names_that_are_not_utf_8_can_be_written_and_stay_apart(tmp_path):
    place = tmp_path / "in"
    for name in (b"Jos\xe9", b"Jos\xe8", b"a\x1b[31m"):
        os.makedirs(os.path.join(os.fsencode(place), name))
        with open(os.path.join(os.fsencode(place), name, b"ps1\xff.ipynb"), "wb") as file:
            file.write(b"{}")
    found, problems = collect(place, [])
    assert sorted(people(found)) == [r"Jos\xe8", r"Jos\xe9", r"a\x1b[31m"] and not problems
    assert all(str(each.path).isprintable() and each.content == b"{}" for each in found)


# ---- which LMS it is, all names tell together ----

MINE = "x_1815_assignsubmission_file_ps1-99.ipynb"  # what Emmy may call a file, with Ada's number in it


@pytest.mark.parametrize("make", [folder, zipped])
@pytest.mark.parametrize(
    "names",
    [
        ("lovelaceada_1815_1_ps1.ipynb", "noetheremmy_1882_2_ps1.ipynb", f"noetheremmy_1882_3_{MINE}"),
        ("ada/ps1/ps1.ipynb", "emmy/ps1/ps1.ipynb", f"emmy/ps1/{MINE}", "emmy/lovelaceada_1815_1_ps1.ipynb"),
        ("Ada Lovelace_1815_assignsubmission_file_/a.ipynb", f"Emmy Noether_1882_assignsubmission_file_/{MINE}"),
        ("Ada Lovelace_1815_assignsubmission_file_a.ipynb", f"Emmy Noether_1882_assignsubmission_file_{MINE}"),
        ("Ada Lovelace_1815_assignsubmission_file_a.ipynb", "Emmy Noether_1882_assignsubmission_file_x_1815_1_y.ipynb"),
    ],
)
def test_nobody_hands_in_for_another(tmp_path, roster, make, names):
    found, problems = collect(make(tmp_path, *names), roster(CANVAS), "ps1")
    assert people(found) == ["Ada Lovelace", "Emmy Noether"] and not problems
    assert found[0].path.as_posix() == names[0] and not found[0].notes


@pytest.mark.parametrize("names", [("max/lovelaceada_1815_1_ps1.ipynb",), ("max/a/x.ipynb", "max/b/x.ipynb")])
def test_a_folder_of_a_student_on_the_roster_is_no_folder_around_all(tmp_path, roster, names):
    students = roster(CANVAS + '"Mallory, Max",1666,u3,max,A,\n')
    assert people(collect(folder(tmp_path, *names), students)[0]) == ["Max Mallory"]


@pytest.mark.parametrize("sign", ["/", ""])
def test_the_text_that_was_typed_in_is_the_same_students(tmp_path, sign):
    names = (
        f"Ada L_1_assignsubmission_file_{sign}ps1.ipynb",
        f"Ada L_1_assignsubmission_onlinetext_{sign}onlinetext.html",
    )
    (found,), problems = collect(folder(tmp_path, *names), [])
    assert found.path.as_posix() == names[0] and not found.notes and not problems


@pytest.mark.parametrize("end", ["ipynb.txt", "ipynb.json", "json", "txt"])
@pytest.mark.parametrize("beside", ["shot.png", "zzz.pdf", "zzz.html"])
def test_what_a_browser_called_otherwise_comes_before_what_is_none(tmp_path, end, beside):
    (found,), _ = collect(folder(tmp_path, f"lovelaceada_1815_1_ps1.{end}", f"lovelaceada_1815_2_{beside}"), [])
    assert found.name == f"lovelaceada_1815_1_ps1.{end}" and "it should end in .ipynb" in found.notes[1]


@pytest.mark.parametrize("make", [folder, zipped])
def test_what_lies_beside_the_students_folders_is_told_and_no_student(tmp_path, make):
    names = "desktop.ini", "Thumbs.db", "index.html", "grades.csv", "ada/Thumbs.db", "ada/~$x.docx", "ada/ps1.ipynb"
    found, problems = collect(make(tmp_path, *names), [])
    assert people(found) == ["ada"] and not found[0].notes
    assert problems == [
        f"{n}: it is no notebook, and lies beside what students handed in" for n in ("grades.csv", "index.html")
    ]


def test_a_loose_file_of_a_student_is_the_students(tmp_path, roster):
    found, problems = collect(folder(tmp_path, "emmy/ps1.ipynb", "ada.pdf"), roster(CANVAS))
    assert people(found) == ["Ada Lovelace", "Emmy Noether"] and not problems


def test_a_submission_of_nobody_in_gradescopes_list_keeps_the_name_of_its_folder(tmp_path):
    listed = "submission_1:\n  :submitters: []\nsubmission_2:\n  :submitters:\n  - :name: Emmy\n"
    assert sorted(people(collect(gradescope(tmp_path, folder, listed), [])[0])) == ["Emmy", "submission_1"]


@pytest.mark.parametrize("value", ["!ruby/object:Time {}", "2026-02-31"])
def test_a_list_of_gradescope_that_cannot_be_read_is_no_student(tmp_path, value):
    found, (problem,) = collect(gradescope(tmp_path, folder, f"submission_1: {value}\n"), [])
    assert people(found) == ["submission_1", "submission_2"] and "cannot be read" in problem


# ---- zips ----


def packed(entries):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def test_a_zip_with_backslashes_has_folders(tmp_path, roster):
    found, problems = collect(zipped(tmp_path, "ada\\ps1.ipynb", "emmy\\ps1.ipynb"), roster(CANVAS))
    assert people(found) == ["Ada Lovelace", "Emmy Noether"] and not problems and found[0].content == b"{}"


@pytest.mark.parametrize("name", ["/ada/ps1.ipynb", "./ada/./ps1.ipynb", "../ada//ps1.ipynb"])
def test_absolute_and_other_odd_names_in_a_zip_are_plain(tmp_path, name):
    (found,), problems = collect(zipped(tmp_path, name, ".", ".."), [])
    assert found.path.as_posix() == "ada/ps1.ipynb" and found.content == b"{}" and not problems


@pytest.mark.parametrize("make", [folder, zipped])
def test_a_zip_in_a_folder_or_zip_is_looked_into(tmp_path, roster, make):
    names = "lovelaceada_1815_1_work.zip", "noetheremmy_1882_2_ps1.zip"
    place = make(tmp_path, *names, content=packed({"a/ps1.ipynb": b"{1}", "shot.png": b"x"}))
    found, problems = collect(place, roster(CANVAS), "ps1")
    assert people(found) == ["Ada Lovelace", "Emmy Noether"] and not problems
    assert found[0].path.as_posix() == f"{names[0]}/a/ps1.ipynb" and found[0].content == b"{1}"


def test_a_download_that_was_zipped_twice_is_the_same(tmp_path, roster):
    inner = packed({"ada/ps1.ipynb": b"{1}", "emmy/work.zip": packed({"ps1.ipynb": b"{2}"})})
    path = tmp_path / "in.zip"
    path.write_bytes(packed({"subs.zip": inner, "__MACOSX/._subs.zip": b"x"}))
    found, problems = collect(path, roster(CANVAS))
    assert [(each.student.login, each.content) for each in found] == [
        ("ada", b"{1}"),
        ("emmy", b"{2}"),
    ] and not problems


def test_a_zip_that_cannot_be_opened_is_told_with_its_reason(tmp_path):
    place = folder(tmp_path, "ada/ps1.zip", content=b"no zip")
    folder(tmp_path, "emmy/ps1.zip", content=packed({}))
    folder(tmp_path, "grace/ps1.zip", content=packed({"x.zip": packed({"ps1.ipynb": b"{}"})}))
    assert told(place) == {
        "ada": "it is a zip that cannot be opened: ps1.zip: File is not a zip file",
        "emmy": "it is a zip without a file",
        "grace": "it is a zip in a zip",
    }


def test_nothing_is_read_before_it_is_graded(tmp_path):
    path = tmp_path / "in.zip"
    zeros = bytes(15 * 2**20)
    path.write_bytes(
        packed({f"ada/{k}.ipynb": zeros for k in range(10)} | {"emmy/ps1.zip": packed({"z.ipynb": zeros})})
    )
    tracemalloc.start()
    found, _ = collect(path, [])
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 2**21 and [len(each.content) for each in found] == [len(zeros)] * 2


def test_of_a_name_that_stands_twice_in_a_zip_the_later_is_taken(tmp_path):
    path = zipped(tmp_path, "ada/ps1.ipynb")
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr("ada/ps1.ipynb", b"later")
    (found,), _ = collect(path, [])
    assert found.content == b"later" and found.notes == ("of 2 files, ps1.ipynb was taken",)


def test_a_number_of_a_thousand_digits_in_a_name_stops_nobody(tmp_path):
    assert len(collect(zipped(tmp_path, f"a/ps1-{'9' * 5000}.ipynb", "a/ps1.ipynb", "b/ps1.ipynb"), [])[0]) == 2


PARTS = [
    "ada",
    "Ada",
    "a-1",
    "a\\b",
    "..",
    "x_1_2_y",
    "x_1_assignsubmission_file_",
    "submission_metadata.yml",
    "in.zip",
]
PATHS = st.lists(st.one_of(st.sampled_from(PARTS), st.text(min_size=1, max_size=4)), min_size=1, max_size=4).map(
    "/".join
)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(PATHS, min_size=1, max_size=6, unique=True), st.sampled_from(["", ".ipynb", ".zip"]))
def test_whatever_files_are_called_no_two_students_are_one(tmp_path, names, end):
    archive = [f"{name}{end}" for name in names if "\0" not in name]
    try:
        found, problems = collect(zipped(tmp_path, *archive), [Student("Ada", "1")])
    except CourseError as error:
        found, problems = [], [str(error)]
    assert len({each.student.key for each in found}) == len(found)
    assert "\n".join([*problems, *(f"{each.path}{each.notes}{why(each)}" for each in found)]).encode()
