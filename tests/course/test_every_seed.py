"""Whatever the seed: a right answer gets all points, each known mistake loses some, and no text is false.

A dozen seeds are drawn in an ordinary run, and 300 with --long.
"""

import math
import re
from dataclasses import replace
from fractions import Fraction
from functools import cache
from itertools import pairwise, permutations

import pytest
import torch

from course.problems.catalogue import NAMES, problem_set
from course.problems.questions import Answer, Break, Explain, Values, Write, copies, equals, solution
from quantlib import split_error, unclamped_codes
from quantlib.data import T, load_weight
from quantlib.formats import E2M1, decode_float, dequantize_gguf, fold_bias, integer_conv1d, quantize_gguf, unpack_bits
from quantlib.lessons.packing_and_gguf.lens import read_blocks
from quantlib.networks import hadamard, rotate, smoothing_factors
from tests.helpers.answering import answers, namespace, right_answers

LEFT, RIGHT, STEP = 2.0, 6.0, 0.1  # of the picture in question 8


@pytest.fixture(scope="module", params=NAMES)
def questions(request, long):
    """The questions of a problem set, as each seed draws them."""
    seeds = range(300) if long else range(20, 32)
    return [question for seed in seeds for question in problem_set(request.param, seed).questions]


def of_kind(questions, kind):
    return [question for question in questions if isinstance(question, kind)]


# --- functions


def in_float64(question):
    """The solution, computed in float64 as far as the answer is a float."""
    right = solution(question)
    return lambda *arguments: like(right(*map(widened, arguments)), right(*copies(arguments)))


def in_float32(question):
    """The solution, in which every float is a tensor in float32."""
    right, names = solution(question), {"torch": torch}
    exec(question.source.replace(".item()", ""), names)
    return lambda *arguments: like(names[question.name](*map(narrowed, arguments)), right(*copies(arguments)))


def widened(value):
    return value.double() if isinstance(value, torch.Tensor) and value.is_floating_point() else value


def narrowed(value):
    return torch.tensor(value) if type(value) is float else value


def like(value, right):
    """The value as the right one is handed in."""
    if isinstance(right, tuple):
        return tuple(map(like, value, right))
    if isinstance(right, float):
        return float(value)
    return value.to(right.dtype) if isinstance(value, torch.Tensor) and value.dtype == torch.float64 else value


@pytest.mark.parametrize("computed", [solution, in_float32, in_float64])
def test_a_right_function_gets_all_points(questions, computed):
    for question in of_kind(questions, Write):
        mark = question.mark(answers(question, computed(question)))
        assert (mark.points, mark.reasons) == (question.points, ()), question.text


def test_every_mistake_in_a_function_loses_points(questions):
    for question in of_kind(questions, Write):
        quick = replace(question, mistakes=())  # nothing is to be recognised here
        for mistake in question.mistakes:
            assert quick.mark(answers(question, mistake)).points < question.points, (mistake.name, question.text)


def points_of(question, function):
    """The points of each part that a function gets."""
    return {
        part.name: replace(question, parts=(part,), mistakes=())
        .mark(answers(replace(question, parts=(part,)), function))
        .points
        for part in question.parts
    }


ABOUT = {  # the part that is about a mistake, where another one tells nothing
    "floor": "ties",
    "0.0 is not in the range": "values on one side of 0.0",
    "the difference in int8": "codes inside the grid",
    "the largest x, not errors": "few values",
    "the term of z_x is forgotten": "one zero point",
    "one scale for all blocks": "other scales, positive and negative",
    "an empty level becomes 0.0": "a level without a value",
}


def test_no_part_is_given_in_full_to_the_mistake_that_it_is_about(questions):
    for question in of_kind(questions, Write):
        for mistake in question.mistakes:
            part = ABOUT.get(mistake.name)
            assert not part or points_of(question, mistake)[part] == 0, (mistake.name, question.text)


def test_no_float_decides_how_z_is_rounded(questions):
    """-r_min/s is far from every integer, or exactly one in every float."""
    for question in of_kind(questions, Write):
        for request in question.requests() if question.name == "my_ruler" else ():
            s, _ = solution(question)(*request.arguments)
            place = Fraction(min(0.0, request.arguments[0].min().item())) / Fraction(s)
            exact = place == 0 or (place.denominator == 1 and Fraction(s).denominator <= 1024)
            assert exact or abs(place - round(place)) > 0.01, request.arguments


