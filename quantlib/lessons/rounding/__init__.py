"""What notebook 08 needs beside quantlib: Which of two integers should a number become?"""

from quantlib.lab.predict import predict
from quantlib.lab.proof import proof

from . import exercises
from .chance import draw_updates, explore_draws
from .pair import correlated_inputs, draw_decisions, draw_pair, draw_search, explore_pair
from .rules import draw_orders, draw_rules, explore_rules

check_best_rounding = exercises.best_rounding.check
check_round_half_away = exercises.round_half_away.check
check_stochastic_round = exercises.stochastic_round.check
