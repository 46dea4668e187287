"""What the networks in this folder share: reading a file, the hook on activations, layers, checks of what is given."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from torch import Tensor
from torch.nn.functional import layer_norm, linear

from ..errors import QuantlibError, what_came

# Called with a matrix's name and its input, wherever a network multiplies; the network goes on with what it returns.
# So it observes, if it returns x itself, and quantizes, if it returns what x would come back as.
Act = Callable[[str, Tensor], Tensor]


def read_tensors(path: Path, names: Iterable[str]) -> dict[str, Tensor]:
    """Return tensors of a file by name, in memory of their own, not in windows on the mapped file."""
    from safetensors import safe_open  # here, so that importing quantlib.data stays light

    with safe_open(path, framework="pt") as file:
        return {name: file.get_tensor(name).clone() for name in names}


def read_metadata(path: Path) -> dict[str, str]:
    """Return what a file says about itself in its header."""
    from safetensors import safe_open

    with safe_open(path, framework="pt") as file:
        return dict(file.metadata())


def unchanged(name: str, x: Tensor) -> Tensor:
    """Return x: the hook that does nothing."""
    return x


def apply_matrix(weights: Mapping[str, Tensor], name: str, x: Tensor, act: Act) -> Tensor:
    """Return act(name, x) @ w.T + b, for the weight and, if there is one, the bias of a name."""
    return linear(act(name, x), weights[f"{name}.weight"], weights.get(f"{name}.bias"))


def apply_norm(weights: Mapping[str, Tensor], name: str, x: Tensor, epsilon: float) -> Tensor:
    """Return x of mean 0 and variance 1 along its last axis, times the weight of a name, plus its bias."""
    return layer_norm(x, x.shape[-1:], weights[f"{name}.weight"], weights[f"{name}.bias"], epsilon)


def check_weights(weights: Mapping[str, Tensor], shapes: Mapping[str, tuple[int, ...]], loader: str) -> None:
    """Raise a QuantlibError unless a network has all its tensors, in their shapes."""
    for name, shape in shapes.items():
        weight = weights.get(name)
        if not isinstance(weight, Tensor) or weight.shape != shape:
            rule = f"the network needs {name!r} of shape {shape}"
            raise QuantlibError(rule, what_came(weight), f"start from {loader}() and replace tensors by name")


def check_ids(ids: object, length: int, count: int, advice: str) -> None:
    """Raise a QuantlibError unless ids are rows of up to `length` integers from 0 to count - 1."""
    rows = isinstance(ids, Tensor) and ids.ndim == 2 and not ids.is_floating_point() and not ids.is_complex()
    if not isinstance(ids, Tensor) or not rows or not 0 < ids.shape[1] <= length:
        raise QuantlibError(f"ids must be rows of 1 to {length} integers", what_came(ids), advice)
    if ids.numel() and not 0 <= ids.min() <= ids.max() < count:
        got = f"{ids.min().item()} to {ids.max().item()}"
        raise QuantlibError(f"ids must be from 0 to {count - 1}", got, advice)
