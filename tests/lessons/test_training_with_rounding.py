"""Notebook 15: slopes through rounding, a weight between two codes, trainings side by side, and what learners write."""

import itertools

import pytest
import torch

from quantlib.lab.words import fixed
from quantlib.lessons.bug_museum import bugs
from quantlib.lessons.training_with_rounding import (
    draw_methods,
    draw_trainings,
    explore_one_weight,
    explore_training,
    float_loss,
    gptq_cost,
    nearest_cost,
    train_yours,
    trained,
    training,
    weights_with_a_slope,
)
from quantlib.lessons.training_with_rounding import exercises as its
from tests.helpers.explored import assert_agrees, assert_redraws, assert_stands_in


def readout_one_weight(y, lr):
    """What the explorer of one weight must say: the same loop on one float32 number."""
    y, lr = round(y, 2), round(lr, 2)
    w, goal, codes = torch.tensor(y), torch.tensor(y), []
    for _ in range(150):
        w = w - lr * (2 * (w.round() - goal))
        codes.append(int(w.round()))
    last = codes[-100:]
    spent = sorted(set(last), key=lambda code: (-last.count(code), code))
    said = ", ".join(f"{last.count(code)} at the code {code}" for code in spent)
    changes = sum(a != b for a, b in itertools.pairwise(last))
    head = f"The mean code is {fixed(sum(last) / 100, 2)} for the target y = {y:.2f} and the rate lr = {lr:.2f}."
    return f"{head} Of the last 100 steps {said}, and the code changes {changes} times."


def readout_training(steps, bits):
    """What the explorer of the trainings must say: costs by their runs, and codes counted matrix by matrix."""
    at, top = round(steps) // 20, 2 ** (bits - 1) - 1
    run = trained("with rounding", bits)
    w, start = run.kept[at], run.kept[0]
    changed = 0
    for name in training.MATRICES:
        codes = [(x[name] / run.scales[0][name]).round().clamp(-top, top) for x in (start, w)]
        changed += int((codes[0] != codes[1]).sum())
    costs = [f"{trained(way, bits).costs[at]:.2f}" for way in ("with rounding", "the rest", "in float")]
    head = f"Bits per character lost when trained with rounding: {costs[0]}; when only the rest is trained: {costs[1]};"
    tail = f"{bits} bits a weight, {round(steps)} steps; {changed / 102_400:.1%} of the codes have changed."
    return f"{head} when all is trained in float: {costs[2]}. {tail}"


READOUTS = [readout_one_weight, readout_training]
EXPLORERS = [(explore_one_weight, readout_one_weight), (explore_training, readout_training)]


@pytest.mark.parametrize(("make", "readout"), EXPLORERS)
def test_readout_agrees_with_another_computation(make, readout):
    assert_agrees(make(), readout, steps=15, whole=True)


@pytest.mark.parametrize("make", [make for make, _ in EXPLORERS])
def test_picture_follows_the_sliders(make):
    assert_redraws(make)


@pytest.mark.parametrize("make", [make for make, _ in EXPLORERS])
def test_an_unwritten_function_is_told_and_quantlibs_stands_in(make):
    assert_stands_in(make)


def unwritten(*arguments): ...


# --- one weight


@pytest.mark.parametrize("y", [0.1, 0.3, 0.5, 0.75, 1.25, 1.6])
def test_the_mean_code_is_the_target_at_every_rate_that_reaches_a_tie(y):
    explorer = explore_one_weight()
    for lr in (0.05, 0.1, 0.3):
        assert explorer.compute(y, lr).mean == pytest.approx(y, abs=0.021)


def test_a_smaller_rate_does_not_calm_the_codes():
    calm, wild = (explore_one_weight().compute(0.3, lr).changes for lr in (0.02, 0.3))
    assert abs(calm - wild) <= 1 and calm > 50


@pytest.mark.parametrize("y", [0.0, 1.0, 2.0])
def test_a_weight_rests_where_its_target_is_a_code(y):
    view = explore_one_weight().compute(y, 0.1)
    assert view.changes == 0 and view.mean == y


