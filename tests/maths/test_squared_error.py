"""The search for the smallest mean squared error: against theory, against brute force, and against torch's search."""

import math
from functools import cache

import numpy
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, optimize, stats
from torch.ao.quantization.observer import HistogramObserver

from quantlib import Histogram, choose_mse, choose_qparams, dequantize, fake_quantize, grid, mse, mse_curve, quantize
from quantlib.calibration import squared_error
from tests.helpers.strategies import DTYPES, LAYOUTS, SEED, errors, grids, message, tensors

# The optimal uniform quantizer of N(0, 1) with zero on the grid: bits, narrow, mean squared error.
OPTIMAL = [
    (2, False, 0.149431),
    (2, True, 0.190174),
    (3, False, 0.040638),
    (3, True, 0.046860),
    (4, False, 0.011864),
    (4, True, 0.012889),
    (8, False, 8.771e-05),
    (8, True, 8.831e-05),
]
POINTS = numpy.linspace(-9.0, 9.0, 100_001)
DENSITY = stats.norm.pdf(POINTS)
STEPS = {False: 0.33861, True: 0.35341}  # of the two grids of 4 bits


def quantiles(distribution, count=2**18):
    """A sample without chance: the midpoint quantiles."""
    return torch.from_numpy(distribution.ppf((torch.arange(count).double() + 0.5).numpy() / count))


@cache
def samples(name):
    return {
        "many gaussian": lambda: quantiles(stats.norm, 2**20),  # fewer have too few in the tails for 8 bits
        "gaussian": lambda: quantiles(stats.norm),
        "laplace": lambda: quantiles(stats.laplace),
        "uniform": lambda: quantiles(stats.uniform(-1, 2)),
        "behind a ReLU": lambda: quantiles(stats.norm(0.3, 1)).clamp(min=0.0),
        "shifted": lambda: quantiles(stats.norm(2, 0.7)),
        "one outlier": lambda: torch.cat([quantiles(stats.norm), torch.tensor([175.0])]),
    }[name]()


NAMES = ("gaussian", "laplace", "uniform", "behind a ReLU", "shifted", "one outlier")


def mse_of(x, qp):
    """The mean squared error that quantize and dequantize really leave, in float64."""
    scale = torch.as_tensor(qp[0], dtype=torch.float64)
    return mse(x.double(), dequantize(quantize(x.double(), scale, *qp[1:]), scale, qp[1]))


# --- theory


def gaussian_mse(step, quant_min, quant_max):
    """The mean squared error of N(0, 1), by numerical integration."""
    levels = step * numpy.clip(numpy.round(POINTS / step), quant_min, quant_max)
    return integrate.simpson((POINTS - levels) ** 2 * DENSITY, x=POINTS)


@cache
def optimal_step(bits, narrow):
    near = bits / 2 ** (bits - 1)
    bounds, args = (0.3 * near, 1.5 * near), grid(bits, narrow=narrow)
    options = {"xatol": 1e-5 * near}
    found = optimize.minimize_scalar(gaussian_mse, bounds=bounds, args=args, method="bounded", options=options)
    return found.x, found.fun


@pytest.mark.parametrize(("bits", "narrow", "error"), OPTIMAL)
def test_numerical_integration_gives_the_table_of_optimal_errors(bits, narrow, error):
    step, least = optimal_step(bits, narrow)
    assert least == pytest.approx(error, rel=2e-4)
    assert bits != 4 or step == pytest.approx(STEPS[narrow], rel=1e-3)


@pytest.mark.parametrize("binned", [False, True])
@pytest.mark.parametrize(("bits", "narrow", "error"), OPTIMAL)
def test_the_search_finds_the_optimal_quantizer_of_a_gaussian(bits, narrow, error, binned):
    x = samples("many gaussian")
    qp = choose_mse(Histogram().observe(x) if binned else x, bits, symmetric=True, narrow=narrow)
    assert qp.scale.item() == pytest.approx(optimal_step(bits, narrow)[0], rel=0.01) and qp.zero_point.item() == 0
    assert mse_of(x, qp) == pytest.approx(error, rel=0.01)


@pytest.mark.parametrize("bits", [2, 4, 8])
def test_for_uniform_values_the_best_step_has_equal_cells(bits):
    # 2^bits - 1 levels on both sides of zero: the outer cells end half a step beyond the outer levels.
    qp = choose_mse(samples("uniform"), bits, symmetric=True, narrow=True)
    assert qp.scale.item() == pytest.approx(2 / (2**bits - 1), rel=1e-3)


