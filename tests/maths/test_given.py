"""What real programs pass in: numpy's integers, 8-bit floats, another default device, quantized tensors, extremes."""

import math
import warnings
from functools import partial

import numpy
import pytest
import torch

from quantlib import (
    AciqObserver,
    EntropyObserver,
    Histogram,
    MinMaxObserver,
    MseObserver,
    PercentileObserver,
    QuantlibError,
    aciq_alpha,
    choose_aciq,
    choose_entropy,
    choose_mse,
    choose_percentile,
    choose_qparams,
    cosine_similarity,
    dequantize,
    entropy_curve,
    fake_quantize,
    from_groups,
    grid,
    l2_error,
    mse_curve,
    quantize,
    rmse,
    round_floor,
    round_half_away,
    round_half_even,
    round_stochastic,
    round_truncate,
    split_error,
    sqnr_db,
    to_groups,
)
from quantlib.storage import bits_per_weight

X = torch.linspace(-1.0, 2.0, 2000)
CHOOSE = choose_qparams, choose_percentile, choose_mse, choose_entropy, choose_aciq
OBSERVERS = MinMaxObserver, PercentileObserver, MseObserver, EntropyObserver, AciqObserver
ROUNDINGS = {
    **{rule.__name__: rule for rule in (round_half_even, round_half_away, round_floor, round_truncate)},
    "round_stochastic": lambda v: round_stochastic(v, torch.Generator().manual_seed(0)),
}
FLOAT8 = torch.float8_e4m3fn, torch.float8_e5m2


def observed(observer, x):
    return observer(4).observe(x).qparams()


TAKE_X = {f.__name__: partial(f, bits=4) for f in CHOOSE} | {f.__name__: partial(observed, f) for f in OBSERVERS}


# --- numpy's integers, also narrow ones, in which 2**bits overflows

INTEGERS = {
    "grid": lambda i: grid(i(8)),
    "choose_qparams": lambda i: choose_qparams(X.view(2, -1), i(8), axis=i(0)),
    "choose_percentile": lambda i: choose_percentile(X, i(8), percentile=i(99)),
    "choose_mse": lambda i: choose_mse(X, i(4)),
    "choose_entropy": lambda i: choose_entropy(X, i(8)),
    "choose_aciq": lambda i: choose_aciq(X, i(8)),
    "aciq_alpha": lambda i: aciq_alpha(i(8)),
    "MinMaxObserver": lambda i: MinMaxObserver(i(8)).observe(X).qparams(),
    "quantize": lambda i: quantize(X, 0.01, i(3), i(-8), i(7)),
    "fake_quantize": lambda i: fake_quantize(X, 0.01, i(3), i(-8), i(7)),
    "dequantize": lambda i: dequantize(torch.tensor([1, 2]), i(2), i(3)),
    "to_groups": lambda i: to_groups(X, i(7)),
    "from_groups": lambda i: from_groups(to_groups(X[:100], 7), i(100)),
    "Histogram": lambda i: Histogram(i(64)).observe(X).counts,
    "entropy_curve": lambda i: entropy_curve(X, i(100)),
    "mse_curve": lambda i: mse_curve(X, torch.tensor([0.5]), i(3), i(-8), i(7)),
    "bits_per_weight": lambda i: bits_per_weight((3, 100), i(4), i(32)),
}


def leaves(result):
    return [torch.as_tensor(part) for part in (result if isinstance(result, tuple) else (result,))]


@pytest.mark.parametrize("kind", [numpy.int8, numpy.int64, numpy.uint8])
@pytest.mark.parametrize("name", INTEGERS)
def test_an_integer_of_numpy_is_taken_like_one_of_python(name, kind):
    def cast(value):
        return kind(value) if value >= 0 or kind is not numpy.uint8 else numpy.int16(value)

    for ours, theirs in zip(leaves(INTEGERS[name](int)), leaves(INTEGERS[name](cast)), strict=True):
        assert ours.dtype == theirs.dtype and torch.equal(ours, theirs)


@pytest.mark.parametrize("bad", [True, 8.0, "8", numpy.float64(8)])
def test_what_is_no_integer_is_still_refused(bad):
    for call in (grid, partial(choose_mse, X), partial(to_groups, X), Histogram):
        with pytest.raises(QuantlibError):
            call(bad)


@pytest.mark.parametrize("kind", [numpy.float32, numpy.float64])
def test_a_real_number_of_numpy_is_taken(kind):
    assert choose_percentile(X, percentile=kind(99.5)) == choose_percentile(X, percentile=99.5)


# --- 8-bit floats, which torch cannot reduce


@pytest.mark.parametrize("dtype", FLOAT8)
@pytest.mark.parametrize("name", TAKE_X)
def test_an_8_bit_float_gives_the_range_of_its_values_in_float32(name, dtype):
    x = X.to(dtype)
    assert TAKE_X[name](x)[:2] == TAKE_X[name](x.float())[:2]


