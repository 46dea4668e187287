"""What goes wrong with rounding: ties, negative numbers, chance, and two weights that share an output."""

from collections.abc import Callable, Iterable

import torch
from torch import Tensor

from quantlib.lab.misconception import Known

known = Known()

# --- round_half_away: f(v), the nearest integer; of two equally near ones, the one farther from 0

_NEAREST = "First find v.trunc(), the integer on the side of 0. How far away is v?"
_TIES = "A tie goes away from 0: up if v is positive, down if v is negative."
_NO_SUM = "Do not add 0.5 to v. Compare v - v.trunc() with 0.5: that difference is exact."


@known("round_half_away", "half to even", "2.5 should become 3, and 3.5 should become 4.", convention=True)
def rounds_half_to_even(v: Tensor) -> Tensor:
    """torch.round takes a tie to the even integer: 2.5 becomes 2."""
    return v.round()


@known("round_half_away", "ties go up", _TIES)
def rounds_half_up(v: Tensor) -> Tensor:
    """Up is towards 0 for a negative number: -2.5 becomes -2."""
    return torch.floor(v + 0.5)


@known("round_half_away", "ties go up", _TIES)
def rounds_half_up_exactly(v: Tensor) -> Tensor:
    """Up is towards 0 for a negative number: -2.5 becomes -2."""
    return torch.where(v - v.floor() >= 0.5, v.ceil(), v.floor())


@known("round_half_away", "ties go down", _TIES)
def rounds_half_down(v: Tensor) -> Tensor:
    """Down is towards 0 for a positive number: 2.5 becomes 2."""
    return torch.ceil(v - 0.5)


@known("round_half_away", "ties go towards 0", "Compare with >=, so that a tie moves away from 0.")
def rounds_half_to_zero(v: Tensor) -> Tensor:
    """A tie should move away from 0, and here it moves towards it."""
    whole = v.trunc()
    return torch.where((v - whole).abs() > 0.5, whole + v.sign(), whole)


@known("round_half_away", "adding 0.5 rounds too", _NO_SUM)
def adds_half_to_the_size(v: Tensor) -> Tensor:
    """In float32 the sum 0.49999997 + 0.5 is rounded to 1.0."""
    return v.sign() * torch.floor(v.abs() + 0.5)


@known("round_half_away", "truncation instead of rounding", _NEAREST)
def cuts_the_fraction(v: Tensor) -> Tensor:
    """What stands behind the decimal point is dropped: 0.6 becomes 0, not 1."""
    return v.trunc()


@known("round_half_away", "floor instead of rounding", _NEAREST)
def goes_down(v: Tensor) -> Tensor:
    """Floor always goes down, so the error reaches a whole code, not half of one."""
    return v.floor()


@known("round_half_away", "ceil instead of rounding", _NEAREST)
def goes_up(v: Tensor) -> Tensor:
    """Ceil always goes up, so the error reaches a whole code, not half of one."""
    return v.ceil()


@known("round_half_away", "always away from 0", _NEAREST)
def goes_away(v: Tensor) -> Tensor:
    """Only a tie goes away from 0 in any case; 0.2 is nearer to 0 than to 1."""
    return v.sign() * v.abs().ceil()


@known("round_half_away", "the sign is lost", "Round the size, then give it the sign of v.")
def forgets_the_sign(v: Tensor) -> Tensor:
    """A negative number comes out positive."""
    whole = v.abs().trunc()
    return torch.where(v.abs() - whole >= 0.5, whole + 1, whole)


# --- stochastic_round: f(v, u), floor(v) + 1 where u < v - floor(v), else floor(v)

_FRACTION = "The fraction is v - v.floor(), from 0 up to but not including 1, for negative v too."
_UP = "Go up where u < fraction: u is below 0.3 in 30 % of all draws."


@known("stochastic_round", "up where u is large", _UP, convention=True)
def adds_and_floors(v: Tensor, u: Tensor) -> Tensor:
    """floor(v + u) is just as fair, but it goes up where u is at least 1 - fraction."""
    return torch.floor(v + u)


@known("stochastic_round", "the size is rounded, then the sign", _UP, convention=True)
def rounds_the_size(v: Tensor, u: Tensor) -> Tensor:
    """This is just as fair, but for negative v a small u then goes down."""
    size = v.abs()
    return v.sign() * (size.floor() + (u < size - size.floor()))


@known(
    "stochastic_round", "u is added, then the nearest", "Nothing is to be added: u decides between floor(v) and 1 more."
)
def adds_and_rounds(v: Tensor, u: Tensor) -> Tensor:
    """This is too large by half a code on average."""
    return torch.round(v + u)


