"""The bug museum: the hunts, the cards, and the exercises that ask for inputs."""

import ast
import functools
import itertools
import re

import ipywidgets
import pytest
import torch

from quantlib import QuantlibError
from quantlib.data import T
from quantlib.lab.exercise import same
from quantlib.lessons import all_exercises
from quantlib.lessons.bug_museum import bugs
from quantlib.lessons.bug_museum.cards import Card
from quantlib.lessons.bug_museum.hunt import RULERS, SMALLEST, Museum, draw_bug, with_minus
from quantlib.lessons.bug_museum.inputs import choose_qparams_inputs, quantize_inputs
from tests.helpers.strategies import SEED
from tools import nbfile, project

# --- the hunt: what counts as a try, what is said, and what it scores


HUNTS = {
    "quantize": (bugs.no_clamp, ("128", "1", "0"), ("1", "1", "0")),
    "dequantize": (bugs.adds_zero_point_last, ("0", "1", "1"), ("1", "1", "0")),
    "choose_qparams": (bugs.clamps_the_zero_point, ("1, 2",), ("-1, 3",)),
    "max_abs": (bugs.forgets_abs, ("-2, 1",), ("2, 1",)),
    "symmetric": (bugs.always_127, ("1", "4"), ("1", "8")),
}
each_hunt = pytest.mark.parametrize(("mistake", "smallest", "harmless"), HUNTS.values(), ids=HUNTS)


def no_clamp():
    return Museum().hunt(bugs.no_clamp, "128", "1", "0")


@each_hunt
def test_an_input_that_shows_the_bug_is_caught(mistake, smallest, harmless):
    hunt = Museum().hunt(mistake, *smallest)
    assert hunt.attempt(*harmless).startswith("Input 1 shows nothing: ") and not hunt.is_caught
    said = hunt.attempt(*smallest)
    assert said.startswith("Caught with input 2, 2 points: ") and hunt.is_caught and hunt.is_over
    assert with_minus(f"The bug: {mistake.name}. {mistake.says} The fix: {mistake.hint}") in said


def test_what_came_and_what_should_have_come_are_said():
    hunt = no_clamp()
    assert hunt.attempt("-3", "2", "0") == "Input 1 shows nothing: x = −3, s = 2, z = 0 gives −2, as it should."
    assert hunt.attempt("300, 1", "2", "5").startswith(
        "Caught with input 2, 2 points: x = 300, 1, s = 2, z = 5 gives [−101, 6], not [127, 6]. The bug: "
    )


def test_fewer_inputs_give_more_points():
    points = []
    for misses in range(4):
        hunt = no_clamp()
        for k in range(misses):
            hunt.attempt(str(k), "1", "0")
        assert hunt.points == 0
        hunt.attempt("128", "1", "0")
        points.append(hunt.points)
    assert points == [3, 2, 1, 1]


def test_the_same_input_counts_once_however_it_is_written():
    hunt = no_clamp()
    hunt.attempt("1, 2", "1", "0")
    for text in ("1, 2", "[1.0, 2.0]", "1,2", "(1, 2)"):
        assert hunt.attempt(text, "1.0", "0") == "You have tried this input before: it counts once."
    assert len(hunt.tried) == 1


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (("one", "1", "0"), "x must be numbers, got 'one'; write one number, or several with commas"),
        (("", "1", "0"), "x must be numbers, got ''; "),
        (("1, ", "1", "0"), "x must be numbers, got '1, '; "),
        ((",".join("1" * 13), "1", "0"), "x must be at most 12 numbers, got 13 numbers; a small input says more."),
        (("1", "1, 2", "0"), "s must be one number, got '1, 2'; write a single one."),
        (("1", "0", "0"), "scale must be finite and positive, got 0.0; "),
        (("1", "-1", "0"), "scale must be finite and positive, got -1.0; "),
        (("1", "inf", "0"), "scale must be finite and positive, got inf; "),
        (("1", "1", "0.5"), "z must be an int8 code, got '0.5'; write an integer from −128 to 127."),
        (("1", "1", "200"), "z must be an int8 code, got '200'; write an integer from −128 to 127."),
        (("inf", "1", "0"), "x must be finite numbers of float32, got 'inf'; write numbers below 3.4e38 in size."),
        (("1e39", "1", "0"), "x must be finite numbers of float32, got '1e39'; "),
        (("3e38", "1e-38", "0"), "x / s must be a finite float32, got infinity; write a smaller x or a larger s."),
        (("1",), "an input is x, s, z, got 1 texts; write one text for each."),
        (("1", "1", "nan"), "z must be an int8 code, got 'nan'; "),
        (("nan", "1", "0"), "x must be finite numbers of float32, got 'nan'; "),
    ],
)
def test_what_is_no_input_is_explained_and_does_not_count(texts, said):
    hunt = no_clamp()
    answer = hunt.attempt(*texts)
    assert answer.startswith(f"This does not count: {said}") and answer.endswith(".")
    assert not hunt.tried and not hunt.is_over


@pytest.mark.parametrize("text", ["1.5", "128", "-129", "1, 200"])
def test_codes_are_int8(text):
    hunt = Museum().hunt(bugs.adds_zero_point_last, "0", "1", "1")
    said = f"This does not count: q must be int8 codes, got '{text}'; write integers from −128 to 127."
    assert hunt.attempt(text, "1", "1") == said


