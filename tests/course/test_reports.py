"""What an instructor and a student get: right numbers, nobody lost, nothing that a student wrote is run."""

import csv
from html.parser import HTMLParser

import pytest

from course import report
from course.intake.errors import CourseError
from course.intake.lms import Student, read_roster
from course.problems.questions import Explain, Mark, Part, ProblemSet, Values, Write
from course.report import feedback, manual, tables
from course.report.results import Graded, load, store
from quantlib.lab.misconception import Misconception

FLOOR = Misconception("floor instead of rounding", "Floor goes down.", "Use torch.round.", lambda x: x)
SOURCE = "def my_store(x):\n    ### BEGIN SOLUTION\n    return x\n    ### END SOLUTION\n"
STORE = Write("ps1_q1", "Store", "", SOURCE, name="my_store", parts=(Part("ties", 4, ((1,),)),), mistakes=(FLOOR,))
LOW = Values("ps1_q2", "Read the ruler", "", "", right={"low_2": (3, 2)})
CURVE = Explain("ps1_q3", "Explain the curve", "", "", rubric=(("falls", 2), ("rises", 2)))
PS1 = ProblemSet("ps1", "Problem set 1", "", (STORE, LOW, CURVE))

ADA = Student(
    "Ada Lovelace", "1815", "ada", "ada@example.org", {"Student": "Lovelace, Ada", "ID": "1815", "Section": "A"}
)
EMMY = Student("Emmy Noether", "1882", "emmy")
GRACE = Student("Grace <b>Hopper</b>", "1906", "grace")
ROSTER = [ADA, EMMY, GRACE]


def marks(first, second, third=None):
    recognised = () if first == 4 else ("floor instead of rounding",)
    return {
        "ps1_q1": Mark(first, () if first == 4 else ("ties: 1 of 2 values are not as they should be",), recognised),
        "ps1_q2": Mark(second, () if second == 2 else ("low_2: this is not the value",)),
        "ps1_q3": Mark(third),
    }


def graded(student, *points, problem="", notes=(), written="It falls."):
    found = {} if problem else marks(*points)
    return Graded(student, "ps1.ipynb", "0", problem, list(notes), found, {} if problem else {"ps1_q3": written})


CLASS = [graded(ADA, 4, 2), graded(GRACE, 0, 2, notes=["handed in late"])]


def read(path):
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def written(tmp_path):
    def write(results, roster=ROSTER, problems=()):
        report.write(tmp_path, results, PS1, roster, list(problems))
        return tmp_path

    return write


def test_scores_have_every_student_and_every_question(written):
    ada, emmy, grace = read(written(CLASS) / "scores.csv")
    assert ada["Total (of 10)"] == "6" and ada["ps1_q1 (of 4)"] == "4" and ada["ps1_q3 (of 4)"] == ""
    assert ada["Status"] == "to be read: ps1_q3" and emmy["Status"] == "nothing was handed in"
    assert grace["Mistakes"] == "floor instead of rounding" and grace["Notes"] == "handed in late"


def test_who_has_no_marks_has_no_score_anywhere(written):
    folder = written([graded(ADA, problem="the notebook has no cell")])
    assert read(folder / "scores.csv")[0]["Total (of 10)"] == ""
    assert read(folder / "canvas.csv")[1]["Problem set 1"] == ""
    assert read(folder / "moodle.csv")[0]["Grade"] == ""
    assert (
        "There are no marks yet: the notebook has no cell." in (folder / "feedback/ada_lovelace_1815.html").read_text()
    )


def test_canvas_finds_its_students_again(written):
    points, ada, emmy, _ = read(written(CLASS) / "canvas.csv")
    assert points["Student"].strip() == "Points Possible" and points["Problem set 1"] == "10"
    assert (ada["Student"], ada["ID"], ada["Section"], ada["Problem set 1"]) == ("Lovelace, Ada", "1815", "A", "6")
    assert (emmy["ID"], emmy["Problem set 1"]) == ("1882", "")


def test_moodle_finds_its_students_again(written):
    ada, *_ = read(written(CLASS) / "moodle.csv")
    assert (ada["Identifier"], ada["Grade"], ada["Maximum grade"]) == ("Participant 1815", "6", "10")


def test_moodles_worksheet_comes_back_as_it_was_but_for_the_grades(written, tmp_path):
    """Moodle refuses a worksheet without "Last modified (grade)", and writes comments that differ over its own."""
    sheet = "Identifier,Full name,Status,Grade,Maximum grade,Last modified (grade),Feedback comments"
    lines = [
        "Participant 1815,Ada Lovelace,Submitted,3.00,10.00,-,Well done",
        "Participant 1882,Emmy Noether,,,10.00,-,",
    ]
    (tmp_path / "roster.csv").write_text("\n".join([sheet, *lines, ""]), encoding="utf-8")
    ada, emmy = read_roster(tmp_path / "roster.csv")
    back = (written([graded(ada, 4, 2)], [ada, emmy]) / "moodle.csv").read_text(encoding="utf-8-sig").splitlines()
    assert back[0].startswith(sheet)
    assert [line.removesuffix(",") for line in back[1:]] == [lines[0].replace("3.00", "6"), lines[1]]


