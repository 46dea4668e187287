"""A recipe is counted with all that its file holds, applied as its file says, and survives JSON."""

import json

import pytest
import torch

from quantlib import fake_quantize
from quantlib.networks import Recipe, apply_recipe, gptq, input_hessian, paired_difference, recipe_bits
from quantlib.networks.recipe import METHODS
from quantlib.storage import network_bits
from tests.helpers.strategies import message

GENERATOR = torch.Generator().manual_seed(0)
W = {
    "a.weight": torch.randn(3, 8, generator=GENERATOR),
    "b.weight": torch.randn(4, 6, generator=GENERATOR),
    "b.bias": torch.randn(4, generator=GENERATOR),
}
X = torch.randn(50, 8, generator=GENERATOR) @ torch.randn(8, 8, generator=GENERATOR)


def recipe(a=(4, None), b=(16, None), method="nearest"):
    return Recipe({"a": a, "b": b}, method)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("a", [(4, None), (2, 5), (16, None)])
def test_a_recipe_survives_json(a, method):
    said = recipe(a, method=method)
    assert Recipe.from_json(said.to_json()) == said
    assert json.loads(said.to_json()) == {"method": method, "matrices": {"a": list(a), "b": [16, None]}}
    assert Recipe.from_json(json.dumps(json.loads(said.to_json()), indent=4)) == said


def test_what_is_no_matrix_is_counted_as_fp16():
    assert recipe_bits(W, recipe()) == network_bits([((3, 8), 4, None), ((4, 6), 16, None), ((4,), 16, None)])
    assert recipe_bits(W, recipe((16, None))) == 16
    assert recipe_bits(W, recipe((4, 3))) > recipe_bits(W, recipe((4, 4))) > recipe_bits(W, recipe())


def test_what_the_recipe_leaves_in_float_goes_through_fp16():
    found = apply_recipe(W, recipe())
    assert list(found) == list(W) and found["a.weight"].dtype == torch.float32
    for name in ("b.weight", "b.bias"):
        assert torch.equal(found[name], W[name].half().float())


@pytest.mark.parametrize("size", [None, 3, 8])
@pytest.mark.parametrize("bits", [2, 3, 8])
def test_a_group_has_the_scale_with_the_smallest_error_and_that_scale_is_fp16(bits, size):
    found, top = apply_recipe(W, recipe((bits, size)))["a.weight"], 2 ** (bits - 1) - 1
    for ours, w in zip(found.split(size or 8, 1), W["a.weight"].split(size or 8, 1), strict=True):
        for row, row_hat in zip(w, ours, strict=True):
            scales = (torch.linspace(0.3, 1.0, 36) * row.abs().max() / top).half().float()
            all_of_them = [fake_quantize(row, scale, 0, -top, top) for scale in scales]
            errors = torch.stack([(row - row_hat).square().sum() for row_hat in all_of_them])
            torch.testing.assert_close((row - row_hat).square().sum(), errors.min())
            assert any(torch.equal(row_hat, one) for one in all_of_them)


def test_gptq_takes_the_columns_of_the_largest_inputs_first():
    hessian = input_hessian(X)
    found = apply_recipe(W, recipe((3, None), (4, None), "gptq"), {"a": hessian})
    nearest = apply_recipe(W, recipe((3, None), (4, None)))
    assert torch.equal(found["b.weight"], nearest["b.weight"])  # no inputs: to the nearest
    order = hessian.diagonal().argsort(descending=True)
    steps = found["a.weight"].abs().where(found["a.weight"] != 0, torch.inf).amin(1, keepdim=True)
    codes = gptq(W["a.weight"][:, order], hessian[order][:, order], steps, 3)
    torch.testing.assert_close(found["a.weight"][:, order], codes * steps)

    def error(w_hat):
        return (X @ (W["a.weight"] - w_hat["a.weight"]).T).square().sum()

    assert error(found) < error(nearest)


def test_hessians_change_nothing_where_the_method_is_nearest():
    ours, other = apply_recipe(W, recipe(), {"a": input_hessian(X)}), apply_recipe(W, recipe())
    assert all(torch.equal(ours[name], other[name]) for name in W)


