"""The board: bits of a whole file against what its network loses, and a recipe that moves on it."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from quantlib.data.recipes import RECIPE_MATRICES, Score, score_recipe
from quantlib.lab import style
from quantlib.lab.exercise import Function
from quantlib.lab.explore import Explorer, Scene, Slider, View, explorer, one_thread
from quantlib.lab.panel import Drag, Panel
from quantlib.lab.picture import Picture, picture
from quantlib.lab.words import fixed
from quantlib.metrics import bits_per_symbol
from quantlib.networks import Recipe, apply_recipe
from quantlib.networks.recipe import METHODS
from quantlib.storage import network_bits

from . import exercises
from .judges import few_windows, logits_of, says, targets_of, writer

GROUPS = {
    "attention": ("0.qkv", "0.out", "1.qkv", "1.out"),
    "MLP": ("0.up", "0.down", "1.up", "1.down"),
    "tables and head": ("embed", "position", "head"),
}
SLIDERS = [
    Slider("a", "attention a", 4, 2, 8, 1),
    Slider("m", "MLP bits m", 4, 2, 8, 1),
    Slider("t", "tables, head t", 4, 2, 8, 1),
]
BUDGETS = 5.0, 4.0, 3.5  # bits a weight
ALIKE = range(2, 9)  # bits of the references, in which all matrices have as many
LOW, HIGH = 0.003, 5.0  # of the axis of losses
SHOWN = 50  # characters of text
LEAST, MOST = 2.0, 9.0  # of the axis of bits


@dataclass(frozen=True)
class Placed(View):
    """Where a recipe stands.

    widths: the bits of attention, MLP, and tables and head.
    bits, above: a weight of the file, and a character above float.
    points: the references and at last the recipe; front: which of them are not beaten.
    text: what the network writes.
    """

    widths: tuple[int, int, int]
    bits: float
    above: float
    points: tuple[tuple[float, float], ...]
    front: tuple[bool, ...]
    text: str


@cache
def _kept(name: str, bits: int) -> Tensor:
    """Return a matrix in so many bits, one scale a row."""
    weight = f"{name}.weight"
    return apply_recipe({weight: writer()[weight]}, Recipe({name: (bits, None)}))[weight]


def widths_of(a: int, m: int, t: int) -> dict[str, int]:
    """Return the bits of each matrix."""
    return {name: bits for names, bits in zip(GROUPS.values(), (a, m, t), strict=True) for name in names}


def _mixed(widths: dict[str, int]) -> dict[str, Tensor]:
    floats = {name: w.half().float() for name, w in writer().items()}
    return floats | {f"{name}.weight": _kept(name, bits) for name, bits in widths.items()}


@cache
def _judged(a: int, m: int, t: int) -> tuple[Tensor, str]:
    """Return the logits of a recipe on the few windows, and what it writes."""
    weights = _mixed(widths_of(a, m, t))
    return logits_of(weights, few_windows()), says(weights, SHOWN)


@cache
@one_thread()
def _references() -> tuple[tuple[float, float], ...]:
    """Return the points of recipes with as many bits for every matrix."""
    targets = targets_of(few_windows())
    exact = bits_per_symbol(logits_of(writer(), few_windows()), targets)
    found = []
    for bits in ALIKE:
        widths = widths_of(bits, bits, bits)
        loss = bits_per_symbol(logits_of(_mixed(widths), few_windows()), targets)
        found.append((network_bits(exercises.parts_of_writer(widths)), loss - exact))
    return tuple(found)


@explorer
def explore_board(
    count: Function = exercises.network_bits.reference,
    loss: Function = exercises.bits_per_character.reference,
    front: Function = exercises.front.reference,
) -> Explorer:
    """Show sliders for the bits of three groups of matrices, and where that recipe stands on the board.

    Args:
        count: f(parts), the bits a weight of the file; loss: f(logits, targets), in bits a character.
        front: f(points), for each whether no other beats it. They are quantlib's or a learner's.
    """
    counted = exercises.network_bits.stand_in(count)
    judged = exercises.bits_per_character.stand_in(loss)
    unbeaten = exercises.front.stand_in(front)
    exact, targets = logits_of(writer(), few_windows()), targets_of(few_windows())

    def compute(a: int, m: int, t: int) -> Placed:
        logits, text = _judged(a, m, t)
        bits, about_bits = counted(exercises.parts_of_writer(widths_of(a, m, t)))
        mine, about_loss = judged(logits, targets)
        was, _ = judged(exact, targets)
        point = float(bits), float(mine) - float(was)
        others = tuple(p for k, p in zip(ALIKE, _references(), strict=True) if (k, k, k) != (a, m, t))
        stays, about_front = unbeaten((*others, point))
        notices = about_bits, about_loss, about_front
        return Placed((a, m, t), *point, (*others, point), tuple(map(bool, stays)), text, notices=notices)

    return Explorer(SLIDERS, compute, Scene((9.2, 4.5), _lay_out), describe)


def describe(view: Placed) -> str:
    """Return the sentence that says where the recipe stands."""
    place = "on the front" if view.front[-1] else "beaten"
    a, m, t = view.widths
    said = f"{fixed(view.bits, 2)} bits a weight, all in, and {fixed(view.above, 3)} bits a character above float"
    return f"a = {a} and m = {m} and t = {t}: the whole file takes {said}: {place}. It writes: {view.text}"


def _lay_out(figure: Figure) -> list[Panel]:
    return [Widths(figure.add_axes((0.06, 0.2, 0.23, 0.70))), Board(figure.add_axes((0.40, 0.2, 0.585, 0.70)))]


class Widths(Panel):
    """The bits of the three groups as bars that can be dragged, with each group's share of the weights."""

    def __init__(self, axes: Axes) -> None:
        super().__init__(axes, xlim=(-0.6, 2.6), ylim=(0, 8.6), ylabel="bits of a code")
        sizes = [sum(writer()[f"{name}.weight"].numel() for name in names) for names in GROUPS.values()]
        total = sum(w.numel() for w in writer().values())
        names = "attention", "MLP", "tables\nand head"
        axes.set_xticks(range(3), [f"{name}\n{n / total:.0%}" for name, n in zip(names, sizes, strict=True)])
        axes.tick_params(axis="x", length=0)
        self._bars = self.area({"facecolor": style.QUANTIZED})
        self._values = [self.label(bold=True, color="white") for _ in range(3)]

    def update(self, view: Placed) -> None:
        """Move the bars."""
        self._bars.set_verts([bar(k, bits) for k, bits in enumerate(view.widths)])
        for k, (label, bits) in enumerate(zip(self._values, view.widths, strict=True)):
            label.text, label.at = str(bits), (k, bits - 0.5)
        self.title.text = "the recipe"

    def grab(self, view: Placed, x: float, y: float) -> Drag:
        """Take the bar that is pointed at along."""
        name = SLIDERS[min(max(round(x), 0), 2)].name
        return lambda to_x, to_y: {name: to_y}


