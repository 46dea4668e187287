"""What goes wrong with a chosen range: quantizing up to alpha, percentiles, and the search for the best alpha."""

from math import ceil, floor

import torch
from torch import Tensor

from quantlib.lab.misconception import Known

known = Known()


def _largest(bits: int) -> int:
    return int(2 ** (bits - 1) - 1)


def _rounded(x: Tensor, step: float, low: float, high: float) -> Tensor:
    return step * torch.round(x / step).clamp(low, high)


# --- fake_quantize: f(x, alpha, bits), x on the narrow symmetric grid up to alpha

_STEP = "From 0.0 to alpha there are 2 ** (bits - 1) - 1 steps."
_CLAMP = "Clamp the codes to [-(2 ** (bits - 1) - 1), 2 ** (bits - 1) - 1]."
_REACH = "s = alpha / largest code; then round(x / s), clamp to plus and minus the largest code, and times s."


@known("fake_quantize", "no clamp", _CLAMP)
def never_clips(x: Tensor, alpha: float, bits: int) -> Tensor:
    """Then the levels go on beyond alpha: they are as fine as wished, but far more than there are codes."""
    step = alpha / _largest(bits)
    return step * torch.round(x / step)


@known("fake_quantize", "the clamp has only an upper end", _CLAMP)
def clamps_above_only(x: Tensor, alpha: float, bits: int) -> Tensor:
    """Negative values below -alpha need codes that there are not."""
    step, top = alpha / _largest(bits), _largest(bits)
    return step * torch.round(x / step).clamp(max=top)


@known(
    "fake_quantize",
    "the full grid",
    "Leave out the lowest code: the grid is as long below 0 as above.",
    convention=True,
)
def full_grid(x: Tensor, alpha: float, bits: int) -> Tensor:
    """That grid has one more code at its lower end, which lies beyond -alpha."""
    return _rounded(x, alpha / _largest(bits), -_largest(bits) - 1, _largest(bits))


@known("fake_quantize", "codes are returned", "Multiply the clamped codes by s.")
def returns_codes(x: Tensor, alpha: float, bits: int) -> Tensor:
    """The codes are integers; the real numbers that they stand for are s times as large."""
    return _rounded(x, alpha / _largest(bits), -_largest(bits), _largest(bits)) * _largest(bits) / alpha


@known("fake_quantize", "clipping without rounding", _REACH)
def clips_only(x: Tensor, alpha: float, bits: int) -> Tensor:
    """A clamp moves what is beyond alpha, but it leaves all other values where they are, between the levels."""
    return x.clamp(-alpha, alpha)


@known("fake_quantize", "2^(bits-1) steps up to alpha", _STEP)
def one_step_too_many(x: Tensor, alpha: float, bits: int) -> Tensor:
    """Then the code 2^(bits-1) would stand for alpha, but there is none: the last level lies one step below."""
    return _rounded(x, alpha / 2 ** (bits - 1), -_largest(bits), _largest(bits))


@known("fake_quantize", "2^bits steps up to alpha", _STEP)
def steps_of_all_codes(x: Tensor, alpha: float, bits: int) -> Tensor:
    """Half of the codes are for negative values, so the levels reach only half as far as alpha."""
    return _rounded(x, alpha / 2**bits, -_largest(bits), _largest(bits))


@known("fake_quantize", "2^bits - 1 steps from -alpha to alpha", _STEP, convention=True)
def half_steps_at_the_ends(x: Tensor, alpha: float, bits: int) -> Tensor:
    """That counts the steps between all 2^bits codes, and with 0.0 on a level none of them stands for alpha."""
    return _rounded(x, 2 * alpha / (2**bits - 1), -_largest(bits), _largest(bits))


@known("fake_quantize", "2^bits - 1 steps from -alpha to alpha", _STEP, convention=True)
def half_steps_on_the_full_grid(x: Tensor, alpha: float, bits: int) -> Tensor:
    """That counts the steps between all 2^bits codes, and with 0.0 on a level none of them stands for alpha."""
    return _rounded(x, 2 * alpha / (2**bits - 1), -_largest(bits) - 1, _largest(bits))


@known("fake_quantize", "max|x| in place of alpha", "The last level is alpha, however large the values are.")
def covers_everything(x: Tensor, alpha: float, bits: int) -> Tensor:
    """That is min-max: nothing clips, and alpha is not used."""
    largest = x.abs().max().item()
    return _rounded(x, largest / _largest(bits), -_largest(bits), _largest(bits)) if largest else x.clone()


