"""The benchmarks compare like with like. Nothing is timed here."""

import ast
import json
import warnings

import pytest
import torch

from benchmarks import core, formats, goals, grading, imports, latency, memory, networks, page, table
from benchmarks.__main__ import PAGE, PARTS
from benchmarks.core import COPY, FORMULA, INT_REPR, TORCH, Case
from benchmarks.table import OURS, Row
from course.intake import notebook as handed_in
from course.problems.catalogue import NAMES, problem_set
from tools import nbfile, project

SMALL_CASES = [Case(function, grain, (64, 64)) for function in core.FUNCTIONS for grain in (core.NUMBERS, *core.GRAINS)]
SMALL_CASES.append(Case("quantize", core.GROUPS, (64, 64), bits=4))


def results(case):
    """What everyone returns, as plain tensors, in torch's own environment of warnings."""
    given = core.given_for(case)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = {name: core.call_of(name, given)() for name in core.names_of(case)}
        return given, {name: value.int_repr() if value.is_quantized else value for name, value in found.items()}


@pytest.mark.parametrize("case", SMALL_CASES, ids=lambda case: f"{core.what(case)}, {case.shape[0]}")
def test_everyone_computes_the_same_within_one_step(case):
    given, found = results(case)
    step = 1 if case.function == "quantize" else torch.as_tensor(given.qp.scale).max().item()
    for name in found.keys() - {COPY}:
        difference = found[name].double().flatten() - found[OURS].double().flatten()
        assert difference.abs().max() <= 1.001 * step, name
        assert (difference.abs() < step / 2).float().mean() > 0.99, name  # only ties may differ


@pytest.mark.parametrize("case", SMALL_CASES, ids=lambda case: f"{core.what(case)}, {case.shape[0]}")
def test_the_formula_is_ours_bit_by_bit(case):
    _, found = results(case)
    assert torch.equal(found[OURS], found[FORMULA])


def test_the_copy_moves_as_many_bytes_as_the_case():
    case = Case("quantize", core.ROW, (64, 64))
    given, found = results(case)
    read_and_written = 64 * 64 * 4 + 64 * 64 + 64 * 4 + 64 * 4  # x, the codes, the scales, the zero points
    assert 2 * found[COPY].numel() == read_and_written
    assert given.values.shape == (64, 64)


@pytest.mark.parametrize("what", formats.CASES)
def test_everyone_computes_the_same_formats(what):
    found = formats.calls_for(what, count=2**18)
    ours, theirs = (flat(found[name]()) for name in (OURS, formats.CASES[what]))
    if formats.CASES[what] == COPY:
        assert theirs.dtype == torch.uint8 and len(theirs) == 2**18
    elif what == "integer matmul":
        torch.testing.assert_close(ours.double(), theirs.double(), rtol=1e-5, atol=64.0)
    else:
        assert (ours != theirs).float().mean() < 1e-5  # near-ties


@pytest.mark.parametrize("what", networks.CASES)
def test_everyone_computes_the_same_of_networks(what):
    found = networks.calls_for(what, columns=48, inputs=200)
    ours, theirs = (found[name]() for name in (OURS, networks.CASES[what]))
    if what == "gptq":
        assert torch.equal(ours, theirs)
    else:
        torch.testing.assert_close(ours, theirs / 200 + 0.01 * theirs.trace() / 200 / 48 * torch.eye(48).double())


def flat(result):
    return torch.as_tensor(result[0] if isinstance(result, tuple) else result).flatten()


def test_no_case_is_timed_twice():
    assert len(set(core.CASES)) == len(core.CASES)


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
    ("value", "text"),
    [(1.0, "1 s"), (123.4, "123 s"), (0.0999, "99.9 ms"), (0.09996, "100 ms"), (2e-7, "0.2 us"), (0.0, "0 us")],
)
def test_a_time_has_three_digits_and_a_unit(value, text):
    assert page.in_unit(value, "s") == text


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


# --- the results and their page


def a_row(who, value, *, what="quantize, row", part="core", goal=None):
    return Row(part, what, "8192 x 4096", who, value, "s", goal, "a machine", "2026-01-01")


def missed(*rows):
    return page.page(rows).partition("## Missed: ")[2]


def test_what_is_missed_is_said_with_by_how_much():
    assert missed(a_row(OURS, 1.1), a_row(INT_REPR, 2.0, goal=0.5)) == (
        "1 of 1 goals\n\n| | measured | goal | over |\n|---|---:|---:|---:|\n"
        "| quantize, row (8192 x 4096), beside torch and int_repr | 0.55 | 0.50 | 10.0 % |\n\n"
        "Measured on a machine, 2026-01-01.\n"
    )


