"""Notebook 05: from a range to a ruler, asymmetric against symmetric, their explorers, figures and known mistakes."""

import pytest
import torch

from quantlib import choose_qparams, fake_quantize, mse
from quantlib.data import T
from quantlib.lab.words import amount, number
from quantlib.lessons.choosing_s_and_z import check_choose_qparams, mistakes
from quantlib.lessons.choosing_s_and_z.contest import draw_contest, explore_contest, verdict
from quantlib.lessons.choosing_s_and_z.exercises import ruler_problem, scale_and_zero_point
from quantlib.lessons.choosing_s_and_z.odd import KINDS, ODD, break_recipe, draw_odd, make
from quantlib.lessons.choosing_s_and_z.pictures import (
    conventions,
    draw_conventions,
    draw_share,
    draw_three_rulers,
    draw_without_zero,
)
from quantlib.lessons.choosing_s_and_z.walk import explore_walk, share_below
from tests.helpers.explored import assert_redraws, wander

FAR = torch.tensor([1000.0, 1010.0, 1020.0, 1050.0])
NORMAL = torch.distributions.Normal(0.0, 1.0).icdf((torch.arange(501) + 0.5) / 501)


def walk_readout(smallest, largest):
    """What the readout of the first explorer must contain for two ends: s, z, and what z rounds."""
    low, high = min(smallest, largest, 0.0), max(smallest, largest, 0.0)
    scale, zero_point, *_ = choose_qparams(torch.tensor([low, high]).float())
    exact = f"{-128 - low / scale.item():.2f}".replace("-0.00", "0.00").replace("-", "−")
    ruler = f"with s = {number(scale.item())} and z = {number(zero_point.item())}, the code of 0.0"
    return f"{ruler}; −128 − r_min/s is {exact}."


def contest_readout(x, b, a):
    """What the readout of the second explorer must contain for bits and a slope: both rulers and both errors."""
    moved = torch.where(x < 0, a * x, x)
    first, second = (choose_qparams(moved, int(b), symmetric=fixed) for fixed in (False, True))
    errors = [amount(mse(moved, fake_quantize(moved, *ruler))) for ruler in (first, second)]
    z = number(first.zero_point.item())
    asymmetric = f"asymmetric has s = {number(first.scale.item())}, z = {z} and the MSE {errors[0]}"
    return f"{asymmetric}, symmetric s = {number(second.scale.item())} and the MSE {errors[1]}."


def contest_readout_of_t(b, a):
    return contest_readout(T, b, a)


def contest_readout_of_normal(b, a):
    return contest_readout(NORMAL, b, a)


# --- the explorer of the range


def test_walk_agrees_with_quantlib_wherever_the_sliders_are():
    explorer = explore_walk(T)
    for values in wander(explorer, 40):
        text = explorer.move(**values)
        assert walk_readout(**values) in text
        assert all(f"{name} = {number(value)}" in text for name, value in values.items())


def test_walk_begins_elsewhere_and_holds_the_range_of_t():
    explorer = explore_walk(T)
    assert explorer.picture.alt.startswith("smallest = −200 and largest = 600: the levels reach from −200.8")
    text = explorer.move(smallest=-184, largest=728.6)
    assert "s = 3.579 and z = −77" in text and "−128 − r_min/s is −76.59." in text
    assert (explorer.controls["smallest"].value, explorer.controls["largest"].value) == (-184.0, 728.6)


def test_z_walks_from_the_first_code_to_the_last():
    explorer = explore_walk(T)
    for ends, z in (((0, 600), "−128"), ((300, 800), "−128"), ((-300, -100), "127"), ((-400, 0), "127")):
        assert f"z = {z}, the code of 0.0" in explorer.move(smallest=ends[0], largest=ends[1])


def test_ends_that_change_places_are_said():
    text = explore_walk(T).move(smallest=500, largest=-300)
    assert "The two change roles." in text and walk_readout(-300, 500) in text


def test_between_two_codes_the_half_is_shown():
    assert "−128 − r_min/s is −0.50." in explore_walk(T).move(smallest=-400, largest=400)


