"""Error measures: the split adds exactly, each measure equals its formula, and theory's numbers come out."""

import math

import numpy
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from quantlib import (
    ErrorParts,
    bits_per_symbol,
    choose_qparams,
    cosine_similarity,
    dequantize,
    divergence_bits,
    fake_quantize,
    grid,
    l1_error,
    l2_error,
    max_error,
    mse,
    quantize,
    rmse,
    split_error,
    sqnr_db,
    unclamped_codes,
)
from tests.helpers.strategies import DTYPES, SEED, covered, errors, half_steps, hand_set, message, slack, tensors

MEASURES = (l1_error, l2_error, max_error, mse, rmse, sqnr_db, cosine_similarity)
EXACT = (torch.float32, torch.float64)


def reconstruction(x, qp):
    scale = torch.as_tensor(qp.scale, dtype=torch.float64 if x.dtype == torch.float64 else torch.float32)
    return dequantize(quantize(x, *qp), scale, qp.zero_point)


def error_of(x, qp):
    x_hat = reconstruction(x, qp)
    return x.detach().to(x_hat.dtype) - x_hat


def normal(count=100_000):
    """The midpoint quantiles of a standard normal distribution: a sample without chance."""
    return torch.special.ndtri((torch.arange(count).double() + 0.5) / count)


# --- the seed


def test_the_error_norm_of_the_seed():
    assert round(l2_error(SEED, fake_quantize(SEED, 3.5, -70)), 4) == 39.2158


def test_the_error_of_the_seed_is_one_clipped_value_and_rounding():
    clip, rounded = split_error(SEED, 3.5, -70)
    assert clip.nonzero().tolist() == [[0, 2]] and clip[0, 2].item() == pytest.approx(728.6 - 689.5, abs=1e-4)
    assert rounded[0, 2].item() == 0.0 and 0 < rounded.abs().max().item() <= 1.75


def test_a_better_ruler_than_min_max_exists_on_the_seed():
    def best(scale):
        return min(mse(SEED, fake_quantize(SEED, scale, z)) for z in range(-128, 128))

    assert round(best(3.7), 3) == 0.611
    fine = {scale: best(scale) for scale in torch.arange(4.15, 4.19, 0.002).tolist()}
    assert min(fine.values()) == pytest.approx(0.407, abs=0.001) and abs(min(fine, key=fine.get) - 4.168) < 0.003


def test_on_the_seed_z_changes_nothing_while_nothing_clips():
    assert len({round(mse(SEED, fake_quantize(SEED, 3.7, z)), 6) for z in range(-78, -69)}) == 1


# --- split_error


@given(hand_set())
def test_the_parts_add_exactly(drawn):
    x, qp = drawn
    parts = split_error(x, *qp)
    assert isinstance(parts, ErrorParts)
    assert torch.equal(parts.clip + parts.round, error_of(x, qp))


@given(hand_set())
def test_an_elements_error_is_clip_or_round_and_never_both(drawn):
    x, qp = drawn
    clip, rounded = split_error(x, *qp)
    codes = unclamped_codes(x, *qp[:2])
    outside = (codes < qp.quant_min) | (codes > qp.quant_max)
    assert (clip[~outside] == 0.0).all() and (rounded[outside] == 0.0).all()


@given(hand_set(EXACT))
def test_the_mean_squares_of_the_parts_add(drawn):
    x, qp = drawn
    if x.numel():
        clip, rounded = (part.double().square().mean().item() for part in split_error(x, *qp))
        x_hat = reconstruction(x, qp)
        assert clip + rounded == pytest.approx((error_of(x, qp).double() ** 2).mean().item(), rel=1e-12)
        assert clip + rounded == pytest.approx(mse(x, x_hat), rel=1e-5, abs=1e-12 * x.detach().abs().max().item() ** 2)


@given(covered())
def test_rounding_is_at_most_half_a_step(drawn):
    x, qp, options = drawn
    part = split_error(x, *qp).round
    assert half_steps(part, torch.zeros_like(part), qp.scale).max() <= 0.5 + slack(x, options["bits"])


@given(hand_set())
def test_rounding_is_at_most_half_a_step_also_where_others_clip(drawn):
    x, qp = drawn
    part = split_error(x, *qp).round
    codes = 11 if x.dtype != torch.float64 else 17  # x / scale is at most 1000, z at most 300
    assert (half_steps(part, torch.zeros_like(part), qp.scale) <= 0.5 + slack(x, codes)).all()


