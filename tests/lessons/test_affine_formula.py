"""The still pictures: each is drawn, and its text says what it shows."""

import torch

from quantlib.lab import draw_matrices, draw_ruler, draw_staircase, draw_trace
from tests.helpers.strategies import SEED as T

MINUS = "\N{MINUS SIGN}"


def test_ruler_says_where_the_levels_end_and_what_clips():
    alt = draw_ruler(T, 3.5, -70).alt
    assert f"the levels reach from {MINUS}203 to 689.5; 1 of 9 values clips" in alt
    assert "Norm of the error: 39.2158." in alt


def test_ruler_takes_other_grids_and_many_values():
    x = torch.linspace(-1, 1, 1000)
    assert "no value clips" in draw_ruler(x, 0.2, 0, -8, 7, limits=(-2, 2)).alt
    assert "clip" in draw_ruler(x, 0.01, 0, -8, 7).alt


def test_staircase_says_its_step():
    assert (
        draw_staircase(3.5, -70, reach=14).alt == "Staircase of reconstructions with steps of 3.5; 0 stays exactly 0."
    )
    assert "every value near zero clips" in draw_staircase(0.5, 1000, reach=14).alt


def test_matrices_say_the_largest_error():
    assert "values of up to 728.6 in size come back with an error of at most 39.1." in draw_matrices(T, 3.5, -70).alt
    assert "an error of at most 0." in draw_matrices(torch.zeros(3, 3), 1.0, 0).alt
    assert "no value clips" in draw_matrices(torch.eye(20), 0.5, 0).alt


def test_trace_follows_one_number_there_and_back():
    end = "Step by step, a number that does not fit comes back as the end of the grid: "
    assert draw_trace([728.6], 3.5, -70).alt == f"{end}728.6 is stored as 127 and comes back as 689.5."
    assert "fits comes back within half a step: 191.6 is" in draw_trace([191.6], 3.5, -70).alt
    assert "half a step, and one that does not comes back as the end" in draw_trace([191.6, 728.6], 3.5, -70).alt


def test_ruler_can_pose_the_question_alone():
    alt = draw_ruler(T, 3.5, -70, mapped=False).alt
    assert alt.startswith("Number line: 1 of 9 values lies beyond the levels.") and "Norm" not in alt
