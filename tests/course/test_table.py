"""A table is read as Excel, an LMS or a person writes it, or the one true reason says why not."""

import codecs

import pytest

from course.intake.errors import CourseError
from course.intake.table import read

HEADS = ("Student", "ID", "SIS Login ID")
PEOPLE = [("Student", "ID", "SIS Login ID"), ("Lovelace, Ada", "1815", "ada"), ("José Müller", "1882", "jose")]


@pytest.fixture
def table(tmp_path):
    def write(content, heads=HEADS):
        path = tmp_path / "table.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read(path, heads)

    return write


def text(rows=PEOPLE, sign=",", end="\r\n"):
    return "".join(sign.join(f'"{cell}"' if "," in cell else cell for cell in row) + end for row in rows)


def cells(rows):
    return [tuple(row.values()) for row in rows]


@pytest.mark.parametrize("sign", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("above", ["", "sep={}", "PS1, of 2026; a course", "\n{}{}{}\n\nThe course\n"])
@pytest.mark.parametrize("heads", [HEADS, ()])
def test_a_table_is_read_however_it_is_saved(table, sign, encoding, end, above, heads):
    if not heads and above[:3] not in ("", "sep"):
        return  # without a word of what is looked for, a title cannot be told from headings
    above = (above.replace("{}", sign) + "\n").replace("\n", end) if above else ""
    rows = table((above + text(sign=sign, end=end)).encode(encoding), heads)
    assert cells(rows) == PEOPLE[1:] and [tuple(row) for row in rows] == [PEOPLE[0]] * 2


def test_utf_16_of_the_other_order_is_read(table):
    assert cells(table(codecs.BOM_UTF16_BE + text().encode("utf-16-be"))) == PEOPLE[1:]


def test_headings_that_are_looked_for_come_back_as_they_were_asked_for(table):
    (row,) = table(" STUDENT ,id,Mine\nAda,1815,x\n")
    assert row == {"Student": "Ada", "ID": "1815", "Mine": "x"}


def test_a_cell_may_hold_lines_and_what_unicode_calls_a_line_end(table):
    long = "Good.\r\nSee me.\n\nAnd\x0b\x0c\x1c\x85\u2028\u2029so on"
    rows = table(f'Student,ID\r\n"{long}",1815\r\nMax\u2028Ada,1816\r\nEmmy,1882\r\n')
    assert cells(rows) == [(long, "1815"), ("Max\u2028Ada", "1816"), ("Emmy", "1882")]
    assert [row.line for row in rows] == [2, 6, 7]


def test_blank_lines_are_passed_over_and_short_ones_filled(table):
    rows = table("\nStudent,ID\n,\n\nAda\n ,\nEmmy,1882,,\n")
    assert cells(rows) == [("Ada", ""), ("Emmy", "1882")] and [row.line for row in rows] == [5, 7]


def test_a_cell_may_be_as_long_as_a_picture(table):
    assert cells(table("Student,ID\nAda," + "A" * 200_000)) == [("Ada", "A" * 200_000)]


def test_a_file_without_a_line_has_no_row(table):
    for content in ("", "\n", "\ufeff", "sep=;", "Student,ID\n", ",,\n"):
        assert table(content) == []


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (text().encode("cp1252"), r"table.csv, line 3: this is not text in UTF-8: save it .* \"CSV UTF-8\""),
        (text().encode("mac-roman"), "line 3: this is not text in UTF-8"),
        (b"PK\x03\x04rest", "is an Excel workbook or a zip, not a CSV"),
        (b"\xd0\xcf\x11\xe0rest", "is an old Excel workbook"),
        (b"%PDF-1.7", "is a PDF"),
        (b"Student\n\0\0\0", "is not text in UTF-8"),
        (text().encode("utf-16-le"), "is not text in UTF-8"),
        (text().encode("utf-16")[:-1], "is not text in UTF-8"),
        ('Student,ID\nAda,1815\n"Emmy,1882\nGrace,1906\n', "line 3: its quotes do not fit together"),
        ('Student,ID\n"Ada "Countess" L",1815\n', "line 2: its quotes do not fit together"),
        ("Student,ID\nLovelace, Ada,1815\n", "line 2: more cells than headings"),
        ("Student,ID,student\nAda,1,2\n", 'two columns called "Student"'),
    ],
)
def test_what_cannot_be_taken_is_told_with_its_reason_and_line(table, content, why):
    with pytest.raises(CourseError, match=why):
        table(content)


def test_a_mistyped_name_and_a_folder_are_told(tmp_path):
    with pytest.raises(CourseError, match=r"rooster.csv cannot be read: No such file"):
        read(tmp_path / "rooster.csv")
    with pytest.raises(CourseError, match="cannot be read: Is a directory"):
        read(tmp_path)