@given(hand_set())
def test_the_parts_have_the_shape_of_x_and_its_compute_dtype(drawn):
    x, qp = drawn
    for part in split_error(x, *qp):
        assert part.shape == x.shape and not part.requires_grad
        assert part.dtype == (torch.float64 if x.dtype == torch.float64 else torch.float32)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("of_scale", DTYPES)
def test_the_dtype_of_the_scale_does_not_change_the_dtype_of_the_parts(dtype, of_scale):
    for scale in (torch.tensor(0.5, dtype=of_scale), torch.tensor([0.5, 0.25], dtype=of_scale)):
        clip, rounded = split_error(torch.tensor([0.125, 99.0], dtype=dtype), scale, 0)
        assert clip.dtype == rounded.dtype == (torch.float64 if dtype == torch.float64 else torch.float32)
        assert rounded[0].item() == 0.125


def test_float64_is_split_in_float64_also_where_the_scale_is_a_number():
    x = torch.tensor([0.1], dtype=torch.float64)
    assert split_error(x, 0.3, 0).round.item() == 0.1
    assert split_error(x, 0.1, 0).round.item() == 0.0


def test_infinity_is_clipped_whole():
    clip, rounded = split_error(torch.tensor([math.inf, 0.25]), 1.0, 0)
    assert clip.tolist() == [math.inf, 0.0] and rounded.tolist() == [0.0, 0.25]


def test_a_value_within_half_a_step_of_the_grids_end_is_rounded():
    clip, rounded = split_error(torch.tensor([127.25, 127.75, -128.25, -128.75]), 1.0, 0)
    assert clip.tolist() == [0.0, 0.75, 0.0, -0.75] and rounded.tolist() == [0.25, 0.0, -0.25, 0.0]


# --- the measures, beside their formulas in numpy


@given(tensors(min_side=1), tensors(min_side=1))
def test_each_measure_is_its_formula(x, noise):
    noise = noise.detach().flatten()
    x_hat = x.detach() + noise[torch.arange(x.numel()) % len(noise)].reshape(x.shape).to(x.dtype)
    a, b = (t.detach().double().numpy() for t in (x, x_hat))
    e = a - b
    if not numpy.isfinite(e).all():
        return
    near, unit = {"rel": 1e-12, "abs": 0.0}, numpy.abs(e).max() or 1.0  # the square of what is tiny is 0
    assert l1_error(x, x_hat) == pytest.approx(numpy.abs(e).sum(), **near)
    assert l2_error(x, x_hat) == pytest.approx(unit * numpy.linalg.norm(e.flatten() / unit), **near)
    assert max_error(x, x_hat) == numpy.abs(e).max()
    assert mse(x, x_hat) == pytest.approx(numpy.mean(e**2), **near)
    assert rmse(x, x_hat) == pytest.approx(unit * numpy.sqrt(numpy.mean((e / unit) ** 2)), **near)
    if (a**2).any() and (e**2).any():  # squares of the smallest float64 are 0
        assert sqnr_db(x, x_hat) == pytest.approx(10 * numpy.log10((a**2).sum() / (e**2).sum()), rel=1e-9, abs=1e-9)
    if a.any() and b.any():
        a, b = a.flatten() / numpy.abs(a).max(), b.flatten() / numpy.abs(b).max()
        cosine = a @ b / (numpy.linalg.norm(a) * numpy.linalg.norm(b))
        assert cosine_similarity(x, x_hat) == pytest.approx(cosine, abs=1e-12)


@pytest.mark.parametrize(
    ("measure", "expected"),
    [
        (l1_error, 7.0),
        (l2_error, 5.0),
        (max_error, 4.0),
        (mse, 12.5),
        (rmse, 12.5**0.5),
        (sqnr_db, 10 * math.log10(65 / 25)),
        (cosine_similarity, 36 / math.sqrt(65 * 32)),
    ],
)
def test_each_measure_by_hand(measure, expected):
    assert measure(torch.tensor([1.0, 8.0]), torch.tensor([4.0, 4.0])) == pytest.approx(expected)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("measure", MEASURES)