@known("fake_quantize", "codes are clamped to alpha", _CLAMP)
def clamps_codes_to_alpha(x: Tensor, alpha: float, bits: int) -> Tensor:
    """alpha is in the units of x; in codes the end of the grid is 2^(bits-1) - 1."""
    return _rounded(x, alpha / _largest(bits), -alpha, alpha)


@known("fake_quantize", "what clips becomes 0", "torch.clamp moves a value to the end that it crossed.")
def drops_what_clips(x: Tensor, alpha: float, bits: int) -> Tensor:
    """A clipped value comes back as the last level on its side, not as 0.0."""
    step, top = alpha / _largest(bits), _largest(bits)
    codes = torch.round(x / step)
    return step * torch.where(codes.abs() > top, 0.0, codes)


@known("fake_quantize", "truncation instead of rounding", "Call torch.round before you clamp.")
def truncates_to_alpha(x: Tensor, alpha: float, bits: int) -> Tensor:
    """A cast drops what stands behind the decimal point: 0.6 steps become 0, not 1."""
    step, top = alpha / _largest(bits), _largest(bits)
    return step * torch.trunc(x / step).clamp(-top, top)


@known("fake_quantize", "floor instead of rounding", "Call torch.round before you clamp.")
def goes_down_to_alpha(x: Tensor, alpha: float, bits: int) -> Tensor:
    """floor always goes down: 0.6 steps become 0, not 1."""
    step, top = alpha / _largest(bits), _largest(bits)
    return step * torch.floor(x / step).clamp(-top, top)


@known("fake_quantize", "always 8 bits", "Use the argument bits.")
def reach_of_eight_bits(x: Tensor, alpha: float, bits: int) -> Tensor:
    """127 is the largest code of 8 bits only."""
    return _rounded(x, alpha / 127, -127, 127)


# --- percentile: f(x, percent), the smallest |x| that so many percent of all |x| do not exceed

_RANK = "Sort |x|, and take the value at position ceil(percent / 100 * n), counted from 1."


def _sorted(x: Tensor) -> Tensor:
    return x.abs().flatten().double().sort().values


def _place(x: Tensor, percent: float) -> float:
    return round(percent * x.numel() / 100, 9)  # 99.9 percent of 1000 is 999, whatever the floats say


def _at(values: Tensor, index: int) -> float:
    return float(values[min(max(index, 0), len(values) - 1)])


@known("percentile", "x for |x|", "Take the sizes first: x.abs().")
def percentile_of_x(x: Tensor, percent: float) -> float:
    """A symmetric range must reach as far below 0 as above, so it is the sizes that count."""
    return _at(x.flatten().double().sort().values, ceil(_place(x, percent)) - 1)


@known("percentile", "one place too far", _RANK)
def percentile_from_zero(x: Tensor, percent: float) -> float:
    """Python counts places from 0, so the k-th smallest value has the index k - 1."""
    return _at(_sorted(x), ceil(_place(x, percent)))


@known("percentile", "the place is rounded down", _RANK)
def one_place_too_near(x: Tensor, percent: float) -> float:
    """Then fewer values than asked for lie inside, unless percent of n is a whole number."""
    return _at(_sorted(x), floor(_place(x, percent)) - 1)


@known("percentile", "the place is rounded down", _RANK)
def one_place_too_near_from_the_end(x: Tensor, percent: float) -> float:
    """Then fewer values than asked for lie inside, unless percent of n is a whole number."""
    return float(_sorted(x)[floor(_place(x, percent)) - 1])  # in Python the place -1 is the last


@known("percentile", "the place is rounded to the nearest", _RANK)
def nearest_place(x: Tensor, percent: float) -> float:
    """Then fewer values than asked for can lie inside."""
    return float(_sorted(x)[round(_place(x, percent)) - 1])


@known("percentile", "the quantile counted in gaps", _RANK, convention=True)
def quantile_above(x: Tensor, percent: float) -> float:
    """torch.quantile counts the n - 1 gaps between the values, and not the n values."""
    return float(torch.quantile(_sorted(x), percent / 100, interpolation="higher"))


