"""The problem sets, for twenty seeds: the solution gets all points, and no mistake does."""

import re
from dataclasses import replace
from importlib import import_module

import pytest
import torch

from course.problems import catalogue, ps1, ps2
from course.problems.catalogue import NAMES, PUBLIC_SEED, problem_set
from course.problems.compare import difference
from course.problems.ps2.explain import UNBEATEN
from course.problems.questions import Answer, Break, Explain, Reach, Values, Write, equals, solution
from course.problems.variants import ROUNDINGS, Code, draws
from quantlib import unclamped_codes
from quantlib.data import T, load_weight
from quantlib.lessons.granularity.groups import BITS, POWERS, front, points
from tests.helpers.answering import SEEDS, answers, namespace, right_answers, through
from tools import project

ALL = [*SEEDS, PUBLIC_SEED]
SETS = {(name, seed): problem_set(name, seed) for name in NAMES for seed in ALL}
ASKED = {name: import_module(f"course.problems.{name}").QUESTIONS for name in NAMES}
DRAWS = {  # of each question, as every seed draws it
    ask: [SETS[name, seed].questions[place] for seed in ALL]
    for name, asked in ASKED.items()
    for place, ask in enumerate(asked)
}


def of_kind(*kinds):
    """Run a test for every question of a kind, with the question as each seed draws it."""
    found = [(ask, drawn) for ask, drawn in DRAWS.items() if type(drawn[0]) in kinds]
    return pytest.mark.parametrize(
        "drawn", [pytest.param(drawn, id=drawn[0].id[:4] + ask.__name__) for ask, drawn in found]
    )


# --- the sets


@pytest.mark.parametrize("name", NAMES)
def test_a_set_has_six_to_eight_questions_and_thirty_to_sixty_points(name):
    for seed in ALL:
        questions = SETS[name, seed].questions
        assert 6 <= len(questions) <= 8 and 30 <= SETS[name, seed].points <= 60
        assert {type(question) for question in questions} - {Reach} == {Write, Values, Break, Explain}


@pytest.mark.parametrize("name", NAMES)
def test_no_two_questions_share_an_id_or_ask_for_the_same_name(name):
    for seed in ALL:
        questions = SETS[name, seed].questions
        assert [q.id for q in questions] == [f"{name}_q{k}" for k in range(1, len(questions) + 1)]
        assert len({q.title for q in questions}) == len(questions)
        names = [n for q in questions for n in {request.name for request in q.requests()}]
        assert len(set(names)) == len(names)


def test_the_instructors_page_names_every_set():
    page = (project.ROOT / "docs" / "grading.md").read_text(encoding="utf-8")
    assert all(f"{name.upper()} with Part" in page for name in NAMES)


def content(questions):
    return [(q.title, q.text, q.source, repr(q.requests())) for q in questions]


@pytest.mark.parametrize("name", NAMES)
def test_a_seed_always_draws_the_same_set(name):
    assert content(SETS[name, 7].questions) == content(problem_set(name, 7).questions)


@pytest.mark.parametrize("name", NAMES)
def test_a_question_more_or_less_changes_no_other(name):
    def one_more(draw):
        return Explain(title="One more", text=str(draw.random()))

    asked, before = ASKED[name], content(SETS[name, 7].questions)
    for place in range(len(asked)):
        more = content(catalogue.drawn(name, 7, [*asked[:place], one_more, *asked[place:]]))
        less = content(catalogue.drawn(name, 7, [*asked[:place], *asked[place + 1 :]]))
        assert more.pop(place)[0] == "One more" and more == before
        assert less == before[:place] + before[place + 1 :]


@of_kind(Write, Values, Break, Reach, Explain)
def test_seeds_draw_different_questions(drawn):
    assert len({question.source for question in drawn}) >= 5
    assert len({question.text + question.source for question in drawn}) >= 6


def test_a_question_has_a_generator_of_its_own_which_no_version_of_python_changes():
    assert len({draws(seed, name).random() for seed in (1, 2) for name in ("ps1_q1", "ps1_q2")}) == 4
    draw = draws(2026, "ps1_q1")
    assert [draw.randint(0, 99), draw.choice("abcdef"), draw.sample(range(9), 3)] == [24, "c", [7, 4, 3]]
    assert round(draw.uniform(0, 1), 6) == 0.050872


# --- the texts


@of_kind(Write, Values, Break, Reach, Explain)
def test_a_text_is_plain_and_leaves_no_gap_of_a_template(drawn):
    for question in drawn:
        prose = re.sub(r"\$\$.*?\$\$|\$.*?\$|`[^`]*`", "", question.text)
        assert not re.search(r"[{}]|None|(^|\s)-\d", prose), question.text  # in prose a minus is −
        assert len(question.text.split()) <= 160 and "\n#" not in question.text
        for request in question.requests() if not isinstance(question, Write) else ():
            assert f"`{request.name}`" in question.text


