"""What notebook 13 needs beside quantlib: What to do with the few that are too large?"""

from quantlib.lab.predict import predict
from quantlib.lab.proof import proof

from . import exercises
from .keep import draw_kept, keep_columns, random_columns
from .layer import (
    Layer,
    both_quantized,
    decibels,
    draw_input,
    draw_mark,
    five_ways,
    layer,
    mark_on_its_way,
    untouched,
    who_exceeds,
)
from .mix import draw_stages, explore_mixing, mixed
from .move import draw_alphas, explore_smoothing, moved
from .precious import draw_precious, in_groups, precious

check_outlier_columns = exercises.outlier_columns.check
check_smooth = exercises.smooth.check
check_hadamard = exercises.hadamard.check