@known("percentile", "the quantile counted in gaps", _RANK, convention=True)
def quantile_below(x: Tensor, percent: float) -> float:
    """torch.quantile counts the n - 1 gaps between the values, and not the n values."""
    return float(torch.quantile(_sorted(x), percent / 100, interpolation="lower"))


@known("percentile", "a part of the largest value", _RANK)
def part_of_the_largest(x: Tensor, percent: float) -> float:
    """A percentile counts values; it does not ask how large the largest one is."""
    return _at(_sorted(x), x.numel()) * percent / 100


@known("percentile", "|x| is not sorted", _RANK)
def forgets_to_sort(x: Tensor, percent: float) -> float:
    """The value at that place is just any one, as long as the smallest do not come first."""
    return _at(x.abs().flatten().double(), ceil(_place(x, percent)) - 1)


@known("percentile", "counted from the largest", "Sort with the smallest first, as torch.sort does.")
def percentile_from_the_top(x: Tensor, percent: float) -> float:
    """Then all but percent of the values lie inside: 99 percent are left outside, and not 1."""
    return _at(_sorted(x).flip(0), ceil(_place(x, percent)) - 1)


@known("percentile", "the place for the value", "Return the value at that place.")
def returns_the_rank(x: Tensor, percent: float) -> float:
    """That is the number of values inside; alpha is the largest of them."""
    return float(ceil(_place(x, percent)))


@known("percentile", "always the largest", _RANK)
def always_min_max(x: Tensor, percent: float) -> float:
    """That is min-max, the percentile of 100 percent."""
    return _at(_sorted(x), x.numel())


@known("percentile", "interpolation between two values", _RANK, convention=True)
def interpolates(x: Tensor, percent: float) -> float:
    """torch.quantile and numpy.percentile return a number between two neighbours, which may be none of the values."""
    return float(torch.quantile(_sorted(x), percent / 100))


# --- best_alpha: f(x, bits, alphas), the alpha of the smallest mean squared error

_SEARCH = "For each alpha compute the mean of (x - x_hat)^2, and return the alpha with the smallest one."


def _errors(x: Tensor, bits: int, alphas: Tensor) -> list[Tensor]:
    top = _largest(bits)
    return [x.double() - _rounded(x.double(), alpha / top, -top, top) for alpha in alphas.tolist()]


def _best(costs: list[float], alphas: Tensor) -> float:
    return float(alphas[costs.index(min(costs))])


@known("best_alpha", "the place for the alpha", "alphas[place] is the alpha at that place.")
def returns_the_place(x: Tensor, bits: int, alphas: Tensor) -> float:
    """argmin gives the place of the smallest error among all, counted from 0."""
    costs = [error.square().mean().item() for error in _errors(x, bits, alphas)]
    return float(costs.index(min(costs)))


@known("best_alpha", "the error for the alpha", _SEARCH)
def returns_the_error(x: Tensor, bits: int, alphas: Tensor) -> float:
    """That is the smallest error itself, not the alpha that gives it."""
    return min(error.square().mean().item() for error in _errors(x, bits, alphas))


@known("best_alpha", "the largest error", "Look for the smallest.")
def worst_alpha(x: Tensor, bits: int, alphas: Tensor) -> float:
    """argmax and max find the worst alpha."""
    return _best([-error.square().mean().item() for error in _errors(x, bits, alphas)], alphas)


@known("best_alpha", "clipped values are not counted", "Count the error of every value, also of those that clip.")
def counts_round_only(x: Tensor, bits: int, alphas: Tensor) -> float:
    """Without the clip part the smallest alpha looks best, which clips nearly everything."""
    errors = zip(_errors(x, bits, alphas), alphas.tolist(), strict=True)
    edge = 1 + 0.5 / _largest(bits)
    return _best([torch.where(x.abs() > edge * alpha, 0.0, e).square().sum().item() for e, alpha in errors], alphas)


@known("best_alpha", "clipped values are not counted", "Count the error of every value, also of those that clip.")
def leaves_clipped_values_out(x: Tensor, bits: int, alphas: Tensor) -> float:
    """A mean over those that are left is small for a small alpha, for which nearly all are left out."""
    return _best(_means_of_the_rest(x, bits, alphas, 1 + 0.5 / _largest(bits)), alphas)


