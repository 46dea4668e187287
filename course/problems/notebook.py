"""Write problem sets as notebooks in nbgrader's format: a source with solutions and hidden tests, and its release.

    python -m course.problems.notebook                          the public seed's, into notebooks/assignments
    python -m course.problems.notebook --seed 7 --out a_folder  those of another seed
    python -m course.problems.notebook --check                  change nothing, fail where one is out of date

The folders are nbgrader's: source/ps1/ps1.ipynb and release/ps1/ps1.ipynb. A release is plain cells and asserts.
"""

import argparse
import copy
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from torch import Tensor

from tools import generate, nbfile

from .catalogue import NAMES, problem_set
from .questions import (
    BEGIN,
    END,
    Break,
    Explain,
    Part,
    ProblemSet,
    Question,
    Reach,
    Request,
    Values,
    Write,
    call,
    solution,
)
from .seed import ASSIGNMENTS, remember, remembered
from .texts import TEXT_STUB, in_points, prose, question_text

COMMAND = "course.problems.notebook"
BEGIN_HIDDEN, END_HIDDEN = "### BEGIN HIDDEN TESTS", "### END HIDDEN TESTS"
CODE_STUB = "# YOUR CODE HERE\nraise NotImplementedError()"  # nbgrader's
WIDEST = 100  # characters: a line of code that a page of 1280 pixels shows whole
METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


# --- source


def source(problem_set: ProblemSet) -> NotebookNode:
    """Return the instructor's notebook, which runs without an error."""
    cells = [_title(problem_set), _setup(), new_code_cell("import torch", id="imports")]
    for number, question in enumerate(problem_set.questions, start=1):
        cells += _cells(question, number)
    return new_notebook(cells=cells, metadata=METADATA)


def _title(problem_set: ProblemSet) -> NotebookNode:
    count = f"**{len(problem_set.questions)} questions, {problem_set.points} points.**"
    return new_markdown_cell(f"# {problem_set.title}\n\n{count}\n\n{prose(problem_set.intro)}", id="title")


def _setup() -> NotebookNode:
    metadata = {"tags": ["setup"], **generate.FOLDED}
    return new_code_cell(generate.setup_source(), id="setup", metadata=nbformat.from_dict(metadata))


def _cells(question: Question, number: int) -> Iterator[NotebookNode]:
    yield _marked(new_markdown_cell(question_text(question, number)), f"{question.id}_text", locked=True)
    if isinstance(question, Explain):
        yield from _cells_to_explain(question)
        return
    yield _may_fail(_marked(new_code_cell(question.source), question.id, solution=True))
    if isinstance(question, Write):
        yield _may_fail(_marked(new_code_cell(fitting(question.example)), f"{question.id}_example", locked=True))
    for k, (title, points, tests) in enumerate(_tests(question), start=1):
        hidden = f"# {title}: {in_points(points)}\n{BEGIN_HIDDEN}\n{tests}\n{END_HIDDEN}"
        yield _marked(new_code_cell(hidden), f"{question.id}_test_{k}", grade=True, locked=True, points=points)


def _cells_to_explain(question: Explain) -> Iterator[NotebookNode]:
    if question.picture:
        yield _marked(new_code_cell(question.picture), f"{question.id}_picture", locked=True)
    looked_for = "\n".join(f"- {in_points(points)}: {what}" for what, points in question.rubric)
    rubric = f"What is looked for:\n\n{looked_for}\n\n{END}"
    answer = prose(question.source).replace(END, rubric)
    yield _marked(new_markdown_cell(answer), question.id, grade=True, solution=True, points=question.points)


def _marked(cell: NotebookNode, grade_id: str, **marks: Any) -> NotebookNode:
    """Give a cell its id, and what nbgrader wants to know of it."""
    cell.id = grade_id.replace("_", "-")
    flags = {"grade": False, "locked": False, "solution": False, "task": False} | marks
    about = {"schema_version": 3, "grade_id": grade_id, "cell_type": cell.cell_type} | flags
    cell.metadata["nbgrader"] = nbformat.from_dict(about)
    return cell


def _may_fail(cell: NotebookNode) -> NotebookNode:
    """Let "Run all" go on behind a cell that fails: whoever has not answered question 1 may try question 2."""
    cell.metadata["tags"] = ["raises-exception"]
    return cell


def fitting(example: str) -> str:
    """Give the call that an example is about a name, if the example is wider than a page otherwise."""
    if max(map(len, example.splitlines())) <= WIDEST:
        return example
    call = example.removeprefix("assert ").partition(" == ")[0].removesuffix(".tolist()")
    return f"got = {call}\n{example.replace(call, 'got')}"


# --- hidden tests


def _tests(question: Question) -> Iterator[tuple[str, int, str]]:
    """Yield the title, the points and the asserts of each test."""
    if isinstance(question, Write):
        for part in question.parts:
            yield part.name[:1].upper() + part.name[1:], part.points, "\n".join(_of_part(question, part))
    elif isinstance(question, Values):
        for name, (right, points) in question.right.items():
            yield name, points, f"assert abs({name} - {right!r}) <= {question.within}"
    elif isinstance(question, Reach):
        for rung in question.rungs:
            yield rung.name, rung.points, f"{question.check}\n\n\nassert value({question.name}) <= {rung.most}"
    elif isinstance(question, Break):
        yield question.name, question.points, f'{question.check}\n\n\nassert problem({question.name}) == ""'


