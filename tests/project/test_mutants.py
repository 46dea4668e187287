"""The verdict on mutation testing: what counts as killed, and what a survivor needs."""

import pytest

from tools import mutants
from tools.mutants import Mutant

DIFF = """# quantlib.affine.x_quantize__mutmut_3: survived
--- quantlib/affine.py
+++ quantlib/affine.py
@@ -1,3 +1,3 @@
 def quantize(x):
-    return x + 1
+    return x - 1
"""
KEY = ("affine · quantize", "-    return x + 1\n+    return x - 1")
DOCUMENT = f"""# Title

{mutants.entry(KEY)}
It changes nothing.

## grids · grid

```diff
-    a
+    b
```
```diff
-    c
+    d
```
Both are slower only.

```diff
-    e
+    f
```
"""


def some(killed, survived):
    names = [f"quantlib.affine.x_quantize__mutmut_{i}" for i in range(killed + survived)]
    return [Mutant(name, "killed" if i < killed else "survived") for i, name in enumerate(names)]


def test_the_maths_is_all_of_quantlib_but_its_front_and_its_mistakes():
    names = set(mutants.maths())
    assert {"affine", "errors", "grids", "groups", "metrics", "qparams", "tiles"} <= names
    assert not {"__init__", "misconceptions", "lab", "data"} & names


def test_the_tests_of_the_maths_are_those_that_import_nothing_above_it():
    assert {"tests/test_affine.py", "tests/test_metrics.py", "tests/test_oracle.py"} <= set(mutants.tests())
    assert not {"tests/test_check.py", "tests/test_browser.py", "tests/test_mutants.py"} & set(mutants.tests())


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("from quantlib import grid", True),
        ("from quantlib.grids import code_dtype", True),
        ("from quantlib import tiles\nfrom quantlib.data import load_weight", True),
        ("import torch", False),
        ("from quantlib import grid\nfrom quantlib import lab", False),
        ("from quantlib import grid\nfrom quantlib.lab import explore", False),
        ("from quantlib import grid\nfrom quantlib import misconceptions as wrong", False),
        ("from quantlib import grid\n\ndef test():\n    from tools import project", False),
    ],
)
def test_a_test_file_of_the_maths_is_known_by_its_imports(source, expected):
    assert mutants.is_of_maths(source) is expected


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("quantlib.affine.x_quantize__mutmut_12", "affine · quantize"),
        ("quantlib.affine.x__clamp__mutmut_1", "affine · _clamp"),
        ("quantlib.affine.xǁ_StraightThroughǁforward__mutmut_2", "affine · _StraightThrough.forward"),
    ],
)
def test_a_mutant_is_placed_by_module_and_function(name, place):
    assert Mutant(name, "killed").place == place


@pytest.mark.parametrize(
    ("alone", "status"),
    [
        ("killed", "killed"),
        ("timeout", "killed"),
        ("segfault", "killed"),
        ("survived", "survived"),
        ("suspicious", "survived"),
        ("not checked", "survived"),
    ],
)
def test_what_was_repeated_alone_is_killed_only_if_it_stopped_the_tests(alone, status):
    assert mutants.settled(Mutant("quantlib.affine.x_f__mutmut_1", alone)).status == status


def test_a_mutant_that_no_test_reaches_survives():
    assert mutants.survivors([*some(1, 0), Mutant("quantlib.affine.x_f__mutmut_1", "no tests")])


def test_a_time_out_is_repeated_alone(monkeypatch):
    statuses = {"quantlib.affine.x_f__mutmut_1": "timeout", "quantlib.affine.x_f__mutmut_2": "survived"}
    repeated = []

    def mutmut(*arguments, capture=False):
        if arguments[:4] == ("run", "--max-children", "1", "quantlib.affine.x_f__mutmut_1"):
            repeated.append(arguments[3])
            statuses[arguments[3]] = "survived"
        return "\n".join(f"    {name}: {status}" for name, status in statuses.items())

    monkeypatch.setattr(mutants, "mutmut", mutmut)
    assert [mutant.status for mutant in mutants.run(jobs=2)] == ["survived", "survived"]
    assert repeated == ["quantlib.affine.x_f__mutmut_1"]


def test_a_mutant_is_known_by_the_lines_that_differ():
    assert mutants.changed(DIFF) == KEY[1]


def test_a_reason_stands_below_its_diffs_and_holds_for_all_of_them():
    reasons = mutants.explanations(DOCUMENT)
    assert reasons[KEY] == "It changes nothing."
    assert (
        reasons["grids · grid", "-    a\n+    b"]
        == reasons["grids · grid", "-    c\n+    d"]
        == "Both are slower only."
    )
    assert reasons["grids · grid", "-    e\n+    f"] == ""


def test_caches_are_left_out_and_nothing_else():
    source = "@lru_cache(maxsize=256, typed=True)\ndef f(): ...\n@cache\ndef g(): ...\n@staticmethod\ndef h(): ...\n"
    assert mutants.without_caches(source) == "def f(): ...\ndef g(): ...\n@staticmethod\ndef h(): ...\n"


def test_enough_killed_and_every_survivor_explained_is_no_complaint():
    assert mutants.complaints(some(95, 5), [KEY] * 5, {KEY: "It changes nothing."}) == []


def test_too_few_killed_is_a_complaint():
    (found,) = mutants.complaints(some(94, 6), [KEY] * 6, {KEY: "It changes nothing."})
    assert found == "94 of 100 mutants were killed, and 95% are wanted."


@pytest.mark.parametrize("reasons", [{}, {KEY: ""}])
def test_a_survivor_without_a_reason_is_a_complaint(reasons):
    (found,) = mutants.complaints(some(99, 1), [KEY], reasons)
    assert "No reason is given" in found and mutants.entry(KEY) in found


def test_a_reason_without_a_survivor_is_a_complaint_where_its_module_was_run():
    elsewhere = ("grids · grid", KEY[1])
    (found,) = mutants.complaints(some(1, 0), [], {KEY: "It changes nothing.", elsewhere: "Nor here."})
    assert "stale" in found and mutants.entry(KEY) in found


def test_the_table_has_a_row_for_each_module_and_one_for_all():
    lines = mutants.table([*some(3, 1), Mutant("quantlib.grids.x_grid__mutmut_1", "killed")]).splitlines()
    assert lines[2:] == [
        "| affine | 4 | 3 | 1 | 75.0 |",
        "| grids | 1 | 1 | 0 | 100.0 |",
        "| all | 5 | 4 | 1 | 80.0 |",
    ]


def test_every_survivor_that_is_written_down_has_a_reason():
    reasons = mutants.explanations(mutants.SURVIVORS.read_text(encoding="utf-8"))
    assert all(reasons.values())
    assert {place.split(" · ")[0] for place, _ in reasons} <= set(mutants.maths())