@known("stochastic_round", "the probabilities are swapped", _UP)
def swaps_the_probabilities(v: Tensor, u: Tensor) -> Tensor:
    """2.9 then becomes 2 nine times out of ten."""
    low = v.floor()
    return low + (u > v - low)


@known("stochastic_round", "the probabilities are swapped", _UP)
def swaps_the_neighbours(v: Tensor, u: Tensor) -> Tensor:
    """2.9 then becomes 2 nine times out of ten."""
    low = v.floor()
    return torch.where(u < v - low, low, low + 1)


@known("stochastic_round", "the probabilities are swapped", _UP)
def swaps_floor_and_ceil(v: Tensor, u: Tensor) -> Tensor:
    """2.9 then becomes 2 nine times out of ten."""
    return torch.where(u < v - v.floor(), v.floor(), v.ceil())


@known("stochastic_round", "u compared with v, not with its fraction", _FRACTION)
def compares_with_v(v: Tensor, u: Tensor) -> Tensor:
    """u is from 0 to 1: every v from 1 on then goes up, and every v below 0 goes down."""
    return torch.where(u < v, v.ceil(), v.floor())


@known("stochastic_round", "u compared with v, not with its fraction", _FRACTION)
def adds_one_below_v(v: Tensor, u: Tensor) -> Tensor:
    """u is from 0 to 1: every v from 1 on then goes up, and every v below 0 goes down."""
    return v.floor() + (u < v)


@known("stochastic_round", "a fair coin", "Compare u with the fraction of v, not with 0.5.")
def tosses_a_coin(v: Tensor, u: Tensor) -> Tensor:
    """Then 2.1 goes up as often as 2.9, and the average is 2.5 for both."""
    return v.floor() + ((u < 0.5) & (v != v.floor()))


@known("stochastic_round", "a fair coin", "Compare u with the fraction of v, not with 0.5.")
def tosses_a_coin_for_integers_too(v: Tensor, u: Tensor) -> Tensor:
    """Then 2.1 goes up as often as 2.9, and the average is 2.5 for both."""
    return v.floor() + (u < 0.5)


@known("stochastic_round", "trunc where floor is meant", _FRACTION)
def counts_from_the_side_of_zero(v: Tensor, u: Tensor) -> Tensor:
    """For negative v, trunc is the upper neighbour, and v - trunc is negative: v never goes down."""
    whole = v.trunc()
    return whole + (u < v - whole)


@known("stochastic_round", "trunc where floor is meant", _FRACTION)
def goes_up_from_the_side_of_zero(v: Tensor, u: Tensor) -> Tensor:
    """For negative v, trunc is the upper neighbour, and one more is no neighbour of v at all."""
    whole = v.trunc()
    return whole + (u < (v - whole).abs())


@known("stochastic_round", "the fraction is counted from 0", _FRACTION)
def takes_the_signed_fraction(v: Tensor, u: Tensor) -> Tensor:
    """torch.frac(-0.25) is -0.25, but -0.25 lies 0.75 above its lower neighbour: a negative v never goes up."""
    return v.floor() + (u < v.frac())


@known("stochastic_round", "the fraction is counted from 0", _FRACTION)
def takes_the_size_of_the_fraction(v: Tensor, u: Tensor) -> Tensor:
    """torch.frac(-0.25) is -0.25, but -0.25 lies 0.75 above its lower neighbour: negative v goes up too seldom."""
    return v.floor() + (u < v.frac().abs())


@known(
    "stochastic_round", "u is not used", "u holds one number from 0 to 1 for each value: compare it with the fraction."
)
def rounds_to_nearest(v: Tensor, u: Tensor) -> Tensor:
    """Rounding to nearest makes the same error every time."""
    return v.round()


@known("stochastic_round", "u stays in the result", "The result is floor(v) or floor(v) + 1: nothing between them.")
def adds_u(v: Tensor, u: Tensor) -> Tensor:
    """A code is an integer, and u is a fraction."""
    return v + u


@known("stochastic_round", "u stays in the result", "The result is floor(v) or floor(v) + 1: nothing between them.")
def adds_u_to_floor(v: Tensor, u: Tensor) -> Tensor:
    """A code is an integer, and u is a fraction."""
    return v.floor() + u


@known("stochastic_round", "an integer can move", "Use < and not <=: u may be exactly 0, and an integer should stay.")
def moves_integers(v: Tensor, u: Tensor) -> Tensor:
    """The fraction of an integer is 0, and u <= 0 is true where u is 0."""
    low = v.floor()
    return low + (u <= v - low)