@of_kind(Write)
def test_the_stub_says_what_it_takes_and_returns(drawn):
    for question in drawn:
        head, doc = question.source.splitlines()[:2]
        assert re.fullmatch(rf"def {question.name}\([a-z_, ]+\):", head)
        assert re.fullmatch(r'    """Return .+\."""', doc) and len(doc) <= 120
        arguments = re.search(r"\((.*)\)", head)[1].split(", ")
        assert all(f"`{argument}`" in question.text for argument in arguments)


# --- Write


@of_kind(Write)
def test_the_solution_gets_all_points_and_fits_its_example(drawn):
    for question in drawn:
        mark = question.mark(answers(question, solution(question)))
        assert (mark.points, mark.reasons) == (question.points, ())
        exec(question.example, namespace(question))


@of_kind(Write)
def test_every_mistake_loses_points_for_every_seed(drawn):
    for question in drawn:
        quick = replace(question, mistakes=())  # nothing is to be recognised here
        full = [m.name for m in question.mistakes if quick.mark(answers(question, m)).points == question.points]
        assert full == [], question.text


@of_kind(Write)
def test_every_mistake_is_called_by_its_own_name_alone(drawn):
    for question in drawn[-8:]:  # the last ones, the public seed among them
        for m in question.mistakes:
            assert question.mark(answers(question, m)).recognised == (m.name,)


@of_kind(Write)
def test_every_question_knows_what_comes_of_calling_quantlib(drawn):
    for question in drawn:
        # round_stochastic draws its own numbers and takes none, so nobody calls it for my_round.
        assert question.name == "my_round" or any("quantlib" in f"{m.name} {m.says}" for m in question.mistakes)
        assert "quantlib" not in question.source


@of_kind(Write)
def test_mistakes_have_a_short_name_a_sentence_and_a_hint(drawn):
    for question in drawn:
        assert len({m.name for m in question.mistakes}) == len(question.mistakes) >= 8
        for m in question.mistakes:
            assert 3 <= len(m.name) <= 40 and m.name[-1] not in ".!?"
            assert m.says[-1] == "." and m.hint[-1] in ".?"


@of_kind(Write)
def test_an_empty_answer_gets_nothing(drawn):
    def stub(*arguments):
        raise NotImplementedError

    for question in drawn:
        assert question.mark(answers(question, stub)).points == 0
        assert question.mark(answers(question, lambda *arguments: None)).points == 0


@of_kind(Write)
def test_a_function_that_changes_its_argument_loses_points(drawn):
    def in_place(right):
        def wrong(first, *rest):
            result = right(first, *rest)
            first.zero_()
            return result

        return wrong

    for question in drawn:
        assert question.mark(answers(question, in_place(solution(question)))).points < question.points


@of_kind(Write)
def test_no_case_hangs_on_the_rounding_of_a_float(drawn):
    """Whoever computes in float64 gets the same codes and integers."""
    for question in drawn:
        right = solution(question)
        for request in question.requests():
            narrow, exact = right(*request.arguments), right(*map(widened, request.arguments))
            assert difference(widened(narrow), widened(exact), question.relative) == "", request.arguments


def widened(value):
    """Return the same in float64, but for Python's own numbers and codes."""
    if isinstance(value, tuple):
        return tuple(map(widened, value))
    return value.double() if isinstance(value, torch.Tensor) and value.is_floating_point() else value


@of_kind(Write)
def test_every_case_can_go_into_a_box(drawn):
    for question in drawn:
        for request in question.requests():
            assert difference(request.arguments, through(request.arguments)) == ""


def test_no_number_of_bits_has_as_many_codes_as_a_counter_that_turns():
    for question in DRAWS[ps1.turn]:
        low, high = (int(n) for n in re.search(r"from `(-\d+)` to (\d+)", question.text).groups())
        assert (high - low + 1).bit_count() > 1


# --- Values


@of_kind(Values)
def test_the_right_values_get_all_points_and_the_gap_alone_gets_none(drawn):
    for question in drawn:
        assert question.mark(right_answers(question)).points == question.points
        assert question.mark([Answer(through(...)) for _ in question.requests()]).points == 0


@of_kind(Values)
def test_every_known_wrong_value_is_wrong(drawn):
    for question in drawn:
        for name, known in question.mistakes.items():
            assert not [wrong for wrong in known if equals(wrong, question.right[name][0], question.within)]
            assert all(re.fullmatch(r".{15,}\.", question.explanations()[says]) for says in known.values())


