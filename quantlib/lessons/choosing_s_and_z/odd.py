"""Odd inputs: what a recipe for s and z makes of them, and a box in which a learner looks for more."""

import html
from collections.abc import Sequence
from math import inf, isnan
from typing import Any, NamedTuple

import ipywidgets
import torch
from torch import Tensor

import quantlib
from quantlib import QuantlibError
from quantlib.lab import page, style
from quantlib.lab.exercise import Function
from quantlib.lab.learner import call, name_of, read, two_numbers
from quantlib.lab.picture import Picture, picture
from quantlib.lab.ruler import QUANT_MAX, QUANT_MIN

KINDS = "s is 0", "s is infinite", "s is NaN", "z is no code", "an error"
ODD: dict[str, Sequence[float]] = {
    "constant": [5.0, 5.0, 5.0],
    "all zero": [0.0, 0.0],
    "one number": [-0.3],
    "all positive": [1000.0, 1010.0, 1050.0],
    "all negative": [-3.0, -2.0],
    "outlier": [-1.0, 1.0, 1e6],
    "zero at an end": [0.0, 2.0],
    "huge": [3e38, -2e38],
    "tiny": [1e-44],
    "not a number": [torch.nan, 1.0],
    "infinite": [torch.inf, 1.0],
    "empty": [],
}


class Made(NamedTuple):
    """What a recipe makes of an input: s and z in words, and which of KINDS is wrong with them, or ""."""

    ruler: str
    fault: str


def make(recipe: Function, values: Sequence[float]) -> Made:
    """Call a recipe, whatever it does, and judge the ruler that comes."""
    outcome = call(recipe, torch.tensor(values, dtype=torch.float32))
    numbers: Any = outcome.problem or read(two_numbers, _first_two(outcome.value))
    if isinstance(numbers, str):
        return Made(f"it {numbers.partition(':')[0]}", "an error")
    s, z = (part.item() for part in numbers)
    return Made(f"s = {_short(s)}, z = {_short(z)}", _fault(s, z))


def _first_two(value: Any) -> Any:
    return value[:2] if isinstance(value, tuple) else value


def _fault(s: float, z: float) -> str:
    if isnan(s) or s == 0 or s == inf:
        return KINDS[2] if isnan(s) else KINDS[0] if s == 0 else KINDS[1]
    return "" if s > 0 and QUANT_MIN <= z <= QUANT_MAX else KINDS[3]


def _short(value: float) -> str:
    """Return a number for a narrow column: an integer whole, everything else with three digits."""
    text = f"{value:.0f}" if 1e3 <= abs(value) < 1e7 else f"{value:.3g}".replace("e+", "e")
    return text.replace("nan", "NaN").replace("-", "\N{MINUS SIGN}")


def _of_quantlib(x: Tensor) -> Any:
    return quantlib.choose_qparams(x)[:2]


def of_quantlib(values: Sequence[float]) -> str:
    """Return the ruler that quantlib chooses, in words, or that it refuses."""
    try:
        _of_quantlib(torch.tensor(values, dtype=torch.float32))
    except QuantlibError:
        return "refuses it"
    return make(_of_quantlib, values).ruler


def written(values: Sequence[float]) -> str:
    """Return an input as a reader would write it."""
    return ", ".join(_short(value) for value in values) or "no number"


