"""The one exception for a caller's mistake."""


class QuantlibError(ValueError):
    """A caller's mistake, told in three parts: the rule, what came, what to do."""

    def __init__(self, rule: str, got: object, advice: str) -> None:
        super().__init__(f"{rule}, got {got}; {advice}")
