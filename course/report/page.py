"""The parts of a page of HTML. What is put in is shown as text, and never run."""

import html
from collections.abc import Iterable
from urllib.parse import quote

_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 50em; margin: 2em auto; padding: 0 1em; color: #1a1a1a; }}
h1 {{ font-size: 1.6em; }} h2 {{ font-size: 1.15em; margin-top: 1.8em; }}
table {{ border-collapse: collapse; width: 100%; }}
th, td {{ border-bottom: 1px solid #d0d0d0; padding: .35em .6em; text-align: left; vertical-align: top; }}
pre {{ white-space: pre-wrap; overflow-wrap: anywhere; background: #f6f6f6; padding: .6em; }}
td.number, th.number {{ text-align: right; font-variant-numeric: tabular-nums; }}
.mistake {{ border-left: 4px solid #d55e00; padding: .2em 0 .2em .8em; margin: .6em 0; }}
.quiet {{ color: #595959; }}
</style></head><body>
<h1>{title}</h1>
{body}
</body></html>
"""


def escaped(text: object) -> str:
    """Return a text as it is shown in HTML; what is HTML already stays so."""
    if isinstance(text, Html):
        return text
    return html.escape(str(text), quote=True)


def page(title: str, *parts: str) -> str:
    return _PAGE.format(title=escaped(title), body="\n".join(part for part in parts if part))


def items(lines: Iterable[str]) -> str:
    found = "".join(f"<li>{escaped(line)}</li>" for line in lines)
    return f"<ul>{found}</ul>" if found else ""


class Html(str):
    """A text that is HTML already."""


def link(to: str, text: str) -> Html:
    return Html(f'<a href="{escaped(quote(to))}">{escaped(text)}</a>')


def folded(title: str, inner: str) -> str:
    return f"<details><summary>{escaped(title)}</summary>{inner}</details>"


def code(text: str) -> str:
    return f"<pre>{escaped(text)}</pre>"


def table(heads: Iterable[str], rows: Iterable[Iterable[object]], numbers: Iterable[int] = ()) -> str:
    """Make a table; the columns of `numbers` are set to the right."""
    wide = set(numbers)

    def line(tag: str, cells: Iterable[object]) -> str:
        kinds = (' class="number"' if k in wide else "" for k in range(10**6))
        return (
            "<tr>"
            + "".join(f"<{tag}{kind}>{escaped(c)}</{tag}>" for kind, c in zip(kinds, cells, strict=False))
            + "</tr>"
        )

    return f"<table>{line('th', heads)}{''.join(line('td', row) for row in rows)}</table>"
