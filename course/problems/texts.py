"""The texts of a problem set as they stand in its notebooks, and the seed that they tell."""

import re

from .questions import Question

TEXT_STUB = "YOUR ANSWER HERE"  # nbgrader's


def question_text(question: Question, number: int) -> str:
    """Return the cell that asks a question."""
    return f"## {number}. {question.title}\n\n*{in_points(question.points)}.* {prose(question.text)}"


def in_points(points: int) -> str:
    return f"{points} point{'s' if points != 1 else ''}"


def prose(text: str) -> str:
    """Join the lines of each paragraph and of each item of a list, as the other notebooks have them."""
    return re.sub(r"(?<=\S)\n(?=\S)(?! *(?:- |\d+\. |\$\$|#))", " ", re.sub(r"\n +(?=[^\s-])", "\n", text.strip()))
