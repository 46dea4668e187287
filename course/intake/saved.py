"""When a file was saved, as the folder or the zip of an LMS tells."""

import zipfile
from datetime import datetime
from pathlib import Path, PurePosixPath


def saved(place: Path, path: PurePosixPath) -> str:
    """Return the time as it is written, to the minute; "" if it is not known."""
    try:
        if place.is_dir():
            when = datetime.fromtimestamp((place / path).stat().st_mtime)
        else:
            with zipfile.ZipFile(place) as archive:
                when = datetime(*archive.getinfo(str(path)).date_time)
    except (OSError, KeyError, ValueError, zipfile.BadZipFile):
        return ""
    return f"{when:%Y-%m-%d %H:%M}"