def test_both_ends_can_be_dragged():
    explorer = explore_walk(T)
    lines, _ = explorer.scene.panels
    left, low, right, high = explorer.scene.area(lines)
    width = right - left
    line = low + lines.REALS * (high - low)
    explorer.touched(left + 0.25 * width, line, pressed=True)  # near −200
    explorer.touched(left + 0.10 * width, line, pressed=False)
    at = explorer.scene.place(lines, left + 0.10 * width, line)[0]
    assert explorer.controls["smallest"].value == pytest.approx(at, abs=0.11)
    explorer.touched(left + 0.90 * width, line + 0.1, pressed=True)
    assert explorer.controls["largest"].value == pytest.approx(
        explorer.scene.place(lines, left + 0.9 * width, 0)[0], abs=0.11
    )
    ends = explorer.controls["smallest"].value, explorer.controls["largest"].value
    assert walk_readout(*ends) in explorer.picture.alt
    explorer.touched(left + 0.90 * width, low + 0.1 * (high - low), pressed=True)  # the codes stay where they are
    assert ends == (explorer.controls["smallest"].value, explorer.controls["largest"].value)


def without_zero(x):
    s = (x.max() - x.min()).item() / 255
    return s, -128 - round(x.min().item() / s)


def test_a_ruler_of_the_learner_without_zero_is_drawn_and_named():
    text = explore_walk(T, without_zero).move(smallest=600, largest=700)
    assert (
        "the levels reach from 600 to 700, with s = 0.3922 and z = −1658, no code of int8; −128 − r_min/s is −128.00."
        in text
    )
    assert "quantlib's" not in text


def test_a_range_of_zero_that_the_learner_divides_by_is_said():
    text = explore_walk(T, without_zero).move(smallest=700, largest=700)
    assert "without_zero: it raised ZeroDivisionError" in text and walk_readout(700, 700) in text


def test_blitting_draws_what_a_full_redraw_draws():
    for explorer in (lambda: explore_walk(T), lambda: explore_contest(T), lambda: explore_contest(NORMAL)):
        assert_redraws(explorer)


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (None, "returned None: is a `return` missing?"),
        (3.5, "returned no pair of s and z"),
        ((3.5,), "returned no pair of s and z"),
        ((None, 1), "returned a pair that has None: is a `return` missing?"),
        ((1e-39, 1), "returned a pair that has a step too small or too large for float32"),
        ((1.0, float("nan")), "returned a pair that has NaN or infinity"),
        ((0.0, 1), "returned a pair that has a step that is not positive"),
        ((1.0, 0.5), "returned a pair that has a number that is not a small integer"),
        ((1.0, torch.tensor([1, 2])), "returned a pair that has a tensor of shape (2,), not one number"),
        ((torch.tensor(1.0), torch.tensor(-3)), ""),
    ],
)
def test_what_cannot_be_a_ruler_is_said(value, problem):
    assert ruler_problem(value, T) == problem


@pytest.mark.parametrize("ruler", [(1e-37, 999_999), (1e38, -999_999), (1.0, 0), (2.0**-126, -128)])
def test_any_ruler_of_the_learner_can_be_drawn(ruler):
    explorer = explore_walk(T, lambda x: ruler)
    for values in wander(explorer, 0):
        explorer.move(**values)
        assert "could not be drawn" not in explorer.page.value and "quantlib's" not in explorer.picture.alt


def test_the_share_of_a_range_below_zero():
    assert [share_below(*ends) for ends in ((-1.0, 3.0), (0.0, 6.0), (-2.0, 0.0), (0.0, 0.0))] == [0.25, 0, 1, 0]


# --- the contest


@pytest.mark.parametrize("x", [T, NORMAL], ids=["T", "normal"])
def test_contest_agrees_with_quantlib_wherever_the_sliders_are(x):
    explorer = explore_contest(x)
    for values in wander(explorer, 15):
        text = explorer.move(**values)
        assert contest_readout(x, **values) in text
        assert all(f"{name} = {number(value)}" in text for name, value in values.items())


def rounds(x, slope=1.0):
    """The contest over x at each number of bits."""
    return explore_contest(x).compute(b=8, a=slope).rounds


