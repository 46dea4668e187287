"""What notebook 07 needs beside quantlib: One ruler for whom?"""

from quantlib.lab.predict import predict
from quantlib.lab.proof import proof

from . import exercises
from .groups import draw_groups, explore_groups, in_groups
from .hearing import draw_hearing, draw_suspects, explore_hearing, gradient_scales
from .tilings import draw_row_spread, draw_tiles, row_sqnr

check_bits_per_weight = exercises.bits_per_weight.check
check_group_scales = exercises.group_scales.check
check_row_scales = exercises.row_scales.check
