"""Whether a function is wrong only because it computes in 16 bits: it is called again, with 32 in their place."""

from collections.abc import Callable, Sequence
from typing import Any

import torch

from .dispatch import Dispatch
from .misconception import Misconception

_NARROW = {
    torch.float16: "float16 has three or four decimal digits, and no number beyond 65504.",
    torch.bfloat16: "bfloat16 has two or three decimal digits.",
}
_HINT = "Stay in the dtype of the input, and cast, if at all, at the end."


class Widened:
    """A function that gets float32 wherever it asks torch for float16 or bfloat16; asked: for which of them it did."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function, self.asked = function, list[torch.dtype]()

    def __call__(self, *arguments: Any) -> Any:
        with _Wide(self.asked):
            return self._function(*arguments)

    def misconception(self) -> Misconception:
        """Return what to say of the function, if it asked for one of them, and is right like this."""
        name = str(self.asked[0]).removeprefix("torch.")
        return Misconception(f"computed in {name}", _NARROW[self.asked[0]], _HINT, self._function)


class _Wide(Dispatch):
    def __init__(self, asked: list[torch.dtype]) -> None:
        super().__init__()
        self._asked = asked

    def do(self, operation: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
        if kwargs.get("dtype") in _NARROW:
            self._asked.append(kwargs["dtype"])
            kwargs = kwargs | {"dtype": torch.float32}
        return operation(*args, **kwargs)
