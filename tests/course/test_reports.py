"""What an instructor and a student get: right numbers, nobody lost, nothing that a student wrote is run."""

import csv
import zipfile
from html.parser import HTMLParser

import pytest

from course import report
from course.intake.errors import CourseError
from course.intake.lms import Student, read_roster
from course.problems.questions import Explain, Mark, Part, ProblemSet, Values, Write
from course.report import files, manual, summary, tables
from course.report.results import OF_BEFORE, Graded, load, of_before, store
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


OPEN = "Problem set 1 (not all answers read)"


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
    assert points["Student"].strip() == "Points Possible" and points[OPEN] == "10"
    assert (ada["Student"], ada["ID"], ada["Section"], ada[OPEN]) == ("Lovelace, Ada", "1815", "A", "6")
    assert (emmy["ID"], emmy[OPEN]) == ("1882", "")


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


def test_comments_in_moodles_worksheet_come_back_unchanged(written):
    comment = "- Good.\nSee me; = x"
    row = {"Identifier": "Participant 1815", "Full name": "=Ada", "Grade": "3.00", "Feedback comments": comment}
    ada = Student("Ada Lovelace", "1815", row=row)
    (line,) = read(written([graded(ada, 4, 2)], [ada]) / "moodle.csv")
    assert line["Feedback comments"] == comment and (line["Grade"], line["Full name"]) == ("6", "'=Ada")


def found_by_moodle(entry):
    """Take a name in a zip apart as Moodle's importziplib.php does: the participant's number, and the file kept."""
    folder, _, file = entry.partition("/")
    _, number, kind, plugin, rest = folder.split("_", 4)
    assert (kind, plugin, rest) == ("assignsubmission", "file", "") and not file.startswith((".", "~"))
    return number, file


def test_moodle_finds_whose_each_page_is(written):
    odd = Student("A_B/C\\ \u2028x", "77")
    folder = written([graded(ADA, 4, 2), graded(odd, 1, 1), graded(Student("no number"), 1, 1)], [])
    with zipfile.ZipFile(folder / "moodle_feedback.zip") as archive:
        found = [found_by_moodle(name) for name in archive.namelist()]
        assert found == [("1815", "ps1_feedback.html"), ("77", "ps1_feedback.html")]
        page = (folder / "feedback" / f"{ADA.key}.html").read_bytes()
        assert archive.read(archive.namelist()[0]) == page
    again = (folder / "moodle_feedback.zip").read_bytes()
    written([graded(ADA, 4, 2), graded(odd, 1, 1)], [])
    assert (folder / "moodle_feedback.zip").read_bytes() == again


def test_without_moodles_numbers_there_is_no_zip(written):
    assert not (written([graded(Student("no number"), 1, 1)], []) / "moodle_feedback.zip").exists()


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
    who = f'<a href="feedback/{GRACE.key}.html">Grace &lt;b&gt;Hopper&lt;/b&gt;</a>'
    row = f'<tr><td>floor instead of rounding</td><td>Store</td><td class="number">1</td><td>{who}</td></tr>'
    assert row in page
    (image,) = [attrs for tag, attrs in Tags(page).tags if tag == "img"]
    assert image["alt"] == (
        "At least half of the class has 6 of 10 points or more. "
        "The hardest question is Store: 50% of its points on average."
    )


def test_the_hardest_question_comes_first():
    assert [row[0] for row in summary.shares(CLASS, PS1)] == ["Store", "Read the ruler", "Explain the curve"]
    assert summary.shares(CLASS, PS1)[0][1:] == ("2.0", 4, "50%")


def test_a_class_without_marks_has_a_summary(written):
    page = (written([graded(ADA, problem="this is not ps1")], roster=[]) / "summary.html").read_text()
    assert "Nobody has marks yet." in page and "no marks: this is not ps1" in page


# --- points by hand


