"""The explorer engine: sliders, a compute step, and a picture of which only the moving parts are drawn anew."""

import functools
import html
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ParamSpec, Protocol

import ipywidgets
import numpy
import torch
import traitlets
from matplotlib.artist import Artist
from matplotlib.figure import Figure
from torch import Tensor

from . import memory, page, progress, style
from .panel import Drag, Panel
from .picture import Picture, picture
from .png import Palette

MOVING_DPI = 105  # of a picture that follows sliders
Given = ParamSpec("Given")


@dataclass(frozen=True)
class Slider:
    """One control: a quantity that a reader moves or types. A step of 1 gives integers."""

    name: str
    label: str
    value: float
    low: float
    high: float
    step: float

    def widget(self) -> ipywidgets.Widget:
        """Return the slider, with a readout that can be typed into."""
        whole = self.step == 1 and self.low == int(self.low)
        kind = ipywidgets.IntSlider if whole else ipywidgets.FloatSlider
        shown = {} if whole else {"readout_format": f".{max(_decimals(self.low), _decimals(self.step))}f"}
        return kind(
            value=self.value,
            min=self.low,
            max=self.high,
            step=self.step,
            description=self.label,
            style={"description_width": "8em"},
            layout={"width": "31em", "max_width": "100%"},
            **shown,
        )


@dataclass(frozen=True)
class Button:
    """One control: a button that repeats what is random. Its value counts how often it was pressed."""

    name: str
    label: str
    value: int = 0

    def widget(self) -> ipywidgets.Widget:
        """Return the button, with a value as a slider has."""
        return _Counter(description=self.label, layout={"width": "auto", "align_self": "flex-start"})


class _Counter(ipywidgets.Button, ipywidgets.ValueWidget):  # type: ignore[misc]
    """A button whose value counts how often it was pressed; tests step through every value from min to max."""

    value = traitlets.Int(0)
    min, max = 0, 20

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.on_click(self._count)

    def _count(self, _button: object) -> None:
        self.value += 1


@dataclass(frozen=True)
class Choice:
    """One control: a row of buttons, of which one is pressed. Its value is the place of that one, from 0."""

    name: str
    label: str
    options: tuple[str, ...]
    value: int = 0

    def widget(self) -> ipywidgets.Widget:
        """Return the buttons, with ends and steps as a slider has."""
        row = ipywidgets.ToggleButtons(
            options=[(option, k) for k, option in enumerate(self.options)],
            value=self.value,
            description=self.label,
            style={"description_width": "initial", "button_width": "auto"},
            layout={"width": "auto", "max_width": "100%"},
        )
        row.min, row.max, row.step = 0, len(self.options) - 1, 1
        return row


def _decimals(value: float) -> int:
    """Return how many digits a number has after the point."""
    return len(str(float(value)).partition(".")[2].rstrip("0")) if value == 0 or abs(value) >= 1e-4 else 6


class Control(Protocol):
    """What a reader moves: its name, the value at which it begins, and the widget."""

    @property
    def name(self) -> str: ...

    @property
    def value(self) -> float: ...

    def widget(self) -> ipywidgets.Widget:
        """Return a new widget, whose `value` can be observed."""


@dataclass(frozen=True, kw_only=True)
class View:
    """What the controls' values come to: whatever the panels and the sentence need.

    notices: what a reader must know beside the numbers; of them "" is nothing.
    """

    notices: tuple[str, ...] = ()