@pytest.mark.parametrize("bits", ["1", "17", "4.5"])
def test_bits_are_those_that_quantlib_takes(bits):
    assert Museum().hunt(bugs.always_127, "1", "4").attempt("1", bits).startswith("This does not count: ")


def test_a_true_minus_sign_is_read():
    assert "x = −300" in no_clamp().attempt("\N{MINUS SIGN}300", "1", "0")


@pytest.mark.parametrize(
    ("mistake", "texts", "said"),
    [
        (bugs.stays_float, ("0", "1", "0"), "x = 0, s = 1, z = 0: it returned torch.float32, not torch.int8. "),
        (bugs.quantizes_in_place, ("0.4", "1", "0"), "x = 0.4, s = 1, z = 0: it changes its input in place. "),
        (bugs.divides_zero_by_zero, ("0",), "x = 0 gives (0.0, nan), not (1.0, −128). "),
    ],
)
def test_other_bugs_than_wrong_values_are_caught_too(mistake, texts, said):
    assert Museum().hunt(mistake, *texts).attempt(*texts).startswith(f"Caught with input 1, 3 points: {said}")


def test_a_smallest_input_must_show_the_bug():
    with pytest.raises(QuantlibError, match=r"the smallest input must show the bug, got 127, 1, 0; give one that does"):
        Museum().hunt(bugs.no_clamp, "127", "1", "0")


SHOWN_BY_T = {
    "no_clamp": "yes", "cast_before_shift": "yes", "truncates": "yes", "adds_zero_point_last": "yes",
    "stores_zero_point_minus_one": "no", "clamps_the_zero_point": "no",
    "divides_zero_by_zero_in_float32": "no", "zero_point_with_a_fraction": "yes", "opposite_zero_point": "yes",
    "forgets_abs": "no", "always_127": "no",
    "pads_with_zero": "yes", "sums_in_int8": "no", "sums_pairs_in_int16": "no", "shifts_in_two_steps": "yes",
    "counts_in_float32": "no", "unpacks_neighbours": "yes", "divides_a_block_by_zero": "no",
    "keeps_the_order_of_dims": "no", "rounds_the_scale_down": "no",
}  # fmt: skip


def test_t_cannot_show_every_bug():
    found = {name: Museum().hunt(getattr(bugs, name)).prediction.answer for name in SMALLEST}
    assert found == SHOWN_BY_T


def test_a_museum_adds_up_its_hunts():
    museum = Museum()
    hunts = [museum.hunt(mistake, *texts) for mistake, texts, _ in HUNTS.values()]
    assert museum.score() == "0 of 5 bugs caught, 0 inputs tried: 0 of 15 points"
    hunts[0].attempt("1", "1", "0")
    hunts[0].attempt("128", "1", "0")
    hunts[2].attempt("1, 2")
    hunts[3].attempt("2, 1")
    assert museum.score() == "2 of 5 bugs caught, 4 inputs tried: 5 of 15 points"


def test_a_hunt_that_is_begun_anew_counts_anew():
    museum = Museum()
    museum.hunt(bugs.no_clamp, "128", "1", "0").attempt("128", "1", "0")
    museum.hunt(bugs.no_clamp, "128", "1", "0")
    assert museum.score() == "0 of 1 bugs caught, 0 inputs tried: 0 of 3 points"


def test_mysteries_are_all_mistakes_and_keep_their_names_to_themselves():
    museum = Museum()
    for number in range(len(all_exercises()["quantize"].known)):
        hunt = museum.mystery(number)
        still = " ".join(hunt._still().values())
        assert hunt.prediction is None
        assert not any(word in still for word in (hunt.mistake.name, hunt.mistake.function.__name__, "smallest"))
    found = {hunt.mistake.function for hunt in museum._hunts.values()}
    known = {mistake.function for mistake in all_exercises()["quantize"].known}
    assert found == known - {getattr(bugs, name).function for name in SMALLEST}


@each_hunt
def test_a_picture_says_where_numbers_come_back(mistake, smallest, harmless):
    hunt = Museum().hunt(mistake, *smallest)
    hunt.attempt(*smallest)
    alt = hunt.picture(hunt.tried[-1]).alt
    assert " comes back as " in alt and ", not as " in alt.partition(". ")[0]
    hunt = Museum().hunt(mistake, *smallest)
    hunt.attempt(*harmless)
    assert hunt.picture(hunt.tried[-1]).alt.startswith("Every number comes back as it should. ")


def test_the_picture_of_the_seed_says_what_the_notebooks_say():
    assert draw_bug(bugs.no_clamp, T, 3.5, -70).alt.startswith(
        "With the bug a number goes astray: 728.6 comes back as −168, not as 689.5. "
    )


def test_zero_comes_first_in_what_is_said():
    alt = draw_bug(bugs.zero_point_with_a_fraction, torch.tensor([-1.0, 3.0])).alt
    assert alt.startswith("With the bug a number goes astray: 0 comes back as 0.003922, not as 0. ")


def test_what_comes_back_as_nothing_is_said():
    alt = draw_bug(bugs.divides_zero_by_zero, torch.zeros(2)).alt
    assert alt.startswith("With the bug a number goes astray: 0 comes back as NaN, not as 0. ")
    assert alt.count("NaN") == 2


