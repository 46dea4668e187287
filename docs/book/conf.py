"""How Sphinx builds the book from the pages that tools/book.py writes. Nothing is fetched, now or by a reader."""

from typing import Any

from docutils.nodes import Element, SkipNode
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.application import Sphinx
from sphinx.writers.html5 import HTML5Translator

project = html_title = "Quantization, one question at a time"
author, language = "the quantlib authors", "en"
extensions = ["myst_parser"]
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3

html_theme = "furo"
html_static_path = ["static"]
html_css_files = ["inks.css", "book.css"]
_inks = dict.fromkeys(("color-brand-primary", "color-brand-content", "color-brand-visited"), "var(--link)")
html_theme_options = {"light_css_variables": _inks, "dark_css_variables": _inks}
html_math_renderer = "mathml"
html_show_search_summary = False  # it would fetch each page that is found, which a page opened as a file may not
html_use_index = html_copy_source = html_show_sourcelink = html_show_copyright = html_show_sphinx = False
pygments_style, pygments_dark_style = "a11y-light", "a11y-dark"


def inline(writer: HTML5Translator, node: Element) -> None:
    """Write a formula as MathML, which browsers draw themselves: without a script, and with no font to load."""
    writer.body.append(tex2mathml(node.astext().replace("×", r"\times ")))
    raise SkipNode


def block(writer: HTML5Translator, node: Element) -> None:
    """Write a formula on a line of its own; a long one scrolls."""
    formula = tex2mathml(node.astext().replace("×", r"\times "), as_block=True)
    writer.body.append(f'<div class="formula">{formula}</div>')
    raise SkipNode


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_html_math_renderer("mathml", (inline, None), (block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
