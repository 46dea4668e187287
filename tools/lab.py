"""Prepare the working copies and open JupyterLab on them.

    python -m tools.lab [options of jupyter lab, such as --no-browser or --port=9999]

The learner's own JupyterLab settings are not changed: our settings and workspace are files of our own.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

from jupyterlab.labapp import LabApp
from jupyterlab_server.workspaces_handler import WorkspacesManager

from tools import copies, project

SETTINGS = Path(__file__).with_name("lab_settings")  # overrides.json: no news, no update check
CONTENTS = "@jupyterlab/toc:plugin"  # the id of the table of contents


def workspace(first: str) -> dict[str, Any]:
    """Describe a window with one open notebook and its table of contents on the left."""
    tab = f"notebook:{first}"
    left = {"collapsed": False, "visible": True, "current": CONTENTS, "widgets": ["filebrowser", CONTENTS]}
    main = {"dock": {"type": "tab-area", "currentIndex": 0, "widgets": [tab]}, "current": tab}
    layout = {"main": main, "left": left, "relativeSizes": [0.22, 0.78, 0]}
    opened = {"data": {"path": first, "factory": "Notebook"}}
    return {"data": {"layout-restorer:data": layout, tab: opened}, "metadata": {"id": "default"}}


def workspaces(folder: Path) -> Path:
    """Give the folder, among the copies, in which JupyterLab keeps what is open."""
    return folder / ".workspaces"


def prepare_workspace(folder: Path) -> None:
    """Save the first window of JupyterLab on the copies, unless the learner has one already."""
    names = [path.relative_to(folder).as_posix() for path in project.notebooks(folder)]
    manager = WorkspacesManager(str(workspaces(folder)))
    if names and not manager.list_workspaces():
        manager.save("default", json.dumps(workspace(names[0])))


def options(folder: Path) -> list[str]:
    settings = [
        f"--ServerApp.root_dir={folder}",
        f"--LabApp.app_settings_dir={SETTINGS}",
        f"--LabApp.workspaces_dir={workspaces(folder)}",
    ]
    # Jupyter refuses to run as root unless told so; only containers have a learner who is root.
    return [*settings, "--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else settings


def main(arguments: list[str]) -> None:
    folder = copies.place()
    if folder != copies.COPIES:
        print(f"{project.ROOT} cannot be written to. Your notebooks are in {folder}.")
    # Kernels find quantlib there, wherever the copies lie, and also if the setup cell was not run.
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(project.ROOT), os.getenv("PYTHONPATH", "")]))
    for sentence in copies.prepare(copies=folder):
        print(sentence)
    prepare_workspace(folder)
    os.environ.setdefault("QUANTLIB_PROGRESS", str(folder / "progress.jsonl"))  # where kernels note what is done
    LabApp.launch_instance([*options(folder), *arguments])


if __name__ == "__main__":
    main(sys.argv[1:])