ODD = "1e38, -2e38", "1e-37", "3e38, -2e38", "5, 5, 5", "1e30, 1"


@pytest.mark.parametrize("name", ["clamps_the_zero_point", "divides_zero_by_zero", "reciprocal_ruler"])
@pytest.mark.parametrize("text", ODD)
def test_odd_inputs_stay_drawable(name, text):
    hunt = Museum().hunt(getattr(bugs, name), "0" if "divides" in name else "1, 2")
    assert "not count" not in hunt.attempt(text)
    assert hunt.picture(hunt.tried[0]).png


def test_a_tie_of_z_does_not_count():
    hunt = Museum().hunt(bugs.clamps_the_zero_point)
    assert hunt.attempt("-1, 1") == hunt.attempt("3, -3") and not hunt.tried
    assert hunt.attempt("-1, 1") == (
        "This does not count: z must not lie half-way between two codes, where right functions differ, "
        "got r_min / s = -127.5; change a number of x a little."
    )


def test_a_tie_counts_for_no_bug_of_z():
    for name in ("zero_point_with_a_fraction", "opposite_zero_point"):
        hunt = Museum().hunt(getattr(bugs, name))
        assert "z must not lie half-way between two codes" in hunt.attempt("-1, 1") and not hunt.tried


OF_RULERS = [name for name in SMALLEST if Museum().hunt(getattr(bugs, name)).exercise.name in RULERS]


@pytest.mark.parametrize("name", OF_RULERS)
@pytest.mark.parametrize(("text", "catches"), [("0", {"divides_zero_by_zero_in_float32"}), ("1e-44", set())])
def test_nothing_and_almost_nothing_catch_their_own_bug_alone(name, text, catches):
    hunt = Museum().hunt(getattr(bugs, name))
    said = hunt.attempt(text, *[box.value for box in hunt.boxes[1:]])
    assert said.startswith("Caught" if name in catches else "This does not count: this hunt is for ranges of some size")


def test_inputs_that_differ_little_are_two():
    hunt = no_clamp()
    assert hunt.attempt("127.4999", "1", "0") == (
        "Input 1 shows nothing: x = 127.499901, s = 1, z = 0 gives 127, as it should."
    )
    assert hunt.attempt("127.5", "1", "0").startswith("Caught with input 2, 2 points: x = 127.5, ")


def test_minus_zero_is_zero():
    hunt = no_clamp()
    hunt.attempt("0", "1", "0")
    assert hunt.attempt("-0", "1", "0") == "You have tried this input before: it counts once."


def test_after_the_catch_one_can_look_for_what_hides_the_bug():
    hunt = Museum().hunt(bugs.opposite_zero_point)
    hunt.attempt("1")
    assert hunt.attempt("-128, 127").startswith("Input after the hunt shows nothing: x = −128, 127 gives (1.0, 0), as")
    assert hunt.attempt("-2").startswith("Input after the hunt shows the bug, too: ")
    assert hunt.points == 3 and len(hunt.tried) == 1


def test_what_is_over_keeps_its_points():
    caught, given_up = no_clamp(), no_clamp()
    caught.attempt("128", "1", "0")
    given_up._given_up(None)
    for hunt, points in ((caught, 3), (given_up, 0)):
        assert hunt.attempt("1", "1", "0").startswith("Input after the hunt shows nothing: ")
        assert hunt.attempt("129", "1", "0").startswith("Input after the hunt shows the bug, too: ")
        assert hunt.points == points and hunt.is_caught == bool(points)


def test_no_two_hunted_bugs_need_the_same_input():
    """Those about codes, but for one: at 8 bits no input tells a cast before the shift from one without a clamp."""
    for name in ("no_clamp", "truncates"):
        for other in ("cast_before_shift", "truncates"):
            alike = name == other or {name, other} == {"no_clamp", "cast_before_shift"}
            assert Museum().hunt(getattr(bugs, name)).attempt(*SMALLEST[other]).startswith("Caught") == alike


def starting_texts(hunt):
    return [box.value or "1" for box in hunt.boxes]


def test_one_alone_seldom_catches_a_bug():
    hunts = [Museum().hunt(getattr(bugs, name)) for name in SMALLEST]
    hunts += [Museum().mystery(number) for number in (0, 3, 7)]
    caught = [hunt.mistake.function.__name__ for hunt in hunts if "Caught" in hunt.attempt(*starting_texts(hunt))]
    assert caught == ["clamps_the_zero_point", "opposite_zero_point"]


def test_boxes_open_empty_so_that_nobody_wins_unread():
    for name in SMALLEST:
        hunt = Museum().hunt(getattr(bugs, name))
        assert hunt.attempt(*(box.value for box in hunt.boxes)).startswith("This does not count: ")


@pytest.mark.parametrize("make", [lambda: Museum().hunt(bugs.forgets_root, "1", "2"), lambda: draw_bug(bugs.saturates)])
def test_only_the_round_trip_is_hunted(make):
    with pytest.raises(QuantlibError, match="a mistake to hunt is about quantize, dequantize, choose_qparams, max_abs"):
        make()