def test_symmetric_wins_on_the_seed_at_five_bits_only():
    assert [bits for bits, each in rounds(T).items() if each.lead < 0] == [5]
    assert verdict(rounds(T)[5].lead) == "symmetric is better by 2.65 dB"


def test_the_steps_of_symmetric_are_never_finer():
    for x in (T, -T, T.abs(), -T.abs(), NORMAL, FAR):
        assert all(each.promised > 0 for each in rounds(x).values())


def test_with_many_values_the_contest_follows_the_steps():
    for slope in (0.0, 0.5, 1.0):
        assert all(abs(each.lead - each.promised) < 0.4 for bits, each in rounds(NORMAL, slope).items() if bits >= 4)


def test_equal_rulers_are_said_to_be_equal():
    assert verdict(rounds(torch.zeros(3))[4].lead) == "the two are equal"


def coarse(x, bits):
    return x.abs().max() / 2 ** (bits - 2)


def test_the_learners_scale_drives_the_contest():
    assert f"symmetric s = {number((T.max() / 4).item())}" in explore_contest(T, coarse).picture.alt


def unwritten(x, bits): ...


def zero(x, bits):
    return 0.0


@pytest.mark.parametrize("function", [unwritten, zero], ids=lambda f: f.__name__)
def test_contest_stays_usable_whatever_the_function_does(function):
    explorer = explore_contest(T, function)
    for values in wander(explorer, 0):
        text = explorer.move(**values)
        assert f"{function.__name__}: it" in text and "The picture shows quantlib's instead." in text
        assert contest_readout(T, **values) in text


# --- figures


def test_the_four_numbers_far_from_zero():
    assert "0.0; it would need the code −5,228. The values are 1000, 1010, 1020, 1050." in draw_without_zero(FAR).alt
    alt = draw_three_rulers(FAR).alt
    assert "z = −5,228: levels from 1000 to 1050; 1 of 5 values clips." in alt
    assert "clamped to −128: levels from 0 to 50; 4 of 5 values clip." in alt and alt.endswith("no value clips.")


def test_share_names_z_for_each_range():
    alt = draw_share({"ReLU6": (0.0, 6.0), "T": (-184.0, 728.6)}).alt
    assert "ReLU6, 0 to 6: z = −128; T, −184 to 728.6: z = −77." in alt


def test_conventions_say_how_far_the_ends_lie_from_a_level():
    alt = draw_conventions(3).alt
    assert "max|x| / 3: −1 is on a level and 1 is on a level" in alt
    assert "max|x| / 3.5: −1 is half a step off and 1 is half a step off" in alt
    assert "max|x| / 4: −1 is on a level and 1 is a step off" in alt


def test_eight_bits_divide_by_127_or_half_more_or_128():
    assert list(conventions(8).values()) == [127.0, 127.5, 128.0]


def test_contest_says_both_rulers():
    alt = draw_contest(T, 5).alt
    assert alt.startswith("Two rulers over the same values. b = 5 and a = 1: symmetric is better by 2.65 dB;")
    assert contest_readout(T, 5, 1.0) in alt


def test_no_title_names_a_winner_before_a_slider_moves():
    explorer = explore_contest(T)
    assert "5 bits" not in explorer.picture.alt
    titles = [panel.title.text for panel in explorer.scene.panels]
    assert not any("wins" in title or "better" in title for title in titles)


def test_negative_values_are_spoken_of_only_where_they_are_moved():
    explorer = explore_contest(T)
    values = explorer.scene.panels[0]
    assert (explorer.move(b=3), values.title.text) == (explorer.picture.alt, "two rulers of 3 bits")
    explorer.move(a=0.5)
    assert values.title.text == "two rulers of 3 bits, negative values times 0.5"


@pytest.mark.parametrize(("bits", "beyond"), [(2, [False, False, True, False]), (8, [False] * 4)])
def test_an_arrow_says_that_a_ruler_goes_on_beyond_the_axes(bits, beyond):
    explorer = explore_contest(T, bits=bits)
    strips = explorer.scene.panels[1:3]
    assert explorer.live and [arrow.get_visible() for strip in strips for arrow in strip._beyond] == beyond


