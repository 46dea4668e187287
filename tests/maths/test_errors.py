"""One exception for a caller's mistake."""

from quantlib import QuantlibError


def test_an_error_says_the_rule_what_came_and_what_to_do():
    assert str(QuantlibError("bits is an integer", 8.0, "use 8")) == "bits is an integer, got 8.0; use 8"


def test_an_error_is_a_value_error():
    assert issubclass(QuantlibError, ValueError)