def test_a_bug_shows_in_the_numbers_that_are_asked_for():
    for question in DRAWS[ps1.find_it]:
        names = namespace(question)
        x = float(re.search(r"for `?\[(.+?)\]", question.text)[1])
        assert names["there_and_back"](torch.tensor([x])).item() == pytest.approx(names["bug_gives"], abs=1e-3)
        assert not equals(names["bug_gives"], names["bug_should"], 0.1)


def test_a_wrong_axis_makes_as_many_scales_as_is_said():
    for question in DRAWS[ps2.axis]:
        names = namespace(question)
        rows, length = map(int, re.search(r"shape \((\d+), (\d+)\)", question.text).groups())
        scales = names["scales_of_groups"](torch.arange(1.0, rows * length + 1).reshape(rows, length))
        assert scales.numel() == names["scales_made"] != names["scales_wanted"]
        assert scales.numel() * names["sharing"] == rows * length


# --- Break

ODD = (None, True, 0, 0.0, -0.0, 1, -1, 1e9, -1e9, float("inf"), float("nan"), "1", [1.0], ..., (), 1j, torch.ones(0))
ODD += (torch.zeros(3), torch.full((4,), torch.nan), torch.ones(5), torch.tensor(2), torch.tensor([[1.0]]))
ODD += (torch.tensor([1j]), torch.tensor([True]), torch.zeros(3, dtype=torch.float64), torch.full((3,), torch.inf))


@of_kind(Break)
def test_the_answer_breaks_the_function_and_odd_ones_do_not(drawn):
    for question in drawn:
        assert question.mark(right_answers(question)).points == question.points
        assert all(question.judge(through(value)) for value in ODD)


def test_a_number_breaks_the_wrap_exactly_in_the_step_where_it_begins():
    for question in DRAWS[ps1.break_it]:
        answer = namespace(question)["breaks"]
        s = float(re.search(r"round\(x / ([0-9.]+)\)", question.source)[1])
        tried = [s * k / 8 * (1 if answer > 0 else -1) for k in range(1, 1200)]
        said = [question.judge(x) for x in tried]
        first = next(k for k, text in enumerate(said) if text != "theirs is right there")
        tie = abs(tried[first]) / s % 1 == 0.5  # if the tie breaks it, a whole step beyond is the last place, too
        assert [k for k, text in enumerate(said) if text == ""] == [*range(first, first + 8 + tie)]
        assert said[first + 8 + tie] == "it goes wrong more than a step nearer to 0, too"
        assert question.judge(-answer) in ("it is not positive", "it is not negative")


# --- Explain


@of_kind(Explain)
def test_a_rubric_says_what_each_point_is_for(drawn):
    for question in drawn:
        assert question.points == 6 and all(len(what) > 20 for what, _ in question.rubric)
        assert len(question.source.split()) <= 170
        assert not question.picture or re.search(r"draw_|\.still\(", question.picture)


def test_the_model_answer_knows_which_points_are_beaten():
    at, db = points(load_weight("ffn_down")[80:120])
    best = set(zip(*(numbers.tolist() for numbers in front(at, db)), strict=True))
    for size in (4, 8, 16, 32):
        for bits in (3, 4):
            i, j = list(BITS).index(bits), list(POWERS).index(size.bit_length() - 1)
            assert ((at[i, j], db[i, j]) in best) == (size in UNBEATEN)
            assert (at[i + 1, j + 1] <= at[i, j]) == (size not in UNBEATEN)
            assert db[i + 1, j + 1] > db[i, j]


def test_the_model_answer_knows_which_ends_clip():
    for question in DRAWS[ps1.explain]:
        s, z = map(float, re.search(r"draw_split\(T, (.+), (.+)\)", question.picture).groups())
        codes = unclamped_codes(T, s, z)
        assert ("at the lower end" in question.source) == bool((codes < -128).any())
        assert bool(re.search("(at|and) the upper end", question.source)) == bool((codes > 127).any())


# --- words


@pytest.mark.parametrize("rule", ROUNDINGS, ids=lambda rule: rule.name)
def test_a_rounding_does_with_ties_what_it_says(rule):
    up, down = (float(number.replace("−", "-")) for number in re.findall(r"becomes (−?\d)", rule.words))
    v = torch.tensor([2.5, -2.5, 2.25, -2.75, 0.0, 3.0, 0.4375, -0.4375, 0.5625])
    assert Code("my_round(v)", f"return {rule.code}")(v).tolist() == [up, down, 2.0, -3.0, 0.0, 3.0, 0.0, 0.0, 1.0]