def test_a_bar_can_be_clicked():
    explorer = explore_contest(T)
    *_, bars = explorer.scene.panels
    left, low, right, high = explorer.scene.area(bars)
    for share, bits in ((0.05, 2), (0.5, 5), (0.95, 8)):
        explorer.touched(left + share * (right - left), (low + high) / 2, pressed=True)
        assert explorer.controls["b"].value == bits and contest_readout(T, bits, 1.0) in explorer.picture.alt


# --- odd inputs


def careless(x):
    s = (x.max() - x.min()) / 255
    return s, (-128 - x.min() / s).round()


BROKEN = {
    "5, 5, 5": "s is 0",
    "3e38 -2e38": "s is infinite",
    "nan, 1": "s is NaN",
    "−3, −2": "z is no code",
    "": "an error",
}


def test_a_recipe_can_be_broken_in_every_way():
    search = break_recipe(careless)
    for text, fault in BROKEN.items():
        assert f"Broken: {fault}." in search.attempt(text)
    assert search.found == list(KINDS) and search.attempt("0, 2").endswith("5 of 5 ways: " + ", ".join(KINDS) + ".")
    assert "This ruler is usable." in search.attempt("-1, 1e6") and len(search.tried) == 7


def test_a_recipe_that_is_not_written_yet_is_not_called_broken():
    def my_choose_qparams(x): ...

    search = break_recipe(my_choose_qparams)
    assert search.attempt("5") == "my_choose_qparams is not written yet." and not search.tried


def test_what_is_no_number_does_not_count():
    search = break_recipe(careless)
    assert search.attempt("5; x").startswith("These must be numbers") and not search.tried


def test_the_page_shows_every_try_beside_quantlibs():
    search = break_recipe(careless)
    search.box.value = "5, 5, 5"
    search.button.click()
    table = search.result.value
    assert "Broken: s is 0." in table and ">s = 0.0196, z = −128<" in table and 'scope="col"' in table
    search.box.value = "inf"
    search.button.click()
    assert search.result.value.count("<tr>") == 3 and "refuses it" in search.result.value


@pytest.mark.parametrize("recipe", [lambda x: [], lambda x: 3.0, lambda x: 1 / 0, lambda x: "ab", lambda x: (1, "z")])
def test_a_recipe_may_do_anything(recipe):
    assert "Broken: an error." in break_recipe(recipe).attempt("1")


def test_quantlibs_recipe_is_broken_by_refusals_alone():
    faults = {name: make(lambda x: choose_qparams(x)[:2], values).fault for name, values in ODD.items()}
    assert {name for name, fault in faults.items() if fault} == {"not a number", "infinite", "empty"}


def test_the_table_of_odd_inputs_says_what_is_wrong_with_each():
    alt = draw_odd(careless).alt
    assert alt.startswith("The recipe is usable for 2 of 12 odd inputs.")
    assert "one number: s is 0; all positive: z is no code" in alt and "empty: an error" in alt
    some = draw_odd(careless, ("constant", "outlier")).alt
    assert some == "The recipe is usable for 1 of 2 odd inputs. constant: s is 0; outlier: usable."


# --- the mistakes: the smallest input that shows each, and what comes

