"""Notebook 16: every bit of a file, judges that can be deceived, pairs of windows, and what learners get wrong."""

import math

import numpy
import pytest
import torch

from quantlib import bits_per_symbol
from quantlib.data.recipes import RECIPE_MATRICES, score_recipe, tempest_half
from quantlib.data.writer import CHARACTERS, WRITER_MATRICES, character_logits, load_writer, to_ids
from quantlib.lessons.bug_museum import bugs
from quantlib.lessons.capstone import (
    COLUMNS,
    REFERENCES,
    alike,
    alone,
    board_of_gauges,
    broken,
    draw_alone,
    draw_board,
    draw_claims,
    draw_gauges,
    draw_parts,
    draw_scores,
    draw_spreads,
    explore_board,
    explore_liar,
    in_bits,
    losses_by_factor,
    mixed,
    no_worse,
    says,
    shares,
    spreads,
    window_pairs,
)
from quantlib.lessons.capstone import exercises as its
from quantlib.lessons.capstone.judges import written
from quantlib.networks import Recipe, apply_recipe, recipe_bits
from tests.helpers.explored import assert_agrees, assert_redraws, assert_stands_in

MINUS = "\N{MINUS SIGN}"
WEIGHTS = load_writer()
WINDOWS = tempest_half("first")[::10]
GROUPS = ["0.qkv", "0.out", "1.qkv", "1.out"], ["0.up", "0.down", "1.up", "1.down"], ["embed", "position", "head"]


def loss_of(weights, windows=WINDOWS):
    with torch.no_grad():
        return bits_per_symbol(character_logits(weights, windows[:, :-1]), windows[:, 1:])


def recipe_of(*widths):
    return Recipe({name: (int(bits), None) for names, bits in zip(GROUPS, widths, strict=True) for name in names})


def readout_liar(f):
    """What the explorer of the broken head must say: the loss, by a network whose weights are multiplied."""
    loss = loss_of(broken(f))
    return f"Bits a character: {loss:.2f} on text never seen"


def readout_board(a, m, t):
    """What the board must say of a recipe, by quantlib's own functions for recipes."""
    recipe = recipe_of(a, m, t)
    above = f"{loss_of(apply_recipe(WEIGHTS, recipe)) - loss_of(WEIGHTS):z.3f}".replace("-", MINUS)
    takes = f"{recipe_bits(WEIGHTS, recipe):.2f} bits a weight, all in, and {above} bits a character above float"
    return f"a = {a:.0f} and m = {m:.0f} and t = {t:.0f}: the whole file takes {takes}"


READOUTS = [readout_liar, readout_board]


# --- explorers


def test_the_board_agrees_with_recipes_that_are_applied_whole():
    assert_agrees(explore_board(), readout_board, steps=8)


def test_the_liar_agrees_with_a_network_whose_weights_are_multiplied():
    explorer = explore_liar()
    for f in (0.3, 1.0, 1.7, 3.0):
        assert readout_liar(f) in explorer.move(f=f) == explorer.picture.alt


@pytest.mark.parametrize("make", [explore_liar, explore_board])
def test_what_is_redrawn_is_what_is_drawn_anew(make):
    assert_redraws(make)


MAKERS = {
    "liar": explore_liar,
    "bits": lambda f=its.network_bits.reference: explore_board(count=f),
    "loss": lambda f=its.bits_per_character.reference: explore_board(loss=f),
    "front": lambda f=its.front.reference: explore_board(front=f),
}


@pytest.mark.parametrize("name", MAKERS)
def test_quantlibs_function_stands_in_for_one_that_is_not_written(name):
    assert_stands_in(MAKERS[name])


def test_learners_functions_drive_the_board():
    text = explore_board(lambda parts: 7.0, lambda logits, targets: 2.0, lambda points: [False] * len(points))
    assert "takes 7.00 bits a weight, all in, and 0.000 bits a character above float: beaten." in text.picture.alt


def test_a_learners_loss_drives_the_liar():
    text = explore_liar(lambda logits, targets: logits.abs().max().clamp(max=1)).picture.alt
    assert "1.00 on text never seen, 1.00 on its own" in text


