"""A recipe that is handed in: counted, judged on what it never saw, and told by name what keeps it from more points."""

import json
from random import Random

import pytest
import torch

from course.box import run as box
from course.box.plain import Other
from course.problems.catalogue import PUBLIC_SEED, problem_set
from course.problems.compare import kind
from course.problems.ps4.recipe import GPTQ, NEAREST, REFERENCES, SAYS, recipe
from course.problems.questions import Answer, Reach
from course.report.feedback import parts
from quantlib.data.recipes import RECIPE_MATRICES, score_recipe
from quantlib.networks import Recipe
from tests.helpers.answering import namespace, right_answers


class Chosen(Random):
    """Draws one budget."""

    def __init__(self, budget):
        super().__init__(0)
        self.budget = budget

    def choice(self, options):
        assert self.budget in options
        return self.budget


def asked(budget):
    return recipe(Chosen(budget))


def widths(bits, size=None, **changed):
    return {name: (bits, size) for name in RECIPE_MATRICES} | {
        n.replace("_", "."): (b, size) for n, b in changed.items()
    }


def marked(matrices, method="gptq", budget=3.8):
    return asked(budget).mark([Answer(Recipe(matrices, method).to_json())])


@pytest.mark.parametrize("budget", REFERENCES)
def test_the_solution_keeps_to_the_budget_and_loses_what_the_table_says(budget):
    question = asked(budget)
    assert question.mark(right_answers(question)).points == question.points == 10
    score = score_recipe(Recipe.from_json(namespace(question)["recipe"]))
    assert budget - 0.15 < score.bits <= budget
    assert score.above == pytest.approx(REFERENCES[budget][1], abs=0.003)


def test_one_width_for_all_gets_the_rungs_that_are_named_after_it():
    assert marked(widths(3), "nearest").points == 4 and marked(widths(3)).points == 6
    assert score_recipe(Recipe(widths(3), "nearest")).above == pytest.approx(NEAREST, abs=0.002)
    assert score_recipe(Recipe(widths(3), "gptq")).above == pytest.approx(GPTQ, abs=0.002)


def test_the_rungs_of_every_budget_grow_steeper():
    for budget in REFERENCES:
        most = [rung.most for rung in asked(budget).rungs]
        assert most == sorted(most, reverse=True) and len(set(most)) == 5
        assert all(f"{bound:.3f}" in asked(budget).text for bound in most[1:])


LARGE = {"0_qkv": 4, "0_out": 5, "1_qkv": 4, "head": 4, "embed": 5, "position": 4}
SPENT = [
    ("rounded to the nearest", widths(3, **LARGE), "nearest", 6),
    ("one width for all", widths(3), "gptq", 6),
    ("2 bits for a matrix", widths(3, **{**LARGE, "0_up": 2}), "gptq", 6),
    ("a matrix in float", widths(3, **{"1_out": 16}), "gptq", 6),
    ("few bits for the tables", widths(3, **{**LARGE, "embed": 3, "position": 3}), "gptq", 6),
    ("many small groups", widths(2, 16), "gptq", 2),
    ("bits are left over", widths(2), "gptq", 2),
]


@pytest.mark.parametrize(("name", "matrices", "method", "points"), SPENT, ids=[name for name, *_ in SPENT])
def test_bits_that_are_badly_spent_are_named_and_cost_points(name, matrices, method, points):
    mark = marked(matrices, method, budget=4.0)
    assert name in mark.recognised and mark.points <= points < 10
    assert mark.reasons[-1].startswith("as good as a search: it loses ") and " ± " in mark.reasons[-1]


OVER = [
    ("the scales are not counted", widths(3, 16)),
    ("the floats are not counted", widths(3, position=16)),
    ("the tables are not counted", widths(3, embed=16, **{"1_up": 4})),
    ("a mean over matrices", widths(3, embed=8, **{"1_down": 4})),
]


@pytest.mark.parametrize(("name", "matrices"), OVER, ids=[name for name, _ in OVER])
def test_what_is_over_the_budget_gets_nothing_and_hears_what_was_not_counted(name, matrices):
    mark = marked(matrices, budget=3.6)
    assert mark.points == 0 and mark.recognised == (name,)
    assert mark.reasons[0].endswith("more than the budget")


def test_far_over_the_budget_no_way_to_count_explains_it():
    mark = marked(widths(8), budget=3.5)
    assert (
        mark.points == 0
        and mark.recognised == ()
        and mark.reasons == ("it takes 8.284 bits per weight, 4.784 more than the budget",)
    )