def test_a_measure_is_a_float_computed_in_float64(measure, dtype):
    x = torch.tensor([60000.0, 1.0]).to(dtype).requires_grad_()  # squares overflow in float16
    value = measure(x, torch.tensor([1.0, 1.0], dtype=dtype))
    assert type(value) is float and math.isfinite(value)


@pytest.mark.parametrize("measure", MEASURES)
def test_a_measure_takes_two_dtypes_and_changes_neither_input(measure):
    x, x_hat = torch.tensor([[1.5, 2.0]]), torch.tensor([[1.0, 2.0]], dtype=torch.float16)
    measure(x, x_hat)
    assert x.tolist() == [[1.5, 2.0]] and x_hat.tolist() == [[1.0, 2.0]]


@pytest.mark.parametrize(("measure", "perfect"), [(m, 0.0) for m in MEASURES[:5]] + [(sqnr_db, math.inf)])
@pytest.mark.parametrize("x", [torch.tensor(0.0), torch.tensor([1.0, -2.0]), torch.ones(1, 2, 3, 4)])
def test_a_perfect_reconstruction(measure, perfect, x):
    assert measure(x, x) == perfect


@pytest.mark.parametrize(
    ("x", "x_hat", "decibels"),
    [
        ([0.0], [1.0], -math.inf),
        ([0.0], [0.0], math.inf),
        ([1.0], [math.inf], -math.inf),
        ([10.0], [9.0], 20.0),
        ([1e-150], [1e150], -6000.0),
    ],
)
def test_sqnr_at_its_ends(x, x_hat, decibels):
    x, x_hat = (torch.tensor(t, dtype=torch.float64) for t in (x, x_hat))
    assert sqnr_db(x, x_hat) == pytest.approx(decibels)


def test_cosine_cannot_see_scale():
    assert cosine_similarity(SEED, SEED * 2) == pytest.approx(1.0) == cosine_similarity(SEED, SEED * 1e-3)
    assert sqnr_db(SEED, SEED * 2) == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize(("x_hat", "cosine"), [([-2.0, 0.0], -1.0), ([0.0, 5.0], 0.0), ([3.0, 3.0], math.sqrt(0.5))])
def test_cosine_by_hand(x_hat, cosine):
    assert cosine_similarity(torch.tensor([1.0, 0.0]), torch.tensor(x_hat)) == pytest.approx(cosine)


@pytest.mark.parametrize(("x", "x_hat"), [([0.0], [1.0]), ([1.0], [0.0]), ([0.0], [0.0])])
def test_cosine_with_zeros_is_nan(x, x_hat):
    assert math.isnan(cosine_similarity(torch.tensor(x), torch.tensor(x_hat)))


@pytest.mark.parametrize("size", [1e-300, 1e-40, 1e300])
def test_cosine_neither_overflows_nor_underflows(size):
    x = torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64) * size
    assert cosine_similarity(x, x) == pytest.approx(1.0)


@pytest.mark.parametrize("measure", MEASURES)
def test_nan_is_passed_on_and_never_hidden(measure):
    assert math.isnan(measure(torch.tensor([1.0, 2.0]), torch.tensor([math.nan, 2.0])))


ONE, TWO = torch.ones(1), torch.ones(2)
SHAPES = "x and x_hat must have one shape, got (2,) and (1,); compare a tensor with its own reconstruction"
EMPTY = "an error measure needs at least one value, got an empty tensor; pass a tensor with values"
FLOATING = "x must hold floating-point numbers, got torch.int8; convert it: x.float()"


@errors(
    *((SHAPES, lambda m=m: m(TWO, ONE)) for m in MEASURES),
    *((EMPTY, lambda m=m: m(torch.ones(0), torch.ones(0))) for m in MEASURES),
    *((FLOATING, lambda m=m: m(ONE, ONE.char())) for m in MEASURES),
    *(("x must be a torch tensor, got float; wrap it: torch.tensor(x)", lambda m=m: m(1.0, ONE)) for m in MEASURES),
    (FLOATING, lambda: split_error(ONE.char(), 1.0, 0)),
    (
        "scale must be finite and positive, got 0.0; choose_qparams gives one that covers x",
        lambda: split_error(ONE, 0.0, 0),
    ),
    (
        "scale must be a number or a tensor, got str; use 0.5 or torch.tensor([[0.5]])",
        lambda: split_error(ONE, "1", 0),
    ),
    (
        "x must not hold NaN, which has no code, got NaN; remove it: torch.nan_to_num(x)",
        lambda: split_error(ONE * math.nan, 1.0, 0),
    ),
)
def test_what_cannot_be_measured_is_told_in_full(text, call):
    assert message(call) == text


