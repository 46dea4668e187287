"""What notebook 16 needs beside quantlib: Is it still the same network?"""

from quantlib.lab.predict import predict
from quantlib.lab.proof import proof

from . import exercises
from .board import BUDGETS, REFERENCES, alike, draw_board, draw_scores, explore_board, mixed, placed, scored
from .exercises import parts_of_writer
from .judges import (
    COLUMNS,
    NINE,
    alone,
    board_of_gauges,
    broken,
    draw_alone,
    draw_claims,
    draw_gauges,
    draw_parts,
    draw_spreads,
    in_bits,
    losses_by_factor,
    no_worse,
    says,
    shares,
    spreads,
    window_pairs,
)
from .liar import explore_liar, own_bits

check_network_bits = exercises.network_bits.check
check_bits_per_character = exercises.bits_per_character.check
check_front = exercises.front.check