def test_a_goal_of_quantlibs_own_value_is_said_in_its_unit():
    assert "| quantize, row (8192 x 4096) | 75 s | 60 s | 25.0 % |" in missed(a_row(OURS, 75.0, goal=60.0))


def test_what_is_just_met_is_not_missed():
    assert missed(a_row(OURS, 1.0), a_row(INT_REPR, 2.0, goal=0.5)).startswith("0 of 1 goals")


def test_the_worst_miss_comes_first():
    rows = [a_row(OURS, 1.0), a_row(INT_REPR, 1.0, goal=0.5), a_row(FORMULA, 1.0, goal=0.2)]
    assert missed(*rows).index(FORMULA) < missed(*rows).index(INT_REPR)


def test_rows_outlast_their_file(tmp_path):
    rows = list(table.rows("core", "quantize, row", "8192 x 4096", {OURS: 0.123456, INT_REPR: 0.25}))
    table.write(rows, tmp_path / "results.csv")
    assert table.read(tmp_path / "results.csv") == rows
    assert [(row.value, row.goal) for row in rows] == [(0.1235, None), (0.25, 0.2)]


def test_the_results_have_the_goals_of_now_and_the_page_is_theirs(tmp_path):
    table.write(table.read(), tmp_path / "results.csv")
    assert (tmp_path / "results.csv").read_text() == table.FILE.read_text(), "run python -m benchmarks --page"
    assert PAGE.read_text(encoding="utf-8") == page.page(table.read()), "run python -m benchmarks --page"


@pytest.mark.parametrize("goal", goals.GOALS, ids=lambda goal: f"{goal.part} {goal.what} {goal.who}")
def test_every_goal_is_measured(goal):
    assert any(goals.most(*row[:4]) is goal.most for row in table.read() if row.part == goal.part)


def test_every_case_of_core_and_memory_stands_in_the_results():
    rows = {(row.part, row.what, row.size, row.who) for row in table.read()}
    assert rows >= {("core", core.what(c), core.size(c), name) for c in core.CASES for name in core.names_of(c)}
    assert rows >= {("memory", core.what(c), core.size(c), OURS) for c in memory.CASES}


def test_every_line_of_the_page_has_a_part_that_can_be_measured():
    assert {row.part for row in table.read()} | {group.part for group in page.GROUPS} == set(PARTS)


# --- explorers


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("lab.explore_range(T, my_step)", "explore_range"),
        ("x = 3\nexplore_range(x)", "explore_range"),
        ("explorer = lab.explore_range(T)", None),
        ("lab.draw_ruler(T)", None),
        ("", None),
    ],
)
def test_an_explorer_is_the_last_thing_that_a_cell_does(source, shown):
    call = latency.explorer_call(source)
    assert (latency.name_of(call) if call else None) == shown


@pytest.mark.parametrize("path", project.notebooks(), ids=lambda path: path.stem)
def test_every_explorer_of_a_notebook_is_found_and_gets_its_twin(path, tmp_path):
    cells = [cell.source for cell in nbfile.read(path).cells if cell.cell_type == "code"]
    calls = latency.extend(path, tmp_path / path.name)
    assert len(calls) == sum("explore_" in source and ".still(" not in source for source in cells)
    added = [cell.source for cell in nbfile.read(tmp_path / path.name).cells[-len(calls) - 1 :]]
    assert added[0] == latency.EMPTY_UPDATE.strip()
    assert added[1:] == [f"twin({ast.unparse(call)})" for call in calls]


def test_an_explorer_has_a_row_for_each_clock():
    times = latency.Times(*([latency.Press(ms, 2 * ms)] for ms in (30, 60, 300)))
    rows = list(latency.rows_of("01", latency.explorer_call("lab.explore_affine(W[:2], f)"), times))
    assert {(row.what, row.size) for row in rows} == {
        ("01 explore_affine, decoded", "W[:2]"),
        ("01 explore_affine, seen", "W[:2]"),
    }
    assert [(row.who, row.value, row.goal) for row in rows] == [
        (OURS, 0.06, None), ("empty update", 0.03, 2.0),
        (OURS, 0.12, None), ("empty update", 0.06, None), ("interact", 0.6, 0.2),
    ]  # fmt: skip
