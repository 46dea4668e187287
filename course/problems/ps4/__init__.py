"""Problem set 4, on Part IV: ranges, outliers, errors that are passed on, slopes that are pretended, and a recipe."""

from ..variants import HOW
from .break_it import break_it
from .count import count
from .explain import explain
from .pass_on import pass_on
from .predict import predict
from .recipe import recipe
from .slopes import slopes
from .tokens import tokens

TITLE = "Problem set 4 · A whole network"
INTRO = f"""
You need notebooks 12 to 16, and 75 to 90 minutes. {HOW}

Unless a question says otherwise, arguments stay as they are: return something new.
"""
QUESTIONS = (tokens, predict, pass_on, slopes, count, break_it, recipe, explain)
