"""What the bug museum needs beside quantlib: Which input shows the bug?"""

from quantlib.lab.predict import predict

from . import bugs
from .exhibits import draw_scores
from .hunt import Museum, draw_bug
from .inputs import check_choose_qparams_inputs, check_quantize_inputs
