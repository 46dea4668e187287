"""What notebook 04 needs beside quantlib: How large is an error?"""

from quantlib.lab.predict import predict
from quantlib.lab.proof import proof

from . import exercises
from .landscape import draw_landscape, explore_landscape
from .pictures import draw_angle, draw_growth, draw_scale_search, draw_wrong_scale
from .ranking import MEASURES, NORMS, draw_ranking, draw_two_errors, explore_ranking
from .rows import explore_rows

check_l2 = exercises.l2.check
check_sqnr = exercises.sqnr.check
