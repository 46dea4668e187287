"""Observers: what they answer does not depend on how the data came, and two of them merge into one of all."""

import math
import pickle

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.ao.quantization import observer as torch_observers

from quantlib import (
    AciqObserver,
    EntropyObserver,
    Histogram,
    MinMaxObserver,
    MseObserver,
    PercentileObserver,
    choose_aciq,
    choose_entropy,
    choose_mse,
    choose_percentile,
    choose_qparams,
)
from quantlib.calibration.observers import Observer
from tests.helpers.strategies import DTYPES, axes, errors, grids, message, tensors

CHOOSES = {
    PercentileObserver: choose_percentile,
    MseObserver: choose_mse,
    EntropyObserver: choose_entropy,
    AciqObserver: choose_aciq,
}
OBSERVERS = (MinMaxObserver, *CHOOSES)
NOTHING = "a range needs at least one value, got none; observe a batch first"
FINITE = "a {} needs finite values, got NaN or infinity in x; remove them: torch.nan_to_num(x)"


def narrow_grids():
    return grids().filter(lambda options: options["bits"] <= 8)


def same(one, other):
    """Both qparams are bit for bit the same, in the same dtype and shape."""
    assert one[2:] == other[2:] and one.scale.dtype == other.scale.dtype
    assert torch.equal(one.scale, other.scale) and torch.equal(one.zero_point, other.zero_point)


def batches(count=4, seed=0):
    """Batches of growing range and different shape, with a shift."""
    generator = torch.Generator().manual_seed(seed)
    return [3.0**i * torch.randn(5 + i, 7, 11, generator=generator) + 0.3 for i in range(count)]


# --- one answer, however the data came


@settings(max_examples=10)
@given(st.data(), narrow_grids())
@pytest.mark.parametrize("kind", OBSERVERS)
def test_halves_merge_into_exactly_what_one_observer_of_all_answers(kind, data, options):
    every = batches()
    whole = kind(**options)
    for batch in every:
        whole.observe(batch)
    order = data.draw(st.permutations(range(len(every))))
    cut = data.draw(st.integers(0, len(every)))
    halves = [kind(**options), kind(**options)]
    for place, i in enumerate(order):
        halves[place >= cut].observe(every[i])
    same(halves[0].merge(halves[1]).qparams(), whole.qparams())


@pytest.mark.parametrize("kind", OBSERVERS)
def test_a_pickled_observer_comes_back_whole_and_goes_on(kind):
    first, second = batches(2)
    plain, sent = kind(4).observe(first), pickle.loads(pickle.dumps(kind(4).observe(first)))
    same(sent.qparams(), plain.qparams())
    same(sent.observe(second).qparams(), plain.observe(second).qparams())
    sent.merge(plain)


@pytest.mark.parametrize("kind", OBSERVERS)
def test_memory_does_not_grow_with_the_batches(kind):
    observer = kind()
    sizes = {len(pickle.dumps(observer.observe(batch))) for batch in batches(6)}
    assert max(sizes) - min(sizes) < 50


@pytest.mark.parametrize("kind", CHOOSES)
@settings(max_examples=10)
@given(tensors(min_side=1), narrow_grids())
def test_an_observer_answers_what_the_function_answers_for_a_histogram(kind, x, options):
    same(kind(**options).observe(x).qparams(), CHOOSES[kind](Histogram().observe(x), **options))


@pytest.mark.parametrize("kind", OBSERVERS)
def test_without_options_an_observer_answers_what_the_function_answers_without(kind):
    x = torch.cat([torch.linspace(-1.0, 2.0, 30_000), torch.tensor([9.0])])
    choose = CHOOSES.get(kind, choose_qparams)
    same(kind().observe(x).qparams(), choose(x if kind is MinMaxObserver else Histogram().observe(x)))


class Largest(Observer):
    """An observer of one's own: a symmetric range up to the largest value."""

    end = 0.0

    def observe(self, batch):
        self.end = max(self.end, batch.max().item())
        return self

    def qparams(self):
        return choose_qparams(torch.tensor([self.end]), **self.options)

    def _take(self, other):
        self.end = max(self.end, other.end)
        return self


