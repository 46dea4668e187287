"""The instructor's page: whom to look at, the scores, the hardest questions, and the misunderstandings by name."""

from collections.abc import Iterable
from statistics import fmean, median_high, pstdev

from matplotlib.axes import Axes

from quantlib.lab import style
from quantlib.lab.picture import picture

from ..problems.questions import ProblemSet, Question
from .page import Html, escaped, folded, items, link, page, table
from .results import Graded
from .tables import Row, number, status, waiting

LATE = "handed in late"
# What "Run all" leaves in the cells of every wrong or missing answer: its points tell that already.
_USUAL = ("raised AssertionError", "raised NotImplementedError")


def summary(rows: list[Row], problem_set: ProblemSet, problems: list[str]) -> str:
    """Write the summary of a class, first who has no marks."""
    marked = [graded for _, graded in rows if graded and not graded.problem]
    return page(
        f"{problem_set.title}: {len(marked)} of {len(rows)} students have marks",
        _part("Without marks", ("Student", "Status", "Notes"), _without_marks(rows)),
        _part("Late", ("Student", "Notes"), [(named(g), "; ".join(g.notes)) for g in marked if LATE in g.notes]),
        _waiting(rows),
        _pictures(marked, problem_set) if marked else "<p>Nobody has marks yet.</p>",
        "<h2>Question by question</h2>"
        + table(("Question", "Mean", "Of", "Share"), shares(marked, problem_set), (1, 2, 3)),
        "<h2>Misunderstandings</h2>" + (_mistakes(marked, problem_set) or "<p>None was recognised.</p>"),
        _part("The same notebook", ("Students",), [(_names(each),) for each in alike(marked)]),
        "<h2>Files that could not be used</h2>" + items(problems) if problems else "",
        _all_pages(marked),
    )


def _part(title: str, heads: Iterable[str], lines: list[tuple[object, ...]]) -> str:
    return f"<h2>{escaped(title)}</h2>{table(heads, lines)}" if lines else ""


def named(graded: Graded) -> Html:
    """A student's name, with a link to the page."""
    return link(f"feedback/{graded.student.key}.html", graded.student.name)


def _names(students: Iterable[Graded]) -> Html:
    return Html(", ".join(named(each) for each in students))


def _without_marks(rows: list[Row]) -> list[tuple[object, ...]]:
    without = [(student, graded) for student, graded in rows if not graded or graded.problem]
    return [(named(g) if g else s.name, status(g), "; ".join(g.notes) if g else "") for s, g in without]


def _waiting(rows: list[Row]) -> str:
    count = waiting(rows)
    return (
        f"<p><b>{count} answers in words wait for points</b> in manual.csv: no score is whole before.</p>"
        if count
        else ""
    )


def _all_pages(marked: list[Graded]) -> str:
    """Everybody's page and notes, folded; what each wrong answer leaves is no note."""
    lines = [(named(g), number(g.score), "; ".join(n for n in g.notes if not n.endswith(_USUAL))) for g in marked]
    return folded("All pages and notes", table(("Student", "Points", "Notes"), lines, (1,))) if lines else ""


def alike(marked: Iterable[Graded]) -> list[list[Graded]]:
    """Return groups of students who handed in the same notebook, cell by cell, with some answers in it."""
    groups: dict[str, list[Graded]] = {}
    for graded in marked:
        if graded.content and graded.score:
            groups.setdefault(graded.content, []).append(graded)
    return [group for group in groups.values() if len(group) > 1]


def points_of(graded: Graded, question: Question) -> float | None:
    """The points for a question, None if there are none yet: an earlier run may have asked other questions."""
    mark = graded.marks.get(question.id)
    return mark.points if mark else None


def shares(marked: list[Graded], problem_set: ProblemSet) -> list[tuple[str, str, int, str]]:
    """Give the mean points of each question, the hardest first. Answers in words count once they are read."""
    found = []
    for question in problem_set.questions:
        points = [p for g in marked if (p := points_of(g, question)) is not None]
        mean = sum(points) / len(points) if points else None
        found.append((2.0 if mean is None else mean / question.points, question, mean))
    found.sort(key=lambda each: each[0])
    return [(q.title, "" if m is None else f"{m:.1f}", q.points, "" if m is None else f"{s:.0%}") for s, q, m in found]


def mistakes(marked: list[Graded]) -> list[tuple[str, str, list[Graded]]]:
    """Return who made each mistake, by question, the most frequent first. A student counts once for each."""
    found: dict[tuple[str, str], list[Graded]] = {}
    for graded in marked:
        for id, mark in graded.marks.items():
            for name in dict.fromkeys(mark.recognised):
                found.setdefault((id, name), []).append(graded)
    return [(id, name, who) for (id, name), who in sorted(found.items(), key=lambda each: (-len(each[1]), each[0]))]


def _mistakes(marked: list[Graded], problem_set: ProblemSet) -> str:
    titles = {question.id: question.title for question in problem_set.questions}
    rows = [(name, titles.get(id, id), len(who), _names(who)) for id, name, who in mistakes(marked)]
    return table(("Looks like", "Question", "Students", "Who"), rows, (2,)) if rows else ""


def _spread(marked: list[Graded], most: int) -> str:
    scores = [graded.score or 0 for graded in marked]
    return (
        f"<p>The mean is {fmean(scores):.1f} of {most} points, the standard deviation {pstdev(scores):.1f};"
        f" the lowest score is {number(min(scores))}, the highest {number(max(scores))}.</p>"
    )


def _pictures(marked: list[Graded], problem_set: ProblemSet) -> str:
    with style.house_style():
        figure = style.new_figure(8.0, 3.2, dpi=150)
        figure.set_layout_engine("constrained")
        left, right = figure.subplots(1, 2, width_ratios=(1, 1.2))
        median = _draw_scores(left, [graded.score or 0 for graded in marked], problem_set.points)
        hardest = _draw_questions(right, marked, problem_set)
        says = f"At least half of the class has {number(median)} of {problem_set.points} points or more. {hardest}"
        return picture(figure, says).html() + _spread(marked, problem_set.points)


def _draw_scores(axes: Axes, scores: list[float], most: int) -> float:
    median = median_high(scores)
    axes.hist(scores, bins=[most * k / 10 for k in range(11)], color=style.QUANTIZED, edgecolor="white")
    axes.axvline(median, color=style.ORIGINAL, linestyle="--", linewidth=1)
    axes.set(title=f"Half have {number(median)} or more", xlabel=f"points of {most}", ylabel="students", xlim=(0, most))
    axes.locator_params("y", integer=True)
    return median


def _draw_questions(axes: Axes, marked: list[Graded], problem_set: ProblemSet) -> str:
    read = [question for question in problem_set.questions if any(points_of(g, question) is not None for g in marked)]
    means = {question.id: _share(marked, question) for question in read}
    names = [f"{question.id.rpartition('_')[2]}" for question in read]
    axes.barh(names, list(means.values()), color=style.QUANTIZED)
    hardest = min(read, key=lambda question: means[question.id])
    axes.set(title=f"{hardest.id.rpartition('_')[2]} was the hardest", xlabel="mean share of the points", xlim=(0, 1))
    axes.invert_yaxis()
    return f"The hardest question is {hardest.title}: {means[hardest.id]:.0%} of its points on average."


def _share(marked: list[Graded], question: Question) -> float:
    points = [p for g in marked if (p := points_of(g, question)) is not None]
    return sum(points) / len(points) / question.points if points else 0.0
