"""What goes wrong with ranges of activations: what is watched, what is averaged, and who shares a scale."""

from collections.abc import Callable

import torch
from torch import Tensor

from quantlib.lab.misconception import Known

known = Known()
Range = tuple[float, float]


# --- running_range: f(batch, low, high), the range that covers all so far


def widened(batch: Tensor, low: float, high: float) -> Range:
    """Return the smallest range that holds low, high and all of a batch."""
    return min(low, batch.min().item()), max(high, batch.max().item())


_WIDEN = "Each end only moves outwards: min(low, batch.min().item()) and max(high, batch.max().item())."


@known("running_range", "the last batch alone", _WIDEN)
def forgets_what_was(batch: Tensor, low: float, high: float) -> Range:
    """The ends of the batch alone forget all the batches before it."""
    return batch.min().item(), batch.max().item()


@known("running_range", "the mean of old and new", _WIDEN)
def averages_the_ends(batch: Tensor, low: float, high: float) -> Range:
    """Half-way between the old end and that of the batch, the range covers neither for sure."""
    return (low + batch.min().item()) / 2, (high + batch.max().item()) / 2


@known("running_range", "min and max the wrong way round", _WIDEN)
def shrinks(batch: Tensor, low: float, high: float) -> Range:
    """The larger low end and the smaller high end leave what both ranges share: it can only shrink."""
    return max(low, batch.min().item()), min(high, batch.max().item())


@known("running_range", "a symmetric range", "Here each end is watched on its own.", convention=True)
def makes_it_symmetric(batch: Tensor, low: float, high: float) -> Range:
    """It reaches equally far to both sides, as a symmetric grid needs it; here the two ends are kept apart."""
    end = max(-low, high, batch.abs().max().item())
    return -end, end


@known("running_range", "the upper end comes first", "Return low, high in this order.")
def swaps_the_ends(batch: Tensor, low: float, high: float) -> Range:
    """The two numbers are right, but in the other order."""
    return widened(batch, low, high)[::-1]


@known("running_range", "only the upper end moves", _WIDEN)
def watches_the_upper_end(batch: Tensor, low: float, high: float) -> Range:
    """A batch can also reach below what was seen."""
    return low, max(high, batch.max().item())


@known("running_range", "only the lower end moves", _WIDEN)
def watches_the_lower_end(batch: Tensor, low: float, high: float) -> Range:
    """A batch can also reach above what was seen."""
    return min(low, batch.min().item()), high


@known("running_range", "the largest size for the upper end", "Take batch.max(), not batch.abs().max().")
def takes_the_size(batch: Tensor, low: float, high: float) -> Range:
    """A large negative value moves the lower end, not the upper one."""
    return min(low, batch.min().item()), max(high, batch.abs().max().item())


@known("running_range", "the mean of the batch", "Take batch.min() and batch.max().")
def takes_the_mean(batch: Tensor, low: float, high: float) -> Range:
    """The mean lies inside of the batch, so that about half of it is not covered."""
    return min(low, batch.mean().item()), max(high, batch.mean().item())


@known("running_range", "the place for the value", "batch.min() is the smallest value, batch.argmin() its place.")
def takes_the_place(batch: Tensor, low: float, high: float) -> Range:
    """argmin and argmax say where a value stands, not how large it is."""
    return min(low, batch.argmin().item()), max(high, batch.argmax().item())


@known("running_range", "the ends are added", _WIDEN)
def adds_the_ends(batch: Tensor, low: float, high: float) -> Range:
    """Two ends do not add up: the farther one is the end of both."""
    return low + min(batch.min().item(), 0.0), high + max(batch.max().item(), 0.0)


@known("running_range", "only the first row", "batch.min() and batch.max() look at all values, whatever the shape.")
def watches_the_first_row(batch: Tensor, low: float, high: float) -> Range:
    """The other rows of the batch are not looked at."""
    return widened(batch[0], low, high)


# --- moving_range: f(batch, low, high, rate), the ends moved a part of the way to those of the batch


def moved(batch: Tensor, low: float, high: float, rate: float) -> Range:
    """Return both ends, moved a part of the way to those of a batch."""
    return low + rate * (batch.min().item() - low), high + rate * (batch.max().item() - high)