TEXT = Recipe(widths(3), "gptq").to_json()
ODD = [
    (None, "it is nothing, not a text: hand in what to_json() returns", ()),
    (Other("ellipsis"), "it is not answered yet", ()),
    (Other("Recipe"), "it is a Recipe, not a text: hand in what to_json() returns", ("the recipe, not its text",)),
    (Other("dict"), "it is a dict, not a text: hand in what to_json() returns", ("the recipe, not its text",)),
    (torch.ones(3), "it is a tensor, not a text: hand in what to_json() returns", ()),
    ("", "a recipe must be JSON", ()),
    ("[" * 1000, "a recipe must be JSON", ()),
    ("1" * 1000, 'a recipe has a "method"', ()),
    ("[]", 'a recipe has a "method"', ()),
    ('{"method": ["gptq"], "matrices": {}}', 'a method is "nearest" or "gptq"', ()),
    ('{"method": "gptq", "matrices": [1]}', "a recipe names its matrices", ()),
    (TEXT.replace('"head"', '"tail"'), "a recipe names every matrix", ("an unknown matrix",)),
    (TEXT.replace('"0.qkv": [3, null],', ""), "a recipe names every matrix", ("a matrix is missing",)),
    (TEXT.replace("[3,", "[NaN,"), "bits of '0.qkv' must be 2 to 8, or 16", ()),
    (TEXT.replace("[3,", "[true,"), "bits of '0.qkv' must be 2 to 8, or 16", ()),
    (TEXT.replace("[3,", "[1,"), "bits of '0.qkv' must be 2 to 8, or 16", ()),
    (TEXT.replace("null", "1e400"), "the group size must be a positive integer", ()),
    (TEXT.replace("null", "-5"), "the group size must be a positive integer", ()),
    (
        TEXT.replace("null", "1" + "0" * 40),
        "a group of 0.qkv is longer than a row",
        (),
    ),  # and no memory is taken for it
    (TEXT.replace("null", "65"), "a group of 0.qkv is longer than a row", ()),
]


@pytest.mark.parametrize(("value", "says", "recognised"), ODD)
def test_what_is_no_recipe_gets_nothing_and_is_told_why(value, says, recognised):
    mark = asked(3.8).mark([Answer(value)])
    assert mark.points == 0 and mark.recognised == recognised
    assert len(mark.reasons) == 1 and mark.reasons[0].startswith(says) and len(mark.reasons[0]) <= 200


def test_every_mistake_that_is_named_is_explained_and_tried_here():
    tried = {name for name, *_ in (*SPENT, *OVER)} | {name for *_, names in ODD for name in names}
    assert tried == set(SAYS) == set(asked(3.8).explanations())


def test_the_hidden_test_measures_the_same():
    question, names = asked(3.6), {"torch": torch}
    exec(question.check, names)
    for matrices in (widths(3), widths(3, embed=5)):
        text = Recipe(matrices, "gptq").to_json()
        assert names["value"](text) == question.measure(text).value
    assert names["value"](Recipe(widths(4), "gptq").to_json()) == torch.inf


def test_a_page_shows_the_points_of_each_rung():
    question = asked(3.8)
    mark = question.mark([Answer(TEXT)])
    assert parts(question, mark) == [(r.name, float(2 * (k < 3)), 2) for k, r in enumerate(question.rungs)]


def test_the_recipe_fits_through_the_box():
    text = json.loads(json.dumps(TEXT))
    assert len(text) < 1000 and kind(text) == "a str"
    assert sum(isinstance(q, Reach) for q in problem_set("ps4", PUBLIC_SEED).questions) == 1


PATCH = """
import quantlib.data.recipes as recipes
import quantlib.networks as networks

recipes.score_recipe = lambda *a, **k: recipes.Score(1.0, 0.0, 0.0)
networks.recipe_bits = recipes.recipe_bits = lambda *a: 0.0
recipe = networks.Recipe(dict.fromkeys(recipes.RECIPE_MATRICES, (16, None))).to_json()
"""


@pytest.mark.skipif(box.find_sandbox() is None, reason="no sandbox was found")
def test_who_changes_the_scorer_in_the_box_is_scored_outside_of_it():
    question = asked(3.8)
    mark = question.mark(box.run([PATCH], question.requests()).answers)
    assert mark.points == 0 and mark.reasons == ("it takes 16.000 bits per weight, 12.200 more than the budget",)
