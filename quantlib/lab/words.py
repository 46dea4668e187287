"""How numbers and counts are said: one way in every picture and sentence."""

from collections.abc import Sequence


def number(value: float) -> str:
    """Return a number for people: four significant digits, a true minus sign, no trailing zeros.

    >>> number(-0.00032254), number(22336.7)
    ('−0.0003225', '2.234e+04')
    """
    text = f"{value:.4g}" if abs(value) < 1e4 else f"{value:.3e}"
    return text.replace("-", "\N{MINUS SIGN}")


def amount(value: float) -> str:
    """Return an amount as people write it: four significant digits, or an integer with commas from 10,000 on.

    >>> amount(0.0003225), amount(22336.7)
    ('0.0003225', '22,337')
    """
    return number(value) if value < 1e4 else f"{value:,.0f}"


def fixed(value: float, digits: int) -> str:
    """Return a number with so many digits behind the point, a true minus sign, and none before a zero.

    >>> fixed(-0.5, 2), fixed(-0.0004, 3)
    ('−0.50', '0.000')
    """
    return f"{value:z.{digits}f}".replace("-", "\N{MINUS SIGN}")


def joined(words: Sequence[str]) -> str:
    """Return words as a list in a sentence.

    >>> joined(["s"]), joined(["x", "s", "z"])
    ('s', 'x, s and z')
    """
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


def clips(clipped: int, count: int, verb: str = "clip") -> str:
    """Say how many of so many values clip, or do something else.

    >>> clips(0, 9), clips(1, 9), clips(1200, 589824)
    ('no value clips', '1 of 9 values clips', '1,200 of 589,824 values clip')
    """
    if not clipped:
        return f"no value {verb}s"
    return f"{clipped:,} of {count:,} values {verb}{'s' * (clipped == 1)}"


def article(noun: str) -> str:
    """Return a noun with its article.

    >>> article("int"), article("tensor")
    ('an int', 'a tensor')
    """
    return f"{'an' if noun[:1].lower() in 'aeiou' else 'a'} {noun}"


def sentence(text: str) -> str:
    """Return a text with a full stop, unless it already ends like a sentence."""
    return text if text.endswith((".", "?", "!")) else text + "."
