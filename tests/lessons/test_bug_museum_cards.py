"""The cards of the bug museum: the code on each is the mistake that is hunted, and its fix is right."""

import ast
import re

import pytest
import torch

from quantlib.lab.exercise import same
from quantlib.lessons import all_exercises
from quantlib.lessons.bug_museum import bugs
from quantlib.lessons.bug_museum.hunt import RULERS, SMALLEST, Museum
from tools import nbfile, project

CELLS = nbfile.read(project.NOTEBOOKS / "bug_museum.ipynb").cells
TEXT = "\n\n".join(cell.source for cell in CELLS if cell.cell_type == "markdown")
CODE = re.compile(r"```python\n(.*?)```", re.DOTALL)
CARD = re.compile(r"^### (B\d+) · (.*?)(?=^### |^## |\Z)", re.MULTILINE | re.DOTALL)
ON_SCREEN = re.compile(r"museum\.hunt\(bugs\.(\w+)\)")


def cards():
    """Each hunted mistake with the published code and the fix of the card above it."""
    for k, cell in enumerate(CELLS):
        if found := ON_SCREEN.match(cell.source):
            yield found[1], *CODE.findall(CARD.findall(CELLS[k - 1].source)[-1][1])[:2]


CARDS = {name: (published, fix) for name, published, fix in cards()}
each = pytest.mark.parametrize("name", CARDS)


def function(source):
    names = {"torch": torch}
    exec(source, names)
    return next(names[node.name] for node in ast.parse(source).body if isinstance(node, ast.FunctionDef))


def deed_of(name):
    return next(deed for deed, exercise in all_exercises().items() if getattr(bugs, name) in exercise.known)


def results(name, function):
    """What a function gives on the inputs of the check, and on the smallest; odd ranges meet more than one mistake."""
    check = all_exercises()[deed_of(name)]
    odd = getattr(check, "odd", ())
    arguments = [case for case in check.cases if not any(case is one for one in odd)]
    arguments.append(Museum().hunt(getattr(bugs, name)).shown_by.arguments)
    given = [function(*(a.clone() if isinstance(a, torch.Tensor) else a for a in case)) for case in arguments]
    return [
        (case, tuple(torch.as_tensor(part).double() for part in parts(g)))
        for case, g in zip(arguments, given, strict=True)
    ]


def parts(result):
    return result if isinstance(result, tuple) else (result,)


def alike(name, f, g):
    return all(same(a, b, case) for (case, a), (_, b) in zip(results(name, f), results(name, g), strict=True))


def test_all_seventeen_are_there():
    assert sorted(int(key[1:]) for key, _ in CARD.findall(TEXT)) == list(range(1, 18))


def test_every_card_says_where_it_has_bitten_and_how_to_fix_it():
    for key, card in CARD.findall(TEXT):
        assert re.search(r"\*\*Where it has bitten:\*\*.*?\]\(https://", card, re.DOTALL), key
        assert "The fix" in card, key


def test_what_is_hunted_has_a_card():
    assert set(CARDS) == set(SMALLEST)


# A cast beyond the range is undefined. Where it keeps the lowest 8 bits, published code is the mistake that is hunted.
WRAPS = torch.tensor([128.0, -129.0, 300.0]).to(torch.int8).tolist() == [-128, 127, 44]


@each
@pytest.mark.skipif(not WRAPS, reason="this machine casts otherwise")
def test_the_published_code_is_the_mistake_that_is_hunted(name):
    assert alike(name, function(CARDS[name][0]), getattr(bugs, name))


@each
def test_the_fix_is_right(name):
    assert alike(name, function(CARDS[name][1]), all_exercises()[deed_of(name)].reference)
    assert not alike(name, getattr(bugs, name), all_exercises()[deed_of(name)].reference)


@pytest.mark.parametrize("name", [name for name in CARDS if deed_of(name) in RULERS])
def test_a_fix_brings_no_other_bug_with_it(name):
    check = all_exercises()[deed_of(name)]
    zeros = torch.zeros(2), *check.seed[1:]
    assert same(parts_of(function(CARDS[name][1])(*zeros)), parts_of(check.reference(*zeros)), zeros)


def parts_of(result):
    return tuple(torch.as_tensor(part).double() for part in parts(result))


def back(name, x):
    """What x comes back as, with the published code of a card that chooses a ruler."""
    s, z = function(CARDS[name][0])(x)
    return s * ((x / s + z).round().clamp(-128, 127) - z)


def test_where_it_has_bitten_is_what_the_code_of_the_card_does():
    assert back("clamps_the_zero_point", torch.tensor([1.0, 2.0])).tolist() == [1.0, 1.0]
    assert len(back("clamps_the_zero_point", torch.arange(-22.0, -14.0)).unique()) == 1
    halves = function(CARDS["truncates"][0])(torch.linspace(-0.99, 0.99, 9), 1.0, 0)
    assert halves.tolist() == [0] * 9
    assert function(CARDS["opposite_zero_point"][0])(torch.tensor([-128.0, 127.0]))[1] == 0  # the input that hides it