# --- the curve, against quantize and dequantize


@given(tensors(min_side=1), st.data())
def test_the_curve_is_the_error_of_quantize_and_dequantize(x, data):
    quant_min, quant_max = grid(data.draw(st.sampled_from((2, 4, 8))), signed=data.draw(st.booleans()))
    zero_point = data.draw(st.integers(quant_min, quant_max))
    unit = max(x.detach().abs().max().item(), 1e-30)
    scales = torch.tensor(data.draw(st.lists(st.floats(1e-3, 2.0), min_size=1, max_size=5)), dtype=torch.float64) * unit
    curve = mse_curve(x, scales, zero_point, quant_min, quant_max)
    for scale, error in zip(scales, curve, strict=True):
        exact = mse_of(x.detach(), (scale, zero_point, quant_min, quant_max))
        assert error.item() == pytest.approx(exact, rel=1e-9, abs=1e-14 * unit**2)


@pytest.mark.parametrize("name", NAMES[:5])
def test_the_curve_of_a_histogram_is_nearly_exact_for_smooth_data(name):
    x = samples(name)
    scales = torch.logspace(-2.0, 0.0, 20, dtype=torch.float64)
    exact, binned = mse_curve(x, scales), mse_curve(Histogram().observe(x), scales)
    assert ((binned - exact).abs() <= 1e-3 * exact).all()


@pytest.mark.parametrize("value", [0.5, -3000.5, 4095.5])
def test_one_filled_bin_has_the_error_of_an_even_density(value):
    histogram = Histogram().observe(torch.tensor([value, 4095.5, -4095.5]))
    assert histogram.width == 1.0
    error = mse_curve(histogram, torch.tensor([4095.5], dtype=torch.float64), 0, -1, 1).item()
    nearest = min(abs(value - level) for level in (-4095.5, 0.0, 4095.5))
    assert error == pytest.approx(1 / 12 + nearest**2 / 3, rel=1e-6)


def test_the_curve_of_a_histogram_knows_its_zeros():
    x = torch.cat([torch.zeros(1000), torch.tensor([100.0])])
    assert mse_curve(Histogram(64).observe(x), torch.tensor([1.0])).item() < 1e-3


def test_without_options_the_curve_is_of_eight_signed_bits_around_zero():
    x = torch.linspace(-3.0, 2.0, 1001)
    scales = torch.tensor([0.001, 0.01, 0.1])  # the first two clip at both ends
    assert torch.equal(mse_curve(x, scales), mse_curve(x, scales, 0, -128, 127))
    assert mse_curve(x, scales).dtype == torch.float64
    assert mse_curve(x, scales)[0].item() == pytest.approx(mse(x.double(), x.double().clamp(-0.128, 0.127)), rel=1e-3)


# --- the search


def test_without_options_there_are_eight_signed_bits():
    x = samples("shifted")[::512]
    assert choose_mse(x) == choose_mse(x, 8, signed=True, symmetric=False, narrow=False)


def tried(monkeypatch, x, *arguments, **options):
    """The scales of both searches, in real units."""
    found, errors = [], squared_error._errors
    spy = lambda sides, scales, *others: found.append(scales * sides.unit) or errors(sides, scales, *others)  # noqa: E731
    monkeypatch.setattr(squared_error, "_errors", spy)
    choose_mse(x, *arguments, **options)
    return found


@pytest.mark.parametrize(("bits", "rungs"), [(2, 512), (8, 512), (9, 512), (10, 256), (13, 64)])
def test_the_ladder_reaches_from_a_512th_to_five_quarters_of_min_max_and_holds_min_max(monkeypatch, bits, rungs):
    x = torch.tensor([-0.5, 0.25, 1.0], dtype=torch.float64)
    ladder, _ = tried(monkeypatch, x, bits, symmetric=True)
    plain = 1.0 / (2 ** (bits - 1) - 1)
    assert ladder.dtype == torch.float64 and ladder.shape == (rungs + 1,)
    assert ladder[-1].item() == plain and ladder[-2].item() == pytest.approx(1.25 * plain, rel=1e-12)
    assert ladder[0].item() == pytest.approx(plain / 512, rel=1e-12)
    ratios = ladder[1:-1] / ladder[:-2]
    assert ratios.tolist() == pytest.approx([640 ** (1 / (rungs - 1))] * (rungs - 1), rel=1e-12)


