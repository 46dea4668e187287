"""How one output stands on the page twice: still, for readers without a kernel, and live, which hides the still.

The still gives way in JupyterLab, in the classic notebook, and in a page (or, as in Colab, a frame) of its own. Where a
page finds no live widget, JupyterLab says so in a line of text; the still hides that line.
"""

from collections.abc import Mapping

import ipywidgets
from IPython.display import display

_HIDE_STILL = (
    ".jp-OutputArea:has(.quantlib-live) .quantlib-still,.output:has(.quantlib-live) .quantlib-still,"
    "body:not(:has(.jp-OutputArea,.output)):has(.quantlib-live) .quantlib-still{display:none}"
)
_HIDE_ORPHAN = ".jp-OutputArea-output.jupyter-widgets:not(:has(*)){display:none}"


def live(html: str) -> str:
    """Return HTML for a widget, such that the still of the same cell is hidden while the widget is shown."""
    return f'<style>{_HIDE_STILL}</style><div class="quantlib-live">{html}</div>'


def show(still: Mapping[str, str], box: ipywidgets.Widget) -> None:
    """Show a still, as a bundle of MIME types with text/html, and the live widget that stands for the same."""
    still_html = f'<style>{_HIDE_ORPHAN}</style><div class="quantlib-still">{still["text/html"]}</div>'
    display({**still, "text/html": still_html}, raw=True)
    view = {"version_major": 2, "version_minor": 0, "model_id": box.model_id}
    display({"application/vnd.jupyter.widget-view+json": view}, raw=True)
