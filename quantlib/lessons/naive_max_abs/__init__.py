"""What notebook 03 needs beside quantlib: Why does the largest number come back as almost nothing?"""

from quantlib.lab.predict import predict
from quantlib.lab.proof import proof

from . import exercises
from .circle import draw_circle, explore_circle
from .formats import draw_formats
from .overflow import draw_factor, draw_sawtooth, draw_there_and_back, explore_factor
from .repairs import draw_repairs, explore_repairs

check_max_abs = exercises.max_abs.check
check_wrap = exercises.wrap.check
