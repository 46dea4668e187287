"""Time from a key press to the new picture, for every explorer of every notebook, in JupyterLab in headless Chromium.

    python -m benchmarks.latency [notebook ...]

Each explorer is timed in its own notebook, beside an HTML widget that shows only a number (the floor: what the browser,
JupyterLab and the kernel take for any update) and beside `interact` with `plt.show()` that draws the same figure from
scratch. The keys go to the three in turn, so that a busy machine slows all alike.

There are two clocks. "Decoded" stops when the page has changed and its new images are decoded; for a number, that is
before anybody sees it. "Seen" stops for all three when the next frame has been painted.
"""

import ast
import statistics
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import nbformat
from nbformat.v4 import new_code_cell
from playwright.sync_api import Locator, Page

from tests.helpers.jupyter import JupyterLab, browser_page
from tools import project

LAB = JupyterLab()
ROUNDS = 30
FIRST = 2  # rounds that are left out: they load code
HEAD = f"""\
Key press to new picture, medians of {ROUNDS - FIRST} presses, interleaved. Wanted: ratio at most 2, and at
least 5 times faster than `interact`. Decoded: the page has changed and its new images are decoded, which for
an empty update, a number, is before it is seen. Seen: the next frame is painted.
"""

EMPTY = """
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


def explorer_call(source: str) -> str:
    """Return the call that shows an explorer, where that is the last thing a cell does, else ""."""
    last = ast.parse(source).body[-1:]
    if not last or not isinstance(last[0], ast.Expr) or not isinstance(last[0].value, ast.Call):
        return ""
    return ast.unparse(last[0].value) if name_of(last[0].value).startswith("explore_") else ""


def name_of(call: ast.Call) -> str:
    """Return the name of a function that is called, with or without a lesson's name before it."""
    return ast.unparse(call.func).rpartition(".")[2]


def extend(path: Path, copy: Path) -> list[str]:
    """Copy a notebook, add the empty update and the twins at its end, and return the calls of its explorers."""
    nb = nbformat.read(path, as_version=4)
    calls = [call for cell in nb.cells if cell.cell_type == "code" and (call := explorer_call(cell.source))]
    for cell in nb.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    nb.cells += [new_code_cell(source) for source in (EMPTY.strip(), *(f"twin({call})" for call in calls))]
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


def measure(page: Page, address: str, name: str, calls: list[str]) -> dict[str, Times]:
    """Return the times of each explorer of an extended notebook."""
    LAB.open(page, address, name)
    if errors := LAB.run_all(page):
        raise RuntimeError(errors[0])
    times = {}
    for k, call in enumerate(calls):
        outputs = len(calls), k, len(calls) + 1 + k  # the explorers come first, then the empty update, then the twins
        there, back = ("ArrowRight", "ArrowLeft") if begins_low(page, k) else ("ArrowLeft", "ArrowRight")
        keys = [there if i % 4 < 2 else back for i in range(ROUNDS)]  # no slider comes to its end
        rounds = [[press(page, output, key) for output in outputs] for key in keys]
        times[call] = Times(*map(list, zip(*rounds[FIRST:], strict=True)))
    return times


def row(name: str, call: str, times: Times) -> str:
    """Return a row of the table."""
    empty, explorer, twin = (Press(*map(statistics.median, zip(*presses, strict=True))) for presses in times)
    what = f"{name[:2]} `{call.partition('(')[0].rpartition('.')[2]}`"
    numbers = f"{explorer.decoded:.0f} | {empty.decoded:.0f} | {explorer.decoded / empty.decoded:.2f}"
    seen = f"{explorer.seen:.0f} | {empty.seen:.0f} | {explorer.seen / empty.seen:.2f}"
    return f"| {what} | {numbers} | {seen} | {twin.seen:.0f} | {twin.seen / explorer.seen:.1f} |"


def main(names: list[str]) -> None:
    print(HEAD)
    clocks = " | ".join(f"{clock}, ms | empty update, ms | ratio" for clock in ("decoded", "seen"))
    print(f"| explorer | {clocks} | `interact` seen, ms | times faster than it |")
    print(f"|---|{8 * '---:|'}")
    with tempfile.TemporaryDirectory() as folder, LAB.serve(Path(folder)) as address, browser_page(1400, 3000) as page:
        for path in project.notebooks():
            if names and path.name not in names:
                continue
            calls = extend(path, Path(folder) / path.name)
            for call, times in measure(page, address, path.name, calls).items():
                print(row(path.name, call, times), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