_MOVE = "low + rate * (batch.min().item() - low), and the same for high."


@known("moving_range", "the rate belongs to the old range", _MOVE, convention=True)
def keeps_the_rate(batch: Tensor, low: float, high: float, rate: float) -> Range:
    """Jacob et al. and TensorFlow name the part that is kept, 0.99 for example; here the rate is what is new."""
    return moved(batch, low, high, 1 - rate)


@known("moving_range", "the widest range", _MOVE)
def widens(batch: Tensor, low: float, high: float, rate: float) -> Range:
    """Without the rate the range never comes back."""
    return widened(batch, low, high)


@known("moving_range", "the batch alone", _MOVE)
def follows_at_once(batch: Tensor, low: float, high: float, rate: float) -> Range:
    """The range goes all the way at once, as if the rate were 1."""
    return forgets_what_was(batch, low, high)


@known("moving_range", "the range never shrinks", "Both ends may also move inwards: no min and no max around them.")
def never_shrinks(batch: Tensor, low: float, high: float, rate: float) -> Range:
    """The ends move a part of the way, but only outwards."""
    its = moved(batch, low, high, rate)
    return min(low, its[0]), max(high, its[1])


@known("moving_range", "the new part is added", "What is added is rate times the difference: batch.min() - low.")
def adds_the_new(batch: Tensor, low: float, high: float, rate: float) -> Range:
    """If nothing of the old range goes, it grows with every batch."""
    return low + rate * batch.min().item(), high + rate * batch.max().item()


@known("moving_range", "moved the wrong way", "The difference is batch.min() - low, not low - batch.min().")
def moves_away(batch: Tensor, low: float, high: float, rate: float) -> Range:
    """The ends move away from those of the batch."""
    return moved(batch, low, high, -rate)


@known("moving_range", "the rate is not used", "Multiply the difference by rate.")
def goes_half_the_way(batch: Tensor, low: float, high: float, rate: float) -> Range:
    """The ends always go half of the way."""
    return moved(batch, low, high, 0.5)


@known("moving_range", "only the upper end moves", _MOVE)
def moves_the_upper_end(batch: Tensor, low: float, high: float, rate: float) -> Range:
    """The lower end moves in the same way."""
    return low, moved(batch, low, high, rate)[1]


@known("moving_range", "the upper end comes first", "Return low, high in this order.")
def swaps_the_moved(batch: Tensor, low: float, high: float, rate: float) -> Range:
    """The two numbers are right, but in the other order."""
    return moved(batch, low, high, rate)[::-1]


@known("moving_range", "0.0 is kept in the range", "Leave that to who makes a grid of the range.", convention=True)
def keeps_zero(batch: Tensor, low: float, high: float, rate: float) -> Range:
    """A grid needs a range that holds 0.0, and choose_qparams sees to it; a moving end may stand anywhere."""
    its = moved(batch, low, high, rate)
    return min(0.0, its[0]), max(0.0, its[1])


@known("moving_range", "the mean of the batch", "Move towards batch.min() and batch.max().")
def moves_to_the_mean(batch: Tensor, low: float, high: float, rate: float) -> Range:
    """Both ends move to the middle of the batch, so that in the end the range is empty."""
    mean = batch.mean().item()
    return low + rate * (mean - low), high + rate * (mean - high)


# --- token_quantize: f(x, bits), each row of x on its own symmetric grid


def through(x: Tensor, s: Tensor, rounded: Callable[[Tensor], Tensor] = torch.round) -> Tensor:
    """Return x on a grid of steps s."""
    return s * rounded(x / s)


def sizes(x: Tensor) -> Tensor:
    """Return the largest |x| of each row; for a row of zeros a tiny one, so that it can divide."""
    return x.abs().amax(1, keepdim=True).clamp(min=1e-30)


def token_by_token(x: Tensor, bits: int) -> Tensor:
    """Return x with each row on its own symmetric grid, whose outermost code is the row's largest |x|."""
    return through(x, sizes(x) / (2 ** (bits - 1) - 1))


_ROW = "x.abs().amax(1, keepdim=True) has one number for each row, shape (rows, 1)."
_TOP = "The largest code is 2 ** (bits - 1) - 1."


