"""Write the generated parts of the notebooks, execute them, and normalise the files.

python -m tools.notebooks                              all of them
python -m tools.notebooks notebooks/02_clamping.ipynb  the named ones
python -m tools.notebooks --generated                  write the generated parts alone, and execute nothing
python -m tools.notebooks --check                      change nothing, fail where a generated part is out of date
"""

import argparse
import os
import sys
from pathlib import Path

from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode

from tools import generate, nbfile, project


def execute(nb: NotebookNode, folder: Path) -> NotebookNode:
    """Run every cell, in place, in a new kernel of this environment that starts in the folder."""
    place = {"metadata": {"path": str(folder)}}
    os.environ["QUANTLIB_PROGRESS"] = ""  # whoever writes notebooks has done nothing in them
    client = NotebookClient(nb, timeout=120, kernel_name="python3", resources=place, coalesce_streams=True)
    client.record_timing = client.store_widget_state = False  # both would differ from run to run
    client.execute()
    return nb


def rebuild(path: Path) -> None:
    """Bring one notebook up to date; a notebook that fails stays as it is."""
    nb = generate.fill_notebook(nbfile.read(path), path)
    nb.metadata["kernelspec"] = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    nbfile.write(path, execute(nb, path.parent))


def check() -> None:
    names = [path.relative_to(project.ROOT).as_posix() for path in generate.stale()]
    if names:
        sys.exit(f"Out of date, run make notebooks: {', '.join(names)}")


def rebuild_all(paths: list[Path]) -> None:
    for path in paths:
        print(path.name, flush=True)
        try:
            rebuild(path)
        except CellExecutionError as error:
            sys.exit(f"{path.name} stopped with an error and was left as it was.\n{error}")
    generate.write_readme()


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m tools.notebooks")
    parser.add_argument(
        "--check", action="store_true", help="change nothing, fail where a generated part is out of date"
    )
    parser.add_argument("--generated", action="store_true", help="write the generated parts alone, and execute nothing")
    parser.add_argument("notebook", nargs="*", type=Path, help="default: every notebook in notebooks/")
    options = parser.parse_args(arguments)
    if options.check:
        check()
    elif options.generated:
        generate.write_all()
    else:
        rebuild_all([path.resolve() for path in options.notebook] or project.notebooks())


if __name__ == "__main__":
    main(sys.argv[1:])
