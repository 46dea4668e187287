"""What goes wrong when several scales share a matrix: the axis, the groups, and the bits that they take."""

import torch
from torch import Tensor

from quantlib.groups import to_groups
from quantlib.lab.misconception import Known

known = Known()

# --- row_scales: f(w), one symmetric int8 scale for each row, shape (rows, 1)

_AXIS = "dim is the axis that goes away: w.abs().amax(dim=1, keepdim=True) leaves one number a row."
_KEEP = "keepdim=True keeps the reduced axis as 1, so that the scales stand beside the rows."
_ABS = "Take the absolute values first, then the maximum of each row."
_127 = "The row's largest |w| should get the code 127: divide by 127."


def _rows(w: Tensor) -> Tensor:
    return w.abs().amax(dim=1, keepdim=True)


@known("row_scales", "the wrong axis", _AXIS)
def one_scale_a_column(w: Tensor) -> Tensor:
    """That is one scale for each column."""
    return w.abs().amax(dim=0, keepdim=True) / 127


@known("row_scales", "the wrong axis", _AXIS)
def one_scale_a_column_in_a_row(w: Tensor) -> Tensor:
    """That is one scale for each column."""
    return w.abs().amax(dim=0) / 127


@known("row_scales", "keepdim is forgotten", _KEEP)
def scales_without_an_axis(w: Tensor) -> Tensor:
    """Scales of shape (rows,) line up with the columns of w, or fit nowhere."""
    return _rows(w).squeeze(1) / 127


@known("row_scales", "the scales lie in a row", _KEEP)
def scales_in_a_row(w: Tensor) -> Tensor:
    """Scales of shape (1, rows) line up with the columns of w, or fit nowhere."""
    return _rows(w).T / 127


_ONE = "Reduce along one axis only, dim=1."


@known("row_scales", "one scale for the whole matrix", _ONE)
def one_scale_for_all(w: Tensor) -> Tensor:
    """The largest weight of all then sets every row's step."""
    return w.abs().max() / 127


@known("row_scales", "one scale for the whole matrix", _ONE)
def one_scale_for_all_repeated(w: Tensor) -> Tensor:
    """The largest weight of all then sets every row's step."""
    return torch.full_like(w[:, :1], w.abs().max().item()) / 127


@known("row_scales", "a scale for every weight", _KEEP)
def scales_as_large_as_the_matrix(w: Tensor) -> Tensor:
    """They are the right numbers, but as many as there are weights would have to be stored."""
    return _rows(w).expand(w.shape) / 127


@known("row_scales", "max where max|w| is meant", _ABS)
def largest_of_each_row(w: Tensor) -> Tensor:
    """The weight of largest size can be negative."""
    return w.amax(dim=1, keepdim=True) / 127


@known("row_scales", "|max| where max|w| is meant", _ABS)
def size_of_the_largest_of_each_row(w: Tensor) -> Tensor:
    """The absolute value comes too late: the maximum has already passed over the negative weights."""
    return w.amax(dim=1, keepdim=True).abs() / 127


@known("row_scales", "mean of |w| where the maximum is meant", _ABS)
def mean_of_each_row(w: Tensor) -> Tensor:
    """Every weight of more than the mean size would clip."""
    return w.abs().mean(dim=1, keepdim=True) / 127


@known("row_scales", "not divided by 127", _127)
def reach_of_each_row(w: Tensor) -> Tensor:
    """One step would then reach the largest weight of the row."""
    return _rows(w) / 1


@known("row_scales", "max|w| / 255", _127)
def half_of_the_step(w: Tensor) -> Tensor:
    """The codes reach from -127 to 127, so half of the range has 127 steps."""
    return _rows(w) / 255


@known("row_scales", "max|w| / 128", _127, convention=True)
def rows_over_128(w: Tensor) -> Tensor:
    """Then the largest weight of a row asks for the code 128, and is clipped if it is positive."""
    return _rows(w) / 128


@known("row_scales", "max|w| / 127.5", _127, convention=True)
def rows_over_127_and_a_half(w: Tensor) -> Tensor:
    """All 255 steps then span twice the largest weight."""
    return _rows(w) / 127.5


@known("row_scales", "the min-max scale", "Look only at the largest |w| of each row.", convention=True)
def min_max_of_each_row(w: Tensor) -> Tensor:
    """It spreads all 255 steps over the row's range, and needs a zero point for that."""
    low, high = w.amin(dim=1, keepdim=True).clamp(max=0.0), w.amax(dim=1, keepdim=True).clamp(min=0.0)
    return (high - low) / 255


_FLOOR = "No row and no group is all zeros here, so nothing has to keep a scale away from 0."
_TOO_LARGE = "the smallest scale is too large"
_EPS = torch.finfo(torch.float32).eps


