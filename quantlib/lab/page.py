"""How one output stands on the page twice: still, for readers without a kernel, and live, which hides the still.

The still gives way in JupyterLab, in the classic notebook, and in a page (or, as in Colab, a frame) of its own. Where a
page finds no live widget, it says so in a line of text; the still hides that line, and says what to do.
"""

import html
from collections.abc import Iterable, Mapping, Sequence

import ipywidgets
from IPython.display import display

_HIDE_STILL = (
    ".jp-OutputArea:has(.quantlib-live) .quantlib-still,.output:has(.quantlib-live) .quantlib-still,"
    "body:not(:has(.jp-OutputArea,.output)):has(.quantlib-live) .quantlib-still{display:none}"
)
# JupyterLab marks widgets whose kernel has gone: sliders that move nothing say why.
_LOST = (
    ".quantlib-live.jupyter-widgets-disconnected::before{font:inherit;background:#fff;color:#A84A00;padding:4px;"
    "content:'The kernel that moved this has gone: run this cell and those above it again.'}"
)
# Where the browser's part of what follows a pointer cannot be loaded, the sliders do all: it need not be told.
_HIDE_FAULT = ".jp-OutputArea:has(.quantlib-live) .jupyter-widgets-error-widget{display:none}"
_HIDE_ORPHAN = ":is(.jp-OutputArea-output.jupyter-widgets,.jupyter-widgets-view):not(:has(*)){display:none}"

# Jupyter labels its sliders for the eye alone: in no version does a screen reader learn a name, in 7.7.1 not even a
# value. JupyterLab's labels moreover have a tooltip that says "null". And a number that is typed counts only after the
# Enter key: they listen for the focus that leaves it with a listener that such an event never reaches.
_TELL = (
    "const live = this.closest('.quantlib-live');"
    "for (const label of live?.querySelectorAll('.widget-label') ?? []) label.title = '';"
    "for (const row of live?.querySelectorAll('.widget-slider') ?? []) {"
    " const parts = ['.widget-label', '[tabindex]', '.widget-readout'];"
    " const [label, handle, readout] = parts.map(part => row.querySelector(part));"
    " handle.role = 'slider'; readout.role = 'textbox';"
    " handle.ariaLabel = readout.ariaLabel = label.textContent; handle.ariaValueText = readout.textContent;"
    " handle.ariaValueNow = readout.textContent.replace('\N{MINUS SIGN}', '-');"
    " readout.onblur = left => left.isTrusted && readout.dispatchEvent(new Event('blur', {bubbles: true})) }"
)


def table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a table as HTML, on white, so that it can be read on a dark page too; a wide one scrolls."""
    head = "".join(f'<th scope="col" style="{_CELL}">{html.escape(text)}</th>' for text in heads)
    cells = ("".join(f'<td style="{_CELL}">{html.escape(text)}</td>' for text in row) for row in rows)
    body = "".join(f"<tr>{row}</tr>" for row in cells)
    whole = f'<table style="background:#fff;color:#000"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
    return f'<div style="overflow-x:auto;width:0;min-width:100%">{whole}</div>'


_CELL = "padding:2px 12px;text-align:left"


def telling(image: str) -> str:
    """Return an image that, whenever it is loaded, tells screen readers the names and values of the sliders above."""
    return image.replace("<img ", f'<img onload="{_TELL}" ', 1)


def show(
    still: Mapping[str, str], widgets: Sequence[ipywidgets.Widget], touch: ipywidgets.Widget | None = None
) -> None:
    """Show a still, as a bundle of MIME types with text/html, and the live widgets that stand for the same.

    The rule that hides the still is a widget of its own: in one that changes, the page would look for stills each time.
    touch: what makes the picture follow a pointer. It is an output of its own, which cannot break the others.
    """
    rule = ipywidgets.HTML(f"<style>{_HIDE_STILL}{_HIDE_FAULT}{_LOST}</style>", layout={"display": "none"})
    box = ipywidgets.VBox([rule, *widgets])
    box.add_class("quantlib-live")
    still_html = f'<style>{_HIDE_ORPHAN}</style><div class="quantlib-still">{still["text/html"]}</div>'
    display({**still, "text/html": still_html}, raw=True)
    for shown in filter(None, [box, touch]):
        view = {"version_major": 2, "version_minor": 0, "model_id": shown.model_id}
        display({"application/vnd.jupyter.widget-view+json": view}, raw=True)