def test_a_mistake_without_an_input_is_refused():
    with pytest.raises(QuantlibError, match="a hunt needs an input that shows the bug, got none for floors; give one"):
        Museum().hunt(bugs.floors)


@pytest.mark.parametrize(
    ("name", "texts", "said"),
    [
        ("sums_in_int8", ("1, 2", "1"), "each code needs one to be multiplied by, got 2 and 1 numbers; write as many"),
        ("sums_pairs_in_int16", ("1", "1"), "this function takes pairs, got 1 numbers; write 2, 4, 6 … numbers."),
        ("sums_pairs_in_int16", ("-1, 1", "1, 1"), "u must be integers from 0 to 255, got '-1, 1'; "),
        ("shifts_in_two_steps", ("0.5", "3"), "acc must be integers from −2,147,483,648 to 2,147,483,647, got '0.5'; "),
        ("shifts_in_two_steps", ("1", "1"), "n must be an integer from 2 to 30, got '1'; write one of these."),
        ("counts_in_float32", ("-1",), "counts must be integers from 0 to 2,147,483,647, got '-1'; "),
        ("counts_in_float32", ("inf",), "counts must be integers from 0 to 2,147,483,647, got 'inf'; "),
        ("unpacks_neighbours", ("nan",), "packed must be integers from 0 to 255, got 'nan'; "),
        ("divides_a_block_by_zero", ("1, 0, 0",), "this function takes pairs, got 3 numbers; "),
        ("divides_a_block_by_zero", ("1, 1e-44",), "this hunt is for numbers of some size, got almost 0, or huge; "),
        ("keeps_the_order_of_dims", ("5, 1",), "dims must be two integers from 1 to 4, got '5, 1'; "),
        ("rounds_the_scale_down", ("0",), "a block needs a number that is not 0, got only 0; write another one."),
    ],
)
def test_what_is_no_input_of_a_card_is_explained_and_does_not_count(name, texts, said):
    hunt = Museum().hunt(getattr(bugs, name))
    assert hunt.attempt(*texts).startswith(f"This does not count: {said}") and not hunt.tried


def test_a_card_draws_what_it_gives_and_what_it_should():
    assert draw_bug(bugs.pads_with_zero, torch.tensor([5, 6], dtype=torch.int8), -7).alt == (
        "2 of 4 numbers are wrong. With the bug: 0 5 6 0. Without it: −7 5 6 −7."
    )
    assert draw_bug(bugs.keeps_the_order_of_dims, (1, 2)).alt == (
        "Rows and columns are exchanged: 1 × 2, not 2 × 1. With the bug: 0 1. Without it: 0 / 1."
    )
    assert draw_bug(bugs.counts_in_float32, torch.tensor([3])).alt.startswith("Every number is as it should be. ")
    assert " 1.9 comes back as 1.75, not as 1.875. " in draw_bug(bugs.rounds_the_scale_down, torch.tensor([1.9])).alt


# --- on the page


def press(hunt, name):
    next(button for button in hunt.buttons if button.description == name).click()


def type_in(hunt, *texts):
    for box, text in zip(hunt.boxes, texts, strict=True):
        box.value = text


def test_what_is_typed_is_tried():
    hunt = no_clamp()
    assert [box.description for box in hunt.boxes] == ["x", "s", "z"]
    type_in(hunt, "1", "1", "0")
    press(hunt, "Try this input")
    assert 'role="status"' in hunt.result.value and "Input 1 shows nothing: x = 1, s = 1, z = 0" in hunt.result.value
    assert "<img " in hunt.result.value and hunt.result.value.count("<tr>") == 2
    type_in(hunt, "nonsense", "1", "0")
    press(hunt, "Try this input")
    assert "This does not count" in hunt.result.value and hunt.result.value.count("<tr>") == 2
    assert "<img " not in hunt.result.value  # of another input
    type_in(hunt, "128", "1", "0")
    press(hunt, "Try this input")
    assert "Caught with input 2" in hunt.result.value and hunt.result.value.count("<tr>") == 3
    assert [button.disabled for button in hunt.buttons] == [False, True]


def test_who_hunts_without_a_prediction_is_told_the_answer_with_the_catch():
    hunt = no_clamp()
    assert hunt.prediction.result.value == ""
    type_in(hunt, "128", "1", "0")
    press(hunt, "Try this input")
    assert "The answer: <b>yes</b>" in hunt.prediction.result.value
    assert all(button.disabled for button in hunt.prediction.buttons)


def test_who_has_predicted_keeps_the_verdict():
    hunt = no_clamp()
    hunt.prediction.buttons[0].click()
    before = hunt.prediction.result.value
    press(hunt, "Show me")
    assert hunt.prediction.result.value == before and "Right:" in before


def test_who_gives_up_is_shown_the_bug_and_gets_no_points():
    hunt = no_clamp()
    press(hunt, "Show me")
    assert "x = 128, s = 1, z = 0 gives −128, not 127. The bug: no clamp" in hunt.result.value
    assert hunt.points == 0 and not hunt.is_caught and hunt.buttons[1].disabled


def test_what_is_typed_is_escaped():
    hunt = no_clamp()
    type_in(hunt, "<b>1</b>", "1", "0")
    press(hunt, "Try this input")
    assert "<b>" not in hunt.result.value and "&lt;b&gt;" in hunt.result.value


