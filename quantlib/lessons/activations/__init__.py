"""What notebook 12 needs beside quantlib: Which range, before the data is seen?"""

from quantlib.lab.predict import predict
from quantlib.lab.proof import proof

from . import exercises
from .judges import (
    STAGES,
    compare_sharing,
    draw_judged,
    draw_more,
    draw_tokens,
    ends_moved,
    judged,
    left_outside,
    more_calibration,
    writer_costs,
)
from .sentences import draw_first, draw_law, exceeded, explore_sentences, law, moving_exceeded, tops
from .volume import draw_volumes, explore_volume, heard_at, volumes

check_running_range = exercises.running_range.check
check_moving_range = exercises.moving_range.check
check_token_quantize = exercises.token_quantize.check
