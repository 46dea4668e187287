"""What notebook 05 needs beside quantlib: How are s and z chosen?"""

from quantlib.lab.predict import predict
from quantlib.lab.proof import proof

from . import exercises
from .contest import draw_contest, explore_contest
from .data import FAR, activations, lead, normal_numbers, round_trip
from .odd import KINDS, ODD, break_recipe, draw_odd, make
from .pictures import draw_conventions, draw_share, draw_three_rulers, draw_without_zero
from .walk import explore_walk

check_choose_qparams = exercises.choose_qparams.check
check_symmetric = exercises.symmetric.check
check_widen = exercises.widen.check
