"""What notebook 02 needs beside quantlib: What happens to a number beyond the last code?"""

from quantlib.lab.explore import Slider
from quantlib.lab.predict import predict
from quantlib.lab.proof import proof

from . import exercises
from .ends import draw_clamp_and_wrap, draw_end, draw_free, draw_reach
from .split import draw_split, explore_split

check_clamp = exercises.clamp.check
check_split_error = exercises.split_error.check
