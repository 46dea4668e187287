"""Whether notebooks ask what a seed draws. With another seed every answer would be marked against another question."""

from collections.abc import Iterable

from ..problems.questions import ProblemSet
from ..problems.texts import question_text
from .errors import CourseError
from .notebook import HandedIn, heading_of

FEW = 3  # questions: with fewer of their texts left, a notebook tells nothing
PROBLEM = "its questions are not those of this seed: it was made with another one"


def is_other(notebook: HandedIn, wanted: ProblemSet) -> bool:
    """Return whether most questions of a notebook are asked with other words than this seed draws."""
    texts = {_words(cell.text) for cell in notebook.cells if cell.kind == "markdown"}
    numbered = list(enumerate(wanted.questions, start=1))
    asked = [(k, question) for k, question in numbered if heading_of(notebook, question) is not None]
    same = sum(_words(question_text(question, k)) in texts for k, question in asked)
    return len(asked) >= FEW and 2 * same < len(asked)


def _words(text: str) -> str:
    return " ".join(text.split())


def refuse_another_seed(notebooks: Iterable[HandedIn], wanted: ProblemSet, seed: int | str) -> None:
    """Stop before a whole class is marked wrong.

    Raises:
        CourseError: if most notebooks were made with another seed.
    """
    other = [is_other(notebook, wanted) for notebook in notebooks]
    if 2 * sum(other) > len(other):
        raise CourseError(
            f"{sum(other)} of {len(other)} notebooks ask other questions than seed {seed} draws: they were made with"
            " another seed. Give that one, SEED=... of make assignments; nothing was graded"
        )