def test_an_observer_of_ones_own_shares_options_and_merging():
    assert Largest().options == {"bits": 8, "signed": True, "symmetric": False, "narrow": False}
    one, other = (Largest(4, symmetric=True).observe(torch.tensor([end])) for end in (1.0, 7.0))
    assert one.merge(other).qparams().scale.item() == 1.0
    text = message(lambda: one.merge(Largest(4)))
    assert "here Largest(bits=4, signed=True, symmetric=True, narrow=False), got Largest(bits=4, " in text


def test_the_own_options_reach_the_function():
    x = torch.cat(batches(), 0)
    histogram = Histogram(256).observe(x)
    options = {"bits": 4, "symmetric": True}
    observer = PercentileObserver(percentile=90.0, bins=256, **options).observe(x)
    same(observer.qparams(), choose_percentile(histogram, percentile=90.0, **options))
    observer = AciqObserver(distribution="laplace", bins=256, **options).observe(x)
    same(observer.qparams(), choose_aciq(histogram, distribution="laplace", **options))


@pytest.mark.parametrize("kind", OBSERVERS)
def test_a_merge_leaves_the_other_one_as_it_was(kind):
    first, second = batches(2)
    one, other = kind().observe(second), kind().observe(first)
    before = other.qparams()
    one.merge(other).observe(100 * first)
    same(other.qparams(), before)


@pytest.mark.parametrize("kind", OBSERVERS)
def test_merging_with_one_that_saw_nothing_changes_nothing(kind):
    (batch,) = batches(1)
    same(kind().observe(batch).merge(kind()).qparams(), kind().observe(batch).qparams())
    same(kind().merge(kind().observe(batch)).qparams(), kind().observe(batch).qparams())


