"""What goes wrong with counting and judging: what is left out of the file, which number is a loss, who beats whom."""

import math
from collections.abc import Iterable, Sequence

from torch import Tensor

from quantlib.lab.misconception import Known

known = Known()
Part = tuple[tuple[int, int], int, int | None]  # shape, bits of a weight, how many neighbours share a scale
Parts = Sequence[Part]
Points = Sequence[tuple[float, float]]

SCALE = 16  # bits of a scale
FLOAT = 16  # bits of a weight that stays in float


# --- network_bits: f(parts), the bits a weight of the whole file


def weights_in(part: Part) -> int:
    (rows, columns), _, _ = part
    return rows * columns


def scales_in(part: Part) -> int:
    """Return how many scales a part has: one for each group, whose last may be smaller; in float none."""
    (rows, columns), bits, size = part
    return 0 if bits == FLOAT else rows * math.ceil(columns / (size or columns))


def bits_in(part: Part) -> int:
    """Return how many bits a part takes, with its scales."""
    return weights_in(part) * part[1] + SCALE * scales_in(part)


def all_in(parts: Parts) -> float:
    """Return the bits a weight of all parts together, with their scales."""
    return _per_weight((bits_in(part) for part in parts), parts)


def _per_weight(bits: Iterable[float], parts: Parts) -> float:
    return sum(bits) / sum(map(weights_in, parts))


_SCALES = "A part with codes has a scale of 16 bits a row, or a group: rows * math.ceil(columns / size) of them."
_SUMS = "Add up all bits and all weights, and divide once at the end."
_HALF = "A part of 16 bits counts 16 for each weight, and has no scale."


@known("network_bits", "the codes alone, without scales", _SCALES)
def leaves_the_scales_out(parts: Parts) -> float:
    """Without its scales no code means anything, so they are in the file too."""
    return _per_weight((weights_in(part) * part[1] for part in parts), parts)


@known("network_bits", "the mean over the parts", _SUMS)
def averages_over_the_parts(parts: Parts) -> float:
    """A small part counts as much as a large one."""
    return sum(bits_in(part) / weights_in(part) for part in parts) / len(parts)


@known("network_bits", "the mean of the bits", _SUMS)
def averages_the_widths(parts: Parts) -> float:
    """The widths of the codes are averaged, whatever the size of the parts, and no scale is counted."""
    return sum(bits for _, bits, _ in parts) / len(parts)


@known("network_bits", "bytes, not bits", "A byte has 8 bits.")
def counts_bytes(parts: Parts) -> float:
    """The file is measured in bytes, and its codes in bits."""
    return all_in(parts) / 8


@known("network_bits", "all bits, not those of a weight", "Divide by the number of all weights.")
def leaves_it_a_sum(parts: Parts) -> float:
    """The sum is right, and is still to be divided by the number of weights."""
    return sum(map(bits_in, parts))


@known("network_bits", "one scale for a whole matrix", _SCALES)
def scales_the_whole_matrix(parts: Parts) -> float:
    """None is one scale for each row, not one for all rows together."""
    scales = [scales_in(part) if part[2] or part[1] == FLOAT else 1 for part in parts]
    return _per_weight((weights_in(p) * p[1] + SCALE * s for p, s in zip(parts, scales, strict=True)), parts)


@known("network_bits", "the size of the groups is ignored", _SCALES)
def scales_rows_only(parts: Parts) -> float:
    """Where a size is given, there is a scale for every group, not only for every row."""
    return all_in([(shape, bits, None) for shape, bits, _ in parts])


@known("network_bits", "groups run on into the next row", _SCALES)
def lets_groups_cross_rows(parts: Parts) -> float:
    """A group ends with its row, so the last one of each row may be smaller, and has a scale all the same."""
    flat = [((1, weights_in(part)), part[1], part[2] or part[0][1]) for part in parts]
    return all_in(flat)


