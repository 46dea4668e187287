"""The README's examples print what the page shows."""

import doctest
import re

from tools import project

TEXT = project.README.read_text(encoding="utf-8")


def test_every_example_prints_what_the_page_shows():
    blocks = re.findall(r"^```pycon\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
    examples = doctest.DocTestParser().get_doctest("\n".join(blocks), {}, "README.md", "README.md", 0)
    ran = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE).run(examples)
    assert "Looks like: " in blocks[0]  # a mistake is named
    assert len(blocks) == 2 and ran.attempted >= 9 and not ran.failed
