"""Problem set 1, on Part I: the formula and its way back, clamping, wrapping, and measures of the error."""

from ..variants import HOW
from .break_it import break_it
from .explain import explain
from .find_it import find_it
from .measure import measure
from .predict import predict
from .restore import restore
from .store import store
from .turn import turn

TITLE = "Problem set 1 · The ruler and its error"
INTRO = f"""
You need notebooks 01 to 04, and 60 to 75 minutes. {HOW}

Unless a question says otherwise: leave the arguments as they are, take tensors of any shape, also an empty one, and
return a new tensor of the same shape.
"""
QUESTIONS = (store, restore, predict, turn, break_it, find_it, measure, explain)
