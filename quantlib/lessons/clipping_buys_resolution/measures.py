"""What the proofs of notebook 06 measure: errors at an alpha, the best levels in theory, five methods side by side."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from quantlib.affine import fake_quantize
from quantlib.calibration.histogram import Histogram
from quantlib.metrics import mse

from .clip import clip_edge
from .exercises import quantize_to
from .methods import CHOOSE, NAMES


def error(x: Tensor, alpha: float, bits: int) -> float:
    """Return the MSE of the levels up to alpha, over the mean square of x.

    >>> error(torch.tensor([3.0, 4.0]), 3.0, 3)
    0.04
    """
    return mse(x, quantize_to(x, alpha, bits)) / mse(x, torch.zeros_like(x))


def parts(x: Tensor, alpha: float, bits: int) -> tuple[float, float]:
    """Return the mean squares of the clipping and of the rounding error.

    >>> parts(torch.tensor([2.5, 5.0]), 3.0, 3)
    (2.0, 0.125)
    """
    squares, clips = (x - quantize_to(x, alpha, bits)).double().square(), x.abs() > clip_edge(alpha, bits)
    return (squares * clips).mean().item(), (squares * ~clips).mean().item()


def best_of(x: Tensor, bits: int, alphas: Sequence[float]) -> float:
    """Return the one of alphas with the smallest error.

    >>> best_of(torch.tensor([1.0, 2.0, 3.0]), 3, (1.5, 3.0, 6.0))
    3.0
    """
    return min(alphas, key=lambda alpha: error(x, alpha, bits))


def best_in_theory(levels: int) -> float:
    """Return the smallest MSE that so many equally spaced levels reach on a Gaussian with mean 0 and deviation 1.

    The levels lie half on each side of 0.0, and s apart. For many s the squared error is integrated over the density.

    Source: the errors for 4, 8 and 16 levels are those of Max 1960, doi:10.1109/TIT.1960.1057548.

    >>> round(best_in_theory(4), 3)
    0.119
    """
    x = torch.linspace(-8, 8, 4001, dtype=torch.float64)
    density = (-x.square() / 2).softmax(dim=0)
    half, errors = (levels - 1) / 2, []
    for s in (torch.arange(1.0, 4.5, 0.02) / half).tolist():
        k = (x / s + half).round().clamp(0, levels - 1)  # the levels are at (k - half) s
        errors.append((density * (x - (k - half) * s).square()).sum().item())
    return min(errors)


def five_methods(x: Tensor, bits: int) -> dict[str, tuple[float, float]]:
    """Return for each method alpha in standard deviations, and the error in percent of the mean square of x."""
    seen, found = Histogram().observe(x), {}
    for name, choose in zip(NAMES, CHOOSE, strict=True):
        qp = choose(x if name == "min-max" else seen, bits, symmetric=True, narrow=True)
        part = mse(x, fake_quantize(x, *qp)) / mse(x, torch.zeros_like(x))
        found[name] = float(qp.scale) * qp.quant_max / x.std().item(), 100 * part
    return found


def table(found: Mapping[str, Mapping[str, tuple[float, float]]]) -> str:
    """Return what `five_methods` found on several sets of numbers as a table: a column for each set."""
    lines = [" " * 11 + "".join(f"{name:>16}" for name in found)]
    for method in NAMES:
        cells = ("{:8.2f} {:5.2f} %".format(*found[name][method]) for name in found)
        lines.append(f"{method:11}{''.join(cells)}")
    return "\n".join(lines)