def test_the_table_has_heads_for_its_columns():
    hunt = no_clamp()
    type_in(hunt, "1", "1", "0")
    press(hunt, "Try this input")
    assert hunt.result.value.count('scope="col"') == len(["input", "x", "s", "z", "gives", "should give"])


def test_boxes_need_nothing_that_only_one_version_of_ipywidgets_has():
    for box, button in itertools.product(no_clamp().boxes, no_clamp().buttons):
        assert type(box) is ipywidgets.Text and type(button) is ipywidgets.Button and not box.tooltip


# --- the cards


CELLS = nbfile.read(project.NOTEBOOKS / "bug_museum.ipynb").cells
TEXT = "\n\n".join(cell.source for cell in CELLS if cell.cell_type == "markdown")
CODE = re.compile(r"```python\n(.*?)```", re.DOTALL)
ROOM = re.compile(r"^## (\d+)\. (.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
CARD = re.compile(r"^### (B\d+) · (.*?)(?=^### |^## |\Z)", re.MULTILINE | re.DOTALL)
ON_SCREEN = re.compile(r"museum\.hunt\(lab\.bugs\.(\w+)\)")


def cards():
    """Each hunted mistake with the published code of the card above it, and the fix below it."""
    for k, cell in enumerate(CELLS):
        if found := ON_SCREEN.match(cell.source):
            published = CODE.findall(CARD.findall(CELLS[k - 1].source)[-1][1])
            yield found[1], *published, CODE.findall(CELLS[k + 1].source)[0]


CARDS = {name: (published, fix) for name, published, fix in cards()}
each_card = pytest.mark.parametrize("name", CARDS)


def function(source):
    names = {"torch": torch}
    exec(source, names)
    return next(names[node.name] for node in ast.parse(source).body if isinstance(node, ast.FunctionDef))


@functools.cache
def exercise_of(name):
    return Museum().hunt(getattr(bugs, name)).exercise


@functools.cache
def ordinary(name):
    """The inputs of the check, and the smallest that shows the bug; odd ranges meet more than one mistake."""
    hunt = Museum().hunt(getattr(bugs, name))
    odd = hunt.exercise.odd
    return [*(case for case in hunt.exercise.cases if not any(case is one for one in odd)), hunt.shown_by.arguments]


def results(name, function):
    """What a function gives on each ordinary input."""
    cases = [tuple(a.clone() if isinstance(a, torch.Tensor) else a for a in case) for case in ordinary(name)]
    plain = torch.as_tensor if isinstance(getattr(bugs, name), Card) else lambda part: torch.as_tensor(part).double()
    return [(case, tuple(map(plain, parts(function(*case))))) for case in cases]


def parts(result):
    return result if isinstance(result, tuple) else (result,)


def alike(name, f, g):
    return all(same(a, b, case) for (case, a), (_, b) in zip(results(name, f), results(name, g), strict=True))


def test_all_twenty_six_are_there():
    assert [int(key[1:]) for key, _ in CARD.findall(TEXT)] == list(range(1, 27))
    assert "Twenty-six mistakes" in TEXT


def test_the_table_of_rooms_has_every_room_every_card_and_every_minute():
    rooms = {int(room): re.findall(r"^### B(\d+) ", text, re.MULTILINE) for room, text in ROOM.findall(TEXT)}
    rows = [[cell.strip() for cell in row.split("|")[1:-1]] for row in re.findall(r"^\| \d.*\|$", TEXT, re.MULTILINE)]
    told = [spans(row[0]) for row in rows]
    assert [room for rooms_of in told for room in rooms_of] == list(rooms)
    for row, its_rooms in zip(rows, told, strict=True):
        hung = sum(len(rooms[room]) for room in its_rooms)
        assert int(row[1].split()[0]) == (hung or sum("museum.mystery(" in cell.source for cell in CELLS))
    minutes = sum(int(row[-1]) for row in rows)
    assert f"**{minutes} minutes**" in TEXT


def spans(text):
    """The numbers in "1 to 3", "4 and 5" or "8"."""
    ends = [int(number) for number in re.findall(r"\d+", text)]
    return list(range(ends[0], ends[-1] + 1))


def test_every_card_says_where_it_has_bitten_and_how_to_fix_it():
    for key, card in CARD.findall(TEXT):
        assert re.search(r"\*\*Where it has bitten:\*\*.*?\]\(https://", card, re.DOTALL), key
        assert "The fix" in card, key


def test_what_is_hunted_has_a_card():
    assert set(CARDS) == set(SMALLEST)


# A cast beyond the range is undefined. Where it keeps the lowest 8 bits, published code is the mistake that is hunted.
WRAPS = torch.tensor([128.0, -129.0, 300.0]).to(torch.int8).tolist() == [-128, 127, 44]


@each_card
@pytest.mark.skipif(not WRAPS, reason="this machine casts otherwise")
def test_the_published_code_is_the_mistake_that_is_hunted(name):
    assert is_the_bug(name, function(CARDS[name][0]))


@each_card
def test_the_fix_is_right(name):
    assert is_right(name, function(CARDS[name][1]))


def is_the_bug(name, function):
    return alike(name, function, getattr(bugs, name))


def is_right(name, function):
    """Whether a function passes the check, and brings no other bug with it: the smallest ruler is one of zeros."""
    check = exercise_of(name)
    zeros = (torch.zeros(2), *check.seen[1:])
    if check.name in RULERS and not same(parts_of(function(*zeros)), parts_of(check.reference(*zeros)), zeros):
        return False
    return not any(check.trial(function, case).fails for case in ordinary(name))


def parts_of(result):
    return tuple(torch.as_tensor(part).double() for part in parts(result))


# --- mutants: what is wrong on a card is made right, what is right is made wrong, and a test turns red


@each_card
def test_a_bug_made_right_and_a_fix_made_wrong_are_noticed(name):
    published, fix = map(function, CARDS[name])
    assert not is_the_bug(name, fix) and not is_right(name, published)
    assert not is_the_bug(name, exercise_of(name).reference) and not is_right(name, getattr(bugs, name))


OTHER = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult,
    ast.Pow: ast.Mult, ast.MatMult: ast.Mult, ast.RShift: ast.LShift, ast.BitAnd: ast.BitOr,
}  # fmt: skip
# Small changes that change nothing, by what is written then.
SAME = (
    "return q + z",  # the clamp that never fires
    "(q - (stored.float() + 1))", "(q - stored.float())", "(q.float() - stored)",  # one float makes all float
    "stored = torch.tensor(z)\n",  # z is in int8 anyway
    "x.abs().max() / 127 or 1.0", "x.abs().max() / (2 ** (bits - 1) - 1) or 1.0",  # a tensor for a number
    "u * w.int()", "u.int() * w", "total = 0.0",  # the other one decides the dtype
    "packed >> 4], 1)",  # of two axes the last one
    "torch.where(scale == 0, 2, scale)",  # 0 divided by anything
    "(x / s).to(torch.float8_e4m3fn)", "449)", "clamp(-449",  # E4M3 has no number between 448 and infinity
)  # fmt: skip


