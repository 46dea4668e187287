"""The one exception for a caller's mistake."""

from torch import Tensor


class QuantlibError(ValueError):
    """A caller's mistake, told in three parts: the rule, what came, what to do."""

    def __init__(self, rule: str, got: object, advice: str) -> None:
        super().__init__(f"{rule}, got {got}; {advice}")


def what_came(value: object) -> str:
    """Say what came where a tensor of some shape was asked for.

    >>> what_came(2), what_came(None)
    ('int', 'NoneType')
    """
    return f"{value.dtype} of shape {tuple(value.shape)}" if isinstance(value, Tensor) else type(value).__name__
