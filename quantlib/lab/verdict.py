"""What a check answers."""

import html
from dataclasses import dataclass

from . import style

_INK = {"right": style.BETTER_TEXT, "wrong": style.CLIPPED_TEXT, "not written yet": style.QUIET}


@dataclass(frozen=True, repr=False)
class Verdict:
    """One short paragraph about a learner's function, and hints, of which each says more than the one before.

    status: "right", "wrong" or "not written yet".
    message: the rest of the paragraph.
    hints: plain sentences, folded on the page.
    misconceptions: the names of the known mistakes that behave like this function.
    """

    status: str
    message: str
    hints: tuple[str, ...] = ()
    misconceptions: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"{self.status}: {self.message}"

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        return {"text/plain": repr(self), "text/html": self.html()}

    def html(self) -> str:
        """Return the paragraph and its folded hints as HTML, on white, so that it can be read on a dark page too."""
        ink = _INK[self.status]
        status = f'<strong style="color:{ink}">{self.status}:</strong>'
        hints = (
            f"<details><summary>Hint {k}</summary>{html.escape(hint)}</details>" for k, hint in enumerate(self.hints, 1)
        )
        frame = f"background:#fff;color:#000;border-left:4px solid {ink};padding:4px 12px;max-width:920px"
        paragraph = f'<p style="margin:0">{status} {html.escape(self.message)}</p>'
        return f'<div style="{frame}">{paragraph}{"".join(hints)}</div>'