PAIRS = [
    ("plain_range", [1.0, 2.0], (1.0, 2.0)),
    ("clamped_to_the_wrong_side", [1.0], (1.0, 0.0)),
    ("widens_only_below", [-1.0], (-1.0, -1.0)),
    ("widens_only_above", [1.0], (1.0, 1.0)),
    ("begins_at_zero", [-1.0], (0.0, 0.0)),
    ("largest_first", [1.0], (1.0, 0.0)),
    ("as_far_on_both_sides", [1.0], (-1.0, 1.0)),
    ("range_without_zero", [255.0, 510.0], (1.0, -383.0)),
    ("clamps_the_zero_point", [255.0, 510.0], (1.0, -128.0)),
    ("only_r_min_contains_zero", [-510.0, -255.0], (1.0, 382.0)),
    ("only_r_max_contains_zero", [255.0, 510.0], (1.0, -383.0)),
    ("zero_point_of_the_smallest_value", [2.0, 255.0], (1.0, -130.0)),
    ("opposite_zero_point", [255.0], (1.0, 128.0)),
    ("zero_point_below_the_grid", [-1.0, 254.0], (1.0, -129.0)),
    ("zero_point_with_a_fraction", [-0.25, 254.75], (1.0, -127.75)),
    ("truncates_the_zero_point", [-0.25, 254.75], (1.0, -127.0)),
    ("truncates_the_steps_to_zero", [-0.75, 254.25], (1.0, -128.0)),
    ("steps_of_256_codes", [256.0], (1.0, -128.0)),
    ("steps_of_half_the_codes", [127.0], (1.0, -128.0)),
    ("one_step_for_the_range", [3.0], (3.0, -128.0)),
    ("zero_point_first", [255.0], (-128.0, 1.0)),
    ("zero_point_of_uint8", [255.0], (1.0, 0.0)),
    ("symmetric_ruler", [127.0], (1.0, 0.0)),
    ("reciprocal_ruler", [127.5], (2.0, -128.0)),
    ("minimum_in_place_of_z", [-3.0, 252.0], (1.0, -3.0)),
    ("divides_zero_by_zero", [0.0], (0.0, torch.nan)),
    ("divides_zero_by_zero_in_float32", [3e38, -2e38], (torch.inf, -128.0)),
    ("overflows_in_float32", [3e38, -2e38], (torch.inf, -128.0)),
    ("divides_zero_by_zero_and_casts", [255.0], (1.0, -128.0)),
    ("scale_of_at_least_1e_8", [255e-9], (1e-8, -128.0)),
    ("scale_of_at_least_eps_of_float32", [1e-9], (torch.finfo(torch.float32).eps, -128.0)),
    ("scale_of_at_least_1e_6", [1e-9], (1e-6, -128.0)),
    ("scale_of_at_least_1e_5", [1e-9], (1e-5, -128.0)),
    ("scale_of_at_least_1e_3", [1e-9], (1e-3, -128.0)),
    ("scale_of_at_least_1e_2", [1e-9], (1e-2, -128.0)),
    ("range_of_at_least_1e_8", [1e-9], (1e-8 / 255, -128.0)),
    ("scale_plus_1e_8", [0.0], (1e-8, -128.0)),
    ("underflows_in_float32", [1e-44], (torch.tensor(1e-44).item() / 255, -128.0)),
]


@pytest.mark.parametrize(("name", "values", "pair"), PAIRS)
def test_the_smallest_input_that_shows_a_wrong_range_or_ruler(name, values, pair):
    came = getattr(mistakes, name)(torch.tensor(values))
    assert tuple(map(float, came)) == pytest.approx(pair, rel=1e-9, abs=0.0, nan_ok=True)


SCALES = [
    ("always_127", [127.0], 4, 1.0),
    ("steps_of_unsigned_codes", [15.0], 4, 1.0),
    ("steps_of_one_bit_less", [3.0], 4, 1.0),
    ("xor_for_a_power", [4.0], 8, 1.0),
    ("xor_in_parentheses", [4.0], 8, 1.0),
    ("largest_value_symmetric", [-2.0, 7.0, -9.0], 4, 1.0),
    ("size_of_the_largest_value", [-9.0, -7.0], 4, 1.0),
    ("one_step_for_the_reach", [-3.0], 4, 3.0),
    ("steps_down_to_the_lowest_code", [8.0], 4, 1.0),
    ("half_of_all_steps", [7.5], 4, 1.0),
    ("asymmetric_scale", [-5.0, 10.0], 4, 1.0),
    ("reciprocal_symmetric", [-7.0], 4, 1.0),
    ("half_of_the_range", [0.0, 14.0], 4, 1.0),
    ("symmetric_scale_of_at_least_1e_8", [1e-9], 8, 1e-8),
    ("scale_of_zero", [0.0], 8, 0.0),
]


@pytest.mark.parametrize(("name", "values", "bits", "scale"), SCALES)
def test_the_smallest_input_that_shows_a_wrong_symmetric_scale(name, values, bits, scale):
    assert getattr(mistakes, name)(torch.tensor(values), bits).item() == pytest.approx(scale)


def test_every_mistake_of_this_subject_has_its_input():
    known = [m.function.__name__ for of_one in mistakes.known.values() for m in of_one]
    assert set(known) == {name for name, *_ in (*PAIRS, *SCALES)}


