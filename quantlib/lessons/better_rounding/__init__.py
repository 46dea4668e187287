"""What notebook 14 needs beside quantlib: Is nearest the best?"""

from quantlib.lab.predict import predict
from quantlib.lab.proof import proof

from . import exercises
from .answers import draw_codes, draw_kinds, draw_multiples, draw_needed
from .columns import explore_columns
from .layer import (
    against_nearest,
    by_gptq,
    error,
    halves,
    in_order,
    kinds_read,
    query,
    remaining_inverse,
    search,
    steps,
    to_nearest,
    tokens_needed,
    white_noise,
    writer_costs,
)
from .tokens import explore_tokens

check_output_error = exercises.output_error.check
check_make_up = exercises.make_up.check
check_hessian = exercises.hessian.check