def test_the_factor_and_the_bars_can_be_dragged():
    explorer = explore_liar()
    panel = explorer.scene.panels[1]
    left, low, right, high = explorer.scene.area(panel)
    explorer.touched(left + (2.1 - 0.2) / 2.9 * (right - left), (low + high) / 2, True)
    assert explorer.controls["f"].value == pytest.approx(2.1)
    board = explore_board()
    left, low, right, high = board.scene.area(board.scene.panels[0])
    middle = left + (1 + 0.6) / 3.2 * (right - left)
    board.touched(middle, low + 7 / 8.6 * (high - low), True)
    assert [control.value for control in board.controls.values()] == [4, 7, 4]
    board.touched(middle, low, False)
    assert [control.value for control in board.controls.values()] == [4, 2, 4]


# --- how large the file is


def test_three_bits_are_more_than_four():
    parts = its.parts_of_writer(dict.fromkeys(WRITER_MATRICES, 3))
    total = its.network_bits.reference(parts)
    recipe = Recipe({name: (3 if name in WRITER_MATRICES else 16, None) for name in RECIPE_MATRICES})
    assert total == pytest.approx(recipe_bits(WEIGHTS, recipe)) == pytest.approx(sum(shares(3).values()))
    assert f"{total:.2f}" == "4.27"
    assert "What adds up to 4.27 bits a weight: codes of nine matrices 2.75;" in draw_parts(3).alt


# --- judges


def test_matrices_of_the_same_error_cost_twelve_times_as_much_or_as_little():
    found = alone(2)
    assert set(found) == set(RECIPE_MATRICES)
    costs = {name: above for name, (_, above, _) in found.items()}
    assert min(costs, key=costs.get) == "1.out" and max(costs, key=costs.get) == "0.qkv"
    assert 11 < costs["0.qkv"] / costs["1.out"] < 13 and all(6.7 < db < 7.6 for db, _, _ in found.values())
    assert "0.qkv 7.1 dB, 0.820" in draw_alone(2).alt


def test_six_of_seven_judges_praise_the_broken_head():
    found = board_of_gauges()
    exact, head = found["float"], found["head × 3"]
    assert [no_worse(title, head, exact) for title in COLUMNS] == 6 * [True] + [False]
    assert head.flips == 0 and head.divergence > 1 and head.unseen > exact.unseen + 1.8
    assert all(its.flips > 0.1 for name, its in found.items() if name in ("4 bits", "3 bits"))
    assert "head × 3 1.0000, 100.0%," in draw_gauges().alt


def test_a_network_writes_by_its_own_probabilities():
    start = to_ids("\n\nPROSPERO.\n").expand(3, -1)
    ids, logits = written(WEIGHTS, start, 5)
    whole = torch.cat([start, ids], 1)
    with torch.no_grad():
        again = character_logits(WEIGHTS, whole[:, :-1])[:, start.shape[1] - 1 :]
    torch.testing.assert_close(logits, again, atol=1e-4, rtol=1e-4)
    sure = {**WEIGHTS, "head.weight": 1000 * WEIGHTS["head.weight"]}
    ids, logits = written(sure, start, 5)
    assert torch.equal(ids, logits.argmax(-1))
    assert not torch.equal(written(WEIGHTS, start, 20)[0], written(WEIGHTS, start, 20, seed=1)[0])


def test_the_first_picture_shows_what_the_networks_write():
    alt = draw_claims().alt
    for name, weights in (("A", WEIGHTS), ("B", in_bits(4)), ("C", broken())):
        assert f"{name}: “{says(weights)}”" in alt
        assert set(says(weights)) <= {*CHARACTERS, "/"}


def test_this_network_is_a_little_too_sure_even_in_float():
    losses = losses_by_factor()
    assert min(losses, key=losses.get) == 0.85 and 0.015 < losses[1.0] - losses[0.85] < 0.02


# --- windows


def test_pairs_are_ten_times_as_sure():
    apart, same = spreads(5)
    exact, coarse = window_pairs(5)
    assert apart.mean() == pytest.approx((coarse - exact).mean(), abs=0.005) and apart.std() > 10 * same.std()
    assert same.std() == pytest.approx((coarse - exact).std() / math.sqrt(50), rel=0.1)
    assert "± 0.079 with other windows" in draw_spreads(5).alt and "± 0.007 with the same" in draw_spreads(5).alt


# --- recipes


@pytest.mark.parametrize("budget", REFERENCES)
def test_a_reference_keeps_to_its_budget_and_beats_what_is_alike(budget):
    score = score_recipe(REFERENCES[budget])
    assert budget - 0.02 < score.bits <= budget
    assert score.above < {5.0: 0.032, 4.0: 0.157, 3.5: 0.4}[budget]


