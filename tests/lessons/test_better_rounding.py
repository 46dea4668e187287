"""Notebook 14: the error of the output, errors that are passed on, calibration, and what learners get wrong."""

import re
from functools import cache, partial

import numpy
import pytest
import torch

from quantlib.lessons.better_rounding import (
    against_nearest,
    by_gptq,
    draw_codes,
    draw_kinds,
    draw_multiples,
    draw_needed,
    error,
    explore_columns,
    explore_tokens,
    halves,
    in_order,
    kinds_read,
    query,
    remaining_inverse,
    search,
    steps,
    to_nearest,
    tokens_needed,
    white_noise,
    writer_costs,
)
from quantlib.lessons.better_rounding import exercises as its
from quantlib.lessons.better_rounding import mistakes as bugs
from quantlib.networks import gptq, input_hessian
from tests.helpers.explored import assert_agrees, assert_redraws, assert_stands_in

W, (SEEN, UNSEEN) = query(), halves()
H, JUDGE, FEW = input_hessian(SEEN), input_hessian(UNSEEN, 0.0), UNSEEN[:8].flatten(0, 1)
GIVEN = {"layer": W, "h": H, "seen": SEEN, "unseen": UNSEEN[:8]}


def squares(w, w_hat, x):
    """The relative squared error of the outputs, by the outputs themselves."""
    y = x.double() @ w.double().T
    return ((y - x.double() @ w_hat.double().T).square().sum() / y.square().sum()).item()


@cache
def states():
    """The first outputs' weights after 0, 8, 16, … columns, by eliminating one column after the other."""
    inverse, now, found = torch.linalg.inv(H), W[:32].double(), [W[:32].double()]
    s = steps(now)[:, 0]
    for j in range(384):
        q = (now[:, j] / s).round().clamp(-7, 7) * s
        now[:, j:] -= torch.outer(now[:, j] - q, inverse[j, j:] / inverse[j, j])
        now[:, j] = q
        inverse = inverse - torch.outer(inverse[:, j], inverse[j]) / inverse[j, j]
        found += [now.clone()] if j % 8 == 7 else []
    return found


