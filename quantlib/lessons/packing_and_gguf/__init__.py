"""What notebook 10 needs beside quantlib: Where do four bits go?"""

from quantlib.lab.predict import predict
from quantlib.lab.proof import proof

from . import exercises
from .byte import explore_byte
from .file import blocks_of, dimensions, draw_file
from .hearing import as_read, draw_hearing
from .lens import draw_order, draw_tiles, explore_lens

check_pack = exercises.pack.check
check_q4_0 = exercises.q4_0.check
check_unpack = exercises.unpack.check
