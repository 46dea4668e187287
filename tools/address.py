"""Set the repository's address and write everything again that contains it.

python -m tools.address                             takes the address of the remote named origin
python -m tools.address https://github.com/me/repo  takes this one
"""

import re
import subprocess
import sys

from tools import generate, project

# https (a user name or a token before the @ is dropped), ssh:// and git@github.com:me/repo
_GITHUB = re.compile(
    r"(?:https://(?:[^@/]+@)?github\.com/|ssh://git@github\.com/|git@github\.com:)"
    r"(?P<owner>[A-Za-z0-9][A-Za-z0-9-]*)/(?P<name>[A-Za-z0-9._-]+?)(?:\.git)?/?"
)
_REPOSITORY = re.compile(r'^(Repository = )".*"$', re.MULTILINE)


def parse(text: str) -> str:
    """Give the https address of a GitHub repository that is written in any of the usual ways."""
    match = _GITHUB.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"the address must look like https://github.com/me/repo, got {text!r}")
    return f"https://github.com/{match['owner']}/{match['name']}"


def with_address(pyproject: str, url: str) -> str:
    """Give the text of pyproject.toml with this address in it."""
    text, count = _REPOSITORY.subn(rf'\1"{url}"', pyproject)
    if count != 1:
        raise ValueError(f"pyproject.toml needs exactly one line that begins with Repository = , found {count}")
    return text


def origin() -> str:
    """Ask git for the address of the remote named origin."""
    git = subprocess.run(
        ["git", "remote", "get-url", "origin"], cwd=project.ROOT, capture_output=True, text=True, check=False
    )
    if git.returncode != 0:
        raise ValueError(
            "git knows no remote named origin; give the address: make address URL=https://github.com/me/repo"
        )
    return git.stdout


def main(arguments: list[str]) -> None:
    try:
        url = parse(arguments[0] if arguments else origin())
    except ValueError as error:
        sys.exit(f"{error}")
    pyproject = project.PYPROJECT.read_text(encoding="utf-8")
    project.PYPROJECT.write_text(with_address(pyproject, url), encoding="utf-8", newline="\n")
    generate.write_all()
    print(f"The address is {url}.")


if __name__ == "__main__":
    main(sys.argv[1:])
