"""A ruler that can be taken hold of: in its middle it slides, at one of its ends it stretches."""

from quantlib.lab.panel import Drag
from quantlib.lab.ruler import Ruler, RulerView


class LooseRuler(Ruler):
    """The ruler of r = s (q - z), under a pointer: the mark that is pressed stays under it.

    A ruler that slides keeps s, and another code comes to lie at 0.0: z changes. One that is pulled at an end keeps z,
    and with it the point 0.0: s changes.
    """

    def grab(self, view: RulerView, x: float, y: float) -> Drag | None:
        """Return how the ruler follows: the code that lies under the pointer, a fraction perhaps, stays there."""
        s, q = view.scale, x / view.scale + view.zero_point
        if self._is_at_an_end(view, x):
            return lambda x, y: {"s": x / (q - view.zero_point)}
        return lambda x, y: {"z": q - x / s}

    def _is_at_an_end(self, view: RulerView, x: float) -> bool:
        """Return whether a point is near an end, unless that end is at 0.0 itself: no scale would move it."""
        left, right = self.axes.get_xlim()
        near = min(0.03 * (right - left), (view.high - view.low) / 4)
        ends = [end for end in (view.low, view.high) if left <= end <= right and abs(end) > 2 * near]
        return any(abs(x - end) <= near for end in ends)