def draw_odd(recipe: Function, names: Sequence[str] = tuple(ODD)) -> Picture:
    """Draw what a recipe makes of some of ODD, by their names, and what quantlib does, as a table."""
    columns = {0.0: "input", 0.16: "numbers", 0.35: "the recipe", 0.59: "so", 0.73: "quantlib"}
    made, height = {name: make(recipe, ODD[name]) for name in names}, 0.5 + 0.265 * (len(names) + 1)
    with style.house_style():
        figure = style.new_figure(9.2, height)
        axes = figure.add_axes((0.02, 0.02, 0.97, 0.98 - 0.35 / height))
        style.bare(axes)
        axes.set(xlim=(0, 1), ylim=(len(names) + 0.5, -0.6))
        for at, name in columns.items():
            axes.text(at, 0, name, weight="bold", va="center")
        for row, (name, (ruler, fault)) in enumerate(made.items(), 1):
            values = ODD[name]
            if not fault:
                axes.axhspan(row - 0.45, row + 0.45, color=style.BETTER_TINT, lw=0)
            texts = name, written(values), ruler, fault or "✓ usable", of_quantlib(values)
            for at, text in zip(columns, texts, strict=True):
                good = text.startswith("✓")
                ink = style.BETTER_TEXT if good else style.ORIGINAL
                axes.text(at, row, text, size=9, va="center", color=ink, weight="bold" if good else "normal")
        usable = [name for name, each in made.items() if not each.fault]
        finding = f"usable for {len(usable)} of {len(names)} odd inputs"
        axes.set_title(f"the recipe is {finding}")
        told = "; ".join(f"{name}: {each.fault or 'usable'}" for name, each in made.items())
        return picture(figure, f"The recipe is {finding}. {told}.")


class Search:
    """A box in which a learner types numbers, to break a recipe in as many ways as there are.

    Args:
        recipe: f(x) that returns (s, z).
    """

    def __init__(self, recipe: Function) -> None:
        self.recipe = recipe
        self.tried: dict[str, tuple[Made, str]] = {}  # by the input as it is written, and what quantlib makes of it
        layout = {"width": "360px", "margin": "2px 16px 2px 0"}
        style_of_box = {"description_width": "initial"}
        hint = "one number or several, with commas"
        self.box = ipywidgets.Text(description="x", placeholder=hint, layout=layout, style=style_of_box)
        self.button = ipywidgets.Button(description="Try this input", layout={"width": "auto"})
        self.button.on_click(lambda _: self._display(self.attempt(self.box.value)))
        self.result = ipywidgets.HTML()

    @property
    def found(self) -> list[str]:
        """In which ways the recipe has been broken so far."""
        faults = {made.fault for made, _ in self.tried.values()}
        return [kind for kind in KINDS if kind in faults]

    def attempt(self, text: str) -> str:
        """Try an input as it is typed, and return what there is to say about it."""
        try:
            values = [float(part) for part in text.replace("\N{MINUS SIGN}", "-").replace(",", " ").split()]
        except ValueError:
            return "These must be numbers, such as −1, 0.5, 3e4, inf or nan."
        if call(self.recipe, torch.tensor(values)).unwritten:
            return f"{name_of(self.recipe)} is not written yet."
        made = make(self.recipe, values)
        self.tried[written(values)] = made, of_quantlib(values)
        said = f"x = {written(values)}: {made.ruler}. "
        said += f"Broken: {made.fault}." if made.fault else "This ruler is usable."
        found = self.found
        return f"{said} Found: {len(found)} of {len(KINDS)} ways{': ' if found else ''}{', '.join(found)}."

    def _display(self, text: str) -> None:
        said = f'<p role="status" style="line-height:1.5;margin:8px 0;max-width:920px">{html.escape(text)}</p>'
        self.result.value = said + self._table()

    def _table(self) -> str:
        """Return the inputs tried, and beside each what quantlib makes of it."""
        heads = "x", "the recipe", "so", "quantlib"
        rows = ((x, made.ruler, made.fault or "usable", right) for x, (made, right) in self.tried.items())
        return page.table(heads, rows) if self.tried else ""

    def _ipython_display_(self) -> None:
        task = f"Find inputs on which this recipe breaks. There are {len(KINDS)} ways."
        still = {"text/plain": f"Hunt: {task}", "text/html": f"<p><b>Hunt:</b> {task}</p>"}
        asked = ipywidgets.HTML(f'<p style="margin:4px 0"><b>Hunt:</b> {task}</p>')
        row = ipywidgets.HBox([self.box, self.button], layout={"flex_flow": "row wrap"})
        page.show(still, [asked, row, self.result])


def break_recipe(recipe: Function) -> Search:
    """Let a learner look for inputs on which a recipe for s and z breaks."""
    return Search(recipe)
