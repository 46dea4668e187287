"""The explorer engine: sliders, a compute step, and a picture of which only the moving parts are drawn anew."""

import functools
import html
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ParamSpec, Protocol

import ipywidgets
import numpy
import traitlets
from matplotlib.figure import Figure
from torch import Tensor

from . import page, style
from .panel import Panel
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
            style={"description_width": "9em"},
            layout={"width": "34em", "max_width": "100%"},
            **shown,
        )


@dataclass(frozen=True)
class Button:
    """One control: a button that repeats what is random. Its value counts how often it was pressed."""

    name: str
    label: str

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


def _decimals(value: float) -> int:
    """Return how many digits a number has after the point."""
    return len(str(float(value)).partition(".")[2].rstrip("0")) if value == 0 or abs(value) >= 1e-4 else 6


class Control(Protocol):
    """What a reader moves: its name, and the widget that has its value."""

    @property
    def name(self) -> str: ...

    def widget(self) -> ipywidgets.Widget:
        """Return a new widget, whose `value` can be observed."""


@dataclass(frozen=True, kw_only=True)
class View:
    """What the controls' values come to: whatever the panels and the sentence need.

    notices: what a reader must know beside the numbers; of them "" is nothing.
    """

    notices: tuple[str, ...] = ()


class Scene:
    """A figure that redraws only what moves: the rest is kept as pixels.

    Args:
        size: width and height of the figure in inches.
        lay_out: puts the panels on an empty figure of that size, and returns them.
    """

    def __init__(self, size: tuple[float, float], lay_out: Callable[[Figure], Sequence[Panel]]) -> None:
        self.size, self.lay_out = size, lay_out
        with style.house_style():
            self.figure = style.new_figure(*size, MOVING_DPI)
            self.panels = lay_out(self.figure)
            self._canvas = style.canvas(self.figure)
            moving = (artist for panel in self.panels for artist in panel.moving)
            self._moving = sorted(moving, key=lambda artist: artist.get_zorder())
            for artist in self._moving:
                artist.set_animated(True)  # leaves it out of the background
            self._canvas.draw()
        self._background = self._canvas.copy_from_bbox(self.figure.bbox)
        self._palette: Palette | None = None

    def still(self, view: View, alt: str) -> Picture:
        """Return the picture of a view as one that stands still."""
        with style.house_style():
            figure = style.new_figure(*self.size)
            for panel in self.lay_out(figure):
                panel.update(view)
            return picture(figure, alt)

    def draw(self, view: View) -> bytes:
        """Return the picture of a view as PNG bytes."""
        for panel in self.panels:
            panel.update(view)
        self._canvas.restore_region(self._background)
        renderer = self._canvas.get_renderer()
        for artist in self._moving:
            artist.draw(renderer)
        pixels = numpy.asarray(self._canvas.buffer_rgba())
        self._palette = self._palette or Palette(pixels)
        return self._palette.encode(pixels)


class Explorer:
    """Sliders over a picture that follows them.

    Args:
        sliders: the controls.
        compute: takes the sliders' values by name and returns a view.
        scene: draws a view.
        describe: says a view in one or two sentences: the readout below the picture and its alternative text. What a
            reader must know beside them, the view's notices, follows by itself.
    """

    def __init__(
        self,
        sliders: Sequence[Control],
        compute: Callable[..., View],
        scene: Scene,
        describe: Callable[[Any], str],
    ) -> None:
        self.controls: Mapping[str, ipywidgets.Widget] = {slider.name: slider.widget() for slider in sliders}
        self.page = ipywidgets.HTML()
        self.compute: Callable[..., Any] = compute  # its view is of the lesson's own kind
        self.scene, self._describe = scene, describe
        self._width = round(scene.size[0] * 100)
        self.picture = self._draw()
        self._publish()
        for control in self.controls.values():
            control.observe(self._moved, "value")

    def move(self, **values: float) -> str:
        """Move sliders to values, and return the readout."""
        for name, value in values.items():
            self.controls[name].value = value
        return self.picture.alt

    def _moved(self, _change: object) -> None:
        try:
            self.picture = self._draw()
            self._publish()
        except Exception as error:  # a broken setting must not break the explorer: the last picture stays
            self._publish(
                f"These values could not be drawn ({type(error).__name__}: {error}); the picture is the last."
            )

    def _draw(self) -> Picture:
        view = self._view()
        return Picture(self.scene.draw(view), self._say(view), self._width)

    def _view(self, **values: float) -> View:
        return self.compute(**{name: control.value for name, control in self.controls.items()} | values)

    def _say(self, view: View) -> str:
        return " ".join(filter(None, [self._describe(view), *view.notices]))

    def still(self, lead: str = "", **values: float) -> Picture:
        """Return the picture of a position as one that stands still; lead: what its alternative text begins with.

        Values that are not given are those of the sliders. They need not be within a slider's range.
        """
        view = self._view(**values)
        return self.scene.still(view, " ".join(filter(None, [lead, self._say(view)])))

    def _publish(self, notice: str = "") -> None:
        """Put picture and readout on the page in one update. Room is kept for long readouts, so that no page jumps."""
        text = html.escape(notice or self.picture.alt)
        self.page.value = (
            f'{page.telling(self.picture.html())}<p role="status" style="max-width:{self._width}px;min-height:4.5em;'
            f'margin:0;line-height:1.5">{text}</p>'
        )

    def _ipython_display_(self) -> None:
        page.show(self.picture._repr_mimebundle_(), [*self.controls.values(), self.page])


def explorer(make: Callable[Given, Explorer]) -> Callable[Given, Explorer]:
    """Give the explorer that a function makes tensors of its own: the caller's may change in a later cell."""

    @functools.wraps(make)
    def made(*args: Given.args, **kwargs: Given.kwargs) -> Explorer:
        own: Any = [a.clone() if isinstance(a, Tensor) else a for a in args]
        named: Any = {name: a.clone() if isinstance(a, Tensor) else a for name, a in kwargs.items()}
        return make(*own, **named)

    return made