def test_a_row_of_zeros_stays_one():
    zeros = {**W, "a.weight": torch.zeros(3, 8)}
    for method, hessians in (("nearest", None), ("gptq", {"a": input_hessian(X)})):
        assert not apply_recipe(zeros, recipe(method=method), hessians)["a.weight"].any()


def test_what_was_given_stays_as_it_was():
    before = {name: w.clone() for name, w in W.items()}
    apply_recipe(W, recipe((2, 3), (3, None), "gptq"), {"a": input_hessian(X)})
    assert all(torch.equal(W[name], before[name]) for name in W)


def test_a_difference_is_judged_by_how_it_varies_not_by_how_the_windows_do():
    reference = torch.tensor([1.0, 9.0, 5.0, 2.0])
    mean, error = paired_difference(reference + torch.tensor([0.1, 0.3, 0.1, 0.3]), reference)
    assert mean == pytest.approx(0.2, abs=1e-6)
    assert error == pytest.approx(torch.tensor([0.1, 0.3, 0.1, 0.3]).std().item() / 2, abs=1e-6)


EXACT = {
    "a width that no recipe has": (
        lambda: recipe((9, None)),
        "bits of 'a' must be 2 to 8, or 16, got 9; use 4, or 16 to leave it in float",
    ),
    "one bit": (
        lambda: recipe((1, None)),
        "bits of 'a' must be 2 to 8, or 16, got 1; use 4, or 16 to leave it in float",
    ),
    "a width that is no integer": (
        lambda: recipe((4.0, None)),
        "bits of 'a' must be 2 to 8, or 16, got 4.0; use 4, or 16 to leave it in float",
    ),
    "bits without a size": (
        lambda: recipe(4),
        "a matrix has a name, its bits and the size of its groups, got 'a': 4; "
        'write "head": (4, None) or "head": (4, 32)',
    ),
    "a size that is none": (
        lambda: recipe((4, 0)),
        "the group size must be a positive integer, got 0; 32 or 128 are common",
    ),
    "a method that is none": (
        lambda: recipe(method="awq"),
        'a method is "nearest" or "gptq", got \'awq\'; write method="gptq"',
    ),
    "no matrices": (lambda: Recipe(3), 'a recipe names its matrices, got int; write {"0.qkv": (4, None)} and so on'),
    "a matrix that is left out": (
        lambda: recipe_bits(W, Recipe({"a": (4, None)})),
        "a recipe names every matrix of the network, and no other, got no 'b'; "
        'add "b": (16, None) to leave it in float',
    ),
    "a matrix that the network does not have": (
        lambda: apply_recipe(W, Recipe({"a": (4, None), "b": (4, None), "c": (4, None)})),
        "a recipe names every matrix of the network, and no other, got 'c'; take one of ['a', 'b']",
    ),
    "gptq without inputs": (
        lambda: apply_recipe(W, recipe(method="gptq")),
        "gptq needs hessians, got NoneType; pass {name: input_hessian(x)}",
    ),
    "JSON that says something else": (
        lambda: Recipe.from_json('{"matrices": {}, "budget": 4}'),
        "a recipe has a \"method\" and \"matrices\", nothing else, got ['budget', 'matrices']; "
        "pass what to_json() returned",
    ),
    "JSON that is a list": (
        lambda: Recipe.from_json("[]"),
        'a recipe has a "method" and "matrices", nothing else, got list; pass what to_json() returned',
    ),
    "other windows": (
        lambda: paired_difference(torch.zeros(3), torch.zeros(2)),
        "both need one loss for each of the same windows, two or more, got shapes (3,) and (2,); judge them alike",
    ),
}


@pytest.mark.parametrize("case", EXACT)
def test_the_error_says_rule_what_came_and_what_to_do(case):
    call, text = EXACT[case]
    assert message(call) == text


@pytest.mark.parametrize("text", ["", "{", None, "[" * 100_000])
def test_what_is_no_json_is_said(text):
    assert message(lambda: Recipe.from_json(text)).startswith("a recipe must be JSON, got ")
