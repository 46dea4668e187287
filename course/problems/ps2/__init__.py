"""Problem set 2, on Part II: choosing s and z, what to clip, who shares a scale, and rounding."""

from ..variants import HOW
from .axis import axis
from .break_it import break_it
from .chance import chance
from .clip import clip
from .explain import explain
from .groups import groups
from .predict import predict
from .ruler import ruler

TITLE = "Problem set 2 · Choosing the ruler"
INTRO = f"""
You need notebooks 05 to 08, and 60 to 75 minutes. {HOW}

Unless a question says otherwise, tensors are float32, and arguments stay as they are: return something new.
"""
QUESTIONS = (ruler, clip, groups, chance, predict, break_it, axis, explain)