class Scene:
    """A figure that redraws only what moves: the rest is kept as pixels. It is made when it is first needed.

    Args:
        size: width and height of the figure in inches.
        lay_out: puts the panels on an empty figure of that size, and returns them.
    """

    def __init__(self, size: tuple[float, float], lay_out: Callable[[Figure], Sequence[Panel]]) -> None:
        self.size, self.lay_out = size, lay_out
        self._palette: Palette | None = None

    def still(self, view: View, alt: str) -> Picture:
        """Return the picture of a view as one that stands still."""
        with style.house_style():
            figure = style.new_figure(*self.size)
            for panel in self.lay_out(figure):
                panel.update(view)
            return picture(figure, alt)

    @cached_property
    def figure(self) -> Figure:
        """The figure without its panels, which `panels` puts on it."""
        with style.house_style():
            return style.new_figure(*self.size, MOVING_DPI)

    @cached_property
    def panels(self) -> Sequence[Panel]:
        """The panels, in the order in which they were laid out."""
        with style.house_style():
            return self.lay_out(self.figure)

    @cached_property
    def _moving(self) -> list[Artist]:
        """What moves, from the lowest on. It is left out of the background."""
        moving = sorted((artist for panel in self.panels for artist in panel.moving), key=Artist.get_zorder)
        for artist in moving:
            artist.set_animated(True)
        return moving

    @cached_property
    def _background(self) -> Any:
        """The pixels of what stays still."""
        canvas = style.canvas(self.figure)
        with style.house_style():
            canvas.draw()
        return canvas.copy_from_bbox(self.figure.bbox)

    def draw(self, view: View) -> bytes:
        """Return the picture of a view as PNG bytes."""
        moving, background, canvas = self._moving, self._background, style.canvas(self.figure)
        for panel in self.panels:
            panel.update(view)
        canvas.restore_region(background)
        renderer = canvas.get_renderer()
        for artist in moving:
            artist.draw(renderer)
        pixels = numpy.asarray(canvas.buffer_rgba())
        self._palette = self._palette or Palette(pixels)
        return self._palette.encode(pixels)

    def touchable(self) -> list[Panel]:
        """Return the panels on which a pointer does something."""
        return [panel for panel in self.panels if type(panel).grab is not Panel.grab]

    def place(self, panel: Panel, x: float, y: float) -> tuple[float, float]:
        """Return a point of the picture, given in fractions of it, in the units of a panel's axes."""
        pixels = self.figure.bbox.width * x, self.figure.bbox.height * y
        at_x, at_y = panel.axes.transData.inverted().transform(pixels).tolist()
        return at_x, at_y

    def area(self, panel: Panel) -> tuple[float, float, float, float]:
        """Return left, bottom, right and top of a panel's axes, as fractions of the picture."""
        box = panel.axes.get_position()
        return box.x0, box.y0, box.x1, box.y1


@dataclass
class Live:
    """What there is of an explorer when it is shown: the widgets, and what they show at their present position."""

    controls: Mapping[str, ipywidgets.Widget]
    view: View
    picture: Picture
    page: ipywidgets.HTML