@pytest.mark.parametrize(("bits", "step"), [(2, 0.0004), (8, 0.0004), (10, 0.0008), (13, 0.0032)])
def test_the_second_search_looks_between_the_neighbours_of_the_best_rungs(monkeypatch, bits, step):
    x = samples("gaussian")[::4096]
    ladder, beside = tried(monkeypatch, x, bits, symmetric=True)
    rows = beside.reshape(-1, 65)
    best = mse_curve(x, ladder, 0, -(2 ** (bits - 1)), 2 ** (bits - 1) - 1).argsort()[: len(rows)]
    assert len(rows) == (8 if bits < 10 else (len(ladder) - 1) // 64)
    torch.testing.assert_close(rows[:, 32].sort().values, ladder[best].sort().values, rtol=1e-12, atol=0.0)
    rung = ladder[1] / ladder[0]
    torch.testing.assert_close(rows[:, -1], rows[:, 32] * rung, rtol=1e-12, atol=0.0)
    torch.testing.assert_close(rows[:, 0], rows[:, 32] / rung, rtol=1e-12, atol=0.0)
    assert (rows[:, 1:] / rows[:, :-1] - 1).flatten().tolist() == pytest.approx([step] * 64 * len(rows), rel=0.02)


@settings(max_examples=25)
@given(tensors(min_side=1), grids().filter(lambda options: options["bits"] <= 8))
def test_the_search_is_never_worse_than_min_max(x, options):
    found, plain = (mse_of(x.detach(), choose(x, **options)) for choose in (choose_mse, choose_qparams))
    assert found <= plain * (1 + 1e-5) + 1e-13 * x.detach().abs().max().item() ** 2


@settings(max_examples=25)
@given(tensors(min_side=1), grids().filter(lambda options: options["bits"] <= 8), st.booleans())
def test_found_qparams_have_the_documented_form(x, options, binned):
    qp = choose_mse(Histogram().observe(x) if binned else x, **options)
    quant_min, quant_max = grid(options["bits"], signed=options["signed"], narrow=options["narrow"])
    assert qp.scale.shape == qp.zero_point.shape == () and qp.zero_point.dtype == torch.int32
    assert qp.scale.dtype == (torch.float64 if x.dtype == torch.float64 else torch.float32)
    assert (qp.quant_min, qp.quant_max) == (quant_min, quant_max) and quant_min <= qp.zero_point <= quant_max
    assert 0.0 < qp.scale.item() < math.inf
    assert not options["symmetric"] or qp.zero_point == (0 if options["signed"] else 2 ** (options["bits"] - 1))


def test_on_the_seed_the_search_finds_the_ruler_of_a_fine_search():
    qp = choose_mse(SEED)
    assert qp.scale.item() == pytest.approx(4.168, abs=0.003)
    assert mse(SEED, fake_quantize(SEED, *qp)) == pytest.approx(0.407, abs=0.001)


@pytest.mark.parametrize("bits", [3, 5])
@pytest.mark.parametrize("count", [9, 30])
def test_few_values_are_searched_nearly_as_well_as_by_brute_force(count, bits):
    x = torch.randn(count, generator=torch.Generator().manual_seed(count))
    quant_min, quant_max = grid(bits)
    least = ((x.max() - x.min()) / (quant_max - quant_min)).double()
    scales = least * torch.logspace(-3.0, 0.3, 3000, base=2.0, dtype=torch.float64)
    best = min(mse_curve(x, scales, z, quant_min, quant_max).min() for z in range(quant_min, quant_max + 1))
    assert mse_of(x, choose_mse(x, bits)) <= 1.02 * best


@pytest.mark.parametrize("symmetric", [False, True])
@pytest.mark.parametrize("bits", [2, 4, 8])
@pytest.mark.parametrize("name", NAMES)
def test_a_histogram_costs_at_most_a_thousandth_of_the_error(name, bits, symmetric):
    x = samples(name)
    exact, binned = (choose_mse(v, bits, symmetric=symmetric) for v in (x, Histogram().observe(x)))
    assert mse_of(x, binned) <= 1.001 * mse_of(x, exact)


def test_a_scale_times_two_gives_a_step_times_two():
    x = samples("shifted")
    one, two = (choose_mse(Histogram().observe(v), 4) for v in (x, 2 * x))
    assert two.scale.item() == 2 * one.scale.item() and two.zero_point == one.zero_point


def test_values_on_a_grid_come_back_exactly():
    x = 0.25 * torch.randint(-8, 8, (1000,), generator=torch.Generator().manual_seed(0))
    assert mse_of(x, choose_mse(x, 4)) < 1e-9


def test_one_huge_value_is_clipped_at_eight_bits_only_if_that_pays():
    bulk = samples("gaussian")
    few, many = torch.cat([bulk[::1000], torch.tensor([175.0])]), samples("one outlier")
    assert choose_mse(few).scale.item() * 255 > 170.0  # one value in 263: its error would outweigh all others
    assert choose_mse(many).scale.item() * 255 < 140.0  # one in 262,145


@pytest.mark.parametrize("bits", [8, 4])
@pytest.mark.parametrize("name", NAMES)
def test_the_search_is_never_worse_than_that_of_torch(name, bits):
    x = samples(name).float()
    low, high = grid(bits)
    observer = HistogramObserver(dtype=torch.qint8, quant_min=low, quant_max=high, qscheme=torch.per_tensor_affine)
    observer.dst_nbins = 2**bits  # it would search for 8 bits
    observer(x)
    scale, zero_point = observer.calculate_qparams()
    theirs = mse_of(x, (scale.double()[0], zero_point[0], low, high))
    assert mse_of(x, choose_mse(Histogram().observe(x), bits)) <= theirs


# --- unusual input


@pytest.mark.parametrize("symmetric", [False, True])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", ["largest", "smallest"])
def test_the_largest_and_the_smallest_values_of_a_dtype_have_a_step(size, dtype, symmetric):
    extreme = torch.finfo(dtype).max if size == "largest" else torch.finfo(dtype).smallest_normal
    x = torch.tensor([-extreme, 0.5 * extreme, extreme], dtype=dtype)
    for observed in (x, Histogram().observe(x)):
        for bits in (2, 8):
            scale = choose_mse(observed, bits, symmetric=symmetric).scale
            assert torch.finfo(scale.dtype).tiny <= scale.item() <= torch.finfo(scale.dtype).max


@pytest.mark.parametrize("values", [[0.0], [0.0, -0.0]])
@pytest.mark.parametrize("symmetric", [False, True])
def test_a_range_of_zero_has_scale_one(values, symmetric):
    x = torch.tensor(values)
    for observed in (x, Histogram().observe(x)):
        assert choose_mse(observed, symmetric=symmetric).scale.item() == 1.0


@given(grids())
def test_zeros_have_the_qparams_of_min_max(options):
    for dtype in DTYPES:
        x = torch.zeros(2, dtype=dtype)
        for observed in (x, Histogram().observe(x)):
            found = choose_mse(observed, **options)
            assert found == choose_qparams(x, **options) and found.scale.dtype == choose_qparams(x).scale.dtype


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_layout_in_memory_changes_nothing(layout):
    x = samples("gaussian")[::4096].reshape(8, 8).float()
    assert choose_mse(layout(x), 4) == choose_mse(x, 4)


def test_sixteen_bits_are_searched_too():
    x = samples("gaussian")[::64]
    assert mse_of(x, choose_mse(x, 16, symmetric=True)) <= mse_of(x, choose_qparams(x, 16, symmetric=True))


# --- errors

SCALES_RULE = "scales must be a row of finite positive numbers, got {}; use torch.linspace(0.1, 1, 50)"
ZERO_RULE = "the zero point must be a code of the grid [-8, 7], got {}; 0.0 must have a code of its own"


@errors(
    ("bits must be an integer from 2 to 16, got 1; use 8 for int8, 4 for int4", lambda: choose_mse(SEED, 1)),
    ("a range needs at least one value, got none; observe a batch first", lambda: choose_mse(Histogram())),
    (
        "a range needs at least one value, got shape (0,); pass a tensor with values",
        lambda: choose_mse(torch.ones(0)),
    ),
    (SCALES_RULE.format("float"), lambda: mse_curve(SEED, 0.5)),
    (SCALES_RULE.format("shape ()"), lambda: mse_curve(SEED, torch.tensor(0.5))),
    *((SCALES_RULE.format("shape (1,)"), lambda v=v: mse_curve(SEED, torch.tensor([v]))) for v in (0.0, math.nan)),
    (ZERO_RULE.format("8"), lambda: mse_curve(SEED, torch.ones(1), 8, -8, 7)),
    (ZERO_RULE.format("0.0"), lambda: mse_curve(SEED, torch.ones(1), 0.0, -8, 7)),
    (
        "the grid needs quant_min < quant_max, got [8, 7]; signed 4-bit, for example, is [-8, 7]",
        lambda: mse_curve(SEED, torch.ones(1), 0, 8, 7),
    ),
)
def test_what_cannot_be_searched_is_told_in_full(text, call):
    assert message(call) == text
