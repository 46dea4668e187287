"""Each check, tried with right answers, with nothing, with every misconception, and with functions that misbehave."""

import inspect
import math
import re
from itertools import combinations

import pytest
import torch

from quantlib import choose_qparams, dequantize, l2_error, quantize, round_half_away, sqnr_db, wrap
from quantlib.data import T
from quantlib.lab import exercise as engine
from quantlib.lab.learner import call
from quantlib.lab.same import equal, same, show, shown
from quantlib.lab.verdict import Verdict
from quantlib.lessons.bug_museum import bugs as wrong
from tests.helpers.lessons import EXERCISES

CHECKS = {name: exercise.check for name, exercise in EXERCISES.items()}
quantize_to = EXERCISES["fake_quantize"].reference
PAIR = ("no clamp before the cast", "cast before adding z")  # no 8-bit behaviour tells these two apart

each = pytest.mark.parametrize("exercise", CHECKS)


# --- right answers, each written in another way


def quantize_by_loops(x, s, z):
    codes = [max(-128, min(127, round(v / s + z))) for v in x.flatten().tolist()]
    return torch.tensor(codes, dtype=torch.int8).reshape(x.shape)


def quantize_rounding_first(x, s, z):
    return torch.minimum(torch.maximum((x * (1 / s)).round() + z, torch.tensor(-128)), torch.tensor(127)).char()


def quantize_with_other_bounds(x, s, z, quant_min=-128, quant_max=127):
    return torch.clamp(torch.round(x.double() / s + z), quant_min, quant_max).to(torch.int8)


def quantize_half_up(x, s, z):
    return torch.clamp(torch.floor(x / s + z + 0.5), -128, 127).to(torch.int8)


def split_by_masks(x, s, z):
    codes = torch.round(x / s + z)
    error = x - s * (codes.clamp(-128, 127) - z)
    outside = (codes < -128) | (codes > 127)
    return error * outside, error * ~outside


def split_by_assignment(x, s, z):
    error = x.double() - dequantize(quantize(x, s, z), s, z)
    clip, codes = torch.zeros_like(error), torch.round(x / s + z)
    clip[codes > 127] = error[codes > 127]
    clip[codes < -128] = error[codes < -128]
    return [clip, error - clip]


def wrap_by_steps(v):
    v = v.clone()
    while (v > 127).any() or (v < -128).any():
        v = torch.where(v > 127, v - 256, v)
        v = torch.where(v < -128, v + 256, v)
    return v.to(torch.int8)


def choose_with_python_floats(x):
    low, high = min(x.min().item(), 0.0), max(x.max().item(), 0.0)
    s = max((high - low) / 255, torch.finfo(torch.float32).tiny)
    return s, -128 - round(low / s)


def choose_in_float32(x):
    low, high = x.min().clamp(max=0.0), x.max().clamp(min=0.0)
    s = (high / 255 - low / 255).clamp(min=torch.finfo(torch.float32).tiny)  # the difference would overflow
    return s, -128 - torch.round(low / s)


def choose_in_float64(x):
    x = torch.cat([x.double().flatten(), torch.zeros(1)])
    s = ((x.max() - x.min()) / 255).clamp(min=1e-37)
    return s, torch.round(127 - x.max() / s).int()


UPS = (0, 0), (0, 1), (1, 0), (1, 1)


def round_half_away_in_float64(v):
    return v.sign() * (v.double().abs() + 0.5).floor()


def largest(bits):
    return 2 ** (bits - 1) - 1


def loss(q, w, x):
    return (x.double() @ (q - w.double())).square().mean().item()


def best_of_four(w, x):
    low, found = w.floor(), {}
    for up in UPS:
        q = low + torch.tensor(up)
        found[((x @ q - x @ w) ** 2).sum().item()] = q
    return found[min(found)]