# --- values and inputs


def test_right_values_get_all_points_and_each_mistake_loses_those_of_its_value(questions):
    for question in of_kind(questions, Values):
        right = right_answers(question)
        assert question.mark(right).points == question.points
        for place, (name, (value, points)) in enumerate(question.right.items()):
            for wrong, says in question.mistakes.get(name, {}).items():
                given = [*right[:place], Answer(wrong), *right[place + 1 :]]
                mark = question.mark(given)
                assert not equals(wrong, value, question.within)
                assert mark.points == question.points - points and says in mark.recognised, question.text


def test_the_code_is_never_the_real_number_that_it_stands_for(questions):
    for question in of_kind(questions, Values):
        if "back" in question.right:
            s, z = (
                float(n) for n in re.search(r"scale s = (\S+) and .* point\nz = `?([-\d]+)", question.text).groups()
            )
            back = question.right["back"][0]
            assert back / s + z != back, question.text  # else the code would count as the real


def test_a_solution_breaks_the_function(questions):
    for question in of_kind(questions, Break):
        assert question.mark(right_answers(question)).points == question.points
        answer = namespace(question)["breaks"]
        if isinstance(answer, float):
            assert question.judge(-answer) and question.judge(2 * answer)
        else:
            assert question.judge(torch.zeros_like(answer)) and question.judge(answer.double())


def found(text, pattern):
    """The numbers that a pattern finds in a text."""
    match = re.search(pattern, " ".join(text.replace("`", "").split()))
    assert match, (pattern, text)
    return [float(number) for number in match.groups()]


def codes(*values, dtype=torch.int8):
    return torch.tensor(values, dtype=torch.float64).to(dtype)


def test_sums_that_were_worked_out_by_hand_are_those_of_the_library(questions):
    for question in of_kind(questions, Values):
        if "border_sum" in question.right:
            text, right = question.text, {name: value for name, (value, _) in question.right.items()}
            top, least, most = found(text, r"to (\d+) and an input .* can be (-\d+) to (\d+);")
            largest = 128 * top  # in size, of either sign
            assert right["most_products"] * largest <= most < (right["most_products"] + 1) * largest and least < -most
            layer = r"bias (\S+) and .* s_w = (\S+), s_x = (\S+), z_w = 0, z_x = (-\d+), .* up to (-?\d+);"
            bias, s_w, s_x, z_x, total = found(text, layer)
            assert (
                right["sum_start"] == fold_bias(torch.tensor([bias]), s_w, s_x, codes(total)[:, None], int(z_x)).item()
            )
            w, x = (
                codes(*found(text, rf"the {name} (\S+), (\S+), (-?\d+), (?:in|after)")) for name in ("weights", "codes")
            )
            assert (
                right["border_sum"] == integer_conv1d(w[None, None], x[None, None], zero_x=int(z_x), padding=1)[0, 0, 0]
            )
            shifts = r"m = (\d+) after .* by (\d+), rounded .* by (\d+) and .* by (\d+),"
            product, shift, first, second = found(text, shifts)
            assert shift == first + second and right["shifted_once"] == half_up(product, shift)
            assert right["shifted_twice"] == half_up(half_up(product, first), second) != right["shifted_once"]


def half_up(number, shift):
    return math.floor(Fraction(number) / 2 ** int(shift) + Fraction(1, 2))


def test_bytes_that_were_read_by_hand_are_those_of_the_library(questions):
    for question in of_kind(questions, Values):
        if "as_float" in question.right:
            right = {name: value for name, (value, _) in question.right.items()}
            shown = re.search(r"bytes `(.+?)`", question.text)[1]
            block = codes(*bytes.fromhex(shown), *[0x88] * 12, dtype=torch.uint8)
            places = found(question.text, r"place (\d+); .* place (\d+);.* place (\d+) .* half of byte (\d+)")
            low, high, wrong, byte = map(int, places)
            weights = dequantize_gguf(block, "Q4_0")
            assert [right["weight_low"], right["weight_high"]] == [weights[low], weights[high]] and low < 16 <= high
            neighbours = unpack_bits(block[2:], sign="offset") * block[:2].view(torch.float16).float()
            assert right["neighbour"] == neighbours[wrong] != weights[wrong]
            assert right["as_float"] == decode_float(block[2 + byte] & 15, E2M1)
            assert not equals(right["loss_db"], 11.14, 1)  # that of one step, which notebook 10 has


