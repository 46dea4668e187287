"""A layer twice: in float, and in integers with a question at each step."""

from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch

from quantlib.lab import style
from quantlib.lab.picture import Picture, picture

IN_FLOAT = ["x", "products,\nadded up", "+ b", "max(·, 0)", "y"]
IN_INTEGERS = ["codes q_x\n8 bits", "products,\nadded up", "+ codes of b", "back to\n8 bits", "codes q_y\n8 bits"]
QUESTIONS = ["", "How wide is a sum?", "On which scale?", "Without a fraction?", ""]


def draw_chain() -> Picture:
    """Draw the steps of a layer in float, and below them those in integers, each with what is open about it."""
    with style.house_style():
        figure = style.new_figure(9.2, 2.5)
        axes = figure.add_axes((0.01, 0.02, 0.98, 0.96))
        style.bare(axes)
        axes.set(xlim=(0, 5.75), ylim=(2.35, 0))
        for row, (name, steps, ink) in enumerate(
            [("in float", IN_FLOAT, style.ORIGINAL), ("in integers", IN_INTEGERS, style.QUANTIZED)]
        ):
            axes.text(0.02, row + 0.5, name, va="center", weight="bold")
            for k, step in enumerate(steps):
                _draw_step(axes, k + 1.2, row + 0.5, step, ink, first=k == 0)
        for k, question in enumerate(QUESTIONS):
            axes.text(
                k + 1.2, 2.08, question, ha="center", va="center", size=9.5, color=style.CLIPPED_TEXT, weight="bold"
            )
        alt = "A layer in float: x, products added up, plus b, maximum with 0, y. In integers, from codes to codes"
        return picture(figure, f"{alt}: how wide is a sum, on which scale is the bias, and back without a fraction?")


def _draw_step(axes: Axes, x: float, y: float, text: str, ink: str, *, first: bool) -> None:
    """Draw one step in a box, and the arrow that leads to it."""
    box = FancyBboxPatch((x - 0.36, y - 0.3), 0.72, 0.6, boxstyle="round,pad=0,rounding_size=0.06", fc="white", ec=ink)
    axes.add_patch(box)
    axes.text(x, y, text, ha="center", va="center", size=9.5, color=ink)
    if not first:
        axes.annotate("", (x - 0.37, y), (x - 0.63, y), arrowprops={"arrowstyle": "->", "color": style.QUIET})