@known("network_bits", "a group that is not full has no scale", _SCALES)
def forgets_the_ragged_group(parts: Parts) -> float:
    """The last group of a row may be smaller than the others, but its codes need a scale as well."""
    scales = (0 if p[1] == FLOAT else p[0][0] * (p[0][1] // (p[2] or p[0][1])) for p in parts)
    return _per_weight((weights_in(p) * p[1] + SCALE * s for p, s in zip(parts, scales, strict=True)), parts)


@known("network_bits", "a part of a scale", _SCALES)
def cuts_a_scale(parts: Parts) -> float:
    """A group that is half full has a whole scale: round the number of groups up."""
    scales = (0 if p[1] == FLOAT else p[0][0] * p[0][1] / (p[2] or p[0][1]) for p in parts)
    return _per_weight((weights_in(p) * p[1] + SCALE * s for p, s in zip(parts, scales, strict=True)), parts)


@known("network_bits", "what stays in float is left out", _HALF)
def leaves_the_floats_out(parts: Parts) -> float:
    """This is how files of 3 bits come about: what was not quantized is not counted, but it is in the file."""
    coded = [part for part in parts if part[1] != FLOAT]
    return all_in(coded) if coded else 0.0


@known("network_bits", "what stays in float takes no room", _HALF)
def floats_for_nothing(parts: Parts) -> float:
    """Weights that stay in float are counted as weights, but not their bits."""
    return _per_weight((0 if part[1] == FLOAT else bits_in(part) for part in parts), parts)


@known("network_bits", "scales for what stays in float", _HALF)
def scales_the_floats(parts: Parts) -> float:
    """A weight of 16 bits is a float: it says what it is by itself."""
    scales = (p[0][0] * math.ceil(p[0][1] / (p[2] or p[0][1])) for p in parts)
    return _per_weight((weights_in(p) * p[1] + SCALE * s for p, s in zip(parts, scales, strict=True)), parts)


@known("network_bits", "what stays in float takes 32 bits", _HALF, convention=True)
def floats_of_32_bits(parts: Parts) -> float:
    """In memory it may be float32; in the file of this notebook it is fp16."""
    return _per_weight((32 * weights_in(p) if p[1] == FLOAT else bits_in(p) for p in parts), parts)


@known("network_bits", "scales of 32 bits", "A scale takes 16 bits here.", convention=True)
def scales_of_32_bits(parts: Parts) -> float:
    """Some formats keep scales in float32; in the file of this notebook they are fp16."""
    return _per_weight((bits_in(part) + SCALE * scales_in(part) for part in parts), parts)


# --- bits_per_character: f(logits, targets), the mean of -log2 of the probability of what came


def log_probabilities(logits: Tensor, targets: Tensor) -> Tensor:
    """Return ln p of what came, at each place."""
    return logits.double().log_softmax(-1).gather(-1, targets[:, None])[:, 0]


def mean_bits(logits: Tensor, targets: Tensor) -> Tensor:
    """Return the mean over all places of -log2 of the probability of what came."""
    return -log_probabilities(logits, targets).mean() / math.log(2)


_PICK = "log_softmax(-1) gives ln p of all characters; take at each place the one that came: [range(n), targets]."


@known("bits_per_character", "nats, not bits", "Divide by math.log(2).", convention=True)
def stays_in_nats(logits: Tensor, targets: Tensor) -> Tensor:
    """torch's logarithm is the natural one: cross_entropy gives nats."""
    return -log_probabilities(logits, targets).mean()


@known("bits_per_character", "perplexity", "Without the power: the mean of -log2 p itself.", convention=True)
def takes_perplexity(logits: Tensor, targets: Tensor) -> Tensor:
    """Perplexity is 2 to the power of the bits: of that many characters, all alike, the network would be as unsure."""
    return 2 ** mean_bits(logits, targets)


@known("bits_per_character", "the decimal logarithm", "Take torch.log2, or divide ln by math.log(2).")
def takes_log10(logits: Tensor, targets: Tensor) -> Tensor:
    """A bit is a logarithm to the base 2."""
    return -log_probabilities(logits, targets).mean() / math.log(10)


@known("bits_per_character", "logits taken for log probabilities", _PICK)
def skips_the_softmax(logits: Tensor, targets: Tensor) -> Tensor:
    """Logits may have any size; only after the softmax do the probabilities of a place add up to 1."""
    return -logits.double().gather(-1, targets[:, None]).mean() / math.log(2)


@known("bits_per_character", "softmax over the places", "Take the softmax along the last axis.")
def normalises_the_places(logits: Tensor, targets: Tensor) -> Tensor:
    """The probabilities of all characters at one place add up to 1, not those of one character at all places."""
    chosen = logits.double().log_softmax(0).gather(-1, targets[:, None])
    return -chosen.mean() / math.log(2)


@known("bits_per_character", "a probability, not its logarithm", "Take -log2 of it.")
def averages_probabilities(logits: Tensor, targets: Tensor) -> Tensor:
    """The mean probability of what came; a text has the product of them all, so their logarithms are added."""
    return log_probabilities(logits, targets).exp().mean()


@known("bits_per_character", "the logarithm of the mean", "First the logarithm of each place, then the mean.")
def averages_before_the_logarithm(logits: Tensor, targets: Tensor) -> Tensor:
    """One place with a high probability hides all others; the mean is taken of the logarithms."""
    return -log_probabilities(logits, targets).exp().mean().log2()


@known(
    "bits_per_character", "the sign is lost", "A probability is at most 1, so its logarithm is negative: put a minus."
)
def loses_the_minus(logits: Tensor, targets: Tensor) -> Tensor:
    """Less is better, and nothing can cost less than 0 bits."""
    return -mean_bits(logits, targets)


@known("bits_per_character", "how often it is right", _PICK)
def counts_right_answers(logits: Tensor, targets: Tensor) -> Tensor:
    """The share of places at which the likeliest character came does not see how sure the network was."""
    return (logits.argmax(-1) == targets).double().mean()


@known("bits_per_character", "the sum over all places", "Take the mean.")
def adds_the_places(logits: Tensor, targets: Tensor) -> Tensor:
    """This is what the whole text costs, not what a character costs."""
    return mean_bits(logits, targets) * len(targets)


@known("bits_per_character", "the likeliest, not what came", _PICK)
def trusts_the_likeliest(logits: Tensor, targets: Tensor) -> Tensor:
    """The targets are not looked at, so the network is believed to be always right."""
    return mean_bits(logits, logits.argmax(-1))


@known("bits_per_character", "the network's own entropy", _PICK)
def takes_the_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """This is what the network expects to pay by its own probabilities; the text may disagree."""
    logs = logits.double().log_softmax(-1)
    return -(logs.exp() * logs).sum(-1).mean() / math.log(2)


@known("bits_per_character", "each place asked for its neighbour", "The targets already are what comes next.")
def shifts_the_targets(logits: Tensor, targets: Tensor) -> Tensor:
    """The targets are shifted once more, so that each place is judged by the character of another one."""
    return mean_bits(logits, targets.roll(-1))


# --- front: f(points), for each (bits, loss) whether no other point beats it


def beats(one: Sequence[float], other: Sequence[float]) -> bool:
    """Return whether one point is at most as large in both numbers as another, and smaller in one."""
    return one[0] <= other[0] and one[1] <= other[1] and tuple(one) != tuple(other)


def unbeaten(points: Points) -> list[bool]:
    """Return for each point whether no other beats it."""
    return [not any(beats(other, point) for other in points) for point in points]


_BEATS = "b beats a if b[0] <= a[0] and b[1] <= a[1] and b != a."


@known("front", "the fewest bits only", _BEATS)
def wants_the_fewest_bits(points: Points) -> list[bool]:
    """A point with more bits stays if no other has as little loss for as few bits."""
    return [bits == min(b for b, _ in points) for bits, _ in points]


@known("front", "the least loss only", _BEATS)
def wants_the_least_loss(points: Points) -> list[bool]:
    """A point with more loss stays if no other has as few bits with as little loss."""
    return [loss == min(other for _, other in points) for _, loss in points]


@known("front", "larger is better", "Of bits and of loss, less is better.")
def wants_more(points: Points) -> list[bool]:
    """Both numbers are costs."""
    return unbeaten([(-bits, -loss) for bits, loss in points])


@known("front", "a larger loss is better", "Of bits and of loss, less is better.")
def wants_more_loss(points: Points) -> list[bool]:
    """The second number is a loss, not a quality."""
    return unbeaten([(bits, -loss) for bits, loss in points])


@known("front", "beaten only by what is smaller in both", _BEATS)
def must_be_smaller_in_both(points: Points) -> list[bool]:
    """With equal bits, the point with the smaller loss beats the other."""
    return [not any(b < bits and other < loss for b, other in points) for bits, loss in points]


@known("front", "smaller in one number is enough", _BEATS)
def one_number_is_enough(points: Points) -> list[bool]:
    """A point with fewer bits and more loss does not beat another: who needs less loss will take the other."""
    return [not any(b < bits or other < loss for b, other in points) for bits, loss in points]


@known("front", "a point beats itself", "Leave the point itself out: b != a.")
def beats_itself(points: Points) -> list[bool]:
    """Every point is at most as large as itself, so that none is left."""
    return [not any(b <= bits and other <= loss for b, other in points) for bits, loss in points]


@known("front", "the beaten ones", "True is for a point that no other beats.")
def names_the_beaten(points: Points) -> list[bool]:
    """True and False the other way round."""
    return [not stays for stays in unbeaten(points)]


@known("front", "all that are not the worst", _BEATS)
def drops_the_worst(points: Points) -> list[bool]:
    """A point that beats another may itself be beaten by a third."""
    return [not all(beats(other, point) or other == point for other in points) for point in points]


@known("front", "only the point before it", "Compare each point with all others: for b in points.")
def compares_with_the_last(points: Points) -> list[bool]:
    """Any other point may beat it, not only the one that stands before it in the list."""
    return [k == 0 or not beats(points[k - 1], point) for k, point in enumerate(points)]


@known("front", "the smallest sum of both", _BEATS)
def adds_bits_and_loss(points: Points) -> list[bool]:
    """Bits and losses are no money: to add them sets a price that nobody gave."""
    return [sum(point) == min(map(sum, points)) for point in points]


@known("front", "only the corners of the hull", _BEATS)
def takes_the_hull(points: Points) -> list[bool]:
    """A point above the line between two others is still the best for its bits: there is nothing on that line."""
    return [stays and not _above_a_line(point, points) for stays, point in zip(unbeaten(points), points, strict=True)]


def _above_a_line(point: Sequence[float], points: Points) -> bool:
    """Return whether a point lies above a line between one to its left and one to its right."""
    x, y = point
    left, right = [p for p in points if p[0] < x], [p for p in points if p[0] > x]
    return any(y > a[1] + (x - a[0]) / (b[0] - a[0]) * (b[1] - a[1]) for a in left for b in right)