def test_a_step_from_the_rounded_weight_leads_nowhere():
    def from_the_code(w, x, y, s, lr):
        w_hat = s * (w / s).round()
        return w_hat - lr * 2 * x.T @ (x @ w_hat - y) / len(y)

    said = explore_one_weight(from_the_code).move(lr=0.1)
    assert said.startswith("The mean code is 0.00") and said.endswith("the code changes 0 times.")


@pytest.mark.parametrize("panel", [0, 1])
def test_the_target_can_be_dragged(panel):
    explorer = explore_one_weight()
    left, low, right, high = explorer.scene.area(explorer.scene.panels[panel])
    x, y, unit = (left + right) / 2, (low + high) / 2, (high - low) / 3.3
    explorer.touched(x, y, True)
    explorer.touched(x, y, False)
    assert explorer.controls["y"].value == 1.0
    explorer.touched(x, y + 0.5 * unit, False)
    assert explorer.controls["y"].value == 1.5
    explorer.touched(x, 1.0, False)
    assert explorer.controls["y"].value == 2.0


# --- the network


def test_no_weight_has_a_slope_unless_one_pretends():
    assert weights_with_a_slope(lambda w, s, top: s * (w / s).round().clamp(-top, top)) == 0
    mine = weights_with_a_slope(its.quantizes_with_slope_one)
    assert mine == weights_with_a_slope(training.quantized)
    codes = [training.writer()[name] / s for name, s in training.scales_of(training.writer(), 3).items()]
    assert mine == sum(int((v.round().abs() <= 3).sum()) for v in codes) > 97_000


def test_training_starts_from_the_nearest_codes_and_the_order_of_the_methods_is_as_told():
    for bits in (4, 3, 2):
        runs = {way: trained(way, bits).costs for way in training.WAYS}
        assert all(costs[0] == nearest_cost(bits) for costs in runs.values())
        assert max(runs["with rounding"][-1], runs["the rest"][-1], gptq_cost(bits)) < nearest_cost(bits)
        assert nearest_cost(bits) < nearest_cost(bits, largest=True)
    assert float_loss() == pytest.approx(2.411, abs=1e-3)
    assert runs["with rounding"][-1] < 1 < runs["the rest"][-1] < gptq_cost(2) < runs["in float"][-1]


def test_only_the_rest_moves_where_codes_are_frozen():
    first, last = (trained("the rest", 3).kept[k] for k in (0, -1))
    assert all(torch.equal(first[name], last[name]) for name in training.MATRICES)
    assert not any(torch.equal(first[name], last[name]) for name in set(first) - set(training.MATRICES))


def test_another_order_of_the_windows_ranks_the_trainings_alike():
    everything, rest = training.train(3, seed=1), training.train_rest(3, seed=1)
    share = (rest.costs[0] - rest.costs[-1]) / (rest.costs[0] - everything.costs[-1])
    assert 0.5 < share < 0.7 and everything.costs[-1] < everything.unrounded - 0.05


def test_a_learners_function_trains_the_network():
    without = train_yours(lambda w, s, top: s * (w / s).round().clamp(-top, top)).alt
    assert "your function: 0.4" in without and "only the rest: 0.4" in without
    assert train_yours(unwritten).alt.startswith(draw_trainings(3).alt)
    assert train_yours(unwritten).alt.endswith("unwritten: it is not written yet. Quantlib's is used instead.")


def test_a_learners_function_rounds_what_is_judged():
    codes = explore_training(lambda w, s, top: (w / s).round().clamp(-top, top))
    assert codes.picture.alt != explore_training().picture.alt


def test_the_moment_can_be_dragged():
    explorer = explore_training()
    left, low, right, high = explorer.scene.area(explorer.scene.panels[0])
    explorer.touched(left + 0.41 * (right - left), (low + high) / 2, True)
    assert explorer.controls["steps"].value == 40
    explorer.touched(1.0, high, False)
    assert explorer.controls["steps"].value == 100


def test_pictures_say_their_numbers():
    assert "only the rest trained 0.1, 0.4, 1.3; trained with rounding 0.1, 0.2, 0.6" in draw_methods().alt
    assert draw_trainings(3).alt.endswith("only the rest: 0.4; with rounding: 0.2 bits per character.")


# --- what learners write


