"""Feedback goes back through nbgrader's exchange: its release_feedback takes the folder as it is (tried with 0.9.6)."""

import json

import pytest

from course.intake.lms import collect
from course.problems.questions import Mark, ProblemSet, Values
from course.report import nbgrader
from course.report.results import Graded

ASKED = ProblemSet("ps1", "Problem set 1", "", (Values("ps1_q1", "Read", "", "", right={"low": (3, 2)}),))
FILES = {"ps1.ipynb": "{}", "timestamp.txt": "2026-11-25 09:07:04.019332 UTC", "submission_secret.txt": "5ec7e7"}


@pytest.fixture
def course(tmp_path):
    """nbgrader's folder of a course in which two students handed in two assignments."""
    for who in ("ada", "emmy"):
        for assignment in ("ps1", "ps2"):
            folder = tmp_path / "submitted" / who / assignment
            folder.mkdir(parents=True)
            for name, text in FILES.items():
                (folder / name.replace("ps1", assignment)).write_text(text.replace("5ec7e7", f"{who}-{assignment}"))
    return tmp_path


def written(course, place="submitted"):
    submissions, _ = collect(course / place, [], "ps1", ["ps2"])
    marks = {"ps1_q1": Mark(2)}
    graded = [Graded(each.student, each.name, "", marks=marks) for each in submissions]
    count = nbgrader.write(course / "out", course / place, submissions, graded, ASKED)
    found = {p.relative_to(course / "out").as_posix(): p.read_text(encoding="utf-8") for p in course.glob("out/*/*/*")}
    return count, found


@pytest.mark.parametrize("place", ["submitted", "."])
def test_each_student_gets_a_page_beside_the_secret_of_the_submission(course, place):
    count, found = written(course, place)
    names = ("ps1.html", "submission_secret.txt", "timestamp.txt")
    assert count == 2 and sorted(found) == [f"{who}/ps1/{name}" for who in ("ada", "emmy") for name in names]
    for who, other in (("ada", "emmy"), ("emmy", "ada")):
        assert found[f"{who}/ps1/submission_secret.txt"] == f"{who}-ps1"
        assert found[f"{who}/ps1/timestamp.txt"] == FILES["timestamp.txt"]
        assert who in found[f"{who}/ps1/ps1.html"] and other not in found[f"{who}/ps1/ps1.html"]


def test_without_nbgraders_files_nothing_is_written(course):
    for path in course.rglob("submission_secret.txt"):
        path.unlink()
    assert written(course) == (0, {})


def test_a_students_link_leads_to_nobodys_file(course):
    (course / "private.txt").write_text("private")
    secret = course / "submitted" / "ada" / "ps1" / "submission_secret.txt"
    secret.unlink()
    secret.symlink_to(course / "private.txt")
    count, found = written(course)
    assert count == 1 and "private" not in json.dumps(found)


def test_a_secret_that_is_a_large_file_is_not_copied(course):
    (course / "submitted" / "ada" / "ps1" / "submission_secret.txt").write_text("a" * 2000)
    assert written(course)[0] == 1


def test_a_students_own_folder_is_nobody_elses(course):
    inner = course / "submitted" / "emmy" / "ps1" / "ada" / "ps1"
    inner.mkdir(parents=True)
    for name in FILES:
        (inner / name).write_text("emmy's own")
    (course / "submitted" / "emmy" / "ps1" / "ps1.ipynb").unlink()
    count, found = written(course)
    assert count == 2 and found["ada/ps1/submission_secret.txt"] == "ada-ps1"
    assert "emmy" not in found["ada/ps1/ps1.html"] and "emmy" in found["emmy/ps1/ps1.html"]
