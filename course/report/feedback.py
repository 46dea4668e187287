"""The page that a student gets back: points, what was not right, and the mistakes by name. Nobody else's data."""

from ..problems.questions import Mark, ProblemSet, Question, Reach, Values, Write
from .page import code, escaped, folded, items, page, table
from .results import Graded
from .tables import number


def student_page(graded: Graded, problem_set: ProblemSet) -> str:
    """Write a student's page."""
    title = f"{problem_set.title}: {graded.student.name}"
    file = f"{graded.file}, saved {graded.saved}" if graded.saved else graded.file
    source = f'<p class="quiet">Graded was {escaped(file)}.</p>'
    if graded.problem:
        return page(title, f"<p>There are no marks yet: {escaped(graded.problem)}.</p>", source)
    open_still = "" if not graded.to_read else " A person still reads the answers in words."
    total = f"<p><b>{number(graded.score)} of {problem_set.points} points.</b>{open_still}</p>"
    answers = (_answer(k, question, graded) for k, question in enumerate(problem_set.questions, start=1))
    return page(title, total, source, *answers)


def _answer(place: int, question: Question, graded: Graded) -> str:
    mark = graded.marks.get(question.id, Mark(None))
    points = "not read yet" if mark.points is None else f"{number(mark.points)} of {question.points}"
    says = explanations(question)
    known = "".join(
        f'<p class="mistake">{_named(name, says.get(name, ""))}</p>' for name in dict.fromkeys(mark.recognised)
    )
    right = "<p>Right.</p>" if mark.points == question.points and not mark.reasons else ""
    answer = graded.answer(question.id)
    return "".join(
        (
            f"<h2>{place}. {escaped(question.title)} ({points})</h2>{right}",
            items(dict.fromkeys(mark.reasons)) + known,
            "" if right else _parts(question, mark),
            folded("Your answer", code(answer)) if answer else "",
        )
    )


def _parts(question: Question, mark: Mark) -> str:
    found = parts(question, mark)
    rows = [(name, number(points), most) for name, points, most in found]
    return table(("Part", "Points", "Of"), rows, (1, 2)) if len(rows) > 1 else ""


def parts(question: Question, mark: Mark) -> list[tuple[str, float, int]]:
    """Return the parts of a question with the points that each gave; none where a person gave others."""
    worth = {}
    if isinstance(question, Write):
        worth = {part.name: part.points for part in question.parts}
    elif isinstance(question, Values):
        worth = {name: points for name, (_, points) in question.right.items()}
    elif isinstance(question, Reach):
        worth = {rung.name: rung.points for rung in question.rungs}
    lost = {name for name in worth if any(reason.startswith(f"{name}: ") for reason in mark.reasons)}
    found = [(name, 0.0 if name in lost else float(points), points) for name, points in worth.items()]
    return found if sum(points for _, points, _ in found) == mark.points else []


def _named(name: str, says: str) -> str:
    return f"Looks like: <b>{escaped(name)}</b>. {escaped(says)}"


def explanations(question: Question) -> dict[str, str]:
    """What to say about each mistake that a question knows."""
    return question.explanations()