WRITTEN = {
    "straight_round": {
        "rounded, but without a gradient": ["v.round()", "v.detach().round()", "(v + (v.round() - v)).detach()"],
        "the first v is detached": ["v.detach() + v.round() - v"],
        "v counts twice": ["v + v - (2 * v).detach() + v.round().detach()"],
        "v is not subtracted": ["v + v.round()", "v + v.detach().round()"],
        "the difference has the wrong sign": ["v - (v.round() - v).detach()"],
        "nothing is rounded": ["v", "v + (v - v).detach()"],
        "truncation instead of rounding": ["v + (v.trunc() - v).detach()"],
        "rounded down": ["v + (v.floor() - v).detach()"],
    },
    "straight_quantize": {
        "quantized, but without a gradient": ["(w / s).round().clamp(-top, top) * s"],
        "a gradient beyond the ends too": ["w + ((w / s).round().clamp(-top, top) * s - w).detach()"],
        "codes, not real values": ["(w / s + ((w / s).round() - w / s).detach()).clamp(-top, top)"],
        "not divided by s": ["s * (w + (w.round() - w).detach()).clamp(-top, top)"],
        "no clamp": ["s * (v + (v.round() - v).detach())"],
        "the grid begins at -top - 1": ["s * (v + (v.round() - v).detach()).clamp(-top - 1, top)"],
        "clamped in real values": ["(s * (v + (v.round() - v).detach())).clamp(-top, top)"],
        "truncation instead of rounding": ["s * (v + (v.trunc() - v).detach()).clamp(-top, top)"],
        "nothing is rounded": ["s * v.clamp(-top, top)", "w.clamp(-top * s, top * s)"],
    },
    "train_step": {
        "the rounded weight moves": ["w_hat - lr * slope"],
        "the gradient at w: nothing is rounded": ["w - lr * 2 * x.T @ (x @ w - y) / len(y)"],
        "the new weight is rounded": ["s * ((w - lr * slope) / s).round()"],
        "nothing moves": ["w - lr * 0 * slope"],
        "uphill": ["w + lr * slope", "w - lr * 2 * x.T @ (y - x @ w_hat) / len(y)"],
        "without the factor 2": ["w - lr * x.T @ (x @ w_hat - y) / len(y)"],
        "a sum, not a mean": ["w - lr * 2 * x.T @ (x @ w_hat - y)"],
        "the scale is forgotten": ["w - lr * 2 * x.T @ (x @ w.round() - y) / len(y)"],
        "the rate is forgotten": ["w - slope"],
        "the input is forgotten": ["w - lr * 2 * (x @ w_hat - y).mean()"],
        "w_hat is returned": ["w_hat"],
    },
}

# What a learner has worked out before.
BEFORE = {
    "straight_quantize": {"v": "w / s"},
    "train_step": {"w_hat": "s * (w / s).round()", "slope": "2 * x.T @ (x @ w_hat - y) / len(y)"},
}

RIGHT = {
    "straight_round": [
        "v + (v.round() - v).detach()",
        "v - v.detach() + v.round()",
        "v.round().detach() + v - v.detach()",
        "v + (v.detach().round() - v.detach())",
    ],
    "straight_quantize": [
        "s * (v + (v.round() - v).detach()).clamp(-top, top)",
        "s * (v.clamp(-top, top) + (v.round().clamp(-top, top) - v.clamp(-top, top)).detach())",
        "torch.fake_quantize_per_tensor_affine(w, s, 0, -top, top)",
        "torch.where(v.round().abs() <= top, s * v, 0) + (s * v.round().clamp(-top, top)"
        " - torch.where(v.round().abs() <= top, s * v, 0)).detach()",
    ],
    "train_step": [
        "w - lr * slope",
        "w - lr * (2 * (x @ w_hat - y)[:, None] * x).mean(0)",
        "w - lr * torch.autograd.grad(((x @ (h := w_hat.detach().requires_grad_()) - y) ** 2).mean(), h)[0]",
    ],
}


@pytest.mark.parametrize(("name", "line"), [(name, line) for name, lines in RIGHT.items() for line in lines])
def test_what_is_right_in_another_way_is_right(name, line):
    from tests.helpers.lessons import learner

    assert getattr(its, name).check(learner(name, line)).status == "right"


