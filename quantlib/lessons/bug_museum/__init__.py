"""What the bug museum needs beside quantlib: Which input shows the bug?"""

from quantlib.lab.predict import predict
from quantlib.lab.proof import proof

from . import bugs, inputs
from .exhibits import draw_scores
from .hunt import Museum, draw_bug
from .training import loss, train

check_quantize_inputs = inputs.quantize_inputs.check
check_choose_qparams_inputs = inputs.choose_qparams_inputs.check
