"""What goes wrong with outliers: columns that are marked wrongly, factors the wrong way round, and half a mixture."""

import math

import torch
from torch import Tensor

from quantlib.lab.misconception import Known
from quantlib.networks import hadamard

known = Known()


# --- outlier_columns: f(x, threshold), True for each column that holds an |x| above the threshold


def marked(x: Tensor, threshold: float) -> Tensor:
    """Return for each column whether it holds a value whose size is above a threshold."""
    return (x.abs() > threshold).any(0)


_COLUMN = "A row is a token, a column a channel: (x.abs() > threshold).any(0) goes down each column."
_SIZE = "Take x.abs() first: -7 is as large as 7."


@known("outlier_columns", "rows, not columns", _COLUMN)
def marks_the_rows(x: Tensor, threshold: float) -> Tensor:
    """Along axis 1 it is the tokens that are marked."""
    return (x.abs() > threshold).any(1)


@known("outlier_columns", "the places of the columns", "Return one True or False for each column.", convention=True)
def lists_the_places(x: Tensor, threshold: float) -> Tensor:
    """The places say the same; here a mask is asked for, because ~mask then gives the other columns."""
    return marked(x, threshold).nonzero().flatten()


@known("outlier_columns", "an answer for each value", "End with .any(0): it makes one answer of each column.")
def marks_the_values(x: Tensor, threshold: float) -> Tensor:
    """A single value cannot be taken out of a matrix product: its whole column can."""
    return x.abs() > threshold


@known("outlier_columns", "one answer for all columns", _COLUMN)
def marks_all_or_none(x: Tensor, threshold: float) -> Tensor:
    """any() without an axis asks whether there is an outlier at all."""
    return marked(x, threshold).any()


@known("outlier_columns", "the columns without outliers", "True stands for a column that holds an outlier.")
def marks_the_others(x: Tensor, threshold: float) -> Tensor:
    """True and False are swapped."""
    return ~marked(x, threshold)


@known("outlier_columns", "the threshold counts standard deviations", "Compare with the threshold itself.")
def counts_deviations(x: Tensor, threshold: float) -> Tensor:
    """Here the threshold is in the units of x."""
    return marked(x, threshold * x.std().item())


@known("outlier_columns", "x, not its size", _SIZE)
def forgets_the_sign_of_outliers(x: Tensor, threshold: float) -> Tensor:
    """A large negative value stretches the ruler as much as a positive one."""
    return (x > threshold).any(0)


@known("outlier_columns", "at the threshold too", "Use >, not >=: above the threshold.")
def marks_the_threshold(x: Tensor, threshold: float) -> Tensor:
    """A column whose largest size is the threshold itself is marked."""
    return (x.abs() >= threshold).any(0)


@known("outlier_columns", "only columns that are large throughout", "One large value is enough: any, not all.")
def wants_all_tokens(x: Tensor, threshold: float) -> Tensor:
    """A column is marked only if each token exceeds the threshold; but one token sets the scale."""
    return (x.abs() > threshold).all(0)


@known("outlier_columns", "the mean of a column", "One large value is enough: compare the largest size, or use any.")
def compares_the_mean(x: Tensor, threshold: float) -> Tensor:
    """One large value among many small ones leaves the mean small, and still sets the scale."""
    return x.abs().mean(0) > threshold


@known("outlier_columns", "the sum of a column", "Compare each value, then .any(0).")
def compares_the_sum(x: Tensor, threshold: float) -> Tensor:
    """In a sum, 7 and -7 cancel, and many small values are large."""
    return x.sum(0).abs() > threshold


@known("outlier_columns", "how many, not whether", "Use .any(0), not .sum(0).")
def counts_the_outliers(x: Tensor, threshold: float) -> Tensor:
    """The number of outliers of each column is not asked for."""
    return (x.abs() > threshold).sum(0)


# --- smooth: f(x, w, alpha), the factor of each column