RIGHT = {
    "quantize": [
        quantize,
        lambda x, s, z: torch.clamp(torch.round(x / s + z), -128, 127).to(torch.int8),
        quantize_by_loops,
        quantize_rounding_first,
        quantize_with_other_bounds,
        quantize_half_up,
    ],
    "dequantize": [
        dequantize,
        lambda q, s, z: s * (q.float() - z),
        lambda q, s, z: (q.double() - z) * s,
        lambda q, s, z: s * q.float() - s * z,
        lambda q, s, z: torch.tensor([s * (v - z) for v in q.flatten().tolist()]).reshape(q.shape),
    ],
    "clamp": [
        torch.clamp,
        lambda v, quant_min, quant_max: torch.where(v > quant_max, quant_max, torch.where(v < quant_min, quant_min, v)),
        lambda v, quant_min, quant_max: torch.minimum(
            torch.maximum(v, torch.tensor(quant_min)), torch.tensor(quant_max)
        ),
        lambda v, quant_min, quant_max: (
            v.long().clamp(quant_min, quant_max)
            if not v.is_floating_point()
            else v.double().clamp(min=quant_min).clamp(max=quant_max)
        ),
    ],
    "split_error": [split_by_masks, split_by_assignment],
    "wrap": [
        wrap,
        lambda v: v.long().to(torch.int8),
        lambda v: (torch.remainder(v + 128, 256) - 128).to(torch.int8),
        wrap_by_steps,
    ],
    "max_abs": [
        lambda x: x.abs().max() / 127,
        lambda x: max(abs(v) for v in x.flatten().tolist()) / 127,
        lambda x: torch.maximum(x.max(), -x.min()).double() / 127,
        lambda x: torch.linalg.vector_norm(x, torch.inf).item() / 127.0,
    ],
    "widen": [
        lambda x: (min(x.min().item(), 0.0), max(x.max().item(), 0.0)),
        lambda x: [x.min().clamp(max=0), torch.tensor([0.0, x.max()]).max()],
        lambda x: torch.cat([x.flatten(), torch.zeros(1)]).aminmax(),
    ],
    "choose_qparams": [
        lambda x: choose_qparams(x)[:2],
        choose_with_python_floats,
        choose_in_float64,
        choose_in_float32,
    ],
    "symmetric": [
        lambda x, bits: choose_qparams(x, bits, symmetric=True).scale,
        lambda x, bits: x.abs().max() / (2 ** (bits - 1) - 1) or 1.0,
        lambda x, bits: max(x.abs().max().item(), 1e-30) / (2**bits // 2 - 1),
    ],
    "fake_quantize": [
        lambda x, alpha, bits: quantize_to(x, alpha, bits),
        lambda x, alpha, bits: (
            x.div(alpha / largest(bits)).round().clamp(-largest(bits), largest(bits)) * (alpha / largest(bits))
        ),
        lambda x, alpha, bits: torch.round(x.clamp(-alpha, alpha) * largest(bits) / alpha) * alpha / largest(bits),
    ],
    "percentile": [
        lambda x, percent: x.abs().flatten().sort().values[math.ceil(percent / 100 * x.numel()) - 1],
        lambda x, percent: x.abs().flatten().kthvalue(math.ceil(percent * x.numel() / 100)).values.item(),
        lambda x, percent: min(
            a for a in x.abs().flatten().tolist() if (x.abs() <= a).double().mean() >= percent / 100
        ),
        lambda x, percent: (
            torch.quantile(x.abs().flatten(), percent / 100, interpolation="higher")
            if percent == 100
            else sorted(map(abs, x.flatten().tolist()))[-1 - int(x.numel() * (100 - percent) / 100 + 1e-6)]
        ),
    ],
    "best_alpha": [
        lambda x, bits, alphas: alphas[
            torch.stack([(x - quantize_to(x, a, bits)).square().mean() for a in alphas.tolist()]).argmin()
        ],
        lambda x, bits, alphas: min(alphas.tolist(), key=lambda a: (x - quantize_to(x, a, bits)).norm()),
    ],
    "round_half_away": [
        round_half_away,
        round_half_away_in_float64,
        lambda v: torch.where((v - v.trunc()).abs() < 0.5, v.trunc(), v.trunc() + v.sign()),
        lambda v: torch.tensor([math.copysign(int(abs(r) + 0.5), r) for r in v.flatten().tolist()]).reshape(v.shape),
    ],
    "stochastic_round": [
        lambda v, u: v.floor() + (u < v - v.floor()),
        lambda v, u: torch.where(u < v - v.floor(), v.ceil(), v.floor()),
        lambda v, u: torch.where(u < v % 1, v.double().floor() + 1, v.double().floor()),
        lambda v, u: v.floor() + torch.ceil(v - v.floor() - u).clamp(min=0),
    ],
    "best_rounding": [
        best_of_four,
        lambda w, x: w.floor() + torch.tensor(min(UPS, key=lambda up: (x @ (w.floor() - w + torch.tensor(up))).norm())),
        lambda w, x: min((w.double().floor() + torch.tensor(up) for up in UPS), key=lambda q: loss(q, w, x)),
    ],
    "step": [
        lambda x: (x.max() - x.min()) / 255,
        lambda x: x.max().item() / 255 - x.min().item() / 255,
    ],
    "zero": [
        lambda x: torch.round(-x.min() / ((x.max() - x.min()) / 255)) - 128,
        lambda x: 127 - round(x.max().item() / (x.max().item() - x.min().item()) * 255),
        lambda x: round(-128 - x.min().item() * 255 / (x.max() - x.min()).item()),
    ],
    "l2": [
        l2_error,
        lambda x, x_hat: torch.linalg.norm(x - x_hat),
        lambda x, x_hat: ((x - x_hat) ** 2).sum().sqrt().item(),
        lambda x, x_hat: math.dist(x.flatten().tolist(), x_hat.flatten().tolist()),
    ],
    "sqnr": [
        sqnr_db,
        lambda x, x_hat: 10 * torch.log10((x**2).sum() / ((x - x_hat) ** 2).sum()),
        lambda x, x_hat: 20 * math.log10(x.norm() / (x - x_hat).norm()),
        lambda x, x_hat: 10 * (torch.log((x**2).mean()) - torch.log(((x - x_hat) ** 2).mean())).item() / math.log(10),
    ],
}


@pytest.mark.parametrize(("exercise", "f"), [(exercise, f) for exercise, fs in RIGHT.items() for f in fs])
def test_right_answers_are_right(exercise, f):
    verdict = CHECKS[exercise](f)
    assert verdict.status == "right", verdict
    assert verdict.hints == verdict.misconceptions == ()


def test_a_right_verdict_says_what_was_tried():
    def my_quantize(x, s, z):
        return quantize(x, s, z)

    cases = len(EXERCISES["quantize"].cases)
    text = f"my_quantize gives what it should for all {cases} inputs tried: edge cases and random ones."
    assert repr(CHECKS["quantize"](my_quantize)) == f"right: {text}"


@each
def test_a_right_verdict_names_no_matrix_that_a_function_never_gets(exercise):
    assert " T " not in CHECKS[exercise](EXERCISES[exercise].reference).message


# --- nothing


def ellipsis(*arguments): ...


def returns_none(*arguments):
    return None


def says_so(*arguments):
    raise NotImplementedError("later")


@each
@pytest.mark.parametrize("f", [ellipsis, returns_none, says_so, lambda *arguments: ...])
def test_what_is_not_written_yet_is_not_called_wrong(exercise, f):
    name = f.__name__ if f.__name__ != "<lambda>" else "your function"
    assert repr(CHECKS[exercise](f)) == f"not written yet: {name}."


@each
@pytest.mark.parametrize("f", [None, ...])
def test_no_function_at_all_is_not_written_yet(exercise, f):
    assert repr(CHECKS[exercise](f)) == "not written yet: your function."


# --- misconceptions

TABLE = [(name, m) for name, exercise in EXERCISES.items() for m in exercise.known]


@pytest.mark.parametrize(("exercise", "m"), TABLE, ids=[f"{exercise}-{m.function.__name__}" for exercise, m in TABLE])
def test_every_misconception_is_named(exercise, m):
    verdict = CHECKS[exercise](m.function)
    assert verdict.status == "wrong"
    if m.name in PAIR and exercise == "quantize":
        assert verdict.misconceptions == PAIR
        assert f"Looks like: {PAIR[0]}, or {PAIR[1]}." in verdict.message
    else:
        assert verdict.misconceptions == (m.name,)
        kind = "This is another convention" if m.convention else "Looks like"
        assert f"{kind}: {m.name}. {m.says}" in verdict.message
    assert m.hint in verdict.hints and verdict.hints[-len(EXERCISES[exercise].hints) :] == EXERCISES[exercise].hints


@each
def test_the_misconceptions_take_what_the_check_gives(exercise):
    for m in EXERCISES[exercise].known:
        assert tuple(inspect.signature(m.function).parameters) == EXERCISES[exercise].parameters


@each
def test_no_two_misconceptions_behave_alike_but_the_documented_pair(exercise):
    check = EXERCISES[exercise]

    def behaviour(m):
        return [check.unpack(call(m, *arguments).value) for arguments in check.cases]

    def alike_in(a, b, arguments):
        """Codes are the same only in the same dtype."""
        dtypes = {tuple(part.dtype for part in parts) for parts in (a, b)}
        return same(a, b, arguments) and not (check.codes and len(dtypes) > 1)

    known = [(m, behaviour(m)) for m in (*EXERCISES[exercise].known, check.reference)]
    alike = [
        (getattr(m, "name", ""), getattr(other, "name", "right"))
        for (m, a), (other, b) in combinations(known, 2)
        if all(alike_in(*each) for each in zip(a, b, check.cases, strict=True))
    ]
    changing = {"quantize": ("x is changed in place", "right"), "clamp": ("v is changed in place", "right")}
    assert alike == ([PAIR] if exercise == "quantize" else []) + ([changing[exercise]] if exercise in changing else [])


def test_only_what_says_so_changes_its_input():
    def changes(exercise, m):
        return any(call(m, *arguments).changed for arguments in EXERCISES[exercise].cases)

    assert {m.name for exercise, m in TABLE if changes(exercise, m)} == {
        "x is changed in place",
        "v is changed in place",
    }


# --- what a verdict says


def my(f):
    def mine(*arguments):
        return f(*arguments)

    return mine


SAID = [
    ("quantize", wrong.no_clamp.function, "with x = [128.0], s = 1.0, z = 0, mine gave [-128]; it should give [127]."),
    ("quantize", wrong.truncates.function, "with x = [0.6], s = 1.0, z = 0, mine gave [0]; it should give [1]."),
    (
        "dequantize",
        wrong.adds_zero_point_last.function,
        "with q = [1], s = 1.0, z = 1, mine gave [2.0]; it should give [0.0].",
    ),
    ("max_abs", wrong.abs_of_max.function, "with x = [-2.0, 1.0], mine gave 0.00787402; it should give 0.015748."),
    (
        "split_error",
        wrong.reverses_signs.function,
        "with x = [0.25], s = 1.0, z = 0, mine gave ([0.0], [-0.25]); it should give ([0.0], [0.25]).",
    ),
    ("l2", wrong.forgets_root.function, "with x = [0.0], x_hat = [2.0], mine gave 4.0; it should give 2.0."),
    ("quantize", lambda x, s, z: None if x is T else print(), "mine returned None: is a `return` missing?"),
    ("quantize", lambda x, s, z: quantize(x, s, z).int(), "mine returned torch.int32, not torch.int8."),
    ("dequantize", lambda q, s, z: (s * (q.float() - z)).long(), "mine returned torch.int64, not torch.float32."),
    ("clamp", lambda v, low, high: v.float().clamp(low, high), "mine returned torch.float32, not torch.int32."),
    ("quantize", lambda x, s, z: quantize(x, s, z)[:1], "x = [[191.6, -13.5, 728.6]"),
    ("quantize", lambda x, s, z: quantize(x, s, z)[:1], "mine returned shape (1, 3), not (3, 3)."),
    ("quantize", lambda x, s, z: quantize(x, s, z).tolist(), "mine returned a list, not a tensor."),
    ("quantize", lambda x, s, z: x.undefined(), "mine raised AttributeError: 'Tensor' object has no attribute"),
    ("max_abs", lambda x: x.abs() / 127, "mine returned a tensor of shape (1,), not one number."),
    ("max_abs", lambda x: "many", "mine returned a str, not a number."),
    ("split_error", lambda x, s, z: x - x, "mine returned a Tensor, not a pair of tensors."),
    ("split_error", lambda x, s, z: (x, x, x), "mine returned a tuple of 3, not a pair of tensors."),
    ("split_error", lambda x, s, z: (x, 0), "mine returned a pair, but not of two plain tensors of numbers."),
    ("split_error", lambda x, s, z: (0, x), "mine returned a pair, but not of two plain tensors of numbers."),
    ("l2", lambda x, x_hat: (x.sub_(x_hat)).norm(), "mine changes its input in place."),
    ("quantize", wrong.quantizes_in_place.function, "mine changes its input in place. Looks like: x is changed"),
]


@pytest.mark.parametrize(("exercise", "f", "text"), SAID)
def test_a_verdict_says_what_came_and_what_should_have_come(exercise, f, text):
    verdict = CHECKS[exercise](my(f))
    assert verdict.status == "wrong" and text in verdict.message


def test_a_wrong_value_comes_before_a_changed_input_and_both_are_said():
    def mine(x, s, z):
        x /= s
        return wrap((x + z).round())

    verdict = CHECKS["quantize"](mine)
    assert "gave [-128]; it should give [127]. Looks like: no clamp" in verdict.message
    assert verdict.message.endswith("It also changes its input in place.")


def test_right_values_of_another_dtype_are_not_taken_for_a_change_in_place():
    wide = CHECKS["quantize"](lambda x, s, z: quantize(x, s, z).int())
    assert wide.misconceptions == ("an integer of more bits than int8",)


def test_of_a_large_tensor_only_the_wrong_element_is_shown():
    def mine(x, s, z):
        q = quantize(x, s, z)
        return q + ((q > 100) & (x > 400) & (x != 300)).char()

    text = "with x = 728.6 in a tensor of shape (3, 3), s = 3.5, z = -70, mine gave -128; it should give 127."
    assert CHECKS["quantize"](mine).message == text


def test_an_element_that_is_none_of_the_input_is_said_with_its_place():
    text = CHECKS["integer_sums"](lambda q_w, q_x, z_x: q_w.int() @ q_x.int() - z_x * q_w.int().sum(1)).message
    assert "with q_w = [[1], [2]], q_x = [[3, 4]], z_x = 1, your function gave 2 at [0, 1]; it should give 3." in text
    rows = CHECKS["q4_0"](lambda x: torch.zeros(len(x), 18, dtype=torch.uint8)).message
    assert "with x = a tensor of shape (1, 32) that begins [-8.0, 0.0, 0.0], your function gave 0 at [0, 1];" in rows


def test_numbers_are_shown_with_the_digits_that_tell_them_apart():
    assert show([torch.tensor(0.1)], [torch.tensor(0.1001)]) == ["0.1", "0.1001"]
    assert show([torch.tensor(1.0)], [torch.tensor(1.0000001)]) == ["1.0", "1.00000012"]
    assert show([torch.tensor(-0.0), torch.tensor([2])]) == ["(0.0, [2])"]


def test_an_input_is_not_shown_as_a_rounder_number_than_it_is():
    assert shown(torch.tensor([0.49999997])) == "[0.49999997]" and shown(torch.tensor([0.5])) == "[0.5]"
    assert shown(torch.tensor([191.6, 0.123456789])) == "[191.6, 0.123457]"


def test_where_many_answers_are_right_none_tells_of_a_mistake():
    def guards_zero_alone(x):
        low, high = min(x.min().item(), 0.0), max(x.max().item(), 0.0)
        return ((high - low) / 255, round(-128 - low * 255 / (high - low))) if high > low else (2.0, 5)

    assert CHECKS["choose_qparams"](guards_zero_alone).misconceptions == ("s is too small for float32",)


IGNORED = [
    ("quantize", lambda x, s, z: quantize(x, 3.5, z), "s"),
    ("quantize", lambda x, s, z: quantize(x, s, -70), "z"),
    ("quantize", lambda x, s, z: quantize(x, 3.5, -70), "s and z"),
    ("quantize", lambda x, s, z: quantize(T, s, z), "x"),
    ("quantize", lambda x, s, z: torch.zeros(1, dtype=torch.int8), "x, s and z"),
    ("dequantize", lambda q, s, z: dequantize(q, 3.5, z), "s"),
    ("dequantize", lambda q, s, z: dequantize(q, s, -70), "z"),
    ("clamp", lambda v, low, high: v.clamp(-8, high), "quant_min"),
    ("clamp", lambda v, low, high: v.clamp(low, 7), "quant_max"),
    ("clamp", lambda v, low, high: v.clamp(-1, 1), "quant_min and quant_max"),
    ("split_error", lambda x, s, z: split_by_masks(x, 1.0, z), "s"),
    ("split_error", lambda x, s, z: split_by_masks(x, s, 0), "z"),
    ("l2", lambda x, x_hat: x_hat.norm(), "x"),
    ("sqnr", lambda x, x_hat: 20 * math.log10(x.norm()), "x_hat"),
    ("sqnr", lambda x, x_hat: 20 * math.log10(x_hat.norm()), "x"),
    ("wrap", lambda v: torch.tensor([7], dtype=torch.int8), "v"),
]


@pytest.mark.parametrize(("exercise", "f", "ignored"), IGNORED)
def test_an_ignored_argument_is_said(exercise, f, ignored):
    verdict = CHECKS[exercise](f)
    assert verdict.status == "wrong" and verdict.message.endswith(f"It seems to ignore {ignored}.")


@each
def test_an_answer_written_into_the_function_is_said(exercise):
    check = EXERCISES[exercise]
    answer = check.reference(*check.seen)
    verdict = CHECKS[exercise](lambda *arguments: answer)
    assert verdict.message.endswith("It is right for one input only: is the answer written into it?")


@each
def test_an_answer_for_one_input_alone_is_said(exercise):
    check = EXERCISES[exercise]

    def mine(*arguments):
        alike = all(equal(a, b) for a, b in zip(arguments, check.seen, strict=True))
        return check.reference(*arguments) if alike else torch.zeros(7)

    assert CHECKS[exercise](mine).message.endswith("It is right for one input only: is the answer written into it?")


# --- functions that misbehave


class Agreeable:
    """Equal to everything, a number of no kind, and not what it seems."""

    shape = property(lambda self: 1 / 0)

    def __eq__(self, other):
        return True

    __hash__ = None


class Liar:
    @property
    def __class__(self):
        raise RuntimeError("no class")


class Grumpy(BaseException):
    def __str__(self):
        raise ValueError("no text")


def raises(error):
    def f(*arguments):
        raise error

    return f


def endless(*arguments):
    while True:
        yield 1


RUDE = [
    lambda *a: print("a" * 1_000_000),
    lambda *a: "text",
    lambda *a: b"bytes",
    lambda *a: {},
    lambda *a: (),
    lambda *a: (None, None),
    lambda *a: [a[0], a[0], a[0]],
    lambda *a: Agreeable(),
    lambda *a: Liar(),
    lambda *a: type("", (), {})(),
    lambda *a: True,
    lambda *a: 10**400,
    lambda *a: 1j,
    lambda *a: math.nan,
    lambda *a: a[0].double() * math.nan,
    lambda *a: (a[0].double() * math.nan, a[0].double() * math.inf),
    lambda *a: a[0].bool(),
    lambda *a: a[0] + 1j,
    lambda *a: a[0].to_sparse(),
    *(lambda *a, name=name: a[0].to(getattr(torch, name)) for name in ("uint16", "uint64", "float8_e4m3fn")),
    lambda *a: torch.empty(a[0].shape, dtype=torch.int4),
    lambda *a: a[0].to("meta"),
    lambda *a: a[0].numpy(),
    lambda *a: torch.empty(0),
    lambda *a: torch.zeros(1).expand(10**9),
    lambda *a: a[0].resize_(0),
    lambda *a: torch.Tensor,
    lambda *a: a[0].as_subclass(type("Odd", (torch.Tensor,), {"__eq__": lambda s, o: True, "__hash__": None})),
    lambda *a: exit(1),
    lambda *a: f"{a[99]}",
    raises(Grumpy()),
    raises(BaseException()),
    raises(NotImplementedError()),
    raises(Exception("a\n" * 10_000)),
    lambda *a: raises(RecursionError())(),
    endless,
    print,
    int,
    torch.nn.Linear(2, 2),
    Agreeable,
]


@each
@pytest.mark.parametrize("f", RUDE)
def test_no_check_raises_or_prints_whatever_the_function_does(exercise, f, capsys):
    verdict = CHECKS[exercise](f)
    assert verdict.status == "wrong"
    assert len(verdict.message) < 700 and "\n" not in verdict.message
    assert verdict._repr_mimebundle_()["text/plain"] == repr(verdict)
    assert capsys.readouterr() == ("", "")


@each
@pytest.mark.parametrize("f", [3, "text", T, [], Agreeable()])
def test_what_is_no_function_is_said(exercise, f):
    message = CHECKS[exercise](f).message
    assert re.fullmatch(
        r"a check takes the function itself, but got an? \w+\. Write its name without parentheses\.", message
    )


@each
def test_a_wrong_number_of_parameters_is_said(exercise):
    def many(a, b, c, d, e, f): ...

    def none():
        return 0

    wanted = ", ".join(EXERCISES[exercise].parameters)
    for f in (many, none):
        assert CHECKS[exercise](f).message == f"{f.__name__} cannot be called with ({wanted})."


def test_an_endless_loop_is_stopped_once(monkeypatch):
    monkeypatch.setattr(engine, "SECONDS", 0.05)

    def mine(x, s, z):
        while True:
            pass

    text = "with x = [0.0], s = 1.0, z = 0, mine did not finish: all inputs together may take 0.05 s."
    assert CHECKS["quantize"](mine).message == text


def test_many_slow_calls_are_stopped_too(monkeypatch):
    monkeypatch.setattr(engine, "SECONDS", 0.2)

    def mine(x, s, z):
        engine.time.sleep(0.05)
        return quantize(x, s, z)

    assert "mine did not finish: all inputs together may take 0.2 s." in CHECKS["quantize"](mine).message


def test_what_came_before_an_endless_loop_is_said(monkeypatch):
    monkeypatch.setattr(engine, "SECONDS", 0.05)

    def mine(x, s, z):
        while x.numel() > 1:
            pass
        return wrap((x / s + z).round())

    verdict = CHECKS["quantize"](mine)
    assert "mine gave [-128]; it should give [127]." in verdict.message and verdict.misconceptions == ()


# --- what computes in 16 bits


@each
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
def test_a_right_function_that_computes_in_16_bits_is_told_so(exercise, dtype):
    def narrow(*arguments):
        halves = (
            a.to(dtype).float() if isinstance(a, torch.Tensor) and a.is_floating_point() else a for a in arguments
        )
        return EXERCISES[exercise].reference(*halves)

    verdict = CHECKS[exercise](narrow)
    if exercise == "q4_0":  # its own scale is a float16
        assert verdict.status == "wrong" and not any("computed" in name for name in verdict.misconceptions)
    elif verdict.status != "right":
        assert verdict.misconceptions == (f"computed in {str(dtype).removeprefix('torch.')}",)


def test_what_is_wrong_in_32_bits_too_is_not_put_down_to_16():
    verdict = CHECKS["step"](lambda x: (x.half().max() - x.half().min()) / 254)
    assert verdict.status == "wrong" and verdict.misconceptions == ()


@each
def test_a_verdict_is_the_same_every_time(exercise):
    for m in EXERCISES[exercise].known[:3]:
        assert CHECKS[exercise](m.function) == CHECKS[exercise](m.function)


# --- what is tried


@each
def test_the_smallest_inputs_come_first(exercise):
    first = (arguments[0] for arguments in EXERCISES[exercise].cases)
    sizes = [len(each) if isinstance(each, (list, tuple)) else torch.as_tensor(each).numel() for each in first]
    first_large = next((k for k, size in enumerate(sizes) if size > 3), len(sizes))  # two weights are never more
    assert all(size <= 3 for size in sizes[:first_large]) and all(size > 3 for size in sizes[first_large:])
    assert any(arguments is EXERCISES[exercise].seen for arguments in EXERCISES[exercise].cases)


@pytest.mark.parametrize("exercise", ["quantize", "split_error"])
def test_no_input_is_near_half_way_between_two_codes(exercise):
    for x, s, z in EXERCISES[exercise].cases:
        steps = x.double() / s + z
        assert (steps - steps.round()).abs().max() < 0.45


def test_no_zero_point_is_near_half_way_between_two_codes():
    for (x,) in EXERCISES["zero"].cases:
        code = x.min().double() / (x.max() - x.min()) * 255
        assert (code - code.round()).abs() < 0.49


# --- how it is shown


def test_a_verdict_is_shown_as_a_paragraph_with_folded_hints():
    page = Verdict("wrong", "a < b", ("first", "second & last")).html()
    assert '<strong style="color:#A84A00">wrong:</strong> a &lt; b</p>' in page
    assert "<details><summary>Hint 1</summary>first</details>" in page
    assert "<details><summary>Hint 2</summary>second &amp; last</details>" in page


@pytest.mark.parametrize("status", ["right", "wrong", "not written yet"])
def test_the_status_is_a_word_and_not_only_a_colour(status):
    bundle = Verdict(status, "so.")._repr_mimebundle_()
    assert f">{status}:</strong> so." in bundle["text/html"] and "<details>" not in bundle["text/html"]
    assert bundle["text/plain"] == f"{status}: so." == repr(Verdict(status, "so."))


def test_a_name_that_is_no_name_is_not_shown():
    def mine(x, s, z): ...

    mine.__name__ = "<script>"
    assert repr(CHECKS["quantize"](mine)) == "not written yet: your function."
