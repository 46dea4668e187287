"""What notebook 02 needs beside quantlib: What happens to a number beyond the last code?"""

from quantlib.lab.predict import predict
from quantlib.lab.proof import proof

from . import exercises
from .ends import draw_clamp_and_wrap, draw_end, draw_reach
from .room import draw_room, explore_room
from .split import draw_split, explore_split

check_clamp = exercises.clamp.check
check_split_error = exercises.split_error.check