# --- theory


@pytest.mark.parametrize("bits", [4, 6, 8])
@pytest.mark.parametrize(("options", "lost"), [({}, 1), ({"symmetric": True, "narrow": True}, 2)])
def test_uniform_input_gains_six_decibels_a_bit(bits, options, lost):
    x = torch.linspace(-1.0, 1.0, 200_001, dtype=torch.float64)
    sqnr = sqnr_db(x, fake_quantize(x, *choose_qparams(x, bits, **options)))
    assert sqnr == pytest.approx(20 * math.log10(2**bits - lost), abs=0.02)


@pytest.mark.parametrize("bits", [8, 10, 12])
def test_a_full_scale_sine_has_1_76_decibels_more_than_six_a_bit(bits):
    x = torch.sin(torch.arange(200_000).double() * 2 * math.pi / 200_000)
    assert sqnr_db(x, fake_quantize(x, *choose_qparams(x, bits))) == pytest.approx(6.02 * bits + 1.76, abs=0.2)


def test_the_rounding_error_of_a_fine_step_is_a_twelfth_of_its_square():
    x = normal()
    assert mse(x, fake_quantize(x, 0.05, 0)) == pytest.approx(0.05**2 / 12, rel=1e-3)


@pytest.mark.parametrize(("narrow", "step", "error"), [(False, 0.33861, 0.011864), (True, 0.35341, 0.012889)])
def test_the_best_four_bit_step_for_a_normal_distribution(narrow, step, error):
    x = normal()
    smaller, best, larger = (
        mse(x, fake_quantize(x, s, 0, *grid(4, narrow=narrow))) for s in (step - 0.01, step, step + 0.01)
    )
    assert best == pytest.approx(error, rel=1e-3) and smaller > best < larger


# --- of networks that answer with probabilities


def scores(seed=0, *, symbols=7, shape=(3, 5)):
    generator = torch.Generator().manual_seed(seed)
    logits = 4 * torch.randn(*shape, symbols, generator=generator)
    return logits, torch.randint(symbols, shape, generator=generator)


@given(seed=st.integers(0, 999), symbols=st.integers(1, 70))
def test_bits_are_the_cross_entropy_of_torch(seed, symbols):
    logits, targets = scores(seed, symbols=symbols)
    nats = torch.nn.functional.cross_entropy(logits.double().flatten(0, 1), targets.flatten())
    assert bits_per_symbol(logits, targets) == pytest.approx(nats.item() / math.log(2), abs=1e-12)


@given(seed=st.integers(0, 999), symbols=st.integers(1, 70))
def test_the_divergence_is_that_of_torch(seed, symbols):
    p, p_hat = (scores(s, symbols=symbols)[0].double().log_softmax(-1).flatten(0, 1) for s in (seed, seed + 1))
    nats = torch.nn.functional.kl_div(p_hat, p, reduction="batchmean", log_target=True)
    assert divergence_bits(p, p_hat) == pytest.approx(nats.item() / math.log(2), abs=1e-12)
    assert divergence_bits(p, p_hat) >= 0 or symbols == 1


@pytest.mark.parametrize(
    ("logits", "targets", "bits"),
    [
        ([[0.0, 0.0]], [0], 1.0),
        ([[0.0, 0.0], [0.0, 0.0]], [0, 1], 1.0),
        ([[1.0, 0.0]], [1], math.log2(1 + math.e)),
        ([[4.0, 0.0], [0.0, 0.0]], [0, 0], 0.5131),
        ([[900.0, 0.0]], [0], 0.0),
        ([[900.0, 0.0]], [1], 900 / math.log(2)),
        ([[0.0, -math.inf]], [0], 0.0),
        ([[0.0, -math.inf]], [1], math.inf),
    ],
)
def test_bits_of_small_cases(logits, targets, bits):
    assert bits_per_symbol(torch.tensor(logits), torch.tensor(targets)) == pytest.approx(bits, abs=1e-4)


def test_who_knows_nothing_takes_the_logarithm_of_the_symbols():
    assert bits_per_symbol(torch.zeros(3, 5, 64), torch.zeros(3, 5).long()) == pytest.approx(6)


