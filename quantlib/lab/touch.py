"""A pointer on a picture: the browser's part sends where it is, and Python turns that into values of controls.

Where the browser's part cannot be loaded, nothing else changes: sliders and keyboard do all that a pointer does.
"""

from collections.abc import Callable
from itertools import count
from pathlib import Path

import anywidget
import traitlets

_number = count()
Rectangle = tuple[float, float, float, float]


class Touch(anywidget.AnyWidget):
    """Watches the picture inside of the elements of one CSS class, and shows nothing itself.

    Args:
        areas: the rectangles that can be touched: left, bottom, right and top, as fractions of the picture.
        touched: called with a point, x from the left and y from the bottom as fractions of the picture, and whether
            the pointer was pressed there (or else moved there).
    """

    _esm = Path(__file__).with_name("touch.js")
    picture = traitlets.Unicode().tag(sync=True)
    areas = traitlets.List(traitlets.Any()).tag(sync=True)
    point = traitlets.List(traitlets.Float()).tag(sync=True)  # x, y, the number of the press, and its own x and y

    def __init__(self, areas: list[Rectangle], touched: Callable[[float, float, bool], None]) -> None:
        super().__init__(picture=f"quantlib-picture-{next(_number)}", areas=[list(area) for area in areas])
        self._touched = touched
        self.observe(self._moved, "point")

    def _moved(self, change: "traitlets.Bunch") -> None:
        x, y, press, x0, y0 = change["new"]
        if not change["old"] or change["old"][2] != press:
            self._touched(x0, y0, True)
        self._touched(x, y, False)