def parts(value):
    return [part.tolist() for part in its.value_and_gradient(value)]


ROUND = [
    ("only_rounds", 0.6, 1.0, 0.0),
    ("detaches_the_first", 0.6, 1.0, -1.0),
    ("doubles_the_gradient", 0.6, 1.0, 2.0),
    ("adds_the_rounded", 0.6, 1.6, 1.0),
    ("subtracts_the_step", 0.6, 0.2, 1.0),
    ("rounds_nothing", 0.6, 0.6, 1.0),
    ("truncates_with_slope_one", 0.6, 0.0, 1.0),
    ("floors_with_slope_one", 0.6, 0.0, 1.0),
]


@pytest.mark.parametrize(("name", "v", "value", "gradient"), ROUND)
def test_the_smallest_input_that_shows_a_wrong_slope(name, v, value, gradient):
    got, slope = parts(getattr(bugs, name)(torch.tensor([v], requires_grad=True)))
    assert got == pytest.approx([value]) and slope == pytest.approx([gradient])


QUANTIZE = [
    ("only_quantizes", 0.6, 1.0, 1, 1.0, 0.0),
    ("passes_everywhere", 1.0, 0.5, 1, 0.5, 1.0),
    ("stays_in_codes", 0.3, 0.5, 1, 1.0, 2.0),
    ("forgets_to_divide", 0.3, 0.5, 1, 0.0, 0.5),
    ("forgets_the_ends", 1.0, 0.5, 1, 1.0, 1.0),
    ("takes_the_lowest_code", -1.0, 0.5, 1, -1.0, 1.0),
    ("clamps_real_values", 1.0, 0.5, 1, 1.0, 1.0),
    ("truncates_the_weights", 0.6, 1.0, 1, 0.0, 1.0),
    ("only_clamps", 0.6, 1.0, 1, 0.6, 1.0),
]


@pytest.mark.parametrize(("name", "w", "s", "top", "value", "gradient"), QUANTIZE)
def test_the_smallest_input_that_shows_a_wrong_quantizer(name, w, s, top, value, gradient):
    got, slope = parts(getattr(bugs, name)(torch.tensor([w], requires_grad=True), s, top))
    assert got == pytest.approx([value]) and slope == pytest.approx([gradient])


STEPS = [
    ("moves_the_rounded", 1.0, 0.06),
    ("forgets_to_round", 1.0, 0.38),
    ("rounds_at_the_end", 1.0, 0.0),
    ("takes_the_true_slope", 1.0, 0.4),
    ("climbs", 1.0, 0.34),
    ("drops_the_two", 1.0, 0.43),
    ("forgets_the_rate", 1.0, 1.0),
    ("returns_the_rounded", 1.0, 0.0),
    ("forgets_the_input", 2.0, 0.46),
]


@pytest.mark.parametrize(("name", "x", "result"), STEPS)
def test_the_smallest_input_that_shows_a_wrong_step(name, x, result):
    step = torch.tensor([0.4]), torch.tensor([[x]]), torch.tensor([0.3]), 1.0, 0.1
    assert getattr(bugs, name)(*step).tolist() == pytest.approx([result])
    assert its.train_step.reference(*step).tolist() != pytest.approx([result])


def test_a_sum_and_a_forgotten_scale_need_another_input():
    two = torch.tensor([0.4]), torch.tensor([[1.0], [2.0]]), torch.tensor([1.0, 0.5]), 1.0, 0.1
    assert its.train_step.reference(*two).tolist() == pytest.approx([0.6])
    assert bugs.sums_the_losses(*two).tolist() == pytest.approx([0.8])
    fine = torch.tensor([0.3]), torch.tensor([[1.0]]), torch.tensor([1.0]), 0.25, 0.05
    assert bugs.rounds_to_whole_numbers(*fine).tolist() == pytest.approx([0.4])
    assert its.train_step.reference(*fine).tolist() == pytest.approx([0.375])


def test_a_result_that_comes_from_no_weight_has_the_slope_0():
    assert parts(torch.ones(2)) == [[1.0, 1.0], [0.0, 0.0]]
    assert its.value_and_gradient("a text") == "returned a str, not a tensor"