def test_what_the_divergence_costs_is_what_bits_of_the_wrong_network_take_more():
    logits, _ = scores(shape=(1,))
    p = logits.double().softmax(-1)[0]

    def expected(its):
        return sum(p[k].item() * bits_per_symbol(its, torch.tensor([k])) for k in range(7))

    other = scores(1, shape=(1,))[0]
    assert divergence_bits(logits, other) == pytest.approx(expected(other) - expected(logits), abs=1e-9)


def test_a_number_for_each_place_changes_nothing():
    logits, targets = scores()
    moved = logits.double() + torch.arange(15.0).reshape(3, 5, 1)
    assert divergence_bits(logits.double(), moved) == pytest.approx(0, abs=1e-12)
    assert bits_per_symbol(moved, targets) == pytest.approx(bits_per_symbol(logits, targets))


def test_a_factor_is_seen_by_both_though_the_answers_stay():
    logits, targets = scores(2)
    assert torch.equal(logits.argmax(-1), (3 * logits).argmax(-1))
    assert divergence_bits(logits, 3 * logits) > 0.1
    assert bits_per_symbol(3 * logits, targets) != pytest.approx(bits_per_symbol(logits, targets), rel=0.1)


def test_what_cannot_come_costs_nothing():
    never, rarely = torch.tensor([[0.0, -math.inf]]), torch.tensor([[0.0, 0.0]])
    assert divergence_bits(never, rarely) == 1.0 and divergence_bits(never, never) == 0.0
    assert divergence_bits(rarely, never) == math.inf


def test_nan_is_not_hidden():
    nan = torch.tensor([[0.0, math.nan]])
    assert math.isnan(bits_per_symbol(nan, torch.tensor([0])))
    assert math.isnan(divergence_bits(nan, torch.zeros(1, 2))) and math.isnan(divergence_bits(torch.zeros(1, 2), nan))


@pytest.mark.parametrize("dtype", [*DTYPES, torch.float8_e4m3fn])
@pytest.mark.parametrize("kind", [torch.uint8, torch.int16, torch.int64])
def test_logits_and_targets_of_every_dtype(dtype, kind):
    logits, targets = scores()
    logits = logits.to(dtype).requires_grad_(dtype != torch.float8_e4m3fn)
    assert bits_per_symbol(logits, targets.to(kind)) == bits_per_symbol(logits.detach().double(), targets)
    assert divergence_bits(logits, logits) == 0.0


LOGITS, TARGETS = scores()


@errors(
    ("targets must be integers of shape (3, 5), got torch.int64 of shape (5,); pass one for each place",
     lambda: bits_per_symbol(LOGITS, TARGETS[0])),
    ("targets must be integers of shape (3, 5), got torch.float32 of shape (3, 5); pass one for each place",
     lambda: bits_per_symbol(LOGITS, TARGETS.float())),
    ("targets must be integers of shape (3, 5), got torch.bool of shape (3, 5); pass one for each place",
     lambda: bits_per_symbol(LOGITS, TARGETS > 0)),
    ("targets must be integers of shape (3, 5), got list; pass one for each place",
     lambda: bits_per_symbol(LOGITS, [0])),
    ("targets must be from 0 to 6, got 7 to 7; pass places along the last axis",
     lambda: bits_per_symbol(LOGITS, torch.full((3, 5), 7))),
    ("targets must be from 0 to 6, got -1 to -1; pass places along the last axis",
     lambda: bits_per_symbol(LOGITS, torch.full((3, 5), -1))),
    ("logits need a last axis of symbols, and at least one place, got shape (0, 7); pass logits (..., k)",
     lambda: bits_per_symbol(LOGITS[0, :0], TARGETS[0, :0])),
    ("logits need a last axis of symbols, and at least one place, got shape (); pass logits (..., k)",
     lambda: divergence_bits(LOGITS[0, 0, 0], LOGITS[0, 0, 0])),
    ("x must hold floating-point numbers, got torch.int64; convert it: x.float()",
     lambda: bits_per_symbol(LOGITS.long(), TARGETS)),
    ("x and x_hat must have one shape, got (3, 5, 7) and (5, 7); compare a tensor with its own reconstruction",
     lambda: divergence_bits(LOGITS, LOGITS[0])),
)  # fmt: skip
def test_a_mistake_with_logits_is_told_in_three_parts(text, call):
    assert message(call) == text