# --- the checks: what counts as right


@pytest.mark.parametrize("nothing", [(1.0, -128), (1.0, 0), (1e-8, 5), (torch.tensor(1e-40), torch.tensor(127))])
def test_for_a_range_of_zero_every_ruler_is_right(nothing):
    def mine(x):
        return nothing if x.abs().max() < 1e-40 else choose_qparams(x)[:2]

    assert check_choose_qparams(mine).status == "right"


@pytest.mark.parametrize("nothing", [(0.0, -128), (-1.0, 0), (1.0, 128), (1.0, 0.5), (torch.nan, 0), (1e-46, 0)])
def test_but_not_one_that_is_none(nothing):
    def mine(x):
        return nothing if x.abs().max() == 0 else choose_qparams(x)[:2]

    assert "with x = [0.0], mine gave (" in check_choose_qparams(mine).message


def test_a_fraction_is_shown_as_a_number_and_not_as_a_dtype():
    message = check_choose_qparams(mistakes.zero_point_with_a_fraction.function).message
    assert "gave (0.0156863, 63.25); it should give (0.0156863, 63)." in message


def test_two_mistakes_are_named_by_the_ordinary_one():
    def mine(x):  # 256 steps, and no guard, and float32
        low, high = x.min().clamp(max=0), x.max().clamp(min=0)
        s = (high - low) / 256
        return s, (-128 - low / s).round()

    assert check_choose_qparams(mine).misconceptions == ("256 steps where there are 255",)


def test_a_whole_float_is_a_zero_point():
    s, z = scale_and_zero_point((0.5, torch.tensor(-77.0)))
    assert s.dtype == torch.float64 and z.dtype == torch.int64
    assert scale_and_zero_point((0.5, torch.inf))[1].is_floating_point()


