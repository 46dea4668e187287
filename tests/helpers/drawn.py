"""What the notebooks draw: every text and every mark of their figures, with what it is drawn over.

Each notebook's code runs once, and the figures, explorers and predictions that it makes are kept. A figure is then
drawn once more, artist by artist, on an empty page: what lies beneath an artist is read from the pixels.
"""

import ast
import contextlib
import io
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import nbformat
import numpy
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.collections import Collection, QuadMesh
from matplotlib.colors import to_hex, to_rgba
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.text import Text

from quantlib.lab.explore import Explorer, nearest
from quantlib.lab.predict import Prediction
from quantlib.lab.text import Label
from tests.helpers.sight import contrast

RGBA = tuple[float, float, float, float]
SAMPLE = 4000  # so many of the pixels beneath an artist are looked at


# What a notebook makes


@dataclass
class Made:
    """What a notebook makes while it runs, and what the last line of each cell shows, by the place of the cell."""

    figures: list[Figure] = field(default_factory=list)
    predictions: list[Prediction] = field(default_factory=list)
    shown: dict[int, Any] = field(default_factory=dict)

    @property
    def explorers(self) -> list[Explorer]:
        """The explorers that are shown, in their order."""
        return [each for each in self.shown.values() if isinstance(each, Explorer)]


@cache
def run(notebook: Path) -> Made:
    """Run a notebook's code, but for its setup cell, and return what it made."""
    made = Made()
    cells = enumerate(nbformat.read(notebook, as_version=4).cells)
    _setup, *code = [(k, cell.source) for k, cell in cells if cell.cell_type == "code"]
    with contextlib.ExitStack() as stack:
        stack.enter_context(contextlib.redirect_stdout(io.StringIO()))
        stack.enter_context(_after_init(Figure, made.figures.append))
        stack.enter_context(_after_init(Prediction, made.predictions.append))
        scope: dict[str, Any] = {"__name__": "__main__"}
        for k, source in code:
            made.shown[k] = _run_cell(ast.parse(source, str(notebook)), scope)
    return made


def _run_cell(cell: ast.Module, scope: dict[str, Any]) -> Any:
    """Run a cell, and return what its last line shows."""
    last = cell.body.pop() if isinstance(cell.body[-1], ast.Expr) else None
    exec(compile(cell, "cell", "exec"), scope)
    return last and eval(compile(ast.Expression(last.value), "cell", "eval"), scope)


@cache
def scenes(notebook: Path) -> list[list["Drawn"]]:
    """Return what each figure of a notebook draws; an explorer's also with all sliders at their low and high ends."""
    made = run(notebook)
    still = [draw(figure) for figure in made.figures]
    ends = ("value", "min", "max")
    return still + [draw(_moved(explorer, end)) for explorer in made.explorers for end in ends]


def walk(notebook: Path, steps: int = 2) -> Iterator[list["Drawn"]]:
    """Give what each explorer draws somewhere between the ends of its sliders."""
    chance = random.Random(notebook.stem)
    for explorer in run(notebook).explorers:
        for _ in range(steps):
            shares = {name: chance.random() for name in explorer.controls}
            sliders = {name: control for name, control in explorer.controls.items() if hasattr(control, "step")}
            at = {name: slider.min + shares[name] * (slider.max - slider.min) for name, slider in sliders.items()}
            explorer.move(**{name: nearest(sliders[name], value) for name, value in at.items()})
            yield draw(explorer.scene.figure)


def ends(notebook: Path) -> Iterator[list["Drawn"]]:
    """Give what each explorer draws where one of its sliders is at an end, and the others where they begin."""
    for explorer in run(notebook).explorers:
        for name, control in explorer.controls.items():
            for end in (control.min, control.max):
                explorer.reset()
                explorer.move(**{name: end})
                yield draw(explorer.scene.figure)


def _moved(explorer: Explorer, end: str) -> Figure:
    explorer.move(**{name: getattr(control, end) for name, control in explorer.controls.items()})
    return explorer.scene.figure


@contextlib.contextmanager
def _after_init(kind: type, keep: Callable[[Any], None]) -> Iterator[None]:
    """Hand every new object of a class over."""
    original = kind.__init__

    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        keep(self)

    kind.__init__ = init
    try:
        yield
    finally:
        kind.__init__ = original