@known("stochastic_round", "0 and 1 for down and up", "Add v.floor() to the 0 or 1.")
def returns_the_steps(v: Tensor, u: Tensor) -> Tensor:
    """This says whether to go up, and not whereto."""
    return (u < v - v.floor()).to(v.dtype)


# --- best_rounding: f(w, x), two integers next to two weights, with the smallest error of the output

_ALL = "Try all four pairs. For each, the error of the output is x @ (q - w): one number for each row of x."
_SQUARES = "Square the errors of all rows of x, and add the squares."


def _pairs(w: Tensor) -> list[Tensor]:
    """Return down-down, down-up, up-down and up-up."""
    return [w.floor() + torch.tensor(up, dtype=w.dtype) for up in ((0, 0), (0, 1), (1, 0), (1, 1))]


def _least(pairs: Iterable[Tensor], loss: Callable[[Tensor], Tensor]) -> Tensor:
    return min(pairs, key=lambda q: loss(q).item())


@known("best_rounding", "each weight to its nearest", _ALL)
def rounds_each_weight(w: Tensor, x: Tensor) -> Tensor:
    """This makes the errors of the weights smallest, but the output adds them up, and there they can cancel."""
    return w.round()


@known("best_rounding", "the errors are added, not squared", _SQUARES)
def adds_the_errors(w: Tensor, x: Tensor) -> Tensor:
    """Then a large positive error and a large negative one look like none."""
    return _least(_pairs(w), lambda q: (x @ (q - w)).sum().abs())


@known("best_rounding", "the sizes are added, not the squares", _SQUARES)
def adds_the_sizes(w: Tensor, x: Tensor) -> Tensor:
    """Squares make one large error worse than two of half its size; sizes do not."""
    return _least(_pairs(w), lambda q: (x @ (q - w)).abs().sum())


@known("best_rounding", "only the largest error counts", _SQUARES)
def looks_at_the_largest(w: Tensor, x: Tensor) -> Tensor:
    """One row of x decides then, and the errors of all others may grow."""
    return _least(_pairs(w), lambda q: (x @ (q - w)).abs().amax())


@known("best_rounding", "x is not used", _ALL)
def ignores_the_inputs(w: Tensor, x: Tensor) -> Tensor:
    """The errors of the weights need not cancel: those of the output should, and it depends on the inputs."""
    return _least(_pairs(w), lambda q: (q - w).sum().abs())


@known("best_rounding", "the most negative error", _SQUARES)
def prefers_negative_errors(w: Tensor, x: Tensor) -> Tensor:
    """The smallest sum of errors is a very negative one, and not one near 0."""
    return _least(_pairs(w), lambda q: (x @ (q - w)).sum())


@known("best_rounding", "the largest error", "Take the smallest: argmin or min, not argmax or max.")
def prefers_the_worst(w: Tensor, x: Tensor) -> Tensor:
    """Of the four pairs, this is the worst."""
    return _least(_pairs(w), lambda q: -(x @ (q - w)).square().sum())


@known("best_rounding", "only the first row of x", "x has one row for each input: the errors of all of them count.")
def looks_at_one_input(w: Tensor, x: Tensor) -> Tensor:
    """What is best for one input need not be for all."""
    return _least(_pairs(w), lambda q: (x[0] @ (q - w)).square())


@known("best_rounding", "the output for its error", "The error is x @ (q - w), not x @ q.")
def makes_the_output_small(w: Tensor, x: Tensor) -> Tensor:
    """This makes the output itself small, whatever it should be."""
    return _least(_pairs(w), lambda q: (x @ q).square().sum())


@known("best_rounding", "one weight after the other", _ALL)
def rounds_one_by_one(w: Tensor, x: Tensor) -> Tensor:
    """The second weight makes up for the error of the first, but the first was not asked."""
    first = w[0].round()
    return _least((q for q in _pairs(w) if q[0] == first), lambda q: (x @ (q - w)).square().sum())


@known("best_rounding", "always down", _ALL)
def goes_down_twice(w: Tensor, x: Tensor) -> Tensor:
    """This is one of four pairs, and seldom the best."""
    return w.floor()


@known("best_rounding", "always up", _ALL)
def goes_up_twice(w: Tensor, x: Tensor) -> Tensor:
    """This is one of four pairs, and seldom the best."""
    return w.floor() + 1


@known("best_rounding", "0 and 1 for down and up", "Add w.floor() to the zeros and ones.")
def returns_the_choice(w: Tensor, x: Tensor) -> Tensor:
    """This says which weight goes up, and not whereto."""
    return _least(_pairs(w), lambda q: (x @ (q - w)).square().sum()) - w.floor()
