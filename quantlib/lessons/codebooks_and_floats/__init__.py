"""What notebook 11 needs beside quantlib: Where should sixteen numbers lie?"""

from quantlib.lab.predict import predict
from quantlib.lab.proof import proof

from . import exercises
from .blocks import SHAPES, at_four_and_a_half, by_size, draw_clipping, draw_contest, scales_of
from .case import draw_case, draw_errors, draw_formats
from .fields import explore_fields
from .network import float_codebook, in_codebook, windows_as_in_float
from .settling import POWERS, beginnings, best_even, draw_levels, explore_settling, marks, numbers, settled

check_block_scale = exercises.block_scale.check
check_float_levels = exercises.float_levels.check
check_lloyd_step = exercises.lloyd_step.check
