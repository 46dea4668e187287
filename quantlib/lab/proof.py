"""Proofs: the computation behind an answer, which runs and asserts in sight of nobody until it is unfolded."""

import html
import io
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout

from IPython.display import display


@contextmanager
def proof(title: str) -> Iterator[None]:
    """Fold what is printed within: it is shown as text, and on a page under "Proof: title".

    Names that are bound within stay bound. An error is shown as everywhere, after what was printed before it.

    Args:
        title: what is computed, without its result.
    """
    printed = io.StringIO()
    try:
        with redirect_stdout(printed):
            yield
    except BaseException:
        print(printed.getvalue(), end="")
        raise
    text = printed.getvalue().rstrip()
    head = f"<summary>Proof: {html.escape(title)}</summary>"
    page = f'<details>{head}<pre style="margin:4px 0 4px 16px">{html.escape(text)}</pre></details>'
    display({"text/plain": text, "text/html": page}, raw=True)