def sizes(x: Tensor) -> Tensor:
    """Return the largest size in each column."""
    return x.abs().amax(0)


def factors(x: Tensor, w: Tensor, alpha: float) -> Tensor:
    """Return for each column the factor that x is divided by and w is multiplied by."""
    return sizes(x) ** alpha / sizes(w) ** (1 - alpha)


_FORMULA = "The factors are x.abs().amax(0) ** alpha / w.abs().amax(0) ** (1 - alpha)."


@known("smooth", "upside down", "x is divided by s, so the sizes of x stand above the line.")
def turns_the_factors(x: Tensor, w: Tensor, alpha: float) -> Tensor:
    """With 1/s the large columns of x become larger still."""
    return 1 / factors(x, w, alpha)


@known("smooth", "multiplied, not divided", _FORMULA)
def multiplies_the_sizes(x: Tensor, w: Tensor, alpha: float) -> Tensor:
    """A column in which w is large already gets a larger factor."""
    return sizes(x) ** alpha * sizes(w) ** (1 - alpha)


@known("smooth", "the weights are not looked at", _FORMULA)
def forgets_the_weights_of_columns(x: Tensor, w: Tensor, alpha: float) -> Tensor:
    """How much a column of w can still take is left out."""
    return sizes(x) ** alpha


@known("smooth", "the exponents are swapped", _FORMULA)
def swaps_the_exponents(x: Tensor, w: Tensor, alpha: float) -> Tensor:
    """alpha belongs to x: with alpha = 1 the columns of x become equal."""
    return factors(x, w, 1 - alpha)


@known("smooth", "alpha is not used", _FORMULA)
def always_halves(x: Tensor, w: Tensor, alpha: float) -> Tensor:
    """The square root of the quotient is the case alpha = 0.5."""
    return factors(x, w, 0.5)


@known("smooth", "alpha for both", "The exponent of w is 1 - alpha.")
def raises_both_to_alpha(x: Tensor, w: Tensor, alpha: float) -> Tensor:
    """Both sizes have the exponent alpha."""
    return (sizes(x) / sizes(w)) ** alpha


@known("smooth", "w without exponent", "The exponent of w is 1 - alpha.")
def forgets_the_exponent_of_w(x: Tensor, w: Tensor, alpha: float) -> Tensor:
    """The sizes of w are divided by as they are."""
    return sizes(x) ** alpha / sizes(w)


@known("smooth", "the largest value, not the largest size", "Take .abs() before .amax(0), for x and for w.")
def forgets_the_signs(x: Tensor, w: Tensor, alpha: float) -> Tensor:
    """The largest value of a column may be small or negative, and a root of a negative number is NaN."""
    return x.amax(0) ** alpha / w.amax(0) ** (1 - alpha)


@known("smooth", "the mean size, not the largest", "Take .amax(0), not .mean(0): the largest sets the scale.")
def averages_the_sizes(x: Tensor, w: Tensor, alpha: float) -> Tensor:
    """The mean size of a column does not say how far a ruler must reach."""
    return x.abs().mean(0) ** alpha / w.abs().mean(0) ** (1 - alpha)


@known("smooth", "the mean size of x, not the largest", "Take .amax(0), not .mean(0): the largest sets the scale.")
def averages_the_sizes_of_x(x: Tensor, w: Tensor, alpha: float) -> Tensor:
    """The mean size of a column does not say how far a ruler must reach."""
    return x.abs().mean(0) ** alpha / sizes(w) ** (1 - alpha)


@known("smooth", "one number for all columns of w", "Each column has its own size: w.abs().amax(0).")
def shares_the_size_of_w(x: Tensor, w: Tensor, alpha: float) -> Tensor:
    """The largest weight of all says nothing of the other columns."""
    return sizes(x) ** alpha / w.abs().max() ** (1 - alpha)


