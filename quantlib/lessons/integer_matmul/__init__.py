"""What notebook 09 needs beside quantlib: Can a layer run on integers alone?"""

from quantlib.lab.predict import predict
from quantlib.lab.proof import proof

from . import exercises
from .chain import draw_chain
from .network import as_in_float, draw_bias, draw_decisions, draw_mistakes, hear, heard, integer_network, mistakes
from .staircase import draw_twice, explore_requantize, share_rounded_otherwise
from .sums import draw_running, running
from .terms import explore_terms

check_integer_sums = exercises.integer_sums.check
check_multiplier = exercises.multiplier.check
check_requantize = exercises.requantize.check
