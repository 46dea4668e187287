"""What notebook 06 needs beside quantlib: Is a range that covers everything the best range?"""

from quantlib.lab.predict import predict
from quantlib.lab.proof import proof

from . import exercises, failures
from .clip import draw_clip, explore_clip
from .measures import best_in_theory, best_of, error, five_methods, parts, table
from .methods import draw_methods, explore_methods
from .pictures import draw_decibels, draw_two_clips

check_best_alpha = exercises.best_alpha.check
check_failures = failures.failures.check
check_fake_quantize = exercises.fake_quantize.check
check_percentile = exercises.percentile.check
