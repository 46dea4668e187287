"""What goes wrong with levels: those of a float, those that settle, and a power of two for each block."""

import torch
from torch import Tensor

from quantlib.formats import E2M1, float_format, float_levels, lloyd_step, power_of_two_scale
from quantlib.lab.misconception import Known

known = Known()


# --- float_levels: f(e, m), the values from 0 on of a float with e exponent and m mantissa bits, ascending


def levels_of(e: int, m: int) -> Tensor:
    """Return the values from 0 on of a float with e exponent and m mantissa bits of which every code is a number."""
    return float_levels(float_format(e, m))


def _levels(e: int, m: int, *, bias: int | None = None, lowest: int = 1, parts: int | None = None) -> Tensor:
    """Return levels with another bias, with another lowest exponent, or with fractions k / parts."""
    bias = 2 ** (e - 1) - 1 if bias is None else bias
    exponent = torch.arange(2**e)[:, None].double()
    fraction = torch.arange(2**m).double() / (2**m if parts is None else parts)
    normal = (1 + fraction) * 2.0 ** (exponent - bias)
    return torch.where(exponent == 0, fraction * 2.0 ** (lowest - bias), normal).flatten().float()


_FIELDS = "E runs over range(2 ** e), M over range(2 ** m): one level for each pair."
_LOWEST = "For E = 0 the level is M / 2^m times 2^(1 - bias): no 1 is added, and the power is that of E = 1."
_BIAS = "The bias is 2^(e - 1) - 1."
_FRACTION = "The mantissa counts in parts of 2^m: M / 2 ** m."


@known("float_levels", "no subnormals", _LOWEST)
def adds_one_always(e: int, m: int) -> Tensor:
    """With 1 + M / 2^m at E = 0 too there is no level 0, and a gap around it."""
    bias = 2 ** (e - 1) - 1
    exponent, fraction = torch.arange(2**e)[:, None].double(), torch.arange(2**m).double() / 2**m
    return ((1 + fraction) * 2.0 ** (exponent - bias)).flatten().float()


@known("float_levels", "subnormals one power too low", _LOWEST)
def halves_the_subnormals(e: int, m: int) -> Tensor:
    """The levels below the first power of two are half of what they should be, with a gap above them."""
    return _levels(e, m, lowest=0)


@known("float_levels", "the bias is 2^(e - 1)", _BIAS)
def takes_a_larger_bias(e: int, m: int) -> Tensor:
    """All levels are half of what they should be."""
    return _levels(e, m, bias=2 ** (e - 1))


@known("float_levels", "no bias", _BIAS)
def takes_no_bias(e: int, m: int) -> Tensor:
    """Without a bias all exponents are positive, and 1.0 is the end of the small levels instead of their middle."""
    return _levels(e, m, bias=0)


@known(
    "float_levels", "the highest exponent left out", "Here every code is a number: E up to 2^e - 1.", convention=True
)
def keeps_the_top_for_infinity(e: int, m: int) -> Tensor:
    """IEEE 754 keeps the highest exponent for infinity and NaN, but here every code is a number."""
    return levels_of(e, m)[: -(2**m)]


@known("float_levels", "parts of 2^m - 1", _FRACTION)
def reaches_the_next_power(e: int, m: int) -> Tensor:
    """The largest fraction becomes 1, so that its level is the next power of two, which comes twice."""
    return _levels(e, m, parts=max(2**m - 1, 1))


@known("float_levels", "the mantissa is not divided", _FRACTION)
def adds_the_whole_mantissa(e: int, m: int) -> Tensor:
    """The mantissa is a fraction, from 0 to below 1, not a whole number."""
    return _levels(e, m, parts=1)


@known("float_levels", "e and m swapped", "The first argument counts the exponent's bits, the second the mantissa's.")
def swaps_the_fields(e: int, m: int) -> Tensor:
    """Many mantissa bits make fine steps, many exponent bits a wide range: it is the other way round."""
    return levels_of(m, e) if m else levels_of(e, m)


@known("float_levels", "the negative ones too", "Leave the sign out: return the values from 0 on.")
def mirrors_the_levels(e: int, m: int) -> Tensor:
    """The sign bit gives each level a negative twin, which is not asked for."""
    return torch.cat([-levels_of(e, m).flip(0), levels_of(e, m)])


@known("float_levels", "powers of two only", _FIELDS)
def forgets_the_mantissa(e: int, m: int) -> Tensor:
    """Between two powers of two the mantissa gives 2^m - 1 more levels."""
    return torch.cat([torch.zeros(1), 2.0 ** (torch.arange(1, 2**e) - (2 ** (e - 1) - 1))])


@known("float_levels", "even steps", _FIELDS)
def spreads_them_evenly(e: int, m: int) -> Tensor:
    """The steps of a float double with each power of two."""
    return torch.linspace(0, levels_of(e, m)[-1].item(), 2 ** (e + m))


