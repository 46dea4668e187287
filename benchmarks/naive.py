"""The picture of an explorer as most notebooks draw it: from scratch, by `interact` and `plt.show()`."""

import ipywidgets
import matplotlib.pyplot as plt

from quantlib.lab import style
from quantlib.lab.explore import MOVING_DPI, Explorer


def twin(explorer: Explorer) -> None:
    """Show sliders and a picture like those of an explorer, drawn anew at each move."""
    scene = explorer.scene

    def draw(**values: float) -> None:
        with style.house_style():
            figure = plt.figure(figsize=scene.size, dpi=MOVING_DPI)
            view = explorer.compute(**values)
            for panel in scene.lay_out(figure):
                panel.update(view)
            plt.show()

    ipywidgets.interact(draw, **explorer.controls)
