"""The benchmarks compare like with like. Nothing is timed here."""

import json
import subprocess
import sys
import warnings

import pytest
import torch

from benchmarks import core, grading, imports
from benchmarks.core import INT_REPR, LIMIT, OURS, TORCH, Case, Line
from course.intake import notebook as handed_in
from course.problems.catalogue import NAMES, problem_set

SMALL_CASES = [Case(deed, grain, (64, 64)) for deed in core.DEEDS for grain in (core.NUMBERS, *core.GRAINS)]
SMALL_CASES.append(Case("quantize", core.GROUPS, (64, 64), bits=4))


def results(case):
    """What everyone returns, as plain tensors, in torch's own environment of warnings."""
    given = core.given_for(case)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = {name: core.call_of(name, given)() for name in core.names_of(case)}
        return given, {name: value.int_repr() if value.is_quantized else value for name, value in found.items()}


@pytest.mark.parametrize("case", SMALL_CASES, ids=core.title)
def test_everyone_computes_the_same_within_one_step(case):
    given, found = results(case)
    step = 1 if case.deed == "quantize" else torch.as_tensor(given.qp.scale).max().item()
    for name in found.keys() - {LIMIT}:
        difference = found[name].double().flatten() - found[OURS].double().flatten()
        assert difference.abs().max() <= 1.001 * step, name
        assert (difference.abs() < step / 2).float().mean() > 0.99, name  # only ties may differ


@pytest.mark.parametrize("case", SMALL_CASES, ids=core.title)
def test_the_formula_is_ours_bit_by_bit(case):
    _, found = results(case)
    assert torch.equal(found[OURS], found[core.FORMULA])


def test_the_copy_moves_as_many_bytes_as_the_case():
    case = Case("quantize", core.ROW, (64, 64))
    given, found = results(case)
    read_and_written = 64 * 64 * 4 + 64 * 64 + 64 * 4 + 64 * 4  # x, the codes, the scales, the zero points
    assert 2 * found[LIMIT].numel() == read_and_written
    assert given.values.shape == (64, 64)


def test_every_case_that_is_wanted_is_timed_beside_the_one_it_is_wanted_beside():
    assert len(set(core.CASES)) == len(core.CASES)
    for case, largest in core.WANTED.items():
        assert case in core.CASES and largest.keys() <= set(core.names_of(case))


def test_torch_makes_plain_integers_only_where_it_quantizes():
    assert INT_REPR not in core.names_of(Case("dequantize", core.ROW, (64, 64)))
    assert TORCH not in core.names_of(Case("quantize", core.GROUPS, (64, 64), bits=4))


def test_runs_take_turns_and_each_has_its_median():
    order = []
    calls = {name: lambda name=name: order.append(name) for name in "ab"}
    took = core.medians(calls, budget=0.0)
    assert set(took) == {"a", "b"} and min(took.values()) > 0
    turns = [name for i, name in enumerate(order) if i == 0 or order[i - 1] != name]
    assert len(turns) > 6  # not all of one, then all of the other


@pytest.mark.parametrize(
    ("row", "wanted"),
    [
        (Line("x", 1.0, "y", 2.0, largest_ratio=0.5), "ratio <= 0.5"),
        (Line("x", 1.1, "y", 2.0, largest_ratio=0.5), "ratio <= 0.5 **missed**"),
        (Line("x", 1.0, "y", 2.0, most=1.0), "<= 1 s"),
        (Line("x", 1.1, "y", 2.0, most=1.0), "<= 1 s **missed**"),
        (Line("x", 1.1, "y", 2.0), ""),
    ],
)
def test_a_line_says_when_it_misses_what_is_wanted(row, wanted):
    assert core.written(row, core.seconds).endswith(f"| {wanted} |")


def test_a_line_has_a_cell_for_each_column():
    row = core.written(Line("x", 0.5, "y", 2.0, 0.25), core.seconds)
    assert row == "| x | 500 ms | y: 2 s | 0.25 | 250 ms |  |"
    assert {text.count("|") for text in (row, *core.HEAD.splitlines())} == {7}


@pytest.mark.parametrize(
    ("value", "text"),
    [(1.0, "1 s"), (123.4, "123 s"), (0.0999, "99.9 ms"), (0.09996, "100 ms"), (2e-7, "0.2 us"), (0.0, "0 us")],
)
def test_a_time_has_three_digits_and_a_unit(value, text):
    assert core.seconds(value) == text


def test_the_import_of_a_module_is_read_from_the_interpreters_report():
    report = "import time: 1 | 20 |   quantlib.errors\nimport time:       366 |       1234 | quantlib\n"
    assert imports.cumulative(report, "quantlib") == 0.001234


@pytest.mark.parametrize("name", NAMES)
def test_a_class_is_right_partly_right_or_has_last_years_answers(name):
    asked = problem_set(name)
    for each in grading.a_class(name, 6):
        cells = ["".join(cell["source"]) for cell in json.loads(each.content)["cells"]]
        right = [question.source in cells for question in asked.questions]
        assert all(right) == each.student.name.startswith("right")
        assert handed_in.fits(handed_in.read(each.content), asked, []).problem == ""


def test_the_rate_of_grading_is_that_of_a_minute_and_of_one_worker():
    assert grading.written(2, 120.0, 48) == "| 2 | 120 | 2.50 | 24.0 | 12.0 |"


@pytest.mark.skipif(torch.cuda.is_available(), reason="says what it says where there is no GPU")
def test_without_a_gpu_its_table_is_one_sentence():
    command = [sys.executable, "-m", "benchmarks.gpu"]
    said = subprocess.run(command, cwd=core.Path(core.__file__).parents[1], capture_output=True, text=True, check=True)
    assert said.stdout == "This machine has no GPU, so the share of its memory bandwidth was not measured.\n"