# What a figure draws


@dataclass(frozen=True)
class Ink:
    """One colour of an artist.

    kind: "text", "line", "marker", "edge", "fill" or "hatch".
    form: what tells it from a mark of the same kind and another colour: dash, marker shape or hatch.
    faint: whether what lies beneath shows through.
    contrast: against what lies beneath, or inside the same artist.
    """

    kind: str
    colour: str
    form: str
    faint: bool
    contrast: float


@dataclass(frozen=True)
class Drawn:
    """An artist that can be seen, and its colours; contrast is that of the colour that stands out most.

    box: left, top, right and bottom of the ink of a text, in pixels of the figure.
    """

    artist: Artist
    inks: Sequence[Ink]
    contrast: float
    box: tuple[int, int, int, int] = (0, 0, 0, 0)

    @property
    def axes(self) -> Axes | None:
        return getattr(self.artist, "axes", None)

    @property
    def text(self) -> str:
        """What a text says, and "" for a mark."""
        if isinstance(self.artist, Label):
            return self.artist.text
        return self.artist.get_text() if isinstance(self.artist, Text) else ""

    def __str__(self) -> str:
        inks = ", ".join(f"{ink.kind} {ink.colour} {ink.form}".strip() for ink in self.inks)
        return f"{self.text or type(self.artist).__name__} ({inks}): {self.contrast:.2f}"


def draw(figure: Figure) -> list[Drawn]:
    """Draw a figure as it is now, and return what can be seen, in the order in which it is drawn."""
    width, height = (round(length) for length in figure.bbox.size)
    page = _Page(RendererAgg(width, height, figure.dpi))
    artists = [artist for artist in figure.findobj(_has_colours) if artist.get_visible()]
    moving = [artist for artist in artists if artist.get_animated()]
    for artist in moving:
        artist.set_animated(False)  # else it is left out
    for artist in artists:
        artist.draw = page.watch(artist)
    try:
        figure.draw(page.renderer)
    finally:
        for artist in artists:
            del artist.draw
        for artist in moving:
            artist.set_animated(True)
    return page.drawn


def _has_colours(artist: Artist) -> bool:
    return isinstance(artist, Text | Label | Line2D | Patch | Collection | AxesImage)


class _Page:
    """An empty page that notes what is drawn on it."""

    def __init__(self, renderer: RendererAgg) -> None:
        self.renderer, self.drawn = renderer, list[Drawn]()
        self._pixels = numpy.asarray(renderer.buffer_rgba())
        self._pixels[:] = 255
        self._before = self._pixels.copy()

    def watch(self, artist: Any) -> Callable[..., None]:
        """Return the artist's draw, which notes its colours too."""
        draw = artist.draw

        def noting(renderer: Any, *args: Any, **kwargs: Any) -> None:
            draw(renderer, *args, **kwargs)
            changed = self._pixels.view(numpy.uint32)[..., 0] != self._before.view(numpy.uint32)[..., 0]
            rows = numpy.flatnonzero(changed.any(axis=1))
            if not len(rows):
                return
            place = slice(rows[0], rows[-1] + 1)
            self._note(artist, self._before[place], changed[place], rows[0])
            self._before[place] = self._pixels[place]

        return noting

    def _note(self, artist: Artist, before: numpy.ndarray, changed: numpy.ndarray, top: int) -> None:
        if isinstance(artist, Text | Label):
            self._note_text(artist, before, changed, top)
        elif not isinstance(artist, AxesImage | QuadMesh):  # there the colours are data
            self._note_mark(artist, before, changed)

    def _note_text(self, artist: Any, before: numpy.ndarray, changed: numpy.ndarray, top: int) -> None:
        """Note a text: a tenth of what is beneath its letters may be a line that crosses it."""
        colour = to_rgba(artist.color if isinstance(artist, Label) else artist.get_color(), artist.get_alpha())
        box = _box(artist)
        columns = numpy.flatnonzero(changed.any(axis=0))
        beneath = _sample(before[:, columns[0] : columns[-1] + 1]) if box is None else numpy.array([box[:3]])
        ratio = float(numpy.quantile(contrast(_over(colour, beneath), beneath), 0.1))
        extent = int(columns[0]), int(top), int(columns[-1]) + 1, int(top) + len(before)
        self.drawn.append(Drawn(artist, [Ink("text", to_hex(colour), "", colour[3] < 1, ratio)], ratio, extent))

    def _note_mark(self, artist: Any, before: numpy.ndarray, changed: numpy.ndarray) -> None:
        """Note a mark: at half of its places, or more, one of its colours stands out from what is beneath it."""
        beneath = _sample(before[changed])
        colours = list(_colours(artist))
        faces = [_over(colour, beneath) for kind, colour, _ in colours if kind == "fill"]
        inks, ratios = [], []
        for kind, colour, form in colours:
            laid = _over(colour, beneath)
            ratio = contrast(laid, faces[0] if faces and kind == "hatch" else beneath)
            ratios.append(ratio)
            inks.append(Ink(kind, to_hex(colour), form, colour[3] < 1, float(numpy.median(ratio))))
        if inks:
            self.drawn.append(Drawn(artist, inks, float(numpy.median(numpy.max(ratios, axis=0)))))