def readout_columns(j):
    """What the explorer of the columns must say, by an elimination and by the outputs themselves."""
    j, w = int(j), states()[0]
    now, nearest = states()[j // 8], torch.cat([to_nearest(w)[:, :j], w[:, j:]], dim=1)
    passed, near = (100 * squares(w, m, FEW) for m in (now, nearest))
    text = f"j = {j} of 384 columns: the squared error of the output is {passed:.2f} %"
    moved = ((w - now).abs()[:, j:] / steps(w)).mean().item()
    to_come = f"Columns to come have moved by {moved:.2f} steps on average." if j < 384 else "None is to come."
    return f"{text}, with nearest {near:.2f} %. {to_come}"


def readout_tokens(n, d):
    """What the explorer of tokens must say, by the outputs themselves."""
    seen, near, damp = SEEN[: int(n)].flatten(0, 1), to_nearest(W), 10.0**d
    codes = gptq(W, input_hessian(seen.double(), damp), steps(W), 7)
    w_hat = codes * steps(W)
    on = [squares(W, w_hat, x) / squares(W, near, x) for x in (seen, UNSEEN.flatten(0, 1))]
    own = ((W - w_hat).square().sum() / (W - near).square().sum()).item()
    changed = 100 * (codes != (W / steps(W)).round()).double().mean().item()
    errors = f"{on[0]:.2f} times that of nearest on seen text, {on[1]:.2f} times on unseen"
    at = f"n = {int(n)} and d = {d:.2f}".replace("-", "\N{MINUS SIGN}")
    tail = f"{changed:.0f} % of codes differ from nearest; the weights' error is {own:.2f} times as large."
    return f"{at}: the output's squared error after {64 * int(n):,} tokens is {errors}. {tail}"


READOUTS = [readout_columns, readout_tokens]


EXPLORERS = {
    "columns": (partial(explore_columns, W, H, UNSEEN[:8]), readout_columns, 25),
    "tokens": (partial(explore_tokens, W, SEEN, UNSEEN), readout_tokens, 6),
}
MAKE = {name: make for name, (make, *_) in EXPLORERS.items()}


@pytest.fixture(scope="module")
def columns():
    return MAKE["columns"]()


@pytest.fixture(scope="module")
def tokens():
    return MAKE["tokens"]()


@pytest.mark.parametrize(("make", "readout", "moves"), EXPLORERS.values(), ids=EXPLORERS)
def test_readout_agrees_with_the_outputs_themselves_at_every_end_and_on_a_random_walk(make, readout, moves):
    assert_agrees(make(), readout, moves, whole=True)


@pytest.mark.parametrize("make", MAKE.values(), ids=MAKE)
def test_blitting_draws_what_a_full_redraw_draws(make):
    assert_redraws(make)


@pytest.mark.parametrize("make", MAKE.values(), ids=MAKE)
def test_an_unwritten_function_is_told_and_quantlibs_stands_in(make):
    assert_stands_in(make)


def test_a_learners_error_judges_the_columns(columns):
    columns.move(j=384)
    said = MAKE["columns"](its.make_up.reference, bugs.takes_the_root.function).move(j=384)
    found = [float(number) for number in re.findall(r"([\d.]+) %", said)]
    due = [100 * (float(number) / 100) ** 0.5 for number in re.findall(r"([\d.]+) %", columns.picture.alt)]
    assert found == pytest.approx(due, abs=0.05)
    columns.reset()
    told = MAKE["columns"](its.make_up.reference, lambda w, w_hat, x: "much").picture.alt
    assert told == f"{columns.picture.alt} your function: it returned a str, not one number. quantlib's stands in."


def test_a_wrong_sign_adds_the_errors_up(columns):
    wrong = MAKE["columns"](bugs.adds_the_error.function)
    assert "output is 6.06 %, with nearest 2.11 %" in wrong.move(j=384)
    assert wrong.scene.panels[1].title.text.endswith("beyond the axis")
    assert "output is 0.93 %, with nearest 2.11 %" in columns.move(j=384)


def test_passing_nothing_on_is_rounding_to_nearest():
    lazy = MAKE["columns"](bugs.passes_nothing_on.function)
    assert "output is 2.11 %, with nearest 2.11 %" in lazy.move(j=384)


def test_a_learners_hessian_drives_the_tokens(tokens):
    tokens.move(n=65, d=-2.0)
    mine = MAKE["tokens"](bugs.keeps_the_diagonal.function)
    assert "the output's squared error after 4,160 tokens is 1.00 times that of nearest on seen text" in mine.move(n=65)
    assert MAKE["tokens"](bugs.doubles.function).move(n=65) == tokens.picture.alt
    bare = MAKE["tokens"](bugs.forgets_to_damp.function)
    assert "it returned a matrix that has no inverse" in bare.move(n=1)


@pytest.mark.parametrize("panel", [0, 1])
def test_columns_can_be_dragged(columns, panel):
    columns.reset()
    left, low, right, high = columns.scene.area(columns.scene.panels[panel])
    columns.touched((left + right) / 2, (low + high) / 2, True)
    assert columns.controls["j"].value == 192
    columns.touched(1.0, high, False)
    assert columns.controls["j"].value == 384


def test_tokens_can_be_dragged(tokens):
    tokens.reset()
    left, _, right, high = tokens.scene.area(tokens.scene.panels[0])
    tokens.touched(left + 0.01, high - 0.01, True)
    assert tokens.controls["n"].value == 1
    tokens.touched(right, high, False)
    assert tokens.controls["n"].value == 65


# --- the layer


def test_the_loop_of_exercise_gives_the_codes_of_gptq():
    inverse, now, s = remaining_inverse(H), W[:16].double(), steps(W[:16].double())
    for j in range(384):
        q = (now[:, j] / s[:, 0]).round().clamp(-7, 7) * s[:, 0]
        now = its.make_up.reference(now, j, q, inverse)
    assert torch.allclose(now, by_gptq(W[:16].double(), H), atol=1e-9)


def test_the_remaining_inverse_is_that_of_the_columns_to_come():
    h = input_hessian(white_noise(20)[:, :6])
    rows = remaining_inverse(h)
    assert torch.equal(rows, rows.T)
    for j in range(6):
        assert torch.allclose(rows[j, j:], torch.linalg.inv(h[j:, j:])[0])


def test_the_search_stays_on_the_grid_and_no_single_move_helps():
    w = W[:4]
    found = search(w, H)
    codes = found.double() / steps(w).double()
    assert codes.abs().max() < 7.01 and torch.allclose(codes, codes.round(), atol=1e-4)
    for row in range(4):
        before = error(w[row : row + 1], found[row : row + 1], H)
        for k in (0, 100, 383):
            for step in (-1, 1):
                other = found[row : row + 1].clone()
                other[0, k] += step * steps(w)[row, 0]
                assert error(w[row : row + 1], other, H) >= before - 1e-12


def test_what_the_notebook_says_of_one_matrix_holds_over_five_draws():
    for seed in range(5):
        seen, unseen = halves(seed=seed)
        h, judge = input_hessian(seen), input_hessian(unseen, 0.0)
        passed, ordered = by_gptq(W, h), in_order(W, h)
        assert 0.44 < against_nearest(W, passed, judge) < 0.46
        assert 0.41 < against_nearest(W, ordered, judge) < 0.44
        assert 1.85 < (W - passed).square().sum() / (W - to_nearest(W)).square().sum() < 2.0
    assert 0.39 < against_nearest(W, search(W, H), JUDGE) < 0.41


def test_too_few_tokens_are_worse_than_nearest_in_every_draw():
    found = tokens_needed()
    assert min(found[64][1]) > 1.03 and max(found[512][1]) < 0.84 and max(found[64][0]) < 0.07


def test_damping_cures_and_costs_in_every_draw():
    spans = {(1, 1.0): (0.76, 0.83), (6, 1e-4): (1.62, 1.78), (6, 0.1): (0.65, 0.69), (65, 1.0): (0.54, 0.57)}
    for seed in range(5):
        seen, unseen = halves(seed=seed)
        judge = input_hessian(unseen, 0.0)
        for (windows, damp), (low, high) in spans.items():
            assert low < against_nearest(W, by_gptq(W, input_hessian(seen[:windows], damp)), judge) < high


def test_code_does_not_prepare_for_verse_in_any_draw():
    found = kinds_read()
    assert min(found["code", "verse"]) > 1.2 and all(
        max(found[kind, kind]) < 0.61 for kind in ("prose", "verse", "code")
    )


def test_random_inputs_have_nothing_to_pass_on():
    endless = torch.eye(384).double()
    assert against_nearest(W, by_gptq(W, endless), endless) == pytest.approx(1, abs=1e-4)
    assert against_nearest(W, by_gptq(W, input_hessian(white_noise(384))), endless) > 2.3


def test_a_whole_network_gains_too():
    for top in (7, 3):
        for seed in (0, 1):
            nearest, passed = writer_costs(top, seed)
            assert 0.5 < passed / nearest < 0.8


# --- pictures


def test_pictures_say_their_numbers():
    assert "of 48 weights of an output do not get their nearest code" in draw_codes(W, by_gptq(W, H)).alt
    assert draw_multiples({"one": 0.5}, "errors").alt == "Squared errors as multiples of nearest. errors: one 0.50."
    assert "64 tokens: 0.06 on seen and 1.09 on unseen text" in draw_needed(tokens_needed(), "").alt
    assert "seen Python, read Shakespeare 1.26" in draw_kinds(kinds_read(), "").alt


# --- what learners write

_MOVED = "torch.cat([w[:, :j], q[:, None], w[:, j + 1:] - {}], 1)"
WRITTEN = {
    "output_error": {
        "sizes, not squares": ["(x @ (w - w_hat).T).abs().sum() / (x @ w.T).abs().sum()"],
        "the root of it": ["(x @ (w - w_hat).T).norm() / (x @ w.T).norm()"],
        "not divided by the outputs": ["((x @ w.T - x @ w_hat.T) ** 2).sum()"],
        "the mean squared error": ["((x @ w.T - x @ w_hat.T) ** 2).mean()"],
        "squares are subtracted, not outputs": [
            "((x @ w.T).square().sum() - (x @ w_hat.T).square().sum()).abs() / (x @ w.T).square().sum()"
        ],
        "divided by the rounded outputs": ["(x @ (w - w_hat).T).square().sum() / (x @ w_hat.T).square().sum()"],
        "the error of the weights": ["((w - w_hat) ** 2).sum() / (w**2).sum()"],
        "added up before squaring": ["(x @ (w - w_hat).T).sum() ** 2 / (x @ w.T).sum() ** 2"],
        "the first input alone": ["(x[0] @ (w - w_hat).T).square().sum() / (x[0] @ w.T).square().sum()"],
        "the mean of each output's share": ["((x @ (w - w_hat).T) ** 2 / (x @ w.T) ** 2).mean()"],
    },
    "make_up": {
        "the wrong sign": [_MOVED.format("(q - w[:, j])[:, None] * h_inv[j, j + 1:] / h_inv[j, j]")],
        "not divided by h_inv[j, j]": [_MOVED.format("(w[:, j] - q)[:, None] * h_inv[j, j + 1:]")],
        "divided by the diagonal of k": [
            _MOVED.format("(w[:, j] - q)[:, None] * h_inv[j, j + 1:] / h_inv.diagonal()[j + 1:]")
        ],
        "the hessian, not its inverse": [
            _MOVED.format("(w[:, j] - q)[:, None] * h_inv.inverse()[j, j + 1:] / h_inv.inverse()[j, j]")
        ],
        "nothing is passed on": [_MOVED.format("0")],
        "the weight in place of its error": [_MOVED.format("w[:, j, None] * h_inv[j, j + 1:] / h_inv[j, j]")],
        "earlier columns move too": ["w - torch.outer(w[:, j] - q, h_inv[j] / h_inv[j, j])"],
        "column j stays unrounded": [
            "torch.cat([w[:, :j + 1], w[:, j + 1:] - (w[:, j] - q)[:, None] * h_inv[j, j + 1:] / h_inv[j, j]], 1)"
        ],
        "only the next column": [
            "torch.cat([w[:, :j], q[:, None], w[:, j + 1:j + 2] - (w[:, j] - q)[:, None] * h_inv[j, j + 1:j + 2]"
            " / h_inv[j, j], w[:, j + 2:]], 1)"
        ],
    },
    "hessian": {
        "twice the mean": ["2 * (p / len(x) + damp * (p / len(x)).diagonal().mean() * torch.eye(len(p)))"],
        "the sum, not the mean": ["p + damp * p.diagonal().mean() * torch.eye(len(p))"],
        "the paper's twice the sum": ["2 * p + damp * (2 * p).diagonal().mean() * torch.eye(len(p))"],
        "the mean is subtracted first": [
            "(x - x.mean(0)).T @ (x - x.mean(0)) / len(x) + damp * (x - x.mean(0)).square().mean() * torch.eye(len(p))"
        ],
        "damp is not relative": ["p / len(x) + damp * torch.eye(len(p))"],
        "no damping": ["x.T @ x / len(x)"],
        "x x.T, over the wrong axis": [
            "x @ x.T / len(x) + damp * (x @ x.T / len(x)).diagonal().mean() * torch.eye(len(x))"
        ],
        "divided by the columns": ["(p + damp * p.diagonal().mean() * torch.eye(len(p))) / x.shape[1]"],
        "damping on every entry": ["p / len(x) + damp * (p / len(x)).diagonal().mean()"],
        "a share of each diagonal entry": ["p / len(x) * (1 + damp * torch.eye(len(p)))"],
        "the sum of the diagonal": ["p / len(x) + damp * (p / len(x)).trace() * torch.eye(len(p))"],
        "the mean of all entries": ["p / len(x) + damp * (p / len(x)).mean() * torch.eye(len(p))"],
        "the diagonal alone": ["(x.square().mean(0) + damp * x.square().mean()).diag()"],
    },
}
BEFORE = {"hessian": {"p": "x.T @ x"}}

RIGHT = {
    "output_error": [
        "((x @ (w - w_hat).T).norm() / (x @ w.T).norm()).item() ** 2",
        "(x @ w.T - x @ w_hat.T).square().mean() / (x @ w.T).square().mean()",
        "((w - w_hat) @ x.T).pow(2).sum() / (w @ x.T).pow(2).sum()",
    ],
    "make_up": [
        _MOVED.format("(w[:, j] - q)[:, None] / h_inv[j, j] * h_inv[j + 1:, j]"),
        _MOVED.format("torch.outer(w[:, j] - q, h_inv[j, j + 1:]) / h_inv[j, j]"),
        "torch.cat([w[:, :j], w[:, j:] - torch.outer(w[:, j] - q, h_inv[j, j:] / h_inv[j, j])], 1)",
        _MOVED.format("torch.outer((w[:, j] - q).double(), h_inv[j, j + 1:].double()) / h_inv[j, j].double()"),
    ],
    "hessian": [
        "p.double() / len(x) + damp * x.square().mean() * torch.eye(len(p))",
        "torch.einsum('ni,nj->ij', x, x) / len(x) + damp * p.trace() / len(x) / len(p) * torch.eye(len(p))",
    ],
}


@pytest.mark.parametrize(("name", "line"), [(name, line) for name, lines in RIGHT.items() for line in lines])
def test_what_is_right_in_another_way_is_right(name, line):
    from tests.helpers.lessons import learner

    assert getattr(its, name).check(learner(name, line)).status == "right"


def test_another_convention_is_called_one():
    for f in (bugs.doubles, bugs.adds_up, bugs.doubles_the_sum):
        assert "another convention" in its.hessian.check(f.function).message
        assert torch.equal(gptq(W, f(SEEN.flatten(0, 1).double(), 0.01), steps(W), 7), gptq(W, H, steps(W), 7))
    assert "another convention" in its.output_error.check(bugs.takes_the_root.function).message


def test_a_change_in_place_is_named():
    def mine(w, j, q, h_inv):
        w[:, j + 1 :] -= (w[:, j] - q)[:, None] * h_inv[j, j + 1 :] / h_inv[j, j]
        w[:, j] = q
        return w

    verdict = its.make_up.check(mine)
    assert verdict.status == "wrong" and "changes its input in place" in verdict.message


H2 = torch.tensor([[2.0, 1.0], [1.0, 4.0]])
MOVES = [
    ("adds_the_error", [1, 0], 0, 0, [0, 0.5]),
    ("forgets_the_diagonal", [1, 0], 0, 0, [0, -1]),
    ("divides_by_the_later", [1, 0], 0, 0, [0, -0.25]),
    ("passes_nothing_on", [1, 0], 0, 0, [0, 0]),
    ("passes_the_weight_on", [2, 0], 0, 1, [1, -1]),
    ("moves_what_is_done", [0, 1], 1, 2, [0.25, 2]),
    ("keeps_the_column", [1, 0], 0, 0, [1, -0.5]),
]


@pytest.mark.parametrize(("name", "w", "j", "q", "result"), MOVES)
def test_the_smallest_input_that_shows_a_wrong_move(name, w, j, q, result):
    moved = getattr(bugs, name)(torch.tensor([w]).float(), j, torch.tensor([float(q)]), H2)
    assert numpy.allclose(moved.tolist(), [result])
