"""Builds the book: a site of the notebooks as they are committed, of the problem sets, and one live page.

python -m tools.book                writes build/book, and executes nothing
python -m tools.book FOLDER         writes it into a new folder
"""

import base64
import hashlib
import html
import re
import shutil
import sys
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory

from fontTools import subset
from matplotlib.font_manager import FontProperties, findfont
from nbformat import NotebookNode
from sphinx.cmd.build import main as sphinx
from torch import Tensor

from quantlib.data import T
from quantlib.lab import style
from tools import generate, nbfile, project

SOURCE = project.ROOT / "docs" / "book"
SITE = project.ROOT / "build" / "book"
RUN_THIS = "<p>To move the sliders, run this cell.</p>"  # how a saved explorer ends
_PICTURE = re.compile(r'<img ([^>]*)src="data:image/png;base64,([^"]+)">')
_QUESTION = re.compile(r"^## \d+\. (.+)\n\n\*(\d+) points\.\*", re.MULTILINE)


def build(site: Path) -> None:
    """Write the pages, let Sphinx make a site of them in a new folder, and put pictures and the live page beside."""
    (site / "pictures").mkdir(parents=True)
    write_live(site / "live")
    with TemporaryDirectory() as pages:
        write_pages(Path(pages), site / "pictures")
        if sphinx(["-q", "-W", "--keep-going", "-c", str(SOURCE), pages, str(site), "-d", f"{pages}/.read"]):
            raise SystemExit("Sphinx has complained: see above.")
    write(site / "_static" / "inks.css", inks())


def write_pages(pages: Path, pictures: Path) -> None:
    """Write all that Sphinx reads, and the pictures, which it need not know."""
    for path in project.notebooks():
        write(pages / f"{path.stem}.md", Chapter(path, pictures).text())
    write(pages / "problem_sets.md", problem_sets())
    write(pages / "conventions.md", (project.ROOT / "docs" / "conventions.md").read_text(encoding="utf-8"))
    write(pages / "index.md", index())


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")


class Chapter:
    """The page of one notebook, in Markdown with HTML where a notebook has it; its pictures become files.

    Args:
        path: of the notebook.
        pictures: the folder that its pictures are written into.
    """

    def __init__(self, path: Path, pictures: Path) -> None:
        self.path, self._pictures = path, pictures

    def text(self) -> str:
        """Return the whole page."""
        cells = nbfile.read(self.path).cells
        return "\n\n".join(cell.source if cell.cell_type == "markdown" else self._code(cell) for cell in cells)

    def _code(self, cell: NotebookNode) -> str:
        """Return a code cell: what is folded in the notebook stays so, and where its output folds, within that."""
        code = _fenced(f":class: cell\n\n{cell.source}", "{code-block} python")
        said = "".join(map(self._output, cell.outputs))
        said = f'<div class="{_kind(cell)}">{said}</div>' if said else ""
        if not cell.metadata.get("jupyter", {}).get("source_hidden"):
            return f"{code}\n\n{_raw(said)}"
        if "</details>" not in said:
            name = "Setup" if "setup" in cell.metadata.get("tags", []) else "The code"
            return _fold(name, code) + _raw(said)
        opened, closed = said.rsplit("</details>", 1)
        inside = code if cell.source.startswith("with lab.proof(") else _fold("The code of this question", code)
        return f"{_raw(opened)}\n\n{inside}\n\n{_raw(f'</details>{closed}')}"

    def _output(self, output: NotebookNode) -> str:
        """Return an output as HTML; of one that was live only the picture is left, and how to make it move."""
        data = output.get("data", {})
        if "text/html" not in data:
            text = output.get("text") or data.get("text/plain", "")
            return f'<pre class="printed">{html.escape(text.rstrip())}</pre>' if text else ""
        shown = re.sub(r"<style>.*?</style>", "", data["text/html"])
        shown = _PICTURE.sub(self._to_file, shown).replace(RUN_THIS, self._to_move())
        shown = shown.replace("run this cell.", "open the notebook.")
        return f'<div class="shown">{shown}</div>'

    def _to_file(self, found: re.Match[str]) -> str:
        """Write a picture into a file that is called by what is in it, and return its element."""
        png = base64.b64decode(found[2])
        name = f"{hashlib.sha256(png).hexdigest()[:16]}.png"
        (self._pictures / name).write_bytes(png)
        return f'<div class="picture"><img {found[1]}src="pictures/{name}" loading="lazy"></div>'

    def _to_move(self) -> str:
        """Say how the picture above is made to move."""
        ways = [f"type <code>make lab</code> and open <b>{self.path.stem}</b>"]
        if project.address():
            ways.insert(0, f'<a href="{generate.colab_link(self.path)}">open it in Colab</a>')
        said = f"In the notebook it has sliders: {', or '.join(ways)}."
        if self.path.stem == LIVELY:
            said = f'Here you can <a href="{LIVE}">move the ruler of T in your browser</a>. {said}'
        return f'<p class="to-move">{KNOBS}<span><b>This picture moves.</b> {said}</span></p>'


LETTERS = "".join(map(chr, range(32, 127))) + "−×·…’“”←→∞²"
LIVELY = "01_affine_formula"  # the notebook whose explorer lives in a page too
LIVE = "live/index.html?from=book"
KNOBS = '<span class="knobs" aria-hidden="true"><i></i><i></i></span>'


