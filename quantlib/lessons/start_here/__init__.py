"""What notebook 00 needs beside quantlib: What is quantization for?"""

from quantlib.lab.predict import predict
from quantlib.lab.proof import proof
from quantlib.lab.ruler import draw_matrices

from . import exercises
from .explorer import explore_range

check_step = exercises.step.check
check_zero = exercises.zero.check
