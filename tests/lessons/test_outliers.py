"""Notebook 13: columns in float, factors, rotations, who the outliers are, and what learners get wrong."""

import math

import pytest
import torch

from quantlib.lessons.bug_museum import bugs
from quantlib.lessons.outliers import (
    decibels,
    draw_alphas,
    draw_kept,
    draw_mark,
    draw_precious,
    draw_stages,
    explore_mixing,
    explore_smoothing,
    five_ways,
    in_groups,
    keep_columns,
    layer,
    mark_on_its_way,
    mixed,
    moved,
    precious,
    random_columns,
    who_exceeds,
)
from quantlib.lessons.outliers import exercises as its
from quantlib.lessons.outliers.layer import untouched
from tests.helpers.explored import assert_agrees, assert_redraws, assert_stands_in

MINUS = "\N{MINUS SIGN}"


def through(x, scale):
    """x on a symmetric grid of 8 bits."""
    return scale * torch.round(x / scale).clamp(-128, 127)


def db(x, w, largest, x_left, w_left, shared=False):
    """The SQNR of x w^T, if x_left and w_left are quantized, x_left for sizes up to the largest."""
    top = w_left.abs().max() if shared else w_left.abs().amax(1, keepdim=True)
    y, y_hat = x @ w.T, through(x_left, largest / 127) @ through(w_left, top / 127).T
    return 10 * math.log10(y.double().square().sum() / (y - y_hat).double().square().sum())


def readout_smoothing(alpha, shared):
    """What the explorer of the factors must say."""
    x, w, seen = layer().test, layer().w, layer().seen
    in_x, in_w = seen.abs().amax(0), w.abs().amax(0)
    s = in_x**alpha / in_w ** (1 - alpha)
    ratios = [(part.max() / part.double().quantile(0.5)).item() for part in (in_x / s, in_w * s)]
    found = db(x, w, (in_x / s).max(), x / s, w * s, bool(shared))
    head = f"α = {alpha:.2f}: the largest column of x / s is {ratios[0]:.1f} times the median one, that of w · s"
    scales = "one scale for all of w" if shared else "a scale for each row of w"
    return f"{head} {ratios[1]:.1f} times. With {scales} the output has {found:.1f} dB."