@known("best_alpha", "clipped values are not counted", "Count the error of every value, also of those that clip.")
def leaves_values_beyond_alpha_out(x: Tensor, bits: int, alphas: Tensor) -> float:
    """A mean over those that are left is small for a small alpha, for which nearly all are left out."""
    return _best(_means_of_the_rest(x, bits, alphas, 1.0), alphas)


@known("best_alpha", "clipped values are not counted", "Count the error of every value, also of those that clip.")
def counts_nothing_beyond_alpha(x: Tensor, bits: int, alphas: Tensor) -> float:
    """Without the clip part the smallest alpha looks best, which clips nearly everything."""
    errors = zip(_errors(x, bits, alphas), alphas.tolist(), strict=True)
    return _best([torch.where(x.abs() > alpha, 0.0, e).square().sum().item() for e, alpha in errors], alphas)


def _means_of_the_rest(x: Tensor, bits: int, alphas: Tensor, edge: float) -> list[float]:
    """Return for each alpha the mean squared error of the values up to edge times alpha, 0 if there are none."""
    errors = zip(_errors(x, bits, alphas), alphas.tolist(), strict=True)
    rest = [error[x.abs() <= edge * alpha] for error, alpha in errors]
    return [error.square().mean().item() if len(error) else 0.0 for error in rest]


@known("best_alpha", "rounded values are not counted", "Count the error of every value, also of those that round.")
def counts_clip_only(x: Tensor, bits: int, alphas: Tensor) -> float:
    """Without the round part the first alpha that clips nothing looks best."""
    errors = zip(_errors(x, bits, alphas), alphas.tolist(), strict=True)
    edge = 1 + 0.5 / _largest(bits)
    return _best([torch.where(x.abs() > edge * alpha, e, 0.0).square().sum().item() for e, alpha in errors], alphas)


@known("best_alpha", "errors are not squared", "Square the errors before you average them.")
def signed_errors(x: Tensor, bits: int, alphas: Tensor) -> float:
    """Positive and negative errors cancel in a mean, and then tell nothing."""
    return _best([error.mean().item() for error in _errors(x, bits, alphas)], alphas)


@known("best_alpha", "the mean is squared, not each error", "Square the errors before you average them.")
def square_of_the_mean(x: Tensor, bits: int, alphas: Tensor) -> float:
    """Positive and negative errors cancel in the mean, and then its square tells nothing."""
    return _best([error.mean().square().item() for error in _errors(x, bits, alphas)], alphas)


@known("best_alpha", "the variance of the errors", "Average the squares of the errors themselves.")
def least_variance(x: Tensor, bits: int, alphas: Tensor) -> float:
    """A variance leaves out the mean of the errors, so that shifting all values alike seems to cost nothing."""
    return _best([error.var().item() for error in _errors(x, bits, alphas)], alphas)


@known("best_alpha", "the largest single error", _SEARCH, convention=True)
def least_largest_error(x: Tensor, bits: int, alphas: Tensor) -> float:
    """That is the L-infinity norm, which only the worst value decides."""
    return _best([error.abs().max().item() for error in _errors(x, bits, alphas)], alphas)


@known("best_alpha", "the mean of the sizes", "Square the errors before you average them.", convention=True)
def least_mean_size(x: Tensor, bits: int, alphas: Tensor) -> float:
    """That is the L1 norm; it minds large errors less, so it clips more."""
    return _best([error.abs().mean().item() for error in _errors(x, bits, alphas)], alphas)


@known("best_alpha", "always the largest alpha", _SEARCH)
def largest_alpha(x: Tensor, bits: int, alphas: Tensor) -> float:
    """The widest range clips least, and has the coarsest steps."""
    return float(alphas.max())


@known("best_alpha", "always 8 bits", "Use the argument bits.")
def best_of_eight_bits(x: Tensor, bits: int, alphas: Tensor) -> float:
    """With more codes the best range is wider."""
    return _best([error.square().mean().item() for error in _errors(x, 8, alphas)], alphas)


@known("best_alpha", "the search never clips", "Clamp the codes: your function of section 1 does all of it.")
def searches_without_clip(x: Tensor, bits: int, alphas: Tensor) -> float:
    """Without the clamp a smaller alpha only means finer steps, so the smallest one seems best."""
    steps = [alpha / _largest(bits) for alpha in alphas.tolist()]
    return _best([(x.double() - s * (x.double() / s).round()).square().mean().item() for s in steps], alphas)
