"""Notebook 00: the step and the code of 0.0, and the explorer that stretches the largest value."""

import pytest
import torch

from quantlib import choose_qparams
from quantlib.data import T
from quantlib.lab.words import number
from quantlib.lessons.bug_museum import bugs
from tests.lessons.test_affine_formula import expected_norm

# What learners write, as they write it: by exercise and mistake, lines that return what comes of it. None is ours.
# A float is never cast to int8 beyond its range, which would be undefined; it goes through an integer, which keeps the
# lowest 8 bits.
WRITTEN = {
    "step": {
        "256 gaps where there are 255": ["(x.max() - x.min()) / 256"],
        "half of the grid": ["(x.max() - x.min()) / 127"],
        "only the largest value": ["x.max() / 255"],
        "the symmetric scale": ["x.abs().max() / 127"],
        "the whole range, not one step": ["x.max() - x.min()"],
        "the reciprocal of the step": ["255 / (x.max() - x.min())"],
    },
    "zero": {
        "counted from 0, not from -128": ["round(-x.min().item() / step)"],
        "the sign of the smallest value": ["-128 + round(x.min().item() / step)"],
        "not rounded": ["-128 - x.min() / step"],
        "truncation where rounding is meant": ["int(-128 - x.min().item() / step)"],
        "always 0": ["0"],
        "counted from the wrong end": ["127 + round(x.min().item() / step)"],
    },
}

# What a learner has worked out before.
BEFORE = {
    "zero": {"step": "(x.max() - x.min()).item() / 255"},
}


# The smallest input that shows a mistake, and what comes.
NUMBERS = [
    ("counts_marks", ([-128.0, 128.0],), 1.0),
    ("steps_half_grid", ([-100.0, 27.0],), 1.0),
    ("steps_from_zero", ([-5.0, 255.0],), 1.0),
    ("steps_symmetrically", ([-127.0, 5.0],), 1.0),
    ("steps_range", ([-1.0, 2.0],), 3.0),
    ("steps_reciprocal", ([0.0, 51.0],), 5.0),
    ("counts_from_zero", ([-2.0, 253.0],), 2.0),
    ("counts_downwards", ([-2.0, 253.0],), -130.0),
    ("keeps_fraction", ([-0.25, 254.75],), -127.75),
    ("is_always_zero", ([-2.0, 253.0],), 0.0),
    ("counts_from_the_top", ([-2.0, 253.0],), 125.0),
]


@pytest.mark.parametrize(("name", "values", "result"), NUMBERS)
def test_an_input_that_shows_a_wrong_scale_or_measure(name, values, result):
    assert float(getattr(bugs, name)(*map(torch.tensor, values))) == pytest.approx(result, rel=1e-6)


def expected_range(top):
    """Return what the readout of explore_range on T must contain."""
    x = torch.where(T.max() == T, top, T)
    s, z, *_ = choose_qparams(x)
    low, high = (number(s * (code - z)) for code in (-128, 127))
    ruler = f"s = {s:.4g} and z = {number(int(z))}: the levels reach from {low} to {high}; no value clips"
    return f"The largest value is {top:.1f}; {ruler}. {expected_norm(x, s, z)}."


READOUTS = [expected_range]