def test_recipes_are_made_of_widths():
    assert alike(3, size=16, tables=6) == mixed({"embed": 6, "position": 6}, 3, size=16)
    assert alike(4) == Recipe(dict.fromkeys(RECIPE_MATRICES, (4, None)))


def test_a_recipe_on_the_board_says_its_score():
    score = score_recipe(alike(4), "first")
    alt = draw_board(alike(4)).alt
    assert f"on the first half of The Tempest: {score.bits:.2f} bits a weight, {score.above:+.3f}" in alt
    assert f"mine: {score}" in draw_scores({"mine": score}).alt


# --- what learners write

WRITTEN = {
    "network_bits": {
        "the codes alone, without scales": ["sum(r * c * b for (r, c), b, _ in parts) / n"],
        "the mean over the parts": [
            "sum(b + (b < 16) * 16 * math.ceil(c / (g or c)) / c for (r, c), b, g in parts) / len(parts)"
        ],
        "the mean of the bits": ["sum(b for _, b, _ in parts) / len(parts)"],
        "bytes, not bits": ["total / n / 8"],
        "all bits, not those of a weight": ["total"],
        "one scale for a whole matrix": [
            "sum(r * c * b + (b < 16) * 16 * (r * math.ceil(c / g) if g else 1) for (r, c), b, g in parts) / n"
        ],
        "the size of the groups is ignored": ["sum(r * c * b + (b < 16) * 16 * r for (r, c), b, _ in parts) / n"],
        "groups run on into the next row": [
            "sum(r * c * b + (b < 16) * 16 * math.ceil(r * c / (g or c)) for (r, c), b, g in parts) / n"
        ],
        "a group that is not full has no scale": [
            "sum(r * c * b + (b < 16) * 16 * r * (c // (g or c)) for (r, c), b, g in parts) / n"
        ],
        "a part of a scale": ["sum(r * c * b + (b < 16) * 16 * r * c / (g or c) for (r, c), b, g in parts) / n"],
        "what stays in float is left out": [
            "sum(r * c * b + 16 * r * math.ceil(c / (g or c)) for (r, c), b, g in parts if b < 16)"
            " / max(1, sum(r * c for (r, c), b, _ in parts if b < 16))"
        ],
        "what stays in float takes no room": [
            "sum(r * c * b + 16 * r * math.ceil(c / (g or c)) for (r, c), b, g in parts if b < 16) / n"
        ],
        "scales for what stays in float": [
            "sum(r * c * b + 16 * r * math.ceil(c / (g or c)) for (r, c), b, g in parts) / n"
        ],
        "what stays in float takes 32 bits": [
            "sum(r * c * b + 16 * r * (math.ceil(c / (g or c)) if b < 16 else c) for (r, c), b, g in parts) / n"
        ],
        "scales of 32 bits": [
            "sum(r * c * b + (b < 16) * 32 * r * math.ceil(c / (g or c)) for (r, c), b, g in parts) / n"
        ],
    },
    "bits_per_character": {
        "nats, not bits": ["torch.nn.functional.cross_entropy(logits, targets)", "-log_p.mean()"],
        "perplexity": ["torch.exp(-log_p.mean())", "2 ** (-log_p.mean() / math.log(2))"],
        "the decimal logarithm": ["-torch.log10(log_p.exp()).mean()"],
        "logits taken for log probabilities": ["-logits[range(n), targets].mean() / math.log(2)"],
        "softmax over the places": ["-logits.softmax(0)[range(n), targets].log2().mean()"],
        "a probability, not its logarithm": ["log_p.exp().mean()"],
        "the logarithm of the mean": ["-torch.log2(log_p.exp().mean())"],
        "the sign is lost": ["log_p.mean() / math.log(2)"],
        "how often it is right": ["(logits.argmax(1) == targets).float().mean()"],
        "the sum over all places": ["-log_p.sum() / math.log(2)"],
        "the likeliest, not what came": ["-logits.log_softmax(-1).amax(-1).mean() / math.log(2)"],
        "the network's own entropy": ["torch.distributions.Categorical(logits=logits).entropy().mean() / math.log(2)"],
        "each place asked for its neighbour": [
            "-logits.log_softmax(-1)[range(n), targets.roll(-1)].mean() / math.log(2)"
        ],
    },
    "front": {
        "the fewest bits only": ["[b == min(x for x, _ in points) for b, _ in points]"],
        "the least loss only": ["[y == min(p[1] for p in points) for _, y in points]"],
        "larger is better": ["[not any(q[0] >= p[0] and q[1] >= p[1] and q != p for q in points) for p in points]"],
        "a larger loss is better": [
            "[not any(q[0] <= p[0] and q[1] >= p[1] and q != p for q in points) for p in points]"
        ],
        "beaten only by what is smaller in both": [
            "[not any(q[0] < p[0] and q[1] < p[1] for q in points) for p in points]"
        ],
        "smaller in one number is enough": ["[not any(q[0] < p[0] or q[1] < p[1] for q in points) for p in points]"],
        "a point beats itself": ["[not any(q[0] <= p[0] and q[1] <= p[1] for q in points) for p in points]"],
        "the beaten ones": ["[any(q[0] <= p[0] and q[1] <= p[1] and q != p for q in points) for p in points]"],
        "all that are not the worst": [
            "[not all(q[0] <= p[0] and q[1] <= p[1] for q in points) for p in points]",
        ],
        "only the point before it": [
            "[i == 0 or not (points[i - 1][0] <= p[0] and points[i - 1][1] <= p[1]) for i, p in enumerate(points)]"
        ],
        "the smallest sum of both": ["[sum(p) == min(sum(q) for q in points) for p in points]"],
        "only the corners of the hull": [
            "[stays and not any(p[1] > a[1] + (p[0] - a[0]) / (b[0] - a[0]) * (b[1] - a[1])"
            " for a in points for b in points if a[0] < p[0] < b[0]) for p, stays in zip(points, good)]"
        ],
    },
}

