"""Pages to read: feedback for a student, and a summary of the class for the instructor. Each is one file of HTML."""

import html
from collections import Counter
from collections.abc import Iterable
from statistics import median_high

from matplotlib.axes import Axes

from quantlib.lab import style
from quantlib.lab.picture import picture

from ..problems.questions import Mark, ProblemSet, Question
from .results import Graded
from .tables import Row, number, status

_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 50em; margin: 2em auto; padding: 0 1em; color: #1a1a1a; }}
h1 {{ font-size: 1.6em; }} h2 {{ font-size: 1.15em; margin-top: 1.8em; }}
table {{ border-collapse: collapse; width: 100%; }}
th, td {{ border-bottom: 1px solid #d0d0d0; padding: .35em .6em; text-align: left; vertical-align: top; }}
td.number, th.number {{ text-align: right; font-variant-numeric: tabular-nums; }}
.mistake {{ border-left: 4px solid #d55e00; padding: .2em 0 .2em .8em; margin: .6em 0; }}
.quiet {{ color: #595959; }}
</style></head><body>
<h1>{title}</h1>
{body}
</body></html>
"""


def escaped(text: object) -> str:
    return html.escape(str(text), quote=True)


def page(title: str, *parts: str) -> str:
    return _PAGE.format(title=escaped(title), body="\n".join(part for part in parts if part))


def items(lines: Iterable[str]) -> str:
    found = "".join(f"<li>{escaped(line)}</li>" for line in lines)
    return f"<ul>{found}</ul>" if found else ""


def table(heads: Iterable[str], rows: Iterable[Iterable[object]], numbers: Iterable[int] = ()) -> str:
    """Make a table; the columns of `numbers` are set to the right."""
    wide = set(numbers)

    def line(tag: str, cells: Iterable[object]) -> str:
        kinds = (' class="number"' if k in wide else "" for k in range(10**6))
        return (
            "<tr>"
            + "".join(f"<{tag}{kind}>{escaped(c)}</{tag}>" for kind, c in zip(kinds, cells, strict=False))
            + "</tr>"
        )

    return f"<table>{line('th', heads)}{''.join(line('td', row) for row in rows)}</table>"


# --- a student's page


def student_page(graded: Graded, problem_set: ProblemSet) -> str:
    """Write what a student gets back: points, what was not right, and the mistakes by name. Nobody else's data."""
    title = f"{problem_set.title}: {graded.student.name}"
    if graded.problem:
        return page(title, f"<p>There are no marks yet: {escaped(graded.problem)}.</p>")
    open_still = "" if not graded.to_read else " A person still reads the answers in words."
    total = f"<p><b>{number(graded.score)} of {problem_set.points} points.</b>{open_still}</p>"
    return page(title, total, *(_answer(question, graded.marks[question.id]) for question in problem_set.questions))


def _answer(question: Question, mark: Mark) -> str:
    points = "not read yet" if mark.points is None else f"{number(mark.points)} of {question.points}"
    says = explanations(question)
    known = "".join(f'<p class="mistake">{_named(name, says.get(name, ""))}</p>' for name in mark.recognised)
    right = "<p>Right.</p>" if mark.points == question.points and not mark.reasons else ""
    return f"<h2>{escaped(question.title)} ({points})</h2>{right}{items(mark.reasons)}{known}"


def _named(name: str, says: str) -> str:
    return f"Looks like: <b>{escaped(name)}</b>. {escaped(says)}"


def explanations(question: Question) -> dict[str, str]:
    """What to say about each mistake that a question knows."""
    return question.explanations()


# --- the instructor's page


def summary(rows: list[Row], problem_set: ProblemSet, problems: list[str]) -> str:
    """Write the summary of a class: its scores, the hardest questions, and its misunderstandings by name."""
    marked = [graded for _, graded in rows if graded and not graded.problem]
    title = f"{problem_set.title}: {len(marked)} of {len(rows)} students have marks"
    attention = [(s.name, status(g), "; ".join(g.notes) if g else "") for s, g in rows if not g or g.problem or g.notes]
    return page(
        title,
        _pictures(marked, problem_set) if marked else "<p>Nobody has marks yet.</p>",
        "<h2>Question by question</h2>"
        + table(("Question", "Mean", "Of", "Share"), shares(marked, problem_set), (1, 2, 3)),
        "<h2>Misunderstandings</h2>" + (_mistakes(marked, problem_set) or "<p>None was recognised.</p>"),
        "<h2>To look at</h2>" + table(("Student", "Status", "Notes"), attention) if attention else "",
        "<h2>Files that could not be used</h2>" + items(problems) if problems else "",
    )


def shares(marked: list[Graded], problem_set: ProblemSet) -> list[tuple[str, str, int, str]]:
    """Give the mean points of each question, the hardest first. Answers in words count once they are read."""
    found = []
    for question in problem_set.questions:
        points = [p for g in marked if (p := g.marks[question.id].points) is not None]
        mean = sum(points) / len(points) if points else None
        found.append((2.0 if mean is None else mean / question.points, question, mean))
    found.sort(key=lambda each: each[0])
    return [(q.title, "" if m is None else f"{m:.1f}", q.points, "" if m is None else f"{s:.0%}") for s, q, m in found]


def mistakes(marked: list[Graded]) -> list[tuple[str, str, int]]:
    """Count in how many submissions each mistake was recognised, by question, the most frequent first."""
    counts = Counter((id, name) for g in marked for id, mark in g.marks.items() for name in mark.recognised)
    return [(id, name, count) for (id, name), count in sorted(counts.items(), key=lambda each: (-each[1], each[0]))]


def _mistakes(marked: list[Graded], problem_set: ProblemSet) -> str:
    titles = {question.id: question.title for question in problem_set.questions}
    rows = [(name, titles.get(id, id), count) for id, name, count in mistakes(marked)]
    return table(("Looks like", "Question", "Students"), rows, (2,)) if rows else ""


def _pictures(marked: list[Graded], problem_set: ProblemSet) -> str:
    with style.house_style():
        figure = style.new_figure(8.0, 3.2, dpi=150)
        figure.set_layout_engine("constrained")
        left, right = figure.subplots(1, 2, width_ratios=(1, 1.2))
        median = _draw_scores(left, [graded.score or 0 for graded in marked], problem_set.points)
        hardest = _draw_questions(right, marked, problem_set)
        says = f"At least half of the class has {number(median)} of {problem_set.points} points or more. {hardest}"
        return picture(figure, says).html()


def _draw_scores(axes: Axes, scores: list[float], most: int) -> float:
    median = median_high(scores)
    axes.hist(scores, bins=[most * k / 10 for k in range(11)], color=style.QUANTIZED, edgecolor="white")
    axes.axvline(median, color=style.ORIGINAL, linestyle="--", linewidth=1)
    axes.set(title=f"Half have {number(median)} or more", xlabel=f"points of {most}", ylabel="students", xlim=(0, most))
    axes.locator_params("y", integer=True)
    return median


def _draw_questions(axes: Axes, marked: list[Graded], problem_set: ProblemSet) -> str:
    read = [
        question for question in problem_set.questions if any(g.marks[question.id].points is not None for g in marked)
    ]
    means = {question.id: _share(marked, question) for question in read}
    names = [f"{question.id.rpartition('_')[2]}" for question in read]
    axes.barh(names, list(means.values()), color=style.QUANTIZED)
    hardest = min(read, key=lambda question: means[question.id])
    axes.set(title=f"{hardest.id.rpartition('_')[2]} was the hardest", xlabel="mean share of the points", xlim=(0, 1))
    axes.invert_yaxis()
    return f"The hardest question is {hardest.title}: {means[hardest.id]:.0%} of its points on average."


def _share(marked: list[Graded], question: Question) -> float:
    points = [p for g in marked if (p := g.marks[question.id].points) is not None]
    return sum(points) / len(points) / question.points if points else 0.0