def bar(k: int, height: float) -> list[tuple[float, float]]:
    """Return the corners of the bar at a place."""
    return [(k - 0.4, 0.0), (k - 0.4, height), (k + 0.4, height), (k + 0.4, 0.0)]


class Board(Panel):
    """What a file takes and what its network loses; the budgets, the references and the recipe."""

    def __init__(self, axes: Axes) -> None:
        super().__init__(axes, xlim=(LEAST, MOST), ylim=(LOW, HIGH), yscale="log")
        set_axes(axes)
        self._front = self.line(style.BETTER, lw=2, drawstyle="steps-post", zorder=1)
        self._others = self.line(style.QUIET, marker="o", ls="none", ms=6)
        self._mine = self.dot(style.QUANTIZED, ms=11)

    def update(self, view: Placed) -> None:
        """Move the recipe and the front."""
        points = [(min(max(x, LEAST), MOST), min(max(y, LOW), HIGH)) for x, y in view.points]
        front = sorted(point for point, stays in zip(points, view.front, strict=True) if stays)
        self._front.set_data(*zip(*front, strict=True) if front else ([], []))
        self._others.set_data(*zip(*points[:-1], strict=True))
        self._mine.set_data([points[-1][0]], [points[-1][1]])
        self.title.text = f"{fixed(view.bits, 2)} bits a weight, {fixed(view.above, 3)} above float"


def set_axes(axes: Axes) -> None:
    """Draw what each board has: the ticks and the budgets."""
    axes.set(xlabel="bits a weight of the whole file", ylabel="bits a character above float")
    ticks = [0.003, 0.01, 0.03, 0.1, 0.3, 1, 3]
    axes.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()
    for budget in BUDGETS:
        axes.axvline(budget, color=style.QUIET, lw=1, ls="dashed", zorder=0)
        axes.text(budget + 0.05, 3.6, f"{budget:g}", size=9, va="center", color=style.QUIET)


@cache
@one_thread()
def placed(a: int, m: int, t: int) -> Placed:
    """Return where a recipe of the explorer stands, by quantlib's own functions."""
    view: Placed = explore_board().compute(a=a, m=m, t=t)
    return view


# --- recipes that were scored


