"""What notebook 01 needs beside quantlib: How does an integer stand for a real number?"""

from quantlib.lab.explore import Slider
from quantlib.lab.predict import predict
from quantlib.lab.proof import proof
from quantlib.lab.ruler import draw_matrices

from . import exercises
from .explorer import explore_affine
from .pictures import draw_ruler, draw_staircase, draw_trace

check_dequantize = exercises.dequantize.check
check_quantize = exercises.quantize.check
