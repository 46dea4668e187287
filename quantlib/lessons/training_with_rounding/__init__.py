"""What notebook 15 needs beside quantlib: What does training with rounding buy?"""

from quantlib.lab.predict import predict
from quantlib.lab.proof import proof

from . import exercises
from .methods import explore_training
from .pictures import (
    draw_float_or_rounded,
    draw_methods,
    draw_question,
    draw_slopes,
    draw_trainings,
    train_yours,
)
from .training import WAYS, float_loss, gptq_cost, nearest_cost, quantized, trained, weights_with_a_slope
from .weight import draw_one_weight, explore_one_weight, share_at_code_1

check_straight_round = exercises.straight_round.check
check_straight_quantize = exercises.straight_quantize.check
check_train_step = exercises.train_step.check