def blocks(n):
    """A block-diagonal Hadamard matrix of 384 columns, by the parity of shared bits."""
    signs = [[(-1) ** (i & j).bit_count() for j in range(n)] for i in range(n)]
    return torch.block_diag(*[torch.tensor(signs).float() / math.sqrt(n)] * (384 // n))


def readout_mixing(k, left):
    """What the explorer of the stages must say."""
    matrix, x, w = blocks(2**k), layer().test, layer().w
    largest = (layer().seen @ matrix).abs().max()
    found = db(x, w, largest, x @ matrix, w if left else w @ matrix)
    others = "one other" if k == 1 else f"{2**k - 1} others"
    head = f"k = {k}: {f'each column is mixed with {others}' if k else 'nothing is mixed'}"
    way = "The weights are left as they are" if left else "The weights are mixed too"
    said = f"{head}, and the largest |x| is {largest:.1f}. {way}: the output has {found:.1f} dB."
    return said.replace("-", MINUS)


READOUTS = [readout_smoothing, readout_mixing]
EXPLORERS = {"smoothing": (explore_smoothing, readout_smoothing), "mixing": (explore_mixing, readout_mixing)}


@pytest.fixture(scope="module", params=EXPLORERS)
def each(request):
    return EXPLORERS[request.param]


def test_readout_agrees_with_plain_torch(each):
    make, readout = each
    assert_agrees(make(), readout, 8, whole=True)


def test_a_moved_picture_is_a_new_picture(each):
    assert_redraws(each[0])


def test_an_unwritten_function_is_told_and_quantlibs_stands_in(each):
    assert_stands_in(each[0])


# --- the explorers


def at(explorer, panel, x, y):
    """A point of a panel, in fractions of the picture."""
    axes = explorer.scene.panels[panel].axes
    pixels = axes.transData.transform((x, y))
    return tuple(pixels / (explorer.scene.figure.bbox.width, explorer.scene.figure.bbox.height))


@pytest.mark.parametrize(
    ("make", "panel", "name", "there", "value"),
    [(explore_smoothing, 2, "alpha", 0.83, 0.85), (explore_mixing, 1, "k", 4.2, 4)],
)
def test_the_dot_can_be_dragged(make, panel, name, there, value):
    explorer = make()
    explorer.touched(*at(explorer, panel, there, 20), True)
    assert explorer.controls[name].value == pytest.approx(value)
    explorer.touched(1.0, 0.2, False)
    assert explorer.controls[name].value == explorer.controls[name].max


def test_learners_factors_drive_the_explorer():
    upside_down = explore_smoothing(lambda x, w, a: w.abs().amax(0) ** (1 - a) / x.abs().amax(0) ** a)
    assert upside_down.move(alpha=0.8) != explore_smoothing().move(alpha=0.8)
    row = explore_smoothing(lambda x, w, a: (x.abs().amax(0) ** a / w.abs().amax(0) ** (1 - a))[None])
    assert row.picture.alt == explore_smoothing().picture.alt


def test_a_learners_matrix_drives_the_explorer():
    grows = explore_mixing(lambda n: torch.ones(n, n))
    assert "the largest |x| is 28.5" in grows.move(k=0)
    assert grows.move(k=3) != explore_mixing().move(k=3)
    flipped = explore_mixing(lambda n: -its.hadamard.reference(n))
    assert flipped.move(k=5) == explore_mixing().move(k=5)


# --- what the notebook says


def test_outliers_are_marks_of_tokens():
    assert who_exceeds(99) == {"[CLS]": 130}
    mark, others = zip(*mark_on_its_way().values(), strict=True)
    assert mark == pytest.approx((6.34, 28.46, 24.43, 221.7), abs=0.05) and others[2] < 0.001
    assert "channel 99: 221.7" in draw_mark().alt


def test_four_columns_make_the_difference():
    of = layer()
    mask = (of.seen.abs() > 6).any(0)
    assert mask.nonzero().flatten().tolist() == [63, 99, 267, 303]
    assert keep_columns(of, mask) == pytest.approx(36.59, abs=0.05)
    assert keep_columns(of, random_columns(4, 1)) == pytest.approx(23.0, abs=0.1)
    nothing = keep_columns(of, torch.zeros(384, dtype=torch.bool))
    assert nothing == pytest.approx(decibels(of.test, of.w, of.seen))
    assert keep_columns(of, torch.ones(384, dtype=torch.bool)) > 120


def test_a_learners_columns_are_drawn():
    assert "above 6: 4 columns, 36.6 dB" in draw_kept().alt
    unwritten = draw_kept(lambda x, threshold: None).alt
    assert unwritten.startswith(draw_kept().alt) and unwritten.endswith("not written yet. Quantlib's is used instead.")
    assert "above 6: 0 columns" in draw_kept(lambda x, threshold: (x > 10 * threshold).any(0)).alt
    assert draw_kept(lambda x, threshold: (x.abs() > threshold).any(0).tolist()).alt == draw_kept().alt


def test_other_sentences_say_the_same():
    for of in five_ways():
        assert len(of.seen) == 64 * 64 and len(of.test) == 17 * 64
        assert decibels(of.test, of.w, of.seen) == pytest.approx(untouched(), abs=0.1)


def test_no_exponent_is_off():
    of = layer()
    ones = moved(of, torch.ones(384))
    assert ones == pytest.approx(decibels(of.test, of.w, of.seen)) == untouched()
    assert [f"{untouched(rows):.1f}" for rows in (True, False)] == ["23.0", "21.8"]
    assert draw_alphas().alt.startswith("SQNR of the output by the exponent alpha: 0.0: 16.9 dB, 0.2: 22.8 dB,")


def test_stages_bring_half_a_bit_each_at_first():
    found = [mixed(layer(), k) for k in (0, 1, 7)]
    assert [f"{largest:.1f}" for largest, _ in found] == ["28.5", "20.2", "3.2"]
    assert found[1][1] - found[0][1] == pytest.approx(3.0, abs=0.1)
    assert "40.4 dB." in draw_stages().alt


def test_inputs_say_which_weights_are_precious():
    found = precious(layer())
    assert found["the largest inputs"] > found["none, groups of 64"] > found["the largest weights"] > found["none"]
    assert found["at random"] - found["none"] < 0.1
    assert "the largest inputs 22.25 dB" in draw_precious(found).alt
    assert in_groups(torch.tensor([[7.0, 1.4, 0.0]]), 128).tolist() == [[7.0, 1.0, 0.0]]


# --- what learners write

_POWER = "x.abs().amax(0) ** alpha / w.abs().amax(0) ** (1 - alpha)"
WRITTEN = {
    "outlier_columns": {
        "rows, not columns": ["(x.abs() > threshold).any(1)", "x.abs().amax(1) > threshold"],
        "the places of the columns": [
            "(x.abs() > threshold).any(0).nonzero().flatten()",
            "torch.where(x.abs().amax(0) > threshold)[0]",
        ],
        "an answer for each value": ["x.abs() > threshold"],
        "one answer for all columns": ["(x.abs() > threshold).any()"],
        "the columns without outliers": ["(x.abs() <= threshold).all(0)", "x.abs().amax(0) <= threshold"],
        "the threshold counts standard deviations": ["(x.abs() > threshold * x.std()).any(0)"],
        "x, not its size": ["(x > threshold).any(0)", "x.amax(0) > threshold"],
        "at the threshold too": ["(x.abs() >= threshold).any(0)"],
        "only columns that are large throughout": ["(x.abs() > threshold).all(0)", "x.abs().amin(0) > threshold"],
        "the mean of a column": ["x.abs().mean(0) > threshold"],
        "the sum of a column": ["x.sum(0).abs() > threshold"],
        "how many, not whether": ["(x.abs() > threshold).sum(0)"],
    },
    "smooth": {
        "upside down": ["w.abs().amax(0) ** (1 - alpha) / x.abs().amax(0) ** alpha"],
        "multiplied, not divided": ["x.abs().amax(0) ** alpha * w.abs().amax(0) ** (1 - alpha)"],
        "the weights are not looked at": ["x.abs().amax(0) ** alpha"],
        "the exponents are swapped": ["x.abs().amax(0) ** (1 - alpha) / w.abs().amax(0) ** alpha"],
        "alpha is not used": ["(x.abs().amax(0) / w.abs().amax(0)).sqrt()"],
        "alpha for both": ["(x.abs().amax(0) / w.abs().amax(0)) ** alpha"],
        "w without exponent": ["x.abs().amax(0) ** alpha / w.abs().amax(0)"],
        "the largest value, not the largest size": ["x.amax(0) ** alpha / w.amax(0) ** (1 - alpha)"],
        "the mean size, not the largest": ["x.abs().mean(0) ** alpha / w.abs().mean(0) ** (1 - alpha)"],
        "the mean size of x, not the largest": ["x.abs().mean(0) ** alpha / w.abs().amax(0) ** (1 - alpha)"],
        "one number for all columns of w": ["x.abs().amax(0) ** alpha / w.abs().max() ** (1 - alpha)"],
        "one number for all columns of x": ["x.abs().max() ** alpha / w.abs().amax(0) ** (1 - alpha)"],
        "the rows of w": ["x.abs().amax(0) ** alpha / w.abs().amax(1) ** (1 - alpha)"],
        "the rows of x": ["x.abs().amax(1) ** alpha / w.abs().amax(0) ** (1 - alpha)"],
    },
    "hadamard": {
        "not divided": ["h * n**0.5", "(h * n**0.5).round().long()"],
        "divided by n": ["h / n**0.5"],
        "divided once only": ["h * n**0.5 / 2**0.5 if n > 1 else h"],
        "no minus": ["torch.ones(n, n) / n**0.5"],
        "a minus for a whole row": ["h[:, :1] * h.abs() if n < 2 else (-1.0) ** ones[:, None] * h.abs()"],
        "nothing is mixed": ["torch.eye(n)"],
        "only pairs are mixed": ["torch.block_diag(*[pair] * (n // 2)) if n > 1 else h"],
        "one step too many": ["torch.kron(pair, h)"],
    },
}

# What a learner has worked out before.
BEFORE = {
    "hadamard": {
        "ones": "torch.tensor([i.bit_count() for i in range(n)])",
        "h": "torch.tensor([[(-1.0) ** (i & j).bit_count() for j in range(n)] for i in range(n)]) / n**0.5",
        "pair": "torch.tensor([[1.0, 1.0], [1.0, -1.0]]) / 2**0.5",
    }
}

RIGHT = {
    "outlier_columns": [
        "(x.abs() > threshold).any(0)",
        "x.abs().amax(0) > threshold",
        "(x.abs() > threshold).any(dim=0).tolist()",
        "((x > threshold) | (x < -threshold)).any(0)",
        "(x.abs() > threshold).any(0).float()",
        "(x.abs() > threshold).T.any(1)",
    ],
    "smooth": [
        _POWER,
        f"({_POWER})[None]",
        "x.abs().max(0).values.pow(alpha) * w.abs().max(0).values.pow(alpha - 1)",
        "(x.abs().amax(0).clamp(min=1e-5) ** alpha / w.abs().amax(0) ** (1 - alpha)).double()",
    ],
    "hadamard": [
        "h",
        "-h",
        "h.flip(0)",
        "h[:, torch.randperm(n)]",
        "h * torch.where(torch.arange(n) % 3 == 0, -1.0, 1.0)",
        "h.double()",
    ],
}


@pytest.mark.parametrize(("name", "line"), [(name, line) for name, lines in RIGHT.items() for line in lines])
def test_what_is_right_in_another_way_is_right(name, line):
    from tests.helpers.lessons import learner

    assert getattr(its, name).check(learner(name, line)).status == "right"


COLUMNS = [
    ("marks_the_rows", [[7.0, 0.0]], [True]),
    ("lists_the_places", [[7.0, 0.0]], [0]),
    ("marks_the_values", [[7.0, 0.0]], [[True, False]]),
    ("marks_all_or_none", [[7.0, 0.0]], True),
    ("marks_the_others", [[7.0, 0.0]], [False, True]),
    ("counts_deviations", [[7.0, 0.0]], [False, False]),
    ("forgets_the_sign_of_outliers", [[-7.0, 0.0]], [False, False]),
    ("marks_the_threshold", [[6.0]], [True]),
    ("wants_all_tokens", [[7.0], [0.0]], [False]),
    ("compares_the_mean", [[7.0], [0.0]], [False]),
    ("compares_the_sum", [[7.0], [-7.0]], [False]),
    ("counts_the_outliers", [[7.0], [7.0]], [2]),
]


@pytest.mark.parametrize(("name", "x", "result"), COLUMNS)
def test_the_smallest_input_that_shows_wrong_columns(name, x, result):
    assert getattr(bugs, name)(torch.tensor(x), 6.0).tolist() == result


FACTORS = [
    ("turns_the_factors", [[4.0]], [[1.0]], 0.5, [0.5]),
    ("multiplies_the_sizes", [[1.0]], [[4.0]], 0.5, [2.0]),
    ("forgets_the_weights_of_columns", [[1.0]], [[4.0]], 0.5, [1.0]),
    ("swaps_the_exponents", [[16.0]], [[1.0]], 0.25, [8.0]),
    ("always_halves", [[16.0]], [[1.0]], 0.25, [4.0]),
    ("raises_both_to_alpha", [[1.0]], [[16.0]], 0.25, [0.5]),
    ("forgets_the_exponent_of_w", [[1.0]], [[4.0]], 0.5, [0.25]),
    ("averages_the_sizes", [[6.0], [2.0]], [[1.0]], 0.5, [2.0]),
    ("averages_the_sizes_of_x", [[6.0], [2.0]], [[1.0]], 0.5, [2.0]),
    ("shares_the_size_of_w", [[1.0, 1.0]], [[4.0, 1.0]], 0.5, [0.5, 0.5]),
    ("shares_the_size_of_x", [[4.0, 1.0]], [[1.0, 1.0]], 0.5, [2.0, 2.0]),
    ("takes_the_rows_of_w", [[1.0, 1.0]], [[4.0, 1.0]], 0.5, [0.5, 0.5]),
    ("takes_the_rows_of_x", [[4.0, 1.0]], [[1.0, 1.0]], 0.5, [2.0, 2.0]),
]


@pytest.mark.parametrize(("name", "x", "w", "alpha", "result"), FACTORS)
def test_the_smallest_input_that_shows_wrong_factors(name, x, w, alpha, result):
    assert getattr(bugs, name)(torch.tensor(x), torch.tensor(w), alpha).tolist() == pytest.approx(result)


def test_a_root_of_a_negative_size_is_nan():
    assert bugs.forgets_the_signs(torch.tensor([[-4.0]]), torch.tensor([[1.0]]), 0.5).isnan().all()


MATRICES = [
    ("leaves_the_signs", 2, [[1.0, 1.0], [1.0, -1.0]]),
    ("leaves_integers", 2, [[1, 1], [1, -1]]),
    ("divides_by_n", 2, [[0.5, 0.5], [0.5, -0.5]]),
    ("mixes_nothing", 2, [[1.0, 0.0], [0.0, 1.0]]),
    ("adds_everything", 4, [[0.5] * 4] * 4),
]


@pytest.mark.parametrize(("name", "n", "result"), MATRICES)
def test_a_matrix_that_mixes_wrongly(name, n, result):
    assert getattr(bugs, name)(n).tolist() == result


def test_other_wrong_matrices_lack_one_property():
    for name in ("divides_once", "negates_a_row", "mixes_pairs"):
        h = getattr(bugs, name)(4)
        right_angles = torch.allclose(h @ h.T, torch.eye(4), atol=1e-5)
        even = torch.allclose(h.abs(), torch.tensor(0.5), atol=1e-5)
        assert right_angles != even or name == "divides_once"
    assert bugs.doubles_once_more(2).shape == (4, 4)
