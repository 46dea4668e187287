"""What notebook 01 needs beside quantlib: How does an integer stand for a real number?"""

from quantlib.lab.predict import predict
from quantlib.lab.proof import proof

from . import exercises
from .explorer import LARGE_WEIGHT, explore_affine
from .pictures import draw_codes, draw_ruler, draw_squares, draw_staircase
from .trace import draw_trace, explore_trace

check_dequantize = exercises.dequantize.check
check_quantize = exercises.quantize.check