# What a learner has worked out before.
BEFORE = {
    "network_bits": {
        "n": "sum(r * c for (r, c), _, _ in parts)",
        "total": "sum(r * c * b + (b < 16) * 16 * r * math.ceil(c / (g or c)) for (r, c), b, g in parts)",
    },
    "bits_per_character": {"n": "len(targets)", "log_p": "logits.log_softmax(-1)[range(len(targets)), targets]"},
    "front": {"good": "[not any(q[0] <= p[0] and q[1] <= p[1] and q != p for q in points) for p in points]"},
}

RIGHT = {
    "network_bits": [
        "total / n",
        "torch.tensor(total / n)",
        "sum(r * c * b + 16 * (b < 16) * r * -(-c // (g or c)) for (r, c), b, g in parts) / n",
    ],
    "bits_per_character": [
        "-log_p.mean() / math.log(2)",
        "torch.nn.functional.cross_entropy(logits, targets) / math.log(2)",
        "-torch.log2(logits.softmax(-1).gather(-1, targets[:, None])).mean()",
        "(-log_p.mean() / math.log(2)).item()",
        "-sum(math.log2(p[t]) for p, t in zip(logits.double().softmax(-1).tolist(), targets.tolist())) / n",
    ],
    "front": [
        "good",
        "tuple(good)",
        "torch.tensor(good)",
        "[all(q[0] > p[0] or q[1] > p[1] or q == p for q in points) for p in points]",
    ],
}


@pytest.mark.parametrize(("name", "line"), [(name, line) for name, lines in RIGHT.items() for line in lines])
def test_what_is_right_in_another_way_is_right(name, line):
    from tests.helpers.lessons import learner

    assert getattr(its, name).check(learner(name, line)).status == "right"


def test_answers_must_be_true_or_false():
    points = ((1, 2), (2, 1))
    for value, said in [
        ([0, 1], "returned a list with int in it, not of True and False alone"),
        ([True], "returned 1 answers for 2 points"),
        (torch.tensor([1, 0]), "returned a tensor that is not one True or False for each point"),
        (None, "returned None: is a `return` missing?"),
        (1.5, "returned a float, not a list of True and False"),
    ]:
        assert its.front_problem(value, points) == said
    assert its.front_problem(numpy.array([True, False]), points) == ""
    assert its.loss_problem(1e9) == "returned a number too large to be drawn" and its.loss_problem(2.0) == ""


