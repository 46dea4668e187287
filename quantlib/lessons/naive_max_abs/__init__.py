"""What notebook 03 needs beside quantlib: Why does the largest number come back as almost nothing?"""

from quantlib.lab.predict import predict
from quantlib.lab.proof import proof

from . import exercises
from .formats import draw_formats
from .overflow import draw_circle, draw_factor, draw_repairs, draw_sawtooth, draw_there_and_back, explore_factor

check_max_abs = exercises.max_abs.check
check_wrap = exercises.wrap.check