def small_changes(source):
    """The source of a function, each time with one small change of its body."""
    body = ast.parse(source).body[0].body
    for k, node in enumerate(each for part in body for each in ast.walk(part)):
        for put in changes_of(node):
            tree = ast.parse(source)
            here = [each for part in tree.body[0].body for each in ast.walk(part)][k]
            yield ast.unparse(ast.fix_missing_locations(Put(here, put).visit(tree)))


def changes_of(node):
    """What could stand in place of a node: another number or sign, one side alone, a call left out."""
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        yield ast.Constant(node.value + 1)
    elif isinstance(node, ast.BinOp):
        yield ast.BinOp(node.left, OTHER[type(node.op)](), node.right)
    elif isinstance(node, ast.UnaryOp):
        yield node.operand
    elif isinstance(node, ast.BoolOp):
        yield from node.values
    elif isinstance(node, ast.Call):
        of = ast.unparse(node.func).rpartition(".")[0]
        yield node.args[0] if of in ("", "torch", "torch.nn.functional") else node.func.value
        if node.keywords:
            yield ast.Call(node.func, node.args, node.keywords[1:])


class Put(ast.NodeTransformer):
    """Puts one node in the place of another."""

    def __init__(self, here, put):
        self.here, self.put = here, put

    def visit(self, node):
        return self.put if node is self.here else self.generic_visit(node)


def holds(claim, name, source):
    try:
        return claim(name, function(source))
    except Exception:  # what raises is noticed
        return False


@each_card
@pytest.mark.parametrize(("side", "claim"), [(0, is_the_bug), (1, is_right)], ids=["published", "fix"])
def test_every_small_change_of_a_card_is_noticed(name, side, claim):
    changed = list(small_changes(CARDS[name][side]))
    alive = [source for source in changed if holds(claim, name, source)]
    assert changed and [source for source in alive if not any(same in source for same in SAME)] == []


FLAWS = {  # of the cards without a hunt: the flaw made sound, and what is sound made wrong
    "B12": [
        ("f(T.clone(), 3.5, -70))\n", "quantize(T, 3.5, -70))\n"),
        (".tolist() == [[", ".tolist() != [["),
    ],
    "B13": [("x -= fake", "x = x - fake"), ("s=3.5", "s=3.6")],
    "B14": [("for best in (h, truth)", "for best in (truth, truth)"), ("for best in (h, truth)", "for best in (h, h)")],
    "B15": [
        ("cosine_similarity(W, w)", "1 - ((w - W).norm() / W.norm()).item()"),
        ("((w - W).norm() / W.norm()).item()", "cosine_similarity(W, w)"),
    ],
    "B16": [
        ("printed = torch.tensor([-102", "printed = torch.tensor([-128"),
        ("*choose_qparams(weights)", "2 / 255, 0"),
    ],
    "B17": [("return w  #", "return faked(w)  #"), ("return fake_quantize(w, 0.5, 0, -2, 1)", "return w")],
}


def cells_of(key):
    """The code of a card up to its proof, without the prediction."""
    heads = [k for k, cell in enumerate(CELLS) if cell.cell_type == "markdown" and f"### {key} " in cell.source]
    code = [
        cell.source for cell in CELLS[heads[0] + 1 :] if cell.cell_type == "code" and "lab.predict(" not in cell.source
    ]
    last = next(k for k, source in enumerate(code) if source.startswith("with lab.proof("))
    return code[: last + 1]