def _box(artist: Any) -> RGBA | None:
    """Return the colour of the opaque box that a text brings with it, or None."""
    if isinstance(artist, Label):
        return to_rgba("white") if artist._opaque else None
    patch = artist.get_bbox_patch()
    return to_rgba(patch.get_facecolor()) if patch and patch.get_facecolor()[3] == 1 else None


def _sample(pixels: numpy.ndarray) -> numpy.ndarray:
    """Return some of the pixels, shape (n, 3), from 0 to 1."""
    flat = pixels.reshape(-1, 4)
    return flat[:: len(flat) // SAMPLE + 1, :3] / 255


def _over(colour: RGBA, beneath: numpy.ndarray) -> numpy.ndarray:
    """Return what a colour looks like that is laid over others."""
    return colour[3] * numpy.array(colour[:3]) + (1 - colour[3]) * beneath


def _colours(artist: Any) -> Iterator[tuple[str, RGBA, str]]:
    """Yield the kind, the colour and the form of each colour that an artist draws with."""
    if isinstance(artist, Line2D):
        yield from _line(artist)
    elif isinstance(artist, Collection):
        faces, edges, width = artist.get_facecolor()[:1], artist.get_edgecolor()[:1], max(artist.get_linewidth())
        yield from _area(artist, faces, edges, width, _dash(artist.get_linestyle()[0]))
    else:
        faces = [artist.get_facecolor()] if artist.get_fill() else []
        yield from _area(artist, faces, [artist.get_edgecolor()], artist.get_linewidth(), _dash(artist.get_linestyle()))


def _area(artist: Any, faces: Any, edges: Any, width: float, dash: str) -> Iterator[tuple[str, RGBA, str]]:
    hatch = artist.get_hatch() or ""
    faces = [to_rgba(face) for face in faces if face[3] > 0]
    yield from (("fill", face, hatch) for face in faces)
    kind = "edge" if faces or hatch else "line"
    yield from ((kind, to_rgba(edge), hatch or dash) for edge in edges if width > 0 and edge[3] > 0)
    if hatch:
        yield "hatch", to_rgba(numpy.atleast_2d(to_rgba(artist.get_hatchcolor()))[0]), hatch


def _line(line: Line2D) -> Iterator[tuple[str, RGBA, str]]:
    if line.get_linestyle() not in ("None", "", " ") and line.get_linewidth() > 0:
        yield "line", to_rgba(line.get_color(), line.get_alpha()), _dash(line.get_linestyle())
    if line.get_marker() not in (None, "None", "", " "):
        inks = [line.get_markerfacecolor(), line.get_markeredgecolor() if line.get_markeredgewidth() else "none"]
        shape = str(line.get_marker())
        yield from (("marker", to_rgba(ink, line.get_alpha()), shape) for ink in inks if to_rgba(ink)[3] > 0)


def _dash(style: Any) -> str:
    """Return "solid", "dotted" or "dashed"."""
    names = {"-": "solid", ":": "dotted", "--": "dashed", "-.": "dashed"}
    if isinstance(style, str):
        return names.get(style, style)
    pattern = style[1]
    return "solid" if pattern is None else "dotted" if pattern[0] < pattern[1] else "dashed"
