"""Mutation testing: what is changed, what counts as killed, and that no line is spared without a reason."""

import pytest

from tools import mutants

MARK = "# pragma: no mutate"


def test_the_maths_is_quantlib_itself_and_how_a_range_is_chosen():
    names = set(mutants.modules())
    assert {"affine", "errors", "grids", "groups", "metrics", "qparams", "tiles", "aciq", "histogram", "gptq"} <= names
    assert not {"__init__", "lab", "data", "silero", "style"} & names


def test_caches_are_left_out_and_nothing_else():
    source = "@lru_cache(maxsize=256, typed=True)\ndef f(): ...\n@cache\ndef g(): ...\n@staticmethod\ndef h(): ...\n"
    assert mutants.without_caches(source) == "def f(): ...\ndef g(): ...\n@staticmethod\ndef h(): ...\n"


@pytest.mark.parametrize("path", mutants.modules().values(), ids=mutants.modules())
def test_what_is_spared_says_why(path):
    """In the mark itself, after a comma, or in a comment above."""
    lines = path.read_text(encoding="utf-8").splitlines()
    for above, line in zip(["", *lines], lines, strict=False):
        if MARK in line and not line.endswith("end"):
            assert len(line.partition(f"{MARK}")[2].partition(", ")[2]) > 10 or above.lstrip().startswith("# "), line


@pytest.mark.parametrize(
    ("first", "alone", "killed"),
    [
        ("killed", None, True),
        ("survived", None, False),
        ("no tests", None, False),
        ("timeout", "killed", True),
        ("timeout", "timeout", True),
        ("timeout", "survived", False),
        ("segfault", "segfault", True),
        ("suspicious", "suspicious", False),
        ("not checked", "not checked", False),
    ],
)
def test_a_mutant_is_killed_by_a_test_or_by_an_odd_end_that_comes_again_when_it_is_alone(
    first, alone, killed, monkeypatch
):
    name, statuses, repeated = "quantlib.affine.x_f__mutmut_1", [], []

    def mutmut(*arguments):
        if arguments == ("run", "--max-children", "1", name):
            repeated.append(alone)
        statuses.append(alone if repeated else first)

    monkeypatch.setattr(mutants, "mutmut", mutmut)
    monkeypatch.setattr(mutants, "results", lambda: {name: statuses[-1]})
    assert mutants.survivors(jobs=2) == ([] if killed else [name])
    assert repeated == ([] if alone is None else [alone])