def test_points_by_hand_are_taken_over_and_kept(tmp_path):
    path = tmp_path / "manual.csv"
    manual.merge(path, [graded(ADA, 4, 2)], PS1)
    (row,) = read(path)
    assert (row["student"], row["question"], row["points"], row["of"]) == (ADA.key, "ps1_q3", "", "4")
    files.save_table(path, manual.COLUMNS, [(ADA.key, "ps1_q3", "3.5", 4, "well seen", "", "", "")])
    again = graded(ADA, 4, 2)
    manual.merge(path, [again, graded(EMMY, 4, 2)], PS1)
    assert again.score == 9.5 and again.marks["ps1_q3"].reasons == ("well seen",) and not again.to_read
    assert [(row["points"], row["remark"]) for row in read(path)] == [("3.5", "well seen"), ("", "")]


@pytest.mark.parametrize("points", ["5", "-1", "many", "nan"])
def test_points_by_hand_that_cannot_be_are_told_and_nothing_is_lost(tmp_path, points):
    path = tmp_path / "manual.csv"
    files.save_table(path, manual.COLUMNS, [(ADA.key, "ps1_q3", points, 4, "", "", "", "")])
    before = path.read_bytes()
    with pytest.raises(CourseError, match=f"manual.csv, line 2: {ADA.key}, ps1_q3 has from 0 to 4 points"):
        manual.merge(path, [graded(ADA, 4, 2)], PS1)
    assert path.read_bytes() == before


def test_an_answer_is_no_formula_in_the_table(tmp_path):
    manual.merge(tmp_path / "manual.csv", [graded(ADA, 4, 2, written="=HYPERLINK(1)")], PS1)
    assert read(tmp_path / "manual.csv")[0]["answer"] == "'=HYPERLINK(1)"


def by_hand(path, change):
    """Change the rows of the table as a person does."""
    rows = [change(dict(row)) for row in read(path)]
    files.save_table(path, rows[0], [row.values() for row in rows])


def test_points_by_hand_survive_another_batch_and_a_file_that_is_unreadable_for_once(tmp_path):
    path = tmp_path / "manual.csv"
    manual.merge(path, [graded(ADA, 4, 2), graded(EMMY, 4, 2)], PS1)
    by_hand(path, lambda row: row | {"points": "3", "my own": "seen"})
    lost = manual.merge(path, [graded(GRACE, 4, 2), graded(ADA, problem="it is a PDF")], PS1)
    found = {row["student"]: (row["points"], row["my own"]) for row in read(path)}
    assert found == {ADA.key: ("3", "seen"), EMMY.key: ("3", "seen"), GRACE.key: ("", "")}
    assert len(lost) == 2 and "these points count for nobody" in lost[0]
    again = graded(ADA, 4, 2)
    manual.merge(path, [again], PS1)
    assert again.score == 9


def test_points_of_an_answer_that_changed_stay_and_it_is_said_until_a_person_has_read_it(tmp_path):
    path = tmp_path / "manual.csv"
    manual.merge(path, [graded(ADA, 4, 2)], PS1)
    by_hand(path, lambda row: row | {"points": "4"})
    manual.merge(path, [same := graded(ADA, 4, 2, written="It  falls.\n")], PS1)
    assert same.score == 10 and not same.notes
    for _ in range(2):
        manual.merge(path, [other := graded(ADA, 4, 2, written="I do not know.")], PS1)
        assert other.score == 10 and "the answer changed" in other.notes[0]
    by_hand(path, lambda row: row | {"changed": ""})
    manual.merge(path, [read_again := graded(ADA, 4, 2, written="I do not know.")], PS1)
    assert read_again.score == 10 and not read_again.notes


def test_a_score_is_overridden_by_hand_with_a_reason(tmp_path):
    path = tmp_path / "manual.csv"
    line = (ADA.key, "ps1_q1", "3", "", "right idea", "", "", "")
    files.save_table(path, manual.COLUMNS, [line])
    manual.merge(path, [ada := graded(ADA, 0, 2)], PS1)
    assert ada.score == 5 and ada.marks["ps1_q1"].reasons[0] == "3 points were given by hand: right idea"
    files.save_table(path, manual.COLUMNS, [(*line[:4], "", "", "", "")])
    with pytest.raises(CourseError, match="reason"):
        manual.merge(path, [graded(ADA, 0, 2)], PS1)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_the_table_is_read_as_excel_saves_it(tmp_path, encoding):
    path = tmp_path / "manual.csv"
    text = f"Student;Question;Points;of;remark;answer\r\n{ADA.key};ps1_q3;3,5;4;schön;x\r\n"
    path.write_bytes(text.encode(encoding))
    manual.merge(path, [ada := graded(ADA, 4, 2)], PS1)
    assert ada.score == 9.5 and ada.marks["ps1_q3"].reasons == ("schön",)