@known("float_levels", "not in order of size", "Let M run fastest, or end with .sort().values.")
def lets_the_exponent_run(e: int, m: int) -> Tensor:
    """The levels are right, but where E runs faster than M they do not ascend."""
    return levels_of(e, m).view(2**e, 2**m).T.flatten()


# --- lloyd_step: f(x, levels), each level moved to the mean of the values nearest to it

_MEAN = "For each level: x[k == j].mean(), where k = (x[:, None] - levels).abs().argmin(1)."
_EMPTY = "A level that is nearest to no value stays where it is."
_NEAREST = "The nearest level of each value: (x[:, None] - levels).abs().argmin(1)."


def _nearest(x: Tensor, levels: Tensor) -> Tensor:
    return (x[:, None] - levels).abs().argmin(1)


def _of_cells(x: Tensor, levels: Tensor, k: Tensor, center: str = "mean", empty: str = "stay") -> Tensor:
    """Return a center of the values of each cell."""
    moved = levels.clone()
    for j in range(len(levels)):
        cell = x[k == j]
        if len(cell):
            middle = (cell.min() + cell.max()) / 2
            moved[j] = {"mean": cell.mean(), "median": cell.quantile(0.5), "middle": middle, "sum": cell.sum()}[center]
        elif empty != "stay":
            moved[j] = {"zero": 0.0, "nan": torch.nan}[empty]
    return moved


@known("lloyd_step", "the median, not the mean", _MEAN)
def takes_the_median(x: Tensor, levels: Tensor) -> Tensor:
    """The median makes the sum of the distances smallest, the mean that of their squares."""
    return _of_cells(x, levels, _nearest(x, levels), "median")


@known("lloyd_step", "the median, not the mean", _MEAN)
def takes_the_lower_median(x: Tensor, levels: Tensor) -> Tensor:
    """torch.median takes the lower of the two middle values, and the mean makes the squares smallest, not a median."""
    k, moved = _nearest(x, levels), levels.clone()
    for j in k.unique().tolist():
        moved[j] = x[k == j].median()
    return moved


@known("lloyd_step", "the middle of smallest and largest", _MEAN)
def takes_the_middle(x: Tensor, levels: Tensor) -> Tensor:
    """Where in its cell a level should lie depends on all values, not on the two at the ends."""
    return _of_cells(x, levels, _nearest(x, levels), "middle")


@known("lloyd_step", "the level below, not the nearest", _NEAREST)
def looks_down_only(x: Tensor, levels: Tensor) -> Tensor:
    """A value goes to the nearest level, which may lie above it."""
    return _of_cells(x, levels, (torch.bucketize(x, levels, right=True) - 1).clamp(min=0))


@known("lloyd_step", "a level without values becomes 0", _EMPTY)
def drops_empty_levels_to_zero(x: Tensor, levels: Tensor) -> Tensor:
    """Nothing pulls at a level without values, not even 0."""
    return _of_cells(x, levels, _nearest(x, levels), empty="zero")


@known("lloyd_step", "a level without values becomes NaN", _EMPTY)
def averages_nothing(x: Tensor, levels: Tensor) -> Tensor:
    """The mean of no values is NaN."""
    return _of_cells(x, levels, _nearest(x, levels), empty="nan")


@known("lloyd_step", "a level without values is dropped", _EMPTY)
def drops_empty_levels(x: Tensor, levels: Tensor) -> Tensor:
    """As many levels must come back as were given: a code stands for each of them."""
    k = _nearest(x, levels)
    return torch.stack([x[k == j].mean() for j in k.unique()])


@known("lloyd_step", "half-way to the mean", _MEAN)
def goes_half_way(x: Tensor, levels: Tensor) -> Tensor:
    """Each level goes all the way to the mean."""
    return (lloyd_step(x, levels) + levels) / 2


@known("lloyd_step", "sums, not means", _MEAN)
def sums_the_cells(x: Tensor, levels: Tensor) -> Tensor:
    """The sum of a cell must be divided by how many values it has."""
    return _of_cells(x, levels, _nearest(x, levels), "sum")


@known("lloyd_step", "divided by the number of all values", _MEAN)
def divides_by_all(x: Tensor, levels: Tensor) -> Tensor:
    """The sum of a cell must be divided by how many values this cell has."""
    k = _nearest(x, levels)
    share = torch.bincount(k, minlength=len(levels)) / len(x)
    return torch.where(share > 0, lloyd_step(x, levels) * share, levels)


@known("lloyd_step", "the values, not the levels", "Return one number for each level, not one for each value.")
def quantizes_the_values(x: Tensor, levels: Tensor) -> Tensor:
    """These are the values as they come back from the codes; asked for are the levels, moved."""
    return levels[_nearest(x, levels)]


@known("lloyd_step", "the levels do not move", _MEAN)
def leaves_the_levels(x: Tensor, levels: Tensor) -> Tensor:
    """They come back as they were given."""
    return levels.clone()