class Explorer:
    """Sliders over a picture that follows them. Sliders and picture are made when they are first needed.

    Args:
        sliders: the controls.
        compute: takes the sliders' values by name and returns a view.
        scene: draws a view.
        describe: says a view in one or two sentences: the readout above the picture and its alternative text. What a
            reader must know beside them, the view's notices, follows by itself.
    """

    def __init__(
        self,
        sliders: Sequence[Control],
        compute: Callable[..., View],
        scene: Scene,
        describe: Callable[[Any], str],
    ) -> None:
        self._sliders, self._describe = sliders, describe
        self.compute: Callable[..., Any] = compute  # its view is of the lesson's own kind
        self.scene = scene
        self._width = round(scene.size[0] * 100)
        self._held = False  # while several controls move, nothing is drawn
        self._drag: tuple[Panel, Drag] | None = None

    @cached_property
    def live(self) -> "Live":
        """The widgets and the first picture."""
        controls = {slider.name: slider.widget() for slider in self._sliders}
        view, picture = self._draw(controls)
        for control in controls.values():
            control.observe(self._moved, "value")
        return Live(controls, view, picture, ipywidgets.HTML(self._html(picture, picture.alt)))

    @property
    def controls(self) -> Mapping[str, ipywidgets.Widget]:
        """The sliders, by their names."""
        return self.live.controls

    @property
    def picture(self) -> Picture:
        """The picture at the present position."""
        return self.live.picture

    @property
    def page(self) -> ipywidgets.HTML:
        """Picture and readout, as they stand on the page."""
        return self.live.page

    def move(self, **values: float) -> str:
        """Move sliders to values, draw once, and return the readout. The page gets the picture before the sliders."""
        changed = {name: value for name, value in values.items() if self.controls[name].value != value}
        with ExitStack() as later:
            self._held = True
            try:
                for name, value in changed.items():
                    later.enter_context(self.controls[name].hold_sync())
                    self.controls[name].value = value
            finally:
                self._held = False
            if changed:
                self.redraw()
        return self.picture.alt

    def reset(self) -> str:
        """Move all sliders back to where they began, and return the readout."""
        return self.move(**{slider.name: slider.value for slider in self._sliders})

    def touched(self, x: float, y: float, pressed: bool) -> None:
        """Do what a pointer does on the picture: at a point in fractions of it, pressed there or moved there."""
        if pressed:
            self._drag = self._grabbed(x, y)
        if self._drag:
            panel, drag = self._drag
            values = drag(*self.scene.place(panel, x, y))
            self.move(**{name: nearest(self.controls[name], value) for name, value in values.items()})

    def _grabbed(self, x: float, y: float) -> tuple[Panel, Drag] | None:
        """Return what is grabbed at a point in fractions of the picture, and on which panel."""
        for panel in self.scene.touchable():
            left, low, right, high = self.scene.area(panel)
            if left <= x <= right and low <= y <= high:
                drag = panel.grab(self.live.view, *self.scene.place(panel, x, y))
                return (panel, drag) if drag else None
        return None

    def _moved(self, _change: object) -> None:
        if not self._held:
            self.redraw()

    def redraw(self) -> None:
        """Draw the present position anew, on the page too."""
        try:
            self.live.view, self.live.picture = self._draw(self.controls)
            said = self.picture.alt
        except Exception as error:  # a broken setting must not break the explorer: the last picture stays
            said = f"These values could not be drawn ({type(error).__name__}: {error}); the picture is the last."
        self.page.value = self._html(self.picture, said)
        memory.give_back()

    def _draw(self, controls: Mapping[str, ipywidgets.Widget]) -> tuple[View, Picture]:
        with one_thread():
            view = self.compute(**{name: control.value for name, control in controls.items()})
            return view, Picture(self.scene.draw(view), self._say(view), self._width)

    def _say(self, view: View) -> str:
        return " ".join(filter(None, [self._describe(view), *view.notices]))

    def still(self, lead: str = "", **values: float) -> Picture:
        """Return the picture of a position as one that stands still; lead: what its alternative text begins with.

        Values that are not given are those at which the sliders begin. They need not be within a slider's range.
        """
        view = self.compute(**{slider.name: slider.value for slider in self._sliders} | values)
        return self.scene.still(view, " ".join(filter(None, [lead, self._say(view)])))

    def _html(self, picture: Picture, said: str) -> str:
        """Return readout and picture in one, for one update. Room is kept for long readouts, so that no page jumps."""
        return (
            f'<p role="status" style="max-width:{self._width}px;min-height:3em;margin:0;line-height:1.5">'
            f"{html.escape(said)}</p>{page.telling(picture.html())}"
        )

    def _ipython_display_(self) -> None:
        still = dict(self.picture._repr_mimebundle_())
        still["text/html"] += "<p>To move the sliders, run this cell.</p>"
        reset = ipywidgets.Button(description="Reset", layout={"width": "auto"}, tooltip="back to where it began")
        reset.on_click(lambda _: self.reset())
        row = ipywidgets.HBox(
            [*self.controls.values(), reset], layout={"flex_flow": "row wrap", "align_items": "flex-end"}
        )
        touch = self._touch()
        if touch:
            self.page.add_class(touch.picture)
        page.show(still, [row, self.page], touch)
        _shown.add(self)

    def _touch(self) -> ipywidgets.Widget | None:
        """Return what follows a pointer on the picture; None if it has no use, or its package is not installed."""
        panels = self.scene.touchable()
        if not panels:
            return None
        try:
            from .touch import Touch
        except ImportError:
            return None
        return Touch([self.scene.area(panel) for panel in panels], self.touched)


_shown: "weakref.WeakSet[Explorer]" = weakref.WeakSet()


def _follow(deed: progress.Deed) -> None:
    """Draw what is shown anew when a check has said "right": now it may be the learner's function that drives."""
    if deed == "right":
        for explorer in list(_shown):
            explorer.redraw()


progress.followers.append(_follow)


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch work alone: what its threads take to wait for each other, the browser beside them would lack."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def nearest(control: ipywidgets.Widget, value: float) -> float:
    """Return the value nearest to another that a slider can have, or -0.0 as 0.0."""
    inside = min(max(value, control.min), control.max)
    if isinstance(control, ipywidgets.IntSlider):
        return round(inside)
    steps = round((inside - control.min) / control.step)
    return round(min(control.min + steps * control.step, control.max), 9) + 0.0


def explorer(make: Callable[Given, Explorer]) -> Callable[Given, Explorer]:
    """Give the explorer that a function makes tensors of its own: the caller's may change in a later cell."""

    @functools.wraps(make)
    def made(*args: Given.args, **kwargs: Given.kwargs) -> Explorer:
        own: Any = [a.clone() if isinstance(a, Tensor) else a for a in args]
        named: Any = {name: a.clone() if isinstance(a, Tensor) else a for name, a in kwargs.items()}
        return make(*own, **named)

    return made