@pytest.mark.parametrize("kind", OBSERVERS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_the_scale_is_float64_if_any_batch_was(kind, dtype):
    x = torch.ones(4).to(dtype)
    wide = torch.float64 if dtype == torch.float64 else torch.float32
    assert kind(4).observe(x).observe(x.float()).qparams().scale.dtype == wide
    assert kind(4).observe(x.float()).merge(kind(4).observe(x)).qparams().scale.dtype == wide


@pytest.mark.parametrize("kind", OBSERVERS)
def test_zero_is_on_the_grid_of_a_range_far_from_it(kind):
    for sign in (1.0, -1.0):
        qp = kind(4).observe(sign * torch.linspace(1000.0, 1001.0, 5000)).qparams()
        assert qp.quant_min <= qp.zero_point <= qp.quant_max


# --- min-max


@given(tensors(min_side=1), st.data(), grids())
def test_min_max_of_one_batch_is_choose_qparams(x, data, options):
    axis = data.draw(axes(x.ndim))
    same(MinMaxObserver(**options, axis=axis).observe(x).qparams(), choose_qparams(x, **options, axis=axis))


@given(tensors(min_side=1, min_dims=2), st.data(), grids())
def test_min_max_of_parts_is_choose_qparams_of_the_whole_along_a_kept_axis(x, data, options):
    axis = data.draw(st.sampled_from((1, -1, (1,), (1, x.ndim - 1))))
    cut = data.draw(st.integers(0, len(x)))
    one, other = (MinMaxObserver(**options, axis=axis).observe(part) for part in (x[:cut], x[cut:]))
    same(one.merge(other).qparams(), choose_qparams(x, **options, axis=axis))


@pytest.mark.parametrize("axis", [None, 0])
def test_min_max_finds_what_torchs_observers_find(axis):
    kept = [batch[:5] for batch in batches()]
    kind = torch_observers.MinMaxObserver if axis is None else torch_observers.PerChannelMinMaxObserver
    theirs, ours = kind(dtype=torch.qint8, qscheme=_scheme(axis), eps=0.0), MinMaxObserver(axis=axis)
    for batch in kept:
        theirs(batch)
        ours.observe(batch)
    scale, zero_point = theirs.calculate_qparams()
    torch.testing.assert_close(ours.qparams().scale.flatten(), scale.flatten(), rtol=3e-7, atol=0.0)
    assert torch.equal(ours.qparams().zero_point.flatten(), zero_point.flatten())


def _scheme(axis):
    return torch.per_tensor_affine if axis is None else torch.per_channel_affine


# --- errors


@pytest.mark.parametrize("kind", OBSERVERS)
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_nothing_changes_when_a_batch_cannot_be_observed(kind, bad):
    (batch,) = batches(1)
    observer = kind().observe(batch)
    before = observer.qparams()
    text = message(lambda: observer.observe(torch.tensor([[[1e9, bad]]])))
    assert text == FINITE.format("range" if kind is MinMaxObserver else "histogram")
    same(observer.qparams(), before)


@pytest.mark.parametrize("kind", OBSERVERS)
def test_without_a_value_there_is_no_answer(kind):
    assert message(kind().qparams) == NOTHING
    assert message(kind().observe(torch.ones(0, 3)).qparams) == NOTHING


ALIKE = "make both with the same arguments"
PLAIN = "bits=8, signed=True, symmetric=False, narrow=False"


@errors(
    (
        f"only observers alike can merge, here MinMaxObserver({PLAIN}, axis=0), "
        f"got MinMaxObserver({PLAIN}, axis=None); {ALIKE}",
        lambda: MinMaxObserver(axis=0).merge(MinMaxObserver()),
    ),
    (
        f"only observers alike can merge, here MseObserver({PLAIN}, bins=4096), "
        f"got EntropyObserver({PLAIN}, bins=4096); {ALIKE}",
        lambda: MseObserver().merge(EntropyObserver()),
    ),
    (
        f"only observers alike can merge, here PercentileObserver({PLAIN}, percentile=99.0, bins=4096), "
        f"got PercentileObserver({PLAIN}, percentile=99.9, bins=64); {ALIKE}",
        lambda: PercentileObserver(percentile=99.0).merge(PercentileObserver(percentile=99.9, bins=64)),
    ),
    (
        f"only observers alike can merge, here MseObserver({PLAIN}, bins=4096), got Histogram; {ALIKE}",
        lambda: MseObserver().merge(Histogram()),
    ),
    (
        "along axis 0 all batches need one size, here (2, 1), got (3, 1); "
        "the other axes have size 1 here, and may differ",
        lambda: MinMaxObserver(axis=0).observe(torch.ones(2, 4)).observe(torch.ones(3, 4)),
    ),
    (
        "axis names dimensions of x, -2 to 1, got 2; axis is the one that is kept",
        lambda: MinMaxObserver(axis=2).observe(torch.ones(2, 4)),
    ),
    *(
        ("bits must be an integer from 2 to 16, got 1; use 8 for int8, 4 for int4", lambda kind=kind: kind(1))
        for kind in OBSERVERS
    ),
    *(
        ("x must be a torch tensor, got list; wrap it: torch.tensor(x)", lambda kind=kind: kind().observe([1.0]))
        for kind in OBSERVERS
    ),
    (
        "a percentile must be a number above 0 and up to 100, got 0; 99.99 leaves out one value in ten thousand",
        lambda: PercentileObserver(percentile=0),
    ),
    (
        'distribution must be "gaussian" or "laplace", got \'cauchy\'; choose one of them',
        lambda: AciqObserver(distribution="cauchy"),
    ),
    (
        "the divergence needs from 2 to 2048 levels, half of the bins on a side, got 32768; "
        "use fewer bits, or a Histogram with more bins",
        lambda: EntropyObserver(16),
    ),
    (
        "bins must be a power of two from 2 to 1048576, got 100; use 4096",
        lambda: MseObserver(bins=100),
    ),
)
def test_what_an_observer_cannot_do_is_told_in_full(text, call):
    assert message(call) == text