def alike(bits: int, method: str = "nearest", size: int | None = None, tables: int | None = None) -> Recipe:
    """Return a recipe with as many bits for every matrix.

    Args:
        size: of the groups of the nine matrices; tables: the bits of the embeddings and positions, if others.
    """
    widths = {} if tables is None else {"embed": tables, "position": tables}
    return mixed(widths, bits, method, size)


def mixed(widths: Mapping[str, int], bits: int, method: str = "nearest", size: int | None = None) -> Recipe:
    """Return a recipe with widths for some matrices, one scale a row, and as many bits, in groups, for all others."""
    return Recipe({name: (widths[name], None) if name in widths else (bits, size) for name in RECIPE_MATRICES}, method)


@cache
@one_thread()
def scored(half: str, method: str) -> list[Score]:
    """Return the scores of recipes with 6, 5, 4 and 3 bits for every matrix."""
    return [score_recipe(alike(bits, method), half) for bits in (6, 5, 4, 3)]


# For each budget what a rule found that gives one bit at a time where it brings most for its size. The matrices were
# measured alone, on every third window of the first half.
REFERENCES = {
    5.0: mixed({"0.out": 7, "0.qkv": 5, "0.up": 5, "1.qkv": 5, "head": 5, "embed": 6, "position": 6}, 4, "gptq"),
    4.0: mixed({"0.out": 5, "0.qkv": 4, "1.qkv": 4, "1.up": 4, "head": 4, "embed": 6, "position": 5}, 3, "gptq"),
    3.5: mixed({"0.out": 4, "head": 4, "embed": 4, "position": 4}, 3, "gptq"),
}


def draw_scores(scores: Mapping[str, Score]) -> Picture:
    """Draw what recipes take and what they lose.

    Args:
        scores: by a name for each recipe.
    """
    with style.house_style():
        figure = style.new_figure(9.2, 1.7)
        axes = figure.add_axes((0.29, 0.30, 0.69, 0.55))
        top = max(score.above for score in scores.values())
        axes.set(xlim=(0, 2 * top), ylim=(len(scores) - 0.5, -0.5), xlabel="bits a character above float")
        axes.set_yticks(range(len(scores)), list(scores))
        axes.tick_params(axis="y", length=0)
        for row, score in enumerate(scores.values()):
            axes.barh(row, score.above, height=0.6, color=style.QUANTIZED)
            said = f"{score.above:.3f} ± {score.error:.3f}, with {score.bits:.2f} bits a weight"
            axes.text(score.above + 0.01 * top, row, said, va="center", size=9)
        axes.set_title("two files of nearly the same size")
        all_said = "; ".join(f"{name}: {score}" for name, score in scores.items())
        return picture(figure, f"What files of nearly the same size lose: {all_said}.")


@one_thread()
def draw_board(recipe: Recipe, half: str = "first") -> Picture:
    """Draw where a recipe stands beside those with as many bits for every matrix, on a half of The Tempest."""
    mine, found = score_recipe(recipe, half), {method: scored(half, method) for method in METHODS}
    with style.house_style():
        figure = style.new_figure(9.2, 3.7)
        axes = figure.add_axes((0.09, 0.145, 0.895, 0.75))
        axes.set(xlim=(LEAST, MOST), ylim=(LOW, HIGH), yscale="log")
        set_axes(axes)
        looks = {"nearest": ("o-", style.QUIET), "gptq": ("^--", style.BETTER_TEXT)}
        for method, scores in found.items():
            form, ink = looks[method]
            losses = [max(score.above, LOW) for score in scores]
            axes.plot([score.bits for score in scores], losses, form, color=ink, lw=1.4)
        axes.text(6.45, 0.0165, "all alike, to the nearest", color=style.QUIET, va="center")
        axes.text(6.45, 0.0075, "all alike, GPTQ", color=style.BETTER_TEXT, va="center")
        at = min(max(mine.bits, LEAST), MOST), min(max(mine.above, LOW), HIGH)
        axes.plot(*at, "D", color=style.QUANTIZED, ms=10, mec="white", zorder=5)
        axes.text(at[0] + 0.12, at[1] * 1.25, "yours", color=style.QUANTIZED, weight="bold")
        said = f"{mine.bits:.2f} bits a weight, {mine.above:+.3f} ± {mine.error:.3f} bits a character"
        axes.set_title(f"your recipe, on the {half} half: {said}")
        others = "; ".join(
            f"{method} " + ", ".join(f"{score.bits:.2f}: {score.above:.3f}" for score in scores)
            for method, scores in found.items()
        )
        return picture(
            figure, f"A recipe on the board, on the {half} half of The Tempest: {said}. All alike: {others}."
        )
