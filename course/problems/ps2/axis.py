"""One wrong line: groups or scales along another axis."""

from random import Random
from typing import NamedTuple

from ..questions import Values
from ..variants import numbered, values_question


class Groups(NamedTuple):
    """A matrix; each row has `in_a_row` groups of `size` weights."""

    rows: int
    size: int
    in_a_row: int

    @property
    def length(self) -> int:
        return self.size * self.in_a_row


class Bug(NamedTuple):
    """A wrong line: its number, its text, how many scales it makes, and how many weights share one."""

    line: int
    text: str
    made: int
    sharing: int


SAYS = {
    "the number it should make": "Work out what it makes as it is, with its wrong line.",
    "the number it makes": "Work out what it should make: each row has several groups.",
    "one scale a row": "Each group has a scale of its own, and a row has several groups.",
    "one a weight": "The weights of a group share one scale.",
    "the size it should be": "Work out how many numbers the wrong line brings together.",
}


def axis(draw: Random) -> Values:
    g = Groups(draw.choice((6, 7, 9)), draw.choice((8, 10)), draw.choice((4, 5)))
    bug, wanted = draw.choice(_bugs(g)), g.rows * g.in_a_row
    right = {"axis_line": bug.line, "scales_made": bug.made, "scales_wanted": wanted, "sharing": bug.sharing}
    wrong = {
        "scales_made": {"the number it should make": wanted},
        "scales_wanted": {
            "the number it makes": bug.made,
            "one scale a row": g.rows,
            "one a weight": g.rows * g.length,
        },
        "sharing": {"the size it should be": g.size},
    }
    return values_question("Find the wrong axis", _text(g), right, wrong, SAYS, given=_given(g, bug))


def _bugs(g: Groups) -> list[Bug]:
    return [
        Bug(1, f"groups = w.reshape({g.rows}, {g.size}, {g.in_a_row})", g.rows * g.size, g.in_a_row),
        Bug(1, f"groups = w.T.reshape({g.length}, 1, {g.rows})", g.length, g.rows),
        Bug(3, "largest = sizes.amax(dim=1)", g.rows * g.size, g.in_a_row),
        Bug(3, "largest = sizes.amax(dim=0)", g.length, g.rows),
        Bug(3, "largest = sizes.amax(dim=(1, 2))", g.rows, g.length),
    ]


def _given(g: Groups, bug: Bug) -> str:
    lines = [
        f"groups = w.reshape({g.rows}, {g.in_a_row}, {g.size})",
        "sizes = groups.abs()",
        "largest = sizes.amax(dim=2)",
        "s = largest / 7",
    ]
    lines[bug.line - 1] = bug.text
    return numbered("scales_of_groups(w)", lines, returns="s.half()")


def _text(g: Groups) -> str:
    return f"""
`w` has the shape ({g.rows}, {g.length}). `scales_of_groups` should give each group of {g.size} neighbours in a row a
scale of its own, with 4-bit codes up to 7. **One line is wrong.** The comments count the lines.

Hand in

- `axis_line`: the number of the wrong line;
- `scales_made`: how many scales the function makes as it is;
- `scales_wanted`: how many it should make;
- `sharing`: how many weights share a scale as it is.
"""