def _of_part(question: Write, part: Part) -> Iterator[str]:
    right = solution(question)
    for case in part.cases:
        yield f"case = {literal(case)}"
        yield from [f"{question.name}(*case)"] * (part.calls - 1)
        yield f"got = {question.name}(*case)"
        yield from equal("got", call(right, Request(question.name, case, part.calls)), question.relative)


def literal(value: Any) -> str:
    """Write a value as Python does, tensors included."""
    if isinstance(value, tuple):
        return f"({', '.join(map(literal, value))},)"
    if isinstance(value, Tensor) and not value.numel():
        return f"torch.empty({tuple(value.shape)}, dtype={value.dtype})"
    return f"torch.tensor({value.tolist()}, dtype={value.dtype})" if isinstance(value, Tensor) else repr(value)


def equal(name: str, right: Any, relative: float) -> Iterator[str]:
    """Yield asserts that a name is a value, in type, dtype, shape and numbers."""
    if isinstance(right, tuple):
        yield f"assert type({name}) is tuple and len({name}) == {len(right)}"
        for k, item in enumerate(right):
            yield from equal(f"{name}[{k}]", item, relative)
    elif isinstance(right, Tensor):
        yield f"assert type({name}) is torch.Tensor and {name}.dtype == {right.dtype}"
        yield f"assert {name}.shape == {tuple(right.shape)}"
        yield from _equal_numbers(name, right, relative)
    else:
        yield f"assert type({name}) is {type(right).__name__}"
        slack = relative * abs(right) if isinstance(right, float) else 0
        yield f"assert abs({name} - {right!r}) <= {slack}"


def _equal_numbers(name: str, right: Tensor, relative: float) -> Iterator[str]:
    if not right.dtype.is_floating_point:
        yield f"assert {name}.tolist() == {right.tolist()}"
    elif right.numel():
        slack = relative * right.abs().max().item()
        wanted = f"torch.tensor({right.tolist()}, dtype=torch.float64)"
        yield f"assert ({name}.double() - {wanted}).abs().max() <= {slack}"


# --- release


def release(nb: NotebookNode) -> NotebookNode:
    """Return the students' notebook of a source: gaps for solutions, no hidden test, no output, locked tests."""
    nb = copy.deepcopy(nb)
    for cell in nb.cells:
        stub = CODE_STUB if cell.cell_type == "code" else TEXT_STUB
        cell.source = _without(_without(cell.source, BEGIN, END, stub), BEGIN_HIDDEN, END_HIDDEN, None)
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
        marks = cell.metadata.get("nbgrader", {})
        if marks:
            cell.metadata["deletable"] = False
        if marks.get("locked"):
            cell.metadata["editable"] = False
    return nb


def _without(text: str, begin: str, end: str, stub: str | None) -> str:
    """Replace the lines from `begin` to `end`, as far to the right as they are."""
    region = re.compile(rf"^( *){re.escape(begin)}\n.*?^ *{re.escape(end)}\n?", re.MULTILINE | re.DOTALL)

    def replaced(match: re.Match[str]) -> str:
        return "" if stub is None else "".join(f"{match[1]}{line}\n" for line in stub.splitlines())

    return region.sub(replaced, text + "\n").removesuffix("\n")


# --- files


def texts(seed: int | str, folder: Path) -> dict[Path, str]:
    """Return what each file should hold."""
    found = {}
    for name in NAMES:
        nb = source(problem_set(name, seed))
        for kind, notebook in (("source", nb), ("release", release(nb))):
            found[folder / kind / name / f"{name}.ipynb"] = nbfile.dump(notebook)
    return found


def stale(seed: int | str, folder: Path) -> list[Path]:
    """Name the files that are not what they should be."""
    return [
        path for path, text in texts(seed, folder).items() if not path.exists() or path.read_bytes() != text.encode()
    ]


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog=f"python -m {COMMAND}", description="Write the problem sets' notebooks.")
    parser.add_argument("--seed", help="the seed of the course, any text (default: the last one, or the public one)")
    parser.add_argument("--out", type=Path, default=ASSIGNMENTS, help="nbgrader's course folder")
    parser.add_argument("--check", action="store_true", help="change nothing, fail where a notebook is out of date")
    options = parser.parse_args(arguments)
    seed = remembered(options.out) if options.seed is None else options.seed
    if options.check:
        names = [path.relative_to(options.out).as_posix() for path in stale(seed, options.out)]
        if names:
            sys.exit(f"Out of date, run python -m {COMMAND}: {', '.join(names)}")
        return
    for path, text in texts(seed, options.out).items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    if options.seed is not None:
        remember(options.seed, options.out)


if __name__ == "__main__":
    main(sys.argv[1:])