@known("smooth", "one number for all columns of x", "Each column has its own size: x.abs().amax(0).")
def shares_the_size_of_x(x: Tensor, w: Tensor, alpha: float) -> Tensor:
    """The largest input of all is that of one column."""
    return x.abs().max() ** alpha / sizes(w) ** (1 - alpha)


@known("smooth", "the rows of w", "Column j of x meets column j of w: take .amax(0) of both.")
def takes_the_rows_of_w(x: Tensor, w: Tensor, alpha: float) -> Tensor:
    """A row of w is an output; the input channels are its columns."""
    return sizes(x) ** alpha / w.abs().amax(1) ** (1 - alpha)


@known("smooth", "the rows of x", "Column j of x meets column j of w: take .amax(0) of both.")
def takes_the_rows_of_x(x: Tensor, w: Tensor, alpha: float) -> Tensor:
    """A row of x is a token; the channels are its columns."""
    return x.abs().amax(1) ** alpha / sizes(w) ** (1 - alpha)


# --- hadamard: f(n), entries 1/sqrt(n) and -1/sqrt(n), and columns that are at right angles


def doubled(n: int, block: Tensor) -> Tensor:
    """Return block after block: what a recursion with these four signs makes of [1]."""
    signs = torch.ones(1, 1)
    while len(signs) < n:
        signs = torch.kron(block, signs)
    return signs


_PLUS_MINUS = torch.tensor([[1.0, 1.0], [1.0, -1.0]])
_RECURSION = "H(2n) = [[H, H], [H, -H]] / sqrt(2), and H(1) = [[1]]."


@known("hadamard", "not divided", "Divide by sqrt(2) at each step, or by sqrt(n) at the end.")
def leaves_the_signs(n: int) -> Tensor:
    """All signs are right, but each value becomes sqrt(n) times too large."""
    return doubled(n, _PLUS_MINUS)


@known("hadamard", "not divided", "Divide by sqrt(2) at each step, or by sqrt(n) at the end.")
def leaves_integers(n: int) -> Tensor:
    """All signs are right, but each value becomes sqrt(n) times too large."""
    return doubled(n, _PLUS_MINUS).long()


@known("hadamard", "divided by n", "Divide by sqrt(2) at each step, not by 2.")
def divides_by_n(n: int) -> Tensor:
    """H @ H.T must be the identity; here each step loses a factor of sqrt(2)."""
    return doubled(n, _PLUS_MINUS) / n


@known("hadamard", "divided once only", "Divide at each step of the recursion.")
def divides_once(n: int) -> Tensor:
    """For n = 4 there are two steps, and each needs its sqrt(2)."""
    return doubled(n, _PLUS_MINUS) / (math.sqrt(2) if n > 1 else 1)


@known("hadamard", "no minus", _RECURSION)
def adds_everything(n: int) -> Tensor:
    """All columns are the same: they add up, and what was mixed cannot be taken apart again."""
    return torch.ones(n, n) / math.sqrt(n)


@known("hadamard", "a minus for a whole row", "Only the lower right block has the minus.")
def negates_a_row(n: int) -> Tensor:
    """The lower half is the upper one with its sign changed, so the columns are not at right angles."""
    return doubled(n, torch.tensor([[1.0, 1.0], [-1.0, -1.0]])) / math.sqrt(n)


@known("hadamard", "nothing is mixed", _RECURSION)
def mixes_nothing(n: int) -> Tensor:
    """The identity leaves each value where it is."""
    return torch.eye(n)


@known("hadamard", "only pairs are mixed", _RECURSION)
def mixes_pairs(n: int) -> Tensor:
    """The blocks beside the diagonal are zeros: each column sees one other."""
    return torch.kron(torch.eye(max(n // 2, 1)), _PLUS_MINUS / math.sqrt(2)) if n > 1 else torch.ones(1, 1)


@known("hadamard", "one step too many", "The result for n is made of that for n // 2; for n = 1 it is [[1]].")
def doubles_once_more(n: int) -> Tensor:
    """The matrix has 2n rows and columns."""
    return hadamard(2 * n)