def test_what_needs_no_network_is_what_counting_and_quantlib_say(questions):
    for question in of_kind(questions, Values):
        if "next_leaves" in question.right:
            right = {name: value for name, (value, _) in question.right.items()}
            seen, more, rest = found(
                question.text, r"has seen (\d+) inputs.* of the next (\d+) inputs .* the next (\d+) leave"
            )
            assert right["next_leaves"] == 1 / (seen + 1)
            assert right["one_of_them"] == pytest.approx(
                sum(place >= seen for place in range(int(seen + more))) / (seen + more)
            )
            assert right["leaves_often"] == pytest.approx(records(int(rest) + 1) - 1)
            columns = re.search(
                r"column of inputs, (.+), by, if .* weights is (.+) and\s+α = (\S+);", question.text.replace("`", "")
            )
            x, w = (torch.tensor([[float(n)] for n in column.split(", ")]) for column in columns.groups()[:2])
            assert smoothing_factors(x, w, float(columns[3])).item() == pytest.approx(right["factor"], rel=1e-5)
            stages, outlier = found(question.text, r"after (\d+) stages .* a single (\d+) among")
            block = torch.nn.functional.pad(torch.tensor([outlier]), (0, 2 ** int(stages) - 1))
            mixed = rotate(block, hadamard(len(block))).abs()
            assert mixed.tolist() == pytest.approx([right["largest_mixed"]] * len(block))
            assert right["gain_db"] == pytest.approx(20 * math.log10(outlier / right["largest_mixed"]))


@cache
def records(count):
    """How often a number is the largest so far, on average over all orders."""
    orders = list(permutations(range(count)))
    return sum(order[k] == max(order[: k + 1]) for order in orders for k in range(count)) / len(orders)


def test_bits_and_losses_that_were_counted_by_hand_are_those_of_the_text(questions):
    for question in of_kind(questions, Values):
        if "text_bits" in question.right:
            right, text = {name: value for name, (value, _) in question.right.items()}, " ".join(question.text.split())
            shapes = [(int(a), int(b)) for a, b in re.findall(r"(\d+) × (\d+)", text)]
            bits, size, others = found(text, r"with (\d) bits in groups of (\d+), .* with (\d) bits and a scale")
            (a, b), (c, d), (e, f) = shapes
            total = a * (b * bits + 16 * b / size) + c * (d * others + 16) + 16 * e * f
            assert right["file_bytes"] == total / 8 and total % 8 == 0
            assert right["bits_each"] == pytest.approx(total / (a * b + c * d + e * f))
            chances = re.search(r"probabilities (.+?)\.", text)[1].split(", ")
            assert right["text_bits"] == pytest.approx(
                -sum(math.log2(Fraction(each)) for each in chances) / len(chances)
            )
            exact, quantized = (
                torch.tensor([float(n) for n in each.split(", ")], dtype=torch.float64)
                for each in re.search(
                    r"network takes (.+?) bits per character in float, and quantized (.+?), in the", text
                ).groups()
            )
            assert right["worse_by"] == pytest.approx((quantized - exact).mean().item(), abs=1e-4)
            assert right["worse_error"] == pytest.approx((quantized - exact).std().item() / 5**0.5)


def test_logits_break_the_two_measures_by_their_size_alone(questions):
    for question in of_kind(questions, Break):
        if "likeliest" in question.text:
            names = namespace(question)
            assert not any(question.judge(names["breaks"] * factor) for factor in (1.0, 1.5, 4.0))
            assert question.judge(names["logits"]) == "the text does not take so many bits more"
            assert question.judge(names["breaks"].flip(1)) == "theirs finds the difference"
            assert question.judge(names["breaks"].double()).startswith("it is not a float32 tensor")


def test_a_block_breaks_the_standards_scale_only_where_it_clips(questions):
    for question in of_kind(questions, Break):
        if "largest in size" in question.text:
            low, high = found(question.text, r"from (\S+) to (\S+), and")
            size = torch.linspace(low, high, 100, dtype=torch.float64)
            said = [question.judge(torch.full_like(namespace(question)["breaks"], value)) for value in size.tolist()]
            broken = torch.tensor([text == "" for text in said])
            assert torch.equal(broken, size.log2() % 1 > math.log2(1.5 / 0.78))