@known("row_scales", _TOO_LARGE, _FLOOR)
def row_scales_from_1e_8_on(w: Tensor) -> Tensor:
    """Weights may all be tiny, and then they need a tiny step."""
    return (_rows(w) / 127).clamp(min=1e-8)


@known("row_scales", _TOO_LARGE, _FLOOR)
def row_scales_from_eps_on(w: Tensor) -> Tensor:
    """Weights may all be tiny, and then they need a tiny step."""
    return (_rows(w) / 127).clamp(min=_EPS)


@known("row_scales", _TOO_LARGE, _FLOOR)
def rows_from_1e_8_on(w: Tensor) -> Tensor:
    """Weights may all be tiny, and then they need a tiny step."""
    return _rows(w).clamp(min=1e-8) / 127


@known("row_scales", _TOO_LARGE, _FLOOR)
def row_scales_plus_1e_8(w: Tensor) -> Tensor:
    """Weights may all be tiny, and then they need a tiny step."""
    return _rows(w) / 127 + 1e-8


@known("row_scales", "the reciprocal of the scale", "s is in real units per step: divide max|w|.", convention=True)
def reciprocal_of_each_row(w: Tensor) -> Tensor:
    """This is the number of steps per real unit, by which w would be multiplied."""
    return 127 / _rows(w)


# --- group_scales: f(w, bits, size), the symmetric scales of each row's groups, shape (rows, ceil(columns / size))

_TAIL = "Pad each row with zeros until size divides it: torch.nn.functional.pad(w, (0, -w.shape[1] % size))."
_RUNS = "A group is a run of `size` neighbours within one row: reshape to (rows, groups, size)."
_TOP = "The largest code of a signed grid is 2^(bits-1) - 1: 7 for 4 bits."
_SIZE = "size is the number of weights in a group; a row has ceil(columns / size) groups."
_ABS_OF_GROUP = "Take the absolute values first, then the maximum of each group."


def _top(bits: int) -> int:
    return int(2 ** (bits - 1) - 1)


def _reach(w: Tensor, size: int) -> Tensor:
    """The largest |w| of each group."""
    return to_groups(w, size).abs().amax(dim=-1)


def _full(w: Tensor, size: int) -> Tensor:
    """The groups that are full."""
    count = w.shape[1] // size
    return w[:, : count * size].reshape(len(w), count, size)


@known("group_scales", "the ragged tail is dropped", _TAIL)
def drops_the_tail(w: Tensor, bits: int, size: int) -> Tensor:
    """The weights after the last full group then have no scale."""
    return _full(w, size).abs().amax(dim=-1) / _top(bits)


