"""Time from a key press to the new picture, in JupyterLab in headless Chromium.

    python -m benchmarks.latency

Each explorer is timed beside an HTML widget that shows only a number (the floor: what the browser, JupyterLab and the
kernel take for any update) and beside `interact` with `plt.show()` that draws the same figure from scratch. The keys go
to the three in turn, so that a busy machine slows all alike. A picture counts as new once it is decoded.
"""

import datetime
import platform
import statistics
import tempfile
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_notebook
from playwright.sync_api import Page

from tests.jupyter import browser_page, lab, open_notebook, run_all

ROUNDS = 40

T = "torch.tensor([[191.6, -13.5, 728.6], [92.14, 295.5, -184.0], [0.0, 684.6, 245.5]])"
WEIGHTS = (
    'scale=Slider("s", "scale s", 0.0625, 0.0005, 0.08, 0.0005), '
    'zero_point=Slider("z", "zero point z", 0, -128, 127, 1),'
    " limits=(-2, 9), window=(slice(90, 108), slice(844, 868))"
)
SETUP = """
import ipywidgets, torch
import matplotlib.pyplot as plt
from quantlib.data import load_weight
from quantlib.lab import Slider, explore_affine, explorers, figures, style
%matplotlib inline
"""
EMPTY = """
page = ipywidgets.HTML("0")
empty = ipywidgets.IntSlider(description="empty", min=-128, max=127)
empty.observe(lambda change: setattr(page, "value", f"<p>{change['new']}</p>"), "value")
display(ipywidgets.VBox([empty, page]))
"""
INTERACT = """
x, inputs = %s, torch.linspace(-21, 21, 961)
def draw(z):
    with style.house_style():
        figure = plt.figure(figsize=explorers.AFFINE_SIZE, dpi=explorers.EXPLORER_DPI)
        view = figures.make_view(x, 3.5, z, -128, 127, inputs)
        for panel in explorers.affine_panels(figure, x, inputs, (-400, 1000), None):
            panel.update(view)
        plt.show()
ipywidgets.interact(draw, z=ipywidgets.IntSlider(description="interact", min=-128, max=127, value=-70));
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
      resolve(performance.now() - began);
    });
    observer.observe(output, {childList: true, subtree: true});
  });
}
"""


def notebook(path: Path) -> None:
    """Write the notebook that is timed."""
    weights = f'explore_affine(load_weight("ffn_down"), {WEIGHTS})'
    cells = [SETUP, EMPTY, f"explore_affine({T})", weights, INTERACT % T]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(new_notebook(cells=[new_code_cell(cell.strip()) for cell in cells], metadata=kernel), path)


def press(page: Page, output: int, slider: int, key: str) -> float:
    """Press a key on a slider and return the milliseconds until its output shows something new."""
    page.locator(".jp-OutputArea:has(.widget-slider)").nth(output).locator(".noUi-handle").nth(slider).focus()
    page.evaluate(WATCH)
    page.keyboard.press(key)
    took: float = page.evaluate("Promise.race([window.took, new Promise(r => setTimeout(() => r(NaN), 5000))])")
    page.wait_for_timeout(250)  # until kernel and page are at rest
    return took


def measure(rounds: int = ROUNDS) -> dict[str, list[float]]:
    """Return the times in milliseconds, interleaved, for each of the four outputs."""
    names = {"empty update": (0, 0), "explore_affine on T": (1, 1), "explore_affine on 589,824 weights": (2, 1)}
    names["interact with plt.show()"] = (3, 0)
    with tempfile.TemporaryDirectory() as folder, lab(Path(folder)) as address, browser_page(1400, 3000) as page:
        notebook(Path(folder) / "latency.ipynb")
        open_notebook(page, address, "latency.ipynb")
        if errors := run_all(page):
            raise RuntimeError(errors[0])
        times: dict[str, list[float]] = {name: [] for name in names}
        for i in range(rounds):
            for name, (output, slider) in names.items():
                times[name].append(press(page, output, slider, "ArrowRight" if i % 20 < 10 else "ArrowLeft"))
    return {name: taken[2:] for name, taken in times.items()}  # the first presses load code


def main() -> None:
    times = measure()
    medians = {name: statistics.median(taken) for name, taken in times.items()}
    floor, naive = medians["empty update"], medians["interact with plt.show()"]
    print(f"Key press to new picture, {datetime.date.today()}, {platform.machine()}, median of {ROUNDS - 2} presses\n")
    print("| What is moved | ms | times the empty update | interact takes so many times longer |\n|---|---:|---:|---:|")
    for name, taken in medians.items():
        print(f"| {name} | {taken:.0f} | {taken / floor:.2f} | {naive / taken:.1f} |")


if __name__ == "__main__":
    main()