def prove(sources):
    names = {}
    for source in (SETUP, *sources):
        exec(source, names)


SETUP = next(cell.source for cell in CELLS if "museum = lab.Museum()" in cell.source).partition("museum = ")[0]


def test_every_card_without_a_hunt_has_its_mutants():
    hunted = {
        CARD.findall(cell.source)[-1][0]
        for cell in CELLS
        if "```python\ndef" in cell.source and CARD.search(cell.source)
    }
    assert set(FLAWS) == {key for key, _ in CARD.findall(TEXT)} - hunted


@pytest.mark.parametrize("key", FLAWS)
def test_the_proof_of_a_card_holds(key):
    prove(cells_of(key))


@pytest.mark.parametrize(("key", "old", "new"), [(key, *pair) for key, pairs in FLAWS.items() for pair in pairs])
def test_a_flaw_made_sound_and_a_judge_made_flawed_turn_the_proof_red(key, old, new):
    sources = [source.replace(old, new) for source in cells_of(key)]
    assert sources != cells_of(key)
    with pytest.raises(AssertionError):
        prove(sources)


def back(name, x):
    """What x comes back as, with the published code of a card that chooses a ruler."""
    s, z = function(CARDS[name][0])(x)
    return s * ((x / s + z).round().clamp(-128, 127) - z)


def test_where_it_has_bitten_is_what_the_code_of_the_card_does():
    assert back("clamps_the_zero_point", torch.tensor([1.0, 2.0])).tolist() == [1.0, 1.0]
    assert len(back("clamps_the_zero_point", torch.arange(-22.0, -14.0)).unique()) == 1
    assert function(CARDS["rounds_the_scale_down"][0])(torch.tensor([957.0])) == 896
    assert function(CARDS["sums_pairs_in_int16"][0])(torch.tensor([255, 255]), torch.tensor([127, 127])) == 32_767
    assert torch.tensor(2.0**24) + 1 == 2.0**24  # a counter that stops
    halves = function(CARDS["truncates"][0])(torch.linspace(-0.99, 0.99, 9), 1.0, 0)
    assert halves.tolist() == [0] * 9
    assert function(CARDS["opposite_zero_point"][0])(torch.tensor([-128.0, 127.0]))[1] == 0  # the input that hides it


# --- inputs that show mistakes


ASKED = {one.name: one for one in (quantize_inputs, choose_qparams_inputs)}
ENOUGH = {
    "quantize_inputs": [(0.3, 0.5, 3), (63.2, 0.5, 3), (-64.3, 0.5, 1), (-66, 0.5, 3)],
    "choose_qparams_inputs": [([3e38, -2e38],), (1e-44,), (1e-9,)],
}
# What learners forget, by its name, and inputs, as they write them, that forget it.
WRITTEN = {
    "quantize_inputs": {
        "z is 0 in every input": ["[([-300.3, 0.3, 300.3], 0.5, 0)]", "[(128, 1, 0), (-129, 1, 0), (0.6, 1, 0)]"],
        "s is 1 in every input": ["[([-300.3, 0.3, 300.3], 1, 3)]"],
        "nothing has to be rounded": ["[([-300, 1, 300], 0.5, 3)]"],
        "nothing is above the grid": ["[([-300.3, 0.3, 40.3], 0.5, 3)]"],
        "nothing is below the grid": ["[([-40.3, 0.3, 300.3], 0.5, 3)]"],
    },
    "choose_qparams_inputs": {
        "0.0 is inside every range": ["[([-1, 2.7],), (0,), ([3e38, -2e38],), (1e-44,)][:3]"],
        "no input is 0.0 alone": ["[([1, 2.7],), ([-1, -2],), ([-1, 2.7],)]"],
        "no range is too large for float32": [
            "[([1, 2.7],), ([-1, -2],), ([-1, 2.7],), (0,)]",
            "[([1, 2.7],), ([-1, -2],), (0,), (1e-44,), ([3.4e38, -1e33],)]",
        ],
        "no step is too small for float32": [
            "[([1, 2.7],), ([-1, -2],), (0,), ([3e38, -2e38],)]",
            "[([1, 2.7],), ([-1, -2],), (0,), ([3e38, -2e38],), (1e-40,)]",
        ],
    },
}
each_ask = pytest.mark.parametrize("name", ASKED)


def returning(value):
    def my_inputs():
        return value

    return my_inputs


def test_every_check_of_inputs_is_tried():
    assert set(ASKED) == set(WRITTEN)


@each_ask
def test_few_numbers_are_enough(name):
    verdict = ASKED[name].check(returning(ENOUGH[name]))
    numbers = sum(torch.as_tensor(x).numel() for x, *_ in ENOUGH[name])
    assert verdict.status == "right" and numbers == ASKED[name].few
    assert verdict.message == (
        f"my_inputs gives what it should: {numbers} numbers in {len(ENOUGH[name])} inputs "
        f"show all {len(all_exercises()[name.removesuffix('_inputs')].known)} mistakes."
    )


@each_ask
def test_more_numbers_are_right_too_and_fewer_are_asked_for(name):
    verdict = ASKED[name].check(returning([*ENOUGH[name], ENOUGH[name][0]]))
    assert verdict.status == "right" and verdict.message.endswith(f" Can you do it with {ASKED[name].few}?")


