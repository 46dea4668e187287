"""A look at every operation of torch while a learner's function runs."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

from torch.utils._python_dispatch import TorchDispatchMode


class Dispatch(TorchDispatchMode):
    """A context in which every operation of torch is done by `do`. What numpy does is hidden from it."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]

    @abstractmethod
    def do(self, operation: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
        """Do one operation, and return its result."""

    def __torch_dispatch__(self, operation: Any, types: Any, args: Sequence[Any] = (), kwargs: Any = None) -> Any:
        return self.do(operation, args, kwargs or {})

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Else torch loads its compiler at the first operation, which takes more seconds than a check may take."""
        return False