# What learners write, as they write it: by exercise and mistake, lines that return what comes of it. None is ours.
# A float is never cast to int8 beyond its range, which would be undefined; it goes through an integer, which keeps the
# lowest 8 bits.
WRITTEN = {
    "widen": {
        "0.0 is left out": ["(x.min(), x.max())"],
        "minimum and maximum with 0 are swapped": ["(max(x.min().item(), 0.0), min(x.max().item(), 0.0))"],
        "only the lower end is widened": ["(min(x.min().item(), 0.0), x.max().item())"],
        "only the upper end is widened": ["(x.min(), x.max().clamp(min=0.0))"],
        "the range always begins at 0.0": ["(0.0, max(0.0, x.max().item()))"],
        "r_max comes first": ["(x.max().clamp(min=0.0), x.min().clamp(max=0.0))"],
        "the symmetric range": ["(-x.abs().max(), x.abs().max())"],
    },
    "choose_qparams": {
        "0.0 is not in the range": [
            "((x.max() - x.min()) / 255, torch.round(-128 - x.min() / (x.max() - x.min()) * 255))",
            "((x.max() - x.min()).item() / 255, round(-128 - x.min().item() / (x.max() - x.min()).item() * 255))",
        ],
        "z is clamped where the range lacks 0.0": [
            "((x.max() - x.min()) / 255, (-128 - x.min() / (x.max() - x.min()) * 255).round().clamp(-128, 127).int())",
        ],
        "only one end is widened to 0.0": [
            "((x.max() - low) / 255, -128 - torch.round(low / (x.max() - low) * 255))",
            "((high - x.min()) / 255, torch.round(-128 - x.min() / (high - x.min()) * 255))",
        ],
        "z from the smallest value, not r_min": ["(s, -128 - round(x.min().item() / s))"],
        "z has the opposite sign": ["(s, 128 + round(low / s))"],
        "the sign of r_min": ["(s, -128 + round(low / s))"],
        "z is not rounded": ["(s, -128 - low / s)"],
        "truncation where rounding is meant": ["(s, int(-128 - low / s))", "(s, -128 - int(low / s))"],
        "256 steps where there are 255": ["((high - low) / 256, -128 - round(low / (high - low) * 256))"],
        "127 steps where there are 255": ["((high - low) / 127, -128 - round(low / (high - low) * 127))"],
        "the whole range, not one step": ["(high - low, -128 - round(low / (high - low)))"],
        "z comes first": ["(-128 - round(low / s), s)"],
        "counted from 0, not from -128": ["(s, -round(low / s))"],
        "the symmetric ruler": ["(x.abs().max() / 127, 0)"],
        "the reciprocal of s": ["(1 / s, -128 - round(low / s))"],
        "r_min in place of z": ["(s, low)"],
        "a range of 0 is divided by 0": [
            "(t, -128 - torch.round(low / t)) if len([t := torch.tensor(s, dtype=torch.float64)]) else None",
            "((x.max().clamp(min=0) - x.min().clamp(max=0)) / 255, torch.round(-128 - x.min().clamp(max=0)"
            " / ((x.max().clamp(min=0) - x.min().clamp(max=0)) / 255)))",
            "((x.max().clamp(min=0) - x.min().clamp(max=0)) / 255, torch.round(-128 - x.min().clamp(max=0)"
            " / ((x.max().clamp(min=0) - x.min().clamp(max=0)) / 255)).int())",
        ],
        "the smallest scale is too large": [
            f"(t, round(-128 - low / t)) if (t := max(s, {smallest})) else None"
            for smallest in ("1e-8", "torch.finfo(torch.float32).eps", "1e-6", "1e-5", "1e-3", "0.01", "1e-8 / 255")
        ],
        "a small number is added to s": ["(s + 1e-8, round(-128 - low / (s + 1e-8)))"],
        "the range overflows in float32": [
            "(d / 255, -128 - torch.round(low / d * 255).int())"
            " if (d := torch.tensor(high) - low) / 255 > 0 else (1.0, -128)",
            "(d, -128 - torch.round(low / d).int())"
            " if (d := ((torch.tensor(high) - low) / 255).clamp(min=torch.finfo(torch.float32).tiny)) else None",
        ],
        "s is too small for float32": [
            "(s or 1.0, -128 - round(low / (s or 1.0)))",
            "(s, -128 - round(low / s)) if high > low else (1.0, 0)",
        ],
    },
    "symmetric": {
        "bits is ignored": ["x.abs().max() / 127"],
        "the largest code of an unsigned grid": ["x.abs().max() / (2**bits - 1)"],
        "one bit too few": ["x.abs().max() / (2 ** (bits - 2) - 1)"],
        "^ where ** is meant": [
            "x.abs().max() / (2 ^ (bits - 1) - 1)",
            "x.abs().max() / ((2 ^ (bits - 1)) - 1)",
            "x.abs().max().item() / (2 ^ (bits - 1) - 1)",
            "x.abs().max().item() / ((2 ^ (bits - 1)) - 1) or 1.0",
        ],
        "max where max|x| is meant": ["x.max() / (2 ** (bits - 1) - 1)"],
        "|max| where max|x| is meant": ["abs(x.max().item()) / (2 ** (bits - 1) - 1)"],
        "not divided by the largest code": ["x.abs().max()"],
        "max|x| / 2^(bits-1)": ["x.abs().max() / 2 ** (bits - 1)"],
        "max|x| over half of the whole grid": ["x.abs().max() / (2 ** (bits - 1) - 0.5)"],
        "the asymmetric scale": ["(x.max().clamp(min=0) - x.min().clamp(max=0)) / (2**bits - 1)"],
        "half of the range, not max|x|": ["(x.max() - x.min()) / 2 / (2 ** (bits - 1) - 1)"],
        "the smallest scale is too large": ["max(x.abs().max().item() / (2 ** (bits - 1) - 1), 1e-8)"],
        "the reciprocal of the scale": ["(2 ** (bits - 1) - 1) / x.abs().max()"],
        "a range of 0 gives s = 0": ["x.abs().max() / (2 ** (bits - 1) - 1)", "x.abs().max() / (2**bits / 2 - 1)"],
    },
}

# What a learner has worked out before.
BEFORE = {
    "choose_qparams": {
        "low": "min(x.min().item(), 0.0)",
        "high": "max(x.max().item(), 0.0)",
        "s": "(high - low) / 255",
    },
}


READOUTS = [walk_readout, contest_readout_of_t, contest_readout_of_normal]