def _kind(cell: NotebookNode) -> str:
    """Return what an output is, for the style: a prediction, a proof, what a check said, or another."""
    kinds = {"lab.predict(": "asked", "with lab.proof(": "proved", "lab.check_": "checked"}
    return next((kind for word, kind in kinds.items() if word in cell.source), "said")


def _fenced(text: str, kind: str) -> str:
    return f"````````{kind}\n{text}\n````````"


def _raw(text: str) -> str:
    return _fenced(text, "{raw} html") if text else ""


def _fold(name: str, content: str) -> str:
    opened = f'<details class="code"><summary>{name}</summary>'
    return f"{_raw(opened)}\n\n{content}\n\n{_raw('</details>')}\n\n"


# --- the pages that are no notebooks


def parts() -> Iterator[tuple[str, list[generate.About]]]:
    """Give each Part of the suite: its title, and what its notebooks say about themselves."""
    notebooks = map(generate.about, project.notebooks())
    for first, group in groupby(notebooks, generate.part_of):
        yield generate.PARTS[first], list(group)


def index() -> str:
    """Return the first page: the head, which is written by hand, and the map of the suite."""
    head = (SOURCE / "index.md").read_text(encoding="utf-8")
    return head.replace("LIVE", LIVE) + "\n\n".join(_part(title, chapters) for title, chapters in parts()) + _LAST


def _part(title: str, chapters: list[generate.About]) -> str:
    minutes = sum(chapter.minutes for chapter in chapters)
    tree = _toctree(title, [chapter.path.stem for chapter in chapters])
    cards = "".join(map(_card, chapters))
    return f"## {title}\n\n{_raw(f'<p class=minutes>{minutes} minutes</p><ol class=cards>{cards}</ol>')}\n\n{tree}"


def _card(chapter: generate.About) -> str:
    code = "\n".join(cell.source for cell in nbfile.read(chapter.path).cells if cell.cell_type == "code")
    counts = [
        f"{chapter.minutes} minutes",
        _counted(len(set(re.findall(r"lab\.check_\w+", code))), "exercise"),
        _counted(len(re.findall(r"lab\.explore_\w+\(", code)), "moving picture"),
    ]
    about = " · ".join(filter(None, counts))
    inside = f"<b>{chapter.name}</b> <span>{html.escape(chapter.question)}</span> <small>{about}</small>"
    return f'<li><a href="{chapter.path.stem}.html">{inside}</a></li>'


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'s' * (count != 1)}" if count else ""


def _toctree(title: str, names: list[str]) -> str:
    return _fenced(f":hidden:\n:caption: {title}\n\n" + "\n".join(names), "{toctree}")


_LAST = "\n\n" + _toctree("Beside the notebooks", ["problem_sets", "conventions"])


def problem_sets() -> str:
    """Return the overview of the problem sets: what each asks, and for how many points."""
    head = (SOURCE / "problem_sets.md").read_text(encoding="utf-8")
    return head + "\n\n".join(map(_problem_set, project.releases()))


def _problem_set(path: Path) -> str:
    markdown = [cell.source for cell in nbfile.read(path).cells if cell.cell_type == "markdown"]
    title, _, rest = markdown[0].partition("\n\n")
    lines = [f"| {question} | {points} |" for question, points in _QUESTION.findall("\n\n".join(markdown))]
    need = rest.split("\n\n")[1].split(". ")[0]
    return "\n".join([f"#{title}\n", f"{need}.\n", "| Question | Points |", "|---|---|", *lines])


# --- the live page


def inks() -> str:
    """Return the colours of the figures as CSS variables, so that they stand in quantlib/lab/style.py alone."""
    names = [name for name, value in vars(style).items() if isinstance(value, str) and value.startswith("#")]
    lines = [f"  --{name.lower().replace('_', '-')}: {getattr(style, name)};" for name in names]
    return ":root {\n" + "\n".join(lines) + "\n}\n"


def write_live(folder: Path) -> None:
    """Write the live page into a folder that can be sent to somebody as it is."""
    shutil.copytree(SOURCE / "live", folder)
    page = folder / "index.html"
    write(page, page.read_text(encoding="utf-8").replace("MATRIX", shortest(T)))
    write(folder / "inks.css", inks())
    for name, weight in (("sans", "normal"), ("sans-bold", "bold")):
        write_font(folder / f"{name}.woff", weight)


def shortest(x: Tensor) -> str:
    """Return a matrix as JSON, each number with as few digits as tell it from its neighbours in float32."""
    return str([[float(str(value)) for value in row] for row in x.numpy()])


def write_font(path: Path, weight: str) -> None:
    """Write the letters of the figures' font that a page may need, as a font for browsers."""
    face = findfont(FontProperties(family="DejaVu Sans", weight=weight))
    options = subset.Options(flavor="woff", drop_tables=[*subset.Options().drop_tables, "FFTM"])
    font = subset.load_font(face, options)
    needed = subset.Subsetter(options)
    needed.populate(text=LETTERS)
    needed.subset(font)
    subset.save_font(font, str(path), options)


def main(arguments: list[str]) -> None:
    site = Path(arguments[0]).resolve() if arguments else SITE
    if arguments and site.exists():
        sys.exit(f"{site} is there already: give a new folder.")
    if site == SITE:
        shutil.rmtree(SITE, ignore_errors=True)
    build(site)
    print(f"Open {site / 'index.html'}, or {site / 'live' / 'index.html'}, which needs no other file than its folder.")


if __name__ == "__main__":
    main(sys.argv[1:])