@each_ask
def test_without_one_of_its_inputs_a_mistake_is_missed(name):
    limits_s = "the smallest scale is too large" in [m.name for m in ASKED[name].exercise.known]
    needed = [k for k, (x, *_) in enumerate(ENOUGH[name]) if x != 1e-9 or limits_s]
    for k in needed:
        verdict = ASKED[name].check(returning(ENOUGH[name][:k] + ENOUGH[name][k + 1 :]))
        assert verdict.status == "wrong" and "Not shown: " in verdict.message


@pytest.mark.parametrize(
    ("name", "gap", "line"),
    [(name, gap, line) for name, table in WRITTEN.items() for gap, lines in table.items() for line in lines],
)
def test_what_a_learner_forgets_is_named(name, gap, line):
    verdict = ASKED[name].check(returning(eval(line)))
    assert verdict.status == "wrong" and verdict.misconceptions == (gap,)
    assert f" Looks like: {gap}. Not shown: " in verdict.message


@each_ask
def test_everything_that_learners_forget_has_been_written(name):
    assert set(WRITTEN[name]) == {gap for gap, _ in ASKED[name].gaps}


def test_the_seed_alone_misses_some_mistakes():
    verdict = quantize_inputs.check(returning([(SEED, 3.5, -70)]))
    known = quantize_inputs.exercise.known
    shown = sum(quantize_inputs.exercise.trial(mistake, (SEED, 3.5, -70)).fails for mistake in known)
    assert len(known) - shown == 2 and verdict.message == (
        f"my_inputs has 9 numbers in 1 input, which show {shown} of {len(known)} mistakes. "
        "Looks like: nothing is below the grid. Not shown: only the upper end is clamped; clamp to -127."
    )


def test_what_is_not_shown_is_listed_in_short():
    said = quantize_inputs.check(returning([([1.0, 2.0], 1, 0)])).message
    assert re.search(r"Not shown: [^;]+; [^;]+; [^;]+; \d+ more\.$", said)


@pytest.mark.parametrize("x", [63.2, [63.2], (63.2,), torch.tensor(63.2), torch.tensor([[63.2]], dtype=torch.float64)])
def test_numbers_come_in_any_form(x):
    inputs = [(x, torch.tensor(0.5), torch.tensor(3)), *(one for one in ENOUGH["quantize_inputs"] if one[0] != 63.2)]
    assert quantize_inputs.check(returning(inputs)).status == "right"


class Odd:
    def __len__(self):
        raise RuntimeError("no length")

    def __repr__(self):
        raise RuntimeError("no text")


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "it returned None: is a `return` missing?"),
        (3, "it must return a list of 1 to 50 inputs."),
        ([], "it must return a list of 1 to 50 inputs."),
        ([(1, 1, 0)] * 51, "it must return a list of 1 to 50 inputs."),
        (
            [(1, 2)],
            "it returned data that cannot be used: an input is a tuple of x, s, z, got (1, 2); put it",
        ),
        ([("a", 1, 0)], "it returned data that cannot be used: "),
        (
            [([1] * 51, 1, 0)],
            "it returned data that cannot be used: x has 1 to 50 numbers, got 51; a small input says more.",
        ),
        (
            [([], 1, 0)],
            "it returned data that cannot be used: x has 1 to 50 numbers, got 0; a small input says more.",
        ),
        ([(1, 0, 0)], "it returned data that cannot be used: scale must be finite and positive, got 0;"),
        ([(1, 1, 0.5)], "it returned data that cannot be used: zero_point must be an integer"),
        ([(float("nan"), 1, 0)], "it returned data that cannot be used: x must not hold NaN"),
        ([([[1, 2], [3]], 1, 0)], "it returned data that cannot be used: "),
        ([(1, 1, torch.tensor([1, 2]))], "it returned data that cannot be used: "),
        ([Odd()], "it returned data that cannot be used: no text."),
        ([(1, Odd(), 0)], "it returned data that cannot be used: scale must be a number or a tensor, got Odd;"),
    ],
)
def test_what_is_no_input_is_said(value, said):
    verdict = quantize_inputs.check(returning(value))
    assert verdict.status == "wrong" and verdict.message.startswith(f"my_inputs: {said}"), verdict


def test_a_tuple_of_one_is_explained():
    said = choose_qparams_inputs.check(returning([5.0])).message
    assert said.endswith("an input is a tuple of x, got 5.0; a tuple of one is written (x,).")


@each_ask
@pytest.mark.parametrize("f", [None, ..., returning(...), lambda: None])
def test_not_written_yet(name, f):
    assert ASKED[name].check(f).status == "not written yet"


@each_ask
def test_a_result_for_the_function_is_refused(name):
    said = ASKED[name].check(ENOUGH[name]).message
    assert said == "a check takes the function itself, but got a list. Write its name without parentheses."


def test_a_tie_of_z_is_no_input():
    said = choose_qparams_inputs.check(returning([([-1, 1],)])).message
    assert "cannot be used: z must not lie half-way between two codes, where right functions differ" in said


def test_inputs_are_left_as_they_are():
    x = torch.tensor([0.3, 300.3])
    quantize_inputs.check(returning([(x, 0.5, 3)]))
    assert x.tolist() == torch.tensor([0.3, 300.3]).tolist()
