"""Time from a key press to the new picture, for every explorer of every notebook, in JupyterLab in headless Chromium.

Each explorer is timed in its own notebook, beside an HTML widget that shows only a number (the floor: what the browser,
JupyterLab and the kernel take for any update) and beside `interact` with `plt.show()` that draws the same figure from
scratch. The keys go to the three in turn, so that a busy machine slows all alike.

There are two clocks. "Decoded" stops when the page has changed and its new images are decoded; for a number, that is
before anybody sees it. "Seen" stops for all three when the next frame has been painted.
"""

import ast
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import NamedTuple

import nbformat
from nbformat.v4 import new_code_cell
from playwright.sync_api import Locator, Page

from benchmarks.table import OURS, Row, rows
from tests.helpers.jupyter import JupyterLab, browser_page, chromium
from tools import project

LAB = JupyterLab()
FIRST, ROUNDS = 2, 28  # the first presses load code, and are left out
EMPTY, INTERACT = "empty update", "interact"
EMPTY_UPDATE = """
import ipywidgets
from benchmarks.naive import twin
%matplotlib inline
number = ipywidgets.HTML("0")
empty = ipywidgets.IntSlider(description="empty", min=-128, max=127)
empty.observe(lambda change: setattr(number, "value", f"<p>{change['new']}</p>"), "value")
display(ipywidgets.VBox([empty, number]))
"""
# Resolves when the output of the slider that has the focus has changed and every new image in it is decoded.
WATCH = """
() => {
  const handle = document.activeElement, output = handle.closest('.jp-OutputArea');
  window.took = new Promise(resolve => {
    let began = 0;
    handle.addEventListener('keydown', event => { began = event.timeStamp; }, {once: true, capture: true});
    const observer = new MutationObserver(async changes => {
      const added = changes.flatMap(change => [...change.addedNodes]).filter(node => node.nodeType === 1);
      const fresh = added.filter(node => !node.closest('.widget-slider') && !node.closest('.widget-readout'));
      const images = fresh.flatMap(node => [...(node.matches('img') ? [node] : node.querySelectorAll('img'))]);
      if (!fresh.length || (output.querySelector('img') && !images.length)) return;
      observer.disconnect();
      await Promise.all(images.map(image => image.decode()));
      const decoded = performance.now() - began;
      await new Promise(requestAnimationFrame);
      const {port1, port2} = new MessageChannel();  // a message comes through once the frame is painted
      port1.onmessage = () => resolve([decoded, performance.now() - began]);
      port2.postMessage(0);
    });
    observer.observe(output, {childList: true, subtree: true});
  });
}
"""


class Press(NamedTuple):
    """Milliseconds from a key press until what is new is decoded, and until it is seen."""

    decoded: float
    seen: float


class Times(NamedTuple):
    """Every press: of the empty update, of an explorer, of its twin."""

    empty: list[Press]
    explorer: list[Press]
    twin: list[Press]


def explorer_call(source: str) -> ast.Call | None:
    """Return the call that shows an explorer, where that is the last thing a cell does."""
    last = ast.parse(source).body[-1:]
    call = last[0].value if last and isinstance(last[0], ast.Expr) else None
    return call if isinstance(call, ast.Call) and name_of(call).startswith("explore_") else None


def name_of(call: ast.Call) -> str:
    """Return the name of a function that is called, without that of its lesson."""
    return ast.unparse(call.func).rpartition(".")[2]


def extend(path: Path, copy: Path) -> list[ast.Call]:
    """Copy a notebook, add the empty update and the twins at its end, and return the calls of its explorers."""
    nb = nbformat.read(path, as_version=4)
    code = [cell for cell in nb.cells if cell.cell_type == "code"]
    calls = [call for cell in code if (call := explorer_call(cell.source))]
    for cell in code:
        cell.outputs, cell.execution_count = [], None
    twins = [f"twin({ast.unparse(call)})" for call in calls]
    nb.cells += [new_code_cell(source) for source in (EMPTY_UPDATE.strip(), *twins)]
    nbformat.write(nb, copy)
    return calls


def handle(page: Page, output: int) -> Locator:
    """Return the handle of the first slider of an output."""
    return page.locator(".jp-OutputArea:has(.widget-slider)").nth(output).locator(".noUi-handle").first


def begins_low(page: Page, output: int) -> bool:
    low, now, high = (
        float(handle(page, output).get_attribute(f"aria-value{end}") or 0) for end in ("min", "now", "max")
    )
    return now < (low + high) / 2


def press(page: Page, output: int, key: str) -> Press:
    """Press a key on the first slider of an output, and wait until it shows something new."""
    handle(page, output).focus()
    page.evaluate(WATCH)
    page.keyboard.press(key)
    took = page.evaluate("Promise.race([window.took, new Promise(r => setTimeout(() => r(null), 5000))])")
    if not took:
        raise RuntimeError(f"nothing new after {key} on the slider of output {output}")
    page.wait_for_timeout(200)  # until kernel and page are at rest
    return Press(*took)


def timed(page: Page, explorers: int, k: int, rounds: int) -> Times:
    """Return the times of explorer k of an extended notebook, which has run."""
    outputs = explorers, k, explorers + 1 + k  # the explorers come first, then the empty update, then the twins
    there, back = ("ArrowRight", "ArrowLeft") if begins_low(page, k) else ("ArrowLeft", "ArrowRight")
    keys = [there if i % 4 < 2 else back for i in range(FIRST + rounds)]  # no slider comes to its end
    pressed = [[press(page, output, key) for output in outputs] for key in keys]
    return Times(*map(list, zip(*pressed[FIRST:], strict=True)))


def rows_of(number: str, call: ast.Call, times: Times) -> Iterator[Row]:
    """Give the medians of an explorer, in seconds, by both clocks."""
    empty, explorer, twin = (Press(*(median(ms) / 1e3 for ms in zip(*presses, strict=True))) for presses in times)
    what, given = f"{number} {name_of(call)}", ast.unparse(call.args[0]) if call.args else ""
    yield from rows("explorers", f"{what}, decoded", given, {OURS: explorer.decoded, EMPTY: empty.decoded})
    yield from rows("explorers", f"{what}, seen", given, {OURS: explorer.seen, EMPTY: empty.seen, INTERACT: twin.seen})


def measure(quick: bool = False) -> Iterator[Row]:
    """Give nothing where there is no Chromium."""
    if chromium() is None:
        return
    with tempfile.TemporaryDirectory() as folder, LAB.serve(Path(folder)) as address, browser_page(1400, 3000) as page:
        for path in project.notebooks():
            if calls := extend(path, Path(folder) / path.name):
                LAB.open(page, address, path.name)
                if errors := LAB.run_all(page):
                    raise RuntimeError(errors[0])
                for k, call in enumerate(calls):
                    times = timed(page, len(calls), k, rounds=2 if quick else ROUNDS)
                    yield from rows_of(path.stem.partition("_")[0], call, times)
