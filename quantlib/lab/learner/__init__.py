"""What a learner wrote: called whatever it does, judged whatever it returns, and replaced where it cannot be used."""

from .calls import Outcome, call, is_unwritten, name_of, read
from .stand_in import StandIn
from .usable import (
    Parts,
    Unpack,
    codes_problem,
    number_problem,
    one_number,
    one_tensor,
    reals_problem,
    step_problem,
    tensor_problem,
    two_numbers,
    two_tensors,
    whole_problem,
)

__all__ = [
    "Outcome",
    "Parts",
    "StandIn",
    "Unpack",
    "call",
    "codes_problem",
    "is_unwritten",
    "name_of",
    "number_problem",
    "one_number",
    "one_tensor",
    "read",
    "reals_problem",
    "step_problem",
    "tensor_problem",
    "two_numbers",
    "two_tensors",
    "whole_problem",
]