@known("lloyd_step", "the nearest value, not the mean", _MEAN)
def jumps_to_a_value(x: Tensor, levels: Tensor) -> Tensor:
    """Each level moves to the value next to it, as if that were the only one of its cell."""
    near = x[(levels[:, None] - x).abs().argmin(1)]
    return torch.where(torch.bincount(_nearest(x, levels), minlength=len(levels)) > 0, near, levels)


@known("lloyd_step", "steps until nothing moves", "One step only: find the nearest levels once, and move once.")
def steps_to_the_end(x: Tensor, levels: Tensor) -> Tensor:
    """One step is asked for, and these are the levels after many."""
    for _ in range(100):
        levels = lloyd_step(x, levels)
    return levels


# --- block_scale: f(x), for each row the smallest power of two s with max|x| <= 6 s; 1 for a row of zeros


def smallest_power(x: Tensor) -> Tensor:
    """Return for each row the smallest power of two s with max|x| <= 6 s, and 1 for a row of zeros."""
    return _or_one(x, power_of_two_scale(_size(x), E2M1, "rceil"))


def _size(x: Tensor) -> Tensor:
    return x.abs().amax(1, keepdim=True)


def _or_one(x: Tensor, scale: Tensor) -> Tensor:
    return torch.where(_size(x) > 0, scale, 1.0).float()


def _power(x: Tensor, exponent: Tensor) -> Tensor:
    return _or_one(x, 2.0**exponent)


def _log2(x: Tensor, unit: float = 1.0) -> Tensor:
    return (torch.where(_size(x) > 0, _size(x), unit).double() / unit).log2()


_CEIL = "Round up: 2.0 ** torch.ceil(torch.log2(a / 6)), where a is the largest size of the row."


@known("block_scale", "floor(log2 max) - 2", _CEIL, convention=True)
def follows_the_standard(x: Tensor) -> Tensor:
    """The standard of MX does so, and lets sizes between 6 and 8 times the scale clip; here nothing may."""
    return _power(x, _log2(x).floor() - 2)


@known("block_scale", "ceil(log2 max) - 2", _CEIL, convention=True)
def never_goes_beyond_four(x: Tensor) -> Tensor:
    """Nothing clips, but sizes between 4 and 6 times a power of two get the next one, twice the smallest."""
    return _power(x, _log2(x).ceil() - 2)


@known("block_scale", "the nearest power of two", _CEIL)
def rounds_the_exponent(x: Tensor) -> Tensor:
    """Rounded down, the scale is too small: the largest value clips."""
    return _power(x, _log2(x, 6.0).round())


@known("block_scale", "rounded down", _CEIL)
def rounds_the_exponent_down(x: Tensor) -> Tensor:
    """The scale is too small, and the largest value clips, unless max|x| / 6 is a power of two itself."""
    return _power(x, _log2(x, 6.0).floor())


@known("block_scale", "a power of two goes one up", _CEIL)
def goes_one_up(x: Tensor) -> Tensor:
    """Where max|x| / 6 is a power of two itself, that one is large enough."""
    return _power(x, _log2(x, 6.0).floor() + 1)


@known("block_scale", "not divided by 6", _CEIL)
def forgets_six(x: Tensor) -> Tensor:
    """The largest level of E2M1 is 6, so that the scale need be a sixth of max|x| only."""
    return _power(x, _log2(x).ceil())


@known("block_scale", "divided by 8, not by 6", _CEIL)
def reaches_for_eight(x: Tensor) -> Tensor:
    """E2M1 ends at 6, not at 8: sizes between 6 and 8 times the scale clip."""
    return _power(x, _log2(x, 8.0).ceil())


@known("block_scale", "not a power of two", _CEIL)
def divides_by_six(x: Tensor) -> Tensor:
    """max|x| / 6 is the best scale, but an exponent alone cannot store it."""
    return _or_one(x, _size(x) / 6)


@known("block_scale", "the largest value, not the largest size", "Use x.abs().amax(1, keepdim=True).")
def looks_at_one_end(x: Tensor) -> Tensor:
    """A large negative value must not clip either."""
    top = x.amax(1, keepdim=True)
    return torch.where(top > 0, power_of_two_scale(top.clamp(min=0), E2M1, "rceil"), 1.0)


@known("block_scale", "the exponent, not the scale", "The scale is 2.0 ** exponent.")
def returns_the_power(x: Tensor) -> Tensor:
    """What is stored is the exponent, but asked for is the scale itself."""
    return smallest_power(x).log2()


@known("block_scale", "one scale for all blocks", "Take the maximum along axis 1, with keepdim=True.")
def shares_one_power(x: Tensor) -> Tensor:
    """Each row is a block, and has a scale of its own."""
    return smallest_power(x.reshape(1, -1)).expand(len(x), 1)


@known("block_scale", "a block of zeros gets no 1", "torch.where(a > 0, ..., 1.0) gives a row of zeros the scale 1.")
def gives_zeros_zero(x: Tensor) -> Tensor:
    """The scale of a block of zeros becomes 0, and values will be divided by it."""
    return torch.where(_size(x) > 0, smallest_power(x), 0.0)