@known("group_scales", "the tail joins the group before it", _TAIL)
def joins_the_tail(w: Tensor, bits: int, size: int) -> Tensor:
    """That group then is larger than size, and there is one scale too few."""
    count = max(w.shape[1] // size, 1)
    parts = [w[:, k * size : None if k == count - 1 else (k + 1) * size] for k in range(count)]
    return torch.stack([part.abs().amax(dim=1) for part in parts], dim=1) / _top(bits)


@known("group_scales", "the last group overlaps", _TAIL)
def overlaps_the_tail(w: Tensor, bits: int, size: int) -> Tensor:
    """A last group of the last `size` weights borrows some of the group before it, and their maximum with them."""
    reach = _reach(w, size)
    reach[:, -1] = w[:, -size:].abs().amax(dim=1)
    return reach / _top(bits)


@known("group_scales", "groups down the columns", _RUNS)
def groups_down_the_columns(w: Tensor, bits: int, size: int) -> Tensor:
    """A row's scales then are shared with the rows below it."""
    return _reach(w.T, size).T / _top(bits)


@known("group_scales", "groups down the columns", _RUNS)
def groups_of_the_transpose(w: Tensor, bits: int, size: int) -> Tensor:
    """A row's scales then are shared with the rows below it."""
    return _reach(w.T, size) / _top(bits)


@known("group_scales", "groups across rows", _RUNS)
def groups_across_rows(w: Tensor, bits: int, size: int) -> Tensor:
    """The end of one row then shares a scale with the beginning of the next."""
    return _reach(w.flatten(), size) / _top(bits)


@known("group_scales", "every so many-th weight, not neighbours", _RUNS)
def strided_groups(w: Tensor, bits: int, size: int) -> Tensor:
    """Reshaped to (rows, size, groups), a group is made of weights that lie far apart."""
    padded = to_groups(w, size).flatten(1)
    return padded.reshape(len(w), size, -1).abs().amax(dim=1) / _top(bits)


@known("group_scales", "size taken for the number of groups", _SIZE)
def size_groups(w: Tensor, bits: int, size: int) -> Tensor:
    """That cuts each row into size groups."""
    return _reach(w, -(-w.shape[1] // size)) / _top(bits)


@known("group_scales", "one scale a row", _SIZE)
def group_is_the_row(w: Tensor, bits: int, size: int) -> Tensor:
    """Then size changes nothing."""
    return w.abs().amax(dim=1, keepdim=True) / _top(bits)


@known("group_scales", "one scale a row", _SIZE)
def group_is_the_row_repeated(w: Tensor, bits: int, size: int) -> Tensor:
    """Then all groups of a row have its largest weight's scale."""
    reach = _reach(w, size)
    return reach.amax(dim=1, keepdim=True).expand(reach.shape) / _top(bits)


@known("group_scales", "an axis too many", "Reduce the last axis without keepdim: the shape is (rows, groups).")
def keeps_the_axis_of_the_group(w: Tensor, bits: int, size: int) -> Tensor:
    """The shape (rows, groups, 1) is what is needed later, beside the groups."""
    return _reach(w, size).unsqueeze(-1) / _top(bits)


@known("group_scales", "a scale for every weight", "Return one scale for each group: the shape is (rows, groups).")
def scale_of_every_weight(w: Tensor, bits: int, size: int) -> Tensor:
    """They are the right numbers, but as many as there are weights would have to be stored."""
    return _reach(w, size).repeat_interleave(size, dim=1)[:, : w.shape[1]] / _top(bits)


@known("group_scales", "max where max|w| is meant", _ABS_OF_GROUP)
def largest_of_each_group(w: Tensor, bits: int, size: int) -> Tensor:
    """The weight of largest size can be negative."""
    return to_groups(w, size).amax(dim=-1) / _top(bits)


@known("group_scales", "|max| where max|w| is meant", _ABS_OF_GROUP)
def size_of_the_largest_of_each_group(w: Tensor, bits: int, size: int) -> Tensor:
    """The absolute value comes too late: the maximum has already passed over the negative weights."""
    return to_groups(w, size).amax(dim=-1).abs() / _top(bits)


@known("group_scales", "mean of |w| where the maximum is meant", _ABS_OF_GROUP)
def mean_of_each_group(w: Tensor, bits: int, size: int) -> Tensor:
    """Every weight of more than the mean size would clip."""
    return to_groups(w, size).abs().mean(dim=-1) / _top(bits)


@known("group_scales", "not divided by the largest code", _TOP)
def reach_of_each_group(w: Tensor, bits: int, size: int) -> Tensor:
    """One step would then reach the largest weight of the group."""
    return _reach(w, size)


@known("group_scales", "bits is ignored", _TOP)
def always_over_127(w: Tensor, bits: int, size: int) -> Tensor:
    """127 is the largest code of 8 bits only."""
    return _reach(w, size) / 127


@known("group_scales", "the largest code of an unsigned grid", _TOP)
def over_unsigned_codes(w: Tensor, bits: int, size: int) -> Tensor:
    """Half of the signed codes are negative, so the largest is about half of that."""
    return _reach(w, size) / (2**bits - 1)


@known("group_scales", "max|w| / 2^(bits-1)", _TOP, convention=True)
def over_the_lowest_code(w: Tensor, bits: int, size: int) -> Tensor:
    """Then -max|w| gets the lowest code, and max|w| is clipped."""
    return _reach(w, size) / 2 ** (bits - 1)


@known("group_scales", "^ where ** is meant", "Write 2 to the power of n as 2 ** n.")
def exclusive_or_for_a_power(w: Tensor, bits: int, size: int) -> Tensor:
    """In Python ^ is the exclusive or of two integers, and no power."""
    return _reach(w, size) / (2 ^ (bits - 2))


@known("group_scales", _TOO_LARGE, _FLOOR)
def group_scales_from_1e_8_on(w: Tensor, bits: int, size: int) -> Tensor:
    """Weights may all be tiny, and then they need a tiny step."""
    return (_reach(w, size) / _top(bits)).clamp(min=1e-8)


@known("group_scales", _TOO_LARGE, _FLOOR)
def group_scales_from_eps_on(w: Tensor, bits: int, size: int) -> Tensor:
    """Weights may all be tiny, and then they need a tiny step."""
    return (_reach(w, size) / _top(bits)).clamp(min=_EPS)


@known("group_scales", _TOO_LARGE, _FLOOR)
def group_scales_from_1e_5_on(w: Tensor, bits: int, size: int) -> Tensor:
    """Weights may all be tiny, and then they need a tiny step."""
    return (_reach(w, size) / _top(bits)).clamp(min=1e-5)


@known("group_scales", "the reciprocal of the scale", "s is in real units per step: divide max|w|.", convention=True)
def reciprocal_of_each_group(w: Tensor, bits: int, size: int) -> Tensor:
    """This is the number of steps per real unit, by which w would be multiplied."""
    return _top(bits) / _reach(w, size)


# --- bits_per_weight: f(w, bits, size), codes and fp16 scales per weight

_COUNT = "A row has ceil(columns / size) groups, and each needs a scale of 16 bits."
_SHARE = "Add up all bits, codes and scales, and divide by the number of weights."


def _groups(w: Tensor, size: int) -> int:
    """How many groups a row has."""
    return int(-(-w.shape[1] // size))


@known("bits_per_weight", "the scales are forgotten", _COUNT)
def codes_alone(w: Tensor, bits: int, size: int) -> float:
    """The codes alone cannot be read back."""
    return float(bits)


@known("bits_per_weight", "one scale for the whole matrix", _COUNT)
def one_scale_counted(w: Tensor, bits: int, size: int) -> float:
    """Each group has a scale of its own."""
    return bits + 16 / w.numel()


@known("bits_per_weight", "one scale a row", _COUNT)
def one_scale_a_row_counted(w: Tensor, bits: int, size: int) -> float:
    """Each group has a scale of its own."""
    return bits + 16 / w.shape[1]


@known("bits_per_weight", "a scale for every weight", _SHARE)
def scales_not_shared(w: Tensor, bits: int, size: int) -> float:
    """A scale is shared by its group: each weight bears only its part of 16 bits."""
    return bits + 16.0


@known("bits_per_weight", "the ragged group has no scale", _COUNT)
def full_groups_counted(w: Tensor, bits: int, size: int) -> float:
    """A last group that is not full needs a scale too."""
    return bits + 16 * (w.shape[1] // size) / w.shape[1]


@known("bits_per_weight", "16 / size where rows are ragged", _COUNT)
def parts_of_groups_counted(w: Tensor, bits: int, size: int) -> float:
    """Part of a group needs a whole scale, and fewer weights pay for it."""
    return bits + 16 / size


@known("bits_per_weight", "groups across rows", _COUNT)
def groups_across_rows_counted(w: Tensor, bits: int, size: int) -> float:
    """A group ends with its row, so that every row can have a group that is not full."""
    return bits + 16 * -(-w.numel() // size) / w.numel()


@known("bits_per_weight", "the padding is stored too", "Count the weights that exist.", convention=True)
def padding_counted(w: Tensor, bits: int, size: int) -> float:
    """Then codes are spent on zeros that nobody needs, as where a format knows only full groups."""
    return (bits * size + 16) * _groups(w, size) / w.shape[1]


@known("bits_per_weight", "scales of 32 bits", "An fp16 scale has 16 bits.", convention=True)
def float32_scales_counted(w: Tensor, bits: int, size: int) -> float:
    """That is what float32 scales take."""
    return bits + 32 * _groups(w, size) / w.shape[1]


@known("bits_per_weight", "a zero point for every group", "A symmetric grid has z = 0.", convention=True)
def zero_points_counted(w: Tensor, bits: int, size: int) -> float:
    """An asymmetric grid stores one, here with as many bits as a code."""
    return bits + (16 + bits) * _groups(w, size) / w.shape[1]


@known("bits_per_weight", "bytes where bits are meant", "fp16 is two bytes: 16 bits.")
def bytes_counted(w: Tensor, bits: int, size: int) -> float:
    """That adds the bytes of the scales to the bits of the codes."""
    return bits + 2 * _groups(w, size) / w.shape[1]


@known("bits_per_weight", "the bits of a whole group", _SHARE)
def bits_of_a_group(w: Tensor, bits: int, size: int) -> float:
    """Size weights share them."""
    return float(bits * size + 16)


@known("bits_per_weight", "the bits of the whole matrix", _SHARE)
def bits_of_the_matrix(w: Tensor, bits: int, size: int) -> float:
    """They are not yet divided by the number of weights."""
    return float(bits * w.numel() + 16 * _groups(w, size) * w.shape[0])


@known("bits_per_weight", "the codes are divided by size as well", _SHARE)
def codes_shared_too(w: Tensor, bits: int, size: int) -> float:
    """Only the scale is shared: every weight has a code of its own."""
    return (bits + 16) * _groups(w, size) / w.shape[1]


@known("bits_per_weight", "the share of a scale is upside down", _SHARE)
def share_upside_down(w: Tensor, bits: int, size: int) -> float:
    """The larger the group, the less of a scale each of its weights bears."""
    return bits + size / 16