@known("token_quantize", "one scale for all tokens", _ROW)
def shares_the_scale_of_all(x: Tensor, bits: int) -> Tensor:
    """The largest |x| of all sets the steps of every token."""
    return through(x, sizes(x).max() / (2 ** (bits - 1) - 1))


@known("token_quantize", "a scale for each column", _ROW)
def scales_the_columns(x: Tensor, bits: int) -> Tensor:
    """A column is a channel, and a token is a row."""
    return token_by_token(x.T, bits).T


@known("token_quantize", "the axis is lost", "Keep the axis: .amax(1, keepdim=True) has shape (rows, 1).")
def drops_the_axis_of_tokens(x: Tensor, bits: int) -> Tensor:
    """Without keepdim the sizes have shape (rows,), which torch takes for a row: one for each column."""
    return through(x, sizes(x).flatten() / (2 ** (bits - 1) - 1))


@known("token_quantize", "a token of zeros becomes NaN", "A scale must not be 0: .clamp(min=1e-30) before dividing.")
def divides_by_a_token_of_zeros(x: Tensor, bits: int) -> Tensor:
    """A token that is all zeros, such as padding, has the scale 0, and 0 / 0 is NaN."""
    return through(x, x.abs().amax(1, keepdim=True) / (2 ** (bits - 1) - 1))


@known("token_quantize", "the largest x, not the largest |x|", "Take x.abs() before the maximum.")
def forgets_the_sign_of_tokens(x: Tensor, bits: int) -> Tensor:
    """A token whose largest value is negative gets steps that are too small, and codes beyond the grid."""
    return through(x, x.amax(1, keepdim=True).clamp(min=1e-30) / (2 ** (bits - 1) - 1))


@known("token_quantize", "the largest x, not the largest |x|", "Take x.abs() before the maximum.")
def forgets_the_sign_of_tokens_and_clamps(x: Tensor, bits: int) -> Tensor:
    """A token whose largest value is negative gets steps that are too small, and is cut off."""
    top = 2 ** (bits - 1) - 1
    s = x.amax(1, keepdim=True).clamp(min=1e-30) / top
    return s * torch.round(x / s).clamp(-top, top)


@known("token_quantize", "2^(b−1) steps", _TOP)
def counts_one_code_too_many(x: Tensor, bits: int) -> Tensor:
    """The code 2^(b-1) does not exist: with 8 bits the largest is 127, not 128."""
    return through(x, sizes(x) / 2 ** (bits - 1))


@known("token_quantize", "2^b − 1 steps on one side", _TOP)
def forgets_the_other_side(x: Tensor, bits: int) -> Tensor:
    """Half of the codes are for negative values, so that only 2^(b-1) - 1 are left for positive ones."""
    return through(x, sizes(x) / (2**bits - 1))


@known("token_quantize", "2^b − 1 steps from −max|x| to max|x|", _TOP, convention=True)
def has_no_code_for_zero(x: Tensor, bits: int) -> Tensor:
    """The step is 2 max|x| / (2^b - 1), as 255 steps for 8 bits; then the outermost code is no integer."""
    return through(x, 2 * sizes(x) / (2**bits - 1))


@known("token_quantize", "always 8 bits", _TOP)
def ignores_the_bits(x: Tensor, bits: int) -> Tensor:
    """127 is the largest code of 8 bits only."""
    return token_by_token(x, 8)


@known("token_quantize", "truncated, not rounded", "Use torch.round.")
def truncates_the_tokens(x: Tensor, bits: int) -> Tensor:
    """Cutting off the fraction is off by up to a whole step."""
    return through(x, sizes(x) / (2 ** (bits - 1) - 1), torch.trunc)


@known("token_quantize", "codes, not what they stand for", "Multiply by the scale again.")
def returns_the_codes(x: Tensor, bits: int) -> Tensor:
    """The codes are right; what is asked for is x as it comes back."""
    return torch.round(x / (sizes(x) / (2 ** (bits - 1) - 1)))


@known("token_quantize", "the scale of the first token", _ROW)
def takes_the_first_scale(x: Tensor, bits: int) -> Tensor:
    """Every token has a largest |x| of its own."""
    return through(x, sizes(x)[:1] / (2 ** (bits - 1) - 1))