@pytest.mark.parametrize("dtype", FLOAT8)
@pytest.mark.parametrize("name", ROUNDINGS)
def test_an_8_bit_float_is_rounded_as_in_float32(name, dtype):
    v = torch.tensor([-1.75, -0.5, 0.0, 0.5, 1.5, 2.5, 28.0]).to(dtype)
    rounded = ROUNDINGS[name](v)
    assert rounded.dtype == dtype and torch.equal(rounded.float(), ROUNDINGS[name](v.float()))


def test_an_8_bit_float_that_is_nan_is_refused():
    with pytest.raises(QuantlibError, match="finite"):
        choose_qparams(torch.tensor([math.nan]).to(torch.float8_e5m2))


# --- another default device than that of x


@pytest.fixture
def elsewhere():
    with torch.device("meta"):  # no value ever comes back from there
        yield


@pytest.mark.parametrize("name", TAKE_X)
def test_the_default_device_does_not_matter(name, elsewhere):
    assert TAKE_X[name](X)[0].device == X.device
    assert TAKE_X[name](Histogram().observe(X))[0].device == X.device if name.startswith("choose_p") else True


def test_the_default_device_does_not_matter_to_errors_and_curves(elsewhere):
    scales = torch.full((1,), 0.5, device="cpu")
    assert mse_curve(X, scales).device == entropy_curve(X)[1].device == split_error(X, 0.5, 0)[0].device == X.device
    assert choose_mse(X, symmetric=True)[0].device == Histogram().edges.device == X.device


# --- tensors that torch has quantized


@pytest.fixture
def quantized():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch is about to drop them
        yield torch.quantize_per_tensor(X, 0.1, 0, torch.qint8)


def test_a_quantized_tensor_is_refused_with_what_to_do(quantized):
    with pytest.raises(QuantlibError, match=r"take the codes: q\.int_repr\(\)"):
        dequantize(quantized, 0.1, 0)
    for call in (choose_qparams, partial(quantize, scale=0.1, zero_point=0), Histogram().observe):
        with pytest.raises(QuantlibError, match=r"take the reals: x\.dequantize\(\)"):
            call(quantized)


# --- zero has one sign


@pytest.mark.parametrize("zero_point", [0, torch.zeros(2, 1), torch.tensor([[0], [3]]), 3])
@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
def test_what_rounds_to_zero_comes_back_as_plus_zero(zero_point, dtype):
    x = torch.tensor([[-0.2, 0.2], [-0.0, -0.3]], dtype=dtype)
    x_hat = fake_quantize(x, 1.0, zero_point)
    assert not x_hat.any() and not x_hat.signbit().any()


# --- values whose squares float64 cannot hold


@pytest.mark.parametrize("unit", [1e-320, 1e-200, 1.0, 1e200, 1e307])
def test_measures_do_not_depend_on_the_unit(unit):
    x, x_hat = (torch.tensor(v, dtype=torch.float64) * unit for v in ([3.0, 4.0], [3.0, 4.5]))
    assert sqnr_db(x, x_hat) == pytest.approx(20.0, abs=0.01)
    assert l2_error(x, x_hat) == pytest.approx(0.5 * unit, rel=1e-3)
    assert rmse(x, x_hat) == pytest.approx(0.5**1.5 * unit, rel=1e-3)


def test_nothing_and_nan_are_told_apart():
    one, zero, nan = (torch.tensor([v], dtype=torch.float64) for v in (1e-170, 0.0, math.nan))
    assert sqnr_db(one, zero) == 0.0 and sqnr_db(zero, one) == -math.inf and sqnr_db(zero, zero) == math.inf
    for pair in ((nan, one), (one, nan), (nan, nan), (nan, zero)):
        assert math.isnan(sqnr_db(*pair)) and math.isnan(l2_error(*pair)) and math.isnan(cosine_similarity(*pair))


# --- entropy calibration where values have few sizes


def made(name):
    chance = torch.Generator().manual_seed(0)
    return {
        "relu6": lambda: (torch.randn(20_000, generator=chance) * 8).clamp(0, 6),
        "pixels": lambda: torch.randint(0, 256, (20_000,), generator=chance) / 255,
        "spikes": lambda: torch.cat([torch.zeros(1000), torch.full((1000,), 6.0), torch.linspace(0, 6, 1000)]),
        "digits": lambda: torch.randint(0, 17, (20_000,), generator=chance).float(),
    }[name]()


@pytest.mark.parametrize("symmetric", [False, True])
@pytest.mark.parametrize("bits", range(2, 9))
@pytest.mark.parametrize("name", ["relu6", "pixels", "spikes", "digits"])
def test_entropy_is_never_far_worse_than_covering_everything(name, bits, symmetric):
    x = made(name)
    entropy, everything = (
        sqnr_db(x, fake_quantize(x, *choose(x, bits, symmetric=symmetric)))
        for choose in (choose_entropy, choose_qparams)
    )
    assert entropy >= everything - 0.5