def test_no_float_decides_which_level_is_nearest(questions):
    for question in of_kind(questions, Write):
        for request in question.requests() if question.name == "my_step" else ():
            x, levels, *_ = request.arguments
            near = (x[:, None] - levels).abs().sort(1).values
            assert ((near[:, 1] - near[:, 0]) > 0.05).all(), request.arguments


# --- pictures


@cache
def curve(z):
    """The clip and the rounding part of the MSE at each s of the picture."""
    steps = [LEFT + STEP * k for k in range(round((RIGHT - LEFT) / STEP) + 1)]
    return steps, [tuple(part.square().mean().item() for part in split_error(T, s, z)) for s in steps]


@cache
def drawn(picture):
    before, _, call = picture.rpartition("\n")
    names = {"torch": torch}
    exec(before, names)
    return eval(call, names)


def test_a_picture_can_be_drawn(questions):
    for question in of_kind(questions, Explain):
        assert not question.picture or drawn(question.picture) is not None


def test_the_picture_of_the_error_shows_what_is_asked_about_it(questions):
    for question in of_kind(questions, Explain):
        found = re.search(r"draw_split\(T, (.+), (.+)\)", question.picture)
        if found:
            s, z = float(found[1]), int(found[2])
            the_left_falls_by_clip(z)
            the_right_goes_up_and_down_and_nothing_clips(z)
            the_ends_are_named(question, s, z)


def the_left_falls_by_clip(z):
    steps, parts = curve(z)
    left = [(clip, clip + rounding) for s, (clip, rounding) in zip(steps, parts, strict=True) if s < 3.45]
    heights = [mse for _, mse in left]
    assert heights == sorted(heights, reverse=True) and heights[-1] < heights[0] / 5
    assert all(clip > 0.9 * mse for clip, mse in left)


def the_right_goes_up_and_down_and_nothing_clips(z):
    steps, parts = curve(z)
    right = [(clip, clip + rounding) for at, (clip, rounding) in zip(steps, parts, strict=True) if at >= 5]
    assert all(clip == 0 for clip, _ in right)
    changes = [after[1] - before[1] for before, after in pairwise(right)]
    assert min(sum(c > 0 for c in changes), sum(c < 0 for c in changes)) >= 3
    far = [split_error(T, 10 * s, z)[1].square().mean().item() for s in steps]
    assert sum(far) / len(far) > 10 * sum(mse for _, mse in right) / len(right)  # it rises in the long run


def the_ends_are_named(question, s, z):
    codes = unclamped_codes(T, s, z)
    lower, upper = bool((codes < -128).any()), bool((codes > 127).any())
    assert lower or upper
    asked = question.source.partition("so values clip at ")[2].partition(".")[0]
    assert ("the lower end" in asked, "the upper end" in asked) == (lower, upper)
    assert 255 * s < T.max() - T.min()  # so that no z makes the ruler long enough


def test_the_model_answer_says_what_a_reader_does_to_the_block(questions):
    for question in of_kind(questions, Explain):
        found = re.search(r"still\(k=(\d+), r=(\d)\)", question.picture)
        if found:
            block, reader = map(int, found.groups())
            stored = quantize_gguf(load_weight("query").reshape(-1, 32)[block : block + 1], "Q4_0")
            off = (read_blocks(stored, reader) - read_blocks(stored)).flatten()
            assert (reader in (3, 4)) == bool((off == off[0]).all())
            if reader in (3, 4):
                assert f"a step {'up' if off[0] > 0 else 'down'} here" in question.source
            assert bool((off != 0).any())
            shows_and_hides(reader)


@cache
def shows_and_hides(reader):
    """The weights that the model answer names show the mistake of a reader, or hide it."""
    rising, equal = torch.arange(32.0)[None], torch.ones(1, 32)
    hides = {1: equal, 2: equal, 3: 0 * equal, 4: 0 * equal, 6: -rising}[reader]
    for weights, same in ((rising, False), (hides, True)):
        stored = quantize_gguf(weights, "Q4_0")
        assert torch.equal(read_blocks(stored, reader), read_blocks(stored)) == same


# --- texts


def test_what_can_be_copied_from_a_text_is_python(questions):
    for question in questions:
        for code in re.findall(r"`([^`]*)`", question.text):
            assert "−" not in code, question.text
        assert not re.search(r"(?<!\w)−\d", re.sub(r"\$.*?\$", "", question.text)), question.text
        answer = "" if isinstance(question, Explain) else question.source + getattr(question, "example", "")
        assert "−" not in answer
