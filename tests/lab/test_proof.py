"""Proofs: folded on the page, the same text without one, and no error stays hidden."""

import pytest

from quantlib.lab import proof as module
from quantlib.lab.proof import proof


@pytest.fixture
def displayed(monkeypatch):
    shown = []
    monkeypatch.setattr(module, "display", lambda data, raw: shown.append(data))
    return shown


def test_what_is_printed_is_folded_under_the_title(displayed, capsys):
    with proof("how many"):
        count = 3
        print(count, "< 4")
    (bundle,) = displayed
    assert count == 3 and capsys.readouterr().out == ""
    assert bundle["text/plain"] == "3 < 4"
    before, folded = bundle["text/html"].split("</summary>")
    assert before == "<details><summary>Proof: how many" and "3 &lt; 4" in folded


def test_a_claim_that_fails_is_shown_with_what_was_printed(displayed, capsys):
    with pytest.raises(AssertionError), proof("how many"):
        print("before")
        raise AssertionError
    assert displayed == [] and capsys.readouterr().out == "before\n"
