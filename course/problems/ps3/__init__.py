"""Problem set 3, on Part III: sums of codes, one shift, bytes and blocks, small floats and codebooks."""

from ..variants import HOW
from .break_it import break_it
from .dump import dump
from .explain import explain
from .finish import finish
from .predict import predict
from .read import read
from .step import step

TITLE = "Problem set 3 · Bits and what they stand for"
INTRO = f"""
You need notebooks 09 to 11, and 60 to 75 minutes. {HOW}

Unless a question says otherwise, arguments stay as they are: return something new.
"""
QUESTIONS = (finish, predict, read, dump, step, break_it, explain)