def test_a_table_in_a_code_page_is_refused_and_kept(tmp_path):
    path = tmp_path / "manual.csv"
    path.write_bytes(f"student,question,points,remark\n{ADA.key},ps1_q3,3,schön\n".encode("cp1252"))
    before = path.read_bytes()
    with pytest.raises(CourseError, match="line 2: this is not text in UTF-8"):
        manual.merge(path, [graded(ADA, 4, 2)], PS1)
    assert path.read_bytes() == before


def test_a_long_answer_and_half_an_emoji_are_written_and_read_again(tmp_path):
    path = tmp_path / "manual.csv"
    for _ in range(2):
        manual.merge(path, [graded(ADA, 4, 2, written="a" * 140_000), graded(EMMY, 4, 2, written="\ud83d")], PS1)
    long, half = read(path)
    assert len(long["answer"]) < 32_767 and half["answer"] == "?"


def test_a_table_that_cannot_be_written_leaves_the_old_one(tmp_path):
    files.save_table(tmp_path / "a.csv", ["head"], [["old"]])

    def rows():
        yield ["new"]
        raise ValueError

    with pytest.raises(ValueError):
        files.save_table(tmp_path / "a.csv", ["head"], rows())
    assert read(tmp_path / "a.csv") == [{"head": "old"}]


# --- results


def test_who_is_not_in_a_batch_keeps_the_marks_of_an_earlier_one(tmp_path):
    store(tmp_path / f"{ADA.key}.json", graded(ADA, 4, 2))
    store(tmp_path / f"{EMMY.key}.json", graded(EMMY, 4, 2))
    (tmp_path / "bad.json").write_text("{")
    found, problems = of_before(tmp_path, [graded(EMMY, 0, 0)], ROSTER, "")
    assert [(g.student, g.score, g.notes) for g in found] == [(ADA, 6, [OF_BEFORE])]
    assert len(problems) == 1 and "bad.json" in problems[0]


def test_a_notebook_counts_once_also_if_the_roster_came_later(tmp_path):
    stranger, now = graded(Student("ada"), 4, 2), graded(ADA, 4, 2)
    stranger.content = now.content = "the same"
    store(tmp_path / "ada.json", stranger)
    found, problems = of_before(tmp_path, [now], ROSTER, "")
    assert not found and "ada.json: left out" in problems[0]


# --- what a class needs to know


def test_a_misunderstanding_is_counted_by_student():
    twice = graded(ADA, 4, 0)
    twice.marks["ps1_q2"] = Mark(0, (), ("z is forgotten", "z is forgotten"))
    assert [(name, who) for _, name, who in summary.mistakes([twice])] == [("z is forgotten", [twice])]


def test_notebooks_that_are_the_same_are_pointed_out():
    pair = [graded(ADA, 4, 2), graded(EMMY, 4, 2)]
    for each in pair:
        each.content = "same"
    empty = graded(GRACE, 0, 0)
    assert summary.alike([*pair, empty]) == [pair]


def test_the_summary_begins_with_who_has_no_marks(written):
    page = (written([*CLASS, graded(EMMY, problem="it is a PDF")]) / "summary.html").read_text()
    places = [page.index(text) for text in ("Without marks", "it is a PDF", "<h2>Late", "wait for points", "<img")]
    assert places == sorted(places)


def test_a_page_shows_the_points_of_each_part_and_the_students_own_answer(written):
    page = (written(CLASS) / "feedback" / f"{ADA.key}.html").read_text()
    assert "<h2>1. Store (4 of 4)</h2>" in page and "<pre>It falls.</pre>" in page


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
