"""What notebook 00 needs beside quantlib: What is quantization for?"""

from quantlib.lab.predict import predict
from quantlib.lab.progress import keep_progress
from quantlib.lab.proof import proof

from . import exercises
from .bits import draw_network, explore_bits, load_network
from .explorer import explore_range
from .pictures import draw_fence
from .player import play_sound
from .suite import show_progress

check_step = exercises.step.check
check_zero = exercises.zero.check