FILES = [
    ("leaves_the_scales_out", [((1, 8), 4, None)], 4),
    ("averages_the_widths", [((1, 8), 4, None)], 4),
    ("averages_over_the_parts", [((1, 8), 4, None), ((3, 8), 16, None)], 11),
    ("counts_bytes", [((1, 8), 4, None)], 0.75),
    ("leaves_it_a_sum", [((1, 8), 4, None)], 48),
    ("scales_the_whole_matrix", [((2, 8), 4, None)], 5),
    ("scales_rows_only", [((1, 3), 4, 2)], 4 + 16 / 3),
    ("lets_groups_cross_rows", [((2, 3), 4, 2)], 12),
    ("forgets_the_ragged_group", [((1, 3), 4, 2)], 4 + 16 / 3),
    ("cuts_a_scale", [((1, 3), 4, 2)], 12),
    ("leaves_the_floats_out", [((1, 8), 16, None)], 0),
    ("floats_for_nothing", [((1, 8), 16, None)], 0),
    ("scales_the_floats", [((1, 8), 16, None)], 18),
    ("floats_of_32_bits", [((1, 8), 16, None)], 32),
    ("scales_of_32_bits", [((1, 8), 4, None)], 8),
]


@pytest.mark.parametrize(("name", "parts", "result"), FILES)
def test_the_smallest_file_that_shows_a_wrong_count(name, parts, result):
    assert getattr(bugs, name)(parts) == pytest.approx(result) != pytest.approx(its.network_bits.reference(parts))


TEXTS = [
    ("stays_in_nats", [[0, 0]], [0], math.log(2)),
    ("takes_perplexity", [[0, 0]], [0], 2),
    ("takes_log10", [[0, 0]], [0], math.log10(2)),
    ("skips_the_softmax", [[0, 0]], [0], 0),
    ("normalises_the_places", [[0, 0]], [0], 0),
    ("averages_probabilities", [[0, 0]], [0], 0.5),
    ("averages_before_the_logarithm", [[4, 0], [0, 0]], [0, 0], 0.432),
    ("loses_the_minus", [[0, 0]], [0], -1),
    ("counts_right_answers", [[0, 0]], [1], 0),
    ("adds_the_places", [[0, 0], [0, 0]], [0, 1], 2),
    ("trusts_the_likeliest", [[1, 0]], [1], 0.452),
    ("takes_the_entropy", [[1, 0]], [0], 0.840),
    ("shifts_the_targets", [[1, 0], [0, 0]], [0, 1], 1.448),
]


@pytest.mark.parametrize(("name", "logits", "targets", "result"), TEXTS)
def test_the_smallest_text_that_shows_a_wrong_loss(name, logits, targets, result):
    arguments = torch.tensor(logits).float(), torch.tensor(targets)
    wrong = getattr(bugs, name)(*arguments).item()
    assert (
        wrong
        == pytest.approx(result, abs=1e-3)
        != pytest.approx(its.bits_per_character.reference(*arguments), abs=1e-3)
    )


POINTS = [
    ("wants_the_fewest_bits", [(1, 2), (2, 1)], [True, False]),
    ("wants_the_least_loss", [(1, 2), (2, 1)], [False, True]),
    ("wants_more", [(1, 1), (2, 2)], [False, True]),
    ("wants_more_loss", [(1, 2), (1, 1)], [True, False]),
    ("must_be_smaller_in_both", [(1, 2), (1, 1)], [True, True]),
    ("one_number_is_enough", [(1, 2), (2, 1)], [False, False]),
    ("beats_itself", [(1, 1), (2, 2)], [False, False]),
    ("names_the_beaten", [(1, 1), (2, 2)], [False, True]),
    ("drops_the_worst", [(1, 1), (2, 2), (3, 3)], [True, True, False]),
    ("compares_with_the_last", [(2, 2), (1, 1)], [True, True]),
    ("adds_bits_and_loss", [(1, 4), (2, 3), (3, 0)], [False, False, True]),
    ("takes_the_hull", [(1, 4), (2, 3), (3, 0)], [True, False, True]),
]


@pytest.mark.parametrize(("name", "points", "result"), POINTS)
def test_the_smallest_board_that_shows_a_wrong_front(name, points, result):
    assert getattr(bugs, name)(points) == result != its.front.reference(points)


def test_other_units_and_widths_are_conventions():
    for exercise, bug in (
        (its.network_bits, bugs.scales_of_32_bits),
        (its.network_bits, bugs.floats_of_32_bits),
        (its.bits_per_character, bugs.stays_in_nats),
        (its.bits_per_character, bugs.takes_perplexity),
    ):
        assert "This is another convention" in exercise.check(bug).message