def test_who_is_not_on_the_roster_is_in_the_tables(written):
    assert [row["Name"] for row in read(written(CLASS, roster=[EMMY]) / "scores.csv")][1:] == [
        "Ada Lovelace",
        "Grace <b>Hopper</b>",
    ]


def test_feedback_names_the_mistake_and_says_what_it_is(written):
    page = (written(CLASS) / "feedback" / f"{GRACE.key}.html").read_text()
    assert "Looks like: <b>floor instead of rounding</b>. Floor goes down. Use torch.round." in page
    assert "<b>2 of 10 points.</b> A person still reads" in page and "Store (0 of 4)" in page
    assert "Lovelace" not in page


class Tags(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))


def test_nothing_that_a_student_wrote_becomes_part_of_a_page(written):
    evil = "<script>alert(1)</script>"
    bad = graded(Student(evil, "1"), 0, 0, notes=[evil], written=evil)
    bad.marks["ps1_q1"] = Mark(0, (evil,), (evil,))
    folder = written([bad], roster=[], problems=[evil])
    for path in (folder / "summary.html", next((folder / "feedback").iterdir())):
        assert "script" not in [tag for tag, _ in Tags(path.read_text()).tags]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@a", "\tx"])
def test_no_text_of_a_student_is_a_formula_in_a_table(written, text):
    folder = written([graded(Student(text, "7"), 4, 2, notes=[text])], roster=[])
    (row,) = read(folder / "scores.csv")
    assert row["Name"] == f"'{text}" and row["Notes"] == f"'{text}"


def test_summary_says_what_the_class_misunderstood(written):
    page = (written(CLASS, problems=["x.zip: it cannot be read"]) / "summary.html").read_text()
    assert "2 of 3 students have marks" in page and "x.zip: it cannot be read" in page
    row = '<tr><td>floor instead of rounding</td><td>Store</td><td class="number">1</td></tr>'
    assert row in page
    (image,) = [attrs for tag, attrs in Tags(page).tags if tag == "img"]
    assert image["alt"] == (
        "At least half of the class has 6 of 10 points or more. "
        "The hardest question is Store: 50% of its points on average."
    )


def test_the_hardest_question_comes_first():
    assert [row[0] for row in feedback.shares(CLASS, PS1)] == ["Store", "Read the ruler", "Explain the curve"]
    assert feedback.shares(CLASS, PS1)[0][1:] == ("2.0", 4, "50%")


def test_a_class_without_marks_has_a_summary(written):
    page = (written([graded(ADA, problem="this is not ps1")], roster=[]) / "summary.html").read_text()
    assert "Nobody has marks yet." in page and "no marks: this is not ps1" in page


# --- points by hand


def test_points_by_hand_are_taken_over_and_kept(tmp_path):
    path = tmp_path / "manual.csv"
    manual.merge(path, [graded(ADA, 4, 2)], PS1)
    (row,) = read(path)
    assert (row["student"], row["question"], row["points"], row["of"]) == (ADA.key, "ps1_q3", "", "4")
    manual.write(path, manual.COLUMNS, [(ADA.key, "ps1_q3", "3.5", 4, "well seen", "")])
    again = graded(ADA, 4, 2)
    manual.merge(path, [again, graded(EMMY, 4, 2)], PS1)
    assert again.score == 9.5 and again.marks["ps1_q3"].reasons == ("well seen",) and not again.to_read
    assert [(row["points"], row["remark"]) for row in read(path)] == [("3.5", "well seen"), ("", "")]


@pytest.mark.parametrize("points", ["5", "-1", "many", "nan"])
def test_points_by_hand_that_cannot_be_are_told_and_nothing_is_lost(tmp_path, points):
    path = tmp_path / "manual.csv"
    manual.write(path, manual.COLUMNS, [(ADA.key, "ps1_q3", points, 4, "", "")])
    before = path.read_bytes()
    with pytest.raises(CourseError, match="ps1_q3 has from 0 to 4 points"):
        manual.merge(path, [graded(ADA, 4, 2)], PS1)
    assert path.read_bytes() == before


def test_an_answer_is_no_formula_in_the_table(tmp_path):
    manual.merge(tmp_path / "manual.csv", [graded(ADA, 4, 2, written="=HYPERLINK(1)")], PS1)
    assert read(tmp_path / "manual.csv")[0]["answer"] == "'=HYPERLINK(1)"


# --- results


def test_a_result_is_read_as_it_was_stored(tmp_path):
    store(tmp_path / "results" / "ada.json", CLASS[0])
    assert load(tmp_path / "results" / "ada.json") == CLASS[0]
    assert [path.name for path in (tmp_path / "results").iterdir()] == ["ada.json"]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"marks": {}}', '{"marks": {}, "student": {}, "more": 1}'])
def test_a_result_that_cannot_be_read_is_none(tmp_path, text):
    (tmp_path / "ada.json").write_text(text)
    assert load(tmp_path / "ada.json") is None and load(tmp_path / "nobody.json") is None


def test_lines_pair_everybody_once():
    pairs = tables.lines(CLASS, ROSTER)
    assert [student for student, _ in pairs] == ROSTER and [bool(each) for _, each in pairs] == [True, False, True]
